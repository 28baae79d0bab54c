//! A report for the makers of the runtimes: each deviation in a few lines, and the least that shows it.
//!
//! It is printed from the switches (`kernel_core::Deviation`) and from `found.txt`, which a test keeps up to date.

use kernel_core::{Deviation, Known, Rule, Runtimes};
use std::fmt::Write;

/// A deviation as the common exploration found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its id.
    pub deviation: String,
    /// The rule that broke first, of those that it breaks.
    pub rule: String,
    /// In which scenario.
    pub scenario: String,
    /// How many seeds of that scenario it took.
    pub seeds: u64,
    /// The fewest faults that bring it about, on one line; empty if a calm run does.
    pub plan: String,
}

impl Finding {
    /// Its line in `found.txt`.
    pub fn line(&self) -> String {
        let Finding { deviation, rule, scenario, seeds, plan } = self;
        format!("{deviation} | {rule} | {scenario} | {seeds} | {plan}").trim_end().to_string()
    }

    fn parse(line: &str) -> Option<Finding> {
        let mut parts = line.splitn(5, " |").map(|part| part.trim().to_string());
        let mut next = || parts.next();
        Some(Finding {
            deviation: next()?,
            rule: next()?,
            scenario: next()?,
            seeds: next()?.parse().ok()?,
            plan: next()?,
        })
    }

    /// The line that plays it on this kernel and on the book's, and draws both.
    pub fn diff(&self) -> String {
        let plan = if self.plan.is_empty() { String::new() } else { format!(" --plan '{}'", self.plan) };
        let Finding { scenario, deviation, .. } = self;
        format!("kinode-sim diff {scenario} book {deviation}{plan} --html {deviation}.html")
    }

    /// The line that plays it again.
    pub fn replay(&self) -> String {
        let plan = if self.plan.is_empty() { "calm".to_string() } else { format!("'{}'", self.plan) };
        format!("kinode-sim replay {} --deviation {} {plan}", self.scenario, self.deviation)
    }
}

/// Every deviation that was found, in their order.
pub fn findings() -> Vec<Finding> {
    include_str!("found.txt").lines().filter_map(Finding::parse).collect()
}

/// The report, as Markdown: the worst first.
pub fn report() -> String {
    let findings = findings();
    let mut text = String::from(HEAD);
    let mut heading = String::new();
    for deviation in Deviation::worst_first() {
        let of_this = if Deviation::WORST.contains(&deviation) {
            "The four to fix first".to_string()
        } else {
            sentence(&deviation.severity().to_string())
        };
        if heading != of_this {
            heading = of_this;
            let _ = writeln!(text, "\n## {heading}\n");
        }
        let _ = writeln!(text, "### {}: {}\n", deviation.name(), deviation.summary());
        let severity = sentence(&deviation.severity().to_string());
        let _ = writeln!(text, "*{severity}. {}. `{}`.*\n", provenance(deviation), deviation.source());
        let _ = writeln!(text, "- Send: {}", deviation.send());
        let _ = writeln!(text, "- What happens: {}", deviation.happens());
        let _ = writeln!(text, "- The contract ({}): {}", Rule::list(deviation.breaks()), deviation.contract());
        let found = findings.iter().find(|finding| finding.deviation == deviation.name());
        let _ = match (found, deviation.not_modelled()) {
            (Some(found), _) => {
                let (rule, replay, diff) = (&found.rule, found.replay(), found.diff());
                writeln!(text, "- Replay ({rule} breaks): `{replay}`\n- Beside the book: `{diff}`\n")
            }
            (None, Some(why)) => writeln!(text, "- Not modelled: {why}\n"),
            (None, None) => writeln!(text, "- Replay: a test of the kernel alone shows it; no scenario does yet.\n"),
        };
    }
    text.trim_end().to_string() + "\n"
}

/// How it is known, of which runtime.
fn provenance(deviation: Deviation) -> String {
    let known = match deviation.known() {
        Known::Seen => "Seen in Hyperdrive 1.9.2",
        Known::Read => "Read in the source of Hyperdrive 1.9.2, not run",
    };
    match deviation.runtimes() {
        Runtimes::Both => format!("{known}; read in the source of Kinode 1.0"),
        Runtimes::Hyperdrive => known.to_string(),
    }
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

const HEAD: &str = "\
# Where the runtimes differ from the book

What Hyperdrive 1.9.2 and Kinode 1.0 do that the contract of the process lifecycle forbids (`kernel-core/README.md`), for
their makers. *Seen* means that the kernel of Hyperdrive 1.9.2 was run and did it: its kernel, state, timer and vfs modules
unmodified, driven through the kernel's channels. *Read* means that its public source says so. Kinode 1.0 was read.

Each replay line plays the deviation alone, on a kernel that otherwise goes by the book, with the fewest faults that bring it
about. The line below it plays the same on the book's kernel too, prints where the two runs part, and draws both on one page
for a browser. This page is printed by `kinode-sim list deviations --report`, and a test keeps it up to date.
";
