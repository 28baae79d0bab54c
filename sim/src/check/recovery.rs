//! What a run that recovered lacks, or does too often, compared with the calm run. No author has to say it.
//!
//! - **Set up again**: what a process holds outside itself at the end of the calm run (paths and sockets at `http-server`,
//!   subscriptions at `eth`, a timer under way, children) and a living process lacks at the end of another run.
//! - **Done twice**: messages to others, and what is printed in answer to something, more often than in the calm run.
//! - **Never answered**: requests of the owner that were under way when the life that had them ended.
//! - **Lost**: messages of the owner that nobody had received when the life ended whose mailbox they were in.
//! - **Grows**: what changes at every start though nobody asked: state, files, rows.
//! - **Comes again**: what is heard and printed when all that went wrong is over.

use super::judge::{Again, Once, Terms, place};
use super::note::Note;
use super::notes::start;
use super::observed::{Effect, Holding, Observed, Who};
use crate::invariant::{Claim, Violation};
use crate::outside::web::is_like;
use crate::world::Run;
use kernel_core::ProcessRef;
use std::collections::{BTreeMap, BTreeSet};

/// The rule that a process sets up again what it had set up outside itself, where a visitor uses it.
const SET_UP_AGAIN: Claim =
    Claim::own("set-up-again", "what a process has set up outside itself it sets up again after a restart");

/// The rule that what is to be done once is not done again.
const DONE_ONCE: Claim = Claim::own("once", "what is to be done once is done as often as when nothing goes wrong");

/// The rule that what comes over a browser's WebSocket comes again.
const STILL_SHOWS: Claim =
    Claim::own("still-shows", "over a browser's WebSocket comes what should when all that went wrong is over");

/// The rule that what is printed is printed again.
const STILL_PRINTS: Claim =
    Claim::own("still-prints", "the process prints what it should when all that went wrong is over");

/// In so many lives in a row at least something must grow to be told.
const GROWS: usize = 3;

/// What the calm run comes to, to compare others with.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    /// What each process holds outside itself at the end.
    holds: BTreeMap<Who, BTreeSet<Holding>>,
    /// How often each effect was seen.
    effects: BTreeMap<Effect, u64>,
    /// Paths at which a visitor was served, without slashes at their ends.
    visited: BTreeSet<String>,
    /// The processes that are alive at the end.
    alive: BTreeSet<Who>,
    /// How many messages of the owner each process received.
    heard_of_owner: BTreeMap<Who, u64>,
    /// What came about once more when all was over, of what the terms have.
    again: Vec<Again>,
    /// What runs are judged by.
    pub terms: Terms,
}

/// What a run shows, compared with the calm one.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// What is worth knowing.
    pub notes: BTreeSet<Note>,
    /// What counts against the package.
    pub broken: Vec<Violation>,
    /// Effects that were seen more often than in the calm run: who, what, how often in the calm run and in this one.
    pub repeated: Vec<(String, String, u64, u64)>,
    /// Requests of the owner that were never answered, since the life that had them ended: of whom, how many.
    pub unanswered: Vec<(String, u64)>,
    /// Messages of the owner that were lost with a mailbox: of whom, how many.
    pub lost: Vec<(String, u64)>,
}

impl Baseline {
    /// What the calm run comes to.
    pub fn of(calm: &Run, terms: &Terms) -> Baseline {
        let seen = Observed::of(calm);
        let again = terms.again.iter().filter(|again| seen.has_again(again, calm, true)).cloned().collect();
        let alive = seen.alive.keys().copied().collect();
        let Observed { holds, effects, visited, heard_of_owner, .. } = seen;
        let answering = seen.answering;
        let effects = effects.into_iter().filter(|(effect, _)| answering.contains(effect));
        let effects = effects.map(|(effect, (count, _))| (effect, count)).collect();
        Baseline { holds, effects, visited, alive, heard_of_owner, again, terms: terms.clone() }
    }

