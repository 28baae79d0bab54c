//! A failure as a value: from the seed or plan under which a rule broke to the few lines that break it again.
//!
//! [`Failure::reproduce`] plays the seed again and records its plan, checks that the plan is the same run and that it
//! breaks the same rule at the same place, shrinks it, and keeps the shrunk plan's run. A failure prints as a report, as
//! a file to keep, and as a test to paste.

use crate::explore::of_seed;
use crate::explore::regression::Regression;
use crate::explore::report::Report;
use crate::explore::rust_test::rust_test;
use crate::explore::shrink::shrink_with_script;
use crate::explore::worlds::{Failing, Shrinker};
use crate::invariant::{Claim, Violation};
use crate::plan::Plan;
use crate::plan::chooser::Seed;
use crate::scenario::{Scenario, ScenarioError};
use crate::sim::Sim;
use crate::world::{Options, Run, Verdict};
use std::borrow::Cow;
use std::fmt;

/// How many runs shrinking a plan may take, and how many events all of them together.
const SHRINK_RUNS_MAX: u64 = 400;
const SHRINK_EVENTS_MAX: u64 = 20_000_000;

/// What decided a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A seed, as the simulation's profile draws it.
    Seed(Seed),
    /// A plan.
    Plan(Plan),
}

/// What makes two failures the same one: the rule, and for a panic the place in its source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signature {
    /// The rule, and which part of it.
    pub claim: Claim,
    /// `file:line:column` of the panic that the facts quote, if they quote one.
    pub place: Option<String>,
}

impl Signature {
    /// The signature of a violation.
    pub fn of(violation: &Violation) -> Signature {
        Signature { claim: violation.claim, place: panic_place(&violation.facts) }
    }

    /// The first violation of a run that has this signature.
    pub fn find<'r>(&self, run: &'r Run) -> Option<&'r Violation> {
        run.violations().iter().find(|violation| Signature::of(violation) == *self)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{} at {place}", self.claim.rule),
            None => write!(f, "{}", self.claim.rule),
        }
    }
}

/// The place that a Rust panic message names: `panicked at src/lib.rs:7:13` gives `src/lib.rs:7:13`.
pub fn panic_place(facts: &str) -> Option<String> {
    let (_, rest) = facts.split_once("panicked at ")?;
    let word = rest.split_whitespace().next()?.trim_end_matches([':', ',', '`', '\'', '"']);
    let mut parts = word.rsplitn(3, ':');
    let number =
        |part: Option<&str>| part.is_some_and(|part| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit()));
    let is_place = number(parts.next()) && number(parts.next()) && parts.next().is_some_and(|file| !file.is_empty());
    is_place.then(|| word.to_string())
}

/// A rule that broke, reproduced and shrunk.
pub struct Failure {
    /// The name of the scenario.
    pub scenario: String,
    /// What broke.
    pub signature: Signature,
    /// The plan that breaks it: nothing simpler was found to.
    pub plan: Plan,
    /// How many lines the plan had before it was shrunk.
    pub shrunk_from: usize,
    /// Whether shrinking came to its end, and did not use up the runs that it may take.
    pub fixpoint: bool,
    /// The run under that plan, with all its events.
    pub run: Run,
    /// The world in which it fails, shrunk with its plan, if the scenario generates one for each seed.
    pub world: Option<Scenario>,
    options: Options,
    script: Vec<crate::scenario::Line>,
}

/// Why a failure could not be reproduced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotReproduced {
    /// The scenario names what it does not have.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The same seed or plan came to something else: a bug of the simulator, or of a native guest or an invariant that
    /// looks at what it must not.
    #[error("{0}")]
    Drift(String),
}

