//! How processes start and how they end: rules S, E, X and P2.

use crate::address::Address;
use crate::call::{Answer, Spawn};
use crate::capability::{Capabilities, Capability};
use crate::command::{CommandAnswer, Initialize};
use crate::effect::{Change, DropReason, Effect, Record, Run, Source, Ticket, WriteId};
use crate::input::{Exit, ImageId, LoadError, Refused};
use crate::kernel::{Context, Kernel, Timer};
use crate::message::{Message, Response};
use crate::name::{ProcessId, ProcessRef};
use crate::on_exit::{OnExit, OnExitKind};
use crate::process::{Activity, Ending, Life, Process, Status};
use crate::semantics::Deviation;
use crate::send_error::SpawnError;
use std::rc::Rc;

/// Code that is being loaded, and what it is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Loading {
    init: Initialize,
    by: Initializer,
}

/// Who initializes a process.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Initializer {
    /// An `InitializeProcess` command, to be answered.
    Command(Rc<Message>),
    /// A guest's `spawn`: which life of it waits, and what else it asked for.
    Spawn { parent: ProcessRef, run: Run, grants: Vec<(ProcessRef, Capability)> },
}

/// What goes on when a table write is durable (P2).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum After {
    /// The rows that end are gone: the node comes up (E4b). Those to be started, and those that fire, in boot order.
    /// D4: and those that fire although they do not end.
    Boot { up: Vec<ProcessRef>, ended: Vec<ProcessRef>, fires_too: Vec<ProcessRef> },
    /// A process is initialized. `given` was granted for it, and is taken back if the write is refused.
    Initialized { id: ProcessRef, by: Initializer, given: Vec<(ProcessRef, Capability)> },
    /// A process could not be initialized, and nobody's row says otherwise any more.
    NotInitialized { id: ProcessRef, by: Initializer, holders: Vec<ProcessRef> },
    /// A new on-exit value is in force; the life that set it goes on.
    OnExit { id: ProcessRef, value: OnExit, setter: Option<Run> },
    /// A process has ended (E2).
    Ended(ProcessRef),
    /// Nobody waits: these rows were brought up to date.
    Nobody(Vec<ProcessRef>),
}

impl Kernel {
    // ---- boot -------------------------------------------------------------------------------------------------

    /// X.down.*: a Restart row comes up, the others end by this boot. Until the rows that end are gone from the disk
    /// nothing runs and nothing is fired (E4b); killed meanwhile, a process does not come up (E5).
    pub(crate) fn on_boot(&mut self, rows: Vec<(ProcessRef, Record)>, cx: &mut Context<'_>) {
        for module in ProcessRef::modules() {
            let mut process =
                Process::new(None, OnExit::None, module == ProcessRef::TIMER, Status::Running(Activity::Receiving));
            process.capabilities = self.first_capabilities(module);
            self.processes.insert(module, process);
        }
        let (mut up, mut ended, mut fires_too) = (Vec::new(), Vec::new(), Vec::new());
        for (id, row) in rows {
            if id.is_module() {
                self.processes.get_mut(id).expect("every module was just entered").capabilities = row.capabilities;
                continue;
            }
            let mut process = Process::new(row.image, row.on_exit, row.public, Status::Initialized);
            process.capabilities = row.capabilities;
            let starts = match process.on_exit.kind() {
                OnExitKind::Restart => true,
                OnExitKind::None => self.semantics.has(Deviation::D5),
                OnExitKind::Requests => self.semantics.has(Deviation::D4),
            };
            if starts {
                up.push(id);
                fires_too.extend((process.on_exit.kind() == OnExitKind::Requests).then_some(id));
            } else {
                ended.push(id);
                process.status = Status::Ending(self.ending(&process));
            }
            self.processes.insert(id, process);
        }
        let after = After::Boot { up, ended, fires_too };
        let ends = self.processes.iter().any(|(_, process)| process.is_ending());
        if ends { self.write_ends(after, cx) } else { self.after_boot(after, cx) }
    }

