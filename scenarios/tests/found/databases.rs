//! What SQLite keeps for a bank.

use super::finding::{in_parallel, violations};
use scenarios::all;
use scenarios::chapters::databases::banking;
use sim::disk::planted::Planted;
use sim::explore::sweep::{points, sweep};
use sim::explore::{explore, run_plan, run_seed};
use sim::guest::image::Loader;
use sim::modules::setup::Journal;
use sim::plan::Plan;
use sim::plan::chooser::{Profile, Seed};
use sim::plan::{Down, Family};
use sim::scenario::{Scenario, down, millis, secs};
use sim::trace::event::What;
use sim::world::{Options, Run};

const SEEDS: u64 = 150;
/// A disk is swapped in one of ten.
const SEEDS_OF_RESTORES: u64 = 300;
/// Every so-many-eth crash point in a durable write is tried.
const CRASH_STEP: usize = 41;
/// So many sectors of each file rot, one at a time; few files are as long.
const SECTORS: u64 = 24;
const ALICE: &str = "alice.os";
const JOURNALS: [Journal; 2] = [Journal::Wal, Journal::Rollback];

fn bank(journal: Journal) -> Scenario {
    banking("bank", "A bank, and nothing that its owner does.", journal)
}

fn scenarios() -> impl Iterator<Item = Scenario> {
    all().into_iter().filter(|scenario| scenario.name.starts_with("a-bank-with"))
}

#[test]
fn no_money_is_lost_under_any_seed() {
    let seeds: Vec<Seed> = (0..SEEDS).map(Seed).collect();
    let (options, loader) = (Options::native(), Loader::default());
    for journal in JOURNALS {
        let explored = explore(&bank(journal), &seeds, Profile::Swarm, &options, &loader, 2, || {});
        let explored = explored.expect("a sound scenario");
        assert_eq!((explored.violations.first(), explored.limits.first()), (None, None), "{journal:?}");
    }
}

/// What befell the bank's files in some runs, and what came of it.
#[derive(Clone, Debug, Default)]
struct Befallen {
    /// Rules that were broken, and how.
    broken: Vec<String>,
    /// How many bytes rotted in a database, its log or its journal.
    rotted: usize,
    /// How many disks were swapped for a backup.
    restored: usize,
    /// How many requests were answered with an error.
    refused: usize,
    /// How many looks were answered with what is there.
    seen: usize,
}

impl Befallen {
    fn of(run: &Run) -> Befallen {
        let count = |is: &dyn Fn(&What) -> bool| run.trace.events().filter(|(_, event)| is(&event.what)).count();
        let prints = |with: &str| count(&|what| matches!(what, What::Printed(_, _, text) if text.contains(with)));
        Befallen {
            broken: violations(run).map(|(rule, facts)| format!("{rule}: {facts}")).take(1).collect(),
            rotted: count(&|what| matches!(what, What::Rotted(path, _) if path.starts_with("/sqlite/"))),
            restored: count(&|what| matches!(what, What::Restored(_))),
            refused: prints(r#" fails: {"Err""#) + prints("sees nothing"),
            seen: prints("sees ["),
        }
    }

    fn and(mut self, more: Befallen) -> Befallen {
        self.broken.extend(more.broken);
        self.rotted += more.rotted;
        self.restored += more.restored;
        self.refused += more.refused;
        self.seen += more.seen;
        self
    }

    fn in_all<T: Sync>(each: &[T], run: impl Fn(&T) -> Run + Sync) -> Befallen {
        in_parallel(each, |each| Befallen::of(&run(each))).into_iter().fold(Befallen::default(), Befallen::and)
    }

    fn of_the_bank(&self) -> Vec<&String> {
        self.broken.iter().filter(|facts| facts.starts_with("no-money-lost") || facts.contains("/sqlite/")).collect()
    }
}

fn with_trace(planted: Option<Planted>) -> Options {
    Options { planted, keep_trace: true, ..Options::native() }
}

/// P5.
#[test]
fn nor_on_a_disk_that_is_swapped_for_a_backup_again_and_again() {
    let (options, loader) = (with_trace(None), Loader::default());
    let seeds: Vec<Seed> = (0..SEEDS_OF_RESTORES).map(Seed).collect();
    for journal in JOURNALS {
        let crash = down(ALICE, Down::Crash);
        let scenario = bank(journal).backed_up_every(ALICE, secs(2)).every(millis(1_750), 6, crash);
        let befallen = Befallen::in_all(&seeds, |seed| {
            run_seed(&scenario, *seed, Profile::Swarm, &options, &loader).expect("a sound scenario")
        });
        println!("{journal:?}: {SEEDS_OF_RESTORES} seeds, {befallen:?}");
        assert_eq!(befallen.broken.first(), None, "{journal:?}");
        assert!(befallen.restored > 15, "{journal:?}: {befallen:?}");
    }
}

/// The node crashes in the midst of writes, and while it is down a byte rots: in a sector of the database, then of the
/// next, of the log, of the journal.
fn rotting(journal: Journal, planted: Option<Planted>) -> (usize, Befallen) {
    let (options, loader, scenario) = (with_trace(planted), Loader::default(), bank(journal));
    let writes = points(&scenario, &options, &loader).expect("a sound scenario");
    let crashes = writes.into_iter().filter(|point| point.line.family() == Family::Write);
    let files = ["", "-wal", "-journal"].map(|ending| format!("/sqlite/demo:alice.os/bank/bank.db{ending}"));
    let plans: Vec<Plan> = crashes
        .step_by(CRASH_STEP)
        .flat_map(|point| {
            let rots = files.iter().flat_map(|file| (0..SECTORS).map(move |sector| format!("{file}@{}", sector * 512)));
            let plan = move |rot| format!("{}\nrot {ALICE} #2 {rot}", point.line);
            rots.map(plan).collect::<Vec<String>>()
        })
        .map(|plan| plan.parse().expect("it is a plan"))
        .collect();
    let befallen =
        Befallen::in_all(&plans, |plan| run_plan(&scenario, plan, &options, &loader).expect("a sound scenario"));
    (plans.len(), befallen)
}

/// P3: an error is an answer.
#[test]
fn no_wrong_answer_is_given_as_right_whatever_sector_of_its_files_rots() {
    for journal in JOURNALS {
        let (plans, befallen) = rotting(journal, None);
        println!("{journal:?}: {plans} plans, {befallen:?}");
        assert_eq!(befallen.broken.first(), None, "{journal:?}");
        assert!(befallen.refused > plans / 4, "{journal:?}: {befallen:?}");
    }
}

/// The same bank on a disk that reads what has rotted as if it were right.
#[test]
fn a_wrong_answer_would_be_found() {
    for journal in JOURNALS {
        let (plans, befallen) = rotting(journal, Some(Planted::NoChecksums));
        let broken = befallen.of_the_bank();
        println!("{journal:?}: {} of {plans} plans, such as {:?}", broken.len(), broken.first());
        assert!(broken.len() > 5, "{journal:?}");
    }
}

#[test]
fn nor_at_any_crash_point_of_the_scenarios() {
    for scenario in scenarios() {
        let swept = sweep(&scenario, &Options::native(), &Loader::default(), |_, _| true).expect("a sound scenario");
        println!("{}: {} of {} crash points visited", scenario.name, swept.visited, swept.points);
        assert_eq!((swept.visited, swept.violations.first()), (swept.points, None));
        assert!(swept.points > 1_500, "{} points", swept.points);
    }
}
