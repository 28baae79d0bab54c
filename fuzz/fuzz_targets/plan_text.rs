//! `cargo fuzz run -O -s none plan_text`: see `scenarios::fuzzing::plan_text`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scenarios::fuzzing::plan_text(bytes));
