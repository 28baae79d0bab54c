//! Every call of the process world, byte by byte, from a guest's memory.

use super::odd::{
    ANSWER, BOB, Image, Life, READ, RECORD, STANDARD, TEXTS, address, blob, call, capability, guest, outgoing,
    put_on_exit_request, put_outgoing, request,
};
use kernel_core::{Answer, Blob, Bytes, Call, OnExit, OnExitRequest, Outgoing, ParamsRef, Request, Response, Spawn};
use sim::guest::Turn;
use std::rc::Rc;

/// The `Life` whose `init` makes one call on the memory of `image`, and that call.
fn lifted(image: &Image, import: &str, arguments: &[u32]) -> (Life, Call) {
    lifted_in(STANDARD, image, import, arguments)
}

fn lifted_in(world: &str, image: &Image, import: &str, arguments: &[u32]) -> (Life, Call) {
    let drop = if import == "has-blob" { "drop" } else { "" };
    let mut life = Life::of(&guest(world, 2, &image.bytes, &format!("{} {drop}", call(import, arguments))));
    match life.init() {
        Turn::Call(call) => (life, call),
        Turn::Returned => {
            let call = life.ahead.pop_front().expect("the call waits in `ahead`");
            (life, call)
        }
        turn => panic!("{import}: {turn:?}"),
    }
}

#[test]
fn print_hands_over_its_text() {
    let mut image = Image::new(TEXTS);
    let (at, n) = image.text(RECORD, "grüße 👋");
    let (_, call) = lifted(&image, "print-to-terminal", &[2, at, n]);
    assert_eq!(call, Call::Print { verbosity: 2, text: "grüße 👋".into() });
}

#[test]
fn calls_without_arguments_are_themselves() {
    let image = Image::new(TEXTS);
    let calls = [
        ("our", Call::Our),
        ("get-on-exit", Call::GetOnExit),
        ("get-state", Call::GetState),
        ("clear-state", Call::ClearState),
        ("our-capabilities", Call::OurCapabilities),
        ("receive", Call::Receive),
        ("has-blob", Call::HasBlob),
        ("get-blob", Call::GetBlob),
        ("last-blob", Call::LastBlob),
    ];
    for (import, expected) in calls {
        let arguments = if ["clear-state", "has-blob"].contains(&import) { vec![] } else { vec![ANSWER] };
        assert_eq!(lifted(&image, import, &arguments).1, expected);
    }
}

#[test]
fn set_state_hands_over_its_bytes_and_none_too() {
    let mut image = Image::new(TEXTS);
    let (at, n) = image.text(RECORD, [0, 1, 255]);
    assert_eq!(lifted(&image, "set-state", &[at, n]).1, Call::SetState(Bytes::from(&[0, 1, 255][..])));
    assert_eq!(lifted(&image, "set-state", &[0, 0]).1, Call::SetState(Bytes::default()));
    // The end of memory is a place for nothing.
    assert_eq!(lifted(&image, "set-state", &[2 * 65536, 0]).1, Call::SetState(Bytes::default()));
}

#[test]
fn a_mebibyte_passes_both_ways() {
    let body = "
        (memory.fill (i32.const 131072) (i32.const 97) (i32.const 1048576))
        (call $set-state (i32.const 131072) (i32.const 1048576))
        (global.set $next (i32.const 2000000))
        (call $get-state (i32.const 16))
        (call $set-state (i32.load (i32.const 20)) (i32.load (i32.const 24)))";
    let mut life = Life::of(&guest(STANDARD, 64, &[], body));
    assert_eq!(life.init(), Turn::Call(Call::SetState(vec![97; 1 << 20].into())));
    assert_eq!(life.answer(Answer::Done), Turn::Call(Call::GetState));
    let state: Bytes = (0..1 << 20).map(|i| i as u8).collect::<Vec<u8>>().into();
    assert_eq!(life.answer(Answer::State(Some(state.clone()))), Turn::Call(Call::SetState(state)));
}

#[test]
fn set_on_exit_hands_over_each_of_its_cases() {
    let mut image = Image::new(TEXTS);
    put_on_exit_request(&mut image, RECORD);
    assert_eq!(lifted(&image, "set-on-exit", &[0, 1, 2]).1, Call::SetOnExit(OnExit::None));
    assert_eq!(lifted(&image, "set-on-exit", &[1, 1, 2]).1, Call::SetOnExit(OnExit::Restart));
    let (mut life, call) = lifted(&image, "set-on-exit", &[2, RECORD as u32, 1]);
    let names = &mut life.names;
    let expected = OnExitRequest { target: address(names, BOB), request: request(names), blob: Some(blob()) };
    assert_eq!(call, Call::SetOnExit(OnExit::Requests([expected].into())));
}