impl Failure {
    /// Plays what broke a rule again, records the plan, checks that it is the same failure, and shrinks it.
    ///
    /// # Errors
    /// If it is not the same failure again.
    pub fn reproduce(sim: &Sim<'_>, origin: &Origin, signature: &Signature) -> Result<Failure, NotReproduced> {
        let (world, options) = match origin {
            Origin::Seed(seed) => of_seed(sim.scenario(), *seed, sim.options()),
            Origin::Plan(_) => (Cow::Borrowed(sim.scenario()), sim.options().clone()),
        };
        let generated = sim.scenario().generate.is_some();
        let sim = &sim.clone().playing(&world).with_options(options);
        let keeping = sim.clone().keeping_events();
        let recorded = match origin {
            Origin::Seed(seed) => keeping.try_record(*seed)?,
            Origin::Plan(plan) => keeping.try_plan(plan)?,
        };
        if signature.find(&recorded).is_none() {
            let came_to = recorded.verdict.to_string();
            return Err(NotReproduced::Drift(format!(
                "the same run came to another end: first {signature}, then {came_to}"
            )));
        }
        let plan = recorded.plan.clone().unwrap_or_default();
        let planned = keeping.try_plan(&plan)?;
        if planned.fingerprint != recorded.fingerprint || planned.violations() != recorded.violations() {
            let (first, second) = (recorded.fingerprint, planned.fingerprint);
            let text = format!("a run and its recorded plan are two runs, {first} and {second}: {}", plan.one_line());
            return Err(NotReproduced::Drift(text));
        }
        let (scenario, shrunk_from) = (sim.scenario(), plan.lines.len());
        if generated {
            let mut shrinker = Shrinker::new(signature.claim.rule, sim.options(), sim.loader());
            let Failing { scenario, plan } = shrinker.shrink(Failing { scenario: scenario.clone(), plan });
            let run = keeping.playing(&scenario).try_plan(&plan)?;
            let signature = match run.violations().iter().find(|each| each.claim.rule == signature.claim.rule) {
                Some(violation) => Signature::of(violation),
                None => return Err(NotReproduced::Drift(format!("the shrunk world keeps {signature}"))),
            };
            return Ok(Failure {
                scenario: scenario.name.clone(),
                signature,
                plan,
                shrunk_from,
                fixpoint: false,
                run,
                options: sim.options().clone(),
                script: scenario.script.clone(),
                world: Some(scenario),
            });
        }
        let runs = (SHRINK_EVENTS_MAX / recorded.trace.len().max(1)).clamp(10, SHRINK_RUNS_MAX) as usize;
        let shrunk = shrink_with_script(plan, scenario.script.len(), runs, |plan| {
            sim.try_plan(plan).is_ok_and(|run| signature.find(&run).is_some())
        });
        let run = keeping.try_plan(&shrunk.plan)?;
        if signature.find(&run).is_none() {
            let text =
                format!("the shrunk plan keeps {signature} when it is played once more: {}", shrunk.plan.one_line());
            return Err(NotReproduced::Drift(text));
        }
        Ok(Failure {
            scenario: scenario.name.clone(),
            signature: signature.clone(),
            plan: shrunk.plan,
            shrunk_from,
            fixpoint: shrunk.fixpoint,
            run,
            options: sim.options().clone(),
            script: scenario.script.clone(),
            world: None,
        })
    }

    /// How the rule broke in the run of the shrunk plan.
    pub fn violation(&self) -> &Violation {
        self.signature.find(&self.run).expect("a failure is made of a run that has it")
    }

    /// The report for people, with these lines to paste below it.
    pub fn report(&self, replay: &[String], test: Option<&str>) -> String {
        let world = self.world.as_ref().map(Scenario::text);
        let world = world.as_deref();
        let report = Report {
            places: &[],
            scenario: &self.scenario,
            violation: self.violation(),
            run: &self.run,
            plan: &self.plan,
            shrunk_from: Some(self.shrunk_from),
            script: &self.script,
            world,
            replay,
            test,
        };
        report.to_string()
    }

    /// The failure as a file to keep. `kernel` is `book`, or what to write behind `--kernel` and `--deviation`.
    pub fn regression(&self, kernel: String) -> Regression {
        Regression {
            scenario: self.scenario.clone(),
            kernel,
            flavor: self.options.flavor,
            breaks: Some(self.signature.claim.rule.id().to_string()),
            plan: self.plan.clone(),
            world: self.world.as_ref().map(Scenario::text),
        }
    }

    /// A Rust test to paste. `scenarios` is the expression that gives the list in which the scenario is.
    /// None for a world that was generated: its file is what is kept of it.
    pub fn test(&self, scenarios: &str) -> Option<String> {
        let rule = self.signature.claim.rule.id();
        self.world.is_none().then(|| rust_test(&self.scenario, &self.plan, &self.options, rule, scenarios))
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}: {}", self.signature, self.scenario, self.plan.one_line())
    }
}

impl fmt::Display for Verdict {
    /// In a few words: which rules broke, and how.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Held => f.write_str("everything held"),
            Verdict::Limit(limit) => write!(f, "a bound of the simulator: {limit}"),
            Verdict::Violated(violations) => {
                for (index, Violation { claim, facts, .. }) in violations.iter().enumerate() {
                    write!(f, "{}{} ({facts})", if index > 0 { " and " } else { "" }, claim.rule)?;
                }
                Ok(())
            }
        }
    }
}

impl Verdict {
    /// What broke. Everything that asks which rules a run broke asks here.
    pub fn violations(&self) -> &[Violation] {
        match self {
            Verdict::Violated(violations) => violations,
            Verdict::Held | Verdict::Limit(_) => &[],
        }
    }
}

impl Run {
    /// What broke.
    pub fn violations(&self) -> &[Violation] {
        self.verdict.violations()
    }
}

/// A scenario of this name from a list.
///
/// # Panics
/// If there is none: a mistake in the test that asks.
pub fn named(scenarios: Vec<Scenario>, name: &str) -> Scenario {
    let found = scenarios.into_iter().find(|scenario| scenario.name == name);
    found.unwrap_or_else(|| panic!("no scenario is called `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panics_place_is_its_file_line_and_column_whatever_was_logged_before() {
        let place = |facts: &str| panic_place(facts);
        let at = |text: &str| Some(text.to_string());
        assert_eq!(place("a:b:c panicked: warn 7\nthread panicked at src/lib.rs:7:13:\nno"), at("src/lib.rs:7:13"));
        assert_eq!(
            place("it panicked at 'index 3', src/lib.rs:9:1"),
            None,
            "the old form names no place in its first word"
        );
        assert_eq!(place("it panicked at C:\\a b"), None);
        assert_eq!(place("nothing of the kind"), None);
    }
}
