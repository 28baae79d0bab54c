//! Shows the latest price of a feed on the web to whoever looks, and keeps it.
//!
//! Calls: `get-state`; `send-and-await-response` to `http-server` to bind `/`, and the same to bind the WebSocket
//! `/ws`; `send-and-await-response` of `"GetNames"` to `contacts:contacts:sys`, `print-to-terminal` of `knows ANSWER`
//! or `knows nobody: REASON`; the calls of opening the feed; then for each message `receive` and
//!
//! - text from the feed: `get-blob`, `set-state`, `print-to-terminal` of `price TEXT`, and for each browser that looks
//!   the call of showing it;
//! - the feed is closed, or a timer is over: the calls of opening the feed;
//! - a browser asks by HTTP: `send-response`, the price as blob;
//! - a browser opens a WebSocket: the call of showing it the price, if there is one; it closes: nothing;
//! - anything else: nothing.
//!
//! Opening the feed: `send-and-await-response` to `http-client`, `print-to-terminal` of `feed open`; or of `no feed`
//! and `send-request` to `timer`, to try again two seconds later. Showing: `send-request` to `http-server`.

use process::{
    Address, Event, Guest, LazyLoadBlob, Message, Request, Response, address, ask, await_answer,
    get_blob, get_state, module, next, print, process_id, reason, request, send_and_await_response,
    send_request, send_response, set_state, text,
};

const FEED: &str =
    r#"{"WebSocketOpen":{"url":"wss://feed.example/prices","headers":{},"channel_id":1}}"#;

struct Ticker;

struct Desk {
    server: Address,
    client: Address,
    timer: Address,
    /// The latest price.
    price: String,
    /// The channels of the browsers that look.
    browsers: Vec<u32>,
}

impl Guest for Ticker {
    fn init(our: String) {
        let our = address(&our).expect("our is an address");
        let mut desk = Desk {
            server: module(&our, "http-server"),
            client: module(&our, "http-client"),
            timer: module(&our, "timer"),
            price: text(&get_state().unwrap_or_default()),
            browsers: Vec::new(),
        };
        desk.bind(r#"{"Bind":{"path":"/","authenticated":true,"local_only":false,"cache":false}}"#);
        desk.bind(r#"{"WebSocketBind":{"path":"/ws","authenticated":true,"extension":false}}"#);
        let contacts = Address {
            process: process_id("contacts:contacts:sys").expect("it is an id"),
            ..our
        };
        match await_answer(&contacts, 5, "\"GetNames\"") {
            Ok(names) => print(&format!("knows {names}")),
            Err(kind) => print(&format!("knows nobody: {}", reason(kind))),
        }
        desk.open_feed();
        loop {
            match next() {
                Event::Request { source, body, .. } => match source.process.to_string().as_str() {
                    "http-client:distro:sys" => desk.on_feed(&body),
                    "http-server:distro:sys" => desk.on_browser(&body),
                    _ => {}
                },
                Event::Response { context, .. } if context == "again" => desk.open_feed(),
                _ => {}
            }
        }
    }
}

impl Desk {
    fn bind(&self, what: &str) {
        await_answer(&self.server, 5, what).expect("the server is there");
    }

    fn open_feed(&self) {
        let opens = Request {
            expects_response: Some(5),
            ..request(FEED)
        };
        let opened = match send_and_await_response(&self.client, &opens, None) {
            Ok((_, Message::Response((answer, _)))) => {
                text(&answer.body) == r#"{"Ok":"WebSocketAck"}"#
            }
            _ => false,
        };
        if opened {
            return print("feed open");
        }
        print("no feed");
        ask(&self.timer, 5, "again", r#"{"SetTimer":2000}"#);
    }

    fn on_feed(&mut self, body: &str) {
        if body.starts_with(r#"{"WebSocketClose""#) {
            return self.open_feed();
        }
        if body.contains(r#""message_type":"Text""#) {
            self.price = text(&get_blob().expect("text has a blob").bytes);
            // Who sees a price sees it again after a crash: it is kept before it is shown.
            set_state(self.price.as_bytes());
            print(&format!("price {}", self.price));
            for browser in &self.browsers {
                self.show(*browser);
            }
        }
    }

    fn on_browser(&mut self, body: &str) {
        let price = || LazyLoadBlob {
            mime: Some("text/plain".into()),
            bytes: self.price.clone().into(),
        };
        if body.starts_with(r#"{"Http""#) {
            let response = Response {
                inherit: false,
                body: r#"{"status":200,"headers":{}}"#.into(),
                metadata: None,
                capabilities: Vec::new(),
            };
            send_response(&response, Some(&price()));
        } else if body.starts_with(r#"{"WebSocketOpen""#) {
            let channel = number_behind(body, r#""channel_id":"#);
            self.browsers.push(channel);
            if !self.price.is_empty() {
                self.show(channel);
            }
        } else if body.starts_with(r#"{"WebSocketClose""#) {
            let channel = number_behind(body, r#"{"WebSocketClose":"#);
            self.browsers.retain(|browser| *browser != channel);
        }
    }

    fn show(&self, browser: u32) {
        let push =
            format!(r#"{{"WebSocketPush":{{"channel_id":{browser},"message_type":"Text"}}}}"#);
        let price = LazyLoadBlob {
            mime: None,
            bytes: self.price.clone().into(),
        };
        send_request(&self.server, &request(&push), None, Some(&price));
    }
}

fn number_behind(body: &str, key: &str) -> u32 {
    let (_, rest) = body.split_once(key).expect("the key is there");
    let digits = rest
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or_default();
    digits.parse().expect("a number follows")
}

process::export!(Ticker);
