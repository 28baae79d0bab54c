//! What a kernel wants done. It does nothing itself: the world carries effects out, in order.

use crate::bytes::Bytes;
use crate::call::{Answer, Received};
use crate::capability::Capabilities;
use crate::input::ImageId;
use crate::message::Message;
use crate::name::ProcessRef;
use crate::on_exit::OnExit;
use std::rc::Rc;

/// One thing for the world to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Begin a life: fresh memory and globals, then `init(our)`. It takes time ([S7](crate::Rule::S7)).
    Start {
        /// Whose.
        process: ProcessRef,
        /// Which of its runs, to be handed back with what was asked on its behalf.
        run: LifeId,
        /// The code.
        image: ImageId,
    },
    /// A guest's call returns.
    Resume(ProcessRef, Answer),
    /// A guest's life is over: it was killed.
    Stop(ProcessRef),
    /// A guest's life is over, as if stopped; but its code computes on, and its calls are to be told as
    /// [`Input::OrphanCall`](crate::Input::OrphanCall). Never the book's kernel.
    Orphan(ProcessRef, LifeId),
    /// A call of such a life returns.
    ResumeOrphan(LifeId, Answer),
    /// Such a life is stopped.
    EndOrphan(LifeId),
    /// A call was a panic of its caller: to be reported back as [`Exit::Panicked`](crate::Exit::Panicked), at once.
    Trap(ProcessRef, &'static str),
    /// A runtime module gets a message.
    Deliver(ProcessRef, Received),
    /// Nothing to do: a process of this node, or the kernel, has made a message. What becomes of it follows.
    Sent(Rc<Message>),
    /// A message leaves for another node.
    Transmit(Rc<Message>),
    /// Find out whether there is valid code; answered by [`Input::Loaded`](crate::Input::Loaded), at once or later.
    Load(Ticket, Source),
    /// Read or change a process's saved state; answered by [`Input::State`](crate::Input::State) with the same run.
    State(ProcessRef, LifeId, StateOp),
    /// Make these changes to the table on disk, all or none, in the order of the writes; answered by
    /// [`Input::Written`](crate::Input::Written).
    Write(WriteId, Vec<Change>),
    /// Nothing to do: a message went nowhere, and why.
    Dropped(Rc<Message>, DropReason),
    /// The kernel fails, and the node goes down with it; why (D10). Never the book's kernel.
    Fail(&'static str),
    /// The owner asked the node to shut down.
    Shutdown,
}

/// One life, as the kernel counts them: never the same twice on a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LifeId(pub u64);

/// A load that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A table write that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// Where code comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The blob of an `InitializeProcess` ([S2](crate::Rule::S2)).
    Blob(Bytes),
    /// A file on a drive that this process may read ([S6](crate::Rule::S6)).
    File(ProcessRef, Rc<str>),
}

/// What a guest does with its saved state ([P1](crate::Rule::P1)).
#[derive(Clone, Debug, PartialEq)]
pub enum StateOp {
    /// `get-state`.
    Get,
    /// `set-state`.
    Set(Bytes),
    /// `clear-state`.
    Clear,
}

/// A change of one row of the process table on disk.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The row is now this.
    Put(ProcessRef, Rc<Record>),
    /// There is no such row.
    Remove(ProcessRef),
}

/// A row of the process table on disk: all that a process keeps from life to life but its saved state ([S5](crate::Rule::S5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The code; `None` for a runtime module.
    pub image: Option<ImageId>,
    /// What happens at its exit.
    pub on_exit: OnExit,
    /// Whether anybody on the node may message it.
    pub public: bool,
    /// What it holds.
    pub capabilities: Capabilities,
}

/// Why a message went nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// No such process, or one that is not running ([E11](crate::Rule::E11)).
    NotRunning,
    /// The sender lacks the target's messaging capability ([C1](crate::Rule::C1), [K1](crate::Rule::K1)).
    NoCapability,
    /// The sender or the receiver lacks the network capability ([C1](crate::Rule::C1)).
    NoNetwork,
    /// A kernel command from another node ([K1](crate::Rule::K1)).
    RemoteCommand,
    /// A kernel command that is not one, or one that is not for this target.
    BadCommand,
    /// A response that nobody waits for, or no longer ([M1](crate::Rule::M1), [E10](crate::Rule::E10)).
    NotAwaited,
    /// A response when there was nothing to respond to.
    NothingToAnswer,
}

impl DropReason {
    /// The reason in words.
    pub fn text(self) -> &'static str {
        match self {
            DropReason::NotRunning => "nobody is there",
            DropReason::NoCapability => "no capability to message the target",
            DropReason::NoNetwork => "no network capability",
            DropReason::RemoteCommand => "a kernel command from another node",
            DropReason::BadCommand => "not a kernel command",
            DropReason::NotAwaited => "nobody waits for this response",
            DropReason::NothingToAnswer => "there is nothing to respond to",
        }
    }
}
