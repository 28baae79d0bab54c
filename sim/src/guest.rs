//! A program in a process: a coroutine that runs until its next call.
//!
//! Processes share nothing and act only through calls, so the kernel cannot tell Wasm from native Rust, and between
//! two calls nothing that a guest does can be seen by anyone. A guest knows no kernel and no world: it is resumed
//! with a [`Reply`] and says in a [`Turn`] why it stopped.

use crate::trace::event::PanicCause;
use kernel_core::{Answer, Bytes, Call, Duration, Instant, Names};
use std::collections::VecDeque;
use std::rc::Rc;

pub mod image;
pub mod native;
pub mod wasm;

pub use loops::has_endless_loop;

mod abi;
mod host;
mod lent;
mod life;
mod lift;
mod load;
mod loops;
mod lower;
pub(crate) mod recorded;
mod wasi;

/// What a guest gets when it may go on.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Its call returned; the first of a life is [`Answer::Init`].
    Answer(Answer),
    /// What the clock that it asked for says, in nanoseconds.
    Clock(Instant),
    /// Its quantum of spinning, or its sleep, has passed.
    Continue,
}

/// Why a guest stopped.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    /// It made a call and waits for the answer.
    Call(Call),
    /// It reads a clock: the instant at which the read takes effect.
    Clock(Clock),
    /// It has computed for so long without a call; virtual time passes, and it can be killed meanwhile (M5).
    Busy(Duration),
    /// It sleeps for so long, and nothing wakes it before; it can be killed meanwhile (M5).
    Sleep(Duration),
    /// `init` returned.
    Returned,
    /// It panicked: any trap, or an ABI violation the host detected (E1).
    Trapped(Trap),
}

/// The clocks of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clock {
    /// The time of day: may be off, and may jump.
    Real,
    /// Virtual time: never jumps. The kernel's deadlines go by it.
    Steady,
}

/// How a guest panicked.
#[derive(Clone, Debug, PartialEq)]
pub struct Trap {
    /// What kind of trap.
    pub reason: TrapReason,
    /// What it said last: its panic text, or what it did wrong. At most 5,000 bytes.
    pub text: Rc<str>,
    /// The bytes that it wrote last to its standard error: the public runtimes stumble over some (D24).
    pub last_words: Bytes,
    /// Who denied the guest something before it panicked, if somebody did.
    pub denied: Option<Denied>,
}

/// Who denied a guest something that it asked of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The plan: memory, though there was room.
    ByPlan,
    /// A bound of this simulator, which a real node does not have, or has much further out: which.
    ByBound(&'static str),
}

impl Trap {
    /// A trap of this kind, with these last words.
    pub fn new(reason: TrapReason, text: impl Into<Rc<str>>) -> Trap {
        let text = text.into();
        Trap { reason, last_words: Bytes::from(&*text), text, denied: None }
    }

    /// The same, since a bound of this simulator was reached.
    pub fn at_bound(self, bound: &'static str) -> Trap {
        Trap { denied: Some(Denied::ByBound(bound)), ..self }
    }

    /// What made the guest panic, as a fact for the trace.
    pub fn made_by(&self) -> PanicCause {
        match (self.reason, self.denied) {
            (TrapReason::Injected, _) => PanicCause::Injected,
            (_, Some(Denied::ByPlan)) => PanicCause::MemoryRefused,
            (_, Some(Denied::ByBound(bound))) => PanicCause::Bound(bound),
            (_, None) => PanicCause::Guest,
        }
    }
}

/// The kinds of trap (rule E1). Free of any engine's texts, which hold counters of the process they run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrapReason {
    /// `unreachable`, which is how a Rust panic ends; a native guest's panic.
    Unreachable,
    /// Memory or table access out of bounds, or a bad indirect call.
    OutOfBounds,
    /// Division by zero, or an integer overflow in a conversion.
    Arithmetic,
    /// Too deep a recursion.
    StackOverflow,
    /// More memory at start than the limit.
    OutOfMemory,
    /// Broke the calling convention: a bad pointer, a length that overflows, bytes that are not UTF-8, …
    Abi,
    /// Called WASI's `proc_exit`.
    Exited,
    /// The chooser said so.
    Injected,
    /// The kernel refused a call in a way that is a panic of the caller (an illegal spawn name, awaiting oneself, …).
    Refused,
}

/// A program in a process.
pub trait Guest {
    /// Runs until the guest needs something. Calls without an answer ([`kernel_core::CallKind::has_answer`]) are pushed to `ahead`, in
    /// order, and take effect before the turn that is returned; at most [`AHEAD_MAX`] of them, then the guest stops
    /// with the next such call as its [`Turn::Call`] and is resumed with [`Answer::Done`].
    fn resume(&mut self, names: &mut Names, reply: Reply, ahead: &mut VecDeque<Call>) -> Turn;

    /// What it has used of the host so far.
    fn usage(&self) -> Usage {
        Usage::default()
    }

    /// The same life, as far as it has come, for a world that is forked.
    ///
    /// # Panics
    /// Unless its answers are kept: only those of a world that is to be forked are.
    fn fork(&self) -> Box<dyn Guest> {
        panic!("only a guest whose answers are kept can be made again")
    }
}

/// What a guest used of the host: for bounds and reports, never for a trace, since engines differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Fuel, at the engine's prices: its own, and its allocator's for the host.
    pub fuel: u64,
    /// Bytes copied out of its memory and into it.
    pub copied: u64,
    /// The memory that it has, in bytes.
    pub memory: u64,
    /// Nanoseconds of the host's processor for what burns no fuel, by count and as measured: an instance that is made, and
    /// memory that grows.
    pub host: u64,
}

impl Usage {
    /// With what another life of the process used: the fuel, the copies and the host's time of both, the memory of the larger.
    pub fn and(self, other: Usage) -> Usage {
        Usage {
            fuel: self.fuel.saturating_add(other.fuel),
            copied: self.copied.saturating_add(other.copied),
            memory: self.memory.max(other.memory),
            host: self.host.saturating_add(other.host),
        }
    }
}

/// How many calls a guest may make ahead of their taking effect: a bound on memory, not on behaviour.
pub const AHEAD_MAX: usize = 64;

/// What is added to the last words of a guest that panics after the chooser has refused it memory.
pub const MEMORY_REFUSED: &str = "its memory was refused to grow";

/// The virtual time that passes when a guest spins through one quantum without a call.
pub const SPIN_QUANTUM: Duration = Duration::from_secs(1);
