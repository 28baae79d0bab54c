//! Mutants of M1 to M4 and E11: messages, and how requests settle.

use super::{Mutant, Step, same};
use crate::call::{Answer, Call, Outgoing, Received};
use crate::command::CommandAnswer;
use crate::effect::{DropReason, Effect};
use crate::input::Input;
use crate::kernel::Timer;
use crate::message::{Content, Message, MessageId};
use crate::name::ProcessRef;
use crate::process::{Activity, Incoming, Outcome, Outstanding, Status};
use crate::rule::Rule::{E11, M1, M2, M3, M4};
use crate::send_error::SendErrorKind;
use crate::time::{Duration, Instant};
use std::rc::Rc;

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("answered-and-timed-out", &[M1], "a request that was answered times out all the same").after(|s| {
        for (id, message, outstanding) in settled(s) {
            if s.at.now < outstanding.deadline {
                wait_again(s, id, message, Outstanding { context: None, ..outstanding });
            }
        }
    }),
    Mutant::new("times-out-twice", &[M1], "a request that timed out does so again a second later").after(|s| {
        for (id, message, outstanding) in settled(s) {
            if matches!(s.input, Some(Input::Wake)) && s.count() % 2 == 1 {
                let deadline = s.at.now + Duration::from_secs(1);
                wait_again(s, id, message, Outstanding { deadline, ..outstanding });
            }
        }
    }),
    Mutant::new("never-times-out", &[M1], "a process that gets no answer waits for ever").after(|s| {
        put_off(s, |_, _| Instant(u64::MAX));
    }),
    Mutant::new("times-out-early", &[M4], "a request waits half as long as it says").after(|s| {
        put_off(s, |now, deadline| now + Duration((deadline - now).0 / 2));
    }),
    Mutant::new("times-out-late", &[M1, M4], "a request waits twice as long as it says").after(|s| {
        put_off(s, |now, deadline| now + Duration((deadline - now).0 * 2));
    }),
    Mutant::new("last-in-first-out", &[M2], "what waits is received last first").after(|s| {
        for (id, now) in s.kernel.processes.iter_mut() {
            let was = s.was.processes.get(id).map_or(0, |was| was.life.mailbox.len());
            if was > 0 && now.life.mailbox.len() == was + 1 {
                now.life.mailbox.rotate_right(1);
            }
        }
    }),
    Mutant::new("stutters", &[M2], "a request that waits is received twice").after(|s| {
        for (id, now) in s.kernel.processes.iter_mut() {
            let was = s.was.processes.get(id).map_or(0, |was| was.life.mailbox.len());
            if now.life.mailbox.len() > was
                && let Some(last @ Incoming::Request(_)) = now.life.mailbox.back().cloned()
            {
                now.life.mailbox.push_back(last);
            }
        }
    }),
    Mutant::new("context-of-another", &[M3], "a response comes with the context of another request").after(|s| {
        let Some(Input::Call(id, _)) = s.input else { return };
        let Some(process) = s.process(id) else { return };
        let waiting = &mut process.life.outstanding;
        if let [.., one, other] = &mut waiting.values_mut().collect::<Vec<_>>()[..]
            && one.context != other.context
        {
            std::mem::swap(&mut one.context, &mut other.context);
        }
    }),
    Mutant::new("context-is-lost", &[M3], "a response comes without the context of its request").before(|s| {
        s.each_sent(|outgoing| outgoing.context = None);
    }),
    Mutant::new("metadata-is-lost", &[M3], "metadata do not arrive").before(|s| {
        s.each_sent(|outgoing| outgoing.request.metadata = None);
        if let Some(Input::Call(_, Call::SendResponse(response))) = &mut s.input {
            Rc::make_mut(response).0.metadata = None;
        }
    }),
    Mutant::new("inherits-no-blob", &[M3], "a message that inherits is sent without the blob").before(|s| {
        let inherits = s.sends().iter().any(|(_, outgoing)| outgoing.request.inherit)
            || matches!(&s.input, Some(Input::Call(_, Call::SendResponse(response))) if response.0.inherit);
        if let Some(Input::Call(id, _)) = s.input
            && inherits
            && let Some(process) = s.process(id)
        {
            process.life.last_blob = None;
        }
    }),
    Mutant::new("inherits-no-rsvp", &[M3], "the answer to a passed-on request goes to who passed it on").before(|s| {
        if let Some(Input::Call(id, Call::SendResponse(_))) = s.input
            && let Some(prompt) = s.process(id).and_then(|process| process.life.prompting.as_mut())
        {
            Rc::make_mut(prompt).rsvp = None;
        }
    }),
    Mutant::new("inherits-nothing", &[M3], "a request that inherits has an id of its own, and nobody to answer")
        .before(|s| s.each_sent(|outgoing| outgoing.request.inherit = false)),
    Mutant::new("awaits-whatever-comes", &[M3], "send-and-await-response gives back the next message, whatever it is")
        .before(|s| {
            for (_, process) in s.kernel.processes.iter_mut() {
                if matches!(process.status, Status::Running(Activity::Awaiting(_))) {
                    process.status = Status::Running(Activity::Receiving);
                }
            }
        })
        .after(|s| {
            for (id, was) in s.was.processes.iter() {
                if let Status::Running(Activity::Awaiting(message)) = was.status
                    && let Some(process) = s.kernel.processes.get_mut(id)
                    && process.status == Status::Running(Activity::Receiving)
                {
                    process.status = Status::Running(Activity::Awaiting(message));
                }
                for effect in &mut s.out {
                    match effect {
                        Effect::Resume(resumed, answer) if *resumed == id && was.awaits() => {
                            let awaited = match answer {
                                Answer::Received(Received::Message(message, _)) => Ok(message.clone()),
                                Answer::Received(Received::Error(error, _)) => Err(error.clone()),
                                _ => continue,
                            };
                            *answer = Answer::Awaited(awaited);
                        }
                        _ => {}
                    }
                }
            }
        }),
    Mutant::new("prompt-is-not-restored", &[M3], "after an answer came, what was asked before cannot be answered")
        .after(|s| {
            for (id, _, _) in settled(s) {
                if let Some(process) = s.process(id) {
                    process.life.prompting = None;
                }
            }
        }),
    Mutant::new("answers-the-first", &[M3], "a response answers what the life was first asked").after(|s| {
        for (id, now) in s.kernel.processes.iter_mut().filter(|(id, _)| !id.is_module()) {
            if let Some(was) = s.was.processes.get(id)
                && was.life.run == now.life.run
                && was.life.prompting.is_some()
            {
                now.life.prompting = was.life.prompting.clone();
            }
        }
    }),
    Mutant::new("offline-is-timeout", &[M4], "an unreachable target counts as a timeout").before(|s| {
        if let Some(Input::Undeliverable(_, kind)) = &mut s.input {
            *kind = SendErrorKind::Timeout;
        }
    }),
    Mutant::new("timeout-is-offline", &[M4], "a target that does not answer counts as offline").after(|s| {
        if !matches!(s.input, Some(Input::Wake)) {
            return;
        }
        for (_, process) in s.kernel.processes.iter_mut() {
            for incoming in &mut process.life.mailbox {
                if let Incoming::Settled(Outcome::Error(error), _) = incoming {
                    error.kind = SendErrorKind::Offline;
                }
            }
        }
        for effect in &mut s.out {
            if let Effect::Resume(_, Answer::Received(Received::Error(error, _)) | Answer::Awaited(Err(error))) = effect
            {
                error.kind = SendErrorKind::Offline;
            }
        }
    }),
    Mutant::new("absent-times-out-late", &[E11], "a request to nobody times out only when its time is up").after(|s| {
        let dropped = s.out.iter().filter_map(|effect| match effect {
            Effect::Dropped(message, DropReason::NotRunning) if message.expects_response().is_some() => {
                Some(message.clone())
            }
            _ => None,
        });
        let dropped: Vec<_> = dropped.collect();
        dropped.into_iter().for_each(|message| unsettle(s, &message));
    }),
];

