//! `cargo fuzz run -O -s none guest_abi`: see `scenarios::fuzzing::guest_abi`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scenarios::fuzzing::guest_abi(bytes));
