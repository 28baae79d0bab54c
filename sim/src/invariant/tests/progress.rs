//! E2, E7, E8, E9, M4 and M5.

use crate::invariant::tests::history::{History, history};
use crate::plan::Down;
use kernel_core::command::Command;
use kernel_core::{Answer, CallKind, DropReason, Duration, OnExit, Rule, SendErrorKind};

fn restart() -> History {
    history().runs("a", OnExit::Restart)
}

#[test]
fn a_node_does_not_fail() {
    restart().panics("a").fails().breaks(Rule::E2);
}

#[test]
fn a_call_is_acted_upon() {
    let two = || restart().runs("b", OnExit::Restart).may_message("a", "b");
    two().tells("a", "b", "hello").calls("b", CallKind::Receive).holds();
    two().calls("a", CallKind::SendRequest).calls("b", CallKind::Receive).breaks(Rule::M5);
}

#[test]
fn a_kill_ends_a_process_that_spins() {
    restart().spins("a").is_killed_by("terminal", "a").is_off_the_disk("a").killing_is_answered("a").holds();
    restart().is_to_be_killed_by("terminal", "a").spins("a").breaks(Rule::M5);
}

#[test]
fn an_owner_is_answered() {
    restart().is_to_be_killed_by("terminal", "a").is_stopped("a").is_off_the_disk("a").breaks(Rule::M5);
}

#[test]
fn a_node_that_is_commanded_to_shut_down_goes_down() {
    let commanded = || restart().commands("terminal", Command::Shutdown);
    commanded().goes_down(Down::Shutdown).holds();
    commanded().after(Duration::from_secs(2)).calls("a", CallKind::Receive).breaks(Rule::M5);
    commanded().command_is_dropped().after(Duration::from_secs(2)).calls("a", CallKind::Receive).holds();
}

#[test]
fn a_crash_loop_goes_on() {
    let crashes = || restart().panics("a").starts("a").panics("a");
    crashes().starts("a").holds();
    crashes().breaks(Rule::E9);
    crashes().is_to_be_killed_by("terminal", "a").is_off_the_disk("a").killing_is_answered("a").holds();
    restart().panics("a").starts("a").panics_at_once("a").breaks(Rule::E9);
}

#[test]
fn a_return_is_honoured() {
    restart().returns("a").starts("a").holds();
    restart().returns("a").breaks(Rule::E7);
    history().runs("a", OnExit::None).returns("a").is_off_the_disk("a").starts("a").breaks(Rule::E7);
}

#[test]
fn what_the_owner_sets_is_in_force() {
    let set = || restart().is_to_be("a", OnExit::None).puts("a", OnExit::None);
    let value = || Answer::OnExit(OnExit::None);
    set().learns("a", CallKind::GetOnExit, value()).panics("a").is_off_the_disk("a").holds();
    set().learns("a", CallKind::GetOnExit, Answer::OnExit(OnExit::Restart)).breaks(Rule::E8);
    set().panics("a").starts("a").breaks(Rule::E8);
    let mortal = || history().runs("a", OnExit::None).is_to_be("a", OnExit::Restart).puts("a", OnExit::Restart);
    mortal().panics("a").starts("a").holds();
    mortal().panics("a").is_off_the_disk("a").breaks(Rule::E8);
    // Not yet durable.
    restart().is_to_be("a", OnExit::None).panics("a").starts("a").puts("a", OnExit::None).holds();
}

#[test]
fn an_error_says_why() {
    let asked = || {
        let two = restart().runs("b", OnExit::Restart).may_message("a", "b");
        two.asks("a", "b", 5, "what?")
    };
    let waits = |scenario: History| scenario.calls("a", CallKind::Receive);
    waits(asked().is_unreachable("what?")).meets("a", SendErrorKind::Offline, "what?").holds();
    waits(asked()).meets("a", SendErrorKind::Offline, "what?").breaks(Rule::M4);
    waits(asked()).meets("a", SendErrorKind::Timeout, "what?").breaks(Rule::M4);
    waits(asked().after(Duration::from_secs(5))).meets("a", SendErrorKind::Timeout, "what?").holds();
}

#[test]
fn an_answer_that_came_in_time_is_no_timeout() {
    let asked = || {
        let two = restart().runs("b", OnExit::Restart).may_message("a", "b");
        two.asks("a", "b", 5, "what?").takes("b", "what?").after(Duration::from_secs(4))
    };
    let late = |scenario: History| scenario.after(Duration::from_secs(9)).calls("a", CallKind::Receive);
    let answered = || late(asked().may_message("b", "a").answers("b", "what?", "that"));
    answered().receives("a", "that").holds();
    answered().meets("a", SendErrorKind::Timeout, "what?").breaks(Rule::M4);
    answered().meets("a", SendErrorKind::Offline, "what?").breaks(Rule::M4);
    // It did not get there.
    let dropped = asked().answers("b", "what?", "that").is_dropped("that", DropReason::NoCapability);
    late(dropped).meets("a", SendErrorKind::Timeout, "what?").holds();
    let too_late = asked().may_message("b", "a").after(Duration::from_secs(2)).answers("b", "what?", "that");
    late(too_late).meets("a", SendErrorKind::Timeout, "what?").holds();
}
