//! Many runs: seeds, replays, and what became of them.

pub mod determinism;
pub mod pasted;
#[cfg(feature = "proptest")]
pub mod property;
pub mod regression;
pub mod report;
pub mod shrink;
pub mod sweep;
pub mod worlds;

use crate::explore::determinism::{Difference, difference, is_played_again};
use crate::guest::image::Loader;
use crate::plan::Plan;
use crate::plan::chooser::{Chooser, Profile, Seed};
use crate::scenario::{Scenario, ScenarioError};
use crate::trace::Fingerprint;
use crate::trace::coverage::Coverage;
use crate::world::{Options, Run, Verdict, World};
use kernel_core::BackOff;
use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

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
}

/// What of a run is kept when it is one of many.
struct Outcome {
    verdict: Verdict,
    whole: Fingerprint,
    fingerprint: Fingerprint,
    flavored: bool,
    events: u64,
    messages: u64,
    coverage: Coverage,
    difference: Option<Difference>,
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
        coverage: run.coverage,
        difference,
    })
}

/// Plays a scenario under many seeds, on so many threads. What comes out does not depend on how many. `on_run` is told
/// of each run that is done.
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
    let next = AtomicUsize::new(0);
    let mut outcomes: Vec<Option<Outcome>> = Vec::new();
    outcomes.resize_with(seeds.len(), || None);
    thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..jobs.max(1) {
            let (send, next) = (send.clone(), &next);
            scope.spawn(move || {
                while let Some((index, seed)) = take(next, seeds) {
                    let outcome = outcome_of(scenario, (index, seed), profile, options, loader);
                    let failed = outcome.is_err();
                    if send.send((index, outcome)).is_err() || failed {
                        return;
                    }
                }
            });
        }
        drop(send);
        for (index, outcome) in receive {
            outcomes[index] = Some(outcome?);
            on_run();
        }
        Ok(())
    })?;
    let mut explored = Explored::default();
    for (nth, (seed, outcome)) in seeds.iter().zip(outcomes).enumerate() {
        let outcome = outcome.expect("every seed was run, or an error has been returned");
        explored.seeds += 1;
        explored.events += outcome.events;
        explored.messages += outcome.messages;
        explored.coverage.add(&outcome.coverage);
        explored.played_again += u64::from(is_played_again(nth));
        explored.differences.extend(outcome.difference.map(|difference| (*seed, difference)));
        explored.fingerprint = explored.fingerprint.then(outcome.whole);
        if !outcome.flavored {
            explored.plain = explored.plain.then(outcome.fingerprint);
        }
        match outcome.verdict {
            Verdict::Held => {}
            Verdict::Limit(limit) => explored.limits.push((*seed, limit)),
            violated @ Verdict::Violated(_) => explored.violations.push((*seed, violated)),
        }
    }
    Ok(explored)
}

/// The next seed that nobody has taken.
fn take(next: &AtomicUsize, seeds: &[Seed]) -> Option<(usize, Seed)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((index, *seeds.get(index)?))
}
