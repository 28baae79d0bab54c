//! The process table on disk: a journal of changes, each write one frame, appended and synced; and its mirror.
//!
//! A frame is its length (4 bytes), a digest of its payload (8 bytes), and the payload: JSON, a list of
//! `["process:package:publisher", row]`, where the row of one that is gone is `null`. A frame that was torn by a crash
//! does not match its digest: it and all after it never happened, and the next boot cuts it off.
//!
//! A frame that has rotted is none that never happened. The disk says so by an error, and the mirror is read, which is
//! written only after the journal is durable. Each boot mends what it could not read. So a table is lost only if both
//! its files rot between two boots.

use crate::disk::planted::Planted;
use crate::disk::{Disk, DiskError, Op, Path, Session};
use kernel_core::command::{record_from_json, record_to_json};
use kernel_core::{Change, Names, NodeId, ProcessRef, Record};
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;
use xxhash_rust::xxh3::xxh3_64;

/// Where the journal lies, and its mirror.
pub(crate) const COPIES: [&str; 2] = ["/kernel/table", "/kernel/table.mirror"];
const HEADER: usize = 12;

/// The operations that give a new disk an empty table.
pub fn format() -> Vec<Op> {
    let mut ops = vec![Op::CreateDir("/kernel".into()), Op::SyncDir("/".into())];
    for path in COPIES.map(Path::from) {
        ops.extend([Op::Create(path.clone()), Op::Sync(path)]);
    }
    ops.push(Op::SyncDir("/kernel".into()));
    ops
}

/// What a boot begins with: both copies are written anew, as far as their frames are good. A frame that a crash left with
/// the operating system is read, and so must not be taken back by a later power loss; to sync it would not do, since a sync
/// that failed before the crash leaves nothing to be synced, and a boot that crashed may have renamed a file and no more.
pub fn mend(disk: &Disk, planted: Option<Planted>) -> Vec<Op> {
    let journal = journal(disk);
    let good = match planted {
        Some(Planted::KeepsTornFrames) => journal.len(),
        _ => end(&journal),
    };
    let good = &journal[..good];
    COPIES.into_iter().flat_map(|path| Disk::replace(path, good)).collect()
}

/// Makes these changes durable, all or none.
///
/// # Errors
/// The disk refused. The copies are cut back to what they were: that takes no space.
pub fn write(disk: &mut Session, changes: &[Change], names: &Names) -> Result<(), DiskError> {
    let rows = changes.iter().map(|change| match change {
        Change::Put(id, record) => (names.process_text(*id), record_to_json(record, names)),
        Change::Remove(id) => (names.process_text(*id), Value::Null),
    });
    let payload = serde_json::to_vec(&rows.collect::<Vec<_>>()).expect("rows have only string keys");
    let mut frame = Vec::with_capacity(HEADER + payload.len());
    frame.extend((payload.len() as u32).to_le_bytes());
    frame.extend(xxh3_64(&payload).to_le_bytes());
    frame.extend(payload);
    let frame: Rc<[u8]> = frame.into();
    let ends = COPIES.map(|path| disk.files().len(path).expect("a formatted disk has a table"));
    let mut append = |path: &str, end| {
        disk.apply(Op::Write(path.into(), end, frame.clone()))?;
        disk.apply(Op::Sync(path.into()))
    };
    let done = COPIES.iter().zip(ends).try_for_each(|(path, end)| append(path, end));
    if done.is_err() {
        for (path, end) in COPIES.iter().zip(ends) {
            if disk.files().len(path) != Ok(end) {
                disk.apply(Op::SetLen((*path).into(), end)).expect("to cut a file takes no space");
            }
        }
    }
    done
}

