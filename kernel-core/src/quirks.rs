//! What only the deviating kernels need to remember. A kernel that goes by the book leaves all of it empty.

use crate::capability::Capability;
use crate::effect::{Change, Effect};
use crate::input::Input;
use crate::kernel::{Context, Kernel};
use crate::message::{Cause, Content, Message, MessageId, Request};
use crate::name::ProcessRef;
use crate::process::{Incoming, Status};
use crate::semantics::Deviation;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

/// How many messages a process's channel holds in the runtimes (D13, D14).
const CHANNEL: usize = 100;

/// The deviating kernels' memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Quirks {
    /// D6, D9: who has issued a capability since this boot.
    issuers: BTreeSet<ProcessRef>,
    /// D6: removals that go out with the next write of anybody.
    pub unwritten: Vec<Change>,
    /// D14: whose full channel the event loop waits for.
    stuck_on: Option<ProcessRef>,
    /// D14: what has happened meanwhile.
    backlog: VecDeque<Input>,
}

impl Kernel {
    /// D6, D9: a capability was granted, so that its issuer is known to the index.
    pub(crate) fn note_issuer(&mut self, capability: &Capability) {
        if self.semantics.has(Deviation::D6) || self.semantics.has(Deviation::D9) {
            self.quirks.issuers.insert(capability.issuer.process);
        }
    }

    /// D6, D9: whether the index, which starts each boot empty, misses this issuer.
    pub(crate) fn forgot_issuer(&self, deviation: Deviation, issuer: ProcessRef) -> bool {
        self.semantics.has(deviation) && !self.quirks.issuers.contains(&issuer)
    }

    /// D13: whether so much has come before the run that the process waits on its own channel for ever.
    pub(crate) fn chokes_at_start(&self, waiting: usize) -> bool {
        self.semantics.has(Deviation::D13) && waiting >= CHANNEL
    }

    /// D14: whether the event loop waits for somebody's channel.
    pub(crate) fn is_stuck(&self) -> bool {
        self.quirks.stuck_on.is_some()
    }

    /// D14: a message was put into a mailbox; if that is full now the event loop waits.
    pub(crate) fn note_mailbox(&mut self, target: ProcessRef, waiting: usize) {
        if self.semantics.has(Deviation::D14) && waiting >= CHANNEL {
            self.quirks.stuck_on = Some(target);
        }
    }

    /// D14: keeps back what happens while the event loop waits; gives back what gets through. Only the process that it
    /// waits for can end that: by receiving, or by exiting.
    pub(crate) fn hold_back(&mut self, input: Input) -> Option<Input> {
        let Some(stuck_on) = self.quirks.stuck_on else { return Some(input) };
        let frees = match &input {
            Input::Call(process, _) | Input::Exited { process, .. } => *process == stuck_on,
            _ => false,
        };
        if frees {
            self.quirks.stuck_on = None;
            return Some(input);
        }
        self.quirks.backlog.push_back(input);
        None
    }

    /// D14: the next of what was kept back, once the event loop goes on.
    pub(crate) fn next_held_back(&mut self) -> Option<Input> {
        if self.is_stuck() { None } else { self.quirks.backlog.pop_front() }
    }

    /// D7, D26: the running process is told to run.
    pub(crate) fn send_stray_run(&mut self, target: ProcessRef, cx: &mut Context<'_>) {
        let content = Content::Request(Request { body: "run".into(), ..Request::default() });
        let (id, source) = (MessageId(self.fresh_id()), self.address(ProcessRef::KERNEL));
        let target_address = self.address(target);
        let cause: Cause = cx.at.cause;
        let message = Message { id, source, target: target_address, rsvp: None, content, blob: None, cause };
        let message = Rc::new(message);
        cx.emit(Effect::Sent(message.clone()));
        self.put_in_mailbox(target, Incoming::Request(message), cx);
    }

    /// D7: the spawner takes the namesake for its child.
    pub(crate) fn adopt_namesake(&mut self, parent: ProcessRef, child: ProcessRef, cx: &mut Context<'_>) {
        self.grant(parent, Capability::messaging(self.address(child)));
        self.grant(child, Capability::messaging(self.address(parent)));
        if self.processes.get(child).is_some_and(|process| matches!(process.status, Status::Running(_))) {
            self.send_stray_run(child, cx);
        }
    }
}
