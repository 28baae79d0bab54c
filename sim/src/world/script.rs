//! Playing a scenario: its packages, its setup, its script.

use super::{Phase, Task, World};
use crate::disk::{Disk, FileBytes};
use crate::modules;
use crate::package::{self, Content};
use crate::plan::fault::Script;
use crate::plan::site::SubjectRef;
use crate::scenario::{self, Action, OnExit, ScenarioError, Start, When};
use crate::trace::event::What;
use crate::world::operator::Step;
use kernel_core::command::{Command, Initialize};
use kernel_core::{
    Address, Blob, Bytes, Capability, Names, NodeId, OnExitRequest, ProcessId, ProcessRef, Received, Request,
};

/// How long the owner of a node may wait for an answer, in seconds. The script waits with them, so a wait without end
/// would carry the world to the end of time.
const WAIT_MAX: u64 = 86_400;

impl World<'_> {
    /// Puts the scenario's packages on their drives, before anything happens.
    pub(super) fn lay_out_packages(&mut self) -> Result<(), ScenarioError> {
        for (node, package) in &self.scenario.packages {
            let node = self.node_index(node)?;
            for (path, content) in &package.files {
                let bytes = match content {
                    Content::Bytes(bytes) => bytes.clone(),
                    Content::Program(name) => self.scenario.program_bytes(name, self.options.flavor)?,
                };
                self.spent.rewritten += bytes.len() as u64;
                let path = modules::store_path(&format!("{}{path}", package.drive()));
                let ops = Disk::create_dir_all(crate::disk::parent(&path));
                let disk = &mut self.nodes[node].disk;
                let laid = ops.iter().try_for_each(|op| disk.apply(op)).and_then(|()| disk.lay(&path, bytes.into()));
                laid.map_err(|error| ScenarioError(format!("the file {path} of package {}: {error}", package.id)))?;
            }
            // All of it is durable, and there once: a package may be large, and few runs write to its files.
            let disk = &mut self.nodes[node].disk;
            disk.restore(&disk.snapshot());
        }
        for (node, bytes) in &self.scenario.disks {
            let node = self.node_index(node)?;
            self.nodes[node].disk = std::mem::take(&mut self.nodes[node].disk).holding(*bytes);
        }
        Ok(())
    }

    /// Checks that the script names what there is, and sets the lines that wait for events.
    pub(super) fn prepare_script(&mut self) -> Result<(), ScenarioError> {
        for action in self.scenario.setup.iter().chain(self.scenario.script.iter().map(|line| &line.action)) {
            self.check(action)?;
        }
        for (node, _) in &self.scenario.backups {
            self.node_index(node)?;
        }
        for (line, entry) in self.scenario.script.iter().enumerate() {
            if let When::Event(kind, process, nth) = &entry.when {
                let process = self.names.process(process);
                self.recorder.await_event(*kind, process, *nth, line);
            }
        }
        Ok(())
    }

    fn check(&mut self, action: &Action) -> Result<(), ScenarioError> {
        if let Action::Ask(_, waits, _) | Action::Send(_, scenario::Request { expects: Some(waits), .. }) = action
            && *waits > WAIT_MAX
        {
            let most = format!("a node's owner waits {WAIT_MAX} seconds at most, a day");
            return Err(ScenarioError(format!("`{action}`: {most}")));
        }
        let node = match action {
            Action::Start(start) | Action::Initialize(start) => {
                self.scenario.program_bytes(&start.program, self.options.flavor)?;
                &start.on.node
            }
            Action::Run(on)
            | Action::Kill(on)
            | Action::Tell(on, _)
            | Action::Ask(on, ..)
            | Action::Send(on, _)
            | Action::Grant(on, ..)
            | Action::Withdraw(on, ..)
            | Action::SetOnExit(on, _) => {
                if let Action::Send(_, scenario::Request { code, from, .. }) = action {
                    if let Some(program) = code {
                        self.scenario.program_bytes(program, self.options.flavor)?;
                    }
                    if let Some(from) = from {
                        self.node_index(from)?;
                    }
                }
                if ProcessId::split(&on.process).is_none() {
                    let form = "it has the form process:package:publisher";
                    return Err(ScenarioError(format!("`{action}`: `{}` is not a process id: {form}", on.process)));
                }
                &on.node
            }
            Action::Install(node, id) | Action::Uninstall(node, id) => {
                let package = self.scenario.packages.iter().find(|(on, package)| on == node && package.id == *id);
                let manifest = package.and_then(|(_, package)| package.files.iter().find(|f| f.0 == "/manifest.json"));
                match manifest {
                    Some((_, Content::Bytes(bytes))) => {
                        package::parse_manifest(id, bytes).map_err(|error| ScenarioError(error.to_string()))?;
                    }
                    Some((_, Content::Program(_))) | None => {
                        return Err(ScenarioError(format!(
                            "`{action}`: {node} has no package {id} with a manifest.json"
                        )));
                    }
                }
                node
            }
            Action::Upgrade(node, id) => {
                if !self.scenario.upgrades.iter().any(|package| package.id == *id) {
                    return Err(ScenarioError(format!("`{action}`: there is no next version of {id}")));
                }
                node
            }
            Action::Cut(from, to, _) => {
                self.node_index(to)?;
                from
            }
            Action::Command(node, _) | Action::Down(node, ..) | Action::Restore(node) | Action::Visit(node, _) => node,
            Action::Emit(_) if self.outside.chain.is_some() => return Ok(()),
            Action::Emit(_) => return Err(ScenarioError(format!("`{action}`: the scenario has no chain"))),
        };
        self.node_index(node).map(|_| ())
    }

    pub(super) fn node_index(&self, name: &str) -> Result<usize, ScenarioError> {
        let known = self.scenario.nodes.iter().position(|node| node == name);
        known.ok_or_else(|| {
            ScenarioError(format!("`{name}` is not a node; there are {}", self.scenario.nodes.join(", ")))
        })
    }

    // ---- the phases -------------------------------------------------------------------------------------------

    /// The owners begin.
    pub(super) fn begin_setup(&mut self) {
        self.phase = Phase::Setup;
        for action in &self.scenario.setup {
            self.act(action);
        }
        self.end_setup_if_done();
    }

    /// The storm begins when every owner has nothing left to do.
    fn end_setup_if_done(&mut self) {
        if self.phase != Phase::Setup || !self.nodes.iter().all(|node| node.operator.is_idle()) {
            return;
        }
        self.phase = Phase::Storm;
        self.chooser.lift(false);
        let mut script = self.chooser.open::<Script>(SubjectRef::Scenario);
        self.played = self.chooser.ask(&mut script, &self.names, || ());
        if let Some(chain) = &mut self.outside.chain {
            chain.count_from(self.now);
        }
        self.begin_backups();
        for (line, entry) in self.scenario.script.iter().enumerate() {
            if let When::At(after) = entry.when {
                let at = self.now + after;
                self.queue.push(at, 0, Task::Script(line));
            }
        }
        let at = self.now + self.scenario.storm;
        self.queue.push(at, u32::MAX, Task::Lift);
    }

    /// Carries out the lines of the script whose event has come.
    pub(super) fn follow_script(&mut self) {
        while let Some(line) = self.recorder.take_due() {
            self.carry_out_line(line);
        }
    }

    pub(super) fn carry_out_line(&mut self, line: usize) {
        let scenario = self.scenario;
        if self.played.is_some_and(|played| !played.has(line)) {
            return;
        }
        if self.is_overdue(line) {
            return;
        }
        self.record(0, None, What::Script(line as u32));
        self.act(&scenario.script[line].action);
    }

    // ---- actions ----------------------------------------------------------------------------------------------

    fn act(&mut self, action: &Action) {
        let index = |world: &World<'_>, name: &str| world.node_index(name).expect("the script was checked");
        match action {
            Action::Start(start) => {
                let node = index(self, &start.on.node);
                let mut steps = self.initialize(node, start);
                let process = self.names.process(&start.on.process);
                steps.push(Step::command(Command::Run(process), &self.names, self.nodes[node].id));
                self.operator_does(node, steps);
            }
            Action::Initialize(start) => {
                let node = index(self, &start.on.node);
                let steps = self.initialize(node, start);
                self.operator_does(node, steps);
            }
            Action::Run(on) => self.command(index(self, &on.node), &on.process, Command::Run),
            Action::Kill(on) => self.command(index(self, &on.node), &on.process, Command::Kill),
            Action::Tell(on, body) => self.say(index(self, &on.node), &on.process, None, body),
            Action::Ask(on, seconds, body) => self.say(index(self, &on.node), &on.process, Some(*seconds), body),
            Action::Send(on, request) => {
                let from = request.from.as_ref().unwrap_or(&on.node);
                self.send(index(self, from), index(self, &on.node), &on.process, request);
            }
            Action::Command(node, json) => self.say(index(self, node), "kernel:distro:sys", Some(60), json),
            Action::Grant(on, issuer, params) => {
                let node = index(self, &on.node);
                let capability = self.capability(node, issuer, params);
                let id = self.names.process(&on.process);
                self.command_is(node, Command::Grant(id, vec![capability]));
            }
            Action::Withdraw(on, issuer, params) => {
                let node = index(self, &on.node);
                let capability = self.capability(node, issuer, params);
                let id = self.names.process(&on.process);
                self.command_is(node, Command::Drop(id, vec![capability]));
            }
            Action::SetOnExit(on, value) => {
                let node = index(self, &on.node);
                let our = self.nodes[node].id;
                let value = on_exit(value, &mut self.names, our);
                let id = self.names.process(&on.process);
                self.command_is(node, Command::SetOnExit(id, value));
            }
            Action::Upgrade(node, package) => self.upgrade(index(self, node), package),
            Action::Install(node, package) => self.install(index(self, node), package),
            Action::Uninstall(node, package) => self.uninstall(index(self, node), package),
            Action::Down(node, how, span) => {
                let node = index(self, node);
                if self.nodes[node].up.is_some() {
                    self.go_down(node, None, *how, Some(*span));
                }
            }
            Action::Restore(node) => self.restore(index(self, node)),
            Action::Cut(from, to, span) => {
                let (from, to) = (index(self, from), index(self, to));
                let (from, to) = (self.nodes[from].id, self.nodes[to].id);
                self.network.cut(from, to, self.now + *span, &self.chooser);
            }
            Action::Visit(node, visit) => self.visit(index(self, node), visit),
            Action::Emit(log) => {
                let chain = self.outside.chain.as_mut().expect("the script was checked");
                chain.send(log.clone());
            }
        }
    }

    fn command(&mut self, node: usize, process: &str, command: fn(ProcessRef) -> Command) {
        let process = self.names.process(process);
        self.command_is(node, command(process));
    }

    fn command_is(&mut self, node: usize, command: Command) {
        let step = Step::command(command, &self.names, self.nodes[node].id);
        self.operator_does(node, vec![step]);
    }

    /// A capability by its issuer, a process of that node.
    fn capability(&mut self, node: usize, issuer: &str, params: &str) -> Capability {
        let issuer = self.nodes[node].address(self.names.process(issuer));
        Capability { issuer, params: self.names.params(params) }
    }

    fn say(&mut self, node: usize, process: &str, expects: Option<u64>, body: &str) {
        let target = self.nodes[node].address(self.names.process(process));
        self.operator_does(node, vec![Step::request(target, expects, body.into())]);
    }

    /// The owner of a node sends a request to a process of a node.
    fn send(&mut self, from: usize, node: usize, process: &str, request: &scenario::Request) {
        let target = self.nodes[node].address(self.names.process(process));
        let step = Step::request(target, request.expects, Bytes::from(&*request.body));
        let blob = match (&request.blob, &request.code) {
            (Some((mime, bytes)), _) => {
                Some(Blob { mime: mime.as_deref().map(Into::into), bytes: Bytes::from(&**bytes) })
            }
            (None, Some(program)) => {
                let code = self.scenario.program_bytes(program, self.options.flavor);
                Some(Blob { mime: None, bytes: Bytes::from(&*code.expect("the script was checked")) })
            }
            (None, None) => None,
        };
        let step = match blob {
            Some(blob) => step.carrying(blob),
            None => step,
        };
        self.operator_does(from, vec![step]);
    }

    fn initialize(&mut self, node: usize, start: &Start) -> Vec<Step> {
        let (our, names) = (self.nodes[node].id, &mut self.names);
        let id = names.process(&start.on.process);
        let bytes = self.scenario.program_bytes(&start.program, self.options.flavor).expect("the script was checked");
        let on_exit = on_exit(&start.on_exit, names, our);
        let init = Initialize { id, on_exit, initial_capabilities: vec![], public: start.public };
        let blob = Blob { mime: None, bytes: Bytes::from(bytes) };
        let local = |process: ProcessRef| Address { node: our, process };
        // Answers to the owner must reach the terminal.
        let mut holds = vec![Capability::messaging(local(ProcessRef::TERMINAL))];
        holds.extend(start.may_message.iter().map(|process| Capability::messaging(local(names.process(process)))));
        holds.extend(start.network.then(|| Capability::network(our)));
        for (issuer, params) in &start.holds {
            let (issuer, params) = (local(names.process(issuer)), names.params(params));
            holds.push(Capability { issuer, params });
        }
        vec![
            Step::command(Command::Initialize(Box::new(init)), names, our).carrying(blob),
            Step::command(Command::Grant(id, holds), names, our),
        ]
    }

    fn manifest(&self, node: usize, package: &str) -> Option<Vec<package::Entry>> {
        let path = modules::store_path(&format!("{}/manifest.json", package::drive(package)));
        package::parse_manifest(package, self.nodes[node].disk.files().read(&path).ok()?).ok()
    }

    /// S1: a package is installed from what is on its drive; there is nothing to install once that is gone.
    fn install(&mut self, node: usize, id: &str) {
        let Some(manifest) = self.manifest(node, id) else { return };
        let (our, disk) = (self.nodes[node].id, &self.nodes[node].disk);
        let code = |path: &str| {
            let path = modules::store_path(&format!("{}/{}", package::drive(id), path.trim_start_matches('/')));
            disk.files().read(&path).ok().map(FileBytes::to_bytes)
        };
        let installer = &self.scenario.installer;
        if let Ok(steps) = package::install(id, &manifest, &mut self.names, our, code, installer) {
            self.operator_does(node, steps);
        }
    }

    /// The next version of a package is installed over the one that is there, as the app store does it: the old `/pkg` is
    /// replaced, old processes are killed, the new ones have the capabilities of the new manifest. What they have saved
    /// and all other drives stay.
    fn upgrade(&mut self, node: usize, id: &str) {
        let next = self.scenario.upgrades.iter().find(|package| package.id == id).expect("the script was checked");
        let our = self.nodes[node].id;
        let vfs = Address { node: our, process: ProcessRef::VFS };
        let drive = package::drive(id);
        let ask = |path: &str, action: &str| {
            let body = serde_json::json!({ "path": path, "action": action }).to_string();
            Step::request(vfs, Some(60), body.as_str().into())
        };
        let content = |content: &Content| match content {
            Content::Bytes(bytes) => Some(Bytes::from(&bytes[..])),
            Content::Program(name) => {
                self.scenario.program_bytes(name, self.options.flavor).ok().map(|bytes| bytes[..].into())
            }
        };
        let files: Vec<(&str, Bytes)> =
            next.files.iter().filter_map(|(path, of)| Some((path.as_str(), content(of)?))).collect();
        let mut steps = match self.manifest(node, id) {
            Some(manifest) => package::uninstall(id, &manifest, &mut self.names, our),
            None => vec![],
        };
        steps.push(ask(&drive, "RemoveDirAll"));
        steps.push(ask(&drive, "CreateDirAll"));
        for (path, bytes) in &files {
            let path = format!("{drive}/{}", path.trim_start_matches('/'));
            steps.push(ask(crate::disk::parent(&path), "CreateDirAll"));
            steps.push(ask(&path, "Write").carrying(Blob { mime: None, bytes: bytes.clone() }));
            steps.push(ask(&path, "SyncAll"));
        }
        let manifest = files.iter().find(|(path, _)| *path == "/manifest.json");
        let manifest = manifest.and_then(|(_, bytes)| package::parse_manifest(id, bytes).ok()).unwrap_or_default();
        let plain = |path: &str| path.trim_start_matches('/').to_string();
        let code =
            |path: &str| files.iter().find(|(file, _)| plain(file) == plain(path)).map(|(_, bytes)| bytes.clone());
        let installer = &self.scenario.installer;
        if let Ok(install) = package::install(id, &manifest, &mut self.names, our, code, installer) {
            steps.extend(install);
        }
        self.operator_does(node, steps);
    }

    /// An uninstall is kills, and the end of the package's drives and of the rights to them and to its databases (E9).
    /// The files of databases stay, as in the public runtimes, and nobody can reach them unless the package is there again.
    fn uninstall(&mut self, node: usize, id: &str) {
        let Some(manifest) = self.manifest(node, id) else { return };
        let our = self.nodes[node].id;
        let mut steps = package::uninstall(id, &manifest, &mut self.names, our);
        let vfs = Address { node: our, process: ProcessRef::VFS };
        let is_of_package = |capability: &&Capability| {
            let module = capability.issuer;
            module.node == our
                && modules::owner(module.process, self.names.params_text(capability.params)).as_deref() == Some(id)
        };
        let own = format!(":{id}");
        let others = |holder: &ProcessRef| !self.names.process_text(*holder).ends_with(&own);
        for (holder, row) in self.nodes[node].known.rows.iter().filter(|(holder, _)| others(holder)) {
            let held: Vec<Capability> = row.capabilities.iter().filter(is_of_package).copied().collect();
            if !held.is_empty() {
                steps.push(Step::command(Command::Drop(*holder, held), &self.names, our));
            }
        }
        let drives = self.nodes[node].disk.files().list(&modules::store_path(&format!("/{id}"))).unwrap_or_default();
        for (drive, _) in drives {
            let name = drive.rsplit('/').next().unwrap_or_default();
            let path = format!("/{id}/{name}");
            let remove = serde_json::json!({ "path": path, "action": "RemoveDirAll" }).to_string();
            steps.push(Step::request(vfs, Some(60), remove.as_str().into()));
        }
        self.operator_does(node, steps);
    }

    // ---- owners -----------------------------------------------------------------------------------------------

    fn operator_does(&mut self, node: usize, steps: Vec<Step>) {
        self.nodes[node].operator.add(steps);
        self.operator_goes_on(node);
    }

    /// Whatever an owner can do now is done.
    pub(super) fn operator_goes_on(&mut self, node: usize) {
        while self.nodes[node].up.is_some() {
            let Some(input) = self.nodes[node].operator.next_step() else { break };
            let (boot, cause) = (self.nodes[node].boots, self.next_cause());
            // Not here and now: an owner may be answered in the middle of a step. One thing after the other, even so.
            self.queue.push(self.now, 0, Task::Say(node, boot, cause, Box::new(input)));
        }
        self.end_setup_if_done();
    }

    pub(super) fn operator_hears(&mut self, node: usize, received: &Received) {
        self.nodes[node].operator.on_received(received);
        self.operator_goes_on(node);
    }
}

