#[test]
fn down_restart_keeps_x_down_restart() {
    let named = |story: &sim::scenario::Scenario| story.name == "down-restart";
    let story = scenarios::all().into_iter().find(named).expect("there is a story of this name");
    let plan = "
        kill alice.os #16 subject:demo:alice.os
        kill alice.os #42 silent:demo:alice.os";
    let plan = plan.parse().expect("it is a plan");
    let options = sim::world::Options { flavor: sim::scenario::Flavor::Wasm, ..Default::default() };
    let run = sim::explore::run_plan(&story, &plan, &options, &sim::guest::image::Loader::default());
    let run = run.expect("it is a sound story");
    assert!(run.held(), "{}", run.story());
}
