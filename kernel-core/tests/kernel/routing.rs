//! Who may message whom (C1).

use super::node::{Node, row};
use kernel_core::{
    Call, Cause, DropReason, Duration, Effect, Input, Instant, Kernel, Moment, Names, OnExit, Outgoing, Record,
    Request, Semantics,
};

/// A node of two processes that are not public and hold nothing.
fn closed() -> Node {
    let mut names = Names::new();
    let our = names.node("a.os");
    let now = Instant(0) + Duration::from_secs(1_000);
    let closed = |id: &str, names: &mut Names| (names.process(id), Record { public: false, ..row(OnExit::Restart) });
    let rows = ["p:demo:a.os", "q:demo:a.os"].map(|id| closed(id, &mut names));
    let at = Moment { now, cause: Cause(0) };
    let kernel = Kernel::boot(our, Semantics::book(), 0, rows.into(), &mut names, at, &mut vec![]);
    Node { names, our, kernel, now }
}

/// In the public runtimes whoever is initialized gets messaging for itself.
#[test]
fn a_process_may_message_itself_and_nobody_else_who_gave_no_leave() {
    for (target, dropped) in [("p", None), ("q", Some(DropReason::NoCapability))] {
        let mut node = closed();
        let process = node.process("p");
        let target = node.address(target);
        let request = Request { body: "hello".into(), ..Request::default() };
        let outgoing = Outgoing { target, request, context: None, blob: None };
        let out = node.step(Input::Call(process, Call::SendRequest(Box::new(outgoing))));
        let reasons = out.iter().find_map(|effect| match effect {
            Effect::Dropped(_, reason) => Some(*reason),
            _ => None,
        });
        assert_eq!(reasons, dropped);
        assert_eq!(node.kernel.mailbox_bytes() > 0, dropped.is_none(), "it waits for who receives it");
    }
}
