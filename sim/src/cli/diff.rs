//! `diff` and `what-if`: two runs side by side, and where they part.

use super::args::{Kernel, Rules, value_name};
use super::failure::{Stage, own_panics, refuse_own_panics};
use super::look;
use super::replay::{Source, check_nodes};
use super::text::counted;
use super::{Context, Detail, Outcome, Stop, wrong_scenario};
use crate::explore::regression::Regression;
use crate::explore::report::{clip, fold, width};
use crate::picture::{self, Picture};
use crate::plan::chooser::{Profile, Seed};
use crate::plan::{Line, Plan};
use crate::scenario::Scenario;
use crate::trace::export::document::Played;
use crate::trace::export::{Document, played_by};
use crate::trace::{self, Trace};
use crate::world::{Options, Run, Verdict};
use kernel_core::Names;
use std::io::Write;
use std::path::{Path, PathBuf};

/// How many events are printed that both runs have, and how many of each that the other has not.
const BEFORE: usize = 4;
const AFTER: usize = 12;
/// Up to which number `what-if` looks for the next time that a question comes up.
const ORDINAL_MAX: u32 = 1 << 20;

/// Compare two runs: where they part, and how each ends
#[derive(clap::Args)]
#[command(
    override_usage = "kinode-sim diff [OPTIONS] SCENARIO A B\n       kinode-sim diff [OPTIONS] FILE FILE",
    after_help = "A and B are each a seed (7), a plan ('crash alice.os #3 crash', calm, or a file), or a kernel (book, \
                  hyperdrive-1.9, D2, D2+D14). Two kernels play the plan of --seed or --plan, or the calm run.\nFILE is \
                  a trace (replay --trace-format json), or a kept plan that names its scenario (explore --keep)."
)]
pub(super) struct Diff {
    /// A scenario and the two runs, or two files
    #[arg(value_name = "SCENARIO A B", num_args = 2..=3, required = true)]
    what: Vec<String>,
    /// The seed that two kernels play
    #[arg(long, value_name = "N", conflicts_with = "plan")]
    seed: Option<u64>,
    /// The plan that two kernels play: a file, or its lines separated by `;`
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,
    /// How much goes wrong under a seed
    #[arg(long, default_value = "swarm")]
    profile: Profile,
    #[command(flatten)]
    rules: Rules,
    /// Write both runs as one page for a browser
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Play a run again with another line in its plan from an event on, and compare
#[derive(clap::Args)]
#[command(
    override_usage = "kinode-sim what-if [OPTIONS] SCENARIO <PLAN | --seed N | --plan FILE> --from EVENT --with LINE",
    after_help = "LINE is a line of a plan. `#next` instead of its number is the first time after EVENT that the question \
                  comes up:\n  kinode-sim what-if counter calm --from 40 --with 'crash alice.os #next power-loss'"
)]
pub(super) struct WhatIf {
    /// The scenario
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    #[command(flatten)]
    source: Source,
    /// The event from which on the runs may differ: its index, or the first whose line contains this text
    #[arg(long, value_name = "EVENT")]
    from: String,
    /// The line that the plan has besides
    #[arg(long, value_name = "LINE")]
    with: String,
    /// How much goes wrong under the seed
    #[arg(long, default_value = "swarm")]
    profile: Profile,
    #[command(flatten)]
    rules: Rules,
    /// Write both runs as one page for a browser
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// One of two runs.
struct Side {
    title: String,
    trace: Trace,
    names: Names,
    verdict: String,
    broken: Vec<String>,
    /// What of the scenario's own code panicked, each with the line that plays it.
    panics: Vec<String>,
    origin: Origin,
}

/// Where a run comes from.
enum Origin {
    /// It was played here, and can be played again.
    Played(Box<(Scenario, Plan, Options, Played)>),
    /// It was read from a file.
    Trace(Box<Document>),
}

impl Diff {
    pub(super) fn run(&self, context: &Context, out: &mut impl Write) -> Result<Outcome, Stop> {
        let (a, b) = match &self.what[..] {
            [a, b] => (self.file(context, a)?, self.file(context, b)?),
            [scenario, a, b] => {
                let scenario = context.scenario(scenario)?;
                (self.side(context, scenario, a)?, self.side(context, scenario, b)?)
            }
            _ => unreachable!("clap counts them"),
        };
        compare(context, &a, &b, None, self.html.as_deref(), out)
    }

