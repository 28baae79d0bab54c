//! What a package is held to, besides the contract: by itself, and by what its author says of it.

mod by_itself;
mod expected;
mod never_forgets;

use crate::scenario::On;
use kernel_core::{Message, Names, NodeId, ProcessRef};

pub(super) use by_itself::{NoPanic, NoRestartLoop, NoSpinning};
pub(super) use expected::{IsAlive, IsAnswered, Prints, Serves, Shows};
pub(super) use never_forgets::NeverForgets;

/// Whether this is that process on its node.
fn is(which: &On, node: NodeId, process: ProcessRef, names: &Names) -> bool {
    names.process_text(process) == which.process && names.node_text(node) == which.node
}

/// Whether a message is a request that a guest owes its owner an answer to.
fn is_asked(message: &Message) -> bool {
    let target = message.target.process;
    message.source.process == ProcessRef::TERMINAL && !target.is_module() && message.expects_response().is_some()
}

/// A body in a sentence.
fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
