//! A user's package in every shape it comes in, and every way in which it can be none. All of them are made here.

use sim::check::read;
use sim::guest::image::Loader;
use sim::package::archive::{ALL_BYTES_MAX, ENTRIES_MAX, FILE_BYTES_MAX};
use sim::package::{Content, Package};
use std::fs::{self, File};
use std::io::{Cursor, Write};
use std::path::Path;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A process that returns at once.
const PROCESS: &str = r#"(module (memory (export "memory") 2)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
    (func (export "init") (param i32 i32)))"#;

const MANIFEST: &str = r#"[{"process_name": "chess", "process_wasm_path": "/chess.wasm", "on_exit": "Restart",
    "request_networking": true, "request_capabilities": ["net:distro:sys"],
    "grant_capabilities": ["http-server:distro:sys"], "public": true}]"#;

const METADATA: &str =
    r#"{"name": "Chess", "properties": {"package_name": "chess", "publisher": "template.os", "wit_version": 1}}"#;

fn wasm() -> Vec<u8> {
    wat::parse_str(PROCESS).expect("the text of a test parses")
}

/// A folder with these files.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().expect("there is a folder for such things");
    for (path, bytes) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder can be written to");
        fs::write(path, bytes).expect("the folder can be written to");
    }
    dir
}

/// The bytes of an archive with these files.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    archived(|zip| {
        for (path, bytes) in files {
            zip.start_file(*path, SimpleFileOptions::default()).expect("an archive in memory takes all");
            zip.write_all(bytes).expect("an archive in memory takes all");
        }
    })
}

fn archived(fill: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    fill(&mut zip);
    zip.finish().expect("an archive in memory can be finished").into_inner()
}

/// What is read of a file of this name and content.
fn read_file(name: &str, bytes: &[u8]) -> Result<Package, String> {
    let dir = folder(&[(name, bytes)]);
    read(&dir.path().join(name), None, &[], &Loader::default()).map_err(|error| error.to_string())
}

fn read_folder(path: &Path) -> Result<Package, String> {
    read(path, None, &[], &Loader::default()).map_err(|error| error.to_string())
}

/// The names of a package's files.
fn files(package: &Package) -> Vec<&str> {
    package.files.iter().map(|(path, _)| path.as_str()).collect()
}

fn assert_says(result: Result<Package, String>, parts: &[&str]) {
    let error = result.expect_err("it is no package");
    for part in parts {
        assert!(error.contains(part), "{error:?} should say {part:?}");
    }
}

#[test]
fn a_folder_an_archive_and_the_folder_above_are_one_package() {
    let wasm = wasm();
    let in_pkg: [(&str, &[u8]); 5] = [
        ("metadata.json", METADATA.as_bytes()),
        ("pkg/manifest.json", MANIFEST.as_bytes()),
        ("pkg/chess.wasm", &wasm),
        ("pkg/ui/index.html", b"<html>"),
        ("pkg/.hidden", b"nobody's business"),
    ];
    let dir = folder(&in_pkg);
    let above = read_folder(dir.path()).expect("the folder above pkg/ is a package");
    assert_eq!(above.id, "chess:template.os");
    assert_eq!(files(&above), ["/chess.wasm", "/manifest.json", "/ui/index.html"]);
    assert_eq!(read_folder(&dir.path().join("pkg")).expect("pkg/ itself is a package"), above);

    let in_root: Vec<(&str, &[u8])> =
        in_pkg[1..4].iter().map(|(path, bytes)| (path.trim_start_matches("pkg/"), *bytes)).collect();
    let of_root = read_file("chess:template.os.zip", &archive(&in_root)).expect("the zip of pkg/ is a package");
    assert_eq!(of_root, above, "its name is its id");
    let of_all = read_file("anything.zip", &archive(&in_pkg[..4])).expect("the zip of the folder above is a package");
    assert_eq!(of_all, above, "its metadata.json has its id");
    let unnamed = read_file("My Chess.zip", &archive(&in_root)).expect("any name will do");
    assert_eq!(unnamed.id, "my-chess:check.os");
}

