//! Searches: by pattern, stopped early, in shards that are merged, and as a hunt whose folder is its state.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kinode-sim");

/// A folder of this test's own, gone when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("kinode sim {name} {}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("there is a folder for such things");
        Folder(path)
    }

    fn text(&self) -> &str {
        self.0.to_str().expect("its name is text")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program as installed: nothing in its environment is cargo's.
fn installed(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).stdin(Stdio::null()).env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_PKG_NAME");
    command
}

fn called(arguments: &[&str]) -> (i32, String, String) {
    told(installed(arguments).output().expect("the program can be started"))
}

fn told(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).expect("what it writes is text");
    (output.status.code().expect("it ends by itself"), text(output.stdout), text(output.stderr))
}

#[test]
fn scenarios_are_selected_by_pattern() {
    let (code, out, err) = called(&["explore", "kill-n*", "kill-none", "--seeds", "2", "--flavor", "native"]);
    assert_eq!((code, out.matches("kill-none ").count()), (0, 1), "{out}{err}");
    let (code, out, err) = called(&["explore", "no-such-*", "--seeds", "2"]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("no scenario matches `no-such-*`"), "{err}");
}

const WRONG: [&str; 7] = ["explore", "down-*", "--deviation", "D5", "--flavor", "native", "--seeds"];

#[test]
fn a_failure_is_told_once_and_the_last_lines_have_the_line_that_replays_it_from_any_folder() {
    let (code, out, _) = called(&[&WRONG[..], &["12"]].concat());
    assert_eq!(code, 1, "{out}");
    let summed: Vec<&str> = out.lines().filter(|line| line.starts_with("broken: ")).collect();
    let stories = out.lines().filter(|line| line.contains(": BROKEN in down-") && !line.starts_with(' ')).count();
    assert!(!summed.is_empty() && stories <= summed.len(), "{out}");
    let last = out.lines().last().expect("there is one").trim();
    let line = last.strip_prefix("replay: ").unwrap_or_else(|| panic!("no line to paste: {last}"));
    let elsewhere = Folder::new("elsewhere");
    let pasted = Command::new("sh").args(["-c", line]).current_dir(&elsewhere.0).output().expect("there is a shell");
    let (code, again, err) = told(pasted);
    let rule = summed.last().and_then(|line| line.split_whitespace().nth(1)).expect("it names a rule");
    assert!(code == 1 && again.contains(&format!("{rule}: BROKEN")), "{line}\n{again}{err}");
}

#[test]
fn a_search_stops_at_the_first_failure_the_same_for_any_number_of_threads() {
    let line = |jobs| called(&[&WRONG[..], &["40", "--fail-fast", "--jobs", jobs]].concat());
    let (one, two) = (line("1"), line("2"));
    assert_eq!(one, two);
    assert!(one.0 == 1 && one.1.contains("stopped by the number of failures"), "{}", one.1);
}

