//! `vfs:distro:sys`: files of packages, in drives, each `/package:publisher/drive`.
//!
//! As in the public runtime (`src/vfs.rs` and `lib/src/vfs.rs` of both). A request is `{"path": p, "action": a}`. The
//! processes of a drive's package may do anything in it; others need the capability to read or to write it, or root,
//! in the kernel's table, not attached. Success is answered if anybody waits for it, with the request's `metadata`;
//! an error only if its sender does. Requests of other nodes and responses are dropped.
//!
//! Durable is what `SyncAll` answered: the content of the file and every name above it. All else is the operating
//! system's, and survives a crash of the node, but not surely a power loss (P3). `Write` truncates and then writes: a
//! crash may find the file empty.
//!
//! What differs from the public runtime, all told:
//! - `AddZip` of an archive with a name that leads out of it, or beyond the bounds of [`archive`], is
//!   reported as not modelled: no answer.
//! - A cursor belongs to a path as there, but `Rename` and `RemoveDirAll` forget it; there it stays with the file that it
//!   was opened on, wherever that is now, even if nowhere. No cursor is evicted, and `fd-manager` is not spoken to.
//! - What is answered as written is seen by the next action; there, `WriteAll` and `Append` may come late.
//! - `ReadDir` lists by name; a directory's `len` is 4096; a file of more than [`LARGEST`](host::LARGEST) bytes is
//!   refused as too large, and the run says that it is not modelled; a path that leaves the root is malformed even if it comes back.
//! - `ReadDir` of a path without a drive is malformed, as in Kinode 1.0; Hyperdrive 1.9 lets root list it.
//! - Each request is done as a whole, in the order in which the world lets them at the disk.

use super::{Module, ModuleContext, Support, excerpt};
use crate::disk::{FileBytes, Files, Path};
#[cfg(feature = "archive")]
use crate::package::archive::{self, ArchiveError, Entry};
use host::Host;
use kernel_core::command::Command;
use kernel_core::{
    Address, Blob, Bytes, Capability, Content, Duration, Input, Kernel, LoadError, Message, Names, ProcessRef, Reply,
    Response,
};
use place::Place;
use rights::{Asker, Need};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::rc::Rc;
use wire::{Action, Answer, Ask, SeekFrom, VfsError};

mod host;
mod place;
mod rights;
mod wire;

#[cfg(test)]
mod tests;

/// The file system's module: the open files, by path, and where in each the next read or write begins. All processes
/// share them, as in the public runtime; they die with the node, not with the process that opened them.
#[derive(Clone, Default)]
pub struct Vfs {
    cursors: BTreeMap<Path, u64>,
}

/// What becomes of a request that is not refused.
enum Outcome {
    /// It is done: the answer, and the bytes that go along.
    Done(Answer, Option<Bytes>),
    /// The packages. The answer goes to the sender, even if another process waits for it, or none.
    Packages(Answer),
    /// It is nothing that this simulator can do.
    Unmodelled,
}

impl Module for Vfs {
    fn uses_disk(&self) -> bool {
        true
    }

    fn on_message(&mut self, message: &Rc<Message>, cx: &mut ModuleContext<'_>) {
        let Content::Request(request) = &message.content else { return };
        if message.source.node != cx.module.node {
            return;
        }
        let expects = request.expects_response.is_some();
        let outcome = Ask::parse(&request.body).and_then(|ask| self.serve(&ask, message, cx));
        match outcome {
            Ok(Outcome::Done(answer, bytes)) if expects || message.rsvp.is_some() => {
                succeed(message, message.reply_to(), answer, bytes, cx);
            }
            Ok(Outcome::Packages(answer)) => succeed(message, message.source, answer, None, cx),
            Ok(Outcome::Unmodelled) => cx.unmodelled = Some(excerpt(message)),
            Err(error) => {
                // A real host may have room for it.
                if error == VfsError::too_large() {
                    cx.refuse(message);
                }
                if expects {
                    cx.respond(message, Answer::Err(error).to_body(), None);
                }
            }
            Ok(Outcome::Done(..)) => {}
        }
    }

