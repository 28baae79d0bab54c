//! The kernel knows no parents and children: K3, K4.

use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use crate::trace::life_text;
use kernel_core::{Cause, Names, NodeId, OnExitKind, ProcessRef, Rule};

/// Which process spawned which, on each node.
#[derive(Clone, Debug, Default)]
struct Families(Vec<(NodeId, ProcessRef, ProcessRef)>);

impl Families {
    fn note(&mut self, event: &Event) {
        if let What::Spawned(life, Ok(child)) = &event.what {
            self.0.retain(|(node, _, other)| (*node, *other) != (event.node, *child));
            self.0.push((event.node, life.process, *child));
        }
    }

    fn relatives(&self, node: NodeId, of: ProcessRef) -> impl Iterator<Item = ProcessRef> {
        let here = self.0.iter().filter(move |(at, parent, child)| *at == node && (*parent == of || *child == of));
        here.map(move |(_, parent, child)| if *parent == of { *child } else { *parent })
    }
}

/// K3: no process ends with its parent or its child.
#[derive(Clone, Debug, Default)]
pub struct ExitsAreOnesOwn(Families);

impl Invariant for ExitsAreOnesOwn {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::K3, says: "a parent's exit does nothing to a child, nor the reverse" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Spawned, Kind::Killed]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        self.0.note(event);
        let What::Killed(life) = &event.what else { return Ok(()) };
        if past.lives.fate(event.node, life.process).is_some() {
            return Ok(());
        }
        let ended = |relative: &ProcessRef| past.lives.fate(event.node, *relative).is_some();
        match self.0.relatives(event.node, life.process).find(ended) {
            Some(relative) => {
                let (who, relative) = (life_text(*life, names), names.process_text(relative));
                Err(format!("{who} ends without a cause of its own, as {relative} did"))
            }
            None => Ok(()),
        }
    }
}

/// K4: the parent of a killed child under Restart or None receives nothing.
#[derive(Clone, Debug, Default)]
pub struct DeathsAreSilent(Families);

impl Invariant for DeathsAreSilent {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::K4, says: "a killed Restart or None child tells nobody" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Spawned, Kind::Sent]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        self.0.note(event);
        let What::Sent(message) = &event.what else { return Ok(()) };
        if !past.sender_is_dead {
            return Ok(());
        }
        let child = message.source.process;
        let fate = past.lives.fate(event.node, child).filter(|fate| fate.killed && fate.certain);
        let Some(fate) = fate.filter(|fate| fate.on_exit.kind() != OnExitKind::Requests) else { return Ok(()) };
        match self.0.relatives(event.node, child).find(|relative| *relative == message.target.process) {
            Some(relative) => {
                let (who, relative) = (names.process_text(child), names.process_text(relative));
                Err(format!("{who} was killed (#{}), and {relative} receives a message about it", fate.cause.0))
            }
            None => Ok(()),
        }
    }
}
