//! The world around the kernel: small scenarios, played.

mod absent;
mod determinism;
mod faults;
mod module_actions;
mod outside;
mod packages;
mod readme;
