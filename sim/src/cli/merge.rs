//! `merge`: what shards of one exploration found, as one.
//!
//! A shard (`explore --shard I/N --format json`) writes, besides what every exploration writes, what a merge needs: a line
//! with the arguments of the whole exploration, and for each scenario a line with the prints of its runs, its counts, and
//! what broke. A merge puts them together in the order of the seeds and tells them as if one process had played them all:
//! byte for byte the same. Failures are played again and shrunk here, once, however many shards found them.

use super::args::{ReportFormat, Seeds, Shard};
use super::report::Reports;
use super::{Command, CommandLine, Context, Outcome, Stop, record, text};
use crate::explore::determinism::is_played_again;
use crate::explore::{Explored, Print, place_of};
use crate::invariant::{Claim, OwnPanic, Violation};
use crate::plan::chooser::Seed;
use crate::trace::Fingerprint;
use crate::world::Verdict;
use clap::Parser;
use kernel_core::Cause;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

/// Merge the results of all shards of one exploration, as if one process had played them
#[derive(clap::Args)]
pub(super) struct Merge {
    /// The output of `explore --shard I/N --format json`, one file for each shard
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Keep the plan of each failure that is told in full, in this folder
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Draw each failure: a page for a browser, in this folder
    #[arg(long, value_name = "FOLDER")]
    html: Option<PathBuf>,
    /// Print what no run reached, and how often each command and each call was tried in each state
    #[arg(long)]
    coverage: bool,
    #[command(flatten)]
    reports: Reports,
    /// The form of the results
    #[arg(long, default_value = "text")]
    format: ReportFormat,
}

/// The lines of a shard's results that a merge reads. The others are for people and programs.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Part {
    /// The first: which part of which exploration.
    Shard {
        version: u32,
        index: u64,
        of: u64,
        /// The arguments of the whole exploration.
        line: Vec<String>,
    },
    /// What became of a scenario's runs.
    Runs {
        scenario: String,
        events: u64,
        messages: u64,
        counts: Vec<u64>,
        /// Seed, print of events and disks, print of the events.
        runs: Vec<(u64, String, Option<String>)>,
        limits: Vec<(u64, String)>,
        violations: Vec<(u64, Vec<Broken>)>,
        /// Seed, what of the scenario's own code panicked, what it said, and at which event.
        #[serde(default)]
        panics: Vec<(u64, String, String, Option<u64>)>,
    },
    #[serde(other)]
    Other,
}

#[derive(Serialize, Deserialize)]
struct Broken {
    rule: String,
    says: String,
    facts: String,
    at: Option<u64>,
}

const VERSION: u32 = 1;

/// Writes which part of which exploration follows.
pub(super) fn write_header(line: &[String], shard: Shard, out: &mut impl Write) -> io::Result<()> {
    let (index, of) = shard.parts();
    record::write(out, &Part::Shard { version: VERSION, index, of, line: line.to_vec() })
}

/// Writes what became of a scenario's runs.
pub(super) fn write_runs(scenario: &str, explored: &Explored, out: &mut impl Write) -> io::Result<()> {
    let broken = |Violation { claim, facts, at, .. }: &Violation| Broken {
        rule: claim.rule.id().to_string(),
        says: claim.says.to_string(),
        facts: facts.clone(),
        at: at.map(|at| at.0),
    };
    let violations = explored.violations.iter();
    let violations = violations.map(|(seed, verdict)| (seed.0, verdict.violations().iter().map(broken).collect()));
    let print =
        |Print { seed, whole, plain }: &Print| (seed.0, whole.to_string(), plain.map(|plain| plain.to_string()));
    let panic = |(seed, OwnPanic { what, text, at }): &(Seed, OwnPanic)| {
        (seed.0, what.clone(), text.clone(), at.map(|at| at.0))
    };
    let part = Part::Runs {
        scenario: scenario.to_string(),
        events: explored.events,
        messages: explored.messages,
        counts: explored.coverage.clone().counts().map(|count| *count).collect(),
        runs: explored.prints.iter().map(print).collect(),
        limits: explored.limits.iter().map(|(seed, limit)| (seed.0, limit.clone())).collect(),
        violations: violations.collect(),
        panics: explored.panics.iter().map(panic).collect(),
    };
    record::write(out, &part)
}