    /// What a runtime module holds on a node that is new: all may reach other nodes, and the owner's terminal the kernel.
    fn first_capabilities(&self, module: ProcessRef) -> Capabilities {
        let mut capabilities = Capabilities::from([Capability::network(self.our)]);
        if module == ProcessRef::TERMINAL {
            capabilities.insert(Capability::messaging(self.address(ProcessRef::KERNEL)));
        }
        capabilities
    }

    fn after_boot(&mut self, after: After, cx: &mut Context<'_>) {
        let After::Boot { up, ended, fires_too } = after else { unreachable!("only a boot is continued here") };
        for id in up {
            if self.processes.get(id).is_some_and(|process| process.status == Status::Initialized) {
                self.start(id, cx);
            }
        }
        for id in ended {
            self.take_effect(id, cx);
        }
        for id in fires_too {
            let process = self.processes.get(id).cloned();
            if let Some(Process { on_exit: OnExit::Requests(requests), capabilities, .. }) = process {
                self.fire(id, &capabilities, &requests, cx);
            }
        }
    }

    // ---- start ------------------------------------------------------------------------------------------------

    /// S2: `InitializeProcess`. Everything that can be wrong with it is answered alike, and changes nothing.
    pub(crate) fn on_initialize(&mut self, command: Rc<Message>, init: Initialize, cx: &mut Context<'_>) {
        let legal = cx.names.process_id(init.id).is_legal();
        let Some(blob) = command.blob.clone().filter(|_| legal && !self.is_taken(init.id)) else {
            return self.not_initialized(init.id, Initializer::Command(command), SpawnError::NameTaken, cx);
        };
        self.load(Source::Blob(blob.bytes), Loading { init, by: Initializer::Command(command) }, cx);
    }

    /// S6: `spawn`. The code is read and judged first; until then nothing has changed.
    pub(crate) fn on_spawn(&mut self, parent: ProcessRef, spawn: Spawn, cx: &mut Context<'_>) {
        let name: Rc<str> = spawn.name.unwrap_or_else(|| self.fresh_id().to_string().into());
        let child = cx.names.sibling(parent, &name);
        if ProcessId::split(cx.names.process_text(child)).is_none_or(|id| !id.is_legal()) {
            return cx.emit(Effect::Trap(parent, "spawn: the name has illegal characters (a-z 0-9 - are legal)"));
        }
        let issued = |(holder, params)| (holder, Capability { issuer: self.address(child), params });
        let grants = spawn.grant_capabilities.into_iter().map(issued).collect();
        let init = Initialize {
            id: child,
            on_exit: spawn.on_exit,
            initial_capabilities: spawn.request_capabilities,
            public: spawn.public,
        };
        let process = self.processes.get_mut(parent).expect("only a process of this node spawns");
        process.status = Status::Running(Activity::Blocked);
        let by = Initializer::Spawn { parent, run: process.life.run, grants };
        self.load(Source::File(parent, spawn.path), Loading { init, by }, cx);
    }

    fn load(&mut self, source: Source, loading: Loading, cx: &mut Context<'_>) {
        let ticket = Ticket(self.fresh_id());
        self.loads.insert(ticket, loading);
        cx.emit(Effect::Load(ticket, source));
    }

    fn is_taken(&self, id: ProcessRef) -> bool {
        self.processes.contains(id) || id.is_module()
    }

