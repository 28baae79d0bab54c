//! What `check` says of packages that hold, that break, and that never come to an end.

use super::called::{Checked, Folder, built, called, check, guest, package, workload};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn last_words_by_the_manifest_reach_whom_they_are_for() {
    let last_words =
        r#"{"Requests": [["our@herald:demo:me.os", {"body": [112, 114, 105, 110, 116, 32, 98, 121, 101]}, null]]}"#;
    let two = package(
        &[("herald", "puppet", "\"Restart\"", &[]), ("mortal", "puppet", last_words, &["herald:demo:me.os"])],
        &[],
    );
    let text = "[[send]]\nto = \"mortal\"\nbody = \"return\"\n\
                [[expect]]\nprocess = \"herald\"\nalive = true\nprints = \"bye\"\n";
    let two = two.with("it.toml", text);
    let checked = check(two.0.path(), two.0.path(), &["--workload", "it.toml", "--seeds", "30"]).must_end(0);
    checked.must_say(&["mortal:demo:me.os: on-exit Requests, 1 life, gone at the end", "PASSED"]);
}

#[test]
fn a_counter_that_saves_before_it_answers_passes() {
    let folder = Folder::new().with("it.toml", workload("counter"));
    let checked = check(&built("counter"), folder.0.path(), &["--workload", "it.toml", "--seeds", "50"]).must_end(0);
    checked.must_say(&[
        "counter:counter:check.os: on-exit Restart, 1 life, waits for messages at the end",
        "4 set-state",
        "8 messages received",
        "KiB of memory",
        "50 seeds visited, none left out",
        "PASSED: its processes survive being killed, crashed, restarted and rebooted at every point",
    ]);
}

#[test]
fn a_chat_between_two_nodes_passes_and_each_node_tells_its_own() {
    let folder = Folder::new().with("it.toml", workload("chat"));
    let checked = check(&built("chat"), folder.0.path(), &["--workload", "it.toml", "--seeds", "50"]).must_end(0);
    checked.must_say(&[
        "installed on nodes of its own",
        "alice.os@chat:chat:check.os: on-exit Restart, 1 life, waits for messages at the end",
        "bob.os@chat:chat:check.os: on-exit Restart, 1 life, waits for messages at the end",
        "prints   \"heard hello from alice.os\"",
        "PASSED",
    ]);
    let deaf = workload("chat").replace("heard hi", "heard nothing");
    let folder = folder.with("it.toml", deaf);
    let missed = check(&built("chat"), folder.0.path(), &["--workload", "it.toml"]).must_end(1);
    missed.must_say(&["chat:chat:check.os never printed \"heard nothing from bob.os\""]);
    let elsewhere = workload("chat").replace("heard hi from bob.os", "heard hello from alice.os");
    let missed =
        check(&built("chat"), folder.with("it.toml", elsewhere).0.path(), &["--workload", "it.toml"]).must_end(1);
    missed.must_say(&["chat:chat:check.os never printed \"heard hello from alice.os\""]);
}

#[test]
fn a_ledger_in_kv_and_a_bank_in_sqlite_pass_at_every_crash_point() {
    let moves = |to: &str, body: &str, first: &str, last: &str| {
        format!(
            "[[send]]\nto = \"{to}\"\nbody = \"{body}\"\ntimes = 3\n{first}\n\
             [[expect]]\nprocess = \"{to}\"\nalive = true\nprints = \"{last}\"\n"
        )
    };
    let folder = Folder::new()
        .with("ledger.toml", moves("ledger", "move 5", "answer_within = \"60s\"", "at 100 and 0 after 0"))
        .with("bank.toml", moves("bank", "move", "", "moved 3"));
    // The ledger's database is of the package `demo:alice.os`.
    for (name, id, asks) in [
        ("ledger", "demo:alice.os", "36 send-and-await-response"),
        ("bank", "bank:check.os", "22 send-and-await-response"),
    ] {
        let inject = format!("{name}.toml");
        let arguments = ["--id", id, "--workload", &inject, "--points", "all", "--seeds", "20"];
        let checked = check(&built(name), folder.0.path(), &arguments).must_end(0);
        checked.must_say(&[asks, "crash points and 20 seeds visited, none left out", "PASSED"]);
    }
}

