//! What the vfs reads and says: JSON, tagged from outside, as the types of `lib/src/vfs.rs` of both runtimes.

use super::rights::Need;
use crate::disk::DiskError;
use kernel_core::Bytes;
use serde::{Deserialize, Serialize};

/// A request's body.
#[derive(Debug, Deserialize)]
pub struct Ask {
    /// `/package:publisher/drive/rest`.
    pub path: String,
    /// What to do there.
    pub action: Action,
}

/// What can be asked for.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs)] // Named as in the runtime; what each does stands at `Vfs::act`.
pub enum Action {
    CreateDrive,
    CreateDir,
    CreateDirAll,
    CreateFile,
    OpenFile { create: bool },
    CloseFile,
    Write,
    WriteAll,
    Append,
    SyncAll,
    Read,
    ReadDir,
    ReadToEnd,
    ReadExact { length: u64 },
    ReadToString,
    Seek(SeekFrom),
    RemoveFile,
    RemoveDir,
    RemoveDirAll,
    Rename { new_path: String },
    Metadata,
    AddZip,
    CopyFile { new_path: String },
    Len,
    SetLen(u64),
    Hash,
}

/// Where a cursor is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs)] // From the start, the end, or where it is.
pub enum SeekFrom {
    Start(u64),
    End(i64),
    Current(i64),
}

/// What a name leads to. The runtime's `Symlink` and `Other` are nothing that the simulated disk has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub enum FileType {
    File,
    Directory,
}

/// A name in a directory.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct DirEntry {
    /// Its path from the root, without a slash before it: `package:publisher/drive/name`.
    pub path: String,
    /// What it leads to.
    pub file_type: FileType,
}

/// An answer's body.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // Named as in the runtime.
pub enum Answer {
    Ok,
    Err(VfsError),
    Read,
    SeekFrom { new_offset: u64 },
    ReadDir(Vec<DirEntry>),
    ReadToString(String),
    Metadata { file_type: FileType, len: u64 },
    Len(u64),
    Hash([u8; 32]),
}

/// Why not. `ParseError` and `UnzipError` are of `AddZip` alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // Named as in the runtime.
pub enum VfsError {
    NoWriteCap,
    NoReadCap,
    AddCapFailed,
    MalformedRequest,
    NoBlob,
    #[cfg(feature = "archive")]
    ParseError {
        error: String,
        path: String,
    },
    #[cfg(feature = "archive")]
    UnzipError,
    /// The host's text.
    IOError(String),
}

impl Ask {
    /// Reads a request's body.
    pub fn parse(body: &[u8]) -> Result<Ask, VfsError> {
        serde_json::from_slice(body).map_err(|_| VfsError::MalformedRequest)
    }

    /// Whether it is about the root, where no drive is.
    pub fn lists_packages(&self) -> bool {
        self.action == Action::ReadDir && self.path == "/"
    }
}

impl Action {
    /// What its sender needs.
    pub fn needs(&self) -> Need<'_> {
        match self {
            Action::CreateDrive => Need::Own,
            Action::Read
            | Action::ReadDir
            | Action::ReadToEnd
            | Action::ReadExact { .. }
            | Action::ReadToString
            | Action::Seek(_)
            | Action::Metadata
            | Action::Len
            | Action::Hash => Need::Read,
            Action::CreateDir
            | Action::CreateDirAll
            | Action::CreateFile
            | Action::OpenFile { .. }
            | Action::CloseFile
            | Action::Write
            | Action::WriteAll
            | Action::Append
            | Action::SyncAll
            | Action::SetLen(_)
            | Action::RemoveFile
            | Action::RemoveDir
            | Action::RemoveDirAll
            | Action::AddZip => Need::Write,
            Action::Rename { new_path } | Action::CopyFile { new_path } => Need::WriteBoth(new_path),
        }
    }
}

impl Answer {
    /// The answer as a message body.
    pub fn to_body(&self) -> Bytes {
        Bytes::from(serde_json::to_vec(self).expect("an answer has only string keys"))
    }
}

impl VfsError {
    /// The host's refusal, in its words.
    pub fn io(text: &str) -> VfsError {
        VfsError::IOError(text.to_string())
    }

    /// What the host says to a file beyond its bounds.
    pub fn too_large() -> VfsError {
        VfsError::io("File too large (os error 27)")
    }
}

impl From<DiskError> for VfsError {
    fn from(error: DiskError) -> VfsError {
        VfsError::IOError(error.to_string())
    }
}
