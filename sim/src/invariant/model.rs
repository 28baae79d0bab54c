//! The reference model of the lifecycle: what must be, if the contract holds, in as few words as it takes.
//!
//! It is written against the contract alone. It hears what happens to processes (commands that are carried out, exits,
//! nodes that go down and come up, what a life asks for) and what lies on the disk, and from that knows which
//! processes must live, with which on-exit value, capabilities and saved state. The world's own record of these is
//! compared with it at every lifecycle event and at the end. It does not ask how something came about, nor in what
//! order, nor who was told: each of those is for the invariant of its rule.

use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, Life, What};
use kernel_core::command::Command;
use kernel_core::{
    Address, Answer, BackOff, Bytes, CallKind, Capabilities, Capability, Cause, Change, Duration, Exit, Instant,
    Message, Names, NodeId, OnExit, OnExitKind, ProcessRef, Record,
};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How long after the storm an exit may take to be durable, or a boot to start everybody.
const UNDER_WAY: Duration = Duration::from_secs(2);

/// What must be of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Must {
    /// Nothing of it runs.
    #[default]
    NotBe,
    /// It waits for its first run.
    Wait,
    /// It lives.
    Live(u32),
    /// It has exited, or its node came up, and it lives next (X.*.Restart).
    Return,
    /// It has exited or was killed: it is never to live again, and its row is to go.
    Go,
    /// Its node is down, it exited while nobody can say by which on-exit value, or nobody can say whose its first row is.
    Show,
}

/// A process, as it must be.
#[derive(Clone, Debug, Default)]
struct Process {
    must: Must,
    since: Instant,
    /// Its row on disk.
    row: Option<Rc<Record>>,
    /// An on-exit value that is on its way to the disk.
    next_on_exit: Option<OnExit>,
    /// The one that it has set itself, until that is on the disk.
    own_on_exit: Option<OnExit>,
    /// A command to initialize it is on its way to the disk, or was refused.
    is_initializing: bool,
    /// A child may take its name meanwhile: whose process the next row is does not show.
    is_contested: bool,
    /// What it must be once its first row is on the disk, if not wait for its run: it was killed meanwhile (E5), or killed
    /// and initialized anew, and whose row comes does not show.
    at_first_row: Option<Must>,
    /// What it, or somebody for it, has given up: its row may have it still.
    dropped: Capabilities,
    /// Its saved state, as it last was told.
    state: Option<Bytes>,
    /// What it has asked to be saved since: any of these may be on the disk instead.
    next_states: Vec<Option<Bytes>>,
    state_on_disk: Option<Bytes>,
    /// A life died while it saved: until a later save returns, it is unknown what a read finds.
    is_unsettled: bool,
}

/// All processes that ever were, by node.
type Processes = BTreeMap<(NodeId, ProcessRef), Process>;

/// The model of all nodes, and the comparison with what is.
#[derive(Clone, Debug)]
pub struct Model {
    back_off: BackOff,
    processes: Processes,
    /// What the processes of a node were at each of its backups (P5).
    cuts: BTreeMap<NodeId, Vec<Processes>>,
    /// A command that is carried out, unless the next event says that it was dropped.
    given: Option<(NodeId, Instant, Rc<Message>, Rc<Command>)>,
}

impl Model {
    /// Of kernels that put off restarts in this way.
    pub fn new(back_off: BackOff) -> Model {
        Model { back_off, processes: BTreeMap::new(), cuts: BTreeMap::new(), given: None }
    }

    fn process(&mut self, node: NodeId, id: ProcessRef) -> &mut Process {
        self.processes.entry((node, id)).or_default()
    }

    fn of_node(&mut self, node: NodeId) -> impl Iterator<Item = &mut Process> {
        self.processes.iter_mut().filter(move |((at, _), _)| *at == node).map(|(_, process)| process)
    }

    // ---- what happens to processes ----------------------------------------------------------------------------

