//! A small vocabulary for scenarios.

use super::{Action, Expect, On, Start};
use crate::outside::chain::LogSpec;
use crate::outside::visit::{Frame, FrameKind, HttpRequest, Visit};
use crate::plan::Down;
use kernel_core::Duration;

/// A process on a node.
pub fn on(node: &str, process: &str) -> On {
    On { node: node.to_string(), process: process.to_string() }
}

/// So many seconds.
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// So many milliseconds.
pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Starts a process.
pub fn start(start: Start) -> Action {
    Action::Start(start)
}

/// Initializes a process, but does not run it.
pub fn initialize(start: Start) -> Action {
    Action::Initialize(start)
}

/// Runs a process that was initialized.
pub fn run(on: impl Into<On>) -> Action {
    Action::Run(on.into())
}

/// Kills a process.
pub fn kill(on: impl Into<On>) -> Action {
    Action::Kill(on.into())
}

/// Tells a process something.
pub fn tell(on: impl Into<On>, body: &str) -> Action {
    Action::Tell(on.into(), body.to_string())
}

/// Asks a process something, for five seconds.
pub fn ask(on: impl Into<On>, body: &str) -> Action {
    Action::Ask(on.into(), 5, body.to_string())
}

/// Installs a package from its drive.
pub fn install(node: &str, package: &str) -> Action {
    Action::Install(node.to_string(), package.to_string())
}

/// Kills every process of a package and removes its drive.
pub fn uninstall(node: &str, package: &str) -> Action {
    Action::Uninstall(node.to_string(), package.to_string())
}

/// Takes a node down; it boots again after two seconds.
pub fn down(node: &str, how: Down) -> Action {
    Action::Down(node.to_string(), how, Duration::from_secs(2))
}

/// Swaps the disk of a node for one with its latest backup on it.
pub fn restore(node: &str) -> Action {
    Action::Restore(node.to_string())
}

/// Cuts the way from one node to another for a time.
pub fn cut(from: &str, to: &str, span: Duration) -> Action {
    Action::Cut(from.to_string(), to.to_string(), span)
}

/// Somebody with a browser sends an HTTP request to a node.
pub fn browse(node: &str, request: HttpRequest) -> Action {
    Action::Visit(node.to_string(), Visit::Http(request))
}

/// Somebody with a browser opens a WebSocket, which has this name from then on.
pub fn open_socket(node: &str, socket: &str, path: &str) -> Action {
    Action::Visit(node.to_string(), Visit::Open(socket.to_string(), HttpRequest::new("GET", path, "")))
}

/// Somebody with a browser sends text over their WebSocket.
pub fn push_text(node: &str, socket: &str, text: &str) -> Action {
    Action::Visit(node.to_string(), Visit::Frame(socket.to_string(), Frame::text(text)))
}

/// Somebody with a browser closes their WebSocket.
pub fn close_socket(node: &str, socket: &str) -> Action {
    Action::Visit(node.to_string(), Visit::Frame(socket.to_string(), Frame::empty(FrameKind::Close)))
}

/// A contract emits a log.
pub fn emit(log: LogSpec) -> Action {
    Action::Emit(log)
}

/// An HTTP request of this method and path got this status and body, so often.
pub fn serves(node: &str, request: (&str, &str), status: u16, body: &str, times: u32) -> Expect {
    let (method, path) = request;
    Expect::Serves(node.to_string(), format!("{method} {path}"), status, body.to_string(), times)
}

/// A visitor's WebSocket of this name got this text, so often.
pub fn pushes(node: &str, socket: &str, text: &str, times: u32) -> Expect {
    Expect::Pushes(node.to_string(), socket.to_string(), text.to_string(), times)
}

/// A WebSocket server on the web, at this URL, got this text from a node, so often.
pub fn hears(node: &str, url: &str, text: &str, times: u32) -> Expect {
    Expect::Hears(node.to_string(), url.to_string(), text.to_string(), times)
}

/// A process prints exactly this, so often.
pub fn prints(on: impl Into<On>, text: &str, times: u32) -> Expect {
    Expect::Prints(on.into(), text.to_string(), times)
}

/// A process is alive at the end.
pub fn alive(on: impl Into<On>) -> Expect {
    Expect::Alive(on.into())
}

/// A process is not in the table at the end.
pub fn gone(on: impl Into<On>) -> Expect {
    Expect::Gone(on.into())
}

/// A process has had so many lives by the end.
pub fn lives(on: impl Into<On>, n: u32) -> Expect {
    Expect::Lives(on.into(), n)
}

/// The owner got this answer from a process, at least once.
pub fn answers(on: impl Into<On>, body: &str) -> Expect {
    Expect::Answers(on.into(), body.to_string())
}
