//! What stays when the node does not, and what is answered when the disk refuses.

use super::*;
use crate::disk::{IoFault, IoWrong, Spared};

/// The owner writes ten rows, one transaction each.
fn ten_rows(setup: &Setup) -> Desk<Sqlite> {
    let mut desk = with_table(setup);
    for a in 1..=10 {
        assert_eq!(desk.write(&format!("INSERT INTO t VALUES ({a}, 'row {a}')")), "Ok");
    }
    desk
}

#[test]
fn what_was_answered_as_committed_is_there_after_a_crash_and_after_a_power_loss() {
    for journal in MODES {
        let mut desk = ten_rows(&mode(journal));
        desk.crash(&mode(journal));
        assert_eq!(desk.value("SELECT count(*) FROM t"), 10, "{journal:?}");
        desk.disk.power_loss(Spared::First(0));
        desk.crash(&mode(journal));
        assert_eq!(desk.value("SELECT count(*) FROM t"), 10, "{journal:?}");
    }
}

#[test]
fn the_engine_looks_over_a_file_when_it_is_first_opened_after_a_boot() {
    let mut desk = ten_rows(&Setup::default());
    assert!(desk.facts.is_empty());
    desk.crash(&Setup::default());
    desk.value("SELECT count(*) FROM t");
    let path = "/sqlite/notes:me.os/main/main.db";
    assert!(
        matches!(&desk.facts[..], [What::StoreChecked(ProcessRef::SQLITE, at, None)] if **at == *path),
        "{:?}",
        desk.facts
    );
    desk.value("SELECT count(*) FROM t");
    assert!(desk.facts.is_empty(), "it is open");
}

#[test]
fn rotten_bytes_are_an_error_and_never_an_answer() {
    let setup = mode(Journal::Rollback);
    let mut desk = ten_rows(&setup);
    desk.crash(&setup);
    let path: Path = "/sqlite/notes:me.os/main/main.db".into();
    desk.disk.rot(&path, 4096 + 8);
    assert_eq!(desk.query("SELECT * FROM t"), engine_error("disk I/O error"));
    assert!(desk.facts.is_empty(), "{:?}", desk.facts);
    // Where nobody notices but the engine.
    desk.disk.apply(&Op::Write(path, 4096, [0xff; 512].into())).expect("the file is there");
    let answer = desk.query("SELECT * FROM t");
    assert!(answer["Err"]["RusqliteError"].is_string(), "{answer}");
    assert!(matches!(&desk.facts[..], [What::StoreChecked(_, _, Some(_))]), "{:?}", desk.facts);
    let again = desk.query("SELECT * FROM t");
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
    let mut desk = ten_rows(&setup);
    let tx = desk.begin();
    desk.queue(tx, "INSERT INTO t VALUES (11, 'eleven')");
    desk.queue(tx, "UPDATE t SET b = hex(zeroblob(1000)) WHERE a < 11");
    desk.fault = Some(fault);
    let answer = desk.commit(tx);
    let place = format!("{journal:?} {fault}: {answer}");
    let is_done =
        |desk: &mut Desk<Sqlite>| match &desk.query("SELECT count(*) AS n, sum(length(b) = 2000) AS m FROM t")[0] {
            row if *row == json!({ "n": 11, "m": 10 }) => true,
            row if *row == json!({ "n": 10, "m": 0 }) => false,
            half => panic!("{place}: {half}"),
        };
    assert!(answer == "Ok" || answer["Err"]["RusqliteError"].is_string(), "{place}");
    // What was refused may have come about all the same (the last sync of all), but as a whole.
    let was_done = is_done(&mut desk);
    assert!(was_done || answer != "Ok", "{place}");
    desk.crash(&setup);
    assert!(is_done(&mut desk) || !was_done, "{place}");
    answer == "Ok"
}

/// What a refused sync left is read after a crash like everything else, and what is committed on it must not go with it.
#[test]
fn what_is_built_after_a_crash_on_a_commit_whose_sync_failed_is_durable() {
    for journal in MODES {
        let setup = mode(journal);
        let mut n_failed = 0;
        for at in 1..=30 {
            let mut desk = ten_rows(&setup);
            desk.fault = Some(IoFault { at, wrong: IoWrong::Error });
            let done = desk.write("INSERT INTO t VALUES (11, 'eleven')") == "Ok";
            n_failed += u32::from(desk.ops.iter().any(|op| matches!(op, Op::FailedSync(_))));
            desk.crash(&setup);
            assert_eq!(desk.write("INSERT INTO t VALUES (12, 'twelve')"), "Ok");
            desk.disk.power_loss(Spared::First(0));
            desk.crash(&setup);
            assert_eq!(desk.value("SELECT count(*) FROM t WHERE a = 12"), 1, "{journal:?}, refused at {at}");
            assert!(!done || desk.value("SELECT count(*) FROM t WHERE a = 11") == 1, "{journal:?}, refused at {at}");
        }
        assert!(n_failed > 0, "{journal:?}");
    }
}

/// What SQLite draws at random (salts, nonces) would tell two runs apart.
#[test]
fn the_same_work_leaves_the_same_bytes_whatever_ran_before_and_beside() {
    let work = |journal: Journal| {
        let mut desk = ten_rows(&mode(journal));
        desk.write_with("INSERT INTO t VALUES (11, hex(randomblob(16)))", json!([]));
        desk.crash(&mode(journal));
        desk.write("UPDATE t SET b = random() WHERE a = 10");
        desk.files()
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
        let mut desk = ten_rows(&mode(journal));
        desk.query("BEGIN");
        desk.write("INSERT INTO t VALUES (11, 'not committed')");
        let before = desk.disk.clone();
        desk.crash(&mode(journal));
        assert_eq!(desk.disk, before);
        assert_eq!(desk.value("SELECT count(*) FROM t"), 10);
    }
}

#[test]
fn a_module_forks_while_it_has_no_handle() {
    let mut desk = with_table(&Setup::default());
    assert!(desk.module.fork().is_none(), "a handle cannot be cloned");
    desk.crash(&Setup::default());
    let tx = desk.begin();
    desk.queue(tx, "INSERT INTO t VALUES (1, 1)");
    assert!(desk.module.fork().is_some());
}
