//! What a run that recovered lacks, or does too often, compared with the calm run. No author has to say it.
//!
//! - **Set up again**: what a process holds outside itself at the end of the calm run (paths and sockets at `http-server`,
//!   subscriptions at `eth`, a timer under way, children) and a living process lacks at the end of another run.
//! - **Done twice**: messages to others, and what is printed in answer to something, more often than in the calm run.
//! - **Never answered**: requests of the owner that were under way when the life that had them ended.
//! - **Lost**: messages of the owner that nobody had received when the life ended whose mailbox they were in.
//! - **Grows**: what changes at every start though nobody asked: state, files, rows.
//! - **Comes again**: what is heard and printed when all that went wrong is over.

use super::judge::{Again, Once, Terms, place};
use super::notes::{Note, start};
use super::rules::is_asked;
use crate::invariant::{Claim, Violation};
use crate::outside::visit::{Sight, Visit};
use crate::outside::web::is_like;
use crate::trace::event::{Event, Life, What};
use crate::world::Run;
use kernel_core::{Bytes, Cause, Message, MessageId, NodeId, ProcessRef};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A process on a node.
type Who = (NodeId, ProcessRef);

/// The rule that a process sets up again what it had set up outside itself, where a visitor uses it.
const SET_UP_AGAIN: Claim =
    Claim::own("set-up-again", "what a process has set up outside itself it sets up again after a restart");

/// The rule that what is to be done once is not done again.
const DONE_ONCE: Claim = Claim::own("once", "what is to be done once is done as often as when nothing goes wrong");

/// The rule that what comes over a browser's WebSocket comes again.
const STILL_SHOWS: Claim =
    Claim::own("still-shows", "over a browser's WebSocket comes what should when all that went wrong is over");

/// The rule that what is printed is printed again.
const STILL_PRINTS: Claim =
    Claim::own("still-prints", "the process prints what it should when all that went wrong is over");

/// In so many lives in a row at least something must grow to be told.
const GROWS: usize = 3;

/// What the calm run comes to, to compare others with.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    /// What each process holds outside itself at the end.
    holds: BTreeMap<Who, BTreeSet<Holding>>,
    /// How often each effect was seen.
    effects: BTreeMap<Effect, u64>,
    /// Paths at which a visitor was served, without slashes at their ends.
    visited: BTreeSet<String>,
    /// The processes that are alive at the end.
    alive: BTreeSet<Who>,
    /// How many messages of the owner each process received.
    heard_of_owner: BTreeMap<Who, u64>,
    /// What came about once more when all was over, of what the terms have.
    again: Vec<Again>,
    /// What runs are judged by.
    pub terms: Terms,
}

/// Something that a process holds outside itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Holding {
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
struct Effect {
    who: Who,
    what: String,
}

/// What a run was seen to hold and to do.
#[derive(Default)]
struct Observed {
    holds: BTreeMap<Who, BTreeSet<Holding>>,
    /// How often each effect was seen, and where first.
    effects: BTreeMap<Effect, (u64, Cause)>,
    /// Effects that came after something from outside had reached the life: no matter of its start.
    answering: BTreeSet<Effect>,
    /// How many messages of the owner each process received.
    heard_of_owner: BTreeMap<Who, u64>,
    alive: BTreeMap<Who, Life>,
    /// Where each life began.
    began: BTreeMap<(Who, u32), Cause>,
    parents: BTreeMap<Who, Who>,
    /// Timers under way, by process: the requests.
    timers: BTreeMap<Who, BTreeSet<MessageId>>,
    /// The processes that have set a timer since the last fault.
    sets_timers: BTreeSet<Who>,
    /// Subscriptions, by their numbers.
    subscriptions: BTreeMap<(Who, u64), String>,
    /// Lives that have received something from outside their own asking.
    has_heard: BTreeSet<(NodeId, Life)>,
    over: bool,
    killed: bool,
    visited: BTreeSet<String>,
    /// Requests of the owner: received by whom, and whether that life has ended without an answer.
    asked: BTreeMap<MessageId, (Who, Option<Life>)>,
    /// What each life has received of them.
    held: BTreeMap<(NodeId, Life), Vec<MessageId>>,
    /// The processes that have left by themselves.
    left: BTreeSet<Who>,
    unanswered: BTreeMap<Who, u64>,
    /// Saved states: as a life found it, and how often a start has changed it, from what to what.
    states: BTreeMap<Who, Bytes>,
    changed_at_start: BTreeMap<Who, (u32, Bytes, Bytes)>,
    /// What lives did to files and databases before anything reached them: in which lives.
    at_start: BTreeMap<(Who, Growth), BTreeSet<u32>>,
    /// The keys that starts have set, by database.
    keys: BTreeSet<(Who, String, String)>,
    /// How many bytes a file had each time that a start wrote it whole.
    written: BTreeMap<(Who, String), Vec<usize>>,
    /// What came over WebSockets since nothing goes wrong any more, and which were refused for want of a path.
    heard: BTreeMap<String, Vec<String>>,
    refused: BTreeSet<String>,
    /// Lives that handle something that somebody outside has asked.
    handles: BTreeSet<(NodeId, Life)>,
    /// What was printed since nothing goes wrong any more: by whom, what, whether while it handled what was asked.
    printed: Vec<(Who, String, bool)>,
    /// Requests of the owner that nobody has received yet, by whom they are for.
    in_mailbox: BTreeMap<Who, BTreeSet<(NodeId, MessageId)>>,
    lost: BTreeMap<(NodeId, MessageId), Who>,
}

