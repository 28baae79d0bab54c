//! Of an outsider: capabilities, messages, contexts, timeouts, blobs and the network.

use crate::Address;
use crate::call::{Answer, Call, Received};
use crate::capability::Capability;
use crate::command::Command;
use crate::durable::After;
use crate::effect::Effect;
use crate::input::Input;
use crate::kernel::Timer;
use crate::message::{Content, Message};
use crate::mutants::{Mutant, Step};
use crate::name::ProcessRef;
use crate::process::{Activity, Incoming, Outcome, Status};
use crate::rule::Rule::{C1, C4, E11, K1, M1, M2, M3, M4, S5};
use crate::send_error::{SendError, SendErrorKind};
use crate::time::Duration;
use std::rc::Rc;

/// Ten years: nobody waits so long.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// The longest time that fits into 32 bits of milliseconds, in seconds.
const FITS: u64 = u32::MAX as u64 / 1000;

pub(super) const ALL: &[Mutant] = &[
    // Capabilities.
    Mutant::new(
        "the-last-of-a-list-decides-the-write",
        &[C4, S5],
        "a row is not written when the last of several capabilities granted, saved or dropped at once changes nothing",
    )
    .after(|s| {
        let mut lists: Vec<_> = s
            .commands()
            .into_iter()
            .filter_map(|command| match command {
                Command::Grant(id, list) | Command::Drop(id, list) => Some((id, list)),
                _ => None,
            })
            .collect();
        if let Some(Input::Call(id, Call::SaveCapabilities(list) | Call::DropCapabilities(list))) = &s.input {
            lists.push((*id, list.clone()));
        }
        for (id, list) in lists {
            let unchanged = |last: &Capability| s.was.holds(id, last) == s.kernel.holds(id, last);
            if list.len() > 1 && list.last().is_some_and(unchanged) {
                s.unwrite(|after| *after == After::Nobody(vec![id]));
            }
        }
    }),
    Mutant::new(
        "public-is-for-requests-only",
        &[C1],
        "a response to a public process needs its messaging capability all the same",
    )
    .before(|s| {
        if let Some(target) = answered(s)
            && let Some(process) = s.process(target)
        {
            process.public = false;
        }
    })
    .after(|s| {
        if let Some(target) = answered(s) {
            let public = s.was.processes.get(target).is_some_and(|process| process.public);
            if let Some(process) = s.process(target) {
                process.public = public;
            }
        }
    }),
    Mutant::new(
        "several-are-checked-as-one",
        &[C1, K1],
        "of several requests sent at once only the first is checked for the capability to message its target",
    )
    .before(|s| {
        let Some(Input::Call(id, Call::SendRequests(list))) = &s.input else { return };
        let (id, our) = (*id, s.was.our);
        let targets: Vec<Address> = list.iter().map(|outgoing| outgoing.target).collect();
        let [first, rest @ ..] = &targets[..] else { return };
        if s.was.may_reach(id, &s.was.capabilities(id), *first, s.names).is_ok() {
            for target in rest.iter().filter(|target| target.node == our) {
                s.lend(id, Capability::messaging(*target));
            }
        }
    }),
    Mutant::new(
        "an-awaited-answer-attaches-nothing",
        &[C4],
        "a capability that comes attached to an awaited response cannot be saved",
    )
    .after(|s| {
        for (id, answer) in resumed(s) {
            if let Answer::Awaited(Ok(_)) = answer {
                let received = s.was.processes.get(id).map(|was| was.life.received.clone()).unwrap_or_default();
                if let Some(process) = s.process(id) {
                    process.life.received = received;
                }
            }
        }
    }),
    // Messages.
    Mutant::new(
        "the-inherited-blob-wins",
        &[M3],
        "a request that inherits takes the blob last received, even if it has one of its own",
    )
    .before(|s| {
        let Some(Input::Call(id, _)) = s.input else { return };
        let has_blob = s.was.processes.get(id).is_some_and(|process| process.life.last_blob.is_some());
        s.each_sent(|outgoing| {
            if has_blob && outgoing.request.inherit {
                outgoing.blob = None;
            }
        });
    }),
    Mutant::new(
        "a-remote-prompt-is-answered-to-the-middle",
        &[M3],
        "an inheriting request that was prompted by another node has its sender as rsvp",
    )
    .before(|s| {
        let Some((id, prompt)) = passes_on_remote(s) else { return };
        let rsvp = Some(s.kernel.address(id));
        if let Some(process) = s.process(id) {
            process.life.prompting = Some(Rc::new(Message { rsvp, ..(*prompt).clone() }));
        }
    })
    .after(|s| {
        let Some((id, prompt)) = passes_on_remote(s) else { return };
        if let Some(process) = s.process(id).filter(|process| matches!(process.status, Status::Running(_))) {
            process.life.prompting = Some(prompt);
        }
    }),
    Mutant::new(
        "an-answer-read-late-is-a-timeout",
        &[M1, M4],
        "a response that came in time, and is received after the deadline, is received as a Timeout",
    )
    .before(|s| {
        let (Some(Input::Call(id, Call::Receive)), now) = (&s.input, s.at.now) else { return };
        let id = *id;
        if let Some(process) = s.process(id)
            && let Some(Incoming::Settled(outcome @ Outcome::Response(_), outstanding)) =
                process.life.mailbox.front_mut()
            && outstanding.deadline <= now
        {
            *outcome = Outcome::Error(SendError { kind: SendErrorKind::Timeout, message: outstanding.message.clone() });
        }
    }),
    Mutant::new(
        "a-failed-await-loses-the-queue",
        &[M1, M2],
        "what queued while a process awaited a response is lost when the wait ends with an error",
    )
    .after(|s| {
        if let Some(Input::Wake | Input::Undeliverable(..)) = s.input {
            for (id, answer) in resumed(s) {
                if let (Answer::Awaited(Err(_)), Some(process)) = (answer, s.process(id)) {
                    process.life.mailbox.clear();
                }
            }
        }
    }),
    Mutant::new(
        "answers-forget-what-prompted",
        &[M3],
        "after an answer was received, a response goes to whoever prompted last, not when the question was asked",
    )
    .after(|s| {
        for (id, answer) in resumed(s) {
            let settled = match answer {
                Answer::Received(Received::Message(message, _)) => !message.is_request(),
                Answer::Received(Received::Error(..)) => true,
                _ => false,
            };
            let prompting = s.was.processes.get(id).and_then(|was| was.life.prompting.clone());
            if let Some(process) = s.process(id).filter(|_| settled) {
                process.life.prompting = prompting;
            }
        }
    }),
    Mutant::new(
        "every-bounce-settles",
        &[M1],
        "a message that another node did not get settles a request of the same id, though it expected nothing",
    )
    .before(|s| {
        if let Some(Input::Undeliverable(message, _)) = &mut s.input
            && let Content::Request(request) = &mut Rc::make_mut(message).content
        {
            request.expects_response.get_or_insert(1);
        }
    }),
    Mutant::new(
        "requests-to-the-ending-wait",
        &[E11],
        "a request to a process that is ending gets its Timeout at the deadline, not at once",
    )
    .before(|s| {
        for id in ending_targets(s) {
            if let Some(process) = s.process(id) {
                process.status = Status::Initialized;
            }
        }
    })
    .after(|s| {
        for id in ending_targets(s) {
            let Some(status) = s.was.processes.get(id).map(|was| was.status.clone()) else { continue };
            if let Some(process) = s.process(id) {
                process.status = status;
                process.life.mailbox.clear();
            }
        }
    }),
    // Timeouts.
    Mutant::new("no-seconds-are-for-ever", &[M1], "a request that waits zero seconds waits for ever").after(|s| {
        for (id, message, seconds) in s.waiting() {
            if seconds == 0 {
                s.move_deadline(id, message, s.at.now + FOR_EVER);
            }
        }
    }),
    Mutant::new("timeouts-wrap", &[M4], "a timeout is counted in 32 bits of milliseconds: 50 days end after hours")
        .after(|s| {
            for (id, message, seconds) in s.waiting() {
                if seconds > FITS {
                    let wrapped = u64::from(seconds.wrapping_mul(1000) as u32);
                    s.move_deadline(id, message, s.at.now + Duration::from_millis(wrapped));
                }
            }
        }),
    Mutant::new(
        "eight-requests-are-remembered",
        &[M1],
        "a process with more than eight requests outstanding hears nothing of the oldest",
    )
    .after(|s| {
        for (id, process) in s.kernel.processes.iter_mut().filter(|(id, _)| !id.is_module()) {
            while process.life.outstanding.len() > 8
                && let Some(oldest) = process.life.outstanding.keys().min().copied()
                && process.status != Status::Running(Activity::Awaiting(oldest))
                && let Some(outstanding) = process.life.outstanding.swap_remove(&oldest)
            {
                s.kernel.timers.remove(&(outstanding.deadline, Timer::Timeout(id, oldest)));
            }
        }
    }),
    // The network.
    Mutant::new(
        "answers-come-in-without-network",
        &[C1],
        "a response from another node is let in, though its receiver has no network capability any more",
    )
    .before(|s| {
        if let Some(Input::Arrived(message)) = &s.input
            && !message.is_request()
        {
            let (target, network) = (message.target.process, Capability::network(s.kernel.our));
            s.lend(target, network);
        }
    }),
];

