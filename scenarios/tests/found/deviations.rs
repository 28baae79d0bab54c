//! Where the public runtimes differ from the contract, the invariants find it, and shrink it to a few lines.
//!
//! This is how the invariants are shown to bite: each deviation is a documented bug, and nothing here knows which scenario
//! or which fault brings it to light.

use super::finding::{in_parallel, violations};
use kernel_core::{Deviation, Rule, Semantics};
use scenarios::all;
use sim::explore::shrink::shrink;
use sim::explore::{record_seed, run_plan, run_seed};
use sim::guest::image::Loader;
use sim::plan::Plan;
use sim::plan::chooser::{Profile, Seed};
use sim::scenario::Scenario;
use sim::world::Options;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// Deviations that no invariant finds in any scenario yet, and why not.
const NOT_FOUND_YET: &[(Deviation, &str)] = &[];

/// Each scenario is played under the seeds of a block before any is under those of the next.
const BLOCKS: &[Range<u64>] = &[0..2, 2..8, 8..32, 32..128, 128..512, 512..2_000];
/// As many blocks are played to see that what is not found yet is not found.
const BLOCKS_OF_THE_UNFOUND: usize = 3;
/// A plan that a person reads.
const PLAN_LINES_MAX: usize = 10;
/// How many runs shrinking may take.
const SHRINK_RUNS_MAX: usize = 300;
/// How many seeds of every scenario the sets of deviations are played under.
const SEEDS_OF_THE_RUNTIMES: u64 = 20;

/// A deviation that came to light.
struct Found {
    deviation: Deviation,
    /// The rule that broke, and how.
    rule: Rule,
    facts: String,
    scenario: String,
    /// How many seeds of that scenario it took.
    seeds: u64,
    /// The fewest faults that bring it about.
    plan: Plan,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (deviation, rule, scenario, seeds) = (self.deviation.name(), self.rule, &self.scenario, self.seeds);
        let lines = self.plan.lines.len();
        writeln!(f, "{deviation:<4} {rule:<16} {scenario:<32} {seeds:>5} seeds {lines:>3} lines")?;
        writeln!(f, "     the runtimes: {}", self.deviation.summary())?;
        writeln!(f, "     the invariant: {}", self.facts)?;
        self.plan.lines.iter().try_for_each(|line| writeln!(f, "     {line}"))
    }
}

impl Found {
    /// The row of the table in `scenarios/README.md`.
    fn row(&self) -> String {
        let (deviation, says, rule) = (self.deviation.name(), self.deviation.summary(), self.rule);
        let plan = if self.plan.lines.is_empty() {
            "none: the scenario is enough".to_string()
        } else {
            format!("`{}`", self.plan.one_line())
        };
        format!("| {deviation} | {says} | {rule} | `{}` | {} | {plan} |", self.scenario, self.seeds)
    }
}

#[test]
fn every_deviation_is_found_and_shrunk() {
    let (scenarios, loader) = (all(), Loader::default());
    let unfound = |deviation| NOT_FOUND_YET.iter().any(|(unfound, _)| *unfound == deviation);
    let of_each = in_parallel(Deviation::ALL, |deviation| {
        let blocks = if unfound(*deviation) { &BLOCKS[..BLOCKS_OF_THE_UNFOUND] } else { BLOCKS };
        find(*deviation, &scenarios, blocks, &loader)
    });
    let mut problems = Vec::new();
    for (deviation, found) in Deviation::ALL.iter().zip(&of_each) {
        let name = deviation.name();
        match (found, unfound(*deviation)) {
            (Err(others), true) => println!("{name} is not found; it breaks {others:?}"),
            (Err(others), false) => problems.push(format!("{name} is not found; it breaks {others:?}")),
            (Ok(found), true) => problems.push(format!("no longer among those not found yet: {found}")),
            (Ok(found), false) => problems.extend(wrong_with(found, &scenarios, &loader)),
        }
    }
    let readme = include_str!("../../README.md");
    let missing = of_each.iter().flatten().map(Found::row).filter(|row| !readme.lines().any(|line| line == row));
    problems.extend(missing.map(|row| format!("scenarios/README.md lacks this row:\n{row}")));
    let table: Vec<String> = of_each.iter().flatten().map(Found::to_string).collect();
    let table = table.join("\n");
    println!("{table}");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description("Each deviation of the public runtimes: the rule that breaks first, where, and by what.");
    settings.bind(|| insta::assert_snapshot!("deviations-found", table));
}

