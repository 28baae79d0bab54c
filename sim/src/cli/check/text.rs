//! A check, for people.

use super::super::Detail;
use super::super::text::{counted, grouped};
use super::summary::{Case, Summary};
use crate::check::Activity;
use crate::explore::report::{clip, fold, width};
use std::fmt;

/// How many notes are shown, and how many lines below the verdict.
const NOTES_SHOWN: usize = 20;

pub(super) struct Text<'a>(pub &'a Summary<'a>, pub Detail);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { cases, .. } = self.0;
        if self.1 > Detail::Quiet {
            self.what_was_done(f)?;
        }
        if let Some((first, others)) = cases.split_first() {
            write!(f, "\n{}", first.report(self.0).unwrap_or_default())?;
            others.iter().filter(|other| !tells(first, other)).try_for_each(|other| briefly(f, other))?;
        }
        writeln!(f, "\n{}", fold(&self.0.verdict(), 0))?;
        let headlines = self.0.headlines();
        let shown = if self.1 == Detail::Verbose { headlines.len() } else { NOTES_SHOWN };
        headlines.iter().take(shown).try_for_each(|line| writeln!(f, "  - {}", fold(line, 4)))?;
        more(f, headlines.len(), shown)
    }
}

impl Text<'_> {
    /// What its processes did, what was visited, and what is worth knowing.
    fn what_was_done(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { name, activity, plan, .. } = self.0;
        let nodes = if activity.keys().any(|who| who.contains('@')) { "nodes" } else { "a node" };
        let when = if plan.is_some() { "Under this plan" } else { "When nothing goes wrong" };
        writeln!(f, "{}\n", fold(&format!("{name}, installed on {nodes} of its own. {when}:"), 0))?;
        activity.iter().try_for_each(|(process, did)| process_did(f, process, did))?;
        writeln!(f, "\n{}", fold(&self.0.visited(), 0))?;
        let notes: Vec<_> = self.0.notes().collect();
        if !notes.is_empty() {
            writeln!(f, "\nworth knowing")?;
        }
        let shown = if self.1 == Detail::Verbose { notes.len() } else { NOTES_SHOWN };
        for (note, runs) in notes.iter().take(shown) {
            let of = if *runs > 1 { format!(" (in {})", counted(*runs, "run")) } else { String::new() };
            writeln!(f, "  - {}", fold(&format!("{note}{of}"), 4))?;
        }
        more(f, notes.len(), shown)
    }
}

/// Says that not all lines are shown.
fn more(f: &mut fmt::Formatter<'_>, all: usize, shown: usize) -> fmt::Result {
    match all.saturating_sub(shown) {
        0 => Ok(()),
        more => writeln!(f, "  … and {more} more; --verbose prints all"),
    }
}

fn process_did(f: &mut fmt::Formatter<'_>, process: &str, did: &Activity) -> fmt::Result {
    let on_exit = did.on_exit.map_or("no on-exit".to_string(), |on_exit| format!("on-exit {on_exit:?}"));
    let waits = match (did.receives, did.lives) {
        (true, _) => "waits for messages at the end",
        (false, _) if did.gone => "gone at the end",
        (false, 0) => "never lived",
        (false, _) => "does not wait for messages at the end",
    };
    let lives = plural(u64::from(did.lives), "life", "lives");
    writeln!(f, "  {}", fold(&format!("{process}: {on_exit}, {lives}, {waits}"), 4))?;
    let calls: Vec<String> = did.calls.iter().map(|(name, n)| format!("{} {name}", grouped(*n))).collect();
    writeln!(f, "      calls    {}", if calls.is_empty() { "none".to_string() } else { fold(&calls.join(", "), 15) })?;
    let state = did.state.map_or("no state".to_string(), |bytes| format!("{} of state", counted(bytes as u64, "byte")));
    let (received, sent) = (counted(did.received, "message"), counted(did.requests, "request"));
    writeln!(f, "      messages {}", fold(&format!("{received} received, {sent} sent; {state}"), 15))?;
    let (memory, fuel) = (did.usage.memory >> 10, grouped(did.usage.fuel));
    writeln!(f, "      used     {} KiB of memory, {fuel} fuel", grouped(memory))?;
    did.prints
        .iter()
        .try_for_each(|line| writeln!(f, "      prints   {}", clip(&format!("{line:?}"), width() - 15)))?;
    did.panicked.iter().try_for_each(|words| writeln!(f, "      PANICS   {}", fold(words, 15)))
}

/// Whether the report of one failure tells another, too.
fn tells(first: &Case, other: &Case) -> bool {
    super::broken(&first.run).iter().any(|violation| other.failure.is(violation))
}

fn briefly(f: &mut fmt::Formatter<'_>, case: &Case) -> fmt::Result {
    writeln!(f, "\n{}: BROKEN, too, in {}", case.failure.claim.rule.id(), counted(case.failure.runs, "run"))?;
    writeln!(f, "  says: {}", fold(case.failure.claim.says, 8))?;
    writeln!(f, "  but:  {}", fold(case.facts(), 8))?;
    writeln!(f, "  replay: {}", case.line)?;
    case.picture.iter().try_for_each(|file| writeln!(f, "  picture: {}", file.display()))
}

fn plural(n: u64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {many}", grouped(n)) }
}
