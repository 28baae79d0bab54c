//! Where the public runtimes differ from the contract, the invariants find it, and shrink it to a few lines.
//!
//! This is how the invariants are shown to bite: each deviation is a documented bug, and nothing here knows which scenario
//! or which fault brings it to light.

use super::finding::{in_parallel, violations};
use kernel_core::command::{Command, CommandAnswer};
use kernel_core::{Deviation, Duration, Instant, Rule, Semantics};
use scenarios::all;
use scenarios::report::{self, Finding};
use sim::explore::shrink::shrink;
use sim::explore::{record_seed, run_plan, run_seed};
use sim::guest::image::Loader;
use sim::plan::Plan;
use sim::plan::chooser::{Profile, Seed};
use sim::scenario::Scenario;
use sim::trace::causal::Links;
use sim::trace::event::What;
use sim::world::{Options, Run};
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

impl From<&Found> for Finding {
    fn from(found: &Found) -> Finding {
        Finding {
            deviation: found.deviation.name().to_string(),
            rule: found.rule.to_string(),
            scenario: found.scenario.clone(),
            seeds: found.seeds,
            plan: found.plan.one_line(),
        }
    }
}

/// Compares a file with what it should be; writes it, if snapshots are written.
fn compare(file: &str, kept: &str, now: &str) -> Option<String> {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        std::fs::write(&path, now).expect("the file can be written");
        return None;
    }
    (kept != now).then(|| format!("{file} is not up to date: run this test with INSTA_UPDATE=always"))
}

/// The rows of the table in `README.md`, between its title and the next blank line. `INSTA_UPDATE=always` writes them.
#[test]
fn the_table_of_deviations_says_where_each_was_found() {
    let title = "| | the runtimes | breaks first | in | seeds | shrunk plan |\n|---|---|---|---|---|---|\n";
    let kept = include_str!("../../README.md");
    let (before, rest) = kept.split_once(title).expect("there is a table");
    let after = rest.split_once("\n\n").map_or("", |(_, after)| after);
    let row = |deviation: &Deviation| {
        let (name, says) = (deviation.name(), deviation.summary());
        match report::findings().into_iter().find(|finding| finding.deviation == name) {
            Some(Finding { rule, scenario, seeds, plan, .. }) => {
                let plan =
                    if plan.is_empty() { "none: the scenario is enough".to_string() } else { format!("`{plan}`") };
                format!("| {name} | {says} | {rule} | `{scenario}` | {seeds} | {plan} |\n")
            }
            None => format!("| {name} | {says} | not found: [why](deviations.md) | | | |\n"),
        }
    };
    let rows: String = Deviation::ALL.iter().map(row).collect();
    assert_eq!(compare("README.md", kept, &format!("{before}{title}{rows}\n{after}")), None);
}

/// The page for the makers of the runtimes.
#[test]
fn the_report_is_printed_from_the_switches() {
    let problem = compare("deviations.md", include_str!("../../deviations.md"), &report::report());
    assert_eq!(problem, None);
}

/// What the lines of the page for the makers show: two runs of one plan that part, of which the book's keeps every rule. And
/// how much of the failures `--why` leaves, which `README.md` states.
#[test]
fn each_deviation_is_shown_beside_the_book_and_its_failure_has_a_short_past() {
    let (scenarios, loader) = (all(), Loader::default());
    let shares = in_parallel(&report::findings(), |Finding { deviation, rule, scenario, plan, .. }| {
        let scenario = scenarios.iter().find(|each| each.name == *scenario).expect("it was found in one of them");
        let named = Deviation::ALL.iter().find(|each| each.name() == deviation).expect("it is one of them");
        let plan: Plan = plan.parse().expect("it was written by this test");
        let play = |semantics: Semantics| {
            let options = Options { semantics: Some(semantics), keep_trace: true, ..Options::default() };
            run_plan(scenario, &plan, &options, &loader).expect("a sound scenario")
        };
        let (book, deviating) = (play(Semantics::book()), play(scenario.semantics.clone().with(*named)));
        assert!(book.held(), "{deviation}: {}", book.summary());
        assert_ne!(book.fingerprint, deviating.fingerprint, "{deviation}");
        let broken = deviating.violations().iter().find(|violation| violation.claim.rule.to_string() == *rule);
        let broken = broken.unwrap_or_else(|| panic!("{deviation}: {}", deviating.summary()));
        let past = Links::of(deviating.trace.events()).why(broken, &deviating.names).len() as u64;
        println!("{deviation}: {past} of {}", deviating.trace.len());
        (past, deviating.trace.len())
    });
    let (past, all) = shares.iter().fold((0, 0), |(past, all), (one, of)| (past + one, all + of));
    let mut percents: Vec<u64> = shares.iter().map(|(past, all)| 100 * past / all).collect();
    percents.sort_unstable();
    let says = format!("leaves {} of their {} events, a median of {} %", past, all, percents[percents.len() / 2]);
    assert!(include_str!("../../README.md").contains(&says), "README.md is to say: {says}");
}