#[test]
fn a_status_that_a_browser_must_get_is_got_or_missed() {
    let page = "path = \"/puppet:puppet:check.os/page\"";
    let bind = r#"{"Bind":{"path":"/page","authenticated":false,"local_only":false,"cache":true}}"#;
    let workload = |status: u16| {
        format!(
            "[[http]]\n{page}\nat = \"500ms\"\nexpect_status = 404\n\
             [[send]]\nto = \"puppet\"\nbody = 'blob hello alice.os@http-server:distro:sys {bind}'\nat = \"1s\"\n\
             [[http]]\n{page}\nat = \"2s\"\nexpect_status = {status}\n"
        )
    };
    let folder = Folder::new().with("got.toml", workload(200)).with("missed.toml", workload(201));
    let arguments = |file| ["--workload", file, "--seeds", "1", "--profile", "calm", "--points", "0"];
    check(&built("puppet"), folder.0.path(), &arguments("got.toml")).must_end(0).must_say(&["PASSED"]);
    check(&built("puppet"), folder.0.path(), &arguments("missed.toml")).must_end(1).must_say(&[
        "serves: BROKEN in puppet:check.os",
        "says: what a browser asks has the status and the body that are expected",
        "but:  GET /puppet:puppet:check.os/page gets 200 \"hello\", and not 201",
        "FAILED: 1 thing broke",
    ]);
}

#[test]
fn a_counter_that_answers_before_it_saves_is_caught_and_its_scenario_replays() {
    let folder = Folder::new().with("it.toml", workload("fragile"));
    let checked = check(&built("fragile"), folder.0.path(), &["--workload", "it.toml", "--seeds", "10"]).must_end(1);
    let checked = checked.must_say(&[
        "never-forgets: BROKEN in fragile:check.os",
        "says: no answer of the process says less than one that it gave before",
        "but:  fragile:fragile:check.os answered \"",
        "plan: 1 line",
        "fragile:fragile:check.os answers before it saves",
        "FAILED: 1 thing broke, in ",
    ]);
    let mut again = Command::new("sh");
    again.current_dir(folder.0.path()).args(["-c", checked.replay()]);
    called(&mut again).must_end(1).must_say(&["never-forgets: BROKEN: fragile:fragile:check.os answered"]);
}

#[test]
fn what_is_expected_in_the_calm_is_missed_without_a_storm() {
    let text = "[[send]]\nto = \"idle\"\nbody = \"hello\"\nanswer_within = \"1s\"\n\
                [[expect]]\nprocess = \"idle\"\nalive = true\nprints = \"hello back\"\n";
    let folder = Folder::new().with("it.toml", text);
    let checked = check(&built("idle"), folder.0.path(), &["--expect", "it.toml", "--format", "json"]).must_end(1);
    let failures = checked.records("failure");
    let told: Vec<_> = failures.iter().map(|failure| failure["rule"].as_str().unwrap_or_default()).collect();
    assert_eq!(told, ["answers", "prints"]);
    assert_eq!(failures[0]["facts"], "idle:idle:check.os did not answer \"hello\" within 1s");
    assert_eq!(failures[1]["facts"], "idle:idle:check.os never printed \"hello back\"");
    assert_eq!((&failures[0]["plan"], &failures[0]["runs"]), (&serde_json::json!([]), &serde_json::json!(1)));
    let seen = failures[0]["seen"].as_u64().expect("it is seen when the time is out");
    let began = failures[0]["began"].as_u64().expect("it begins with the question");
    let shows = |number: u64, what: &str| {
        let mut events = failures[0]["events"].as_array().into_iter().flatten().filter_map(Value::as_str);
        events.any(|event| event.contains(&format!("#{number} ")) && event.contains(what))
    };
    assert!(shows(began, "asks (within 1s) idle:idle:check.os") && shows(seen, "met timeout"), "{}", failures[0]);
    assert_eq!((&failures[0]["lost"], &failures[1]["seen"]), (&serde_json::json!([]), &Value::Null));
    let check = &checked.records("check")[0];
    assert_eq!((&check["verdict"], &check["points"], &check["failures"]), (&"FAILED".into(), &0.into(), &2.into()));
}

