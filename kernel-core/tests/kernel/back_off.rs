//! The back-off of the runtimes, in the kernel as a value.

use super::node::{Node, the_write};
use kernel_core::command::Command;
use kernel_core::{
    Address, BackOff, Capabilities, Capability, Cause, Change, Content, DropReason, Duration, Effect, Exit, ImageId,
    Input, Instant, Kernel, Message, MessageId, Moment, Names, NodeId, OnExit, Record, Request, Semantics,
};
use std::rc::Rc;

fn at(seconds: u64) -> Moment {
    Moment { now: Instant(0) + Duration::from_secs(seconds), cause: Cause(0) }
}

/// How long a life lasted is counted from its start, and not from the start of the node.
#[test]
fn a_crash_loop_on_a_node_that_is_long_up_is_held_back() {
    let mut names = Names::new();
    let (our, process) = (names.node("a.os"), names.process("looping:demo:a.os"));
    let row = Record {
        image: Some(ImageId(1)),
        on_exit: OnExit::Restart,
        public: false,
        capabilities: Capabilities::default(),
    };
    for (policy, wait) in [(BackOff::Off, None), (BackOff::Hyperdrive19, Some(2))] {
        let semantics = Semantics::book().with_back_off(policy);
        let rows = vec![(process, row.clone())];
        let mut out = Vec::new();
        let mut kernel = Kernel::boot(our, semantics, 0, rows, &mut names, at(1_000), &mut out);
        let starts = |out: &[Effect]| {
            out.iter().filter(|effect| matches!(effect, Effect::Start { process: who, .. } if *who == process)).count()
        };
        assert_eq!(starts(&out), 1, "{policy:?}: it starts at boot");
        out.clear();
        let exited = Input::Exited { process, exit: Exit::Panicked, last_words: "".into() };
        kernel.step(&mut names, at(1_000), exited, &mut out);
        assert_eq!(kernel.next_deadline(), wait.map(|seconds| at(1_000 + seconds).now), "{policy:?}");
        assert_eq!(starts(&out), usize::from(wait.is_none()), "{policy:?}");
        assert_eq!(kernel.check(), Ok(()));
    }
}

/// A node on which `p` waits out a back-off, and `other` runs.
fn backing_off() -> Node {
    let semantics = Semantics::book().with_back_off(BackOff::Hyperdrive19);
    let (mut node, _) = Node::boot(semantics, &[("p", OnExit::Restart), ("other", OnExit::Restart)]);
    let process = node.process("p");
    node.step(Input::Exited { process, exit: Exit::Panicked, last_words: "".into() });
    assert!(node.kernel.next_deadline().is_some(), "it waits");
    node
}

/// E3: "grants, drops and revocations apply to it".
#[test]
fn what_is_granted_and_revoked_in_a_back_off_is_so() {
    let mut node = backing_off();
    let (process, other) = (node.process("p"), node.process("other"));
    let right = Capability::messaging(node.address("other"));
    let (granted, changes) = the_write(&node.command(&Command::Grant(process, vec![right])));
    let held = |changes: &[Change]| {
        changes.iter().any(|change| matches!(change, Change::Put(_, row) if row.capabilities.contains(&right)))
    };
    assert!(held(&changes) && node.kernel.holds(process, &right));
    let (killed, changes) = the_write(&node.command(&Command::Kill(other)));
    assert!(!held(&changes), "it is revoked on disk");
    node.written(granted);
    node.written(killed);
    assert!(!node.kernel.holds(process, &right), "and in the table");
}

/// E11: a message from another node is not kept for the next life.
#[test]
fn who_waits_out_a_back_off_is_not_there_for_other_nodes() {
    let mut node = backing_off();
    let (process, target) = (node.process("p"), node.address("p"));
    node.command(&Command::Grant(process, vec![Capability::network(node.our)]));
    let source = Address { node: NodeId(7), process };
    let content = Content::Request(Request::default());
    let message = Message { id: MessageId(1), source, target, rsvp: None, content, blob: None, cause: Cause(0) };
    let message = Rc::new(message);
    let out = node.step(Input::Arrived(message.clone()));
    assert_eq!(out, [Effect::Dropped(message, DropReason::NotRunning)]);
    assert_eq!(node.kernel.mailbox_bytes(), 0);
}
