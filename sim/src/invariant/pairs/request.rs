//! What a request to `kv` asks for and what an answer says; read from the bodies, not from the module.

use kernel_core::{Bytes, Message};
use serde_json::Value;

/// A database: package, publisher, name.
pub(in crate::invariant) type Db = (String, String, String);

/// A key, and what it is to have; `None`: nothing.
pub(in crate::invariant) type Pair = (Bytes, Option<Bytes>);

/// What a request does, if it is done.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::invariant) enum Effect {
    /// A change at once.
    Put(Pair),
    /// A change in a transaction.
    PutLater(u64, Pair),
    Begin,
    Commit(u64),
    Get(Bytes),
    /// The database is empty then.
    Empty,
    Nothing,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::invariant) enum Said {
    Done,
    /// A transaction of this number has begun.
    Begun(u64),
    /// The key's value comes along.
    Got,
    /// The key has none.
    NotFound,
    /// There is no such transaction.
    NoTransaction,
    /// Nothing was done: the asker may not, or asked for what cannot be.
    Refused,
    /// The engine failed; what it says.
    Failed(String),
    /// The host failed.
    HostFailed,
}

/// The database that a request is about, and what it asks for; `None`, if it is no such request.
pub(in crate::invariant) fn read(message: &Message) -> Option<(Db, Effect)> {
    let body: Value = serde_json::from_slice(message.body()).ok()?;
    let package = body.get("package_id")?;
    let text = |value: Option<&Value>| Some(value?.as_str()?.to_string());
    let db = (text(package.get("package_name"))?, text(package.get("publisher_node"))?, text(body.get("db"))?);
    let (action, details) = match body.get("action")? {
        Value::String(action) => (action.as_str(), &Value::Null),
        Value::Object(action) => action.iter().next().map(|(action, details)| (action.as_str(), details))?,
        _ => return None,
    };
    let put = |value: Option<Bytes>| -> Option<Effect> {
        let pair = (bytes(details.get("key")?)?, value);
        Some(match details.get("tx_id").and_then(Value::as_u64) {
            None => Effect::Put(pair),
            Some(tx) => Effect::PutLater(tx, pair),
        })
    };
    let effect = match action {
        "Set" => put(Some(message.blob.as_ref()?.bytes.clone()))?,
        "Delete" => put(None)?,
        "Get" => Effect::Get(bytes(details)?),
        "BeginTx" => Effect::Begin,
        "Commit" => Effect::Commit(details.get("tx_id")?.as_u64()?),
        "RemoveDb" => Effect::Empty,
        _ => Effect::Nothing,
    };
    Some((db, effect))
}

/// What an answer says.
pub(in crate::invariant) fn said(body: &[u8]) -> Said {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return Said::HostFailed };
    let number = |of: &str| body.get(of)?.get("tx_id")?.as_u64();
    if let Some(tx) = number("BeginTx") {
        return Said::Begun(tx);
    }
    if body.get("Get").is_some() {
        return Said::Got;
    }
    let Some(error) = body.get("Err") else { return Said::Done };
    let text = |of: &str| error.get(of).and_then(Value::as_str);
    match error {
        Value::String(error) if error == "KeyNotFound" => Said::NotFound,
        Value::String(_) => Said::Refused,
        error if error.get("NoTx").is_some() => Said::NoTransaction,
        _ => match (text("RocksDBError"), text("IOError")) {
            (Some(text), _) => Said::Failed(text.to_string()),
            (None, Some(_)) => Said::HostFailed,
            (None, None) => Said::Refused,
        },
    }
}

fn bytes(json: &Value) -> Option<Bytes> {
    let numbers = json.as_array()?.iter().map(|n| u8::try_from(n.as_u64()?).ok());
    numbers.collect::<Option<Vec<u8>>>().map(Bytes::from)
}
