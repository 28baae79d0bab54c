//! Messages.

use super::properties;
use kernel_core::Rule;

properties! {
    every_request_that_expects_a_response_settles_exactly_once: Rule::M1, in ["a-busy-node", "two-questions-from-one"];
    messages_of_one_sender_arrive_in_order_and_once: Rule::M2, in ["in-order-across-the-run", "a-chat-through-crashes"];
    prompts_contexts_and_blobs_are_those_of_the_process_api: Rule::M3, in ["a-question-passed-on", "a-picture-kept"];
    offline_means_that_the_node_cannot_be_reached: Rule::M4, in ["a-chat-through-crashes", "a-word-with-a-stranger"];
    a_process_that_does_not_receive_delays_nobody_else: Rule::M5, in ["a-flood-for-the-deaf", "kill-a-spinning-process"];
}
