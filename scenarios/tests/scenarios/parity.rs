//! A scenario leaves the same trace in every form: programs in native Rust or in Wasm, the first run of a process or a
//! later one.

use scenarios::all;
use sim::explore::{run_plan, run_seed};
use sim::guest::image::Loader;
use sim::guest::wasm::Limits;
use sim::plan::Plan;
use sim::plan::chooser::{Profile, Seed};
use sim::scenario::{Flavor, Scenario};
use sim::trace::{Fingerprint, line};
use sim::world::{Options, Run};

/// How many seeds each scenario is played under, besides its calm run.
const SEEDS: u64 = 20;
/// Far more than any order takes, and spun through in no time.
const SPIN_FUEL: u64 = 2_000_000;

#[test]
fn native_and_wasm_leave_the_same_trace() {
    let loader = Loader::default();
    let (mut n_same, mut flavored, mut differ) = (0, Vec::new(), Vec::new());
    for scenario in all() {
        for seed in seeds() {
            let native = play(&scenario, seed, Flavor::Native, &loader);
            let wasm = play(&scenario, seed, Flavor::Wasm, &loader);
            match (native.flavored || wasm.flavored, native.fingerprint == wasm.fingerprint) {
                (true, _) => flavored.push(name(&scenario, seed)),
                (false, true) => n_same += 1,
                (false, false) => {
                    differ.push(format!("{}: {}", name(&scenario, seed), first_difference(&native, &wasm)))
                }
            }
        }
    }
    println!(
        "{n_same} runs are the same; {} need not be, and are not compared: {}",
        flavored.len(),
        flavored.join(", ")
    );
    assert!(differ.is_empty(), "{} runs differ:\n{}", differ.len(), differ.join("\n"));
    assert!(n_same > flavored.len() * 10, "most runs are compared");
}

#[test]
fn a_run_is_the_same_twice_whatever_ran_before() {
    let prints = |scenarios: Vec<Scenario>, loader: &Loader| -> Vec<(String, Fingerprint)> {
        let of = |scenario: &Scenario, seed| (name(scenario, seed), play(scenario, seed, Flavor::Wasm, loader).whole());
        let mut prints: Vec<_> =
            scenarios.iter().flat_map(|scenario| seeds().map(|seed| of(scenario, seed)).collect::<Vec<_>>()).collect();
        prints.sort();
        prints
    };
    let loader = Loader::default();
    let forwards = prints(all(), &loader);
    // The second time everything is compiled and every scenario comes after others than before.
    let backwards = prints(all().into_iter().rev().collect(), &loader);
    assert_eq!(forwards, backwards);
}

/// The calm run, and the seeds.
fn seeds() -> impl Iterator<Item = Option<Seed>> {
    std::iter::once(None).chain((0..SEEDS).map(|seed| Some(Seed(seed))))
}

fn play(scenario: &Scenario, seed: Option<Seed>, flavor: Flavor, loader: &Loader) -> Run {
    let limits = Limits { spin_fuel: SPIN_FUEL, ..Limits::default() };
    let options = Options { flavor, limits, keep_trace: true, ..Options::default() };
    let run = match seed {
        None => run_plan(scenario, &Plan::default(), &options, loader),
        Some(seed) => run_seed(scenario, seed, Profile::Swarm, &options, loader),
    };
    run.unwrap_or_else(|error| panic!("{}: {error}", scenario.name))
}

fn name(scenario: &Scenario, seed: Option<Seed>) -> String {
    match seed {
        None => format!("{} calm", scenario.name),
        Some(seed) => format!("{} seed {}", scenario.name, seed.0),
    }
}

/// Where two runs part, as far as their texts tell. Last words may differ, and do not count.
fn first_difference(native: &Run, wasm: &Run) -> String {
    let lines = |run: &Run| -> Vec<String> {
        run.trace.events().map(|(index, event)| line(*index, event, &run.names)).collect()
    };
    let (native, wasm) = (lines(native), lines(wasm));
    let last_words = |line: &str| line.contains(" panics: ");
    let parts = native.iter().zip(&wasm).find(|(a, b)| a != b && !(last_words(a) && last_words(b)));
    match parts {
        Some((native, wasm)) => format!("\n  native {native}\n  wasm   {wasm}"),
        None => format!("{} events and {}, alike in their texts", native.len(), wasm.len()),
    }
}
