//! What owners do, when, and to whom: the lines of a setup and of a script. Plain data, and its text.
//!
//! A line prints as [`read`](super::read) reads it back.

use super::text::{rest, word};
use crate::outside::chain::LogSpec;
use crate::outside::visit::Visit;
use crate::plan::Down;
use crate::trace::event::Kind;
use kernel_core::Duration;
use std::fmt;
use std::sync::Arc;

/// A line of the script.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// When.
    pub when: When,
    /// What.
    pub action: Action,
}

/// When a line of the script is carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// So long after the end of the setup.
    At(Duration),
    /// At once when an event of this kind about this process (`process:package:publisher`) happens for the n-th time.
    Event(Kind, String, u32),
}

/// What an owner does. Nodes and processes by name.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Initializes a process, grants what it is to hold, and runs it.
    Start(Start),
    /// Initializes a process, but does not run it.
    Initialize(Start),
    /// Runs a process that was initialized.
    Run(On),
    /// Kills a process.
    Kill(On),
    /// Sends a request that expects nothing.
    Tell(On, String),
    /// Sends a request and waits so many seconds for the answer.
    Ask(On, u64, String),
    /// Sends a request in full, and waits for its answer if it expects one.
    Send(On, Request),
    /// Sends any command to the kernel: its JSON.
    Command(String, String),
    /// Has the kernel grant a process a capability: issuer and parameters, as in [`Start::holds`].
    Grant(On, String, String),
    /// Has the kernel drop a capability of a process.
    Withdraw(On, String, String),
    /// Has the kernel set the on-exit behaviour of a process.
    SetOnExit(On, OnExit),
    /// Installs a package from its drive: node, `package:publisher`.
    Install(String, String),
    /// Installs the next version of a package over the one that is there: node, `package:publisher`.
    Upgrade(String, String),
    /// Kills every process of a package and removes its drive.
    Uninstall(String, String),
    /// Takes a node down; it boots again after this time.
    Down(String, Down, Duration),
    /// Shuts a node down and swaps its disk for one with its latest backup on it, if there is one; it boots again.
    Restore(String),
    /// Cuts the way from one node to another for a time.
    Cut(String, String, Duration),
    /// Somebody with a browser does something at a node.
    Visit(String, Visit),
    /// A contract emits a log: it is in the next block of the chain.
    Emit(LogSpec),
}

/// A request of an owner's in full, in bytes that all who send it again share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The body.
    pub body: Arc<[u8]>,
    /// A blob: its MIME type, if it has one, and its bytes.
    pub blob: Option<(Option<String>, Arc<[u8]>)>,
    /// The blob is the code of this program of the scenario, if there is no other.
    pub code: Option<String>,
    /// How many seconds it waits for its answer; `None`: it expects none.
    pub expects: Option<u64>,
    /// The node whose owner sends it; `None`: the receiver's.
    pub from: Option<String>,
}

/// A process on a node, both by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct On {
    /// The node.
    pub node: String,
    /// `process:package:publisher`.
    pub process: String,
}

/// How a process is started by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// Which, where.
    pub on: On,
    /// Its program.
    pub program: String,
    /// Its on-exit behaviour.
    pub on_exit: OnExit,
    /// Whether anybody on the node may message it.
    pub public: bool,
    /// Whom it may message: process ids, of the same node.
    pub may_message: Vec<String>,
    /// Whether it may speak with other nodes.
    pub network: bool,
    /// Other capabilities: issuer (a process id of the same node) and parameters (JSON).
    pub holds: Vec<(String, String)>,
}

/// An on-exit behaviour in names.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum OnExit {
    /// `OnExit::None`.
    #[default]
    None,
    /// `OnExit::Restart`.
    Restart,
    /// `OnExit::Requests`: target addresses (the node `our` is its own) and bodies.
    Requests(Vec<(String, String)>),
}

impl From<&On> for On {
    fn from(on: &On) -> On {
        on.clone()
    }
}

impl On {
    /// It is started with this program; on-exit `None`, not public, holding nothing.
    pub fn runs(&self, program: &str) -> Start {
        Start {
            on: self.clone(),
            program: program.to_string(),
            on_exit: OnExit::None,
            public: false,
            may_message: Vec::new(),
            network: false,
            holds: Vec::new(),
        }
    }
}

