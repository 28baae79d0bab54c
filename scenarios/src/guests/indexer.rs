//! The twin of the Wasm program `indexer`: keeps every log of a contract, exactly once.

use super::process::{Event, next, print, text};
use kernel_core::{Address, ProcessRef};
use sim::guest::native::Os;

/// A reorganisation may replace as many blocks.
const DEPTH: u64 = 8;
pub(super) const CONTRACT: &str = "0x0000000000000000000000000000000000000007";

pub(super) async fn indexer(os: Os) {
    let our = os.init_argument();
    let name = os.with_names(|names| names.process_id(our.process).process.to_string());
    let logs = lines(&text(&os.get_state().await.unwrap_or_default()));
    let (asks, waits) = (name != "listener", name != "hasty");
    let mut index = Index { our, os: os.clone(), asks, waits, logs, n: 0, held: Vec::new(), complete: false };
    index.subscribe();
    loop {
        match next(&os).await {
            Event::Request { body, .. } => index.on_update(&body).await,
            Event::Response { body, context, .. } => index.on_answer(&context, &body).await,
            Event::Failure { context, .. } => index.on_answer(&context, "").await,
        }
    }
}

struct Index {
    our: Address,
    os: Os,
    /// Whether it asks for what it missed.
    asks: bool,
    /// Whether it waits before it asks.
    waits: bool,
    logs: Vec<String>,
    /// How often it has subscribed.
    n: u32,
    /// Updates that came before what was missed.
    held: Vec<String>,
    /// Whether nothing is missed.
    complete: bool,
}

impl Index {
    fn subscribe(&mut self) {
        // It wraps: Wasm programs are release builds.
        self.n = self.n.wrapping_add(1);
        self.complete = !self.asks;
        self.held.clear();
        self.os.tell(self.module(ProcessRef::ETH), r#"{"UnsubscribeLogs":1}"#);
        let filter = format!(r#"{{"address":"{CONTRACT}"}}"#);
        let body = format!(r#"{{"SubscribeLogs":{{"sub_id":1,"chain_id":8453,"kind":"logs","params":{filter}}}}}"#);
        self.ask(ProcessRef::ETH, 5, "subscribed", &body);
    }

    fn wait(&self, what: &str) {
        self.ask(ProcessRef::TIMER, 5, what, r#"{"SetTimer":1000}"#);
    }

    fn ask_for_missed(&self) {
        let from = self.from();
        let params = format!(r#"[{{"fromBlock":"{from:#x}","toBlock":"latest","address":"{CONTRACT}"}}]"#);
        let body = format!(r#"{{"Request":{{"chain_id":8453,"method":"eth_getLogs","params":{params}}}}}"#);
        self.ask(ProcessRef::ETH, 5, "asked", &body);
    }

    fn module(&self, process: ProcessRef) -> Address {
        Address { process, ..self.our }
    }

    fn ask(&self, module: ProcessRef, seconds: u64, what: &str, body: &str) {
        let context = format!("{what} {}", self.n);
        self.os.ask(self.module(module), seconds, body, Some(context.as_str().into()));
    }

    /// The first block that what is kept may be wrong about.
    fn from(&self) -> u64 {
        self.logs.iter().map(|log| block(log)).max().unwrap_or(0).saturating_sub(DEPTH)
    }

    async fn on_answer(&mut self, context: &str, body: &str) {
        let Some((what, n)) = context.split_once(' ') else { return };
        if n != self.n.to_string() {
            return;
        }
        match what {
            "subscribed" if body != r#""Ok""# => self.wait("subscribe"),
            "subscribed" if !self.asks => {}
            "subscribed" if self.waits => self.wait("ask"),
            "subscribed" | "ask" => self.ask_for_missed(),
            "subscribe" => self.subscribe(),
            "asked" => match body.strip_prefix(r#"{"Response":["#) {
                Some(found) => self.take_missed(found).await,
                None => self.wait("ask"),
            },
            _ => {}
        }
    }

    async fn take_missed(&mut self, found: &str) {
        let from = self.from();
        self.logs.retain(|log| block(log) < from);
        for log in found.split("},{") {
            self.apply(log);
        }
        for log in std::mem::take(&mut self.held) {
            self.apply(&log);
        }
        self.complete = true;
        self.save().await;
        print(&self.os, &format!("{} logs", self.logs.len()));
    }

    async fn on_update(&mut self, body: &str) {
        if body.starts_with(r#"{"Err":{"id":1,"#) {
            self.complete = false;
            self.wait("subscribe");
        } else if body.starts_with(r#"{"Ok":{"id":1,"#) {
            if self.complete {
                self.apply(body);
                self.save().await;
            } else {
                self.held.push(body.into())
            }
        }
    }

    fn apply(&mut self, log: &str) {
        let Some(line) = line(log) else { return };
        if log.contains(r#""removed":true"#) {
            self.logs.retain(|kept| *kept != line);
        } else if !self.logs.contains(&line) {
            self.logs.push(line);
        }
    }

    async fn save(&self) {
        let lines: String = self.logs.iter().map(|log| format!("{log}\n")).collect();
        self.os.set_state(lines.as_str()).await;
    }
}

fn lines(state: &str) -> Vec<String> {
    state.lines().map(str::to_owned).collect()
}

/// What is kept of a log: its block, the block's hash, its place there, its transaction.
fn line(log: &str) -> Option<String> {
    let names = ["blockNumber", "blockHash", "logIndex", "transactionHash"];
    let fields: Option<Vec<&str>> = names.iter().map(|name| field(log, name)).collect();
    Some(fields?.join(" "))
}

/// The text of a field of a JSON object that holds no other object with such a field.
pub(super) fn field<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = object.split_once(&format!(r#""{name}":""#))?;
    Some(rest.split_once('"')?.0)
}

/// The number of a kept log's block.
fn block(log: &str) -> u64 {
    let number = log.split_once(' ').map_or(log, |(number, _)| number);
    u64::from_str_radix(number.trim_start_matches("0x"), 16).unwrap_or(0)
}
