//! Which kernel this is: the book's, or the book's with documented deviations of the public runtimes.
//!
//! The deviations were read from the public source of Kinode 1.0 and Hyperdrive 1.9.2, not found by running them.
//! Each is one switch, looked up at the one place where that runtime behaves otherwise.

use crate::time::{Duration, Instant};

/// A point in which the real runtimes differ from the contract (`D1` … of the contract's last table).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deviation {
    /// A kill aborts the task, so a killed process's `Requests` are never fired.
    /// Both runtimes: `kernel/mod.rs`, `KillProcess`. Breaks X.kill.Requests.
    D1,
    /// A kill during the back-off finds no process, and the sleeping restart still comes.
    /// Both runtimes: `kernel/process.rs`, `OnExit::Restart`. Breaks E5.
    D2,
    /// During the back-off the process is in no table: a write of the table and a crash in that window lose it.
    /// Both runtimes: `kernel/process.rs`, `OnExit::Restart`. Breaks X.down.Restart.
    D3,
    /// At boot a `Requests` process fires its requests and is started again as well.
    /// Both runtimes: `kernel/mod.rs`, `kernel()`. Breaks X.down.Requests.
    D4,
    /// A None process is on disk like any other, and neither shutdown nor crash takes it off; it is booted.
    /// Both runtimes: `kernel/mod.rs`, `persist_state`. Breaks E6.
    D5,
    /// Answers come before the write they depend on: a crash undoes an acknowledged initialize, kill or `set_on_exit`.
    /// Both runtimes: `kernel/mod.rs`, `standard_host_v1.rs`. Breaks P2, K2, E8.
    D21,
}

impl Deviation {
    /// Every deviation this kernel can be told to show.
    pub const ALL: [Deviation; 6] =
        [Deviation::D1, Deviation::D2, Deviation::D3, Deviation::D4, Deviation::D5, Deviation::D21];

    /// Its id in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Deviation::D1 => "D1",
            Deviation::D2 => "D2",
            Deviation::D3 => "D3",
            Deviation::D4 => "D4",
            Deviation::D5 => "D5",
            Deviation::D21 => "D21",
        }
    }

    /// One sentence for lists.
    pub fn summary(self) -> &'static str {
        match self {
            Deviation::D1 => "a killed process's on-exit requests are never fired",
            Deviation::D2 => "a kill during the restart back-off is answered, and the restart still comes",
            Deviation::D3 => "during the restart back-off the process is in no table, so a crash loses it",
            Deviation::D4 => "at boot a Requests process fires its requests and is started as well",
            Deviation::D5 => "a None process is booted after a shutdown or a crash",
            Deviation::D21 => "answers come before the write they depend on",
        }
    }

    /// Whether it only shows while a restart is backed off.
    fn needs_back_off(self) -> bool {
        matches!(self, Deviation::D2 | Deviation::D3)
    }
}

/// How long a Restart process waits before its next life (rule E3: the book says not at all).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackOff {
    /// Restarted immediately: the book.
    #[default]
    Off,
    /// Kinode 1.0 (`kernel/process.rs`): the first restart is at once, later ones wait until an absolute time that
    /// moves by 1, 1, 2, 4, 8, … s without a cap; an exit after that time starts over.
    Kinode10,
    /// Hyperdrive 1.9 (`kernel/process.rs`, `RestartPolicy::Backoff`): the first unhealthy exit waits 2 s, then
    /// 4, 8, … 512, 600; a run of at least five times the last wait (first 5 s, at most 50 min) restarts at once.
    Hyperdrive19,
}

/// The rules a kernel goes by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Semantics {
    /// How restarts wait.
    pub back_off: BackOff,
    deviations: Vec<Deviation>,
}

impl Semantics {
    /// The contract, to the letter.
    pub fn book() -> Semantics {
        Semantics::default()
    }

