//! An event loop that waits for a guest: D13, D14, D29, D30, D41.
//!
//! In the runtimes the kernel is one task that puts messages into bounded channels, one for each process. A channel is
//! emptied whenever its process waits for anything; one that computes empties nothing.

use crate::call::Call;
use crate::deviation::Deviation;
use crate::effect::LifeId;
use crate::input::Input;
use crate::kernel::Kernel;
use crate::message::Message;
use crate::name::ProcessRef;
use crate::process::{Activity, Status};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

/// How many messages a process's channel holds in the runtimes.
const CHANNEL: usize = 100;

/// What the event loop waits for, and what waits for the loop.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Channels {
    waits: Option<Waits>,
    backlog: VecDeque<Held>,
    /// How many messages came for each process since it last waited for anything.
    filled: BTreeMap<ProcessRef, usize>,
    /// Processes that wait for ever on their own channel (D13).
    choked: BTreeSet<ProcessRef>,
}

/// What the event loop waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    /// A place in the channel of this process (D14).
    Place(ProcessRef),
    /// A place in a channel that nobody will ever empty (D13).
    ForEver,
    /// Its turn: the thread belongs to this guest until it waits for something (D29, D41).
    Turn(ProcessRef),
}

/// Something that waits for the event loop.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Held {
    /// An input, and the life whose it is.
    Input(Input, Option<LifeId>),
    /// A message that a guest has sent.
    Message(ProcessRef, Rc<Message>),
    /// A graceful quit (D41).
    Quit,
}

impl Kernel {
    /// Whether the event loop waits for a guest.
    pub(crate) fn is_stuck(&self) -> bool {
        self.quirks.channels.waits.is_some()
    }

    /// Keeps back what happens while the event loop waits; gives back what gets through.
    pub(crate) fn hold_back(&mut self, input: Input) -> Option<Held> {
        self.note_wait(&input);
        let Some(waits) = self.quirks.channels.waits else { return Some(Held::Input(input, None)) };
        let frees = match (waits, by(&input)) {
            (Waits::ForEver, _) | (_, None) => false,
            (Waits::Place(on) | Waits::Turn(on), Some(process)) if on != process => false,
            (Waits::Place(_), Some(_)) => match &input {
                Input::Call(_, call) if is_local(call) => return Some(Held::Input(input, None)),
                Input::Call(_, call) if asks_kernel(call) => !self.has(Deviation::AskingGuestDeadlocks),
                Input::Call(_, call) => waits_for_something(call),
                _ => true,
            },
            (Waits::Turn(_), Some(_)) => match &input {
                Input::Call(_, call) if !waits_for_something(call) => return Some(Held::Input(input, None)),
                _ => true,
            },
        };
        let run = by(&input).and_then(|process| Some(self.processes.get(process)?.life.run));
        self.quirks.channels.backlog.push_back(Held::Input(input, run));
        if frees {
            self.quirks.channels.waits = None;
            let channels = &mut self.quirks.channels;
            if matches!(waits, Waits::Place(_)) || channels.backlog.front() == Some(&Held::Quit) {
                // The process has let go before the loop goes on.
                let freed = channels.backlog.pop_back().expect("it was just put there");
                channels.backlog.push_front(freed);
            }
        }
        None
    }

    /// The next of what was kept back, once the event loop goes on.
    pub(crate) fn next_held_back(&mut self) -> Option<Held> {
        while !self.is_stuck() {
            let held = self.quirks.channels.backlog.pop_front()?;
            // A life that was killed meanwhile is not heard any more.
            let is_over = match &held {
                Held::Input(input, Some(run)) => by(input).is_some_and(|process| {
                    self.processes.get(process).is_none_or(|p| p.life.run != *run || !Kernel::has_life(p))
                }),
                Held::Input(_, None) | Held::Message(..) | Held::Quit => false,
            };
            if !is_over {
                return Some(held);
            }
        }
        None
    }

