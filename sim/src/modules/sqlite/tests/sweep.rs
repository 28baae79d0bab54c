//! Every boundary between two operations of the disk in the work of many transactions: the node goes down there, by a
//! crash or by a power loss, and what its database holds after the boot is the state before or after the transaction
//! under way, and after it if it was answered.

use super::*;
use crate::disk::{Disk, Spared};
use kernel_core::Message;

/// What each of ten accounts has in the beginning.
const BALANCE: i64 = 1_000;
/// How many transactions there are, whether there is a gap among them, and what the accounts have.
const LOOK: &str = "SELECT max(n) AS n, count(*) AS count, \
                    (SELECT json_group_array(balance) FROM (SELECT * FROM account ORDER BY id)) AS balances FROM moved";

/// What sweeping came to.
#[derive(Debug, Default)]
struct Swept {
    points: usize,
    visited: usize,
    /// What was found wrong, in words.
    broken: Vec<String>,
}

/// What a request did to the disk, in order.
struct Job {
    before: Disk,
    ops: Vec<Op>,
    /// How many transactions there were before and after it.
    from: u64,
    to: u64,
}

/// Transactions one after the other, each of which moves something between two of ten accounts and notes its number.
/// From time to time a log is written back to its database.
fn work(setup: &Setup, n_transactions: u64) -> (Harness<Sqlite>, Vec<Job>) {
    let mut harness = module(setup);
    harness.act(json!("Open"));
    let tx = harness.begin();
    harness.queue(tx, "CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER)");
    harness.queue(tx, "CREATE TABLE moved (n INTEGER PRIMARY KEY, note TEXT)");
    for id in 0..10 {
        harness.queue(tx, &format!("INSERT INTO account VALUES ({id}, {BALANCE})"));
    }
    assert_eq!(harness.commit(tx), "Ok");
    let mut jobs = vec![];
    for n in 1..=n_transactions {
        let tx = harness.begin();
        harness.queue(tx, &format!("UPDATE account SET balance = balance - {n} WHERE id = {}", giver(n)));
        harness.queue(tx, &format!("UPDATE account SET balance = balance + {n} WHERE id = {}", taker(n)));
        harness.queue(tx, &format!("INSERT INTO moved VALUES ({n}, 'number {n}')"));
        let before = harness.disk.clone();
        assert_eq!(harness.commit(tx), "Ok");
        jobs.push(Job { before, ops: harness.ops.clone(), from: n - 1, to: n });
        if n % 25 == 3 {
            let before = harness.disk.clone();
            assert!(harness.query("PRAGMA wal_checkpoint").is_array());
            jobs.push(Job { before, ops: harness.ops.clone(), from: n, to: n });
        }
    }
    (harness, jobs)
}

/// Whose account the n-th transaction takes from, and whose it gives to.
fn giver(n: u64) -> usize {
    n as usize % 10
}

fn taker(n: u64) -> usize {
    (n as usize + 3) % 10
}

/// What the accounts have after n transactions, as JSON text.
fn balances(n: u64) -> String {
    let mut balances = [BALANCE; 10];
    for n in 1..=n {
        balances[giver(n)] -= n as i64;
        balances[taker(n)] += n as i64;
    }
    json!(balances).to_string()
}

/// What a boot finds on a disk: how many transactions, if they are whole; or what is wrong.
fn boot(harness: &mut Harness<Sqlite>, disk: Disk, setup: &Setup, look: &Message) -> Result<u64, String> {
    harness.disk = disk;
    harness.crash(setup);
    let (_, reply) = harness.reply(look.clone());
    if harness.facts.iter().any(|fact| matches!(fact, What::StoreChecked(_, _, Some(_)))) {
        return Err(format!("the engine finds it broken: {:?}", harness.facts));
    }
    match json_of(&reply) {
        answer if answer == "Read" => {}
        error => return Err(error.to_string()),
    }
    let row = &rows(&reply)[0];
    let n = row["n"].as_u64().unwrap_or(0);
    let whole = json!({ "n": row["n"], "count": n, "balances": balances(n) });
    if *row == whole { Ok(n) } else { Err(format!("half of something: {row}")) }
}

/// What a power loss spares: each time something else.
fn spared(n: u64, done: usize, unsynced: usize) -> Spared {
    let turn = n as u32 + done as u32;
    let one = 1 + turn % (unsynced as u32).max(1);
    match turn % 6 {
        0 | 1 => Spared::First(0),
        2 => Spared::Torn(one, 1),
        3 => Spared::Without(one),
        4 => Spared::Only(one),
        _ => Spared::Mixed(turn),
    }
}

