//! A chain that all nodes see alike and that goes on while they are down: blocks on the virtual clock, the logs in
//! them, and reorganisations.
//!
//! A transaction keeps its hash whatever happens to it. When blocks are replaced, each of their transactions is mined
//! again a block later: what was a log of one block becomes a log of another (ours; on a real chain it may also be
//! lost). Hashes are digests of what they name, so that equal histories make equal chains.

use super::web::is_like;
use kernel_core::{Duration, Instant};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

/// 32 bytes: a hash or a topic.
pub type Word = [u8; 32];

/// The chain as a scenario has it. Plain data.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainPlan {
    /// Its id: 8453 is Base.
    pub id: u64,
    /// The time from a block to the next.
    pub block_time: Duration,
    /// What happens on it by itself.
    pub events: Vec<ChainEvents>,
    /// What a provider answers to methods that look something up: the first that fits.
    pub answers: Vec<ChainAnswer>,
    /// When its provider is out of order.
    pub outages: Vec<ProviderOutage>,
}

/// A time in which the provider of a chain is out of order for every node: subscriptions end, requests fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderOutage {
    /// When it begins, after the setup.
    pub at: Duration,
    /// How long it lasts.
    pub lasts: Duration,
}

/// What a provider answers to a method, whatever the chain has.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainAnswer {
    /// The method: `eth_call`.
    pub method: String,
    /// The parameters, as JSON without blanks; each `*` stands for any text.
    pub params: String,
    /// The result.
    pub result: serde_json::Value,
}

/// A log that a contract emits again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainEvents {
    /// One block in this many has it.
    pub every: u64,
    /// How many transactions at a time, each with this log.
    pub at_a_time: u32,
    /// The log.
    pub log: LogSpec,
}

/// What a contract emits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSpec {
    /// The contract.
    pub address: [u8; 20],
    /// Up to four topics.
    pub topics: Vec<Word>,
    /// The rest.
    pub data: Vec<u8>,
}

/// A transaction that emits one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its hash, whichever block it is in.
    pub hash: Word,
    /// Its log.
    pub log: LogSpec,
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its height.
    pub number: u64,
    /// Its hash.
    pub hash: Word,
    /// The hash of the block before.
    pub parent: Word,
    /// Seconds since the world began.
    pub timestamp: u64,
    /// What is in it, in order.
    pub transactions: Vec<Rc<Transaction>>,
}

/// What changed on the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// Blocks that are no longer part of it, the last first.
    pub removed: Vec<Rc<Block>>,
    /// Blocks that are new, the first first.
    pub added: Vec<Rc<Block>>,
}

/// The chain of one run.
#[derive(Clone, Debug)]
pub struct Chain {
    plan: ChainPlan,
    /// When the setup was over.
    began: Option<Instant>,
    blocks: Vec<Rc<Block>>,
    /// What waits to be mined.
    pending: VecDeque<Rc<Transaction>>,
    /// How many transactions there ever were.
    sent: u64,
    /// How many blocks were ever mined: no two have the same hash.
    mined: u64,
}

impl ChainPlan {
    /// A chain with a block every two seconds, as Base, on which nothing happens by itself.
    pub fn new(id: u64) -> ChainPlan {
        ChainPlan { id, block_time: Duration::from_secs(2), events: vec![], answers: vec![], outages: vec![] }
    }

    /// Its provider is out of order from then on, after the setup, for so long.
    pub fn out_of_order(mut self, at: Duration, lasts: Duration) -> ChainPlan {
        self.outages.push(ProviderOutage { at, lasts });
        self
    }

    /// With another time from a block to the next.
    pub fn block_time(mut self, span: Duration) -> ChainPlan {
        self.block_time = span;
        self
    }

    /// One block in `every` has so many transactions with this log.
    pub fn emitting(mut self, every: u64, at_a_time: u32, log: LogSpec) -> ChainPlan {
        self.events.push(ChainEvents { every, at_a_time, log });
        self
    }
}

