//! What happened: the typed events that everything else is made from.
//!
//! Events are facts recorded by the world: deliveries, lives, durable bytes, nodes going down. What the kernel alone
//! says (that it made a message, or dropped one) is marked so: a wrong kernel must not vouch for itself.

use crate::disk::{IoFault, Path};
use crate::outside::chain::News;
use crate::outside::visit::{Sight, Visit};
use crate::plan::Down;
use kernel_core::command::{Command, CommandAnswer};
use kernel_core::{
    Answer, Bytes, Call, CallKind, Capability, Cause, Change, DropReason, Duration, Exit, Instant, Message, NodeId,
    OnExit, ProcessRef, SendErrorKind, Spawn, SpawnError,
};
use std::rc::Rc;

/// One life of a process on the node of the event: its number on that node, counted from 1 over all boots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Life {
    /// Whose life.
    pub process: ProcessRef,
    /// Which.
    pub number: u32,
}

/// Something that happened at an instant on a node, because of something else.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: Instant,
    /// Where.
    pub node: NodeId,
    /// The index of the event that caused it; its own index if none did.
    pub cause: Cause,
    /// What.
    pub what: What,
}

/// What a life said last, and whose doing its end is. The text is the guest's own and may claim anything; the cause is a
/// fact of the world.
#[derive(Clone, Debug)]
pub struct LastWords {
    /// The panic message, or what the guest did wrong.
    pub text: Rc<str>,
    /// What made it panic.
    pub made_by: PanicCause,
}

/// What makes a life panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanicCause {
    /// The guest itself.
    Guest,
    /// The plan: a trap at a call.
    Injected,
    /// The plan: the disk refused what the guest asked the kernel to keep or to read (P1, P2).
    DiskRefused,
    /// The plan: the guest's memory was refused to grow, before the panic.
    MemoryRefused,
    /// A bound of this simulator that a real node does not have, or has much further out.
    Bound(&'static str),
}

