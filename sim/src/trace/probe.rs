//! Probes: what should happen sometimes. An exploration that never sees one has missed a part of the space.
//!
//! They are folded over the trace like coverage. Unlike an invariant, a probe is never violated.

use crate::trace::event::{Event, What};
use kernel_core::command::Command;
use kernel_core::{Change, DropReason, NodeId, OnExitKind, ProcessRef, SendErrorKind};

/// Something that should be seen at least once by many runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)] // Each says what it is in `says`.
pub enum Probe {
    FallWhileSettling,
    FallWhileBooting,
    FallWhileSaving,
    WriteOutlivesFall,
    WriteRefused,
    AllDown,
    OfflineAndTimeout,
    LossBothWays,
    RestartLoop,
    KillWhileEnding,
    KillInBackOff,
    KillBeforeRun,
    KillWhileSpinning,
    InitializeWhileEnding,
    OrphanedSpawn,
    FiredAtBoot,
    FiredAtNobody,
    LateAnswer,
    ClockJumped,
}

impl Probe {
    /// All of them.
    pub const ALL: [Probe; 19] = [
        Probe::FallWhileSettling,
        Probe::FallWhileBooting,
        Probe::FallWhileSaving,
        Probe::WriteOutlivesFall,
        Probe::WriteRefused,
        Probe::AllDown,
        Probe::OfflineAndTimeout,
        Probe::LossBothWays,
        Probe::RestartLoop,
        Probe::KillWhileEnding,
        Probe::KillInBackOff,
        Probe::KillBeforeRun,
        Probe::KillWhileSpinning,
        Probe::InitializeWhileEnding,
        Probe::OrphanedSpawn,
        Probe::FiredAtBoot,
        Probe::FiredAtNobody,
        Probe::LateAnswer,
        Probe::ClockJumped,
    ];

    /// What is seen, after "sometimes".
    pub fn says(self) -> &'static str {
        match self {
            Probe::FallWhileSettling => "a node goes down again while its disk settles, before it is up",
            Probe::FallWhileBooting => "a node goes down in its recovery: up again, and nobody on it has made a call",
            Probe::FallWhileSaving => "a node goes down under a process that is saving its state",
            Probe::WriteOutlivesFall => "a write that a fall interrupted turns out to be on the disk",
            Probe::WriteRefused => "the disk refuses a write",
            Probe::AllDown => "all of several nodes are down",
            Probe::OfflineAndTimeout => "one run has requests that meet Offline, and others that meet Timeout",
            Probe::LossBothWays => "messages are lost on both ways between two nodes",
            Probe::RestartLoop => "a process is restarted five times in one boot",
            Probe::KillWhileEnding => "a kill comes to a process that is ending",
            Probe::KillInBackOff => "a kill comes to a process that is to be restarted and does not run",
            Probe::KillBeforeRun => "a kill comes to a process that is initialized and has not run",
            Probe::KillWhileSpinning => "a process is killed while it computes",
            Probe::InitializeWhileEnding => "an initialize comes for a process that is ending",
            Probe::OrphanedSpawn => "a life ends while it waits for the child that it spawns",
            Probe::FiredAtBoot => "on-exit requests are fired at a boot",
            Probe::FiredAtNobody => "an on-exit request is fired at a target that is not there",
            Probe::LateAnswer => "an answer comes that nobody waits for any more",
            Probe::ClockJumped => "a guest reads a clock that has jumped",
        }
    }
}

/// How often each probe was seen: in how many runs, or whether in this one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Probes {
    runs: [u64; Probe::ALL.len()],
    nodes: Vec<Node>,
    offline: bool,
    timeout: bool,
    /// The ways on which messages were lost.
    lost: Vec<(NodeId, NodeId)>,
}

/// What is known of a node while a run goes on.
#[derive(Clone, Debug, Default, PartialEq)]
struct Node {
    up: bool,
    boots: u32,
    /// Whether any process has made a call since it booted.
    called: bool,
    processes: Vec<Process>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Process {
    on_exit: Option<OnExitKind>,
    lives: bool,
    /// How often it has started since its node booted, or it was initialized.
    starts: u32,
    saving: bool,
    spawning: bool,
    spinning: bool,
}

impl Process {
    /// Its exit has not taken effect.
    fn is_ending(self) -> bool {
        self.starts > 0 && !self.lives && !matches!(self.on_exit, None | Some(OnExitKind::Restart))
    }
}

impl Probes {
    /// In how many runs it was seen.
    pub fn seen(&self, probe: Probe) -> u64 {
        self.runs[probe as usize]
    }

