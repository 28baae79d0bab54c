//! The READMEs say what is so: their links lead somewhere, and their shell lines work and print what is shown.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const READMES: [&str; 8] = [
    "README.md",
    "kernel-core/README.md",
    "sim/README.md",
    "scenarios/README.md",
    "scenarios/workloads/README.md",
    "scenarios/guests/README.md",
    "scenarios/benches/README.md",
    "fuzz/README.md",
];
/// The longest README of the repository, in lines: what a stranger reads first.
const LINES_MAX: usize = 200;
/// What other programs do is not tested here.
const OTHERS: [&str; 8] = [
    "cargo bench",
    "cargo fuzz",
    "cargo insta review",
    "cargo mutants",
    "cargo install",
    "cargo build",
    "cargo nextest",
    "cargo update",
];

#[test]
fn the_readme_of_the_repository_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= LINES_MAX, "README.md has {lines} lines; {LINES_MAX} are the most");
}

#[test]
fn every_link_of_a_readme_leads_somewhere() {
    let mut dead = Vec::new();
    for readme in READMES {
        let folder = root().join(readme).parent().expect("a file lies in a folder").to_path_buf();
        for link in links(&read(readme)) {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { root().join(readme) } else { folder.join(path) };
            let there = target.exists()
                && (anchor.is_empty() || fs::read_to_string(&target).is_ok_and(|text| has_heading(&text, anchor)));
            if !there {
                dead.push(format!("{readme}: {link}"));
            }
        }
    }
    assert_eq!(dead, [""; 0], "these links lead nowhere");
}

/// A command with `$` before it is run, and the lines below it are lines of its output, in order; `…` stands for any lines.
#[test]
fn every_command_that_a_readme_shows_with_its_output_prints_that() {
    let mut shown = 0;
    for readme in READMES {
        for block in blocks(&read(readme)) {
            let Some((command, output)) = block.strip_prefix("$ ").and_then(|block| block.split_once('\n')) else {
                continue;
            };
            shown += 1;
            let printed = run(command);
            let mut rest = printed.lines();
            for line in output.lines().map(str::trim_end).filter(|line| line.trim() != "…") {
                assert!(
                    rest.any(|printed| printed.trim_end() == line),
                    "{readme}: `{command}`:\n{line}\n--\n{printed}"
                );
            }
        }
    }
    assert!(shown > 0, "no README shows a command with its output");
}

