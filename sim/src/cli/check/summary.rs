//! All that a check has to tell, and its verdict in a sentence.

use super::super::stop::Halt;
use super::super::text::counted;
use super::broken;
use crate::check::{Activity, Failure, Findings, Note, Outcome, Visit};
use crate::explore::report::Report;
use crate::invariant::Violation;
use crate::plan::Plan;
use crate::plan::chooser::Seed;
use crate::world::Run;
use kernel_core::Deviation;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

/// All that there is to tell.
pub(super) struct Summary<'a> {
    /// The package.
    pub name: &'a str,
    /// Where the lines of its script stand in the workload.
    pub places: &'a [String],
    /// What each process did when nothing went wrong.
    pub activity: BTreeMap<String, Activity>,
    pub findings: Findings,
    /// How many crash points and seeds were left out, since a check does a bounded amount of work; none: all, since the
    /// calm run is wrong already.
    pub left_out: Option<(u64, u64)>,
    pub cases: Vec<Case>,
    /// If one plan was played: its lines that never came up.
    pub plan: Option<&'a [String]>,
    /// Why it stopped before its end, if it did.
    pub halt: Option<Halt>,
}

/// A failure, played again.
pub(super) struct Case {
    pub failure: Failure,
    pub plan: Plan,
    pub run: Rc<Run>,
    pub shrunk_from: Option<usize>,
    /// The line that replays it.
    pub line: String,
    /// Deviations of the kernel without any one of which it does not happen; none, if it happens by the book.
    pub kernel: Vec<Deviation>,
    /// Where it was drawn, if it was.
    pub picture: Option<PathBuf>,
}

