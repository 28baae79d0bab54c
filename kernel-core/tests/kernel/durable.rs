//! What is on its way to the disk, and what the disk refuses (P2, E8).

use super::node::{Node, loads, row, the_answer, the_write};
use kernel_core::command::{Command, CommandAnswer, Initialize};
use kernel_core::{
    Address, Answer, Call, Capability, Change, Effect, Exit, ImageId, Input, OnExit, OnExitKind, Semantics, Spawn,
};

/// The on-exit behaviour of the only row that these changes write.
fn on_exit(changes: &[Change]) -> OnExitKind {
    match changes {
        [Change::Put(_, row)] => row.on_exit.kind(),
        other => panic!("{other:?}"),
    }
}

fn traps(out: &[Effect]) -> bool {
    out.iter().any(|effect| matches!(effect, Effect::Trap(..)))
}

#[test]
fn an_on_exit_value_that_the_disk_refused_is_taken_off_the_disk() {
    let (mut node, _) = Node::boot(Semantics::book(), &[("p", OnExit::Restart)]);
    let process = node.process("p");
    let (write, changes) = the_write(&node.command(&Command::SetOnExit(process, OnExit::None)));
    assert_eq!(on_exit(&changes), OnExitKind::None);
    let (_, mends) = the_write(&node.refused(write));
    assert_eq!(on_exit(&mends), OnExitKind::Restart, "the value in force");
}

/// Another row carries the refused value to the disk, until that is put right: in between it is in force.
#[test]
fn what_is_on_the_disk_is_in_force_whichever_write_brought_it_there() {
    for put_right in [false, true] {
        let (mut node, _) = Node::boot(Semantics::book(), &[("p", OnExit::Restart)]);
        let process = node.process("p");
        let (set, _) = the_write(&node.command(&Command::SetOnExit(process, OnExit::None)));
        let grant = Command::Grant(process, vec![Capability::network(node.our)]);
        let (granted, changes) = the_write(&node.command(&grant));
        assert_eq!(on_exit(&changes), OnExitKind::None);
        let (again, changes) = the_write(&node.refused(set));
        assert_eq!(on_exit(&changes), OnExitKind::Restart);
        node.written(granted);
        if put_right {
            node.written(again);
        }
        let out = node.step(Input::Exited { process, exit: Exit::Panicked, last_words: "".into() });
        let begins = out.iter().any(|effect| matches!(effect, Effect::Start { .. }));
        assert_eq!(begins, put_right, "{out:?}");
        let leaves =
            |effect: &Effect| matches!(effect, Effect::Write(_, changes) if changes.contains(&Change::Remove(process)));
        assert_eq!(out.iter().any(leaves), !put_right, "{out:?}");
    }
}

#[test]
fn a_row_written_between_two_on_exit_values_has_the_later_one() {
    let (mut node, _) = Node::boot(Semantics::book(), &[("p", OnExit::Restart)]);
    let process = node.process("p");
    let (first, _) = the_write(&node.command(&Command::SetOnExit(process, OnExit::None)));
    let (second, _) = the_write(&node.command(&Command::SetOnExit(process, OnExit::Requests([].into()))));
    node.written(first);
    let right = Capability::network(node.our);
    let (third, changes) = the_write(&node.command(&Command::Grant(process, vec![right])));
    assert_eq!(on_exit(&changes), OnExitKind::Requests, "it comes to the disk after the second");
    node.written(second);
    node.written(third);
    let (_, changes) = the_write(&node.command(&Command::Drop(process, vec![right])));
    assert_eq!(on_exit(&changes), OnExitKind::Requests);
}

/// A refusal takes back the value that was refused, and not one that came after it, even if they are equal.
#[test]
fn a_later_on_exit_value_outlives_the_refusal_of_an_earlier_one() {
    for (earlier, kind) in [(OnExit::None, OnExitKind::None), (OnExit::Requests([].into()), OnExitKind::Requests)] {
        for later in [OnExit::None, OnExit::Requests([].into())] {
            let (mut node, _) = Node::boot(Semantics::book(), &[("p", OnExit::Restart)]);
            let process = node.process("p");
            let (first, changes) = the_write(&node.command(&Command::SetOnExit(process, earlier.clone())));
            assert_eq!(on_exit(&changes), kind);
            node.command(&Command::SetOnExit(process, later.clone()));
            let (_, mends) = the_write(&node.refused(first));
            assert_eq!(on_exit(&mends), later.kind());
        }
    }
}

/// Of three values on their way the first and the last are equal: that the first is on disk does not undo the last.
#[test]
fn an_on_exit_value_that_is_durable_leaves_an_equal_one_on_its_way() {
    let (mut node, _) = Node::boot(Semantics::book(), &[("p", OnExit::Restart)]);
    let process = node.process("p");
    let values = [OnExit::None, OnExit::Requests([].into()), OnExit::None];
    let writes = values.map(|value| the_write(&node.command(&Command::SetOnExit(process, value))).0);
    node.written(writes[0]);
    node.written(writes[1]);
    let right = Capability::network(node.our);
    let (_, changes) = the_write(&node.command(&Command::Grant(process, vec![right])));
    assert_eq!(on_exit(&changes), OnExitKind::None, "it comes to the disk after the third");
}

