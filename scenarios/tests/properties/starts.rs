//! Starts.

use super::properties;
use kernel_core::Rule;

properties! {
    only_valid_code_under_a_free_legal_id_enters_the_table: Rule::S2, in ["only-what-is-valid-starts", "a-package-installed"];
    run_process_calls_init_once: Rule::S3, in ["a-busy-node", "every-start-is-alike"];
    messages_before_the_run_wait_and_are_delivered_in_order: Rule::S4, in ["what-comes-before-run-waits", "a-hundred-before-the-run"];
    first_start_restart_and_boot_are_identical: Rule::S5, in ["every-start-is-alike", "nothing-carried-over"];
    spawn_gives_a_running_child_or_changes_nothing: Rule::S6, in ["a-child-as-it-was-asked-for", "a-name-already-taken"];
    every_start_takes_time: Rule::S7, in ["kill-in-a-crash-loop", "panic-restart"];
}