    fn on_command(&mut self, node: NodeId, at: Instant, command: &Command) {
        match command {
            // E5: whatever it is doing.
            Command::Kill(id) if !id.is_module() => {
                let process = self.process(node, *id);
                match process.must {
                    Must::NotBe => {
                        let is_known = process.is_initializing && !process.is_contested;
                        process.at_first_row = is_known.then_some(Must::Go);
                    }
                    Must::Wait | Must::Live(_) | Must::Return | Must::Show => process.becomes(Must::Go, at),
                    Must::Go => {}
                }
            }
            Command::SetOnExit(id, value) => self.process(node, *id).next_on_exit = Some(value.clone()),
            Command::Drop(id, list) => self.process(node, *id).dropped.extend(list),
            Command::Initialize(init) => {
                let process = self.process(node, init.id);
                if process.must == Must::NotBe && !process.is_initializing {
                    process.dropped.clear();
                }
                // Of two at once the second is refused, and the first is still to be killed; if the first was refused,
                // this one is not.
                let was_killed = process.is_initializing && process.at_first_row.is_some();
                process.at_first_row = was_killed.then_some(Must::Show);
                (process.is_initializing, process.is_contested) = (true, false);
            }
            _ => {}
        }
    }

    /// The exit matrix, the row `down` aside.
    fn on_exited(&mut self, node: NodeId, life: Life, at: Instant) -> Result<(), String> {
        let process = self.process(node, life.process);
        let must = match process.on_exit() {
            _ if process.must != Must::Live(life.number) => return process.is_not("exits", life),
            None => Must::Show,
            Some(OnExitKind::Restart) => Must::Return,
            Some(OnExitKind::None | OnExitKind::Requests) => Must::Go,
        };
        process.forgets();
        process.becomes(must, at);
        Ok(())
    }

    /// X.down: whatever was not durable has not been.
    fn on_down(&mut self, node: NodeId, at: Instant) {
        for process in self.of_node(node) {
            process.forgets();
            (process.is_initializing, process.at_first_row) = (false, None);
            process.becomes(Must::Show, at);
        }
    }

    /// X.down: the rows say which processes come up, and which have ended.
    fn on_booted(&mut self, node: NodeId, at: Instant) {
        for process in self.of_node(node) {
            let must = match process.row.as_ref().map(|row| row.on_exit.kind()) {
                Some(OnExitKind::Restart) => Must::Return,
                Some(OnExitKind::None | OnExitKind::Requests) => Must::Go,
                None => Must::NotBe,
            };
            process.becomes(must, at);
        }
    }

    fn on_backed_up(&mut self, node: NodeId) {
        let here = self.processes.iter().filter(|((at, _), _)| *at == node);
        let cut = here.map(|(id, process)| (*id, process.clone())).collect();
        self.cuts.entry(node).or_default().push(cut);
    }

    /// P5: all is again as it was at the cut.
    fn on_restored(&mut self, node: NodeId, nth: u32, at: Instant) {
        let cut = self.cuts.get(&node).and_then(|cuts| cuts.get(nth as usize - 1)).cloned();
        self.processes.retain(|(other, _), _| *other != node);
        self.processes.extend(cut.unwrap_or_default());
        self.on_down(node, at);
    }

    // ---- what is compared -------------------------------------------------------------------------------------

    fn on_started(&mut self, node: NodeId, life: Life, at: Instant) -> Result<(), String> {
        let process = self.process(node, life.process);
        match process.must {
            Must::Wait | Must::Return | Must::Show => {
                process.is_unsettled |= !process.next_states.is_empty();
                process.becomes(Must::Live(life.number), at);
                Ok(())
            }
            Must::NotBe | Must::Live(_) | Must::Go => process.is_not("starts", life),
        }
    }

    fn on_put(&mut self, node: NodeId, id: ProcessRef, row: &Rc<Record>, at: Instant) -> Result<(), String> {
        // Nobody has a right to whom the table does not have: one that has ended, or may have, or never was written.
        let gone = |issuer: Address| {
            let process = self.processes.get(&(node, issuer.process));
            let ends = |process: &Process| matches!(process.must, Must::Go | Must::Show);
            let is_out = process.is_none_or(|process| process.row.is_none() || ends(process));
            issuer.node == node && !issuer.process.is_module() && is_out
        };
        // What a fall has left shows row by row: whose issuers are gone is not known before the last.
        let had = self.processes.get(&(node, id)).filter(|had| had.must != Must::Show);
        let kept = |had: &&Process, one: &Capability| !had.dropped.contains(one) && !gone(one.issuer);
        let lost = had.and_then(|had| {
            let before = had.row.as_ref()?.capabilities.iter();
            before.filter(|one| !row.capabilities.contains(one)).find(|one| kept(&had, one))
        });
        if lost.is_some() {
            return Err("has lost a capability that was neither dropped nor revoked".to_string());
        }
        let process = self.process(node, id);
        // Something may be dropped while the first row is on its way to the disk.
        let was_initializing = std::mem::take(&mut process.is_initializing);
        process.is_contested = false;
        if process.row.is_none() && !was_initializing {
            process.dropped.clear();
        }
        process.next_on_exit.take_if(|next| *next == row.on_exit);
        process.own_on_exit.take_if(|own| *own == row.on_exit);
        process.row = Some(row.clone());
        if process.must == Must::NotBe {
            let must = process.at_first_row.take().unwrap_or(Must::Wait);
            process.becomes(must, at);
        }
        Ok(())
    }

