//! What a guest may get wrong, by mistake or on purpose: each lie is a trap that names the call and the field.

use super::odd::{Image, Life, STANDARD, call, guest};
use kernel_core::{Answer, Bytes, Call, Content, Message, MessageId, Received, Request};
use sim::guest::{Reply, Trap, TrapReason, Turn};
use std::rc::Rc;

const RECORD: usize = 1024;
const TEXTS: usize = 4096;
const MEMORY: u32 = 2 * 65536;

/// A `send-request` without lies, at `RECORD`.
fn outgoing() -> Image {
    let mut image = Image::new(TEXTS);
    image.address(RECORD, "bob.os@chat:demo:bob.os");
    image.text(RECORD + 32 + 24, "body");
    image.option(RECORD + 32 + 32, Some("metadata"));
    image.capabilities(RECORD + 32 + 44, &[("bob.os@chat:demo:bob.os", "1")]);
    image.option(RECORD + 88, Some("context"));
    image.bytes[RECORD + 100] = 1;
    image.option(RECORD + 104, Some("mime"));
    image.text(RECORD + 116, "bytes");
    image
}

fn trap(image: &Image, import: &str, arguments: &[u32]) -> Trap {
    let drop = if import == "has-blob" { "drop" } else { "" };
    Life::of(&guest(STANDARD, 2, &image.bytes, &format!("{} {drop}", call(import, arguments)))).trap()
}

fn assert_lie(trap: &Trap, expected: &str) {
    assert_eq!(trap.reason, TrapReason::Abi, "{trap:?}");
    assert!(trap.text.contains(expected), "{:?} should say {expected:?}", trap.text);
}

/// A lie in one word of a `send-request`: where, what, and what the trap says.
#[test]
fn every_word_of_a_request_is_checked() {
    let capability = |image: &Image, at: usize| {
        let list = RECORD + 32 + 44;
        u32::from_le_bytes(image.bytes[list..list + 4].try_into().expect("four bytes")) as usize + at
    };
    let lies: [(usize, u32, &str); 21] = [
        (0, MEMORY, "send-request: target.node: pointer 0x20000 and length 6 reach outside the memory of 131072 bytes"),
        (4, u32::MAX, "target.node: pointer"),
        (8, u32::MAX, "target.process: pointer"),
        (20, MEMORY, "target.package: pointer"),
        (28, u32::MAX - 1, "target.publisher: pointer"),
        (32, 2, "request.inherit: a bool of value 2"),
        (40, 2, "request.expects-response: an option of discriminant 2"),
        (56, u32::MAX, "request.body: pointer"),
        (60, MEMORY, "request.body: pointer"),
        (64, 255, "request.metadata: an option of discriminant 255"),
        (68, u32::MAX, "request.metadata: pointer"),
        (76, 1, "request.capabilities: pointer 0x1 is not a multiple of 4"),
        (76, MEMORY, "request.capabilities: pointer"),
        (80, u32::MAX, "request.capabilities: pointer"),
        (80, 1 << 28, "request.capabilities: pointer"),
        (88, 7, "context: an option of discriminant 7"),
        (96, u32::MAX, "context: pointer"),
        (100, 9, "blob: an option of discriminant 9"),
        (104, 3, "blob.mime: an option of discriminant 3"),
        (112, u32::MAX, "blob.mime: pointer"),
        (120, MEMORY, "blob.bytes: pointer"),
    ];
    for (at, word, expected) in lies {
        let mut image = outgoing();
        image.word(RECORD + at, word as usize);
        assert_lie(&trap(&image, "send-request", &[RECORD as u32]), expected);
    }
    for (at, expected) in
        [(4, "request.capabilities.#0.issuer.node: pointer"), (36, "request.capabilities.#0.params: pointer")]
    {
        let mut image = outgoing();
        let place = capability(&image, at);
        image.word(place, u32::MAX as usize);
        assert_lie(&trap(&image, "send-request", &[RECORD as u32]), expected);
    }
}

#[test]
fn texts_are_utf_8_and_bytes_need_not_be() {
    for (at, expected) in [(0, "target.node"), (8, "target.process"), (68, "metadata"), (108, "blob.mime")] {
        let mut image = outgoing();
        image.text(RECORD + at, [b'a', b'b', 0xff]);
        assert_lie(&trap(&image, "send-request", &[RECORD as u32]), &format!("{expected}: not UTF-8 after 2 bytes"));
    }
    for at in [56, 92, 116] {
        let mut image = outgoing();
        image.text(RECORD + at, [0xff]);
        let mut life = Life::of(&guest(STANDARD, 2, &image.bytes, &call("send-request", &[RECORD as u32])));
        assert_eq!(life.init(), Turn::Returned);
    }
}

