//! Capabilities: what a process may do, as tokens that only their issuer or the kernel can make.

use crate::address::Address;
use crate::name::{NodeId, ParamsRef, ProcessRef};
use std::collections::BTreeSet;

/// A right, issued by a process. What the parameters mean is the issuer's business, but for two that the kernel
/// reads itself: [`Capability::messaging`] and [`Capability::network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capability {
    /// Who issued it, and so who will honour it.
    pub issuer: Address,
    /// JSON that says which right.
    pub params: ParamsRef,
}

/// What a process holds.
pub type Capabilities = BTreeSet<Capability>;

impl Capability {
    /// May send to `target` (rule [C1](crate::Rule::C1)).
    pub fn messaging(target: Address) -> Capability {
        Capability { issuer: target, params: ParamsRef::MESSAGING }
    }

    /// May speak with other nodes: issued by each node's own kernel (rule [C1](crate::Rule::C1)).
    pub fn network(node: NodeId) -> Capability {
        let issuer = Address { node, process: ProcessRef::KERNEL };
        Capability { issuer, params: ParamsRef::NETWORK }
    }
}
