//! A guest's SQL stays in its database, and ends.

use super::*;
use crate::disk::{IoFault, IoWrong};

/// What the answer is to a query that this simulator does not let the engine do: an error, and the run says so.
fn not_let(harness: &mut Harness<Sqlite>, sql: &str) -> Value {
    let answer = harness.query(sql);
    assert!(harness.unmodelled.is_some(), "{sql}: {answer}");
    answer
}

#[test]
fn an_error_that_is_there_as_well_is_no_lack_of_the_simulators() {
    let mut harness = with_table(&Setup::default());
    harness.write("INSERT INTO t VALUES (1, 1)");
    for sql in ["SELECT nothing", "SELECT load_extension('x')", "SELECT 9e999", "SELEC", "INSERT INTO t VALUES (2, 2)"]
    {
        assert!(harness.query(sql)["Err"] != Value::Null, "{sql}");
        assert_eq!(harness.unmodelled, None, "{sql}");
    }
    assert!(harness.write("INSERT INTO t VALUES (1, 1)")["Err"] != Value::Null);
    assert_eq!(harness.unmodelled, None);
    harness.fault = Some(IoFault { at: 1, wrong: IoWrong::NoSpace });
    assert!(harness.write("INSERT INTO t VALUES (2, 2)")["Err"] != Value::Null);
    assert_eq!(harness.unmodelled, None, "a full disk is a fault");
}

#[test]
fn no_statement_goes_on_for_ever() {
    let mut harness = with_table(&Setup::default());
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)";
    assert_eq!(not_let(&mut harness, &format!("{endless} SELECT max(x) FROM n")), engine_error("interrupted"));
    let write = format!("INSERT INTO t SELECT x, x FROM ({endless} SELECT x FROM n)");
    let answer = harness.write(&write);
    assert_eq!((answer, harness.unmodelled.is_some()), (engine_error("interrupted"), true));
    assert_eq!(harness.value("SELECT count(*) FROM t"), 0, "and leaves nothing");
    let tx = harness.begin();
    harness.queue(tx, "INSERT INTO t VALUES (0, 0)");
    harness.queue(tx, &write);
    assert_eq!(harness.commit(tx), engine_error("interrupted"));
    assert_eq!(harness.value("SELECT count(*) FROM t"), 0);
}

#[test]
fn no_statement_takes_more_than_its_share_of_space() {
    let mut harness = with_table(&Setup::default());
    let too_big = "string or blob too big";
    assert_eq!(not_let(&mut harness, "SELECT length(hex(zeroblob(1000000)))"), engine_error(too_big));
    assert_eq!(not_let(&mut harness, "SELECT zeroblob(2000000000)"), engine_error(too_big));
    let thousand = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 1000)";
    let rows = not_let(&mut harness, &format!("{thousand} SELECT zeroblob(100000) AS z FROM n"));
    assert_eq!(rows, engine_error("the result is larger than 16 MiB"));
    let full = harness.write(&format!("INSERT INTO t SELECT x, zeroblob(100000) FROM ({thousand} SELECT x FROM n)"));
    assert_eq!((full, harness.unmodelled.is_some()), (engine_error("database or disk is full"), true));
    assert_eq!(harness.value("SELECT count(*) FROM t"), 0);
    let sorted = format!("{thousand} SELECT count(*) FROM (SELECT randomblob(100000) AS z FROM n ORDER BY z)");
    let sorted = not_let(&mut harness, &sorted);
    assert_eq!(sorted, engine_error("database or disk is full"), "files without a name count as well");
    let long = format!("SELECT '{}'", "x".repeat(100_000));
    assert_eq!(not_let(&mut harness, &long), engine_error("statement too long"));
    let pattern = format!("SELECT 'x' LIKE '{}'", "%x".repeat(200));
    assert_eq!(not_let(&mut harness, &pattern), engine_error("LIKE or GLOB pattern too complex"));
    assert_eq!(harness.query(&format!("SELECT {}1", "-(".repeat(5_000))).as_object().map(|error| error.len()), Some(1));
    assert_eq!(harness.query("SELECT 1 AS x"), json!([{ "x": 1 }]), "and it serves on");
}

