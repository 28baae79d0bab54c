//! What a kernel holds, for people to look at: never for the kernel to decide by.

use crate::bytes::Bytes;
use crate::capability::Capabilities;
use crate::kernel::Kernel;
use crate::message::Message;
use crate::name::ProcessRef;
use crate::on_exit::OnExit;
use crate::process::{Activity, Incoming, Outcome, Process, Status};
use crate::send_error::SendErrorKind;
use crate::time::Instant;
use std::rc::Rc;

/// One process, as its kernel knows it. It shares what it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessView {
    /// Its id.
    pub id: ProcessRef,
    /// Where in its history it is.
    pub status: StatusView,
    /// The on-exit behaviour in force.
    pub on_exit: OnExit,
    /// One that is being written.
    pub on_exit_next: Option<OnExit>,
    /// Whether anybody on the node may message it.
    pub public: bool,
    /// What it holds.
    pub capabilities: Capabilities,
    /// What waits for it to be received, the first to come first.
    pub mailbox: Vec<Waiting>,
    /// Its requests that wait for a response.
    pub pending: Vec<Pending>,
}

/// Where in its history a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusView {
    /// Its row is not yet durable.
    Initializing,
    /// In the table, not run.
    Initialized,
    /// It computes.
    Computing,
    /// It waits for any message.
    Receiving,
    /// It waits for the answer to one request.
    Awaiting,
    /// It waits for the disk.
    Blocked,
    /// It waits for its restart.
    BackingOff,
    /// Its exit takes effect when its row is gone from the disk.
    Ending,
}

/// Something in a mailbox.
#[derive(Clone, Debug, PartialEq)]
pub enum Waiting {
    /// A request.
    Request(Rc<Message>),
    /// The response to a request of its own.
    Response(Rc<Message>),
    /// A request of its own that failed.
    Failed(SendErrorKind, Rc<Message>),
}

/// A request that waits for its response.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// The request.
    pub request: Rc<Message>,
    /// When it times out.
    pub deadline: Instant,
    /// What its sender wants back with the answer.
    pub context: Option<Bytes>,
}

impl StatusView {
    /// The status in words.
    pub fn text(self) -> &'static str {
        match self {
            StatusView::Initializing => "being initialized",
            StatusView::Initialized => "initialized, not run",
            StatusView::Computing => "computing",
            StatusView::Receiving => "waits for a message",
            StatusView::Awaiting => "awaits a response",
            StatusView::Blocked => "waits for the disk",
            StatusView::BackingOff => "waits for its restart",
            StatusView::Ending => "ending",
        }
    }
}

impl Kernel {
    /// The processes of the table, runtime modules left out, in the order of their numbers.
    pub fn views(&self) -> impl Iterator<Item = ProcessView> {
        let guests = self.processes.iter().filter(|(id, _)| !id.is_module());
        guests.map(|(id, process)| view(id, process))
    }
}

fn view(id: ProcessRef, process: &Process) -> ProcessView {
    let waiting = |incoming: &Incoming| match incoming {
        Incoming::Request(message) => Waiting::Request(message.clone()),
        Incoming::Settled(Outcome::Response(message), _) => Waiting::Response(message.clone()),
        Incoming::Settled(Outcome::Error(error), _) => Waiting::Failed(error.kind, error.message.clone()),
    };
    let pending = process.life.outstanding.values().map(|outstanding| Pending {
        request: outstanding.message.clone(),
        deadline: outstanding.deadline,
        context: outstanding.context.clone(),
    });
    ProcessView {
        id,
        status: match &process.status {
            Status::Initializing { .. } => StatusView::Initializing,
            Status::Initialized => StatusView::Initialized,
            Status::Running(Activity::Computing) => StatusView::Computing,
            Status::Running(Activity::Receiving) => StatusView::Receiving,
            Status::Running(Activity::Awaiting(_)) => StatusView::Awaiting,
            Status::Running(Activity::Blocked) => StatusView::Blocked,
            Status::BackingOff => StatusView::BackingOff,
            Status::Ending(_) => StatusView::Ending,
        },
        on_exit: process.on_exit.clone(),
        on_exit_next: process.on_exit_next.clone(),
        public: process.public,
        capabilities: process.capabilities.clone(),
        mailbox: process.life.mailbox.iter().map(waiting).collect(),
        pending: pending.collect(),
    }
}
