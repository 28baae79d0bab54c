//! Properties: plans as proptest draws them, and shrinks them by the one shrinker.
//!
//! ```
//! use proptest::prelude::*;
//! use sim::prelude::*;
//!
//! let scenario = Scenario::new("nothing", "a node on which nothing runs");
//! let sim = Sim::of(&scenario);
//! proptest!(|(plan in sim.plans())| {
//!     let run = sim.plan(&plan);
//!     prop_assert!(run.held(), "{}", run.summary());
//! });
//! ```

use crate::explore::shrink::PlanTree;
use crate::plan::Plan;
use crate::plan::chooser::{Profile, Seed};
use crate::scenario::Scenario;
use crate::sim::Sim;
use crate::world::{Options, Run};
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rand_chacha::rand_core::Rng;

/// Plans for a simulation: each is what a seed is short for.
#[derive(Clone)]
pub struct Plans<'s>(Sim<'s>);

impl<'s> Plans<'s> {
    /// Plans for runs by the scenario's own rules, as the swarm profile draws them.
    pub fn of(scenario: &'s Scenario) -> Plans<'s> {
        Plans(Sim::of(scenario))
    }

    /// Plans for this simulation.
    pub(crate) fn by(sim: Sim<'s>) -> Plans<'s> {
        Plans(sim)
    }

    /// Plans of another profile.
    pub fn profile(self, profile: Profile) -> Plans<'s> {
        Plans(self.0.profile(profile))
    }

    /// Runs with other options.
    pub fn options(self, options: Options) -> Plans<'s> {
        Plans(self.0.with_options(options))
    }

    /// Plays the scenario under a plan.
    ///
    /// # Panics
    /// If the scenario names what it does not have: a mistake in the test.
    pub fn run(&self, plan: &Plan) -> Run {
        self.0.plan(plan)
    }
}

impl std::fmt::Debug for Plans<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "plans for `{}`", self.0.scenario().name)
    }
}

impl Strategy for Plans<'_> {
    type Tree = PlanTree;
    type Value = Plan;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Plans<'_>> {
        let seed = Seed(runner.rng().next_u64());
        let run = self.0.try_record(seed).map_err(|error| error.to_string())?;
        Ok(PlanTree::with_script(run.plan.expect("the chooser was recording"), self.0.scenario().script.len()))
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
