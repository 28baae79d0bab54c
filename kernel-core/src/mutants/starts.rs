//! Mutants of S2, S4, S6 and C2: how a process comes to be.

use super::Mutant;
use crate::call::{Answer, Call};
use crate::capability::Capability;
use crate::command::CommandAnswer;
use crate::effect::Effect;
use crate::input::Input;
use crate::process::{Incoming, Status};
use crate::rule::Rule::{C1, C2, C3, M2, S2, S4, S6};
use crate::send_error::SpawnError;
use crate::start::Initializer;

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("refused-is-initialized", &[S2], "an initialize that is refused is answered as done").after(|s| {
        s.answer_instead(&CommandAnswer::InitializeProcessError, &CommandAnswer::InitializedProcess);
    }),
    Mutant::new("early-messages-are-lost", &[S4], "what came before the run is thrown away").before(|s| {
        for (_, process) in s.kernel.processes.iter_mut().filter(|(_, process)| process.status == Status::Initialized) {
            process.life.mailbox.clear();
        }
    }),
    Mutant::new("early-messages-turn-round", &[S4, M2], "what came before the run is received last first").after(|s| {
        for (id, now) in s.kernel.processes.iter_mut() {
            let was = s.was.processes.get(id);
            let waits = |incoming: &Incoming| matches!(incoming, Incoming::Request(_));
            if now.status == Status::Initialized
                && was.is_some_and(|was| was.life.mailbox.len() + 1 == now.life.mailbox.len())
                && now.life.mailbox.iter().all(waits)
            {
                now.life.mailbox.rotate_right(1);
            }
        }
    }),
    Mutant::new("taken-is-no-file", &[S6], "a spawn under a taken name answers that there is no file").after(|s| {
        for effect in &mut s.out {
            if let Effect::Resume(_, Answer::Spawned(Err(error))) = effect {
                *error = SpawnError::NoFileAtPath;
            }
        }
    }),
    Mutant::new("spawn-forgets-grants", &[S6], "what a spawn asks to be granted is not").before(|s| {
        if let Some(Input::Call(_, Call::Spawn(spawn))) = &mut s.input {
            spawn.grant_capabilities.clear();
        }
    }),
    Mutant::new("child-cannot-answer", &[S6], "a child may not message its parent").after(|s| {
        for (id, now) in s.kernel.processes.iter_mut().filter(|(id, _)| !s.was.processes.contains(*id)) {
            let parent = s.was.loads.values().find_map(|loading| loading.parent_of(id));
            if let Some(parent) = parent {
                let parent = crate::Address { node: s.was.our, process: parent };
                now.capabilities.remove(&Capability::messaging(parent));
                for change in s.out.iter_mut() {
                    if let Effect::Write(_, changes) = change {
                        changes.iter_mut().for_each(|change| match change {
                            crate::Change::Put(put, row) if *put == id => {
                                std::rc::Rc::make_mut(row).capabilities.remove(&Capability::messaging(parent));
                            }
                            crate::Change::Put(..) | crate::Change::Remove(_) => {}
                        });
                    }
                }
            }
        }
    }),
    Mutant::new("child-is-public", &[S6, C1], "a child is public, whatever its parent says").before(|s| {
        if let Some(Input::Call(_, Call::Spawn(spawn))) = &mut s.input {
            spawn.public = true;
        }
    }),
    Mutant::new("child-forgets-on-exit", &[S6], "a child is None, whatever its parent says").before(|s| {
        if let Some(Input::Call(_, Call::Spawn(spawn))) = &mut s.input {
            spawn.on_exit = crate::OnExit::None;
        }
    }),
    Mutant::new("child-is-not-run", &[S6], "a child is initialized and not run").after(|s| {
        let spawned = s.out.iter().filter_map(|effect| match effect {
            Effect::Resume(_, Answer::Spawned(Ok(child))) => Some(*child),
            _ => None,
        });
        let spawned: Vec<_> = spawned.collect();
        for child in spawned {
            s.out.retain(|effect| !matches!(effect, Effect::Start { process, .. } if *process == child));
            if let Some(process) = s.process(child)
                && matches!(process.status, Status::Running(_))
            {
                process.status = Status::Initialized;
                process.life.run = crate::LifeId::default();
            }
        }
    }),
    Mutant::new("initial-is-not-cut", &[C2, C3], "a new process gets whatever its initializer asks for").before(|s| {
        let Some(Input::Loaded(ticket, _)) = &s.input else { return };
        let Some(loading) = s.kernel.loads.get(ticket) else { return };
        let (initializer, asked) = (loading.initializer(), loading.asked().to_vec());
        asked.into_iter().for_each(|capability| s.lend(initializer, capability));
    }),
    Mutant::new("initializer-gets-nothing", &[C2, S6], "who initializes a process may not message it").after(|s| {
        let Some(Input::Loaded(ticket, Ok(_))) = &s.input else { return };
        let Some(loading) = s.was.loads.get(ticket) else { return };
        let (initializer, child) = (loading.initializer(), loading.child());
        let messaging = Capability::messaging(s.kernel.address(child));
        if s.was.processes.contains(child) {
            return;
        }
        if let Some(process) = s.process(initializer) {
            process.capabilities.remove(&messaging);
        }
        s.puts().for_each(|record| {
            record.capabilities.remove(&messaging);
        });
    }),
];

impl crate::start::Loading {
    fn child(&self) -> crate::ProcessRef {
        self.init.id
    }

    fn asked(&self) -> &[Capability] {
        &self.init.initial_capabilities
    }

    fn initializer(&self) -> crate::ProcessRef {
        match &self.by {
            Initializer::Command(command) => command.source.process,
            Initializer::Spawn { parent, .. } => *parent,
        }
    }

    fn parent_of(&self, child: crate::ProcessRef) -> Option<crate::ProcessRef> {
        match &self.by {
            Initializer::Spawn { parent, .. } if self.init.id == child => Some(*parent),
            _ => None,
        }
    }
}
