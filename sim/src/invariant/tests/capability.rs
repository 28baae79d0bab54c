//! C1, C3, C5 and E12.

use crate::invariant::story::{Story, story, telling};
use kernel_core::{CallKind, DropReason, Duration, OnExit, Request};

/// `a` and `b`, who know nothing of each other.
fn strangers() -> Story {
    story().runs("a", OnExit::Restart).runs("b", OnExit::Restart)
}

#[test]
fn a_message_needs_the_capability_of_its_target() {
    strangers().tells("a", "b", "psst").is_dropped("psst", DropReason::NoCapability).holds();
    strangers().tells("a", "b", "psst").takes("b", "psst").breaks("C1");
    strangers().may_message("a", "b").tells("a", "b", "hello").takes("b", "hello").holds();
}

#[test]
fn what_is_attached_is_held_or_issued() {
    let mut story = strangers().may_message("a", "b");
    let (root, own) = (story.messaging("kernel"), story.messaging("a"));
    story.tells_with("a", "b", "take this", own).holds();
    strangers().may_message("a", "b").tells_with("a", "b", "take this", root).breaks("C3");
}

#[test]
fn what_was_received_may_be_kept_and_nothing_else() {
    let given = || {
        let mut story = strangers().may_message("a", "b");
        let own = story.messaging("a");
        let story = story.tells_with("a", "b", "take this", own).takes("b", "take this");
        (story.keeps("b", own), own)
    };
    let (mut story, own) = given();
    let root = story.messaging("kernel");
    story.gains("b", own).tells("b", "a", "thanks").takes("a", "thanks").holds();
    let (story, _) = given();
    story.gains("b", root).breaks("C3");
}

#[test]
fn on_exit_requests_need_the_capability_too() {
    let silent = || story().runs("b", OnExit::Restart).runs_to_tell("a", &[telling("b", "farewell")]);
    let fired = || silent().panics("a").is_off_the_disk("a").fires("a", "b", "farewell");
    fired().is_dropped("farewell", DropReason::NoCapability).holds();
    fired().takes("b", "farewell").breaks("C5");
    let allowed = silent().may_message("a", "b").panics("a").is_off_the_disk("a").fires("a", "b", "farewell");
    allowed.takes("b", "farewell").holds();
}

#[test]
fn on_exit_requests_carry_what_was_held_only() {
    let mut story = story().runs("b", OnExit::Restart);
    let root = story.messaging("kernel");
    let farewell = Request { body: "farewell".into(), capabilities: vec![root], ..Request::default() };
    let story = story.runs_to_tell("a", &[("b", farewell)]).may_message("a", "b").panics("a").is_off_the_disk("a");
    story.fires_with("a", "b", "farewell", root).breaks("C5");
}

#[test]
fn what_the_dead_issued_is_gone() {
    let mut story = story().runs("a", OnExit::None).runs("b", OnExit::Restart).may_message("b", "a");
    let to_a = story.messaging("a");
    let ended = || {
        let story = self::story().runs("a", OnExit::None).runs("b", OnExit::Restart).may_message("b", "a");
        story.panics("a").is_off_the_disk("a")
    };
    ended().loses("b", to_a).holds();
    ended().breaks("E12");
    ended().panics("b").starts("b").runs("c", OnExit::None).breaks("E12");
    let restarted = self::story().runs("a", OnExit::Restart).runs("b", OnExit::Restart).may_message("b", "a");
    restarted.panics("a").starts("a").loses("b", to_a).breaks("E12");
}

#[test]
fn what_is_held_is_kept() {
    let mut story = story().runs("a", OnExit::None).runs("b", OnExit::Restart).may_message("b", "a");
    let to_a = story.messaging("a");
    let holder = || self::story().runs("a", OnExit::None).runs("b", OnExit::Restart).may_message("b", "a");
    holder().loses("b", to_a).breaks("C4");
    story.panics("b").starts("b").loses("b", to_a).breaks("E3");
}

#[test]
fn a_capability_of_the_dead_is_none_of_their_namesake() {
    let mut story = story().runs("a", OnExit::Restart).runs("b", OnExit::Restart).may_message("b", "a");
    let to_a = story.messaging("a");
    let ended = story.is_killed_by("terminal", "a").is_off_the_disk("a").loses("b", to_a).killing_is_answered("a");
    ended.runs("a", OnExit::Restart).tells("b", "a", "you again").takes("a", "you again").breaks("C1");
}

#[test]
fn what_was_revoked_does_not_come_back() {
    let mut story = story().runs("a", OnExit::None).runs("b", OnExit::Restart).may_message("b", "a");
    let to_a = story.messaging("a");
    let ended = story.panics("a").is_off_the_disk("a").loses("b", to_a).calls("b", CallKind::Receive);
    ended.gains("b", to_a).breaks("E12");
}

#[test]
fn what_a_namesake_issues_was_not_revoked() {
    let mut story = story().runs("a", OnExit::None).runs("b", OnExit::Restart).may_message("b", "a");
    let (to_a, to_b) = (story.messaging("a"), story.messaging("b"));
    let gone = story.panics("a").calls_spawn("b", "a").is_off_the_disk("a").loses("b", to_a);
    // The very next write on that disk.
    let anew = gone.after(Duration::from_millis(1)).puts("a", OnExit::Restart).gains("a", to_b).gains("b", to_a);
    anew.starts("a").is_answered_a_child("b", "a").holds();
}
