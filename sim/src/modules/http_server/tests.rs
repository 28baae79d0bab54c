//! Claims about the HTTP server: the test is the process that binds, and the visitor.

use super::*;
use crate::modules::Heard;
use crate::modules::desk::{Desk, OWNER, SIBLING, json_of};
use serde_json::Value;

const HOME: &str = "/main:notes:me.os";

fn desk() -> Desk<HttpServer> {
    Desk::new(ProcessRef::HTTP_SERVER, HttpServer::default())
}

fn bind(path: &str) -> Value {
    json!({ "Bind": { "path": path, "authenticated": false, "local_only": false, "cache": false } })
}

fn bind_socket(path: &str) -> Value {
    json!({ "WebSocketBind": { "path": path, "authenticated": false, "extension": false } })
}

/// A server at which the owner has bound these paths, and a WebSocket at `/ws`.
fn bound(paths: &[&str]) -> Desk<HttpServer> {
    let mut desk = desk();
    for path in paths {
        assert_eq!(desk.ask(bind(path)), json!({ "Ok": null }));
    }
    assert_eq!(desk.ask(bind_socket("/ws")), json!({ "Ok": null }));
    desk
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
fn status(desk: &mut Desk<HttpServer>, visit: Visit) -> (u16, String) {
    desk.visit(visit);
    seen(desk)
}

fn seen(desk: &Desk<HttpServer>) -> (u16, String) {
    let [Sight::Http(_, _, status, _, body)] = &desk.sights[..] else { panic!("a response: {:?}", desk.sights) };
    (*status, String::from_utf8(body.clone()).expect("the tests write text"))
}

#[test]
fn a_visitors_request_goes_to_the_process_and_its_answer_comes_back() {
    let mut desk = bound(&["/notes/:id"]);
    let path = format!("{HOME}/notes/7/?sort=up&q=a%20b");
    let request = HttpRequest::new("POST", &path, "new").header("X-Kind", "note");
    desk.visit(Visit::Http(request));
    let asked = desk.requests[0].clone();
    assert_eq!(asked.target, desk.who);
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
    assert_eq!(desk.sent(), json!({ "Http": http }));
    desk.answer(&asked, r#"{"status":201,"headers":{"A":"b"}}"#, Some(b"saved"));
    let headers = vec![("A".to_string(), "b".to_string())];
    assert_eq!(desk.sights, [Sight::Http("POST".into(), path, 201, headers, b"saved".into())]);
}

#[test]
fn a_body_without_content_is_a_blob_all_the_same() {
    let mut desk = bound(&["/"]);
    desk.visit(get("/"));
    assert_eq!(desk.requests[0].blob, Some(Blob { mime: None, bytes: Bytes::default() }));
}

#[test]
fn who_is_not_answered_gets_408_after_the_patience_and_nothing_later() {
    let mut desk = bound(&["/"]);
    desk.visit(get("/"));
    let asked = desk.requests[0].clone();
    let (after, number) = desk.wakes[0];
    assert_eq!(after, Duration::from_secs(PATIENCE));
    desk.no_answer(&asked);
    assert!(desk.sights.is_empty(), "a process that is not there is waited for all the same");
    desk.tell(Heard::Wake(number));
    assert_eq!(seen(&desk), (408, String::new()));
    desk.answer(&asked, r#"{"status":200,"headers":{}}"#, None);
    assert!(desk.sights.is_empty(), "too late");
}

#[test]
fn who_is_answered_gets_no_408() {
    let mut desk = bound(&["/"]);
    desk.visit(get("/"));
    let (asked, (_, number)) = (desk.requests[0].clone(), desk.wakes[0]);
    desk.answer(&asked, r#"{"status":200,"headers":{}}"#, Some(b"hello"));
    assert_eq!(seen(&desk), (200, "hello".to_string()));
    desk.tell(Heard::Wake(number));
    assert!(desk.sights.is_empty());
}

#[test]
fn an_answer_that_is_none_is_500() {
    for answer in ["hello", r#"{"status":"fine"}"#, r#"{"status":7,"headers":{}}"#] {
        let mut desk = bound(&["/"]);
        desk.visit(get("/"));
        let asked = desk.requests[0].clone();
        desk.answer(&asked, answer, None);
        assert_eq!(seen(&desk).0, 500, "{answer}");
    }
}

#[test]
fn what_is_not_bound_or_no_longer_is_404() {
    let mut desk = bound(&["/a"]);
    assert_eq!(status(&mut desk, get("/b")).0, 404);
    desk.visit(get("/a/"));
    assert_eq!(desk.requests.len(), 1, "a slash at the end is nothing");
    assert_eq!(desk.ask(json!({ "Unbind": { "path": "/a" } })), json!({ "Ok": null }));
    assert_eq!(status(&mut desk, get("/a")).0, 404);
    assert!(desk.requests.is_empty());
}

#[test]
fn what_is_bound_at_the_root_gets_all_that_is_not_bound_itself() {
    let mut desk = bound(&["/"]);
    desk.visit(get("/anything/below"));
    assert_eq!(desk.sent()["Http"]["bound_path"], HOME);
}

#[test]
fn a_cached_page_is_served_to_get_without_the_process() {
    let mut desk = desk();
    let cached = json!({ "Bind": { "path": "/", "authenticated": false, "local_only": false, "cache": true } });
    assert_eq!(desk.ask(cached.clone()), json!({ "Err": "NoBlob" }));
    assert_eq!(desk.give(cached, b"<html>"), json!({ "Ok": null }));
    assert_eq!(status(&mut desk, get("/")), (200, "<html>".to_string()));
    assert!(desk.requests.is_empty());
    desk.visit(Visit::Http(HttpRequest::new("POST", HOME, "")));
    assert_eq!(desk.requests.len(), 1);
}

#[test]
fn only_who_is_logged_in_gets_past_the_login_page() {
    let mut desk = desk();
    desk.ask(json!({ "Bind": { "path": "/", "authenticated": true, "local_only": false, "cache": false } }));
    assert_eq!(status(&mut desk, get("/")), (200, "the login page".to_string()));
    assert!(desk.requests.is_empty());
    desk.visit(Visit::Http(HttpRequest::new("GET", HOME, "").logged_in()));
    assert_eq!(desk.sent()["Http"]["headers"]["cookie"], "kinode-auth_alice.os=valid");
}

#[test]
fn what_is_local_is_not_for_other_machines() {
    let mut desk = desk();
    desk.ask(json!({ "Bind": { "path": "/", "authenticated": false, "local_only": true, "cache": false } }));
    let afar = Visit::Http(HttpRequest::new("GET", HOME, "").from_afar());
    assert_eq!(status(&mut desk, afar).0, 403);
    desk.visit(get("/"));
    assert_eq!(desk.requests.len(), 1);
}

#[test]
fn what_is_bound_securely_is_served_at_its_own_host() {
    let mut desk = desk();
    desk.ask(json!({ "SecureBind": { "path": "/", "cache": false } }));
    assert_eq!(status(&mut desk, get("/")).0, 307);
    let Sight::Http(_, _, _, headers, _) = &desk.sights[0] else { unreachable!("it was just seen") };
    assert_eq!(headers[0].1, format!("http://notes-me-os.localhost{HOME}"));
    let there = || HttpRequest::new("GET", HOME, "").host("notes-me-os.localhost");
    assert_eq!(status(&mut desk, Visit::Http(there())).1, "the login page");
    desk.visit(Visit::Http(there().logged_in()));
    assert_eq!(desk.requests.len(), 1);
}

#[test]
fn a_socket_carries_frames_both_ways_until_its_visitor_leaves() {
    let mut desk = bound(&[]);
    desk.visit(open("window"));
    assert_eq!(desk.sights, [Sight::Opened("window".into())]);
    let channel = desk.sent()["WebSocketOpen"]["channel_id"].clone();
    assert_eq!(desk.sent(), json!({ "WebSocketOpen": { "path": "/ws", "channel_id": channel } }));
    desk.visit(text("window", "hello"));
    assert_eq!(desk.sent(), json!({ "WebSocketPush": { "channel_id": channel, "message_type": "Text" } }));
    assert_eq!(&*desk.requests[0].blob.as_ref().expect("the text").bytes, b"hello");
    let push = json!({ "WebSocketPush": { "channel_id": channel, "message_type": "Text" } });
    assert_eq!(desk.give(push.clone(), b"hi"), json!({ "Ok": null }));
    let frame = Frame::text("hi");
    assert_eq!(desk.sights, [Sight::Frame("window".into(), frame)]);
    desk.visit(Visit::Frame("window".into(), Frame::empty(FrameKind::Close)));
    let told: Vec<Value> =
        desk.requests.iter().map(|r| serde_json::from_slice(&r.request.body).expect("JSON")).collect();
    let close = json!({ "WebSocketPush": { "channel_id": channel, "message_type": "Close" } });
    assert_eq!(told, [close, json!({ "WebSocketClose": channel })]);
    assert_eq!(desk.give(push, b"hi"), json!({ "Err": "WsChannelNotFound" }));
    desk.visit(text("window", "hello?"));
    assert_eq!(desk.sights, [Sight::NobodyThere]);
    assert!(desk.requests.is_empty());
}

#[test]
fn a_process_that_closes_a_socket_is_told_so() {
    for close_by_push in [false, true] {
        let mut desk = bound(&[]);
        desk.visit(open("window"));
        let channel = desk.sent()["WebSocketOpen"]["channel_id"].clone();
        let close = json!({ "WebSocketClose": channel });
        let push = json!({ "WebSocketPush": { "channel_id": channel, "message_type": "Close" } });
        assert_eq!(desk.give(if close_by_push { push.clone() } else { close.clone() }, b""), json!({ "Ok": null }));
        assert!(matches!(&desk.sights[..], [Sight::Frame(_, Frame { kind: FrameKind::Close, .. })]));
        assert!(desk.requests.is_empty(), "the browser's own `Close` comes a round trip later");
        let (_, number) = desk.wakes[0];
        desk.tell(Heard::Wake(number));
        let told: Vec<Value> =
            desk.requests.iter().map(|r| serde_json::from_slice(&r.request.body).expect("JSON")).collect();
        assert_eq!(told, [push, close]);
    }
}

#[test]
fn nobody_pushes_to_or_closes_what_is_not_theirs() {
    let mut desk = bound(&[]);
    desk.visit(open("window"));
    let channel = desk.sent()["WebSocketOpen"]["channel_id"].clone();
    let push = |kind: &str| json!({ "WebSocketPush": { "channel_id": channel, "message_type": kind } });
    desk.by(SIBLING);
    assert_eq!(desk.give(push("Text"), b"hi"), json!({ "Err": "WsChannelNotFound" }));
    assert_eq!(desk.ask(json!({ "WebSocketClose": channel })), json!({ "Err": "WsChannelNotFound" }));
    assert_eq!(desk.give(push("Close"), b""), json!({ "Err": "WsChannelNotFound" }));
    assert!(desk.sights.is_empty());
    desk.by(OWNER);
    assert_eq!(desk.ask(push("Text")), json!({ "Err": "NoBlob" }));
    assert_eq!(desk.give(push("Ping"), &[0; 126]), json!({ "Err": "WsPingPongTooLong" }));
    assert_eq!(desk.give(push("Ping"), &[0; 125]), json!({ "Ok": null }));
}

#[test]
fn a_channel_that_is_not_there_can_be_closed_and_not_be_pushed_to() {
    let mut desk = bound(&[]);
    let push = |kind: &str| json!({ "WebSocketPush": { "channel_id": 7, "message_type": kind } });
    assert_eq!(desk.ask(json!({ "WebSocketClose": 7 })), json!({ "Ok": null }));
    assert_eq!(desk.give(push("Close"), b""), json!({ "Ok": null }), "a close is a close");
    assert_eq!(desk.give(push("Text"), b"hi"), json!({ "Err": "WsChannelNotFound" }));
    assert_eq!(desk.ask(push("Text")), json!({ "Err": "NoBlob" }), "the frame is looked at before the channel");
    assert_eq!(desk.give(push("Pong"), &[0; 126]), json!({ "Err": "WsPingPongTooLong" }));
}

#[test]
fn a_socket_is_open_only_where_one_is_bound() {
    let mut desk = bound(&["/page"]);
    let at = |path: &str| Visit::Open("w".into(), HttpRequest::new("GET", &format!("{HOME}{path}"), ""));
    desk.visit(at("/page"));
    assert_eq!(desk.sights, [Sight::Refused("w".into(), 404)]);
    desk.ask(json!({ "WebSocketUnbind": { "path": "/ws" } }));
    desk.visit(at("/ws"));
    assert_eq!(desk.sights, [Sight::Refused("w".into(), 404)]);
    assert!(desk.requests.is_empty());
}

#[test]
fn success_is_answered_to_whoever_waits_and_errors_always_to_the_source() {
    let mut desk = desk();
    let quiet = desk.telling(bind("/").to_string(), None);
    desk.tell(Heard::Message(Rc::new(quiet)));
    assert!(desk.replies.is_empty());
    let other = Address { process: desk.names.process(SIBLING), ..desk.who };
    let for_other = |desk: &Desk<HttpServer>, body: &str| Message { rsvp: Some(other), ..desk.telling(body, None) };
    let message = for_other(&desk, &bind("/").to_string());
    assert_eq!(desk.reply(message).1.target, other);
    let message = for_other(&desk, "no json");
    let (_, reply) = desk.reply(message);
    assert_eq!((reply.target, json_of(&reply)), (desk.who, json!({ "Err": "MalformedRequest" })));
}

#[test]
fn what_is_not_modelled_is_said() {
    let mut desk = desk();
    let push = json!({
        "WebSocketExtPushOutgoing": { "channel_id": 1, "message_type": "Binary", "desired_reply_type": "Response" }
    });
    let message = desk.request(push.to_string(), None);
    desk.tell(Heard::Message(Rc::new(message)));
    assert!(desk.replies.is_empty() && desk.unmodelled.is_some());
    assert_eq!(status(&mut desk, Visit::Http(HttpRequest::new("POST", RPC, "{}"))).0, 501);
    assert!(desk.unmodelled.is_some());
}

#[test]
fn who_binds_the_same_again_as_every_life_does_takes_no_more_room() {
    let mut desk = desk();
    let page = vec![b'x'; 16 << 20];
    for life in 0..20 {
        assert_eq!(desk.give(cached("/"), &page), json!({ "Ok": null }), "life {life}");
    }
    assert_eq!(desk.ask(json!({ "Unbind": { "path": "/" } })), json!({ "Ok": null }));
    for path in ["/a", "/b", "/c"] {
        assert_eq!(desk.give(cached(path), &page), json!({ "Ok": null }), "what is unbound takes none");
    }
}

fn cached(path: &str) -> Value {
    json!({ "Bind": { "path": path, "authenticated": false, "local_only": false, "cache": true } })
}

#[test]
fn nobody_binds_without_end() {
    let mut desk = desk();
    let page = vec![b'x'; 16 << 20];
    for path in ["/a", "/b", "/c"] {
        assert_eq!(desk.give(cached(path), &page), json!({ "Ok": null }));
    }
    let message = desk.request(cached("/d").to_string(), Some(&page));
    desk.tell(Heard::Message(Rc::new(message)));
    assert!(desk.replies.is_empty());
    assert_eq!(desk.unmodelled.as_deref(), Some("more than 64 MiB of paths and pages"));
}
