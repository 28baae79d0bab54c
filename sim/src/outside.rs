//! What is outside of all nodes, and stays when they go down: the web, a visitor with a browser, a chain; and
//! who there is.
//!
//! Plain values. The runtime modules look at them while they serve ([`ModuleContext`](crate::modules::ModuleContext)),
//! and the world moves them on.

pub mod chain;
pub mod visit;
pub mod web;

use chain::Chain;
use kernel_core::NodeId;
use web::{Page, SocketServer};

/// The world outside of the nodes of one run.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// Every node, up or down, in the scenario's order.
    pub nodes: Vec<NodeId>,
    /// What there is on the web: the first page that fits a request answers it.
    pub web: Vec<Page>,
    /// Which WebSocket servers there are: of several at one URL the first.
    pub socket_servers: Vec<SocketServer>,
    /// The chain, if there is one; all nodes have the same.
    pub chain: Option<Chain>,
}
