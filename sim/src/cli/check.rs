//! `check`: a user's own package.

use super::args::{Format, Rules, Seeds, quoted};
use super::record::{self, Record};
use super::text::{counted, grouped};
use super::{Context, Outcome, Stop, bug, wrong_scenario};
use crate::check::{deeds, read, scenario, unmodelled};
use crate::chooser::Profile;
use crate::explore::{explore, record_seed, run_plan};
use crate::plan::Plan;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::shrink::shrink;
use crate::sweep::{Swept, sweep};
use crate::world::{Options, Run, Verdict};
use std::io::Write;
use std::path::PathBuf;

/// How many runs shrinking may take.
const SHRINK_RUNS_MAX: usize = 300;

/// Your own package, as it is: a folder with a manifest.json, or one .wasm or .wat
#[derive(clap::Args)]
pub(super) struct Check {
    /// The folder or the file
    path: PathBuf,
    /// Its id, package:publisher; if not given: the folder's or the file's name
    #[arg(long, value_name = "PACKAGE:PUBLISHER")]
    id: Option<String>,
    /// How many seeds
    #[arg(long, value_name = "N|A..B", default_value = "200")]
    seeds: Seeds,
    /// Plays this plan only, and tells every event
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,
    #[command(flatten)]
    rules: Rules,
    /// For whom
    #[arg(long, default_value = "text")]
    format: Format,
}

impl Check {
    pub(super) fn run(&self, context: &Context, out: &mut impl Write) -> Result<Outcome, Stop> {
        let package = bug::guard(|| read(&self.path, self.id.as_deref(), &context.loader)).map_err(Stop::Bug)?;
        let scenario = scenario(package.map_err(|error| Stop::Wrong(error.to_string()))?);
        context.check(&scenario, &self.rules.options(&scenario))?;
        let checked = bug::guard(|| match &self.plan {
            Some(plan) => self.play(context, &scenario, plan, out),
            None => self.check(context, &scenario, out),
        });
        checked.unwrap_or_else(|text| Err(Stop::Bug(format!("{text}\n  in a check of {}", self.path.display()))))
    }

    fn options(&self, scenario: &Scenario) -> Options {
        Options { keep_trace: true, ..self.rules.options(scenario) }
    }

    fn play(&self, context: &Context, scenario: &Scenario, plan: &str, out: &mut impl Write) -> Result<Outcome, Stop> {
        let plan: Plan = plan.parse().map_err(|error: crate::plan::PlanError| Stop::Wrong(error.to_string()))?;
        let run = self.run_plan(context, scenario, &plan)?;
        for (index, event) in run.trace.events() {
            writeln!(out, "{}", crate::trace::line(*index, event, &run.names))?;
        }
        writeln!(out, "fingerprint {}", run.fingerprint)?;
        Ok(if run.held() { Outcome::Held } else { Outcome::Violated })
    }

    fn run_plan(&self, context: &Context, scenario: &Scenario, plan: &Plan) -> Result<Run, Stop> {
        run_plan(scenario, plan, &self.options(scenario), &context.loader).map_err(wrong_scenario(scenario))
    }

