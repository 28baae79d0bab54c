//! How messages get from one process to another, and how requests settle: rules C1, C3, E11, M1–M4.

use crate::address::Address;
use crate::call::{Answer, Outgoing, Received};
use crate::capability::{Capabilities, Capability};
use crate::effect::{DropReason, Effect};
use crate::input::Reply;
use crate::kernel::{Context, Kernel, Timer};
use crate::message::{Blob, Content, Message, MessageId, Request, Response};
use crate::name::{Names, ProcessRef};
use crate::process::{Activity, Incoming, Life, Outcome, Outstanding, Status};
use crate::send_error::{SendError, SendErrorKind};
use crate::time::Duration;
use std::rc::Rc;

impl Kernel {
    /// `send-request`, and each of `send-requests`. Gives the request's id.
    /// The prompting message, inheritance and rsvp as in the public runtime: `kernel/standard_host_v1.rs`, `send_request` ([M3](crate::Rule::M3)).
    pub(crate) fn send_request(&mut self, source: ProcessRef, outgoing: Outgoing, cx: &mut Context<'_>) -> MessageId {
        self.send(source, outgoing, false, cx)
    }

    /// As [`send_request`](Kernel::send_request), but the sender waits for nothing else than the answer.
    pub(crate) fn send_and_await(&mut self, source: ProcessRef, outgoing: Outgoing, cx: &mut Context<'_>) {
        if outgoing.request.expects_response.is_none() {
            return cx.emit(Effect::Trap(source, "send-and-await-response: the request must expect a response"));
        }
        if outgoing.target == self.address(source) {
            return cx.emit(Effect::Trap(source, "send-and-await-response: a process cannot await itself"));
        }
        self.send(source, outgoing, true, cx);
    }

    fn send(&mut self, source: ProcessRef, outgoing: Outgoing, awaits: bool, cx: &mut Context<'_>) -> MessageId {
        let Outgoing { target, mut request, context, blob } = outgoing;
        let address = self.address(source);
        let fresh = MessageId(self.fresh_id());
        let process = self.processes.get(source).expect("only a process of this node sends");
        request.capabilities = self.cut(request.capabilities, address, &process.capabilities, cx);
        let prompt = process.life.prompting.as_deref().filter(|_| request.inherit);
        let expects = request.expects_response;
        let (id, rsvp) = match (expects, prompt) {
            (Some(_), prompt) => (self.reused_id(prompt).unwrap_or(fresh), Some(address)),
            (None, Some(prompt)) => (prompt.id, prompt.rsvp),
            (None, None) => (fresh, None),
        };
        let blob = blob.or_else(|| process.life.last_blob.clone().filter(|_| request.inherit));
        let content = Content::Request(request);
        let message = Rc::new(Message { id, source: address, target, rsvp, content, blob, cause: cx.at.cause });
        cx.emit(Effect::Sent(message.clone()));
        if let Some(seconds) = expects {
            let process = self.processes.get_mut(source).expect("only a process of this node sends");
            let deadline = cx.at.now + Duration::from_secs(seconds);
            let prompting = process.life.prompting.clone();
            let outstanding = Outstanding { message: message.clone(), deadline, context, prompting };
            process.life.outstanding.insert(id, outstanding);
            if awaits {
                process.status = Status::Running(Activity::Awaiting(id));
            }
            self.timers.insert((deadline, Timer::Timeout(source, id)));
        }
        self.hand_on(source, message, cx);
        id
    }

    /// A message that a process has made goes to the kernel.
    fn hand_on(&mut self, source: ProcessRef, message: Rc<Message>, cx: &mut Context<'_>) {
        if !self.waits_for_loop(source, &message) {
            self.route(source, message, cx);
        }
    }

    /// [C1](crate::Rule::C1), [E11](crate::Rule::E11): a message goes on to its target, or nowhere.
    pub(crate) fn route(&mut self, source: ProcessRef, message: Rc<Message>, cx: &mut Context<'_>) {
        match self.may_send(source, message.target, cx) {
            Ok(()) => self.forward(message, cx),
            Err(reason) => {
                cx.emit(Effect::Dropped(message.clone(), reason));
                if message.expects_response().is_some() {
                    self.on_error(source, message.id, SendErrorKind::Timeout, cx);
                }
            }
        }
    }

