//! The state of every process after every event: what changed, when.

use crate::world::World;
use crate::world::view::{FIELDS, ProcessState};
use indexmap::IndexSet;
use kernel_core::{NodeId, ProcessRef};
use std::collections::BTreeMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

/// Texts that are used again and again, each kept once.
pub(super) type Texts = IndexSet<String, BuildHasherDefault<DefaultHasher>>;

/// A process is different after this event.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moment {
    /// The index of the first event of the step that changed it.
    pub event: u64,
    pub node: NodeId,
    pub process: ProcessRef,
    /// Its [`FIELDS`], as places among the texts; `None`: it is gone.
    pub fields: Option<[usize; FIELDS.len()]>,
}

/// Watches a run.
#[derive(Default)]
pub(super) struct Moments {
    pub changes: Vec<Moment>,
    pub texts: Texts,
    last: BTreeMap<(NodeId, ProcessRef), ProcessState>,
    seen: u64,
}

impl Moments {
    /// The world after a step.
    pub fn watch(&mut self, world: &World<'_>) {
        if world.events() == self.seen {
            return;
        }
        let event = std::mem::replace(&mut self.seen, world.events());
        for (node, processes) in world.processes() {
            let here = (node, ProcessRef(0))..=(node, ProcessRef(u32::MAX));
            let gone = self.last.range(here).map(|((_, process), _)| *process);
            let gone: Vec<ProcessRef> = gone.filter(|id| !processes.iter().any(|other| other.id == *id)).collect();
            for process in gone {
                self.last.remove(&(node, process));
                self.changes.push(Moment { event, node, process, fields: None });
            }
            for state in processes {
                let process = state.id;
                if self.last.get(&(node, process)) == Some(&state) {
                    continue;
                }
                let fields = state.fields(world.names()).map(|text| self.texts.insert_full(text).0);
                self.changes.push(Moment { event, node, process, fields: Some(fields) });
                self.last.insert((node, process), state);
            }
        }
    }
}
