//! Properties over scenarios, as a user writes them: plans drawn by proptest, shrunk by the one shrinker.

use kernel_core::{Deviation, Semantics};
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestCaseError, TestRunner};
use sim::explore::property::Plans;
use sim::plan::Family;
use sim::scenario::Scenario;
use sim::world::{Options, Verdict};

fn scenario(name: &str) -> Scenario {
    scenarios::all().into_iter().find(|scenario| scenario.name == name).expect("there is a scenario of this name")
}

fn config(cases: u32) -> Config {
    let failures = FileFailurePersistence::WithSource("proptest-regressions");
    Config { cases, failure_persistence: Some(Box::new(failures)), rng_seed: RngSeed::Fixed(18), ..Config::default() }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn a_counter_keeps_what_it_announced(plan in Plans::of(&scenario("a-counter-that-persists"))) {
        let run = Plans::of(&scenario("a-counter-that-persists")).run(&plan);
        prop_assert!(run.held(), "{}", run.summary());
    }
}

#[test]
fn proptest_shrinks_a_plan_to_what_the_failure_needs() {
    let scenario = scenario("down-none");
    let wrong = Options { semantics: Some(Semantics::book().with(Deviation::D5)), ..Options::native() };
    let plans = Plans::of(&scenario).options(wrong);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(200) });
    let result = runner.run(&plans, |plan| match plans.run(&plan).verdict {
        Verdict::Violated(violations) => Err(TestCaseError::fail(violations[0].claim.rule.id())),
        Verdict::Held | Verdict::Limit(_) => Ok(()),
    });
    let proptest::test_runner::TestError::Fail(reason, plan) = result.expect_err("D5 boots a None process") else {
        panic!("the property fails, and is not given up");
    };
    assert!(["E6", "X.down.None"].contains(&reason.message()), "{reason}");
    let [line] = &plan.lines[..] else { panic!("the scenario's own crash is enough: {plan}") };
    let left = line.fault.to_string().parse::<u32>();
    assert!(line.family() == Family::Script && left.is_ok(), "one line of the script is left: {line}");
}
