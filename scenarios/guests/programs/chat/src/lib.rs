//! Passes what is said on one node to the `chat` of another.
//!
//! Calls, for each message: `receive` and
//!
//! - request `say NODE TEXT`: `send-request` of `hear TEXT` to the `chat` of our package on NODE,
//!   an answer expected within 5 seconds, context TEXT;
//! - request `hear TEXT`: `print-to-terminal` of `heard TEXT from <source node>`, `send-response`
//!   of `ok`;
//! - a response: `print-to-terminal` of `TEXT was heard`, TEXT being the context;
//! - a send error: `print-to-terminal` of `TEXT met offline` or `TEXT met timeout`;
//! - any other request: nothing.

use process::{Address, Event, Guest, address, ask, neighbour, next, print, reason, respond};

struct Chat;

impl Guest for Chat {
    fn init(our: String) {
        let our = address(&our).expect("our is an address");
        loop {
            match next() {
                Event::Request { source, body, .. } => on_request(&our, &source, &body),
                Event::Response { context, .. } => print(&format!("{context} was heard")),
                Event::Failure { kind, context } => {
                    print(&format!("{context} met {}", reason(kind)));
                }
            }
        }
    }
}

fn on_request(our: &Address, source: &Address, body: &str) {
    if let Some(text) = body.strip_prefix("hear ") {
        print(&format!("heard {text} from {}", source.node));
        respond("ok");
    } else if let Some((node, text)) = body
        .strip_prefix("say ")
        .and_then(|order| order.split_once(' '))
    {
        let there = Address {
            node: node.into(),
            ..neighbour(our, "chat")
        };
        ask(&there, 5, text, &format!("hear {text}"));
    }
}

process::export!(Chat);
