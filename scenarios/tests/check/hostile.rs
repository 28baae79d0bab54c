//! Inputs that were made to crash, hang or starve the simulator. Each ends by itself within a bound on processor time and
//! memory, and says what is wrong with it.

use super::called::{CALLS, Checked, Folder, called, guest};
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

const MANIFEST: &str = r#"[{"process_name":"app","process_wasm_path":"/app.wat","on_exit":"Restart",
    "request_networking":false,"request_capabilities":[],"grant_capabilities":[],"public":false}]"#;

/// The program, with 20 seconds of processor time and 1 GiB of memory.
pub fn limited() -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -t 20; ulimit -d 1048576; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_kinode-sim")]);
    command
}

/// Checks something in a folder.
fn check(folder: &Folder, arguments: &[&str]) -> Checked {
    called(limited().current_dir(folder.0.path()).arg("check").args(arguments))
}

/// Checks it; it is refused, and this is what is said.
#[track_caller]
fn is_refused(folder: &Folder, arguments: &[&str], says: &str) {
    let checked = check(folder, arguments).must_end(2);
    assert!(checked.err.contains(says), "no {says:?} in\n{}", checked.err);
    assert!(checked.err.len() < 2_000, "{} bytes are too many to read", checked.err.len());
}

fn package() -> Folder {
    let folder = Folder::new();
    fs::create_dir_all(folder.path("x/pkg")).expect("a folder");
    let waits = guest(&["receive i32"], "(loop $l (call $receive (i32.const 32)) (br $l))");
    folder.with("x/pkg/manifest.json", MANIFEST).with("x/pkg/app.wat", waits)
}

/// A workload is refused, and this is what is said.
#[track_caller]
fn workload_is_refused(text: &str, says: &str) {
    is_refused(&package().with("w.toml", text), &["x", "--inject", "w.toml"], says);
}

#[test]
fn a_workload_that_multiplies_is_refused_before_it_is_made() {
    let send = "[[send]]\nto = \"app\"\nbody = \"x\"\ntimes = 1000\n";
    workload_is_refused(&send.repeat(20_000), "20000000 lines, each of `times` counted; 20000 are the most");
    let large = format!("[[send]]\nto = \"app\"\nbody = \"{}\"\ntimes = 1000\n", "x".repeat(15_000_000));
    workload_is_refused(&large, "15000000000 bytes, each of `times` counted; 67108864 are the most");
    let large = format!("[[http]]\npath = \"/x\"\nbody = \"{}\"\ntimes = 1000\n", "x".repeat(1_000_000));
    workload_is_refused(&large, "bytes, each of `times` counted");
    let waiting = "when = { process = \"app\", event = \"starts\" }\n";
    workload_is_refused(&format!("{send}{waiting}").repeat(6), "6000 lines that wait for an event; 5000 are the most");
    let nodes: Vec<String> = (0..10_000).map(|n| format!("\"n{n}.os\"")).collect();
    workload_is_refused(&format!("nodes = [{}]", nodes.join(", ")), "10000 nodes; 15 are the most");
    let log = "{ contract = \"0x00000000000000000000000000000000000000aB\", times = 100 },".repeat(20_000);
    workload_is_refused(&format!("[chain]\nid = 1\nemits = [{log}]"), "2000000 logs in one block; 1000 are the most");
    workload_is_refused(
        &"[[expect]]\nprocess = \"app\"\nalive = true\n".repeat(5_000),
        "5000 of them; 100 are the most",
    );
    workload_is_refused(&"[[web]]\nurl = \"*\"\n".repeat(5_000), "5000 pages and answers; 2000 are the most");
    let answers = "{ method = \"eth_call\", result = 1 },".repeat(5_000);
    workload_is_refused(
        &format!("[chain]\nid = 1\nanswers = [{answers}]"),
        "5000 pages and answers; 2000 are the most",
    );
    let hears = "[[socket]]\npath = \"/x\"\nhears = \"x\"\n".repeat(5_000);
    workload_is_refused(&hears, "`hears`: 5000 of them; 100 are the most");
    let from = |n| format!("[[send]]\nto = \"app\"\nbody = \"x\"\nfrom = \"n{n}.os\"\n");
    workload_is_refused(&(0..20_000).map(from).collect::<String>(), "`from`: 20000 nodes; 16 are the most");
    let late = "[[send]]\nto = \"app\"\nbody = \"x\"\ntimes = 1000\nevery = \"1h\"\n".repeat(9);
    workload_is_refused(&late, "after the install; ");
}

