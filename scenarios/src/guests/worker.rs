//! The twin of the Wasm program `worker`: does one piece of work and leaves; its product goes out by its on-exit
//! requests.

use super::process::{next_request, print, request};
use kernel_core::{OnExit, OnExitRequest};
use sim::guest::native::Os;

pub(super) async fn worker(os: Os) {
    loop {
        let (client, body) = next_request(&os).await;
        let work = body.strip_prefix("work ").and_then(|n| n.parse::<u32>().ok());
        if let Some(n) = work {
            let product = request(&format!("product {}", u64::from(n) * u64::from(n)));
            let to_client = OnExitRequest { target: client, request: product, blob: None };
            os.set_on_exit(OnExit::Requests([to_client].into())).await;
            print(&os, &format!("worked {n}"));
            return;
        }
    }
}