#[test]
fn every_deviation_is_found_and_shrunk() {
    let (scenarios, loader) = (all(), Loader::default());
    let unfound = |deviation: Deviation| {
        deviation.not_modelled().is_some() || NOT_FOUND_YET.iter().any(|(unfound, _)| *unfound == deviation)
    };
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
    let lines: String = of_each.iter().flatten().map(|found| Finding::from(found).line() + "\n").collect();
    problems.extend(compare("src/found.txt", include_str!("../../src/found.txt"), &lines));
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
            let options = Options { semantics: Some(semantics), ..Options::native() };
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

/// The calm run of a scenario on Hyperdrive's kernel.
fn on_hyperdrive(name: &str) -> Run {
    let scenario = all().into_iter().find(|scenario| scenario.name == name).expect("there is such a scenario");
    let semantics = Some(Semantics::hyperdrive_1_9());
    let options = Options { semantics, keep_trace: true, ..Options::native() };
    run_plan(&scenario, &Plan::default(), &options, &Loader::default()).expect("a sound scenario")
}

/// When a kill of this process was commanded, and when that was answered.
fn kill_of(run: &Run, victim: &str) -> (Option<Instant>, Option<Instant>) {
    let asked = run.trace.events().find_map(|(_, event)| match &event.what {
        What::Command(_, command) => match **command {
            Command::Kill(process) if run.names.process_text(process) == victim => Some(event.at),
            _ => None,
        },
        _ => None,
    });
    let answered = run.trace.events().find_map(|(_, event)| match &event.what {
        What::CommandAnswered(_, answer) => match &**answer {
            CommandAnswer::KilledProcess(killed) if killed == victim => Some(event.at),
            _ => None,
        },
        _ => None,
    });
    (asked, answered)
}

/// How many of this process's lines are this one.
fn printed(run: &Run, process: &str, line: &str) -> usize {
    let printed = run.trace.events().filter(|(_, event)| match &event.what {
        What::Printed(life, _, text) => run.names.process_text(life.process) == process && **text == *line,
        _ => false,
    });
    printed.count()
}

#[test]
fn on_hyperdrive_a_kill_of_a_spinning_process_is_answered_within_a_millisecond_and_it_spins_on() {
    let run = on_hyperdrive("kill-a-spinning-process");
    let (asked, answered) = kill_of(&run, "spinner:demo:alice.os");
    let (asked, answered) = (asked.expect("it is to be killed"), answered.expect("that is answered"));
    assert!(answered - asked <= Duration::from_millis(1), "{:?}", answered - asked);
    let spins = run.trace.events().filter(|(_, event)| matches!(event.what, What::Spun(..)) && event.at > answered);
    assert!(spins.count() > 0, "it still computes");
}

#[test]
fn on_hyperdrive_a_kill_in_a_back_off_is_not_answered() {
    let (asked, answered) = kill_of(&on_hyperdrive("kill-in-a-back-off"), "doomed:demo:alice.os");
    assert!(asked.is_some() && answered.is_none());
}

#[test]
fn on_hyperdrive_a_flood_of_a_process_that_is_not_run_stops_nobody() {
    let run = on_hyperdrive("a-flood-for-the-deaf");
    assert_eq!(printed(&run, "friend:demo:alice.os", "respond dry: answered dry"), 5);
    assert!(kill_of(&run, "deaf:demo:alice.os").1.is_some());
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
            let options = Options { semantics: Some(scenario.semantics.clone().with(deviation)), ..Options::native() };
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
        let options = Options { semantics, ..Options::native() };
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
