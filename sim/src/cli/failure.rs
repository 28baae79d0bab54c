//! Failing seeds, played again: the same verdict, a plan, a shorter plan, and a line to paste.

use super::args::{Rules, quoted, value_name};
use super::look;
use super::{Context, Stop, bug, wrong_scenario};
use crate::explore::pasted::rust_test;
use crate::explore::regression::Regression;
use crate::explore::report::Report;
use crate::explore::shrink::{Shrunk, shrink_with_script};
use crate::explore::worlds::{Failing, Shrinker};
use crate::explore::{Explored, of_seed, record_seed, run_plan, run_strictly};
use crate::invariant::{Claim, Violation};
use crate::plan::Plan;
use crate::plan::chooser::{Profile, Seed};
use crate::scenario::{Scenario, ScenarioError};
use crate::trace::export::played_by;
use crate::world::{Options, Run, Verdict};
use std::path::{Path, PathBuf};

/// How many runs and how many events shrinking a plan may take.
const SHRINK_RUNS_MAX: usize = 400;
const SHRINK_EVENTS_MAX: u64 = 20_000_000;
/// The rule behind a scenario's own expectations.
const SCENARIO: &str = "story";
/// A plan of more lines than this is not offered for pasting.
const PASTED_LINES_MAX: usize = 12;

/// A rule that broke in a scenario.
#[derive(Clone, Copy)]
pub(super) struct Failure<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) claim: Claim,
    /// The first seed that broke it.
    pub(super) seed: Seed,
    /// What that seed's run was said to have come to.
    verdict: &'a Verdict,
    /// How many seeds broke it.
    pub(super) seeds: u64,
}

/// The rules that broke while a scenario was explored, in the order of the seeds.
/// A scenario's own expectations come last.
pub(super) fn failures<'a>(scenario: &'a Scenario, explored: &'a Explored) -> Vec<Failure<'a>> {
    let mut failures: Vec<Failure<'a>> = Vec::new();
    for (seed, verdict) in &explored.violations {
        let mut met: Vec<Claim> = Vec::new();
        for Violation { claim, .. } in violations(verdict) {
            // A scenario may have one rule broken twice in one run.
            if met.contains(claim) {
                continue;
            }
            met.push(*claim);
            match failures.iter_mut().find(|failure| failure.claim == *claim) {
                Some(failure) => failure.seeds += 1,
                None => failures.push(Failure { scenario, claim: *claim, seed: *seed, verdict, seeds: 1 }),
            }
        }
    }
    // What the contract says comes before what a scenario expects of its calm run.
    failures.sort_by_key(|failure| failure.claim.rule.id() == SCENARIO);
    failures
}

/// What broke in a run.
pub(super) fn violations(verdict: &Verdict) -> &[Violation] {
    match verdict {
        Verdict::Violated(violations) => violations,
        Verdict::Held | Verdict::Limit(_) => &[],
    }
}

/// How failures are played again.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub(super) context: &'a Context,
    pub(super) rules: &'a Rules,
    pub(super) profile: Profile,
}

/// A failure that was played again.
pub(super) struct Retold {
    /// Under the plan.
    run: Run,
    pub(super) plan: Plan,
    shrunk_from: Option<usize>,
    /// The world, shrunk with the plan, if it was generated.
    world: Option<Scenario>,
    /// With the seed, and with the plan.
    pub(super) replay: Vec<String>,
    /// As a Rust test to paste.
    pub(super) test: Option<String>,
    /// How the second run was not like the first: a bug of ours.
    pub(super) drift: Option<String>,
}

