//! Of an outsider: starts, boots, exits, kills, on-exit behaviour, and what of them is on disk.

use crate::call::Call;
use crate::capability::Capability;
use crate::command::Command;
use crate::durable::After;
use crate::effect::{Change, DropReason, Effect, LifeId, Source, StateOp};
use crate::input::{Input, Refused};
use crate::kernel::Timer;
use crate::mutants::Mutant;
use crate::name::ProcessRef;
use crate::on_exit::{OnExit, OnExitKind, OnExitRequest};
use crate::process::{Ending, Status};
use crate::rule::How;
use crate::rule::Rule::{C2, C4, E3, E4, E5, E8, E10, K2, K5, P1, P2, S2, S3, S5, S6, X};
use crate::start::{Initializer, Loading};
use std::rc::Rc;

pub(super) const ALL: &[Mutant] = &[
    // Starts.
    Mutant::new(
        "a-childs-grants-are-its-parents",
        &[S6],
        "the capabilities that a spawn grants are issued by the parent, not by the child",
    )
    .before(|s| {
        let our = s.kernel.our;
        if let Some(Input::Loaded(ticket, _)) = &s.input
            && let Some(Loading { by: Initializer::Spawn { parent, grants, .. }, .. }) = s.kernel.loads.get_mut(ticket)
        {
            let issuer = crate::Address { node: our, process: *parent };
            grants.iter_mut().for_each(|(_, capability)| capability.issuer = issuer);
        }
    }),
    Mutant::new("spawn-reads-any-drive", &[S6], "spawn reads the Wasm with the rights of the owner, not of the parent")
        .after(|s| {
            for effect in &mut s.out {
                if let Effect::Load(_, Source::File(reader, _)) = effect {
                    *reader = ProcessRef::TERMINAL;
                }
            }
        }),
    Mutant::new(
        "a-childs-first-row-lacks-its-parent",
        &[S6, S5],
        "a child's row is written before it is given messaging of its parent",
    )
    .after(|s| {
        let Some(Input::Loaded(..)) = &s.input else { return };
        if let Some((_, After::Initialized { id, by: Initializer::Spawn { parent, .. }, .. })) = s.kernel.writes.back()
        {
            let (id, messaging) = (*id, Capability::messaging(s.kernel.address(*parent)));
            s.puts_of(id).for_each(|row| _ = row.capabilities.remove(&messaging));
        }
    }),
    Mutant::new(
        "initialize-replaces-what-was-not-run",
        &[S2],
        "an initialize of an id that was initialized and not yet run succeeds",
    )
    .before(|s| {
        for command in s.commands() {
            if let Command::Initialize(init) = command
                && s.process(init.id).is_some_and(|process| process.status == Status::Initialized)
            {
                s.kernel.processes.remove(init.id);
            }
        }
    }),
    Mutant::new("run-cuts-a-back-off-short", &[S3, E3], "RunProcess starts a process that waits out its back-off")
        .before(|s| {
            for command in s.commands() {
                if let Command::Run(id) = command
                    && let Some(process) = s.process(id).filter(|process| process.status == Status::BackingOff)
                {
                    process.status = Status::Initialized;
                    s.kernel.timers.retain(|(_, timer)| *timer != Timer::Restart(id));
                }
            }
        }),
    // Boots.
    Mutant::new(
        "a-kill-during-the-boot-leaves-the-row",
        &[K2, E5],
        "the row of a process that is killed while its node boots stays on disk",
    )
    .after(|s| {
        let booting = s.was.writes.iter().any(|(_, after)| matches!(after, After::Boot { .. }));
        if booting {
            let killed = s.ending();
            s.changes().for_each(|changes| changes.retain(|c| !matches!(c, Change::Remove(id) if killed.contains(id))));
        }
    }),
    Mutant::new(
        "modules-forget-at-boot",
        &[C4, S5],
        "what was granted to a runtime module is forgotten at the next boot",
    )
    .before(|s| s.rows.retain(|(id, _)| !id.is_module())),
    Mutant::new("ids-begin-again-at-boot", &[E10], "each boot counts messages and lives from the beginning").before(
        |s| {
            if s.input.is_none() {
                s.kernel.next_id = 0;
            }
        },
    ),
    Mutant::new(
        "rows-lose-the-blobs-of-requests",
        &[E4, X(How::Down, OnExitKind::Requests)],
        "on-exit requests that are fired at boot have no blob",
    )
    .after(|s| {
        for row in s.puts() {
            if let OnExit::Requests(requests) = &mut row.on_exit {
                *requests = requests.iter().map(|request| OnExitRequest { blob: None, ..request.clone() }).collect();
            }
        }
    }),
    Mutant::new(
        "a-graceful-shutdown-fires-too",
        &[E4, X(How::Down, OnExitKind::Requests)],
        "on-exit requests are fired at a graceful shutdown, and at the next boot again",
    )
    .after(|s| {
        let Some(at) = s.out.iter().position(|effect| *effect == Effect::Shutdown) else { return };
        let rest = s.out.split_off(at);
        let running = s.kernel.processes.iter().filter(|(_, process)| matches!(process.status, Status::Running(_)));
        let fires = running.filter_map(|(id, process)| match &process.on_exit {
            OnExit::Requests(requests) => Some((id, process.capabilities.clone(), requests.clone())),
            OnExit::None | OnExit::Restart => None,
        });
        for (id, capabilities, requests) in fires.collect::<Vec<_>>() {
            s.with(|kernel, cx| kernel.fire(id, &capabilities, &requests, cx));
        }
        s.out.extend(rest);
    }),
    // Exits.
    Mutant::new(
        "a-trap-of-the-kernels-own-is-final",
        &[X(How::Panic, OnExitKind::Restart), X(How::Panic, OnExitKind::Requests)],
        "a process that panics because the kernel refuses its call ends as if it were None",
    )
    .after(|s| {
        let trapped = s.out.iter().filter_map(|effect| match effect {
            Effect::Trap(id, _) => Some(*id),
            _ => None,
        });
        for id in trapped.collect::<Vec<_>>() {
            if let Some(process) = s.process(id) {
                process.on_exit = OnExit::None;
            }
        }
    }),
    Mutant::new(
        "attached-rights-outlive-their-life",
        &[E10, C4],
        "a process may save, after its restart, a capability that came attached to a message of its last life",
    )
    .after(|s| {
        if let Some((now, was)) = s.restarted() {
            now.life.received.extend(&was.life.received);
        }
    }),
    // Kills.
    Mutant::new(
        "the-second-killer-is-answered-early",
        &[K2],
        "a second kill of the same process is answered before the removal is durable",
    )
    .after(|s| {
        let mut early = Vec::new();
        for (id, process) in s.kernel.processes.iter_mut() {
            if let Status::Ending(Ending { killers, .. }) = &mut process.status
                && killers.len() > 1
            {
                early.extend(killers.split_off(1).into_iter().map(|command| (id, command)));
            }
        }
        for (id, command) in early {
            s.with(|kernel, cx| kernel.answer_killed(&command, id, cx));
        }
    }),
    Mutant::new(
        "a-kill-during-the-initialize-misses",
        &[E5, K2],
        "a kill of a process whose row is being written is answered at once, and the process lives",
    )
    .after(|s| {
        let mut missed = Vec::new();
        for (id, process) in s.kernel.processes.iter_mut() {
            if let Status::Initializing { killers, .. } = &mut process.status {
                missed.extend(killers.drain(..).map(|command| (id, command)));
            }
        }
        for (id, command) in missed {
            s.with(|kernel, cx| kernel.answer_killed(&command, id, cx));
        }
    }),
    Mutant::new("a-suicide-is-a-return", &[E5], "a Restart process that kills itself is restarted").after(|s| {
        for id in s.ending() {
            let Some(process) = s.process(id).filter(|process| process.on_exit == OnExit::Restart) else { continue };
            let by_itself = process.ending_mut().is_some_and(|e| e.killers.iter().any(|k| k.source.process == id));
            if by_itself && matches!(s.was.processes.get(id), Some(was) if matches!(was.status, Status::Running(_))) {
                s.unwrite(|after| *after == After::Ended(id));
                s.with(|kernel, cx| kernel.restart(id, cx));
            }
        }
    }),
    Mutant::new("modules-feign-death", &[K5], "a kill of a runtime module is answered KilledProcess").after(|s| {
        let our = s.kernel.our;
        let Some(at) = s.out.iter().position(|e| matches!(e, Effect::Dropped(_, DropReason::BadCommand))) else {
            return;
        };
        let Effect::Dropped(command, _) = s.out[at].clone() else { return };
        if let Ok(Command::Kill(module)) = Command::parse(command.body(), s.names, our) {
            s.out.remove(at);
            s.with(|kernel, cx| kernel.answer_killed(&command, module, cx));
        }
    }),
    // On-exit behaviour.
    Mutant::new(
        "remote-requests-are-fired-first",
        &[E4],
        "on-exit requests to other nodes are fired before the others",
    )
    .after(|s| {
        let our = s.kernel.our;
        s.each_ending(|process| {
            if let Some(requests) = process.ending_mut().and_then(|ending| ending.requests.as_mut()) {
                let (here, there): (Vec<_>, Vec<_>) =
                    requests.iter().cloned().partition(|request| request.target.node == our);
                *requests = there.into_iter().chain(here).collect();
            }
        });
    }),
    Mutant::new(
        "requests-skip-what-was-not-run",
        &[E4],
        "an on-exit request to a process that is initialized and not yet run is skipped",
    )
    .before(|s| {
        let Some(After::Ended(id)) = s.written(Ok(())) else { return };
        let (id, our, table) = (*id, s.was.our, s.was.processes.clone());
        let runs = |request: &OnExitRequest| {
            request.target.node != our
                || table.get(request.target.process).is_none_or(|process| process.status != Status::Initialized)
        };
        if let Some(ending) = s.process(id).and_then(|process| process.ending_mut())
            && let Some(requests) = &mut ending.requests
        {
            *requests = requests.iter().filter(|request| runs(request)).cloned().collect();
        }
    }),
    Mutant::new(
        "a-refused-removal-fires-too",
        &[E4],
        "on-exit requests are fired when the disk refuses the removal, and again when it succeeds",
    )
    .before(|s| {
        let Some(After::Ended(id)) = s.written(Err(Refused)) else { return };
        let id = *id;
        let Some(process) = s.was.processes.get(id) else { return };
        if let Status::Ending(Ending { requests: Some(requests), .. }) = &process.status {
            let (capabilities, requests) = (process.capabilities.clone(), requests.clone());
            s.with(|kernel, cx| kernel.fire(id, &capabilities, &requests, cx));
        }
    }),
    Mutant::new(
        "requests-for-requests-change-nothing",
        &[E8],
        "set_on_exit with Requests, on a process that has Requests, keeps the old ones",
    )
    .before(|s| {
        if let Some(Input::Call(id, Call::SetOnExit(value))) = &mut s.input
            && let Some(now) = s.kernel.processes.get(*id).map(|process| &process.on_exit)
            && (now.kind(), value.kind()) == (OnExitKind::Requests, OnExitKind::Requests)
        {
            value.clone_from(now);
        }
    }),
    Mutant::new(
        "a-refused-on-exit-is-in-force",
        &[E8, P2],
        "a process that panics because the disk refused its set_on_exit exits by the new value",
    )
    .before(|s| {
        if let Some(After::OnExit { id, value, setter: Some(_) }) = s.written(Err(Refused)) {
            let (id, value) = (*id, value.clone());
            if let Some(process) = s.process(id) {
                process.on_exit = value;
            }
        }
    }),
    // The disk.
    Mutant::new("a-kill-clears-the-state", &[P1], "a process that is killed loses its saved state").after(|s| {
        for (id, was) in s.gone() {
            if was.is_killed() {
                s.out.push(Effect::State(id, LifeId::default(), StateOp::Clear));
            }
        }
    }),
    Mutant::new(
        "a-grant-revives-the-row",
        &[E5, K2],
        "a grant to a process whose removal is being written writes its row again",
    )
    .after(|s| {
        for command in s.commands() {
            if let Command::Grant(id, _) = command
                && s.process(id).is_some_and(|process| process.is_ending())
            {
                s.with(|kernel, cx| {
                    let row = kernel.record(id, kernel.processes.get(id).expect("it is ending"));
                    kernel.write(vec![Change::Put(id, Rc::new(row))], &[], After::Nobody(vec![]), cx);
                });
            }
        }
    }),
    Mutant::new(
        "set-on-exit-writes-a-private-row",
        &[S5],
        "the row that a process's own set_on_exit writes says that it is not public",
    )
    .after(|s| {
        if let Some(Input::Call(id, Call::SetOnExit(_))) = s.input {
            s.puts_of(id).for_each(|row| row.public = false);
        }
    }),
    Mutant::new(
        "a-refused-initialize-leaves-its-grants",
        &[S6, C2],
        "what was granted for a process stays when the disk refuses its row",
    )
    .before(|s| {
        if let Some(Input::Written(write, Err(Refused))) = s.input
            && let Some((_, After::Initialized { given, .. })) = s.kernel.writes.iter_mut().find(|(id, _)| *id == write)
        {
            given.clear();
        }
    }),
];
