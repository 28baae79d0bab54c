//! The line under a long search on a terminal: how fast it goes, and what it has found. In a pipe there is none.

use super::text::grouped;
use crate::explore::Outcome;
use crate::explore::report::width;
use crate::trace::coverage::Coverage;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressState, ProgressStyle};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, IsTerminal};

/// From how many columns on the counts have room behind a bar.
const WIDE: usize = 140;

/// What has been found so far.
pub(super) struct Status {
    pub(super) bar: ProgressBar,
    scenario: String,
    events: u64,
    /// Faults that were injected.
    faults: u64,
    coverage: Coverage,
    /// How many runs broke each rule.
    broken: BTreeMap<String, u64>,
}

impl Status {
    /// Of a search of so many runs.
    pub(super) fn of(runs: usize) -> Status {
        let bar = bar(runs);
        let template = match width() {
            WIDE.. => "{bar:20} {human_pos} of {human_len} runs, {speed}, {eta} to go  {prefix}\n{wide_msg}",
            _ => "{human_pos} of {human_len} runs, {speed}, {eta} to go\n{prefix}\n{wide_msg}",
        };
        bar.set_style(style(template));
        let (scenario, coverage, broken) = (String::new(), Coverage::default(), BTreeMap::new());
        Status { bar, scenario, events: 0, faults: 0, coverage, broken }
    }

    /// A scenario begins.
    pub(super) fn begin(&mut self, scenario: &str) {
        self.scenario = scenario.to_string();
        self.show();
    }

    /// A run is done.
    pub(super) fn run(&mut self, run: &Outcome) {
        self.bar.inc(1);
        self.events += run.events;
        self.faults += run.faults;
        self.coverage.add(&run.coverage);
        let mut rules: Vec<String> =
            run.verdict.violations().iter().map(|violation| violation.claim.rule.to_string()).collect();
        rules.dedup();
        rules.into_iter().for_each(|rule| *self.broken.entry(rule).or_default() += 1);
        if !self.bar.is_hidden() {
            self.show();
        }
    }

    fn show(&self) {
        self.bar.set_prefix(self.counts());
        self.bar.set_message(self.broken());
    }

    /// How much was played.
    fn counts(&self) -> String {
        let (events, faults, cells) = (grouped(self.events), grouped(self.faults), self.coverage.reached());
        format!("{events} events, {faults} faults, {cells} of 12 cells; {}", self.scenario)
    }

    /// What broke, by rule.
    fn broken(&self) -> String {
        let broken = self.broken.iter().map(|(rule, runs)| format!("{rule} in {}", grouped(*runs)));
        let broken: Vec<String> = broken.collect();
        if broken.is_empty() { "nothing broken".to_string() } else { format!("BROKEN: {}", broken.join(", ")) }
    }
}

/// A bar on a terminal; nothing where results are read by something else than eyes.
pub(super) fn bar(runs: usize) -> ProgressBar {
    let watched = io::stdout().is_terminal() && io::stderr().is_terminal();
    let target = if watched { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(runs as u64), target);
    let style = style("{bar:20} {human_pos} of {human_len} runs, {eta} to go, {wide_msg}");
    bar.with_style(style).with_finish(ProgressFinish::AndClear)
}

/// A style in which `{speed}` is the number of runs a second.
fn style(template: &str) -> ProgressStyle {
    let speed = |state: &ProgressState, out: &mut dyn fmt::Write| {
        _ = write!(out, "{} a second", grouped(state.per_sec().round() as u64));
    };
    ProgressStyle::with_template(template).expect("the template is one").with_key("speed", speed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::of_verdict;
    use crate::invariant::{Claim, Violation};
    use crate::world::Verdict;
    use kernel_core::Rule;

    #[test]
    fn the_status_counts_events_faults_and_runs_by_rule() {
        let mut status = Status::of(3);
        status.begin("counter");
        assert_eq!(status.counts(), "0 events, 0 faults, 0 of 12 cells; counter");
        assert_eq!(status.broken(), "nothing broken");
        let violation = |rule| Violation { claim: Claim::of(rule), facts: String::new(), at: None, began: None };
        let mut run = |verdict, events, faults| status.run(&of_verdict(verdict, events, faults));
        run(Verdict::Violated(vec![violation(Rule::E5), violation(Rule::E5), violation(Rule::K2)]), 1_000, 2);
        run(Verdict::Violated(vec![violation(Rule::E5)]), 234, 0);
        run(Verdict::Held, 0, 5);
        assert_eq!(status.counts(), "1,234 events, 7 faults, 0 of 12 cells; counter");
        assert_eq!(status.broken(), "BROKEN: E5 in 2, K2 in 1");
        assert_eq!(status.bar.position(), 3);
    }
}
