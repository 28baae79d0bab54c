//! The guest programs in native Rust: each is the twin of the Wasm program of its name in `scenarios/guests`.
//!
//! A twin makes the same calls as its sibling, in the same order and with the same contents: a run with either leaves the
//! same trace. Numbers of names are part of a trace, so a twin uses no name before its sibling's call would.
//! `notebook` alone has no sibling.

use sim::guest::native::Program;

mod process;

mod archive;
mod bank;
mod chat;
mod counter;
mod crasher;
mod fragile;
mod idle;
mod indexer;
mod keeper;
mod ledger;
pub(crate) mod notebook;
mod parent;
mod puppet;
mod saver;
mod ticker;
mod worker;

#[cfg(test)]
mod by_hand;
#[cfg(test)]
mod lockstep;

/// Every program, in the order of their names.
pub fn programs() -> Vec<Program> {
    vec![
        Program::new("archive", archive::archive),
        Program::new("bank", bank::bank),
        Program::new("chat", chat::chat),
        Program::new("counter", counter::counter),
        Program::new("crasher", crasher::crasher),
        Program::new("fragile", fragile::fragile),
        Program::new("idle", idle::idle),
        Program::new("indexer", indexer::indexer),
        Program::new("keeper", keeper::keeper),
        Program::new("ledger", ledger::ledger),
        Program::new("parent", parent::parent),
        Program::new("puppet", puppet::puppet),
        Program::new("saver", saver::saver),
        Program::new("ticker", ticker::ticker),
        Program::new("worker", worker::worker),
    ]
}
