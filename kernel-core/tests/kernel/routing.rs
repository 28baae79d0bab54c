//! Who may message whom (C1).

use super::node::{Node, row};
use kernel_core::{
    Address, Call, Capability, Cause, DropReason, Duration, Effect, Input, Instant, Kernel, Moment, Names, OnExit,
    Outgoing, Record, Request, Semantics,
};
use std::rc::Rc;

/// A node of two processes that are not public, as they were initialized: each may message itself.
fn closed() -> Node {
    let mut names = Names::new();
    let our = names.node("a.os");
    let now = Instant(0) + Duration::from_secs(1_000);
    let closed = |id: &str, names: &mut Names| {
        let process = names.process(id);
        let capabilities = [Capability::messaging(Address { node: our, process })].into();
        (process, Record { public: false, capabilities, ..row(OnExit::Restart) })
    };
    let rows = ["p:demo:a.os", "q:demo:a.os"].map(|id| closed(id, &mut names));
    let at = Moment { now, cause: Cause(0) };
    let kernel = Kernel::boot(our, Semantics::book(), 0, rows.into(), &mut names, at, &mut vec![]);
    Node { names, our, kernel, now }
}

/// What becomes of a request to itself or another.
fn tells(node: &mut Node, from: &str, to: &str) -> Option<DropReason> {
    let (process, target) = (node.process(from), node.address(to));
    let request = Request { body: "hello".into(), ..Request::default() };
    let outgoing = Outgoing { target, request, context: None, blob: None };
    let out = node.step(Input::Call(process, Call::SendRequest(Rc::new(outgoing))));
    out.iter().find_map(|effect| match effect {
        Effect::Dropped(_, reason) => Some(*reason),
        _ => None,
    })
}

/// Seen in Hyperdrive: the right to message itself is a capability like any other, and can be dropped.
#[test]
fn a_process_messages_itself_until_it_drops_that_right_and_nobody_else_without_leave() {
    let mut node = closed();
    let (process, own) = (node.process("p"), Capability::messaging(node.address("p")));
    assert_eq!(tells(&mut node, "p", "q"), Some(DropReason::NoCapability));
    assert_eq!(tells(&mut node, "p", "p"), None);
    assert!(node.kernel.mailbox_bytes() > 0, "it waits until it is received");
    node.step(Input::Call(process, Call::DropCapabilities(vec![own])));
    assert_eq!(tells(&mut node, "p", "p"), Some(DropReason::NoCapability));
    node.step(Input::Call(process, Call::SaveCapabilities(vec![own])));
    assert_eq!(tells(&mut node, "p", "p"), None, "it is its own to give");
}
