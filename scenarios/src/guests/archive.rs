//! The twin of the Wasm program `archive`: keeps every log of a contract in a SQLite database, exactly once.

use super::indexer::{CONTRACT, field};
use super::process::{Event, await_answer, next, print, reason, text};
use kernel_core::{Address, ProcessRef};
use sim::guest::native::Os;

/// A reorganisation may replace as many blocks.
const DEPTH: u64 = 4;
const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS log (line TEXT PRIMARY KEY, block INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS come (id INTEGER PRIMARY KEY, far INTEGER NOT NULL)",
];

pub(super) async fn archive(os: Os) {
    let our = os.init_argument();
    let name = os.with_names(|names| names.process_id(our.process).process.to_string());
    let (asks, scatters) = (name != "listener", name == "scattered");
    let mut archive = Archive { our, os: os.clone(), asks, scatters, n: 0, held: Vec::new(), complete: false };
    let opened = archive.open().await;
    archive.go_on(opened);
    loop {
        let done = match next(&os).await {
            Event::Request { body, .. } => archive.on_update(&body).await,
            Event::Response { body, context, .. } => archive.on_answer(&context, &body).await,
            Event::Failure { context, .. } => archive.on_answer(&context, "").await,
        };
        archive.go_on(done);
    }
}

struct Archive {
    our: Address,
    os: Os,
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
            print(&self.os, &format!("fails: {why}"));
            self.complete = false;
            self.wait("open");
        }
    }

    async fn open(&mut self) -> Result<(), String> {
        // It wraps: Wasm programs are release builds.
        self.n = self.n.wrapping_add(1);
        self.complete = !self.asks;
        self.held.clear();
        self.done("\"Open\"").await?;
        for table in TABLES {
            self.write(table, "null").await?;
        }
        self.os.tell(self.module(ProcessRef::ETH), r#"{"UnsubscribeLogs":1}"#);
        let filter = format!(r#"{{"address":"{CONTRACT}"}}"#);
        let body = format!(r#"{{"SubscribeLogs":{{"sub_id":1,"chain_id":8453,"kind":"logs","params":{filter}}}}}"#);
        self.send(ProcessRef::ETH, &format!("subscribed {}", self.n), &body);
        Ok(())
    }

    fn wait(&self, what: &str) {
        self.send(ProcessRef::TIMER, &format!("{what} {}", self.n), r#"{"SetTimer":1000}"#);
    }

    async fn on_answer(&mut self, context: &str, body: &str) -> Result<(), String> {
        let mut words = context.split(' ');
        let (what, n, from) = (words.next(), words.next(), words.next());
        if n != Some(&self.n.to_string()) {
            return Ok(());
        }
        match what {
            Some("subscribed") if body != r#""Ok""# => self.wait("open"),
            Some("subscribed") if self.asks => self.wait("ask"),
            Some("open") => self.open().await?,
            Some("ask") => self.ask_for_missed().await?,
            Some("asked") => match body.strip_prefix(r#"{"Response":["#) {
                Some(found) => self.take_missed(from.unwrap_or("0"), found).await?,
                None => self.wait("ask"),
            },
            _ => {}
        }
        Ok(())
    }

    async fn ask_for_missed(&self) -> Result<(), String> {
        let rows = self.query("SELECT far FROM come").await?;
        let digits: String = rows.chars().filter(char::is_ascii_digit).collect();
        let from = digits.parse().unwrap_or(0u64).saturating_sub(DEPTH);
        let params = format!(r#"[{{"fromBlock":"{from:#x}","toBlock":"latest","address":"{CONTRACT}"}}]"#);
        let body = format!(r#"{{"Request":{{"chain_id":8453,"method":"eth_getLogs","params":{params}}}}}"#);
        self.send(ProcessRef::ETH, &format!("asked {} {from}", self.n), &body);
        Ok(())
    }

    async fn take_missed(&mut self, from: &str, found: &str) -> Result<(), String> {
        let held = std::mem::take(&mut self.held);
        let last = found.rsplit("},{").next().and_then(come);
        let none = format!("DELETE FROM log WHERE block >= {from}");
        let found = found.split("},{").filter_map(kept);
        let held = held.iter().filter_map(|log| kept(log));
        let statements: Vec<String> = last.into_iter().chain([none]).chain(found).chain(held).collect();
        self.keep(&statements).await?;
        self.complete = true;
        Ok(())
    }

    async fn on_update(&mut self, body: &str) -> Result<(), String> {
        if body.starts_with(r#"{"Err":{"id":1,"#) {
            self.complete = false;
            self.wait("open");
        } else if body.starts_with(r#"{"Ok":{"id":1,"#) {
            if self.complete {
                self.keep(&come(body).into_iter().chain(kept(body)).collect::<Vec<_>>()).await?
            } else {
                self.held.push(body.into())
            }
        }
        Ok(())
    }

    async fn keep(&self, statements: &[String]) -> Result<(), String> {
        let tx = if self.scatters {
            "null".to_string()
        } else {
            self.ask("\"BeginTx\"").await?.chars().filter(char::is_ascii_digit).collect()
        };
        for statement in statements {
            self.write(statement, &tx).await?;
        }
        if !self.scatters {
            self.done(&format!(r#"{{"Commit":{{"tx_id":{tx}}}}}"#)).await?;
        }
        let rows = self.query("SELECT line FROM log ORDER BY block, line").await?;
        print(&self.os, &format!("{} logs", rows.matches("line").count()));
        Ok(())
    }

    async fn query(&self, sql: &str) -> Result<String, String> {
        self.ask(&format!(r#"{{"Query":"{sql}"}}"#)).await?;
        Ok(self.os.get_blob().await.map(|blob| text(&blob.bytes)).unwrap_or_default())
    }

    async fn write(&self, sql: &str, tx: &str) -> Result<(), String> {
        self.done(&format!(r#"{{"Write":{{"statement":"{sql}","tx_id":{tx}}}}}"#)).await
    }

    async fn done(&self, action: &str) -> Result<(), String> {
        self.ask(action).await.map(|_| ())
    }

    /// The answer, unless it is an error.
    async fn ask(&self, action: &str) -> Result<String, String> {
        let package = self.os.with_names(|names| {
            let id = names.process_id(self.our.process);
            format!(r#"{{"package_name":"{}","publisher_node":"{}"}}"#, id.package, id.publisher)
        });
        let body = format!(r#"{{"package_id":{package},"db":"archive","action":{action}}}"#);
        match await_answer(&self.os, self.module(ProcessRef::SQLITE), 5, &body).await {
            Ok(answer) if answer.starts_with(r#"{"Err""#) => Err(answer),
            Ok(answer) => Ok(answer),
            Err(kind) => Err(reason(kind).into()),
        }
    }

    fn send(&self, module: ProcessRef, context: &str, body: &str) {
        self.os.ask(self.module(module), 5, body, Some(context.into()));
    }

    fn module(&self, process: ProcessRef) -> Address {
        Address { process, ..self.our }
    }
}

/// The statement that writes down how far it has come with a log.
fn come(log: &str) -> Option<String> {
    Some(format!("INSERT OR REPLACE INTO come VALUES (1, {})", block(log)?))
}

/// The statement that keeps a log, or that does not keep it any more.
fn kept(log: &str) -> Option<String> {
    let block = block(log)?;
    let names = ["blockNumber", "blockHash", "logIndex", "transactionHash"];
    let fields: Option<Vec<&str>> = names.iter().map(|name| field(log, name)).collect();
    let line = fields?.join(" ");
    Some(if log.contains(r#""removed":true"#) {
        format!("DELETE FROM log WHERE line = '{line}'")
    } else {
        format!("INSERT OR IGNORE INTO log VALUES ('{line}', {block})")
    })
}

/// The number of a log's block.
fn block(log: &str) -> Option<u64> {
    u64::from_str_radix(field(log, "blockNumber")?.trim_start_matches("0x"), 16).ok()
}
