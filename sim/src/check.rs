//! A user's own package, as it is: from files to a scenario, what it is held to, and what its runs show.
//!
//! Nothing of the package is rebuilt and nothing is known of what it is for. It is installed on a node of its own. What
//! counts against it: a panic that nobody injected, a restart loop, the contract's rules, and whatever its author says
//! must hold. What the simulator does not have is said, and leaves the verdict open.

mod findings;
mod judge;
mod notes;
mod recovery;
mod rules;
mod source;
mod visits;
mod workload;

pub use findings::{Failure, Findings, Outcome};
pub use judge::judge;
pub use notes::{Activity, Note, activity, manifest_notes, never_happened, notes};
pub use recovery::{Baseline, Recovered, Repeats};
pub use source::{PackageError, read};
pub use visits::{Visit, Visited, Work, recovered, spread, visit, work};
pub use workload::{Browse, Expectation, Moment, Remembers, Send, Socket, Workload, WorkloadError};

use crate::outside::visit::HttpRequest;
use crate::package::{self, Content, Installer, Package};
use crate::scenario::{Action, On, Scenario, ScenarioError, on};
use kernel_core::{Duration, ProcessId};

/// How long a node's processor takes for a quantum of fuel (20 million): wasmtime's JIT takes some 13 ms for what this
/// engine counts as so much, over hashing, JSON and serde.
pub const QUANTUM_TIME: Duration = Duration::from_millis(13);

/// The node that the package is installed on.
const NODE: &str = "alice.os";
/// How long things go wrong at least, and how long the world has to settle then.
const STORM: Duration = Duration::from_secs(20);
const SETTLE: Duration = Duration::from_secs(10);
/// How long after the storm the requests of the workload are sent once more.
const AGAIN: Duration = Duration::from_secs(5);
/// How many different requests are sent once more.
const AGAIN_MAX: usize = 8;

/// A package on a node of its own, worked: installed undisturbed, then a storm.
pub struct Checked {
    /// What is played.
    pub scenario: Scenario,
    /// The same, and what must hold besides when nothing goes wrong.
    pub calm: Scenario,
    /// What is worth knowing of the workload before anything runs.
    pub notes: Vec<Note>,
}

impl Checked {
    /// The package, sent and held to what an workload says.
    ///
    /// # Errors
    /// The workload names a process that the package does not have.
    pub fn new(package: Package, workload: &Workload) -> Result<Checked, ScenarioError> {
        let ids = process_ids(&package)?;
        for named in workload.processes() {
            if !ids.iter().any(|id| is_called(id, named)) {
                let all = ids.iter().map(|id| format!("`{}`", own_name(id))).collect::<Vec<_>>().join(", ");
                return Err(ScenarioError(format!("no process `{named}` in the manifest; there is {all}")));
            }
        }
        for (named, _) in &workload.stand_ins {
            if ids.contains(named) {
                return Err(ScenarioError(format!("`[[stand_in]]`: the package has {named}; nobody stands in for it")));
            }
        }
        check_nodes(workload)?;
        let id = |named: &str| ids.iter().find(|id| is_called(id, named)).cloned().unwrap_or_default();
        let played = held(played(package, workload, id), workload, id);
        let scenario = played.clone().holding(|| Box::new(rules::IsAnswered::default()));
        let mut calm = played.holding(|| Box::new(rules::IsAnswered::in_the_calm()));
        for expect in &workload.expects {
            if let Some(text) = &expect.prints {
                let (process, text) = (which(expect, id), text.clone());
                calm = calm.holding(move || Box::new(rules::Prints::new(process.clone(), text.clone())));
            }
        }
        for socket in &workload.sockets {
            if let Some(text) = &socket.hears {
                let (name, path, text) = (socket.name.clone(), socket.path.clone(), text.clone());
                calm = calm.holding(move || Box::new(rules::Shows::new(name.clone(), path.clone(), text.clone())));
            }
        }
        let visits = visits(workload);
        if visits.iter().any(|(_, status)| status.is_some()) {
            calm = calm.holding(move || Box::new(rules::Serves::new(visits.clone())));
        }
        let idle = workload.expects.iter().filter(|expect| expect.is_empty());
        let notes = idle.map(|expect| Note::ExpectsNothing(expect.process.clone())).collect();
        Ok(Checked { scenario, calm, notes })
    }
}

