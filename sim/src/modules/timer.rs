//! `timer:distro:sys`: answers after a while.
//!
//! As in the public runtime (`src/timer.rs`): `{"SetTimer": ms}` is answered by an empty body; there is no cancel, and
//! anything else is ignored in silence. `Debug` prints to the node's own terminal there, which nobody sees here. Timers are kept in memory: they outlive their setter, not their node, and a
//! timer set by a dead life answers nobody (E10).

use super::{Module, ModuleContext, Support};
use kernel_core::{Bytes, Duration, Message};
use serde::Deserialize;
use std::rc::Rc;

/// The timer.
pub struct Timer;

#[derive(Deserialize)]
enum Action {
    SetTimer(u64),
    Debug,
}

impl Module for Timer {
    fn uses_disk(&self) -> bool {
        false
    }

    fn on_message(&mut self, message: &Rc<Message>, cx: &mut ModuleContext<'_>) {
        if !message.is_request() || message.source.node != cx.module.node {
            return;
        }
        match serde_json::from_slice(message.body()) {
            Ok(Action::SetTimer(millis)) => {
                cx.respond_after(Duration::from_millis(millis), message, Bytes::default(), None)
            }
            Ok(Action::Debug) | Err(_) => {}
        }
    }

    fn actions(&self) -> &'static [(&'static str, Support)] {
        &[("SetTimer", Support::Done), ("Debug", Support::Done)]
    }

    fn fork(&self) -> Option<Box<dyn Module>> {
        Some(Box::new(Timer))
    }
}
