//! A scenario: what is played. Plain data, but for the programs in it.
//!
//! Nodes, packages on their drives, a setup that nothing disturbs, a script of what the owner does during the storm,
//! and what is expected of a calm run. What must react is a guest.

use crate::guest::native;
use crate::invariant::Invariant;
use crate::modules::setup::Journal;
use crate::modules::{Module, Stub};
use crate::outside::chain::ChainPlan;
use crate::outside::web::{Page, SocketServer};
use crate::package::{Installer, Package};
use crate::plan::chooser::Seed;
use crate::trace::event::Kind;
use kernel_core::{Duration, Names, ProcessId, ProcessRef, Semantics};
use std::borrow::Cow;
use std::sync::Arc;

mod action;
mod read;
mod text;
mod whole;
mod words;

pub use action::{Action, Line, On, OnExit, Request, Start, When};
pub use read::ReadError;
pub use words::*;

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
    /// Next versions of packages, for [`Action::Upgrade`].
    pub upgrades: Vec<Package>,
    /// How packages are installed.
    pub installer: Installer,
    /// How many bytes a node's disk holds, by node; as many as anybody wants, if it is not here.
    pub disks: Vec<(String, u64)>,
    /// Which nodes are backed up, and how long apart; first when the storm begins.
    pub backups: Vec<(String, Duration)>,
    /// What `http-client` finds on the web: of several pages that fit a request the first.
    pub web: Vec<Page>,
    /// The WebSocket servers that `http-client` finds there: of several at one URL the first.
    pub socket_servers: Vec<SocketServer>,
    /// The chain that `eth` tells of; without one no node has a provider.
    pub chain: Option<ChainPlan>,
    /// What the owners do first, undisturbed, one thing after the other.
    pub setup: Vec<Action>,
    /// What the owners do during the storm.
    pub script: Vec<Line>,
    /// Whether what an owner has missed while its node was down is done one thing after the other, and not all at once.
    pub spreads_overdue: bool,
    /// How long faults may happen, from the end of the setup.
    pub storm: Duration,
    /// How long the world then has to settle.
    pub settle: Duration,
    /// The kernel's rules, unless a run asks for others.
    pub semantics: Semantics,
    /// How SQLite makes its transactions atomic.
    pub journal: Journal,
    /// The fuel of a spin quantum, if it is another than the run's ([`Limits::spin_fuel`](crate::guest::wasm::Limits)).
    pub spin_fuel: Option<u64>,
    /// Runtime modules of the scenario's own, by process id: besides those of the public runtime, or instead of them.
    pub modules: Vec<(String, Arc<NewModule>)>,
    /// What a calm run must show.
    pub expect: Vec<Expect>,
    /// What must hold in this scenario besides the contract.
    pub invariants: Vec<Arc<NewInvariant>>,
    /// Where each seed has a scenario of its own: what makes it. This one is then but their name.
    pub generate: Option<Arc<NewWorld>>,
}

/// Makes the scenario of a seed.
pub type NewWorld = dyn Fn(Seed) -> Scenario + Send + Sync;

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
    Native,
    /// Wasm where there is one, else native Rust.
    #[default]
    Wasm,
}

/// What a calm run must show.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
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
    /// A WebSocket server on the web, at this URL, got this frame of text from a node, so often.
    Hears(String, String, String, u32),
}

impl Program {
    /// A native program: a name, and its `async fn(Os)`.
    pub fn native<F, L>(name: &'static str, init: F) -> Program
    where
        F: Fn(native::Os) -> L + Send + Sync + 'static,
        L: Future<Output = ()> + 'static,
    {
        Program { name: name.to_string(), native: Some(native::Program::new(name, init)), wasm: None }
    }

    /// A Wasm program: a name, and a component, a core module or its text.
    pub fn wasm(name: &str, wasm: impl Into<Arc<[u8]>>) -> Program {
        Program { name: name.to_string(), native: None, wasm: Some(wasm.into()) }
    }
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
            upgrades: Vec::new(),
            installer: Installer::default(),
            disks: Vec::new(),
            backups: Vec::new(),
            web: Vec::new(),
            socket_servers: Vec::new(),
            chain: None,
            setup: Vec::new(),
            script: Vec::new(),
            spreads_overdue: false,
            storm: Duration::from_secs(20),
            settle: Duration::from_secs(40),
            semantics: Semantics::book(),
            journal: Journal::default(),
            spin_fuel: None,
            modules: Vec::new(),
            expect: Vec::new(),
            invariants: Vec::new(),
            generate: None,
        }
    }

    /// Worlds that are generated, one by each seed, under one name and from these programs.
    pub fn generated(name: &str, programs: &[Program]) -> Scenario {
        let mut family =
            Scenario::new(name, "Worlds that nobody wrote: each seed draws nodes, processes and a script.");
        family.programs = programs.to_vec();
        let (name, programs) = (name.to_string(), programs.to_vec());
        let world = move |seed| Scenario { name: name.clone(), ..crate::generate::world(seed, &programs) };
        family.generate = Some(Arc::new(world));
        family
    }

    /// What is played under a seed: this scenario, unless each seed has one of its own.
    pub fn of(&self, seed: Seed) -> Cow<'_, Scenario> {
        match &self.generate {
            Some(generate) => Cow::Owned(generate(seed)),
            None => Cow::Borrowed(self),
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

    /// This WebSocket server is on the web.
    pub fn listening_on_the_web(mut self, server: SocketServer) -> Scenario {
        self.socket_servers.push(server);
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

    /// A guest that burns so much fuel without a call has computed for a quantum. Where guests spin for ever on purpose, less
    /// than usual tells as much: nobody can observe what they do meanwhile, and all of it is really done.
    pub fn spinning_at(mut self, fuel: u64) -> Scenario {
        self.spin_fuel = Some(fuel);
        self
    }

    /// Each node has this module, made anew at each boot: one more, or this one instead of the public runtime's of that
    /// id. Processes need the capability to message it, as with any module, and the terminal has it.
    pub fn module(mut self, id: &str, new: impl Fn() -> Box<dyn Module> + Send + Sync + 'static) -> Scenario {
        self.modules.push((id.to_string(), Arc::new(new)));
        self
    }

    /// On each node this stands in for a process of userspace that has no code here. Its id is one of the few of
    /// [`Scenario::module`].
    pub fn stubbed(self, id: &str, stub: Stub) -> Scenario {
        self.module(id, move || Box::new(stub.clone()))
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
    pub fn program_bytes(&self, name: &str, flavor: Flavor) -> Result<Arc<[u8]>, ScenarioError> {
        let program = self.programs.iter().find(|program| program.name == name);
        let program =
            program.ok_or_else(|| ScenarioError(format!("the program `{name}` is not among its programs")))?;
        let native = || Some(format!("native:{}", program.native.as_ref()?.name()).into_bytes().into());
        let wasm = || program.wasm.clone();
        let bytes = match flavor {
            Flavor::Native => native().or_else(wasm),
            Flavor::Wasm => wasm().or_else(native),
        };
        bytes.ok_or_else(|| ScenarioError(format!("the program `{name}` is neither native nor Wasm")))
    }
}

/// What is wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScenarioError(pub String);
