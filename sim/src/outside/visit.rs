//! Somebody outside: with a browser, what they send to a node's `http-server`, and what they get to see; or a
//! WebSocket server on the web.

use std::fmt;

/// What a visitor does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visit {
    /// Sends an HTTP request.
    Http(HttpRequest),
    /// Opens a WebSocket at the path of this request, under a name of the visitor's own.
    Open(String, HttpRequest),
    /// Sends a frame over the WebSocket of that name.
    Frame(String, Frame),
}

/// An HTTP request, or the one that opens a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpRequest {
    /// `GET`.
    pub method: String,
    /// The path, with a query if there is one: `/process:package:publisher/path?key=value`.
    pub path: String,
    /// The host that is asked for, without a port.
    pub host: String,
    /// Headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether a valid cookie of the node's login goes along.
    pub logged_in: bool,
    /// Whether it comes from the node's own machine.
    pub local: bool,
}

/// A WebSocket frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its kind.
    pub kind: FrameKind,
    /// What it carries.
    pub bytes: Vec<u8>,
}

/// The kind of a WebSocket frame: the runtime's `WsMessageType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
pub enum FrameKind {
    Text,
    Binary,
    Ping,
    Pong,
    Close,
}

/// What somebody outside gets to see: a visitor, unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The response to an HTTP request: the request's method and path, the status, the headers and the body.
    Http(String, String, u16, Vec<(String, String)>, Vec<u8>),
    /// A WebSocket is open.
    Opened(String),
    /// A WebSocket was refused, with this status.
    Refused(String, u16),
    /// A frame came over a WebSocket; after a `Close` there is none.
    Frame(String, Frame),
    /// Nothing: the node is down, or there is no WebSocket of that name any more.
    NobodyThere,
    /// A WebSocket server on the web, at this URL, gets this from the node.
    Served(String, Frame),
}

impl Frame {
    /// A frame of text.
    pub fn text(text: &str) -> Frame {
        Frame { kind: FrameKind::Text, bytes: text.into() }
    }

    /// A frame of this kind that carries nothing.
    pub fn empty(kind: FrameKind) -> Frame {
        Frame { kind, bytes: vec![] }
    }
}

impl HttpRequest {
    /// A request from the node's own machine, not logged in.
    pub fn new(method: &str, path: &str, body: impl Into<Vec<u8>>) -> HttpRequest {
        HttpRequest {
            method: method.to_string(),
            path: path.to_string(),
            host: "localhost".to_string(),
            headers: vec![],
            body: body.into(),
            logged_in: false,
            local: true,
        }
    }

    /// With a header more.
    pub fn header(mut self, name: &str, value: &str) -> HttpRequest {
        self.headers.push((name.to_string(), value.to_string()));
        self
    }

    /// By a visitor who is logged in.
    pub fn logged_in(mut self) -> HttpRequest {
        self.logged_in = true;
        self
    }

    /// From another machine.
    pub fn from_afar(mut self) -> HttpRequest {
        self.local = false;
        self
    }

    /// To another host: `package-publisher.localhost` for what is bound securely.
    pub fn host(mut self, host: &str) -> HttpRequest {
        self.host = host.to_string();
        self
    }
}

/// The start of a body, for people.
fn excerpt(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().count() <= 60 => format!("{text:?}"),
        Ok(text) => format!("{:?}…", text.chars().take(60).collect::<String>()),
        Err(_) => format!("{} bytes", bytes.len()),
    }
}

impl fmt::Display for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Visit::Http(HttpRequest { method, path, body, .. }) if body.is_empty() => write!(f, "{method} {path}"),
            Visit::Http(HttpRequest { method, path, body, .. }) => write!(f, "{method} {path} {}", excerpt(body)),
            Visit::Open(socket, request) => write!(f, "opens WebSocket `{socket}` at {}", request.path),
            Visit::Frame(socket, frame) => write!(f, "`{socket}` sends {frame}"),
        }
    }
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sight::Http(method, path, status, _, body) => write!(f, "{method} {path} gets {status} {}", excerpt(body)),
            Sight::Opened(socket) => write!(f, "WebSocket `{socket}` is open"),
            Sight::Refused(socket, status) => write!(f, "WebSocket `{socket}` is refused: {status}"),
            Sight::Frame(socket, frame) => write!(f, "`{socket}` gets {frame}"),
            Sight::NobodyThere => f.write_str("nobody is there"),
            Sight::Served(url, frame) => write!(f, "{url} gets {frame}"),
        }
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.kind, excerpt(&self.bytes))
    }
}
