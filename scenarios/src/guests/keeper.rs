//! The twin of the Wasm program `keeper`: keeps values for other processes.

use super::process::{next_request, text};
use sim::guest::native::Os;
use std::collections::BTreeMap;

pub(super) async fn keeper(os: Os) {
    let mut values = load(&text(&os.get_state().await.unwrap_or_default()));
    loop {
        let (_source, body) = next_request(&os).await;
        if let Some(key) = body.strip_prefix("get ") {
            os.respond(values.get(key).map_or("", String::as_str));
        } else if let Some((key, value)) = put(&body) {
            values.insert(key.into(), value.into());
            os.set_state(save(&values).as_str()).await;
            os.respond("kept");
        }
    }
}

fn put(body: &str) -> Option<(&str, &str)> {
    let (key, value) = body.strip_prefix("put ")?.split_once(' ')?;
    (!key.contains('=') && !body.contains(['\n', '\r'])).then_some((key, value))
}

fn load(state: &str) -> BTreeMap<String, String> {
    let pairs = state.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(key, value)| (key.into(), value.into())).collect()
}

fn save(values: &BTreeMap<String, String>) -> String {
    values.iter().map(|(key, value)| format!("{key}={value}\n")).collect()
}
