//! What happens outside of a node and is not to be missed: a chain (P4).

use super::{ALICE, alice, story};
use crate::logs_once::LogsOnce;
use sim::outside::chain::{ChainPlan, LogSpec};
use sim::scenario::{Scenario, down, emit, lives, millis, prints, secs, start};
use sim::site::Down;

pub(super) fn all() -> Vec<Scenario> {
    vec![an_indexer_on_a_chain()]
}

/// A chain, and the program `indexer` as a process of this name, which decides how careful it is.
pub fn indexing(name: &str, about: &str, process: &str) -> Scenario {
    let indexer = alice(process).runs("indexer").restarting().public().messaging("eth:distro:sys");
    let every_block = LogSpec::new(7, &[1], b"");
    let of_somebody_else = LogSpec::new(8, &[1], b"");
    story(name, about)
        .chain(ChainPlan::new(8_453).emitting(1, 1, every_block).emitting(2, 1, of_somebody_else))
        .setup(start(indexer))
        .lasting(secs(16), secs(20))
        .holding(|| Box::new(LogsOnce::default()))
}

/// P4: re-establish the subscription after a restart, and get_logs for what was missed.
fn an_indexer_on_a_chain() -> Scenario {
    let indexer = alice("indexer");
    indexing(
        "an-indexer-on-a-chain",
        "A process that keeps every log of a contract: it re-establishes its subscription at every start and when it \
         has ended, and asks with eth_getLogs for what it missed. It has every log exactly once, whatever happened.",
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
