//! Where a user's package is, and what is wrong with it there: a folder, a zip archive, or one file of code.
//!
//! All of it goes onto the package's drive, as an install would have it: a process reads its own `ui/` and spawns from
//! files that no manifest names. Code is compiled here, so that what is wrong with it is said with its file's name.

use crate::files::{self, FileError};
use crate::guest::image::Loader;
use crate::package::archive::{self, FILE_BYTES_MAX};
use crate::package::{self, Content, Package, shortened};
use kernel_core::{Names, ProcessId, ProcessRef};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Who published a package that does not say so itself.
const PUBLISHER: &str = "check.os";
/// How many files a package has at most, and how many bytes together: each run has a copy of them on its disks.
const FILES_MAX: usize = archive::ENTRIES_MAX;
const ALL_BYTES_MAX: u64 = 64 << 20;
/// How many files are named where another is missed.
const SHOWN_MAX: usize = 10;
/// How many bytes the id of a package has at most.
const ID_BYTES_MAX: usize = 500;
/// How many bytes a metadata.json has at most.
const METADATA_BYTES_MAX: u64 = 1 << 20;
/// How many bytes a scripts.json has at most.
const SCRIPTS_BYTES_MAX: u64 = 4 << 20;

/// What is wrong with a package: which file, what, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct PackageError {
    /// The file or the folder; `archive.zip/file` for what is in an archive.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
}

/// A package's files, before anybody looked at them.
struct Found {
    /// What its paths are shown with: the folder, or the archive.
    place: String,
    /// By path from the package's root, without a leading slash.
    files: BTreeMap<String, Vec<u8>>,
    /// What metadata.json calls it, if there is one that says so.
    id: Option<String>,
}

/// Reads a package: a folder that holds a `manifest.json` or whose `pkg/` does, the `.zip` of one, or a single `.wasm`
/// or `.wat`. `id` is `package:publisher`; without one it is what `metadata.json` says, or the file's own name. `others`
/// are processes besides the runtime modules that a single file may message: a manifest says for itself whom it does.
///
/// # Errors
/// The first file that cannot be used, and why.
pub fn read(path: &Path, id: Option<&str>, others: &[String], loader: &Loader) -> Result<Package, PackageError> {
    let kind = fs::metadata(path).map_err(|error| wrong(path, error.to_string()))?;
    if kind.is_dir() {
        return assemble(folder(path)?, id, path, loader);
    }
    read_bytes(path, files::read(path, FILE_BYTES_MAX)?, id, others, loader)
}

/// Reads a package that is one file, by its content.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(
    path: &Path,
    bytes: Vec<u8>,
    id: Option<&str>,
    others: &[String],
    loader: &Loader,
) -> Result<Package, PackageError> {
    if is_archive(path, &bytes) {
        assemble(unpacked(path, &bytes)?, id, path, loader)
    } else {
        single(path, bytes, id, others, loader)
    }
}

/// Whether a file is an archive, by its name or its beginning.
fn is_archive(path: &Path, bytes: &[u8]) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("zip")) || bytes.starts_with(b"PK\x03\x04")
}

/// Whether a path is one file of code, which has no manifest that says how it is installed.
pub fn is_lone_file(path: &Path) -> bool {
    let bytes = || files::read(path, FILE_BYTES_MAX).unwrap_or_default();
    path.is_file() && !is_archive(path, &bytes())
}

/// The package of a lone file with another on-exit value than the one that is assumed.
pub fn with_on_exit(mut package: Package, on_exit: &str) -> Package {
    for (path, content) in &mut package.files {
        if let (true, Content::Bytes(bytes)) = (path == "/manifest.json", &*content)
            && let Ok(mut manifest) = serde_json::from_slice::<serde_json::Value>(bytes)
        {
            manifest[0]["on_exit"] = on_exit.into();
            *content = Content::Bytes(manifest.to_string().into_bytes().into());
        }
    }
    package
}

