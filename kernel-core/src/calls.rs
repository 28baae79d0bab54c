//! What guests' calls and kernel commands do, where it is not sending, starting or ending: rules C4, K1, P1.

use crate::call::{Answer, Call};
use crate::capability::Capability;
use crate::command::{Command, CommandAnswer, Debug, process_to_json};
use crate::durable::After;
use crate::effect::{DropReason, Effect, LifeId, StateOp};
use crate::input::{Refused, StateDone};
use crate::kernel::{Context, Kernel};
use crate::message::{Message, Response};
use crate::name::ProcessRef;
use crate::process::{Activity, Process, Status};
use serde_json::{Value, json};
use std::rc::Rc;

impl Kernel {
    /// A call of a guest takes effect.
    pub(crate) fn on_call(&mut self, id: ProcessRef, call: Call, cx: &mut Context<'_>) {
        let our = self.address(id);
        let process = self.processes.get_mut(id).expect("only a process of the table makes calls");
        let answer = match call {
            // The world prints.
            Call::Print { .. } => return,
            Call::Our => Answer::Our(our),
            Call::GetOnExit => Answer::OnExit(process.on_exit.clone()),
            Call::OurCapabilities => Answer::Capabilities(process.capabilities.iter().copied().collect()),
            Call::HasBlob => Answer::HasBlob(process.life.blobbed),
            Call::GetBlob => Answer::Blob(process.life.last_blob.clone().filter(|_| process.life.blobbed)),
            Call::LastBlob => Answer::Blob(process.life.last_blob.clone()),
            Call::SetOnExit(value) => {
                let run = process.life.run;
                return self.set_on_exit(id, value, Some(run), cx);
            }
            Call::GetState => return self.state(id, StateOp::Get, cx),
            Call::SetState(bytes) => return self.state(id, StateOp::Set(bytes), cx),
            Call::ClearState => return self.state(id, StateOp::Clear, cx),
            Call::Spawn(spawn) => return self.on_spawn(id, *spawn, cx),
            Call::SaveCapabilities(list) => return self.save_capabilities(id, list, cx),
            Call::DropCapabilities(list) => return self.drop_capabilities(id, list, cx),
            Call::Receive => return self.receive(id, cx),
            Call::SendRequest(outgoing) => {
                self.send_request(id, Rc::unwrap_or_clone(outgoing), cx);
                return;
            }
            Call::SendRequests(list) => {
                for outgoing in Rc::unwrap_or_clone(list) {
                    self.send_request(id, outgoing, cx);
                }
                return;
            }
            Call::SendResponse(said) => {
                let (response, blob) = Rc::unwrap_or_clone(said);
                return self.send_response(id, response, blob, cx);
            }
            Call::SendAndAwaitResponse(outgoing) => return self.send_and_await(id, Rc::unwrap_or_clone(outgoing), cx),
        };
        cx.emit(Effect::Resume(id, answer));
    }

    /// A message for `kernel:distro:sys`: a command ([K1](crate::Rule::K1)). That its sender may send it was checked on the way ([C1](crate::Rule::C1)).
    pub(crate) fn on_command(&mut self, message: Rc<Message>, cx: &mut Context<'_>) {
        let command = match Command::parse(message.body(), cx.names, self.our) {
            Ok(command) => command,
            Err(_) => return cx.emit(Effect::Dropped(message, DropReason::BadCommand)),
        };
        match command {
            Command::Initialize(init) => self.on_initialize(message, *init, cx),
            Command::Run(id) => self.on_run(&message, id, cx),
            Command::Kill(id) => self.on_kill(message, id, cx),
            Command::Grant(id, list) => self.change_capabilities(id, list, Kernel::grant, cx),
            Command::Drop(id, list) => self.change_capabilities(id, list, Kernel::take, cx),
            Command::SetOnExit(id, value) => self.set_on_exit(id, value, None, cx),
            Command::Shutdown => self.on_shutdown(cx),
            Command::Booted => {}
            Command::Debug(query) => {
                let value = self.debug(query, cx);
                self.reply(&message, CommandAnswer::Debug(value), cx);
            }
        }
    }

    /// The owner takes the node down.
    pub(crate) fn on_shutdown(&mut self, cx: &mut Context<'_>) {
        if !self.quit_waits() {
            cx.emit(Effect::Shutdown);
        }
    }

