//! `check`: a user's own package.

mod markdown;
mod text;

use super::args::{Format, Rules, Seeds, quoted};
use super::explore::bar;
use super::record::{self, Record};
use super::text::{read as text_file, shown};
use super::{Context, Outcome, Stop, bug, wrong_scenario};
use crate::check::{
    self, Checked, Deeds, Exercise, Failure, Findings, Visit, Work, deeds, manifest_notes, notes, read,
};
use crate::explore::report::Report;
use crate::explore::shrink::shrink;
use crate::explore::sweep;
use crate::explore::{record_seed, run_plan};
use crate::invariant::Violation;
use crate::plan::Plan;
use crate::plan::chooser::Profile;
use crate::scenario::Scenario;
use crate::world::{Bounds, Options, Run, Verdict};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::str::FromStr;

/// How much work the crash points of one check may take, and how much its seeds: some seconds each.
const POINTS_WORK: Work = Work(20_000_000);
const SEEDS_WORK: Work = Work(10_000_000);
/// How much work shrinking one failure may take, and how many runs; how much all failures together.
const SHRINK_WORK: u64 = 5_000_000;
const STORIES_WORK: u64 = 30_000_000;
const SHRINK_RUNS_MAX: u64 = 300;
/// How many failures are made small.
const RETOLD_MAX: usize = 10;
/// A run of more is stopped, after some seconds at most: a guest floods the world, prints for ever, or hands over more
/// than one should. All events are kept, and several runs are under way at once: what is copied bounds their memory.
const BOUNDS: Bounds = Bounds {
    events: 300_000,
    fuel: 2_000_000_000,
    copied: 256 << 20,
    rewritten: 8 << 30,
    memory: 512 << 20,
    mailboxes: 128 << 20,
};

/// Your own package, as it is: a folder with a manifest.json, its .zip, or one .wasm or .wat
#[derive(clap::Args)]
pub(super) struct Check {
    /// The folder or the file
    path: PathBuf,
    /// Its id, package:publisher; if not given: what its metadata.json says, or the file's name
    #[arg(long, value_name = "PACKAGE:PUBLISHER")]
    id: Option<String>,
    /// Messages to send to it, and what must hold: a file in TOML, see the README (may be given several times)
    #[arg(long, value_name = "FILE")]
    inject: Vec<PathBuf>,
    /// What must hold: a file of the same form
    #[arg(long, value_name = "FILE")]
    expect: Vec<PathBuf>,
    /// How many seeds
    #[arg(long, value_name = "N|A..B", default_value = "200")]
    seeds: Seeds,
    /// How much goes wrong under a seed; an app that gives up when its disk does is right, so disks are sound
    #[arg(long, default_value = "sound")]
    profile: Profile,
    /// How many crash points, spread evenly; if not given: all that can be visited with a bounded amount of work
    #[arg(long, value_name = "N|all")]
    points: Option<Points>,
    /// Plays this plan only, and tells every event
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,
    /// Writes a report in Markdown besides: for a pull request, say
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    rules: Rules,
    /// For whom
    #[arg(long, default_value = "text")]
    format: Format,
}

/// How many crash points are visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Points {
    All,
    Some(usize),
}

impl FromStr for Points {
    type Err = String;

    fn from_str(text: &str) -> Result<Points, String> {
        match (text, text.parse()) {
            ("all", _) => Ok(Points::All),
            (_, Ok(n)) => Ok(Points::Some(n)),
            (_, Err(_)) => Err("write how many, or `all`".to_string()),
        }
    }
}

/// All that there is to tell.
struct Told<'a> {
    name: &'a str,
    deeds: BTreeMap<String, Deeds>,
    findings: Findings,
    /// How many crash points and seeds were left out for want of work that may be done; none: all, since the calm run
    /// is wrong already.
    left_out: Option<(u64, u64)>,
    stories: Vec<Story>,
}

