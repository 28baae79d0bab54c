//! What has happened so far, as every invariant needs it: kept once, for all of them.

use crate::invariant::capability::is_dead;
use crate::invariant::holdings::Holdings;
use crate::invariant::lives::{Given, Lives};
use crate::invariant::requests::Requests;
use crate::trace::event::{Event, What};
use kernel_core::{Cause, Instant, Names};

/// The past of the event at hand: that event is not in it.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// When the latest event was; at the end, until when the world ran.
    pub now: Instant,
    /// When the storm was over: from then on no write is refused.
    pub lifted_at: Option<Instant>,
    /// Which processes live, what is durable of them, how they ended.
    pub lives: Lives,
    /// What they may hold.
    pub holdings: Holdings,
    /// Which requests are open.
    pub requests: Requests,
    /// Whether the message at hand is made for a guest that does not live: it speaks by its on-exit requests alone.
    pub sender_is_dead: bool,
    /// Whether the event at hand is the work of a life that is over (E5): it says nothing of the process that may have
    /// its name now.
    pub of_the_dead: bool,
    /// A command that will be carried out, unless the next event says that it was dropped.
    given: Option<Box<Given>>,
}

impl Past {
    /// Before the invariants see an event: a command that was made counts, if this is not its refusal.
    pub(crate) fn before(&mut self, event: &Event) {
        self.carry_out(event);
        if let What::Sent(message) = &event.what {
            self.sender_is_dead = is_dead(self, message.source);
        }
        let turns = matches!(event.what, What::Started(_) | What::Exited(..) | What::Killed(_) | What::Lost(_));
        let life = event.what.life().filter(|life| !turns && !life.process.is_module());
        self.of_the_dead = life.is_some_and(|life| self.lives.life(event.node, life.process) != Some(life.number));
    }

    fn carry_out(&mut self, event: &Event) {
        let Some(given) = self.given.take() else { return };
        if given.is_dropped_by(event) {
            return;
        }
        let Given { index, event } = *given;
        if let What::Command(message, command) = &event.what {
            self.lives.on_command(event.node, index, &event, (message, command));
            self.holdings.on_command(event.node, message, command, &self.lives);
        }
    }

    /// After the invariants have seen it.
    pub(crate) fn after(&mut self, index: Cause, event: &Event, names: &Names) {
        self.now = event.at;
        if self.of_the_dead {
            return;
        }
        if let What::Lifted = event.what {
            self.lifted_at = Some(event.at);
        }
        // In this order: each reads of those behind it what was before the event.
        self.requests.on_event(index, event, &self.lives);
        self.holdings.on_event(event, &self.lives);
        self.lives.on_event(index, event, names);
        if let What::Command(message, _) = &event.what {
            // One that is on its way to another node means nothing yet.
            if message.target.node == event.node {
                self.given = Some(Box::new(Given { index, event: event.clone() }));
            }
        }
    }
}