#[test]
fn stored_and_deflated_entries_hold_the_same() {
    let wasm = wasm();
    let with = |method| {
        archived(|zip| {
            for (path, bytes) in [("manifest.json", MANIFEST.as_bytes()), ("chess.wasm", &wasm)] {
                zip.add_directory("ui", SimpleFileOptions::default()).ok();
                let options = SimpleFileOptions::default().compression_method(method);
                zip.start_file(path, options).expect("an archive in memory takes all");
                zip.write_all(bytes).expect("an archive in memory takes all");
            }
        })
    };
    let stored = read_file("chess.zip", &with(CompressionMethod::Stored)).expect("a package");
    assert_eq!(stored, read_file("chess.zip", &with(CompressionMethod::Deflated)).expect("a package"));
    // What an archive is, its first bytes say.
    assert_eq!(stored.files, read_file("chess", &with(CompressionMethod::Stored)).expect("a package").files);
}

#[test]
fn one_file_of_code_is_a_package_that_may_message_every_runtime_module() {
    for (name, bytes) in [("hello.wasm", wasm()), ("hello.wat", PROCESS.as_bytes().to_vec())] {
        let package = read_file(name, &bytes).expect("a package");
        assert_eq!(package.id, "hello:check.os");
        assert_eq!(files(&package), ["/manifest.json", "/process.wasm"]);
        let Content::Bytes(manifest) = &package.files[0].1 else { panic!("it is made of bytes") };
        let manifest = std::str::from_utf8(manifest).expect("it is text");
        for part in ["\"hello\"", "\"vfs:distro:sys\"", "\"Restart\""] {
            assert!(manifest.contains(part), "no {part} in {manifest}");
        }
    }
}

#[test]
fn text_is_taken_wherever_a_manifest_names_code() {
    let manifest = MANIFEST.replace("chess.wasm", "chess.wat");
    let dir = folder(&[("manifest.json", manifest.as_bytes()), ("chess.wat", PROCESS.as_bytes())]);
    assert_eq!(files(&read_folder(dir.path()).expect("a package")), ["/chess.wat", "/manifest.json"]);
}

#[test]
fn an_id_that_is_asked_for_is_taken_or_refused() {
    let dir = folder(&[("chess.wasm", &wasm())]);
    let path = dir.path().join("chess.wasm");
    let named = |id| read(&path, Some(id), &[], &Loader::default());
    assert_eq!(named("a:b.os").expect("an id").id, "a:b.os");
    for wrong in ["a", "a:b:c", "A:b", "a:", "a b:c", ""] {
        let error = named(wrong).expect_err("no id").to_string();
        assert!(
            error.contains(&format!("`{wrong}` is not a package's id; it has the form package:publisher")),
            "{error}"
        );
    }
}

#[test]
fn what_a_folder_lacks_is_named() {
    let wasm = wasm();
    let with = |files: &[(&str, &[u8])]| read_folder(folder(files).path());
    let json = |text: &'static str| ("manifest.json", text.as_bytes());
    assert_says(read_folder(Path::new("/no/such/folder")), &["/no/such/folder: ", "No such file"]);
    assert_says(with(&[("chess.wasm", &wasm)]), &["no manifest.json here nor in pkg/", "holds a manifest.json"]);
    assert_says(with(&[json("[{]")]), &["manifest.json: ", "not a JSON list", "line 1 column 3"]);
    assert_says(with(&[json("{}")]), &["not a JSON list"]);
    assert_says(with(&[json("[]")]), &["manifest.json: it names no process"]);
    assert_says(with(&[json("[{}]")]), &["entry 1", "missing field `process_name`"]);
    assert_says(
        with(&[json(MANIFEST)]),
        &["chess.wasm: no such file (the code of process `chess`)", "build the package"],
    );
    assert_says(with(&[json(MANIFEST), ("old/chess2.wasm", &wasm)]), &["no such file", "there is old/chess2.wasm"]);
    let escaping = MANIFEST.replace("/chess.wasm", "../../secret.wasm");
    assert_says(with(&[("manifest.json", escaping.as_bytes())]), &["../../secret.wasm: no such file"]);
}

