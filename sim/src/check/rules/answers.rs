//! The answers of a process to whoever asks it from outside: the owner, a browser's request, a browser's WebSocket.

use super::meaning::Meaning;
use super::{is_asked, said};
use crate::check::workload::Remembers;
use crate::outside::visit::{Frame, FrameKind, HttpRequest, Sight, Visit};
use crate::scenario::On;
use crate::trace::event::{Event, What};
use kernel_core::{Cause, MessageId, Names, NodeId, ProcessRef};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// How many bytes of what was asked are kept to tell one request from another; of what is longer, a digest.
const LABEL_MAX: usize = 100;

/// An answer that was given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    /// To what, in words.
    pub request: Arc<str>,
    /// What it says, in words.
    pub text: String,
    /// What it means.
    pub means: Meaning,
    /// Whether it is known to be an answer to that: a frame of a WebSocket may be none.
    pub is_certain: bool,
    /// How much there is to compare.
    pub size: u64,
    /// At which event it was given, if that is known.
    pub at: Option<Cause>,
}

impl Answer {
    /// To what, what it says, what that means, and whether it is known to be an answer to that.
    pub fn new(request: Arc<str>, text: String, means: Meaning, is_certain: bool) -> Answer {
        let size = means.size();
        Answer { request, text, means, is_certain, size, at: None }
    }
}

/// Finds the answers of one process among the events of a run.
#[derive(Clone)]
pub(super) struct Answers {
    process: On,
    requests: Remembers,
    /// What owners have asked, by their node: requests, in words.
    asked: BTreeMap<(NodeId, MessageId), Arc<str>>,
    /// What browsers have asked and have no answer to, by method and path.
    browsed: BTreeMap<(String, String), Browsed>,
    /// What was said over each open WebSocket and has no answer.
    sockets: BTreeMap<String, VecDeque<Arc<str>>>,
}

/// Requests of one method and path that are under way: each in words; `None`, if its answer does not count. An answer does
/// not say which of them it is for: once two differ, none of them counts until all are answered.
#[derive(Clone, Default)]
struct Browsed {
    open: VecDeque<Option<Arc<str>>>,
    is_mixed: bool,
}

impl Answers {
    /// Of this process, to these requests.
    pub fn new(process: On, requests: Remembers) -> Answers {
        let (asked, browsed, sockets) = Default::default();
        Answers { process, requests, asked, browsed, sockets }
    }

    /// The answer that this event is, if it is one.
    pub fn take_in(&mut self, event: &Event, names: &Names) -> Option<Answer> {
        let is_of_node = names.node_text(event.node) == self.process.node;
        match &event.what {
            What::Sent(message) if is_asked(message) => {
                let target = message.target;
                let is_meant = names.node_text(target.node) == self.process.node
                    && names.process_text(target.process) == self.process.process;
                let body = String::from_utf8_lossy(message.body());
                if is_meant && self.counts(&[&body]) {
                    self.asked.insert((event.node, message.id), format!("{:?}", label(&body)).into());
                }
                None
            }
            What::ModuleReceived(ProcessRef::TERMINAL, message) if !message.is_request() => {
                let request = self.asked.remove(&(event.node, message.id))?;
                Some(answer(request, message.body(), true))
            }
            What::Visited(visit) if is_of_node => {
                self.visited(visit);
                None
            }
            What::Shown(sight) if is_of_node => self.shown(sight),
            What::Down(_) if is_of_node => {
                self.browsed.clear();
                self.sockets.clear();
                None
            }
            _ => None,
        }
    }

    fn visited(&mut self, visit: &Visit) {
        match visit {
            Visit::Http(HttpRequest { method, path, body, .. }) if self.is_own(path) => {
                let body = String::from_utf8_lossy(body);
                let line = format!("{method} {path}");
                let counts = self.counts(&[&line, path, &body]);
                let line = label(&line);
                let text = if body.is_empty() { line } else { format!("{line} {:?}", label(&body)) };
                let browsed = self.browsed.entry((method.clone(), path.clone())).or_default();
                browsed.open.push_back(counts.then(|| text.into()));
                browsed.is_mixed |= browsed.open.front() != browsed.open.back();
            }
            Visit::Open(socket, request) if self.is_own(&request.path) => {
                self.sockets.insert(socket.clone(), VecDeque::new());
            }
            Visit::Frame(socket, Frame { kind: FrameKind::Text | FrameKind::Binary, bytes }) => {
                let text = String::from_utf8_lossy(bytes).into_owned();
                let counts = self.counts(&[&text]);
                if let (Some(open), true) = (self.sockets.get_mut(socket), counts) {
                    open.push_back(format!("{:?} over a WebSocket", label(&text)).into());
                }
            }
            _ => {}
        }
    }

    fn shown(&mut self, sight: &Sight) -> Option<Answer> {
        match sight {
            Sight::Http(method, path, status, _, body) => {
                let browsed = self.browsed.get_mut(&(method.clone(), path.clone()))?;
                let is_mixed = browsed.is_mixed;
                let request = browsed.open.pop_front().flatten();
                browsed.is_mixed &= !browsed.open.is_empty();
                // An error says nothing of what the process knows.
                let says = (200..300).contains(status) && !is_mixed;
                says.then_some(request).flatten().map(|request| answer(request, body, true))
            }
            Sight::Frame(socket, frame) => match frame.kind {
                FrameKind::Close => {
                    self.sockets.remove(socket);
                    None
                }
                FrameKind::Text | FrameKind::Binary => {
                    let request = self.sockets.get_mut(socket)?.pop_front()?;
                    Some(answer(request, &frame.bytes, false))
                }
                FrameKind::Ping | FrameKind::Pong => None,
            },
            // Whoever finds nobody there gets no answer; so do those who have asked before.
            Sight::NobodyThere => {
                self.browsed.clear();
                None
            }
            Sight::Opened(_) | Sight::Refused(..) | Sight::Served(..) => None,
        }
    }

    /// Whether a path is one of the process's.
    fn is_own(&self, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default().trim_start_matches('/');
        path.strip_prefix(self.process.process.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether answers to a request count, by any of its names.
    fn counts(&self, names: &[&str]) -> bool {
        match &self.requests {
            Remembers::Nothing => false,
            Remembers::All => true,
            Remembers::Of(requests) => names.iter().any(|name| requests.contains(*name)),
        }
    }
}

fn answer(request: Arc<str>, body: &[u8], is_certain: bool) -> Answer {
    Answer::new(request, said(body), Meaning::of(body), is_certain)
}

/// A request as far as it is kept: another one has another label.
fn label(text: &str) -> String {
    if text.len() <= LABEL_MAX {
        return text.to_string();
    }
    let start = &text[..text.floor_char_boundary(LABEL_MAX)];
    format!("{start}… ({} bytes, {:016x})", text.len(), xxh3_64(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_request_has_a_short_label_of_its_own() {
        assert_eq!(label("get"), "get");
        let long = |end: &str| label(&format!("{}{end}", "ä".repeat(1_000)));
        assert!(long("a").len() < 150 && long("a").starts_with("äää"), "{}", long("a"));
        assert_ne!(long("a"), long("b"));
    }
}