#[test]
fn a_search_stops_when_its_time_is_up() {
    let (code, out, err) =
        called(&["explore", "kill-*", "--flavor", "native", "--seeds", "900000", "--time-limit", "1s"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("stopped by the time limit") && out.contains("  go on: "), "{out}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_sums_up_what_was_found() {
    let line = [&WRONG[..], &["900000"]].concat();
    let mut running = installed(&line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut read = BufReader::new(running.stdout.take().expect("it is piped"));
    let mut out = String::new();
    // With the headline there the search has begun; some seeds are played, of which the first breaks.
    read.read_line(&mut out).expect("it is text");
    std::thread::sleep(Duration::from_secs(3));
    let pid = running.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status().expect("there is `kill`");
    read.read_to_string(&mut out).expect("it is text");
    let (code, _, err) = told(running.wait_with_output().expect("it ends"));
    assert_eq!(code, 130, "{out}{err}");
    for part in ["stopped by Ctrl-C", "broken: ", "  replay: ", "  go on: "] {
        assert!(out.contains(part), "no {part:?} in\n{out}{err}");
    }
}

#[test]
fn shards_merge_to_what_one_process_finds_byte_for_byte() {
    let folder = Folder::new("shards");
    let line = [&WRONG[..], &["5..30"]].concat();
    let mut files = Vec::new();
    for shard in ["3/3", "1/3", "2/3"] {
        let (_, out, err) = called(&[&line[..], &["--shard", shard, "--format", "json"]].concat());
        assert_eq!(err, "");
        let file = folder.0.join(shard.replace('/', " of "));
        fs::write(&file, out).expect("it can be written");
        files.push(file.to_str().expect("it is text").to_string());
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    for format in ["text", "json"] {
        let whole = called(&[&line[..], &["--format", format]].concat());
        let merged = called(&[&["merge", "--format", format], &files[..]].concat());
        assert!(whole.0 == 1 && whole == merged, "{}\n--- and merged\n{}{}", whole.1, merged.1, merged.2);
    }
    for (files, says) in [(&files[..2], "shard 2/3 is missing"), (&[files[0], files[0]][..], "is shard 3/3, as is")] {
        let (code, out, err) = called(&[&["merge"], files].concat());
        assert!(code == 2 && out.is_empty() && err.contains(says), "{err}");
    }
}

fn files_of(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).expect("it is there").map(|file| file.expect("it can be read").file_name());
    let mut files: Vec<String> = files.map(|name| name.to_string_lossy().to_string()).collect();
    files.sort();
    files
}

#[test]
fn a_hunt_goes_on_where_the_last_one_ended_and_keeps_each_failure_once() {
    let folder = Folder::new("hunt");
    let hunt = |blocks| {
        let line = ["hunt", "down-none", "--deviation", "D5", "--flavor", "native", "--block", "10", "--folder"];
        called(&[&line[..], &[folder.text(), "--blocks", blocks]].concat())
    };
    let (code, out, err) = hunt("2");
    assert!(code == 1 && out.contains("the next seed is 20"), "{out}{err}");
    let kept = files_of(&folder.0.join("failures"));
    let plans = kept.iter().filter(|file| file.ends_with(".plan")).count();
    assert!(plans > 0 && kept.len() == 2 * plans, "each with its report, and nothing else: {kept:?}");
    // One that was killed: it began a block, and its process is gone.
    let host = fs::read_to_string("/etc/hostname").unwrap_or_default().trim().to_string();
    fs::write(folder.0.join("blocks/2"), format!("{host} 4194999")).expect("it can be written");
    let (code, out, err) = hunt("1");
    assert!(code == 1 && out.contains("the next seed is 30") && !out.contains("new: "), "{out}{err}");
    assert_eq!(files_of(&folder.0.join("failures")), kept);
    // What no longer breaks is dropped; here it is then found anew.
    let file = folder.0.join("failures").join(kept.iter().find(|file| file.ends_with(".plan")).expect("there is one"));
    let text = fs::read_to_string(&file).expect("it is text").replace("// kernel: D5", "// kernel: book");
    fs::write(&file, text).expect("it can be written");
    let (_, out, err) = hunt("1");
    let again = fs::read_to_string(&file).unwrap_or_default();
    assert!(out.contains("dropped, since it no longer breaks") && again.contains("// kernel: D5"), "{out}{err}");
    let other = ["hunt", "kill-none", "--flavor", "native", "--blocks", "1", "--folder", folder.text()];
    let (code, _, err) = called(&other);
    assert!(code == 2 && err.contains("is the folder of another hunt"), "{err}");
}

/// The crate outside of the workspace that CI compiles: short, with one dependency.
#[test]
fn a_strangers_scenario_invariant_and_program_take_less_than_forty_lines_and_one_dependency() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("stranger");
    let source = fs::read_to_string(folder.join("src/lib.rs")).expect("it is there");
    assert!(source.lines().count() < 40, "{} lines", source.lines().count());
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("it is there");
    let manifest: toml::Table = manifest.parse().expect("it is a manifest");
    assert_eq!(manifest["dependencies"].as_table().map(toml::Table::len), Some(1));
    assert!(!manifest.contains_key("dev-dependencies"));
}
