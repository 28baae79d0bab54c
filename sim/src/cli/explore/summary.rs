//! What an exploration came to, for the last lines on the screen, for a pull request and for continuous integration.

use super::telling::Told;
use super::{Explore, Found};
use crate::cli::args::{quoted, value_name};
use crate::cli::report::{fenced, markdown, xml};
use crate::cli::stop::Halt;
use crate::cli::text::counted;
use crate::cli::{Context, Outcome};
use crate::explore::Explored;
use crate::plan::chooser::{Profile, Seed};
use crate::scenario::Scenario;
use std::fmt;

/// What was to be explored, and what was found.
pub(super) struct Summary<'a> {
    pub(super) explore: &'a Explore,
    pub(super) context: &'a Context,
    pub(super) scenarios: &'a [&'a Scenario],
    pub(super) seeds: &'a [Seed],
    pub(super) found: &'a Found<'a>,
    pub(super) told: &'a [Told],
    /// Why it stopped before its end, if it did.
    pub(super) halt: Option<Halt>,
}

impl Summary<'_> {
    pub(super) fn sum(&self, count: fn(&Explored) -> u64) -> u64 {
        self.found.iter().map(|(_, explored)| count(explored)).sum()
    }

    pub(super) fn outcome(&self) -> Outcome {
        let held = self.sum(|explored| explored.violations.len() as u64) == 0;
        let bounded = self.sum(|explored| explored.limits.len() as u64) > 0;
        match self.halt {
            Some(Halt::Interrupted) => Outcome::Interrupted,
            _ if !held => Outcome::Violated,
            _ if bounded => Outcome::Inconclusive,
            _ => Outcome::Held,
        }
    }

    /// The outcome in a word.
    fn verdict(&self) -> &'static str {
        match self.outcome() {
            Outcome::Held => "PASSED",
            Outcome::Violated => "FAILED",
            Outcome::Inconclusive => "INCONCLUSIVE",
            Outcome::Interrupted => "interrupted",
        }
    }

    /// How much was played.
    pub(super) fn counts(&self) -> String {
        let runs = counted(self.sum(|explored| explored.seeds), "run");
        let events = counted(self.sum(|explored| explored.events), "event");
        let messages = counted(self.sum(|explored| explored.messages), "message");
        let violations = counted(self.sum(|explored| explored.violations.len() as u64), "violation");
        format!("{runs}, {events}, {messages}: {violations}")
    }

    /// What broke, each with the line that replays it.
    pub(super) fn broken(&self) -> Vec<(String, &str)> {
        let of_one = |told: &'_ Told| {
            let others = match told.scenarios.len().saturating_sub(1) {
                0 => String::new(),
                more => format!(" and in {}", counted(more as u64, "more scenario")),
            };
            let place = told.signature.place.as_ref().map_or(String::new(), |place| format!(" at {place}"));
            let first = told.scenarios.first().map_or("", String::as_str);
            let (rule, seeds) = (told.signature.claim.rule, counted(told.seeds, "seed"));
            format!("{rule}{place} in {first}{others}, under {seeds}")
        };
        self.told.iter().map(|told| (of_one(told), told.line.as_str())).collect()
    }

    /// The runs that reached a bound, with the line that replays the first.
    pub(super) fn open(&self) -> Option<(String, String)> {
        let runs = self.sum(|explored| explored.limits.len() as u64);
        let (scenario, (seed, limit)) =
            self.found.iter().find_map(|(scenario, explored)| Some((*scenario, explored.limits.first()?)))?;
        let line = self.explore.stage(self.context).seed_line(scenario, *seed);
        let runs = counted(runs, "run");
        Some((format!("{runs} reached a bound of the simulator and neither held nor broke; the first: {limit}"), line))
    }

    /// Where it stopped before its end, and how to go on.
    pub(super) fn stopped(&self) -> Vec<String> {
        let (Some(halt), Some((last, explored))) = (self.halt, self.found.last()) else { return Vec::new() };
        let (done, all, explore) = (explored.seeds as usize, self.seeds.len(), self.explore);
        let mut lines =
            vec![format!("stopped {halt}, after {done} of {} of {}", counted(all as u64, "seed"), last.name)];
        let flags = explore.rules.flags();
        let profile = match explore.profile {
            Profile::Swarm => String::new(),
            other => format!(" --profile {}", value_name(&other)),
        };
        let program = &self.context.program;
        if let (Some(from), Some(to), None) = (self.seeds.get(done), self.seeds.last(), explore.shard) {
            let (name, to) = (quoted(&last.name), to.0 + 1);
            lines.push(format!("  go on: {program} explore {name} --seeds {}..{to}{profile}{flags}", from.0));
        }
        let left = self.scenarios.len() - self.found.len();
        if left > 0 {
            lines.push(format!("  not begun: {left} of {}", counted(self.scenarios.len() as u64, "scenario")));
        }
        lines
    }
}

