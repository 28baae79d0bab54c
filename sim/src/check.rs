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
#[cfg(feature = "cli")]
pub(crate) use judge::place;
pub use judge::{Once, Terms, judge};
pub use notes::{Activity, Note, activity, manifest_notes, never_happened, notes};
pub use recovery::{Baseline, Recovered, Repeats};
#[cfg(feature = "cli")]
pub(crate) use source::is_read;
pub use source::{PackageError, illegal_name, next_version, read, read_bytes};
pub use visits::{Visit, Visited, Work, recovered, spread, visit, work};
pub use workload::{Act, Browse, Expectation, Moment, OwnerDoes, Remembers, Send, Socket, Workload, WorkloadError};

use crate::guest::has_endless_loop;
use crate::outside::visit::{HttpRequest, Visit as Browsing};
use crate::package::{self, Content, Installer, Package};
use crate::scenario::{Action, On, Scenario, ScenarioError, on};
use kernel_core::{Duration, ProcessId};
use std::collections::BTreeSet;

/// How long a node's processor takes for a quantum of fuel (20 million): wasmtime's JIT takes some 13 ms for what this
/// engine counts as so much, over hashing, JSON and serde.
pub const QUANTUM_TIME: Duration = Duration::from_millis(13);

/// The node that the package is installed on.
const NODE: &str = "alice.os";
/// How long things go wrong at least, and how long the world has to settle then.
const STORM: Duration = Duration::from_secs(20);
const SETTLE: Duration = Duration::from_secs(10);
/// How long after the last line of the workload an upgrade begins, and how long after that the requests are sent again.
const UPGRADE_AFTER: Duration = Duration::from_secs(5);
/// How long after the storm the requests of the workload are sent once more.
const AGAIN: Duration = Duration::from_secs(5);
/// How many bytes a package's files have on all nodes together.
const PACKAGE_BYTES_MAX: usize = 64 << 20;
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
    /// What its runs are judged by; the kernel's deviations are not among it yet.
    pub terms: Terms,
}

