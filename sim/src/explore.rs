//! Many runs: seeds, replays, and what became of them.

pub mod determinism;
pub mod failure;
pub mod pool;
#[cfg(feature = "proptest")]
pub mod property;
pub mod regression;
pub(crate) mod report;
pub mod rust_test;
pub mod shrink;
pub mod sweep;
mod transcript;
pub mod worlds;

use crate::explore::determinism::{Difference, difference, is_played_again};
use crate::guest::image::Loader;
use crate::invariant::OwnPanic;
use crate::plan::Plan;
use crate::plan::chooser::{Chooser, Profile, Seed};
use crate::scenario::{Scenario, ScenarioError};
use crate::trace::Fingerprint;
use crate::trace::coverage::Coverage;
use crate::world::{Options, Run, Verdict, World};
use kernel_core::BackOff;
use std::borrow::Cow;
use std::ops::ControlFlow;

/// Plays a scenario under a seed.
///
/// # Errors
/// A scenario that names what it does not have.
pub fn run_seed(
    scenario: &Scenario,
    seed: Seed,
    profile: Profile,
    options: &Options,
    loader: &Loader,
) -> Result<Run, ScenarioError> {
    let (world, options) = of_seed(scenario, seed, options);
    Ok(World::new(&world, options, Chooser::seeded(seed, profile), loader)?.run())
}

/// Plays a scenario under a seed, and writes down the plan that this is short for.
///
/// # Errors
/// A scenario that names what it does not have.
pub fn record_seed(
    scenario: &Scenario,
    seed: Seed,
    profile: Profile,
    options: &Options,
    loader: &Loader,
) -> Result<Run, ScenarioError> {
    let (world, options) = of_seed(scenario, seed, options);
    Ok(World::new(&world, options, Chooser::seeded(seed, profile).recording(), loader)?.run())
}

/// What is played under a seed, and how: other rules than a generated world's own leave it its back-off.
pub(crate) fn of_seed<'s>(scenario: &'s Scenario, seed: Seed, options: &Options) -> (Cow<'s, Scenario>, Options) {
    let (world, mut options) = (scenario.of(seed), options.clone());
    if scenario.generate.is_some()
        && let Some(rules) = options.semantics.take()
    {
        let own = rules.back_off == BackOff::Off;
        options.semantics = Some(if own { rules.with_back_off(world.semantics.back_off) } else { rules });
    }
    (world, options)
}

/// Plays a scenario under a plan. The empty plan is the calm run.
///
/// # Errors
/// A scenario that names what it does not have.
pub fn run_plan(scenario: &Scenario, plan: &Plan, options: &Options, loader: &Loader) -> Result<Run, ScenarioError> {
    Ok(World::new(scenario, options.clone(), Chooser::planned(plan).recording(), loader)?.run())
}

/// Plays a scenario under a plan whose lines are to come up in their order, as they were written down. Where one does
/// not, the run stops: see [`Run::misfit`].
///
/// # Errors
/// A scenario that names what it does not have.
pub fn run_strictly(
    scenario: &Scenario,
    plan: &Plan,
    options: &Options,
    loader: &Loader,
) -> Result<Run, ScenarioError> {
    Ok(World::new(scenario, options.clone(), Chooser::strict(plan).recording(), loader)?.run())
}

/// What exploring a scenario came to.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// How many seeds.
    pub seeds: u64,
    /// Events of all runs.
    pub events: u64,
    /// Messages of all runs.
    pub messages: u64,
    /// The seeds under which an invariant broke, and how; in the order of the seeds.
    pub violations: Vec<(Seed, Verdict)>,
    /// The seeds whose run reached a bound of the simulator, and which.
    pub limits: Vec<(Seed, String)>,
    /// What all runs reached together.
    pub coverage: Coverage,
    /// The digest of all runs' events and disks, in the order of the seeds.
    pub fingerprint: Fingerprint,
    /// The same of the events alone, without the runs that may depend on the form of the programs ([`Run::flavored`]).
    pub plain: Fingerprint,
    /// How many runs were played again, to see that they are the same.
    pub played_again: u64,
    /// The seeds whose runs were not, and where they part.
    pub differences: Vec<(Seed, Difference)>,
    /// The seeds under which an invariant of the scenario's own panicked.
    pub panics: Vec<(Seed, OwnPanic)>,
    /// The prints of all runs, in the order of the seeds.
    pub(crate) prints: Vec<Print>,
}

/// What of a run is kept when it is one of many.
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    whole: Fingerprint,
    fingerprint: Fingerprint,
    flavored: bool,
    pub(crate) events: u64,
    messages: u64,
    #[cfg_attr(not(feature = "cli"), allow(dead_code))] // Only the command line shows it.
    pub(crate) faults: u64,
    pub(crate) coverage: Coverage,
    difference: Option<Difference>,
    panics: Vec<OwnPanic>,
}

