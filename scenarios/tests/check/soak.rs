//! A soak: inputs of every kind that are nearly right, each handed to the program with 20 seconds of processor time and
//! 1 GiB of memory. It ends by itself, with a verdict or with an error, and never as a bug of the simulator. Not part of
//! `cargo test`; for an hour:
//!
//! `SOAK_MINUTES=60 cargo test --release -p kinode-sim --test check soak -- --ignored --nocapture`
//!
//! `SOAK_FROM` is the number of the first input (0 if not given); each number makes the same input on any machine. What an
//! input is that fails stays in the folder that is named.
#![expect(clippy::disallowed_methods, reason = "a soak lasts for a given time")]

use super::called::{Folder, built, workload};
use super::hostile::limited;
use scenarios::fuzzing::smith;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

/// Numbers of one input: splitmix64.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// Some bytes changed, cut out, doubled or filled in.
    fn mutate(&mut self, bytes: &mut Vec<u8>, rounds: usize) {
        for _ in 0..self.below(rounds) {
            let at = self.below(bytes.len());
            let end = (at + self.below(64)).min(bytes.len());
            match self.below(4) {
                0 if at < bytes.len() => bytes[at] = self.next() as u8,
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
                _ => {
                    let part = self.of(&PARTS);
                    bytes.splice(at..at, part.bytes());
                }
            }
        }
    }

    /// A text whose lines and numbers are changed: most of them still mean something.
    fn mutate_text(&mut self, text: &str) -> String {
        let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
        for _ in 0..self.below(6) {
            let at = self.below(lines.len());
            let times = 1 << self.below(12);
            match self.below(5) {
                0 => drop(lines.drain(at..(at + 1).min(lines.len()))),
                1 => {
                    let part = lines[at.min(lines.len())..(at + 4).min(lines.len())].to_vec();
                    lines.extend((0..times).flat_map(|_| part.clone()));
                }
                2 if at < lines.len() => {
                    let number = self.of(&NUMBERS);
                    let replaced: String = lines[at].split_inclusive(|c: char| c.is_ascii_digit()).collect();
                    lines[at] = replaced.replace(|c: char| c.is_ascii_digit(), number);
                }
                3 => lines.insert(at, self.of(&LINES).to_string()),
                _ if at < lines.len() => lines[at] = lines[at].replace("\"", &"x".repeat(times)),
                _ => {}
            }
        }
        let mut bytes = lines.join("\n").into_bytes();
        if self.below(3) == 0 {
            self.mutate(&mut bytes, 4);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// An expression of SQL.
    fn expression(&mut self, depth: usize) -> String {
        let mut inner = || if depth == 0 { self.of(&VALUES).to_string() } else { self.expression(depth - 1) };
        let (one, two, three) = (inner(), inner(), inner());
        match self.below(8) {
            0 => self.of(&VALUES).to_string(),
            1 => format!("({one} {} {two})", self.of(&["||", "+", "=", "LIKE", "GLOB", "->", "IN", "<", "%"])),
            2 => format!("CAST({one} AS {})", self.of(&["TEXT", "BLOB", "INTEGER", "REAL"])),
            3 => format!("(SELECT {} FROM n LIMIT {})", one, self.of(&NUMBERS)),
            4 => format!(
                "{}({one}, {two}, {three})",
                self.of(&["replace", "substr", "json_set", "printf", "max", "like"])
            ),
            _ => match self.below(2) {
                0 => format!("{}({one})", self.of(&FUNCTIONS)),
                _ => format!(
                    "{}({one}, {two})",
                    self.of(&[
                        "instr",
                        "trim",
                        "json_patch",
                        "json_extract",
                        "glob",
                        "unhex",
                        "printf",
                        "strftime",
                        "group_concat"
                    ])
                ),
            },
        }
    }

    fn statement(&mut self) -> (&'static str, String) {
        let (one, two) = (self.expression(3), self.expression(2));
        let many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)";
        match self.below(7) {
            0 => ("Write", format!("INSERT INTO t VALUES ({one}, {two})")),
            1 => ("Write", format!("UPDATE t SET b = {two} WHERE {one}")),
            2 => ("Write", format!("CREATE TRIGGER r{} AFTER INSERT ON t BEGIN SELECT {two}; END", self.next())),
            3 => ("Query", format!("{many} SELECT sum({one}) AS s FROM n, t LIMIT {}", self.of(&NUMBERS))),
            4 => ("Query", format!("{many} SELECT {one} AS s FROM n ORDER BY {two} LIMIT 10")),
            5 => ("Query", format!("WITH n(x) AS (VALUES (1), (2)) SELECT {one}, {two} FROM n, t GROUP BY {two}")),
            _ => (
                "Query",
                format!("WITH n(x) AS (VALUES (1)) SELECT {} FROM n", vec![one; 1 + self.below(500)].join(", ")),
            ),
        }
    }
}

