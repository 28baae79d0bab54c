//! The world around kernels.
#![deny(unsafe_code)]

pub mod chooser;
pub mod disk;
pub mod event;
pub mod guest;
pub mod invariant;
pub mod modules;
pub mod plan;
pub mod queue;
pub mod site;
pub mod table;
pub mod trace;
