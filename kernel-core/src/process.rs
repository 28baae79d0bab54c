//! One process of a node, as its kernel knows it: guest or runtime module.
//!
//! ```text
//!              InitializeProcess         RunProcess
//!   (nothing) ──────────────► Initializing ─► Initialized ─► Running ──exit──► Ending ─► (nothing)
//!                              row not yet                    ▲    │           row not yet
//!                              durable                        │    │Restart     removed
//!                                                 BackingOff ◄┴────┘
//! ```

use crate::bytes::Bytes;
use crate::capability::{Capabilities, Capability};
use crate::effect::LifeId;
use crate::input::ImageId;
use crate::message::{Blob, Message, MessageId};
use crate::on_exit::{OnExit, OnExitRequest};
use crate::semantics::RestartHistory;
use crate::send_error::SendError;
use crate::time::Instant;
use indexmap::IndexMap;
use std::collections::VecDeque;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::rc::Rc;

/// What a process is from its initialization to its end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Process {
    /// Its code; `None` for a runtime module.
    pub image: Option<ImageId>,
    /// The on-exit behaviour in force ([E8](crate::Rule::E8)).
    pub on_exit: OnExit,
    /// One that is being written; in force once it is durable.
    pub on_exit_next: Option<OnExit>,
    /// Whether anybody on the node may message it ([C1](crate::Rule::C1)).
    pub public: bool,
    /// What it holds.
    pub capabilities: Capabilities,
    /// Where in its history it is.
    pub status: Status,
    /// How often it has restarted, for the back-off.
    pub history: RestartHistory,
    /// All that dies with the present life ([E10](crate::Rule::E10)).
    pub life: Life,
}

/// Where in its history a process is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Status {
    /// Its row is not yet durable: nobody knows of it. Those who asked for its death meanwhile get it at once. If the
    /// write of its row was `refused`, it is on its way out, and no other write may bring the row back.
    Initializing { killers: Vec<Rc<Message>>, refused: bool },
    /// In the table, not run: messages wait ([S4](crate::Rule::S4)).
    Initialized,
    /// Alive. A runtime module always is.
    Running(Activity),
    /// Between two lives ([E3](crate::Rule::E3)).
    BackingOff,
    /// Its exit takes effect when its row is gone from the disk ([E2](crate::Rule::E2)).
    Ending(Ending),
}

/// What a running guest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// Its own business.
    Computing,
    /// Waits for any message.
    Receiving,
    /// Waits for the answer to one request; others queue meanwhile ([M3](crate::Rule::M3)).
    Awaiting(MessageId),
    /// Waits for the disk: state, on-exit, or a spawn.
    Blocked,
}

/// An exit that has not taken effect.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ending {
    /// What is fired when it does ([E4](crate::Rule::E4)).
    pub requests: Option<Rc<[OnExitRequest]>>,
    /// Who gets the answer `KilledProcess` when it does ([K2](crate::Rule::K2)).
    pub killers: Vec<Rc<Message>>,
}

/// A table from message ids that is never iterated in the order of a random key.
pub(crate) type ById<T> = IndexMap<MessageId, T, BuildHasherDefault<DefaultHasher>>;

/// What one life has and the next does not ([E10](crate::Rule::E10)): dropped as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Life {
    /// Which run this is.
    pub run: LifeId,
    /// When it started.
    pub started: Instant,
    /// What came and was not received yet.
    pub mailbox: VecDeque<Incoming>,
    /// Requests that expect a response and have not settled ([M1](crate::Rule::M1)).
    pub outstanding: ById<Outstanding>,
    /// The message that responses answer and requests inherit from ([M3](crate::Rule::M3)).
    pub prompting: Option<Rc<Message>>,
    /// The blob of the last message that had one.
    pub last_blob: Option<Blob>,
    /// Whether the last message had one.
    pub blobbed: bool,
    /// Capabilities that came attached to what it received ([C4](crate::Rule::C4)).
    pub received: Capabilities,
}

/// A request that waits for its response.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outstanding {
    /// The request, for the error that gives it back.
    pub message: Rc<Message>,
    /// When it times out.
    pub deadline: Instant,
    /// What its sender wants back with the answer.
    pub context: Option<Bytes>,
    /// What prompted its sender when it was sent: it does again when the answer is received ([M3](crate::Rule::M3)).
    pub prompting: Option<Rc<Message>>,
}

/// Something in a mailbox.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Incoming {
    /// A request of somebody.
    Request(Rc<Message>),
    /// A request of ours has settled ([M1](crate::Rule::M1)).
    Settled(Outcome, Outstanding),
}

/// How a request settled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// It was answered.
    Response(Rc<Message>),
    /// It came back.
    Error(SendError),
}

impl Process {
    /// A process that is not running.
    pub fn new(image: Option<ImageId>, on_exit: OnExit, public: bool, status: Status) -> Process {
        Process {
            image,
            on_exit,
            on_exit_next: None,
            public,
            capabilities: Capabilities::new(),
            status,
            history: RestartHistory::default(),
            life: Life::default(),
        }
    }

    /// Whether messages find it ([E11](crate::Rule::E11)): from initialized on, while there is a life or one to come at `run`.
    pub fn is_there(&self) -> bool {
        match self.status {
            Status::Initialized | Status::Running(_) => true,
            Status::Initializing { .. } | Status::BackingOff | Status::Ending(_) => false,
        }
    }

    /// Whether `issuer` may lose its capabilities here: grants and revocations apply to all but the dying.
    pub fn is_ending(&self) -> bool {
        matches!(self.status, Status::Ending(_))
    }

    /// Bytes of what waits in its mailbox.
    pub fn mailbox_bytes(&self) -> usize {
        let bytes = |incoming: &Incoming| match incoming {
            Incoming::Request(message) | Incoming::Settled(Outcome::Response(message), _) => message.bytes(),
            Incoming::Settled(Outcome::Error(error), _) => error.message.bytes(),
        };
        self.life.mailbox.iter().map(bytes).sum()
    }

    /// Takes back every capability that lapses, in whatever form it is kept ([E12](crate::Rule::E12)).
    pub fn revoke(&mut self, lapses: impl Fn(&Process, &Capability) -> bool) {
        let lapsed: Capabilities = self.all_capabilities().filter(|capability| lapses(self, capability)).collect();
        if lapsed.is_empty() {
            return;
        }
        self.capabilities.retain(|capability| !lapsed.contains(capability));
        self.life.received.retain(|capability| !lapsed.contains(capability));
        for incoming in &mut self.life.mailbox {
            let message = match incoming {
                Incoming::Request(message) | Incoming::Settled(Outcome::Response(message), _) => message,
                Incoming::Settled(Outcome::Error(_), _) => continue,
            };
            if message.capabilities().iter().any(|capability| lapsed.contains(capability)) {
                Rc::make_mut(message).strip_capabilities(|capability| lapsed.contains(capability));
            }
        }
    }

    /// Every capability that it has, held or come with a message.
    fn all_capabilities(&self) -> impl Iterator<Item = Capability> {
        let waiting = self.life.mailbox.iter().flat_map(|incoming| match incoming {
            Incoming::Request(message) | Incoming::Settled(Outcome::Response(message), _) => message.capabilities(),
            Incoming::Settled(Outcome::Error(_), _) => &[],
        });
        self.capabilities.iter().chain(&self.life.received).chain(waiting).copied()
    }
}
