//! `replay`: one run, under a seed or a plan, and every way to look at it.

use super::args::{Format, Rules, quoted, value_name};
use super::failure::{Stage, own_panics, refuse_own_panics};
use super::look::{self, Look, Page};
use super::record::{self, Record};
use super::text::counted;
use super::{Context, Detail, Outcome, Stop};
use crate::explore::regression;
use crate::explore::report::Report;
use crate::plan::Plan;
use crate::plan::chooser::{Profile, Seed};
use crate::scenario::Scenario;
use crate::trace::export::document::Played;
use crate::trace::export::played_by;
use crate::world::{Options, Run, Verdict};
use std::borrow::Cow;
use std::io::{self, Write};
use std::path::PathBuf;

/// Play one run under a seed or a plan: what broke, its fingerprint, its events, a picture
#[derive(clap::Args)]
#[command(override_usage = "kinode-sim replay [OPTIONS] SCENARIO <PLAN | --seed N | --plan FILE>")]
pub(super) struct Replay {
    /// The scenario
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    #[command(flatten)]
    source: Source,
    /// How much goes wrong under the seed
    #[arg(long, default_value = "swarm", conflicts_with_all = ["text", "file"])]
    profile: Profile,
    #[command(flatten)]
    rules: Rules,
    /// Stop at the first line of the plan that no longer fits. Without this, such lines are listed at the end
    #[arg(long, conflicts_with = "seed")]
    strict: bool,
    #[command(flatten)]
    look: Look,
    /// The form of the results
    #[arg(long, default_value = "text")]
    format: Format,
}

/// What decides where the world could go more than one way.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Source {
    /// A plan, its lines separated by `;`; or `calm`
    #[arg(value_name = "PLAN")]
    pub(super) text: Option<String>,
    /// A seed
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// A file that holds a plan
    #[arg(long = "plan", value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
}

impl Replay {
    pub(super) fn run(&self, context: &Context, out: &mut impl Write) -> Result<Outcome, Stop> {
        let named = context.scenario(&self.scenario)?;
        let plan = self.source.plan()?;
        let world = self.world(named)?;
        let scenario: &Scenario = &world;
        if let Some(plan) = &plan {
            check_nodes(plan, scenario)?;
        }
        let options = Options { keep_trace: true, ..self.rules.options(scenario) };
        let stage = Stage { context, rules: &self.rules, profile: self.profile };
        let seed = Seed(self.source.seed.unwrap_or_default());
        let line = match (&plan, &self.source.file) {
            (Some(_), Some(file)) => stage.line(scenario, &format!("--plan {}", quoted(&super::absolute(file)))),
            (Some(plan), None) => stage.plan_line(scenario, plan),
            (None, _) => stage.seed_line(scenario, seed),
        };
        let run = match &plan {
            Some(plan) if self.strict => stage.play_strictly(scenario, plan, &options)?,
            Some(plan) => stage.play(scenario, plan, &options)?,
            None => stage.record(scenario, seed, &options)?,
        };
        if let Some(line) = &run.misfit {
            let at = counted(run.trace.len(), "event");
            return Err(Stop::Wrong(format!(
                "the plan no longer fits {}: after {at} it is the turn of `{line}`, which does not come up; without \
                 --strict the other lines are played",
                scenario.name
            )));
        }
        let played = self.played(scenario, &run, line.clone());
        if let Some(file) = &self.look.html {
            Page { scenario, run: &run, options: &options, context, played: played.clone() }.write(file)?;
        }
        let (outcome, panics) = (Outcome::of(&run.verdict), own_panics(scenario, &run, &line));
        if self.look.is_document() {
            if self.format == Format::Json {
                return Err(Stop::Wrong("--trace-format prints the whole trace: leave out --format json".to_string()));
            }
            write!(out, "{}", self.look.document(&run, played)?)?;
            return refuse_own_panics(&panics).map(|()| outcome);
        }
        if let Some(at) = &self.look.at {
            let state = look::state_at(at, scenario, &run, &options, context)?;
            write!(out, "{state}")?;
            return refuse_own_panics(&panics).map(|()| outcome);
        }
        let events = self.look.events(&run, context.detail == Detail::Verbose)?;
        let unused = unused(plan.as_ref(), &run);
        match self.format {
            Format::Json => record::write(out, &as_record(scenario, &run, events, unused))?,
            Format::Text => self.tell(context, scenario, &run, &line, (&events.unwrap_or_default(), &unused), out)?,
        }
        refuse_own_panics(&panics).map(|()| outcome)
    }