/// The requests that were settled in this step, and whose life still is the same.
fn settled(s: &Step<'_>) -> Vec<(ProcessRef, MessageId, Outstanding)> {
    let mut settled = Vec::new();
    for (id, was) in s.was.processes.iter().filter(|(id, _)| !id.is_module()) {
        let Some(now) = s.kernel.processes.get(id).filter(|now| now.life.run == was.life.run) else { continue };
        let gone = was.life.outstanding.iter().filter(|(message, _)| !now.life.outstanding.contains_key(*message));
        if !now.is_ending() {
            settled.extend(gone.map(|(message, outstanding)| (id, *message, outstanding.clone())));
        }
    }
    settled
}

/// A request waits for its response, again.
fn wait_again(s: &mut Step<'_>, id: ProcessRef, message: MessageId, outstanding: Outstanding) {
    s.kernel.timers.insert((outstanding.deadline, Timer::Timeout(id, message)));
    s.process(id).expect("it waits").life.outstanding.insert(message, outstanding);
}

/// Moves the deadlines of what was sent in this step.
fn put_off(s: &mut Step<'_>, to: fn(Instant, Instant) -> Instant) {
    let now = s.at.now;
    let Some(Input::Call(id, _)) = s.input else { return };
    let was = s.was.processes.get(id).map(|was| was.life.outstanding.keys().copied().collect::<Vec<_>>());
    let Some(process) = s.kernel.processes.get_mut(id) else { return };
    for (message, outstanding) in &mut process.life.outstanding {
        if was.as_ref().is_none_or(|was| !was.contains(message)) {
            s.kernel.timers.remove(&(outstanding.deadline, Timer::Timeout(id, *message)));
            outstanding.deadline = to(now, outstanding.deadline);
            s.kernel.timers.insert((outstanding.deadline, Timer::Timeout(id, *message)));
        }
    }
}

