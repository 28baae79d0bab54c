//! The twin of the Wasm program `saver`: counts, and lets the `keeper` of its package remember the count.

use super::process::{await_answer, neighbour, next_request, print, reason};
use sim::guest::native::Os;

pub(super) async fn saver(os: Os) {
    let keeper = neighbour(&os, "keeper");
    let mut n: u64 = match await_answer(&os, keeper, 5, "get total").await {
        Ok(total) => {
            let n = total.parse().unwrap_or(0);
            print(&os, &format!("resumed at {n}"));
            n
        }
        Err(kind) => {
            print(&os, &format!("no keeper: {}", reason(kind)));
            0
        }
    };
    loop {
        let (_source, body) = next_request(&os).await;
        if body != "add" {
            continue;
        }
        // It wraps: Wasm programs are release builds.
        let next = n.wrapping_add(1);
        match await_answer(&os, keeper, 5, &format!("put total {next}")).await {
            Ok(_) => {
                n = next;
                os.respond(n.to_string().as_str());
            }
            Err(kind) => print(&os, &format!("not kept: {}", reason(kind))),
        }
    }
}