/// Calls with a lie in their flat arguments.
#[test]
fn every_flat_argument_is_checked() {
    let image = Image::new(TEXTS);
    let spawn = |at: usize, word: u32| {
        let mut arguments = [0; 14];
        (arguments[13], arguments[at]) = (2048, word);
        arguments.to_vec()
    };
    let response = |at: usize, word: u32| {
        let mut arguments = [0; 14];
        (arguments[3], arguments[8], arguments[9]) = (1, 1, 1);
        arguments[at] = word;
        arguments.to_vec()
    };
    let lies: Vec<(&str, Vec<u32>, &str)> = vec![
        ("print-to-terminal", vec![0, MEMORY, 1], "print-to-terminal: text: pointer"),
        ("print-to-terminal", vec![0, u32::MAX, u32::MAX], "print-to-terminal: text: pointer"),
        ("set-state", vec![1, MEMORY], "set-state: bytes: pointer"),
        ("set-on-exit", vec![3, 0, 0], "set-on-exit: an on-exit of case 3"),
        ("set-on-exit", vec![u32::MAX, 0, 0], "an on-exit of case 4294967295"),
        ("set-on-exit", vec![2, 4, 1], "requests: pointer 0x4 is not a multiple of 8"),
        ("set-on-exit", vec![2, 0, u32::MAX], "requests: pointer"),
        ("save-capabilities", vec![2, 0], "save-capabilities: capabilities: pointer 0x2 is not a multiple of 4"),
        ("save-capabilities", vec![0, u32::MAX], "capabilities: pointer"),
        ("drop-capabilities", vec![MEMORY, 1], "drop-capabilities: capabilities: pointer"),
        ("send-requests", vec![4, 0], "send-requests: requests: pointer 0x4 is not a multiple of 8"),
        ("send-requests", vec![0, 1 << 25], "send-requests: requests: pointer"),
        ("send-request", vec![MEMORY], "send-request: arguments: pointer"),
        ("send-request", vec![MEMORY - 120], "arguments: pointer"),
        ("send-request", vec![1028], "arguments: pointer 0x404 is not a multiple of 8"),
        ("send-request", vec![u32::MAX - 7], "arguments: pointer"),
        ("send-and-await-response", vec![1028, 2048], "arguments: pointer"),
        ("send-and-await-response", vec![1024, 2052], "return pointer: pointer 0x804 is not a multiple of 8"),
        ("our", vec![1], "our: return pointer: pointer 0x1 is not a multiple of 4"),
        ("our", vec![MEMORY - 28], "return pointer: pointer"),
        ("get-on-exit", vec![MEMORY], "return pointer: pointer"),
        ("get-state", vec![u32::MAX - 3], "return pointer: pointer"),
        ("our-capabilities", vec![MEMORY - 4], "return pointer: pointer"),
        ("receive", vec![4], "receive: return pointer: pointer 0x4 is not a multiple of 8"),
        ("receive", vec![MEMORY - 144], "return pointer: pointer"),
        ("get-blob", vec![MEMORY - 20], "return pointer: pointer"),
        ("last-blob", vec![2], "return pointer: pointer"),
        ("spawn", spawn(0, 2), "spawn: name: an option of discriminant 2"),
        ("spawn", spawn(4, MEMORY + 1), "path: pointer"),
        ("spawn", spawn(5, 3), "on-exit: an on-exit of case 3"),
        ("spawn", spawn(8, 1), "request-capabilities: pointer"),
        ("spawn", spawn(11, u32::MAX), "grant-capabilities: pointer"),
        ("spawn", spawn(12, 2), "public: a bool of value 2"),
        ("spawn", spawn(13, 2049), "return pointer: pointer"),
        ("send-response", response(0, 2), "send-response: response.inherit: a bool of value 2"),
        ("send-response", response(2, MEMORY + 1), "response.body: pointer"),
        ("send-response", response(3, 2), "response.metadata: an option of discriminant 2"),
        ("send-response", response(5, MEMORY + 1), "response.metadata: pointer"),
        ("send-response", response(6, 2), "response.capabilities: pointer"),
        ("send-response", response(8, 2), "blob: an option of discriminant 2"),
        ("send-response", response(9, 2), "blob.mime: an option of discriminant 2"),
        ("send-response", response(13, MEMORY + 1), "blob.bytes: pointer"),
    ];
    for (import, arguments, expected) in lies {
        assert_lie(&trap(&image, import, &arguments), expected);
    }
}

