//! Scripts: lists of acts that become guests, in text. Most calls in them are honest, so that they get far; a lie is
//! one word of one call, or of the records that the calls point at. Nothing here shares code with what it tries.

use std::fmt::Write;
use std::sync::LazyLock;

/// The functions of the process world, with their arguments where a call of them is honest.
const CALLS: [(&str, &[u32]); 19] = [
    ("print-to-terminal", &[1, TEXTS, 5]),
    ("our", &[ANSWER]),
    ("get-on-exit", &[ANSWER]),
    ("set-on-exit", &[2, ON_EXIT, 1]),
    ("get-state", &[ANSWER]),
    ("set-state", &[TEXTS, 30]),
    ("clear-state", &[]),
    ("spawn", &[1, TEXTS, 5, PATH, 6, 1, 0, 0, CAPABILITY, 1, 0, 0, 1, ANSWER]),
    ("save-capabilities", &[CAPABILITY, 1]),
    ("drop-capabilities", &[CAPABILITY, 1]),
    ("our-capabilities", &[ANSWER]),
    ("receive", &[ANSWER]),
    ("has-blob", &[]),
    ("get-blob", &[ANSWER]),
    ("last-blob", &[ANSWER]),
    ("send-request", &[OUTGOING]),
    ("send-requests", &[OUTGOING, 3]),
    ("send-response", &[0, TEXTS, 9, 0, 0, 0, CAPABILITY, 1, 1, 0, 0, 0, TEXTS, 12]),
    ("send-and-await-response", &[ON_EXIT, ANSWER]),
];

/// Those of WASI, with their types and honest arguments.
const WASI: [(&str, &str, &str); 9] = [
    ("fd_write", "(param i32 i32 i32 i32) (result i32)", "(i32.const 2) (i32.const 2048) (i32.const 1) (i32.const 8)"),
    ("environ_get", "(param i32 i32) (result i32)", "(i32.const 0) (i32.const 0)"),
    ("environ_sizes_get", "(param i32 i32) (result i32)", "(i32.const 0) (i32.const 4)"),
    ("random_get", "(param i32 i32) (result i32)", "(i32.const 4096) (i32.const 64)"),
    ("clock_time_get", "(param i32 i64 i32) (result i32)", "(i32.const 1) (i64.const 0) (i32.const 16)"),
    (
        "poll_oneoff",
        "(param i32 i32 i32 i32) (result i32)",
        "(i32.const 4096) (i32.const 16) (i32.const 1) (i32.const 64)",
    ),
    ("sched_yield", "(result i32)", ""),
    ("proc_exit", "(param i32)", "(i32.const 3)"),
    ("path_open", "(param i32) (result i32)", "(i32.const 3)"),
];

const STANDARD: &str = "hyperware:process/standard@1.0.0";

// Where things lie in a script's memory: answers, then records, then texts.
const ANSWER: u32 = 512;
const OUTGOING: u32 = 1024;
const ON_EXIT: u32 = OUTGOING + 3 * 128;
const CAPABILITY: u32 = ON_EXIT + 112;
const RECORDS_END: u32 = CAPABILITY + 40;
const TEXTS: u32 = 4096;
const PATH: u32 = TEXTS + 100;
const MEMORY: u32 = 2 << 16;

/// The imports of a process: every call, and WASI's.
pub fn imports() -> String {
    let mut text = String::new();
    for (name, arguments) in CALLS {
        let params = "i32 ".repeat(arguments.len());
        let result = if name == "has-blob" { "(result i32)" } else { "" };
        writeln!(text, r#"(import "{STANDARD}" "{name}" (func ${name} (param {params}) {result}))"#)
            .expect("text grows");
    }
    for (name, ty, _) in WASI {
        writeln!(text, r#"(import "wasi_snapshot_preview1" "{name}" (func ${name} {ty}))"#).expect("text grows");
    }
    text
}

/// The names of the calls, in the order in which an [`Act::Call`] counts them.
pub fn call_names() -> Vec<&'static str> {
    CALLS.map(|(name, _)| name).to_vec()
}

/// One thing that a guest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Makes a call; one argument may be another than is honest: which, and what.
    Call(u8, Option<(u8, u32)>),
    /// Calls a function of WASI.
    Wasi(u8),
    /// Writes a word over the records, texts or answers, at any address.
    Poke(u32, u32),
    /// Makes a call so many times.
    Flood(u8, u16),
    /// Asks for so many pages.
    Grow(u16),
    /// Computes for so many rounds.
    Burn(u32),
    /// Computes for ever.
    Spin,
    /// Calls itself without end.
    Recurse,
    /// Traps: `unreachable`, a bad address, a division by zero, a call of nothing.
    Trap(u8),
}

