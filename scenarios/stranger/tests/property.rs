//! The property, in six lines; and a failure as a value.
use sim::prelude::*;
use sim::proptest::prelude::*;
use std::cell::Cell;

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn counts_on_whatever_goes_wrong(seed in any::<u64>()) {
        let run = Sim::of(&stranger::scenarios()[0]).profile(Profile::Sound).seed(seed);
        prop_assert!(run.held(), "{}", run.summary());
    }
}

#[test]
fn a_plan_is_drawn_too() {
    let (scenario, runs) = (named(stranger::scenarios(), "counting"), Cell::new(0));
    let sim = Sim::of(&scenario).profile(Profile::Sound);
    sim::proptest::proptest!(ProptestConfig { failure_persistence: None, cases: 8, ..Default::default() }, |(plan in sim.plans())| {
        runs.set(runs.get() + 1);
        prop_assert!(sim.plan(&plan).held());
    });
    assert!(runs.get() >= 8);
}

#[test]
fn a_wrong_kernel_is_found_and_its_failure_is_a_value() {
    let scenario = named(stranger::scenarios(), "counting");
    let sim = Sim::of(&scenario).deviation(Deviation::D5);
    let found = Sim::of(&scenario).deviation(Deviation::D27).first_failure(0..400);
    let failure = found.expect("it fails in the same way again").expect("it fails under one of these seeds");
    assert!(failure.plan.lines.len() <= failure.shrunk_from, "{failure:?}");
    assert!(failure.report(&[], None).contains("BROKEN in counting"), "{failure:?}");
    assert!(failure.test("stranger::scenarios()").is_some_and(|test| test.contains("sim::Sim::of(&scenario)")));
    assert_eq!(sim.sweep().visited, sim.sweep().points);
}

/// As a report prints it.
#[test]
fn counting_keeps_k2() {
    let scenario = sim::prelude::named(stranger::scenarios(), "counting");
    let plan = "
        crash alice.os #9 power-loss"
        .parse()
        .expect("it is a plan");
    let run = sim::Sim::of(&scenario).kernel(sim::prelude::Semantics::book()).plan(&plan);
    assert!(run.held(), "{}", run.summary());
}
