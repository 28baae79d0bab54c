//! What an event depends on: everything before it that can have mattered.
//!
//! An event depends on what the trace names as its cause, and on the last event before it
//! - of the same process on its node,
//! - of the same message,
//! - of the same durable state: a row of the process table, a saved state, a node's boots and backups.
//!
//! Runtime modules and kernels are no processes here: they serve everybody, and would tie everything to everything.

use crate::invariant::Violation;
use crate::trace::event::{Event, What};
use kernel_core::{Address, Cause, Change, DropReason, Message, Names, NodeId, ProcessRef};
use std::collections::BTreeMap;

/// Which message an event is about. Not its address in memory: a copy that loses a capability is the same message.
type Key = (Address, Address, u64, u64, bool);

fn key(message: &Message) -> Key {
    (message.source, message.target, message.id.0, message.cause.0, message.is_request())
}

/// For each event of a run the events that it depends on directly.
#[derive(Debug, Default)]
pub struct Links {
    before: Vec<Vec<u64>>,
    /// Of each process on each node: its last event.
    last: BTreeMap<(NodeId, ProcessRef), u64>,
    /// Of each process on each node: all events that are about it, its row or its state.
    about: BTreeMap<(NodeId, ProcessRef), Vec<u64>>,
    /// Of each message: where it was last.
    messages: BTreeMap<Key, u64>,
    rows: BTreeMap<(NodeId, ProcessRef), u64>,
    states: BTreeMap<(NodeId, ProcessRef), u64>,
    /// Of each node: when it last came up or went down, and its last backup.
    nodes: BTreeMap<NodeId, u64>,
    backups: BTreeMap<NodeId, u64>,
}

