//! Databases through crashes: what was answered as committed is there, and half of a transaction never is (P3).

use super::{ALICE, alice, story};
use crate::no_money_lost::NoMoneyLost;
use sim::modules::setup::Journal;
use sim::scenario::{Scenario, down, lives, millis, on, prints, secs, start, tell};
use sim::site::Down;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        a_bank(
            "a-bank-with-a-log",
            "A bank moves money in a SQLite database, and an auditor looks at it meanwhile, through a crash and a power \
             loss. Nobody ever sees half of a transaction, and what was answered as moved stays moved. SQLite writes \
             ahead: a log, synced at each commit.",
            Journal::Wal,
        ),
        a_bank(
            "a-bank-with-a-journal",
            "The same bank, with SQLite's other way: a journal of what was, which a boot rolls back if a crash has left \
             it.",
            Journal::Rollback,
        ),
        strangers_at_a_bank(),
    ]
}

fn a_bank(name: &str, about: &str, journal: Journal) -> Scenario {
    let bank = alice("bank");
    banking(name, about, journal)
        .at(millis(3_150), down(ALICE, Down::Crash))
        .at(millis(7_650), down(ALICE, Down::PowerLoss))
        .expect(lives(&bank, 3))
        .expect(prints(&bank, "moved 1", 1))
        .expect(prints(&bank, r#"sees [{"n":3,"sum":100}]"#, 1))
        .expect(prints(&bank, "moved 5", 1))
        .expect(prints(alice("auditor"), r#"sees [{"n":6,"sum":100}]"#, 1))
}

fn strangers_at_a_bank() -> Scenario {
    let sqlite = "sqlite:distro:sys";
    let (other, spy) = (on(ALICE, "bank:other:alice.os"), on(ALICE, "spy:other:alice.os"));
    let query = r#"{"package_id":{"package_name":"demo","publisher_node":"alice.os"},"db":"bank","action":{"Query":"SELECT 1"}}"#;
    let about = "Another package has a bank of the same name, which is empty: a database belongs to a package. A process \
                 that asks for somebody else's is told that it may not.";
    banking("strangers-at-a-bank", about, Journal::Wal)
        .setup(start(other.runs("bank").restarting().public().messaging(sqlite)))
        .setup(start(spy.runs("puppet").public().messaging(sqlite)))
        .every(secs(3), 3, tell(&other, "look"))
        .at(millis(2_500), tell(&spy, &format!("ask {ALICE}@{sqlite} 3 {query}")))
        .expect(prints(&other, r#"sees [{"n":0,"sum":100}]"#, 4))
}

/// A bank and its auditor on one node.
pub fn banking(name: &str, about: &str, journal: Journal) -> Scenario {
    let (bank, auditor) = (alice("bank"), alice("auditor"));
    let sqlite = "sqlite:distro:sys";
    story(name, about)
        .journal(journal)
        .setup(start(bank.runs("bank").restarting().public().messaging(sqlite)))
        .setup(start(auditor.runs("bank").restarting().public().messaging(sqlite)))
        .lasting(secs(12), secs(10))
        .every(secs(1), 10, tell(&bank, "move"))
        .every(millis(1_700), 6, tell(&auditor, "look"))
        .holding(|| Box::new(NoMoneyLost::default()))
}
