//! What a user lays down about a package in a TOML file: messages to send to it, what is outside of its node, and what
//! must hold.
//!
//! ```toml
//! nodes = ["bob.os"]         # the package is installed on these, too: nodes besides alice.os
//!
//! [[send]]
//! to = "counter"             # a process of the package
//! on = "bob.os"              # of this node; if not given: alice.os. So in `[[http]]`, `[[socket]]` and `[[expect]]`
//! from = "carol.os"          # the owner of this node sends it; if not given: of the node of the process
//! body = "add"               # or `json = { Add = 1 }`, or `bytes = [1, 2]`
//! answer_within = "5s"       # it waits so long for the answer; without it none is expected
//! at = "1s"                  # after the install; if not given: a second after the one before
//! times = 5
//! every = "2s"
//!
//! [[http]]
//! path = "/counter:demo:me.os/add"
//! method = "POST"            # if not given: GET; `body` or `json`, `at`, `times`, `every` as above
//! expect_status = 200        # of the answer; without it anything goes
//! expect_body = "count: *"   # the body; each `*` stands for any text. Or what its JSON has to have, by field or path:
//! # expect_json = { count = 1, "items.0.name" = "tea" }
//!
//! [[socket]]                 # a WebSocket that the package binds
//! path = "/counter:demo:me.os/ws"
//! says = ["hello", "bye"]    # `every` apart, the first so long after it is open; `at` as above
//! closes = true              # after the last; if not given it stays open
//! hears = "counted"          # somewhere in what comes over it when nothing goes wrong
//!
//! [[kill]]                   # the owner kills a process; it stays dead
//! process = "counter"
//! at = "5s"
//!
//! [[uninstall]]              # the package, and `[[install]]` it again
//! at = "7s"
//!
//! [[web]]                    # what http-client finds on the web; the first that fits
//! url = "https://a.example/*"
//! json = { price = 3 }       # or `body`; `method`, `status` and `headers` besides, or `fails = "connection refused"`
//!
//! [[web_socket]]             # a WebSocket server for http-client
//! url = "wss://a.example/*"
//! greets = ["welcome"]
//! answers = [{ to = "sub *", text = "ok" }, { to = "bye", closes = true }]
//! every = "5s"               # what it sends by itself
//! says = "tick"
//!
//! [[stub]]                   # instead of a process that is not in the package
//! process = "contacts:contacts:sys"
//! answers = [{ to = '"GetNames"', json = { GetNames = ["ann.os"] } }, { to = "*" }]
//!
//! [chain]                    # what eth finds
//! id = 8453
//! block_time = "2s"
//! answers = [{ method = "eth_call", params = "*0x70a08231*", result = "0x01" }]   # what a provider looks up
//! outage = { at = "5s", lasts = "10s" }   # its provider is out of order; or a list of such
//! emits = [{ contract = "0x…", topics = ["0x…"], data = "0x", every = 1, times = 1 }]
//!
//! [[expect]]
//! process = "counter"
//! alive = true               # at the end of every run, unless it was killed
//! at_most_once = "paid *"    # what it prints or sends, no more often than when nothing goes wrong; or `exactly_once`
//! prints = "ready"           # somewhere in what it prints when nothing goes wrong
//! never_forgets = true       # no answer says less than one before; or of these requests: `["get"]`
//! ```
//!
//! A run of it is bounded: 16 nodes and 16 that only send, 20,000 lines and 64 MiB of bodies in all, each of `times`
//! counted; see `bounds`.
//!
//! A request that has an answer when nothing goes wrong must have one, too, when all that went wrong is over.

mod acts;
mod body;
mod bounds;
mod browser;
mod expect;
mod json;
mod outside;
mod send;
#[cfg(test)]
mod tests;

use crate::modules::Stub;
use crate::outside::chain::ChainPlan;
use crate::outside::web::{Page, SocketServer};
use acts::{KillEntry, NodeEntry, acts};
use browser::{HttpEntry, SocketEntry};
use json::Json;
use kernel_core::Duration;
use outside::{ChainEntry, ServerEntry, StubEntry, WebEntry};
use send::Entry;
use serde::Deserialize;
use toml::Spanned;

pub use acts::{Act, What as OwnerDoes};
pub use body::Body;
pub use browser::{Browse, Socket};
pub use expect::{Expectation, Remembers};
pub use send::{Moment, Send};

/// How many times one entry may be sent.
const TIMES_MAX: u32 = 1_000;
/// The latest that anything is sent, after the install.
const LATEST: Duration = Duration::from_secs(3_600);
/// The error for an entry without a body.
const NO_BODY: &str = "it needs one of `body` (text), `json` and `bytes` (a list of numbers)";

