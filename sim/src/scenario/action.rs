//! What owners do, when, and to whom: the lines of a setup and of a script. Plain data.

use crate::outside::chain::LogSpec;
use crate::outside::visit::Visit;
use crate::plan::Down;
use crate::trace::event::Kind;
use kernel_core::Duration;
use std::fmt;

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
    Send(On, Letter),
    /// Sends any command to the kernel: its JSON.
    Command(String, String),
    /// Installs a package from its drive: node, `package:publisher`.
    Install(String, String),
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

/// A request in full, in bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Letter {
    /// The body.
    pub body: Vec<u8>,
    /// A blob: its MIME type, if it has one, and its bytes.
    pub blob: Option<(Option<String>, Vec<u8>)>,
    /// How many seconds it waits for its answer; `None`: it expects none.
    pub expects: Option<u64>,
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
            OnExit::None => f.write_str("None"),
            OnExit::Restart => f.write_str("Restart"),
            OnExit::Requests(list) => {
                let each = list.iter().map(|(target, body)| format!("{target}: {body:?}"));
                write!(f, "Requests [{}]", each.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} running {}, on-exit {}", self.on, self.program, self.on_exit)?;
        for process in &self.may_message {
            write!(f, ", may message {process}")?;
        }
        for (issuer, params) in &self.holds {
            write!(f, ", holds {params} of {issuer}")?;
        }
        f.write_str(if self.network { ", networking" } else { "" })?;
        f.write_str(if self.public { ", public" } else { "" })
    }
}

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.body))?;
        if let Some((_, bytes)) = &self.blob {
            write!(f, " with a blob of {} bytes", bytes.len())?;
        }
        self.expects.map_or(Ok(()), |seconds| write!(f, ", to be answered within {seconds}s"))
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            When::At(after) => write!(f, "after {after}"),
            When::Event(kind, process, 1) => write!(f, "at the first {kind:?} of {process}"),
            When::Event(kind, process, nth) => write!(f, "at {kind:?} number {nth} of {process}"),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Start(start) => write!(f, "start {start}"),
            Action::Initialize(start) => write!(f, "initialize {start}"),
            Action::Run(on) => write!(f, "run {on}"),
            Action::Kill(on) => write!(f, "kill {on}"),
            Action::Tell(on, body) => write!(f, "tell {on}: {body:?}"),
            Action::Ask(on, seconds, body) => write!(f, "ask {on} within {seconds}s: {body:?}"),
            Action::Send(on, letter) => write!(f, "send {on} {letter}"),
            Action::Command(node, json) => write!(f, "command {node}: {json}"),
            Action::Install(node, package) => write!(f, "install {package} on {node}"),
            Action::Uninstall(node, package) => write!(f, "uninstall {package} on {node}"),
            Action::Down(node, how, span) => write!(f, "{} {node}, down for {span}", how.name()),
            Action::Restore(node) => write!(f, "restore {node} from its latest backup"),
            Action::Cut(from, to, span) => write!(f, "cut {from}>{to} for {span}"),
            Action::Visit(node, visit) => write!(f, "visitor of {node}: {visit}"),
            Action::Emit(log) => write!(f, "chain: {log}"),
        }
    }
}
