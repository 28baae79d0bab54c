//! Keeps two accounts in a SQLite database and moves money from one to the other, a transaction at
//! a time; its neighbours may look at the same database.
//!
//! Calls: first those of *opening*; then `receive` and those named here. `sqlite` is `our` node's;
//! it is asked with `send-and-await-response`, 5 seconds each; the database is `bank` of `our`
//! package.
//!
//! - *opening*: ask `sqlite` to `Open`; if it says `"Ok"`, a *transaction* that makes the tables if
//!   they are not there, with 50 in each account; if that is done: *looking*;
//! - *transaction*: ask for `BeginTx`, for a `Write` of each statement, and for `Commit`, as long as
//!   each is done; `print-to-terminal` of `N fails: ANSWER` or `N fails: REASON` for what is not;
//! - *looking*: `print-to-terminal` of `looks`, ask for a `Query` of how often money was moved and of
//!   how much there is, `get-blob` and `print-to-terminal` of `sees ROWS`, or of `sees nothing`;
//! - request `move`, once it is open: with N the next number, `print-to-terminal` of `moves N`; a
//!   *transaction* that takes 1 from the one account, gives it to the other, and writes down N; if
//!   it is done, `print-to-terminal` of `moved N`, else *looking*;
//! - request `look`, once it is open: *looking*;
//! - either of them before: *opening*; any other message: nothing.

use process::{Address, Guest, SendErrorKind, address, await_answer, get_blob, module};
use process::{next_request, print, reason, text};

const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS moved (n INTEGER PRIMARY KEY)",
    "INSERT OR IGNORE INTO account VALUES (1, 50), (2, 50)",
];
const LOOK: &str = "SELECT (SELECT count(*) FROM moved) AS n, sum(balance) AS sum FROM account";

struct Teller;

impl Guest for Teller {
    fn init(our: String) {
        let our = address(&our).expect("our is an address");
        let mut bank = Bank {
            sqlite: module(&our, "sqlite"),
            our,
            open: false,
            n: 0,
        };
        bank.open();
        loop {
            match (next_request().1.as_str(), bank.open) {
                ("move", true) => bank.move_one(),
                ("look", true) => bank.look(),
                ("move" | "look", false) => bank.open(),
                _ => {}
            }
        }
    }
}

struct Bank {
    our: Address,
    sqlite: Address,
    open: bool,
    /// How often money was moved, as far as it knows.
    n: u64,
}

impl Bank {
    fn open(&mut self) {
        self.open = self.done("open", "\"Open\"").is_some() && self.transact("tables", &TABLES);
        if self.open {
            self.look();
        }
    }

    fn move_one(&mut self) {
        // It wraps: Wasm programs are release builds.
        let n = self.n.wrapping_add(1);
        print(&format!("moves {n}"));
        let take = "UPDATE account SET balance = balance - 1 WHERE id = 1";
        let give = "UPDATE account SET balance = balance + 1 WHERE id = 2";
        let note = format!("INSERT INTO moved VALUES ({n})");
        match self.transact(&n.to_string(), &[take, give, &note]) {
            true => {
                self.n = n;
                print(&format!("moved {n}"));
            }
            false => self.look(),
        }
    }

    fn look(&mut self) {
        print("looks");
        let answer = self.ask(&format!(r#"{{"Query":"{LOOK}"}}"#));
        let rows = match answer.as_deref() {
            Ok("\"Read\"") => get_blob().map(|blob| text(&blob.bytes)),
            _ => None,
        };
        let rows = rows.unwrap_or("nothing".into());
        self.n = number(&rows, "n").unwrap_or(self.n);
        print(&format!("sees {rows}"));
    }

    /// Whether all of the statements are done.
    fn transact(&self, what: &str, statements: &[&str]) -> bool {
        let Some(answer) = self.done(what, "\"BeginTx\"") else {
            return false;
        };
        let tx = number(&answer, "tx_id").unwrap_or(0);
        let queued = |sql| {
            let write = format!(r#"{{"Write":{{"statement":"{sql}","tx_id":{tx}}}}}"#);
            self.done(what, &write).is_some()
        };
        let commit = format!(r#"{{"Commit":{{"tx_id":{tx}}}}}"#);
        statements.iter().all(queued) && self.done(what, &commit).is_some()
    }

    /// The answer, unless it is an error.
    fn done(&self, what: &str, action: &str) -> Option<String> {
        match self.ask(action) {
            Ok(answer) if !answer.starts_with(r#"{"Err""#) => return Some(answer),
            Ok(error) => print(&format!("{what} fails: {error}")),
            Err(kind) => print(&format!("{what} fails: {}", reason(kind))),
        }
        None
    }

    fn ask(&self, action: &str) -> Result<String, SendErrorKind> {
        let (package, publisher) = (
            &self.our.process.package_name,
            &self.our.process.publisher_node,
        );
        let package = format!(r#"{{"package_name":"{package}","publisher_node":"{publisher}"}}"#);
        let body = format!(r#"{{"package_id":{package},"db":"bank","action":{action}}}"#);
        await_answer(&self.sqlite, 5, &body)
    }
}

/// The number of this name in JSON text.
fn number(json: &str, name: &str) -> Option<u64> {
    let (_, rest) = json.split_once(&format!(r#""{name}":"#))?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

process::export!(Teller);
