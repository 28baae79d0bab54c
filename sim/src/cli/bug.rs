//! Panics of the simulator itself: caught, so that they end with a line to replay and not with a backtrace alone.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

/// What panics have said since the last [`guard`] began, on any thread.
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From now on a panic is noted, not printed.
pub(super) fn listen() {
    panic::set_hook(Box::new(|info| {
        let trace = Backtrace::capture();
        let trace = match trace.status() {
            BacktraceStatus::Captured => format!("\n{trace}"),
            _ => String::new(),
        };
        SAID.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{info}{trace}"));
    }));
}

/// Runs something of the simulator's. An error is what its panic said.
pub(super) fn guard<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    said();
    panic::catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string()));
        said().into_iter().next().or(text).unwrap_or_else(|| "a panic without a text".to_string())
    })
}

fn said() -> Vec<String> {
    std::mem::take(&mut *SAID.lock().unwrap_or_else(PoisonError::into_inner))
}
