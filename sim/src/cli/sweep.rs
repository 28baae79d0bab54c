//! `sweep`: every crash point of a scenario's calm run.

use super::args::{Format, Rules, value_name};
use super::look;
use super::record::{self, Record};
use super::text::{counted, grouped};
use super::{Context, Outcome, Stop, bug, wrong_scenario};
use crate::explore::report::Report;
use crate::explore::run_plan;
use crate::explore::sweep::{Swept, sweep};
use crate::plan::chooser::Profile;
use crate::scenario::Scenario;
use crate::trace::export::played_by;
use crate::world::Options;
use std::io::Write;
use std::path::PathBuf;

/// Every crash point: a panic at each call, a kill and a crash at each kernel step, a crash around each durable write
#[derive(clap::Args)]
pub(super) struct Sweep {
    /// Which scenarios; if none is named: all
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    #[command(flatten)]
    rules: Rules,
    /// Draw the first failure of each scenario: a page for a browser, in this folder
    #[arg(long, value_name = "FOLDER")]
    html: Option<PathBuf>,
    /// The form of the results
    #[arg(long, default_value = "text")]
    format: Format,
}

impl Sweep {
    pub(super) fn run(&self, context: &Context, out: &mut impl Write) -> Result<Outcome, Stop> {
        let mut scenarios = context.select(&self.scenarios)?;
        if let Some(family) = scenarios.iter().find(|scenario| scenario.generate.is_some())
            && !self.scenarios.is_empty()
        {
            return Err(Stop::Wrong(format!(
                "each seed of `{}` has a world of its own; there is none to sweep",
                family.name
            )));
        }
        scenarios.retain(|scenario| scenario.generate.is_none());
        let mut outcome = Outcome::Held;
        for scenario in scenarios {
            let swept = bug::guard(|| sweep(scenario, &self.rules.options(scenario), &context.loader, |_, _| true));
            let swept = swept.map_err(|text| Stop::Bug(format!("{text}\n  in a sweep of `{}`", scenario.name)))?;
            let swept = swept.map_err(wrong_scenario(scenario))?;
            self.tell(context, scenario, &swept, out)?;
            if !swept.violations.is_empty() {
                outcome = Outcome::Violated;
            }
        }
        Ok(outcome)
    }

    fn tell(&self, context: &Context, scenario: &Scenario, swept: &Swept, out: &mut impl Write) -> Result<(), Stop> {
        let Swept { points, visited, forked, violations: broken, limits } = swept;
        if self.format == Format::Json {
            let (points, visited, forked) = (*points as u64, *visited as u64, *forked as u64);
            let (violations, limits) = (broken.len() as u64, limits.len() as u64);
            let scenario = &scenario.name;
            record::write(out, &Record::Sweep { scenario, points, visited, forked, violations, limits })?;
            return Ok(());
        }
        let found = counted(broken.len() as u64, "violation");
        writeln!(
            out,
            "{}: {} of {} visited ({} forked, {} re-run), {found}",
            scenario.name,
            grouped(*visited as u64),
            grouped(*points as u64),
            grouped(*forked as u64),
            grouped((visited - forked) as u64),
        )?;
        for (plan, limit) in limits.iter().take(3) {
            writeln!(out, "  reached a bound ({limit}): {}", plan.one_line())?;
        }
        let Some((plan, _)) = broken.first() else { return Ok(()) };
        let options = Options { keep_trace: true, ..self.rules.options(scenario) };
        let run = run_plan(scenario, plan, &options, &context.loader).map_err(wrong_scenario(scenario))?;
        let stage = super::failure::Stage { context, rules: &self.rules, profile: Profile::Calm };
        let replay = [stage.plan_line(scenario, plan)];
        for violation in run.violations().iter().take(1) {
            let report = Report {
                scenario: &scenario.name,
                violation,
                run: &run,
                plan,
                shrunk_from: None,
                script: &scenario.script,
                world: None,
                replay: &replay,
                test: None,
            };
            write!(out, "{report}")?;
            if let Some(folder) = &self.html {
                let (kernel, programs) = (self.rules.kernels(), value_name(&options.flavor));
                let words = [scenario.name.as_str(), violation.claim.rule.id(), &kernel, "sweep"];
                let played = played_by(scenario, plan, kernel.clone(), programs, replay[0].clone());
                let file = look::write_failure(folder, &words, scenario, &run, &options, context, played)?;
                writeln!(out, "  picture: {}", file.display())?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}