    fn actions(&self) -> &'static [(&'static str, Support)] {
        &[
            ("CreateDrive", Support::Done),
            ("CreateDir", Support::Done),
            ("CreateDirAll", Support::Done),
            ("CreateFile", Support::Done),
            ("OpenFile", Support::Done),
            ("CloseFile", Support::Done),
            ("Write", Support::Done),
            ("WriteAll", Support::Done),
            ("Append", Support::Done),
            ("SyncAll", Support::Done),
            ("SetLen", Support::Done),
            ("RemoveFile", Support::Done),
            ("RemoveDir", Support::Done),
            ("RemoveDirAll", Support::Done),
            ("AddZip", ADD_ZIP),
            ("Rename", Support::Done),
            ("CopyFile", Support::Done),
            ("Read", Support::Done),
            ("ReadToEnd", Support::Done),
            ("ReadExact", Support::Done),
            ("ReadToString", Support::Done),
            ("Seek", Support::Done),
            ("ReadDir", Support::Done),
            ("Metadata", Support::Done),
            ("Len", Support::Done),
            ("Hash", Support::Done),
        ]
    }

    fn fork(&self) -> Option<Box<dyn Module>> {
        Some(Box::new(self.clone()))
    }
}

/// Answers that something is done: with the request's metadata, as errors are not.
fn succeed(message: &Rc<Message>, target: Address, answer: Answer, bytes: Option<Bytes>, cx: &mut ModuleContext<'_>) {
    let metadata = match &message.content {
        Content::Request(request) => request.metadata.clone(),
        Content::Response(_) => None,
    };
    let response = Response { body: answer.to_body(), metadata, ..Response::default() };
    let blob = bytes.map(|bytes| Blob { mime: Some("application/octet-stream".into()), bytes });
    let reply = Reply { request: message.clone(), target, response, blob };
    cx.out.push((Duration::ZERO, Input::ModuleResponse(cx.module.process, reply)));
}

/// `ReadDir` of `/`: the packages, for a process with root.
fn list_packages(asker: ProcessRef, cx: &mut ModuleContext<'_>) -> Result<Outcome, VfsError> {
    if !Asker::of(asker, cx).is_root() {
        return Err(VfsError::NoReadCap);
    }
    // The public runtime makes its directory when it starts; here the first drive does.
    let packages = if cx.disk.files().is_dir(place::ROOT) { Host(&mut cx.disk).list(place::ROOT)? } else { vec![] };
    Ok(Outcome::Packages(Answer::ReadDir(packages)))
}

impl Vfs {
    /// Does one action, or says why not. Checks come in the order of the public runtime: paths, rights, blob, host.
    fn serve(&mut self, ask: &Ask, message: &Message, cx: &mut ModuleContext<'_>) -> Result<Outcome, VfsError> {
        let asker = message.source.process;
        if ask.lists_packages() {
            return list_packages(asker, cx);
        }
        let place = Place::parse(&ask.path).ok_or(VfsError::MalformedRequest)?;
        let needs = ask.action.needs();
        let to = match needs {
            Need::WriteBoth(path) => Some(Place::parse(path).ok_or(VfsError::MalformedRequest)?),
            Need::Own | Need::Read | Need::Write => None,
        };
        Asker::of(asker, cx).check(needs, &place, to.as_ref())?;
        if needs == Need::Own {
            grant_drive(asker, &place.drive, cx)?;
        }
        place.name_fits()?;
        if let Some(to) = &to {
            to.name_fits()?;
        }
        let host = &mut Host(&mut cx.disk);
        self.act(&ask.action, &place, to.as_ref(), message.blob.as_ref(), host)
    }

