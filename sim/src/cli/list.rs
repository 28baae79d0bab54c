//! `list`: what there is.

use super::args::Format;
use super::record::{self, Listed};
use super::{Context, Outcome, Stop, text};
use crate::modules::{self, Support, absent};
use crate::plan::Family;
use kernel_core::{Deviation, Names, Semantics};
use std::io::Write;
use std::sync::OnceLock;

/// List the scenarios, invariants, fault families, deviations and runtime modules
#[derive(clap::Args)]
pub(super) struct List {
    /// The part to list; all of them if none is named
    part: Option<Part>,
    /// Print the report on the deviations for the makers of the runtimes, as Markdown: `list deviations --report`
    #[arg(long, requires = "part")]
    report: bool,
    /// Print the JSON schema of `replay --trace-format json`, and nothing else
    #[arg(long)]
    trace_schema: bool,
    /// The form of the results
    #[arg(long, default_value = "text")]
    format: Format,
}

/// What is known of the deviations of the public runtimes, if the program has it.
pub(super) static REPORT: OnceLock<fn() -> String> = OnceLock::new();

/// A part of the list.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Scenarios,
    Invariants,
    Faults,
    Deviations,
    Modules,
}

impl List {
    pub(super) fn run(&self, context: &Context, out: &mut impl Write) -> Result<Outcome, Stop> {
        if self.report {
            if self.part != Some(Part::Deviations) {
                return Err(Stop::Wrong("--report is about the deviations: `list deviations --report`".to_string()));
            }
            let report = REPORT.get().map_or_else(String::new, |report| report());
            write!(out, "{report}")?;
            return Ok(Outcome::Held);
        }
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
        let parts: [(Part, &str, Vec<Listed<'_>>); 5] = [
            (Part::Scenarios, "scenarios: explore NAME, replay NAME --seed N", scenarios.collect()),
            (Part::Invariants, "invariants: the rules that every run is held to", invariants.collect()),
            (Part::Faults, "faults: families of questions that a seed or a plan answers", faults.collect()),
            (
                Part::Deviations,
                "deviations: what real runtimes do differently; explore --deviation NAME",
                deviations.collect(),
            ),
            (
                Part::Modules,
                "modules: what each does; what it does not have makes a `check` INCONCLUSIVE",
                modules.collect(),
            ),
        ];
        let wanted = |part: &Part| self.part.is_none_or(|wanted| wanted == *part);
        for (index, (_, title, entries)) in parts.iter().filter(|(part, ..)| wanted(part)).enumerate() {
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

/// Every runtime module with the actions that it does, and then those that it refuses; and the processes that are not
/// there at all.
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
    let absent = absent::PROCESSES.iter().map(|(process, answered, unanswered)| {
        let text = match *unanswered {
            "" => format!("not there; refused: {answered}"),
            unanswered => format!("not there; refused: {answered}; without effect: {unanswered}"),
        };
        (process.to_string(), text)
    });
    each.chain(absent).collect()
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
