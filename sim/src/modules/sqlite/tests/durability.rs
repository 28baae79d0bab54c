//! What stays when the node does not, and what is answered when the disk refuses.

use super::*;
use crate::disk::{IoFault, IoWrong, Spared};

/// The owner writes ten rows, one transaction each.
fn ten_rows(setup: &Setup) -> Harness<Sqlite> {
    let mut harness = with_table(setup);
    for a in 1..=10 {
        assert_eq!(harness.write(&format!("INSERT INTO t VALUES ({a}, 'row {a}')")), "Ok");
    }
    harness
}

#[test]
fn what_was_answered_as_committed_is_there_after_a_crash_and_after_a_power_loss() {
    for journal in MODES {
        let mut harness = ten_rows(&mode(journal));
        harness.crash(&mode(journal));
        assert_eq!(harness.value("SELECT count(*) FROM t"), 10, "{journal:?}");
        harness.disk.power_loss(Spared::First(0));
        harness.crash(&mode(journal));
        assert_eq!(harness.value("SELECT count(*) FROM t"), 10, "{journal:?}");
    }
}

#[test]
fn the_engine_looks_over_a_file_when_it_is_first_opened_after_a_boot() {
    let mut harness = ten_rows(&Setup::default());
    assert!(harness.facts.is_empty());
    harness.crash(&Setup::default());
    harness.value("SELECT count(*) FROM t");
    let path = "/sqlite/notes:me.os/main/main.db";
    assert!(
        matches!(&harness.facts[..], [What::StoreChecked(ProcessRef::SQLITE, at, None)] if **at == *path),
        "{:?}",
        harness.facts
    );
    harness.value("SELECT count(*) FROM t");
    assert!(harness.facts.is_empty(), "it is open");
}

#[test]
fn rotten_bytes_are_an_error_and_never_an_answer() {
    let setup = mode(Journal::Rollback);
    let mut harness = ten_rows(&setup);
    harness.crash(&setup);
    let path: Path = "/sqlite/notes:me.os/main/main.db".into();
    harness.disk.rot(&path, 4096 + 8);
    assert_eq!(harness.query("SELECT * FROM t"), engine_error("disk I/O error"));
    assert!(harness.facts.is_empty(), "{:?}", harness.facts);
    // Where nobody notices but the engine.
    harness.disk.apply(&Op::Write(path, 4096, [0xff; 512].into())).expect("the file is there");
    let answer = harness.query("SELECT * FROM t");
    assert!(answer["Err"]["RusqliteError"].is_string(), "{answer}");
    assert!(matches!(&harness.facts[..], [What::StoreChecked(_, _, Some(_))]), "{:?}", harness.facts);
    let again = harness.query("SELECT * FROM t");
    assert_eq!(again, answer, "and again");
}

/// Every access of a commit, refused in every way: an error is answered, or what is asked for is done; and the next
/// request, and the next boot, find all of it or nothing.
#[test]
fn a_disk_that_refuses_is_answered_with_an_error_and_what_is_there_stays_whole() {
    for journal in MODES {
        for wrong in [IoWrong::NoSpace, IoWrong::Error, IoWrong::Short] {
            let answers: Vec<bool> = (1..=60).map(|at| commit_upon(journal, IoFault { at, wrong })).collect();
            let refused = answers.iter().filter(|done| !**done).count();
            assert!(refused > 5 && answers.ends_with(&[true; 5]), "{journal:?} {wrong:?}: {answers:?}");
        }
    }
}

