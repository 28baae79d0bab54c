//! What a run was seen to hold outside its processes, and to do: what the calm run is compared by.

use super::judge::Again;
use super::notes::start;
use super::rules::{commands_kill, is_asked};
use crate::outside::visit::{Sight, Visit};
use crate::trace::event::{Event, Life, What};
use crate::world::Run;
use kernel_core::{Bytes, Cause, Change, Duration, Instant, Message, MessageId, NodeId, ProcessRef};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A process on a node.
pub(super) type Who = (NodeId, ProcessRef);

/// Something that a process holds outside itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holding {
    Path(String),
    Socket(String),
    Subscription(String),
    Timer,
    Children,
}

impl std::fmt::Display for Holding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Holding::Path(path) => write!(f, "the path {path:?} at http-server:distro:sys"),
            Holding::Socket(path) => write!(f, "the WebSocket path {path:?} at http-server:distro:sys"),
            Holding::Subscription(what) => write!(f, "the subscription to {what} at eth:distro:sys"),
            Holding::Timer => f.write_str("its timer"),
            Holding::Children => f.write_str("its children"),
        }
    }
}

/// Something that a process does outside itself: who, and what in words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Effect {
    pub(super) who: Who,
    pub(super) what: String,
}

/// A life that begins so long after the storm may have missed what is asked again then.
const ASKED_AGAIN: Duration = Duration::from_secs(4);

/// What a run was seen to hold and to do.
#[derive(Default)]
pub(super) struct Observed {
    pub(super) holds: BTreeMap<Who, BTreeSet<Holding>>,
    /// How often each effect was seen, and where first.
    pub(super) effects: BTreeMap<Effect, (u64, Cause)>,
    /// Effects that came after something from outside had reached the life: no matter of its start.
    pub(super) answering: BTreeSet<Effect>,
    /// How many messages of the owner each process received.
    pub(super) heard_of_owner: BTreeMap<Who, u64>,
    pub(super) alive: BTreeMap<Who, Life>,
    /// Where each life began.
    pub(super) began: BTreeMap<(Who, u32), Cause>,
    parents: BTreeMap<Who, Who>,
    /// Timers under way, by process: the requests.
    timers: BTreeMap<Who, BTreeSet<MessageId>>,
    /// The processes that have set a timer since the last fault.
    sets_timers: BTreeSet<Who>,
    /// Subscriptions, by their numbers.
    subscriptions: BTreeMap<(Who, u64), String>,
    /// Lives that have received something from outside their own asking.
    has_heard: BTreeSet<(NodeId, Life)>,
    /// When the storm was over.
    over: Option<Instant>,
    /// Since when a process has had no life, of those that have exited by themselves.
    backs_off: BTreeMap<Who, Instant>,
    /// The processes whose latest life began too late for what was asked again: they were in a back-off.
    pub(super) late: BTreeSet<Who>,
    pub(super) killed: bool,
    pub(super) visited: BTreeSet<String>,
    /// Requests of the owner: received by whom, and whether that life has ended without an answer.
    asked: BTreeMap<MessageId, (Who, Option<Life>)>,
    /// What each life has received of them.
    held: BTreeMap<(NodeId, Life), Vec<MessageId>>,
    /// The processes that have left by themselves.
    pub(super) left: BTreeSet<Who>,
    pub(super) unanswered: BTreeMap<Who, u64>,
    /// Saved states: as a life found it, and how often a start has changed it, from what to what.
    states: BTreeMap<Who, Bytes>,
    pub(super) changed_at_start: BTreeMap<Who, (u32, Bytes, Bytes)>,
    /// What lives did to files and databases before anything reached them: in which lives.
    pub(super) at_start: BTreeMap<(Who, Growth), BTreeSet<u32>>,
    /// The keys that starts have set, by database.
    keys: BTreeSet<(Who, String, String)>,
    /// How many bytes a file had each time that a start wrote it whole.
    pub(super) written: BTreeMap<(Who, String), Vec<usize>>,
    /// What came over WebSockets since nothing goes wrong any more, and which were refused for want of a path.
    heard: BTreeMap<String, Vec<String>>,
    pub(super) refused: BTreeSet<String>,
    /// Lives that handle something that somebody outside has asked.
    handles: BTreeSet<(NodeId, Life)>,
    /// What was printed since nothing goes wrong any more: by whom, what, whether while it handled what was asked.
    printed: Vec<(Who, String, bool)>,
    /// Requests of the owner that nobody has received yet, by whom they are for.
    in_mailbox: BTreeMap<Who, BTreeSet<(NodeId, MessageId)>>,
    pub(super) lost: BTreeMap<(NodeId, MessageId), Who>,
}

