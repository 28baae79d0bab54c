//! How processes start: rules S, X.down, E4b.

use crate::address::Address;
use crate::call::{Answer, Spawn};
use crate::capability::{Capabilities, Capability};
use crate::command::{CommandAnswer, Initialize};
use crate::durable::After;
use crate::effect::{Change, Effect, LifeId, Record, Source, Ticket};
use crate::input::{ImageId, LoadError};
use crate::kernel::{Context, Kernel};
use crate::message::Message;
use crate::name::{ProcessId, ProcessRef};
use crate::on_exit::{OnExit, OnExitKind};
use crate::process::{Activity, Process, Status};
use crate::send_error::SpawnError;
use std::rc::Rc;

/// Code that is being loaded, and what it is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Loading {
    pub init: Initialize,
    pub by: Initializer,
}

/// Who initializes a process.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Initializer {
    /// An `InitializeProcess` command, to be answered.
    Command(Rc<Message>),
    /// A guest's `spawn`: which life of it waits, and what else it asked for.
    Spawn { parent: ProcessRef, run: LifeId, grants: Vec<(ProcessRef, Capability)> },
}

impl Kernel {
    // ---- boot -------------------------------------------------------------------------------------------------

    /// [X.down](crate::Rule::X): a Restart row comes up, the others end by this boot. Until the rows that end are gone from the disk
    /// nothing runs and nothing is fired ([E4b](crate::Rule::E4b)); killed meanwhile, a process does not come up ([E5](crate::Rule::E5)).
    pub(crate) fn on_boot(&mut self, rows: Vec<(ProcessRef, Record)>, cx: &mut Context<'_>) {
        for module in cx.names.modules() {
            let mut process =
                Process::new(None, OnExit::None, module == ProcessRef::TIMER, Status::Running(Activity::Receiving));
            process.capabilities = self.first_capabilities(module, cx);
            self.processes.insert(module, process);
        }
        let (mut up, mut ended) = (Vec::new(), Vec::new());
        for (id, row) in rows {
            if id.is_module() {
                self.processes.get_mut(id).expect("every module was just entered").capabilities = row.capabilities;
                continue;
            }
            let mut process = Process::new(row.image, row.on_exit, row.public, Status::Initialized);
            process.capabilities = row.capabilities;
            let on_exit = process.on_exit.kind();
            self.note_beginning(id, on_exit);
            if on_exit == OnExitKind::Restart || self.boots_anyway(id, on_exit) {
                up.push(id);
            } else {
                ended.push(id);
                process.status = Status::Ending(self.ending(&process));
            }
            self.processes.insert(id, process);
        }
        let after = After::Boot { up, ended };
        let ends = self.processes.iter().any(|(_, process)| process.is_ending());
        if ends { self.write_ends(after, cx) } else { self.after_boot(after, cx) }
    }

