//! The command line, from outside: exit codes, the lines of JSON, the lines to paste.

use serde_json::Value;
use std::process::{Command, Stdio};

/// What came of calling the program.
struct Called {
    code: i32,
    out: String,
    err: String,
}

fn kinode_sim(arguments: &[&str]) -> Called {
    called(Command::new(env!("CARGO_BIN_EXE_kinode-sim")).args(arguments))
}

/// Does what a person does with a line to paste.
fn paste(line: &str, more: &str) -> Called {
    let arguments = line.strip_prefix("cargo sim ").unwrap_or_else(|| panic!("no line to paste: {line}"));
    called(Command::new("sh").args(["-c", &format!("'{}' {arguments} {more}", env!("CARGO_BIN_EXE_kinode-sim"))]))
}

fn called(command: &mut Command) -> Called {
    let output = command.stdin(Stdio::null()).output().expect("the program can be started");
    let text = |bytes| String::from_utf8(bytes).expect("what it writes is text");
    let code = output.status.code().expect("it ends by itself");
    Called { code, out: text(output.stdout), err: text(output.stderr) }
}

impl Called {
    fn must_end(self, code: i32) -> Called {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }

    /// The lines, each of them an object with a kind.
    fn records(&self) -> Vec<Value> {
        let record = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let records: Vec<Value> = self.out.lines().map(record).collect();
        assert!(records.iter().all(|record| record["kind"].is_string()), "{}", self.out);
        records
    }
}

fn of_kind<'a>(records: &'a [Value], kind: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["kind"] == kind).collect()
}

fn n(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}

