//! Histories of inputs for the kernel as a value, with a world that is as small as can be.
//!
//! By the book's rules a history is recorded as events, and the invariants and the reference model are folded over them:
//! a search that is guided by coverage looks for broken rules, and not only for panics.

mod facts;

use facts::Facts;
use kernel_core::command::{Command, Initialize};
use kernel_core::{
    Address, Answer, Blob, Bytes, Call, Capability, Cause, Change, Content, Deviation, Duration, Effect, Exit, ImageId,
    Input, Instant, Kernel, LifeId, LoadError, Message, MessageId, Moment, Names, NodeId, OnExit, OnExitRequest,
    Outgoing, ProcessRef, Record, Refused, Request, Response, Semantics, Source, Spawn, StateDone, StateOp, Ticket,
    WriteId,
};
use sim::trace::event::What;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// Any history of inputs that a world could bring about: the kernel neither panics nor contradicts itself, resumes only
/// who waits, two kernels of one history are equal, and the book's breaks no rule.
pub fn kernel_step(bytes: &[u8]) {
    let (rules, bytes) = bytes.split_at_checked(4).unwrap_or((&[0; 4], &[]));
    let semantics = semantics(rules);
    let mut driver = Driver::new(semantics.clone());
    if semantics == Semantics::book() {
        driver = driver.recording();
    }
    for chunk in bytes.chunks_exact(3).take(2_000) {
        driver.act(chunk[0], chunk[1], chunk[2]);
        assert_eq!(driver.kernel.check(), Ok(()));
        if let Some(broken) = driver.facts.as_ref().and_then(Facts::broken) {
            panic!("the book's kernel breaks a rule: {broken}");
        }
    }
    let history = std::mem::take(&mut driver.history);
    let mut again = Driver::new(semantics);
    for (at, input) in history {
        match input {
            Some(input) => again.step(at, input),
            None => again.boot(at),
        }
    }
    assert_eq!(again.kernel, driver.kernel, "equal histories make equal kernels");
}

/// The book's rules, or some deviations from them: even a wrong kernel must not panic.
fn semantics(rules: &[u8]) -> Semantics {
    let bits = u32::from_le_bytes(rules.try_into().expect("four bytes"));
    // There are more of them than bits: a bit turns on all that share it.
    let deviating = Deviation::ALL.iter().enumerate().filter(|(index, _)| bits & (1 << (index % 32)) != 0);
    match bits % 2 {
        0 => Semantics::book(),
        _ => deviating.fold(Semantics::book(), |semantics, (_, deviation)| semantics.with(*deviation)),
    }
}

/// What a process does, as far as a world knows.
#[derive(Clone, Copy, PartialEq)]
enum Guest {
    Computing,
    Waiting,
}

/// Plays the world to one kernel: keeps what is under way, and answers each thing once.
struct Driver {
    names: Names,
    our: NodeId,
    kernel: Kernel,
    semantics: Semantics,
    now: Instant,
    boots: u64,
    rows: BTreeMap<ProcessRef, Rc<Record>>,
    guests: BTreeMap<ProcessRef, Guest>,
    writes: VecDeque<(WriteId, Vec<Change>)>,
    /// A spawn's code, which is to be loaded, and may not be there. A command's comes with it.
    loads: Vec<Ticket>,
    states: Vec<(ProcessRef, LifeId, StateOp)>,
    /// What is saved of each process.
    saved: BTreeMap<ProcessRef, Bytes>,
    /// How many messages came from the other node.
    arrived: u64,
    seen: Vec<Rc<Message>>,
    /// What the kernel wants and has not got yet, first come, first served: what a step brings about at once (a trapped
    /// guest's exit) must not overtake what that step wants besides.
    effects: VecDeque<Effect>,
    /// Every input so far, at its instant and with its cause; `None` is a crash and a boot.
    history: Vec<(Moment, Option<Input>)>,
    /// What it looks like from outside, if that is recorded.
    facts: Option<Facts>,
}

impl Driver {
    fn new(semantics: Semantics) -> Driver {
        let mut names = Names::new();
        let our = names.node("a.os");
        names.node("b.os");
        for n in 0..4 {
            names.process(&format!("p{n}:fuzz:a.os"));
        }
        let at = Moment { now: Instant(0), cause: Cause(0) };
        let kernel = Kernel::boot(our, semantics.clone(), 0, vec![], &mut names, at, &mut Vec::new());
        Driver {
            names,
            our,
            kernel,
            semantics,
            now: Instant(0),
            boots: 0,
            rows: BTreeMap::new(),
            guests: BTreeMap::new(),
            writes: VecDeque::new(),
            loads: Vec::new(),
            states: Vec::new(),
            saved: BTreeMap::new(),
            arrived: 0,
            seen: Vec::new(),
            effects: VecDeque::new(),
            history: Vec::new(),
            facts: None,
        }
    }

