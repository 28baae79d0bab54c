//! One database: redb on a file of the simulated disk.
//!
//! The file is redb's, written through its `StorageBackend`; what it means after a crash is redb's recovery to say. A
//! transaction is one commit with redb's defaults: data and header first, then one sync, told apart by checksums
//! when it was interrupted. So it takes a header that rotted for one that a crash tore, and answers with the commit
//! before: against rot it relies on the disk, which has checksums of its own. Measured for keys and values of a few bytes: a new file has 20 KiB, grows to 100 KiB with the first
//! commit, and a commit is 6 to 9 operations.
//!
//! Determinism: redb has no clock, no thread, no randomness, and hashes without a random key. The order in which it
//! writes the pages of a commit is that of its hash tables: the same in every run of one build for one kind of
//! processor. Its debug build fills new pages with another pattern, and so is built without debug assertions.

use crate::disk::{DiskError, Op, Path, Session};
use crate::modules::database::settle;
use crate::modules::engine::{Handle, Panicked, lend, on_disk};
use redb::{Builder, Database, ReadableDatabase, StorageBackend, TableDefinition, TableError};
use std::sync::LazyLock;

/// All pairs of a database.
const PAIRS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("pairs");
/// What redb may keep in memory, in bytes: more than a database of a test has.
const CACHE: usize = 16 << 20;
/// The largest file, in bytes: the simulated disk keeps zeros as bytes.
const LARGEST: u64 = 1 << 28;

/// A key, and what it is to have; `None`: nothing.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

/// Why the engine did not do it. Its handle is not to be used again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(String);

/// An open database.
#[derive(Debug)]
pub struct Store {
    handle: Handle<Database>,
}

impl Store {
    /// Opens the database in a file, which must be there. What a crash left is repaired, and every page is checked.
    ///
    /// Before anything is made of it, it is settled.
    ///
    /// # Errors
    /// The disk refuses an access, or the file is damaged.
    pub fn open(path: &Path, disk: &mut Session) -> Result<Store, StoreError> {
        settle(path, disk)?;
        let file = File { path: path.to_string() };
        Ok(Store { handle: lend(disk, || open(file).map(Handle::new))?? })
    }

    /// The value of a key, if it has one.
    ///
    /// # Errors
    /// The disk refuses an access, or the file is damaged.
    pub fn get(&mut self, key: &[u8], disk: &mut Session) -> Result<Option<Vec<u8>>, StoreError> {
        let database = self.handle.get();
        Ok(lend(disk, || get(database, key))??)
    }

    /// Does these changes, all or none, durably.
    ///
    /// # Errors
    /// The disk refuses an access, or the file is damaged. Whether they are done is then known when it is next opened.
    pub fn change(&mut self, changes: &[Change], disk: &mut Session) -> Result<(), StoreError> {
        let database = self.handle.get();
        Ok(lend(disk, || change(database, changes))??)
    }
}

/// The bytes of a database without a pair.
///
/// redb makes a new file as long as it will be before it writes the number that it knows its files by: a crash in between
/// leaves a file that it refuses for ever. So a database is made aside, and its file appears as a whole.
pub static EMPTY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let (path, mut scratch): (Path, _) = ("/empty".into(), Session::default());
    scratch.apply(Op::Create(path.clone())).expect("a new disk takes a file");
    let file = File { path: path.to_string() };
    let made = lend(&mut scratch, || Ok(open(file)?.close()?)).expect("redb knows what it wrote");
    made.unwrap_or_else(|error: redb::Error| panic!("redb makes a database where nothing is refused: {error}"));
    scratch.files().read(&path).expect("it was just made").to_vec()
});

fn open(file: File) -> Result<Database, redb::Error> {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
    Ok(builder.create_with_backend(file)?)
}

fn get(database: &Database, key: &[u8]) -> Result<Option<Vec<u8>>, redb::Error> {
    let reading = database.begin_read()?;
    let pairs = match reading.open_table(PAIRS) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        pairs => pairs?,
    };
    Ok(pairs.get(key)?.map(|value| value.value().to_vec()))
}

fn change(database: &Database, changes: &[Change]) -> Result<(), redb::Error> {
    let writing = database.begin_write()?;
    let mut pairs = writing.open_table(PAIRS)?;
    for (key, value) in changes {
        match value {
            Some(value) => drop(pairs.insert(key.as_slice(), value.as_slice())?),
            None => drop(pairs.remove(key.as_slice())?),
        }
    }
    drop(pairs);
    Ok(writing.commit()?)
}

impl From<DiskError> for StoreError {
    fn from(error: DiskError) -> StoreError {
        StoreError(format!("I/O error: {error}"))
    }
}

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> StoreError {
        StoreError(error.to_string())
    }
}

impl From<Panicked> for StoreError {
    fn from(panic: Panicked) -> StoreError {
        StoreError(format!("the database is damaged: {}", panic.0))
    }
}

/// A file of the session that is lent, as redb sees it.
#[derive(Debug)]
struct File {
    path: String,
}

impl File {
    fn apply(&self, op: impl FnOnce(Path) -> Op) -> std::io::Result<()> {
        on_disk(|disk| disk.apply(op(self.path.as_str().into()))).map_err(std::io::Error::other)
    }

    fn fits(len: u64) -> std::io::Result<()> {
        if len <= LARGEST { Ok(()) } else { Err(std::io::Error::other(DiskError::NoSpace)) }
    }
}

impl StorageBackend for File {
    fn len(&self) -> std::io::Result<u64> {
        on_disk(|disk| disk.files().len(&self.path)).map_err(std::io::Error::other)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        let end = offset.saturating_add(out.len() as u64);
        on_disk(|disk| {
            let piece = disk.read_at(&self.path, offset..end)?;
            // It is as much as there is.
            let whole = piece.len() == out.len();
            if whole {
                out.copy_from_slice(piece);
            }
            Ok(whole)
        })
        .map_err(std::io::Error::other)?
        .then_some(())
        .ok_or(std::io::ErrorKind::UnexpectedEof.into())
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        File::fits(len)?;
        self.apply(|path| Op::SetLen(path, len))
    }

    fn sync_data(&self) -> std::io::Result<()> {
        self.apply(Op::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        File::fits(offset.saturating_add(data.len() as u64))?;
        self.apply(|path| Op::Write(path, offset, data.into()))
    }
}
