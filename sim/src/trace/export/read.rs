//! A [`Document`] as the events that it was written from.

use super::document::{
    self, Address, Answer, Blob, Block, Capability, Content, Data, Document, Fact, Frame, HttpRequest, Life, OnExit,
    Outgoing, Sends, Sight, Spawn, Visit,
};
use super::write::{drop_reason, send_error, spawn_error};
use crate::disk::IoFault;
use crate::invariant::{Claim, Violation};
use crate::outside::chain;
use crate::outside::visit;
use crate::plan::Down;
use crate::plan::detail::Detail;
use crate::trace::event::{self, Event, What};
use crate::trace::{Fingerprint, Trace};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kernel_core as kernel;
use kernel_core::command::{Command, CommandAnswer};
use kernel_core::{
    Bytes, Call, CallKind, Cause, Change, DropReason, Duration, Exit, ImageId, Instant, MessageId, Names, ProcessRef,
    SendErrorKind, SpawnError,
};
use std::rc::Rc;

/// Why a text is no trace: the place, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a trace: {0}")]
pub struct ReadError(pub String);

/// The events of a document, as the run had them.
pub struct ReadBack {
    /// Every name.
    pub names: Names,
    /// The events with their indices.
    pub trace: Trace,
}

impl From<&document::Broken> for Violation {
    /// The violation of a document. The words of its claim are kept for as long as the program lives: there are few of them.
    fn from(broken: &document::Broken) -> Violation {
        let document::Broken { rule, says, facts, at } = broken;
        Violation { claim: Claim::named(rule, says), facts: facts.clone(), at: at.map(Cause), began: None }
    }
}

impl Document {
    /// The events as the run had them. Where all events were kept, their fingerprint is the run's.
    ///
    /// # Errors
    /// A name or a message that the document does not have, or a value that is none.
    pub fn read(&self) -> Result<ReadBack, ReadError> {
        let mut read = Reader { names: self.names()?, messages: Vec::new() };
        for (place, message) in self.messages.iter().enumerate() {
            let message = read.message(message).map_err(|error| ReadError(format!("message {place}: {}", error.0)))?;
            read.messages.push(Rc::new(message));
        }
        let mut trace = Trace::keeping_all();
        for event in &self.events {
            let index = event.index;
            let event = read.event(event).map_err(|error| ReadError(format!("event {index}: {}", error.0)))?;
            if trace.push(event) != Cause(index) {
                return Err(ReadError(format!("event {index}: the events before it are missing")));
            }
        }
        Ok(ReadBack { names: read.names, trace })
    }

    /// The digest that the document says its events have.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        u64::from_str_radix(&self.outcome.fingerprint, 16).ok().map(Fingerprint)
    }

    fn names(&self) -> Result<Names, ReadError> {
        let table = &self.names;
        let public = ProcessRef::modules().count();
        let own = table.processes.get(public..table.modules).unwrap_or_default();
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        let too_many = || ReadError(format!("names: {} runtime modules are too many", table.modules));
        let mut names = Names::with_modules(&own).ok_or_else(too_many)?;
        let misplaced = |kind: &str, place: usize, name: &str| {
            ReadError(format!("names: the {kind} `{name}` cannot be number {place}"))
        };
        for (place, name) in table.nodes.iter().enumerate() {
            if names.node(name).0 as usize != place {
                return Err(misplaced("node", place, name));
            }
        }
        for (place, name) in table.processes.iter().enumerate() {
            if names.process(name).0 as usize != place {
                return Err(misplaced("process", place, name));
            }
        }
        for (place, name) in table.params.iter().enumerate() {
            if names.params(name).0 as usize != place {
                return Err(misplaced("parameter", place, name));
            }
        }
        Ok(names)
    }
}

/// Turns names into the numbers of a run.
struct Reader {
    names: Names,
    messages: Vec<Rc<kernel::Message>>,
}

type Read<T> = Result<T, ReadError>;

impl Reader {
    fn event(&mut self, event: &document::Event) -> Read<Event> {
        let node = self.node(&event.node)?;
        let what = self.what(&event.fact, node)?;
        Ok(Event { at: Instant(event.at), node, cause: Cause(event.cause), what })
    }