    /// Records what happens from its beginning on.
    fn recording(mut self) -> Driver {
        let mut facts = Facts::new(self.our, &self.semantics);
        facts.boots(self.now, 1, &self.names);
        self.facts = Some(facts);
        self
    }

    /// The moment of what happens next, if nothing else brought it about.
    fn moment(&self) -> Moment {
        Moment { now: self.now, cause: self.facts.as_ref().map_or(Cause(0), Facts::next) }
    }

    /// Lets time pass, and wakes the kernel whenever it wants to be.
    fn wait(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(deadline) = self.kernel.next_deadline().filter(|deadline| *deadline <= until) {
            self.now = self.now.max(deadline);
            self.go(Input::Wake);
        }
        self.now = until;
    }

    fn act(&mut self, what: u8, a: u8, b: u8) {
        // Nothing takes no time (S7).
        self.wait(Duration::from_micros(10));
        let process = self.process(a);
        let computes = self.guests.get(&process) == Some(&Guest::Computing);
        match what % 10 {
            0 | 1 if computes => {
                let call = self.call(b, a);
                self.go(Input::Call(process, call));
            }
            2 if computes => {
                let exit = if b.is_multiple_of(2) { Exit::Returned } else { Exit::Panicked };
                let last_words = if b < 200 { "".into() } else { Bytes::from(&[0xff_u8][..]) };
                self.go(Input::Exited { process, exit, last_words });
            }
            3 if !self.writes.is_empty() => {
                let done = if b < 230 { Ok(()) } else { Err(Refused) };
                self.go(Input::Written(self.writes[0].0, done));
            }
            4 if !self.loads.is_empty() => {
                let ticket = self.loads[a as usize % self.loads.len()];
                let result = match b % 8 {
                    0 => Err(LoadError::NoFile),
                    1 => Err(LoadError::Invalid),
                    image => Ok(ImageId(image.into())),
                };
                self.go(Input::Loaded(ticket, result));
            }
            5 if !self.states.is_empty() => {
                let (process, run, op) = self.states[a as usize % self.states.len()].clone();
                let result = match (b, op) {
                    (230.., _) => Err(Refused),
                    (_, StateOp::Get) => Ok(StateDone::Got(self.saved.get(&process).cloned())),
                    (_, StateOp::Set(bytes)) => {
                        self.saved.insert(process, bytes);
                        Ok(StateDone::Saved)
                    }
                    (_, StateOp::Clear) => {
                        self.saved.remove(&process);
                        Ok(StateDone::Saved)
                    }
                };
                self.go(Input::State(process, run, result));
            }
            6 => {
                self.wait(Duration::from_millis(u64::from(a) * u64::from(b)));
                self.go(Input::Wake);
            }
            7 => self.command(process, b),
            8 => {
                // A module there: whether a guest may speak across nodes is decided where it lives.
                let other = Address { node: NodeId(1), process: ProcessRef::TERMINAL };
                let message = self.message(other, Address { node: self.our, process }, b);
                let at = self.moment();
                if let Some(facts) = &mut self.facts {
                    let sent = What::Sent(message.clone());
                    facts.record_at(NodeId(1), at.now, None, sent, &self.names);
                    facts.record(at.now, Some(message.cause), What::Arrived(message.clone()), &self.names);
                }
                self.go_by(message.cause, Input::Arrived(message));
            }
            9 if b < 16 => {
                let at = self.moment();
                self.history.push((at, None));
                self.boot(at);
            }
            // Nobody to whom it could happen.
            _ => {}
        }
    }

    /// One of the four userspace processes.
    fn process(&self, a: u8) -> ProcessRef {
        ProcessRef(ProcessRef::FIRST_GUEST + u32::from(a % 4))
    }

    fn address(&self, a: u8) -> Address {
        let target = if a.is_multiple_of(7) { ProcessRef::KERNEL } else { self.process(a) };
        match a.is_multiple_of(11) {
            true => Address { node: NodeId(1), process: ProcessRef::TERMINAL },
            false => Address { node: self.our, process: target },
        }
    }

