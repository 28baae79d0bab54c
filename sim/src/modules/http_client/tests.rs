//! Claims about the client of the web.

use super::*;
use crate::modules::desk::{Desk, json_of};
use crate::outside::web::{Page, SocketServer};
use kernel_core::ProcessRef;
use serde_json::Value;

fn desk(pages: &[Page]) -> Desk<HttpClient> {
    let mut desk = Desk::new(ProcessRef::HTTP_CLIENT, HttpClient::default());
    desk.outside.web = pages.to_vec();
    desk
}

fn get(url: &str) -> Value {
    json!({ "Http": { "method": "GET", "version": null, "url": url, "headers": {} } })
}

#[test]
fn the_first_page_that_fits_answers_after_a_while() {
    let first = Page::new("GET", "https://a.b/*", "one").status(201).header("content-type", "text/plain");
    let mut desk = desk(&[first, Page::new("GET", "https://a.b/c", "two")]);
    let request = desk.request(get("https://a.b/c").to_string(), None);
    let (after, reply) = desk.reply(request);
    let headers = json!({ "Content-Type": "text/plain" });
    assert_eq!(json_of(&reply), json!({ "Ok": { "Http": { "status": 201, "headers": headers } } }));
    assert_eq!(&*reply.blob.expect("the body").bytes, b"one");
    assert_eq!(after, LATENCY);
}

#[test]
fn what_is_not_on_the_web_is_an_error_that_says_so() {
    let mut desk = desk(&[Page::failing("GET", "https://down/", "connection refused")]);
    assert_eq!(desk.ask(get("https://down/")), json!({ "Err": { "ExecuteRequestFailed": "connection refused" } }));
    let error = desk.ask(get("https://a.b/c"))["Err"]["ExecuteRequestFailed"].to_string();
    assert!(error.contains("https://a.b/c") && error.contains("no such page"), "{error}");
}

#[test]
fn a_request_that_is_none_is_refused_with_the_reason() {
    let mut desk = desk(&[Page::new("*", "*", "all")]);
    let http = |method: &str, version: Value, url: &str| json!({ "Http": { "method": method, "version": version, "url": url, "headers": {} } });
    let mut error = |body| desk.ask(body)["Err"].clone();
    assert_eq!(error(http("NO SUCH", json!(null), "http://a")), json!({ "BadMethod": { "method": "NO SUCH" } }));
    assert_eq!(error(http("GET", json!(null), "a/b")), json!({ "BadUrl": { "url": "a/b" } }));
    assert_eq!(error(http("GET", json!("9"), "http://a")), json!({ "BadVersion": { "version": "9" } }));
    assert_eq!(error(json!({ "Ftp": {} })), "MalformedRequest");
}

#[test]
fn success_is_answered_always_and_an_error_only_to_who_expects_it() {
    let mut desk = desk(&[Page::new("GET", "http://here/", "")]);
    let there = desk.telling(get("http://here/").to_string(), None);
    assert!(json_of(&desk.reply(there).1)["Ok"].is_object());
    for body in [get("http://nowhere/").to_string(), "no json".to_string()] {
        let message = desk.telling(body, None);
        desk.tell(crate::modules::Heard::Message(Rc::new(message)));
        assert!(desk.replies.is_empty());
    }
}

// ---- WebSockets -----------------------------------------------------------------------------------------------------

const FEED: &str = "wss://feed.example/prices";

fn listening(server: SocketServer) -> Desk<HttpClient> {
    let mut desk = desk(&[]);
    desk.outside.socket_servers = vec![server];
    desk
}

fn open(channel: u32) -> Value {
    json!({ "WebSocketOpen": { "url": FEED, "headers": {}, "channel_id": channel } })
}

fn push(channel: u32, kind: &str) -> Value {
    json!({ "WebSocketPush": { "channel_id": channel, "message_type": kind } })
}

fn close(channel: u32) -> Value {
    json!({ "WebSocketClose": { "channel_id": channel } })
}

fn ack() -> Value {
    json!({ "Ok": "WebSocketAck" })
}

/// What the process is told when what is on its way has come: bodies, and what they carry.
fn comes(desk: &mut Desk<HttpClient>) -> Vec<(Value, Option<String>)> {
    let mut wakes = std::mem::take(&mut desk.wakes);
    wakes.sort();
    let mut told = vec![];
    for (_, number) in wakes {
        desk.tell(crate::modules::Heard::Wake(number));
        for request in &desk.requests {
            assert_eq!((request.target, request.request.expects_response), (desk.who, None));
            let body = serde_json::from_slice(&request.request.body).expect("a request is JSON");
            let mime = |blob: &Blob| blob.mime.as_deref().unwrap_or_default().to_string();
            let text = |blob: &Blob| String::from_utf8_lossy(&blob.bytes).into_owned();
            told.push((body, request.blob.as_ref().map(|blob| format!("{}: {}", mime(blob), text(blob)))));
        }
    }
    told
}

/// What the server got.
fn heard(desk: &Desk<HttpClient>) -> Vec<String> {
    desk.sights.iter().map(|sight| sight.to_string()).collect()
}

#[test]
fn a_socket_is_answered_what_the_server_says() {
    let server = SocketServer::new("wss://feed.example/*").greeting("welcome").answering("sub *", "subscribed");
    let mut desk = listening(server);
    let request = desk.request(open(3).to_string(), None);
    let (after, reply) = desk.reply(request);
    assert_eq!((after, json_of(&reply)), (LATENCY, ack()));
    assert_eq!(comes(&mut desk), [(push(3, "Text"), Some("text/plain: welcome".to_string()))]);
    assert_eq!(desk.give(push(3, "Text"), b"sub ETH"), ack());
    assert_eq!(heard(&desk), [format!("{FEED} gets Text \"sub ETH\"")]);
    assert_eq!(comes(&mut desk), [(push(3, "Text"), Some("text/plain: subscribed".to_string()))]);
    assert_eq!(desk.give(push(3, "Binary"), b"noise"), ack());
    assert_eq!((heard(&desk).len(), comes(&mut desk)), (1, vec![]));
}

