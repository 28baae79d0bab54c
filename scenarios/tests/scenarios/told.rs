//! What holds of every scenario's calm run, and where all of them come to together.

use kernel_core::How;
use scenarios::all;
use sim::explore::{explore, run_plan, run_seed};
use sim::guest::image::Loader;
use sim::plan::Plan;
use sim::plan::chooser::{Profile, Seed};
use sim::scenario::{Flavor, Scenario};
use sim::trace::coverage::{COLUMNS, Coverage};
use sim::trace::event::What;
use sim::trace::line;
use sim::world::{Options, Run};
use std::collections::BTreeSet;

/// The most events of a calm run: thousands of seeds are played of each scenario.
const CALM_EVENTS_MAX: u64 = 1_500;
/// The longest time that faults may happen in a scenario, in virtual seconds.
const STORM_SECS_MAX: u64 = 20;
/// Scenarios in which every engine and module works on its disk.
const DISKS: [&str; 8] = [
    "a-counter-that-persists",
    "a-ledger-that-resumes",
    "an-auditor-reads-along",
    "two-at-one-file",
    "a-full-disk",
    "a-bank-with-a-log",
    "a-bank-with-a-journal",
    "databases-on-a-swapped-disk",
];
/// How many seeds are enough to come to every cell of the exit matrix.
const SEEDS: u64 = 150;

#[test]
fn a_calm_run_is_short_and_leaves_nothing_unmodelled() {
    for scenario in all() {
        let run = calm(&scenario, Flavor::Native, &Loader::default());
        let n_events = run.trace.len();
        assert!(n_events <= CALM_EVENTS_MAX, "{}: {n_events} events", scenario.name);
        assert!(
            scenario.storm <= kernel_core::Duration::from_secs(STORM_SECS_MAX),
            "{}: {}",
            scenario.name,
            scenario.storm
        );
        let unmodelled = run.trace.events().find(|(_, event)| matches!(event.what, What::Unmodelled(..)));
        assert!(unmodelled.is_none(), "{}: {unmodelled:?}", scenario.name);
    }
}

#[test]
fn every_scenario_has_a_name_of_its_own_and_says_what_it_is_about() {
    let mut names = BTreeSet::new();
    for scenario in all() {
        let plain = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(scenario.name.chars().all(plain), "`{}` is hard to type", scenario.name);
        assert!(scenario.about.ends_with('.'), "{}: {:?} is not a sentence", scenario.name, scenario.about);
        assert!(!scenario.expect.is_empty(), "{} shows nothing", scenario.name);
        assert!(names.insert(scenario.name.clone()), "there are two scenarios named {}", scenario.name);
    }
}

#[test]
fn the_readme_lists_every_scenario() {
    let readme = include_str!("../../README.md");
    let missing: Vec<String> = all()
        .into_iter()
        .map(|scenario| format!("`{}`", scenario.name))
        .filter(|name| !readme.contains(name))
        .collect();
    assert_eq!(missing, [""; 0], "scenarios/README.md lacks these, by chapter");
}

/// What owners do first is done before the storm: it looks the same under every seed.
#[test]
fn no_fault_disturbs_a_setup() {
    let (loader, options) = (Loader::default(), Options { keep_trace: true, ..Options::native() });
    for scenario in all() {
        let calm = calm(&scenario, Flavor::Native, &loader);
        let storm = calm.trace.events().position(|(_, event)| matches!(event.what, What::Script(_)));
        let answers = calm.trace.events().take(storm.unwrap_or(0)).enumerate();
        let answers = answers.filter(|(_, (_, event))| matches!(event.what, What::CommandAnswered(..)));
        let setup = answers.map(|(index, _)| index + 1).last().unwrap_or(0);
        let told = |run: &Run| -> Vec<String> {
            run.trace.events().take(setup).map(|(index, event)| line(*index, event, &run.names)).collect()
        };
        for seed in 0..20 {
            let run = run_seed(&scenario, Seed(seed), Profile::Swarm, &options, &loader);
            let run = run.unwrap_or_else(|error| panic!("{}: {error}", scenario.name));
            let (told, calm) = (told(&run), told(&calm));
            let parts = told.iter().zip(&calm).find(|(told, calm)| told != calm);
            assert!(parts.is_none(), "{} under seed {seed}: {parts:#?}", scenario.name);
        }
    }
}

