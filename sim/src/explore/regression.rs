//! A plan that once broke a rule, kept in a file: what was mended is not to break again, and what a deviation breaks is
//! to be found broken.
//!
//! ```text
//! // scenario: down-restart
//! // kernel: D6
//! // programs: native
//! // breaks: K2
//! kill alice.os #16 subject:demo:alice.os
//! ```
//!
//! `kernel` is `book`, or what to write behind `--kernel` and `--deviation`, parted by blanks; `breaks` is a rule, or
//! `nothing`. To a plan everything before its first line is a comment. Lines that begin with `//| ` are a scenario that was
//! generated ([`Scenario::text`]), to be played by the programs of the one of that name.

use crate::explore::{run_plan, run_strictly};
use crate::guest::image::Loader;
use crate::plan::{Line, Plan};
use crate::scenario::{Flavor, Scenario};
use crate::world::{Options, Run, Verdict};
use kernel_core::{Deviation, Semantics};
use std::fmt;
use std::str::FromStr;

/// A plan that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regression {
    /// The name of its scenario.
    pub scenario: String,
    /// Whose kernel breaks the rule.
    pub kernel: String,
    /// In which form of the programs.
    pub flavor: Flavor,
    /// The rule that breaks; `None`: none does.
    pub breaks: Option<String>,
    /// What has to go wrong.
    pub plan: Plan,
    /// The scenario itself as text, if it was generated: it means the same when the generator has changed.
    pub world: Option<String>,
}

/// What became of a plan that is kept and still tells what it told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The first of its lines that no longer fits: the kernel or the scenario has changed, and the plan tells it all the same.
    pub drift: Option<Line>,
}

impl Regression {
    /// The rules it is about, in a scenario of its name.
    ///
    /// # Errors
    /// A kernel that nobody knows.
    pub fn semantics(&self, scenario: &Scenario) -> Result<Semantics, String> {
        self.kernel.split_whitespace().try_fold(scenario.semantics.clone(), |rules, word| match word {
            "book" => Ok(rules),
            "kinode-1.0" => Ok(Semantics::kinode_1_0()),
            "hyperdrive-1.9" => Ok(Semantics::hyperdrive_1_9()),
            word => match Deviation::ALL.iter().find(|deviation| deviation.name() == word) {
                Some(deviation) => Ok(rules.with(*deviation)),
                None => Err(format!("`{word}` is no kernel and no deviation")),
            },
        })
    }

    /// Whether its plan still breaks its rule, played as far as it fits; without a rule, whether it breaks any.
    ///
    /// # Errors
    /// A kernel that nobody knows; a world that cannot be read; a panic of the scenario's own code.
    pub fn breaks(&self, scenario: &Scenario, loader: &Loader) -> Result<bool, String> {
        let read = self.world.as_ref().map(|text| Scenario::read(&self.scenario, text, &scenario.programs));
        let read = read.transpose().map_err(|error| error.to_string())?;
        let scenario = read.as_ref().unwrap_or(scenario);
        let semantics = Some(self.semantics(scenario)?);
        let options = Options { flavor: self.flavor, semantics, ..Options::default() };
        let run = run_plan(scenario, &self.plan, &options, loader).map_err(|error| error.to_string())?;
        if let Some(panic) = run.panics.first() {
            return Err(panic.to_string());
        }
        Ok(match &self.breaks {
            Some(rule) => broken(&run).contains(&rule.as_str()),
            None => !run.violations().is_empty(),
        })
    }

    /// Plays it: strictly, and if it no longer fits then as far as it does. On the scenario's own rules it must break
    /// nothing.
    ///
    /// # Errors
    /// What is otherwise than the file says.
    pub fn play(&self, scenario: &Scenario, loader: &Loader) -> Result<Kept, String> {
        let read;
        let scenario = match &self.world {
            Some(text) => {
                read = Scenario::read(&self.scenario, text, &scenario.programs).map_err(|error| error.to_string())?;
                &read
            }
            None => scenario,
        };
        let semantics = self.semantics(scenario)?;
        let by = |semantics| Options { flavor: self.flavor, semantics, ..Options::default() };
        let deviating = by(Some(semantics.clone()));
        let wrong = |error: crate::scenario::ScenarioError| error.to_string();
        let strict = run_strictly(scenario, &self.plan, &deviating, loader).map_err(wrong)?;
        let drift = strict.misfit.clone();
        let run = match drift {
            None => strict,
            Some(_) => run_plan(scenario, &self.plan, &deviating, loader).map_err(wrong)?,
        };
        let broken = broken(&run);
        match &self.breaks {
            Some(rule) if !broken.contains(&rule.as_str()) => {
                return Err(format!("{rule} is to be broken, and is not: {}", run.summary()));
            }
            None if !run.held() => return Err(run.summary()),
            Some(_) | None => {}
        }
        if semantics != scenario.semantics {
            let run = run_plan(scenario, &self.plan, &by(None), loader).map_err(wrong)?;
            if !run.held() {
                return Err(format!("it breaks a rule without the deviation, too: {}", run.summary()));
            }
        }
        Ok(Kept { drift })
    }
}

