//! What `eth` reads and says: JSON, as the types of `lib/src/eth.rs` of both runtimes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request's body, in the order in which the runtime tries what it can be.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[allow(dead_code)] // Some of it is read for its shape alone.
pub enum Ask {
    /// For the chain.
    Action(Action),
    /// For the module itself.
    Config(Config),
    /// An update of a subscription at another node's provider.
    Update(Update),
    /// Another node keeps its subscription alive.
    Keepalive(u64),
}

/// What can be asked of the chain.
#[derive(Debug, Deserialize, Serialize)]
#[allow(missing_docs)] // Named as in the runtime.
pub enum Action {
    SubscribeLogs { sub_id: u64, chain_id: u64, kind: Kind, params: Value },
    UnsubscribeLogs(u64),
    Request { chain_id: u64, method: String, params: Value },
}

/// What a subscription tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // Named as in the runtime.
pub enum Kind {
    NewHeads,
    Logs,
    NewPendingTransactions,
    Syncing,
}

/// What can be asked of the module itself; root only.
#[derive(Debug, Deserialize)]
#[allow(missing_docs, dead_code)] // Named as in the runtime; some of it is read for its shape alone.
pub enum Config {
    AddProvider(Value),
    RemoveProvider(Value),
    SetPublic,
    SetPrivate,
    AllowNode(String),
    UnallowNode(String),
    DenyNode(String),
    UndenyNode(String),
    SetProviders(Value),
    GetProviders,
    GetAccessSettings,
    GetState,
}

/// What a subscriber gets: something new, or why there will be nothing new.
#[derive(Debug, Deserialize, Serialize)]
#[allow(missing_docs)] // Named as in the runtime.
pub enum Update {
    Ok { id: u64, result: Value },
    Err { id: u64, error: String },
}

/// An answer's body.
#[derive(Debug, Serialize)]
#[allow(missing_docs)] // Named as in the runtime.
pub enum Answer {
    Ok,
    Response(Value),
    Err(EthError),
    AccessSettings { public: bool, allow: Vec<String>, deny: Vec<String> },
    State { active_subscriptions: Value, outstanding_requests: Vec<u64> },
    PermissionDenied,
}

/// Why not. The runtime's others are of remote callers and of remote providers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // Named as in the runtime.
pub enum EthError {
    /// The provider's own error, as JSON-RPC has it.
    RpcError(Value),
    MalformedRequest,
    NoRpcForChain,
    InvalidMethod(String),
    PermissionDenied,
    RpcTimeout,
}

impl Answer {
    /// As a message body.
    pub fn to_body(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("it has only string keys")
    }
}

impl Update {
    /// As a message body.
    pub fn to_body(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("it has only string keys")
    }
}
