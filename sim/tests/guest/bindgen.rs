//! A program whose bindings wit-bindgen has made: the layouts as somebody else reads and writes them.

use super::odd::Life;
use kernel_core::{
    Answer, Blob, Bytes, Call, Capability, Cause, Content, Message, MessageId, OnExit, OnExitRequest, Outgoing,
    Received, Request, Response, SendError, SendErrorKind,
};
use sim::guest::wasm::{Limits, Program};
use sim::guest::{TrapReason, Turn};
use std::rc::Rc;

/// The guest that does what it is told, waiting for its first order.
fn puppet() -> Life {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/guests/built/puppet.wasm");
    let program = Program::load(&std::fs::read(path).expect(path)).unwrap_or_else(|error| panic!("{error}"));
    let mut life = Life::start(&program, &Limits::default());
    assert_eq!(life.init(), Turn::Call(Call::Receive));
    life
}

fn message(life: &mut Life, content: Content) -> Rc<Message> {
    let our = life.our.node;
    let source = life.names.address("bob.os@chat:demo:bob.os", our).expect("an address");
    Rc::new(Message { id: MessageId(1), source, target: source, rsvp: None, content, blob: None, cause: Cause(0) })
}

/// Gives an order, with capabilities.
fn told(life: &mut Life, orders: &str, capabilities: Vec<Capability>) -> Turn {
    let content = Content::Request(Request {
        body: Bytes::from(orders),
        capabilities,
        expects_response: Some(3),
        ..Request::default()
    });
    let message = message(life, content);
    life.answer(Answer::Received(Received::Message(message, None)))
}

/// The one call without an answer that an order leads to.
fn made(order: &str) -> (Life, Call) {
    let mut life = puppet();
    assert_eq!(told(&mut life, order, vec![]), Turn::Call(Call::Receive));
    assert_eq!(life.ahead.len(), 1, "{order}");
    let call = life.ahead.pop_front().expect("one call");
    (life, call)
}

/// What the puppet prints after its call is answered.
fn printed(life: &mut Life, answer: Answer) -> Vec<String> {
    assert_eq!(life.answer(answer), Turn::Call(Call::Receive));
    let text = |call| match call {
        Call::Print { text, .. } => text.to_string(),
        call => panic!("{call:?}"),
    };
    life.ahead.drain(..).map(text).collect()
}

#[test]
fn its_requests_and_responses_are_lifted() {
    let (_, call) = made("print gr\u{fc}\u{df}e");
    assert_eq!(call, Call::Print { verbosity: 0, text: "gr\u{fc}\u{df}e".into() });
    let (_, call) = made("respond yes");
    assert_eq!(call, Call::SendResponse(Rc::new((Response { body: Bytes::from("yes"), ..Response::default() }, None))));
    let (mut life, call) = made("ask our@chat:demo:bob.os 40 what?");
    let target = life.names.address("our@chat:demo:bob.os", life.our.node).expect("an address");
    assert_eq!(target.node, life.our.node);
    let request =
        |body: &str, expects_response| Request { body: Bytes::from(body), expects_response, ..Request::default() };
    let asked =
        Outgoing { target, request: request("what?", Some(40)), context: Some(Bytes::from("what?")), blob: None };
    assert_eq!(call, Call::SendRequest(Rc::new(asked)));
    let (mut life, call) = made("blob bytes carol.os@chat:demo:bob.os body");
    let target = life.names.address("carol.os@chat:demo:bob.os", life.our.node).expect("an address");
    let blob = Some(Blob { mime: None, bytes: Bytes::from("bytes") });
    assert_eq!(
        call,
        Call::SendRequest(Rc::new(Outgoing { target, request: request("body", None), context: None, blob }))
    );
}