    /// The code is there, or is not. If all is well the process is entered; nobody knows before its row is durable.
    pub(crate) fn on_loaded(&mut self, ticket: Ticket, result: Result<ImageId, LoadError>, cx: &mut Context<'_>) {
        let Loading { init, by } = self.loads.remove(&ticket).expect("the world answers each load once");
        if let Initializer::Spawn { parent, run, .. } = &by
            && self.processes.get(*parent).is_none_or(|process| process.life.run != *run)
        {
            // The life that asked is over, and nothing has changed yet (E10).
            return;
        }
        let image = match result {
            Ok(image) if !self.is_taken(init.id) => Some(image),
            // D8: code is judged later, when it is too late.
            Err(LoadError::Invalid) if self.semantics.has(Deviation::D8) && !self.is_taken(init.id) => None,
            Ok(_) => return self.not_initialized(init.id, by, SpawnError::NameTaken, cx),
            Err(_) => return self.not_initialized(init.id, by, SpawnError::NoFileAtPath, cx),
        };
        let child = self.address(init.id);
        let mut process = Process::new(image, init.on_exit, init.public, Status::Initializing { killers: vec![] });
        let mut given = Vec::new();
        // C2: what the initializer holds, the child may; and the initializer may message the child.
        let initializer = match &by {
            Initializer::Command(command) => command.source.process,
            Initializer::Spawn { parent, .. } => *parent,
        };
        let held = self.capabilities(initializer);
        process.capabilities.extend(init.initial_capabilities.iter().filter(|capability| held.contains(capability)));
        given.push((initializer, Capability::messaging(child)));
        if let Initializer::Spawn { parent, grants, .. } = &by {
            process.capabilities.insert(Capability::messaging(self.address(*parent)));
            given.extend(grants);
        }
        self.processes.insert(init.id, process);
        given.retain(|(holder, capability)| self.grant(*holder, *capability));
        let rows: Vec<ProcessRef> = [init.id].into_iter().chain(given.iter().map(|(holder, _)| *holder)).collect();
        let after = After::Initialized { id: init.id, by, given };
        if self.semantics.has(Deviation::D21) {
            self.after_write(after, cx);
            return self.write(vec![], &rows, After::Nobody(rows.clone()), cx);
        }
        self.write(vec![], &rows, after, cx);
    }

    fn not_initialized(&mut self, id: ProcessRef, by: Initializer, error: SpawnError, cx: &mut Context<'_>) {
        let taken_for_success = self.semantics.has(Deviation::D7);
        match by {
            Initializer::Command(command) => {
                if taken_for_success {
                    self.grant(command.source.process, Capability::messaging(self.address(id)));
                }
                self.reply(&command, CommandAnswer::InitializeProcessError, cx);
            }
            Initializer::Spawn { parent, run, .. } if taken_for_success && error == SpawnError::NameTaken => {
                self.adopt_namesake(parent, id, cx);
                self.unblock(parent, run, Answer::Spawned(Ok(id)), cx);
            }
            Initializer::Spawn { parent, run, .. } => self.unblock(parent, run, Answer::Spawned(Err(error)), cx),
        }
    }

    fn after_initialized(&mut self, id: ProcessRef, by: Initializer, cx: &mut Context<'_>) {
        let process = self.processes.get_mut(id).expect("a row that is being written stays in the table");
        let status = std::mem::replace(&mut process.status, Status::Initialized);
        let Status::Initializing { killers } = status else {
            unreachable!("it could not go on before its row was durable")
        };
        match by {
            Initializer::Command(command) => self.reply(&command, CommandAnswer::InitializedProcess, cx),
            Initializer::Spawn { parent, run, .. } => {
                if killers.is_empty() {
                    self.start(id, cx);
                }
                self.unblock(parent, run, Answer::Spawned(Ok(id)), cx);
            }
        }
        if !killers.is_empty() {
            self.end(id, killers, cx);
        }
    }

    /// S3: `RunProcess`.
    pub(crate) fn on_run(&mut self, command: &Message, id: ProcessRef, cx: &mut Context<'_>) {
        match self.processes.get(id).map(|process| &process.status) {
            Some(Status::Initialized) => {
                self.start(id, cx);
                self.reply(command, CommandAnswer::StartedProcess, cx);
            }
            Some(Status::Running(_)) if self.semantics.has(Deviation::D26) => {
                self.reply(command, CommandAnswer::StartedProcess, cx);
                self.send_stray_run(id, cx);
            }
            Some(Status::Initializing { .. } | Status::Running(_) | Status::BackingOff | Status::Ending(_)) | None => {
                self.reply(command, CommandAnswer::RunProcessError, cx);
            }
        }
    }

