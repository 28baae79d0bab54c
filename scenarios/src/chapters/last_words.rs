//! On-exit requests: their source, their targets, and the value that counts (E4, E8, E11, C5).

use super::{ALICE, alice, kernel, scenario, to_ask};
use sim::plan::Down;
use sim::scenario::{On, Scenario, ask, down, gone, kill, lives, millis, prints, secs, start, tell};

pub(super) fn all() -> Vec<Scenario> {
    vec![last_words_reach_whom_they_may(), nobody_to_tell(), the_last_word_counts(), an_inheritance(), a_wake()]
}

/// E4, C5.
fn last_words_reach_whom_they_may() -> Scenario {
    let (maker, heir, stranger) = (alice("maker"), alice("heir"), alice("stranger"));
    let silent = alice("silent");
    scenario(
        "last-words-reach-whom-they-may",
        "On-exit requests have the source and capabilities of the exiting process, and must meet the capability \
         requirements that applied when it was alive: the heir receives one, the stranger does not.",
    )
    .lasting(secs(8), secs(10))
    .setup(start(silent.runs("idle").restarting()))
    .setup(start(heir.runs("parent").restarting()))
    .setup(start(stranger.runs("parent").restarting()))
    .setup(start(
        maker
            .runs("puppet")
            .messaging(&silent.process)
            .messaging(&heir.process)
            .on_exit_telling(&heir.to_string(), "product one")
            .on_exit_telling(&stranger.to_string(), "product two")
            .on_exit_telling(&heir.to_string(), "product three"),
    ))
    .every(secs(1), 6, tell(&maker, &to_ask(&silent, 2, "any news?")))
    .at(millis(4_500), tell(&maker, "return"))
    .expect(prints(&heir, "got product one from maker", 1))
    .expect(prints(&heir, "got product three from maker", 1))
    .expect(prints(&stranger, "got product two from maker", 0))
    .expect(gone(&maker))
}

/// E4, E11: a dead target, and a target that is the exiting process itself.
fn nobody_to_tell() -> Scenario {
    let (first, second, silent) = (alice("first"), alice("second"), alice("silent"));
    let one = first
        .runs("puppet")
        .messaging(&silent.process)
        .messaging(&second.process)
        .on_exit_telling(&second.to_string(), "print the first is gone")
        .on_exit_telling(&first.to_string(), "print I live on in my own words");
    let other = second
        .runs("puppet")
        .messaging(&silent.process)
        .messaging(&first.process)
        .on_exit_telling(&first.to_string(), "print the second is gone");
    scenario(
        "nobody-to-tell",
        "An on-exit request whose target no longer runs is dropped. Of two processes that exit, the second has no \
         target left, and no process can tell itself.",
    )
    .lasting(secs(10), secs(10))
    .setup(start(silent.runs("idle").restarting()))
    .setup(start(one))
    .setup(start(other))
    .every(secs(1), 7, tell(&first, &to_ask(&silent, 2, "any news?")))
    .every(secs(1), 7, tell(&second, &to_ask(&first, 2, "respond well")))
    .at(millis(3_500), tell(&first, "panic on purpose"))
    .at(millis(6_500), kill(&second))
    .expect(prints(&second, "the first is gone", 1))
    .expect(prints(&first, "the second is gone", 0))
    .expect(prints(&first, "I live on in my own words", 0))
    .expect(prints(&second, "respond well: timeout", 3))
    .expect(lives(&first, 1))
    .expect(lives(&second, 1))
}

