//! What a package is held to, besides the contract: by itself, and by what its author says of it.

use super::exercise::Remembers;
use crate::event::{Event, Kind, What};
use crate::guest::MEMORY_REFUSED;
use crate::invariant::{Invariant, Past, Rule};
use crate::outside::visit::{HttpRequest, Sight, Visit};
use crate::scenario::On;
use kernel_core::{Cause, Duration, Exit, Message, MessageId, Names, NodeId, ProcessRef};
use std::collections::{BTreeMap, BTreeSet};

/// So many lives in a row that panic before they receive anything are a restart loop.
const LOOP: u32 = 5;

/// Whether this is that process on its node.
fn is(which: &On, node: NodeId, process: ProcessRef, names: &Names) -> bool {
    names.process_text(process) == which.process && names.node_text(node) == which.node
}

/// A panic that somebody made: the chooser, a disk that refuses, a host without memory.
fn is_made(words: &str) -> bool {
    words == "injected" || words.contains("the disk refused") || words.contains(MEMORY_REFUSED)
}

/// A process panics only if somebody makes it.
#[derive(Clone)]
pub(super) struct NoPanic;

impl Invariant for NoPanic {
    fn rule(&self) -> Rule {
        Rule { id: "panic", says: "no process of the package panics by itself" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Exited]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Exited(life, Exit::Panicked, words) if !is_made(words) => {
                Err(format!("{} panicked: {}", names.process_text(life.process), words.trim()))
            }
            _ => Ok(()),
        }
    }
}

/// A process that restarts gets somewhere.
#[derive(Clone, Default)]
pub(super) struct NoRestartLoop {
    /// How many lives in a row of each process have panicked by themselves and received nothing.
    in_vain: BTreeMap<(NodeId, ProcessRef), u32>,
}

impl Invariant for NoRestartLoop {
    fn rule(&self) -> Rule {
        Rule { id: "restart-loop", says: "no process is started again and again in vain" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Exited, Kind::Received]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        let Some(life) = event.what.life() else { return Ok(()) };
        let in_vain = self.in_vain.entry((event.node, life.process)).or_default();
        match &event.what {
            What::Exited(_, Exit::Panicked, words) if !is_made(words) => *in_vain += 1,
            What::Exited(..) => {}
            _ => *in_vain = 0,
        }
        match *in_vain {
            LOOP => Err(format!(
                "{} panicked in {LOOP} lives in a row before it received anything, and is started again",
                names.process_text(life.process)
            )),
            _ => Ok(()),
        }
    }
}

/// So many quanta of computing in a row, without a call, are a process that never comes back.
const SPUN: u32 = 10;

/// A process that computes comes back.
#[derive(Clone, Default)]
pub(super) struct NoSpinning {
    /// How many quanta in a row each process has spun.
    spun: BTreeMap<(NodeId, ProcessRef), u32>,
}

impl Invariant for NoSpinning {
    fn rule(&self) -> Rule {
        Rule { id: "spins", says: "no process computes on and on without a call" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Spun, Kind::Called, Kind::Started]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        let Some(life) = event.what.life() else { return Ok(()) };
        let What::Spun(_, quantum) = &event.what else {
            self.spun.remove(&(event.node, life.process));
            return Ok(());
        };
        let spun = self.spun.entry((event.node, life.process)).or_default();
        *spun += 1;
        match *spun {
            SPUN => Err(format!(
                "{} computed for {} without a call",
                names.process_text(life.process),
                Duration(quantum.0 * u64::from(SPUN))
            )),
            _ => Ok(()),
        }
    }
}

/// A process is alive at the end.
#[derive(Clone)]
pub(super) struct IsAlive {
    process: On,
    found: Option<(NodeId, ProcessRef)>,
    killed: bool,
}

impl IsAlive {
    /// Which.
    pub fn new(process: On) -> IsAlive {
        IsAlive { process, found: None, killed: false }
    }
}

impl Invariant for IsAlive {
    fn rule(&self) -> Rule {
        Rule { id: "alive", says: "the process is alive at the end, unless it was killed" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Started, Kind::Killed]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        if let Some(life) = event.what.life()
            && is(&self.process, event.node, life.process, names)
        {
            self.found = Some((event.node, life.process));
            self.killed |= matches!(event.what, What::Killed(_));
        }
        Ok(())
    }

    fn at_end(&mut self, past: &Past, _: &Names) -> Result<(), String> {
        let lives = self.found.is_some_and(|(node, process)| past.lives.life(node, process).is_some());
        match lives || self.killed {
            true => Ok(()),
            false if self.found.is_none() => Err(format!("{} never lived", self.process.process)),
            false => Err(format!("{} is gone, and nobody killed it", self.process.process)),
        }
    }
}

