//! How requests settle and in which order messages come: M1, M2, E11.

use crate::invariant::lives::{Presence, entry};
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, Life, What};
use crate::trace::life_text;
use kernel_core::{
    Address, Cause, Content, DropReason, Duration, Message, MessageId, Names, NodeId, ProcessRef, Rule, SendErrorKind,
};
use std::rc::Rc;

/// Whether two are the same message, whatever capabilities were cut on the way.
pub(crate) fn same(one: &Rc<Message>, other: &Rc<Message>) -> bool {
    let equal = || {
        (one.id, one.cause, one.source, one.target) == (other.id, other.cause, other.source, other.target)
            && one.is_request() == other.is_request()
    };
    Rc::ptr_eq(one, other) || equal()
}

/// Messages that are never to arrive. Those that the kernel says it dropped are soon forgotten, the others late.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched(Vec<(Rc<Message>, bool)>);

impl Watched {
    const N_KEPT: usize = 16;

    pub fn watch(&mut self, message: &Rc<Message>) {
        if self.0.len() >= Watched::N_KEPT {
            let dropped = self.0.iter().position(|(_, dropped)| *dropped);
            self.0.remove(dropped.unwrap_or(0));
        }
        self.0.push((message.clone(), false));
    }

    pub fn on_dropped(&mut self, message: &Rc<Message>) {
        if let Some((_, dropped)) = self.0.iter_mut().rev().find(|(watched, _)| same(watched, message)) {
            *dropped = true;
        }
    }

    pub fn has(&self, message: &Rc<Message>) -> bool {
        self.0.iter().any(|(watched, _)| same(watched, message))
    }
}

/// The id of the request whose outcome a life or a runtime module receives. `None`: it receives no outcome.
fn outcome(event: &Event) -> Option<(ProcessRef, &Message)> {
    match &event.what {
        What::Received(life, message, _) if !message.is_request() => Some((life.process, message)),
        What::ModuleReceived(module, message) if !message.is_request() => Some((*module, message)),
        What::ReceivedError(life, _, message, _) => Some((life.process, message)),
        What::ModuleReceivedError(module, _, message) => Some((*module, message)),
        _ => None,
    }
}

/// M1: each request that expects a response settles once.
#[derive(Clone, Debug, Default)]
pub struct SettlesOnce;

impl Invariant for SettlesOnce {
    fn claim(&self) -> Claim {
        Claim {
            rule: Rule::M1,
            says: "every request that expects a response settles exactly once in the life that sent it",
        }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Received, Kind::ReceivedError, Kind::ModuleReceived, Kind::ModuleReceivedError]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let Some((process, message)) = outcome(event) else { return Ok(()) };
        match past.requests.get(event.node, message.id) {
            Some(_) => Ok(()),
            None => {
                let who = names.process_text(process);
                Err(format!(
                    "{who} receives the outcome of a request that has settled already, or was never sent (#{})",
                    message.cause.0
                ))
            }
        }
    }

    fn at_end(&mut self, past: &Past, names: &Names) -> Result<(), String> {
        for (node, _, asked) in past.requests.open() {
            let Life { process, number } = asked.asker;
            let lives =
                past.lives.node(node).is_some_and(|node| node.up) && past.lives.life(node, process) == Some(number);
            let call = past.lives.process(node, process).and_then(|process| process.last_call);
            // A guest that does not receive learns nothing; one that awaits something else learns it later.
            let listens = process.is_module()
                || call.is_some_and(|call| {
                    call.waits
                        && (call.kind == kernel_core::CallKind::Receive || asked.awaited && asked.sent > call.cause)
                });
            if lives && listens && past.now >= asked.deadline + Duration::from_secs(1) {
                let who = life_text(asked.asker, names);
                return Err(format!("a request of {who} (#{}) was neither answered nor did it time out", asked.sent.0));
            }
        }
        Ok(())
    }
}

/// The latest message of one sender in one mailbox.
#[derive(Clone, Debug)]
struct Latest {
    from: Address,
    cause: Cause,
    id: MessageId,
    /// When the sender's life began. Unknown (and later than anything) if that was not the one that sent it.
    life_since: Cause,
}

/// What one life has received.
#[derive(Clone, Debug, Default)]
struct Inbox {
    life: u32,
    /// By sender.
    latest: Vec<Latest>,
}

/// M2: one life's messages to another come in the order sent, each once.
#[derive(Clone, Debug, Default)]
pub struct InOrder {
    inboxes: Vec<Vec<Inbox>>,
}

