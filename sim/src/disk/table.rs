//! The process table on disk: a journal of changes, each write one frame, appended and synced; and its mirror.
//!
//! A frame that was torn by a crash does not match its digest: it and all after it never happened, and the next boot cuts
//! it off. A journal that is much longer than its rows is replaced by one frame of them.
//!
//! A rotten frame is not one that never happened. The disk reports it as an error, and the mirror is read, which is
//! written only after the journal is durable. Each boot repairs what it could not read. So a table is lost only if both
//! its files rot between two boots.

use crate::disk::planted::Planted;
use crate::disk::{Disk, DiskError, FileBytes, Op, Path, Session};
use frame::{Row, frames};
use kernel_core::{Change, Names, NodeId, ProcessRef, Record};
use std::collections::BTreeMap;
use std::rc::Rc;

mod frame;

pub use frame::Written;

const DIR: &str = "/kernel";
/// Where the journal lies, and its mirror.
pub(crate) const COPIES: [&str; 2] = ["/kernel/table", "/kernel/table.mirror"];
/// A journal shorter than this, in bytes, is left as it is.
const SHORT_JOURNAL: u64 = 1 << 16;

/// Rows by process.
pub type Rows = BTreeMap<ProcessRef, Rc<Record>>;

/// The operations that give a new disk an empty table.
pub fn format() -> Vec<Op> {
    let mut ops = vec![Op::CreateDir(DIR.into()), Op::SyncDir("/".into())];
    for path in COPIES.map(Path::from) {
        ops.extend([Op::Create(path.clone()), Op::Sync(path)]);
    }
    ops.push(Op::SyncDir(DIR.into()));
    ops
}

/// What a boot begins with: both copies are written anew, as far as their frames are good. A frame that a crash left with
/// the operating system is read, and so must not be taken back by a later power loss; a sync would not do, since a sync
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

/// Makes these changes durable, all or none. `rows` are those that the table has; `unsynced`: whether a power loss may take
/// back a name of a copy.
///
/// # Errors
/// The disk refused. The copies are cut back to what they were: that takes no space.
pub fn write(
    disk: &mut Session,
    changes: &[Change],
    rows: &Rows,
    unsynced: bool,
    written: &mut Written,
    names: &Names,
) -> Result<(), DiskError> {
    if unsynced {
        disk.apply(Op::SyncDir(DIR.into()))?;
    }
    let frame = written.frame(changes.iter().map(|change| Row::of(change, rows)).collect(), names);
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
        return done;
    }
    if ends[0] + frame.len() as u64 > written.replaced_at.max(SHORT_JOURNAL) {
        replace(disk, changes, rows, written, names);
    }
    Ok(())
}

/// Replaces each copy by one frame of all rows. If the disk refuses that, or a crash comes between, one copy is long and
/// the other short, and both have the same rows.
fn replace(disk: &mut Session, changes: &[Change], rows: &Rows, written: &mut Written, names: &Names) {
    let mut rows = rows.clone();
    for change in changes {
        match change {
            Change::Put(id, record) => rows.insert(*id, record.clone()),
            Change::Remove(id) => rows.remove(id),
        };
    }
    written.frames.clear();
    let frame = written.frame(rows.into_iter().map(|(id, record)| Row::Is(id, record)).collect(), names);
    written.replaced_at = 2 * frame.len() as u64;
    let _ = COPIES.iter().try_for_each(|path| disk.replace(path, &frame));
}

/// Whether a power loss may take back a name of a copy: only after it refused to make one durable.
pub fn is_unsynced(disk: &Disk) -> bool {
    disk.is_unsynced(DIR)
}

/// The rows that are on disk, runtime modules included.
pub fn read(disk: &Disk, written: &Written, names: &mut Names, our: NodeId) -> Rows {
    let mut rows = BTreeMap::new();
    let journal = journal(disk);
    for frame in frames(&journal) {
        let says = written.frames.get(&frame.digest).cloned();
        let says = says.unwrap_or_else(|| frame.parse(names, our));
        says.iter().for_each(|row| row.put_into(&mut rows));
    }
    rows
}

/// Whether both copies can be read.
pub(crate) fn is_whole(disk: &Disk) -> bool {
    COPIES.iter().all(|path| disk.files().read(path).is_ok())
}

/// The bytes of the first copy that can be read.
fn journal(disk: &Disk) -> FileBytes {
    let copy = COPIES.iter().find_map(|path| disk.files().read(path).ok());
    copy.cloned().expect("between two boots one sector rots at most, and each boot mends it")
}

