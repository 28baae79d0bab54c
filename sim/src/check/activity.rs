//! What each process of a package did in a run.

use crate::guest::Usage;
use crate::trace::event::What;
use crate::world::Run;
use kernel_core::{Address, CallKind, Change, Exit, NodeId, OnExitKind, ProcessRef};
use std::collections::BTreeMap;

/// How many of the first lines that a process printed are shown.
const PRINTS_SHOWN: usize = 5;

/// What a process did in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Lives.
    pub lives: u32,
    /// Its on-exit value, as it was last on the disk.
    pub on_exit: Option<OnExitKind>,
    /// Whether its row is gone from the disk: it has ended.
    pub gone: bool,
    /// Calls of the process world, by name.
    pub calls: BTreeMap<&'static str, u64>,
    /// Requests that it sent.
    pub requests: u64,
    /// Messages that it received.
    pub received: u64,
    /// Requests among those from outside of its package.
    pub asked: u64,
    /// Bytes that it saved last; `None`: it saved nothing.
    pub state: Option<usize>,
    /// What it printed first.
    pub prints: Vec<String>,
    /// Whether it was waiting for messages when the run ended.
    pub receives: bool,
    /// The last words of its last panic.
    pub panicked: Option<String>,
    /// What it used of the host.
    pub usage: Usage,
}

/// What each process did in a run of which all events were kept, by name: its id, and its node's if there are several.
pub fn activity(run: &Run) -> BTreeMap<String, Activity> {
    let mut all: BTreeMap<(NodeId, ProcessRef), Activity> = BTreeMap::new();
    for (_, event) in run.trace.events() {
        match &event.what {
            What::Durable(change) => {
                let (id, on_exit) = match &**change {
                    Change::Put(id, record) => (*id, Some(record.on_exit.kind())),
                    Change::Remove(id) => (*id, None),
                };
                if !id.is_module() {
                    let activity = all.entry((event.node, id)).or_default();
                    activity.on_exit = on_exit.or(activity.on_exit);
                    activity.gone = on_exit.is_none();
                }
            }
            What::Sent(message) if message.is_request() && !message.source.process.is_module() => {
                all.entry((event.node, message.source.process)).or_default().requests += 1;
            }
            What::Received(life, message, _) => {
                let package =
                    |process| (run.names.process_id(process).package, run.names.process_id(process).publisher);
                let outside =
                    message.source.node != event.node || package(message.source.process) != package(life.process);
                let activity = all.entry((event.node, life.process)).or_default();
                activity.received += 1;
                activity.asked += u64::from(message.is_request() && outside);
            }
            what => {
                if let Some(life) = what.life() {
                    all.entry((event.node, life.process)).or_default().take_in(what);
                }
            }
        }
    }
    for (who, usage) in &run.usage {
        all.entry(*who).or_default().usage = *usage;
    }
    let alone = all.keys().all(|(node, _)| *node == NodeId(0));
    let name = |node, process| {
        if alone {
            run.names.process_text(process).to_string()
        } else {
            run.names.address_text(Address { node, process })
        }
    };
    all.into_iter().map(|((node, process), activity)| (name(node, process), activity)).collect()
}

impl Activity {
    fn take_in(&mut self, what: &What) {
        match what {
            What::Started(_) => self.lives += 1,
            What::Called(_, call, _) => {
                *self.calls.entry(call.name()).or_default() += 1;
                self.receives = *call == CallKind::Receive;
            }
            What::SavesState(_, bytes) => self.state = bytes.as_ref().map(|bytes| bytes.len()),
            What::Printed(_, _, text) if self.prints.len() < PRINTS_SHOWN => self.prints.push(text.to_string()),
            What::Exited(_, exit, words) => {
                self.receives = false;
                if *exit == Exit::Panicked {
                    self.panicked = Some(words.text.trim().to_string());
                }
            }
            _ => {}
        }
    }
}
