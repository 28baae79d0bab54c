//! No command: a short tour that runs something real.

use super::args::{Rules, quoted};
use super::failure::{Stage, own_panics, refuse_own_panics};
use super::text::{counted, grouped};
use super::{Context, Outcome, Stop};
use crate::explore::report::{clip, fold, width as columns};
use crate::plan::Family;
use crate::plan::Plan;
use crate::plan::chooser::{Profile, Seed};
use crate::scenario::Scenario;
use crate::trace;
use crate::trace::coverage::COLUMNS;
use crate::trace::event::{Event, What};
use crate::world::{Options, Run, Verdict};
use kernel_core::{How, Message, ProcessRef, Semantics};
use std::io::{self, Write};

/// How much of the scenario is shown.
const SCENARIO_LINES_MAX: usize = 24;
/// Under how many seeds it is played.
const SEEDS: u64 = 8;

/// Tells the first scenario calmly, plays it under a handful of seeds, and says what to type next.
pub(super) fn run(context: &Context, out: &mut impl Write) -> Result<Outcome, Stop> {
    let scenario = context.scenarios.first().expect("there are scenarios");
    let (scenarios, rules) = (context.scenarios.len() as u64, crate::invariant::all(&Semantics::book()).len() as u64);
    let (scenarios, rules, faults) = (counted(scenarios, "scenario"), counted(rules, "invariant"), Family::ALL.len());
    let first = "Processes live, die and come back in a simulated world; every run is held to the book's rules.";
    let second = format!("Here are {scenarios}, {rules} and {faults} families of faults. This is one scenario.");
    writeln!(out, "{}\n{}\n", fold(first, 0), fold(&second, 0))?;
    let rules = Rules::default();
    let stage = Stage { context, rules: &rules, profile: Profile::Swarm };
    let options = Options { keep_trace: true, ..rules.options(scenario) };
    let calm = stage.play(scenario, &Plan::default(), &options)?;
    tell(scenario, &calm, out)?;

    let same = format!("The same under {SEEDS} seeds: each is short for a plan of what goes wrong.");
    writeln!(out, "\n{}\n", fold(&same, 0))?;
    writeln!(out, "  {:>4}  {:>6}  {:>6}  {:>6}  {:16}", "seed", "faults", "exits", "events", "fingerprint")?;
    let (mut broken, mut example) = (!calm.violations().is_empty(), None);
    let mut panics = own_panics(scenario, &calm, &stage.plan_line(scenario, &Plan::default()));
    for seed in (0..SEEDS).map(Seed) {
        let run = stage.record(scenario, seed, &options)?;
        row(seed, &run, out)?;
        broken |= !run.violations().is_empty();
        if panics.is_empty() {
            panics = own_panics(scenario, &run, &stage.seed_line(scenario, seed));
        }
        let plan = run.plan.unwrap_or_default();
        if example.is_none() && (1..=4).contains(&plan.lines.len()) {
            example = Some((seed, plan));
        }
    }
    next(context, scenario, example, out)?;
    refuse_own_panics(&panics)?;
    Ok(if broken { Outcome::Violated } else { Outcome::Held })
}

/// The scenario, what it is about, and what happens in its calm run.
fn tell(scenario: &Scenario, run: &Run, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}\n", fold(&format!("{}: {}", scenario.name, scenario.about), 2))?;
    let scenario: Vec<_> = run.trace.events().filter(|(_, event)| is_told(event)).collect();
    for (index, event) in scenario.iter().take(SCENARIO_LINES_MAX) {
        writeln!(out, "{}", clip(&trace::line(*index, event, &run.names), columns()))?;
    }
    let (told, all) = (scenario.len().min(SCENARIO_LINES_MAX) as u64, run.trace.len());
    let more = format!("and {} between and after these; the calm run {}", counted(all - told, "event"), verdict(run));
    writeln!(out, "  {}", fold(&more, 2))
}

