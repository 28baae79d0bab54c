//! Names and contents at one level of durability: what the operating system sees, or what is on the platter.

use super::{DiskError, FileBytes, Op, Path, SECTOR, parent};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};
use std::rc::Rc;

/// A file by number: what a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Inode(pub u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    File(Inode),
    Dir,
}

/// Names, contents, and the sectors that cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    names: BTreeMap<Path, Entry>,
    contents: BTreeMap<Inode, FileBytes>,
    /// Sectors that do not match their checksum.
    rotten: BTreeSet<(Inode, u64)>,
}

/// An operation that is done and not yet durable, in terms of files and not of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Link(Path, Entry),
    Unlink(Path),
    Rename(Path, Path),
    Write(Inode, u64, Rc<[u8]>),
    SetLen(Inode, u64),
}

/// What takes one change back.
#[derive(Debug, Default)]
pub(super) struct Undo {
    /// Where these names led.
    names: Vec<(Path, Option<Entry>)>,
    /// Files that were there, or were not, as a whole.
    contents: Vec<(Inode, Option<FileBytes>)>,
    /// The part of a file that was written or cut.
    piece: Option<Piece>,
    rotten: BTreeSet<(Inode, u64)>,
}

#[derive(Debug)]
struct Piece {
    of: Inode,
    at: usize,
    was: Box<[u8]>,
    /// How long the file was.
    len: usize,
}

/// What an operation comes to, once it is known to be possible.
pub(super) enum Step {
    Nothing,
    Change(Change),
    Sync(Inode),
    SyncDir(Path),
    /// A sync of a file that the disk refused.
    Forget(Inode),
}

impl Change {
    /// Whether it changes names, and not the content of this or any file.
    pub fn is_of_names(&self) -> bool {
        matches!(self, Change::Link(..) | Change::Unlink(_) | Change::Rename(..))
    }

    /// Whether it changes the content of this file.
    pub fn is_content_of(&self, inode: Inode) -> bool {
        matches!(self, Change::Write(of, ..) | Change::SetLen(of, _) if *of == inode)
    }

    /// Whether it changes the names right below a directory.
    pub fn touches(&self, dir: &str) -> bool {
        match self {
            Change::Link(path, _) | Change::Unlink(path) => parent(path) == dir,
            Change::Rename(from, to) => parent(from) == dir || parent(to) == dir,
            Change::Write(..) | Change::SetLen(..) => false,
        }
    }
}

impl Files {
    /// The content of a file.
    ///
    /// # Errors
    /// There is none of this name, or a sector of it has rotted.
    pub fn read(&self, path: &str) -> Result<&FileBytes, DiskError> {
        self.check(path, 0..u64::MAX)
    }

    /// A piece of a file, in bytes: as much of it as there is.
    ///
    /// # Errors
    /// As for [`read`](Files::read), but only the sectors that hold the piece count.
    pub fn read_at(&self, path: &str, range: Range<u64>) -> Result<&[u8], DiskError> {
        let content = self.check(path, range.clone())?;
        let within = |at: u64| (at.min(content.len() as u64)) as usize;
        Ok(&content[within(range.start)..within(range.end.max(range.start))])
    }

    fn check(&self, path: &str, range: Range<u64>) -> Result<&FileBytes, DiskError> {
        let inode = self.file(path)?;
        let sectors = range.start / SECTOR..range.end.div_ceil(SECTOR);
        let rotten =
            !range.is_empty() && self.rotten.range((inode, sectors.start)..(inode, sectors.end)).next().is_some();
        if rotten { Err(DiskError::Io) } else { Ok(&self.contents[&inode]) }
    }

    /// This is in a file that is there.
    pub(super) fn fill(&mut self, path: &str, content: FileBytes) {
        let inode = self.file(path).expect("the file is there");
        self.contents.insert(inode, content);
    }