/// What is played: the install, what is sent, and the same requests once more when all is over.
fn played(package: Package, workload: &Workload, id: impl Fn(&str) -> String + Copy) -> Scenario {
    let storm = Duration(STORM.0.max(workload.last().0 + AGAIN.0));
    let mut scenario = Scenario::new(&package.id, "a package of your own");
    scenario.nodes.extend(workload.nodes.iter().cloned());
    scenario.installer = Installer { lets_answer: !workload.sends.is_empty(), waits_for_disk: true };
    for node in scenario.nodes.clone() {
        scenario.packages.push((node.clone(), package.clone()));
        scenario = scenario.setup(Action::Install(node.clone(), package.id.clone()));
    }
    scenario.web = workload.web.clone();
    scenario.socket_servers = workload.servers.clone();
    scenario.chain = workload.chain.clone();
    for (process, stand_in) in &workload.stand_ins {
        scenario = scenario.standing_in(process, stand_in.clone());
    }
    scenario.script = workload.sends.iter().flat_map(|send| send.lines(NODE, id)).collect();
    scenario.script.extend(workload.visits.iter().flat_map(|visit| visit.lines(NODE)));
    scenario.script.extend(workload.sockets.iter().flat_map(|socket| socket.lines(NODE)));
    let mut asked: Vec<Action> = Vec::new();
    for line in &scenario.script {
        let expects = matches!(&line.action, Action::Send(_, letter) if letter.expects.is_some());
        if expects && asked.len() < AGAIN_MAX && !asked.contains(&line.action) {
            asked.push(line.action.clone());
        }
    }
    let patience = |action: &Action| match action {
        Action::Send(_, letter) => letter.expects.unwrap_or_default(),
        _ => 0,
    };
    let patience = asked.iter().map(patience).sum();
    for again in asked {
        scenario = scenario.at(Duration(storm.0 + AGAIN.0), again);
    }
    scenario.lasting(storm, Duration(SETTLE.0 + Duration::from_secs(patience).0))
}

/// Its nodes are there, and there once.
fn check_nodes(workload: &Workload) -> Result<(), ScenarioError> {
    let all: Vec<&str> = [NODE].into_iter().chain(workload.nodes.iter().map(String::as_str)).collect();
    let legal = |node: &str| !node.is_empty() && node.bytes().all(|c| c.is_ascii_alphanumeric() || b"-.".contains(&c));
    for (place, node) in all.iter().enumerate() {
        if all[..place].contains(node) || !legal(node) {
            return Err(ScenarioError(format!(
                "`nodes`: `{node}` is there already, or no name of a node, as bob.os is"
            )));
        }
    }
    match workload.named_nodes().find(|node| !all.contains(node)) {
        Some(node) => {
            Err(ScenarioError(format!("`on = {node:?}`: there is {}; give `nodes = [{node:?}]` first", all.join(", "))))
        }
        None => Ok(()),
    }
}

/// Of which process something is expected.
fn which(expect: &Expectation, id: impl Fn(&str) -> String) -> On {
    on(expect.on.as_deref().unwrap_or(NODE), &id(&expect.process))
}

/// What a browser asks, in order, each with the status that the answer must have.
fn visits(workload: &Workload) -> Vec<(HttpRequest, Option<u16>)> {
    let each = |visit: &Browse| {
        let (request, status) = (visit.request.clone(), visit.status);
        visit.times().map(|at| (at, request.clone(), status)).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = workload.visits.iter().flat_map(each).collect();
    all.sort_by_key(|(at, ..)| *at);
    all.into_iter().map(|(_, request, status)| (request, status)).collect()
}

/// With what must hold in every run.
fn held(mut scenario: Scenario, workload: &Workload, id: impl Fn(&str) -> String) -> Scenario {
    scenario = scenario
        .holding(|| Box::new(rules::NoRestartLoop::default()))
        .holding(|| Box::new(rules::NoPanic))
        .holding(|| Box::new(rules::NoLivelock::default()));
    for expect in &workload.expects {
        let process = which(expect, &id);
        if expect.alive {
            let process = process.clone();
            scenario = scenario.holding(move || Box::new(rules::IsAlive::new(process.clone())));
        }
        if expect.remembers != Remembers::Nothing {
            let requests = expect.remembers.clone();
            scenario = scenario.holding(move || Box::new(rules::NeverForgets::new(process.clone(), requests.clone())));
        }
    }
    scenario
}

/// The ids of the processes of a package's manifest.
fn process_ids(package: &Package) -> Result<Vec<String>, ScenarioError> {
    let manifest = package.files.iter().find(|(path, _)| path == "/manifest.json");
    let Some((_, Content::Bytes(manifest))) = manifest else {
        return Err(ScenarioError(format!("package {} has no manifest.json", package.id)));
    };
    let entries = package::parse_manifest(&package.id, manifest).map_err(|error| ScenarioError(error.to_string()))?;
    Ok(entries.iter().map(|entry| format!("{}:{}", entry.process_name, package.id)).collect())
}

fn own_name(id: &str) -> &str {
    ProcessId::split(id).map_or(id, |id| id.process)
}

fn is_called(id: &str, name: &str) -> bool {
    id == name || own_name(id) == name
}