    fn node(&self, name: &str) -> Read<kernel::NodeId> {
        self.names.find_node(name).ok_or_else(|| ReadError(format!("no node is called `{name}`")))
    }

    fn process(&self, name: &str) -> Read<ProcessRef> {
        self.names.find_process(name).ok_or_else(|| ReadError(format!("no process is called `{name}`")))
    }

    fn params(&self, json: &str) -> Read<kernel::ParamsRef> {
        self.names.find_params(json).ok_or_else(|| ReadError(format!("no capability has the parameters `{json}`")))
    }

    fn life(&self, life: &Life) -> Read<event::Life> {
        Ok(event::Life { process: self.process(&life.process)?, number: life.number })
    }

    fn address(&self, address: &Address) -> Read<kernel::Address> {
        Ok(kernel::Address { node: self.node(&address.node)?, process: self.process(&address.process)? })
    }

    fn capability(&self, capability: &Capability) -> Read<kernel::Capability> {
        Ok(kernel::Capability { issuer: self.address(&capability.issuer)?, params: self.params(&capability.params)? })
    }

    fn capabilities(&self, list: &[Capability]) -> Read<Vec<kernel::Capability>> {
        list.iter().map(|capability| self.capability(capability)).collect()
    }

    fn request(&self, content: &Content) -> Read<kernel::Request> {
        Ok(kernel::Request {
            inherit: content.inherit,
            expects_response: content.expects_response,
            body: bytes(&content.body)?,
            metadata: content.metadata.as_deref().map(Into::into),
            capabilities: self.capabilities(&content.capabilities)?,
        })
    }

    fn response(&self, content: &Content) -> Read<kernel::Response> {
        Ok(kernel::Response {
            inherit: content.inherit,
            body: bytes(&content.body)?,
            metadata: content.metadata.as_deref().map(Into::into),
            capabilities: self.capabilities(&content.capabilities)?,
        })
    }

    fn message(&self, message: &document::Message) -> Read<kernel::Message> {
        Ok(kernel::Message {
            id: MessageId(message.id),
            source: self.address(&message.source)?,
            target: self.address(&message.target)?,
            rsvp: message.rsvp.as_ref().map(|rsvp| self.address(rsvp)).transpose()?,
            content: match message.content.request {
                true => kernel::Content::Request(self.request(&message.content)?),
                false => kernel::Content::Response(self.response(&message.content)?),
            },
            blob: message.blob.as_ref().map(blob).transpose()?,
            cause: Cause(message.cause),
        })
    }

    fn outgoing(&self, outgoing: &Outgoing) -> Read<kernel::Outgoing> {
        Ok(kernel::Outgoing {
            target: self.address(&outgoing.target)?,
            request: self.request(&outgoing.content)?,
            context: optional(outgoing.context.as_ref())?,
            blob: outgoing.blob.as_ref().map(blob).transpose()?,
        })
    }

    fn on_exit(&self, value: &OnExit) -> Read<kernel::OnExit> {
        Ok(match value {
            OnExit::None => kernel::OnExit::None,
            OnExit::Restart => kernel::OnExit::Restart,
            OnExit::Requests(list) => {
                let mut requests = Vec::new();
                for each in list {
                    requests.push(kernel::OnExitRequest {
                        target: self.address(&each.target)?,
                        request: self.request(&each.content)?,
                        blob: each.blob.as_ref().map(blob).transpose()?,
                    });
                }
                kernel::OnExit::Requests(requests.into())
            }
        })
    }

    fn spawn(&self, spawn: &Spawn) -> Read<kernel::Spawn> {
        let mut grants = Vec::new();
        for (holder, params) in &spawn.grant_capabilities {
            grants.push((self.process(holder)?, self.params(params)?));
        }
        Ok(kernel::Spawn {
            name: spawn.name.as_deref().map(Into::into),
            path: spawn.path.as_str().into(),
            on_exit: self.on_exit(&spawn.on_exit)?,
            request_capabilities: self.capabilities(&spawn.request_capabilities)?,
            grant_capabilities: grants,
            public: spawn.public,
        })
    }

