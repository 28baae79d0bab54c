//! Mutants of E4, E4b and X.down: the last words of a process, and the boot.

use super::Mutant;
use crate::effect::Change;
use crate::message::Content;
use crate::on_exit::{OnExit, OnExitKind};
use crate::process::{Ending, Process};
use crate::rule::How::{Down, Kill, Panic, Return};
use crate::rule::Rule::{C5, E2, E4, E4b, E6, X};

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("boot-forgets-one", &[X(Down, OnExitKind::Restart)], "the last Restart row is not started at boot")
        .before(|s| {
            if let Some(last) = s.rows.iter().rposition(|(_, row)| row.on_exit == OnExit::Restart) {
                s.rows.remove(last);
            }
        }),
    Mutant::new(
        "boot-keeps-none-rows",
        &[X(Down, OnExitKind::None), E6, E4b],
        "the rows of None processes outlive a boot",
    )
    .after(|s| {
        let none = s.rows.iter().filter(|(_, row)| row.on_exit == OnExit::None).map(|(id, _)| Change::Remove(*id));
        let none: Vec<Change> = none.collect();
        s.changes().for_each(|changes| changes.retain(|change| !none.contains(change)));
    }),
    Mutant::new("boot-forgets-requests", &[X(Down, OnExitKind::Requests)], "requests are not fired at boot").before(
        |s| {
            for (_, row) in &mut s.rows {
                if row.on_exit.kind() == OnExitKind::Requests {
                    row.on_exit = OnExit::None;
                }
            }
        },
    ),
    Mutant::new(
        "boot-fires-first",
        &[E4b, X(Down, OnExitKind::Requests)],
        "at boot requests are fired before their rows are gone",
    )
    .after(|s| {
        if s.input.is_none() {
            fire_early(s);
        }
    }),
    Mutant::new("boot-fires-between", &[E4b, X(Down, OnExitKind::Requests)], "requests are fired before all are up")
        .before(|s| {
            // One of those that are to come up is held back until the others' last words are said.
            if let Some(crate::Input::Written(_, Ok(()))) = s.input
                && let Some((_, crate::durable::After::Boot { up, .. })) = s.kernel.writes.front_mut()
                && let Some(late) = up.pop()
            {
                s.kernel.writes.push_back((crate::WriteId(u64::MAX), crate::durable::After::Nobody(vec![late])));
            }
        })
        .after(|s| {
            if let Some((crate::WriteId(u64::MAX), _)) = s.kernel.writes.back()
                && let Some((_, crate::durable::After::Nobody(late))) = s.kernel.writes.pop_back()
            {
                late.into_iter().for_each(|id| s.with(|kernel, cx| kernel.start(id, cx)));
            }
        }),
    Mutant::new("last-words-too-soon", &[E2, E4], "requests are fired before the removal is durable").after(|s| {
        if s.input.is_some() {
            fire_early(s);
        }
    }),
    Mutant::new(
        "last-words-twice",
        &[E4, X(Kill, OnExitKind::Requests)],
        "a killed process's requests are fired twice",
    )
    .after(|s| {
        for (id, process) in s.gone() {
            let Process { on_exit: OnExit::Requests(requests), capabilities, .. } = &process else { continue };
            if process.is_killed() {
                s.with(|kernel, cx| kernel.fire(id, capabilities, requests, cx));
            }
        }
    }),
    Mutant::new("last-words-backwards", &[E4], "requests are fired in reverse order").after(|s| {
        s.each_ending(|process| {
            if let Some(Ending { requests: Some(requests), .. }) = process.ending_mut() {
                *requests = requests.iter().rev().cloned().collect();
            }
        });
    }),
    Mutant::new(
        "only-one-last-word",
        &[
            E4,
            X(Return, OnExitKind::Requests),
            X(Panic, OnExitKind::Requests),
            X(Kill, OnExitKind::Requests),
            X(Down, OnExitKind::Requests),
        ],
        "of several requests only the first is fired",
    )
    .after(|s| {
        s.each_ending(|process| {
            if let Some(Ending { requests: Some(requests), .. }) = process.ending_mut() {
                *requests = requests.iter().take(1).cloned().collect();
            }
        });
    }),
    Mutant::new("last-words-lose-their-blob", &[E4], "requests are fired without their blobs").after(|s| {
        s.each_ending(|process| {
            if let Some(Ending { requests: Some(requests), .. }) = process.ending_mut() {
                *requests =
                    requests.iter().cloned().map(|request| crate::OnExitRequest { blob: None, ..request }).collect();
            }
        });
    }),
    Mutant::new("last-words-of-a-pauper", &[E4, C5], "requests are fired after all capabilities are gone").after(|s| {
        s.each_ending(|process| process.capabilities.clear());
    }),
    Mutant::new("last-words-expect", &[E4], "requests expect a response").after(|s| {
        let gone: Vec<_> = s.gone().into_iter().map(|(id, _)| s.kernel.address(id)).collect();
        s.rewrite_new(|message| match &mut message.content {
            Content::Request(request) if gone.contains(&message.source) => request.expects_response = Some(5),
            _ => {}
        });
    }),
];

/// Fires the requests of those whose end has begun, and not again when it takes effect.
fn fire_early(s: &mut super::Step<'_>) {
    for id in s.ending() {
        let process = s.process(id).expect("it is ending");
        let capabilities = process.capabilities.clone();
        let requests = process.ending_mut().and_then(|ending| ending.requests.take());
        if let Some(requests) = requests {
            s.with(|kernel, cx| kernel.fire(id, &capabilities, &requests, cx));
        }
    }
}
