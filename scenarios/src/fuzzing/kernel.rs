//! Histories of inputs for the kernel as a value, with a world that is as small as can be.

use kernel_core::command::{Command, Initialize};
use kernel_core::{
    Address, Answer, Blob, Bytes, Call, Capability, Cause, Change, Content, Deviation, Duration, Effect, Exit, ImageId,
    Input, Instant, Kernel, LifeId, LoadError, Message, MessageId, Moment, Names, NodeId, OnExit, OnExitRequest,
    Outgoing, ProcessRef, Record, Refused, Request, Response, Semantics, Spawn, StateDone, StateOp, Ticket, WriteId,
};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// Any history of inputs that a world could bring about: the kernel neither panics nor contradicts itself, resumes only
/// who waits, and two kernels of one history are equal.
pub fn kernel_step(bytes: &[u8]) {
    let (rules, bytes) = bytes.split_at_checked(4).unwrap_or((&[0; 4], &[]));
    let semantics = semantics(rules);
    let mut driver = Driver::new(semantics.clone());
    for chunk in bytes.chunks_exact(3).take(2_000) {
        driver.act(chunk[0], chunk[1], chunk[2]);
        assert_eq!(driver.kernel.check(), Ok(()));
    }
    let history = std::mem::take(&mut driver.history);
    let mut again = Driver::new(semantics);
    for (now, input) in history {
        match input {
            Some(input) => again.step(now, input),
            None => again.boot(now),
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
    rows: BTreeMap<ProcessRef, Record>,
    guests: BTreeMap<ProcessRef, Guest>,
    writes: VecDeque<(WriteId, Vec<Change>)>,
    loads: Vec<Ticket>,
    states: Vec<(ProcessRef, LifeId, StateOp)>,
    seen: Vec<Rc<Message>>,
    /// What the kernel wants and has not got yet, first come, first served: what a step brings about at once (a trapped
    /// guest's exit) must not overtake what that step wants besides.
    effects: VecDeque<Effect>,
    /// Every input so far; `None` is a crash and a boot.
    history: Vec<(Instant, Option<Input>)>,
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
            seen: Vec::new(),
            effects: VecDeque::new(),
            history: Vec::new(),
        }
    }

    fn act(&mut self, what: u8, a: u8, b: u8) {
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
                    (_, StateOp::Get) => Ok(StateDone::Got(Some(Bytes::from("state")))),
                    (_, _) => Ok(StateDone::Saved),
                };
                self.go(Input::State(process, run, result));
            }
            6 => {
                self.now = self.now + Duration::from_millis(u64::from(a) * u64::from(b));
                self.go(Input::Wake);
            }
            7 => self.command(process, b),
            8 => {
                let other = Address { node: NodeId(1), process };
                let message = self.message(other, Address { node: self.our, ..other }, b);
                self.go(Input::Arrived(message));
            }
            9 if b < 16 => {
                self.history.push((self.now, None));
                self.boot(self.now);
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
        Address { node: if a.is_multiple_of(11) { NodeId(1) } else { self.our }, process: target }
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
            4 | 5 => Call::SendRequest(Box::new(self.outgoing(a, kind))),
            6 => Call::SendRequests(vec![self.outgoing(a, kind), self.outgoing(a.wrapping_add(1), kind)]),
            7 | 8 => Call::SendResponse(Box::default()),
            9 => Call::SendAndAwaitResponse(Box::new(self.outgoing(a, kind))),
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

    fn message(&self, source: Address, target: Address, b: u8) -> Rc<Message> {
        let answers = self.seen.get(b as usize % self.seen.len().max(1));
        let (id, content) = match answers {
            Some(seen) if b.is_multiple_of(2) => (seen.id, Content::Response(Response::default())),
            _ => (MessageId(u64::from(b)), Content::Request(Request::default())),
        };
        Rc::new(Message { id, source, target, rsvp: None, content, blob: None, cause: Cause(0) })
    }

    /// Something happens: as the world would, now.
    fn go(&mut self, input: Input) {
        self.history.push((self.now, Some(input.clone())));
        self.step(self.now, input);
    }

    fn step(&mut self, now: Instant, input: Input) {
        self.step_within(now, input);
        self.carry_out(now);
    }

    fn step_within(&mut self, now: Instant, input: Input) {
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
        self.kernel.step(&mut self.names, Moment { now, cause: Cause(0) }, input, &mut out);
        self.effects.extend(out);
    }

    fn boot(&mut self, now: Instant) {
        self.boots += 1;
        self.guests.clear();
        self.writes.clear();
        self.loads.clear();
        self.states.clear();
        self.effects.clear();
        let rows = self.rows.iter().map(|(id, row)| (*id, row.clone())).collect();
        let mut out = Vec::new();
        let at = Moment { now, cause: Cause(0) };
        self.kernel =
            Kernel::boot(self.our, self.semantics.clone(), self.boots << 40, rows, &mut self.names, at, &mut out);
        self.effects.extend(out);
        self.carry_out(now);
    }

    fn carry_out(&mut self, now: Instant) {
        while let Some(effect) = self.effects.pop_front() {
            match effect {
                Effect::Start { process, .. } => {
                    let before = self.guests.insert(process, Guest::Computing);
                    assert!(before.is_none(), "a life begins where none is");
                }
                Effect::Resume(process, answer) => {
                    assert!(!matches!(answer, Answer::Init(_)), "the world begins lives");
                    let before = self.guests.insert(process, Guest::Computing);
                    assert!(before == Some(Guest::Waiting), "only who waits is resumed");
                }
                Effect::Stop(process) => {
                    assert!(self.guests.remove(&process).is_some(), "only who lives is stopped");
                }
                // What a life that is over does is for the scenarios.
                Effect::Orphan(process, _) => {
                    assert!(self.guests.remove(&process).is_some(), "only who lives is ended");
                }
                Effect::ResumeOrphan(..) | Effect::EndOrphan(_) => {}
                Effect::Trap(process, _) => {
                    self.step_within(now, Input::Exited { process, exit: Exit::Panicked, last_words: "".into() });
                }
                Effect::Load(ticket, _) => self.loads.push(ticket),
                Effect::State(process, run, op) => self.states.push((process, run, op)),
                Effect::Write(write, changes) => self.writes.push_back((write, changes)),
                Effect::Sent(message) => {
                    if self.seen.len() < 64 {
                        self.seen.push(message);
                    }
                }
                Effect::Fail(_) => return self.boot(now),
                Effect::Deliver(..) | Effect::Transmit(_) | Effect::Dropped(..) | Effect::Shutdown => {}
            }
        }
    }
}
