//! What the book advises those who follow a chain, kept and not kept: the same program as three processes.

use scenarios::all;
use scenarios::chapters::chain::{archiving, indexing};
use sim::explore::shrink::shrink;
use sim::explore::sweep::{branches, points, sweep};
use sim::explore::{explore, record_seed, run_plan};
use sim::guest::image::Loader;
use sim::plan::Plan;
use sim::plan::chooser::{Profile, Seed};
use sim::scenario::Scenario;
use sim::world::{Options, Run, Verdict};

const RULE: &str = "logs-once";
/// How many seeds each is played under: enough to catch those that are not careful.
const SEEDS: u64 = 400;
/// Every so-many-eth crash point of the scenario with a database is tried in the debug profile.
const POINT_STEP: usize = 3;
/// How many runs shrinking may take.
const SHRINK_RUNS_MAX: usize = 300;

/// An indexer of which nothing is expected but what it is for.
fn scenario(process: &str) -> Scenario {
    indexing("planted", "An indexer, and nothing that its owner does.", process)
}

fn broken(run: &Run) -> Option<&'static str> {
    match &run.verdict {
        Verdict::Violated(violations) => violations.first().map(|violation| violation.claim.rule.id()),
        Verdict::Held | Verdict::Limit(_) => None,
    }
}

/// The first seed that breaks the rule, and the plan that it shrinks to.
fn caught(scenario: &Scenario) -> Option<(u64, Plan)> {
    let (options, loader) = (Options::native(), Loader::default());
    let seeds: Vec<Seed> = (0..SEEDS).map(Seed).collect();
    let explored = explore(scenario, &seeds, Profile::Swarm, &options, &loader, 2, || {}).expect("a sound scenario");
    let (seed, _) = explored.violations.first()?;
    let recorded = record_seed(scenario, *seed, Profile::Swarm, &options, &loader).expect("a sound scenario");
    let fails = |plan: &Plan| run_plan(scenario, plan, &options, &loader).is_ok_and(|run| broken(&run) == Some(RULE));
    let shrunk = shrink(recorded.plan.expect("it was recorded"), SHRINK_RUNS_MAX, fails);
    assert!(fails(&shrunk.plan), "the plan breaks the rule");
    Some((seed.0, shrunk.plan))
}

#[test]
fn who_asks_for_what_was_missed_has_every_log_exactly_once_whatever_happens() {
    assert_eq!(caught(&scenario("indexer")), None);
}

#[test]
fn and_at_every_crash_point_of_its_scenario() {
    let scenario =
        all().into_iter().find(|scenario| scenario.name == "an-indexer-on-a-chain").expect("there is its scenario");
    let swept = sweep(&scenario, &Options::native(), &Loader::default(), |_, _| true).expect("a sound scenario");
    println!("{} of {} crash points visited", swept.visited, swept.points);
    assert_eq!((swept.visited, swept.violations.first()), (swept.points, None));
    assert!(swept.points > 300, "{} points", swept.points);
}

#[test]
fn who_only_listens_is_caught() {
    let (seed, plan) = caught(&scenario("listener")).expect("it misses what comes while nobody listens");
    println!("seed {seed}: {plan}");
    assert!(plan.lines.len() <= 2, "{plan}");
}

/// `eth` answers an equal request from memory for a second.
#[test]
fn who_asks_too_soon_is_caught() {
    let (seed, plan) = caught(&scenario("hasty")).expect("it gets the answers of its former life");
    println!("seed {seed}: {plan}");
    assert!(plan.lines.len() <= 6, "{plan}");
}

/// The same program with a database, and nothing that its owner does.
fn with_a_database(process: &str) -> Scenario {
    archiving("planted", "An indexer with a database.", process)
}

#[test]
fn who_writes_logs_and_place_in_one_transaction_has_every_log_exactly_once_in_its_database() {
    assert_eq!(caught(&with_a_database("archive")), None);
}

/// One in [`POINT_STEP`] of the debug profile, all in release.
#[test]
fn and_at_the_crash_points_of_its_scenario() {
    let scenario = all()
        .into_iter()
        .find(|scenario| scenario.name == "an-indexer-with-a-database")
        .expect("there is its scenario");
    let (options, loader) = (Options::native(), Loader::default());
    let points = points(&scenario, &options, &loader).expect("a sound scenario");
    let step = if cfg!(debug_assertions) { POINT_STEP } else { 1 };
    let tried: Vec<_> = points.iter().step_by(step).cloned().collect();
    let mut broken = vec![];
    let done = branches(&scenario, &options, &loader, &tried, |line, _, run| {
        broken.extend((run.verdict != Verdict::Held).then(|| line.to_string()));
        true
    });
    done.expect("a sound scenario");
    println!("{} of {} crash points visited", tried.len(), points.len());
    assert_eq!(broken, [""; 0]);
    assert!(points.len() > 500, "{} points", points.len());
}

#[test]
fn who_only_listens_is_caught_with_a_database_too() {
    let (seed, plan) = caught(&with_a_database("listener")).expect("it has nothing of what was before");
    println!("seed {seed}: {plan}");
    assert!(plan.lines.is_empty(), "{plan}");
}

#[test]
fn who_writes_down_how_far_it_has_come_before_the_logs_is_caught() {
    let (seed, plan) = caught(&with_a_database("scattered")).expect("a crash in between loses logs");
    println!("seed {seed}: {plan}");
    assert!(plan.lines.len() <= 2, "{plan}");
}
