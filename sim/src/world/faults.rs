//! Faults of nodes: going down, coming up, and the kills and crashes between two steps of a kernel.

use super::{Phase, Task, World};
use crate::disk::Spared;
use crate::disk::{state, table};
use crate::modules::setup::Setup;
use crate::plan::Down;
use crate::plan::detail::{First, Victim, WriteFault};
use crate::plan::fault::WriteOffer;
use crate::trace::event::{Life, What};
use crate::world::node::{Known, Up};
use crate::world::operator::Step;
use kernel_core::command::Command;
use kernel_core::{Bytes, Cause, Change, Duration, Kernel, Moment, ProcessRef, Record, Semantics};
use std::rc::Rc;

/// How long a node is down, if nobody says otherwise.
const DOWNTIME: Duration = Duration::from_secs(1);

impl World<'_> {
    /// Before each input to a kernel: the node may go down, or a process of it may be killed. False, if the node is
    /// down now and the input comes to nothing.
    pub(super) fn before_step(&mut self, node: usize) -> bool {
        let streams = &mut self.nodes[node].streams;
        if let Some(how) = self.chooser.ask(&mut streams.crash, &self.names, || ()) {
            self.go_down(node, None, how, None);
            return false;
        }
        if self.outage(node) {
            return false;
        }
        let node_value = &mut self.nodes[node];
        let up = node_value.up.as_ref();
        let kill = self.chooser.ask(&mut node_value.streams.kill, &self.names, || {
            up.map(|up| up.kernel.processes().collect()).unwrap_or_default()
        });
        if let Some(Victim { process, after }) = kill {
            let victim = self.names.process(&process);
            match after {
                None => self.kill(node, victim),
                Some(after) => {
                    let boot = self.nodes[node].boots;
                    self.queue.push(self.now + after, 0, Task::Kill(node, boot, victim));
                }
            }
        }
        self.nodes[node].up.is_some()
    }

    /// The owner of a node kills a process, between two steps of its kernel.
    pub(super) fn kill(&mut self, node: usize, victim: ProcessRef) {
        let our = self.nodes[node].id;
        let step = Step::command(Command::Kill(victim), &self.names, our).into_input();
        let cause = self.next_cause();
        self.step(node, cause, step);
    }

    /// All nodes that are up may go down before a step of this one. Where there is but one, a crash is the same.
    fn outage(&mut self, node: usize) -> bool {
        if self.nodes.len() == 1 {
            return false;
        }
        let stream = &mut self.nodes[node].streams.outage;
        let Some(how) = self.chooser.ask(stream, &self.names, || ()) else { return false };
        for node in 0..self.nodes.len() {
            if self.nodes[node].up.is_some() {
                self.go_down(node, None, how, None);
            }
        }
        true
    }

    /// A node's kernel failed, and its process died of it.
    pub(super) fn fail(&mut self, node: usize, cause: Cause, text: &'static str) {
        let index = self.record(node, Some(cause), What::Failed(text.into()));
        self.take_down(node, index, Down::Crash, None);
    }

    /// A node goes down; it boots again after a time.
    pub(super) fn go_down(&mut self, node: usize, cause: Option<Cause>, how: Down, span: Option<Duration>) {
        let index = self.record(node, cause, What::Down(how));
        self.take_down(node, index, how, span);
    }

    fn take_down(&mut self, node: usize, index: Cause, how: Down, span: Option<Duration>) {
        let up = self.nodes[node].up.take().expect("only a node that is up goes down");
        for (process, live) in up.guests.iter().enumerate() {
            if let Some(live) = live {
                let life = Life { process: ProcessRef(process as u32), number: live.number };
                self.record(node, Some(index), What::Lost(life));
            }
        }
        self.nodes[node].operator.on_down();
        self.stay_down(node, how, span);
    }

    /// What a fall does to the disk, and when the node boots again.
    fn stay_down(&mut self, node: usize, how: Down, span: Option<Duration>) {
        let node_value = &mut self.nodes[node];
        match how {
            Down::Shutdown => node_value.disk.sync_all(),
            Down::Crash => {}
            Down::PowerLoss => {
                let unsynced = node_value.disk.unsynced() as u64;
                let spared = self.chooser.ask(&mut node_value.streams.unsynced, &self.names, || unsynced);
                node_value.disk.power_loss(spared.unwrap_or(Spared::First(0)));
                self.spend_on_copies(node);
            }
        }
        let drawn = self.chooser.ask(&mut self.nodes[node].streams.downtime, &self.names, || ());
        let downtime = span.or(drawn.filter(|_| self.phase != Phase::Settling)).unwrap_or(DOWNTIME);
        let boot = self.nodes[node].boots;
        let at = self.now + downtime;
        self.queue.push(at, 0, Task::Boot(node, boot));
    }

    /// A node comes up: from what is on its disk, and from nothing else.
    pub(super) fn boot(&mut self, node: usize) {
        self.changes_at_rest(node);
        if !self.settle_disk(node) {
            return;
        }
        self.record_what_the_disk_has(node);
        let our = self.nodes[node].id;
        self.nodes[node].boots += 1;
        let boots = self.nodes[node].boots;
        let cause = self.record(node, None, What::Booted(boots));
        // What the disk has is known since just now.
        let known = self.nodes[node].known.rows.iter();
        let mut rows: Vec<_> = known.map(|(id, row)| (*id, Record::clone(row))).collect();
        let first = self.chooser.ask(&mut self.nodes[node].streams.boot_order, &self.names, || {
            rows.iter().map(|(id, _)| *id).filter(|id| !id.is_module()).collect()
        });
        if let Some(First(first)) = first {
            let first = self.names.process(&first);
            // A stable sort: the others keep their order.
            rows.sort_by_key(|(id, _)| *id != first);
        }
        let semantics: Semantics = self.semantics();
        let (at, base) = (Moment { now: self.now, cause }, u64::from(boots) << 40);
        let kernel = Kernel::boot(our, semantics, base, rows, &mut self.names, at, &mut self.buffer);
        let setup = Setup { journal: self.scenario.journal, planted: self.options.planted };
        let own = self.scenario.modules.iter().map(|(id, new)| (self.names.process(id), new()));
        self.nodes[node].up = Some(Up::new(kernel, &setup, own.collect()));
        self.effects.extend(self.buffer.drain(..));
        self.carry_out(node, cause);
        self.arm(node);
        self.operator_goes_on(node);
        self.make_up_for_overdue(node);
    }

    pub(super) fn semantics(&self) -> Semantics {
        self.options.semantics.clone().unwrap_or_else(|| self.scenario.semantics.clone())
    }

    /// The first that a boot does: what a crash left half done is read, and so must not be taken back. False, if the
    /// node goes down over it.
    fn settle_disk(&mut self, node: usize) -> bool {
        let mut ops = table::mend(&self.nodes[node].disk, self.options.planted);
        ops.push(state::settle());
        let stream = self.nodes[node].streams.write.about(ops.len());
        let offer = || WriteOffer { operations: ops.len() as u64, refusable: false };
        let (done, down) = match self.chooser.ask(stream, &self.names, offer) {
            Some(WriteFault::Down(how, done)) => (ops.len().min(done as usize), Some(how)),
            Some(WriteFault::Refused) | None => (ops.len(), None),
        };
        for op in &ops[..done] {
            self.nodes[node].disk.apply(op).expect("a formatted disk has a table and saved state");
        }
        let Some(how) = down else { return true };
        self.record(node, None, What::Down(how));
        self.stay_down(node, how, None);
        false
    }

    /// A write that a crash interrupted may be on the disk all the same, or be half there and count for nothing:
    /// what the disk has is a fact, and is recorded before the node comes up.
    /// What cannot be read counts as what it was, until it is written anew.
    pub(super) fn record_what_the_disk_has(&mut self, node: usize) {
        let our = self.nodes[node].id;
        let disk = &self.nodes[node].disk;
        let rows = table::read(disk, &self.nodes[node].written, &mut self.names, our);
        let states = state::all(disk, &mut self.names);
        let was = &std::mem::take(&mut self.nodes[node].known);
        let states = states.into_iter().filter_map(|(id, saved)| Some((id, saved.or(was.states.get(&id).cloned())?)));
        let is = Known { rows, states: states.collect() };
        let changed = |new: bool| {
            let rows = is.rows.iter().filter(move |(id, _)| was.rows.contains_key(id) != new);
            rows.filter(|(id, row)| was.rows.get(id) != Some(row))
        };
        // New rows first, as in the write that made them: what others hold of them comes after.
        let put = changed(true).chain(changed(false));
        let mut changes: Vec<Change> = put.map(|(id, row)| Change::Put(*id, row.clone())).collect();
        changes.extend(was.rows.keys().filter(|id| !is.rows.contains_key(id)).map(|id| Change::Remove(*id)));
        let saved = is.states.iter().filter(|(id, bytes)| was.states.get(id) != Some(bytes));
        let mut states: Vec<(ProcessRef, Option<Bytes>)> = saved.map(|(id, b)| (*id, Some(b.clone()))).collect();
        states.extend(was.states.keys().filter(|id| !is.states.contains_key(id)).map(|id| (*id, None)));
        self.nodes[node].known = is;
        for change in changes {
            self.record(node, None, What::Durable(Rc::new(change)));
        }
        for (process, bytes) in states {
            self.record(node, None, What::StateDurable(process, bytes));
        }
    }

    /// The storm is over: nothing goes wrong from here on. Nodes that are down come up, links heal.
    pub(super) fn lift(&mut self) {
        self.phase = Phase::Settling;
        self.chooser.lift(true);
        self.network.heal();
        self.record(0, None, What::Lifted);
        for node in 0..self.nodes.len() {
            if self.nodes[node].up.is_none() {
                self.boot(node);
            }
        }
        let at = self.now + self.scenario.settle;
        self.queue.push(at, u32::MAX, Task::End);
    }
}
