//! How processes end: rules E and X, K1, K2, K5.

use crate::address::Address;
use crate::capability::Capability;
use crate::command::CommandAnswer;
use crate::durable::After;
use crate::effect::{Change, DropReason, Effect, LifeId};
use crate::input::Exit;
use crate::kernel::{Context, Kernel, Timer};
use crate::message::Message;
use crate::name::ProcessRef;
use crate::on_exit::{OnExit, OnExitKind};
use crate::process::{Ending, Life, Process, Status};
use std::rc::Rc;

impl Kernel {
    /// [X.return](crate::Rule::X), [X.panic](crate::Rule::X): a guest's life ended by itself. Whichever way it did, the
    /// on-exit behaviour is honoured ([E7](crate::Rule::E7)), however often that restarts it ([E9](crate::Rule::E9)).
    pub(crate) fn on_exited(&mut self, id: ProcessRef, exit: Exit, last_words: &[u8], cx: &mut Context<'_>) {
        if self.exit_goes_wrong(id, exit, last_words, cx) {
            return;
        }
        match self.processes.get(id).expect("only a process of the table has a life").on_exit.kind() {
            OnExitKind::Restart => self.restart(id, cx),
            OnExitKind::None | OnExitKind::Requests => self.end(id, vec![], cx),
        }
    }

    /// [E3](crate::Rule::E3): at once, unless a back-off is in force.
    pub(crate) fn restart(&mut self, id: ProcessRef, cx: &mut Context<'_>) {
        self.forget_life(id);
        let (now, policy) = (cx.at.now, self.semantics.back_off);
        let process = self.processes.get_mut(id).expect("only a process of the table restarts");
        let waits = process.history.on_exit(policy, process.life.started, now);
        match waits {
            None if self.queues_restart(id, cx) => {}
            None => {
                self.start(id, cx);
                self.note_restarted(id, cx);
            }
            Some(until) => {
                let process = self.processes.get_mut(id).expect("it is in the table");
                process.status = Status::BackingOff;
                self.timers.insert((until, Timer::Restart(id)));
                self.leave_table(id);
            }
        }
    }

    /// The back-off is over; unless the process was killed meanwhile it has its next life.
    pub(crate) fn on_back_off_over(&mut self, id: ProcessRef, cx: &mut Context<'_>) {
        if self.restart_fails(id, cx) {
            return;
        }
        self.start(id, cx);
        self.note_restarted(id, cx);
    }

    /// [E10](crate::Rule::E10): nothing of a life is left, its timeouts included.
    pub(crate) fn forget_life(&mut self, id: ProcessRef) {
        let process = self.processes.get_mut(id).expect("only a process of the table has a life");
        let started = process.life.started;
        let life = std::mem::replace(&mut process.life, Life { started, ..Life::default() });
        for (message, outstanding) in life.outstanding {
            self.timers.remove(&(outstanding.deadline, Timer::Timeout(id, message)));
        }
        self.note_life_over(id);
    }

    /// [K1](crate::Rule::K1), [K2](crate::Rule::K2), [K5](crate::Rule::K5), [E5](crate::Rule::E5): `KillProcess`.
    pub(crate) fn on_kill(&mut self, command: Rc<Message>, id: ProcessRef, cx: &mut Context<'_>) {
        if self.kill_goes_wrong(&command, id, cx) {
            return;
        }
        if id.is_module() {
            return cx.emit(Effect::Dropped(command, DropReason::BadCommand));
        }
        self.drop_requests_of_killed(id);
        let Some(process) = self.processes.get_mut(id) else { return self.answer_killed(&command, id, cx) };
        match &mut process.status {
            Status::Initializing { killers, .. } | Status::Ending(Ending { killers, .. }) => killers.push(command),
            Status::BackingOff | Status::Initialized => self.end(id, vec![command], cx),
            Status::Running(_) => {
                if process.life.run != LifeId::default() && !self.survives_kill(id, cx) {
                    cx.emit(Effect::Stop(id));
                }
                self.end(id, vec![command], cx);
            }
        }
    }

    /// An exit that ends a process. It takes effect when it is durable ([E2](crate::Rule::E2)); until then the id is *ending*.
    /// Of a None process nothing else comes ([E6](crate::Rule::E6)).
    pub(crate) fn end(&mut self, id: ProcessRef, killers: Vec<Rc<Message>>, cx: &mut Context<'_>) {
        self.forget_life(id);
        self.timers.retain(|(_, timer)| *timer != Timer::Restart(id));
        let process = self.processes.get(id).expect("only a process of the table ends");
        let ending = Ending { killers, ..self.ending(process) };
        self.processes.get_mut(id).expect("it is in the table").status = Status::Ending(ending);
        if self.ends_before_write(id, cx) {
            return;
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
        // A row that is on its way may be refused, and lie on the disk as it was: what this one takes out of it goes along.
        let mut rows = self.holders_of(&ends);
        for (_, after) in &self.writes {
            if let After::Nobody(pending) = after {
                rows.extend(pending.iter().filter(|id| !ends.contains(id)));
            }
        }
        rows.sort_unstable();
        rows.dedup();
        let removed = ends.into_iter().map(Change::Remove).collect();
        self.write(removed, &rows, after, cx);
    }

    /// The processes that hold a capability issued by one of these.
    pub(crate) fn holders_of(&self, issuers: &[ProcessRef]) -> Vec<ProcessRef> {
        let holds_of = |process: &Process| {
            let mut held = process.capabilities.iter().map(|capability| capability.issuer);
            held.any(|issuer| issuer.node == self.our && issuers.contains(&issuer.process))
        };
        self.processes.iter().filter(|(_, process)| holds_of(process)).map(|(id, _)| id).collect()
    }

    /// [E2](crate::Rule::E2): in one step the requests are sent ([E4](crate::Rule::E4)), the capabilities revoked ([E12](crate::Rule::E12)), and the killers told ([K2](crate::Rule::K2)).
    pub(crate) fn take_effect(&mut self, id: ProcessRef, cx: &mut Context<'_>) {
        let process = self.processes.remove(id).expect("an ending process is in the table until now");
        let Process { status, capabilities, history, .. } = process;
        let Status::Ending(Ending { requests, killers }) = status else { unreachable!("only an ending process ends") };
        if let Some(requests) = requests {
            self.fire(id, &capabilities, &requests, cx);
        }
        self.revoke(id);
        self.note_end(id, history);
        for command in killers {
            self.answer_killed(&command, id, cx);
        }
    }

    /// [E12](crate::Rule::E12): takes what a process issued from all others.
    fn revoke(&mut self, issuer: ProcessRef) {
        let issuer: Address = self.address(issuer);
        let mut processes = std::mem::take(&mut self.processes);
        for (id, holder) in processes.iter_mut() {
            let taken = |process: &Process, capability: &Capability| self.is_revoked(id, process, capability, issuer);
            holder.revoke(taken);
        }
        self.processes = processes;
    }

    pub(crate) fn answer_killed(&mut self, command: &Message, id: ProcessRef, cx: &mut Context<'_>) {
        let id = cx.names.process_text(id).to_string();
        self.reply(command, CommandAnswer::KilledProcess(id), cx);
    }
}
