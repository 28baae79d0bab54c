//! `sweep`: every crash point of a scenario's calm run.

use super::args::{Format, Jobs, Rules, value_name};
use super::failure::{Stage, own_panic, refuse_own_panics};
use super::look::{self, Page};
use super::record::{self, Record};
use super::status::bar;
use super::stop::{Halt, Stops, Watch};
use super::text::{counted, grouped};
use super::{Context, Detail, Outcome, Stop, bug, wrong_scenario};
use crate::explore::failure::Signature;
use crate::explore::pool::default_jobs;
use crate::explore::report::{Report, fold};
use crate::explore::run_plan;
use crate::explore::sweep::{Swept, sweep_until};
use crate::plan::Plan;
use crate::plan::chooser::Profile;
use crate::scenario::Scenario;
use crate::trace::export::played_by;
use crate::world::Options;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

/// How many runs that reached a bound are named.
const BOUNDS_SHOWN: usize = 3;

/// Visit every crash point: a panic at each call, a kill and a crash at each kernel step, a crash around each durable write
#[derive(clap::Args)]
pub(super) struct Sweep {
    /// The scenarios, by name or pattern (`kill-*`); all of them if none is named
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    #[command(flatten)]
    rules: Rules,
    /// The number of threads; as many as there are processors if not given
    #[arg(long, value_name = "N", env = "KINODE_SIM_JOBS")]
    jobs: Option<Jobs>,
    #[command(flatten)]
    stops: Stops,
    /// Draw each failure: a page for a browser, in this folder
    #[arg(long, value_name = "FOLDER")]
    html: Option<PathBuf>,
    /// The form of the results
    #[arg(long, default_value = "text")]
    format: Format,
}

/// A failure of a sweep: the first plan that breaks it, and how many do.
struct Found<'a> {
    signature: Signature,
    plan: &'a Plan,
    points: u64,
}

impl Sweep {
    pub(super) fn run(&self, context: &Context, out: &mut impl Write) -> Result<Outcome, Stop> {
        let mut scenarios = context.select(&self.scenarios)?;
        if let Some(family) = scenarios.iter().find(|scenario| scenario.generate.is_some())
            && !self.scenarios.is_empty()
        {
            return Err(Stop::Wrong(format!(
                "each seed of `{}` has a world of its own; none of them can be swept",
                family.name
            )));
        }
        scenarios.retain(|scenario| scenario.generate.is_none());
        let mut watch = self.stops.watch();
        let (mut broken, mut limits, mut begun, mut panics) = (0, 0, 0, Vec::new());
        for scenario in &scenarios {
            let swept = self.sweep(context, scenario, &mut watch)?;
            self.tell(context, scenario, &swept, out)?;
            begun += 1;
            broken += swept.violations.len();
            limits += swept.limits.len();
            panics.extend(self.panic(context, scenario, &swept));
            if let Some(halt) = watch.halt {
                if self.format == Format::Text {
                    let points = counted(swept.points as u64, "crash point");
                    writeln!(out, "stopped {halt}, after {} of {points} of {}", swept.visited, scenario.name)?;
                    if begun < scenarios.len() {
                        let all = counted(scenarios.len() as u64, "scenario");
                        writeln!(out, "  not begun: {} of {all}", scenarios.len() - begun)?;
                    }
                }
                break;
            }
        }
        refuse_own_panics(&panics)?;
        Ok(match watch.halt {
            Some(Halt::Interrupted) => Outcome::Interrupted,
            _ if broken > 0 => Outcome::Violated,
            _ if limits > 0 => Outcome::Inconclusive,
            _ => Outcome::Held,
        })
    }

    fn sweep(&self, context: &Context, scenario: &Scenario, watch: &mut Watch) -> Result<Swept, Stop> {
        let bar = bar(0);
        bar.set_message(scenario.name.clone());
        let jobs = self.jobs.map_or_else(default_jobs, |Jobs(jobs)| jobs);
        let (options, mut told) = (self.rules.options(scenario), 0);
        let swept = bug::guard(|| {
            sweep_until(scenario, &options, &context.loader, jobs, |swept| {
                bar.set_length(swept.points as u64);
                bar.inc(1);
                for (_, verdict) in &swept.violations[told..] {
                    watch.saw(verdict);
                    bar.set_message(format!(
                        "{} BROKEN in {}",
                        counted(swept.violations.len() as u64, "point"),
                        scenario.name
                    ));
                }
                told = swept.violations.len();
                watch.look()
            })
        });
        let swept = swept.map_err(|text| Stop::Bug(format!("{text}\n  in a sweep of `{}`", scenario.name)))?;
        swept.map_err(wrong_scenario(scenario))
    }

