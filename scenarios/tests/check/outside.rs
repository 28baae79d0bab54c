//! What an workload says is there besides the package: the web, browsers, stubs, a chain.

use super::called::{CALLS, Folder, built, check, guest_with, request, texts, workload};

const FEW: [&str; 4] = ["--points", "3", "--seeds", "2"];

/// The ticker's workload with one thing changed.
fn changed(from: &str, to: &str) -> Folder {
    let text = workload("ticker");
    assert!(text.contains(from), "no {from:?} in the workload");
    Folder::new().with("it.toml", text.replace(from, to))
}

fn ticker(folder: &Folder, code: i32) -> String {
    let arguments = [&["--workload", "it.toml"][..], &FEW].concat();
    check(&built("ticker"), folder.0.path(), &arguments).must_end(code).out
}

#[test]
fn a_feed_on_the_web_comes_to_a_browser() {
    let out = ticker(&changed("price 12", "price 13"), 0);
    assert!(out.contains("\"price price 13\"") && out.contains("\"feed open\""), "{out}");
}

#[test]
fn what_a_browser_should_hear_and_does_not_is_told() {
    let out = ticker(&changed("hears = \"price 12\"", "hears = \"price 99\""), 1);
    let says = "but:  nothing with \"price 99\" came over the WebSocket at /ticker:ticker:check.os/ws";
    assert!(out.contains("shows: BROKEN in ticker:check.os") && out.contains(says), "{out}");
}

#[test]
fn without_its_server_there_is_no_feed() {
    let out = ticker(&changed("wss://feed.example/*", "wss://other.example/*"), 1);
    assert!(out.contains("\"no feed\"") && out.contains("shows: BROKEN"), "{out}");
}

#[test]
fn who_stands_in_answers_what_it_is_told_to_and_the_rest_is_not_modelled() {
    let out = ticker(&changed("'\"GetNames\"'", "'\"GetAllContacts\"'"), 4);
    let says = "contacts:contacts:sys was sent what this simulator does not have: \"GetNames\"";
    assert!(out.contains(says), "{out}");
    let out = ticker(&changed(", json = { GetNames = [\"ann.os\"] } }", " }"), 1);
    assert!(out.contains("\"knows nobody: timeout\"") && !out.contains("does not have"), "{out}");
}

#[test]
fn who_asks_what_every_real_node_has_is_told_that_somebody_can_stand_in() {
    let text = "[[send]]\nto = \"puppet\"\nbody = 'ask alice.os@contacts:contacts:sys 5 \"GetNames\"'\n";
    let stub = "[[stub]]\nprocess = \"contacts:contacts:sys\"\nanswers = [{ to = \"*\", json = 1 }]\n";
    let arguments = [&["--workload", "it.toml"][..], &FEW].concat();
    let folder = Folder::new().with("it.toml", text);
    let says = "contacts:contacts:sys was not there, as it is on a real node, to be asked \"\\\"GetNames\\\"\"";
    check(&built("puppet"), folder.0.path(), &arguments).must_end(0).must_say(&[says, "[[stub]]", "PASSED"]);
    let folder = folder.with("it.toml", format!("{text}{stub}"));
    let out = check(&built("puppet"), folder.0.path(), &arguments).must_end(0).must_say(&["PASSED"]).out;
    assert!(!out.contains("was not there"), "{out}");
}

#[test]
fn nobody_stands_in_for_a_process_of_the_package() {
    let folder = changed("contacts:contacts:sys", "ticker:ticker:check.os");
    let arguments = ["--workload", "it.toml"];
    let wrong = check(&built("ticker"), folder.0.path(), &arguments).must_end(2);
    assert!(wrong.err.contains("`[[stub]]`: the package has ticker:ticker:check.os"), "{}", wrong.err);
}

