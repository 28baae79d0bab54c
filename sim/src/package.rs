//! Packages: a manifest and the files it names, turned into kernel commands (S1).
//!
//! The kernel knows nothing of this. As in the public runtime, a process per manifest entry: a namesake is killed, it
//! is initialized, and gets what it asks for; when all exist each grants what it grants; then each is run.

#[cfg(feature = "archive")]
pub mod archive;

use crate::world::operator::Step;
use kernel_core::command::{Command, Initialize, parse_on_exit};
use kernel_core::{Address, Blob, Bytes, Capability, Names, NodeId, OnExit, ProcessId, ProcessRef};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A package folder: files by path from the package's root, `manifest.json` among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// `package:publisher`.
    pub id: String,
    /// `("/counter.wasm", bytes)`. A file whose content is [`Content::Program`] holds that program of the scenario.
    pub files: Vec<(String, Content)>,
}

/// What a file of a package holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// These bytes.
    Bytes(Arc<[u8]>),
    /// A program of the scenario, in the form that the run uses.
    Program(String),
}

impl Package {
    /// A package of a manifest.
    pub fn new(id: &str, manifest: &str) -> Package {
        let manifest = ("/manifest.json".to_string(), Content::Bytes(manifest.as_bytes().into()));
        Package { id: id.to_string(), files: vec![manifest] }
    }

    /// With this program of the scenario in a file.
    pub fn file(mut self, path: &str, program: &str) -> Package {
        self.files.push((path.to_string(), Content::Program(program.to_string())));
        self
    }

    /// The drive that holds it.
    pub fn drive(&self) -> String {
        drive(&self.id)
    }
}

/// The drive that holds a package's files.
pub fn drive(package: &str) -> String {
    format!("/{package}/pkg")
}

/// A manifest that cannot be used: where, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("manifest.json of {package}{place}: {problem}")]
pub struct ManifestError {
    /// `package:publisher`.
    pub package: String,
    /// Which entry, if one is to blame: `, process `x``.
    pub place: String,
    /// What is wrong, and how to fix it.
    pub problem: String,
}

/// One process of a manifest.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The process's own name.
    pub process_name: String,
    /// Where its code lies, from the package's root.
    pub process_wasm_path: String,
    on_exit: Value,
    request_networking: bool,
    request_capabilities: Vec<Asked>,
    grant_capabilities: Vec<Asked>,
    public: bool,
    /// What its capability lists have that is no capability, each with the list's name: the public runtimes' installers
    /// print it and go on without.
    pub left_out: Vec<(&'static str, Value)>,
}

/// The fields of an entry. The public runtimes' installers refuse a manifest in which one is missing.
const FIELDS: [&str; 7] = [
    "process_name",
    "process_wasm_path",
    "on_exit",
    "request_networking",
    "request_capabilities",
    "grant_capabilities",
    "public",
];

/// How many bytes a manifest has at most, and how many processes.
const MANIFEST_BYTES_MAX: usize = 4 << 20;
const PROCESSES_MAX: usize = 256;
/// How many bytes the id of a process has at most. A node has no such bound; here each event tells it.
const ID_BYTES_MAX: usize = 1_000;

/// An entry whose fields are there once: reading one twice is an error here, as it is in the public runtimes (*read*:
/// their installers read a manifest into a structure). JSON itself lets the last one count.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
#[allow(dead_code)] // Only whether it can be read matters.
struct FieldsOnce {
    process_name: IgnoredAny,
    process_wasm_path: IgnoredAny,
    on_exit: IgnoredAny,
    request_networking: IgnoredAny,
    request_capabilities: IgnoredAny,
    grant_capabilities: IgnoredAny,
    public: IgnoredAny,
}

/// A process id (its messaging capability), or a process and parameters.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Asked {
    Messaging(String),
    Other { process: String, params: Value },
}

/// Reads a manifest. A field of yes or no, or a list, may be missing; see [`missing_field`].
pub fn parse_manifest(package: &str, bytes: &[u8]) -> Result<Vec<Entry>, ManifestError> {
    let fail = |place: &str, problem: String| ManifestError {
        package: package.to_string(),
        place: place.to_string(),
        problem,
    };
    if [&b"\xef\xbb\xbf"[..], b"\xff\xfe", b"\xfe\xff"].iter().any(|mark| bytes.starts_with(mark)) {
        return Err(fail("", "it begins with a byte order mark; save it as UTF-8 without one".to_string()));
    }
    if bytes.len() > MANIFEST_BYTES_MAX {
        return Err(fail("", format!("{} bytes; a manifest has {MANIFEST_BYTES_MAX} at most", bytes.len())));
    }
    let values: Vec<Value> =
        serde_json::from_slice(bytes).map_err(|error| fail("", format!("not a JSON list: {error}")))?;
    if values.len() > PROCESSES_MAX {
        return Err(fail("", format!("{} processes; a package has {PROCESSES_MAX} at most here", values.len())));
    }
    let mut entries: Vec<Entry> = Vec::new();
    let mut taken = BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        let place = place(index, value);
        let entry = Entry::read(value, package).map_err(|problem| fail(&place, problem))?;
        if !taken.insert(entry.process_name.clone()) {
            return Err(fail(&place, "it is there twice; each process of a package has a name of its own".to_string()));
        }
        entries.push(entry);
    }
    if let Err(error) = serde_json::from_slice::<Vec<FieldsOnce>>(bytes) {
        return Err(fail("", format!("{error}: a node refuses a manifest with a field that is there twice")));
    }
    Ok(entries)
}

