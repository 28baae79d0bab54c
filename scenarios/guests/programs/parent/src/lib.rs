//! Raises children, asks them, and hands them over to others.
//!
//! Calls, for each message: `receive` and
//!
//! - request `raise NAME PATH none|restart`: `spawn` (no capabilities, not public),
//!   `print-to-terminal` of `raised <process id>`, or of `not raised: name-taken` or
//!   `not raised: no-file-at-path`;
//! - request `ask NAME SECS BODY`: `send-request` of BODY to NAME in our package on our node, an
//!   answer expected within SECS seconds, context NAME;
//! - request `hand NAME TO`: `send-request` of `adopt NAME` to TO in our package on our node, no
//!   answer expected, with the capability to message NAME attached; `print-to-terminal` of
//!   `handed NAME to TO`;
//! - request `adopt NAME`: `save-capabilities` of those attached to it, `print-to-terminal` of
//!   `adopted NAME`;
//! - request `product X`: `print-to-terminal` of `got product X from <source process name>`;
//! - request `leave`: returns;
//! - a response: `print-to-terminal` of `NAME answered BODY`, NAME being the context;
//! - a send error: `print-to-terminal` of `NAME is gone: timeout` or `NAME is gone: offline`;
//! - any other request: nothing.
//!
//! Words are parted by single blanks; BODY and X are the rest of the text.

use process::{
    Address, Capability, Event, Guest, OnExit, Request, SpawnError, address, ask, messaging,
    neighbour, next, print, reason, request, save_capabilities, send_request, spawn,
};

struct Parent;

impl Guest for Parent {
    fn init(our: String) {
        let our = address(&our).expect("our is an address");
        loop {
            match next() {
                Event::Request { body, .. } if body == "leave" => return,
                Event::Request {
                    source,
                    body,
                    capabilities,
                } => {
                    on_request(&our, &source, &body, &capabilities);
                }
                Event::Response { body, context, .. } => {
                    print(&format!("{context} answered {body}"));
                }
                Event::Failure { kind, context } => {
                    print(&format!("{context} is gone: {}", reason(kind)));
                }
            }
        }
    }
}

fn on_request(our: &Address, source: &Address, body: &str, attached: &[Capability]) {
    let Some((order, rest)) = body.split_once(' ') else {
        return;
    };
    let words: Vec<&str> = rest.splitn(3, ' ').collect();
    match (order, words.as_slice()) {
        ("raise", [name, path, "none"]) => raise(name, path, &OnExit::None),
        ("raise", [name, path, "restart"]) => raise(name, path, &OnExit::Restart),
        ("ask", [name, seconds, body]) => {
            if let Ok(seconds) = seconds.parse() {
                ask(&neighbour(our, name), seconds, name, body);
            }
        }
        ("hand", [name, to]) => hand(our, name, to),
        ("adopt", [name]) => {
            save_capabilities(attached);
            print(&format!("adopted {name}"));
        }
        ("product", _) => print(&format!(
            "got product {rest} from {}",
            source.process.process_name
        )),
        _ => {}
    }
}

fn raise(name: &str, path: &str, on_exit: &OnExit) {
    match spawn(Some(name), path, on_exit, &[], &[], false) {
        Ok(child) => print(&format!("raised {child}")),
        Err(SpawnError::NameTaken) => print("not raised: name-taken"),
        Err(SpawnError::NoFileAtPath) => print("not raised: no-file-at-path"),
    }
}

fn hand(our: &Address, name: &str, to: &str) {
    let adopt = Request {
        capabilities: vec![messaging(neighbour(our, name))],
        ..request(&format!("adopt {name}"))
    };
    send_request(&neighbour(our, to), &adopt, None, None);
    print(&format!("handed {name} to {to}"));
}

process::export!(Parent);