    /// `send-response`: to the address that the prompting message names ([M3](crate::Rule::M3)).
    pub(crate) fn send_response(
        &mut self,
        source: ProcessRef,
        response: Response,
        blob: Option<Blob>,
        cx: &mut Context<'_>,
    ) {
        let process = self.processes.get(source).expect("only a process of this node sends");
        let blob = if response.inherit { process.life.last_blob.clone() } else { blob };
        let (id, target) = match &process.life.prompting {
            Some(prompt) => (prompt.id, prompt.reply_to()),
            None => {
                let nobody = self.response(source, MessageId(0), self.address(source), response, blob, cx);
                return cx.emit(Effect::Dropped(nobody, DropReason::NothingToAnswer));
            }
        };
        let message = self.response(source, id, target, response, blob, cx);
        self.hand_on(source, message, cx);
    }

    fn response(
        &self,
        source: ProcessRef,
        id: MessageId,
        target: Address,
        mut response: Response,
        blob: Option<Blob>,
        cx: &mut Context<'_>,
    ) -> Rc<Message> {
        let process = self.processes.get(source).expect("only a process of this node responds");
        response.capabilities = self.cut(response.capabilities, self.address(source), &process.capabilities, cx);
        let content = Content::Response(response);
        let source = self.address(source);
        let message = Rc::new(Message { id, source, target, rsvp: None, content, blob, cause: cx.at.cause });
        cx.emit(Effect::Sent(message.clone()));
        message
    }

    /// A runtime module sends a request: it is a process like any other, but for being always there.
    pub(crate) fn on_module_request(&mut self, module: ProcessRef, outgoing: Outgoing, cx: &mut Context<'_>) {
        self.send_request(module, outgoing, cx);
    }

    /// A runtime module answers.
    pub(crate) fn on_module_response(&mut self, module: ProcessRef, reply: Reply, cx: &mut Context<'_>) {
        let message = self.response(module, reply.request.id, reply.target, reply.response, reply.blob, cx);
        self.route(module, message, cx);
    }

    /// The kernel itself answers a command: exempt from [C1](crate::Rule::C1), like all that it sends.
    pub(crate) fn answer(&mut self, command: &Message, response: Response, cx: &mut Context<'_>) {
        let kernel = ProcessRef::KERNEL;
        let message = self.response(kernel, command.id, command.reply_to(), response, None, cx);
        self.forward(message, cx);
    }

    /// [C1](crate::Rule::C1), for a sender that is in the table.
    fn may_send(&self, source: ProcessRef, target: Address, cx: &Context<'_>) -> Result<(), DropReason> {
        let process = self.processes.get(source).ok_or(DropReason::NoCapability)?;
        self.may_reach(source, &process.capabilities, target, cx.names)
    }

    /// [C1](crate::Rule::C1): whether `source`, holding `capabilities`, may send to `target`, and whether anybody is there ([E11](crate::Rule::E11)). A
    /// guest needs the capability for itself, too: it has it from its initialization, and may have dropped it (Hyperdrive,
    /// seen; kernel/mod.rs, InitializeProcess).
    pub(crate) fn may_reach(
        &self,
        source: ProcessRef,
        capabilities: &Capabilities,
        target: Address,
        names: &Names,
    ) -> Result<(), DropReason> {
        if target.node != self.our {
            return if capabilities.contains(&Capability::network(self.our)) {
                Ok(())
            } else {
                Err(DropReason::NoNetwork)
            };
        }
        let there = self.processes.get(target.process).filter(|process| process.is_there());
        let receiver = there.ok_or(DropReason::NotRunning)?;
        let own_module = source == target.process && source.is_module();
        let exempt = own_module || matches!(source, ProcessRef::KERNEL | ProcessRef::STATE | ProcessRef::VFS);
        if exempt || receiver.public || self.has_among(capabilities, &Capability::messaging(target), names) {
            Ok(())
        } else {
            Err(DropReason::NoCapability)
        }
    }

