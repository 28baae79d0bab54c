//! The module at a harness, as a process of a package sees it: requests in, answers and a disk out.

use super::*;
use crate::modules::harness::{Harness, OWNER, SIBLING, STRANGER, json_of};
use crate::modules::setup::Journal;
use kernel_core::{Duration, Reply};
use serde_json::{Value, json};

mod actions;
mod durability;
mod guarded;
mod rights;
mod sweep;
mod work;

const MODES: [Journal; 2] = [Journal::Wal, Journal::Rollback];

/// A module that nobody has asked for anything.
fn module(setup: &Setup) -> Harness<Sqlite> {
    Harness::new(ProcessRef::SQLITE, Sqlite::new(setup))
}

fn mode(journal: Journal) -> Setup {
    Setup { journal, planted: None }
}

/// The owner has opened `main`, which has a table `t(a, b)` without rows.
fn with_table(setup: &Setup) -> Harness<Sqlite> {
    let mut harness = module(setup);
    assert_eq!(harness.act(json!("Open")), "Ok");
    assert_eq!(harness.write("CREATE TABLE t (a INTEGER PRIMARY KEY, b)"), "Ok");
    harness
}

fn body(db: &str, action: Value) -> Value {
    json!({ "package_id": { "package_name": "notes", "publisher_node": "me.os" }, "db": db, "action": action })
}

fn refused(error: impl Into<Value>) -> Value {
    json!({ "Err": error.into() })
}

fn engine_error(text: &str) -> Value {
    refused(json!({ "RusqliteError": text }))
}

impl Harness<Sqlite> {
    /// The answer to an action on the owner's database `main`.
    fn act(&mut self, action: Value) -> Value {
        self.ask(body("main", action))
    }

    /// A statement that commits itself.
    fn write(&mut self, sql: &str) -> Value {
        self.act(json!({ "Write": { "statement": sql, "tx_id": null } }))
    }

    /// The same, with parameters.
    fn write_with(&mut self, sql: &str, parameters: Value) -> Value {
        let action = json!({ "Write": { "statement": sql, "tx_id": null } });
        self.give(body("main", action), parameters.to_string().as_bytes())
    }

    /// The rows of a query, or the error.
    fn query(&mut self, sql: &str) -> Value {
        self.query_with(sql, json!([]))
    }

    fn query_with(&mut self, sql: &str, parameters: Value) -> Value {
        let message =
            self.request(body("main", json!({ "Query": sql })).to_string(), Some(parameters.to_string().as_bytes()));
        let (_, reply) = self.reply(message);
        match json_of(&reply) {
            answer if answer == "Read" => rows(&reply),
            error => error,
        }
    }

    /// One value that a query gives.
    fn value(&mut self, sql: &str) -> Value {
        let rows = self.query(sql);
        let first = rows[0].as_object().and_then(|row| row.values().next());
        first.unwrap_or_else(|| panic!("{sql}: {rows}")).clone()
    }

    fn begin(&mut self) -> u64 {
        let answer = self.act(json!("BeginTx"));
        answer["BeginTx"]["tx_id"].as_u64().unwrap_or_else(|| panic!("{answer}"))
    }

    fn queue(&mut self, tx_id: u64, sql: &str) -> Value {
        self.act(json!({ "Write": { "statement": sql, "tx_id": tx_id } }))
    }

    fn commit(&mut self, tx_id: u64) -> Value {
        self.act(json!({ "Commit": { "tx_id": tx_id } }))
    }

    /// The node's process dies and comes back.
    fn crash(&mut self, setup: &Setup) {
        self.module = Sqlite::new(setup);
        self.now = self.now + Duration::from_secs(1);
    }

    /// The content of every file below `/sqlite`.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let (mut files, mut dirs) = (vec![], vec![Path::from(host::ROOT)]);
        while let Some(dir) = dirs.pop() {
            for (path, is_dir) in self.disk.files().list(&dir).expect("it was listed") {
                if is_dir {
                    dirs.push(path);
                } else {
                    let content = self.disk.files().read(&path).expect("it was listed").to_vec();
                    files.push((path.to_string(), content));
                }
            }
        }
        files
    }
}

/// The rows that came along with an answer.
fn rows(reply: &Reply) -> Value {
    let blob = reply.blob.as_ref().expect("a query is answered with rows");
    assert_eq!(blob.mime.as_deref(), Some("application/octet-stream"));
    serde_json::from_slice(&blob.bytes).expect("rows are JSON")
}