#[test]
fn the_parts_of_a_workload_have_room_only_together() {
    let half = "[[send]]\nto = \"app\"\nbody = \"x\"\ntimes = 1000\nevery = \"1ms\"\n".repeat(11);
    let folder = package().with("one.toml", &half).with("two.toml", &half);
    is_refused(&folder, &["x", "--inject", "one.toml", "--inject", "two.toml"], "22000 lines");
}

#[test]
fn odd_values_of_a_workload_are_refused() {
    workload_is_refused("nodes = [\"our\"]", "no name of a node");
    workload_is_refused("nodes = [\"alice.os\"]", "there already");
    for (json, says) in [
        ("nan", "has no form in JSON"),
        ("-inf", "has no form in JSON"),
        ("{ a = [1979-05-27] }", "a date has no form in JSON; write it as a text: \"1979-05-27\""),
    ] {
        workload_is_refused(&format!("[[send]]\nto = \"app\"\njson = {json}"), says);
    }
    let when = |nth: u32| {
        format!(
            "[[send]]\nto = \"app\"\nbody = \"x\"\ntimes = 3\nwhen = {{ process = \"app\", event = \"starts\", nth = {nth} }}"
        )
    };
    workload_is_refused(&when(0), "`nth = 0`: the first time is");
    check(&package().with("w.toml", when(u32::MAX)), &["x", "--inject", "w.toml", "--seeds", "1"]);
    for deep in ["[".repeat(100_000), "{a=".repeat(100_000), "a.".repeat(100_000)] {
        let text = format!("[[send]]\nto = \"app\"\njson = {deep}");
        let checked = check(&package().with("w.toml", &text), &["x", "--inject", "w.toml"]).must_end(2);
        assert!(checked.err.contains("line"), "{}", checked.err);
    }
}

#[test]
fn only_regular_files_are_read() {
    let fifo = |path: &std::path::Path| {
        let made = Command::new("mkfifo").arg(path).status().expect("mkfifo is there");
        assert!(made.success());
    };
    for endless in ["fifo", "/dev/zero"] {
        let place = |folder: &Folder, file: &str| match endless {
            "fifo" => fifo(&folder.path(file)),
            device => symlink(device, folder.path(file)).expect("a link"),
        };
        for file in ["x/metadata.json", "x/pkg/metadata.json", "x/pkg/image.png"] {
            let folder = package();
            place(&folder, file);
            is_refused(&folder, &["x"], "neither a file nor a folder");
        }
        let folder = package();
        for file in ["w.toml", "lone.wasm", "lone.zip", "report.md"] {
            place(&folder, file);
        }
        is_refused(&folder, &["x", "--inject", "w.toml"], "neither a file nor a folder");
        is_refused(&folder, &["x", "--expect", "w.toml"], "neither a file nor a folder");
        is_refused(&folder, &["lone.wasm"], "neither a file nor a folder");
        is_refused(&folder, &["lone.zip"], "neither a file nor a folder");
        is_refused(&folder, &["x", "--report", "report.md"], "report.md: this is not a regular file");
    }
    is_refused(&package().with("x/metadata.json", "x".repeat(2 << 20)), &["x"], "at most 1048576 are read");
}

#[test]
fn a_braid_of_links_to_empty_folders_is_refused() {
    let folder = package();
    let place = |name: String| folder.path(&name);
    (0..30).for_each(|level| fs::create_dir(place(format!("d{level}"))).expect("a folder"));
    for level in 0..29 {
        for strand in ["a", "b"] {
            symlink(place(format!("d{}", level + 1)), place(format!("d{level}/{strand}"))).expect("a link");
        }
    }
    symlink(folder.path("d0"), folder.path("x/pkg/x")).expect("a link");
    is_refused(&folder, &["x"], "folders; do links lead to the same folders again and again?");
}