#[test]
fn no_other_database_is_within_reach() {
    let mut harness = with_table(&Setup::default());
    assert_eq!(harness.ask(body("other", json!("Open"))), "Ok");
    for file in ["/sqlite/notes:me.os/other/other.db", "other.db", ":memory:", "file:x?mode=memory", "/kernel/table"] {
        let attach = not_let(&mut harness, &format!("ATTACH '{file}' AS x"));
        assert_eq!(attach, engine_error("not authorized"), "{file}");
        assert_eq!(harness.write(&format!("VACUUM INTO '{file}'")), engine_error("authorization denied"), "{file}");
    }
    assert_eq!(harness.query_with("ATTACH ?1 AS x", json!(["other.db-"])), engine_error("not authorized"));
    assert_eq!(harness.write("VACUUM"), "Ok");
}

#[test]
fn nothing_is_loaded() {
    let mut harness = with_table(&Setup::default());
    let load = harness.query("SELECT load_extension('libc.so.6')");
    assert_eq!(
        load,
        engine_error(
            "not authorized to use function: load_extension in SELECT load_extension('libc.so.6') at offset 7"
        )
    );
}

#[test]
fn no_pragma_takes_away_what_the_engine_stands_on() {
    for journal in MODES {
        let mut harness = with_table(&mode(journal));
        for pragma in [
            "journal_mode = OFF",
            "journal_mode = MEMORY",
            "locking_mode = NORMAL",
            "synchronous = OFF",
            "mmap_size = 1000000000",
            "writable_schema = ON",
            "page_size = 512",
            "cache_size = 1000000",
            "cache_spill = OFF",
            "temp_store = MEMORY",
            "temp_store_directory = '/tmp'",
            "wal_autocheckpoint = 1000000",
            "hard_heap_limit = 0",
            "schema_version = 1",
            "ignore_check_constraints = ON",
            "threads = 4",
            "no_such_pragma = 1",
        ] {
            let answer = not_let(&mut harness, &format!("PRAGMA {pragma}"));
            assert_eq!(answer, engine_error("not authorized"), "{pragma}");
        }
        let mode = if journal == Journal::Wal { "wal" } else { "delete" };
        let says = r#"{"Query":"PRAGMA ignore_check_constraints = ON"}: not authorized"#;
        not_let(&mut harness, "PRAGMA ignore_check_constraints = ON");
        assert_eq!(
            harness.unmodelled.as_deref(),
            Some(says),
            "what was asked and why not, and not whose database it is"
        );
        for pragma in ["journal_mode", "journal_mode = WAL"] {
            assert_eq!(harness.query(&format!("PRAGMA {pragma}")), json!([{ "journal_mode": mode }]), "{pragma}");
        }
        assert_eq!(harness.query("PRAGMA user_version = 7"), json!([]));
        assert_eq!(harness.query("PRAGMA user_version"), json!([{ "user_version": 7 }]));
        assert_eq!(harness.query("PRAGMA integrity_check"), json!([{ "integrity_check": "ok" }]));
        assert_eq!(harness.write("INSERT INTO t VALUES (1, 1)"), "Ok");
    }
}

#[test]
fn the_schema_cannot_be_written_by_hand() {
    let mut harness = with_table(&Setup::default());
    let refusal = harness.write("UPDATE sqlite_master SET sql = 'broken'");
    assert_eq!(refusal, engine_error("table sqlite_master may not be modified"));
}

#[test]
fn what_waits_to_be_committed_has_a_bound_and_is_given_back() {
    let mut harness = with_table(&Setup::default());
    let tx = harness.begin();
    let long = format!("INSERT INTO t VALUES (1, '{}')", "x".repeat(1 << 20));
    let fitting = (0..100).take_while(|_| harness.queue(tx, &long) == "Ok").count();
    assert_eq!(fitting, 63);
    assert_eq!(harness.queue(tx, &long), engine_error("out of memory"));
    assert!(harness.unmodelled.is_some());
    assert_eq!(harness.commit(tx), engine_error("statement too long"));
    let tx = harness.begin();
    assert_eq!(harness.queue(tx, &long), "Ok");
}

#[test]
fn what_a_statement_takes_of_the_host_is_counted() {
    let mut harness = with_table(&Setup::default());
    harness.query("SELECT 1");
    let little = harness.nanos;
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)";
    for much in ["SELECT max(x) FROM n", "SELECT hex(zeroblob(500000)) FROM n"] {
        harness.query(&format!("{endless} {much}"));
        assert!(little > 0 && harness.nanos > 1_000 * little, "{much}: {} of {little}", harness.nanos);
    }
}
