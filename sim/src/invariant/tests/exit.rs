//! The exit matrix, E6 and E8: scenarios that hold, and scenarios in which each cell is broken.

use crate::invariant::tests::history::{History, history, telling};
use crate::plan::Down;
use kernel_core::{BackOff, CallKind, Duration, How, OnExit, OnExitKind, Rule};

fn none() -> History {
    history().runs("a", OnExit::None)
}

fn restart() -> History {
    history().runs("a", OnExit::Restart)
}

/// `a` tells `b` twice at its exit.
fn requests() -> History {
    let list = [telling("b", "one"), telling("b", "two")];
    history().runs("b", OnExit::Restart).runs_to_tell("a", &list).may_message("a", "b")
}

fn fires_both(scenario: History) -> History {
    scenario.fires("a", "b", "one").fires("a", "b", "two")
}

#[test]
fn a_none_process_that_exits_is_gone() {
    none().returns("a").is_off_the_disk("a").holds();
    none().panics("a").is_off_the_disk("a").holds();
    none().is_killed_by("terminal", "a").is_off_the_disk("a").killing_is_answered("a").holds();
}

#[test]
fn a_none_process_that_starts_again_breaks_its_cell() {
    none().returns("a").starts("a").breaks(Rule::X(How::Return, OnExitKind::None));
    none().panics("a").is_off_the_disk("a").starts("a").breaks(Rule::X(How::Panic, OnExitKind::None));
    none().is_killed_by("terminal", "a").is_off_the_disk("a").starts("a").breaks(Rule::X(How::Kill, OnExitKind::None));
    none().goes_down(Down::Crash).boots().starts("a").breaks(Rule::X(How::Down, OnExitKind::None));
}

#[test]
fn a_none_process_that_stays_on_the_disk_breaks_its_cell() {
    none().returns("a").breaks(Rule::X(How::Return, OnExitKind::None));
    none().panics("a").breaks(Rule::X(How::Panic, OnExitKind::None));
    none().is_killed_by("terminal", "a").breaks(Rule::X(How::Kill, OnExitKind::None));
    none().goes_down(Down::Shutdown).boots().breaks(Rule::X(How::Down, OnExitKind::None));
}

#[test]
fn none_means_that_nothing_happens() {
    none().panics("a").is_off_the_disk("a").starts("a").breaks(Rule::E6);
    none().goes_down(Down::PowerLoss).boots().starts("a").breaks(Rule::E6);
    none().panics("a").is_off_the_disk("a").fires("a", "terminal", "farewell").breaks(Rule::E6);
}

#[test]
fn an_id_that_is_initialized_anew_starts_anew() {
    none().panics("a").is_off_the_disk("a").runs("a", OnExit::Restart).holds();
}

#[test]
fn a_restart_process_comes_back() {
    restart().returns("a").starts("a").panics("a").starts("a").holds();
    restart().goes_down(Down::Crash).boots().starts("a").holds();
}

#[test]
fn a_restart_process_that_does_not_come_back_breaks_its_cell() {
    restart().returns("a").breaks(Rule::X(How::Return, OnExitKind::Restart));
    restart().panics("a").breaks(Rule::X(How::Panic, OnExitKind::Restart));
    restart().goes_down(Down::Crash).boots().breaks(Rule::X(How::Down, OnExitKind::Restart));
}

#[test]
fn a_restart_process_that_is_killed_is_gone() {
    let killed = || restart().is_killed_by("terminal", "a").is_off_the_disk("a").killing_is_answered("a");
    killed().holds();
    killed().starts("a").breaks(Rule::X(How::Kill, OnExitKind::Restart));
}

#[test]
fn a_kill_that_a_crash_undoes_is_an_exit_by_down() {
    restart().is_killed_by("terminal", "a").goes_down(Down::Crash).boots().starts("a").holds();
}

#[test]
fn a_row_that_goes_before_anybody_knew_of_it_was_nobodys() {
    let put = || history().is_to_be_initialized("a", OnExit::Restart).puts("a", OnExit::Restart);
    let gone =
        |scenario: History| scenario.is_off_the_disk("a").goes_down(Down::Crash).boots().after(Duration::from_secs(9));
    gone(put()).holds();
    gone(put().initializing_is_answered("a")).breaks(Rule::X(How::Down, OnExitKind::Restart));
}

#[test]
fn a_removal_that_shows_at_the_boot_has_taken_effect() {
    let scenario = restart().is_killed_by("terminal", "a").goes_down(Down::Crash).is_off_the_disk("a").boots();
    scenario.starts("a").breaks(Rule::X(How::Kill, OnExitKind::Restart));
    let scenario = requests().panics("a").goes_down(Down::Crash).is_off_the_disk("a").boots();
    scenario.starts("b").holds();
}

#[test]
fn a_row_that_is_lost_in_a_back_off_breaks_the_cell_of_the_next_boot() {
    let lost = restart().under(BackOff::Hyperdrive19).panics("a").is_off_the_disk("a");
    lost.goes_down(Down::Crash).boots().breaks(Rule::X(How::Down, OnExitKind::Restart));
}