    fn outgoing(&self, a: u8, b: u8) -> Outgoing {
        let capabilities = vec![Capability::messaging(self.address(b))];
        let expects_response = (!b.is_multiple_of(3)).then_some(u64::from(b % 5));
        let request = Request { inherit: b % 4 == 1, expects_response, capabilities, ..Request::default() };
        let blob = (b % 5 == 2).then(|| Blob { mime: None, bytes: Bytes::from("blob") });
        Outgoing { target: self.address(a), request, context: None, blob }
    }

    fn call(&self, kind: u8, a: u8) -> Call {
        let capabilities = vec![Capability::messaging(self.address(a)), Capability::network(self.our)];
        match kind % 20 {
            0..4 => Call::Receive,
            4 | 5 => Call::SendRequest(Rc::new(self.outgoing(a, kind))),
            6 => Call::SendRequests(vec![self.outgoing(a, kind), self.outgoing(a.wrapping_add(1), kind)].into()),
            7 | 8 => Call::SendResponse(Rc::default()),
            9 => Call::SendAndAwaitResponse(Rc::new(self.outgoing(a, kind))),
            10 => Call::SetOnExit(self.on_exit(a)),
            11 => Call::GetState,
            12 => Call::SetState(Bytes::from("state")),
            13 => Call::ClearState,
            14 => Call::Spawn(Box::new(Spawn {
                name: Some(format!("p{}", a % 4).into()),
                path: "/f".into(),
                on_exit: self.on_exit(a),
                request_capabilities: capabilities,
                grant_capabilities: vec![(self.process(a), kernel_core::ParamsRef::MESSAGING)],
                public: a.is_multiple_of(2),
            })),
            15 => Call::SaveCapabilities(capabilities),
            16 => Call::DropCapabilities(capabilities),
            17 => Call::OurCapabilities,
            18 => Call::GetBlob,
            _ => Call::GetOnExit,
        }
    }

    fn on_exit(&self, a: u8) -> OnExit {
        let target = self.address(a);
        match a % 3 {
            0 => OnExit::None,
            1 => OnExit::Restart,
            _ => OnExit::Requests([OnExitRequest { target, request: Request::default(), blob: None }].into()),
        }
    }

    fn command(&mut self, process: ProcessRef, b: u8) {
        let capabilities = vec![Capability::network(self.our), Capability::messaging(self.address(b))];
        let command = match b % 8 {
            0 | 1 => Command::Kill(process),
            2 | 3 => Command::Run(process),
            4 => Command::Grant(process, capabilities),
            5 => Command::Drop(process, capabilities),
            6 => Command::SetOnExit(process, self.on_exit(b)),
            _ => Command::Initialize(Box::new(Initialize {
                id: process,
                on_exit: self.on_exit(b / 8),
                initial_capabilities: capabilities,
                public: b > 128,
            })),
        };
        let request = Request { expects_response: Some(60), body: command.to_body(&self.names), ..Request::default() };
        let target = Address { node: self.our, process: ProcessRef::KERNEL };
        let blob = Some(Blob { mime: None, bytes: Bytes::from("code") });
        self.go(Input::ModuleRequest(
            ProcessRef::TERMINAL,
            Box::new(Outgoing { target, request, context: None, blob }),
        ));
    }

    /// A message of another node: a response to one that it was sent, or a request.
    fn message(&mut self, source: Address, target: Address, b: u8) -> Rc<Message> {
        let asked: Vec<&Rc<Message>> =
            self.seen.iter().filter(|seen| seen.is_request() && seen.target == source).collect();
        let (id, target, content) = match asked.get(b as usize % asked.len().max(1)) {
            Some(seen) if b.is_multiple_of(2) => {
                (seen.id, seen.rsvp.unwrap_or(seen.source), Content::Response(Response::default()))
            }
            _ => {
                self.arrived += 1;
                (MessageId((1 << 60) + self.arrived), target, Content::Request(Request::default()))
            }
        };
        let cause = self.moment().cause;
        Rc::new(Message { id, source, target, rsvp: None, content, blob: None, cause })
    }

    /// Something happens: as the world would, now.
    fn go(&mut self, input: Input) {
        let cause = self.moment().cause;
        self.go_by(cause, input);
    }

    fn go_by(&mut self, cause: Cause, input: Input) {
        let at = Moment { now: self.now, cause };
        self.history.push((at, Some(input.clone())));
        self.step(at, input);
    }

    fn step(&mut self, at: Moment, input: Input) {
        self.step_within(at, input);
        self.carry_out(at);
    }

