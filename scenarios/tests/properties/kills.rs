//! Kills, and the right to kill.

use super::properties;
use kernel_core::{How, OnExitKind, Rule};

properties! {
    a_killed_none_process_is_gone: Rule::X(How::Kill, OnExitKind::None), in ["kill-none"];
    restart_is_treated_as_none_when_killed: Rule::X(How::Kill, OnExitKind::Restart), in ["kill-restart"];
    a_killed_process_fires_its_requests: Rule::X(How::Kill, OnExitKind::Requests), in ["kill-requests"];
    a_killed_restart_process_stays_dead: Rule::E5, in ["killed-stays-dead", "kill-in-a-crash-loop", "kill-in-a-back-off"];
    kill_process_requires_root_capabilities: Rule::K1, in ["kill-without-root", "a-name-of-somebody-else"];
    a_killed_process_is_off_the_disk_when_its_killer_is_told: Rule::K2, in ["killed-stays-dead", "kill-whatever-it-does"];
    the_kernel_has_no_conception_of_hierarchical_process_relationships: Rule::K3, in ["a-parent-that-comes-back", "children-handed-over"];
    a_parent_kills_a_child_by_a_request_that_it_responds_to_by_exiting: Rule::K4, in ["a-cooperative-kill", "death-by-timeout"];
    a_kill_of_nobody_is_answered_and_modules_cannot_be_killed: Rule::K5, in ["what-cannot-be-killed"];
}
