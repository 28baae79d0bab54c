//! Does one piece of work and leaves; its product goes out by its on-exit requests.
//!
//! Calls: `receive` until a request is `work N` (N a decimal of at most 32 bits), then
//!
//! - `set-on-exit` with one request of `product <N*N>` to the source of the work, no answer
//!   expected, no blob;
//! - `print-to-terminal` of `worked N`;
//! - returns.

use process::{Guest, OnExit, next_request, print, request, set_on_exit};

struct Worker;

impl Guest for Worker {
    fn init(_our: String) {
        loop {
            let (client, body) = next_request();
            let work = body
                .strip_prefix("work ")
                .and_then(|n| n.parse::<u32>().ok());
            if let Some(n) = work {
                let product = request(&format!("product {}", u64::from(n) * u64::from(n)));
                set_on_exit(&OnExit::Requests(vec![(client, product, None)]));
                print(&format!("worked {n}"));
                return;
            }
        }
    }
}

process::export!(Worker);
