//! What we claim about Kinode's processes: programs to run, and the stories they are run in.

pub mod counts_once;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod guests;
pub mod logs_once;
pub mod no_money_lost;
pub mod stories;
pub mod summing;

pub use stories::{all, programs};
