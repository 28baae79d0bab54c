//! An indexer has every log of the chain in its database exactly once.

use kernel_core::{Address, Capability, Cause, Duration, Instant, Message, Names, NodeId, ProcessRef};
use sim::invariant::{Claim, Invariant, Past};
use sim::outside::chain::{Block, hex};
use sim::trace::event::{Event, Kind, What};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The contract whose logs are kept.
const CONTRACT: u8 = 7;
/// Newer logs may still be under way at the end of a run.
const PATIENCE: Duration = Duration::from_secs(10);

/// P4, for the programs `indexer` and `archive`: as long as one is there and may ask `eth`, what it keeps is what the
/// chain has. Every process of the scenario is one; it keeps a line for each log, `BLOCK BLOCK-HASH INDEX
/// TRANSACTION-HASH`: the one in its state, the other in a database, and what is there is what `sqlite` has last
/// answered when all lines were asked for.
#[derive(Clone, Debug, Default)]
pub struct LogsOnce {
    /// The chain, with the instant at which each block came to be.
    chain: Vec<(Instant, Rc<Block>)>,
    /// What each node's indexer keeps, if it ever lived.
    kept: BTreeMap<(NodeId, ProcessRef), String>,
    /// Files that have rotted: whose state it was cannot read it, and to panic over that is right (P1); a database has
    /// nothing but errors for who asks.
    rotten: BTreeSet<(NodeId, Rc<str>)>,
}

impl LogsOnce {
    /// The lines that a database must have, and those that it may have besides: what is young.
    fn lines(&self, now: Instant) -> (Vec<String>, Vec<String>) {
        let (mut must, mut may) = (vec![], vec![]);
        for (at, block) in &self.chain {
            for (index, transaction) in block.transactions.iter().enumerate() {
                if transaction.log.address[19] != CONTRACT {
                    continue;
                }
                let (number, hash) = (block.number, hex(&block.hash));
                let line = format!("{number:#x} {hash} {index:#x} {}", hex(&transaction.hash));
                if now - *at < PATIENCE { &mut may } else { &mut must }.push(line);
            }
        }
        (must, may)
    }
}

/// Whether a process's row says that it may message a module.
fn may_ask(past: &Past, node: NodeId, process: ProcessRef, module: ProcessRef) -> bool {
    let messaging = Capability::messaging(Address { node, process: module });
    let row = past.lives.process(node, process).and_then(|process| process.row());
    row.is_some_and(|row| row.capabilities.contains(&messaging))
}

/// The lines that a database's answer has, `[{"line":"LINE"},…]`; `None`, if they were not asked for.
fn lines_of(answer: &Message) -> Option<String> {
    let rows = String::from_utf8_lossy(&answer.blob.as_ref()?.bytes).into_owned();
    let rows = rows.strip_prefix('[')?.strip_suffix(']')?;
    let lines = rows.split_terminator("},").map(|row| row.strip_prefix("{\"line\":\"")?.split_once('"'));
    lines.map(|line| Some(format!("{}\n", line?.0))).collect()
}

impl Invariant for LogsOnce {
    fn claim(&self) -> Claim {
        Claim::own("logs-once", "an indexer has every log of the chain exactly once in its database")
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::News, Kind::Started, Kind::StateDurable, Kind::Received, Kind::Rotted]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, _: &Names) -> Result<(), String> {
        match &event.what {
            What::News(news) => {
                self.chain.truncate(self.chain.len() - news.removed.len());
                self.chain.extend(news.added.iter().map(|block| (event.at, block.clone())));
            }
            What::Started(life) => {
                self.kept.entry((event.node, life.process)).or_default();
            }
            What::Rotted(path, _) => {
                self.rotten.insert((event.node, path.clone()));
            }
            What::StateDurable(process, bytes) => {
                let text = String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned();
                self.kept.insert((event.node, *process), text);
            }
            What::Received(life, answer, _) if answer.source.process == ProcessRef::SQLITE && !answer.is_request() => {
                if let Some(text) = lines_of(answer) {
                    self.kept.insert((event.node, life.process), text);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, past: &Past, names: &Names) -> Result<(), String> {
        let now = self.chain.last().map_or(past.now, |(at, _)| *at);
        let (must, may) = self.lines(now);
        for ((node, process), kept) in &self.kept {
            // A killed process keeps nothing up to date, and neither can one that lost the capability to ask before it was durable.
            if past.lives.life(*node, *process).is_none() || !may_ask(past, *node, *process, ProcessRef::ETH) {
                continue;
            }
            let state = format!("/state/{}", names.process_text(*process));
            let is_its = |path: &str| path == state || path.starts_with("/sqlite/");
            if self.rotten.iter().any(|(of, path)| of == node && is_its(path)) {
                continue;
            }
            let who = || format!("{} of {}", names.process_text(*process), names.node_text(*node));
            compare(&must, &may, kept).map_err(|facts| format!("{} {facts}", who()))?;
        }
        Ok(())
    }
}

/// Whether a database has what it must have once, what it may have at most once, and nothing else.
fn compare(must: &[String], may: &[String], kept: &str) -> Result<(), String> {
    let has = |line: &String| kept.lines().filter(|kept| kept == line).count();
    if let Some(line) = must.iter().find(|line| has(line) == 0) {
        return Err(format!("has missed the log {line}"));
    }
    if let Some(line) = must.iter().chain(may).find(|line| has(line) > 1) {
        return Err(format!("has the log {line} more than once"));
    }
    let known = |line: &str| must.iter().chain(may).any(|known| known == line);
    match kept.lines().find(|line| !known(line)) {
        Some(line) => Err(format!("has a log that is not on the chain: {line}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_core::Instant;
    use sim::outside::chain::{Chain, ChainPlan, LogSpec};

    fn told(kept: &str) -> Result<(), String> {
        compare(&["1 a".to_string(), "2 b".to_string()], &["3 c".to_string()], kept)
    }

    #[test]
    fn what_is_old_is_there_once_and_what_is_young_may_be() {
        assert_eq!(told("2 b\n1 a\n"), Ok(()));
        assert_eq!(told("1 a\n2 b\n3 c\n"), Ok(()));
    }

    #[test]
    fn what_is_missing_doubled_or_not_on_the_chain_is_named() {
        assert_eq!(told("1 a\n3 c\n"), Err("has missed the log 2 b".to_string()));
        assert_eq!(told("1 a\n2 b\n1 a\n"), Err("has the log 1 a more than once".to_string()));
        assert_eq!(told("1 a\n2 b\n3 c\n3 c\n"), Err("has the log 3 c more than once".to_string()));
        // As after a missed reorganisation.
        assert_eq!(told("1 a\n2 b\n2 x\n"), Err("has a log that is not on the chain: 2 x".to_string()));
    }

    #[test]
    fn only_the_contracts_own_logs_count_and_those_of_the_last_seconds_may_be_late() {
        let plan =
            ChainPlan::new(1).emitting(1, 1, LogSpec::new(7, &[], b"")).emitting(1, 1, LogSpec::new(8, &[], b""));
        let mut chain = Chain::new(&plan);
        let mut logs = LogsOnce::default();
        let at = |second: u64| Instant(second * 1_000_000_000);
        for second in 1..=20 {
            let news = chain.mine(at(second), 0);
            logs.chain.extend(news.added.iter().map(|block| (at(second), block.clone())));
        }
        let (must, may) = logs.lines(at(20));
        assert_eq!((must.len(), may.len()), (10, 10));
    }
}