/// A process prints something, when nothing goes wrong.
#[derive(Clone)]
pub(super) struct Prints {
    process: On,
    text: String,
    seen: bool,
}

impl Prints {
    /// Which, and what is to be somewhere in its output.
    pub fn new(process: On, text: String) -> Prints {
        Prints { process, text, seen: false }
    }
}

impl Invariant for Prints {
    fn rule(&self) -> Rule {
        Rule { id: "prints", says: "the process prints what it should, when nothing goes wrong" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Printed]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        if let What::Printed(life, _, text) = &event.what {
            self.seen |= text.contains(&self.text) && is(&self.process, event.node, life.process, names);
        }
        Ok(())
    }

    fn at_end(&mut self, _: &Past, _: &Names) -> Result<(), String> {
        match self.seen {
            true => Ok(()),
            false => Err(format!("{} never printed {:?}", self.process.process, self.text)),
        }
    }
}

/// Whether a message is a request that a guest owes its owner an answer to.
fn is_asked(message: &Message) -> bool {
    let target = message.target.process;
    message.source.process == ProcessRef::TERMINAL && !target.is_module() && message.expects_response().is_some()
}

/// What the owner asks is answered: all of it when nothing goes wrong; else what it asks when that is over.
#[derive(Clone, Default)]
pub(super) struct IsAnswered {
    /// Whether nothing goes wrong in this run.
    calm: bool,
    over: bool,
    asked_when_over: BTreeSet<MessageId>,
    killed: bool,
}

impl IsAnswered {
    /// In a run in which nothing goes wrong.
    pub fn in_the_calm() -> IsAnswered {
        IsAnswered { calm: true, ..IsAnswered::default() }
    }
}

