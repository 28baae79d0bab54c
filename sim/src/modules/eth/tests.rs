//! Claims about `eth`: the test is the process that asks, and the chain's miner.

use super::*;
use crate::modules::Heard;
use crate::modules::harness::{Harness, OWNER, SIBLING, json_of};
use crate::outside::chain::{ChainPlan, LogSpec, hex, word};
use kernel_core::{Content, ProcessRef};

const BASE: u64 = 8453;

/// A node without a chain.
fn without_chain() -> Harness<Eth> {
    Harness::new(ProcessRef::ETH, Eth::default())
}

/// A node of a world with a chain: its first block only.
fn harness() -> Harness<Eth> {
    let mut harness = without_chain();
    harness.outside.chain = Some(Chain::new(&ChainPlan::new(BASE)));
    harness
}

/// A contract's log with a topic.
fn log(contract: u64, topic: u64) -> LogSpec {
    LogSpec::new(contract, &[topic], b"data")
}

fn request(method: &str, params: Value) -> Value {
    json!({ "Request": { "chain_id": BASE, "method": method, "params": params } })
}

fn subscribe(id: u64, kind: &str, params: Value) -> Value {
    json!({ "SubscribeLogs": { "sub_id": id, "chain_id": BASE, "kind": kind, "params": params } })
}

fn ok() -> Value {
    json!("Ok")
}

fn error(error: &str) -> Value {
    json!({ "Err": error })
}

/// The next block has these logs, after so many of the last blocks are replaced; the node learns of it.
fn mine(harness: &mut Harness<Eth>, logs: &[LogSpec], replaced: u32) {
    let chain = harness.outside.chain.as_mut().expect("there is a chain");
    logs.iter().for_each(|log| chain.send(log.clone()));
    harness.now = harness.now + Duration::from_secs(2);
    let news = chain.mine(harness.now, replaced);
    harness.tell(Heard::News(Rc::new(news)));
}

/// What subscribers were told last: to whom, and what.
fn told(harness: &Harness<Eth>) -> Vec<(Address, Value)> {
    let body = |body: &[u8]| serde_json::from_slice(body).expect("an update is JSON");
    harness.requests.iter().map(|request| (request.target, body(&request.request.body))).collect()
}

/// Of each log in an answer: its block, its index, and its last topic's last byte.
fn logs(answer: &Value) -> Vec<(String, String, String)> {
    let text = |log: &Value, name: &str| log[name].as_str().expect("a text").to_string();
    let topic = |log: &Value| log["topics"][0].as_str().expect("a topic")[64..].to_string();
    let all = answer["Response"].as_array().expect("a list of logs");
    all.iter().map(|log| (text(log, "blockNumber"), text(log, "logIndex"), topic(log))).collect()
}

fn found(harness: &mut Harness<Eth>, filter: Value) -> Vec<(String, String, String)> {
    let answer = harness.ask(request("eth_getLogs", json!([filter])));
    logs(&answer)
}

fn found_as(list: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    list.iter().map(|(block, index, topic)| (block.to_string(), index.to_string(), topic.to_string())).collect()
}

#[test]
fn a_node_without_a_chain_has_no_provider() {
    let mut harness = without_chain();
    assert_eq!(harness.ask(request("eth_blockNumber", Value::Null)), error("NoRpcForChain"));
    assert_eq!(harness.ask(subscribe(1, "logs", json!({}))), error("NoRpcForChain"));
    assert!(harness.wakes.is_empty());
}

#[test]
fn a_node_has_no_provider_of_another_chain() {
    let mut harness = harness();
    let other = json!({ "Request": { "chain_id": 1, "method": "eth_chainId", "params": null } });
    assert_eq!(harness.ask(other), error("NoRpcForChain"));
}

