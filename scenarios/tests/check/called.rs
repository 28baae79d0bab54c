//! The vocabulary: a folder of a test's own, a check of something, and what came of it.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A folder of a test's own.
pub struct Folder(pub TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().expect("there is a folder for such things"))
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    pub fn with(self, file: &str, content: impl AsRef<[u8]>) -> Folder {
        fs::write(self.path(file), content).expect("the folder can be written to");
        self
    }

    /// Checks a file in it.
    pub fn check(&self, file: &str, arguments: &[&str]) -> Checked {
        check(&self.path(file), self.0.path(), arguments)
    }
}

/// What came of a check.
pub struct Checked {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Checks something; paths among the arguments are relative to a folder.
pub fn check(package: &Path, folder: &Path, arguments: &[&str]) -> Checked {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinode-sim"));
    command.current_dir(folder).arg("check").arg(package).args(arguments);
    called(&mut command)
}

pub fn called(command: &mut Command) -> Checked {
    let output = command.stdin(Stdio::null()).output().expect("the program can be started");
    let text = |bytes| String::from_utf8(bytes).expect("what it writes is text");
    let code = output.status.code().expect("it ends by itself");
    Checked { code, out: text(output.stdout), err: text(output.stderr) }
}

impl Checked {
    pub fn must_end(self, code: i32) -> Checked {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert!(code == 2 || self.err.is_empty(), "nothing is wrong, and nobody watches: {}", self.err);
        self
    }

    pub fn must_say(self, parts: &[&str]) -> Checked {
        for part in parts {
            assert!(self.out.contains(part), "no {part:?} in\n{}", self.out);
        }
        self
    }

    pub fn records(&self, kind: &str) -> Vec<Value> {
        let record = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(record).filter(|record: &Value| record["kind"] == kind).collect()
    }

    /// The line that replays the failure told in full.
    pub fn replay(&self) -> &str {
        let line = self.out.lines().find_map(|line| line.trim_start().strip_prefix("replay: "));
        line.unwrap_or_else(|| panic!("no line to paste in\n{}", self.out))
    }
}

/// A committed guest.
pub fn built(guest: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/guests/built")).join(format!("{guest}.wasm"))
}

/// A guest in text, with these imports of the process world, whose `init` is `body`.
pub fn guest(imports: &[&str], body: &str) -> String {
    guest_with(&[], imports, body)
}

/// The same, with these texts in its memory, each at its address.
pub fn guest_with(texts: &[(u32, &str)], imports: &[&str], body: &str) -> String {
    let import = |import: &&str| {
        let (name, params) = import.split_once(' ').unwrap_or((import, ""));
        format!(r#"(import "hyperware:process/standard@1.0.0" "{name}" (func ${name} (param {params})))"#)
    };
    let imports: String = imports.iter().map(import).collect();
    let data = |(at, text): &(u32, &str)| {
        let bytes: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        format!("(data (i32.const {at}) \"{bytes}\")")
    };
    let data: String = texts.iter().map(data).collect();
    format!(
        r#"(module {imports} (memory (export "memory") 2) (global $next (mut i32) (i32.const 65536))
            (data (i32.const 16) "text") {data}
            (func $deeper (param i32) (result i32) (i32.add (i32.const 1) (call $deeper (local.get 0))))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (global.set $next (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
                (global.get $next)
                (global.set $next (i32.add (global.get $next) (local.get 3))))
            (func (export "init") (param i32 i32) {body}))"#
    )
}

/// The calls that [`request`] and [`PAGE`] need, and those that save.
pub const CALLS: [&str; 7] = [
    "receive i32",
    "send-request i32",
    "send-and-await-response i32 i32",
    "send-response i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32",
    "get-state i32",
    "set-state i32 i32",
    "print-to-terminal i32 i32 i32",
];

/// Stores a request at 512: to a module of the own node, which is called alice.os, with the body of so many bytes at 2100;
/// it expects an answer within so many seconds, or none. The name of the module is at 2000.
pub fn request(module: &str, body: &str, seconds: u32) -> String {
    let store = |at: u32, value: usize| format!("(i32.store (i32.const {at}) (i32.const {value}))");
    let address = [store(516, 8), store(520, 2000), store(524, module.len())].concat();
    let package = [store(528, 2050), store(532, 6), store(536, 2060), store(540, 3)].concat();
    let expects = [store(552, usize::from(seconds > 0)), store(560, seconds as usize)].concat();
    format!(
        "(i32.store (i32.const 512) (local.get 0)) {address} {package} {expects} {} {}",
        store(568, 2100),
        store(572, body.len())
    )
}

/// The texts that go with such a request.
pub fn texts<'a>(module: &'a str, body: &'a str) -> Vec<(u32, &'a str)> {
    vec![(2000, module), (2050, "distro"), (2060, "sys"), (2100, body), (2400, r#"{"status":200,"headers":{}}"#)]
}

/// Binds `/`.
pub const BIND: &str = r#"{"Bind":{"path":"/","authenticated":false,"local_only":false,"cache":false}}"#;

/// A guest that binds `/` and answers each request with the digit at 3000, after `each`; it begins with `start`.
pub fn page(start: &str, each: &str) -> String {
    let bind = request("http-server", BIND, 0);
    let answer = "(call $send-response (i32.const 0) (i32.const 2400) (i32.const 27) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 8) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 3000) (i32.const 1))";
    let body = format!(
        "(i32.store8 (i32.const 3000) (i32.const 48)) {start} {bind} (call $send-request (i32.const 512))
        (loop $again (call $receive (i32.const 64))
            (if (i32.eqz (i32.load8_u (i32.const 104))) (then {each} {answer})) (br $again))"
    );
    guest_with(&texts("http-server", BIND), &CALLS, &body)
}

/// Counts in the digit at 3000.
pub const COUNTS: &str = "(i32.store8 (i32.const 3000) (i32.add (i32.load8_u (i32.const 3000)) (i32.const 1)))";
/// Reads the digit from the saved state, if there is any; and saves it.
pub const RESUMES: &str = "(call $get-state (i32.const 200))
    (if (i32.load8_u (i32.const 200)) (then (i32.store8 (i32.const 3000) (i32.load8_u (i32.load (i32.const 204))))))";
pub const SAVES: &str = "(call $set-state (i32.const 3000) (i32.const 1))";

/// What is sent to a counter, and what must hold of it.
pub fn workload(process: &str) -> String {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/workloads")).join(format!("{process}.toml"));
    fs::read_to_string(path).expect("it is committed")
}

/// A package of committed guests: each by its process name, its on-exit value, and whom it may message.
pub fn package(processes: &[(&str, &str, &str, &[&str])], more: &[&str]) -> Folder {
    let entry = |(name, guest, on_exit, messages): &(&str, &str, &str, &[&str])| {
        let on_exit: Value = serde_json::from_str(on_exit).expect("it is JSON");
        serde_json::json!({
            "process_name": name, "process_wasm_path": format!("/{guest}.wasm"), "on_exit": on_exit, "public": false,
            "request_networking": false, "request_capabilities": messages, "grant_capabilities": [],
        })
    };
    let manifest: Vec<Value> = processes.iter().map(entry).collect();
    let guests = processes.iter().map(|(_, guest, ..)| *guest).chain(more.iter().copied());
    let folder = Folder::new().with("manifest.json", Value::from(manifest).to_string());
    let folder = folder.with("metadata.json", r#"{"properties": {"package_name": "demo", "publisher": "me.os"}}"#);
    guests.fold(folder, |folder, guest| {
        folder.with(&format!("{guest}.wasm"), fs::read(built(guest)).expect("it is built"))
    })
}
