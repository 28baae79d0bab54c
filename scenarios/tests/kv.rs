//! What is said of `kv`, shown: no crash point of its stories and of 200 transactions breaks a rule, and what is planted in
//! it is found.

use kernel_core::{Deviation, Semantics};
use scenarios::all;
use scenarios::summing::summing_to;
use sim::chooser::{Profile, Seed};
use sim::explore::{record_seed, run_plan, run_seed};
use sim::image::Loader;
use sim::modules::setup::{Planted, Setup};
use sim::plan::{Line, Plan};
use sim::scenario::Scenario;
use sim::shrink::shrink;
use sim::site::Question;
use sim::sweep::points;
use sim::world::{Options, Run, Verdict};

/// How many seeds of each story are played to find what is planted.
const SEEDS: u64 = 100;
/// How many runs shrinking may take.
const SHRINK_RUNS_MAX: usize = 200;

fn story(name: &str) -> Scenario {
    all().into_iter().find(|story| story.name == name).expect("there is this story")
}

fn rules(run: &Run) -> Vec<&'static str> {
    match &run.verdict {
        Verdict::Violated(violations) => violations.iter().map(|violation| violation.rule.id).collect(),
        Verdict::Held | Verdict::Limit(_) => vec![],
    }
}

// ---- crash points -------------------------------------------------------------------------------------------------

/// The crash points of a calm run that are in a durable write: a crash and a power loss after each operation.
fn writes(scenario: &Scenario) -> Vec<Line> {
    let points = points(scenario, &Options::default(), &Loader::default()).expect("a sound scenario");
    points.into_iter().filter(|line| line.question == Question::Write).collect()
}

/// Visits these crash points, and says how many; none may break a rule.
fn visit(scenario: &Scenario, points: impl Iterator<Item = Line>) -> usize {
    let loader = Loader::default();
    let visited = points.map(|point| {
        let plan = Plan { lines: vec![point] };
        let run = run_plan(scenario, &plan, &Options::default(), &loader).expect("a sound scenario");
        assert!(run.held(), "{plan:?}: {}", run.story());
    });
    visited.count()
}

#[test]
fn no_crash_within_a_write_of_the_stories_breaks_a_rule() {
    for name in ["a-ledger-that-resumes", "an-auditor-reads-along", "a-ledger-without-transactions"] {
        let scenario = story(name);
        let points = writes(&scenario);
        let n_points = points.len();
        let visited = visit(&scenario, points.into_iter());
        println!("{name}: {visited} of {n_points} points in durable writes visited");
        assert!(visited == n_points && n_points > 150, "{visited} of {n_points}");
    }
}

/// How many transactions.
const N: u64 = 200;

/// Every so-many-eth point in CI; all of them by `cargo test --release --test kv -- --ignored --nocapture`.
fn sweep_of_200(every: usize) {
    let scenario = summing_to(N);
    let run = run_plan(&scenario, &Plan::default(), &Options::default(), &Loader::default()).expect("a sound scenario");
    assert!(run.held(), "{}", run.story());
    let points = writes(&scenario);
    let n_points = points.len();
    let visited = visit(&scenario, points.into_iter().step_by(every));
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

// ---- what is planted ----------------------------------------------------------------------------------------------

/// The first story that breaks P3, the seed that did it, and the plan that it shrinks to.
fn found(stories: &[Scenario], options: &Options) -> Option<(String, u64, Plan)> {
    let loader = Loader::default();
    for seed in (0..SEEDS).map(Seed) {
        for story in stories {
            let run = run_seed(story, seed, Profile::Swarm, options, &loader).expect("a sound story");
            if !rules(&run).contains(&"P3") {
                continue;
            }
            let fails =
                |plan: &Plan| run_plan(story, plan, options, &loader).is_ok_and(|run| rules(&run).contains(&"P3"));
            let recorded = record_seed(story, seed, Profile::Swarm, options, &loader).expect("a sound story");
            let shrunk = shrink(recorded.plan.expect("it was recorded"), SHRINK_RUNS_MAX, fails);
            return Some((story.name.clone(), seed.0, shrunk.plan));
        }
    }
    None
}

fn stories() -> Vec<Scenario> {
    ["a-ledger-that-resumes", "an-auditor-reads-along", "a-stranger-at-a-database"].map(story).to_vec()
}

/// That plan breaks nothing where nothing is planted.
fn is_innocent(name: &str, plan: &Plan) -> bool {
    run_plan(&story(name), plan, &Options::default(), &Loader::default()).expect("a sound story").held()
}

#[test]
fn what_is_planted_in_kv_is_found() {
    let all = [Planted::KvCommitsInParts, Planted::KvStartsAnew, Planted::KvOneForAll, Planted::KvAsksNobody];
    for planted in all {
        let with = |story: Scenario| story.with(Setup { planted: Some(planted), ..Setup::default() });
        let stories: Vec<Scenario> = stories().into_iter().map(with).collect();
        let (name, seed, plan) =
            found(&stories, &Options::default()).unwrap_or_else(|| panic!("{planted:?}: not found"));
        let lines: Vec<String> = plan.lines.iter().map(ToString::to_string).collect();
        println!("{planted:?}: {name}, seed {seed}, {} lines: {lines:?}", lines.len());
        assert!(lines.len() <= 2, "{planted:?}: {lines:?}");
        assert!(is_innocent(&name, &plan), "{planted:?}: {lines:?}");
    }
}

/// A module that answers before its sync.
#[test]
fn an_answer_before_the_sync_is_found() {
    let semantics = Semantics::book().with(Deviation::D27);
    let options = Options { semantics: Some(semantics), ..Options::default() };
    let (name, seed, plan) = found(&stories(), &options).expect("it is found");
    println!("D27: {name}, seed {seed}, {} lines", plan.lines.len());
    assert!(plan.lines.len() <= 1 && is_innocent(&name, &plan));
}
