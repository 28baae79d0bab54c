//! A simulation as a value: a scenario, and how it is played.

use crate::explore::failure::{Failure, NotReproduced, Origin, Signature};
use crate::explore::pool::default_jobs;
use crate::explore::sweep::{Swept, sweep_until};
use crate::explore::{Explored, explore, record_seed, run_plan, run_seed, run_strictly};
use crate::guest::image::Loader;
use crate::plan::Plan;
use crate::plan::chooser::{Chooser, Profile, Seed};
use crate::scenario::{Flavor, Scenario, ScenarioError};
use crate::world::{Options, Run, World};
use kernel_core::{Deviation, Semantics};
use std::ops::ControlFlow;

/// A scenario, and how it is played: by the scenario's own rules, its programs in Wasm where there is Wasm, under the
/// swarm profile, on all processors, unless the builder's methods say otherwise.
///
/// ```
/// use sim::prelude::*;
///
/// let scenario = Scenario::new("nothing", "a node on which nothing runs");
/// let sim = Sim::of(&scenario);
/// assert!(sim.calm().held());
/// assert_eq!(sim.seed(7).fingerprint, sim.seed(7).fingerprint);
/// assert_eq!(sim.explore(0..10).violations, []);
/// assert_eq!(sim.sweep().violations, []);
/// ```
///
/// # Panics
/// The methods that play panic if the scenario names what it does not have, which is a mistake in the test that made it;
/// [`check`](Sim::check) says so as a value.
#[derive(Clone)]
pub struct Sim<'s> {
    scenario: &'s Scenario,
    options: Options,
    profile: Profile,
    loader: Loader,
    jobs: usize,
}

impl<'s> Sim<'s> {
    /// A simulation of this scenario.
    pub fn of(scenario: &'s Scenario) -> Sim<'s> {
        let options = Options::default();
        Sim { scenario, options, profile: Profile::Swarm, loader: Loader::default(), jobs: default_jobs() }
    }

    // ---- how it is played -------------------------------------------------------------------------------------

    /// By the rules of this kernel, and not the scenario's.
    pub fn kernel(mut self, semantics: Semantics) -> Sim<'s> {
        self.options.semantics = Some(semantics);
        self
    }