    /// The calm run, seeds, and every crash point; then the verdict.
    fn check(&self, context: &Context, scenario: &Scenario, out: &mut impl Write) -> Result<Outcome, Stop> {
        let text = self.format == Format::Text;
        let calm = self.run_plan(context, scenario, &Plan::default())?;
        if text {
            writeln!(out, "{}, installed on a node of its own; a calm run:\n", scenario.name)?;
            for (process, did) in deeds(&calm) {
                let waits = if did.receives { "and waits for messages" } else { "and does not wait for messages" };
                let (lives, calls) = (counted(u64::from(did.lives), "life"), counted(did.calls, "call"));
                let state = did.state.map_or("no state".to_string(), |bytes| format!("{bytes} bytes of state"));
                let received = counted(did.received, "message");
                writeln!(out, "  {process}: {lives}, {calls}, {received} received, {state}, {waits}")?;
                did.prints.iter().try_for_each(|line| writeln!(out, "      prints {line:?}"))?;
                did.panicked.iter().try_for_each(|words| writeln!(out, "      PANICS: {words}"))?;
            }
        }
        let options = self.rules.options(scenario);
        // What breaks when nothing goes wrong needs no storm to be found.
        let calm_broke = matches!(calm.verdict, Verdict::Violated(_));
        let seeds = if calm_broke { Vec::new() } else { self.seeds.of(None) };
        let jobs = std::thread::available_parallelism().map_or(1, Into::into);
        let explored = explore(scenario, &seeds, Profile::Swarm, &options, &context.loader, jobs, || {});
        let explored = explored.map_err(wrong_scenario(scenario))?;
        let swept = match calm_broke {
            true => Swept::default(),
            false => sweep(scenario, &options, &context.loader, |_, _| true).map_err(wrong_scenario(scenario))?,
        };
        let broken = match (&calm.verdict, explored.violations.first(), swept.violations.first()) {
            (Verdict::Violated(_), _, _) => Some(Plan::default()),
            (_, _, Some((plan, _))) => Some(plan.clone()),
            (_, Some((seed, _)), None) => {
                let run = record_seed(scenario, *seed, Profile::Swarm, &options, &context.loader);
                run.map_err(wrong_scenario(scenario))?.plan
            }
            (_, None, None) => None,
        };
        let missing = unmodelled(&calm);
        let limits = explored.limits.len() + swept.limits.len();
        let verdict = match (&broken, missing.is_empty() && limits == 0) {
            (Some(_), _) => "FAILED",
            (None, false) => "INCONCLUSIVE",
            (None, true) => "PASSED",
        };
        let violations = (explored.violations.len() + swept.violations.len()) as u64;
        let replay = broken.map(|plan| self.shrink(context, scenario, plan)).transpose()?;
        let line = replay.as_ref().map(|(plan, _)| {
            let flags = self.rules.flags();
            let path = quoted(&self.path.display().to_string());
            format!("{} check {path}{flags} --plan {}", context.program, quoted(&plan.one_line()))
        });
        if !text {
            let record = Record::Check {
                package: &scenario.name,
                verdict,
                seeds: explored.seeds,
                points: swept.visited as u64,
                violations,
                unmodelled: &missing,
                replay: line.as_deref(),
            };
            record::write(out, &record)?;
        } else {
            let (seeds, points) = (grouped(explored.seeds), grouped(swept.points as u64));
            writeln!(out, "\n{seeds} seeds; {} of {points} crash points visited", grouped(swept.visited as u64))?;
            for asked in &missing {
                writeln!(out, "not modelled: {asked}")?;
            }
            if limits > 0 {
                writeln!(out, "{} reached a bound of the simulator", counted(limits as u64, "run"))?;
            }
            if let (Some((plan, run)), Some(line)) = (&replay, &line) {
                self.report(scenario, plan, run, line, out)?;
            }
            writeln!(out, "\n{verdict}: {}", self.sentence(verdict, violations))?;
        }
        Ok(if verdict == "PASSED" { Outcome::Held } else { Outcome::Violated })
    }

    fn sentence(&self, verdict: &str, violations: u64) -> String {
        match verdict {
            "PASSED" => {
                "its processes survive being killed, crashed, restarted and rebooted at every point".to_string()
            }
            "FAILED" => format!("{} broke a rule; the first, made small, is above", counted(violations.max(1), "run")),
            _ => "nothing broke, but it used what the simulator does not have".to_string(),
        }
    }

    /// The plan made small, and its run.
    fn shrink(&self, context: &Context, scenario: &Scenario, plan: Plan) -> Result<(Plan, Run), Stop> {
        let rule = |run: &Run| match &run.verdict {
            Verdict::Violated(all) => all.first().map(|violation| violation.rule.id),
            Verdict::Held | Verdict::Limit(_) => None,
        };
        let first = rule(&self.run_plan(context, scenario, &plan)?);
        let fails = |plan: &Plan| self.run_plan(context, scenario, plan).is_ok_and(|run| rule(&run) == first);
        let shrunk = shrink(plan, SHRINK_RUNS_MAX, fails).plan;
        let run = self.run_plan(context, scenario, &shrunk)?;
        Ok((shrunk, run))
    }

    fn report(
        &self,
        scenario: &Scenario,
        plan: &Plan,
        run: &Run,
        line: &str,
        out: &mut impl Write,
    ) -> Result<(), Stop> {
        let Verdict::Violated(violations) = &run.verdict else { return Ok(()) };
        let (replay, violation) = ([line.to_string()], &violations[0]);
        let report = Report { scenario: &scenario.name, violation, run, plan, shrunk_from: None, replay: &replay };
        writeln!(out, "\n{report}")?;
        Ok(())
    }
}