    /// A run of the scenario: under a seed, under a plan, or on a kernel.
    fn side(&self, context: &Context, scenario: &Scenario, text: &str) -> Result<Side, Stop> {
        if let Some(rules) = Kernel::rules(text, &self.rules) {
            let stage = Stage { context, rules: &rules, profile: self.profile };
            let plan = self.plan.as_deref().map(plan_of).transpose()?;
            return match (self.seed, plan) {
                (Some(seed), _) => seeded(stage, scenario, Seed(seed), text.to_string()),
                (None, plan) => planned(stage, scenario, plan.unwrap_or_default(), text.to_string()),
            };
        }
        if self.seed.is_some() || self.plan.is_some() {
            return Err(Stop::Wrong(format!("--seed and --plan are for two kernels, and `{text}` is none")));
        }
        let stage = Stage { context, rules: &self.rules, profile: self.profile };
        match text.parse::<u64>() {
            Ok(seed) => seeded(stage, scenario, Seed(seed), format!("seed {seed}")),
            Err(_) => planned(stage, scenario, plan_of(text)?, clip(text, 40)),
        }
    }

    /// A trace, or a kept plan.
    fn file(&self, context: &Context, file: &str) -> Result<Side, Stop> {
        let wrong = |problem: String| Stop::Wrong(format!("{file}: {problem}"));
        let text = super::text::read(Path::new(file))?;
        if text.trim_start().starts_with('{') {
            let document = Document::from_json(&text).map_err(|error| wrong(error.to_string()))?;
            let read = document.read().map_err(|error| wrong(error.to_string()))?;
            let outcome = &document.outcome;
            let verdict = match (&outcome.limit, outcome.verdict.as_str()) {
                (Some(limit), _) => bounded(limit),
                (None, "violated") => "broken".to_string(),
                (None, verdict) => verdict.to_string(),
            };
            return Ok(Side {
                title: file.to_string(),
                trace: read.trace,
                names: read.names,
                verdict,
                broken: outcome.broken.iter().map(|b| format!("{}: {}", b.rule, b.facts)).collect(),
                panics: Vec::new(),
                origin: Origin::Trace(Box::new(document)),
            });
        }
        let kept: Regression = text.parse().map_err(wrong)?;
        let scenario = context.scenario(&kept.scenario)?;
        let rules = Rules::of_kept(&kept).map_err(wrong)?;
        planned(Stage { context, rules: &rules, profile: self.profile }, scenario, kept.plan, file.to_string())
    }
}

impl WhatIf {
    pub(super) fn run(&self, context: &Context, out: &mut impl Write) -> Result<Outcome, Stop> {
        let named = context.scenario(&self.scenario)?;
        let world = match self.source.seed {
            Some(seed) => named.of(Seed(seed)),
            None => std::borrow::Cow::Borrowed(named),
        };
        let scenario: &Scenario = &world;
        let stage = Stage { context, rules: &self.rules, profile: self.profile };
        let options = Options { keep_trace: true, ..self.rules.options(scenario) };
        let run = match self.source.plan()? {
            Some(plan) => {
                check_nodes(&plan, scenario)?;
                stage.play(scenario, &plan, &options)?
            }
            None => stage.record(scenario, Seed(self.source.seed.unwrap_or_default()), &options)?,
        };
        let plan = run.plan.clone().unwrap_or_default();
        let from = look::find_event("--from", &self.from, &run)?;
        let (line, other) = self.fork(stage, scenario, &plan, &run, from, &options)?;
        let forked = Plan { lines: plan.lines.iter().cloned().chain([line.clone()]).collect() };
        let base = Side::of(stage, scenario, plan, run, "as it was".to_string());
        let other = Side::of(stage, scenario, forked, other, format!("with {line}"));
        writeln!(out, "what if, from #{from} on: {line}")?;
        compare(context, &base, &other, Some(from), self.html.as_deref(), out)
    }