/// How a start makes more of what is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Growth {
    Appends(String),
    Inserts(String),
    Sets(String),
}

impl std::fmt::Display for Growth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Growth::Appends(path) => write!(f, "it appends to {path}"),
            Growth::Inserts(statement) => write!(f, "it inserts rows, {statement}"),
            Growth::Sets(database) => write!(f, "it sets another key of the database {database}"),
        }
    }
}

impl Observed {
    pub(super) fn of(run: &Run) -> Observed {
        let mut seen = Observed::default();
        for (index, event) in run.trace.events() {
            seen.take_in(*index, event);
        }
        seen.finish();
        seen
    }

    fn take_in(&mut self, index: Cause, event: &Event) {
        let node = event.node;
        match &event.what {
            What::Down(_) => {
                self.backs_off.retain(|(on, _), _| *on != node);
                self.holds.retain(|(on, _), _| *on != node);
                self.subscriptions.retain(|((on, _), _), _| *on != node);
                self.timers.retain(|(on, _), _| *on != node);
                let here: Vec<Who> = self.in_mailbox.keys().filter(|(on, _)| *on == node).copied().collect();
                here.into_iter().for_each(|who| self.lose(who));
            }
            What::Lifted => self.over = Some(event.at),
            What::Started(life) => {
                self.alive.insert((node, life.process), *life);
                self.began.insert(((node, life.process), life.number), index);
                let waited = self.backs_off.remove(&(node, life.process)).is_some_and(|since| since < event.at);
                if waited && self.over.is_some_and(|over| event.at - over >= ASKED_AGAIN) {
                    self.late.insert((node, life.process));
                }
            }
            What::Exited(life, ..) => {
                self.left.insert((node, life.process));
                self.backs_off.insert((node, life.process), event.at);
                self.ended(node, *life);
            }
            What::Killed(life) => {
                self.killed = true;
                self.ended(node, *life);
            }
            What::Lost(life) => self.ended(node, *life),
            What::Durable(change) => {
                // Its exit has taken effect.
                if let Change::Remove(process) = **change {
                    self.backs_off.remove(&(node, process));
                }
            }
            // In a back-off there is no life that would be seen to end.
            What::Command(..) => {
                let process = commands_kill(&event.what);
                self.killed |= process.is_some_and(|process| self.backs_off.contains_key(&(node, process)));
            }
            What::Spawned(life, Ok(child)) => _ = self.parents.insert((node, *child), (node, life.process)),
            What::Received(life, message, _) => {
                self.rings((node, life.process), message.id);
                self.takes((node, life.process), message);
                self.lost.remove(&(message.source.node, message.id));
                if message.is_request() {
                    let source = message.source.process;
                    if matches!(source, ProcessRef::TERMINAL | ProcessRef::HTTP_SERVER) {
                        self.handles.insert((node, *life));
                    } else {
                        self.handles.remove(&(node, *life));
                    }
                    self.has_heard.insert((node, *life));
                }
                if message.source.process == ProcessRef::TERMINAL {
                    *self.heard_of_owner.entry((node, life.process)).or_default() += 1;
                }
                if let Some((_, by)) = self.asked.get_mut(&message.id) {
                    *by = Some(*life);
                    self.held.entry((node, *life)).or_default().push(message.id);
                }
            }
            What::ReceivedError(life, _, request, _) => self.rings((node, life.process), request.id),
            What::Dropped(message, _) => self.takes((message.target.node, message.target.process), message),
            What::ModuleReceived(ProcessRef::TERMINAL, message) => _ = self.asked.remove(&message.id),
            What::Sent(message) => self.sent(index, node, message),
            What::Printed(life, _, text) => {
                if self.over.is_some() {
                    let is_answer = self.handles.contains(&(node, *life));
                    self.printed.push(((node, life.process), text.to_string(), is_answer));
                }
                self.has_effect(index, (node, life.process), format!("prints {:?}", clipped(text)))
            }
            What::Shown(sight) => match &**sight {
                Sight::Http(_, path, status, ..) if *status < 400 => _ = self.visited.insert(plain_path(path)),
                Sight::Frame(socket, frame) if self.over.is_some() => {
                    let text = String::from_utf8_lossy(&frame.bytes).into_owned();
                    self.heard.entry(socket.clone()).or_default().push(text);
                }
                Sight::Refused(socket, 404) => _ = self.refused.insert(socket.clone()),
                _ => {}
            },
            What::Visited(visit) => {
                if let Visit::Open(_, request) = &**visit {
                    self.visited.insert(plain_path(&request.path));
                }
            }
            What::StateDurable(process, bytes) => {
                let who = (node, *process);
                let before = match bytes {
                    Some(bytes) => self.states.insert(who, bytes.clone()),
                    None => self.states.remove(&who),
                };
                let is_start = self.alive.get(&who).is_some_and(|life| !self.has_heard.contains(&(node, *life)));
                if let (true, Some(before), Some(now)) = (is_start, before, bytes)
                    && before != *now
                {
                    self.changed_at_start.entry(who).or_insert((0, before, now.clone())).0 += 1;
                }
            }
            _ => {}
        }
    }

