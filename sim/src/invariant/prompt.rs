//! What a life knows of the messages it received: blobs, the prompting message, what is inherited (M3).

use crate::event::{Event, Kind, Life, What};
use crate::invariant::lives::entry;
use crate::invariant::{Invariant, Past, Rule};
use crate::trace::life_text;
use kernel_core::{Address, Answer, Blob, CallKind, Cause, Content, Message, MessageId, Names};
use std::rc::Rc;

/// What one life was told last.
#[derive(Clone, Debug, Default)]
struct Told {
    life: u32,
    /// Whether the last message had a blob.
    blobbed: bool,
    /// The blob of the last message that had one.
    last_blob: Option<Blob>,
    /// What is answered and inherited from.
    prompting: Option<Rc<Message>>,
    /// What prompted a request that waits for its outcome, if anything did: it does again then.
    prompted: Vec<(MessageId, Rc<Message>)>,
}

/// M3.
#[derive(Clone, Debug, Default)]
pub struct PromptedAsReceived {
    told: Vec<Vec<Told>>,
}

impl PromptedAsReceived {
    fn told(&mut self, event: &Event, life: Life) -> &mut Told {
        let told = entry(entry(&mut self.told, event.node.0), life.process.0);
        if told.life != life.number {
            *told = Told { life: life.number, ..Told::default() };
        }
        told
    }

    fn on_sent(&mut self, event: &Event, message: &Rc<Message>, past: &Past, names: &Names) -> Result<(), String> {
        let Address { node, process } = message.source;
        // What a module or a dead process says, nothing prompted.
        if process.is_module() || node != event.node {
            return Ok(());
        }
        let Some(number) = past.lives.life(node, process) else { return Ok(()) };
        let told = self.told(event, Life { process, number });
        let wrong = match &message.content {
            Content::Request(request) => {
                let wrong = request.inherit.then(|| wrongly_inherited(message, told)).flatten();
                if let (Some(_), Some(prompting)) = (request.expects_response, &told.prompting) {
                    told.prompted.push((message.id, prompting.clone()));
                }
                wrong
            }
            Content::Response(response) => match &told.prompting {
                Some(prompting) if message.id != prompting.id || message.target != prompting.reply_to() => {
                    Some("is not to what prompted it")
                }
                Some(_) if response.inherit && message.blob != told.last_blob => Some("has not the blob it inherits"),
                Some(_) | None => None,
            },
        };
        match wrong {
            Some(wrong) => {
                let who = names.address_text(message.source);
                Err(format!("a message of {who} (#{}) {wrong}", message.cause.0))
            }
            None => Ok(()),
        }
    }
}

/// What is wrong with a request that inherits, if anything is.
fn wrongly_inherited(message: &Message, told: &Told) -> Option<&'static str> {
    let expects = message.expects_response().is_some();
    match &told.prompting {
        _ if message.blob.is_none() && told.last_blob.is_some() => Some("has not the blob it inherits"),
        Some(prompting) if expects && message.id == prompting.id => {
            Some("has no id of its own, and expects a response")
        }
        Some(prompting) if !expects && message.id != prompting.id => Some("has not the id of what prompted it"),
        Some(prompting) if !expects && message.rsvp != prompting.rsvp => Some("has not the rsvp of what prompted it"),
        Some(_) | None => None,
    }
}

impl Told {
    fn note_blob(&mut self, message: &Message) {
        self.blobbed = message.blob.is_some();
        if self.blobbed {
            self.last_blob.clone_from(&message.blob);
        }
    }

    fn settle(&mut self, id: MessageId) {
        let place = self.prompted.iter().position(|(asked, _)| *asked == id);
        self.prompting = place.map(|place| self.prompted.swap_remove(place).1);
    }

    fn on_received(&mut self, message: &Rc<Message>) {
        self.note_blob(message);
        if !message.is_request() {
            self.settle(message.id);
        } else if message.expects_response().is_some() || message.rsvp.is_some() {
            self.prompting = Some(message.clone());
        }
    }

    /// Whether a call may give this back.
    fn may_learn(&self, call: CallKind, answer: &Answer) -> bool {
        match (call, answer) {
            (CallKind::HasBlob, Answer::HasBlob(has)) => *has == self.blobbed,
            (CallKind::GetBlob, Answer::Blob(blob)) => *blob == self.last_blob.clone().filter(|_| self.blobbed),
            (CallKind::LastBlob, Answer::Blob(blob)) => *blob == self.last_blob,
            (_, _) => true,
        }
    }
}

impl Invariant for PromptedAsReceived {
    fn rule(&self) -> Rule {
        Rule { id: "M3", says: "blobs, prompting message and inheritance are those of the message received last" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Sent, Kind::Received, Kind::ReceivedError, Kind::Learned]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Sent(message) => return self.on_sent(event, message, past, names),
            What::Received(life, message) => self.told(event, *life).on_received(message),
            What::ReceivedError(life, _, message) => {
                let told = self.told(event, *life);
                told.blobbed = false;
                told.settle(message.id);
            }
            What::Learned(life, call, answer) if !self.told(event, *life).may_learn(*call, answer) => {
                let (who, call) = (life_text(*life, names), call.name());
                return Err(format!("{call} of {who} gives back what is not of the message it received last"));
            }
            _ => {}
        }
        Ok(())
    }
}
