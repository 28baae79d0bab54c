//! Keeps every log of a contract in a SQLite database, exactly once. What it keeps and how far it
//! has come are written in one transaction, and it remembers neither: it reads them there.
//!
//! As a process named `listener` it never asks for what it missed. As one named `scattered` it writes
//! each by itself, how far it has come first: a crash in between loses the logs.
//!
//! Calls: those of *opening*; then for each message `receive` and those named here. `eth`, `timer`
//! and `sqlite` are `our` node's. N counts the beginnings, and what comes of an earlier one is
//! nothing. `sqlite` is asked with `send-and-await-response`, 5 seconds each, and the database is
//! `archive` of `our` package; whatever is not done there ends it all: `print-to-terminal` of
//! `fails: ANSWER` or `fails: REASON`, then *waiting* for `open`.
//!
//! - *opening*: ask `sqlite` to `Open`, then for two `Write`s that make the tables if they are not
//!   there; then *subscribing*;
//! - *subscribing*: `send-request` of `{"UnsubscribeLogs":1}` to `eth`; `send-request` to `eth` of a
//!   subscription 1 to the logs, answer within 5 seconds, context `subscribed N`;
//! - *waiting* for X: `send-request` of `{"SetTimer":1000}` to `timer`, answer within 5 seconds,
//!   context `X N`;
//! - *keeping* statements: ask for `BeginTx`, for a `Write` of each, and for `Commit`; for
//!   `scattered` only for the `Write`s; then *looking*;
//! - *looking*: ask for a `Query` of all lines, `get-blob`, `print-to-terminal` of `L logs`;
//! - response to `subscribed N`: if it is `"Ok"` *waiting* for `ask`, for `listener` nothing; if it
//!   is another, or a failure: *waiting* for `open`;
//! - response or failure of `open N`: *opening*;
//! - response or failure of `ask N`: ask for a `Query` of how far it has come, `get-blob`, and
//!   `send-request` to `eth` of an `eth_getLogs` from four blocks before, answer within 5 seconds,
//!   context `asked N FROM`;
//! - response to `asked N FROM`: if it is a list of logs *keeping* of: the last one's block, none of
//!   what was kept from block FROM on, each of them, each of the updates that were held; if it is
//!   another, or a failure: *waiting* for `ask`;
//! - request with an update of the subscription: it is held until what was missed is there, else
//!   *keeping* of its block, and of the log, or of none if it is removed;
//! - request that says that the subscription has ended: *waiting* for `open`;
//! - anything else: nothing.

use process::{
    Address, Event, Guest, address, ask, await_answer, field, get_blob, module, next, print,
    reason, tell, text,
};

/// A reorganisation may replace as many blocks.
const DEPTH: u64 = 4;
const CONTRACT: &str = "0x0000000000000000000000000000000000000007";
const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS log (line TEXT PRIMARY KEY, block INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS come (id INTEGER PRIMARY KEY, far INTEGER NOT NULL)",
];

struct Archivist;

impl Guest for Archivist {
    fn init(our: String) {
        let our = address(&our).expect("our is an address");
        let name = our.process.process_name.clone();
        let mut archive = Archive {
            eth: module(&our, "eth"),
            timer: module(&our, "timer"),
            sqlite: module(&our, "sqlite"),
            our,
            asks: name != "listener",
            scatters: name == "scattered",
            n: 0,
            held: Vec::new(),
            complete: false,
        };
        let opened = archive.open();
        archive.go_on(opened);
        loop {
            let done = match next() {
                Event::Request { body, .. } => archive.on_update(&body),
                Event::Response { body, context, .. } => archive.on_answer(&context, &body),
                Event::Failure { context, .. } => archive.on_answer(&context, ""),
            };
            archive.go_on(done);
        }
    }
}

struct Archive {
    our: Address,
    eth: Address,
    timer: Address,
    sqlite: Address,
    /// Whether it asks for what it missed.
    asks: bool,
    /// Whether it does without transactions.
    scatters: bool,
    /// How often it has begun.
    n: u32,
    /// Updates that came before what was missed.
    held: Vec<String>,
    /// Whether nothing is missed.
    complete: bool,
}

impl Archive {
    /// Begins again if the database has failed.
    fn go_on(&mut self, done: Result<(), String>) {
        if let Err(why) = done {
            print(&format!("fails: {why}"));
            self.complete = false;
            self.wait("open");
        }
    }

