//! `[[send]]`: a request from an owner's terminal to a process of the package.

use super::{Json, NO_BODY, a_second_after, body_of, last_of, once, span, times};
use crate::scenario::{Action, Line, On, Request, When};
use crate::trace::event::Kind;
use kernel_core::Duration;
use serde::Deserialize;

/// Something that is sent, perhaps again and again.
#[derive(Clone, Debug, PartialEq)]
pub struct Send {
    /// The process's own name, or its id.
    pub to: String,
    /// On which node; `None`: the first.
    pub on: Option<String>,
    /// What.
    pub request: Request,
    /// When.
    pub at: Moment,
    /// Where it stands: `it.toml:12`.
    pub place: String,
    /// How often.
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

impl Send {
    /// When it is sent for the last time, if it is sent by the clock.
    pub fn last(&self) -> Duration {
        match self.at {
            Moment::After(at) => last_of(at, self.every, self.times.into()),
            Moment::When(..) => Duration::ZERO,
        }
    }

    /// Its lines of a script, where `first` is the first node, to a process by its id.
    pub fn lines(&self, first: &str, id: impl Fn(&str) -> String) -> Vec<Line> {
        let node = self.on.as_deref().unwrap_or(first).to_string();
        let action = Action::Send(On { node, process: id(&self.to) }, self.request.clone());
        let nth = |n: u32| match &self.at {
            Moment::After(at) => When::At(Duration(at.0 + self.every.0 * u64::from(n))),
            Moment::When(kind, process, nth) => When::Event(*kind, id(process), nth.saturating_add(n)),
        };
        (0..self.times).map(|n| Line { when: nth(n), action: action.clone() }).collect()
    }
}

// ---- the text -------------------------------------------------------------------------------------------------------

/// The entry as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    to: String,
    on: Option<String>,
    from: Option<String>,
    body: Option<String>,
    json: Option<Json>,
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
struct Event {
    process: String,
    event: String,
    #[serde(default = "once")]
    nth: u32,
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
    /// What it says; what comes before it was sent last at this time, and it stands at this place.
    pub(super) fn read(self, before: Duration, place: String) -> Result<Send, String> {
        let body = body_of(self.body, self.json, self.bytes)?.ok_or(NO_BODY)?;
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
            (None, None) => Moment::After(a_second_after(before)),
        };
        let times = times(self.times)?;
        // The process world has whole seconds.
        let expects = span("answer_within", self.answer_within)?.map(|span| span.0.div_ceil(1_000_000_000).max(1));
        let blob = blob.map(|bytes| (self.mime, bytes.into()));
        let request = Request { body: body.into(), blob, code: None, expects, from: self.from };
        let every = every.unwrap_or(Duration::from_secs(1));
        Ok(Send { to: self.to, on: self.on, request, at, place, times, every })
    }
}

impl Event {
    fn read(self) -> Result<Moment, String> {
        let known = EVENTS.iter().find(|(name, _)| *name == self.event);
        let all = || EVENTS.map(|(name, _)| format!("{name:?}")).join(", ");
        let (_, kind) = known.ok_or_else(|| format!("`event = {:?}` is none of {}", self.event, all()))?;
        if self.nth == 0 {
            return Err("`nth = 0`: the first time is 1".to_string());
        }
        Ok(Moment::When(*kind, self.process, self.nth))
    }
}
