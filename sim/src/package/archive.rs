//! A zip archive, unpacked within bounds: what packages are shipped as, and what vfs unpacks for a process.
//!
//! An archive is a stranger's. Names that lead out of it, files that are none, and what grows beyond all measure are
//! errors that name the entry; nothing is unpacked then.

use std::io::{Cursor, Read};
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

/// What a file in an archive holds at most, unpacked.
pub const FILE_BYTES_MAX: u64 = 64 << 20;
/// What all files of an archive hold together at most, unpacked.
pub const ALL_BYTES_MAX: u64 = 256 << 20;
/// How many entries an archive has at most.
pub const ENTRIES_MAX: usize = 10_000;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From the archive's root, `ui/index.html`: no leading or trailing slash, no `.` or `..`, no empty parts.
    pub path: String,
    /// A file's bytes; `None`: a directory.
    pub content: Option<Vec<u8>>,
}

/// Why an archive is not unpacked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // The texts say it.
pub enum ArchiveError {
    #[error("not a zip archive: {0}")]
    NotAnArchive(String),
    #[error("the zip archive has {0} entries; {ENTRIES_MAX} are the most that is unpacked")]
    TooMany(usize),
    #[error("its entry `{0}` leads out of the archive")]
    Escapes(String),
    #[error("its entry `{0}` is neither a file nor a directory")]
    NotAFile(String),
    #[error("its entry `{0}` is encrypted; a package is read without a password")]
    Encrypted(String),
    #[error("its entry `{0}` is compressed in a way that is not known here; zip it with deflate, or stored")]
    Method(String),
    #[error("its entry `{0}` unpacks to more than {FILE_BYTES_MAX} bytes")]
    TooLarge(String),
    #[error("its entries unpack to more than {ALL_BYTES_MAX} bytes in all: `{0}` is the first beyond")]
    AllTooLarge(String),
    #[error("its entry `{entry}` is damaged: {problem}; build or copy the archive again")]
    Damaged { entry: String, problem: String },
}

/// All entries of an archive, in its order.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn unpack(bytes: &[u8]) -> Result<Vec<Entry>, ArchiveError> {
    let (entries, end) = unpack_until_wrong(bytes)?;
    end.map(|()| entries)
}

/// The first file of an archive whose path has this ending, if it can be read; no other is unpacked.
pub fn file_ending(bytes: &[u8], ending: &str) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok().filter(|archive| archive.len() <= ENTRIES_MAX)?;
    let ends = |index: &usize| archive.name_for_index(*index).is_some_and(|name| name.ends_with(ending));
    let index = (0..archive.len()).find(ends)?;
    let name = archive.name_for_index(index).unwrap_or_default().to_string();
    read(archive.by_index(index).ok()?, &name, ALL_BYTES_MAX).ok()??.content
}

/// The entries of an archive up to the first with which something is wrong, and what that is.
///
/// # Errors
/// It is no archive, or has more entries than are looked at.
pub fn unpack_until_wrong(bytes: &[u8]) -> Result<(Vec<Entry>, Result<(), ArchiveError>), ArchiveError> {
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|error| ArchiveError::NotAnArchive(error.to_string()))?;
    if archive.len() > ENTRIES_MAX {
        return Err(ArchiveError::TooMany(archive.len()));
    }
    let mut room = ALL_BYTES_MAX;
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let name = archive.name_for_index(index).unwrap_or_default().to_string();
        let file = archive.by_index(index).map_err(|error| why(&name, &error));
        match file.and_then(|file| read(file, &name, room)) {
            Ok(Some(entry)) => {
                room -= entry.content.as_ref().map_or(0, |content| content.len() as u64);
                entries.push(entry);
            }
            Ok(None) => {}
            Err(error) => return Ok((entries, Err(error))),
        }
    }
    Ok((entries, Ok(())))
}

/// One entry, if it is not the root itself.
fn read(file: ZipFile<'_, Cursor<&[u8]>>, name: &str, room: u64) -> Result<Option<Entry>, ArchiveError> {
    let path = plain_path(name).ok_or_else(|| ArchiveError::Escapes(name.to_string()))?;
    if path.is_empty() {
        return Ok(None);
    }
    if file.is_dir() {
        return Ok(Some(Entry { path, content: None }));
    }
    if !file.is_file() {
        return Err(ArchiveError::NotAFile(name.to_string()));
    }
    // What the entry says of its own length is not trusted: one byte more than it may have tells that it is too long.
    let mut content = Vec::new();
    let most = FILE_BYTES_MAX.min(room);
    let read = file.take(most + 1).read_to_end(&mut content);
    let damaged = |problem: String| ArchiveError::Damaged { entry: name.to_string(), problem };
    read.map_err(|error| damaged(error.to_string()))?;
    match content.len() as u64 {
        n if n <= most => Ok(Some(Entry { path, content: Some(content) })),
        n if n > FILE_BYTES_MAX => Err(ArchiveError::TooLarge(name.to_string())),
        _ => Err(ArchiveError::AllTooLarge(name.to_string())),
    }
}

/// A name in its plainest form; none, if it leads out of the archive or is no text for a path.
fn plain_path(name: &str) -> Option<String> {
    if name.starts_with('/') || name.contains(['\\', '\0']) {
        return None;
    }
    let parts = name.split('/').filter(|part| !part.is_empty() && *part != ".");
    let parts: Vec<&str> = parts.collect();
    (!parts.contains(&"..")).then(|| parts.join("/"))
}

fn why(entry: &str, error: &ZipError) -> ArchiveError {
    let entry = entry.to_string();
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => ArchiveError::Encrypted(entry),
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => ArchiveError::Method(entry),
        error => ArchiveError::Damaged { entry, problem: error.to_string() },
    }
}