#[test]
fn a_ping_is_answered_with_a_pong_and_neither_carries_anything() {
    let mut desk = listening(SocketServer::new(FEED).closing_at("*"));
    desk.ask(open(1));
    assert_eq!(desk.give(push(1, "Ping"), b"lost"), ack());
    assert_eq!(heard(&desk), [format!("{FEED} gets Ping \"\"")]);
    assert_eq!(comes(&mut desk), [(push(1, "Pong"), None)]);
}

#[test]
fn who_closes_is_told_so_when_the_server_has_and_the_number_is_free_at_once() {
    let mut desk = listening(SocketServer::new(FEED).answering("*", "late"));
    desk.ask(open(1));
    desk.give(push(1, "Text"), b"wait for me");
    let late = std::mem::take(&mut desk.wakes);
    assert_eq!(desk.ask(close(1)), ack());
    assert_eq!(heard(&desk), [format!("{FEED} gets Close \"\"")]);
    assert_eq!(desk.ask(close(1)), json!({ "Err": { "WsCloseFailed": { "channel_id": 1 } } }));
    let closed = std::mem::take(&mut desk.wakes);
    assert_eq!(closed, [], "a close that fails sends nothing");
    desk.wakes = late;
    assert_eq!(comes(&mut desk), [], "what comes after the close is not told");
}

#[test]
fn a_close_comes_back_from_the_server() {
    let mut desk = listening(SocketServer::new(FEED).closing_at("bye"));
    desk.ask(open(1));
    desk.ask(close(1));
    assert_eq!(comes(&mut desk), [(close(1), None)]);
    desk.ask(open(2));
    desk.give(push(2, "Text"), b"bye");
    assert_eq!(comes(&mut desk), [(close(2), None)]);
    desk.ask(open(3));
    assert_eq!(desk.ask(push(3, "Close")), ack());
    assert_eq!(comes(&mut desk), [(close(3), None)]);
    let unknown = |channel: u32| json!({ "Err": { "WsPushUnknownChannel": { "channel_id": channel } } });
    for channel in [1, 2, 3] {
        assert_eq!(desk.give(push(channel, "Text"), b"again"), unknown(channel));
    }
}

/// As in the public runtime: the first server's goodbye takes the number away.
#[test]
fn who_opens_a_number_that_is_in_use_loses_both_sockets() {
    let mut desk = listening(SocketServer::new(FEED));
    desk.ask(open(1));
    assert_eq!(desk.ask(open(1)), ack());
    assert_eq!(comes(&mut desk), [(close(1), None)]);
    assert_eq!(desk.ask(close(1)), json!({ "Err": { "WsCloseFailed": { "channel_id": 1 } } }));
}

#[test]
fn a_number_is_each_process_s_own() {
    let mut desk = listening(SocketServer::new(FEED));
    desk.ask(open(1));
    assert_eq!(
        desk.by(crate::modules::desk::STRANGER).give(push(1, "Text"), b"x")["Err"],
        json!({ "WsPushUnknownChannel": { "channel_id": 1 } })
    );
}

#[test]
fn a_server_that_sends_by_itself_goes_on_until_the_socket_is_closed() {
    let mut desk = listening(SocketServer::new(FEED).feeding(Duration::from_secs(1), "tick"));
    desk.ask(open(1));
    for _ in 0..3 {
        let [(after, number)] = desk.wakes[..] else { panic!("one tick at a time: {:?}", desk.wakes) };
        assert!(after >= Duration::from_secs(1));
        desk.tell(crate::modules::Heard::Wake(number));
        assert_eq!(desk.requests.len(), 1);
    }
    let tick = std::mem::take(&mut desk.wakes);
    desk.ask(close(1));
    comes(&mut desk);
    desk.wakes = tick;
    assert_eq!((comes(&mut desk), desk.wakes.len()), (vec![], 0));
}

#[test]
fn what_cannot_be_opened_or_pushed_says_why() {
    let mut desk = listening(SocketServer::new("*"));
    let elsewhere = |url: &str| json!({ "WebSocketOpen": { "url": url, "headers": {}, "channel_id": 3 } });
    let failed = |url: &str| json!({ "Err": { "WsOpenFailed": { "url": url } } });
    assert_eq!(desk.ask(elsewhere("https://a.b/")), failed("https://a.b/"));
    assert_eq!(desk.ask(elsewhere("a.b")), json!({ "Err": { "BadUrl": { "url": "a.b" } } }));
    desk.ask(open(3));
    assert_eq!(desk.ask(push(3, "Text")), json!({ "Err": "WsPushNoBlob" }));
    assert_eq!(desk.ask(push(3, "Binary")), json!({ "Err": "WsPushNoBlob" }));
    assert_eq!(desk.give(push(3, "Text"), b"\xff"), json!({ "Err": "WsPushBadText" }));
    desk.outside.socket_servers.clear();
    assert_eq!(desk.ask(elsewhere("wss://a.b/")), failed("wss://a.b/"));
}

#[test]
fn requests_of_other_nodes_are_served_too() {
    let mut desk = desk(&[Page::new("GET", "http://here/", "")]);
    assert!(desk.by_another_node().ask(get("http://here/"))["Ok"].is_object());
}