    fn sends(&self, sends: &Sends) -> Read<Call> {
        Ok(match sends {
            Sends::Request(outgoing) => Call::SendRequest(Rc::new(self.outgoing(outgoing)?)),
            Sends::Requests(list) => {
                Call::SendRequests(list.iter().map(|each| self.outgoing(each)).collect::<Read<Vec<_>>>()?.into())
            }
            Sends::Response { content, blob: carried } => {
                let blob = carried.as_ref().map(blob).transpose()?;
                Call::SendResponse(Rc::new((self.response(content)?, blob)))
            }
            Sends::AwaitedRequest(outgoing) => Call::SendAndAwaitResponse(Rc::new(self.outgoing(outgoing)?)),
        })
    }

    fn answer(&self, answer: &Answer) -> Read<kernel::Answer> {
        Ok(match answer {
            Answer::Init(address) => kernel::Answer::Init(self.address(address)?),
            Answer::Our(address) => kernel::Answer::Our(self.address(address)?),
            Answer::OnExit(value) => kernel::Answer::OnExit(self.on_exit(value)?),
            Answer::Capabilities(list) => kernel::Answer::Capabilities(self.capabilities(list)?),
            Answer::HasBlob(has) => kernel::Answer::HasBlob(*has),
            Answer::Blob(carried) => kernel::Answer::Blob(carried.as_ref().map(blob).transpose()?),
        })
    }

    fn at(&self, place: usize) -> Read<Rc<kernel::Message>> {
        self.messages.get(place).cloned().ok_or_else(|| ReadError(format!("there is no message {place}")))
    }