/// A run that came to this.
#[cfg(all(test, feature = "cli"))]
pub(crate) fn of_verdict(verdict: Verdict, events: u64, faults: u64) -> Outcome {
    Outcome {
        verdict,
        whole: Fingerprint::default(),
        fingerprint: Fingerprint::default(),
        flavored: false,
        events,
        messages: 0,
        faults,
        coverage: Coverage::default(),
        difference: None,
        panics: Vec::new(),
    }
}

/// One seed of many: its run, and once more if it is one of those that are played again.
fn outcome_of(
    scenario: &Scenario,
    (nth, seed): (usize, Seed),
    profile: Profile,
    options: &Options,
    loader: &Loader,
) -> Result<Outcome, ScenarioError> {
    let run = run_seed(scenario, seed, profile, options, loader)?;
    let difference =
        if is_played_again(nth) { difference(scenario, seed, profile, options, loader, run.whole())? } else { None };
    Ok(Outcome {
        whole: run.whole(),
        verdict: run.verdict,
        fingerprint: run.fingerprint,
        flavored: run.flavored,
        events: run.trace.len(),
        messages: run.messages,
        faults: run.faults,
        coverage: run.coverage,
        difference,
        panics: run.panics,
    })
}

/// Plays a scenario under many seeds, on so many threads. What comes out does not depend on how many. `on_run` is called
/// for each run that is done.
///
/// # Errors
/// A scenario that names what it does not have.
pub fn explore(
    scenario: &Scenario,
    seeds: &[Seed],
    profile: Profile,
    options: &Options,
    loader: &Loader,
    jobs: usize,
    mut on_run: impl FnMut(),
) -> Result<Explored, ScenarioError> {
    let first = seeds.first().copied().unwrap_or(Seed(0));
    explore_until(scenario, (first, seeds), profile, options, loader, jobs, |_, _| {
        on_run();
        ControlFlow::Continue(())
    })
}

/// The same, until `on_run` has enough. It gets each run in the order of the seeds; the last one that it gets counts. The
/// seeds are some of a range, whose first is given with them: which of them are played again depends on the range.
///
/// # Errors
/// A scenario that names what it does not have.
pub(crate) fn explore_until(
    scenario: &Scenario,
    (first, seeds): (Seed, &[Seed]),
    profile: Profile,
    options: &Options,
    loader: &Loader,
    jobs: usize,
    mut on_run: impl FnMut(Seed, &Outcome) -> ControlFlow<()>,
) -> Result<Explored, ScenarioError> {
    let (mut explored, mut wrong) = (Explored::default(), None);
    let each = |_, seed: &Seed| outcome_of(scenario, (place_of(*seed, first), *seed), profile, options, loader);
    pool::in_order(seeds, jobs, each, |nth, outcome| match outcome {
        Ok(outcome) => {
            let next = on_run(seeds[nth], &outcome);
            explored.take(place_of(seeds[nth], first), seeds[nth], outcome);
            next
        }
        Err(error) => {
            wrong = Some(error);
            ControlFlow::Break(())
        }
    });
    wrong.map_or(Ok(explored), Err)
}

/// The place of a seed in a range.
pub(crate) fn place_of(seed: Seed, first: Seed) -> usize {
    seed.0.wrapping_sub(first.0) as usize
}

/// The prints of one run of an exploration: of events and disks, and of its events, unless they may depend on the form of
/// the programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Print {
    pub(crate) seed: Seed,
    pub(crate) whole: Fingerprint,
    pub(crate) plain: Option<Fingerprint>,
}

impl Explored {
    /// Takes in the print of the next run.
    pub(crate) fn take_print(&mut self, print: Print) {
        self.fingerprint = self.fingerprint.then(print.whole);
        if let Some(plain) = print.plain {
            self.plain = self.plain.then(plain);
        }
        self.prints.push(print);
    }

    /// Takes in the next run.
    fn take(&mut self, nth: usize, seed: Seed, outcome: Outcome) {
        self.seeds += 1;
        self.events += outcome.events;
        self.messages += outcome.messages;
        self.coverage.add(&outcome.coverage);
        self.played_again += u64::from(is_played_again(nth));
        self.differences.extend(outcome.difference.map(|difference| (seed, difference)));
        self.panics.extend(outcome.panics.into_iter().map(|panic| (seed, panic)));
        let plain = (!outcome.flavored).then_some(outcome.fingerprint);
        self.take_print(Print { seed, whole: outcome.whole, plain });
        match outcome.verdict {
            Verdict::Held => {}
            Verdict::Limit(limit) => self.limits.push((seed, limit)),
            violated @ Verdict::Violated(_) => self.violations.push((seed, violated)),
        }
    }
}