    fn sent(&mut self, index: Cause, node: NodeId, message: &Message) {
        let who = (node, message.source.process);
        if message.source.process == ProcessRef::ETH
            && let Some(id) = json(message)["Err"]["id"].as_u64()
        {
            self.subscriptions.remove(&((node, message.target.process), id));
        }
        if is_asked(message) {
            self.asked.insert(message.id, ((message.target.node, message.target.process), None));
        }
        let is_owners = message.source.process == ProcessRef::TERMINAL && message.is_request();
        if is_owners && !message.target.process.is_module() {
            let to = (message.target.node, message.target.process);
            self.in_mailbox.entry(to).or_default().insert((message.source.node, message.id));
        }
        if message.source.process.is_module() || !message.is_request() || message.source.node != node {
            return;
        }
        let target = message.target.process;
        let holds = self.holds.entry(who).or_default();
        match target {
            ProcessRef::HTTP_SERVER => {
                let body = json(message);
                for (action, is_socket) in
                    [("Bind", false), ("SecureBind", false), ("WebSocketBind", true), ("WebSocketSecureBind", true)]
                {
                    if let Some(path) = body[action]["path"].as_str() {
                        let path = path.trim_end_matches('/').to_string();
                        holds.insert(if is_socket { Holding::Socket(path) } else { Holding::Path(path) });
                    }
                }
                for (action, is_socket) in [("Unbind", false), ("WebSocketUnbind", true)] {
                    if let Some(path) = body[action]["path"].as_str() {
                        let path = path.trim_end_matches('/').to_string();
                        holds.remove(&if is_socket { Holding::Socket(path) } else { Holding::Path(path) });
                    }
                }
            }
            ProcessRef::ETH => {
                let body = json(message);
                let subscribes = &body["SubscribeLogs"];
                if let Some(id) = subscribes["sub_id"].as_u64() {
                    let kind = subscribes["kind"].as_str().unwrap_or("logs").to_string();
                    self.subscriptions.insert((who, id), kind);
                }
                if let Some(id) = body["UnsubscribeLogs"].as_u64() {
                    self.subscriptions.remove(&(who, id));
                }
            }
            ProcessRef::TIMER => {
                self.timers.entry(who).or_default().insert(message.id);
                if self.over.is_some() {
                    self.sets_timers.insert(who);
                }
            }
            ProcessRef::VFS => {
                let body = json(message);
                let path = body["path"].as_str().unwrap_or_default().to_string();
                match (self.starting(who), body["action"].as_str()) {
                    (Some(life), Some("Append")) => self.grows(who, Growth::Appends(path), life),
                    (Some(_), Some("Write")) => {
                        let bytes = message.blob.as_ref().map_or(0, |blob| blob.bytes.len());
                        self.written.entry((who, path)).or_default().push(bytes);
                    }
                    _ => {}
                }
            }
            ProcessRef::SQLITE => {
                let body = json(message);
                let statement = body["action"]["Write"]["statement"].as_str().unwrap_or_default();
                let upper = statement.trim_start().to_ascii_uppercase();
                // What replaces or ignores a row that is there makes no more of them.
                let adds =
                    upper.starts_with("INSERT INTO") && !upper.contains("ON CONFLICT") && !upper.contains("NOT EXISTS");
                if let (Some(life), true) = (self.starting(who), adds) {
                    self.grows(who, Growth::Inserts(start(statement.as_bytes())), life);
                }
            }
            ProcessRef::KV => {
                let body = json(message);
                let (key, database) = (&body["action"]["Set"]["key"], body["db"].as_str().unwrap_or_default());
                if let (Some(life), false) = (self.starting(who), key.is_null())
                    && self.keys.insert((who, database.to_string(), key.to_string()))
                {
                    self.grows(who, Growth::Sets(database.to_string()), life);
                }
            }
            ProcessRef::HTTP_CLIENT => self.effect(index, who, target, message),
            _ if !target.is_module() => self.effect(index, who, target, message),
            _ => {}
        }
    }