    /// With this deviation of the public runtimes besides.
    pub fn deviation(mut self, deviation: Deviation) -> Sim<'s> {
        let rules = self.options.semantics.take().unwrap_or_else(|| self.scenario.semantics.clone());
        self.options.semantics = Some(rules.with(deviation));
        self
    }

    /// With programs in native Rust where they have that form: several times as fast, and the same trace.
    pub fn native(self) -> Sim<'s> {
        self.flavor(Flavor::Native)
    }

    /// With programs in this form.
    pub fn flavor(mut self, flavor: Flavor) -> Sim<'s> {
        self.options.flavor = flavor;
        self
    }

    /// How much goes wrong under a seed.
    pub fn profile(mut self, profile: Profile) -> Sim<'s> {
        self.profile = profile;
        self
    }

    /// On so many threads. No result depends on how many.
    pub fn jobs(mut self, jobs: usize) -> Sim<'s> {
        self.jobs = jobs.max(1);
        self
    }

    /// Keeps every event of a run, and not only the last ones.
    pub fn keeping_events(mut self) -> Sim<'s> {
        self.options.keep_trace = true;
        self
    }

    /// With these options for each run.
    pub fn with_options(mut self, options: Options) -> Sim<'s> {
        self.options = options;
        self
    }

    /// With programs that were loaded before.
    pub fn with_loader(mut self, loader: Loader) -> Sim<'s> {
        self.loader = loader;
        self
    }

    /// Another scenario, played in the same way.
    pub(crate) fn playing<'w>(self, scenario: &'w Scenario) -> Sim<'w> {
        let Sim { scenario: _, options, profile, loader, jobs } = self;
        Sim { scenario, options, profile, loader, jobs }
    }

    pub(crate) fn loader(&self) -> &Loader {
        &self.loader
    }

    /// What is played.
    pub fn scenario(&self) -> &'s Scenario {
        self.scenario
    }

    /// The options of each run.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Whether the scenario can be played at all.
    ///
    /// # Errors
    /// What the scenario names and does not have.
    pub fn check(&self) -> Result<(), ScenarioError> {
        World::new(self.scenario, self.options.clone(), Chooser::calm(), &self.loader).map(|_| ())
    }

    // ---- one run ----------------------------------------------------------------------------------------------

    /// The run in which nothing goes wrong.
    pub fn calm(&self) -> Run {
        self.plan(&Plan::default())
    }

    /// The run under a seed.
    pub fn seed(&self, seed: u64) -> Run {
        self.sound(run_seed(self.scenario, Seed(seed), self.profile, &self.options, &self.loader))
    }

    /// The run under a seed, with the [plan](Run::plan) that the seed is short for.
    pub fn record(&self, seed: u64) -> Run {
        self.sound(self.try_record(Seed(seed)))
    }

    /// The run under a plan.
    pub fn plan(&self, plan: &Plan) -> Run {
        self.sound(self.try_plan(plan))
    }

    /// The run under a plan whose lines are to come up in their order. It stops at the first that does not:
    /// [`Run::misfit`].
    pub fn strictly(&self, plan: &Plan) -> Run {
        self.sound(run_strictly(self.scenario, plan, &self.options, &self.loader))
    }

    /// What happens under a plan, as text: to read, and to keep as a snapshot. [`Run::transcript`] says what stands in it.
    pub fn transcript(&self, plan: &Plan) -> String {
        self.clone().keeping_events().plan(plan).transcript(self.scenario)
    }

    pub(crate) fn try_record(&self, seed: Seed) -> Result<Run, ScenarioError> {
        record_seed(self.scenario, seed, self.profile, &self.options, &self.loader)
    }

    pub(crate) fn try_plan(&self, plan: &Plan) -> Result<Run, ScenarioError> {
        run_plan(self.scenario, plan, &self.options, &self.loader)
    }

    // ---- many runs --------------------------------------------------------------------------------------------

    /// The runs under these seeds, and what they came to.
    pub fn explore(&self, seeds: impl IntoIterator<Item = u64>) -> Explored {
        let seeds: Vec<Seed> = seeds.into_iter().map(Seed).collect();
        self.sound(explore(self.scenario, &seeds, self.profile, &self.options, &self.loader, self.jobs, || {}))
    }

    /// Every crash point of the calm run.
    pub fn sweep(&self) -> Swept {
        self.sound(sweep_until(self.scenario, &self.options, &self.loader, self.jobs, |_| ControlFlow::Continue(())))
    }

    /// Plans as proptest draws and shrinks them.
    #[cfg(feature = "proptest")]
    pub fn plans(&self) -> crate::explore::property::Plans<'s> {
        crate::explore::property::Plans::by(self.clone())
    }

    /// A failure of this simulation, reproduced and shrunk.
    ///
    /// # Errors
    /// If it does not fail in the same way again.
    pub fn failure(&self, origin: &Origin, signature: &Signature) -> Result<Failure, NotReproduced> {
        Failure::reproduce(self, origin, signature)
    }

    /// The first failure among these seeds, reproduced and shrunk.
    ///
    /// # Errors
    /// If it does not fail in the same way again.
    pub fn first_failure(&self, seeds: impl IntoIterator<Item = u64>) -> Result<Option<Failure>, NotReproduced> {
        let explored = self.explore(seeds);
        let Some((seed, verdict)) = explored.violations.first() else { return Ok(None) };
        let Some(violation) = verdict.violations().first() else { return Ok(None) };
        self.failure(&Origin::Seed(*seed), &Signature::of(violation)).map(Some)
    }

    fn sound<T>(&self, result: Result<T, ScenarioError>) -> T {
        result.unwrap_or_else(|error| panic!("scenario `{}`: {error}", self.scenario.name))
    }
}

impl std::fmt::Debug for Sim<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a simulation of `{}`", self.scenario.name)
    }
}
