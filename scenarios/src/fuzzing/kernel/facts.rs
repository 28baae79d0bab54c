//! What a history of inputs looks like from outside: events as the world records them, and the invariants and the model
//! folded over them.

use kernel_core::command::{Command, CommandAnswer};
use kernel_core::{
    Address, Answer, Call, CallKind, Cause, Change, Effect, Exit, Instant, Message, Names, NodeId, ProcessRef,
    Received, Semantics, StateOp,
};
use sim::invariant::{Invariants, all};
use sim::plan::Down;
use sim::trace::event::{Event, Life, What};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The facts of one history.
pub(super) struct Facts {
    our: NodeId,
    next: u64,
    invariants: Invariants,
    /// How many lives each process has had.
    lives: BTreeMap<ProcessRef, u32>,
    /// The lives under way, each with the call that it waits in.
    alive: BTreeMap<ProcessRef, (Life, Option<CallKind>)>,
    /// The last lines, to print with a failure.
    told: Vec<String>,
}

impl Facts {
    pub(super) fn new(our: NodeId, semantics: &Semantics) -> Facts {
        let invariants = Invariants::new(all(semantics));
        let (lives, alive) = (BTreeMap::new(), BTreeMap::new());
        Facts { our, next: 0, invariants, lives, alive, told: Vec::new() }
    }

    /// The index of the next event.
    pub(super) fn next(&self) -> Cause {
        Cause(self.next)
    }

    /// What was broken, with the last events.
    pub(super) fn broken(&self) -> Option<String> {
        let broken = self.invariants.violations().first()?;
        let from = self.told.len().saturating_sub(60);
        Some(format!("{}: {}\n{}", broken.claim.rule, broken.facts, self.told[from..].join("\n")))
    }

    pub(super) fn record(&mut self, at: Instant, cause: Option<Cause>, what: What, names: &Names) -> Cause {
        self.record_at(self.our, at, cause, what, names)
    }

    /// On another node, perhaps.
    pub(super) fn record_at(
        &mut self,
        node: NodeId,
        at: Instant,
        cause: Option<Cause>,
        what: What,
        names: &Names,
    ) -> Cause {
        let index = self.next();
        let event = Event { at, node, cause: cause.unwrap_or(index), what };
        self.told.push(sim::trace::line(index, &event, names));
        self.invariants.on_event(index, &event, names);
        self.next += 1;
        index
    }

    pub(super) fn boots(&mut self, at: Instant, nth: u32, names: &Names) {
        if nth > 1 {
            let index = self.record(at, None, What::Down(Down::Crash), names);
            for (life, _) in std::mem::take(&mut self.alive).into_values() {
                self.record(at, Some(index), What::Lost(life), names);
            }
        }
        self.record(at, None, What::Booted(nth), names);
    }

    /// A call of a life is about to take effect.
    pub(super) fn calls(&mut self, at: Instant, process: ProcessRef, call: &Call, names: &Names) -> Cause {
        let kind = call.kind();
        let alive = self.alive.get_mut(&process).expect("only the living call");
        alive.1 = kind.has_answer().then_some(kind);
        let life = alive.0;
        let says = matches!(
            kind,
            CallKind::SendRequest | CallKind::SendRequests | CallKind::SendResponse | CallKind::SendAndAwaitResponse
        );
        let said = says.then(|| call.clone());
        let index = self.record(at, None, What::Called(life, kind, said), names);
        let what = match call {
            Call::SetOnExit(value) => What::SetsOnExit(life, Rc::new(value.clone())),
            Call::SetState(bytes) => What::SavesState(life, Some(bytes.clone())),
            Call::ClearState => What::SavesState(life, None),
            Call::SaveCapabilities(list) => What::SavesCapabilities(life, list.as_slice().into()),
            Call::DropCapabilities(list) => What::DropsCapabilities(life, list.as_slice().into()),
            Call::Spawn(spawn) => What::Spawns(life, Rc::new((**spawn).clone())),
            _ => return index,
        };
        self.record(at, Some(index), what, names);
        index
    }

    pub(super) fn exits(&mut self, at: Instant, process: ProcessRef, exit: Exit, names: &Names) -> Cause {
        let (life, _) = self.alive.remove(&process).expect("only the living exit");
        self.record(at, None, What::Exited(life, exit, "".into()), names)
    }

