//! What a request to `vfs` does to which file, and what its answer says; read from the bodies, not from the module.

use kernel_core::{Bytes, Message};
use serde_json::Value;
use std::rc::Rc;

/// What a request does, if it is done.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::invariant) enum Effect {
    /// The file has this content from then on; `None`: there is no file.
    Set(Rc<str>, Option<Bytes>),
    /// The file is made, if there is none.
    Make(Rc<str>),
    Append(Rc<str>, Bytes),
    SetLen(Rc<str>, u64),
    /// The file has another content; which cannot be said here.
    Change(Rc<str>),
    /// The file or directory has another name.
    Move(Rc<str>, Rc<str>),
    /// All is gone at a path and below it.
    RemoveAll(Rc<str>),
    Sync(Rc<str>),
    /// The whole file is read.
    Read(Rc<str>),
    Nothing,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::invariant) enum Said {
    /// It is done.
    Done,
    /// It is read: the content comes along.
    Read,
    /// There is no such file or directory.
    NotFound,
    /// The asker may not, or asked in the wrong form: nothing was done.
    Refused,
    /// It failed.
    Error,
}

impl Effect {
    /// What a request does.
    pub fn of(message: &Message) -> Effect {
        parse(message).unwrap_or(Effect::Nothing)
    }

    /// The paths it may change, or reads.
    pub fn touches(&self) -> impl Iterator<Item = &Rc<str>> {
        let (one, two) = match self {
            Effect::Move(from, to) => (Some(from), Some(to)),
            Effect::Nothing => (None, None),
            Effect::Set(path, _) | Effect::Append(path, _) | Effect::SetLen(path, _) => (Some(path), None),
            Effect::Make(path) | Effect::Change(path) | Effect::RemoveAll(path) => (Some(path), None),
            Effect::Sync(path) | Effect::Read(path) => (Some(path), None),
        };
        one.into_iter().chain(two)
    }

    /// Whether one may change what the other is about.
    pub fn meets(&self, other: &Effect) -> bool {
        let covers = |above: &str, below: &str| {
            below.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let changes = !matches!(self, Effect::Read(_) | Effect::Sync(_));
        changes && self.touches().any(|one| other.touches().any(|two| covers(one, two) || covers(two, one)))
    }
}

fn parse(message: &Message) -> Option<Effect> {
    let body: Value = serde_json::from_slice(message.body()).ok()?;
    let path = resolve(body.get("path")?.as_str()?)?;
    let blob = || message.blob.as_ref().map(|blob| blob.bytes.clone());
    let (action, details) = match body.get("action")? {
        Value::String(action) => (action.as_str(), &Value::Null),
        Value::Object(action) => action.iter().next().map(|(action, details)| (action.as_str(), details))?,
        _ => return None,
    };
    let new_path = || resolve(details.get("new_path")?.as_str()?);
    Some(match action {
        "Write" => Effect::Set(path, Some(blob()?)),
        "CreateFile" => Effect::Set(path, Some(Bytes::from(&b""[..]))),
        "RemoveFile" => Effect::Set(path, None),
        "OpenFile" if details.get("create")?.as_bool()? => Effect::Make(path),
        "Append" => Effect::Append(path, blob()?),
        "SetLen" => Effect::SetLen(path, details.as_u64()?),
        "WriteAll" => Effect::Change(path),
        "Rename" => Effect::Move(path, new_path()?),
        "CopyFile" => Effect::Change(new_path()?),
        "RemoveDirAll" => Effect::RemoveAll(path),
        "AddZip" => Effect::RemoveAll(path),
        "SyncAll" => Effect::Sync(path),
        "Read" => Effect::Read(path),
        _ => return None,
    })
}

/// A path without its detours; `None`, if it leaves the root.
fn resolve(path: &str) -> Option<Rc<str>> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(format!("/{}", parts.join("/")).into())
}

/// What an answer says.
pub(in crate::invariant) fn said(body: &[u8]) -> Said {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return Said::Error };
    if body == "Read" {
        return Said::Read;
    }
    let Some(error) = body.get("Err") else { return Said::Done };
    match error {
        Value::String(error) if ["NoWriteCap", "NoReadCap", "MalformedRequest", "NoBlob"].contains(&error.as_str()) => {
            Said::Refused
        }
        error if error.get("IOError").is_some_and(|text| text == "No such file or directory (os error 2)") => {
            Said::NotFound
        }
        _ => Said::Error,
    }
}
