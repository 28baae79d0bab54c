//! `explore`: many seeds of many scenarios.

mod summary;
mod telling;

use super::args::{Jobs, ReportFormat as Format, Rules, Seeds, Shard, value_name};
use super::failure::{Stage, broken, refuse_own_panics};
use super::merge;
use super::report::Reports;
use super::status::Status;
use super::stop::{Stops, Watch};
use super::{Context, Outcome, Stop, bug, wrong_scenario};
use crate::explore::pool::default_jobs;
use crate::explore::{Explored, explore_until, run_seed};
use crate::guest::image::Loader;
use crate::plan::chooser::{Profile, Seed};
use crate::scenario::Scenario;
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use summary::{Junit, Markdown, Summary};
use telling::Telling;

/// Play many seeds, check every rule, shrink each failure, and show what was reached
#[derive(clap::Args)]
pub(super) struct Explore {
    /// The scenarios, by name or pattern (`kill-*`); all of them if none is named
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// The number of seeds of each scenario, or a range: from A up to, but not including, B
    #[arg(long, value_name = "N|A..B", default_value = "100", env = "KINODE_SIM_SEEDS")]
    seeds: Seeds,
    /// How much goes wrong
    #[arg(long, default_value = "swarm", env = "KINODE_SIM_PROFILE")]
    profile: Profile,
    #[command(flatten)]
    rules: Rules,
    /// The number of threads; as many as there are processors if not given
    #[arg(long, value_name = "N", env = "KINODE_SIM_JOBS")]
    jobs: Option<Jobs>,
    /// Only the I-th of N parts of the seeds, to share the work between machines
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Keep the plan of each failure that is told in full, in this folder: see scenarios/regressions
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Draw each failure: a page for a browser, in this folder
    #[arg(long, value_name = "FOLDER")]
    html: Option<PathBuf>,
    #[command(flatten)]
    stops: Stops,
    /// Print what no run reached, and how often each command and each call was tried in each state
    #[arg(long)]
    coverage: bool,
    #[command(flatten)]
    reports: Reports,
    /// The form of the results
    #[arg(long, default_value = "text")]
    format: Format,
}

/// What was found, scenario by scenario.
type Found<'a> = Vec<(&'a Scenario, Explored)>;

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
        self.reports.check([].iter())?;
        let mut watch = self.stops.watch();
        let mut telling = Telling::default();
        if let (Some(shard), Format::Json) = (self.shard, self.format) {
            merge::write_header(&self.line(&scenarios), shard, out)?;
        }
        let found = self.explore_all(context, &scenarios, &seeds, &mut taken, &mut watch, &mut telling, out)?;
        if self.format == Format::Json {
            for (scenario, explored) in &found {
                telling.drifts.extend(self.list(context, &broken(scenario, explored), out)?);
            }
        }
        telling.drifts.extend(self.differences(context, &found));
        let (scenarios, seeds, halt) = (&scenarios[..], &seeds[..], watch.halt);
        let summary = Summary { explore: self, context, scenarios, seeds, found: &found, told: &telling.told, halt };
        match self.format {
            Format::Text | Format::Json => self.summarize(&summary, out)?,
            Format::Junit => write!(out, "{}", Junit(&summary))?,
        }
        self.reports.write(&Markdown(&summary))?;
        if !telling.drifts.is_empty() {
            return Err(Stop::Bug(telling.drifts.join("\n")));
        }
        refuse_own_panics(&self.panics(context, &found))?;
        Ok(summary.outcome())
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

    /// How the results are told: in which format, with or without the coverage tables, and where files go.
    pub(super) fn told(
        &mut self,
        format: Format,
        coverage: bool,
        reports: Reports,
        keep: Option<PathBuf>,
        html: Option<PathBuf>,
    ) {
        (self.format, self.coverage, self.reports) = (format, coverage, reports);
        (self.keep, self.html) = (keep, html);
    }

    // ---- running ----------------------------------------------------------------------------------------------

    #[expect(clippy::too_many_arguments, reason = "what a search is made of, once")]
    fn explore_all<'a>(
        &self,
        context: &Context,
        scenarios: &[&'a Scenario],
        seeds: &[Seed],
        taken: &mut Option<BTreeMap<String, Explored>>,
        watch: &mut Watch,
        telling: &mut Telling,
        out: &mut impl Write,
    ) -> Result<Found<'a>, Stop> {
        let width = scenarios.iter().map(|scenario| scenario.name.chars().count()).max().unwrap_or(0).max(8);
        self.headline(context, scenarios.len(), seeds.len(), width, out)?;
        let mut status = Status::of(scenarios.len() * seeds.len());
        let bar = status.bar.clone();
        let mut found = Vec::new();
        for scenario in scenarios {
            status.begin(&scenario.name);
            telling.begin();
            let explored = match taken {
                Some(taken) => {
                    let explored = taken.remove(&scenario.name).unwrap_or_default();
                    for (seed, verdict) in &explored.violations {
                        self.tell_run(context, scenario, *seed, verdict, telling, out)?;
                    }
                    explored
                }
                None => self.explore_one(context, scenario, seeds, watch, &mut status, telling, out)?,
            };
            telling.count(&broken(scenario, &explored));
            bar.suspend(|| self.row(context, scenario, &explored, width, out))?;
            if self.shard.is_some() && self.format == Format::Json {
                merge::write_runs(&scenario.name, &explored, out)?;
            }
            found.push((*scenario, explored));
            if watch.halt.is_some() {
                break;
            }
        }
        Ok(found)
    }

    /// Explores one scenario. Each failure is told as soon as its run is over.
    #[expect(clippy::too_many_arguments, reason = "what a search is made of, once")]
    fn explore_one(
        &self,
        context: &Context,
        scenario: &Scenario,
        seeds: &[Seed],
        watch: &mut Watch,
        status: &mut Status,
        telling: &mut Telling,
        out: &mut impl Write,
    ) -> Result<Explored, Stop> {
        let options = self.rules.options(scenario);
        let jobs = self.jobs.map_or_else(default_jobs, |Jobs(jobs)| jobs);
        let mut stopped = None;
        let explored = bug::guard(|| {
            explore_until(
                scenario,
                (self.seeds.first(), seeds),
                self.profile,
                &options,
                &context.loader,
                jobs,
                |seed, run| {
                    status.run(run);
                    watch.saw(&run.verdict);
                    if !telling.new_in(&run.verdict).is_empty() {
                        let told = || self.tell_run(context, scenario, seed, &run.verdict, telling, out);
                        if let Err(stop) = status.bar.suspend(told) {
                            stopped = Some(stop);
                            return ControlFlow::Break(());
                        }
                    }
                    watch.look()
                },
            )
        });
        if let Some(stop) = stopped {
            return Err(stop);
        }
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
}

