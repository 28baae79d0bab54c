//! `net:distro:sys`, as far as it can be without keys and routers: the hello between nodes.
//!
//! As in the public runtime (`src/net/mod.rs`): what comes from another node and is no connection business counts as a
//! hello and is answered with the bytes `ack`. Local requests (signatures, peers) are MessagePack and not modelled;
//! the module says so. Carrying messages is the network's business, not this module's.

use super::{Module, ModuleContext};
use kernel_core::Message;
use std::rc::Rc;

/// The net module.
pub struct Net;

impl Module for Net {
    fn uses_disk(&self) -> bool {
        false
    }

    fn on_message(&mut self, message: &Rc<Message>, cx: &mut ModuleContext<'_>) {
        match (message.is_request(), message.source.node == cx.module.node) {
            (true, false) => cx.respond(message, "ack".as_bytes(), None),
            (true, true) => cx.refuse(message),
            (false, _) => {}
        }
    }

    fn fork(&self) -> Option<Box<dyn Module>> {
        Some(Box::new(Net))
    }
}
