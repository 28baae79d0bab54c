//! The sweep forks the calm run at each crash point: a branch is to be what its plan gives from the start.

use sim::explore::run_plan;
use sim::explore::sweep::{Way, branches, points, sweep};
use sim::guest::image::Loader;
use sim::plan::Plan;
use sim::scenario::{Flavor, Scenario};
use sim::world::Options;

fn scenario(name: &str) -> Scenario {
    scenarios::all().into_iter().find(|scenario| scenario.name == name).expect("a scenario of this name")
}

/// Each of every so manieth point, forked and run again from the start, to be compared. How many could not be forked.
fn compare(name: &str, flavor: Flavor, every: usize) -> usize {
    let (scenario, loader) = (scenario(name), Loader::default());
    let options = Options { flavor, ..Options::default() };
    let points = points(&scenario, &options, &loader).expect("a scenario can be run");
    let compared: Vec<_> = points.iter().step_by(every).cloned().collect();
    let mut n_forked = 0;
    let done = branches(&scenario, &options, &loader, &compared, |line, way, forked| {
        let plan = Plan { lines: vec![line.clone()] };
        let again = run_plan(&scenario, &plan, &options, &loader).expect("a scenario can be run");
        assert_eq!(forked.fingerprint, again.fingerprint, "{name} under `{line}`");
        assert_eq!((&forked.verdict, forked.elapsed), (&again.verdict, again.elapsed), "{name} under `{line}`");
        assert_eq!((forked.messages, forked.flavored), (again.messages, again.flavored), "{name} under `{line}`");
        assert_eq!(forked.coverage, again.coverage, "{name} under `{line}`");
        n_forked += usize::from(way == Way::Forked);
        true
    });
    done.expect("a scenario can be run");
    compared.len() - n_forked
}

#[test]
fn a_branch_that_was_forked_is_the_run_of_its_plan() {
    for name in ["panic-restart", "down-requests", "a-child-that-persists"] {
        assert_eq!(compare(name, Flavor::Native, 1), 0, "no module of {name} has anything open");
    }
}

#[test]
fn so_it_is_with_wasm_guests_which_are_made_again_by_their_answers() {
    for name in ["kill-restart", "a-counter-that-persists"] {
        assert_eq!(compare(name, Flavor::Wasm, 3), 0, "no module of {name} has anything open");
    }
}

#[test]
fn so_it_is_in_every_scenario() {
    for scenario in scenarios::all() {
        compare(&scenario.name, Flavor::Native, 197);
    }
}

#[test]
fn every_point_is_visited_in_the_order_of_the_calm_run() {
    let (scenario, loader) = (scenario("panic-restart"), Loader::default());
    let options = Options::native();
    let points = points(&scenario, &options, &loader).expect("a scenario can be run");
    let mut visited = Vec::new();
    let done = branches(&scenario, &options, &loader, &points, |line, _, _| {
        visited.push(line.clone());
        true
    });
    done.expect("a scenario can be run");
    assert_eq!(visited, points.into_iter().map(|point| point.line).collect::<Vec<_>>());
    let swept = sweep(&scenario, &options, &loader, |_, _| true).expect("a scenario can be run");
    assert_eq!((swept.visited, swept.points, swept.violations.len()), (visited.len(), visited.len(), 0));
}
