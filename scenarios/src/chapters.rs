//! The scenarios: what the book says about a process's life, each played by real programs.
//!
//! A scenario is a [`Scenario`]: what its owners do, and what a calm run of it must show. Under faults it must show
//! nothing but that the contract holds. One file per chapter; to add a scenario, write a function there and name it in
//! the chapter's `all`.
//!
//! In most scenarios something goes on throughout, a request every second or one without an answer, so that whatever
//! happens to a process happens with messages under way.

use crate::guests;
use kernel_core::OnExitKind;
use sim::scenario::{On, Program, Scenario, Start, on};
use std::sync::{Arc, LazyLock};

pub mod chain;
pub mod databases;
mod disks;
mod exits;
mod families;
mod hyperdrive;
mod kills;
mod kv;
mod last_words;
mod neighbours;
mod packages;
mod persistence;
mod rights;
mod runtimes;
mod starts;
mod words;

/// Every scenario, in the best order to read them.
pub fn all() -> Vec<Scenario> {
    let chapters = [
        exits::all(),
        starts::all(),
        last_words::all(),
        families::all(),
        kills::all(),
        persistence::all(),
        kv::all(),
        neighbours::all(),
        packages::all(),
        chain::all(),
        rights::all(),
        words::all(),
        disks::all(),
        databases::all(),
        runtimes::all(),
        hyperdrive::all(),
    ];
    chapters.into_iter().flatten().collect()
}

/// The worlds that seeds generate, played by these programs: a scenario of its own for each seed.
pub fn generated() -> Scenario {
    Scenario::generated("generated", &programs())
}

/// Every program of the scenarios in both its forms: the twin in native Rust, and the Wasm that is committed.
pub fn programs() -> Vec<Program> {
    static PROGRAMS: LazyLock<Vec<Program>> = LazyLock::new(|| {
        let both = |native: sim::guest::native::Program| Program {
            name: native.name().to_string(),
            wasm: Some(built(native.name())),
            native: Some(native),
        };
        guests::programs().into_iter().map(both).collect()
    });
    PROGRAMS.clone()
}

/// The committed Wasm of a program.
fn built(name: &str) -> Arc<[u8]> {
    let wasm: &[u8] = match name {
        "archive" => include_bytes!("../guests/built/archive.wasm"),
        "bank" => include_bytes!("../guests/built/bank.wasm"),
        "chat" => include_bytes!("../guests/built/chat.wasm"),
        "counter" => include_bytes!("../guests/built/counter.wasm"),
        "crasher" => include_bytes!("../guests/built/crasher.wasm"),
        "fragile" => include_bytes!("../guests/built/fragile.wasm"),
        "idle" => include_bytes!("../guests/built/idle.wasm"),
        "indexer" => include_bytes!("../guests/built/indexer.wasm"),
        "keeper" => include_bytes!("../guests/built/keeper.wasm"),
        "ledger" => include_bytes!("../guests/built/ledger.wasm"),
        "parent" => include_bytes!("../guests/built/parent.wasm"),
        "puppet" => include_bytes!("../guests/built/puppet.wasm"),
        "saver" => include_bytes!("../guests/built/saver.wasm"),
        "ticker" => include_bytes!("../guests/built/ticker.wasm"),
        "worker" => include_bytes!("../guests/built/worker.wasm"),
        _ => unreachable!("`{name}` is built: a test compares the twins with the folder"),
    };
    wasm.into()
}

// ---- what the chapters share ----------------------------------------------------------------------------------------

/// The node of most scenarios.
const ALICE: &str = "alice.os";
/// The other node.
const BOB: &str = "bob.os";
/// The package of most processes in the scenarios.
const DEMO: &str = "demo:alice.os";
/// The process that takes commands.
const KERNEL: &str = "kernel:distro:sys";

/// A scenario on one node, `alice.os`, with every program at hand.
fn scenario(name: &str, about: &str) -> Scenario {
    Scenario::new(name, about).programs(programs())
}

/// A process of the package `demo:alice.os` on alice's node.
fn alice(process: &str) -> On {
    on(ALICE, &format!("{process}:{DEMO}"))
}

/// A process of the package `demo:alice.os` on bob's node.
fn bob(process: &str) -> On {
    on(BOB, &format!("{process}:{DEMO}"))
}

/// The kernel of a node.
fn kernel(node: &str) -> On {
    on(node, KERNEL)
}

/// A process with the on-exit value of a column of the exit matrix. As `Requests` it makes its heir do something.
fn leaving(start: Start, on_exit: OnExitKind, heir: &On, order: &str) -> Start {
    match on_exit {
        OnExitKind::None => start,
        OnExitKind::Restart => start.restarting(),
        OnExitKind::Requests => start.messaging(&heir.process).on_exit_telling(&heir.to_string(), order),
    }
}

// ---- orders to a puppet -------------------------------------------------------------------------------------------

/// Makes it ask a process something and print the outcome: `BODY: answered X`, or `BODY: timeout`.
fn to_ask(whom: &On, seconds: u64, body: &str) -> String {
    format!("ask {whom} {seconds} {body}")
}

/// Makes it send a process a request that expects no response.
fn to_tell(whom: &On, body: &str) -> String {
    format!("tell {whom} {body}")
}
