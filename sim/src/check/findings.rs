//! What all runs of a package came to together: what broke, each thing once, what is worth knowing, and the outcome.

use super::judge::key;
use super::note::Note;
use super::recovery::Repeats;
use super::visits::{Visit, Visited};
use crate::invariant::{Claim, Violation};
use crate::plan::Plan;
use crate::trace::coverage::Coverage;
use crate::world::{Run, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::xxh3_64;

/// How a check ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing broke.
    Passed,
    /// Something did.
    Failed,
    /// Nothing broke, but some of what it did or used could not be played.
    Inconclusive,
}

impl Outcome {
    /// In capitals.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Passed => "PASSED",
            Outcome::Failed => "FAILED",
            Outcome::Inconclusive => "INCONCLUSIVE",
        }
    }
}

/// Something that broke, in one run or many.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which rule, and which part of it.
    pub claim: Claim,
    /// What happened, the first time.
    pub facts: String,
    /// The first visit in which it did; none: the calm run.
    pub first: Option<Visit>,
    /// In how many runs.
    pub runs: u64,
    /// The rule and the place.
    key: (Claim, String),
}

impl Failure {
    /// Whether a violation is this one again: the same rule, at the same place.
    pub fn is(&self, violation: &Violation) -> bool {
        self.key == key(violation)
    }
}

/// A run that reached a bound of the simulator: neither pass nor failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounded {
    /// What plays it again.
    pub visit: Visit,
    /// Which bound.
    pub bound: String,
}

/// So many of all runs, one in ten, may reach a bound before that leaves the verdict open.
const BOUNDED_IN: u64 = 10;

/// How many different failures are told.
const FAILURES_MAX: usize = 100;

/// What all runs came to.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What broke, in the order in which it was found: the first of all.
    pub failures: Vec<Failure>,
    /// Where each of these is among them, by rule and place.
    known: BTreeMap<(Claim, String), usize>,
    /// The others, each by a digest.
    untold: BTreeSet<u64>,
    /// What is worth knowing, and in how many runs it came up.
    pub notes: BTreeMap<Note, u64>,
    /// The rules that a deviating kernel broke, and the first visit in which it broke each; none: the calm run.
    pub broken_by_kernel: BTreeMap<String, Option<Visit>>,
    /// How many runs broke a rule.
    pub violations: u64,
    /// How many crash points were visited.
    pub points: u64,
    /// How many seeds were played.
    pub seeds: u64,
    /// The first run after the calm one that reached a bound, and how many did.
    pub bounded: Option<(Bounded, u64)>,
    /// Requests of the owner that were never answered: of whom, how many in a run at most, and in how many runs.
    unanswered: BTreeMap<String, (u64, u64)>,
    /// The same of messages of the owner that were lost with a mailbox.
    lost: BTreeMap<String, (u64, u64)>,
    repeats: Repeats,
    /// What the runs reached.
    pub coverage: Coverage,
}

impl Findings {
    /// Takes in the calm run.
    pub fn take_calm(&mut self, run: &Run, notes: BTreeSet<Note>) {
        self.take(None, &run.verdict, notes);
        self.coverage.add(&run.coverage);
    }

    /// Takes in notes of a run that is neither.
    pub fn take_notes(&mut self, notes: impl IntoIterator<Item = Note>) {
        for note in notes {
            *self.notes.entry(note).or_default() += 1;
        }
    }

    /// Takes in a visit.
    pub fn take_visited(&mut self, visited: Visited) {
        match visited.visit {
            Visit::Point(_) => self.points += 1,
            Visit::Seed(_) => self.seeds += 1,
        }
        self.coverage.add(&visited.coverage);
        if let Verdict::Limit(bound) = &visited.verdict {
            let (visit, bound) = (visited.visit.clone(), bound.clone());
            self.bounded.get_or_insert((Bounded { visit, bound }, 0)).1 += 1;
        }
        let recovered = visited.recovered;
        self.repeats.add(recovered.repeated);
        for (who, n) in recovered.unanswered {
            let (most, runs) = self.unanswered.entry(who).or_default();
            (*most, *runs) = ((*most).max(n), *runs + 1);
        }
        for (who, n) in recovered.lost {
            let (most, runs) = self.lost.entry(who).or_default();
            (*most, *runs) = ((*most).max(n), *runs + 1);
        }
        let notes = visited.notes.into_iter().chain(recovered.notes).collect();
        self.take(Some(visited.visit), &visited.verdict, notes);
    }

    fn take(&mut self, visit: Option<Visit>, verdict: &Verdict, notes: BTreeSet<Note>) {
        for note in notes {
            if let Note::KernelBreaks(rule, _) = &note {
                self.broken_by_kernel.entry(rule.clone()).or_insert_with(|| visit.clone());
            }
            *self.notes.entry(note).or_default() += 1;
        }
        let Verdict::Violated(violations) = verdict else { return };
        self.violations += 1;
        for violation in violations {
            let key = key(violation);
            if let Some(place) = self.known.get(&key) {
                self.failures[*place].runs += 1;
            } else if self.failures.len() == FAILURES_MAX {
                self.untold.insert(xxh3_64(format!("{key:?}").as_bytes()));
            } else {
                let (claim, facts, first) = (violation.claim, violation.facts.clone(), visit.clone());
                self.known.insert(key.clone(), self.failures.len());
                self.failures.push(Failure { claim, facts, first, runs: 1, key });
            }
        }
    }