    /// The line with its number, and the run that has it besides. What comes before `from` is the same in both.
    fn fork(
        &self,
        stage: Stage<'_>,
        scenario: &Scenario,
        plan: &Plan,
        base: &Run,
        from: u64,
        options: &Options,
    ) -> Result<(Line, Run), Stop> {
        let next = self.with.contains("#next");
        let parsed: Plan =
            self.with.replacen("#next", "#1", 1).parse().map_err(|error| Stop::Wrong(format!("{error}")))?;
        let [line] = &parsed.lines[..] else {
            return Err(Stop::Wrong("--with takes one line of a plan".to_string()));
        };
        check_nodes(&parsed, scenario)?;
        let play = |ordinal: u32| -> Result<(Line, Run, Option<u64>), Stop> {
            let line = Line { ordinal, ..line.clone() };
            let lines = plan.lines.iter().cloned().chain([line.clone()]).collect();
            let run = stage.play(scenario, &Plan { lines }, options)?;
            let parts = parting(&base.trace, &run.trace);
            Ok((line, run, parts))
        };
        let late_enough = |parts: Option<u64>| parts.is_none_or(|parts| parts > from);
        if !next {
            let (line, run, parts) = play(line.ordinal)?;
            return match parts {
                Some(parts) if !late_enough(Some(parts)) => Err(Stop::Wrong(format!(
                    "`{line}` already acts at #{parts}, before #{from}: write `#next` for the first time after it"
                ))),
                _ => Ok((line, run)),
            };
        }
        let mut search = Search { low: 0, high: None, early: false };
        let mut found = None;
        while let Some(ordinal) = search.next() {
            let (line, run, parts) = play(ordinal)?;
            search.saw(ordinal, parts.map(|parts| parts > from));
            if search.high == Some(ordinal) && parts.is_some() {
                found = Some((line, run));
            }
        }
        found.ok_or_else(|| Stop::Wrong(format!("`{}` never comes up after #{from}, or changes nothing", self.with)))
    }
}

/// Looks for the least number with which a line acts after an event. With low numbers it acts before, or not at all while
/// the scenario is set up; with high ones it never comes up.
struct Search {
    /// A number that is too low.
    low: u32,
    /// One that is high enough.
    high: Option<u32>,
    /// Whether any number was seen to act too early: a higher one that does not act is too high.
    early: bool,
}

impl Search {
    /// The next number to try; `None`: the search is over.
    fn next(&self) -> Option<u32> {
        match self.high {
            Some(high) if high - self.low <= 1 => None,
            Some(high) => Some(self.low + (high - self.low) / 2),
            None => Some((2 * self.low).max(1)).filter(|ordinal| *ordinal <= ORDINAL_MAX),
        }
    }

