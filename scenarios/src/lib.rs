#![doc = include_str!("../README.md")]

pub mod chapters;
pub mod counts_once;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod guests;
pub mod loads;
pub mod logs_once;
pub mod no_money_lost;
pub mod report;
pub mod summing;

pub use chapters::{all, generated, programs};

/// The Rust of the repository's README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
