//! Mutants of P1, P2, E8 and S5: what is durable when.

use super::{Mutant, Step};
use crate::call::{Answer, Call};
use crate::durable::After;
use crate::effect::{Effect, StateOp};
use crate::input::{Input, Refused, StateDone};
use crate::on_exit::OnExit;
use crate::on_exit::OnExitKind;
use crate::process::{Activity, Status};
use crate::rule::How::Down;
use crate::rule::Rule::{C4, E2, E4b, E8, K2, P1, P2, S5, X};

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("state-is-told-early", &[P1], "set-state returns before the bytes are durable")
        .before(|s| {
            // What the disk says later finds nobody waiting.
            if let Some(Input::State(_, run, Ok(StateDone::Saved))) = &mut s.input {
                *run = crate::LifeId(u64::MAX);
            }
        })
        .after(|s| {
            if let Some(Input::Call(id, Call::SetState(_) | Call::ClearState)) = s.input
                && let Some(process) = s.process(id)
            {
                process.status = Status::Running(Activity::Computing);
                s.out.push(Effect::Resume(id, Answer::Done));
            }
        }),
    Mutant::new("clear-is-forgotten", &[P1], "clear-state does nothing").after(|s| {
        if let Some(Input::Call(id, Call::ClearState)) = s.input {
            s.out.clear();
            s.process(id).expect("it calls").status = Status::Running(Activity::Computing);
            s.out.push(Effect::Resume(id, Answer::Done));
        }
    }),
    Mutant::new("state-reads-empty", &[P1], "get-state finds nothing").before(|s| {
        if let Some(Input::State(_, _, Ok(StateDone::Got(bytes)))) = &mut s.input {
            *bytes = None;
        }
    }),
    Mutant::new("state-is-cut-short", &[P1], "only half of the state is saved").after(|s| {
        for effect in &mut s.out {
            if let Effect::State(_, _, StateOp::Set(bytes)) = effect {
                *bytes = bytes[..bytes.len() / 2].into();
            }
        }
    }),
    Mutant::new("refused-initialize-is-told", &[P2], "an initialize whose write was refused is answered as done")
        .before(|s| overlook(s, |after| matches!(after, After::Initialized { .. }))),
    Mutant::new("refused-removal-is-forgotten", &[P2, K2, E2], "an exit whose write was refused takes effect").before(
        |s| {
            overlook(s, |after| matches!(after, After::Ended(_)));
        },
    ),
    Mutant::new(
        "refused-boot-is-forgotten",
        &[P2, E4b, X(Down, OnExitKind::None), X(Down, OnExitKind::Restart), X(Down, OnExitKind::Requests)],
        "a boot whose write was refused goes on",
    )
    .before(|s| {
        overlook(s, |after| matches!(after, After::Boot { .. }));
    }),
    Mutant::new("refused-on-exit-is-forgotten", &[P2, E8], "a set-on-exit whose write was refused returns").before(
        |s| {
            overlook(s, |after| matches!(after, After::OnExit { .. }));
        },
    ),
    Mutant::new("on-exit-stays-in-memory", &[E8, P2], "a new on-exit value never comes to the disk").after(|s| {
        if matches!(s.input, Some(Input::Call(_, Call::SetOnExit(_)))) {
            s.changes().for_each(Vec::clear);
        }
    }),
    Mutant::new("on-exit-reads-none", &[E8], "get-on-exit says None").after(|s| {
        for effect in &mut s.out {
            if let Effect::Resume(_, Answer::OnExit(value)) = effect {
                *value = OnExit::None;
            }
        }
    }),
    Mutant::new("on-exit-is-set-once", &[E8], "set-on-exit keeps requests that are set already").before(|s| {
        if let Some(Input::Call(id, Call::SetOnExit(value))) = &mut s.input
            && let Some(process) = s.was.processes.get(*id)
            && matches!(process.on_exit, OnExit::Requests(_))
        {
            *value = process.on_exit.clone();
        }
    }),
    Mutant::new("row-forgets-public", &[S5, P2], "a public process is not public after a boot").after(|s| {
        s.puts().for_each(|record| record.public = false);
    }),
    Mutant::new("row-forgets-capabilities", &[S5, P2, C4], "nobody holds anything after a boot").after(|s| {
        s.puts().for_each(|record| record.capabilities.clear());
    }),
];

/// Takes a refused write for a durable one.
fn overlook(s: &mut Step<'_>, what: fn(&After) -> bool) {
    if s.kernel.writes.front().is_some_and(|(_, after)| what(after))
        && let Some(Input::Written(_, result @ Err(Refused))) = &mut s.input
    {
        *result = Ok(());
    }
}
