//! The web as `http-client` finds it: what a scenario says is there, and nothing else.

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

/// Whether a text is as a pattern has it, in which each `*` stands for any text.
fn is_like(text: &str, pattern: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return text == pattern };
    let Some(rest) = text.strip_prefix(head) else { return false };
    let mut starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    // What follows the last star has one place only; this keeps patterns of many stars cheap.
    match tail.contains('*') {
        false => rest.ends_with(tail),
        true => starts.any(|at| is_like(&rest[at..], tail)),
    }
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
    }

    #[test]
    fn a_page_answers_its_method_only_unless_it_answers_all() {
        assert!(Page::new("GET", "*", "").fits("GET", "http://a"));
        assert!(!Page::new("GET", "*", "").fits("POST", "http://a"));
        assert!(Page::new("*", "*", "").fits("POST", "http://a"));
    }
}
