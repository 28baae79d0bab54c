//! How processes end: rules E and X, K1, K2, K5.

use crate::address::Address;
use crate::command::CommandAnswer;
use crate::durable::After;
use crate::effect::{Change, DropReason, Effect, LifeId};
use crate::input::Exit;
use crate::kernel::{Context, Kernel, Timer};
use crate::message::Message;
use crate::name::ProcessRef;
use crate::on_exit::{OnExit, OnExitKind};
use crate::process::{Activity, Ending, Life, Process, Status};
use crate::semantics::Deviation;
use std::rc::Rc;

impl Kernel {
    /// X.return.*, X.panic.*: a guest's life ended by itself.
    pub(crate) fn on_exited(&mut self, id: ProcessRef, exit: Exit, legible: bool, cx: &mut Context<'_>) {
        let process = self.processes.get_mut(id).expect("only a process of the table has a life");
        if exit == Exit::Panicked && !legible && self.semantics.has(Deviation::D24) {
            // It stays in the table, without a life.
            return self.forget_life(id);
        }
        match process.on_exit.kind() {
            OnExitKind::Restart if process.began_as != OnExitKind::Restart && self.semantics.has(Deviation::D10) => {
                cx.emit(Effect::Fail("unwrapped a missing restart back-off"));
            }
            OnExitKind::Restart => self.restart(id, cx),
            OnExitKind::None | OnExitKind::Requests => {
                let killers = std::mem::take(&mut process.doomed);
                self.end(id, killers, cx);
            }
        }
    }

    /// E3: at once, unless a back-off is in force.
    pub(crate) fn restart(&mut self, id: ProcessRef, cx: &mut Context<'_>) {
        self.forget_life(id);
        let (now, policy) = (cx.at.now, self.semantics.back_off);
        let lost = self.semantics.has(Deviation::D3);
        let process = self.processes.get_mut(id).expect("only a process of the table restarts");
        match process.history.on_exit(policy, process.life.started, now) {
            None => self.start(id, cx),
            Some(until) => {
                process.status = Status::BackingOff;
                self.timers.insert((until, Timer::Restart(id)));
                if lost {
                    self.write(vec![Change::Remove(id)], &[], After::Nobody(vec![]), cx);
                }
            }
        }
    }

    /// The back-off is over; unless the process was killed meanwhile it has its next life.
    pub(crate) fn on_back_off_over(&mut self, id: ProcessRef, cx: &mut Context<'_>) {
        self.start(id, cx);
        if self.semantics.has(Deviation::D3) {
            self.write(vec![], &[id], After::Nobody(vec![id]), cx);
        }
    }

    /// E10: nothing of a life is left, its timeouts included.
    pub(crate) fn forget_life(&mut self, id: ProcessRef) {
        let process = self.processes.get_mut(id).expect("only a process of the table has a life");
        let started = process.life.started;
        let life = std::mem::replace(&mut process.life, Life { started, ..Life::default() });
        for (message, outstanding) in life.outstanding {
            self.timers.remove(&(outstanding.deadline, Timer::Timeout(id, message)));
        }
    }

    /// K1, K2, K5, E5: `KillProcess`.
    pub(crate) fn on_kill(&mut self, command: Rc<Message>, id: ProcessRef, cx: &mut Context<'_>) {
        if id.is_module() {
            return cx.emit(Effect::Dropped(command, DropReason::BadCommand));
        }
        let Some(process) = self.processes.get_mut(id) else {
            return if self.semantics.has(Deviation::D18) {
                cx.emit(Effect::Dropped(command, DropReason::NotRunning))
            } else {
                self.answer_killed(&command, id, cx)
            };
        };
        match &mut process.status {
            Status::Initializing { killers, .. } | Status::Ending(Ending { killers, .. }) => killers.push(command),
            // D2: the kill finds nobody, is answered, and the restart still comes.
            Status::BackingOff if self.semantics.has(Deviation::D2) => self.answer_killed(&command, id, cx),
            Status::BackingOff | Status::Initialized => self.end(id, vec![command], cx),
            Status::Running(Activity::Computing) if self.semantics.has(Deviation::D25) => process.doomed.push(command),
            Status::Running(_) => {
                if process.life.run != LifeId::default() {
                    cx.emit(Effect::Stop(id));
                }
                if self.semantics.has(Deviation::D1) && process.on_exit.kind() == OnExitKind::Requests {
                    process.on_exit = OnExit::None;
                }
                self.end(id, vec![command], cx);
            }
        }
    }

