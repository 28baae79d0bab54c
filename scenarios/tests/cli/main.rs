//! The program and what is shipped with it.

mod commands;
mod guests_are_built;
mod readmes;
mod reports;
mod searches;
