//! No rule breaks in any scenario. Where one does, the first scenario that breaks it is told, shrunk.

use sim::prelude::*;
use sim::{Origin, Signature};

/// How many seeds of each scenario are played, besides its calm run; `SEEDS=300 cargo test -p kinode-book rules` plays more.
const SEEDS: u64 = 16;

#[expect(clippy::disallowed_methods, reason = "more seeds are asked for by hand")]
fn n_seeds() -> u64 {
    std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS)
}

/// A scenario that does not hold.
struct Broken<'s> {
    sim: Sim<'s>,
    origin: Origin,
    verdict: Verdict,
}

/// How a scenario first breaks: in its calm run, or under a seed.
fn broken(sim: Sim<'_>) -> Option<Broken<'_>> {
    let calm = sim.calm();
    if !calm.held() {
        return Some(Broken { sim, origin: Origin::Plan(Plan::default()), verdict: calm.verdict });
    }
    let explored = sim.explore(0..n_seeds());
    let limits = explored.limits.into_iter().map(|(seed, limit)| (seed, Verdict::Limit(limit)));
    let (seed, verdict) = explored.violations.into_iter().chain(limits).next()?;
    Some(Broken { sim, origin: Origin::Seed(seed), verdict })
}

/// The first of them in full, made small, and of each other the rule and the facts.
fn report(broken: &[Broken<'_>]) -> String {
    let mut text = format!("scenarios that break by the book: {}. The first:\n\n", broken.len());
    for (index, Broken { sim, origin, verdict }) in broken.iter().enumerate() {
        let name = &sim.scenario().name;
        let under = match origin {
            Origin::Seed(seed) => format!("under seed {}", seed.0),
            Origin::Plan(_) => "when nothing goes wrong".to_string(),
        };
        let failure = verdict.violations().first().filter(|_| index == 0);
        let failure = failure.map(|violation| sim.failure(origin, &Signature::of(violation)));
        match failure {
            Some(Ok(failure)) => {
                let plan = if failure.plan.lines.is_empty() {
                    "calm".to_string()
                } else {
                    format!("'{}'", failure.plan.one_line())
                };
                text += &failure.report(&[format!("cargo sim replay {name} --flavor native {plan}")], None);
                text += "\n";
            }
            Some(Err(error)) => text += &format!("  {name} {under}: {verdict}; but then {error}\n"),
            None => text += &format!("  {name} {under}: {verdict}\n"),
        }
    }
    text
}

#[test]
fn every_scenario_holds() {
    let scenarios = scenarios::all();
    let native = scenarios.iter().filter_map(|scenario| broken(Sim::of(scenario).native()));
    let native: Vec<Broken<'_>> = native.collect();
    assert!(native.is_empty(), "{}", report(&native));
    let in_wasm: Vec<String> = scenarios
        .iter()
        .map(|scenario| (scenario, Sim::of(scenario).flavor(Flavor::Wasm).calm()))
        .filter(|(_, run)| !run.held())
        .map(|(scenario, run)| format!("{} in Wasm: {}", scenario.name, run.verdict))
        .collect();
    assert!(in_wasm.is_empty(), "{}", in_wasm.join("\n"));
}

#[test]
fn a_wrong_kernel_is_told_by_the_scenario_that_breaks_and_its_rule() {
    let deviation = Deviation::ALL.iter().find(|deviation| deviation.name() == "D1").expect("there is one");
    let (scenarios, names) = (scenarios::all(), ["kill-none", "kill-requests"]);
    let played = scenarios.iter().filter(|scenario| names.contains(&scenario.name.as_str()));
    let found: Vec<Broken<'_>> =
        played.filter_map(|scenario| broken(Sim::of(scenario).native().deviation(*deviation))).collect();
    let text = report(&found);
    for part in [
        "scenarios that break by the book: 1. The first:\n\nX.kill.Requests: BROKEN in kill-requests\n  says: ",
        "  replay: cargo sim replay kill-requests --flavor native ",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}
