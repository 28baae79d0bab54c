//! What a kernel tells of its processes: to the world, and to who asks it by command.

use super::node::{Node, the_answer, the_sent};
use kernel_core::command::{Command, CommandAnswer, Debug};
use kernel_core::{Address, Blob, Capability, Input, OnExit, Outgoing, ProcessRef, Request, Semantics};
use serde_json::json;

#[test]
fn guests_are_who_lives_or_waits_for_a_life_and_the_dying_are_still_processes() {
    let rows = [("stays", OnExit::Restart), ("goes", OnExit::None)];
    let (mut node, _) = Node::boot(Semantics::book(), &rows);
    let (stays, goes) = (node.process("stays"), node.process("goes"));
    let guests: Vec<ProcessRef> = node.kernel.guests().map(|(id, _)| id).collect();
    assert_eq!(guests, [stays]);
    assert_eq!(node.kernel.processes().collect::<Vec<_>>(), [stays, goes], "its row is still on disk");
}

#[test]
fn mailboxes_take_what_their_messages_take() {
    let (mut node, out) = Node::boot(Semantics::book(), &[("busy", OnExit::Restart)]);
    assert!(!out.is_empty());
    assert_eq!(node.kernel.mailbox_bytes(), 0);
    let target = node.address("busy");
    let mut expected = 0;
    for body in ["one", "and another"] {
        let request = Request { body: body.into(), ..Request::default() };
        let blob = Some(Blob { mime: None, bytes: "blob".into() });
        let outgoing = Outgoing { target, request, context: None, blob };
        let out = node.step(Input::ModuleRequest(ProcessRef::VFS, Box::new(outgoing)));
        expected += the_sent(&out).bytes();
        assert_eq!(node.kernel.mailbox_bytes(), expected);
    }
}

#[test]
fn the_table_is_told_to_who_asks_for_it() {
    let (mut node, _) = Node::boot(Semantics::book(), &[("asked-about", OnExit::Restart)]);
    let process = node.process("asked-about");
    let right = Capability::messaging(Address { node: node.our, process: ProcessRef::KERNEL });
    node.command(&Command::Grant(process, vec![right]));
    let row = json!({
        "wasm_bytes_handle": "1",
        "wit_version": 1,
        "on_exit": "Restart",
        "public": true,
        "capabilities": [{ "issuer": "a.os@kernel:distro:sys", "params": "\"messaging\"" }],
    });
    let mut debug = |query| match the_answer(&node.command(&Command::Debug(query))) {
        Some(CommandAnswer::Debug(value)) => value,
        other => panic!("{other:?}"),
    };
    assert_eq!(debug(Debug::Process(process)), json!({ "Process": row }));
    assert_eq!(debug(Debug::HasCap(process, right)), json!({ "HasCap": true }));
    assert_eq!(debug(Debug::HasCap(ProcessRef::VFS, right)), json!({ "HasCap": false }));
    let map = debug(Debug::ProcessMap);
    assert_eq!(map["ProcessMap"]["asked-about:demo:a.os"], row);
    assert_eq!(map["ProcessMap"]["timer:distro:sys"]["public"], true);
}
