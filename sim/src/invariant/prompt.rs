//! What a life sends and receives belongs to its calls and to the messages it received: blobs, contexts, the prompting
//! message, what is inherited (M3).

use crate::invariant::lives::entry;
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, Life, What};
use crate::trace::life_text;
use kernel_core::{
    Address, Answer, Blob, Bytes, Call, CallKind, Cause, Content, Message, MessageId, Names, Outgoing, Request,
    Response, Rule,
};
use std::rc::Rc;

/// What one life received last.
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
    /// Its latest call that sends something, and how much of that was sent.
    said: Option<(Cause, Call, usize)>,
    /// Contexts that are to come back with the outcome of a request.
    contexts: Vec<(MessageId, Bytes)>,
    /// The request for whose outcome it waits, and nothing else.
    awaits: Option<MessageId>,
}

/// One of the messages that a call sends.
enum Said<'c> {
    Request(&'c Outgoing),
    Response(&'c Response, &'c Option<Blob>),
}

/// The n-th message that a call sends.
fn said(call: &Call, n: usize) -> Option<Said<'_>> {
    match (call, n) {
        (Call::SendRequest(outgoing) | Call::SendAndAwaitResponse(outgoing), 0) => Some(Said::Request(outgoing)),
        (Call::SendRequests(list), n) => Some(Said::Request(list.get(n)?)),
        (Call::SendResponse(response), 0) => Some(Said::Response(&response.0, &response.1)),
        (_, _) => None,
    }
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
        // Nothing prompted what a module or a dead process sends.
        if process.is_module() || node != event.node {
            return Ok(());
        }
        let Some(number) = past.lives.life(node, process) else { return Ok(()) };
        let told = self.told(event, Life { process, number });
        let as_asked = told.on_said(message);
        let wrong = match &message.content {
            Content::Request(request) => {
                let wrong = request.inherit.then(|| wrongly_inherited(message, told)).flatten();
                if let (Some(_), Some(prompting)) = (request.expects_response, &told.prompting) {
                    told.prompted.push((message.id, prompting.clone()));
                }
                as_asked.or(wrong)
            }
            Content::Response(_) => as_asked.or_else(|| wrongly_answered(message, told)),
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
        // Each node counts its messages by itself: one of another node may have the same id by chance.
        Some(prompting) if expects && message.id == prompting.id && message.source.node == prompting.source.node => {
            Some("has no id of its own, and expects a response")
        }
        Some(prompting) if !expects && message.id != prompting.id => Some("has not the id of what prompted it"),
        Some(prompting) if !expects && message.rsvp != prompting.rsvp => Some("has not the rsvp of what prompted it"),
        Some(_) | None => None,
    }
}

/// What is wrong with a response, if anything is.
fn wrongly_answered(message: &Message, told: &Told) -> Option<&'static str> {
    let to_nobody = message.target == message.source && message.id == MessageId(0);
    match &told.prompting {
        Some(prompting) if message.id != prompting.id || message.target != prompting.reply_to() => {
            Some("is not to what prompted it")
        }
        None if !to_nobody => Some("answers, and this life was asked nothing"),
        Some(_) | None => None,
    }
}

/// What of a request or a response is not as its sender handed it over. Whom it may reach and which capabilities go
/// along is for C1 and C3.
fn unlike(message: &Message, said: &Said<'_>, last_blob: &Option<Blob>) -> Option<&'static str> {
    let blob = |own: &Option<Blob>, inherits: bool| own.clone().or_else(|| last_blob.clone().filter(|_| inherits));
    match (&message.content, said) {
        (Content::Request(request), Said::Request(Outgoing { target, request: asked, blob: own, .. })) => {
            let essence = |request: &Request| {
                let Request { inherit, expects_response, body, metadata, capabilities: _ } = request;
                (*inherit, *expects_response, body.clone(), metadata.clone())
            };
            match () {
                () if message.target != *target => Some("does not go where its sender said"),
                () if essence(request) != essence(asked) => Some("is not what its sender said"),
                () if message.blob != blob(own, asked.inherit) => {
                    Some("has not the blob that it was given, or inherits")
                }
                () => None,
            }
        }
        (Content::Response(response), Said::Response(asked, own)) => {
            let inherited = message.blob == *last_blob;
            match () {
                () if (&response.body, &response.metadata) != (&asked.body, &asked.metadata) => {
                    Some("is not what its sender said")
                }
                () if asked.inherit && !inherited => Some("has not the blob it inherits"),
                () if !asked.inherit && message.blob != **own => Some("has not the blob that it was given"),
                () => None,
            }
        }
        (_, _) => Some("is not what its sender said"),
    }
}

impl Told {
    /// A message was made for it. What is wrong with it, measured by the call that it was made for.
    fn on_said(&mut self, message: &Message) -> Option<&'static str> {
        let (at, call, n) = self.said.as_mut()?;
        let said = if *at == message.cause { said(call, *n) } else { None };
        *n += 1;
        let Some(said) = said else { return Some("was not asked for by any call") };
        if let Said::Request(Outgoing { context, request, .. }) = &said
            && request.expects_response.is_some()
        {
            match call {
                // A context is never given back there.
                Call::SendAndAwaitResponse(_) => self.awaits = Some(message.id),
                _ => self.contexts.extend(context.clone().map(|context| (message.id, context))),
            }
        }
        unlike(message, &said, &self.last_blob)
    }

    /// Something is received: an outcome of a request with its context, or somebody's request.
    fn is_due(&mut self, message: &Message, is_outcome: bool, context: &Option<Bytes>) -> Result<(), &'static str> {
        if self.said.is_none() {
            return Ok(()); // Nobody knows what it asked.
        }
        if self.awaits.take().is_some_and(|awaited| !is_outcome || awaited != message.id) {
            return Err("receives something other than what it awaits");
        }
        let place = self.contexts.iter().position(|(asked, _)| is_outcome && *asked == message.id);
        match (place.map(|place| self.contexts.swap_remove(place).1) == *context, is_outcome) {
            (true, _) => Ok(()),
            (false, true) => Err("receives the outcome of a request with a context of another request"),
            (false, false) => Err("is given a context with a request"),
        }
    }

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
    fn claim(&self) -> Claim {
        let says =
            "what is sent is what was asked for; blobs, contexts, prompting message are those of what was received";
        Claim { rule: Rule::M3, says }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Called, Kind::Sent, Kind::Received, Kind::ReceivedError, Kind::Learned]
    }

    fn on_event(&mut self, index: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Called(life, _, Some(call)) => self.told(event, *life).said = Some((index, call.clone(), 0)),
            What::Sent(message) => return self.on_sent(event, message, past, names),
            What::Received(life, message, context) => {
                let told = self.told(event, *life);
                let due = told.is_due(message, !message.is_request(), context);
                told.on_received(message);
                return due.map_err(|wrong| format!("{} {wrong} (#{})", life_text(*life, names), message.cause.0));
            }
            What::ReceivedError(life, _, message, context) => {
                let told = self.told(event, *life);
                told.is_due(message, true, context)
                    .map_err(|wrong| format!("{} {wrong} (#{})", life_text(*life, names), message.cause.0))?;
                told.blobbed = false;
                told.settle(message.id);
            }
            What::Learned(life, call, answer) if !self.told(event, *life).may_learn(*call, answer) => {
                let (who, call) = (life_text(*life, names), call.name());
                return Err(format!("{call} of {who} returns what does not belong to the message received last"));
            }
            _ => {}
        }
        Ok(())
    }
}
