//! The sweep forks the calm run at each crash point: a branch is to be what its plan gives from the start.

use scenarios::stories;
use sim::explore::run_plan;
use sim::guest::image::Loader;
use sim::plan::Plan;
use sim::scenario::{Flavor, Scenario};
use sim::explore::sweep::{Way, branches, points, sweep};
use sim::world::Options;

fn story(name: &str) -> Scenario {
    stories::all().into_iter().find(|story| story.name == name).expect("a story of this name")
}

/// Each of every so manieth point, forked and run again from the start, to be compared. How many could not be forked.
fn compare(name: &str, flavor: Flavor, every: usize) -> usize {
    let (story, loader) = (story(name), Loader::default());
    let options = Options { flavor, ..Options::default() };
    let points = points(&story, &options, &loader).expect("a story can be run");
    let compared: Vec<_> = points.iter().step_by(every).cloned().collect();
    let mut n_forked = 0;
    let done = branches(&story, &options, &loader, &compared, |line, way, forked| {
        let plan = Plan { lines: vec![line.clone()] };
        let again = run_plan(&story, &plan, &options, &loader).expect("a story can be run");
        assert_eq!(forked.fingerprint, again.fingerprint, "{name} under `{line}`");
        assert_eq!((&forked.verdict, forked.elapsed), (&again.verdict, again.elapsed), "{name} under `{line}`");
        assert_eq!((forked.messages, forked.flavored), (again.messages, again.flavored), "{name} under `{line}`");
        assert_eq!(forked.coverage, again.coverage, "{name} under `{line}`");
        n_forked += usize::from(way == Way::Forked);
        true
    });
    done.expect("a story can be run");
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
fn so_it_is_in_every_story() {
    for story in stories::all() {
        compare(&story.name, Flavor::Native, 197);
    }
}

#[test]
fn every_point_is_visited_in_the_order_of_the_calm_run() {
    let (story, loader) = (story("panic-restart"), Loader::default());
    let options = Options::default();
    let points = points(&story, &options, &loader).expect("a story can be run");
    let mut visited = Vec::new();
    let done = branches(&story, &options, &loader, &points, |line, _, _| {
        visited.push(line.clone());
        true
    });
    done.expect("a story can be run");
    assert_eq!(visited, points.into_iter().map(|point| point.line).collect::<Vec<_>>());
    let swept = sweep(&story, &options, &loader, |_, _| true).expect("a story can be run");
    assert_eq!((swept.visited, swept.points, swept.violations.len()), (visited.len(), visited.len(), 0));
}
