//! A guest alone, with nobody but the test to answer its calls: what lifts its arguments and lowers its answers.

use super::{Script, limits};
use kernel_core::{
    Address, Answer, Blob, Bytes, Call, Capability, Cause, Content, Message, MessageId, Names, OnExit, OnExitRequest,
    ParamsRef, Received, Request, Response, SendError, SendErrorKind, SpawnError,
};
use sim::guest::wasm::{Limits, Program};
use sim::guest::{AHEAD_MAX, Guest, Reply, TrapReason, Turn};
use std::collections::VecDeque;
use std::rc::Rc;

/// How many turns a guest gets, and how many of them it may spin.
const TURNS_MAX: usize = 64;
const SPINS_MAX: usize = 3;

/// A small quantum: a guest that spins tells nothing new after a while.
const SPIN_FUEL: u64 = 5_000;

/// Arbitrary calls with arbitrary pointers: each is lifted or is a panic of its guest, and each answer comes in or is
/// one. The bytes are a script, and the answers to its guest.
pub fn guest_abi(bytes: &[u8]) {
    play(&Script::from_bytes(bytes), bytes);
}

/// Runs a script's guest on its own, and again in slices of fuel.
///
/// # Panics
/// If the simulator does, or if slices can be told from the whole.
pub fn play(script: &Script, told: &[u8]) {
    let program = Program::load(script.wat().as_bytes()).expect("a script is a program");
    let limits = Limits { spin_fuel: SPIN_FUEL, ..limits() };
    let whole = turns(&program, &limits, told);
    let sliced = turns(&program, &Limits { slice_fuel: Some(313), ..limits }, told);
    assert_eq!(whole, sliced, "slices of fuel can be told from the whole");
}

/// What a guest does, turn by turn.
fn turns(program: &Program, limits: &Limits, told: &[u8]) -> Vec<(Vec<Call>, Turn)> {
    let mut names = Names::new();
    let node = names.node("alice.os");
    let our = Address { node, process: names.process("stranger:fuzz:alice.os") };
    let mut guest = program.start(limits, 7);
    let (mut ahead, mut done) = (VecDeque::new(), Vec::new());
    let mut reply = Reply::Answer(Answer::Init(our));
    let mut spins = 0;
    for nth in 0..TURNS_MAX {
        let turn = guest.resume(&mut names, reply, &mut ahead);
        assert!(ahead.len() <= AHEAD_MAX && ahead.iter().all(|call| !call.kind().has_answer()), "calls that run ahead");
        assert!(guest.usage().memory <= limits.memory_bytes as u64);
        reply = match &turn {
            Turn::Call(call) => Reply::Answer(answer(call, our, told.get(nth).copied().unwrap_or(0))),
            Turn::Clock(_) => Reply::Clock(kernel_core::Instant(nth as u64)),
            Turn::Busy(_) | Turn::Sleep(_) => Reply::Continue,
            Turn::Returned => Reply::Continue,
            Turn::Trapped(trap) => {
                assert!(!trap.text.is_empty() || trap.reason == TrapReason::Unreachable, "a panic says why: {trap:?}");
                Reply::Continue
            }
        };
        spins += usize::from(matches!(turn, Turn::Busy(_)));
        let over = matches!(turn, Turn::Returned | Turn::Trapped(_)) || spins > SPINS_MAX;
        done.push((ahead.drain(..).collect(), turn));
        if over {
            break;
        }
    }
    done
}

/// An answer that fits the call, in one of the shapes that it can have.
fn answer(call: &Call, our: Address, shape: u8) -> Answer {
    let bytes = || Bytes::from(vec![shape; [0, 1, 70_000, 300][usize::from(shape) % 4]]);
    let blob = || (shape & 4 != 0).then(|| Blob { mime: (shape & 8 != 0).then(|| "text/ä".into()), bytes: bytes() });
    let capability = Capability { issuer: our, params: ParamsRef::MESSAGING };
    let capabilities = || vec![capability; usize::from(shape >> 4)];
    let request = || Request {
        inherit: shape & 8 != 0,
        expects_response: (shape & 16 != 0).then_some(u64::from(shape) << 40),
        body: bytes(),
        metadata: (shape & 32 != 0).then(|| "mëta".into()),
        capabilities: capabilities(),
    };
    let message = || {
        let response = || Response { body: bytes(), capabilities: capabilities(), ..Response::default() };
        let content = if shape & 64 == 0 { Content::Request(request()) } else { Content::Response(response()) };
        let (id, cause) = (MessageId(1), Cause(0));
        Rc::new(Message { id, source: our, target: our, rsvp: None, content, blob: blob(), cause })
    };
    let context = || (shape & 2 != 0).then(bytes);
    let error = || SendError { kind: SendErrorKind::Timeout, message: message() };
    match call {
        Call::Our => Answer::Our(our),
        Call::GetOnExit => Answer::OnExit(match shape % 3 {
            0 => OnExit::None,
            1 => OnExit::Restart,
            _ => OnExit::Requests(
                vec![OnExitRequest { target: our, request: request(), blob: blob() }; usize::from(shape >> 5)].into(),
            ),
        }),
        Call::GetState => Answer::State((shape & 1 != 0).then(bytes)),
        Call::Spawn(_) => Answer::Spawned(match shape % 3 {
            0 => Ok(our.process),
            1 => Err(SpawnError::NameTaken),
            _ => Err(SpawnError::NoFileAtPath),
        }),
        Call::OurCapabilities => Answer::Capabilities(capabilities()),
        Call::Receive if shape & 1 == 0 => Answer::Received(Received::Message(message(), context())),
        Call::Receive => Answer::Received(Received::Error(error(), context())),
        Call::HasBlob => Answer::HasBlob(shape & 1 != 0),
        Call::GetBlob | Call::LastBlob => Answer::Blob(blob()),
        Call::SendAndAwaitResponse(_) if shape & 1 == 0 => Answer::Awaited(Ok(message())),
        Call::SendAndAwaitResponse(_) => Answer::Awaited(Err(error())),
        Call::Print { .. }
        | Call::SetOnExit(_)
        | Call::SetState(_)
        | Call::ClearState
        | Call::SaveCapabilities(_)
        | Call::DropCapabilities(_)
        | Call::SendRequest(_)
        | Call::SendRequests(_)
        | Call::SendResponse(_) => Answer::Done,
    }
}
