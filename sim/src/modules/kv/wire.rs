//! What the kv module reads and says: JSON, tagged from outside, as the types of `lib/src/kv.rs` of both runtimes.

use crate::disk::DiskError;
use crate::modules::database::{DbKey, PackageId};
use kernel_core::Bytes;
use serde::{Deserialize, Serialize};

/// What the host says that has no memory left.
pub const NO_MEMORY: &str = "Cannot allocate memory (os error 12)";

/// A request's body.
#[derive(Debug, Deserialize)]
pub struct Ask {
    /// Whose database.
    pub package_id: PackageId,
    /// Its name.
    pub db: String,
    /// What to do with it.
    pub action: Action,
}

/// What can be asked for.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs)] // Named as in the runtime; what each does stands at `Kv::act`.
pub enum Action {
    Open,
    RemoveDb,
    Set { key: Vec<u8>, tx_id: Option<u64> },
    Delete { key: Vec<u8>, tx_id: Option<u64> },
    Get(Vec<u8>),
    BeginTx,
    Commit { tx_id: u64 },
}

/// An answer's body.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // Named as in the runtime.
pub enum Answer {
    Ok,
    BeginTx { tx_id: u64 },
    Get(Vec<u8>),
    Err(KvError),
}

/// Why not. The runtime's `NoDb` cannot come about: what is not there is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // Named as in the runtime.
pub enum KvError {
    KeyNotFound,
    NoTx(u64),
    NoWriteCap,
    NoReadCap,
    MismatchingPackageId,
    AddCapFailed,
    MalformedRequest,
    /// What the engine says, in its words. The name is the runtime's.
    RocksDBError(String),
    /// What the host says.
    IOError(String),
}

impl Ask {
    /// Reads a request's body: which database, and what to do with it.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(body: &[u8]) -> Result<(DbKey, Action), KvError> {
        let ask: Ask = serde_json::from_slice(body).map_err(|_| KvError::MalformedRequest)?;
        Ok((DbKey(ask.package_id, ask.db), ask.action))
    }
}

impl KvError {
    /// Its text, if it says that disk or memory is full.
    pub fn want_of_room(&self) -> Option<&str> {
        let full = DiskError::NoSpace.to_string();
        match self {
            KvError::RocksDBError(text) if text == NO_MEMORY || text.contains(&full) => Some(text),
            _ => None,
        }
    }
}

impl Answer {
    /// The answer as a message body.
    pub fn to_body(&self) -> Bytes {
        Bytes::from(serde_json::to_vec(self).expect("an answer has only string keys"))
    }
}
