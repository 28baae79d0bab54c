//! The twin of the Wasm program `idle`: receives for ever and ignores everything.

use sim::guest::native::Os;

pub(super) async fn idle(os: Os) {
    loop {
        let _ignored = os.receive().await;
    }
}
