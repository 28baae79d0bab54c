//! The twin of the Wasm program `chat`: passes what is said on one node to the `chat` of another.

use super::process::{Event, neighbour, next, print, reason};
use kernel_core::Address;
use sim::guest::native::Os;

pub(super) async fn chat(os: Os) {
    loop {
        match next(&os).await {
            Event::Request { source, body, .. } => on_request(&os, source, &body),
            Event::Response { context, .. } => print(&os, &format!("{context} was heard")),
            Event::Failure { kind, context } => print(&os, &format!("{context} met {}", reason(kind))),
        }
    }
}

fn on_request(os: &Os, source: Address, body: &str) {
    if let Some(text) = body.strip_prefix("hear ") {
        let node = os.with_names(|names| names.node_text(source.node).to_string());
        print(os, &format!("heard {text} from {node}"));
        os.respond("ok");
    } else if let Some((node, text)) = body.strip_prefix("say ").and_then(|order| order.split_once(' ')) {
        let our = os.init_argument();
        let node = os.with_names(|names| names.node_or_our(node, our.node));
        let there = Address { node, ..neighbour(os, "chat") };
        os.ask(there, 5, format!("hear {text}").as_str(), Some(text.into()));
    }
}