impl Links {
    /// Of all events of a run, which has to have kept them.
    pub fn of<'a>(events: impl Iterator<Item = &'a (Cause, Event)>) -> Links {
        let mut links = Links::default();
        events.for_each(|(index, event)| links.add(index.0, event));
        links
    }

    fn add(&mut self, index: u64, event: &Event) {
        let node = event.node;
        let mut before = vec![event.cause.0];
        if let Some(message) = event.what.message() {
            before.extend(self.messages.insert(key(message), index));
        }
        match &event.what {
            What::Booted(_) => {
                before.extend(self.nodes.insert(node, index));
                before.extend(self.backups.get(&node));
            }
            What::Down(_) | What::Restored(_) => before.extend(self.nodes.insert(node, index)),
            What::BackedUp(_) => _ = self.backups.insert(node, index),
            What::Durable(change) => {
                let (Change::Put(process, _) | Change::Remove(process)) = &**change;
                before.extend(self.rows.insert((node, *process), index));
                self.about.entry((node, *process)).or_default().push(index);
            }
            What::StateDurable(process, _) => {
                self.states.insert((node, *process), index);
                self.about.entry((node, *process)).or_default().push(index);
            }
            What::Started(life) => before.extend(self.rows.get(&(node, life.process))),
            What::ReadState(life, _) => before.extend(self.states.get(&(node, life.process))),
            // Nobody was there: why?
            What::Dropped(message, DropReason::NotRunning) => {
                before.extend(self.last.get(&(node, message.target.process)));
            }
            _ => {}
        }
        if let Some(life) = event.what.life() {
            before.extend(self.last.insert((node, life.process), index));
            self.about.entry((node, life.process)).or_default().push(index);
        }
        before.retain(|other| *other < index);
        before.sort_unstable();
        before.dedup();
        self.before.push(before);
    }

    /// The events on which these depend, themselves included, in their order.
    pub fn past_of(&self, events: &[u64]) -> Vec<u64> {
        let mut reached = vec![false; self.before.len()];
        let mut open: Vec<u64> = events.iter().copied().filter(|index| (*index as usize) < reached.len()).collect();
        while let Some(index) = open.pop() {
            if !std::mem::replace(&mut reached[index as usize], true) {
                open.extend(&self.before[index as usize]);
            }
        }
        (0..self.before.len() as u64).filter(|index| reached[*index as usize]).collect()
    }

    /// The events that a violation is about: where it was seen, and those that its facts name as `#17`. If it was seen at
    /// the end, the last event of each process that they name.
    pub fn offending(&self, violation: &Violation, names: &Names) -> Vec<u64> {
        let mut events: Vec<u64> = violation.at.iter().map(|at| at.0).collect();
        let numbered = violation.facts.split('#').skip(1).filter_map(|rest| {
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse::<u64>().ok()
        });
        events.extend(numbered.filter(|index| (*index as usize) < self.before.len()));
        if violation.at.is_none() {
            events.extend(self.last_of_named(violation, names));
        }
        events.sort_unstable();
        events.dedup();
        events
    }

    /// The last event of each process that a violation's facts name, up to where it was seen.
    fn last_of_named(&self, violation: &Violation, names: &Names) -> Vec<u64> {
        let seen = violation.at.map_or(u64::MAX, |at| at.0);
        let named = self.about.iter().filter(|((_, process), _)| {
            let text = names.process_text(*process);
            violation.facts.contains(text)
        });
        named
            .filter_map(|(_, events)| events[..events.partition_point(|index| *index <= seen)].last().copied())
            .collect()
    }

    /// The causal past of a violation: of the events that it is about, and of what the processes that it names did last.
    /// Every event, if it names none.
    pub fn why(&self, violation: &Violation, names: &Names) -> Vec<u64> {
        let mut events = self.offending(violation, names);
        events.extend(self.last_of_named(violation, names));
        match events.is_empty() {
            true => (0..self.before.len() as u64).collect(),
            false => self.past_of(&events),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::Claim;
    use crate::trace::event::Life;
    use kernel_core::{CallKind, Instant, Rule};

    const NODE: NodeId = NodeId(0);

    fn life(process: u32) -> Life {
        Life { process: ProcessRef(process), number: 1 }
    }

    fn links(events: Vec<(u64, What)>) -> Links {
        let events = events.into_iter().enumerate().map(|(index, (cause, what))| {
            (Cause(index as u64), Event { at: Instant(0), node: NODE, cause: Cause(cause), what })
        });
        Links::of(events.collect::<Vec<_>>().iter())
    }

    #[test]
    fn what_another_process_did_is_no_part_of_the_past() {
        let call = |process| What::Called(life(process), CallKind::Receive, None);
        let links = links(vec![
            (0, What::Booted(1)),
            (0, What::Started(life(100))),
            (0, What::Started(life(101))),
            (2, call(101)),
            (1, call(100)),
        ]);
        assert_eq!(links.past_of(&[4]), [0, 1, 4]);
        assert_eq!(links.past_of(&[3]), [0, 2, 3]);
    }

    #[test]
    fn a_state_that_is_read_depends_on_the_one_that_saved_it() {
        let links = links(vec![
            (0, What::SavesState(life(100), None)),
            (0, What::StateDurable(ProcessRef(100), None)),
            (2, What::Booted(2)),
            (3, What::Started(life(101))),
            (4, What::ReadState(Life { process: ProcessRef(100), number: 2 }, None)),
        ]);
        assert_eq!(links.past_of(&[4]), [0, 1, 4]);
    }

    #[test]
    fn a_violation_is_about_where_it_was_seen_and_the_events_that_it_names() {
        let links = links(vec![(0, What::Lifted), (1, What::Lifted), (2, What::Lifted)]);
        let claim = Claim::of(Rule::E5);
        let violation = Violation { claim, facts: "after #1, and #99".to_string(), at: Some(Cause(2)), began: None };
        assert_eq!(links.why(&violation, &Names::new()), [1, 2]);
        let nameless = Violation { facts: "something".to_string(), at: None, ..violation };
        assert_eq!(links.why(&nameless, &Names::new()), [0, 1, 2]);
    }
}
