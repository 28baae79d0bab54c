//! How processes start, and that every start is like every other (S).

use super::{ALICE, alice, kernel, scenario, to_ask, to_tell};
use sim::plan::Down;
use sim::scenario::{
    Program, Scenario, alive, answers, ask, down, gone, initialize, lives, millis, prints, run, secs, start, tell,
};

pub(super) fn all() -> Vec<Scenario> {
    vec![every_start_is_alike(), what_comes_before_run_waits(), only_what_is_valid_starts(), a_timer_of_a_dead_life()]
}

/// S5, S7: the five starts of one process, by hand, after a return and a panic, and after two boots.
fn every_start_is_alike() -> Scenario {
    let (phoenix, silent) = (alice("phoenix"), alice("silent"));
    let looks_around = || tell(&phoenix, "print-state\nprint-on-exit\nprint-capabilities\nprint-blob");
    let leaves_a_question = || tell(&phoenix, &to_ask(&silent, 2, "will you wait?"));
    scenario(
        "every-start-is-alike",
        "After a return, a panic, a crash or a shutdown, a process starts with what it had at its first start. To the \
         kernel and to the process code there is no difference.",
    )
    .lasting(secs(16), secs(10))
    .setup(start(silent.runs("idle").restarting()))
    .setup(start(phoenix.runs("puppet").restarting().messaging(&silent.process)))
    .setup(ask(&phoenix, "save-state ashes\nrespond saved"))
    .every(secs(3), 5, looks_around())
    .every(secs(3), 5, leaves_a_question())
    .at(secs(4), tell(&phoenix, "return"))
    .at(secs(7), tell(&phoenix, "panic on purpose"))
    .at(secs(10), down(ALICE, Down::Crash))
    .at(secs(13), down(ALICE, Down::Shutdown))
    .expect(lives(&phoenix, 5))
    .expect(prints(&phoenix, "state: ashes", 5))
    .expect(prints(&phoenix, "on-exit: restart", 5))
    .expect(prints(&phoenix, &format!("capability: {silent} \"messaging\""), 5))
    .expect(prints(&phoenix, "blob: none", 5))
    // Each life's request dies with it (E10); only the last life sees its own time out.
    .expect(prints(&phoenix, "will you wait?: timeout", 1))
}

/// S4.
fn what_comes_before_run_waits() -> Scenario {
    let (late, friend) = (alice("late"), alice("friend"));
    scenario(
        "what-comes-before-run-waits",
        "Messages that arrive between InitializeProcess and RunProcess wait, and are delivered after the start, in \
         order. A second RunProcess is answered with an error and changes nothing.",
    )
    .lasting(secs(8), secs(10))
    .setup(start(friend.runs("puppet").restarting().public().messaging(&late.process)))
    .at(secs(1), initialize(late.runs("puppet").restarting().public()))
    .at(secs(2), tell(&friend, &to_ask(&late, 5, "respond at last")))
    .at(millis(2_500), tell(&friend, &to_tell(&late, "print two")))
    .at(secs(3), tell(&late, "print three"))
    .at(secs(4), run(&late))
    // It is started, and has not come to its first call.
    .at(millis(4_005), tell(&friend, &to_tell(&late, "print in a hurry")))
    .at(secs(5), tell(&late, "print four"))
    .at(secs(6), run(&late))
    .expect(lives(&late, 1))
    .expect(prints(&late, "four", 1))
    .expect(prints(&friend, "respond at last: answered at last", 1))
    .expect(prints(&late, "two", 1))
    .expect(answers(kernel(ALICE), r#""RunProcessError""#))
}

/// E10: "a timer set by a dead life answers nobody".
fn a_timer_of_a_dead_life() -> Scenario {
    let sleeper = alice("sleeper");
    let sets = tell(&sleeper, &format!("ask {ALICE}@timer:distro:sys 5 {{\"SetTimer\":2000}}"));
    scenario(
        "a-timer-of-a-dead-life",
        "A process sets a timer and panics, or loses its node, before it rings. A timer outlives the life that set it, \
         but not the node; the next life receives only the timers that it sets itself.",
    )
    .lasting(secs(14), secs(10))
    .setup(start(sleeper.runs("puppet").restarting().public()))
    .every(secs(3), 4, sets)
    .at(secs(4), tell(&sleeper, "panic on purpose"))
    .at(secs(7), down(ALICE, Down::Crash))
    .expect(lives(&sleeper, 3))
    .expect(prints(&sleeper, r#"{"SetTimer":2000}: answered "#, 2))
}

/// S2, S3.
fn only_what_is_valid_starts() -> Scenario {
    let (impostor, nonsense) = (alice("subject"), alice("nonsense"));
    let subject = alice("subject");
    let text = Program { name: "text".to_string(), native: None, wasm: Some((*b"no Wasm at all").into()) };
    scenario(
        "only-what-is-valid-starts",
        "Valid code enters the kernel's process table. Code that is not valid, and an id that is taken, are answered \
         with an error and leave the table as it was.",
    )
    .programs([text])
    .lasting(secs(8), secs(10))
    .setup(start(subject.runs("puppet").restarting()))
    .at(secs(1), start(nonsense.runs("text").restarting()))
    .at(secs(3), start(impostor.runs("idle")))
    .every(secs(2), 3, ask(&subject, "respond still me"))
    .expect(answers(kernel(ALICE), r#""InitializeProcessError""#))
    .expect(answers(&subject, "still me"))
    .expect(gone(&nonsense))
    .expect(alive(&subject))
    .expect(lives(&subject, 1))
}
