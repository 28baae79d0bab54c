//! By which deviations a kernel that deviates breaks something: each is left out, or played alone.

use super::{Check, SHRINK_WORK, broken};
use crate::check::{self, Baseline, Checked, Failure, Findings, Work, judge, recovered};
use crate::cli::{Context, Stop, wrong_scenario};
use crate::explore::run_plan;
use crate::plan::Plan;
use crate::world::{Options, Run};
use kernel_core::{Deviation, Semantics};

impl Check {
    /// Which deviations break each rule that the kernel broke: of those known to break it, or else of all, those under
    /// which the same plan breaks it with no other; or else those without which it does not. If that would be too much
    /// work, or says nothing, those known to break the rule stay named.
    pub(super) fn name_deviations(
        &self,
        context: &Context,
        checked: &Checked,
        findings: &mut Findings,
        each: Work,
    ) -> Result<(), Stop> {
        for (rule, visit) in findings.broken_by_kernel.clone() {
            let (suspects, all) = (checked.terms.suspects(&rule), &checked.terms.deviations);
            if all.len() < 2 || each.0 * all.len() as u64 > SHRINK_WORK {
                continue;
            }
            let plan = self.plan_of(context, &checked.scenario, visit.as_ref())?;
            for (of, alone) in [(&suspects, true), (&suspects, false), (all, true), (all, false)] {
                let mut breaking = Vec::new();
                for deviation in of {
                    let run = self.run_with(context, checked, &plan, &|book| {
                        if alone { book.with(*deviation) } else { with_all(book, all).without(*deviation) }
                    })?;
                    let breaks = broken(&run).iter().any(|violation| violation.claim.rule.id() == rule);
                    if breaks == alone {
                        breaking.push(*deviation);
                    }
                }
                if !breaking.is_empty() {
                    findings.name_deviations(&rule, &check::named(&breaking));
                    break;
                }
            }
        }
        Ok(())
    }

    /// A plan on the book's kernel, with what is changed of that; nothing is judged.
    fn run_with(
        &self,
        context: &Context,
        checked: &Checked,
        plan: &Plan,
        change: &dyn Fn(Semantics) -> Semantics,
    ) -> Result<Run, Stop> {
        let scenario = if plan.lines.is_empty() { &checked.calm } else { &checked.scenario };
        let options = self.options(scenario);
        let back_off = options.semantics.as_ref().map(|semantics| semantics.back_off).unwrap_or_default();
        let semantics = change(Semantics::book().with_back_off(back_off));
        let options = Options { semantics: Some(semantics), ..options };
        run_plan(scenario, plan, &options, &context.loader).map_err(wrong_scenario(scenario))
    }

    /// Which deviations of the kernel a failure needs: without any one of them the same plan does not break it. None, if it
    /// breaks on the book's kernel as well.
    pub(super) fn blamed(
        &self,
        context: &Context,
        checked: &Checked,
        failure: &Failure,
        plan: &Plan,
        baseline: &Baseline,
    ) -> Result<Vec<Deviation>, Stop> {
        let deviations = &checked.terms.deviations;
        let breaks = |without: &dyn Fn(Deviation) -> bool| {
            let mut run = self.run_with(context, checked, plan, &|book| {
                let all = with_all(book, deviations);
                // Last, since one deviation may bring another.
                let left_out = deviations.iter().filter(|deviation| without(**deviation));
                left_out.fold(all, |semantics, deviation| semantics.without(*deviation))
            })?;
            judge(&mut run, &checked.terms);
            recovered(baseline, &mut run);
            Ok::<bool, Stop>(broken(&run).iter().any(|violation| failure.is(violation)))
        };
        if deviations.is_empty() || breaks(&|_| true)? {
            return Ok(vec![]);
        }
        let mut blamed = Vec::new();
        for deviation in deviations {
            if !breaks(&|other| other == *deviation)? {
                blamed.push(*deviation);
            }
        }
        Ok(blamed)
    }
}

/// A kernel that deviates in all of these.
fn with_all(book: Semantics, deviations: &[Deviation]) -> Semantics {
    deviations.iter().fold(book, |semantics, deviation| semantics.with(*deviation))
}