    /// How long a file is, in bytes. Its content is not read.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn len(&self, path: &str) -> Result<u64, DiskError> {
        self.file(path).map(|inode| self.contents[&inode].len() as u64)
    }

    /// Whether there is a file of this name.
    pub fn is_file(&self, path: &str) -> bool {
        self.file(path).is_ok()
    }

    /// Whether there is a directory of this name. The root is one.
    pub fn is_dir(&self, path: &str) -> bool {
        path == "/" || self.names.get(path) == Some(&Entry::Dir)
    }

    /// The names of all files, sorted.
    pub fn all(&self) -> impl Iterator<Item = &Path> {
        self.names.iter().filter(|(_, entry)| **entry != Entry::Dir).map(|(path, _)| path)
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

    /// How many names there are, directories' among them.
    pub fn n_names(&self) -> usize {
        self.names.len()
    }

    /// How many bytes all files hold together.
    pub fn used(&self) -> u64 {
        self.contents.values().map(|content| content.len() as u64).sum()
    }

    /// Whether an operation that is possible finds room, if the disk holds so many bytes. A new name takes none, but
    /// is not to be had on a disk that is full to the brim.
    pub(super) fn has_room(&self, op: &Op, capacity: u64) -> bool {
        let (path, end) = match op {
            Op::CreateDir(path) | Op::Create(path) => (path, None),
            Op::Write(path, offset, bytes) => (path, Some(offset.saturating_add(bytes.len() as u64))),
            Op::SetLen(path, len) => (path, Some(*len)),
            Op::Rename(..) | Op::Remove(_) | Op::RemoveDir(_) => return true,
            Op::Sync(_) | Op::FailedSync(_) | Op::SyncDir(_) => return true,
        };
        match end {
            None => self.names.contains_key(path) || self.used() < capacity,
            Some(end) => {
                let grows = end.saturating_sub(self.len(path).unwrap_or(0));
                grows == 0 || self.used().saturating_add(grows) <= capacity
            }
        }
    }

    /// What an operation comes to here, or why it cannot be done. `inode` is the number of a new file.
    pub(super) fn plan(&self, op: &Op, inode: Inode) -> Result<Step, DiskError> {
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
            Op::RemoveDir(path) => {
                if self.list(path)?.is_empty() {
                    Change::Unlink(path.clone())
                } else {
                    return Err(DiskError::NotEmpty);
                }
            }
            Op::Sync(path) => return self.file(path).map(Step::Sync),
            Op::FailedSync(path) => return self.file(path).map(Step::Forget),
            Op::SyncDir(dir) if self.is_dir(dir) => return Ok(Step::SyncDir(dir.clone())),
            Op::SyncDir(_) => return Err(DiskError::NotFound),
        };
        Ok(Step::Change(change))
    }

    pub(super) fn file(&self, path: &str) -> Result<Inode, DiskError> {
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
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Link(path, entry) => {
                self.names.insert(path.clone(), *entry);
                if let Entry::File(inode) = entry {
                    self.contents.entry(*inode).or_default();
                }
            }
            Change::Unlink(path) => {
                if let Some(Entry::File(inode)) = self.names.remove(path) {
                    self.drop_content(inode);
                }
            }
            Change::Rename(from, to) => {
                for path in self.at_and_below(from) {
                    let entry = self.names.remove(&path).expect("it was just listed");
                    if let Some(Entry::File(replaced)) = self.names.insert(moved(&path, from, to), entry) {
                        self.drop_content(replaced);
                    }
                }
            }
            Change::Write(inode, offset, bytes) => {
                let content = self.contents.entry(*inode).or_default().to_mut();
                let start = *offset as usize;
                let end = start + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[start..end].copy_from_slice(bytes);
                // A sector is good again when all of it was written anew.
                let to_the_end = end == content.len();
                let end = if to_the_end { end.next_multiple_of(SECTOR as usize) } else { end };
                let whole = *offset..end as u64;
                let covered = |sector: u64| whole.start <= sector * SECTOR && (sector + 1) * SECTOR <= whole.end;
                self.rotten.retain(|(of, sector)| of != inode || !covered(*sector));
            }
            Change::SetLen(inode, len) => {
                self.contents.entry(*inode).or_default().to_mut().resize(*len as usize, 0);
                self.rotten.retain(|(of, sector)| of != inode || sector * SECTOR < *len);
            }
        }
    }

    /// Does a change, and returns what takes it back.
    pub(super) fn apply_undoably(&mut self, change: &Change) -> Undo {
        let mut undo = Undo { rotten: self.rotten.clone(), ..Undo::default() };
        match change {
            Change::Link(path, entry) => self.note(path, *entry, &mut undo),
            Change::Unlink(path) => self.note(path, Entry::Dir, &mut undo),
            Change::Rename(from, to) => {
                for path in self.at_and_below(from) {
                    self.note(&moved(&path, from, to), Entry::Dir, &mut undo);
                    undo.names.push((path.clone(), self.names.get(&path).copied()));
                }
            }
            Change::Write(inode, offset, bytes) => {
                let content = &self.contents[inode];
                let start = content.len().min(*offset as usize);
                let end = content.len().min(*offset as usize + bytes.len());
                undo.piece = Some(Piece { of: *inode, at: start, was: content[start..end].into(), len: content.len() });
            }
            Change::SetLen(inode, len) => {
                let content = &self.contents[inode];
                let at = content.len().min(*len as usize);
                undo.piece = Some(Piece { of: *inode, at, was: content[at..].into(), len: content.len() });
            }
        }
        self.apply(change);
        undo
    }

    /// Notes where a name leads now, and the contents there and at what it is about to lead to.
    fn note(&self, path: &Path, next: Entry, undo: &mut Undo) {
        let now = self.names.get(path).copied();
        undo.names.push((path.clone(), now));
        for inode in now.into_iter().chain([next]).filter_map(Entry::inode) {
            undo.contents.push((inode, self.contents.get(&inode).cloned()));
        }
    }

    /// Takes the latest change back.
    pub(super) fn take_back(&mut self, undo: Undo) {
        for (path, entry) in undo.names {
            match entry {
                Some(entry) => self.names.insert(path, entry),
                None => self.names.remove(&path),
            };
        }
        for (inode, content) in undo.contents {
            match content {
                Some(content) => self.contents.insert(inode, content),
                None => self.contents.remove(&inode),
            };
        }
        if let Some(Piece { of, at, was, len }) = undo.piece {
            let content = self.contents.get_mut(&of).expect("a session's file is there until it ends").to_mut();
            content.resize(len, 0);
            content[at..at + was.len()].copy_from_slice(&was);
        }
        self.rotten = undo.rotten;
    }

    /// The names at a path and below it.
    fn at_and_below(&self, from: &Path) -> Vec<Path> {
        let below = format!("{from}/");
        self.names.keys().filter(|path| *path == from || path.starts_with(&below)).cloned().collect()
    }

    fn drop_content(&mut self, inode: Inode) {
        self.contents.remove(&inode);
        self.rotten.retain(|(of, _)| *of != inode);
    }

    /// What no name leads to is not there any more, as after a check of the file system.
    pub(super) fn drop_orphans(&mut self) {
        let named: BTreeSet<Inode> = self.names.values().filter_map(|entry| entry.inode()).collect();
        self.contents.retain(|inode, _| named.contains(inode));
        self.rotten.retain(|(inode, _)| named.contains(inode));
    }

    /// A sector does not match its checksum any more.
    pub(super) fn rot(&mut self, inode: Inode, byte: u64) {
        if self.contents.get(&inode).is_some_and(|content| byte < content.len() as u64) {
            self.rotten.insert((inode, byte / SECTOR));
        }
    }

    /// The same on a disk that keeps no checksums: a bit of the byte is another, and nobody knows.
    pub(super) fn flip(&mut self, inode: Inode, byte: u64) {
        if let Some(content) = self.contents.get_mut(&inode)
            && let Some(byte) = content.to_mut().get_mut(byte as usize)
        {
            *byte ^= 1;
        }
    }

    /// An encoding of everything, for a digest, piece by piece: the same files give the same bytes.
    pub(super) fn encode(&self, mut out: impl FnMut(&[u8])) {
        for (path, entry) in &self.names {
            out(path.as_bytes());
            let Some(inode) = entry.inode() else {
                out(&[0]);
                continue;
            };
            out(&[1]);
            let content = &self.contents[&inode];
            out(&(content.len() as u64).to_le_bytes());
            out(content);
            for (_, sector) in self.rotten.range((inode, 0)..=(inode, u64::MAX)) {
                out(&sector.to_le_bytes());
            }
            out(&[2]);
        }
    }
}

/// What a name becomes when it, or a directory above it, is renamed.
fn moved(path: &str, from: &str, to: &str) -> Path {
    format!("{to}{}", &path[from.len()..]).into()
}

impl Entry {
    fn inode(self) -> Option<Inode> {
        match self {
            Entry::File(inode) => Some(inode),
            Entry::Dir => None,
        }
    }
}
