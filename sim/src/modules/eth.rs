//! `eth:distro:sys`: the scenario's chain, as a provider tells of it.
//!
//! As in the public runtime (`lib/src/eth.rs`, `src/eth/*.rs` of both). Every request is answered, wanted or not. A node
//! of a scenario without a chain has no provider and answers `{"Err":"NoRpcForChain"}`; with one, it has one provider of
//! that chain's id. Subscriptions belong to an address and a number; they outlive the process, not the node, and there
//! is no automatic resubscription: when the provider drops the connection each subscriber gets one notice,
//! `{"Err":{"id":…,"error":…}}`. An equal request within [`CACHED`] is answered from memory, even if the chain has gone
//! on meanwhile, as in Hyperdrive 1.9: a process that asks right after a restart for what it has missed may hear what
//! its former life heard.
//!
//! How the provider fails is asked at each request and at each block (`provider`): it answers with an error (after a
//! second attempt a second later, as there), not at all, or drops the connection. While it is out of order by the
//! scenario's plan, subscriptions end and every request fails after a round trip.
//!
//! What differs from the public runtime, all told:
//! - A subscription under a number that its owner already uses takes the place of the other. There it is so in Kinode
//!   1.0; in the sources of Hyperdrive 1.9 the end of the old one takes the new one with it: say `UnsubscribeLogs` first.
//! - Nobody has a balance, and the only code is that of contracts that emit by the scenario's plan: one byte.
//! - Other nodes are refused (`PermissionDenied`): no node is public. What changes the settings or the providers, and
//!   `GetProviders`, is not modelled; without root it is refused as there.
//! - Kinds other than `logs` and `newHeads`, methods that the chain does not have, the tags `safe` and `finalized`, and
//!   blocks with whole transactions are not modelled.
//! - Updates carry no `rsvp`.

use super::{Module, ModuleContext, Support};
use crate::outside::chain::{Chain, News};
use crate::plan::ProviderFault;
use filter::{Filter, Wrong};
use kernel_core::{Address, Duration, Instant, Message};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::rc::Rc;
use wire::{Action, Answer, Ask, Config, EthError, Kind, Update};

mod filter;
mod rpc;
#[cfg(test)]
mod tests;
mod wire;

/// How long an answer is good for an equal request.
pub const CACHED: Duration = Duration::from_secs(1);
/// How long after the first a failed request is tried once more.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long it takes to learn that a provider cannot be reached.
const ROUND_TRIP: Duration = Duration::from_millis(40);
/// How long a request may take that expects no answer, in seconds.
const REQUEST_SECS: u64 = 60;
/// How long a subscription may take to be made.
const SUBSCRIBE_TIME: Duration = Duration::from_secs(30);

/// How many subscriptions there may be at a time (ours: a process could subscribe without end). More is not modelled.
const SUBSCRIPTIONS_MAX: usize = 1_000;
/// How many answers are kept in memory; the oldest makes room. As many as there.
const CACHE_MAX: usize = 500;
/// A longer request is not answered from memory (ours).
const CACHED_BYTES_MAX: usize = 4_096;

/// The module: its subscriptions, and what was answered a moment ago.
#[derive(Clone, Default)]
pub struct Eth {
    subscriptions: BTreeMap<(Address, u64), Subscription>,
    cache: BTreeMap<String, (Value, Instant)>,
}

/// What a subscription is to.
#[derive(Clone, Debug)]
enum Subscription {
    Logs(Filter),
    NewHeads,
}

/// What becomes of a request.
enum Outcome {
    /// This is the answer, after a time.
    After(Duration, Answer),
    /// It is nothing that this simulator can do.
    Unmodelled,
}

impl Module for Eth {
    fn uses_disk(&self) -> bool {
        false
    }

    fn on_message(&mut self, message: &Rc<Message>, cx: &mut ModuleContext<'_>) {
        let outcome = match serde_json::from_slice(message.body()) {
            Ok(Ask::Action(_)) if message.source.node != cx.module.node => now(Err(EthError::PermissionDenied)),
            Ok(Ask::Action(Action::SubscribeLogs { sub_id, chain_id, kind, params })) => {
                match self.subscribe(message.source, sub_id, chain_id, kind, &params, cx) {
                    // The answer goes to the subscriber, even if another process waits for it.
                    Outcome::After(Duration::ZERO, answer) => {
                        return cx.respond_to_source(message, answer.to_body());
                    }
                    outcome => outcome,
                }
            }
            Ok(Ask::Action(Action::UnsubscribeLogs(id))) => match self.subscriptions.remove(&(message.source, id)) {
                Some(_) => now(Ok(Answer::Ok)),
                None => now(Err(EthError::MalformedRequest)),
            },
            Ok(Ask::Action(action @ Action::Request { .. })) => self.request(&action, message, cx),
            Ok(Ask::Config(config)) => self.configure(&config, message.source, cx),
            Ok(Ask::Update(_)) => Outcome::Unmodelled,
            Ok(Ask::Keepalive(id)) if self.subscriptions.contains_key(&(message.source, id)) => return,
            Ok(Ask::Keepalive(id)) => {
                let update = Update::Err { id, error: "Subscription not found".to_string() };
                return cx.respond_to_source(message, update.to_body());
            }
            Err(_) => now(Err(EthError::MalformedRequest)),
        };
        match outcome {
            Outcome::After(after, answer) => cx.respond_after(after, message, answer.to_body(), None),
            Outcome::Unmodelled => cx.refuse(message),
        }
    }

