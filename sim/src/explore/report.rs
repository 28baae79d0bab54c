//! Reports: a broken rule, with what happened and how to replay it.
//!
//! The claim, the facts, the plan, the events around it, and the lines to paste. A report prints; it runs nothing.

use crate::invariant::Violation;
use crate::plan::Plan;
use crate::scenario;
use crate::trace;
use crate::trace::event::{Event, PanicCause, What};
use crate::trace::lost::lost;
use crate::trace::lost_text;
use crate::world::{Run, Verdict};
use kernel_core::Cause;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

/// How many lines of a plan are printed; the others are counted.
const PLAN_LINES_MAX: usize = 40;
/// How many events are printed before the one at which the rule was seen broken, and how many after it.
const BEFORE: usize = 21;
const AFTER: usize = 3;
/// How many of the faults before these are shown, the last ones, and how many events around each.
const FAULTS_MAX: usize = 2;
const BEFORE_FAULT: usize = 2;
const AFTER_FAULT: usize = 3;
/// How many of the events that the facts name and that are elsewhere are shown.
const NAMED_MAX: usize = 3;
/// How wide a report is set where nobody says otherwise. Lines to paste may be longer.
const WIDTH: usize = 118;
/// How wide the terminal is.
static TERMINAL: OnceLock<usize> = OnceLock::new();

/// How wide a report is set.
pub(crate) fn width() -> usize {
    TERMINAL.get().copied().unwrap_or(WIDTH)
}

/// Sets reports for a terminal of so many columns, once. Very narrow and very wide ones are no use.
#[cfg(feature = "cli")]
pub(crate) fn set_width(columns: usize) {
    _ = TERMINAL.set(columns.clamp(40, 200));
}

/// A run that broke a rule.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// What was played.
    pub scenario: &'a str,
    /// What the report is about: one of the run's violations.
    pub violation: &'a Violation,
    /// The run under that plan, with as many of its events as were kept.
    pub run: &'a Run,
    /// What was answered otherwise than calmly.
    pub plan: &'a Plan,
    /// How many lines the plan had before it was shrunk, if it was.
    pub shrunk_from: Option<usize>,
    /// The scenario's script: where the plan leaves out some of it, the rest is printed.
    pub script: &'a [scenario::Line],
    /// Where lines of the script stand in the user's own file, by number: `it.toml:12`.
    pub places: &'a [String],
    /// The scenario itself as text, if nobody wrote it.
    pub world: Option<&'a str>,
    /// Lines to paste, each of which makes this happen again.
    pub replay: &'a [String],
    /// A Rust test to paste that does.
    pub test: Option<&'a str>,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { claim, facts, .. } = self.violation;
        writeln!(f, "{}: BROKEN in {}", claim.rule, self.scenario)?;
        writeln!(f, "  says: {}", fold(claim.says, 8))?;
        writeln!(f, "  but:  {}", fold(facts, 8))?;
        self.others(f)?;
        self.plan(f)?;
        self.script(f)?;
        if let Some(world) = self.world {
            writeln!(f, "  world: {} lines", world.lines().count())?;
            world.lines().try_for_each(|line| writeln!(f, "      {line}"))?;
        }
        self.events(f)?;
        for (index, line) in self.replay.iter().enumerate() {
            writeln!(f, "  {} {line}", if index == 0 { "replay:" } else { "    or:" })?;
        }
        let Some(test) = self.test else { return Ok(()) };
        writeln!(f, "  as a test:")?;
        test.lines().try_for_each(|line| writeln!(f, "      {line}"))
    }
}

