//! Failures as they are found and as they are told: three deviations of the public runtimes, before and after shrinking.

use super::{assert_none_differs, differing};
use scenarios::report::{Finding, findings};
use sim::prelude::*;
use sim::{Origin, Signature};
use std::fmt::Write;

/// A kill at an instant, a crash at a write, and an order of what is due at once.
const SHOWN: [&str; 3] = ["D3", "D5", "D31"];
/// How many lines of a plan are shown before it is shrunk.
const LINES_MAX: usize = 12;

/// The names of these snapshots.
pub fn snapshots() -> impl Iterator<Item = String> {
    SHOWN.into_iter().map(|name| format!("shrunk-{}", name.to_lowercase()))
}

#[test]
fn a_failure_is_shrunk_to_what_its_snapshot_says() {
    let findings = findings();
    let differing: Vec<String> = SHOWN
        .iter()
        .zip(snapshots())
        .filter_map(|(shown, snapshot)| {
            let finding = findings.iter().find(|finding| finding.deviation == *shown).expect("it is found");
            let deviation = Deviation::ALL.iter().find(|deviation| deviation.name() == *shown).expect("there is one");
            let description = format!("A kernel with {shown}: {}.", deviation.summary());
            differing(&snapshot, &description, &before_and_after(finding, *deviation))
        })
        .collect();
    assert_none_differs(&differing);
}

/// What breaks, the plan as it was drawn and as it was shrunk, and what happens under the shrunk one.
fn before_and_after(finding: &Finding, deviation: Deviation) -> String {
    let (scenario, seed) = (named(scenarios::all(), &finding.scenario), finding.seeds - 1);
    let sim = Sim::of(&scenario).native().deviation(deviation);
    let drawn = sim.record(seed);
    let violation = drawn.violations().iter().find(|violation| violation.claim.rule.to_string() == finding.rule);
    let signature = Signature::of(violation.expect("the seed breaks the rule"));
    let failure = sim.failure(&Origin::Seed(sim::Seed(seed)), &signature).expect("it fails in the same way again");
    let before = drawn.plan.unwrap_or_default().lines;
    let mut text = String::new();
    let broken = failure.violation();
    let _ = writeln!(text, "{}: broken in {} under seed {seed}", broken.claim.rule, scenario.name);
    let _ = writeln!(text, "says: {}", broken.claim.says);
    let _ = writeln!(text, "but:  {}", broken.facts);
    let _ = writeln!(text, "\nplan as drawn: {} lines", before.len());
    before.iter().take(LINES_MAX).for_each(|line| text += &format!("    {line}\n"));
    if before.len() > LINES_MAX {
        let _ = writeln!(text, "    and {} more", before.len() - LINES_MAX);
    }
    let _ = writeln!(text, "plan as shrunk: {} lines", failure.plan.lines.len());
    failure.plan.lines.iter().for_each(|line| text += &format!("    {line}\n"));
    text + "\nunder the shrunk plan:\n" + &failure.run.transcript(&scenario)
}