const PARTS: [&str; 10] =
    ["\0", "\"", "{", "[[", "\u{202e}", "9999999999999999999", "null", "]}", "\\u0000", "/../../"];
const NUMBERS: [&str; 8] = ["0", "1", "1000", "4294967295", "18446744073709551616", "-1", "0.5", "1e309"];
const LINES: [&str; 14] = [
    "times = 1000",
    "every = \"1ms\"",
    "every = \"1h\"",
    "answer_within = \"1h\"",
    "when = { process = \"counter\", event = \"receives\", nth = 3 }",
    "[[send]]\nto = \"counter\"\nbody = \"add\"",
    "[[http]]\npath = \"/counter:check.os/x\"\nexpect_status = 200",
    "[[socket]]\npath = \"/counter:check.os/ws\"\nsays = [\"a\"]\ncloses = true",
    "[[expect]]\nprocess = \"counter\"\nalive = true\nnever_forgets = true",
    "[[stub]]\nprocess = \"a:b:c.os\"\nanswers = [{ to = \"*\", body = \"x\" }]",
    "[chain]\nid = 1\nblock_time = \"100ms\"\nemits = [{ contract = \"0x00000000000000000000000000000000000000aB\", times = 100 }]",
    "[[web]]\nurl = \"*\"\njson = { a = [1] }",
    "nodes = [\"bob.os\", \"carol.os\"]",
    "on = \"bob.os\"",
];
const VALUES: [&str; 12] = [
    "1",
    "x",
    "a",
    "b",
    "NULL",
    "'text'",
    "-9223372036854775808",
    "zeroblob(1000000)",
    "replace(hex(zeroblob(200000)), '00', 'aa')",
    "'[' || replace(hex(zeroblob(200000)), '00', '1,') || '1]'",
    "randomblob(400000)",
    "'{\"a\":1}'",
];
const FUNCTIONS: [&str; 16] = [
    "length",
    "hex",
    "upper",
    "quote",
    "typeof",
    "json",
    "json_valid",
    "json_array",
    "abs",
    "unicode",
    "soundex",
    "trim",
    "sum",
    "count",
    "json_group_array",
    "round",
];
const PLANS: [&str; 10] = [
    "crash alice.os at-step #3",
    "crash alice.os before-persist #1: lose-unsynced",
    "trap counter:counter:check.os/1 at-call #2",
    "latency alice.os>alice.os #1: 10s",
    "down alice.os #1: power-loss",
    "next-runnable alice.os #1: 3",
    "script: lines 1",
    "io alice.os #4: no-space",
    "memory counter:counter:check.os/1 #1",
    "clock alice.os #1: -1h",
];

