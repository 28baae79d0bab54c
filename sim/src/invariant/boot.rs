//! In which order a boot does its work: E4b.

use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use kernel_core::{Cause, Change, Instant, Names, NodeId, OnExitKind, ProcessRef, Rule};
use std::collections::{BTreeMap, BTreeSet};

/// What one boot still has to do before it fires anything.
#[derive(Clone, Debug, Default)]
struct Boot {
    /// The processes whose rows it takes off the disk.
    ends: BTreeSet<ProcessRef>,
    /// When it took the first of these rows off. What one write changes, it changes at one instant.
    ended: Option<Instant>,
    /// Of these, those that fire requests.
    fires: BTreeSet<ProcessRef>,
    /// The processes that it starts.
    starts: BTreeSet<ProcessRef>,
    /// The first request that it fired, and whose it was.
    fired: Option<(Cause, ProcessRef)>,
}

/// E4b: a boot takes off the disk what ends, all at once, starts what returns, and only then fires.
#[derive(Clone, Debug, Default)]
pub struct BootFiresLast {
    boots: BTreeMap<NodeId, Boot>,
}

impl BootFiresLast {
    fn on_booted(&mut self, node: NodeId, past: &Past) {
        let mut boot = Boot::default();
        let processes = past.lives.node(node).into_iter().flat_map(|node| node.processes());
        for (id, row) in processes.filter_map(|(id, process)| Some((id, process.row()?))) {
            if id.is_module() {
                continue;
            }
            match row.on_exit.kind() {
                OnExitKind::Restart => _ = boot.starts.insert(id),
                OnExitKind::None => _ = boot.ends.insert(id),
                OnExitKind::Requests => {
                    boot.ends.insert(id);
                    boot.fires.insert(id);
                }
            }
        }
        self.boots.insert(node, boot);
    }
}

impl Invariant for BootFiresLast {
    fn claim(&self) -> Claim {
        Claim {
            rule: Rule::E4b,
            says: "a boot fires when what ended is off the disk, in one write, and what restarts is up",
        }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Booted, Kind::Down, Kind::Failed, Kind::Durable, Kind::Started, Kind::Sent]
    }

    fn on_event(&mut self, index: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        if let What::Booted(_) = event.what {
            self.on_booted(event.node, past);
            return Ok(());
        }
        let Some(boot) = self.boots.get_mut(&event.node) else { return Ok(()) };
        let late = |fired: (Cause, ProcessRef), id: ProcessRef, what: &str| {
            let (who, id) = (names.process_text(fired.1), names.process_text(id));
            Err(format!("the boot fired a request of {who} (#{}) before {id} {what}", fired.0.0))
        };
        match &event.what {
            What::Down(_) | What::Failed(_) => _ = self.boots.remove(&event.node),
            What::Durable(change) => {
                let Change::Remove(id) = &**change else { return Ok(()) };
                boot.starts.remove(id);
                if !boot.ends.remove(id) {
                    return Ok(());
                }
                if *boot.ended.get_or_insert(event.at) != event.at {
                    let id = names.process_text(*id);
                    return Err(format!("the boot took the row of {id} off the disk in a write of its own"));
                }
                if let Some(fired) = boot.fired {
                    return late(fired, *id, "was off the disk");
                }
            }
            What::Started(life) => {
                if let (true, Some(fired)) = (boot.starts.remove(&life.process), boot.fired) {
                    return late(fired, life.process, "was up");
                }
            }
            What::Sent(message) if past.sender_is_dead && boot.fires.contains(&message.source.process) => {
                boot.fired.get_or_insert((index, message.source.process));
            }
            _ => {}
        }
        Ok(())
    }
}
