//! How processes start: D4, D5, D7, D8, D26, D36, D39, D43.

use crate::call::Answer;
use crate::capability::Capability;
use crate::command::{CommandAnswer, Initialize};
use crate::deviation::Deviation;
use crate::effect::{Effect, LifeId};
use crate::input::{ImageId, LoadError};
use crate::kernel::{Context, Kernel};
use crate::message::Message;
use crate::name::ProcessRef;
use crate::on_exit::{OnExit, OnExitKind};
use crate::process::{Process, Status};
use crate::send_error::SpawnError;
use crate::start::Initializer;

impl Kernel {
    // ---- boot -----------------------------------------------------------------------------------------------------

    /// D4, D5: whether a boot starts a process that it should not.
    pub(crate) fn boots_anyway(&mut self, id: ProcessRef, on_exit: OnExitKind) -> bool {
        match on_exit {
            OnExitKind::Restart => false,
            OnExitKind::None => self.has(Deviation::NoneIsBooted),
            OnExitKind::Requests if self.has(Deviation::BootStartsRequests) => {
                self.quirks.fires_at_boot.push(id);
                true
            }
            OnExitKind::Requests => false,
        }
    }

    /// D4: those that were started fire all the same. D43: those that were run before are run again.
    pub(crate) fn finish_boot(&mut self, cx: &mut Context<'_>) {
        for id in std::mem::take(&mut self.quirks.fires_at_boot) {
            let process = self.processes.get(id).cloned();
            if let Some(Process { on_exit: OnExit::Requests(requests), capabilities, .. }) = process {
                self.fire(id, &capabilities, &requests, cx);
            }
        }
        self.quirks.booted = true;
        for id in std::mem::take(&mut self.quirks.early_runs) {
            if self.processes.get(id).is_some_and(Kernel::has_life) {
                self.send_stray_run(id, cx);
            }
        }
    }

    // ---- initialize -----------------------------------------------------------------------------------------------

    /// D36: whether an initialize goes wrong: it takes the kernel's row for any other, or finds it gone.
    pub(crate) fn initialize_goes_wrong(&mut self, command: &Message, init: &Initialize, cx: &mut Context<'_>) -> bool {
        if !self.has(Deviation::KernelIsInitialized) {
            return false;
        }
        if self.quirks.kernel_is_gone {
            cx.emit(Effect::Fail("unwrapped the kernel's row, which is gone"));
            return true;
        }
        if init.id != ProcessRef::KERNEL {
            return false;
        }
        let row = self.processes.get_mut(ProcessRef::KERNEL).expect("every module is in the table");
        row.capabilities = init.initial_capabilities.iter().copied().collect();
        self.reply(command, CommandAnswer::InitializedProcess, cx);
        true
    }

    /// D8: the code that a process is given. `Some(None)`: it is not valid, and accepted all the same.
    pub(crate) fn accepts(&self, result: Result<ImageId, LoadError>) -> Option<Option<ImageId>> {
        match result {
            Ok(image) => Some(Some(image)),
            Err(LoadError::Invalid) if self.has(Deviation::InvalidCodeIsAccepted) => Some(None),
            Err(LoadError::Invalid | LoadError::NoFile) => None,
        }
    }

    /// D7: whether the sender of an initialize that failed takes it for done.
    pub(crate) fn takes_refusal_for_success(
        &mut self,
        id: ProcessRef,
        by: &Initializer,
        error: SpawnError,
        cx: &mut Context<'_>,
    ) -> bool {
        if !self.has(Deviation::SpawnIgnoresRefusal) {
            return false;
        }
        match by {
            Initializer::Command(command) => {
                self.grant(command.source.process, Capability::messaging(self.address(id)));
                false
            }
            Initializer::Spawn { parent, run, grants } if error == SpawnError::NameTaken => {
                self.adopt_namesake(*parent, id, grants, cx);
                self.unblock(*parent, *run, Answer::Spawned(Ok(id)), cx);
                true
            }
            Initializer::Spawn { .. } => false,
        }
    }

    /// S6, E10: whether the life that asked for a child is over. D39: a child of it stays, and nobody runs it.
    pub(crate) fn is_orphaned(&self, by: &Initializer) -> bool {
        matches!(by, Initializer::Spawn { parent, run, .. } if !self.is_present(*parent, *run))
    }

    /// D39.
    pub(crate) fn keeps_orphans(&self) -> bool {
        self.has(Deviation::SpawnLeavesOrphan)
    }

    // ---- run ------------------------------------------------------------------------------------------------------

    /// D43: a process is run; remembered if the node still boots.
    pub(crate) fn note_run(&mut self, id: ProcessRef) {
        if self.has(Deviation::EarlyRunRepeated) && !self.quirks.booted {
            self.quirks.early_runs.push(id);
        }
    }

    /// D26: whether the run of a running process is answered as done.
    pub(crate) fn runs_again(&mut self, command: &Message, id: ProcessRef, cx: &mut Context<'_>) -> bool {
        let lives = self.processes.get(id).is_some_and(|process| {
            matches!(process.status, Status::Running(_)) && process.life.run != LifeId::default()
        });
        if !lives || !self.has(Deviation::SecondRunAnswered) {
            return false;
        }
        self.reply(command, CommandAnswer::StartedProcess, cx);
        self.send_stray_run(id, cx);
        true
    }
}