    fn on_news(&mut self, news: &News, cx: &mut ModuleContext<'_>) {
        if cx.provider == Some(ProviderFault::Disconnect) || is_out(cx) {
            return self.disconnect(cx);
        }
        for ((target, id), subscription) in &self.subscriptions {
            let results: Vec<Value> = match subscription {
                Subscription::Logs(filter) => {
                    let removed = news.removed.iter().flat_map(|block| filter.logs_of(block, true).into_iter().rev());
                    removed.chain(news.added.iter().flat_map(|block| filter.logs_of(block, false))).collect()
                }
                Subscription::NewHeads => news.added.iter().map(|block| rpc::header(block)).collect(),
            };
            for result in results {
                cx.tell(*target, Update::Ok { id: *id, result }.to_body());
            }
        }
    }

    fn fork(&self) -> Option<Box<dyn Module>> {
        Some(Box::new(self.clone()))
    }

    fn actions(&self) -> &'static [(&'static str, Support)] {
        &[
            ("Request", Support::Done),
            ("SubscribeLogs", Support::Done),
            ("UnsubscribeLogs", Support::Done),
            ("AddProvider", Support::Refused),
            ("RemoveProvider", Support::Refused),
            ("SetPublic", Support::Refused),
            ("SetPrivate", Support::Refused),
            ("AllowNode", Support::Refused),
            ("UnallowNode", Support::Refused),
            ("DenyNode", Support::Refused),
            ("UndenyNode", Support::Refused),
            ("SetProviders", Support::Refused),
            ("GetProviders", Support::Refused),
            ("GetAccessSettings", Support::Done),
            ("GetState", Support::Done),
            // What `SubscribeLogs` tells of.
            ("logs", Support::Done),
            ("newHeads", Support::Done),
            ("newPendingTransactions", Support::Refused),
            ("syncing", Support::Refused),
            // The methods of `Request`, if there is a chain.
            ("eth_blockNumber", Support::Done),
            ("eth_chainId", Support::Done),
            ("eth_getBlockByHash", Support::Done),
            ("eth_getBlockByNumber", Support::Done),
            ("eth_getLogs", Support::Done),
            ("eth_getBalance", Support::Done),
            ("eth_sendRawTransaction", Support::Refused),
            ("eth_call", Support::Refused),
            ("eth_getTransactionReceipt", Support::Refused),
            ("eth_getTransactionCount", Support::Done),
            ("eth_estimateGas", Support::Refused),
            ("eth_getTransactionByHash", Support::Refused),
            ("eth_getCode", Support::Done),
            ("eth_getStorageAt", Support::Refused),
            ("eth_gasPrice", Support::Done),
            ("eth_accounts", Support::Done),
            ("eth_hashrate", Support::Done),
            ("eth_subscribe", Support::Refused),
            ("eth_unsubscribe", Support::Refused),
        ]
    }
}

/// Answered at once.
fn now(answer: Result<Answer, EthError>) -> Outcome {
    Outcome::After(Duration::ZERO, answer.unwrap_or_else(Answer::Err))
}

impl Eth {
    fn subscribe(
        &mut self,
        source: Address,
        id: u64,
        chain_id: u64,
        kind: Kind,
        params: &Value,
        cx: &mut ModuleContext<'_>,
    ) -> Outcome {
        if provider(chain_id, cx).is_none() {
            return now(Err(EthError::NoRpcForChain));
        }
        if is_out(cx) {
            self.disconnect(cx);
            return Outcome::After(ROUND_TRIP, Answer::Err(EthError::NoRpcForChain));
        }
        match cx.provider {
            Some(ProviderFault::Timeout) => {
                return Outcome::After(SUBSCRIBE_TIME, Answer::Err(EthError::RpcTimeout));
            }
            Some(ProviderFault::Disconnect) => self.disconnect(cx),
            Some(ProviderFault::Error) | None => {}
        }
        // There is one provider; when it fails, none is left.
        if cx.provider.is_some() {
            return now(Err(EthError::NoRpcForChain));
        }
        let subscription = match kind {
            Kind::NewHeads => Subscription::NewHeads,
            Kind::Logs => match Filter::parse(params) {
                Ok(filter) => Subscription::Logs(filter),
                Err(Wrong::Invalid(_)) => return now(Err(EthError::NoRpcForChain)),
                Err(Wrong::Unmodelled) => return Outcome::Unmodelled,
            },
            Kind::NewPendingTransactions | Kind::Syncing => return Outcome::Unmodelled,
        };
        if self.subscriptions.len() >= SUBSCRIPTIONS_MAX && !self.subscriptions.contains_key(&(source, id)) {
            return Outcome::Unmodelled;
        }
        self.subscriptions.insert((source, id), subscription);
        now(Ok(Answer::Ok))
    }

