//! What the events of an exported trace are about: addresses, messages, rows, what is asked and answered.

use serde::{Deserialize, Serialize};

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
