#[test]
#[should_panic(expected = "K2 BROKEN")] // It is, as long as the kernel deviates.
fn down_restart_keeps_k2() {
    let scenario = sim::prelude::named(scenarios::all(), "down-restart");
    let plan = "
        kill alice.os #16 subject:demo:alice.os
        kill alice.os #42 silent:demo:alice.os"
    .parse()
    .expect("it is a plan");
    let run = sim::Sim::of(&scenario).native().kernel(sim::prelude::Semantics::book().with(sim::prelude::Deviation::D6)).plan(&plan);
    assert!(run.held(), "{}", run.summary());
}