#[test]
fn who_leaves_for_good_is_not_alive() {
    let folder = Folder::new()
        .with("leaves.wat", guest(&[], ""))
        .with("it.toml", "[[expect]]\nprocess = \"leaves\"\nalive = true\n");
    let manifest = r#"[{"process_name": "leaves", "process_wasm_path": "/leaves.wat", "on_exit": "None", "public": true,
            "request_networking": false, "request_capabilities": [], "grant_capabilities": []}]"#;
    let folder = folder.with("manifest.json", manifest);
    let checked = check(folder.0.path(), folder.0.path(), &["--id", "a:b.os", "--expect", "it.toml"]).must_end(1);
    checked.must_say(&["alive: BROKEN in a:b.os", "leaves:a:b.os is gone, and nobody killed it", "plan: calm"]);
}

/// Answers one request, and has run to completion.
const ANSWERS_ONCE: &str = "(call $receive (i32.const 64))
    (call $send-response (i32.const 0) (i32.const 16) (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 8) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))";

#[test]
fn who_has_run_to_completion_owes_no_answer_to_what_the_check_asks_once_more() {
    let imports = ["receive i32", "send-response i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32"];
    let once = "[[send]]\nto = \"script\"\nbody = \"go\"\nanswer_within = \"5s\"\n";
    let manifest = r#"[{"process_name": "script", "process_wasm_path": "/script.wat", "on_exit": "None", "public": false,
        "request_networking": false, "request_capabilities": [], "grant_capabilities": []}]"#;
    let folder = Folder::new()
        .with("script.wat", guest(&imports, ANSWERS_ONCE))
        .with("manifest.json", manifest)
        .with("once.toml", once)
        .with("twice.toml", format!("{once}times = 2\n"));
    let arguments = |file| ["--id", "a:b.os", "--workload", file, "--seeds", "20"];
    check(folder.0.path(), folder.0.path(), &arguments("once.toml"))
        .must_end(0)
        .must_say(&["gone at the end", "PASSED"]);
    check(folder.0.path(), folder.0.path(), &arguments("twice.toml"))
        .must_end(1)
        .must_say(&["answers: BROKEN in a:b.os", "script:a:b.os did not answer \"go\" within 5s"]);
}

#[test]
fn an_answer_that_lacks_a_capability_is_told_with_where_to_give_it() {
    let ask = "[[send]]\nto = \"asks\"\nbody = 'ask alice.os@eth:distro:sys 5 \"GetAccessSettings\"'\n";
    let manifest = r#"[{"process_name": "asks", "process_wasm_path": "/puppet.wasm", "on_exit": "Restart",
        "request_capabilities": ["eth:distro:sys"], "grant_capabilities": [], "request_networking": false,
        "public": false}]"#;
    let folder = Folder::new()
        .with("puppet.wasm", fs::read(built("puppet")).expect("it is committed"))
        .with("manifest.json", manifest)
        .with("it.toml", ask);
    let arguments = ["--id", "a:b.os", "--workload", "it.toml", "--seeds", "1", "--points", "1"];
    check(folder.0.path(), folder.0.path(), &arguments).must_end(0).must_say(&[
        "a message from eth:distro:sys to asks:a:b.os was dropped: it lacks the capability",
        "`grant_capabilities`",
    ]);
}

#[test]
fn a_panic_is_told_in_the_words_of_the_guest() {
    let folder = Folder::new();
    let checked = check(&built("crasher"), folder.0.path(), &[]).must_end(1);
    checked.must_say(&[
        "panic: BROKEN in crasher:check.os",
        "PANICS",
        "structural: nothing I do can start",
        "restart-loop: BROKEN in the same run",
        "crasher:crasher:check.os panicked in 5 lives in a row without progress",
        "no crash point was visited",
        "FAILED: 2 things broke, in 1 run",
    ]);
}

/// Its first life saves something; any later one panics when it sees that.
const LOOPS_AFTER_A_FAULT: &str = "(call $get-state (i32.const 0)) (if (i32.load8_u (i32.const 0)) (then unreachable))
    (call $set-state (i32.const 16) (i32.const 4))
    (loop $again (call $receive (i32.const 64)) (br $again))";

