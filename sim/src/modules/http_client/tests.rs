//! Claims about the client of the web.

use super::*;
use crate::modules::harness::{Harness, json_of};
use crate::outside::web::{Page, SocketServer};
use kernel_core::ProcessRef;
use serde_json::Value;

fn harness(pages: &[Page]) -> Harness<HttpClient> {
    let mut harness = Harness::new(ProcessRef::HTTP_CLIENT, HttpClient::default());
    harness.outside.web = pages.to_vec();
    harness
}

fn get(url: &str) -> Value {
    json!({ "Http": { "method": "GET", "version": null, "url": url, "headers": {} } })
}

#[test]
fn the_first_page_that_fits_answers_after_a_while() {
    let first = Page::new("GET", "https://a.b/*", "one").status(201).header("content-type", "text/plain");
    let mut harness = harness(&[first, Page::new("GET", "https://a.b/c", "two")]);
    let request = harness.request(get("https://a.b/c").to_string(), None);
    let (after, reply) = harness.reply(request);
    let headers = json!({ "Content-Type": "text/plain" });
    assert_eq!(json_of(&reply), json!({ "Ok": { "Http": { "status": 201, "headers": headers } } }));
    assert_eq!(&*reply.blob.expect("the body").bytes, b"one");
    assert_eq!(after, LATENCY);
}

#[test]
fn what_is_not_on_the_web_is_an_error_that_says_so() {
    let mut harness = harness(&[Page::failing("GET", "https://down/", "connection refused")]);
    assert_eq!(harness.ask(get("https://down/")), json!({ "Err": { "ExecuteRequestFailed": "connection refused" } }));
    let error = harness.ask(get("https://a.b/c"))["Err"]["ExecuteRequestFailed"].to_string();
    assert!(error.contains("https://a.b/c") && error.contains("no such page"), "{error}");
}

#[test]
fn a_request_that_is_none_is_refused_with_the_reason() {
    let mut harness = harness(&[Page::new("*", "*", "all")]);
    let http = |method: &str, version: Value, url: &str| json!({ "Http": { "method": method, "version": version, "url": url, "headers": {} } });
    let mut error = |body| harness.ask(body)["Err"].clone();
    assert_eq!(error(http("NO SUCH", json!(null), "http://a")), json!({ "BadMethod": { "method": "NO SUCH" } }));
    assert_eq!(error(http("GET", json!(null), "a/b")), json!({ "BadUrl": { "url": "a/b" } }));
    assert_eq!(error(http("GET", json!("9"), "http://a")), json!({ "BadVersion": { "version": "9" } }));
    assert_eq!(error(json!({ "Ftp": {} })), "MalformedRequest");
}

#[test]
fn success_is_answered_always_and_an_error_only_to_who_expects_it() {
    let mut harness = harness(&[Page::new("GET", "http://here/", "")]);
    let there = harness.telling(get("http://here/").to_string(), None);
    assert!(json_of(&harness.reply(there).1)["Ok"].is_object());
    for body in [get("http://nowhere/").to_string(), "no json".to_string()] {
        let message = harness.telling(body, None);
        harness.tell(crate::modules::Heard::Message(Rc::new(message)));
        assert!(harness.replies.is_empty());
    }
}

// ---- WebSockets -----------------------------------------------------------------------------------------------------

const FEED: &str = "wss://feed.example/prices";

