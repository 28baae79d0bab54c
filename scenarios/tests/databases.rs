//! What SQLite keeps for a bank.

use scenarios::all;
use scenarios::stories::databases::banking;
use sim::chooser::{Profile, Seed};
use sim::explore::explore;
use sim::image::Loader;
use sim::modules::setup::Journal;
use sim::scenario::Scenario;
use sim::sweep::sweep;
use sim::world::{Options, Verdict};

const SEEDS: u64 = 150;
const JOURNALS: [Journal; 2] = [Journal::Wal, Journal::Rollback];

fn bank(journal: Journal) -> Scenario {
    banking("bank", "A bank, and nothing that its owner does.", journal)
}

fn stories() -> impl Iterator<Item = Scenario> {
    all().into_iter().filter(|story| story.name.starts_with("a-bank-with"))
}

/// What is broken first under each seed that breaks something.
fn broken(scenario: &Scenario) -> Vec<&'static str> {
    let seeds: Vec<Seed> = (0..SEEDS).map(Seed).collect();
    let (options, loader) = (Options::default(), Loader::default());
    let explored = explore(scenario, &seeds, Profile::Swarm, &options, &loader, 2, || {}).expect("a sound scenario");
    let first = |verdict: &Verdict| match verdict {
        Verdict::Violated(violations) => violations.first().map(|violation| violation.rule.id),
        Verdict::Held | Verdict::Limit(_) => None,
    };
    explored.violations.iter().filter_map(|(_, verdict)| first(verdict)).collect()
}

#[test]
fn no_money_is_lost_under_any_seed() {
    for journal in JOURNALS {
        assert_eq!(broken(&bank(journal)), [] as [&str; 0], "{journal:?}");
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
