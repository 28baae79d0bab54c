//! The world's table of names, lent to a guest while it runs.

use kernel_core::Names;
use std::cell::Cell;
use std::mem::replace;

thread_local! {
    /// What stands in the world's place meanwhile: making a table costs more than a call.
    static SPARE: Cell<Option<Names>> = const { Cell::new(None) };
}

/// Takes the world's names.
pub fn take(names: &mut Names) -> Names {
    replace(names, SPARE.take().unwrap_or_default())
}

/// Gives them back.
pub fn give_back(names: &mut Names, lent: Names) {
    SPARE.set(Some(replace(names, lent)));
}
