//! `explore`: many seeds of many scenarios.

use super::args::{Format, Jobs, Rules, Seeds, Shard, value_name};
use super::failure::{Failure, Retold, Stage, failures};
use super::matrix::Matrix;
use super::reach::Tried;
use super::record::{self, Record};
use super::text::{counted, grouped};
use super::{Context, Detail, Outcome, Stop, bug, wrong_scenario};
use crate::explore::report::fold;
use crate::explore::{Explored, explore, run_seed};
use crate::guest::image::Loader;
use crate::plan::chooser::{Profile, Seed};
use crate::scenario::Scenario;
use crate::trace::Fingerprint;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::thread;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Many seeds: checks every invariant, plays failing seeds again, shows what was reached
#[derive(clap::Args)]
pub(super) struct Explore {
    /// Which scenarios; if none is named: all
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// How many seeds of each scenario, N from 0 on, or which: from A up to, but without, B
    #[arg(long, value_name = "N|A..B", default_value = "100", env = "KINODE_SIM_SEEDS")]
    seeds: Seeds,
    /// How much goes wrong
    #[arg(long, default_value = "swarm", env = "KINODE_SIM_PROFILE")]
    profile: Profile,
    #[command(flatten)]
    rules: Rules,
    /// On how many threads; if not given: as many as there are processors
    #[arg(long, value_name = "N", env = "KINODE_SIM_JOBS")]
    jobs: Option<Jobs>,
    /// Only the I-th of N parts of the seeds, to share the work between machines
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Keep each plan that a report shows in a file in this folder: see scenarios/regressions
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Draw each failure: a page for a browser, in this folder
    #[arg(long, value_name = "FOLDER")]
    html: Option<PathBuf>,
    /// Print what no run reached, and how often each command and each call was tried in each state
    #[arg(long)]
    coverage: bool,
    /// The form of the results
    #[arg(long, default_value = "text")]
    format: Format,
}

/// Where failures go besides the screen.
#[derive(Clone, Copy)]
struct Folders<'a> {
    keep: Option<&'a Path>,
    html: Option<&'a Path>,
}

/// What was found, scenario by scenario.
type Found<'a> = Vec<(&'a Scenario, Explored)>;

impl Explore {
    pub(super) fn run(&self, context: &Context, out: &mut impl Write) -> Result<Outcome, Stop> {
        let scenarios = self.select(context)?;
        let seeds = self.seeds.of(self.shard);
        for scenario in &scenarios {
            context.check(scenario, &self.rules.options(scenario))?;
        }
        let found = self.explore_all(context, &scenarios, &seeds, out)?;
        let failures: Vec<Vec<Failure<'_>>> =
            found.iter().map(|(scenario, explored)| failures(scenario, explored)).collect();
        let mut drifts = Vec::new();
        for failures in &failures {
            drifts.extend(self.retell(context, failures, out)?);
        }
        drifts.extend(self.differences(context, &found));
        self.summarize(context, &found, out)?;
        if !drifts.is_empty() {
            return Err(Stop::Bug(drifts.join("\n")));
        }
        let held = failures.iter().all(Vec::is_empty);
        Ok(if held { Outcome::Held } else { Outcome::Violated })
    }

