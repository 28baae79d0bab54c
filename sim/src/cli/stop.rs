//! What ends a search before its time: Ctrl-C, a time limit, failures enough.
#![expect(clippy::disallowed_methods, reason = "a search stops when its time is over; no run depends on it")]

use super::args::Time;
use crate::explore::failure::Signature;
use crate::world::Verdict;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// When a search stops before its end.
#[derive(clap::Args)]
pub(super) struct Stops {
    /// Stop at the first failure
    #[arg(long, conflicts_with = "max_failures")]
    fail_fast: bool,
    /// Stop after this many different failures: by rule and, for a panic, place
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_failures: Option<u64>,
    /// Stop after this time: 90s, 10m, 2h. Where it stops depends on the machine
    #[arg(long, value_name = "TIME", env = "KINODE_SIM_TIME_LIMIT")]
    time_limit: Option<Time>,
}

impl Stops {
    /// A watch that keeps to it, from now on.
    pub(super) fn watch(&self) -> Watch {
        let most = if self.fail_fast { Some(1) } else { self.max_failures };
        Watch { most, ..Watch::begin(self.time_limit) }
    }
}

/// Why a search stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    /// Ctrl-C.
    Interrupted,
    /// The time is up.
    Time,
    /// As many failures were found as were asked for.
    Failures,
}

impl Halt {
    /// Its name for programs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Halt::Interrupted => "interrupted",
            Halt::Time => "time",
            Halt::Failures => "failures",
        }
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Halt::Interrupted => "by Ctrl-C",
            Halt::Time => "by the time limit",
            Halt::Failures => "by the number of failures",
        })
    }
}

/// Looks, between two runs, whether to stop. No run depends on it, only how many there are.
pub(super) struct Watch {
    until: Option<Instant>,
    /// How many different failures are enough, and those that were seen.
    most: Option<u64>,
    seen: BTreeSet<Signature>,
    interrupted: Arc<AtomicBool>,
    /// Why it stopped, once it has.
    pub(super) halt: Option<Halt>,
}

impl Watch {
    /// A watch from now on. From here on the first Ctrl-C is a request to sum up; a second one ends the program.
    pub(super) fn begin(limit: Option<Time>) -> Watch {
        let until = limit.and_then(|Time(limit)| Instant::now().checked_add(limit));
        Watch { until, most: None, seen: BTreeSet::new(), interrupted: listen(), halt: None }
    }

    /// A run came to this.
    pub(super) fn saw(&mut self, verdict: &Verdict) {
        self.seen.extend(verdict.violations().iter().map(Signature::of));
    }

    /// Whether to go on.
    pub(super) fn look(&mut self) -> ControlFlow<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            self.halt = Some(Halt::Interrupted);
        } else if self.most.is_some_and(|most| self.seen.len() as u64 >= most) {
            self.halt = Some(Halt::Failures);
        } else if self.until.is_some_and(|until| Instant::now() >= until) {
            self.halt = Some(Halt::Time);
        }
        if self.halt.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// The flag that Ctrl-C sets. Installed once.
fn listen() -> Arc<AtomicBool> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    let flag = FLAG.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        // In this order: the first sets the flag, and with the flag set the next one ends the program.
        // Where signals cannot be had, Ctrl-C ends the program at once, as ever.
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            let _ = signal_hook::flag::register_conditional_shutdown(signal, 130, flag.clone());
            let _ = signal_hook::flag::register(signal, flag.clone());
        }
        flag
    });
    flag.clone()
}
