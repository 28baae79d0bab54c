//! Guests made for one test each: their memory is written byte by byte, so that nothing here shares code with what
//! is tested.

use kernel_core::{Address, Answer, Blob, Bytes, Call, Capability, Names, Outgoing, Request};
use sim::guest::wasm::{Limits, Program, WasmGuest};
use sim::guest::{Guest, Reply, Trap, Turn};
use std::collections::VecDeque;
use std::fmt::Write;

/// Every import of the world with its number of parameters; `has-blob` alone has a result.
pub const IMPORTS: [(&str, usize); 19] = [
    ("print-to-terminal", 3),
    ("our", 1),
    ("get-on-exit", 1),
    ("set-on-exit", 3),
    ("get-state", 1),
    ("set-state", 2),
    ("clear-state", 0),
    ("spawn", 14),
    ("save-capabilities", 2),
    ("drop-capabilities", 2),
    ("our-capabilities", 1),
    ("receive", 1),
    ("has-blob", 0),
    ("get-blob", 1),
    ("last-blob", 1),
    ("send-request", 1),
    ("send-requests", 2),
    ("send-response", 14),
    ("send-and-await-response", 2),
];

pub const STANDARD: &str = "hyperware:process/standard@1.0.0";

/// The imports that exist in the world that `module` names, as text.
pub fn imports(module: &str) -> String {
    let old = module.contains("@0.");
    let mut text = String::new();
    for (name, n) in IMPORTS {
        if old && ["our", "has-blob", "last-blob"].contains(&name) {
            continue;
        }
        let params = "i32 ".repeat(n);
        let result = if name == "has-blob" { "(result i32)" } else { "" };
        writeln!(text, r#"(import "{module}" "{name}" (func ${name} (param {params}) {result}))"#).expect("text grows");
    }
    text
}

/// An allocator that never frees, and clears nothing. It begins at the second page.
pub const ALLOCATOR: &str = "
    (global $next (mut i32) (i32.const 65536))
    (func $realloc (export \"cabi_realloc\") (param $old i32) (param $n i32) (param $align i32) (param $size i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and
            (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
            (i32.sub (i32.const 0) (local.get $align))))
        (global.set $next (i32.add (local.get $at) (local.get $size)))
        (local.get $at))";

/// A guest of the world `module` with `pages` of memory that begin with `data`, whose `init` is `body`.
pub fn guest(module: &str, pages: usize, data: &[u8], body: &str) -> String {
    let data: String = data.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!(
        r#"(module {} (memory (export "memory") {pages}) (data (i32.const 0) "{data}") {ALLOCATOR}
            (func (export "init") (param $our i32) (param $our-n i32) {body}))"#,
        imports(module)
    )
}

/// Calls `import` with constants.
pub fn call(import: &str, arguments: &[u32]) -> String {
    let arguments: String = arguments.iter().map(|n| format!("(i32.const {n}) ")).collect();
    format!("(call ${import} {arguments})")
}

/// A guest being run by a test.
pub struct Life {
    pub guest: WasmGuest,
    pub names: Names,
    pub ahead: VecDeque<Call>,
    pub our: Address,
}

impl Life {
    pub fn of(wat: &str) -> Life {
        Life::with(wat, &Limits::default())
    }

    pub fn with(wat: &str, limits: &Limits) -> Life {
        let program = Program::load(wat.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        Life::start(&program, limits)
    }

    pub fn start(program: &Program, limits: &Limits) -> Life {
        let mut names = Names::new();
        let node = names.node("alice.os");
        let our = Address { node, process: names.process("odd:test:alice.os") };
        Life { guest: program.start(limits, 7), names, ahead: VecDeque::new(), our }
    }

    pub fn resume(&mut self, reply: Reply) -> Turn {
        self.ahead.clear();
        self.guest.resume(&mut self.names, reply, &mut self.ahead)
    }

    /// The first turn.
    pub fn init(&mut self) -> Turn {
        self.resume(Reply::Answer(Answer::Init(self.our)))
    }

    pub fn answer(&mut self, answer: Answer) -> Turn {
        self.resume(Reply::Answer(answer))
    }

    /// The trap of a first turn that has to end in one.
    pub fn trap(&mut self) -> Trap {
        match self.init() {
            Turn::Trapped(trap) => trap,
            turn => panic!("trapped was expected, not {turn:?}"),
        }
    }
}

/// A guest's memory being written: fixed records first, texts behind them.
pub struct Image {
    pub bytes: Vec<u8>,
    next: usize,
}

impl Image {
    /// Texts and lists begin at `from`.
    pub fn new(from: usize) -> Image {
        Image { bytes: vec![0; from], next: from }
    }

