//! `kv:distro:sys`: databases of packages, keys with values, transactions. On redb, a real storage engine, whose file
//! lies on the node's disk.
//!
//! As in the public runtime (`src/kv.rs` and `lib/src/kv.rs` of both), which has RocksDB. A request is
//! `{"package_id": P, "db": name, "action": A}`. Only a process of the package may open or remove a database, and by
//! opening it gets the capabilities to read and to write it; all else needs the capability, in the kernel's table, not
//! attached. Every permitted action opens the database first, and makes it if it is not there. Success is answered if
//! anybody waits for it, with the request's `metadata`; an error always. Requests of other nodes and responses are dropped.
//!
//! A transaction is a list of changes in memory, done as one at its `Commit`. No read sees it before; it takes no lock;
//! nothing ends it but a commit or the node's end. Its number belongs to no database and to no process: whoever may
//! write a database may commit it there (as in the public runtime).
//!
//! Durable is what was answered (P3): every change is a commit of the engine with its sync. Under deviation D27 it is
//! answered without a sync, as there. A crash leaves the file as far as it was written, and the engine's own recovery
//! says what it means. A backup takes the file along with the disk: each request is done to it as a whole.
//!
//! What differs from the public runtime, all told:
//! - Texts of errors are redb's and the simulated host's, under the runtime's names.
//! - `RemoveDb` replaces the database by an empty one at once; there it is removed, and opened again empty.
//! - A transaction's number is a digest of node and time, not drawn; see [`transaction_id`].
//! - A database of more than 256 MiB is refused by an error, and the run says that it is not modelled; so is more than
//!   64 MiB in transactions that were not committed.
//! - Open handles are not told of to `fd-manager`; ten are kept, as there until it speaks.
//! - Each request is done as a whole, in the order in which the world lets them at the disk.

use super::database::{DbKey, PackageId, Right, put_file, refusal, succeed, transaction_id};
use super::setup::Setup;
use super::{Module, ModuleContext, Support};
use crate::disk::planted::Planted;
use crate::disk::{DiskError, Path, Session};
use crate::trace::event::What;
use kernel_core::{Content, Message, ProcessRef};
use std::collections::BTreeMap;
use std::rc::Rc;
use store::{Change, Store, StoreError};
use wire::{Action, Answer, Ask, KvError, NO_MEMORY};

mod store;
mod wire;

#[cfg(test)]
mod tests;

/// The directory of all databases.
const ROOT: &str = "/kv";
/// How many databases are open at most.
const OPEN_MAX: usize = 10;
/// How many bytes may wait in transactions.
const WAITING_MAX: usize = 64 << 20;

/// The key-value store's module: what it has open and what was begun, until its node goes down.
pub struct Kv {
    planted: Option<Planted>,
    /// By their files; the one used last comes last.
    open: Vec<(Path, Store)>,
    begun: BTreeMap<u64, Vec<Change>>,
    n_begun: u64,
    /// The bytes in all that was begun.
    waiting: usize,
}

impl Module for Kv {
    fn uses_disk(&self) -> bool {
        true
    }

    fn on_message(&mut self, message: &Rc<Message>, cx: &mut ModuleContext<'_>) {
        let Content::Request(request) = &message.content else { return };
        if message.source.node != cx.module.node {
            return;
        }
        match Ask::parse(&request.body).and_then(|(key, action)| self.serve(&key, action, message, cx)) {
            Ok((answer, value)) => succeed(message, answer.to_body(), value, cx),
            Err(error) => {
                // There is no end to the simulated disk, but what a fault makes.
                if let (Some(text), None) = (error.want_of_room(), cx.disk.refused()) {
                    cx.unmodelled = Some(refusal(message, text));
                }
                cx.respond(message, Answer::Err(error).to_body(), None);
            }
        }
    }

    /// An open database cannot be cloned.
    fn fork(&self) -> Option<Box<dyn Module>> {
        let Kv { planted, open, begun, n_begun, waiting } = self;
        let fork =
            || Kv { planted: *planted, open: vec![], begun: begun.clone(), n_begun: *n_begun, waiting: *waiting };
        open.is_empty().then(|| Box::new(fork()) as Box<dyn Module>)
    }

    fn actions(&self) -> &'static [(&'static str, Support)] {
        const DONE: Support = Support::Done;
        &[
            ("Open", DONE),
            ("RemoveDb", DONE),
            ("Set", DONE),
            ("Delete", DONE),
            ("Get", DONE),
            ("BeginTx", DONE),
            ("Commit", DONE),
        ]
    }
}

/// An answer, and the bytes that go along.
type Outcome = Result<(Answer, Option<Vec<u8>>), KvError>;

impl Kv {
    /// The module of a node that has just come up.
    pub fn new(setup: &Setup) -> Kv {
        Kv { planted: setup.planted, open: vec![], begun: BTreeMap::new(), n_begun: 0, waiting: 0 }
    }

