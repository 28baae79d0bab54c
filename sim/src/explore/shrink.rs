//! Shrinking: from the plan of a failing run to a few lines that fail in the same way.
//!
//! A [`PlanTree`] proposes simpler plans one by one and learns of each whether it still fails: first whole families
//! are made calm, then halves, quarters, … single lines are left out, of the plan and then of the scenario's script; a
//! line that cannot be spared is left out once more while another moves to the site next to its own, since fewer faults
//! mean fewer calls and lives to count; then values get simpler; over and over, until nothing helps any more. It has the steps of a proptest value tree, so that property suites and the command line
//! shrink alike.

use crate::plan::{Family, Fault, Line, Lines, Plan, Subject};

/// A plan that gets simpler while it keeps failing.
#[derive(Clone, Debug)]
pub struct PlanTree {
    /// The simplest plan that is known to fail.
    best: Plan,
    /// The plan proposed.
    current: Plan,
    /// How many lines the scenario's script has that may be left out.
    script: usize,
    stage: Stage,
    /// Whether anything was left out or made simpler since the last round began.
    progress: bool,
}

/// In a plan of more lines than this none is moved: it would take too many runs.
const MOVED_LINES_MAX: usize = 6;

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
    /// Leaves out this many lines of the script, from this one of those that are still played.
    Script {
        size: usize,
        from: usize,
    },
    /// Leaves out one line, and moves another in the k-th way.
    Move {
        out: usize,
        moved: usize,
        attempt: usize,
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
        PlanTree::with_script(plan, 0)
    }

    /// A tree at a plan that is known to fail in a scenario whose script has so many lines: they are left out, too.
    pub fn with_script(plan: Plan, lines: usize) -> PlanTree {
        let (best, current, script) = (plan.clone(), plan, lines.min(Lines::MAX));
        PlanTree { best, current, script, stage: Stage::Family(0), progress: false }
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
            match self.stage {
                Stage::Value { line, .. } => self.stage = Stage::Value { line, attempt: 0 },
                Stage::Move { out, .. } => self.stage = Stage::Move { out, moved: 0, attempt: 0 },
                Stage::Family(_) | Stage::Chunk { .. } | Stage::Script { .. } | Stage::Done => {}
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
            Stage::Script { size, from } => Stage::Script { size, from: from + size },
            Stage::Move { out, moved, attempt } => Stage::Move { out, moved, attempt: attempt + 1 },
            Stage::Value { line, attempt } => Stage::Value { line, attempt: attempt + 1 },
            Stage::Done => Stage::Done,
        };
        self.propose()
    }

    /// Sets `current` to the next plan worth trying.
    fn propose(&mut self) -> bool {
        loop {
            let (proposed, next) = match self.stage {
                Stage::Family(n) => self.without_family(n),
                Stage::Chunk { size, from } => self.without_chunk(size, from),
                Stage::Script { size, from } => self.without_script(size, from),
                Stage::Move { out, moved, attempt } => self.with_move(out, moved, attempt),
                Stage::Value { line, attempt } => self.with_value(line, attempt),
                Stage::Done => (Some(self.best.clone()), Stage::Done),
            };
            let done = self.stage == Stage::Done;
            if let Some(plan) = proposed {
                self.current = plan;
                return !done;
            }
            if let (Stage::Value { .. }, Stage::Chunk { .. }) = (self.stage, next) {
                self.progress = false;
            }
            self.stage = next;
        }
    }

    /// The lines that are faults, by their place in the plan: all but the one about the script.
    fn faults(&self) -> Vec<usize> {
        let lines = self.best.lines.iter().enumerate();
        lines.filter(|(_, line)| line.family() != Family::Script).map(|(place, _)| place).collect()
    }

    fn without(&self, left_out: &[usize]) -> Plan {
        let lines = self.best.lines.iter().enumerate();
        Plan { lines: lines.filter(|(place, _)| !left_out.contains(place)).map(|(_, line)| line.clone()).collect() }
    }

    fn first_chunk(&self) -> Stage {
        Stage::Chunk { size: (self.faults().len() / 2).max(1), from: 0 }
    }

    fn without_family(&self, n: usize) -> (Option<Plan>, Stage) {
        match Family::ALL.get(n) {
            Some(family) if *family != Family::Script => {
                let of_it = |place: &usize| self.best.lines[*place].family() == *family;
                let left_out: Vec<usize> = self.faults().into_iter().filter(of_it).collect();
                (Some(self.without(&left_out)).filter(|_| !left_out.is_empty()), Stage::Family(n + 1))
            }
            Some(_) => (None, Stage::Family(n + 1)),
            None => (None, self.first_chunk()),
        }
    }

    fn without_chunk(&self, size: usize, from: usize) -> (Option<Plan>, Stage) {
        let faults = self.faults();
        match (faults.get(from..), size) {
            (Some(rest @ [_, ..]), _) => (Some(self.without(&rest[..size.min(rest.len())])), self.stage),
            (_, 1) => (None, Stage::Script { size: self.played().len().max(1), from: 0 }),
            (_, _) => (None, Stage::Chunk { size: size / 2, from: 0 }),
        }
    }

    /// The lines of the script that are played, counted from 0.
    fn played(&self) -> Vec<usize> {
        let lines = self.best.script();
        (0..self.script).filter(|line| lines.is_none_or(|lines| lines.has(*line))).collect()
    }

    fn without_script(&self, size: usize, from: usize) -> (Option<Plan>, Stage) {
        let played = self.played();
        match (from < played.len(), size) {
            (true, _) => {
                let kept = played.iter().enumerate().filter(|(place, _)| !(from..from + size).contains(place));
                let lines = Lines::of(kept.map(|(_, line)| *line));
                let mut plan = self.without(&[]);
                plan.lines.retain(|line| line.family() != Family::Script);
                let about = Line { subject: Subject::Scenario, ordinal: 1, fault: Fault::Script(lines) };
                plan.lines.insert(0, about);
                (Some(plan), self.stage)
            }
            (false, 1) => (None, Stage::Move { out: 0, moved: 0, attempt: 0 }),
            (false, _) => (None, Stage::Script { size: size / 2, from: 0 }),
        }
    }

    fn with_move(&self, out: usize, moved: usize, attempt: usize) -> (Option<Plan>, Stage) {
        let faults = self.faults();
        let (Some(left_out), true) = (faults.get(out), faults.len() <= MOVED_LINES_MAX) else {
            return (None, Stage::Value { line: 0, attempt: 0 });
        };
        let next = Stage::Move { out, moved: moved + 1, attempt: 0 };
        match faults.get(moved) {
            None => (None, Stage::Move { out: out + 1, moved: 0, attempt: 0 }),
            Some(place) if place == left_out => (None, next),
            Some(place) => match neighbours(&self.best.lines[*place]).into_iter().nth(attempt) {
                Some(neighbour) => {
                    let mut plan = self.best.clone();
                    plan.lines[*place] = neighbour;
                    plan.lines.remove(*left_out);
                    (Some(plan), self.stage)
                }
                None => (None, next),
            },
        }
    }

    fn with_value(&self, line: usize, attempt: usize) -> (Option<Plan>, Stage) {
        match self.best.lines.get(line) {
            Some(was) => match was.fault.simpler().into_iter().nth(attempt) {
                Some(simpler) => {
                    let mut plan = self.best.clone();
                    plan.lines[line].fault = simpler;
                    (Some(plan), self.stage)
                }
                None => (None, Stage::Value { line: line + 1, attempt: 0 }),
            },
            None if self.progress && !self.best.lines.is_empty() => (None, self.first_chunk()),
            None => (None, Stage::Done),
        }
    }
}

