//! One life of a Wasm program: where it stands, what it may burn, and how it ends.

use super::host::{Host, Stop, Stopped, Wakeup};
use super::lift::{At, Lifted};
use super::lower::{Lower, Realloc, answer_layout};
use super::wasm::{Limits, Program};
use super::{Denied, Guest, MEMORY_REFUSED, Reply, Trap, TrapReason, Turn, Usage, lent, wasi};
use kernel_core::{Address, Answer, Call, CallKind, Instant, Names};
use std::collections::VecDeque;
use std::mem::{replace, swap, take};
use wasmi::errors::{ErrorKind, InstantiationError};
use wasmi::{Error, Func, Memory, ResumableCall, ResumableCallHostTrap, ResumableCallOutOfFuel, Store, TrapCode, Val};

/// One life of a [`Program`]. Dropping it is the kill.
pub struct WasmGuest {
    program: Program,
    limits: Limits,
    store: Store<Host>,
    state: State,
    live: Option<Live>,
    /// What `init` will be told, until it is.
    our: Option<String>,
    fuel: Fuel,
    /// What bringing answers in has used.
    allocated: Usage,
    /// Nanoseconds that the host took to begin it.
    begun: u64,
}

/// Handles into an instance.
#[derive(Clone, Copy)]
struct Live {
    memory: Memory,
    realloc: Realloc,
    init: Func,
}

/// Where a guest stands between two turns.
enum State {
    /// Before its first turn.
    Fresh,
    /// In a call, waiting for its answer; `ret` is its return pointer.
    Calling { frame: ResumableCallHostTrap, call: CallKind, ret: u32 },
    /// Reading the clock into `at`.
    Reading { frame: ResumableCallHostTrap, at: u32 },
    /// Asleep.
    Sleeping { frame: ResumableCallHostTrap, wakeup: Wakeup },
    /// Computing; its next step takes `needs`.
    Spinning { frame: ResumableCallOutOfFuel, needs: u64 },
    /// Returned or trapped.
    Over,
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            State::Fresh => "has not begun",
            State::Calling { .. } => "waits for an answer",
            State::Reading { .. } => "reads the clock",
            State::Sleeping { .. } => "sleeps",
            State::Spinning { .. } => "spins",
            State::Over => "is over",
        }
    }
}

impl Guest for WasmGuest {
    /// # Panics
    /// If the reply does not fit the turn before: a mistake of the world's.
    fn resume(&mut self, names: &mut Names, reply: Reply, ahead: &mut VecDeque<Call>) -> Turn {
        self.store.data_mut().ahead_bytes = 0;
        let turn = self.turn(names, reply, ahead);
        self.fuel.settle(&mut self.store);
        turn.unwrap_or_else(|mut trap| {
            self.state = State::Over;
            let limits = &self.store.data().limits;
            if limits.exceeded && trap.denied.is_none() {
                trap.denied = Some(Denied::ByBound("the memory that the simulator gives a process, 128 MiB"));
            }
            if limits.has_refused() {
                trap.denied = Some(Denied::ByPlan);
                trap.text = format!("{} [{MEMORY_REFUSED}]", trap.text).trim().into();
            }
            Turn::Trapped(trap)
        })
    }

    fn usage(&self) -> Usage {
        let fuel = self.fuel.used + self.allocated.fuel;
        let copied = self.store.data().lifted + self.allocated.copied;
        // A byte of new memory takes half a nanosecond to a whole one, page by page as the operating system gives it.
        let host = self.begun + self.store.data().limits.zeroed;
        Usage { fuel, copied, memory: self.memory_pages() << 16, host }
    }
}

impl WasmGuest {
    pub(super) fn new(program: Program, limits: Limits, store: Store<Host>) -> WasmGuest {
        let (state, fuel, allocated) = (State::Fresh, Fuel::default(), Usage::default());
        WasmGuest { program, limits, store, state, live: None, our: None, fuel, allocated, begun: 0 }
    }

    /// The fuel it has used so far: for reports, never for a trace. Depends on the engine's prices.
    pub fn fuel_used(&self) -> u64 {
        self.fuel.used
    }

