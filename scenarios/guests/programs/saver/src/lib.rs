//! Counts, and lets the `keeper` of its package remember the count.
//!
//! Calls: at the start `send-and-await-response` of `get total` to the keeper, then
//! `print-to-terminal` of `resumed at N` if it was answered (N is 0 unless the answer is a decimal
//! number), of `no keeper: timeout` or `no keeper: offline` if not (the count is then 0).
//! Then for each message `receive` and
//!
//! - request `add`: `send-and-await-response` of `put total N` with the next count; if it was
//!   answered (with whatever text) `send-response` of N; if not, `print-to-terminal` of
//!   `not kept: timeout` or `not kept: offline`, and the count stays;
//! - anything else: nothing.
//!
//! Both questions wait 5 seconds and go to our own node.

use process::{Guest, address, await_answer, neighbour, next_request, print, reason, respond};

struct Saver;

impl Guest for Saver {
    fn init(our: String) {
        let keeper = neighbour(&address(&our).expect("our is an address"), "keeper");
        let mut n: u64 = match await_answer(&keeper, 5, "get total") {
            Ok(total) => {
                let n = total.parse().unwrap_or(0);
                print(&format!("resumed at {n}"));
                n
            }
            Err(kind) => {
                print(&format!("no keeper: {}", reason(kind)));
                0
            }
        };
        loop {
            let (_source, body) = next_request();
            if body != "add" {
                continue;
            }
            n += 1;
            match await_answer(&keeper, 5, &format!("put total {n}")) {
                Ok(_) => respond(&n.to_string()),
                Err(kind) => {
                    n -= 1;
                    print(&format!("not kept: {}", reason(kind)));
                }
            }
        }
    }
}

process::export!(Saver);