fn read(life: &mut Life) -> Capability {
    let issuer = life.names.address("our@vfs:distro:sys", life.our.node).expect("an address");
    Capability { issuer, params: life.names.params(r#"{"kind":"read"}"#) }
}

#[test]
fn its_capabilities_are_lifted() {
    let (mut life, call) = made(r#"drop our@vfs:distro:sys {"kind":"read"}"#);
    assert_eq!(call, Call::DropCapabilities(vec![read(&mut life)]));
    let (_, call) = made("give our@a:b:c our@vfs:distro:sys 5 take");
    let Call::SendRequest(outgoing) = call else { panic!("{call:?}") };
    assert_eq!(outgoing.request.capabilities.len(), 1);
    // What comes with a message can be kept as it is.
    let mut life = puppet();
    let attached = vec![Capability::messaging(life.our), read(&mut life)];
    assert_eq!(told(&mut life, "keep", attached.clone()), Turn::Call(Call::Receive));
    assert_eq!(life.ahead, [Call::SaveCapabilities(attached.clone())]);
    assert_eq!(told(&mut life, "print-capabilities", vec![]), Turn::Call(Call::OurCapabilities));
    let lines = printed(&mut life, Answer::Capabilities(attached));
    let expected = [
        r#"capability: alice.os@odd:test:alice.os "messaging""#,
        r#"capability: alice.os@vfs:distro:sys {"kind":"read"}"#,
    ];
    assert_eq!(lines, expected);
}

#[test]
fn its_on_exit_passes_both_ways() {
    let mut life = puppet();
    let turn = told(&mut life, "on-exit requests our@a:b:c farewell", vec![]);
    let target = life.names.address("our@a:b:c", life.our.node).expect("an address");
    let request = Request { body: Bytes::from("farewell"), ..Request::default() };
    let requests = OnExit::Requests([OnExitRequest { target, request, blob: None }].into());
    assert_eq!(turn, Turn::Call(Call::SetOnExit(requests.clone())));
    assert_eq!(life.answer(Answer::Done), Turn::Call(Call::Receive));
    for (on_exit, line) in [(OnExit::None, "none"), (OnExit::Restart, "restart"), (requests, "requests 1")] {
        assert_eq!(told(&mut life, "print-on-exit", vec![]), Turn::Call(Call::GetOnExit));
        assert_eq!(printed(&mut life, Answer::OnExit(on_exit)), [format!("on-exit: {line}")]);
    }
}

#[test]
fn its_state_and_blobs_pass_both_ways() {
    let mut life = puppet();
    assert_eq!(told(&mut life, "save-state s", vec![]), Turn::Call(Call::SetState(Bytes::from("s"))));
    assert_eq!(life.answer(Answer::Done), Turn::Call(Call::Receive));
    for (state, line) in [(None, "state: none"), (Some(Bytes::from("\u{2713}")), "state: \u{2713}")] {
        assert_eq!(told(&mut life, "print-state", vec![]), Turn::Call(Call::GetState));
        assert_eq!(printed(&mut life, Answer::State(state)), [line]);
    }
    let blob = Blob { mime: Some("text/plain".into()), bytes: Bytes::from("b") };
    for (blob, line) in [(None, "blob: none"), (Some(blob), "blob: b")] {
        assert_eq!(told(&mut life, "print-blob", vec![]), Turn::Call(Call::GetBlob));
        assert_eq!(printed(&mut life, Answer::Blob(blob)), [line]);
    }
}

#[test]
fn it_reads_answers_and_send_errors_with_their_context() {
    let mut life = puppet();
    let response = Content::Response(Response { body: Bytes::from("yes"), ..Response::default() });
    let answered = message(&mut life, response);
    let received = Received::Message(answered.clone(), Some(Bytes::from("question")));
    assert_eq!(printed(&mut life, Answer::Received(received)), ["question: answered yes"]);
    for (kind, word) in [(SendErrorKind::Offline, "offline"), (SendErrorKind::Timeout, "timeout")] {
        let content = Content::Request(Request { body: Bytes::from("lost"), ..Request::default() });
        let mut sent = Message::clone(&message(&mut life, content));
        sent.blob = Some(Blob { mime: None, bytes: Bytes::from("blob") });
        let error = SendError { kind, message: Rc::new(sent) };
        let received = Received::Error(error.clone(), Some(Bytes::from("question")));
        assert_eq!(printed(&mut life, Answer::Received(received)), [format!("question: {word}")]);
        let turn = told(&mut life, "await our@a:b:c 5 now?", vec![]);
        assert!(matches!(turn, Turn::Call(Call::SendAndAwaitResponse(_))));
        assert_eq!(printed(&mut life, Answer::Awaited(Err(error))), [format!("now?: {word}")]);
    }
    told(&mut life, "await our@a:b:c 5 now?", vec![]);
    assert_eq!(printed(&mut life, Answer::Awaited(Ok(answered))), ["now?: answered yes"]);
}

#[test]
fn its_panic_text_is_the_traps_text() {
    let mut life = puppet();
    match told(&mut life, "panic out of tea", vec![]) {
        Turn::Trapped(trap) => {
            assert_eq!(trap.reason, TrapReason::Unreachable);
            assert!(trap.text.contains("out of tea") && trap.text.contains("panicked at"), "{}", trap.text);
        }
        turn => panic!("{turn:?}"),
    }
}
