//! What is there after a crash and after a power loss (P3).

use super::*;
use crate::disk::{Spared, all_losses};
use std::collections::BTreeSet;

#[test]
fn a_synced_file_survives_a_power_loss_with_its_name() {
    let mut node = node();
    let deep = "/notes:me.os/home/a/b/c.txt";
    node.answer("/notes:me.os/home/a/b", json!("CreateDirAll"));
    node.give(deep, json!("Write"), b"kept");
    assert_eq!(node.answer(deep, json!("SyncAll")), "Ok");
    node.give(deep, json!("Append"), b" and lost");
    node.disk.power_loss(Spared::First(0));
    node.crash();
    assert_eq!(node.bytes(deep, json!("Read")), "kept");
    assert_eq!(node.answer(DRIVE, json!("ReadDir"))["ReadDir"][0]["path"], "notes:me.os/home/a");
}

#[test]
fn a_file_that_was_not_synced_may_be_lost_torn_or_kept_and_survives_a_crash() {
    let mut node = node_with("text");
    node.crash();
    assert_eq!(node.bytes(FILE, json!("Read")), "text");
    let left = |disk: &Disk| disk.files().read(&store_path(FILE)).ok().map(|content| content.to_vec());
    let left: BTreeSet<_> = all_losses(&node.disk).iter().map(left).collect();
    assert_eq!(left, BTreeSet::from([None, Some(vec![]), Some(b"text".to_vec())]));
}

#[test]
fn a_sync_that_is_cut_short_leaves_no_name_without_its_directory() {
    let mut node = node_with("text");
    let mut before = node.disk.clone();
    let mut session = before.session(None);
    Host(&mut session).sync(&store_path(FILE).into()).expect("it may be synced");
    let ops = before.finish(session);
    for done in 0..=ops.len() {
        node.disk = before.clone();
        ops[..done].iter().for_each(|op| node.disk.apply(op).expect("a sync fits"));
        node.disk.power_loss(Spared::First(0));
        node.crash();
        let left = node.answer(FILE, json!("ReadToString"));
        if done == ops.len() {
            assert_eq!(left, json!({ "ReadToString": "text" }))
        } else {
            assert_eq!(left, no_such_file(), "after {done}")
        }
    }
}

#[test]
fn a_crash_within_a_write_finds_the_old_file_an_empty_one_or_the_new() {
    let mut node = node_with("old");
    let mut session = node.disk.session(None);
    let path: Path = store_path(FILE).into();
    Host(&mut session).write_whole(&path, b"new").expect("it may be written");
    let ops = node.disk.finish(session);
    let left = |done: usize| {
        let mut disk = node.disk.clone();
        ops[..done].iter().for_each(|op| disk.apply(op).expect("a write fits"));
        disk.files().read(&path).expect("it is never gone").to_vec()
    };
    assert_eq!((0..=ops.len()).map(left).collect::<Vec<_>>(), [&b"old"[..], b"", b"new"]);
}

#[test]
fn a_file_that_is_written_aside_synced_and_renamed_is_the_old_or_the_new_whatever_is_lost() {
    let mut node = node_with("old");
    let aside = "/notes:me.os/home/aside";
    node.answer(FILE, json!("SyncAll"));
    node.give(aside, json!("Write"), b"new");
    node.answer(aside, json!("SyncAll"));
    assert_eq!(node.answer(aside, json!({ "Rename": { "new_path": FILE } })), "Ok");
    for disk in all_losses(&node.disk) {
        let left = disk.files().read(&store_path(FILE)).expect("it is never gone").as_slice();
        assert!(left == b"old" || left == b"new", "{left:?}");
    }
    assert_eq!(node.answer(FILE, json!("SyncAll")), "Ok");
    node.disk.power_loss(Spared::First(0));
    node.crash();
    assert_eq!(node.bytes(FILE, json!("Read")), "new", "a sync of the new name makes the rename durable");
}

#[test]
fn what_the_disk_refuses_is_answered_as_an_error_and_is_not_there() {
    for (at, wrong, text) in [
        (1, IoWrong::NoSpace, "No space left on device (os error 28)"),
        (2, IoWrong::NoSpace, "No space left on device (os error 28)"),
        (1, IoWrong::Error, "Input/output error (os error 5)"),
    ] {
        let mut node = node();
        node.fault = Some(IoFault { at, wrong });
        assert_eq!(node.give(FILE, json!("Write"), b"text"), io_error(text));
        let left = node.answer(FILE, json!("ReadToString"));
        let nothing = if at == 1 { no_such_file() } else { json!({ "ReadToString": "" }) };
        assert_eq!(left, nothing, "only what was done before is there");
        assert_eq!(node.give(FILE, json!("Write"), b"text"), "Ok", "the next one goes well");
    }
}

#[test]
fn a_sync_that_the_disk_refuses_is_no_promise() {
    let mut node = node_with("text");
    node.fault = Some(IoFault { at: 2, wrong: IoWrong::Error });
    assert_eq!(node.answer(FILE, json!("SyncAll")), io_error("Input/output error (os error 5)"));
    node.disk.power_loss(Spared::First(0));
    node.crash();
    assert_eq!(node.answer(FILE, json!("ReadToString")), no_such_file());
}