/// How the guest's `cabi_realloc` behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocator {
    /// As it should, until memory ends.
    Honest,
    /// Gives always the same address.
    Constant(u32),
    /// Traps.
    Traps,
    /// Never returns.
    Spins,
    /// Calls itself without end.
    Recurses,
    /// Makes a call.
    Calls,
    /// Asks for more memory each time.
    Grows,
}

/// A guest that does one thing after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its `cabi_realloc`.
    pub allocator: Allocator,
    /// What it does.
    pub acts: Vec<Act>,
    /// Whether it begins again when it is through.
    pub endless: bool,
}

/// A value at which something might give way; large numbers are themselves.
fn odd(n: u32) -> u32 {
    const ODD: [u32; 16] = [
        0,
        1,
        2,
        3,
        7,
        255,
        ANSWER,
        OUTGOING,
        TEXTS,
        MEMORY - 1,
        MEMORY,
        MEMORY + 1,
        1 << 20,
        1 << 31,
        u32::MAX - 7,
        u32::MAX,
    ];
    ODD.get(n as usize).copied().unwrap_or(n)
}

impl Act {
    /// The act that seven bytes stand for. Zeros are the simplest: what shrinks, shrinks to it.
    pub fn from_bytes(bytes: [u8; 7]) -> Act {
        let [kind, a, b, c, d, e, f] = bytes;
        let value = u32::from_le_bytes([c, d, e, f]);
        match kind {
            0..100 => Act::Call(a, None),
            100..150 => Act::Call(a, Some((b, value))),
            150..170 => Act::Wasi(a),
            170..220 => Act::Poke(ANSWER + 4 * u32::from(a) + 1024 * u32::from(b % 4), value),
            220..230 => Act::Flood(a, u16::from_le_bytes([c, d])),
            230..240 => Act::Grow(u16::from_le_bytes([a, b % 4])),
            240..248 => Act::Burn(value % 1_000_000),
            248 | 249 => Act::Spin,
            250 | 251 => Act::Recurse,
            _ => Act::Trap(a),
        }
    }

    fn body(self) -> String {
        match self {
            Act::Call(import, lie) => call(import, lie),
            Act::Wasi(import) => {
                let (name, ty, arguments) = WASI[usize::from(import) % WASI.len()];
                let drop = if ty.contains("result") { "drop" } else { "" };
                format!("(call ${name} {arguments}) {drop}")
            }
            Act::Poke(at, value) => format!("(i32.store (i32.const {at}) (i32.const {}))", odd(value).cast_signed()),
            Act::Flood(import, times) => repeat(u32::from(times), &call(import, None)),
            Act::Grow(pages) => format!("(drop (memory.grow (i32.const {pages})))"),
            Act::Burn(rounds) => repeat(rounds, ""),
            Act::Spin => "(loop $spin (br $spin))".to_string(),
            Act::Recurse => "(drop (call $deep (i32.const 0)))".to_string(),
            Act::Trap(kind) => match kind % 4 {
                0 => "(unreachable)",
                1 => "(drop (i32.load (i32.const -4)))",
                2 => "(drop (i32.div_u (i32.const 1) (i32.load (i32.const 0))))",
                _ => "(call_indirect (i32.const 1))",
            }
            .to_string(),
        }
    }
}

fn call(import: u8, lie: Option<(u8, u32)>) -> String {
    let (name, honest) = CALLS[usize::from(import) % CALLS.len()];
    let mut arguments = honest.to_vec();
    if let Some((which, value)) = lie.filter(|_| !arguments.is_empty()) {
        let which = usize::from(which) % arguments.len();
        arguments[which] = odd(value);
    }
    let arguments: String = arguments.iter().map(|n| format!("(i32.const {}) ", n.cast_signed())).collect();
    let drop = if name == "has-blob" { "drop" } else { "" };
    format!("(call ${name} {arguments}) {drop}")
}

fn repeat(times: u32, what: &str) -> String {
    format!(
        "(local.set $i (i32.const 0)) (loop $more {what}
            (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {times}))))"
    )
}

impl Allocator {
    fn from_bytes(kind: u8, value: u8) -> Allocator {
        match kind {
            0..160 => Allocator::Honest,
            160..190 => Allocator::Constant(odd(value.into())),
            190..205 => Allocator::Traps,
            205..215 => Allocator::Spins,
            215..225 => Allocator::Recurses,
            225..240 => Allocator::Calls,
            240.. => Allocator::Grows,
        }
    }

