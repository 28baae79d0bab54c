//! C1, C3, C5 and E12.

use crate::invariant::tests::history::{History, history, telling};
use kernel_core::{CallKind, DropReason, Duration, OnExit, Request, Rule};

/// `a` and `b`, who know nothing of each other.
fn strangers() -> History {
    history().runs("a", OnExit::Restart).runs("b", OnExit::Restart)
}

#[test]
fn a_message_needs_the_capability_of_its_target() {
    strangers().tells("a", "b", "psst").is_dropped("psst", DropReason::NoCapability).holds();
    strangers().tells("a", "b", "psst").takes("b", "psst").breaks(Rule::C1);
    strangers().may_message("a", "b").tells("a", "b", "hello").takes("b", "hello").holds();
}

#[test]
fn what_is_attached_is_held_or_issued() {
    let mut scenario = strangers().may_message("a", "b");
    let (root, own) = (scenario.messaging("kernel"), scenario.messaging("a"));
    scenario.tells_with("a", "b", "take this", own).holds();
    strangers().may_message("a", "b").tells_with("a", "b", "take this", root).breaks(Rule::C3);
}

#[test]
fn what_was_received_may_be_kept_and_nothing_else() {
    let given = || {
        let mut scenario = strangers().may_message("a", "b");
        let own = scenario.messaging("a");
        let scenario = scenario.tells_with("a", "b", "take this", own).takes("b", "take this");
        (scenario.keeps("b", own), own)
    };
    let (mut scenario, own) = given();
    let root = scenario.messaging("kernel");
    scenario.gains("b", own).tells("b", "a", "thanks").takes("a", "thanks").holds();
    let (scenario, _) = given();
    scenario.gains("b", root).breaks(Rule::C3);
}

#[test]
fn on_exit_requests_need_the_capability_too() {
    let silent = || history().runs("b", OnExit::Restart).runs_to_tell("a", &[telling("b", "farewell")]);
    let fired = || silent().panics("a").is_off_the_disk("a").fires("a", "b", "farewell");
    fired().is_dropped("farewell", DropReason::NoCapability).holds();
    fired().takes("b", "farewell").breaks(Rule::C5);
    let allowed = silent().may_message("a", "b").panics("a").is_off_the_disk("a").fires("a", "b", "farewell");
    allowed.takes("b", "farewell").holds();
}

#[test]
fn on_exit_requests_carry_what_was_held_only() {
    let mut scenario = history().runs("b", OnExit::Restart);
    let root = scenario.messaging("kernel");
    let farewell = Request { body: "farewell".into(), capabilities: vec![root], ..Request::default() };
    let scenario =
        scenario.runs_to_tell("a", &[("b", farewell)]).may_message("a", "b").panics("a").is_off_the_disk("a");
    scenario.fires_with("a", "b", "farewell", root).breaks(Rule::C5);
}

#[test]
fn what_the_dead_issued_is_gone() {
    let mut scenario = history().runs("a", OnExit::None).runs("b", OnExit::Restart).may_message("b", "a");
    let to_a = scenario.messaging("a");
    let ended = || {
        let scenario = history().runs("a", OnExit::None).runs("b", OnExit::Restart).may_message("b", "a");
        scenario.panics("a").is_off_the_disk("a")
    };
    ended().loses("b", to_a).holds();
    ended().breaks(Rule::E12);
    ended().panics("b").starts("b").runs("c", OnExit::None).breaks(Rule::E12);
    let restarted = history().runs("a", OnExit::Restart).runs("b", OnExit::Restart).may_message("b", "a");
    restarted.panics("a").starts("a").loses("b", to_a).breaks(Rule::E12);
}

#[test]
fn what_is_held_is_kept() {
    let mut scenario = history().runs("a", OnExit::None).runs("b", OnExit::Restart).may_message("b", "a");
    let to_a = scenario.messaging("a");
    let holder = || history().runs("a", OnExit::None).runs("b", OnExit::Restart).may_message("b", "a");
    holder().loses("b", to_a).breaks(Rule::C4);
    scenario.panics("b").starts("b").loses("b", to_a).breaks(Rule::E3);
}

#[test]
fn a_capability_of_the_dead_is_none_of_their_namesake() {
    let mut scenario = history().runs("a", OnExit::Restart).runs("b", OnExit::Restart).may_message("b", "a");
    let to_a = scenario.messaging("a");
    let ended = scenario.is_killed_by("terminal", "a").is_off_the_disk("a").loses("b", to_a).killing_is_answered("a");
    ended.runs("a", OnExit::Restart).tells("b", "a", "you again").takes("a", "you again").breaks(Rule::C1);
}

#[test]
fn what_was_revoked_does_not_come_back() {
    let mut scenario = history().runs("a", OnExit::None).runs("b", OnExit::Restart).may_message("b", "a");
    let to_a = scenario.messaging("a");
    let ended = scenario.panics("a").is_off_the_disk("a").loses("b", to_a).calls("b", CallKind::Receive);
    ended.gains("b", to_a).breaks(Rule::E12);
}

#[test]
fn what_a_namesake_issues_was_not_revoked() {
    let mut scenario = history().runs("a", OnExit::None).runs("b", OnExit::Restart).may_message("b", "a");
    let (to_a, to_b) = (scenario.messaging("a"), scenario.messaging("b"));
    let gone = scenario.panics("a").calls_spawn("b", "a").is_off_the_disk("a").loses("b", to_a);
    // The very next write on that disk.
    let anew = gone.after(Duration::from_millis(1)).puts("a", OnExit::Restart).gains("a", to_b).gains("b", to_a);
    anew.starts("a").is_answered_a_child("b", "a").holds();
}
