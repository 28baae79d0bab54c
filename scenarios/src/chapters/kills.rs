//! Kills: which process may kill, and that a killed process stays dead (K, E5).

use super::{ALICE, BOB, KERNEL, alice, bob, kernel, scenario, to_ask, to_tell};
use kernel_core::{BackOff, Semantics};
use sim::plan::Down;
use sim::scenario::{
    On, Scenario, alive, answers, down, gone, initialize, kill, lives, millis, prints, run, secs, start, tell,
};
use sim::trace::event::Kind;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        kill_without_root(),
        kill_in_a_crash_loop(),
        kill_in_a_back_off(),
        down_in_a_back_off(),
        killed_stays_dead(),
        kill_whatever_it_does(),
        kill_a_spinning_process(),
        a_flood_for_the_deaf(),
    ]
}

/// The command that kills a process.
fn kill_command(victim: &On) -> String {
    format!(r#"{{"KillProcess":"{}"}}"#, victim.process)
}

/// The kernel's answer to it.
fn killed(victim: &On) -> String {
    format!(r#"{{"KilledProcess":"{}"}}"#, victim.process)
}

/// K1.
fn kill_without_root() -> Scenario {
    let (victim, rogue, mole) = (alice("victim"), alice("rogue"), alice("mole"));
    let (outsider, second_victim, namesake) = (bob("outsider"), alice("second-victim"), alice("kernel"));
    let (kernel, orders) = (kernel(ALICE), kill_command(&victim));
    scenario(
        "kill-without-root",
        "KillProcess requires root. Without it a kill has no effect, not even within a package, and no kill comes from \
         another node. A process that is only called kernel is not the kernel. A process with root can kill.",
    )
    .node(BOB)
    .lasting(secs(9), secs(10))
    .setup(start(victim.runs("puppet").restarting().messaging(&rogue.process)))
    .setup(start(second_victim.runs("puppet").restarting()))
    .setup(start(rogue.runs("puppet").restarting().messaging(&victim.process).messaging(&namesake.process)))
    .setup(start(namesake.runs("idle").restarting()))
    .setup(start(mole.runs("puppet").restarting().messaging(KERNEL)))
    .setup(start(outsider.runs("puppet").restarting().networking().messaging(KERNEL)))
    .every(secs(1), 8, tell(&rogue, &to_ask(&victim, 2, "respond alive")))
    .every(millis(2_300), 3, tell(&rogue, &to_ask(&kernel, 2, &orders)))
    .every(millis(2_300), 3, tell(&outsider, &to_ask(&kernel, 2, &orders)))
    .at(millis(3_500), tell(&rogue, &to_tell(&namesake, &orders)))
    .at(secs(5), tell(&mole, &to_ask(&kernel, 2, &kill_command(&second_victim))))
    .expect(prints(&rogue, &format!("{orders}: timeout"), 3))
    .expect(prints(&outsider, &format!("{orders}: timeout"), 3))
    .expect(prints(&rogue, "respond alive: answered alive", 8))
    .expect(lives(&victim, 1))
    .expect(alive(&victim))
    .expect(prints(&mole, &format!("{}: answered {}", kill_command(&second_victim), killed(&second_victim)), 1))
    .expect(gone(&second_victim))
}

/// E9, E5.
fn kill_in_a_crash_loop() -> Scenario {
    let (doomed, neighbour, friend) = (alice("doomed"), alice("neighbour"), alice("friend"));
    scenario(
        "kill-in-a-crash-loop",
        "A Restart process that crashes for a structural reason crashes continuously until it is killed. Its \
         neighbours live on meanwhile.",
    )
    .lasting(millis(1_600), secs(2))
    .setup(start(neighbour.runs("puppet").restarting().messaging(&friend.process)))
    .setup(start(friend.runs("puppet").restarting().messaging(&neighbour.process)))
    .at(millis(100), start(doomed.runs("crasher").restarting()))
    .every(millis(200), 7, tell(&friend, &to_ask(&neighbour, 1, "respond well")))
    .at(millis(900), kill(&doomed))
    .expect(prints(&friend, "respond well: answered well", 7))
    .expect(answers(kernel(ALICE), &killed(&doomed)))
    .expect(gone(&doomed))
}

/// E5, under a restart policy.
fn kill_in_a_back_off() -> Scenario {
    let (doomed, witness) = (alice("doomed"), alice("witness"));
    scenario(
        "kill-in-a-back-off",
        "The runtime waits before it restarts a process that keeps crashing. Killed during the wait, the process stays \
         dead: the restart never comes, and no boot brings it back.",
    )
    .under(Semantics::book().with_back_off(BackOff::Hyperdrive19))
    .lasting(secs(14), secs(12))
    .setup(start(witness.runs("puppet").restarting().messaging(&doomed.process)))
    .at(millis(700), start(doomed.runs("crasher").restarting()))
    .every(secs(1), 13, tell(&witness, &to_ask(&doomed, 1, "are you there?")))
    // It waits two seconds, then four.
    .at(millis(5_300), kill(&doomed))
    .at(millis(9_500), down(ALICE, Down::Crash))
    .expect(prints(&witness, "are you there?: timeout", 13))
    .expect(answers(kernel(ALICE), &killed(&doomed)))
    .expect(lives(&doomed, 2))
    .expect(gone(&doomed))
}

/// E3: a process in a back-off is in the table.
fn down_in_a_back_off() -> Scenario {
    let (subject, witness) = (alice("subject"), alice("witness"));
    scenario(
        "down-in-a-back-off",
        "A process in back-off is in the table. It keeps its id and its capabilities, and if its node goes down \
         meanwhile, the next boot starts it.",
    )
    .under(Semantics::book().with_back_off(BackOff::Hyperdrive19))
    .lasting(secs(14), secs(12))
    .setup(start(witness.runs("puppet").restarting().messaging(&subject.process)))
    .setup(start(subject.runs("puppet").restarting().messaging(&witness.process)))
    .every(secs(1), 12, tell(&witness, &to_ask(&subject, 1, "respond here")))
    .at(millis(1_500), tell(&subject, "panic on purpose"))
    .at(millis(4_500), tell(&subject, "panic on purpose"))
    .at(millis(5_500), start(subject.runs("idle")))
    .at(millis(6_500), down(ALICE, Down::Crash))
    .at(millis(10_500), tell(&subject, &to_tell(&witness, "print it may still message me")))
    .expect(lives(&subject, 3))
    .expect(alive(&subject))
    .expect(answers(kernel(ALICE), r#""InitializeProcessError""#))
    .expect(prints(&witness, "it may still message me", 1))
}

/// E5, K2.
fn killed_stays_dead() -> Scenario {
    let (subject, witness) = (alice("subject"), alice("witness"));
    let starts = || start(subject.runs("puppet").restarting().public().messaging(&witness.process));
    scenario(
        "killed-stays-dead",
        "A killed process stays dead: no shutdown, crash or power loss brings it back. Only a new InitializeProcess \
         does.",
    )
    .lasting(secs(19), secs(10))
    .setup(start(witness.runs("puppet").restarting().messaging(&subject.process)))
    .setup(starts())
    .every(secs(1), 18, tell(&witness, &to_ask(&subject, 1, "respond alive")))
    .at(millis(2_500), kill(&subject))
    .at(millis(4_500), down(ALICE, Down::Shutdown))
    .at(millis(8_500), down(ALICE, Down::Crash))
    .at(millis(12_500), down(ALICE, Down::PowerLoss))
    .at(millis(16_500), starts())
    .expect(prints(&witness, "respond alive: answered alive", 4))
    .expect(prints(&witness, "respond alive: timeout", 14))
    .expect(answers(kernel(ALICE), &killed(&subject)))
    .expect(lives(&subject, 2))
}

/// E5, K5: blocked, saving, not yet run, just started, already dead.
fn kill_whatever_it_does() -> Scenario {
    let (silent, asker, saver) = (alice("silent"), alice("asker"), alice("saver"));
    let (unborn, newborn, nobody) = (alice("unborn"), alice("newborn"), alice("nobody"));
    let (friend, runtime) = (alice("friend"), kernel(ALICE));
    scenario(
        "kill-whatever-it-does",
        "A kill overrides Restart whatever the process is doing: waiting for an answer, for the disk or for its first \
         run, or just started. A kill of a process that is not there is answered too.",
    )
    .lasting(secs(8), secs(10))
    .setup(start(silent.runs("idle").restarting()))
    .setup(start(friend.runs("puppet").restarting().messaging(&asker.process).messaging(&saver.process)))
    .setup(start(asker.runs("puppet").restarting().messaging(&silent.process).messaging(&friend.process)))
    .setup(start(saver.runs("counter").restarting().messaging(&friend.process)))
    .every(millis(1_500), 4, tell(&asker, &format!("await {silent} 1 hello?")))
    .every(secs(1), 7, tell(&friend, &to_ask(&asker, 2, "respond here")))
    .every(secs(1), 3, tell(&friend, &to_ask(&saver, 2, "add")))
    .when(Kind::SavesState, &saver.process, 2, kill(&saver))
    .at(millis(3_500), kill(&asker))
    .at(secs(4), initialize(unborn.runs("puppet").restarting().public()))
    .at(millis(4_500), tell(&unborn, "print I was run"))
    .at(secs(5), kill(&unborn))
    .at(millis(5_500), start(newborn.runs("puppet").restarting()))
    .when(Kind::Started, &newborn.process, 1, kill(&newborn))
    .at(secs(6), kill(&nobody))
    .expect(answers(&runtime, &killed(&asker)))
    .expect(answers(&runtime, &killed(&saver)))
    .expect(answers(&runtime, &killed(&unborn)))
    .expect(answers(&runtime, &killed(&newborn)))
    .expect(answers(&runtime, &killed(&nobody)))
    .expect(gone(&asker))
    .expect(gone(&saver))
    .expect(gone(&unborn))
    .expect(gone(&newborn))
    .expect(lives(&saver, 1))
    .expect(lives(&unborn, 0))
    .expect(lives(&newborn, 1))
}

/// M5.
fn kill_a_spinning_process() -> Scenario {
    let (spinner, neighbour, friend) = (alice("spinner"), alice("neighbour"), alice("friend"));
    scenario(
        "kill-a-spinning-process",
        "A process that computes forever delays nobody but itself: its neighbours are answered, and a kill ends it in \
         the middle of its loop.",
    )
    .lasting(secs(6), secs(3))
    .setup(start(neighbour.runs("puppet").restarting().messaging(&friend.process)))
    // Far more than a puppet burns between two calls.
    .spinning_at(1_000_000)
    .setup(start(spinner.runs("puppet").restarting().public().messaging(&friend.process)))
    .setup(start(friend.runs("puppet").restarting().messaging(&neighbour.process)))
    .every(secs(1), 5, tell(&friend, &to_ask(&neighbour, 1, "respond well")))
    .every(secs(1), 5, tell(&friend, &to_ask(&spinner, 1, "respond well")))
    .at(millis(1_500), tell(&spinner, "spin"))
    // No later: a run with Wasm takes as long as it really computes.
    .at(millis(4_200), kill(&spinner))
    .expect(prints(&friend, "respond well: answered well", 5 + 1))
    .expect(prints(&friend, "respond well: timeout", 4))
    .expect(answers(kernel(ALICE), &killed(&spinner)))
    .expect(lives(&spinner, 1))
    .expect(gone(&spinner))
}

/// M5, S4: more than any channel of the public runtimes holds.
fn a_flood_for_the_deaf() -> Scenario {
    let (deaf, late, flooder, friend) = (alice("deaf"), alice("late"), alice("flooder"), alice("friend"));
    let drops = |target: &On| vec![to_tell(target, "print a drop"); 60].join("\n");
    scenario(
        "a-flood-for-the-deaf",
        "A process that does not receive delays nobody but itself: 120 messages pile up before two processes that are \
         not run yet, and their node still answers. One is killed; the other is run after all, and receives all of its \
         messages.",
    )
    .lasting(secs(6), secs(8))
    .setup(start(flooder.runs("puppet").restarting().messaging(&friend.process)))
    .setup(start(friend.runs("puppet").restarting().messaging(&flooder.process)))
    .setup(initialize(deaf.runs("puppet").restarting().public()))
    .setup(initialize(late.runs("puppet").restarting().public()))
    .at(millis(1_500), tell(&flooder, &drops(&deaf)))
    .at(millis(1_700), tell(&flooder, &drops(&late)))
    .at(millis(2_500), tell(&flooder, &drops(&deaf)))
    .at(millis(2_700), tell(&flooder, &drops(&late)))
    .every(secs(1), 5, tell(&friend, &to_ask(&flooder, 2, "respond dry")))
    .every(secs(1), 5, tell(&friend, &to_ask(&deaf, 2, "are you there?")))
    .at(millis(3_500), kill(&deaf))
    .at(millis(4_500), run(&late))
    .expect(prints(&friend, "respond dry: answered dry", 5))
    .expect(prints(&friend, "are you there?: timeout", 5))
    .expect(answers(kernel(ALICE), &killed(&deaf)))
    .expect(prints(&deaf, "a drop", 0))
    .expect(gone(&deaf))
    .expect(prints(&late, "a drop", 120))
}
