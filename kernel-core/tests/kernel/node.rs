//! A kernel alone, for tests that say what happens to it, one input after the other.

use kernel_core::command::{Command, CommandAnswer};
use kernel_core::{
    Address, Blob, Capabilities, Cause, Change, Content, Duration, Effect, ImageId, Input, Instant, Kernel, Message,
    Moment, Names, NodeId, OnExit, Outgoing, ProcessRef, Received, Record, Refused, Request, Semantics, Ticket,
    WriteId,
};
use std::rc::Rc;

/// Node `a.os`, at second 1,000.
pub struct Node {
    pub names: Names,
    pub our: NodeId,
    pub kernel: Kernel,
    pub now: Instant,
}

impl Node {
    /// It boots with these processes in its table, and their on-exit behaviour; all are public. What the boot wants
    /// done comes second.
    pub fn boot(semantics: Semantics, rows: &[(&str, OnExit)]) -> (Node, Vec<Effect>) {
        let mut names = Names::new();
        let our = names.node("a.os");
        let rows = rows.iter().map(|(process, on_exit)| (names.process(&id(process)), row(on_exit.clone()))).collect();
        let now = Instant(0) + Duration::from_secs(1_000);
        let at = Moment { now, cause: Cause(0) };
        let mut out = Vec::new();
        let kernel = Kernel::boot(our, semantics, 0, rows, &mut names, at, &mut out);
        (Node { names, our, kernel, now }, out)
    }

    /// The process `NAME:demo:a.os`.
    pub fn process(&mut self, name: &str) -> ProcessRef {
        self.names.process(&id(name))
    }

    /// Its address.
    pub fn address(&mut self, name: &str) -> Address {
        Address { node: self.our, process: self.process(name) }
    }

    /// One input; what the kernel wants done.
    pub fn step(&mut self, input: Input) -> Vec<Effect> {
        let mut out = Vec::new();
        self.kernel.step(&mut self.names, Moment { now: self.now, cause: Cause(0) }, input, &mut out);
        assert_eq!(self.kernel.check(), Ok(()));
        out
    }

    /// The owner's terminal sends a command, with a blob.
    pub fn command(&mut self, command: &Command) -> Vec<Effect> {
        let request = Request { expects_response: Some(60), body: command.to_body(&self.names), ..Request::default() };
        let target = Address { node: self.our, process: ProcessRef::KERNEL };
        let blob = Some(Blob { mime: None, bytes: "code".into() });
        let outgoing = Outgoing { target, request, context: None, blob };
        self.step(Input::ModuleRequest(ProcessRef::TERMINAL, Box::new(outgoing)))
    }

    /// A table write is durable.
    pub fn written(&mut self, write: WriteId) -> Vec<Effect> {
        self.step(Input::Written(write, Ok(())))
    }

    /// A table write is refused.
    pub fn refused(&mut self, write: WriteId) -> Vec<Effect> {
        self.step(Input::Written(write, Err(Refused)))
    }
}

fn id(process: &str) -> String {
    format!("{process}:demo:a.os")
}

/// A row that nobody has changed.
pub fn row(on_exit: OnExit) -> Record {
    Record { image: Some(ImageId(1)), on_exit, public: true, capabilities: Capabilities::default() }
}

/// The only write among these effects.
pub fn the_write(out: &[Effect]) -> (WriteId, Vec<Change>) {
    let mut writes = out.iter().filter_map(|effect| match effect {
        Effect::Write(write, changes) => Some((*write, changes.clone())),
        _ => None,
    });
    let write = writes.next().expect("a write");
    assert_eq!(writes.next(), None, "one write");
    write
}

/// The load that is wanted, if one is.
pub fn loads(out: &[Effect]) -> Option<Ticket> {
    out.iter().find_map(|effect| match effect {
        Effect::Load(ticket, _) => Some(*ticket),
        _ => None,
    })
}

/// The first message that was made.
pub fn the_sent(out: &[Effect]) -> Rc<Message> {
    let sent = out.iter().find_map(|effect| match effect {
        Effect::Sent(message) => Some(message.clone()),
        _ => None,
    });
    sent.expect("a message")
}

/// What the kernel answers the owner's terminal.
pub fn the_answer(out: &[Effect]) -> Option<CommandAnswer> {
    out.iter().find_map(|effect| match effect {
        Effect::Deliver(ProcessRef::TERMINAL, Received::Message(message, _)) => match &message.content {
            Content::Response(response) => CommandAnswer::parse(&response.body),
            Content::Request(_) => None,
        },
        _ => None,
    })
}
