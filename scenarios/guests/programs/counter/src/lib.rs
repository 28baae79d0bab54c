//! Counts, and saves each step before it is announced.
//!
//! Calls: `get-state` once, then for each message `receive` and
//!
//! - request `add`: `set-state` of the new count, `send-response` of it;
//! - request `get`: `send-response` of the count;
//! - request `forget`: `clear-state`, `send-response` of `0`;
//! - anything else: nothing.
//!
//! The state is the count in decimal. Any other state is a panic: `the state is not a count`.

use process::{Guest, clear_state, get_state, next_request, respond, set_state, text};

struct Counter;

impl Guest for Counter {
    fn init(_our: String) {
        let mut n = saved_count();
        loop {
            let (_source, body) = next_request();
            match body.as_str() {
                "add" => {
                    n += 1;
                    set_state(n.to_string().as_bytes());
                    respond(&n.to_string());
                }
                "get" => respond(&n.to_string()),
                "forget" => {
                    clear_state();
                    n = 0;
                    respond("0");
                }
                _ => {}
            }
        }
    }
}

fn saved_count() -> u64 {
    match get_state() {
        Some(bytes) => text(&bytes).parse().expect("the state is not a count"),
        None => 0,
    }
}

process::export!(Counter);
