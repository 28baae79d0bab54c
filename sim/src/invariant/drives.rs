//! Which process may read and write a drive: none without the capability, and none at all when its package is gone (P3, C3).

use crate::invariant::files::effect::{Said, said};
use crate::invariant::lives::{answers, entry};
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use kernel_core::{Address, Cause, Message, Names, NodeId, ProcessRef, Rule};
use serde_json::Value;
use std::rc::Rc;

/// A request that must not be granted, unless its sender gains the right before it is answered.
#[derive(Clone, Debug)]
struct Asked {
    message: Rc<Message>,
    drives: Vec<String>,
    kind: &'static str,
}

/// P3: a process that is served at a drive owns it, or holds the capability to read it or to write it, or root.
#[derive(Clone, Debug, Default)]
pub struct DrivesAreGuarded {
    /// By node.
    asked: Vec<Vec<Asked>>,
}

/// What only looks. All else changes something.
const READS: [&str; 9] =
    ["Read", "ReadToEnd", "ReadExact", "ReadToString", "Seek", "ReadDir", "Metadata", "Len", "Hash"];

impl Asked {
    fn of(message: &Rc<Message>) -> Option<Asked> {
        let body: Value = serde_json::from_slice(message.body()).ok()?;
        let (action, details) = match body.get("action")? {
            Value::String(action) => (action.as_str(), &Value::Null),
            Value::Object(action) => action.iter().next().map(|(action, details)| (action.as_str(), details))?,
            _ => return None,
        };
        let paths = [body.get("path"), details.get("new_path")].into_iter().flatten();
        let drives = paths.map(|path| drive(path.as_str()?)).collect::<Option<Vec<String>>>()?;
        let kind = if READS.contains(&action) { "read" } else { "write" };
        Some(Asked { message: message.clone(), drives, kind })
    }

    /// Whether its sender may. For two drives of which one is its own it needs the capabilities of both.
    fn is_allowed(&self, past: &Past, names: &Names) -> bool {
        let Address { node, process } = self.message.source;
        process.is_module()
            || self.drives.iter().all(|drive| is_its_own(names, process, drive))
            || self.drives.iter().all(|drive| holds(past, names, (node, process), self.kind, drive))
    }
}

/// Whether a process may read a drive: it is its package's, or it holds the capability.
pub(crate) fn may_read(past: &Past, names: &Names, who: (NodeId, ProcessRef), drive: &str) -> bool {
    is_its_own(names, who.1, drive) || holds(past, names, who, "read", drive)
}

/// Whether a drive belongs to the package of a process.
fn is_its_own(names: &Names, process: ProcessRef, drive: &str) -> bool {
    let of = names.process_id(process);
    drive.starts_with(&format!("/{}:{}/", of.package, of.publisher))
}

/// `/package:publisher/drive`.
pub(crate) fn drive(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(format!("/{}/{}", parts.first()?, parts.get(1)?))
}

fn holds(past: &Past, names: &Names, who: (NodeId, ProcessRef), kind: &str, drive: &str) -> bool {
    let fits = |params: &str| {
        let Ok(params) = serde_json::from_str::<Value>(params) else { return false };
        params.get("root") == Some(&Value::Bool(true))
            || (params.get("kind").is_some_and(|it| it == kind) && params.get("drive").is_some_and(|it| it == drive))
    };
    let vfs = Address { node: who.0, process: ProcessRef::VFS };
    let mut of_vfs = past.holdings.at_most(who.0, who.1).filter(|capability| capability.issuer == vfs);
    of_vfs.any(|capability| fits(names.params_text(capability.params)))
}

impl Invariant for DrivesAreGuarded {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::P3, says: "nobody reads or writes a drive of vfs without the capability" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::ModuleReceived, Kind::Sent, Kind::Down, Kind::Failed]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::ModuleReceived(ProcessRef::VFS, message) if message.is_request() => {
                if let Some(asked) = Asked::of(message).filter(|asked| !asked.is_allowed(past, names)) {
                    entry(&mut self.asked, event.node.0).push(asked);
                }
            }
            What::Sent(answer) if answer.source.process == ProcessRef::VFS && !answer.is_request() => {
                let open = entry(&mut self.asked, event.node.0);
                let Some(place) = open.iter().position(|asked| answers(answer, &asked.message)) else { return Ok(()) };
                let asked = open.remove(place);
                if matches!(said(answer.body()), Said::Done | Said::Read) && !asked.is_allowed(past, names) {
                    let who = names.address_text(asked.message.source);
                    let (kind, drives) = (asked.kind, asked.drives.join(" and "));
                    return Err(format!("{who} was allowed to {kind} {drives} without the capability"));
                }
            }
            What::Down(_) | What::Failed(_) => entry(&mut self.asked, event.node.0).clear(),
            _ => {}
        }
        Ok(())
    }
}