    pub fn word(&mut self, at: usize, word: usize) {
        self.bytes[at..at + 4].copy_from_slice(&(word as u32).to_le_bytes());
    }

    /// Room for a list or text.
    pub fn room(&mut self, size: usize) -> usize {
        let at = self.next.next_multiple_of(8);
        self.next = at + size;
        self.bytes.resize(self.next, 0);
        at
    }

    /// A text or bytes: pointer and length at `at`.
    pub fn text(&mut self, at: usize, text: impl AsRef<[u8]>) -> (u32, u32) {
        let text = text.as_ref();
        let place = self.room(text.len());
        self.bytes[place..place + text.len()].copy_from_slice(text);
        self.word(at, place);
        self.word(at + 4, text.len());
        (place as u32, text.len() as u32)
    }

    pub fn option(&mut self, at: usize, text: Option<impl AsRef<[u8]>>) {
        if let Some(text) = text {
            self.bytes[at] = 1;
            self.text(at + 4, text);
        }
    }

    /// `node@process:package:publisher`.
    pub fn address(&mut self, at: usize, address: &str) {
        let (node, process) = address.split_once('@').expect("an address");
        self.text(at, node);
        self.process(at + 8, process);
    }

    pub fn process(&mut self, at: usize, process: &str) {
        for (i, part) in process.split(':').enumerate() {
            self.text(at + 8 * i, part);
        }
    }

    /// A list of capabilities: pointer and length at `at`.
    pub fn capabilities(&mut self, at: usize, capabilities: &[(&str, &str)]) -> (u32, u32) {
        let list = self.room(40 * capabilities.len());
        for (i, (issuer, params)) in capabilities.iter().enumerate() {
            self.address(list + 40 * i, issuer);
            self.text(list + 40 * i + 32, params);
        }
        self.word(at, list);
        self.word(at + 4, capabilities.len());
        (list as u32, capabilities.len() as u32)
    }
}

/// A guest's memory being read.
pub struct Dump(pub Bytes);

impl Dump {
    pub fn word(&self, at: usize) -> usize {
        u32::from_le_bytes(self.0[at..at + 4].try_into().expect("four bytes")) as usize
    }

    pub fn text(&self, at: usize) -> String {
        let (place, n) = (self.word(at), self.word(at + 4));
        String::from_utf8(self.0[place..place + n].to_vec()).expect("UTF-8")
    }

    pub fn option(&self, at: usize) -> Option<String> {
        (self.0[at] == 1).then(|| self.text(at + 4))
    }

    pub fn process(&self, at: usize) -> String {
        [0, 8, 16].map(|part| self.text(at + part)).join(":")
    }

    pub fn address(&self, at: usize) -> String {
        format!("{}@{}", self.text(at), self.process(at + 8))
    }

    /// Issuers and parameters.
    pub fn capabilities(&self, at: usize) -> Vec<(String, String)> {
        let (list, n) = (self.word(at), self.word(at + 4));
        (0..n).map(|i| (self.address(list + 40 * i), self.text(list + 40 * i + 32))).collect()
    }

    /// MIME type and bytes.
    pub fn blob(&self, at: usize) -> Option<(Option<String>, String)> {
        (self.0[at] == 1).then(|| (self.option(at + 4), self.text(at + 16)))
    }

    /// `inherit`, seconds, body, metadata, number of capabilities.
    pub fn request(&self, at: usize) -> (u8, Option<u64>, String, Option<String>, usize) {
        let seconds = u64::from_le_bytes(self.0[at + 16..at + 24].try_into().expect("eight bytes"));
        let seconds = (self.0[at + 8] == 1).then_some(seconds);
        (self.0[at], seconds, self.text(at + 24), self.option(at + 32), self.word(at + 48))
    }

