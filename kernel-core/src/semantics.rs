//! Which kernel this is: the book's, or the book's with documented deviations of the public runtimes.
//!
//! Each deviation is one switch ([`Deviation`]); what it does is a verb of `quirks`.

use crate::deviation::{Deviation, Runtimes};
use crate::time::{Duration, Instant};

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
    /// A bit for each deviation in force.
    deviations: u64,
    /// What is wrong with this kernel on purpose.
    #[cfg(feature = "mutants")]
    pub(crate) planted: Option<crate::mutants::Planted>,
}

impl Semantics {
    /// The contract, to the letter.
    pub fn book() -> Semantics {
        Semantics::default()
    }

    /// All that Kinode 1.0 does differently, as far as it is modelled.
    pub fn kinode_1_0() -> Semantics {
        let both = Deviation::ALL.iter().filter(|deviation| deviation.runtimes() == Runtimes::Both);
        both.fold(Semantics::book().with_back_off(BackOff::Kinode10), |semantics, deviation| semantics.with(*deviation))
    }

    /// All that Hyperdrive 1.9 does differently, as far as it is modelled.
    pub fn hyperdrive_1_9() -> Semantics {
        let all = Deviation::ALL.iter();
        all.fold(Semantics::book().with_back_off(BackOff::Hyperdrive19), |semantics, deviation| {
            semantics.with(*deviation)
        })
    }

    /// These rules with one deviation more. One that shows only in a back-off brings Hyperdrive's, if there is none;
    /// one that shows only beside another brings that.
    pub fn with(mut self, deviation: Deviation) -> Semantics {
        for needed in deviation.needs() {
            self = self.with(*needed);
        }
        if deviation.needs_back_off() && self.back_off == BackOff::Off {
            self.back_off = BackOff::Hyperdrive19;
        }
        self.deviations |= 1u64 << deviation as u32;
        self
    }

    /// These rules, but restarts wait as this policy says.
    pub fn with_back_off(mut self, back_off: BackOff) -> Semantics {
        self.back_off = back_off;
        self
    }

    /// These rules, broken by a mutant.
    #[cfg(feature = "mutants")]
    pub fn mutated(mut self, mutant: &'static crate::mutants::Mutant) -> Semantics {
        self.planted = Some(mutant.into());
        self
    }

    /// The mutant that breaks them.
    #[cfg(feature = "mutants")]
    pub(crate) fn mutant(&self) -> Option<&'static crate::mutants::Mutant> {
        self.planted.as_ref().map(|planted| planted.mutant)
    }

    /// Whether the kernel shows this deviation.
    pub fn has(&self, deviation: Deviation) -> bool {
        self.deviations & (1u64 << deviation as u32) != 0
    }

    /// These rules without one deviation.
    pub fn without(mut self, deviation: Deviation) -> Semantics {
        self.deviations &= !(1u64 << deviation as u32);
        self
    }

    /// The deviations in force.
    pub fn deviations(&self) -> impl Iterator<Item = Deviation> {
        let semantics = self.clone();
        Deviation::ALL.iter().copied().filter(move |deviation| semantics.has(*deviation))
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