/// Makes the input of this number in a folder, and says how the program is called.
fn input(number: u64, folder: &Folder) -> (&'static str, Vec<String>) {
    let mut draw = Draw(number);
    let write = |file: &str, bytes: &[u8]| fs::write(folder.path(file), bytes).expect("the folder can be written to");
    let words = |words: &[&str]| words.iter().map(|word| word.to_string()).collect::<Vec<_>>();
    let few = ["--seeds", "4", "--points", "4"];
    match number % 5 {
        0 => {
            fs::create_dir_all(folder.path("x/pkg/ui")).expect("a folder");
            let entry = r#"{"process_name":"counter","process_wasm_path":"/counter.wasm","on_exit":"Restart","public":true,
                "request_networking":false,"request_capabilities":["vfs:distro:sys"],"grant_capabilities":[]}"#;
            let mut manifest = format!("[{}]", vec![entry; 1 + draw.below(3)].join(",")).into_bytes();
            draw.mutate(&mut manifest, 4);
            let mut metadata = br#"{"properties":{"package_name":"demo","publisher":"me.os"}}"#.to_vec();
            draw.mutate(&mut metadata, 3);
            let mut code = fs::read(built("counter")).expect("it is built");
            draw.mutate(&mut code, 2);
            write("x/pkg/manifest.json", &manifest);
            write("x/metadata.json", &metadata);
            write("x/pkg/counter.wasm", &code);
            let link = draw.of(&["/dev/zero", "/proc/self/mem", ".", "..", "/dev/null", "/proc", "x"]);
            if draw.below(3) == 0 {
                symlink(link, folder.path("x/pkg/ui/link")).expect("a link");
            }
            ("package", [words(&["check", "x"]), words(&few)].concat())
        }
        1 => {
            let guest = draw.of(&["counter", "chat", "ticker", "indexer", "archive", "ledger", "puppet"]);
            let workload = draw.mutate_text(&workload(guest));
            write("w.toml", workload.as_bytes());
            fs::copy(built(guest), folder.path(&format!("{guest}.wasm"))).expect("it is built");
            ("workload", [words(&["check", &format!("{guest}.wasm"), "--inject", "w.toml"]), words(&few)].concat())
        }
        2 => {
            let lines: Vec<&str> = (0..1 + draw.below(5)).map(|_| draw.of(&PLANS)).collect();
            let plan = draw.mutate_text(&lines.join("\n"));
            write("plan.txt", plan.as_bytes());
            let replay = draw.below(2) == 0;
            fs::copy(built("counter"), folder.path("counter.wasm")).expect("it is built");
            let one_line = plan.replace('\n', "; ").replace('\0', "");
            let plan = if one_line.len() < 100_000 { one_line } else { String::new() };
            let replayed = words(&["replay", "kill-in-a-crash-loop", "--plan", "plan.txt"]);
            ("plan", if replay { replayed } else { words(&["check", "counter.wasm", "--plan", &plan]) })
        }
        3 => {
            let bytes: Vec<u8> = (0..2_000).map(|_| draw.next() as u8).collect();
            let mut code = smith(&bytes).unwrap_or_default();
            if draw.below(2) == 0 {
                code = fs::read(built(draw.of(&["counter", "saver", "parent", "worker"]))).expect("it is built");
                draw.mutate(&mut code, 8);
            }
            write("lone.wasm", &code);
            ("module", [words(&["check", "lone.wasm"]), words(&few)].concat())
        }
        _ => {
            let ask = |action: serde_json::Value| {
                let package = serde_json::json!({ "package_name": "puppet", "publisher_node": "check.os" });
                let body = serde_json::json!({ "package_id": package, "db": "main", "action": action });
                let order = format!("await our@sqlite:distro:sys 60 {body}");
                format!("[[send]]\nto = \"puppet\"\nbody = {}\n", serde_json::Value::from(order))
            };
            let write_one = |sql: &str| ask(serde_json::json!({ "Write": { "statement": sql, "tx_id": null } }));
            let mut workload = ask("Open".into()) + &write_one("CREATE TABLE t (a, b)");
            workload += &write_one("INSERT INTO t VALUES (1, replace(hex(zeroblob(200000)), '00', 'ab'))");
            for _ in 0..1 + draw.below(6) {
                workload += &match draw.statement() {
                    ("Write", sql) => write_one(&sql),
                    (_, sql) => ask(serde_json::json!({ "Query": sql })),
                };
            }
            write("w.toml", workload.as_bytes());
            fs::copy(built("puppet"), folder.path("puppet.wasm")).expect("it is built");
            ("SQL", [words(&["check", "puppet.wasm", "--inject", "w.toml"]), words(&few)].concat())
        }
    }
}

#[test]
#[ignore = "as long as it is asked to take"]
fn nothing_aborts_and_nothing_takes_for_ever() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let minutes = number("SOAK_MINUTES").unwrap_or(1);
    let end = Instant::now() + Duration::from_secs(60 * minutes);
    let mut counts: BTreeMap<(&str, i32), u64> = BTreeMap::new();
    let mut slowest: BTreeMap<&str, (Duration, u64)> = BTreeMap::new();
    let mut failed = Vec::new();
    for number in number("SOAK_FROM").unwrap_or(0).. {
        if Instant::now() > end {
            break;
        }
        let folder = Folder::new();
        let (kind, arguments) = input(number, &folder);
        let begun = Instant::now();
        let output = limited().current_dir(folder.0.path()).args(&arguments).output().expect("it can be started");
        let took = begun.elapsed();
        let slow = slowest.entry(kind).or_default();
        *slow = (*slow).max((took, number));
        let code = output.status.code().unwrap_or(-output.status.signal().unwrap_or(999));
        *counts.entry((kind, code)).or_default() += 1;
        if ![0, 1, 2, 4].contains(&code) {
            let kept = folder.0.keep();
            println!("input {number} ({kind}): {code}, {}", kept.display());
            println!("{}", String::from_utf8_lossy(&output.stderr).chars().take(500).collect::<String>());
            failed.push(number);
        }
    }
    for ((kind, code), n) in &counts {
        println!("{kind}: exit {code}: {n}");
    }
    for (kind, (took, number)) in &slowest {
        println!("{kind}: the slowest took {took:?}, input {number}");
    }
    assert!(failed.is_empty(), "{failed:?}");
}
