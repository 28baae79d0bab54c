//! The canary: a rule that about one seed in a hundred must break. Exploring, the command line and properties must all
//! report it.

#[allow(dead_code)] // Its `main` is the example's.
#[path = "../../examples/canary.rs"]
mod example;

use example::canary;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use sim::explore::property::Plans;
use sim::explore::{explore, run_seed};
use sim::guest::image::Loader;
use sim::plan::chooser::{Profile, Seed};
use sim::world::{Options, Run, Verdict};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::{Command, Output};

const SEEDS: u64 = 1_000;
/// One in a hundred, or nearly so.
const BROKEN: RangeInclusive<usize> = 5..=20;

fn sings(run: &Run) -> bool {
    matches!(&run.verdict, Verdict::Violated(violations) if violations.iter().all(|broken| broken.claim.rule.id() == "canary"))
}

/// The seeds that break it, each played by itself.
fn breaking() -> Vec<Seed> {
    let (canary, loader) = (canary(), Loader::default());
    let run = |seed| run_seed(&canary, seed, Profile::Swarm, &Options::native(), &loader).expect("a sound scenario");
    (0..SEEDS).map(Seed).filter(|seed| sings(&run(*seed))).collect()
}

#[test]
fn one_seed_in_a_hundred_breaks_it_and_exploring_reports_each() {
    let breaking = breaking();
    assert!(BROKEN.contains(&breaking.len()), "{} of {SEEDS} seeds break it", breaking.len());
    let seeds: Vec<Seed> = (0..SEEDS).map(Seed).collect();
    for jobs in [1, 2] {
        let options = Options::native();
        let explored = explore(&canary(), &seeds, Profile::Swarm, &options, &Loader::default(), jobs, || {});
        let explored = explored.expect("a sound scenario");
        let reported: Vec<Seed> = explored.violations.iter().map(|(seed, _)| *seed).collect();
        assert_eq!((explored.seeds, reported), (SEEDS, breaking.clone()), "{jobs} jobs");
    }
}

#[test]
fn the_command_line_fails_and_its_own_line_fails_again() {
    let found = call(&["explore", "--seeds", &SEEDS.to_string()]);
    let said = String::from_utf8_lossy(&found.stdout);
    assert_eq!(found.status.code(), Some(1), "{said}");
    assert!(said.contains("canary: BROKEN in canary"), "{said}");
    let quiet = breaking().first().expect("some seed breaks it").0;
    let passed = call(&["explore", "--seeds", &format!("0..{quiet}")]);
    assert_eq!(passed.status.code(), Some(0), "the seeds before the first that breaks it");
    let again = call(&["replay", "canary", "--seed", &quiet.to_string()]);
    assert_eq!(again.status.code(), Some(1), "{}", String::from_utf8_lossy(&again.stdout));
}

#[test]
fn a_property_over_it_fails() {
    let (canary, config) = (canary(), Config { failure_persistence: None, ..Config::with_cases(SEEDS as u32) });
    let plans = Plans::of(&canary);
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let result =
        runner.run(&plans, |plan| if plans.run(&plan).held() { Ok(()) } else { Err(TestCaseError::fail("it sings")) });
    let Err(TestError::Fail(_, plan)) = result else { panic!("no case of {SEEDS} broke it") };
    assert!(plan.lines.len() <= 2, "one message that takes the forbidden time is enough: {plan}");
}

/// The example's binary, as cargo has built it beside the tests.
fn call(args: &[&str]) -> Output {
    let test = std::env::current_exe().expect("a test has a path");
    let debug = test.ancestors().nth(2).expect("it lies in deps of a profile's folder");
    let example: PathBuf = debug.join("examples").join(format!("canary{}", std::env::consts::EXE_SUFFIX));
    assert!(example.exists(), "run `cargo test`, or build the example first: {}", example.display());
    Command::new(example).args(args).output().expect("it runs")
}
