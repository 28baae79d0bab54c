//! Runtime modules: the processes of `distro:sys` that are part of the node, one file each.
//!
//! A module gets messages and answers them; what it remembers dies with its node, but for what it wrote to the disk.
//! None may reach around the disk, and none serves before it has asked for the capability it wants.

use crate::disk::Session;
use crate::outside::Outside;
use crate::outside::chain::News;
use crate::outside::visit::Visit;
use crate::plan::ProviderFault;
use crate::trace::event::What;
use kernel_core::{
    Address, Blob, Bytes, Capability, Duration, Input, Instant, Kernel, Message, Names, Outgoing, ProcessRef, Received,
    Reply, Request, Response,
};
use serde_json::Value;
use setup::Setup;
use std::rc::Rc;

pub mod absent;
#[cfg(any(feature = "kv", feature = "sqlite"))]
mod database;
#[cfg(any(feature = "kv", feature = "sqlite"))]
mod engine;
mod eth;
mod fd_manager;
#[cfg(test)]
mod harness;
mod http_client;
mod http_server;
#[cfg(feature = "kv")]
mod kv;
#[cfg(feature = "net")]
mod net;
pub mod setup;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stub;
mod timer;
mod vfs;

pub use stub::Stub;
pub use vfs::{asks_too_much, drive_capabilities, read_for_spawn, store_path};

/// A runtime module. Bodies and checks as in the public runtime; the docs of each say where from.
pub trait Module {
    /// Whether it waits its turn at the disk: it then sees the disk as all earlier writes have left it, and its
    /// answer waits for the operations that it asks for. One that says no and writes all the same has a mistake in its
    /// code, and the run panics.
    fn uses_disk(&self) -> bool;

    /// A request for it, or a response: to a request of its own, or to none.
    fn on_message(&mut self, message: &Rc<Message>, cx: &mut ModuleContext<'_>);

    /// The answer to a request of its own, or the news that there will be none; with the context that it gave.
    fn on_answer(&mut self, _answer: &Received, _cx: &mut ModuleContext<'_>) {}

    /// A time has come that it asked for by [`ModuleContext::wake_after`], under this number.
    fn on_wake(&mut self, _number: u64, _cx: &mut ModuleContext<'_>) {}

    /// Somebody with a browser does something at its node. For `http-server`.
    fn on_visit(&mut self, _visit: &Visit, _cx: &mut ModuleContext<'_>) {}

    /// The chain went on. For `eth`.
    fn on_news(&mut self, _news: &News, _cx: &mut ModuleContext<'_>) {}

    /// The same, as far as it has come, for a world that is cloned. `None`, unless a module says otherwise: it has
    /// open what cannot be cloned (a storage engine's handle, say), and a caller that wants the clone has to run again
    /// from the start.
    fn fork(&self) -> Option<Box<dyn Module>> {
        None
    }

    /// What the public runtime's module can be asked for, by the names of its actions, and what this one does of it.
    fn actions(&self) -> &'static [(&'static str, Support)];
}

/// Whether a module does an action of the public runtime's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// As there, but for what the module's docs say.
    Done,
    /// Not at all: a request for it gets no answer, and the run says so.
    Refused,
}

/// What a module hears.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Heard {
    /// A message.
    Message(Rc<Message>),
    /// What became of a request of its own.
    Answer(Received),
    /// A time that it asked for has come.
    Wake(u64),
    /// What a visitor does.
    Visit(Rc<Visit>),
    /// What is new on the chain.
    News(Rc<News>),
}

impl Heard {
    /// What the kernel delivers to a module.
    pub fn of(received: Received) -> Heard {
        match received {
            Received::Message(message, _) if message.is_request() => Heard::Message(message),
            answer => Heard::Answer(answer),
        }
    }