impl Summary<'_> {
    /// The outcome. A check that was interrupted has not seen enough to pass; one with a time limit has seen what it was to.
    pub fn outcome(&self) -> Outcome {
        match self.findings.outcome() {
            Outcome::Passed if self.halt == Some(Halt::Interrupted) => Outcome::Inconclusive,
            outcome => outcome,
        }
    }

    /// The verdict, with what has to be known before anything else.
    pub fn verdict(&self) -> String {
        let name = self.outcome().name();
        match self.outcome() {
            Outcome::Passed if self.plan.is_none() && !self.was_spoken_to() => {
                let calls: u64 = self.activity.values().flat_map(|did| did.calls.values()).sum();
                let points = counted(self.findings.points, "crash point");
                format!(
                    "{name}, but it was never spoken to: {}, {points}; write a workload (`--workload FILE`, see \
                     scenarios/workloads/README.md)",
                    counted(calls, "call")
                )
            }
            _ => format!("{name}: {}", self.sentence()),
        }
    }

    /// Whether anything outside of the package sent one of its processes a request.
    pub fn was_spoken_to(&self) -> bool {
        self.activity.values().any(|did| did.asked > 0)
    }

    /// The outcome in a sentence, which claims what was looked at and no more.
    pub fn sentence(&self) -> String {
        let findings = &self.findings;
        match self.outcome() {
            Outcome::Passed if self.plan.is_some() => "nothing broke in this run".to_string(),
            Outcome::Passed => match self.left_out {
                Some((1.., _)) if findings.points == 0 => {
                    format!("nothing broke in {}; no crash point was visited", counted(findings.seeds, "seed"))
                }
                Some((0, _)) => {
                    "its processes survive being killed, crashed, restarted and rebooted at every point".to_string()
                }
                _ => "its processes survive being killed, crashed, restarted and rebooted at every point visited"
                    .to_string(),
            },
            Outcome::Failed => {
                let (n, runs) = (findings.n_failures(), counted(findings.violations, "run"));
                format!("{}, in {runs}; the first, made small, is above", counted(n, "thing") + " broke")
            }
            Outcome::Inconclusive => match findings.open().next() {
                None if self.halt == Some(Halt::Interrupted) => {
                    let (points, seeds) = (counted(findings.points, "crash point"), counted(findings.seeds, "seed"));
                    format!("it was interrupted after {points} and {seeds}; nothing broke until then")
                }
                Some(note) => format!("{note}. Nothing broke that counts, but how it would have fared there is open"),
                None => "too many runs reached a bound of the simulator".to_string(),
            },
        }
    }

    /// What belongs beside the verdict, most important first.
    pub fn headlines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .findings
            .notes
            .iter()
            .filter(|(note, _)| note.is_headline())
            .map(|(note, _)| note.to_string())
            .collect();
        lines.extend(self.bounded());
        if let Some(halt) = self.halt {
            let (points, seeds) = self.left_out.unwrap_or_default();
            let (points, seeds) = (counted(points, "crash point"), counted(seeds, "seed"));
            lines.push(format!("stopped {halt}: {points} and {seeds} left out"));
        } else if let Some((_, seeds @ 1..)) = self.left_out {
            lines.push(format!("{} left out: a check does a bounded amount of work", counted(seeds, "seed")));
        }
        if let Some(idle) = self.plan {
            lines.extend(idle.iter().map(|line| format!("never came up: {line}")));
        }
        lines
    }

    /// The runs that reached a bound, and how to play the first of them.
    fn bounded(&self) -> Option<String> {
        let (first, runs) = self.findings.bounded.as_ref()?;
        let which = match &first.visit {
            Visit::Seed(Seed(seed)) => format!("seed {seed}"),
            Visit::Point(line) => format!("plan `{line}`"),
        };
        let all = counted(self.findings.points + self.findings.seeds, "run");
        Some(format!("{runs} of {all} reached a bound of the simulator, {}: the first is {which}", first.bound))
    }

    /// The notes that are no headlines.
    pub fn notes(&self) -> impl Iterator<Item = (&Note, u64)> {
        self.findings.notes.iter().filter(|(note, _)| !note.is_headline()).map(|(note, runs)| (note, *runs))
    }

    /// What was visited, and what was left out.
    pub fn visited(&self) -> String {
        let both = |points, seeds| (counted(points, "crash point"), counted(seeds, "seed"));
        let (points, seeds) = both(self.findings.points, self.findings.seeds);
        match self.left_out.map(|(points, seeds)| (points + seeds, both(points, seeds))) {
            None if self.plan.is_some() => "one plan was played".to_string(),
            None => "no crash point was visited: when nothing goes wrong, it does not come to a good end".to_string(),
            Some((0, _)) => format!("{points} and {seeds} visited, none left out"),
            Some((_, (points_left, seeds_left))) if self.halt.is_some() => {
                format!("{points} and {seeds} visited, spread evenly; {points_left} and {seeds_left} left out")
            }
            Some((_, (points_left, seeds_left))) => format!(
                "{points} and {seeds} visited, spread evenly; {points_left} and {seeds_left} left out (a check does a \
                 bounded amount of work; `--points all` visits every point)"
            ),
        }
    }
}

impl Case {
    /// The broken rule in the run of the plan.
    pub fn violation(&self) -> Option<&Violation> {
        broken(&self.run).iter().find(|violation| self.failure.is(violation))
    }

    /// What happened.
    pub fn facts(&self) -> &str {
        self.violation().map_or(&self.failure.facts, |violation| &violation.facts)
    }

    /// In full.
    pub fn report(&self, summary: &Summary<'_>) -> Option<String> {
        let Case { plan, run, shrunk_from, line, .. } = self;
        let (violation, replay) = (self.violation()?, [line.clone()]);
        let report = Report {
            scenario: summary.name,
            places: summary.places,
            violation,
            run,
            plan,
            shrunk_from: *shrunk_from,
            script: &[],
            world: None,
            replay: &replay,
            test: None,
        };
        let blame = self
            .kernel
            .iter()
            .map(|deviation| format!("  kernel: not without {}: {}\n", deviation.name(), deviation.summary()));
        let picture = self.picture.iter().map(|file| format!("  picture: {}\n", file.display()));
        Some([report.to_string()].into_iter().chain(blame).chain(picture).collect())
    }
}
