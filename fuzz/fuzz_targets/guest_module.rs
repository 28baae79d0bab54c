//! `cargo fuzz run -O -s none guest_module`: see `scenarios::fuzzing::guest_module`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scenarios::fuzzing::guest_module(bytes));
