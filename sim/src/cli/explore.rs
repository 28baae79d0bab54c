//! `explore`: many seeds of many scenarios.

use super::args::{Format, Jobs, Rules, Seeds, Shard, Time, quoted, value_name};
use super::failure::{Broken, Stage, broken};
use super::matrix::Matrix;
use super::merge;
use super::reach::Tried;
use super::record::{self, Record};
use super::status::Status;
use super::stop::{self, Halt};
use super::text::{counted, grouped};
use super::{Context, Detail, Outcome, Stop, bug, wrong_scenario};
use crate::explore::failure::Signature;
use crate::explore::pool::default_jobs;
use crate::explore::report::fold;
use crate::explore::{Explored, explore_until, run_seed};
use crate::guest::image::Loader;
use crate::plan::chooser::{Profile, Seed};
use crate::scenario::Scenario;
use crate::trace::Fingerprint;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::PathBuf;
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
    /// Stop at the first failure
    #[arg(long, conflicts_with = "max_failures")]
    fail_fast: bool,
    /// Stop when so many different failures were found: by rule and, for a panic, place
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_failures: Option<u64>,
    /// Stop after this time: 90s, 10m, 2h. Where it stops depends on the machine
    #[arg(long, value_name = "TIME")]
    time_limit: Option<Time>,
    /// Print what no run reached, and how often each command and each call was tried in each state
    #[arg(long)]
    coverage: bool,
    /// The form of the results
    #[arg(long, default_value = "text")]
    format: Format,
}

/// What was found, scenario by scenario.
type Found<'a> = Vec<(&'a Scenario, Explored)>;

/// A failure that was told, and where else it was found.
struct Told {
    signature: Signature,
    /// The scenarios in which it was found, the one that was told first.
    scenarios: Vec<String>,
    seeds: u64,
    line: String,
}

impl Explore {
    pub(super) fn run(&self, context: &Context, out: &mut impl Write) -> Result<Outcome, Stop> {
        self.run_or_take(context, None, out)
    }

    /// Explores, or takes what shards have explored, by scenario.
    pub(super) fn run_or_take(
        &self,
        context: &Context,
        mut taken: Option<BTreeMap<String, Explored>>,
        out: &mut impl Write,
    ) -> Result<Outcome, Stop> {
        let scenarios = context.select(&self.scenarios)?;
        let seeds = self.seeds.of(self.shard);
        for scenario in &scenarios {
            context.check(scenario, &self.rules.options(scenario))?;
        }
        if let Some(folder) = &self.keep {
            let made = std::fs::create_dir_all(folder);
            made.map_err(|error| Stop::Wrong(format!("--keep: {}: {error}", folder.display())))?;
        }
        let mut watch = stop::Watch::begin(self.time_limit.map(|Time(time)| time));
        let (mut told, mut drifts) = (Vec::new(), Vec::new());
        if let (Some(shard), Format::Json) = (self.shard, self.format) {
            merge::write_header(&self.line(&scenarios), shard, out)?;
        }
        let found =
            self.explore_all(context, &scenarios, &seeds, &mut taken, &mut watch, (&mut told, &mut drifts), out)?;
        if self.format == Format::Json {
            for (scenario, explored) in &found {
                drifts.extend(self.list(context, &broken(scenario, explored), out)?);
            }
        }
        drifts.extend(self.differences(context, &found));
        self.summarize(context, &found, watch.halt, out)?;
        if self.format == Format::Text {
            self.tell_last(context, &scenarios, &found, &seeds, watch.halt, &told, out)?;
        }
        if !drifts.is_empty() {
            return Err(Stop::Bug(drifts.join("\n")));
        }
        if let Some(text) = self.panics(context, &found) {
            return Err(Stop::Wrong(text));
        }
        let held = found.iter().all(|(_, explored)| explored.violations.is_empty());
        Ok(match watch.halt {
            Some(Halt::Interrupted) => Outcome::Interrupted,
            _ if held => Outcome::Held,
            _ => Outcome::Violated,
        })
    }