#[test]
fn the_chain_tells_its_number_its_id_and_its_blocks() {
    let mut harness = harness();
    mine(&mut harness, &[log(1, 1)], 0);
    assert_eq!(harness.ask(request("eth_blockNumber", Value::Null)), json!({ "Response": "0x1" }));
    assert_eq!(harness.ask(request("eth_chainId", json!([]))), json!({ "Response": "0x2105" }));
    let block = harness.ask(request("eth_getBlockByNumber", json!(["latest", false])))["Response"].clone();
    assert_eq!((&block["number"], &block["timestamp"]), (&json!("0x1"), &json!("0x2")));
    assert_eq!(block["transactions"].as_array().map(Vec::len), Some(1));
    let first = harness.ask(request("eth_getBlockByNumber", json!(["0x0", false])))["Response"].clone();
    assert_eq!(block["parentHash"], first["hash"]);
    let by_hash = request("eth_getBlockByHash", json!([first["hash"], false]));
    assert_eq!(harness.ask(by_hash)["Response"], first);
    assert_eq!(harness.ask(request("eth_getBlockByNumber", json!(["0x9", false]))), json!({ "Response": null }));
}

#[test]
fn logs_are_found_by_address_topics_and_range() {
    let mut harness = harness();
    mine(&mut harness, &[log(1, 1), log(2, 2)], 0);
    mine(&mut harness, &[log(1, 3)], 0);
    let all = json!({ "fromBlock": "0x0", "toBlock": "latest" });
    assert_eq!(found(&mut harness, all), found_as(&[("0x1", "0x0", "01"), ("0x1", "0x1", "02"), ("0x2", "0x0", "03")]));
    let address = hex(&log(1, 0).address).to_uppercase().replace("0X", "0x");
    let of_one = json!({ "fromBlock": "earliest", "address": address });
    assert_eq!(found(&mut harness, of_one), found_as(&[("0x1", "0x0", "01"), ("0x2", "0x0", "03")]));
    let topics = json!({ "fromBlock": 0, "topics": [[hex(&word(2)), hex(&word(3))]] });
    assert_eq!(found(&mut harness, topics), found_as(&[("0x1", "0x1", "02"), ("0x2", "0x0", "03")]));
    assert_eq!(found(&mut harness, json!({ "fromBlock": "0x0", "topics": [null, hex(&word(2))] })), []);
    assert_eq!(found(&mut harness, json!({ "fromBlock": "0x0", "toBlock": "0x1" })).len(), 2);
    assert_eq!(found(&mut harness, json!({})), found_as(&[("0x2", "0x0", "03")]), "the last block, if nothing is said");
    let hash = hex(&harness.outside.chain.as_ref().expect("a chain").head().hash);
    assert_eq!(found(&mut harness, json!({ "blockHash": hash })), found_as(&[("0x2", "0x0", "03")]));
}

#[test]
fn a_request_that_the_provider_refuses_is_tried_twice_and_then_its_error_is_the_answer() {
    let mut harness = harness();
    for filter in [json!(7), json!({ "address": "0x12" }), json!({ "fromBlock": "0x1", "toBlock": "0x0" })] {
        let message = harness.request(request("eth_getLogs", json!([filter])).to_string(), None);
        let (after, reply) = harness.reply(message);
        assert_eq!((after, &json_of(&reply)["Err"]["RpcError"]["code"]), (AGAIN_AFTER, &json!(-32_602)), "{filter}");
    }
    harness.provider = Some(ProviderFault::Error);
    let message = harness.request(request("eth_blockNumber", Value::Null).to_string(), None);
    let (after, reply) = harness.reply(message);
    assert_eq!((after, &json_of(&reply)["Err"]["RpcError"]["code"]), (AGAIN_AFTER, &json!(-32_005)));
}

