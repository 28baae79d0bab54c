//! What can happen to a kernel: the only way it ever changes.

use crate::address::Address;
use crate::bytes::Bytes;
use crate::call::{Call, Outgoing};
use crate::effect::{LifeId, Ticket, WriteId};
use crate::message::{Blob, Message, Response};
use crate::name::ProcessRef;
use crate::send_error::SendErrorKind;
use std::rc::Rc;

/// One thing that happens to a node's kernel.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A call of a guest takes effect.
    Call(ProcessRef, Call),
    /// A life that the kernel has ended makes a call all the same, after [`Effect::Orphan`](crate::Effect::Orphan).
    OrphanCall(LifeId, Call),
    /// A guest's life ended by itself.
    Exited {
        /// Whose.
        process: ProcessRef,
        /// How.
        exit: Exit,
        /// What it wrote last to its standard error.
        last_words: Bytes,
    },
    /// A runtime module sends a request.
    ModuleRequest(ProcessRef, Box<Outgoing>),
    /// A runtime module answers a request.
    ModuleResponse(ProcessRef, Reply),
    /// A message comes in from another node.
    Arrived(Rc<Message>),
    /// A message of ours to another node cannot be delivered.
    Undeliverable(Rc<Message>, SendErrorKind),
    /// The code asked for by [`Effect::Load`](crate::Effect::Load) is there, or is not.
    Loaded(Ticket, Result<ImageId, LoadError>),
    /// The table write of [`Effect::Write`](crate::Effect::Write) is durable, or was refused.
    Written(WriteId, Result<(), Refused>),
    /// The [`Effect::State`](crate::Effect::State) of a life is done, or was refused.
    State(ProcessRef, LifeId, Result<StateDone, Refused>),
    /// [`Kernel::next_deadline`](crate::Kernel::next_deadline) has come. Early or needless wakes are harmless.
    Wake,
}

/// The two ways in which a guest's life ends by itself (rule [E1](crate::Rule::E1)). The other two are the kernel's and the world's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// `init` returned.
    Returned,
    /// Any trap.
    Panicked,
}

/// A module's response: to whom, to which request, and what.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The request it answers.
    pub request: Rc<Message>,
    /// Who gets it.
    pub target: Address,
    /// What it says.
    pub response: Response,
    /// What it carries.
    pub blob: Option<Blob>,
}

/// Valid code, by its place in the world's store of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageId(pub u32);

/// Why there is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// No such file, or no right to read it.
    NoFile,
    /// Not a program of the process world (rule [S2](crate::Rule::S2)).
    Invalid,
}

/// The disk refused a read or a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// What became of a state operation.
#[derive(Clone, Debug, PartialEq)]
pub enum StateDone {
    /// The state, if there is one.
    Got(Option<Bytes>),
    /// Set or cleared, durably.
    Saved,
}
