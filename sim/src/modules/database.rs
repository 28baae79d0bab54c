//! What `kv` and `sqlite` have in common: databases of packages, where they lie, and who may use them.
//!
//! As in `src/kv.rs` and `src/sqlite.rs` of both public runtimes: only a process of a database's package may open or
//! remove it, and by opening it gets the capabilities to read and to write it; all else needs the capability, in the
//! kernel's table, whatever the package.

use super::ModuleContext;
use crate::disk::{Disk, DiskError, Op, Path, Session, parent};
use kernel_core::command::Command;
use kernel_core::{
    Address, Blob, Bytes, Capability, Content, Duration, Input, Message, Names, ProcessRef, Reply, Response,
};
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// A package, as JSON has it in requests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct PackageId {
    /// Its name.
    pub package_name: String,
    /// The node that published it.
    pub publisher_node: String,
}

/// A database: whose, and its name. As JSON `[package, "name"]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct DbKey(pub PackageId, pub String);

/// What can be done with a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Ask it.
    Read,
    /// Change it.
    Write,
}

impl DbKey {
    /// Whether it is of this process's package.
    pub fn belongs_to(&self, process: ProcessRef, names: &Names) -> bool {
        let id = names.process_id(process);
        (id.package, id.publisher) == (self.0.package_name.as_str(), self.0.publisher_node.as_str())
    }

    /// Where it lies on the disk: `ROOT/package:publisher/name`. No two databases have one place, whatever they are
    /// called: what a file's name cannot have is written `%2F`.
    ///
    /// # Errors
    /// The name is longer than a file's can be: what the host says of it.
    pub fn place(&self, root: &str) -> Result<Path, String> {
        let PackageId { package_name, publisher_node } = &self.0;
        let parts = [format!("{}:{}", escaped(package_name), escaped(publisher_node)), escaped(&self.1)];
        if parts.iter().all(|part| part.len() <= 200) {
            Ok(format!("{root}/{}/{}", parts[0], parts[1]).into())
        } else {
            Err("File name too long (os error 36)".to_string())
        }
    }

    /// The capability to do this with it.
    pub fn capability(&self, module: Address, right: Right, names: &mut Names) -> Capability {
        let kind = match right {
            Right::Read => "read",
            Right::Write => "write",
        };
        let params = serde_json::json!({ "kind": kind, "db_key": self }).to_string();
        Capability { issuer: module, params: names.params(&params) }
    }

    /// Whether a process may do this with it.
    pub fn may(&self, process: ProcessRef, right: Right, cx: &mut ModuleContext<'_>) -> bool {
        let capability = self.capability(cx.module, right, cx.names);
        cx.kernel.holds(process, &capability)
    }

    /// Gives a process the capabilities to read and to write it: a command to the kernel. False, if there is no such
    /// process to give them to.
    pub fn grant(&self, to: ProcessRef, cx: &mut ModuleContext<'_>) -> bool {
        let there = to.is_module() || cx.kernel.guests().any(|(guest, _)| guest == to);
        let both = [Right::Read, Right::Write].map(|right| self.capability(cx.module, right, cx.names));
        let missing: Vec<Capability> = both.into_iter().filter(|it| !cx.kernel.holds(to, it)).collect();
        if there && !missing.is_empty() {
            let kernel = Address { process: ProcessRef::KERNEL, ..cx.module };
            let command = Command::Grant(to, missing).to_body(cx.names);
            cx.tell(kernel, command);
        }
        there
    }
}