/// A command without `$` may take long: its subcommand and flags are looked up, or the test that it names.
#[test]
fn every_other_command_of_a_readme_names_what_there_is() {
    let mut wrong = Vec::new();
    for readme in READMES {
        let text = read(readme);
        let lines = blocks(&text).into_iter().flat_map(|block| block.lines().map(String::from).collect::<Vec<_>>());
        let inline =
            text.lines().flat_map(|line| line.split('`').skip(1).step_by(2).map(String::from).collect::<Vec<_>>());
        for line in lines.chain(inline.filter(|code| code.starts_with("cargo "))) {
            let command =
                line.trim().trim_start_matches("$ ").split("  #").next().unwrap_or_default().trim().to_string();
            if let Err(problem) = look_up(&command) {
                wrong.push(format!("{readme}: `{command}`: {problem}"));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

fn look_up(command: &str) -> Result<(), String> {
    for start in ["cargo run --release --", "cargo run --", "cargo sim", "kinode-sim"] {
        if let Some(arguments) = command.strip_prefix(start)
            && (arguments.is_empty() || arguments.starts_with(' '))
        {
            return look_up_arguments(arguments.split_whitespace().collect());
        }
    }
    if command.starts_with("cargo test") {
        return look_up_test(command);
    }
    let known = !command.starts_with("cargo ") || OTHERS.iter().any(|other| command.starts_with(other));
    if known { Ok(()) } else { Err("no test knows this command".to_string()) }
}

/// The subcommand exists, and has each flag.
fn look_up_arguments(arguments: Vec<&str>) -> Result<(), String> {
    let Some(subcommand) = arguments.first().filter(|word| !word.starts_with('-') && **word != "help") else {
        return Ok(());
    };
    let help = run(&format!("cargo sim {subcommand} --help"));
    if !help.contains("Usage:") {
        return Err(format!("there is no command `{subcommand}`"));
    }
    let flags = arguments.iter().filter(|word| word.starts_with("--") && word.len() > 2);
    let flags = flags.map(|flag| flag.split('=').next().unwrap_or_default());
    let unknown: Vec<&str> = flags.filter(|flag| !help.contains(flag)).collect();
    if unknown.is_empty() { Ok(()) } else { Err(format!("`{subcommand}` has no {unknown:?}")) }
}

/// The test program exists, and each filter is part of the path of a test in it.
fn look_up_test(command: &str) -> Result<(), String> {
    let words: Vec<&str> = command.split_whitespace().skip(2).collect();
    let mut folders = Vec::new();
    let mut filters = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word {
            "--test" => folders.push(words.next().ok_or("--test names nothing")?),
            "-p" => drop(words.next()),
            flag if flag.starts_with('-') => {}
            filter => filters.push(filter),
        }
    }
    let programs = programs();
    for folder in &folders {
        if !programs.iter().any(|(name, _)| name == folder) {
            return Err(format!("there is no test program `{folder}`"));
        }
    }
    let named = programs.iter().filter(|(name, _)| folders.is_empty() || folders.contains(&name.as_str()));
    let text: String = named.map(|(_, text)| text.as_str()).collect();
    let modules =
        |filter: &str| filter.split("::").filter(|part| !part.is_empty()).map(String::from).collect::<Vec<_>>();
    let in_library = command.contains("--lib");
    let missing: Vec<&str> = filters
        .into_iter()
        .filter(|filter| {
            !in_library
                && !modules(filter)
                    .iter()
                    .all(|part| text.contains(&format!(" {part}")) || text.contains(&format!("_{part}")))
        })
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no test has {missing:?} in its path")) }
}

/// Every test program: its name, and all of its source.
fn programs() -> Vec<(String, String)> {
    let mut programs = Vec::new();
    for folder in ["kernel-core/tests", "sim/tests", "scenarios/tests", "scenarios/mutants/tests", "snapshots/tests"] {
        for path in entries(&root().join(folder)) {
            let name = path.file_stem().and_then(|name| name.to_str()).expect("names are UTF-8").to_string();
            let files = if path.is_dir() { entries(&path) } else { BTreeSet::from([path]) };
            let files = files.into_iter().filter(|file| file.is_file());
            let text: String = files.map(|file| fs::read_to_string(file).expect("a test is text")).collect();
            // One program of several files.
            let name = if folder == "scenarios/mutants/tests" { "mutants".to_string() } else { name };
            programs.push((name, text));
        }
    }
    programs
}

fn entries(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("a folder can be listed").path()).collect()
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn read(readme: &str) -> String {
    let path = root().join(readme);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The blocks of shell lines: those marked as `text`.
fn blocks(text: &str) -> Vec<String> {
    let parts = text.split("```text\n").skip(1);
    parts.filter_map(|part| part.split("\n```").next().map(String::from)).collect()
}

/// Where the links of a page lead, except those to the web and to Rust items.
fn links(text: &str) -> Vec<String> {
    let parts = text.split("](").skip(1);
    let links = parts.filter_map(|part| part.split(')').next()).map(String::from);
    links.filter(|link| !link.contains("::") && !link.contains("://") && !link.contains(' ')).collect()
}

/// Whether a page has a heading with this anchor.
fn has_heading(text: &str, anchor: &str) -> bool {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| line.trim_start_matches('#').trim().to_lowercase()).any(|heading| {
        let plain = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
        plain.replace(' ', "-") == anchor
    })
}

/// What a `cargo sim` line prints, run from the root of the repository.
fn run(command: &str) -> String {
    let program = format!("'{}'", env!("CARGO_BIN_EXE_kinode-sim"));
    let line = match command.strip_prefix("cargo sim") {
        Some(rest) => format!("{program}{rest}"),
        None => format!("{program}{}", command.strip_prefix("kinode-sim").expect("a shown command is of this program")),
    };
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).current_dir(root()).stdin(Stdio::null());
    let output = shell.output().expect("a shell runs");
    String::from_utf8(output.stdout).expect("the program prints UTF-8")
}
