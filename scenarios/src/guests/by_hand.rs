//! For tests: a twin in the hand of the test, which is its kernel and its world.

use kernel_core::{
    Address, Answer, Bytes, Call, Capability, Cause, Content, Message, MessageId, Names, Received, Request, Response,
    SendError, SendErrorKind,
};
use sim::guest::{Guest, Reply, Turn};
use std::collections::VecDeque;
use std::rc::Rc;

/// What a guest did when it was resumed: its calls without an answer, and why it stopped.
pub(super) type Step = (Vec<Call>, Turn);

/// A life of `alice.os@NAME:demo:alice.os`, whose messages come from `bob.os@friend:demo:bob.os`.
pub(super) struct Life {
    pub names: Names,
    our: Address,
    friend: Address,
    guest: Box<dyn Guest>,
}

impl Life {
    /// Begins a life of the twin of that name; the step is its first.
    pub(super) fn begin(name: &str) -> (Life, Step) {
        let program = super::programs().into_iter().find(|program| program.name() == name);
        Life::begin_as(name, Box::new(program.expect("a program of that name").start()))
    }

    /// Begins a life of whatever guest.
    pub(super) fn begin_as(name: &str, guest: Box<dyn Guest>) -> (Life, Step) {
        let mut names = Names::new();
        let alice = names.node("alice.os");
        let our = Address { node: alice, process: names.process(&format!("{name}:demo:alice.os")) };
        let friend = names.address("bob.os@friend:demo:bob.os", alice).expect("an address");
        let mut life = Life { names, our, friend, guest };
        let first = life.answer(Answer::Init(our));
        (life, first)
    }

    pub(super) fn resume(&mut self, reply: Reply) -> Step {
        let mut ahead = VecDeque::new();
        let turn = self.guest.resume(&mut self.names, reply, &mut ahead);
        (ahead.into(), turn)
    }

    pub(super) fn answer(&mut self, answer: Answer) -> Step {
        self.resume(Reply::Answer(answer))
    }

    /// It receives a request of the friend's.
    pub(super) fn request(&mut self, body: &str) -> Step {
        self.request_with(body, &[])
    }

    /// It receives a request with capabilities attached.
    pub(super) fn request_with(&mut self, body: impl Into<Bytes>, capabilities: &[Capability]) -> Step {
        let request = Request { body: body.into(), capabilities: capabilities.into(), ..Request::default() };
        let message = self.message(Content::Request(request));
        self.answer(Answer::Received(Received::Message(message, None)))
    }

    /// It receives a response.
    pub(super) fn response(&mut self, body: impl Into<Bytes>, context: Option<&str>) -> Step {
        let message = self.message(Content::Response(Response { body: body.into(), ..Response::default() }));
        self.answer(Answer::Received(Received::Message(message, context.map(Bytes::from))))
    }

    /// It learns that a request of its own failed.
    pub(super) fn failure(&mut self, kind: SendErrorKind, context: Option<&str>) -> Step {
        let error = SendError { kind, message: self.message_of_friend("lost") };
        self.answer(Answer::Received(Received::Error(error, context.map(Bytes::from))))
    }

    /// A request from the friend.
    pub(super) fn message_of_friend(&self, body: impl Into<Bytes>) -> Rc<Message> {
        self.message(Content::Request(Request { body: body.into(), ..Request::default() }))
    }

    /// A message from the friend.
    pub(super) fn message(&self, content: Content) -> Rc<Message> {
        let (source, target) = (self.friend, self.our);
        Rc::new(Message { id: MessageId(1), source, target, rsvp: None, content, blob: None, cause: Cause(0) })
    }

    /// An address as the guest would write it.
    pub(super) fn address(&mut self, text: &str) -> Address {
        self.names.address(text, self.our.node).expect("an address")
    }
}

/// `print-to-terminal` of a line that is always shown.
pub(super) fn print(text: &str) -> Call {
    Call::Print { verbosity: 0, text: text.into() }
}

/// `send-response` of a body and nothing else.
pub(super) fn respond(body: &str) -> Call {
    Call::SendResponse(Rc::new((Response { body: body.into(), ..Response::default() }, None)))
}
