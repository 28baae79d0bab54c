//! The fuzz targets' bodies on their corpus, and on bytes that proptest makes: ordinary tests, no fuzzer needed.

use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngSeed};
use scenarios::fuzzing;
use std::path::Path;

/// Runs a body on every file of its corpus.
fn replay(target: &str, body: fn(&[u8])) {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus")).join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "a target has a corpus");
    for file in files {
        body(&std::fs::read(&file).expect("the corpus can be read"));
    }
}

#[test]
fn the_corpus_of_plan_text_round_trips() {
    replay("plan_text", fuzzing::plan_text);
}

#[test]
fn the_corpus_of_kernel_step_leaves_the_kernel_whole() {
    replay("kernel_step", fuzzing::kernel_step);
}

#[test]
fn the_corpus_of_plan_breaks_no_rule() {
    replay("plan", fuzzing::plan);
}

#[test]
fn the_corpus_of_guest_abi_traps_no_one_but_the_guest() {
    replay("guest_abi", fuzzing::guest_abi);
}

#[test]
fn the_corpus_of_guest_module_hurts_no_one_but_the_module() {
    replay("guest_module", fuzzing::guest_module);
}

#[test]
fn the_corpus_of_workload_is_read_or_refused() {
    replay("workload", fuzzing::workload);
}

#[test]
fn the_corpus_of_package_is_read_or_refused() {
    replay("package", fuzzing::package);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        // The same histories each time; new ones are for the fuzzer.
        rng_seed: RngSeed::Fixed(18),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("proptest-regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_history_leaves_the_kernel_whole(bytes in prop::collection::vec(any::<u8>(), 0..1_500)) {
        fuzzing::kernel_step(&bytes);
    }
}