/// Takes back that a request has settled at once: it waits.
fn unsettle(s: &mut Step<'_>, message: &Rc<Message>) {
    let id = message.source.process;
    let (now, cause) = (s.at.now, message.id);
    let Some(process) = s.kernel.processes.get_mut(id) else { return };
    let is_it = |incoming: &Incoming| matches!(incoming, Incoming::Settled(_, o) if same(&o.message, message));
    let outstanding = match process.life.mailbox.iter().position(is_it) {
        Some(index) => match process.life.mailbox.remove(index) {
            Some(Incoming::Settled(_, outstanding)) => outstanding,
            _ => unreachable!("it was just seen"),
        },
        None => {
            // It was told at once, since it waited for just that.
            let told = s.out.iter().position(
                |effect| matches!(effect, Effect::Resume(resumed, Answer::Awaited(Err(_))) if *resumed == id),
            );
            let Some(told) = told else { return };
            s.out.remove(told);
            process.status = Status::Running(Activity::Awaiting(cause));
            let deadline = now + Duration::from_secs(message.expects_response().unwrap_or_default());
            let prompting = process.life.prompting.clone();
            Outstanding { message: message.clone(), deadline, context: None, prompting }
        }
    };
    wait_again(s, id, cause, outstanding);
}

impl crate::process::Process {
    fn awaits(&self) -> bool {
        matches!(self.status, Status::Running(Activity::Awaiting(_)))
    }
}

impl Step<'_> {
    /// What is about to be sent, to be changed.
    pub(super) fn each_sent(&mut self, mut change: impl FnMut(&mut Outgoing)) {
        match &mut self.input {
            Some(Input::Call(_, Call::SendRequest(outgoing) | Call::SendAndAwaitResponse(outgoing))) => {
                change(Rc::make_mut(outgoing))
            }
            Some(Input::Call(_, Call::SendRequests(list))) => Rc::make_mut(list).iter_mut().for_each(change),
            _ => {}
        }
    }

    /// The messages that were made in this step, to be changed wherever they are.
    pub(super) fn rewrite_new(&mut self, mut change: impl FnMut(&mut Message)) {
        let made = self.out.iter().filter_map(|effect| match effect {
            Effect::Sent(message) => Some(message.clone()),
            _ => None,
        });
        let made: Vec<Rc<Message>> = made.collect();
        for old in made {
            let mut new = (*old).clone();
            change(&mut new);
            if new != *old {
                self.replace(&old, &Rc::new(new));
            }
        }
    }

    fn replace(&mut self, old: &Rc<Message>, new: &Rc<Message>) {
        let put = |message: &mut Rc<Message>| {
            if same(message, old) {
                *message = new.clone();
            }
        };
        for effect in &mut self.out {
            match effect {
                Effect::Sent(message) | Effect::Transmit(message) | Effect::Dropped(message, _) => put(message),
                Effect::Deliver(_, Received::Message(message, _))
                | Effect::Resume(_, Answer::Received(Received::Message(message, _)) | Answer::Awaited(Ok(message))) => {
                    put(message);
                }
                _ => {}
            }
        }
        for (_, process) in self.kernel.processes.iter_mut() {
            for incoming in &mut process.life.mailbox {
                if let Incoming::Request(message) | Incoming::Settled(Outcome::Response(message), _) = incoming {
                    put(message);
                }
            }
        }
    }

    /// Where the kernel gives one answer to a command it gives another.
    pub(super) fn answer_instead(&mut self, one: &CommandAnswer, other: &CommandAnswer) {
        self.rewrite_new(|message| {
            let by_kernel = message.source.process == ProcessRef::KERNEL;
            if let Content::Response(response) = &mut message.content
                && by_kernel
                && response.body == one.to_body()
            {
                response.body = other.to_body();
            }
        });
    }
}