/// Goes down at every boundary of every job.
fn sweep(setup: &Setup, n_transactions: u64) -> Swept {
    let (mut harness, jobs) = work(setup, n_transactions);
    let look = harness.request(body("main", json!({ "Query": LOOK })).to_string(), None);
    let mut swept = Swept { points: jobs.iter().map(|job| 2 * (job.ops.len() + 1)).sum(), ..Swept::default() };
    for job in &jobs {
        let mut disk = job.before.clone();
        for done in 0..=job.ops.len() {
            if done > 0 {
                disk.apply(&job.ops[done - 1]).expect("it was possible before");
            }
            let least = if done == job.ops.len() { job.to } else { job.from };
            let mut lost = disk.clone();
            lost.power_loss(spared(job.to, done, disk.unsynced()));
            for (how, disk) in [("crash", disk.clone()), ("power loss", lost)] {
                swept.visited += 1;
                let place = format!("{how} after operation {done} of {} in transaction {}", job.ops.len(), job.to);
                match boot(&mut harness, disk, setup, &look) {
                    Ok(found) if (least..=job.to).contains(&found) => {}
                    Ok(found) => swept.broken.push(format!("{place}: {found} transactions")),
                    Err(wrong) => swept.broken.push(format!("{place}: {wrong}")),
                }
            }
        }
    }
    swept
}

#[test]
fn no_crash_between_two_operations_loses_one_of_two_hundred_transactions_or_leaves_half_of_one() {
    for (journal, least) in [(Journal::Wal, 2_000), (Journal::Rollback, 6_000)] {
        let swept = sweep(&mode(journal), 200);
        println!("{journal:?}: {} of {} crash points visited", swept.visited, swept.points);
        assert_eq!((swept.visited, swept.broken.first()), (swept.points, None));
        assert!(swept.points > least, "{journal:?}: {} points", swept.points);
    }
}

/// A power loss during the recovery from one, and another during the recovery from that.
#[test]
fn a_recovery_that_is_interrupted_is_taken_up_again() {
    for journal in MODES {
        let setup = mode(journal);
        let (mut harness, jobs) = work(&setup, 12);
        let look = harness.request(body("main", json!({ "Query": LOOK })).to_string(), None);
        let (mut n_recoveries, job) = (0, jobs.last().expect("there are twelve"));
        for done in 0..=job.ops.len() {
            let mut disk = job.before.clone();
            job.ops[..done].iter().for_each(|op| disk.apply(op).expect("it was possible before"));
            let found = boot(&mut harness, disk.clone(), &setup, &look).expect("it recovers");
            let recovery = harness.ops.clone();
            n_recoveries += usize::from(!recovery.is_empty());
            for far in 0..=recovery.len() {
                let mut again = disk.clone();
                recovery[..far].iter().for_each(|op| again.apply(op).expect("it was possible before"));
                let mut lost = again.clone();
                lost.power_loss(Spared::First(0));
                let crashed = boot(&mut harness, again, &setup, &look);
                assert_eq!(crashed, Ok(found), "{journal:?} {done} {far}");
                let lost = boot(&mut harness, lost, &setup, &look).expect("it recovers");
                assert!(
                    lost == found || (lost + 1 == found && done < job.ops.len()),
                    "{journal:?} {done} {far}: {lost}"
                );
            }
        }
        assert!(n_recoveries > 3 || journal == Journal::Wal, "{n_recoveries}");
    }
}

// ---- planted faults, each found by the sweep ------------------------------------------------------------------------

fn found(journal: Journal, planted: Planted) -> Vec<String> {
    let swept = sweep(&Setup { journal, planted: Some(planted) }, 5);
    assert_eq!(swept.visited, swept.points);
    swept.broken
}

#[test]
fn an_operating_system_that_ignores_syncs_is_found_at_a_power_loss() {
    for journal in MODES {
        let broken = found(journal, Planted::SqliteSyncIgnored);
        assert!(!broken.is_empty() && broken.iter().all(|place| place.starts_with("power loss")), "{broken:#?}");
    }
}

#[test]
fn an_answer_before_the_sync_is_found_at_a_power_loss() {
    for journal in MODES {
        let broken = found(journal, Planted::SqliteAnswersEarly);
        assert!(!broken.is_empty() && broken.iter().all(|place| place.starts_with("power loss")), "{broken:#?}");
    }
}

#[test]
fn a_journal_that_is_thrown_away_is_found_at_a_crash() {
    for journal in MODES {
        let broken = found(journal, Planted::SqliteJournalIgnored);
        assert!(broken.iter().any(|place| place.starts_with("crash")), "{broken:#?}");
    }
}
