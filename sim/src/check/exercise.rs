//! What a user lays down about a package in a TOML file: messages to send to it, and what must hold.
//!
//! ```toml
//! nodes = ["bob.os"]         # the package is installed on these, too: nodes besides alice.os
//!
//! [[send]]
//! to = "counter"             # a process of the package
//! on = "bob.os"              # of this node; if not given: alice.os. So in `[[http]]` and `[[expect]]`
//! body = "add"               # or `json = { Add = 1 }`, or `bytes = [1, 2]`
//! answer_within = "5s"       # it waits so long for the answer; without it none is expected
//! at = "1s"                  # after the install; if not given: a second after the one before
//! times = 5
//! every = "2s"
//!
//! [[http]]
//! path = "/counter:demo:me.os/add"
//! method = "POST"            # if not given: GET; `body` or `json`, `at`, `times`, `every` as above
//! expect_status = 200        # of the answer when nothing goes wrong; without it anything goes
//!
//! [[expect]]
//! process = "counter"
//! alive = true               # at the end of every run, unless it was killed
//! prints = "ready"           # somewhere in what it prints when nothing goes wrong
//! never_forgets = true       # no answer says less than one before; or of these requests: `["get"]`
//! ```
//!
//! A request that has an answer when nothing goes wrong must have one, too, when all that went wrong is over.

use crate::event::Kind;
use crate::outside::visit::HttpRequest;
use crate::scenario::{Action, Letter, Line, On, When, browse};
use kernel_core::Duration;
use serde::Deserialize;

/// How many times one entry may be sent.
const TIMES_MAX: u32 = 1_000;
/// The latest that anything is sent, after the install.
const LATEST: Duration = Duration::from_secs(3_600);

/// What is sent, and what must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exercise {
    /// The nodes that have the package, besides the first.
    pub nodes: Vec<String>,
    /// What is sent.
    pub sends: Vec<Send>,
    /// What somebody with a browser asks of the node.
    pub visits: Vec<Visit>,
    /// What must hold.
    pub expects: Vec<Expectation>,
}

/// An HTTP request, perhaps again and again, by somebody who is logged in.
#[derive(Clone, Debug, PartialEq)]
pub struct Visit {
    /// Of which node; `None`: the first.
    pub on: Option<String>,
    /// What is asked.
    pub request: HttpRequest,
    /// The status that the answer must have when nothing goes wrong.
    pub status: Option<u16>,
    /// When first, after the install.
    pub at: Duration,
    /// How often.
    pub times: u32,
    /// How far apart.
    pub every: Duration,
}

/// Something that is sent, perhaps again and again.
#[derive(Clone, Debug, PartialEq)]
pub struct Send {
    /// The process's own name, or its id.
    pub to: String,
    /// On which node; `None`: the first.
    pub on: Option<String>,
    /// What.
    pub letter: Letter,
    /// When.
    pub at: Moment,
    /// How often, and how far apart.
    pub times: u32,
    /// How far apart.
    pub every: Duration,
}

/// When something is sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Moment {
    /// So long after the install.
    After(Duration),
    /// When this happens to a process for the n-th time.
    When(Kind, String, u32),
}

/// What must hold of a process.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The process's own name, or its id.
    pub process: String,
    /// On which node; `None`: the first.
    pub on: Option<String>,
    /// It is alive at the end of every run, unless it was killed.
    #[serde(default)]
    pub alive: bool,
    /// Somewhere in what it prints when nothing goes wrong.
    pub prints: Option<String>,
    /// No answer to these requests says less than one before.
    #[serde(default, rename = "never_forgets")]
    pub remembers: Remembers,
}

/// Which answers may not be taken back.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "Forgets")]
pub enum Remembers {
    /// None: anything goes.
    #[default]
    Nothing,
    /// All.
    All,
    /// Those to these requests.
    Of(Vec<String>),
}

/// What is wrong with such a file: where, and the mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ExerciseError {
    /// The file, and the entry in it.
    pub place: String,
    /// What is wrong.
    pub problem: String,
}

