//! The web as `http-client` finds it: what a scenario says is there, and nothing else.

use super::visit::{Frame, FrameKind};
use kernel_core::Duration;
use std::fmt;

/// What a scenario lets the web answer to some requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The method, `GET`; `*` fits all.
    pub method: String,
    /// The URL; each `*` in it stands for any text.
    pub url: String,
    /// What comes back.
    pub reply: PageReply,
}

/// What comes back from the web.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageReply {
    /// An HTTP response.
    Response {
        /// Its status, 100 to 999.
        status: u16,
        /// Its headers, in order.
        headers: Vec<(String, String)>,
        /// Its body.
        body: Vec<u8>,
    },
    /// No response: why not, in the words of the HTTP library.
    Failure(String),
}

/// A WebSocket server on the web, as a scenario has it. All who open a socket there are served alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketServer {
    /// Its URL; each `*` in it stands for any text.
    pub url: String,
    /// What it sends first.
    pub greets: Vec<Frame>,
    /// What it sends by itself, and how long apart.
    pub feed: Option<(Duration, Frame)>,
    /// What it sends when it hears text or bytes that are like this; each `*` stands for any text, and the first that
    /// fits counts. After a `Close` it sends nothing more.
    pub answers: Vec<(String, Vec<Frame>)>,
}

impl SocketServer {
    /// A server that listens and says nothing.
    pub fn new(url: &str) -> SocketServer {
        SocketServer { url: url.to_string(), ..SocketServer::default() }
    }

    /// It first sends this text; said again: then that.
    pub fn greeting(mut self, text: &str) -> SocketServer {
        self.greets.push(Frame::text(text));
        self
    }

    /// It sends this text again and again, a millisecond apart at least.
    pub fn feeding(mut self, apart: Duration, text: &str) -> SocketServer {
        self.feed = Some((apart.max(Duration::from_millis(1)), Frame::text(text)));
        self
    }

    /// It answers what is like this with that text.
    pub fn answering(mut self, to: &str, text: &str) -> SocketServer {
        self.answers.push((to.to_string(), vec![Frame::text(text)]));
        self
    }

    /// It closes the socket when it hears what is like this.
    pub fn closing_at(mut self, what: &str) -> SocketServer {
        self.answers.push((what.to_string(), vec![Frame::empty(FrameKind::Close)]));
        self
    }

    /// Whether it is at this URL.
    pub fn is_at(&self, url: &str) -> bool {
        is_like(url, &self.url)
    }

    /// What it sends when it hears this.
    pub fn answer(&self, heard: &Frame) -> &[Frame] {
        let text = String::from_utf8_lossy(&heard.bytes);
        let fits = self.answers.iter().find(|(pattern, _)| is_like(&text, pattern));
        fits.map_or(&[], |(_, frames)| frames)
    }
}

impl Page {
    /// A page that is there: status 200 and a text.
    pub fn new(method: &str, url: &str, body: &str) -> Page {
        let reply = PageReply::Response { status: 200, headers: vec![], body: body.into() };
        Page { method: method.to_string(), url: url.to_string(), reply }
    }

    /// With another status.
    pub fn status(mut self, to: u16) -> Page {
        if let PageReply::Response { status, .. } = &mut self.reply {
            *status = to;
        }
        self
    }

    /// With a header more.
    pub fn header(mut self, name: &str, value: &str) -> Page {
        if let PageReply::Response { headers, .. } = &mut self.reply {
            headers.push((name.to_string(), value.to_string()));
        }
        self
    }

    /// A server that cannot be reached.
    pub fn failing(method: &str, url: &str, error: &str) -> Page {
        Page { reply: PageReply::Failure(error.to_string()), ..Page::new(method, url, "") }
    }

    /// Whether it answers such a request.
    pub fn fits(&self, method: &str, url: &str) -> bool {
        (self.method == "*" || self.method == method) && is_like(url, &self.url)
    }
}

/// Whether a text is as a pattern has it, in which each `*` stands for any text. The text may be a guest's, and long: what
/// stands between two stars is looked for once, from the left, which finds a fit if there is one.
pub fn is_like(text: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let Some(tail) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(tail)
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.method, self.url)?;
        match &self.reply {
            PageReply::Response { status, body, .. } => write!(f, "{status}, {} bytes", body.len()),
            PageReply::Failure(error) => f.write_str(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text_and_nothing_else_does() {
        assert!(is_like("https://a.b/c", "https://a.b/c"));
        assert!(!is_like("https://a.b/cd", "https://a.b/c"));
        assert!(is_like("https://a.b/c?d=e", "https://a.b/*"));
        assert!(is_like("https://a.b/", "https://a.b/*"));
        assert!(is_like("https://a.b/c/d.json", "https://*/d.json"));
        assert!(is_like("https://a.b/c/d.json", "*/c/*.json"));
        assert!(!is_like("https://a.b/c/d.json", "*/x/*.json"));
        assert!(!is_like("http://a.b/c?d", "http://a?b/c.d"));
        assert!(is_like("abab", "a*b*") && !is_like("ab", "ab*b") && is_like("", "*") && !is_like("a", ""));
        assert!(!is_like(&"a".repeat(1 << 20), "*a*a*a*b*"), "and that at once, however long it is");
    }

    #[test]
    fn a_server_answers_by_the_first_pattern_that_fits() {
        let server = SocketServer::new("wss://*/feed").answering("sub *", "ok").closing_at("*");
        assert!(server.is_at("wss://a.b/feed") && !server.is_at("wss://a.b/"));
        assert_eq!(server.answer(&Frame::text("sub ETH")), [Frame::text("ok")]);
        assert_eq!(server.answer(&Frame::text("bye"))[0].kind, FrameKind::Close);
        assert_eq!(SocketServer::new("ws://a").answer(&Frame::text("bye")), []);
    }

    #[test]
    fn a_page_answers_its_method_only_unless_it_answers_all() {
        assert!(Page::new("GET", "*", "").fits("GET", "http://a"));
        assert!(!Page::new("GET", "*", "").fits("POST", "http://a"));
        assert!(Page::new("*", "*", "").fits("POST", "http://a"));
    }
}
