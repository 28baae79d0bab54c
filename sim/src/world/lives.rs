//! Lives of guests on a node, from start to exit, each call taking effect in its turn.

use super::{CALL_COST, START_COST, Task, World};
use crate::guest::recorded::Recorded;
use crate::guest::wasm::Limits;
use crate::guest::{Clock, Reply, SPIN_QUANTUM, Trap, TrapReason, Turn};
use crate::plan::detail::{Count, Factor, Jump};
use crate::plan::fault::Memory;
use crate::plan::site::SubjectRef;
use crate::trace::event::{LastWords, Life, What};
use crate::world::node::Live;
use kernel_core::{Answer, Call, CallKind, Cause, Duration, Exit, ImageId, Input, Instant, LifeId, ProcessRef};
use std::collections::VecDeque;
use std::rc::Rc;

impl World<'_> {
    /// Begins a life. What it does until its first call it does now; that call takes effect later (S7).
    pub(super) fn start_guest(&mut self, node: usize, process: ProcessRef, run: LifeId, image: ImageId) {
        self.spent.starts += 1;
        let number = self.nodes[node].next_life(process);
        let life = Life { process, number };
        let cause = self.record(node, None, What::Started(life));
        let address = self.nodes[node].address(process);
        let subject = SubjectRef::Life(address, number);
        let seed = xxhash_rust::xxh3::xxh3_64(subject.named(&self.names).to_string().as_bytes());
        let trap = self.chooser.open(subject);
        let cost = self.chooser.open(subject);
        let spin = self.chooser.open(subject);
        let mut memory = self.chooser.open::<Memory>(subject);
        let refused_growth = self.chooser.ask(&mut memory, &self.names, || ()).map(|Count(nth)| nth);
        self.flavored |= refused_growth.is_some();
        let spin_fuel = self.scenario.spin_fuel.unwrap_or(self.options.limits.spin_fuel);
        let limits = Limits { refused_growth, spin_fuel, ..self.options.limits.clone() };
        let begin = self.images.begins(image, limits, seed);
        let guest = if self.keeps_answers { Box::new(Recorded::new(begin)) } else { begin() };
        let (ahead, then, waits_in, spins) = (VecDeque::new(), None, None, 0);
        let live = Live { number, run, cause, guest, ahead, then, waits_in, spins, trap, cost, spin };
        let up = self.nodes[node].up.as_mut().expect("lives begin on nodes that are up");
        up.put_guest(process, live);
        self.resume(node, life, Reply::Answer(Answer::Init(address)), START_COST);
    }

    /// A guest goes on: it runs to where it next needs something, which takes effect a call's cost from now.
    pub(super) fn resume(&mut self, node: usize, life: Life, reply: Reply, after: Duration) {
        let up = self.nodes[node].up.as_mut().expect("guests run on nodes that are up");
        let live = up.life(life.process, life.number).expect("a guest that is resumed is alive");
        let had = live.guest.usage().memory;
        let used = live.resume(&mut self.names, reply);
        self.spend(used, had);
        self.schedule_turn(node, life, after);
    }

    /// The next thing that a guest has done takes effect a call's cost from now.
    pub(super) fn schedule_turn(&mut self, node: usize, life: Life, after: Duration) {
        let up = self.nodes[node].up.as_mut().expect("guests run on nodes that are up");
        let live = up.life(life.process, life.number).expect("a guest that has a turn is alive");
        let cost = match (&live.then, live.ahead.is_empty()) {
            (Some(Turn::Busy(span)), true) => *span,
            // Time goes by even for who sleeps for no time: nobody may go round at one instant.
            (Some(Turn::Sleep(span)), true) => CALL_COST.max(*span),
            (then, no_call_before) => {
                // A read of the clock is no call: quanta before it would add up with those before the call.
                let spins = match (then, no_call_before) {
                    (Some(Turn::Clock(_)), true) => None,
                    _ => self.chooser.ask(&mut live.spin, &self.names, || ()),
                };
                if let Some(Count(quanta)) = spins {
                    live.spins = quanta;
                }
                let Factor(factor) = self.chooser.ask(&mut live.cost, &self.names, || ()).unwrap_or(Factor(1));
                Duration(CALL_COST.0 * u64::from(factor))
            }
        };
        let cost = if live.spins > 0 { SPIN_QUANTUM } else { cost };
        let at = self.now + after + cost;
        self.queue_in_order(node, at, Task::Turn(node, life.process, life.number));
    }

    /// A quantum is over that the chooser has a life compute for before it goes on.
    fn spin_on(&mut self, node: usize, life: Life, cause: Cause) {
        let index = self.record(node, Some(cause), What::Spun(life, SPIN_QUANTUM));
        let up = self.nodes[node].up.as_mut().expect("a node with a life is up");
        let live = up.life(life.process, life.number).expect("a life that computes is alive");
        live.cause = index;
        live.spins -= 1;
        let cost = if live.spins > 0 { SPIN_QUANTUM } else { CALL_COST };
        self.queue_in_order(node, self.now + cost, Task::Turn(node, life.process, life.number));
    }

    /// What a node's clock says.
    fn clock(&mut self, node: usize, cause: Cause, clock: Clock) -> Instant {
        let Clock::Real = clock else { return self.now };
        let stream = &mut self.nodes[node].streams.clock;
        if let Some(Jump(nanos)) = self.chooser.ask(stream, &self.names, || ()) {
            let off = &mut self.nodes[node].clock_off;
            *off = off.saturating_add(nanos);
            self.record(node, Some(cause), What::ClockJumped(nanos));
        }
        Instant(self.now.0.saturating_add_signed(self.nodes[node].clock_off))
    }

    /// A guest's next call, return or trap takes effect, if its life is still under way.
    pub(super) fn take_turn(&mut self, node: usize, process: ProcessRef, number: u32) {
        if !self.is_alive(node, process, number) || !self.before_step(node) || !self.is_alive(node, process, number) {
            return;
        }
        let life = Life { process, number };
        let up = self.nodes[node].up.as_mut().expect("a node with a life is up");
        let live = up.life(process, number).expect("it is alive");
        if live.spins > 0 {
            let cause = live.cause;
            return self.spin_on(node, life, cause);
        }
        let turn = match live.ahead.pop_front() {
            Some(call) => Turn::Call(call),
            None => live.then.take().expect("a guest whose turn it is has stopped for something"),
        };
        let more = !live.ahead.is_empty() || live.then.is_some();
        let cause = live.cause;
        match turn {
            Turn::Call(call) => {
                let injected = self.chooser.ask(&mut live.trap, &self.names, || ());
                if injected.is_some() {
                    return self.exit(
                        node,
                        life,
                        cause,
                        Exit::Panicked,
                        Some(Trap::new(TrapReason::Injected, "injected")),
                    );
                }
                self.call(node, life, cause, call, more);
            }
            Turn::Clock(clock) => {
                self.spend_in_silence(node, process);
                let reading = self.clock(node, cause, clock);
                self.resume(node, life, Reply::Clock(reading), Duration::ZERO);
            }
            Turn::Busy(span) => {
                self.flavored = true;
                live.cause = self.recorder.trace.next();
                self.record(node, Some(cause), What::Spun(life, span));
                self.resume(node, life, Reply::Continue, Duration::ZERO);
            }
            Turn::Sleep(_) => {
                self.spend_in_silence(node, process);
                self.resume(node, life, Reply::Continue, Duration::ZERO);
            }
            Turn::Returned => self.exit(node, life, cause, Exit::Returned, None),
            Turn::Trapped(trap) => self.exit(node, life, cause, Exit::Panicked, Some(trap)),
        }
    }

    pub(super) fn call(&mut self, node: usize, life: Life, cause: Cause, call: Call, more: bool) {
        self.spent.calls += 1;
        let kind = call.kind();
        let said = says_something(kind).then(|| call.clone());
        let index = self.record(node, Some(cause), What::Called(life, kind, said));
        match &call {
            Call::Print { verbosity, text } => {
                self.record(node, Some(index), What::Printed(life, *verbosity, text.clone()));
            }
            Call::SetOnExit(value) => {
                self.record(node, Some(index), What::SetsOnExit(life, Rc::new(value.clone())));
            }
            Call::SetState(bytes) => {
                self.record(node, Some(index), What::SavesState(life, Some(bytes.clone())));
            }
            Call::ClearState => {
                self.record(node, Some(index), What::SavesState(life, None));
            }
            Call::SaveCapabilities(list) => {
                self.record(node, Some(index), What::SavesCapabilities(life, list.as_slice().into()));
            }
            Call::DropCapabilities(list) => {
                self.record(node, Some(index), What::DropsCapabilities(life, list.as_slice().into()));
            }
            Call::Spawn(spawn) => {
                self.record(node, Some(index), What::Spawns(life, Rc::new((**spawn).clone())));
            }
            _ => {}
        }
        let up = self.nodes[node].up.as_mut().expect("a node with a life is up");
        let is_orphan = up.is_orphan(life.process, life.number);
        let live = up.life(life.process, life.number).expect("a life that calls is alive");
        live.waits_in = kind.has_answer().then_some(kind);
        let input = if is_orphan { Input::OrphanCall(live.run, call) } else { Input::Call(life.process, call) };
        self.step(node, index, input);
        if !kind.has_answer() && self.is_alive(node, life.process, life.number) {
            if more {
                self.schedule_turn(node, life, Duration::ZERO);
            } else {
                // The guest made more calls ahead than it may, and stopped with this one.
                self.resume(node, life, Reply::Answer(Answer::Done), Duration::ZERO);
            }
        }
    }

    /// A life ended by itself.
    pub(super) fn exit(&mut self, node: usize, life: Life, cause: Cause, exit: Exit, trap: Option<Trap>) {
        let up = self.nodes[node].up.as_mut().expect("a node with a life is up");
        if up.end_orphan(life.process, life.number) {
            // Its exit is nobody's business: it was killed long ago.
            return;
        }
        up.take_guest(life.process);
        let (last_words, words) = trap.map_or_else(
            || (Default::default(), "".into()),
            |trap| (trap.last_words.clone(), LastWords { made_by: trap.made_by(), text: trap.text }),
        );
        let index = self.record(node, Some(cause), What::Exited(life, exit, words));
        self.step(node, index, Input::Exited { process: life.process, exit, last_words });
    }

    pub(super) fn is_alive(&mut self, node: usize, process: ProcessRef, number: u32) -> bool {
        let Some(up) = &mut self.nodes[node].up else { return false };
        up.life(process, number).is_some()
    }
}

/// Which call returned, for the event that says so.
pub(super) fn returned(live: &Live) -> CallKind {
    live.waits_in.expect("only a call that is waited for returns")
}

/// Whether a message comes of such a call.
fn says_something(call: CallKind) -> bool {
    matches!(
        call,
        CallKind::SendRequest | CallKind::SendRequests | CallKind::SendResponse | CallKind::SendAndAwaitResponse
    )
}