#[test]
fn a_refused_on_exit_value_panics_who_set_it_and_nobody_else() {
    for by_itself in [true, false] {
        let (mut node, _) = Node::boot(Semantics::book(), &[("p", OnExit::Restart)]);
        let process = node.process("p");
        let out = if by_itself {
            node.step(Input::Call(process, Call::SetOnExit(OnExit::None)))
        } else {
            node.command(&Command::SetOnExit(process, OnExit::None))
        };
        let out = node.refused(the_write(&out).0);
        assert_eq!(traps(&out), by_itself);
    }
}

#[test]
fn an_initialize_whose_row_is_refused_is_answered_with_the_error_once_the_row_is_off_the_disk() {
    let (mut node, _) = Node::boot(Semantics::book(), &[]);
    let id = node.process("new");
    let init = Initialize { id, on_exit: OnExit::Restart, initial_capabilities: vec![], public: false };
    let out = node.command(&Command::Initialize(Box::new(init)));
    let ticket = loads(&out).expect("its code is loaded");
    let (write, _) = the_write(&node.step(Input::Loaded(ticket, Ok(ImageId(1)))));
    let out = node.refused(write);
    let (again, changes) = the_write(&out);
    assert!(changes.contains(&Change::Remove(id)), "{changes:?}");
    assert_eq!(the_answer(&out), None, "nobody knows yet whether a crash brings it");
    let out = node.written(again);
    assert_eq!(the_answer(&out), Some(CommandAnswer::InitializeProcessError));
    assert_eq!(node.kernel.processes().count(), 0, "the id is free again");
}

/// C2: the initializer has it before the row is durable, and it is taken back if the row is refused.
#[test]
fn messaging_of_a_process_whose_row_is_not_durable_is_not_passed_on() {
    let initialize = |node: &mut Node, id, initial_capabilities| {
        let init = Initialize { id, on_exit: OnExit::Restart, initial_capabilities, public: false };
        let ticket = loads(&node.command(&Command::Initialize(Box::new(init)))).expect("its code is loaded");
        the_write(&node.step(Input::Loaded(ticket, Ok(ImageId(1)))))
    };
    for durable in [false, true] {
        let (mut node, _) = Node::boot(Semantics::book(), &[]);
        let (first, second) = (node.process("first"), node.process("second"));
        let messaging = Capability::messaging(Address { node: node.our, process: first });
        let (write, _) = initialize(&mut node, first, vec![]);
        if durable {
            node.written(write);
        }
        let (_, changes) = initialize(&mut node, second, vec![messaging]);
        let row = changes.iter().find_map(|change| match change {
            Change::Put(id, record) if *id == second => Some(record),
            _ => None,
        });
        assert_eq!(row.expect("it is written").capabilities.contains(&messaging), durable, "{changes:?}");
    }
}

/// E10: a spawn whose row is refused again and again is answered when its caller is long dead, and a namesake lives.
#[test]
fn an_answer_that_comes_late_does_not_wake_the_namesake_of_who_asked() {
    let (mut node, _) = Node::boot(Semantics::book(), &[("parent", OnExit::Restart)]);
    let parent = node.process("parent");
    let spawn = Spawn {
        name: Some("child".into()),
        path: "/f".into(),
        on_exit: OnExit::None,
        request_capabilities: vec![],
        grant_capabilities: vec![],
        public: false,
    };
    let ticket = loads(&node.step(Input::Call(parent, Call::Spawn(Box::new(spawn))))).expect("its code is loaded");
    let (spawned, _) = the_write(&node.step(Input::Loaded(ticket, Ok(ImageId(1)))));
    let (killed, _) = the_write(&node.command(&Command::Kill(parent)));
    let (taken_off, _) = the_write(&node.refused(spawned));
    node.written(killed);
    let row = row(OnExit::Restart);
    let init = Initialize { id: parent, on_exit: row.on_exit, initial_capabilities: vec![], public: true };
    let ticket = loads(&node.command(&Command::Initialize(Box::new(init)))).expect("its code is loaded");
    let (entered, _) = the_write(&node.step(Input::Loaded(ticket, Ok(ImageId(1)))));
    let (taken_off, _) = the_write(&node.refused(taken_off));
    node.written(entered);
    node.command(&Command::Run(parent));
    let out = node.written(taken_off);
    let wakes = |effect: &Effect| matches!(effect, Effect::Resume(process, Answer::Spawned(_)) if *process == parent);
    assert!(!out.iter().any(wakes), "{out:?}");
    assert!(node.kernel.guests().map(|(id, _)| id).eq([parent]), "and it lives");
}
