//! How processes start (S2, S6).

use super::node::{Node, loads, the_answer, the_write};
use kernel_core::command::{Command, CommandAnswer, Debug, Initialize};
use kernel_core::{
    Answer, Blob, Call, Capability, Change, Effect, ImageId, Input, OnExit, Outgoing, ProcessRef, Request, Semantics,
    Spawn,
};

#[test]
fn an_id_that_is_illegal_or_taken_is_refused_before_its_code_is_looked_at() {
    let (mut node, _) = Node::boot(Semantics::book(), &[("taken", OnExit::Restart)]);
    for (name, loaded) in [("free", true), ("taken", false), ("Illegal", false)] {
        let id = node.process(name);
        let init = Initialize { id, on_exit: OnExit::Restart, initial_capabilities: vec![], public: false };
        let out = node.command(&Command::Initialize(Box::new(init)));
        assert_eq!(loads(&out).is_some(), loaded, "{name}");
        assert_eq!(the_answer(&out), (!loaded).then_some(CommandAnswer::InitializeProcessError), "{name}");
    }
}

/// C1. Seen in Hyperdrive: on the disk, in `our-capabilities` and in `Debug`.
#[test]
fn a_new_process_holds_the_right_to_message_itself() {
    let (mut node, _) = Node::boot(Semantics::book(), &[]);
    let id = node.process("new");
    let own = Capability::messaging(node.address("new"));
    let init = Initialize { id, on_exit: OnExit::Restart, initial_capabilities: vec![], public: false };
    let ticket = loads(&node.command(&Command::Initialize(Box::new(init)))).expect("its code is loaded");
    let (write, changes) = the_write(&node.step(Input::Loaded(ticket, Ok(ImageId(1)))));
    let rows: Vec<_> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Put(of, row) if *of == id => Some(row),
            _ => None,
        })
        .collect();
    assert!(matches!(rows[..], [row] if row.capabilities == [own].into()), "{changes:?}");
    node.written(write);
    node.command(&Command::Run(id));
    let out = node.step(Input::Call(id, Call::OurCapabilities));
    assert_eq!(out, [Effect::Resume(id, Answer::Capabilities(vec![own]))]);
    let has = Command::Debug(Debug::HasCap(id, own));
    let answer = the_answer(&node.command(&has));
    assert_eq!(answer, Some(CommandAnswer::Debug(serde_json::json!({ "HasCap": true }))));
}

/// M3: what was received last had a blob, whatever was spawned since.
#[test]
fn a_spawn_takes_no_blob_from_its_caller() {
    let (mut node, _) = Node::boot(Semantics::book(), &[("parent", OnExit::Restart)]);
    let (parent, target) = (node.process("parent"), node.address("parent"));
    let blob = Some(Blob { mime: None, bytes: "blob".into() });
    let outgoing = Outgoing { target, request: Request::default(), context: None, blob: blob.clone() };
    node.step(Input::ModuleRequest(ProcessRef::VFS, Box::new(outgoing)));
    node.step(Input::Call(parent, Call::Receive));
    let spawn = Spawn {
        name: Some("child".into()),
        path: "/f".into(),
        on_exit: OnExit::None,
        request_capabilities: vec![],
        grant_capabilities: vec![],
        public: false,
    };
    let ticket = loads(&node.step(Input::Call(parent, Call::Spawn(Box::new(spawn))))).expect("its code is loaded");
    let (write, _) = the_write(&node.step(Input::Loaded(ticket, Ok(ImageId(1)))));
    let child = node.process("child");
    assert!(node.written(write).contains(&Effect::Resume(parent, Answer::Spawned(Ok(child)))));
    let answers = [(Call::HasBlob, Answer::HasBlob(true)), (Call::GetBlob, Answer::Blob(blob))];
    for (call, answer) in answers {
        assert_eq!(node.step(Input::Call(parent, call)), [Effect::Resume(parent, answer)]);
    }
}
