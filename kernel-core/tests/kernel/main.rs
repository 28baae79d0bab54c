//! The kernel, step by step: one program, a module for each of its subjects.

mod back_off;
mod command;
mod contract;
mod deviations;
mod durable;
mod exit;
mod message;
mod node;
mod routing;
mod start;
mod table;