#[test]
fn a_provider_that_does_not_answer_is_a_timeout_when_the_time_is_up() {
    let mut harness = harness();
    harness.provider = Some(ProviderFault::Timeout);
    let ask = request("eth_blockNumber", Value::Null).to_string();
    let message = harness.request(&ask, None);
    let (after, reply) = harness.reply(message);
    assert_eq!((after, json_of(&reply)), (Duration::from_secs(5), error("RpcTimeout")));
    let message = harness.telling(&ask, None);
    assert_eq!(harness.reply(message).0, Duration::from_secs(REQUEST_SECS), "and it is answered, wanted or not");
    let message = harness.request(subscribe(1, "logs", json!({})).to_string(), None);
    let (after, reply) = harness.reply(message);
    assert_eq!((after, json_of(&reply)), (SUBSCRIBE_TIME, error("RpcTimeout")));
    harness.provider = None;
    mine(&mut harness, &[log(1, 1)], 0);
    assert!(harness.requests.is_empty(), "what was not subscribed is not told");
}

#[test]
fn an_equal_request_within_a_second_is_answered_from_memory() {
    let mut harness = harness();
    let ask = || request("eth_blockNumber", Value::Null);
    assert_eq!(harness.ask(ask())["Response"], "0x0");
    harness.outside.chain.as_mut().expect("a chain").mine(harness.now, 0);
    assert_eq!(harness.ask(ask())["Response"], "0x0", "the chain has gone on");
    assert_eq!(harness.ask(request("eth_blockNumber", json!([])))["Response"], "0x1", "it is not equal");
    harness.now = harness.now + CACHED;
    assert_eq!(harness.ask(ask())["Response"], "0x1");
}

#[test]
fn subscribers_are_told_of_the_logs_that_they_asked_for() {
    let mut harness = harness();
    assert_eq!(harness.ask(subscribe(7, "logs", json!({ "topics": [hex(&word(1))] }))), ok());
    let owner = harness.who;
    harness.by(SIBLING);
    assert_eq!(harness.ask(subscribe(7, "logs", json!({ "address": [hex(&log(2, 0).address)] }))), ok());
    let sibling = harness.who;
    mine(&mut harness, &[log(1, 1), log(2, 2), log(2, 1)], 0);
    let whom: Vec<_> =
        told(&harness).iter().map(|(to, update)| (*to, update["Ok"]["result"]["logIndex"].clone())).collect();
    let mut expected = vec![(owner, "0x0"), (owner, "0x2"), (sibling, "0x1"), (sibling, "0x2")];
    expected.sort();
    assert_eq!(whom, expected.into_iter().map(|(to, index)| (to, json!(index))).collect::<Vec<_>>());
    assert!(told(&harness).iter().all(|(_, update)| update["Ok"]["id"] == 7));
    assert!(harness.requests.iter().all(|request| request.request.expects_response.is_none()));
}

#[test]
fn a_reorganisation_is_told_as_logs_that_are_removed_and_logs_that_are_new() {
    let mut harness = harness();
    harness.ask(subscribe(1, "logs", json!({})));
    mine(&mut harness, &[log(1, 1)], 0);
    mine(&mut harness, &[log(1, 2)], 0);
    mine(&mut harness, &[], 2);
    let update = |update: &Value| {
        let log = &update["Ok"]["result"];
        (log["removed"] == true, log["blockNumber"].clone(), log["topics"][0].as_str().map(|t| t[64..].to_string()))
    };
    let updates: Vec<_> = told(&harness).iter().map(|(_, value)| update(value)).collect();
    let as_told = |removed: bool, block: &str, topic: &str| (removed, json!(block), Some(topic.to_string()));
    let removed = [as_told(true, "0x2", "02"), as_told(true, "0x1", "01")];
    let added = [as_told(false, "0x2", "01"), as_told(false, "0x3", "02")];
    assert_eq!(updates, [removed, added].concat());
}

#[test]
fn new_heads_are_told_block_by_block() {
    let mut harness = harness();
    assert_eq!(harness.ask(subscribe(1, "newHeads", json!({}))), ok());
    mine(&mut harness, &[], 0);
    assert_eq!(told(&harness)[0].1["Ok"]["result"]["number"], "0x1");
    mine(&mut harness, &[], 1);
    let numbers: Vec<_> = told(&harness).iter().map(|(_, update)| update["Ok"]["result"]["number"].clone()).collect();
    assert_eq!(numbers, ["0x1", "0x2"]);
}