    fn open(&mut self) -> Result<(), String> {
        self.n += 1;
        self.complete = !self.asks;
        self.held.clear();
        self.done("\"Open\"")?;
        for table in TABLES {
            self.write(table, "null")?;
        }
        tell(&self.eth, r#"{"UnsubscribeLogs":1}"#);
        let filter = format!(r#"{{"address":"{CONTRACT}"}}"#);
        let body = format!(
            r#"{{"SubscribeLogs":{{"sub_id":1,"chain_id":8453,"kind":"logs","params":{filter}}}}}"#
        );
        ask(&self.eth, 5, &format!("subscribed {}", self.n), &body);
        Ok(())
    }

    fn wait(&self, what: &str) {
        let context = format!("{what} {}", self.n);
        ask(&self.timer, 5, &context, r#"{"SetTimer":1000}"#);
    }

    fn on_answer(&mut self, context: &str, body: &str) -> Result<(), String> {
        let mut words = context.split(' ');
        let (what, n, from) = (words.next(), words.next(), words.next());
        if n != Some(&self.n.to_string()) {
            return Ok(());
        }
        match what {
            Some("subscribed") if body != r#""Ok""# => self.wait("open"),
            Some("subscribed") if self.asks => self.wait("ask"),
            Some("open") => self.open()?,
            Some("ask") => self.ask_for_missed()?,
            Some("asked") => match body.strip_prefix(r#"{"Response":["#) {
                Some(found) => self.take_missed(from.unwrap_or("0"), found)?,
                None => self.wait("ask"),
            },
            _ => {}
        }
        Ok(())
    }

    fn ask_for_missed(&self) -> Result<(), String> {
        let rows = self.query("SELECT far FROM come")?;
        let digits: String = rows.chars().filter(char::is_ascii_digit).collect();
        let from = digits.parse().unwrap_or(0u64).saturating_sub(DEPTH);
        let params =
            format!(r#"[{{"fromBlock":"{from:#x}","toBlock":"latest","address":"{CONTRACT}"}}]"#);
        let body = format!(
            r#"{{"Request":{{"chain_id":8453,"method":"eth_getLogs","params":{params}}}}}"#
        );
        ask(&self.eth, 5, &format!("asked {} {from}", self.n), &body);
        Ok(())
    }

    fn take_missed(&mut self, from: &str, found: &str) -> Result<(), String> {
        let held = std::mem::take(&mut self.held);
        let last = found.rsplit("},{").next().and_then(come);
        let none = format!("DELETE FROM log WHERE block >= {from}");
        let found = found.split("},{").filter_map(kept);
        let held = held.iter().filter_map(|log| kept(log));
        let statements: Vec<String> = last
            .into_iter()
            .chain([none])
            .chain(found)
            .chain(held)
            .collect();
        self.keep(&statements)?;
        self.complete = true;
        Ok(())
    }

    fn on_update(&mut self, body: &str) -> Result<(), String> {
        if body.starts_with(r#"{"Err":{"id":1,"#) {
            self.complete = false;
            self.wait("open");
        } else if body.starts_with(r#"{"Ok":{"id":1,"#) {
            match self.complete {
                true => self.keep(&come(body).into_iter().chain(kept(body)).collect::<Vec<_>>())?,
                false => self.held.push(body.into()),
            }
        }
        Ok(())
    }

    fn keep(&self, statements: &[String]) -> Result<(), String> {
        let tx = match self.scatters {
            true => "null".to_string(),
            false => self
                .ask("\"BeginTx\"")?
                .chars()
                .filter(char::is_ascii_digit)
                .collect(),
        };
        for statement in statements {
            self.write(statement, &tx)?;
        }
        if !self.scatters {
            self.done(&format!(r#"{{"Commit":{{"tx_id":{tx}}}}}"#))?;
        }
        let rows = self.query("SELECT line FROM log ORDER BY block, line")?;
        print(&format!("{} logs", rows.matches("line").count()));
        Ok(())
    }

    fn query(&self, sql: &str) -> Result<String, String> {
        self.ask(&format!(r#"{{"Query":"{sql}"}}"#))?;
        Ok(get_blob().map(|blob| text(&blob.bytes)).unwrap_or_default())
    }

    fn write(&self, sql: &str, tx: &str) -> Result<(), String> {
        self.done(&format!(
            r#"{{"Write":{{"statement":"{sql}","tx_id":{tx}}}}}"#
        ))
    }

    fn done(&self, action: &str) -> Result<(), String> {
        self.ask(action).map(|_| ())
    }

    /// The answer, unless it is an error.
    fn ask(&self, action: &str) -> Result<String, String> {
        let (package, publisher) = (
            &self.our.process.package_name,
            &self.our.process.publisher_node,
        );
        let package = format!(r#"{{"package_name":"{package}","publisher_node":"{publisher}"}}"#);
        let body = format!(r#"{{"package_id":{package},"db":"archive","action":{action}}}"#);
        match await_answer(&self.sqlite, 5, &body) {
            Ok(answer) if answer.starts_with(r#"{"Err""#) => Err(answer),
            Ok(answer) => Ok(answer),
            Err(kind) => Err(reason(kind).into()),
        }
    }
}

/// The statement that writes down how far it has come with a log.
fn come(log: &str) -> Option<String> {
    Some(format!(
        "INSERT OR REPLACE INTO come VALUES (1, {})",
        block(log)?
    ))
}

/// The statement that keeps a log, or that does not keep it any more.
fn kept(log: &str) -> Option<String> {
    let block = block(log)?;
    let names = ["blockNumber", "blockHash", "logIndex", "transactionHash"];
    let fields: Option<Vec<&str>> = names.iter().map(|name| field(log, name)).collect();
    let line = fields?.join(" ");
    Some(match log.contains(r#""removed":true"#) {
        true => format!("DELETE FROM log WHERE line = '{line}'"),
        false => format!("INSERT OR IGNORE INTO log VALUES ('{line}', {block})"),
    })
}

/// The number of a log's block.
fn block(log: &str) -> Option<u64> {
    u64::from_str_radix(field(log, "blockNumber")?.trim_start_matches("0x"), 16).ok()
}

process::export!(Archivist);
