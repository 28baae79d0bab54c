//! What an owner could not do while its node was down, in a scenario that spreads it: done once the node is up, one thing
//! after the other and in order, as far apart as it was meant to be. All at once it would flood a program that is right.

use super::{Task, World};
use crate::scenario::Action;
use kernel_core::{Duration, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// What was missed in one downtime is made up for within this time.
const WITHIN: Duration = Duration::from_secs(10);

/// The lines of the script that have come too late.
#[derive(Clone, Default)]
pub(super) struct Overdue {
    /// Lines that wait for their node, each with when it was due.
    waiting: Vec<(usize, Instant, usize)>,
    /// Lines that were given another time.
    postponed: BTreeSet<usize>,
    /// Until when a node's owner makes up for what it has missed, and how far apart.
    busy: BTreeMap<usize, (Instant, Duration)>,
}

impl World<'_> {
    /// Whether a line of the script is not carried out now: its node is down, or its owner has something before it.
    pub(super) fn is_overdue(&mut self, line: usize) -> bool {
        if !self.scenario.spreads_overdue {
            return false;
        }
        let owner = match &self.scenario.script[line].action {
            Action::Send(on, request) => request.from.as_ref().unwrap_or(&on.node),
            Action::Tell(on, _) | Action::Ask(on, ..) => &on.node,
            _ => return false,
        };
        let node = self.node_index(owner).expect("the script was checked");
        if self.nodes[node].up.is_none() {
            self.overdue.postponed.remove(&line);
            self.overdue.waiting.push((node, self.now, line));
            return true;
        }
        if self.overdue.postponed.remove(&line) {
            return false;
        }
        match self.overdue.busy.get(&node).copied() {
            Some((until, apart)) if self.now < until => {
                self.postpone(line, until);
                self.overdue.busy.insert(node, (until + apart, apart));
                true
            }
            _ => false,
        }
    }

    /// A node has come up: what its owner has missed gets its time.
    pub(super) fn make_up_for_overdue(&mut self, node: usize) {
        let missed = std::mem::take(&mut self.overdue.waiting);
        let (missed, others) = missed.into_iter().partition::<Vec<_>, _>(|(on, ..)| *on == node);
        self.overdue.waiting = others;
        let Some((_, first, _)) = missed.first().copied() else { return };
        let most = Duration(WITHIN.0 / missed.len() as u64);
        let (mut at, mut before, mut apart) = (self.now, first, Duration::ZERO);
        for (_, due, line) in missed {
            apart = (due - before).min(most);
            at = at + apart;
            before = due;
            self.postpone(line, at);
        }
        let apart = apart.max(Duration::from_millis(1));
        self.overdue.busy.insert(node, (at + apart, apart));
    }

    fn postpone(&mut self, line: usize, at: Instant) {
        self.overdue.postponed.insert(line);
        self.queue.push(at, 0, Task::Script(line));
    }
}

#[cfg(test)]
mod tests {
    use crate::explore::run_plan;
    use crate::guest::image::Loader;
    use crate::plan::{Down, Plan};
    use crate::scenario::{Action, Scenario, on, secs};
    use crate::trace::event::What;
    use crate::world::Options;

    /// When lines of a script were carried out, in milliseconds after the first.
    fn times(spreads_overdue: bool) -> Vec<u64> {
        let target = || on("alice.os", "nobody:demo:alice.os");
        let mut scenario = Scenario::new("overdue", "");
        scenario.spreads_overdue = spreads_overdue;
        scenario = scenario.at(secs(1), Action::Down("alice.os".to_string(), Down::Crash, secs(4)));
        for nth in 2..=6 {
            scenario = scenario.at(secs(nth), Action::Tell(target(), "hello".to_string()));
        }
        let options = Options { keep_trace: true, ..Options::default() };
        let run = run_plan(&scenario, &Plan::default(), &options, &Loader::default()).expect("it can be played");
        let sent = run.trace.events().filter(|(_, event)| matches!(event.what, What::Sent(_)));
        let sent: Vec<u64> = sent.map(|(_, event)| event.at.0 / 1_000_000).collect();
        sent.iter().map(|at| at - sent[0]).collect()
    }

    #[test]
    fn what_was_missed_in_a_downtime_is_done_as_far_apart_as_it_was_meant_to_be() {
        let (burst, spread) = (times(false), times(true));
        assert_eq!((burst.len(), spread.len()), (5, 5));
        assert!(burst[2] < 100, "three at once: {burst:?}");
        assert!(spread.windows(2).all(|pair| pair[1] - pair[0] >= 900), "each a second after the other: {spread:?}");
    }
}
