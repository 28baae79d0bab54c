//! Properties: plans as proptest draws them, and shrinks them by the one shrinker.
//!
//! ```
//! use proptest::prelude::*;
//! use sim::explore::property::Plans;
//! use sim::scenario::Scenario;
//!
//! let scenario = Scenario::new("nothing", "a node on which nothing runs");
//! let plans = Plans::of(&scenario);
//! proptest!(|(plan in &plans)| {
//!     let run = plans.run(&plan);
//!     prop_assert!(run.held(), "{}", run.summary());
//! });
//! ```

use crate::explore::shrink::PlanTree;
use crate::explore::{record_seed, run_plan};
use crate::guest::image::Loader;
use crate::plan::Plan;
use crate::plan::chooser::{Profile, Seed};
use crate::scenario::Scenario;
use crate::world::{Options, Run};
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rand_chacha::rand_core::Rng;

/// Plans for a scenario: each is what a seed is short for.
#[derive(Clone)]
pub struct Plans<'s> {
    scenario: &'s Scenario,
    profile: Profile,
    options: Options,
    loader: Loader,
}

impl<'s> Plans<'s> {
    /// Plans as the swarm profile draws them, for runs with native guests by the scenario's own rules.
    pub fn of(scenario: &'s Scenario) -> Plans<'s> {
        Plans { scenario, profile: Profile::Swarm, options: Options::default(), loader: Loader::default() }
    }

    /// Plans of another profile.
    pub fn profile(mut self, profile: Profile) -> Plans<'s> {
        self.profile = profile;
        self
    }

    /// Runs with other options.
    pub fn options(mut self, options: Options) -> Plans<'s> {
        self.options = options;
        self
    }

    /// Plays the scenario under a plan.
    ///
    /// # Panics
    /// If the scenario names what it does not have: a mistake in the test.
    pub fn run(&self, plan: &Plan) -> Run {
        let run = run_plan(self.scenario, plan, &self.options, &self.loader);
        run.unwrap_or_else(|error| panic!("scenario `{}`: {error}", self.scenario.name))
    }
}

impl std::fmt::Debug for Plans<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "plans for `{}`", self.scenario.name)
    }
}

impl Strategy for Plans<'_> {
    type Tree = PlanTree;
    type Value = Plan;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Plans<'_>> {
        let seed = Seed(runner.rng().next_u64());
        let run = record_seed(self.scenario, seed, self.profile, &self.options, &self.loader);
        let run = run.map_err(|error| error.to_string())?;
        Ok(PlanTree::with_script(run.plan.expect("the chooser was recording"), self.scenario.script.len()))
    }
}

impl ValueTree for PlanTree {
    type Value = Plan;

    fn current(&self) -> Plan {
        PlanTree::current(self).clone()
    }

    fn simplify(&mut self) -> bool {
        PlanTree::simplify(self)
    }

    fn complicate(&mut self) -> bool {
        PlanTree::complicate(self)
    }
}
