//! Receives for ever and ignores everything.
//!
//! Calls: `receive`, again and again.

use process::{Guest, receive};

struct Idle;

impl Guest for Idle {
    fn init(_our: String) {
        loop {
            let _ignored = receive();
        }
    }
}

process::export!(Idle);