    /// D25: a kill lands when the guest makes a call.
    pub(crate) fn lands_kill(&mut self, id: ProcessRef, cx: &mut Context<'_>) -> bool {
        let process = self.processes.get_mut(id).expect("only a process of the table makes calls");
        let killers = std::mem::take(&mut process.doomed);
        if killers.is_empty() {
            return false;
        }
        cx.emit(Effect::Stop(id));
        self.end(id, killers, cx);
        true
    }

    /// An exit that ends a process. It takes effect when it is durable (E2); until then the id is *ending*.
    pub(crate) fn end(&mut self, id: ProcessRef, killers: Vec<Rc<Message>>, cx: &mut Context<'_>) {
        self.forget_life(id);
        self.timers.retain(|(_, timer)| *timer != Timer::Restart(id));
        let process = self.processes.get(id).expect("only a process of the table ends");
        let ending = Ending { killers, ..self.ending(process) };
        self.processes.get_mut(id).expect("it is in the table").status = Status::Ending(ending);
        if self.semantics.has(Deviation::D21) {
            self.take_effect(id, cx);
            return self.write(vec![Change::Remove(id)], &[], After::Nobody(vec![]), cx);
        }
        if self.forgot_issuer(Deviation::D6, id) {
            self.quirks.unwritten.push(Change::Remove(id));
            return self.take_effect(id, cx);
        }
        self.write_ends(After::Ended(id), cx);
    }

    pub(crate) fn ending(&self, process: &Process) -> Ending {
        let requests = match &process.on_exit {
            OnExit::Requests(requests) => Some(requests.clone()),
            OnExit::None | OnExit::Restart => None,
        };
        Ending { requests, killers: vec![] }
    }

    /// Takes the rows of those that end off the disk, and what they issued out of the rows of all others.
    pub(crate) fn write_ends(&mut self, after: After, cx: &mut Context<'_>) {
        let ends: Vec<ProcessRef> = match &after {
            After::Boot { ended, .. } => ended.clone(),
            After::Ended(id) => vec![*id],
            After::Initialized { .. } | After::NotInitialized { .. } | After::OnExit { .. } | After::Nobody(_) => {
                unreachable!("nothing ends by these")
            }
        };
        let holds_of = |process: &Process| {
            let mut issuers = process.capabilities.iter().map(|capability| capability.issuer);
            issuers.any(|issuer| issuer.node == self.our && ends.contains(&issuer.process))
        };
        let holders: Vec<ProcessRef> = self.processes.iter().filter(|(_, p)| holds_of(p)).map(|(id, _)| id).collect();
        let removed = ends.into_iter().map(Change::Remove).collect();
        self.write(removed, &holders, after, cx);
    }

    /// E2: in one step the requests are sent (E4), the capabilities revoked (E12), and the killers told (K2).
    pub(crate) fn take_effect(&mut self, id: ProcessRef, cx: &mut Context<'_>) {
        let process = self.processes.remove(id).expect("an ending process is in the table until now");
        let Status::Ending(Ending { requests, killers }) = process.status else {
            unreachable!("only an ending process ends")
        };
        if let Some(requests) = requests {
            self.fire(id, &process.capabilities, &requests, cx);
        }
        let issuer: Address = self.address(id);
        let kept_in_back_off = self.semantics.has(Deviation::D17);
        let kept = self.forgot_issuer(Deviation::D9, id);
        for (_, holder) in self.processes.iter_mut() {
            let keeps = kept || (kept_in_back_off && holder.status == Status::BackingOff);
            if !keeps {
                holder.revoke(issuer);
            }
        }
        for command in killers {
            self.answer_killed(&command, id, cx);
        }
    }

    pub(crate) fn answer_killed(&mut self, command: &Message, id: ProcessRef, cx: &mut Context<'_>) {
        let id = cx.names.process_text(id).to_string();
        self.reply(command, CommandAnswer::KilledProcess(id), cx);
    }
}