#[test]
fn a_back_off_is_waited_for_and_comes_to_an_end() {
    let waiting = || restart().under(BackOff::Hyperdrive19).panics("a");
    waiting().after(Duration::from_secs(2)).starts("a").holds();
    // S5: only a process that has restarted before waits longer than a first restart does.
    waiting().after(Duration::from_secs(600)).starts("a").breaks(Rule::S5);
    waiting().breaks(Rule::X(How::Panic, OnExitKind::Restart));
}

#[test]
fn a_requests_process_fires_and_is_gone() {
    fires_both(requests().returns("a").is_off_the_disk("a")).holds();
    fires_both(requests().panics("a").is_off_the_disk("a")).holds();
    let killed = requests().is_killed_by("terminal", "a").is_off_the_disk("a");
    fires_both(killed).killing_is_answered("a").holds();
    fires_both(requests().goes_down(Down::Crash).boots().is_off_the_disk("a").starts("b")).holds();
}

#[test]
fn a_requests_process_that_keeps_silent_breaks_its_cell() {
    requests().returns("a").is_off_the_disk("a").breaks(Rule::X(How::Return, OnExitKind::Requests));
    requests()
        .panics("a")
        .is_off_the_disk("a")
        .fires("a", "b", "one")
        .breaks(Rule::X(How::Panic, OnExitKind::Requests));
    requests()
        .is_killed_by("terminal", "a")
        .is_off_the_disk("a")
        .panics("b")
        .starts("b")
        .breaks(Rule::X(How::Kill, OnExitKind::Requests));
    let booted = requests().goes_down(Down::Crash).boots().is_off_the_disk("a").starts("b");
    booted.breaks(Rule::X(How::Down, OnExitKind::Requests));
}

#[test]
fn a_requests_process_that_starts_again_breaks_its_cell() {
    let fired = |scenario: History| fires_both(scenario.is_off_the_disk("a")).starts("a");
    fired(requests().returns("a")).breaks(Rule::X(How::Return, OnExitKind::Requests));
    fired(requests().panics("a")).breaks(Rule::X(How::Panic, OnExitKind::Requests));
    fired(requests().is_killed_by("terminal", "a")).breaks(Rule::X(How::Kill, OnExitKind::Requests));
    requests().goes_down(Down::Crash).boots().starts("b").starts("a").breaks(Rule::X(How::Down, OnExitKind::Requests));
}

#[test]
fn requests_are_lost_in_a_crash_between_the_write_and_the_kernel() {
    requests().panics("a").is_off_the_disk("a").goes_down(Down::Crash).boots().starts("b").holds();
    let heard = requests().panics("a").is_off_the_disk("a").panics("b").starts("b").goes_down(Down::Crash);
    heard.boots().starts("b").breaks(Rule::X(How::Panic, OnExitKind::Requests));
}

#[test]
fn nobody_fires_at_a_boot_before_all_are_up() {
    let booted = requests().goes_down(Down::Crash).boots().is_off_the_disk("a");
    fires_both(booted).starts("b").breaks(Rule::X(How::Down, OnExitKind::Requests));
}

#[test]
fn what_was_set_is_durable_when_the_call_returns() {
    let set = || none().sets_on_exit("a", OnExit::Restart);
    set().puts("a", OnExit::Restart).call_returns("a", CallKind::SetOnExit).panics("a").starts("a").holds();
    set().call_returns("a", CallKind::SetOnExit).breaks(Rule::E8);
}

#[test]
fn the_value_in_force_at_the_exit_counts() {
    let set = none().sets_on_exit("a", OnExit::Restart).puts("a", OnExit::Restart);
    set.call_returns("a", CallKind::SetOnExit)
        .panics("a")
        .is_off_the_disk("a")
        .breaks(Rule::X(How::Panic, OnExitKind::Restart));
}

#[test]
fn a_boot_fires_when_what_ended_is_off_the_disk_and_what_restarts_is_up() {
    let boots = || requests().goes_down(Down::Crash).boots();
    fires_both(boots().is_off_the_disk("a").starts("b")).holds();
    fires_both(boots().is_off_the_disk("a")).starts("b").breaks(Rule::E4b);
    fires_both(boots().starts("b")).is_off_the_disk("a").breaks(Rule::E4b);
}

#[test]
fn a_boot_takes_all_that_ended_off_the_disk_in_one_write() {
    let two = || history().runs("a", OnExit::None).runs("b", OnExit::None).goes_down(Down::Crash).boots();
    two().is_off_the_disk("a").is_off_the_disk("b").holds();
    two().is_off_the_disk("a").after(Duration::from_millis(1)).is_off_the_disk("b").breaks(Rule::E4b);
}

#[test]
fn an_on_exit_request_expects_no_response_of_whatever_form() {
    let gone = || requests().panics("a").is_off_the_disk("a");
    fires_both(gone()).holds();
    gone().fires_for_another("a", "b", "one").fires("a", "b", "two").breaks(Rule::E4);
}

#[test]
fn nobody_speaks_for_who_lives() {
    let lives = || requests().calls("a", CallKind::Receive);
    lives().fires("a", "b", "one").breaks(Rule::E4);
    let restarted = || history().runs("b", OnExit::None).runs("a", OnExit::Restart).may_message("a", "b");
    restarted().panics("a").starts("a").fires("a", "b", "one").breaks(Rule::E4);
    restarted().tells("a", "b", "one").holds();
}