    /// All visits are made: what they show together becomes notes.
    pub fn conclude(&mut self) {
        self.leave_out(0);
        self.notes.extend(self.repeats.notes());
        let unanswered = self.unanswered.iter();
        self.notes.extend(unanswered.map(|(who, (most, runs))| (Note::NeverAnswered(who.clone(), *most), *runs)));
        let lost = self.lost.iter();
        self.notes.extend(lost.map(|(who, (most, runs))| (Note::LostWithMailbox(who.clone(), *most), *runs)));
    }

    /// So many of the failures that were kept are not told either: a note says how many are not.
    pub fn leave_out(&mut self, failures: usize) {
        self.failures.truncate(self.failures.len() - failures);
        self.notes.retain(|note, _| !matches!(note, Note::NotTold(_)));
        let untold = self.untold.len() + self.known.len() - self.failures.len();
        if untold > 0 {
            self.notes.insert(Note::NotTold(untold as u64), 1);
        }
    }

    /// How many different things broke.
    pub fn n_failures(&self) -> u64 {
        (self.known.len() + self.untold.len()) as u64
    }

    /// It is known by now which deviations break a rule.
    pub fn name_deviations(&mut self, rule: &str, deviations: &str) {
        let is_of = |note: &Note| matches!(note, Note::KernelBreaks(of, _) if of == rule);
        let notes = std::mem::take(&mut self.notes).into_iter();
        self.notes = notes
            .map(|(note, runs)| {
                let note = if is_of(&note) { Note::KernelBreaks(rule.into(), deviations.into()) } else { note };
                (note, runs)
            })
            .collect();
    }

    /// Whether more runs reached a bound than may without leaving the verdict open.
    pub fn is_bounded(&self) -> bool {
        self.bounded.as_ref().is_some_and(|(_, runs)| runs * BOUNDED_IN > self.points + self.seeds)
    }

    /// What leaves the verdict open, the first of which is the reason that is given.
    pub fn open(&self) -> impl Iterator<Item = &Note> {
        self.notes.keys().filter(|note| note.is_open())
    }

    /// How the check ends.
    pub fn outcome(&self) -> Outcome {
        if !self.failures.is_empty() {
            Outcome::Failed
        } else if self.is_bounded() || self.open().next().is_some() {
            Outcome::Inconclusive
        } else {
            Outcome::Passed
        }
    }
}

impl Visit {
    /// The plan of a visit that has one of its own.
    pub fn plan(&self) -> Option<Plan> {
        match self {
            Visit::Point(line) => Some(Plan { lines: vec![line.clone()] }),
            Visit::Seed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::chooser::Seed;
    use kernel_core::Cause;

    const CLAIM: Claim = Claim::own("panic", "nobody panics");

    fn broke(facts: &str) -> Verdict {
        Verdict::Violated(vec![Violation { claim: CLAIM, facts: facts.to_string(), at: Some(Cause(7)), began: None }])
    }

    fn visited(seed: u64, verdict: Verdict, notes: &[Note]) -> Visited {
        let visit = Visit::Seed(Seed(seed));
        Visited {
            visit,
            verdict,
            notes: notes.iter().cloned().collect(),
            work: Default::default(),
            coverage: Default::default(),
            recovered: Default::default(),
        }
    }

    #[test]
    fn what_differs_in_numbers_only_is_told_once() {
        let mut findings = Findings::default();
        findings.take_visited(visited(1, Verdict::Held, &[]));
        assert_eq!(findings.outcome(), Outcome::Passed);
        for (seed, facts) in [(2, "a panicked at 10"), (3, "a panicked at 9"), (4, "b panicked at 9")] {
            findings.take_visited(visited(seed, broke(facts), &[]));
        }
        let told: Vec<_> = findings.failures.iter().map(|failure| (failure.facts.as_str(), failure.runs)).collect();
        assert_eq!(told, [("a panicked at 10", 2), ("b panicked at 9", 1)]);
        assert_eq!((findings.failures[0].first.clone(), findings.violations), (Some(Visit::Seed(Seed(2))), 3));
        assert_eq!((findings.seeds, findings.points, findings.outcome()), (4, 0, Outcome::Failed));
    }

    #[test]
    fn of_many_different_failures_the_first_are_told_and_the_others_counted() {
        let mut findings = Findings::default();
        let name = |n: u64| char::from_u32(0x4e00 + n as u32).expect("a letter");
        for seed in (0..250).chain(0..250) {
            findings.take_visited(visited(seed, broke(&format!("{} panicked", name(seed))), &[]));
        }
        findings.conclude();
        assert_eq!((findings.failures.len(), findings.n_failures(), findings.failures[0].runs), (FAILURES_MAX, 250, 2));
        assert_eq!(findings.notes.get(&Note::NotTold(150)), Some(&1));
        findings.leave_out(90);
        assert_eq!((findings.failures.len(), findings.n_failures()), (10, 250));
        assert_eq!(findings.notes.keys().collect::<Vec<_>>(), [&Note::NotTold(240)]);
    }

    #[test]
    fn what_could_not_be_played_leaves_the_outcome_open_unless_something_broke() {
        let missing = Note::Unmodelled("kv:distro:sys".to_string(), "\"Open\"".to_string());
        let known = Note::NobodyThere("a:b:c".to_string(), "d:e:f".to_string());
        let mut findings = Findings::default();
        findings.take_visited(visited(1, Verdict::Held, std::slice::from_ref(&known)));
        assert_eq!(findings.outcome(), Outcome::Passed);
        findings.take_visited(visited(2, Verdict::Held, &[missing.clone(), known.clone()]));
        assert_eq!(
            (findings.outcome(), findings.notes[&known], findings.notes[&missing]),
            (Outcome::Inconclusive, 2, 1)
        );
        findings.take_visited(visited(3, broke("it did"), &[]));
        assert_eq!(findings.outcome(), Outcome::Failed);
    }
}
