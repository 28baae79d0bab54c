//! A check told for people.

use super::super::text::{counted, grouped};
use super::{Story, Told};
use crate::check::Deeds;
use crate::explore::report::{clip, fold};
use std::fmt;

/// How many notes are told.
const NOTES_SHOWN: usize = 20;

pub(super) struct Text<'a>(pub &'a Told<'a>);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told { name, deeds, findings, stories, .. } = self.0;
        let nodes = if deeds.keys().any(|who| who.contains('@')) { "nodes" } else { "a node" };
        writeln!(f, "{name}, installed on {nodes} of its own. When nothing goes wrong:\n")?;
        deeds.iter().try_for_each(|(process, did)| process_did(f, process, did))?;
        writeln!(f, "\n{}", fold(&visited(self.0), 0))?;
        if !findings.notes.is_empty() {
            writeln!(f, "\nworth knowing")?;
        }
        for (note, runs) in findings.notes.iter().take(NOTES_SHOWN) {
            let of = if *runs > 1 { format!(" (in {})", counted(*runs, "run")) } else { String::new() };
            writeln!(f, "  - {}", fold(&format!("{note}{of}"), 4))?;
        }
        match findings.notes.len().saturating_sub(NOTES_SHOWN) {
            0 => {}
            more => writeln!(f, "  … and {more} more")?,
        }
        if let Some((first, others)) = stories.split_first() {
            write!(f, "\n{}", first.report(name).unwrap_or_default())?;
            others.iter().filter(|other| !tells(first, other)).try_for_each(|other| briefly(f, other))?;
        }
        match findings.failures.len() - stories.len() {
            0 => {}
            more => writeln!(f, "\n… and {} broke that are not told here", counted(more as u64, "thing"))?,
        }
        writeln!(f, "\n{}: {}", findings.outcome().name(), self.0.sentence())
    }
}

fn process_did(f: &mut fmt::Formatter<'_>, process: &str, did: &Deeds) -> fmt::Result {
    let on_exit = did.on_exit.map_or("no on-exit".to_string(), |on_exit| format!("on-exit {on_exit:?}"));
    let waits = match (did.receives, did.lives) {
        (true, _) => "waits for messages at the end",
        (false, _) if did.gone => "gone at the end",
        (false, 0) => "never lived",
        (false, _) => "does not wait for messages at the end",
    };
    writeln!(f, "  {process}: {on_exit}, {}, {waits}", plural(u64::from(did.lives), "life", "lives"))?;
    let calls: Vec<String> = did.calls.iter().map(|(name, n)| format!("{} {name}", grouped(*n))).collect();
    writeln!(f, "      calls    {}", if calls.is_empty() { "none".to_string() } else { fold(&calls.join(", "), 15) })?;
    let state = did.state.map_or("no state".to_string(), |bytes| format!("{} of state", counted(bytes as u64, "byte")));
    let (received, sent) = (counted(did.received, "message"), counted(did.requests, "request"));
    writeln!(f, "      messages {received} received, {sent} sent; {state}")?;
    let (memory, fuel) = (did.usage.memory >> 10, grouped(did.usage.fuel));
    writeln!(f, "      used     {} KiB of memory, {fuel} fuel", grouped(memory))?;
    did.prints.iter().try_for_each(|line| writeln!(f, "      prints   {}", clip(&format!("{line:?}"), 100)))?;
    did.panicked.iter().try_for_each(|words| writeln!(f, "      PANICS   {}", fold(words, 15)))
}

/// What was visited, and what was left out.
pub(super) fn visited(told: &Told<'_>) -> String {
    let both = |points, seeds| (counted(points, "crash point"), counted(seeds, "seed"));
    let (points, seeds) = both(told.findings.points, told.findings.seeds);
    match told.left_out.map(|(points, seeds)| (points + seeds, both(points, seeds))) {
        None => "no crash point was visited: when nothing goes wrong, it does not come to a good end".to_string(),
        Some((0, _)) => format!("{points} and {seeds} visited, none left out"),
        Some((_, (points_left, seeds_left))) => format!(
            "{points} and {seeds} visited, spread evenly; {points_left} and {seeds_left} left out (a check does a bounded \
             amount of work; `--points all` visits every point)"
        ),
    }
}

/// Whether the report of one failure tells another, too.
fn tells(first: &Story, other: &Story) -> bool {
    super::broken(&first.run).iter().any(|violation| other.failure.is(violation))
}

fn briefly(f: &mut fmt::Formatter<'_>, story: &Story) -> fmt::Result {
    let facts = story.violation().map_or(story.failure.facts.as_str(), |violation| &violation.facts);
    writeln!(f, "\n{}: BROKEN, too, in {}", story.failure.claim.rule.id(), counted(story.failure.runs, "run"))?;
    writeln!(f, "  says: {}", fold(story.failure.claim.says, 8))?;
    writeln!(f, "  but:  {}", fold(facts, 8))?;
    writeln!(f, "  replay: {}", story.line)
}

fn plural(n: u64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {many}", grouped(n)) }
}