#[test]
fn who_unsubscribes_is_told_nothing_more() {
    let mut harness = harness();
    harness.ask(subscribe(1, "newHeads", json!({})));
    assert_eq!(harness.by(SIBLING).ask(json!({ "UnsubscribeLogs": 1 })), error("MalformedRequest"), "not theirs");
    assert_eq!(harness.by(OWNER).ask(json!({ "UnsubscribeLogs": 1 })), ok());
    mine(&mut harness, &[], 0);
    assert!(harness.requests.is_empty());
    assert_eq!(harness.ask(json!({ "UnsubscribeLogs": 1 })), error("MalformedRequest"));
}

#[test]
fn when_the_provider_drops_the_connection_each_subscriber_is_told_once() {
    let mut harness = harness();
    harness.ask(subscribe(1, "newHeads", json!({})));
    harness.ask(subscribe(2, "logs", json!({})));
    harness.provider = Some(ProviderFault::Disconnect);
    mine(&mut harness, &[log(1, 1)], 0);
    let ended: Vec<_> = told(&harness).into_iter().map(|(_, update)| update["Err"]["id"].clone()).collect();
    assert_eq!(ended, [1, 2]);
    assert!(told(&harness)[0].1["Err"]["error"].as_str().is_some_and(|text| text.contains("main:notes:me.os")));
    mine(&mut harness, &[log(1, 1)], 0);
    assert!(harness.requests.is_empty(), "there is nobody left to tell");
}

#[test]
fn a_connection_that_breaks_at_a_request_takes_the_subscriptions_with_it() {
    let mut harness = harness();
    harness.ask(subscribe(1, "newHeads", json!({})));
    harness.provider = Some(ProviderFault::Disconnect);
    assert_eq!(harness.ask(request("eth_blockNumber", Value::Null)), error("NoRpcForChain"));
    assert_eq!(told(&harness)[0].1["Err"]["id"], 1);
}

#[test]
fn what_is_no_request_and_no_method_is_an_error() {
    let mut harness = harness();
    assert_eq!(harness.ask(json!({ "Mine": 1 })), error("MalformedRequest"));
    assert_eq!(harness.ask(request("eth_mine", Value::Null)), json!({ "Err": { "InvalidMethod": "eth_mine" } }));
}

#[test]
fn other_nodes_are_refused() {
    let mut harness = harness();
    assert_eq!(harness.by_another_node().ask(request("eth_chainId", Value::Null)), error("PermissionDenied"));
}

