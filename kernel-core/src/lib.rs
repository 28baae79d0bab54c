#![doc = include_str!("../README.md")]
//!
//! # The files
//!
//! Read in this order: `kernel` (the dispatch), `input` and `effect` (all that it hears and says), `start` (rules S, X.down),
//! `exit` (E, X, K), `durable` (P2, E8), `routing` (C1, C3, E11, M), `calls` (C4, K1, P1), `process` (what a process is),
//! `quirks` (what the deviating kernels do instead).
#![forbid(unsafe_code)]

mod kernel;

mod effect;
mod input;

mod start;

mod exit;

mod durable;

mod routing;

mod calls;

mod check;
#[cfg(feature = "mutants")]
pub mod mutants;
mod process;
mod process_table;
mod quirks;
mod rule;
pub mod view;

pub mod command;
mod deviation;
mod semantics;

mod address;
mod bytes;
mod call;
mod capability;
mod message;
mod name;
mod on_exit;
mod send_error;
mod time;

pub use address::Address;
pub use bytes::Bytes;
pub use call::{Answer, Call, CallKind, Outgoing, Received, Spawn};
pub use capability::{Capabilities, Capability};
pub use deviation::{Deviation, Known, Runtimes, Severity};
pub use effect::{Change, DropReason, Effect, LifeId, Record, Source, StateOp, Ticket, WriteId};
pub use input::{Exit, ImageId, Input, LoadError, Refused, Reply, StateDone};
pub use kernel::{Kernel, Moment};
pub use message::{Blob, Cause, Content, Message, MessageId, Request, Response};
pub use name::{Names, NodeId, ParamsRef, ProcessId, ProcessRef};
pub use on_exit::{OnExit, OnExitKind, OnExitRequest};
pub use rule::{How, Origin, Rule};
pub use semantics::{BackOff, Semantics};
pub use send_error::{SendError, SendErrorKind, SpawnError};
pub use time::{Duration, Instant};
