//! The process world for guest programs: the bindings that `wit-bindgen` makes of
//! `../wit/process.wit`, and a few helpers that keep the programs short.
//!
//! No helper makes a call of the world that its documentation does not name, so a program's call
//! sequence can be read from its own source.

pub mod bindings {
    wit_bindgen::generate!({
        world: "process-v1",
        path: "../wit",
        pub_export_macro: true,
        default_bindings_module: "process::bindings",
    });
}

pub use bindings::{Guest, export, hyperware::process::standard::*};

/// What `receive` brought, taken apart.
pub enum Event {
    Request {
        source: Address,
        body: String,
        capabilities: Vec<Capability>,
    },
    Response {
        source: Address,
        body: String,
        context: String,
        capabilities: Vec<Capability>,
    },
    Failure {
        kind: SendErrorKind,
        context: String,
    },
}

/// Waits for the next message. Calls `receive`.
pub fn next() -> Event {
    match receive() {
        Ok((source, Message::Request(request))) => Event::Request {
            source,
            body: text(&request.body),
            capabilities: request.capabilities,
        },
        Ok((source, Message::Response((response, context)))) => Event::Response {
            source,
            body: text(&response.body),
            context: text(&context.unwrap_or_default()),
            capabilities: response.capabilities,
        },
        Err((error, context)) => Event::Failure {
            kind: error.kind,
            context: text(&context.unwrap_or_default()),
        },
    }
}

/// Waits for the next request and lets everything else go by. Calls `receive` until there is one.
pub fn next_request() -> (Address, String) {
    loop {
        if let Event::Request { source, body, .. } = next() {
            return (source, body);
        }
    }
}

/// Shows a line to whoever runs the node. Calls `print-to-terminal` with verbosity 0.
pub fn print(line: &str) {
    print_to_terminal(0, line);
}

/// Answers the request that was received last. Calls `send-response`, without a blob.
pub fn respond(body: &str) {
    let response = Response {
        inherit: false,
        body: body.into(),
        metadata: None,
        capabilities: Vec::new(),
    };
    send_response(&response, None);
}

/// Sends a request that wants no answer. Calls `send-request`, without context and blob.
pub fn tell(target: &Address, body: &str) {
    send_request(target, &request(body), None, None);
}

/// Sends a request that wants an answer within `seconds`; the answer, or the failure, brings
/// `context` back. Calls `send-request`, without a blob.
pub fn ask(target: &Address, seconds: u64, context: &str, body: &str) {
    let request = Request {
        expects_response: Some(seconds),
        ..request(body)
    };
    send_request(target, &request, Some(context.as_bytes()), None);
}

/// Sends a request and waits for its answer. Calls `send-and-await-response`, without a blob.
pub fn await_answer(target: &Address, seconds: u64, body: &str) -> Result<String, SendErrorKind> {
    let request = Request {
        expects_response: Some(seconds),
        ..request(body)
    };
    match send_and_await_response(target, &request, None) {
        Ok((_, Message::Request(answer))) => Ok(text(&answer.body)),
        Ok((_, Message::Response((answer, _)))) => Ok(text(&answer.body)),
        Err(error) => Err(error.kind),
    }
}

/// A request that wants no answer and carries nothing but its body. Calls nothing.
pub fn request(body: &str) -> Request {
    Request {
        inherit: false,
        expects_response: None,
        body: body.into(),
        metadata: None,
        capabilities: Vec::new(),
    }
}

/// The right to send messages to `target`. Calls nothing.
pub fn messaging(target: Address) -> Capability {
    Capability {
        issuer: target,
        params: "\"messaging\"".into(),
    }
}

/// Reads `node@process:package:publisher`. Calls nothing.
pub fn address(text: &str) -> Option<Address> {
    let (node, id) = text.split_once('@')?;
    Some(Address {
        node: node.into(),
        process: process_id(id)?,
    })
}

/// Reads `process:package:publisher`. Calls nothing.
pub fn process_id(text: &str) -> Option<ProcessId> {
    let mut names = text.split(':').map(str::to_owned);
    let process = ProcessId {
        process_name: names.next()?,
        package_name: names.next()?,
        publisher_node: names.next()?,
    };
    names.next().is_none().then_some(process)
}

/// `process` in the same package and on the same node as `our`. Calls nothing.
pub fn neighbour(our: &Address, process: &str) -> Address {
    let mut neighbour = our.clone();
    neighbour.process.process_name = process.into();
    neighbour
}

/// A runtime module on the same node as `our`: `vfs` is `vfs:distro:sys`. Calls nothing.
pub fn module(our: &Address, name: &str) -> Address {
    let mut module = neighbour(our, name);
    module.process.package_name = "distro".into();
    module.process.publisher_node = "sys".into();
    module
}

/// The text of a field of a JSON object that holds no other object with such a field. Calls nothing.
pub fn field<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = object.split_once(&format!(r#""{name}":""#))?;
    Some(rest.split_once('"')?.0)
}

/// The text of a message, a context or a state; what is not UTF-8 becomes `U+FFFD`.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl std::fmt::Display for ProcessId {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(
            f,
            "{}:{}:{}",
            self.process_name, self.package_name, self.publisher_node
        )
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}@{}", self.node, self.process)
    }
}

/// `timeout` or `offline`.
pub fn reason(kind: SendErrorKind) -> &'static str {
    match kind {
        SendErrorKind::Timeout => "timeout",
        SendErrorKind::Offline => "offline",
    }
}