    /// Adds what another run has seen.
    pub fn add(&mut self, other: &Probes) {
        self.runs.iter_mut().zip(other.runs).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// All counts, in the order of the probes.
    #[cfg(feature = "cli")]
    pub(super) fn counts(&mut self) -> impl Iterator<Item = &mut u64> {
        self.runs.iter_mut()
    }

    fn see(&mut self, probe: Probe) {
        self.runs[probe as usize] = 1;
    }

    fn see_if(&mut self, seen: bool, probe: Probe) {
        if seen {
            self.see(probe);
        }
    }

    fn node(&mut self, node: NodeId) -> &mut Node {
        let index = node.0 as usize;
        if self.nodes.len() <= index {
            self.nodes.resize_with(index + 1, Node::default);
        }
        &mut self.nodes[index]
    }

    fn process(&mut self, node: NodeId, process: ProcessRef) -> &mut Process {
        let processes = &mut self.node(node).processes;
        let index = process.0 as usize;
        if processes.len() <= index {
            processes.resize(index + 1, Process::default());
        }
        &mut processes[index]
    }

    /// Takes in an event of a run.
    pub fn on_event(&mut self, event: &Event) {
        let node = event.node;
        match &event.what {
            What::Booted(_) => {
                let node = self.node(node);
                (node.up, node.called) = (true, false);
                node.boots += 1;
                node.processes.iter_mut().for_each(|process| process.starts = 0);
            }
            What::Down(_) => self.on_down(node),
            What::Started(life) => {
                let process = self.process(node, life.process);
                *process =
                    Process { on_exit: process.on_exit, lives: true, starts: process.starts + 1, ..Process::default() };
                let loops = process.starts > 5;
                self.see_if(loops, Probe::RestartLoop);
            }
            What::Called(life, ..) => {
                self.node(node).called = true;
                self.process(node, life.process).spinning = false;
            }
            What::Spun(life, _) => self.process(node, life.process).spinning = true,
            What::SavesState(life, _) => self.process(node, life.process).saving = true,
            What::Returned(life, _) => self.process(node, life.process).saving = false,
            What::Spawns(life, _) => self.process(node, life.process).spawning = true,
            What::Spawned(life, _) => self.process(node, life.process).spawning = false,
            What::Exited(life, ..) => self.on_end(node, life.process),
            What::Killed(life) => {
                let spun = self.process(node, life.process).spinning;
                self.see_if(spun, Probe::KillWhileSpinning);
                self.on_end(node, life.process);
            }
            What::Lost(life) => {
                let saving = self.process(node, life.process).saving;
                self.see_if(saving, Probe::FallWhileSaving);
                self.on_end(node, life.process);
            }
            What::Command(_, command) => self.on_command(node, command),
            What::Sent(message) => {
                let from = message.source.process;
                if from.is_module() || message.source.node != node {
                    return;
                }
                let process = *self.process(node, from);
                self.see_if(!process.lives && process.starts == 0, Probe::FiredAtBoot);
            }
            What::Dropped(message, reason) => self.on_dropped(node, message.source.process, *reason),
            What::ReceivedError(_, kind, ..) => {
                match kind {
                    SendErrorKind::Offline => self.offline = true,
                    SendErrorKind::Timeout => self.timeout = true,
                }
                let both = self.offline && self.timeout;
                self.see_if(both, Probe::OfflineAndTimeout);
            }
            What::NetworkLost(message) => {
                let way = (message.source.node, message.target.node);
                if !self.lost.contains(&way) {
                    self.lost.push(way);
                }
                let both = self.lost.contains(&(way.1, way.0));
                self.see_if(both, Probe::LossBothWays);
            }
            What::Durable(change) => {
                self.see_if(self.is_fallen(node), Probe::WriteOutlivesFall);
                match &**change {
                    Change::Put(id, record) => self.process(node, *id).on_exit = Some(record.on_exit.kind()),
                    Change::Remove(id) => *self.process(node, *id) = Process::default(),
                }
            }
            What::StateDurable(..) => self.see_if(self.is_fallen(node), Probe::WriteOutlivesFall),
            What::WriteRefused => self.see(Probe::WriteRefused),
            What::ClockJumped(_) => self.see(Probe::ClockJumped),
            _ => {}
        }
    }

    /// Whether it has been up, and is not.
    fn is_fallen(&self, node: NodeId) -> bool {
        self.nodes.get(node.0 as usize).is_some_and(|node| !node.up && node.boots > 0)
    }

    fn on_down(&mut self, id: NodeId) {
        let node = self.node(id);
        let (was_up, recovering) = (node.up, node.boots > 1 && !node.called);
        node.up = false;
        self.see_if(!was_up, Probe::FallWhileSettling);
        self.see_if(was_up && recovering, Probe::FallWhileBooting);
        let all = self.nodes.len() > 1 && self.nodes.iter().all(|node| !node.up);
        self.see_if(all, Probe::AllDown);
    }

    fn on_end(&mut self, node: NodeId, process: ProcessRef) {
        let process = self.process(node, process);
        let spawned = process.spawning;
        (process.lives, process.saving, process.spawning, process.spinning) = (false, false, false, false);
        self.see_if(spawned, Probe::OrphanedSpawn);
    }

    fn on_command(&mut self, node: NodeId, command: &Command) {
        match command {
            Command::Kill(id) => {
                let process = *self.process(node, *id);
                let (there, started) = (process.on_exit.is_some() && !process.lives, process.starts > 0);
                self.see_if(process.is_ending(), Probe::KillWhileEnding);
                self.see_if(there && started && !process.is_ending(), Probe::KillInBackOff);
                self.see_if(there && !started, Probe::KillBeforeRun);
            }
            Command::Initialize(init) => {
                let ending = self.process(node, init.id).is_ending();
                self.see_if(ending, Probe::InitializeWhileEnding);
            }
            _ => {}
        }
    }

    fn on_dropped(&mut self, node: NodeId, from: ProcessRef, reason: DropReason) {
        self.see_if(reason == DropReason::NotAwaited, Probe::LateAnswer);
        if reason == DropReason::NotRunning && !from.is_module() {
            let dead = !self.process(node, from).lives;
            self.see_if(dead, Probe::FiredAtNobody);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Down;
    use crate::trace::event::Life;
    use kernel_core::{CallKind, Cause, Instant};

    const LIFE: Life = Life { process: ProcessRef(100), number: 1 };

    /// What is seen of these events, each on a node.
    fn seen(events: Vec<(u32, What)>) -> Vec<Probe> {
        let mut probes = Probes::default();
        for (node, what) in events {
            probes.on_event(&Event { at: Instant(0), node: NodeId(node), cause: Cause(0), what });
        }
        Probe::ALL.into_iter().filter(|probe| probes.seen(*probe) > 0).collect()
    }

    #[test]
    fn a_fall_is_told_by_how_far_the_boot_had_come() {
        use What::{Booted, Called, Started};
        let (down, call) = (|| What::Down(Down::Crash), || Called(LIFE, CallKind::Receive, None));
        assert_eq!(seen(vec![(0, Booted(1)), (0, down())]), []);
        let fallen = || vec![(0, Booted(1)), (0, down()), (0, Booted(2)), (0, Started(LIFE))];
        assert_eq!(seen([fallen(), vec![(0, call()), (0, down())]].concat()), []);
        assert_eq!(seen([fallen(), vec![(0, down())]].concat()), [Probe::FallWhileBooting]);
        assert_eq!(seen(vec![(0, Booted(1)), (0, down()), (0, down())]), [Probe::FallWhileSettling]);
        let two = |more: Vec<(u32, What)>| seen([vec![(0, Booted(1)), (1, Booted(1)), (1, down())], more].concat());
        assert_eq!(two(vec![]), []);
        assert_eq!(two(vec![(0, down())]), [Probe::AllDown]);
    }

    #[test]
    fn a_kill_is_told_by_what_the_process_was_doing() {
        let spun = What::Spun(LIFE, kernel_core::Duration::from_secs(1));
        let (started, killed) = (What::Started(LIFE), What::Killed(LIFE));
        assert_eq!(seen(vec![(0, started.clone()), (0, killed.clone())]), []);
        let spinning = vec![(0, started.clone()), (0, spun.clone()), (0, killed.clone())];
        assert_eq!(seen(spinning), [Probe::KillWhileSpinning]);
        let call = What::Called(LIFE, CallKind::Receive, None);
        assert_eq!(seen(vec![(0, started), (0, spun), (0, call), (0, killed)]), []);
    }

    #[test]
    fn a_run_counts_once() {
        let mut all = Probes::default();
        let mut run = Probes::default();
        run.see(Probe::LateAnswer);
        run.see(Probe::LateAnswer);
        all.add(&run);
        all.add(&run);
        assert_eq!((all.seen(Probe::LateAnswer), all.seen(Probe::AllDown)), (2, 0));
    }
}
