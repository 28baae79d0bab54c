//! The requests that expect a response and have not settled, as their senders' nodes see it.
//!
//! A request leaves the table when its sender receives its outcome; those of dead lives stay for a while, so that
//! a late answer is known for what it is (E10).

use crate::invariant::lives::{Lives, entry};
use crate::trace::event::{Event, Life, What};
use kernel_core::{CallKind, Cause, Duration, Instant, Message, MessageId, NodeId};
use std::collections::VecDeque;

/// A request that expects a response.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The life that waits for the outcome. A runtime module's life is its node's boot.
    pub asker: Life,
    /// When it was sent.
    pub sent: Cause,
    /// When it times out.
    pub deadline: Instant,
    /// Whether its sender waits for nothing else (`send-and-await-response`).
    pub awaited: bool,
    /// The response that was put into its sender's mailbox before the deadline, by its cause.
    pub answered: Option<Cause>,
}

/// How long the request of a dead life is remembered beyond its deadline.
const REMEMBERED: Duration = Duration::from_secs(60);

/// The open requests of one node, by id. Ids come in ascending order, so that the newest is at the end.
#[derive(Clone, Debug, Default)]
struct Open {
    by_id: VecDeque<(MessageId, Option<Asked>)>,
    n_open: usize,
    /// At this length it is time to take out what has settled.
    crowded: usize,
}

impl Open {
    fn place(&self, id: MessageId) -> Result<usize, usize> {
        match self.by_id.back() {
            Some((last, _)) if *last < id => Err(self.by_id.len()),
            Some(_) | None => self.by_id.binary_search_by_key(&id, |(id, _)| *id),
        }
    }

    fn get(&self, id: MessageId) -> Option<&Asked> {
        self.by_id[self.place(id).ok()?].1.as_ref()
    }

    fn put(&mut self, id: MessageId, asked: Asked) {
        match self.place(id) {
            Ok(place) => self.n_open -= usize::from(self.by_id[place].1.replace(asked).is_some()),
            Err(place) => self.by_id.insert(place, (id, Some(asked))),
        }
        self.n_open += 1;
    }

    fn get_mut(&mut self, id: MessageId) -> Option<&mut Asked> {
        let place = self.place(id).ok()?;
        self.by_id[place].1.as_mut()
    }

    fn take(&mut self, id: MessageId) {
        let Ok(place) = self.place(id) else { return };
        self.n_open -= usize::from(self.by_id[place].1.take().is_some());
        while let Some((_, None)) = self.by_id.back() {
            self.by_id.pop_back();
        }
        while let Some((_, None)) = self.by_id.front() {
            self.by_id.pop_front();
        }
    }
}

/// The open requests of all nodes.
#[derive(Clone, Debug, Default)]
pub struct Requests(Vec<Open>);

impl Requests {
    /// A request that has not settled.
    pub fn get(&self, node: NodeId, id: MessageId) -> Option<&Asked> {
        self.0.get(node.0 as usize)?.get(id)
    }

    /// All that have not settled.
    pub fn open(&self) -> impl Iterator<Item = (NodeId, MessageId, &Asked)> {
        let nodes = self.0.iter().enumerate();
        nodes.flat_map(|(node, open)| {
            let asked = open.by_id.iter().filter_map(|(id, asked)| Some((*id, asked.as_ref()?)));
            asked.map(move |(id, asked)| (NodeId(node as u32), id, asked))
        })
    }

    pub(crate) fn on_event(&mut self, index: Cause, event: &Event, lives: &Lives) {
        match &event.what {
            What::Sent(message) => {
                if let Some(seconds) = message.expects_response() {
                    self.on_asked(index, event, message, seconds, lives);
                }
                self.on_response(event, message, lives);
            }
            What::Arrived(message) => self.on_response(event, message, lives),
            What::Dropped(message, _) if !message.is_request() => {
                let asked = entry(&mut self.0, event.node.0).get_mut(message.id);
                if let Some(asked) = asked.filter(|asked| asked.answered == Some(message.cause)) {
                    asked.answered = None;
                }
            }
            What::Received(_, message, _) | What::ModuleReceived(_, message) if !message.is_request() => {
                entry(&mut self.0, event.node.0).take(message.id);
            }
            What::ReceivedError(_, _, message, _) | What::ModuleReceivedError(_, _, message) => {
                entry(&mut self.0, event.node.0).take(message.id);
            }
            // Nothing else settles a request.
            _ => {}
        }
    }

    /// A response is in the mailbox of who asked, unless the kernel says next that it is dropped.
    fn on_response(&mut self, event: &Event, message: &Message, lives: &Lives) {
        let target = message.target;
        if message.is_request() || target.node != event.node {
            return;
        }
        let life = lives.life(event.node, target.process);
        if let Some(asked) = entry(&mut self.0, event.node.0).get_mut(message.id)
            && (asked.asker.process, Some(asked.asker.number)) == (target.process, life)
            && event.at < asked.deadline
        {
            asked.answered.get_or_insert(message.cause);
        }
    }

    fn on_asked(&mut self, index: Cause, event: &Event, message: &Message, seconds: u64, lives: &Lives) {
        let process = message.source.process;
        let Some(number) = lives.life(event.node, process) else { return };
        let last_call = lives.process(event.node, process).and_then(|process| process.last_call);
        let awaits = |kind| kind == CallKind::SendAndAwaitResponse;
        let asked = Asked {
            asker: Life { process, number },
            sent: index,
            deadline: event.at + Duration::from_secs(seconds),
            awaited: last_call.is_some_and(|call| awaits(call.kind) && call.cause == event.cause),
            answered: None,
        };
        let open = entry(&mut self.0, event.node.0);
        open.put(message.id, asked);
        if open.by_id.len() > open.crowded {
            let lives_on = |asked: &Asked| lives.life(event.node, asked.asker.process) == Some(asked.asker.number);
            let kept = |asked: &Asked| lives_on(asked) || event.at < asked.deadline + REMEMBERED;
            open.by_id.retain(|(_, asked)| asked.as_ref().is_some_and(kept));
            open.n_open = open.by_id.len();
            open.crowded = 2 * open.n_open + 64;
        }
    }
}