/// The first field that a process of a manifest does not have, though the public runtimes' installers want it.
///
/// # Errors
/// That is the error.
pub fn missing_field(package: &str, bytes: &[u8]) -> Result<(), ManifestError> {
    let values: Vec<Value> = serde_json::from_slice(bytes).unwrap_or_default();
    for (index, value) in values.iter().enumerate() {
        if let Some(field) = FIELDS.iter().find(|field| value.get(field).is_none()) {
            let fix = "a node does not install a package in which one is missing";
            let problem = format!("it has no `{field}`; {fix}: there must be {}", FIELDS.join(", "));
            return Err(ManifestError { package: package.to_string(), place: place(index, value), problem });
        }
    }
    Ok(())
}

/// Which entry of a manifest.
fn place(index: usize, entry: &Value) -> String {
    match entry.get("process_name").and_then(Value::as_str) {
        Some(name) => format!(", process `{}`", shortened(name)),
        None => format!(", entry {}", index + 1),
    }
}

impl Entry {
    /// Reads an entry; what is wrong with it is said in words.
    fn read(value: &Value, package: &str) -> Result<Entry, String> {
        let Value::Object(fields) = value else {
            return Err(format!("{} is no process: an entry is an object with {}", cut(value), FIELDS.join(", ")));
        };
        let text = |name: &str| match fields.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(format!("`{name}` is {}; it is a text", cut(other))),
            None => Err(format!("missing field `{name}`")),
        };
        let truth = |name: &str| match fields.get(name) {
            Some(Value::Bool(is)) => Ok(*is),
            Some(other) => Err(format!("`{name}` is {}; it is true or false", cut(other))),
            None => Ok(false),
        };
        let mut left_out = Vec::new();
        let mut list = |name: &'static str| match fields.get(name) {
            Some(Value::Array(entries)) => {
                let mut asked = Vec::new();
                for entry in entries {
                    match serde_json::from_value::<Asked>(entry.clone()) {
                        Ok(one) if is_legal(one.process()) => asked.push(one),
                        Ok(_) | Err(_) => left_out.push((name, entry.clone())),
                    }
                }
                Ok(asked)
            }
            Some(other) => Err(format!("`{name}` is {}; it is a list of process ids and of objects", cut(other))),
            None => Ok(vec![]),
        };
        let entry = Entry {
            process_name: text("process_name")?,
            process_wasm_path: text("process_wasm_path")?,
            on_exit: fields.get("on_exit").cloned().ok_or("missing field `on_exit`")?,
            request_networking: truth("request_networking")?,
            request_capabilities: list("request_capabilities")?,
            grant_capabilities: list("grant_capabilities")?,
            public: truth("public")?,
            left_out,
        };
        let (mut names, node) = (Names::new(), NodeId(0));
        if let Err(error) = parse_on_exit(&entry.on_exit, &mut names, node) {
            let form = r#"it is "None", "Restart" or {"Requests": [[address, request, blob or null], …]}"#;
            let (value, error) = (cut(&entry.on_exit), shortened(&error.0));
            return Err(format!("`on_exit` {value} is no such thing ({error}); {form}"));
        }
        let id = format!("{}:{package}", entry.process_name);
        if id.len() > ID_BYTES_MAX {
            return Err(format!("its id has {} bytes; {ID_BYTES_MAX} are the most here", id.len()));
        }
        if is_legal(&id) {
            Ok(entry)
        } else {
            Err(format!("`{}` is not a legal process id (a-z 0-9 -, three parts)", shortened(&id)))
        }
    }
}

fn is_legal(id: &str) -> bool {
    ProcessId::split(id).is_some_and(|id| id.is_legal())
}

/// The start of a value, to say which it is.
fn cut(value: &Value) -> String {
    shortened(&value.to_string())
}

/// The start of a text that may be a stranger's and without measure.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

/// How many characters of such a text are shown.
const SHOWN_MAX: usize = 60;

