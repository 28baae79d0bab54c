//! The line under a long search on a terminal: how fast it goes, and what it has found. In a pipe there is none.

use super::text::grouped;
use crate::explore::Explored;
use crate::explore::report::width;
use crate::trace::coverage::Coverage;
use crate::world::Verdict;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};

/// From how many columns on there is room for a bar besides.
const WIDE: usize = 100;

/// What has been found so far.
pub(super) struct Status {
    pub(super) bar: ProgressBar,
    scenario: String,
    /// Of the scenarios that are done.
    events: u64,
    coverage: Coverage,
    /// How many runs broke each rule.
    broken: BTreeMap<String, u64>,
}

impl Status {
    /// Of a search of so many runs.
    pub(super) fn of(runs: usize) -> Status {
        let bar = bar(runs);
        let template = match width() {
            WIDE.. => "{bar:20} {human_pos} of {human_len} runs, {per_sec}, {eta} to go  {wide_msg}",
            _ => "{human_pos} of {human_len}, {eta} to go  {wide_msg}",
        };
        bar.set_style(ProgressStyle::with_template(template).expect("the template is one"));
        let (scenario, coverage, broken) = (String::new(), Coverage::default(), BTreeMap::new());
        Status { bar, scenario, events: 0, coverage, broken }
    }

    /// A scenario begins.
    pub(super) fn begin(&mut self, scenario: &str) {
        self.scenario = scenario.to_string();
        self.show();
    }

    /// A run is done.
    pub(super) fn run(&mut self, verdict: &Verdict) {
        self.bar.inc(1);
        if let Verdict::Violated(violations) = verdict {
            let mut rules: Vec<String> = violations.iter().map(|violation| violation.claim.rule.to_string()).collect();
            rules.dedup();
            rules.into_iter().for_each(|rule| *self.broken.entry(rule).or_default() += 1);
            self.show();
        }
    }

    /// A scenario is done.
    pub(super) fn end(&mut self, explored: &Explored) {
        self.events += explored.events;
        self.coverage.add(&explored.coverage);
        self.show();
    }

    fn show(&self) {
        self.bar.set_message(self.text());
    }

    /// What stands behind the bar.
    fn text(&self) -> String {
        let broken = self.broken.iter().map(|(rule, runs)| format!("{rule} in {}", grouped(*runs)));
        let broken: Vec<String> = broken.collect();
        let broken =
            if broken.is_empty() { "nothing broken".to_string() } else { format!("BROKEN: {}", broken.join(", ")) };
        let (events, cells) = (grouped(self.events), self.coverage.reached());
        format!("{broken}; {events} events, {cells} of 12 cells; {}", self.scenario)
    }
}

/// A bar on a terminal; nothing where results are read by something else than eyes.
pub(super) fn bar(runs: usize) -> ProgressBar {
    let watched = io::stdout().is_terminal() && io::stderr().is_terminal();
    let target = if watched { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} runs, {eta} to go, {msg}");
    let bar = ProgressBar::with_draw_target(Some(runs as u64), target);
    bar.with_style(style.expect("the template is one")).with_finish(ProgressFinish::AndClear)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::{Claim, Violation};
    use kernel_core::Rule;

    #[test]
    fn the_status_counts_runs_by_rule() {
        let mut status = Status::of(3);
        status.begin("counter");
        assert_eq!(status.text(), "nothing broken; 0 events, 0 of 12 cells; counter");
        let violation = |rule| Violation { claim: Claim::of(rule), facts: String::new(), at: None };
        status.run(&Verdict::Violated(vec![violation(Rule::E5), violation(Rule::E5), violation(Rule::K2)]));
        status.run(&Verdict::Violated(vec![violation(Rule::E5)]));
        status.run(&Verdict::Held);
        status.end(&Explored { events: 1_234, ..Explored::default() });
        assert_eq!(status.text(), "BROKEN: E5 in 2, K2 in 1; 1,234 events, 0 of 12 cells; counter");
        assert_eq!(status.bar.position(), 3);
    }
}