impl Stage<'_> {
    /// The line that plays a scenario again, with what decides in the words of the command line.
    pub(super) fn line(&self, scenario: &Scenario, what: &str) -> String {
        format!("{} replay {}{} {what}", self.context.program, quoted(&scenario.name), self.rules.flags())
    }

    /// The line that plays a scenario under a seed.
    pub(super) fn seed_line(&self, scenario: &Scenario, seed: Seed) -> String {
        let profile = match self.profile {
            Profile::Swarm => String::new(),
            other => format!("--profile {} ", value_name(&other)),
        };
        self.line(scenario, &format!("{profile}--seed {}", seed.0))
    }

    /// The line that plays a scenario under a plan.
    pub(super) fn plan_line(&self, scenario: &Scenario, plan: &Plan) -> String {
        if plan.lines.is_empty() { self.line(scenario, "calm") } else { self.line(scenario, &quoted(&plan.one_line())) }
    }

    /// Plays a failing seed again and writes its plan down; checks that the plan gives the same run; makes it shorter.
    pub(super) fn retell(&self, failure: &Failure<'_>) -> Result<Retold, Stop> {
        let Failure { seed, .. } = *failure;
        let options = Options { keep_trace: true, ..self.rules.options(failure.scenario) };
        let seed_line = self.seed_line(failure.scenario, seed);
        let (world, options) = of_seed(failure.scenario, seed, &options);
        let scenario: &Scenario = &world;
        let recorded = self.record(scenario, seed, &options)?;
        let plan = recorded.plan.clone().expect("a run that is recorded has a plan");
        let plan_line = self.plan_line(scenario, &plan);
        let planned = self.play(scenario, &plan, &options)?;
        let drift = if recorded.verdict != *failure.verdict {
            let (was, is) = (told(failure.verdict), told(&recorded.verdict));
            Some(format!("the same seed came to another end: first {was}, then {is}\n  {seed_line}"))
        } else if planned.fingerprint != recorded.fingerprint {
            let (seed, plan) = (recorded.fingerprint, planned.fingerprint);
            Some(format!("a seed and its plan make two runs, {seed} and {plan}\n  {seed_line}\n  {plan_line}"))
        } else {
            None
        };
        if drift.is_some() {
            let test = None;
            let (shrunk_from, world, replay) = (None, None, vec![seed_line]);
            return Ok(Retold { run: recorded, plan, shrunk_from, world, replay, test, drift });
        }
        if failure.scenario.generate.is_some() {
            let world = Failing { scenario: scenario.clone(), plan };
            return self.shrink_world(failure, world, &options, seed_line);
        }
        let before = plan.lines.len();
        let shrunk = self.shrink(failure, plan, recorded.trace.len())?;
        let run = self.play(scenario, &shrunk.plan, &options)?;
        let replay = vec![seed_line, self.plan_line(scenario, &shrunk.plan)];
        let test = Some(rust_test(scenario, &shrunk.plan, &self.rules.options(scenario), failure.claim.rule.id()));
        let world = None;
        Ok(Retold { run, plan: shrunk.plan, shrunk_from: Some(before), world, replay, test, drift })
    }

    /// A generated world and its plan, both shrunk.
    fn shrink_world(
        &self,
        failure: &Failure<'_>,
        world: Failing,
        options: &Options,
        seed_line: String,
    ) -> Result<Retold, Stop> {
        let before = world.plan.lines.len();
        let quick = Options { keep_trace: false, ..options.clone() };
        let shrunk = self.guarded(&world.scenario, &seed_line, || {
            Ok(Shrinker::new(failure.claim.rule, &quick, &self.context.loader).shrink(world.clone()))
        })?;
        let run = self.play(&shrunk.scenario, &shrunk.plan, options)?;
        let Failing { scenario, plan } = shrunk;
        let (shrunk_from, world, replay) = (Some(before), Some(scenario), vec![seed_line]);
        Ok(Retold { run, plan, shrunk_from, world, replay, test: None, drift: None })
    }

    /// A shorter plan that breaks the same rule.
    fn shrink(&self, failure: &Failure<'_>, plan: Plan, events: u64) -> Result<Shrunk, Stop> {
        let options = self.rules.options(failure.scenario);
        let runs = (SHRINK_EVENTS_MAX / events.max(1)).clamp(10, SHRINK_RUNS_MAX as u64);
        let mut stop = None;
        let shrunk = shrink_with_script(plan, failure.scenario.script.len(), runs as usize, |plan| {
            let played = if stop.is_none() { self.play(failure.scenario, plan, &options) } else { return false };
            match played {
                Ok(run) => violations(&run.verdict).iter().any(|violation| violation.claim == failure.claim),
                Err(error) => {
                    stop = Some(error);
                    false
                }
            }
        });
        stop.map_or(Ok(shrunk), Err)
    }

    /// Plays a scenario under a seed and writes its plan down.
    pub(super) fn record(&self, scenario: &Scenario, seed: Seed, options: &Options) -> Result<Run, Stop> {
        let line = self.seed_line(scenario, seed);
        self.guarded(scenario, &line, || record_seed(scenario, seed, self.profile, options, &self.context.loader))
    }

    /// Plays a scenario under a plan.
    pub(super) fn play(&self, scenario: &Scenario, plan: &Plan, options: &Options) -> Result<Run, Stop> {
        let line = self.plan_line(scenario, plan);
        self.guarded(scenario, &line, || run_plan(scenario, plan, options, &self.context.loader))
    }

    /// Plays a scenario under a plan whose lines are to come up in their order.
    pub(super) fn play_strictly(&self, scenario: &Scenario, plan: &Plan, options: &Options) -> Result<Run, Stop> {
        let line = self.plan_line(scenario, plan);
        self.guarded(scenario, &line, || run_strictly(scenario, plan, options, &self.context.loader))
    }

    /// Runs something that panics only if the simulator is wrong, and then says which line makes it panic.
    pub(super) fn guarded<T>(
        &self,
        scenario: &Scenario,
        line: &str,
        run: impl FnOnce() -> Result<T, ScenarioError>,
    ) -> Result<T, Stop> {
        match bug::guard(run) {
            Ok(result) => result.map_err(wrong_scenario(scenario)),
            Err(text) => Err(Stop::Bug(format!("{text}\n  replay: {line}"))),
        }
    }
}

