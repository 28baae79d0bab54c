//! Ways to look at one run: its events as text, as a document, as a page; the state at an event.

use super::{Context, Stop, wrong_scenario};
use crate::explore::failure::Signature;
use crate::explore::report::{fold, width};
use crate::invariant::Claim;
use crate::picture::{self, Picture};
use crate::plan::chooser::Chooser;
use crate::scenario::Scenario;
use crate::trace;
use crate::trace::causal::Links;
use crate::trace::event::Event;
use crate::trace::export::document::Played;
use crate::trace::export::{Document, mermaid, perfetto};
use crate::world::view::{FIELDS, State};
use crate::world::{Options, Run, World};
use clap::ValueEnum;
use kernel_core::{Cause, Duration, Names};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// Which part of a run is shown, and how.
#[derive(clap::Args)]
#[command(next_help_heading = "Ways to look at the run")]
pub(super) struct Look {
    /// Print every event
    #[arg(long)]
    trace: bool,
    /// Print the trace, and only that, in another format
    #[arg(long, value_name = "FORMAT")]
    trace_format: Option<TraceFormat>,
    /// Print only what can have led to the violation: its causal past
    #[arg(long)]
    why: bool,
    /// Print the events from this one on: its index, or the first whose line contains this text
    #[arg(long, value_name = "EVENT")]
    from: Option<String>,
    /// Print the events up to this one: its index, or the first whose line contains this text
    #[arg(long, value_name = "EVENT")]
    until: Option<String>,
    /// Print the state of the whole world at this event: processes, mailboxes, capabilities, disks, what is due
    #[arg(long, value_name = "EVENT", conflicts_with_all = ["trace", "trace_format", "why", "from", "until"])]
    pub(super) at: Option<String>,
    /// Write a picture of the run: one HTML file for a browser
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
}

/// The formats of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TraceFormat {
    /// A line an event, for people
    Text,
    /// Everything, typed and versioned: `list --trace-schema` prints its schema
    Json,
    /// For ui.perfetto.dev and chrome://tracing
    Perfetto,
    /// A sequence diagram of what is small enough to read
    Mermaid,
}

impl Look {
    /// Whether only the trace is printed.
    pub(super) fn is_document(&self) -> bool {
        self.trace_format.is_some()
    }

    /// The trace in the format that was asked for.
    pub(super) fn document(&self, run: &Run, played: Played) -> Result<String, Stop> {
        match self.trace_format.unwrap_or(TraceFormat::Text) {
            TraceFormat::Json if self.why || self.from.is_some() || self.until.is_some() => Err(Stop::Wrong(
                "--trace-format json always has every event: leave out --why, --from and --until".to_string(),
            )),
            TraceFormat::Json => Ok(Document::of(run, played).to_json()),
            TraceFormat::Text => {
                let lines = self.selected(run)?;
                let line = |(index, event): &&(Cause, Event)| trace::line(*index, event, &run.names) + "\n";
                Ok(lines.iter().map(line).collect())
            }
            TraceFormat::Perfetto => Ok(perfetto::perfetto(self.selected(run)?.into_iter(), &run.names)),
            TraceFormat::Mermaid => {
                let events: Vec<(Cause, Event)> = self.selected(run)?.into_iter().cloned().collect();
                let links = Links::of(run.trace.events());
                let first = run.violations().first();
                let why = first.map(|violation| links.why(violation, &run.names));
                let marked = first.map(|violation| links.offending(violation, &run.names)).unwrap_or_default();
                Ok(mermaid::mermaid(&events, why.as_deref(), &marked, &run.names))
            }
        }
    }

    /// The events that were asked for, as lines, if any were or `all` are to be.
    pub(super) fn events(&self, run: &Run, all: bool) -> Result<Option<Vec<String>>, Stop> {
        if !all && !self.trace && !self.why && self.from.is_none() && self.until.is_none() {
            return Ok(None);
        }
        let selected = self.selected(run)?;
        Ok(Some(selected.iter().map(|(index, event)| trace::line(*index, event, &run.names)).collect()))
    }

