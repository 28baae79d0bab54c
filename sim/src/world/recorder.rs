//! The recorder: every event passes through it, to the trace and to all that read events as they happen.

use crate::invariant::{Invariants, OwnPanic, Violation};
use crate::trace::Trace;
use crate::trace::coverage::Coverage;
use crate::trace::event::{Event, Kind, What};
use kernel_core::{Cause, Change, Instant, Names, ProcessRef};
use std::collections::{BTreeMap, VecDeque};

/// The trace of a run, and its readers.
#[derive(Clone)]
pub(super) struct Recorder {
    pub trace: Trace,
    pub coverage: Coverage,
    invariants: Invariants,
    waiting: BTreeMap<(Kind, ProcessRef), Waiting>,
    /// Lines of the script whose event has come.
    due: Vec<usize>,
    /// Whether anybody looks: see [`Options::watched`](super::Options::watched).
    watched: bool,
}

/// The lines of the script that wait for the same kind of event about the same process.
#[derive(Clone, Default)]
struct Waiting {
    /// How often it has happened.
    seen: u32,
    /// At which time each line is due, in the order in which they are.
    lines: VecDeque<(u32, usize)>,
}

impl Recorder {
    /// Nothing has happened. Without `invariants` nobody looks.
    pub fn new(trace: Trace, invariants: Option<Invariants>) -> Recorder {
        let watched = invariants.is_some();
        Recorder {
            trace,
            coverage: Coverage::default(),
            invariants: invariants.unwrap_or_else(|| Invariants::new(Vec::new())),
            waiting: BTreeMap::new(),
            due: Vec::new(),
            watched,
        }
    }

    /// Records an event, and shows it to all who read.
    pub fn record(&mut self, event: Event, names: &Names) -> Cause {
        self.find_due(&event);
        if !self.watched {
            return self.trace.pass();
        }
        self.invariants.on_event(self.trace.next(), &event, names);
        self.coverage.on_event(&event);
        self.trace.push(event)
    }

    /// A line of the script is due at the nth event of a kind that is about a process.
    pub fn await_event(&mut self, kind: Kind, process: ProcessRef, nth: u32, line: usize) {
        let (nth, lines) = (nth.max(1), &mut self.waiting.entry((kind, process)).or_default().lines);
        let at = lines.partition_point(|(other, _)| *other <= nth);
        lines.insert(at, (nth, line));
    }

    fn find_due(&mut self, event: &Event) {
        if self.waiting.is_empty() {
            return;
        }
        let Some(process) = subject(&event.what) else { return };
        let Some(waiting) = self.waiting.get_mut(&(event.what.kind(), process)) else { return };
        waiting.seen = waiting.seen.saturating_add(1);
        while let Some((_, line)) = waiting.lines.pop_front_if(|(nth, _)| *nth <= waiting.seen) {
            self.due.push(line);
        }
    }

    /// A line of the script whose event has come.
    pub fn take_due(&mut self) -> Option<usize> {
        self.due.pop()
    }

    /// Whether lines of the script wait to be carried out.
    pub fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// The run is over; the world ran until then: `Instant(u64::MAX)` if nothing more would ever happen.
    pub fn end(&mut self, until: Instant, names: &Names) {
        self.invariants.ran_until(until);
        self.invariants.at_end(names);
    }

    /// Something was found broken outside the trace.
    pub fn add(&mut self, violation: Violation) {
        self.invariants.add(violation);
    }

    /// A module of the scenario's own panicked.
    pub fn add_panic(&mut self, panic: OwnPanic) {
        self.invariants.add_panic(panic);
    }

    /// What of the scenario's own code panicked.
    pub fn panics(&self) -> &[OwnPanic] {
        self.invariants.panics()
    }

    /// What was broken, in the order in which it was seen.
    pub fn violations(&self) -> &[Violation] {
        self.invariants.violations()
    }
}

/// The process that an event is about.
fn subject(what: &What) -> Option<ProcessRef> {
    match what {
        What::Durable(change) => match &**change {
            Change::Put(id, _) | Change::Remove(id) => Some(*id),
        },
        What::StateDurable(id, _) => Some(*id),
        what => what.life().map(|life| life.process),
    }
}
