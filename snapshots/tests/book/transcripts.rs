//! What happens in each scenario when nothing goes wrong: the snapshots.

use super::{assert_none_differs, differing};
use sim::prelude::*;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Snapshots of other tests: `costs`, `found` and `mutants`.
const OF_OTHER_TESTS: [&str; 3] = ["costs", "deviations-found", "mutants-found"];

#[test]
fn every_scenario_does_what_its_snapshot_says() {
    let differing: Vec<String> = scenarios::all()
        .iter()
        .filter_map(|scenario| {
            let text = Sim::of(scenario).native().transcript(&Plan::default());
            differing(&scenario.name, &scenario.about, &text)
        })
        .collect();
    assert_none_differs(&differing);
}

#[test]
fn no_snapshot_is_left_of_a_scenario_that_is_gone() {
    let mut known: Vec<String> = scenarios::all().into_iter().map(|scenario| scenario.name).collect();
    known.extend(OF_OTHER_TESTS.map(str::to_string));
    known.extend(super::shrunk::snapshots());
    let files = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the folder can be read");
    let snapshots = files.map(|file| file.expect("the folder can be read").path());
    let snapshots = snapshots.filter(|path| path.extension().is_some_and(|extension| extension == "snap"));
    let names = snapshots.filter_map(|path| Some(path.file_stem()?.to_str()?.to_string()));
    let left: Vec<String> = names.filter(|name| !known.contains(name)).collect();
    assert_eq!(left, [""; 0], "nothing is compared with these");
}

/// Two that differ, for the test below.
const EXAMPLES: [&str; 2] = ["a-pending-example", "another-pending-example"];

#[test]
#[ignore = "fails; the test below plays it"]
fn two_examples_differ() {
    let differing: Vec<String> =
        EXAMPLES.iter().filter_map(|name| differing(name, "An example.", "What happens now.")).collect();
    assert_none_differs(&differing);
}

/// `cargo insta review` looks for pending snapshots in the folders of the workspace's members.
#[test]
fn all_that_differ_are_written_where_the_review_tool_looks() {
    let program = std::env::current_exe().expect("a test knows its program");
    let output = Command::new(program)
        .args(["--ignored", "--exact", "transcripts::two_examples_differ"])
        .env("INSTA_UPDATE", "new")
        .output()
        .expect("it can be started");
    let pending = EXAMPLES.map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{name}.snap.new")));
    let written = pending.iter().filter(|file| std::fs::remove_file(file).is_ok()).count();
    let output = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(written, EXAMPLES.len(), "{output}");
    assert!(output.contains("2 snapshots differ, see `cargo insta review`:\n  a-pending-example\n"), "{output}");
    let members = members();
    for file in pending {
        assert!(members.iter().any(|member| file.starts_with(member)), "{} is in none of {members:?}", file.display());
    }
}

/// The folders of the workspace's members.
fn members() -> Vec<PathBuf> {
    let metadata = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo can be started");
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("a list");
    let manifests = packages.iter().map(|package| package["manifest_path"].as_str().expect("a path"));
    manifests.filter_map(|manifest| Some(Path::new(manifest).parent()?.to_path_buf())).collect()
}
