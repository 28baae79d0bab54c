//! One call's work on a node's disk: the caller sees at once what it has done, the disk gets it afterwards.
//!
//! A crash is never played inside a call. The operations of a session are applied to the disk when the call is over, and
//! the chooser says how many of them. What *is* played inside is a refusal, since the caller must answer it: no space, an
//! I/O error, a write that is cut short.
//!
//! A session works on the disk's own files and keeps what takes each change back. So a call costs what it reads and
//! writes, however large the disk is.

use super::files::{Change, Entry, Files, Inode, Step, Undo};
use super::{Disk, DiskError, FileBytes, Op};
use std::fmt;
use std::ops::Range;
use std::rc::Rc;

/// A refusal: at which access of a session, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IoFault {
    /// The number of the read or operation, counted from 1.
    pub at: u32,
    /// What goes wrong there.
    pub wrong: IoWrong,
}

/// What goes wrong at an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IoWrong {
    /// From here to the end of the session nothing finds space (`ENOSPC`): no new name, no byte written.
    NoSpace,
    /// This access fails (`EIO`), and changes nothing; a sync of a file that fails makes nothing durable, then or later.
    Error,
    /// If this is a write, its first half is done, and there is no space for the rest, nor for anything later.
    Short,
}

/// One call's work on the disk, from [`Disk::session`] to [`Disk::finish`]. It owns what it needs, so that a storage
/// engine can keep it for as long as the call takes.
#[derive(Debug, Default)]
pub struct Session {
    now: Rc<Files>,
    inodes: u64,
    ops: Vec<Op>,
    /// What takes the changes back, in the order in which they were made.
    undo: Vec<Undo>,
    capacity: Option<u64>,
    accesses: u32,
    fault: Option<IoFault>,
    full: bool,
}

impl IoWrong {
    const ALL: [(IoWrong, &str); 3] =
        [(IoWrong::NoSpace, "no-space"), (IoWrong::Error, "error"), (IoWrong::Short, "short")];
}

impl fmt::Display for IoFault {
    /// As a plan has it: `no-space@3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = IoWrong::ALL.iter().find(|(wrong, _)| *wrong == self.wrong).expect("every way has a name").1;
        write!(f, "{name}@{}", self.at)
    }
}

impl IoFault {
    /// Reads it from a plan.
    pub fn parse(text: &str) -> Option<IoFault> {
        let (name, at) = text.split_once('@')?;
        let (wrong, _) = IoWrong::ALL.into_iter().find(|(_, known)| *known == name)?;
        Some(IoFault { at: at.parse().ok().filter(|at| *at > 0)?, wrong })
    }
}

impl Session {
    pub(super) fn new(now: Rc<Files>, inodes: u64, capacity: Option<u64>, fault: Option<IoFault>) -> Session {
        Session { now, inodes, capacity, fault, ..Session::default() }
    }

    /// With the space that is kept for what must never want for it.
    pub fn with_reserve(self) -> Session {
        Session { capacity: None, ..self }
    }

    /// The files as this session has left them. Looking at names is no access, and is not refused.
    pub fn files(&self) -> &Files {
        &self.now
    }

    /// The content of a file.
    ///
    /// # Errors
    /// There is none of this name, or the disk refuses to read it: for once, or because a sector of it has rotted.
    pub fn read(&mut self, path: &str) -> Result<FileBytes, DiskError> {
        match self.next_fault() {
            Some(IoWrong::Error) => Err(DiskError::Io),
            Some(IoWrong::NoSpace | IoWrong::Short) | None => self.now.read(path).cloned(),
        }
    }

    /// A piece of a file, in bytes: as much of it as there is.
    ///
    /// # Errors
    /// As for [`read`](Session::read), but only the sectors that hold the piece count.
    pub fn read_at(&mut self, path: &str, range: Range<u64>) -> Result<&[u8], DiskError> {
        match self.next_fault() {
            Some(IoWrong::Error) => Err(DiskError::Io),
            Some(IoWrong::NoSpace | IoWrong::Short) | None => self.now.read_at(path, range),
        }
    }