    /// The connection to the provider is gone, and every subscription with it.
    fn disconnect(&mut self, cx: &mut ModuleContext<'_>) {
        for (target, id) in std::mem::take(&mut self.subscriptions).into_keys() {
            let who = cx.names.address_text(target);
            let error = format!("subscription ({who}) closed unexpectedly: the provider closed the connection");
            cx.tell(target, Update::Err { id, error }.to_body());
        }
    }

    /// A request to the provider: from memory, if an equal one was answered a moment ago.
    fn request(&mut self, action: &Action, message: &Message, cx: &mut ModuleContext<'_>) -> Outcome {
        let Action::Request { chain_id, method, params } = action else { unreachable!("it is a request") };
        let (key, now_is) = (json!(action).to_string(), cx.now);
        self.cache.retain(|_, (_, then)| now_is - *then < CACHED);
        if let Some((value, _)) = self.cache.get(&key) {
            return now(Ok(Answer::Response(value.clone())));
        }
        if !rpc::METHODS.iter().any(|(known, _)| known == method) {
            return now(Err(EthError::InvalidMethod(method.clone())));
        }
        if provider(*chain_id, cx).is_none() {
            return now(Err(EthError::NoRpcForChain));
        }
        if is_out(cx) {
            self.disconnect(cx);
            return Outcome::After(ROUND_TRIP, Answer::Err(EthError::NoRpcForChain));
        }
        let answer = provider(*chain_id, cx).map(|chain| rpc::answer(chain, method, params));
        if let Some(Err(Wrong::Unmodelled)) = answer {
            return Outcome::Unmodelled;
        }
        match cx.provider {
            Some(ProviderFault::Error) => return refused_by_provider(-32_005, "limit exceeded"),
            Some(ProviderFault::Timeout) => {
                let limit = Duration::from_secs(message.expects_response().unwrap_or(REQUEST_SECS));
                return Outcome::After(limit, Answer::Err(EthError::RpcTimeout));
            }
            Some(ProviderFault::Disconnect) => {
                self.disconnect(cx);
                return now(Err(EthError::NoRpcForChain));
            }
            None => {}
        }
        let chain = provider(*chain_id, cx).expect("it was just there");
        match rpc::answer(chain, method, params) {
            Ok(value) => {
                self.keep(key, value.clone(), now_is);
                now(Ok(Answer::Response(value)))
            }
            Err(Wrong::Invalid(text)) => refused_by_provider(-32_602, text),
            Err(Wrong::Unmodelled) => Outcome::Unmodelled,
        }
    }

    fn keep(&mut self, key: String, value: Value, at: Instant) {
        if key.len() > CACHED_BYTES_MAX {
            return;
        }
        if self.cache.len() >= CACHE_MAX {
            let oldest = self.cache.iter().min_by_key(|(_, (_, then))| *then).map(|(key, _)| key.clone());
            oldest.map(|key| self.cache.remove(&key));
        }
        self.cache.insert(key, (value, at));
    }

    fn configure(&self, config: &Config, source: Address, cx: &mut ModuleContext<'_>) -> Outcome {
        if source.node != cx.module.node || !cx.holds(source.process, r#"{"root":true}"#) {
            return now(Ok(Answer::PermissionDenied));
        }
        match config {
            Config::GetAccessSettings => now(Ok(Answer::AccessSettings { public: false, allow: vec![], deny: vec![] })),
            Config::GetState => {
                let mut active = json!({});
                for (target, id) in self.subscriptions.keys() {
                    active[cx.names.address_text(*target)][id.to_string()] = Value::Null;
                }
                now(Ok(Answer::State { active_subscriptions: active, outstanding_requests: vec![] }))
            }
            Config::AddProvider(_)
            | Config::RemoveProvider(_)
            | Config::SetPublic
            | Config::SetPrivate
            | Config::AllowNode(_)
            | Config::UnallowNode(_)
            | Config::DenyNode(_)
            | Config::UndenyNode(_)
            | Config::SetProviders(_)
            | Config::GetProviders => Outcome::Unmodelled,
        }
    }
}

/// The chain of this id, if the node has a provider of it.
fn provider<'a>(chain_id: u64, cx: &'a ModuleContext<'_>) -> Option<&'a Chain> {
    cx.outside.chain.as_ref().filter(|chain| chain.id() == chain_id)
}

/// Whether the provider is out of order.
fn is_out(cx: &ModuleContext<'_>) -> bool {
    cx.outside.chain.as_ref().is_some_and(|chain| chain.is_out(cx.now))
}

/// The provider says no, twice.
fn refused_by_provider(code: i64, text: &str) -> Outcome {
    let error = EthError::RpcError(json!({ "code": code, "message": text }));
    Outcome::After(AGAIN_AFTER, Answer::Err(error))
}