    /// With this number it acts late enough, too early, or (`None`) not at all.
    fn saw(&mut self, ordinal: u32, late: Option<bool>) {
        match late {
            Some(true) => self.high = Some(ordinal),
            Some(false) => (self.low, self.early) = (ordinal, true),
            None if self.early => self.high = Some(ordinal),
            None => self.low = ordinal,
        }
    }
}

/// A plan: its text, or a file that holds it.
fn plan_of(text: &str) -> Result<Plan, Stop> {
    let file = Path::new(text);
    let (text, place) = match file.is_file() {
        true => (super::text::read(file)?, format!("{}: ", file.display())),
        false => (text.to_string(), String::new()),
    };
    match text.trim() {
        "calm" => Ok(Plan::default()),
        text => text.parse().map_err(|error| Stop::Wrong(format!("{place}{error}"))),
    }
}

fn bounded(limit: &str) -> String {
    format!("reached a bound of the simulator: {limit}")
}

fn seeded(stage: Stage<'_>, scenario: &Scenario, seed: Seed, title: String) -> Result<Side, Stop> {
    let world = scenario.of(seed);
    let options = Options { keep_trace: true, ..stage.rules.options(&world) };
    let run = stage.record(&world, seed, &options)?;
    let plan = run.plan.clone().unwrap_or_default();
    Ok(Side::of(stage, &world, plan, run, title))
}

fn planned(stage: Stage<'_>, scenario: &Scenario, plan: Plan, title: String) -> Result<Side, Stop> {
    check_nodes(&plan, scenario)?;
    let options = Options { keep_trace: true, ..stage.rules.options(scenario) };
    let run = stage.play(scenario, &plan, &options)?;
    Ok(Side::of(stage, scenario, plan, run, title))
}

impl Side {
    fn of(stage: Stage<'_>, scenario: &Scenario, plan: Plan, run: Run, title: String) -> Side {
        let options = Options { keep_trace: true, ..stage.rules.options(scenario) };
        let programs = value_name(&options.flavor);
        let line = stage.plan_line(scenario, &plan);
        let panics = own_panics(scenario, &run, &line);
        let played = played_by(scenario, &plan, stage.rules.kernels(), programs, line);
        let (verdict, broken) = match &run.verdict {
            Verdict::Held => ("held".to_string(), Vec::new()),
            Verdict::Limit(limit) => (bounded(limit), Vec::new()),
            Verdict::Violated(all) => {
                ("broken".to_string(), all.iter().map(|v| format!("{}: {}", v.claim.rule.id(), v.facts)).collect())
            }
        };
        let origin = Origin::Played(Box::new((scenario.clone(), plan, options, played)));
        Side { title, trace: run.trace, names: run.names, verdict, broken, panics, origin }
    }

    /// The line that replays it; empty, if the trace says none.
    fn replay(&self) -> &str {
        match &self.origin {
            Origin::Played(played) => &played.3.replay,
            Origin::Trace(document) => &document.run.replay,
        }
    }

    fn scenario(&self) -> &str {
        match &self.origin {
            Origin::Played(played) => &played.0.name,
            Origin::Trace(document) => &document.run.scenario,
        }
    }

