//! What SQLite has for an operating system: the files of a session on the simulated disk, the virtual clock, and numbers
//! drawn from a seed.
//!
//! It is there while a call of the engine is under way on this thread, as the session is that is lent to it, and not
//! before or after: what the engine does then, in a destructor say, is refused. The calls of the C interface come in by
//! [`vfs_ffi`](super::vfs_ffi); nothing here is unsafe, and nothing here calls the engine.

use crate::disk::{DiskError, Op, Path, Session, parent};
use crate::modules::engine::{Panicked, lend, on_disk};
use kernel_core::{Duration, Instant};
use std::cell::RefCell;

/// The directory of all databases: nothing outside of it can be opened.
pub const ROOT: &str = "/sqlite";
/// The largest file, in bytes.
const LARGEST: u64 = 1 << 28;
/// How many bytes one call may write, in all: a call that writes more finds the disk full.
const WRITTEN_MAX: u64 = 1 << 26;
/// The virtual time 0 as a Julian day in milliseconds: 1970-01-01, as the clock of WASI has it.
const EPOCH: i64 = 210_866_760_000_000;

thread_local! {
    static HOST: RefCell<Option<Host>> = const { RefCell::new(None) };
}

/// What there is under one call of the engine, besides the disk.
pub struct Host {
    now: Instant,
    /// What its random numbers are drawn from.
    seed: u64,
    /// A planted fault: a sync is said to be done, and is not.
    ignores_syncs: bool,
    drawn: u64,
    written: u64,
    read: u64,
}

/// An open file.
pub enum File {
    /// One of the disk.
    Named {
        /// Where.
        path: Path,
        /// A journal whose name may not be durable: its first sync sees to that, as in `os_unix.c`. That it was there
        /// already proves nothing: it may be what a crash has left.
        syncs_name: bool,
    },
    /// One without a name, which nobody else sees and no crash finds again.
    Temporary(Vec<u8>),
}

/// How a file is opened.
#[derive(Clone, Copy)]
pub struct Opening {
    pub create: bool,
    /// It is a journal or a write-ahead log.
    pub journal: bool,
}

/// Does the work of a call, with this host under it, on a session of the disk.
pub fn under<R>(host: Host, session: &mut Session, work: impl FnOnce() -> R) -> R {
    HOST.set(Some(host));
    let done = lend(session, work);
    HOST.set(None);
    done.unwrap_or_else(|Panicked(text)| panic!("{text}: SQLite does not panic, and nor may what it calls"))
}

/// Asks the host of this call. Outside of a call there is none, and everything fails.
pub fn ask<R>(question: impl FnOnce(&mut Host) -> Result<R, DiskError>) -> Result<R, DiskError> {
    HOST.with_borrow_mut(|host| host.as_mut().map_or(Err(DiskError::Io), question))
}

impl Host {
    /// A host at an instant, whose random numbers come from a seed.
    pub fn new(now: Instant, seed: u64, ignores_syncs: bool) -> Host {
        Host { now, seed, ignores_syncs, drawn: 0, written: 0, read: 0 }
    }

    /// Whether there is a file with something in it: `os_unix.c` takes an empty one for none.
    pub fn has(path: &str) -> Result<bool, DiskError> {
        on_disk(|disk| Ok(disk.files().len(path).is_ok_and(|len| len > 0)))
    }

    /// Removes a file, and if asked to makes that durable.
    pub fn remove(&self, path: &str, durably: bool) -> Result<(), DiskError> {
        on_disk(|disk| {
            disk.apply(Op::Remove(path.into()))?;
            if durably && !self.ignores_syncs { disk.apply(Op::SyncDir(parent(path).into())) } else { Ok(()) }
        })
    }

    /// Takes note that so much is to be written, up to an end, if that is allowed.
    fn count(&mut self, bytes: u64, end: u64) -> Result<(), DiskError> {
        self.written = self.written.saturating_add(bytes);
        if end > LARGEST || self.written > WRITTEN_MAX { Err(DiskError::NoSpace) } else { Ok(()) }
    }