    fn body(self) -> String {
        let honest = "(local.set $at (i32.and
                (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
                (i32.sub (i32.const 0) (local.get $align))))
            (global.set $next (i32.add (local.get $at) (local.get $size)))";
        match self {
            Allocator::Honest => format!("{honest} (local.get $at)"),
            Allocator::Constant(at) => format!("(i32.const {})", at.cast_signed()),
            Allocator::Traps => "(unreachable)".to_string(),
            Allocator::Spins => "(loop $spin (br $spin)) (unreachable)".to_string(),
            Allocator::Recurses => "(call $deep (i32.const 0))".to_string(),
            Allocator::Calls => format!("(call $get-state (i32.const {ANSWER})) {honest} (local.get $at)"),
            Allocator::Grows => format!("(drop (memory.grow (i32.const 1))) {honest} (local.get $at)"),
        }
    }
}

impl Script {
    /// The script that these bytes stand for: three for the whole, then seven an act; at most 40 acts.
    pub fn from_bytes(bytes: &[u8]) -> Script {
        let (head, acts) = bytes.split_at_checked(3).unwrap_or((&[0; 3], &[]));
        let acts = acts.chunks_exact(7).take(40).map(|act| Act::from_bytes(act.try_into().expect("seven bytes")));
        Script { allocator: Allocator::from_bytes(head[0], head[1]), endless: head[2] % 2 == 1, acts: acts.collect() }
    }

    /// The guest, in text.
    pub fn wat(&self) -> String {
        let acts: String = self.acts.iter().map(|act| act.body() + "\n").collect();
        let acts = if self.endless { format!("(loop $again {acts} (br $again))") } else { acts };
        format!(
            r#"(module {} (memory (export "memory") 2) (table 2 funcref)
                (global $next (mut i32) (i32.const 65536))
                (func $deep (param i32) (result i32)
                    (i32.add (local.get 0) (call $deep (i32.add (local.get 0) (i32.const 1)))))
                (func (export "cabi_realloc") (param $old i32) (param $n i32) (param $align i32) (param $size i32)
                    (result i32) (local $at i32)
                    {})
                (func (export "init") (param i32 i32) (local $i i32)
                    {acts}))"#,
            *BEGINNING,
            self.allocator.body()
        )
    }
}

/// What every script begins with: its imports and its memory.
static BEGINNING: LazyLock<String> = LazyLock::new(|| {
    let memory = memory();
    let mut text = imports();
    for part in [OUTGOING as usize..2_056, TEXTS as usize..memory.len()] {
        let bytes: String = memory[part.clone()].iter().map(|byte| format!("\\{byte:02x}")).collect();
        writeln!(text, r#"(data (i32.const {}) "{bytes}")"#, part.start).expect("text grows");
    }
    text
});

/// A script's memory at its start: three requests to others, a request on exit, a capability.
fn memory() -> Vec<u8> {
    let mut memory = vec![0; TEXTS as usize];
    memory.extend_from_slice(
        b"hello \xe2\x82\xac and what else there is to be said about it, 30 bytes and some more      ",
    );
    memory.resize(PATH as usize, b' ');
    memory.extend_from_slice(b"/a.wat");
    let text = |memory: &mut Vec<u8>, at: u32, text: &str| {
        let place = memory.len() as u32;
        memory.extend_from_slice(text.as_bytes());
        word(memory, at, place);
        word(memory, at + 4, text.len() as u32);
    };
    let address = |memory: &mut Vec<u8>, at: u32, parts: [&str; 4]| {
        (0..).step_by(8).zip(parts).for_each(|(offset, part)| text(memory, at + offset, part));
    };
    let witness = ["our", "witness", "fuzz", "alice.os"];
    let targets = [["our", "stranger", "fuzz", "alice.os"], witness, ["our", "vfs", "distro", "sys"]];
    for (at, target) in (OUTGOING..).step_by(128).zip(targets) {
        address(&mut memory, at, target);
        memory[at as usize + 40] = 1;
        word(&mut memory, at + 48, 2);
        word(&mut memory, at + 56, TEXTS);
        word(&mut memory, at + 60, 20);
    }
    address(&mut memory, ON_EXIT, witness);
    memory[ON_EXIT as usize + 40] = 1;
    word(&mut memory, ON_EXIT + 48, 1);
    address(&mut memory, CAPABILITY, witness);
    word(&mut memory, CAPABILITY + 32, TEXTS);
    word(&mut memory, CAPABILITY + 36, 5);
    const { assert!(RECORDS_END <= 2048, "records lie below the buffers of fd_write") };
    word(&mut memory, 2048, TEXTS);
    word(&mut memory, 2052, 20);
    memory
}

fn word(memory: &mut [u8], at: u32, word: u32) {
    memory[at as usize..at as usize + 4].copy_from_slice(&word.to_le_bytes());
}
