//! What counts against a package without a word from its author.

use crate::guest::MEMORY_REFUSED;
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use kernel_core::{Cause, Duration, Exit, Names, NodeId, ProcessRef};
use std::collections::BTreeMap;

/// So many lives in a row that panic before they receive anything are a restart loop.
const LOOP: u32 = 5;

/// A panic that somebody made: the chooser, a disk that refuses, a host without memory.
fn is_made(words: &str) -> bool {
    words == "injected" || words.contains("the disk refused") || words.contains(MEMORY_REFUSED)
}

/// A process panics only if somebody makes it.
#[derive(Clone)]
pub struct NoPanic;

impl Invariant for NoPanic {
    fn claim(&self) -> Claim {
        Claim::own("panic", "no process of the package panics by itself")
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Exited]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Exited(life, Exit::Panicked, words) if !is_made(words) => {
                Err(format!("{} panicked: {}", names.process_text(life.process), words.trim()))
            }
            _ => Ok(()),
        }
    }
}

/// A process that restarts gets somewhere.
#[derive(Clone, Default)]
pub struct NoRestartLoop {
    /// How many lives in a row of each process have ended by themselves and received nothing.
    in_vain: BTreeMap<(NodeId, ProcessRef), u32>,
}

impl Invariant for NoRestartLoop {
    fn claim(&self) -> Claim {
        Claim::own("restart-loop", "no process is started again and again in vain")
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Exited, Kind::Received]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        let Some(life) = event.what.life() else { return Ok(()) };
        let in_vain = self.in_vain.entry((event.node, life.process)).or_default();
        match &event.what {
            What::Exited(_, Exit::Panicked, words) if is_made(words) => {}
            What::Exited(..) => *in_vain += 1,
            _ => *in_vain = 0,
        }
        let ended = match &event.what {
            What::Exited(_, Exit::Returned, _) => "returned",
            _ => "panicked",
        };
        match *in_vain {
            LOOP => Err(format!(
                "{} {ended} in {LOOP} lives in a row before it received anything, and is started again",
                names.process_text(life.process)
            )),
            _ => Ok(()),
        }
    }
}

/// So many quanta of computing in a row, without a call, are a process that never comes back.
const SPUN: u32 = 10;

/// A process that computes comes back.
#[derive(Clone, Default)]
pub struct NoSpinning {
    /// How many quanta in a row each process has spun.
    spun: BTreeMap<(NodeId, ProcessRef), u32>,
}

impl Invariant for NoSpinning {
    fn claim(&self) -> Claim {
        Claim::own("spins", "no process computes on and on without a call")
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Spun, Kind::Called, Kind::Started]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        let Some(life) = event.what.life() else { return Ok(()) };
        let What::Spun(_, quantum) = &event.what else {
            self.spun.remove(&(event.node, life.process));
            return Ok(());
        };
        let spun = self.spun.entry((event.node, life.process)).or_default();
        *spun += 1;
        match *spun {
            SPUN => Err(format!(
                "{} computed for {} without a call",
                names.process_text(life.process),
                Duration(quantum.0 * u64::from(SPUN))
            )),
            _ => Ok(()),
        }
    }
}
