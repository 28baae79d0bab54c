//! Wrong kernels of an adversary who has read the contract and nothing else: each goes wrong only in a
//! corner that an ordinary life never comes to. They were written after the generator of worlds, and are unlike the
//! others.

use super::{Mutant, Step};
use crate::call::{Answer, Call, Received};
use crate::command::Command;
use crate::effect::{Change, Effect};
use crate::input::Input;
use crate::name::ProcessRef;
use crate::on_exit::{OnExit, OnExitRequest};
use crate::process::{Activity, Ending, Status};
use crate::rule::Rule::{C1, C4, E3, E4, E8, E12, M1, M2, M3, P1, P2, S5, S6};
use std::rc::Rc;

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("the-last-of-several-is-lost", &[M1], "of several requests sent at once the last goes nowhere").before(
        |s| {
            if let Some(Input::Call(_, Call::SendRequests(list))) = &mut s.input
                && list.len() > 1
            {
                Rc::make_mut(list).pop();
            }
        },
    ),
    Mutant::new("several-go-backwards", &[M2], "several requests sent at once go in reverse order").before(|s| {
        if let Some(Input::Call(_, Call::SendRequests(list))) = &mut s.input {
            Rc::make_mut(list).reverse();
        }
    }),
    Mutant::new("several-share-a-context", &[M3], "requests sent at once all have the context of the first").before(
        |s| {
            if let Some(Input::Call(_, Call::SendRequests(list))) = &mut s.input
                && let Some(first) = list.first().map(|first| first.context.clone())
            {
                Rc::make_mut(list).iter_mut().for_each(|outgoing| outgoing.context.clone_from(&first));
            }
        },
    ),
    Mutant::new("answers-lose-their-mime", &[M3], "a response's blob arrives without its MIME type").before(|s| {
        if let Some(Input::Call(_, Call::SendResponse(response))) = &mut s.input
            && let Some(blob) = &mut Rc::make_mut(response).1
        {
            blob.mime = None;
        }
    }),
    Mutant::new("an-empty-blob-is-none", &[M3], "a blob of no bytes does not arrive").before(|s| {
        s.each_sent(|outgoing| outgoing.blob.take_if(|blob| blob.bytes.is_empty()).map_or((), drop));
    }),
    Mutant::new("children-are-never-public", &[S6], "a child that is to be public is not").before(|s| {
        if let Some(Input::Call(_, Call::Spawn(spawn))) = &mut s.input {
            spawn.public = false;
        }
    }),
    Mutant::new("children-get-one-wish", &[S6], "of the capabilities asked for a child gets the first").before(|s| {
        if let Some(Input::Call(_, Call::Spawn(spawn))) = &mut s.input {
            spawn.request_capabilities.truncate(1);
        }
    }),
    Mutant::new("children-grant-one", &[S6], "of the grants of a spawn only the first is made").before(|s| {
        if let Some(Input::Call(_, Call::Spawn(spawn))) = &mut s.input {
            spawn.grant_capabilities.truncate(1);
        }
    }),
    Mutant::new("on-exit-is-deaf-in-a-back-off", &[E8, E3], "SetOnExit does nothing to a process in its back-off")
        .after(|s| ignore_value(s, |status| *status == Status::BackingOff)),
    Mutant::new("on-exit-is-deaf-before-the-run", &[E8], "SetOnExit does nothing to a process that was not run")
        .after(|s| ignore_value(s, |status| *status == Status::Initialized)),
    Mutant::new("on-exit-is-deaf-while-blocked", &[E8], "SetOnExit does nothing to a process that waits for the disk")
        .after(|s| ignore_value(s, |status| *status == Status::Running(Activity::Blocked))),
    Mutant::new("grants-are-deaf-before-the-run", &[C4, S5], "a grant to a process that was not run is lost").after(
        |s| {
            let Some(Command::Grant(id, _)) = commanded(s) else { return };
            let Some(was) = s.was.processes.get(id).filter(|was| was.status == Status::Initialized).cloned() else {
                return;
            };
            s.kernel.processes.get_mut(id).expect("it is there").capabilities.clone_from(&was.capabilities);
            for change in s.changes().flatten() {
                if let Change::Put(put, row) = change
                    && *put == id
                {
                    Rc::make_mut(row).capabilities.clone_from(&was.capabilities);
                }
            }
        },
    ),
    Mutant::new("dropping-ones-own-drops-it-everywhere", &[C4, E12], "who drops what it issued takes it from all")
        .after(|s| {
            let Some(Input::Call(id, Call::DropCapabilities(list))) = s.input.clone() else { return };
            let our = s.kernel.address(id);
            for (_, other) in s.kernel.processes.iter_mut() {
                other.capabilities.retain(|held| held.issuer != our || !list.contains(held));
            }
        }),
    Mutant::new("errors-bring-no-context", &[M3], "a request that failed comes back without its context").after(|s| {
        for effect in &mut s.out {
            if let Effect::Resume(_, Answer::Received(Received::Error(_, context))) = effect {
                *context = None;
            }
        }
    }),
    Mutant::new("an-answer-empties-the-mailbox", &[M1, M2], "what queued while a process awaited is lost").after(|s| {
        let awaited = |effect: &Effect| match effect {
            Effect::Resume(id, Answer::Awaited(Ok(_))) => Some(*id),
            _ => None,
        };
        for id in s.out.iter().filter_map(awaited).collect::<Vec<_>>() {
            s.process(id).expect("it awaited").life.mailbox.clear();
        }
    }),
    Mutant::new("last-words-come-with-empty-hands", &[E4], "requests are fired without what is attached to them")
        .after(|s| {
            s.each_ending(|process| {
                if let Status::Ending(Ending { requests: Some(requests), .. }) = &mut process.status {
                    let bare = |request: &OnExitRequest| {
                        let mut bare = request.clone();
                        bare.request.capabilities.clear();
                        bare
                    };
                    *requests = requests.iter().map(bare).collect();
                }
            });
        }),
    Mutant::new("a-third-last-word-is-too-much", &[E4], "of more than two requests the others are not fired").after(
        |s| {
            s.each_ending(|process| {
                if let Status::Ending(Ending { requests: Some(requests), .. }) = &mut process.status {
                    *requests = requests.iter().take(2).cloned().collect();
                }
            });
        },
    ),
    Mutant::new("a-restart-forgets-what-was-saved", &[E3, C4], "a restart loses what the life before it was given")
        .after(|s| {
            let Some((now, was)) = s.restarted() else { return };
            let received = was.life.received.clone();
            now.capabilities.retain(|held| !received.contains(held));
        }),
    Mutant::new("boot-opens-every-door", &[S5, C1], "after a boot every process is public").before(|s| {
        s.rows.iter_mut().for_each(|(_, row)| row.public = true);
    }),
    Mutant::new("boot-shuts-the-mouth", &[P2, E8], "at boot of several on-exit requests the first is forgotten")
        .before(|s| {
            for (_, row) in &mut s.rows {
                if let OnExit::Requests(requests) = &row.on_exit
                    && requests.len() > 1
                {
                    row.on_exit = OnExit::Requests(requests.iter().skip(1).cloned().collect());
                }
            }
        }),
    Mutant::new("an-empty-state-is-none", &[P1], "a state of no bytes is not saved").before(|s| {
        if let Some(Input::Call(_, call @ Call::SetState(_))) = &mut s.input
            && matches!(call, Call::SetState(bytes) if bytes.is_empty())
        {
            *call = Call::ClearState;
        }
    }),
];

