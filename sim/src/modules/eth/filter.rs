//! Which logs somebody wants: the filter object of Ethereum's JSON-RPC.

use crate::outside::chain::{Block, Chain, LogSpec, Word, hex};
use serde_json::{Value, json};
use std::rc::Rc;

/// More alternatives in one place a provider refuses (ours: a usual bound).
const ALTERNATIVES_MAX: usize = 1_000;

/// A filter: of the addresses any, and in each place of the topics any; none given fits all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    addresses: Vec<String>,
    topics: Vec<Vec<String>>,
    /// Which blocks, for a request; a subscription goes on from where it begins.
    pub range: Range,
}

/// Which blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Range {
    /// From one to another.
    FromTo(Tag, Tag),
    /// The one of this hash.
    Hash(String),
}

/// A block, by number or by its place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// The one of this number.
    Number(u64),
    /// The last.
    Latest,
}

/// What is wrong with the parameters of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The provider refuses them.
    Invalid(&'static str),
    /// This simulator does not have it.
    Unmodelled,
}

impl Default for Range {
    /// The last block only, as a provider has it.
    fn default() -> Range {
        Range::FromTo(Tag::Latest, Tag::Latest)
    }
}

impl Tag {
    /// Reads `"0x1a"`, `26`, `"latest"`, `"pending"` or `"earliest"`.
    pub fn parse(value: &Value) -> Result<Tag, Wrong> {
        const WHAT: Wrong = Wrong::Invalid("a block is a number in hex, or a tag");
        match value {
            Value::Null => Ok(Tag::Latest),
            Value::Number(n) => Ok(Tag::Number(n.as_u64().ok_or(WHAT)?)),
            Value::String(text) => match text.as_str() {
                // There is no block that waits to be mined.
                "latest" | "pending" => Ok(Tag::Latest),
                "earliest" => Ok(Tag::Number(0)),
                "safe" | "finalized" => Err(Wrong::Unmodelled),
                text => {
                    let digits = text.strip_prefix("0x").ok_or(WHAT)?;
                    Ok(Tag::Number(u64::from_str_radix(digits, 16).map_err(|_| WHAT)?))
                }
            },
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(WHAT),
        }
    }

    /// The number that it stands for on a chain.
    pub fn number(self, chain: &Chain) -> u64 {
        match self {
            Tag::Number(n) => n,
            Tag::Latest => chain.head().number,
        }
    }
}

impl Filter {
    /// Reads a filter object.
    pub fn parse(value: &Value) -> Result<Filter, Wrong> {
        let Value::Object(fields) = value else { return Err(Wrong::Invalid("a filter is an object")) };
        let field = |name: &str| fields.get(name).unwrap_or(&Value::Null);
        let addresses = any_of(field("address"), 20)?;
        let topics = match field("topics") {
            Value::Null => vec![],
            Value::Array(places) if places.len() <= 4 => {
                places.iter().map(|place| any_of(place, 32)).collect::<Result<_, _>>()?
            }
            _ => return Err(Wrong::Invalid("topics are up to four places")),
        };
        let range = match field("blockHash") {
            Value::Null => Range::FromTo(Tag::parse(field("fromBlock"))?, Tag::parse(field("toBlock"))?),
            Value::String(hash) => Range::Hash(hash.to_lowercase()),
            _ => return Err(Wrong::Invalid("a hash is a text")),
        };
        Ok(Filter { addresses, topics, range })
    }

    /// Whether it lets a log through.
    pub fn fits(&self, log: &LogSpec) -> bool {
        let place = |(nth, wanted): (usize, &Vec<String>)| {
            let topic: Option<&Word> = log.topics.get(nth);
            wanted.is_empty() || topic.is_some_and(|topic| wanted.contains(&hex(topic)))
        };
        let address = self.addresses.is_empty() || self.addresses.contains(&hex(&log.address));
        address && self.topics.iter().enumerate().all(place)
    }

    /// The logs of a block that it lets through, as JSON.
    pub fn logs_of(&self, block: &Block, removed: bool) -> Vec<Value> {
        let numbered = block.transactions.iter().enumerate().filter(|(_, transaction)| self.fits(&transaction.log));
        let json = |(nth, transaction): (usize, &Rc<crate::outside::chain::Transaction>)| {
            let topics: Vec<String> = transaction.log.topics.iter().map(|topic| hex(topic)).collect();
            json!({
                "address": hex(&transaction.log.address),
                "topics": topics,
                "data": hex(&transaction.log.data),
                "blockHash": hex(&block.hash),
                "blockNumber": quantity(block.number),
                "blockTimestamp": quantity(block.timestamp),
                "transactionHash": hex(&transaction.hash),
                "transactionIndex": quantity(nth as u64),
                "logIndex": quantity(nth as u64),
                "removed": removed,
            })
        };
        numbered.map(json).collect()
    }

    /// The logs of a chain that it lets through, in order.
    pub fn logs(&self, chain: &Chain) -> Result<Vec<Value>, Wrong> {
        let blocks: Vec<&Rc<Block>> = match &self.range {
            Range::Hash(hash_wanted) => {
                let found = chain.blocks().iter().find(|block| hex(&block.hash) == *hash_wanted);
                vec![found.ok_or(Wrong::Invalid("unknown block"))?]
            }
            Range::FromTo(from, to) => {
                let (from, to) = (from.number(chain), to.number(chain));
                if from > to {
                    return Err(Wrong::Invalid("fromBlock is behind toBlock"));
                }
                chain.blocks().iter().filter(|block| (from..=to).contains(&block.number)).collect()
            }
        };
        Ok(blocks.into_iter().flat_map(|block| self.logs_of(block, false)).collect())
    }
}

/// None, one or several texts of so many bytes in hex.
fn any_of(value: &Value, bytes: usize) -> Result<Vec<String>, Wrong> {
    let one = |value: &Value| {
        let text = value.as_str().and_then(|text| text.strip_prefix("0x"));
        let plain = |digits: &&str| digits.len() == 2 * bytes && digits.bytes().all(|c| c.is_ascii_hexdigit());
        let digits = text.filter(plain).ok_or(Wrong::Invalid("addresses have 20 bytes, topics 32, in hex"))?;
        Ok(format!("0x{}", digits.to_lowercase()))
    };
    match value {
        Value::Null => Ok(vec![]),
        Value::Array(all) if all.len() > ALTERNATIVES_MAX => Err(Wrong::Invalid("too many addresses or topics")),
        Value::Array(all) => all.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

/// A number as JSON-RPC has it.
pub fn quantity(n: u64) -> String {
    format!("{n:#x}")
}
