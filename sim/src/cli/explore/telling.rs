//! How `explore` tells what it finds: each failure once, when it is found; a row for each scenario; all of it summed up at
//! the end.

use super::summary::Summary;
use super::{Explore, Format};
use crate::cli::args::value_name;
use crate::cli::failure::{Broken, Retold, SCENARIO, own_panic};
use crate::cli::look::file_name;
use crate::cli::matrix::Matrix;
use crate::cli::reach::Tried;
use crate::cli::record::{self, Record};
use crate::cli::text::{counted, grouped};
use crate::cli::{Context, Detail, Stop};
use crate::explore::Explored;
use crate::explore::failure::Signature;
use crate::explore::report::{fold, width as columns};
use crate::plan::chooser::Seed;
use crate::scenario::Scenario;
use crate::trace::Fingerprint;
use crate::world::Verdict;
use std::io::{self, Write};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A failure that was told, and where else it was found.
pub(super) struct Told {
    pub(super) signature: Signature,
    /// The scenarios in which it was found, the one that was told first.
    pub(super) scenarios: Vec<String>,
    /// How many seeds broke it, of all scenarios.
    pub(super) seeds: u64,
    /// The line that replays it.
    pub(super) line: String,
    /// All of it, if it was told in full.
    pub(super) report: Option<String>,
}

/// What was told so far.
#[derive(Default)]
pub(super) struct Telling {
    pub(super) told: Vec<Told>,
    /// The failures that were not the same when they were played again: bugs of the simulator.
    pub(super) drifts: Vec<String>,
    /// The failure of the present scenario that was told in full, and whether it broke a rule of the contract.
    shown: Option<(Retold, bool)>,
}

impl Telling {
    /// Another scenario begins.
    pub(super) fn begin(&mut self) {
        self.shown = None;
    }

    /// What a run broke that was not told yet: each failure once, what the contract says before what the scenario expects.
    pub(super) fn new_in(&self, verdict: &Verdict) -> Vec<Signature> {
        let mut new: Vec<Signature> = Vec::new();
        for signature in verdict.violations().iter().map(Signature::of) {
            if !new.contains(&signature) && !self.told.iter().any(|told| told.signature == signature) {
                new.push(signature);
            }
        }
        new.sort_by_key(|signature| signature.claim.rule.id() == SCENARIO);
        new
    }

    /// Counts the seeds of a scenario that broke what was told.
    pub(super) fn count(&mut self, all: &[Broken<'_>]) {
        for Broken { scenario, signature, seeds, .. } in all {
            let Some(told) = self.told.iter_mut().find(|told| told.signature == *signature) else { continue };
            told.seeds += seeds;
            if !told.scenarios.contains(&scenario.name) {
                told.scenarios.push(scenario.name.clone());
            }
        }
    }
}

/// A row of the table of scenarios. On a narrow terminal it has fewer numbers: the first and the last are always there.
fn table_row(name: &str, width: usize, [seeds, events, messages, violations]: [&str; 4]) -> String {
    let (seeds, violations) = (format!("  {seeds:>9}"), format!("  {violations:>10}"));
    let (events, messages) = (format!("  {events:>13}"), format!("  {messages:>13}"));
    let room = columns().saturating_sub(width + seeds.len() + violations.len());
    let middle = match room {
        30.. => events + &messages,
        15.. => events,
        _ => String::new(),
    };
    format!("{name:width$}{seeds}{middle}{violations}")
}

impl Explore {
    pub(super) fn headline(
        &self,
        context: &Context,
        scenarios: usize,
        seeds: usize,
        width: usize,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if self.format != Format::Text || context.detail == Detail::Quiet {
            return Ok(());
        }
        let (scenarios, seeds) = (counted(scenarios as u64, "scenario"), counted(seeds as u64, "seed"));
        let how = format!("{}, {}", value_name(&self.profile), self.rules.text());
        writeln!(out, "{scenarios}, {seeds} each ({how})\n")?;
        writeln!(out, "{}", table_row("scenario", width, ["seeds", "events", "messages", "violations"]))
    }

