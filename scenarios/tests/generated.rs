//! Thousands of generated guests, whatever they do: the simulator neither panics nor hangs nor takes more memory than it
//! says, and its neighbours are not affected. Each run plays a share of them; all of them with
//!
//! ```text
//! cargo test --release -p kinode-sim --test generated -- --ignored --nocapture
//! ```

use peak_alloc::PeakAlloc;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestError, TestRunner};
use scenarios::fuzzing::{Act, Allocator, Fate, Met, SPAN, Script, meet, play, smith};
use sim::scenario::secs;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Counts what this test takes of memory.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Where proptest keeps what failed.
const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/generated.txt");

/// The most memory that a guest may cost its host, beyond what was taken before it. Its own limits are a fraction of
/// that: 4 MiB of memory a life, 32 MiB for all lives together, 16 MiB copied, 5,000 events.
const MEMORY_MAX: usize = 64 << 20;

/// The most memory that this process may ever have had, by the host's count, after twenty thousand guests: what one may
/// cost, and as much again for proptest, the allocator and what the host rounds up.
const PROCESS_MEMORY_MAX: u64 = 2 * MEMORY_MAX as u64;

/// What became of many guests.
#[derive(Debug, Default)]
struct Tally {
    met: u32,
    refused: u32,
    lived: u32,
    panicked: u32,
    spun: u32,
    limits: BTreeMap<String, u32>,
    memory: usize,
    /// The most that one of them burned.
    fuel: u64,
}

impl Tally {
    /// Meets one guest, and notes what became of it and what it cost.
    fn meet(&mut self, wasm: &[u8]) -> Result<(), TestCaseError> {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let Met { fate, fuel } = meet(wasm, SPAN);
        let memory = MEMORY.peak_usage().saturating_sub(before);
        self.memory = self.memory.max(memory);
        self.fuel = self.fuel.max(fuel);
        self.met += 1;
        match fate {
            Fate::Refused => self.refused += 1,
            Fate::Limit(bound) => *self.limits.entry(bound).or_default() += 1,
            Fate::Lived { panics, spun } => {
                self.lived += 1;
                self.panicked += u32::from(!panics.is_empty());
                self.spun += u32::from(spun);
            }
        }
        prop_assert!(memory <= MEMORY_MAX, "it cost {memory} bytes of memory");
        Ok(())
    }

    fn report(&self, of: &str) {
        let Tally { met, refused, lived, panicked, spun, limits, memory, fuel } = self;
        let memory = memory >> 10;
        println!(
            "{met} guests {of}: {lived} lived ({panicked} of them panicked, {spun} spun), {refused} refused, limits \
             {limits:?}; at most {memory} KiB and {fuel} fuel each"
        );
    }
}

/// Meets so many guests; a failing one is shrunk.
fn meet_many<S: Strategy>(cases: u32, guests: S, of: &str, wasm: impl Fn(&S::Value) -> Option<Vec<u8>>) -> Tally {
    let persistence = FileFailurePersistence::Direct(REGRESSIONS);
    let config = Config { cases, failure_persistence: Some(Box::new(persistence)), ..Config::default() };
    let tally = RefCell::new(Tally::default());
    let met = TestRunner::new(config).run(&guests, |guest| match wasm(&guest) {
        Some(bytes) => tally.borrow_mut().meet(&bytes),
        None => Ok(()),
    });
    match met {
        Ok(()) => {}
        Err(TestError::Fail(reason, guest)) => panic!("{reason}\n{guest:#?}"),
        Err(error) => panic!("{error}"),
    }
    let tally = tally.into_inner();
    tally.report(of);
    tally
}

/// Lists of acts: mostly honest calls, with lies and worse among them.
fn scripts() -> impl Strategy<Value = Script> {
    prop::collection::vec(any::<u8>(), 3..150).prop_map(|bytes| Script::from_bytes(&bytes))
}

/// What wasm-smith decides by.
fn decisions() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 100..3_000)
}

fn meet_scripts(cases: u32) -> Tally {
    meet_many(cases, scripts(), "made of scripts", |script| Some(script.wat().into_bytes()))
}

fn meet_modules(cases: u32) -> Tally {
    meet_many(cases, decisions(), "made by wasm-smith", |bytes| smith(bytes))
}

#[test]
fn whatever_a_script_does_only_its_guest_suffers() {
    let tally = meet_scripts(600);
    assert!(tally.lived > 100 && tally.panicked > 20, "scripts do little: {tally:?}");
}

#[test]
fn whatever_a_generated_module_does_only_it_suffers() {
    let tally = meet_modules(400);
    assert!(tally.lived > 75, "few modules live: {tally:?}");
}