/// E8: whoever set it, the value in force at the exit counts.
fn the_last_word_counts() -> Scenario {
    let (fickle, heir, silent) = (alice("fickle"), alice("heir"), alice("silent"));
    let from_outside = format!(r#"{{"SetOnExit":{{"target":"{}","on_exit":"None"}}}}"#, fickle.process);
    scenario(
        "the-last-word-counts",
        "A process starts as None, sets Requests, then Restart, and is restarted. In its next life its owner sets None \
         for it, and that value decides how it ends.",
    )
    .lasting(secs(12), secs(10))
    .setup(start(silent.runs("idle").restarting()))
    .setup(start(heir.runs("puppet").restarting()))
    .setup(start(fickle.runs("puppet").messaging(&heir.process).messaging(&silent.process)))
    .every(secs(1), 10, tell(&fickle, &to_ask(&silent, 2, "any news?")))
    .at(millis(1_500), tell(&fickle, &format!("on-exit requests {heir} print it is gone")))
    .at(millis(3_500), tell(&fickle, "on-exit restart"))
    .at(millis(5_500), tell(&fickle, "panic on purpose"))
    .at(millis(7_500), tell(kernel(ALICE), &from_outside))
    .at(millis(8_500), tell(&fickle, "print-on-exit"))
    .at(millis(9_500), tell(&fickle, "panic on purpose"))
    .expect(lives(&fickle, 2))
    .expect(prints(&fickle, "on-exit: none", 1))
    .expect(prints(&heir, "it is gone", 0))
    .expect(gone(&fickle))
}

/// E4, C3: what the exiting process held goes along; what it did not hold cannot.
fn an_inheritance() -> Scenario {
    let (testator, heir, vault, safe) = (alice("testator"), alice("heir"), alice("vault"), alice("safe"));
    let inherit = vec![(&vault, "keep")];
    let usurp = vec![(&safe, "keep")];
    let will = will(&testator, &heir, &[inherit, usurp].concat());
    scenario(
        "an-inheritance",
        "On-exit requests have the capabilities of the exiting process: it leaves its heir the capability to message \
         the vault. It never held the one to message the safe, and cannot pass that on.",
    )
    .lasting(secs(10), secs(10))
    .setup(start(vault.runs("puppet").restarting().messaging(&heir.process).messaging(&testator.process)))
    .setup(start(safe.runs("puppet").restarting()))
    .setup(start(heir.runs("puppet").restarting()))
    .setup(start(testator.runs("puppet").messaging(&heir.process).messaging(&vault.process)))
    .setup(tell(kernel(ALICE), &will))
    .every(secs(1), 4, tell(&testator, &to_ask(&vault, 2, "respond to its owner")))
    .every(secs(1), 9, tell(&heir, &to_ask(&vault, 2, "respond open")))
    .every(secs(1), 9, tell(&heir, &to_ask(&safe, 2, "respond ajar")))
    .at(millis(4_500), kill(&testator))
    .expect(prints(&heir, "respond open: timeout", 4))
    .expect(prints(&heir, "respond open: answered open", 5))
    .expect(prints(&heir, "respond ajar: timeout", 9))
    .expect(gone(&testator))
}

/// `SetOnExit` to requests for the heir, each with a capability to message some process attached.
fn will(testator: &On, heir: &On, leaves: &[(&On, &str)]) -> String {
    let request = |(what, body): &(&On, &str)| {
        let capability = format!(r#"[{{"issuer":"{what}","params":"\"messaging\""}},[]]"#);
        let body = body.as_bytes();
        format!(r#"["{heir}",{{"inherit":false,"body":{body:?},"capabilities":[{capability}]}},null]"#)
    };
    let list: Vec<String> = leaves.iter().map(request).collect();
    let target = &testator.process;
    format!(r#"{{"SetOnExit":{{"target":"{target}","on_exit":{{"Requests":[{}]}}}}}}"#, list.join(","))
}

/// X.down.Requests, E4b: which processes a boot notifies.
fn a_wake() -> Scenario {
    let (departed, heir, friend) = (alice("departed"), alice("heir"), alice("friend"));
    scenario(
        "a-wake",
        "After the runtime went down, a Requests process notifies the services that restarted that it has exited. A None \
         friend did not restart, and receives nothing.",
    )
    .lasting(secs(9), secs(10))
    .setup(start(heir.runs("puppet").restarting()))
    .setup(start(friend.runs("puppet")))
    .setup(start(
        departed
            .runs("puppet")
            .messaging(&heir.process)
            .messaging(&friend.process)
            .on_exit_telling(&friend.to_string(), "print farewell")
            .on_exit_telling(&heir.to_string(), "print farewell"),
    ))
    .every(secs(1), 8, tell(&departed, &to_ask(&friend, 2, "print I do not answer")))
    .at(millis(3_500), down(ALICE, Down::PowerLoss))
    .at(millis(6_500), ask(&departed, "respond I am back"))
    .expect(prints(&heir, "farewell", 1))
    .expect(prints(&friend, "farewell", 0))
    .expect(gone(&departed))
    .expect(gone(&friend))
    .expect(lives(&heir, 2))
}