/// The sets of deviations that stand for the two runtimes are played to the end, whatever breaks meanwhile.
#[test]
fn every_scenario_can_be_played_on_the_public_runtimes() {
    let loader = Loader::default();
    let broken = in_parallel(&all(), |scenario| {
        let runtimes = [Semantics::kinode_1_0(), Semantics::hyperdrive_1_9()];
        runtimes.map(|semantics| {
            let options = Options { semantics: Some(semantics), ..Options::default() };
            let run =
                |seed| run_seed(scenario, Seed(seed), Profile::Swarm, &options, &loader).expect("a sound scenario");
            (0..SEEDS_OF_THE_RUNTIMES).map(run).filter(|run| !run.held()).count()
        })
    });
    for (runtime, name) in ["kinode-1.0", "hyperdrive-1.9"].iter().enumerate() {
        let n_broken: usize = broken.iter().map(|of_scenario| of_scenario[runtime]).sum();
        println!("{name}: {n_broken} of {} runs break a rule", broken.len() as u64 * SEEDS_OF_THE_RUNTIMES);
        assert!(n_broken > 0, "{name} keeps the contract");
    }
}

/// The first of its rules that a deviation is seen to break, and the least that it takes. If it breaks none of them:
/// which others it breaks, and the scenario that shows each.
fn find(
    deviation: Deviation,
    scenarios: &[Scenario],
    blocks: &[Range<u64>],
    loader: &Loader,
) -> Result<Found, BTreeMap<Rule, String>> {
    let mut others = BTreeMap::new();
    for block in blocks {
        for scenario in scenarios {
            let options = Options { semantics: Some(scenario.semantics.clone().with(deviation)), ..Options::default() };
            for seed in block.clone().map(Seed) {
                let run = run_seed(scenario, seed, Profile::Swarm, &options, loader).expect("a sound scenario");
                match violations(&run).find(|(rule, _)| deviation.breaks().contains(rule)) {
                    Some((rule, _)) => return Ok(shrunk(deviation, scenario, seed, rule, &options, loader)),
                    None => others.extend(violations(&run).map(|(rule, _)| (rule, scenario.name.clone()))),
                }
            }
        }
    }
    Err(others)
}

fn shrunk(
    deviation: Deviation,
    scenario: &Scenario,
    seed: Seed,
    rule: Rule,
    options: &Options,
    loader: &Loader,
) -> Found {
    let breaks = |plan: &Plan| {
        let run = run_plan(scenario, plan, options, loader).expect("a sound scenario");
        violations(&run).find(|(broken, _)| *broken == rule).map(|(_, facts)| facts.to_string())
    };
    let recorded = record_seed(scenario, seed, Profile::Swarm, options, loader).expect("a sound scenario");
    let plan = recorded.plan.expect("a run that is recorded has a plan");
    let plan = shrink(plan, SHRINK_RUNS_MAX, |plan| breaks(plan).is_some()).plan;
    let facts = breaks(&plan).unwrap_or_else(|| panic!("{} under {seed:?}: its plan keeps {rule}", scenario.name));
    Found { deviation, rule, facts, scenario: scenario.name.clone(), seeds: seed.0 + 1, plan }
}

/// What a finding must not be: too long to read, or no fault of the deviation.
fn wrong_with(found: &Found, scenarios: &[Scenario], loader: &Loader) -> Vec<String> {
    let scenario =
        scenarios.iter().find(|scenario| scenario.name == found.scenario).expect("it was found in one of them");
    let back_off = scenario.semantics.clone().with(found.deviation).back_off;
    // The deviation may bring a back-off along, and is to blame for more than that.
    let by_the_book = [None, Some(scenario.semantics.clone().with_back_off(back_off))];
    let mut problems = Vec::new();
    for semantics in by_the_book {
        let options = Options { semantics, ..Options::default() };
        let run = run_plan(scenario, &found.plan, &options, loader).expect("it was played before");
        if !run.held() {
            problems.push(format!("without the deviation, too: {found}{}", run.summary()));
        }
    }
    if found.plan.lines.len() > PLAN_LINES_MAX {
        problems.push(format!("longer than {PLAN_LINES_MAX} lines: {found}"));
    }
    problems
}
