//! How processes end: D1, D2, D3, D6, D10, D18, D21, D23, D24, D25, D36, D37, D38, D41.

use crate::deviation::Deviation;
use crate::durable::After;
use crate::effect::{Change, DropReason, Effect};
use crate::input::Exit;
use crate::kernel::{Context, Kernel, Timer};
use crate::message::Message;
use crate::name::ProcessRef;
use crate::on_exit::{OnExit, OnExitKind};
use crate::process::{Activity, Process, Status};
use crate::semantics::RestartHistory;
use crate::time::Duration;
use std::rc::Rc;

/// How much of its standard error a process's last words are (D24).
const LAST_WORDS_MAX: usize = 5_000;
/// How long a restart at once waits in the loop's queue (D2). Nothing is known of it but that it is short.
const QUEUED: Duration = Duration::from_micros(20);

impl Kernel {
    // ---- exits ----------------------------------------------------------------------------------------------------

    /// D24, D10: whether an exit goes wrong, so that nothing more comes of it.
    pub(crate) fn exit_goes_wrong(
        &mut self,
        id: ProcessRef,
        exit: Exit,
        last_words: &[u8],
        cx: &mut Context<'_>,
    ) -> bool {
        if self.has(Deviation::IllegiblePanicIgnored) && exit == Exit::Panicked && !is_legible(last_words) {
            // It stays in the table, without a life.
            self.forget_life(id);
            return true;
        }
        let restarts = self.processes.get(id).is_some_and(|process| process.on_exit.kind() == OnExitKind::Restart);
        let began_as = self.quirks.began_as.get(&id);
        if self.has(Deviation::LateRestartAborts) && restarts && began_as != Some(&OnExitKind::Restart) {
            cx.emit(Effect::Fail("unwrapped a missing restart back-off"));
            return true;
        }
        false
    }

    /// D10: notes how a process was initialized or booted.
    pub(crate) fn note_beginning(&mut self, id: ProcessRef, on_exit: OnExitKind) {
        if self.has(Deviation::LateRestartAborts) {
            self.quirks.began_as.insert(id, on_exit);
        }
    }

    /// D21, D6: whether an exit takes effect before the disk says so.
    pub(crate) fn ends_before_write(&mut self, id: ProcessRef, cx: &mut Context<'_>) -> bool {
        if self.has(Deviation::KillForgetsRow) && !self.is_known_issuer(id) {
            self.quirks.unwritten.insert(id);
            self.take_effect(id, cx);
            return true;
        }
        if self.has(Deviation::AnswersBeforeWrites) {
            let holders = self.holders_of(&[id]);
            self.take_effect(id, cx);
            self.write(vec![Change::Remove(id)], &holders, After::Nobody(holders.clone()), cx);
            return true;
        }
        false
    }

    /// D31, D37: a process is gone; what is remembered of it.
    pub(crate) fn note_end(&mut self, id: ProcessRef, history: RestartHistory) {
        if self.has(Deviation::WritesOvertake) {
            self.quirks.ended.insert(id);
        }
        if self.has(Deviation::BackOffOutlivesProcess) {
            self.quirks.histories.insert(id, history);
        }
        self.quirks.began_as.remove(&id);
        self.quirks.initial.remove(&id);
        self.quirks.overtaken.remove(&id);
    }

    /// D16, D40: what else of a life there is to forget.
    pub(crate) fn note_life_over(&mut self, id: ProcessRef) {
        if self.has(Deviation::InheritedIdReused) {
            self.timers.retain(|(_, timer)| !matches!(timer, Timer::Timeout(process, _) if *process == id));
        }
        self.quirks.settled_late.retain(|(process, _)| *process != id);
        self.quirks.reads_state.remove(&id);
        self.forget_channel(id);
    }

    // ---- kills ----------------------------------------------------------------------------------------------------

    /// D36, D18, D2: whether a kill goes wrong, so that nothing more comes of it.
    pub(crate) fn kill_goes_wrong(&mut self, command: &Rc<Message>, id: ProcessRef, cx: &mut Context<'_>) -> bool {
        if id == ProcessRef::KERNEL && self.has(Deviation::KernelIsInitialized) {
            self.quirks.kernel_is_gone = true;
            self.answer_killed(command, id, cx);
            return true;
        }
        let status = self.processes.get(id).map(|process| &process.status);
        let missed = match status {
            None => self.has(Deviation::VainKillUnanswered) && !id.is_module(),
            Some(Status::BackingOff) if self.has(Deviation::KillMissesBackOff) => {
                if self.quirks.queued_restarts.contains(&id) {
                    // It finds the process, whose own restart is queued behind it and undoes it.
                    self.answer_killed(command, id, cx);
                    self.write(vec![Change::Remove(id)], &[], After::Nobody(vec![]), cx);
                    return true;
                }
                true
            }
            Some(_) => false,
        };
        if missed {
            cx.emit(Effect::Dropped(command.clone(), DropReason::NotRunning));
        }
        missed
    }