    /// Sends on what may be sent.
    pub(crate) fn forward(&mut self, message: Rc<Message>, cx: &mut Context<'_>) {
        if message.target.node != self.our {
            return cx.emit(Effect::Transmit(message));
        }
        let target = message.target.process;
        match (target, message.is_request()) {
            (ProcessRef::KERNEL, true) => self.on_command(message, cx),
            (target, true) if self.mistakes_for_kernel(target, cx.names) => self.on_command(message, cx),
            (target, true) => self.put_in_mailbox(target, Incoming::Request(message), cx),
            (target, false) => self.on_response(target, message, cx),
        }
    }

    /// A message from another node. Its receiver, too, needs `network` ([C1](crate::Rule::C1)); nobody commands this kernel from afar ([K1](crate::Rule::K1)).
    pub(crate) fn on_arrived(&mut self, message: Rc<Message>, cx: &mut Context<'_>) {
        let target = message.target.process;
        let reason = match self.processes.get(target) {
            _ if target == ProcessRef::KERNEL => Some(DropReason::RemoteCommand),
            Some(receiver) if receiver.is_there() => {
                let connected = receiver.capabilities.contains(&Capability::network(self.our));
                (!connected).then_some(DropReason::NoNetwork)
            }
            Some(_) | None => Some(DropReason::NotRunning),
        };
        match reason {
            Some(reason) => cx.emit(Effect::Dropped(message, reason)),
            None => self.forward(message, cx),
        }
    }

    /// A message of ours came back from the network. Only one that expects a response has an id of ours; that of any
    /// other may by chance be that of a request which is still under way.
    pub(crate) fn on_undeliverable(&mut self, message: Rc<Message>, kind: SendErrorKind, cx: &mut Context<'_>) {
        if message.expects_response().is_some() {
            self.on_error(message.source.process, message.id, kind, cx);
        }
    }

    /// A request has waited long enough.
    pub(crate) fn on_timeout(&mut self, process: ProcessRef, id: MessageId, cx: &mut Context<'_>) {
        self.on_error(process, id, SendErrorKind::Timeout, cx);
    }

    /// A response settles its request, if that is still outstanding in the life that sent it ([M1](crate::Rule::M1), [E10](crate::Rule::E10)).
    fn on_response(&mut self, target: ProcessRef, message: Rc<Message>, cx: &mut Context<'_>) {
        match self.settle(target, message.id) {
            Some(outstanding) => {
                self.put_in_mailbox(target, Incoming::Settled(Outcome::Response(message), outstanding), cx);
            }
            None => cx.emit(Effect::Dropped(message, DropReason::NotAwaited)),
        }
    }

    /// An error settles its request; one that has settled already, or whose life is over, is not heard of again.
    fn on_error(&mut self, source: ProcessRef, id: MessageId, kind: SendErrorKind, cx: &mut Context<'_>) {
        if let Some(outstanding) = self.settle(source, id) {
            let error = SendError { kind, message: outstanding.message.clone() };
            self.put_in_mailbox(source, Incoming::Settled(Outcome::Error(error), outstanding), cx);
        }
    }

    /// Takes a request out of those that wait, and its timeout with it.
    fn settle(&mut self, process: ProcessRef, id: MessageId) -> Option<Outstanding> {
        if let Some(outstanding) = self.settles_late(process, id) {
            return Some(outstanding);
        }
        let outstanding = self.processes.get_mut(process)?.life.outstanding.swap_remove(&id)?;
        self.timers.remove(&(outstanding.deadline, Timer::Timeout(process, id)));
        Some(outstanding)
    }

    /// Into the mailbox, or straight to a guest that waits for it. A runtime module has none: it gets it at once.
    /// In the order in which they come ([M2](crate::Rule::M2)).
    pub(crate) fn put_in_mailbox(&mut self, target: ProcessRef, incoming: Incoming, cx: &mut Context<'_>) {
        self.take_early(target, cx.at.now, false);
        let process = self.processes.get_mut(target).expect("a mailbox belongs to a process of the table");
        if target.is_module() {
            let (received, _) = ingest(&mut process.life, incoming);
            return cx.emit(Effect::Deliver(target, received));
        }
        let wanted = match (&process.status, &incoming) {
            (Status::Running(Activity::Receiving), _) => true,
            (Status::Running(Activity::Awaiting(id)), Incoming::Settled(_, outstanding)) => {
                outstanding.message.id == *id
            }
            (_, _) => false,
        };
        if wanted {
            self.hand_over(target, incoming, cx)
        } else {
            process.life.mailbox.push_back(incoming);
            self.note_mailbox(target);
        }
    }