impl Checked {
    /// The package, sent and held to what a workload says; upgraded to its next version when all that was sent once, if
    /// there is one, and sent it again.
    ///
    /// # Errors
    /// The workload names a process that the package does not have.
    pub fn new(package: Package, next: Option<Package>, workload: &Workload) -> Result<Checked, ScenarioError> {
        workload.check_size().map_err(ScenarioError)?;
        check_room([Some(&package), next.as_ref()], workload)?;
        let mut ids = process_ids(&package)?;
        for id in next.as_ref().map(process_ids).transpose()?.unwrap_or_default() {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        for named in workload.processes() {
            if !ids.iter().any(|id| is_called(id, named)) {
                let all = ids.iter().map(|id| format!("`{}`", own_name(id))).collect::<Vec<_>>().join(", ");
                return Err(ScenarioError(format!("no process `{named}` in the manifest; there is {all}")));
            }
        }
        for (named, _) in &workload.stubs {
            if ids.contains(named) {
                return Err(ScenarioError(format!("`[[stub]]`: the package has {named}; nobody stands in for it")));
            }
        }
        check_nodes(workload)?;
        let mut endless = endless(&package)?;
        endless.extend(next.as_ref().map(self::endless).transpose()?.unwrap_or_default());
        let id = |named: &str| ids.iter().find(|id| is_called(id, named)).cloned().unwrap_or_default();
        let played = held(played(package, next, workload, id), workload, id);
        let mut scenario = played.clone().holding(|| Box::new(rules::IsAnswered::default()));
        let statuses: Vec<_> =
            visits(workload).into_iter().filter_map(|(visit, status)| Some((visit, status?))).collect();
        if !statuses.is_empty() {
            scenario = scenario.holding(move || Box::new(rules::StillServes::new(statuses.clone())));
        }
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
        let mut once = Vec::new();
        for expect in &workload.expects {
            let of = |what: &String, exactly| Once { process: id(&expect.process), what: what.clone(), exactly };
            once.extend(expect.at_most_once.iter().map(|what| of(what, false)));
            once.extend(expect.exactly_once.iter().map(|what| of(what, true)));
        }
        let terms = Terms { endless, once, deviations: vec![] };
        Ok(Checked { scenario, calm, notes, terms })
    }
}

/// What is played: the install, what is sent, and the same requests once more when all is over.
fn played(
    package: Package,
    next: Option<Package>,
    workload: &Workload,
    id: impl Fn(&str) -> String + Copy,
) -> Scenario {
    let upgrade = Duration(workload.last().0 + UPGRADE_AFTER.0);
    let last = if next.is_some() { Duration(upgrade.0 + STORM.0) } else { workload.last() };
    let storm = Duration(STORM.0.max(last.0 + AGAIN.0));
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
    for (process, stub) in &workload.stubs {
        scenario = scenario.stubbed(process, stub.clone());
    }
    scenario.script = workload.sends.iter().flat_map(|send| send.lines(NODE, id)).collect();
    scenario.script.extend(workload.visits.iter().flat_map(|visit| visit.lines(NODE)));
    scenario.script.extend(workload.sockets.iter().flat_map(|socket| socket.lines(NODE)));
    let id_of = &scenario.name.clone();
    scenario.script.extend(workload.acts.iter().map(|act| act.line(NODE, id_of, id)));
    let mut asked: Vec<Action> = Vec::new();
    for line in &scenario.script {
        let expects = matches!(&line.action, Action::Send(_, request) if request.expects.is_some());
        let browses = matches!(&line.action, Action::Visit(_, Browsing::Http(_)));
        if (expects || browses) && asked.len() < AGAIN_MAX && !asked.contains(&line.action) {
            asked.push(line.action.clone());
        }
    }
    if let Some(next) = next {
        for node in scenario.nodes.clone() {
            scenario = scenario.at(upgrade, Action::Upgrade(node, next.id.clone()));
        }
        for again in asked.clone() {
            scenario = scenario.at(Duration(upgrade.0 + UPGRADE_AFTER.0), again);
        }
        scenario.upgrades.push(next);
    }
    let patience = |action: &Action| match action {
        Action::Send(_, request) => request.expects.unwrap_or_default(),
        _ => 0,
    };
    let patience = asked.iter().map(patience).sum();
    for again in asked {
        scenario = scenario.at(Duration(storm.0 + AGAIN.0), again);
    }
    scenario.lasting(storm, Duration(SETTLE.0 + Duration::from_secs(patience).0))
}

/// Its nodes together have room for the package.
fn check_room(versions: [Option<&Package>; 2], workload: &Workload) -> Result<(), ScenarioError> {
    let of = |content: &Content| if let Content::Bytes(bytes) = content { bytes.len() } else { 0 };
    let files = versions.into_iter().flatten().flat_map(|package| &package.files);
    let bytes: usize = files.map(|(_, content)| of(content)).sum();
    let n_nodes = workload.nodes.len() + 1;
    if bytes * n_nodes > PACKAGE_BYTES_MAX {
        let most = PACKAGE_BYTES_MAX >> 20;
        let problem =
            format!("`nodes`: {n_nodes} copies of a package of {bytes} bytes; {most} MiB are the most in all");
        return Err(ScenarioError(problem));
    }
    Ok(())
}

/// Its nodes are there, and there once.
fn check_nodes(workload: &Workload) -> Result<(), ScenarioError> {
    let all: Vec<&str> = [NODE].into_iter().chain(workload.nodes.iter().map(String::as_str)).collect();
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    // `our` is what every process calls its own node.
    let legal = |node: &str| node != "our" && node.split('.').all(is_part);
    for (place, node) in all.iter().enumerate() {
        if all[..place].contains(node) || !legal(node) {
            return Err(ScenarioError(format!(
                "`nodes`: `{}` is there already, or no name of a node, as bob.os is",
                package::shortened(node)
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

/// The ids of the processes whose code has a loop that nothing leaves.
fn endless(package: &Package) -> Result<BTreeSet<String>, ScenarioError> {
    let code = |path: &str| {
        package.files.iter().find(|(file, _)| file.trim_start_matches('/') == path.trim_start_matches('/'))
    };
    let of = |entry: &package::Entry| match code(&entry.process_wasm_path) {
        Some((_, Content::Bytes(bytes))) => has_endless_loop(bytes),
        _ => false,
    };
    let entries = entries(package)?;
    Ok(entries.iter().filter(|entry| of(entry)).map(|entry| format!("{}:{}", entry.process_name, package.id)).collect())
}

/// The ids of the processes of a package's manifest.
fn process_ids(package: &Package) -> Result<Vec<String>, ScenarioError> {
    Ok(entries(package)?.iter().map(|entry| format!("{}:{}", entry.process_name, package.id)).collect())
}

fn entries(package: &Package) -> Result<Vec<package::Entry>, ScenarioError> {
    let manifest = package.files.iter().find(|(path, _)| path == "/manifest.json");
    let Some((_, Content::Bytes(manifest))) = manifest else {
        return Err(ScenarioError(format!("package {} has no manifest.json", package.id)));
    };
    package::parse_manifest(&package.id, manifest).map_err(|error| ScenarioError(error.to_string()))
}

fn own_name(id: &str) -> &str {
    ProcessId::split(id).map_or(id, |id| id.process)
}

fn is_called(id: &str, name: &str) -> bool {
    id == name || own_name(id) == name
}
