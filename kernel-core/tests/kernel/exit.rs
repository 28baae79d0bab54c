//! How processes end (E4).

use super::node::{Node, the_sent, the_write};
use kernel_core::command::Command;
use kernel_core::{Content, OnExit, OnExitRequest, Request, Semantics};

/// E4: there is nobody left to take an answer, and nothing that prompted.
#[test]
fn last_words_expect_no_response_and_inherit_nothing_whatever_they_say() {
    let (mut node, _) = Node::boot(Semantics::book(), &[("p", OnExit::Restart), ("heir", OnExit::Restart)]);
    let (process, target) = (node.process("p"), node.address("heir"));
    let request = Request { inherit: true, expects_response: Some(5), body: "adieu".into(), ..Request::default() };
    let words = OnExit::Requests([OnExitRequest { target, request, blob: None }].into());
    let (write, _) = the_write(&node.command(&Command::SetOnExit(process, words)));
    node.written(write);
    let (write, _) = the_write(&node.command(&Command::Kill(process)));
    let sent = the_sent(&node.written(write));
    assert_eq!(sent.content, Content::Request(Request { body: "adieu".into(), ..Request::default() }));
}