    fn line(&self, index: u64) -> Option<String> {
        let mut events = self.trace.events().skip(index as usize);
        events.next().map(|(index, event)| trace::line(*index, event, &self.names))
    }
}

/// The first event at which two runs differ; `None`: they are the same.
fn parting(a: &Trace, b: &Trace) -> Option<u64> {
    let same = a.chain().iter().zip(b.chain()).take_while(|(a, b)| a == b).count() as u64;
    (same < a.len() || same < b.len()).then_some(same)
}

fn compare(
    context: &Context,
    a: &Side,
    b: &Side,
    from: Option<u64>,
    html: Option<&Path>,
    out: &mut impl Write,
) -> Result<Outcome, Stop> {
    let parts = parting(&a.trace, &b.trace);
    match parts {
        None => writeln!(out, "the runs are the same: {}", counted(a.trace.len(), "event"))?,
        Some(0) => writeln!(out, "the runs differ from their first event on")?,
        Some(parts) => {
            writeln!(out, "the runs are the same for {} and part at #{parts}\n", counted(parts, "event"))?;
            let before = if context.detail == Detail::Quiet { 0 } else { BEFORE };
            for index in (parts.saturating_sub(before as u64))..parts {
                if let Some(line) = a.line(index) {
                    writeln!(out, "    {}", clip(&line, width() - 4))?;
                }
            }
        }
    }
    let after = match context.detail {
        Detail::Quiet => 0,
        Detail::Normal => AFTER,
        Detail::Verbose => usize::MAX,
    };
    for (mark, side) in [('A', a), ('B', b)] {
        if let Some(parts) = parts.filter(|_| after > 0) {
            writeln!(out, "\n{mark}: {}", side.title)?;
            let events = (parts..).take(after).map_while(|index| side.line(index));
            for line in events {
                writeln!(out, "  {mark} {}", clip(&line, width() - 4))?;
            }
            match side.trace.len().saturating_sub(parts.saturating_add(after as u64)) {
                0 => writeln!(out, "    the end")?,
                more => writeln!(out, "    … and {}", counted(more, "more event"))?,
            }
        }
    }
    writeln!(out)?;
    for (mark, side) in [('A', a), ('B', b)] {
        let events = counted(side.trace.len(), "event");
        let (title, verdict, fingerprint) = (&side.title, &side.verdict, side.trace.fingerprint());
        let line = format!("{mark} ({title}): {verdict}, {events}, fingerprint {fingerprint}");
        writeln!(out, "{}", fold(&line, 2))?;
        side.broken.iter().try_for_each(|broken| writeln!(out, "  {}", clip(broken, width() - 2)))?;
        if !side.replay().is_empty() {
            writeln!(out, "  replay: {}", side.replay())?;
        }
    }
    if let Some(file) = html {
        let note = match (parts, from) {
            (None, _) => "Both runs are the same.".to_string(),
            (Some(parts), None) => format!("The runs are the same up to event #{parts}, where they part."),
            (Some(parts), Some(from)) => format!("Changed from #{from} on; the runs part at event #{parts}."),
        };
        look::save(file, &page(context, a, b, parts, &note)?)?;
    }
    refuse_own_panics(&[&a.panics[..], &b.panics[..]].concat())?;
    Ok(Outcome::Held)
}

fn page(context: &Context, a: &Side, b: &Side, parts: Option<u64>, note: &str) -> Result<String, Stop> {
    let draw = |mark: char, side: &Side| -> Result<Picture, Stop> {
        let title = format!("{mark}: {}", side.title);
        match &side.origin {
            Origin::Played(played) => {
                let (scenario, plan, options, played) = &**played;
                let picture = Picture::of(&title, scenario, plan, options, &context.loader, played.clone(), parts);
                picture.map_err(wrong_scenario(scenario))
            }
            Origin::Trace(document) => Picture::of_trace(&title, document, parts)
                .map_err(|error| Stop::Wrong(format!("{}: {error}", side.title))),
        }
    };
    let (a_picture, b_picture) = (draw('A', a)?, draw('B', b)?);
    let title = format!("{}: {} and {}", a.scenario(), a.title, b.title);
    Ok(picture::page(&title, Some(note), &[&a_picture, &b_picture]))
}

#[cfg(test)]
mod tests {
    use super::Search;

    /// The number that is found where a line acts at `acts`, late enough from `late` on.
    fn found(acts: std::ops::Range<u32>, late: u32) -> Option<u32> {
        let mut search = Search { low: 0, high: None, early: false };
        let (mut best, mut tries) = (None, 0);
        while let Some(ordinal) = search.next() {
            tries += 1;
            assert!(tries < 60, "the search ends");
            let acted = acts.contains(&ordinal).then_some(ordinal >= late);
            search.saw(ordinal, acted);
            best = if acted == Some(true) { Some(ordinal) } else { best };
        }
        best
    }

    #[test]
    fn the_least_number_is_found_that_acts_late_enough() {
        assert_eq!(found(1..100, 1), Some(1));
        assert_eq!(found(1..100, 57), Some(57));
        assert_eq!(found(1..100, 99), Some(99));
        // None acts while the scenario is set up.
        assert_eq!(found(20..100, 1), Some(20));
        assert_eq!(found(20..100, 57), Some(57));
        assert_eq!(found(1..100, 100), None);
        assert_eq!(found(5..5, 1), None);
    }
}
