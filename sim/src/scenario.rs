//! A scenario: what is played. Plain data, but for the programs in it.
//!
//! Nodes, packages on their drives, a setup that nothing disturbs, a script of what the owner does during the storm,
//! and what is expected of a calm run. What must react is a guest.

use crate::event::Kind;
use crate::guest::native;
use crate::invariant::Invariant;
use crate::modules::Module;
use crate::modules::setup::Journal;
use crate::outside::chain::{ChainPlan, LogSpec};
use crate::outside::visit::{Frame, FrameKind, HttpRequest, Visit};
use crate::outside::web::Page;
use crate::package::Package;
use crate::site::Down;
use kernel_core::{Duration, Names, ProcessId, ProcessRef, Semantics};
use std::fmt;
use std::sync::Arc;

/// What is played.
#[derive(Clone)]
pub struct Scenario {
    /// How people call it: `kill-in-a-crash-loop`.
    pub name: String,
    /// What it is about, in a sentence or two.
    pub about: String,
    /// The nodes, by name.
    pub nodes: Vec<String>,
    /// The programs that it uses, by name.
    pub programs: Vec<Program>,
    /// Packages, each on the drive of a node (by name) when the world begins.
    pub packages: Vec<(String, Package)>,
    /// How many bytes a node's disk holds, by node; as many as anybody wants, if it is not here.
    pub disks: Vec<(String, u64)>,
    /// Which nodes are backed up, and how long apart; first when the storm begins.
    pub backups: Vec<(String, Duration)>,
    /// What `http-client` finds on the web: of several pages that fit a request the first.
    pub web: Vec<Page>,
    /// The chain that `eth` tells of; without one no node has a provider.
    pub chain: Option<ChainPlan>,
    /// What the owners do first, undisturbed, one thing after the other.
    pub setup: Vec<Action>,
    /// What the owners do during the storm.
    pub script: Vec<Line>,
    /// How long faults may happen, from the end of the setup.
    pub storm: Duration,
    /// How long the world then has to settle.
    pub settle: Duration,
    /// The kernel's rules, unless a run asks for others.
    pub semantics: Semantics,
    /// How SQLite makes its transactions atomic.
    pub journal: Journal,
    /// Runtime modules of the scenario's own, by process id: besides those of the public runtime, or instead of them.
    pub modules: Vec<(String, Arc<NewModule>)>,
    /// What a calm run must show.
    pub expect: Vec<Expect>,
    /// What must hold in this scenario besides the contract.
    pub invariants: Vec<Arc<NewInvariant>>,
}

/// Makes an invariant for one run.
pub type NewInvariant = dyn Fn() -> Box<dyn Invariant> + Send + Sync;

/// Makes a module for one boot of one node.
pub type NewModule = dyn Fn() -> Box<dyn Module> + Send + Sync;

/// A program in its two forms. A run uses one of them throughout.
#[derive(Clone)]
pub struct Program {
    /// How scenarios and packages call it.
    pub name: String,
    /// In native Rust.
    pub native: Option<native::Program>,
    /// In Wasm: a component, a core module or text.
    pub wasm: Option<Arc<[u8]>>,
}

/// Which form of the programs a run uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flavor {
    /// Native Rust where there is one, else Wasm.
    #[default]
    Native,
    /// Wasm where there is one, else native Rust.
    Wasm,
}

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
    /// Lets a process message the owner's terminal: it can answer then.
    MayAnswer(On),
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

/// What a calm run must show.
#[derive(Clone, Debug, PartialEq)]
pub enum Expect {
    /// A process prints exactly this, so often.
    Prints(On, String, u32),
    /// A process is alive at the end.
    Alive(On),
    /// A process is not in the table at the end.
    Gone(On),
    /// A process has had so many lives by the end.
    Lives(On, u32),
    /// The owner got this answer (its body) from the process, at least once.
    Answers(On, String),
    /// At a node, an HTTP request of this method and path got this status and body, so often.
    Serves(String, String, u16, String, u32),
    /// At a node, a visitor's WebSocket of this name got this frame of text, so often.
    Pushes(String, String, String, u32),
}

impl Scenario {
    /// A scenario of one node, `alice.os`, in which nothing happens yet.
    pub fn new(name: &str, about: &str) -> Scenario {
        Scenario {
            name: name.to_string(),
            about: about.to_string(),
            nodes: vec!["alice.os".to_string()],
            programs: Vec::new(),
            packages: Vec::new(),
            disks: Vec::new(),
            backups: Vec::new(),
            web: Vec::new(),
            chain: None,
            setup: Vec::new(),
            script: Vec::new(),
            storm: Duration::from_secs(20),
            settle: Duration::from_secs(40),
            semantics: Semantics::book(),
            journal: Journal::default(),
            modules: Vec::new(),
            expect: Vec::new(),
            invariants: Vec::new(),
        }
    }

