//! The key-value store: P3, P4.

use super::{ALICE, alice, scenario, to_ask};
use kernel_core::Duration;
use sim::plan::Down;
use sim::scenario::{On, Scenario, Start, down, lives, millis, on, prints, secs, start, tell};
use sim::trace::event::Kind;

pub(super) fn all() -> Vec<Scenario> {
    vec![a_ledger_that_resumes(), an_auditor_reads_along(), a_ledger_without_transactions(), a_stranger_at_a_database()]
}

/// The module.
const KV: &str = "kv:distro:sys";

/// A process that asks kv and is answered.
fn asking_kv(who: Start) -> Start {
    who.restarting().public().messaging(KV)
}

/// A process of another package that may read the ledger's database.
fn auditor() -> (On, Start) {
    let auditor = on(ALICE, "auditor:audit:alice.os");
    let read = r#"{"kind":"read","db_key":[{"package_name":"demo","publisher_node":"alice.os"},"ledger"]}"#;
    let starts = asking_kv(auditor.runs("ledger")).capable(KV, read);
    (auditor, starts)
}

/// P3, P4.
fn a_ledger_that_resumes() -> Scenario {
    let (ledger, client) = (alice("ledger"), alice("client"));
    scenario(
        "a-ledger-that-resumes",
        "A process keeps its accounts in a database, changes them in transactions, and picks up where it left off. \
         What was answered as committed is there after any crash or power loss.",
    )
    .lasting(secs(14), secs(10))
    .setup(start(asking_kv(ledger.runs("ledger"))))
    .setup(start(client.runs("puppet").restarting().public()))
    .every(secs(1), 13, tell(&client, &to_ask(&ledger, 3, "move 5")))
    .at(millis(3_500), down(ALICE, Down::Crash))
    // When it asks for a commit, which is then not done.
    .when(Kind::Called, &ledger.process, 101, down(ALICE, Down::PowerLoss))
    .at(millis(10_500), down(ALICE, Down::PowerLoss))
    .expect(lives(&ledger, 4))
    .expect(prints(&ledger, "at 100 and 0 after 0", 1))
    .expect(prints(&ledger, "at 85 and 15 after 3", 1))
    .expect(prints(&ledger, "at 70 and 30 after 6", 1))
    .expect(prints(&ledger, "at 55 and 45 after 9", 1))
    .expect(prints(&client, "move 5: answered 40 60 12", 1))
}

/// P3: no read sees half of a transaction.
fn an_auditor_reads_along() -> Scenario {
    let (ledger, client) = (alice("ledger"), alice("client"));
    let (auditor, auditor_starts) = auditor();
    scenario(
        "an-auditor-reads-along",
        "A process of another package has the capability to read the accounts, and does so while value moves between \
         them: their sum never changes. It may not open the database, which belongs to the other package.",
    )
    .lasting(secs(10), secs(10))
    .setup(start(asking_kv(ledger.runs("ledger"))))
    .setup(start(auditor_starts))
    .setup(start(client.runs("puppet").restarting().public()))
    .every(millis(800), 11, tell(&client, &to_ask(&ledger, 3, "move 5")))
    // Not at the same instants, but within the moves.
    .every(Duration(800_900_000), 11, tell(&auditor, "audit"))
    .at(millis(4_250), down(ALICE, Down::PowerLoss))
    .expect(prints(&auditor, r#"kv: {"Err":"MismatchingPackageId"}"#, 2))
    .expect(prints(&auditor, "sum 100", 11))
}

/// P4: the process that is not well written.
fn a_ledger_without_transactions() -> Scenario {
    let (ledger, client) = (alice("ledger"), alice("client"));
    let (auditor, auditor_starts) = auditor();
    scenario(
        "a-ledger-without-transactions",
        "The same accounts, but each is changed by itself. The node loses power in between, and value is lost. The \
         process is to blame, not the store, which kept what it answered.",
    )
    .lasting(secs(8), secs(10))
    .setup(start(asking_kv(ledger.runs("ledger"))))
    .setup(start(auditor_starts))
    .setup(start(client.runs("puppet").restarting().public()))
    .every(secs(1), 6, tell(&client, &to_ask(&ledger, 3, "careless 5")))
    .every(millis(1_400), 5, tell(&auditor, "audit"))
    .when(Kind::Called, &ledger.process, 33, down(ALICE, Down::PowerLoss))
    .expect(prints(&auditor, "sum 100", 2))
    .expect(prints(&auditor, "sum 95", 3))
}

/// P3, C3.
fn a_stranger_at_a_database() -> Scenario {
    let (ledger, client) = (alice("ledger"), alice("client"));
    let (stranger, sibling) = (on(ALICE, "stranger:other:alice.os"), alice("sibling"));
    let request = |package: &str, action: &str| {
        let package = format!(r#"{{"package_name":"{package}","publisher_node":"alice.os"}}"#);
        format!(r#"{{"action":{action},"db":"ledger","package_id":{package}}}"#)
    };
    let asks_of =
        |who: &On, package: &str, action: &str| tell(who, &format!("await our@{KV} 5 {}", request(package, action)));
    let ask = |who: &On, action: &str| asks_of(who, "demo", action);
    let answered_of =
        |package: &str, action: &str, answer: &str| format!("{}: answered {answer}", request(package, action));
    let answered = |action: &str, answer: &str| answered_of("demo", action, answer);
    scenario(
        "a-stranger-at-a-database",
        "The capability to message the store does not allow a process to read or change a database: not one of another \
         package, and not one of its own package before it opens it. Databases of one name in two packages are two \
         databases.",
    )
    .lasting(secs(6), secs(10))
    .setup(start(asking_kv(ledger.runs("ledger"))))
    .setup(start(asking_kv(stranger.runs("puppet"))))
    .setup(start(asking_kv(sibling.runs("puppet"))))
    .setup(start(client.runs("puppet").restarting().public()))
    .every(secs(1), 5, tell(&client, &to_ask(&ledger, 3, "move 5")))
    .at(millis(1_500), ask(&stranger, r#""Open""#))
    .at(millis(2_500), ask(&stranger, r#"{"Get":[97]}"#))
    .at(millis(2_500), ask(&sibling, r#"{"Get":[97]}"#))
    .at(millis(3_500), ask(&stranger, r#"{"Delete":{"key":[97],"tx_id":null}}"#))
    .at(millis(3_500), ask(&stranger, r#""RemoveDb""#))
    .at(millis(3_600), asks_of(&stranger, "other", r#""Open""#))
    .at(millis(3_700), asks_of(&stranger, "other", r#"{"Get":[97]}"#))
    .at(millis(4_500), ask(&sibling, r#""Open""#))
    .at(millis(4_600), ask(&sibling, r#"{"Get":[97]}"#))
    .expect(prints(&stranger, &answered(r#""Open""#, r#"{"Err":"MismatchingPackageId"}"#), 1))
    .expect(prints(&stranger, &answered(r#"{"Get":[97]}"#, r#"{"Err":"NoReadCap"}"#), 1))
    .expect(prints(&stranger, &answered_of("other", r#"{"Get":[97]}"#, r#"{"Err":"KeyNotFound"}"#), 1))
    .expect(prints(&sibling, &answered(r#"{"Get":[97]}"#, r#"{"Err":"NoReadCap"}"#), 1))
    .expect(prints(&sibling, &answered(r#"{"Get":[97]}"#, r#"{"Get":[97]}"#), 1))
    .expect(prints(&client, "move 5: answered 75 25 5", 1))
}
