//! What outlives a process: its own state, and what others keep for it (P).

use super::{ALICE, alice, scenario, to_ask};
use crate::counts_once::CountsOnce;
use crate::guests::notebook::notebook;
use sim::plan::Down;
use sim::scenario::{Program, Scenario, down, kill, lives, millis, prints, restore, secs, start, tell};
use sim::trace::event::Kind;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        a_counter_that_persists(),
        a_counter_that_tells_too_soon(),
        a_count_forgotten(),
        a_count_in_a_file(),
        a_keeper_for_another(),
    ]
}

/// P1, P4.
fn a_counter_that_persists() -> Scenario {
    let (counter, client) = (alice("counter"), alice("client"));
    scenario(
        "a-counter-that-persists",
        "A well-written process withstands being shut down and started again at any time: it saves each step with \
         set_state before it announces it, and its init() picks up where it left off.",
    )
    .lasting(secs(19), secs(10))
    .setup(start(counter.runs("counter").restarting().messaging(&client.process)))
    .setup(start(client.runs("puppet").restarting().messaging(&counter.process)))
    .every(secs(1), 18, tell(&client, &to_ask(&counter, 3, "add")))
    .at(millis(3_500), down(ALICE, Down::Shutdown))
    .at(millis(8_500), down(ALICE, Down::Crash))
    .holding(CountsOnce::of_adds)
    // In the middle of a step: it is announced after the boot, or never.
    .when(Kind::SavesState, &counter.process, 15, down(ALICE, Down::PowerLoss))
    .expect(lives(&counter, 4))
    .expect(prints(&client, "add: answered 14", 1))
    .expect(prints(&client, "add: answered 15", 1))
    .expect(prints(&client, "add: answered 17", 1))
    .expect(prints(&client, "add: answered 18", 0))
}

/// P4: the process that is not well written.
fn a_counter_that_tells_too_soon() -> Scenario {
    let (fragile, client) = (alice("fragile"), alice("client"));
    scenario(
        "a-counter-that-tells-too-soon",
        "The same counter, but it announces a step before it saves it. The node loses power in between, and the same \
         count is announced twice. The process is to blame, not the kernel.",
    )
    .lasting(secs(10), secs(10))
    .setup(start(fragile.runs("fragile").restarting().messaging(&client.process)))
    .setup(start(client.runs("puppet").restarting().messaging(&fragile.process)))
    .every(secs(1), 8, tell(&client, &to_ask(&fragile, 3, "add")))
    .when(Kind::Printed, &client.process, 3, down(ALICE, Down::PowerLoss))
    .expect(lives(&fragile, 2))
    .expect(prints(&client, "add: answered 3", 2))
    .expect(prints(&client, "add: answered 7", 1))
}

/// P1: `clear_state`.
fn a_count_forgotten() -> Scenario {
    let (counter, client) = (alice("counter"), alice("client"));
    let forget = || tell(&client, &to_ask(&counter, 3, "forget"));
    scenario(
        "a-count-forgotten",
        "A process clears its state while its node loses power: it was not answered, so the count may be there or not. \
         It clears it again and is answered, and a second power loss brings nothing back.",
    )
    .lasting(secs(14), secs(10))
    .setup(start(counter.runs("counter").restarting().messaging(&client.process)))
    .setup(start(client.runs("puppet").restarting().messaging(&counter.process)))
    .every(secs(1), 11, tell(&client, &to_ask(&counter, 3, "add")))
    .at(millis(3_500), forget())
    // The three steps before it are saved, too.
    .when(Kind::SavesState, &counter.process, 4, down(ALICE, Down::PowerLoss))
    .at(millis(8_500), forget())
    .at(millis(8_600), down(ALICE, Down::PowerLoss))
    .expect(lives(&counter, 3))
    .expect(prints(&client, "forget: answered 0", 1))
    .expect(prints(&client, "add: answered 4", 1))
    .expect(prints(&client, "add: answered 1", 2))
}

/// P3, P4, P5: "the process can then retrieve this data when it is re-initialized".
fn a_count_in_a_file() -> Scenario {
    let (book, client) = (alice("notebook"), alice("client"));
    scenario(
        "a-count-in-a-file",
        "A process keeps its count in a file of vfs, and picks up from it whenever it starts: after a crash and a \
         power loss. When the disk is swapped for its backup, the file is what it was at the backup, and the \
         count goes on from there.",
    )
    .programs([Program::native("notebook", notebook)])
    .backed_up_every(ALICE, secs(3))
    .lasting(secs(16), secs(10))
    .setup(start(book.runs("notebook").restarting().messaging("vfs:distro:sys").messaging(&client.process)))
    .setup(start(client.runs("puppet").restarting().messaging(&book.process)))
    .every(millis(1_500), 10, tell(&client, &to_ask(&book, 3, "add")))
    .at(millis(2_500), down(ALICE, Down::Crash))
    .at(millis(6_500), down(ALICE, Down::PowerLoss))
    .at(millis(11_500), restore(ALICE))
    .holding(CountsOnce::of_adds)
    .expect(prints(&book, "resumes at 1", 1))
    .expect(prints(&book, "resumes at 4", 1))
    .expect(prints(&book, "resumes at 5", 1))
    .expect(prints(&client, "add: answered 6", 2))
    .expect(lives(&book, 4))
}

/// P4: "or it can send data to a process that does this for them."
fn a_keeper_for_another() -> Scenario {
    let (keeper, saver, client) = (alice("keeper"), alice("saver"), alice("client"));
    let saver_starts =
        || start(saver.runs("saver").restarting().public().messaging(&keeper.process).messaging(&client.process));
    scenario(
        "a-keeper-for-another",
        "A process keeps its data across lives by sending it to another process. Killed, it is started again by its \
         owner and resumes; without its keeper it says so.",
    )
    .lasting(secs(17), secs(10))
    .setup(start(keeper.runs("keeper").restarting()))
    .setup(saver_starts())
    .setup(start(client.runs("puppet").restarting()))
    .every(secs(1), 16, tell(&client, &to_ask(&saver, 2, "add")))
    .at(millis(3_500), down(ALICE, Down::PowerLoss))
    .at(millis(8_500), kill(&saver))
    .at(millis(10_500), saver_starts())
    .at(millis(13_500), kill(&keeper))
    .expect(prints(&saver, "resumed at 3", 1))
    .expect(prints(&saver, "resumed at 8", 1))
    .expect(prints(&client, "add: answered 11", 1))
    .expect(prints(&saver, "not kept: timeout", 3))
    .expect(lives(&saver, 3))
}
