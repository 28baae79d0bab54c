#[test]
#[should_panic(expected = "K2 BROKEN")] // It is, as long as the kernel deviates.
fn down_restart_keeps_k2() {
    let named = |scenario: &sim::scenario::Scenario| scenario.name == "down-restart";
    let scenario = scenarios::all().into_iter().find(named).expect("there is a scenario of this name");
    let plan = "
        kill alice.os #16 subject:demo:alice.os
        kill alice.os #42 silent:demo:alice.os";
    let plan = plan.parse().expect("it is a plan");
    let semantics = Some(kernel_core::Semantics::book().with(kernel_core::Deviation::D6));
    let options = sim::world::Options { semantics, ..Default::default() };
    let run = sim::explore::run_plan(&scenario, &plan, &options, &sim::guest::image::Loader::default());
    let run = run.expect("it is a sound scenario");
    assert!(run.held(), "{}", run.summary());
}
