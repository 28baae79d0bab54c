//! Claims about the HTTP server: the test is the process that binds, and the visitor.

use super::*;
use crate::modules::Heard;
use crate::modules::harness::{Harness, OWNER, SIBLING, json_of};
use serde_json::Value;

const HOME: &str = "/main:notes:me.os";

fn harness() -> Harness<HttpServer> {
    Harness::new(ProcessRef::HTTP_SERVER, HttpServer::default())
}

fn bind(path: &str) -> Value {
    json!({ "Bind": { "path": path, "authenticated": false, "local_only": false, "cache": false } })
}

fn bind_socket(path: &str) -> Value {
    json!({ "WebSocketBind": { "path": path, "authenticated": false, "extension": false } })
}

/// A server at which the owner has bound these paths, and a WebSocket at `/ws`.
fn bound(paths: &[&str]) -> Harness<HttpServer> {
    let mut harness = harness();
    for path in paths {
        assert_eq!(harness.ask(bind(path)), json!({ "Ok": null }));
    }
    assert_eq!(harness.ask(bind_socket("/ws")), json!({ "Ok": null }));
    harness
}

fn get(path: &str) -> Visit {
    Visit::Http(HttpRequest::new("GET", &format!("{HOME}{path}"), ""))
}

fn open(name: &str) -> Visit {
    Visit::Open(name.to_string(), HttpRequest::new("GET", &format!("{HOME}/ws"), ""))
}

fn text(name: &str, text: &str) -> Visit {
    Visit::Frame(name.to_string(), Frame::text(text))
}

/// The status and the body that a visitor gets at once.
fn status(harness: &mut Harness<HttpServer>, visit: Visit) -> (u16, String) {
    harness.visit(visit);
    seen(harness)
}

fn seen(harness: &Harness<HttpServer>) -> (u16, String) {
    let [Sight::Http(_, _, status, _, body)] = &harness.sights[..] else { panic!("a response: {:?}", harness.sights) };
    (*status, String::from_utf8(body.clone()).expect("the tests write text"))
}

