//! M1, M2, E10 and E11.

use crate::invariant::tests::history::{History, history, telling};
use kernel_core::{BackOff, CallKind, DropReason, Duration, OnExit, Rule, SendErrorKind};

/// `a` and `b`, who may message each other.
fn two() -> History {
    let scenario = history().runs("a", OnExit::Restart).runs("b", OnExit::Restart);
    scenario.may_message("a", "b").may_message("b", "a")
}

fn asked() -> History {
    two().asks("a", "b", 5, "what?").takes("b", "what?")
}

#[test]
fn a_request_settles_once() {
    asked().answers("b", "what?", "that").takes("a", "that").holds();
    let timed_out = || asked().after(Duration::from_secs(5)).calls("a", CallKind::Receive);
    timed_out().meets("a", SendErrorKind::Timeout, "what?").holds();
    timed_out().breaks(Rule::M1);
    let settled = || asked().answers("b", "what?", "that").takes("a", "that");
    settled().answers("b", "what?", "or that").takes("a", "or that").breaks(Rule::M1);
    settled().meets("a", SendErrorKind::Timeout, "what?").breaks(Rule::M1);
}

#[test]
fn who_does_not_receive_is_not_told() {
    asked().holds();
    asked().calls("a", CallKind::Receive).panics("a").starts("a").calls("a", CallKind::Receive).holds();
}

#[test]
fn messages_come_in_order_and_once() {
    let sent = || two().tells("a", "b", "one").tells("a", "b", "two");
    sent().takes("b", "one").takes("b", "two").holds();
    sent().takes("b", "two").holds();
    sent().takes("b", "two").takes("b", "one").breaks(Rule::M2);
    sent().takes("b", "one").takes("b", "one").breaks(Rule::M2);
}

#[test]
fn an_awaited_answer_may_overtake() {
    let awaited = two().awaits("a", "b", 5, "what?").takes("b", "what?").tells("b", "a", "first");
    awaited.answers("b", "what?", "that").receives("a", "that").takes("a", "first").holds();
}

#[test]
fn messages_of_two_senders_come_in_any_order() {
    let sent = two().runs("c", OnExit::None).may_message("c", "b").tells("a", "b", "one").tells("c", "b", "two");
    sent.takes("b", "two").takes("b", "one").calls("c", CallKind::Receive).holds();
}

#[test]
fn what_was_for_one_life_does_not_reach_the_next() {
    let restarted = || asked().panics("a").starts("a");
    restarted().answers("b", "what?", "that").is_dropped("that", DropReason::NotAwaited).holds();
    restarted().answers("b", "what?", "that").takes("a", "that").breaks(Rule::E10);
    restarted().calls("a", CallKind::Receive).meets("a", SendErrorKind::Timeout, "what?").breaks(Rule::E10);
    two().tells("a", "b", "old").panics("b").starts("b").takes("b", "old").breaks(Rule::E10);
}

#[test]
fn what_comes_before_the_first_run_waits() {
    let waiting = history().runs("a", OnExit::None).initializes("b", OnExit::None).may_message("a", "b");
    waiting.tells("a", "b", "early").starts("b").takes("b", "early").holds();
}

#[test]
fn ids_never_repeat() {
    two().asks_with_id("a", "b", 7 << 40, "one").asks_with_id("a", "b", 7 << 40, "two").breaks(Rule::E10);
    let again = two().asks_with_id("a", "b", 7 << 40, "one").goes_down(crate::plan::Down::Crash).boots();
    again.starts("a").starts("b").asks_with_id("a", "b", 6 << 40, "two").breaks(Rule::E10);
}

#[test]
fn who_asks_nobody_hears_so_at_once() {
    let alone = || history().runs("a", OnExit::None).may_message("a", "b").asks("a", "b", 5, "anybody?");
    let dropped = || alone().is_dropped("anybody?", DropReason::NotRunning).calls("a", CallKind::Receive);
    dropped().meets("a", SendErrorKind::Timeout, "anybody?").holds();
    dropped().meets("a", SendErrorKind::Offline, "anybody?").breaks(Rule::E11);
    dropped().after(Duration::from_secs(5)).meets("a", SendErrorKind::Timeout, "anybody?").breaks(Rule::E11);
    alone().runs("b", OnExit::None).takes("b", "anybody?").breaks(Rule::E11);
}

#[test]
fn a_process_in_back_off_is_not_there() {
    let away = two().under(BackOff::Hyperdrive19).panics("b").tells("a", "b", "there?");
    away.starts("b").takes("b", "there?").breaks(Rule::E11);
}

#[test]
fn who_is_there_is_not_said_to_be_away() {
    two().tells("a", "b", "there?").is_dropped("there?", DropReason::NotRunning).breaks(Rule::E11);
}

#[test]
fn what_was_asked_to_be_sent_is_sent() {
    let asked = || two().calls_to_send("a", &[telling("b", "one"), telling("b", "two")]);
    asked().fires("a", "b", "one").fires("a", "b", "two").calls("a", CallKind::Receive).holds();
    asked().fires("a", "b", "one").calls("a", CallKind::Receive).breaks(Rule::M3);
    asked().fires("a", "b", "two").fires("a", "b", "one").breaks(Rule::M3);
    asked().fires("a", "b", "one").fires("a", "b", "else").breaks(Rule::M3);
    // A call that traps sends nothing.
    asked().panics("a").starts("a").calls("a", CallKind::Receive).holds();
}