/// The rows that are on disk, runtime modules included, in the order of their ids.
pub fn read(disk: &Disk, names: &mut Names, our: NodeId) -> Vec<(ProcessRef, Record)> {
    let mut rows: BTreeMap<ProcessRef, Record> = BTreeMap::new();
    let journal = journal(disk);
    for (_, payload) in frames(&journal) {
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

/// Whether both copies can be read.
pub(crate) fn is_whole(disk: &Disk) -> bool {
    COPIES.iter().all(|path| disk.files().read(path).is_ok())
}

/// The bytes of the first copy that can be read.
fn journal(disk: &Disk) -> Rc<Vec<u8>> {
    let copy = COPIES.iter().find_map(|path| disk.files().read(path).ok());
    copy.cloned().expect("between two boots one sector rots at most, and each boot mends it")
}

/// Where the last good frame ends.
fn end(journal: &[u8]) -> usize {
    frames(journal).map(|(end, _)| end).last().unwrap_or(0)
}

/// The good frames: where each ends, and its payload.
fn frames(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
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
    use crate::disk::{IoFault, IoWrong, all_losses};
    use kernel_core::{ImageId, OnExit};

    /// A disk with a table, and what its rows are called.
    struct Table {
        disk: Disk,
        names: Names,
    }

    /// A row that names so many capabilities' worth of text that its frame is longer than a sector.
    fn put(names: &mut Names, id: &str, image: u32) -> Change {
        let issuer = kernel_core::Address { node: names.node("a.os"), process: names.process("p:q:r") };
        let params = names.params(&format!("\"{}\"", "long ".repeat(60)));
        let record = Record {
            image: Some(ImageId(image)),
            on_exit: OnExit::Restart,
            public: true,
            capabilities: [kernel_core::Capability { issuer, params }].into(),
        };
        Change::Put(names.process(id), record)
    }

    fn table() -> Table {
        let mut disk = Disk::default();
        format().iter().for_each(|op| disk.apply(op).expect("an empty disk takes a table"));
        Table { disk, names: Names::new() }
    }

    impl Table {
        /// Writes rows; what was done to the disk.
        fn write(&mut self, rows: &[(&str, u32)], fault: Option<IoFault>) -> (Vec<Op>, Result<(), DiskError>) {
            let changes: Vec<Change> = rows.iter().map(|(id, image)| put(&mut self.names, id, *image)).collect();
            let mut session = self.disk.session(fault);
            let done = write(&mut session, &changes, &self.names);
            (session.into_ops(), done)
        }

        fn done(mut self, ops: &[Op]) -> Table {
            ops.iter().for_each(|op| self.disk.apply(op).expect("there is a table"));
            self
        }

        fn with(mut self, rows: &[(&str, u32)]) -> Table {
            let (ops, done) = self.write(rows, None);
            assert_eq!(done, Ok(()));
            self.done(&ops)
        }

        fn boots(self) -> Table {
            let ops = mend(&self.disk, None);
            self.done(&ops)
        }

        /// The images of its rows.
        fn images(&mut self) -> Vec<u32> {
            let our = self.names.node("a.os");
            read(&self.disk, &mut self.names, our).iter().filter_map(|(_, row)| Some(row.image?.0)).collect()
        }

        fn after(&self, disk: Disk) -> Table {
            Table { disk, names: self.names.clone() }
        }

        /// Each thing that a power loss can leave of it.
        fn losses(&self) -> Vec<Table> {
            all_losses(&self.disk).into_iter().map(|disk| self.after(disk)).collect()
        }
    }

    #[test]
    fn a_table_is_after_any_power_loss_what_it_was_before_or_after_the_write_and_stays_so() {
        let mut start = table().with(&[("p:q:r", 1)]);
        let (ops, _) = start.write(&[("p:q:r", 2), ("s:q:r", 3)], None);
        for done in 0..=ops.len() {
            for mut lost in start.after(start.disk.clone()).done(&ops[..done]).losses() {
                let images = lost.images();
                assert!(images == [2, 3] || (images == [1] && done < ops.len()), "{done}: {images:?}");
                // Power goes again while the boot mends it.
                let mending = mend(&lost.disk, None);
                for mended in 0..=mending.len() {
                    for mut again in lost.after(lost.disk.clone()).done(&mending[..mended]).losses() {
                        assert_eq!(again.images(), images, "{done} {mended}");
                    }
                }
                let mut next = lost.boots().with(&[("t:q:r", 4)]);
                assert_eq!(next.images(), [&images[..], &[4]].concat(), "a torn frame does not hide the next");
            }
        }
    }

    #[test]
    fn a_frame_that_the_disk_refused_is_gone_and_does_not_hide_the_next() {
        for at in 1..=4 {
            for wrong in [IoWrong::NoSpace, IoWrong::Error, IoWrong::Short] {
                let mut start = table().with(&[("p:q:r", 1)]);
                let (ops, done) = start.write(&[("p:q:r", 2)], Some(IoFault { at, wrong }));
                if done.is_ok() {
                    continue; // To sync takes no space.
                }
                let mut refused = start.done(&ops);
                assert_eq!(refused.images(), [1]);
                let next = refused.with(&[("s:q:r", 3)]);
                for mut lost in next.losses() {
                    assert_eq!(lost.images(), [1, 3], "{wrong:?} at {at}");
                }
            }
        }
    }

    #[test]
    fn a_boot_that_ends_in_a_crash_costs_nothing_of_what_is_written_after_the_next() {
        let mut start = table().with(&[("p:q:r", 1)]);
        let (ops, _) = start.write(&[("p:q:r", 2)], None);
        let mut torn = start.done(&ops[..1]);
        torn.disk.power_loss(crate::disk::Spared::Torn(1, 1));
        let mending = mend(&torn.disk, None);
        for mended in 0..=mending.len() {
            let crashed = torn.after(torn.disk.clone()).done(&mending[..mended]);
            for mut lost in crashed.boots().with(&[("s:q:r", 3)]).losses() {
                assert_eq!(lost.images(), [1, 3], "after {mended} of {}", mending.len());
            }
        }
    }

    #[test]
    fn a_frame_whose_sync_failed_before_a_crash_costs_nothing_of_what_is_written_after_the_boot() {
        for at in [2, 4] {
            let mut start = table().with(&[("p:q:r", 1)]);
            let (ops, _) = start.write(&[("p:q:r", 2)], Some(IoFault { at, wrong: IoWrong::Error }));
            let failed = ops.iter().position(|op| matches!(op, Op::FailedSync(_))).expect("a sync failed") + 1;
            for mut lost in start.done(&ops[..failed]).boots().with(&[("s:q:r", 3)]).losses() {
                assert_eq!(lost.images(), [2, 3], "the frame was read, and stays");
            }
        }
    }

    #[test]
    fn one_rotten_sector_anywhere_costs_nothing_and_is_mended() {
        let start = table().with(&[("p:q:r", 1)]).with(&[("p:q:r", 2)]).with(&[("s:q:r", 3)]);
        for path in COPIES {
            for byte in (0..start.disk.files().len(path).expect("there is a table")).step_by(512) {
                let mut rotten = start.after(start.disk.clone());
                rotten.disk.rot(path, byte);
                assert_eq!(rotten.images(), [2, 3]);
                let mut mended = rotten.boots();
                assert!(COPIES.iter().all(|path| mended.disk.files().read(path).is_ok()));
                for mut lost in mended.losses() {
                    assert_eq!(lost.images(), [2, 3]);
                }
                assert_eq!(mended.images(), [2, 3]);
            }
        }
    }

    #[test]
    fn a_recovery_that_keeps_a_torn_frame_hides_the_next() {
        let mut start = table().with(&[("p:q:r", 1)]);
        let (ops, _) = start.write(&[("p:q:r", 2)], None);
        let mut torn = start.done(&ops[..1]);
        torn.disk.power_loss(crate::disk::Spared::Torn(1, 1));
        let kept = mend(&torn.disk, Some(Planted::KeepsTornFrames));
        assert_eq!(torn.done(&kept).with(&[("p:q:r", 3)]).images(), [1], "what was written since is not seen");
    }
}
