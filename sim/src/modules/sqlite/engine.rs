//! One call of the engine at a time, and what it does with a database.
//!
//! A handle is a cache: what it would write when it is dropped is refused, since a node that crashed writes nothing.

use super::guard::{Guard, LENGTH_MAX};
use super::host::{self, Host};
use super::wire::SqliteError;
use super::{values, vfs_ffi};
use crate::disk::planted::Planted;
use crate::disk::{Op, Path, Session};
use crate::modules::engine::on_disk;
use crate::modules::setup::{Journal, Setup};
use kernel_core::Instant;
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::limits::Limit;
use rusqlite::types::Value;
use rusqlite::{Batch, Connection, Error, ErrorCode, OpenFlags, Statement, StatementStatus};
use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

/// Whose turn it is: the engine's random numbers and its count of memory are the whole process's.
static TURN: Mutex<()> = Mutex::new(());

/// A statement and its parameters.
#[derive(Clone)]
pub struct Command {
    pub sql: String,
    pub parameters: Vec<Value>,
}

/// An open database.
pub struct Database {
    connection: Connection,
    guard: Arc<Guard>,
    /// Bytes of results since it was last asked what it took.
    read: Cell<usize>,
}

/// What a request, a step of the engine and a byte of a result take, in nanoseconds, as measured.
const REQUEST: u64 = 50_000;
const STEP: u64 = 50;
const RESULT_BYTE: u64 = 10;

/// Does engine work on a session of the disk, at an instant, with random numbers from a seed.
pub fn call<R>(session: &mut Session, now: Instant, seed: u64, setup: &Setup, work: impl FnOnce() -> R) -> R {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    vfs_ffi::prepare();
    let ignores_syncs = setup.planted == Some(Planted::SqliteSyncIgnored);
    host::under(Host::new(now, seed, ignores_syncs), session, work)
}

/// Drops handles outside of any call: their destructors find no operating system, and write nothing.
pub fn discard(databases: impl IntoIterator<Item = Database>) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    databases.into_iter().for_each(drop);
}

impl Database {
    /// Opens a database, which is made if there is none, and goes over it as a whole, by the engine's own check of all
    /// its pages and indexes: the engine has just recovered it, perhaps. To be called within [`call`].
    ///
    /// # Errors
    /// The inner one is what is wrong with the file; the outer one is any other.
    pub fn open(path: &str, setup: &Setup) -> Result<Result<Database, String>, SqliteError> {
        let opened = Database::connect(path, setup).and_then(|database| Ok((database.trouble()?, database)));
        match opened {
            Ok((None, database)) => Ok(Ok(database)),
            Ok((Some(trouble), _)) => Ok(Err(trouble)),
            Err(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Ok(Err(error.to_string())),
                _ => Err(error.into()),
            },
        }
    }

    fn connect(path: &str, setup: &Setup) -> rusqlite::Result<Database> {
        if setup.planted == Some(Planted::SqliteJournalIgnored) {
            throw_away(path, &["-wal", "-journal"]);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags_and_vfs(path, flags, vfs_ffi::NAME)?;
        let early = setup.planted == Some(Planted::SqliteAnswersEarly);
        let (locking, journal, synchronous) = match (setup.journal, early) {
            // Alone with its file, the engine keeps the log's index in its own memory and needs no shared one.
            // If the disk refuses what leads to a log, the engine stays with a journal and does not say so. `EXTRA` is as
            // durable there; with a log it is what `FULL` is.
            (Journal::Wal, false) => ("EXCLUSIVE", "WAL", "EXTRA"),
            (Journal::Wal, true) => ("EXCLUSIVE", "WAL", "NORMAL"),
            (Journal::Rollback, false) => ("NORMAL", "DELETE", "EXTRA"),
            (Journal::Rollback, true) => ("NORMAL", "DELETE", "FULL"),
        };
        let set =
            |pragma, value| connection.pragma_update_and_check(None, pragma, value, |row| row.get::<_, String>(0));
        set("locking_mode", locking)?;
        set("journal_mode", journal)?;
        connection.pragma_update(None, "synchronous", synchronous)?;
        let guard = Guard::of(&mut connection)?;
        Ok(Database { connection, guard, read: Cell::new(0) })
    }

    fn trouble(&self) -> rusqlite::Result<Option<String>> {
        self.guard.begin(false);
        let mut check = self.connection.prepare("PRAGMA integrity_check(3)")?;
        let found: Vec<String> = check.query([])?.map(|row| row.get(0)).collect()?;
        self.guard.end();
        Ok((found != ["ok"]).then(|| found.join("; ")))
    }

    /// Runs a statement, and gives its rows.
    pub fn query(&self, command: &Command, may_write: bool) -> Result<Vec<u8>, SqliteError> {
        self.guard.begin(may_write);
        let mut read = 0;
        let rows = self
            .prepare(&command.sql)
            .and_then(|mut statement| values::rows(&mut statement, &command.parameters, &mut read));
        self.guard.end();
        self.read.set(read);
        rows.map_err(|error| if self.guard.tried_to_write() { SqliteError::NoWriteCap } else { error })
    }

    /// Runs a statement that commits itself.
    pub fn write(&self, command: &Command) -> Result<(), SqliteError> {
        self.guard.begin(true);
        let done = self.execute(command);
        self.guard.end();
        done
    }

    /// Runs statements as one transaction: all of them, or none.
    pub fn commit(&self, commands: &[Command]) -> Result<(), SqliteError> {
        self.guard.begin(true);
        self.connection.execute_batch("BEGIN")?;
        self.guard.in_transaction(true);
        let done = commands.iter().try_for_each(|command| self.execute(command));
        self.guard.in_transaction(false);
        limit_length(&self.connection, LENGTH_MAX)?;
        let done = done.and_then(|()| Ok(self.connection.execute_batch("COMMIT")?));
        if done.is_err() && !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        self.guard.end();
        done
    }

    /// How long the last request took, in nanoseconds, by count.
    pub fn nanos(&self) -> u64 {
        REQUEST + self.guard.steps() * STEP + self.guard.work() + self.read.take() as u64 * RESULT_BYTE
    }

    /// Runs a statement. One that gives rows is done, and an error all the same.
    fn execute(&self, command: &Command) -> Result<(), SqliteError> {
        let mut statement = self.prepare(&command.sql)?;
        statement.execute(rusqlite::params_from_iter(&command.parameters))?;
        Ok(())
    }

    /// The first statement of a text. The rest is not looked at: so does rusqlite 0.31, which the public runtimes have.
    fn prepare(&self, sql: &str) -> Result<Statement<'_>, SqliteError> {
        self.guard.begin_statement();
        limit_length(&self.connection, LENGTH_MAX)?;
        let first = Batch::new(&self.connection, sql).next()?;
        let statement = first.ok_or(Error::Empty)?;
        limit_length(&self.connection, self.guard.length(statement.get_status(StatementStatus::MemUsed)))?;
        Ok(statement)
    }
}

/// How large a value may be from here on.
fn limit_length(connection: &Connection, length: i32) -> rusqlite::Result<()> {
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, length).map(drop)
}

/// Removes files that belong to a database, as far as they are there.
fn throw_away(path: &str, endings: &[&str]) {
    for ending in endings {
        let file: Path = format!("{path}{ending}").into();
        // Whatever is wrong with the disk, the engine is about to meet it, too.
        let _ = on_disk(|disk| disk.apply(Op::Remove(file)));
    }
}
