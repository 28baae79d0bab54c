//! Runtime modules at work, and what comes to them from outside of the nodes: visitors, and the chain.

use super::{MODULE_COST, Task, World};
use crate::catch_panic::catch_panic;
use crate::disk::{IoFault, Op};
use crate::invariant::OwnPanic;
use crate::modules::{Heard, ModuleContext};
use crate::outside::visit::{Sight, Visit};
use crate::plan::ProviderFault;
use crate::plan::detail::Count;
use crate::trace::event::What;
use crate::world::node::{Node, Up};
use kernel_core::{Address, Cause, ProcessRef};
use std::rc::Rc;

impl World<'_> {
    // ---- modules ----------------------------------------------------------------------------------------------

    /// A module hears something for which it needs no disk.
    pub(super) fn serve(&mut self, node: usize, boot: u32, module: ProcessRef, cause: Cause, heard: &Heard) {
        if self.is_up(node, boot) {
            let ops = self.ask_module(node, module, cause, heard, None);
            assert!(ops.is_empty(), "a module that does not use the disk leaves it alone");
        }
    }

    /// Tells a module something. What it says becomes due; what it wants done to the disk is returned.
    pub(super) fn ask_module(
        &mut self,
        node: usize,
        module: ProcessRef,
        cause: Cause,
        heard: &Heard,
        fault: Option<IoFault>,
    ) -> Vec<Op> {
        let provider = (module == ProcessRef::ETH).then(|| self.provider_fault(node)).flatten();
        let (boot, id) = (self.nodes[node].boots, self.nodes[node].id);
        let Node { up, disk, .. } = &mut self.nodes[node];
        let Up { modules, kernel, .. } = up.as_mut().expect("modules serve on nodes that are up");
        let served = modules[module.0 as usize].as_mut().expect("only a module that there is gets requests");
        let address = Address { node: id, process: module };
        let (session, outside) = (disk.session(fault), &mut self.outside);
        let mut cx = ModuleContext::new(address, self.now, &mut self.names, session, kernel, outside);
        cx.provider = provider;
        let own = self.scenario.modules.iter().find(|(id, _)| cx.names.process(id) == module);
        let panicked = match own {
            None => {
                heard.tell(served.as_mut(), &mut cx);
                None
            }
            Some((id, _)) => {
                let told = catch_panic(|| heard.tell(served.as_mut(), &mut cx));
                told.err().map(|text| OwnPanic::of_module(id, text, cause))
            }
        };
        let ModuleContext { disk: session, out, facts, wakes, unmodelled, nanos, .. } = cx;
        if let Some(panic) = panicked {
            disk.finish(session);
            self.recorder.add_panic(panic);
            return Vec::new();
        }
        let refused = session.refused();
        let ops = disk.finish(session);
        self.spend_of_host(nanos);
        if let Some(fault) = refused {
            self.record(node, Some(cause), What::IoRefused(module, fault));
        }
        if let Some(text) = unmodelled {
            self.record(node, Some(cause), What::Unmodelled(module, text.into()));
        }
        for fact in facts {
            self.record(node, Some(cause), fact);
        }
        for (after, input) in out {
            let at = self.now + after;
            self.queue_in_order(node, at, Task::Say(node, boot, cause, Box::new(input)));
        }
        for (after, number) in wakes {
            let at = self.now + after;
            self.queue_in_order(node, at, Task::Serve(node, boot, module, cause, Heard::Wake(number)));
        }
        ops
    }

    /// How a node's provider of the chain fails now, if it does.
    fn provider_fault(&mut self, node: usize) -> Option<ProviderFault> {
        self.outside.chain.as_ref()?;
        let stream = &mut self.nodes[node].streams.provider;
        self.chooser.ask(stream, &self.names, || ())
    }

    // ---- visitors ---------------------------------------------------------------------------------------------

    /// A visitor with a browser does something at a node.
    pub(super) fn visit(&mut self, node: usize, visit: &Visit) {
        let visit = Rc::new(visit.clone());
        let cause = self.record(node, None, What::Visited(visit.clone()));
        if self.nodes[node].up.is_none() {
            self.record(node, Some(cause), What::Shown(Rc::new(Sight::NobodyThere)));
            return;
        }
        let (boot, at) = (self.nodes[node].boots, self.now + MODULE_COST);
        let task = Task::Serve(node, boot, ProcessRef::HTTP_SERVER, cause, Heard::Visit(visit));
        self.queue_in_order(node, at, task);
    }

    // ---- the chain --------------------------------------------------------------------------------------------

    /// The first block is there; the next comes in its time.
    pub(super) fn begin_chain(&mut self) {
        if let Some(chain) = &self.outside.chain {
            let at = self.now + chain.block_time();
            self.queue.push(at, 0, Task::Block);
        }
    }

    /// The chain goes on by a block, and every node that is up hears of it.
    pub(super) fn mine(&mut self) {
        let Count(replaced) = self.chooser.ask(&mut self.reorg, &self.names, || ()).unwrap_or(Count(0));
        let chain = self.outside.chain.as_mut().expect("blocks are mined on a chain");
        let news = Rc::new(chain.mine(self.now, replaced));
        let at = self.now + chain.block_time();
        let cause = self.record(0, None, What::News(news.clone()));
        for node in 0..self.nodes.len() {
            if self.nodes[node].up.is_some() {
                let (boot, soon) = (self.nodes[node].boots, self.now + MODULE_COST);
                let heard = Heard::News(news.clone());
                self.queue_in_order(node, soon, Task::Serve(node, boot, ProcessRef::ETH, cause, heard));
            }
        }
        self.queue.push(at, 0, Task::Block);
    }
}
