//! What a sender receives for a request without an answer: M4.

use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, Life, What};
use kernel_core::{Cause, Duration, Message, MessageId, Names, NodeId, Rule, SendErrorKind};
use std::collections::BTreeSet;

/// How far a node's clock may be off.
const PATIENCE: Duration = Duration::from_millis(500);

/// M4: `Offline` for nodes that cannot be reached, `Timeout` when the time is up or the target is not there.
#[derive(Clone, Debug, Default)]
pub struct ErrorsSayWhy {
    /// Requests that could not be delivered.
    offline: BTreeSet<(NodeId, MessageId)>,
    /// Requests that did not leave their node.
    dropped: BTreeSet<(NodeId, MessageId)>,
}

impl ErrorsSayWhy {
    fn on_error(
        &mut self,
        event: &Event,
        kind: SendErrorKind,
        message: &Message,
        past: &Past,
        names: &Names,
    ) -> Result<(), String> {
        let key = (event.node, message.id);
        let (offline, dropped) = (self.offline.remove(&key), self.dropped.remove(&key));
        let Some(asked) = past.requests.get(event.node, message.id) else { return Ok(()) };
        let (who, to) = (names.address_text(message.source), names.address_text(message.target));
        match kind {
            _ if asked.answered.is_some() => Err(format!(
                "a request of {who} to {to} (#{}) met {}, though it was answered in time",
                message.cause.0,
                kind_text(kind)
            )),
            SendErrorKind::Offline if !offline => {
                Err(format!("a request of {who} to {to} (#{}) met Offline, though the node was up", message.cause.0))
            }
            SendErrorKind::Timeout if !dropped && event.at < asked.deadline => {
                Err(format!("a request of {who} to {to} (#{}) met Timeout before its time", message.cause.0))
            }
            SendErrorKind::Timeout
                if waited_since(past, event, &asked.asker) && event.at > asked.deadline + PATIENCE =>
            {
                Err(format!("a request of {who} to {to} (#{}) met Timeout long after its time", message.cause.0))
            }
            SendErrorKind::Offline | SendErrorKind::Timeout => Ok(()),
        }
    }
}

fn kind_text(kind: SendErrorKind) -> &'static str {
    match kind {
        SendErrorKind::Offline => "Offline",
        SendErrorKind::Timeout => "Timeout",
    }
}

/// Whether a life has waited for a message so long that nothing but the kernel can have kept this one back.
fn waited_since(past: &Past, event: &Event, asker: &Life) -> bool {
    let process = past.lives.process(event.node, asker.process).filter(|process| process.life == Some(asker.number));
    process.and_then(|process| process.last_call).is_some_and(|call| call.waits && call.at + PATIENCE < event.at)
}

impl Invariant for ErrorsSayWhy {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::M4, says: "Offline: the node definitely cannot be reached; Timeout: no answer in time" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::NetworkOffline, Kind::Dropped, Kind::ReceivedError, Kind::ModuleReceivedError, Kind::Booted]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::NetworkOffline(message) if message.expects_response().is_some() => {
                self.offline.insert((event.node, message.id));
            }
            What::Dropped(message, _) if message.expects_response().is_some() && message.source.node == event.node => {
                self.dropped.insert((event.node, message.id));
            }
            What::ReceivedError(_, kind, message, _) | What::ModuleReceivedError(_, kind, message) => {
                return self.on_error(event, *kind, message, past, names);
            }
            What::Booted(_) => {
                self.offline.retain(|(node, _)| *node != event.node);
                self.dropped.retain(|(node, _)| *node != event.node);
            }
            _ => {}
        }
        Ok(())
    }
}