    fn on_remove(&mut self, node: NodeId, id: ProcessRef, at: Instant) -> Result<(), String> {
        let process = self.process(node, id);
        process.row = None;
        (process.next_on_exit, process.own_on_exit) = (None, None);
        match process.must {
            Must::Live(_) | Must::Return => Err("is taken off the disk, and nothing has ended it".to_string()),
            Must::NotBe | Must::Wait | Must::Go | Must::Show => {
                process.becomes(Must::NotBe, at);
                Ok(())
            }
        }
    }

    fn on_returned(&mut self, node: NodeId, life: Life, call: CallKind) -> Result<(), String> {
        let process = self.process(node, life.process);
        match call {
            CallKind::SetOnExit if process.own_on_exit.is_some() => {
                Err("set-on-exit returned, and the value is not on the disk".to_string())
            }
            CallKind::SetState | CallKind::ClearState => {
                let asked = process.next_states.drain(..).next_back();
                process.is_unsettled = false;
                match asked.filter(|asked| *asked == process.state_on_disk) {
                    Some(saved) => {
                        process.state = saved;
                        Ok(())
                    }
                    None => Err("set-state returned, and the state is not on the disk".to_string()),
                }
            }
            _ => Ok(()),
        }
    }

    /// P1: the old bytes or the new, at a boot and at any other time.
    fn on_state(&mut self, node: NodeId, id: ProcessRef, bytes: &Option<Bytes>) -> Result<(), String> {
        let process = self.process(node, id);
        process.state_on_disk.clone_from(bytes);
        if process.state == *bytes || process.next_states.contains(bytes) {
            Ok(())
        } else {
            Err("has neither its old state nor one that it asked for".to_string())
        }
    }

    fn on_learned(&mut self, node: NodeId, life: Life, answer: &Answer) -> Result<(), String> {
        let process = self.process(node, life.process);
        let row = process.row.as_ref().filter(|_| process.next_on_exit.is_none());
        match (answer, row) {
            (Answer::OnExit(told), Some(row)) if row.on_exit != *told => {
                Err(format!("has {:?}, and get-on-exit returns {:?}", row.on_exit.kind(), told.kind()))
            }
            (_, _) => Ok(()),
        }
    }

    /// One event; what is not as it must be, of the process at hand.
    fn compare(&mut self, event: &Event) -> Result<(), String> {
        let (node, at) = (event.node, event.at);
        match &event.what {
            What::Exited(life, Exit::Returned | Exit::Panicked, _) => self.on_exited(node, *life, at),
            What::Started(life) => self.on_started(node, *life, at),
            What::Killed(life) => {
                let process = self.process(node, life.process);
                process.forgets();
                if process.must == Must::Go { Ok(()) } else { process.is_not("is killed", *life) }
            }
            What::Down(_) | What::Failed(_) => {
                self.on_down(node, at);
                Ok(())
            }
            What::Booted(_) => {
                self.on_booted(node, at);
                Ok(())
            }
            What::BackedUp(_) => {
                self.on_backed_up(node);
                Ok(())
            }
            What::Restored(nth) => {
                self.on_restored(node, *nth, at);
                Ok(())
            }
            What::Durable(change) => match &**change {
                Change::Put(id, row) if !id.is_module() => self.on_put(node, *id, row, at),
                Change::Remove(id) if !id.is_module() => self.on_remove(node, *id, at),
                Change::Put(..) | Change::Remove(_) => Ok(()),
            },
            What::StateDurable(id, bytes) => self.on_state(node, *id, bytes),
            What::SetsOnExit(life, value) => {
                let process = self.process(node, life.process);
                process.next_on_exit = Some((**value).clone());
                process.own_on_exit.clone_from(&process.next_on_exit);
                Ok(())
            }
            What::SavesState(life, bytes) => {
                self.process(node, life.process).next_states.push(bytes.clone());
                Ok(())
            }
            What::DropsCapabilities(life, list) => {
                self.process(node, life.process).dropped.extend(list.iter());
                Ok(())
            }
            // Perhaps of a name whose initialization was refused. A child is initialized when its code is loaded, which
            // does not show: a kill may come before that, and then it is of nobody.
            What::Spawns(..) => {
                self.of_node(node).for_each(|process| (process.is_contested, process.at_first_row) = (true, None));
                Ok(())
            }
            What::Returned(life, call) => self.on_returned(node, *life, *call),
            What::ReadState(life, bytes) => {
                let process = self.process(node, life.process);
                if *bytes == process.state_on_disk || process.is_unsettled {
                    Ok(())
                } else {
                    Err("reads a state that is not the one on the disk".to_string())
                }
            }
            What::Learned(life, _, answer) => self.on_learned(node, *life, answer),
            _ => Ok(()),
        }
    }
}

