//! Claims about the kv module, each made at a harness with a disk.

use super::*;
use crate::disk::{IoFault, IoWrong};
use crate::modules::harness::{Harness, OWNER, SIBLING, STRANGER, json_of};
use kernel_core::command::Command;
use kernel_core::{Blob, Capability, Outgoing, Request};
use serde_json::{Value, json};

mod durability;
mod rights;
mod sweep;

/// A harness at which the owner has opened the database `db`.
fn kv() -> Harness<Kv> {
    let mut harness = Harness::new(ProcessRef::KV, Kv::new(&Setup::default()));
    assert_eq!(harness.ask(body("db", json!("Open"))), "Ok");
    harness
}

/// A request about a database of the owner's package.
fn body(db: &str, action: Value) -> Value {
    json!({ "package_id": { "package_name": "notes", "publisher_node": "me.os" }, "db": db, "action": action })
}

fn refused(error: &str) -> Value {
    json!({ "Err": error })
}

impl Harness<Kv> {
    fn set_in(&mut self, db: &str, key: &str, value: &str, tx_id: Option<u64>) -> Value {
        self.give(body(db, json!({ "Set": { "key": key.as_bytes(), "tx_id": tx_id } })), value.as_bytes())
    }

    fn set(&mut self, key: &str, value: &str) -> Value {
        self.set_in("db", key, value, None)
    }

    fn delete(&mut self, key: &str, tx_id: Option<u64>) -> Value {
        self.ask(body("db", json!({ "Delete": { "key": key.as_bytes(), "tx_id": tx_id } })))
    }

    /// The value of a key; an error is what was answered instead.
    fn get_in(&mut self, db: &str, key: &str) -> Result<String, Value> {
        let message = self.request(body(db, json!({ "Get": key.as_bytes() })).to_string(), None);
        let (_, reply) = self.reply(message);
        let Some(Blob { mime, bytes }) = reply.blob.clone() else { return Err(json_of(&reply)) };
        assert_eq!(json_of(&reply), json!({ "Get": key.as_bytes() }));
        assert_eq!(mime.as_deref(), Some("application/octet-stream"));
        Ok(String::from_utf8(bytes.to_vec()).expect("the tests write text"))
    }

    fn get(&mut self, key: &str) -> Result<String, Value> {
        self.get_in("db", key)
    }

    fn begin(&mut self) -> u64 {
        self.ask(body("db", json!("BeginTx")))["BeginTx"]["tx_id"].as_u64().expect("a number")
    }

    fn commit(&mut self, tx_id: u64) -> Value {
        self.ask(body("db", json!({ "Commit": { "tx_id": tx_id } })))
    }

    /// The node's process dies, and the node comes back.
    fn crash(&mut self) {
        self.module = Kv::new(&Setup::default());
    }
}

#[test]
fn what_was_set_is_got_until_it_is_deleted() {
    let mut harness = kv();
    assert_eq!(harness.get("a"), Err(refused("KeyNotFound")));
    assert_eq!(harness.set("a", "one"), "Ok");
    assert_eq!(harness.set("", ""), "Ok");
    assert_eq!(harness.get("a"), Ok("one".into()));
    assert_eq!(harness.get(""), Ok("".into()));
    assert_eq!(harness.set("a", "two"), "Ok");
    assert_eq!(harness.get("a"), Ok("two".into()));
    assert_eq!(harness.delete("a", None), "Ok");
    assert_eq!(harness.delete("a", None), "Ok", "also what is not there");
    assert_eq!(harness.get("a"), Err(refused("KeyNotFound")));
}