    /// One node more.
    pub fn node(mut self, name: &str) -> Scenario {
        self.nodes.push(name.to_string());
        self
    }

    /// These programs are known.
    pub fn programs(mut self, programs: impl IntoIterator<Item = Program>) -> Scenario {
        self.programs.extend(programs);
        self
    }

    /// A package lies on the drive of a node.
    pub fn package(mut self, node: &str, package: Package) -> Scenario {
        self.packages.push((node.to_string(), package));
        self
    }

    /// The disk of a node holds so many bytes; its table and its packages count.
    pub fn disk_of(mut self, node: &str, bytes: u64) -> Scenario {
        self.disks.push((node.to_string(), bytes));
        self
    }

    /// The owner of a node has its disk backed up, first when the storm begins and then so long apart (P5).
    pub fn backed_up_every(mut self, node: &str, apart: Duration) -> Scenario {
        self.backups.push((node.to_string(), apart));
        self
    }

    /// This is on the web.
    pub fn on_the_web(mut self, page: Page) -> Scenario {
        self.web.push(page);
        self
    }

    /// There is a chain.
    pub fn chain(mut self, chain: ChainPlan) -> Scenario {
        self.chain = Some(chain);
        self
    }

    /// Undisturbed, before the storm.
    pub fn setup(mut self, action: Action) -> Scenario {
        self.setup.push(action);
        self
    }

    /// So long into the storm.
    pub fn at(mut self, after: Duration, action: Action) -> Scenario {
        self.script.push(Line { when: When::At(after), action });
        self
    }

    /// So often during the storm, so long apart; first after one such time.
    pub fn every(mut self, apart: Duration, times: u32, action: Action) -> Scenario {
        for nth in 1..=u64::from(times) {
            self = self.at(Duration(apart.0 * nth), action.clone());
        }
        self
    }

    /// When something happens to a process for the n-th time.
    pub fn when(mut self, kind: Kind, process: &str, nth: u32, action: Action) -> Scenario {
        self.script.push(Line { when: When::Event(kind, process.to_string(), nth), action });
        self
    }

    /// A calm run must show this.
    pub fn expect(mut self, expect: Expect) -> Scenario {
        self.expect.push(expect);
        self
    }

    /// How long the storm takes, and how long the world has to settle after it.
    pub fn lasting(mut self, storm: Duration, settle: Duration) -> Scenario {
        self.storm = storm;
        self.settle = settle;
        self
    }

    /// Other rules than the book's: a back-off, say.
    pub fn under(mut self, semantics: Semantics) -> Scenario {
        self.semantics = semantics;
        self
    }

    /// SQLite keeps this journal.
    pub fn journal(mut self, journal: Journal) -> Scenario {
        self.journal = journal;
        self
    }

    /// Each node has this module, made anew at each boot: one more, or this one instead of the public runtime's of that
    /// id. Processes need the capability to message it, as with any module, and the terminal has it.
    pub fn module(mut self, id: &str, new: impl Fn() -> Box<dyn Module> + Send + Sync + 'static) -> Scenario {
        self.modules.push((id.to_string(), Arc::new(new)));
        self
    }

    /// A table of names that knows the scenario's modules.
    pub(crate) fn names(&self) -> Result<Names, ScenarioError> {
        let ids: Vec<&str> = self.modules.iter().map(|(id, _)| id.as_str()).collect();
        for (place, id) in ids.iter().enumerate() {
            let wrong = |what: &str| Err(ScenarioError(format!("the module `{id}` {what}")));
            if !ProcessId::split(id).is_some_and(|parts| parts.is_legal()) {
                return wrong("has no legal id: it is to be `process:package:publisher` of a-z 0-9 - (and .)");
            }
            if ids[..place].contains(id) {
                return wrong("is there twice");
            }
            if [ProcessRef::KERNEL, ProcessRef::STATE, ProcessRef::TERMINAL].contains(&Names::new().process(id)) {
                return wrong("is part of the kernel or the world, and cannot be replaced");
            }
        }
        let most = ProcessRef::OWN_MODULES_MAX;
        Names::with_modules(&ids).ok_or_else(|| ScenarioError(format!("more than {most} modules of its own")))
    }

    /// This must hold, too.
    pub fn holding(mut self, invariant: impl Fn() -> Box<dyn Invariant> + Send + Sync + 'static) -> Scenario {
        self.invariants.push(Arc::new(invariant));
        self
    }

    /// The bytes of a program in a flavor: what a package's file holds.
    pub fn program_bytes(&self, name: &str, flavor: Flavor) -> Result<Vec<u8>, ScenarioError> {
        let program = self.programs.iter().find(|program| program.name == name);
        let program =
            program.ok_or_else(|| ScenarioError(format!("the program `{name}` is not among its programs")))?;
        let native = program.native.as_ref().map(|native| format!("native:{}", native.name()).into_bytes());
        let wasm = program.wasm.as_ref().map(|wasm| wasm.to_vec());
        let bytes = match flavor {
            Flavor::Native => native.or(wasm),
            Flavor::Wasm => wasm.or(native),
        };
        bytes.ok_or_else(|| ScenarioError(format!("the program `{name}` is neither native nor Wasm")))
    }
}

