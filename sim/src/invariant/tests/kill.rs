//! E5, K1 and K2.

use crate::invariant::tests::history::{History, history};
use crate::plan::Down;
use kernel_core::{BackOff, OnExit, Rule};

fn restart() -> History {
    history().runs("a", OnExit::Restart)
}

#[test]
fn the_dead_stay_dead_until_they_are_initialized_anew() {
    let dead = || restart().is_killed_by("terminal", "a").is_off_the_disk("a").killing_is_answered("a");
    dead().goes_down(Down::Crash).boots().holds();
    dead().runs("a", OnExit::Restart).holds();
    dead().goes_down(Down::Crash).boots().starts("a").breaks(Rule::E5);
    dead().fires("a", "terminal", "not dead yet").breaks(Rule::E5);
}

#[test]
fn no_back_off_brings_back_the_dead() {
    let dead = || restart().under(BackOff::Hyperdrive19).panics("a").is_to_be_killed_by("terminal", "a");
    dead().is_off_the_disk("a").killing_is_answered("a").holds();
    dead().is_off_the_disk("a").starts("a").breaks(Rule::E5);
}

#[test]
fn a_death_that_was_answered_and_not_written_is_no_death() {
    let answered = || restart().is_killed_by("terminal", "a").killing_is_answered("a");
    answered().is_off_the_disk("a").breaks(Rule::K2);
    answered().goes_down(Down::Crash).boots().starts("a").breaks(Rule::E5);
}

#[test]
fn a_row_that_a_power_loss_brings_back_stays_dead() {
    let dead = restart().is_killed_by("terminal", "a").is_off_the_disk("a").killing_is_answered("a");
    dead.goes_down(Down::PowerLoss).puts("a", OnExit::Restart).boots().starts("a").breaks(Rule::E5);
}

#[test]
fn a_process_killed_before_its_row_is_durable_never_starts() {
    let killed = || {
        let asked = history().is_to_be_initialized("a", OnExit::Restart).is_to_be_killed_by("terminal", "a");
        asked.puts("a", OnExit::Restart).initializing_is_answered("a")
    };
    killed().is_off_the_disk("a").killing_is_answered("a").holds();
    killed().starts("a").breaks(Rule::E5);
}

#[test]
fn a_kill_of_nobody_is_answered_at_once_and_binds_nobody() {
    history().is_to_be_killed_by("terminal", "a").killing_is_answered("a").runs("a", OnExit::None).holds();
}

#[test]
fn who_lacks_the_right_kills_nobody() {
    let asked = || restart().runs("mallory", OnExit::Restart);
    asked().is_killed_by("mallory", "a").breaks(Rule::K1);
    let refused = || asked().is_to_be_killed_by("mallory", "a").command_is_dropped();
    refused().holds();
    refused().is_stopped("a").breaks(Rule::K1);
    refused().is_off_the_disk("a").killing_is_answered("a").breaks(Rule::K1);
}

#[test]
fn who_holds_root_kills() {
    let root = restart().runs("mallory", OnExit::Restart).may_message("mallory", "kernel");
    root.is_killed_by("mallory", "a").is_off_the_disk("a").killing_is_answered("a").holds();
}

#[test]
fn nobody_dies_unasked() {
    restart().is_stopped("a").is_off_the_disk("a").breaks(Rule::K1);
    history().initializes("a", OnExit::Restart).is_off_the_disk("a").breaks(Rule::K1);
}

#[test]
fn a_kill_of_nobody_is_not_dropped() {
    history().is_to_be_killed_by("terminal", "a").command_is_dropped().breaks(Rule::K5);
}
