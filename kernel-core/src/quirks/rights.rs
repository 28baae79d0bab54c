//! Rights that are kept, lost or made up: D7, D9, D17, D19, D32, D33, D34.

use crate::address::Address;
use crate::capability::{Capabilities, Capability};
use crate::deviation::Deviation;
use crate::kernel::{Context, Kernel};
use crate::name::{Names, ProcessRef};
use crate::process::{Process, Status};

impl Kernel {
    /// D6, D9: a capability was granted, so that its issuer is known to the index.
    pub(crate) fn note_issuer(&mut self, capability: &Capability) {
        if self.has(Deviation::KillForgetsRow) || self.has(Deviation::RebootForgetsIssuers) {
            self.quirks.issuers.insert(capability.issuer.process);
        }
    }

    /// D6, D9: whether the index, which starts each boot empty, has this issuer.
    pub(super) fn is_known_issuer(&self, issuer: ProcessRef) -> bool {
        self.quirks.issuers.contains(&issuer)
    }

    /// D17: whether a grant passes by a process in its back-off.
    pub(crate) fn misses_grant(&self, process: &Process) -> bool {
        self.has(Deviation::BackOffKeepsCapabilities) && process.status == Status::BackingOff
    }

    /// D19: whether a process may save what it was never given.
    pub(crate) fn saves_anything(&self) -> bool {
        self.has(Deviation::AnythingIsSaved)
    }

    /// D32: what a process is initialized with is in no index, and is not revoked.
    pub(crate) fn note_initial(&mut self, id: ProcessRef, capabilities: &Capabilities) {
        if self.has(Deviation::InitialCapabilitiesStay) {
            self.quirks.initial.insert(id, capabilities.clone());
        }
    }

    /// What an issuer's end takes from a process (E12), and what not: D9, D17, D32, D33.
    pub(crate) fn is_revoked(
        &self,
        holder: ProcessRef,
        process: &Process,
        capability: &Capability,
        issuer: Address,
    ) -> bool {
        let everywhere = self.has(Deviation::IssuerWithoutNode) && capability.issuer.process == issuer.process;
        if capability.issuer != issuer && !everywhere {
            return false;
        }
        let unknown = self.has(Deviation::RebootForgetsIssuers) && !self.is_known_issuer(issuer.process);
        let initial = self.quirks.initial.get(&holder).is_some_and(|initial| initial.contains(capability));
        !(unknown || initial || self.misses_grant(process))
    }

    /// C3: whether `held` has a capability. D34: params are compared as JSON, and what is none is all alike.
    pub(crate) fn has_among(&self, held: &Capabilities, capability: &Capability, names: &Names) -> bool {
        if held.contains(capability) {
            return true;
        }
        let alike = |one: &Capability| {
            let json = |capability: &Capability| {
                serde_json::from_str::<serde_json::Value>(names.params_text(capability.params)).unwrap_or_default()
            };
            one.issuer == capability.issuer && json(one) == json(capability)
        };
        self.has(Deviation::CapabilitiesComparedAsJson) && held.iter().any(alike)
    }

    /// C3: whether a capability is its sender's own to give. D33: of whatever node.
    pub(crate) fn is_issued_by(&self, capability: &Capability, sender: Address) -> bool {
        let own = capability.issuer.process == sender.process && self.has(Deviation::IssuerWithoutNode);
        capability.issuer == sender || own
    }

    /// D7: the spawner takes the namesake for its child, and the namesake is made to give what the child was to give.
    pub(super) fn adopt_namesake(
        &mut self,
        parent: ProcessRef,
        child: ProcessRef,
        grants: &[(ProcessRef, Capability)],
        cx: &mut Context<'_>,
    ) {
        self.grant(parent, Capability::messaging(self.address(child)));
        self.grant(child, Capability::messaging(self.address(parent)));
        for (holder, capability) in grants {
            self.grant(*holder, *capability);
        }
        match self.processes.get(child).map(|process| &process.status) {
            Some(Status::Initialized) => self.start(child, cx),
            Some(Status::Running(_)) => self.send_stray_run(child, cx),
            Some(Status::Initializing { .. } | Status::BackingOff | Status::Ending(_)) | None => {}
        }
    }
}
