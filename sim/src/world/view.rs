//! The state of the whole world at an instant, for people to look at.

use super::{Phase, Task, World};
use crate::world::node::{Job, Node};
use kernel_core::view::{Pending, ProcessView, Waiting};
use kernel_core::{
    Bytes, CallKind, Capability, Change, Instant, Message, Names, NodeId, OnExit, ProcessRef, Record, SendErrorKind,
    StateOp,
};
use std::collections::BTreeSet;
use std::rc::Rc;

/// How many entries of a list are shown; the others are counted.
const LIST_MAX: usize = 8;
/// How many letters of a body are shown.
const BODY_MAX: usize = 120;

/// All that there is, between two events.
#[derive(Clone, Debug)]
pub struct State {
    /// When.
    pub at: Instant,
    /// Every node.
    pub nodes: Vec<NodeState>,
    /// What is to happen, the first first: when, and what, in words.
    pub due: Vec<(Instant, String)>,
}

/// One node.
#[derive(Clone, Debug)]
pub struct NodeState {
    /// Its id.
    pub id: NodeId,
    /// Whether it is up.
    pub up: bool,
    /// How often it has booted.
    pub boots: u32,
    /// By how many nanoseconds its time of day is off.
    pub clock_off: i64,
    /// What waits for its disk, the first under way, in words.
    pub disk_jobs: Vec<String>,
    /// Its processes: in its table, or with something on its disk.
    pub processes: Vec<ProcessState>,
}

/// One process on a node.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessState {
    /// Its id.
    pub id: ProcessRef,
    /// Its life that is under way, counted from 1.
    pub life: Option<u32>,
    /// The call that it waits in.
    pub waits_in: Option<CallKind>,
    /// What its kernel knows of it; `None`: it is in no table, or its node is down.
    pub view: Option<ProcessView>,
    /// Its saved state, as the disk has it.
    pub saved: Option<Bytes>,
    /// Its row of the process table, as the disk has it.
    pub row: Option<Rc<Record>>,
}

/// What [`ProcessState::fields`] gives, by name.
pub const FIELDS: [&str; 8] =
    ["life", "status", "on exit", "mailbox", "waits for", "capabilities", "saved state", "row on disk"];