/// What is sent, what is there besides, and what must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workload {
    /// The nodes that have the package, besides the first.
    pub nodes: Vec<String>,
    /// What is sent.
    pub sends: Vec<Send>,
    /// What somebody with a browser asks of the node.
    pub visits: Vec<Browse>,
    /// The WebSockets that somebody with a browser opens.
    pub sockets: Vec<Socket>,
    /// What the owner does to the package besides: kills a process, uninstalls it, installs it again.
    pub acts: Vec<Act>,
    /// What is on the web.
    pub web: Vec<Page>,
    /// The WebSocket servers on the web.
    pub servers: Vec<SocketServer>,
    /// What stands in for processes that the package does not have.
    pub stubs: Vec<(String, Stub)>,
    /// The chain, if there is one.
    pub chain: Option<ChainPlan>,
    /// What must hold.
    pub expects: Vec<Expectation>,
}

/// What is wrong with such a file: where, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct WorkloadError {
    /// The file, and the entry in it.
    pub place: String,
    /// What is wrong.
    pub problem: String,
}

/// A file, as it stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    nodes: Vec<String>,
    #[serde(default)]
    send: Vec<Spanned<Entry>>,
    #[serde(default)]
    http: Vec<Spanned<HttpEntry>>,
    #[serde(default)]
    socket: Vec<Spanned<SocketEntry>>,
    #[serde(default)]
    kill: Vec<Spanned<KillEntry>>,
    #[serde(default)]
    install: Vec<Spanned<NodeEntry>>,
    #[serde(default)]
    uninstall: Vec<Spanned<NodeEntry>>,
    #[serde(default)]
    web: Vec<Spanned<WebEntry>>,
    #[serde(default)]
    web_socket: Vec<Spanned<ServerEntry>>,
    #[serde(default)]
    /// `[[stand_in]]` is its older name.
    #[serde(alias = "stand_in")]
    stub: Vec<Spanned<StubEntry>>,
    chain: Option<ChainEntry>,
    #[serde(default)]
    expect: Vec<Expectation>,
}

impl Workload {
    /// Reads a file's text; `place` is what it is called.
    ///
    /// # Errors
    /// The first entry that makes no sense.
    pub fn parse(text: &str, place: &str) -> Result<Workload, WorkloadError> {
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            let line = line.map_or(String::new(), |line| format!(", line {line}"));
            WorkloadError { place: format!("{place}{line}"), problem: error.message().to_string() }
        })?;
        let chain = file.chain.map(ChainEntry::read).transpose();
        let at = &Source::new(place, text);
        let workload = Workload {
            nodes: file.nodes,
            sends: in_turn(at, "send", file.send, |_, entry, before, place| entry.read(before, place), Send::last)?,
            visits: in_turn(at, "http", file.http, |_, entry, before, place| entry.read(before, place), Browse::last)?,
            sockets: in_turn(
                at,
                "socket",
                file.socket,
                |nth, entry, before, place| entry.read(before, nth, place),
                Socket::last,
            )?,
            acts: acts(at, file.kill, file.install, file.uninstall)?,
            web: each(at, "web", file.web, |_, entry, _| entry.read())?,
            servers: each(at, "web_socket", file.web_socket, |_, entry, _| entry.read())?,
            stubs: each(at, "stub", file.stub, |_, entry, _| entry.read())?,
            chain: chain.map_err(|problem| WorkloadError { place: format!("{place}, [chain]"), problem })?,
            expects: file.expect,
        };
        workload.check_size().map_err(|problem| WorkloadError { place: place.to_string(), problem })?;
        Ok(workload)
    }

    /// With another's besides.
    pub fn and(mut self, other: Workload) -> Workload {
        let new = other.nodes.into_iter().filter(|node| !self.nodes.contains(node)).collect::<Vec<_>>();
        self.nodes.extend(new);
        self.sends.extend(other.sends);
        self.visits.extend(other.visits);
        let sockets = (self.sockets.len() + 1..).zip(other.sockets);
        self.sockets.extend(sockets.map(|(nth, socket)| Socket { name: format!("socket {nth}"), ..socket }));
        self.acts.extend(other.acts);
        self.web.extend(other.web);
        self.servers.extend(other.servers);
        self.stubs.extend(other.stubs);
        self.chain = self.chain.or(other.chain);
        self.expects.extend(other.expects);
        self
    }

    /// The processes of the package that it names.
    pub fn processes(&self) -> impl Iterator<Item = &str> {
        let whens = self.sends.iter().filter_map(|send| match &send.at {
            Moment::When(_, process, _) => Some(process.as_str()),
            Moment::After(_) => None,
        });
        let sends = self.sends.iter().map(|send| send.to.as_str());
        let killed = self.acts.iter().filter_map(|act| act.kill.as_deref());
        sends.chain(whens).chain(killed).chain(self.expects.iter().map(|expect| expect.process.as_str()))
    }

    /// The nodes whose owners send to processes of others.
    pub fn senders(&self) -> impl Iterator<Item = &str> {
        self.sends.iter().filter_map(|send| send.request.from.as_deref())
    }

    /// The nodes that its entries name, and that have the package.
    pub fn named_nodes(&self) -> impl Iterator<Item = &str> {
        let sends = self.sends.iter().map(|send| &send.on);
        let visits = self.visits.iter().map(|visit| &visit.on);
        let sockets = self.sockets.iter().map(|socket| &socket.on);
        let expects = self.expects.iter().map(|expect| &expect.on);
        let acts = self.acts.iter().map(|act| &act.on);
        sends.chain(visits).chain(sockets).chain(expects).chain(acts).filter_map(|on| on.as_deref())
    }

    /// When the last of it is sent, as far as that is known beforehand.
    pub fn last(&self) -> Duration {
        let sends = self.sends.iter().map(Send::last);
        let browser = self.visits.iter().map(Browse::last).chain(self.sockets.iter().map(Socket::last));
        let acts = self.acts.iter().map(|act| act.at);
        let outages = self.chain.iter().flat_map(|chain| &chain.outages);
        let outages = outages.map(|outage| Duration(outage.at.0 + outage.lasts.0));
        sends.chain(browser).chain(acts).chain(outages).max().unwrap_or_default()
    }
}