    fn what(&mut self, fact: &Fact, node: kernel::NodeId) -> Read<What> {
        Ok(match fact {
            Fact::Booted { boot } => What::Booted(*boot),
            Fact::Down { how } => {
                What::Down(<Down as Detail>::parse(how).ok_or_else(|| unknown("way to go down", how))?)
            }
            Fact::Failed { reason } => What::Failed(reason.as_str().into()),
            Fact::Started { life } => What::Started(self.life(life)?),
            Fact::Exited { life, panicked, last_words } => {
                let exit = if *panicked { Exit::Panicked } else { Exit::Returned };
                What::Exited(self.life(life)?, exit, last_words.as_str().into())
            }
            Fact::Killed { life } => What::Killed(self.life(life)?),
            Fact::Lost { life } => What::Lost(self.life(life)?),
            Fact::Called { life, call, sends } => {
                let said = sends.as_ref().map(|sends| self.sends(sends)).transpose()?;
                What::Called(self.life(life)?, call_kind(call)?, said)
            }
            Fact::Printed { life, verbosity, printed } => {
                What::Printed(self.life(life)?, *verbosity, printed.as_str().into())
            }
            Fact::SetsOnExit { life, on_exit } => What::SetsOnExit(self.life(life)?, Rc::new(self.on_exit(on_exit)?)),
            Fact::SavesState { life, state } => What::SavesState(self.life(life)?, optional(state.as_ref())?),
            Fact::SavesCapabilities { life, capabilities } => {
                What::SavesCapabilities(self.life(life)?, self.capabilities(capabilities)?.into())
            }
            Fact::DropsCapabilities { life, capabilities } => {
                What::DropsCapabilities(self.life(life)?, self.capabilities(capabilities)?.into())
            }
            Fact::Spawns { life, spawn } => What::Spawns(self.life(life)?, Rc::new(self.spawn(spawn)?)),
            Fact::Returned { life, call } => What::Returned(self.life(life)?, call_kind(call)?),
            Fact::Learned { life, call, answer } => {
                What::Learned(self.life(life)?, call_kind(call)?, Rc::new(self.answer(answer)?))
            }
            Fact::ReadState { life, state } => What::ReadState(self.life(life)?, optional(state.as_ref())?),
            Fact::Spawned { life, child: Some(child), .. } => What::Spawned(self.life(life)?, Ok(self.process(child)?)),
            Fact::Spawned { life, child: None, error } => {
                let text = error.as_deref().unwrap_or_default();
                let all = [SpawnError::NameTaken, SpawnError::NoFileAtPath];
                let error = all.into_iter().find(|each| spawn_error(*each) == text);
                What::Spawned(self.life(life)?, Err(error.ok_or_else(|| unknown("error of spawn", text))?))
            }
            Fact::Spun { life, span } => What::Spun(self.life(life)?, Duration(*span)),
            Fact::Sent { message } => What::Sent(self.at(*message)?),
            Fact::Command { message } => {
                let message = self.at(*message)?;
                let command = Command::parse(message.body(), &mut self.names, node);
                What::Command(message, Rc::new(command.map_err(|error| ReadError(error.to_string()))?))
            }
            Fact::InvalidCode { message } => What::InvalidCode(self.at(*message)?),
            Fact::CommandAnswered { message } => {
                let message = self.at(*message)?;
                let answer = CommandAnswer::parse(message.body());
                let answer = answer.ok_or_else(|| ReadError("its message is no answer to a command".to_string()))?;
                What::CommandAnswered(message, Rc::new(answer))
            }
            Fact::Received { life, message, context } => {
                What::Received(self.life(life)?, self.at(*message)?, optional(context.as_ref())?)
            }
            Fact::ReceivedError { life, error, message, context } => What::ReceivedError(
                self.life(life)?,
                error_kind(error)?,
                self.at(*message)?,
                optional(context.as_ref())?,
            ),
            Fact::ModuleReceived { module, message } => What::ModuleReceived(self.process(module)?, self.at(*message)?),
            Fact::ModuleReceivedError { module, error, message } => {
                What::ModuleReceivedError(self.process(module)?, error_kind(error)?, self.at(*message)?)
            }
            Fact::Dropped { message, reason } => {
                let found = DROP_REASONS.into_iter().find(|each| drop_reason(*each) == reason);
                What::Dropped(self.at(*message)?, found.ok_or_else(|| unknown("reason", reason))?)
            }
            Fact::NetworkLost { message } => What::NetworkLost(self.at(*message)?),
            Fact::NetworkOffline { message } => What::NetworkOffline(self.at(*message)?),
            Fact::Arrived { message } => What::Arrived(self.at(*message)?),
            Fact::Unmodelled { module, what } => What::Unmodelled(self.process(module)?, what.as_str().into()),
            Fact::Visited { visit } => What::Visited(Rc::new(self::visit(visit)?)),
            Fact::Shown { sight } => What::Shown(Rc::new(self::sight(sight)?)),
            Fact::News { removed, added } => What::News(Rc::new(chain::News {
                removed: removed.iter().map(block).collect::<Read<_>>()?,
                added: added.iter().map(block).collect::<Read<_>>()?,
            })),
            Fact::Durable { process, row: Some(row) } => {
                let record = kernel::Record {
                    image: row.image.map(ImageId),
                    on_exit: self.on_exit(&row.on_exit)?,
                    public: row.public,
                    capabilities: self.capabilities(&row.capabilities)?.into_iter().collect(),
                };
                What::Durable(Rc::new(Change::Put(self.process(process)?, Rc::new(record))))
            }
            Fact::Durable { process, row: None } => What::Durable(Rc::new(Change::Remove(self.process(process)?))),
            Fact::StateDurable { process, state } => {
                What::StateDurable(self.process(process)?, optional(state.as_ref())?)
            }
            Fact::WriteRefused => What::WriteRefused,
            Fact::IoRefused { module, fault } => {
                let parsed = IoFault::parse(fault).ok_or_else(|| unknown("fault", fault))?;
                What::IoRefused(self.process(module)?, parsed)
            }
            Fact::StoreChecked { module, path, trouble } => {
                What::StoreChecked(self.process(module)?, path.as_str().into(), trouble.as_deref().map(Into::into))
            }
            Fact::Rotted { path, byte } => What::Rotted(path.as_str().into(), *byte),
            Fact::BackedUp { backup } => What::BackedUp(*backup),
            Fact::Restored { backup } => What::Restored(*backup),
            Fact::ClockJumped { by } => What::ClockJumped(*by),
            Fact::Script { line } => What::Script(*line),
            Fact::Lifted => What::Lifted,
        })
    }
}

const DROP_REASONS: [DropReason; 7] = [
    DropReason::NotRunning,
    DropReason::NoCapability,
    DropReason::NoNetwork,
    DropReason::RemoteCommand,
    DropReason::BadCommand,
    DropReason::NotAwaited,
    DropReason::NothingToAnswer,
];

