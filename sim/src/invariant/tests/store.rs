//! P3, as far as storage engines see their files.

use crate::invariant::story::story;

#[test]
fn a_file_that_its_engine_finds_broken_breaks_the_rule() {
    story().finds_its_file(None).holds();
    story().finds_its_file(Some("page 3 is never used")).breaks("P3");
}
