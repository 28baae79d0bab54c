//! What runs cost, in counts and not in seconds: a change of cost is reviewed like a change of behaviour.

use allocation_counter::{AllocationInfo, measure};
use kernel_core::Duration;
use scenarios::loads::messages::on_one_node;
use scenarios::loads::storage::{DURABLE, capabilities, durable, starts};
use sim::explore::run_plan;
use sim::guest::image::Loader;
use sim::plan::Plan;
use sim::scenario::{Flavor, Scenario};
use sim::world::{Bounds, Options, Run, Verdict};

/// A calm run without the bounds that protect a host.
fn calm(scenario: &Scenario) -> Run {
    let bounds = Bounds { copied: u64::MAX, rewritten: u64::MAX, ..Bounds::default() };
    let options = Options { flavor: Flavor::Native, bounds, ..Options::default() };
    let run = run_plan(scenario, &Plan::default(), &options, &Loader::default());
    let run = run.unwrap_or_else(|error| panic!("{}: {error}", scenario.name));
    assert_eq!(run.verdict, Verdict::Held, "{}", scenario.name);
    run
}

/// What a calm run allocates.
fn allocated(scenario: &Scenario) -> AllocationInfo {
    // What is made once in a thread is made now.
    calm(scenario);
    measure(|| drop(calm(scenario)))
}

/// By how many bytes the allocations of a run grow with each thing more, from `n` to twice as many.
fn bytes_each(of: impl Fn(u64) -> Scenario, n: u64) -> f64 {
    let [less, more] = [n, 2 * n].map(|n| allocated(&of(n)).bytes_total);
    (more - less) as f64 / n as f64
}

#[test]
fn each_scenario_costs_what_it_did() {
    let mut lines = vec![format!(
        "{:<45}{:>8}{:>9}{:>7}{:>7}{:>10}{:>10}{:>10}",
        "scenario, calm", "events", "messages", "starts", "calls", "hashed", "written", "copied"
    )];
    for scenario in scenarios::all() {
        let run = calm(&scenario);
        let spent = &run.spent;
        lines.push(format!(
            "{:<45}{:>8}{:>9}{:>7}{:>7}{:>10}{:>10}{:>10}",
            scenario.name,
            run.trace.len(),
            run.messages,
            spent.starts,
            spent.calls,
            spent.hashed,
            spent.written,
            spent.copied
        ));
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("costs", lines.join("\n")));
}

#[test]
fn what_is_made_durable_costs_the_same_however_much_of_it_there_is() {
    for what in DURABLE {
        let n = if what.starts_with("sqlite") { 50 } else { 200 };
        let (few, many) = (bytes_each(|n| durable(what, n), n), bytes_each(|n| durable(what, n), 4 * n));
        assert!(many < 1.3 * few, "{what}: {few:.0} bytes allocated for each, and {many:.0} when there are more");
    }
}

#[test]
fn a_process_more_on_a_node_costs_no_more_than_its_share_of_the_table() {
    let (few, many) = (bytes_each(|n| starts(n as usize, 1), 50), bytes_each(|n| starts(n as usize, 1), 200));
    assert!(many < 4.0 * few, "{few:.0} bytes allocated for a start, and {many:.0} when there are four times as many");
    let (few, many) = (bytes_each(capabilities, 50), bytes_each(capabilities, 200));
    assert!(many < 4.0 * few, "{few:.0} bytes allocated to save a capability, and {many:.0} when more are held");
}

#[test]
fn a_message_between_native_guests_is_allocated_and_little_else() {
    let run = |seconds| {
        let scenario = on_one_node(Duration::from_secs(seconds));
        let messages = calm(&scenario).messages;
        (messages, allocated(&scenario).count_total)
    };
    let ((few, less), (many, more)) = (run(1), run(2));
    let each = (more - less) as f64 / (many - few) as f64;
    assert!(each < 2.1, "{each:.2} allocations for a message");
}
