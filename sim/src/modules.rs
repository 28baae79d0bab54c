//! Runtime modules: the processes of `distro:sys` that are part of the node, one file each.
//!
//! A module gets messages and answers them; what it remembers dies with its node, but for what it wrote to the disk.
//! None may reach around the disk, and none serves before it has asked for the capability it wants.

use crate::disk::Session;
use kernel_core::{
    Address, Blob, Bytes, Capability, Duration, Input, Instant, Kernel, Message, Names, Outgoing, ProcessRef, Reply,
    Request, Response,
};
use std::rc::Rc;

mod net;
mod timer;
mod vfs;

pub use vfs::{drive_capabilities, read_for_spawn, store_path};

/// A runtime module. Bodies and checks as in the public runtime; the docs of each say where from.
pub trait Module {
    /// Whether it waits its turn at the disk: it then sees the disk as all earlier writes have left it, and its
    /// answer waits for the operations that it asks for.
    fn uses_disk(&self) -> bool;

    /// A message for it.
    fn on_message(&mut self, message: &Rc<Message>, cx: &mut ModuleContext<'_>);

    /// The same, as far as it has come, for a world that is cloned. `None`, unless a module says otherwise: it has
    /// open what cannot be cloned (a storage engine's handle, say), and who wants the clone has to run again from the
    /// start.
    fn fork(&self) -> Option<Box<dyn Module>> {
        None
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
    /// What it was asked and does not have, in words.
    pub unmodelled: Option<String>,
}

impl ModuleContext<'_> {
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

    /// Answers a request after a time, with all that a response can have.
    pub fn reply_after(&mut self, after: Duration, request: &Rc<Message>, response: Response, blob: Option<Blob>) {
        let reply = Reply { request: request.clone(), target: request.reply_to(), response, blob };
        self.out.push((after, Input::ModuleResponse(self.module.process, reply)));
    }

    /// Sends a request that expects nothing.
    pub fn tell(&mut self, target: Address, body: impl Into<Bytes>) {
        let request = Request { body: body.into(), ..Request::default() };
        let outgoing = Outgoing { target, request, context: None, blob: None };
        self.out.push((Duration::ZERO, Input::ModuleRequest(self.module.process, Box::new(outgoing))));
    }
}

/// The modules of a node that has just come up. The kernel, `state` and the terminal are not among them: what they
/// do is the kernel's and the world's.
pub fn all() -> Vec<(ProcessRef, Box<dyn Module>)> {
    let mut modules: Vec<(ProcessRef, Box<dyn Module>)> = vec![
        (ProcessRef::TIMER, Box::new(timer::Timer)),
        (ProcessRef::NET, Box::new(net::Net)),
        (ProcessRef::VFS, Box::new(vfs::Vfs::default())),
    ];
    let modelled = [ProcessRef::KERNEL, ProcessRef::STATE, ProcessRef::TERMINAL];
    let absent = ProcessRef::modules().filter(|id| !modelled.contains(id));
    let absent: Vec<_> = absent.filter(|id| modules.iter().all(|(there, _)| there != id)).collect();
    modules.extend(absent.into_iter().map(|id| (id, Box::new(Absent) as Box<dyn Module>)));
    modules
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
}

/// The start of a body, for saying what is not modelled.
fn excerpt(message: &Message) -> String {
    String::from_utf8_lossy(message.body()).chars().take(80).collect()
}
