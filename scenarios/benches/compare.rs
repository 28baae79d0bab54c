//! Runs the bench and the rivals' programs in turns, and prints medians and ratios: the table of the README beside this.
//!
//! ```text
//! cargo bench -p kinode-sim --bench compare            five rounds
//! cargo bench -p kinode-sim --bench compare -- 10      ten
//! ```
//!
//! The rivals are workspaces of their own, under `rivals`; they are built here, and nowhere else.

mod clock;
mod rows;

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// With this argument the program prints its own rows.
const ROWS: &str = "rows";

/// The rivals, by the name of their folder.
const RIVALS: [&str; 3] = ["turmoil", "madsim", "wasmi"];

/// The columns of the table: a system, and the form of its programs, where it has several.
const COLUMNS: [(&str, Option<&str>); 5] = [
    ("turmoil", None),
    ("madsim", None),
    ("wasmi", None),
    ("kinode-sim", Some("native")),
    ("kinode-sim", Some("wasm")),
];

/// What each system reached in each round, by row.
#[derive(Default)]
struct Results(BTreeMap<(usize, String), BTreeMap<usize, Vec<f64>>>);

impl Results {
    /// Takes in a line of JSON: each rate in it is a row of the table.
    fn add(&mut self, line: &str, order: &mut Vec<String>) {
        let Ok(Value::Object(row)) = serde_json::from_str(line) else { return };
        let text = |key: &str| row.get(key).and_then(Value::as_str);
        let (system, form) = (text("sys"), text("form"));
        let column = COLUMNS.iter().position(|(of, with)| Some(*of) == system && (with.is_none() || *with == form));
        let (Some(column), Some(name)) = (column, text("row")) else { return };
        if row.get("watched") == Some(&Value::Bool(false)) {
            return;
        }
        let details = ["hosts", "window", "profile", "scenario"].iter().filter_map(|key| {
            // A rival's row names no profile: nothing goes wrong in it.
            let value = row.get(*key).filter(|value| *value != "Calm")?;
            Some(format!("{key} {}", value.as_str().map_or(value.to_string(), str::to_string)))
        });
        let name = [name.to_string()].into_iter().chain(details).collect::<Vec<_>>().join(", ");
        for (key, value) in &row {
            let Some(rate) = key.strip_suffix("_per_cpu_s").filter(|key| !key.starts_with("sim_s")) else { continue };
            let Some(value) = value.as_f64() else { continue };
            let name = format!("{name}: {}", rate.replace('_', " "));
            let place = order.iter().position(|known| *known == name).unwrap_or_else(|| {
                order.push(name.clone());
                order.len() - 1
            });
            self.0.entry((place, name)).or_default().entry(column).or_default().push(value);
        }
    }

    fn print(&self) {
        println!(
            "| per CPU-second | turmoil | madsim | wasmi | native | wasm | native : turmoil | native : madsim | wasm : madsim |"
        );
        println!("|---|---|---|---|---|---|---|---|---|");
        for ((_, name), columns) in &self.0 {
            let median = |column: usize| columns.get(&column).map(|values| median(values));
            let cell = |column: usize| match columns.get(&column) {
                Some(values) => format!("{} [{}]", short(self::median(values)), short(best(values))),
                None => "–".to_string(),
            };
            let ratio = |ours: usize, theirs: usize| match (median(ours), median(theirs)) {
                (Some(ours), Some(theirs)) => format!("{:.2}", ours / theirs),
                _ => "–".to_string(),
            };
            let cells = (0..COLUMNS.len()).map(cell).collect::<Vec<_>>().join(" | ");
            println!("| {name} | {cells} | {} | {} | {} |", ratio(3, 0), ratio(3, 1), ratio(4, 1));
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) }
}

fn best(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// `1234567` is `1.23 M`.
fn short(rate: f64) -> String {
    match rate {
        rate if rate >= 1e6 => format!("{:.2} M", rate / 1e6),
        rate if rate >= 1e4 => format!("{:.0} k", rate / 1e3),
        rate if rate >= 1e3 => format!("{:.1} k", rate / 1e3),
        rate => format!("{rate:.0}"),
    }
}

/// Builds a rival, and says where its program is.
fn build(folder: &Path, target: &Path) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--locked"]).current_dir(folder).env("CARGO_TARGET_DIR", target);
    let done = build.status().expect("cargo can be started");
    assert!(done.success(), "the rival in {} does not build", folder.display());
    let name = folder.file_name().expect("it has a name").to_string_lossy();
    target.join("release").join(format!("rival-{name}"))
}

/// What a program prints.
fn lines(program: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stderr(Stdio::inherit()).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    assert!(output.status.success(), "{} failed", program.display());
    String::from_utf8(output.stdout).expect("rows are text")
}

fn machine() {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("?", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let processors = info.lines().filter(|line| line.starts_with("processor")).count();
    let rustc = Command::new("rustc").arg("-V").output().map(|output| output.stdout).unwrap_or_default();
    println!("{processors} × {model}; {}", String::from_utf8_lossy(&rustc).trim());
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if arguments.first().is_some_and(|argument| argument == ROWS) {
        return rows::print(&arguments[1..]).expect("the subjects are there");
    }
    let rounds: u32 = match arguments.first().map(|argument| argument.parse()) {
        None => 5,
        Some(Ok(rounds)) => rounds,
        Some(Err(_)) => {
            eprintln!("how many rounds? `{}` is no number", arguments[0]);
            std::process::exit(2);
        }
    };
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/rivals");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rivals");
    let rivals: Vec<PathBuf> = RIVALS.iter().map(|name| build(&here.join(name), &target.join(name))).collect();
    let own = std::env::current_exe().expect("a program has a path");
    let (mut results, mut order) = (Results::default(), Vec::new());
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        let theirs = rivals.iter().map(|program| lines(program, &[]));
        for text in theirs.chain([lines(&own, &[ROWS, "messages", "restarts", "runs"])]).collect::<Vec<_>>() {
            text.lines().for_each(|line| results.add(line, &mut order));
        }
    }
    machine();
    println!("median [best] of {rounds} rounds, in turns\n");
    results.print();
}
