//! Rules of the contract that the public runtimes break, where no other chapter shows it.

use super::{ALICE, DEMO, KERNEL, alice, kernel, leaving, scenario, to_ask, to_tell};
use kernel_core::{Duration, OnExitKind};
use sim::package::Package;
use sim::scenario::{
    Program, Scenario, alive, answers, ask, gone, initialize, lives, millis, on, prints, run, secs, start, tell,
};
use sim::trace::coverage::COLUMNS;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        a_name_not_wasted(),
        a_name_of_somebody_else(),
        in_order_across_the_run(),
        a_hundred_before_the_run(),
        illegible_last_words(),
        a_right_claimed(),
        a_picture_kept(),
        two_questions_from_one(),
    ]
}

/// S2: what is not valid leaves no trace.
fn a_name_not_wasted() -> Scenario {
    let (actor, friend) = (alice("actor"), alice("friend"));
    let text = Program { name: "text".to_string(), native: None, wasm: Some((*b"no Wasm at all").into()) };
    scenario(
        "a-name-not-wasted",
        "Code that is not valid is answered with an error and leaves nothing behind: no process has its name, and \
         valid code is initialized under it right after.",
    )
    .programs([text])
    .lasting(secs(8), secs(10))
    .setup(start(friend.runs("puppet").restarting().messaging(&actor.process)))
    .at(millis(1_500), initialize(actor.runs("text").restarting().public()))
    .at(millis(2_500), run(&actor))
    .every(secs(1), 7, tell(&friend, &to_ask(&actor, 1, "respond on stage")))
    .at(millis(4_500), start(actor.runs("puppet").restarting().public().messaging(&friend.process)))
    .expect(answers(kernel(ALICE), r#""InitializeProcessError""#))
    .expect(answers(kernel(ALICE), r#""RunProcessError""#))
    .expect(prints(&friend, "respond on stage: timeout", 4))
    .expect(prints(&friend, "respond on stage: answered on stage", 3))
    .expect(lives(&actor, 1))
    .expect(alive(&actor))
}

/// S6, C2.
fn a_name_of_somebody_else() -> Scenario {
    let (parent, stranger) = (alice("parent"), alice("stranger"));
    let package = Package::new(DEMO, "[]").file("/child.wasm", "puppet");
    let raise = |name: &str| tell(&parent, &format!("raise {name} /{DEMO}/pkg/child.wasm restart"));
    scenario(
        "a-name-of-somebody-else",
        "A spawn under a name that is taken gives its caller nothing: it may not message the process that has the \
         name, which notices nothing. It may message a child of its own.",
    )
    .package(ALICE, package)
    .lasting(secs(7), secs(10))
    .setup(start(parent.runs("parent").restarting()))
    .setup(start(stranger.runs("puppet").restarting()))
    .at(millis(1_500), raise("stranger"))
    .at(millis(2_500), raise("child"))
    .every(secs(1), 6, tell(&parent, "ask stranger 1 respond do I know you?"))
    .every(secs(1), 6, tell(&parent, "ask child 1 respond yes?"))
    .expect(prints(&parent, "not raised: name-taken", 1))
    .expect(prints(&parent, "stranger is gone: timeout", 6))
    .expect(prints(&parent, "child answered yes?", 4))
    .expect(lives(&stranger, 1))
    .expect(lives(alice("child"), 1))
}

/// S4, M2: between the run and the first instruction there is time for more to come.
fn in_order_across_the_run() -> Scenario {
    let (late, friend) = (alice("late"), alice("friend"));
    let says = |orders: &[&str]| {
        tell(&friend, &orders.iter().map(|order| to_tell(&late, order)).collect::<Vec<_>>().join("\n"))
    };
    scenario(
        "in-order-across-the-run",
        "Messages that came before RunProcess are delivered after the start, and before those that come later: the \
         last order is the one that counts.",
    )
    .lasting(secs(6), secs(10))
    .setup(start(friend.runs("puppet").restarting()))
    .setup(initialize(late.runs("puppet").restarting().public()))
    .at(secs(1), says(&["save-state one"]))
    .at(secs(2), says(&["print-state", "save-state two"]))
    .at(secs(3), run(&late))
    // It starts in ten milliseconds.
    .at(Duration::from_micros(3_000_300), says(&["print-state", "save-state three"]))
    .at(millis(3_006), says(&["print-state", "save-state four"]))
    .at(secs(4), says(&["print-state"]))
    .expect(prints(&late, "state: one", 1))
    .expect(prints(&late, "state: two", 1))
    .expect(prints(&late, "state: three", 1))
    .expect(prints(&late, "state: four", 1))
}

/// S4, M5: more than the channel of any runtime holds.
fn a_hundred_before_the_run() -> Scenario {
    let (late, friend) = (alice("late"), alice("friend"));
    let nothing = vec![to_tell(&late, ""); 52].join("\n");
    scenario(
        "a-hundred-before-the-run",
        "Messages that arrive between InitializeProcess and RunProcess wait, however many: the request behind a \
         hundred others is answered after the run.",
    )
    .lasting(secs(6), secs(10))
    .setup(start(friend.runs("puppet").restarting().public().messaging(&late.process)))
    .setup(initialize(late.runs("puppet").restarting().public().messaging(&friend.process)))
    .at(millis(500), tell(&friend, &nothing))
    .at(secs(1), tell(&friend, &nothing))
    .at(millis(1_500), tell(&friend, &to_ask(&late, 4, "respond I have read it all")))
    .at(secs(3), run(&late))
    .at(secs(4), ask(&friend, "respond here"))
    .expect(prints(&friend, "respond I have read it all: answered I have read it all", 1))
    .expect(answers(&friend, "here"))
    .expect(lives(&late, 1))
}

/// X.panic, E1.
fn illegible_last_words() -> Scenario {
    let (witness, friend) = (alice("witness"), alice("friend"));
    let wasm = Some(include_bytes!("mumbler.wat").as_slice().into());
    let mut scenario = scenario(
        "illegible-last-words",
        "A panic whose message is not text is a panic like any other: the on-exit value is honoured.",
    )
    .programs([Program { name: "mumbler".to_string(), native: None, wasm }])
    .lasting(secs(6), secs(10))
    .setup(start(witness.runs("puppet").restarting()))
    .setup(start(friend.runs("puppet").restarting()))
    .expect(prints(&witness, "it is gone", 1));
    for on_exit in COLUMNS {
        let mumbler = alice(name(on_exit));
        let comes_back = on_exit == OnExitKind::Restart;
        scenario = scenario
            .setup(start(leaving(mumbler.runs("mumbler").public(), on_exit, &witness, "print it is gone")))
            .at(millis(2_500), tell(&friend, &to_tell(&mumbler, "speak up")))
            .expect(lives(&mumbler, 1 + u32::from(comes_back)))
            .expect(if comes_back { alive(&mumbler) } else { gone(&mumbler) });
    }
    scenario
}

/// A process named after its on-exit behaviour.
fn name(on_exit: OnExitKind) -> &'static str {
    match on_exit {
        OnExitKind::None => "none",
        OnExitKind::Restart => "restart",
        OnExitKind::Requests => "requests",
    }
}

/// C3, C4, K1.
fn a_right_claimed() -> Scenario {
    let (claimant, safe) = (alice("claimant"), alice("safe"));
    let right = |issuer: &str| format!(r#"{issuer} "messaging""#);
    let root = on(ALICE, KERNEL);
    scenario(
        "a-right-claimed",
        "A capability cannot be forged: a process saves one that it was never given, and holds nothing more. One that \
         it is given it may save, and use in its next life.",
    )
    .lasting(secs(9), secs(10))
    .setup(start(safe.runs("puppet").restarting().messaging(&claimant.process)))
    .setup(start(claimant.runs("puppet").restarting()))
    .at(
        millis(1_500),
        tell(&claimant, &format!("claim {}\nclaim {}", right(&safe.to_string()), right(&root.to_string()))),
    )
    .every(secs(1), 8, tell(&claimant, &to_ask(&safe, 1, "respond ajar")))
    .at(millis(2_500), tell(&claimant, &to_ask(&root, 1, &format!(r#"{{"KillProcess":"{}"}}"#, safe.process))))
    .at(millis(3_500), tell(&safe, &format!("give {claimant} {} print thank you", right(&safe.to_string()))))
    .at(millis(4_500), tell(&safe, &format!("give {claimant} {} keep", right(&safe.to_string()))))
    .at(millis(6_500), tell(&claimant, "panic on purpose"))
    .expect(prints(&claimant, "respond ajar: timeout", 4))
    .expect(prints(&claimant, "respond ajar: answered ajar", 4))
    .expect(lives(&claimant, 2))
    .expect(alive(&safe))
}

/// M3: blobs.
fn a_picture_kept() -> Scenario {
    let (viewer, friend) = (alice("viewer"), alice("friend"));
    let shows = |picture: &str, orders: &str| tell(&friend, &format!("blob {picture} {viewer} {orders}"));
    scenario(
        "a-picture-kept",
        "A message's blob is there until the next message is received, whatever is saved or read meanwhile. A message \
         without a blob has none, whatever came before.",
    )
    .lasting(secs(7), secs(10))
    .setup(start(viewer.runs("puppet").restarting()))
    .setup(start(friend.runs("puppet").restarting().messaging(&viewer.process)))
    .at(secs(1), shows("a-cat", "print-blob & save-state seen & print-blob"))
    .at(secs(2), tell(&viewer, "print-blob\nprint-state\nprint-blob"))
    .at(secs(3), shows("a-dog", "clear-state & print-state & print-blob"))
    .at(secs(4), tell(&viewer, "save-state nothing\nprint-blob"))
    .expect(prints(&viewer, "blob: a-cat", 2))
    .expect(prints(&viewer, "blob: a-dog", 1))
    .expect(prints(&viewer, "blob: none", 3))
}

/// M1, M3: inheritance.
fn two_questions_from_one() -> Scenario {
    let (clerk, quick, slow) = (alice("clerk"), alice("quick"), alice("slow"));
    let questions = format!("inherit {slow} 3 what do you say?\ninherit {quick} 3 respond yes\nrespond I will ask");
    scenario(
        "two-questions-from-one",
        "A request that inherits and expects a response is a new request: of two that one message prompts, each \
         settles once, with its own context.",
    )
    .lasting(secs(9), secs(10))
    .setup(start(quick.runs("puppet").restarting().messaging(&clerk.process)))
    .setup(start(slow.runs("idle").restarting()))
    .setup(start(clerk.runs("puppet").restarting().messaging(&quick.process).messaging(&slow.process)))
    .every(secs(2), 3, ask(&clerk, &questions))
    .expect(answers(&clerk, "I will ask"))
    .expect(prints(&clerk, "respond yes: answered yes", 3))
    .expect(prints(&clerk, "what do you say?: timeout", 3))
}
