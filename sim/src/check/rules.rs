//! What a package is held to, besides the contract: by itself, and by what its author says of it.

mod answers;
mod by_itself;
mod expected;
mod meaning;
mod never_forgets;

use crate::invariant::Past;
use crate::scenario::On;
use crate::trace::event::{Event, What};
use kernel_core::command::Command;
use kernel_core::{Message, Names, NodeId, ProcessRef};

pub(super) use by_itself::{NoLivelock, NoPanic, NoRestartLoop};
pub(super) use expected::{Coming, Expected, IsAlive, IsAnswered, Prints, Serves, Shows, StillServes};
pub(super) use never_forgets::{Comparable, NeverForgets};

/// Whether this is that process on its node.
fn is(which: &On, node: NodeId, process: ProcessRef, names: &Names) -> bool {
    names.process_text(process) == which.process && names.node_text(node) == which.node
}

/// Whether a message is a request that a guest owes its owner an answer to.
pub(super) fn is_asked(message: &Message) -> bool {
    let target = message.target.process;
    message.source.process == ProcessRef::TERMINAL && !target.is_module() && message.expects_response().is_some()
}

/// Whether a process waits out a back-off.
fn backs_off(past: &Past, node: NodeId, process: ProcessRef) -> bool {
    past.lives.process(node, process).is_some_and(|process| process.restarting.is_some())
}

/// Which process is killed, if one is. In a back-off it has no life that would be seen to end: there the command says so.
fn killed(event: &Event, past: &Past) -> Option<ProcessRef> {
    match &event.what {
        What::Killed(life) => Some(life.process),
        what => commands_kill(what).filter(|process| backs_off(past, event.node, *process)),
    }
}

/// Which process the owner of a node commands to kill, if any.
pub(super) fn commands_kill(what: &What) -> Option<ProcessRef> {
    match what {
        What::Command(message, command) if message.source.process == ProcessRef::TERMINAL => match **command {
            Command::Kill(process) => Some(process),
            _ => None,
        },
        _ => None,
    }
}

/// A body in a sentence.
fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// The rules that a package is held to. All others are the contract's: what a kernel and its modules are held to.
pub(super) const PACKAGE_RULES: [&str; 16] = [
    "panic",
    "restart-loop",
    "livelock",
    "spins",
    "alive",
    "prints",
    "answers",
    "still-answers",
    "serves",
    "still-serves",
    "shows",
    "never-forgets",
    "set-up-again",
    "still-shows",
    "still-prints",
    "once",
];

/// Whether a request to a runtime module changes what the module keeps.
fn writes_to_store(message: &Message) -> bool {
    let is_store = matches!(message.target.process, ProcessRef::VFS | ProcessRef::KV | ProcessRef::SQLITE);
    let body = String::from_utf8_lossy(message.body());
    is_store && (message.blob.is_some() || ["Write", "Append", "Commit"].iter().any(|action| body.contains(action)))
}
