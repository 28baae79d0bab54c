//! `sqlite:distro:sys`: databases of packages, on real SQLite.
//!
//! As in the public runtime (`src/sqlite.rs` and `lib/src/sqlite.rs` of both). A request is
//! `{"package_id": p, "db": name, "action": a}`. A process of the package opens a database, and so gets the capabilities
//! to read and to write it; whoever holds one of them in the kernel's table, not attached, may do that. Success is
//! answered if anybody waits for it, with the request's `metadata`; an error always. Requests of other nodes and
//! responses are dropped.
//!
//! What is answered as committed is durable (P3): the log is synced before the answer. A lone `Write` commits itself,
//! unless its sender has begun a transaction by `Query "BEGIN"`. The statements of a transaction by `BeginTx` wait in
//! memory until its `Commit`, which does all of them or none; a node that goes down forgets them.
//!
//! The engine works on the simulated disk by an operating system of its own (`host`, `vfs_ffi`). Its files are
//! `/sqlite/package:publisher/name/name.db` and beside it, and a crash may come between any two of its operations. It
//! recovers by itself when a database is first opened after a boot, from files that are written anew before; its own
//! `integrity_check` then goes over the whole file, and what it says is in the trace.
//!
//! What differs from the public runtime, all told:
//! - The capabilities are asked for. There they are looked up and the answer is ignored (oddity 2), so that whoever may
//!   message the module reads and writes any database: a `check` says who was refused, and is INCONCLUSIVE. A `Query` that
//!   would write (`WITH … INSERT`) needs both.
//! - A transaction belongs to its database, and there is none but by `BeginTx`: an unknown id is `NoTx`. There, `Write`
//!   silently begins it, so that half a transaction commits after a restart (oddity 5). A queued statement may not
//!   begin or end a transaction. `RemoveDb` forgets those of its database.
//! - An infinite number in a result is an error; there, the answer never comes (oddity 3). That a text parameter which
//!   is valid base64 becomes a BLOB is as there, since clients send their bytes so.
//! - `RemoveDb` leaves a fresh empty database, as there (oddity 4); it removes the old one's file first, so that a crash
//!   in between leaves nothing but a log, which SQLite then takes for none.
//! - A guest's SQL stays in its database, takes a second of the host at most, by count, and keeps to sizes: see `guard`.
//!   What goes beyond is answered by the engine's error, and the run says that it is not modelled; so is local time, since
//!   a node has no time zone, and so are virtual tables (full-text search, R-trees), whose steps have no bound.
//! - A name that a file cannot have is written otherwise on the disk; at most [`OPEN_MAX`] databases are open at once, one
//!   more is refused and not modelled.
//!
//! As there, a request is one statement: what comes after the first is not looked at, and nobody is told. A `Write` that
//! gives rows (`… RETURNING`) is done, and answered by an error all the same; in a transaction that undoes it.
//!
//! SQLite has one generator of random numbers, one count of its memory and one default VFS in a process, and the module
//! takes all three: whoever uses SQLite beside the simulator does so in another process.

use super::database::{DbKey, Right, refusal, settle, succeed, transaction_id};
use super::setup::Setup;
use super::{Module, ModuleContext, Support};
use crate::disk::planted::Planted;
use crate::disk::{Disk, Op, Path, Session, parent};
use crate::trace::event::What;
use engine::{Command, Database};
use kernel_core::{Content, Message, ProcessRef};
use std::collections::BTreeMap;
use std::rc::Rc;
use wire::{Action, Answer, Ask, SqliteError, TOO_MANY_OPEN};

mod engine;
mod functions;
mod guard;
mod host;
mod values;
mod vfs_ffi;
mod wire;

#[cfg(test)]
mod tests;

/// How many databases may be open on a node.
const OPEN_MAX: usize = 256;
/// How many bytes may wait in transactions that are not committed.
const QUEUED_MAX: usize = 64 << 20;