    /// What of the scenario's own code panicked first, at how many points, and the line that plays it.
    fn panic(&self, context: &Context, scenario: &Scenario, swept: &Swept) -> Option<String> {
        let (plan, panic) = swept.panics.first()?;
        let points = format!("in {}", counted(swept.panics.len() as u64, "run"));
        Some(own_panic(scenario, panic, &points, &self.stage(context).plan_line(scenario, plan)))
    }

    fn stage<'a>(&'a self, context: &'a Context) -> Stage<'a> {
        Stage { context, rules: &self.rules, profile: Profile::Calm }
    }

    fn tell(&self, context: &Context, scenario: &Scenario, swept: &Swept, out: &mut impl Write) -> Result<(), Stop> {
        let Swept { points, visited, forked, violations: broken, limits, panics: _ } = swept;
        let (points, visited, forked) = (*points as u64, *visited as u64, *forked as u64);
        let is_text = self.format == Format::Text;
        if !is_text {
            let (violations, limits) = (broken.len() as u64, limits.len() as u64);
            let scenario = &scenario.name;
            record::write(out, &Record::Sweep { scenario, points, visited, forked, violations, limits })?;
        } else if context.detail > Detail::Quiet || !broken.is_empty() || !limits.is_empty() {
            let found = counted(broken.len() as u64, "violation");
            let (visited, points, again) = (grouped(visited), grouped(points), grouped(visited - forked));
            let forked = grouped(forked);
            let name = &scenario.name;
            writeln!(out, "{name}: {visited} of {points} visited ({forked} forked, {again} re-run), {found}")?;
            let shown = if context.detail == Detail::Verbose { limits.len() } else { BOUNDS_SHOWN };
            for (plan, limit) in limits.iter().take(shown) {
                writeln!(out, "  reached a bound ({limit}): {}", plan.one_line())?;
            }
            if limits.len() > shown {
                writeln!(out, "  … and {}", counted((limits.len() - shown) as u64, "more run"))?;
            }
        }
        if !is_text && self.html.is_none() {
            return Ok(());
        }
        // The first in full, the others briefly, as `explore` tells them.
        for (nth, found) in found_in(swept).iter().enumerate() {
            self.tell_one(context, scenario, found, nth == 0 || context.detail == Detail::Verbose, out)?;
        }
        Ok(())
    }

    fn tell_one(
        &self,
        context: &Context,
        scenario: &Scenario,
        found: &Found<'_>,
        in_full: bool,
        out: &mut impl Write,
    ) -> Result<(), Stop> {
        let Found { signature, plan, points } = found;
        let options = Options { keep_trace: true, ..self.rules.options(scenario) };
        let run = run_plan(scenario, plan, &options, &context.loader).map_err(wrong_scenario(scenario))?;
        let replay = [self.stage(context).plan_line(scenario, plan)];
        let Some(violation) = signature.find(&run) else {
            let line = &replay[0];
            return Err(Stop::Bug(format!(
                "{signature} breaks in a sweep and not when it is replayed\n  replay: {line}"
            )));
        };
        let is_text = self.format == Format::Text;
        if is_text && in_full {
            let report = Report {
                places: &[],
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
        } else if is_text {
            writeln!(out, "{}: BROKEN in {}, too", signature.claim.rule.id(), scenario.name)?;
            writeln!(out, "  says: {}\n  replay: {}", fold(signature.claim.says, 8), replay[0])?;
        }
        if is_text {
            writeln!(out, "  broken at {}", counted(*points, "crash point"))?;
        }
        if let Some(folder) = &self.html {
            let (kernel, programs) = (self.rules.kernels(), value_name(&options.flavor));
            let played = played_by(scenario, plan, kernel.clone(), programs, replay[0].clone());
            let words = [scenario.name.as_str(), signature.claim.rule.id(), &kernel, "sweep"];
            let page = Page { scenario, run: &run, options: &options, context, played };
            let file = look::write_failure(folder, &words, signature, &page)?;
            if is_text {
                writeln!(out, "  picture: {}", file.display())?;
            }
        }
        if is_text {
            writeln!(out)?;
        }
        Ok(())
    }
}

/// What broke, each failure once, in the order of the points.
fn found_in(swept: &Swept) -> Vec<Found<'_>> {
    let mut all: Vec<Found<'_>> = Vec::new();
    for (plan, verdict) in &swept.violations {
        let signatures: BTreeSet<Signature> = verdict.violations().iter().map(Signature::of).collect();
        for signature in signatures {
            match all.iter_mut().find(|found| found.signature == signature) {
                Some(found) => found.points += 1,
                None => all.push(Found { signature, plan, points: 1 }),
            }
        }
    }
    all
}
