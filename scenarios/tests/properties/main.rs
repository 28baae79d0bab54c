//! Every rule as a property, by chapter: it holds in its scenarios and in generated worlds, under plans that proptest
//! draws. A case that fails is shrunk and written to `regressions/`, where `tests/scenarios/regressions.rs` plays it from then on.
//!
//! The names are the book's words. Each property looks at its own rule alone; what else breaks in its runs is for the
//! property of that rule.

mod capabilities;
mod exits;
mod kills;
mod messages;
mod on_exit_requests;
mod persistence;
mod starts;

use kernel_core::Rule;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use sim::explore::record_seed;
use sim::explore::regression::Regression;
use sim::explore::shrink::shrink_with_script;
use sim::explore::worlds::{Failing, Shrinker};
use sim::guest::image::Loader;
use sim::plan::chooser::{Profile, Seed};
use sim::scenario::{Flavor, Scenario};
use sim::world::{Options, Run, Verdict};
use std::path::Path;
use std::sync::LazyLock;

/// Cases of each property; half of them are generated worlds.
pub const CASES: u32 = 16;
/// How many runs shrinking a scenario's plan may take.
const SHRINK_RUNS_MAX: usize = 400;

/// Every scenario, and the generated worlds behind them.
static SCENARIOS: LazyLock<Vec<Scenario>> = LazyLock::new(|| {
    let mut all = scenarios::all();
    all.push(scenarios::generated());
    all
});

/// What a property is tried on.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    scenario: &'static str,
    seed: u64,
}

/// Seeds of these scenarios, and as many generated worlds.
pub fn cases(scenarios: &'static [&'static str]) -> impl Strategy<Value = Case> {
    let named = (proptest::sample::select(scenarios), 0..1_u64 << 32);
    let named = named.prop_map(|(scenario, seed)| Case { scenario, seed });
    let generated = (0..1_u64 << 32).prop_map(|seed| Case { scenario: "generated", seed });
    // They are shrunk by the simulator's own shrinkers: a smaller seed is no simpler world.
    prop_oneof![named, generated].no_shrink()
}

/// Whether a rule holds in a case by the book's kernel.
pub fn holds(rule: Rule, case: Case) -> Result<(), TestCaseError> {
    let family = SCENARIOS.iter().find(|scenario| scenario.name == case.scenario);
    let family = family.unwrap_or_else(|| panic!("no scenario is called `{}`", case.scenario));
    let (world, loader, options) = (family.of(Seed(case.seed)), Loader::default(), Options::native());
    let run = record_seed(&world, Seed(case.seed), Profile::Swarm, &options, &loader);
    let run = run.unwrap_or_else(|error| panic!("scenario `{}`: {error}", case.scenario));
    if !breaks(&run, rule) {
        return Ok(());
    }
    let plan = run.plan.expect("the chooser was recording");
    let kept = if family.generate.is_some() {
        let failing = Failing { scenario: world.into_owned(), plan };
        let small = Shrinker::new(rule, &options, &loader).shrink(failing);
        Regression { world: Some(small.scenario.text()), ..kept(case, small.plan) }
    } else {
        let fails = |plan: &_| {
            let run = sim::explore::run_plan(&world, plan, &options, &loader);
            run.is_ok_and(|run| breaks(&run, rule))
        };
        kept(case, shrink_with_script(plan, world.script.len(), SHRINK_RUNS_MAX, fails).plan)
    };
    let name = format!("{}-{}-{}.plan", case.scenario, rule.id().to_lowercase().replace('.', "-"), case.seed);
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/regressions")).join(name);
    std::fs::write(&path, kept.to_string()).expect("a regression can be written");
    Err(TestCaseError::fail(format!("{rule} breaks; {} is to hold from now on\n{kept}", path.display())))
}

/// What is to be played from now on, and to hold.
fn kept(case: Case, plan: sim::plan::Plan) -> Regression {
    Regression {
        scenario: case.scenario.to_string(),
        kernel: "book".to_string(),
        flavor: Flavor::Native,
        breaks: None,
        plan,
        world: None,
    }
}

fn breaks(run: &Run, rule: Rule) -> bool {
    match &run.verdict {
        Verdict::Violated(violations) => violations.iter().any(|violation| violation.claim.rule == rule),
        Verdict::Held | Verdict::Limit(_) => false,
    }
}

/// Properties: a name in the book's words, the rule, and scenarios in which it is at stake.
macro_rules! properties {
    ($($name:ident: $rule:expr, in [$($scenario:literal),+ $(,)?];)*) => {
        proptest::proptest! {
            #![proptest_config(proptest::test_runner::Config {
                cases: $crate::CASES,
                failure_persistence: None,
                // The same cases each time: what failed once is in a file, and new ones are for `explore`.
                rng_seed: proptest::test_runner::RngSeed::Fixed(18),
                ..Default::default()
            })]
            $(#[test]
            fn $name(case in $crate::cases(&[$($scenario),+])) {
                $crate::holds($rule, case)?;
            })*
        }
    };
}
pub(crate) use properties;

/// Every rule that a run can break has its property.
#[test]
fn every_rule_is_a_property() {
    let chapters = [
        include_str!("starts.rs"),
        include_str!("exits.rs"),
        include_str!("kills.rs"),
        include_str!("on_exit_requests.rs"),
        include_str!("capabilities.rs"),
        include_str!("messages.rs"),
        include_str!("persistence.rs"),
    ];
    let said = |rule: &Rule| match rule {
        Rule::X(how, on_exit) => format!("Rule::X(How::{how:?}, OnExitKind::{on_exit:?})"),
        rule => format!("Rule::{},", rule.id()),
    };
    // Of S1 and P4 nothing can be seen in a run: they are about userspace.
    let missing: Vec<&str> = Rule::all()
        .filter(|rule| ![Rule::S1, Rule::P4].contains(rule))
        .filter(|rule| !chapters.iter().any(|chapter| chapter.contains(&said(rule))))
        .map(Rule::id)
        .collect();
    assert_eq!(missing, [""; 0]);
}
