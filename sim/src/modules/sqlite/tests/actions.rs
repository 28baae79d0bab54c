//! What each action does, and what it answers.

use super::*;
use kernel_core::Request;

#[test]
fn a_body_that_is_no_request_is_malformed() {
    let mut harness = module(&Setup::default());
    let no_action = json!({ "package_id": { "package_name": "notes", "publisher_node": "me.os" }, "db": "main" });
    for body in [json!("Open"), json!({ "db": "main", "action": "Open" }), no_action, body("main", json!("Fly"))] {
        assert_eq!(harness.ask(body.clone()), refused("MalformedRequest"), "{body}");
    }
}

#[test]
fn errors_are_answered_always_and_success_if_anybody_waits() {
    let mut harness = with_table(&Setup::default());
    let told = |harness: &mut Harness<Sqlite>, sql: &str| {
        let action = json!({ "Write": { "statement": sql, "tx_id": null } });
        harness.tell(crate::modules::Heard::Message(Rc::new(harness.telling(body("main", action).to_string(), None))));
        harness.replies.len()
    };
    assert_eq!(told(&mut harness, "INSERT INTO t VALUES (1, 'x')"), 0);
    assert_eq!(told(&mut harness, "INSERT INTO nowhere VALUES (1)"), 1);
    assert_eq!(harness.value("SELECT count(*) FROM t"), 1);
}

#[test]
fn metadata_comes_back_with_success_alone() {
    let mut harness = with_table(&Setup::default());
    let metadata = |harness: &mut Harness<Sqlite>, sql: &str| {
        let mut message = harness.request(body("main", json!({ "Query": sql })).to_string(), None);
        let Content::Request(request) = &mut message.content else { unreachable!("it is a request") };
        *request = Request { metadata: Some("note".into()), ..request.clone() };
        harness.reply(message).1.response.metadata
    };
    assert_eq!(metadata(&mut harness, "SELECT 1").as_deref(), Some("note"));
    assert_eq!(metadata(&mut harness, "SELECT nothing"), None);
}

#[test]
fn other_nodes_and_responses_are_not_heard() {
    let mut harness = with_table(&Setup::default());
    let message = harness.by_another_node().request(body("main", json!({ "Query": "SELECT 1" })).to_string(), None);
    harness.tell(crate::modules::Heard::Message(Rc::new(message)));
    assert!(harness.replies.is_empty());
}

#[test]
fn parameters_keep_their_type_and_text_that_is_base64_becomes_bytes() {
    let mut harness = with_table(&Setup::default());
    let kinds = [
        (json!(7), "integer", json!(7)),
        (json!(i64::MIN), "integer", json!(i64::MIN)),
        (json!(u64::MAX), "real", json!(u64::MAX as f64)),
        (json!(1.5), "real", json!(1.5)),
        (json!(true), "integer", json!(1)),
        (Value::Null, "null", Value::Null),
        (json!("it's text"), "text", json!("it's text")),
        // Oddity 3 of the public runtime: it reads back alike, and equals no literal.
        (json!("user1234"), "blob", json!("user1234")),
        (json!(""), "blob", json!("")),
    ];
    for (parameter, kind, back) in kinds {
        let rows = harness.query_with("SELECT ?1 AS v, typeof(?1) AS k", json!([parameter]));
        assert_eq!(rows, json!([{ "v": back, "k": kind }]));
    }
    for wrong in [json!([[1]]), json!([{ "a": 1 }]), json!({ "a": 1 }), json!(1)] {
        assert_eq!(harness.query_with("SELECT ?1", wrong.clone()), refused("InvalidParameters"), "{wrong}");
        assert_eq!(harness.write_with("DELETE FROM t WHERE a = ?1", wrong), refused("InvalidParameters"));
    }
    let few = engine_error("Wrong number of parameters passed to query. Got 1, needed 2");
    assert_eq!(harness.query_with("SELECT ?1, ?2", json!([1])), few);
}

#[test]
fn rows_are_objects_and_none_are_an_empty_list() {
    let mut harness = with_table(&Setup::default());
    assert_eq!(harness.query("SELECT * FROM t"), json!([]));
    harness.write_with("INSERT INTO t VALUES (1, ?1)", json!(["it's one"]));
    harness.write("INSERT INTO t VALUES (2, x'00ff')");
    assert_eq!(harness.query("SELECT b, a FROM t"), json!([{ "a": 1, "b": "it's one" }, { "a": 2, "b": "AP8=" }]));
    assert_eq!(harness.query("SELECT 1 AS x, 2 AS x"), json!([{ "x": 2 }]), "of two of one name the later one counts");
    assert_eq!(harness.query("SELECT 9e999 AS x"), engine_error("an infinite number has no JSON"));
    let not_text = harness.query("SELECT CAST(x'ff' AS TEXT) AS x");
    assert_eq!(not_text, engine_error("invalid utf-8 sequence of 1 bytes from index 0"));
}