/// What is wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScenarioError(pub String);

// ---- a small vocabulary -------------------------------------------------------------------------------------------

/// A process on a node.
pub fn on(node: &str, process: &str) -> On {
    On { node: node.to_string(), process: process.to_string() }
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

/// So many seconds.
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// So many milliseconds.
pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Starts a process.
pub fn start(start: Start) -> Action {
    Action::Start(start)
}

/// Initializes a process, but does not run it.
pub fn initialize(start: Start) -> Action {
    Action::Initialize(start)
}

/// Runs a process that was initialized.
pub fn run(on: impl Into<On>) -> Action {
    Action::Run(on.into())
}

/// Kills a process.
pub fn kill(on: impl Into<On>) -> Action {
    Action::Kill(on.into())
}

/// Tells a process something.
pub fn tell(on: impl Into<On>, body: &str) -> Action {
    Action::Tell(on.into(), body.to_string())
}

/// Asks a process something, for five seconds.
pub fn ask(on: impl Into<On>, body: &str) -> Action {
    Action::Ask(on.into(), 5, body.to_string())
}

/// Installs a package from its drive.
pub fn install(node: &str, package: &str) -> Action {
    Action::Install(node.to_string(), package.to_string())
}

/// Kills every process of a package and removes its drive.
pub fn uninstall(node: &str, package: &str) -> Action {
    Action::Uninstall(node.to_string(), package.to_string())
}

/// Takes a node down; it boots again after two seconds.
pub fn down(node: &str, how: Down) -> Action {
    Action::Down(node.to_string(), how, Duration::from_secs(2))
}

/// Swaps the disk of a node for one with its latest backup on it.
pub fn restore(node: &str) -> Action {
    Action::Restore(node.to_string())
}

/// Cuts the way from one node to another for a time.
pub fn cut(from: &str, to: &str, span: Duration) -> Action {
    Action::Cut(from.to_string(), to.to_string(), span)
}

/// Somebody with a browser sends an HTTP request to a node.
pub fn browse(node: &str, request: HttpRequest) -> Action {
    Action::Visit(node.to_string(), Visit::Http(request))
}

/// Somebody with a browser opens a WebSocket, which has this name from then on.
pub fn open_socket(node: &str, socket: &str, path: &str) -> Action {
    Action::Visit(node.to_string(), Visit::Open(socket.to_string(), HttpRequest::new("GET", path, "")))
}

/// Somebody with a browser sends text over their WebSocket.
pub fn push_text(node: &str, socket: &str, text: &str) -> Action {
    let frame = Frame { kind: FrameKind::Text, bytes: text.into() };
    Action::Visit(node.to_string(), Visit::Frame(socket.to_string(), frame))
}

/// Somebody with a browser closes their WebSocket.
pub fn close_socket(node: &str, socket: &str) -> Action {
    let frame = Frame { kind: FrameKind::Close, bytes: vec![] };
    Action::Visit(node.to_string(), Visit::Frame(socket.to_string(), frame))
}

/// A contract emits a log.
pub fn emit(log: LogSpec) -> Action {
    Action::Emit(log)
}

/// An HTTP request of this method and path got this status and body, so often.
pub fn serves(node: &str, request: (&str, &str), status: u16, body: &str, times: u32) -> Expect {
    let (method, path) = request;
    Expect::Serves(node.to_string(), format!("{method} {path}"), status, body.to_string(), times)
}

/// A visitor's WebSocket of this name got this text, so often.
pub fn pushes(node: &str, socket: &str, text: &str, times: u32) -> Expect {
    Expect::Pushes(node.to_string(), socket.to_string(), text.to_string(), times)
}

/// A process prints exactly this, so often.
pub fn prints(on: impl Into<On>, text: &str, times: u32) -> Expect {
    Expect::Prints(on.into(), text.to_string(), times)
}

/// A process is alive at the end.
pub fn alive(on: impl Into<On>) -> Expect {
    Expect::Alive(on.into())
}

/// A process is not in the table at the end.
pub fn gone(on: impl Into<On>) -> Expect {
    Expect::Gone(on.into())
}

/// A process has had so many lives by the end.
pub fn lives(on: impl Into<On>, n: u32) -> Expect {
    Expect::Lives(on.into(), n)
}

/// The owner got this answer from a process, at least once.
pub fn answers(on: impl Into<On>, body: &str) -> Expect {
    Expect::Answers(on.into(), body.to_string())
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
            Action::MayAnswer(on) => write!(f, "let {on} answer"),
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