fn broken(run: &Run) -> Vec<&'static str> {
    match &run.verdict {
        Verdict::Violated(violations) => violations.iter().map(|violation| violation.claim.rule.id()).collect(),
        Verdict::Held | Verdict::Limit(_) => vec![],
    }
}

impl fmt::Display for Regression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flavor = match self.flavor {
            Flavor::Native => "native",
            Flavor::Wasm => "wasm",
        };
        writeln!(f, "// scenario: {}\n// kernel: {}\n// programs: {flavor}", self.scenario, self.kernel)?;
        writeln!(f, "// breaks: {}", self.breaks.as_deref().unwrap_or("nothing"))?;
        self.world.iter().flat_map(|world| world.lines()).try_for_each(|line| writeln!(f, "//| {line}"))?;
        self.plan.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// The scenario that stands in a plan's comments, if one does.
pub fn world(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("//| ")).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

impl FromStr for Regression {
    type Err = String;

    fn from_str(text: &str) -> Result<Regression, String> {
        let header = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix("// ")?.strip_prefix(name)?.strip_prefix(": "));
            value.map(|value| value.trim().to_string()).ok_or(format!("there is no line `// {name}: …`"))
        };
        let flavor = match header("programs")?.as_str() {
            "native" => Flavor::Native,
            "wasm" => Flavor::Wasm,
            other => return Err(format!("programs are `native` or `wasm`, not `{other}`")),
        };
        let breaks = Some(header("breaks")?).filter(|rule| rule != "nothing");
        let plan = text.parse().map_err(|error: crate::plan::PlanError| error.to_string())?;
        let world = world(text);
        Ok(Regression { scenario: header("scenario")?, kernel: header("kernel")?, flavor, breaks, plan, world })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENERATED: &str = "// scenario: generated\n// kernel: D2\n// programs: native\n// breaks: E5\n\
                             //| nodes a.os\n//| at 1s: kill a.os@b:c:d\ncrash a.os #1 crash\n";

    #[test]
    fn a_generated_world_stands_in_its_file() {
        let kept: Regression = GENERATED.parse().expect("it is one");
        assert_eq!(kept.world.as_deref(), Some("nodes a.os\nat 1s: kill a.os@b:c:d"));
        assert_eq!(kept.to_string(), GENERATED);
    }

    const FILE: &str = "// scenario: it\n// kernel: D2 D6\n// programs: native\n// breaks: K2\ncrash a.os #1 crash\n";

    #[test]
    fn a_file_prints_as_it_was_read() {
        let kept: Regression = FILE.parse().expect("it is one");
        assert_eq!(kept.to_string(), FILE);
        let calm = FILE.replace("breaks: K2", "breaks: nothing").replace("crash a.os #1 crash\n", "");
        assert_eq!(calm.parse::<Regression>().expect("it is one").to_string(), calm);
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        for (was, is, says) in
            [("// breaks: K2\n", "", "`// breaks: …`"), ("native", "cobol", "`cobol`"), ("#1", "1", "line 5")]
        {
            let error = FILE.replace(was, is).parse::<Regression>().expect_err(is);
            assert!(error.contains(says), "{error}");
        }
        let unknown: Regression = FILE.replace("D6", "D66").parse().expect("its form is right");
        let error = unknown.semantics(&Scenario::new("it", "")).expect_err("there is no D66");
        assert!(error.contains("`D66`"), "{error}");
    }

    #[test]
    fn what_no_longer_breaks_or_breaks_by_the_book_is_told_and_drift_too() {
        let scenario = Scenario::new("it", "");
        let play = |kernel: &str, breaks: &str, plan: &str| {
            let text =
                format!("// scenario: it\n// kernel: {kernel}\n// programs: native\n// breaks: {breaks}\n{plan}");
            text.parse::<Regression>().expect("it is one").play(&scenario, &Loader::default())
        };
        assert_eq!(play("book", "nothing", ""), Ok(Kept { drift: None }));
        let late = "crash alice.os #900000 crash";
        let drift = play("D2", "nothing", late).expect("nothing breaks").drift.expect("nothing comes up so often");
        assert_eq!(drift.to_string(), late);
        let error = play("book", "K2", "").expect_err("nothing breaks");
        assert!(error.contains("K2 is to be broken, and is not"), "{error}");
    }
}