/// Whether a commit is answered as done though the disk refuses something; what is there afterwards fits the answer.
fn commit_upon(journal: Journal, fault: IoFault) -> bool {
    let setup = mode(journal);
    let mut harness = ten_rows(&setup);
    let tx = harness.begin();
    harness.queue(tx, "INSERT INTO t VALUES (11, 'eleven')");
    harness.queue(tx, "UPDATE t SET b = hex(zeroblob(1000)) WHERE a < 11");
    harness.fault = Some(fault);
    let answer = harness.commit(tx);
    let place = format!("{journal:?} {fault}: {answer}");
    let is_done = |harness: &mut Harness<Sqlite>| match &harness
        .query("SELECT count(*) AS n, sum(length(b) = 2000) AS m FROM t")[0]
    {
        row if *row == json!({ "n": 11, "m": 10 }) => true,
        row if *row == json!({ "n": 10, "m": 0 }) => false,
        half => panic!("{place}: {half}"),
    };
    assert!(answer == "Ok" || answer["Err"]["RusqliteError"].is_string(), "{place}");
    // What was refused may have come about all the same (the last sync of all), but as a whole.
    let was_done = is_done(&mut harness);
    assert!(was_done || answer != "Ok", "{place}");
    harness.crash(&setup);
    assert!(is_done(&mut harness) || !was_done, "{place}");
    answer == "Ok"
}

/// What a refused sync left is read after a crash like everything else, and what is committed on it must not go with it.
#[test]
fn what_is_built_after_a_crash_on_a_commit_whose_sync_failed_is_durable() {
    for journal in MODES {
        let setup = mode(journal);
        let mut n_failed = 0;
        for at in 1..=30 {
            let mut harness = ten_rows(&setup);
            harness.fault = Some(IoFault { at, wrong: IoWrong::Error });
            let done = harness.write("INSERT INTO t VALUES (11, 'eleven')") == "Ok";
            n_failed += u32::from(harness.ops.iter().any(|op| matches!(op, Op::FailedSync(_))));
            harness.crash(&setup);
            assert_eq!(harness.write("INSERT INTO t VALUES (12, 'twelve')"), "Ok");
            harness.disk.power_loss(Spared::First(0));
            harness.crash(&setup);
            assert_eq!(harness.value("SELECT count(*) FROM t WHERE a = 12"), 1, "{journal:?}, refused at {at}");
            assert!(!done || harness.value("SELECT count(*) FROM t WHERE a = 11") == 1, "{journal:?}, refused at {at}");
        }
        assert!(n_failed > 0, "{journal:?}");
    }
}

/// What SQLite draws at random (salts, nonces) would tell two runs apart.
#[test]
fn the_same_work_leaves_the_same_bytes_whatever_ran_before_and_beside() {
    let work = |journal: Journal| {
        let mut harness = ten_rows(&mode(journal));
        harness.write_with("INSERT INTO t VALUES (11, hex(randomblob(16)))", json!([]));
        harness.crash(&mode(journal));
        harness.write("UPDATE t SET b = random() WHERE a = 10");
        harness.files()
    };
    for journal in MODES {
        let first = work(journal);
        assert!(first.iter().any(|(_, content)| content.len() > 4096));
        std::thread::scope(|scope| {
            let both = [0, 1].map(|_| scope.spawn(|| [0; 5].map(|_| work(journal))));
            for beside in both {
                for files in beside.join().expect("the work does not panic") {
                    assert!(files == first, "{journal:?}");
                }
            }
        });
    }
}

#[test]
fn a_handle_that_is_dropped_writes_nothing() {
    for journal in MODES {
        let mut harness = ten_rows(&mode(journal));
        harness.query("BEGIN");
        harness.write("INSERT INTO t VALUES (11, 'not committed')");
        let before = harness.disk.clone();
        harness.crash(&mode(journal));
        assert_eq!(harness.disk, before);
        assert_eq!(harness.value("SELECT count(*) FROM t"), 10);
    }
}

#[test]
fn a_module_forks_while_it_has_no_handle() {
    let mut harness = with_table(&Setup::default());
    assert!(harness.module.fork().is_none(), "a handle cannot be cloned");
    harness.crash(&Setup::default());
    let tx = harness.begin();
    harness.queue(tx, "INSERT INTO t VALUES (1, 1)");
    assert!(harness.module.fork().is_some());
}
