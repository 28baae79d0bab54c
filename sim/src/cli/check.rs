//! `check`: a user's own package.

mod args;
mod blame;
mod case;
mod json;
mod junit;
mod markdown;
mod summary;
mod text;

use super::args::{Jobs, ReportFormat as Format};
use super::replay::unused;
use super::status::bar;
use super::stop::{Halt, Watch};
use super::text::read as text_file;
use super::{Context, Detail, Outcome, Stop, bug, wrong_scenario};
use crate::check::{
    self, Activity, Baseline, Checked, Failure, Findings, Note, Visit, Work, Workload, activity, illegal_name, judge,
    manifest_notes, never_happened, notes, read, recovered,
};
use crate::explore::pool::default_jobs;
use crate::explore::run_plan;
use crate::explore::sweep;
use crate::guest::wasm::Limits;
use crate::invariant::Violation;
use crate::package::Package;
use crate::plan::Plan;
use crate::scenario::Scenario;
use crate::trace::lost::lost;
use crate::trace::lost_text;
use crate::world::{Bounds, Options, Run, Verdict};
use args::{LoneOnExit, Points};
use kernel_core::Duration;
use std::collections::BTreeMap;
use std::io::Write;
use std::rc::Rc;
use summary::{Case, Summary};

pub(super) use args::Check;

/// How much work the crash points of one check may take, and how much its seeds: some seconds each.
const POINTS_WORK: Work = Work(20_000_000);
const SEEDS_WORK: Work = Work(10_000_000);
/// How much work shrinking one failure may take, and how many runs; how much all failures together.
const SHRINK_WORK: u64 = 5_000_000;
const ALL_SHRINK_WORK: u64 = 30_000_000;
const SHRINK_RUNS_MAX: u64 = 300;
/// How many failures are shrunk. The others are reported as they were found, as many as so much work can play again.
const SHRUNK_MAX: usize = 10;
const TOLD_WORK: u64 = 5_000_000;
/// When a chain's provider is out of order in the run that is played for that, and how long.
const PROVIDER_OUTAGE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(10));
/// A run of more is stopped, after some seconds at most: a guest floods the world, prints for ever, or hands over more
/// than one should. All events are kept, and several runs are under way at once: what is copied bounds their memory.
const BOUNDS: Bounds = Bounds {
    events: 300_000,
    fuel: 2_000_000_000,
    copied: 256 << 20,
    rewritten: 8 << 30,
    memory: 512 << 20,
    begun: 8 << 30,
    host: 2_000_000_000,
    mailboxes: 128 << 20,
};

/// What a check has found on one kernel.
struct Searched {
    activity: BTreeMap<String, Activity>,
    findings: Findings,
    /// How many crash points and seeds were left out; none: none were to be visited.
    left_out: Option<(u64, u64)>,
    cases: Vec<Case>,
}

