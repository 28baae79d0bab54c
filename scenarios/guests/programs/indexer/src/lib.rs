//! Keeps every log of a contract in its state, exactly once: it subscribes at every start and when
//! its subscription has ended, and then asks for what it missed.
//!
//! As a process named `listener` it never asks, and loses what came while nobody listened. As one
//! named `hasty` it asks at once, and may be told what its former life was told: `eth` answers an
//! equal question from memory for a second.
//!
//! Calls: `get-state` once, then those of *subscribing*; then for each message `receive` and
//! those named here. `eth` and `timer` are `our` node's; N counts the subscribings, and what comes
//! of an earlier one is nothing.
//!
//! - *subscribing*: `send-request` of `{"UnsubscribeLogs":1}` to `eth`; `send-request` to `eth` of
//!   a subscription 1 to the logs, answer within 5 seconds, context `subscribed N`;
//! - *waiting* for X: `send-request` of `{"SetTimer":1000}` to `timer`, answer within 5 seconds,
//!   context `X N`;
//! - response to `subscribed N`: if it is `"Ok"` *waiting* for `ask`, or for `hasty` *asking*; for
//!   `listener` nothing; if it is another, or a failure: *waiting* for `subscribe`;
//! - response or failure of `subscribe N`: *subscribing*;
//! - response or failure of `ask N`: *asking*: `send-request` of an `eth_getLogs` from eight blocks
//!   before the last that is kept, answer within 5 seconds, context `asked N`;
//! - response to `asked N`: if it is a list of logs it takes the place of what is kept from that
//!   block on, the updates that were held are applied, then `set-state`, `print-to-terminal` of
//!   `L logs`; if it is another, or a failure: *waiting* for `ask`;
//! - request with an update of the subscription: it is held until what was missed is there, else
//!   the log is added, or taken out if it is removed, and `set-state`;
//! - request that says that the subscription has ended: *waiting* for `subscribe`;
//! - anything else: nothing.
//!
//! The state is a line for each log: `BLOCK BLOCK-HASH INDEX TRANSACTION-HASH`.

use process::{
    Address, Event, Guest, address, ask, field, get_state, module, next, print, set_state, tell,
    text,
};

/// A reorganisation may replace as many blocks.
const DEPTH: u64 = 8;
const CONTRACT: &str = "0x0000000000000000000000000000000000000007";

struct Indexer;

impl Guest for Indexer {
    fn init(our: String) {
        let our = address(&our).expect("our is an address");
        let name = our.process.process_name.clone();
        let mut index = Index {
            eth: module(&our, "eth"),
            timer: module(&our, "timer"),
            asks: name != "listener",
            waits: name != "hasty",
            logs: lines(&text(&get_state().unwrap_or_default())),
            n: 0,
            held: Vec::new(),
            complete: false,
        };
        index.subscribe();
        loop {
            match next() {
                Event::Request { body, .. } => index.on_update(&body),
                Event::Response { body, context, .. } => index.on_answer(&context, &body),
                Event::Failure { context, .. } => index.on_answer(&context, ""),
            }
        }
    }
}

struct Index {
    eth: Address,
    timer: Address,
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
        self.n += 1;
        self.complete = !self.asks;
        self.held.clear();
        tell(&self.eth, r#"{"UnsubscribeLogs":1}"#);
        let filter = format!(r#"{{"address":"{CONTRACT}"}}"#);
        let body = format!(
            r#"{{"SubscribeLogs":{{"sub_id":1,"chain_id":8453,"kind":"logs","params":{filter}}}}}"#
        );
        ask(&self.eth, 5, &format!("subscribed {}", self.n), &body);
    }

    fn wait(&self, what: &str) {
        let context = format!("{what} {}", self.n);
        ask(&self.timer, 5, &context, r#"{"SetTimer":1000}"#);
    }

    fn ask_for_missed(&self) {
        let from = self.from();
        let params =
            format!(r#"[{{"fromBlock":"{from:#x}","toBlock":"latest","address":"{CONTRACT}"}}]"#);
        let body = format!(
            r#"{{"Request":{{"chain_id":8453,"method":"eth_getLogs","params":{params}}}}}"#
        );
        ask(&self.eth, 5, &format!("asked {}", self.n), &body);
    }

    /// The first block that what is kept may be wrong about.
    fn from(&self) -> u64 {
        self.logs
            .iter()
            .map(|log| block(log))
            .max()
            .unwrap_or(0)
            .saturating_sub(DEPTH)
    }

    fn on_answer(&mut self, context: &str, body: &str) {
        let Some((what, n)) = context.split_once(' ') else {
            return;
        };
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
                Some(found) => self.take_missed(found),
                None => self.wait("ask"),
            },
            _ => {}
        }
    }

    fn take_missed(&mut self, found: &str) {
        let from = self.from();
        self.logs.retain(|log| block(log) < from);
        for log in found.split("},{") {
            self.apply(log);
        }
        for log in std::mem::take(&mut self.held) {
            self.apply(&log);
        }
        self.complete = true;
        self.save();
        print(&format!("{} logs", self.logs.len()));
    }

    fn on_update(&mut self, body: &str) {
        if body.starts_with(r#"{"Err":{"id":1,"#) {
            self.complete = false;
            self.wait("subscribe");
        } else if body.starts_with(r#"{"Ok":{"id":1,"#) {
            match self.complete {
                true => {
                    self.apply(body);
                    self.save();
                }
                false => self.held.push(body.into()),
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

    fn save(&self) {
        let lines: String = self.logs.iter().map(|log| format!("{log}\n")).collect();
        set_state(lines.as_bytes());
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

/// The number of a kept log's block.
fn block(log: &str) -> u64 {
    let number = log.split_once(' ').map_or(log, |(number, _)| number);
    u64::from_str_radix(number.trim_start_matches("0x"), 16).unwrap_or(0)
}

process::export!(Indexer);