    /// What is played: a world that was generated stands in the plan's file, or is that of the seed.
    fn world<'s>(&self, named: &'s Scenario) -> Result<Cow<'s, Scenario>, Stop> {
        if let Some(file) = &self.source.file
            && let Some(text) = regression::world(&super::text::read(file)?)
        {
            let world = Scenario::read(&named.name, &text, &named.programs);
            return world.map(Cow::Owned).map_err(|error| Stop::Wrong(format!("{}: {error}", file.display())));
        }
        match (self.source.seed, &named.generate) {
            (Some(seed), _) => Ok(named.of(Seed(seed))),
            (None, None) => Ok(Cow::Borrowed(named)),
            (None, Some(_)) => Err(Stop::Wrong(format!(
                "each seed of `{}` has a world of its own: give --seed N, or --plan FILE with a file that holds one \
                 (`explore {} --keep FOLDER` writes such files)",
                named.name, named.name
            ))),
        }
    }

    /// What was played, for those who read the trace elsewhere.
    fn played(&self, scenario: &Scenario, run: &Run, replay: String) -> Played {
        let plan = run.plan.clone().unwrap_or_default();
        let programs = value_name(&self.rules.options(scenario).flavor);
        let played = played_by(scenario, &plan, self.rules.kernels(), programs, replay);
        let profile = self.source.seed.map(|_| value_name(&self.profile));
        Played { seed: self.source.seed, profile, ..played }
    }

    fn tell(
        &self,
        context: &Context,
        scenario: &Scenario,
        run: &Run,
        line: &str,
        (events, unused): (&[String], &[String]),
        out: &mut impl Write,
    ) -> io::Result<()> {
        events.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        if !events.is_empty() {
            writeln!(out)?;
        }
        let plan = run.plan.clone().unwrap_or_default();
        let what = match self.source.seed {
            Some(seed) => format!("seed {seed} ({})", value_name(&self.profile)),
            None if plan.lines.is_empty() => "calm".to_string(),
            None => "a plan".to_string(),
        };
        let verdict = match &run.verdict {
            Verdict::Held if !run.panics.is_empty() => "what did not panic held".to_string(),
            Verdict::Held => "held".to_string(),
            Verdict::Violated(violations) => format!("{} BROKEN", counted(violations.len() as u64, "rule")),
            Verdict::Limit(limit) => format!("reached a bound of the simulator ({limit}): neither held nor broken"),
        };
        writeln!(out, "{}, {what}, {}: {verdict}", scenario.name, self.rules.text())?;
        if context.detail > Detail::Quiet {
            let (events, messages) = (counted(run.trace.len(), "event"), counted(run.messages, "message"));
            let faults = counted(run.faults, "fault");
            writeln!(out, "  {events}, {messages}, {faults}, {} of virtual time", run.elapsed)?;
            writeln!(out, "  fingerprint {}", run.fingerprint)?;
        }
        unused.iter().try_for_each(|line| writeln!(out, "  never came up: {line}"))?;
        match run.violations().first() {
            Some(violation) => {
                let (script, scenario, replay) = (&scenario.script, &scenario.name, &[line.to_string()]);
                let report = Report {
                    places: &[],
                    scenario,
                    violation,
                    run,
                    plan: &plan,
                    shrunk_from: None,
                    script,
                    world: None,
                    replay,
                    test: None,
                };
                write!(out, "\n{report}")
            }
            None => Ok(()),
        }
    }
}

impl Source {
    /// The plan; `None`: a seed decides.
    pub(super) fn plan(&self) -> Result<Option<Plan>, Stop> {
        let (text, place) = match (&self.text, &self.file) {
            (Some(text), _) => (text.clone(), String::new()),
            (None, Some(file)) => (super::text::read(file)?, format!("{}: ", file.display())),
            (None, None) => return Ok(None),
        };
        match text.trim() {
            "calm" => Ok(Some(Plan::default())),
            text => text.parse().map(Some).map_err(|error| Stop::Wrong(format!("{place}{error}"))),
        }
    }
}

/// Every line of a plan is about nodes that the scenario has.
pub(super) fn check_nodes(plan: &Plan, scenario: &Scenario) -> Result<(), Stop> {
    for line in &plan.lines {
        let known = |node: &&str| scenario.nodes.iter().any(|known| known == node);
        if let Some(node) = line.subject.nodes().into_iter().find(|node| !known(node)) {
            let (name, nodes) = (&scenario.name, scenario.nodes.join(", "));
            return Err(Stop::Wrong(format!("plan (`{line}`): `{node}` is not a node of {name}, which has {nodes}")));
        }
    }
    Ok(())
}

/// The lines of a plan whose site never came up.
pub(super) fn unused(plan: Option<&Plan>, run: &Run) -> Vec<String> {
    let used = run.plan.as_ref().map_or(&[][..], |plan| &plan.lines);
    let lines = plan.map_or(&[][..], |plan| &plan.lines).iter();
    let unused = lines.filter(|line| !used.iter().any(|used| used.is_at_site_of(line)));
    unused.map(|line| line.to_string()).collect()
}

fn as_record<'a>(scenario: &'a Scenario, run: &'a Run, trace: Option<Vec<String>>, unused: Vec<String>) -> Record<'a> {
    let broken = run.violations();
    Record::Run {
        scenario: &scenario.name,
        events: run.trace.len(),
        messages: run.messages,
        violations: broken.len() as u64,
        verdict: match &run.verdict {
            Verdict::Held if !run.panics.is_empty() => "panicked",
            Verdict::Held => "held",
            Verdict::Violated(_) => "violated",
            Verdict::Limit(_) => "limit",
        },
        broken: broken.iter().map(Into::into).collect(),
        plan: run.plan.as_ref().map(record::lines).unwrap_or_default(),
        unused,
        fingerprint: record::hex(run.fingerprint),
        trace: trace.map(|lines| lines.iter().map(|line| line.trim_start().to_string()).collect()),
    }
}