#[test]
fn a_restart_loop_that_only_a_fault_brings_about_is_found_with_a_bounded_amount_of_work() {
    let imports = ["get-state i32", "set-state i32 i32", "receive i32"];
    let folder = Folder::new().with("loops.wat", guest(&imports, LOOPS_AFTER_A_FAULT));
    let checked = folder.check("loops.wat", &["--format", "json"]).must_end(1);
    let rules: Vec<Value> = checked.records("failure").iter().map(|failure| failure["rule"].clone()).collect();
    assert!(rules.contains(&"restart-loop".into()) && rules.contains(&"panic".into()), "{rules:?}");
    let loops = checked.records("failure").into_iter().find(|failure| failure["rule"] == "restart-loop");
    let plan = loops.expect("it was just seen")["plan"].as_array().map(Vec::len);
    assert_eq!(plan, Some(1), "one fault is enough");
}

/// A guest that may read a clock and sleep besides.
fn with_wasi(guest: String) -> String {
    let imports = r#"(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))"#;
    guest.replacen("(module ", &format!("(module {imports}"), 1)
}

/// Waits for five minutes as `std::thread::sleep` does, then for messages; panics if it was not to sleep.
const SLEEPS: &str = "(i64.store (i32.const 1048) (i64.const 300000000000))
    (if (call $poll (i32.const 1024) (i32.const 1100) (i32.const 1) (i32.const 1200)) (then unreachable))
    (if (i32.ne (i32.load (i32.const 1200)) (i32.const 1)) (then unreachable))
    (loop $again (call $receive (i32.const 64)) (br $again))";

#[test]
fn who_sleeps_does_not_compute_and_wakes() {
    let folder = Folder::new().with("sleeps.wat", with_wasi(guest(&["receive i32"], SLEEPS)));
    folder.check("sleeps.wat", &["--seeds", "20"]).must_end(0).must_say(&["PASSED"]);
}

#[test]
fn who_spins_floods_recurses_grows_or_prints_for_ever_is_stopped_and_named() {
    let spins = guest(&[], "(loop $again (br $again))");
    let grows = guest(&[], "(loop $again (drop (memory.grow (i32.const 1))) (br $again))");
    let prints = guest(
        &["print-to-terminal i32 i32 i32"],
        "(loop $again (call $print-to-terminal (i32.const 0) (i32.const 16) (i32.const 4)) (br $again))",
    );
    let saves =
        guest(&["set-state i32 i32"], "(loop $again (call $set-state (i32.const 16) (i32.const 4)) (br $again))");
    let recurses = guest(&[], "(drop (call $deeper (i32.const 0)))");
    let looks = "(loop $again (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 64))) (br $again))";
    let naps = "(loop $again (drop (call $poll (i32.const 1024) (i32.const 1100) (i32.const 1) (i32.const 1200))) (br $again))";
    let (looks, naps) = (with_wasi(guest(&[], looks)), with_wasi(guest(&[], naps)));
    for (name, text, says) in [
        ("spins", spins, &["spins: BROKEN in", "its code has a loop that nothing leaves", "FAILED"][..]),
        ("grows", grows, &["spins: BROKEN in", "grows:grows:check.os computed for some", "FAILED"]),
        ("prints", prints, &["stopped at a bound, 300000 events; busiest was prints:prints:check.os", "INCONCLUSIVE"]),
        ("saves", saves, &["saves:saves:check.os"]),
        ("looks", looks, &["stopped at a bound", "busiest was looks:looks:check.os", "INCONCLUSIVE"]),
        ("naps", naps, &["stopped at a bound", "busiest was naps:naps:check.os", "INCONCLUSIVE"]),
        (
            "recurses",
            recurses,
            &["panic: BROKEN in", "recurses:recurses:check.os panicked: ", "restart-loop", "FAILED"],
        ),
    ] {
        let folder = Folder::new().with(&format!("{name}.wat"), text);
        let checked = folder.check(&format!("{name}.wat"), &["--seeds", "1", "--points", "1"]);
        assert!([0, 1, 4].contains(&checked.code), "{name}: {}", checked.err);
        checked.must_say(says);
    }
}

