//! A check in Markdown: for a pull request.

use super::super::report::{fenced, markdown};
use super::super::text::{counted, grouped};
use super::summary::Summary;
use crate::trace::coverage::COLUMNS;
use kernel_core::How;
use std::fmt;

pub(super) struct Markdown<'a>(pub &'a Summary<'a>);

impl fmt::Display for Markdown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { name, activity, findings, cases, .. } = self.0;
        writeln!(f, "# `{name}`: {}\n", self.0.outcome().name())?;
        writeln!(f, "{}.\n", markdown(&capital(&self.0.verdict())))?;
        for line in self.0.headlines() {
            writeln!(f, "- {}", markdown(&line))?;
        }
        writeln!(f, "## What its processes did when nothing went wrong\n")?;
        writeln!(f, "| process | on-exit | lives | calls | received | requests sent | state | memory | fuel |")?;
        writeln!(f, "|---|---|---:|---:|---:|---:|---:|---:|---:|")?;
        for (process, did) in activity {
            let on_exit = did.on_exit.map_or("none yet".to_string(), |on_exit| format!("{on_exit:?}"));
            let calls = grouped(did.calls.values().sum());
            let state = did.state.map_or("none".to_string(), |bytes| format!("{} B", grouped(bytes as u64)));
            let (memory, fuel) = (grouped(did.usage.memory >> 10), grouped(did.usage.fuel));
            let (lives, received, requests) = (did.lives, grouped(did.received), grouped(did.requests));
            writeln!(
                f,
                "| `{process}` | {on_exit} | {lives} | {calls} | {received} | {requests} | {state} | {memory} KiB | {fuel} |"
            )?;
        }
        if !cases.is_empty() {
            writeln!(f, "\n## What broke")?;
        }
        for case in cases {
            writeln!(f, "\n### `{}`: {}\n", case.failure.claim.rule.id(), case.failure.claim.says)?;
            writeln!(f, "In {}. Made small:\n", counted(case.failure.runs, "run"))?;
            write!(f, "{}", fenced(&case.report(self.0).unwrap_or_default()))?;
        }
        let notes: Vec<_> = self.0.notes().collect();
        if !notes.is_empty() {
            writeln!(f, "\n## Worth knowing\n")?;
        }
        for (note, runs) in notes {
            writeln!(f, "- {} ({})", markdown(&note.to_string()), counted(runs, "run"))?;
        }
        writeln!(f, "\n## What was visited\n")?;
        writeln!(f, "{}. Exits, by how and by on-exit value:\n", capital(&self.0.visited()))?;
        writeln!(f, "| exit | {} |", COLUMNS.map(|column| format!("{column:?}")).join(" | "))?;
        writeln!(f, "|---|---:|---:|---:|")?;
        for how in How::ALL {
            let cells = COLUMNS.map(|column| grouped(findings.coverage.cell(how, column).exits()));
            writeln!(f, "| {} | {} |", how.name(), cells.join(" | "))?;
        }
        Ok(())
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
