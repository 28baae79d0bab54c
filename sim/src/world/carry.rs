//! Carrying out what a kernel wants, in order; and what comes over the network.

use super::lives::returned;
use super::network::Fate;
use super::{LATENCY, MODULE_COST, Task, World};
use crate::guest::Reply;
use crate::modules::Heard;
use crate::plan::Down;
use crate::trace::encode::is_code;
use crate::trace::event::{LastWords, Life, PanicCause, What};
use crate::world::node::Job;
use kernel_core::command::{Command, CommandAnswer};
use kernel_core::{
    Address, Answer, Cause, Duration, Effect, Exit, Input, Message, ProcessRef, Received, SendErrorKind, Source,
};
use std::rc::Rc;

impl World<'_> {
    /// Carries out all effects of a step, and of the steps that those bring about at once.
    pub(super) fn carry_out(&mut self, node: usize, cause: Cause) {
        while let Some(effect) = self.effects.pop_front() {
            match effect {
                Effect::Start { process, run, image } => self.start_guest(node, process, run, image),
                Effect::Resume(process, answer) => {
                    let up = self.nodes[node].up.as_mut().expect("a node that carries out effects is up");
                    let number = up.guest(process).expect("only a life that waits is answered").number;
                    self.answer(node, Life { process, number }, answer);
                }
                Effect::Orphan(process, _) => self.orphan(node, cause, process),
                Effect::ResumeOrphan(run, answer) => {
                    let up = self.nodes[node].up.as_ref().expect("a node that carries out effects is up");
                    let (process, number) = up.orphan_of(run).expect("only a life that waits is answered");
                    self.answer(node, Life { process, number }, answer);
                }
                Effect::EndOrphan(run) => {
                    let up = self.nodes[node].up.as_mut().expect("a node that carries out effects is up");
                    if let Some((process, number)) = up.orphan_of(run) {
                        up.end_orphan(process, number);
                    }
                }
                Effect::Stop(process) => self.stop(node, cause, process),
                Effect::Trap(process, text) => self.trap(node, process, text),
                Effect::Deliver(module, received) => self.deliver(node, module, received),
                Effect::Sent(message) => self.sent(node, message),
                Effect::Transmit(message) => self.transmit(node, message),
                Effect::Load(ticket, Source::Blob(bytes)) => {
                    let result = self.images.load(&bytes);
                    self.step_within(node, cause, Input::Loaded(ticket, result));
                }
                Effect::Load(ticket, Source::File(reader, path)) => {
                    self.queue_job(node, cause, Job::Load(ticket, reader, path));
                }
                Effect::State(process, run, op) => self.queue_job(node, cause, Job::State(process, run, op)),
                Effect::Write(write, changes) => self.queue_job(node, cause, Job::Table(write, changes)),
                Effect::Dropped(message, reason) => {
                    self.record(node, Some(message.cause), What::Dropped(message, reason));
                }
                Effect::Fail(text) => {
                    self.effects.clear();
                    self.fail(node, cause, text);
                }
                Effect::Shutdown => {
                    // What else the step wanted dies with the node.
                    self.effects.clear();
                    self.go_down(node, Some(cause), Down::Shutdown, None);
                }
            }
        }
    }

    /// A step that a step brings about, before anything else can happen on the node.
    fn step_within(&mut self, node: usize, cause: Cause, input: Input) {
        let up = self.nodes[node].up.as_mut().expect("a node that carries out effects is up");
        let at = kernel_core::Moment { now: self.now, cause };
        up.kernel.step(&mut self.names, at, input, &mut self.buffer);
        self.effects.extend(self.buffer.drain(..));
    }

    /// A guest's call returns.
    fn answer(&mut self, node: usize, life: Life, answer: Answer) {
        if let Answer::Blob(Some(blob)) = &answer {
            self.flavored |= is_code(&blob.bytes);
        }
        let up = self.nodes[node].up.as_mut().expect("a node that carries out effects is up");
        let live = up.life(life.process, life.number).expect("only a life that waits is answered");
        let call = returned(live);
        let called = live.cause;
        let (cause, what) = match &answer {
            Answer::Received(Received::Message(message, context)) => {
                (message.cause, What::Received(life, message.clone(), context.clone()))
            }
            Answer::Awaited(Ok(message)) => (message.cause, What::Received(life, message.clone(), None)),
            Answer::Received(Received::Error(error, context)) => {
                let what = What::ReceivedError(life, error.kind, error.message.clone(), context.clone());
                (error.message.cause, what)
            }
            Answer::Awaited(Err(error)) => {
                (error.message.cause, What::ReceivedError(life, error.kind, error.message.clone(), None))
            }
            Answer::State(bytes) => (called, What::ReadState(life, bytes.clone())),
            Answer::Spawned(result) => (called, What::Spawned(life, *result)),
            Answer::Init(_) | Answer::Done => (called, What::Returned(life, call)),
            Answer::Our(_) | Answer::OnExit(_) | Answer::Capabilities(_) | Answer::HasBlob(_) | Answer::Blob(_) => {
                (called, What::Learned(life, call, Rc::new(answer.clone())))
            }
        };
        let index = self.record(node, Some(cause), what);
        let up = self.nodes[node].up.as_mut().expect("it is still up");
        up.life(life.process, life.number).expect("it is still alive").cause = index;
        self.resume(node, life, Reply::Answer(answer), Duration::ZERO);
    }

    /// The kernel ends a life.
    fn stop(&mut self, node: usize, cause: Cause, process: ProcessRef) {
        let up = self.nodes[node].up.as_mut().expect("a node that carries out effects is up");
        // It may have ended by itself, and a kernel whose loop waits has not heard of it (D29).
        let Some(live) = up.take_guest(process) else { return };
        self.record(node, Some(cause), What::Killed(Life { process, number: live.number }));
    }

    /// The kernel ends a life whose code computes on.
    fn orphan(&mut self, node: usize, cause: Cause, process: ProcessRef) {
        let up = self.nodes[node].up.as_mut().expect("a node that carries out effects is up");
        let Some(number) = up.guest(process).map(|live| live.number) else { return };
        up.orphan(process);
        self.record(node, Some(cause), What::Killed(Life { process, number }));
    }

    /// A call was a panic of its caller.
    fn trap(&mut self, node: usize, process: ProcessRef, text: &'static str) {
        let up = self.nodes[node].up.as_mut().expect("a node that carries out effects is up");
        let live = up.take_guest(process).expect("only a life that is under way panics");
        let life = Life { process, number: live.number };
        // The kernel's own words, of which these alone say that the disk refused something.
        let made_by = if text.contains("the disk refused") { PanicCause::DiskRefused } else { PanicCause::Guest };
        let words = LastWords { text: text.into(), made_by };
        let index = self.record(node, Some(live.cause), What::Exited(life, Exit::Panicked, words));
        self.step_within(node, index, Input::Exited { process, exit: Exit::Panicked, last_words: text.into() });
    }

    /// A message was made: recorded, and if it is for the kernel or from it, in the kernel's terms too.
    fn sent(&mut self, node: usize, message: Rc<Message>) {
        self.messages += 1;
        self.spend_on_message(message.bytes());
        if message.source.process.is_module() {
            // What a guest sends was counted when it was lifted.
            self.copy(message.bytes() as u64);
        }
        let (our, cause) = (self.nodes[node].id, message.cause);
        self.record(node, Some(cause), What::Sent(message.clone()));
        if message.is_request() && message.target == (Address { node: our, process: ProcessRef::KERNEL }) {
            if let Ok(command) = Command::parse(message.body(), &mut self.names, our) {
                let mut code = || message.blob.as_ref().map(|blob| self.images.load(&blob.bytes));
                if matches!(command, Command::Initialize(_)) && !matches!(code(), Some(Ok(_))) {
                    self.record(node, Some(cause), What::InvalidCode(message.clone()));
                }
                self.record(node, Some(cause), What::Command(message, Rc::new(command)));
            }
            return;
        }
        let from_kernel = !message.is_request() && message.source.process == ProcessRef::KERNEL;
        if let Some(answer) = from_kernel.then(|| CommandAnswer::parse(message.body())).flatten() {
            self.record(node, Some(cause), What::CommandAnswered(message, Rc::new(answer)));
        }
    }

    /// A runtime module gets a message, or learns that its request failed.
    fn deliver(&mut self, node: usize, module: ProcessRef, received: Received) {
        let (message, what) = match &received {
            Received::Message(message, _) => (message, What::ModuleReceived(module, message.clone())),
            Received::Error(error, _) => {
                (&error.message, What::ModuleReceivedError(module, error.kind, error.message.clone()))
            }
        };
        let message = message.clone();
        self.record(node, Some(message.cause), what);
        let boot = self.nodes[node].boots;
        match module {
            ProcessRef::TERMINAL => self.operator_hears(node, &received),
            ProcessRef::KERNEL | ProcessRef::STATE => {
                // Internal: guests reach them by commands and by get/set/clear-state.
                let text = String::from_utf8_lossy(message.body()).chars().take(80).collect::<String>();
                self.record(node, Some(message.cause), What::Unmodelled(module, text.into()));
            }
            _ => {
                let up = self.nodes[node].up.as_ref().expect("a node that carries out effects is up");
                let uses_disk = up.modules[module.0 as usize].as_ref().is_some_and(|module| module.uses_disk());
                match (uses_disk, Heard::of(received)) {
                    (true, Heard::Message(message)) => {
                        self.queue_job(node, message.cause, Job::Module(module, message));
                    }
                    (_, heard) => {
                        let at = self.now + MODULE_COST;
                        self.queue_in_order(node, at, Task::Serve(node, boot, module, message.cause, heard));
                    }
                }
            }
        }
    }

    // ---- the network ------------------------------------------------------------------------------------------

    /// A message leaves for another node.
    fn transmit(&mut self, node: usize, message: Rc<Message>) {
        let (boot, now, cause) = (self.nodes[node].boots, self.now, message.cause);
        let to = message.target.node.0 as usize;
        if to >= self.nodes.len() || self.nodes[to].up.is_none() {
            self.record(node, Some(cause), What::NetworkOffline(message.clone()));
            return self.queue_in_order(node, now + LATENCY, Task::Offline(node, boot, message));
        }
        let (from, there) = (self.nodes[node].id, self.nodes[to].id);
        match self.network.fate(from, there, now, &mut self.chooser, &self.names) {
            Fate::Lost => {
                self.record(node, Some(cause), What::NetworkLost(message));
            }
            Fate::Arrives(at) => self.queue_in_order(to, at, Task::Arrive(to, message)),
        }
    }

    /// A message comes over the network; if its node is down, it came in vain.
    pub(super) fn arrive(&mut self, node: usize, message: Rc<Message>) {
        if self.nodes[node].up.is_none() || !self.before_step(node) {
            self.record(node, Some(message.cause), What::NetworkLost(message));
            return;
        }
        self.record(node, Some(message.cause), What::Arrived(message.clone()));
        self.step(node, message.cause, Input::Arrived(message));
    }

    /// A message turns out not to be deliverable.
    pub(super) fn offline(&mut self, node: usize, boot: u32, message: Rc<Message>) {
        if self.is_up(node, boot) && self.before_step(node) {
            self.step(node, message.cause, Input::Undeliverable(message, SendErrorKind::Offline));
        }
    }
}