#[cfg(test)]
mod tests {
    use super::super::{Command, CommandLine, Detail};
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
        explored_or_taken(invariant, arguments, None)
    }

    /// The same, if shards have explored this already.
    fn explored_or_taken(
        invariant: fn() -> Box<dyn Invariant>,
        arguments: &[&str],
        taken: Option<Explored>,
    ) -> (Result<Outcome, Stop>, String) {
        let scenarios = vec![Scenario::new("it", "").holding(invariant)];
        let (program, listed) = ("kinode-sim".to_string(), "mine::all()".to_string());
        let line = ["kinode-sim", "explore", "--seeds", "3"].iter().chain(arguments);
        let line = CommandLine::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
        let detail = if line.quiet { Detail::Quiet } else { Detail::default() };
        let context = Context { scenarios, program, listed, loader: Loader::default(), detail };
        let Some(Command::Explore(explore)) = &line.command else { panic!("it is another command") };
        let mut out = Vec::new();
        let taken = taken.map(|explored| BTreeMap::from([("it".to_string(), explored)]));
        let result = explore.run_or_take(&context, taken, &mut out);
        (result, String::from_utf8(out).expect("what is written is text"))
    }

    #[test]
    fn a_search_is_inconclusive_if_a_run_reached_a_bound_and_says_how_to_replay_it() {
        let limits = vec![(Seed(1), "5000000 events".to_string())];
        let taken = || Some(Explored { seeds: 3, limits: limits.clone(), ..Explored::default() });
        let held: fn() -> Box<dyn Invariant> = || Box::new(Odd(|| Ok(())));
        let (result, text) = explored_or_taken(held, &["-q"], taken());
        assert_eq!(result.ok(), Some(Outcome::Inconclusive));
        let says = "INCONCLUSIVE: 1 run reached a bound of the simulator and neither held nor broke; the first: \
                    5000000 events\n  replay: kinode-sim replay it --seed 1\n";
        assert!(text.ends_with(says), "{text}");
        let (_, junit) = explored_or_taken(held, &["--format", "junit"], taken());
        assert!(junit.contains("tests=\"1\" failures=\"0\" skipped=\"1\""), "{junit}");
        assert!(junit.contains("<skipped message=\"seed 1 reached a bound of the simulator: 5000000 events\"/>"));
    }

    #[test]
    fn a_failure_is_told_when_it_is_found_and_counted_when_the_scenario_is_over() {
        let (_, text) = explored(|| Box::new(Odd(|| Err("it did".to_string()))), &[]);
        let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("no {part:?} in\n{text}"));
        let parts =
            ["odd: BROKEN in it", "seed 0 is the first that breaks it", "\nit  ", "broken: odd in it, under 3 seeds"];
        assert!(parts.map(place).is_sorted(), "{text}");
        assert_eq!(text.matches("odd: BROKEN in it").count(), 1, "{text}");
    }

    #[test]
    fn quiet_prints_what_broke_and_the_last_lines_and_nothing_else() {
        let (result, text) = explored(|| Box::new(Odd(|| Ok(()))), &["-q"]);
        assert_eq!(result.ok(), Some(Outcome::Held));
        assert!(text.starts_with("3 runs, ") && text.lines().count() == 1, "{text}");
        let (_, text) = explored(|| Box::new(Odd(|| Err("it did".to_string()))), &["-q"]);
        assert!(text.contains("odd: BROKEN in it") && text.contains("broken: odd in it"), "{text}");
        assert!(!text.contains("cells reached") && !text.contains("3 seeds each"), "{text}");
    }

    #[test]
    fn a_scenario_is_a_test_of_junit_and_each_failure_of_it_is_one() {
        let (result, xml) = explored(|| Box::new(Odd(|| Err("<it> & did".to_string()))), &["--format", "junit"]);
        assert_eq!(result.ok(), Some(Outcome::Violated));
        for part in [
            "<testsuite name=\"explore\" tests=\"1\" failures=\"1\" skipped=\"0\">",
            "<testcase classname=\"explore\" name=\"it: odd\">",
            "<failure type=\"odd\" message=\"a node never boots\">odd: BROKEN in it",
            "but:  &lt;it&gt; &amp; did",
            "3 violations</system-out>",
        ] {
            assert!(xml.contains(part), "no {part:?} in\n{xml}");
        }
        let (_, xml) = explored(|| Box::new(Odd(|| Ok(()))), &["--format", "junit"]);
        assert!(xml.contains("    <testcase classname=\"explore\" name=\"it\"/>\n"), "{xml}");
        assert!(!xml.contains("<failure") && !xml.contains("<skipped"), "{xml}");
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
