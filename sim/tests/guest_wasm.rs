//! The lives of Wasm guests: turns, limits, and that nothing but the program and its replies decides them.

mod odd;

use kernel_core::{Answer, Bytes, Call, Content, Instant, Message, MessageId, Received, Request};
use odd::{Life, STANDARD, call, guest};
use sim::guest::wasm::{Limits, Program};
use sim::guest::{AHEAD_MAX, Guest, Reply, SPIN_QUANTUM, TrapReason, Turn};
use std::rc::Rc;

#[test]
fn a_guest_that_returns_from_init_has_returned() {
    assert_eq!(Life::of(&guest(STANDARD, 2, &[], "")).init(), Turn::Returned);
}

#[test]
fn init_is_told_its_own_address() {
    let body = "(call $set-state (local.get $our) (local.get $our-n))";
    let turn = Life::of(&guest(STANDARD, 2, &[], body)).init();
    assert_eq!(turn, Turn::Call(Call::SetState(Bytes::from("alice.os@odd:test:alice.os"))));
}