    /// All that Kinode 1.0 does differently, as far as it is modelled.
    pub fn kinode_1_0() -> Semantics {
        Semantics { back_off: BackOff::Kinode10, deviations: Deviation::ALL.to_vec() }
    }

    /// All that Hyperdrive 1.9 does differently, as far as it is modelled.
    pub fn hyperdrive_1_9() -> Semantics {
        Semantics { back_off: BackOff::Hyperdrive19, deviations: Deviation::ALL.to_vec() }
    }

    /// These rules with one deviation more. One that shows only in a back-off brings Hyperdrive's, if there is none.
    pub fn with(mut self, deviation: Deviation) -> Semantics {
        if deviation.needs_back_off() && self.back_off == BackOff::Off {
            self.back_off = BackOff::Hyperdrive19;
        }
        if !self.has(deviation) {
            self.deviations.push(deviation);
        }
        self
    }

    /// These rules, but restarts wait as this policy says.
    pub fn with_back_off(mut self, back_off: BackOff) -> Semantics {
        self.back_off = back_off;
        self
    }

    /// Whether the kernel shows this deviation.
    pub fn has(&self, deviation: Deviation) -> bool {
        self.deviations.contains(&deviation)
    }

    /// The deviations in force.
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }
}

/// One process's restart history, as the back-off policies remember it. Forgotten when the process ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestartHistory {
    soonest: Option<Instant>,
    attempts: u32,
    last_wait: Duration,
}

impl RestartHistory {
    /// When a process that ran from `started` and exited `now` may run again; `None`: at once.
    pub fn on_exit(&mut self, policy: BackOff, started: Instant, now: Instant) -> Option<Instant> {
        match policy {
            BackOff::Off => None,
            BackOff::Kinode10 => match self.soonest {
                Some(soonest) if soonest > now => {
                    let step = 1u64.checked_shl(self.attempts).unwrap_or(u64::MAX);
                    self.soonest = Some(soonest + Duration::from_secs(step));
                    self.attempts += 1;
                    Some(soonest)
                }
                Some(_) | None => {
                    self.soonest = Some(now + Duration::from_secs(1));
                    self.attempts = 0;
                    None
                }
            },
            BackOff::Hyperdrive19 => {
                let healthy = match self.last_wait {
                    Duration::ZERO => Duration::from_secs(5),
                    wait => Duration(wait.0 * 5).min(Duration::from_secs(50 * 60)),
                };
                if now - started >= healthy {
                    self.last_wait = Duration::ZERO;
                    return None;
                }
                self.last_wait = match self.last_wait {
                    Duration::ZERO => Duration::from_secs(2),
                    wait => Duration(wait.0 * 2).min(Duration::from_secs(600)),
                };
                Some(now + self.last_wait)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The waits, in seconds, of a process that exits the moment it starts.
    fn waits(policy: BackOff, n: usize) -> Vec<u64> {
        let mut history = RestartHistory::default();
        let mut now = Instant(1);
        (0..n)
            .map(|_| {
                let next = history.on_exit(policy, now, now).unwrap_or(now);
                let wait = (next - now).0 / 1_000_000_000;
                now = next;
                wait
            })
            .collect()
    }

    #[test]
    fn the_waits_of_a_crash_loop_are_those_of_each_runtime() {
        assert_eq!(waits(BackOff::Off, 4), [0, 0, 0, 0]);
        assert_eq!(waits(BackOff::Kinode10, 6), [0, 1, 1, 2, 4, 8]);
        assert_eq!(waits(BackOff::Hyperdrive19, 11), [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
    }

    #[test]
    fn a_healthy_run_restarts_at_once() {
        for policy in [BackOff::Kinode10, BackOff::Hyperdrive19] {
            let mut history = RestartHistory::default();
            history.on_exit(policy, Instant(0), Instant(0));
            let later = Instant(0) + Duration::from_secs(60);
            assert_eq!(history.on_exit(policy, Instant(0), later), None, "{policy:?}");
        }
    }
}
