//! What is left of a run, and how a world becomes it.

use super::{Spent, World};
use crate::guest::Usage;
use crate::invariant::{OwnPanic, Violation};
use crate::plan::{Line, Plan};
use crate::trace::coverage::Coverage;
use crate::trace::{Fingerprint, Trace};
use crate::world::node::{Node, Up};
use kernel_core::{Duration, Instant, Names, NodeId, ProcessRef};
use std::collections::BTreeMap;

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Every invariant held.
    Held,
    /// Some did not.
    Violated(Vec<Violation>),
    /// The run reached a bound of the simulator before its end, and says which: neither pass nor violation (M5).
    Limit(String),
}

/// What is left of a run.
pub struct Run {
    /// How it ended.
    pub verdict: Verdict,
    /// The digest of all its events.
    pub fingerprint: Fingerprint,
    /// The digest of what is on the nodes' disks at its end.
    pub disks: Fingerprint,
    /// The events that were kept.
    pub trace: Trace,
    /// What the trace's numbers are called.
    pub names: Names,
    /// The plan that gives this run again, if the chooser was recording.
    pub plan: Option<Plan>,
    /// The processes that had a life, each with its node, by name.
    pub processes: Vec<(String, String)>,
    /// What each process used of the host since its node last came up: for reports, never to compare runs.
    pub usage: BTreeMap<(NodeId, ProcessRef), Usage>,
    /// What it cost the host: for reports, never to compare runs.
    pub spent: Spent,
    /// The line of a strict plan at which the run was stopped, since it no longer fits.
    pub misfit: Option<Line>,
    /// What it reached.
    pub coverage: Coverage,
    /// Messages that were made.
    pub messages: u64,
    /// Faults that were injected.
    pub faults: u64,
    /// How much virtual time passed.
    pub elapsed: Duration,
    /// Whether the run may depend on the form of the programs or on the engine: a guest spun through a quantum, or was to
    /// run out of memory, a guest looked at a program's bytes, or its file rotted.
    pub flavored: bool,
    /// The invariants of the scenario's own that panicked. Whether the others held is the verdict all the same.
    pub panics: Vec<OwnPanic>,
}

impl Run {
    /// The digest of all its events and of what it left on the nodes' disks. A package's files have other bytes in Wasm
    /// and in native Rust, so runs of the two compare their events alone.
    pub fn whole(&self) -> Fingerprint {
        self.fingerprint.then(self.disks)
    }

    /// Whether every invariant held and none panicked, and no bound was reached.
    pub fn held(&self) -> bool {
        self.verdict == Verdict::Held && self.panics.is_empty()
    }

    /// The verdict and the last events, for people.
    pub fn summary(&self) -> String {
        let verdict = match &self.verdict {
            Verdict::Held => "every invariant held".to_string(),
            Verdict::Limit(limit) => format!("the run reached a bound: {limit}"),
            Verdict::Violated(violations) => {
                let each =
                    violations.iter().map(|v| format!("{} BROKEN ({}): {}", v.claim.rule, v.claim.says, v.facts));
                each.collect::<Vec<_>>().join("\n")
            }
        };
        let events: Vec<_> = self.trace.events().collect();
        let last = events[events.len().saturating_sub(30)..].iter();
        let lines = last.map(|(index, event)| crate::trace::line(*index, event, &self.names));
        let panics: String = self.panics.iter().map(|panic| format!("\n{panic}")).collect();
        format!("{verdict}{panics}\nlast events\n{}", lines.collect::<Vec<_>>().join("\n"))
    }
}

impl World<'_> {
    /// What is left of this world, which is over. `misfit`: the line of a strict plan that did not come up in its turn.
    pub(super) fn into_run(mut self, misfit: Option<Line>) -> Run {
        self.spent.hashed = self.recorder.trace.hashed();
        let violations = self.recorder.violations().to_vec();
        let panics = self.recorder.panics().to_vec();
        let disks = self.disks();
        let lived = self.nodes.iter().flat_map(|node| {
            let numbered = node.lives.iter().enumerate().filter(|(_, lives)| **lives > 0);
            numbered.map(|(process, _)| (node.id, ProcessRef(process as u32)))
        });
        let names = &self.names;
        let text = |(node, process)| (names.node_text(node).to_string(), names.process_text(process).to_string());
        let processes = lived.map(text).collect();
        let verdict = match (violations.is_empty(), self.limit) {
            (false, _) => Verdict::Violated(violations),
            (true, Some(limit)) => Verdict::Limit(limit),
            (true, None) => Verdict::Held,
        };
        let of_node = |node: &Node| {
            let (id, used) = (node.id, node.up.as_ref().map(Up::usage).unwrap_or_default());
            used.into_iter().map(move |(process, usage)| ((id, process), usage))
        };
        let usage = self.nodes.iter().flat_map(of_node).collect();
        Run {
            verdict,
            usage,
            spent: self.spent,
            fingerprint: self.recorder.trace.fingerprint(),
            disks,
            trace: self.recorder.trace,
            names: self.names,
            plan: self.chooser.plan(),
            processes,
            coverage: self.recorder.coverage,
            messages: self.messages,
            faults: self.chooser.faults(),
            elapsed: self.now - Instant::default(),
            misfit,
            flavored: self.flavored,
            panics,
        }
    }

    fn disks(&self) -> Fingerprint {
        let each = self.nodes.iter().map(|node| node.disk.fingerprint());
        each.fold(Fingerprint::default(), |all, disk| all.then(disk))
    }
}
