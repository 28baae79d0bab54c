//! Which kernel this is: the book's, or the book's with documented deviations of the public runtimes.
//!
//! The deviations were read from the public source of Kinode 1.0 and Hyperdrive 1.9.2, not found by running them.
//! Each is one switch, looked up at the one place where that runtime behaves otherwise.

use crate::on_exit::OnExitKind;
use crate::rule::{How, Rule};
use crate::time::{Duration, Instant};

macro_rules! deviations {
    ($($id:ident $source:literal breaks [$($rule:expr),*]: $summary:literal;)*) => {
        /// A point in which the real runtimes, both of them, differ from the contract.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Deviation {
            $(#[doc = concat!($summary, ". In `", $source, "`; breaks ", stringify!($($rule),*), ".")] $id,)*
        }

        impl Deviation {
            /// Every deviation this kernel can be told to show.
            pub const ALL: &[Deviation] = &[$(Deviation::$id),*];

            /// Its id in the contract.
            pub fn name(self) -> &'static str {
                match self { $(Deviation::$id => stringify!($id),)* }
            }

            /// What the runtimes do, in one sentence.
            pub fn summary(self) -> &'static str {
                match self { $(Deviation::$id => $summary,)* }
            }

            /// Where the public source of the runtimes does it.
            pub fn source(self) -> &'static str {
                match self { $(Deviation::$id => $source,)* }
            }

            /// The rules it breaks.
            pub fn breaks(self) -> &'static [Rule] {
                use How::{Down, Kill, Panic};
                use OnExitKind::{None, Requests, Restart};
                use Rule::*;
                match self { $(Deviation::$id => &[$($rule),*],)* }
            }
        }
    };
}

deviations! {
    D1 "kernel/mod.rs, KillProcess" breaks [X(Kill, Requests)]:
        "a killed process's on-exit requests are never fired";
    D2 "kernel/process.rs, OnExit::Restart" breaks [E5]:
        "a kill during the restart back-off finds no process, is answered, and the restart still comes";
    D3 "kernel/process.rs, OnExit::Restart" breaks [X(Down, Restart)]:
        "during the restart back-off the process is in no table, so that a crash loses it";
    D4 "kernel/mod.rs, kernel()" breaks [X(Down, Requests)]:
        "at boot a Requests process fires its requests and is started again as well";
    D5 "kernel/mod.rs, persist_state" breaks [E6]:
        "a None process is booted after a shutdown or a crash";
    D6 "kernel/mod.rs, RevokeAll; state.rs" breaks [K2, E5]:
        "a process killed after a reboot stays on disk until the next table write, unless it issued a capability since";
    D7 "standard_host_v1.rs, spawn" breaks [S6, C2, C3]:
        "spawn takes a failed initialize for success: a taken name answers Ok and tells the namesake a stray run";
    D8 "kernel/process.rs" breaks [S2]:
        "code that is not valid becomes a process that never runs nor exits, and holds its name until it is killed";
    D9 "kernel/mod.rs, RevokeAll; state.rs" breaks [E12]:
        "after a reboot a killed process's capabilities are not revoked, unless it issued one since";
    D10 "kernel/process.rs" breaks [E8, E2]:
        "the exit of a process that was started as None or Requests and has set Restart takes the node down";
    D11 "kernel/process.rs" breaks [E4, C3, C5]:
        "on-exit requests may carry capabilities that the process never held";
    D12 "kernel/process.rs" breaks [S4, M2]:
        "messages that came before the run are queued again behind later ones";
    D13 "kernel/process.rs" breaks [S4]:
        "a process that was sent about 100 messages before its run waits on its own full channel for ever";
    D14 "kernel/mod.rs" breaks [M5, E9]:
        "a mailbox of 100 messages that nobody receives freezes the node, kill included";
    D15 "standard_host_v1.rs" breaks [M3]:
        "state calls and spawn change whether the last message had a blob: get-blob is then empty or stale";
    D16 "standard_host_v1.rs, send_request" breaks [M1, M3]:
        "inheriting requests reuse the prompting id: two that expect answers share one context";
    D17 "kernel/mod.rs; kernel/process.rs" breaks [C4, E12]:
        "capabilities granted during a back-off are dropped, and those revoked meanwhile are given back";
    D18 "kernel/mod.rs, KillProcess" breaks [K5]:
        "a kill of a process that is not there is never answered";
    D19 "standard_host_v1.rs; kernel/mod.rs" breaks [C3]:
        "save-capabilities stores any capability";
    D20 "kernel/mod.rs, event loop" breaks [K1]:
        "a message to any local process whose first name is kernel is taken as a kernel command";
    D21 "kernel/mod.rs; standard_host_v1.rs" breaks [P2, K2, E8]:
        "answers come before the write they depend on";
    D22 "standard_host_v1.rs" breaks [P1]:
        "a refused set-state or clear-state counts as success, a refused get-state as no state";
    D23 "kernel/mod.rs; kernel/process.rs" breaks [E8]:
        "SetOnExit from outside never reaches the running life, which exits by its old value";
    D24 "kernel/process.rs" breaks [X(Panic, None), X(Panic, Restart), X(Panic, Requests)]:
        "a panic text that is not UTF-8 skips the on-exit behaviour";
    D25 "kernel/mod.rs" breaks [M5, E5]:
        "a kill lands only when the guest makes a call: a spinning guest cannot be killed";
    D26 "kernel/mod.rs" breaks [S3]:
        "RunProcess on a running process answers StartedProcess and sends it a stray run";
    D27 "state.rs" breaks [P1, P2, P3]:
        "state acknowledges writes without a sync, so that a power loss takes acknowledged data";
}

impl Deviation {
    /// The deviation of this id, in any case.
    pub fn parse(name: &str) -> Option<Deviation> {
        Deviation::ALL.iter().copied().find(|deviation| deviation.name().eq_ignore_ascii_case(name))
    }

    /// Whether it only shows while a restart is backed off.
    fn needs_back_off(self) -> bool {
        matches!(self, Deviation::D2 | Deviation::D3 | Deviation::D17)
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

/// All deviations in force.
const ALL_BITS: u32 = (1 << Deviation::ALL.len()) - 1;

/// The rules a kernel goes by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Semantics {
    /// How restarts wait.
    pub back_off: BackOff,
    /// A bit for each deviation in force.
    deviations: u32,
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
    #[allow(clippy::needless_update, reason = "the feature `mutants` brings a field more")]
    pub fn kinode_1_0() -> Semantics {
        Semantics { back_off: BackOff::Kinode10, deviations: ALL_BITS, ..Semantics::book() }
    }

    /// All that Hyperdrive 1.9 does differently, as far as it is modelled.
    #[allow(clippy::needless_update, reason = "the feature `mutants` brings a field more")]
    pub fn hyperdrive_1_9() -> Semantics {
        Semantics { back_off: BackOff::Hyperdrive19, deviations: ALL_BITS, ..Semantics::book() }
    }

    /// These rules with one deviation more. One that shows only in a back-off brings Hyperdrive's, if there is none.
    pub fn with(mut self, deviation: Deviation) -> Semantics {
        if deviation.needs_back_off() && self.back_off == BackOff::Off {
            self.back_off = BackOff::Hyperdrive19;
        }
        self.deviations |= 1 << deviation as u32;
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
        self.deviations & (1 << deviation as u32) != 0
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