/// First words of what `Query` runs and of what `Write` runs.
const READS: [&str; 8] = ["ANALYZE", "ATTACH", "BEGIN", "EXPLAIN", "PRAGMA", "SELECT", "VALUES", "WITH"];
const WRITES: [&str; 17] = [
    "ALTER",
    "ANALYZE",
    "COMMIT",
    "CREATE",
    "DELETE",
    "DETACH",
    "DROP",
    "END",
    "INSERT",
    "REINDEX",
    "RELEASE",
    "RENAME",
    "REPLACE",
    "ROLLBACK",
    "SAVEPOINT",
    "UPDATE",
    "VACUUM",
];

/// The module: its open databases by path, and the transactions that wait to be committed. Both die with the node.
pub struct Sqlite {
    setup: Setup,
    open: BTreeMap<Path, Database>,
    transactions: BTreeMap<u64, Transaction>,
    /// The bytes in all of those.
    queued: usize,
    /// How many numbers this boot has taken.
    numbers: u64,
}

/// What waits for its `Commit`.
#[derive(Clone)]
struct Transaction {
    /// The database that it is of.
    path: Path,
    commands: Vec<Command>,
    bytes: usize,
}

/// What a transaction takes by itself.
const TRANSACTION_BYTES: usize = 256;

/// What a request that is not refused comes to: the answer, and the bytes that go along.
type Outcome = Result<(Answer, Option<Vec<u8>>), SqliteError>;

impl Module for Sqlite {
    fn uses_disk(&self) -> bool {
        true
    }

    fn on_message(&mut self, message: &Rc<Message>, cx: &mut ModuleContext<'_>) {
        let Content::Request(request) = &message.content else { return };
        if message.source.node != cx.module.node {
            return;
        }
        match Ask::parse(&request.body).and_then(|(key, action)| self.serve(&key, &action, message, cx)) {
            Ok((answer, rows)) => succeed(message, answer.to_body(), rows, cx),
            Err(error) => {
                // There is no end to the simulated disk, but what a fault makes.
                if let (Some(text), None) = (error.ours(), cx.disk.refused()) {
                    cx.unmodelled = Some(refusal(message, text));
                }
                cx.respond(message, Answer::Err(error).to_body(), None);
            }
        }
    }

    /// A handle cannot be cloned.
    fn fork(&self) -> Option<Box<dyn Module>> {
        let fork = Sqlite {
            setup: self.setup,
            open: BTreeMap::new(),
            transactions: self.transactions.clone(),
            queued: self.queued,
            numbers: self.numbers,
        };
        self.open.is_empty().then(|| Box::new(fork) as Box<dyn Module>)
    }

    fn actions(&self) -> &'static [(&'static str, Support)] {
        &[
            ("Open", Support::Done),
            ("RemoveDb", Support::Done),
            ("Write", Support::Done),
            ("Query", Support::Done),
            ("BeginTx", Support::Done),
            ("Commit", Support::Done),
        ]
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        engine::discard(std::mem::take(&mut self.open).into_values());
    }
}

impl Sqlite {
    /// The module of a node that has just come up.
    pub fn new(setup: &Setup) -> Sqlite {
        Sqlite { setup: *setup, open: BTreeMap::new(), transactions: BTreeMap::new(), queued: 0, numbers: 0 }
    }

