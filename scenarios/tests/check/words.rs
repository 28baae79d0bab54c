//! What a workload and the command line can say: who sends, what an answer must be, what holds again, what is assumed.

use super::called::{
    CALLS, COUNTS, Folder, RESUMES, SAVES, built, check, guest, guest_with, package, page, request, texts,
};

const FEW: [&str; 4] = ["--points", "3", "--seeds", "2"];

#[test]
fn a_request_comes_from_the_owner_of_another_node() {
    let send = "[[send]]\nto = \"puppet\"\nfrom = \"bob.os\"\nbody = \"respond hello\\nprint heard\"\nanswer_within = \"5s\"\n\
                [[expect]]\nprocess = \"puppet\"\nprints = \"heard\"\n";
    let folder = Folder::new().with("it.toml", send).with("bad.toml", send.replace("bob.os", "bob os"));
    let arguments = |file| [&["--workload", file][..], &FEW].concat();
    let checked = check(&built("puppet"), folder.0.path(), &arguments("it.toml")).must_end(0).must_say(&["PASSED"]);
    assert!(!checked.out.contains("bob.os@puppet"), "who only sends has not got the package: {}", checked.out);
    let wrong = check(&built("puppet"), folder.0.path(), &arguments("bad.toml")).must_end(2);
    assert!(wrong.err.contains("`bob os`"), "{}", wrong.err);
    let deaf = package(&[("puppet", "puppet", "\"Restart\"", &[])], &[]).with("it.toml", send);
    check(deaf.0.path(), deaf.0.path(), &arguments("it.toml"))
        .must_end(1)
        .must_say(&["did not answer \"respond hello", "`request_networking`"]);
}

#[test]
fn the_body_of_an_answer_is_as_it_must_be_or_missed() {
    let get = |more: &str| format!("[[http]]\npath = \"/page:page:check.os\"\nexpect_status = 200\n{more}\n");
    let folder = Folder::new()
        .with("page.wat", page("", COUNTS))
        .with("text.toml", get("expect_body = \"1*\""))
        .with("json.toml", get("expect_json = 1"))
        .with("missed.toml", get("expect_body = \"2\""))
        .with("field.toml", get("expect_json = { \"items.0\" = 1 }"));
    let checked = |file| folder.check("page.wat", &[&["--workload", file][..], &FEW].concat());
    // Asked once more it says 2: no word of the author's, and no failure.
    checked("text.toml").must_end(0).must_say(&["PASSED: "]);
    checked("json.toml").must_end(0).must_say(&["PASSED: "]);
    checked("missed.toml")
        .must_end(1)
        .must_say(&["serves: BROKEN in page:check.os", "gets 200 \"1\", and not a body like \"2\""]);
    checked("field.toml").must_end(1).must_say(&["serves: BROKEN", "which has no `/items.0`"]);
}

#[test]
fn a_page_that_is_another_after_a_restart_is_missed_when_all_is_over() {
    let other = "(call $get-state (i32.const 200))
        (if (i32.load8_u (i32.const 200)) (then (i32.store8 (i32.const 3000) (i32.const 57)))) ";
    let get = "[[http]]\npath = \"/page:page:check.os\"\nexpect_body = \"0\"\n";
    let folder = Folder::new().with("it.toml", get).with("page.wat", page(&format!("{other} {SAVES}"), ""));
    folder
        .check("page.wat", &["--workload", "it.toml", "--points", "20", "--seeds", "2"])
        .must_end(1)
        .must_say(&["still-serves: BROKEN", "and not a body like \"0\", when all that went wrong is over"]);
}

#[test]
fn a_browsers_answers_are_not_taken_back() {
    let text =
        "[[http]]\npath = \"/page:page:check.os\"\ntimes = 3\n[[expect]]\nprocess = \"page\"\nnever_forgets = true\n";
    let arguments = ["--workload", "it.toml", "--points", "60", "--seeds", "5"];
    let forgets = Folder::new().with("it.toml", text).with("page.wat", page("", COUNTS));
    forgets.check("page.wat", &arguments).must_end(1).must_say(&[
        "never-forgets: BROKEN in page:check.os",
        "page:page:check.os answered \"",
        "to GET /page:page:check.os, and later",
    ]);
    let keeps = Folder::new().with("it.toml", text).with("page.wat", page(RESUMES, &format!("{COUNTS} {SAVES}")));
    keeps.check("page.wat", &arguments).must_end(0).must_say(&["PASSED: "]);
}