impl World<'_> {
    /// Plays to the end, and shows the world to somebody after each step.
    pub fn run_watched(mut self, mut on_step: impl FnMut(&World<'_>)) -> super::Run {
        self.begin();
        on_step(&self);
        while self.advance() {
            on_step(&self);
        }
        self.play_out()
    }

    /// Plays to the end or until an event of this index has happened. False: there is no such event.
    pub fn advance_past(&mut self, event: u64) -> bool {
        if self.phase == Phase::Birth && self.recorder.trace.is_empty() {
            self.begin();
        }
        while self.recorder.trace.len() <= event {
            if !self.advance() {
                return false;
            }
        }
        true
    }

    /// How many events there were.
    pub fn events(&self) -> u64 {
        self.recorder.trace.len()
    }

    /// What the numbers of its events are called.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The processes of every node.
    pub fn processes(&self) -> impl Iterator<Item = (NodeId, Vec<ProcessState>)> {
        self.nodes.iter().map(|node| (node.id, processes(node)))
    }

    /// All of it.
    pub fn state(&self) -> State {
        let node_state = |node: &Node| NodeState {
            id: node.id,
            up: node.up.is_some(),
            boots: node.boots,
            clock_off: node.clock_off,
            disk_jobs: match &node.up {
                Some(up) => up.disk_jobs.iter().map(|(_, job)| self.job_text(job)).collect(),
                None => Vec::new(),
            },
            processes: processes(node),
        };
        let due = self
            .queue
            .in_order()
            .filter(|(_, task)| self.is_current(task))
            .map(|(at, task)| (at, self.task_text(task)));
        State { at: self.now, nodes: self.nodes.iter().map(node_state).collect(), due: due.collect() }
    }

    /// Whether a task still means something: its node has not gone down since.
    fn is_current(&self, task: &Task) -> bool {
        match task {
            Task::Wake(node, boot)
            | Task::Disk(node, boot)
            | Task::Offline(node, boot, _)
            | Task::Serve(node, boot, ..)
            | Task::Say(node, boot, ..)
            | Task::Kill(node, boot, _) => self.is_up(*node, *boot),
            Task::Boot(node, boot) => self.nodes[*node].up.is_none() && self.nodes[*node].boots == *boot,
            Task::Turn(node, process, life) => {
                let up = self.nodes[*node].up.as_ref();
                let live = up.and_then(|up| up.guests.get(process.0 as usize)?.as_deref());
                live.is_some_and(|live| live.number == *life)
            }
            Task::Arrive(..) | Task::Block | Task::Backup(..) | Task::Script(_) | Task::Lift | Task::End => true,
        }
    }

    fn job_text(&self, job: &Job) -> String {
        let name = |process: &ProcessRef| self.names.process_text(*process);
        match job {
            Job::Table(_, changes) => {
                let each = changes.iter().map(|change| match change {
                    Change::Put(process, _) => format!("put {}", name(process)),
                    Change::Remove(process) => format!("remove {}", name(process)),
                });
                format!("write the process table: {}", each.collect::<Vec<_>>().join(", "))
            }
            Job::State(process, _, StateOp::Get) => format!("read the state of {}", name(process)),
            Job::State(process, _, StateOp::Set(bytes)) => {
                format!("write the state of {}: {}", name(process), body(bytes))
            }
            Job::State(process, _, StateOp::Clear) => format!("clear the state of {}", name(process)),
            Job::Module(module, message) => format!("{} serves {}", name(module), message_text(message, &self.names)),
            Job::Load(_, reader, path) => format!("load {path} for {}", name(reader)),
        }
    }

    fn task_text(&self, task: &Task) -> String {
        let node = |node: &usize| self.names.node_text(self.nodes[*node].id);
        let name = |process: &ProcessRef| self.names.process_text(*process);
        match task {
            Task::Turn(at, process, life) => format!("{}: the turn of {}/{life}", node(at), name(process)),
            Task::Wake(at, _) => format!("{}: the next deadline of its kernel", node(at)),
            Task::Disk(at, _) => format!("{}: its disk finishes what is first in line", node(at)),
            Task::Arrive(at, message) => format!("{}: arrives {}", node(at), message_text(message, &self.names)),
            Task::Offline(at, _, message) => {
                format!("{}: finds nobody: {}", node(at), message_text(message, &self.names))
            }
            Task::Serve(at, _, module, ..) => format!("{}: {} serves a message", node(at), name(module)),
            Task::Block => "the next block of the chain".to_string(),
            Task::Say(at, ..) => format!("{}: a module answers", node(at)),
            Task::Boot(at, _) => format!("{}: boots", node(at)),
            Task::Kill(at, _, process) => format!("{}: {} is killed", node(at), name(process)),
            Task::Backup(at, _) => format!("{}: its disk is backed up", node(at)),
            Task::Script(line) => format!("line {} of the script", line + 1),
            Task::Lift => "faults end".to_string(),
            Task::End => "the end of the run".to_string(),
        }
    }
}

/// The processes of a node: in its table, or with something on its disk; runtime modules left out.
fn processes(node: &Node) -> Vec<ProcessState> {
    let views: Vec<ProcessView> = node.up.iter().flat_map(|up| up.kernel.views()).collect();
    let on_disk = node.known.rows.keys().chain(node.known.states.keys()).copied();
    let ids: BTreeSet<ProcessRef> = views.iter().map(|view| view.id).chain(on_disk).collect();
    let state = |id: ProcessRef| {
        let live = node.up.as_ref().and_then(|up| up.guests.get(id.0 as usize)?.as_deref());
        ProcessState {
            id,
            life: live.map(|live| live.number),
            waits_in: live.and_then(|live| live.waits_in),
            view: views.iter().find(|view| view.id == id).cloned(),
            saved: node.known.states.get(&id).cloned(),
            row: node.known.rows.get(&id).cloned(),
        }
    };
    ids.into_iter().filter(|id| !id.is_module()).map(state).collect()
}

