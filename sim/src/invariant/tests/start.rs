//! S2 to S7.

use crate::invariant::tests::history::{History, history};
use crate::plan::Down;
use kernel_core::command::CommandAnswer::{RunProcessError, StartedProcess};
use kernel_core::{BackOff, CallKind, OnExit, Rule};

#[test]
fn what_is_not_valid_is_not_initialized() {
    let rubbish = || history().is_to_be_initialized_from_rubbish("a");
    rubbish().initializing_is_refused("a").holds();
    rubbish().puts("a", OnExit::None).initializing_is_answered("a").breaks(Rule::S2);
    rubbish().puts_no_code("a").breaks(Rule::S2);
}

#[test]
fn an_id_that_lives_is_not_initialized_again() {
    let again = || history().runs("a", OnExit::Restart).is_to_be_initialized("a", OnExit::Restart);
    again().initializing_is_refused("a").holds();
    again().initializing_is_answered("a").breaks(Rule::S2);
}

#[test]
fn an_id_that_waits_or_ends_is_not_initialized_again() {
    let waits = || history().initializes("a", OnExit::Restart);
    let ends = || history().runs("a", OnExit::None).panics("a");
    for taken in [waits, ends] as [fn() -> History; 2] {
        let again = || taken().is_to_be_initialized("a", OnExit::None);
        again().initializing_is_answered("a").breaks(Rule::S2);
    }
    ends().is_to_be_initialized("a", OnExit::None).initializing_is_refused("a").is_off_the_disk("a").holds();
}

#[test]
fn who_is_answered_to_be_started_starts() {
    let asked = || history().initializes("a", OnExit::Restart).is_to_be_run("a");
    asked().starts("a").running_is_answered("a", StartedProcess).holds();
    asked().running_is_answered("a", StartedProcess).breaks(Rule::S3);
    asked().running_is_answered("a", RunProcessError).breaks(Rule::S3);
}

#[test]
fn who_runs_is_not_run_again() {
    let again = || history().runs("a", OnExit::Restart).is_to_be_run("a");
    again().running_is_answered("a", RunProcessError).holds();
    again().running_is_answered("a", StartedProcess).breaks(Rule::S3);
    again().fires("kernel", "a", "run").takes("a", "run").breaks(Rule::S3);
}

#[test]
fn who_waits_out_a_back_off_is_not_run() {
    let waits = || history().under(BackOff::Hyperdrive19).runs("a", OnExit::Restart).panics("a").is_to_be_run("a");
    waits().running_is_answered("a", RunProcessError).starts("a").holds();
    waits().starts("a").running_is_answered("a", StartedProcess).breaks(Rule::S3);
    let killed = history().under(BackOff::Hyperdrive19).runs("a", OnExit::Restart).panics("a");
    let killed = killed.is_to_be_killed_by("terminal", "a").is_off_the_disk("a").killing_is_answered("a");
    let anew = killed.initializes("a", OnExit::Restart).is_to_be_run("a").starts("a");
    anew.running_is_answered("a", StartedProcess).holds();
}

/// `b` was told twice before its run.
fn early() -> History {
    let scenario = history().runs("a", OnExit::Restart).initializes("b", OnExit::Restart).may_message("a", "b");
    scenario.tells("a", "b", "one").tells("a", "b", "two")
}

#[test]
fn what_came_before_the_run_comes_first() {
    let run = || early().is_to_be_run("b").starts("b").running_is_answered("b", StartedProcess);
    run().tells("a", "b", "three").takes("b", "one").takes("b", "two").takes("b", "three").holds();
    run().tells("a", "b", "three").takes("b", "three").breaks(Rule::S4);
    run().takes("b", "two").breaks(Rule::S4);
    early().goes_down(Down::Crash).boots().starts("a").starts("b").calls("b", CallKind::Receive).holds();
}

#[test]
fn what_came_before_the_run_does_not_keep_it_from_running() {
    early().holds();
    early().is_to_be_run("b").running_is_answered("b", StartedProcess).breaks(Rule::S4);
}

#[test]
fn a_life_begins_from_what_is_durable_and_alone() {
    history().runs("a", OnExit::Restart).starts("a").breaks(Rule::S5);
    history().starts("a").breaks(Rule::S5);
}

#[test]
fn a_child_is_there_when_it_is_answered() {
    let parent = || history().runs("a", OnExit::Restart);
    parent().spawns("a", "b").holds();
    parent().calls_spawn("a", "b").puts("b", OnExit::None).is_answered_a_child("a", "b").breaks(Rule::S6);
    parent().raises("a", "b").is_answered_a_child("a", "b").breaks(Rule::S6);
    parent()
        .calls_spawn("a", "b")
        .puts("b", OnExit::None)
        .starts("b")
        .gain_each_other("a", "b")
        .is_answered_a_child("a", "b")
        .breaks(Rule::S6);
    parent().runs("b", OnExit::None).calls_spawn("a", "b").is_answered_a_child("a", "b").breaks(Rule::S6);
}

#[test]
fn a_child_that_could_not_be_spawned_is_not_there() {
    let asked = || history().runs("a", OnExit::Restart).calls_spawn("a", "b");
    asked().is_answered_no_file("a").holds();
    asked().puts("b", OnExit::None).is_answered_no_file("a").breaks(Rule::S6);
    asked().runs("b", OnExit::None).is_answered_no_file("a").holds();
    asked().puts("c", OnExit::Restart).is_answered_no_file("a").holds();
}

#[test]
fn a_child_has_what_was_asked_for_it() {
    let mut parent = history().runs("c", OnExit::None).runs("a", OnExit::Restart).may_message("a", "c");
    let right = parent.messaging("c");
    let lives = parent.calls_spawn_with("a", "b", vec![right]).puts("b", OnExit::Restart).gain_each_other("a", "b");
    lives.starts("b").is_answered_a_child("a", "b").breaks(Rule::S6);
    let mut parent = history().runs("c", OnExit::None).runs("a", OnExit::Restart).may_message("a", "c");
    let right = parent.messaging("c");
    let lives = parent.calls_spawn_with("a", "b", vec![right]).puts("b", OnExit::Restart).gain_each_other("a", "b");
    lives.gains("b", right).starts("b").is_answered_a_child("a", "b").holds();
}

#[test]
fn a_child_is_made_of_what_its_parent_may_read() {
    let parent = || history().runs("a", OnExit::Restart);
    let there = |parent: History| {
        let asked = parent.calls_spawn_of("a", "b", "/other:alice.os/pkg/child.wasm");
        let lives = asked.puts("b", OnExit::Restart).gain_each_other("a", "b").starts("b");
        lives.is_answered_a_child("a", "b")
    };
    there(parent()).breaks(Rule::S6);
    let may_read = |drive: &str| {
        let mut parent = parent();
        let right = parent.reading(drive);
        parent.is_granted("a", right).gains("a", right)
    };
    there(may_read("/other:alice.os/pkg")).holds();
    there(may_read("/other:alice.os/data")).breaks(Rule::S6);
    parent().calls_spawn_of("a", "b", "/other:alice.os/pkg/child.wasm").is_answered_no_file("a").holds();
}

#[test]
fn a_start_takes_time() {
    history().runs("a", OnExit::Restart).panics("a").starts("a").panics("a").starts("a").holds();
    history().runs("a", OnExit::Restart).panics("a").starts("a").panics_at_once("a").breaks(Rule::S7);
}
