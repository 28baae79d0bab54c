//! What SQLite keeps for a bank, and what of it is not kept by modules that do wrong.

use scenarios::all;
use scenarios::stories::databases::banking;
use sim::chooser::{Profile, Seed};
use sim::explore::{explore, run_plan};
use sim::image::Loader;
use sim::modules::setup::Journal;
use sim::plan::Plan;
use sim::planted::Planted;
use sim::scenario::{Scenario, millis, on, secs, start, tell};
use sim::sweep::sweep;
use sim::world::{Options, Run, Verdict};

const SEEDS: u64 = 150;
const JOURNALS: [Journal; 2] = [Journal::Wal, Journal::Rollback];

fn bank(journal: Journal) -> Scenario {
    banking("planted", "A bank, and nothing that its owner does.", journal)
}

fn stories() -> impl Iterator<Item = Scenario> {
    all().into_iter().filter(|story| story.name.starts_with("a-bank-with"))
}

/// What is broken first under each seed that breaks something.
fn broken(scenario: &Scenario, planted: Option<Planted>) -> Vec<&'static str> {
    let seeds: Vec<Seed> = (0..SEEDS).map(Seed).collect();
    let (options, loader) = (Options { planted, ..Options::default() }, Loader::default());
    let explored = explore(scenario, &seeds, Profile::Swarm, &options, &loader, 2, || {}).expect("a sound scenario");
    let first = |verdict: &Verdict| match verdict {
        Verdict::Violated(violations) => violations.first().map(|violation| violation.rule.id),
        Verdict::Held | Verdict::Limit(_) => None,
    };
    explored.violations.iter().filter_map(|(_, verdict)| first(verdict)).collect()
}

fn calm(scenario: &Scenario, planted: Option<Planted>) -> Run {
    run_plan(scenario, &Plan::default(), &Options { planted, ..Options::default() }, &Loader::default())
        .expect("a sound scenario")
}

#[test]
fn no_money_is_lost_under_any_seed() {
    for journal in JOURNALS {
        assert_eq!(broken(&bank(journal), None), [] as [&str; 0], "{journal:?}");
    }
}

#[test]
fn nor_at_any_crash_point_of_the_stories() {
    for story in stories() {
        let swept = sweep(&story, &Options::default(), &Loader::default(), |_, _| true).expect("a sound scenario");
        println!("{}: {} of {} crash points visited", story.name, swept.visited, swept.points);
        assert_eq!((swept.visited, swept.violations.first()), (swept.points, None));
        assert!(swept.points > 1_500, "{} points", swept.points);
    }
}

#[test]
fn modules_that_forget_are_caught() {
    for planted in [Planted::SqliteSyncIgnored, Planted::SqliteAnswersEarly, Planted::SqliteJournalIgnored] {
        let broken = broken(&bank(Journal::Wal), Some(planted));
        println!("{planted:?}: {} of {SEEDS} seeds", broken.len());
        assert!(broken.contains(&"no-money-lost"), "{planted:?}: {broken:?}");
    }
}

/// A second bank, of another package, which moves nothing.
#[test]
fn a_database_that_two_packages_share_is_caught() {
    let other = on("alice.os", "bank:other:alice.os");
    let runs = other.runs("bank").restarting().public().messaging("sqlite:distro:sys");
    let two = bank(Journal::Wal).setup(start(runs)).every(secs(3), 3, tell(&other, "look"));
    assert!(calm(&two, None).held());
    let story = calm(&two, Some(Planted::SqliteOneForAll)).story();
    assert!(story.contains("no-money-lost BROKEN"), "{story}");
}

/// Oddity 2 of the public runtime: it looks the capability up and goes on whatever comes of that.
#[test]
fn a_module_that_asks_nobody_for_a_capability_is_caught() {
    let query = r#"{"package_id":{"package_name":"demo","publisher_node":"alice.os"},"db":"bank","action":{"Query":"SELECT 1"}}"#;
    let (spy, sqlite) = (on("alice.os", "spy:demo:alice.os"), on("alice.os", "sqlite:distro:sys"));
    let asks = tell(&spy, &format!("ask {sqlite} 3 {query}"));
    let spied_on = bank(Journal::Wal).setup(start(spy.runs("puppet").public().messaging(&sqlite.process)));
    let spied_on = spied_on.at(millis(2_500), asks);
    assert!(calm(&spied_on, None).held());
    let story = calm(&spied_on, Some(Planted::SqliteAsksNobody)).story();
    assert!(story.contains("P3 BROKEN"), "{story}");
}