impl LogSpec {
    /// A log of the contract whose address ends in this number, with topics that end in these.
    pub fn new(contract: u64, topics: &[u64], data: &[u8]) -> LogSpec {
        let mut address = [0; 20];
        address[12..].copy_from_slice(&contract.to_be_bytes());
        LogSpec { address, topics: topics.iter().map(|topic| word(*topic)).collect(), data: data.to_vec() }
    }
}

/// A word that ends in this number.
pub fn word(n: u64) -> Word {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&n.to_be_bytes());
    word
}

/// Bytes as `0x…`.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_string(), |text, byte| format!("{text}{byte:02x}"))
}

impl Chain {
    /// A chain with its first block, number 0, at the beginning of time.
    pub fn new(plan: &ChainPlan) -> Chain {
        let mut chain =
            Chain { plan: plan.clone(), began: None, blocks: vec![], pending: VecDeque::new(), sent: 0, mined: 0 };
        chain.push_block(0, vec![]);
        chain
    }

    /// The times of its plan count from now.
    pub fn count_from(&mut self, now: Instant) {
        self.began = Some(now);
    }

    /// Whether its provider is out of order.
    pub fn is_out(&self, now: Instant) -> bool {
        let Some(began) = self.began else { return false };
        let is_now = |outage: &ProviderOutage| (began + outage.at..began + outage.at + outage.lasts).contains(&now);
        self.plan.outages.iter().any(is_now)
    }

    /// Its id.
    pub fn id(&self) -> u64 {
        self.plan.id
    }

    /// What a provider answers to a method by the scenario's own table, if that has it.
    pub fn answer(&self, method: &str, params: &str) -> Option<&serde_json::Value> {
        let fits = |answer: &&ChainAnswer| answer.method == method && is_like(params, &answer.params);
        self.plan.answers.iter().find(fits).map(|answer| &answer.result)
    }

    /// The time from a block to the next.
    pub fn block_time(&self) -> Duration {
        self.plan.block_time
    }

    /// The logs that contracts emit by the scenario's plan, again and again.
    pub fn contracts(&self) -> impl Iterator<Item = &LogSpec> {
        self.plan.events.iter().map(|events| &events.log)
    }

    /// The last block.
    pub fn head(&self) -> &Rc<Block> {
        self.blocks.last().expect("a chain has its first block")
    }

    /// The block of this number, if it is mined.
    pub fn block(&self, number: u64) -> Option<&Rc<Block>> {
        self.blocks.get(usize::try_from(number).ok()?)
    }

    /// Every block, the first first.
    pub fn blocks(&self) -> &[Rc<Block>] {
        &self.blocks
    }

    /// A transaction comes in; the next block has it.
    pub fn send(&mut self, log: LogSpec) {
        self.sent += 1;
        let digest = Sha256::new_with_prefix("transaction").chain_update(self.sent.to_be_bytes());
        self.pending.push_back(Rc::new(Transaction { hash: digest.finalize().into(), log }));
    }

    /// The next block is mined; before that, so many of the last blocks are replaced.
    pub fn mine(&mut self, now: Instant, reorganised: u32) -> News {
        // The first block is everybody's.
        let depth = (reorganised as usize).min(self.blocks.len() - 1);
        let removed = self.blocks.split_off(self.blocks.len() - depth);
        let first = self.blocks.len();
        let mut late = vec![];
        for old in &removed {
            self.push_block(old.timestamp, std::mem::replace(&mut late, old.transactions.clone()));
        }
        late.extend(self.pending.drain(..));
        self.events_of_next_block();
        late.extend(self.pending.drain(..));
        self.push_block(now.0 / 1_000_000_000, late);
        News { removed: removed.into_iter().rev().collect(), added: self.blocks[first..].to_vec() }
    }

    /// What happens by itself in the next block.
    fn events_of_next_block(&mut self) {
        let number = self.blocks.len() as u64;
        for events in self.plan.events.clone() {
            if number.is_multiple_of(events.every.max(1)) {
                (0..events.at_a_time).for_each(|_| self.send(events.log.clone()));
            }
        }
    }

