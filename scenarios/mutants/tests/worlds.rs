//! Generated worlds: the book's kernel holds in them, and wrong kernels are found by them alone.
#![expect(clippy::disallowed_methods, reason = "how many seeds are played is asked for by hand")]

use super::finding::{in_parallel, violations};
use kernel_core::mutants::Mutant;
use kernel_core::{Deviation, Rule, Semantics};
use sim::disk::planted::Planted;
use sim::explore::worlds::{Failing, Shrinker};
use sim::explore::{record_seed, run_plan, run_seed};
use sim::guest::image::Loader;
use sim::plan::chooser::{Profile, Seed};
use sim::scenario::{Flavor, Scenario};
use sim::world::{Options, Run, Verdict};
use std::env;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The world of a seed.
fn generated(seed: Seed) -> Scenario {
    scenarios::generated().of(seed).into_owned()
}

/// A number from the environment, for runs by hand.
fn number(name: &str, usual: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Seeds from the environment, for runs by hand.
fn seeds(usual: u64) -> Range<u64> {
    let from = number("FROM", 0);
    from..from + number("SEEDS", usual)
}

#[test]
fn the_books_kernel_holds_in_generated_worlds() {
    let loader = Loader::default();
    let all: Vec<u64> = seeds(150).collect();
    let runs = in_parallel(&all, |seed| {
        let scenario = generated(Seed(*seed));
        let run = run_seed(&scenario, Seed(*seed), Profile::Swarm, &Options::native(), &loader).expect("it is sound");
        let wrong = (!run.held())
            .then(|| format!("seed {seed}: {}", run.summary().split("last events").next().unwrap_or_default()));
        (wrong, run.trace.len())
    });
    let events: u64 = runs.iter().map(|(_, events)| *events).sum();
    let wrong: Vec<&String> = runs.iter().filter_map(|(wrong, _)| wrong.as_ref()).collect();
    println!("{} worlds, {events} events, {} do not hold", all.len(), wrong.len());
    for wrong in wrong.iter().take(number("SHOW", 3) as usize) {
        println!("{wrong}\n");
    }
    assert!(wrong.is_empty());
}

/// A wrong kernel, for each scenario.
fn kernel(wrong: impl Fn(Semantics) -> Semantics) -> impl Fn(&Scenario) -> Options {
    move |scenario| Options { semantics: Some(wrong(scenario.semantics.clone())), ..Options::native() }
}

/// How many seeds it takes until something wrong breaks a rule, and which; `None`: more than there are.
fn hunt(wrong: impl Fn(&Scenario) -> Options, breaks: &[Rule], seeds: Range<u64>) -> Option<(u64, Rule, bool)> {
    let loader = Loader::default();
    for (nth, seed) in seeds.enumerate() {
        let scenario = generated(Seed(seed));
        let options = wrong(&scenario);
        let run = || run_seed(&scenario, Seed(seed), Profile::Swarm, &options, &loader).expect("it is sound");
        // A wrong kernel that contradicts itself panics. That is not what is hunted for: a rule is to break.
        let Ok(run) = catch_unwind(AssertUnwindSafe(run)) else { continue };
        if let Verdict::Violated(_) = run.verdict {
            let by_the_book = run_seed(&scenario, Seed(seed), Profile::Swarm, &Options::native(), &loader);
            if !by_the_book.expect("it is sound").held() {
                continue;
            }
            let own = violations(&run).find(|(rule, _)| breaks.contains(rule));
            let first = violations(&run).next().expect("it is violated");
            return Some((nth as u64 + 1, own.unwrap_or(first).0, own.is_some()));
        }
    }
    None
}

/// What was looked for; and how many seeds it took, which rule broke, and whether it is one of its own.
type Found = (String, Option<(u64, Rule, bool)>);

fn report(of: &str, found: &[Found]) {
    let mut took: Vec<u64> = found.iter().filter_map(|(_, found)| found.map(|(n, ..)| n)).collect();
    took.sort_unstable();
    for (name, found) in found {
        match found {
            Some((n, rule, own)) => {
                println!("{name:<34} {n:>5} {:<18} {}", rule.id(), if *own { "" } else { "another rule" })
            }
            None => println!("{name:<34} not found"),
        }
    }
    let median = took.get(took.len() / 2).copied().unwrap_or_default();
    let worst = took.last().copied().unwrap_or_default();
    println!("{} of {} {of} are found; median {median}, worst {worst}", took.len(), found.len());
}

#[test]
#[ignore = "minutes; a share of it is in the other tests"]
fn wrong_kernels_are_found_by_generated_worlds_alone() {
    let seeds = seeds(500);
    let is_asked_for = |mutant: &&Mutant| env::var("ONLY").map_or(true, |only| mutant.name.contains(&only));
    let ours: Vec<&Mutant> = Mutant::all().filter(is_asked_for).collect();
    let others: Vec<&Mutant> = Mutant::of_an_adversary().filter(is_asked_for).collect();
    for (of, mutants) in [("mutants", ours), ("mutants of an adversary", others)] {
        let found = in_parallel(&mutants, |mutant| {
            (mutant.name.to_string(), hunt(kernel(|semantics| semantics.mutated(mutant)), mutant.breaks, seeds.clone()))
        });
        report(of, &found);
    }
    if env::var("ONLY").is_err() {
        let found = in_parallel(Deviation::ALL, |deviation| {
            let name = deviation.name().to_string();
            (name, hunt(kernel(|semantics| semantics.with(*deviation)), deviation.breaks(), seeds.clone()))
        });
        report("deviations", &found);
        let found = in_parallel(&Planted::ALL, |planted| {
            let options = |_: &Scenario| Options { planted: Some(*planted), ..Options::native() };
            (format!("{planted:?}"), hunt(options, &[Rule::P1, Rule::P3, Rule::P5], seeds.clone()))
        });
        report("faults of the storage", &found);
    }
}

/// Hunts an outsider's wrong kernels, and says what came of it.
fn hunt_an_outsiders(seeds: Range<u64>) -> Vec<Found> {
    let only = env::var("ONLY").unwrap_or_default();
    let is_asked_for = |mutant: &&Mutant| only.split(',').any(|only| mutant.name.contains(only));
    let mutants: Vec<&Mutant> = Mutant::of_an_outsider().filter(is_asked_for).collect();
    let found = in_parallel(&mutants, |mutant| {
        (mutant.name.to_string(), hunt(kernel(|semantics| semantics.mutated(mutant)), mutant.breaks, seeds.clone()))
    });
    report("mutants of an outsider", &found);
    found
}

#[test]
#[ignore = "minutes; a share of it is in the next test"]
fn an_outsiders_wrong_kernels_are_found_by_generated_worlds_alone() {
    let found = hunt_an_outsiders(seeds(3000));
    let missed: Vec<&String> = found.iter().filter_map(|(name, found)| found.is_none().then_some(name)).collect();
    assert_eq!(missed, Vec::<&String>::new(), "not found, so that it must be said here why");
}

#[test]
fn a_few_generated_worlds_find_a_third_of_an_outsiders_wrong_kernels() {
    let found = hunt_an_outsiders(seeds(24));
    assert_eq!(found.len(), 40);
    let n_found = found.iter().filter(|(_, found)| found.is_some()).count();
    assert!(n_found >= 13, "{n_found} are found");
}

#[test]
#[ignore = "minutes; each failure is found, and then played a few hundred times"]
fn failures_that_generated_worlds_find_are_small() {
    let all: Vec<&Mutant> = Mutant::all().chain(Mutant::of_an_adversary()).chain(Mutant::of_an_outsider()).collect();
    let sizes = in_parallel(&all, |mutant| {
        let wrong = kernel(|semantics: Semantics| semantics.mutated(mutant));
        let (nth, rule, _) = hunt(&wrong, mutant.breaks, seeds(3000))?;
        let (seed, loader) = (Seed(seeds(3000).start + nth - 1), Loader::default());
        let scenario = generated(seed);
        let options = wrong(&scenario);
        let run = record_seed(&scenario, seed, Profile::Swarm, &options, &loader).expect("it is sound");
        let failing = Failing { scenario, plan: run.plan.clone().unwrap_or_default() };
        let small = Shrinker::new(rule, &options, &loader).shrink(failing);
        Some((mutant.name, small.scenario.script.len(), small.plan.lines.len()))
    });
    let found: Vec<_> = sizes.into_iter().flatten().collect();
    let sorted = |mut sizes: Vec<usize>| {
        sizes.sort_unstable();
        (sizes[sizes.len() / 2], sizes[sizes.len() - 1])
    };
    found.iter().for_each(|(name, script, plan)| println!("{name:<42} {script:>3} {plan:>3}"));
    let script = sorted(found.iter().map(|(_, script, _)| *script).collect());
    let plan = sorted(found.iter().map(|(.., plan)| *plan).collect());
    println!("of {} wrong kernels: script median {}, at most {}", found.len(), script.0, script.1);
    println!("plan median {}, at most {}", plan.0, plan.1);
    assert!(script.0 <= 8 && plan.0 <= 4);
}

/// For runs by hand: in how many seeds a wrong kernel does anything at all, and in which first.
#[test]
#[ignore = "for looking into those that are not found"]
fn provoked() {
    let only = env::var("ONLY").unwrap_or_default();
    let is_asked_for = |mutant: &&Mutant| only.split(',').any(|only| mutant.name.contains(only));
    let mutants: Vec<&Mutant> =
        Mutant::all().chain(Mutant::of_an_adversary()).chain(Mutant::of_an_outsider()).filter(is_asked_for).collect();
    let told = in_parallel(&mutants, |mutant| {
        let loader = Loader::default();
        let differs = |seed: &u64| {
            let scenario = generated(Seed(*seed));
            let semantics = scenario.semantics.clone().mutated(mutant);
            let play =
                |options| run_seed(&scenario, Seed(*seed), Profile::Swarm, &options, &loader).expect("it is sound");
            let wrong = play(Options { semantics: Some(semantics), ..Options::default() });
            wrong.fingerprint != play(Options::default()).fingerprint
        };
        let differing: Vec<u64> = seeds(500).filter(differs).collect();
        format!("{:<42} {:>4} {:?}", mutant.name, differing.len(), &differing[..differing.len().min(8)])
    });
    println!("{}", told.join("\n"));
}

/// For runs by hand: `SEED=17 cargo test … tell -- --ignored --nocapture`, with `KERNEL=` a mutant or a deviation.
#[test]
#[ignore = "prints one world, what it breaks, and that shrunk"]
fn tell() {
    let (seed, loader) = (Seed(number("SEED", 0)), Loader::default());
    let scenario = generated(seed);
    let kernel = env::var("KERNEL").unwrap_or_default();
    let mut semantics = scenario.semantics.clone();
    if let Some(mutant) = Mutant::all()
        .chain(Mutant::of_an_adversary())
        .chain(Mutant::of_an_outsider())
        .find(|mutant| mutant.name == kernel)
    {
        semantics = semantics.mutated(mutant);
    }
    if let Some(deviation) = Deviation::parse(&kernel) {
        semantics = semantics.with(deviation);
    }
    let options = Options { semantics: Some(semantics), keep_trace: true, ..Options::native() };
    let run = record_seed(&scenario, seed, Profile::Swarm, &options, &loader).expect("it is sound");
    let tell = |what: &str, scenario: &Scenario, run: &Run| {
        println!("---- {what}\n{}\nplan\n{}", scenario.text(), run.plan.clone().unwrap_or_default());
        for (index, event) in run.trace.events() {
            println!("{}", sim::trace::line(*index, event, &run.names));
        }
        println!("{}", run.summary().split("last events").next().unwrap_or_default());
    };
    let Some((rule, _)) = violations(&run).next() else {
        return tell("it holds", &scenario, &run);
    };
    let mut shrinker = Shrinker::new(rule, &options, &loader);
    let failing = Failing { scenario, plan: run.plan.clone().unwrap_or_default() };
    let small = shrinker.shrink(failing);
    let run = run_plan(&small.scenario, &small.plan, &options, &loader).expect("it is sound");
    tell(&format!("shrunk in {} runs", shrinker.runs()), &small.scenario, &run);
}

#[test]
fn native_and_wasm_puppets_leave_the_same_trace() {
    let loader = Loader::default();
    let mut compared = 0;
    for seed in seeds(40) {
        let scenario = generated(Seed(seed));
        let run = |flavor| {
            let options = Options { flavor, ..Options::default() };
            run_seed(&scenario, Seed(seed), Profile::Swarm, &options, &loader).expect("it is sound")
        };
        let (native, wasm) = (run(Flavor::Native), run(Flavor::Wasm));
        assert!(wasm.held(), "seed {seed}: {}", wasm.summary());
        // Who spins, or runs out of memory, may do so elsewhere.
        if !native.flavored && !wasm.flavored {
            assert_eq!(native.fingerprint, wasm.fingerprint, "seed {seed}");
            compared += 1;
        }
    }
    println!("{compared} worlds are the same in both forms");
    assert!(compared > 0);
}