impl Start {
    /// With `OnExit::Restart`.
    pub fn restarting(mut self) -> Start {
        self.on_exit = OnExit::Restart;
        self
    }

    /// With `OnExit::Requests`: one more of them.
    pub fn on_exit_telling(mut self, target: &str, body: &str) -> Start {
        let request = (target.to_string(), body.to_string());
        match &mut self.on_exit {
            OnExit::Requests(list) => list.push(request),
            OnExit::None | OnExit::Restart => self.on_exit = OnExit::Requests(vec![request]),
        }
        self
    }

    /// May message this process of its node.
    pub fn messaging(mut self, process: &str) -> Start {
        self.may_message.push(process.to_string());
        self
    }

    /// May speak with other nodes.
    pub fn networking(mut self) -> Start {
        self.network = true;
        self
    }

    /// Anybody on its node may message it.
    pub fn public(mut self) -> Start {
        self.public = true;
        self
    }

    /// Holds this capability.
    pub fn capable(mut self, issuer: &str, params: &str) -> Start {
        self.holds.push((issuer.to_string(), params.to_string()));
        self
    }
}

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.node, self.process)
    }
}

impl fmt::Display for OnExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OnExit::None => f.write_str("none"),
            OnExit::Restart => f.write_str("restart"),
            OnExit::Requests(list) => {
                f.write_str("requests")?;
                list.iter().try_for_each(|(target, body)| write!(f, " {target} {}", word(body.as_bytes())))
            }
        }
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.on, self.program)?;
        f.write_str(if self.public { " public" } else { "" })?;
        f.write_str(if self.network { " network" } else { "" })?;
        self.may_message.iter().try_for_each(|process| write!(f, " messages {process}"))?;
        for (issuer, params) in &self.holds {
            write!(f, " holds {issuer} {}", word(params.as_bytes()))?;
        }
        if self.on_exit == OnExit::None { Ok(()) } else { write!(f, " on-exit {}", self.on_exit) }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(node) = &self.from {
            write!(f, "from {node} ")?;
        }
        if let Some(seconds) = self.expects {
            write!(f, "expects {seconds} ")?;
        }
        match &self.blob {
            Some((Some(mime), bytes)) => write!(f, "mime {} blob {} ", word(mime.as_bytes()), word(bytes))?,
            Some((None, bytes)) => write!(f, "blob {} ", word(bytes))?,
            None => {}
        }
        if let Some(program) = &self.code {
            write!(f, "code {program} ")?;
        }
        write!(f, "body {}", rest(&self.body))
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            When::At(after) => write!(f, "at {after}"),
            When::Event(kind, process, nth) => write!(f, "when {kind:?} {process} #{nth}"),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.when, self.action)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Start(start) => write!(f, "start {start}"),
            Action::Initialize(start) => write!(f, "initialize {start}"),
            Action::Run(on) => write!(f, "run {on}"),
            Action::Kill(on) => write!(f, "kill {on}"),
            Action::Tell(on, body) => write!(f, "tell {on} {}", rest(body.as_bytes())),
            Action::Ask(on, seconds, body) => write!(f, "ask {on} {seconds} {}", rest(body.as_bytes())),
            Action::Send(on, request) => write!(f, "send {on} {request}"),
            Action::Command(node, json) => write!(f, "command {node} {}", rest(json.as_bytes())),
            Action::Grant(on, issuer, params) => write!(f, "grant {on} {issuer} {}", word(params.as_bytes())),
            Action::Withdraw(on, issuer, params) => write!(f, "withdraw {on} {issuer} {}", word(params.as_bytes())),
            Action::SetOnExit(on, value) => write!(f, "set-on-exit {on} {value}"),
            Action::Install(node, package) => write!(f, "install {node} {package}"),
            Action::Upgrade(node, package) => write!(f, "upgrade {node} {package}"),
            Action::Uninstall(node, package) => write!(f, "uninstall {node} {package}"),
            Action::Down(node, how, span) => write!(f, "down {node} {} {span}", how.name()),
            Action::Restore(node) => write!(f, "restore {node}"),
            Action::Cut(from, to, span) => write!(f, "cut {from} {to} {span}"),
            Action::Visit(node, visit) => write!(f, "visit {node} {visit}"),
            Action::Emit(log) => write!(f, "emit {log}"),
        }
    }
}