/// The command that a process of this node gives in this step.
fn commanded(s: &mut Step<'_>) -> Option<Command> {
    let commands = s.was.address(ProcessRef::KERNEL);
    let outgoing = match &s.input {
        Some(Input::ModuleRequest(_, outgoing)) => &**outgoing,
        Some(Input::Call(_, Call::SendRequest(outgoing) | Call::SendAndAwaitResponse(outgoing))) => outgoing,
        _ => return None,
    };
    (outgoing.target == commands).then(|| Command::parse(&outgoing.request.body, s.names, s.was.our).ok())?
}

/// Takes back an on-exit value that was set from outside for a process in this state.
fn ignore_value(s: &mut Step<'_>, state: fn(&Status) -> bool) {
    let Some(Command::SetOnExit(id, _)) = commanded(s) else { return };
    let Some(was) = s.was.processes.get(id).filter(|was| state(&was.status)).cloned() else { return };
    let Some(now) = s.process(id) else { return };
    now.on_exit.clone_from(&was.on_exit);
    now.on_exit_next.clone_from(&was.on_exit_next);
    for change in s.changes().flatten() {
        if let Change::Put(put, row) = change
            && *put == id
        {
            Rc::make_mut(row).on_exit.clone_from(&was.on_exit);
        }
    }
}
