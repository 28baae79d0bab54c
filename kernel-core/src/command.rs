//! Kernel commands: JSON in message bodies, as in Kinode (`lib/src/kernel` types of the public runtime).

use crate::address::Address;
use crate::bytes::Bytes;
use crate::capability::Capability;
use crate::effect::Record;
use crate::input::ImageId;
use crate::message::{Blob, Request};
use crate::name::{Names, NodeId, ProcessId, ProcessRef};
use crate::on_exit::{OnExit, OnExitRequest};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A command to `kernel:distro:sys`.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Puts a process into the table; its Wasm is the message's blob ([S2](crate::Rule::S2)).
    Initialize(Box<Initialize>),
    /// Calls `init` of an initialized process ([S3](crate::Rule::S3)).
    Run(ProcessRef),
    /// Ends a process ([K1](crate::Rule::K1), [K2](crate::Rule::K2), [E5](crate::Rule::E5)).
    Kill(ProcessRef),
    /// Gives a process capabilities ([C4](crate::Rule::C4)).
    Grant(ProcessRef, Vec<Capability>),
    /// Takes capabilities from a process ([C4](crate::Rule::C4)).
    Drop(ProcessRef, Vec<Capability>),
    /// Replaces a process's on-exit behaviour ([E8](crate::Rule::E8)).
    SetOnExit(ProcessRef, OnExit),
    /// Takes the node down gracefully.
    Shutdown,
    /// The runtime has started; of no meaning here.
    Booted,
    /// Asks for the table.
    Debug(Debug),
}

/// The fields of `InitializeProcess`.
#[derive(Clone, Debug, PartialEq)]
pub struct Initialize {
    /// Its id.
    pub id: ProcessRef,
    /// Its on-exit behaviour.
    pub on_exit: OnExit,
    /// What it is to hold, cut to what the initializer holds ([C2](crate::Rule::C2)).
    pub initial_capabilities: Vec<Capability>,
    /// Whether anybody on the node may message it.
    pub public: bool,
}

/// What can be asked about the table.
#[derive(Clone, Debug, PartialEq)]
pub enum Debug {
    /// All of it.
    ProcessMap,
    /// One process.
    Process(ProcessRef),
    /// Whether a process holds a capability.
    HasCap(ProcessRef, Capability),
}

/// A body that is no command: where it fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadCommand(pub String);

impl fmt::Display for BadCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a kernel command: {}", self.0)
    }
}

impl std::error::Error for BadCommand {}

impl Command {
    /// Reads a command from a message body. `our` is the node whose kernel reads it.
    pub fn parse(body: &[u8], names: &mut Names, our: NodeId) -> Result<Command, BadCommand> {
        let json: CommandJson = serde_json::from_slice(body).map_err(|error| BadCommand(error.to_string()))?;
        let mut read = Reader { names, our };
        Ok(match json {
            CommandJson::InitializeProcess { id, on_exit, initial_capabilities, public, .. } => {
                Command::Initialize(Box::new(Initialize {
                    id: read.process(&id)?,
                    on_exit: read.on_exit(on_exit)?,
                    initial_capabilities: read.capabilities(initial_capabilities)?,
                    public,
                }))
            }
            CommandJson::RunProcess(id) => Command::Run(read.process(&id)?),
            CommandJson::KillProcess(id) => Command::Kill(read.process(&id)?),
            CommandJson::GrantCapabilities { target, capabilities } => {
                Command::Grant(read.process(&target)?, read.capabilities(capabilities)?)
            }
            CommandJson::DropCapabilities { target, capabilities } => {
                Command::Drop(read.process(&target)?, read.capabilities(capabilities)?)
            }
            CommandJson::SetOnExit { target, on_exit } => {
                Command::SetOnExit(read.process(&target)?, read.on_exit(on_exit)?)
            }
            CommandJson::Shutdown => Command::Shutdown,
            CommandJson::Booted => Command::Booted,
            CommandJson::Debug(DebugJson::ProcessMap) => Command::Debug(Debug::ProcessMap),
            CommandJson::Debug(DebugJson::Process(id)) => Command::Debug(Debug::Process(read.process(&id)?)),
            CommandJson::Debug(DebugJson::HasCap { on, cap }) => {
                Command::Debug(Debug::HasCap(read.process(&on)?, read.capability(cap)?))
            }
        })
    }

