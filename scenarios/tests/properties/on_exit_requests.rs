//! On-exit requests.

use super::properties;
use kernel_core::Rule;

properties! {
    on_exit_requests_have_the_source_and_capabilities_of_the_exiting_process: Rule::E4, in ["return-requests", "an-inheritance"];
    on_exit_requests_to_dead_targets_are_dropped: Rule::E11, in ["nobody-to-tell", "death-by-timeout"];
    a_boot_removes_what_has_ended_before_it_fires_anything: Rule::E4b, in ["down-requests", "three-ways-down"];
    on_exit_requests_comport_to_the_capabilities_requirements_of_the_living: Rule::C5, in ["last-words-reach-whom-they-may", "down-requests"];
}
