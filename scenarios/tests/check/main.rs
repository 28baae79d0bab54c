//! `check`, from outside.

mod called;
mod facts;
mod outside;
mod own_guests;
mod verdicts;
