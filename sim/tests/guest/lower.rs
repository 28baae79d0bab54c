//! Every answer of the process world, byte by byte, in a guest's memory.

use super::odd::{
    ANSWER, BOB, Dump, Image, Life, READ, RECORD, STANDARD, TEXTS, address, call, capability, guest,
    put_on_exit_request, request,
};
use kernel_core::{
    Answer, Blob, Bytes, Call, Cause, Content, Message, MessageId, Names, OnExit, OnExitRequest, Received, Response,
    SendError, SendErrorKind, SpawnError,
};
use sim::guest::{Reply, Turn};
use std::rc::Rc;

/// Gives `answer` to the call of `import` and reads the guest's memory afterwards.
fn lowered(import: &str, arguments: &[u32], answer: impl FnOnce(&mut Names) -> Answer) -> Dump {
    lowered_in(STANDARD, import, arguments, answer)
}

fn lowered_in(world: &str, import: &str, arguments: &[u32], answer: impl FnOnce(&mut Names) -> Answer) -> Dump {
    let made = match import {
        "has-blob" => format!("(i32.store (i32.const {ANSWER}) (call $has-blob))"),
        import => call(import, arguments),
    };
    let mut image = Image::new(TEXTS);
    put_on_exit_request(&mut image, RECORD);
    let body = format!("{made} (call $set-state (i32.const 0) (i32.const 131072))");
    let mut life = Life::of(&guest(world, 2, &image.bytes, &body));
    match life.init() {
        Turn::Call(call) => assert_eq!(call.kind().name(), import),
        turn => panic!("{turn:?}"),
    }
    let answer = answer(&mut life.names);
    match life.resume(Reply::Answer(answer)) {
        Turn::Call(Call::SetState(memory)) => Dump(memory),
        turn => panic!("{turn:?}"),
    }
}

const AT: usize = ANSWER as usize;

fn message(names: &mut Names, content: Content) -> Rc<Message> {
    let source = address(names, BOB);
    let target = address(names, "carol.os@chat:demo:bob.os");
    Rc::new(Message {
        id: MessageId(1),
        source,
        target,
        rsvp: None,
        content,
        blob: Some(blob_of_text()),
        cause: Cause(0),
    })
}

fn blob_of_text() -> Blob {
    Blob { mime: None, bytes: Bytes::from("blob") }
}

fn response() -> Response {
    Response { inherit: false, body: Bytes::from("answer"), metadata: None, capabilities: vec![] }
}

const REQUEST: (u8, Option<u64>, &str, Option<&str>, usize) = (1, Some(30), "body ÿ", Some("{}"), 2);