impl ProcessState {
    /// In words, one for each of [`FIELDS`]; empty where there is nothing to say.
    pub fn fields(&self, names: &Names) -> [String; 8] {
        let view = self.view.as_ref();
        let status = match (view, self.waits_in) {
            (Some(view), Some(call)) if self.life.is_some() => format!("{} ({})", view.status.text(), call.name()),
            (Some(view), _) => view.status.text().to_string(),
            (None, _) => "not in the table".to_string(),
        };
        let in_force = view.map(|view| {
            let next = view.on_exit_next.as_ref().map(|next| format!("; being written: {}", on_exit(next, names)));
            format!("{}{}", on_exit(&view.on_exit, names), next.unwrap_or_default())
        });
        let public = if view.is_some_and(|view| view.public) { "(public) " } else { "" };
        let held = view.map(|view| format!("{public}{}", list(&view.capabilities, |c| capability(c, names))));
        let row = self.row.as_ref().map(|row| {
            let held = match row.capabilities.len() {
                1 => "1 capability".to_string(),
                n => format!("{n} capabilities"),
            };
            format!("{}, {held}", on_exit(&row.on_exit, names))
        });
        [
            self.life.map(|life| life.to_string()).unwrap_or_default(),
            status,
            in_force.unwrap_or_default(),
            view.map(|view| list(&view.mailbox, |each| waiting(each, names))).unwrap_or_default(),
            view.map(|view| list(&view.pending, |each| pending(each, names))).unwrap_or_default(),
            held.unwrap_or_default(),
            self.saved.as_deref().map(body).unwrap_or_default(),
            row.unwrap_or_default(),
        ]
    }
}

/// The first entries, one a line, and how many more there are.
fn list<'a, T: 'a>(entries: impl IntoIterator<Item = &'a T>, text: impl Fn(&T) -> String) -> String {
    let mut lines = Vec::new();
    let mut more = 0;
    for entry in entries {
        if lines.len() < LIST_MAX { lines.push(text(entry)) } else { more += 1 }
    }
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}

fn on_exit(value: &OnExit, names: &Names) -> String {
    match value {
        OnExit::None => "None".to_string(),
        OnExit::Restart => "Restart".to_string(),
        OnExit::Requests(requests) => {
            let each = |request: &kernel_core::OnExitRequest| {
                format!("{}: {}", names.address_text(request.target), body(&request.request.body))
            };
            format!("Requests [{}]", requests.iter().map(each).collect::<Vec<_>>().join(", "))
        }
    }
}

fn capability(capability: &Capability, names: &Names) -> String {
    format!("{} of {}", names.params_text(capability.params), names.address_text(capability.issuer))
}

fn message_text(message: &Message, names: &Names) -> String {
    let kind = if message.is_request() { "request" } else { "response" };
    let (source, target) = (names.address_text(message.source), names.address_text(message.target));
    format!("{kind} #{} from {source} to {target}: {}", message.cause.0, body(message.body()))
}

fn waiting(waiting: &Waiting, names: &Names) -> String {
    let said = |kind: &str, message: &Message| {
        let source = names.address_text(message.source);
        format!("{kind} #{} from {source}: {}", message.cause.0, body(message.body()))
    };
    match waiting {
        Waiting::Request(message) => said("request", message),
        Waiting::Response(message) => said("response", message),
        Waiting::Failed(kind, message) => {
            let kind = match kind {
                SendErrorKind::Offline => "offline",
                SendErrorKind::Timeout => "timeout",
            };
            format!("{kind} of request #{} to {}", message.cause.0, names.address_text(message.target))
        }
    }
}

fn pending(pending: &Pending, names: &Names) -> String {
    let Pending { request, deadline, context } = pending;
    let context = context.as_deref().map(|bytes| format!(", context {}", body(bytes))).unwrap_or_default();
    let (target, until) = (names.address_text(request.target), crate::trace::time_text(*deadline));
    format!("response to #{} from {target}, until {until}s{context}", request.cause.0)
}

/// A body as a person reads it.
fn body(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().count() <= BODY_MAX => format!("{text:?}"),
        Ok(text) => format!("{:?}… ({} bytes)", text.chars().take(BODY_MAX).collect::<String>(), bytes.len()),
        Err(_) => format!("{} bytes", bytes.len()),
    }
}
