//! `[[http]]` and `[[socket]]`: what somebody with a browser, logged in, does at the paths that the package binds.

use super::{Body, Json, a_second_after, body_of, last_of, once, span, times};
use crate::outside::visit::{Frame, FrameKind, HttpRequest, Visit};
use crate::scenario::{Action, Line, When, browse};
use kernel_core::Duration;
use serde::Deserialize;

/// An HTTP request, perhaps again and again, by somebody who is logged in.
#[derive(Clone, Debug, PartialEq)]
pub struct Browse {
    /// Of which node; `None`: the first.
    pub on: Option<String>,
    /// What is asked.
    pub request: HttpRequest,
    /// The status that the answer must have when nothing goes wrong.
    pub status: Option<u16>,
    /// What its body must be then.
    pub body: Option<Body>,
    /// Where it stands: `it.toml:12`.
    pub place: String,
    /// When first, after the install.
    pub at: Duration,
    /// How often.
    pub times: u32,
    /// How far apart.
    pub every: Duration,
}

/// A WebSocket, and what is sent over it.
#[derive(Clone, Debug, PartialEq)]
pub struct Socket {
    /// What it is called in the trace: `socket 1`.
    pub name: String,
    /// Of which node; `None`: the first.
    pub on: Option<String>,
    /// Where it is opened.
    pub path: String,
    /// Where it stands in its file: `it.toml:12`.
    pub place: String,
    /// When, after the install.
    pub at: Duration,
    /// What is sent then.
    pub says: Vec<String>,
    /// How long after the opening the first is sent, and how far apart.
    pub every: Duration,
    /// Whether it is closed after the last.
    pub closes: bool,
    /// What must be somewhere in what comes over it when nothing goes wrong.
    pub hears: Option<String>,
}

impl Browse {
    /// When it is made for the last time.
    pub fn last(&self) -> Duration {
        last_of(self.at, self.every, self.times.into())
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

impl Socket {
    /// When the last of it happens.
    pub fn last(&self) -> Duration {
        last_of(self.at, self.every, 1 + self.says.len() as u64 + u64::from(self.closes))
    }

    /// The same socket when all that goes wrong is over: under a name of its own, and what is said first over it.
    pub fn again(&self, at: Duration) -> Socket {
        let says = self.says.iter().take(AGAIN_MAX).cloned().collect();
        let every = self.every.min(Duration::from_secs(1));
        Socket { name: format!("{} again", self.name), at, says, every, closes: false, ..self.clone() }
    }

    /// What is done, and when, where `first` is the first node.
    pub fn lines(&self, first: &str) -> Vec<Line> {
        let node = self.on.as_deref().unwrap_or(first);
        let open = HttpRequest { logged_in: true, ..HttpRequest::new("GET", &self.path, "") };
        let frame = |frame| Visit::Frame(self.name.clone(), frame);
        let says = self.says.iter().map(|text| frame(Frame::text(text)));
        let closes = self.closes.then(|| frame(Frame::empty(FrameKind::Close)));
        let all = [Visit::Open(self.name.clone(), open)].into_iter().chain(says).chain(closes);
        let line = |(nth, visit): (u64, Visit)| {
            let when = When::At(Duration(self.at.0 + self.every.0 * nth));
            Line { when, action: Action::Visit(node.to_string(), visit) }
        };
        (0..).zip(all).map(line).collect()
    }
}

// ---- the text -------------------------------------------------------------------------------------------------------

/// `[[http]]` as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpEntry {
    path: String,
    on: Option<String>,
    #[serde(default = "get")]
    method: String,
    body: Option<String>,
    json: Option<Json>,
    expect_status: Option<u16>,
    expect_body: Option<String>,
    expect_json: Option<Json>,
    at: Option<String>,
    #[serde(default = "once")]
    times: u32,
    every: Option<String>,
}

/// `[[socket]]` as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SocketEntry {
    path: String,
    on: Option<String>,
    at: Option<String>,
    #[serde(default)]
    says: Vec<String>,
    every: Option<String>,
    #[serde(default)]
    closes: bool,
    hears: Option<String>,
}

fn get() -> String {
    "GET".to_string()
}

/// How much is sent over one WebSocket.
const SAYS_MAX: usize = 1_000;
/// How much is said once more over a WebSocket when all that goes wrong is over.
const AGAIN_MAX: usize = 4;

/// A path of a process, as visitors know it.
fn path_of(path: String) -> Result<String, String> {
    let slash = path.starts_with('/');
    slash
        .then_some(())
        .ok_or_else(|| format!("`path = {path:?}` does not begin with a slash: /process:package:publisher/…"))?;
    Ok(path)
}

impl HttpEntry {
    /// What it says; what comes before it was asked last at this time, and it stands at this place.
    pub(super) fn read(self, before: Duration, place: String) -> Result<Browse, String> {
        let path = path_of(self.path)?;
        let body = body_of(self.body, self.json, None)?.unwrap_or_default();
        let status = self.expect_status;
        if let Some(status) = status.filter(|status| !(100..600).contains(status)) {
            return Err(format!("`expect_status = {status}` is no status of HTTP: 100 to 599"));
        }
        let expected = Body::read(self.expect_body, self.expect_json)?;
        let request = HttpRequest { logged_in: true, ..HttpRequest::new(&self.method, &path, body) };
        let (at, every) = (span("at", self.at)?.unwrap_or(a_second_after(before)), span("every", self.every)?);
        let (times, every) = (times(self.times)?, every.unwrap_or(Duration::from_secs(1)));
        Ok(Browse { on: self.on, request, status, body: expected, place, at, times, every })
    }
}

impl SocketEntry {
    /// What it says; what comes before it was over at this time. It is the `nth` of the file, and stands at this place.
    pub(super) fn read(self, before: Duration, nth: usize, place: String) -> Result<Socket, String> {
        let path = path_of(self.path)?;
        let at = span("at", self.at)?.unwrap_or(a_second_after(before));
        let every = span("every", self.every)?.unwrap_or(Duration::from_secs(1));
        if self.says.len() > SAYS_MAX {
            return Err(format!("`says` has {} texts; {SAYS_MAX} are the most", self.says.len()));
        }
        let Self { on, says, closes, hears, .. } = self;
        Ok(Socket { name: format!("socket {nth}"), on, path, place, at, says, every, closes, hears })
    }
}