impl Check {
    pub(super) fn run(&self, context: &Context, out: &mut impl Write) -> Result<Outcome, Stop> {
        let wrong = |error: &dyn std::error::Error| Stop::Wrong(error.to_string());
        self.reports.check(self.workload.iter().chain(&self.upgrade_from).chain([&self.path]))?;
        let workload = self.workload()?;
        let others: Vec<String> = workload.stubs.iter().map(|(process, _)| process.clone()).collect();
        let package =
            bug::guard(|| read(&self.path, self.id.as_deref(), &others, &context.loader)).map_err(Stop::Bug)?;
        let package = package.map_err(|error| wrong(&error))?;
        let (package, next) = match &self.upgrade_from {
            None => (package, None),
            Some(old) => {
                let old_package = bug::guard(|| read(old, self.id.as_deref(), &others, &context.loader));
                let old_package = old_package.map_err(Stop::Bug)?.map_err(|error| wrong(&error))?;
                let next = check::next_version(&old_package, package, self.path.is_file() && old.is_file());
                (old_package, Some(next.map_err(Stop::Wrong)?))
            }
        };
        let is_lone = check::is_lone_file(&self.path);
        let package = match self.on_exit {
            Some(_) if !is_lone => {
                let problem = "`--on-exit` is for a lone file: a package's manifest.json says it";
                return Err(Stop::Wrong(problem.to_string()));
            }
            Some(on_exit) => check::with_on_exit(package, on_exit.name()),
            None => package,
        };
        let assumes = is_lone && self.on_exit.is_none();
        let new = |package: Package| {
            let checked = Checked::new(package, next.clone(), &workload, &context.loader);
            let mut checked = checked.map_err(|error| wrong(&error))?;
            let semantics = self.rules.options(&checked.scenario).semantics;
            checked.terms.deviations = semantics.iter().flat_map(|semantics| semantics.deviations()).collect();
            Ok::<Checked, Stop>(checked)
        };
        let mut checked = new(package.clone())?;
        checked.terms.lone = is_lone.then(|| package.id.clone());
        let mut known = None;
        if assumes {
            let calm = bug::guard(|| self.run_plan(context, &checked, &Plan::default())).map_err(Stop::Bug)??;
            let script = check::ends_unasked(&calm);
            if let Some(process) = &script {
                let lone = checked.terms.lone.take();
                checked = new(check::with_on_exit(package, LoneOnExit::None.name()))?;
                (checked.terms.lone, checked.terms.scripts) = (lone, [process.clone()].into());
            }
            let on_exit = if script.is_some() { LoneOnExit::None } else { LoneOnExit::Restart };
            let process = script.clone().or(calm.processes.first().map(|(_, process)| process.clone()));
            checked.notes.extend(process.map(|process| Note::AssumedOnExit(process, on_exit.name())));
            known = script.is_none().then_some(calm);
        }
        if let (Some(says), None) = (illegal_name(&self.path), &self.id) {
            checked.notes.push(Note::IllegalName(says, checked.scenario.name.clone()));
        }
        context.check(&checked.calm, &self.options(&checked.calm))?;
        let result = bug::guard(|| match &self.plan {
            Some(plan) => self.play(context, &mut checked, (plan.as_str(), known), out),
            None => self.check(context, &mut checked, known, out),
        });
        result.unwrap_or_else(|text| Err(Stop::Bug(format!("{text}\n  in a check of {}", self.path.display()))))
    }

    /// What all files say together.
    fn workload(&self) -> Result<Workload, Stop> {
        let mut all = Workload::default();
        for path in &self.workload {
            let text = text_file(path)?;
            let workload = Workload::parse(&text, &path.display().to_string());
            all = all.and(workload.map_err(|error| Stop::Wrong(error.to_string()))?);
        }
        Ok(all)
    }

    fn options(&self, scenario: &Scenario) -> Options {
        let limits = Limits { spin_time: check::QUANTUM_TIME, ..Limits::default() };
        Options { keep_trace: true, bounds: BOUNDS, limits, ..self.rules.options(scenario) }
    }

    /// One plan, event by event; the calm run may be known already.
    fn play(
        &self,
        context: &Context,
        checked: &mut Checked,
        (plan, calm): (&str, Option<Run>),
        out: &mut impl Write,
    ) -> Result<Outcome, Stop> {
        let plan: Plan = match plan.trim() {
            "calm" => Plan::default(),
            plan => plan.parse().map_err(|error: crate::plan::PlanError| Stop::Wrong(error.to_string()))?,
        };
        let calm = calm.map_or_else(|| self.run_plan(context, checked, &Plan::default()), Ok)?;
        checked.learn(&calm);
        let calm = Baseline::of(&calm, &checked.terms);
        let mut run = self.run_plan(context, checked, &plan)?;
        let idle = unused(Some(&plan), &run);
        let mut notes = notes(&run, plan.lines.is_empty());
        notes.extend(judge(&mut run, &checked.terms));
        notes.extend(recovered(&calm, &mut run).notes);
        if self.format == Format::Text && context.detail > Detail::Quiet {
            let lost = lost(&run.trace.events().collect::<Vec<_>>());
            for (index, event) in run.trace.events() {
                writeln!(out, "{}", crate::trace::line(*index, event, &run.names))?;
                for line in lost_text(lost.get(index).map_or(&[][..], Vec::as_slice), &run.names) {
                    writeln!(out, "{:21}{line}", "")?;
                }
            }
            for Violation { claim, facts, .. } in broken(&run) {
                writeln!(out, "{}: BROKEN: {facts}", claim.rule)?;
            }
            writeln!(out, "fingerprint {}", run.fingerprint)?;
        }
        let mut findings = Findings::default();
        findings.take_calm(&run, notes);
        if plan.lines.is_empty() {
            self.name_deviations(context, checked, &mut findings, check::work(&run, &checked.scenario))?;
        }
        let (run, line) = (Rc::new(run), self.line(context, &plan));
        let case = |failure: &Failure| Case {
            failure: failure.clone(),
            plan: plan.clone(),
            run: run.clone(),
            shrunk_from: None,
            line: line.clone(),
            kernel: vec![],
            picture: None,
        };
        let mut cases: Vec<Case> = findings.failures.iter().map(case).collect();
        self.draw_all(context, checked, &mut cases)?;
        let (name, activity) = (checked.scenario.name.as_str(), activity(&run));
        let places = &checked.places;
        let summary =
            Summary { name, places, activity, findings, left_out: None, cases, plan: Some(&idle), halt: None };
        self.tell(context, &summary, out)?;
        if !plan.lines.is_empty() && idle.len() == plan.lines.len() {
            return Err(Stop::Wrong("nothing of the plan came up in this run: it shows nothing".to_string()));
        }
        Ok(outcome(&summary))
    }

