//! A verdict rests on facts: who made a process panic, what the simulator lacks, what was looked at at all.

use super::called::{CALLS, Folder, built, check, guest, guest_with, request, workload};
use std::collections::BTreeSet;
use std::fs;

/// A guest that says this on stderr and traps, at every start.
fn panics(words: &str) -> String {
    let length = words.len();
    let escaped: String = words.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    format!(
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 2) (data (i32.const 0) "\10\00\00\00") (data (i32.const 16) "{escaped}")
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
        (func (export "init") (param i32 i32) (i32.store (i32.const 4) (i32.const {length}))
            (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8))) unreachable))"#
    )
}

#[test]
fn no_words_of_a_guest_excuse_its_panic() {
    for words in ["cannot open: the disk refused", "injected", "its memory was refused to grow"] {
        let folder = Folder::new().with("talks.wat", panics(&format!("panicked at src/lib.rs:7:9:\n{words}")));
        let checked = folder.check("talks.wat", &[]).must_end(1);
        checked.must_say(&[
            "panic: BROKEN",
            "restart-loop: BROKEN in the same run",
            "FAILED: 2 things broke, in 1 run",
        ]);
    }
}

#[test]
fn memory_that_only_a_real_node_has_leaves_the_verdict_open() {
    let wants = "(if (i32.eq (memory.grow (i32.const 3200)) (i32.const -1)) (then unreachable))
        (loop $again (call $receive (i32.const 64)) (br $again))";
    let folder = Folder::new().with("wants.wat", guest(&["receive i32"], wants));
    folder
        .check("wants.wat", &[])
        .must_end(4)
        .must_say(&["INCONCLUSIVE: wants:wants:check.os panicked after it asked"]);
    let own = guest(&["receive i32"], wants).replacen("\"memory\") 2)", "\"memory\") 2 3)", 1);
    let folder = Folder::new().with("own.wat", own);
    folder.check("own.wat", &[]).must_end(1).must_say(&["panic: BROKEN"]);
}

#[test]
fn large_lives_in_a_restart_loop_cost_a_bounded_amount_of_memory() {
    let folder = Folder::new().with("grows.wat", guest(&[], "(drop (memory.grow (i32.const 2000))) unreachable"));
    folder.check("grows.wat", &[]).must_end(1).must_say(&["restart-loop: BROKEN"]);
}

#[test]
fn calls_that_reach_nobody_are_a_livelock() {
    let looks = guest(&["get-state i32"], "(loop $again (call $get-state (i32.const 0)) (br $again))");
    let folder = Folder::new().with("looks.wat", looks);
    folder.check("looks.wat", &["--seeds", "1", "--points", "1"]).must_end(1).must_say(&["livelock: BROKEN in"]);
}

#[test]
fn computing_for_a_while_is_no_fault_and_is_told_with_its_time() {
    let turns = "(local $i i32) (loop $on (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $on (i32.lt_u (local.get $i) (i32.const 20000000))))
        (loop $again (call $receive (i32.const 64)) (br $again))";
    let folder = Folder::new().with("turns.wat", guest(&["receive i32"], turns));
    let checked = folder.check("turns.wat", &["--seeds", "1", "--points", "1"]).must_end(0);
    checked.must_say(&["million fuel without a call: about ", "ms of a node's processor"]);
}

#[test]
fn a_package_that_nobody_spoke_to_passes_no_more_than_its_start() {
    let folder = Folder::new().with("it.toml", workload("counter"));
    let some = ["--seeds", "2", "--points", "2"];
    let alone = check(&built("counter"), folder.0.path(), &some).must_end(0);
    alone.must_say(&["PASSED, but it was never spoken to: ", "write a workload"]);
    let asked =
        check(&built("counter"), folder.0.path(), &[&["--workload", "it.toml"][..], &some].concat()).must_end(0);
    asked.must_say(&["PASSED: "]);
}

#[test]
fn what_a_workload_says_in_vain_is_told() {
    let never = "[[send]]\nto = \"idle\"\nbody = \"x\"\nwhen = { process = \"idle\", event = \"has saved\", nth = 4294967295 }\n\
                 times = 2\n[[expect]]\nprocess = \"idle\"\n";
    let folder = Folder::new().with("never.toml", never).with("zero.toml", never.replace("4294967295", "0"));
    let arguments = |file| ["--workload", file, "--seeds", "1", "--points", "1"];
    check(&built("idle"), folder.0.path(), &arguments("never.toml"))
        .must_end(0)
        .must_say(&["a line of the workload never happened: ", "`[[expect]]` of idle expects nothing"]);
    let zero = check(&built("idle"), folder.0.path(), &arguments("zero.toml")).must_end(2);
    assert!(zero.err.contains("`nth = 0`"), "{}", zero.err);
}

#[test]
fn a_plan_shows_something_or_says_that_it_does_not() {
    let folder = Folder::new();
    let plan = |arguments: &[&str]| check(&built("idle"), folder.0.path(), arguments);
    let nothing = plan(&["--plan", "crash alice.os #4000 crash"]).must_end(2);
    assert!(nothing.err.contains("nothing of the plan came up"), "{}", nothing.err);
    nothing.must_say(&["never came up: crash alice.os #4000 crash"]);
    plan(&["--plan", "calm", "--seeds", "3"]).must_end(2);
    let json = plan(&["--plan", "calm", "--format", "json", "--report", "r.md"]).must_end(0);
    assert_eq!(json.records("check").len(), 1);
    assert!(
        fs::read_to_string(folder.path("r.md")).is_ok_and(|report| report.starts_with("# `idle:check.os`: PASSED"))
    );
}

