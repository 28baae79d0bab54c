//! A failure of a check: played again, made small, drawn.

use super::summary::Case;
use super::{Check, SHRINK_RUNS_MAX, SHRINK_WORK, broken};
use crate::check::{self, Baseline, Checked, Failure, Visit, Work};
use crate::cli::args::{quoted, value_name};
use crate::cli::look::{self, Page};
use crate::cli::{Context, Stop, absolute, wrong_scenario};
use crate::explore::failure::Signature;
use crate::explore::record_seed;
use crate::explore::shrink::shrink;
use crate::plan::Plan;
use crate::scenario::Scenario;
use crate::trace::export::played_by;
use crate::world::Run;
use std::path::Path;
use std::rc::Rc;

impl Check {
    /// A failure played again, and if it is to be, made small; the work of that is added to what was `done`.
    pub(super) fn case(
        &self,
        context: &Context,
        checked: &Checked,
        failure: &Failure,
        (calm, baseline): (&Rc<Run>, &Baseline),
        small: bool,
        done: &mut Work,
    ) -> Result<Case, Stop> {
        let scenario = &checked.scenario;
        let plan = self.plan_of(context, scenario, failure.first.as_ref())?;
        let recorded = match &failure.first {
            None => {
                let (run, line) = (calm.clone(), self.line(context, &plan));
                let kernel = self.blamed(context, checked, failure, &plan, baseline)?;
                return Ok(Case {
                    failure: failure.clone(),
                    plan,
                    run,
                    shrunk_from: None,
                    line,
                    kernel,
                    picture: None,
                });
            }
            Some(visit) => matches!(visit, Visit::Seed(_)),
        };
        let run = self.judged(context, checked, &plan, baseline)?;
        done.0 += check::work(&run, scenario).0;
        if !small {
            let (run, line) = (Rc::new(run), self.line(context, &plan));
            let kernel = vec![];
            return Ok(Case { failure: failure.clone(), plan, run, shrunk_from: None, line, kernel, picture: None });
        }
        let each = check::work(&run, scenario);
        let most = (SHRINK_WORK / each.0.max(1)).clamp(1, SHRINK_RUNS_MAX);
        done.0 += 3 * each.0;
        let before = plan.lines.len();
        let fails = |plan: &Plan| {
            let run = self.judged(context, checked, plan, baseline);
            done.0 += run.as_ref().map_or(0, |run| check::work(run, scenario).0);
            run.is_ok_and(|run| broken(&run).iter().any(|violation| failure.is(violation)))
        };
        let plan = shrink(plan, most as usize, fails).plan;
        let run = Rc::new(self.judged(context, checked, &plan, baseline)?);
        let line = self.line(context, &plan);
        let kernel = self.blamed(context, checked, failure, &plan, baseline)?;
        let shrunk_from = recorded.then_some(before);
        Ok(Case { failure: failure.clone(), plan, run, shrunk_from, line, kernel, picture: None })
    }

    /// The plan of a visit, of a seed as it was drawn; none is the calm run.
    pub(super) fn plan_of(&self, context: &Context, scenario: &Scenario, visit: Option<&Visit>) -> Result<Plan, Stop> {
        Ok(match visit {
            None => Plan::default(),
            Some(Visit::Point(line)) => Plan { lines: vec![line.clone()] },
            Some(Visit::Seed(seed)) => {
                let run = record_seed(scenario, *seed, self.profile, &self.options(scenario), &context.loader);
                run.map_err(wrong_scenario(scenario))?.plan.unwrap_or_default()
            }
        })
    }

    /// Writes a page of each failure, if a folder was named for them.
    pub(super) fn draw_all(&self, context: &Context, checked: &Checked, cases: &mut [Case]) -> Result<(), Stop> {
        let Some(folder) = &self.html else { return Ok(()) };
        let mut drawn = Vec::new();
        for case in cases {
            let Case { failure, plan, run, line, .. } = &*case;
            let scenario = if plan.lines.is_empty() { &checked.calm } else { &checked.scenario };
            let options = self.options(scenario);
            let (kernel, programs) = (self.rules.kernels(), value_name(&options.flavor));
            let words = [scenario.name.as_str(), failure.claim.rule.id(), &kernel];
            let place = drawn.contains(&failure.claim).then(|| check::place(&failure.facts));
            let signature = Signature { claim: failure.claim, place };
            drawn.push(failure.claim);
            let played = played_by(scenario, plan, kernel.clone(), programs, line.clone());
            let page = Page { scenario, run, options: &options, context, played };
            case.picture = Some(look::write_failure(folder, &words, &signature, &page)?);
        }
        Ok(())
    }

    /// The line that plays a plan again.
    pub(super) fn line(&self, context: &Context, plan: &Plan) -> String {
        let text = |path: &Path| quoted(&absolute(path));
        let id = self.id.as_ref().map(|id| format!(" --id {}", quoted(id)));
        let workload = self.workload.iter().map(|path| format!(" --workload {}", text(path)));
        let old = self.upgrade_from.iter().map(|path| format!(" --upgrade-from {}", text(path)));
        let on_exit = self.on_exit.map(|on_exit| format!(" --on-exit {}", value_name(&on_exit)));
        let flags: String =
            id.into_iter().chain(on_exit).chain(old).chain(workload).chain([self.rules.flags()]).collect();
        let plan = if plan.lines.is_empty() { "calm".to_string() } else { quoted(&plan.one_line()) };
        format!("{} check {}{flags} --plan {plan}", context.program, text(&self.path))
    }
}
