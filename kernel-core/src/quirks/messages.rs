//! How messages go astray: D11, D12, D15, D16, D20, D35, D40.

use crate::address::Address;
use crate::call::Answer;
use crate::capability::{Capabilities, Capability};
use crate::deviation::Deviation;
use crate::effect::{DropReason, LifeId};
use crate::input::{Refused, StateDone};
use crate::kernel::{Context, Kernel, Timer};
use crate::message::{Message, MessageId};
use crate::name::{Names, ProcessRef};
use crate::process::{Activity, Incoming, Outstanding, Status};
use crate::time::{Duration, Instant};

/// How long after a run messages overtake those that came before it (D12).
const OVERTAKES: Duration = Duration::from_millis(1);

impl Kernel {
    /// D16: the id that a request which inherits and expects a response takes over.
    pub(crate) fn reused_id(&self, prompt: Option<&Message>) -> Option<MessageId> {
        prompt.filter(|_| self.has(Deviation::InheritedIdReused)).map(|prompt| prompt.id)
    }

    /// D20: whether a message is taken for a command, though its target is not the kernel.
    pub(crate) fn mistakes_for_kernel(&self, target: ProcessRef, names: &Names) -> bool {
        self.has(Deviation::AnyKernelCommands) && names.process_id(target).process == "kernel"
    }

    /// D40: a request settles while its sender awaits another one. It stays outstanding until the sender receives how.
    pub(crate) fn settles_late(&mut self, id: ProcessRef, message: MessageId) -> Option<Outstanding> {
        if !self.has(Deviation::AwaitSettlesTwice) {
            return None;
        }
        let process = self.processes.get(id)?;
        match process.status {
            Status::Running(Activity::Awaiting(awaited)) if awaited != message => {
                let outstanding = process.life.outstanding.get(&message).cloned()?;
                self.quirks.settled_late.insert((id, message));
                Some(outstanding)
            }
            _ => None,
        }
    }

    /// D40: a process receives how a request settled: the first time with its context, then without.
    pub(crate) fn receive_late(&mut self, id: ProcessRef, incoming: &mut Incoming) {
        let Incoming::Settled(_, settled) = incoming else { return };
        let message = settled.message.id;
        if !self.quirks.settled_late.contains(&(id, message)) {
            return;
        }
        let Some(process) = self.processes.get_mut(id) else { return };
        match process.life.outstanding.swap_remove(&message) {
            Some(outstanding) => {
                self.timers.remove(&(outstanding.deadline, Timer::Timeout(id, message)));
            }
            None => settled.context = None,
        }
    }

    // ---- before the run -------------------------------------------------------------------------------------------

    /// D12: a process is run; what came before is queued again in a millisecond.
    pub(crate) fn requeue_early(&mut self, id: ProcessRef, now: Instant) {
        if !self.has(Deviation::EarlyMessagesOvertaken) {
            return;
        }
        let Some(process) = self.processes.get_mut(id) else { return };
        let early: Vec<Incoming> = process.life.mailbox.drain(..).collect();
        if !early.is_empty() {
            self.quirks.overtaken.insert(id, (now + OVERTAKES, early));
        }
    }

    /// D12: what came before the run is in the mailbox again, if it is time; or if its owner `wants` a message.
    pub(crate) fn take_early(&mut self, id: ProcessRef, now: Instant, wants: bool) {
        if self.quirks.overtaken.get(&id).is_some_and(|(until, _)| wants || *until <= now)
            && let Some((_, early)) = self.quirks.overtaken.remove(&id)
            && let Some(process) = self.processes.get_mut(id)
        {
            process.life.mailbox.extend(early);
        }
    }

    // ---- blobs ----------------------------------------------------------------------------------------------------

    /// D15: a state call decides whether the last message had a blob.
    pub(crate) fn forget_blob_in_state_call(&mut self, id: ProcessRef, result: &Result<StateDone, Refused>) {
        if self.has(Deviation::BlobForgotten)
            && let Some(process) = self.processes.get_mut(id)
        {
            process.life.blobbed = matches!(result, Ok(StateDone::Got(Some(_))));
        }
    }

    /// D15: a spawn does.
    pub(crate) fn forget_blob_in_spawn(&mut self, id: ProcessRef, run: LifeId, answer: &Answer) {
        if self.has(Deviation::BlobForgotten)
            && matches!(answer, Answer::Spawned(_))
            && let Some(process) = self.processes.get_mut(id).filter(|process| process.life.run == run)
        {
            process.life.blobbed = false;
        }
    }

    // ---- on-exit requests -----------------------------------------------------------------------------------------

    /// D11: whether on-exit requests carry what they like.
    pub(crate) fn fires_unchecked(&self) -> bool {
        self.has(Deviation::OnExitRequestsUnchecked)
    }

    /// C1 for an on-exit request. D35: at boot the process must hold its capability, even if the target is public.
    pub(crate) fn may_fire(
        &self,
        exited: ProcessRef,
        capabilities: &Capabilities,
        target: Address,
        cx: &Context<'_>,
    ) -> Result<(), DropReason> {
        let local = target.node == self.our;
        let asked = self.has(Deviation::BootRequestsNeedMessaging) && !self.quirks.booted && local;
        if asked && !capabilities.contains(&Capability::messaging(target)) {
            return Err(DropReason::NoCapability);
        }
        self.may_reach(exited, capabilities, target, cx.names)
    }
}
