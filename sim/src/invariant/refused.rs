//! No message is refused that its sender had the capability for (C1, C5).
//!
//! The other half of `capability`, which checks that nothing is delivered without one.

use crate::invariant::capability::is_dead;
use crate::invariant::granted::surely_held;
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use kernel_core::{Address, Capability, Cause, DropReason, Message, Names, Rule};

/// C1 for living processes, C5 for on-exit requests.
#[derive(Clone, Debug)]
pub struct RightsAreHonoured {
    claim: Claim,
    dead: bool,
}

impl RightsAreHonoured {
    /// C1.
    pub fn of_the_living() -> RightsAreHonoured {
        let says = "a message gets through if its sender holds messaging of the target or the target is public; to another \
                    node, if its sender holds network";
        RightsAreHonoured { claim: Claim { rule: Rule::C1, says }, dead: false }
    }

    /// C5.
    pub fn of_the_dead() -> RightsAreHonoured {
        let says = "on-exit requests have the capabilities of the process when it was alive";
        RightsAreHonoured { claim: Claim { rule: Rule::C5, says }, dead: true }
    }
}

/// Whether the sender certainly had the capability for this.
fn had_leave(past: &Past, message: &Message, event: &Event, reason: DropReason) -> bool {
    let (source, target) = (message.source, message.target);
    let held = |capability: Capability| match past.lives.fate(source.node, source.process) {
        Some(fate) => {
            let dropped = past.holdings.may_have_dropped(source.node, source.process, &capability);
            fate.held.contains(&capability) && !dropped
        }
        None => surely_held(past, source).any(|held| held == capability),
    };
    match reason {
        DropReason::NoCapability => {
            let row = past.lives.process(target.node, target.process).and_then(|process| process.row());
            let own = source == target
                && !past.holdings.may_have_dropped(source.node, source.process, &Capability::messaging(target));
            own || held(Capability::messaging(target)) || row.is_some_and(|row| row.public)
        }
        DropReason::NoNetwork if event.node == source.node => held(Capability::network(source.node)),
        DropReason::NoNetwork => surely_held(past, target).any(|held| held == Capability::network(target.node)),
        DropReason::NotRunning
        | DropReason::RemoteCommand
        | DropReason::BadCommand
        | DropReason::NotAwaited
        | DropReason::NothingToAnswer => false,
    }
}

impl Invariant for RightsAreHonoured {
    fn claim(&self) -> Claim {
        self.claim
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Dropped]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let What::Dropped(message, reason) = &event.what else { return Ok(()) };
        let Address { node, .. } = message.source;
        let dead = node == event.node && is_dead(past, message.source);
        if dead == self.dead && had_leave(past, message, event, *reason) {
            let (from, to) = (names.address_text(message.source), names.address_text(message.target));
            Err(format!("a message from {from} (#{}) to {to} was refused, and it had the right", message.cause.0))
        } else {
            Ok(())
        }
    }
}
