//! A user's own package, as it is: from files to a scenario, and what a run of it shows.
//!
//! Nothing of the package is rebuilt and nothing is known of what it is for. It is installed on a node of its own; what
//! counts against it is a panic that nobody injected. What the simulator does not have is said, and makes the verdict
//! inconclusive.

mod source;

pub use source::{PackageError, read};

use crate::event::{Event, Kind, Life, What};
use crate::invariant::{Invariant, Past, Rule};
use crate::package::Package;
use crate::scenario::{Action, Scenario};
use crate::trace::life_text;
use crate::world::Run;
use kernel_core::{CallKind, Cause, Duration, Exit, Names};
use std::collections::BTreeMap;

/// The node that the package is installed on.
const NODE: &str = "alice.os";
/// The package on a node of its own: installed undisturbed, then twenty seconds of storm.
pub fn scenario(package: Package) -> Scenario {
    let install = Action::Install(NODE.to_string(), package.id.clone());
    let (storm, settle) = (Duration::from_secs(20), Duration::from_secs(10));
    let mut scenario = Scenario::new(&package.id, "a package of your own").setup(install).lasting(storm, settle);
    scenario.packages.push((NODE.to_string(), package));
    scenario.holding(|| Box::new(NoPanic))
}

/// A process panics only if somebody makes it: the chooser, or a disk that refuses.
#[derive(Clone)]
struct NoPanic;

impl Invariant for NoPanic {
    fn rule(&self) -> Rule {
        Rule { id: "panic", says: "no process of the package panics by itself" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Exited]
    }

    fn on_event(&mut self, _index: Cause, event: &Event, _past: &Past, names: &Names) -> Result<(), String> {
        let What::Exited(life, Exit::Panicked, text) = &event.what else { return Ok(()) };
        match &**text == "injected" || text.contains("the disk refused") {
            true => Ok(()),
            false => Err(format!("{} panicked: {}", life_text(*life, names), text.trim())),
        }
    }
}

/// What a process did in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deeds {
    /// Lives.
    pub lives: u32,
    /// Calls of the process world.
    pub calls: u64,
    /// Messages that it received.
    pub received: u64,
    /// Bytes that it saved last; `None`: it saved nothing.
    pub state: Option<usize>,
    /// What it printed first, up to five lines.
    pub prints: Vec<String>,
    /// Whether it was waiting for messages when the run ended.
    pub receives: bool,
    /// The last words of its last panic.
    pub panicked: Option<String>,
}

/// What each process did in a run of which all events were kept, by name.
pub fn deeds(run: &Run) -> BTreeMap<String, Deeds> {
    let mut all: BTreeMap<String, Deeds> = BTreeMap::new();
    let mut of = |life: &Life, change: &dyn Fn(&mut Deeds)| {
        change(all.entry(run.names.process_text(life.process).to_string()).or_default());
    };
    for (_, event) in run.trace.events() {
        match &event.what {
            What::Started(life) => of(life, &|deeds| deeds.lives += 1),
            What::Called(life, call) => of(life, &|deeds| {
                deeds.calls += 1;
                deeds.receives = *call == CallKind::Receive;
            }),
            What::Received(life, _) => of(life, &|deeds| deeds.received += 1),
            What::SavesState(life, bytes) => of(life, &|deeds| deeds.state = bytes.as_ref().map(|bytes| bytes.len())),
            What::Printed(life, _, text) => of(life, &|deeds| {
                if deeds.prints.len() < 5 {
                    deeds.prints.push(text.to_string());
                }
            }),
            What::Exited(life, Exit::Panicked, text) => of(life, &|deeds| {
                deeds.receives = false;
                deeds.panicked = Some(text.trim().to_string());
            }),
            What::Exited(life, Exit::Returned, _) => of(life, &|deeds| deeds.receives = false),
            _ => {}
        }
    }
    all
}

/// What the processes asked for and the simulator does not have, each once: module and the start of the body.
pub fn unmodelled(run: &Run) -> Vec<String> {
    let mut all = Vec::new();
    for (_, event) in run.trace.events() {
        if let What::Unmodelled(module, text) = &event.what {
            let asked = format!("{}: {text}", run.names.process_text(*module));
            if !all.contains(&asked) {
                all.push(asked);
            }
        }
    }
    all
}
