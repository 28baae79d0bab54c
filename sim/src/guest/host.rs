//! What a guest's store holds beside its memory: how far its turn has come, and why it stopped.

use super::abi::World;
use super::lift::{AbiError, Lift, Lifted};
use super::lower::answer_layout;
use super::wasi::Wasi;
use super::{AHEAD_MAX, Clock, Trap, TrapReason};
use kernel_core::{Call, CallKind, Duration, Names, NodeId};
use std::collections::VecDeque;
use std::fmt;
use wasmi::{Error, Memory, ResourceLimiter, StoreLimits};
use wasmi_core::LimiterError;

/// The most text a trap holds.
const TRAP_TEXT_MAX: usize = 5_000;

/// How many bytes a guest may hand over in calls ahead of their taking effect: with [`AHEAD_MAX`], a bound on memory.
const AHEAD_BYTES_MAX: usize = 16 << 20;

/// Why a guest stopped inside an import.
#[derive(Debug)]
pub(super) enum Stop {
    /// It made a call; `ret` is its return pointer, checked, if it has one.
    Call { call: Call, ret: u32 },
    /// It reads a clock, to be written to `at`.
    Clock { clock: Clock, at: u32 },
    /// It sleeps for so long.
    Sleep(Duration, Wakeup),
    /// It broke the calling convention, or exited.
    Trap(Trap),
}

/// What a sleeping guest gets when it wakes, and where, checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wakeup {
    /// Its own word for what it waited for.
    pub userdata: u64,
    /// Where the event goes, 32 bytes.
    pub event_at: u32,
    /// Where the number of events goes.
    pub n_events_at: u32,
}

/// The error by which an import stops its guest; the reason is in [`Host::stop`].
#[derive(Debug)]
pub(super) struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped in an import")
    }
}

impl wasmi::errors::HostError for Stopped {}

/// How much a guest may have.
pub(super) struct Bounds {
    pub limits: StoreLimits,
    /// Which growth of its memory is refused, counted from 1, whatever there is room for.
    pub refused: Option<u32>,
    /// How often its memory was to grow.
    pub grown: u32,
    /// Whether it asked for more memory than there is here.
    pub exceeded: bool,
    /// By how many bytes it has grown. What it begins with is there when it is touched, which takes fuel.
    pub zeroed: u64,
}

impl Bounds {
    /// Whether the growth that is to be refused has been.
    pub fn has_refused(&self) -> bool {
        self.refused.is_some_and(|nth| nth <= self.grown)
    }
}

impl ResourceLimiter for Bounds {
    fn memory_growing(&mut self, now: usize, wanted: usize, most: Option<usize>) -> Result<bool, LimiterError> {
        // The memory that it begins with is no growth.
        self.grown += u32::from(now > 0);
        if now > 0 && self.refused == Some(self.grown) {
            return Ok(false);
        }
        let grows = self.limits.memory_growing(now, wanted, most);
        // More than its own maximum is refused by any engine.
        self.exceeded |= !matches!(grows, Ok(true)) && most.is_none_or(|most| wanted <= most);
        if matches!(grows, Ok(true)) && now > 0 {
            self.zeroed += wanted.saturating_sub(now) as u64;
        }
        grows
    }

    fn table_growing(&mut self, now: usize, wanted: usize, most: Option<usize>) -> Result<bool, LimiterError> {
        self.limits.table_growing(now, wanted, most)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}

/// What a guest's store holds beside its memory.
pub(super) struct Host {
    pub limits: Bounds,
    pub world: World,
    /// `None` until the start function has returned.
    pub memory: Option<Memory>,
    /// What the node name `our` means.
    pub our: NodeId,
    /// The world's table of names, while the guest runs.
    pub names: Option<Names>,
    /// The calls of this turn that have no answer, while the guest runs.
    pub ahead: VecDeque<Call>,
    /// Bytes lifted in this turn.
    pub ahead_bytes: usize,
    /// Bytes lifted in this life.
    pub lifted: u64,
    /// Whether the host has called the guest's allocator.
    pub in_realloc: bool,
    pub stop: Option<Stop>,
    /// Fuel that the host has spent for the guest beyond what was left.
    pub debt: u64,
    pub wasi: Wasi,
    scratch: String,
}

impl Host {
    pub(super) fn new(world: World, limits: Bounds, seed: u64) -> Host {
        Host {
            limits,
            world,
            memory: None,
            our: NodeId(0),
            names: None,
            ahead: VecDeque::new(),
            ahead_bytes: 0,
            lifted: 0,
            in_realloc: false,
            stop: None,
            debt: 0,
            wasi: Wasi::new(seed),
            scratch: String::new(),
        }
    }

    /// Why `call` cannot be made now, if it cannot.
    pub(super) fn refusal(&self, call: &str) -> Option<Trap> {
        let text = match (self.in_realloc, self.memory) {
            (true, _) => format!("cabi_realloc called {call}: an allocator may not make calls"),
            (false, None) => {
                format!("the start function called {call}: calls can be made from `_initialize` or `init` on")
            }
            (false, Some(_)) => return None,
        };
        Some(self.trap(TrapReason::Abi, &text))
    }

    /// A trap with what the guest wrote to stderr, or `otherwise` if that is nothing.
    pub(super) fn trap(&self, reason: TrapReason, otherwise: &str) -> Trap {
        let stderr = self.wasi.stderr();
        let text = match (reason, stderr.is_empty()) {
            (_, true) => otherwise.to_string(),
            (TrapReason::Abi | TrapReason::Exited, false) => format!("{otherwise}\n{stderr}"),
            (_, false) => stderr,
        };
        Trap { last_words: self.wasi.last_words(), ..Trap::new(reason, cut(&text)) }
    }

    pub(super) fn abi_trap(&self, call: &str, error: &AbiError) -> Trap {
        let trap = Trap::new(TrapReason::Abi, cut(&error.text(call)));
        match error.bound() {
            Some(bound) => trap.at_bound(bound),
            None => trap,
        }
    }

    /// What to do about a call: nothing more if it waits in `ahead`, else stop.
    pub(super) fn call(
        &mut self,
        memory: &[u8],
        kind: CallKind,
        ret: u32,
        lift: impl FnOnce(&mut Lift<'_>) -> Lifted<Call>,
    ) -> Option<Stop> {
        let mut lifter = Lift {
            memory,
            names: self.names.as_mut().expect("a running guest has the table of names"),
            our: self.our,
            scratch: &mut self.scratch,
            world: self.world,
            spent: 0,
        };
        let checked = match answer_layout(kind, self.world) {
            Some((size, align)) => lifter.answer_area(ret, size, align),
            None => Ok(()),
        };
        let lifted = checked.and_then(|()| lift(&mut lifter));
        self.ahead_bytes += lifter.spent;
        self.lifted += lifter.spent as u64;
        match lifted {
            Err(error) => Some(Stop::Trap(self.abi_trap(kind.name(), &error))),
            Ok(call) if kind.has_answer() || self.ahead.len() >= AHEAD_MAX || self.ahead_bytes > AHEAD_BYTES_MAX => {
                Some(Stop::Call { call, ret })
            }
            Ok(call) => {
                self.ahead.push_back(call);
                None
            }
        }
    }
}

/// The last bytes that a trap's text may hold.
fn cut(text: &str) -> &str {
    let mut from = text.len().saturating_sub(TRAP_TEXT_MAX);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

/// Stops the guest for `stop`.
pub(super) fn stop(host: &mut Host, stop: Stop) -> Error {
    host.stop = Some(stop);
    Error::host(Stopped)
}