#[test]
fn a_report_is_never_written_over_what_is_checked_and_is_known_to_be_writable_before_the_work() {
    let folder = package().with("w.toml", "nodes = []");
    fs::copy(folder.path("x/pkg/app.wat"), folder.path("lone.wat")).expect("a copy");
    symlink("x/pkg/app.wat", folder.path("link.md")).expect("a link");
    let part = "this file is part of what is checked";
    for report in ["x/pkg/manifest.json", "x/pkg/app.wat", "x/pkg/new.md", "x/../x/pkg/app.wat", "w.toml", "link.md"] {
        is_refused(&folder, &["x", "--inject", "w.toml", "--report", report], part);
    }
    is_refused(&folder, &["lone.wat", "--report", "lone.wat"], part);
    let unwritable = check(&folder, &["x", "--report", "no/such/folder/report.md"]).must_end(2);
    assert!(unwritable.out.is_empty(), "the work was not begun: {}", unwritable.out);
    assert_eq!(fs::read_to_string(folder.path("x/pkg/manifest.json")).expect("it is there"), MANIFEST);
    check(&folder, &["x", "--seeds", "1", "--report", "x/report.md"]).must_end(0);
    assert!(fs::read_to_string(folder.path("x/report.md")).expect("it is there").contains("app"));
}