    /// Does one action, or says why not: rights first, then what is asked for, then the engine.
    fn serve(&mut self, key: &DbKey, action: &Action, message: &Message, cx: &mut ModuleContext<'_>) -> Outcome {
        let asker = message.source.process;
        self.check(key, action, asker, cx)?;
        let path = self.path(key)?;
        let blob = message.blob.as_ref().map(|blob| &*blob.bytes);
        match action {
            Action::Open => {
                self.on(&path, cx, |_| Ok(()))?;
                if !key.grant(asker, cx) {
                    return Err(SqliteError::AddCapFailed);
                }
            }
            Action::RemoveDb => self.remove(&path, cx)?,
            Action::Query(sql) => {
                let command = command(sql, &READS, blob).ok_or(SqliteError::NotAReadKeyword)??;
                let may_write = self.asks_nobody() || key.may(asker, Right::Write, cx);
                let rows = self.on(&path, cx, |database| database.query(&command, may_write))?;
                return Ok((Answer::Read, Some(rows)));
            }
            Action::Write { statement, tx_id } => {
                let command = command(statement, &WRITES, blob).ok_or(SqliteError::NotAWriteKeyword)??;
                match tx_id {
                    None => self.on(&path, cx, |database| database.write(&command))?,
                    Some(id) => self.queue(*id, &path, command, blob.map_or(0, <[u8]>::len))?,
                }
            }
            Action::BeginTx => {
                let tx_id = self.number(cx);
                self.reserve(TRANSACTION_BYTES)?;
                self.transactions.insert(tx_id, Transaction { path, commands: vec![], bytes: TRANSACTION_BYTES });
                return Ok((Answer::BeginTx { tx_id }, None));
            }
            Action::Commit { tx_id } => {
                let own = self.transactions.get(tx_id).is_some_and(|transaction| transaction.path == path);
                let transaction = if own { self.transactions.remove(tx_id) } else { None };
                let transaction = transaction.ok_or(SqliteError::NoTx(*tx_id))?;
                self.queued -= transaction.bytes;
                self.on(&path, cx, |database| database.commit(&transaction.commands))?;
            }
        }
        Ok((Answer::Ok, None))
    }

    /// Whether a process may do this.
    fn check(
        &self,
        key: &DbKey,
        action: &Action,
        asker: ProcessRef,
        cx: &mut ModuleContext<'_>,
    ) -> Result<(), SqliteError> {
        let (may, refusal) = match action {
            Action::Open | Action::RemoveDb => (key.belongs_to(asker, cx.names), SqliteError::MismatchingPackageId),
            _ if self.asks_nobody() => return Ok(()),
            Action::Query(_) => (key.may(asker, Right::Read, cx), SqliteError::NoReadCap),
            Action::Write { .. } | Action::BeginTx | Action::Commit { .. } => {
                (key.may(asker, Right::Write, cx), SqliteError::NoWriteCap)
            }
        };
        if may { Ok(()) } else { Err(refusal) }
    }

    fn asks_nobody(&self) -> bool {
        self.setup.planted == Some(Planted::SqliteAsksNobody)
    }

    /// A number that this node has not had before: of a transaction, or to draw random ones from.
    fn number(&mut self, cx: &ModuleContext<'_>) -> u64 {
        self.numbers += 1;
        transaction_id(self.numbers, cx)
    }

    /// The file of a database.
    fn path(&self, key: &DbKey) -> Result<Path, SqliteError> {
        let place = match self.setup.planted {
            Some(Planted::SqliteOneForAll) => format!("{}/all", host::ROOT).into(),
            _ => key.place(host::ROOT).map_err(SqliteError::IOError)?,
        };
        let name = &place[parent(&place).len() + 1..];
        Ok(format!("{place}/{name}.db").into())
    }

    /// Works on a database, which is opened if it is not, and made if there is none.
    fn on<R>(
        &mut self,
        path: &Path,
        cx: &mut ModuleContext<'_>,
        work: impl FnOnce(&Database) -> Result<R, SqliteError>,
    ) -> Result<R, SqliteError> {
        if !self.open.contains_key(path) {
            if self.open.len() >= OPEN_MAX {
                return Err(SqliteError::io(TOO_MANY_OPEN));
            }
            let database = self.open(path, cx)?;
            cx.nanos += database.nanos();
            self.open.insert(path.clone(), database);
        }
        let seed = self.number(cx);
        let database = &self.open[path];
        let done = engine::call(&mut cx.disk, cx.now, seed, &self.setup, || work(database));
        cx.nanos += database.nanos();
        done
    }