#[test]
fn what_cannot_be_visited_is_counted_with_the_way_to_go_on() {
    let folder = Folder::new();
    let checked =
        check(&built("idle"), folder.0.path(), &["--points", "3", "--seeds", "2", "--format", "json"]).must_end(0);
    let check = checked.records("check").remove(0);
    assert_eq!((&check["points"], &check["seeds"]), (&3.into(), &2.into()));
    let left_out = check["points_left_out"].as_u64().expect("it is counted");
    assert!(left_out > 0, "{check}");
    let all = check_idle(&["--points", "all", "--seeds", "2", "--format", "json"]).records("check").remove(0);
    assert_eq!((all["points"].as_u64(), &all["points_left_out"]), (Some(left_out + 3), &0.into()));
    check_idle(&["--points", "3", "--seeds", "2"]).must_say(&[
        "3 crash points and 2 seeds visited",
        &format!("{left_out} crash point"),
        "--points all",
        "never spoken to",
    ]);
}

fn check_idle(arguments: &[&str]) -> Checked {
    check(&built("idle"), Path::new("."), arguments).must_end(0)
}

#[test]
fn what_the_simulator_does_not_have_leaves_the_verdict_open() {
    let text = "[[send]]\nto = \"puppet\"\nbody = 'tell alice.os@state:distro:sys \"GetState\"'\n[[http]]\npath = \"/nowhere\"\n";
    let folder = Folder::new().with("it.toml", text);
    let checked = check(&built("puppet"), folder.0.path(), &["--workload", "it.toml", "--seeds", "3", "--points", "3"])
        .must_end(4);
    checked.must_say(&["INCONCLUSIVE: state:distro:sys was sent what this simulator does not have: "]);
}

#[test]
fn a_report_in_markdown_has_verdict_deeds_failures_and_coverage() {
    let folder = Folder::new().with("it.toml", workload("fragile"));
    let arguments = ["--workload", "it.toml", "--seeds", "10", "--report", "report.md"];
    check(&built("fragile"), folder.0.path(), &arguments).must_end(1);
    let report = fs::read_to_string(folder.path("report.md")).expect("it was written");
    for part in [
        "# `fragile:check.os`: FAILED\n",
        "| `fragile:fragile:check.os` | Restart | 1 | ",
        "### `never-forgets`: no answer of the process says less",
        "```text\nnever-forgets: BROKEN in fragile:check.os",
        "  replay: ",
        "## Worth knowing\n\n- ",
        "10 seeds visited, none left out.",
        "| exit | None | Restart | Requests |",
    ] {
        assert!(report.contains(part), "no {part:?} in\n{report}");
    }
    let nowhere =
        check(&built("idle"), folder.0.path(), &["--seeds", "1", "--points", "1", "--report", "no/such/folder.md"]);
    assert!(nowhere.code == 2 && nowhere.err.contains("no/such/folder.md"), "{}", nowhere.err);
}

#[test]
fn what_an_exercise_gets_wrong_is_named_before_anything_runs() {
    let folder = Folder::new()
        .with("nobody.toml", "[[send]]\nto = \"nobody\"\nbody = \"x\"\n")
        .with("wrong.toml", "[[send]]\nto = \"idle\"\n")
        .with("nowhere.toml", "[[send]]\nto = \"idle\"\non = \"bob.os\"\nbody = \"x\"\n")
        .with("twice.toml", "nodes = [\"alice.os\"]\n");
    for (file, says) in [
        ("nobody.toml", "no process `nobody` in the manifest; there is `idle`"),
        ("wrong.toml", "wrong.toml:1, [[send]] number 1: it needs one of `body`"),
        ("nowhere.toml", "`on = \"bob.os\"`: there is alice.os; give `nodes = [\"bob.os\"]` first"),
        ("twice.toml", "`nodes`: `alice.os` is there already"),
        ("missing.toml", "missing.toml: No such file"),
    ] {
        for flag in ["--workload", "--inject", "--expect"] {
            let checked = check(&built("idle"), folder.0.path(), &[flag, file]).must_end(2);
            assert!(checked.out.is_empty() && checked.err.contains(says), "{}", checked.err);
        }
    }
}