    /// `receive`: the oldest message, or the next to come.
    pub(crate) fn receive(&mut self, source: ProcessRef, cx: &mut Context<'_>) {
        self.take_early(source, cx.at.now, true);
        let process = self.processes.get_mut(source).expect("only a process of this node receives");
        match process.life.mailbox.pop_front() {
            Some(incoming) => self.hand_over(source, incoming, cx),
            None => process.status = Status::Running(Activity::Receiving),
        }
    }

    /// Gives a guest what it waits for.
    fn hand_over(&mut self, target: ProcessRef, mut incoming: Incoming, cx: &mut Context<'_>) {
        self.receive_late(target, &mut incoming);
        let process = self.processes.get_mut(target).expect("a guest that waits is in the table");
        let (received, outcome) = ingest(&mut process.life, incoming);
        let awaited = matches!(process.status, Status::Running(Activity::Awaiting(_)));
        process.status = Status::Running(Activity::Computing);
        let answer = match outcome.filter(|_| awaited) {
            Some(Outcome::Response(message)) => Answer::Awaited(Ok(message)),
            Some(Outcome::Error(error)) => Answer::Awaited(Err(error)),
            None => Answer::Received(received),
        };
        cx.emit(Effect::Resume(target, answer));
    }

    /// [E4](crate::Rule::E4): fires the on-exit requests of a process that is no longer in the table, with its source and what it held.
    /// They obey the rules of other messages ([C5](crate::Rule::C5)).
    pub(crate) fn fire(
        &mut self,
        exited: ProcessRef,
        capabilities: &Capabilities,
        requests: &[crate::on_exit::OnExitRequest],
        cx: &mut Context<'_>,
    ) {
        let source = self.address(exited);
        for on_exit in requests {
            let mut request = Request { inherit: false, expects_response: None, ..on_exit.request.clone() };
            if !self.fires_unchecked() {
                request.capabilities = self.cut(request.capabilities, source, capabilities, cx);
            }
            let message = Rc::new(Message {
                id: MessageId(self.fresh_id()),
                source,
                target: on_exit.target,
                rsvp: None,
                content: Content::Request(request),
                blob: on_exit.blob.clone(),
                cause: cx.at.cause,
            });
            cx.emit(Effect::Sent(message.clone()));
            match self.may_fire(exited, capabilities, on_exit.target, cx) {
                Ok(()) => self.forward(message, cx),
                Err(reason) => cx.emit(Effect::Dropped(message, reason)),
            }
        }
    }

    /// [C3](crate::Rule::C3): what may be attached is what the sender holds or issues.
    pub(crate) fn cut(
        &self,
        mut attached: Vec<Capability>,
        sender: Address,
        held: &Capabilities,
        cx: &Context<'_>,
    ) -> Vec<Capability> {
        attached.retain(|c| self.is_issued_by(c, sender) || self.has_among(held, c, cx.names));
        attached
    }
}

/// A life takes note of what it is about to be told: what prompts it now, which blob is the last, which capabilities
/// came. As in the public runtime, `kernel/standard_host_v1.rs`, `kernel_message_to_process_receive` ([M3](crate::Rule::M3), [C4](crate::Rule::C4)).
fn ingest(life: &mut Life, incoming: Incoming) -> (Received, Option<Outcome>) {
    let mut note = |message: &Message| {
        life.blobbed = message.blob.is_some();
        if life.blobbed {
            life.last_blob = message.blob.clone();
        }
        life.received.extend(message.capabilities());
    };
    match incoming {
        Incoming::Request(message) => {
            note(&message);
            // It prompts only if there is somebody to answer.
            if message.expects_response().is_some() || message.rsvp.is_some() {
                life.prompting = Some(message.clone());
            }
            (Received::Message(message, None), None)
        }
        Incoming::Settled(outcome, outstanding) => {
            life.prompting = outstanding.prompting;
            let received = match &outcome {
                Outcome::Response(message) => {
                    note(message);
                    Received::Message(message.clone(), outstanding.context)
                }
                Outcome::Error(error) => {
                    life.blobbed = false;
                    Received::Error(error.clone(), outstanding.context)
                }
            };
            (received, Some(outcome))
        }
    }
}