    /// The scenarios that were named, each once, or all.
    fn select<'a>(&self, context: &'a Context) -> Result<Vec<&'a Scenario>, Stop> {
        if self.scenarios.is_empty() {
            return Ok(context.scenarios.iter().collect());
        }
        let mut selected: Vec<&Scenario> = Vec::new();
        for name in &self.scenarios {
            let scenario = context.scenario(name)?;
            if !selected.iter().any(|other| other.name == scenario.name) {
                selected.push(scenario);
            }
        }
        Ok(selected)
    }

    // ---- running ----------------------------------------------------------------------------------------------

    fn explore_all<'a>(
        &self,
        context: &Context,
        scenarios: &[&'a Scenario],
        seeds: &[Seed],
        out: &mut impl Write,
    ) -> Result<Found<'a>, Stop> {
        let width = scenarios.iter().map(|scenario| scenario.name.chars().count()).max().unwrap_or(0).max(8);
        self.headline(scenarios.len(), seeds.len(), width, out)?;
        let bar = bar(scenarios.len() * seeds.len());
        let mut found = Vec::new();
        for scenario in scenarios {
            bar.set_message(scenario.name.clone());
            let explored = self.explore_one(context, scenario, seeds, &bar)?;
            bar.suspend(|| self.row(scenario, &explored, width, out))?;
            found.push((*scenario, explored));
        }
        Ok(found)
    }

    fn explore_one(
        &self,
        context: &Context,
        scenario: &Scenario,
        seeds: &[Seed],
        bar: &ProgressBar,
    ) -> Result<Explored, Stop> {
        let options = self.rules.options(scenario);
        let jobs = match self.jobs {
            Some(Jobs(jobs)) => jobs,
            None => thread::available_parallelism().map_or(1, Into::into),
        };
        let explored =
            bug::guard(|| explore(scenario, seeds, self.profile, &options, &context.loader, jobs, || bar.inc(1)));
        explored.map_or_else(
            |text| Err(self.find_bug(context, scenario, seeds, &text)),
            |result| result.map_err(wrong_scenario(scenario)),
        )
    }

    /// Some seed made the simulator panic: finds the first that does.
    fn find_bug(&self, context: &Context, scenario: &Scenario, seeds: &[Seed], text: &str) -> Stop {
        let (options, stage) = (self.rules.options(scenario), self.stage(context));
        for seed in seeds {
            // What the panic left behind is not used again.
            let loader = Loader::default();
            let run = || run_seed(scenario, *seed, self.profile, &options, &loader).map(|_| ());
            if let Err(stop) = stage.guarded(scenario, &stage.seed_line(scenario, *seed), run) {
                return stop;
            }
        }
        Stop::Bug(format!("{text}\n  in scenario `{}`; alone, none of its seeds does so again", scenario.name))
    }

    fn stage<'a>(&'a self, context: &'a Context) -> Stage<'a> {
        Stage { context, rules: &self.rules, profile: self.profile }
    }

    /// The runs that were not the same when they were played again.
    fn differences(&self, context: &Context, found: &Found<'_>) -> Vec<String> {
        let stage = self.stage(context);
        let of_one = |(scenario, explored): &(&Scenario, Explored)| {
            let first = explored.differences.first();
            first.map(|(seed, difference)| format!("{difference}\n  {}", stage.seed_line(scenario, *seed)))
        };
        found.iter().filter_map(of_one).collect()
    }

    // ---- telling ----------------------------------------------------------------------------------------------

    fn headline(&self, scenarios: usize, seeds: usize, width: usize, out: &mut impl Write) -> io::Result<()> {
        if self.format == Format::Json {
            return Ok(());
        }
        let (scenarios, seeds) = (counted(scenarios as u64, "scenario"), counted(seeds as u64, "seed"));
        let how = format!("{}, {}", value_name(&self.profile), self.rules.text());
        writeln!(out, "{scenarios}, {seeds} each ({how})\n")?;
        let titles = ["seeds", "events", "messages", "violations"];
        writeln!(
            out,
            "{:width$}  {:>9}  {:>13}  {:>13}  {:>10}",
            "scenario", titles[0], titles[1], titles[2], titles[3]
        )
    }

    fn row(&self, scenario: &Scenario, explored: &Explored, width: usize, out: &mut impl Write) -> io::Result<()> {
        let Explored { seeds, events, messages, fingerprint, .. } = *explored;
        let (name, violations) = (scenario.name.as_str(), explored.violations.len() as u64);
        let limits = explored.limits.len() as u64;
        match self.format {
            Format::Json => {
                let fingerprint = record::hex(fingerprint);
                let scenario = name;
                record::write(
                    out,
                    &Record::Scenario { scenario, seeds, events, messages, violations, limits, fingerprint },
                )
            }
            Format::Text => {
                let [seeds, events, messages, violations] = [seeds, events, messages, violations].map(grouped);
                writeln!(out, "{name:width$}  {seeds:>9}  {events:>13}  {messages:>13}  {violations:>10}")?;
                match explored.limits.first() {
                    Some((seed, limit)) => writeln!(
                        out,
                        "  {} came to a limit of the simulator, neither held nor broke: the first, {}, to {limit}",
                        counted(limits, "seed"),
                        seed.0
                    ),
                    None => Ok(()),
                }
            }
        }
    }

    /// Plays one scenario's failures again, tells them, and gives back how any was not like the first time.
    fn retell(&self, context: &Context, failures: &[Failure<'_>], out: &mut impl Write) -> Result<Vec<String>, Stop> {
        let stage = self.stage(context);
        let folders = Folders { keep: self.keep.as_deref(), html: self.html.as_deref() };
        match self.format {
            Format::Text => tell(stage, failures, folders, out),
            Format::Json => list(stage, failures, folders, out),
        }
    }

    fn summarize(&self, context: &Context, found: &Found<'_>, out: &mut impl Write) -> io::Result<()> {
        let sum = |count: fn(&Explored) -> u64| found.iter().map(|(_, explored)| count(explored)).sum::<u64>();
        let (seeds, events) = (sum(|explored| explored.seeds), sum(|explored| explored.events));
        let (messages, limits) = (sum(|explored| explored.messages), sum(|explored| explored.limits.len() as u64));
        let violations = sum(|explored| explored.violations.len() as u64);
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
        match self.format {
            Format::Json => record::write(
                out,
                &Record::Summary {
                    scenarios: found.len() as u64,
                    seeds,
                    events,
                    messages,
                    violations,
                    limits,
                    cells: matrix.records(),
                    cells_reached: matrix.reached() as u64,
                    probes: matrix.probes(),
                    fingerprint,
                    plain: record::hex(plain),
                    played_again: again,
                },
            ),
            Format::Text => {
                let all = self.coverage || context.detail == Detail::Verbose;
                if context.detail > Detail::Quiet {
                    writeln!(out, "\n{}", matrix.text(all))?;
                    if all {
                        writeln!(out, "\n{tried}\n")?;
                    }
                    writeln!(out, "{}", tried.summary())?;
                }
                let (runs, events) = (counted(seeds, "run"), counted(events, "event"));
                let (messages, violations) = (counted(messages, "message"), counted(violations, "violation"));
                let same = match sum(|explored| explored.differences.len() as u64) {
                    0 => "the same each time".to_string(),
                    some => format!("{} NOT the same each time", grouped(some)),
                };
                let again = grouped(again);
                writeln!(out, "{again} of them played three times, once with fuel in slices: {same}")?;
                writeln!(out, "{runs}, {events}, {messages}: {violations}, fingerprint {fingerprint}")
            }
        }
    }
}

