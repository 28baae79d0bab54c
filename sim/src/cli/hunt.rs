//! `hunt`: a search that goes on where the last one ended, and keeps each failure once.
//!
//! Its folder is its state, and all of it:
//!
//! - `hunt.json`: what is hunted; another hunt in the same folder must be the same;
//! - `blocks/N`: a block of seeds of all scenarios that some hunt has begun, and `blocks/N.done`, which it has finished. Who
//!   makes the file has the block. A block whose hunt is gone (its process ended, or it wrote nothing for a while) is
//!   hunted again, so a hunt that is killed at any moment loses nothing but time;
//! - `failures/`: each failure by rule and, for a panic, place: its plan as a regression file, its report as text. A file is
//!   written elsewhere and moved into its place, so that it is whole or not there.
//!
//! Several hunts, also on several machines, may share a folder.
#![expect(
    clippy::disallowed_methods,
    reason = "a hunt shares a folder with other machines: their clocks and names, and no run depends on them"
)]

use super::args::{Format, Jobs, Rules, Seeds, Time, value_name};
use super::failure::{Stage, broken, own_panic};
use super::stop::{Halt, Watch};
use super::text::counted;
use super::{Context, Outcome, Stop, bug, text, wrong_scenario};
use crate::explore::failure::Signature;
use crate::explore::pool::default_jobs;
use crate::explore::regression::Regression;
use crate::explore::{Explored, explore_until};
use crate::plan::chooser::Profile;
use crate::scenario::Scenario;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, SystemTime};
use xxhash_rust::xxh3::xxh3_64;

/// A hunt of which nothing was heard for so long is gone.
const GONE_AFTER: Duration = Duration::from_secs(600);

/// Explore until stopped, continue where the last hunt ended, and keep each failure once
#[derive(clap::Args)]
pub(super) struct Hunt {
    /// The scenarios, by name or pattern (`kill-*`); all of them if none is named
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// The folder that holds the state of the hunt; it is made if it is missing
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// Stop after this time: 90s, 10m, 2h; without it, at Ctrl-C
    #[arg(long, value_name = "TIME", env = "KINODE_SIM_TIME_LIMIT")]
    time_limit: Option<Time>,
    /// Stop after this many blocks of seeds
    #[arg(long, value_name = "N")]
    blocks: Option<u64>,
    /// How many seeds of each scenario make a block
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    block: u64,
    /// How much goes wrong
    #[arg(long, default_value = "swarm", env = "KINODE_SIM_PROFILE")]
    profile: Profile,
    #[command(flatten)]
    rules: Rules,
    /// The number of threads; as many as there are processors if not given
    #[arg(long, value_name = "N", env = "KINODE_SIM_JOBS")]
    jobs: Option<Jobs>,
    /// The form of the results
    #[arg(long, default_value = "text")]
    format: Format,
}

/// What is hunted.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Prey {
    version: u32,
    scenarios: Vec<String>,
    block: u64,
    profile: String,
    kernel: String,
    programs: String,
}

/// A line of `--format json`.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Told<'a> {
    /// A failure that is new in the folder.
    Failure { rule: &'a str, scenario: &'a str, seed: u64, file: String, replay: &'a str },
    /// A failure that no longer breaks, and was dropped.
    Dropped { file: String },
    /// The last line.
    Hunt { blocks: u64, runs: u64, limits: u64, new: u64, dropped: u64, failures: u64, next: u64 },
}

