//! `check`, from outside.

mod called;
mod facts;
#[cfg(unix)]
mod hostile;
mod outside;
mod own_guests;
#[cfg(unix)]
mod soak;
mod verdicts;
mod words;
