//! What the deviating kernels do, as verbs, and what they remember for it.
//!
//! The book's code asks a verb where a runtime behaves otherwise, and knows nothing more of it. A kernel that goes by
//! the book leaves all of [`Quirks`] empty.

use crate::capability::Capabilities;
use crate::deviation::Deviation;
use crate::effect::{Change, LifeId};
use crate::kernel::{Context, Kernel};
use crate::message::{Content, Message, MessageId, Request};
use crate::name::ProcessRef;
use crate::on_exit::OnExitKind;
use crate::process::{Incoming, Process, Status};
use crate::semantics::RestartHistory;
use crate::{Effect, Instant};
use channel::Channels;
use orphans::Orphan;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

mod channel;
mod ends;
mod messages;
mod orphans;
mod rights;
mod starts;
mod writes;

pub(crate) use channel::Held;

/// The deviating kernels' memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Quirks {
    /// D13, D14, D29, D30, D41: what the event loop waits for.
    channels: Channels,
    /// D35, D43: whether the boot is over.
    booted: bool,
    /// D4: Requests processes that were booted, and fire all the same.
    fires_at_boot: Vec<ProcessRef>,
    /// D43: who was run before the boot was over.
    early_runs: Vec<ProcessRef>,
    /// D6, D9: who has issued a capability since this boot.
    issuers: BTreeSet<ProcessRef>,
    /// D3, D6: rows that the next write of anybody takes off the disk.
    unwritten: BTreeSet<ProcessRef>,
    /// D31: processes that have ended since the boot: each write says that they are gone.
    ended: BTreeSet<ProcessRef>,
    /// D10: the on-exit behaviour with which each process was initialized or booted.
    began_as: BTreeMap<ProcessRef, OnExitKind>,
    /// D12: what came before the run, and until when it is queued behind what comes.
    overtaken: BTreeMap<ProcessRef, (Instant, Vec<Incoming>)>,
    /// D2: restarts at once that are queued behind what the loop has to do.
    queued_restarts: BTreeSet<ProcessRef>,
    /// D22: the process that waits in `get-state`.
    reads_state: BTreeSet<ProcessRef>,
    /// D25, D28: lives that are over and still compute.
    orphans: BTreeMap<LifeId, Orphan>,
    /// D32: what each process was initialized with.
    initial: BTreeMap<ProcessRef, Capabilities>,
    /// D36: whether the kernel's own row was removed.
    kernel_is_gone: bool,
    /// D37: the restart histories of processes that have ended.
    histories: BTreeMap<ProcessRef, RestartHistory>,
    /// D40: requests that settled while their sender awaited another one.
    settled_late: BTreeSet<(ProcessRef, MessageId)>,
}

impl Kernel {
    /// Whether the kernel shows this deviation.
    fn has(&self, deviation: Deviation) -> bool {
        self.semantics.has(deviation)
    }

    /// D7, D26, D38, D43: a running process gets a message `run` from the kernel.
    fn send_stray_run(&mut self, target: ProcessRef, cx: &mut Context<'_>) {
        let content = Content::Request(Request { body: "run".into(), ..Request::default() });
        let (id, source) = (MessageId(self.fresh_id()), self.address(ProcessRef::KERNEL));
        let target_address = self.address(target);
        let message =
            Message { id, source, target: target_address, rsvp: None, content, blob: None, cause: cx.at.cause };
        let message = Rc::new(message);
        cx.emit(Effect::Sent(message.clone()));
        self.put_in_mailbox(target, Incoming::Request(message), cx);
    }

    /// Whether a process has a life: one that the table calls running may have none (D8, D13, D24).
    fn has_life(process: &Process) -> bool {
        matches!(process.status, Status::Running(_)) && process.life.run != LifeId::default()
    }

    /// D16, D38, D40: whether a timer may outlive what it is for, or be outlived by it.
    pub(crate) fn has_stray_timers(&self) -> bool {
        [Deviation::InheritedIdReused, Deviation::BackOffFreesId, Deviation::AwaitSettlesTwice]
            .iter()
            .any(|deviation| self.has(*deviation))
    }

    /// Whether this life of a process is the present one.
    fn is_present(&self, id: ProcessRef, run: LifeId) -> bool {
        self.processes.get(id).is_some_and(|process| process.life.run == run)
    }
}

/// A removal, for the disk.
fn removal(id: &ProcessRef) -> Change {
    Change::Remove(*id)
}