#[test]
fn answers_to_different_requests_are_no_matter_of_each_other() {
    // What it is asked is what it answers: 5, then 3.
    let text = "[[send]]\nto = \"puppet\"\nbody = \"respond 5\"\nanswer_within = \"5s\"\n\
                [[send]]\nto = \"puppet\"\nbody = \"respond 3\"\nanswer_within = \"5s\"\n\
                [[expect]]\nprocess = \"puppet\"\nnever_forgets = true\n";
    let folder = Folder::new().with("it.toml", text);
    let arguments = ["--workload", "it.toml", "--points", "20", "--seeds", "5"];
    check(&built("puppet"), folder.0.path(), &arguments).must_end(0).must_say(&["PASSED: "]);
}

/// Prints once for each request, but not in a life that finds a saved state.
fn prints_in_its_first_life() -> String {
    let prints = "(if (i32.eq (i32.load8_u (i32.const 3000)) (i32.const 48))
        (then (call $print-to-terminal (i32.const 0) (i32.const 16) (i32.const 4))))";
    page(
        &format!(
            "{RESUMES} (i32.store8 (i32.const 3001) (i32.const 57)) (call $set-state (i32.const 3001) (i32.const 1))"
        ),
        prints,
    )
}

#[test]
fn what_is_printed_in_answer_is_printed_again_when_all_is_over() {
    let text = "[[send]]\nto = \"says\"\nbody = \"x\"\nanswer_within = \"5s\"\n[[expect]]\nprocess = \"says\"\nprints = \"text\"\n";
    let folder = Folder::new().with("it.toml", text).with("says.wat", prints_in_its_first_life());
    let arguments = ["--workload", "it.toml", "--points", "40", "--seeds", "2"];
    folder.check("says.wat", &arguments).must_end(1).must_say(&[
        "still-prints: BROKEN in says:check.os",
        "says:says:check.os did not print \"text\" again when all that went wrong was over",
    ]);
    let once = "(if (i32.eq (i32.load8_u (i32.const 3000)) (i32.const 48))
        (then (call $print-to-terminal (i32.const 0) (i32.const 16) (i32.const 4)))) (i32.store8 (i32.const 3000) (i32.const 49))";
    let greets = folder.with("says.wat", page(RESUMES, &format!("{once} {SAVES}")));
    greets.check("says.wat", &arguments).must_end(0).must_say(&["PASSED: "]);
}

#[test]
fn the_on_exit_of_a_lone_file_is_assumed_or_given() {
    let folder = Folder::new();
    let idle = |arguments: &[&str]| check(&built("idle"), folder.0.path(), &[arguments, &FEW].concat());
    idle(&[]).must_end(0).must_say(&["on-exit Restart is assumed of idle:idle:check.os", "`--on-exit none`"]);
    let none = idle(&["--on-exit", "none"]).must_end(0).must_say(&["idle:idle:check.os: on-exit None"]);
    assert!(!none.out.contains("assumed"), "{}", none.out);
    let folder = package(&[("idle", "idle", "\"Restart\"", &[])], &[]);
    let wrong = check(folder.0.path(), folder.0.path(), &["--on-exit", "none"]).must_end(2);
    assert!(wrong.err.contains("manifest.json"), "{}", wrong.err);
}

#[test]
fn a_lone_file_that_returns_at_once_is_a_script_and_no_service() {
    let folder = Folder::new().with("script.wat", guest(&[], ""));
    let some = ["--points", "20", "--seeds", "5"];
    let checked = folder.check("script.wat", &some).must_end(0);
    checked.must_say(&["returns before anybody asks it anything, as a script does: on-exit None is assumed", "PASSED"]);
    let checked = folder.check("script.wat", &["--on-exit", "restart"]).must_end(1);
    checked.must_say(&["restart-loop: BROKEN"]);
}