/// A file's name and its lines.
struct Source<'a> {
    place: &'a str,
    /// Where its lines end.
    ends: Vec<usize>,
}

impl Source<'_> {
    fn new<'a>(place: &'a str, text: &str) -> Source<'a> {
        Source { place, ends: text.match_indices('\n').map(|(at, _)| at).collect() }
    }

    /// Where an entry stands: `it.toml:12`.
    fn line_of<E>(&self, entry: &Spanned<E>) -> String {
        let start = entry.span().start;
        format!("{}:{}", self.place, self.ends.partition_point(|end| *end < start) + 1)
    }
}

/// Reads the entries of one name, each by its number and where it stands.
fn each<E, T>(
    at: &Source<'_>,
    name: &str,
    entries: Vec<Spanned<E>>,
    mut read: impl FnMut(usize, E, String) -> Result<T, String>,
) -> Result<Vec<T>, WorkloadError> {
    let read = |(nth, entry): (usize, Spanned<E>)| {
        let line = at.line_of(&entry);
        read(nth, entry.into_inner(), line.clone())
            .map_err(|problem| WorkloadError { place: format!("{line}, [[{name}]] number {nth}"), problem })
    };
    (1..).zip(entries).map(read).collect()
}

/// The same, each with when the one before it was over.
fn in_turn<E, T>(
    at: &Source<'_>,
    name: &str,
    entries: Vec<Spanned<E>>,
    read: impl Fn(usize, E, Duration, String) -> Result<T, String>,
    last: impl Fn(&T) -> Duration,
) -> Result<Vec<T>, WorkloadError> {
    let mut before = Duration::ZERO;
    each(at, name, entries, |nth, entry, line| {
        let read = read(nth, entry, before, line)?;
        before = last(&read);
        Ok(read)
    })
}

fn once() -> u32 {
    1
}

/// When something happens that says nothing of when.
fn a_second_after(before: Duration) -> Duration {
    Duration(before.0.saturating_add(Duration::from_secs(1).0))
}

/// The body that was given, in one of three ways.
fn body_of(text: Option<String>, json: Option<Json>, bytes: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, String> {
    match (text, json, bytes) {
        (None, None, None) => Ok(None),
        (Some(text), None, None) => Ok(Some(text.into_bytes())),
        (None, Some(Json(json)), None) => Ok(Some(json.to_string().into_bytes())),
        (None, None, Some(bytes)) => Ok(Some(bytes)),
        _ => Err("there is one body: give one of `body`, `json` and `bytes`".to_string()),
    }
}

/// A span of time that was given under this name.
fn span(name: &str, text: Option<String>) -> Result<Option<Duration>, String> {
    let Some(text) = text else { return Ok(None) };
    let span = Duration::parse(&text).filter(|span| *span <= LATEST);
    let form = "write 500ms, 5s, 2min; an hour is the most";
    span.map(Some).ok_or_else(|| format!("`{name} = {text:?}` is no span of time: {form}"))
}

/// When the last of so many is, the first of which is at a time, and each so long after the one before.
fn last_of(at: Duration, every: Duration, times: u64) -> Duration {
    Duration(at.0.saturating_add(every.0.saturating_mul(times.saturating_sub(1))))
}

/// How often, if it is that often at all.
fn times(times: u32) -> Result<u32, String> {
    let out = || format!("`times = {times}` is out of bounds: 1 to {TIMES_MAX}");
    (1..=TIMES_MAX).contains(&times).then_some(times).ok_or_else(out)
}