    /// Compares a run with it.
    pub fn compare(&self, run: &Run) -> Recovered {
        let seen = Observed::of(run);
        let mut recovered = Recovered::default();
        let name = |(_, process): Who| run.names.process_text(process).to_string();
        for (who, held) in &self.holds {
            let Some(life) = seen.alive.get(who).filter(|_| !seen.late.contains(who)) else { continue };
            let has = seen.holds.get(who);
            for holding in held.iter().filter(|holding| has.is_none_or(|has| !has.contains(holding))) {
                // A killed process stays dead (E5): its parent need not bring it back.
                if seen.killed && *holding == Holding::Children {
                    continue;
                }
                let facts = format!(
                    "{} is alive (life {}) and has not set up {holding} again after a restart",
                    name(*who),
                    life.number
                );
                if self.is_used(*who, holding, run) {
                    let began = seen.began.get(&(*who, life.number)).copied();
                    recovered.broken.push(Violation { claim: SET_UP_AGAIN, facts, at: None, began });
                } else {
                    recovered.notes.insert(Note::NotSetUpAgain(name(*who), holding.to_string()));
                }
            }
        }
        for (effect, (count, _)) in &seen.effects {
            // What the calm run never does is another matter: an error path, say.
            let calm = self.effects.get(effect).copied().unwrap_or_default();
            if calm > 0 && *count > calm {
                let what = with_target(&effect.what, run);
                recovered.repeated.push((name(effect.who), what, calm, *count));
            }
        }
        for once in &self.terms.once {
            recovered.broken.extend(self.once(once, &seen, run));
        }
        recovered.broken.extend(self.again.iter().filter_map(|again| self.missed(again, &seen, run)));
        let mut lost: BTreeMap<String, u64> = BTreeMap::new();
        seen.lost.values().for_each(|who| *lost.entry(name(*who)).or_default() += 1);
        recovered.lost = lost.into_iter().collect();
        recovered.unanswered = seen.unanswered.iter().map(|(who, n)| (name(*who), *n)).collect();
        for who in self.alive.iter().filter(|who| !seen.alive.contains_key(who)) {
            let is_script = self.terms.scripts.contains(&name(*who));
            // Who has left by itself is gone by no crash's doing.
            if !is_script && !seen.killed && !seen.left.contains(who) {
                recovered.notes.insert(Note::GoneAfterCrash(name(*who)));
            }
        }
        for (who, (times, before, after)) in &seen.changed_at_start {
            if *times >= 2 {
                recovered.notes.insert(Note::ChangesAtStart(name(*who), slope(before, after)));
            }
        }
        for ((who, how), lives) in &seen.at_start {
            if lives.len() >= GROWS {
                recovered.notes.insert(Note::ChangesAtStart(name(*who), how.to_string()));
            }
        }
        for ((who, path), sizes) in &seen.written {
            if sizes.len() >= GROWS && sizes.windows(2).all(|pair| pair[0] < pair[1]) {
                let (first, second) = (sizes[0], sizes[1]);
                let how = format!("{:+} bytes of {path} at a start, from {first} to {second}", second - first);
                recovered.notes.insert(Note::ChangesAtStart(name(*who), how));
            }
        }
        recovered
    }

    /// What is done more often than it may be, or never.
    fn once(&self, once: &Once, seen: &Observed, run: &Run) -> Option<Violation> {
        let pattern = if once.what.contains('*') { once.what.clone() } else { format!("*{}*", once.what) };
        let pattern = format!("*\"{pattern}\"*");
        let is_meant =
            |effect: &Effect| run.names.process_text(effect.who.1) == once.process && is_like(&effect.what, &pattern);
        let again = seen.effects.iter().filter(|(effect, _)| is_meant(effect)).find_map(|(effect, (count, first))| {
            let calm = self.effects.get(effect).copied().unwrap_or_default().max(1);
            let what = with_target(&effect.what, run);
            let facts = || format!("{} {what} {count} times, and not {calm}", once.process);
            (*count > calm).then(|| (facts(), Some(*first)))
        });
        let never = || {
            let mut missing =
                self.effects.keys().filter(|effect| is_meant(effect) && !seen.effects.contains_key(effect));
            let heard = |of: &BTreeMap<Who, u64>, who| of.get(&who).copied().unwrap_or_default();
            let missing = missing
                .find(|effect| heard(&seen.heard_of_owner, effect.who) >= heard(&self.heard_of_owner, effect.who));
            missing.map(|effect| (format!("{} never {}", once.process, with_target(&effect.what, run)), None))
        };
        let (facts, began) = again.or_else(|| if once.exactly { never() } else { None })?;
        Some(Violation { claim: DONE_ONCE, facts, at: None, began })
    }

