//! Capabilities.

use super::properties;
use kernel_core::Rule;

properties! {
    a_message_needs_the_capability_to_message_its_target: Rule::C1, in ["a-word-with-a-stranger", "last-words-reach-whom-they-may"];
    initial_capabilities_are_cut_to_what_the_initializer_holds: Rule::C2, in ["a-child-as-it-was-asked-for", "only-what-is-valid-starts"];
    capabilities_cannot_be_forged: Rule::C3, in ["a-right-claimed", "a-gift-of-ones-own"];
    what_is_granted_or_saved_is_held_until_it_is_dropped_or_revoked: Rule::C4, in ["a-gift-of-ones-own", "a-right-claimed"];
    what_an_ended_process_issued_is_revoked_from_every_holder: Rule::E12, in ["rights-that-lapse", "a-gift-of-ones-own"];
}
