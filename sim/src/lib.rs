//! The world around kernels.
#![forbid(unsafe_code)]

pub mod chooser;
#[cfg(feature = "cli")]
pub mod cli;
pub mod coverage;
pub mod disk;
pub mod event;
pub mod explore;
pub mod guest;
pub mod image;
pub mod invariant;
pub mod modules;
mod node;
pub mod operator;
pub mod package;
pub mod plan;
#[cfg(feature = "proptest")]
pub mod property;
pub mod queue;
pub mod report;
pub mod scenario;
pub mod shrink;
pub mod site;
pub mod sweep;
pub mod table;
pub mod trace;
pub mod world;