    /// The pages of 64 KiB that its memory has now: for reports, never for a trace.
    pub fn memory_pages(&self) -> u64 {
        self.live.map_or(0, |live| live.memory.size(&self.store))
    }

    fn turn(&mut self, names: &mut Names, reply: Reply, ahead: &mut VecDeque<Call>) -> Result<Turn, Trap> {
        match (replace(&mut self.state, State::Over), reply) {
            (State::Fresh, Reply::Answer(Answer::Init(our))) => self.begin(names, our, ahead),
            (State::Calling { frame, call, ret }, Reply::Answer(answer)) => {
                let result = self.lower(names, call, ret, &answer)?;
                self.fuel.begin(&mut self.store, &self.limits, 0);
                self.run(names, ahead, |store| frame.resume(store, result.as_slice(), &mut []))
            }
            (State::Reading { frame, at }, Reply::Clock(Instant(nanos))) => {
                let memory = self.live().memory.data_mut(&mut self.store);
                memory[at as usize..at as usize + 8].copy_from_slice(&nanos.to_le_bytes());
                self.fuel.begin(&mut self.store, &self.limits, 0);
                self.run(names, ahead, |store| frame.resume(store, &[Val::I32(0)], &mut []))
            }
            (State::Sleeping { frame, wakeup }, Reply::Continue) => {
                wasi::wake(self.live().memory.data_mut(&mut self.store), wakeup);
                self.fuel.begin(&mut self.store, &self.limits, 0);
                self.run(names, ahead, |store| frame.resume(store, &[Val::I32(0)], &mut []))
            }
            (State::Spinning { frame, needs }, Reply::Continue) => {
                self.fuel.begin(&mut self.store, &self.limits, needs);
                self.run(names, ahead, |store| frame.resume(store, &mut []))
            }
            (state, reply) => panic!("a guest that {} is not resumed with {reply:?}", state.name()),
        }
    }

    fn live(&self) -> Live {
        self.live.expect("a guest that has begun has an instance")
    }

    /// The start function, `_initialize`, `init`.
    fn begin(&mut self, names: &mut Names, our: Address, ahead: &mut VecDeque<Call>) -> Result<Turn, Trap> {
        self.store.data_mut().our = our.node;
        self.our = Some(names.address_text(our));
        // A start function cannot be suspended: it gets the quantum at once, and no more.
        self.fuel.begin_whole(&mut self.store, &self.limits);
        self.begun = self.program.instance_nanos();
        let instance = self.program.instantiate(&mut self.store);
        self.fuel.settle(&mut self.store);
        let instance = instance.map_err(|error| match error.as_trap_code() {
            Some(TrapCode::OutOfFuel) => Trap::new(
                TrapReason::Abi,
                "the start function computed for a whole spin quantum; it cannot be paused: do the work in `init`",
            )
            .at_bound("20 million fuel in a start function"),
            Some(_) | None => trap_of(&error, self.store.data_mut()),
        })?;
        let checked = "exports are checked when a program is loaded";
        let live = Live {
            memory: instance.get_memory(&self.store, "memory").expect(checked),
            realloc: instance.get_typed_func(&self.store, "cabi_realloc").expect(checked),
            init: instance.get_func(&self.store, "init").expect(checked),
        };
        self.live = Some(live);
        self.store.data_mut().memory = Some(live.memory);
        match instance.get_func(&self.store, "_initialize") {
            Some(initialize) => {
                self.fuel.begin(&mut self.store, &self.limits, 0);
                self.run(names, ahead, |store| initialize.call_resumable(store, &[], &mut []))
            }
            None => self.init(names, ahead),
        }
    }

    /// Calls `init`, once everything before it has returned.
    fn init(&mut self, names: &mut Names, ahead: &mut VecDeque<Call>) -> Result<Turn, Trap> {
        let our = self.our.take().expect("init is called once");
        let lowered = self.lowering(names, |lower| lower.bytes(our.as_bytes()).at("our"));
        let (pointer, length) = lowered.map_err(|error| self.store.data().abi_trap("init", &error))?;
        let init = self.live().init;
        let arguments = [Val::I32(pointer.cast_signed()), Val::I32(length.cast_signed())];
        self.fuel.begin(&mut self.store, &self.limits, 0);
        self.run(names, ahead, |store| init.call_resumable(store, &arguments, &mut []))
    }

