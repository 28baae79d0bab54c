//! `check`, from outside.

mod called;
mod outside;
mod own_guests;
mod verdicts;
