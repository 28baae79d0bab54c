//! For tests: a module at a harness, with a kernel beside it and the test for everybody else.

use super::{Heard, Module, ModuleContext};
use crate::disk::{Disk, IoFault, Op};
use crate::outside::Outside;
use crate::outside::visit::{Sight, Visit};
use crate::plan::ProviderFault;
use crate::trace::event::What;
use kernel_core::command::Command;
use kernel_core::{
    Address, Blob, Capability, Cause, Content, Duration, Input, Instant, Kernel, Message, MessageId, Moment, Names,
    NodeId, OnExit, Outgoing, ProcessRef, Received, Record, Reply, Request, Response, Semantics, SendError,
    SendErrorKind,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::rc::Rc;

pub const OWNER: &str = "main:notes:me.os";
pub const SIBLING: &str = "other:notes:me.os";
pub const STRANGER: &str = "main:spy:it.os";

/// A module of the node `alice.os`, and whose turn it is to ask.
pub struct Harness<M> {
    pub names: Names,
    kernel: Kernel,
    pub disk: Disk,
    /// What the disk refuses at the next request.
    pub fault: Option<IoFault>,
    pub outside: Outside,
    pub module: M,
    pub address: Address,
    pub who: Address,
    /// The virtual time.
    pub now: Instant,
    /// How the provider fails, until further notice.
    pub provider: Option<ProviderFault>,
    /// What it was told last made it say and do:
    pub replies: Vec<(Duration, Reply)>,
    pub requests: Vec<Outgoing>,
    pub sights: Vec<Sight>,
    pub facts: Vec<What>,
    pub wakes: Vec<(Duration, u64)>,
    pub ops: Vec<Op>,
    pub unmodelled: Option<String>,
    /// How long it computed, in nanoseconds of the host's processor, by count.
    pub nanos: u64,
}

impl<M: Module> Harness<M> {
    pub fn new(id: ProcessRef, module: M) -> Harness<M> {
        let mut names = Names::new();
        let our = names.node("alice.os");
        let row = Record { image: None, on_exit: OnExit::Restart, public: false, capabilities: BTreeSet::new() };
        let row = |(index, id)| {
            let image = Some(kernel_core::ImageId(index));
            (names.process(id), Record { image, ..row.clone() })
        };
        let rows = (0..).zip([OWNER, SIBLING, STRANGER]).map(row).collect();
        let moment = Moment { now: Instant(0), cause: Cause(0) };
        let kernel = Kernel::boot(our, Semantics::default(), 0, rows, &mut names, moment, &mut vec![]);
        let who = Address { node: our, process: names.process(OWNER) };
        Harness {
            names,
            kernel,
            disk: Disk::default(),
            fault: None,
            outside: Outside::default(),
            module,
            address: Address { node: our, process: id },
            who,
            now: Instant(0),
            provider: None,
            replies: vec![],
            requests: vec![],
            sights: vec![],
            facts: vec![],
            wakes: vec![],
            ops: vec![],
            unmodelled: None,
            nanos: 0,
        }
    }

    /// It is another process's turn.
    pub fn by(&mut self, who: &str) -> &mut Harness<M> {
        self.who.process = self.names.process(who);
        self
    }

    /// It is a process's turn that lives on another node.
    pub fn by_another_node(&mut self) -> &mut Harness<M> {
        self.who.node = NodeId(99);
        self
    }

    /// The current process gets a capability of the module's.
    pub fn grant(&mut self, params: &str) {
        let params = self.names.params(params);
        let command = Command::Grant(self.who.process, vec![Capability { issuer: self.address, params }]);
        let request = Request { body: command.to_body(&self.names), ..Request::default() };
        let target = Address { process: ProcessRef::KERNEL, ..self.address };
        let outgoing = Outgoing { target, request, context: None, blob: None };
        let input = Input::ModuleRequest(ProcessRef::TERMINAL, Box::new(outgoing));
        let moment = Moment { now: self.now, cause: Cause(0) };
        self.kernel.step(&mut self.names, moment, input, &mut vec![]);
    }

    /// A request of the current process, that expects an answer within five seconds.
    pub fn request(&self, body: impl AsRef<[u8]>, blob: Option<&[u8]>) -> Message {
        let request = Request { body: body.as_ref().into(), expects_response: Some(5), ..Request::default() };
        Message {
            id: MessageId(1),
            source: self.who,
            target: self.address,
            rsvp: Some(self.who),
            content: Content::Request(request),
            blob: blob.map(|bytes| Blob { mime: None, bytes: bytes.into() }),
            cause: Cause(0),
        }
    }

    /// The same, that expects nothing.
    pub fn telling(&self, body: impl AsRef<[u8]>, blob: Option<&[u8]>) -> Message {
        let request = Request { body: body.as_ref().into(), ..Request::default() };
        Message { rsvp: None, content: Content::Request(request), ..self.request("", blob) }
    }

    /// Tells the module something. Its operations are done, and its commands to the kernel obeyed.
    pub fn tell(&mut self, heard: Heard) {
        let (names, outside) = (&mut self.names, &mut self.outside);
        let session = self.disk.session(self.fault.take());
        let mut cx = ModuleContext::new(self.address, self.now, names, session, &self.kernel, outside);
        cx.provider = self.provider;
        heard.tell(&mut self.module, &mut cx);
        let ModuleContext { disk, out, facts, wakes, unmodelled, nanos, .. } = cx;
        self.ops = self.disk.finish(disk);
        assert!(self.ops.is_empty() || self.module.uses_disk(), "a module that does not use the disk leaves it alone");
        for op in &self.ops {
            self.disk.apply(op).unwrap_or_else(|error| panic!("{op:?}: {error}"));
        }
        (self.replies, self.requests, self.sights, self.facts) = (vec![], vec![], vec![], vec![]);
        (self.wakes, self.unmodelled, self.nanos) = (wakes, unmodelled, nanos);
        for (after, input) in out {
            match input {
                Input::ModuleResponse(_, reply) => self.replies.push((after, reply)),
                Input::ModuleRequest(_, request) if request.target.process == ProcessRef::KERNEL => self.obey(*request),
                Input::ModuleRequest(_, request) => self.requests.push(*request),
                other => panic!("a module requests and responds, and nothing else: {other:?}"),
            }
        }
        for fact in facts {
            match fact {
                What::Shown(sight) => self.sights.push((*sight).clone()),
                other => self.facts.push(other),
            }
        }
    }

    /// The kernel does what the module tells it.
    pub fn obey(&mut self, command: Outgoing) {
        let moment = Moment { now: self.now, cause: Cause(0) };
        let input = Input::ModuleRequest(self.address.process, Box::new(command));
        self.kernel.step(&mut self.names, moment, input, &mut vec![]);
    }

    /// The one answer to a message, and when it comes.
    pub fn reply(&mut self, message: Message) -> (Duration, Reply) {
        self.tell(Heard::Message(Rc::new(message)));
        let [reply] = <[(Duration, Reply); 1]>::try_from(std::mem::take(&mut self.replies)).expect("one answer");
        reply
    }

    /// The one answer to a request of the current process, as JSON.
    pub fn ask(&mut self, body: Value) -> Value {
        let message = self.request(body.to_string(), None);
        json_of(&self.reply(message).1)
    }

    /// The same, with a blob.
    pub fn give(&mut self, body: Value, blob: &[u8]) -> Value {
        let message = self.request(body.to_string(), Some(blob));
        json_of(&self.reply(message).1)
    }

    /// A visitor does something.
    pub fn visit(&mut self, visit: Visit) {
        self.tell(Heard::Visit(Rc::new(visit)));
    }

    /// The answer to a request that the module sent.
    pub fn answer(&mut self, request: &Outgoing, body: &str, blob: Option<&[u8]>) {
        let content = Content::Response(Response { body: body.into(), ..Response::default() });
        let blob = blob.map(|bytes| Blob { mime: None, bytes: bytes.into() });
        let (source, target) = (request.target, self.address);
        let message = Message { source, target, rsvp: None, content, blob, ..self.request("", None) };
        self.tell(Heard::Answer(Received::Message(Rc::new(message), request.context.clone())));
    }

    /// There will be no answer to a request that the module sent.
    pub fn no_answer(&mut self, request: &Outgoing) {
        let message = Rc::new(self.request("", None));
        let error = SendError { kind: SendErrorKind::Timeout, message };
        self.tell(Heard::Answer(Received::Error(error, request.context.clone())));
    }

    /// The one request that the module sent, as JSON.
    pub fn sent(&self) -> Value {
        let [request] = &self.requests[..] else { panic!("one request: {:?}", self.requests) };
        serde_json::from_slice(&request.request.body).expect("a request is JSON")
    }
}

pub fn json_of(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.response.body).expect("an answer is JSON")
}
