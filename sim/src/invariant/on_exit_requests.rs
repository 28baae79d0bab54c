//! What a process sends after its exit, and that nobody sends in its name before: E4. By which capabilities is for `capability` (C5).

use crate::invariant::capability::is_dead;
use crate::invariant::lives::{Fate, Presence};
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use kernel_core::{CallKind, Cause, Content, DropReason, Message, Names, OnExit, OnExitRequest, Rule};

/// E4: the list, in its order, once; a request to a process that is there is delivered.
#[derive(Clone, Debug, Default)]
pub struct FiredAsListed;

impl FiredAsListed {
    fn on_sent(&self, event: &Event, message: &Message, past: &Past, names: &Names) -> Result<(), String> {
        let who = names.process_text(message.source.process);
        let Some(fate) = past.lives.fate(event.node, message.source.process) else {
            return Err(format!("{who} sends a message and neither lives nor has exited"));
        };
        if fate.effective.is_none() && event.node == message.source.node {
            let (how, at) = (fate.how.text(), fate.cause.0);
            return Err(format!("{who} {how} (#{at}) and fires a request before that is durable"));
        }
        let (true, OnExit::Requests(list)) = (fate.certain, &fate.on_exit) else { return Ok(()) };
        let since = format!("{who} {} (#{})", fate.how.text(), fate.cause.0);
        match list.get(fate.n_fired) {
            None => Err(format!("{since} and fired its {} requests; this is one more", list.len())),
            Some(listed) if !is_as_listed(message, listed) || !has_what_it_issues(message, listed) => {
                Err(format!("{since}, and what it fires is not request {} of its list", fate.n_fired + 1))
            }
            Some(_) => Ok(()),
        }
    }

    /// Dropped, though the target was there and the row had the capability.
    fn on_dropped(
        &self,
        event: &Event,
        message: &Message,
        reason: DropReason,
        past: &Past,
        names: &Names,
    ) -> Result<(), String> {
        if message.target.node != event.node || message.source.node != event.node {
            return Ok(());
        }
        let there = past.lives.presence(event.node, message.target.process) == Presence::There;
        match reason {
            DropReason::NotRunning if there => {
                let (who, to) = (message.source.process, message.target.process);
                let (who, to) = (names.process_text(who), names.process_text(to));
                Err(format!("a request that {who} fired at its exit was dropped, though {to} runs"))
            }
            DropReason::NotRunning
            | DropReason::NoCapability
            | DropReason::NoNetwork
            | DropReason::RemoteCommand
            | DropReason::BadCommand
            | DropReason::NotAwaited
            | DropReason::NothingToAnswer => Ok(()),
        }
    }
}

/// Whether a guest that lives sends this itself, in a step of its own call.
fn is_its_own(event: &Event, message: &Message, past: &Past) -> bool {
    let call = past.lives.process(event.node, message.source.process).and_then(|process| process.last_call);
    let sends = |kind| {
        matches!(
            kind,
            CallKind::SendRequest | CallKind::SendRequests | CallKind::SendAndAwaitResponse | CallKind::SendResponse
        )
    };
    call.is_some_and(|call| sends(call.kind) && call.cause == event.cause)
}

fn is_as_listed(message: &Message, listed: &OnExitRequest) -> bool {
    let Content::Request(request) = &message.content else { return false };
    let cut = request.capabilities.iter().all(|capability| listed.request.capabilities.contains(capability));
    message.target == listed.target
        && message.blob == listed.blob
        && request.body == listed.request.body
        && request.metadata == listed.request.metadata
        && request.expects_response.is_none()
        && message.rsvp.is_none()
        && cut
}

/// Whether everything is attached that is listed and its sender's own: nobody can take that from it.
fn has_what_it_issues(message: &Message, listed: &OnExitRequest) -> bool {
    let mut own = listed.request.capabilities.iter().filter(|capability| capability.issuer == message.source);
    own.all(|capability| message.capabilities().contains(capability))
}

/// Whether it fires at its exit.
fn fires(fate: Option<&Fate>) -> bool {
    fate.is_some_and(|fate| matches!(fate.on_exit, OnExit::Requests(_)))
}

impl Invariant for FiredAsListed {
    fn claim(&self) -> Claim {
        Claim {
            rule: Rule::E4,
            says: "on-exit requests are fired in list order, at most once, with the source of the exiting process",
        }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Sent, Kind::Dropped]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Sent(message) if past.sender_is_dead => self.on_sent(event, message, past, names),
            What::Sent(message)
                if message.source.node == event.node
                    && !message.source.process.is_module()
                    && !is_its_own(event, message, past) =>
            {
                let who = names.process_text(message.source.process);
                Err(format!("{who} lives, and a message is sent in its name that it did not send"))
            }
            What::Dropped(message, reason) if is_dead(past, message.source) => {
                if fires(past.lives.fate(message.source.node, message.source.process)) {
                    self.on_dropped(event, message, *reason, past, names)
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }
}