impl Process {
    fn becomes(&mut self, must: Must, since: Instant) {
        (self.must, self.since) = (must, since);
    }

    /// The on-exit value in force; `None` while another one may be (E8).
    fn on_exit(&self) -> Option<OnExitKind> {
        self.row.as_ref().filter(|_| self.next_on_exit.is_none()).map(|row| row.on_exit.kind())
    }

    /// What a life asked for and was not told.
    fn forgets(&mut self) {
        (self.next_on_exit, self.own_on_exit) = (None, None);
    }

    fn is_not(&self, what: &str, life: Life) -> Result<(), String> {
        Err(format!("{what} as life {}, and {}", life.number, self.must.text()))
    }
}

impl Must {
    fn text(self) -> String {
        match self {
            Must::NotBe => "must not be there".to_string(),
            Must::Wait => "must wait for its run".to_string(),
            Must::Live(number) => format!("must live as {number}"),
            Must::Return => "must live again".to_string(),
            Must::Go => "must never live again".to_string(),
            Must::Show => "may or may not be there".to_string(),
        }
    }
}

/// Whom an event is about.
fn subject(event: &Event) -> Option<ProcessRef> {
    match &event.what {
        What::Durable(change) => match **change {
            Change::Put(id, _) | Change::Remove(id) => Some(id),
        },
        What::StateDurable(id, _) => Some(*id),
        what => what.life().map(|life| life.process),
    }
}

impl Invariant for Model {
    fn claim(&self) -> Claim {
        Claim::own("model", "who lives, with which on-exit value, capabilities and state, is as the model has it")
    }

    fn reads(&self) -> &'static [Kind] {
        &[
            Kind::Booted,
            Kind::Down,
            Kind::Failed,
            Kind::Started,
            Kind::Exited,
            Kind::Killed,
            Kind::Command,
            Kind::Dropped,
            Kind::Durable,
            Kind::StateDurable,
            Kind::SetsOnExit,
            Kind::SavesState,
            Kind::DropsCapabilities,
            Kind::Spawns,
            Kind::Returned,
            Kind::ReadState,
            Kind::Learned,
            Kind::BackedUp,
            Kind::Restored,
        ]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        if let Some((node, at, message, command)) = self.given.take() {
            let dropped = matches!(&event.what, What::Dropped(dropped, _) if Rc::ptr_eq(dropped, &message));
            if !dropped {
                self.on_command(node, at, &command);
            }
        }
        if let What::Command(message, command) = &event.what
            && message.target.node == event.node
        {
            self.given = Some((event.node, event.at, message.clone(), command.clone()));
        }
        let who = || subject(event).map_or("a process".to_string(), |id| names.process_text(id).to_string());
        self.compare(event).map_err(|wrong| format!("{} {wrong}", who()))
    }

    /// Nobody is still on the way to what it must be.
    fn at_end(&mut self, past: &Past, names: &Names) -> Result<(), String> {
        let over = |since: Instant| since.max(past.lifted_at.unwrap_or_default()) + UNDER_WAY <= past.now;
        let late = |process: &&Process| match process.must {
            Must::Return => self.back_off == BackOff::Off,
            Must::Go => process.row.is_some(),
            Must::NotBe | Must::Wait | Must::Live(_) | Must::Show => false,
        };
        let mut all = self.processes.iter().filter(|(_, process)| over(process.since));
        match all.find(|(_, process)| late(process)) {
            Some(((_, id), process)) => {
                Err(format!("{} {}, and the trace shows otherwise", names.process_text(*id), process.must.text()))
            }
            None => Ok(()),
        }
    }
}
