//! A node's disk at work: one thing after the other, each in a fixed virtual time.
//!
//! A crash is never played inside an operation: when the turn of a job has come its operations are known, and the
//! chooser is asked how many of them are done.

use super::{DISK_COST, Task, World};
use crate::disk::planted::Planted;
use crate::disk::{IoFault, IoWrong, Op};
use crate::disk::{state, table};
use crate::modules::{self, Heard};
use crate::plan::detail::{Count, Factor, WriteFault};
use crate::plan::fault::WriteOffer;
use crate::trace::event::What;
use crate::world::node::{Job, Node};
use kernel_core::{
    Bytes, Cause, Change, Deviation, Duration, Input, LifeId, LoadError, Message, ProcessRef, Refused, StateDone,
    StateOp, WriteId,
};
use std::rc::Rc;

/// What is durable when a job's operations are done.
enum Fact {
    Rows(Vec<Change>),
    State(ProcessRef, Option<Bytes>),
    Nothing,
}

impl World<'_> {
    /// Queues work for the disk.
    pub(super) fn queue_job(&mut self, node: usize, cause: Cause, job: Job) {
        let up = self.nodes[node].up.as_mut().expect("a node that uses its disk is up");
        up.disk_jobs.push_back((cause, job));
        if up.disk_jobs.len() == 1 {
            self.schedule_disk(node);
        }
    }

    fn schedule_disk(&mut self, node: usize) {
        let boot = self.nodes[node].boots;
        let stream = &mut self.nodes[node].streams.disk_cost;
        let Factor(factor) = self.chooser.ask(stream, &self.names, || ()).unwrap_or(Factor(1));
        let at = self.now + Duration(DISK_COST.0 * u64::from(factor));
        self.queue_in_order(node, at, Task::Disk(node, boot));
    }

    /// The disk is done with the first job.
    pub(super) fn disk_done(&mut self, node: usize, boot: u32) {
        if !self.is_up(node, boot) || !self.before_step(node) {
            return;
        }
        let next = self.next_job(node);
        let up = self.nodes[node].up.as_mut().expect("it is up");
        let (cause, job) = up.disk_jobs.remove(next).expect("the disk is done with something");
        if !up.disk_jobs.is_empty() {
            self.schedule_disk(node);
        }
        match job {
            Job::Table(write, changes) => self.write_table(node, cause, write, changes),
            Job::State(process, run, op) => self.serve_state(node, cause, (process, run), &op),
            Job::Module(ProcessRef::VFS, message) if self.exhausts_memory(node, &message) => {
                self.fail(node, cause, "vfs could not allocate what a ReadExact asks for");
            }
            Job::Module(module, message) => {
                let fault = self.io_fault(node);
                let mut ops = self.ask_module(node, module, cause, &Heard::Message(message), fault);
                if self.options.planted == Some(Planted::AnswersBeforeSync) && module == ProcessRef::VFS {
                    ops.retain(|op| !matches!(op, Op::Sync(_) | Op::SyncDir(_)));
                }
                if module == ProcessRef::KV && self.semantics().has(Deviation::D27) {
                    ops.retain(|op| !matches!(op, Op::Sync(_) | Op::SyncDir(_)));
                }
                // Refusals are for the module to answer; here the node may go down around its work.
                self.write(node, cause, &ops, Ok(()), Fact::Nothing);
            }
            Job::Load(ticket, reader, path) => {
                let vfs = self.nodes[node].address(ProcessRef::VFS);
                let value = &self.nodes[node];
                let kernel = &value.up.as_ref().expect("it is up").kernel;
                let file = modules::read_for_spawn(value.disk.files(), kernel, &mut self.names, vfs, reader, &path);
                let result = file.and_then(|bytes: Bytes| -> Result<_, LoadError> { self.images.load(&bytes) });
                self.step(node, cause, Input::Loaded(ticket, result));
            }
        }
    }

    /// D44: whether a request of vfs takes its node down.
    fn exhausts_memory(&mut self, node: usize, message: &Message) -> bool {
        if !self.semantics().has(Deviation::ReadExactAllocates) {
            return false;
        }
        let value = &self.nodes[node];
        let (vfs, kernel) = (value.address(ProcessRef::VFS), &value.up.as_ref().expect("it is up").kernel);
        modules::asks_too_much(value.disk.files(), kernel, &mut self.names, vfs, message)
    }

    /// Which of the jobs that wait is done. D31: the requests to state and vfs are tasks of their own, and any may be.
    fn next_job(&mut self, node: usize) -> usize {
        let of_its_own = |(_, job): &(Cause, Job)| match job {
            Job::Table(..) | Job::State(..) => true,
            Job::Module(module, _) => *module == ProcessRef::VFS,
            Job::Load(..) => false,
        };
        let up = self.nodes[node].up.as_ref().expect("it is up");
        let jobs = up.disk_jobs.iter().take_while(|job| of_its_own(job)).count();
        if jobs < 2 || !self.semantics().has(Deviation::WritesOvertake) {
            return 0;
        }
        let stream = &mut self.nodes[node].streams.order;
        let Count(n) = self.chooser.ask(stream, &self.names, || ()).unwrap_or(Count(0));
        n as usize % jobs
    }

    /// P2: the table. A write that adds no process may use the last space, kept for it as ext4 keeps some for root: a kill
    /// must work on a full disk to get space back, and what the kernel tries again until it is written must end.
    fn write_table(&mut self, node: usize, cause: Cause, write: WriteId, changes: Vec<Change>) {
        let fault = self.io_fault(node);
        let rows = &self.nodes[node].known.rows;
        let adds = changes.iter().any(|change| matches!(change, Change::Put(id, _) if !rows.contains_key(id)));
        let Node { disk, known, written, .. } = &mut self.nodes[node];
        let unsynced = table::is_unsynced(disk);
        let mut session = if adds { disk.session(fault) } else { disk.session(fault).with_reserve() };
        let done = table::write(&mut session, &changes, &known.rows, unsynced, written, &self.names);
        let ops = disk.finish(session);
        let done = self.write(node, cause, &ops, done.map_err(|_| Refused), Fact::Rows(changes));
        if let Some((cause, done)) = done {
            self.step(node, cause, Input::Written(write, done));
        }
    }

    /// P1: saved state.
    fn serve_state(&mut self, node: usize, cause: Cause, of: (ProcessRef, LifeId), op: &StateOp) {
        let (process, run) = of;
        let fault = self.io_fault(node);
        let disk = &mut self.nodes[node].disk;
        let unsynced = state::is_unsynced(disk);
        let mut session = disk.session(fault);
        let done = state::serve(&mut session, process, op, unsynced, &self.names);
        let mut ops = disk.finish(session);
        let d27 = self.semantics().has(Deviation::D27);
        if d27 {
            ops.retain(|op| !matches!(op, Op::Sync(_) | Op::SyncDir(_)));
        }
        let known = self.nodes[node].known.states.get(&process);
        let fact = match (op, &done) {
            // D27: it is said to be saved, and a power loss may take it.
            _ if d27 => Fact::Nothing,
            (StateOp::Get, Ok(StateDone::Got(got))) if !ops.is_empty() && got.as_ref() != known => {
                Fact::State(process, got.clone())
            }
            (StateOp::Get, _) => Fact::Nothing,
            (StateOp::Set(bytes), _) => Fact::State(process, Some(bytes.clone())),
            (StateOp::Clear, _) => Fact::State(process, None),
        };
        if done.is_err() && matches!(op, StateOp::Get) {
            let refused = IoFault { at: 1, wrong: IoWrong::Error };
            self.record(node, Some(cause), What::IoRefused(ProcessRef::STATE, refused));
            return self.step(node, cause, Input::State(process, run, Err(Refused)));
        }
        let written = self.write(node, cause, &ops, done.as_ref().map(|_| ()).map_err(|_| Refused), fact);
        if let Some((cause, written)) = written {
            self.step(node, cause, Input::State(process, run, written.and(done.map_err(|_| Refused))));
        }
    }

    /// The refusal that the disk has for the work at hand, if any.
    fn io_fault(&mut self, node: usize) -> Option<IoFault> {
        let stream = &mut self.nodes[node].streams.io;
        self.chooser.ask(stream, &self.names, || ())
    }

    /// Does the operations of a job and records what is durable then, or that the disk refused it, now or in its session
    /// (`done`). `None`: the node went down meanwhile. Otherwise the cause of what follows, and whether the write is done.
    fn write(
        &mut self,
        node: usize,
        cause: Cause,
        ops: &[Op],
        done: Result<(), Refused>,
        fact: Fact,
    ) -> Option<(Cause, Result<(), Refused>)> {
        let refusable = !matches!(fact, Fact::Nothing);
        let fault = if ops.is_empty() {
            None
        } else {
            let stream = self.nodes[node].streams.write.about(ops.len());
            self.chooser.ask(stream, &self.names, || WriteOffer { operations: ops.len() as u64, refusable })
        };
        match fault {
            Some(WriteFault::Refused) if refusable => {
                let index = self.record(node, Some(cause), What::WriteRefused);
                return Some((index, Err(Refused)));
            }
            Some(WriteFault::Down(how, n)) => {
                let n = (n as usize).min(ops.len());
                self.apply(node, ops, n);
                if n == ops.len() && done.is_ok() {
                    self.record_fact(node, cause, fact);
                }
                self.go_down(node, Some(cause), how, None);
                return None;
            }
            Some(WriteFault::Refused) | None => {}
        }
        self.apply(node, ops, ops.len());
        let cause = match done {
            Ok(()) => self.record_fact(node, cause, fact),
            Err(Refused) => self.record(node, Some(cause), What::WriteRefused),
        };
        Some((cause, done))
    }

    /// Does the first `n` of these operations.
    fn apply(&mut self, node: usize, ops: &[Op], n: usize) {
        for op in &ops[..n] {
            let disk = &mut self.nodes[node].disk;
            let before = match op {
                Op::Write(path, ..) | Op::SetLen(path, _) => disk.files().len(path).map_or(0, |len| len as usize),
                _ => 0,
            };
            disk.apply(op).expect("operations were checked against the disk before they were asked for");
            self.spend_on_disk(node, op, before);
        }
        let disk = &mut self.nodes[node].disk;
        if let (Some(Planted::RenameIsNotAtomic), Some(Op::Rename(_, to))) = (self.options.planted, ops.get(n))
            && disk.files().is_file(to)
        {
            disk.apply(&Op::Remove(to.clone())).expect("it is there");
        }
    }

    /// Records what the disk has from now on, whatever comes.
    fn record_fact(&mut self, node: usize, cause: Cause, fact: Fact) -> Cause {
        let known = &mut self.nodes[node].known;
        match fact {
            Fact::Nothing => cause,
            Fact::State(process, bytes) => {
                match &bytes {
                    Some(bytes) => known.states.insert(process, bytes.clone()),
                    None => known.states.remove(&process),
                };
                self.record(node, Some(cause), What::StateDurable(process, bytes))
            }
            Fact::Rows(changes) => {
                let mut last = cause;
                for change in changes {
                    let known = &mut self.nodes[node].known;
                    let was = match &change {
                        Change::Put(id, record) => known.rows.insert(*id, record.clone()),
                        Change::Remove(id) => known.rows.remove(id),
                    };
                    if was.is_none() && matches!(change, Change::Remove(_)) {
                        // To make sure that there is no row is no event, where there was none.
                        continue;
                    }
                    last = self.record(node, Some(cause), What::Durable(Rc::new(change)));
                }
                last
            }
        }
    }
}
