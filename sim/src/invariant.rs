//! Invariants: what must hold in every run, folded over the typed trace as it happens.
//!
//! An invariant reads events and nothing else: not the kernel, not the world. It says which kinds it reads, so that
//! only those reach it. To add one: a struct with what it must remember, [`Invariant`] for it, and a line in
//! [`all`]; then show it failing on a planted bug.

use crate::event::{Event, Kind};
use kernel_core::{Cause, Names};

/// Something that must hold in every run.
pub trait Invariant {
    /// The rule of the contract it checks (`E5`, `X.kill.Restart`, …), and what that rule says, in one sentence.
    fn rule(&self) -> Rule;

    /// The kinds of events it reads.
    fn reads(&self) -> &'static [Kind];

    /// Takes in an event of one of those kinds. An error is what is wrong, in words: the facts.
    fn on_event(&mut self, index: Cause, event: &Event, names: &Names) -> Result<(), String>;

    /// The run is over and the world had time to settle: whatever should have happened by now and has not.
    fn at_end(&mut self, _names: &Names) -> Result<(), String> {
        Ok(())
    }
}

/// A rule of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// Its id.
    pub id: &'static str,
    /// What it says.
    pub says: &'static str,
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// What happened, in words.
    pub facts: String,
    /// The event at which it was seen; `None`: at the end of the run.
    pub at: Option<Cause>,
}

/// The invariants of one run, each with the events it reads.
pub struct Invariants {
    all: Vec<Box<dyn Invariant>>,
    /// For each kind, who reads it.
    readers: [Vec<usize>; Kind::COUNT],
    violations: Vec<Violation>,
}

impl Invariants {
    /// A fresh set.
    pub fn new(all: Vec<Box<dyn Invariant>>) -> Invariants {
        let mut readers = [const { Vec::new() }; Kind::COUNT];
        for (index, invariant) in all.iter().enumerate() {
            for kind in invariant.reads() {
                readers[*kind as usize].push(index);
            }
        }
        Invariants { all, readers, violations: Vec::new() }
    }

    /// Hands an event to whoever reads its kind. An invariant that has failed is not asked again.
    pub fn on_event(&mut self, index: Cause, event: &Event, names: &Names) {
        let kind = event.what.kind() as usize;
        let mut failed = None;
        for reader in &self.readers[kind] {
            if let Err(facts) = self.all[*reader].on_event(index, event, names) {
                let rule = self.all[*reader].rule();
                self.violations.push(Violation { rule, facts, at: Some(index) });
                failed = Some(*reader);
            }
        }
        if let Some(failed) = failed {
            self.readers.iter_mut().for_each(|readers| readers.retain(|reader| *reader != failed));
        }
    }

    /// The run is over.
    pub fn at_end(&mut self, names: &Names) {
        for (index, invariant) in self.all.iter_mut().enumerate() {
            let reads = invariant.reads().iter().any(|kind| self.readers[*kind as usize].contains(&index));
            if let (true, Err(facts)) = (reads, invariant.at_end(names)) {
                self.violations.push(Violation { rule: invariant.rule(), facts, at: None });
            }
        }
    }

    /// Something was found broken outside the trace.
    pub fn add(&mut self, violation: Violation) {
        self.violations.push(violation);
    }

    /// What was broken, in the order in which it was seen.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }
}

/// Every invariant of the contract.
pub fn all(_semantics: &kernel_core::Semantics) -> Vec<Box<dyn Invariant>> {
    vec![]
}
