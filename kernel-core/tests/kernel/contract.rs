//! The contract is kept: each rule has code that obeys it, an invariant that checks it, a scenario that tells it and
//! something planted that breaks it, or it is listed here why not. The table on the front page says where.
//!
//! Read from the sources, which lie side by side in the repository.

use kernel_core::{Deviation, How, OnExitKind, Origin, Rule};
use std::fs;
use std::path::{Path, PathBuf};

/// What a rule has in the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Code,
    Invariant,
    Breaker,
}

/// Rules that have none of something, and why.
const WITHOUT: &[(Rule, Part, &str)] = &[
    (Rule::S1, Part::Code, "the kernel knows no packages: `sim/src/world/operator.rs` turns them into commands"),
    (Rule::S1, Part::Invariant, "it says what is not there"),
    (Rule::S1, Part::Breaker, "it says what is not there"),
    (Rule::S7, Part::Breaker, "time belongs to the world"),
    (Rule::E1, Part::Invariant, "an exit in no way or in two cannot be written down: `Exit` has two, the trace four"),
    (Rule::E1, Part::Breaker, "as for its invariant"),
    (Rule::K3, Part::Code, "the kernel knows no parents and children"),
    (Rule::K4, Part::Code, "it follows from E6 and X.kill"),
    (Rule::P3, Part::Code, "`vfs`, `kv` and `sqlite` are modules of the world"),
    (Rule::P4, Part::Code, "it is for the processes"),
    (Rule::P4, Part::Invariant, "each process's own: `scenarios/src/counts_once.rs`"),
    (Rule::P4, Part::Breaker, "a wrong process, `a-counter-that-tells-too-soon`"),
    (Rule::P5, Part::Code, "backups are the world's: `sim/src/world/backups.rs`"),
    (Rule::P5, Part::Breaker, "planted in the disk: `sim/src/disk/planted.rs`"),
];

/// The folder of a package of the workspace.
fn package(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it is in a workspace").join(name)
}

/// The sources right in a folder: name and text.
fn sources(folder: PathBuf) -> Vec<(String, String)> {
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files = entries.map(|entry| entry.expect("the folder can be read").path());
    let mut files: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|ext| ext == "rs")).collect();
    files.sort();
    let name = |file: &Path| file.file_name().expect("it is a file").to_string_lossy().to_string();
    files.iter().map(|file| (name(file), fs::read_to_string(file).expect("it is text"))).collect()
}

/// Whether a text has this word, and not only as a part of another.
fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

/// How a rule is written in Rust.
fn in_code(rule: Rule) -> String {
    match rule {
        Rule::X(..) => "Rule::X".to_string(),
        rule => format!("Rule::{rule}"),
    }
}

/// The files of the kernel whose documentation refers to a rule.
fn code(rule: Rule) -> Vec<String> {
    let apart = ["rule.rs", "deviation.rs", "semantics.rs", "mutants.rs", "quirks.rs"];
    let kernel = sources(package("kernel-core/src")).into_iter().filter(|(name, _)| !apart.contains(&name.as_str()));
    kernel.filter(|(_, text)| text.contains(&format!("{})", in_code(rule)))).map(|(name, _)| name).collect()
}

/// The files whose invariants claim a rule.
fn invariants(rule: Rule) -> Vec<String> {
    let all = sources(package("sim/src/invariant"));
    all.into_iter().filter(|(_, text)| has_word(text, &in_code(rule))).map(|(name, _)| name).collect()
}

/// The scenarios that are said to be about a rule: the comment above names it.
fn scenarios(rule: Rule) -> Vec<String> {
    if let Rule::X(how, on_exit) = rule {
        let name = format!("{}-{}", how.name(), format!("{on_exit:?}").to_lowercase());
        return package("snapshots").join(format!("{name}.snap")).exists().then_some(name).into_iter().collect();
    }
    let mut named = Vec::new();
    for (_, text) in sources(package("scenarios/src/chapters")) {
        for (at, _) in text.match_indices("() -> Scenario {") {
            let comment = text[..at].rsplit("\n\n").next().unwrap_or_default();
            let mut comment = comment.lines().filter(|line| line.starts_with("///"));
            // Its name stands on a line of its own.
            let mut name = text[at..].lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","));
            let name = name.find(|name| name.contains('-') && !name.contains(' '));
            named.extend(name.filter(|_| comment.any(|line| has_word(line, rule.id()))).map(str::to_string));
        }
    }
    named
}

