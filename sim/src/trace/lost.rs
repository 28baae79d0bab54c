//! Messages that were lost with a mailbox. No event says so: nothing happens to them any more.

use crate::trace::event::{Event, What};
use kernel_core::{Cause, Message, MessageId, NodeId, ProcessRef};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A message, by what tells it from all others.
type Key = (NodeId, MessageId, bool);

fn key(message: &Message) -> Key {
    (message.source.node, message.id, message.is_request())
}

/// The messages that nobody received, by the event that ended the life, or took down the node, in whose mailbox they were.
pub fn lost<'a>(events: &[&'a (Cause, Event)]) -> BTreeMap<Cause, Vec<&'a Rc<Message>>> {
    let received = events.iter().filter_map(|(_, event)| match &event.what {
        What::Received(_, message, _) => Some(key(message)),
        _ => None,
    });
    let received: BTreeSet<Key> = received.collect();
    let mut waiting: BTreeMap<(NodeId, ProcessRef), Vec<&'a Rc<Message>>> = BTreeMap::new();
    let mut lost: BTreeMap<Cause, Vec<&'a Rc<Message>>> = BTreeMap::new();
    for (index, event) in events {
        match &event.what {
            What::Sent(message) | What::Arrived(message)
                if is_for_mailbox(event, message) && !received.contains(&key(message)) =>
            {
                waiting.entry((event.node, message.target.process)).or_default().push(message);
            }
            What::Dropped(message, _) => {
                if let Some(there) = waiting.get_mut(&(event.node, message.target.process)) {
                    there.retain(|other| key(other) != key(message));
                }
            }
            What::Exited(life, ..) | What::Killed(life) | What::Lost(life) => {
                let there = waiting.remove(&(event.node, life.process)).unwrap_or_default();
                lost.entry(*index).or_default().extend(there);
            }
            What::Down(_) => {
                let here: Vec<_> = waiting.keys().filter(|(node, _)| *node == event.node).copied().collect();
                let there = here.into_iter().flat_map(|who| waiting.remove(&who).unwrap_or_default());
                lost.entry(*index).or_default().extend(there);
            }
            _ => {}
        }
    }
    lost.retain(|_, messages| !messages.is_empty());
    lost
}

/// Whether a message goes into the mailbox of a guest with this event: a request, since who awaits a response has it first.
fn is_for_mailbox(event: &Event, message: &Message) -> bool {
    let is_there = match event.what {
        What::Arrived(_) => message.target.node == event.node,
        _ => message.target.node == event.node && message.source.node == event.node,
    };
    is_there && message.is_request() && !message.target.process.is_module()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::event::Life;
    use kernel_core::{Address, Content, DropReason, Instant, Request};

    #[test]
    fn a_message_that_nobody_received_is_lost_with_the_life_whose_mailbox_it_was_in() {
        let (node, life) = (NodeId(0), Life { process: ProcessRef(100), number: 1 });
        let at = |process| Address { node, process };
        let message = |id: u64| {
            let (source, target) = (at(ProcessRef::TERMINAL), at(life.process));
            let content = Content::Request(Request::default());
            Rc::new(Message { id: MessageId(id), source, target, rsvp: None, content, blob: None, cause: Cause(0) })
        };
        let events = [
            What::Started(life),
            What::Sent(message(1)),
            What::Sent(message(2)),
            What::Sent(message(3)),
            What::Dropped(message(3), DropReason::NoCapability),
            What::Received(life, message(1), Default::default()),
            What::Lost(life),
            What::Sent(message(4)),
            What::Started(Life { number: 2, ..life }),
            What::Received(Life { number: 2, ..life }, message(4), Default::default()),
        ];
        let event = |(index, what)| (Cause(index), Event { at: Instant(index), node, cause: Cause(0), what });
        let events: Vec<(Cause, Event)> = (0..).zip(events).map(event).collect();
        let lost = lost(&events.iter().collect::<Vec<_>>());
        let ids =
            lost.iter().map(|(index, lost)| (index.0, lost.iter().map(|message| message.id.0).collect::<Vec<_>>()));
        assert_eq!(ids.collect::<Vec<_>>(), [(6, vec![2])]);
    }
}
