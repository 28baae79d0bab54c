//! A failure as a Rust test, to paste into a suite.
//!
//! It uses the public interface only, and takes the scenario from `scenarios::all()`: whoever has scenarios of his own puts
//! his list there.

use crate::plan::Plan;
use crate::scenario::{Flavor, Scenario};
use crate::world::Options;
use kernel_core::{BackOff, Semantics};
use std::fmt::Write;

/// A test that plays a plan and fails as long as it breaks a rule. Under rules that are not the book's it is the other way
/// round: there the rule is to be seen broken.
pub fn rust_test(scenario: &Scenario, plan: &Plan, options: &Options, rule: &str) -> String {
    let word = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric(), "_").to_lowercase();
    let deviates = options.semantics.as_ref().is_some_and(|rules| rules.deviations().next().is_some());
    let mut text = String::from("#[test]\n");
    if deviates {
        let _ =
            writeln!(text, "#[should_panic(expected = \"{rule} BROKEN\")] // It is, as long as the kernel deviates.");
    }
    let _ = writeln!(text, "fn {}_keeps_{}() {{", word(&scenario.name), word(rule));
    let _ =
        writeln!(text, "    let named = |scenario: &sim::scenario::Scenario| scenario.name == {:?};", scenario.name);
    text +=
        "    let scenario = scenarios::all().into_iter().find(named).expect(\"there is a scenario of this name\");\n";
    text += "    let plan = \"";
    plan.lines.iter().for_each(|line| text += &format!("\n        {line}"));
    text += "\";\n    let plan = plan.parse().expect(\"it is a plan\");\n";
    let mut fields = vec![];
    if options.flavor == Flavor::Wasm {
        fields.push("flavor: sim::scenario::Flavor::Wasm".to_string());
    }
    if let Some(semantics) = &options.semantics {
        let _ = writeln!(text, "    let semantics = Some({});", rules(semantics));
        fields.push("semantics".to_string());
    }
    let options = if fields.is_empty() {
        "sim::world::Options::default()".to_string()
    } else {
        format!("sim::world::Options {{ {}, ..Default::default() }}", fields.join(", "))
    };
    let _ = writeln!(text, "    let options = {options};");
    text +=
        "    let run = sim::explore::run_plan(&scenario, &plan, &options, &sim::guest::image::Loader::default());\n";
    text += "    let run = run.expect(\"it is a sound scenario\");\n";
    text += "    assert!(run.held(), \"{}\", run.summary());\n}\n";
    text
}

/// The expression that makes these rules.
fn rules(semantics: &Semantics) -> String {
    let whole = [("kinode_1_0", Semantics::kinode_1_0()), ("hyperdrive_1_9", Semantics::hyperdrive_1_9())];
    if let Some((name, _)) = whole.iter().find(|(_, rules)| rules == semantics) {
        return format!("kernel_core::Semantics::{name}()");
    }
    let mut text = "kernel_core::Semantics::book()".to_string();
    if semantics.back_off != BackOff::Off {
        let _ = write!(text, ".with_back_off(kernel_core::BackOff::{:?})", semantics.back_off);
    }
    for deviation in semantics.deviations() {
        let _ = write!(text, ".with(kernel_core::Deviation::{})", deviation.name());
    }
    text
}