    /// What a runtime module holds on a node that is new: all may reach other nodes; those that give capabilities of
    /// theirs to whom they serve may tell the kernel so (the vfs may anyway, [C1](crate::Rule::C1)); the owner's terminal holds root, which
    /// is to message the kernel and every other module, and to do as it likes in the file system.
    pub(crate) fn first_capabilities(&self, module: ProcessRef, cx: &mut Context<'_>) -> Capabilities {
        let mut capabilities = Capabilities::from([Capability::network(self.our)]);
        if matches!(module, ProcessRef::KV | ProcessRef::SQLITE) || module.is_own_module() {
            capabilities.insert(Capability::messaging(self.address(ProcessRef::KERNEL)));
        }
        if module == ProcessRef::TERMINAL {
            capabilities.extend(cx.names.modules().map(|module| Capability::messaging(self.address(module))));
            let params = cx.names.params(r#"{"root":true}"#);
            capabilities.insert(Capability { issuer: self.address(ProcessRef::VFS), params });
        }
        capabilities
    }

    pub(crate) fn after_boot(&mut self, after: After, cx: &mut Context<'_>) {
        let After::Boot { up, ended } = after else { unreachable!("only a boot is continued here") };
        for id in up {
            if self.processes.get(id).is_some_and(|process| process.status == Status::Initialized) {
                self.start(id, cx);
            }
        }
        for id in ended {
            self.take_effect(id, cx);
        }
        self.finish_boot(cx);
    }

    // ---- start ------------------------------------------------------------------------------------------------

    /// [S2](crate::Rule::S2): `InitializeProcess`. Everything that can be wrong with it is answered alike, and changes nothing.
    pub(crate) fn on_initialize(&mut self, command: Rc<Message>, init: Initialize, cx: &mut Context<'_>) {
        if self.initialize_goes_wrong(&command, &init, cx) {
            return;
        }
        let legal = cx.names.process_id(init.id).is_legal();
        let Some(blob) = command.blob.clone().filter(|_| legal && !self.is_taken(init.id)) else {
            return self.not_initialized(init.id, Initializer::Command(command), SpawnError::NameTaken, cx);
        };
        self.load(Source::Blob(blob.bytes), Loading { init, by: Initializer::Command(command) }, cx);
    }

    /// [S6](crate::Rule::S6): `spawn`. The code is read and judged first; until then nothing has changed.
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

    pub(crate) fn load(&mut self, source: Source, loading: Loading, cx: &mut Context<'_>) {
        let ticket = Ticket(self.fresh_id());
        self.loads.insert(ticket, loading);
        cx.emit(Effect::Load(ticket, source));
    }

    pub(crate) fn is_taken(&self, id: ProcessRef) -> bool {
        (self.processes.contains(id) && !self.frees_id(id)) || id.is_module()
    }

    /// The code is there, or is not. If all is well the process is entered; nobody knows before its row is durable.
    pub(crate) fn on_loaded(&mut self, ticket: Ticket, result: Result<ImageId, LoadError>, cx: &mut Context<'_>) {
        let Loading { init, by } = self.loads.remove(&ticket).expect("the world answers each load once");
        if self.is_orphaned(&by) && !self.keeps_orphans() {
            // The life that asked is over, and nothing has changed yet (E10).
            return;
        }
        // The error of a taken name comes first, whatever became of the file.
        if self.is_taken(init.id) {
            return self.not_initialized(init.id, by, SpawnError::NameTaken, cx);
        }
        let Some(image) = self.accepts(result) else {
            return self.not_initialized(init.id, by, SpawnError::NoFileAtPath, cx);
        };
        self.make_room(init.id);
        self.note_beginning(init.id, init.on_exit.kind());
        let child = self.address(init.id);
        let mut process =
            Process::new(image, init.on_exit, init.public, Status::Initializing { killers: vec![], refused: false });
        let mut given = Vec::new();
        // C2: what the initializer holds, the child may; and the initializer may message the child.
        let initializer = match &by {
            Initializer::Command(command) => command.source.process,
            Initializer::Spawn { parent, .. } => *parent,
        };
        let held = self.capabilities(initializer);
        // What it has of a process whose own row is not durable yet may be taken back, and is not passed on.
        let is_settled = |issuer: Address| {
            let process = self.processes.get(issuer.process).filter(|_| issuer.node == self.our);
            process.is_none_or(|process| !matches!(process.status, Status::Initializing { .. }))
        };
        let passed_on = |capability: &&Capability| held.contains(capability) && is_settled(capability.issuer);
        process.capabilities.extend(init.initial_capabilities.iter().filter(passed_on));
        // C1: and it may message itself.
        process.capabilities.insert(Capability::messaging(child));
        given.push((initializer, Capability::messaging(child)));
        if let Initializer::Spawn { parent, grants, .. } = &by {
            process.capabilities.insert(Capability::messaging(self.address(*parent)));
            given.extend(grants);
        }
        self.note_initial(init.id, &process.capabilities);
        self.inherit_history(init.id, &mut process);
        self.processes.insert(init.id, process);
        given.retain(|(holder, capability)| self.grant(*holder, *capability));
        let rows: Vec<ProcessRef> = [init.id].into_iter().chain(given.iter().map(|(holder, _)| *holder)).collect();
        self.write_for(rows, After::Initialized { id: init.id, by, given }, cx);
    }

    pub(crate) fn not_initialized(&mut self, id: ProcessRef, by: Initializer, error: SpawnError, cx: &mut Context<'_>) {
        if self.takes_refusal_for_success(id, &by, error, cx) {
            return;
        }
        match by {
            Initializer::Command(command) => self.reply(&command, CommandAnswer::InitializeProcessError, cx),
            Initializer::Spawn { parent, run, .. } => self.unblock(parent, run, Answer::Spawned(Err(error)), cx),
        }
    }

    pub(crate) fn after_initialized(&mut self, id: ProcessRef, by: Initializer, cx: &mut Context<'_>) {
        let orphaned = self.is_orphaned(&by);
        let process = self.processes.get_mut(id).expect("a row that is being written stays in the table");
        let status = std::mem::replace(&mut process.status, Status::Initialized);
        let Status::Initializing { killers, .. } = status else {
            unreachable!("it could not go on before its row was durable")
        };
        match by {
            Initializer::Command(command) => self.reply(&command, CommandAnswer::InitializedProcess, cx),
            Initializer::Spawn { parent, run, .. } => {
                if killers.is_empty() && !(orphaned && self.keeps_orphans()) {
                    self.start(id, cx);
                }
                self.unblock(parent, run, Answer::Spawned(Ok(id)), cx);
            }
        }
        if !killers.is_empty() {
            self.end(id, killers, cx);
        }
    }

    /// [S3](crate::Rule::S3): `RunProcess`.
    pub(crate) fn on_run(&mut self, command: &Message, id: ProcessRef, cx: &mut Context<'_>) {
        if self.runs_again(command, id, cx) {
            return;
        }
        match self.processes.get(id).map(|process| &process.status) {
            Some(Status::Initialized) => {
                self.start(id, cx);
                self.note_run(id);
                self.reply(command, CommandAnswer::StartedProcess, cx);
            }
            Some(Status::Initializing { .. } | Status::Running(_) | Status::BackingOff | Status::Ending(_)) | None => {
                self.reply(command, CommandAnswer::RunProcessError, cx);
            }
        }
    }

    /// [S5](crate::Rule::S5): every start is alike. What came before the first run stays in the mailbox ([S4](crate::Rule::S4)); a restart has an empty one.
    pub(crate) fn start(&mut self, id: ProcessRef, cx: &mut Context<'_>) {
        let run = LifeId(self.fresh_id());
        let chokes = self.chokes_at_start(id);
        self.requeue_early(id, cx.at.now);
        let process = self.processes.get_mut(id).expect("only a process of the table starts");
        process.status = Status::Running(Activity::Computing);
        process.life.started = cx.at.now;
        // Without code that runs it is running for the table, and has no life.
        let Some(image) = process.image.filter(|_| !chokes) else { return };
        process.life.run = run;
        cx.emit(Effect::Start { process: id, run, image });
    }

    /// Takes a process that could not be initialized off the disk, and what was granted for it.
    pub(crate) fn write_not_initialized(
        &mut self,
        id: ProcessRef,
        by: Initializer,
        holders: Vec<ProcessRef>,
        cx: &mut Context<'_>,
    ) {
        let rows = holders.clone();
        self.write(vec![Change::Remove(id)], &rows, After::NotInitialized { id, by, holders }, cx);
    }

    pub(crate) fn after_not_initialized(&mut self, id: ProcessRef, by: Initializer, cx: &mut Context<'_>) {
        let process = self.processes.remove(id).expect("an id is taken until its initialize is answered");
        self.not_initialized(id, by, SpawnError::NoFileAtPath, cx);
        if let Status::Initializing { killers, .. } = process.status {
            for command in killers {
                self.answer_killed(&command, id, cx);
            }
        }
    }
}