/// The first failure in full, and of the others what the first does not show.
fn tell(
    stage: Stage<'_>,
    failures: &[Failure<'_>],
    folders: Folders<'_>,
    out: &mut impl Write,
) -> Result<Vec<String>, Stop> {
    let Some((first, others)) = failures.split_first() else { return Ok(Vec::new()) };
    let retold = stage.retell(first)?;
    keep_plan(folders.keep, stage, first, &retold)?;
    write!(out, "\n{}", retold.report(first).unwrap_or_default())?;
    if let Some(file) = retold.draw(folders.html, first, stage)? {
        writeln!(out, "  picture: {}", file.display())?;
    }
    match first.seeds - 1 {
        0 => writeln!(out, "  only seed {} broke it", first.seed.0)?,
        more => writeln!(out, "  seed {} was the first to break it, of {}", first.seed.0, counted(more + 1, "seed"))?,
    }
    for other in others {
        let Failure { scenario, claim, seed, seeds, .. } = other;
        if retold.violation(claim).is_none() {
            writeln!(out, "\n{}: BROKEN in {}, too, under {}", claim.rule, scenario.name, counted(*seeds, "seed"))?;
            writeln!(out, "  says: {}", fold(claim.says, 8))?;
            writeln!(out, "  replay: {}", stage.seed_line(scenario, *seed))?;
            if folders.html.is_some()
                && let Some(file) = stage.retell(other)?.draw(folders.html, other, stage)?
            {
                writeln!(out, "  picture: {}", file.display())?;
            }
        }
    }
    Ok(retold.drift.into_iter().collect())
}

/// Every failure, for programs.
fn list(
    stage: Stage<'_>,
    failures: &[Failure<'_>],
    folders: Folders<'_>,
    out: &mut impl Write,
) -> Result<Vec<String>, Stop> {
    let mut drifts = Vec::new();
    for failure in failures {
        let retold = stage.retell(failure)?;
        keep_plan(folders.keep, stage, failure, &retold)?;
        retold.draw(folders.html, failure, stage)?;
        let violation = retold.violation(&failure.claim);
        let record = Record::Violation {
            scenario: &failure.scenario.name,
            seed: failure.seed.0,
            rule: failure.claim.rule.id(),
            says: failure.claim.says,
            facts: violation.map_or("", |violation| &violation.facts),
            at: violation.and_then(|violation| Some(violation.at?.0)),
            seeds: failure.seeds,
            plan: record::lines(&retold.plan),
            replay: &retold.replay[0],
            replay_plan: retold.replay.get(1).map(String::as_str),
            test: retold.test.as_deref(),
            drift: retold.drift.is_some(),
        };
        record::write(out, &record)?;
        drifts.extend(retold.drift);
    }
    Ok(drifts)
}

/// Writes a plan to a file of its own, if a folder was named for them: `down-restart-k2-d6.plan`.
fn keep_plan(keep: Option<&Path>, stage: Stage<'_>, failure: &Failure<'_>, retold: &Retold) -> Result<(), Stop> {
    let (Some(folder), None) = (keep, &retold.drift) else { return Ok(()) };
    let kept = retold.regression(failure, stage.rules);
    let name = format!("{} {} {}.plan", kept.scenario, failure.claim.rule.id().replace('.', "-"), kept.kernel);
    let path = folder.join(name.replace(' ', "-").to_lowercase());
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, kept.to_string()));
    written.map_err(|error| Stop::Wrong(format!("--keep: {}: {error}", path.display())))
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
    use super::super::{Command, CommandLine};
    use super::*;
    use crate::invariant::{Claim, Invariant, Past};
    use crate::trace::event::{Event, Kind};
    use clap::Parser;
    use kernel_core::{Cause, Names};

    /// An invariant with a bug of its own, or one that always breaks.
    #[derive(Clone)]
    struct Odd(fn() -> Result<(), String>);

    impl Invariant for Odd {
        fn claim(&self) -> Claim {
            Claim::own("odd", "a node never boots")
        }

        fn reads(&self) -> &'static [Kind] {
            &[Kind::Booted]
        }

        fn on_event(&mut self, _: Cause, _: &Event, _: &Past, _: &Names) -> Result<(), String> {
            self.0()
        }
    }

    /// What `explore` comes to with these arguments, and what it writes.
    fn explored(invariant: fn() -> Box<dyn Invariant>, arguments: &[&str]) -> (Result<Outcome, Stop>, String) {
        let scenarios = vec![Scenario::new("it", "").holding(invariant)];
        let detail = Detail::default();
        let context = Context { scenarios, program: "kinode-sim".to_string(), loader: Loader::default(), detail };
        let line = ["kinode-sim", "explore", "--seeds", "3"].iter().chain(arguments);
        let line = CommandLine::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
        let Some(command @ Command::Explore(_)) = &line.command else { panic!("it is another command") };
        let mut out = Vec::new();
        let result = context.run(Some(command), &mut out);
        (result, String::from_utf8(out).expect("what is written is text"))
    }

    #[test]
    fn a_panic_of_the_simulator_ends_with_the_line_that_replays_it() {
        for jobs in ["1", "2"] {
            let (result, _) = explored(|| Box::new(Odd(|| panic!("our own bug"))), &["--jobs", jobs]);
            let Err(Stop::Bug(text)) = result else { panic!("{result:?}") };
            assert!(text.contains("our own bug") && text.contains("replay: kinode-sim replay it --seed 0"), "{text}");
        }
    }

    #[test]
    fn a_broken_rule_is_told_with_claim_fact_plan_events_and_lines_to_paste() {
        let invariant: fn() -> Box<dyn Invariant> = || Box::new(Odd(|| Err("it did".to_string())));
        let (result, text) = explored(invariant, &["--deviation", "D2", "--profile", "stormy"]);
        assert_eq!(result.ok(), Some(Outcome::Violated));
        for part in [
            "odd: BROKEN in it\n  says: a node never boots\n  but:  it did\n  plan: calm",
            "\n  >     0.000000s #0     alice.os boots, for the 1st time\n",
            "  replay: kinode-sim replay it --deviation D2 --profile stormy --seed 0\n",
            "      or: kinode-sim replay it --deviation D2 calm\n",
            "0 of 12 cells reached, 0 of 48 parts",
        ] {
            assert!(text.contains(part), "no {part:?} in\n{text}");
        }
    }

    #[test]
    fn a_run_that_is_not_the_same_twice_is_our_bug() {
        use std::sync::atomic::{AtomicU32, Ordering};
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let invariant: fn() -> Box<dyn Invariant> =
            || Box::new(Odd(|| Err(format!("for the {}. time", RUNS.fetch_add(1, Ordering::Relaxed)))));
        let (result, _) = explored(invariant, &["--jobs", "1"]);
        let Err(Stop::Bug(text)) = result else { panic!("{result:?}") };
        assert!(text.contains("the same seed came to another end") && text.contains("it --seed 0"), "{text}");
    }
}
