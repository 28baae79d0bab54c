//! `vfs:distro:sys`: drives per package.

use super::{Module, ModuleContext, excerpt};
use crate::disk::Disk;
use kernel_core::{Address, Bytes, Capability, Kernel, LoadError, Message, Names, ProcessRef};
use std::rc::Rc;

/// The file system.
#[derive(Default)]
pub struct Vfs {}

impl Module for Vfs {
    fn uses_disk(&self) -> bool {
        true
    }

    fn on_message(&mut self, message: &Rc<Message>, cx: &mut ModuleContext<'_>) {
        cx.unmodelled = Some(excerpt(message));
    }
}

/// The read and the write capability of a drive, `/package:publisher/drive`.
pub fn drive_capabilities(vfs: Address, drive: &str, names: &mut Names) -> [Capability; 2] {
    ["read", "write"].map(|kind| Capability {
        issuer: vfs,
        params: names.params(&serde_json::json!({ "kind": kind, "drive": drive }).to_string()),
    })
}

/// Where a path of a drive lies on the disk: `/package:publisher/drive/rest` under `/vfs`.
pub fn store_path(path: &str) -> String {
    format!("/vfs/{}", path.trim_start_matches('/'))
}

/// S6: reads a file for `spawn`, if the reader may read its drive.
pub fn read_for_spawn(
    _disk: &Disk,
    _kernel: &Kernel,
    _names: &mut Names,
    _vfs: Address,
    _reader: ProcessRef,
    _path: &str,
) -> Result<Bytes, LoadError> {
    Err(LoadError::NoFile)
}