    /// The life of a process that nothing has reached yet.
    fn starting(&self, who: Who) -> Option<Life> {
        self.alive.get(&who).filter(|life| !self.has_heard.contains(&(who.0, **life))).copied()
    }

    fn grows(&mut self, who: Who, how: Growth, life: Life) {
        self.at_start.entry((who, how)).or_default().insert(life.number);
    }

    /// What is in this mailbox is lost.
    fn lose(&mut self, who: Who) {
        let lost = self.in_mailbox.remove(&who).unwrap_or_default();
        self.lost.extend(lost.into_iter().map(|id| (id, who)));
    }

    /// A message is in this mailbox no longer.
    fn takes(&mut self, who: Who, message: &Message) {
        if let Some(messages) = self.in_mailbox.get_mut(&who) {
            messages.remove(&(message.source.node, message.id));
        }
    }

    /// The timer of this request is under way no longer.
    fn rings(&mut self, who: Who, request: MessageId) {
        if let Some(timers) = self.timers.get_mut(&who) {
            timers.remove(&request);
        }
    }

    fn effect(&mut self, index: Cause, who: Who, target: ProcessRef, message: &Message) {
        let is_own = who.1 == target && message.target.node == who.0;
        if !is_own {
            self.has_effect(index, who, format!("sends {{{}}} {}", target.0, start(message.body())));
        }
    }

    fn has_effect(&mut self, index: Cause, who: Who, what: String) {
        let effect = Effect { who, what };
        let has_heard = self.alive.get(&who).is_some_and(|life| self.has_heard.contains(&(who.0, *life)));
        if has_heard {
            self.answering.insert(effect.clone());
        }
        self.effects.entry(effect).or_insert((0, index)).0 += 1;
    }

    fn ended(&mut self, node: NodeId, life: Life) {
        let who = (node, life.process);
        self.alive.remove(&who);
        self.timers.remove(&who);
        self.handles.remove(&(node, life));
        self.lose(who);
        for id in self.held.remove(&(node, life)).unwrap_or_default() {
            if self.asked.get(&id) == Some(&(who, Some(life))) {
                self.asked.remove(&id);
                *self.unanswered.entry(who).or_default() += 1;
            }
        }
    }

    /// Whether something came about once more. In the calm run only what is said in answer counts: of what a process says by
    /// itself nobody knows that it has to come within the time that is left.
    pub(super) fn has_again(&self, again: &Again, run: &Run, in_answer: bool) -> bool {
        match again {
            Again::Hears { socket, text, .. } => {
                self.heard.get(socket).is_some_and(|frames| frames.iter().any(|frame| frame.contains(text)))
            }
            Again::Prints { node, process, text } => self.printed.iter().any(|((on, who), printed, is_answer)| {
                let is_meant = run.names.node_text(*on) == node && run.names.process_text(*who) == process;
                is_meant && printed.contains(text) && (*is_answer || !in_answer)
            }),
        }
    }

    /// What is held at the end beside what is bound.
    fn finish(&mut self) {
        for ((who, _), kind) in &self.subscriptions {
            self.holds.entry(*who).or_default().insert(Holding::Subscription(kind.clone()));
        }
        let rings = self.timers.iter().filter(|(_, timers)| !timers.is_empty()).map(|(who, _)| who);
        for who in rings.chain(&self.sets_timers) {
            self.holds.entry(*who).or_default().insert(Holding::Timer);
        }
        for (child, parent) in &self.parents {
            if self.alive.contains_key(child) {
                self.holds.entry(*parent).or_default().insert(Holding::Children);
            }
        }
    }
}

fn json(message: &Message) -> Value {
    serde_json::from_slice(message.body()).unwrap_or_default()
}

/// A path without its query, and without slashes at its end.
fn plain_path(path: &str) -> String {
    path.split('?').next().unwrap_or_default().trim_end_matches('/').to_string()
}

fn clipped(text: &str) -> String {
    text.chars().take(60).collect()
}