    /// What should have come about once more and has not. Who was killed or has left owes nothing, and a path that is bound
    /// no longer is another rule's.
    fn missed(&self, again: &Again, seen: &Observed, run: &Run) -> Option<Violation> {
        if seen.killed || seen.has_again(again, run, false) {
            return None;
        }
        let in_time = || seen.alive.keys().filter(|who| !seen.late.contains(who));
        let is_alive = |process: &str| in_time().any(|(_, alive)| run.names.process_text(*alive) == process);
        let (claim, facts, owes) = match again {
            Again::Hears { socket, path, text } => {
                let plain = path.trim_start_matches('/');
                let process = in_time().find(|(_, alive)| plain.starts_with(run.names.process_text(*alive)));
                let facts = format!(
                    "nothing with {text:?} came over the WebSocket at {path} when all that went wrong was over"
                );
                (STILL_SHOWS, facts, process.is_some() && !seen.refused.contains(socket))
            }
            Again::Prints { process, text, .. } => {
                let facts = format!("{process} did not print {text:?} again when all that went wrong was over");
                (STILL_PRINTS, facts, is_alive(process))
            }
        };
        owes.then_some(Violation { claim, facts, at: None, began: None })
    }

    /// Whether a visitor of the workload uses what is held.
    fn is_used(&self, (_, process): Who, holding: &Holding, run: &Run) -> bool {
        let (Holding::Path(path) | Holding::Socket(path)) = holding else { return false };
        let id = run.names.process_text(process);
        let full = format!("/{id}/{}", path.trim_start_matches('/'));
        self.visited.contains(full.trim_end_matches('/'))
    }
}

/// The two ends of what changes at a start, in words: as a number if both are one.
fn slope(before: &[u8], after: &[u8]) -> String {
    let number = |bytes: &[u8]| match bytes.len() {
        _ if std::str::from_utf8(bytes).is_ok_and(|text| text.trim().parse::<f64>().is_ok()) => {
            std::str::from_utf8(bytes).ok().and_then(|text| text.trim().parse::<f64>().ok())
        }
        8 => bytes.try_into().ok().map(|bytes| u64::from_le_bytes(bytes) as f64),
        4 => bytes.try_into().ok().map(|bytes| u32::from_le_bytes(bytes).into()),
        _ => None,
    };
    match (number(before), number(after)) {
        (Some(before), Some(after)) => format!("{:+} at a start, from {before} to {after}", after - before),
        _ => format!(
            "{:+} bytes at a start, from {} to {}",
            after.len() as i64 - before.len() as i64,
            start(before),
            start(after)
        ),
    }
}

/// An effect with its target's name.
fn with_target(what: &str, run: &Run) -> String {
    let target = what.strip_prefix("sends {").and_then(|rest| rest.split_once("} "));
    match target.and_then(|(target, body)| Some((target.parse().ok()?, body))) {
        Some((target, body)) => format!("sends {} {body}", run.names.process_text(ProcessRef(target))),
        None => what.to_string(),
    }
}

/// What the repeated effects of all runs come to, by process and by what it is but for numbers: an example, how often it
/// was in the calm run, how often at most, and in how many runs.
#[derive(Clone, Debug, Default)]
pub struct Repeats(BTreeMap<(String, String), (String, u64, u64, u64)>);

impl Repeats {
    /// Takes in what one run repeated.
    pub fn add(&mut self, repeated: Vec<(String, String, u64, u64)>) {
        for (who, what, calm, count) in repeated {
            let entry = self.0.entry((who, place(&what))).or_insert((what.clone(), calm, 0, 0));
            if count > entry.2 {
                (entry.0, entry.1, entry.2) = (what, calm, count);
            }
            entry.3 += 1;
        }
    }

    /// A note for each, with in how many runs it was.
    pub fn notes(&self) -> impl Iterator<Item = (Note, u64)> {
        self.0.iter().map(|((who, _), (what, calm, most, runs))| {
            (Note::DoneAgain(who.clone(), what.clone(), *calm, *most), *runs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::slope;

    #[test]
    fn what_grows_is_told_as_a_number_where_it_is_one() {
        assert_eq!(slope(b"100", b"200"), "+100 at a start, from 100 to 200");
        assert_eq!(slope(&7u64.to_le_bytes(), &9u64.to_le_bytes()), "+2 at a start, from 7 to 9");
        assert_eq!(slope(b"[1]", b"[1,1]"), "+2 bytes at a start, from \"[1]\" to \"[1,1]\"");
    }
}