impl From<&str> for LastWords {
    /// Words of a guest that panics by itself.
    fn from(text: &str) -> LastWords {
        LastWords { text: text.into(), made_by: PanicCause::Guest }
    }
}

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum What {
    // ---- nodes
    /// The node comes up, for the n-th time.
    Booted(u32),
    /// The node goes down.
    Down(Down),
    /// The node went down by itself: its kernel failed. Never right.
    Failed(Rc<str>),

    // ---- lives
    /// A life begins.
    Started(Life),
    /// A life ended by itself: `init` returned or the guest panicked. With what it said last, and what made it panic.
    Exited(Life, Exit, LastWords),
    /// A life was ended by its kernel: killed.
    Killed(Life),
    /// A life ended because its node went down.
    Lost(Life),

    // ---- calls
    /// A call of a life takes effect. If it sends or responds: with what.
    Called(Life, CallKind, Option<Call>),
    /// It printed.
    Printed(Life, u8, Rc<str>),
    /// It asks for an on-exit value; in force and durable when it returns (E8).
    SetsOnExit(Life, Rc<OnExit>),
    /// It saves this state, or clears it; durable when it returns (P1).
    SavesState(Life, Option<Bytes>),
    /// It saves these capabilities (C4).
    SavesCapabilities(Life, Rc<[Capability]>),
    /// It drops these capabilities (C4).
    DropsCapabilities(Life, Rc<[Capability]>),
    /// It spawns a child (S6).
    Spawns(Life, Rc<Spawn>),
    /// A call with an answer that carries nothing returned.
    Returned(Life, CallKind),
    /// A call that looks something up (`our`, `get-on-exit`, `our-capabilities`, blobs) returned this.
    Learned(Life, CallKind, Rc<Answer>),
    /// `get-state` returned this.
    ReadState(Life, Option<Bytes>),
    /// `spawn` returned this.
    Spawned(Life, Result<ProcessRef, SpawnError>),
    /// A quantum of spinning passed without a call.
    Spun(Life, Duration),

    // ---- messages
    /// The kernel says that it made a message. `Event::cause` is the call, module or write that it was made for.
    Sent(Rc<Message>),
    /// The message just sent is a kernel command.
    Command(Rc<Message>, Rc<Command>),
    /// The message just sent is an `InitializeProcess` with code that is not valid, or none (S2).
    InvalidCode(Rc<Message>),
    /// The message just sent is the kernel's answer to a command.
    CommandAnswered(Rc<Message>, Rc<CommandAnswer>),
    /// A life receives a message (by `receive` or an awaited answer); for a response with the context it is given.
    Received(Life, Rc<Message>, Option<Bytes>),
    /// A life learns that its request failed; the message is the request. With the context it is given.
    ReceivedError(Life, SendErrorKind, Rc<Message>, Option<Bytes>),
    /// A runtime module gets a message.
    ModuleReceived(ProcessRef, Rc<Message>),
    /// A runtime module learns that its request failed.
    ModuleReceivedError(ProcessRef, SendErrorKind, Rc<Message>),
    /// The kernel says that it dropped a message.
    Dropped(Rc<Message>, DropReason),
    /// The network lost a message on its way.
    NetworkLost(Rc<Message>),
    /// The network could not reach the target's node.
    NetworkOffline(Rc<Message>),
    /// A message comes in from another node.
    Arrived(Rc<Message>),
    /// A runtime module was asked for something that is not modelled; the text says what.
    Unmodelled(ProcessRef, Rc<str>),

    // ---- outside of the nodes
    /// A visitor with a browser does something at the node.
    Visited(Rc<Visit>),
    /// What the visitor sees of it.
    Shown(Rc<Sight>),
    /// The chain goes on: on all nodes, recorded on the first.
    News(Rc<News>),

    // ---- the disk
    /// A change of the process table is durable.
    Durable(Rc<Change>),
    /// A process's saved state is durably this.
    StateDurable(ProcessRef, Option<Bytes>),
    /// The disk refused a write.
    WriteRefused,
    /// The disk refused a module an access.
    IoRefused(ProcessRef, IoFault),
    /// A storage engine checked a file of its own for the first time since the boot; this is wrong with it, or
    /// nothing.
    StoreChecked(ProcessRef, Path, Option<Rc<str>>),
    /// A byte on the node's disk has rotted, in this file.
    Rotted(Rc<str>, u64),
    /// All that is on the node's disk is backed up: its n-th backup, counted from 1. This is the cut.
    BackedUp(u32),
    /// The node's disk is swapped for one with its n-th backup on it. It is down.
    Restored(u32),

    /// The node's clock jumps by this many nanoseconds, forward or back.
    ClockJumped(i64),

    // ---- the script
    /// A line of the scenario's script is carried out.
    Script(u32),
    /// The storm is over: from here on nothing goes wrong, and the world must settle.
    Lifted,
}

/// The kinds of events, for invariants to say which they read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[allow(missing_docs)] // One name per variant of [`What`], each documented there.
#[non_exhaustive]
pub enum Kind {
    Booted,
    Down,
    Failed,
    Started,
    Exited,
    Killed,
    Lost,
    Called,
    Printed,
    SetsOnExit,
    SavesState,
    SavesCapabilities,
    DropsCapabilities,
    Spawns,
    Returned,
    Learned,
    ReadState,
    Spawned,
    Spun,
    Sent,
    Command,
    InvalidCode,
    CommandAnswered,
    Received,
    ReceivedError,
    ModuleReceived,
    ModuleReceivedError,
    Dropped,
    NetworkLost,
    NetworkOffline,
    Arrived,
    Unmodelled,
    Visited,
    Shown,
    News,
    Durable,
    StateDurable,
    WriteRefused,
    IoRefused,
    ClockJumped,
    StoreChecked,
    Rotted,
    BackedUp,
    Restored,
    Script,
    Lifted,
}

impl Kind {
    /// How many kinds there are.
    pub const COUNT: usize = Kind::Lifted as usize + 1;
}