    /// Answers a command.
    pub(crate) fn reply(&mut self, command: &Message, answer: CommandAnswer, cx: &mut Context<'_>) {
        let response = Response { body: answer.to_body(), ..Response::default() };
        self.answer(command, response, cx);
    }

    // ---- capabilities (C4) ------------------------------------------------------------------------------------

    /// Gives a process a capability; false if it is not there, is ending, or holds it already.
    pub(crate) fn grant(&mut self, id: ProcessRef, capability: Capability) -> bool {
        self.note_issuer(&capability);
        if self.processes.get(id).is_none_or(|process| process.is_ending() || self.misses_grant(process)) {
            return false;
        }
        self.processes.get_mut(id).is_some_and(|process| process.capabilities.insert(capability))
    }

    /// Takes a capability from a process; false if it did not hold it.
    pub(crate) fn take(&mut self, id: ProcessRef, capability: Capability) -> bool {
        let process = self.processes.get_mut(id).filter(|process| !process.is_ending());
        process.is_some_and(|process| process.capabilities.remove(&capability))
    }

    /// Grants or takes some, and writes the row if that changed anything.
    pub(crate) fn change_capabilities(
        &mut self,
        id: ProcessRef,
        list: Vec<Capability>,
        change: fn(&mut Kernel, ProcessRef, Capability) -> bool,
        cx: &mut Context<'_>,
    ) {
        let mut changed = false;
        for capability in list {
            changed |= change(self, id, capability);
        }
        if changed {
            self.write(vec![], &[id], After::Nobody(vec![id]), cx);
        }
    }

    /// Keeps what came attached to a message this life received, or what the process issues itself.
    fn save_capabilities(&mut self, id: ProcessRef, mut list: Vec<Capability>, cx: &mut Context<'_>) {
        let our = self.address(id);
        let process = self.processes.get(id).expect("only a process of the table makes calls");
        if !self.saves_anything() {
            list.retain(|capability| capability.issuer == our || process.life.received.contains(capability));
        }
        self.change_capabilities(id, list, Kernel::grant, cx);
    }

    fn drop_capabilities(&mut self, id: ProcessRef, list: Vec<Capability>, cx: &mut Context<'_>) {
        self.change_capabilities(id, list, Kernel::take, cx);
    }

    // ---- state (P1) -------------------------------------------------------------------------------------------

    fn state(&mut self, id: ProcessRef, op: StateOp, cx: &mut Context<'_>) {
        let process = self.processes.get_mut(id).expect("only a process of the table makes calls");
        process.status = Status::Running(Activity::Blocked);
        let run = process.life.run;
        self.note_state_op(id, &op);
        cx.emit(Effect::State(id, run, op));
    }

    /// The state module is done. What it refuses is a panic of the caller, never a silent success.
    pub(crate) fn on_state(
        &mut self,
        id: ProcessRef,
        run: LifeId,
        result: Result<StateDone, Refused>,
        cx: &mut Context<'_>,
    ) {
        if self.processes.get(id).is_none_or(|process| process.life.run != run) {
            return;
        }
        let result = self.swallow_refusal(id, result);
        self.forget_blob_in_state_call(id, &result);
        match result {
            Ok(StateDone::Got(bytes)) => self.unblock(id, run, Answer::State(bytes), cx),
            Ok(StateDone::Saved) => self.unblock(id, run, Answer::Done, cx),
            Err(Refused) => cx.emit(Effect::Trap(id, "state: the disk refused")),
        }
    }

    // ---- debug ------------------------------------------------------------------------------------------------

    fn debug(&self, query: Debug, cx: &Context<'_>) -> Value {
        let describe = |id: ProcessRef, process: &Process| process_to_json(&self.record(id, process), cx.names);
        match query {
            Debug::ProcessMap => {
                let rows =
                    self.processes.iter().map(|(id, p)| (cx.names.process_text(id).to_string(), describe(id, p)));
                json!({ "ProcessMap": rows.collect::<serde_json::Map<_, _>>() })
            }
            Debug::Process(id) => json!({ "Process": self.processes.get(id).map(|p| describe(id, p)) }),
            Debug::HasCap(id, capability) => {
                json!({ "HasCap": self.processes.get(id).map(|_| self.holds(id, &capability)) })
            }
        }
    }
}