/// The most memory that this process ever had, in bytes, if the host tells (Linux does).
fn process_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().expect("it is a number of kB") << 10)
}

#[test]
#[ignore = "ten thousand guests take minutes"]
fn ten_thousand_guests_of_each_kind_cost_what_they_may() {
    let (scripts, modules) = (meet_scripts(10_000), meet_modules(10_000));
    assert_eq!((scripts.met, modules.met), (10_000, 10_000));
    if let Some(memory) = process_memory() {
        println!("the process had {} MiB at most; {} MiB are allowed", memory >> 20, PROCESS_MEMORY_MAX >> 20);
        assert!(memory <= PROCESS_MEMORY_MAX, "{memory} bytes");
    }
}

// ---- by hand: the worst of each kind, and what becomes of it -----------------------------------------------------

fn fate(allocator: Allocator, acts: &[Act], endless: bool) -> Fate {
    meet(Script { allocator, acts: acts.to_vec(), endless }.wat().as_bytes(), secs(3)).fate
}

fn index(call: &str) -> u8 {
    let calls = scenarios::fuzzing::call_names();
    calls.iter().position(|name| *name == call).expect("a call of the process world") as u8
}

#[track_caller]
fn panics_with(fate: Fate, text: &str) {
    match &fate {
        Fate::Lived { panics, .. } if panics.iter().any(|panic| panic.contains(text)) => {}
        _ => panic!("a panic with {text:?} was expected, not {fate:?}"),
    }
}

#[test]
fn a_guest_that_spins_for_ever_is_reported_and_killed() {
    assert_eq!(fate(Allocator::Honest, &[Act::Spin], false), Fate::Lived { panics: vec![], spun: true });
}

#[test]
fn a_guest_that_computes_for_almost_a_quantum_before_each_call_reaches_the_bound_on_fuel() {
    let fate = fate(Allocator::Honest, &[Act::Burn(9_000), Act::Call(index("get-on-exit"), None)], true);
    assert_eq!(fate, Fate::Limit("5000000 fuel burned by guests".into()));
}

#[test]
fn a_guest_that_prints_megabytes_for_ever_reaches_the_bound_on_copies() {
    let lie = Some((2, 100_000));
    let fate = fate(Allocator::Honest, &[Act::Call(index("print-to-terminal"), lie)], true);
    assert_eq!(fate, Fate::Limit("16 MiB copied between guests, the host and disks".into()));
}

#[test]
fn a_guest_that_saves_much_for_ever_reaches_the_bound_on_copies() {
    let fate = fate(Allocator::Honest, &[Act::Call(index("set-state"), Some((1, 100_000)))], true);
    assert_eq!(fate, Fate::Limit("16 MiB copied between guests, the host and disks".into()));
}

#[test]
fn a_guest_that_sends_for_ever_reaches_a_bound() {
    let fate = fate(Allocator::Honest, &[Act::Call(index("send-requests"), None)], true);
    assert_eq!(fate, Fate::Limit("5000 events".into()));
}

#[test]
fn a_list_longer_than_any_is_a_panic_of_its_guest() {
    // Four empty mebibytes, taken for a list of requests.
    let acts = [Act::Grow(62), Act::Poke(1024, 0), Act::Call(index("save-capabilities"), Some((1, 70_000)))];
    panics_with(fate(Allocator::Honest, &acts, false), "a list of 70000 elements; this simulator takes 65536");
}

#[test]
fn an_allocator_that_misbehaves_is_a_panic_of_its_guest() {
    for (allocator, text) in [
        (Allocator::Traps, "init: our: cabi_realloc for 31 bytes: unreachable"),
        (Allocator::Calls, "an allocator may not make calls"),
        (Allocator::Constant(u32::MAX), "cabi_realloc gave 0xffffffff"),
    ] {
        panics_with(fate(allocator, &[], false), text);
    }
    // Each life of these ends in a panic, too; together they burn more than a run may here.
    for allocator in [Allocator::Spins, Allocator::Recurses] {
        assert_eq!(fate(allocator, &[], false), Fate::Limit("5000000 fuel burned by guests".into()));
    }
}

#[test]
fn what_a_script_does_does_not_depend_on_slices_of_fuel() {
    let persistence = FileFailurePersistence::Direct(REGRESSIONS);
    let config = Config { cases: 100, failure_persistence: Some(Box::new(persistence)), ..Config::default() };
    let strategy = (scripts(), prop::collection::vec(any::<u8>(), 64));
    let mut runner = TestRunner::new(config);
    let run = runner.run(&strategy, |(script, told)| {
        play(&script, &told);
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{error}"));
}
