//! What counts against a package without a word from its author.

use super::writes_to_store;
use crate::invariant::{Claim, Invariant, Past};
use crate::plan::Down;
use crate::trace::event::{Event, Kind, PanicCause, What};
use kernel_core::command::Command;
use kernel_core::{Bytes, CallKind, Cause, Exit, Message, Names, NodeId, ProcessRef};
use std::collections::BTreeMap;

/// A process panics only if something else makes it.
#[derive(Clone)]
pub struct NoPanic;

impl NoPanic {
    /// What is claimed.
    pub const CLAIM: Claim = Claim::own("panic", "no process of the package panics by itself");

    /// The facts of a panic that counts: none, if the plan made it, or a bound of the simulator.
    pub fn facts(event: &Event, names: &Names) -> Option<String> {
        match &event.what {
            What::Exited(life, Exit::Panicked, words) if words.made_by == PanicCause::Guest => {
                Some(format!("{} panicked: {}", names.process_text(life.process), words.text.trim()))
            }
            _ => None,
        }
    }
}

impl Invariant for NoPanic {
    fn claim(&self) -> Claim {
        NoPanic::CLAIM
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Exited]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        NoPanic::facts(event, names).map_or(Ok(()), Err)
    }
}

/// So many lives in a row without progress are a restart loop.
const LOOP: u32 = 5;

/// A process that restarts makes progress: something from outside reaches it, what it has saved changes, or it leaves an
/// effect outside itself and returns. The answers to its own requests are none.
#[derive(Clone, Default)]
pub struct NoRestartLoop {
    of: BTreeMap<(NodeId, ProcessRef), Standing>,
    /// Which guest has told its node to shut down.
    shuts_down: BTreeMap<NodeId, ProcessRef>,
    /// Where the first of the lives ended that are a loop.
    began: Option<Cause>,
}

/// How far a process has come.
#[derive(Clone, Default)]
struct Standing {
    /// How many lives in a row have ended without progress.
    in_vain: u32,
    /// Where the first of them ended.
    since: Option<Cause>,
    /// Whether the life under way has left an effect outside.
    had_effect: bool,
    /// The saved state, as it was last durable.
    state: Option<Bytes>,
}

/// How a life without progress ended.
#[derive(Clone, Copy)]
enum End {
    Panicked,
    Returned,
    ShutDown,
}

impl NoRestartLoop {
    fn ended(
        &mut self,
        index: Cause,
        (node, process): (NodeId, ProcessRef),
        end: End,
        names: &Names,
    ) -> Result<(), String> {
        let standing = self.of.entry((node, process)).or_default();
        // A process that panics again and again makes no progress, whatever it sent before.
        let progress = standing.had_effect && !matches!(end, End::Panicked);
        standing.had_effect = false;
        standing.in_vain = if progress { 0 } else { standing.in_vain + 1 };
        if standing.in_vain == 1 {
            standing.since = Some(index);
        }
        if standing.in_vain != LOOP {
            return Ok(());
        }
        self.began = standing.since;
        let ended = match end {
            End::Panicked => "panicked",
            End::Returned => "returned",
            End::ShutDown => "shut its node down",
        };
        Err(format!(
            "{} {ended} in {LOOP} lives in a row without progress, and is started again: no message reached it from \
             outside, and nothing that it saved changed",
            names.process_text(process)
        ))
    }
}

impl Invariant for NoRestartLoop {
    fn claim(&self) -> Claim {
        Claim::own("restart-loop", "no process is started again and again in vain")
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Exited, Kind::Received, Kind::StateDurable, Kind::Sent, Kind::Command, Kind::Down]
    }

    fn began(&self) -> Option<Cause> {
        self.began
    }

    fn on_event(&mut self, index: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        let node = event.node;
        match &event.what {
            What::Received(life, message, _) if message.is_request() && message.source.process != life.process => {
                self.of.entry((node, life.process)).or_default().in_vain = 0;
            }
            What::StateDurable(process, bytes) => {
                let standing = self.of.entry((node, *process)).or_default();
                if standing.state != *bytes {
                    standing.state.clone_from(bytes);
                    standing.in_vain = 0;
                }
            }
            What::Sent(message) if !message.source.process.is_module() && is_effect(message, names) => {
                self.of.entry((node, message.source.process)).or_default().had_effect = true;
            }
            What::Command(message, command) if **command == Command::Shutdown => {
                self.shuts_down.insert(node, message.source.process);
            }
            What::Down(Down::Shutdown) => match self.shuts_down.remove(&node) {
                Some(process) if !process.is_module() => {
                    return self.ended(index, (node, process), End::ShutDown, names);
                }
                _ => {}
            },
            What::Exited(life, Exit::Panicked, words) => match words.made_by {
                PanicCause::Guest | PanicCause::Bound(_) => {
                    return self.ended(index, (node, life.process), End::Panicked, names);
                }
                PanicCause::Injected | PanicCause::DiskRefused | PanicCause::MemoryRefused => {}
            },
            What::Exited(life, Exit::Returned, _) => {
                return self.ended(index, (node, life.process), End::Returned, names);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether a request does something outside of the process and its node: to another package, another node, the web, or
/// in a store.
fn is_effect(message: &Message, names: &Names) -> bool {
    let (source, target) = (message.source, message.target);
    let package = |process| {
        let id = names.process_id(process);
        (id.package, id.publisher)
    };
    match target.process {
        _ if !message.is_request() => false,
        _ if target.node != source.node => true,
        ProcessRef::HTTP_CLIENT => true,
        process if process.is_module() => writes_to_store(message),
        process => package(process) != package(source.process),
    }
}

/// So many calls in a row that reach nobody are a livelock.
const CALLS: u32 = 10_000;

/// A process that makes calls gets somewhere: it receives, sends, prints, or saves something new.
#[derive(Clone, Default)]
pub struct NoLivelock {
    /// Calls that reached nobody, and the saved state as it was last asked for.
    idle: BTreeMap<(NodeId, ProcessRef), (u32, Option<Bytes>)>,
}

impl Invariant for NoLivelock {
    fn claim(&self) -> Claim {
        Claim::own("livelock", "no process makes calls on and on that reach nobody")
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Called, Kind::SavesState, Kind::Started]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        let Some(life) = event.what.life() else { return Ok(()) };
        let (calls, state) = self.idle.entry((event.node, life.process)).or_default();
        match &event.what {
            What::SavesState(_, bytes) => {
                if state != bytes {
                    state.clone_from(bytes);
                    *calls = 0;
                }
            }
            What::Called(_, call, _) if reaches_nobody(*call) => *calls += 1,
            _ => *calls = 0,
        }
        if *calls < CALLS {
            return Ok(());
        }
        let call = if let What::Called(_, call, _) = &event.what { call.name() } else { "set-state" };
        Err(format!(
            "{} made {CALLS} calls in a row that reach nobody, the last of them {call}, and does not receive",
            names.process_text(life.process)
        ))
    }
}

/// Whether nobody but the process itself can see that it makes such a call.
fn reaches_nobody(call: CallKind) -> bool {
    !matches!(
        call,
        CallKind::Print
            | CallKind::Receive
            | CallKind::SendRequest
            | CallKind::SendRequests
            | CallKind::SendResponse
            | CallKind::SendAndAwaitResponse
            | CallKind::Spawn
    )
}
