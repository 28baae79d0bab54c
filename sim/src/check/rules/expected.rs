//! What a workload says of a package: which processes live, what is printed, answered, served and shown.

use super::{backs_off, is, is_asked, killed, said};
use crate::check::workload::Body;
use crate::invariant::{Claim, Invariant, Past};
use crate::outside::visit::{HttpRequest, Sight, Visit};
use crate::scenario::On;
use crate::trace::event::{Event, Kind, What};
use crate::world::Run;
use kernel_core::{Cause, Duration, MessageId, Names, NodeId, ProcessRef};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A process is alive at the end.
#[derive(Clone)]
pub struct IsAlive {
    process: On,
    found: Option<(NodeId, ProcessRef)>,
    killed: bool,
    /// Where it ended last.
    ended: Option<Cause>,
    /// How often it has ended.
    ends: u32,
}

/// The longest wait of a back-off, however often a process has ended.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(600);

impl IsAlive {
    /// Which.
    pub fn new(process: On) -> IsAlive {
        IsAlive { process, found: None, killed: false, ended: None, ends: 0 }
    }
}

impl Invariant for IsAlive {
    fn claim(&self) -> Claim {
        Claim::own("alive", "the process is alive at the end, unless it was killed")
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Started, Kind::Command, Kind::Killed, Kind::Exited, Kind::Lost]
    }

    fn began(&self) -> Option<Cause> {
        self.ended
    }

    fn on_event(&mut self, index: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        self.killed |= killed(event, past).is_some_and(|process| is(&self.process, event.node, process, names));
        if let Some(life) = event.what.life()
            && is(&self.process, event.node, life.process, names)
        {
            self.found = Some((event.node, life.process));
            if !matches!(event.what, What::Started(_)) {
                (self.ended, self.ends) = (Some(index), self.ends + 1);
            }
        }
        Ok(())
    }

    fn at_end(&mut self, past: &Past, _: &Names) -> Result<(), String> {
        let lives = self.found.is_some_and(|(node, process)| past.lives.life(node, process).is_some());
        // After each exit a back-off waits twice as long as before: a process that is due later than now is not gone.
        let longest = LONGEST_BACK_OFF.min(Duration::from_secs(1 << self.ends.min(10)));
        let process = self.found.and_then(|(node, process)| past.lives.process(node, process));
        let restarting = process.and_then(|process| process.restarting);
        let backs_off = restarting.is_some_and(|restarting| past.now - restarting.at <= longest);
        if lives || backs_off || self.killed {
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
            self.seen = self.seen || text.contains(&self.text) && is(&self.process, event.node, life.process, names);
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
    /// Where that was asked which was not answered.
    asked: Option<Cause>,
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
        &[Kind::Lifted, Kind::Sent, Kind::Command, Kind::Killed, Kind::ModuleReceivedError]
    }

    fn began(&self) -> Option<Cause> {
        self.asked
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Lifted => self.over = true,
            _ if killed(event, past).is_some() => self.killed = true,
            What::Sent(message) if self.over && is_asked(message) => {
                let (node, process) = (message.target.node, message.target.process);
                // Nobody has it who is still in a back-off.
                if !backs_off(past, node, process) {
                    self.asked_when_over.insert(message.id);
                }
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
                    self.asked = Some(request.cause);
                    return Err(format!("{process} did not answer {body} within {seconds}s"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// A request of a browser's, and what its answer must be.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// What is asked.
    pub request: HttpRequest,
    /// The status, if it matters.
    pub status: Option<u16>,
    /// The body, if it matters.
    pub body: Option<Body>,
}

impl Expected {
    /// Whether anything is expected of the answer.
    pub fn says_something(&self) -> bool {
        self.status.is_some() || self.body.is_some()
    }

    /// Whether this answer is as it must be.
    fn check(&self, sight: &Sight) -> Result<(), String> {
        let Sight::Http(_, _, got, _, body) = sight else { return Ok(()) };
        match (self.status, &self.body) {
            (Some(status), _) if status != *got => Err(format!("{sight}, and not {status}")),
            (_, Some(expected)) => expected.check(body).map_err(|instead| format!("{sight}, {instead}")),
            _ => Ok(()),
        }
    }
}

/// What a browser asks, in order, each with what is expected of its answer. What is asked again and again is there once.
pub type Coming = VecDeque<Arc<Expected>>;

/// What was asked of one method and path, each with its number.
type Numbered = VecDeque<(u64, Arc<Expected>)>;

/// What was asked and has no answer yet, by method and path, each with its number. An answer does not say to which of two
/// equal requests: to the first of them.
#[derive(Clone, Default)]
struct Open {
    of: BTreeMap<(String, String), Numbered>,
    asked: u64,
}

impl Open {
    fn ask(&mut self, expected: Arc<Expected>) {
        let HttpRequest { method, path, .. } = &expected.request;
        let of = self.of.entry((method.clone(), path.clone())).or_default();
        of.push_back((self.asked, expected));
        self.asked += 1;
    }

    /// What is expected of this answer.
    fn answer(&mut self, method: &str, path: &str) -> Option<Arc<Expected>> {
        let of = self.of.get_mut(&(method.to_string(), path.to_string()))?;
        of.pop_front().map(|(_, expected)| expected)
    }

    /// What has no answer, in the order in which it was asked.
    fn unanswered(&self) -> Vec<&Arc<Expected>> {
        let mut all: Vec<_> = self.of.values().flatten().collect();
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, expected)| expected).collect()
    }
}

/// What a browser asks is answered as it should be, when nothing goes wrong.
#[derive(Clone)]
pub struct Serves {
    /// What will be asked, in order.
    coming: Coming,
    open: Open,
}

impl Serves {
    /// What will be asked, in order, each with what is expected of its answer.
    pub fn new(coming: Coming) -> Serves {
        Serves { coming, open: Open::default() }
    }
}

impl Invariant for Serves {
    fn claim(&self) -> Claim {
        Claim::own(
            "serves",
            "what a browser asks has the status and the body that are expected, when nothing goes wrong",
        )
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Visited, Kind::Shown]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, _: &Names) -> Result<(), String> {
        match &event.what {
            What::Visited(visit) => {
                if let Visit::Http(asked) = &**visit
                    && let Some(place) = self.coming.iter().position(|coming| coming.request == *asked)
                    && let Some(expected) = self.coming.remove(place)
                {
                    self.open.ask(expected);
                }
            }
            What::Shown(sight) => {
                if let Sight::Http(method, path, ..) = &**sight
                    && let Some(expected) = self.open.answer(method, path)
                {
                    return expected.check(sight);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, _: &Past, _: &Names) -> Result<(), String> {
        let mut missed = self.open.unanswered().into_iter().chain(&self.coming);
        let Some(expected) = missed.find(|expected| expected.says_something()) else { return Ok(()) };
        let HttpRequest { method, path, .. } = &expected.request;
        match expected.status {
            Some(status) => Err(format!("{method} {path} gets no answer, and not {status}")),
            None => Err(format!("{method} {path} gets no answer")),
        }
    }
}

/// What is expected of the answers to what is asked once more, by request.
pub type Again = BTreeMap<HttpRequest, Arc<Expected>>;

/// What a browser asks once more, when all that went wrong is over, is answered as it should. A path that is bound no
/// longer is another rule's: `set-up-again`.
#[derive(Clone)]
pub struct StillServes {
    /// What is asked, and what is expected of its answer.
    expected: Arc<Again>,
    over: bool,
    killed: bool,
    /// What was asked since and has no answer yet.
    open: Open,
    found: BTreeSet<(NodeId, ProcessRef)>,
}

impl StillServes {
    /// What of these expectations holds for what is asked once more in the calm run: a page may count its visitors.
    pub fn of_the_calm(expected: Vec<Arc<Expected>>, calm: &Run) -> Again {
        let mut over = false;
        let mut again: BTreeMap<(&str, &str), Vec<&Sight>> = BTreeMap::new();
        for (_, event) in calm.trace.events() {
            match &event.what {
                What::Lifted => over = true,
                What::Shown(sight) if over => {
                    if let Sight::Http(method, path, ..) = &**sight {
                        again.entry((method, path)).or_default().push(sight);
                    }
                }
                _ => {}
            }
        }
        let mut kept = Again::new();
        for expected in expected {
            let HttpRequest { method, path, .. } = &expected.request;
            let mut of = again.get(&(method.as_str(), path.as_str())).into_iter().flatten();
            let is_missed = of.any(|sight| expected.check(sight).is_err());
            let body = if is_missed { None } else { expected.body.clone() };
            let left = Expected { body, ..Expected::clone(&expected) };
            if left.says_something() {
                // The last of several expectations of one request is what it comes to.
                kept.insert(left.request.clone(), Arc::new(left));
            }
        }
        kept
    }

    /// What is asked, and what is expected of its answer.
    pub fn new(expected: Arc<Again>) -> StillServes {
        StillServes { expected, over: false, killed: false, open: Open::default(), found: BTreeSet::new() }
    }

    /// The processes whose path this is.
    fn serving<'a>(&'a self, path: &'a str, names: &'a Names) -> impl Iterator<Item = (NodeId, ProcessRef)> + 'a {
        let is_its = move |process| path.trim_start_matches('/').starts_with(names.process_text(process));
        self.found.iter().copied().filter(move |(_, process)| is_its(*process))
    }
}

impl Invariant for StillServes {
    fn claim(&self) -> Claim {
        Claim::own("still-serves", "a browser gets what is expected when all that went wrong is over")
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Lifted, Kind::Visited, Kind::Shown, Kind::Command, Kind::Killed, Kind::Started]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Lifted => self.over = true,
            _ if killed(event, past).is_some() => self.killed = true,
            What::Started(life) => _ = self.found.insert((event.node, life.process)),
            What::Visited(visit) if self.over => {
                if let Visit::Http(asked) = &**visit
                    && let Some(expected) = self.expected.get(asked)
                {
                    // Nobody serves it who is still in a back-off.
                    if !self.serving(&asked.path, names).any(|(node, process)| backs_off(past, node, process)) {
                        self.open.ask(expected.clone());
                    }
                }
            }
            What::Shown(sight) => {
                if let Sight::Http(method, path, got, ..) = &**sight
                    && let Some(expected) = self.open.answer(method, path)
                {
                    let checked = expected.check(sight);
                    let lives = |(node, process)| past.lives.life(node, process).is_some();
                    if *got != 404 && !self.killed && self.serving(path, names).any(lives) {
                        return checked.map_err(|instead| format!("{instead}, when all that went wrong is over"));
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
            self.seen =
                self.seen || *socket == self.socket && String::from_utf8_lossy(&frame.bytes).contains(&self.text);
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