/// Where the last good frame ends.
fn end(journal: &[u8]) -> usize {
    frames(journal).last().map_or(0, |frame| frame.end)
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
        written: Written,
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
        Change::Put(names.process(id), Rc::new(record))
    }

    fn table() -> Table {
        let mut disk = Disk::default();
        format().iter().for_each(|op| disk.apply(op).expect("an empty disk takes a table"));
        Table { disk, names: Names::new(), written: Written::default() }
    }

    impl Table {
        /// Writes rows; what was done to the disk.
        fn write(&mut self, rows: &[(&str, u32)], fault: Option<IoFault>) -> (Vec<Op>, Result<(), DiskError>) {
            let changes: Vec<Change> = rows.iter().map(|(id, image)| put(&mut self.names, id, *image)).collect();
            let (before, unsynced) = (self.rows(), is_unsynced(&self.disk));
            let mut session = self.disk.session(fault);
            let done = write(&mut session, &changes, &before, unsynced, &mut self.written, &self.names);
            (self.disk.finish(session), done)
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
            self.rows().values().filter_map(|row| Some(row.image?.0)).collect()
        }

        /// Its rows, which are the same if nothing is known of what was written.
        fn rows(&mut self) -> Rows {
            let our = self.names.node("a.os");
            let rows = read(&self.disk, &self.written, &mut self.names, our);
            assert_eq!(rows, read(&self.disk, &Written::default(), &mut self.names, our));
            rows
        }

        fn after(&self, disk: Disk) -> Table {
            Table { disk, names: self.names.clone(), written: self.written.clone() }
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

    /// A change of what one process holds: so many capabilities, from this one on.
    fn holds(names: &mut Names, first: u32, n: u32) -> Change {
        let issuer = kernel_core::Address { node: names.node("a.os"), process: names.process("p:q:r") };
        let capability = |nth| kernel_core::Capability { issuer, params: names.params(&format!("{nth}")) };
        let capabilities = (first..first + n).map(capability).collect();
        let (image, on_exit) = (Some(ImageId(1)), OnExit::Restart);
        Change::Put(names.process("s:q:r"), Rc::new(Record { image, on_exit, public: true, capabilities }))
    }

    #[test]
    fn a_change_of_a_long_row_is_written_as_what_changes_and_read_as_the_whole_row() {
        let mut table = table();
        for (first, n, longest) in [(0, 200, 20_000), (0, 201, 400), (3, 198, 600), (3, 10, 2_000), (3, 11, 2_000)] {
            let change = holds(&mut table.names, first, n);
            let (before, Change::Put(id, record)) = (table.rows(), &change) else { unreachable!("it is put") };
            let mut session = table.disk.session(None);
            let done =
                write(&mut session, std::slice::from_ref(&change), &before, false, &mut table.written, &table.names);
            assert_eq!(done, Ok(()));
            let ops = table.disk.finish(session);
            let Op::Write(_, _, frame) = &ops[0] else { panic!("a frame is written first: {ops:?}") };
            assert!(frame.len() < longest, "{first}..{n}: {}", frame.len());
            table = table.done(&ops);
            assert_eq!(&table.rows()[id], record, "{first} {n}");
        }
    }

    #[test]
    fn a_journal_that_is_much_longer_than_its_rows_is_replaced_by_them_whatever_goes_wrong_meanwhile() {
        let long = || (0..).map(|nth| ("p:q:r", nth));
        let mut start = table();
        while start.disk.files().len(COPIES[0]).expect("there is a table") + 1_000 < SHORT_JOURNAL {
            let next = start.images().first().map_or(1, |image| image + 1);
            start = start.with(&[("p:q:r", next)]);
        }
        let last = start.images()[0];
        let mut replaced = 0;
        for (_, image) in long().skip(last as usize + 1).take(8) {
            let (ops, done) = start.write(&[("p:q:r", image)], None);
            assert_eq!(done, Ok(()));
            if ops.len() > 4 {
                replaced += 1;
                for done in 0..=ops.len() {
                    let mut crashed = start.after(start.disk.clone()).done(&ops[..done]);
                    crashed.disk.power_loss(crate::disk::Spared::First(0));
                    let found = crashed.images();
                    assert!(found == [image] || (found == [image - 1] && done < ops.len()), "{done}: {found:?}");
                    assert_eq!(crashed.boots().with(&[("s:q:r", 1)]).images(), [found[0], 1]);
                }
                for at in 5..=ops.len() as u32 {
                    let mut refused = start.after(start.disk.clone());
                    let fault = IoFault { at, wrong: IoWrong::Error };
                    let (ops, done) = refused.write(&[("p:q:r", image)], Some(fault));
                    assert_eq!(done, Ok(()), "the row is written, at {at}");
                    let mut next = refused.done(&ops).with(&[("s:q:r", 1)]);
                    assert_eq!(next.images(), [image, 1]);
                    next.disk.power_loss(crate::disk::Spared::First(0));
                    assert_eq!(next.images(), [image, 1], "refused at {at}, and then power is lost");
                }
            }
            start = start.done(&ops);
        }
        assert_eq!(replaced, 1);
        assert!(start.disk.files().len(COPIES[1]).expect("there is a mirror") < 10_000);
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