    /// The events between `--from` and `--until`, and with `--why` only those that matter.
    fn selected<'r>(&self, run: &'r Run) -> Result<Vec<&'r (Cause, Event)>, Stop> {
        let find = |flag: &str, wanted: &Option<String>| {
            wanted.as_ref().map(|wanted| find_event(flag, wanted, run)).transpose()
        };
        let from = find("--from", &self.from)?.unwrap_or(0);
        let until = find("--until", &self.until)?.unwrap_or(u64::MAX);
        if from > until {
            return Err(Stop::Wrong(format!("--from: event #{from} comes after --until, event #{until}")));
        }
        let why = match run.violations().first() {
            Some(violation) if self.why => Some(Links::of(run.trace.events()).why(violation, &run.names)),
            None if self.why => return Err(Stop::Wrong("--why: no rule broke in this run".to_string())),
            Some(_) | None => None,
        };
        let wanted = |(index, _): &&(Cause, Event)| {
            let matters = why.as_ref().is_none_or(|why| why.binary_search(&index.0).is_ok());
            (from..=until).contains(&index.0) && matters
        };
        Ok(run.trace.events().filter(wanted).collect())
    }
}

/// The event of this index, or the first whose line contains this text.
pub(super) fn find_event(flag: &str, wanted: &str, run: &Run) -> Result<u64, Stop> {
    let events = run.trace.len();
    let found = match wanted.strip_prefix('#').unwrap_or(wanted).parse::<u64>() {
        Ok(index) => Some(index).filter(|index| *index < events),
        Err(_) => {
            let mut all = run.trace.events();
            all.find(|(index, event)| trace::line(*index, event, &run.names).contains(wanted)).map(|found| found.0.0)
        }
    };
    found.ok_or_else(|| Stop::Wrong(format!("{flag}: no event is or contains `{wanted}`; the run has {events}")))
}

/// A run of which a page is to be written.
pub(super) struct Page<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) run: &'a Run,
    pub(super) options: &'a Options,
    pub(super) context: &'a Context,
    pub(super) played: Played,
}

impl Page<'_> {
    /// Plays the run again, watches it, and writes its page.
    pub(super) fn write(&self, file: &Path) -> Result<(), Stop> {
        let Page { scenario, run, options, context, played } = self;
        let plan = run.plan.clone().unwrap_or_default();
        let picture = Picture::of("run", scenario, &plan, options, &context.loader, played.clone(), None);
        let picture = picture.map_err(wrong_scenario(scenario))?;
        if picture.fingerprint != run.fingerprint {
            let (first, second) = (run.fingerprint, picture.fingerprint);
            return Err(Stop::Bug(format!("the run of the picture is another: {second}, not {first}")));
        }
        save(file, &picture::page(&title(scenario, run), None, &[&picture]))
    }
}

/// The name of a file about a failure, without its ending: `down-restart-k2-d6`. A failure that is not simply the rule but a
/// part of it or a panic at some place has a number besides, so that no two failures share a file.
pub(super) fn file_name(words: &[&str], signature: &Signature) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = words.join(" ").chars().map(plain).collect();
    let Signature { claim, place } = signature;
    if *claim == Claim::of(claim.rule) && place.is_none() {
        return name;
    }
    let what = format!("{} {}", claim.says, place.as_deref().unwrap_or_default());
    format!("{name}-{:08x}", xxh3_64(what.as_bytes()) as u32)
}

/// Writes the page of a failure into a folder, under a name made of these words; gives back where.
pub(super) fn write_failure(
    folder: &Path,
    words: &[&str],
    signature: &Signature,
    page: &Page<'_>,
) -> Result<PathBuf, Stop> {
    let file = folder.join(file_name(words, signature) + ".html");
    page.write(&file)?;
    Ok(file)
}

