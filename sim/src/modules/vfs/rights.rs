//! Who may do what: as `check_caps` of `src/vfs.rs` of both runtimes.
//!
//! Rights are looked up in the kernel's table, not among what is attached. To own the drive is enough, but for a
//! rename or copy between packages; write does not imply read; root allows everything; the kernel is not asked.

use super::super::ModuleContext;
use super::place::Place;
use super::wire::VfsError;
use kernel_core::{Address, Capability, Kernel, Names, ProcessRef};

/// The kind of the capability to read a drive.
pub const READ: &str = "read";
/// The kind of the capability to write a drive.
pub const WRITE: &str = "write";

/// What an action needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need<'a> {
    /// The drive of one's own package.
    Own,
    /// To read the drive.
    Read,
    /// To write the drive.
    Write,
    /// To write the drive, and the one that this new path is on.
    WriteBoth(&'a str),
}

/// A process that asks for something, and what it is judged by.
pub struct Asker<'a> {
    /// The process.
    pub process: ProcessRef,
    /// Who issues the capabilities of drives.
    pub vfs: Address,
    /// Who holds what.
    pub kernel: &'a Kernel,
    /// The world's names.
    pub names: &'a mut Names,
}

impl Asker<'_> {
    /// A sender of this node.
    pub fn of<'a>(process: ProcessRef, cx: &'a mut ModuleContext<'_>) -> Asker<'a> {
        Asker { process, vfs: cx.module, kernel: cx.kernel, names: cx.names }
    }

    /// Whether it has what the action needs at a place, and at the new place if there is one.
    pub fn check(&mut self, need: Need<'_>, place: &Place, to: Option<&Place>) -> Result<(), VfsError> {
        let owns = self.owns(place);
        let (may, refusal) = match need {
            Need::Own => (owns, VfsError::NoWriteCap),
            Need::Read => (owns || self.holds(READ, place), VfsError::NoReadCap),
            Need::Write => (owns || self.holds(WRITE, place), VfsError::NoWriteCap),
            Need::WriteBoth(_) => {
                let to = to.unwrap_or(place);
                let owns_both = owns && self.owns(to);
                (owns_both || (self.holds(WRITE, place) && self.holds(WRITE, to)), VfsError::NoWriteCap)
            }
        };
        if may || self.is_root() { Ok(()) } else { Err(refusal) }
    }

    /// Whether it may do everything.
    pub fn is_root(&mut self) -> bool {
        let params = self.names.params(r#"{"root":true}"#);
        let root = Capability { issuer: self.vfs, params };
        self.process == ProcessRef::KERNEL || self.kernel.holds(self.process, &root)
    }

    fn owns(&self, place: &Place) -> bool {
        place.belongs_to(self.names.process_id(self.process))
    }

    fn holds(&mut self, kind: &str, place: &Place) -> bool {
        self.kernel.holds(self.process, &of_drive(self.vfs, kind, &place.drive, self.names))
    }
}

/// The capability of this kind for a drive, `/package:publisher/drive`.
pub fn of_drive(vfs: Address, kind: &str, drive: &str, names: &mut Names) -> Capability {
    let params = serde_json::json!({ "kind": kind, "drive": drive }).to_string();
    Capability { issuer: vfs, params: names.params(&params) }
}
