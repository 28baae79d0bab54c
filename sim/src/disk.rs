//! One node's disk: files and directories as the operating system sees them, and as the platter has them.
//!
//! Every change is an [`Op`]. A crash of the node's process keeps what the operating system was handed; at a power
//! loss what was not synced is lost, but for as many of the operations, oldest first, as the chooser spares.
//! A disk does not know when it fails: whoever applies operations decides how many of them are done. A module works in
//! a [`Session`], where an operation can be refused.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::rc::Rc;

mod session;

pub use session::{IoFault, IoWrong, Session};

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
    /// Makes the names in a directory durable.
    SyncDir(Path),
}

/// Why an operation cannot be done; it changes nothing then. Texts as Linux has them: modules hand them to guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // The texts say it.
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

/// A file by number: what a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Inode(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    File(Inode),
    Dir,
}

/// Names and contents at one level of durability.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    names: BTreeMap<Path, Entry>,
    contents: BTreeMap<Inode, Rc<Vec<u8>>>,
}

/// An operation that is done and not yet durable, in terms of files and not of names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    Link(Path, Entry),
    Unlink(Path),
    Rename(Path, Path),
    Write(Inode, u64, Rc<[u8]>),
    SetLen(Inode, u64),
}

/// What an operation comes to, once it is known to be possible.
enum Step {
    Nothing,
    Change(Change),
    Sync(Inode),
    SyncDir(Path),
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
}

impl Files {
    /// The content of a file.
    pub fn read(&self, path: &str) -> Result<&Rc<Vec<u8>>, DiskError> {
        self.file(path).map(|inode| &self.contents[&inode])
    }

    /// Whether there is a directory of this name. The root is one.
    pub fn is_dir(&self, path: &str) -> bool {
        path == "/" || self.names.get(path) == Some(&Entry::Dir)
    }

    /// The names right below a directory, sorted, and whether each is a directory.
    pub fn list(&self, dir: &str) -> Result<Vec<(Path, bool)>, DiskError> {
        if !self.is_dir(dir) {
            let file = self.names.contains_key(dir);
            return Err(if file { DiskError::NotADirectory } else { DiskError::NotFound });
        }
        let prefix = if dir == "/" { "/".to_string() } else { format!("{dir}/") };
        let below = self.names.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        let below = below.take_while(|(path, _)| path.starts_with(&prefix));
        let right_below = below.filter(|(path, _)| !path[prefix.len()..].contains('/'));
        Ok(right_below.map(|(path, entry)| (path.clone(), *entry == Entry::Dir)).collect())
    }

    /// What an operation comes to here, or why it cannot be done. `inode` is the number of a new file.
    fn plan(&self, op: &Op, inode: Inode) -> Result<Step, DiskError> {
        let change = match op {
            Op::CreateDir(path) => {
                self.parent_of(path)?;
                match self.names.get(path) {
                    Some(Entry::Dir) => return Ok(Step::Nothing),
                    Some(Entry::File(_)) => return Err(DiskError::Exists),
                    None => Change::Link(path.clone(), Entry::Dir),
                }
            }
            Op::Create(path) => {
                self.parent_of(path)?;
                match self.names.get(path) {
                    Some(Entry::Dir) => return Err(DiskError::IsADirectory),
                    Some(Entry::File(inode)) => Change::SetLen(*inode, 0),
                    None => Change::Link(path.clone(), Entry::File(inode)),
                }
            }
            Op::Write(path, offset, bytes) => Change::Write(self.file(path)?, *offset, bytes.clone()),
            Op::SetLen(path, len) => Change::SetLen(self.file(path)?, *len),
            Op::Rename(from, to) => {
                self.parent_of(to)?;
                let entry = *self.names.get(from).ok_or(DiskError::NotFound)?;
                match (entry, self.names.get(to)) {
                    (Entry::File(_), Some(Entry::Dir)) => return Err(DiskError::IsADirectory),
                    (Entry::Dir, Some(Entry::File(_))) => return Err(DiskError::NotADirectory),
                    (Entry::Dir, Some(Entry::Dir)) if !self.list(to)?.is_empty() => return Err(DiskError::NotEmpty),
                    (_, _) => Change::Rename(from.clone(), to.clone()),
                }
            }
            Op::Remove(path) => self.file(path).map(|_| Change::Unlink(path.clone()))?,
            Op::RemoveDir(path) => match self.list(path)?.is_empty() {
                true => Change::Unlink(path.clone()),
                false => return Err(DiskError::NotEmpty),
            },
            Op::Sync(path) => return self.file(path).map(Step::Sync),
            Op::SyncDir(dir) if self.is_dir(dir) => return Ok(Step::SyncDir(dir.clone())),
            Op::SyncDir(_) => return Err(DiskError::NotFound),
        };
        Ok(Step::Change(change))
    }

    fn file(&self, path: &str) -> Result<Inode, DiskError> {
        match self.names.get(path) {
            Some(Entry::File(inode)) => Ok(*inode),
            Some(Entry::Dir) => Err(DiskError::IsADirectory),
            None => Err(DiskError::NotFound),
        }
    }