    /// A write is durable.
    pub(super) fn written(&mut self, at: Instant, changes: &[Change], names: &Names) -> Cause {
        let mut index = self.next();
        for change in changes {
            index = self.record(at, None, What::Durable(Rc::new(change.clone())), names);
        }
        index
    }

    /// A state is durable.
    pub(super) fn saved(&mut self, at: Instant, process: ProcessRef, op: &StateOp, names: &Names) -> Cause {
        let bytes = match op {
            StateOp::Set(bytes) => Some(bytes.clone()),
            StateOp::Clear => None,
            StateOp::Get => return self.next(),
        };
        self.record(at, None, What::StateDurable(process, bytes), names)
    }

    /// What the kernel wants done, as it is done.
    pub(super) fn effect(&mut self, at: Instant, effect: &Effect, names: &mut Names) {
        match effect {
            Effect::Start { process, .. } => {
                let number = self.lives.entry(*process).or_default();
                *number += 1;
                let life = Life { process: *process, number: *number };
                self.alive.insert(*process, (life, None));
                self.record(at, None, What::Started(life), names);
            }
            Effect::Resume(process, answer) => self.returns(at, *process, answer, names),
            Effect::Stop(process) => {
                let (life, _) = self.alive.remove(process).expect("only the living are stopped");
                self.record(at, None, What::Killed(life), names);
            }
            Effect::Deliver(module, received) => {
                let (cause, what) = match received {
                    Received::Message(message, _) => (message.cause, What::ModuleReceived(*module, message.clone())),
                    Received::Error(error, _) => {
                        let message = error.message.clone();
                        (message.cause, What::ModuleReceivedError(*module, error.kind, message))
                    }
                };
                self.record(at, Some(cause), what, names);
            }
            Effect::Sent(message) => self.sent(at, message, names),
            Effect::Transmit(message) => {
                self.record(at, Some(message.cause), What::NetworkLost(message.clone()), names);
            }
            Effect::Dropped(message, reason) => {
                self.record(at, Some(message.cause), What::Dropped(message.clone(), *reason), names);
            }
            // No kernel of the book's has those who act after their end.
            Effect::Orphan(..) | Effect::ResumeOrphan(..) | Effect::EndOrphan(_) => {}
            Effect::Trap(..)
            | Effect::Load(..)
            | Effect::State(..)
            | Effect::Write(..)
            | Effect::Fail(_)
            | Effect::Shutdown => {}
        }
    }

    fn returns(&mut self, at: Instant, process: ProcessRef, answer: &Answer, names: &Names) {
        let (life, waits_in) = *self.alive.get(&process).expect("only the living are resumed");
        let call = waits_in.expect("only a call that is waited for returns");
        let what = match answer {
            Answer::Received(Received::Message(message, context)) => {
                What::Received(life, message.clone(), context.clone())
            }
            Answer::Awaited(Ok(message)) => What::Received(life, message.clone(), None),
            Answer::Received(Received::Error(error, context)) => {
                What::ReceivedError(life, error.kind, error.message.clone(), context.clone())
            }
            Answer::Awaited(Err(error)) => What::ReceivedError(life, error.kind, error.message.clone(), None),
            Answer::State(bytes) => What::ReadState(life, bytes.clone()),
            Answer::Spawned(result) => What::Spawned(life, *result),
            Answer::Init(_) | Answer::Done => What::Returned(life, call),
            Answer::Our(_) | Answer::OnExit(_) | Answer::Capabilities(_) | Answer::HasBlob(_) | Answer::Blob(_) => {
                What::Learned(life, call, Rc::new(answer.clone()))
            }
        };
        self.record(at, None, what, names);
    }

    fn sent(&mut self, at: Instant, message: &Rc<Message>, names: &mut Names) {
        let cause = Some(message.cause);
        self.record(at, cause, What::Sent(message.clone()), names);
        if message.is_request() && message.target == (Address { node: self.our, process: ProcessRef::KERNEL }) {
            if let Ok(command) = Command::parse(message.body(), names, self.our) {
                if matches!(command, Command::Initialize(_)) && message.blob.is_none() {
                    self.record(at, cause, What::InvalidCode(message.clone()), names);
                }
                self.record(at, cause, What::Command(message.clone(), Rc::new(command)), names);
            }
        } else if !message.is_request()
            && message.source.process == ProcessRef::KERNEL
            && let Some(answer) = CommandAnswer::parse(message.body())
        {
            self.record(at, cause, What::CommandAnswered(message.clone(), Rc::new(answer)), names);
        }
    }
}
