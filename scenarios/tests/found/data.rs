//! Data that survives: every durable write of many, each planted fault of a disk and of what lives on it, and a process that resumes wrongly.

use super::finding::{in_parallel, violations};
use kernel_core::Rule;
use scenarios::all;
use scenarios::chapters::programs;
use scenarios::counts_once::CountsOnce;
use scenarios::no_money_lost::NoMoneyLost;
use sim::disk::planted::Planted;
use sim::explore::shrink::shrink;
use sim::explore::sweep::{points, sweep};
use sim::explore::{record_seed, run_plan, run_seed};
use sim::guest::image::Loader;
use sim::plan::Family;
use sim::plan::Plan;
use sim::plan::chooser::{Profile, Seed};
use sim::scenario::{Scenario, millis, on, secs, start, tell};
use sim::world::{Options, Run};
use std::collections::BTreeSet;

const ALICE: &str = "alice.os";
/// How many times a state is saved.
const N_SAVES: u32 = 200;
/// Each scenario is played under so many seeds at most to find a planted fault.
const SEEDS_MAX: u64 = 256;
const SHRINK_RUNS_MAX: usize = 300;

fn scenario(name: &str) -> Scenario {
    all().into_iter().find(|scenario| scenario.name == name).unwrap_or_else(|| panic!("there is no scenario {name}"))
}

/// A process that saves its state over and over, and is asked for it after whatever befell it.
fn saves() -> Scenario {
    let saver = on(ALICE, "saver:demo:alice.os");
    let saves: Vec<String> = (1..=N_SAVES).map(|n| format!("save-state {n}")).collect();
    Scenario::new("saves", "")
        .programs(programs())
        .setup(start(saver.runs("puppet").restarting()))
        .at(millis(10), tell(&saver, &saves.join("\n")))
        .at(secs(5), tell(&saver, "print-state"))
        .lasting(secs(6), secs(1))
}

#[test]
fn every_durable_write_of_200_saves_is_a_crash_point_and_all_are_visited() {
    let (scenario, options, loader) = (saves(), Options::native(), Loader::default());
    let sites = points(&scenario, &options, &loader).expect("it is a sound scenario");
    let writes: BTreeSet<(String, u32)> = sites
        .into_iter()
        .map(|point| point.line)
        .filter(|line| line.family() == Family::Write)
        .map(|line| (line.subject.to_string(), line.ordinal))
        .collect();
    assert!(writes.len() >= N_SAVES as usize, "each save is a durable write: {}", writes.len());
    // A save has five operations: before the first, after each, by a crash and by a power loss.
    let ways = ["crash", "power-loss"].map(|how| (0..=5).map(move |done| format!("{how}@{done}")));
    let ways: Vec<String> = ways.into_iter().flatten().collect();
    let plans: Vec<Plan> = writes
        .iter()
        .flat_map(|(node, ordinal)| ways.iter().map(move |way| format!("write {node} #{ordinal} {way}")))
        .map(|line| line.parse().expect("it is a plan"))
        .collect();
    let broken: Vec<String> = in_parallel(&plans, |plan| {
        let run = run_plan(&scenario, plan, &options, &loader).expect("it is a sound scenario");
        (!run.held()).then(|| format!("{plan}: {}", run.summary()))
    })
    .into_iter()
    .flatten()
    .collect();
    println!("{} of {} crash points visited, {} broken", plans.len(), writes.len() * ways.len(), broken.len());
    assert_eq!(broken.first(), None);
}

#[test]
fn every_crash_point_of_a_restore_holds() {
    let (options, loader) = (Options::native(), Loader::default());
    for name in ["a-disk-swapped-for-a-backup", "a-full-disk"] {
        let swept = sweep(&scenario(name), &options, &loader, |_, _| true).expect("it is a sound scenario");
        println!("{name}: {} of {} crash points visited", swept.visited, swept.points);
        assert_eq!((swept.visited, swept.violations.first()), (swept.points, None), "{name}");
        assert!(swept.points > 200, "{name}: {} points", swept.points);
    }
}

/// A planted fault, and how it was found.
struct Found {
    planted: Planted,
    rule: Rule,
    facts: String,
    scenario: String,
    seeds: u64,
    plan: Plan,
}