    pub(super) fn row(
        &self,
        context: &Context,
        scenario: &Scenario,
        explored: &Explored,
        width: usize,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let Explored { seeds, events, messages, fingerprint, .. } = *explored;
        let (name, violations) = (scenario.name.as_str(), explored.violations.len() as u64);
        let limits = explored.limits.len() as u64;
        match self.format {
            Format::Junit => Ok(()),
            Format::Json => {
                let fingerprint = record::hex(fingerprint);
                let scenario = name;
                record::write(
                    out,
                    &Record::Scenario { scenario, seeds, events, messages, violations, limits, fingerprint },
                )
            }
            Format::Text if context.detail == Detail::Quiet => Ok(()),
            Format::Text => {
                let numbers = [seeds, events, messages, violations].map(grouped);
                writeln!(out, "{}", table_row(name, width, numbers.each_ref().map(String::as_str)))?;
                let shown = if context.detail == Detail::Verbose { explored.limits.len() } else { 1 };
                for (seed, limit) in explored.limits.iter().take(shown) {
                    writeln!(out, "  seed {} reached a bound of the simulator: {limit}", seed.0)?;
                }
                match explored.limits.len().saturating_sub(shown) {
                    0 => Ok(()),
                    more => writeln!(out, "  … and {}", counted(more as u64, "more seed")),
                }
            }
        }
    }

    /// Tells what a run broke that was not told yet.
    pub(super) fn tell_run(
        &self,
        context: &Context,
        scenario: &Scenario,
        seed: Seed,
        verdict: &Verdict,
        telling: &mut Telling,
        out: &mut impl Write,
    ) -> Result<(), Stop> {
        // JSON has its records at the end.
        if self.format == Format::Json && !self.reports.are_wanted() {
            return Ok(());
        }
        for signature in telling.new_in(verdict) {
            let broken = Broken { scenario, signature, seed, seeds: 0 };
            let (text, line, report) = self.told_of(context, &broken, telling)?;
            if self.format == Format::Text {
                write!(out, "{text}")?;
                out.flush()?;
            }
            telling.told.push(Told { signature: broken.signature, scenarios: Vec::new(), seeds: 0, line, report });
        }
        Ok(())
    }

    /// What is told of a failure, the line that replays it, and its report: one in full for each scenario, or for all with
    /// --verbose.
    fn told_of(
        &self,
        context: &Context,
        broken: &Broken<'_>,
        telling: &mut Telling,
    ) -> Result<(String, String, Option<String>), Stop> {
        let stage = self.stage(context);
        let Broken { scenario, signature, seed, .. } = broken;
        if let Some((shown, _)) = &telling.shown
            && shown.shows(signature)
        {
            return Ok((String::new(), shown.line().to_string(), None));
        }
        let is_of_contract = signature.claim.rule.id() != SCENARIO;
        let in_full = match &telling.shown {
            None => true,
            Some((_, of_contract)) => (is_of_contract && !of_contract) || context.detail == Detail::Verbose,
        };
        if in_full {
            let retold = stage.retell(broken)?;
            let line = retold.line().to_string();
            telling.drifts.extend(retold.failure.as_ref().err().cloned());
            self.keep_plan(broken, &retold)?;
            let report = retold.report().unwrap_or_default();
            let mut text = format!("\n{report}  seed {} is the first that breaks it\n", seed.0);
            if let Some(file) = retold.draw(self.html.as_deref(), broken, stage)? {
                text += &format!("  picture: {}\n", file.display());
            }
            telling.shown = Some((retold, is_of_contract));
            return Ok((text + "\n", line, Some(report)));
        }
        let (line, id) = (stage.seed_line(scenario, *seed), signature.claim.rule.id());
        let mut text = format!("{id}: BROKEN in {}, too, first under seed {}\n", scenario.name, seed.0);
        text += &format!("  says: {}\n  replay: {line}\n", fold(signature.claim.says, 8));
        if self.html.is_some()
            && let Some(file) = stage.retell(broken)?.draw(self.html.as_deref(), broken, stage)?
        {
            text += &format!("  picture: {}\n", file.display());
        }
        Ok((text + "\n", line, None))
    }

