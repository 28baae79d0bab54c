//! What the real kernel of Hyperdrive 1.9.2 was seen to get wrong, as claims of the contract: each scenario is what was
//! sent to it. By the book each goes well.

use super::{ALICE, BOB, DEMO, KERNEL, alice, bob, kernel, scenario, to_ask, to_tell};
use kernel_core::{BackOff, Semantics};
use sim::package::Package;
use sim::plan::Down;
use sim::scenario::{
    On, Scenario, alive, answers, down, gone, initialize, kill, lives, millis, prints, run, secs, start, tell,
};
use sim::trace::event::Kind;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        a_flood_for_a_busy_process(),
        tell_and_spin(),
        a_dead_process_saves_nothing(),
        a_burst_of_kills(),
        rights_end_with_their_issuer(),
        rights_of_other_nodes(),
        a_public_heir(),
        the_kernel_is_no_process(),
        a_new_process_has_no_history(),
        an_id_in_its_back_off(),
        killed_in_the_middle_of_a_spawn(),
        answered_during_an_await(),
        shut_down_beside_a_spinning_process(),
        a_read_of_a_terabyte(),
        appends_not_awaited(),
    ]
}

/// The kernel's answer to a kill.
fn killed(victim: &On) -> String {
    format!(r#"{{"KilledProcess":"{}"}}"#, victim.process)
}

/// Orders that take a puppet half a millisecond each time, and in which it waits for nothing.
fn much_work(times: usize) -> String {
    // No program may make more than 64 calls in a row that are not answered.
    vec![format!("{}\nprint-on-exit", vec!["print busy"; 50].join("\n")); times].join("\n")
}

/// M5: 120 messages come while their target computes, and then asks the kernel.
fn a_flood_for_a_busy_process() -> Scenario {
    let (busy, flooder, friend) = (alice("busy"), alice("flooder"), alice("friend"));
    let work = format!("{}\nprint-capabilities", much_work(6));
    let sixty = vec![to_tell(&busy, "print a drop"); 60].join("\n");
    let flood = format!("{sixty}\nprint-on-exit\n{sixty}");
    scenario(
        "a-flood-for-a-busy-process",
        "A process that computes delays nobody but itself: 120 messages come for it meanwhile, and its node still \
         answers. Then it asks the kernel what it holds, and receives all of them.",
    )
    .lasting(secs(6), secs(8))
    .setup(start(busy.runs("puppet").restarting().public()))
    .setup(start(flooder.runs("puppet").restarting().public().messaging(&friend.process)))
    .setup(start(friend.runs("puppet").restarting()))
    .at(millis(1_500), tell(&busy, &work))
    .at(millis(1_500), tell(&flooder, &flood))
    .every(secs(1), 5, tell(&friend, &to_ask(&flooder, 2, "respond dry")))
    .expect(prints(&friend, "respond dry: answered dry", 5))
    .expect(prints(&busy, "busy", 300))
    .expect(prints(&busy, "a drop", 120))
}

/// M5, E9: a message that was sent is delivered, whatever its sender does next.
fn tell_and_spin() -> Scenario {
    let (spinner, neighbour, friend) = (alice("spinner"), alice("neighbour"), alice("friend"));
    scenario(
        "tell-and-spin",
        "A process sends a message and then computes for ever. The message arrives, its neighbours are answered, and \
         a kill ends it.",
    )
    .lasting(secs(6), secs(3))
    .setup(start(neighbour.runs("puppet").restarting().public().messaging(&friend.process)))
    .setup(start(spinner.runs("puppet").restarting()))
    .setup(start(friend.runs("puppet").restarting()))
    .every(secs(1), 5, tell(&friend, &to_ask(&neighbour, 1, "respond well")))
    // It has much to send when the other begins to spin.
    .at(millis(1_500), tell(&friend, &vec![to_tell(&neighbour, "print on"); 20].join("\n")))
    .at(millis(1_500), tell(&spinner, &format!("{}\nspin", to_tell(&neighbour, "print it arrived"))))
    .at(millis(4_200), kill(&spinner))
    .expect(prints(&neighbour, "it arrived", 1))
    .expect(prints(&neighbour, "on", 20))
    .expect(prints(&friend, "respond well: answered well", 5))
    .expect(answers(kernel(ALICE), &killed(&spinner)))
    .expect(gone(&spinner))
}

/// E5, E10, P1: it is killed between two calls, and its successor has its name.
fn a_dead_process_saves_nothing() -> Scenario {
    let subject = alice("subject");
    let starts = || start(subject.runs("puppet").restarting());
    let work = format!("{}\nsave-state stale\non-exit none", much_work(8));
    scenario(
        "a-dead-process-saves-nothing",
        "A process is killed while it computes, before it saves its state and changes its on-exit behaviour. Neither \
         happens: its successor reads the state that was saved before, and is restarted as it was to be.",
    )
    .lasting(secs(6), secs(8))
    .setup(starts())
    .at(secs(1), tell(&subject, "save-state mine"))
    .at(millis(2_500), tell(&subject, &work))
    .at(millis(2_502), kill(&subject))
    .at(millis(2_503), starts())
    .at(millis(3_500), tell(&subject, "print-state"))
    .at(secs(4), tell(&subject, "panic on purpose"))
    .at(secs(5), tell(&subject, "print-state"))
    .expect(prints(&subject, "state: mine", 2))
    .expect(lives(&subject, 3))
    .expect(alive(&subject))
}

/// K2, P2, E8: many changes of the table at once.
fn a_burst_of_kills() -> Scenario {
    let victims: Vec<On> = (1..=6).map(|n| alice(&format!("victim-{n}"))).collect();
    let survivor = alice("survivor");
    let mut told = scenario(
        "a-burst-of-kills",
        "Six processes are killed at once, and another changes its on-exit behaviour six times. The node crashes: \
         the killed stay dead, and the last on-exit behaviour counts.",
    )
    .lasting(secs(6), secs(10))
    .setup(start(survivor.runs("puppet")));
    let changes = ["on-exit restart", "on-exit none"].repeat(3).join("\n");
    for victim in &victims {
        told = told.setup(start(victim.runs("idle").restarting())).at(secs(2), kill(victim)).expect(gone(victim));
        told = told.expect(answers(kernel(ALICE), &killed(victim)));
    }
    told.at(secs(2), tell(&survivor, &format!("{changes}\non-exit restart")))
        .at(secs(3), down(ALICE, Down::Crash))
        .expect(lives(&survivor, 2))
        .expect(alive(&survivor))
}

/// E12, C2.
fn rights_end_with_their_issuer() -> Scenario {
    let (issuer, holder, child) = (alice("issuer"), alice("holder"), alice("child"));
    let starts = || start(issuer.runs("puppet").restarting().messaging(&holder.process));
    let package = Package::new(DEMO, "[]").file("/child.wasm", "puppet");
    let right = format!(r#"{issuer} "messaging""#);
    let spawn = format!("spawn child /{DEMO}/pkg/child.wasm restart {right} {} \"messaging\"", holder.process);
    scenario(
        "rights-end-with-their-issuer",
        "A process holds a capability of another, and spawns a child with it. When the other is killed the capability is revoked, \
         and a successor under the same id is not bound by it.",
    )
    .lasting(secs(7), secs(10))
    .package(ALICE, package)
    .setup(starts())
    .setup(start(holder.runs("puppet").restarting().messaging(&issuer.process)))
    .at(millis(500), tell(&holder, &spawn))
    .every(secs(1), 6, tell(&holder, &to_ask(&issuer, 1, "respond yes?")))
    .at(millis(2_500), kill(&issuer))
    .at(millis(3_500), start(issuer.runs("puppet").restarting()))
    .expect(prints(&holder, "respond yes?: answered yes?", 2))
    .expect(prints(&holder, "respond yes?: timeout", 4))
    .expect(alive(&child))
    .expect(alive(&issuer))
}

/// C3: what a sender may attach.
fn rights_of_other_nodes() -> Scenario {
    let (forger, safe, friend) = (alice("forger"), alice("safe"), alice("friend"));
    let elsewhere = format!("{BOB}@{}", forger.process);
    let give = |issuer: &str, params: &str| tell(&forger, &format!("give {friend} {issuer} {params} print thank you"));
    scenario(
        "rights-of-other-nodes",
        "A process attaches a capability of its namesake on another node, and one that is like another that it holds. \
         Neither arrives: they are not its own, and it does not hold them.",
    )
    .node(BOB)
    .lasting(secs(6), secs(10))
    .setup(start(safe.runs("puppet").restarting()))
    .setup(start(friend.runs("puppet").restarting().public()))
    .setup(start(forger.runs("puppet").restarting().public()))
    .at(secs(1), tell(&safe, &format!("give {forger} {safe} ajar keep")))
    .at(secs(2), give(&elsewhere, "\"messaging\""))
    .at(secs(3), give(&safe.to_string(), "wide-open"))
    .at(secs(4), give(&safe.to_string(), "ajar"))
    .expect(prints(&friend, "thank you", 3))
    .expect(alive(&forger))
}

/// E4, C5: nobody needs a capability to message a public process.
fn a_public_heir() -> Scenario {
    let (heir, leaver) = (alice("heir"), alice("leaver"));
    scenario(
        "a-public-heir",
        "On-exit requests obey the rules of messages at boot too: one for a public process is fired, though its \
         sender holds no capability for it.",
    )
    .lasting(secs(6), secs(10))
    .setup(start(heir.runs("puppet").restarting().public()))
    .setup(start(leaver.runs("idle").on_exit_telling(&heir.to_string(), "print it is gone")))
    .at(secs(3), down(ALICE, Down::Crash))
    .expect(prints(&heir, "it is gone", 1))
    .expect(gone(&leaver))
}

/// S2, K5, E2.
fn the_kernel_is_no_process() -> Scenario {
    let (mole, late) = (alice("mole"), alice("late"));
    let root = kernel(ALICE);
    let command = format!(r#"{{"KillProcess":"{KERNEL}"}}"#);
    scenario(
        "the-kernel-is-no-process",
        "A runtime module cannot be initialized, run or killed, the kernel itself included. The node goes on.",
    )
    .lasting(secs(6), secs(10))
    .setup(start(mole.runs("puppet").restarting().messaging(KERNEL)))
    .at(secs(1), initialize(root.runs("idle").public()))
    .at(secs(2), tell(&mole, &to_ask(&root, 1, &command)))
    .at(secs(4), start(late.runs("puppet").restarting()))
    .expect(answers(&root, r#""InitializeProcessError""#))
    .expect(prints(&mole, &format!("{command}: timeout"), 1))
    .expect(alive(&late))
}

/// S5, E3, under a restart policy.
fn a_new_process_has_no_history() -> Scenario {
    let subject = alice("subject");
    let starts = || start(subject.runs("puppet").restarting().public());
    scenario(
        "a-new-process-has-no-history",
        "How long a restart is put off depends on how often the process has crashed. One that is initialized anew \
         under the id of a killed one has not crashed yet.",
    )
    .under(Semantics::book().with_back_off(BackOff::Hyperdrive19))
    .lasting(secs(16), secs(12))
    .setup(starts())
    // It waits two seconds, then four.
    .at(millis(1_500), tell(&subject, "panic on purpose"))
    .at(millis(4_500), tell(&subject, "panic on purpose"))
    .at(millis(9_500), kill(&subject))
    .at(secs(10), starts())
    .at(secs(11), tell(&subject, "panic on purpose"))
    .at(secs(14), tell(&subject, "print here again"))
    .expect(lives(&subject, 5))
    .expect(prints(&subject, "here again", 1))
}

/// E3, S3: a process in its back-off keeps its id.
fn an_id_in_its_back_off() -> Scenario {
    let (subject, friend) = (alice("subject"), alice("friend"));
    scenario(
        "an-id-in-its-back-off",
        "A process that waits for its restart keeps its id: an initialize under it is refused, and the restart comes.",
    )
    .under(Semantics::book().with_back_off(BackOff::Hyperdrive19))
    .lasting(secs(8), secs(12))
    .setup(start(friend.runs("puppet").restarting()))
    .setup(start(subject.runs("puppet").restarting().public().messaging(&friend.process)))
    .at(millis(1_500), tell(&subject, "panic on purpose"))
    .at(secs(2), start(subject.runs("puppet").restarting().public().messaging(&friend.process)))
    .every(secs(1), 7, tell(&friend, &to_ask(&subject, 1, "respond here")))
    .expect(answers(kernel(ALICE), r#""InitializeProcessError""#))
    .expect(lives(&subject, 2))
    .expect(alive(&subject))
}

/// S6: by the book no child of a dead parent appears.
fn killed_in_the_middle_of_a_spawn() -> Scenario {
    let parent = alice("parent");
    let package = Package::new(DEMO, "[]").file("/child.wasm", "puppet");
    let starts = || start(parent.runs("parent").restarting());
    scenario(
        "killed-in-the-middle-of-a-spawn",
        "A parent is killed while it spawns a child. No child appears, and its name is free.",
    )
    .package(ALICE, package)
    .lasting(secs(7), secs(10))
    .setup(starts())
    .at(millis(1_500), tell(&parent, &format!("raise child /{DEMO}/pkg/child.wasm restart")))
    .when(Kind::Spawns, &parent.process, 1, kill(&parent))
    .at(millis(3_500), starts())
    .at(millis(4_500), tell(&parent, &format!("raise child /{DEMO}/pkg/child.wasm restart")))
    .expect(lives(&parent, 2))
    .expect(lives(alice("child"), 1))
    .expect(alive(alice("child")))
}

/// M1, M3: one request is answered while its sender awaits another.
fn answered_during_an_await() -> Scenario {
    // On another node: the answer comes during the await, and not before it.
    let (asker, quick, slow) = (alice("asker"), bob("quick"), alice("slow"));
    let questions = format!("{}\nawait {slow} 3 anybody?", to_ask(&quick, 1, "respond yes"));
    scenario(
        "answered-during-an-await",
        "A request is answered while its sender waits for the answer to another one. It settles once, with its \
         context, and does not time out later.",
    )
    .node(BOB)
    .lasting(secs(9), secs(10))
    .setup(start(quick.runs("puppet").restarting().networking()))
    .setup(start(slow.runs("idle").restarting()))
    .setup(start(asker.runs("puppet").restarting().networking().messaging(&slow.process)))
    .every(secs(4), 2, tell(&asker, &questions))
    .expect(prints(&asker, "respond yes: answered yes", 2))
    .expect(prints(&asker, "respond yes: timeout", 0))
    .expect(prints(&asker, "anybody?: timeout", 2))
}

/// M5, X.down.
fn shut_down_beside_a_spinning_process() -> Scenario {
    let (mole, spinner, friend) = (alice("mole"), alice("spinner"), alice("friend"));
    scenario(
        "shut-down-beside-a-spinning-process",
        "A node shuts down though one of its processes computes for ever, and boots again.",
    )
    .lasting(secs(8), secs(10))
    .setup(start(mole.runs("puppet").restarting().messaging(KERNEL)))
    .setup(start(spinner.runs("puppet").restarting()))
    .setup(start(friend.runs("puppet").restarting()))
    .at(millis(1_500), tell(&spinner, "spin"))
    .at(
        secs(3),
        tell(&mole, &format!("{}\n{}", to_tell(&kernel(ALICE), "\"Shutdown\""), to_tell(&spinner, "print hello"))),
    )
    .at(secs(7), run(&spinner))
    .expect(lives(&friend, 2))
    .expect(answers(kernel(ALICE), r#""RunProcessError""#))
}

/// E2: a request of a process does not take its node down.
fn a_read_of_a_terabyte() -> Scenario {
    let reader = alice("reader");
    let vfs = On { node: ALICE.to_string(), process: "vfs:distro:sys".to_string() };
    let package = Package::new(DEMO, "[]").file("/child.wasm", "puppet");
    let path = format!("/{DEMO}/pkg/child.wasm");
    let read = format!(r#"{{"path":"{path}","action":{{"ReadExact":{{"length":1099511627776}}}}}}"#);
    scenario(
        "a-read-of-a-terabyte",
        "A process asks vfs for more bytes than any computer has. It is answered with an error, and the node goes on.",
    )
    .package(ALICE, package)
    .lasting(secs(5), secs(10))
    .setup(start(reader.runs("puppet").restarting().messaging(&vfs.process)))
    .at(secs(2), tell(&reader, &to_tell(&vfs, &read)))
    .at(secs(4), tell(&reader, "print still here"))
    .expect(prints(&reader, "still here", 1))
    .expect(lives(&reader, 1))
}

/// P3: vfs serves one sender's requests in the order in which they were sent, awaited or not.
fn appends_not_awaited() -> Scenario {
    let (writer, vfs) = (alice("writer"), On { node: ALICE.to_string(), process: "vfs:distro:sys".to_string() });
    let request = |rest: &str, action: &str| format!(r#"{{"path":"/{DEMO}/home{rest}","action":"{action}"}}"#);
    let awaits = |rest: &str, action: &str| format!("await {vfs} 5 {}", request(rest, action));
    let append = |text: &str| format!("blob {text} {vfs} {}", request("/log", "Append"));
    let appends = ["one.", "two.", "three."].map(append).join("\n");
    scenario(
        "appends-not-awaited",
        "A process appends to a file three times in a row without awaiting an answer. What it reads then was appended \
         in that order.",
    )
    .lasting(secs(8), secs(10))
    .setup(start(writer.runs("puppet").restarting().messaging(&vfs.process)))
    .setup(tell(&writer, &awaits("", "CreateDrive")))
    .setup(tell(&writer, &awaits("/log", "CreateFile")))
    .every(secs(2), 3, tell(&writer, &format!("{appends}\n{}\nprint-blob", awaits("/log", "Read"))))
    .expect(prints(&writer, "blob: one.two.three.", 1))
    .expect(prints(&writer, &format!("blob: {}", "one.two.three.".repeat(3)), 1))
}
