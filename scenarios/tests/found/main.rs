//! What is wrong is found: the deviations of the runtimes, planted faults, wrong processes, and by every way to look.

mod canary;
mod data;
mod databases;
mod deviations;
mod finding;
mod indexer;
mod kv;
mod property;
mod rust_test;