    /// Tells it to the module.
    pub fn tell(&self, module: &mut dyn Module, cx: &mut ModuleContext<'_>) {
        match self {
            Heard::Message(message) => module.on_message(message, cx),
            Heard::Answer(answer) => module.on_answer(answer, cx),
            Heard::Wake(number) => module.on_wake(*number, cx),
            Heard::Visit(visit) => module.on_visit(visit, cx),
            Heard::News(news) => module.on_news(news, cx),
        }
    }
}

/// What a module may look at, and what it wants done.
pub struct ModuleContext<'a> {
    /// Which module it is.
    pub module: Address,
    /// The virtual time of its node.
    pub now: Instant,
    /// The world's names.
    pub names: &'a mut Names,
    /// Its work on the node's disk, which is done before any answer goes out.
    pub disk: Session,
    /// Who holds what.
    pub kernel: &'a Kernel,
    /// What it wants said, and how long from now.
    pub out: Vec<(Duration, Input)>,
    /// What is outside of all nodes.
    pub outside: &'a mut Outside,
    /// How the chain's provider fails this time. For `eth`.
    pub provider: Option<ProviderFault>,
    /// What it did that only the outside sees, for the trace.
    pub facts: Vec<What>,
    /// When it wants to be woken, and under which number.
    pub wakes: Vec<(Duration, u64)>,
    /// What it was asked and does not have, in words.
    pub unmodelled: Option<String>,
    /// How long it computed, in nanoseconds of the host's processor, by count.
    pub nanos: u64,
}

impl<'a> ModuleContext<'a> {
    /// Nothing said yet, and a provider that does not fail.
    pub fn new(
        module: Address,
        now: Instant,
        names: &'a mut Names,
        disk: Session,
        kernel: &'a Kernel,
        outside: &'a mut Outside,
    ) -> ModuleContext<'a> {
        ModuleContext {
            module,
            now,
            names,
            disk,
            kernel,
            out: Vec::new(),
            outside,
            provider: None,
            facts: Vec::new(),
            wakes: Vec::new(),
            unmodelled: None,
            nanos: 0,
        }
    }

    /// Whether a process of this node holds a capability that this module issued.
    pub fn holds(&mut self, process: ProcessRef, params: &str) -> bool {
        let params = self.names.params(params);
        self.kernel.holds(process, &Capability { issuer: self.module, params })
    }

    /// Answers a request, as soon as its operations are done.
    pub fn respond(&mut self, request: &Rc<Message>, body: impl Into<Bytes>, blob: Option<Blob>) {
        self.respond_after(Duration::ZERO, request, body, blob);
    }

    /// Answers a request after a time.
    pub fn respond_after(
        &mut self,
        after: Duration,
        request: &Rc<Message>,
        body: impl Into<Bytes>,
        blob: Option<Blob>,
    ) {
        let response = Response { body: body.into(), ..Response::default() };
        self.reply_after(after, request, response, blob);
    }

    /// Answers a request to its sender, even if another process waits for the answer.
    pub fn respond_to_source(&mut self, request: &Rc<Message>, body: impl Into<Bytes>) {
        let response = Response { body: body.into(), ..Response::default() };
        let reply = Reply { request: request.clone(), target: request.source, response, blob: None };
        self.out.push((Duration::ZERO, Input::ModuleResponse(self.module.process, reply)));
    }

    /// Answers a request after a time, with all that a response can have.
    pub fn reply_after(&mut self, after: Duration, request: &Rc<Message>, response: Response, blob: Option<Blob>) {
        let reply = Reply { request: request.clone(), target: request.reply_to(), response, blob };
        self.out.push((after, Input::ModuleResponse(self.module.process, reply)));
    }

    /// Sends a request that expects nothing.
    pub fn tell(&mut self, target: Address, body: impl Into<Bytes>) {
        self.tell_with(target, body, None);
    }

    /// Sends a request that expects nothing and may carry something.
    pub fn tell_with(&mut self, target: Address, body: impl Into<Bytes>, blob: Option<Blob>) {
        let request = Request { body: body.into(), ..Request::default() };
        self.send(Outgoing { target, request, context: None, blob });
    }

    /// Sends any request. What becomes of it comes to [`Module::on_answer`].
    pub fn send(&mut self, outgoing: Outgoing) {
        self.out.push((Duration::ZERO, Input::ModuleRequest(self.module.process, Box::new(outgoing))));
    }

    /// Asks to be woken after a time, unless the node goes down before.
    pub fn wake_after(&mut self, after: Duration, number: u64) {
        self.wakes.push((after, number));
    }

    /// Says that it was asked for something that this simulator does not have.
    pub fn refuse(&mut self, message: &Message) {
        self.unmodelled = Some(excerpt(message));
    }
}