/// What is planted to break a rule: deviations, and mutants.
fn breakers(rule: Rule) -> (Vec<&'static str>, usize) {
    let deviations = Deviation::ALL.iter().filter(|deviation| deviation.breaks().contains(&rule));
    let in_list = match rule {
        Rule::X(how, on_exit) => format!("X({how:?}, OnExitKind::{on_exit:?})"),
        rule => rule.to_string(),
    };
    let mutants = sources(package("kernel-core/src/mutants"));
    let lists = mutants.iter().flat_map(|(_, text)| text.split("Mutant::new(").skip(1));
    let lists = lists.filter_map(|mutant| Some(mutant.split_once("&[")?.1.split_once(']')?.0));
    (deviations.map(|deviation| deviation.name()).collect(), lists.filter(|list| has_word(list, &in_list)).count())
}

fn is_excused(rule: Rule, part: Part) -> Option<&'static str> {
    WITHOUT.iter().find(|(without, of, _)| (*without, *of) == (rule, part)).map(|(_, _, why)| *why)
}

/// The rule's row in the table.
fn row(rule: Rule) -> String {
    let origin = match rule.origin() {
        Some(Origin::Book) => "book",
        Some(Origin::Runtime) => "runtime",
        Some(Origin::Ours) => "ours",
        None => unreachable!("it is a rule of the contract"),
    };
    let list = |part, names: Vec<String>| match is_excused(rule, part) {
        Some(why) => format!("none: {why}"),
        None => names.iter().map(|name| format!("`{}`", name.trim_end_matches(".rs"))).collect::<Vec<_>>().join(" "),
    };
    let told = scenarios(rule).into_iter().take(3).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ");
    let (deviations, mutants) = breakers(rule);
    let broken = match is_excused(rule, Part::Breaker) {
        Some(why) => format!("none: {why}"),
        None if mutants == 0 => deviations.join(" "),
        None => format!("{} {}", deviations.join(" "), counted(mutants)).trim().to_string(),
    };
    let (code, invariants) = (list(Part::Code, code(rule)), list(Part::Invariant, invariants(rule)));
    format!("| {rule} | {} | {origin} | {code} | {invariants} | {told} | {broken} |", rule.says())
}

fn counted(mutants: usize) -> String {
    format!("{mutants} mutant{}", if mutants == 1 { "" } else { "s" })
}

#[test]
fn each_rule_has_code_an_invariant_a_scenario_and_a_breaker_or_it_is_said_why_not() {
    let mut problems = Vec::new();
    for rule in Rule::all() {
        let (deviations, mutants) = breakers(rule);
        let parts = [
            (Part::Code, code(rule).is_empty()),
            (Part::Invariant, invariants(rule).is_empty()),
            (Part::Breaker, deviations.is_empty() && mutants == 0),
        ];
        for (part, is_missing) in parts {
            match (is_missing, is_excused(rule, part)) {
                (true, None) => problems.push(format!("{rule} has no {part:?}, and it is not said why")),
                (false, Some(why)) => problems.push(format!("{rule} has {part:?}, though it is said: {why}")),
                (true, Some(_)) | (false, None) => {}
            }
        }
        if scenarios(rule).is_empty() {
            problems.push(format!("no scenario is about {rule}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The front page has a row for each rule, as the sources say. `INSTA_UPDATE=always` writes it.
#[test]
fn the_front_page_says_of_each_rule_where_it_is_kept() {
    let (head, foot) = ("<!-- rules -->\n", "<!-- end of rules -->");
    let path = package("kernel-core/README.md");
    let page = fs::read_to_string(&path).expect("there is a front page");
    let (before, rest) = page.split_once(head).expect("the table begins somewhere");
    let (_, after) = rest.split_once(foot).expect("the table ends somewhere");
    let rows: Vec<String> = Rule::all().map(row).collect();
    let title = "| rule | says | from | code | invariant | scenarios | broken by |\n|---|---|---|---|---|---|---|";
    let now = format!("{before}{head}{title}\n{}\n{foot}{after}", rows.join("\n"));
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        return fs::write(&path, now).expect("the page can be written");
    }
    assert!(page == now, "kernel-core/README.md is not up to date: run this test with INSTA_UPDATE=always");
}

#[test]
fn the_exit_matrix_has_a_rule_for_each_cell() {
    let cells: Vec<Rule> = Rule::all().filter(|rule| matches!(rule, Rule::X(..))).collect();
    assert_eq!(cells.len(), How::ALL.len() * 3);
    assert_eq!(cells[0], Rule::X(How::Return, OnExitKind::None));
}