fn assert_is_request(dump: &Dump, at: usize) {
    let (inherit, seconds, body, metadata, n) = dump.request(at);
    assert_eq!((inherit, seconds, body.as_str(), metadata.as_deref(), n), REQUEST);
    let capabilities = dump.capabilities(at + 44);
    assert_eq!(capabilities[0], (BOB.into(), r#""messaging""#.into()));
    assert_eq!(capabilities[1], ("alice.os@vfs:distro:sys".into(), READ.into()));
}

#[test]
fn our_and_spawned_ids_come_in_parts() {
    let dump = lowered("our", &[ANSWER], |names| Answer::Our(address(names, BOB)));
    assert_eq!(dump.address(AT), BOB);
    let spawn = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ANSWER];
    let dump = lowered("spawn", &spawn, |names| Answer::Spawned(Ok(names.process("a:b:c.os"))));
    assert_eq!((dump.0[AT], dump.process(AT + 4)), (0, "a:b:c.os".into()));
    for (error, code) in [(SpawnError::NameTaken, 0), (SpawnError::NoFileAtPath, 1)] {
        let dump = lowered("spawn", &spawn, |_| Answer::Spawned(Err(error)));
        assert_eq!((dump.0[AT], dump.0[AT + 4]), (1, code));
    }
}

#[test]
fn an_on_exit_value_comes_back_whole() {
    for (on_exit, case) in [(OnExit::None, 0), (OnExit::Restart, 1)] {
        assert_eq!(lowered("get-on-exit", &[ANSWER], |_| Answer::OnExit(on_exit)).0[AT], case);
    }
    let dump = lowered("get-on-exit", &[ANSWER], |names| {
        let one = OnExitRequest { target: address(names, BOB), request: request(names), blob: Some(blob_of_text()) };
        let two = OnExitRequest { blob: None, ..one.clone() };
        Answer::OnExit(OnExit::Requests([one, two].into()))
    });
    assert_eq!((dump.0[AT], dump.word(AT + 8)), (2, 2));
    let list = dump.word(AT + 4);
    for (at, blob) in [(list, Some((None, "blob".into()))), (list + 112, None)] {
        assert_eq!(dump.address(at), BOB);
        assert_is_request(&dump, at + 32);
        assert_eq!(dump.blob(at + 88), blob);
    }
}

#[test]
fn state_is_none_or_its_bytes() {
    for state in [None, Some(""), Some("ünï")] {
        let dump = lowered("get-state", &[ANSWER], |_| Answer::State(state.map(Bytes::from)));
        assert_eq!(dump.option(AT).as_deref(), state);
    }
}

#[test]
fn capabilities_come_as_a_list() {
    let dump = lowered("our-capabilities", &[ANSWER], |names| {
        Answer::Capabilities(vec![capability(names, BOB, READ), capability(names, "x@y:z:w", "5")])
    });
    assert_eq!(dump.capabilities(AT), [(BOB.into(), READ.into()), ("x@y:z:w".into(), "5".into())]);
    let dump = lowered("our-capabilities", &[ANSWER], |_| Answer::Capabilities(vec![]));
    assert_eq!(dump.capabilities(AT), []);
}

#[test]
fn blobs_come_with_and_without_a_type() {
    assert_eq!(lowered("has-blob", &[], |_| Answer::HasBlob(true)).word(AT), 1);
    assert_eq!(lowered("has-blob", &[], |_| Answer::HasBlob(false)).word(AT), 0);
    for import in ["get-blob", "last-blob"] {
        assert_eq!(lowered(import, &[ANSWER], |_| Answer::Blob(None)).blob(AT), None);
        let blob = Blob { mime: Some("a/b".into()), bytes: Bytes::from("x") };
        let dump = lowered(import, &[ANSWER], |_| Answer::Blob(Some(blob)));
        assert_eq!(dump.blob(AT), Some((Some("a/b".into()), "x".into())));
    }
}

#[test]
fn a_received_request_has_its_source_and_no_context() {
    let dump = lowered("receive", &[ANSWER], |names| {
        let content = Content::Request(request(names));
        Answer::Received(Received::Message(message(names, content), Some(Bytes::from("not for requests"))))
    });
    assert_eq!((dump.0[AT], dump.address(AT + 8), dump.0[AT + 40]), (0, BOB.into(), 0));
    assert_is_request(&dump, AT + 48);
}

#[test]
fn a_received_response_brings_the_context_back() {
    for context in [None, Some("context")] {
        let dump = lowered("receive", &[ANSWER], |names| {
            let message = message(names, Content::Response(response()));
            Answer::Received(Received::Message(message, context.map(Bytes::from)))
        });
        assert_eq!((dump.0[AT], dump.address(AT + 8), dump.0[AT + 40]), (0, BOB.into(), 1));
        assert_eq!(dump.response(AT + 48), (0, "answer".into(), None, 0));
        assert_eq!(dump.option(AT + 80).as_deref(), context);
    }
}

#[test]
fn a_send_error_gives_the_request_back_with_its_blob() {
    let kinds = [(SendErrorKind::Offline, 0), (SendErrorKind::Timeout, 1)];
    for (kind, code) in kinds {
        let dump = lowered("receive", &[ANSWER], |names| {
            let content = Content::Request(request(names));
            Answer::Received(Received::Error(
                SendError { kind, message: message(names, content) },
                Some(Bytes::from("c")),
            ))
        });
        let error = AT + 8;
        assert_eq!((dump.0[AT], dump.0[error]), (1, code));
        assert_eq!(dump.address(error + 4), "carol.os@chat:demo:bob.os");
        assert_eq!(dump.0[error + 40], 0);
        assert_is_request(&dump, error + 48);
        assert_eq!(dump.blob(error + 104), Some((None, "blob".into())));
        assert_eq!(dump.option(error + 128), Some("c".into()));
    }
}

#[test]
fn in_world_0_7_a_send_error_has_no_target() {
    let world = "kinode:process/standard@0.7.0";
    let dump = lowered_in(world, "receive", &[ANSWER], |names| {
        let content = Content::Request(request(names));
        let error = SendError { kind: SendErrorKind::Timeout, message: message(names, content) };
        Answer::Received(Received::Error(error, Some(Bytes::from("c"))))
    });
    let error = AT + 8;
    assert_eq!((dump.0[AT], dump.0[error], dump.0[error + 8]), (1, 1, 0));
    assert_is_request(&dump, error + 16);
    assert_eq!(dump.blob(error + 72), Some((None, "blob".into())));
    assert_eq!(dump.option(error + 96), Some("c".into()));
    let dump = lowered_in(world, "send-and-await-response", &[RECORD as u32, ANSWER], |names| {
        let content = Content::Request(request(names));
        Answer::Awaited(Err(SendError { kind: SendErrorKind::Offline, message: message(names, content) }))
    });
    assert_eq!((dump.0[AT], dump.0[error], dump.0[error + 8]), (1, 0, 0));
    assert_is_request(&dump, error + 16);
}

#[test]
fn an_awaited_answer_is_a_message_or_a_send_error() {
    let arguments = [RECORD as u32, ANSWER];
    let dump = lowered("send-and-await-response", &arguments, |names| {
        Answer::Awaited(Ok(message(names, Content::Response(response()))))
    });
    assert_eq!((dump.0[AT], dump.address(AT + 8), dump.0[AT + 40]), (0, BOB.into(), 1));
    assert_eq!(dump.response(AT + 48), (0, "answer".into(), None, 0));
    assert_eq!(dump.option(AT + 80), None);
    let dump = lowered("send-and-await-response", &arguments, |names| {
        let content = Content::Request(request(names));
        Answer::Awaited(Err(SendError { kind: SendErrorKind::Timeout, message: message(names, content) }))
    });
    assert_eq!((dump.0[AT], dump.0[AT + 8], dump.address(AT + 12)), (1, 1, "carol.os@chat:demo:bob.os".into()));
    assert_is_request(&dump, AT + 56);
}