/// The modules of a node that has just come up. The kernel, `state` and the terminal are not among them: what they
/// do is the kernel's and the world's.
pub fn all(setup: &Setup) -> Vec<(ProcessRef, Box<dyn Module>)> {
    #[cfg(not(any(feature = "kv", feature = "sqlite")))]
    let _ = setup;
    let mut modules: Vec<(ProcessRef, Box<dyn Module>)> = vec![
        (ProcessRef::TIMER, Box::new(timer::Timer)),
        #[cfg(feature = "net")]
        (ProcessRef::NET, Box::new(net::Net)),
        (ProcessRef::VFS, Box::new(vfs::Vfs::default())),
        (ProcessRef::ETH, Box::new(eth::Eth::default())),
        (ProcessRef::FD_MANAGER, Box::new(fd_manager::FdManager::default())),
        (ProcessRef::HTTP_SERVER, Box::new(http_server::HttpServer::default())),
        (ProcessRef::HTTP_CLIENT, Box::new(http_client::HttpClient::default())),
        #[cfg(feature = "kv")]
        (ProcessRef::KV, Box::new(kv::Kv::new(setup))),
        #[cfg(feature = "sqlite")]
        (ProcessRef::SQLITE, Box::new(sqlite::Sqlite::new(setup))),
    ];
    let modelled = [ProcessRef::KERNEL, ProcessRef::STATE, ProcessRef::TERMINAL];
    let absent = ProcessRef::modules().filter(|id| !modelled.contains(id));
    let absent: Vec<_> = absent.filter(|id| modules.iter().all(|(there, _)| there != id)).collect();
    modules.extend(absent.into_iter().map(|id| (id, Box::new(Absent) as Box<dyn Module>)));
    modules
}

/// What each runtime module can be asked for, and whether it does it. The kernel's commands are the kernel's
/// ([`Command`](kernel_core::command::Command)); saved state is reached by calls, and not by messages.
pub fn actions() -> Vec<(ProcessRef, Vec<(&'static str, Support)>)> {
    let state = ["GetState", "SetState", "DeleteState", "Backup"].map(|name| (name, Support::Refused));
    let served = all(&Setup::default()).into_iter().map(|(id, module)| (id, module.actions().to_vec()));
    let mut actions: Vec<_> = served.chain([(ProcessRef::STATE, state.to_vec())]).collect();
    actions.sort_by_key(|(id, _)| *id);
    actions
}

/// Whose drive or database a capability is of, by its issuer and parameters: `package:publisher`. `None`, if it is for
/// something else.
pub fn owner(issuer: ProcessRef, params: &str) -> Option<String> {
    let params: Value = serde_json::from_str(params).ok()?;
    match issuer {
        ProcessRef::VFS => Some(params["drive"].as_str()?.trim_start_matches('/').split('/').next()?.to_string()),
        ProcessRef::KV | ProcessRef::SQLITE => {
            let package = &params["db_key"][0];
            Some(format!("{}:{}", package["package_name"].as_str()?, package["publisher_node"].as_str()?))
        }
        _ => None,
    }
}

/// A module that this simulator does not have: it says so, loudly, and answers nothing.
struct Absent;

impl Module for Absent {
    fn uses_disk(&self) -> bool {
        false
    }

    fn on_message(&mut self, message: &Rc<Message>, cx: &mut ModuleContext<'_>) {
        cx.unmodelled = Some(excerpt(message));
    }

    fn fork(&self) -> Option<Box<dyn Module>> {
        Some(Box::new(Absent))
    }

    fn actions(&self) -> &'static [(&'static str, Support)] {
        // The databases, both of which have these; `Get` and `Set` are the one's, `Query` and `Write` the other's.
        &[
            ("Open", Support::Refused),
            ("RemoveDb", Support::Refused),
            ("Get", Support::Refused),
            ("Set", Support::Refused),
            ("Delete", Support::Refused),
            ("Query", Support::Refused),
            ("Write", Support::Refused),
            ("BeginTx", Support::Refused),
            ("Commit", Support::Refused),
        ]
    }
}

/// The start of a body, for saying what is not modelled.
fn excerpt(message: &Message) -> String {
    String::from_utf8_lossy(message.body()).chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_of_a_drive_or_a_database_tells_its_package_and_no_other_does() {
        let database = r#"{"kind":"read","db_key":[{"package_name":"press","publisher_node":"bob.os"},"ads"]}"#;
        let press = Some("press:bob.os".to_string());
        assert_eq!(owner(ProcessRef::VFS, r#"{"kind":"read","drive":"/press:bob.os/archive"}"#), press);
        assert_eq!(owner(ProcessRef::KV, database), press);
        assert_eq!(owner(ProcessRef::SQLITE, database), press);
        assert_eq!(owner(ProcessRef::KERNEL, database), None);
        assert_eq!(owner(ProcessRef::VFS, r#"{"root":true}"#), None);
        assert_eq!(owner(ProcessRef::SQLITE, "no json"), None);
    }
}
