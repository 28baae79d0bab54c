//! The twin of the Wasm program `counter`: counts, and saves each step before it is announced.

use super::process::{next_request, text};
use sim::guest::native::Os;

pub(super) async fn counter(os: Os) {
    let mut n = saved_count(&os).await;
    loop {
        let (_source, body) = next_request(&os).await;
        match body.as_str() {
            "add" => {
                // It wraps: Wasm programs are release builds.
                n = n.wrapping_add(1);
                os.set_state(n.to_string().as_str()).await;
                os.respond(n.to_string().as_str());
            }
            "get" => os.respond(n.to_string().as_str()),
            "forget" => {
                os.clear_state().await;
                n = 0;
                os.respond("0");
            }
            _ => {}
        }
    }
}

async fn saved_count(os: &Os) -> u64 {
    match os.get_state().await {
        Some(bytes) => text(&bytes).parse().expect("the state is not a count"),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use crate::guests::by_hand::{Life, respond};
    use kernel_core::{Answer, Bytes, Call, SendErrorKind};
    use sim::guest::Turn;

    fn counter(state: Option<&str>) -> Life {
        let (mut life, first) = Life::begin("counter");
        assert_eq!(first, (vec![], Turn::Call(Call::GetState)));
        assert_eq!(life.answer(Answer::State(state.map(Bytes::from))), (vec![], Turn::Call(Call::Receive)));
        life
    }

    #[test]
    fn a_step_is_saved_before_it_is_answered() {
        let mut life = counter(None);
        assert_eq!(life.request("add"), (vec![], Turn::Call(Call::SetState("1".into()))));
        assert_eq!(life.answer(Answer::Done), (vec![respond("1")], Turn::Call(Call::Receive)));
    }

    #[test]
    fn a_count_goes_on_from_where_it_was_saved() {
        let mut life = counter(Some("41"));
        assert_eq!(life.request("get"), (vec![respond("41")], Turn::Call(Call::Receive)));
        assert_eq!(life.request("add"), (vec![], Turn::Call(Call::SetState("42".into()))));
    }

    #[test]
    fn a_forgotten_count_is_cleared_before_it_is_answered() {
        let mut life = counter(Some("41"));
        assert_eq!(life.request("forget"), (vec![], Turn::Call(Call::ClearState)));
        assert_eq!(life.answer(Answer::Done), (vec![respond("0")], Turn::Call(Call::Receive)));
        assert_eq!(life.request("add"), (vec![], Turn::Call(Call::SetState("1".into()))));
    }

    #[test]
    fn what_is_not_an_order_to_the_counter_goes_by() {
        let mut life = counter(None);
        let nothing = (vec![], Turn::Call(Call::Receive));
        assert_eq!(life.request("add "), nothing);
        assert_eq!(life.response("add", None), nothing);
        assert_eq!(life.failure(SendErrorKind::Timeout, Some("add")), nothing);
    }

    #[test]
    fn a_state_that_is_not_a_count_is_a_panic() {
        let (mut life, _) = Life::begin("counter");
        let (calls, stop) = life.answer(Answer::State(Some("many".into())));
        assert_eq!(calls, vec![]);
        assert!(matches!(stop, Turn::Trapped(trap) if trap.text.starts_with("the state is not a count")));
    }
}
