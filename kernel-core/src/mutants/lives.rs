//! Mutants of E3, E10 and S5: what goes over from one life to the next.

use super::Mutant;
use crate::effect::Effect;
use crate::kernel::Timer;
use crate::on_exit::OnExit;
use crate::on_exit::OnExitKind;
use crate::process::Status;
use crate::rule::How::{Panic, Return};
use crate::rule::Rule::{C3, C4, E3, E10, E12, M3, S5, X};
use crate::time::Duration;

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("restart-keeps-the-mailbox", &[E10, S5], "what the last life had not received, the next one does")
        .after(|s| {
            if let Some((now, was)) = s.restarted() {
                now.life.mailbox = was.life.mailbox.clone();
            }
        }),
    Mutant::new("restart-keeps-the-outstanding", &[E10, S5], "what the last life asked, the next one is answered")
        .after(|s| {
            let Some((now, was)) = s.restarted() else { return };
            now.life.outstanding = was.life.outstanding.clone();
            let Some(crate::Input::Exited { process, .. }) = s.input else { return };
            let due = s.was.timers.iter().filter(|(_, timer)| matches!(timer, Timer::Timeout(id, _) if *id == process));
            s.kernel.timers.extend(due);
        }),
    Mutant::new("restart-keeps-the-blob", &[E10, S5, M3], "the last blob of a life is the next one's, too").after(
        |s| {
            if let Some((now, was)) = s.restarted() {
                (now.life.last_blob, now.life.blobbed) = (was.life.last_blob.clone(), was.life.blobbed);
            }
        },
    ),
    Mutant::new("restart-keeps-the-prompt", &[E10, S5, M3], "a life may answer what was asked of the one before")
        .after(|s| {
            if let Some((now, was)) = s.restarted() {
                now.life.prompting = was.life.prompting.clone();
            }
        }),
    Mutant::new("restart-keeps-what-came", &[E10, S5, C3, C4], "a life may save what came to the one before").after(
        |s| {
            if let Some((now, was)) = s.restarted() {
                now.life.received = was.life.received.clone();
            }
        },
    ),
    Mutant::new("restart-loses-capabilities", &[E3, S5], "a restart takes the capabilities").after(|s| {
        if let Some((now, _)) = s.restarted() {
            now.capabilities.clear();
        }
    }),
    Mutant::new(
        "restart-loses-on-exit",
        &[E3, X(Panic, OnExitKind::Restart), X(Return, OnExitKind::Restart)],
        "a restarted process is None from then on",
    )
    .after(|s| {
        if let Some((now, _)) = s.restarted() {
            now.on_exit = OnExit::None;
        }
    }),
    Mutant::new("restart-closes-the-door", &[E3], "who was public is not after a restart").after(|s| {
        if let Some((now, _)) = s.restarted() {
            now.public = false;
        }
    }),
    Mutant::new("restart-tarries", &[E3], "a restart comes a second late").after(|s| {
        let until = s.at.now + Duration::from_secs(1);
        let Some((now, _)) = s.restarted() else { return };
        now.status = Status::BackingOff;
        now.life.run = crate::LifeId::default();
        let Some(crate::Input::Exited { process, .. }) = s.input else { return };
        s.kernel.timers.insert((until, Timer::Restart(process)));
        s.out.retain(|effect| !matches!(effect, Effect::Start { .. }));
    }),
    Mutant::new("restart-revokes", &[E12], "what a process issued is revoked when it is restarted").after(|s| {
        if s.restarted().is_some()
            && let Some(crate::Input::Exited { process, .. }) = s.input
        {
            let issuer = s.kernel.address(process);
            s.kernel.processes.iter_mut().for_each(|(_, holder)| {
                holder.revoke(|_, capability| capability.issuer == issuer);
            });
        }
    }),
    Mutant::new("boot-counts-again", &[E10], "each boot gives the message ids of the one before").before(|s| {
        if s.input.is_none() {
            s.kernel.next_id = 1_000;
        }
    }),
];