#[test]
fn every_planted_fault_of_disk_and_modules_is_found_by_the_common_exploration() {
    let loader = Loader::default();
    let found = in_parallel(&Planted::ALL, |planted| find(*planted, &loader));
    let missed: Vec<&Planted> =
        Planted::ALL.iter().zip(&found).filter_map(|(planted, found)| found.is_none().then_some(planted)).collect();
    for Found { planted, rule, facts, scenario, seeds, plan } in found.iter().flatten() {
        println!("{planted:?} breaks {rule} in {scenario} after {seeds} seeds: {facts}\n    {}", plan.one_line());
        assert!(expected(*planted).is_none_or(|rules| rules.contains(rule)), "{planted:?} breaks {rule}: {facts}");
        assert!(plan.lines.len() <= 6, "{planted:?}: {plan}");
    }
    assert_eq!(missed, Vec::<&Planted>::new());
}

/// The rules that say what a fault breaks; `None`: what was acknowledged is not in the table after the next boot, and
/// which rule that breaks depends on what it was.
fn expected(planted: Planted) -> Option<&'static [Rule]> {
    match planted {
        Planted::AnswersBeforeSync => Some(&[Rule::P3]),
        Planted::RenameIsNotAtomic => Some(&[Rule::P1, Rule::P3]),
        Planted::KeepsTornFrames => None,
        Planted::BackupInParts => Some(&[Rule::P5]),
        Planted::NoChecksums => Some(&[Rule::P1, Rule::P3]),
        Planted::KvCommitsInParts | Planted::KvStartsAnew | Planted::KvOneForAll | Planted::KvAsksNobody => {
            Some(&[Rule::P3])
        }
        Planted::SqliteSyncIgnored
        | Planted::SqliteAnswersEarly
        | Planted::SqliteJournalIgnored
        | Planted::SqliteOneForAll
        | Planted::SqliteAsksNobody => Some(&[Rule::P3, NoMoneyLost::RULE]),
    }
}

/// The first scenario and seed that show it, and the least that it takes.
fn find(planted: Planted, loader: &Loader) -> Option<Found> {
    let options = Options { planted: Some(planted), ..Options::native() };
    let scenarios = all();
    let mut from = 0;
    for to in [4, 16, 64, SEEDS_MAX] {
        for scenario in &scenarios {
            for seed in (from..to).map(Seed) {
                let run = run_seed(scenario, seed, Profile::Swarm, &options, loader).expect("it is a sound scenario");
                let broken =
                    violations(&run).find(|(rule, _)| expected(planted).is_none_or(|rules| rules.contains(rule)));
                if let Some((rule, _)) = broken {
                    return Some(shrunk(planted, scenario, seed, rule, loader));
                }
            }
        }
        from = to;
    }
    None
}

fn shrunk(planted: Planted, scenario: &Scenario, seed: Seed, rule: Rule, loader: &Loader) -> Found {
    let options = Options { planted: Some(planted), ..Options::native() };
    let run =
        |plan: &Plan, options: &Options| run_plan(scenario, plan, options, loader).expect("it is a sound scenario");
    let facts = |run: &Run| violations(run).find(|(broken, _)| *broken == rule).map(|(_, facts)| facts.to_string());
    let recorded = record_seed(scenario, seed, Profile::Swarm, &options, loader).expect("it is a sound scenario");
    let plan = recorded.plan.expect("it was recorded");
    let plan = shrink(plan, SHRINK_RUNS_MAX, |plan| facts(&run(plan, &options)).is_some()).plan;
    let without = run(&plan, &Options::native());
    assert!(without.held(), "{planted:?} is not to blame: {plan}\n{}", without.summary());
    let facts = facts(&run(&plan, &options)).expect("the shrunk plan breaks it");
    Found { planted, rule, facts, scenario: scenario.name.clone(), seeds: seed.0 + 1, plan }
}

/// P4: the process that announces a step before it saves it.
#[test]
fn who_answers_and_then_saves_is_caught() {
    let wrong = scenario("a-counter-that-tells-too-soon").holding(CountsOnce::of_adds);
    let (options, loader) = (Options::native(), Loader::default());
    let caught = |plan: &Plan| {
        let run = run_plan(&wrong, plan, &options, &loader).expect("it is a sound scenario");
        violations(&run).find(|(rule, _)| *rule == Rule::P4).map(|(_, facts)| facts.to_string())
    };
    let facts = caught(&Plan::default()).expect("it is caught in the calm run: the scenario says so");
    println!("{facts}");
    let right = scenario("a-counter-that-persists");
    let seeds: Vec<Seed> = (0..300).map(Seed).collect();
    let broken = in_parallel(&seeds, |seed| {
        let run = run_seed(&right, *seed, Profile::Swarm, &options, &loader).expect("it is a sound scenario");
        (!run.held()).then(|| run.summary())
    });
    assert_eq!(broken.into_iter().flatten().next(), None, "and who saves and then answers is not");
}
