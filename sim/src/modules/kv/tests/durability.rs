//! What is there after a crash, a power loss, a refusal, rot.

use super::*;
use crate::disk::{Disk, IoFault, IoWrong, Op, SECTOR, Spared};

/// How a node goes down.
#[derive(Clone, Copy, Debug)]
pub enum Down {
    Crash,
    /// This survives of what was not synced.
    PowerLoss(Spared),
}

/// A harness whose database has the pairs `a` and `b`, closed: its node has just come up.
fn kept() -> Harness<Kv> {
    let mut harness = kv();
    assert_eq!((harness.set("a", "old"), harness.set("b", "old")), ("Ok".into(), "Ok".into()));
    harness.crash();
    harness
}

/// The node goes down when so many of these operations are done to this disk, and comes up.
pub fn goes_down(harness: &mut Harness<Kv>, mut disk: Disk, ops: &[Op], how: Down) {
    ops.iter().for_each(|op| disk.apply(op).expect("it was done once already"));
    if let Down::PowerLoss(spared) = how {
        disk.power_loss(spared);
    }
    harness.disk = disk;
    harness.crash();
}

/// Both values: those of a transaction, or those before it.
fn pair(harness: &mut Harness<Kv>) -> [String; 2] {
    let [a, b] = ["a", "b"].map(|key| harness.get(key));
    [a.expect("it is there"), b.expect("it is there")]
}

fn ways(unsynced: usize) -> impl Iterator<Item = Down> {
    let oldest = (0..=unsynced as u32).map(Spared::First);
    let mixed = (0..4).map(Spared::Mixed);
    std::iter::once(Down::Crash).chain(oldest.chain(mixed).map(Down::PowerLoss))
}

/// P3.
#[test]
fn a_commit_is_there_whole_or_not_at_all_whichever_of_its_operations_was_the_last() {
    let mut n_points = 0;
    for is_open in [false, true] {
        let mut harness = kept();
        if is_open {
            assert_eq!(harness.get("a"), Ok("old".into()));
        }
        let tx = harness.begin();
        harness.set_in("db", "a", "new", Some(tx));
        harness.set_in("db", "b", "new", Some(tx));
        let before = harness.disk.clone();
        assert_eq!(harness.commit(tx), "Ok");
        let ops = harness.ops.clone();
        for n_done in 0..=ops.len() {
            for how in ways(ops.len()) {
                goes_down(&mut harness, before.clone(), &ops[..n_done], how);
                let [a, b] = pair(&mut harness);
                assert!(a == b && (a == "new" || n_done < ops.len()), "{n_done} of {}, {how:?}: {a} {b}", ops.len());
                n_points += 1;
            }
        }
    }
    println!("{n_points} of {n_points} points: whole or not at all");
    assert!(n_points > 100);
}

/// P3: "and any number of them during recovery".
#[test]
fn a_recovery_that_is_interrupted_is_done_by_the_next() {
    let mut harness = kept();
    assert_eq!(pair(&mut harness), ["old", "old"]);
    let before = harness.disk.clone();
    assert_eq!(harness.set("a", "new"), "Ok");
    let ops = harness.ops.clone();
    for n_done in 0..ops.len() {
        goes_down(&mut harness, before.clone(), &ops[..n_done], Down::Crash);
        let (down, mut seen) = (harness.disk.clone(), None);
        assert!(harness.get("a").is_ok());
        let recovery = harness.ops.clone();
        for n_recovered in 0..=recovery.len() {
            for how in [Down::Crash, Down::PowerLoss(Spared::First(0)), Down::PowerLoss(Spared::Mixed(7))] {
                goes_down(&mut harness, down.clone(), &recovery[..n_recovered], how);
                let [a, b] = pair(&mut harness);
                assert!(["old", "new"].contains(&a.as_str()) && b == "old", "{n_done} {n_recovered} {how:?}: {a} {b}");
                // What a whole recovery has found is found from then on.
                if n_recovered == recovery.len() {
                    assert_eq!(seen.get_or_insert(a.clone()), &a);
                }
            }
        }
    }
}

#[test]
fn a_database_is_made_whole_or_not_at_all() {
    let mut harness = Harness::new(ProcessRef::KV, Kv::new(&Setup::default()));
    let before = harness.disk.clone();
    assert_eq!(harness.ask(body("db", json!("Open"))), "Ok");
    let ops = harness.ops.clone();
    for n_done in 0..=ops.len() {
        for how in ways(ops.len()) {
            goes_down(&mut harness, before.clone(), &ops[..n_done], how);
            assert_eq!(harness.get("a"), Err(refused("KeyNotFound")), "{n_done} of {}, {how:?}", ops.len());
            assert_eq!(harness.set("a", "one"), "Ok");
            harness.disk.power_loss(Spared::First(0));
            harness.crash();
            assert_eq!(harness.get("a"), Ok("one".into()), "its name is durable as well");
        }
    }
}