/// A check of a guest that would keep the host busy for ever ends, with this code.
fn is_bounded(name: &str, wat: &str, code: i32, says: &[&str]) {
    let folder = Folder::new().with(&format!("{name}.wat"), wat);
    folder.check(&format!("{name}.wat"), &["--seeds", "20"]).must_end(code).must_say(says);
}

#[test]
fn what_a_start_function_burns_is_counted() {
    let spins = guest(&[], "").replacen("(func $deeper", "(start $on) (func $on (loop (br 0))) (func $deeper", 1);
    let folder = Folder::new().with("spins.wat", spins);
    let says =
        ["the start function computed for a whole spin quantum", "more than 20 million fuel in a start function"];
    let checked = folder.check("spins.wat", &["--format", "json"]).must_end(4).must_say(&says);
    let fuel = checked.records("process")[0]["fuel"].as_u64().expect("it is a number");
    assert!((1_000_000_000..3_000_000_000).contains(&fuel), "the run went on until its bound: {}", checked.out);
}

#[test]
fn a_process_that_returns_again_and_again_is_in_a_restart_loop() {
    let folder = Folder::new().with("returns.wat", guest(&[], ""));
    folder
        .check("returns.wat", &["--on-exit", "restart"])
        .must_end(1)
        .must_say(&["restart-loop: BROKEN", "returned in 5 lives in a row without progress"]);
}

#[test]
fn what_hands_over_too_much_is_stopped_before_it_takes_much_memory() {
    let print = guest(
        &["print-to-terminal i32 i32 i32"],
        "(loop (call $print-to-terminal (i32.const 0) (i32.const 16) (i32.const 60000)) (br 0))",
    );
    is_bounded("prints", &print, 4, &["256 MiB copied between guests, the host and disks", "INCONCLUSIVE"]);
}

#[test]
fn large_states_leave_crash_points_out_and_say_so() {
    let saves = "(local i32) (loop (call $set-state (i32.const 0) (i32.const 1000000))
        (br_if 0 (i32.lt_u (local.tee 2 (i32.add (local.get 2) (i32.const 1))) (i32.const 20))))
        (call $receive (i32.const 16))";
    let saves = guest(&["set-state i32 i32", "receive i32"], saves).replacen("\"memory\") 2)", "\"memory\") 20)", 1);
    let folder = Folder::new().with("saves.wat", saves);
    let checked = folder.check("saves.wat", &["--format", "json"]);
    let left_out = checked.records("check")[0]["points_left_out"].as_u64();
    assert!(left_out.is_some_and(|n| n > 100), "{}", checked.out);
}

#[test]
fn what_a_guest_says_does_nothing_to_the_terminal() {
    let last = r#"(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 2) (data (i32.const 0) "\10\00\00\00\06\00\00\00") (data (i32.const 16) "\1b[2J\07!")
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
        (func (export "init") (param i32 i32)
            (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 64))) unreachable))"#;
    let folder = Folder::new().with("odd.wat", last);
    let checked = folder.check("odd.wat", &["--report", "r.md"]).must_end(1).must_say(&[r"\u001b[2J\u0007!"]);
    let report = fs::read_to_string(folder.path("r.md")).expect("it was written");
    for text in [&checked.out, &report] {
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
    }
}

#[test]
fn no_crash_point_is_no_crash_point_survived() {
    let folder = Folder::new();
    let checked = check(&built("counter"), folder.0.path(), &["--seeds", "2", "--points", "0"]).must_end(0);
    checked.must_say(&["PASSED, but it was never spoken to: "]);
}

#[test]
fn what_the_installer_leaves_out_of_a_manifest_is_said() {
    let odd = package(&[("counter", "counter", "\"Restart\"", &["vfs:distro:sys", "http_server:distro:sys"])], &[]);
    let checked = check(odd.0.path(), odd.0.path(), &["--seeds", "2"]).must_end(0);
    let says =
        "the manifest's `request_capabilities` of counter:demo:me.os has \"http_server:distro:sys\", which is left out";
    assert!(checked.out.split_whitespace().collect::<Vec<_>>().join(" ").contains(says), "{}", checked.out);
    assert!(!checked.out.contains("\"vfs:distro:sys\""), "{}", checked.out);
}