    /// The arguments that explore the same, without a shard.
    fn line(&self, scenarios: &[&Scenario]) -> Vec<String> {
        let mut line = vec!["explore".to_string()];
        line.extend(scenarios.iter().map(|scenario| scenario.name.clone()));
        line.extend(["--seeds".to_string(), self.seeds.text(), "--profile".to_string(), value_name(&self.profile)]);
        line.extend(self.rules.flags().split_whitespace().map(str::to_string));
        line
    }

    /// The seeds of the whole exploration.
    pub(super) fn seeds(&self) -> Seeds {
        self.seeds
    }

    /// How the results are printed: in which format, with or without the coverage tables, and where files go.
    pub(super) fn told(&mut self, format: Format, coverage: bool, keep: Option<PathBuf>, html: Option<PathBuf>) {
        (self.format, self.coverage, self.keep, self.html) = (format, coverage, keep, html);
    }

    // ---- running ----------------------------------------------------------------------------------------------

    #[expect(clippy::too_many_arguments, reason = "what a search is made of, once")]
    fn explore_all<'a>(
        &self,
        context: &Context,
        scenarios: &[&'a Scenario],
        seeds: &[Seed],
        taken: &mut Option<BTreeMap<String, Explored>>,
        watch: &mut stop::Watch,
        (told, drifts): (&mut Vec<Told>, &mut Vec<String>),
        out: &mut impl Write,
    ) -> Result<Found<'a>, Stop> {
        let width = scenarios.iter().map(|scenario| scenario.name.chars().count()).max().unwrap_or(0).max(8);
        self.headline(scenarios.len(), seeds.len(), width, out)?;
        let mut status = Status::of(scenarios.len() * seeds.len());
        let bar = status.bar.clone();
        let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
        for scenario in scenarios {
            status.begin(&scenario.name);
            let explored = match taken {
                Some(taken) => taken.remove(&scenario.name).unwrap_or_default(),
                None => self.explore_one(context, scenario, seeds, watch, &mut seen, &mut status)?,
            };
            status.end(&explored);
            bar.suspend(|| self.row(scenario, &explored, width, out))?;
            if self.shard.is_some() && self.format == Format::Json {
                merge::write_runs(&scenario.name, &explored, out)?;
            }
            if self.format == Format::Text {
                let new = broken(scenario, &explored);
                bar.suspend(|| self.tell(context, &new, (&mut *told, &mut *drifts), out))?;
            }
            found.push((*scenario, explored));
            if watch.halt.is_some() {
                break;
            }
        }
        Ok(found)
    }

    fn explore_one(
        &self,
        context: &Context,
        scenario: &Scenario,
        seeds: &[Seed],
        watch: &mut stop::Watch,
        seen: &mut BTreeSet<Signature>,
        status: &mut Status,
    ) -> Result<Explored, Stop> {
        let options = self.rules.options(scenario);
        let jobs = self.jobs.map_or_else(default_jobs, |Jobs(jobs)| jobs);
        let most = if self.fail_fast { Some(1) } else { self.max_failures };
        let explored = bug::guard(|| {
            explore_until(
                scenario,
                (self.seeds.first(), seeds),
                self.profile,
                &options,
                &context.loader,
                jobs,
                |_, verdict| {
                    status.run(verdict);
                    seen.extend(verdict.violations().iter().map(Signature::of));
                    watch.look(most.is_some_and(|most| seen.len() as u64 >= most))
                },
            )
        });
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

    /// Tells what broke in a scenario: each failure once, with the scenario in which it was found first.
    fn tell(
        &self,
        context: &Context,
        all: &[Broken<'_>],
        (told, drifts): (&mut Vec<Told>, &mut Vec<String>),
        out: &mut impl Write,
    ) -> Result<(), Stop> {
        let stage = self.stage(context);
        let mut shown: Option<super::failure::Retold> = None;
        for broken in all {
            let Broken { scenario, signature, seed, seeds } = broken;
            if let Some(known) = told.iter_mut().find(|told| told.signature == *signature) {
                known.scenarios.push(scenario.name.clone());
                known.seeds += seeds;
                continue;
            }
            let mut line = stage.seed_line(scenario, *seed);
            let is_shown = shown.as_ref().is_some_and(|shown| shown.shows(signature));
            if is_shown {
                line = shown.as_ref().map_or(line, |shown| shown.line().to_string());
            } else if shown.is_none() {
                let retold = stage.retell(broken)?;
                line = retold.line().to_string();
                drifts.extend(retold.failure.as_ref().err().cloned());
                self.keep_plan(broken, &retold)?;
                write!(out, "\n{}", retold.report().unwrap_or_default())?;
                match seeds {
                    1 => writeln!(out, "  only seed {} broke it\n", seed.0)?,
                    _ => {
                        writeln!(out, "  seed {} was the first to break it, of {}\n", seed.0, counted(*seeds, "seed"))?
                    }
                }
                if let Some(file) = retold.draw(self.html.as_deref(), broken, stage)? {
                    writeln!(out, "  picture: {}\n", file.display())?;
                }
                shown = Some(retold);
            } else {
                let id = signature.claim.rule.id();
                writeln!(out, "{id}: BROKEN in {}, too, under {}", scenario.name, counted(*seeds, "seed"))?;
                writeln!(out, "  says: {}", fold(signature.claim.says, 8))?;
                writeln!(out, "  replay: {line}")?;
                if self.html.is_some()
                    && let Some(file) = stage.retell(broken)?.draw(self.html.as_deref(), broken, stage)?
                {
                    writeln!(out, "  picture: {}", file.display())?;
                }
                writeln!(out)?;
            }
            let scenarios = vec![scenario.name.clone()];
            told.push(Told { signature: signature.clone(), scenarios, seeds: *seeds, line });
        }
        Ok(())
    }

    /// Every failure of a scenario, for programs. Gives back how any was not like the first time.
    fn list(&self, context: &Context, all: &[Broken<'_>], out: &mut impl Write) -> Result<Vec<String>, Stop> {
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
    fn keep_plan(&self, broken: &Broken<'_>, retold: &super::failure::Retold) -> Result<(), Stop> {
        let (Some(folder), Ok(failure)) = (&self.keep, &retold.failure) else { return Ok(()) };
        let kept = failure.regression(self.rules.kernels());
        let name =
            format!("{} {} {}.plan", kept.scenario, broken.signature.claim.rule.id().replace('.', "-"), kept.kernel);
        let path = folder.join(name.replace(' ', "-").to_lowercase());
        let written = std::fs::write(&path, kept.to_string());
        written.map_err(|error| Stop::Wrong(format!("--keep: {}: {error}", path.display())))
    }

    /// The last lines on the screen: what broke and the line that replays it; and where to go on, if it was stopped.
    #[expect(clippy::too_many_arguments, reason = "what a search is made of, once")]
    fn tell_last(
        &self,
        context: &Context,
        scenarios: &[&Scenario],
        found: &Found<'_>,
        seeds: &[Seed],
        halt: Option<Halt>,
        told: &[Told],
        out: &mut impl Write,
    ) -> io::Result<()> {
        for Told { signature, scenarios, seeds, line } in told {
            let others = match scenarios.len() - 1 {
                0 => String::new(),
                more => format!(" and in {}", counted(more as u64, "more scenario")),
            };
            let place = signature.place.as_ref().map_or(String::new(), |place| format!(" at {place}"));
            let (rule, first, seeds) = (signature.claim.rule, &scenarios[0], counted(*seeds, "seed"));
            writeln!(out, "broken: {rule}{place} in {first}{others}, under {seeds}\n  replay: {line}")?;
        }
        let (Some(halt), Some((last, explored))) = (halt, found.last()) else { return Ok(()) };
        let (done, all) = (explored.seeds as usize, seeds.len());
        let left = scenarios.len() - found.len();
        writeln!(out, "stopped {halt}, after {done} of {} of {}", counted(all as u64, "seed"), last.name)?;
        let flags = self.rules.flags();
        let profile = match self.profile {
            Profile::Swarm => String::new(),
            other => format!(" --profile {}", value_name(&other)),
        };
        let program = &context.program;
        if let (Some(from), Some(to), None) = (seeds.get(done), seeds.last(), self.shard) {
            let (name, to) = (quoted(&last.name), to.0 + 1);
            writeln!(out, "  go on: {program} explore {name} --seeds {}..{to}{profile}{flags}", from.0)?;
        }
        if left > 0 {
            writeln!(out, "  not begun: {} of {}", left, counted(scenarios.len() as u64, "scenario"))?;
        }
        Ok(())
    }

    /// The scenarios' own invariants and modules that panicked: mistakes of their authors, not of ours.
    fn panics(&self, context: &Context, found: &Found<'_>) -> Option<String> {
        let stage = self.stage(context);
        let of_one = |(scenario, explored): &(&Scenario, Explored)| {
            let (seed, panic) = explored.panics.first()?;
            let seeds = counted(explored.panics.len() as u64, "seed");
            let (name, line) = (&scenario.name, stage.seed_line(scenario, *seed));
            Some(format!("scenario `{name}`: {panic} (under {seeds})\n  replay: {line}"))
        };
        let all: Vec<String> = found.iter().filter_map(of_one).collect();
        (!all.is_empty()).then(|| format!("{}\n  Everything else was checked all the same.", all.join("\n")))
    }

    fn summarize(
        &self,
        context: &Context,
        found: &Found<'_>,
        halt: Option<Halt>,
        out: &mut impl Write,
    ) -> io::Result<()> {
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
                    stopped: halt.map(Halt::name),
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
        let (program, listed, detail) = ("kinode-sim".to_string(), "mine::all()".to_string(), Detail::default());
        let context = Context { scenarios, program, listed, loader: Loader::default(), detail };
        let line = ["kinode-sim", "explore", "--seeds", "3"].iter().chain(arguments);
        let line = CommandLine::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
        let Some(command @ Command::Explore(_)) = &line.command else { panic!("it is another command") };
        let mut out = Vec::new();
        let result = context.run(Some(command), &mut out);
        (result, String::from_utf8(out).expect("what is written is text"))
    }

    #[test]
    fn a_panic_of_the_scenarios_own_invariant_is_its_authors_with_its_name_and_a_line_to_replay() {
        for jobs in ["1", "2"] {
            let (result, text) = explored(|| Box::new(Odd(|| panic!("off by one"))), &["--jobs", jobs]);
            assert!(text.contains("3 runs"), "the others went on: {text}");
            let Err(Stop::Wrong(text)) = result else { panic!("{result:?}") };
            for part in ["the invariant `odd` panicked at event #0: off by one (under 3 seeds)", "replay it --seed 0"] {
                assert!(text.contains(part), "no {part:?} in\n{text}");
            }
        }
    }

    #[test]
    fn a_search_stops_at_the_first_failure_if_it_is_told_so() {
        let invariant: fn() -> Box<dyn Invariant> = || Box::new(Odd(|| Err("it did".to_string())));
        let (result, text) = explored(invariant, &["--fail-fast"]);
        assert_eq!(result.ok(), Some(Outcome::Violated));
        for part in
            ["broken: odd in it, under 1 seed\n  replay: ", "stopped by the number of failures, after 1 of 3 seeds"]
        {
            assert!(text.contains(part), "no {part:?} in\n{text}");
        }
        assert!(text.contains("go on: kinode-sim explore it --seeds 1..3\n"), "{text}");
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
        assert!(text.contains("are two runs") && text.contains("it --seed 0"), "{text}");
    }
}
