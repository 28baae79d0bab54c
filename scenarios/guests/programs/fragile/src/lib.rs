//! The counter with a bug: it announces a step before it saves it, so a crash between the two
//! loses a count that somebody has already been told.
//!
//! Calls: `get-state` once, then for each message `receive` and
//!
//! - request `add`: `send-response` of the new count, `set-state` of it (the bug);
//! - request `get`: `send-response` of the count;
//! - request `forget`: `clear-state`, `send-response` of `0`;
//! - anything else: nothing.
//!
//! The state is the count in decimal. Any other state is a panic: `the state is not a count`.

use process::{Guest, clear_state, get_state, next_request, respond, set_state, text};

struct Fragile;

impl Guest for Fragile {
    fn init(_our: String) {
        let mut n = saved_count();
        loop {
            let (_source, body) = next_request();
            match body.as_str() {
                "add" => {
                    n += 1;
                    respond(&n.to_string());
                    set_state(n.to_string().as_bytes());
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

process::export!(Fragile);
