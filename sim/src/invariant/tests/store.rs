//! P3, as far as storage engines see their files.

use crate::invariant::tests::history::history;
use kernel_core::Rule;

#[test]
fn a_file_that_its_engine_finds_broken_breaks_the_rule() {
    history().finds_its_file(None).holds();
    history().finds_its_file(Some("page 3 is never used")).breaks(Rule::P3);
}
