//! What the twins share: the helpers that the Wasm programs have in their crate `process`.
//!
//! No helper makes a call that its documentation does not name.

use kernel_core::{Address, Capability, ProcessId, Received, Request, SendErrorKind};
use sim::guest::native::Os;

/// What `receive` brought, taken apart.
pub(super) enum Event {
    Request { source: Address, body: String, capabilities: Vec<Capability> },
    Response { body: String, context: String, capabilities: Vec<Capability> },
    Failure { kind: SendErrorKind, context: String },
}

/// Waits for the next message. Calls `receive`.
pub(super) async fn next(os: &Os) -> Event {
    match os.receive().await {
        Received::Message(message, _) if message.is_request() => Event::Request {
            source: message.source,
            body: text(message.body()),
            capabilities: message.capabilities().to_vec(),
        },
        Received::Message(message, context) => Event::Response {
            body: text(message.body()),
            context: text(&context.unwrap_or_default()),
            capabilities: message.capabilities().to_vec(),
        },
        Received::Error(error, context) => {
            Event::Failure { kind: error.kind, context: text(&context.unwrap_or_default()) }
        }
    }
}

/// Waits for the next request and lets everything else go by. Calls `receive` until there is one.
pub(super) async fn next_request(os: &Os) -> (Address, String) {
    loop {
        match next(os).await {
            Event::Request { source, body, .. } => return (source, body),
            Event::Response { .. } | Event::Failure { .. } => {}
        }
    }
}

/// Shows a line to the node's owner. Calls `print-to-terminal` with verbosity 0.
pub(super) fn print(os: &Os, line: &str) {
    os.print(0, line);
}

/// Sends a request and waits for its answer. Calls `send-and-await-response`, without a blob.
pub(super) async fn await_answer(os: &Os, target: Address, seconds: u64, body: &str) -> Result<String, SendErrorKind> {
    match os.call_and_wait(target, seconds, body).await {
        Ok(answer) => Ok(text(answer.body())),
        Err(error) => Err(error.kind),
    }
}

/// A request that wants no answer and carries nothing but its body. Calls nothing.
pub(super) fn request(body: &str) -> Request {
    Request { body: body.into(), ..Request::default() }
}

/// An address as it was written, of the right shape. It gets its numbers only when a call names it: that is when the
/// kernel hears of it from a Wasm guest.
pub(super) struct Written<'a>(&'a str);

/// Reads `node@process:package:publisher`. Calls nothing, numbers nothing.
pub(super) fn address(text: &str) -> Option<Written<'_>> {
    let (_node, id) = text.split_once('@')?;
    ProcessId::split(id).map(|_| Written(text))
}

impl Written<'_> {
    /// The address, for a call that is about to be made.
    pub(super) fn numbered(&self, os: &Os) -> Address {
        os.parse_address(self.0).expect("a written address has the right shape")
    }
}

/// `process` in our package and on our node, for a call that is about to be made.
pub(super) fn neighbour(os: &Os, process: &str) -> Address {
    let our = os.init_argument();
    Address { process: os.with_names(|names| names.sibling(our.process, process)), ..our }
}

/// The text of a message, a context or a state; what is not UTF-8 becomes `U+FFFD`.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `timeout` or `offline`.
pub(super) fn reason(kind: SendErrorKind) -> &'static str {
    match kind {
        SendErrorKind::Timeout => "timeout",
        SendErrorKind::Offline => "offline",
    }
}
