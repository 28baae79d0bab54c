//! A deterministic world around Kinode process kernels.
//!
//! Start with [`Sim`]: a scenario, played under a seed, a plan, many seeds, or at every crash point.
//!
//! ```
//! use sim::prelude::*;
//!
//! async fn counter(os: Os) {
//!     let mut count = os.get_state().await.map_or(0, |state| state[0]);
//!     while let Some(request) = os.receive().await.request() {
//!         count += 1;
//!         os.set_state([count].as_slice()).await;
//!         os.respond(request.body().clone());
//!     }
//! }
//!
//! let it = on("alice.os", "counter:demo:alice.os");
//! let scenario = Scenario::new("counting", "a counter counts, and is restarted when it panics")
//!     .programs([Program::native("counter", counter)])
//!     .setup(start(it.runs("counter").restarting()))
//!     .at(secs(1), tell(&it, "one"));
//! let run = Sim::of(&scenario).seed(7);
//! assert!(run.held(), "{}", run.summary());
//! ```
//!
//! A run is a pure function of a [`Scenario`] and a [`Plan`]; a seed is a short name for a plan. The modules stand in the
//! order in which data flows:
//!
//! 1. what is played, and what goes wrong: [`scenario`], [`package`], [`plan`];
//! 2. the world: [`world`], with [`disk`], [`modules`] and [`outside`];
//! 3. the processes: [`guest`], native Rust and Wasm behind one interface;
//! 4. what happened: [`trace`], [`invariant`];
//! 5. many runs: [`explore`], and on top of it `check` (a user's package) and `cli` (the command line), each a feature.
//!
//! Deliberately absent: threads inside a run, clocks, unordered maps, randomness but through the chooser, and any
//! knowledge of the contract's rules outside [`invariant`]: what a process may do is the kernel's business.
// Allowed in one file, which says why: `modules/sqlite/vfs_ffi.rs`.
#![deny(unsafe_code)]

pub mod scenario;

pub mod package;

pub mod generate;

pub mod plan;

pub mod world;

pub mod disk;
pub mod modules;
pub mod outside;

mod catch_panic;
#[cfg(feature = "check")]
mod files;
pub mod guest;

pub mod trace;

pub mod invariant;

pub mod explore;
mod sim;

#[cfg(feature = "picture")]
pub mod picture;

#[cfg(feature = "check")]
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;

pub mod prelude;

pub use crate::explore::failure::{Failure, Origin, Signature};
pub use crate::invariant::{Claim, Invariant, Violation};
pub use crate::plan::Plan;
pub use crate::plan::chooser::{Profile, Seed};
pub use crate::scenario::Scenario;
pub use crate::sim::Sim;
pub use crate::world::{Run, Verdict};
/// The kernel's crate, so that one dependency is enough.
pub use kernel_core;
/// So that a property needs no other dependency: `use sim::proptest::prelude::*`.
#[cfg(feature = "proptest")]
pub use proptest;

/// The Rust of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
