//! What a restore brings back: P5.
//!
//! That what was acknowledged before the backup can be read is for the invariants of each kind of data: they go back to
//! what they knew at the cut. Here: that the cut is one.

use crate::invariant::lives::entry;
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use kernel_core::{Cause, Change, Names, Rule};

/// P5: table, capabilities and state are all of one instant. Whatever of them the disk has that the trace had not said
/// by then is recorded between the restore and the boot.
#[derive(Clone, Debug, Default)]
pub struct RestoredIsOneCut {
    /// Which backup each node has on its disk, if it has not booted since.
    restored: Vec<Option<u32>>,
}

impl Invariant for RestoredIsOneCut {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::P5, says: "a restore is one consistent cut over table, capabilities, state and modules" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Restored, Kind::Durable, Kind::StateDurable, Kind::Booted]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        let restored = entry(&mut self.restored, event.node.0);
        match (&event.what, *restored) {
            (What::Restored(nth), _) => *restored = Some(*nth),
            (What::Booted(_), _) => *restored = None,
            (What::Durable(change), Some(nth)) => {
                let (Change::Put(process, _) | Change::Remove(process)) = &**change;
                let process = names.process_text(*process);
                return Err(format!(
                    "backup {nth} has a row of {process} that differs from the one on the disk when it was made"
                ));
            }
            (What::StateDurable(process, _), Some(nth)) => {
                let process = names.process_text(*process);
                return Err(format!(
                    "backup {nth} has a state of {process} that differs from the one on the disk when it was made"
                ));
            }
            _ => {}
        }
        Ok(())
    }
}
