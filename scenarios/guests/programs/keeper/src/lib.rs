//! Keeps values for other processes.
//!
//! Calls: `get-state` once, then for each message `receive` and
//!
//! - request `put K V`: `set-state` of all values, `send-response` of `kept`;
//! - request `get K`: `send-response` of the value, or of an empty body;
//! - anything else: nothing.
//!
//! K is a word without `=`; V is the rest of the text and holds no line break (a `put` that
//! breaks this is ignored). The state is one line `K=V` a key, each ended by a line feed, in the
//! order of the keys' bytes.

use process::{Guest, get_state, next_request, respond, set_state, text};
use std::collections::BTreeMap;

struct Keeper;

impl Guest for Keeper {
    fn init(_our: String) {
        let mut values = load(&text(&get_state().unwrap_or_default()));
        loop {
            let (_source, body) = next_request();
            if let Some(key) = body.strip_prefix("get ") {
                respond(values.get(key).map_or("", String::as_str));
            } else if let Some((key, value)) = put(&body) {
                values.insert(key.into(), value.into());
                set_state(save(&values).as_bytes());
                respond("kept");
            }
        }
    }
}

fn put(body: &str) -> Option<(&str, &str)> {
    let (key, value) = body.strip_prefix("put ")?.split_once(' ')?;
    (!key.contains('=') && !body.contains(['\n', '\r'])).then_some((key, value))
}

fn load(state: &str) -> BTreeMap<String, String> {
    let pairs = state.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}

fn save(values: &BTreeMap<String, String>) -> String {
    values
        .iter()
        .map(|(key, value)| format!("{key}={value}\n"))
        .collect()
}

process::export!(Keeper);
