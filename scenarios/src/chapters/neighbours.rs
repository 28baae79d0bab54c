//! Two nodes, and the network between them (C1, M).

use super::{ALICE, BOB, DEMO, KERNEL, alice, bob, scenario, to_ask, to_tell};
use sim::package::Package;
use sim::plan::Down;
use sim::scenario::{On, Scenario, alive, cut, down, gone, kill, lives, millis, prints, secs, start, tell};

pub(super) fn all() -> Vec<Scenario> {
    vec![a_chat_through_crashes(), a_word_with_a_stranger(), last_words_to_another_node(), a_child_that_talks_abroad()]
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

/// E4, E4b, C1 between nodes.
fn last_words_to_another_node() -> Scenario {
    let (first, second, third, local) = (alice("first"), alice("second"), alice("third"), alice("local"));
    let (heir, silent) = (bob("heir"), alice("silent"));
    let leaves = |who: &On, words: &str| {
        who.runs("puppet").messaging(&silent.process).on_exit_telling(&heir.to_string(), &format!("print {words}"))
    };
    scenario(
        "last-words-to-another-node",
        "On-exit requests go to another node: from a process that is killed, and, at the next boot, from one that went \
         down with its node. One without the network capability cannot send any, and those of the last meet a node \
         that is down.",
    )
    .node(BOB)
    .lasting(secs(12), secs(10))
    .setup(start(heir.runs("puppet").restarting().networking()))
    .setup(start(silent.runs("idle").restarting()))
    .setup(start(leaves(&first, "the first is gone").networking()))
    .setup(start(leaves(&second, "the second is gone").networking()))
    .setup(start(leaves(&local, "the local one is gone")))
    .every(secs(1), 5, tell(&first, &to_ask(&silent, 2, "any news?")))
    .at(millis(2_500), kill(&first))
    .at(millis(3_500), tell(&local, "panic on purpose"))
    .at(millis(4_500), down(ALICE, Down::PowerLoss))
    .at(millis(7_500), start(leaves(&third, "the third is gone").networking()))
    .at(millis(8_500), down(BOB, Down::Crash))
    .at(millis(9_500), tell(&third, "return"))
    .expect(prints(&heir, "the first is gone", 1))
    .expect(prints(&heir, "the second is gone", 1))
    .expect(prints(&heir, "the local one is gone", 0))
    .expect(prints(&heir, "the third is gone", 0))
    .expect(lives(&second, 1))
    .expect(gone(&third))
    .expect(lives(&heir, 2))
}

/// "A natural fit for long-lived child processes which engage in cross-network activity."
fn a_child_that_talks_abroad() -> Scenario {
    let (parent, child, friend) = (alice("parent"), alice("child"), bob("friend"));
    let package = Package::new(DEMO, "[]").file("/child.wasm", "puppet");
    let bears = format!(r#"child -restart -want={ALICE}@{KERNEL}|"network" child /{DEMO}/pkg/child.wasm"#);
    scenario(
        "a-child-that-talks-abroad",
        "A Restart child talks to another node, with the network capability that its parent has passed on. It panics, \
         and both nodes crash in turn; the child comes back with what it may do. When it is killed, nobody is \
         notified.",
    )
    .node(BOB)
    .package(ALICE, package)
    .lasting(secs(13), secs(10))
    .setup(start(friend.runs("puppet").restarting().networking()))
    .setup(start(parent.runs("puppet").restarting().networking()))
    .at(millis(500), tell(&parent, &bears))
    .every(secs(1), 12, tell(&parent, &to_tell(&child, &to_ask(&friend, 2, "respond hello"))))
    .every(secs(1), 12, tell(&friend, &to_ask(&child, 2, "respond and to you")))
    .at(millis(2_500), tell(&parent, &to_tell(&child, "panic on purpose")))
    .at(millis(4_500), down(ALICE, Down::Crash))
    .at(millis(7_500), down(BOB, Down::Crash))
    .at(millis(11_500), kill(&child))
    .expect(prints(&parent, "spawned child:demo:alice.os", 1))
    .expect(lives(&child, 3))
    .expect(lives(&parent, 2))
    .expect(gone(&child))
}
