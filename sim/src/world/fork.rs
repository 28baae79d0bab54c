//! A world in two: the same up to here, and from here on under another plan.
//!
//! All of a world is a value but its guests, which are made again when they are first needed
//! ([`Recorded`](crate::guest::recorded::Recorded)), and what a module may have open, which cannot be.

use super::World;
use crate::plan::{Family, Line, Subject};
use crate::world::node::Node;

impl<'s> World<'s> {
    /// Keeps the answers of all guests from here on: before anything happens, or it cannot be forked.
    pub(crate) fn recording_answers(mut self) -> World<'s> {
        self.keeps_answers = true;
        self
    }

    /// The same world, from here on under a plan of this one line. `None`: a module has something open that cannot be
    /// cloned, and does not go down with its node in what comes next.
    pub(crate) fn fork(&self, line: &Line) -> Option<World<'s>> {
        assert!(self.keeps_answers, "only a world that keeps its guests' answers is forked");
        assert!(self.effects.is_empty() && self.buffer.is_empty() && !self.recorder.has_due(), "between two tasks");
        let dies = |node: &Node| {
            let is_subject = |of: &Subject| matches!(of, Subject::Node(name) if name == self.names.node_text(node.id));
            line.family() == Family::Crash && is_subject(&line.subject)
        };
        let nodes = self.nodes.iter().map(|node| node.fork(!dies(node))).collect::<Option<_>>()?;
        Some(World {
            scenario: self.scenario,
            options: self.options.clone(),
            names: self.names.clone(),
            chooser: self.chooser.branch(line),
            nodes,
            network: self.network.clone(),
            images: self.images.clone(),
            outside: self.outside.clone(),
            reorg: self.reorg.clone(),
            queue: self.queue.clone(),
            now: self.now,
            recorder: self.recorder.clone(),
            effects: self.effects.clone(),
            buffer: Vec::new(),
            phase: self.phase,
            messages: self.messages,
            met: self.met.clone(),
            played: self.played,
            overdue: self.overdue.clone(),
            spent: self.spent.clone(),
            limit: self.limit.clone(),
            flavored: self.flavored,
            keeps_answers: false,
        })
    }
}