fn s(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn is_fingerprint(value: &Value) -> bool {
    s(value).len() == 16 && s(value).chars().all(|c| c.is_ascii_hexdigit())
}

/// The names of all scenarios.
fn names() -> Vec<String> {
    let listed = kinode_sim(&["list", "--format", "json"]).must_end(0).records();
    of_kind(&listed, "scenario").iter().map(|scenario| s(&scenario["name"]).to_string()).collect()
}

/// Each violation that is found under a deviation.
fn violations(deviation: &str) -> Vec<Value> {
    let line = ["explore", "--deviation", deviation, "--seeds", "30", "--flavor", "native", "--format", "json"];
    let records = kinode_sim(&line).must_end(1).records();
    of_kind(&records, "violation").into_iter().cloned().collect()
}

#[test]
fn the_tour_runs_something_and_says_what_to_type_next() {
    let tour = kinode_sim(&[]).must_end(0);
    for part in [names()[0].as_str(), "boots, for the 1st time", "seed", "What to type next", "cargo sim explore"] {
        assert!(tour.out.contains(part), "no {part:?} in\n{}", tour.out);
    }
}

#[test]
fn list_names_scenarios_invariants_faults_deviations_and_modules() {
    let listed = kinode_sim(&["list", "--format", "json"]).must_end(0).records();
    let text = kinode_sim(&["list"]).must_end(0).out;
    for kind in ["scenario", "invariant", "fault", "deviation", "module"] {
        let of_kind = of_kind(&listed, kind);
        assert!(!of_kind.is_empty(), "no {kind}");
        assert!(of_kind.iter().all(|record| text.contains(s(&record["name"]))), "{text}");
    }
}

#[test]
fn explore_writes_a_line_per_scenario_and_a_summary_last() {
    let records = kinode_sim(&["explore", "--seeds", "10", "--format", "json"]).must_end(0).records();
    let scenarios = of_kind(&records, "scenario");
    assert_eq!(scenarios.iter().map(|record| s(&record["scenario"])).collect::<Vec<_>>(), names());
    for record in &scenarios {
        assert_eq!((n(&record["seeds"]), n(&record["violations"])), (10, 0), "{record}");
        assert!(n(&record["events"]) > 0 && is_fingerprint(&record["fingerprint"]), "{record}");
    }
    let summary = records.last().expect("there is a last line");
    assert_eq!((s(&summary["kind"]), records.len()), ("summary", scenarios.len() + 1));
    assert_eq!((n(&summary["seeds"]), n(&summary["violations"])), (10 * scenarios.len() as u64, 0));
    let cells = summary["cells"].as_array().expect("the cells are a list");
    let reached = cells.iter().filter(|cell| n(&cell["exits"]) > 0).count() as u64;
    assert_eq!((cells.len(), n(&summary["cells_reached"])), (12, reached));
    assert!(is_fingerprint(&summary["fingerprint"]));
}

#[test]
fn what_comes_out_does_not_depend_on_the_number_of_threads() {
    for format in ["text", "json"] {
        let line = |jobs| {
            kinode_sim(&["explore", "--flavor", "native", "--seeds", "10", "--jobs", jobs, "--format", format])
                .must_end(0)
        };
        assert_eq!(line("1").out, line("2").out);
    }
}

#[test]
fn the_forms_of_a_program_leave_the_same_fingerprints() {
    let plain = |flavor| {
        let line = ["explore", "--seeds", "5", "--flavor", flavor, "--format", "json"];
        let summary = kinode_sim(&line).must_end(0).records().pop().expect("there is a last line");
        assert_eq!(n(&summary["played_again"]), names().len() as u64);
        s(&summary["plain"]).to_string()
    };
    // But for runs in which memory or fuel runs out: those are marked, and are not in this digest.
    assert_eq!(plain("native"), plain("wasm"));
}

#[test]
fn shards_share_the_work() {
    let name = &names()[0];
    let events = |more: &[&str]| {
        let line = [&["explore", name.as_str(), "--seeds", "5..25", "--format", "json"], more].concat();
        let records = kinode_sim(&line).must_end(0).records();
        let summary = records.last().expect("there is a last line");
        (n(&summary["seeds"]), n(&summary["events"]))
    };
    let (first, second) = (events(&["--shard", "1/2"]), events(&["--shard", "2/2"]));
    assert_eq!(events(&[]), (first.0 + second.0, first.1 + second.1));
    assert_eq!(first.0, 10);
}

#[test]
fn the_line_that_a_violation_ends_with_plays_it_again() {
    let violations = violations("D4");
    let violation = violations.first().expect("D4 breaks a rule somewhere");
    let (rule, plan) = (s(&violation["rule"]), &violation["plan"]);
    let again = |line: &Value| {
        let run = paste(s(line), "--format json").must_end(1).records().remove(0);
        assert_eq!((s(&run["kind"]), &run["scenario"]), ("run", &violation["scenario"]));
        assert!(n(&run["events"]) > 0 && is_fingerprint(&run["fingerprint"]), "{run}");
        let broken = run["broken"].as_array().expect("what broke is a list");
        assert_eq!(n(&run["violations"]), broken.len() as u64);
        let broken = broken.iter().find(|broken| broken["rule"] == rule && broken["says"] == violation["says"]);
        (broken.unwrap_or_else(|| panic!("{rule} did not break again: {run}")).clone(), run["plan"].clone())
    };
    again(&violation["replay"]);
    let (broken, planned) = again(&violation["replay_plan"]);
    assert_eq!((&broken["facts"], &broken["at"], &planned), (&violation["facts"], &violation["at"], plan));
}

#[test]
fn a_report_has_the_rule_the_plan_and_lines_that_play_it_again() {
    let violation = violations("D4").swap_remove(0);
    let (scenario, rule) = (s(&violation["scenario"]), s(&violation["rule"]));
    let line = ["explore", scenario, "--deviation", "D4", "--seeds", "30", "--flavor", "native"];
    let text = kinode_sim(&line).must_end(1).out;
    for part in [&format!("{rule}: BROKEN in {scenario}"), "  plan: ", "  events around", "of 12 cells reached"] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    let replay = text.lines().find_map(|line| line.trim_start().strip_prefix("replay: ")).expect("a line to paste");
    let again = paste(replay, "").must_end(1).out;
    assert!(again.contains(&format!("{rule}: BROKEN in {scenario}")), "{again}");
}

#[test]
fn a_run_is_shown_up_to_an_event() {
    let name = &names()[0];
    let trace = kinode_sim(&["replay", name, "calm", "--trace"]).must_end(0).out;
    let until = |event| kinode_sim(&["replay", name, "calm", "--until", event]).must_end(0).out;
    let lines = |text: &str| text.lines().take_while(|line| !line.is_empty()).map(str::to_string).collect::<Vec<_>>();
    assert_eq!(lines(&until("5")), lines(&trace)[..=5]);
    assert_eq!(lines(&until("boots, for the 1st")), lines(&trace)[..=0]);
    let nowhere = kinode_sim(&["replay", name, "calm", "--until", "goes west"]).must_end(2);
    assert!(nowhere.out.is_empty() && nowhere.err.contains("goes west"), "{}", nowhere.err);
}

#[test]
fn the_calm_plan_has_many_names() {
    let name = &names()[0];
    let run = |plan| kinode_sim(&["replay", name, plan, "--format", "json"]).must_end(0).out;
    let calm = run("calm");
    assert_eq!((run(""), run("// nothing")), (calm.clone(), calm.clone()));
    let seed = kinode_sim(&["replay", name, "--seed", "3", "--profile", "calm", "--format", "json"]).must_end(0);
    assert_eq!(seed.out, calm);
}

#[test]
fn a_plan_is_played_strictly_up_to_the_line_that_no_longer_fits() {
    let violation = violations("D4").swap_remove(0);
    let replay = s(&violation["replay_plan"]);
    paste(replay, "--strict").must_end(1);
    let scenario = s(&violation["scenario"]);
    let gone = "crash alice.os #4000000000 crash";
    let strict = kinode_sim(&["replay", scenario, gone, "--strict"]).must_end(2);
    assert!(strict.err.contains(gone) && strict.out.is_empty(), "{}{}", strict.out, strict.err);
    let out_of_order = "cost alice.os@nobody:demo:alice.os/1 #1 x10; kill alice.os #30 a:b:c";
    let strict = kinode_sim(&["replay", scenario, out_of_order, "--strict"]).must_end(2);
    assert!(strict.err.contains("cost alice.os@nobody:demo:alice.os/1 #1 x10"), "{}", strict.err);
}

#[test]
fn a_report_ends_with_a_test_to_paste_and_its_plan_is_kept_if_that_is_asked_for() {
    let folder = std::env::temp_dir().join(format!("kinode-sim-kept-{}", std::process::id()));
    let path = folder.to_str().expect("the folder for temporary files has a name in UTF-8");
    let line = ["explore", "down-none", "--deviation", "D5", "--seeds", "5", "--flavor", "native", "--keep", path];
    let text = kinode_sim(&line).must_end(1).out;
    for part in ["  script: 1 of ", "  as a test:\n      #[test]\n      #[should_panic(expected = \"", "Deviation::D5"]
    {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    let files: Vec<_> =
        std::fs::read_dir(&folder).expect("it was made").map(|file| file.expect("it is one").path()).collect();
    let [file] = &files[..] else { panic!("one report, one plan: {files:?}") };
    let kept = std::fs::read_to_string(file).expect("it can be read");
    assert!(kept.contains("// scenario: down-none\n// kernel: D5\n// programs: native\n// breaks: "), "{kept}");
    let file = file.to_str().expect("its name is text");
    kinode_sim(&["replay", "down-none", "--deviation", "D5", "--flavor", "native", "--plan", file]).must_end(1);
    kinode_sim(&["replay", "down-none", "--plan", file, "--strict"]).must_end(0);
    std::fs::remove_dir_all(&folder).expect("it is ours");
}

#[test]
fn a_line_of_a_plan_that_never_came_up_is_named() {
    let (name, line) = (&names()[0], "crash alice.os #4000000000 crash");
    let run = kinode_sim(&["replay", name, line, "--format", "json"]).must_end(0).records().remove(0);
    assert_eq!((&run["unused"], &run["plan"]), (&serde_json::json!([line]), &serde_json::json!([])));
}

#[test]
fn a_mistake_is_answered_with_its_place_and_nothing_else() {
    let name = names().swap_remove(0);
    let name = name.as_str();
    let file = std::env::temp_dir().join(format!("kinode-sim-plan-{}", std::process::id()));
    let file = file.to_str().expect("the folder for temporary files has a name in UTF-8");
    std::fs::write(file, "// a plan\ncrash alice.os #1 explode\n").expect("a file can be written");
    let unknown = format!("{name}x");
    let cases: [(&[&str], &[&str]); 17] = [
        (&["explore", &unknown], &["no scenario is called", &unknown, name]),
        (&["replay", &unknown, "calm"], &["no scenario is called", &unknown, name]),
        (&["explore", name, &unknown, "--format", "json"], &["no scenario is called", &unknown]),
        (&["explore", "--seeds", "5..3"], &["5..3", "--seeds"]),
        (&["explore", "--seeds", "many"], &["many", "--seeds"]),
        (&["explore", "--seeds", "0"], &["--seeds", "no seeds"]),
        (&["explore", "--shard", "3/2"], &["3/2", "--shard"]),
        (&["explore", "--jobs", "0"], &["--jobs"]),
        (&["explore", "--kernel", "boook"], &["boook", "--kernel", "book", "hyperdrive-1.9"]),
        (&["explore", "--deviation", "D99"], &["D99", "--deviation", "D21"]),
        (&["replay", name, "krash alice.os #1 crash"], &["line 1", "krash"]),
        (&["replay", name, "crash zed.os #1 crash"], &["crash zed.os #1 crash", "`zed.os` is not a node"]),
        (&["replay", name, "--plan", file], &[file, "line 2", "explode"]),
        (&["replay", name, "--plan", "/no/such/file"], &["/no/such/file"]),
        (&["replay", name], &["--seed", "--plan"]),
        (&["replay", name, "calm", "--seed", "1"], &["--seed"]),
        (&["sail"], &["sail"]),
    ];
    for (line, parts) in cases {
        let wrong = kinode_sim(line).must_end(2);
        assert_eq!(wrong.out, "", "{line:?}");
        for part in parts {
            assert!(wrong.err.contains(part), "{line:?}: no {part:?} in\n{}", wrong.err);
        }
    }
    std::fs::remove_file(file).expect("the file is there");
}

#[test]
fn a_package_of_your_own_is_checked_or_refused_with_the_place() {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/guests/built/");
    let passed = kinode_sim(&["check", &format!("{built}counter.wasm"), "--seeds", "20", "--format", "json"]);
    let records = passed.must_end(0).records();
    assert_eq!(of_kind(&records, "check")[0]["verdict"], "PASSED");
    let crasher = kinode_sim(&["check", &format!("{built}crasher.wasm"), "--seeds", "2"]).must_end(1);
    assert!(crasher.out.contains("structural: nothing I do can start"), "{}", crasher.out);

    let folder = std::env::temp_dir().join(format!("kinode-sim-cli-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("there is a folder for such things");
    let manifest = |on_exit: &str| {
        format!(
            r#"[{{"process_name": "p", "process_wasm_path": "/p.wasm", "on_exit": {on_exit}, "public": true,
                "request_networking": false, "request_capabilities": [], "grant_capabilities": []}}]"#
        )
    };
    for (on_exit, code, says) in [
        (r#""Never""#, "", "process `p`: `on_exit` \"Never\" is no such thing"),
        (r#""Restart""#, "this is text", "p.wasm: not a Wasm file"),
    ] {
        std::fs::write(folder.join("manifest.json"), manifest(on_exit)).expect("the folder can be written to");
        std::fs::write(folder.join("p.wasm"), code).expect("the folder can be written to");
        let refused = kinode_sim(&["check", folder.to_str().expect("the path is text")]).must_end(2);
        assert!(refused.err.contains(says), "{}", refused.err);
        assert!(refused.out.is_empty(), "{}", refused.out);
    }
    std::fs::remove_dir_all(&folder).expect("it is ours");
}

#[cfg(unix)]
#[test]
fn a_plan_without_end_is_refused() {
    let refused = kinode_sim(&["replay", "return-none", "--plan", "/dev/zero"]).must_end(2);
    assert!(refused.err.contains("/dev/zero: neither a file nor a folder"), "{}", refused.err);
}
