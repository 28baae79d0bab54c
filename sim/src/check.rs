//! A user's own package, as it is: from files to a scenario, what it is held to, and what its runs show.
//!
//! Nothing of the package is rebuilt and nothing is known of what it is for. It is installed on a node of its own. What
//! counts against it: a panic that nobody injected, a restart loop, the contract's rules, and whatever its author says
//! must hold. What the simulator does not have is said, and leaves the verdict open.

mod activity;
mod findings;
mod judge;
mod note;
mod notes;
mod observed;
mod recovery;
mod rules;
mod source;
mod visits;
mod workload;

pub use activity::{Activity, activity};
pub use findings::{Failure, Findings, Outcome};
#[cfg(feature = "cli")]
pub(crate) use judge::place;
pub use judge::{Again, Once, Terms, is_beyond_packages, judge, named};
pub use note::Note;
pub use notes::{ends_unasked, manifest_notes, never_happened, notes};
pub use recovery::{Baseline, Recovered, Repeats};
#[cfg(feature = "cli")]
pub(crate) use source::is_read;
pub use source::{PackageError, illegal_name, is_lone_file, next_version, read, read_bytes, with_on_exit};
pub use visits::{Visit, Visited, Work, recovered, spread, visit, work};
pub use workload::{
    Act, Body, Browse, Expectation, Moment, OwnerDoes, Remembers, Send, Socket, Workload, WorkloadError,
};

use crate::guest::has_endless_loop;
use crate::guest::image::Loader;
use crate::guest::wasm::World;
use crate::outside::visit::Visit as Browsing;
use crate::package::{self, Content, Installer, Package};
use crate::scenario::{Action, Line, On, Scenario, ScenarioError, on};
use crate::world::Run;
use kernel_core::{Duration, ProcessId};
use rules::{Comparable, Expected};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
    /// Whose answers are not to be taken back, and to which requests.
    remembering: Vec<(On, Remembers)>,
    /// What a browser must get when all that went wrong is over.
    served: Vec<Arc<Expected>>,
    /// Where the first lines of the script stand: `it.toml:12`. Those behind them ask again what was asked.
    pub places: Vec<String>,
}

