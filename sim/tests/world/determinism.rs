//! Leaks that would make two runs of one seed differ, each planted in a native guest, where nothing can stop it: all
//! are found, and the place is named.

use kernel_core::Duration;
use sim::explore::determinism::Again;
use sim::explore::{Explored, explore};
use sim::guest::image::Loader;
use sim::guest::native::{self, Os};
use sim::plan::chooser::{Profile, Seed};
use sim::scenario::{Program, Scenario, on, secs, start};
use sim::world::Options;
use std::sync::atomic::{AtomicU64, Ordering};

/// A life that says something innocent, and then leaks.
fn scenario(leak: native::Program) -> Scenario {
    let leaky = on("alice.os", "leaky:demo:alice.os");
    let program = Program { name: leak.name().to_string(), native: Some(leak), wasm: None };
    let start = start(leaky.runs(&program.name));
    Scenario::new("leaky", "").programs([program]).at(secs(1), start)
}

fn explored(leak: native::Program) -> Explored {
    let seeds: Vec<Seed> = (0..20).map(Seed).collect();
    let (options, loader) = (Options::native(), Loader::default());
    explore(&scenario(leak), &seeds, Profile::Calm, &options, &loader, 1, || {}).expect("it is a sound scenario")
}

/// The leak is found, in the runs that were played again, at the event whose line has these words.
fn is_located(explored: &Explored, words: &str) {
    let (seed, difference) = explored.differences.first().expect("the runs are not the same");
    assert_eq!((*seed, difference.again), (Seed(0), Again::Alike));
    assert!(difference.at.is_some(), "{difference}");
    assert!(difference.before.iter().any(|line| line.contains("innocent")), "{difference}");
    assert!(difference.first[0].contains(words), "{difference}");
    let second = difference.second.first();
    assert!(second.is_none_or(|line| *line != difference.first[0]), "{difference}");
}

#[test]
fn a_clock_read_is_found() {
    async fn leak(os: Os) {
        os.print(0, "innocent");
        #[allow(clippy::disallowed_methods, reason = "the leak that is to be found")]
        let now = std::time::SystemTime::now();
        os.print(0, &format!("it is {now:?}"));
    }
    is_located(&explored(native::Program::new("clock", leak)), "it is");
}

#[test]
fn an_address_that_is_used_as_a_key_is_found() {
    async fn leak(os: Os) {
        os.print(0, "innocent");
        // Never freed, so that no two runs have it at the same place.
        let key = std::ptr::from_ref(Box::leak(Box::new([0u8; 64]))) as usize;
        os.print(0, &format!("my key is {key}"));
    }
    is_located(&explored(native::Program::new("address", leak)), "my key is");
}

#[test]
fn a_second_run_that_ends_early_is_found() {
    static LIVES: AtomicU64 = AtomicU64::new(0);
    async fn leak(os: Os) {
        let odd = LIVES.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        os.print(0, "innocent");
        // Nothing happens after that but the end.
        os.busy(secs(58)).await;
        if odd {
            os.busy(secs(1_000)).await;
        }
        os.print(0, "the last word");
        os.receive().await;
    }
    let explored = explored(native::Program::new("early", leak));
    let (_, difference) = &explored.differences[0];
    assert!(difference.second.is_empty(), "{difference}");
    assert!(difference.to_string().contains("the second has ended"), "{difference}");
    let (before, first) = (difference.before.join("\n"), difference.first.join("\n"));
    assert!(before.contains("computed for 58s") && first.contains("the last word"), "{difference}");
}

#[test]
fn fuel_that_depends_on_history_is_found() {
    static LIVES: AtomicU64 = AtomicU64::new(1);
    async fn leak(os: Os) {
        os.print(0, "innocent");
        os.busy(Duration::from_micros(LIVES.fetch_add(1, Ordering::Relaxed))).await;
        os.print(0, "done");
    }
    is_located(&explored(native::Program::new("fuel", leak)), "computed for");
}

#[test]
fn a_share_of_the_runs_is_played_again_and_an_honest_guest_passes() {
    async fn honest(os: Os) {
        os.print(0, "innocent");
    }
    let explored = explored(native::Program::new("honest", honest));
    assert_eq!(explored.differences, []);
    assert_eq!(explored.played_again, 2, "the first of twenty, and the sixteenth after it");
}