/// A failure made small.
struct Story {
    failure: Failure,
    plan: Plan,
    run: Rc<Run>,
    shrunk_from: Option<usize>,
    /// The line that replays it.
    line: String,
}

impl Check {
    pub(super) fn run(&self, context: &Context, out: &mut impl Write) -> Result<Outcome, Stop> {
        let wrong = |error: &dyn std::error::Error| Stop::Wrong(error.to_string());
        let exercise = self.exercise()?;
        let others: Vec<String> = exercise.stand_ins.iter().map(|(process, _)| process.clone()).collect();
        let package =
            bug::guard(|| read(&self.path, self.id.as_deref(), &others, &context.loader)).map_err(Stop::Bug)?;
        let package = package.map_err(|error| wrong(&error))?;
        let checked = Checked::new(package, &exercise).map_err(|error| wrong(&error))?;
        context.check(&checked.calm, &self.options(&checked.calm))?;
        let result = bug::guard(|| match &self.plan {
            Some(plan) => self.play(context, &checked, plan, out),
            None => self.check(context, &checked, out),
        });
        result.unwrap_or_else(|text| Err(Stop::Bug(format!("{text}\n  in a check of {}", self.path.display()))))
    }

    /// What is sent, and what must hold: of all files together.
    fn exercise(&self) -> Result<Exercise, Stop> {
        let mut all = Exercise::default();
        for path in self.inject.iter().chain(&self.expect) {
            let text = text_file(path)?;
            let exercise = Exercise::parse(&text, &path.display().to_string());
            all = all.and(exercise.map_err(|error| Stop::Wrong(error.to_string()))?);
        }
        Ok(all)
    }

    fn options(&self, scenario: &Scenario) -> Options {
        Options { keep_trace: true, bounds: BOUNDS, ..self.rules.options(scenario) }
    }

    /// One plan, told event by event.
    fn play(&self, context: &Context, checked: &Checked, plan: &str, out: &mut impl Write) -> Result<Outcome, Stop> {
        let plan: Plan = plan.parse().map_err(|error: crate::plan::PlanError| Stop::Wrong(error.to_string()))?;
        let run = self.run_plan(context, checked, &plan)?;
        for (index, event) in run.trace.events() {
            writeln!(out, "{}", crate::trace::line(*index, event, &run.names))?;
        }
        for Violation { claim, facts, .. } in broken(&run) {
            writeln!(out, "{}: BROKEN: {facts}", claim.rule)?;
        }
        writeln!(out, "fingerprint {}", run.fingerprint)?;
        Ok(if run.held() { Outcome::Held } else { Outcome::Violated })
    }

    /// When nothing goes wrong, more is expected.
    fn run_plan(&self, context: &Context, checked: &Checked, plan: &Plan) -> Result<Run, Stop> {
        let scenario = if plan.lines.is_empty() { &checked.calm } else { &checked.scenario };
        run_plan(scenario, plan, &self.options(scenario), &context.loader).map_err(wrong_scenario(scenario))
    }

    /// The calm run, crash points, and seeds; then the verdict.
    fn check(&self, context: &Context, checked: &Checked, out: &mut impl Write) -> Result<Outcome, Stop> {
        let scenario = &checked.scenario;
        let calm = self.run_plan(context, checked, &Plan::default())?;
        let mut findings = Findings::default();
        let mut known = notes(&calm, true);
        known.extend(scenario.packages.iter().flat_map(|(_, package)| manifest_notes(package)));
        findings.take_calm(&calm, known);
        // What breaks when nothing goes wrong, or cannot be played to its end, needs no storm to be found.
        let left_out = if calm.held() {
            Some(self.visit_all(context, scenario, check::work(&calm, scenario), &mut findings)?)
        } else {
            None
        };
        let calm = Rc::new(calm);
        let mut stories = Vec::new();
        let mut done = Work::default();
        for failure in findings.failures.iter().take(RETOLD_MAX) {
            if done.0 < STORIES_WORK {
                stories.push(self.story(context, checked, failure, &calm, &mut done)?);
            }
        }
        let (name, deeds) = (scenario.name.as_str(), deeds(&calm));
        let told = Told { name, deeds, findings, left_out, stories };
        match self.format {
            Format::Text => write!(out, "{}", text::Text(&told))?,
            Format::Json => json(&told, out)?,
        }
        if let Some(path) = &self.report {
            let written = fs::write(path, &*shown(&markdown::Markdown(&told).to_string()));
            written.map_err(|error| Stop::Wrong(format!("--report: {}: {error}", path.display())))?;
        }
        match told.findings.outcome() {
            check::Outcome::Passed => Ok(Outcome::Held),
            check::Outcome::Failed | check::Outcome::Inconclusive => Ok(Outcome::Violated),
        }
    }