    /// What each action does, once it may.
    fn act(
        &mut self,
        action: &Action,
        place: &Place,
        to: Option<&Place>,
        blob: Option<&Blob>,
        host: &mut Host<'_>,
    ) -> Result<Outcome, VfsError> {
        let path = &place.path;
        let to = || &to.expect("an action with a new path has a place for it").path;
        let blob = || blob.map(|blob| &*blob.bytes).ok_or(VfsError::NoBlob);
        match action {
            Action::CreateDrive => host.make_dir_all(&place.drive_path())?,
            Action::CreateDir => host.make_dir(path)?,
            Action::CreateDirAll => host.make_dir_all(path)?,
            Action::CreateFile => self.create(path, host)?,
            Action::OpenFile { create } => self.open(path, *create, host)?,
            Action::CloseFile => self.close(path),
            Action::Write => host.write_whole(path, blob()?)?,
            Action::WriteAll => self.write(path, SeekFrom::Current(0), blob()?, host)?,
            Action::Append => self.write(path, SeekFrom::End(0), blob()?, host)?,
            Action::SyncAll => {
                self.at(path, host)?;
                host.sync(path)?;
            }
            Action::SetLen(len) => self.at(path, host).map(drop).and_then(|()| host.set_len(path, *len))?,
            Action::RemoveFile => host.remove_file(path).map(|()| self.close(path))?,
            Action::RemoveDir => host.remove_dir(path)?,
            Action::RemoveDirAll => host.remove_dir_all(path).map(|()| self.forget(path))?,
            Action::Rename { .. } => {
                host.rename(path, to())?;
                self.forget(path);
                self.forget(to());
            }
            Action::CopyFile { .. } => host.copy(path, to())?,
            Action::AddZip => return add_zip(path, blob()?, host),
            // The others only look; of those some move the cursor.
            Action::Read => return bytes(&host.content(path)?),
            Action::ReadToEnd => return bytes(&self.rest(path, host)?),
            Action::ReadExact { length } => return bytes(&self.exactly(path, *length, host)?),
            Action::ReadToString => return text(&self.rest(path, host)?),
            Action::Seek(to) => return self.seek(path, *to, host),
            Action::ReadDir => return found(Answer::ReadDir(host.list(path)?)),
            Action::Metadata => return found(host.metadata(path)?),
            Action::Len => return found(Answer::Len(self.at(path, host)?.0.len() as u64)),
            Action::Hash => return self.hash(path, host),
        }
        found(Answer::Ok)
    }

    /// The content and the cursor of a file, which is opened if it is not.
    fn at(&mut self, path: &Path, host: &mut Host<'_>) -> Result<(FileBytes, &mut u64), VfsError> {
        let content = host.content(path)?;
        Ok((content, self.cursors.entry(path.clone()).or_insert(0)))
    }

    /// What is left from the cursor on, which then stands at the end.
    fn rest(&mut self, path: &Path, host: &mut Host<'_>) -> Result<Vec<u8>, VfsError> {
        let (content, cursor) = self.at(path, host)?;
        let rest = rest(&content, *cursor);
        *cursor += rest.len() as u64;
        Ok(rest.to_vec())
    }

    /// So many bytes from the cursor on; if there are too few, the cursor ends where they do.
    fn exactly(&mut self, path: &Path, length: u64, host: &mut Host<'_>) -> Result<Vec<u8>, VfsError> {
        let (content, cursor) = self.at(path, host)?;
        let rest = rest(&content, *cursor);
        let taken = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        *cursor += taken.unwrap_or(rest).len() as u64;
        taken.map(<[u8]>::to_vec).ok_or(VfsError::io("early eof"))
    }

    fn seek(&mut self, path: &Path, to: SeekFrom, host: &mut Host<'_>) -> Result<Outcome, VfsError> {
        let (content, cursor) = self.at(path, host)?;
        *cursor = seek(to, *cursor, content.len() as u64)?;
        found(Answer::SeekFrom { new_offset: *cursor })
    }

