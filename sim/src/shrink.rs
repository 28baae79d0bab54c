//! Shrinking: from the plan of a failing run to a few lines that fail in the same way.
//!
//! A [`PlanTree`] proposes simpler plans one by one and is told of each whether it still fails: first whole families
//! are made calm, then halves, quarters, … single lines are left out, then values get simpler; over and over, until
//! nothing helps any more. It has the steps of a proptest value tree, so that property suites and the command line
//! shrink alike.

use crate::disk::{IoFault, IoWrong};
use crate::plan::{Line, Plan};
use crate::site::Question;
use kernel_core::Duration;

/// A plan that gets simpler while it keeps failing.
#[derive(Clone, Debug)]
pub struct PlanTree {
    /// The simplest plan that is known to fail.
    best: Plan,
    /// The plan proposed.
    current: Plan,
    stage: Stage,
    /// Whether anything was left out or made simpler since the last round began.
    progress: bool,
}

/// What is tried next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Leaves out all lines of the n-th family.
    Family(usize),
    /// Leaves out this many lines from this one on.
    Chunk {
        size: usize,
        from: usize,
    },
    /// Simplifies the n-th line for the k-th time.
    Value {
        line: usize,
        attempt: usize,
    },
    Done,
}

impl PlanTree {
    /// A tree at a plan that is known to fail.
    pub fn new(plan: Plan) -> PlanTree {
        PlanTree { best: plan.clone(), current: plan, stage: Stage::Family(0), progress: false }
    }

    /// The plan to try now.
    pub fn current(&self) -> &Plan {
        &self.current
    }

    /// The current plan fails: keeps it, and proposes a simpler one. False, if there is none.
    pub fn simplify(&mut self) -> bool {
        if self.current != self.best {
            self.progress = true;
            self.best = self.current.clone();
            // What stood behind what was left out has moved up to where it was: the stage stays.
            if let Stage::Value { line, .. } = self.stage {
                self.stage = Stage::Value { line, attempt: 0 };
            }
        }
        self.propose()
    }

    /// The current plan does not fail: takes it back, and proposes another. False, if there is none.
    pub fn complicate(&mut self) -> bool {
        self.current = self.best.clone();
        self.stage = match self.stage {
            Stage::Family(n) => Stage::Family(n + 1),
            Stage::Chunk { size, from } => Stage::Chunk { size, from: from + size },
            Stage::Value { line, attempt } => Stage::Value { line, attempt: attempt + 1 },
            Stage::Done => Stage::Done,
        };
        self.propose()
    }

    /// Sets `current` to the next plan worth trying.
    fn propose(&mut self) -> bool {
        let lines = &self.best.lines;
        loop {
            match self.stage {
                Stage::Family(n) => match Question::ALL.get(n) {
                    Some(family) if lines.iter().any(|line| line.question == *family) => {
                        let kept = lines.iter().filter(|line| line.question != *family);
                        self.current = Plan { lines: kept.cloned().collect() };
                        return true;
                    }
                    Some(_) => self.stage = Stage::Family(n + 1),
                    None => self.stage = Stage::Chunk { size: (lines.len() / 2).max(1), from: 0 },
                },
                Stage::Chunk { size, from } if from < lines.len() => {
                    let left_out = from..(from + size).min(lines.len());
                    let kept = lines.iter().enumerate().filter(|(index, _)| !left_out.contains(index));
                    self.current = Plan { lines: kept.map(|(_, line)| line.clone()).collect() };
                    return true;
                }
                Stage::Chunk { size: 1, .. } => self.stage = Stage::Value { line: 0, attempt: 0 },
                Stage::Chunk { size, .. } => self.stage = Stage::Chunk { size: size / 2, from: 0 },
                Stage::Value { line, attempt } => match lines.get(line) {
                    Some(was) => match simpler(was).into_iter().nth(attempt) {
                        Some(simpler) => {
                            self.current = self.best.clone();
                            self.current.lines[line] = simpler;
                            return true;
                        }
                        None => self.stage = Stage::Value { line: line + 1, attempt: 0 },
                    },
                    None if self.progress && !lines.is_empty() => {
                        self.progress = false;
                        self.stage = Stage::Chunk { size: (lines.len() / 2).max(1), from: 0 };
                    }
                    None => self.stage = Stage::Done,
                },
                Stage::Done => {
                    self.current = self.best.clone();
                    return false;
                }
            }
        }
    }
}