fn on_exit(value: &OnExit, names: &mut Names, our: NodeId) -> kernel_core::OnExit {
    match value {
        OnExit::None => kernel_core::OnExit::None,
        OnExit::Restart => kernel_core::OnExit::Restart,
        OnExit::Requests(list) => {
            let request = |(target, body): &(String, String)| OnExitRequest {
                target: names.address(target, our).unwrap_or(Address { node: our, process: ProcessRef::TERMINAL }),
                request: Request { body: body.as_str().into(), ..Request::default() },
                blob: None,
            };
            kernel_core::OnExit::Requests(list.iter().map(request).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::WAIT_MAX;
    use crate::scenario::{Action, On, Scenario};
    use crate::sim::Sim;
    use kernel_core::Duration;

    #[test]
    fn an_owner_who_waits_for_more_than_a_day_is_refused_with_a_message() {
        let check = |seconds: u64| {
            let on = On { node: "alice.os".to_string(), process: "terminal:terminal:sys".to_string() };
            let ask = Action::Ask(on, seconds, "a question".to_string());
            let scenario = Scenario::new("an-owner-who-waits", "Waits.").node("alice.os");
            Sim::of(&scenario.at(Duration::from_secs(1), ask)).check()
        };
        assert_eq!(check(WAIT_MAX), Ok(()));
        let refused = check(WAIT_MAX + 1).expect_err("a day is the most");
        assert!(refused.to_string().contains("a node's owner waits 86400 seconds at most, a day"), "{refused}");
    }
}
