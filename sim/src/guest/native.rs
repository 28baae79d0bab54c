//! Guests in native Rust: the same calls, from an `async` function.
//!
//! ```
//! use sim::guest::native::{Os, Program, ReceivedExt};
//!
//! async fn echo(os: Os) {
//!     loop {
//!         if let Some(request) = os.receive().await.request() {
//!             os.respond(request.body().clone());
//!         }
//!     }
//! }
//!
//! let program = Program::new("echo", echo);
//! assert_eq!(program.name(), "echo");
//! ```
//!
//! The function is polled by hand, by its world, and waits for nothing but the answers to its calls. It must not read
//! a clock, draw chance, or share memory with another guest: nothing here could stop it, and runs would differ.

use crate::catch_panic::catch_panic;
use crate::guest::{AHEAD_MAX, Clock, Guest, Reply, SPIN_QUANTUM, Trap, TrapReason, Turn, lent};
use kernel_core::{
    Address, Answer, Blob, Bytes, Call, CallKind, Capability, Duration, Instant, Message, Names, OnExit, Outgoing,
    ProcessRef, Received, Request, Response, SendError, Spawn, SpawnError,
};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

type Life = Pin<Box<dyn Future<Output = ()>>>;

/// A native program: a name, and how to begin a life of it.
#[derive(Clone)]
pub struct Program {
    name: &'static str,
    init: Arc<dyn Fn(Os) -> Life + Send + Sync>,
}

