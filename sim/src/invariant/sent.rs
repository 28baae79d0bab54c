//! What a guest asks to be sent is sent, all of it: M3. That it is sent as it says, and in order, is `prompt`'s.

use crate::invariant::lives::entry;
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, Life, What};
use crate::trace::life_text;
use kernel_core::{Call, Cause, Names, Rule};

/// A call whose messages are to follow at once.
#[derive(Clone, Copy, Debug)]
struct Asked {
    life: Life,
    cause: Cause,
    /// How many messages it was given.
    given: usize,
    /// How many have been sent.
    sent: usize,
}

/// M3: a call sends all that it was given.
#[derive(Clone, Debug, Default)]
pub struct AllIsSent {
    /// The latest call of each node that sends.
    latest: Vec<Option<Asked>>,
}

impl Invariant for AllIsSent {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::M3, says: "a call sends all that it was given" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Called, Kind::Sent, Kind::Exited, Kind::Down, Kind::Failed]
    }

    fn on_event(&mut self, index: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        let latest = entry(&mut self.latest, event.node.0);
        match &event.what {
            What::Called(life, _, call) => {
                let before = latest.take().filter(|asked| asked.sent < asked.given);
                *latest = call.as_ref().map(|call| {
                    let given = if let Call::SendRequests(list) = call { list.len() } else { 1 };
                    Asked { life: *life, cause: index, given, sent: 0 }
                });
                match before {
                    Some(Asked { life, cause, given, sent }) => Err(format!(
                        "{} asked for {given} to be sent (#{}), and the kernel sent {sent}",
                        life_text(life, names),
                        cause.0
                    )),
                    None => Ok(()),
                }
            }
            What::Sent(message) => {
                if let Some(asked) = latest
                    && asked.cause == event.cause
                    && asked.life.process == message.source.process
                {
                    asked.sent += 1;
                }
                Ok(())
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
