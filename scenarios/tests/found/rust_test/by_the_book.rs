#[test]
fn down_restart_keeps_x_down_restart() {
    let scenario = sim::prelude::named(scenarios::all(), "down-restart");
    let plan = "
        kill alice.os #16 subject:demo:alice.os
        kill alice.os #42 silent:demo:alice.os"
    .parse()
    .expect("it is a plan");
    let run = sim::Sim::of(&scenario).plan(&plan);
    assert!(run.held(), "{}", run.summary());
}