#[test]
fn code_that_is_none_is_named_with_its_file() {
    let wasm = wasm();
    let with =
        |code: &[u8]| read_folder(folder(&[("manifest.json", MANIFEST.as_bytes()), ("chess.wasm", code)]).path());
    let of = "(the code of process `chess`)";
    assert_says(with(b""), &["chess.wasm: not a Wasm file: the file is empty", of]);
    assert_says(with(&wasm[..wasm.len() - 3]), &["chess.wasm: the Wasm file is truncated at byte", of]);
    let importing = |import: &str| PROCESS.replacen("(memory", &format!("{import} (memory"), 1);
    let preview_2 = importing(r#"(import "wasi:io/poll@0.2.0" "poll" (func (param i32 i32 i32)))"#);
    assert_says(with(preview_2.as_bytes()), &["`poll` from `wasi:io/poll@0.2.0`", "WASI preview 2", of]);
    let old = importing(r#"(import "uqbar:process/standard@0.3.0" "receive" (func (param i32)))"#);
    assert_says(with(old.as_bytes()), &["`uqbar:process/standard@0.3.0`", "older than 0.7", of]);
    let no_init = PROCESS.replace("\"init\"", "\"main\"");
    assert_says(with(no_init.as_bytes()), &["no export `init`", "process-v1", of]);
    // A component of no core module: what is left when `init` is nowhere in it, as with toolchains that link at run time.
    assert_says(with(b"\0asm\x0d\0\x01\0"), &["a component of another shape", "JavaScript and Python", of]);
}

#[test]
fn a_file_too_large_for_a_process_is_not_read() {
    let dir = folder(&[]);
    for name in ["huge.wasm", "huge.zip"] {
        let path = dir.path().join(name);
        File::create(&path).and_then(|file| file.set_len(200 << 20)).expect("a file with a hole takes no room");
        assert_says(read_folder(&path), &[name, "209715200 bytes", &format!("at most {FILE_BYTES_MAX}")]);
    }
}

#[test]
fn what_is_wrong_with_an_archive_is_named() {
    let good = archive(&[("manifest.json", MANIFEST.as_bytes()), ("chess.wasm", &wasm())]);
    assert_says(read_file("chess.zip", b"this is no archive"), &["chess.zip: not a zip archive"]);
    assert_says(read_file("chess.zip", &good[..good.len() - 30]), &["chess.zip: not a zip archive"]);
    let empty = archive(&[]);
    assert_says(read_file("chess.zip", &empty), &["no manifest.json in the archive", "and the .wasm files"]);
    let without = archive(&[("pkg/manifest.json", MANIFEST.as_bytes())]);
    assert_says(read_file("chess.zip", &without), &["chess.zip/chess.wasm: no such file", "build the package first"]);

    for name in ["../escaped", "a/../../escaped", "/etc/escaped", "C:\\escaped"] {
        let escaping = archived(|zip| {
            // The writer tidies names up: this one is as long, and is put in its place.
            zip.start_file("x".repeat(name.len()), SimpleFileOptions::default()).expect("an archive takes all");
        });
        let escaping = replaced(escaping, "x".repeat(name.len()).as_bytes(), name.as_bytes());
        assert_says(read_file("chess.zip", &escaping), &["chess.zip: ", &format!("`{name}` leads out of the archive")]);
    }
    let linked =
        archived(|zip| zip.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).expect("it takes all"));
    assert_says(read_file("chess.zip", &linked), &["`link` is neither a file nor a directory"]);

    let mut damaged = archived(|zip| {
        zip.start_file("ui", SimpleFileOptions::default().compression_method(CompressionMethod::Stored)).expect("all");
        zip.write_all(b"it says what it says").expect("an archive in memory takes all");
    });
    let at = damaged.windows(7).position(|bytes| bytes == b"it says").expect("it is stored");
    damaged[at] ^= 1;
    assert_says(read_file("chess.zip", &damaged), &["its entry `ui` is damaged", "copy the archive again"]);
    // Method 12 is bzip2, in both places that say so.
    let exotic = replaced(good, b"\x08\0", b"\x0c\0");
    assert_says(read_file("chess.zip", &exotic), &["compressed in a way that is not known here", "deflate"]);
}

#[test]
fn an_archive_that_unpacks_without_end_is_stopped() {
    let zeros = vec![0; 1 << 20];
    let bomb = |files: usize, mib: u64| {
        archived(|zip| {
            for file in 0..files {
                zip.start_file(format!("{file}"), SimpleFileOptions::default()).expect("an archive takes all");
                (0..mib).for_each(|_| zip.write_all(&zeros).expect("an archive in memory takes all"));
            }
        })
    };
    let one = bomb(1, (FILE_BYTES_MAX >> 20) + 1);
    assert!(one.len() < 1 << 20, "it is small");
    assert_says(read_file("bomb.zip", &one), &["`0` unpacks to more than", &FILE_BYTES_MAX.to_string()]);
    let many = bomb(5, FILE_BYTES_MAX >> 20);
    assert_says(read_file("bomb.zip", &many), &["in all: `4` is the first beyond", &ALL_BYTES_MAX.to_string()]);
    let entries = bomb(ENTRIES_MAX + 1, 0);
    assert_says(read_file("bomb.zip", &entries), &[&format!("{} entries", ENTRIES_MAX + 1)]);
}

/// With every occurrence replaced by as many bytes.
fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    for at in 0..bytes.len().saturating_sub(from.len()) {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
    bytes
}

#[test]
fn a_manifest_that_a_node_would_refuse_is_refused_with_the_field_and_the_mend() {
    let refused = |manifest: &str| {
        let dir = folder(&[("manifest.json", manifest.as_bytes()), ("chess.wasm", &wasm())]);
        read(dir.path(), None, &[], &Loader::default()).expect_err("it is wrong").to_string()
    };
    let twice = format!("[{0},{0}]", MANIFEST.trim_start_matches('[').trim_end_matches(']'));
    for (manifest, says) in [
        (MANIFEST.replace("\"public\": true", "\"public\": null"), "`public` is null; it is true or false"),
        (MANIFEST.replace("\"/chess.wasm\"", "7"), "process `chess`: `process_wasm_path` is 7; it is a text"),
        (MANIFEST.replace("[\"net:distro:sys\"]", "{}"), "`request_capabilities` is {}; it is a list"),
        (MANIFEST.replace(", \"public\": true", ""), "process `chess`: it has no `public`; a node does not install"),
        ("[5]".to_string(), "entry 1: 5 is no process: an entry is an object with process_name"),
        (twice, "process `chess`: it is there twice"),
        (format!("\u{feff}{MANIFEST}"), "it begins with a byte order mark"),
    ] {
        let text = refused(&manifest);
        assert!(text.contains(says), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_neither_a_file_nor_a_folder_is_not_read() {
    let refused = |path: &Path| read(path, None, &[], &Loader::default()).expect_err("it is no package").to_string();
    assert!(refused(Path::new("/dev/zero")).contains("neither a file nor a folder"));
    let dir = folder(&[("manifest.json", MANIFEST.as_bytes()), ("chess.wasm", &wasm())]);
    let socket = dir.path().join("socket");
    let _listens = std::os::unix::net::UnixListener::bind(&socket).expect("the folder takes a socket");
    assert!(refused(dir.path()).contains("socket: neither a file nor a folder"));
}
