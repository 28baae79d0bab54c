//! The README of this crate says what is in the table of faults, and shows plans that are plans.

use sim::plan::Plan;
use sim::plan::fault::Family;

const README: &str = include_str!("../../README.md");
const BEGIN: &str = "`cargo test --test world readme` compares -->\n";
const END: &str = "<!-- /faults -->";

#[test]
fn the_fault_reference_is_the_table_of_families() {
    let row = |family: &Family| {
        let (name, says, form) = (family.name(), family.summary(), family.about().form());
        format!("| `{name}` | {says} | `{form}` | {} |\n", family.detail_form())
    };
    let rows: String = Family::ALL.iter().map(row).collect();
    let table = format!("\n| family | what goes wrong | at | written as |\n|---|---|---|---|\n{rows}\n");
    let shown = README.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
    let (shown, _) = shown.expect("the README marks where the table begins and ends");
    assert!(shown == table, "put this table into sim/README.md, between its marks:\n{table}");
}

#[test]
fn the_plan_that_the_readme_shows_is_one() {
    let plans = README.split("```text\n").filter_map(|block| block.split_once("\n```").map(|(plan, _)| plan));
    let plans: Vec<Plan> =
        plans.filter(|block| block.starts_with("trap ")).map(|plan| plan.parse().expect(plan)).collect();
    let [plan] = &plans[..] else { panic!("one block of the README is a plan: {plans:?}") };
    assert_eq!(plan.lines.len(), 4);
}
