//! A failure as a Rust test, to paste into a suite.
//!
//! It uses the public interface of this crate only, and takes the scenario from the list whose expression the command line
//! was given (`sim::cli_main!`).

use crate::plan::Plan;
use crate::scenario::Flavor;
use crate::world::Options;
use kernel_core::{BackOff, Semantics};
use std::fmt::Write;

/// A test that plays a plan and fails as long as it breaks a rule. Under rules that are not the book's it is the other way
/// round: there the rule is to be seen broken. `scenarios` is the expression of the list in which the scenario is.
pub fn rust_test(scenario: &str, plan: &Plan, options: &Options, rule: &str, scenarios: &str) -> String {
    let word = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric(), "_").to_lowercase();
    let deviates = options.semantics.as_ref().is_some_and(|rules| rules.deviations().next().is_some());
    let mut text = String::from("#[test]\n");
    if deviates {
        let _ =
            writeln!(text, "#[should_panic(expected = \"{rule} BROKEN\")] // It is, as long as the kernel deviates.");
    }
    let _ = writeln!(text, "fn {}_keeps_{}() {{", word(scenario), word(rule));
    let _ = writeln!(text, "    let scenario = sim::prelude::named({scenarios}, {scenario:?});");
    if plan.lines.is_empty() {
        text += "    let plan = sim::prelude::Plan::default();\n";
    } else {
        text += "    let plan = \"";
        plan.lines.iter().for_each(|line| text += &format!("\n        {}", line.to_string().escape_default()));
        text += "\"\n    .parse()\n    .expect(\"it is a plan\");\n";
    }
    text += "    let run = sim::Sim::of(&scenario)";
    if options.flavor == Flavor::Native {
        text += ".native()";
    }
    if let Some(semantics) = &options.semantics {
        let _ = write!(text, ".kernel({})", rules(semantics));
    }
    text += ".plan(&plan);\n    assert!(run.held(), \"{}\", run.summary());\n}\n";
    text
}

/// The expression that makes these rules.
fn rules(semantics: &Semantics) -> String {
    let whole = [("kinode_1_0", Semantics::kinode_1_0()), ("hyperdrive_1_9", Semantics::hyperdrive_1_9())];
    if let Some((name, _)) = whole.iter().find(|(_, rules)| rules == semantics) {
        return format!("sim::prelude::Semantics::{name}()");
    }
    let mut text = "sim::prelude::Semantics::book()".to_string();
    if semantics.back_off != BackOff::Off {
        let _ = write!(text, ".with_back_off(sim::prelude::BackOff::{:?})", semantics.back_off);
    }
    for deviation in semantics.deviations() {
        let _ = write!(text, ".with(sim::prelude::Deviation::{})", deviation.name());
    }
    text
}
