//! The twin of the Wasm program `parent`: raises children, asks them, and hands them over to others.

use super::process::{Event, neighbour, next, print, reason, request};
use kernel_core::{Address, Capability, OnExit, Outgoing, Request, Spawn, SpawnError};
use sim::guest::native::Os;

pub(super) async fn parent(os: Os) {
    loop {
        match next(&os).await {
            Event::Request { body, .. } if body == "leave" => return,
            Event::Request { source, body, capabilities } => on_request(&os, source, &body, capabilities).await,
            Event::Response { body, context, .. } => print(&os, &format!("{context} answered {body}")),
            Event::Failure { kind, context } => print(&os, &format!("{context} is gone: {}", reason(kind))),
        }
    }
}

async fn on_request(os: &Os, source: Address, body: &str, attached: Vec<Capability>) {
    let Some((order, rest)) = body.split_once(' ') else {
        return;
    };
    let words: Vec<&str> = rest.splitn(3, ' ').collect();
    match (order, words.as_slice()) {
        ("raise", [name, path, "none"]) => raise(os, name, path, OnExit::None).await,
        ("raise", [name, path, "restart"]) => raise(os, name, path, OnExit::Restart).await,
        ("ask", [name, seconds, body]) => {
            if let Ok(seconds) = seconds.parse() {
                os.ask(neighbour(os, name), seconds, *body, Some((*name).into()));
            }
        }
        ("hand", [name, to]) => hand(os, name, to),
        ("adopt", [name]) => {
            os.save_capabilities(attached);
            print(os, &format!("adopted {name}"));
        }
        ("product", _) => {
            let source = os.with_names(|names| names.process_id(source.process).process.to_string());
            print(os, &format!("got product {rest} from {source}"));
        }
        _ => {}
    }
}

async fn raise(os: &Os, name: &str, path: &str, on_exit: OnExit) {
    let child = Spawn {
        name: Some(name.into()),
        path: path.into(),
        on_exit,
        request_capabilities: Vec::new(),
        grant_capabilities: Vec::new(),
        public: false,
    };
    match os.spawn(child).await {
        Ok(child) => {
            let child = os.with_names(|names| names.process_text(child).to_string());
            print(os, &format!("raised {child}"));
        }
        Err(SpawnError::NameTaken) => print(os, "not raised: name-taken"),
        Err(SpawnError::NoFileAtPath) => print(os, "not raised: no-file-at-path"),
    }
}

fn hand(os: &Os, name: &str, to: &str) {
    // The target is numbered before what is attached, as a Wasm guest's call would be read.
    let target = neighbour(os, to);
    let capabilities = vec![Capability::messaging(neighbour(os, name))];
    let adopt = Request { capabilities, ..request(&format!("adopt {name}")) };
    os.send_request(Outgoing { target, request: adopt, context: None, blob: None });
    print(os, &format!("handed {name} to {to}"));
}

#[cfg(test)]
mod tests {
    use crate::guests::by_hand::{Life, print};
    use kernel_core::{Answer, Call, Capability, OnExit, Outgoing, Request, SendErrorKind, Spawn, SpawnError};
    use sim::guest::Turn;
    use std::rc::Rc;

    const RECEIVE: Turn = Turn::Call(Call::Receive);

    fn parent() -> Life {
        let (life, first) = Life::begin("parent");
        assert_eq!(first, (vec![], RECEIVE));
        life
    }

    #[test]
    fn a_child_is_raised_with_no_right_and_in_private() {
        let mut life = parent();
        let spawn = Spawn {
            name: Some("kid".into()),
            path: "/demo:alice.os/pkg/kid.wasm".into(),
            on_exit: OnExit::Restart,
            request_capabilities: vec![],
            grant_capabilities: vec![],
            public: false,
        };
        let raise = "raise kid /demo:alice.os/pkg/kid.wasm restart";
        assert_eq!(life.request(raise), (vec![], Turn::Call(Call::Spawn(Box::new(spawn)))));
        let kid = life.names.process("kid:demo:alice.os");
        assert_eq!(life.answer(Answer::Spawned(Ok(kid))), (vec![print("raised kid:demo:alice.os")], RECEIVE));
    }

    #[test]
    fn a_child_that_is_not_raised_is_reported_with_the_reason() {
        let mut life = parent();
        for (error, text) in [(SpawnError::NameTaken, "name-taken"), (SpawnError::NoFileAtPath, "no-file-at-path")] {
            life.request("raise kid /demo:alice.os/pkg/kid.wasm none");
            let told = life.answer(Answer::Spawned(Err(error)));
            assert_eq!(told, (vec![print(&format!("not raised: {text}"))], RECEIVE));
        }
    }

    #[test]
    fn a_child_is_asked_with_its_name_for_context() {
        let mut life = parent();
        let target = life.address("our@kid:demo:alice.os");
        let request = Request { expects_response: Some(5), body: "how are you".into(), ..Request::default() };
        let ask = Outgoing { target, request, context: Some("kid".into()), blob: None };
        assert_eq!(life.request("ask kid 5 how are you"), (vec![Call::SendRequest(Rc::new(ask))], RECEIVE));
        assert_eq!(life.response("fine", Some("kid")), (vec![print("kid answered fine")], RECEIVE));
        assert_eq!(life.failure(SendErrorKind::Timeout, Some("kid")), (vec![print("kid is gone: timeout")], RECEIVE));
        assert_eq!(life.failure(SendErrorKind::Offline, None), (vec![print(" is gone: offline")], RECEIVE));
    }

    #[test]
    fn a_question_without_seconds_is_asked_of_nobody() {
        let mut life = parent();
        let before = life.names.clone();
        assert_eq!(life.request("ask kid soon how are you"), (vec![], RECEIVE));
        assert_eq!(life.names, before);
    }

    #[test]
    fn a_child_is_handed_over_by_the_right_to_message_it() {
        let mut life = parent();
        let (calls, stop) = life.request("hand kid aunt");
        let target = life.address("our@aunt:demo:alice.os");
        let kid = life.address("our@kid:demo:alice.os");
        assert!(target.process < kid.process, "the target is named first");
        let capabilities = vec![Capability::messaging(kid)];
        let request = Request { body: "adopt kid".into(), capabilities, ..Request::default() };
        let adopt = Outgoing { target, request, context: None, blob: None };
        assert_eq!(calls, vec![Call::SendRequest(Rc::new(adopt)), print("handed kid to aunt")]);
        assert_eq!(stop, RECEIVE);
    }

    #[test]
    fn an_adopted_childs_rights_are_saved() {
        let mut life = parent();
        let right = Capability::messaging(life.address("our@kid:demo:alice.os"));
        let calls = vec![Call::SaveCapabilities(vec![right]), print("adopted kid")];
        assert_eq!(life.request_with("adopt kid", &[right]), (calls, RECEIVE));
    }

    #[test]
    fn a_product_is_announced_with_the_name_of_its_maker() {
        assert_eq!(parent().request("product 4 2"), (vec![print("got product 4 2 from friend")], RECEIVE));
    }

    #[test]
    fn a_parent_told_to_leave_returns() {
        assert_eq!(parent().request("leave"), (vec![], Turn::Returned));
    }
}