    /// Lends the guest's allocator to `lower`; what it burns is not the guest's.
    fn lowering<T>(&mut self, names: &Names, lower: impl FnOnce(&mut Lower<'_>) -> Lifted<T>) -> Lifted<T> {
        self.fuel.settle(&mut self.store);
        // From here to the next quantum, what the store holds is the allocator's.
        self.fuel.filled = 0;
        let live = self.live();
        let mut lowering = Lower::new(&mut self.store, live.memory, live.realloc, names);
        let lowered = lower(&mut lowering);
        let used = lowering.usage();
        self.allocated.fuel += used.fuel;
        self.allocated.copied += used.copied;
        lowered
    }

    /// Brings the answer to `call` into the guest, and says what the import returns.
    fn lower(&mut self, names: &Names, call: CallKind, ret: u32, answer: &Answer) -> Result<Option<Val>, Trap> {
        if let Some((size, _)) = answer_layout(call, self.program.world()) {
            let lowered = self.lowering(names, |lower| lower.answer(call, ret, size, answer).at("answer"));
            return lowered.map(|()| None).map_err(|error| self.store.data().abi_trap(call.name(), &error));
        }
        match (call, answer) {
            (CallKind::HasBlob, Answer::HasBlob(has)) => Ok(Some(Val::I32((*has).into()))),
            (call, Answer::Done) if call != CallKind::HasBlob => Ok(None),
            (call, answer) => panic!("{} is not answered with {answer:?}", call.name()),
        }
    }

    /// Runs until the guest stops, with the table of names in its store.
    fn run(
        &mut self,
        names: &mut Names,
        ahead: &mut VecDeque<Call>,
        step: impl FnOnce(&mut Store<Host>) -> Result<ResumableCall, Error>,
    ) -> Result<Turn, Trap> {
        let host = self.store.data_mut();
        host.names = Some(lent::take(names));
        swap(&mut host.ahead, ahead);
        let outcome = step(&mut self.store);
        let turn = self.drive(outcome);
        let host = self.store.data_mut();
        swap(&mut host.ahead, ahead);
        lent::give_back(names, host.names.take().expect("nobody takes the names while a guest runs"));
        match turn {
            Ok(Turn::Returned) if self.our.is_some() => self.init(names, ahead),
            turn => turn,
        }
    }

    fn drive(&mut self, mut outcome: Result<ResumableCall, Error>) -> Result<Turn, Trap> {
        loop {
            match outcome {
                Ok(ResumableCall::Finished) => return Ok(Turn::Returned),
                Ok(ResumableCall::OutOfFuel(frame)) => {
                    let needs = frame.required_fuel();
                    if !self.fuel.refill(&mut self.store, &self.limits, needs) {
                        self.state = State::Spinning { frame, needs };
                        return Ok(Turn::Busy(self.limits.spin_time));
                    }
                    outcome = frame.resume(&mut self.store, &mut []);
                }
                Ok(ResumableCall::HostTrap(frame)) => {
                    let reason = self.store.data_mut().stop.take();
                    return match reason.expect("an import that stops its guest says why") {
                        Stop::Call { call, ret } => {
                            self.state = State::Calling { frame, call: call.kind(), ret };
                            Ok(Turn::Call(call))
                        }
                        Stop::Clock { clock, at } => {
                            self.state = State::Reading { frame, at };
                            Ok(Turn::Clock(clock))
                        }
                        Stop::Sleep(span, wakeup) => {
                            self.state = State::Sleeping { frame, wakeup };
                            Ok(Turn::Sleep(span))
                        }
                        Stop::Trap(trap) => Err(trap),
                    };
                }
                Err(error) => return Err(trap_of(&error, self.store.data_mut())),
            }
        }
    }
}

/// Says in our words what happened: the engine's own texts hold counters of the process they run in.
pub(super) fn trap_of(error: &Error, host: &mut Host) -> Trap {
    if error.downcast_ref::<Stopped>().is_some() {
        return match host.stop.take() {
            Some(Stop::Trap(trap)) => trap,
            Some(Stop::Call { .. } | Stop::Clock { .. } | Stop::Sleep(..)) | None => {
                host.trap(TrapReason::Abi, "a call where none can be made")
            }
        };
    }
    let (reason, text) = match (error.as_trap_code(), error.kind()) {
        (Some(code), _) => describe(code),
        (None, ErrorKind::Instantiation(InstantiationError::FailedToInstantiateMemory(_))) => {
            (TrapReason::OutOfMemory, "its memory is larger at the start than the limit")
        }
        (None, ErrorKind::Instantiation(_)) => {
            (TrapReason::OutOfMemory, "its tables are larger at the start than the limit")
        }
        (None, _) => (TrapReason::Abi, "the interpreter refused to run it"),
    };
    host.trap(reason, text)
}

fn describe(code: TrapCode) -> (TrapReason, &'static str) {
    match code {
        TrapCode::UnreachableCodeReached => (TrapReason::Unreachable, "unreachable"),
        TrapCode::MemoryOutOfBounds => (TrapReason::OutOfBounds, "memory access out of bounds"),
        TrapCode::TableOutOfBounds => (TrapReason::OutOfBounds, "table access out of bounds"),
        TrapCode::IndirectCallToNull => (TrapReason::OutOfBounds, "indirect call of a null function"),
        TrapCode::BadSignature => (TrapReason::OutOfBounds, "indirect call of a function of another type"),
        TrapCode::IntegerDivisionByZero => (TrapReason::Arithmetic, "division by zero"),
        TrapCode::IntegerOverflow => (TrapReason::Arithmetic, "integer overflow"),
        TrapCode::BadConversionToInteger => (TrapReason::Arithmetic, "a number that is no integer, converted to one"),
        TrapCode::StackOverflow => (TrapReason::StackOverflow, "stack overflow"),
        TrapCode::OutOfFuel => (TrapReason::Abi, "it computed for too long where it cannot be paused"),
        TrapCode::GrowthOperationLimited => (TrapReason::OutOfMemory, "out of memory"),
    }
}

/// The account of one guest's fuel. Every turn begins with a full quantum, whatever the turns before have left.
#[derive(Default)]
struct Fuel {
    /// Used up so far.
    used: u64,
    /// What the store held when it was last filled.
    filled: u64,
    /// What of the quantum the store has not been given yet.
    rest: u64,
}

impl Fuel {
    /// Begins a quantum: at least `needs`, or a step that costs more than a quantum would never be done.
    fn begin(&mut self, store: &mut Store<Host>, limits: &Limits, needs: u64) {
        let quantum = limits.spin_fuel.max(needs);
        self.fill(store, limits, quantum, needs);
    }