/// Whether a check of `path` reads `file`, so that nothing may be written to it.
#[cfg(feature = "cli")]
pub(crate) fn is_read(path: &Path, file: &Path) -> bool {
    let full = |path: &Path| fs::canonicalize(path).ok();
    // What is not there yet would be where its folder is.
    let folder = || full(file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")));
    let Some(place) = full(file).or_else(folder) else { return false };
    let Some(root) = root(path).and_then(|root| full(&root)) else { return full(path) == Some(place) };
    place.starts_with(&root) || metadata_files(&root).contains(&place)
}

fn wrong(path: impl AsRef<Path>, problem: impl Into<String>) -> PackageError {
    PackageError { path: path.as_ref().display().to_string(), problem: problem.into() }
}

impl From<FileError> for PackageError {
    fn from(FileError { path, problem }: FileError) -> PackageError {
        PackageError { path, problem }
    }
}

// ---- where the files are --------------------------------------------------------------------------------------------

/// The folder with the manifest: this one, or its `pkg/`.
fn root(path: &Path) -> Option<PathBuf> {
    let built = path.join("pkg");
    [path.to_path_buf(), built].into_iter().find(|root| root.join("manifest.json").is_file())
}

/// Where a folder's metadata.json may be: in it, or beside it.
fn metadata_files(root: &Path) -> Vec<PathBuf> {
    [Some(root), root.parent()].into_iter().flatten().map(|dir| dir.join("metadata.json")).collect()
}

/// A folder: all files below the one with the manifest.
fn folder(path: &Path) -> Result<Found, PackageError> {
    let Some(root) = root(path) else {
        let form = "a package folder holds a manifest.json, or a pkg/ that does, and the .wasm files that it names";
        return Err(wrong(path, format!("no manifest.json here nor in pkg/; {form}")));
    };
    let found = files::walk(&root)?;
    if found.len() > FILES_MAX {
        return Err(wrong(root, format!("more than {FILES_MAX} files; is it the folder of the package?")));
    }
    let mut files = BTreeMap::new();
    let mut room = ALL_BYTES_MAX;
    for file in found {
        let bytes = files::read(&file.path, FILE_BYTES_MAX)?;
        room = room.checked_sub(bytes.len() as u64).ok_or_else(|| too_large(&root))?;
        files.insert(file.name, bytes);
    }
    let mut id = None;
    for file in metadata_files(&fs::canonicalize(&root).unwrap_or_else(|_| root.clone())) {
        // Whatever it is: only what is not there is left out.
        if id.is_none() && fs::symlink_metadata(&file).is_ok() {
            id = named(&files::read(&file, METADATA_BYTES_MAX)?);
        }
    }
    Ok(Found { place: root.display().to_string(), files, id })
}

fn too_large(path: &Path) -> PackageError {
    let mebibytes = ALL_BYTES_MAX >> 20;
    wrong(path, format!("its files are more than {mebibytes} MiB together; is it the package, and nothing else?"))
}

fn too_long(path: impl AsRef<Path>, bytes: &[u8], most: u64) -> PackageError {
    wrong(path, format!("{} bytes; at most {most} are read", bytes.len()))
}

/// An archive: of the folder with the manifest, or of one above it.
fn unpacked(path: &Path, bytes: &[u8]) -> Result<Found, PackageError> {
    let entries = archive::unpack(bytes).map_err(|error| wrong(path, error.to_string()))?;
    let files = entries.into_iter().filter_map(|entry| Some((entry.path, entry.content?)));
    let mut files: BTreeMap<String, Vec<u8>> = files.collect();
    if files.values().map(|bytes| bytes.len() as u64).sum::<u64>() > ALL_BYTES_MAX {
        return Err(too_large(path));
    }
    let metadata = files.iter().find(|(path, _)| path.ends_with("metadata.json"));
    if let Some((file, bytes)) = metadata.filter(|(_, bytes)| bytes.len() as u64 > METADATA_BYTES_MAX) {
        return Err(too_long(path.join(file), bytes, METADATA_BYTES_MAX));
    }
    let id = metadata.and_then(|(_, bytes)| named(bytes));
    if !files.contains_key("manifest.json") {
        let manifests = files.keys().filter_map(|path| path.strip_suffix("/manifest.json"));
        let Some(root) = manifests.min_by_key(|root| (root.len(), root.to_string())).map(|root| format!("{root}/"))
        else {
            let mend = "a package's archive holds a manifest.json and the .wasm files that it names";
            return Err(wrong(path, format!("no manifest.json in the archive; {mend}")));
        };
        let below = files.into_iter().filter_map(|(path, bytes)| Some((path.strip_prefix(&root)?.to_string(), bytes)));
        files = below.collect();
    }
    Ok(Found { place: path.display().to_string(), files, id })
}

/// What a metadata.json calls its package.
fn named(metadata: &[u8]) -> Option<String> {
    let metadata: serde_json::Value = serde_json::from_slice(metadata).ok()?;
    let properties = metadata.get("properties")?;
    let id = format!("{}:{}", properties.get("package_name")?.as_str()?, properties.get("publisher")?.as_str()?);
    is_package(&id).then_some(id)
}

// ---- what they say --------------------------------------------------------------------------------------------------

/// The package that the files are: its manifest parses, and what it names is there and is code.
fn assemble(found: Found, id: Option<&str>, path: &Path, loader: &Loader) -> Result<Package, PackageError> {
    let Found { place, mut files, id: of_metadata } = found;
    let id = package_id(id, of_metadata, path)?;
    let place = |file: &str| Path::new(&place).join(file);
    let entries = package::parse_manifest(&id, &files["manifest.json"])
        .map_err(|error| wrong(place("manifest.json"), error.to_string()))?;
    package::missing_field(&id, &files["manifest.json"])
        .map_err(|error| wrong(place("manifest.json"), error.to_string()))?;
    if let Some(scripts) = files.get(SCRIPTS).filter(|scripts| scripts.len() as u64 > SCRIPTS_BYTES_MAX) {
        return Err(too_long(place(SCRIPTS), scripts, SCRIPTS_BYTES_MAX));
    }
    let entries = if entries.is_empty() {
        let Some(scripts) = files.get(SCRIPTS) else {
            return Err(wrong(place("manifest.json"), "it names no process: there is nothing to check"));
        };
        let manifest = manifest_of(scripts).map_err(|problem| wrong(place(SCRIPTS), problem))?;
        let entries =
            package::parse_manifest(&id, &manifest).map_err(|error| wrong(place(SCRIPTS), error.to_string()))?;
        files.insert("manifest.json".to_string(), manifest);
        entries
    } else {
        entries
    };
    for entry in &entries {
        let code = entry.process_wasm_path.trim_start_matches('/');
        let of = format!("(the code of process `{}`)", shortened(&entry.process_name));
        let Some(bytes) = files.get(code) else {
            let there = files.keys().filter(|file| file.ends_with(".wasm") || file.ends_with(".wat"));
            let there: Vec<String> = there.take(SHOWN_MAX).map(|file| shortened(file)).collect();
            let there = if there.is_empty() {
                "no .wasm at all: build the package first".to_string()
            } else {
                there.join(", ")
            };
            let file = place(&shortened(code));
            return Err(wrong(file, format!("no such file {of}; there is {there}")));
        };
        loader.load(bytes).map_err(|error| wrong(place(code), format!("{error} {of}")))?;
    }
    let files = files.into_iter().map(|(path, bytes)| (format!("/{path}"), Content::Bytes(bytes.into())));
    Ok(Package { id, files: files.collect() })
}

/// The file that lists a package's scripts: what its owner runs from the terminal.
pub(super) const SCRIPTS: &str = "scripts.json";

/// A manifest of a package's scripts, as the terminal starts them: each under its file's name, with on-exit None.
fn manifest_of(scripts: &[u8]) -> Result<Vec<u8>, String> {
    let scripts: BTreeMap<String, serde_json::Value> = serde_json::from_slice(scripts)
        .map_err(|error| format!("no object of scripts by their files, and the manifest names no process: {error}"))?;
    if scripts.is_empty() {
        return Err("it names no script, and the manifest no process: there is nothing to check".to_string());
    }
    let entry = |(file, script): (&String, &serde_json::Value)| {
        let list = |name: &str| script[name].as_array().cloned().unwrap_or_default();
        let truth = |name: &str| script[name].as_bool().unwrap_or_default();
        serde_json::json!({
            "process_name": plain_name(Path::new(file)), "process_wasm_path": format!("/{file}"), "on_exit": "None",
            "request_networking": truth("request_networking"), "request_capabilities": list("request_capabilities"),
            "grant_capabilities": list("grant_capabilities"), "public": truth("public"),
        })
    };
    Ok(serde_json::Value::from(scripts.iter().map(entry).collect::<Vec<_>>()).to_string().into_bytes())
}

/// One file of code: a package of one process that restarts, is public, and may message every runtime module and the
/// others.
fn single(
    path: &Path,
    code: Vec<u8>,
    id: Option<&str>,
    others: &[String],
    loader: &Loader,
) -> Result<Package, PackageError> {
    loader.load(&code).map_err(|error| wrong(path, error.to_string()))?;
    let id = package_id(id, None, path)?;
    let modules = ProcessRef::modules().map(|module| Names::new().process_text(module).to_string());
    let all: Vec<String> = modules.chain(others.iter().cloned()).collect();
    let manifest = serde_json::json!([{
        "process_name": plain_name(path), "process_wasm_path": "/process.wasm", "on_exit": "Restart",
        "request_networking": true, "request_capabilities": all, "grant_capabilities": all, "public": true,
    }]);
    let mut package = Package::new(&id, &manifest.to_string());
    package.files.push(("/process.wasm".to_string(), Content::Bytes(code.into())));
    Ok(package)
}

/// What the package is called: as it was asked for, as it says itself, or as its file is called.
fn package_id(asked: Option<&str>, of_metadata: Option<String>, path: &Path) -> Result<String, PackageError> {
    if let Some(asked) = asked {
        let form = "it has the form package:publisher, of a-z 0-9 - (and . in the publisher)";
        if asked == RUNTIME {
            return Err(wrong(path, format!("`{asked}` is the package of the runtime's modules; take another id")));
        }
        return if is_package(asked) {
            Ok(asked.to_string())
        } else {
            Err(wrong(path, format!("`{}` is not a package's id; {form}", shortened(asked))))
        };
    }
    let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| is_package(stem));
    if of_metadata.as_deref() == Some(RUNTIME) {
        return Err(wrong(path, format!("metadata.json calls it {RUNTIME}, which are the modules of the runtime")));
    }
    let of_file = || stem.map_or_else(|| format!("{}:{PUBLISHER}", plain_name(path)), str::to_string);
    Ok(of_metadata.unwrap_or_else(of_file))
}

