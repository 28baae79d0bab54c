//! What a process wants done when it exits (the book's `on_exit`).

use crate::address::Address;
use crate::message::{Blob, Request};
use std::rc::Rc;

/// The three behaviours of the exit matrix (rules `X.*`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OnExit {
    /// Not restarted, and nothing happens, no matter what ([E6](crate::Rule::E6)).
    #[default]
    None,
    /// Restarted at once, unless it was killed ([E3](crate::Rule::E3), [E5](crate::Rule::E5)).
    Restart,
    /// Not restarted; these are fired in order, with the source and capabilities of the exiting process ([E4](crate::Rule::E4)).
    Requests(Rc<[OnExitRequest]>),
}

/// One request of [`OnExit::Requests`]. It never expects a response, whatever it says ([E4](crate::Rule::E4)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnExitRequest {
    /// Where it goes; dropped if nobody is there.
    pub target: Address,
    /// What it says.
    pub request: Request,
    /// What it carries.
    pub blob: Option<Blob>,
}

/// [`OnExit`] without the requests themselves: the columns of the exit matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OnExitKind {
    /// `OnExit::None`.
    None,
    /// `OnExit::Restart`.
    Restart,
    /// `OnExit::Requests`.
    Requests,
}

impl OnExit {
    /// Which column of the exit matrix this is.
    pub fn kind(&self) -> OnExitKind {
        match self {
            OnExit::None => OnExitKind::None,
            OnExit::Restart => OnExitKind::Restart,
            OnExit::Requests(_) => OnExitKind::Requests,
        }
    }
}