    /// Does one operation.
    ///
    /// # Errors
    /// It cannot be done, the disk is full, or refuses it. Nothing has changed then, but after a write that was cut
    /// short.
    pub fn apply(&mut self, op: Op) -> Result<(), DiskError> {
        let step = self.now.plan(&op, Inode(self.inodes + 1))?;
        let grows = match &op {
            Op::CreateDir(_) | Op::Create(_) | Op::Write(..) => true,
            Op::SetLen(path, len) => self.now.len(path).is_ok_and(|now| now < *len),
            _ => false,
        };
        match self.next_fault() {
            Some(IoWrong::Error) => {
                if let Op::Sync(path) = op {
                    self.ops.push(Op::FailedSync(path));
                }
                return Err(DiskError::Io);
            }
            Some(IoWrong::Short) if !self.full => {
                self.full = true;
                if let Op::Write(path, offset, bytes) = op {
                    let half = Op::Write(path, offset, bytes[..bytes.len() / 2].into());
                    let step = self.now.plan(&half, Inode(0)).expect("the whole write was possible");
                    self.change(half, step);
                    return Err(DiskError::NoSpace);
                }
            }
            Some(IoWrong::NoSpace | IoWrong::Short) => self.full = true,
            None => {}
        }
        let fits = self.capacity.is_none_or(|capacity| self.now.has_room(&op, capacity));
        if (self.full && grows) || !fits {
            return Err(DiskError::NoSpace);
        }
        self.change(op, step);
        Ok(())
    }

    /// Replaces a whole file atomically and durably; its directory must be there.
    ///
    /// # Errors
    /// As for [`apply`](Session::apply). The file is the old one; or the new one, if only its name is not durable.
    pub fn replace(&mut self, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
        let ops = Disk::replace(path, bytes);
        let Op::Create(new) = ops[0].clone() else { unreachable!("first the new file is made") };
        let done = ops.into_iter().try_for_each(|op| self.apply(op));
        if done.is_err() && self.now.is_file(&new) {
            self.apply(Op::Remove(new)).expect("to remove a file takes no space");
        }
        done
    }

    /// The fault that came about in this session, if one did.
    pub fn refused(&self) -> Option<IoFault> {
        self.fault.filter(|fault| fault.at <= self.accesses)
    }

    /// The files as they were before the session, and what was done to them, in order.
    pub(super) fn end(mut self) -> (Rc<Files>, Vec<Op>) {
        if !self.undo.is_empty() {
            let files = Rc::make_mut(&mut self.now);
            self.undo.into_iter().rev().for_each(|undo| files.take_back(undo));
        }
        (self.now, self.ops)
    }

    fn change(&mut self, op: Op, step: Step) {
        // Whether anything is durable shows on the disk alone.
        if let Step::Change(change) = step {
            if let Change::Link(_, Entry::File(inode)) = change {
                self.inodes = inode.0;
            }
            self.undo.push(Rc::make_mut(&mut self.now).apply_undoably(&change));
        }
        self.ops.push(op);
    }

    fn next_fault(&mut self) -> Option<IoWrong> {
        self.accesses += 1;
        self.fault.filter(|fault| fault.at == self.accesses).map(|fault| fault.wrong)
    }
}

#[cfg(test)]
mod tests {
    use crate::disk::{Disk, DiskError, IoFault, IoWrong, Op, Path, Spared};

    /// A disk with a file, and a session on it that has this fault.
    fn session(at: u32, wrong: IoWrong) -> (Disk, super::Session) {
        let mut disk = Disk::default();
        for op in Disk::replace("/f", b"old") {
            disk.apply(&op).expect("an empty disk takes a file");
        }
        let session = disk.session(Some(IoFault { at, wrong }));
        (disk, session)
    }

    fn write(text: &[u8]) -> Op {
        Op::Write("/f".into(), 0, text.into())
    }

    #[test]
    fn what_a_session_did_fits_its_disk_and_was_seen_by_nobody_before() {
        let (mut disk, mut session) = session(99, IoWrong::Error);
        let g: Path = "/g".into();
        for op in [write(b"new"), Op::Create(g.clone()), Op::Write(g.clone(), 1, (*b"x").into()), Op::Sync(g)] {
            session.apply(op).expect("nothing is refused");
        }
        assert_eq!(session.read("/f").as_deref(), Ok(&b"new"[..]));
        let seen = session.files().clone();
        let ops = disk.finish(session);
        assert_eq!(disk.files().read("/f").map(|old| old.as_slice()), Ok(&b"old"[..]));
        for op in ops {
            disk.apply(&op).expect("it fits");
        }
        assert_eq!(*disk.files(), seen);
    }