impl Report<'_> {
    /// What else the run broke.
    fn others(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict::Violated(all) = &self.run.verdict else { return Ok(()) };
        for other in all.iter().filter(|other| *other != self.violation) {
            writeln!(f, "  {}: BROKEN in the same run", other.claim.rule)?;
            writeln!(f, "    says: {}", fold(other.claim.says, 10))?;
            writeln!(f, "    but:  {}", fold(&other.facts, 10))?;
        }
        Ok(())
    }

    fn plan(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = &self.plan.lines;
        let from = match self.shrunk_from {
            Some(from) if from != lines.len() => format!(" (shrunk from {from})"),
            Some(_) | None => String::new(),
        };
        match lines.len() {
            0 => writeln!(f, "  plan: calm{from}, nothing has to go wrong for this")?,
            1 => writeln!(f, "  plan: 1 line{from}")?,
            n => writeln!(f, "  plan: {n} lines{from}")?,
        }
        lines.iter().take(PLAN_LINES_MAX).try_for_each(|line| writeln!(f, "      {line}"))?;
        match lines.len().saturating_sub(PLAN_LINES_MAX) {
            0 => Ok(()),
            more => writeln!(f, "      … and {more} more"),
        }
    }

    /// What is left of the script, if not all of it is.
    fn script(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(lines) = self.plan.script() else { return Ok(()) };
        let played = self.script.iter().enumerate().filter(|(index, _)| lines.has(*index));
        writeln!(f, "  script: {} of {} lines are played", played.clone().count(), self.script.len())?;
        played.take(PLAN_LINES_MAX).try_for_each(|(index, line)| {
            let line = format!("{}. {line}", index + 1);
            writeln!(f, "      {}", clip(&line, width() - 6))
        })
    }

    /// The events around the one at which it was seen; the last ones, if it was seen at the end. What went wrong before
    /// them is shown with the events around it, and so is what the facts are about. A message that was lost with a mailbox
    /// stands below the event with which it was.
    fn events(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept: Vec<&(Cause, Event)> = self.run.trace.events().collect();
        let seen = self.violation.at.and_then(|at| kept.iter().position(|(index, _)| *index == at));
        match (self.violation.at, seen) {
            (Some(at), Some(_)) => writeln!(f, "  events around #{}, where it was seen", at.0)?,
            (Some(at), None) => writeln!(f, "  the last events; it was seen at #{}, which was not kept", at.0)?,
            (None, _) => writeln!(f, "  the last events; it was seen at the end, when everything had settled")?,
        }
        let lost = lost(&kept);
        let mut next = None;
        for place in shown(self.violation, &kept) {
            let (index, event) = kept[place];
            match next.map_or(0, |next| place - next) {
                0 => {}
                1 => writeln!(f, "    … 1 event …")?,
                more => writeln!(f, "    … {more} events …")?,
            }
            next = Some(place + 1);
            let mut line = trace::line(*index, event, &self.run.names);
            if let What::Script(number) = event.what
                && let Some(place) = self.places.get(number as usize)
            {
                line = format!("{line} ({place})");
            }
            let room = width() - 4;
            match line.split_once('#') {
                // The event that broke the rule is never cut off.
                Some((time, text)) if seen == Some(place) && line.chars().count() > room => {
                    writeln!(f, "  > {time}#{}", fold(text, time.len() + 5))?;
                }
                _ if seen == Some(place) => writeln!(f, "  > {line}")?,
                _ => writeln!(f, "    {}", clip(&line, room))?,
            }
            for line in lost_text(lost.get(index).map_or(&[][..], Vec::as_slice), &self.run.names) {
                writeln!(f, "    {}", clip(&format!("{:21}{line}", ""), room))?;
            }
        }
        Ok(())
    }
}

/// The places of the events that a report of a violation shows, among all that were kept.
pub(crate) fn shown(violation: &Violation, kept: &[&(Cause, Event)]) -> Vec<usize> {
    let seen = violation.at.and_then(|at| kept.iter().position(|(index, _)| *index == at));
    let (window, faults) = window(seen, kept, &named(violation, kept));
    let is_near =
        |fault: &usize, place: usize| (fault.saturating_sub(BEFORE_FAULT)..fault + 1 + AFTER_FAULT).contains(&place);
    let is_shown = |place: &usize| window.contains(place) || faults.iter().any(|fault| is_near(fault, *place));
    (0..kept.len()).filter(is_shown).collect()
}

/// The places of the events that a violation is about, besides the one at which it was seen: where it began, and those that
/// its facts name as `#17`.
fn named(violation: &Violation, kept: &[&(Cause, Event)]) -> Vec<usize> {
    let numbers = violation.facts.split('#').skip(1).filter_map(|rest| {
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok().map(Cause)
    });
    let all: BTreeSet<Cause> = violation.began.into_iter().chain(numbers).collect();
    let places = all.iter().filter_map(|at| kept.binary_search_by_key(at, |(index, _)| *index).ok());
    places.take(NAMED_MAX).collect()
}

