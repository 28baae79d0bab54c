//! Claims about what an workload says.

use super::*;
use crate::outside::chain::LogSpec;
use crate::outside::visit::{Frame, FrameKind};
use crate::trace::event::Kind;
use std::sync::Arc;

fn parse(text: &str) -> Result<Workload, String> {
    Workload::parse(text, "it.toml").map_err(|error| error.to_string())
}

#[test]
fn what_is_left_out_is_a_second_after_what_is_before_once_and_unanswered() {
    let text = r#"
        [[send]]
        to = "counter"
        body = "add"
        times = 3
        every = "2s"
        answer_within = "1500ms"
        [[send]]
        to = "a:b:c.os"
        json = { Add = { n = 1 } }
        blob = "hello"
        mime = "text/plain"
        [[send]]
        to = "counter"
        bytes = [0, 255]
        when = { process = "counter", event = "starts", nth = 2 }
        [[expect]]
        process = "counter"
        never_forgets = ["get"]
    "#;
    let workload = parse(text).expect("it makes sense");
    let [add, json, bytes] = workload.sends.as_slice() else { panic!("three entries") };
    assert_eq!((add.request.expects, add.at.clone()), (Some(2), Moment::After(Duration::from_secs(1))));
    assert_eq!(*json.request.body, *br#"{"Add":{"n":1}}"#);
    assert_eq!(json.request.blob, Some((Some("text/plain".to_string()), b"hello"[..].into())));
    assert_eq!((json.request.expects, json.at.clone()), (None, Moment::After(Duration::from_secs(6))));
    assert_eq!(
        (&*bytes.request.body, bytes.at.clone()),
        (&[0, 255][..], Moment::When(Kind::Started, "counter".to_string(), 2))
    );
    assert_eq!((workload.last(), add.lines("alice.os", str::to_string).len()), (Duration::from_secs(6), 3));
    assert_eq!(workload.expects[0].remembers, Remembers::Of(Arc::new(["get".to_string()].into())));
}

#[test]
fn somebody_with_a_browser_asks_by_the_clock() {
    let text = "[[http]]\npath = \"/p:a:b/x\"\ntimes = 2\n[[http]]\npath = \"/y\"\nmethod = \"POST\"\njson = [1]\nexpect_status = 201";
    let workload = parse(text).expect("it makes sense");
    let [get, post] = workload.visits.as_slice() else { panic!("two entries") };
    assert_eq!((get.request.method.as_str(), get.at, get.lines("alice.os").len()), ("GET", Duration::from_secs(1), 2));
    assert_eq!(
        (post.request.body.as_slice(), post.at, post.request.logged_in),
        (&b"[1]"[..], Duration::from_secs(3), true)
    );
    assert_eq!((get.status, post.status), (None, Some(201)));
    assert_eq!(workload.last(), Duration::from_secs(3));
    let error = parse("[[http]]\npath = \"x\"").expect_err("no path");
    assert!(error.contains("[[http]] number 1: `path = \"x\"` does not begin with a slash"), "{error}");
    let error = parse("[[http]]\npath = \"/x\"\nexpect_status = 20").expect_err("no status");
    assert!(error.contains("[[http]] number 1: `expect_status = 20` is no status of HTTP"), "{error}");
}

#[test]
fn a_socket_is_opened_heard_and_closed_by_the_clock() {
    let text = "[[socket]]\npath = \"/p:a:b/ws\"\nsays = [\"one\", \"two\"]\nevery = \"2s\"\ncloses = true\n[[socket]]\npath = \"/y\"";
    let workload = parse(text).expect("it makes sense");
    let [first, second] = workload.sockets.as_slice() else { panic!("two entries") };
    let lines: Vec<String> = first.lines("alice.os").iter().map(|line| line.to_string()).collect();
    let told = [
        "at 1s: visit alice.os opens WebSocket `socket 1` at /p:a:b/ws",
        "at 3s: visit alice.os `socket 1` sends Text \"one\"",
        "at 5s: visit alice.os `socket 1` sends Text \"two\"",
        "at 7s: visit alice.os `socket 1` sends Close \"\"",
    ];
    assert_eq!(lines, told);
    assert_eq!((second.name.as_str(), second.at, workload.last()), ("socket 2", Duration::from_secs(8), second.at));
    let both = workload.clone().and(workload);
    let names: Vec<&str> = both.sockets.iter().map(|socket| socket.name.as_str()).collect();
    assert_eq!(names, ["socket 1", "socket 2", "socket 3", "socket 4"], "two files, and no name twice");
}

#[test]
fn what_is_outside_is_read() {
    let text = r#"
        [[web]]
        url = "https://a/*"
        headers = { x = "y" }
        json = [1]
        [[web]]
        url = "*"
        fails = "no route"
        [[web_socket]]
        url = "wss://a/*"
        greets = ["hi"]
        answers = [{ to = "sub *", text = "ok" }, { to = "bye", text = "bye", closes = true }]
        every = "5s"
        says = "tick"
        [[stub]]
        process = "contacts:contacts:sys"
        answers = [{ to = "a", json = 1 }, { to = "b", body = "x", blob = "y" }, { to = "*" }]
        [chain]
        id = 1
        emits = [{ contract = "0x00000000000000000000000000000000000000aB", data = "0x01", every = 3, times = 2 }]
    "#;
    let workload = parse(text).expect("it makes sense");
    let page = Page::new("*", "https://a/*", "[1]").header("x", "y");
    assert_eq!(workload.web, [page, Page::failing("*", "*", "no route")]);
    let mut server = SocketServer::new("wss://a/*").greeting("hi").feeding(Duration::from_secs(5), "tick");
    server = server.answering("sub *", "ok").answering("bye", "bye");
    server.answers[1].1.push(Frame::empty(FrameKind::Close));
    assert_eq!(workload.servers, [server]);
    let contacts = Stub::default().answering("a", b"1").handing_over("b", b"x", b"y").taking("*");
    assert_eq!(workload.stubs, [("contacts:contacts:sys".to_string(), contacts)]);
    assert_eq!(workload.chain, Some(ChainPlan::new(1).emitting(3, 2, LogSpec::new(0xab, &[], &[1]))));
}

#[test]
fn what_makes_no_sense_is_named_with_its_place() {
    let send = |more: &str| parse(&format!("[[send]]\nto = \"x\"\n{more}"));
    let cases = [
        (parse("[[send]]\nto = 1"), "it.toml, line 2: invalid type"),
        (parse("[[sent]]"), "unknown field `sent`"),
        (parse("[[send]]\nbody = \"x\""), "missing field `to`"),
        (parse("x ="), "it.toml, line 1: "),
        (send(""), "it.toml:1, [[send]] number 1: it needs one of `body`"),
        (send("body = \"a\"\njson = 1"), "one of `body`"),
        (send("body = \"a\"\nat = \"soon\""), "`at = \"soon\"` is no span of time: write 500ms"),
        (send("body = \"a\"\nat = \"2h\""), "an hour is the most"),
        (send("body = \"a\"\ntimes = 0"), "`times = 0` is out of bounds"),
        (send("body = \"a\"\nmime = \"text/plain\""), "`mime` is that of a blob"),
        (send("body = \"a\"\nwhen = { process = \"x\", event = \"sings\" }"), "none of \"starts\""),
        (send("body = \"a\"\nat = \"1s\"\nwhen = { process = \"x\", event = \"starts\" }"), "two times"),
        (send("body = \"a\"\nwithin = \"1s\""), "unknown field `within`"),
        (
            parse("[[socket]]\npath = \"x\""),
            "it.toml:1, [[socket]] number 1: `path = \"x\"` does not begin with a slash",
        ),
        (parse("[[web]]\nurl = \"*\"\nstatus = 20"), "[[web]] number 1: `status = 20` is no status of HTTP"),
        (parse("[[web]]\nurl = \"*\"\nfails = \"x\"\nbody = \"y\""), "`fails` is for a page that cannot be had"),
        (parse("[[web_socket]]\nurl = \"*\"\nsays = \"x\""), "[[web_socket]] number 1: `every` and `says` go together"),
        (parse("[[stub]]\nprocess = \"x\""), "`process = \"x\"` is no process's id: process:package:publisher"),
        (parse("[[stub]]\nprocess = \"x:y:z\"\nanswers = [{ to = \"a\", blob = \"b\" }]"), "a blob and no body"),
        (parse("[chain]\nid = 1\nblock_time = \"1ms\""), "it.toml, [chain]: `block_time` is 100ms at least"),
        (parse("[chain]\nid = 1\nemits = [{ contract = \"0x1\" }]"), "`contract`: \"0x1\" is not 0x and two digits"),
        (parse("[chain]\nid = 1\nemits = [{ contract = \"0x11\" }]"), "`contract` has 20 bytes, and not 1"),
    ];
    for (result, says) in cases {
        let error = result.expect_err(says);
        assert!(error.contains(says), "{error:?} should say {says:?}");
    }
}