#[test]
fn a_manifest_has_a_bound_and_no_field_twice() {
    let with = |manifest: &str| package().with("x/pkg/manifest.json", manifest);
    let mut many = "[".to_string();
    for n in 0..100_000 {
        let comma = if n == 0 { "" } else { "," };
        write!(many, r#"{comma}{{"process_name":"p{n}","process_wasm_path":"/app.wat","on_exit":"None"}}"#)
            .expect("text");
    }
    is_refused(&with(&format!("{many}]")), &["x"], "bytes; a manifest has 4194304 at most");
    let entry = &MANIFEST[1..MANIFEST.len() - 1];
    let some: Vec<String> = (0..300).map(|n| entry.replace("\"app\"", &format!("\"p{n}\""))).collect();
    is_refused(&with(&format!("[{}]", some.join(","))), &["x"], "300 processes; a package has 256 at most");
    let twice = MANIFEST.replace("\"public\":false", "\"public\":false,\"public\":true");
    is_refused(&with(&twice), &["x"], "duplicate field `public`");
    let unknown_twice = MANIFEST.replace("\"public\":false", "\"public\":false,\"x\":1,\"x\":2");
    check(&with(&unknown_twice), &["x", "--seeds", "1"]).must_end(0);
    for name in ["a".repeat(3 << 20), "A".repeat(3 << 20), "\u{202e}".repeat(1 << 20)] {
        is_refused(&with(&MANIFEST.replace("\"app\"", &format!("\"{name}\""))), &["x"], "process `");
        is_refused(&with(&MANIFEST.replace("/app.wat", &format!("/{name}"))), &["x"], "no such file");
        is_refused(&with(&MANIFEST.replace("\"Restart\"", &format!("\"{name}\""))), &["x"], "`on_exit`");
    }
    is_refused(&package(), &["x", "--id", &format!("{}:a.os", "p".repeat(100_000))], "is not a package's id");
}

/// A lone process is checked to a verdict, and that is not that all is well.
#[track_caller]
fn is_no_pass(text: &str) {
    let checked = check(&Folder::new().with("lone.wat", text), &["lone.wat"]);
    assert!([1, 4].contains(&checked.code), "{}: {}{}", checked.code, checked.out, checked.err);
    assert!(checked.out.contains("FAILED") || checked.out.contains("INCONCLUSIVE"), "{}", checked.out);
}

#[test]
fn lives_that_take_memory_and_end_are_counted() {
    let grows = |then: &str| guest(&["receive i32"], &format!("(drop (memory.grow (i32.const 2000))) {then}"));
    is_no_pass(&grows("unreachable"));
    is_no_pass(&grows("(memory.fill (i32.const 0) (i32.const 1) (i32.const 0x7800000)) unreachable"));
    is_no_pass(&grows("(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x7800000)) (br $l))"));
    is_no_pass(&grows("(loop $l (memory.copy (i32.const 8) (i32.const 0) (i32.const 0x7800000)) (br $l))"));
}

#[test]
fn lives_whose_code_has_many_parts_are_counted() {
    let imports: String =
        (0..50_000).map(|n| format!("(import \"wasi_snapshot_preview1\" \"f{n}\" (func))\n")).collect();
    let traps = guest(&[], "unreachable");
    is_no_pass(&traps.replacen("(module", &format!("(module {imports}"), 1));
    let parts = "(global i32 (i32.const 1)) (func) (data (i32.const 0) \"x\")".repeat(20_000);
    is_no_pass(&format!("{} {parts})", traps.trim_end().strip_suffix(')').expect("a module")));
}

#[test]
fn calls_into_wasi_that_are_no_events_take_fuel() {
    let wasi = |name: &str, ty: &str| format!("(import \"wasi_snapshot_preview1\" \"{name}\" (func $w {ty}))");
    let four = "(i32.const 0) (i32.const 0) (i32.const 9) (i32.const 0)";
    for (name, ty, arguments) in [
        ("poll_oneoff", "(param i32 i32 i32 i32) (result i32)", four),
        ("sched_yield", "(result i32)", ""),
        ("environ_sizes_get", "(param i32 i32) (result i32)", "(i32.const 0) (i32.const 0)"),
        ("clock_time_get", "(param i32 i64 i32) (result i32)", "(i32.const 7) (i64.const 0) (i32.const 0)"),
        ("random_get", "(param i32 i32) (result i32)", "(i32.const 0) (i32.const 65536)"),
        ("fd_write", "(param i32 i32 i32 i32) (result i32)", "(i32.const 2) (i32.const 0) (i32.const 9) (i32.const 0)"),
        ("path_open", "(result i32)", ""),
    ] {
        let text = guest(&[], &format!("(loop $l (drop (call $w {arguments})) (br $l))"));
        is_no_pass(&text.replacen("(module", &format!("(module {}", wasi(name, ty)), 1));
    }
}

#[test]
fn what_is_only_done_after_a_fault_is_bounded_as_well() {
    // Its first life leaves a state; each later one takes all the memory that there is, and ends.
    let body = "(call $get (i32.const 32))
        (if (i32.eqz (i32.load8_u (i32.const 32)))
            (then (call $set (i32.const 16) (i32.const 4)) (loop $l (call $receive (i32.const 32)) (br $l))))
        (drop (memory.grow (i32.const 2000))) unreachable";
    let text = guest(&["get-state i32", "set-state i32 i32", "receive i32"], body);
    is_no_pass(&text.replace("$get-state", "$get").replace("$set-state", "$set"));
}

/// Answers each request with its own body.
fn echo() -> String {
    let answer = "(global.set $next (i32.const 65536))
        (call $send-response (i32.const 0) (i32.load (i32.const 136)) (i32.load (i32.const 140)) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0))";
    let body = format!(
        "(loop $again (call $receive (i32.const 64)) (if (i32.eqz (i32.load8_u (i32.const 104))) (then {answer})) (br $again))"
    );
    guest(&["receive i32", CALLS[3]], &body)
}

/// So many different requests, each answered, of a process that never forgets.
fn different_requests(n: usize) -> String {
    let mut text = "[[expect]]\nprocess = \"lone\"\nnever_forgets = true\n".to_string();
    for nth in 0..n {
        write!(text, "[[send]]\nto = \"lone\"\nbody = \"{nth}\"\nat = \"{nth}ms\"\nanswer_within = \"5s\"\n")
            .expect("text");
    }
    text
}

#[test]
fn a_process_that_never_forgets_may_be_asked_thousands_of_different_things() {
    let folder = Folder::new().with("lone.wat", echo()).with("it.toml", different_requests(4_000));
    let arguments = ["lone.wat", "--workload", "it.toml", "--seeds", "2", "--points", "2", "--format", "json"];
    let checked = check(&folder, &arguments).must_end(0);
    let process = &checked.records("process")[0];
    assert!(process["received"].as_u64() >= Some(4_000), "each was answered: {process}");
}