    /// `inherit`, body, metadata, number of capabilities.
    pub fn response(&self, at: usize) -> (u8, String, Option<String>, usize) {
        (self.0[at], self.text(at + 4), self.option(at + 12), self.word(at + 28))
    }
}

/// Where the fixed records of a call begin, and where texts and lists begin.
pub const RECORD: usize = 1024;
pub const TEXTS: usize = 4096;
/// Where answers go.
pub const ANSWER: u32 = 2048;

pub const BOB: &str = "bob.os@chat:demo:bob.os";
pub const READ: &str = r#"{"drive":"/a:b/pkg","kind":"read"}"#;

/// The address that a text says, where `our` is `alice.os`.
pub fn address(names: &mut Names, text: &str) -> Address {
    let our = names.node("alice.os");
    names.address(text, our).expect("an address")
}

/// A capability of that issuer.
pub fn capability(names: &mut Names, issuer: &str, params: &str) -> Capability {
    Capability { issuer: address(names, issuer), params: names.params(params) }
}

/// A request of 56 bytes with everything in it, and what it is.
pub fn put_request(image: &mut Image, at: usize) {
    image.bytes[at] = 1;
    image.bytes[at + 8] = 1;
    image.word(at + 16, 30);
    image.text(at + 24, "body ÿ");
    image.option(at + 32, Some("{}"));
    image.capabilities(at + 44, &[(BOB, r#""messaging""#), ("our@vfs:distro:sys", READ)]);
}

pub fn request(names: &mut Names) -> Request {
    Request {
        inherit: true,
        expects_response: Some(30),
        body: Bytes::from("body ÿ"),
        metadata: Some("{}".into()),
        capabilities: vec![
            capability(names, BOB, r#""messaging""#),
            capability(names, "alice.os@vfs:distro:sys", READ),
        ],
    }
}

/// A blob of 24 bytes, option included.
pub fn put_blob(image: &mut Image, at: usize) {
    image.bytes[at] = 1;
    image.option(at + 4, Some("text/plain"));
    image.text(at + 16, [0, 159, 255]);
}

pub fn blob() -> Blob {
    Blob { mime: Some("text/plain".into()), bytes: Bytes::from(&[0, 159, 255][..]) }
}

/// Target, request, context, blob: 128 bytes.
pub fn put_outgoing(image: &mut Image, at: usize) {
    image.address(at, BOB);
    put_request(image, at + 32);
    image.option(at + 88, Some("context"));
    put_blob(image, at + 100);
}

pub fn outgoing(names: &mut Names) -> Outgoing {
    Outgoing {
        target: address(names, BOB),
        request: request(names),
        context: Some(Bytes::from("context")),
        blob: Some(blob()),
    }
}

/// Target, request, blob: 112 bytes.
pub fn put_on_exit_request(image: &mut Image, at: usize) {
    image.address(at, BOB);
    put_request(image, at + 32);
    put_blob(image, at + 88);
}

/// A guest with WASI functions besides the world.
pub fn wasi(data: &str, body: &str) -> String {
    let functions = [
        ("fd_write", "(param i32 i32 i32 i32) (result i32)"),
        ("environ_get", "(param i32 i32) (result i32)"),
        ("environ_sizes_get", "(param i32 i32) (result i32)"),
        ("random_get", "(param i32 i32) (result i32)"),
        ("clock_time_get", "(param i32 i64 i32) (result i32)"),
        ("poll_oneoff", "(param i32 i32 i32 i32) (result i32)"),
        ("proc_exit", "(param i32)"),
        ("sched_yield", "(result i32)"),
        ("path_open", "(param i32 i64 f32) (result i32)"),
        ("nothing", "(param i64)"),
    ];
    let functions: String = functions
        .map(|(name, ty)| format!(r#"(import "wasi_snapshot_preview1" "{name}" (func ${name} {ty}))"#))
        .concat();
    format!(
        r#"(module {} {functions} (memory (export "memory") 2) (data (i32.const 64) "{data}") {ALLOCATOR}
            (func (export "init") (param i32 i32) {body}))"#,
        imports(STANDARD)
    )
}
