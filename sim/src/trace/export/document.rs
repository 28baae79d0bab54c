//! The shape of an exported trace: an interface for other tools. Fields are added, never renamed or removed; anything
//! else takes a new [`VERSION`]. `schema.json` beside this file is made from these types.

use serde::{Deserialize, Serialize};

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

/// Bytes: a string where they are UTF-8, else base64.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Data {
    /// The bytes as text.
    Text(String),
    /// The bytes in base64, with padding.
    Base64 {
        /// The digits.
        base64: String,
    },
}

/// A process on a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Address {
    /// The node.
    pub node: String,
    /// The process id.
    pub process: String,
}

/// One life of a process, on the node of its event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Life {
    /// The process id.
    pub process: String,
    /// Which of its lives on this node, counted from 1 over all boots.
    pub number: u32,
}

/// A capability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Capability {
    /// Who issued it.
    pub issuer: Address,
    /// Which right, as JSON.
    pub params: String,
}

/// A lazy-load blob.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Blob {
    /// Its MIME type, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// Its content.
    pub bytes: Data,
}

/// What a request or a response says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Content {
    /// `true`: a request. `false`: a response.
    pub request: bool,
    /// Whether it inherits from the prompting message.
    pub inherit: bool,
    /// A request's patience in seconds; absent: no response is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expects_response: Option<u64>,
    /// The body.
    pub body: Data,
    /// The metadata, if there is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// Capabilities that go along.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<Capability>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Message {
    /// Its number on its node; a response carries its request's.
    pub id: u64,
    /// The index of the event that made it.
    pub cause: u64,
    /// Who sent it.
    pub source: Address,
    /// Who is to get it.
    pub target: Address,
    /// Who is to get the response, if not the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rsvp: Option<Address>,
    /// What it says.
    #[serde(flatten)]
    pub content: Content,
    /// What it carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<Blob>,
}

/// A request that a process hands to the kernel, or leaves to be sent at its exit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outgoing {
    /// Where it goes.
    pub target: Address,
    /// What it says.
    #[serde(flatten)]
    pub content: Content,
    /// What its sender wants back with the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Data>,
    /// What it carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<Blob>,
}

/// What a call sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Sends {
    /// One request.
    Request(Outgoing),
    /// Several requests at once.
    Requests(Vec<Outgoing>),
    /// A response.
    Response {
        /// What it says.
        content: Content,
        /// What it carries.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blob: Option<Blob>,
    },
    /// A request whose answer the caller awaits.
    AwaitedRequest(Outgoing),
}

/// What happens at an exit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OnExit {
    /// Nothing.
    None,
    /// The process starts again.
    Restart,
    /// These requests are sent.
    Requests(Vec<Outgoing>),
}

/// The arguments of `spawn`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Spawn {
    /// The child's name, if the parent gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where its Wasm is.
    pub path: String,
    /// Its on-exit behaviour.
    pub on_exit: OnExit,
    /// What it asks for.
    pub request_capabilities: Vec<Capability>,
    /// Who is granted which parameters, issued by the child.
    pub grant_capabilities: Vec<(String, String)>,
    /// Whether anybody on the node may message it.
    pub public: bool,
}

/// What a call that looks something up gave back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// `init` was called with this address.
    Init(Address),
    /// `our` returned this.
    Our(Address),
    /// `get-on-exit` returned this.
    OnExit(OnExit),
    /// `our-capabilities` returned these.
    Capabilities(Vec<Capability>),
    /// `has-blob` returned this.
    HasBlob(bool),
    /// `get-blob` or `last-blob` returned this.
    Blob(Option<Blob>),
}

/// A row of the process table on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Row {
    /// The number of the process's code in this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<u32>,
    /// Its on-exit behaviour.
    pub on_exit: OnExit,
    /// Whether anybody on the node may message it.
    pub public: bool,
    /// What it holds.
    pub capabilities: Vec<Capability>,
}

/// An HTTP request from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[allow(missing_docs)] // As in HTTP.
pub struct HttpRequest {
    pub method: String,
    pub path: String,
    pub host: String,
    pub headers: Vec<(String, String)>,
    pub body: Data,
    /// Whether a cookie of the node's login goes along.
    pub logged_in: bool,
    /// Whether it comes from the node's own machine.
    pub local: bool,
}

/// A WebSocket frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Frame {
    /// `Text`, `Binary`, `Ping`, `Pong` or `Close`.
    #[cfg_attr(test, schemars(with = "String"))]
    pub opcode: crate::outside::visit::FrameKind,
    /// What it carries.
    pub bytes: Data,
}

/// What a visitor does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // Each says it.
pub enum Visit {
    Http(HttpRequest),
    OpenSocket { socket: String, request: HttpRequest },
    Frame { socket: String, frame: Frame },
}

/// What somebody outside sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // Each says it.
pub enum Sight {
    Http { method: String, path: String, status: u16, headers: Vec<(String, String)>, body: Data },
    SocketOpened { socket: String },
    SocketRefused { socket: String, status: u16 },
    Frame { socket: String, frame: Frame },
    NobodyThere,
    ServerGetsFrame { url: String, frame: Frame },
}

/// A block of the chain. Hashes, addresses, topics and data are hexadecimal, `0x…`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[allow(missing_docs)] // As in Ethereum.
pub struct Block {
    pub number: u64,
    pub hash: String,
    pub parent: String,
    pub timestamp: u64,
    pub transactions: Vec<Transaction>,
}

/// A transaction with its one log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[allow(missing_docs)] // As in Ethereum.
pub struct Transaction {
    pub hash: String,
    pub address: String,
    pub topics: Vec<String>,
    pub data: String,
}

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
