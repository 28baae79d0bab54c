//! The committed guest programs are those that their committed sources describe. Needs no Wasm
//! compiler; whether a rebuild gives the same bytes is `guests/build.sh --check`'s question.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

const REBUILD: &str = "run scenarios/guests/build.sh and commit scenarios/guests/built";

#[derive(Deserialize)]
struct Manifest {
    /// Files and folders that every program is built from, besides its own folder.
    shared: Vec<String>,
    programs: BTreeMap<String, Program>,
}

#[derive(Deserialize)]
struct Program {
    sources: String,
    outputs: BTreeMap<String, String>,
}

#[test]
fn every_guest_was_built_from_the_sources_beside_it() {
    let manifest = manifest();
    for (name, program) in &manifest.programs {
        assert_eq!(
            sources_digest(&manifest.shared, name),
            program.sources,
            "the guest `{name}`, or what all guests share, was changed after it was built: {REBUILD}"
        );
    }
}

#[test]
fn every_built_guest_is_the_one_that_the_manifest_names() {
    for (name, program) in &manifest().programs {
        for (file, digest) in &program.outputs {
            let path = guests().join("built").join(file);
            let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: {REBUILD}", path.display()));
            assert_eq!(&hex(&bytes), digest, "{file} is not what the build of the guest `{name}` gave: {REBUILD}");
        }
    }
}

#[test]
fn the_manifest_names_every_program_and_every_file() {
    let manifest = manifest();
    let programs: BTreeSet<String> = names(&sources())
        .into_iter()
        .filter(|name| {
            fs::read_to_string(sources().join(name).join("Cargo.toml")).is_ok_and(|text| text.contains("cdylib"))
        })
        .collect();
    assert!(programs.len() >= 10, "the programs' folders are where this test looks for them");
    let named: BTreeSet<String> = manifest.programs.keys().cloned().collect();
    assert_eq!(programs, named, "the manifest names other guests than there are: {REBUILD}");

    let mut files = names(&guests().join("built"));
    assert!(files.remove("manifest.toml"), "the manifest lies beside what it names");
    let named = manifest.programs.values().flat_map(|p| p.outputs.keys().cloned()).collect();
    assert_eq!(files, named, "the manifest names other files than there are: {REBUILD}");
}

fn guests() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/guests"))
}

fn sources() -> PathBuf {
    guests().join("programs")
}

fn manifest() -> Manifest {
    let path = guests().join("built/manifest.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}: {REBUILD}", path.display()));
    toml::from_str(&text).expect("build.sh writes a manifest that can be read")
}

/// What `sources_digest` of `build.sh` computes: sha256 over the lines of `sha256sum`.
fn sources_digest(shared: &[String], program: &str) -> String {
    let mut files = BTreeSet::new();
    for top in shared.iter().map(String::as_str).chain([program]) {
        collect(top, &mut files);
    }
    let mut lines = String::new();
    for file in &files {
        let bytes = fs::read(sources().join(file)).expect("a listed source can be read");
        writeln!(lines, "{}  {file}", hex(&bytes)).expect("a string takes all that is written");
    }
    hex(lines.as_bytes())
}

/// Adds the sources at or below `path`, which is relative to the programs' folder.
fn collect(path: &str, files: &mut BTreeSet<String>) {
    let full = sources().join(path);
    if full.is_dir() {
        for name in names(&full) {
            collect(&format!("{path}/{name}"), files);
        }
    } else if [".rs", ".toml", ".lock", ".wit", ".sh"].iter().any(|end| path.ends_with(end)) {
        files.insert(path.to_owned());
    }
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a folder can be listed").file_name())
        .map(|name| name.into_string().expect("the guests' file names are UTF-8"))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
