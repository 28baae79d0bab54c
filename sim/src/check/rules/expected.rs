//! What a workload says of a package: which processes live, what is printed, answered, served and shown.

use super::{is, is_asked, said};
use crate::invariant::{Claim, Invariant, Past};
use crate::outside::visit::{HttpRequest, Sight, Visit};
use crate::scenario::On;
use crate::trace::event::{Event, Kind, What};
use kernel_core::{Cause, MessageId, Names, NodeId, ProcessRef};
use std::collections::BTreeSet;

/// A process is alive at the end.
#[derive(Clone)]
pub struct IsAlive {
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
    fn claim(&self) -> Claim {
        Claim::own("alive", "the process is alive at the end, unless it was killed")
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
        if lives || self.killed {
            Ok(())
        } else if self.found.is_none() {
            Err(format!("{} never lived", self.process.process))
        } else {
            Err(format!("{} is gone, and nobody killed it", self.process.process))
        }
    }
}

/// A process prints something, when nothing goes wrong.
#[derive(Clone)]
pub struct Prints {
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
    fn claim(&self) -> Claim {
        Claim::own("prints", "the process prints what it should, when nothing goes wrong")
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
        if self.seen { Ok(()) } else { Err(format!("{} never printed {:?}", self.process.process, self.text)) }
    }
}

/// What the owner asks is answered: all of it when nothing goes wrong; else what it asks when that is over.
#[derive(Clone, Default)]
pub struct IsAnswered {
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
    fn claim(&self) -> Claim {
        if self.calm {
            Claim::own("answers", "what is asked is answered in time, when nothing goes wrong")
        } else {
            Claim::own("still-answers", "what is asked is answered in time, when all that went wrong is over")
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
                // A killed process stays dead, and so may one that it needs; one that has left for good owes nothing.
                let gone = self.killed || past.lives.life(target.node, target.process).is_none();
                // What is sent once more comes from the check: a process that has left by then owes nothing in a calm
                // either.
                let owed = if self.asked_when_over.contains(&request.id) { !gone } else { self.calm };
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
pub struct Serves {
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
    fn claim(&self) -> Claim {
        Claim::own("serves", "what a browser asks has the status that is expected, when nothing goes wrong")
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

/// What a browser asks once more, when all that went wrong is over, has the status that it should. A path that is bound no
/// longer is another rule's: `set-up-again`.
#[derive(Clone)]
pub struct StillServes {
    /// What is asked, and the status of its answer.
    expected: Vec<(HttpRequest, u16)>,
    over: bool,
    killed: bool,
    /// What was asked since and has no answer yet.
    open: Vec<(HttpRequest, u16)>,
    found: BTreeSet<(NodeId, ProcessRef)>,
}

impl StillServes {
    /// What is asked, and the status of its answer.
    pub fn new(expected: Vec<(HttpRequest, u16)>) -> StillServes {
        StillServes { expected, over: false, killed: false, open: vec![], found: BTreeSet::new() }
    }
}

impl Invariant for StillServes {
    fn claim(&self) -> Claim {
        Claim::own("still-serves", "a browser gets the status that is expected when all that went wrong is over")
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Lifted, Kind::Visited, Kind::Shown, Kind::Killed, Kind::Started]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Lifted => self.over = true,
            What::Killed(_) => self.killed = true,
            What::Started(life) => _ = self.found.insert((event.node, life.process)),
            What::Visited(visit) if self.over => {
                // The last of several expectations of one request is what it comes to.
                if let Visit::Http(asked) = &**visit
                    && let Some((_, status)) = self.expected.iter().rev().find(|(expected, _)| expected == asked)
                {
                    self.open.push((asked.clone(), *status));
                }
            }
            What::Shown(sight) => {
                if let Sight::Http(method, path, got, ..) = &**sight
                    && let Some(place) =
                        self.open.iter().position(|(open, _)| open.method == *method && open.path == *path)
                {
                    let (_, status) = self.open.remove(place);
                    let serves = |(node, process): &(NodeId, ProcessRef)| {
                        path.trim_start_matches('/').starts_with(names.process_text(*process))
                            && past.lives.life(*node, *process).is_some()
                    };
                    if status != *got && *got != 404 && !self.killed && self.found.iter().any(serves) {
                        return Err(format!("{sight}, and not {status}, when all that went wrong is over"));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Something comes over a browser's WebSocket, when nothing goes wrong.
#[derive(Clone)]
pub struct Shows {
    /// What the socket is called, and where it was opened.
    socket: String,
    path: String,
    text: String,
    seen: bool,
}

impl Shows {
    /// Over which, opened where, and what is to be somewhere in what comes.
    pub fn new(socket: String, path: String, text: String) -> Shows {
        Shows { socket, path, text, seen: false }
    }
}

impl Invariant for Shows {
    fn claim(&self) -> Claim {
        Claim::own("shows", "over a browser's WebSocket comes what should, when nothing goes wrong")
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Shown]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, _: &Names) -> Result<(), String> {
        if let What::Shown(sight) = &event.what
            && let Sight::Frame(socket, frame) = &**sight
        {
            self.seen |= *socket == self.socket && String::from_utf8_lossy(&frame.bytes).contains(&self.text);
        }
        Ok(())
    }

    fn at_end(&mut self, _: &Past, _: &Names) -> Result<(), String> {
        if self.seen {
            Ok(())
        } else {
            Err(format!("nothing with {:?} came over the WebSocket at {}", self.text, self.path))
        }
    }
}
