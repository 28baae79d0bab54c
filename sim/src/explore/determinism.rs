//! Determinism, checked: a run played again, and on an engine set up otherwise, is the same run, event for event, and
//! leaves the same disks, bit for bit.
//!
//! A run is a pure function of its scenario and its plan. Were it not, every finding would be worth nothing; so some
//! seeds of every exploration are played three times, and where two runs part is reported with what was before.

use crate::explore::run_seed;
use crate::guest::image::Loader;
use crate::plan::chooser::{Profile, Seed};
use crate::scenario::{Scenario, ScenarioError};
use crate::trace::{Fingerprint, line};
use crate::world::{Options, Run};
use std::fmt;

/// One run in so many is played again, the first of a scenario among them.
const EVERY: usize = 16;
/// The fuel of a slice on the second engine configuration: a turn of a Rust guest takes several.
const SLICE_FUEL: u64 = 2_000;
/// How many events are printed before the first that differs, and from there on.
const BEFORE: usize = 6;
const AFTER: usize = 3;

/// How a run is played again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// In the same way.
    Alike,
    /// On an engine that gives Wasm guests their fuel in small slices: host scheduling, of which a trace knows nothing.
    Sliced,
}

/// Two runs of one seed that are not the same: our bug, or that of a native guest that looks at what it must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// How the second was played.
    pub again: Again,
    /// The index of the first event that differs; `None`, if none does: the disks do, or nothing when every event was
    /// kept.
    pub at: Option<usize>,
    /// The events before it: the same in both.
    pub before: Vec<String>,
    /// How the first run goes on: nothing, if it ends there.
    pub first: Vec<String>,
    /// How the second does.
    pub second: Vec<String>,
}

/// Whether the n-th of the seeds of an exploration is played again.
pub fn is_played_again(nth: usize) -> bool {
    nth.is_multiple_of(EVERY)
}

/// Plays a seed again, in both ways, and compares: with the fingerprint of events and disks that its run had.
///
/// # Errors
/// A scenario that names what it does not have.
pub fn difference(
    scenario: &Scenario,
    seed: Seed,
    profile: Profile,
    options: &Options,
    loader: &Loader,
    had: Fingerprint,
) -> Result<Option<Difference>, ScenarioError> {
    for again in [Again::Alike, Again::Sliced] {
        if run_seed(scenario, seed, profile, &again.options(options), loader)?.whole() != had {
            let keeping = Options { keep_trace: true, ..options.clone() };
            let first = run_seed(scenario, seed, profile, &keeping, loader)?;
            let second = run_seed(scenario, seed, profile, &again.options(&keeping), loader)?;
            return Ok(Some(locate(again, &first, &second)));
        }
    }
    Ok(None)
}

impl Again {
    fn options(self, options: &Options) -> Options {
        let mut options = options.clone();
        if self == Again::Sliced {
            options.limits.slice_fuel = Some(SLICE_FUEL);
        }
        options
    }
}

/// Where two runs part. Each event's fingerprint is chained to those before it: the first that differs is the place.
fn locate(again: Again, first: &Run, second: &Run) -> Difference {
    let (one, other) = (first.trace.chain(), second.trace.chain());
    let same = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    let told = |run: &Run, from: usize, to: usize| -> Vec<String> {
        let events = run.trace.events().skip(from).take(to - from);
        events.map(|(index, event)| line(*index, event, &run.names)).collect()
    };
    let at = (same < one.len() || same < other.len()).then_some(same);
    Difference {
        again,
        at,
        before: told(first, same.saturating_sub(BEFORE), same),
        first: told(first, same, same + AFTER),
        second: told(second, same, same + AFTER),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.again {
            Again::Alike => "played twice",
            Again::Sliced => "played again with fuel in slices",
        };
        let Some(at) = self.at else {
            return write!(
                f,
                "{how}, it has the same events, and left other bits on a disk or was another run at first"
            );
        };
        write!(f, "{how}, it is not the same run from event #{at} on\n  both")?;
        self.before.iter().try_for_each(|line| write!(f, "\n      {line}"))?;
        for (which, lines) in [("first", &self.first), ("second", &self.second)] {
            write!(f, "\n  the {which}{}", if lines.is_empty() { " has ended" } else { "" })?;
            lines.iter().try_for_each(|line| write!(f, "\n      {line}"))?;
        }
        Ok(())
    }
}