#[test]
fn the_first_word_says_whether_it_is_read_or_written() {
    let mut harness = with_table(&Setup::default());
    for sql in ["INSERT INTO t VALUES (1, 1)", "COMMIT", "", "DETACH x", "(SELECT 1)"] {
        assert_eq!(harness.query(sql), refused("NotAReadKeyword"), "{sql}");
    }
    for sql in ["SELECT 1", "PRAGMA user_version = 1", "BEGIN", "ATTACH 'x' AS x", "WITH x AS (SELECT 1) SELECT 1", ""]
    {
        assert_eq!(harness.write(sql), refused("NotAWriteKeyword"), "{sql}");
    }
    assert_eq!(harness.write("insert into t values (1, 1)"), "Ok");
    assert_eq!(harness.query("values (1)"), json!([{ "column1": 1 }]));
    assert_eq!(harness.query("\n pragma user_version"), json!([{ "user_version": 0 }]));
}

#[test]
fn one_request_is_one_statement_and_what_comes_after_it_is_not_looked_at() {
    let mut harness = with_table(&Setup::default());
    assert_eq!(harness.write("INSERT INTO t VALUES (1, 1); DELETE FROM t"), "Ok");
    assert_eq!(harness.value("SELECT count(*) FROM t; and no SQL"), 1);
    assert_eq!(harness.query(&"SELECT 1 AS x;".repeat(6_000)), json!([{ "x": 1 }]));
    let tx = harness.begin();
    assert_eq!(harness.queue(tx, "INSERT INTO t VALUES (2, 2); DELETE FROM t"), "Ok");
    assert_eq!(harness.commit(tx), "Ok");
    assert_eq!(harness.value("SELECT count(*) FROM t"), 2);
    assert_eq!(harness.write("INSERT INTO t VALUES (3, 3); -- and no more"), "Ok");
}

#[test]
fn a_write_that_gives_rows_is_done_and_an_error_and_in_a_transaction_the_error_undoes_it() {
    let returned = engine_error("Execute returned results - did you mean to call query?");
    let mut harness = with_table(&Setup::default());
    assert_eq!(harness.write("INSERT INTO t VALUES (1, 1), (2, 2) RETURNING a"), returned);
    harness.crash(&Setup::default());
    assert_eq!(harness.value("SELECT count(*) FROM t"), 2);
    let tx = harness.begin();
    assert_eq!(harness.queue(tx, "DELETE FROM t RETURNING a"), "Ok");
    assert_eq!(harness.commit(tx), returned);
    assert_eq!(harness.value("SELECT count(*) FROM t"), 2);
    assert_eq!(harness.write("DELETE FROM t WHERE a > 2 RETURNING a"), "Ok", "it gives none");
}

#[test]
fn a_transaction_is_done_at_its_commit_and_all_of_it() {
    let mut harness = with_table(&Setup::default());
    let tx = harness.begin();
    assert_eq!(harness.queue(tx, "INSERT INTO t VALUES (1, 1)"), "Ok");
    assert_eq!(harness.queue(tx, "INSERT INTO t VALUES (2, 2)"), "Ok");
    assert_eq!(harness.value("SELECT count(*) FROM t"), 0, "nobody sees it before");
    assert_eq!(harness.commit(tx), "Ok");
    assert_eq!(harness.value("SELECT count(*) FROM t"), 2);
    assert_eq!(harness.commit(tx), refused(json!({ "NoTx": tx })), "its id is gone");
}

#[test]
fn a_transaction_whose_statement_fails_leaves_nothing() {
    let mut harness = with_table(&Setup::default());
    let tx = harness.begin();
    harness.queue(tx, "INSERT INTO t VALUES (1, 1)");
    assert_eq!(harness.queue(tx, "INSERT INTO t VALUES (1, 2)"), "Ok", "it shows at the commit");
    assert_eq!(harness.commit(tx), engine_error("UNIQUE constraint failed: t.a"));
    assert_eq!(harness.commit(tx), refused(json!({ "NoTx": tx })), "its id is gone");
    assert_eq!(harness.value("SELECT count(*) FROM t"), 0);
    assert_eq!(harness.write("INSERT INTO t VALUES (1, 1)"), "Ok");
}