fn listening(server: SocketServer) -> Harness<HttpClient> {
    let mut harness = harness(&[]);
    harness.outside.socket_servers = vec![server];
    harness
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

/// The messages to the process once what is on its way has come: bodies, and what they carry.
fn comes(harness: &mut Harness<HttpClient>) -> Vec<(Value, Option<String>)> {
    let mut wakes = std::mem::take(&mut harness.wakes);
    wakes.sort();
    let mut told = vec![];
    for (_, number) in wakes {
        harness.tell(crate::modules::Heard::Wake(number));
        for request in &harness.requests {
            assert_eq!((request.target, request.request.expects_response), (harness.who, None));
            let body = serde_json::from_slice(&request.request.body).expect("a request is JSON");
            let mime = |blob: &Blob| blob.mime.as_deref().unwrap_or_default().to_string();
            let text = |blob: &Blob| String::from_utf8_lossy(&blob.bytes).into_owned();
            told.push((body, request.blob.as_ref().map(|blob| format!("{}: {}", mime(blob), text(blob)))));
        }
    }
    told
}

/// What the server got.
fn heard(harness: &Harness<HttpClient>) -> Vec<String> {
    harness.sights.iter().map(|sight| sight.to_string()).collect()
}

#[test]
fn a_socket_is_answered_what_the_server_says() {
    let server = SocketServer::new("wss://feed.example/*").greeting("welcome").answering("sub *", "subscribed");
    let mut harness = listening(server);
    let request = harness.request(open(3).to_string(), None);
    let (after, reply) = harness.reply(request);
    assert_eq!((after, json_of(&reply)), (LATENCY, ack()));
    assert_eq!(comes(&mut harness), [(push(3, "Text"), Some("text/plain: welcome".to_string()))]);
    assert_eq!(harness.give(push(3, "Text"), b"sub ETH"), ack());
    assert_eq!(heard(&harness), [format!("{FEED} gets Text \"sub ETH\"")]);
    assert_eq!(comes(&mut harness), [(push(3, "Text"), Some("text/plain: subscribed".to_string()))]);
    assert_eq!(harness.give(push(3, "Binary"), b"noise"), ack());
    assert_eq!((heard(&harness).len(), comes(&mut harness)), (1, vec![]));
}

#[test]
fn a_ping_is_answered_with_a_pong_and_neither_carries_anything() {
    let mut harness = listening(SocketServer::new(FEED).closing_at("*"));
    harness.ask(open(1));
    assert_eq!(harness.give(push(1, "Ping"), b"lost"), ack());
    assert_eq!(heard(&harness), [format!("{FEED} gets Ping \"\"")]);
    assert_eq!(comes(&mut harness), [(push(1, "Pong"), None)]);
}

#[test]
fn who_closes_is_told_so_when_the_server_has_and_the_number_is_free_at_once() {
    let mut harness = listening(SocketServer::new(FEED).answering("*", "late"));
    harness.ask(open(1));
    harness.give(push(1, "Text"), b"wait for me");
    let late = std::mem::take(&mut harness.wakes);
    assert_eq!(harness.ask(close(1)), ack());
    assert_eq!(heard(&harness), [format!("{FEED} gets Close \"\"")]);
    assert_eq!(harness.ask(close(1)), json!({ "Err": { "WsCloseFailed": { "channel_id": 1 } } }));
    let closed = std::mem::take(&mut harness.wakes);
    assert_eq!(closed, [], "a close that fails sends nothing");
    harness.wakes = late;
    assert_eq!(comes(&mut harness), [], "what comes after the close is not told");
}

#[test]
fn a_close_comes_back_from_the_server() {
    let mut harness = listening(SocketServer::new(FEED).closing_at("bye"));
    harness.ask(open(1));
    harness.ask(close(1));
    assert_eq!(comes(&mut harness), [(close(1), None)]);
    harness.ask(open(2));
    harness.give(push(2, "Text"), b"bye");
    assert_eq!(comes(&mut harness), [(close(2), None)]);
    harness.ask(open(3));
    assert_eq!(harness.ask(push(3, "Close")), ack());
    assert_eq!(comes(&mut harness), [(close(3), None)]);
    let unknown = |channel: u32| json!({ "Err": { "WsPushUnknownChannel": { "channel_id": channel } } });
    for channel in [1, 2, 3] {
        assert_eq!(harness.give(push(channel, "Text"), b"again"), unknown(channel));
    }
}

/// As in the public runtime: the first server's goodbye takes the number away.
#[test]
fn who_opens_a_number_that_is_in_use_loses_both_sockets() {
    let mut harness = listening(SocketServer::new(FEED));
    harness.ask(open(1));
    assert_eq!(harness.ask(open(1)), ack());
    assert_eq!(comes(&mut harness), [(close(1), None)]);
    assert_eq!(harness.ask(close(1)), json!({ "Err": { "WsCloseFailed": { "channel_id": 1 } } }));
}

#[test]
fn a_number_is_each_process_s_own() {
    let mut harness = listening(SocketServer::new(FEED));
    harness.ask(open(1));
    assert_eq!(
        harness.by(crate::modules::harness::STRANGER).give(push(1, "Text"), b"x")["Err"],
        json!({ "WsPushUnknownChannel": { "channel_id": 1 } })
    );
}

#[test]
fn a_server_that_sends_by_itself_goes_on_until_the_socket_is_closed() {
    let mut harness = listening(SocketServer::new(FEED).feeding(Duration::from_secs(1), "tick"));
    harness.ask(open(1));
    for _ in 0..3 {
        let [(after, number)] = harness.wakes[..] else { panic!("one tick at a time: {:?}", harness.wakes) };
        assert!(after >= Duration::from_secs(1));
        harness.tell(crate::modules::Heard::Wake(number));
        assert_eq!(harness.requests.len(), 1);
    }
    let tick = std::mem::take(&mut harness.wakes);
    harness.ask(close(1));
    comes(&mut harness);
    harness.wakes = tick;
    assert_eq!((comes(&mut harness), harness.wakes.len()), (vec![], 0));
}

#[test]
fn what_cannot_be_opened_or_pushed_says_why() {
    let mut harness = listening(SocketServer::new("*"));
    let elsewhere = |url: &str| json!({ "WebSocketOpen": { "url": url, "headers": {}, "channel_id": 3 } });
    let failed = |url: &str| json!({ "Err": { "WsOpenFailed": { "url": url } } });
    assert_eq!(harness.ask(elsewhere("https://a.b/")), failed("https://a.b/"));
    assert_eq!(harness.ask(elsewhere("a.b")), json!({ "Err": { "BadUrl": { "url": "a.b" } } }));
    harness.ask(open(3));
    assert_eq!(harness.ask(push(3, "Text")), json!({ "Err": "WsPushNoBlob" }));
    assert_eq!(harness.ask(push(3, "Binary")), json!({ "Err": "WsPushNoBlob" }));
    assert_eq!(harness.give(push(3, "Text"), b"\xff"), json!({ "Err": "WsPushBadText" }));
    harness.outside.socket_servers.clear();
    assert_eq!(harness.ask(elsewhere("wss://a.b/")), failed("wss://a.b/"));
}

#[test]
fn requests_of_other_nodes_are_served_too() {
    let mut harness = harness(&[Page::new("GET", "http://here/", "")]);
    assert!(harness.by_another_node().ask(get("http://here/"))["Ok"].is_object());
}