    /// Records what happens before the kernel hears of it.
    fn note(&mut self, at: Moment, input: &Input) {
        let Some(facts) = &mut self.facts else { return };
        match input {
            Input::Call(process, call) => {
                facts.calls(at.now, *process, call, &self.names);
            }
            Input::Exited { process, exit, .. } => {
                facts.exits(at.now, *process, *exit, &self.names);
            }
            Input::Written(_, Ok(())) => {
                facts.written(at.now, &self.writes[0].1, &self.names);
            }
            Input::Written(_, Err(_)) => {
                facts.record(at.now, None, What::WriteRefused, &self.names);
            }
            Input::State(process, run, Ok(_)) => {
                let of = self.states.iter().find(|(other, life, _)| (other, life) == (process, run));
                let (_, _, op) = of.expect("it was asked for").clone();
                facts.saved(at.now, *process, &op, &self.names);
            }
            _ => {}
        }
    }

    fn step_within(&mut self, at: Moment, input: Input) {
        self.note(at, &input);
        match &input {
            Input::Call(process, call) if call.kind().has_answer() => {
                self.guests.insert(*process, Guest::Waiting);
            }
            Input::Exited { process, .. } => {
                self.guests.remove(process);
            }
            Input::Written(..) => {
                let (_, changes) = self.writes.pop_front().expect("a write was under way");
                if matches!(input, Input::Written(_, Ok(()))) {
                    for change in changes {
                        match change {
                            Change::Put(id, record) => self.rows.insert(id, record),
                            Change::Remove(id) => self.rows.remove(&id),
                        };
                    }
                }
            }
            Input::Loaded(ticket, _) => self.loads.retain(|other| other != ticket),
            Input::State(process, run, _) => self.states.retain(|(p, r, _)| (p, r) != (process, run)),
            _ => {}
        }
        let mut out = Vec::new();
        self.kernel.step(&mut self.names, at, input, &mut out);
        self.effects.extend(out);
    }

    fn boot(&mut self, at: Moment) {
        self.boots += 1;
        if let Some(facts) = &mut self.facts {
            facts.boots(at.now, self.boots as u32 + 1, &self.names);
        }
        self.guests.clear();
        self.writes.clear();
        self.loads.clear();
        self.states.clear();
        self.effects.clear();
        let rows = self.rows.iter().map(|(id, row)| (*id, Record::clone(row))).collect();
        let mut out = Vec::new();
        self.kernel =
            Kernel::boot(self.our, self.semantics.clone(), self.boots << 40, rows, &mut self.names, at, &mut out);
        self.effects.extend(out);
        self.carry_out(at);
    }

    fn carry_out(&mut self, at: Moment) {
        while let Some(effect) = self.effects.pop_front() {
            if let Some(facts) = &mut self.facts {
                facts.effect(at.now, &effect, &mut self.names);
            }
            match effect {
                Effect::Start { process, .. } => {
                    let before = self.guests.insert(process, Guest::Computing);
                    assert!(before.is_none(), "a life begins where none is");
                }
                Effect::Resume(process, answer) => {
                    assert!(!matches!(answer, Answer::Init(_)), "the world begins lives");
                    let before = self.guests.insert(process, Guest::Computing);
                    assert!(before == Some(Guest::Waiting), "only a waiting guest is resumed");
                }
                Effect::Stop(process) | Effect::Orphan(process, _) => {
                    let lived = self.guests.remove(&process).is_some();
                    // A kernel whose loop waits may not have heard of its end.
                    let stops = [Deviation::FullChannelStopsLoop, Deviation::ComputingGuestStopsLoop];
                    let may_lag = stops.iter().any(|deviation| self.semantics.has(*deviation));
                    assert!(lived || may_lag, "only a life under way is stopped");
                }
                // What a life that is over does is for the scenarios.
                Effect::ResumeOrphan(..) | Effect::EndOrphan(_) => {}
                Effect::Trap(process, _) => {
                    self.step_within(at, Input::Exited { process, exit: Exit::Panicked, last_words: "".into() });
                }
                Effect::Load(ticket, Source::Blob(_)) => {
                    self.step_within(at, Input::Loaded(ticket, Ok(ImageId(0))));
                }
                Effect::Load(ticket, Source::File(..)) => self.loads.push(ticket),
                Effect::State(process, run, op) => self.states.push((process, run, op)),
                Effect::Write(write, changes) => self.writes.push_back((write, changes)),
                Effect::Sent(message) => {
                    if self.seen.len() < 64 {
                        self.seen.push(message);
                    }
                }
                Effect::Fail(_) => return self.boot(at),
                Effect::Deliver(..) | Effect::Transmit(_) | Effect::Dropped(..) | Effect::Shutdown => {}
            }
        }
    }
}
