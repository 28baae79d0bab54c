//! `cargo fuzz run -O -s none plan`: see `scenarios::fuzzing::plan`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scenarios::fuzzing::plan(bytes));