/// Which events are shown around the one at which it was seen, or the last ones, and besides, with those around them, the
/// ones that are named and the last faults before them.
fn window(seen: Option<usize>, kept: &[&(Cause, Event)], named: &[usize]) -> (Range<usize>, Vec<usize>) {
    let (from, to) = match seen {
        Some(seen) => (seen.saturating_sub(BEFORE), kept.len().min(seen + 1 + AFTER)),
        None => (kept.len().saturating_sub(BEFORE + 1 + AFTER), kept.len()),
    };
    let earlier = kept[..from].iter().enumerate().rev().filter(|(_, (_, event))| is_fault(&event.what));
    let mut others: BTreeSet<usize> = earlier.take(FAULTS_MAX).map(|(place, _)| place).collect();
    others.extend(named.iter().filter(|place| **place < from));
    // Room for them is taken from the beginning of the window, as far as there is any.
    let room = others.len() * (BEFORE_FAULT + 1 + AFTER_FAULT);
    let from = (from + room).min(seen.unwrap_or(to).saturating_sub(BEFORE_FAULT).max(from));
    others.extend(named.iter().filter(|place| **place < from));
    (from..to, others.into_iter().collect())
}

/// Whether it is something that goes wrong from outside.
fn is_fault(what: &What) -> bool {
    match what {
        What::Down(_) | What::Killed(_) | What::WriteRefused | What::IoRefused(..) | What::Rotted(..) => true,
        What::Exited(_, _, words) => !matches!(words.made_by, PanicCause::Guest | PanicCause::Bound(_)),
        _ => false,
    }
}

/// A text that stands `indent` letters from the left and goes on below itself, folded between words.
pub(crate) fn fold(text: &str, indent: usize) -> String {
    let mut folded = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        match column {
            0 => {}
            _ if indent + column + 1 + length > width() => {
                folded.push_str(&format!("\n{:indent$}", ""));
                column = 0;
            }
            _ => {
                folded.push(' ');
                column += 1;
            }
        }
        folded.push_str(word);
        column += length;
    }
    folded
}

/// At most so many letters of a line.
pub(crate) fn clip(line: &str, width: usize) -> String {
    if line.chars().count() > width {
        format!("{}…", line.chars().take(width - 1).collect::<String>())
    } else {
        line.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::Claim;
    use kernel_core::{Instant, NodeId};

    #[test]
    fn a_long_text_goes_on_below_itself() {
        let text = fold(&"word ".repeat(40), 10);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0].len()), (2, 104));
        assert!(lines[1].starts_with("          word word"), "{text}");
        assert_eq!(fold("  two\n words ", 4), "two words");
    }

    #[test]
    fn what_the_facts_are_about_is_shown_however_long_ago_it_was() {
        let event = |index, what| (Cause(index), Event { at: Instant(index), node: NodeId(0), cause: Cause(0), what });
        let mut all: Vec<(Cause, Event)> = (0..500).map(|index| event(index, What::Lifted)).collect();
        all[200].1.what = What::WriteRefused;
        let kept: Vec<&(Cause, Event)> = all.iter().collect();
        let violation = |facts: &str, began| Violation {
            claim: Claim::own("it", "it holds"),
            facts: facts.to_string(),
            at: Some(Cause(400)),
            began,
        };
        let shown = |facts: &str, began: Option<u64>| {
            let named = named(&violation(facts, began.map(Cause)), &kept);
            window(Some(400), &kept, &named)
        };
        assert_eq!(shown("nothing is named", None), (385..404, vec![200]));
        assert_eq!(shown("first #17, then #395", None), (391..404, vec![17, 200]));
        assert_eq!(shown("long ago", Some(3)), (391..404, vec![3, 200]));
        assert_eq!(shown("just now", Some(380)), (385..404, vec![200, 380]), "it is not pushed out");
        assert_eq!(shown("#1 #2 #3 #4 #9999", Some(0)), (398..404, vec![0, 1, 2, 200]), "a few are enough");
    }

    #[test]
    fn a_long_line_is_clipped() {
        assert_eq!((clip("überlang", 5), clip("kurz", 5)), ("über…".to_string(), "kurz".to_string()));
    }
}
