//! The files of storage engines: P3.

use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use kernel_core::{Cause, Names, Rule};

/// A storage engine checks each of its files when it first opens it after a boot, and finds nothing wrong: whatever
/// a crash or a power loss has left, its own recovery has made whole.
#[derive(Clone, Debug)]
pub struct StoresAreSound;

impl Invariant for StoresAreSound {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::P3, says: "after every crash a storage engine finds its files sound" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::StoreChecked]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::StoreChecked(module, path, Some(trouble)) => {
                Err(format!("{} finds {path} broken: {trouble}", names.process_text(*module)))
            }
            _ => Ok(()),
        }
    }
}