#[test]
fn lists_that_overlap_hand_over_no_more_than_a_call_may() {
    // 1,000 requests at 128 KiB with one body of a mebibyte between them.
    let body = "
        (local $i i32) (local $body i32)
        (loop $more
            (local.set $body (i32.add (i32.const 131128) (i32.mul (local.get $i) (i32.const 128))))
            (i32.store (local.get $body) (i32.const 1048576))
            (i32.store offset=4 (local.get $body) (i32.const 1048576))
            (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
        (call $send-requests (i32.const 131072) (i32.const 1000))";
    let trap = Life::of(&guest(STANDARD, 64, &[], body)).trap();
    assert_lie(&trap, "requests.#255.request.body: the call hands over more than 268435456 bytes");
}

#[test]
fn a_trap_drops_none_of_the_calls_before_it() {
    let mut life =
        Life::of(&guest(STANDARD, 2, b"last words", &(call("print-to-terminal", &[0, 0, 10]) + "(unreachable)")));
    assert_eq!(life.trap().reason, TrapReason::Unreachable);
    assert_eq!(life.ahead, [Call::Print { verbosity: 0, text: "last words".into() }]);
}

/// A guest whose allocator is `body`, told a request that it receives.
fn with_allocator(extra: &str, body: &str) -> String {
    format!(
        r#"(module {} (memory (export "memory") 2) {extra}
            (global $calls (mut i32) (i32.const 0))
            (func (export "cabi_realloc") (param $old i32) (param $n i32) (param $align i32) (param $size i32) (result i32)
                (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                (if (i32.eq (global.get $calls) (i32.const 1)) (then (return (i32.const 65536))))
                {body})
            (func (export "init") (param i32 i32) (call $receive (i32.const 1024))))"#,
        super::odd::imports(STANDARD)
    )
}

fn received(life: &mut Life) -> Turn {
    assert_eq!(life.init(), Turn::Call(Call::Receive));
    let capability = kernel_core::Capability::messaging(life.our);
    let request = Request { body: Bytes::from("body"), capabilities: vec![capability], ..Request::default() };
    let message = Message {
        id: MessageId(1),
        source: life.our,
        target: life.our,
        rsvp: None,
        content: Content::Request(request),
        blob: None,
        cause: kernel_core::Cause(0),
    };
    life.resume(Reply::Answer(Answer::Received(Received::Message(Rc::new(message), None))))
}

#[test]
fn an_allocator_is_not_believed() {
    let allocators = [
        ("(i32.const -1)", "receive: answer: cabi_realloc gave 0xffffffff for 8 bytes of alignment 1"),
        ("(i32.const 131069)", "cabi_realloc gave 0x1fffd for 8 bytes"),
        ("(i32.const 65537)", "for 40 bytes of alignment 4"),
        ("(unreachable)", "cabi_realloc for 8 bytes: unreachable"),
        ("(i32.load (i32.const -4))", "memory access out of bounds"),
        ("(loop $spin (br $spin)) (i32.const 0)", "it computed for too long where it cannot be paused"),
        (
            "(call $receive (i32.const 1024)) (i32.const 0)",
            "cabi_realloc called receive: an allocator may not make calls",
        ),
        (
            "(call $print-to-terminal (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 0)",
            "cabi_realloc called print-to-terminal",
        ),
    ];
    for (body, expected) in allocators {
        match received(&mut Life::of(&with_allocator("", body))) {
            Turn::Trapped(trap) => assert_lie(&trap, expected),
            turn => panic!("{body}: {turn:?}"),
        }
    }
}

#[test]
fn an_allocator_that_recurses_or_grows_is_bounded() {
    let recursion = "(func $deep (result i32) (call $deep))";
    match received(&mut Life::of(&with_allocator(recursion, "(call $deep)"))) {
        Turn::Trapped(trap) => assert_lie(&trap, "stack overflow"),
        turn => panic!("{turn:?}"),
    }
    let grows = "(loop $more (drop (memory.grow (i32.const 1))) (br $more)) (i32.const 0)";
    match received(&mut Life::of(&with_allocator("", grows))) {
        Turn::Trapped(trap) => assert_lie(&trap, "it computed for too long"),
        turn => panic!("{turn:?}"),
    }
}

#[test]
fn an_allocator_may_give_one_place_to_all() {
    // Nonsense, but the guest's own: everything is written, over each other, inside its memory.
    assert_eq!(received(&mut Life::of(&with_allocator("", "(i32.const 65536)"))), Turn::Returned);
}