    /// How many bytes this call has read.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// Fills a buffer with numbers that look random.
    pub fn randomness(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            self.drawn += 1;
            let bytes = xxhash_rust::xxh3::xxh3_64_with_seed(&self.drawn.to_le_bytes(), self.seed).to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }

    /// The virtual time, as a Julian day in milliseconds.
    pub fn julian_millis(&self) -> i64 {
        EPOCH + ((self.now - Instant::default()).0 / Duration::from_millis(1).0) as i64
    }
}

impl File {
    /// Opens a file of the disk.
    pub fn open(path: &str, opening: Opening) -> Result<File, DiskError> {
        if !path.starts_with(ROOT) || path.split('/').any(|part| part == "..") {
            return Err(DiskError::NotFound);
        }
        let path: Path = path.into();
        on_disk(|disk| {
            let is_missing = !disk.files().is_file(&path);
            match (is_missing, opening.create) {
                (true, true) => disk.apply(Op::Create(path.clone()))?,
                (true, false) => return Err(DiskError::NotFound),
                (false, _) => {}
            }
            Ok(File::Named { path: path.clone(), syncs_name: opening.create && opening.journal })
        })
    }

    /// Fills a buffer from an offset on, with zeros beyond the file's end; whether the file had that much.
    pub fn read(&self, host: &mut Host, offset: u64, out: &mut [u8]) -> Result<bool, DiskError> {
        host.read = host.read.saturating_add(out.len() as u64);
        let range = offset..offset.saturating_add(out.len() as u64);
        let mut fill = |there: &[u8]| {
            out[..there.len()].copy_from_slice(there);
            out[there.len()..].fill(0);
            there.len() == out.len()
        };
        match self {
            File::Named { path, .. } => on_disk(|disk| disk.read_at(path, range).map(&mut fill)),
            File::Temporary(content) => {
                let len = content.len() as u64;
                Ok(fill(&content[range.start.min(len) as usize..range.end.min(len) as usize]))
            }
        }
    }

    /// Writes bytes at an offset.
    pub fn write(&mut self, host: &mut Host, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let end = offset.saturating_add(bytes.len() as u64);
        host.count(bytes.len() as u64, end)?;
        match self {
            File::Named { path, .. } => on_disk(|disk| disk.apply(Op::Write(path.clone(), offset, bytes.into()))),
            File::Temporary(content) => {
                let (start, end) = (offset as usize, end as usize);
                content.resize(content.len().max(end), 0);
                content[start..end].copy_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Cuts the file, or extends it with zeros.
    pub fn set_len(&mut self, host: &mut Host, len: u64) -> Result<(), DiskError> {
        host.count(0, len)?;
        match self {
            File::Named { path, .. } => on_disk(|disk| disk.apply(Op::SetLen(path.clone(), len))),
            File::Temporary(content) => {
                content.resize(len as usize, 0);
                Ok(())
            }
        }
    }

    /// Makes the content durable, and the name of a journal that is new.
    pub fn sync(&mut self, host: &Host) -> Result<(), DiskError> {
        match self {
            File::Named { path, syncs_name } if !host.ignores_syncs => on_disk(|disk| {
                disk.apply(Op::Sync(path.clone()))?;
                if *syncs_name {
                    disk.apply(Op::SyncDir(parent(path).into()))?;
                    *syncs_name = false;
                }
                Ok(())
            }),
            File::Named { .. } | File::Temporary(_) => Ok(()),
        }
    }

    /// How long it is, in bytes.
    pub fn len(&self) -> Result<u64, DiskError> {
        match self {
            File::Named { path, .. } => on_disk(|disk| disk.files().len(path)),
            File::Temporary(content) => Ok(content.len() as u64),
        }
    }
}
