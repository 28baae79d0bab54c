//! What an workload says is there besides the package: the web, browsers, stubs, a chain.

use super::called::{Folder, built, check, workload};

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
