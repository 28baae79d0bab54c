//! Panics as soon as it is started, and will do so however often it is restarted.
//!
//! Calls: none.

use process::Guest;

struct Crasher;

impl Guest for Crasher {
    fn init(_our: String) {
        panic!("structural: nothing I do can start");
    }
}

process::export!(Crasher);