#[test]
fn spawn_hands_over_its_fourteen_words() {
    let mut image = Image::new(TEXTS);
    let (name, name_n) = image.text(RECORD, "child");
    let (path, path_n) = image.text(RECORD, "/a:b/pkg/child.wasm");
    let (requests, requests_n) = image.capabilities(RECORD, &[(BOB, READ)]);
    let grants = image.room(32);
    image.process(grants, "timer:distro:sys");
    image.text(grants + 24, r#""messaging""#);
    let spawn = |named, public| {
        [named, name, name_n, path, path_n, 1, 0, 0, requests, requests_n, grants as u32, 1, public, ANSWER]
    };
    let (mut life, call) = lifted(&image, "spawn", &spawn(1, 1));
    let names = &mut life.names;
    let mut expected = Spawn {
        name: Some("child".into()),
        path: "/a:b/pkg/child.wasm".into(),
        on_exit: OnExit::Restart,
        request_capabilities: vec![capability(names, BOB, READ)],
        grant_capabilities: vec![(names.process("timer:distro:sys"), ParamsRef::MESSAGING)],
        public: true,
    };
    assert_eq!(call, Call::Spawn(Box::new(expected.clone())));
    let (_, call) = lifted(&image, "spawn", &spawn(0, 0));
    (expected.name, expected.public) = (None, false);
    assert_eq!(call, Call::Spawn(Box::new(expected)));
}

#[test]
fn before_world_1_spawn_grants_the_right_to_message() {
    for world in ["kinode:process/standard@0.8.0", "kinode:process/standard@0.7.0"] {
        let mut image = Image::new(TEXTS);
        let (path, path_n) = image.text(RECORD, "/p");
        let grants = image.room(48);
        image.process(grants, "timer:distro:sys");
        image.process(grants + 24, "net:distro:sys");
        let arguments = [0, 0, 0, path, path_n, 0, 0, 0, 0, 0, grants as u32, 2, 0, ANSWER];
        let (mut life, call) = lifted_in(world, &image, "spawn", &arguments);
        let Call::Spawn(spawn) = call else { panic!("{call:?}") };
        let grants = ["timer:distro:sys", "net:distro:sys"].map(|id| (life.names.process(id), ParamsRef::MESSAGING));
        assert_eq!(spawn.grant_capabilities, grants);
    }
}

#[test]
fn capabilities_are_saved_and_dropped_as_listed() {
    let mut image = Image::new(TEXTS);
    let (at, n) = image.capabilities(RECORD, &[(BOB, READ), ("our@net:distro:sys", " \"network\" ")]);
    for import in ["save-capabilities", "drop-capabilities"] {
        let (mut life, call) = lifted(&image, import, &[at, n]);
        let names = &mut life.names;
        let expected = vec![capability(names, BOB, READ), capability(names, "alice.os@net:distro:sys", r#""network""#)];
        match call {
            Call::SaveCapabilities(listed) | Call::DropCapabilities(listed) => assert_eq!(listed, expected),
            call => panic!("{call:?}"),
        }
    }
    assert_eq!(lifted(&image, "drop-capabilities", &[4, 0]).1, Call::DropCapabilities(vec![]));
}

#[test]
fn send_request_hands_over_the_whole_tuple() {
    let mut image = Image::new(TEXTS);
    put_outgoing(&mut image, RECORD);
    let (mut life, call) = lifted(&image, "send-request", &[RECORD as u32]);
    assert_eq!(call, Call::SendRequest(Rc::new(outgoing(&mut life.names))));
    assert!(life.ahead.is_empty());
}

#[test]
fn send_request_does_without_all_that_is_optional() {
    let mut image = Image::new(TEXTS);
    image.address(RECORD, "our@kernel:distro:sys");
    image.word(RECORD + 32 + 44, 4);
    let (mut life, call) = lifted(&image, "send-request", &[RECORD as u32]);
    let target = address(&mut life.names, "alice.os@kernel:distro:sys");
    assert_eq!(
        call,
        Call::SendRequest(Rc::new(Outgoing { target, request: Request::default(), context: None, blob: None }))
    );
}

#[test]
fn a_timeout_has_all_its_64_bits() {
    let mut image = Image::new(TEXTS);
    put_outgoing(&mut image, RECORD);
    image.bytes[RECORD + 48..RECORD + 56].copy_from_slice(&u64::MAX.to_le_bytes());
    let (_, call) = lifted(&image, "send-request", &[RECORD as u32]);
    let Call::SendRequest(outgoing) = call else { panic!("{call:?}") };
    assert_eq!(outgoing.request.expects_response, Some(u64::MAX));
}

#[test]
fn send_requests_hands_over_a_list() {
    let mut image = Image::new(TEXTS);
    let list = image.room(3 * 128);
    for i in 0..3 {
        put_outgoing(&mut image, list + 128 * i);
    }
    let (mut life, call) = lifted(&image, "send-requests", &[list as u32, 3]);
    assert_eq!(call, Call::SendRequests(vec![outgoing(&mut life.names); 3].into()));
}

#[test]
fn send_response_hands_over_its_fourteen_words() {
    let mut image = Image::new(TEXTS);
    let (body, body_n) = image.text(RECORD, "yes");
    let (meta, meta_n) = image.text(RECORD, "m");
    let (caps, caps_n) = image.capabilities(RECORD, &[(BOB, READ)]);
    let (mime, mime_n) = image.text(RECORD, "a/b");
    let (bytes, bytes_n) = image.text(RECORD, [7, 8]);
    let arguments = [1, body, body_n, 1, meta, meta_n, caps, caps_n, 1, 1, mime, mime_n, bytes, bytes_n];
    let (mut life, call) = lifted(&image, "send-response", &arguments);
    let response = Response {
        inherit: true,
        body: Bytes::from("yes"),
        metadata: Some("m".into()),
        capabilities: vec![capability(&mut life.names, BOB, READ)],
    };
    let blob = Blob { mime: Some("a/b".into()), bytes: vec![7, 8].into() };
    assert_eq!(call, Call::SendResponse(Rc::new((response, Some(blob)))));
    let (_, call) = lifted(&image, "send-response", &[0; 14]);
    assert_eq!(call, Call::SendResponse(Rc::new((Response::default(), None))));
}

#[test]
fn send_and_await_response_hands_over_its_tuple() {
    let mut image = Image::new(TEXTS);
    put_on_exit_request(&mut image, RECORD);
    let (mut life, call) = lifted(&image, "send-and-await-response", &[RECORD as u32, ANSWER]);
    let expected = Outgoing { context: None, ..outgoing(&mut life.names) };
    assert_eq!(call, Call::SendAndAwaitResponse(Rc::new(expected)));
}

#[test]
fn a_part_with_a_colon_forges_no_other_id() {
    let forgeries = [
        ["kernel:distro", "sys", ""],
        ["kernel:distro:sys", "", ""],
        ["", "kernel:distro:sys", ""],
        ["kernel", "distro:sys", ""],
    ];
    for parts in forgeries {
        let mut image = Image::new(TEXTS);
        put_outgoing(&mut image, RECORD);
        for (i, part) in parts.iter().enumerate() {
            image.text(RECORD + 8 + 8 * i, part);
        }
        let (life, call) = lifted(&image, "send-request", &[RECORD as u32]);
        let Call::SendRequest(outgoing) = call else { panic!("{call:?}") };
        let process = outgoing.target.process;
        assert!(!process.is_module(), "{parts:?}");
        let id = life.names.process_text(process);
        assert!(kernel_core::ProcessId::split(id).is_none_or(|id| !id.is_legal()), "{id}");
    }
}

#[test]
fn only_calls_without_an_answer_run_ahead() {
    for (import, n) in super::odd::IMPORTS {
        let mut image = Image::new(TEXTS);
        match import {
            "send-and-await-response" => put_on_exit_request(&mut image, RECORD),
            _ => put_outgoing(&mut image, RECORD),
        }
        let arguments: Vec<u32> = match import {
            "send-request" => vec![RECORD as u32],
            "send-and-await-response" => vec![RECORD as u32, ANSWER],
            _ if n == 1 => vec![ANSWER],
            _ => vec![0; n],
        };
        let drop = if import == "has-blob" { "drop" } else { "" };
        let mut life = Life::of(&guest(STANDARD, 2, &image.bytes, &format!("{} {drop}", call(import, &arguments))));
        let turn = life.init();
        match life.ahead.pop_front() {
            Some(call) => {
                assert_eq!((turn, call.kind().has_answer(), call.kind().name()), (Turn::Returned, false, import))
            }
            None => match turn {
                Turn::Call(call) => assert_eq!((call.kind().has_answer(), call.kind().name()), (true, import)),
                turn => panic!("{import}: {turn:?}"),
            },
        }
    }
}
