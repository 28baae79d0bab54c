//! A deterministic world around Kinode process kernels.
//!
//! A run is a pure function of a [`Scenario`](scenario::Scenario) and a [`Plan`](plan::Plan); a seed is a short name
//! for a plan. The modules stand in the order in which data flows:
//!
//! 1. what is played, and what goes wrong: [`scenario`], [`package`] (from an [`archive`], perhaps), [`site`], [`plan`], [`chooser`];
//! 2. the world: [`world`], with [`queue`], [`disk`], [`table`], [`state`], [`planted`] (bugs, to be found), [`operator`], [`modules`], [`outside`] and, inside,
//!    `node`;
//! 3. who lives in it: [`guest`] (native Rust and Wasm behind one interface) and [`image`];
//! 4. what happened: [`event`], [`trace`], [`invariant`], [`model`], [`coverage`];
//! 5. many runs: [`explore`], [`sweep`], [`shrink`], [`report`], `property` (feature `proptest`), `cli` (feature `cli`).
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

pub mod guest;
mod quiet;

pub mod trace;

pub mod invariant;

pub mod explore;

#[cfg(feature = "picture")]
pub mod picture;

#[cfg(feature = "check")]
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