#[test]
fn a_long_workload_of_many_entries_is_read_at_once() {
    // Where an entry stands was once counted from the beginning of the file.
    let entry = format!("# {}\n[[send]]\nto = \"lone\"\nbody = \"x\"\n", "x".repeat(700));
    let wrong = "[[send]]\nto = \"lone\"\n";
    let folder = Folder::new().with("lone.wat", echo()).with("it.toml", format!("{}{wrong}", entry.repeat(19_000)));
    is_refused(
        &folder,
        &["lone.wat", "--workload", "it.toml"],
        "it.toml:76001, [[send]] number 19001: it needs one of",
    );
}

/// Panics in each life with other words, which its state counts.
fn panics_with_other_words() -> String {
    let word = "(loop $l (i32.store8 (i32.add (i32.const 4000) (local.get 0))
            (i32.add (i32.const 97) (i32.and (local.get 1) (i32.const 15))))
        (local.set 1 (i32.shr_u (local.get 1) (i32.const 4))) (local.set 0 (i32.add (local.get 0) (i32.const 1)))
        (br_if $l (i32.lt_u (local.get 0) (i32.const 6))))";
    let body = format!(
        "(call $get-state (i32.const 200))
        (local.set 1 (if (result i32) (i32.load8_u (i32.const 200)) (then (i32.load (i32.load (i32.const 204)))) (else (i32.const 0))))
        (i32.store (i32.const 3000) (i32.add (local.get 1) (i32.const 1))) (call $set-state (i32.const 3000) (i32.const 4))
        (local.set 0 (i32.const 0)) {word} (i32.store (i32.const 5000) (i32.const 4000)) (i32.store (i32.const 5004) (i32.const 20))
        (drop (call $write (i32.const 2) (i32.const 5000) (i32.const 1) (i32.const 5100))) unreachable"
    );
    let write = "(import \"wasi_snapshot_preview1\" \"fd_write\" (func $write (param i32 i32 i32 i32) (result i32)))";
    guest(&CALLS[4..6], &body).replacen("(module", &format!("(module {write}"), 1)
}

#[test]
fn thousands_of_different_panics_are_told_as_far_as_anybody_reads() {
    let folder = Folder::new().with("lone.wat", panics_with_other_words());
    let checked = check(&folder, &["lone.wat"]).must_end(1).must_say(&["panic: BROKEN in lone:check.os"]);
    assert!(checked.out.len() < 200_000, "{} bytes are too many to read", checked.out.len());
    assert!(checked.out.contains("at least 1 more different things broke, which are not told"), "{}", checked.out);
}

#[test]
fn thousands_of_lines_that_never_happen_are_told_as_far_as_anybody_reads() {
    let when = "when = { process = \"lone\", event = \"starts\", nth = 9000 }";
    let text = format!("[[send]]\nto = \"lone\"\nbody = \"x\"\ntimes = 1000\n{when}\n").repeat(5);
    let folder = Folder::new().with("lone.wat", echo()).with("it.toml", text);
    let checked = check(&folder, &["lone.wat", "--workload", "it.toml", "--seeds", "1", "--points", "1"]).must_end(0);
    assert!(checked.out.len() < 20_000, "{} bytes are too many to read", checked.out.len());
    assert!(checked.out.contains("never happened: it.toml:1, ") && checked.out.contains("… and 4980 more;"));
}

#[test]
fn a_file_of_code_is_looked_at_once_however_many_processes_run_it() {
    let folder = package();
    let entry = &MANIFEST[1..MANIFEST.len() - 1];
    let all: Vec<String> = (0..100).map(|n| entry.replace("\"app\"", &format!("\"p{n}\""))).collect();
    let waits = guest(&["receive i32"], "(loop $l (call $receive (i32.const 32)) (br $l))");
    let parts = "(func (drop (i32.const 1)))".repeat(50_000);
    let code = format!("{} {parts})", waits.trim_end().strip_suffix(')').expect("a module"));
    let folder = folder.with("x/pkg/manifest.json", format!("[{}]", all.join(","))).with("x/pkg/app.wat", code);
    let checked = check(&folder, &["x", "--seeds", "1", "--points", "1", "--format", "json"]);
    assert!([0, 4].contains(&checked.code), "{}{}", checked.out, checked.err);
    assert_eq!(checked.records("process").len(), 100);
}