impl Hunt {
    pub(super) fn run(&self, context: &Context, out: &mut impl Write) -> Result<Outcome, Stop> {
        let scenarios = context.select(&self.scenarios)?;
        for scenario in &scenarios {
            context.check(scenario, &self.rules.options(scenario))?;
        }
        for part in ["blocks", "failures"] {
            fs::create_dir_all(self.folder.join(part)).map_err(|error| self.wrong(&error))?;
        }
        self.is_the_same(&scenarios)?;
        let mut watch = Watch::begin(self.time_limit);
        let dropped = self.drop_what_no_longer_breaks(context, out)?;
        let (mut blocks, mut runs, mut new, mut limits) = (0, 0, 0, 0);
        while watch.halt.is_none() && self.blocks.is_none_or(|most| blocks < most) {
            let block = self.take_block().map_err(|error| self.wrong(&error))?;
            for scenario in &scenarios {
                let (explored, n_new) = self.hunt_in(context, scenario, block, &mut watch, out)?;
                if let Some((seed, panic)) = explored.panics.first() {
                    // What was found is kept, and the block is played anew once the scenario is mended.
                    fs::remove_file(self.block_file(block)).map_err(|error| self.wrong(&error))?;
                    let seeds = format!("under {}", counted(explored.panics.len() as u64, "seed"));
                    let line = self.stage(context).seed_line(scenario, *seed);
                    return Err(Stop::Wrong(own_panic(scenario, panic, &seeds, &line)));
                }
                (runs, new, limits) = (runs + explored.seeds, new + n_new, limits + explored.limits.len() as u64);
                if watch.halt.is_some() {
                    break;
                }
                // Other hunts in the same folder see that this one goes on.
                self.claim(block, true).map_err(|error| self.wrong(&error))?;
            }
            let (claimed, done) = (self.block_file(block), self.done_file(block));
            if watch.halt.is_none() {
                fs::write(done, "").map_err(|error| self.wrong(&error))?;
                blocks += 1;
            } else {
                // Not finished: the next hunt takes it.
                fs::remove_file(claimed).map_err(|error| self.wrong(&error))?;
            }
        }
        let failures = self.kept().map_err(|error| self.wrong(&error))?.len() as u64;
        let next = self.first_free().map_err(|error| self.wrong(&error))? * self.block;
        match self.format {
            Format::Json => {
                super::record::write(
                    out,
                    &Told::Hunt { blocks, runs, limits, new, dropped: dropped as u64, failures, next },
                )?;
            }
            Format::Text => {
                if limits > 0 {
                    let runs = counted(limits, "run");
                    writeln!(out, "INCONCLUSIVE: {runs} reached a bound of the simulator and neither held nor broke")?;
                }
                writeln!(
                    out,
                    "{} hunted, {}: {} new, {dropped} dropped, {failures} kept in {}; the next seed is {next}",
                    counted(blocks, "block"),
                    counted(runs, "run"),
                    new,
                    self.folder.join("failures").display(),
                )?;
            }
        }
        Ok(match watch.halt {
            Some(Halt::Interrupted) => Outcome::Interrupted,
            _ if failures > 0 => Outcome::Violated,
            _ if limits > 0 => Outcome::Inconclusive,
            _ => Outcome::Held,
        })
    }

    fn stage<'a>(&'a self, context: &'a Context) -> Stage<'a> {
        Stage { context, rules: &self.rules, profile: self.profile }
    }

    fn wrong(&self, error: &io::Error) -> Stop {
        Stop::Wrong(format!("--folder {}: {error}", self.folder.display()))
    }

    /// What is hunted is written down by the first hunt; every other one must hunt the same.
    fn is_the_same(&self, scenarios: &[&Scenario]) -> Result<(), Stop> {
        let prey = Prey {
            version: 1,
            scenarios: scenarios.iter().map(|scenario| scenario.name.clone()).collect(),
            block: self.block,
            profile: value_name(&self.profile),
            kernel: self.rules.kernels(),
            programs: scenarios.first().map_or(String::new(), |one| value_name(&self.rules.options(one).flavor)),
        };
        let file = self.folder.join("hunt.json");
        if !file.exists() {
            let text = serde_json::to_string_pretty(&prey).expect("texts and numbers are JSON");
            return self.put(&file, &text).map_err(|error| self.wrong(&error)).map(|_| ());
        }
        let was: Prey = serde_json::from_str(&text::read(&file)?)
            .map_err(|error| Stop::Wrong(format!("{}: {error}", file.display())))?;
        if was != prey {
            return Err(Stop::Wrong(format!(
                "{} is the folder of another hunt: {was:?}, and not {prey:?}; take another folder",
                self.folder.display()
            )));
        }
        Ok(())
    }