/// "Each by seeded faults in at least three scenarios and at least once with a message in flight."
#[test]
fn faults_come_to_every_cell_of_the_exit_matrix() {
    let seeds: Vec<Seed> = (0..SEEDS).map(Seed).collect();
    let (options, loader) = (Options::native(), Loader::default());
    let mut total = Coverage::default();
    let mut n_scenarios = [[0u32; 3]; 4];
    for scenario in all() {
        let explored = explore(&scenario, &seeds, Profile::Swarm, &options, &loader, 2, || {});
        let explored = explored.unwrap_or_else(|error| panic!("{}: {error}", scenario.name));
        assert!(explored.violations.is_empty(), "{}: {:#?}", scenario.name, explored.violations);
        assert!(explored.limits.is_empty(), "{}: {:?}", scenario.name, explored.limits);
        for (row, how) in n_scenarios.iter_mut().zip(How::ALL) {
            for (n, on_exit) in row.iter_mut().zip(COLUMNS) {
                *n += u32::from(explored.coverage.cell(how, on_exit).exits() > 0);
            }
        }
        total.add(&explored.coverage);
    }
    println!("{:<24}{:>10}{:>10}{:>10}{:>10}", "cell", "exits", "in flight", "capable", "scenarios");
    for (row, how) in n_scenarios.iter().zip(How::ALL) {
        for (n, on_exit) in row.iter().zip(COLUMNS) {
            let cell = total.cell(how, on_exit);
            let (exits, in_flight, capable) = (cell.exits(), cell.in_flight(), cell.capable());
            let name = format!("X.{}.{on_exit:?}", how.name());
            println!("{name:<24}{exits:>10}{in_flight:>10}{capable:>10}{n:>10}");
            assert!(*n >= 3, "{name} was reached in {n} scenarios");
            assert!(in_flight > 0, "{name} was never reached with a message in flight");
        }
    }
}

/// Two builds of one source leave the same bytes on disks: `cargo test --release --test scenarios told` compares with what a
/// debug build has written here. A change of what is written changes these digests.
#[test]
fn a_scenario_leaves_the_disks_that_it_always_left() {
    let (loader, options) = (Loader::default(), Options::native());
    let on_disks = all().into_iter().filter(|scenario| DISKS.contains(&scenario.name.as_str()));
    let left = on_disks.map(|scenario| {
        let seeds = (0..20).map(|seed| {
            let run = run_seed(&scenario, Seed(seed), Profile::Swarm, &options, &loader);
            run.unwrap_or_else(|error| panic!("{}: {error}", scenario.name)).disks
        });
        let calm = calm(&scenario, Flavor::Native, &loader).disks;
        let all = seeds.fold(calm, |all, disks| all.then(disks));
        format!("{:<32}calm {calm}, and under 20 seeds {all}", scenario.name)
    });
    let left: Vec<String> = left.collect();
    assert_eq!(left.len(), DISKS.len(), "{left:#?}");
    let kept = include_str!("disks.txt");
    let now = left.join("\n") + "\n";
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/disks.txt");
        return std::fs::write(path, now).expect("the file can be written");
    }
    assert_eq!(now, kept, "INSTA_UPDATE=always writes tests/scenarios/disks.txt");
}

fn calm(scenario: &Scenario, flavor: Flavor, loader: &Loader) -> Run {
    let options = Options { flavor, keep_trace: true, ..Options::default() };
    run_plan(scenario, &Plan::default(), &options, loader).unwrap_or_else(|error| panic!("{}: {error}", scenario.name))
}
