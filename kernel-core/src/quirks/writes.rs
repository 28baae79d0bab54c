//! What is not on the disk when it should be: D3, D6, D21, D22, D23, D31.

use crate::deviation::Deviation;
use crate::durable::After;
use crate::effect::{Change, StateOp, WriteId};
use crate::input::{Refused, StateDone};
use crate::kernel::{Context, Kernel};
use crate::name::ProcessRef;
use crate::process::{Process, Status};

impl Kernel {
    /// D21: whether what depends on a write goes on before it is durable.
    pub(crate) fn answers_first(&self) -> bool {
        self.has(Deviation::AnswersBeforeWrites)
    }

    /// D3, D6, D31: what a write has besides the rows that it is made for.
    pub(crate) fn add_to_write(&mut self, changes: &mut Vec<Change>, rows: &[ProcessRef]) {
        if self.has(Deviation::WritesOvertake) {
            // Every write has the whole table: a later one heals what an earlier one spoiled.
            let guests = self.processes.iter().filter(|(id, _)| !id.is_module() && !rows.contains(id));
            let puts: Vec<Change> = guests.filter_map(|(id, _)| self.put(id)).collect();
            let gone = self.quirks.ended.iter().filter(|id| !self.processes.contains(**id)).map(super::removal);
            changes.extend(gone.chain(puts).collect::<Vec<_>>());
        }
        for id in std::mem::take(&mut self.quirks.unwritten) {
            let waits = self.processes.get(id).is_some_and(|process| process.status == Status::BackingOff);
            if waits || !self.processes.contains(id) {
                changes.push(Change::Remove(id));
            }
        }
    }

    /// D3: whether a process in its back-off is left out of all writes.
    pub(crate) fn is_left_out(&self, process: &Process) -> bool {
        self.has(Deviation::BackOffLeavesTable) && process.status == Status::BackingOff
    }

    /// What waited for a write. In the order of the writes, but for D31.
    pub(crate) fn take_after(&mut self, write: WriteId) -> After {
        let place = self.writes.iter().position(|(id, _)| *id == write).expect("the world answers each write once");
        assert!(place == 0 || self.has(Deviation::WritesOvertake), "table writes are answered in their order");
        self.writes.remove(place).expect("it is there").1
    }

    /// D23: whether a value that came from outside stays in the table, where nobody looks before the next boot.
    pub(crate) fn misses_life(&self) -> bool {
        self.has(Deviation::SetOnExitMissesLife)
    }

    /// D22: notes whether a process waits in `get-state`.
    pub(crate) fn note_state_op(&mut self, id: ProcessRef, op: &StateOp) {
        if self.has(Deviation::StateErrorsSwallowed) && *op == StateOp::Get {
            self.quirks.reads_state.insert(id);
        }
    }

    /// D22: what a process hears of a state call that was refused.
    pub(crate) fn swallow_refusal(
        &mut self,
        id: ProcessRef,
        result: Result<StateDone, Refused>,
    ) -> Result<StateDone, Refused> {
        let reads = self.quirks.reads_state.remove(&id);
        match result {
            Err(Refused) if self.has(Deviation::StateErrorsSwallowed) && reads => Ok(StateDone::Got(None)),
            Err(Refused) if self.has(Deviation::StateErrorsSwallowed) => Ok(StateDone::Saved),
            result => result,
        }
    }

    /// D21: goes on at once, and writes; otherwise the other way round.
    pub(crate) fn write_for(&mut self, rows: Vec<ProcessRef>, after: After, cx: &mut Context<'_>) {
        if self.answers_first() {
            self.after_write(after, cx);
            return self.write(vec![], &rows, After::Nobody(rows.clone()), cx);
        }
        self.write(vec![], &rows, after, cx);
    }
}
