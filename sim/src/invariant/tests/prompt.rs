//! M3.

use crate::invariant::tests::history::{History, history};
use kernel_core::{Answer, CallKind, OnExit, Rule};

/// `b` has received a blob of `a`.
fn blobbed() -> History {
    let scenario = history().runs("a", OnExit::Restart).runs("b", OnExit::Restart).may_message("a", "b");
    scenario.may_message("b", "a").tells_with_blob("a", "b", "see", "here").takes("b", "see")
}

fn here() -> Answer {
    Answer::Blob(Some(History::blob("here")))
}

#[test]
fn the_blob_is_that_of_the_last_message() {
    blobbed().learns("b", CallKind::GetBlob, here()).learns("b", CallKind::HasBlob, Answer::HasBlob(true)).holds();
    blobbed().learns("b", CallKind::GetBlob, Answer::Blob(None)).breaks(Rule::M3);
    blobbed().learns("b", CallKind::HasBlob, Answer::HasBlob(false)).breaks(Rule::M3);
}

#[test]
fn the_last_blob_stays_when_a_message_has_none() {
    let later = || blobbed().tells("a", "b", "bye").takes("b", "bye");
    later().learns("b", CallKind::GetBlob, Answer::Blob(None)).learns("b", CallKind::LastBlob, here()).holds();
    later().learns("b", CallKind::GetBlob, here()).breaks(Rule::M3);
    later().learns("b", CallKind::LastBlob, Answer::Blob(None)).breaks(Rule::M3);
}

#[test]
fn no_blob_outlives_its_life() {
    let next = || blobbed().panics("b").starts("b");
    next().learns("b", CallKind::LastBlob, Answer::Blob(None)).holds();
    next().learns("b", CallKind::LastBlob, here()).breaks(Rule::M3);
}

#[test]
fn who_inherits_has_the_id_and_the_blob_of_what_prompted_it() {
    let prompted = || {
        let scenario = history().runs("a", OnExit::Restart).runs("b", OnExit::Restart).runs("c", OnExit::Restart);
        scenario.may_message("a", "b").may_message("b", "c").asks("a", "b", 5, "what?").takes("b", "what?")
    };
    prompted().asks_inheriting("b", "c", None, Some("what?"), "it wants to know").holds();
    prompted().asks_inheriting("b", "c", None, None, "it wants to know").breaks(Rule::M3);
    prompted().asks_inheriting("b", "c", Some(5), Some("what?"), "do you know?").breaks(Rule::M3);
    blobbed().asks_inheriting("b", "a", None, None, "here you are").breaks(Rule::M3);
}

#[test]
fn a_response_answers_what_prompted_it() {
    let scenario = history().runs("a", OnExit::Restart).runs("b", OnExit::Restart).may_message("a", "b");
    let asked =
        scenario.asks("a", "b", 5, "first").takes("b", "first").asks("a", "b", 5, "second").takes("b", "second");
    asked.answers("b", "first", "too late").breaks(Rule::M3);
}
