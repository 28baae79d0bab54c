//! Why a request got no answer.

use crate::message::Message;
use std::rc::Rc;

/// Rule [M4](crate::Rule::M4): what the sender may conclude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SendErrorKind {
    /// The remote node definitely cannot be reached.
    Offline,
    /// Anything else that did not answer in time; a local target that is not there, at once ([E11](crate::Rule::E11)).
    Timeout,
}

/// A request that came back: handed to its sender in place of a response (rule [M1](crate::Rule::M1)).
#[derive(Clone, Debug, PartialEq)]
pub struct SendError {
    /// Why.
    pub kind: SendErrorKind,
    /// The request as it was sent, blob included.
    pub message: Rc<Message>,
}

/// Why `spawn` made no process (rule [S6](crate::Rule::S6)); nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpawnError {
    /// A process of that id is in the table.
    NameTaken,
    /// No such file, no right to read it, or code that is not valid.
    NoFileAtPath,
}
