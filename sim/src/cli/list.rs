//! `list`: what there is.

use super::args::Format;
use super::record::{self, Listed};
use super::{Context, Outcome, Stop, text};
use crate::modules::{self, Support, elsewhere};
use crate::plan::Family;
use kernel_core::{Deviation, Names, Semantics};
use std::io::Write;

/// List the scenarios, invariants, fault families, deviations and runtime modules
#[derive(clap::Args)]
pub(super) struct List {
    /// Print the JSON schema of `replay --trace-format json`, and nothing else
    #[arg(long)]
    trace_schema: bool,
    /// The form of the results
    #[arg(long, default_value = "text")]
    format: Format,
}

impl List {
    pub(super) fn run(&self, context: &Context, out: &mut impl Write) -> Result<Outcome, Stop> {
        if self.trace_schema {
            write!(out, "{}", crate::trace::export::SCHEMA)?;
            return Ok(Outcome::Held);
        }
        let invariants: Vec<_> = crate::invariant::all(&Semantics::book()).iter().map(|each| each.claim()).collect();
        let scenarios = context.scenarios.iter();
        let scenarios = scenarios.map(|scenario| Listed::Scenario { name: &scenario.name, about: &scenario.about });
        let invariants = invariants.iter().map(|claim| Listed::Invariant { name: claim.rule.id(), says: claim.says });
        let faults = Family::ALL.iter();
        let faults = faults.map(|family| Listed::Fault { name: family.name(), summary: family.summary() });
        let deviations = Deviation::ALL.iter();
        let deviations = deviations.map(|each| Listed::Deviation { name: each.name(), summary: each.summary() });
        let modules = modules();
        let modules = modules.iter().map(|(name, actions)| Listed::Module { name, actions });
        let parts: [(&str, Vec<Listed<'_>>); 5] = [
            ("scenarios: explore NAME, replay NAME --seed N", scenarios.collect()),
            ("invariants: the rules that every run is held to", invariants.collect()),
            ("faults: families of questions that a seed or a plan answers", faults.collect()),
            ("deviations: what real runtimes do differently; explore --deviation NAME", deviations.collect()),
            ("modules: what each does; what it does not have makes a `check` INCONCLUSIVE", modules.collect()),
        ];
        for (index, (title, entries)) in parts.iter().enumerate() {
            match self.format {
                Format::Json => entries.iter().try_for_each(|entry| record::write(out, entry))?,
                Format::Text => {
                    writeln!(out, "{}{title}", if index > 0 { "\n" } else { "" })?;
                    let width = entries.iter().map(|entry| entry.parts().0.chars().count()).max().unwrap_or(0);
                    for (name, says) in entries.iter().map(Listed::parts) {
                        write!(out, "{}", text::entry(name, width, says))?;
                    }
                }
            }
        }
        Ok(Outcome::Held)
    }
}

/// Every runtime module with the actions that it does, and then those that it refuses; and who is not there at all.
fn modules() -> Vec<(String, String)> {
    let names = Names::new();
    let each = modules::actions().into_iter().map(|(id, actions)| {
        let those = |support: Support| {
            let named = actions.iter().filter(|(_, is)| *is == support).map(|(name, _)| *name);
            named.collect::<Vec<_>>().join(" ")
        };
        let text = match (those(Support::Done), those(Support::Refused)) {
            (done, refused) if refused.is_empty() => done,
            (done, refused) if done.is_empty() => format!("refused: {refused}"),
            (done, refused) => format!("{done}; refused: {refused}"),
        };
        (names.process_text(id).to_string(), text)
    });
    let elsewhere = elsewhere::PROCESSES.iter().map(|(process, answered, unanswered)| {
        let text = match *unanswered {
            "" => format!("not there; refused: {answered}"),
            unanswered => format!("not there; refused: {answered}; without effect: {unanswered}"),
        };
        (process.to_string(), text)
    });
    each.chain(elsewhere).collect()
}

impl Listed<'_> {
    fn parts(&self) -> (&str, &str) {
        match self {
            Listed::Scenario { name, about } => (name, about),
            Listed::Invariant { name, says } => (name, says),
            Listed::Module { name, actions } => (name, actions),
            Listed::Fault { name, summary } | Listed::Deviation { name, summary } => (name, summary),
        }
    }
}
