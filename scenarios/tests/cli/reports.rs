//! What is written besides the terminal: pages, JUnit's XML, Markdown, the summary of a GitHub job; and searches that are
//! shared by threads or stopped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder that goes when the test ends.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("there is room for a folder")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinode-sim"));
    command.args(arguments).stdin(Stdio::null()).env_remove("GITHUB_STEP_SUMMARY");
    command
}

/// The exit code, and what is on standard output and on standard error.
fn called(command: &mut Command) -> (i32, String, String) {
    let output = command.output().expect("the program can be started");
    let text = |bytes| String::from_utf8(bytes).expect("what it writes is text");
    (output.status.code().expect("it ends by itself"), text(output.stdout), text(output.stderr))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("its name is text")
}

fn pages(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).expect("it was made").map(|file| file.expect("it is one").path());
    let mut files: Vec<PathBuf> = files.collect();
    files.sort();
    files
}

fn guest(name: &str) -> String {
    format!("{}/guests/built/{name}.wasm", env!("CARGO_MANIFEST_DIR"))
}

const WRONG: [&str; 5] = ["down-none", "--deviation", "D5", "--flavor", "native"];

#[test]
fn explore_and_check_add_their_reports_to_the_summary_of_a_github_job() {
    let folder = folder();
    let (summary, report) = (folder.path().join("summary.md"), folder.path().join("report.md"));
    fs::write(&summary, "what was there\n").expect("it can be written");
    let explore = [&["explore"], &WRONG[..], &["--seeds", "5", "--report", text(&report)]].concat();
    let (code, out, err) = called(command(&explore).env("GITHUB_STEP_SUMMARY", &summary));
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    let check = ["check", &guest("counter"), "--seeds", "2", "--points", "2"];
    let (code, out, _) = called(command(&check).env("GITHUB_STEP_SUMMARY", &summary));
    assert_eq!(code, 0, "{out}");
    let (summary, report) = (fs::read_to_string(&summary).expect("it is there"), fs::read_to_string(&report));
    let report = report.expect("it was written");
    assert!(summary.starts_with(&format!("what was there\n{report}")), "{summary}");
    for part in
        ["# Exploration: FAILED\n", "E6 in down-none, under ", ": `", "\n## E6: ", "```text\nE6: BROKEN in down-none"]
    {
        assert!(report.contains(part), "no {part:?} in\n{report}");
    }
    assert!(summary.contains("\n# `counter:check.os`: PASSED"), "{summary}");
    let json = [&explore[..], &["--format", "json"]].concat();
    let (code, out, _) = called(&mut command(&json));
    let again = fs::read_to_string(folder.path().join("report.md")).expect("it was written");
    assert!(code == 1 && out.contains("\"kind\":\"violation\"") && again == report, "{again}");
    let (code, out, err) = called(command(&explore).env("GITHUB_STEP_SUMMARY", folder.path()));
    assert!(code == 2 && err.contains("GITHUB_STEP_SUMMARY"), "a folder is no summary: {out}{err}");
}

#[test]
fn a_sweep_tells_each_failure_once_with_a_page_the_same_on_any_number_of_threads() {
    let swept = |jobs: &str| {
        let folder = folder();
        let line = [&["sweep"], &WRONG[..], &["--jobs", jobs, "--html", text(folder.path())]].concat();
        let (code, out, err) = called(&mut command(&line));
        assert_eq!((code, err.as_str()), (1, ""), "{out}");
        let pages = pages(folder.path());
        let told = out.lines().filter(|line| line.contains(": BROKEN in down-none") && !line.starts_with(' ')).count();
        assert_eq!((told, out.matches("  picture: ").count()), (pages.len(), pages.len()), "{out}");
        assert!(!pages.is_empty() && pages.iter().all(|page| text(page).ends_with("-sweep.html")), "{pages:?}");
        out.replace(text(folder.path()), "")
    };
    assert_eq!(swept("1"), swept("3"));
}

#[test]
fn a_sweep_stops_at_the_first_failure_or_when_its_time_is_up() {
    let (code, out, _) = called(&mut command(&[&["sweep"], &WRONG[..], &["--fail-fast"]].concat()));
    assert!(code == 1 && out.contains("stopped by the number of failures, after "), "{out}");
    let held = ["sweep", "--flavor", "native", "--time-limit", "1ms"];
    let (code, out, err) = called(&mut command(&held));
    assert!(code == 0 && out.contains("stopped by the time limit, after 1 of "), "{out}{err}");
    assert!(out.contains("  not begun: "), "{out}");
}

#[test]
fn a_check_stops_when_its_time_is_up_and_says_what_it_left_out() {
    let line = ["check", &guest("counter"), "--time-limit", "1ms", "--format", "json"];
    let (code, out, err) = called(&mut command(&line));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let last: serde_json::Value = serde_json::from_str(out.lines().last().expect("a verdict")).expect("it is JSON");
    assert!(last["points_left_out"].as_u64() > Some(0) && last["seeds_left_out"].as_u64() > Some(100), "{last}");
    assert!(last["headlines"].to_string().contains("stopped by the time limit: "), "{last}");
}

#[test]
fn a_plan_of_a_check_is_drawn_whatever_the_environment_says_of_seeds() {
    let folder = folder();
    let line = ["check", &guest("crasher"), "--plan", "calm", "--html", text(folder.path()), "-q"];
    let (code, out, err) = called(command(&line).env("KINODE_SIM_SEEDS", "7"));
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    assert!(!pages(folder.path()).is_empty() && out.contains("  picture: "), "{out}");
    assert!(!out.contains("boots, for the 1st time\n    "), "quiet prints no trace: {out}");
}

#[test]
fn two_traces_that_were_read_back_are_compared_and_drawn() {
    let folder = folder();
    let file = |name: &str| folder.path().join(name);
    for (name, deviation) in [("book.json", &[][..]), ("d6.json", &["--deviation", "D6"])] {
        let plan = "crash alice.os #20 crash";
        let line = [&["replay", "kill-restart", plan, "--trace-format", "json"], deviation].concat();
        let (_, out, err) = called(&mut command(&line));
        fs::write(file(name), out).expect("it can be written");
        assert_eq!(err, "");
    }
    let (book, d6, page) = (file("book.json"), file("d6.json"), file("both.html"));
    let line = ["diff", text(&book), text(&d6), "--html", text(&page)];
    let (code, out, err) = called(&mut command(&line));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let played = ["diff", "kill-restart", "book", "D6", "--plan", "crash alice.os #20 crash"];
    let (_, of_runs, _) = called(&mut command(&played));
    let parts = |out: &str| out.lines().next().map(str::to_string);
    assert_eq!(parts(&out), parts(&of_runs), "traces part where their runs do");
    assert!(out.contains("K2: ") && out.contains("  replay: ") && out.contains(": held, "), "{out}");
    let html = fs::read_to_string(&page).expect("it was written");
    assert_eq!(html.matches("\"has_states\":false").count(), 2, "the page says that it has no states");
    assert_eq!(html.matches("\"parts\":null").count(), 0);
}

#[test]
fn the_help_of_a_command_fits_a_screen_and_names_the_deviations_by_where_to_read_of_them() {
    for name in ["explore", "replay", "sweep", "check", "diff", "what-if", "hunt"] {
        let (code, out, _) = called(&mut command(&[name, "-h"]));
        assert!(code == 0 && out.contains("`list deviations`"), "{out}");
        assert!(out.lines().count() < 50, "{name}: {} lines", out.lines().count());
        let (_, long, _) = called(&mut command(&[name, "--help"]));
        assert!(!long.contains("- D14: "), "{long}");
    }
}
