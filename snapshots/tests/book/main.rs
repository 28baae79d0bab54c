//! Every scenario by the book: no rule breaks, and what happens is what the snapshots say.
//!
//! A snapshot is the transcript of a calm run, for people to review. `cargo test -p kinode-book` compares; what differs is
//! written beside it as `.snap.new`, all of it in one run, and `cargo insta review` shows it.

mod rules;
mod shrunk;
mod transcripts;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Compares a text with its snapshot. If they differ: its name, after the text was written for review.
fn differing(name: &str, description: &str, text: &str) -> Option<String> {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(env!("CARGO_MANIFEST_DIR"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(description);
    // insta panics at what differs. Here the others are compared, too.
    let compare = AssertUnwindSafe(|| settings.bind(|| insta::assert_snapshot!(name, text)));
    catch_unwind(compare).is_err().then(|| name.to_string())
}

/// Fails if anything differs, and names it.
fn assert_none_differs(differing: &[String]) {
    let n = differing.len();
    assert!(n == 0, "{n} snapshots differ, see `cargo insta review`:\n  {}", differing.join("\n  "));
}