    fn hash(&mut self, path: &Path, host: &mut Host<'_>) -> Result<Outcome, VfsError> {
        let (content, cursor) = self.at(path, host)?;
        *cursor = content.len() as u64;
        found(Answer::Hash(Sha256::digest(content.as_slice()).into()))
    }

    fn create(&mut self, path: &Path, host: &mut Host<'_>) -> Result<(), VfsError> {
        self.close(path);
        host.create(path)?;
        self.cursors.insert(path.clone(), 0);
        Ok(())
    }

    fn open(&mut self, path: &Path, create: bool, host: &mut Host<'_>) -> Result<(), VfsError> {
        if host.is_missing(path) && create {
            host.create(path)?
        } else {
            host.content(path).map(drop)?
        }
        self.cursors.insert(path.clone(), 0);
        Ok(())
    }

    /// Moves the cursor, writes there, and moves it on. It does not hold the content meanwhile: the write would copy it.
    fn write(&mut self, path: &Path, to: SeekFrom, bytes: &[u8], host: &mut Host<'_>) -> Result<(), VfsError> {
        let (content, cursor) = self.at(path, host)?;
        *cursor = seek(to, *cursor, content.len() as u64)?;
        drop(content);
        host.write(path, *cursor, bytes)?;
        *cursor += bytes.len() as u64;
        Ok(())
    }

    fn close(&mut self, path: &Path) {
        self.cursors.remove(path);
    }

    /// Closes whatever is open at a path or below it.
    fn forget(&mut self, path: &Path) {
        self.cursors.retain(|open, _| open != path && !place::is_below(open, path));
    }
}

/// Unpacks an archive, entry by entry: one that goes wrong leaves those before it. A file's directory has to be there,
/// or to be an entry before it.
#[cfg(feature = "archive")]
fn add_zip(path: &Path, zip: &[u8], host: &mut Host<'_>) -> Result<Outcome, VfsError> {
    let parse_error = |error: String| VfsError::ParseError { error, path: path.to_string() };
    let (entries, end) = match archive::unpack_until_wrong(zip) {
        Ok(unpacked) => unpacked,
        Err(ArchiveError::NotAnArchive(problem)) => return Err(parse_error(problem)),
        Err(_) => return Ok(Outcome::Unmodelled),
    };
    host.make_dir_all(path)?;
    for Entry { path: below, content } in entries {
        let path: Path = format!("{path}/{below}").into();
        match content {
            Some(bytes) => host.write_whole(&path, &bytes)?,
            None => host.make_dir_all(&path)?,
        }
    }
    match end {
        Ok(()) => found(Answer::Ok),
        Err(ArchiveError::NotAFile(_) | ArchiveError::Encrypted(_) | ArchiveError::Method(_)) => {
            Err(VfsError::UnzipError)
        }
        Err(ArchiveError::Damaged { problem, .. }) => Err(VfsError::IOError(problem)),
        Err(_) => Ok(Outcome::Unmodelled),
    }
}

/// What it does of `AddZip`.
const ADD_ZIP: Support = if cfg!(feature = "archive") { Support::Done } else { Support::Refused };

/// Without the feature `archive` nothing unpacks.
#[cfg(not(feature = "archive"))]
fn add_zip(_: &Path, _: &[u8], _: &mut Host<'_>) -> Result<Outcome, VfsError> {
    Ok(Outcome::Unmodelled)
}

/// Done, and this is the answer.
fn found(answer: Answer) -> Result<Outcome, VfsError> {
    Ok(Outcome::Done(answer, None))
}

/// Done, and these are the bytes.
fn bytes(bytes: &[u8]) -> Result<Outcome, VfsError> {
    Ok(Outcome::Done(Answer::Read, Some(bytes.into())))
}

