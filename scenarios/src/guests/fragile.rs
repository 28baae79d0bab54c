//! The twin of the Wasm program `fragile`: the counter with a bug, that announces a step before it saves it.

use super::process::{next_request, text};
use sim::guest::native::Os;

pub(super) async fn fragile(os: Os) {
    let mut n = saved_count(&os).await;
    loop {
        let (_source, body) = next_request(&os).await;
        match body.as_str() {
            "add" => {
                // It wraps: Wasm programs are release builds.
                n = n.wrapping_add(1);
                os.respond(n.to_string().as_str());
                os.set_state(n.to_string().as_str()).await;
            }
            "get" => os.respond(n.to_string().as_str()),
            "forget" => {
                os.clear_state().await;
                n = 0;
                os.respond("0");
            }
            _ => {}
        }
    }
}

async fn saved_count(os: &Os) -> u64 {
    match os.get_state().await {
        Some(bytes) => text(&bytes).parse().expect("the state is not a count"),
        None => 0,
    }
}