    /// The command as a message body.
    pub fn to_body(&self, names: &Names) -> Bytes {
        let id = |process: &ProcessRef| names.process_text(*process).to_string();
        let capabilities = |list: &[Capability]| list.iter().map(|c| CapabilityJson::from(c, names)).collect();
        let json = match self {
            Command::Initialize(init) => CommandJson::InitializeProcess {
                id: id(&init.id),
                wasm_bytes_handle: String::new(),
                wit_version: Some(1),
                on_exit: OnExitJson::from(&init.on_exit, names),
                initial_capabilities: capabilities(&init.initial_capabilities),
                public: init.public,
            },
            Command::Run(process) => CommandJson::RunProcess(id(process)),
            Command::Kill(process) => CommandJson::KillProcess(id(process)),
            Command::Grant(target, list) => {
                CommandJson::GrantCapabilities { target: id(target), capabilities: capabilities(list) }
            }
            Command::Drop(target, list) => {
                CommandJson::DropCapabilities { target: id(target), capabilities: capabilities(list) }
            }
            Command::SetOnExit(target, on_exit) => {
                CommandJson::SetOnExit { target: id(target), on_exit: OnExitJson::from(on_exit, names) }
            }
            Command::Shutdown => CommandJson::Shutdown,
            Command::Booted => CommandJson::Booted,
            Command::Debug(Debug::ProcessMap) => CommandJson::Debug(DebugJson::ProcessMap),
            Command::Debug(Debug::Process(process)) => CommandJson::Debug(DebugJson::Process(id(process))),
            Command::Debug(Debug::HasCap(on, cap)) => {
                CommandJson::Debug(DebugJson::HasCap { on: id(on), cap: CapabilityJson::from(cap, names) })
            }
        };
        let text = serde_json::to_vec(&json).expect("a command has only string keys");
        Bytes::from(text)
    }
}

/// The kernel's answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // Named by the rules: S2, S3, K2.
pub enum CommandAnswer {
    InitializedProcess,
    InitializeProcessError,
    StartedProcess,
    RunProcessError,
    KilledProcess(String),
    Debug(serde_json::Value),
}

impl CommandAnswer {
    /// The answer as a message body.
    pub fn to_body(&self) -> Bytes {
        Bytes::from(serde_json::to_vec(self).expect("an answer has only string keys"))
    }

    /// Reads an answer; `None` if it is none.
    pub fn parse(body: &[u8]) -> Option<CommandAnswer> {
        serde_json::from_slice(body).ok()
    }
}

/// Reads the value of a manifest's `on_exit` (`"None"`, `"Restart"`, `{"Requests": [[address, request, blob]]}`). A
/// request needs a `body` only (ours: a command must name every field that the kernel's own type has).
pub fn parse_on_exit(json: &serde_json::Value, names: &mut Names, our: NodeId) -> Result<OnExit, BadCommand> {
    let json = OnExitJson::<ManifestRequestJson>::deserialize(json).map_err(|error| BadCommand(error.to_string()))?;
    let json = match json {
        OnExitJson::None => OnExitJson::None,
        OnExitJson::Restart => OnExitJson::Restart,
        OnExitJson::Requests(list) => OnExitJson::Requests(
            list.into_iter().map(|(target, request, blob)| (target, request.into(), blob)).collect(),
        ),
    };
    Reader { names, our }.on_exit(json)
}

/// A row of the process table as JSON: how it lies on the disk.
pub fn record_to_json(record: &Record, names: &Names) -> serde_json::Value {
    let capabilities = record.capabilities.iter().map(|capability| CapabilityJson::from(capability, names)).collect();
    let row = RecordJson {
        image: record.image.map(|image| image.0),
        on_exit: OnExitJson::from(&record.on_exit, names),
        public: record.public,
        capabilities,
    };
    serde_json::to_value(row).expect("a row has only string keys")
}

/// A process as `Debug` shows it: what the client library reads into its `PersistedProcess`. `wit_version` is 1
/// (Hyperdrive, seen). The handle is the number of the image: a row has no path here, as the real kernel's has.
pub(crate) fn process_to_json(record: &Record, names: &Names) -> serde_json::Value {
    let capabilities = record.capabilities.iter().map(|capability| CapabilityJson::from(capability, names));
    serde_json::json!({
        "wasm_bytes_handle": record.image.map_or(String::new(), |image| image.0.to_string()),
        "wit_version": 1,
        "on_exit": OnExitJson::from(&record.on_exit, names),
        "public": record.public,
        "capabilities": capabilities.collect::<Vec<_>>(),
    })
}