impl Merge {
    pub(super) fn run(&self, context: &Context, out: &mut impl Write) -> Result<Outcome, Stop> {
        let mut whole: Option<(u64, Vec<String>)> = None;
        let (mut seen, mut parts) = (BTreeMap::new(), Vec::new());
        for file in &self.files {
            let wrong = |problem: String| Stop::Wrong(format!("{}: {problem}", file.display()));
            let content = text::read(file)?;
            let mut lines = content.lines().enumerate();
            let parse = |(number, line): (usize, &str)| {
                serde_json::from_str::<Part>(line).map_err(|error| wrong(format!("line {}: {error}", number + 1)))
            };
            let Some(Part::Shard { version: VERSION, index, of, line }) = lines.next().map(parse).transpose()? else {
                let problem = "is not what `explore --shard I/N --format json` of this version writes";
                return Err(wrong(problem.to_string()));
            };
            if whole.get_or_insert_with(|| (of, line.clone())) != &(of, line) {
                return Err(wrong(format!("is a shard of another exploration than {}", self.files[0].display())));
            }
            if let Some(other) = seen.insert(index, file) {
                return Err(wrong(format!("is shard {index}/{of}, as is {}", other.display())));
            }
            for line in lines {
                parts.push((file, parse(line)?));
            }
        }
        let Some((of, line)) = whole else { return Err(Stop::Wrong("there is nothing to merge".to_string())) };
        if let Some(missing) = (1..=of).find(|index| !seen.contains_key(index)) {
            return Err(Stop::Wrong(format!("shard {missing}/{of} is missing")));
        }
        let line = CommandLine::try_parse_from(["kinode-sim".to_string()].into_iter().chain(line));
        let Ok(CommandLine { command: Some(Command::Explore(mut explore)), .. }) = line else {
            return Err(Stop::Wrong(format!("{}: its first line is damaged", self.files[0].display())));
        };
        let all = put_together(parts, explore.seeds())?;
        explore.told(self.format, self.coverage, self.reports.clone(), self.keep.clone(), self.html.clone());
        explore.run_or_take(context, Some(all), out)
    }
}

/// What all shards found, by scenario.
fn put_together(parts: Vec<(&PathBuf, Part)>, seeds: Seeds) -> Result<BTreeMap<String, Explored>, Stop> {
    let mut all: BTreeMap<String, (Explored, Vec<Print>)> = BTreeMap::new();
    for (file, part) in parts {
        let Part::Runs { scenario, events, messages, mut counts, runs, limits, violations, panics } = part else {
            continue;
        };
        let damaged = || Stop::Wrong(format!("{}: what it says of {scenario} is damaged", file.display()));
        let (explored, prints) = all.entry(scenario.clone()).or_default();
        explored.events += events;
        explored.messages += messages;
        if explored.coverage.counts().count() != counts.len() {
            return Err(damaged());
        }
        explored.coverage.counts().zip(counts.drain(..)).for_each(|(mine, theirs)| *mine += theirs);
        for (seed, whole, plain) in runs {
            let print = |text: String| u64::from_str_radix(&text, 16).map(Fingerprint).map_err(|_| damaged());
            prints.push(Print { seed: Seed(seed), whole: print(whole)?, plain: plain.map(print).transpose()? });
        }
        explored.limits.extend(limits.into_iter().map(|(seed, limit)| (Seed(seed), limit)));
        let panics = panics.into_iter();
        explored
            .panics
            .extend(panics.map(|(seed, what, text, at)| (Seed(seed), OwnPanic { what, text, at: at.map(Cause) })));
        let violations = violations.into_iter().map(|(seed, broken)| {
            let violations = broken.into_iter().map(|Broken { rule, says, facts, at }| Violation {
                claim: Claim::named(&rule, &says),
                facts,
                at: at.map(Cause),
                began: None,
            });
            (Seed(seed), Verdict::Violated(violations.collect()))
        });
        explored.violations.extend(violations);
    }
    let whole: Vec<Seed> = seeds.of(None);
    let finish = |(name, (mut explored, mut prints)): (String, (Explored, Vec<Print>))| {
        prints.sort_by_key(|print| print.seed);
        if !prints.iter().map(|print| print.seed).eq(whole.iter().copied()) {
            let (has, of) = (prints.len(), whole.len());
            return Err(Stop::Wrong(format!(
                "{name}: the shards have {has} runs of {of}, or some twice: was one of them stopped?"
            )));
        }
        explored.seeds = prints.len() as u64;
        let again = prints.iter().filter(|print| is_played_again(place_of(print.seed, seeds.first())));
        explored.played_again = again.count() as u64;
        prints.into_iter().for_each(|print| explored.take_print(print));
        explored.limits.sort_by_key(|(seed, _)| *seed);
        explored.violations.sort_by_key(|(seed, _)| *seed);
        explored.panics.sort_by_key(|(seed, _)| *seed);
        Ok((name, explored))
    };
    all.into_iter().map(finish).collect()
}
