//! A chain outside of the nodes: what an application must not miss (P4).

use super::{ALICE, alice, scenario};
use crate::logs_once::LogsOnce;
use sim::outside::chain::{ChainPlan, LogSpec};
use sim::plan::Down;
use sim::scenario::{Scenario, down, emit, lives, millis, prints, secs, start};

pub(super) fn all() -> Vec<Scenario> {
    vec![an_indexer_on_a_chain(), an_indexer_with_a_database()]
}

/// A chain, and the program `indexer` as a process of this name, which decides how careful it is.
pub fn indexing(name: &str, about: &str, process: &str) -> Scenario {
    let indexer = alice(process).runs("indexer").restarting().public().messaging("eth:distro:sys");
    on_a_chain(name, about).setup(start(indexer)).lasting(secs(16), secs(20))
}

/// A chain, and the program `archive` as a process of this name, which decides how careful it is. It begins when the chain
/// has more blocks than it asks for again at a later start.
pub fn archiving(name: &str, about: &str, process: &str) -> Scenario {
    let archive = alice(process).runs("archive").restarting().public();
    let archive = archive.messaging("eth:distro:sys").messaging("sqlite:distro:sys");
    on_a_chain(name, about).at(millis(12_500), start(archive)).lasting(secs(20), secs(20))
}

fn on_a_chain(name: &str, about: &str) -> Scenario {
    let every_block = LogSpec::new(7, &[1], b"");
    let of_somebody_else = LogSpec::new(8, &[1], b"");
    scenario(name, about)
        .chain(ChainPlan::new(8_453).emitting(1, 1, every_block).emitting(2, 1, of_somebody_else))
        .holding(|| Box::new(LogsOnce::default()))
}

/// P4: re-establish the subscription after a restart, and get_logs for what was missed.
fn an_indexer_on_a_chain() -> Scenario {
    let indexer = alice("indexer");
    indexing(
        "an-indexer-on-a-chain",
        "A process keeps every log of a contract: it subscribes at every start and whenever its subscription has \
         ended, and asks with eth_getLogs for what it missed. It has every log exactly once, whatever happened.",
        "indexer",
    )
    .at(millis(2_500), emit(LogSpec::new(7, &[2], b"by hand")))
    .at(millis(4_500), down(ALICE, Down::Crash))
    .at(millis(11_500), down(ALICE, Down::PowerLoss))
    .expect(lives(&indexer, 3))
    .expect(prints(&indexer, "0 logs", 1))
    .expect(prints(&indexer, "4 logs", 1))
    .expect(prints(&indexer, "8 logs", 1))
}

/// P3, P4: the same with a database.
fn an_indexer_with_a_database() -> Scenario {
    let archive = alice("archive");
    archiving(
        "an-indexer-with-a-database",
        "A process keeps every log of a contract in a SQLite database. It writes the logs and its position in one \
         transaction, so that after any crash it asks for what it missed from the right block on.",
        "archive",
    )
    .at(millis(15_500), down(ALICE, Down::Crash))
    .at(millis(18_500), down(ALICE, Down::PowerLoss))
    .expect(lives(&archive, 3))
    .expect(prints(&archive, "6 logs", 1))
    .expect(prints(&archive, "7 logs", 1))
    .expect(prints(&archive, "10 logs", 1))
}
