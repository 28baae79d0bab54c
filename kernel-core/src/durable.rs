//! What waits for the disk: table writes, and what goes on when they are durable (P2, E8).

use crate::call::Answer;
use crate::capability::Capability;
use crate::effect::{Change, Effect, LifeId, WriteId};
use crate::input::Refused;
use crate::kernel::{Context, Kernel};
use crate::name::ProcessRef;
use crate::on_exit::OnExit;
use crate::process::{Activity, Status};
use crate::start::Initializer;

/// What goes on when a table write is durable ([P2](crate::Rule::P2)).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum After {
    /// The rows that end are gone: the node comes up ([E4b](crate::Rule::E4b)). Those to be started, and those that fire, in boot order.
    Boot { up: Vec<ProcessRef>, ended: Vec<ProcessRef> },
    /// A process is initialized. `given` was granted for it, and is taken back if the write is refused.
    Initialized { id: ProcessRef, by: Initializer, given: Vec<(ProcessRef, Capability)> },
    /// A process could not be initialized, and nobody's row says otherwise any more.
    NotInitialized { id: ProcessRef, by: Initializer, holders: Vec<ProcessRef> },
    /// A new on-exit value is in force; the life that set it goes on.
    OnExit { id: ProcessRef, value: OnExit, setter: Option<LifeId> },
    /// A process has ended ([E2](crate::Rule::E2)).
    Ended(ProcessRef),
    /// Nobody waits: these rows were brought up to date.
    Nobody(Vec<ProcessRef>),
}

impl Kernel {
    /// [P2](crate::Rule::P2): a write is durable, and what waited for it goes on; or it was refused.
    pub(crate) fn on_written(&mut self, write: WriteId, result: Result<(), Refused>, cx: &mut Context<'_>) {
        let after = self.take_after(write);
        self.take_carried(write, result.is_ok());
        match result {
            Ok(()) => self.after_write(after, cx),
            Err(Refused) => self.after_refusal(after, cx),
        }
    }

    pub(crate) fn after_write(&mut self, after: After, cx: &mut Context<'_>) {
        match after {
            After::Boot { .. } => self.after_boot(after, cx),
            After::Initialized { id, by, .. } => self.after_initialized(id, by, cx),
            After::NotInitialized { id, by, .. } => self.after_not_initialized(id, by, cx),
            After::OnExit { id, value, setter } => self.after_on_exit(id, value, setter, cx),
            After::Ended(id) => self.take_effect(id, cx),
            After::Nobody(_) => {}
        }
    }

    /// [P2](crate::Rule::P2): initialize is answered with the error, `set_on_exit` panics its caller; all else is tried again until it
    /// is on disk.
    pub(crate) fn after_refusal(&mut self, after: After, cx: &mut Context<'_>) {
        match after {
            After::Boot { .. } | After::Ended(_) => self.write_ends(after, cx),
            After::Nobody(rows) => self.write(vec![], &rows.clone(), After::Nobody(rows), cx),
            After::Initialized { id, by, given, .. } => {
                // A row that was written meanwhile may have come to the disk all the same: first that is mended.
                let holders: Vec<ProcessRef> = given.iter().map(|(holder, _)| *holder).collect();
                for (holder, capability) in given {
                    self.take(holder, capability);
                }
                let process = self.processes.get_mut(id).expect("an id is taken until its initialize is answered");
                if let Status::Initializing { refused, .. } = &mut process.status {
                    *refused = true;
                }
                self.write_not_initialized(id, by, holders, cx);
            }
            After::NotInitialized { id, by, holders } => {
                self.write_not_initialized(id, by, holders, cx);
            }
            After::OnExit { id, value, setter } => {
                let is_last = self.is_last_on_exit(id);
                let Some(process) = self.processes.get_mut(id) else { return };
                process.on_exit_next.take_if(|next| is_last && *next == value);
                let run = process.life.run;
                // A row that was written meanwhile may have the value on disk.
                self.write(vec![], &[id], After::Nobody(vec![id]), cx);
                if setter == Some(run) {
                    cx.emit(Effect::Trap(id, "set-on-exit: the disk refused the write"));
                }
            }
        }
    }

    /// [E8](crate::Rule::E8): a new on-exit value, by the process itself (`setter`: its life, which waits) or by command.
    pub(crate) fn set_on_exit(&mut self, id: ProcessRef, value: OnExit, setter: Option<LifeId>, cx: &mut Context<'_>) {
        let Some(process) = self.processes.get_mut(id).filter(|process| !process.is_ending()) else { return };
        process.on_exit_next = Some(value.clone());
        if setter.is_some() {
            process.status = Status::Running(Activity::Blocked);
        }
        self.write_for(vec![id], After::OnExit { id, value, setter }, cx);
    }

    pub(crate) fn after_on_exit(
        &mut self,
        id: ProcessRef,
        value: OnExit,
        setter: Option<LifeId>,
        cx: &mut Context<'_>,
    ) {
        if setter.is_none() && self.misses_life() {
            return;
        }
        let is_last = self.is_last_on_exit(id);
        let Some(process) = self.processes.get_mut(id).filter(|process| !process.is_ending()) else { return };
        process.on_exit_next.take_if(|next| is_last && *next == value);
        process.on_exit = value;
        if let Some(run) = setter {
            self.unblock(id, run, Answer::Done, cx);
        }
    }

    /// A row may carry an on-exit value that another write, which is refused, was to bring.
    pub(crate) fn note_carried(&mut self, write: WriteId, changes: &[Change]) {
        for change in changes {
            let Change::Put(id, record) = change else { continue };
            let is_changing = self.processes.get(*id).is_some_and(|process| process.on_exit_next.is_some());
            if is_changing || self.carried.iter().any(|(_, of, _)| of == id) {
                self.carried.push((write, *id, record.on_exit.clone()));
            }
        }
    }

    /// [E8](crate::Rule::E8): what is on the disk is in force, whichever write brought it there.
    fn take_carried(&mut self, write: WriteId, durable: bool) {
        let carried: Vec<_> = self.carried.extract_if(.., |(of, ..)| *of == write).collect();
        if !durable || self.misses_life() {
            return;
        }
        for (_, id, value) in carried {
            if let Some(process) = self.processes.get_mut(id).filter(|process| !process.is_ending()) {
                process.on_exit = value;
            }
        }
    }

    /// Whether no on-exit value of a process is on its way to the disk. One that is may equal one that came before it.
    fn is_last_on_exit(&self, id: ProcessRef) -> bool {
        let later = |(_, after): &(_, After)| matches!(after, After::OnExit { id: of, .. } if *of == id);
        !self.writes.iter().any(later)
    }

    /// A call that waited for the disk returns, if the life that made it is still the present one ([E10](crate::Rule::E10)).
    pub(crate) fn unblock(&mut self, id: ProcessRef, run: LifeId, answer: Answer, cx: &mut Context<'_>) {
        self.forget_blob_in_spawn(id, run, &answer);
        let Some(process) = self.processes.get_mut(id) else { return };
        if process.life.run == run && matches!(process.status, Status::Running(_)) {
            process.status = Status::Running(Activity::Computing);
            cx.emit(Effect::Resume(id, answer));
        }
    }
}
