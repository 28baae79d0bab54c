//! What ends a search before its time: Ctrl-C, a time limit, failures enough.
#![expect(clippy::disallowed_methods, reason = "a search stops when its time is over; no run depends on it")]

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

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
    interrupted: Arc<AtomicBool>,
    /// Why it stopped, once it has.
    pub(super) halt: Option<Halt>,
}

impl Watch {
    /// A watch from now on. From here on the first Ctrl-C is a request to sum up; a second one ends the program.
    pub(super) fn begin(limit: Option<Duration>) -> Watch {
        let until = limit.and_then(|limit| Instant::now().checked_add(limit));
        Watch { until, interrupted: listen(), halt: None }
    }

    /// Whether to go on.
    pub(super) fn look(&mut self, enough_failures: bool) -> ControlFlow<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            self.halt = Some(Halt::Interrupted);
        } else if enough_failures {
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
