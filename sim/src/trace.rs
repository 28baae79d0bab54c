//! The trace: a stream of events, numbered and fingerprinted. The last ones are kept.

use crate::trace::event::Event;
use encode::encode;
use kernel_core::Cause;
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub mod causal;
pub mod coverage;
pub mod event;
#[cfg(feature = "picture")]
pub mod export;
pub mod lost;
pub mod probe;

mod body;
pub(crate) mod encode;
mod text;

pub use text::{life_text, line, line_text, lost_text, time_text};

/// How many of the last events are kept for a report.
pub const KEPT: usize = 256;

/// A chained digest of all events so far: equal runs have equal fingerprints, event for event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// The digest of this and what follows.
    pub fn then(self, next: Fingerprint) -> Fingerprint {
        Fingerprint(xxh3_64_with_seed(&next.0.to_le_bytes(), self.0))
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The events of one run.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    count: u64,
    fingerprint: Fingerprint,
    /// The last events, in a ring whose next place is that of the oldest; all of them, in order, if `keep_all`.
    kept: Vec<(Cause, Event)>,
    next_place: usize,
    keep_all: bool,
    /// The fingerprint after each event, if all are kept.
    chain: Vec<Fingerprint>,
    /// The explicit encoding of one event, reused.
    buffer: Vec<u8>,
    hashed: u64,
}

impl Trace {
    /// A trace that keeps every event: for replays and snapshots.
    pub fn keeping_all() -> Trace {
        Trace { keep_all: true, ..Trace::default() }
    }

    /// The index that the next event will get.
    pub fn next(&self) -> Cause {
        Cause(self.count)
    }

    /// Takes an event in, and gives its index.
    pub fn push(&mut self, event: Event) -> Cause {
        let index = self.next();
        self.buffer.clear();
        encode(&event, &mut self.buffer);
        self.fingerprint = Fingerprint(xxh3_64_with_seed(&self.buffer, self.fingerprint.0));
        self.hashed += self.buffer.len() as u64;
        self.count += 1;
        if self.keep_all {
            self.chain.push(self.fingerprint);
        }
        if self.keep_all || self.kept.len() < KEPT {
            self.kept.push((index, event));
        } else {
            self.kept[self.next_place] = (index, event);
            self.next_place = (self.next_place + 1) % KEPT;
        }
        index
    }

    /// Counts an event that is not taken in, and gives its index.
    pub fn pass(&mut self) -> Cause {
        self.count += 1;
        Cause(self.count - 1)
    }

    /// How many events there were.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many bytes the fingerprint was made of.
    pub fn hashed(&self) -> u64 {
        self.hashed
    }

    /// The fingerprint of all events so far.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The fingerprint after each event, if all are kept: where two runs part, it differs from there on.
    pub fn chain(&self) -> &[Fingerprint] {
        &self.chain
    }

    /// The event of this index, if it is kept.
    pub fn event(&self, index: Cause) -> Option<&Event> {
        let (newer, older) = self.kept.split_at(self.next_place);
        let find = |part: &'_ [(Cause, Event)]| part.binary_search_by_key(&index, |(index, _)| *index).ok();
        find(older).map(|place| &older[place].1).or_else(|| find(newer).map(|place| &newer[place].1))
    }

    /// The events that are kept, oldest first, with their indices.
    pub fn events(&self) -> impl Iterator<Item = &(Cause, Event)> {
        let (newer, older) = self.kept.split_at(self.next_place);
        older.iter().chain(newer)
    }
}
