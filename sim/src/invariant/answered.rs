//! Calls and commands that wait for the process table are answered, whatever becomes of its write: P2.

use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, Life, What};
use crate::trace::life_text;
use kernel_core::{CallKind, Cause, Duration, Instant, Names, NodeId, Rule};

/// How long an answer may take once no write is refused any more: far longer than any write.
const PATIENCE: Duration = Duration::from_secs(1);

/// A call that returns when a row is durable, or is refused.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    node: NodeId,
    life: Life,
    kind: CallKind,
    call: Cause,
    since: Instant,
}

/// P2: a refused write ends in an error for the waiting process or in its panic, never in silence.
#[derive(Clone, Debug, Default)]
pub struct RefusalsAreTold {
    waiting: Vec<Waiting>,
}

impl RefusalsAreTold {
    fn forget(&mut self, node: NodeId, life: Life) {
        self.waiting.retain(|waiting| (waiting.node, waiting.life) != (node, life));
    }
}

impl Invariant for RefusalsAreTold {
    fn claim(&self) -> Claim {
        Claim {
            rule: Rule::P2,
            says: "initialize, spawn and set_on_exit are answered, or panic their caller, if a write is refused",
        }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::SetsOnExit, Kind::Spawns, Kind::Returned, Kind::Spawned, Kind::Exited, Kind::Killed, Kind::Lost]
    }

    fn on_event(&mut self, index: Cause, event: &Event, _: &Past, _: &Names) -> Result<(), String> {
        let node = event.node;
        let mut waits = |life: Life, kind| {
            self.waiting.push(Waiting { node, life, kind, call: index, since: event.at });
        };
        match &event.what {
            What::SetsOnExit(life, _) => waits(*life, CallKind::SetOnExit),
            What::Spawns(life, _) => waits(*life, CallKind::Spawn),
            What::Returned(life, CallKind::SetOnExit) | What::Spawned(life, _) => self.forget(node, *life),
            What::Exited(life, ..) | What::Killed(life) | What::Lost(life) => self.forget(node, *life),
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, past: &Past, names: &Names) -> Result<(), String> {
        let lifted = past.lifted_at.unwrap_or_default();
        let late = |since: Instant| past.now >= since.max(lifted) + PATIENCE;
        if let Some(Waiting { life, kind, call, .. }) = self.waiting.iter().find(|waiting| late(waiting.since)) {
            return Err(format!("{} waits in {} (#{}) forever", life_text(*life, names), kind.name(), call.0));
        }
        let up = past.lives.nodes().filter(|(_, node)| node.up);
        match up.flat_map(|(_, node)| &node.initializing).find(|asked| late(asked.at)) {
            Some(asked) => {
                let (who, asker) = (names.process_text(asked.process), names.address_text(asked.message.source));
                Err(format!(
                    "{asker} asked (#{}) for {who} to be initialized, and has no answer",
                    asked.message.cause.0
                ))
            }
            None => Ok(()),
        }
    }
}
