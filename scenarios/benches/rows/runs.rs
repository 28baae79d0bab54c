//! Whole runs: fresh seeds, explorations and crash sweeps.

use super::{form, options};
use crate::clock::cpu_seconds;
use scenarios::loads::messages::five_hosts;
use sim::explore::sweep::{branches, points};
use sim::explore::{run_plan, run_seed};
use sim::guest::image::Loader;
use sim::plan::Plan;
use sim::plan::chooser::{Profile, Seed};
use sim::scenario::{Flavor, Scenario, millis};

/// Seeds per CPU second, and messages per seed.
fn seeds(scenario: &Scenario, n: u64, profile: Profile, loader: &Loader) -> (f64, f64) {
    let options = options(Flavor::Native, true);
    let before = cpu_seconds();
    let mut messages = 0;
    for seed in 0..n {
        messages += run_seed(scenario, Seed(seed), profile, &options, loader).expect("it can be run").messages;
    }
    (n as f64 / (cpu_seconds() - before), messages as f64 / n as f64)
}

/// All scenarios under a few seeds: milliseconds of CPU per seed of all.
fn explored(flavor: Flavor, seeds: u64, loader: &Loader) -> f64 {
    let scenarios = scenarios::all();
    let options = sim::world::Options { flavor, ..Default::default() };
    // What is compiled once is compiled now.
    for scenario in &scenarios {
        run_seed(scenario, Seed(0), Profile::Swarm, &options, loader).expect("it can be run");
    }
    let before = cpu_seconds();
    for scenario in &scenarios {
        for seed in 1..=seeds {
            run_seed(scenario, Seed(seed), Profile::Swarm, &options, loader).expect("it can be run");
        }
    }
    (cpu_seconds() - before) * 1e3 / seeds as f64
}

/// Branches a second of a sweep's crash points: forked off the calm run, and each run again from the start.
fn sweep(name: &str, flavor: Flavor, loader: &Loader) {
    let all = scenarios::all();
    let scenario = all.iter().find(|scenario| scenario.name == name).expect("a scenario of this name");
    let options = sim::world::Options { flavor, ..Default::default() };
    let points = points(scenario, &options, loader).expect("a scenario can be run");
    let before = cpu_seconds();
    branches(scenario, &options, loader, &points, |_, _, _| true).expect("a scenario can be run");
    let forked = cpu_seconds() - before;
    let before = cpu_seconds();
    for point in &points {
        let plan = Plan { lines: vec![point.line.clone()] };
        run_plan(scenario, &plan, &options, loader).expect("a scenario can be run");
    }
    let again = cpu_seconds() - before;
    let n = points.len() as f64;
    println!(
        r#"{{"sys":"kinode-sim","row":"sweep","scenario":"{name}","form":"{}","points":{n},"forked_per_cpu_s":{:.0},"run_again_per_cpu_s":{:.0}}}"#,
        form(flavor),
        n / forked,
        n / again
    );
}

pub fn rows(loader: &Loader) {
    let empty = Scenario::new("empty", "nothing").lasting(millis(1), millis(1));
    for profile in [Profile::Calm, Profile::Swarm] {
        let (rate, _) = seeds(&empty, 20_000, profile, loader);
        println!(
            r#"{{"sys":"kinode-sim","row":"seeds_empty","form":"native","profile":"{profile:?}","seeds_per_cpu_s":{rate:.0}}}"#
        );
    }
    let (rate, messages) = seeds(&five_hosts(), 2_000, Profile::Calm, loader);
    println!(
        r#"{{"sys":"kinode-sim","row":"seeds_5hosts_10rounds","form":"native","profile":"Calm","seeds_per_cpu_s":{rate:.1},"msgs_per_seed":{messages:.1}}}"#
    );
    for (flavor, n) in [(Flavor::Native, 8), (Flavor::Wasm, 2)] {
        let ms = explored(flavor, n, loader);
        let n = scenarios::all().len();
        println!(
            r#"{{"sys":"kinode-sim","row":"explore","form":"{}","scenarios":{n},"cpu_ms_per_seed":{ms:.1}}}"#,
            form(flavor)
        );
    }
    for name in ["panic-restart", "a-chat-through-crashes", "a-ledger-that-resumes"] {
        for flavor in [Flavor::Native, Flavor::Wasm] {
            sweep(name, flavor, loader);
        }
    }
}
