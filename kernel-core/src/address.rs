//! Who a message comes from and goes to.

use crate::name::{NodeId, ProcessRef};

/// A process on a node: `node@process:package:publisher`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The node it runs on.
    pub node: NodeId,
    /// The process.
    pub process: ProcessRef,
}
