//! The twin of the Wasm program `crasher`: panics as soon as it is started.

use sim::guest::native::Os;

pub(super) async fn crasher(_os: Os) {
    panic!("structural: nothing I do can start");
}