#[test]
fn scripts_are_checked_as_the_terminal_starts_them() {
    let scripts = r#"{"hi.wat": {"root": false, "public": false, "request_networking": false,
        "request_capabilities": [], "grant_capabilities": [], "wit_version": 1}}"#;
    let folder = Folder::new()
        .with("manifest.json", "[]")
        .with("scripts.json", scripts)
        .with("hi.wat", guest(&["receive i32"], "(call $receive (i32.const 64))"));
    let checked = check(folder.0.path(), folder.0.path(), &["--id", "a:b.os", "--points", "20", "--seeds", "5"]);
    let checked = checked.must_end(0).must_say(&["hi:a:b.os: on-exit None"]);
    assert!(!checked.out.contains("not there after a crash"), "nothing starts a script again: {}", checked.out);
    let none = Folder::new().with("manifest.json", "[]");
    check(none.0.path(), none.0.path(), &["--id", "a:b.os"]).must_end(2);
}

#[test]
fn a_lone_file_that_reads_its_own_package_is_told_to_check_the_folder() {
    let read = r#"{"path":"/puppet:check.os/pkg/ui/index.html","action":"Read"}"#;
    let text = format!("[[send]]\nto = \"puppet\"\nbody = 'ask alice.os@vfs:distro:sys 5 {read}'\n");
    let folder = Folder::new().with("it.toml", &text);
    let arguments = [&["--workload", "it.toml"][..], &FEW].concat();
    check(&built("puppet"), folder.0.path(), &arguments).must_end(4).must_say(&[
        "INCONCLUSIVE: ",
        "/puppet:check.os/pkg/ui/index.html",
        "check the folder",
    ]);
    let folder = package(&[("puppet", "puppet", "\"Restart\"", &["vfs:distro:sys"])], &[])
        .with("it.toml", text.replace("puppet:check.os", "demo:me.os"));
    check(folder.0.path(), folder.0.path(), &arguments).must_end(0);
}

/// Asks a module something and traps if the answer is an error.
fn asks(world: &str, module: &str, body: &str) -> String {
    let ask = request(module, body, 5);
    // The result's own tag is at 1024; the body of a response that is there follows its message's tag.
    let code = format!(
        "{ask} (call $send-and-await-response (i32.const 512) (i32.const 1024))
        (if (i32.load8_u (i32.const 1024)) (then unreachable))
        (if (i32.eq (i32.load8_u offset=2 (i32.load (i32.const 1076))) (i32.const 69)) (then unreachable))
        (loop $again (call $receive (i32.const 64)) (br $again))"
    );
    guest_with(&texts(module, body), &CALLS, &code).replace("hyperware:process/standard@1.0.0", world)
}

#[test]
fn a_message_of_a_time_before_1_0_leaves_the_verdict_open() {
    let get =
        r#"{"package_id":{"package_name":"old","publisher_node":"check.os"},"db":"d","action":{"Get":{"key":[1]}}}"#;
    let read = r#"{"package_id":{"package_name":"old","publisher_node":"check.os"},"db":"d","action":{"Read":{"query":"SELECT 1"}}}"#;
    for (module, body) in [("kv", get), ("sqlite", read)] {
        let folder = Folder::new()
            .with("old.wat", asks("kinode:process/standard@0.8.0", module, body))
            .with("new.wat", asks("hyperware:process/standard@1.0.0", module, body))
            .with("quotes.wat", quotes_the_old_world(&asks("hyperware:process/standard@1.0.0", module, body)));
        let says = format!("old:old:check.os is of Kinode before 1.0, and {module}:distro:sys was sent");
        folder.check("old.wat", &FEW).must_end(4).must_say(&["INCONCLUSIVE: ", &says]);
        folder.check("new.wat", &FEW).must_end(1).must_say(&["panic: BROKEN"]);
        folder.check("quotes.wat", &FEW).must_end(1).must_say(&["panic: BROKEN"]);
    }
}

/// The same guest, with the name of an old world among its data.
fn quotes_the_old_world(text: &str) -> String {
    text.replacen("\"text\"", "\"kinode:process/standard@0.8.0\"", 1)
}

/// Subscribes, and again whenever it hears of an error.
fn floods() -> String {
    let body = r#"{"SubscribeLogs":{"sub_id":1,"chain_id":8453,"kind":"logs","params":{}}}"#;
    let code = format!(
        "{} (call $send-request (i32.const 512))
        (loop $again (call $receive (i32.const 64))
            (if (i32.eq (i32.load8_u offset=2 (i32.load (select (i32.const 116) (i32.const 136) (i32.load8_u (i32.const 104))))) (i32.const 69))
                (then (call $send-request (i32.const 512))))
            (br $again))",
        request("eth", body, 30)
    );
    guest_with(&texts("eth", body), &CALLS, &code)
}