#[test]
fn a_visitors_request_goes_to_the_process_and_its_answer_comes_back() {
    let mut harness = bound(&["/notes/:id"]);
    let path = format!("{HOME}/notes/7/?sort=up&q=a%20b");
    let request = HttpRequest::new("POST", &path, "new").header("X-Kind", "note");
    harness.visit(Visit::Http(request));
    let asked = harness.requests[0].clone();
    assert_eq!(asked.target, harness.who);
    assert_eq!(asked.request.expects_response, Some(PATIENCE));
    assert_eq!(&*asked.blob.as_ref().expect("the body").bytes, b"new");
    let http = json!({
        "source_socket_addr": "127.0.0.1:50000",
        "method": "POST",
        "url": format!("http://localhost{HOME}/notes/7"),
        "bound_path": format!("{HOME}/notes/:id"),
        "headers": { "host": "localhost", "x-kind": "note" },
        "url_params": { "id": "7" },
        "query_params": { "sort": "up", "q": "a b" },
    });
    assert_eq!(harness.sent(), json!({ "Http": http }));
    harness.answer(&asked, r#"{"status":201,"headers":{"A":"b"}}"#, Some(b"saved"));
    let headers = vec![("A".to_string(), "b".to_string())];
    assert_eq!(harness.sights, [Sight::Http("POST".into(), path, 201, headers, b"saved".into())]);
}

#[test]
fn a_body_without_content_is_a_blob_all_the_same() {
    let mut harness = bound(&["/"]);
    harness.visit(get("/"));
    assert_eq!(harness.requests[0].blob, Some(Blob { mime: None, bytes: Bytes::default() }));
}

#[test]
fn who_is_not_answered_gets_408_after_the_patience_and_nothing_later() {
    let mut harness = bound(&["/"]);
    harness.visit(get("/"));
    let asked = harness.requests[0].clone();
    let (after, number) = harness.wakes[0];
    assert_eq!(after, Duration::from_secs(PATIENCE));
    harness.no_answer(&asked);
    assert!(harness.sights.is_empty(), "a process that is not there is waited for all the same");
    harness.tell(Heard::Wake(number));
    assert_eq!(seen(&harness), (408, String::new()));
    harness.answer(&asked, r#"{"status":200,"headers":{}}"#, None);
    assert!(harness.sights.is_empty(), "too late");
}

#[test]
fn who_is_answered_gets_no_408() {
    let mut harness = bound(&["/"]);
    harness.visit(get("/"));
    let (asked, (_, number)) = (harness.requests[0].clone(), harness.wakes[0]);
    harness.answer(&asked, r#"{"status":200,"headers":{}}"#, Some(b"hello"));
    assert_eq!(seen(&harness), (200, "hello".to_string()));
    harness.tell(Heard::Wake(number));
    assert!(harness.sights.is_empty());
}

#[test]
fn an_answer_that_is_none_is_500() {
    for answer in ["hello", r#"{"status":"fine"}"#, r#"{"status":7,"headers":{}}"#] {
        let mut harness = bound(&["/"]);
        harness.visit(get("/"));
        let asked = harness.requests[0].clone();
        harness.answer(&asked, answer, None);
        assert_eq!(seen(&harness).0, 500, "{answer}");
    }
}

#[test]
fn what_is_not_bound_or_no_longer_is_404() {
    let mut harness = bound(&["/a"]);
    assert_eq!(status(&mut harness, get("/b")).0, 404);
    harness.visit(get("/a/"));
    assert_eq!(harness.requests.len(), 1, "a slash at the end is nothing");
    assert_eq!(harness.ask(json!({ "Unbind": { "path": "/a" } })), json!({ "Ok": null }));
    assert_eq!(status(&mut harness, get("/a")).0, 404);
    assert!(harness.requests.is_empty());
}

#[test]
fn what_is_bound_at_the_root_gets_all_that_is_not_bound_itself() {
    let mut harness = bound(&["/"]);
    harness.visit(get("/anything/below"));
    assert_eq!(harness.sent()["Http"]["bound_path"], HOME);
}

#[test]
fn a_cached_page_is_served_to_get_without_the_process() {
    let mut harness = harness();
    let cached = json!({ "Bind": { "path": "/", "authenticated": false, "local_only": false, "cache": true } });
    assert_eq!(harness.ask(cached.clone()), json!({ "Err": "NoBlob" }));
    assert_eq!(harness.give(cached, b"<html>"), json!({ "Ok": null }));
    assert_eq!(status(&mut harness, get("/")), (200, "<html>".to_string()));
    assert!(harness.requests.is_empty());
    harness.visit(Visit::Http(HttpRequest::new("POST", HOME, "")));
    assert_eq!(harness.requests.len(), 1);
}

#[test]
fn only_who_is_logged_in_gets_past_the_login_page() {
    let mut harness = harness();
    harness.ask(json!({ "Bind": { "path": "/", "authenticated": true, "local_only": false, "cache": false } }));
    assert_eq!(status(&mut harness, get("/")), (200, "the login page".to_string()));
    assert!(harness.requests.is_empty());
    harness.visit(Visit::Http(HttpRequest::new("GET", HOME, "").logged_in()));
    assert_eq!(harness.sent()["Http"]["headers"]["cookie"], "kinode-auth_alice.os=valid");
}

#[test]
fn what_is_local_is_not_for_other_machines() {
    let mut harness = harness();
    harness.ask(json!({ "Bind": { "path": "/", "authenticated": false, "local_only": true, "cache": false } }));
    let afar = Visit::Http(HttpRequest::new("GET", HOME, "").from_afar());
    assert_eq!(status(&mut harness, afar).0, 403);
    harness.visit(get("/"));
    assert_eq!(harness.requests.len(), 1);
}

#[test]
fn what_is_bound_securely_is_served_at_its_own_host() {
    let mut harness = harness();
    harness.ask(json!({ "SecureBind": { "path": "/", "cache": false } }));
    assert_eq!(status(&mut harness, get("/")).0, 307);
    let Sight::Http(_, _, _, headers, _) = &harness.sights[0] else { unreachable!("it was just seen") };
    assert_eq!(headers[0].1, format!("http://notes-me-os.localhost{HOME}"));
    let there = || HttpRequest::new("GET", HOME, "").host("notes-me-os.localhost");
    assert_eq!(status(&mut harness, Visit::Http(there())).1, "the login page");
    harness.visit(Visit::Http(there().logged_in()));
    assert_eq!(harness.requests.len(), 1);
}

#[test]
fn a_socket_carries_frames_both_ways_until_its_visitor_leaves() {
    let mut harness = bound(&[]);
    harness.visit(open("window"));
    assert_eq!(harness.sights, [Sight::Opened("window".into())]);
    let channel = harness.sent()["WebSocketOpen"]["channel_id"].clone();
    assert_eq!(harness.sent(), json!({ "WebSocketOpen": { "path": "/ws", "channel_id": channel } }));
    harness.visit(text("window", "hello"));
    assert_eq!(harness.sent(), json!({ "WebSocketPush": { "channel_id": channel, "message_type": "Text" } }));
    assert_eq!(&*harness.requests[0].blob.as_ref().expect("the text").bytes, b"hello");
    let push = json!({ "WebSocketPush": { "channel_id": channel, "message_type": "Text" } });
    assert_eq!(harness.give(push.clone(), b"hi"), json!({ "Ok": null }));
    let frame = Frame::text("hi");
    assert_eq!(harness.sights, [Sight::Frame("window".into(), frame)]);
    harness.visit(Visit::Frame("window".into(), Frame::empty(FrameKind::Close)));
    let told: Vec<Value> =
        harness.requests.iter().map(|r| serde_json::from_slice(&r.request.body).expect("JSON")).collect();
    let close = json!({ "WebSocketPush": { "channel_id": channel, "message_type": "Close" } });
    assert_eq!(told, [close, json!({ "WebSocketClose": channel })]);
    assert_eq!(harness.give(push, b"hi"), json!({ "Err": "WsChannelNotFound" }));
    harness.visit(text("window", "hello?"));
    assert_eq!(harness.sights, [Sight::NobodyThere]);
    assert!(harness.requests.is_empty());
}

#[test]
fn a_process_that_closes_a_socket_is_told_so() {
    for close_by_push in [false, true] {
        let mut harness = bound(&[]);
        harness.visit(open("window"));
        let channel = harness.sent()["WebSocketOpen"]["channel_id"].clone();
        let close = json!({ "WebSocketClose": channel });
        let push = json!({ "WebSocketPush": { "channel_id": channel, "message_type": "Close" } });
        assert_eq!(harness.give(if close_by_push { push.clone() } else { close.clone() }, b""), json!({ "Ok": null }));
        assert!(matches!(&harness.sights[..], [Sight::Frame(_, Frame { kind: FrameKind::Close, .. })]));
        assert!(harness.requests.is_empty(), "the browser's own `Close` comes a round trip later");
        let (_, number) = harness.wakes[0];
        harness.tell(Heard::Wake(number));
        let told: Vec<Value> =
            harness.requests.iter().map(|r| serde_json::from_slice(&r.request.body).expect("JSON")).collect();
        assert_eq!(told, [push, close]);
    }
}

#[test]
fn nobody_pushes_to_or_closes_what_is_not_theirs() {
    let mut harness = bound(&[]);
    harness.visit(open("window"));
    let channel = harness.sent()["WebSocketOpen"]["channel_id"].clone();
    let push = |kind: &str| json!({ "WebSocketPush": { "channel_id": channel, "message_type": kind } });
    harness.by(SIBLING);
    assert_eq!(harness.give(push("Text"), b"hi"), json!({ "Err": "WsChannelNotFound" }));
    assert_eq!(harness.ask(json!({ "WebSocketClose": channel })), json!({ "Err": "WsChannelNotFound" }));
    assert_eq!(harness.give(push("Close"), b""), json!({ "Err": "WsChannelNotFound" }));
    assert!(harness.sights.is_empty());
    harness.by(OWNER);
    assert_eq!(harness.ask(push("Text")), json!({ "Err": "NoBlob" }));
    assert_eq!(harness.give(push("Ping"), &[0; 126]), json!({ "Err": "WsPingPongTooLong" }));
    assert_eq!(harness.give(push("Ping"), &[0; 125]), json!({ "Ok": null }));
}

#[test]
fn a_channel_that_is_not_there_can_be_closed_and_not_be_pushed_to() {
    let mut harness = bound(&[]);
    let push = |kind: &str| json!({ "WebSocketPush": { "channel_id": 7, "message_type": kind } });
    assert_eq!(harness.ask(json!({ "WebSocketClose": 7 })), json!({ "Ok": null }));
    assert_eq!(harness.give(push("Close"), b""), json!({ "Ok": null }), "a close is a close");
    assert_eq!(harness.give(push("Text"), b"hi"), json!({ "Err": "WsChannelNotFound" }));
    assert_eq!(harness.ask(push("Text")), json!({ "Err": "NoBlob" }), "the frame is looked at before the channel");
    assert_eq!(harness.give(push("Pong"), &[0; 126]), json!({ "Err": "WsPingPongTooLong" }));
}

#[test]
fn a_socket_is_open_only_where_one_is_bound() {
    let mut harness = bound(&["/page"]);
    let at = |path: &str| Visit::Open("w".into(), HttpRequest::new("GET", &format!("{HOME}{path}"), ""));
    harness.visit(at("/page"));
    assert_eq!(harness.sights, [Sight::Refused("w".into(), 404)]);
    harness.ask(json!({ "WebSocketUnbind": { "path": "/ws" } }));
    harness.visit(at("/ws"));
    assert_eq!(harness.sights, [Sight::Refused("w".into(), 404)]);
    assert!(harness.requests.is_empty());
}

#[test]
fn success_is_answered_to_the_process_that_waits_and_errors_always_to_the_source() {
    let mut harness = harness();
    let quiet = harness.telling(bind("/").to_string(), None);
    harness.tell(Heard::Message(Rc::new(quiet)));
    assert!(harness.replies.is_empty());
    let other = Address { process: harness.names.process(SIBLING), ..harness.who };
    let for_other =
        |harness: &Harness<HttpServer>, body: &str| Message { rsvp: Some(other), ..harness.telling(body, None) };
    let message = for_other(&harness, &bind("/").to_string());
    assert_eq!(harness.reply(message).1.target, other);
    let message = for_other(&harness, "no json");
    let (_, reply) = harness.reply(message);
    assert_eq!((reply.target, json_of(&reply)), (harness.who, json!({ "Err": "MalformedRequest" })));
}

#[test]
fn what_is_not_modelled_is_said() {
    let mut harness = harness();
    let push = json!({
        "WebSocketExtPushOutgoing": { "channel_id": 1, "message_type": "Binary", "desired_reply_type": "Response" }
    });
    let message = harness.request(push.to_string(), None);
    harness.tell(Heard::Message(Rc::new(message)));
    assert!(harness.replies.is_empty() && harness.unmodelled.is_some());
    assert_eq!(status(&mut harness, Visit::Http(HttpRequest::new("POST", RPC, "{}"))).0, 501);
    assert!(harness.unmodelled.is_some());
}

#[test]
fn who_binds_the_same_again_as_every_life_does_takes_no_more_room() {
    let mut harness = harness();
    let page = vec![b'x'; 16 << 20];
    for life in 0..20 {
        assert_eq!(harness.give(cached("/"), &page), json!({ "Ok": null }), "life {life}");
    }
    assert_eq!(harness.ask(json!({ "Unbind": { "path": "/" } })), json!({ "Ok": null }));
    for path in ["/a", "/b", "/c"] {
        assert_eq!(harness.give(cached(path), &page), json!({ "Ok": null }), "what is unbound takes none");
    }
}

fn cached(path: &str) -> Value {
    json!({ "Bind": { "path": path, "authenticated": false, "local_only": false, "cache": true } })
}

#[test]
fn nobody_binds_without_end() {
    let mut harness = harness();
    let page = vec![b'x'; 16 << 20];
    for path in ["/a", "/b", "/c"] {
        assert_eq!(harness.give(cached(path), &page), json!({ "Ok": null }));
    }
    let message = harness.request(cached("/d").to_string(), Some(&page));
    harness.tell(Heard::Message(Rc::new(message)));
    assert!(harness.replies.is_empty());
    assert_eq!(harness.unmodelled.as_deref(), Some("more than 64 MiB of paths and pages"));
}