    // ---- blocks -----------------------------------------------------------------------------------------------

    fn block_file(&self, block: u64) -> PathBuf {
        self.folder.join("blocks").join(block.to_string())
    }

    fn done_file(&self, block: u64) -> PathBuf {
        self.folder.join("blocks").join(format!("{block}.done"))
    }

    /// The first block that nobody has finished.
    fn first_free(&self) -> io::Result<u64> {
        let mut block = 0;
        while self.done_file(block).try_exists()? {
            block += 1;
        }
        Ok(block)
    }

    /// The first block that nobody hunts or has hunted is this hunt's from here on.
    fn take_block(&self) -> io::Result<u64> {
        let mut block = self.first_free()?;
        loop {
            if !self.done_file(block).try_exists()? {
                if self.claim(block, false)? {
                    return Ok(block);
                }
                if self.is_gone(block) {
                    let _ = fs::remove_file(self.block_file(block));
                    continue;
                }
            }
            block += 1;
        }
    }

    /// Makes the file of a block, or writes it anew. False, if another hunt has it.
    fn claim(&self, block: u64, anew: bool) -> io::Result<bool> {
        let mut options = OpenOptions::new();
        options.write(true);
        if anew {
            options.create(true).truncate(true)
        } else {
            options.create_new(true)
        };
        match options.open(self.block_file(block)) {
            Ok(mut file) => write!(file, "{} {}", host(), process::id()).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the hunt that has a block has ended without finishing it.
    fn is_gone(&self, block: u64) -> bool {
        let file = self.block_file(block);
        let Ok(text) = fs::read_to_string(&file) else { return false };
        let written = fs::metadata(&file).and_then(|about| about.modified()).ok();
        let age = written.and_then(|written| SystemTime::now().duration_since(written).ok()).unwrap_or_default();
        match text.split_once(' ') {
            Some((at, pid)) if at == host() && Path::new("/proc/self").exists() => {
                !Path::new("/proc").join(pid).exists()
            }
            Some(_) | None => age > GONE_AFTER,
        }
    }

    // ---- failures ---------------------------------------------------------------------------------------------

    fn hunt_in(
        &self,
        context: &Context,
        scenario: &Scenario,
        block: u64,
        watch: &mut Watch,
        out: &mut impl Write,
    ) -> Result<(Explored, u64), Stop> {
        let seeds = Seeds::range(block * self.block, (block + 1) * self.block);
        let (options, jobs) = (self.rules.options(scenario), self.jobs.map_or_else(default_jobs, |Jobs(jobs)| jobs));
        let explored = bug::guard(|| {
            let list = seeds.of(None);
            explore_until(scenario, (seeds.first(), &list), self.profile, &options, &context.loader, jobs, |_, _| {
                watch.look()
            })
        });
        let explored = explored
            .map_err(|text| Stop::Bug(format!("{text}\n  in scenario `{}`, seeds {}", scenario.name, seeds.text())))?;
        let explored = explored.map_err(wrong_scenario(scenario))?;
        let stage = self.stage(context);
        let mut new = 0;
        for found in broken(scenario, &explored) {
            let file = self.failure_file(&found.signature);
            if file.exists() {
                continue;
            }
            let retold = stage.retell(&found)?;
            let failure = retold.failure.as_ref().map_err(|drift| Stop::Bug(drift.clone()))?;
            let report = retold.report().unwrap_or_default();
            self.put(&file.with_extension("txt"), &report).map_err(|error| self.wrong(&error))?;
            let plan = failure.regression(self.rules.kernels()).to_string();
            if !self.put(&file, &plan).map_err(|error| self.wrong(&error))? {
                continue;
            }
            new += 1;
            let (rule, name, replay) = (found.signature.claim.rule.id(), scenario.name.as_str(), retold.line());
            match self.format {
                Format::Json => {
                    let file = file.display().to_string();
                    let seed = found.seed.0;
                    super::record::write(out, &Told::Failure { rule, scenario: name, seed, file, replay })?;
                }
                Format::Text => {
                    writeln!(out, "new: {} in {name}, under seed {}", found.signature, found.seed.0)?;
                    writeln!(out, "  replay: {replay}\n  kept:   {}", file.display())?;
                    out.flush()?;
                }
            }
        }
        Ok((explored, new))
    }

    /// The file of a failure: the same for the same rule and place.
    fn failure_file(&self, signature: &Signature) -> PathBuf {
        let what = format!("{} {} {:?}", signature.claim.rule.id(), signature.claim.says, signature.place);
        let id = signature.claim.rule.id().replace(|c: char| !c.is_ascii_alphanumeric(), "-").to_lowercase();
        self.folder.join("failures").join(format!("{id}-{:08x}.plan", xxh3_64(what.as_bytes()) as u32))
    }

    /// Puts a text into a file, whole or not at all. False, if the file was there: another hunt was sooner.
    fn put(&self, file: &Path, text: &str) -> io::Result<bool> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let beside = file.with_file_name(format!(".{name}.{}.{}", host(), process::id()));
        let mut new = File::create(&beside)?;
        new.write_all(text.as_bytes())?;
        new.sync_all()?;
        let put = match fs::hard_link(&beside, file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            // No links on this file system.
            Err(_) => fs::copy(&beside, file).map(|_| true),
        };
        let _ = fs::remove_file(&beside);
        put
    }

    /// The failures in the folder.
    fn kept(&self) -> io::Result<Vec<PathBuf>> {
        let files = fs::read_dir(self.folder.join("failures"))?;
        let files = files.map(|file| file.map(|file| file.path())).collect::<io::Result<Vec<_>>>()?;
        let is_plan = |file: &PathBuf| {
            let hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            !hidden && file.extension().is_some_and(|extension| extension == "plan")
        };
        let mut plans: Vec<PathBuf> = files.into_iter().filter(is_plan).collect();
        plans.sort();
        Ok(plans)
    }

    /// Plays what is kept, and drops what no longer breaks its rule. Gives back how many that were.
    fn drop_what_no_longer_breaks(&self, context: &Context, out: &mut impl Write) -> Result<usize, Stop> {
        let mut dropped = 0;
        for file in self.kept().map_err(|error| self.wrong(&error))? {
            let wrong = |problem: String| Stop::Wrong(format!("{}: {problem}", file.display()));
            let kept: Regression = text::read(&file)?.parse().map_err(wrong)?;
            let scenario = context.scenario(&kept.scenario)?;
            let breaks = bug::guard(|| kept.breaks(scenario, &context.loader));
            let breaks = breaks.map_err(|text| Stop::Bug(format!("{text}\n  in {}", file.display())))?;
            if breaks.map_err(wrong)? {
                continue;
            }
            dropped += 1;
            fs::remove_file(&file).map_err(|error| self.wrong(&error))?;
            let _ = fs::remove_file(file.with_extension("txt"));
            let file = file.display().to_string();
            match self.format {
                Format::Json => super::record::write(out, &Told::Dropped { file })?,
                Format::Text => writeln!(out, "dropped, since it no longer breaks: {file}")?,
            }
        }
        Ok(dropped)
    }
}

/// The name of this machine, as far as it is known.
fn host() -> String {
    let name = fs::read_to_string("/etc/hostname").or_else(|_| std::env::var("HOSTNAME").map_err(io::Error::other));
    name.unwrap_or_default().trim().replace(char::is_whitespace, "-")
}