impl Retold {
    /// How it broke in the run of the plan: nothing, if that run did not break it (then there was drift).
    pub(super) fn violation(&self, claim: &Claim) -> Option<&Violation> {
        violations(&self.run.verdict).iter().find(|violation| violation.claim == *claim)
    }

    /// Draws the failure: writes a page into a folder, if one was named. Gives back where.
    pub(super) fn draw(
        &self,
        folder: Option<&Path>,
        failure: &Failure<'_>,
        stage: Stage<'_>,
    ) -> Result<Option<PathBuf>, Stop> {
        let (Some(folder), None) = (folder, &self.drift) else { return Ok(None) };
        let (scenario, rules) = (self.world.as_ref().unwrap_or(failure.scenario), stage.rules);
        let options = rules.options(scenario);
        let (kernel, programs) = (rules.kernels(), value_name(&options.flavor));
        let words = [scenario.name.as_str(), failure.claim.rule.id(), kernel.as_str()];
        let replay = self.replay.last().cloned().unwrap_or_default();
        let played = played_by(scenario, &self.plan, kernel.clone(), programs, replay);
        look::write_failure(folder, &words, scenario, &self.run, &options, stage.context, played).map(Some)
    }

    /// The failure, to be kept in a file.
    pub(super) fn regression(&self, failure: &Failure<'_>, rules: &Rules) -> Regression {
        Regression {
            scenario: failure.scenario.name.clone(),
            kernel: rules.kernels(),
            flavor: rules.options(failure.scenario).flavor,
            breaks: Some(failure.claim.rule.to_string()),
            plan: self.plan.clone(),
            world: self.world.as_ref().map(Scenario::text),
        }
    }

    /// The failure, told for people.
    pub(super) fn report(&self, failure: &Failure<'_>) -> Option<String> {
        let pasted = if self.plan.lines.len() > PASTED_LINES_MAX { 1 } else { self.replay.len() };
        let world = self.world.as_ref().map(Scenario::text);
        let report = Report {
            scenario: &failure.scenario.name,
            violation: self.violation(&failure.claim)?,
            run: &self.run,
            plan: &self.plan,
            shrunk_from: self.shrunk_from,
            script: &failure.scenario.script,
            world: world.as_deref(),
            replay: &self.replay[..pasted],
            test: self.test.as_deref(),
        };
        Some(report.to_string())
    }
}

/// A verdict in a few words.
fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Held => "everything held".to_string(),
        Verdict::Limit(limit) => format!("the limit of {limit}"),
        Verdict::Violated(violations) => {
            let each =
                violations.iter().map(|violation| format!("{} ({})", violation.claim.rule.id(), violation.facts));
            each.collect::<Vec<_>>().join(" and ")
        }
    }
}