#[test]
fn the_package_of_the_runtimes_modules_is_nobodys() {
    let checked = check(&built("idle"), Folder::new().0.path(), &["--id", "distro:sys"]).must_end(2);
    assert!(checked.err.contains("distro:sys"), "{}", checked.err);
}

#[test]
fn an_upgrade_that_cannot_read_what_was_saved_fails() {
    let imports = ["receive i32", "get-state i32", "set-state i32 i32"];
    // The first byte of the option is at 0, pointer and length behind it.
    let version = |byte: char| {
        let reads = format!(
            "(call $get-state (i32.const 0))
            (if (i32.load8_u (i32.const 0)) (then (if (i32.ne (i32.load8_u (i32.load (i32.const 4))) (i32.const {})) (then unreachable))))
            (i32.store8 (i32.const 40) (i32.const {})) (call $set-state (i32.const 40) (i32.const 1))
            (loop $again (call $receive (i32.const 64)) (br $again))",
            byte as u32, byte as u32
        );
        guest(&imports, &reads)
    };
    let folder = Folder::new()
        .with("one.wat", version('1'))
        .with("same.wat", version('1'))
        .with("two.wat", version('2'))
        .with("it.toml", "[[send]]\nto = \"one\"\nbody = \"x\"\n");
    let arguments = ["--upgrade-from", "one.wat", "--workload", "it.toml", "--seeds", "5", "--points", "20"];
    folder.check("same.wat", &arguments).must_end(0).must_say(&["PASSED"]);
    folder.check("two.wat", &arguments).must_end(1).must_say(&["panic: BROKEN in one:check.os", "upgrade"]);
}

#[test]
fn on_a_kernel_that_deviates_the_package_is_held_to_its_own_rules() {
    let folder = Folder::new().with("it.toml", workload("counter"));
    for kernel in ["kinode-1.0", "hyperdrive-1.9"] {
        let arguments =
            ["--workload", "it.toml", "--kernel", kernel, "--seeds", "4", "--points", "20", "--format", "json"];
        let checked = check(&built("counter"), folder.0.path(), &arguments);
        for failure in checked.records("failure") {
            assert_eq!(failure["package"], "counter:check.os");
            let rule = failure["rule"].as_str().unwrap_or_default();
            assert!(rule.contains(|c: char| c.is_ascii_lowercase()), "no rule of the contract counts: {failure}");
        }
        let notes = checked.records("note");
        assert!(notes.iter().any(|note| note["note"] == "kernel-breaks"), "{}", checked.out);
    }
}

/// The installer grants and runs one process of a manifest after the other.
#[test]
fn what_a_first_process_sends_before_the_grants_of_the_next_are_made_is_dropped() {
    let waits = "(loop $again (call $receive (i32.const 64)) (br $again))";
    let asks = format!("{} (call $send-request (i32.const 512)) {waits}", request("b", "hello", 0));
    let texts = [(2000, "b"), (2050, "bakery"), (2060, "a.b"), (2100, "hello")];
    let entry = |name: &str, grants: &[&str]| {
        serde_json::json!({
            "process_name": name, "process_wasm_path": format!("/{name}.wat"), "on_exit": "None", "public": false,
            "request_networking": false, "request_capabilities": [], "grant_capabilities": grants,
        })
    };
    let (a, b) = (entry("a", &[]), entry("b", &["a:bakery:a.b"]));
    let dropped = "a message from a:bakery:a.b to b:bakery:a.b was dropped: it lacks the capability";
    for (manifest, is_dropped) in [([&a, &b], true), ([&b, &a], false)] {
        let folder = Folder::new()
            .with("a.wat", guest_with(&texts, &CALLS, &asks))
            .with("b.wat", guest_with(&[], &CALLS, waits))
            .with("manifest.json", serde_json::json!(manifest).to_string());
        let arguments = ["--id", "bakery:a.b", "--plan", "calm"];
        let checked = check(folder.0.path(), folder.0.path(), &arguments).must_end(0);
        assert_eq!(checked.out.contains(dropped), is_dropped, "{}", checked.out);
    }
}

#[test]
fn each_field_of_json_is_in_the_guide() {
    let guide = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/workloads/README.md")).expect("it is there");
    let folder = Folder::new().with("it.toml", workload("fragile"));
    let arguments = ["--workload", "it.toml", "--seeds", "2", "--points", "40", "--format", "json"];
    let checked = check(&built("fragile"), folder.0.path(), &arguments).must_end(1);
    for kind in ["process", "failure", "note", "check"] {
        let row = guide.lines().find(|line| line.starts_with(&format!("| `{kind}` |"))).expect("each kind has a row");
        let record = checked.records(kind).into_iter().next().expect("each kind is there");
        let fields: BTreeSet<String> = record.as_object().expect("a record").keys().cloned().collect();
        for field in fields.iter().filter(|field| *field != "kind") {
            assert!(row.contains(&format!("`{field}`")), "no `{field}` of {kind} in the guide");
        }
    }
    assert_eq!(checked.records("check")[0]["version"], 3);
}

#[test]
fn junit_has_a_test_for_each_failure() {
    let folder = Folder::new().with("talks.wat", panics("panicked at src/lib.rs:7:9:\n<no>"));
    let checked = folder.check("talks.wat", &["--format", "junit"]).must_end(1);
    checked.must_say(&["<testsuites tests=\"2\" failures=\"2\" skipped=\"0\">", "&lt;no&gt;", "type=\"panic\""]);
}
