//! What a guest may ask of the kernel, and the answers: the 19 calls of the process world, less their bytes.
//!
//! How a Wasm guest's memory becomes a [`Call`] is not the kernel's business; neither is what a call costs.

use crate::address::Address;
use crate::bytes::Bytes;
use crate::capability::Capability;
use crate::message::{Blob, Message, Request, Response};
use crate::name::{ParamsRef, ProcessRef};
use crate::on_exit::OnExit;
use crate::send_error::{SendError, SpawnError};
use std::rc::Rc;

/// A call of the process world (`standard` of `hyperware:process@1.0.0`).
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// `print-to-terminal`.
    Print {
        /// 0 (always shown) to 3 (everything).
        verbosity: u8,
        /// What to print.
        text: Rc<str>,
    },
    /// `our`.
    Our,
    /// `get-on-exit`.
    GetOnExit,
    /// `set-on-exit`: durable before it returns ([E8](crate::Rule::E8)).
    SetOnExit(OnExit),
    /// `get-state` ([P1](crate::Rule::P1)).
    GetState,
    /// `set-state`: atomic and durable when it returns ([P1](crate::Rule::P1)).
    SetState(Bytes),
    /// `clear-state` ([P1](crate::Rule::P1)).
    ClearState,
    /// `spawn` ([S6](crate::Rule::S6)).
    Spawn(Box<Spawn>),
    /// `save-capabilities` ([C4](crate::Rule::C4)).
    SaveCapabilities(Vec<Capability>),
    /// `drop-capabilities` ([C4](crate::Rule::C4)).
    DropCapabilities(Vec<Capability>),
    /// `our-capabilities` ([C4](crate::Rule::C4)).
    OurCapabilities,
    /// `receive`: blocks until a message comes.
    Receive,
    /// `has-blob`: whether the message last received had one ([M3](crate::Rule::M3)).
    HasBlob,
    /// `get-blob`: the blob of the message last received ([M3](crate::Rule::M3)).
    GetBlob,
    /// `last-blob`: the blob of the last message that had one ([M3](crate::Rule::M3)).
    LastBlob,
    /// `send-request`.
    SendRequest(Rc<Outgoing>),
    /// `send-requests`: the same, several at once.
    SendRequests(Rc<Vec<Outgoing>>),
    /// `send-response`: to the message last received that wanted one.
    SendResponse(Rc<(Response, Option<Blob>)>),
    /// `send-and-await-response`: blocks until the answer or the timeout; others queue meanwhile ([M3](crate::Rule::M3)).
    SendAndAwaitResponse(Rc<Outgoing>),
}

/// A request as its sender hands it over.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// Where it goes.
    pub target: Address,
    /// What it says.
    pub request: Request,
    /// Bytes to be given back with the response or the error.
    pub context: Option<Bytes>,
    /// What it carries.
    pub blob: Option<Blob>,
}

/// The arguments of `spawn`.
#[derive(Clone, Debug, PartialEq)]
pub struct Spawn {
    /// The child's name; `None` lets the kernel count one.
    pub name: Option<Rc<str>>,
    /// Where the Wasm is, on a drive that the parent may read: `/package:publisher/drive/file.wasm`.
    pub path: Rc<str>,
    /// The child's on-exit behaviour.
    pub on_exit: OnExit,
    /// What the child gets, cut to what the parent holds ([C2](crate::Rule::C2)).
    pub request_capabilities: Vec<Capability>,
    /// The grants: each process, and the parameters of the capability that the child issues to it.
    pub grant_capabilities: Vec<(ProcessRef, ParamsRef)>,
    /// Whether anybody on the node may message the child ([C1](crate::Rule::C1)).
    pub public: bool,
}

/// What a call gives back.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A life begins: `init(our)` is called. The first answer of every life.
    Init(Address),
    /// Nothing to say: the call returned.
    Done,
    /// To `our`.
    Our(Address),
    /// To `get-on-exit`.
    OnExit(OnExit),
    /// To `get-state`.
    State(Option<Bytes>),
    /// To `spawn`.
    Spawned(Result<ProcessRef, SpawnError>),
    /// To `our-capabilities`.
    Capabilities(Vec<Capability>),
    /// To `receive`.
    Received(Received),
    /// To `has-blob`.
    HasBlob(bool),
    /// To `get-blob` and `last-blob`.
    Blob(Option<Blob>),
    /// To `send-and-await-response`; a context is never given back here.
    Awaited(Result<Rc<Message>, SendError>),
}