    /// When nothing goes wrong, more is expected.
    fn run_plan(&self, context: &Context, checked: &Checked, plan: &Plan) -> Result<Run, Stop> {
        let scenario = if plan.lines.is_empty() { &checked.calm } else { &checked.scenario };
        let run =
            run_plan(scenario, plan, &self.options(scenario), &context.loader).map_err(wrong_scenario(scenario))?;
        assert_eq!(run.panics, [], "what a package is held to does not panic");
        Ok(run)
    }

    /// The same, with a verdict of what counts against the package.
    fn judged(&self, context: &Context, checked: &Checked, plan: &Plan, calm: &Baseline) -> Result<Run, Stop> {
        let mut run = self.run_plan(context, checked, plan)?;
        judge(&mut run, &checked.terms);
        recovered(calm, &mut run);
        Ok(run)
    }

    /// The calm run, which may be known already, crash points, and seeds; then the verdict.
    fn check(
        &self,
        context: &Context,
        checked: &mut Checked,
        calm: Option<Run>,
        out: &mut impl Write,
    ) -> Result<Outcome, Stop> {
        let calm = calm.map_or_else(|| self.run_plan(context, checked, &Plan::default()), Ok)?;
        checked.learn(&calm);
        let mut watch = Watch::begin(self.time_limit);
        let mut verdict = self.search(context, checked, calm, &mut watch)?;
        let is_set_aside = |case: &&Case| matches!(case.kernel[..], [only] if check::is_beyond_packages(only));
        if let (Some(case), None) = (verdict.cases.iter().find(is_set_aside), watch.halt) {
            let deviation = case.kernel[0];
            let says = format!("{}: {}", deviation.name(), deviation.summary());
            let note = Note::SetAside(says, case.facts().to_string(), case.line.clone());
            let without = Check { rules: self.rules.without(deviation), ..self.clone() };
            checked.terms.deviations.retain(|other| *other != deviation);
            let calm = without.run_plan(context, checked, &Plan::default())?;
            verdict = without.search(context, checked, calm, &mut watch)?;
            verdict.findings.take_notes([note]);
        }
        let Searched { activity, findings, left_out, cases } = verdict;
        let (name, places) = (checked.scenario.name.as_str(), &checked.places);
        let summary = Summary { name, places, activity, findings, left_out, cases, plan: None, halt: watch.halt };
        self.tell(context, &summary, out)?;
        Ok(outcome(&summary))
    }

    /// All that is played and found, on one kernel.
    fn search(&self, context: &Context, checked: &Checked, mut calm: Run, watch: &mut Watch) -> Result<Searched, Stop> {
        let scenario = &checked.scenario;
        let mut findings = Findings::default();
        let mut known = notes(&calm, true);
        known.extend(judge(&mut calm, &checked.terms));
        let is_open = known.iter().any(Note::hides_the_end);
        known.extend(never_happened(&calm, scenario, &checked.places));
        known.extend(checked.notes.iter().cloned());
        known.extend(scenario.packages.iter().flat_map(|(_, package)| manifest_notes(package)));
        findings.take_calm(&calm, known);
        findings.take_notes(self.without_provider(context, checked)?);
        // What breaks when nothing goes wrong, or cannot be played to its end, needs no storm to be found.
        let baseline = Baseline::of(&calm, &checked.terms);
        let left_out = if calm.held() && !is_open {
            let each = check::work(&calm, scenario);
            Some(self.visit_all(context, scenario, (each, &baseline), watch, &mut findings)?)
        } else {
            None
        };
        findings.conclude();
        self.name_deviations(context, checked, &mut findings, check::work(&calm, scenario))?;
        let calm = Rc::new(calm);
        let mut cases = Vec::new();
        let (mut done, mut told) = (Work::default(), Work::default());
        for (nth, failure) in findings.failures.iter().enumerate() {
            let small = nth < SHRUNK_MAX && done.0 < ALL_SHRINK_WORK;
            if !small && told.0 > TOLD_WORK {
                break;
            }
            let done = if small { &mut done } else { &mut told };
            cases.push(self.case(context, checked, failure, (&calm, &baseline), small, done)?);
        }
        findings.leave_out(findings.failures.len() - cases.len());
        self.draw_all(context, checked, &mut cases)?;
        Ok(Searched { activity: activity(&calm), findings, left_out, cases })
    }

