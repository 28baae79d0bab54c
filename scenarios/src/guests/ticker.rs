//! The twin of the Wasm program `ticker`: keeps the latest price of a feed on the web, and shows it to visitors.

use super::process::{Event, await_answer, next, print, reason, request, text};
use kernel_core::{Address, Blob, Outgoing, ProcessRef, Response};
use sim::guest::native::Os;

const FEED: &str = r#"{"WebSocketOpen":{"url":"wss://feed.example/prices","headers":{},"channel_id":1}}"#;

pub(super) async fn ticker(os: Os) {
    let price = text(&os.get_state().await.unwrap_or_default());
    let mut desk = Desk { os: os.clone(), price, browsers: Vec::new() };
    desk.bind(r#"{"Bind":{"path":"/","authenticated":true,"local_only":false,"cache":false}}"#).await;
    desk.bind(r#"{"WebSocketBind":{"path":"/ws","authenticated":true,"extension":false}}"#).await;
    let contacts = desk.module(os.with_names(|names| names.process("contacts:contacts:sys")));
    match await_answer(&os, contacts, 5, "\"GetNames\"").await {
        Ok(names) => print(&os, &format!("knows {names}")),
        Err(kind) => print(&os, &format!("knows nobody: {}", reason(kind))),
    }
    desk.open_feed().await;
    loop {
        match next(&os).await {
            Event::Request { source, body, .. } => match source.process {
                ProcessRef::HTTP_CLIENT => desk.on_feed(&body).await,
                ProcessRef::HTTP_SERVER => desk.on_browser(&body),
                _ => {}
            },
            Event::Response { context, .. } if context == "again" => desk.open_feed().await,
            _ => {}
        }
    }
}

struct Desk {
    os: Os,
    /// The latest price.
    price: String,
    /// The channels of the browsers that look.
    browsers: Vec<u32>,
}

impl Desk {
    fn module(&self, process: ProcessRef) -> Address {
        Address { process, ..self.os.init_argument() }
    }

    async fn bind(&self, what: &str) {
        let bound = await_answer(&self.os, self.module(ProcessRef::HTTP_SERVER), 5, what).await;
        bound.expect("the server is there");
    }

    async fn open_feed(&self) {
        let opened = await_answer(&self.os, self.module(ProcessRef::HTTP_CLIENT), 5, FEED).await;
        if opened.is_ok_and(|answer| answer == r#"{"Ok":"WebSocketAck"}"#) {
            return print(&self.os, "feed open");
        }
        print(&self.os, "no feed");
        self.os.ask(self.module(ProcessRef::TIMER), 5, r#"{"SetTimer":2000}"#, Some("again".into()));
    }

    async fn on_feed(&mut self, body: &str) {
        if body.starts_with(r#"{"WebSocketClose""#) {
            return self.open_feed().await;
        }
        if body.contains(r#""message_type":"Text""#) {
            self.price = text(&self.os.get_blob().await.expect("text has a blob").bytes);
            self.os.set_state(self.price.as_str()).await;
            print(&self.os, &format!("price {}", self.price));
            for browser in &self.browsers {
                self.show(*browser);
            }
        }
    }

    fn on_browser(&mut self, body: &str) {
        if body.starts_with(r#"{"Http""#) {
            let response = Response { body: r#"{"status":200,"headers":{}}"#.into(), ..Response::default() };
            let price = Blob { mime: Some("text/plain".into()), bytes: self.price.as_str().into() };
            self.os.send_response(response, Some(price));
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
        let push = format!(r#"{{"WebSocketPush":{{"channel_id":{browser},"message_type":"Text"}}}}"#);
        let price = Blob { mime: None, bytes: self.price.as_str().into() };
        let target = self.module(ProcessRef::HTTP_SERVER);
        self.os.send_request(Outgoing { target, request: request(&push), context: None, blob: Some(price) });
    }
}

fn number_behind(body: &str, key: &str) -> u32 {
    let (_, rest) = body.split_once(key).expect("the key is there");
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().expect("a number follows")
}
