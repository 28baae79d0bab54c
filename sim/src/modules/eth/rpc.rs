//! What a provider answers to requests: the methods of Ethereum's JSON-RPC that the simulated chain has.

use super::filter::{Filter, Tag, Wrong, quantity};
use crate::outside::chain::{Block, Chain, LogSpec, hex};
use serde_json::{Value, json};

/// What the runtime hands on to a provider (`valid_method` of `src/eth/mod.rs`), and whether the chain answers it.
pub const METHODS: [(&str, bool); 19] = [
    ("eth_getBalance", true),
    ("eth_sendRawTransaction", false),
    ("eth_call", false),
    ("eth_chainId", true),
    ("eth_getTransactionReceipt", false),
    ("eth_getTransactionCount", true),
    ("eth_estimateGas", false),
    ("eth_blockNumber", true),
    ("eth_getBlockByHash", true),
    ("eth_getBlockByNumber", true),
    ("eth_getTransactionByHash", false),
    ("eth_getCode", true),
    ("eth_getStorageAt", false),
    ("eth_gasPrice", true),
    ("eth_accounts", true),
    ("eth_hashrate", true),
    ("eth_getLogs", true),
    ("eth_subscribe", false),
    ("eth_unsubscribe", false),
];

/// Answers a request.
pub fn answer(chain: &Chain, method: &str, params: &Value) -> Result<Value, Wrong> {
    let param = |nth: usize| params.get(nth).unwrap_or(&Value::Null);
    let with_transactions = || param(1) == &Value::Bool(true);
    if let Some(result) = chain.answer(method, &params.to_string()) {
        return Ok(result.clone());
    }
    match method {
        "eth_blockNumber" => Ok(quantity(chain.head().number).into()),
        "eth_chainId" => Ok(quantity(chain.id()).into()),
        "eth_getLogs" => Ok(Filter::parse(param(0))?.logs(chain)?.into()),
        "eth_getBlockByNumber" | "eth_getBlockByHash" if with_transactions() => Err(Wrong::Unmodelled),
        "eth_getBlockByNumber" => {
            let number = Tag::parse(param(0))?.number(chain);
            Ok(chain.block(number).map_or(Value::Null, |block| block_json(block)))
        }
        "eth_getBlockByHash" => {
            let wanted = param(0).as_str().ok_or(Wrong::Invalid("a hash is a text"))?.to_lowercase();
            let found = chain.blocks().iter().find(|block| hex(&block.hash) == wanted);
            Ok(found.map_or(Value::Null, |block| block_json(block)))
        }
        // Nobody has anything on this chain, a provider has no accounts and does not mine.
        "eth_getBalance" | "eth_getTransactionCount" | "eth_hashrate" => Ok(quantity(0).into()),
        "eth_gasPrice" => Ok(quantity(GAS_PRICE).into()),
        "eth_accounts" => Ok(Value::Array(vec![])),
        "eth_getCode" => {
            let address = param(0).as_str().ok_or(Wrong::Invalid("an address is a text"))?.to_lowercase();
            let is_contract = |log: &LogSpec| hex(&log.address) == address;
            Ok(if chain.contracts().any(is_contract) { CODE } else { "0x" }.into())
        }
        _ => Err(Wrong::Unmodelled),
    }
}

/// What a unit of gas costs on the chain, in wei.
const GAS_PRICE: u64 = 1_000_000_000;
/// The code of a contract that emits logs by the scenario's plan: there is some, and it is of no use.
const CODE: &str = "0xfe";

/// A block with the hashes of its transactions.
fn block_json(block: &Block) -> Value {
    let mut json = header(block);
    let hashes: Vec<String> = block.transactions.iter().map(|transaction| hex(&transaction.hash)).collect();
    json["transactions"] = hashes.into();
    json["uncles"] = Value::Array(vec![]);
    json["size"] = quantity(1_000).into();
    json
}

/// A block's header. What the simulated chain does not have is zero, but for the bloom of logs: its bits are all set,
/// so that no caller believes that a log is not there.
pub fn header(block: &Block) -> Value {
    let zero = |bytes: usize| hex(&vec![0; bytes]);
    json!({
        "number": quantity(block.number),
        "hash": hex(&block.hash),
        "parentHash": hex(&block.parent),
        "timestamp": quantity(block.timestamp),
        "logsBloom": hex(&[0xff; 256]),
        "sha3Uncles": zero(32),
        "stateRoot": zero(32),
        "transactionsRoot": zero(32),
        "receiptsRoot": zero(32),
        "mixHash": zero(32),
        "miner": zero(20),
        "nonce": zero(8),
        "extraData": "0x",
        "difficulty": quantity(0),
        "gasLimit": quantity(30_000_000),
        "gasUsed": quantity(0),
        "baseFeePerGas": quantity(0),
    })
}