impl Invariant for IsAnswered {
    fn rule(&self) -> Rule {
        match self.calm {
            true => Rule { id: "answers", says: "what is asked is answered in time, when nothing goes wrong" },
            false => Rule {
                id: "still-answers",
                says: "what is asked is answered in time, when all that went wrong is over",
            },
        }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Lifted, Kind::Sent, Kind::Killed, Kind::ModuleReceivedError]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Lifted => self.over = true,
            What::Killed(_) => self.killed = true,
            What::Sent(message) if self.over && is_asked(message) => {
                self.asked_when_over.insert(message.id);
            }
            What::ModuleReceivedError(ProcessRef::TERMINAL, _, request) if is_asked(request) => {
                let target = request.target;
                // Who was killed stays dead, and so may be whom it needs; who has left for good owes nothing.
                let gone = self.killed || past.lives.life(target.node, target.process).is_none();
                let owed = self.calm || (self.asked_when_over.contains(&request.id) && !gone);
                if owed {
                    let (process, body) = (names.process_text(target.process), said(request.body()));
                    let seconds = request.expects_response().unwrap_or_default();
                    return Err(format!("{process} did not answer {body} within {seconds}s"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// What a browser asks is answered with the status that it should be, when nothing goes wrong.
#[derive(Clone)]
pub(super) struct Serves {
    /// What will be asked, in order, each with the status of its answer, if that matters.
    coming: Vec<(HttpRequest, Option<u16>)>,
    /// What was asked and has no answer yet.
    open: Vec<(HttpRequest, Option<u16>)>,
}

impl Serves {
    /// What will be asked, in order, each with the status of its answer, if that matters.
    pub fn new(coming: Vec<(HttpRequest, Option<u16>)>) -> Serves {
        Serves { coming, open: vec![] }
    }
}

impl Invariant for Serves {
    fn rule(&self) -> Rule {
        Rule { id: "serves", says: "what a browser asks has the status that is expected, when nothing goes wrong" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Visited, Kind::Shown]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, _: &Names) -> Result<(), String> {
        match &event.what {
            What::Visited(visit) => {
                if let Visit::Http(asked) = &**visit
                    && let Some(place) = self.coming.iter().position(|(coming, _)| coming == asked)
                {
                    self.open.push(self.coming.remove(place));
                }
            }
            // An answer does not say to which of two equal requests: to the first of them.
            What::Shown(sight) => {
                if let Sight::Http(method, path, got, ..) = &**sight
                    && let Some(place) =
                        self.open.iter().position(|(open, _)| open.method == *method && open.path == *path)
                    && let (_, Some(status)) = self.open.remove(place)
                    && status != *got
                {
                    return Err(format!("{sight}, and not {status}"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, _: &Past, _: &Names) -> Result<(), String> {
        let asked = self.open.iter().chain(&self.coming);
        match asked.filter_map(|(request, status)| Some((request, (*status)?))).next() {
            Some((HttpRequest { method, path, .. }, status)) => {
                Err(format!("{method} {path} gets no answer, and not {status}"))
            }
            None => Ok(()),
        }
    }
}

/// What a process has answered it does not take back.
#[derive(Clone)]
pub(super) struct NeverForgets {
    process: On,
    requests: Remembers,
    /// What it was asked and has not answered.
    open: BTreeMap<MessageId, String>,
    /// What it has answered last: to what, as it was said, and what that means.
    last: Option<(String, String, Said)>,
}

impl NeverForgets {
    /// Which, and the requests whose answers count.
    pub fn new(process: On, requests: Remembers) -> NeverForgets {
        NeverForgets { process, requests, open: BTreeMap::new(), last: None }
    }
}

impl Invariant for NeverForgets {
    fn rule(&self) -> Rule {
        Rule { id: "never-forgets", says: "no answer of the process says less than one that it gave before" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Sent, Kind::ModuleReceived]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Sent(message)
                if is_asked(message) && is(&self.process, event.node, message.target.process, names) =>
            {
                let body = String::from_utf8_lossy(message.body()).into_owned();
                let counts = match &self.requests {
                    Remembers::Nothing => false,
                    Remembers::All => true,
                    Remembers::Of(bodies) => bodies.contains(&body),
                };
                if counts {
                    self.open.insert(message.id, body);
                }
                Ok(())
            }
            What::ModuleReceived(ProcessRef::TERMINAL, message)
                if !message.is_request() && names.node_text(event.node) == self.process.node =>
            {
                let Some(request) = self.open.remove(&message.id) else { return Ok(()) };
                let (answer, means) = (said(message.body()), Said::of(message.body()));
                let before = self.last.replace((request.clone(), answer.clone(), means.clone()));
                match before {
                    Some((asked, told, meant)) if !means.keeps(&meant) => {
                        let who = &self.process.process;
                        Err(format!("{who} answered {told} to {asked:?}, and later {answer} to {request:?}"))
                    }
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

/// What an answer means, as far as it can be told: one answer keeps what another said, or not.
#[derive(Clone, Debug, PartialEq)]
enum Said {
    /// A number: none that is smaller keeps it.
    Number(f64),
    /// Things, of JSON or lines of text: what has all of them keeps it, however often and in whatever order.
    Things(BTreeSet<String>),
    /// Fields: each is kept.
    Fields(BTreeMap<String, Said>),
    /// Anything else: only the same keeps it.
    Other(String),
}

impl Said {
    fn of(body: &[u8]) -> Said {
        match serde_json::from_slice::<serde_json::Value>(body) {
            Ok(value) => Said::of_json(&value),
            Err(_) => Said::Things(String::from_utf8_lossy(body).lines().map(str::to_string).collect()),
        }
    }

    fn of_json(value: &serde_json::Value) -> Said {
        use serde_json::Value;
        match value {
            Value::Number(number) => Said::Number(number.as_f64().unwrap_or_default()),
            Value::Array(items) => Said::Things(items.iter().map(Value::to_string).collect()),
            Value::Object(fields) => {
                Said::Fields(fields.iter().map(|(name, value)| (name.clone(), Said::of_json(value))).collect())
            }
            other => Said::Other(other.to_string()),
        }
    }

    /// Whether this says no less than what was said before.
    fn keeps(&self, before: &Said) -> bool {
        match (before, self) {
            (Said::Number(before), Said::Number(now)) => now >= before,
            (Said::Things(before), Said::Things(now)) => before.is_subset(now),
            (Said::Fields(before), Said::Fields(now)) => {
                before.iter().all(|(name, said)| now.get(name).is_some_and(|now| now.keeps(said)))
            }
            // There was nothing yet.
            (Said::Other(before), _) if before == "null" => true,
            (before, now) => now == before,
        }
    }
}

/// A body in a sentence.
fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_what_was_said_or_says_less() {
        let keeps = |before: &str, now: &str| Said::of(now.as_bytes()).keeps(&Said::of(before.as_bytes()));
        let kept = [
            ("1", "1"),
            ("1", "2.5"),
            ("[1, 2]", "[2, 3, 1]"),
            (r#"{"n": 1, "names": ["a"]}"#, r#"{"names": ["b", "a"], "n": 1, "more": 0}"#),
            (r#"{"Count": 3}"#, r#"{"Count": 4}"#),
            ("hello\nworld", "world\nand more\nhello"),
            ("", "anything"),
            ("null", "5"),
        ];
        for (before, now) in kept {
            assert!(keeps(before, now), "{now} keeps {before}");
        }
        let lost = [
            ("2", "1"),
            ("1", "\"1\""),
            ("[1, 2]", "[2]"),
            (r#"{"n": 1}"#, r#"{"n": 0}"#),
            (r#"{"n": 1}"#, "{}"),
            ("hello\nworld", "hello"),
            ("\"Ok\"", "\"Err\""),
            ("true", "false"),
        ];
        for (before, now) in lost {
            assert!(!keeps(before, now), "{now} says less than {before}");
        }
    }
}