/// For a pull request.
pub(super) struct Markdown<'a>(pub(super) &'a Summary<'a>);

impl fmt::Display for Markdown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let summary = self.0;
        let (scenarios, seeds) =
            (counted(summary.found.len() as u64, "scenario"), counted(summary.seeds.len() as u64, "seed"));
        let how = format!("{}, {}", value_name(&summary.explore.profile), summary.explore.rules.text());
        writeln!(f, "# Exploration: {}\n", summary.verdict())?;
        writeln!(f, "{scenarios}, {seeds} each ({how}). {}.\n", summary.counts())?;
        for (what, line) in summary.broken() {
            writeln!(f, "- {}: `{line}`", markdown(&what))?;
        }
        if let Some((what, line)) = summary.open() {
            writeln!(f, "- {}: `{line}`", markdown(&what))?;
        }
        for line in summary.stopped() {
            writeln!(f, "- {}", markdown(line.trim()))?;
        }
        for told in summary.told {
            let Some(report) = &told.report else { continue };
            writeln!(f, "\n## {}: {}\n", told.signature.claim.rule.id(), markdown(told.signature.claim.says))?;
            write!(f, "{}", fenced(report))?;
        }
        Ok(())
    }
}

/// For continuous integration: a test for each scenario, and one for each failure in it.
pub(super) struct Junit<'a>(pub(super) &'a Summary<'a>);

impl Junit<'_> {
    /// The tests of a scenario that was explored.
    fn cases(&self, name: &str, explored: &Explored) -> Vec<(String, Option<String>)> {
        let told: Vec<&Told> =
            self.0.told.iter().filter(|told| told.scenarios.iter().any(|other| other == name)).collect();
        let failed = told.iter().map(|told| {
            let (rule, says) = (xml(told.signature.claim.rule.id()), xml(told.signature.claim.says));
            let text = match &told.report {
                Some(report) if told.scenarios[0] == name => report.clone(),
                _ => format!("found in {} first\n  replay: {}", told.scenarios[0], told.line),
            };
            let failure = format!("<failure type=\"{rule}\" message=\"{says}\">{}</failure>", xml(&text));
            (format!("{name}: {}", told.signature), Some(failure))
        });
        let mut cases: Vec<(String, Option<String>)> = failed.collect();
        if cases.is_empty() {
            let open = explored.limits.first().map(|(seed, limit)| {
                let bound = format!("seed {} reached a bound of the simulator: {limit}", seed.0);
                format!("<skipped message=\"{}\"/>", xml(&bound))
            });
            cases.push((name.to_string(), open));
        }
        cases
    }
}

impl fmt::Display for Junit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let summary = self.0;
        let mut cases: Vec<(String, Option<String>)> =
            summary.found.iter().flat_map(|(scenario, explored)| self.cases(&scenario.name, explored)).collect();
        let not_begun = summary.scenarios[summary.found.len()..].iter();
        cases.extend(not_begun.map(|scenario| {
            let why = summary.halt.map_or(String::new(), |halt| format!("stopped {halt} before this scenario"));
            (scenario.name.clone(), Some(format!("<skipped message=\"{}\"/>", xml(&why))))
        }));
        let of = |what: &str| cases.iter().filter(|(_, is)| is.as_ref().is_some_and(|is| is.starts_with(what))).count();
        let (tests, failures, skipped) = (cases.len(), of("<failure"), of("<skipped"));
        let counts = format!("tests=\"{tests}\" failures=\"{failures}\" skipped=\"{skipped}\"");
        writeln!(f, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
        writeln!(f, "<testsuites {counts}>\n  <testsuite name=\"explore\" {counts}>")?;
        for (name, inside) in &cases {
            write!(f, "    <testcase classname=\"explore\" name=\"{}\"", xml(name))?;
            match inside {
                Some(inside) => writeln!(f, ">\n      {inside}\n    </testcase>")?,
                None => writeln!(f, "/>")?,
            }
        }
        let lines: Vec<String> = [summary.counts()].into_iter().chain(summary.stopped()).collect();
        writeln!(f, "    <system-out>{}</system-out>", xml(&lines.join("\n")))?;
        writeln!(f, "  </testsuite>\n</testsuites>")
    }
}
