//! Mutants of the exit matrix, of E2, E5, E9, and of who may kill.

use super::Mutant;
use crate::command::{Command, CommandAnswer};
use crate::effect::{Change, DropReason, Effect, LifeId};
use crate::input::Exit;
use crate::message::Request;
use crate::name::ProcessRef;
use crate::on_exit::{OnExit, OnExitKind, OnExitRequest};
use crate::process::{Activity, Ending, Process, Status};
use crate::rule::How::{Kill, Panic, Return};
use crate::rule::Rule::{E5, E6, E7, E9, K1, K2, K3, K4, K5, M5, S3, X};
use crate::{Capability, Kernel};

pub(super) const ALL: &[Mutant] = &[
    Mutant::new(
        "return-keeps-the-row",
        &[X(Return, OnExitKind::None)],
        "a None process that returns stays on the disk",
    )
    .after(|s| {
        if let Some(id) = s.exits(Exit::Returned, OnExitKind::None) {
            s.changes().for_each(|changes| changes.retain(|change| *change != Change::Remove(id)));
        }
    }),
    Mutant::new(
        "return-ends-restart",
        &[X(Return, OnExitKind::Restart), E7],
        "a Restart process that returns is not restarted",
    )
    .before(|s| {
        if let Some(id) = s.exits(Exit::Returned, OnExitKind::Restart) {
            s.process(id).expect("it exits").on_exit = OnExit::None;
        }
    }),
    Mutant::new(
        "return-forgets-requests",
        &[X(Return, OnExitKind::Requests), E7],
        "a process that returns fires no requests",
    )
    .before(|s| {
        if let Some(id) = s.exits(Exit::Returned, OnExitKind::Requests) {
            s.process(id).expect("it exits").on_exit = OnExit::None;
        }
    }),
    Mutant::new("panic-restarts-none", &[X(Panic, OnExitKind::None), E6], "a None process that panics is restarted")
        .before(|s| {
            if let Some(id) = s.exits(Exit::Panicked, OnExitKind::None) {
                s.process(id).expect("it exits").on_exit = OnExit::Restart;
            }
        }),
    Mutant::new(
        "panic-restarts-requests",
        &[X(Panic, OnExitKind::Requests)],
        "a Requests process that panics is restarted",
    )
    .before(|s| {
        if let Some(id) = s.exits(Exit::Panicked, OnExitKind::Requests) {
            s.process(id).expect("it exits").on_exit = OnExit::Restart;
        }
    }),
    Mutant::new("crash-loop-is-given-up", &[E9, X(Panic, OnExitKind::Restart)], "after ten panics nobody is restarted")
        .before(|s| {
            if let Some(id) = s.exits(Exit::Panicked, OnExitKind::Restart)
                && s.count() > 10
            {
                s.process(id).expect("it exits").on_exit = OnExit::None;
            }
        }),
    Mutant::new(
        "kill-keeps-the-row",
        &[X(Kill, OnExitKind::None), K2, E6],
        "a None process that is killed stays on the disk",
    )
    .after(|s| {
        for id in s.ending() {
            let process = s.process(id).expect("it is ending");
            if process.is_killed() && process.on_exit == OnExit::None {
                s.changes().for_each(|changes| changes.retain(|change| *change != Change::Remove(id)));
            }
        }
    }),
    Mutant::new("kill-restarts", &[X(Kill, OnExitKind::Restart), E5], "a Restart process that is killed starts again")
        .after(|s| {
            for (id, was) in s.gone() {
                if was.is_killed() && was.on_exit == OnExit::Restart {
                    s.kernel.processes.insert(id, Process { status: Status::Initialized, ..was });
                    s.with(|kernel, cx| kernel.start(id, cx));
                }
            }
        }),
    Mutant::new(
        "kill-forgets-a-death",
        &[E5],
        "a kill of a process that is not yet run is answered, and nothing happens",
    )
    .after(|s| {
        ignore_kill(s, |was| was.status == Status::Initialized);
    }),
    Mutant::new(
        "kill-spares-the-patient",
        &[E5, M5],
        "a kill of a process that awaits an answer is answered, and nothing happens",
    )
    .after(|s| ignore_kill(s, |was| matches!(was.status, Status::Running(Activity::Awaiting(_))))),
    Mutant::new(
        "kill-spares-the-blocked",
        &[E5, M5],
        "a kill of a process that waits for the disk is answered, and nothing happens",
    )
    .after(|s| ignore_kill(s, |was| was.status == Status::Running(Activity::Blocked))),
    Mutant::new("second-killer-is-told-at-once", &[K2], "a second kill is answered before the removal is durable")
        .after(|s| {
            let ending: Vec<ProcessRef> =
                s.kernel.processes.iter().filter(|(_, process)| process.is_ending()).map(|(id, _)| id).collect();
            for id in ending {
                let Some(Ending { killers, .. }) = s.process(id).and_then(Process::ending_mut) else { continue };
                if killers.len() > 1 {
                    let killer = killers.pop().expect("there is more than one");
                    s.with(|kernel, cx| kernel.answer_killed(&killer, id, cx));
                }
            }
        }),
    Mutant::new("killed-modules", &[K5], "a kill of a runtime module is answered as done").after(|s| {
        let dropped = s.out.iter().filter_map(|effect| match effect {
            Effect::Dropped(message, DropReason::BadCommand) => Some(message.clone()),
            _ => None,
        });
        let dropped: Vec<_> = dropped.collect();
        for message in dropped {
            if let Ok(Command::Kill(id)) = Command::parse(message.body(), s.names, s.kernel.our) {
                s.out.retain(|effect| !matches!(effect, Effect::Dropped(m, _) if super::same(m, &message)));
                s.with(|kernel, cx| kernel.answer_killed(&message, id, cx));
            }
        }
    }),
    Mutant::new("children-die-too", &[K3], "a process that may message one that ends, ends with it").after(|s| {
        for id in s.ending() {
            let messaging = Capability::messaging(s.kernel.address(id));
            let alive = s.kernel.processes.iter().filter(|(id, process)| {
                !id.is_module() && matches!(process.status, Status::Running(_)) && process.life.run != LifeId::default()
            });
            let children = alive.filter(|(_, process)| process.capabilities.contains(&messaging));
            let children: Vec<ProcessRef> = children.map(|(id, _)| id).collect();
            for child in children {
                s.out.push(Effect::Stop(child));
                s.with(|kernel, cx| kernel.end(child, vec![], cx));
            }
        }
    }),
    Mutant::new(
        "killed-tells-somebody",
        &[K4, E6, X(Kill, OnExitKind::Restart)],
        "a killed process without requests messages each process that it can",
    )
    .after(|s| {
        s.each_ending(|process| {
            let target = process.capabilities.iter().next_back().map(|capability| capability.issuer);
            let killed = process.is_killed();
            let Some(Ending { requests: requests @ None, .. }) = process.ending_mut() else { return };
            let request = Request { body: "killed".into(), ..Request::default() };
            let told = target.filter(|_| killed).map(|target| OnExitRequest { target, request, blob: None });
            *requests = told.map(|request| [request].into());
        });
    }),
    Mutant::new("kernel-is-public", &[K1], "everybody may command the kernel").before(|s| {
        if let Some(kernel) = s.process(ProcessRef::KERNEL) {
            kernel.public = true;
        }
    }),
    Mutant::new("commands-from-afar", &[K1], "a command from another node is obeyed").before(|s| {
        if let Some(crate::Input::Arrived(message)) = s.input.clone()
            && message.target == s.kernel.address(ProcessRef::KERNEL)
            && message.is_request()
        {
            s.input = Some(crate::Input::Wake);
            s.with(|kernel, cx| kernel.on_command(message, cx));
        }
    }),
    Mutant::new("run-of-nobody-is-answered", &[S3], "a run that cannot be is answered as started").after(|s| {
        s.answer_instead(&CommandAnswer::RunProcessError, &CommandAnswer::StartedProcess);
    }),
];

/// Takes back a kill of a process that was in such a state, and answers it.
fn ignore_kill(s: &mut super::Step<'_>, ignored: fn(&Process) -> bool) {
    for id in s.ending() {
        let Some(was) = s.was.processes.get(id).filter(|was| ignored(was)).cloned() else { continue };
        let process = s.process(id).expect("it is ending");
        let Some(Ending { killers, .. }) = process.ending_mut() else { continue };
        let killers = std::mem::take(killers);
        if killers.is_empty() {
            continue;
        }
        restore(s.kernel, id, was);
        s.kernel.writes.pop_back();
        s.out.retain(|effect| !matches!(effect, Effect::Stop(_) | Effect::Write(_, _)));
        for command in killers {
            s.with(|kernel, cx| kernel.answer_killed(&command, id, cx));
        }
    }
}

/// A process is again what it was, its timeouts included.
fn restore(kernel: &mut Kernel, id: ProcessRef, was: Process) {
    for (message, outstanding) in &was.life.outstanding {
        kernel.timers.insert((outstanding.deadline, crate::kernel::Timer::Timeout(id, *message)));
    }
    *kernel.processes.get_mut(id).expect("it is in the table") = was;
}
