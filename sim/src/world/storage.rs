//! A node's disk at work: one thing after the other, each in a fixed virtual time.
//!
//! A crash is never played inside an operation: when the turn of a job has come its operations are known, and the
//! chooser is asked how many of them are done.

use super::{DISK_COST, Task, World};
use crate::disk::{IoFault, IoWrong, Op};
use crate::event::What;
use crate::modules::{self, Heard};
use crate::node::{Job, state};
use crate::site::{Answer as Choice, Down, WriteFault};
use crate::table;
use kernel_core::{Bytes, Cause, Change, Deviation, Input, LoadError, ProcessRef, Refused, StateDone, StateOp};
use std::rc::Rc;

/// What is durable when a job's operations are done.
enum Fact {
    Rows(Vec<Change>),
    State(ProcessRef, Option<Bytes>),
    Nothing,
}

impl World<'_> {
    /// Something has to wait for the disk.
    pub(super) fn queue_job(&mut self, node: usize, cause: Cause, job: Job) {
        let up = self.nodes[node].up.as_mut().expect("a node that uses its disk is up");
        up.disk_jobs.push_back((cause, job));
        if up.disk_jobs.len() == 1 {
            self.schedule_disk(node);
        }
    }

    fn schedule_disk(&mut self, node: usize) {
        let boot = self.nodes[node].boots;
        let at = self.now + DISK_COST;
        self.queue_in_order(node, at, Task::Disk(node, boot));
    }

    /// The disk is done with the first job.
    pub(super) fn disk_done(&mut self, node: usize, boot: u32) {
        if !self.is_up(node, boot) || !self.before_step(node) {
            return;
        }
        let up = self.nodes[node].up.as_mut().expect("it is up");
        let (cause, job) = up.disk_jobs.pop_front().expect("the disk is done with something");
        if !up.disk_jobs.is_empty() {
            self.schedule_disk(node);
        }
        match job {
            Job::Table(write, changes) => {
                let ops = table::write(&self.nodes[node].disk, &changes, &self.names);
                if let Some((cause, done)) = self.write(node, cause, &ops, Fact::Rows(changes)) {
                    self.step(node, cause, Input::Written(write, done));
                }
            }
            Job::State(process, run, op) => {
                let mut ops = state::write(&self.nodes[node].disk, process, &op, &self.names);
                let unsynced = self.semantics().has(Deviation::D27);
                if unsynced {
                    ops.retain(|op| !matches!(op, Op::Sync(_) | Op::SyncDir(_)));
                }
                let fact = match &op {
                    StateOp::Get => Fact::Nothing,
                    // D27: it is said to be saved, and a power loss may take it.
                    StateOp::Set(_) | StateOp::Clear if unsynced => Fact::Nothing,
                    StateOp::Set(bytes) => Fact::State(process, Some(bytes.clone())),
                    StateOp::Clear => Fact::State(process, None),
                };
                let Some((cause, done)) = self.write(node, cause, &ops, fact) else { return };
                let disk = &self.nodes[node].disk;
                let done = done.map(|()| match op {
                    StateOp::Get => StateDone::Got(state::read(disk, process, &self.names)),
                    StateOp::Set(_) | StateOp::Clear => StateDone::Saved,
                });
                self.step(node, cause, Input::State(process, run, done));
            }
            Job::Module(module, message) => {
                let stream = &mut self.nodes[node].streams.io;
                let choice = self.chooser.ask(stream, &mut self.names, |draw| {
                    let wrong = [IoWrong::NoSpace, IoWrong::Error, IoWrong::Short][draw.below(3) as usize];
                    let most = 1 << draw.below(7);
                    Some(Choice::Io(IoFault { at: 1 + draw.below(most) as u32, wrong }))
                });
                let fault = match choice {
                    Some(Choice::Io(fault)) => Some(fault),
                    _ => None,
                };
                let ops = self.ask_module(node, module, cause, &Heard::Message(message), fault);
                // Refusals are for the module to answer; here the node may go down around its work.
                self.write(node, cause, &ops, Fact::Nothing);
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

    /// Does a job's operations, and records what is durable then. `None`: the node went down meanwhile. Otherwise the
    /// cause of what follows, and whether the disk did as it was told.
    fn write(&mut self, node: usize, cause: Cause, ops: &[Op], fact: Fact) -> Option<(Cause, Result<(), Refused>)> {
        if ops.is_empty() {
            return Some((cause, Ok(())));
        }
        let refusable = !matches!(fact, Fact::Nothing);
        let stream = &mut self.nodes[node].streams.write;
        let choice = self.chooser.ask(stream, &mut self.names, |draw| {
            if refusable && draw.below(3) == 0 {
                return Some(Choice::Write(WriteFault::Refused));
            }
            let how = [Down::Crash, Down::PowerLoss][draw.below(2) as usize];
            Some(Choice::Write(WriteFault::Down(how, draw.below(ops.len() as u64 + 1) as u32)))
        });
        match choice {
            Some(Choice::Write(WriteFault::Refused)) if refusable => {
                let index = self.record(node, Some(cause), What::WriteRefused);
                return Some((index, Err(Refused)));
            }
            Some(Choice::Write(WriteFault::Down(how, done))) => {
                let done = (done as usize).min(ops.len());
                self.apply(node, &ops[..done]);
                if done == ops.len() {
                    self.record_fact(node, cause, fact);
                }
                self.go_down(node, Some(cause), how, None);
                return None;
            }
            _ => {}
        }
        self.apply(node, ops);
        let cause = self.record_fact(node, cause, fact);
        Some((cause, Ok(())))
    }

    fn apply(&mut self, node: usize, ops: &[Op]) {
        for op in ops {
            let disk = &mut self.nodes[node].disk;
            let before = match op {
                Op::Write(path, ..) | Op::SetLen(path, _) => disk.files().read(path).map_or(0, |content| content.len()),
                _ => 0,
            };
            disk.apply(op).expect("operations were checked against the disk before they were asked for");
            self.spend_on_disk(node, op, before);
        }
    }

    /// What the disk now has, come what may.
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