/// A package as the next version of another: under the same id. Of two lone files the code of the one takes the place of
/// the other's, whatever they are called.
///
/// # Errors
/// Two packages with different ids, in words.
pub fn next_version(old: &Package, new: Package, are_lone_files: bool) -> Result<Package, String> {
    let is_code = |(path, _): &&(String, Content)| path == "/process.wasm";
    if are_lone_files && let Some((_, code)) = new.files.iter().find(is_code) {
        let files = old.files.iter().filter(|file| !is_code(file)).cloned();
        let files = files.chain([("/process.wasm".to_string(), code.clone())]).collect();
        return Ok(Package { id: old.id.clone(), files });
    }
    if old.id == new.id {
        return Ok(new);
    }
    Err(format!("--upgrade-from: that is {}, and this is {}; `--id` gives both the same", old.id, new.id))
}

/// What metadata.json says a package is called, if that is nothing that a node accepts: then it is not called so.
pub fn illegal_name(path: &Path) -> Option<String> {
    let full = fs::canonicalize(path).ok()?;
    if full.is_file() {
        let bytes = files::read(&full, FILE_BYTES_MAX).ok().filter(|bytes| is_archive(path, bytes))?;
        return unusable_name(&archive::file_ending(&bytes, "metadata.json")?);
    }
    let places = [Some(full.join("pkg")), Some(full.clone()), full.parent().map(Path::to_path_buf)];
    let places = places.into_iter().flatten().filter(|dir| dir.join("manifest.json").is_file() || *dir != full);
    let files = places.map(|dir| dir.join("metadata.json")).filter(|file| file.is_file() && full.is_dir());
    let bytes = files.filter_map(|file| files::read(&file, METADATA_BYTES_MAX).ok()).next()?;
    unusable_name(&bytes)
}