/// Reads what [`record_to_json`] wrote.
pub fn record_from_json(json: serde_json::Value, names: &mut Names, our: NodeId) -> Result<Record, BadCommand> {
    let row = RecordJson::deserialize(json).map_err(|error| BadCommand(error.to_string()))?;
    let mut read = Reader { names, our };
    Ok(Record {
        image: row.image.map(ImageId),
        on_exit: read.on_exit(row.on_exit)?,
        public: row.public,
        capabilities: read.capabilities(row.capabilities)?.into_iter().collect(),
    })
}

#[derive(Serialize, Deserialize)]
struct RecordJson {
    image: Option<u32>,
    on_exit: OnExitJson,
    public: bool,
    capabilities: Vec<CapabilityJson>,
}

/// Turns the texts of the JSON into names.
struct Reader<'a> {
    names: &'a mut Names,
    our: NodeId,
}

impl Reader<'_> {
    fn process(&mut self, id: &str) -> Result<ProcessRef, BadCommand> {
        match ProcessId::split(id) {
            Some(_) => Ok(self.names.process(id)),
            None => Err(BadCommand(format!("`{id}` is not a process id: it has the form process:package:publisher"))),
        }
    }

    fn address(&mut self, text: &str) -> Result<Address, BadCommand> {
        let form = "it has the form node@process:package:publisher";
        self.names.address(text, self.our).ok_or_else(|| BadCommand(format!("`{text}` is not an address: {form}")))
    }

    /// An issuer `our@…` stays as it is written, and matches nothing (Hyperdrive, seen): only a target is translated.
    fn capability(&mut self, json: CapabilityJson) -> Result<Capability, BadCommand> {
        let as_written = json.issuer.split_once('@').map(|(node, _)| self.names.node(node));
        let issuer = Address { node: as_written.unwrap_or(self.our), ..self.address(&json.issuer)? };
        Ok(Capability { issuer, params: self.names.params(&json.params) })
    }

    fn capabilities(&mut self, list: Vec<CapabilityJson>) -> Result<Vec<Capability>, BadCommand> {
        list.into_iter().map(|json| self.capability(json)).collect()
    }

    fn on_exit(&mut self, json: OnExitJson) -> Result<OnExit, BadCommand> {
        Ok(match json {
            OnExitJson::None => OnExit::None,
            OnExitJson::Restart => OnExit::Restart,
            OnExitJson::Requests(list) => {
                let read = |(target, request, blob): (String, RequestJson, Option<BlobJson>)| {
                    let request = Request {
                        inherit: request.inherit,
                        expects_response: request.expects_response,
                        body: request.body.into(),
                        metadata: request.metadata.map(Into::into),
                        capabilities: self.capabilities(request.capabilities.into_iter().map(|(c, _)| c).collect())?,
                    };
                    let blob = blob.map(|b| Blob { mime: b.mime.map(Into::into), bytes: b.bytes.into() });
                    Ok(OnExitRequest { target: self.address(&target)?, request, blob })
                };
                let list: Result<Vec<_>, BadCommand> = list.into_iter().map(read).collect();
                OnExit::Requests(list?.into())
            }
        })
    }
}

/// Which fields may be missing is as in the public runtime: those that are an `Option` there (Hyperdrive, seen). Fields
/// that it does not know are ignored.
#[derive(Serialize, Deserialize)]
enum CommandJson {
    InitializeProcess {
        id: String,
        wasm_bytes_handle: String,
        wit_version: Option<u32>,
        on_exit: OnExitJson,
        initial_capabilities: Vec<CapabilityJson>,
        public: bool,
    },
    RunProcess(String),
    KillProcess(String),
    GrantCapabilities {
        target: String,
        capabilities: Vec<CapabilityJson>,
    },
    DropCapabilities {
        target: String,
        capabilities: Vec<CapabilityJson>,
    },
    SetOnExit {
        target: String,
        on_exit: OnExitJson,
    },
    Shutdown,
    Booted,
    Debug(DebugJson),
}

