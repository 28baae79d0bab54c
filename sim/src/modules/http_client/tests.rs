//! Claims about the client of the web.

use super::*;
use crate::modules::desk::{Desk, json_of};
use crate::outside::web::Page;
use kernel_core::ProcessRef;
use serde_json::Value;

fn desk(pages: &[Page]) -> Desk<HttpClient> {
    let mut desk = Desk::new(ProcessRef::HTTP_CLIENT, HttpClient);
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

#[test]
fn nobody_outside_speaks_websocket() {
    let mut desk = desk(&[]);
    let open = json!({ "WebSocketOpen": { "url": "wss://a.b/", "headers": {}, "channel_id": 3 } });
    assert_eq!(desk.ask(open), json!({ "Err": { "WsOpenFailed": { "url": "wss://a.b/" } } }));
    let push = json!({ "WebSocketPush": { "channel_id": 3, "message_type": "Text" } });
    assert_eq!(desk.give(push, b"hello"), json!({ "Err": { "WsPushUnknownChannel": { "channel_id": 3 } } }));
    let close = json!({ "WebSocketClose": { "channel_id": 3 } });
    assert_eq!(desk.ask(close), json!({ "Err": { "WsCloseFailed": { "channel_id": 3 } } }));
}

#[test]
fn requests_of_other_nodes_are_served_too() {
    let mut desk = desk(&[Page::new("GET", "http://here/", "")]);
    assert!(desk.by_another_node().ask(get("http://here/"))["Ok"].is_object());
}