    /// Opens a database. Whether one that was there is sound is in the trace.
    fn open(&mut self, path: &Path, cx: &mut ModuleContext<'_>) -> Result<Database, SqliteError> {
        make_dir(parent(path), &mut cx.disk)?;
        let was_there = cx.disk.files().len(path).is_ok_and(|len| len > 0);
        for (file, _) in cx.disk.files().list(parent(path))? {
            // Of a file that has rotted the engine may still give what is not.
            if cx.disk.files().read(&file).is_ok() {
                settle(&file, &mut cx.disk)?;
            }
        }
        let seed = self.number(cx);
        let open = || Database::open(path, &self.setup);
        let opened = engine::call(&mut cx.disk, cx.now, seed, &self.setup, open)?;
        // What the disk does not give is no fault of the file.
        let files = cx.disk.files();
        let is_readable = files.list(parent(path))?.iter().all(|(file, _)| files.read(file).is_ok());
        if was_there && is_readable && cx.disk.refused().is_none() {
            let trouble = opened.as_ref().err().map(|trouble| trouble.as_str().into());
            cx.facts.push(What::StoreChecked(cx.module.process, path.clone(), trouble));
        }
        opened.map_err(SqliteError::RusqliteError)
    }

    /// Removes a database, and leaves a fresh one.
    fn remove(&mut self, path: &Path, cx: &mut ModuleContext<'_>) -> Result<(), SqliteError> {
        self.transactions.retain(|_, transaction| transaction.path != *path);
        self.queued = self.transactions.values().map(|transaction| transaction.bytes).sum();
        engine::discard(self.open.remove(path));
        let files = cx.disk.files().list(parent(path))?;
        // The database comes first in the list, and its removal is durable before the others are touched: SQLite
        // ignores a log or a journal whose database is not there.
        for (file, _) in files {
            let gone = [Op::Remove(file), Op::SyncDir(parent(path).into())];
            gone.into_iter().try_for_each(|op| cx.disk.apply(op))?;
        }
        self.on(path, cx, |_| Ok(()))
    }

    /// One more statement of a transaction.
    fn queue(&mut self, id: u64, path: &Path, command: Command, blob: usize) -> Result<(), SqliteError> {
        let own = self.transactions.get(&id).is_some_and(|transaction| transaction.path == *path);
        if !own {
            return Err(SqliteError::NoTx(id));
        }
        let bytes = size_of::<Command>() + command.sql.len() + 16 * blob;
        self.reserve(bytes)?;
        let transaction = self.transactions.get_mut(&id).expect("it was just seen");
        transaction.bytes += bytes;
        transaction.commands.push(command);
        Ok(())
    }

    /// So much more is to wait for a commit.
    fn reserve(&mut self, bytes: usize) -> Result<(), SqliteError> {
        if self.queued + bytes > QUEUED_MAX {
            return Err(SqliteError::Bound("out of memory".to_string()));
        }
        self.queued += bytes;
        Ok(())
    }
}

/// A statement with its parameters; `None`, if it does not begin with one of these words, whatever their case.
fn command(sql: &str, words: &[&str], blob: Option<&[u8]>) -> Option<Result<Command, SqliteError>> {
    let first = sql.split_whitespace().next()?;
    let begins = words.iter().any(|word| first.eq_ignore_ascii_case(word));
    begins.then(|| Ok(Command { sql: sql.to_string(), parameters: values::parameters(blob)? }))
}

/// Makes a directory and all above it, each durably named before the next.
fn make_dir(path: &str, disk: &mut Session) -> Result<(), SqliteError> {
    for op in Disk::create_dir_all(path) {
        let Op::CreateDir(dir) = &op else { continue };
        if !disk.files().is_dir(dir) {
            let above = Op::SyncDir(parent(dir).into());
            [op, above].into_iter().try_for_each(|op| disk.apply(op))?;
        }
    }
    Ok(())
}
