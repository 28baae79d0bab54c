//! Who may do what, and where a name leads.

use super::*;
use crate::modules::database::PackageId;
use kernel_core::command::Command as KernelCommand;
use kernel_core::{Address, Outgoing, Request};

/// Gives a process the capability to do this with `main`.
fn grant(harness: &mut Harness<Sqlite>, who: &str, right: Right) {
    let package = PackageId { package_name: "notes".into(), publisher_node: "me.os".into() };
    let capability = DbKey(package, "main".into()).capability(harness.address, right, &mut harness.names);
    let target = harness.names.process(who);
    let body = KernelCommand::Grant(target, vec![capability]).to_body(&harness.names);
    let target = Address { process: ProcessRef::KERNEL, ..harness.address };
    let request = Request { body, ..Request::default() };
    harness.obey(Outgoing { target, request, context: None, blob: None });
}

#[test]
fn nobody_reads_or_writes_without_the_capability() {
    let mut harness = with_table(&Setup::default());
    harness.write("INSERT INTO t VALUES (1, 'secret')");
    for who in [SIBLING, STRANGER] {
        harness.by(who);
        assert_eq!(harness.query("SELECT * FROM t"), refused("NoReadCap"), "{who}");
        assert_eq!(harness.write("DELETE FROM t"), refused("NoWriteCap"), "{who}");
        assert_eq!(harness.act(json!("BeginTx")), refused("NoWriteCap"), "{who}");
        assert_eq!(harness.commit(1), refused("NoWriteCap"), "{who}");
    }
    harness.by(OWNER);
    assert_eq!(harness.query("SELECT * FROM t"), json!([{ "a": 1, "b": "secret" }]));
}

#[test]
fn a_process_of_the_package_opens_it_and_may_then() {
    let mut harness = with_table(&Setup::default());
    harness.by(SIBLING);
    assert_eq!(harness.act(json!("Open")), "Ok");
    assert_eq!(harness.write("INSERT INTO t VALUES (1, 1)"), "Ok");
    harness.by(STRANGER);
    for action in ["Open", "RemoveDb"] {
        assert_eq!(harness.act(json!(action)), refused("MismatchingPackageId"));
    }
}

#[test]
fn a_right_lasts_over_boots_and_a_new_open_is_not_needed() {
    let mut harness = with_table(&Setup::default());
    harness.crash(&Setup::default());
    assert_eq!(harness.write("INSERT INTO t VALUES (1, 1)"), "Ok");
}

#[test]
fn the_right_to_read_is_none_to_write_disguised_as_a_query() {
    let mut harness = with_table(&Setup::default());
    grant(&mut harness, STRANGER, Right::Read);
    harness.by(STRANGER);
    assert_eq!(harness.query("SELECT * FROM t"), json!([]));
    assert_eq!(harness.query("PRAGMA table_info(t)")[0]["name"], "a");
    assert_eq!(
        harness
            .query("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n LIMIT 2) SELECT count(*) AS n FROM n"),
        json!([{ "n": 2 }])
    );
    for sql in [
        "WITH x AS (SELECT 1) INSERT INTO t VALUES (1, 1)",
        "BEGIN",
        "ANALYZE",
        "PRAGMA user_version = 7",
        "EXPLAIN DELETE FROM t",
    ] {
        assert_eq!(harness.query(sql), refused("NoWriteCap"), "{sql}");
    }
    assert_eq!(harness.write("INSERT INTO t VALUES (1, 1)"), refused("NoWriteCap"));
    grant(&mut harness, STRANGER, Right::Write);
    assert_eq!(harness.query("WITH x AS (SELECT 1) INSERT INTO t VALUES (1, 1)"), json!([]));
    assert_eq!(harness.value("SELECT count(*) FROM t"), 1);
}

#[test]
fn the_right_to_write_is_none_to_read() {
    let mut harness = with_table(&Setup::default());
    grant(&mut harness, STRANGER, Right::Write);
    harness.by(STRANGER);
    assert_eq!(harness.write("INSERT INTO t VALUES (1, 1)"), "Ok");
    assert_eq!(harness.query("SELECT * FROM t"), refused("NoReadCap"));
}

#[test]
fn no_name_leads_out_of_its_package() {
    let mut harness = with_table(&Setup::default());
    for name in ["", ".", "..", "a/b", "../../spy:it.os/main", "/etc", "a\0b", "file:x?mode=memory", ":memory:", "-wal"]
    {
        assert_eq!(harness.ask(body(name, json!("Open"))), "Ok", "{name:?}");
    }
    let files = harness.files();
    assert_eq!(files.iter().filter(|(path, _)| path.ends_with(".db")).count(), 11);
    assert!(files.iter().all(|(path, _)| path.starts_with("/sqlite/notes:me.os/")), "{files:?}");
    let long = refused(json!({ "IOError": "File name too long (os error 36)" }));
    assert_eq!(harness.ask(body(&"x".repeat(201), json!("Open"))), long);
}

#[test]
fn too_many_open_databases_are_refused_and_the_others_go_on() {
    let mut harness = with_table(&Setup::default());
    for n in 1..OPEN_MAX {
        assert_eq!(harness.ask(body(&n.to_string(), json!("Open"))), "Ok");
    }
    let too_many = refused(json!({ "IOError": "Too many open files (os error 24)" }));
    assert_eq!(harness.ask(body("one more", json!("Open"))), too_many);
    assert!(harness.unmodelled.is_some(), "there another one is closed");
    assert_eq!(harness.write("INSERT INTO t VALUES (1, 1)"), "Ok");
}

/// Oddity 2 of the public runtime.
#[test]
fn a_module_that_asks_nobody_lets_everybody_in() {
    let mut harness = with_table(&Setup { planted: Some(Planted::SqliteAsksNobody), ..Setup::default() });
    harness.by(STRANGER);
    assert_eq!(harness.write("INSERT INTO t VALUES (1, 1)"), "Ok");
    assert_eq!(harness.query("SELECT a FROM t"), json!([{ "a": 1 }]));
}
