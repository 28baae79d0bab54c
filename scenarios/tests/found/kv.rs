//! What is said of `kv`, shown: no crash point of its scenarios and of 200 transactions breaks a rule.

use scenarios::all;
use scenarios::summing::summing_to;
use sim::explore::run_plan;
use sim::explore::sweep::{Point, branches, points};
use sim::guest::image::Loader;
use sim::plan::Family;
use sim::plan::{Line, Plan};
use sim::scenario::Scenario;
use sim::world::{Options, Run};

fn scenario(name: &str) -> Scenario {
    all().into_iter().find(|scenario| scenario.name == name).expect("there is this scenario")
}

/// The crash points of a calm run that are in a durable write: a crash and a power loss after each operation.
fn writes(scenario: &Scenario) -> Vec<Point> {
    let points = points(scenario, &Options::native(), &Loader::default()).expect("a sound scenario");
    points.into_iter().filter(|point| point.line.family() == Family::Write).collect()
}

/// Visits these crash points, and says how many; none may break a rule.
fn visit(scenario: &Scenario, points: &[Point]) -> usize {
    let mut n_visited = 0;
    let each = |line: &Line, _, run: Run| {
        assert!(run.held(), "{line:?}: {}", run.summary());
        n_visited += 1;
        true
    };
    branches(scenario, &Options::native(), &Loader::default(), points, each).expect("a sound scenario");
    n_visited
}

#[test]
fn no_crash_within_a_write_of_the_scenarios_breaks_a_rule() {
    for name in ["a-ledger-that-resumes", "an-auditor-reads-along", "a-ledger-without-transactions"] {
        let scenario = scenario(name);
        let points = writes(&scenario);
        let n_points = points.len();
        let visited = visit(&scenario, &points);
        println!("{name}: {visited} of {n_points} points in durable writes visited");
        assert!(visited == n_points && n_points > 150, "{visited} of {n_points}");
    }
}

/// How many transactions.
const N: u64 = 200;

/// CI visits one point in so many; `cargo test --release --test found -- --ignored --nocapture kv::` visits all of them.
fn sweep_of_200(every: usize) {
    let scenario = summing_to(N);
    let run = run_plan(&scenario, &Plan::default(), &Options::native(), &Loader::default()).expect("a sound scenario");
    assert!(run.held(), "{}", run.summary());
    let points = writes(&scenario);
    let n_points = points.len();
    let visited = visit(&scenario, &points.into_iter().step_by(every).collect::<Vec<_>>());
    println!("{visited} of {n_points} points in the durable writes of {N} transactions visited");
    assert_eq!(visited, n_points.div_ceil(every));
    assert!(n_points > N as usize * 2 * 7, "{n_points}");
}

#[test]
fn no_crash_within_a_write_of_200_transactions_breaks_a_rule() {
    // No factor in common with the operations of a commit: over the whole, each of them is met.
    sweep_of_200(29);
}

#[test]
#[ignore = "all points: a minute in a release build"]
fn no_crash_within_any_write_of_200_transactions_breaks_a_rule() {
    sweep_of_200(1);
}
