//! A user's own package, as it is: from files to a scenario, and what a run of it shows.
//!
//! Nothing of the package is rebuilt and nothing is known of what it is for. It is installed on a node of its own; what
//! counts against it is a panic that nobody injected. What the simulator does not have is said, and makes the verdict
//! inconclusive.

use crate::event::{Event, Kind, Life, What};
use crate::image::Loader;
use crate::invariant::{Invariant, Past, Rule};
use crate::package::{self, Content, Package};
use crate::scenario::{Action, Scenario};
use crate::trace::life_text;
use crate::world::Run;
use kernel_core::{CallKind, Cause, Duration, Exit, Names, ProcessRef};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The node that the package is installed on.
const NODE: &str = "alice.os";
/// Who published a package that does not say so itself.
const PUBLISHER: &str = "check.os";
/// A file larger than this is not a process.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// What is wrong with a package on disk: which file, what, and the mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct PackageError {
    /// The file or the folder.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Reads a package folder (`manifest.json` and the `.wasm` files it names) or a single `.wasm` or `.wat`.
/// `id` is `package:publisher`; without one the folder's or the file's name is taken.
///
/// # Errors
/// The first file that cannot be used, and why.
pub fn read(path: &Path, id: Option<&str>, loader: &Loader) -> Result<Package, PackageError> {
    let fail = |path: &Path, problem: String| PackageError { path: path.display().to_string(), problem };
    let found = fs::metadata(path).map_err(|error| fail(path, error.to_string()))?;
    let id = id.map(str::to_string).unwrap_or_else(|| format!("{}:{PUBLISHER}", plain_name(path)));
    if found.is_dir() {
        let manifest_path = path.join("manifest.json");
        let manifest = read_file(&manifest_path).map_err(|problem| {
            fail(path, format!("{problem}; a package folder holds a manifest.json and the .wasm files that it names"))
        })?;
        let entries = package::parse_manifest(&id, &manifest);
        let entries = entries.map_err(|error| fail(&manifest_path, error.to_string()))?;
        let mut files = vec![("/manifest.json".to_string(), Content::Bytes(manifest))];
        for entry in entries {
            let wasm_path = path.join(entry.process_wasm_path.trim_start_matches('/'));
            let named = |problem| fail(&wasm_path, format!("{problem} (the code of process `{}`)", entry.process_name));
            let bytes = read_code(&wasm_path, loader).map_err(named)?;
            let path = format!("/{}", entry.process_wasm_path.trim_start_matches('/'));
            files.push((path, Content::Bytes(bytes)));
        }
        return Ok(Package { id, files });
    }
    let bytes = read_code(path, loader).map_err(|problem| fail(path, problem))?;
    let all: Vec<String> = ProcessRef::modules().map(|module| Names::new().process_text(module).to_string()).collect();
    let manifest = serde_json::json!([{
        "process_name": plain_name(path), "process_wasm_path": "/process.wasm", "on_exit": "Restart",
        "request_networking": true, "request_capabilities": all, "grant_capabilities": all, "public": true,
    }]);
    let mut package = Package::new(&id, &manifest.to_string());
    package.files.push(("/process.wasm".to_string(), Content::Bytes(bytes)));
    Ok(package)
}

fn read_file(path: &PathBuf) -> Result<Vec<u8>, String> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let len = fs::metadata(path).map_err(|error| format!("no {name}: {error}"))?.len();
    match len > FILE_BYTES_MAX {
        true => Err(format!("{len} bytes are more than a process has ({FILE_BYTES_MAX} at most)")),
        false => fs::read(path).map_err(|error| error.to_string()),
    }
}

fn read_code(path: &Path, loader: &Loader) -> Result<Vec<u8>, String> {
    let bytes = read_file(&path.to_path_buf())?;
    loader.load(&bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// A file's or folder's name as a legal process name; that of `pkg` is its parent's.
fn plain_name(path: &Path) -> String {
    let full = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let named = if full.file_name().is_some_and(|name| name == "pkg") { full.parent().unwrap_or(&full) } else { &full };
    let stem = named.file_stem().and_then(|stem| stem.to_str()).unwrap_or("package");
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    stem.chars().map(plain).collect()
}

/// The package on a node of its own: installed undisturbed, then twenty seconds of storm.
pub fn scenario(package: Package) -> Scenario {
    let install = Action::Install(NODE.to_string(), package.id.clone());
    let (storm, settle) = (Duration::from_secs(20), Duration::from_secs(10));
    let mut scenario = Scenario::new(&package.id, "a package of your own").setup(install).lasting(storm, settle);
    scenario.packages.push((NODE.to_string(), package));
    scenario.holding(|| Box::new(NoPanic))
}

/// A process panics only if somebody makes it: the chooser, or a disk that refuses.
#[derive(Clone)]
struct NoPanic;

impl Invariant for NoPanic {
    fn rule(&self) -> Rule {
        Rule { id: "panic", says: "no process of the package panics by itself" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Exited]
    }

    fn on_event(&mut self, _index: Cause, event: &Event, _past: &Past, names: &Names) -> Result<(), String> {
        let What::Exited(life, Exit::Panicked, text) = &event.what else { return Ok(()) };
        match &**text == "injected" || text.contains("the disk refused") {
            true => Ok(()),
            false => Err(format!("{} panicked: {}", life_text(*life, names), text.trim())),
        }
    }
}

/// What a process did in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deeds {
    /// Lives.
    pub lives: u32,
    /// Calls of the process world.
    pub calls: u64,
    /// Messages that it received.
    pub received: u64,
    /// Bytes that it saved last; `None`: it saved nothing.
    pub state: Option<usize>,
    /// What it printed first, up to five lines.
    pub prints: Vec<String>,
    /// Whether it was waiting for messages when the run ended.
    pub receives: bool,
    /// The last words of its last panic.
    pub panicked: Option<String>,
}

/// What each process did in a run of which all events were kept, by name.
pub fn deeds(run: &Run) -> BTreeMap<String, Deeds> {
    let mut all: BTreeMap<String, Deeds> = BTreeMap::new();
    let mut of = |life: &Life, change: &dyn Fn(&mut Deeds)| {
        change(all.entry(run.names.process_text(life.process).to_string()).or_default());
    };
    for (_, event) in run.trace.events() {
        match &event.what {
            What::Started(life) => of(life, &|deeds| deeds.lives += 1),
            What::Called(life, call) => of(life, &|deeds| {
                deeds.calls += 1;
                deeds.receives = *call == CallKind::Receive;
            }),
            What::Received(life, _) => of(life, &|deeds| deeds.received += 1),
            What::SavesState(life, bytes) => of(life, &|deeds| deeds.state = bytes.as_ref().map(|bytes| bytes.len())),
            What::Printed(life, _, text) => of(life, &|deeds| {
                if deeds.prints.len() < 5 {
                    deeds.prints.push(text.to_string());
                }
            }),
            What::Exited(life, Exit::Panicked, text) => of(life, &|deeds| {
                deeds.receives = false;
                deeds.panicked = Some(text.trim().to_string());
            }),
            What::Exited(life, Exit::Returned, _) => of(life, &|deeds| deeds.receives = false),
            _ => {}
        }
    }
    all
}

/// What the processes asked for and the simulator does not have, each once: module and the start of the body.
pub fn unmodelled(run: &Run) -> Vec<String> {
    let mut all = Vec::new();
    for (_, event) in run.trace.events() {
        if let What::Unmodelled(module, text) = &event.what {
            let asked = format!("{}: {text}", run.names.process_text(*module));
            if !all.contains(&asked) {
                all.push(asked);
            }
        }
    }
    all
}
