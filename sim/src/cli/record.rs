//! What programs read: every line of `--format json` is one of these. An interface: fields are added, never changed.

use crate::invariant::Violation;
use crate::plan::{Line, Plan};
use crate::trace::Fingerprint;
use kernel_core::{How, OnExitKind};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// One line.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Record<'a> {
    /// `explore`: what became of a scenario.
    Scenario {
        scenario: &'a str,
        seeds: u64,
        events: u64,
        messages: u64,
        /// How many seeds broke a rule.
        violations: u64,
        /// How many seeds reached a bound of the simulator, and so neither held nor broke anything.
        limits: u64,
        fingerprint: String,
    },
    /// `explore`: a rule that broke in a scenario, and the first seed under which it did.
    Violation {
        scenario: &'a str,
        seed: u64,
        rule: &'a str,
        says: &'a str,
        facts: &'a str,
        /// The event at which it was seen; none: at the end.
        at: Option<u64>,
        /// How many seeds broke it.
        seeds: u64,
        /// Shrunk: what it takes. Facts and event are of its run.
        plan: Vec<String>,
        /// The line that plays the seed.
        replay: &'a str,
        /// The line that plays the plan.
        replay_plan: Option<&'a str>,
        /// A Rust test that plays the plan.
        test: Option<&'a str>,
        /// The second run was not like the first: a bug of the simulator, reported on standard error.
        drift: bool,
    },
    /// `explore`: the last line.
    Summary {
        scenarios: u64,
        /// Runs: seeds of all scenarios.
        seeds: u64,
        events: u64,
        messages: u64,
        violations: u64,
        limits: u64,
        cells: Vec<CellRecord>,
        cells_reached: u64,
        probes: Vec<ProbeRecord>,
        fingerprint: String,
        /// The fingerprint of those runs that cannot depend on the form of the programs.
        plain: String,
        /// How many runs were played three times, to see that they are the same.
        played_again: u64,
        /// Why it stopped before all seeds were played: `interrupted`, `time` or `failures`.
        #[serde(skip_serializing_if = "Option::is_none")]
        stopped: Option<&'a str>,
    },
    /// `sweep`: what became of a scenario's crash points.
    Sweep {
        scenario: &'a str,
        /// How many crash points its calm run has, and how many were visited.
        points: u64,
        visited: u64,
        /// How many of those by forking the calm run.
        forked: u64,
        /// How many broke a rule, and how many reached a bound of the simulator.
        violations: u64,
        limits: u64,
    },
    /// `check`: what became of a package.
    Check {
        /// Of these records.
        version: u32,
        package: &'a str,
        /// `PASSED`, `FAILED` or `INCONCLUSIVE`.
        verdict: &'a str,
        /// The verdict in a sentence, and what belongs beside it.
        says: &'a str,
        headlines: &'a [String],
        seeds: u64,
        /// Crash points visited.
        points: u64,
        violations: u64,
        /// What leaves the verdict open: what it asked for and the simulator does not have, a bound that it reached.
        unmodelled: &'a [String],
        /// The line that plays the first failure again, made small.
        replay: Option<&'a str>,
        /// Crash points that were not visited.
        points_left_out: u64,
        /// Seeds that were not played.
        seeds_left_out: u64,
        /// Runs that reached a bound of the simulator.
        bounded: u64,
        /// Whether anything outside of the package sent one of its processes a request.
        spoken_to: bool,
        /// How many different things broke.
        failures: u64,
    },
    /// `check`: what a process of the package did when nothing went wrong.
    Process {
        process: &'a str,
        on_exit: Option<String>,
        lives: u32,
        /// By name.
        calls: &'a BTreeMap<&'static str, u64>,
        /// Requests that it sent, and messages that it received.
        requests: u64,
        received: u64,
        /// Requests among those from outside of the package.
        asked: u64,
        /// What it saved last; none: it saved nothing.
        state_bytes: Option<usize>,
        /// In bytes, and at the prices of this engine.
        memory: u64,
        fuel: u64,
        /// Whether it waited for messages at the end.
        waits: bool,
        /// Whether it had ended by then.
        gone: bool,
        panicked: Option<&'a str>,
    },
    /// `check`: something that broke, made small.
    Failure {
        package: &'a str,
        rule: &'a str,
        says: &'a str,
        facts: &'a str,
        /// In how many runs it did.
        runs: u64,
        plan: Vec<String>,
        replay: &'a str,
        /// Deviations of the kernel without any one of which it does not happen.
        deviations: Vec<&'static str>,
        /// The numbers of the events at which its fact began and at which it was seen; none: it was seen at the end.
        began: Option<u64>,
        seen: Option<u64>,
        /// The events that the report shows; each has its number.
        events: Vec<String>,
        /// Messages that were lost with a mailbox, by the number of the event with which they were.
        lost: Vec<Lost>,
    },
    /// `check`: something worth knowing that no rule forbids.
    Note { package: &'a str, note: &'static str, text: String, runs: u64 },
    /// `replay`: the one run.
    Run {
        scenario: &'a str,
        events: u64,
        messages: u64,
        /// How many rules broke.
        violations: u64,
        /// `held`, `violated` or `limit`.
        verdict: &'a str,
        /// Which rules broke, and how.
        broken: Vec<Broken<'a>>,
        /// The plan that gives this run again.
        plan: Vec<String>,
        /// Lines of the plan that never came up.
        unused: Vec<String>,
        fingerprint: String,
        /// The events, if they were asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        trace: Option<Vec<String>>,
    },
}

