//! The owner of a node, at its terminal: carries out what a scenario says, one step after the other.
//!
//! Each step is a request from `terminal:distro:sys`, which holds root; one that expects an answer is waited for. A
//! node that goes down forgets no step but the one that waits: the owner sits in front of it, not inside.

use kernel_core::command::Command;
use kernel_core::{Address, Blob, Bytes, Input, Names, NodeId, Outgoing, ProcessRef, Received, Request};
use std::collections::VecDeque;

/// How long the owner waits for the kernel, in seconds.
const PATIENCE: u64 = 60;

/// One request of the owner.
#[derive(Clone, Debug, PartialEq)]
pub struct Step(Outgoing);

impl Step {
    /// A command to the kernel of `our`. Those that the kernel answers are waited for.
    pub fn command(command: Command, names: &Names, our: NodeId) -> Step {
        let answered = match &command {
            Command::Initialize(_) | Command::Run(_) | Command::Kill(_) | Command::Debug(_) => true,
            Command::Grant(..) | Command::Drop(..) | Command::SetOnExit(..) | Command::Shutdown | Command::Booted => {
                false
            }
        };
        let kernel = Address { node: our, process: ProcessRef::KERNEL };
        Step::request(kernel, answered.then_some(PATIENCE), command.to_body(names))
    }

    /// A request to anybody.
    pub fn request(target: Address, expects_response: Option<u64>, body: Bytes) -> Step {
        let request = Request { expects_response, body, ..Request::default() };
        Step(Outgoing { target, request, context: None, blob: None })
    }

    /// With a blob.
    pub fn carrying(mut self, blob: Blob) -> Step {
        self.0.blob = Some(blob);
        self
    }

    /// The step as it comes to the kernel.
    pub fn into_input(self) -> Input {
        Input::ModuleRequest(ProcessRef::TERMINAL, Box::new(self.0))
    }
}

/// The steps of one node's owner.
#[derive(Clone, Debug, Default)]
pub struct Operator {
    steps: VecDeque<Step>,
    /// The number of the step that waits for its answer.
    waits: Option<u64>,
    sent: u64,
}

impl Operator {
    /// More to do, after all else.
    pub fn add(&mut self, steps: impl IntoIterator<Item = Step>) {
        self.steps.extend(steps);
    }

    /// Whether nothing is left to do or to wait for.
    pub fn is_idle(&self) -> bool {
        self.steps.is_empty() && self.waits.is_none()
    }

    /// The next step, if none waits. The number it is known by goes along as its context.
    pub fn next_step(&mut self) -> Option<Input> {
        if self.waits.is_some() {
            return None;
        }
        let mut step = self.steps.pop_front()?;
        self.sent += 1;
        if step.0.request.expects_response.is_some() {
            self.waits = Some(self.sent);
            step.0.context = Some(Bytes::from(self.sent.to_le_bytes().as_slice()));
        }
        Some(step.into_input())
    }

    /// The terminal got an answer, or learned that there will be none.
    pub fn on_received(&mut self, received: &Received) {
        let (Received::Message(_, context) | Received::Error(_, context)) = received;
        let number = context.as_ref().and_then(|bytes| Some(u64::from_le_bytes((**bytes).try_into().ok()?)));
        if number.is_some() && number == self.waits {
            self.waits = None;
        }
    }

    /// Its node went down: the step that waited is not answered any more.
    pub fn on_down(&mut self) {
        self.waits = None;
    }
}
