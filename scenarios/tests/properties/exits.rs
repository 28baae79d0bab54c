//! The exit matrix, and what every exit is.

use super::properties;
use kernel_core::{How, OnExitKind, Rule};

properties! {
    a_none_process_that_returns_is_gone: Rule::X(How::Return, OnExitKind::None), in ["return-none"];
    a_restart_process_that_returns_is_restarted: Rule::X(How::Return, OnExitKind::Restart), in ["return-restart"];
    a_process_that_returns_fires_its_requests: Rule::X(How::Return, OnExitKind::Requests), in ["return-requests"];
    a_none_process_that_panics_is_gone: Rule::X(How::Panic, OnExitKind::None), in ["panic-none"];
    a_restart_process_that_panics_is_restarted: Rule::X(How::Panic, OnExitKind::Restart), in ["panic-restart"];
    a_process_that_panics_fires_its_requests: Rule::X(How::Panic, OnExitKind::Requests), in ["panic-requests"];
    a_none_process_is_not_started_at_boot: Rule::X(How::Down, OnExitKind::None), in ["down-none", "three-ways-down"];
    a_restart_process_starts_on_the_next_boot: Rule::X(How::Down, OnExitKind::Restart), in ["down-restart", "down-in-a-back-off"];
    requests_are_fired_at_boot_and_their_process_is_not_started: Rule::X(How::Down, OnExitKind::Requests), in ["down-requests"];
    a_process_exits_in_exactly_one_of_four_ways: Rule::E1, in ["a-busy-node", "illegible-last-words"];
    nobody_observes_a_half_exited_process: Rule::E2, in ["a-busy-node", "rights-that-lapse"];
    a_restart_is_immediate_and_keeps_what_the_process_is: Rule::E3, in ["panic-restart", "kill-in-a-back-off"];
    with_none_nothing_happens_no_matter_what: Rule::E6, in ["panic-none", "three-ways-down"];
    if_init_returns_the_exit_behavior_is_always_honored: Rule::E7, in ["return-restart", "return-requests"];
    the_on_exit_value_in_force_at_the_exit_counts: Rule::E8, in ["the-last-word-counts", "a-mind-often-changed"];
    a_structural_crash_repeats_until_it_is_killed_or_uninstalled: Rule::E9, in ["kill-in-a-crash-loop", "uninstalled-while-crash-looping"];
    nothing_leaks_from_one_life_to_the_next: Rule::E10, in ["nothing-carried-over", "a-timer-of-a-dead-life"];
}
