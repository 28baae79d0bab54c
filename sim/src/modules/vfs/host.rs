//! The host's file system under one action: what Linux and Rust's `std::fs` make of it, and in which words they refuse.
//!
//! An action that may not be done changes nothing; one that the disk refuses halfway leaves what it had done. Cursors
//! and rights are not known here.

use super::place;
use super::wire::{Answer, DirEntry, FileType, VfsError};
use crate::disk::{Disk, DiskError, FileBytes, Files, Op, Path, Session, parent};

/// The largest file, in bytes: the simulated disk keeps zeros as bytes.
pub const LARGEST: u64 = 1 << 28;

/// The disk as this action and all earlier ones have left it.
pub struct Host<'a>(pub &'a mut Session);

/// What a name leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    File,
    Dir,
}

impl Host<'_> {
    fn files(&self) -> &Files {
        self.0.files()
    }

    fn look(&self, path: &str) -> Result<Node, DiskError> {
        if self.files().is_dir(path) {
            return Ok(Node::Dir);
        }
        if self.files().is_file(path) {
            Ok(Node::File)
        } else {
            match self.look(parent(path)) {
                Ok(Node::File) | Err(DiskError::NotADirectory) => Err(DiskError::NotADirectory),
                Ok(Node::Dir) | Err(_) => Err(DiskError::NotFound),
            }
        }
    }

    /// Whether nothing is there, nor in the way.
    pub fn is_missing(&self, path: &str) -> bool {
        matches!(self.look(path), Err(DiskError::NotFound))
    }

    /// The content of a file; a directory cannot be opened to be written, nor be read.
    pub fn content(&mut self, path: &str) -> Result<FileBytes, DiskError> {
        match self.look(path)? {
            Node::File => self.0.read(path),
            Node::Dir => Err(DiskError::IsADirectory),
        }
    }

    /// What is there, and its length. A directory has that of a small one on ext4.
    pub fn metadata(&self, path: &str) -> Result<Answer, DiskError> {
        let (file_type, len) = match self.look(path)? {
            Node::File => (FileType::File, self.files().len(path)?),
            Node::Dir => (FileType::Directory, 4096),
        };
        Ok(Answer::Metadata { file_type, len })
    }

    /// The names in a directory, sorted.
    pub fn list(&self, path: &str) -> Result<Vec<DirEntry>, DiskError> {
        self.dir(path)?;
        let entry = |(path, is_dir): (Path, bool)| DirEntry {
            path: path[place::ROOT.len() + 1..].to_string(),
            file_type: if is_dir { FileType::Directory } else { FileType::File },
        };
        Ok(self.files().list(path)?.into_iter().map(entry).collect())
    }

    /// `mkdir`.
    pub fn make_dir(&mut self, path: &Path) -> Result<(), DiskError> {
        match self.look(path) {
            Ok(_) => Err(DiskError::Exists),
            Err(_) => {
                self.dir(parent(path))?;
                self.0.apply(Op::CreateDir(path.clone()))
            }
        }
    }

    /// `mkdir -p`.
    pub fn make_dir_all(&mut self, path: &str) -> Result<(), DiskError> {
        match self.look(path) {
            Ok(Node::File) => Err(DiskError::Exists),
            Ok(Node::Dir) => Ok(()),
            Err(DiskError::NotFound) => {
                let missing = |op: &Op| matches!(op, Op::CreateDir(dir) if !self.files().is_dir(dir));
                let missing: Vec<Op> = Disk::create_dir_all(path).into_iter().filter(missing).collect();
                missing.into_iter().try_for_each(|op| self.0.apply(op))
            }
            Err(error) => Err(error),
        }
    }

    /// Opens with `O_CREAT | O_TRUNC`.
    pub fn create(&mut self, path: &Path) -> Result<(), DiskError> {
        match self.look(path) {
            Ok(Node::Dir) => return Err(DiskError::IsADirectory),
            Ok(Node::File) => {}
            Err(_) => self.dir(parent(path))?,
        }
        self.0.apply(Op::Create(path.clone()))
    }

    /// `std::fs::write`: not atomic, the file is emptied first.
    pub fn write_whole(&mut self, path: &Path, bytes: &[u8]) -> Result<(), VfsError> {
        fits(bytes.len() as u64)?;
        self.create(path)?;
        self.write(path, 0, bytes)
    }

    /// Writes into a file that is there, or is made just before. No bytes change nothing, wherever they go.
    pub fn write(&mut self, path: &Path, at: u64, bytes: &[u8]) -> Result<(), VfsError> {
        if !bytes.is_empty() {
            fits(at.saturating_add(bytes.len() as u64))?;
            self.0.apply(Op::Write(path.clone(), at, bytes.into()))?;
        }
        Ok(())
    }

    /// `ftruncate` of a file that is there.
    pub fn set_len(&mut self, path: &Path, len: u64) -> Result<(), VfsError> {
        fits(len)?;
        self.0.apply(Op::SetLen(path.clone(), len))?;
        Ok(())
    }

    /// `fsync` of a file that is there. As on ext4, its name is durable afterwards, too, and so is that of every
    /// directory above it: outer ones first, so that no name is ever durable without its directory.
    pub fn sync(&mut self, path: &Path) -> Result<(), DiskError> {
        self.0.apply(Op::Sync(path.clone()))?;
        let mut ends = path.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| at.max(1));
        ends.try_for_each(|end| self.0.apply(Op::SyncDir(path[..end].into())))
    }

    /// `unlink`.
    pub fn remove_file(&mut self, path: &Path) -> Result<(), DiskError> {
        match self.look(path)? {
            Node::File => self.0.apply(Op::Remove(path.clone())),
            Node::Dir => Err(DiskError::IsADirectory),
        }
    }

    /// `rmdir`.
    pub fn remove_dir(&mut self, path: &Path) -> Result<(), DiskError> {
        self.dir(path)?;
        self.0.apply(Op::RemoveDir(path.clone()))
    }

    /// `rm -r` of a directory.
    pub fn remove_dir_all(&mut self, path: &Path) -> Result<(), DiskError> {
        self.dir(path)?;
        let mut dirs = vec![path.clone()];
        let mut listed = 0;
        while let Some(dir) = dirs.get(listed) {
            for (entry, is_dir) in self.files().list(dir)? {
                if is_dir { dirs.push(entry) } else { self.0.apply(Op::Remove(entry))? }
            }
            listed += 1;
        }
        dirs.into_iter().rev().try_for_each(|dir| self.0.apply(Op::RemoveDir(dir)))
    }

    /// `rename`: replaces a file, or an empty directory by a directory.
    pub fn rename(&mut self, from: &Path, to: &Path) -> Result<(), VfsError> {
        // Both directories are looked up before either name.
        self.dir(parent(from))?;
        self.dir(parent(to))?;
        let moved = self.look(from)?;
        if from == to {
            return Ok(());
        }
        if place::is_below(to, from) {
            return Err(VfsError::io("Invalid argument (os error 22)"));
        }
        match (moved, self.look(to)) {
            (_, Err(DiskError::NotFound)) | (Node::File, Ok(Node::File)) => {}
            (_, Err(error)) => return Err(error.into()),
            (Node::Dir, Ok(Node::File)) => return Err(DiskError::NotADirectory.into()),
            (_, Ok(Node::Dir)) if place::is_below(from, to) => return Err(DiskError::NotEmpty.into()),
            (Node::File, Ok(Node::Dir)) => return Err(DiskError::IsADirectory.into()),
            (Node::Dir, Ok(Node::Dir)) if !self.files().list(to)?.is_empty() => return Err(DiskError::NotEmpty.into()),
            (Node::Dir, Ok(Node::Dir)) => {}
        }
        self.0.apply(Op::Rename(from.clone(), to.clone()))?;
        Ok(())
    }

    /// `std::fs::copy`: a file that is copied onto itself is emptied.
    pub fn copy(&mut self, from: &Path, to: &Path) -> Result<(), VfsError> {
        let Node::File = self.look(from)? else {
            return Err(VfsError::io("the source path is neither a regular file nor a symlink to a regular file"));
        };
        let content = self.0.read(from)?;
        self.create(to)?;
        if from != to {
            self.write(to, 0, &content)?;
        }
        Ok(())
    }

    /// Whether there is a directory.
    fn dir(&self, path: &str) -> Result<(), DiskError> {
        match self.look(path)? {
            Node::Dir => Ok(()),
            Node::File => Err(DiskError::NotADirectory),
        }
    }
}

fn fits(len: u64) -> Result<(), VfsError> {
    if len > LARGEST { Err(VfsError::too_large()) } else { Ok(()) }
}