/// How packages are installed. The default is the public runtime's way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installer {
    /// Each process may also message the owner's terminal: a request to it there is answered (ours).
    pub lets_answer: bool,
    /// Nothing is run before all that was granted is on the disk, so that no crash takes it back (ours; nothing says
    /// when a grant is).
    pub waits_for_disk: bool,
    /// A process comes to its first wait before the grants of the next one are made: the worst that the public runtimes'
    /// installer allows, which goes on at `StartedProcess` (ours).
    pub lets_start: bool,
}

/// How long a process is given to come to its first wait, in milliseconds.
const STARTING: u64 = 100;

/// What the installer asks of the kernel, in order: every process is initialized, then, one after the other, gets its
/// grants and is run (S1). `code` gives the content of a file of the package.
pub fn install(
    package: &str,
    manifest: &[Entry],
    names: &mut Names,
    our: NodeId,
    code: impl Fn(&str) -> Option<Bytes>,
    installer: &Installer,
) -> Result<Vec<Step>, ManifestError> {
    let mut steps = Vec::new();
    let ids: Vec<ProcessRef> =
        manifest.iter().map(|entry| names.process(&format!("{}:{package}", entry.process_name))).collect();
    let vfs = Address { node: our, process: ProcessRef::VFS };
    for (entry, id) in manifest.iter().zip(&ids) {
        let missing = || ManifestError {
            package: package.to_string(),
            place: format!(", process `{}`", entry.process_name),
            problem: format!("there is no file `{}` in the package", entry.process_wasm_path),
        };
        let bytes = code(&entry.process_wasm_path).ok_or_else(missing)?;
        let on_exit = parse_on_exit(&entry.on_exit, names, our).unwrap_or(OnExit::None);
        let mut wanted: Vec<Capability> =
            entry.request_capabilities.iter().filter_map(|asked| asked.capability(names, our)).collect();
        if entry.request_networking {
            wanted.push(Capability::network(our));
        }
        wanted.extend(crate::modules::drive_capabilities(vfs, &drive(package), names));
        if installer.lets_answer {
            wanted.push(Capability::messaging(Address { node: our, process: ProcessRef::TERMINAL }));
        }
        steps.push(Step::command(Command::Kill(*id), names, our));
        let init = Initialize { id: *id, on_exit, initial_capabilities: vec![], public: entry.public };
        let blob = Blob { mime: None, bytes };
        steps.push(Step::command(Command::Initialize(Box::new(init)), names, our).carrying(blob));
        steps.push(Step::command(Command::Grant(*id, wanted), names, our));
    }
    for (entry, id) in manifest.iter().zip(&ids) {
        let issuer = Address { node: our, process: *id };
        for asked in &entry.grant_capabilities {
            let (holder, params) = asked.parts(names);
            let capability = Capability { issuer, params };
            steps.push(Step::command(Command::Grant(holder, vec![capability]), names, our));
        }
        if installer.waits_for_disk {
            // The disk does one thing after the other: what it is asked last is answered when all else is done.
            let look = serde_json::json!({ "path": format!("{}/manifest.json", drive(package)), "action": "Metadata" });
            steps.push(Step::request(vfs, Some(60), look.to_string().as_str().into()));
        }
        // As the app store does it: a process runs before the grants of those behind it are made.
        steps.push(Step::command(Command::Run(*id), names, our));
        if installer.lets_start && Some(id) != ids.last() {
            let timer = Address { node: our, process: ProcessRef::TIMER };
            let sleep = serde_json::json!({ "SetTimer": STARTING });
            steps.push(Step::request(timer, Some(60), sleep.to_string().as_str().into()));
        }
    }
    Ok(steps)
}

/// What uninstalling asks of the kernel: every process is killed. The drive is removed by its owner afterwards.
pub fn uninstall(package: &str, manifest: &[Entry], names: &mut Names, our: NodeId) -> Vec<Step> {
    let id = |entry: &Entry, names: &mut Names| names.process(&format!("{}:{package}", entry.process_name));
    manifest
        .iter()
        .map(|entry| {
            let id = id(entry, names);
            Step::command(Command::Kill(id), names, our)
        })
        .collect()
}

impl Asked {
    fn process(&self) -> &str {
        match self {
            Asked::Messaging(process) | Asked::Other { process, .. } => process,
        }
    }

    fn parts(&self, names: &mut Names) -> (ProcessRef, kernel_core::ParamsRef) {
        match self {
            Asked::Messaging(process) => (names.process(process), kernel_core::ParamsRef::MESSAGING),
            Asked::Other { process, params } => (names.process(process), names.params(&params.to_string())),
        }
    }

    fn capability(&self, names: &mut Names, our: NodeId) -> Option<Capability> {
        let (process, params) = self.parts(names);
        Some(Capability { issuer: Address { node: our, process }, params })
    }
}
