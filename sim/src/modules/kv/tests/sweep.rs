//! Two hundred transactions, and every point at which their node can go down.

use super::durability::{Down, goes_down};
use super::*;
use crate::disk::Spared;

/// How many transactions.
const N: usize = 200;
/// Between how many accounts they move value.
const ACCOUNTS: usize = 10;

/// What is in the accounts after so many transactions. Each takes a little from one and gives it to the next.
fn accounts(n: usize) -> Vec<String> {
    let mut accounts = [1_000; ACCOUNTS];
    for n in 1..=n {
        accounts[n % ACCOUNTS] -= n;
        accounts[(n + 1) % ACCOUNTS] += n;
    }
    accounts.map(|account| account.to_string()).to_vec()
}

fn key(account: usize) -> String {
    format!("account {account}")
}

/// Begins the n-th transaction, for `commit`.
fn prepare(harness: &mut Harness<Kv>, n: usize) -> u64 {
    let (tx, after) = (harness.begin(), accounts(n));
    for account in [n % ACCOUNTS, (n + 1) % ACCOUNTS] {
        assert_eq!(harness.set_in("db", &key(account), &after[account], Some(tx)), "Ok");
    }
    assert_eq!(harness.set_in("db", "n", &n.to_string(), Some(tx)), "Ok");
    tx
}

/// After how many transactions the database is; it is after a whole number of them.
fn found(harness: &mut Harness<Kv>) -> usize {
    let n = harness.get("n").expect("there is a count").parse().expect("it is a number");
    let found: Vec<String> = (0..ACCOUNTS).map(|account| harness.get(&key(account)).expect("it is there")).collect();
    assert_eq!(found, accounts(n), "after {n}");
    n
}

/// P3. A crash after each operation of each commit; and a power loss there, sparing nothing of what was not synced, the
/// older half of it, or a draw of its sectors.
#[test]
fn of_200_transactions_each_is_there_whole_or_not_at_all_whichever_operation_was_the_last() {
    let (mut harness, mut other) = (kv(), kv());
    let first = accounts(0);
    for (account, value) in first.iter().enumerate() {
        assert_eq!(harness.set(&key(account), value), "Ok");
    }
    assert_eq!(harness.set("n", "0"), "Ok");
    let (mut n_points, mut n_visited, mut n_done) = (0, 0, 0);
    for n in 1..=N {
        let tx = prepare(&mut harness, n);
        let before = harness.disk.clone();
        assert_eq!(harness.commit(tx), "Ok");
        let ops = harness.ops.clone();
        let half = ops.len() as u32 / 2;
        let spared = [Spared::First(0), Spared::First(half), Spared::Mixed(n as u32)];
        let ways: Vec<Down> = std::iter::once(Down::Crash).chain(spared.map(Down::PowerLoss)).collect();
        n_points += (ops.len() + 1) * ways.len();
        for k in 0..=ops.len() {
            for how in &ways {
                goes_down(&mut other, before.clone(), &ops[..k], *how);
                let found = found(&mut other);
                assert!(found == n || (found == n - 1 && k < ops.len()), "{n}: {found} after {k} operations, {how:?}");
                n_visited += 1;
                n_done += usize::from(found == n);
            }
        }
    }
    println!("{n_visited} of {n_points} points of {N} transactions visited, at {n_done} of them the last one was done");
    assert_eq!(n_visited, n_points);
    assert!(n_points > N * 7 * 4, "{n_points}");
    // As many as must be, and some that need not.
    assert!(n_done > N * 4 && n_done < n_points, "{n_done}");
}
