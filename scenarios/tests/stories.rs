//! Every story shows what it tells, and together they come to every corner of the exit matrix.

mod telling;

use scenarios::all;
use sim::plan::chooser::{Profile, Seed};
use sim::trace::coverage::{COLUMNS, Coverage, How};
use sim::trace::event::What;
use sim::explore::{explore, run_plan, run_seed};
use sim::guest::image::Loader;
use sim::plan::Plan;
use sim::scenario::{Flavor, Scenario};
use sim::trace::line;
use sim::world::{Options, Run, Verdict};
use std::collections::BTreeSet;

/// The most events of a calm run: thousands of seeds are played of each story.
const CALM_EVENTS_MAX: u64 = 1_500;
/// The longest time that faults may happen in a story, in virtual seconds.
const STORM_SECS_MAX: u64 = 20;
/// Stories in which every engine and module works on its disk.
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
fn a_calm_run_shows_what_its_story_tells() {
    for flavor in [Flavor::Native, Flavor::Wasm] {
        let loader = Loader::default();
        let failed: Vec<String> = all()
            .iter()
            .filter_map(|story| match calm(story, flavor, &loader).verdict {
                Verdict::Held => None,
                verdict => Some(format!("{}: {verdict:#?}", story.name)),
            })
            .collect();
        assert!(failed.is_empty(), "{flavor:?}: {}", failed.join("\n"));
    }
}

#[test]
fn a_calm_run_is_short_and_leaves_nothing_unmodelled() {
    for story in all() {
        let run = calm(&story, Flavor::Native, &Loader::default());
        let n_events = run.trace.len();
        assert!(n_events <= CALM_EVENTS_MAX, "{}: {n_events} events", story.name);
        assert!(story.storm <= kernel_core::Duration::from_secs(STORM_SECS_MAX), "{}: {}", story.name, story.storm);
        let unmodelled = run.trace.events().find(|(_, event)| matches!(event.what, What::Unmodelled(..)));
        assert!(unmodelled.is_none(), "{}: {unmodelled:?}", story.name);
    }
}

#[test]
fn every_story_has_a_name_of_its_own_and_says_what_it_is_about() {
    let mut names = BTreeSet::new();
    for story in all() {
        let plain = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(story.name.chars().all(plain), "`{}` is hard to type", story.name);
        assert!(story.about.ends_with('.'), "{}: {:?} is not a sentence", story.name, story.about);
        assert!(!story.expect.is_empty(), "{} shows nothing", story.name);
        assert!(names.insert(story.name.clone()), "there are two stories named {}", story.name);
    }
}

/// What owners do first is done before the storm: it looks the same under every seed.
#[test]
fn no_fault_disturbs_a_setup() {
    let (loader, options) = (Loader::default(), Options { keep_trace: true, ..Options::default() });
    for story in all() {
        let calm = calm(&story, Flavor::Native, &loader);
        let storm = calm.trace.events().position(|(_, event)| matches!(event.what, What::Script(_)));
        let answers = calm.trace.events().take(storm.unwrap_or(0)).enumerate();
        let answers = answers.filter(|(_, (_, event))| matches!(event.what, What::CommandAnswered(..)));
        let setup = answers.map(|(index, _)| index + 1).last().unwrap_or(0);
        let told = |run: &Run| -> Vec<String> {
            run.trace.events().take(setup).map(|(index, event)| line(*index, event, &run.names)).collect()
        };
        for seed in 0..20 {
            let run = run_seed(&story, Seed(seed), Profile::Swarm, &options, &loader);
            let run = run.unwrap_or_else(|error| panic!("{}: {error}", story.name));
            let (told, calm) = (told(&run), told(&calm));
            let parts = told.iter().zip(&calm).find(|(told, calm)| told != calm);
            assert!(parts.is_none(), "{} under seed {seed}: {parts:#?}", story.name);
        }
    }
}

/// "Each by seeded faults in at least three scenarios and at least once with a message in flight."
#[test]
fn faults_come_to_every_cell_of_the_exit_matrix() {
    let seeds: Vec<Seed> = (0..SEEDS).map(Seed).collect();
    let (options, loader) = (Options::default(), Loader::default());
    let mut total = Coverage::default();
    let mut n_stories = [[0u32; 3]; 4];
    for story in all() {
        let explored = explore(&story, &seeds, Profile::Swarm, &options, &loader, 2, || {});
        let explored = explored.unwrap_or_else(|error| panic!("{}: {error}", story.name));
        assert!(explored.violations.is_empty(), "{}: {:#?}", story.name, explored.violations);
        assert!(explored.limits.is_empty(), "{}: {:?}", story.name, explored.limits);
        for (row, how) in n_stories.iter_mut().zip(How::ALL) {
            for (n, on_exit) in row.iter_mut().zip(COLUMNS) {
                *n += u32::from(explored.coverage.cell(how, on_exit).exits() > 0);
            }
        }
        total.add(&explored.coverage);
    }
    println!("{:<24}{:>10}{:>10}{:>10}{:>10}", "cell", "exits", "in flight", "capable", "stories");
    for (row, how) in n_stories.iter().zip(How::ALL) {
        for (n, on_exit) in row.iter().zip(COLUMNS) {
            let cell = total.cell(how, on_exit);
            let (exits, in_flight, capable) = (cell.exits(), cell.in_flight(), cell.capable());
            let name = format!("X.{}.{on_exit:?}", how.name());
            println!("{name:<24}{exits:>10}{in_flight:>10}{capable:>10}{n:>10}");
            assert!(*n >= 3, "{name} was reached in {n} stories");
            assert!(in_flight > 0, "{name} was never reached with a message in flight");
        }
    }
}

/// One snapshot per story: what a person reads to see whether the kernel does what the book says.
#[test]
fn a_story_is_told_as_it_always_was() {
    let loader = Loader::default();
    for story in all() {
        let run = calm(&story, Flavor::Native, &loader);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_description(&story.about);
        settings.bind(|| insta::assert_snapshot!(story.name.as_str(), telling::tell(&story, &run)));
    }
}

/// Two builds of one source leave the same bytes on disks: `cargo test --release --test stories` compares with what a
/// debug build has written here. Whoever changes what is written takes the new digests.
#[test]
fn a_story_leaves_the_disks_that_it_always_left() {
    let (loader, options) = (Loader::default(), Options::default());
    let on_disks = all().into_iter().filter(|story| DISKS.contains(&story.name.as_str()));
    let left = on_disks.map(|story| {
        let seeds = (0..20).map(|seed| {
            let run = run_seed(&story, Seed(seed), Profile::Swarm, &options, &loader);
            run.unwrap_or_else(|error| panic!("{}: {error}", story.name)).disks
        });
        let calm = calm(&story, Flavor::Native, &loader).disks;
        let all = seeds.fold(calm, |all, disks| all.then(disks));
        format!("{:<32}calm {calm}, and under 20 seeds {all}", story.name)
    });
    let left: Vec<String> = left.collect();
    assert_eq!(left.len(), DISKS.len(), "{left:#?}");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description("The digests of what stories leave on disks, in any build.");
    settings.bind(|| insta::assert_snapshot!("disks-left", left.join("\n")));
}

fn calm(story: &Scenario, flavor: Flavor, loader: &Loader) -> Run {
    let options = Options { flavor, keep_trace: true, ..Options::default() };
    run_plan(story, &Plan::default(), &options, loader).unwrap_or_else(|error| panic!("{}: {error}", story.name))
}
