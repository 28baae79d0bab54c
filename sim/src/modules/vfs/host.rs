//! The host's file system under one action: what Linux and Rust's `std::fs` make of it, and in which words they refuse.
//!
//! The disk is only looked at. What is to be done to it is a list of operations, which fit it in their order; a
//! refusal adds none. Cursors and rights are not known here.

use super::place;
use super::wire::{Answer, DirEntry, FileType, VfsError};
use crate::disk::{Disk, DiskError, Op, Path, parent};

/// The largest file, in bytes: the simulated disk keeps zeros as bytes.
pub const LARGEST: u64 = 1 << 28;

/// The disk, and what is to be done to it.
pub struct Host<'a> {
    /// As all earlier actions have left it.
    pub disk: &'a Disk,
    /// What this action does.
    pub ops: &'a mut Vec<Op>,
}

/// What a name leads to.
enum Node<'a> {
    File(&'a [u8]),
    Dir,
}

impl<'a> Host<'a> {
    fn look(&self, path: &str) -> Result<Node<'a>, DiskError> {
        if self.disk.is_dir(path) {
            return Ok(Node::Dir);
        }
        match self.disk.read(path) {
            Ok(content) => Ok(Node::File(content)),
            Err(_) => match self.look(parent(path)) {
                Ok(Node::File(_)) | Err(DiskError::NotADirectory) => Err(DiskError::NotADirectory),
                Ok(Node::Dir) | Err(_) => Err(DiskError::NotFound),
            },
        }
    }

    /// Whether nothing is there, nor in the way.
    pub fn is_missing(&self, path: &str) -> bool {
        matches!(self.look(path), Err(DiskError::NotFound))
    }

    /// The content of a file; a directory cannot be opened to be written, nor be read.
    pub fn content(&self, path: &str) -> Result<&'a [u8], DiskError> {
        match self.look(path)? {
            Node::File(content) => Ok(content),
            Node::Dir => Err(DiskError::IsADirectory),
        }
    }

    /// What is there, and its length. A directory has that of a small one on ext4.
    pub fn metadata(&self, path: &str) -> Result<Answer, DiskError> {
        let (file_type, len) = match self.look(path)? {
            Node::File(content) => (FileType::File, content.len() as u64),
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
        Ok(self.disk.list(path)?.into_iter().map(entry).collect())
    }

    /// `mkdir`.
    pub fn make_dir(&mut self, path: &Path) -> Result<(), DiskError> {
        match self.look(path) {
            Ok(_) => Err(DiskError::Exists),
            Err(_) => {
                self.dir(parent(path))?;
                self.ops.push(Op::CreateDir(path.clone()));
                Ok(())
            }
        }
    }

    /// `mkdir -p`.
    pub fn make_dir_all(&mut self, path: &str) -> Result<(), DiskError> {
        match self.look(path) {
            Ok(Node::File(_)) => Err(DiskError::Exists),
            Ok(Node::Dir) => Ok(()),
            Err(DiskError::NotFound) => {
                let missing = |op: &Op| matches!(op, Op::CreateDir(dir) if !self.disk.is_dir(dir));
                self.ops.extend(Disk::create_dir_all(path).into_iter().filter(missing));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Opens with `O_CREAT | O_TRUNC`.
    pub fn create(&mut self, path: &Path) -> Result<(), DiskError> {
        match self.look(path) {
            Ok(Node::Dir) => return Err(DiskError::IsADirectory),
            Ok(Node::File(_)) => {}
            Err(_) => self.dir(parent(path))?,
        }
        self.ops.push(Op::Create(path.clone()));
        Ok(())
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
            self.ops.push(Op::Write(path.clone(), at, bytes.into()));
        }
        Ok(())
    }

    /// `ftruncate` of a file that is there.
    pub fn set_len(&mut self, path: &Path, len: u64) -> Result<(), VfsError> {
        fits(len)?;
        self.ops.push(Op::SetLen(path.clone(), len));
        Ok(())
    }

    /// `fsync` of a file that is there. As on ext4, its name is durable afterwards, too, and so is that of every
    /// directory above it: outer ones first, so that no name is ever durable without its directory.
    pub fn sync(&mut self, path: &Path) {
        self.ops.push(Op::Sync(path.clone()));
        let ends = path.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| at.max(1));
        self.ops.extend(ends.map(|end| Op::SyncDir(path[..end].into())));
    }

    /// `unlink`.
    pub fn remove_file(&mut self, path: &Path) -> Result<(), DiskError> {
        self.content(path)?;
        self.ops.push(Op::Remove(path.clone()));
        Ok(())
    }

    /// `rmdir`.
    pub fn remove_dir(&mut self, path: &Path) -> Result<(), DiskError> {
        self.dir(path)?;
        match self.disk.list(path)?.is_empty() {
            true => self.ops.push(Op::RemoveDir(path.clone())),
            false => return Err(DiskError::NotEmpty),
        }
        Ok(())
    }

    /// `rm -r` of a directory.
    pub fn remove_dir_all(&mut self, path: &Path) -> Result<(), DiskError> {
        self.dir(path)?;
        let mut dirs = vec![path.clone()];
        let mut listed = 0;
        while let Some(dir) = dirs.get(listed) {
            for (entry, is_dir) in self.disk.list(dir)? {
                if is_dir { dirs.push(entry) } else { self.ops.push(Op::Remove(entry)) }
            }
            listed += 1;
        }
        self.ops.extend(dirs.into_iter().rev().map(Op::RemoveDir));
        Ok(())
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
            (_, Err(DiskError::NotFound)) | (Node::File(_), Ok(Node::File(_))) => {}
            (_, Err(error)) => return Err(error.into()),
            (Node::Dir, Ok(Node::File(_))) => return Err(DiskError::NotADirectory.into()),
            (_, Ok(Node::Dir)) if place::is_below(from, to) => return Err(DiskError::NotEmpty.into()),
            (Node::File(_), Ok(Node::Dir)) => return Err(DiskError::IsADirectory.into()),
            (Node::Dir, Ok(Node::Dir)) if !self.disk.list(to)?.is_empty() => return Err(DiskError::NotEmpty.into()),
            (Node::Dir, Ok(Node::Dir)) => {}
        }
        self.ops.push(Op::Rename(from.clone(), to.clone()));
        Ok(())
    }

    /// `std::fs::copy`: a file that is copied onto itself is emptied.
    pub fn copy(&mut self, from: &Path, to: &Path) -> Result<(), VfsError> {
        let Node::File(content) = self.look(from)? else {
            return Err(VfsError::io("the source path is neither a regular file nor a symlink to a regular file"));
        };
        self.create(to)?;
        if from != to {
            self.write(to, 0, content)?;
        }
        Ok(())
    }

    /// Whether there is a directory.
    fn dir(&self, path: &str) -> Result<(), DiskError> {
        match self.look(path)? {
            Node::Dir => Ok(()),
            Node::File(_) => Err(DiskError::NotADirectory),
        }
    }
}

fn fits(len: u64) -> Result<(), VfsError> {
    if len > LARGEST { Err(VfsError::io("File too large (os error 27)")) } else { Ok(()) }
}
