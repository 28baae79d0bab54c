//! The process table on disk: a journal of changes, each write one frame, appended and synced.
//!
//! A frame is its length (4 bytes), a digest of its payload (8 bytes), and the payload: JSON, a list of
//! `["process:package:publisher", row]`, where the row of one that is gone is `null`. A frame that was torn by a crash
//! does not match its digest: it and all after it never happened.

use crate::disk::{Disk, Op};
use kernel_core::command::{record_from_json, record_to_json};
use kernel_core::{Change, Names, NodeId, ProcessRef, Record};
use serde_json::Value;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// Where the journal lies.
const PATH: &str = "/kernel/table";
const HEADER: usize = 12;

/// The operations that give a new disk an empty table.
pub fn format() -> Vec<Op> {
    vec![
        Op::CreateDir("/kernel".into()),
        Op::SyncDir("/".into()),
        Op::Create(PATH.into()),
        Op::Sync(PATH.into()),
        Op::SyncDir("/kernel".into()),
    ]
}

/// The operation that a boot begins with: a frame that a crash left with the operating system is read, and so must not
/// be taken back by a later power loss.
pub fn settle() -> Op {
    Op::Sync(PATH.into())
}

/// The operations that make these changes durable, all or none.
pub fn write(disk: &Disk, changes: &[Change], names: &Names) -> Vec<Op> {
    let rows = changes.iter().map(|change| match change {
        Change::Put(id, record) => (names.process_text(*id), record_to_json(record, names)),
        Change::Remove(id) => (names.process_text(*id), Value::Null),
    });
    let payload = serde_json::to_vec(&rows.collect::<Vec<_>>()).expect("rows have only string keys");
    let mut frame = Vec::with_capacity(HEADER + payload.len());
    frame.extend((payload.len() as u32).to_le_bytes());
    frame.extend(xxh3_64(&payload).to_le_bytes());
    frame.extend(payload);
    // After the last good frame, so that a torn one is overwritten and never hides what comes later.
    let end = frames(disk).map(|(end, _)| end).last().unwrap_or(0);
    vec![Op::SetLen(PATH.into(), end as u64), Op::Write(PATH.into(), end as u64, frame.into()), Op::Sync(PATH.into())]
}

/// The rows that are on disk, runtime modules included, in the order of their ids.
pub fn read(disk: &Disk, names: &mut Names, our: NodeId) -> Vec<(ProcessRef, Record)> {
    let mut rows: BTreeMap<ProcessRef, Record> = BTreeMap::new();
    for (_, payload) in frames(disk) {
        let frame: Vec<(String, Value)> =
            serde_json::from_slice(payload).expect("a frame that matches its digest is ours");
        for (id, row) in frame {
            let id = names.process(&id);
            match row {
                Value::Null => rows.remove(&id),
                row => rows.insert(id, record_from_json(row, names, our).expect("we wrote this row")),
            };
        }
    }
    rows.into_iter().collect()
}

/// The good frames: where each ends, and its payload.
fn frames(disk: &Disk) -> impl Iterator<Item = (usize, &[u8])> {
    let bytes: &[u8] = disk.files().read(PATH).map(|content| content.as_slice()).unwrap_or_default();
    let mut at = 0;
    std::iter::from_fn(move || {
        let (header, rest) = bytes.get(at..)?.split_at_checked(HEADER)?;
        let len = u32::from_le_bytes(header[..4].try_into().expect("four bytes")) as usize;
        let digest = u64::from_le_bytes(header[4..].try_into().expect("eight bytes"));
        let payload = rest.get(..len).filter(|payload| xxh3_64(payload) == digest)?;
        at += HEADER + len;
        Some((at, payload))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_core::{ImageId, OnExit};

    fn put(names: &mut Names, id: &str, image: u32) -> Change {
        let record = Record {
            image: Some(ImageId(image)),
            on_exit: OnExit::Restart,
            public: true,
            capabilities: Default::default(),
        };
        Change::Put(names.process(id), record)
    }

    #[test]
    fn a_table_is_after_a_power_loss_what_it_was_before_or_after_the_write() {
        let mut names = Names::new();
        let our = names.node("a.os");
        let mut start = Disk::default();
        format().iter().for_each(|op| start.apply(op).expect("an empty disk takes a table"));
        let first = [put(&mut names, "p:q:r", 1)];
        write(&start, &first, &names).iter().for_each(|op| start.apply(op).expect("there is a table"));
        let ops = write(&start, &[put(&mut names, "p:q:r", 2), put(&mut names, "s:q:r", 3)], &names);
        for done in 0..=ops.len() {
            for spared in 0..=ops.len() {
                let mut disk = start.clone();
                ops[..done].iter().for_each(|op| disk.apply(op).expect("there is a table"));
                disk.power_loss(spared);
                let rows = read(&disk, &mut names, our);
                let images: Vec<u32> = rows.iter().filter_map(|(_, row)| Some(row.image?.0)).collect();
                let durable = done == ops.len();
                assert!(images == [2, 3] || (!durable && images == [1]), "{done} {spared}: {images:?}");
            }
        }
    }

    #[test]
    fn a_torn_frame_never_happened_and_does_not_hide_the_next() {
        let mut names = Names::new();
        let our = names.node("a.os");
        let mut disk = Disk::default();
        format().iter().for_each(|op| disk.apply(op).expect("an empty disk takes a table"));
        for (image, torn) in [(1, false), (2, true), (3, false)] {
            let change = [put(&mut names, "p:q:r", image)];
            write(&disk, &change, &names).iter().for_each(|op| disk.apply(op).expect("there is a table"));
            if torn {
                let len = disk.files().read(PATH).expect("there is a table").len() as u64;
                disk.apply(&Op::SetLen(PATH.into(), len - 5)).expect("there is a table");
                assert_eq!(read(&disk, &mut names, our)[0].1.image, Some(ImageId(1)));
            }
        }
        assert_eq!(read(&disk, &mut names, our)[0].1.image, Some(ImageId(3)));
    }
}
