//! P1, P2, E3 and E4.

use crate::invariant::tests::history::{History, history, telling};
use crate::plan::Down;
use kernel_core::{BackOff, CallKind, DropReason, OnExit, Rule};

fn restart() -> History {
    history().runs("a", OnExit::Restart)
}

#[test]
fn what_was_saved_is_read_in_any_later_life() {
    let saved = || restart().saves("a", "7").state_is_durable("a", "7").call_returns("a", CallKind::SetState);
    saved().panics("a").starts("a").reads("a", Some("7")).holds();
    saved().goes_down(Down::PowerLoss).boots().starts("a").reads("a", Some("7")).holds();
    saved().goes_down(Down::PowerLoss).boots().starts("a").reads("a", None).breaks(Rule::P1);
    saved().reads("a", Some("77")).breaks(Rule::P1);
}

#[test]
fn a_save_returns_when_it_is_durable() {
    restart().saves("a", "7").call_returns("a", CallKind::SetState).breaks(Rule::P1);
}

#[test]
fn a_save_that_a_crash_interrupts_leaves_the_old_or_the_new() {
    let saved = || restart().saves("a", "1").state_is_durable("a", "1").call_returns("a", CallKind::SetState);
    let cut = || saved().saves("a", "2").goes_down(Down::Crash).boots().starts("a");
    cut().reads("a", Some("1")).holds();
    cut().reads("a", Some("2")).holds();
    cut().reads("a", Some("12")).breaks(Rule::P1);
    cut().reads("a", None).breaks(Rule::P1);
}

#[test]
fn a_boot_finds_what_was_saved_or_was_being_saved_and_nothing_else() {
    let saved = || restart().saves("a", "1").state_is_durable("a", "1").call_returns("a", CallKind::SetState);
    let cut = || saved().saves("a", "2").goes_down(Down::Crash);
    cut().state_is_durable("a", "2").boots().starts("a").reads("a", Some("2")).holds();
    cut().state_is_durable("a", "12").boots().breaks(Rule::P1);
}

#[test]
fn an_initialization_is_durable_when_it_is_answered() {
    history().is_to_be_initialized("a", OnExit::None).initializing_is_answered("a").breaks(Rule::P2);
    let other = history().is_to_be_initialized("a", OnExit::Restart).puts("a", OnExit::None);
    other.initializing_is_answered("a").breaks(Rule::P2);
}

#[test]
fn an_initialization_that_failed_leaves_no_row() {
    let failed = || history().is_to_be_initialized("a", OnExit::Restart).initializing_is_refused("a");
    failed().holds();
    failed().puts("a", OnExit::Restart).breaks(Rule::P2);
}

#[test]
fn who_waits_for_the_table_is_answered_or_dies() {
    let asked = || restart().is_to_be_initialized("b", OnExit::Restart).calls("a", CallKind::Our);
    asked().breaks(Rule::P2);
    asked().initializing_is_refused("b").holds();
    asked().goes_down(Down::Crash).boots().starts("a").holds();
    let spawning = || restart().calls_spawn("a", "b");
    spawning().breaks(Rule::P2);
    spawning().is_answered_no_file("a").holds();
    let setting = || restart().sets_on_exit("a", OnExit::None);
    setting().breaks(Rule::P2);
    setting().panics("a").starts("a").holds();
}

#[test]
fn nothing_comes_before_a_restart() {
    let two = || restart().runs("b", OnExit::Restart);
    two().panics("a").starts("a").calls("b", CallKind::Our).holds();
    two().panics("a").calls("b", CallKind::Our).starts("a").breaks(Rule::E3);
    two().under(BackOff::Hyperdrive19).panics("a").calls("b", CallKind::Our).starts("a").holds();
}

#[test]
fn requests_are_fired_as_listed() {
    let list = [telling("b", "one"), telling("b", "two")];
    let gone = || {
        let scenario = history().runs("b", OnExit::Restart).runs_to_tell("a", &list).may_message("a", "b");
        scenario.panics("a").is_off_the_disk("a")
    };
    gone().fires("a", "b", "one").fires("a", "b", "two").holds();
    gone().fires("a", "b", "two").fires("a", "b", "one").breaks(Rule::E4);
    gone().fires("a", "b", "one").fires("a", "b", "two").fires("a", "b", "two").breaks(Rule::E4);
    gone().fires("a", "b", "one").fires("a", "terminal", "two").breaks(Rule::E4);
    gone().fires("a", "b", "one").is_dropped("one", DropReason::NotRunning).breaks(Rule::E4);
}