#[test]
fn the_settings_are_for_root() {
    let mut harness = harness();
    assert_eq!(harness.ask(json!("GetAccessSettings")), "PermissionDenied");
    assert_eq!(harness.ask(json!("SetPublic")), "PermissionDenied");
    harness.grant(r#"{"root": true}"#);
    let settings = json!({ "AccessSettings": { "public": false, "allow": [], "deny": [] } });
    assert_eq!(harness.ask(json!("GetAccessSettings")), settings);
    harness.ask(subscribe(3, "newHeads", json!({})));
    let active = &harness.ask(json!("GetState"))["State"]["active_subscriptions"];
    assert_eq!(*active, json!({ "alice.os@main:notes:me.os": { "3": null } }));
}

#[test]
fn what_is_not_modelled_is_said_and_not_answered() {
    let mut harness = harness();
    harness.grant(r#"{"root": true}"#);
    let bodies = [
        request("eth_call", json!([])),
        request("eth_getLogs", json!([{ "fromBlock": "finalized" }])),
        request("eth_getBlockByNumber", json!(["latest", true])),
        subscribe(1, "syncing", json!({})),
        json!("SetPublic"),
        json!("GetProviders"),
    ];
    for body in bodies {
        let message = harness.request(body.to_string(), None);
        harness.tell(Heard::Message(Rc::new(message)));
        assert!(harness.replies.is_empty() && harness.unmodelled.is_some(), "{body}");
    }
}

#[test]
fn a_keepalive_without_a_subscription_is_told_so() {
    let mut harness = harness();
    assert_eq!(harness.ask(json!(5)), json!({ "Err": { "id": 5, "error": "Subscription not found" } }));
    harness.ask(subscribe(5, "newHeads", json!({})));
    let message = harness.request("5", None);
    assert!(matches!(message.content, Content::Request(_)));
    harness.tell(Heard::Message(Rc::new(message)));
    assert!(harness.replies.is_empty());
}

#[test]
fn nobody_subscribes_or_asks_without_end() {
    let mut harness = harness();
    for id in 0..SUBSCRIPTIONS_MAX as u64 {
        assert_eq!(harness.ask(subscribe(id, "newHeads", json!({}))), ok());
    }
    let message = harness.request(subscribe(u64::MAX, "newHeads", json!({})).to_string(), None);
    harness.tell(Heard::Message(Rc::new(message)));
    assert!(harness.replies.is_empty() && harness.unmodelled.is_some());
    assert_eq!(harness.ask(subscribe(0, "newHeads", json!({}))), ok(), "in the place of another");
    let addresses = vec![hex(&log(1, 1).address); 1_001];
    let answer = harness.ask(request("eth_getLogs", json!([{ "address": addresses }])));
    assert_eq!(answer["Err"]["RpcError"]["code"], -32_602);
    for n in 0..=CACHE_MAX {
        harness.ask(request("eth_blockNumber", json!([n])));
    }
    assert_eq!(harness.module.cache.len(), CACHE_MAX);
    harness.ask(request("eth_blockNumber", json!(["x".repeat(CACHED_BYTES_MAX)])));
    assert!(harness.module.cache.keys().all(|key| key.len() <= CACHED_BYTES_MAX), "long requests are not kept");
}

#[test]
fn nobody_has_anything_on_the_chain_and_who_emits_has_code() {
    let mut harness = harness();
    harness.outside.chain = Some(Chain::new(&ChainPlan::new(BASE).emitting(1, 1, log(1, 0))));
    let contract = hex(&log(1, 0).address);
    let mut ask = |method: &str, params: Value| harness.ask(request(method, params))["Response"].clone();
    assert_eq!(ask("eth_gasPrice", Value::Null), "0x3b9aca00");
    assert_eq!(ask("eth_getBalance", json!([contract, "latest"])), "0x0");
    assert_eq!(ask("eth_getTransactionCount", json!([contract, "latest"])), "0x0");
    assert_eq!(ask("eth_accounts", json!([])), json!([]));
    assert_eq!(ask("eth_getCode", json!([contract, "latest"])), "0xfe");
    assert_eq!(ask("eth_getCode", json!(["0x00", "latest"])), "0x");
}

#[test]
fn the_table_says_which_methods_the_chain_answers() {
    let table = Eth::default();
    let mut listed: Vec<_> = table.actions().iter().filter(|(name, _)| name.starts_with("eth_")).copied().collect();
    let mut harness = harness();
    let mut answered = rpc::METHODS.map(|(method, is)| {
        let params = if method == "eth_getBlockByHash" { json!(["0x00", false]) } else { json!([{}]) };
        let params = if method == "eth_getBlockByNumber" { json!(["0x0", false]) } else { params };
        let params = if method == "eth_getCode" { json!(["0x00", "latest"]) } else { params };
        let message = harness.request(request(method, params).to_string(), None);
        harness.tell(Heard::Message(Rc::new(message)));
        assert_eq!((harness.replies.len() == 1, harness.unmodelled.is_none()), (is, is), "{method}");
        (method, if is { Support::Done } else { Support::Refused })
    });
    listed.sort_by_key(|(name, _)| *name);
    answered.sort_by_key(|(name, _)| *name);
    assert_eq!(listed, answered);
}
