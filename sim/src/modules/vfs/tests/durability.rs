//! What is there after a crash and after a power loss (P3).

use super::*;
use std::collections::BTreeSet;

#[test]
fn a_synced_file_survives_a_power_loss_with_its_name() {
    let mut node = node();
    let deep = "/notes:me.os/home/a/b/c.txt";
    node.answer("/notes:me.os/home/a/b", json!("CreateDirAll"));
    node.give(deep, json!("Write"), b"kept");
    assert_eq!(node.answer(deep, json!("SyncAll")), "Ok");
    node.give(deep, json!("Append"), b" and lost");
    node.disk.power_loss(0);
    node.crash();
    assert_eq!(node.bytes(deep, json!("Read")), "kept");
    assert_eq!(node.answer(DRIVE, json!("ReadDir"))["ReadDir"][0]["path"], "notes:me.os/home/a");
}

#[test]
fn a_file_that_was_not_synced_may_be_lost_torn_or_kept_and_survives_a_crash() {
    let mut node = node_with("text");
    node.crash();
    assert_eq!(node.bytes(FILE, json!("Read")), "text");
    let all = node.disk.unsynced();
    let left = |spared| {
        let mut disk = node.disk.clone();
        disk.power_loss(spared);
        disk.read(&store_path(FILE)).ok().map(|content| content.to_vec())
    };
    let left: BTreeSet<_> = (0..=all).map(left).collect();
    assert_eq!(left, BTreeSet::from([None, Some(vec![]), Some(b"text".to_vec())]));
}

#[test]
fn a_sync_that_is_cut_short_leaves_no_name_without_its_directory() {
    let mut node = node_with("text");
    let (mut ops, before) = (vec![], node.disk.clone());
    Host { disk: &before, ops: &mut ops }.sync(&store_path(FILE).into());
    for done in 0..=ops.len() {
        node.disk = before.clone();
        ops[..done].iter().for_each(|op| node.disk.apply(op).expect("a sync fits"));
        node.disk.power_loss(0);
        node.crash();
        let left = node.answer(FILE, json!("ReadToString"));
        match done == ops.len() {
            true => assert_eq!(left, json!({ "ReadToString": "text" })),
            false => assert_eq!(left, no_such_file(), "after {done}"),
        }
    }
}

#[test]
fn a_crash_within_a_write_finds_the_old_file_an_empty_one_or_the_new() {
    let node = node_with("old");
    let mut ops = vec![];
    let path: Path = store_path(FILE).into();
    Host { disk: &node.disk, ops: &mut ops }.write_whole(&path, b"new").expect("it may be written");
    let left = |done: usize| {
        let mut disk = node.disk.clone();
        ops[..done].iter().for_each(|op| disk.apply(op).expect("a write fits"));
        disk.read(&path).expect("it is never gone").to_vec()
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
    for spared in 0..=node.disk.unsynced() {
        let mut disk = node.disk.clone();
        disk.power_loss(spared);
        let left = disk.read(&store_path(FILE)).expect("it is never gone").as_slice();
        assert!(left == b"old" || left == b"new", "{left:?}");
    }
    assert_eq!(node.answer(FILE, json!("SyncAll")), "Ok");
    node.disk.power_loss(0);
    node.crash();
    assert_eq!(node.bytes(FILE, json!("Read")), "new", "a sync of the new name makes the rename durable");
}