impl What {
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            What::Booted(_) => Kind::Booted,
            What::Down(_) => Kind::Down,
            What::Failed(_) => Kind::Failed,
            What::Started(_) => Kind::Started,
            What::Exited(..) => Kind::Exited,
            What::Killed(_) => Kind::Killed,
            What::Lost(_) => Kind::Lost,
            What::Called(..) => Kind::Called,
            What::Printed(..) => Kind::Printed,
            What::SetsOnExit(..) => Kind::SetsOnExit,
            What::SavesState(..) => Kind::SavesState,
            What::SavesCapabilities(..) => Kind::SavesCapabilities,
            What::DropsCapabilities(..) => Kind::DropsCapabilities,
            What::Spawns(..) => Kind::Spawns,
            What::Returned(..) => Kind::Returned,
            What::Learned(..) => Kind::Learned,
            What::ReadState(..) => Kind::ReadState,
            What::Spawned(..) => Kind::Spawned,
            What::Spun(..) => Kind::Spun,
            What::Sent(_) => Kind::Sent,
            What::Command(..) => Kind::Command,
            What::InvalidCode(_) => Kind::InvalidCode,
            What::CommandAnswered(..) => Kind::CommandAnswered,
            What::Received(..) => Kind::Received,
            What::ReceivedError(..) => Kind::ReceivedError,
            What::ModuleReceived(..) => Kind::ModuleReceived,
            What::ModuleReceivedError(..) => Kind::ModuleReceivedError,
            What::Dropped(..) => Kind::Dropped,
            What::NetworkLost(_) => Kind::NetworkLost,
            What::NetworkOffline(_) => Kind::NetworkOffline,
            What::Arrived(_) => Kind::Arrived,
            What::Unmodelled(..) => Kind::Unmodelled,
            What::Visited(_) => Kind::Visited,
            What::Shown(_) => Kind::Shown,
            What::News(_) => Kind::News,
            What::Durable(_) => Kind::Durable,
            What::StateDurable(..) => Kind::StateDurable,
            What::WriteRefused => Kind::WriteRefused,
            What::IoRefused(..) => Kind::IoRefused,
            What::ClockJumped(_) => Kind::ClockJumped,
            What::StoreChecked(..) => Kind::StoreChecked,
            What::Rotted(..) => Kind::Rotted,
            What::BackedUp(_) => Kind::BackedUp,
            What::Restored(_) => Kind::Restored,
            What::Script(_) => Kind::Script,
            What::Lifted => Kind::Lifted,
        }
    }

    /// The message it is about, if it is about one.
    pub fn message(&self) -> Option<&Rc<Message>> {
        match self {
            What::Sent(message)
            | What::Command(message, _)
            | What::InvalidCode(message)
            | What::CommandAnswered(message, _)
            | What::Received(_, message, _)
            | What::ReceivedError(_, _, message, _)
            | What::ModuleReceived(_, message)
            | What::ModuleReceivedError(_, _, message)
            | What::Dropped(message, _)
            | What::NetworkLost(message)
            | What::NetworkOffline(message)
            | What::Arrived(message) => Some(message),
            _ => None,
        }
    }

    /// The life it is about, if it is about one.
    pub fn life(&self) -> Option<Life> {
        match self {
            What::Started(life)
            | What::Exited(life, ..)
            | What::Killed(life)
            | What::Lost(life)
            | What::Called(life, _, _)
            | What::Printed(life, ..)
            | What::SetsOnExit(life, _)
            | What::SavesState(life, _)
            | What::SavesCapabilities(life, _)
            | What::DropsCapabilities(life, _)
            | What::Spawns(life, _)
            | What::Returned(life, _)
            | What::Learned(life, ..)
            | What::ReadState(life, _)
            | What::Spawned(life, _)
            | What::Spun(life, _)
            | What::Received(life, _, _)
            | What::ReceivedError(life, ..) => Some(*life),
            What::Booted(_)
            | What::Down(_)
            | What::Failed(_)
            | What::Sent(_)
            | What::Command(..)
            | What::InvalidCode(_)
            | What::CommandAnswered(..)
            | What::ModuleReceived(..)
            | What::ModuleReceivedError(..)
            | What::Dropped(..)
            | What::NetworkLost(_)
            | What::NetworkOffline(_)
            | What::Arrived(_)
            | What::Unmodelled(..)
            | What::Visited(_)
            | What::Shown(_)
            | What::News(_)
            | What::Durable(_)
            | What::StateDurable(..)
            | What::WriteRefused
            | What::IoRefused(..)
            | What::ClockJumped(_)
            | What::StoreChecked(..)
            | What::Rotted(..)
            | What::BackedUp(_)
            | What::Restored(_)
            | What::Script(_)
            | What::Lifted => None,
        }
    }
}