/// What `receive` gives back.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    /// A message; for a response, with the context of its request.
    Message(Rc<Message>, Option<Bytes>),
    /// A request that got no answer, with its context.
    Error(SendError, Option<Bytes>),
}

/// The name of a call, as traces and plans print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // One name per call of the world, each documented at [`Call`].
pub enum CallKind {
    Print,
    Our,
    GetOnExit,
    SetOnExit,
    GetState,
    SetState,
    ClearState,
    Spawn,
    SaveCapabilities,
    DropCapabilities,
    OurCapabilities,
    Receive,
    HasBlob,
    GetBlob,
    LastBlob,
    SendRequest,
    SendRequests,
    SendResponse,
    SendAndAwaitResponse,
}

impl CallKind {
    /// All of them.
    pub const ALL: [CallKind; 19] = [
        CallKind::Print,
        CallKind::Our,
        CallKind::GetOnExit,
        CallKind::SetOnExit,
        CallKind::GetState,
        CallKind::SetState,
        CallKind::ClearState,
        CallKind::Spawn,
        CallKind::SaveCapabilities,
        CallKind::DropCapabilities,
        CallKind::OurCapabilities,
        CallKind::Receive,
        CallKind::HasBlob,
        CallKind::GetBlob,
        CallKind::LastBlob,
        CallKind::SendRequest,
        CallKind::SendRequests,
        CallKind::SendResponse,
        CallKind::SendAndAwaitResponse,
    ];

    /// The name in the process world.
    pub fn name(self) -> &'static str {
        match self {
            CallKind::Print => "print-to-terminal",
            CallKind::Our => "our",
            CallKind::GetOnExit => "get-on-exit",
            CallKind::SetOnExit => "set-on-exit",
            CallKind::GetState => "get-state",
            CallKind::SetState => "set-state",
            CallKind::ClearState => "clear-state",
            CallKind::Spawn => "spawn",
            CallKind::SaveCapabilities => "save-capabilities",
            CallKind::DropCapabilities => "drop-capabilities",
            CallKind::OurCapabilities => "our-capabilities",
            CallKind::Receive => "receive",
            CallKind::HasBlob => "has-blob",
            CallKind::GetBlob => "get-blob",
            CallKind::LastBlob => "last-blob",
            CallKind::SendRequest => "send-request",
            CallKind::SendRequests => "send-requests",
            CallKind::SendResponse => "send-response",
            CallKind::SendAndAwaitResponse => "send-and-await-response",
        }
    }

    /// Whether the guest waits for an [`Answer`]. A call without one may be made ahead of its taking effect: nobody
    /// can tell.
    pub fn has_answer(self) -> bool {
        match self {
            CallKind::Print
            | CallKind::SaveCapabilities
            | CallKind::DropCapabilities
            | CallKind::SendRequest
            | CallKind::SendRequests
            | CallKind::SendResponse => false,
            CallKind::Our
            | CallKind::GetOnExit
            | CallKind::SetOnExit
            | CallKind::GetState
            | CallKind::SetState
            | CallKind::ClearState
            | CallKind::Spawn
            | CallKind::OurCapabilities
            | CallKind::Receive
            | CallKind::HasBlob
            | CallKind::GetBlob
            | CallKind::LastBlob
            | CallKind::SendAndAwaitResponse => true,
        }
    }
}

impl Call {
    /// Which call it is.
    pub fn kind(&self) -> CallKind {
        match self {
            Call::Print { .. } => CallKind::Print,
            Call::Our => CallKind::Our,
            Call::GetOnExit => CallKind::GetOnExit,
            Call::SetOnExit(_) => CallKind::SetOnExit,
            Call::GetState => CallKind::GetState,
            Call::SetState(_) => CallKind::SetState,
            Call::ClearState => CallKind::ClearState,
            Call::Spawn(_) => CallKind::Spawn,
            Call::SaveCapabilities(_) => CallKind::SaveCapabilities,
            Call::DropCapabilities(_) => CallKind::DropCapabilities,
            Call::OurCapabilities => CallKind::OurCapabilities,
            Call::Receive => CallKind::Receive,
            Call::HasBlob => CallKind::HasBlob,
            Call::GetBlob => CallKind::GetBlob,
            Call::LastBlob => CallKind::LastBlob,
            Call::SendRequest(_) => CallKind::SendRequest,
            Call::SendRequests(_) => CallKind::SendRequests,
            Call::SendResponse(_) => CallKind::SendResponse,
            Call::SendAndAwaitResponse(_) => CallKind::SendAndAwaitResponse,
        }
    }
}
