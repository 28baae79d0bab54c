//! Where a request's path leads: to a drive of a package, and to a file of the disk, never out of `/vfs`.
//!
//! As `parse_package_and_drive` of `src/vfs.rs` of both runtimes. Paths are resolved before anything is looked at, so
//! `..` may lead to another drive, whose rights are then the ones that count, but not out of the root. Whether
//! anything is there is not this file's question.

use super::wire::VfsError;
use crate::disk::Path;
use kernel_core::ProcessId;

/// The directory of all drives.
pub const ROOT: &str = "/vfs";

/// A path of a drive, resolved.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    /// The drive, as capabilities name it: `/package:publisher/drive`.
    pub drive: String,
    /// Where it lies on the disk.
    pub path: Path,
}

impl Place {
    /// Reads `/package:publisher/drive/rest`, the first slash optional; `None` if it is malformed.
    pub fn parse(path: &str) -> Option<Place> {
        let segments = segments(path)?;
        let [package, drive, ..] = segments[..] else { return None };
        let (_, publisher) = package.split_once(':')?;
        let place = Place { drive: format!("/{package}/{drive}"), path: on_disk(&segments).into() };
        (!publisher.contains(':')).then_some(place)
    }

    /// Where the drive lies on the disk.
    pub fn drive_path(&self) -> Path {
        format!("{ROOT}{}", self.drive).into()
    }

    /// Whether the drive is of this process's package.
    pub fn belongs_to(&self, process: ProcessId<'_>) -> bool {
        let package = self.drive[1..].split('/').next().and_then(|package| package.split_once(':'));
        package == Some((process.package, process.publisher))
    }

    /// Whether the host can have a file of this name.
    pub fn name_fits(&self) -> Result<(), VfsError> {
        if self.path.contains('\0') {
            return Err(VfsError::io("file name contained an unexpected NUL byte"));
        }
        if self.path.len() > 4095 || self.path.split('/').any(|name| name.len() > 255) {
            Err(VfsError::io("File name too long (os error 36)"))
        } else {
            Ok(())
        }
    }
}

/// The parts of a path, resolved; `None` if it leaves the root.
pub fn segments(path: &str) -> Option<Vec<&str>> {
    let path = path.trim_start_matches('/').trim_start_matches('\\');
    // What is absolute after that is joined to nothing.
    if path.starts_with('/') {
        return None;
    }
    let mut segments = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(segments.pop()?),
            name => segments.push(name),
        }
    }
    Some(segments)
}

/// Where resolved parts lie on the disk.
pub fn on_disk(segments: &[&str]) -> String {
    [&[ROOT][..], segments].concat().join("/")
}

/// Whether a path of the disk is somewhere below another.
pub fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}
