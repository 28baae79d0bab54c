//! What a guest asks to be sent is sent as it says: M3.

use crate::invariant::lives::entry;
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, Life, What};
use crate::trace::life_text;
use kernel_core::{Blob, Call, Cause, Content, Message, Names, Outgoing, Response, Rule};

/// A call whose messages are to follow at once.
#[derive(Clone, Debug)]
struct Asked {
    life: Life,
    cause: Cause,
    call: Call,
    /// How many have been sent.
    sent: usize,
}

/// M3: a call sends what it was given, each message once and in this order.
#[derive(Clone, Debug, Default)]
pub struct SentAsAsked {
    /// The latest call of each node that sends.
    latest: Vec<Option<Asked>>,
}

impl Asked {
    fn n(&self) -> usize {
        match &self.call {
            Call::SendRequests(list) => list.len(),
            _ => 1,
        }
    }

    /// Whether this is the message that comes next.
    fn is_next(&self, message: &Message) -> bool {
        match &self.call {
            Call::SendRequest(outgoing) | Call::SendAndAwaitResponse(outgoing) => is_request(message, outgoing),
            Call::SendRequests(list) => list.get(self.sent).is_some_and(|outgoing| is_request(message, outgoing)),
            Call::SendResponse(response) => is_response(message, &response.0, &response.1),
            _ => true,
        }
    }
}

fn is_request(message: &Message, outgoing: &Outgoing) -> bool {
    let Content::Request(request) = &message.content else { return false };
    let asked = &outgoing.request;
    message.target == outgoing.target
        && (&request.body, &request.metadata) == (&asked.body, &asked.metadata)
        && request.expects_response == asked.expects_response
        && has_blob(message, &outgoing.blob, asked.inherit)
}

fn is_response(message: &Message, asked: &Response, blob: &Option<Blob>) -> bool {
    let Content::Response(response) = &message.content else { return false };
    (&response.body, &response.metadata) == (&asked.body, &asked.metadata)
        && (asked.inherit || has_blob(message, blob, false))
}

/// The blob of a message that inherits and has none of its own is whatever came last.
fn has_blob(message: &Message, blob: &Option<Blob>, inherits: bool) -> bool {
    inherits && blob.is_none() || message.blob == *blob
}

impl Invariant for SentAsAsked {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::M3, says: "a call sends what it was given: each message once, in this order, as it was" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Called, Kind::Sent, Kind::Exited, Kind::Down, Kind::Failed]
    }

    fn on_event(&mut self, index: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        let latest = entry(&mut self.latest, event.node.0);
        match &event.what {
            What::Called(life, _, call) => {
                let before = latest.take().filter(|asked| asked.sent < asked.n());
                *latest = call.clone().map(|call| Asked { life: *life, cause: index, call, sent: 0 });
                match before {
                    Some(asked) => Err(format!(
                        "{} asked for {} to be sent (#{}), and the kernel sent {}",
                        life_text(asked.life, names),
                        asked.n(),
                        asked.cause.0,
                        asked.sent
                    )),
                    None => Ok(()),
                }
            }
            What::Sent(message) => {
                let of_it =
                    |asked: &&mut Asked| asked.cause == event.cause && asked.life.process == message.source.process;
                let Some(asked) = latest.as_mut().filter(of_it) else { return Ok(()) };
                let is_next = asked.is_next(message);
                asked.sent += 1;
                if is_next {
                    return Ok(());
                }
                let (who, nth) = (life_text(asked.life, names), asked.sent);
                Err(format!("what {who} asked to be sent (#{}) is not message {nth} that was", asked.cause.0))
            }
            // A call that is a panic of its caller sends nothing.
            What::Exited(life, ..) => {
                latest.take_if(|asked| asked.life == *life);
                Ok(())
            }
            What::Down(_) | What::Failed(_) => {
                *latest = None;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