    /// D29: whether a message that a guest has sent waits for the loop, which waits for the guest.
    pub(crate) fn waits_for_loop(&mut self, source: ProcessRef, message: &Rc<Message>) -> bool {
        if !self.has(Deviation::ComputingGuestStopsLoop) || source.is_module() {
            return false;
        }
        let computes = self
            .processes
            .get(source)
            .is_some_and(|p| p.status == Status::Running(Activity::Computing) && Kernel::has_life(p));
        if !computes {
            return false;
        }
        self.quirks.channels.waits.get_or_insert(Waits::Turn(source));
        self.quirks.channels.backlog.push_back(Held::Message(source, message.clone()));
        true
    }

    /// D41: a graceful quit waits for this guest.
    pub(super) fn wait_to_quit(&mut self, guest: ProcessRef) {
        self.quirks.channels.waits = Some(Waits::Turn(guest));
        self.quirks.channels.backlog.push_front(Held::Quit);
    }

    /// D13: whether so much has come before the run that the process waits on its own channel for ever.
    pub(crate) fn chokes_at_start(&mut self, id: ProcessRef) -> bool {
        let waiting = self.processes.get(id).map_or(0, |process| process.life.mailbox.len());
        let chokes = self.has(Deviation::EarlyMessagesChoke) && waiting > CHANNEL;
        if chokes {
            self.quirks.channels.choked.insert(id);
        }
        chokes
    }

    /// D13, D14: a message was put into a mailbox; if the channel is full the event loop waits.
    pub(crate) fn note_mailbox(&mut self, target: ProcessRef) {
        if self.quirks.channels.choked.contains(&target) {
            self.quirks.channels.waits = Some(Waits::ForEver);
        }
        let process = self.processes.get(target);
        let computes = process.is_some_and(|p| p.status == Status::Running(Activity::Computing) && Kernel::has_life(p));
        if !computes || !self.has(Deviation::FullChannelStopsLoop) {
            return;
        }
        let filled = self.quirks.channels.filled.entry(target).or_default();
        *filled += 1;
        if *filled > CHANNEL {
            self.quirks.channels.waits = Some(Waits::Place(target));
        }
    }

    /// D14: a guest that waits for anything empties its channel.
    fn note_wait(&mut self, input: &Input) {
        match input {
            Input::Call(process, call) if !is_local(call) && waits_for_something(call) && !asks_kernel(call) => {
                self.quirks.channels.filled.remove(process);
            }
            Input::Exited { process, .. } => {
                self.quirks.channels.filled.remove(process);
            }
            _ => {}
        }
    }

    /// A life is over.
    pub(super) fn forget_channel(&mut self, id: ProcessRef) {
        self.quirks.channels.filled.remove(&id);
        self.quirks.channels.choked.remove(&id);
    }
}

/// Whose guest brings an input about.
fn by(input: &Input) -> Option<ProcessRef> {
    match input {
        Input::Call(process, _) | Input::Exited { process, .. } => Some(*process),
        _ => None,
    }
}

/// Whether a call is answered without the kernel.
fn is_local(call: &Call) -> bool {
    matches!(call, Call::Print { .. } | Call::Our | Call::GetOnExit | Call::HasBlob | Call::GetBlob | Call::LastBlob)
}

/// Whether a call asks the kernel, and so waits for the loop itself (D30).
fn asks_kernel(call: &Call) -> bool {
    match call {
        Call::OurCapabilities | Call::SaveCapabilities(_) | Call::DropCapabilities(_) | Call::Spawn(_) => true,
        Call::SendRequest(outgoing) => !outgoing.request.capabilities.is_empty(),
        Call::SendRequests(list) => list.iter().any(|outgoing| !outgoing.request.capabilities.is_empty()),
        Call::SendResponse(response) => !response.0.capabilities.is_empty(),
        Call::SendAndAwaitResponse(outgoing) => !outgoing.request.capabilities.is_empty(),
        _ => false,
    }
}

/// Whether a guest lets go of its thread in a call.
fn waits_for_something(call: &Call) -> bool {
    match call {
        Call::Receive
        | Call::GetState
        | Call::SetState(_)
        | Call::ClearState
        | Call::SetOnExit(_)
        | Call::SendAndAwaitResponse(_) => true,
        _ => asks_kernel(call),
    }
}