/// One line of `list`.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Listed<'a> {
    Scenario { name: &'a str, about: &'a str },
    Invariant { name: &'a str, says: &'a str },
    Fault { name: &'a str, summary: &'a str },
    Deviation { name: &'a str, summary: &'a str },
    Module { name: &'a str, actions: &'a str },
}

/// A cell of the exit matrix.
#[derive(Debug, Serialize)]
pub(super) struct CellRecord {
    pub(super) how: &'static str,
    pub(super) on_exit: String,
    pub(super) exits: u64,
    pub(super) scenarios: u64,
    pub(super) in_flight: u64,
    pub(super) capable: u64,
    pub(super) both: u64,
}

/// Something that should be seen sometimes.
#[derive(Debug, Serialize)]
pub(super) struct ProbeRecord {
    pub(super) sometimes: &'static str,
    /// In how many runs it was.
    pub(super) runs: u64,
}

/// A rule that a run broke.
#[derive(Debug, Serialize)]
pub(super) struct Broken<'a> {
    rule: &'a str,
    says: &'a str,
    facts: &'a str,
    at: Option<u64>,
}

impl<'a> From<&'a Violation> for Broken<'a> {
    fn from(violation: &'a Violation) -> Broken<'a> {
        let Violation { claim, facts, at, .. } = violation;
        Broken { rule: claim.rule.id(), says: claim.says, facts, at: at.map(|at| at.0) }
    }
}

/// Writes one line.
pub(super) fn write(out: &mut impl Write, record: &impl Serialize) -> io::Result<()> {
    let line = serde_json::to_string(record).expect("texts, numbers and lists of them are JSON");
    writeln!(out, "{line}")
}

/// A message that nobody received.
#[derive(Debug, Serialize)]
pub(super) struct Lost {
    pub with: u64,
    pub message: String,
}

/// A plan's lines.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    plan.lines.iter().map(Line::to_string).collect()
}

/// A fingerprint: sixteen hexadecimal digits, since a JSON number has not the room.
pub(super) fn hex(fingerprint: Fingerprint) -> String {
    fingerprint.to_string()
}

/// A cell's name: `kill/Requests`.
pub(super) fn cell_name(how: How, on_exit: OnExitKind) -> String {
    format!("{}/{on_exit:?}", how.name())
}
