//! The world: nodes, a network, a clock, and the order in which things happen.
//!
//! One run is one [`World`], from its scenario and its chooser to a [`Run`]. The world carries out what kernels want
//! (`carry`), asks the chooser wherever it could go more than one way, and records what happened. It decides
//! nothing that is in the contract: that is the kernels' business.

pub(crate) mod node;
pub(crate) mod operator;
pub(crate) mod queue;

mod backups;
mod bounds;
mod carry;
mod expectations;
mod faults;
mod fork;
mod lives;
mod network;
mod outside;
mod overdue;
mod recorder;
mod run;
mod script;
mod storage;
pub mod view;

use crate::disk::planted::Planted;
use crate::guest::image::{Images, Loader};
use crate::guest::wasm::Limits;
use crate::invariant::Invariants;
use crate::modules::Heard;
use crate::outside::Outside;
use crate::outside::chain::Chain;
use crate::plan::Site;
use crate::plan::chooser::{Chooser, Stream};
use crate::plan::detail::Count;
use crate::plan::site::SubjectRef;
use crate::plan::{Lines, fault};
use crate::scenario::{Flavor, Scenario, ScenarioError};
use crate::trace::Trace;
use crate::trace::event::{Event, What};
use crate::world::network::Network;
use crate::world::node::Node;
use crate::world::queue::Queue;
use crate::world::recorder::Recorder;
use kernel_core::{Cause, Duration, Effect, Input, Instant, Kernel, Message, Moment, Names, ProcessRef, Semantics};
use std::collections::VecDeque;
use std::rc::Rc;

pub use bounds::{Bounds, Spent};
pub use run::{Run, Verdict};

/// The virtual time from the start of a life to its first instruction (S7).
pub const START_COST: Duration = Duration::from_millis(10);
/// The virtual time of a call.
pub const CALL_COST: Duration = Duration::from_micros(10);
/// The virtual time in which a runtime module that does not use the disk serves a request.
pub const MODULE_COST: Duration = Duration::from_micros(100);
/// The virtual time of a turn at the disk.
pub const DISK_COST: Duration = Duration::from_micros(200);
/// The calm latency of a link.
pub const LATENCY: Duration = Duration::from_millis(20);

/// How a scenario is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which form of the programs.
    pub flavor: Flavor,
    /// Other rules than the scenario's.
    pub semantics: Option<Semantics>,
    /// What a Wasm guest may use up.
    pub limits: Limits,
    /// What a run may cost its host: one that reaches a bound ends with the verdict `limit` (M5).
    pub bounds: Bounds,
    /// Whether every event is kept, not only the last.
    pub keep_trace: bool,
    /// A bug in the simulator's own storage, to show that it is found.
    pub planted: Option<Planted>,
    /// Whether invariants, coverage and the trace see the events. Without them a run only shows what watching costs: it
    /// breaks nothing, reaches nothing, and its fingerprint is that of no events.
    pub watched: bool,
}

impl Options {
    /// The default options, but for programs in native Rust where they have that form.
    pub fn native() -> Options {
        Options { flavor: Flavor::Native, ..Options::default() }
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            flavor: Flavor::default(),
            semantics: None,
            limits: Limits::default(),
            bounds: Bounds::default(),
            keep_trace: false,
            planted: None,
            watched: true,
        }
    }
}

/// Something that is due.
#[derive(Clone)]
enum Task {
    /// A guest's next call, return or trap takes effect.
    Turn(usize, ProcessRef, u32),
    /// A kernel's deadline.
    Wake(usize, u32),
    /// The disk is done with what is first in line.
    Disk(usize, u32),
    /// A message comes over the network.
    Arrive(usize, Rc<Message>),
    /// A message turns out not to be deliverable.
    Offline(usize, u32, Rc<Message>),
    /// A module hears something, because of that event.
    Serve(usize, u32, ProcessRef, Cause, Heard),
    /// The chain goes on.
    Block,
    /// A module says something.
    Say(usize, u32, Cause, Box<Input>),
    /// A node comes up.
    Boot(usize, u32),
    /// A process is killed that was chosen some time ago.
    Kill(usize, u32, ProcessRef),
    /// It is time for a node's backup, and so long later for the next.
    Backup(usize, Duration),
    /// A line of the script.
    Script(usize),
    /// Faults are lifted.
    Lift,
    /// The run is over.
    End,
}