/// Simpler forms of a line, the simplest first.
fn simpler(line: &Line) -> Vec<Line> {
    let with = |answer: String| Line { answer, ..line.clone() };
    let answers: Vec<String> = match line.question {
        Question::Downtime | Question::Latency | Question::Link | Question::Partition => {
            match Duration::parse(&line.answer) {
                Some(span) => rounder(span).into_iter().map(|span| span.to_string()).collect(),
                None => vec![],
            }
        }
        Question::Cost if line.answer != "x10" => vec!["x10".to_string()],
        Question::Crash | Question::Outage if line.answer != "crash" => vec!["crash".to_string()],
        Question::Kill => match line.answer.split_once('@') {
            Some((process, _)) => vec![process.to_string()],
            None => vec![],
        },
        Question::Clock => {
            let (sign, span) = line.answer.split_at(1);
            let span = Duration::parse(span).unwrap_or_default();
            rounder(span).into_iter().map(|span| format!("{sign}{span}")).collect()
        }
        Question::Unsynced | Question::Order | Question::Reorg | Question::Spin | Question::Memory
            if line.answer != "1" =>
        {
            vec!["1".to_string()]
        }
        Question::Write => match line.answer.strip_prefix("power-loss") {
            Some(done) => vec![format!("crash{done}")],
            None => vec![],
        },
        Question::Io => match IoFault::parse(&line.answer) {
            Some(fault) if fault.wrong != IoWrong::Error => {
                vec![IoFault { wrong: IoWrong::Error, ..fault }.to_string()]
            }
            _ => vec![],
        },
        Question::Provider if line.answer != "disconnect" => vec!["disconnect".to_string()],
        Question::Cost
        | Question::Crash
        | Question::Outage
        | Question::Unsynced
        | Question::Order
        | Question::Reorg
        | Question::Provider
        | Question::Spin
        | Question::Memory
        | Question::Trap
        | Question::BootOrder
        | Question::Loss => vec![],
    };
    answers.into_iter().map(with).collect()
}

/// Rounder spans, none of them longer.
fn rounder(span: Duration) -> Vec<Duration> {
    let units =
        [Duration::from_secs(1), Duration::from_millis(100), Duration::from_millis(10), Duration::from_millis(1)];
    let down = |unit: &Duration| Duration(span.0 / unit.0 * unit.0);
    let rounder = units.iter().map(down).filter(|round| round.0 > 0 && *round < span);
    let mut spans: Vec<Duration> =
        [units[0], units[1]].into_iter().filter(|unit| *unit < span).chain(rounder).collect();
    spans.dedup();
    spans
}

/// What shrinking came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// The simplest plan found that still fails.
    pub plan: Plan,
    /// How many runs it took.
    pub runs: usize,
    /// Whether nothing simpler fails, as far as was tried; false, if the runs allowed were used up first.
    pub fixpoint: bool,
}

/// Makes a failing plan simpler with at most so many runs. `fails` runs a plan and says whether it fails in the same way.
pub fn shrink(plan: Plan, runs_max: usize, mut fails: impl FnMut(&Plan) -> bool) -> Shrunk {
    let mut tree = PlanTree::new(plan);
    let mut runs = 0;
    let mut more = tree.simplify();
    while more && runs < runs_max {
        runs += 1;
        more = if fails(tree.current()) { tree.simplify() } else { tree.complicate() };
    }
    Shrunk { plan: tree.best, runs, fixpoint: !more }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(lines: usize) -> Plan {
        let line = |n: usize| match n % 4 {
            0 => format!("kill a.os #{n} p:q:r"),
            1 => format!("latency a.os>b.os #{n} {n}37ms"),
            2 => format!("crash a.os #{n} power-loss"),
            _ => format!("loss a.os>b.os #{n} lost"),
        };
        (1..=lines).map(line).collect::<Vec<_>>().join("\n").parse().expect("it is a plan")
    }

    #[test]
    fn what_is_left_is_what_the_failure_needs() {
        let needs = ["kill a.os #40 p:q:r", "crash a.os #74 crash"];
        let shrunk = shrink(plan(200), 10_000, |plan| {
            let has = |text: &str| plan.lines.iter().any(|line| line.to_string() == text);
            has(needs[0]) && (has(needs[1]) || has("crash a.os #74 power-loss"))
        });
        assert_eq!(shrunk.plan.to_string(), needs.join("\n"));
        assert!(shrunk.fixpoint);
        assert!(shrunk.runs < 200, "{} runs for 200 lines", shrunk.runs);
    }

    #[test]
    fn a_value_gets_rounder_while_the_failure_stays() {
        let shrunk = shrink("latency a>b #1 1.234567s".parse().expect("it is a plan"), 100, |plan| {
            plan.lines.first().is_some_and(|line| Duration::parse(&line.answer) >= Some(Duration::from_millis(1_200)))
        });
        assert_eq!(shrunk.plan.to_string(), "latency a>b #1 1.2s");
    }

    #[test]
    fn a_failure_that_needs_nothing_shrinks_to_the_calm_plan() {
        assert_eq!(shrink(plan(50), 1_000, |_| true).plan, Plan::default());
    }

    #[test]
    fn shrinking_stops_when_its_runs_are_used_up() {
        let shrunk = shrink(plan(50), 5, |_| false);
        assert_eq!((shrunk.runs, shrunk.fixpoint), (5, false));
        assert_eq!(shrunk.plan, plan(50), "what never failed is not proposed as the result");
    }
}