impl Checked {
    /// The package, sent and held to what a workload says; upgraded to its next version when all that was sent once, if
    /// there is one, and sent it again. The loader knows its code.
    ///
    /// # Errors
    /// The workload names a process that the package does not have.
    pub fn new(
        package: Package,
        next: Option<Package>,
        workload: &Workload,
        loader: &Loader,
    ) -> Result<Checked, ScenarioError> {
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
        let scripts = scripts(&package);
        let mut code = Code::default();
        for version in [Some(&package), next.as_ref()].into_iter().flatten() {
            code.look_at(version, loader)?;
        }
        let Code { endless, old_worlds } = code;
        let id = |named: &str| ids.iter().find(|id| is_called(id, named)).cloned().unwrap_or_default();
        let (played, places) = played(package, next, workload, id);
        let played = held(played, workload, id);
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
        if visits.iter().any(|visit| visit.says_something()) {
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
        let mut remembering: Vec<(On, Remembers)> = Vec::new();
        for expect in workload.expects.iter().filter(|expect| expect.remembers != Remembers::Nothing) {
            let what = (which(expect, id), expect.remembers.clone());
            if !remembering.contains(&what) {
                remembering.push(what);
            }
        }
        for (process, requests) in remembering.clone() {
            let new = move || rules::NeverForgets::new(process.clone(), requests.clone(), Comparable::default());
            calm = calm.holding(move || Box::new(new()));
        }
        let terms = Terms { endless, once, again: again(workload, id), scripts, old_worlds, ..Terms::default() };
        let served = served_again(workload);
        Ok(Checked { scenario, calm, notes, terms, remembering, served, places })
    }

    /// Takes from the calm run which answers may be compared, and which bodies come again: then what each run is held to is
    /// complete.
    pub fn learn(&mut self, calm: &Run) {
        let served = Arc::new(rules::StillServes::of_the_calm(self.served.clone(), calm));
        if !served.is_empty() {
            self.scenario.invariants.push(Arc::new(move || Box::new(rules::StillServes::new(served.clone()))));
        }
        for (process, requests) in self.remembering.clone() {
            let comparable = Comparable::of(calm, &process, &requests, self.remembering.len());
            let new = move || rules::NeverForgets::new(process.clone(), requests.clone(), comparable.clone());
            self.scenario.invariants.push(Arc::new(move || Box::new(new())));
        }
    }
}

/// What must be heard and printed when all that went wrong is over, if it is in the calm run.
fn again(workload: &Workload, id: impl Fn(&str) -> String + Copy) -> Vec<Again> {
    let sockets = workload.sockets.iter().filter_map(|socket| {
        let (name, path) = (socket.again(Duration::ZERO).name, socket.path.clone());
        Some(Again::Hears { socket: name, path, text: socket.hears.clone()? })
    });
    let prints = workload.expects.iter().filter_map(|expect| {
        let On { node, process } = which(expect, id);
        Some(Again::Prints { node, process, text: expect.prints.clone()? })
    });
    sockets.chain(prints).collect()
}

/// What a browser must get when all that went wrong is over. A body is the same then only if nobody tells the package
/// anything that changes what it serves: what is lost with a crash may be missing from it. Of what is asked more than once,
/// the last is what it comes to.
fn served_again(workload: &Workload) -> Vec<Arc<Expected>> {
    let is_told = !workload.sends.is_empty()
        || workload.visits.iter().any(|visit| visit.request.method != "GET")
        || workload.sockets.iter().any(|socket| !socket.says.is_empty());
    let mut last: Vec<&Browse> = workload.visits.iter().collect();
    last.sort_by_key(|visit| visit.last());
    let kept = |visit: &Browse| {
        let expected = expected(visit);
        Arc::new(Expected { body: expected.body.filter(|_| !is_told), ..expected })
    };
    last.into_iter().map(kept).filter(|expected| expected.says_something()).collect()
}

/// The ids of the processes that run a package's scripts: they come to an end, and nothing starts them again.
fn scripts(package: &Package) -> BTreeSet<String> {
    let file = |name: &str| package.files.iter().find(|(path, _)| path.trim_start_matches('/') == name);
    let Some((_, Content::Bytes(bytes))) = file(source::SCRIPTS) else { return BTreeSet::new() };
    let scripts: BTreeMap<String, serde_json::Value> = serde_json::from_slice(bytes).unwrap_or_default();
    let is_script = |entry: &package::Entry| scripts.contains_key(entry.process_wasm_path.trim_start_matches('/'));
    let entries = entries(package).unwrap_or_default();
    entries
        .iter()
        .filter(|entry| is_script(entry))
        .map(|entry| format!("{}:{}", entry.process_name, package.id))
        .collect()
}

/// What the code of processes shows before it runs: of which processes, by their ids.
#[derive(Default)]
struct Code {
    /// It has a loop that nothing leaves.
    endless: BTreeSet<String>,
    /// It was built for a process world of Kinode before 1.0.
    old_worlds: BTreeSet<String>,
}

impl Code {
    /// Looks at a package, at each of its files once, however many processes run it.
    fn look_at(&mut self, package: &Package, loader: &Loader) -> Result<(), ScenarioError> {
        let is_old = |bytes: &[u8]| loader.load(bytes).is_ok_and(|program| program.world() < World::V1_0);
        let mut known: BTreeMap<String, (bool, bool)> = BTreeMap::new();
        for entry in entries(package)? {
            let look =
                || code_of(package, &entry).map_or((false, false), |bytes| (has_endless_loop(bytes), is_old(bytes)));
            let file = entry.process_wasm_path.trim_start_matches('/').to_string();
            let (is_endless, is_old) = *known.entry(file).or_insert_with(look);
            let id = format!("{}:{}", entry.process_name, package.id);
            self.endless.extend(is_endless.then(|| id.clone()));
            self.old_worlds.extend(is_old.then_some(id));
        }
        Ok(())
    }
}

/// The code of a process.
fn code_of<'a>(package: &'a Package, entry: &package::Entry) -> Option<&'a [u8]> {
    let plain = |path: &str| path.trim_start_matches('/').to_string();
    let file = package.files.iter().find(|(file, _)| plain(file) == plain(&entry.process_wasm_path));
    match file {
        Some((_, Content::Bytes(bytes))) => Some(bytes),
        _ => None,
    }
}