    fn parent_of(&self, path: &str) -> Result<(), DiskError> {
        let parent = parent(path);
        match self.names.get(parent) {
            _ if parent == "/" => Ok(()),
            Some(Entry::Dir) => Ok(()),
            Some(Entry::File(_)) => Err(DiskError::NotADirectory),
            None => Err(DiskError::NotFound),
        }
    }

    /// What was done to names or contents that are not here (their own operation was lost) is done to what is.
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Link(path, entry) => {
                self.names.insert(path.clone(), *entry);
                if let Entry::File(inode) = entry {
                    self.contents.entry(*inode).or_default();
                }
            }
            Change::Unlink(path) => {
                if let Some(Entry::File(inode)) = self.names.remove(path) {
                    self.contents.remove(&inode);
                }
            }
            Change::Rename(from, to) => {
                let below = format!("{from}/");
                let moved: Vec<Path> =
                    self.names.keys().filter(|path| *path == from || path.starts_with(&below)).cloned().collect();
                for path in moved {
                    let entry = self.names.remove(&path).expect("it was just listed");
                    let new: Path = format!("{to}{}", &path[from.len()..]).into();
                    if let Some(Entry::File(replaced)) = self.names.insert(new, entry) {
                        self.contents.remove(&replaced);
                    }
                }
            }
            Change::Write(inode, offset, bytes) => {
                let content = Rc::make_mut(self.contents.entry(*inode).or_default());
                let start = *offset as usize;
                let end = start + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[start..end].copy_from_slice(bytes);
            }
            Change::SetLen(inode, len) => {
                Rc::make_mut(self.contents.entry(*inode).or_default()).resize(*len as usize, 0);
            }
        }
    }
}

impl Disk {
    /// What the operating system sees.
    pub fn files(&self) -> &Files {
        &self.now
    }

    /// Somebody begins to work on the disk. Nothing changes until what it did is applied here.
    pub fn session(&self, fault: Option<IoFault>) -> Session {
        Session::new(self.now.clone(), self.inodes, fault)
    }

    /// Does one operation. After an error nothing has changed.
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
            Step::Sync(inode) => self.settle(|change| match change {
                Change::Write(of, ..) | Change::SetLen(of, _) => *of == inode,
                Change::Link(..) | Change::Unlink(_) | Change::Rename(..) => false,
            }),
            Step::SyncDir(dir) => {
                let touches = |change: &Change| match change {
                    Change::Link(path, _) | Change::Unlink(path) => parent(path) == &*dir,
                    Change::Rename(from, to) => parent(from) == &*dir || parent(to) == &*dir,
                    Change::Write(..) | Change::SetLen(..) => false,
                };
                // As in a journal, names become durable in their order: none before its directory, or before the
                // name that it had earlier.
                let Some(last) = self.pending.iter().rposition(touches) else { return Ok(()) };
                let rest = self.pending.split_off(last + 1);
                self.settle(|change| !matches!(change, Change::Write(..) | Change::SetLen(..)));
                self.pending.extend(rest);
            }
        }
        Ok(())
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

    /// How many operations a power loss would put at risk.
    pub fn unsynced(&self) -> usize {
        self.pending.len()
    }

    /// The machine loses power: of what was not synced only the `spared` oldest operations are on the platter.
    pub fn power_loss(&mut self, spared: usize) {
        let pending = std::mem::take(&mut self.pending);
        let durable = Rc::make_mut(&mut self.durable);
        pending.iter().take(spared).for_each(|change| durable.apply(change));
        self.now = self.durable.clone();
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
        let ops = Disk::replace("/f", b"the new");
        for done in 0..=ops.len() {
            for spared in 0..=ops.len() {
                let mut disk = start.clone();
                ops[..done].iter().for_each(|op| disk.apply(op).expect("the operations of a replacement fit"));
                disk.power_loss(spared);
                let content = disk.files().read("/f").expect("the file is there").as_slice();
                assert!(content == b"old" || content == b"the new", "{done} {spared} {content:?}");
                if done == ops.len() {
                    assert_eq!(content, b"the new", "it is durable when all is done");
                }
            }
        }
    }

    #[test]
    fn a_power_loss_takes_what_was_not_synced() {
        let f: Path = "/f".into();
        let mut disk = disk(&[Op::Create(f.clone()), Op::Write(f.clone(), 0, (*b"abc").into())]);
        assert_eq!(disk.unsynced(), 2);
        disk.power_loss(0);
        assert_eq!(disk.files().read("/f"), Err(DiskError::NotFound));
        assert_eq!(disk, Disk { inodes: 1, ..Disk::default() });
    }

    #[test]
    fn a_synced_file_whose_name_was_not_synced_is_gone() {
        let f: Path = "/f".into();
        let mut disk = disk(&[Op::Create(f.clone()), Op::Write(f.clone(), 0, (*b"abc").into()), Op::Sync(f)]);
        disk.power_loss(0);
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