    /// D1: the task that would fire them is aborted.
    pub(crate) fn drop_requests_of_killed(&mut self, id: ProcessRef) {
        let skips = self.has(Deviation::KillSkipsRequests);
        if let Some(process) = self.processes.get_mut(id)
            && skips
            && process.on_exit.kind() == OnExitKind::Requests
            && !matches!(process.status, Status::Ending(_))
        {
            process.on_exit = OnExit::None;
        }
    }

    /// D25: whether a life that is killed goes on all the same, since its code computes.
    pub(crate) fn survives_kill(&mut self, id: ProcessRef, cx: &mut Context<'_>) -> bool {
        let Some(process) = self.processes.get(id) else { return false };
        let computes = process.status == Status::Running(Activity::Computing) && Kernel::has_life(process);
        if !self.has(Deviation::KilledGuestComputes) || !computes {
            return false;
        }
        self.orphan(id, cx);
        true
    }

    // ---- restarts -------------------------------------------------------------------------------------------------

    /// D2: a restart at once is a kill, an initialize and a run in the loop's queue; what comes before them is served
    /// first.
    pub(crate) fn queues_restart(&mut self, id: ProcessRef, cx: &Context<'_>) -> bool {
        if !self.has(Deviation::KillMissesBackOff) {
            return false;
        }
        let process = self.processes.get_mut(id).expect("only a process of the table restarts");
        process.status = Status::BackingOff;
        self.timers.insert((cx.at.now + QUEUED, Timer::Restart(id)));
        self.quirks.queued_restarts.insert(id);
        true
    }

    /// D3: a process in its back-off is in no table.
    pub(crate) fn leave_table(&mut self, id: ProcessRef) {
        if self.has(Deviation::BackOffLeavesTable) {
            self.quirks.unwritten.insert(id);
        }
    }

    /// D38: whether the restart after a back-off finds its id taken by somebody else.
    pub(crate) fn restart_fails(&mut self, id: ProcessRef, cx: &mut Context<'_>) -> bool {
        let queued = self.quirks.queued_restarts.remove(&id);
        if queued && self.has(Deviation::KillMissesBackOff) {
            self.start(id, cx);
            // A kill that was answered meanwhile is undone.
            self.write(vec![], &[id], After::Nobody(vec![id]), cx);
            return true;
        }
        let status = self.processes.get(id).map(|process| &process.status);
        match status {
            Some(Status::BackingOff) => return false,
            Some(Status::Running(_)) => self.send_stray_run(id, cx),
            Some(Status::Initialized) => self.start(id, cx),
            Some(Status::Initializing { .. } | Status::Ending(_)) | None => {}
        }
        true
    }

    /// D3, D23: a process has its next life; what goes to the disk with it.
    pub(crate) fn note_restarted(&mut self, id: ProcessRef, cx: &mut Context<'_>) {
        let reenters = self.has(Deviation::BackOffLeavesTable);
        let reverts = self.has(Deviation::SetOnExitMissesLife);
        let Some(process) = self.processes.get_mut(id) else { return };
        let reverted = reverts && process.on_exit_next.take().is_some();
        if !reverted && reenters {
            self.quirks.unwritten.remove(&id);
        }
        if reverted || reenters {
            self.write(vec![], &[id], After::Nobody(vec![id]), cx);
        }
    }

    /// D38: whether an id that is in the table is free all the same. One whose restart is queued (D2) is not: only a
    /// restart that sleeps has taken the process out.
    pub(crate) fn frees_id(&self, id: ProcessRef) -> bool {
        let backs_off = self.processes.get(id).is_some_and(|process| process.status == Status::BackingOff);
        backs_off && !self.quirks.queued_restarts.contains(&id) && self.has(Deviation::BackOffFreesId)
    }

    /// D38: the process in its back-off makes room for one that is initialized under its id.
    pub(crate) fn make_room(&mut self, id: ProcessRef) {
        if self.frees_id(id)
            && let Some(process) = self.processes.remove(id)
        {
            self.note_end(id, process.history);
        }
    }

    /// D37: a new process takes over the history of the one before.
    pub(crate) fn inherit_history(&mut self, id: ProcessRef, process: &mut Process) {
        if let Some(history) = self.quirks.histories.remove(&id) {
            process.history = history;
        }
    }

    // ---- shutdown -------------------------------------------------------------------------------------------------

    /// D41: whether a graceful quit waits for a guest that computes.
    pub(crate) fn quit_waits(&mut self) -> bool {
        if !self.has(Deviation::QuitWaitsForGuests) {
            return false;
        }
        let computing = |process: &Process| process.status == Status::Running(Activity::Computing);
        let lives = |id: ProcessRef, process: &Process| !id.is_module() && Kernel::has_life(process);
        let guest = self.processes.iter().find(|(id, process)| lives(*id, process) && computing(process));
        let Some(id) = guest.map(|(id, _)| id) else { return false };
        self.wait_to_quit(id);
        true
    }
}

/// D24: whether the runtime can read a process's last words.
fn is_legible(last_words: &[u8]) -> bool {
    let kept = &last_words[last_words.len().saturating_sub(LAST_WORDS_MAX)..];
    std::str::from_utf8(kept).is_ok()
}