    /// Every failure of a scenario, for programs. Gives back how any was not like the first time.
    pub(super) fn list(
        &self,
        context: &Context,
        all: &[Broken<'_>],
        out: &mut impl Write,
    ) -> Result<Vec<String>, Stop> {
        let stage = self.stage(context);
        let mut drifts = Vec::new();
        for broken in all {
            let retold = stage.retell(broken)?;
            self.keep_plan(broken, &retold)?;
            retold.draw(self.html.as_deref(), broken, stage)?;
            let violation = retold.violation();
            let claim = broken.signature.claim;
            let record = Record::Violation {
                scenario: &broken.scenario.name,
                seed: broken.seed.0,
                rule: claim.rule.id(),
                says: claim.says,
                facts: violation.map_or("", |violation| &violation.facts),
                at: violation.and_then(|violation| Some(violation.at?.0)),
                seeds: broken.seeds,
                plan: record::lines(&retold.plan()),
                replay: &retold.replay[0],
                replay_plan: retold.replay.get(1).map(String::as_str),
                test: retold.test.as_deref(),
                drift: retold.failure.is_err(),
            };
            record::write(out, &record)?;
            drifts.extend(retold.failure.err());
        }
        Ok(drifts)
    }

    /// Writes a plan to a file of its own, if a folder was named for them: `down-restart-k2-d6.plan`.
    fn keep_plan(&self, broken: &Broken<'_>, retold: &Retold) -> Result<(), Stop> {
        let (Some(folder), Ok(failure)) = (&self.keep, &retold.failure) else { return Ok(()) };
        let kept = failure.regression(self.rules.kernels());
        let words = [kept.scenario.as_str(), broken.signature.claim.rule.id(), &kept.kernel];
        let path = folder.join(file_name(&words, &broken.signature) + ".plan");
        let written = std::fs::write(&path, kept.to_string());
        written.map_err(|error| Stop::Wrong(format!("--keep: {}: {error}", path.display())))
    }

    /// The end: what was reached, what broke and the line that replays it, what is open, and where to go on.
    pub(super) fn summarize(&self, summary: &Summary<'_>, out: &mut impl Write) -> io::Result<()> {
        let found = summary.found;
        let sum = |count: fn(&Explored) -> u64| summary.sum(count);
        let again = sum(|explored| explored.played_again);
        let (mut matrix, mut digest, mut plain) = (Matrix::default(), 0, Fingerprint::default());
        let mut tried = Tried::default();
        for (scenario, explored) in found {
            tried.add(&explored.coverage);
            matrix.add(&explored.coverage);
            digest = xxh3_64_with_seed(scenario.name.as_bytes(), digest);
            plain = plain.then(explored.plain);
            digest = xxh3_64_with_seed(&explored.fingerprint.0.to_le_bytes(), digest);
        }
        let fingerprint = record::hex(Fingerprint(digest));
        if self.format == Format::Json {
            let record = Record::Summary {
                scenarios: found.len() as u64,
                seeds: sum(|explored| explored.seeds),
                events: sum(|explored| explored.events),
                messages: sum(|explored| explored.messages),
                violations: sum(|explored| explored.violations.len() as u64),
                limits: sum(|explored| explored.limits.len() as u64),
                cells: matrix.records(),
                cells_reached: matrix.reached() as u64,
                probes: matrix.probes(),
                fingerprint,
                plain: record::hex(plain),
                played_again: again,
                stopped: summary.halt.map(|halt| halt.name()),
            };
            return record::write(out, &record);
        }
        let detail = summary.context.detail;
        if detail > Detail::Quiet {
            let all = self.coverage || detail == Detail::Verbose;
            writeln!(out, "\n{}", matrix.text(all))?;
            if all {
                writeln!(out, "\n{tried}\n")?;
            }
            writeln!(out, "{}", fold(&tried.summary(), 2))?;
            let same = match sum(|explored| explored.differences.len() as u64) {
                0 => "the same each time".to_string(),
                some => format!("{} NOT the same each time", grouped(some)),
            };
            let again = grouped(again);
            let again = format!("{again} of them played three times, once with fuel in slices: {same}");
            writeln!(out, "{}", fold(&again, 2))?;
        }
        writeln!(out, "{}", fold(&format!("{}, fingerprint {fingerprint}", summary.counts()), 2))?;
        summary.broken().iter().try_for_each(|(what, line)| writeln!(out, "broken: {what}\n  replay: {line}"))?;
        if let Some((what, line)) = summary.open() {
            writeln!(out, "INCONCLUSIVE: {what}\n  replay: {line}")?;
        }
        summary.stopped().iter().try_for_each(|line| writeln!(out, "{line}"))
    }

    /// The scenarios' own invariants and modules that panicked: mistakes of their authors, not of ours.
    pub(super) fn panics(&self, context: &Context, found: &super::Found<'_>) -> Vec<String> {
        let stage = self.stage(context);
        let of_one = |(scenario, explored): &(&Scenario, Explored)| {
            let (seed, panic) = explored.panics.first()?;
            let seeds = format!("under {}", counted(explored.panics.len() as u64, "seed"));
            Some(own_panic(scenario, panic, &seeds, &stage.seed_line(scenario, *seed)))
        };
        found.iter().filter_map(of_one).collect()
    }
}
