//! Two nodes, and the network between them (C1, M).

use super::{ALICE, BOB, KERNEL, alice, bob, scenario, to_ask, to_tell};
use sim::plan::Down;
use sim::scenario::{Scenario, alive, cut, down, lives, millis, prints, secs, start, tell};

pub(super) fn all() -> Vec<Scenario> {
    vec![a_chat_through_crashes(), a_word_with_a_stranger()]
}

/// M1, M4, E10.
fn a_chat_through_crashes() -> Scenario {
    let (here, there) = (alice("chat"), bob("chat"));
    scenario(
        "a-chat-through-crashes",
        "Two nodes chat while one crashes, the other loses power, and the link between them is cut. Each line is \
         heard, times out, or meets offline, and settles once.",
    )
    .node(BOB)
    .lasting(secs(16), secs(12))
    .setup(start(here.runs("chat").restarting().networking()))
    .setup(start(there.runs("chat").restarting().networking()))
    .every(secs(1), 15, tell(&here, "say bob.os hello"))
    .every(millis(1_500), 9, tell(&there, "say alice.os hi"))
    .at(millis(3_250), down(BOB, Down::Crash))
    .at(millis(7_250), down(ALICE, Down::PowerLoss))
    .at(millis(11_250), cut(ALICE, BOB, secs(2)))
    .expect(lives(&here, 2))
    .expect(lives(&there, 2))
    .expect(alive(&here))
    .expect(alive(&there))
    // Said at 4 s and 5 s: bob is down.
    .expect(prints(&here, "hello met offline", 2))
    // Said at 12 s and 13 s: the link is cut, and the sender cannot know.
    .expect(prints(&here, "hello met timeout", 2))
}

/// C1 between nodes.
fn a_word_with_a_stranger() -> Scenario {
    let (connected, local) = (alice("connected"), alice("local"));
    let (public, private) = (bob("public"), bob("private"));
    scenario(
        "a-word-with-a-stranger",
        "Across nodes, sender and receiver each need the network capability of their own kernel. A refused request \
         times out: at once, if its own node refuses it.",
    )
    .node(BOB)
    .lasting(secs(8), secs(10))
    .setup(start(public.runs("puppet").restarting().networking()))
    .setup(start(private.runs("puppet").restarting().public()))
    .setup(start(connected.runs("puppet").restarting().networking()))
    .setup(start(local.runs("puppet").restarting().messaging(KERNEL)))
    .every(secs(1), 6, tell(&connected, &to_ask(&public, 2, "respond welcome")))
    .every(secs(2), 3, tell(&connected, &to_ask(&private, 1, "respond come in")))
    .every(secs(2), 3, tell(&local, &to_ask(&public, 2, "respond welcome")))
    .at(millis(4_500), tell(&local, &to_tell(&public, "print I got out")))
    .expect(prints(&connected, "respond welcome: answered welcome", 6))
    .expect(prints(&connected, "respond come in: timeout", 3))
    .expect(prints(&local, "respond welcome: timeout", 3))
    .expect(prints(&public, "I got out", 0))
}