#[derive(Serialize, Deserialize)]
enum DebugJson {
    ProcessMap,
    Process(String),
    HasCap { on: String, cap: CapabilityJson },
}

#[derive(Serialize, Deserialize)]
struct CapabilityJson {
    issuer: String,
    params: String,
}

impl CapabilityJson {
    fn from(capability: &Capability, names: &Names) -> CapabilityJson {
        CapabilityJson {
            issuer: names.address_text(capability.issuer),
            params: names.params_text(capability.params).to_string(),
        }
    }
}

#[derive(Serialize, Deserialize)]
enum OnExitJson<R = RequestJson> {
    None,
    Restart,
    Requests(Vec<(String, R, Option<BlobJson>)>),
}

impl OnExitJson {
    fn from(on_exit: &OnExit, names: &Names) -> OnExitJson {
        let request = |r: &OnExitRequest| {
            let capabilities =
                r.request.capabilities.iter().map(|c| (CapabilityJson::from(c, names), Signature::new())).collect();
            let request = RequestJson {
                inherit: r.request.inherit,
                expects_response: r.request.expects_response,
                body: r.request.body.to_vec(),
                metadata: r.request.metadata.as_deref().map(str::to_string),
                capabilities,
            };
            let blob = r
                .blob
                .as_ref()
                .map(|blob| BlobJson { mime: blob.mime.as_deref().map(str::to_string), bytes: blob.bytes.to_vec() });
            (names.address_text(r.target), request, blob)
        };
        match on_exit {
            OnExit::None => OnExitJson::None,
            OnExit::Restart => OnExitJson::Restart,
            OnExit::Requests(list) => OnExitJson::Requests(list.iter().map(request).collect()),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct RequestJson {
    inherit: bool,
    expects_response: Option<u64>,
    body: Vec<u8>,
    metadata: Option<String>,
    capabilities: Vec<(CapabilityJson, Signature)>,
}

/// The public runtime's kernel signs the capabilities of requests. Nothing is signed here.
type Signature = Vec<u8>;

#[derive(Deserialize)]
struct ManifestRequestJson {
    #[serde(default)]
    inherit: bool,
    expects_response: Option<u64>,
    body: Vec<u8>,
    metadata: Option<String>,
    #[serde(default)]
    capabilities: Vec<ManifestCapabilityJson>,
}

/// A capability alone, or beside a signature.
#[derive(Deserialize)]
#[serde(untagged)]
enum ManifestCapabilityJson {
    Plain(CapabilityJson),
    Signed((CapabilityJson, serde_json::Value)),
}

impl From<ManifestRequestJson> for RequestJson {
    fn from(json: ManifestRequestJson) -> RequestJson {
        let unsigned = |capability| match capability {
            ManifestCapabilityJson::Plain(capability) | ManifestCapabilityJson::Signed((capability, _)) => {
                (capability, Signature::new())
            }
        };
        let ManifestRequestJson { inherit, expects_response, body, metadata, capabilities } = json;
        let capabilities = capabilities.into_iter().map(unsigned).collect();
        RequestJson { inherit, expects_response, body, metadata, capabilities }
    }
}

#[derive(Serialize, Deserialize)]
struct BlobJson {
    mime: Option<String>,
    bytes: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn debug_tells_of_a_process_what_the_client_library_reads() {
        let mut names = Names::new();
        let our = names.node("a.os");
        let last_words = json!({"Requests": [["our@p:demo:a.os", {"body": [1]}, null]]});
        let mut record = Record {
            image: Some(ImageId(7)),
            on_exit: OnExit::Restart,
            public: true,
            capabilities: [Capability::network(our)].into_iter().collect(),
        };
        let told = process_to_json(&record, &names);
        let network = json!({"issuer": "a.os@kernel:distro:sys", "params": "\"network\""});
        let expected = json!({
            "wasm_bytes_handle": "7", "wit_version": 1, "on_exit": "Restart", "public": true, "capabilities": [network],
        });
        assert_eq!(told, expected);
        record.on_exit = parse_on_exit(&last_words, &mut names, our).expect("it is a manifest's");
        let told = process_to_json(&record, &names);
        assert_eq!(told["on_exit"]["Requests"][0][0], "a.os@p:demo:a.os", "as a value, and not only its kind: {told}");
    }
}