/// An error is an answer, and the next request finds the old value or the new one.
#[test]
fn whatever_access_is_refused_what_is_answered_is_true() {
    for (wrong, is_open) in [IoWrong::Error, IoWrong::NoSpace, IoWrong::Short].into_iter().flat_map(either) {
        let mut n_errors = 0;
        // More accesses than a request has.
        for at in 1..=60 {
            let mut harness = kept();
            if is_open {
                assert_eq!(harness.get("a"), Ok("old".into()));
            }
            harness.fault = Some(IoFault { at, wrong });
            let answer = harness.set("a", "new");
            n_errors += u32::from(answer != "Ok");
            let [a, b] = pair(&mut harness);
            let a_is_right = a == "new" || (a == "old" && answer != "Ok");
            assert!(a_is_right && b == "old", "{wrong:?} at {at}: {answer}, and then {a} {b}");
            assert_eq!(harness.set("a", "newer"), "Ok", "the disk refuses no more");
        }
        println!("{wrong:?}, {}: {n_errors} errors", if is_open { "open" } else { "closed" });
        assert!((1..60).contains(&n_errors), "{wrong:?}: {n_errors} errors");
    }

    fn either(wrong: IoWrong) -> [(IoWrong, bool); 2] {
        [(wrong, false), (wrong, true)]
    }
}

/// A sector that has rotted is an error to its reader: the database is not opened, and not taken for none.
#[test]
fn a_database_that_rotted_is_an_error_until_it_is_removed_or_restored() {
    let mut harness = kept();
    let path = "/kv/notes:me.os/db";
    let sound = harness.disk.clone();
    let len = sound.files().len(path).expect("the database is there");
    for byte in (0..len).step_by(SECTOR as usize) {
        harness.disk = sound.clone();
        harness.disk.rot(path, byte);
        harness.crash();
        let damaged = json!({ "Err": { "RocksDBError": "I/O error: Input/output error (os error 5)" } });
        assert_eq!((harness.get("a"), harness.set("a", "new")), (Err(damaged.clone()), damaged), "at {byte}");
        assert!(harness.facts.is_empty(), "what the disk does not give is no fault of the store");
    }
    assert_eq!(harness.ask(body("db", json!("RemoveDb"))), "Ok");
    assert_eq!(harness.get("a"), Err(refused("KeyNotFound")));
    harness.disk = sound;
    harness.crash();
    assert_eq!(pair(&mut harness), ["old", "old"]);
}

/// What a refused sync was to make durable is not, whatever is synced later, until it is written anew. The database has
/// several pages, and what comes after the refusal changes others than what came before.
#[test]
fn what_is_built_on_a_commit_whose_sync_failed_is_durable() {
    let long = |text: &str| text.repeat(500);
    let mut filled = kept();
    for key in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        assert_eq!(filled.set(key, &long("old")), "Ok");
    }
    let mut n_failed = 0;
    for at in 1..20 {
        let mut harness = kv();
        harness.disk = filled.disk.clone();
        harness.crash();
        assert_eq!(harness.get("a"), Ok(long("old")));
        harness.fault = Some(IoFault { at, wrong: IoWrong::Error });
        let answer = harness.set("a", &long("new"));
        let failed = harness.ops.iter().any(|op| matches!(op, Op::FailedSync(_)));
        n_failed += u32::from(failed);
        assert!(!failed || answer != "Ok");
        assert_eq!(harness.set("h", &long("newer")), "Ok");
        harness.disk.power_loss(Spared::First(0));
        harness.crash();
        let [a, h] = ["a", "h"].map(|key| harness.get(key).expect("it is there"));
        let a_is_right = a == long("new") || (a == long("old") && answer != "Ok");
        assert!(h == long("newer") && a_is_right, "at {at}: {answer}");
    }
    assert!(n_failed > 0);
}

/// Two runs of one plan leave bit-identical disks, whichever thread they are on.
#[test]
fn the_same_work_makes_the_same_bytes() {
    fn run() -> Vec<u8> {
        let mut harness = kv();
        for n in 0..50 {
            assert_eq!(harness.set(&format!("key {}", n % 20), &"value".repeat(n)), "Ok");
            if n % 17 == 0 {
                harness.crash();
            }
        }
        harness.disk.files().read("/kv/notes:me.os/db").expect("it is there").to_vec()
    }
    let other = std::thread::spawn(run).join().expect("it runs");
    assert!(run() == other && run() == other, "the bytes differ");
}

/// The numbers that `store.rs` states.
#[test]
fn a_database_is_small() {
    assert_eq!(store::EMPTY.len(), 20 << 10);
    let mut harness = kv();
    for n in 0..200 {
        assert_eq!(harness.set(&format!("key {}", n % 10), "value"), "Ok");
        assert!(n == 0 || (6..=9).contains(&harness.ops.len()), "{n}: {:#?}", harness.ops.len());
    }
    let len = harness.disk.files().read("/kv/notes:me.os/db").expect("it is there").len();
    assert!(len <= 100 << 10, "{len} bytes");
}
