//! `cargo fuzz run -O -s none kernel_step`: see `scenarios::fuzzing::kernel_step`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scenarios::fuzzing::kernel_step(bytes));