fn unknown(what: &str, text: &str) -> ReadError {
    ReadError(format!("`{text}` is no {what}"))
}

fn call_kind(name: &str) -> Read<CallKind> {
    CallKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| unknown("call", name))
}

fn error_kind(name: &str) -> Read<SendErrorKind> {
    let all = [SendErrorKind::Offline, SendErrorKind::Timeout];
    all.into_iter().find(|kind| send_error(*kind) == name).ok_or_else(|| unknown("send error", name))
}

fn vec(data: &Data) -> Read<Vec<u8>> {
    match data {
        Data::Text(text) => Ok(text.as_bytes().to_vec()),
        Data::Base64 { base64 } => BASE64_STANDARD.decode(base64).map_err(|error| ReadError(error.to_string())),
    }
}

fn bytes(data: &Data) -> Read<Bytes> {
    vec(data).map(Bytes::from)
}

fn optional(data: Option<&Data>) -> Read<Option<Bytes>> {
    data.map(bytes).transpose()
}

fn blob(blob: &Blob) -> Read<kernel::Blob> {
    Ok(kernel::Blob { mime: blob.mime.as_deref().map(Into::into), bytes: bytes(&blob.bytes)? })
}

fn http(request: &HttpRequest) -> Read<visit::HttpRequest> {
    Ok(visit::HttpRequest {
        method: request.method.clone(),
        path: request.path.clone(),
        host: request.host.clone(),
        headers: request.headers.clone(),
        body: vec(&request.body)?,
        logged_in: request.logged_in,
        local: request.local,
    })
}

fn frame(frame: &Frame) -> Read<visit::Frame> {
    Ok(visit::Frame { kind: frame.opcode, bytes: vec(&frame.bytes)? })
}

fn visit(visit: &Visit) -> Read<visit::Visit> {
    Ok(match visit {
        Visit::Http(request) => visit::Visit::Http(http(request)?),
        Visit::OpenSocket { socket, request } => visit::Visit::Open(socket.clone(), http(request)?),
        Visit::Frame { socket, frame: sent } => visit::Visit::Frame(socket.clone(), frame(sent)?),
    })
}

fn sight(sight: &Sight) -> Read<visit::Sight> {
    Ok(match sight {
        Sight::Http { method, path, status, headers, body } => {
            visit::Sight::Http(method.clone(), path.clone(), *status, headers.clone(), vec(body)?)
        }
        Sight::SocketOpened { socket } => visit::Sight::Opened(socket.clone()),
        Sight::SocketRefused { socket, status } => visit::Sight::Refused(socket.clone(), *status),
        Sight::Frame { socket, frame: got } => visit::Sight::Frame(socket.clone(), frame(got)?),
        Sight::NobodyThere => visit::Sight::NobodyThere,
        Sight::ServerGetsFrame { url, frame: got } => visit::Sight::Served(url.clone(), frame(got)?),
    })
}

fn block(block: &Block) -> Read<Rc<chain::Block>> {
    let mut transactions = Vec::new();
    for each in &block.transactions {
        let topics = each.topics.iter().map(|topic| fixed(topic)).collect::<Read<_>>()?;
        let log = chain::LogSpec { address: fixed(&each.address)?, topics, data: unhex(&each.data)? };
        transactions.push(Rc::new(chain::Transaction { hash: fixed(&each.hash)?, log }));
    }
    Ok(Rc::new(chain::Block {
        number: block.number,
        hash: fixed(&block.hash)?,
        parent: fixed(&block.parent)?,
        timestamp: block.timestamp,
        transactions,
    }))
}

fn unhex(text: &str) -> Read<Vec<u8>> {
    let wrong = || unknown("hexadecimal number, `0x…`", text);
    let digits = text.strip_prefix("0x").filter(|digits| digits.len().is_multiple_of(2) && digits.is_ascii());
    let digits = digits.ok_or_else(wrong)?;
    let byte = |place: usize| u8::from_str_radix(&digits[place..place + 2], 16).map_err(|_| wrong());
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn fixed<const N: usize>(text: &str) -> Read<[u8; N]> {
    let wrong = |_| ReadError(format!("`{text}` does not have {N} bytes"));
    unhex(text)?.try_into().map_err(wrong)
}