/// The web's pages are for `http-client`, whom the puppet asks.
#[test]
fn a_page_on_the_web_is_found_or_fails_as_it_should() {
    let get = r#"{"Http":{"method":"GET","version":null,"url":"https://a.example/x","headers":{}}}"#;
    let text = format!(
        "[[web]]\nurl = \"https://a.example/*\"\nstatus = 203\njson = [1]\n\
         [[send]]\nto = \"puppet\"\nbody = 'await alice.os@http-client:distro:sys 5 {get}'\n\
         [[expect]]\nprocess = \"puppet\"\nprints = '\"status\":203'\n"
    );
    let folder = Folder::new().with("it.toml", &text);
    let arguments = [&["--workload", "it.toml"][..], &FEW].concat();
    check(&built("puppet"), folder.0.path(), &arguments).must_end(0).must_say(&["PASSED"]);
    let fails = text.replace("status = 203\njson = [1]", "fails = \"no route\"").replace("\"status\":203", "no route");
    let folder = folder.with("it.toml", fails);
    check(&built("puppet"), folder.0.path(), &arguments).must_end(0).must_say(&["PASSED"]);
    let folder = folder.with("it.toml", text.replace("a.example/*", "b.example/*"));
    check(&built("puppet"), folder.0.path(), &arguments)
        .must_end(4)
        .must_say(&["asked the web for a page that no `[[web]]` of the workload has", "never printed"]);
}

/// Binds a WebSocket in each life, and says "heard" over it to whoever says something; a deaf one only in its first life.
fn hears(is_deaf: bool) -> String {
    let bind = r#"{"WebSocketBind":{"path":"/ws","authenticated":false,"encrypted":false,"extension":false}}"#;
    // What comes over a WebSocket goes back with another blob.
    let says =
        "(i32.store (i32.const 568) (i32.load (i32.const 136))) (i32.store (i32.const 572) (i32.load (i32.const 140)))
        (i32.store (i32.const 612) (i32.const 1)) (i32.store (i32.const 628) (i32.const 3000))
        (i32.store (i32.const 632) (i32.const 5)) (call $send-request (i32.const 512))";
    let is_frame = "(i32.eq (i32.load8_u offset=11 (i32.load (i32.const 136))) (i32.const 80))";
    let knows = if is_deaf { "(i32.store8 (i32.const 3100) (i32.load8_u (i32.const 200)))" } else { "" };
    let code = format!(
        "(call $get-state (i32.const 200)) {knows} (call $set-state (i32.const 3000) (i32.const 5))
        {} (call $send-request (i32.const 512))
        (loop $again (call $receive (i32.const 64))
            (if (i32.eqz (i32.or (i32.load8_u (i32.const 104)) (i32.load8_u (i32.const 3100))))
                (then (if {is_frame} (then {says}))))
            (br $again))",
        request("http-server", bind, 0)
    );
    guest_with(&[texts("http-server", bind), vec![(3000, "heard")]].concat(), &CALLS, &code)
}

#[test]
fn what_comes_over_a_web_socket_comes_again_when_all_that_went_wrong_is_over() {
    let socket = |guest: &str| {
        format!("[[socket]]\npath = \"/{guest}:{guest}:check.os/ws\"\nsays = [\"hello\"]\nhears = \"heard\"\n")
    };
    let folder = Folder::new().with("hears.wat", hears(false)).with("deaf.wat", hears(true));
    let folder = folder.with("hears.toml", socket("hears")).with("deaf.toml", socket("deaf"));
    let arguments = |workload: &'static str| ["--workload", workload, "--points", "all", "--seeds", "5"];
    let checked = folder.check("hears.wat", &arguments("hears.toml")).must_end(0);
    assert!(!checked.out.contains("still-shows"), "{}", checked.out);
    folder.check("deaf.wat", &arguments("deaf.toml")).must_end(1).must_say(&[
        "still-shows: BROKEN in deaf:check.os",
        "but:  nothing with \"heard\" came over the WebSocket at /deaf:deaf:check.os/ws",
    ]);
}
