//! What we claim about Kinode's processes: programs, and the scenarios that run them.

pub mod chapters;
pub mod counts_once;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod guests;
pub mod loads;
pub mod logs_once;
pub mod no_money_lost;
pub mod summing;

pub use chapters::{all, generated, programs};
