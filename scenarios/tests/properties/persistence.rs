//! Persistence.

use super::properties;
use kernel_core::Rule;

properties! {
    set_state_is_atomic_and_durable_when_it_returns: Rule::P1, in ["a-counter-that-persists", "a-full-disk"];
    the_table_is_durable_at_each_answer_that_depends_on_it: Rule::P2, in ["a-busy-node", "a-mind-often-changed"];
    what_a_module_answered_as_written_is_there_after_a_crash: Rule::P3, in ["a-bank-with-a-log", "two-at-one-file"];
    saved_data_is_backed_up: Rule::P5, in ["a-disk-swapped-for-a-backup", "databases-on-a-swapped-disk"];
}
