//! Who may do what, and where a name leads.

use super::*;
use crate::modules::database::PackageId;
use kernel_core::command::Command as KernelCommand;
use kernel_core::{Address, Outgoing, Request};

/// Gives a process the capability to do this with `main`.
fn grant(desk: &mut Desk<Sqlite>, who: &str, right: Right) {
    let package = PackageId { package_name: "notes".into(), publisher_node: "me.os".into() };
    let capability = DbKey(package, "main".into()).capability(desk.address, right, &mut desk.names);
    let target = desk.names.process(who);
    let body = KernelCommand::Grant(target, vec![capability]).to_body(&desk.names);
    let target = Address { process: ProcessRef::KERNEL, ..desk.address };
    let request = Request { body, ..Request::default() };
    desk.obey(Outgoing { target, request, context: None, blob: None });
}

#[test]
fn nobody_reads_or_writes_without_the_capability() {
    let mut desk = with_table(&Setup::default());
    desk.write("INSERT INTO t VALUES (1, 'secret')");
    for who in [SIBLING, STRANGER] {
        desk.by(who);
        assert_eq!(desk.query("SELECT * FROM t"), refused("NoReadCap"), "{who}");
        assert_eq!(desk.write("DELETE FROM t"), refused("NoWriteCap"), "{who}");
        assert_eq!(desk.act(json!("BeginTx")), refused("NoWriteCap"), "{who}");
        assert_eq!(desk.commit(1), refused("NoWriteCap"), "{who}");
    }
    desk.by(OWNER);
    assert_eq!(desk.query("SELECT * FROM t"), json!([{ "a": 1, "b": "secret" }]));
}

#[test]
fn a_process_of_the_package_opens_it_and_may_then() {
    let mut desk = with_table(&Setup::default());
    desk.by(SIBLING);
    assert_eq!(desk.act(json!("Open")), "Ok");
    assert_eq!(desk.write("INSERT INTO t VALUES (1, 1)"), "Ok");
    desk.by(STRANGER);
    for action in ["Open", "RemoveDb"] {
        assert_eq!(desk.act(json!(action)), refused("MismatchingPackageId"));
    }
}

#[test]
fn a_right_lasts_over_boots_and_a_new_open_is_not_needed() {
    let mut desk = with_table(&Setup::default());
    desk.crash(&Setup::default());
    assert_eq!(desk.write("INSERT INTO t VALUES (1, 1)"), "Ok");
}

#[test]
fn whoever_may_read_may_not_write_in_a_querys_clothes() {
    let mut desk = with_table(&Setup::default());
    grant(&mut desk, STRANGER, Right::Read);
    desk.by(STRANGER);
    assert_eq!(desk.query("SELECT * FROM t"), json!([]));
    assert_eq!(desk.query("PRAGMA table_info(t)")[0]["name"], "a");
    assert_eq!(
        desk.query("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n LIMIT 2) SELECT count(*) AS n FROM n"),
        json!([{ "n": 2 }])
    );
    for sql in [
        "WITH x AS (SELECT 1) INSERT INTO t VALUES (1, 1)",
        "BEGIN",
        "ANALYZE",
        "PRAGMA user_version = 7",
        "EXPLAIN DELETE FROM t",
    ] {
        assert_eq!(desk.query(sql), refused("NoWriteCap"), "{sql}");
    }
    assert_eq!(desk.write("INSERT INTO t VALUES (1, 1)"), refused("NoWriteCap"));
    grant(&mut desk, STRANGER, Right::Write);
    assert_eq!(desk.query("WITH x AS (SELECT 1) INSERT INTO t VALUES (1, 1)"), json!([]));
    assert_eq!(desk.value("SELECT count(*) FROM t"), 1);
}

#[test]
fn whoever_may_write_may_not_read() {
    let mut desk = with_table(&Setup::default());
    grant(&mut desk, STRANGER, Right::Write);
    desk.by(STRANGER);
    assert_eq!(desk.write("INSERT INTO t VALUES (1, 1)"), "Ok");
    assert_eq!(desk.query("SELECT * FROM t"), refused("NoReadCap"));
}

#[test]
fn no_name_leads_out_of_its_package() {
    let mut desk = with_table(&Setup::default());
    for name in ["", ".", "..", "a/b", "../../spy:it.os/main", "/etc", "a\0b", "file:x?mode=memory", ":memory:", "-wal"]
    {
        assert_eq!(desk.ask(body(name, json!("Open"))), "Ok", "{name:?}");
    }
    let files = desk.files();
    assert_eq!(files.iter().filter(|(path, _)| path.ends_with(".db")).count(), 11);
    assert!(files.iter().all(|(path, _)| path.starts_with("/sqlite/notes:me.os/")), "{files:?}");
    let long = refused(json!({ "IOError": "File name too long (os error 36)" }));
    assert_eq!(desk.ask(body(&"x".repeat(201), json!("Open"))), long);
}

#[test]
fn too_many_open_databases_are_refused_and_the_others_go_on() {
    let mut desk = with_table(&Setup::default());
    for n in 1..OPEN_MAX {
        assert_eq!(desk.ask(body(&n.to_string(), json!("Open"))), "Ok");
    }
    let too_many = refused(json!({ "IOError": "Too many open files (os error 24)" }));
    assert_eq!(desk.ask(body("one more", json!("Open"))), too_many);
    assert!(desk.unmodelled.is_some(), "there another one is closed");
    assert_eq!(desk.write("INSERT INTO t VALUES (1, 1)"), "Ok");
}

/// Oddity 2 of the public runtime.
#[test]
fn a_module_that_asks_nobody_lets_everybody_in() {
    let mut desk = with_table(&Setup { planted: Some(Planted::SqliteAsksNobody), ..Setup::default() });
    desk.by(STRANGER);
    assert_eq!(desk.write("INSERT INTO t VALUES (1, 1)"), "Ok");
    assert_eq!(desk.query("SELECT a FROM t"), json!([{ "a": 1 }]));
}