    #[test]
    fn a_session_that_ends_leaves_the_disk_as_it_was_whatever_it_did() {
        let (path, n) = (|path: &str| Path::from(path), 1_100);
        let mut disk = Disk::default();
        let laid = [
            Op::CreateDir(path("/d")),
            Op::Create(path("/d/a")),
            Op::Write(path("/d/a"), 0, vec![1; 1_100].into()),
            Op::Create(path("/b")),
            Op::Write(path("/b"), 0, (*b"b").into()),
        ];
        laid.iter().for_each(|op| disk.apply(op).expect("an empty disk takes files"));
        disk.sync_all();
        disk.rot("/d/a", 600);
        let before = disk.clone();
        let all = [
            Op::Write(path("/d/a"), 512, [2; 512].into()),
            Op::Write(path("/d/a"), 2 * n, (*b"beyond").into()),
            Op::SetLen(path("/d/a"), 7),
            Op::SetLen(path("/d/a"), 9_000),
            Op::Create(path("/b")),
            Op::Rename(path("/d"), path("/e")),
            Op::Create(path("/c")),
            Op::Write(path("/c"), 3, (*b"c").into()),
            Op::Rename(path("/c"), path("/e/a")),
            Op::Remove(path("/b")),
            Op::Remove(path("/e/a")),
            Op::RemoveDir(path("/e")),
            Op::SyncDir(path("/")),
        ];
        for done in 0..=all.len() {
            let mut session = disk.session(None);
            all[..done].iter().for_each(|op| session.apply(op.clone()).expect("nothing is refused"));
            let seen = session.files().clone();
            assert_eq!(disk.finish(session), all[..done]);
            assert_eq!(disk, before, "after {done}");
            let mut after = disk.clone();
            all[..done].iter().for_each(|op| after.apply(op).expect("it fits"));
            assert_eq!(*after.files(), seen, "after {done}");
        }
    }

    #[test]
    fn an_error_refuses_one_access_and_changes_nothing() {
        let (mut disk, mut session) = session(2, IoWrong::Error);
        assert!(session.read("/f").is_ok());
        assert_eq!(session.apply(write(b"new")), Err(DiskError::Io));
        assert_eq!(session.read("/f").as_deref(), Ok(&b"old"[..]));
        assert_eq!(session.apply(write(b"new")), Ok(()));
        assert_eq!(disk.finish(session), [write(b"new")]);
    }

    #[test]
    fn without_space_nothing_grows_and_all_else_goes_on() {
        let (_, mut session) = session(1, IoWrong::NoSpace);
        assert_eq!(session.apply(write(b"new")), Err(DiskError::NoSpace));
        assert_eq!(session.apply(Op::Create("/g".into())), Err(DiskError::NoSpace));
        assert_eq!(session.apply(Op::Remove("/f".into())), Ok(()));
    }

    #[test]
    fn a_write_that_is_cut_short_has_done_its_first_half() {
        let (mut disk, mut session) = session(1, IoWrong::Short);
        assert_eq!(session.apply(write(b"newest")), Err(DiskError::NoSpace));
        assert_eq!(session.apply(write(b"n")), Err(DiskError::NoSpace));
        assert_eq!(disk.finish(session), [write(b"new")]);
    }

    #[test]
    fn a_sync_that_fails_is_told_to_the_disk() {
        let (mut disk, mut session) = session(2, IoWrong::Error);
        assert_eq!(session.apply(write(b"new")), Ok(()));
        assert_eq!(session.apply(Op::Sync("/f".into())), Err(DiskError::Io));
        assert_eq!(session.apply(Op::Sync("/f".into())), Ok(()));
        for op in disk.finish(session) {
            disk.apply(&op).expect("it fits");
        }
        disk.power_loss(Spared::First(9));
        assert_eq!(disk.files().read("/f").map(|old| old.as_slice()), Ok(&b"old"[..]));
    }

    #[test]
    fn a_full_disk_takes_what_does_not_grow_and_what_was_given_back() {
        let mut disk = Disk::default().holding(6);
        let ops = [Op::Create("/f".into()), Op::Create("/g".into()), write(b"1234")];
        ops.iter().for_each(|op| disk.apply(op).expect("there is room"));
        let mut session = disk.session(None);
        let more = |at, len: usize| Op::Write("/g".into(), at, vec![1; len].into());
        assert_eq!(session.apply(more(0, 3)), Err(DiskError::NoSpace));
        assert_eq!(session.apply(more(1, 1)), Ok(()), "zeros in between count");
        assert_eq!(session.apply(more(0, 2)), Ok(()));
        assert_eq!(session.apply(Op::Create("/h".into())), Err(DiskError::NoSpace), "not even a name");
        assert_eq!(session.apply(Op::SetLen("/g".into(), 3)), Err(DiskError::NoSpace));
        assert_eq!(session.apply(Op::SetLen("/f".into(), 1)), Ok(()));
        assert_eq!(session.apply(more(2, 3)), Ok(()));
        assert_eq!(session.apply(Op::Remove("/g".into())), Ok(()));
        assert_eq!(session.apply(Op::Create("/h".into())), Ok(()));
        assert_eq!(session.files().used(), 1);
    }
}
