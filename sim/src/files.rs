//! Files of the host that a user names: one reader, which takes regular files only and never more than a bound.
//!
//! A pipe or a device may have no end, or never begin. A folder may hold links that lead round in a circle, or a braid
//! of them with more ways through it than anybody can walk. All of these are errors that name the file.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// How deep the folders of a tree lie at most.
const DEPTH_MAX: usize = 32;
/// How many folders of a tree are listed at most, one that two links lead to as often as they do.
const FOLDERS_MAX: usize = 5_000;
/// How many entries of folders are looked at in all, hidden ones among them.
const ENTRIES_MAX: usize = 50_000;

/// What is wrong with a file or a folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub(crate) struct FileError {
    /// The file or the folder.
    pub path: String,
    /// What is wrong, and how to fix it.
    pub problem: String,
}

impl FileError {
    pub(crate) fn new(path: &Path, problem: impl Into<String>) -> FileError {
        FileError { path: path.display().to_string(), problem: problem.into() }
    }
}

/// Reads a regular file of at most so many bytes.
///
/// # Errors
/// There is none, it is no regular file, it is larger, or the host refuses to give it.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    let wrong = |error: std::io::Error| FileError::new(path, error.to_string());
    // Before it is opened: opening a pipe waits for somebody to write to it.
    let metadata = fs::metadata(path).map_err(wrong)?;
    if metadata.is_dir() {
        return Err(FileError::new(path, "a folder where a file is expected"));
    }
    if !metadata.is_file() {
        return Err(FileError::new(path, "neither a file nor a folder; copy what it gives to a file"));
    }
    let too_large = |len: u64| FileError::new(path, format!("{len} bytes; at most {most} are read"));
    if metadata.len() > most {
        return Err(too_large(metadata.len()));
    }
    // It may have grown, or say that it is empty and not be, as files of /proc do.
    let mut bytes = Vec::new();
    let read = File::open(path).map_err(wrong)?.take(most + 1).read_to_end(&mut bytes).map_err(wrong)?;
    if read as u64 > most { Err(too_large(read as u64)) } else { Ok(bytes) }
}

/// Reads a regular file of text.
///
/// # Errors
/// As [`read`], or it is not UTF-8.
#[cfg_attr(not(feature = "cli"), allow(dead_code))] // Only the command line reads texts.
pub(crate) fn read_text(path: &Path, most: u64) -> Result<String, FileError> {
    String::from_utf8(read(path, most)?).map_err(|_| FileError::new(path, "it is not UTF-8 text"))
}

/// A file below a folder.
pub(crate) struct Found {
    /// Where it is on the host.
    pub path: PathBuf,
    /// Its path from the folder, with slashes.
    pub name: String,
}

/// All files below a folder, hidden ones and hidden folders left out, in the order of their names; links are followed.
///
/// # Errors
/// A folder cannot be listed, a name is not UTF-8, or the tree is deeper or larger than a bound.
pub(crate) fn walk(root: &Path) -> Result<Vec<Found>, FileError> {
    let mut walk = Walk { root, n_folders: 0, n_entries: 0, files: Vec::new() };
    walk.folder(root, 0)?;
    walk.files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(walk.files)
}

struct Walk<'a> {
    root: &'a Path,
    n_folders: usize,
    n_entries: usize,
    files: Vec<Found>,
}

impl Walk<'_> {
    fn folder(&mut self, dir: &Path, depth: usize) -> Result<(), FileError> {
        if depth > DEPTH_MAX {
            let problem = format!("folders more than {DEPTH_MAX} deep; does a link lead round in a circle?");
            return Err(FileError::new(dir, problem));
        }
        self.n_folders += 1;
        if self.n_folders > FOLDERS_MAX {
            let problem =
                format!("more than {FOLDERS_MAX} folders; do links lead to the same folders again and again?");
            return Err(FileError::new(self.root, problem));
        }
        for entry in fs::read_dir(dir).map_err(|error| FileError::new(dir, error.to_string()))? {
            let path = entry.map_err(|error| FileError::new(dir, error.to_string()))?.path();
            self.n_entries += 1;
            if self.n_entries > ENTRIES_MAX {
                let problem = format!("more than {ENTRIES_MAX} files and folders; is it the folder of the package?");
                return Err(FileError::new(self.root, problem));
            }
            if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
                continue;
            }
            if path.is_dir() {
                self.folder(&path, depth + 1)?;
                continue;
            }
            let from_root = path.strip_prefix(self.root).expect("it was found below the root");
            let Some(name) = from_root.to_str() else {
                return Err(FileError::new(&path, "its name is not UTF-8, which a drive's paths are"));
            };
            let name = name.replace(std::path::MAIN_SEPARATOR, "/");
            self.files.push(Found { path, name });
        }
        Ok(())
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_a_regular_file_is_read_and_only_up_to_a_bound() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("file");
        fs::write(&file, "12345").expect("a file");
        assert_eq!(read(&file, 5).expect("it is small enough"), b"12345");
        assert!(read(&file, 4).expect_err("too large").problem.contains("5 bytes; at most 4"));
        assert!(read(dir.path(), 5).expect_err("a folder").problem.contains("a folder where a file is expected"));
        for endless in ["/dev/zero", "/dev/null"] {
            let link = dir.path().join(endless.trim_start_matches("/dev/"));
            symlink(endless, &link).expect("a link");
            assert!(read(&link, 5).expect_err(endless).problem.contains("neither a file nor a folder"));
        }
        fs::write(&file, b"\xff").expect("a file");
        assert!(read_text(&file, 5).expect_err("no text").problem.contains("not UTF-8"));
    }

    #[test]
    fn a_braid_of_links_is_walked_up_to_a_bound_and_a_circle_not_at_all() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = |name: &str| dir.path().join(name);
        for level in 0..30 {
            fs::create_dir(folder(&format!("d{level}"))).expect("a folder");
        }
        for level in 0..29 {
            for strand in ["a", "b"] {
                let to = folder(&format!("d{}", level + 1));
                symlink(to, folder(&format!("d{level}/{strand}"))).expect("a link");
            }
        }
        let error = walk(&folder("d0")).err().expect("2^29 ways lead through it");
        assert!(error.problem.contains("more than 5000 folders"), "{error}");
        let circle = folder("circle");
        fs::create_dir(&circle).expect("a folder");
        symlink(&circle, circle.join("round")).expect("a link");
        assert!(walk(&circle).err().expect("no end").problem.contains("more than 32 deep"));
    }

    #[test]
    fn a_walk_finds_what_is_there_in_order_and_leaves_hidden_things_out() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("ui/.git")).expect("folders");
        for file in ["b", "a", ".hidden", "ui/index.html", "ui/.git/config"] {
            fs::write(dir.path().join(file), file).expect("a file");
        }
        let names: Vec<String> = walk(dir.path()).expect("it is small").into_iter().map(|found| found.name).collect();
        assert_eq!(names, ["a", "b", "ui/index.html"]);
    }
}