impl Program {
    /// A program from an `async fn(Os)`. Its name is what packages call it by: their file holds `native:NAME`.
    pub fn new<F, L>(name: &'static str, init: F) -> Program
    where
        F: Fn(Os) -> L + Send + Sync + 'static,
        L: Future<Output = ()> + 'static,
    {
        Program { name, init: Arc::new(move |os| Box::pin(init(os))) }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Begins a life; nothing runs before it is resumed.
    pub fn start(&self) -> NativeGuest {
        let shared = Rc::new(RefCell::new(Shared::default()));
        let life = (self.init)(Os { shared: shared.clone() });
        NativeGuest { shared, life: Some(life) }
    }
}

/// What a native guest and its world hand each other.
#[derive(Default)]
struct Shared {
    /// The world's, while the guest runs.
    names: Option<Names>,
    our: Option<Address>,
    ahead: VecDeque<Call>,
    /// What the guest stopped for.
    turn: Option<Turn>,
    /// The reply to it.
    reply: Option<Reply>,
}

impl Shared {
    /// The world's names; a guest that is dropped has none, and its destructors see an empty table.
    fn names(&mut self) -> &mut Names {
        self.names.get_or_insert_default()
    }
}

/// A life of a native program.
pub struct NativeGuest {
    shared: Rc<RefCell<Shared>>,
    life: Option<Life>,
}

impl Guest for NativeGuest {
    fn resume(&mut self, names: &mut Names, reply: Reply, ahead: &mut VecDeque<Call>) -> Turn {
        {
            let mut shared = self.shared.borrow_mut();
            shared.names = Some(lent::take(names));
            std::mem::swap(&mut shared.ahead, ahead);
            match reply {
                Reply::Answer(Answer::Init(our)) => shared.our = Some(our),
                reply => shared.reply = Some(reply),
            }
        }
        let life = self.life.as_mut().expect("a life that has ended is not resumed");
        let poll = catch_panic(|| life.as_mut().poll(&mut Context::from_waker(Waker::noop())));
        let mut shared = self.shared.borrow_mut();
        lent::give_back(names, shared.names.take().expect("nobody takes the names while a guest runs"));
        std::mem::swap(&mut shared.ahead, ahead);
        match poll {
            Ok(Poll::Pending) => shared.turn.take().expect("a native guest waits for nothing but its own calls"),
            Ok(Poll::Ready(())) => {
                self.life = None;
                Turn::Returned
            }
            Err(text) => {
                self.life = None;
                Turn::Trapped(Trap::new(TrapReason::Unreachable, text))
            }
        }
    }
}

/// What a native guest has of the world: the calls of the process world.
#[derive(Clone)]
pub struct Os {
    shared: Rc<RefCell<Shared>>,
}

impl Os {
    /// The argument of `init`: no call.
    pub fn init_argument(&self) -> Address {
        self.shared.borrow().our.expect("a life begins with its address")
    }

    /// Reads `node@process:package:publisher`; the node `our` is this one. No call.
    pub fn parse_address(&self, text: &str) -> Option<Address> {
        let our = self.init_argument();
        self.shared.borrow_mut().names().address(text, our.node)
    }

    /// The address as text. No call.
    pub fn address_text(&self, address: Address) -> String {
        self.shared.borrow_mut().names().address_text(address)
    }

    /// The table of names, to read and to make names with. No call.
    pub fn with_names<T>(&self, look: impl FnOnce(&mut Names) -> T) -> T {
        look(self.shared.borrow_mut().names())
    }

    /// `print-to-terminal`.
    pub fn print(&self, verbosity: u8, text: &str) {
        self.ahead(Call::Print { verbosity, text: text.into() });
    }

    /// `our`.
    pub async fn our(&self) -> Address {
        match self.call(Call::Our).await {
            Answer::Our(our) => our,
            other => mismatch(CallKind::Our, &other),
        }
    }

    /// `get-on-exit`.
    pub async fn get_on_exit(&self) -> OnExit {
        match self.call(Call::GetOnExit).await {
            Answer::OnExit(value) => value,
            other => mismatch(CallKind::GetOnExit, &other),
        }
    }

    /// `set-on-exit`.
    pub async fn set_on_exit(&self, value: OnExit) {
        self.call(Call::SetOnExit(value)).await;
    }

    /// `get-state`.
    pub async fn get_state(&self) -> Option<Bytes> {
        match self.call(Call::GetState).await {
            Answer::State(bytes) => bytes,
            other => mismatch(CallKind::GetState, &other),
        }
    }

    /// `set-state`.
    pub async fn set_state(&self, bytes: impl Into<Bytes>) {
        self.call(Call::SetState(bytes.into())).await;
    }

    /// `clear-state`.
    pub async fn clear_state(&self) {
        self.call(Call::ClearState).await;
    }

    /// `spawn`.
    pub async fn spawn(&self, spawn: Spawn) -> Result<ProcessRef, SpawnError> {
        match self.call(Call::Spawn(Box::new(spawn))).await {
            Answer::Spawned(result) => result,
            other => mismatch(CallKind::Spawn, &other),
        }
    }

    /// `save-capabilities`.
    pub fn save_capabilities(&self, list: Vec<Capability>) {
        self.ahead(Call::SaveCapabilities(list));
    }

    /// `drop-capabilities`.
    pub fn drop_capabilities(&self, list: Vec<Capability>) {
        self.ahead(Call::DropCapabilities(list));
    }

    /// `our-capabilities`.
    pub async fn our_capabilities(&self) -> Vec<Capability> {
        match self.call(Call::OurCapabilities).await {
            Answer::Capabilities(list) => list,
            other => mismatch(CallKind::OurCapabilities, &other),
        }
    }

    /// `receive`.
    pub async fn receive(&self) -> Received {
        match self.call(Call::Receive).await {
            Answer::Received(received) => received,
            other => mismatch(CallKind::Receive, &other),
        }
    }

    /// `has-blob`.
    pub async fn has_blob(&self) -> bool {
        self.call(Call::HasBlob).await == Answer::HasBlob(true)
    }

    /// `get-blob`.
    pub async fn get_blob(&self) -> Option<Blob> {
        match self.call(Call::GetBlob).await {
            Answer::Blob(blob) => blob,
            other => mismatch(CallKind::GetBlob, &other),
        }
    }

    /// `last-blob`.
    pub async fn last_blob(&self) -> Option<Blob> {
        match self.call(Call::LastBlob).await {
            Answer::Blob(blob) => blob,
            other => mismatch(CallKind::LastBlob, &other),
        }
    }

    /// `send-request`.
    pub fn send_request(&self, outgoing: Outgoing) {
        self.ahead(Call::SendRequest(Rc::new(outgoing)));
    }

    /// `send-requests`.
    pub fn send_requests(&self, list: Vec<Outgoing>) {
        self.ahead(Call::SendRequests(list.into()));
    }

    /// `send-response`.
    pub fn send_response(&self, response: Response, blob: Option<Blob>) {
        self.ahead(Call::SendResponse(Rc::new((response, blob))));
    }

    /// `send-and-await-response`.
    pub async fn send_and_await_response(&self, outgoing: Outgoing) -> Result<Rc<Message>, SendError> {
        match self.call(Call::SendAndAwaitResponse(Rc::new(outgoing))).await {
            Answer::Awaited(result) => result,
            other => mismatch(CallKind::SendAndAwaitResponse, &other),
        }
    }

    /// `send-request` of a body that expects nothing.
    pub fn tell(&self, target: Address, body: impl Into<Bytes>) {
        self.send_request(outgoing(target, body, None, None));
    }

    /// `send-request` of a body that expects a response within so many seconds; `context` comes back with it.
    pub fn ask(&self, target: Address, seconds: u64, body: impl Into<Bytes>, context: Option<Bytes>) {
        self.send_request(outgoing(target, body, Some(seconds), context));
    }

    /// `send-and-await-response` of a body.
    pub async fn call_and_wait(
        &self,
        target: Address,
        seconds: u64,
        body: impl Into<Bytes>,
    ) -> Result<Rc<Message>, SendError> {
        self.send_and_await_response(outgoing(target, body, Some(seconds), None)).await
    }

    /// `send-response` of a body.
    pub fn respond(&self, body: impl Into<Bytes>) {
        self.send_response(Response { body: body.into(), ..Response::default() }, None);
    }

    /// Reads the time of day, as `clock_time_get` does for a Wasm guest.
    pub async fn now(&self) -> Instant {
        self.read(Clock::Real).await
    }

    /// Reads a clock.
    pub async fn read(&self, clock: Clock) -> Instant {
        match self.stop(Turn::Clock(clock)).await {
            Reply::Clock(now) => now,
            other => panic!("the world answers a clock read with the clock, not with {other:?}"),
        }
    }

    /// Computes for so long without a call.
    pub async fn busy(&self, span: Duration) {
        self.stop(Turn::Busy(span)).await;
    }

    /// Sleeps for so long, as `poll_oneoff` does for a Wasm guest.
    pub async fn sleep(&self, span: Duration) {
        self.stop(Turn::Sleep(span)).await;
    }

    /// Computes for ever.
    pub async fn spin(&self) -> ! {
        loop {
            self.busy(SPIN_QUANTUM).await;
        }
    }

    /// A call without an answer takes effect later than it is made, and nobody can tell. A guest that makes them
    /// without end is stopped by its next call; in native Rust the bound is [`AHEAD_MAX`] at a stretch.
    fn ahead(&self, call: Call) {
        let mut shared = self.shared.borrow_mut();
        assert!(shared.ahead.len() < AHEAD_MAX, "{AHEAD_MAX} calls without an answer in a row: await something");
        shared.ahead.push_back(call);
    }

    async fn call(&self, call: Call) -> Answer {
        match self.stop(Turn::Call(call)).await {
            Reply::Answer(answer) => answer,
            other => panic!("the world answers a call with an answer, not with {other:?}"),
        }
    }

    /// Gives the turn away and waits for the reply.
    async fn stop(&self, turn: Turn) -> Reply {
        self.shared.borrow_mut().turn = Some(turn);
        std::future::poll_fn(|_| match self.shared.borrow_mut().reply.take() {
            Some(reply) => Poll::Ready(reply),
            None => Poll::Pending,
        })
        .await
    }
}

fn outgoing(target: Address, body: impl Into<Bytes>, seconds: Option<u64>, context: Option<Bytes>) -> Outgoing {
    let request = Request { expects_response: seconds, body: body.into(), ..Request::default() };
    Outgoing { target, request, context, blob: None }
}

fn mismatch(call: CallKind, answer: &Answer) -> ! {
    panic!("the kernel answered {} with {answer:?}", call.name())
}

/// What a guest mostly asks of what it received.
pub trait ReceivedExt {
    /// The message, if it is a request.
    fn request(&self) -> Option<&Rc<Message>>;
}

impl ReceivedExt for Received {
    fn request(&self) -> Option<&Rc<Message>> {
        match self {
            Received::Message(message, _) if message.is_request() => Some(message),
            Received::Message(..) | Received::Error(..) => None,
        }
    }
}
