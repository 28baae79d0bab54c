//! `cargo fuzz run -O -s none workload`: see `scenarios::fuzzing::workload`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scenarios::fuzzing::workload(bytes));
