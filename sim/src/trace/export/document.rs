//! The shape of an exported trace: an interface for other tools. Fields are added, never renamed or removed; anything
//! else takes a new [`VERSION`]. `schema.json` beside this file is made from these types.

use serde::{Deserialize, Serialize};

mod fact;
mod value;

pub use fact::{Event, Fact};
pub use value::{
    Address, Answer, Blob, Block, Capability, Content, Data, Frame, HttpRequest, Life, Message, OnExit, Outgoing, Row,
    Sends, Sight, Spawn, Transaction, Visit,
};

/// What [`Document::format`] says.
pub const FORMAT: &str = "kinode-sim trace";
/// The version that this program writes and reads.
pub const VERSION: u32 = 1;

/// One run: what was played, how it ended, and every event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Document {
    /// Always `kinode-sim trace`.
    pub format: String,
    /// The version of this format, now 1. A reader ignores fields it does not know.
    pub version: u32,
    /// What was played.
    pub run: Played,
    /// How it ended.
    pub outcome: Outcome,
    /// Every name of the run, in the order in which each was first used.
    pub names: NameTable,
    /// Every message, in the order of its first event. Events refer to a message by its place in this list, from 0.
    pub messages: Vec<Message>,
    /// The events, in the order in which they happened.
    pub events: Vec<Event>,
}

/// What was played.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Played {
    /// The name of the scenario or of the package.
    pub scenario: String,
    /// The kernel's rules: `book`, `hyperdrive-1.9`, `D2 D14`.
    pub kernel: String,
    /// The form of the programs: `wasm` or `native`.
    pub programs: String,
    /// The seed, if one decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The profile of the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The plan that gives this run again, one line each. Empty: the calm run.
    pub plan: Vec<String>,
    /// The lines of the scenario's script. The event `script` refers to them by their place, from 0.
    pub script: Vec<String>,
    /// The command that plays this run again.
    pub replay: String,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outcome {
    /// `held`, `violated` or `limit`.
    pub verdict: String,
    /// The bound of the simulator that ended the run, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The rules that broke.
    pub broken: Vec<Broken>,
    /// The digest of all events: 16 hexadecimal digits.
    pub fingerprint: String,
    /// How much virtual time passed, in nanoseconds.
    pub elapsed: u64,
}

/// A rule that broke.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Broken {
    /// Its id: `E5`.
    pub rule: String,
    /// What the rule says.
    pub says: String,
    /// How this run broke it.
    pub facts: String,
    /// The index of the event at which it was seen; absent: when everything had settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
}

/// Every name of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NameTable {
    /// Nodes.
    pub nodes: Vec<String>,
    /// Process ids. The first are the runtime modules.
    pub processes: Vec<String>,
    /// How many of the processes are runtime modules.
    pub modules: usize,
    /// Parameters of capabilities, as JSON.
    pub params: Vec<String>,
}