#[test]
fn a_provider_that_is_out_of_order_for_a_while_is_not_to_be_asked_again_and_again() {
    let folder = Folder::new()
        .with("floods.wat", floods())
        .with("it.toml", "[chain]\nid = 8453\n")
        .with("out.toml", "[chain]\nid = 8453\noutage = { at = \"3s\", lasts = \"8s\" }\n");
    for file in ["it.toml", "out.toml"] {
        let checked = folder.check("floods.wat", &[&["--workload", file][..], &FEW].concat()).must_end(0);
        let checked = checked.must_say(&["floods:floods:check.os asked eth:distro:sys ", "times within a second"]);
        assert!(!checked.out.contains("no provider of it"), "{}", checked.out);
    }
}

#[test]
fn rows_that_each_start_inserts_are_told() {
    let body = r#"{"package_id":{"package_name":"grows","publisher_node":"check.os"},"db":"d","action":{"Write":{"statement":"INSERT INTO t VALUES (1)","tx_id":null}}}"#;
    let code = format!(
        "{} (call $send-request (i32.const 512)) (loop $again (call $receive (i32.const 64)) (br $again))",
        request("sqlite", body, 0)
    );
    let folder = Folder::new().with("grows.wat", guest_with(&texts("sqlite", body), &CALLS, &code));
    folder.check("grows.wat", &["--points", "3", "--seeds", "200"]).must_end(4).must_say(&[
        "what grows:grows:check.os has saved changes with every restart",
        "it inserts rows, \"INSERT INTO",
    ]);
}

#[test]
fn messages_that_are_lost_with_a_mailbox_are_counted() {
    let text = "[[send]]\nto = \"puppet\"\nbody = 'await alice.os@timer:distro:sys 20 {\"SetTimer\":5000}'\n\
                [[send]]\nto = \"puppet\"\nbody = \"print late\"\n";
    let folder = Folder::new().with("it.toml", text);
    let arguments = ["--workload", "it.toml", "--points", "60", "--seeds", "10"];
    check(&built("puppet"), folder.0.path(), &arguments)
        .must_end(0)
        .must_say(&["message of the owner to puppet:puppet:check.os lost with its mailbox"]);
    // Event by event, it stands below the end of the life.
    let lost = "lost in the mailbox of puppet:puppet:check.os: #";
    let plan = |nth: u32| {
        let plan = format!("crash alice.os #{nth} crash");
        check(&built("puppet"), folder.0.path(), &["--workload", "it.toml", "--plan", &plan]).out
    };
    let out = (30..90).map(plan).find(|out| out.contains(lost)).expect("some crash comes while it waits");
    let (before, line) = out.split_once(lost).expect("it is there");
    assert!(
        line.lines().next().is_some_and(|line| line.ends_with("from terminal:distro:sys: \"print late\"")),
        "{out}"
    );
    assert!(before.trim_end().lines().last().is_some_and(|line| line.contains("goes down: crash")), "{out}");
}

#[test]
fn a_line_of_the_workload_is_named_by_file_and_line() {
    let text = "[[send]]\nto = \"idle\"\nbody = \"hello\"\nanswer_within = \"1s\"\n\n\
                [[send]]\nto = \"idle\"\nbody = \"x\"\nwhen = { process = \"idle\", event = \"exits\", nth = 9 }\n";
    let folder = Folder::new().with("it.toml", text);
    let checked = check(&built("idle"), folder.0.path(), &["--workload", "it.toml"]).must_end(1);
    checked.must_say(&["(it.toml:1)", "a line of the workload never happened: it.toml:6, "]);
    let folder = folder.with("it.toml", "[[send]]\nto = \"idle\"\nbody = \"a\"\n\n[[send]]\nto = \"idle\"\n");
    let wrong = check(&built("idle"), folder.0.path(), &["--workload", "it.toml"]).must_end(2);
    assert!(wrong.err.contains("it.toml:5, [[send]] number 2: "), "{}", wrong.err);
}