#[test]
fn a_transaction_is_nobody_elses_to_end() {
    let mut harness = with_table(&Setup::default());
    for sql in ["COMMIT", "END", "ROLLBACK", "SAVEPOINT s"] {
        let tx = harness.begin();
        harness.queue(tx, "INSERT INTO t VALUES (1, 1)");
        assert_eq!(harness.queue(tx, sql), "Ok");
        assert_eq!(harness.commit(tx), engine_error("not authorized"), "{sql}");
        assert!(harness.unmodelled.is_some(), "there it would end it: {sql}");
        assert_eq!(harness.value("SELECT count(*) FROM t"), 0, "{sql}");
    }
}

#[test]
fn a_transaction_that_was_not_begun_is_none() {
    let mut harness = with_table(&Setup::default());
    assert_eq!(harness.queue(7, "INSERT INTO t VALUES (1, 1)"), refused(json!({ "NoTx": 7 })));
    assert_eq!(harness.commit(7), refused(json!({ "NoTx": 7 })));
    let tx = harness.begin();
    harness.queue(tx, "INSERT INTO t VALUES (1, 1)");
    harness.crash(&Setup::default());
    assert_eq!(harness.commit(tx), refused(json!({ "NoTx": tx })), "a boot has forgotten it");
    assert_ne!(harness.begin(), tx, "and its id does not come again");
}

#[test]
fn a_transaction_belongs_to_its_database() {
    let mut harness = with_table(&Setup::default());
    assert_eq!(harness.ask(body("other", json!("Open"))), "Ok");
    let tx = harness.begin();
    let into_other = json!({ "Write": { "statement": "CREATE TABLE x (y)", "tx_id": tx } });
    assert_eq!(harness.ask(body("other", into_other)), refused(json!({ "NoTx": tx })));
    assert_eq!(harness.ask(body("other", json!({ "Commit": { "tx_id": tx } }))), refused(json!({ "NoTx": tx })));
    assert_eq!(harness.commit(tx), "Ok", "and is there still");
}

#[test]
fn a_transaction_by_hand_lasts_from_begin_to_commit() {
    let mut harness = with_table(&Setup::default());
    assert_eq!(harness.query("BEGIN"), json!([]));
    assert_eq!(harness.write("INSERT INTO t VALUES (1, 1)"), "Ok");
    assert_eq!(harness.write("ROLLBACK"), "Ok");
    assert_eq!(harness.value("SELECT count(*) FROM t"), 0);
    harness.query("BEGIN");
    harness.write("INSERT INTO t VALUES (1, 1)");
    assert_eq!(harness.write("COMMIT"), "Ok");
    harness.crash(&Setup::default());
    assert_eq!(harness.value("SELECT count(*) FROM t"), 1);
}

#[test]
fn a_removed_database_leaves_a_fresh_one() {
    for journal in MODES {
        let mut harness = with_table(&mode(journal));
        harness.write("INSERT INTO t VALUES (1, 1)");
        let tx = harness.begin();
        assert_eq!(harness.act(json!("RemoveDb")), "Ok");
        assert_eq!(harness.query("SELECT * FROM t"), engine_error("no such table: t"));
        assert_eq!(harness.commit(tx), refused(json!({ "NoTx": tx })), "with all that was about it");
        assert_eq!(harness.act(json!("RemoveDb")), "Ok", "{journal:?}");
    }
    let never = module(&Setup::default()).act(json!("RemoveDb"));
    assert_eq!(never, refused(json!({ "IOError": "No such file or directory (os error 2)" })));
}

#[test]
fn time_and_random_numbers_come_from_the_world() {
    let told = |seconds: u64| {
        let mut harness = with_table(&Setup::default());
        harness.now = harness.now + Duration::from_secs(seconds);
        harness.query("SELECT CURRENT_TIMESTAMP AS now, hex(randomblob(8)) AS dice")
    };
    assert_eq!(told(90)[0]["now"], "1970-01-01 00:01:30");
    assert_eq!(told(90), told(90));
    assert_ne!(told(90)[0]["dice"], told(91)[0]["dice"]);
    let local = module(&Setup::default());
    let mut local = local;
    local.act(json!("Open"));
    assert_eq!(local.query("SELECT datetime('now', 'localtime')"), engine_error("local time unavailable"));
}
