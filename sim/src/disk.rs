//! One node's disk: files and directories as the operating system sees them, and as the platter has them.
//!
//! Every change is an [`Op`]. A crash of the node's process keeps what the operating system was handed; a power loss
//! takes what was not synced, except for what the chooser spares ([`Spared`]). A disk does not decide when it fails: the
//! caller applies as many operations as are done. The work itself happens in a [`Session`], where an operation can be
//! refused.
//!
//! The disk keeps a checksum of each sector, as disks with T10-DIF and file systems like ZFS and btrfs do. So a rotten
//! sector never reads as if it were right: it is an I/O error until all of it is written anew. This is an assumption;
//! [`Planted::NoChecksums`](crate::disk::planted::Planted::NoChecksums) shows what becomes of the modules without it.

use crate::trace::Fingerprint;
use std::rc::Rc;
use xxhash_rust::xxh3::Xxh3Default;

pub mod planted;
pub(crate) mod state;
pub(crate) mod table;

mod file_bytes;
mod files;
mod loss;
mod session;

pub use file_bytes::FileBytes;
pub use files::Files;
pub use loss::Spared;
#[cfg(test)]
pub(crate) use loss::all_losses;
pub use session::{IoFault, IoWrong, Session};

use files::{Change, Entry, Inode, Step};

/// What is written whole or not at all, in bytes.
pub const SECTOR: u64 = 512;

/// A path from the root, `/kernel/table`: absolute, no empty parts, no `.` or `..`.
pub type Path = Rc<str>;

/// A change of the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Makes a directory; fine if it is there. Its parent must be.
    CreateDir(Path),
    /// Makes an empty file, or empties the one that is there.
    Create(Path),
    /// Writes bytes at an offset; the file grows as needed, with zeros in between.
    Write(Path, u64, Rc<[u8]>),
    /// Cuts the file to a length in bytes, or extends it with zeros.
    SetLen(Path, u64),
    /// Gives a file or a directory another name; replaces a file of that name.
    Rename(Path, Path),
    /// Removes a file.
    Remove(Path),
    /// Removes a directory that is empty.
    RemoveDir(Path),
    /// Makes a file's content durable, not its name.
    Sync(Path),
    /// A sync of a file that the disk refused. What it was to make durable never is, whatever is synced later, unless
    /// it is written anew: Linux takes the pages for clean after the error. A refused sync of a directory loses
    /// nothing: its journal tries again.
    FailedSync(Path),
    /// Makes the names in a directory durable.
    SyncDir(Path),
}

/// Why an operation cannot be done; it changes nothing then. Texts as Linux has them: modules hand them to guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // The texts say it.
#[non_exhaustive]
pub enum DiskError {
    #[error("No such file or directory (os error 2)")]
    NotFound,
    #[error("File exists (os error 17)")]
    Exists,
    #[error("Not a directory (os error 20)")]
    NotADirectory,
    #[error("Is a directory (os error 21)")]
    IsADirectory,
    #[error("Directory not empty (os error 39)")]
    NotEmpty,
    #[error("No space left on device (os error 28)")]
    NoSpace,
    #[error("Input/output error (os error 5)")]
    Io,
}

/// One node's disk. It is a value; a copy shares what does not change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// What the operating system sees.
    now: Rc<Files>,
    /// What is on the platter.
    durable: Rc<Files>,
    /// What leads from the one to the other, in order.
    pending: Vec<Change>,
    inodes: u64,
    /// How many bytes it holds; `None`: as many as anybody wants.
    capacity: Option<u64>,
}

impl Disk {
    /// What the operating system sees.
    pub fn files(&self) -> &Files {
        &self.now
    }

    /// A disk that holds so many bytes, with what is on it.
    pub fn holding(mut self, capacity: u64) -> Disk {
        self.capacity = Some(capacity);
        self
    }

    /// Begins one call's work on the disk. The session borrows the files, so that a small write to a large file copies
    /// only what it writes; [`finish`](Disk::finish) gives them back as they were. The disk itself shows no files until then.
    pub fn session(&mut self, fault: Option<IoFault>) -> Session {
        Session::new(std::mem::take(&mut self.now), self.inodes, self.capacity, fault)
    }

    /// Ends a session of this disk: takes back what it did, and returns it as the operations to [`apply`](Disk::apply).
    pub fn finish(&mut self, session: Session) -> Vec<Op> {
        let (files, ops) = session.end();
        self.now = files;
        ops
    }