impl Invariant for InOrder {
    fn claim(&self) -> Claim {
        Claim {
            rule: Rule::M2,
            says: "what one life puts into another's mailbox arrives in the order sent, each at most once",
        }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Received]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let What::Received(life, message, _) = &event.what else { return Ok(()) };
        let from = message.source;
        // A module answers when it is done; what prompted it may be long ago.
        if from.process.is_module() && from.process != ProcessRef::KERNEL {
            return Ok(());
        }
        let awaited = || past.requests.get(event.node, message.id).is_some_and(|asked| asked.awaited);
        if !message.is_request() && awaited() {
            return Ok(());
        }
        let inbox = entry(entry(&mut self.inboxes, event.node.0), life.process.0);
        if inbox.life != life.number {
            *inbox = Inbox { life: life.number, latest: vec![] };
        }
        let life_since = past.lives.process(from.node, from.process).map_or(Cause(0), |sender| sender.started);
        let life_since = if life_since <= message.cause { life_since } else { Cause(u64::MAX) };
        let now = Latest { from, cause: message.cause, id: message.id, life_since };
        match inbox.latest.binary_search_by_key(&from, |latest| latest.from) {
            Err(place) => inbox.latest.insert(place, now),
            Ok(place) => {
                let latest = &mut inbox.latest[place];
                let wrong = match message.cause.cmp(&latest.cause) {
                    std::cmp::Ordering::Greater => None,
                    std::cmp::Ordering::Less => (latest.life_since <= message.cause).then_some("after a later one"),
                    std::cmp::Ordering::Equal => (is_fresh(message) && message.id == latest.id).then_some("again"),
                };
                if let Some(wrong) = wrong {
                    let (from, who) = (names.address_text(from), life_text(*life, names));
                    return Err(format!("{who} receives #{} of {from} {wrong} (#{})", message.cause.0, latest.cause.0));
                }
                if message.cause >= latest.cause {
                    *latest = now;
                }
            }
        }
        Ok(())
    }
}

/// Whether its sender can have sent no other of the same id in the same step.
fn is_fresh(message: &Message) -> bool {
    match &message.content {
        Content::Request(request) => !request.inherit || request.expects_response.is_some(),
        Content::Response(_) => true,
    }
}

/// E11: a process that is not there gets nothing, and a request to it times out at once.
#[derive(Clone, Debug, Default)]
pub struct NobodyThere {
    /// Requests to processes that are not there.
    lost: Watched,
}

impl Invariant for NobodyThere {
    fn claim(&self) -> Claim {
        Claim {
            rule: Rule::E11,
            says: "a request to a local process that is not there is a Timeout at once, or dropped",
        }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Sent, Kind::Dropped, Kind::Received, Kind::ReceivedError]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        let presence = |node: NodeId, target: Address| {
            if node == target.node { Some(past.lives.presence(node, target.process)) } else { None }
        };
        let text = |message: &Message| {
            let (from, to) = (names.address_text(message.source), names.process_text(message.target.process));
            format!("a message of {from} to {to} (#{})", message.cause.0)
        };
        match &event.what {
            What::Sent(message) if message.is_request() => {
                if presence(event.node, message.target) == Some(Presence::Nobody) {
                    self.lost.watch(message);
                }
                Ok(())
            }
            What::Dropped(message, DropReason::NotRunning)
                if presence(event.node, message.target) == Some(Presence::There)
                    && !message.target.process.is_module() =>
            {
                Err(format!("{} was dropped, though its target was there", text(message)))
            }
            What::Dropped(message, _) => {
                self.lost.on_dropped(message);
                Ok(())
            }
            What::Received(_, message, _) if self.lost.has(message) => {
                Err(format!("{} arrived, though its target was not there when it was sent", text(message)))
            }
            What::ReceivedError(life, kind, message, _) if self.lost.has(message) => {
                let call = past.lives.process(event.node, life.process).and_then(|process| process.last_call);
                let waited = call.map_or(Duration::ZERO, |call| event.at - call.at);
                match kind {
                    SendErrorKind::Offline => Err(format!("{}, which is not there, met Offline", text(message))),
                    SendErrorKind::Timeout if waited >= Duration::from_secs(1) => {
                        Err(format!("{}, which is not there, met Timeout only after {waited}", text(message)))
                    }
                    SendErrorKind::Timeout => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}
