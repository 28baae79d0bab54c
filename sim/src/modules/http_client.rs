//! `http-client:distro:sys`: the web, as far as the scenario says that it is there.
//!
//! As in the public runtime (`src/http/client.rs`, alike in both). A request is answered by the first page of
//! [`Scenario::web`](crate::scenario::Scenario::web) that fits its method and URL, after [`LATENCY`]; without one it
//! fails as it does on a machine without a network, `{"Err":{"ExecuteRequestFailed":text}}`. Success is answered
//! always, with the body as blob; an error only if an answer is expected. What `rsvp` names gets the answer.
//!
//! A WebSocket is opened to the first of the scenario's
//! [`SocketServer`](crate::outside::web::SocketServer)s at its URL, or the answer is `WsOpenFailed`; see `sockets`.
//!
//! Of a URL only scheme and host are checked. Responses are ignored; requests of other nodes are served, as there.

use super::{Module, ModuleContext, Support};
use crate::outside::visit::FrameKind;
use crate::outside::web::PageReply;
use kernel_core::{Blob, Duration, Message};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sockets::Sockets;
use std::collections::BTreeMap;
use std::rc::Rc;

mod sockets;

/// How long the web takes to answer.
pub const LATENCY: Duration = Duration::from_millis(50);

/// The client.
#[derive(Clone, Default)]
pub struct HttpClient {
    sockets: Sockets,
}

#[derive(Deserialize)]
enum Action {
    Http(Outgoing),
    WebSocketOpen {
        url: String,
        #[serde(rename = "headers")]
        _headers: BTreeMap<String, String>,
        channel_id: u32,
    },
    WebSocketPush {
        channel_id: u32,
        message_type: FrameKind,
    },
    WebSocketClose {
        channel_id: u32,
    },
}

/// A request to the web. Its headers and its body make no difference to the answer.
#[derive(Deserialize)]
struct Outgoing {
    method: String,
    version: Option<String>,
    url: String,
    #[serde(rename = "headers")]
    _headers: BTreeMap<String, String>,
}

/// Why not, named as in the runtime.
#[derive(Debug, Serialize)]
enum HttpClientError {
    MalformedRequest,
    BadMethod { method: String },
    BadUrl { url: String },
    BadVersion { version: String },
    ExecuteRequestFailed(String),
    WsOpenFailed { url: String },
    WsPushUnknownChannel { channel_id: u32 },
    WsPushNoBlob,
    WsPushBadText,
    WsCloseFailed { channel_id: u32 },
}

impl Module for HttpClient {
    fn uses_disk(&self) -> bool {
        false
    }

    fn on_message(&mut self, message: &Rc<Message>, cx: &mut ModuleContext<'_>) {
        let error = match serde_json::from_slice(message.body()) {
            Ok(Action::Http(request)) => match request.answer(cx) {
                Ok((body, blob)) => return cx.respond_after(LATENCY, message, body.as_str(), Some(blob)),
                Err(error) => error,
            },
            Ok(Action::WebSocketOpen { url, channel_id, .. }) => {
                let opened = if is_url(&url) {
                    self.sockets.open(url, message.reply_to(), channel_id, cx)
                } else {
                    Err(HttpClientError::BadUrl { url })
                };
                return cx.respond_after(LATENCY, message, acknowledgement(opened).as_str(), None);
            }
            Ok(Action::WebSocketPush { channel_id, message_type }) => {
                let pushed = self.sockets.push(message.reply_to(), channel_id, message_type, &message.blob, cx);
                return cx.respond(message, acknowledgement(pushed).as_str(), None);
            }
            Ok(Action::WebSocketClose { channel_id }) => {
                let closed = self.sockets.close(message.reply_to(), channel_id, cx);
                return cx.respond(message, acknowledgement(closed).as_str(), None);
            }
            Err(_) => HttpClientError::MalformedRequest,
        };
        if message.expects_response().is_some() {
            let after = match error {
                HttpClientError::ExecuteRequestFailed(_) => LATENCY,
                _ => Duration::ZERO,
            };
            cx.respond_after(after, message, refusal(&error).as_str(), None);
        }
    }

    fn on_wake(&mut self, number: u64, cx: &mut ModuleContext<'_>) {
        self.sockets.on_wake(number, cx);
    }

    fn fork(&self) -> Option<Box<dyn Module>> {
        Some(Box::new(self.clone()))
    }

    fn actions(&self) -> &'static [(&'static str, Support)] {
        &[
            ("Http", Support::Done),
            ("WebSocketOpen", Support::Done),
            ("WebSocketPush", Support::Done),
            ("WebSocketClose", Support::Done),
        ]
    }
}

impl Outgoing {
    /// What the web says, or why the request did not get there. Checks come in the order of the public runtime.
    fn answer(self, cx: &ModuleContext<'_>) -> Result<(String, Blob), HttpClientError> {
        let Outgoing { method, version, url, _headers } = self;
        if !is_method(&method) {
            return Err(HttpClientError::BadMethod { method });
        }
        if !is_url(&url) {
            return Err(HttpClientError::BadUrl { url });
        }
        let known = ["HTTP/0.9", "HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/3.0"];
        if let Some(version) = version.filter(|version| !known.contains(&version.as_str())) {
            return Err(HttpClientError::BadVersion { version });
        }
        match cx.outside.web.iter().find(|page| page.fits(&method, &url)).map(|page| &page.reply) {
            Some(PageReply::Response { status, headers, body }) => {
                let headers: BTreeMap<_, _> = headers.iter().map(|(name, value)| (pascal(name), value)).collect();
                let answer = json!({ "Ok": { "Http": { "status": status, "headers": headers } } });
                Ok((answer.to_string(), Blob { mime: None, bytes: body.clone().into() }))
            }
            Some(PageReply::Failure(error)) => Err(HttpClientError::ExecuteRequestFailed(error.clone())),
            None => {
                let error = format!("error sending request for url ({url}): the scenario has no such page");
                Err(HttpClientError::ExecuteRequestFailed(error))
            }
        }
    }
}

/// The answer to whatever is done to a WebSocket.
fn acknowledgement(result: Result<(), HttpClientError>) -> String {
    match result {
        Ok(()) => json!({ "Ok": "WebSocketAck" }).to_string(),
        Err(error) => refusal(&error),
    }
}

/// An error as a body.
fn refusal(error: &HttpClientError) -> String {
    json!({ "Err": error }).to_string()
}

/// Whether a text can be a method: a token of HTTP.
fn is_method(text: &str) -> bool {
    let token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    !text.is_empty() && text.bytes().all(token)
}

/// Whether a text has a scheme and a host.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"+-.".contains(&c);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let starts = scheme.bytes().next().is_some_and(|c| c.is_ascii_alphabetic());
    starts && scheme.bytes().all(plain) && !host.is_empty() && !host.contains(char::is_whitespace)
}

/// A header's name as the runtime hands it on: `Content-Type`.
fn pascal(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        first.to_uppercase() + &rest.to_lowercase()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests;