    /// What is worth knowing of a run in which the chain's provider is out of order for a while, if the workload says
    /// nothing of that.
    fn without_provider(&self, context: &Context, checked: &Checked) -> Result<Vec<Note>, Stop> {
        let Some(chain) = checked.scenario.chain.as_ref().filter(|chain| chain.outages.is_empty()) else {
            return Ok(vec![]);
        };
        let chain = chain.clone().out_of_order(PROVIDER_OUTAGE.0, PROVIDER_OUTAGE.1);
        let scenario = Scenario { chain: Some(chain), ..checked.scenario.clone() };
        let run = run_plan(&scenario, &Plan::default(), &self.options(&scenario), &context.loader);
        let notes = notes(&run.map_err(wrong_scenario(&scenario))?, true);
        Ok(notes.into_iter().filter(|note| matches!(note, Note::FloodsProvider(..))).collect())
    }

    /// Prints a summary in the form that was asked for, and writes the report.
    fn tell(&self, context: &Context, summary: &Summary<'_>, out: &mut impl Write) -> Result<(), Stop> {
        match self.format {
            Format::Text => write!(out, "{}", text::Text(summary, context.detail))?,
            Format::Json => json::write(summary, out)?,
            Format::Junit => write!(out, "{}", junit::Junit(summary))?,
        }
        self.reports.write(&markdown::Markdown(summary))
    }

    /// Crash points and seeds, as many as may be; gives back how many of each were left out.
    /// One is about as much work as `each`.
    fn visit_all(
        &self,
        context: &Context,
        scenario: &Scenario,
        (each, calm): (Work, &Baseline),
        watch: &mut Watch,
        findings: &mut Findings,
    ) -> Result<(u64, u64), Stop> {
        let points = sweep::points(scenario, &self.options(scenario), &context.loader);
        let points = points.map_err(wrong_scenario(scenario))?;
        let mut points = check::spread(points.into_iter().map(|point| point.line).collect());
        let seeds: Vec<Visit> = self.seeds.of(None).into_iter().map(Visit::Seed).collect();
        let (n_points, n_seeds) = (points.len() as u64, seeds.len() as u64);
        if let Some(Points::Some(most)) = self.points {
            points.truncate(most);
        }
        let bound = self.points.is_none().then_some(POINTS_WORK);
        self.visit(context, scenario, &points, (each, bound, calm), watch, findings)?;
        self.visit(context, scenario, &seeds, (each, Some(SEEDS_WORK), calm), watch, findings)?;
        Ok((n_points - findings.points, n_seeds - findings.seeds))
    }

    fn visit(
        &self,
        context: &Context,
        scenario: &Scenario,
        visits: &[Visit],
        (each, bound, calm): (Work, Option<Work>, &Baseline),
        watch: &mut Watch,
        findings: &mut Findings,
    ) -> Result<(), Stop> {
        let bar = bar(visits.len());
        bar.set_message(scenario.name.clone());
        let options = self.options(scenario);
        let (how, work) = ((self.profile, calm), (each, bound));
        let jobs = self.jobs.map_or_else(default_jobs, |Jobs(jobs)| jobs);
        let visited = check::visit(scenario, visits, how, work, &options, (&context.loader, jobs), || {
            bar.inc(1);
            watch.look()
        });
        for visited in visited.map_err(wrong_scenario(scenario))? {
            findings.take_visited(visited);
        }
        Ok(())
    }
}

/// The exit of a check.
fn outcome(summary: &Summary<'_>) -> Outcome {
    match summary.outcome() {
        _ if summary.halt == Some(Halt::Interrupted) => Outcome::Interrupted,
        check::Outcome::Passed => Outcome::Held,
        check::Outcome::Failed => Outcome::Violated,
        check::Outcome::Inconclusive => Outcome::Inconclusive,
    }
}

/// What a run broke.
fn broken(run: &Run) -> &[Violation] {
    match &run.verdict {
        Verdict::Violated(violations) => violations,
        Verdict::Held | Verdict::Limit(_) => &[],
    }
}
