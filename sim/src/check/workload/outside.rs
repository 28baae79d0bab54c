//! `[[web]]`, `[[web_socket]]`, `[[stub]]` and `[chain]`: what is there besides the package and its node.

use super::{Json, body_of, once, span};
use crate::modules::Stub;
use crate::outside::chain::{ChainAnswer, ChainPlan, LogSpec, ProviderOutage, Word};
use crate::outside::visit::{Frame, FrameKind};
use crate::outside::web::{Page, PageReply, SocketServer};
use kernel_core::{Duration, ProcessId};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `[[web]]` as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebEntry {
    url: String,
    #[serde(default = "any")]
    method: String,
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    json: Option<Json>,
    fails: Option<String>,
}

/// `[[web_socket]]` as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServerEntry {
    url: String,
    #[serde(default)]
    greets: Vec<String>,
    #[serde(default)]
    answers: Vec<ServerAnswer>,
    every: Option<String>,
    says: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerAnswer {
    to: String,
    text: Option<String>,
    #[serde(default)]
    closes: bool,
}

/// `[[stub]]` as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StubEntry {
    process: String,
    #[serde(default)]
    answers: Vec<StandInAnswer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StandInAnswer {
    to: String,
    body: Option<String>,
    json: Option<Json>,
    bytes: Option<Vec<u8>>,
    blob: Option<String>,
}

/// `[chain]` as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChainEntry {
    id: u64,
    block_time: Option<String>,
    #[serde(default)]
    emits: Vec<LogEntry>,
    #[serde(default)]
    answers: Vec<MethodEntry>,
    #[serde(default)]
    outage: Outages,
}

/// One outage of the provider, or several.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Outages {
    #[default]
    None,
    One(OutageEntry),
    Several(Vec<OutageEntry>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutageEntry {
    at: String,
    lasts: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MethodEntry {
    method: String,
    #[serde(default = "any")]
    params: String,
    result: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogEntry {
    contract: String,
    #[serde(default)]
    topics: Vec<String>,
    data: Option<String>,
    #[serde(default = "one")]
    every: u64,
    #[serde(default = "once")]
    times: u32,
}

fn any() -> String {
    "*".to_string()
}

fn one() -> u64 {
    1
}

impl WebEntry {
    pub(super) fn read(self) -> Result<Page, String> {
        let status = self.status.unwrap_or(200);
        if !(100..1_000).contains(&status) {
            return Err(format!("`status = {status}` is no status of HTTP: 100 to 999"));
        }
        let body = body_of(self.body, self.json, None)?;
        let reply = match self.fails {
            Some(_) if body.is_some() || self.status.is_some() => {
                return Err("`fails` is for a page that cannot be had: give it no body and no status".to_string());
            }
            Some(error) => PageReply::Failure(error),
            None => {
                let headers = self.headers.into_iter().collect();
                PageReply::Response { status, headers, body: body.unwrap_or_default() }
            }
        };
        Ok(Page { method: self.method, url: self.url, reply })
    }
}

impl ServerEntry {
    pub(super) fn read(self) -> Result<SocketServer, String> {
        let every = span("every", self.every)?;
        let mut server = SocketServer { url: self.url, ..SocketServer::default() };
        server.greets = self.greets.iter().map(|text| Frame::text(text)).collect();
        match (every, self.says) {
            (Some(every), Some(text)) => server = server.feeding(every, &text),
            (None, None) => {}
            _ => return Err("`every` and `says` go together: what it sends by itself, and how far apart".to_string()),
        }
        for answer in self.answers {
            let text = answer.text.map(|text| Frame::text(&text));
            let close = answer.closes.then(|| Frame::empty(FrameKind::Close));
            server.answers.push((answer.to, text.into_iter().chain(close).collect()));
        }
        Ok(server)
    }
}

impl StubEntry {
    /// The process, and what stands in for it.
    pub(super) fn read(self) -> Result<(String, Stub), String> {
        if ProcessId::split(&self.process).is_none_or(|id| !id.is_legal()) {
            return Err(format!("`process = {:?}` is no process's id: process:package:publisher", self.process));
        }
        let mut stub = Stub::default();
        for answer in self.answers {
            let body = body_of(answer.body, answer.json, answer.bytes)?;
            stub = match (body, answer.blob) {
                (Some(body), None) => stub.answering(&answer.to, &body),
                (Some(body), Some(blob)) => stub.handing_over(&answer.to, &body, blob.as_bytes()),
                (None, None) => stub.taking(&answer.to),
                (None, Some(_)) => return Err(format!("the answer to {:?} has a blob and no body", answer.to)),
            };
        }
        Ok((self.process, stub))
    }
}

impl ChainEntry {
    pub(super) fn read(self) -> Result<ChainPlan, String> {
        let mut chain = ChainPlan::new(self.id);
        if let Some(block_time) = span("block_time", self.block_time)? {
            if block_time < Duration::from_millis(100) {
                return Err("`block_time` is 100ms at least".to_string());
            }
            chain = chain.block_time(block_time);
        }
        let answers = self.answers.into_iter();
        chain.answers.extend(answers.map(|MethodEntry { method, params, result }| ChainAnswer {
            method,
            params,
            result,
        }));
        let outages = match self.outage {
            Outages::None => vec![],
            Outages::One(outage) => vec![outage],
            Outages::Several(outages) => outages,
        };
        if outages.len() > OUTAGES_MAX {
            return Err(format!("`outage` has {} entries; {OUTAGES_MAX} are the most", outages.len()));
        }
        for OutageEntry { at, lasts } in outages {
            let at = span("at", Some(at))?.unwrap_or_default();
            let lasts = span("lasts", Some(lasts))?.unwrap_or_default();
            chain.outages.push(ProviderOutage { at, lasts });
        }
        for log in self.emits {
            if log.every == 0 || !(1..=LOGS_MAX).contains(&log.times) {
                return Err(format!("a log comes in every block at most, and {LOGS_MAX} times in one at most"));
            }
            let (every, times) = (log.every, log.times);
            chain = chain.emitting(every, times, log.read()?);
        }
        Ok(chain)
    }
}

/// How many outages the provider may have.
const OUTAGES_MAX: usize = 100;
/// How often one log may be in a block.
const LOGS_MAX: u32 = 100;

impl LogEntry {
    fn read(self) -> Result<LogSpec, String> {
        let topics: Vec<Word> =
            self.topics.into_iter().map(|topic| sized("topics", topic)).collect::<Result<_, _>>()?;
        if topics.len() > 4 {
            return Err(format!("`topics`: a log has four at most, and not {}", topics.len()));
        }
        let data = bytes_of("data", self.data.unwrap_or_else(|| "0x".to_string()))?;
        Ok(LogSpec { address: sized("contract", self.contract)?, topics, data })
    }
}

/// Bytes in hexadecimal digits behind 0x.
fn bytes_of(name: &str, text: String) -> Result<Vec<u8>, String> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len().is_multiple_of(2));
    let digits = digits.filter(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()));
    let digits =
        digits.ok_or_else(|| format!("`{name}`: {text:?} is not 0x and two digits (0-9 a-f) for each byte"))?;
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("they are digits");
    Ok((0..digits.len()).step_by(2).map(byte).collect())
}

/// The same, of so many bytes.
fn sized<const N: usize>(name: &str, text: String) -> Result<[u8; N], String> {
    let bytes = bytes_of(name, text)?;
    let len = bytes.len();
    bytes.try_into().map_err(|_| format!("`{name}` has {N} bytes, and not {len}"))
}
