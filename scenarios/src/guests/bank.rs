//! The twin of the Wasm program `bank`: moves money in a SQLite database, and looks at it.

use super::process::{await_answer, next_request, print, reason, text};
use kernel_core::{Address, ProcessRef, SendErrorKind};
use sim::guest::native::Os;

const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS moved (n INTEGER PRIMARY KEY)",
    "INSERT OR IGNORE INTO account VALUES (1, 50), (2, 50)",
];
const LOOK: &str = "SELECT (SELECT count(*) FROM moved) AS n, sum(balance) AS sum FROM account";

pub(super) async fn bank(os: Os) {
    let mut bank = Bank { os: os.clone(), open: false, n: 0 };
    bank.open().await;
    loop {
        let (_source, body) = next_request(&os).await;
        match (body.as_str(), bank.open) {
            ("move", true) => bank.move_one().await,
            ("look", true) => bank.look().await,
            ("move" | "look", false) => bank.open().await,
            _ => {}
        }
    }
}

struct Bank {
    os: Os,
    open: bool,
    /// How often money was moved, as far as it knows.
    n: u64,
}

impl Bank {
    async fn open(&mut self) {
        self.open = self.done("open", "\"Open\"").await.is_some() && self.transact("tables", &TABLES).await;
        if self.open {
            self.look().await;
        }
    }

    async fn move_one(&mut self) {
        // It wraps: Wasm programs are release builds.
        let n = self.n.wrapping_add(1);
        print(&self.os, &format!("moves {n}"));
        let take = "UPDATE account SET balance = balance - 1 WHERE id = 1";
        let give = "UPDATE account SET balance = balance + 1 WHERE id = 2";
        let note = format!("INSERT INTO moved VALUES ({n})");
        if self.transact(&n.to_string(), &[take, give, &note]).await {
            self.n = n;
            print(&self.os, &format!("moved {n}"));
        } else {
            self.look().await
        }
    }

    async fn look(&mut self) {
        print(&self.os, "looks");
        let answer = self.ask(&format!(r#"{{"Query":"{LOOK}"}}"#)).await;
        let rows = match answer.as_deref() {
            Ok("\"Read\"") => self.os.get_blob().await.map(|blob| text(&blob.bytes)),
            _ => None,
        };
        let rows = rows.unwrap_or("nothing".into());
        self.n = number(&rows, "n").unwrap_or(self.n);
        print(&self.os, &format!("sees {rows}"));
    }

    /// Whether all of the statements are done.
    async fn transact(&self, what: &str, statements: &[&str]) -> bool {
        let Some(answer) = self.done(what, "\"BeginTx\"").await else { return false };
        let tx = number(&answer, "tx_id").unwrap_or(0);
        for sql in statements {
            let write = format!(r#"{{"Write":{{"statement":"{sql}","tx_id":{tx}}}}}"#);
            if self.done(what, &write).await.is_none() {
                return false;
            }
        }
        self.done(what, &format!(r#"{{"Commit":{{"tx_id":{tx}}}}}"#)).await.is_some()
    }

    /// The answer, unless it is an error.
    async fn done(&self, what: &str, action: &str) -> Option<String> {
        match self.ask(action).await {
            Ok(answer) if !answer.starts_with(r#"{"Err""#) => return Some(answer),
            Ok(error) => print(&self.os, &format!("{what} fails: {error}")),
            Err(kind) => print(&self.os, &format!("{what} fails: {}", reason(kind))),
        }
        None
    }

    async fn ask(&self, action: &str) -> Result<String, SendErrorKind> {
        let our = self.os.init_argument();
        let package = self.os.with_names(|names| {
            let id = names.process_id(our.process);
            format!(r#"{{"package_name":"{}","publisher_node":"{}"}}"#, id.package, id.publisher)
        });
        let body = format!(r#"{{"package_id":{package},"db":"bank","action":{action}}}"#);
        await_answer(&self.os, Address { process: ProcessRef::SQLITE, ..our }, 5, &body).await
    }
}

/// The number of this name in JSON text.
fn number(json: &str, name: &str) -> Option<u64> {
    let (_, rest) = json.split_once(&format!(r#""{name}":"#))?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}