    fn push_block(&mut self, timestamp: u64, transactions: Vec<Rc<Transaction>>) {
        self.mined += 1;
        let parent = self.blocks.last().map_or([0; 32], |block| block.hash);
        let digest = Sha256::new_with_prefix("block").chain_update(self.mined.to_be_bytes()).chain_update(parent);
        let (number, hash) = (self.blocks.len() as u64, digest.finalize().into());
        self.blocks.push(Rc::new(Block { number, hash, parent, timestamp, transactions }));
    }
}

impl fmt::Display for LogSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "log of {} with {} topics and {} bytes", hex(&self.address), self.topics.len(), self.data.len())
    }
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(last) = self.removed.first() {
            write!(f, "{} blocks up to {} are replaced; ", self.removed.len(), last.number)?;
        }
        let block = |block: &Rc<Block>| format!("block {} with {} logs", block.number, block.transactions.len());
        f.write_str(&self.added.iter().map(block).collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Chain {
        Chain::new(&ChainPlan::new(1).emitting(2, 1, LogSpec::new(7, &[], b"even")))
    }

    fn hashes(blocks: &[Rc<Block>]) -> Vec<Word> {
        blocks.iter().flat_map(|block| &block.transactions).map(|transaction| transaction.hash).collect()
    }

    #[test]
    fn each_block_follows_the_one_before() {
        let mut chain = chain();
        for second in 1..=4 {
            let news = chain.mine(Instant(second * 2_000_000_000), 0);
            assert_eq!((news.removed.len(), news.added.len()), (0, 1));
            assert_eq!(news.added[0].timestamp, second * 2);
        }
        let parents: Vec<_> = chain.blocks()[1..].iter().map(|block| block.parent).collect();
        let blocks: Vec<_> = chain.blocks()[..4].iter().map(|block| block.hash).collect();
        assert_eq!(parents, blocks);
        let counts: Vec<_> = chain.blocks().iter().map(|block| block.transactions.len()).collect();
        assert_eq!(counts, [0, 0, 1, 0, 1], "a log in every second block");
    }

    #[test]
    fn what_is_sent_is_in_the_next_block() {
        let mut chain = chain();
        chain.send(LogSpec::new(9, &[1, 2], b"by hand"));
        let news = chain.mine(Instant(0), 0);
        assert_eq!(news.added[0].transactions[0].log, LogSpec::new(9, &[1, 2], b"by hand"));
        assert!(chain.mine(Instant(0), 0).added[0].transactions.iter().all(|t| t.log.data == b"even"));
    }

    #[test]
    fn a_reorganisation_replaces_the_last_blocks_and_loses_no_transaction() {
        let mut chain = chain();
        (0..6).for_each(|_| drop(chain.mine(Instant(0), 0)));
        let before = chain.blocks().to_vec();
        let news = chain.mine(Instant(0), 3);
        assert_eq!(news.removed.iter().map(|block| block.number).collect::<Vec<_>>(), [6, 5, 4]);
        assert_eq!(news.added.iter().map(|block| block.number).collect::<Vec<_>>(), [4, 5, 6, 7]);
        assert_eq!(chain.blocks()[..4], before[..4], "what is deeper stays");
        let both = news.removed.iter().any(|old| news.added.iter().any(|new| old.hash == new.hash));
        assert!(!both, "no hash comes back");
        assert_eq!(hashes(chain.blocks()), hashes(&before), "each transaction is there once, in the same order");
        assert_ne!(chain.blocks()[4].transactions, before[4].transactions, "and in another block");
    }

    #[test]
    fn the_first_block_is_never_replaced() {
        let mut chain = chain();
        let first = chain.head().clone();
        chain.mine(Instant(0), 0);
        assert_eq!(chain.mine(Instant(0), 9).removed.len(), 1);
        assert_eq!(chain.blocks()[0], first);
    }

    #[test]
    fn equal_histories_make_equal_chains() {
        let run = || {
            let mut chain = chain();
            (0..5).for_each(|n| drop(chain.mine(Instant(n), n as u32 % 3)));
            chain.blocks().to_vec()
        };
        assert_eq!(run(), run());
    }
}
