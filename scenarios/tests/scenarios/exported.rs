//! What is exported of a run, by the book and under plans that broke something.

use serde_json::Value;
use sim::explore::{record_seed, run_plan};
use sim::guest::image::Loader;
use sim::plan::Plan;
use sim::plan::chooser::{Profile, Seed};
use sim::scenario::Scenario;
use sim::trace::causal::Links;
use sim::trace::export::document::Played;
use sim::trace::export::mermaid::{STEPS_MAX, mermaid};
use sim::trace::export::perfetto::perfetto;
use sim::trace::export::{Document, SCHEMA};
use sim::world::{Options, Run, Verdict};
use std::collections::BTreeMap;

/// Every scenario's calm run, and one under a stormy seed.
fn each_run(mut look: impl FnMut(&Scenario, &Run)) {
    let options = Options { keep_trace: true, ..Options::native() };
    for named in scenarios::all() {
        let loader = Loader::default();
        if named.generate.is_none() {
            let calm = run_plan(&named, &Plan::default(), &options, &loader).expect("it can be played");
            look(&named, &calm);
        }
        let scenario = named.of(Seed(3));
        let run = record_seed(&scenario, Seed(3), Profile::Stormy, &options, &loader).expect("it can be played");
        look(&scenario, &run);
    }
}

#[test]
fn an_exported_trace_is_read_back_without_loss() {
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    each_run(|scenario, run| {
        let name = &scenario.name;
        let document = Document::of(run, Played { scenario: name.clone(), ..Played::default() });
        let text = document.to_json();
        let back = Document::from_json(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(back == document, "{name}: the document is the same");
        let read = back.read().unwrap_or_else(|error| panic!("{name}: {error}"));
        // The fingerprint is made of every field of every event.
        assert_eq!(read.trace.fingerprint(), run.fingerprint, "{name}");
        assert_eq!(Some(run.fingerprint), back.fingerprint(), "{name}");
        let lines = |trace: &sim::trace::Trace, names: &kernel_core::Names| -> Vec<String> {
            trace.events().map(|(index, event)| sim::trace::line(*index, event, names)).collect()
        };
        assert!(lines(&read.trace, &read.names) == lines(&run.trace, &run.names), "{name}: each line is the same");
        let value: Value = serde_json::from_str(&text).expect("it is JSON");
        for event in value["events"].as_array().expect("a list") {
            *kinds.entry(event["kind"].as_str().expect("a kind").to_string()).or_default() += 1;
        }
    });
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let known = schema["$defs"].to_string() + &schema["properties"].to_string();
    kinds.keys().for_each(|kind| assert!(known.contains(&format!("\"{kind}\"")), "the schema has {kind}"));
    assert!(kinds.len() > 30, "most kinds came up: {kinds:?}");
}

#[test]
fn a_perfetto_trace_has_every_life_and_flows_that_begin_and_end() {
    each_run(|scenario, run| {
        let name = &scenario.name;
        let text = perfetto(run.trace.events(), &run.names);
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let events = value["traceEvents"].as_array().expect("a list");
        let of = |phase: &str| events.iter().filter(|event| event["ph"] == phase).cloned().collect::<Vec<_>>();
        let lives = of("X").iter().filter(|slice| slice["cat"] == "life").count();
        let started = run.trace.events().filter(|(_, event)| matches!(event.what, sim::trace::event::What::Started(_)));
        assert_eq!(lives, started.count(), "{name}");
        let begun: BTreeMap<u64, f64> = of("s")
            .iter()
            .map(|flow| (flow["id"].as_u64().expect("a number"), flow["ts"].as_f64().expect("a time")))
            .collect();
        for end in of("f") {
            let from = begun.get(&end["id"].as_u64().expect("a number"));
            assert!(from.is_some_and(|from| *from <= end["ts"].as_f64().expect("a time")), "{name}: {end}");
        }
        let named = of("M").len();
        assert!(named > 0, "{name}: threads have names");
        assert!(events.iter().all(|event| event["pid"].is_number()), "{name}");
    });
}

#[test]
fn a_sequence_diagram_is_short_enough_to_read_and_says_what_it_leaves_out() {
    each_run(|scenario, run| {
        let name = &scenario.name;
        let events: Vec<_> = run.trace.events().cloned().collect();
        let text = mermaid(&events, None, &[], &run.names);
        assert!(text.starts_with("sequenceDiagram\n"), "{name}");
        let steps = text.lines().filter(|line| line.starts_with("  ") && !line.starts_with("    ")).count();
        assert!(steps <= STEPS_MAX + 2 * scenario.nodes.len() + 1, "{name}: {steps}\n{text}");
        assert_eq!(text.matches("  box ").count(), text.matches("  end\n").count(), "{name}");
        assert!(!text.contains('"') && !text.contains(';') || text.contains('#'), "{name}: signs are codes\n{text}");
    });
}

/// How much shorter `--why` makes the failures of the deviations, as they are kept.
#[test]
fn the_causal_past_of_a_deviations_failure_is_much_shorter_than_its_run() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/regressions");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("it is there").map(|file| file.expect("a file").path()).collect();
    files.sort();
    let (mut all, mut kept, mut shares) = (0, 0, Vec::new());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("it is text");
        let regression: sim::explore::regression::Regression = text.parse().expect("it is a kept plan");
        let Some(scenario) = scenarios::all().into_iter().find(|scenario| scenario.name == regression.scenario) else {
            continue;
        };
        if scenario.generate.is_some() || regression.breaks.is_none() {
            continue;
        }
        let semantics = Some(regression.semantics(&scenario).expect("its kernel is known"));
        let options = Options { semantics, flavor: regression.flavor, keep_trace: true, ..Options::default() };
        let run = run_plan(&scenario, &regression.plan, &options, &Loader::default()).expect("it can be played");
        let Verdict::Violated(violations) = &run.verdict else { panic!("{}: nothing broke", file.display()) };
        let broken = violations.iter().find(|v| Some(v.claim.rule.id().to_string()) == regression.breaks);
        let violation = broken.unwrap_or_else(|| panic!("{}: another rule broke", file.display()));
        let why = Links::of(run.trace.events()).why(violation, &run.names);
        assert!(violation.at.is_none_or(|at| why.contains(&at.0)), "{}: it has the event itself", file.display());
        all += run.trace.len();
        kept += why.len() as u64;
        shares.push(why.len() as f64 / run.trace.len() as f64);
        println!("{:5} of {:5}  {}", why.len(), run.trace.len(), file.file_stem().unwrap_or_default().display());
    }
    shares.sort_by(f64::total_cmp);
    let middle = shares[shares.len() / 2];
    println!("{} failures: {kept} of {all} events; in the middle {:.0} % of a run", shares.len(), 100.0 * middle);
    assert!(middle < 0.5, "in the middle {:.0} % of a run", 100.0 * middle);
}