impl Exercise {
    /// Reads a file's text; `place` is what it is called.
    ///
    /// # Errors
    /// The first entry that makes no sense.
    pub fn parse(text: &str, place: &str) -> Result<Exercise, ExerciseError> {
        let fail = |place: String, problem: String| ExerciseError { place, problem };
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            let line = line.map_or(String::new(), |line| format!(", line {line}"));
            fail(format!("{place}{line}"), error.message().to_string())
        })?;
        let mut sends: Vec<Send> = Vec::new();
        for (index, entry) in file.send.into_iter().enumerate() {
            let before = sends.last().map_or(Duration::ZERO, Send::last);
            let send = entry.read(before);
            sends.push(send.map_err(|problem| fail(format!("{place}, [[send]] number {}", index + 1), problem))?);
        }
        let mut visits: Vec<Visit> = Vec::new();
        for (index, entry) in file.http.into_iter().enumerate() {
            let before = visits.last().map_or(Duration::ZERO, Visit::last);
            let visit = entry.read(before);
            visits.push(visit.map_err(|problem| fail(format!("{place}, [[http]] number {}", index + 1), problem))?);
        }
        Ok(Exercise { nodes: file.nodes, sends, visits, expects: file.expect })
    }

    /// With another's besides.
    pub fn and(mut self, other: Exercise) -> Exercise {
        let new = other.nodes.into_iter().filter(|node| !self.nodes.contains(node)).collect::<Vec<_>>();
        self.nodes.extend(new);
        self.sends.extend(other.sends);
        self.visits.extend(other.visits);
        self.expects.extend(other.expects);
        self
    }

    /// The processes that it names.
    pub fn processes(&self) -> impl Iterator<Item = &str> {
        let whens = self.sends.iter().filter_map(|send| match &send.at {
            Moment::When(_, process, _) => Some(process.as_str()),
            Moment::After(_) => None,
        });
        let sends = self.sends.iter().map(|send| send.to.as_str());
        sends.chain(whens).chain(self.expects.iter().map(|expect| expect.process.as_str()))
    }

    /// The nodes that its entries name.
    pub fn named_nodes(&self) -> impl Iterator<Item = &str> {
        let sends = self.sends.iter().map(|send| &send.on);
        let visits = self.visits.iter().map(|visit| &visit.on);
        let expects = self.expects.iter().map(|expect| &expect.on);
        sends.chain(visits).chain(expects).filter_map(|on| on.as_deref())
    }

    /// When the last of it is sent, as far as that is known beforehand.
    pub fn last(&self) -> Duration {
        let visits = self.visits.iter().map(|visit| visit.last().0);
        Duration(self.sends.iter().map(|send| send.last().0).chain(visits).max().unwrap_or(0))
    }
}

impl Send {
    /// When it is sent for the last time, if it is sent by the clock.
    fn last(&self) -> Duration {
        match self.at {
            Moment::After(at) => Duration(at.0 + self.every.0 * u64::from(self.times - 1)),
            Moment::When(..) => Duration::ZERO,
        }
    }

    /// Its lines of a script, where `first` is the first node, to a process by its id.
    pub fn lines(&self, first: &str, id: impl Fn(&str) -> String) -> Vec<Line> {
        let node = self.on.as_deref().unwrap_or(first).to_string();
        let action = Action::Send(On { node, process: id(&self.to) }, self.letter.clone());
        let nth = |n: u32| match &self.at {
            Moment::After(at) => When::At(Duration(at.0 + self.every.0 * u64::from(n))),
            Moment::When(kind, process, nth) => When::Event(*kind, id(process), nth + n),
        };
        (0..self.times).map(|n| Line { when: nth(n), action: action.clone() }).collect()
    }
}

impl Visit {
    /// When it is made for the last time.
    fn last(&self) -> Duration {
        Duration(self.at.0 + self.every.0 * u64::from(self.times - 1))
    }

    /// When it is made, each time.
    pub fn times(&self) -> impl Iterator<Item = Duration> {
        (0..self.times).map(|n| Duration(self.at.0 + self.every.0 * u64::from(n)))
    }

    /// Its lines of a script, where `first` is the first node.
    pub fn lines(&self, first: &str) -> Vec<Line> {
        let node = self.on.as_deref().unwrap_or(first);
        self.times().map(|at| Line { when: When::At(at), action: browse(node, self.request.clone()) }).collect()
    }
}

