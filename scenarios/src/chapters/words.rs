//! What a message carries, and what a life remembers of it (M3, E10).

use super::{ALICE, alice, kernel, scenario, to_ask, to_tell};
use sim::scenario::{Scenario, lives, millis, prints, secs, start, tell};

pub(super) fn all() -> Vec<Scenario> {
    vec![a_question_passed_on(), nothing_carried_over(), a_picture_left_behind(), a_mind_often_changed()]
}

/// M3: inheritance, rsvp, blob, context, metadata.
fn a_question_passed_on() -> Scenario {
    let (asker, front, back) = (alice("asker"), alice("front"), alice("back"));
    scenario(
        "a-question-passed-on",
        "A request that inherits and expects no response is the request that prompted it, passed on: its receiver \
         answers the first sender, not the process in between. A blob goes along.",
    )
    .lasting(secs(10), secs(10))
    .setup(start(back.runs("puppet").restarting().public()))
    .setup(start(front.runs("puppet").restarting().public().messaging(&back.process)))
    .setup(start(asker.runs("puppet").restarting().public().messaging(&front.process)))
    .every(secs(2), 4, tell(&asker, &to_ask(&front, 1, &format!("pass {back} respond the back speaks"))))
    .every(secs(2), 4, tell(&asker, &to_ask(&front, 2, "respond the front speaks")))
    .every(secs(2), 4, tell(&asker, &format!("note urgent {} print read it", front)))
    .every(secs(3), 3, tell(&asker, &format!("blob picture {front} pass {back} print-blob")))
    .expect(prints(&asker, &format!("pass {back} respond the back speaks: answered the back speaks"), 4))
    .expect(prints(&asker, "respond the front speaks: answered the front speaks", 4))
    .expect(prints(&front, "read it", 4))
    .expect(prints(&back, "blob: picture", 3))
}

/// E10, S5.
fn nothing_carried_over() -> Scenario {
    let (keeper, friend) = (alice("keeper"), alice("friend"));
    let right = format!(r#"{ALICE}@friend:demo:alice.os "messaging""#);
    scenario(
        "nothing-carried-over",
        "A life knows nothing of what the one before was asked, given and shown: it has no last blob, nobody to \
         answer, and may not save capabilities that came to the life before.",
    )
    .lasting(secs(10), secs(10))
    .setup(start(keeper.runs("puppet").restarting().public()))
    .setup(start(friend.runs("puppet").restarting().messaging(&keeper.process)))
    .at(millis(1_500), tell(&friend, &format!("blob picture {keeper} print-last-blob & panic on purpose")))
    .at(millis(2_500), tell(&keeper, "print-last-blob"))
    .at(millis(3_500), tell(&friend, &to_ask(&keeper, 3, "panic on purpose")))
    .at(millis(4_500), tell(&keeper, "respond to whom?"))
    .at(millis(5_500), tell(&friend, &format!("give {keeper} {right} panic on purpose")))
    .at(millis(6_500), tell(&keeper, &format!("claim {right}")))
    .at(millis(7_500), tell(&keeper, &to_ask(&friend, 1, "respond come in")))
    .expect(prints(&keeper, "last blob: picture", 1))
    .expect(prints(&keeper, "last blob: none", 1))
    .expect(prints(&friend, "panic on purpose: timeout", 1))
    .expect(prints(&keeper, "respond come in: timeout", 1))
    .expect(lives(&keeper, 4))
}

/// E4: on-exit requests are requests, blobs included.
fn a_picture_left_behind() -> Scenario {
    let (painter, heir) = (alice("painter"), alice("heir"));
    let request = format!(r#"{{"inherit":false,"body":{:?},"capabilities":[]}}"#, b"print-blob");
    let will = format!(
        r#"{{"SetOnExit":{{"target":"{}","on_exit":{{"Requests":[["{heir}",{request},{{"mime":null,"bytes":{:?}}}]]}}}}}}"#,
        painter.process, b"a picture"
    );
    scenario("a-picture-left-behind", "An on-exit request is a request like any other and brings its blob along.")
        .lasting(secs(6), secs(10))
        .setup(start(heir.runs("puppet").restarting()))
        .setup(start(painter.runs("puppet").messaging(&heir.process)))
        .setup(tell(kernel(ALICE), &will))
        .every(secs(1), 4, tell(&painter, &to_tell(&heir, "print it is not finished")))
        .at(millis(4_500), tell(&painter, "return"))
        .expect(prints(&heir, "blob: a picture", 1))
}

/// E8, P2.
fn a_mind_often_changed() -> Scenario {
    let (fickle, heir) = (alice("fickle"), alice("heir"));
    let requests = format!("on-exit requests {heir} print it is gone");
    scenario(
        "a-mind-often-changed",
        "Each value given to set-on-exit is durable when the call returns, and is in force from then on.",
    )
    .lasting(secs(10), secs(10))
    .setup(start(heir.runs("puppet").restarting()))
    .setup(start(fickle.runs("puppet").messaging(&heir.process)))
    .every(millis(600), 14, tell(&fickle, &format!("{requests}\non-exit none\non-exit restart\nprint-on-exit")))
    .at(millis(9_500), tell(&fickle, &format!("{requests}\npanic on purpose")))
    .expect(prints(&fickle, "on-exit: restart", 14))
    .expect(prints(&heir, "it is gone", 1))
}
