//! Databases through crashes: what was answered as committed is there, and half of a transaction never is (P3).

use super::{ALICE, alice, scenario, to_ask};
use crate::no_money_lost::NoMoneyLost;
use kernel_core::Duration;
use sim::modules::setup::Journal;
use sim::plan::Down;
use sim::scenario::{Scenario, down, lives, millis, on, prints, restore, secs, start, tell};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        a_bank(
            "a-bank-with-a-log",
            "A bank moves money in a SQLite database while an auditor reads it, through a crash and a power loss. \
             Nobody ever sees half of a transaction, and what was answered as moved stays moved. SQLite keeps a write- \
             ahead log, synced at each commit.",
            Journal::Wal,
        ),
        a_bank(
            "a-bank-with-a-journal",
            "The same bank with SQLite's rollback journal: it keeps what was there before, and a boot rolls back what \
             a crash has left.",
            Journal::Rollback,
        ),
        strangers_at_a_bank(),
        databases_on_a_swapped_disk(),
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
    let about = "Another package has a bank of the same name, which is empty: a database belongs to a package. A \
         process that asks for the database of another package is refused.";
    banking("strangers-at-a-bank", about, Journal::Wal)
        .setup(start(other.runs("bank").restarting().public().messaging(sqlite)))
        .setup(start(spy.runs("puppet").public().messaging(sqlite)))
        .every(secs(3), 3, tell(&other, "look"))
        .at(millis(2_500), tell(&spy, &format!("ask {ALICE}@{sqlite} 3 {query}")))
        .expect(prints(&other, r#"sees [{"n":0,"sum":100}]"#, 4))
}

/// P5.
fn databases_on_a_swapped_disk() -> Scenario {
    let (bank, ledger, client) = (alice("bank"), alice("ledger"), alice("client"));
    banking(
        "databases-on-a-swapped-disk",
        "A bank keeps its money in SQLite and a ledger its value in the key-value store, on a disk that is backed up. \
         The disk is swapped for one with the latest backup: both databases are of one instant, and both go on from \
         there.",
        Journal::Wal,
    )
    // In the midst of transactions.
    .backed_up_every(ALICE, Duration(3_000_300_000))
    .setup(start(ledger.runs("ledger").restarting().public().messaging("kv:distro:sys")))
    .setup(start(client.runs("puppet").restarting().public()))
    .every(secs(1), 10, tell(&client, &to_ask(&ledger, 3, "move 5")))
    .at(millis(8_500), restore(ALICE))
    .expect(lives(&bank, 2))
    .expect(prints(&bank, "moved 8", 1))
    .expect(prints(&bank, r#"sees [{"n":5,"sum":100}]"#, 1))
    .expect(prints(&bank, "moved 6", 2))
    .expect(prints(&client, "move 5: answered 60 40 8", 1))
    .expect(prints(&ledger, "at 75 and 25 after 5", 1))
    .expect(prints(&client, "move 5: answered 70 30 6", 2))
}

/// A bank and its auditor on one node.
pub fn banking(name: &str, about: &str, journal: Journal) -> Scenario {
    let (bank, auditor) = (alice("bank"), alice("auditor"));
    let sqlite = "sqlite:distro:sys";
    scenario(name, about)
        .journal(journal)
        .setup(start(bank.runs("bank").restarting().public().messaging(sqlite)))
        .setup(start(auditor.runs("bank").restarting().public().messaging(sqlite)))
        .lasting(secs(12), secs(10))
        .every(secs(1), 10, tell(&bank, "move"))
        .every(millis(1_700), 6, tell(&auditor, "look"))
        .holding(|| Box::new(NoMoneyLost::default()))
}