    /// Does one operation, wherever it finds room: that was asked in the session. After an error nothing has changed.
    pub fn apply(&mut self, op: &Op) -> Result<(), DiskError> {
        match self.now.plan(op, Inode(self.inodes + 1))? {
            Step::Nothing => {}
            Step::Change(change) => {
                if let Change::Link(_, Entry::File(inode)) = change {
                    self.inodes = inode.0;
                }
                Rc::make_mut(&mut self.now).apply(&change);
                self.pending.push(change);
            }
            Step::Sync(inode) => self.settle(|change| change.is_content_of(inode)),
            Step::Forget(inode) => self.pending.retain(|change| !change.is_content_of(inode)),
            Step::SyncDir(dir) => {
                // As in a journal, names become durable in their order: none before its directory, or before the
                // name that it had earlier.
                let Some(last) = self.pending.iter().rposition(|change| change.touches(&dir)) else { return Ok(()) };
                let rest = self.pending.split_off(last + 1);
                self.settle(Change::is_of_names);
                self.pending.extend(rest);
            }
        }
        Ok(())
    }

    /// Puts a file there whose content is not copied until it is written to; its directory must be there.
    ///
    /// # Errors
    /// As for [`Op::Create`].
    pub fn lay(&mut self, path: &str, content: FileBytes) -> Result<(), DiskError> {
        self.apply(&Op::Create(path.into()))?;
        Rc::make_mut(&mut self.now).fill(path, content);
        Ok(())
    }

    /// Whether names in a directory are not durable yet.
    pub fn is_unsynced(&self, dir: &str) -> bool {
        self.pending.iter().any(|change| change.touches(dir))
    }

    /// At rest, the sector that holds this byte of a file rots: it is an I/O error until it is written anew. Nothing
    /// happens to a file that is not there, is shorter, or is not at rest: what was not synced is in the cache.
    pub fn rot(&mut self, path: &str, byte: u64) {
        self.at_rest(path, |files, inode| files.rot(inode, byte));
    }

    /// The same on a disk that keeps no checksums: a bit flips, and no error says so.
    pub fn flip(&mut self, path: &str, byte: u64) {
        self.at_rest(path, |files, inode| files.flip(inode, byte));
    }

    fn at_rest(&mut self, path: &str, befall: impl Fn(&mut Files, Inode)) {
        let Ok(inode) = self.now.file(path) else { return };
        if self.pending.iter().all(|change| !change.is_content_of(inode)) {
            befall(Rc::make_mut(&mut self.now), inode);
            befall(Rc::make_mut(&mut self.durable), inode);
        }
    }

    /// This disk as one with other files on it: a backup's, all of them durable.
    pub fn restore(&mut self, files: &Rc<Files>) {
        (self.now, self.durable) = (files.clone(), files.clone());
        self.pending.clear();
    }

    /// All files as they are, to keep.
    pub fn snapshot(&self) -> Rc<Files> {
        self.now.clone()
    }

    /// The digest of everything on it, what is durable and what is not: equal runs leave equal disks.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut digest = Xxh3Default::new();
        self.now.encode(|bytes| digest.update(bytes));
        self.durable.encode(|bytes| digest.update(bytes));
        Fingerprint(digest.digest())
    }

    /// The operations that make a directory and all above it.
    pub fn create_dir_all(path: &str) -> Vec<Op> {
        let ends = path.char_indices().skip(1).filter(|(_, c)| *c == '/').map(|(at, _)| at);
        ends.chain([path.len()]).map(|end| Op::CreateDir(path[..end].into())).collect()
    }

    /// The operations that replace a whole file atomically and durably; its directory must be there.
    pub fn replace(path: &str, bytes: &[u8]) -> Vec<Op> {
        let new: Path = format!("{path}.new").into();
        vec![
            Op::Create(new.clone()),
            Op::Write(new.clone(), 0, bytes.into()),
            Op::Sync(new.clone()),
            Op::Rename(new, path.into()),
            Op::SyncDir(parent(path).into()),
        ]
    }

    /// Everything is written out, as at a graceful shutdown.
    pub fn sync_all(&mut self) {
        self.settle(|_| true);
    }

    /// Makes those pending changes durable that `reached` picks, in their order.
    fn settle(&mut self, reached: impl Fn(&Change) -> bool) {
        let durable = Rc::make_mut(&mut self.durable);
        self.pending.retain(|change| {
            let settles = reached(change);
            if settles {
                durable.apply(change);
            }
            !settles
        });
    }
}

