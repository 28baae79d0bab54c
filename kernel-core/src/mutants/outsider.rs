//! Forty wrong kernels written by somebody who did not write the generator of worlds, and had read neither it nor the
//! invariants, nor more of the other mutants than the first dozen of the adversary's: from the contract and the kernel's
//! code, all before the first hunt. Each is a plausible mistake of a kernel programmer. They measure what generated
//! worlds find; nothing was tuned before that measurement.

use super::{Mutant, Step};
use crate::Address;
use crate::call::{Call, Outgoing};
use crate::command::Command;
use crate::durable::After;
use crate::effect::{Change, Effect, WriteId};
use crate::input::{Input, Refused};
use crate::kernel::Timer;
use crate::message::MessageId;
use crate::name::ProcessRef;
use crate::time::Instant;

mod lives;
mod messages;

pub(super) const ALL: [&[Mutant]; 2] = [lives::ALL, messages::ALL];

impl Step<'_> {
    /// The requests that the input makes, and who makes them.
    fn outgoing(&self) -> Vec<(ProcessRef, &Outgoing)> {
        match &self.input {
            Some(Input::Call(id, Call::SendRequest(outgoing) | Call::SendAndAwaitResponse(outgoing))) => {
                vec![(*id, outgoing)]
            }
            Some(Input::Call(id, Call::SendRequests(list))) => list.iter().map(|outgoing| (*id, outgoing)).collect(),
            Some(Input::ModuleRequest(module, outgoing)) => vec![(*module, outgoing)],
            _ => vec![],
        }
    }

    /// The commands that the input gives to this kernel, by those who may.
    fn commands(&mut self) -> Vec<Command> {
        let our = self.was.our;
        let kernel = Address { node: our, process: ProcessRef::KERNEL };
        let mut bodies = Vec::new();
        for (source, outgoing) in self.outgoing() {
            let held = self.was.capabilities(source);
            if outgoing.target == kernel && self.was.may_reach(source, &held, kernel, self.names).is_ok() {
                bodies.push((outgoing.request.body.clone(), outgoing.blob.is_some()));
            }
        }
        let commands = bodies.iter().filter_map(|(body, has_blob)| {
            let command = Command::parse(body, self.names, our).ok()?;
            (*has_blob || !matches!(command, Command::Initialize(_))).then_some(command)
        });
        commands.collect()
    }

    /// What waited for the write that the input says is done, or was refused.
    fn written(&self, how: Result<(), Refused>) -> Option<&After> {
        match &self.input {
            Some(Input::Written(write, result)) if *result == how => {
                self.was.writes.iter().find(|(id, _)| id == write).map(|(_, after)| after)
            }
            _ => None,
        }
    }

    /// Takes back the writes that were asked for in this step and that `unwanted` says are for nothing.
    fn unwrite(&mut self, unwanted: impl Fn(&After) -> bool) {
        let since = self.was.next_id;
        let mut dropped: Vec<WriteId> = Vec::new();
        self.kernel.writes.retain(|(write, after)| {
            let drops = write.0 > since && unwanted(after);
            if drops {
                dropped.push(*write);
            }
            !drops
        });
        self.out.retain(|effect| !matches!(effect, Effect::Write(write, _) if dropped.contains(write)));
    }

    /// The row of a process, as this step wants it on disk.
    fn puts_of(&mut self, of: ProcessRef) -> impl Iterator<Item = &mut crate::effect::Record> {
        self.changes().flatten().filter_map(move |change| match change {
            Change::Put(id, record) if *id == of => Some(std::rc::Rc::make_mut(record)),
            Change::Put(..) | Change::Remove(_) => None,
        })
    }

    /// Moves the deadline of a request.
    fn move_deadline(&mut self, id: ProcessRef, message: MessageId, to: Instant) {
        let Some(process) = self.kernel.processes.get_mut(id) else { return };
        if let Some(outstanding) = process.life.outstanding.get_mut(&message) {
            let from = std::mem::replace(&mut outstanding.deadline, to);
            self.kernel.timers.remove(&(from, Timer::Timeout(id, message)));
            self.kernel.timers.insert((to, Timer::Timeout(id, message)));
        }
    }

    /// The requests that were sent in this step and wait for an answer: whose, which, and after how many seconds.
    fn waiting(&self) -> Vec<(ProcessRef, MessageId, u64)> {
        let mut waiting = Vec::new();
        for (id, process) in self.kernel.processes.iter() {
            for (message, outstanding) in &process.life.outstanding {
                if message.0 > self.was.next_id {
                    waiting.push((id, *message, outstanding.message.expects_response().unwrap_or_default()));
                }
            }
        }
        waiting
    }
}