// ---- the text -------------------------------------------------------------------------------------------------------

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    nodes: Vec<String>,
    #[serde(default)]
    send: Vec<Entry>,
    #[serde(default)]
    http: Vec<HttpEntry>,
    #[serde(default)]
    expect: Vec<Expectation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    to: String,
    on: Option<String>,
    body: Option<String>,
    json: Option<serde_json::Value>,
    bytes: Option<Vec<u8>>,
    answer_within: Option<String>,
    blob: Option<String>,
    blob_bytes: Option<Vec<u8>>,
    mime: Option<String>,
    at: Option<String>,
    when: Option<Event>,
    #[serde(default = "once")]
    times: u32,
    every: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpEntry {
    path: String,
    on: Option<String>,
    #[serde(default = "get")]
    method: String,
    body: Option<String>,
    json: Option<serde_json::Value>,
    expect_status: Option<u16>,
    at: Option<String>,
    #[serde(default = "once")]
    times: u32,
    every: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    process: String,
    event: String,
    #[serde(default = "once")]
    nth: u32,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Forgets {
    Never(bool),
    What(Vec<String>),
}

impl From<Forgets> for Remembers {
    fn from(text: Forgets) -> Remembers {
        match text {
            Forgets::Never(false) => Remembers::Nothing,
            Forgets::Never(true) => Remembers::All,
            Forgets::What(requests) => Remembers::Of(requests),
        }
    }
}

fn once() -> u32 {
    1
}

fn get() -> String {
    "GET".to_string()
}

/// A span of time that was given under this name.
fn span(name: &str, text: Option<String>) -> Result<Option<Duration>, String> {
    let Some(text) = text else { return Ok(None) };
    let span = Duration::parse(&text).filter(|span| *span <= LATEST);
    let form = "write 500ms, 5s, 2min; an hour is the most";
    span.map(Some).ok_or_else(|| format!("`{name} = {text:?}` is no span of time: {form}"))
}

/// How often, if it is that often at all.
fn times(times: u32) -> Result<u32, String> {
    let out = || format!("`times = {times}` is out of bounds: 1 to {TIMES_MAX}");
    (1..=TIMES_MAX).contains(&times).then_some(times).ok_or_else(out)
}

/// The events that something can be sent at.
const EVENTS: [(&str, Kind); 6] = [
    ("starts", Kind::Started),
    ("exits", Kind::Exited),
    ("is killed", Kind::Killed),
    ("receives", Kind::Received),
    ("prints", Kind::Printed),
    ("has saved", Kind::StateDurable),
];

impl Entry {
    /// What it says; what comes before it was sent last at this time.
    fn read(self, before: Duration) -> Result<Send, String> {
        let body = match (self.body, self.json, self.bytes) {
            (Some(text), None, None) => text.into_bytes(),
            (None, Some(json), None) => json.to_string().into_bytes(),
            (None, None, Some(bytes)) => bytes,
            _ => return Err("it needs one of `body` (text), `json` and `bytes` (a list of numbers)".to_string()),
        };
        let blob = match (self.blob, self.blob_bytes) {
            (Some(text), None) => Some(text.into_bytes()),
            (None, bytes) => bytes,
            (Some(_), Some(_)) => return Err("`blob` and `blob_bytes` are two blobs; a message has one".to_string()),
        };
        if blob.is_none() && self.mime.is_some() {
            return Err("`mime` is that of a blob: give a `blob`, or `blob_bytes`".to_string());
        }
        let (at, every) = (span("at", self.at)?, span("every", self.every)?);
        let at = match (at, self.when) {
            (Some(_), Some(_)) => return Err("`at` and `when` are two times; give one".to_string()),
            (Some(at), None) => Moment::After(at),
            (None, Some(event)) => event.read()?,
            (None, None) => Moment::After(Duration(before.0 + Duration::from_secs(1).0)),
        };
        let times = times(self.times)?;
        // The process world has whole seconds.
        let expects = span("answer_within", self.answer_within)?.map(|span| span.0.div_ceil(1_000_000_000).max(1));
        let letter = Letter { body, blob: blob.map(|bytes| (self.mime, bytes)), expects };
        Ok(Send { to: self.to, on: self.on, letter, at, times, every: every.unwrap_or(Duration::from_secs(1)) })
    }
}

impl HttpEntry {
    /// What it says; what comes before it was asked last at this time.
    fn read(self, before: Duration) -> Result<Visit, String> {
        if !self.path.starts_with('/') {
            return Err(format!("`path = {:?}` does not begin with a slash: /process:package:publisher/…", self.path));
        }
        let body = match (self.body, self.json) {
            (Some(_), Some(_)) => return Err("`body` and `json` are two bodies; give one".to_string()),
            (text, json) => text.or(json.map(|json| json.to_string())).unwrap_or_default(),
        };
        let status = self.expect_status;
        if let Some(status) = status.filter(|status| !(100..600).contains(status)) {
            return Err(format!("`expect_status = {status}` is no status of HTTP: 100 to 599"));
        }
        let request = HttpRequest { logged_in: true, ..HttpRequest::new(&self.method, &self.path, body) };
        let next = Duration(before.0 + Duration::from_secs(1).0);
        let (at, every) = (span("at", self.at)?.unwrap_or(next), span("every", self.every)?);
        let (times, every) = (times(self.times)?, every.unwrap_or(Duration::from_secs(1)));
        Ok(Visit { on: self.on, request, status, at, times, every })
    }
}

impl Event {
    fn read(self) -> Result<Moment, String> {
        let known = EVENTS.iter().find(|(name, _)| *name == self.event);
        let all = || EVENTS.map(|(name, _)| format!("{name:?}")).join(", ");
        let (_, kind) = known.ok_or_else(|| format!("`event = {:?}` is none of {}", self.event, all()))?;
        Ok(Moment::When(*kind, self.process, self.nth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Exercise, String> {
        Exercise::parse(text, "it.toml").map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_is_a_second_after_what_is_before_once_and_unanswered() {
        let text = r#"
            [[send]]
            to = "counter"
            body = "add"
            times = 3
            every = "2s"
            answer_within = "1500ms"
            [[send]]
            to = "a:b:c.os"
            json = { Add = { n = 1 } }
            blob = "hello"
            mime = "text/plain"
            [[send]]
            to = "counter"
            bytes = [0, 255]
            when = { process = "counter", event = "starts", nth = 2 }
            [[expect]]
            process = "counter"
            never_forgets = ["get"]
        "#;
        let exercise = parse(text).expect("it makes sense");
        let [add, json, bytes] = exercise.sends.as_slice() else { panic!("three entries") };
        assert_eq!((add.letter.expects, add.at.clone()), (Some(2), Moment::After(Duration::from_secs(1))));
        assert_eq!(json.letter.body, br#"{"Add":{"n":1}}"#);
        assert_eq!(json.letter.blob, Some((Some("text/plain".to_string()), b"hello".to_vec())));
        assert_eq!((json.letter.expects, json.at.clone()), (None, Moment::After(Duration::from_secs(6))));
        assert_eq!(
            (bytes.letter.body.as_slice(), bytes.at.clone()),
            (&[0, 255][..], Moment::When(Kind::Started, "counter".to_string(), 2))
        );
        assert_eq!((exercise.last(), add.lines("alice.os", str::to_string).len()), (Duration::from_secs(6), 3));
        assert_eq!(exercise.expects[0].remembers, Remembers::Of(vec!["get".to_string()]));
    }

    #[test]
    fn somebody_with_a_browser_asks_by_the_clock() {
        let text = "[[http]]\npath = \"/p:a:b/x\"\ntimes = 2\n[[http]]\npath = \"/y\"\nmethod = \"POST\"\njson = [1]\nexpect_status = 201";
        let exercise = parse(text).expect("it makes sense");
        let [get, post] = exercise.visits.as_slice() else { panic!("two entries") };
        assert_eq!(
            (get.request.method.as_str(), get.at, get.lines("alice.os").len()),
            ("GET", Duration::from_secs(1), 2)
        );
        assert_eq!(
            (post.request.body.as_slice(), post.at, post.request.logged_in),
            (&b"[1]"[..], Duration::from_secs(3), true)
        );
        assert_eq!((get.status, post.status), (None, Some(201)));
        assert_eq!(exercise.last(), Duration::from_secs(3));
        let error = parse("[[http]]\npath = \"x\"").expect_err("no path");
        assert!(error.contains("[[http]] number 1: `path = \"x\"` does not begin with a slash"), "{error}");
        let error = parse("[[http]]\npath = \"/x\"\nexpect_status = 20").expect_err("no status");
        assert!(error.contains("[[http]] number 1: `expect_status = 20` is no status of HTTP"), "{error}");
    }

    #[test]
    fn what_makes_no_sense_is_named_with_its_place() {
        let send = |more: &str| parse(&format!("[[send]]\nto = \"x\"\n{more}"));
        let cases = [
            (parse("[[send]]\nto = 1"), "it.toml, line 2: invalid type"),
            (parse("[[sent]]"), "unknown field `sent`"),
            (parse("[[send]]\nbody = \"x\""), "missing field `to`"),
            (parse("x ="), "it.toml, line 1: "),
            (send(""), "it.toml, [[send]] number 1: it needs one of `body`"),
            (send("body = \"a\"\njson = 1"), "one of `body`"),
            (send("body = \"a\"\nat = \"soon\""), "`at = \"soon\"` is no span of time: write 500ms"),
            (send("body = \"a\"\nat = \"2h\""), "an hour is the most"),
            (send("body = \"a\"\ntimes = 0"), "`times = 0` is out of bounds"),
            (send("body = \"a\"\nmime = \"text/plain\""), "`mime` is that of a blob"),
            (send("body = \"a\"\nwhen = { process = \"x\", event = \"sings\" }"), "none of \"starts\""),
            (send("body = \"a\"\nat = \"1s\"\nwhen = { process = \"x\", event = \"starts\" }"), "two times"),
            (send("body = \"a\"\nwithin = \"1s\""), "unknown field `within`"),
        ];
        for (result, says) in cases {
            let error = result.expect_err(says);
            assert!(error.contains(says), "{error:?} should say {says:?}");
        }
    }
}