/// The directory that holds a path.
pub fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => &path[..at],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(ops: &[Op]) -> Disk {
        let mut disk = Disk::default();
        for op in ops {
            disk.apply(op).unwrap_or_else(|error| panic!("{op:?}: {error}"));
        }
        disk
    }

    #[test]
    fn what_was_replaced_is_the_old_or_the_new_whatever_a_power_loss_spares() {
        let start = disk(&Disk::replace("/f", b"old"));
        let new = [b'n'; 1_100];
        let ops = Disk::replace("/f", &new);
        for done in 0..=ops.len() {
            let mut disk = start.clone();
            ops[..done].iter().for_each(|op| disk.apply(op).expect("the operations of a replacement fit"));
            for left in all_losses(&disk) {
                let content = left.files().read("/f").expect("the file is there").as_slice();
                assert!(content == new || (content == b"old" && done < ops.len()), "{done} {content:?}");
            }
        }
    }

    #[test]
    fn what_rots_is_an_error_until_it_is_written_anew() {
        let f: Path = "/f".into();
        let mut disk = disk(&Disk::replace("/f", &[1; 1_100]));
        disk.rot("/f", 513);
        assert_eq!(disk.files().read("/f"), Err(DiskError::Io));
        assert_eq!(disk.files().read_at("/f", 0..513), Err(DiskError::Io));
        assert_eq!(disk.files().read_at("/f", 0..512), Ok(&[1; 512][..]));
        assert_eq!(disk.files().read_at("/f", 1_024..9_999), Ok(&[1; 76][..]));
        assert_eq!(disk.files().len("/f"), Ok(1_100), "its length is in the directory");
        for (op, heals) in [
            (Op::Write(f.clone(), 512, [2; 511].into()), false),
            (Op::Write(f.clone(), 512, [2; 512].into()), true),
            (Op::SetLen(f.clone(), 600), false),
            (Op::SetLen(f.clone(), 512), true),
            (Op::Create(f), true),
        ] {
            let mut disk = disk.clone();
            disk.apply(&op).expect("the file is there");
            assert_eq!(disk.files().read("/f").is_ok(), heals, "{op:?}");
            disk.sync_all();
            disk.power_loss(Spared::First(0));
            assert_eq!(disk.files().read("/f").is_ok(), heals, "and on the platter, {op:?}");
        }
    }

    #[test]
    fn what_is_not_at_rest_does_not_rot() {
        let mut disk = disk(&Disk::replace("/f", b"old"));
        disk.rot("/f", 3);
        disk.rot("/none", 0);
        disk.apply(&Op::Write("/f".into(), 0, (*b"new").into())).expect("it is there");
        disk.rot("/f", 0);
        assert_eq!(disk.files().read("/f").map(|content| content.to_vec()), Ok(b"new".to_vec()));
    }

    #[test]
    fn a_power_loss_takes_what_was_not_synced() {
        let f: Path = "/f".into();
        let mut disk = disk(&[Op::Create(f.clone()), Op::Write(f.clone(), 0, (*b"abc").into())]);
        assert_eq!(disk.unsynced(), 2);
        disk.power_loss(Spared::First(0));
        assert_eq!(disk.files().read("/f"), Err(DiskError::NotFound));
        assert_eq!(disk, Disk { inodes: 1, ..Disk::default() });
    }

    #[test]
    fn a_synced_file_whose_name_was_not_synced_is_gone() {
        let f: Path = "/f".into();
        let mut disk = disk(&[Op::Create(f.clone()), Op::Write(f.clone(), 0, (*b"abc").into()), Op::Sync(f)]);
        disk.power_loss(Spared::First(0));
        assert_eq!(disk.files().read("/f"), Err(DiskError::NotFound));
    }

    #[test]
    fn a_directory_lists_what_is_right_below_it() {
        let mut disk = Disk::default();
        for op in Disk::create_dir_all("/a/b/c").iter().chain(&[Op::Create("/a/f".into()), Op::Create("/ab".into())]) {
            disk.apply(op).expect("the parents are there");
        }
        assert_eq!(disk.files().list("/a"), Ok(vec![("/a/b".into(), true), ("/a/f".into(), false)]));
        assert_eq!(disk.files().list("/ab"), Err(DiskError::NotADirectory));
        assert_eq!(disk.apply(&Op::RemoveDir("/a".into())), Err(DiskError::NotEmpty));
        disk.apply(&Op::Rename("/a".into(), "/z".into())).expect("a directory moves with all below it");
        assert_eq!(disk.files().list("/z/b"), Ok(vec![("/z/b/c".into(), true)]));
    }

    #[test]
    fn an_operation_that_cannot_be_done_changes_nothing() {
        let mut disk = disk(&[Op::Create("/f".into())]);
        let before = disk.clone();
        for op in [
            Op::Write("/g".into(), 0, [1].into()),
            Op::Create("/no/f".into()),
            Op::CreateDir("/f".into()),
            Op::Create("/f/g".into()),
            Op::Remove("/g".into()),
            Op::Rename("/g".into(), "/h".into()),
            Op::SyncDir("/g".into()),
        ] {
            assert!(disk.apply(&op).is_err(), "{op:?}");
            assert_eq!(disk, before, "{op:?}");
        }
    }
}