/// What part of the run it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Birth,
    Setup,
    Storm,
    Settling,
    Over,
}

/// One run, under way.
pub struct World<'s> {
    scenario: &'s Scenario,
    options: Options,
    names: Names,
    chooser: Chooser,
    nodes: Vec<Node>,
    network: Network,
    images: Images,
    outside: Outside,
    reorg: Stream<fault::Reorg>,
    queue: Queue<Task>,
    now: Instant,
    recorder: Recorder,
    effects: VecDeque<Effect>,
    buffer: Vec<Effect>,
    phase: Phase,
    /// Which lines of the script are played, if not all.
    played: Option<Lines>,
    overdue: overdue::Overdue,
    messages: u64,
    /// How often each of the scenario's expectations was seen met.
    met: Vec<u32>,
    spent: Spent,
    limit: Option<String>,
    flavored: bool,
    /// Whether guests can be made again: for worlds that are forked.
    keeps_answers: bool,
}

impl<'s> World<'s> {
    /// The world as a scenario has it, before anything happened.
    ///
    /// # Errors
    /// A scenario that names what it does not have.
    pub fn new(
        scenario: &'s Scenario,
        options: Options,
        chooser: Chooser,
        loader: &Loader,
    ) -> Result<World<'s>, ScenarioError> {
        let mut names = scenario.names()?;
        let ids: Vec<_> = scenario.nodes.iter().map(|node| names.node(node)).collect();
        let nodes = ids.iter().map(|id| Node::new(*id, &chooser)).collect();
        let reorg = chooser.open(SubjectRef::Chain);
        let native = scenario.programs.iter().filter_map(|program| program.native.clone()).collect();
        let semantics = options.semantics.clone().unwrap_or_else(|| scenario.semantics.clone());
        let invariants = options.watched.then(|| {
            let own = scenario.invariants.iter().map(|new| new());
            Invariants::with_own(crate::invariant::all(&semantics), own.collect())
        });
        let trace = if options.keep_trace { Trace::keeping_all() } else { Trace::default() };
        let mut world = World {
            scenario,
            options,
            names,
            chooser,
            nodes,
            network: Network::new(ids.len()),
            images: Images::new(loader.clone(), native),
            outside: Outside {
                nodes: ids,
                web: scenario.web.clone(),
                socket_servers: scenario.socket_servers.clone(),
                chain: scenario.chain.as_ref().map(Chain::new),
            },
            reorg,
            queue: Queue::default(),
            now: Instant::default(),
            recorder: Recorder::new(trace, invariants),
            effects: VecDeque::new(),
            buffer: Vec::new(),
            phase: Phase::Birth,
            played: None,
            overdue: overdue::Overdue::default(),
            messages: 0,
            met: vec![0; scenario.expect.len()],
            spent: Spent::default(),
            limit: None,
            flavored: false,
            keeps_answers: false,
        };
        world.chooser.lift(true);
        world.lay_out_packages()?;
        world.prepare_script()?;
        Ok(world)
    }

    /// Plays the scenario to its end.
    pub fn run(mut self) -> Run {
        self.begin();
        self.play_out()
    }

    /// The nodes come up, and the owners begin.
    pub(crate) fn begin(&mut self) {
        for node in 0..self.nodes.len() {
            self.boot(node);
        }
        self.begin_chain();
        self.begin_setup();
    }

    /// Does what is due next. False: the run is over.
    pub(crate) fn advance(&mut self) -> bool {
        if self.phase == Phase::Over || self.limit.is_some() || self.chooser.misfit(false).is_some() {
            return false;
        }
        let Some((at, task)) = self.queue.pop() else { return false };
        self.now = at;
        self.perform(task);
        self.follow_script();
        true
    }

    /// The sites that came up since this was last asked, if the chooser takes a census.
    pub(crate) fn new_sites(&mut self) -> Vec<Site> {
        self.chooser.take_sites()
    }

    /// Plays on from here to the end.
    pub(crate) fn play_out(mut self) -> Run {
        while self.advance() {}
        let misfit = self.chooser.misfit(true).cloned();
        if self.limit.is_none() && misfit.is_none() {
            // Nobody boots any more, and what a boot would find is to be seen all the same.
            for node in 0..self.nodes.len() {
                self.record_what_the_disk_has(node);
            }
            let idle = self.queue.is_empty();
            self.recorder.end(if idle { Instant(u64::MAX) } else { self.now }, &self.names);
            self.check_expectations();
        }
        self.into_run(misfit)
    }

    fn perform(&mut self, task: Task) {
        match task {
            Task::Turn(node, process, life) => self.take_turn(node, process, life),
            Task::Wake(node, boot) => self.wake(node, boot),
            Task::Disk(node, boot) => self.disk_done(node, boot),
            Task::Arrive(node, message) => self.arrive(node, message),
            Task::Offline(node, boot, message) => self.offline(node, boot, message),
            Task::Serve(node, boot, module, cause, heard) => self.serve(node, boot, module, cause, &heard),
            Task::Block => self.mine(),
            Task::Say(node, boot, cause, input) => {
                if self.is_up(node, boot) && self.before_step(node) {
                    self.step(node, cause, *input);
                }
            }
            Task::Boot(node, boot) => {
                if self.nodes[node].up.is_none() && self.nodes[node].boots == boot {
                    self.boot(node);
                }
            }
            Task::Kill(node, boot, victim) => {
                if self.is_up(node, boot) && self.phase == Phase::Storm {
                    self.kill(node, victim);
                }
            }
            Task::Backup(node, apart) => self.back_up(node, apart),
            Task::Script(line) => self.carry_out_line(line),
            Task::Lift => self.lift(),
            Task::End => self.phase = Phase::Over,
        }
    }

    // ---- recording --------------------------------------------------------------------------------------------

    /// Records what happened, and tells everybody who reads.
    fn record(&mut self, node: usize, cause: Option<Cause>, what: What) -> Cause {
        let cause = cause.unwrap_or_else(|| self.next_cause());
        let event = Event { at: self.now, node: self.nodes[node].id, cause, what };
        self.note_expected(&event);
        let index = self.recorder.record(event, &self.names);
        let events = self.options.bounds.events;
        if index.0 >= events {
            self.reached(format!("{events} events"));
        }
        index
    }

    /// The event that is recorded next: the cause of what nothing recorded has caused.
    fn next_cause(&self) -> Cause {
        self.recorder.trace.next()
    }

    // ---- kernels ----------------------------------------------------------------------------------------------

    fn is_up(&self, node: usize, boot: u32) -> bool {
        self.nodes[node].up.is_some() && self.nodes[node].boots == boot
    }

    /// One step of a node's kernel, and all that it brings about.
    fn step(&mut self, node: usize, cause: Cause, input: Input) {
        let up = self.nodes[node].up.as_mut().expect("only the kernel of a node that is up takes a step");
        let at = Moment { now: self.now, cause };
        let kernel: &mut Kernel = &mut up.kernel;
        kernel.step(&mut self.names, at, input, &mut self.buffer);
        debug_assert_eq!(kernel.check(), Ok(()), "a kernel agrees with itself after every step");
        self.effects.extend(self.buffer.drain(..));
        self.carry_out(node, cause);
        self.arm(node);
    }

    /// Sees to it that a node is woken at its kernel's next deadline, with at most one wake in the queue.
    fn arm(&mut self, node: usize) {
        let boot = self.nodes[node].boots;
        let Some(up) = &mut self.nodes[node].up else { return };
        let Some(deadline) = up.kernel.next_deadline() else { return };
        if up.armed.is_none_or(|armed| deadline < armed) {
            up.armed = Some(deadline);
            self.queue_in_order(node, deadline, Task::Wake(node, boot));
        }
    }

    fn wake(&mut self, node: usize, boot: u32) {
        if !self.is_up(node, boot) {
            return;
        }
        let now = self.now;
        let up = self.nodes[node].up.as_mut().expect("it is up");
        if up.armed != Some(now) {
            return;
        }
        up.armed = None;
        let due = up.kernel.next_deadline().is_some_and(|deadline| deadline <= now);
        if due && self.before_step(node) {
            let cause = self.next_cause();
            self.step(node, cause, Input::Wake);
        }
        self.arm(node);
    }

    /// Puts a task of a node into the queue, where it may have to wait behind others that are due at its instant.
    fn queue_in_order(&mut self, node: usize, at: Instant, task: Task) {
        let stream = &mut self.nodes[node].streams.order;
        let Count(rank) = self.chooser.ask(stream, &self.names, || ()).unwrap_or(Count(0));
        self.queue.push(at, rank, task);
    }
}
