//! C2 and C4.

use crate::invariant::tests::history::{History, history};
use kernel_core::{Answer, CallKind, OnExit, Rule};

fn two() -> History {
    history().runs("a", OnExit::Restart).runs("b", OnExit::Restart)
}

#[test]
fn who_initializes_may_message() {
    let root = || two().may_message("a", "kernel");
    let mut scenario = root().initializes_by("a", "c");
    let to_c = scenario.messaging("c");
    scenario.gains("a", to_c).initializing_is_answered("c").holds();
    root().initializes_by("a", "c").initializing_is_answered("c").breaks(Rule::C2);
}

#[test]
fn what_is_granted_is_held() {
    let mut scenario = two();
    let to_b = scenario.messaging("b");
    scenario.is_granted("a", to_b).gains("a", to_b).holds();
    two().is_granted("a", to_b).breaks(Rule::C4);
    two().is_granted("a", to_b).command_is_dropped().holds();
    two().is_granted("a", to_b).is_killed_by("terminal", "a").is_off_the_disk("a").killing_is_answered("a").holds();
}

#[test]
fn nobody_is_told_of_more_than_was_given() {
    let mut scenario = two().may_message("a", "b");
    let (to_b, root) = (scenario.messaging("b"), scenario.messaging("kernel"));
    scenario.learns("a", CallKind::OurCapabilities, Answer::Capabilities(vec![to_b])).holds();
    let scenario = two().may_message("a", "b");
    scenario.learns("a", CallKind::OurCapabilities, Answer::Capabilities(vec![to_b, root])).breaks(Rule::C4);
}

#[test]
fn what_was_never_attached_cannot_be_kept() {
    let mut scenario = two();
    let to_b = scenario.messaging("b");
    scenario.keeps("a", to_b).gains("a", to_b).breaks(Rule::C3);
}

#[test]
fn who_is_initialized_has_what_the_initializer_holds_and_no_more() {
    let root = || two().may_message("a", "kernel");
    let (to_b, to_kernel) = (root().messaging("b"), root().messaging("kernel"));
    let answered = |scenario: History| {
        let mut scenario = scenario;
        let to_c = scenario.messaging("c");
        scenario.gains("a", to_c).initializing_is_answered("c")
    };
    answered(root().initializes_with("a", "c", to_kernel)).holds();
    answered(root().initializes_with("a", "c", to_b)).breaks(Rule::C2);
}

#[test]
fn what_was_dropped_is_not_held() {
    let able = || two().may_message("a", "b");
    let to_b = able().messaging("b");
    able().drops("a", to_b).loses("a", to_b).holds();
    able().drops("a", to_b).breaks(Rule::C4);
    able().drops("a", to_b).may_message("a", "b").holds();
    able().drops("a", to_b).tells("a", "b", "still there?").takes("b", "still there?").breaks(Rule::C1);
}