    /// Begins a quantum that is given at once: for what cannot be paused.
    fn begin_whole(&mut self, store: &mut Store<Host>, limits: &Limits) {
        (self.filled, self.rest) = (limits.spin_fuel, 0);
        store.set_fuel(self.filled).expect("the engine meters fuel");
    }

    /// Goes on with the quantum, if `needs` is left of it. Whether it is does not depend on how it is sliced.
    fn refill(&mut self, store: &mut Store<Host>, limits: &Limits, needs: u64) -> bool {
        self.settle(store);
        let left = self.filled + self.rest;
        if needs <= left {
            self.fill(store, limits, left, needs);
        }
        needs <= left
    }

    /// Gives the store the next slice of what is `left`.
    fn fill(&mut self, store: &mut Store<Host>, limits: &Limits, left: u64, needs: u64) {
        self.filled = limits.slice_fuel.map_or(left, |slice| slice.max(needs).min(left));
        self.rest = left - self.filled;
        store.set_fuel(self.filled).expect("the engine meters fuel");
    }

    /// Counts what has been used since the store was filled, by the guest or by the host for it.
    fn settle(&mut self, store: &mut Store<Host>) {
        let left = store.get_fuel().expect("the engine meters fuel");
        let paid = take(&mut store.data_mut().debt).min(self.rest);
        self.used += self.filled.saturating_sub(left) + paid;
        self.filled = left.min(self.filled);
        self.rest -= paid;
    }
}