/// The calls that return in this step, and with what.
fn resumed(s: &Step<'_>) -> Vec<(ProcessRef, Answer)> {
    let resumed = s.out.iter().filter_map(|effect| match effect {
        Effect::Resume(id, answer) => Some((*id, answer.clone())),
        _ => None,
    });
    resumed.collect()
}

/// The local process that gets a response by this step, if the responder does not hold messaging of it.
fn answered(s: &Step<'_>) -> Option<ProcessRef> {
    let Some(Input::Call(id, Call::SendResponse(_))) = &s.input else { return None };
    let target = s.was.processes.get(*id)?.life.prompting.as_ref()?.reply_to();
    let guest = target.node == s.was.our && target.process != *id && !target.process.is_module();
    (guest && !s.was.holds(*id, &Capability::messaging(target))).then_some(target.process)
}

/// Who sends a request that passes on what prompted it, if that came from another node; and what prompted it.
fn passes_on_remote(s: &Step<'_>) -> Option<(ProcessRef, Rc<Message>)> {
    let (id, outgoing) = *s.outgoing().first()?;
    let prompt = s.was.processes.get(id)?.life.prompting.clone()?;
    let passes_on = outgoing.request.inherit && outgoing.request.expects_response.is_none();
    (passes_on && prompt.source.node != s.was.our).then_some((id, prompt))
}

/// The processes that are ending and get a request by this step. None, if a command goes with it.
fn ending_targets(s: &Step<'_>) -> Vec<ProcessRef> {
    let targets: Vec<Address> = s.outgoing().into_iter().map(|(_, outgoing)| outgoing.target).collect();
    if targets.iter().any(|target| target.process == ProcessRef::KERNEL) {
        return vec![];
    }
    let here = targets.into_iter().filter(|target| target.node == s.was.our).map(|target| target.process);
    here.filter(|id| s.was.processes.get(*id).is_some_and(|process| process.is_ending())).collect()
}