/// The line at the sites next to its own: one site earlier or later, one life earlier or later.
fn neighbours(line: &Line) -> Vec<Line> {
    let near = |n: u32| [n.checked_sub(1).filter(|n| *n > 0), n.checked_add(1)].into_iter().flatten();
    let mut moved: Vec<Line> = near(line.ordinal).map(|ordinal| Line { ordinal, ..line.clone() }).collect();
    if let Subject::Life { node, process, life } = &line.subject {
        let of = |life| Subject::Life { node: node.clone(), process: process.clone(), life };
        moved.extend(near(*life).map(|life| Line { subject: of(life), ..line.clone() }));
    }
    moved
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
pub fn shrink(plan: Plan, runs_max: usize, fails: impl FnMut(&Plan) -> bool) -> Shrunk {
    walk(PlanTree::new(plan), runs_max, fails)
}

/// As [`shrink`], and leaves out what it can of a script of so many lines.
pub fn shrink_with_script(plan: Plan, lines: usize, runs_max: usize, fails: impl FnMut(&Plan) -> bool) -> Shrunk {
    walk(PlanTree::with_script(plan, lines), runs_max, fails)
}

fn walk(mut tree: PlanTree, runs_max: usize, mut fails: impl FnMut(&Plan) -> bool) -> Shrunk {
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
    use kernel_core::Duration;

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
            let long = |line: &Line| matches!(line.fault, Fault::Latency(span) if span >= Duration::from_millis(1_200));
            plan.lines.first().is_some_and(long)
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

    #[test]
    fn what_is_left_of_a_script_is_what_the_failure_needs() {
        let shrunk = shrink_with_script(plan(20), 40, 1_000, |plan| {
            let plays = |line| plan.script().is_none_or(|played| played.has(line));
            plays(4) && plays(30) && plays(31) && plan.lines.iter().any(|line| line.ordinal == 12)
        });
        assert_eq!(shrunk.plan.to_string(), "script story #1 5,31-32\nkill a.os #12 p:q:r");
        assert!(shrunk.fixpoint && shrunk.runs < 100, "{} runs", shrunk.runs);
    }

    /// With a fault gone there are fewer calls and lives: what was the second is the first.
    #[test]
    fn a_line_can_be_spared_if_another_moves_to_where_it_then_belongs() {
        let (first, second) = ("trap a.os@p:q:r/1 #3 panic", "trap a.os@p:q:r/2 #5 panic");
        let shrunk = shrink(format!("{first}\n{second}").parse().expect("it is a plan"), 100, |plan| {
            [format!("{first}\n{second}"), "trap a.os@p:q:r/1 #5 panic".to_string()].contains(&plan.to_string())
        });
        assert_eq!((shrunk.plan.to_string().as_str(), shrunk.fixpoint), ("trap a.os@p:q:r/1 #5 panic", true));
    }
}