    /// Crash points and seeds, as many as may be; gives back how many of each were left out.
    /// One is about as much work as `each`.
    fn visit_all(
        &self,
        context: &Context,
        scenario: &Scenario,
        each: Work,
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
        self.visit(context, scenario, &points, each, self.points.is_none().then_some(POINTS_WORK), findings)?;
        self.visit(context, scenario, &seeds, each, Some(SEEDS_WORK), findings)?;
        Ok((n_points - findings.points, n_seeds - findings.seeds))
    }

    fn visit(
        &self,
        context: &Context,
        scenario: &Scenario,
        visits: &[Visit],
        each: Work,
        bound: Option<Work>,
        findings: &mut Findings,
    ) -> Result<(), Stop> {
        let bar = bar(visits.len());
        bar.set_message(scenario.name.clone());
        let options = self.options(scenario);
        let visited =
            check::visit(scenario, visits, self.profile, (each, bound), &options, &context.loader, || bar.inc(1));
        for visited in visited.map_err(wrong_scenario(scenario))? {
            findings.take_visited(visited);
        }
        Ok(())
    }

    /// A failure played again, and made small; the work of that is added to what was `done`.
    fn story(
        &self,
        context: &Context,
        checked: &Checked,
        failure: &Failure,
        calm: &Rc<Run>,
        done: &mut Work,
    ) -> Result<Story, Stop> {
        let scenario = &checked.scenario;
        let (plan, recorded) = match &failure.first {
            None => {
                let (plan, run, line) = (Plan::default(), calm.clone(), self.line(context, &Plan::default()));
                return Ok(Story { failure: failure.clone(), plan, run, shrunk_from: None, line });
            }
            Some(Visit::Seed(seed)) => {
                let run = record_seed(scenario, *seed, self.profile, &self.options(scenario), &context.loader);
                (run.map_err(wrong_scenario(scenario))?.plan.unwrap_or_default(), true)
            }
            Some(Visit::Point(line)) => (Plan { lines: vec![line.clone()] }, false),
        };
        let run = self.run_plan(context, checked, &plan)?;
        let each = check::work(&run, scenario);
        let most = (SHRINK_WORK / each.0.max(1)).clamp(1, SHRINK_RUNS_MAX);
        done.0 += 3 * each.0;
        let before = plan.lines.len();
        let fails = |plan: &Plan| {
            let run = self.run_plan(context, checked, plan);
            done.0 += run.as_ref().map_or(0, |run| check::work(run, scenario).0);
            run.is_ok_and(|run| broken(&run).iter().any(|violation| failure.is(violation)))
        };
        let plan = shrink(plan, most as usize, fails).plan;
        let run = Rc::new(self.run_plan(context, checked, &plan)?);
        let line = self.line(context, &plan);
        Ok(Story { failure: failure.clone(), plan, run, shrunk_from: recorded.then_some(before), line })
    }

    /// The line that plays a plan again.
    fn line(&self, context: &Context, plan: &Plan) -> String {
        let text = |path: &Path| quoted(&super::absolute(path));
        let id = self.id.as_ref().map(|id| format!(" --id {}", quoted(id)));
        let inject = self.inject.iter().map(|path| format!(" --inject {}", text(path)));
        let expect = self.expect.iter().map(|path| format!(" --expect {}", text(path)));
        let flags: String = id.into_iter().chain(inject).chain(expect).chain([self.rules.flags()]).collect();
        format!("{} check {}{flags} --plan {}", context.program, text(&self.path), quoted(&plan.one_line()))
    }
}