/// Done, if the bytes are text.
fn text(bytes: &[u8]) -> Result<Outcome, VfsError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => found(Answer::ReadToString(text.to_string())),
        Err(_) => Err(VfsError::io("stream did not contain valid UTF-8")),
    }
}

/// What is left of a file from an offset on; nothing if that is beyond its end.
fn rest(content: &[u8], from: u64) -> &[u8] {
    usize::try_from(from).ok().and_then(|from| content.get(from..)).unwrap_or(&[])
}

/// Where a seek leads, as `lseek` has it: anywhere but before the start.
fn seek(to: SeekFrom, cursor: u64, len: u64) -> Result<u64, VfsError> {
    let offset = match to {
        SeekFrom::Start(offset) => Some(offset),
        SeekFrom::End(by) => len.checked_add_signed(by),
        SeekFrom::Current(by) => cursor.checked_add_signed(by),
    };
    offset.filter(|offset| i64::try_from(*offset).is_ok()).ok_or(VfsError::io("Invalid argument (os error 22)"))
}

/// Gives the process that makes a drive the right to read and write it: a command to the kernel, which this module may
/// send without its capability (C1). The kernel needs none.
fn grant_drive(maker: ProcessRef, drive: &str, cx: &mut ModuleContext<'_>) -> Result<(), VfsError> {
    if maker == ProcessRef::KERNEL {
        return Ok(());
    }
    if !maker.is_module() && cx.kernel.guests().all(|(guest, _)| guest != maker) {
        return Err(VfsError::AddCapFailed);
    }
    let mut missing = drive_capabilities(cx.module, drive, cx.names).to_vec();
    missing.retain(|capability| !cx.kernel.holds(maker, capability));
    if !missing.is_empty() {
        let kernel = Address { process: ProcessRef::KERNEL, ..cx.module };
        let command = Command::Grant(maker, missing).to_body(cx.names);
        cx.tell(kernel, command);
    }
    Ok(())
}

/// The read and the write capability of a drive, `/package:publisher/drive`.
pub fn drive_capabilities(vfs: Address, drive: &str, names: &mut Names) -> [Capability; 2] {
    [rights::READ, rights::WRITE].map(|kind| rights::of_drive(vfs, kind, drive, names))
}

/// Where a path of a drive lies on the disk: `/package:publisher/drive/rest` under `/vfs`, and nowhere else.
pub fn store_path(path: &str) -> String {
    place::on_disk(&place::segments(path).unwrap_or_default())
}

/// D44: whether a request makes the runtime's vfs allocate more bytes at once than any computer has. It does so when it
/// has opened the file: one that is missing, or that the asker may not read, is answered with an error as ever.
pub fn asks_too_much(files: &Files, kernel: &Kernel, names: &mut Names, vfs: Address, message: &Message) -> bool {
    let Ok(ask) = Ask::parse(message.body()) else { return false };
    if !matches!(ask.action, Action::ReadExact { length } if length >= 1 << 40) {
        return false;
    }
    let Some(place) = Place::parse(&ask.path).filter(|_| message.source.node == vfs.node) else { return false };
    let may = Asker { process: message.source.process, vfs, kernel, names }.check(ask.action.needs(), &place, None);
    may.is_ok() && files.read(&place.path).is_ok()
}

/// S6: reads a file for `spawn`, if the reader may read its drive.
pub fn read_for_spawn(
    files: &Files,
    kernel: &Kernel,
    names: &mut Names,
    vfs: Address,
    reader: ProcessRef,
    path: &str,
) -> Result<Bytes, LoadError> {
    let place = Place::parse(path).ok_or(LoadError::NoFile)?;
    let may = Asker { process: reader, vfs, kernel, names }.check(Action::Read.needs(), &place, None);
    may.map_err(|_| LoadError::NoFile)?;
    let content = files.read(&place.path).map_err(|_| LoadError::NoFile)?;
    Ok(content.to_bytes())
}
