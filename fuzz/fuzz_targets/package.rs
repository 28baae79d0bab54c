//! `cargo fuzz run -O -s none package`: see `scenarios::fuzzing::package`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scenarios::fuzzing::package(bytes));