/// What a metadata.json calls its package, if no node accepts that.
fn unusable_name(metadata: &[u8]) -> Option<String> {
    if named(metadata).is_some() {
        return None;
    }
    let metadata: serde_json::Value = serde_json::from_slice(metadata).unwrap_or_default();
    let said = |name: &str| metadata["properties"][name].as_str().unwrap_or("nothing").to_string();
    Some(format!("package_name: {}, publisher: {}", said("package_name"), said("publisher")))
}

/// The package of the runtime modules.
const RUNTIME: &str = "distro:sys";

fn is_package(id: &str) -> bool {
    id.len() <= ID_BYTES_MAX && ProcessId::split(&format!("p:{id}")).is_some_and(|id| id.is_legal())
}

/// A file's or folder's name as a legal process name; that of `pkg` is its parent's.
fn plain_name(path: &Path) -> String {
    let full = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let named = if full.file_name().is_some_and(|name| name == "pkg") { full.parent().unwrap_or(&full) } else { &full };
    let stem = named.file_stem().and_then(|stem| stem.to_str()).unwrap_or("package");
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    stem.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (path, text) in files {
            zip.start_file(*path, zip::write::SimpleFileOptions::default()).expect("there is room in memory");
            zip.write_all(text.as_bytes()).expect("there is room in memory");
        }
        zip.finish().expect("there is room in memory").into_inner()
    }

    #[test]
    fn what_an_archive_says_of_itself_has_a_bound() {
        let list = format!("[{}0]", "0,".repeat(4 << 20));
        for file in ["metadata.json", "scripts.json"] {
            let bytes = archive(&[("manifest.json", "[]"), (file, &list)]);
            let error =
                read_bytes(Path::new("it.zip"), bytes, None, &[], &Loader::default()).expect_err("it is too long");
            assert_eq!(error.path, format!("it.zip/{file}"));
            assert!(error.problem.starts_with("8388611 bytes; at most"), "{error}");
        }
    }

    #[test]
    fn a_name_that_no_node_accepts_is_told_of_an_archive_too() {
        let named = |name: &str| {
            let metadata = format!(r#"{{"properties": {{"package_name": "{name}", "publisher": "me.os"}}}}"#);
            archive(&[("pkg/manifest.json", "[]"), ("metadata.json", &metadata)])
        };
        let folder = tempfile::tempdir().expect("there is a folder for such things");
        let told = |name: &str| {
            let path = folder.path().join("it.zip");
            fs::write(&path, named(name)).expect("it can be written to");
            illegal_name(&path)
        };
        assert_eq!(told("Hypergrid"), Some("package_name: Hypergrid, publisher: me.os".to_string()));
        assert_eq!(told("hypergrid"), None);
    }
}
