//! What the module reads and says: JSON, tagged from outside, as the types of `lib/src/sqlite.rs` of both runtimes.

use super::functions::NOT_UTF8;
use crate::disk::DiskError;
use crate::modules::database::{DbKey, PackageId};
use kernel_core::Bytes;
use rusqlite::ErrorCode;
use serde::{Deserialize, Serialize};

/// What the host says if no file more can be opened.
pub const TOO_MANY_OPEN: &str = "Too many open files (os error 24)";

/// Other errors of the engine that come of its bounds here, or of a host without a time zone.
const OTHERS: [&str; 3] = ["LIKE or GLOB pattern too complex", "local time unavailable", NOT_UTF8];

/// A request's body.
#[derive(Debug, Deserialize)]
pub struct Ask {
    package_id: PackageId,
    db: String,
    action: Action,
}

/// What can be asked for.
#[derive(Debug, Deserialize)]
#[allow(missing_docs)] // Named as in the runtime; what each does stands at `Sqlite::act`.
pub enum Action {
    Open,
    RemoveDb,
    Write { statement: String, tx_id: Option<u64> },
    Query(String),
    BeginTx,
    Commit { tx_id: u64 },
}

/// An answer's body.
#[derive(Debug, Serialize)]
#[allow(missing_docs)] // Named as in the runtime.
pub enum Answer {
    Ok,
    Read,
    BeginTx { tx_id: u64 },
    Err(SqliteError),
}

/// Why not. The runtime's `NoDb` never comes: a process that may use a database opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // Named as in the runtime.
pub enum SqliteError {
    NoTx(u64),
    NoWriteCap,
    NoReadCap,
    MismatchingPackageId,
    AddCapFailed,
    NotAWriteKeyword,
    NotAReadKeyword,
    InvalidParameters,
    MalformedRequest,
    /// The engine's text.
    RusqliteError(String),
    /// The same, where only this simulator does not let the engine do it.
    #[serde(rename = "RusqliteError")]
    Bound(String),
    /// The host's text.
    IOError(String),
}

impl Ask {
    /// Reads a request's body: of which database, and what to do with it.
    pub fn parse(body: &[u8]) -> Result<(DbKey, Action), SqliteError> {
        let ask: Ask = serde_json::from_slice(body).map_err(|_| SqliteError::MalformedRequest)?;
        Ok((DbKey(ask.package_id, ask.db), ask.action))
    }
}

impl Answer {
    /// The answer as a message body.
    pub fn to_body(&self) -> Bytes {
        Bytes::from(serde_json::to_vec(self).expect("an answer has only string keys"))
    }
}

impl SqliteError {
    /// The engine's refusal, in its words.
    pub fn engine(text: &str) -> SqliteError {
        SqliteError::RusqliteError(text.to_string())
    }

    /// Its text, if it is for want of what the public runtime has, unless a fault explains it.
    pub fn ours(&self) -> Option<&str> {
        match self {
            SqliteError::Bound(text) => Some(text),
            SqliteError::IOError(text) if text == TOO_MANY_OPEN => Some(text),
            _ => None,
        }
    }

    /// The host's refusal, in its words.
    pub fn io(text: &str) -> SqliteError {
        SqliteError::IOError(text.to_string())
    }
}

impl From<DiskError> for SqliteError {
    fn from(error: DiskError) -> SqliteError {
        SqliteError::IOError(error.to_string())
    }
}

impl From<rusqlite::Error> for SqliteError {
    fn from(error: rusqlite::Error) -> SqliteError {
        let ours = match error.sqlite_error_code() {
            // What the guard does not let through, or ends; sizes; and the host's bounds.
            Some(ErrorCode::AuthorizationForStatementDenied | ErrorCode::OperationInterrupted) => true,
            Some(ErrorCode::TooBig | ErrorCode::DiskFull | ErrorCode::OutOfMemory) => true,
            _ => OTHERS.contains(&&*error.to_string()) || error.to_string().contains("sqlite_compileoption_"),
        };
        let text = error.to_string();
        if ours { SqliteError::Bound(text) } else { SqliteError::RusqliteError(text) }
    }
}