/// A name as part of a path: letters, digits, `-`, `_` and inner dots as they are, the rest by its bytes.
fn escaped(name: &str) -> String {
    let plain = |at: usize, byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte) || (byte == b'.' && at > 0);
    let each = name
        .bytes()
        .enumerate()
        .map(|(at, byte)| if plain(at, byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    each.collect()
}

/// Makes a file of these bytes, or replaces the one that is there, atomically and durably, with the directories that
/// it needs.
///
/// # Errors
/// The disk refuses it. The file is then as it was, or as it is to be.
pub fn put_file(path: &Path, bytes: &[u8], disk: &mut Session) -> Result<(), DiskError> {
    let dir = parent(path);
    if !disk.files().is_dir(dir) {
        Disk::create_dir_all(dir).into_iter().try_for_each(|op| disk.apply(op))?;
        disk.apply(Op::SyncDir(parent(dir).into()))?;
        disk.apply(Op::SyncDir("/".into()))?;
    }
    disk.replace(path, bytes)
}

/// Writes a file anew, as it is, and its name: what an engine is about to take for durable, since it is read like
/// everything else. What a crash cut off may never have come to the platter, and what a sync was refused to make durable
/// no later sync does.
///
/// # Errors
/// The disk refuses it. The file is as it was.
pub fn settle(path: &Path, disk: &mut Session) -> Result<(), DiskError> {
    let content = disk.read(path)?;
    disk.apply(Op::Write(path.clone(), 0, content.as_slice().into()))?;
    disk.apply(Op::Sync(path.clone()))?;
    disk.apply(Op::SyncDir(parent(path).into()))
}

/// The number of a transaction that begins: never given before on this node, in no life of it. The public runtime
/// draws it; here it is a digest of the node, the virtual time, and how many there were since the boot.
pub fn transaction_id(n_before: u64, cx: &ModuleContext<'_>) -> u64 {
    let text = format!("{} {} {n_before}", cx.names.node_text(cx.module.node), cx.now.0);
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}

/// Answers that something is done, if anybody waits for it: with the request's metadata, as errors are not.
///
/// What the answer relies on, a capability just granted, comes into force before it is sent.
pub fn succeed(message: &Rc<Message>, body: impl Into<Bytes>, value: Option<Vec<u8>>, cx: &mut ModuleContext<'_>) {
    let Content::Request(request) = &message.content else { return };
    if request.expects_response.is_none() && message.rsvp.is_none() {
        return;
    }
    let response = Response { body: body.into(), metadata: request.metadata.clone(), ..Response::default() };
    let blob = value.map(|value| Blob { mime: Some("application/octet-stream".into()), bytes: value.into() });
    let reply = Reply { request: message.clone(), target: message.reply_to(), response, blob };
    cx.out.push((Duration(1), Input::ModuleResponse(cx.module.process, reply)));
}

/// What a request asked for that is not modelled, and the error that says why not. Whose database it is says less.
pub fn refusal(message: &Message, error: &str) -> String {
    let body: serde_json::Value = serde_json::from_slice(message.body()).unwrap_or_default();
    let action: String = body["action"].to_string().chars().take(80).collect();
    format!("{action}: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(package: &str, publisher: &str, db: &str) -> DbKey {
        let (package_name, publisher_node) = (package.to_string(), publisher.to_string());
        DbKey(PackageId { package_name, publisher_node }, db.to_string())
    }

    #[test]
    fn no_name_leads_out_of_its_package_and_no_two_lead_to_one_place() {
        let keys = [
            key("notes", "me.os", "db"),
            key("notes", "me.os", "../db"),
            key("notes", "me.os", ".."),
            key("notes", "me.os", ""),
            key("notes", "me.os", "%2E%2E"),
            key("notes", "me.os", "a/b"),
            key("notes:me.os/a", "", "b"),
            key("notes", "me.os/a", "b"),
            key("notes", "me.os:a", "b"),
            key("notes:me.os", "a", "b"),
        ];
        let places: std::collections::BTreeSet<Path> =
            keys.iter().map(|key| key.place("/kv").expect("it is short")).collect();
        assert_eq!(places.len(), keys.len());
        assert!(places.contains("/kv/notes:me.os/db"));
        for place in &places {
            let parts: Vec<&str> = place.split('/').collect();
            assert_eq!(parts.len(), 4, "{place}");
            assert!(!parts.contains(&".."), "{place}");
        }
        assert!(key("notes", "me.os", &"n".repeat(201)).place("/kv").is_err());
    }

    #[test]
    fn a_database_is_json_as_the_capabilities_have_it() {
        let json = r#"[{"package_name":"notes","publisher_node":"me.os"},"db"]"#;
        assert_eq!(serde_json::to_string(&key("notes", "me.os", "db")).expect("it is JSON"), json);
    }
}
