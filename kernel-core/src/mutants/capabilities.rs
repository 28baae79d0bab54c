//! Mutants of C1, C3, C4 and E12.

use super::{Mutant, Step};
use crate::address::Address;
use crate::call::{Answer, Call, Outgoing, Received};
use crate::capability::Capability;
use crate::durable::After;
use crate::effect::{Change, Effect};
use crate::input::Input;
use crate::name::ProcessRef;
use crate::rule::Rule::{C1, C3, C4, E12, S5};

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("requests-go-unchecked", &[C1], "a request reaches who did not give leave").before(|s| {
        for (source, outgoing) in s.sends() {
            s.lend(source, Capability::messaging(outgoing.target));
        }
    }),
    Mutant::new("responses-go-unchecked", &[C1], "a response reaches who did not give leave").before(|s| {
        if let Some((source, prompt)) = responds(s) {
            s.lend(source, Capability::messaging(prompt));
        }
    }),
    Mutant::new("nobody-is-public", &[C1], "a public process is as closed as any other").before(|s| {
        for (_, process) in s.kernel.processes.iter_mut() {
            process.public = false;
        }
    }),
    Mutant::new("network-for-all", &[C1], "a process without the network capability reaches another node").before(
        |s| {
            for (source, outgoing) in s.sends() {
                if outgoing.target.node != s.kernel.our {
                    s.lend(source, Capability::network(s.kernel.our));
                }
            }
        },
    ),
    Mutant::new("network-of-one-side", &[C1], "a process without the network capability is reached from another node")
        .before(|s| {
            if let Some(Input::Arrived(message)) = &s.input {
                let target = message.target.process;
                s.lend(target, Capability::network(s.kernel.our));
            }
        }),
    Mutant::new("requests-attach-anything", &[C3], "a request brings capabilities that its sender does not hold")
        .before(|s| {
            for (source, outgoing) in s.sends() {
                outgoing.request.capabilities.into_iter().for_each(|capability| s.lend(source, capability));
            }
        }),
    Mutant::new("responses-attach-anything", &[C3], "a response brings capabilities that its sender does not hold")
        .before(|s| {
            if let Some(Input::Call(source, Call::SendResponse(response))) = &s.input {
                let (source, attached) = (*source, response.0.capabilities.clone());
                attached.into_iter().for_each(|capability| s.lend(source, capability));
            }
        }),
    Mutant::new("saves-from-requests-only", &[C4], "what came attached to a response cannot be saved").after(|s| {
        let came = s.out.iter().filter_map(|effect| match effect {
            Effect::Resume(id, Answer::Received(Received::Message(message, _)) | Answer::Awaited(Ok(message))) => {
                (!message.is_request()).then(|| (*id, message.clone()))
            }
            _ => None,
        });
        let came: Vec<_> = came.collect();
        for (id, message) in came {
            let was = s.was.processes.get(id).map(|was| was.life.received.clone()).unwrap_or_default();
            let process = s.process(id).expect("it was told something");
            process.life.received.retain(|had| was.contains(had) || !message.capabilities().contains(had));
        }
    }),
    Mutant::new("drop-drops-all", &[C4], "drop-capabilities drops all that are held").before(|s| {
        if let Some(Input::Call(id, Call::DropCapabilities(list))) = &mut s.input {
            *list = s.was.capabilities(*id).into_iter().collect();
        }
    }),
    Mutant::new("drop-drops-none", &[C4], "drop-capabilities does nothing").before(|s| {
        if let Some(Input::Call(_, Call::DropCapabilities(list))) = &mut s.input {
            list.clear();
        }
    }),
    Mutant::new("grants-go-to-the-granter", &[C4], "a granted capability goes to who grants it").after(|s| {
        let commands = s.was.address(ProcessRef::KERNEL);
        let granter = match &s.input {
            Some(Input::ModuleRequest(granter, outgoing)) if outgoing.target == commands => *granter,
            Some(Input::Call(granter, Call::SendRequest(outgoing))) if outgoing.target == commands => *granter,
            _ => return,
        };
        for (id, now) in s.kernel.processes.iter_mut().filter(|(id, _)| *id != granter) {
            if let Some(was) = s.was.processes.get(id) {
                now.capabilities = was.capabilities.clone();
            }
        }
    }),
    Mutant::new("grants-stay-in-memory", &[C4, S5], "what is granted or saved never comes to the disk").after(|s| {
        if matches!(s.kernel.writes.back(), Some((_, After::Nobody(_)))) {
            let last = s.kernel.writes.back().map(|(write, _)| *write);
            for effect in &mut s.out {
                match effect {
                    Effect::Write(write, changes) if Some(*write) == last => changes.clear(),
                    _ => {}
                }
            }
        }
    }),
    Mutant::new("save-is-forgotten", &[C4], "save-capabilities does nothing").before(|s| {
        if let Some(Input::Call(_, Call::SaveCapabilities(list))) = &mut s.input {
            list.clear();
        }
    }),
    Mutant::new("our-capabilities-boast", &[C4], "our-capabilities shows what is not held").after(|s| {
        for effect in &mut s.out {
            if let Effect::Resume(_, Answer::Capabilities(list)) = effect {
                list.push(Capability { params: crate::ParamsRef::MESSAGING, ..Capability::network(s.was.our) });
            }
        }
    }),
    Mutant::new("our-capabilities-hide", &[C4], "our-capabilities shows nothing").after(|s| {
        for effect in &mut s.out {
            if let Effect::Resume(_, Answer::Capabilities(list)) = effect {
                list.clear();
            }
        }
    }),
    Mutant::new("revoke-spares-the-mailbox", &[E12, C3], "what an ended process issued stays in messages under way")
        .after(|s| {
            if s.gone().is_empty() {
                return;
            }
            for (id, now) in s.kernel.processes.iter_mut() {
                let Some(was) = s.was.processes.get(id) else { continue };
                for (now, was) in now.life.mailbox.iter_mut().zip(&was.life.mailbox) {
                    *now = was.clone();
                }
            }
        }),
    Mutant::new("revoke-spares-what-came", &[E12, C3, C4], "what an ended process issued can still be saved").after(
        |s| {
            if s.gone().is_empty() {
                return;
            }
            for (id, now) in s.kernel.processes.iter_mut() {
                if let Some(was) = s.was.processes.get(id) {
                    now.life.received.extend(was.life.received.iter().copied());
                }
            }
        },
    ),
    Mutant::new("revoke-spares-the-disk", &[E12], "what an ended process issued stays in the others' rows").after(
        |s| {
            for changes in s.changes() {
                if changes.iter().any(|change| matches!(change, Change::Remove(_))) {
                    changes.retain(|change| matches!(change, Change::Remove(_)));
                }
            }
        },
    ),
    Mutant::new("revoke-spares-all-but-one", &[E12], "only one holder loses what an ended process issued").after(|s| {
        let ended: Vec<Address> = s.gone().into_iter().map(|(id, _)| s.kernel.address(id)).collect();
        let mut losers = 0;
        for (id, now) in s.kernel.processes.iter_mut() {
            let Some(was) = s.was.processes.get(id) else { continue };
            let lost = was.capabilities.iter().filter(|capability| ended.contains(&capability.issuer));
            let lost: Vec<Capability> = lost.copied().collect();
            losers += usize::from(!lost.is_empty());
            if losers > 1 {
                now.capabilities.extend(lost);
            }
        }
    }),
];

/// Who responds in this step, and to whom.
fn responds(s: &Step<'_>) -> Option<(ProcessRef, Address)> {
    let Some(Input::Call(source, Call::SendResponse(_))) = &s.input else { return None };
    Some((*source, s.was.processes.get(*source)?.life.prompting.as_ref()?.reply_to()))
}

impl Step<'_> {
    /// What is sent in this step, and by whom.
    pub(super) fn sends(&self) -> Vec<(ProcessRef, Outgoing)> {
        match &self.input {
            Some(Input::Call(id, Call::SendRequest(outgoing) | Call::SendAndAwaitResponse(outgoing))) => {
                vec![(*id, (**outgoing).clone())]
            }
            Some(Input::Call(id, Call::SendRequests(list))) => list.iter().map(|one| (*id, one.clone())).collect(),
            _ => vec![],
        }
    }
}
