//! What a Wasm guest costs: to load a component of 3 MB, to begin a life of it, and a call with all its strings. One line
//! of JSON per row, in seconds of this thread's processor.
//!
//! ```text
//! cargo bench -p kinode-sim --bench guests
//! ```

mod clock;

use clock::cpu_seconds;
use kernel_core::{Address, Answer, Call, Cause, Content, Message, MessageId, Names, Received, Request};
use sim::guest::wasm::{Limits, Program, WasmGuest};
use sim::guest::{Guest, Reply, Turn};
use std::collections::VecDeque;
use std::fmt::Write;
use std::rc::Rc;

/// The mean over so many times, in microseconds.
fn mean(times: u32, mut what: impl FnMut()) -> f64 {
    let before = cpu_seconds();
    for _ in 0..times {
        what();
    }
    (cpu_seconds() - before) * 1e6 / f64::from(times)
}

/// A component of some 3 MB, in the shape that Rust's tools give it: 17 pages of memory, a megabyte of data, thousands
/// of functions, and an `init` that receives a message and sends one, for ever.
fn component() -> Vec<u8> {
    let mut module = String::from(
        r#"(import "hyperware:process/standard@1.0.0" "receive" (func $receive (param i32)))
        (import "hyperware:process/standard@1.0.0" "send-request" (func $send (param i32)))
        (memory (export "memory") 17)
        (global $next (mut i32) (i32.const 1060000))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            (local $at i32)
            (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
            (global.set $next (i32.add (local.get $at) (local.get 3)))
            (local.get $at))
        (func (export "init") (param i32 i32)
            (loop $more
                (global.set $next (i32.const 1060000))
                (call $receive (i32.const 512))
                (call $send (i32.const 1024))
                (br $more)))"#,
    );
    let names = ["our", "counter", "demo", "alice.os", "a body of some thirty bytes or so", "context"];
    let mut at = 2048;
    let mut word = |module: &mut String, place: u32, text: &str| {
        let length = text.len() as u32;
        let bytes = |n: u32| n.to_le_bytes().map(|byte| format!("\\{byte:02x}")).concat();
        writeln!(module, r#"(data (i32.const {at}) "{text}")"#).expect("text grows");
        writeln!(module, r#"(data (i32.const {place}) "{}{}")"#, bytes(at), bytes(length)).expect("text grows");
        at += length;
    };
    for (place, name) in [1024, 1032, 1040, 1048, 1080, 1116].into_iter().zip(names) {
        word(&mut module, place, name);
    }
    module.push_str(r#"(data (i32.const 1112) "\01")"#);
    writeln!(module, r#"(data (i32.const 4096) "{}")"#, "0123456789abcdef".repeat(50_000)).expect("text grows");
    for n in 0..6_500 {
        let step =
            "(local.set 1 (i32.add (i32.mul (local.get 0) (i32.load offset=64 (local.get 1))) (i32.const 77777)))
            (if (i32.lt_s (local.get 1) (i32.const 1000)) (then (i32.store offset=8 (local.get 0) (local.get 1))))";
        let body = step.repeat(11);
        writeln!(module, "(func $f{n} (param i32) (result i32) (local i32) {body} (local.get 1))").expect("text grows");
    }
    wat::parse_str(format!("(component (core module {module}))")).expect("it is a component")
}

/// A life of the program that waits for a message, with the table of names that it knows.
fn waiting(program: &Program) -> (WasmGuest, Names, Address) {
    let mut names = Names::new();
    let our = Address { node: names.node("alice.os"), process: names.process("counter:demo:alice.os") };
    let mut guest = program.start(&Limits::default(), 1);
    let turn = guest.resume(&mut names, Reply::Answer(Answer::Init(our)), &mut VecDeque::new());
    assert_eq!(turn, Turn::Call(Call::Receive));
    (guest, names, our)
}

fn main() {
    let bytes = component();
    let load = mean(20, || drop(Program::load(&bytes).expect("it is a program")));
    println!(r#"{{"row":"load a component","bytes":{},"ms":{:.1}}}"#, bytes.len(), load / 1e3);
    let program = Program::load(&bytes).expect("it is a program");
    let instance = mean(200, || drop(waiting(&program)));
    println!(r#"{{"row":"begin a life of it, up to its first call","ms":{:.3}}}"#, instance / 1e3);
    let (mut guest, mut names, our) = waiting(&program);
    let request = Request { body: "a body of some thirty bytes or so".into(), ..Request::default() };
    let (id, content, cause) = (MessageId(1), Content::Request(request), Cause(0));
    let message = Rc::new(Message { id, source: our, target: our, rsvp: None, content, blob: None, cause });
    let mut ahead = VecDeque::new();
    let pair = mean(1_000_000, || {
        let received = Answer::Received(Received::Message(message.clone(), None));
        let turn = guest.resume(&mut names, Reply::Answer(received), &mut ahead);
        assert_eq!((ahead.len(), turn), (1, Turn::Call(Call::Receive)));
        ahead.clear();
    });
    // One call is answered with a message, the other hands one over.
    println!(r#"{{"row":"a call with all its strings, the mean of receive and send-request","us":{:.3}}}"#, pair / 2.0);
}