/// Whether an event belongs to the scenario, and not to its machinery.
fn is_told(event: &Event) -> bool {
    let quiet = |process: ProcessRef| process.is_module() && process != ProcessRef::TERMINAL;
    let between_people = |message: &Message| !quiet(message.source.process) && !quiet(message.target.process);
    match &event.what {
        What::Booted(_)
        | What::Down(_)
        | What::Failed(_)
        | What::Started(_)
        | What::Exited(..)
        | What::Killed(_)
        | What::Lost(_)
        | What::Printed(..)
        | What::Spawned(..)
        | What::Visited(_)
        | What::Shown(_)
        | What::StateDurable(..) => true,
        What::Sent(message) => between_people(message),
        What::Called(..)
        | What::SetsOnExit(..)
        | What::SavesState(..)
        | What::SavesCapabilities(..)
        | What::DropsCapabilities(..)
        | What::Spawns(..)
        | What::Returned(..)
        | What::Learned(..)
        | What::InvalidCode(_)
        | What::ReadState(..)
        | What::Spun(..)
        | What::Command(..)
        | What::CommandAnswered(..)
        | What::Received(..)
        | What::ReceivedError(..)
        | What::ModuleReceived(..)
        | What::ModuleReceivedError(..)
        | What::Dropped(..)
        | What::NetworkLost(_)
        | What::NetworkOffline(_)
        | What::Arrived(_)
        | What::Unmodelled(..)
        | What::News(_)
        | What::Durable(_)
        | What::WriteRefused
        | What::IoRefused(..)
        | What::StoreChecked(..)
        | What::Rotted(..)
        | What::BackedUp(_)
        | What::Restored(_)
        | What::Script(_)
        | What::ClockJumped(_)
        | What::Lifted => false,
    }
}

fn verdict(run: &Run) -> &'static str {
    match run.verdict {
        Verdict::Held => "held",
        Verdict::Violated(_) => "is BROKEN",
        Verdict::Limit(_) => "came to a limit",
    }
}

fn row(seed: Seed, run: &Run, out: &mut impl Write) -> io::Result<()> {
    let cells = How::ALL.into_iter().flat_map(|how| COLUMNS.map(|on_exit| run.coverage.cell(how, on_exit).exits()));
    let (faults, exits) = (run.plan.as_ref().map_or(0, |plan| plan.lines.len()), cells.sum::<u64>());
    let (fingerprint, events, verdict) = (run.fingerprint, grouped(run.trace.len()), verdict(run));
    writeln!(out, "  {:>4}  {faults:>6}  {exits:>6}  {events:>6}  {fingerprint}  {verdict}", seed.0)
}

fn next(context: &Context, scenario: &Scenario, example: Option<(Seed, Plan)>, out: &mut impl Write) -> io::Result<()> {
    let (program, name) = (&context.program, quoted(&scenario.name));
    let shown = example.as_ref().map_or(Seed(0), |(seed, _)| *seed).0;
    if let Some((seed, plan)) = example {
        writeln!(out, "\nSeed {} is short for:\n", seed.0)?;
        plan.lines.iter().try_for_each(|line| writeln!(out, "  {line}"))?;
    }
    writeln!(out, "\nWhat to type next:\n")?;
    let lines = [
        ("explore --seeds 1000".to_string(), "a thousand lives of every scenario"),
        ("explore --deviation D4".to_string(), "a bug of the real runtimes, found and made small"),
        (format!("replay {name} --seed {shown} --trace"), "one run, event by event"),
        ("list".to_string(), "scenarios, invariants, faults, deviations"),
    ];
    let width = lines.iter().map(|(arguments, _)| arguments.chars().count()).max().unwrap_or(0);
    for (arguments, says) in lines {
        let column = program.chars().count() + width + 5;
        if column + says.chars().count() > columns() {
            writeln!(out, "  {program} {arguments}\n      {}", fold(says, 6))?;
        } else {
            writeln!(out, "  {program} {arguments:<width$}  {says}")?;
        }
    }
    Ok(())
}