/// How a start makes more of what is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Growth {
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
    fn of(run: &Run) -> Observed {
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
                self.holds.retain(|(on, _), _| *on != node);
                self.subscriptions.retain(|((on, _), _), _| *on != node);
                self.timers.retain(|(on, _), _| *on != node);
                let here: Vec<Who> = self.in_mailbox.keys().filter(|(on, _)| *on == node).copied().collect();
                here.into_iter().for_each(|who| self.lose(who));
            }
            What::Lifted => self.over = true,
            What::Started(life) => {
                self.alive.insert((node, life.process), *life);
                self.began.insert(((node, life.process), life.number), index);
            }
            What::Killed(life) => {
                self.killed = true;
                self.ended(node, *life);
            }
            What::Exited(life, ..) => {
                self.left.insert((node, life.process));
                self.ended(node, *life);
            }
            What::Lost(life) => self.ended(node, *life),
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
                if self.over {
                    let is_answer = self.handles.contains(&(node, *life));
                    self.printed.push(((node, life.process), text.to_string(), is_answer));
                }
                self.has_effect(index, (node, life.process), format!("prints {:?}", clipped(text)))
            }
            What::Shown(sight) => match &**sight {
                Sight::Http(_, path, status, ..) if *status < 400 => _ = self.visited.insert(plain_path(path)),
                Sight::Frame(socket, frame) if self.over => {
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
                if self.over {
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
    fn has_again(&self, again: &Again, run: &Run, in_answer: bool) -> bool {
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

/// What a run shows, compared with the calm one.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// What is worth knowing.
    pub notes: BTreeSet<Note>,
    /// What counts against the package.
    pub broken: Vec<Violation>,
    /// Effects that were seen more often than in the calm run: who, what, how often in the calm run and in this one.
    pub repeated: Vec<(String, String, u64, u64)>,
    /// Requests of the owner that were never answered, since the life that had them ended: of whom, how many.
    pub unanswered: Vec<(String, u64)>,
    /// Messages of the owner that were lost with a mailbox: of whom, how many.
    pub lost: Vec<(String, u64)>,
}

impl Baseline {
    /// What the calm run comes to.
    pub fn of(calm: &Run, terms: &Terms) -> Baseline {
        let seen = Observed::of(calm);
        let again = terms.again.iter().filter(|again| seen.has_again(again, calm, true)).cloned().collect();
        let alive = seen.alive.keys().copied().collect();
        let Observed { holds, effects, visited, heard_of_owner, .. } = seen;
        let answering = seen.answering;
        let effects = effects.into_iter().filter(|(effect, _)| answering.contains(effect));
        let effects = effects.map(|(effect, (count, _))| (effect, count)).collect();
        Baseline { holds, effects, visited, alive, heard_of_owner, again, terms: terms.clone() }
    }

    /// Compares a run with it.
    pub fn compare(&self, run: &Run) -> Recovered {
        let seen = Observed::of(run);
        let mut recovered = Recovered::default();
        let name = |(_, process): Who| run.names.process_text(process).to_string();
        for (who, held) in &self.holds {
            let Some(life) = seen.alive.get(who) else { continue };
            let has = seen.holds.get(who);
            for holding in held.iter().filter(|holding| has.is_none_or(|has| !has.contains(holding))) {
                // A killed process stays dead (E5): its parent need not bring it back.
                if seen.killed && *holding == Holding::Children {
                    continue;
                }
                let facts = format!(
                    "{} is alive (life {}) and has not set up {holding} again after a restart",
                    name(*who),
                    life.number
                );
                if self.is_used(*who, holding, run) {
                    let began = seen.began.get(&(*who, life.number)).copied();
                    recovered.broken.push(Violation { claim: SET_UP_AGAIN, facts, at: None, began });
                } else {
                    recovered.notes.insert(Note::NotSetUpAgain(name(*who), holding.to_string()));
                }
            }
        }
        for (effect, (count, _)) in &seen.effects {
            // What the calm run never does is another matter: an error path, say.
            let calm = self.effects.get(effect).copied().unwrap_or_default();
            if calm > 0 && *count > calm {
                let what = with_target(&effect.what, run);
                recovered.repeated.push((name(effect.who), what, calm, *count));
            }
        }
        for once in &self.terms.once {
            recovered.broken.extend(self.once(once, &seen, run));
        }
        recovered.broken.extend(self.again.iter().filter_map(|again| self.missed(again, &seen, run)));
        let mut lost: BTreeMap<String, u64> = BTreeMap::new();
        seen.lost.values().for_each(|who| *lost.entry(name(*who)).or_default() += 1);
        recovered.lost = lost.into_iter().collect();
        recovered.unanswered = seen.unanswered.iter().map(|(who, n)| (name(*who), *n)).collect();
        for who in self.alive.iter().filter(|who| !seen.alive.contains_key(who)) {
            let is_script = self.terms.scripts.contains(&name(*who));
            // Who has left by itself is gone by no crash's doing.
            if !is_script && !seen.killed && !seen.left.contains(who) {
                recovered.notes.insert(Note::GoneAfterCrash(name(*who)));
            }
        }
        for (who, (times, before, after)) in &seen.changed_at_start {
            if *times >= 2 {
                recovered.notes.insert(Note::ChangesAtStart(name(*who), slope(before, after)));
            }
        }
        for ((who, how), lives) in &seen.at_start {
            if lives.len() >= GROWS {
                recovered.notes.insert(Note::ChangesAtStart(name(*who), how.to_string()));
            }
        }
        for ((who, path), sizes) in &seen.written {
            if sizes.len() >= GROWS && sizes.windows(2).all(|pair| pair[0] < pair[1]) {
                let (first, second) = (sizes[0], sizes[1]);
                let how = format!("{:+} bytes of {path} at a start, from {first} to {second}", second - first);
                recovered.notes.insert(Note::ChangesAtStart(name(*who), how));
            }
        }
        recovered
    }

    /// What is done more often than it may be, or never.
    fn once(&self, once: &Once, seen: &Observed, run: &Run) -> Option<Violation> {
        let pattern = if once.what.contains('*') { once.what.clone() } else { format!("*{}*", once.what) };
        let pattern = format!("*\"{pattern}\"*");
        let is_meant =
            |effect: &Effect| run.names.process_text(effect.who.1) == once.process && is_like(&effect.what, &pattern);
        let again = seen.effects.iter().filter(|(effect, _)| is_meant(effect)).find_map(|(effect, (count, first))| {
            let calm = self.effects.get(effect).copied().unwrap_or_default().max(1);
            let what = with_target(&effect.what, run);
            let facts = || format!("{} {what} {count} times, and not {calm}", once.process);
            (*count > calm).then(|| (facts(), Some(*first)))
        });
        let never = || {
            let mut missing =
                self.effects.keys().filter(|effect| is_meant(effect) && !seen.effects.contains_key(effect));
            let heard = |of: &BTreeMap<Who, u64>, who| of.get(&who).copied().unwrap_or_default();
            let missing = missing
                .find(|effect| heard(&seen.heard_of_owner, effect.who) >= heard(&self.heard_of_owner, effect.who));
            missing.map(|effect| (format!("{} never {}", once.process, with_target(&effect.what, run)), None))
        };
        let (facts, began) = again.or_else(|| if once.exactly { never() } else { None })?;
        Some(Violation { claim: DONE_ONCE, facts, at: None, began })
    }

    /// What should have come about once more and has not. Who was killed or has left owes nothing, and a path that is bound
    /// no longer is another rule's.
    fn missed(&self, again: &Again, seen: &Observed, run: &Run) -> Option<Violation> {
        if seen.killed || seen.has_again(again, run, false) {
            return None;
        }
        let is_alive = |process: &str| seen.alive.keys().any(|(_, alive)| run.names.process_text(*alive) == process);
        let (claim, facts, owes) = match again {
            Again::Hears { socket, path, text } => {
                let plain = path.trim_start_matches('/');
                let process = seen.alive.keys().find(|(_, alive)| plain.starts_with(run.names.process_text(*alive)));
                let facts = format!(
                    "nothing with {text:?} came over the WebSocket at {path} when all that went wrong was over"
                );
                (STILL_SHOWS, facts, process.is_some() && !seen.refused.contains(socket))
            }
            Again::Prints { process, text, .. } => {
                let facts = format!("{process} did not print {text:?} again when all that went wrong was over");
                (STILL_PRINTS, facts, is_alive(process))
            }
        };
        owes.then_some(Violation { claim, facts, at: None, began: None })
    }

    /// Whether a visitor of the workload uses what is held.
    fn is_used(&self, (_, process): Who, holding: &Holding, run: &Run) -> bool {
        let (Holding::Path(path) | Holding::Socket(path)) = holding else { return false };
        let id = run.names.process_text(process);
        let full = format!("/{id}/{}", path.trim_start_matches('/'));
        self.visited.contains(full.trim_end_matches('/'))
    }
}

/// The two ends of what changes at a start, in words: as a number if both are one.
fn slope(before: &[u8], after: &[u8]) -> String {
    let number = |bytes: &[u8]| match bytes.len() {
        _ if std::str::from_utf8(bytes).is_ok_and(|text| text.trim().parse::<f64>().is_ok()) => {
            std::str::from_utf8(bytes).ok().and_then(|text| text.trim().parse::<f64>().ok())
        }
        8 => bytes.try_into().ok().map(|bytes| u64::from_le_bytes(bytes) as f64),
        4 => bytes.try_into().ok().map(|bytes| u32::from_le_bytes(bytes).into()),
        _ => None,
    };
    match (number(before), number(after)) {
        (Some(before), Some(after)) => format!("{:+} at a start, from {before} to {after}", after - before),
        _ => format!(
            "{:+} bytes at a start, from {} to {}",
            after.len() as i64 - before.len() as i64,
            start(before),
            start(after)
        ),
    }
}

/// An effect with its target's name.
fn with_target(what: &str, run: &Run) -> String {
    let target = what.strip_prefix("sends {").and_then(|rest| rest.split_once("} "));
    match target.and_then(|(target, body)| Some((target.parse().ok()?, body))) {
        Some((target, body)) => format!("sends {} {body}", run.names.process_text(ProcessRef(target))),
        None => what.to_string(),
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

/// What the repeated effects of all runs come to, by process and by what it is but for numbers: an example, how often it
/// was in the calm run, how often at most, and in how many runs.
#[derive(Clone, Debug, Default)]
pub struct Repeats(BTreeMap<(String, String), (String, u64, u64, u64)>);

impl Repeats {
    /// Takes in what one run repeated.
    pub fn add(&mut self, repeated: Vec<(String, String, u64, u64)>) {
        for (who, what, calm, count) in repeated {
            let entry = self.0.entry((who, place(&what))).or_insert((what.clone(), calm, 0, 0));
            if count > entry.2 {
                (entry.0, entry.1, entry.2) = (what, calm, count);
            }
            entry.3 += 1;
        }
    }

    /// A note for each, with in how many runs it was.
    pub fn notes(&self) -> impl Iterator<Item = (Note, u64)> {
        self.0.iter().map(|((who, _), (what, calm, most, runs))| {
            (Note::DoneAgain(who.clone(), what.clone(), *calm, *most), *runs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::slope;

    #[test]
    fn what_grows_is_told_as_a_number_where_it_is_one() {
        assert_eq!(slope(b"100", b"200"), "+100 at a start, from 100 to 200");
        assert_eq!(slope(&7u64.to_le_bytes(), &9u64.to_le_bytes()), "+2 at a start, from 7 to 9");
        assert_eq!(slope(b"[1]", b"[1,1]"), "+2 bytes at a start, from \"[1]\" to \"[1,1]\"");
    }
}