/// What is played: the install, what is sent, and the same requests once more when all is over; with where the first lines
/// of its script stand in a workload.
fn played(
    package: Package,
    next: Option<Package>,
    workload: &Workload,
    id: impl Fn(&str) -> String + Copy,
) -> (Scenario, Vec<String>) {
    let upgrade = Duration(workload.last().0 + UPGRADE_AFTER.0);
    let last = if next.is_some() { Duration(upgrade.0 + STORM.0) } else { workload.last() };
    let storm = Duration(STORM.0.max(last.0 + AGAIN.0));
    let mut scenario = Scenario::new(&package.id, "a package of your own");
    scenario.nodes.extend(workload.nodes.iter().cloned());
    scenario.installer = Installer { lets_answer: !workload.sends.is_empty(), waits_for_disk: true, lets_start: true };
    for node in scenario.nodes.clone() {
        scenario.packages.push((node.clone(), package.clone()));
        scenario = scenario.setup(Action::Install(node.clone(), package.id.clone()));
    }
    // Whoever only sends has not got the package.
    let senders = workload.senders().filter(|node| !scenario.nodes.iter().any(|there| there == node));
    let senders: BTreeSet<String> = senders.map(str::to_string).collect();
    scenario.nodes.extend(senders);
    scenario.spreads_overdue = true;
    scenario.web = workload.web.clone();
    scenario.socket_servers = workload.servers.clone();
    scenario.chain = workload.chain.clone();
    for (process, stub) in &workload.stubs {
        scenario = scenario.stubbed(process, stub.clone());
    }
    let id_of = &scenario.name.clone();
    let mut places = Vec::new();
    let mut add = |lines: Vec<Line>, place: &String| {
        places.extend(lines.iter().map(|_| place.clone()));
        scenario.script.extend(lines);
    };
    workload.sends.iter().for_each(|send| add(send.lines(NODE, id), &send.place));
    workload.visits.iter().for_each(|visit| add(visit.lines(NODE), &visit.place));
    workload.sockets.iter().for_each(|socket| add(socket.lines(NODE), &socket.place));
    workload.acts.iter().for_each(|act| add(vec![act.line(NODE, id_of, id)], &act.place));
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
    let heard = workload.sockets.iter().filter(|socket| socket.hears.is_some() || !socket.says.is_empty());
    let heard: Vec<Socket> = heard.take(AGAIN_MAX).map(|socket| socket.again(Duration(storm.0 + AGAIN.0))).collect();
    let patience = |action: &Action| match action {
        Action::Send(_, request) => request.expects.unwrap_or_default(),
        _ => 0,
    };
    let patience: u64 = asked.iter().map(patience).sum();
    let frames = heard.iter().map(|socket| Duration(socket.last().0.saturating_sub(storm.0 + AGAIN.0)));
    let patience = Duration::from_secs(patience).0.max(frames.max().unwrap_or_default().0);
    for socket in heard {
        scenario.script.extend(socket.lines(NODE));
    }
    for again in asked {
        scenario = scenario.at(Duration(storm.0 + AGAIN.0), again);
    }
    (scenario.lasting(storm, Duration(SETTLE.0 + patience)), places)
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
    let has_package: Vec<&str> = [NODE].into_iter().chain(workload.nodes.iter().map(String::as_str)).collect();
    let senders: BTreeSet<&str> = workload.senders().filter(|node| !has_package.contains(node)).collect();
    let all: Vec<&str> = has_package.iter().copied().chain(senders).collect();
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
    match workload.named_nodes().find(|node| !has_package.contains(node)) {
        Some(node) => Err(ScenarioError(format!(
            "`on = {node:?}`: there is {}; give `nodes = [{node:?}]` first",
            has_package.join(", ")
        ))),
        None => Ok(()),
    }
}

/// Of which process something is expected.
fn which(expect: &Expectation, id: impl Fn(&str) -> String) -> On {
    on(expect.on.as_deref().unwrap_or(NODE), &id(&expect.process))
}

/// What a browser asks, in order, each with what its answer must be.
fn visits(workload: &Workload) -> rules::Coming {
    let each = |visit: &Browse| {
        let expected = Arc::new(expected(visit));
        visit.times().map(|at| (at, expected.clone())).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = workload.visits.iter().flat_map(each).collect();
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, expected)| expected).collect()
}

/// What is asked, and what its answer must be.
fn expected(visit: &Browse) -> Expected {
    Expected { request: visit.request.clone(), status: visit.status, body: visit.body.clone() }
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
    }
    scenario
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
