//! Values of every size and script pass through a guest and come out as they went in, in every world that there is.

use super::odd::{BOB, Life, address, guest};
use kernel_core::{Answer, Blob, Bytes, Call, Cause, Content, Message, MessageId, Received, Request, Response};
use sim::guest::Turn;
use std::rc::Rc;

/// Hands body, metadata and blob of each request back, from where they were put in its memory.
const RELAY: &str = "(loop $again
    (call $receive (i32.const 1024))
    (call $get-blob (i32.const 2048))
    (call $send-response (i32.const 0)
        (i32.load (i32.const 1096)) (i32.load (i32.const 1100))
        (i32.load8_u (i32.const 1104)) (i32.load (i32.const 1108)) (i32.load (i32.const 1112))
        (i32.const 0) (i32.const 0)
        (i32.load8_u (i32.const 2048))
        (i32.load8_u (i32.const 2052)) (i32.load (i32.const 2056)) (i32.load (i32.const 2060))
        (i32.load (i32.const 2064)) (i32.load (i32.const 2068)))
    (br $again))";

const WORLDS: [&str; 5] = [
    "kinode:process/standard@0.7.0",
    "kinode:process/standard@0.8.0",
    "kinode:process/standard@1.0.0",
    "hyperware:process/standard@1.0.0",
    "hyperware:process/standard",
];

/// What the relay answers to a request.
fn relayed(life: &mut Life, body: &Bytes, metadata: Option<&str>, blob: Option<Blob>) -> (Response, Option<Blob>) {
    let names = &mut life.names;
    let request = Request { body: body.clone(), metadata: metadata.map(Into::into), ..Request::default() };
    let message = Message {
        id: MessageId(1),
        source: address(names, BOB),
        target: life.our,
        rsvp: None,
        content: Content::Request(request),
        blob: blob.clone(),
        cause: Cause(0),
    };
    let received = Answer::Received(Received::Message(Rc::new(message), None));
    assert_eq!(life.answer(received), Turn::Call(Call::GetBlob));
    // What carries much stops the guest at once; what carries little runs ahead of its next call.
    let answer = match life.answer(Answer::Blob(blob)) {
        Turn::Call(Call::Receive) => life.ahead.pop_front().expect("it has answered"),
        Turn::Call(answer) => {
            assert_eq!(life.answer(Answer::Done), Turn::Call(Call::Receive));
            answer
        }
        turn => panic!("{turn:?}"),
    };
    let Call::SendResponse(answer) = answer else { panic!("{answer:?}") };
    Rc::unwrap_or_clone(answer)
}

#[test]
fn empty_large_and_foreign_values_come_out_as_they_went_in() {
    let mebibyte: Vec<u8> = (0..1 << 20).map(|n: u32| ((n * 31) >> 3) as u8).collect();
    let bodies: [&[u8]; 4] = [b"", "γειά ✓ 你好 👋".as_bytes(), &[0, 159, 255, 254], &mebibyte];
    let long = "ß".repeat(1 << 19);
    let metadata = [None, Some(""), Some("żółć"), Some(long.as_str())];
    for world in WORLDS {
        for (body, metadata) in bodies.iter().zip(metadata) {
            let body = Bytes::from(*body);
            let typed = |mime: Option<&str>| Some(Blob { mime: mime.map(Into::into), bytes: body.clone() });
            for blob in [None, typed(None), typed(Some("")), typed(Some("text/plain; charset=ütf-8"))] {
                let mut life = Life::of(&guest(world, 128, &[], RELAY));
                assert_eq!(life.init(), Turn::Call(Call::Receive), "{world}");
                let (response, with) = relayed(&mut life, &body, metadata, blob.clone());
                let sizes = (body.len(), metadata.map(str::len));
                assert!(response.body == body && response.metadata.as_deref() == metadata, "{world}: {sizes:?}");
                assert!(with == blob && response.capabilities.is_empty() && !response.inherit, "{world}: {sizes:?}");
            }
        }
    }
}

#[test]
fn one_life_relays_one_value_after_another() {
    let mut life = Life::of(&guest(WORLDS[3], 128, &[], RELAY));
    assert_eq!(life.init(), Turn::Call(Call::Receive));
    for n in [0, 1, 7, 4_096, 65_536, 100_000, 0] {
        let body = Bytes::from(vec![n as u8; n]);
        let blob = Blob { mime: None, bytes: body.clone() };
        let (response, with) = relayed(&mut life, &body, None, Some(blob.clone()));
        assert!(response.body == body && with == Some(blob), "{n}");
    }
}