    /// S5: every start is alike. What came before the first run stays in the mailbox (S4); a restart has an empty one.
    fn start(&mut self, id: ProcessRef, cx: &mut Context<'_>) {
        let run = Run(self.fresh_id());
        let waiting = self.processes.get(id).map_or(0, |process| process.life.mailbox.len());
        let chokes = self.chokes_at_start(waiting);
        let process = self.processes.get_mut(id).expect("only a process of the table starts");
        process.status = Status::Running(Activity::Computing);
        process.life.started = cx.at.now;
        // D8 and D13: it is running for the table, and has no life.
        let Some(image) = process.image.filter(|_| !chokes) else { return };
        if self.semantics.has(Deviation::D12) {
            process.life.held_back = process.life.mailbox.drain(..).collect();
        }
        process.life.run = run;
        cx.emit(Effect::Start { process: id, run, image });
    }

    // ---- exit -------------------------------------------------------------------------------------------------

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
    fn restart(&mut self, id: ProcessRef, cx: &mut Context<'_>) {
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
    fn forget_life(&mut self, id: ProcessRef) {
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
            return match self.semantics.has(Deviation::D18) {
                true => cx.emit(Effect::Dropped(command, DropReason::NotRunning)),
                false => self.answer_killed(&command, id, cx),
            };
        };
        match &mut process.status {
            Status::Initializing { killers } | Status::Ending(Ending { killers, .. }) => killers.push(command),
            // D2: the kill finds nobody, is answered, and the restart still comes.
            Status::BackingOff if self.semantics.has(Deviation::D2) => self.answer_killed(&command, id, cx),
            Status::BackingOff | Status::Initialized => self.end(id, vec![command], cx),
            Status::Running(Activity::Computing) if self.semantics.has(Deviation::D25) => process.doomed.push(command),
            Status::Running(_) => {
                if process.life.run != Run::default() {
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
    fn end(&mut self, id: ProcessRef, killers: Vec<Rc<Message>>, cx: &mut Context<'_>) {
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

    fn ending(&self, process: &Process) -> Ending {
        let requests = match &process.on_exit {
            OnExit::Requests(requests) => Some(requests.clone()),
            OnExit::None | OnExit::Restart => None,
        };
        Ending { requests, killers: vec![] }
    }

    /// Takes the rows of those that end off the disk, and what they issued out of the rows of all others.
    fn write_ends(&mut self, after: After, cx: &mut Context<'_>) {
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
    fn take_effect(&mut self, id: ProcessRef, cx: &mut Context<'_>) {
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

    // ---- table writes -----------------------------------------------------------------------------------------

    /// P2: a write is durable, and what waited for it goes on; or it was refused.
    pub(crate) fn on_written(&mut self, write: WriteId, result: Result<(), Refused>, cx: &mut Context<'_>) {
        let (first, after) = self.writes.pop_front().expect("the world answers each write once");
        assert_eq!(first, write, "table writes are answered in their order");
        match result {
            Ok(()) => self.after_write(after, cx),
            Err(Refused) => self.after_refusal(after, cx),
        }
    }

    fn after_write(&mut self, after: After, cx: &mut Context<'_>) {
        match after {
            After::Boot { .. } => self.after_boot(after, cx),
            After::Initialized { id, by, .. } => self.after_initialized(id, by, cx),
            After::NotInitialized { id, by, .. } => self.after_not_initialized(id, by, cx),
            After::OnExit { id, value, setter } => self.after_on_exit(id, value, setter, cx),
            After::Ended(id) => self.take_effect(id, cx),
            After::Nobody(_) => {}
        }
    }

    /// P2: initialize is answered with the error, `set_on_exit` panics its caller; all else is tried again until it
    /// is on disk.
    fn after_refusal(&mut self, after: After, cx: &mut Context<'_>) {
        match after {
            After::Boot { .. } | After::Ended(_) => self.write_ends(after, cx),
            After::Nobody(rows) => self.write(vec![], &rows.clone(), After::Nobody(rows), cx),
            After::Initialized { id, by, given, .. } => {
                // A row that was written meanwhile may have come to the disk all the same: first that is mended.
                let holders: Vec<ProcessRef> = given.iter().map(|(holder, _)| *holder).collect();
                for (holder, capability) in given {
                    self.take(holder, capability);
                }
                self.write_not_initialized(id, by, holders, cx);
            }
            After::NotInitialized { id, by, holders } => {
                self.write_not_initialized(id, by, holders, cx);
            }
            After::OnExit { id, value, setter } => {
                let Some(process) = self.processes.get_mut(id) else { return };
                // A later value may be on its way already.
                process.on_exit_next.take_if(|next| *next == value);
                let run = process.life.run;
                // A row that was written meanwhile may have the value on disk.
                self.write(vec![], &[id], After::Nobody(vec![id]), cx);
                if setter == Some(run) {
                    cx.emit(Effect::Trap(id, "set-on-exit: the disk refused the write"));
                }
            }
        }
    }

    /// Takes a process that could not be initialized off the disk, and what was granted for it.
    fn write_not_initialized(
        &mut self,
        id: ProcessRef,
        by: Initializer,
        holders: Vec<ProcessRef>,
        cx: &mut Context<'_>,
    ) {
        let rows = holders.clone();
        self.write(vec![Change::Remove(id)], &rows, After::NotInitialized { id, by, holders }, cx);
    }

    fn after_not_initialized(&mut self, id: ProcessRef, by: Initializer, cx: &mut Context<'_>) {
        let process = self.processes.remove(id).expect("an id is taken until its initialize is answered");
        self.not_initialized(id, by, SpawnError::NoFileAtPath, cx);
        if let Status::Initializing { killers } = process.status {
            for command in killers {
                self.answer_killed(&command, id, cx);
            }
        }
    }

    /// E8: a new on-exit value, by the process itself (`setter`: its life, which waits) or by command.
    pub(crate) fn set_on_exit(&mut self, id: ProcessRef, value: OnExit, setter: Option<Run>, cx: &mut Context<'_>) {
        let Some(process) = self.processes.get_mut(id).filter(|process| !process.is_ending()) else { return };
        process.on_exit_next = Some(value.clone());
        let after = After::OnExit { id, value, setter };
        if self.semantics.has(Deviation::D21) {
            self.after_write(after, cx);
            return self.write(vec![], &[id], After::Nobody(vec![id]), cx);
        }
        if setter.is_some() {
            process.status = Status::Running(Activity::Blocked);
        }
        self.write(vec![], &[id], after, cx);
    }

    fn after_on_exit(&mut self, id: ProcessRef, value: OnExit, setter: Option<Run>, cx: &mut Context<'_>) {
        let Some(process) = self.processes.get_mut(id).filter(|process| !process.is_ending()) else { return };
        if setter.is_none() && self.semantics.has(Deviation::D23) {
            // It is in the table, where nobody looks before the next boot.
            return;
        }
        process.on_exit_next.take_if(|next| *next == value);
        process.on_exit = value;
        if let Some(run) = setter {
            self.unblock(id, run, Answer::Done, cx);
        }
    }

    /// A call that waited for the disk returns, if the life that made it is still the present one (E10).
    pub(crate) fn unblock(&mut self, id: ProcessRef, run: Run, answer: Answer, cx: &mut Context<'_>) {
        let Some(process) = self.processes.get_mut(id) else { return };
        if process.life.run == run && matches!(process.status, Status::Running(_)) {
            if self.semantics.has(Deviation::D15) && matches!(answer, Answer::Spawned(_)) {
                process.life.blobbed = false;
            }
            process.status = Status::Running(Activity::Computing);
            cx.emit(Effect::Resume(id, answer));
        }
    }

    fn answer_killed(&mut self, command: &Message, id: ProcessRef, cx: &mut Context<'_>) {
        let id = cx.names.process_text(id).to_string();
        self.reply(command, CommandAnswer::KilledProcess(id), cx);
    }

    /// Answers a command.
    pub(crate) fn reply(&mut self, command: &Message, answer: CommandAnswer, cx: &mut Context<'_>) {
        let response = Response { body: answer.to_body(), ..Response::default() };
        self.answer(command, response, cx);
    }
}
