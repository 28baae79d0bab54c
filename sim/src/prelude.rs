//! All that most scenarios, invariants and properties use.
//!
//! ```
//! use sim::prelude::*;
//! ```

pub use crate::explore::failure::named;
#[cfg(feature = "proptest")]
pub use crate::explore::property::Plans;
pub use crate::guest::native::{Os, ReceivedExt};
pub use crate::invariant::{Claim, Invariant, Past};
pub use crate::plan::chooser::Profile;
pub use crate::plan::{Down, Plan};
pub use crate::scenario::{
    Flavor, On, Program, Scenario, alive, down, gone, kill, lives, millis, on, prints, secs, start, tell,
};
pub use crate::sim::Sim;
pub use crate::trace::event::{Event, Kind, What};
pub use crate::world::{Run, Verdict};
pub use kernel_core::{BackOff, Cause, Deviation, Names, OnExit, Rule, Semantics};
