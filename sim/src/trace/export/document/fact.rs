//! The events of an exported trace.

#[cfg(doc)]
use super::Document;
use super::value::{Answer, Block, Capability, Data, Life, OnExit, Row, Sends, Sight, Spawn, Visit};
use serde::{Deserialize, Serialize};

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Event {
    /// Its place in the run, from 0.
    pub index: u64,
    /// When, in nanoseconds of virtual time.
    pub at: u64,
    /// On which node.
    pub node: String,
    /// The index of the event that brought it about; its own index, if none did.
    pub cause: u64,
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
    /// The same as a sentence, for people. Its wording may change.
    pub text: String,
}

/// What happened. `message` is a place in [`Document::messages`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fact {
    /// The node comes up.
    Booted {
        /// For the n-th time.
        boot: u32,
    },
    /// The node goes down.
    Down {
        /// `shutdown`, `crash` or `power-loss`.
        how: String,
    },
    /// The node's kernel failed.
    Failed {
        /// Why.
        reason: String,
    },
    /// A life begins.
    Started {
        /// Which.
        life: Life,
    },
    /// A life ended by itself.
    Exited {
        /// Which.
        life: Life,
        /// Whether it panicked; otherwise `init` returned.
        panicked: bool,
        /// What a panic said.
        last_words: String,
    },
    /// The kernel ended a life.
    Killed {
        /// Which.
        life: Life,
    },
    /// A life ended because its node went down.
    Lost {
        /// Which.
        life: Life,
    },
    /// A call takes effect.
    Called {
        /// Whose.
        life: Life,
        /// Its name in the process world.
        call: String,
        /// What it sends, if it sends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sends: Option<Sends>,
    },
    /// A process printed.
    Printed {
        /// Which.
        life: Life,
        /// From 0, always shown, to 3.
        verbosity: u8,
        /// What.
        printed: String,
    },
    /// A process asks for an on-exit behaviour.
    SetsOnExit {
        /// Which.
        life: Life,
        /// Which behaviour.
        on_exit: OnExit,
    },
    /// A process asks for its state to be saved or cleared.
    SavesState {
        /// Which.
        life: Life,
        /// What; absent: clear it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<Data>,
    },
    /// A process asks to keep capabilities.
    SavesCapabilities {
        /// Which.
        life: Life,
        /// Which.
        capabilities: Vec<Capability>,
    },
    /// A process drops capabilities.
    DropsCapabilities {
        /// Which.
        life: Life,
        /// Which.
        capabilities: Vec<Capability>,
    },
    /// A process asks for a child.
    Spawns {
        /// Which.
        life: Life,
        /// With what.
        spawn: Spawn,
    },
    /// A call returned.
    Returned {
        /// Whose.
        life: Life,
        /// Its name in the process world.
        call: String,
    },
    /// A call that looks something up returned.
    Learned {
        /// Whose.
        life: Life,
        /// Its name in the process world.
        call: String,
        /// What it returned.
        answer: Answer,
    },
    /// `get-state` returned.
    ReadState {
        /// For whom.
        life: Life,
        /// What; absent: there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<Data>,
    },
    /// `spawn` returned.
    Spawned {
        /// For whom.
        life: Life,
        /// The child; absent: there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        child: Option<String>,
        /// Why there is none: `name-taken` or `no-file-at-path`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// A guest computed without a call.
    Spun {
        /// Whose.
        life: Life,
        /// For how many nanoseconds.
        span: u64,
    },
    /// The kernel says that it made a message.
    Sent {
        /// Which.
        message: usize,
    },
    /// The message just sent is a kernel command; its body says which.
    Command {
        /// Which.
        message: usize,
    },
    /// The message just sent brings no valid code.
    InvalidCode {
        /// Which.
        message: usize,
    },
    /// The message just sent is the kernel's answer to a command; its body says which.
    CommandAnswered {
        /// Which.
        message: usize,
    },
    /// A process receives a message.
    Received {
        /// Which.
        life: Life,
        /// Which.
        message: usize,
        /// The context of the request that it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        context: Option<Data>,
    },
    /// A process learns that its request failed.
    ReceivedError {
        /// Which.
        life: Life,
        /// `offline` or `timeout`.
        error: String,
        /// The request.
        message: usize,
        /// The context of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        context: Option<Data>,
    },
    /// A runtime module receives a message.
    ModuleReceived {
        /// Which.
        module: String,
        /// Which.
        message: usize,
    },
    /// A runtime module learns that its request failed.
    ModuleReceivedError {
        /// Which.
        module: String,
        /// `offline` or `timeout`.
        error: String,
        /// The request.
        message: usize,
    },
    /// The kernel says that a message went nowhere.
    Dropped {
        /// Which.
        message: usize,
        /// Why: `not-running`, `no-capability`, `no-network`, `remote-command`, `bad-command`, `not-awaited` or
        /// `nothing-to-answer`.
        reason: String,
    },
    /// The network lost a message.
    NetworkLost {
        /// Which.
        message: usize,
    },
    /// The network could not reach the target's node.
    NetworkOffline {
        /// Which.
        message: usize,
    },
    /// A message comes in from another node.
    Arrived {
        /// Which.
        message: usize,
    },
    /// A runtime module was asked for what is not modelled.
    Unmodelled {
        /// Which.
        module: String,
        /// For what.
        what: String,
    },
    /// Somebody outside does something.
    Visited {
        /// What.
        visit: Visit,
    },
    /// Somebody outside sees something.
    Shown {
        /// What.
        sight: Sight,
    },
    /// The chain goes on.
    News {
        /// Blocks that are no longer part of it, the last first.
        removed: Vec<Block>,
        /// New blocks, the first first.
        added: Vec<Block>,
    },
    /// A change of the process table is durable.
    Durable {
        /// Whose row.
        process: String,
        /// The row; absent: it is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        row: Option<Row>,
    },
    /// A process's saved state is durable.
    StateDurable {
        /// Whose.
        process: String,
        /// The state; absent: there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<Data>,
    },
    /// The disk refused a write.
    WriteRefused,
    /// The disk refused a module an access.
    IoRefused {
        /// Which module.
        module: String,
        /// Which access, and how: `error@3`.
        fault: String,
    },
    /// A storage engine checked one of its files.
    StoreChecked {
        /// Which module.
        module: String,
        /// Which file.
        path: String,
        /// What is wrong with it, if anything is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trouble: Option<String>,
    },
    /// A byte on the disk has rotted.
    Rotted {
        /// In which file.
        path: String,
        /// Which byte.
        byte: u64,
    },
    /// The disk is backed up.
    BackedUp {
        /// For the n-th time.
        backup: u32,
    },
    /// The disk is replaced by a backup.
    Restored {
        /// The n-th.
        backup: u32,
    },
    /// The node's clock jumps.
    ClockJumped {
        /// By so many nanoseconds, forward or back.
        by: i64,
    },
    /// A line of the script is carried out.
    Script {
        /// Which, from 0.
        line: u32,
    },
    /// Faults end; the world settles.
    Lifted,
}
