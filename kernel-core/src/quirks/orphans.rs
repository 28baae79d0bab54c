//! Lives that are over and still compute: D25, D28.
//!
//! In the runtimes a kill aborts the task of a process, which ends it at its next wait and not before. Meanwhile its
//! code computes on; at its next call it still acts in the name of its process, even if another process has that name
//! now.

use crate::address::Address;
use crate::call::{Answer, Call, Outgoing};
use crate::capability::Capabilities;
use crate::deviation::Deviation;
use crate::durable::After;
use crate::effect::{DropReason, Effect, LifeId, StateOp};
use crate::kernel::{Context, Kernel};
use crate::message::{Blob, Content, Message, MessageId, Request, Response};
use crate::name::ProcessRef;
use crate::on_exit::OnExit;
use crate::process::Life;
use std::rc::Rc;

/// A life that is over and still computes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Orphan {
    process: ProcessRef,
    on_exit: OnExit,
    life: Life,
}

impl Kernel {
    /// A life is over for the table, and goes on computing.
    pub(super) fn orphan(&mut self, id: ProcessRef, cx: &mut Context<'_>) {
        let process = self.processes.get(id).expect("only a process of the table has a life");
        let run = process.life.run;
        let life = Life { run, ..process.life.clone() };
        self.quirks.orphans.insert(run, Orphan { process: id, on_exit: process.on_exit.clone(), life });
        cx.emit(Effect::Orphan(id, run));
    }

    /// A call of such a life takes effect, or what there is of it.
    pub(crate) fn on_orphan_call(&mut self, run: LifeId, call: Call, cx: &mut Context<'_>) {
        let Some(orphan) = self.quirks.orphans.get(&run) else { return };
        if !self.has(Deviation::KilledGuestActs) {
            return self.end_orphan(run, cx);
        }
        let (id, life) = (orphan.process, &orphan.life);
        let answer = match call {
            Call::Print { .. } => return,
            Call::Our => Answer::Our(self.address(id)),
            Call::GetOnExit => Answer::OnExit(orphan.on_exit.clone()),
            Call::HasBlob => Answer::HasBlob(life.blobbed),
            Call::GetBlob => Answer::Blob(life.last_blob.clone().filter(|_| life.blobbed)),
            Call::LastBlob => Answer::Blob(life.last_blob.clone()),
            Call::SendRequest(outgoing) => return self.send_for_orphan(id, Rc::unwrap_or_clone(outgoing), cx),
            Call::SendRequests(list) => {
                for outgoing in Rc::unwrap_or_clone(list) {
                    self.send_for_orphan(id, outgoing, cx);
                }
                return;
            }
            Call::SendResponse(response) => {
                let prompt = life.prompting.clone();
                let (response, blob) = Rc::unwrap_or_clone(response);
                return self.respond_for_orphan(id, prompt.as_deref(), response, blob, cx);
            }
            // What it waits in ends it; what it asked for is done all the same.
            Call::SetState(bytes) => {
                cx.emit(Effect::State(id, run, StateOp::Set(bytes)));
                return self.end_orphan(run, cx);
            }
            Call::ClearState => {
                cx.emit(Effect::State(id, run, StateOp::Clear));
                return self.end_orphan(run, cx);
            }
            Call::SetOnExit(value) => {
                if let Some(process) = self.processes.get_mut(id).filter(|process| !process.is_ending()) {
                    process.on_exit_next = Some(value);
                    self.write(vec![], &[id], After::Nobody(vec![id]), cx);
                }
                return self.end_orphan(run, cx);
            }
            Call::SaveCapabilities(mut list) => {
                let our = self.address(id);
                list.retain(|c| self.saves_anything() || c.issuer == our || life.received.contains(c));
                self.change_capabilities(id, list, Kernel::grant, cx);
                return self.end_orphan(run, cx);
            }
            Call::DropCapabilities(list) => {
                self.change_capabilities(id, list, Kernel::take, cx);
                return self.end_orphan(run, cx);
            }
            Call::SendAndAwaitResponse(outgoing) => {
                self.send_for_orphan(id, Rc::unwrap_or_clone(outgoing), cx);
                return self.end_orphan(run, cx);
            }
            Call::Receive | Call::GetState | Call::OurCapabilities | Call::Spawn(_) => return self.end_orphan(run, cx),
        };
        cx.emit(Effect::ResumeOrphan(run, answer));
    }

    fn end_orphan(&mut self, run: LifeId, cx: &mut Context<'_>) {
        self.quirks.orphans.remove(&run);
        cx.emit(Effect::EndOrphan(run));
    }

    fn send_for_orphan(&mut self, id: ProcessRef, outgoing: Outgoing, cx: &mut Context<'_>) {
        let Outgoing { target, request, blob, context: _ } = outgoing;
        let rsvp = request.expects_response.map(|_| self.address(id));
        let message_id = MessageId(self.fresh_id());
        let held = self.capabilities(id);
        let request = Request { capabilities: self.cut(request.capabilities, self.address(id), &held, cx), ..request };
        self.forward_for_orphan(id, (message_id, target, rsvp), Content::Request(request), blob, &held, cx);
    }

    fn respond_for_orphan(
        &mut self,
        id: ProcessRef,
        prompt: Option<&Message>,
        response: Response,
        blob: Option<Blob>,
        cx: &mut Context<'_>,
    ) {
        let Some(prompt) = prompt else { return };
        let held = self.capabilities(id);
        let capabilities = self.cut(response.capabilities, self.address(id), &held, cx);
        let content = Content::Response(Response { capabilities, ..response });
        self.forward_for_orphan(id, (prompt.id, prompt.reply_to(), None), content, blob, &held, cx);
    }

    /// Sends a message with the process's name as its source, and with the capabilities of the process that has that
    /// name now.
    fn forward_for_orphan(
        &mut self,
        id: ProcessRef,
        (message_id, target, rsvp): (MessageId, Address, Option<Address>),
        content: Content,
        blob: Option<Blob>,
        held: &Capabilities,
        cx: &mut Context<'_>,
    ) {
        let source = self.address(id);
        let message = Rc::new(Message { id: message_id, source, target, rsvp, content, blob, cause: cx.at.cause });
        cx.emit(Effect::Sent(message.clone()));
        let there = self.processes.contains(id);
        match self.may_reach(id, held, target, cx.names) {
            Ok(()) if there => self.forward(message, cx),
            Ok(()) => cx.emit(Effect::Dropped(message, DropReason::NoCapability)),
            Err(reason) => cx.emit(Effect::Dropped(message, reason)),
        }
    }
}
