//! Kernels that break a rule on purpose, and the invariants that say so.
//!
//! The mutants were written from the contract, rule by rule, before their detectors were looked at
//! (`kernel_core::mutants`). Each is found by the common exploration, with nothing made for it, and by an invariant of a
//! rule that it is said to break.

#[path = "../../tests/found/finding.rs"]
mod finding;
mod worlds;

use finding::{in_parallel, violations};
use kernel_core::Rule;
use kernel_core::mutants::Mutant;
use scenarios::all;
use sim::explore::run_seed;
use sim::guest::image::Loader;
use sim::plan::chooser::{Profile, Seed};
use sim::scenario::Scenario;
use sim::world::Options;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

/// Each scenario is played under the seeds of a block before any is under those of the next.
const BLOCKS: &[Range<u64>] = &[0..2, 2..8, 8..32, 32..128];
/// How many there must be.
const MUTANTS_MIN: usize = 40;
/// How many of them the reference model must find by itself, in the run in which the rule's own invariant does.
const BY_THE_MODEL_MIN: usize = 20;

/// A mutant that came to light.
struct Found {
    mutant: &'static Mutant,
    rule: Rule,
    facts: String,
    scenario: String,
    /// How many seeds of that scenario it took.
    seeds: u64,
    /// Whether the reference model, too, was seen to disagree with that run.
    by_the_model: bool,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Mutant { name, does, .. }, rule, scenario, seeds) = (self.mutant, self.rule, &self.scenario, self.seeds);
        let model = if self.by_the_model { "+ model" } else { "" };
        write!(f, "{name:<30} {rule:<17} {model:<8} {scenario:<31} {seeds:>3}  {does}")
    }
}

#[test]
fn every_mutant_is_found() {
    let (scenarios, loader) = (all(), Loader::default());
    let mutants: Vec<&Mutant> = Mutant::all().collect();
    let of_each = in_parallel(&mutants, |mutant| find(mutant, &scenarios, &loader));
    let mut problems = Vec::new();
    for (mutant, found) in mutants.iter().zip(&of_each) {
        match found {
            Err(others) => problems.push(format!("{mutant:?} is not found; it breaks {others:?}")),
            Ok(found) if !holds_by_the_book(found, &scenarios, &loader) => {
                problems.push(format!("without it, too: {found}: {}", found.facts))
            }
            Ok(_) => {}
        }
    }
    let table: Vec<String> = of_each.iter().flatten().map(Found::to_string).collect();
    let table = table.join("\n");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let by_the_model = of_each.iter().flatten().filter(|found| found.by_the_model).count();
    println!("{} mutants are found, {by_the_model} of them by the reference model alone, too", table.lines().count());
    assert!(by_the_model >= BY_THE_MODEL_MIN, "the reference model finds {by_the_model}");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(
        "Each planted mutant of the kernel: the rule that is first seen broken, in which scenario, after how many seeds.",
    );
    settings.bind(|| insta::assert_snapshot!("mutants-found", table));
}

/// Every rule that speaks of what a kernel does has a mutant that breaks it.
#[test]
fn the_mutants_are_many_and_break_every_chapter() {
    let mutants: Vec<&Mutant> = Mutant::all().collect();
    let called: BTreeSet<&str> = mutants.iter().map(|mutant| mutant.name).collect();
    assert_eq!(called.len(), mutants.len(), "two are called alike");
    assert!(mutants.len() >= MUTANTS_MIN, "{}", mutants.len());
    let broken: BTreeSet<Rule> = mutants.iter().flat_map(|mutant| mutant.breaks).copied().collect();
    let spared: Vec<Rule> = Rule::all().filter(|rule| !broken.contains(rule)).collect();
    assert_eq!(spared, NOT_THE_KERNELS, "no mutant breaks these");
}

/// The rules that a kernel alone cannot break: S1 and P4 are for userspace, S7 and E1 for the world, P3 and P5 for
/// runtime modules.
const NOT_THE_KERNELS: [Rule; 6] = [Rule::S1, Rule::S7, Rule::E1, Rule::P3, Rule::P4, Rule::P5];

/// The first of its rules that a mutant is seen to break. If it breaks none of them: which others it breaks, and the
/// scenario that shows each.
fn find(mutant: &'static Mutant, scenarios: &[Scenario], loader: &Loader) -> Result<Found, BTreeMap<Rule, String>> {
    let mut others = BTreeMap::new();
    for block in BLOCKS {
        for scenario in scenarios {
            let options = Options { semantics: Some(scenario.semantics.clone().mutated(mutant)), ..Options::native() };
            for seed in block.clone().map(Seed) {
                let run = run_seed(scenario, seed, Profile::Swarm, &options, loader).expect("a sound scenario");
                let of_its_own = violations(&run).find(|(rule, _)| mutant.breaks.contains(rule));
                if let Some((rule, facts)) = of_its_own {
                    let (facts, scenario) = (facts.to_string(), scenario.name.clone());
                    let by_the_model = violations(&run).any(|(rule, _)| rule.id() == "model");
                    return Ok(Found { mutant, rule, facts, scenario, seeds: seed.0 + 1, by_the_model });
                }
                others.extend(violations(&run).map(|(rule, _)| (rule, scenario.name.clone())));
            }
        }
    }
    Err(others)
}

/// Whether nothing breaks where the mutant was found, if it is not planted.
fn holds_by_the_book(found: &Found, scenarios: &[Scenario], loader: &Loader) -> bool {
    let scenario =
        scenarios.iter().find(|scenario| scenario.name == found.scenario).expect("it was found in one of them");
    let seed = Seed(found.seeds - 1);
    run_seed(scenario, seed, Profile::Swarm, &Options::native(), loader).expect("a sound scenario").held()
}