/// What a page is called.
pub(super) fn title(scenario: &Scenario, run: &Run) -> String {
    match run.violations().first() {
        Some(violation) => format!("{} BROKEN in {}", violation.claim.rule.id(), scenario.name),
        None => format!("{}, a run", scenario.name),
    }
}

/// Writes a file that a flag named.
pub(super) fn save(file: &Path, text: &str) -> Result<(), Stop> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), std::fs::create_dir_all);
    let written = made.and_then(|()| std::fs::write(file, text));
    written.map_err(|error| Stop::Wrong(format!("{}: {error}", file.display())))
}

/// Plays the run up to an event, and tells all that there is then.
pub(super) fn state_at(
    at: &str,
    scenario: &Scenario,
    run: &Run,
    options: &Options,
    context: &Context,
) -> Result<String, Stop> {
    let event = find_event("--at", at, run)?;
    let plan = run.plan.clone().unwrap_or_default();
    let world = World::new(scenario, options.clone(), Chooser::planned(&plan), &context.loader);
    let mut world = world.map_err(wrong_scenario(scenario))?;
    if !world.advance_past(event) {
        return Err(Stop::Wrong(format!("--at: event #{event} comes when the run is over; nothing changes any more")));
    }
    let line = run
        .trace
        .events()
        .find(|(index, _)| index.0 == event)
        .map(|(index, event)| trace::line(*index, event, &run.names));
    let mut text = line.unwrap_or_default() + "\n";
    let last = world.events() - 1;
    if last != event {
        let _ = writeln!(text, "  the state after the whole step, which ends with #{last}");
    }
    state_text(&world.state(), world.names(), &mut text);
    Ok(text)
}

/// A line as it is, if there is room for it; else folded.
fn fitted(line: &str, indent: usize) -> String {
    if indent + line.chars().count() > width() { fold(line, indent) } else { line.to_string() }
}

fn state_text(state: &State, names: &Names, text: &mut String) {
    let _ = writeln!(text, "\nat {}s", trace::time_text(state.at));
    for node in &state.nodes {
        let up = if node.up { "up" } else { "down" };
        let clock = match node.clock_off {
            0 => String::new(),
            off => format!(", clock {}{}", if off < 0 { "-" } else { "+" }, Duration(off.unsigned_abs())),
        };
        let _ = writeln!(text, "\n{}: {up}, boot {}{clock}", names.node_text(node.id), node.boots);
        for (place, job) in node.disk_jobs.iter().enumerate() {
            let name = if place == 0 { "disk" } else { "then" };
            let _ = writeln!(text, "  {name}: {job}");
        }
        for process in &node.processes {
            let _ = writeln!(text, "  {}", names.process_text(process.id));
            for (name, value) in FIELDS.iter().zip(process.fields(names)).filter(|(_, value)| !value.is_empty()) {
                let value: Vec<String> = value.lines().map(|line| fitted(line, 22)).collect();
                let _ = writeln!(text, "    {name:14}  {}", value.join(&format!("\n{:20}", "")));
            }
        }
    }
    let _ = writeln!(text, "\ndue");
    for (at, what) in &state.due {
        let _ = writeln!(text, "  {:>12}s  {}", trace::time_text(*at), fitted(what, 17));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_core::Rule;

    #[test]
    fn no_two_failures_of_one_rule_share_a_file() {
        let signature = |claim, place: Option<&str>| Signature { claim, place: place.map(str::to_string) };
        let name = |signature: &Signature| file_name(&["down-restart", "E5", "D6"], signature);
        let rule = signature(Claim::of(Rule::E5), None);
        assert_eq!(name(&rule), "down-restart-e5-d6");
        let others = [
            signature(Claim::of(Rule::E5), Some("src/lib.rs:7:13")),
            signature(Claim::of(Rule::E5), Some("src/lib.rs:9:1")),
            signature(Claim { rule: Rule::E5, says: "a part of it" }, None),
        ];
        let names: std::collections::BTreeSet<String> = others.iter().chain([&rule]).map(name).collect();
        assert_eq!(names.len(), 4, "{names:?}");
    }
}