/// What a run broke.
fn broken(run: &Run) -> &[Violation] {
    match &run.verdict {
        Verdict::Violated(violations) => violations,
        Verdict::Held | Verdict::Limit(_) => &[],
    }
}

impl Told<'_> {
    /// The outcome in a sentence.
    fn sentence(&self) -> String {
        match self.findings.outcome() {
            check::Outcome::Passed => match self.left_out {
                Some((1.., _)) if self.findings.points == 0 => format!(
                    "nothing broke in {}; no crash point was visited",
                    super::text::counted(self.findings.seeds, "seed")
                ),
                Some((0, _)) => {
                    "its processes survive being killed, crashed, restarted and rebooted at every point".to_string()
                }
                _ => "its processes survive being killed, crashed, restarted and rebooted at every point visited"
                    .to_string(),
            },
            check::Outcome::Failed => {
                let n = self.findings.failures.len() as u64;
                let runs = super::text::counted(self.findings.violations, "run");
                format!("{}, in {runs}; the first, made small, is above", super::text::counted(n, "thing") + " broke")
            }
            check::Outcome::Inconclusive => {
                "nothing broke, but not all that it did could be played: see what is worth knowing".to_string()
            }
        }
    }
}

impl Story {
    /// The broken rule in the run of the plan.
    fn violation(&self) -> Option<&Violation> {
        broken(&self.run).iter().find(|violation| self.failure.is(violation))
    }

    /// In full.
    fn report(&self, name: &str) -> Option<String> {
        let Story { plan, run, shrunk_from, line, .. } = self;
        let (violation, replay) = (self.violation()?, [line.clone()]);
        let report = Report {
            scenario: name,
            violation,
            run,
            plan,
            shrunk_from: *shrunk_from,
            script: &[],
            world: None,
            replay: &replay,
            test: None,
        };
        Some(report.to_string())
    }
}

/// For programs: a line per process, failure and note, and the outcome last.
fn json(told: &Told<'_>, out: &mut impl Write) -> Result<(), Stop> {
    let Told { name, findings, .. } = told;
    for (process, did) in &told.deeds {
        let record = Record::Process {
            process,
            on_exit: did.on_exit.map(|on_exit| format!("{on_exit:?}")),
            lives: did.lives,
            calls: &did.calls,
            requests: did.requests,
            received: did.received,
            state_bytes: did.state,
            memory: did.usage.memory,
            fuel: did.usage.fuel,
            waits: did.receives,
            gone: did.gone,
            panicked: did.panicked.as_deref(),
        };
        record::write(out, &record)?;
    }
    for story in &told.stories {
        let Story { failure, plan, line, .. } = story;
        let facts = story.violation().map_or(failure.facts.as_str(), |violation| &violation.facts);
        let (rule, says, runs, plan) = (failure.claim.rule.id(), failure.claim.says, failure.runs, record::lines(plan));
        record::write(out, &Record::Failure { package: name, rule, says, facts, runs, plan, replay: line })?;
    }
    for (note, runs) in &findings.notes {
        record::write(out, &Record::Note { package: name, note: note.kind(), text: note.to_string(), runs: *runs })?;
    }
    let open = findings.notes.keys().filter(|note| note.is_open());
    let record = Record::Check {
        package: name,
        verdict: findings.outcome().name(),
        seeds: findings.seeds,
        points: findings.points,
        violations: findings.violations,
        unmodelled: &open.map(ToString::to_string).collect::<Vec<_>>(),
        replay: told.stories.first().map(|story| story.line.as_str()),
        points_left_out: told.left_out.map_or(0, |(points, _)| points),
        failures: findings.failures.len() as u64,
    };
    record::write(out, &record)?;
    Ok(())
}