    /// Does one action, or says why not. Checks come in the order of the public runtime: rights, database, the action.
    fn serve(&mut self, key: &DbKey, action: Action, message: &Message, cx: &mut ModuleContext<'_>) -> Outcome {
        if self.planted != Some(Planted::KvAsksNobody) {
            check(&action, key, message.source.process, cx)?;
        }
        if action == Action::Open && !key.grant(message.source.process, cx) {
            return Err(KvError::AddCapFailed);
        }
        let path = self.place(key)?;
        if action == Action::RemoveDb {
            self.open.retain(|(open, _)| *open != path);
            cx.disk.files().len(&path)?;
            put_file(&path, &store::EMPTY, &mut cx.disk)?;
        }
        self.open(&path, cx)?;
        let value = message.blob.as_ref().map(|blob| blob.bytes.to_vec());
        match action {
            Action::Open | Action::RemoveDb => Ok((Answer::Ok, None)),
            Action::BeginTx => {
                let tx_id = transaction_id(self.n_begun, cx);
                self.n_begun += 1;
                self.begun.insert(tx_id, vec![]);
                Ok((Answer::BeginTx { tx_id }, None))
            }
            Action::Get(key) => match self.with(&path, |store| store.get(&key, &mut cx.disk))? {
                Some(value) => Ok((Answer::Get(key), Some(value))),
                None => Err(KvError::KeyNotFound),
            },
            Action::Set { key, tx_id } => {
                let value = value.ok_or(KvError::MalformedRequest)?;
                self.change((key, Some(value)), tx_id, &path, &mut cx.disk)
            }
            Action::Delete { key, tx_id } => self.change((key, None), tx_id, &path, &mut cx.disk),
            Action::Commit { tx_id } => {
                let changes = self.begun.remove(&tx_id).ok_or(KvError::NoTx(tx_id))?;
                self.waiting -= changes.iter().map(size).sum::<usize>();
                let at_once = if self.planted == Some(Planted::KvCommitsInParts) { 1 } else { changes.len().max(1) };
                for part in changes.chunks(at_once) {
                    self.with(&path, |store| store.change(part, &mut cx.disk))?;
                }
                Ok((Answer::Ok, None))
            }
        }
    }

    /// Does a change, or puts it into a transaction.
    fn change(&mut self, change: Change, tx_id: Option<u64>, path: &Path, disk: &mut Session) -> Outcome {
        match tx_id {
            None => self.with(path, |store| store.change(&[change], disk))?,
            Some(tx_id) => {
                let changes = self.begun.get_mut(&tx_id).ok_or(KvError::NoTx(tx_id))?;
                if self.waiting + size(&change) > WAITING_MAX {
                    return Err(KvError::RocksDBError(NO_MEMORY.to_string()));
                }
                self.waiting += size(&change);
                changes.push(change);
            }
        }
        Ok((Answer::Ok, None))
    }

    /// Where a database lies.
    fn place(&self, key: &DbKey) -> Result<Path, KvError> {
        let everybody = || PackageId { package_name: String::new(), publisher_node: String::new() };
        match self.planted {
            Some(Planted::KvOneForAll) => DbKey(everybody(), key.1.clone()).place(ROOT),
            _ => key.place(ROOT),
        }
        .map_err(KvError::IOError)
    }

    /// Sees to it that a database is open, and made if it is not there. Opening goes over the whole file; what it finds
    /// is in the trace.
    fn open(&mut self, path: &Path, cx: &mut ModuleContext<'_>) -> Result<(), KvError> {
        let store = match self.open.iter().position(|(open, _)| open == path) {
            Some(index) => self.open.remove(index).1,
            None => {
                let was_there = cx.disk.files().is_file(path);
                if self.planted == Some(Planted::KvStartsAnew) || !was_there {
                    put_file(path, &store::EMPTY, &mut cx.disk)?;
                }
                let opened = Store::open(path, &mut cx.disk);
                // What the disk does not give is no fault of the store.
                let readable = cx.disk.refused().is_none() && cx.disk.files().read(path).is_ok();
                if was_there && (opened.is_ok() || readable) {
                    let trouble = opened.as_ref().err().map(|error| error.to_string().into());
                    cx.facts.push(What::StoreChecked(cx.module.process, path.clone(), trouble));
                }
                opened?
            }
        };
        if self.open.len() == OPEN_MAX {
            self.open.remove(0);
        }
        self.open.push((path.clone(), store));
        Ok(())
    }

    /// Works with the database that was just opened. After an error its handle is good for nothing: the next request
    /// opens it again, from what is on the disk.
    fn with<T>(&mut self, path: &Path, work: impl FnOnce(&mut Store) -> Result<T, StoreError>) -> Result<T, KvError> {
        let (open, store) = self.open.last_mut().expect("it was just opened");
        assert_eq!(open, path, "the one that was opened last is worked with");
        let done = work(store);
        if done.is_err() {
            self.open.pop();
        }
        Ok(done?)
    }
}

/// Whether a process may do this.
fn check(action: &Action, key: &DbKey, process: ProcessRef, cx: &mut ModuleContext<'_>) -> Result<(), KvError> {
    let (may, refusal) = match action {
        Action::Open | Action::RemoveDb => (key.belongs_to(process, cx.names), KvError::MismatchingPackageId),
        Action::Get(_) => (key.may(process, Right::Read, cx), KvError::NoReadCap),
        Action::Set { .. } | Action::Delete { .. } | Action::BeginTx | Action::Commit { .. } => {
            (key.may(process, Right::Write, cx), KvError::NoWriteCap)
        }
    };
    if may { Ok(()) } else { Err(refusal) }
}

/// What a change takes in memory, in bytes, and a little for itself.
fn size((key, value): &Change) -> usize {
    64 + key.len() + value.as_ref().map_or(0, Vec::len)
}

impl From<DiskError> for KvError {
    fn from(error: DiskError) -> KvError {
        KvError::IOError(error.to_string())
    }
}

impl From<StoreError> for KvError {
    fn from(error: StoreError) -> KvError {
        KvError::RocksDBError(error.to_string())
    }
}
