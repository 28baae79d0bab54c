//! Capabilities passed on: what can be given, kept and dropped, and what lapses (C2–C4, E12, S6, K5).

use super::{ALICE, DEMO, alice, kernel, scenario, to_ask};
use sim::package::Package;
use sim::scenario::{On, Scenario, alive, answers, gone, kill, lives, millis, on, prints, secs, start, tell};

pub(super) fn all() -> Vec<Scenario> {
    vec![a_gift_of_ones_own(), rights_that_lapse(), a_child_as_it_was_asked_for(), what_cannot_be_killed()]
}

/// The capability to message a process, as orders to a puppet name it.
fn right(to: &On) -> String {
    format!(r#"{to} "messaging""#)
}

/// C3, C4: with a request and with a response.
fn a_gift_of_ones_own() -> Scenario {
    let (giver, heir) = (alice("giver"), alice("heir"));
    let (vault, chest, safe) = (alice("vault"), alice("chest"), alice("safe"));
    let asking = |whom: &On, body: &str| tell(&heir, &to_ask(whom, 1, &format!("respond {body}")));
    scenario(
        "a-gift-of-ones-own",
        "A process gives away capabilities that it holds, with a request and with a response, and cannot give one that \
         it does not hold. The receiver keeps a capability until it drops it.",
    )
    .lasting(secs(12), secs(10))
    .setup(start(vault.runs("puppet").restarting().messaging(&heir.process)))
    .setup(start(chest.runs("puppet").restarting().messaging(&heir.process)))
    .setup(start(safe.runs("puppet").restarting().messaging(&heir.process)))
    .setup(start(giver.runs("puppet").messaging(&heir.process).messaging(&vault.process).messaging(&chest.process)))
    .setup(start(heir.runs("puppet").messaging(&giver.process)))
    .every(secs(1), 11, asking(&vault, "the vault is open"))
    .every(secs(1), 11, asking(&chest, "the chest is open"))
    .every(secs(1), 11, asking(&safe, "the safe is open"))
    .at(millis(1_500), tell(&giver, &format!("give {heir} {} keep", right(&safe))))
    .at(millis(2_500), tell(&giver, &format!("give {heir} {} keep", right(&vault))))
    .at(millis(3_500), tell(&heir, &to_ask(&giver, 1, &format!("hand-over {} here", right(&chest)))))
    .at(millis(4_500), tell(&heir, &format!("claim {}", right(&chest))))
    .at(millis(5_500), tell(&heir, &to_ask(&giver, 1, &format!("hand-over {} there", right(&safe)))))
    .at(millis(6_500), tell(&heir, &format!("claim {}\nprint-capabilities", right(&safe))))
    .at(millis(8_500), tell(&heir, &format!("drop {}", right(&vault))))
    .expect(prints(&heir, "respond the vault is open: answered the vault is open", 6))
    .expect(prints(&heir, "respond the chest is open: answered the chest is open", 7))
    .expect(prints(&heir, "respond the safe is open: timeout", 11))
    .expect(prints(&heir, &format!("capability: {}", right(&chest)), 1))
    .expect(prints(&heir, &format!("capability: {}", right(&safe)), 0))
    .expect(alive(&heir))
}

/// E12: what an ended process issued is revoked everywhere, in messages not yet received too.
fn rights_that_lapse() -> Scenario {
    let (giver, keeper, silent) = (alice("giver"), alice("keeper"), alice("silent"));
    let (first, second) = (alice("first"), alice("second"));
    let give = |what: &On, body: &str| tell(&giver, &format!("give {keeper} {} {body}", right(what)));
    let here = |host: &On| start(host.runs("puppet").messaging(&giver.process).messaging(&keeper.process));
    scenario(
        "rights-that-lapse",
        "When a process ends, the capability to message it lapses in messages under way too: the keeper receives one \
         before it lapses and one that it has not saved. Neither works for a successor of the same name.",
    )
    .lasting(secs(12), secs(10))
    .setup(start(silent.runs("idle").restarting()))
    .setup(here(&first))
    .setup(here(&second))
    .setup(start(keeper.runs("puppet").restarting().messaging(&silent.process).messaging(&giver.process)))
    .setup(start(
        giver
            .runs("puppet")
            .restarting()
            .messaging(&keeper.process)
            .messaging(&first.process)
            .messaging(&second.process),
    ))
    .at(millis(1_500), give(&second, "print how kind"))
    .at(millis(2_500), tell(&keeper, &format!("await {silent} 3 a moment")))
    .at(millis(3_500), give(&first, "keep"))
    .at(millis(4_500), kill(&first))
    .at(millis(4_500), kill(&second))
    .at(millis(6_500), tell(&keeper, &format!("claim {}", right(&second))))
    .at(millis(7_500), here(&first))
    .at(millis(7_500), here(&second))
    .every(millis(900), 12, tell(&keeper, &to_ask(&first, 1, "respond come in")))
    .every(millis(900), 12, tell(&keeper, &to_ask(&second, 1, "respond come in")))
    .expect(prints(&keeper, "how kind", 1))
    .expect(prints(&keeper, "respond come in: timeout", 24))
    .expect(lives(&first, 2))
    .expect(lives(&second, 2))
}

/// S6, C2: a guest as an initializer.
fn a_child_as_it_was_asked_for() -> Scenario {
    let (parent, aunt, stranger) = (alice("parent"), alice("aunt"), alice("stranger"));
    let (vault, safe) = (alice("vault"), alice("safe"));
    let (child, sibling) = (alice("child"), alice("sibling"));
    let package = Package::new(DEMO, "[]").file("/child.wasm", "puppet");
    let spawn = |child: &On, end: &str, wanted: &On| {
        let name = child.process.split(':').next().unwrap_or_default();
        let order =
            format!(r#"spawn {name} /{DEMO}/pkg/child.wasm {end} {} {} "messaging""#, right(wanted), aunt.process);
        tell(&parent, &order)
    };
    let asking = |who: &On, whom: &On, body: &str| tell(who, &to_ask(whom, 1, body));
    scenario(
        "a-child-as-it-was-asked-for",
        "A child has the capabilities that its parent may give it. Only the parent and the processes that it names may \
         message the child. The child does not get what the parent does not hold.",
    )
    .package(ALICE, package)
    .lasting(secs(10), secs(10))
    .setup(start(vault.runs("puppet").restarting().public()))
    .setup(start(safe.runs("puppet").restarting()))
    .setup(start(aunt.runs("puppet").restarting().public()))
    .setup(start(stranger.runs("puppet").restarting().public()))
    .setup(start(parent.runs("puppet").restarting().public().messaging(&vault.process)))
    .at(millis(1_500), spawn(&child, "restart", &vault))
    .at(millis(2_500), spawn(&sibling, "none", &safe))
    .every(secs(1), 9, asking(&parent, &child, "respond your child"))
    .every(secs(1), 9, asking(&aunt, &child, "respond your niece"))
    .every(secs(1), 9, asking(&stranger, &child, "respond do I know you?"))
    .at(millis(4_500), asking(&parent, &sibling, &to_ask(&safe, 1, "respond open")))
    .at(millis(5_500), asking(&parent, &child, "panic on purpose"))
    .at(millis(6_500), asking(&parent, &sibling, "panic on purpose"))
    .expect(prints(&parent, "spawned child:demo:alice.os", 1))
    .expect(prints(&parent, "respond your child: answered your child", 8))
    .expect(prints(&aunt, "respond your niece: answered your niece", 8))
    .expect(prints(&stranger, "respond do I know you?: timeout", 9))
    .expect(prints(&sibling, "respond open: timeout", 1))
    .expect(lives(&child, 2))
    .expect(gone(&sibling))
}

/// K5.
fn what_cannot_be_killed() -> Scenario {
    let (timer, nobody) = (on(ALICE, "timer:distro:sys"), alice("nobody"));
    scenario(
        "what-cannot-be-killed",
        "Runtime modules cannot be killed: the command is dropped without an answer. A kill of a process that is not \
         there is answered.",
    )
    .lasting(secs(6), secs(10))
    .at(millis(1_500), kill(&nobody))
    .at(millis(2_500), kill(&timer))
    .expect(answers(kernel(ALICE), r#"{"KilledProcess":"nobody:demo:alice.os"}"#))
}