#[test]
fn a_body_that_is_no_request_is_malformed_and_so_is_a_set_without_a_value() {
    let mut harness = kv();
    let text = r#"{"package_id":"notes:me.os","db":"db","action":"Open"}"#;
    for body in ["", "no json", r#"{"db":"db","action":"Open"}"#, text] {
        let message = harness.request(body, None);
        assert_eq!(&*harness.reply(message).1.response.body, br#"{"Err":"MalformedRequest"}"#, "{body}");
    }
    assert_eq!(harness.ask(body("db", json!({ "Set": { "key": [1], "tx_id": null } }))), refused("MalformedRequest"));
    let mut extra = body("db", json!("Open"));
    extra["new"] = json!(1);
    assert_eq!(harness.ask(extra), "Ok", "unknown fields are ignored");
}

#[test]
fn success_is_answered_if_anybody_waits_with_the_metadata_and_an_error_always_without() {
    let mut harness = kv();
    let telling = |harness: &Harness<Kv>, action: Value| {
        let mut message = harness.telling(body("db", action).to_string(), None);
        let request = Request { body: message.body().clone(), metadata: Some("note".into()), ..Request::default() };
        message.content = Content::Request(request);
        message
    };
    let message = telling(&harness, json!("Open"));
    harness.tell(crate::modules::Heard::Message(Rc::new(message.clone())));
    assert!(harness.replies.is_empty());
    let (_, reply) = harness.reply(Message { rsvp: Some(harness.who), ..message });
    assert_eq!(reply.response.metadata.as_deref(), Some("note"));
    let message = telling(&harness, json!({ "Get": [1] }));
    let (_, reply) = harness.reply(message);
    assert_eq!((json_of(&reply), reply.response.metadata), (refused("KeyNotFound"), None));
}

#[test]
fn databases_are_apart_and_more_of_them_than_can_be_open_at_once() {
    let mut harness = kv();
    let names: Vec<String> = (0..2 * OPEN_MAX).map(|n| format!("../{n}")).collect();
    for name in &names {
        assert_eq!(harness.ask(body(name, json!("Open"))), "Ok");
        assert_eq!(harness.set_in(name, "name", name, None), "Ok");
    }
    assert_eq!(harness.module.open.len(), OPEN_MAX);
    for name in &names {
        assert_eq!(harness.get_in(name, "name").as_ref(), Ok(name));
    }
    assert_eq!(harness.get("name"), Err(refused("KeyNotFound")));
}

#[test]
fn a_database_that_was_removed_is_there_again_and_empty() {
    let mut harness = kv();
    assert_eq!(harness.set("a", "one"), "Ok");
    assert_eq!(harness.ask(body("db", json!("RemoveDb"))), "Ok");
    assert_eq!(harness.get("a"), Err(refused("KeyNotFound")), "the rights stay");
    let missing = json!({ "Err": { "IOError": "No such file or directory (os error 2)" } });
    assert_eq!(harness.ask(body("none", json!("RemoveDb"))), missing);
}

#[test]
fn nobody_sees_a_transaction_before_its_commit_and_all_of_it_after() {
    let mut harness = kv();
    assert_eq!(harness.set("b", "old"), "Ok");
    let tx = harness.begin();
    assert_eq!(harness.set_in("db", "a", "one", Some(tx)), "Ok");
    assert_eq!(harness.set_in("db", "a", "two", Some(tx)), "Ok");
    assert_eq!(harness.delete("b", Some(tx)), "Ok");
    assert_eq!((harness.get("a"), harness.get("b")), (Err(refused("KeyNotFound")), Ok("old".into())));
    assert_eq!(harness.commit(tx), "Ok");
    assert_eq!((harness.get("a"), harness.get("b")), (Ok("two".into()), Err(refused("KeyNotFound"))));
    assert_eq!(harness.commit(tx), json!({ "Err": { "NoTx": tx } }), "its number is used up");
    assert_eq!(harness.module.waiting, 0);
}

#[test]
fn a_transaction_belongs_to_no_database_and_dies_with_its_node() {
    let mut harness = kv();
    assert_eq!(harness.ask(body("other", json!("Open"))), "Ok");
    let (tx, lost) = (harness.begin(), harness.begin());
    assert_ne!(tx, lost);
    assert_eq!(harness.set_in("other", "a", "one", Some(tx)), "Ok");
    assert_eq!(harness.commit(tx), "Ok");
    assert_eq!((harness.get("a"), harness.get_in("other", "a")), (Ok("one".into()), Err(refused("KeyNotFound"))));
    assert_eq!(harness.set_in("db", "a", "two", Some(lost)), "Ok");
    harness.crash();
    assert_eq!(harness.set_in("db", "a", "two", Some(lost)), json!({ "Err": { "NoTx": lost } }));
    harness.now = kernel_core::Instant(1);
    assert!(![tx, lost].contains(&harness.begin()), "no number comes twice");
    assert_eq!(harness.get("a"), Ok("one".into()));
}

#[test]
fn what_waits_in_transactions_is_bounded() {
    let mut harness = kv();
    let tx = harness.begin();
    let set = body("db", json!({ "Set": { "key": [1], "tx_id": tx } }));
    let value = vec![0; WAITING_MAX - 100];
    assert_eq!(harness.give(set.clone(), &value), "Ok");
    let full = json!({ "Err": { "RocksDBError": "Cannot allocate memory (os error 12)" } });
    assert_eq!(harness.give(set, b"more"), full);
    let says = format!(r#"{{"Set":{{"key":[1],"tx_id":{tx}}}}}: Cannot allocate memory (os error 12)"#);
    assert_eq!(harness.unmodelled, Some(says), "there it would be taken");
}

#[test]
fn what_does_not_fit_into_the_largest_file_is_refused_and_said_to_be_a_lack_of_the_simulators() {
    let mut harness = kv();
    let set = body("db", json!({ "Set": { "key": [1], "tx_id": null } }));
    let refusal = harness.give(set, &vec![0; 257 << 20]);
    assert!(refusal["Err"]["RocksDBError"].is_string(), "{refusal}");
    assert!(harness.unmodelled.is_some());
    assert_eq!(harness.set("a", "one"), "Ok", "and it serves on");
    harness.fault = Some(IoFault { at: 1, wrong: IoWrong::NoSpace });
    assert!(harness.set("a", "two")["Err"]["RocksDBError"].is_string());
    assert_eq!(harness.unmodelled, None, "a full disk is a fault");
}

#[test]
fn a_module_forks_unless_a_database_is_open() {
    let mut harness = kv();
    assert!(harness.module.fork().is_none());
    let tx = harness.begin();
    harness.module.open.clear();
    let fork = harness.module.fork().expect("nothing is open");
    drop(fork);
    assert_eq!(harness.commit(tx), "Ok");
}
