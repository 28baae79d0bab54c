//! A run as a [`Document`].

use super::document::{
    Address, Answer, Blob, Block, Broken, Capability, Content, Data, Document, Event, FORMAT, Fact, Frame, HttpRequest,
    Life, Message, NameTable, OnExit, Outcome, Outgoing, Played, Row, Sends, Sight, Spawn, Transaction, VERSION, Visit,
};
use crate::outside::chain;
use crate::outside::visit;
use crate::plan::Plan;
use crate::scenario::Scenario;
use crate::trace::event::{self, What};
use crate::trace::line_text;
use crate::world::{Run, Verdict};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kernel_core as kernel;
use kernel_core::{Call, Cause, Change, DropReason, Exit, Names, ProcessRef, SendErrorKind, SpawnError};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What was played, without the seed.
pub fn played_by(scenario: &Scenario, plan: &Plan, kernel: String, programs: String, replay: String) -> Played {
    let script = scenario.script.iter().map(ToString::to_string).collect();
    let plan = plan.lines.iter().map(ToString::to_string).collect();
    Played { scenario: scenario.name.clone(), kernel, programs, seed: None, profile: None, plan, script, replay }
}

/// The place of each message in the order of first mention. Events that share a message share its place.
pub fn message_places<'a>(
    events: impl Iterator<Item = &'a event::Event>,
) -> (Vec<Rc<kernel::Message>>, BTreeMap<*const kernel::Message, usize>) {
    let (mut messages, mut places) = (Vec::new(), BTreeMap::new());
    for message in events.filter_map(|event| event.what.message()) {
        places.entry(Rc::as_ptr(message)).or_insert_with(|| {
            messages.push(message.clone());
            messages.len() - 1
        });
    }
    (messages, places)
}

impl Document {
    /// What is kept of a run.
    pub fn of(run: &Run, played: Played) -> Document {
        let (messages, places) = message_places(run.trace.events().map(|(_, event)| event));
        let write = Writer { names: &run.names, places: &places };
        Document {
            format: FORMAT.to_string(),
            version: VERSION,
            run: played,
            outcome: Document::outcome_of(run),
            names: NameTable {
                nodes: run.names.all_nodes().map(str::to_string).collect(),
                processes: run.names.all_processes().map(str::to_string).collect(),
                modules: run.names.modules().count(),
                params: run.names.all_params().map(str::to_string).collect(),
            },
            messages: messages.iter().map(|message| write.message(message)).collect(),
            events: run.trace.events().map(|(index, event)| write.event(*index, event)).collect(),
        }
    }

    /// How a run ended.
    pub fn outcome_of(run: &Run) -> Outcome {
        let (verdict, limit, violations) = match &run.verdict {
            Verdict::Held => ("held", None, &[][..]),
            Verdict::Violated(violations) => ("violated", None, violations.as_slice()),
            Verdict::Limit(limit) => ("limit", Some(limit.clone()), &[][..]),
        };
        let broken = |v: &crate::invariant::Violation| Broken {
            rule: v.claim.rule.id().to_string(),
            says: v.claim.says.to_string(),
            facts: v.facts.clone(),
            at: v.at.map(|at| at.0),
        };
        Outcome {
            verdict: verdict.to_string(),
            limit,
            broken: violations.iter().map(broken).collect(),
            fingerprint: run.fingerprint.to_string(),
            elapsed: run.elapsed.0,
        }
    }
}

/// Turns the numbers of a run into names.
struct Writer<'a> {
    names: &'a Names,
    places: &'a BTreeMap<*const kernel::Message, usize>,
}

impl Writer<'_> {
    fn event(&self, index: Cause, event: &event::Event) -> Event {
        Event {
            index: index.0,
            at: event.at.0,
            node: self.names.node_text(event.node).to_string(),
            cause: event.cause.0,
            fact: self.fact(&event.what),
            text: line_text(event, self.names),
        }
    }

    fn process(&self, process: ProcessRef) -> String {
        self.names.process_text(process).to_string()
    }

    fn life(&self, life: &event::Life) -> Life {
        Life { process: self.process(life.process), number: life.number }
    }

    fn address(&self, address: kernel::Address) -> Address {
        Address { node: self.names.node_text(address.node).to_string(), process: self.process(address.process) }
    }

    fn capability(&self, capability: &kernel::Capability) -> Capability {
        Capability {
            issuer: self.address(capability.issuer),
            params: self.names.params_text(capability.params).to_string(),
        }
    }

    fn capabilities<'a>(&self, all: impl IntoIterator<Item = &'a kernel::Capability>) -> Vec<Capability> {
        all.into_iter().map(|capability| self.capability(capability)).collect()
    }

    fn request(&self, request: &kernel::Request) -> Content {
        Content {
            request: true,
            inherit: request.inherit,
            expects_response: request.expects_response,
            body: data(&request.body),
            metadata: request.metadata.as_deref().map(str::to_string),
            capabilities: self.capabilities(&request.capabilities),
        }
    }

    fn response(&self, response: &kernel::Response) -> Content {
        Content {
            request: false,
            inherit: response.inherit,
            expects_response: None,
            body: data(&response.body),
            metadata: response.metadata.as_deref().map(str::to_string),
            capabilities: self.capabilities(&response.capabilities),
        }
    }

    fn message(&self, message: &kernel::Message) -> Message {
        Message {
            id: message.id.0,
            cause: message.cause.0,
            source: self.address(message.source),
            target: self.address(message.target),
            rsvp: message.rsvp.map(|rsvp| self.address(rsvp)),
            content: match &message.content {
                kernel::Content::Request(request) => self.request(request),
                kernel::Content::Response(response) => self.response(response),
            },
            blob: message.blob.as_ref().map(blob),
        }
    }

    fn outgoing(&self, outgoing: &kernel::Outgoing) -> Outgoing {
        Outgoing {
            target: self.address(outgoing.target),
            content: self.request(&outgoing.request),
            context: outgoing.context.as_deref().map(data),
            blob: outgoing.blob.as_ref().map(blob),
        }
    }

    fn on_exit(&self, value: &kernel::OnExit) -> OnExit {
        let request = |r: &kernel::OnExitRequest| Outgoing {
            target: self.address(r.target),
            content: self.request(&r.request),
            context: None,
            blob: r.blob.as_ref().map(blob),
        };
        match value {
            kernel::OnExit::None => OnExit::None,
            kernel::OnExit::Restart => OnExit::Restart,
            kernel::OnExit::Requests(list) => OnExit::Requests(list.iter().map(request).collect()),
        }
    }

    fn spawn(&self, spawn: &kernel::Spawn) -> Spawn {
        let grant = |(holder, params): &(ProcessRef, kernel::ParamsRef)| {
            (self.process(*holder), self.names.params_text(*params).to_string())
        };
        Spawn {
            name: spawn.name.as_deref().map(str::to_string),
            path: spawn.path.to_string(),
            on_exit: self.on_exit(&spawn.on_exit),
            request_capabilities: self.capabilities(&spawn.request_capabilities),
            grant_capabilities: spawn.grant_capabilities.iter().map(grant).collect(),
            public: spawn.public,
        }
    }

    /// What a call sends; none of the others is kept with its event.
    fn sends(&self, call: &Call) -> Option<Sends> {
        match call {
            Call::SendRequest(outgoing) => Some(Sends::Request(self.outgoing(outgoing))),
            Call::SendRequests(list) => Some(Sends::Requests(list.iter().map(|each| self.outgoing(each)).collect())),
            Call::SendResponse(said) => {
                let (response, carried) = &**said;
                Some(Sends::Response { content: self.response(response), blob: carried.as_ref().map(blob) })
            }
            Call::SendAndAwaitResponse(outgoing) => Some(Sends::AwaitedRequest(self.outgoing(outgoing))),
            _ => None,
        }
    }

    fn answer(&self, answer: &kernel::Answer) -> Answer {
        match answer {
            kernel::Answer::Init(address) => Answer::Init(self.address(*address)),
            kernel::Answer::Our(address) => Answer::Our(self.address(*address)),
            kernel::Answer::OnExit(value) => Answer::OnExit(self.on_exit(value)),
            kernel::Answer::Capabilities(list) => Answer::Capabilities(self.capabilities(list)),
            kernel::Answer::HasBlob(has) => Answer::HasBlob(*has),
            kernel::Answer::Blob(carried) => Answer::Blob(carried.as_ref().map(blob)),
            kernel::Answer::Done
            | kernel::Answer::State(_)
            | kernel::Answer::Spawned(_)
            | kernel::Answer::Received(_)
            | kernel::Answer::Awaited(_) => unreachable!("each has an event of its own kind"),
        }
    }

    fn place(&self, message: &Rc<kernel::Message>) -> usize {
        self.places[&Rc::as_ptr(message)]
    }

    fn fact(&self, what: &What) -> Fact {
        match what {
            What::Booted(boot) => Fact::Booted { boot: *boot },
            What::Down(down) => Fact::Down { how: down.name().to_string() },
            What::Failed(reason) => Fact::Failed { reason: reason.to_string() },
            What::Started(life) => Fact::Started { life: self.life(life) },
            What::Exited(life, exit, last_words) => Fact::Exited {
                life: self.life(life),
                panicked: *exit == Exit::Panicked,
                last_words: last_words.text.to_string(),
            },
            What::Killed(life) => Fact::Killed { life: self.life(life) },
            What::Lost(life) => Fact::Lost { life: self.life(life) },
            What::Called(life, call, said) => Fact::Called {
                life: self.life(life),
                call: call.name().to_string(),
                sends: said.as_ref().and_then(|call| self.sends(call)),
            },
            What::Printed(life, verbosity, text) => {
                Fact::Printed { life: self.life(life), verbosity: *verbosity, printed: text.to_string() }
            }
            What::SetsOnExit(life, value) => Fact::SetsOnExit { life: self.life(life), on_exit: self.on_exit(value) },
            What::SavesState(life, state) => {
                Fact::SavesState { life: self.life(life), state: state.as_deref().map(data) }
            }
            What::SavesCapabilities(life, list) => {
                Fact::SavesCapabilities { life: self.life(life), capabilities: self.capabilities(&**list) }
            }
            What::DropsCapabilities(life, list) => {
                Fact::DropsCapabilities { life: self.life(life), capabilities: self.capabilities(&**list) }
            }
            What::Spawns(life, spawn) => Fact::Spawns { life: self.life(life), spawn: self.spawn(spawn) },
            What::Returned(life, call) => Fact::Returned { life: self.life(life), call: call.name().to_string() },
            What::Learned(life, call, answer) => {
                Fact::Learned { life: self.life(life), call: call.name().to_string(), answer: self.answer(answer) }
            }
            What::ReadState(life, state) => {
                Fact::ReadState { life: self.life(life), state: state.as_deref().map(data) }
            }
            What::Spawned(life, result) => Fact::Spawned {
                life: self.life(life),
                child: result.ok().map(|child| self.process(child)),
                error: result.err().map(|error| spawn_error(error).to_string()),
            },
            What::Spun(life, span) => Fact::Spun { life: self.life(life), span: span.0 },
            What::Sent(message) => Fact::Sent { message: self.place(message) },
            What::Command(message, _) => Fact::Command { message: self.place(message) },
            What::InvalidCode(message) => Fact::InvalidCode { message: self.place(message) },
            What::CommandAnswered(message, _) => Fact::CommandAnswered { message: self.place(message) },
            What::Received(life, message, context) => Fact::Received {
                life: self.life(life),
                message: self.place(message),
                context: context.as_deref().map(data),
            },
            What::ReceivedError(life, error, message, context) => Fact::ReceivedError {
                life: self.life(life),
                error: send_error(*error).to_string(),
                message: self.place(message),
                context: context.as_deref().map(data),
            },
            What::ModuleReceived(module, message) => {
                Fact::ModuleReceived { module: self.process(*module), message: self.place(message) }
            }
            What::ModuleReceivedError(module, error, message) => Fact::ModuleReceivedError {
                module: self.process(*module),
                error: send_error(*error).to_string(),
                message: self.place(message),
            },
            What::Dropped(message, reason) => {
                Fact::Dropped { message: self.place(message), reason: drop_reason(*reason).to_string() }
            }
            What::NetworkLost(message) => Fact::NetworkLost { message: self.place(message) },
            What::NetworkOffline(message) => Fact::NetworkOffline { message: self.place(message) },
            What::Arrived(message) => Fact::Arrived { message: self.place(message) },
            What::Unmodelled(module, text) => {
                Fact::Unmodelled { module: self.process(*module), what: text.to_string() }
            }
            What::Visited(visit) => Fact::Visited { visit: self::visit(visit) },
            What::Shown(sight) => Fact::Shown { sight: self::sight(sight) },
            What::News(news) => Fact::News {
                removed: news.removed.iter().map(|each| block(each)).collect(),
                added: news.added.iter().map(|each| block(each)).collect(),
            },
            What::Durable(change) => match &**change {
                Change::Put(process, record) => Fact::Durable {
                    process: self.process(*process),
                    row: Some(Row {
                        image: record.image.map(|image| image.0),
                        on_exit: self.on_exit(&record.on_exit),
                        public: record.public,
                        capabilities: self.capabilities(&record.capabilities),
                    }),
                },
                Change::Remove(process) => Fact::Durable { process: self.process(*process), row: None },
            },
            What::StateDurable(process, state) => {
                Fact::StateDurable { process: self.process(*process), state: state.as_deref().map(data) }
            }
            What::WriteRefused => Fact::WriteRefused,
            What::IoRefused(module, fault) => {
                Fact::IoRefused { module: self.process(*module), fault: fault.to_string() }
            }
            What::StoreChecked(module, path, trouble) => Fact::StoreChecked {
                module: self.process(*module),
                path: path.to_string(),
                trouble: trouble.as_deref().map(str::to_string),
            },
            What::Rotted(path, byte) => Fact::Rotted { path: path.to_string(), byte: *byte },
            What::BackedUp(backup) => Fact::BackedUp { backup: *backup },
            What::Restored(backup) => Fact::Restored { backup: *backup },
            What::ClockJumped(by) => Fact::ClockJumped { by: *by },
            What::Script(line) => Fact::Script { line: *line },
            What::Lifted => Fact::Lifted,
        }
    }
}

fn data(bytes: &[u8]) -> Data {
    match std::str::from_utf8(bytes) {
        Ok(text) => Data::Text(text.to_string()),
        Err(_) => Data::Base64 { base64: BASE64_STANDARD.encode(bytes) },
    }
}

fn blob(blob: &kernel::Blob) -> Blob {
    Blob { mime: blob.mime.as_deref().map(str::to_string), bytes: data(&blob.bytes) }
}

pub(super) fn spawn_error(error: SpawnError) -> &'static str {
    match error {
        SpawnError::NameTaken => "name-taken",
        SpawnError::NoFileAtPath => "no-file-at-path",
    }
}

pub(super) fn send_error(error: SendErrorKind) -> &'static str {
    match error {
        SendErrorKind::Offline => "offline",
        SendErrorKind::Timeout => "timeout",
    }
}

pub(super) fn drop_reason(reason: DropReason) -> &'static str {
    match reason {
        DropReason::NotRunning => "not-running",
        DropReason::NoCapability => "no-capability",
        DropReason::NoNetwork => "no-network",
        DropReason::RemoteCommand => "remote-command",
        DropReason::BadCommand => "bad-command",
        DropReason::NotAwaited => "not-awaited",
        DropReason::NothingToAnswer => "nothing-to-answer",
    }
}

fn http(request: &visit::HttpRequest) -> HttpRequest {
    HttpRequest {
        method: request.method.clone(),
        path: request.path.clone(),
        host: request.host.clone(),
        headers: request.headers.clone(),
        body: data(&request.body),
        logged_in: request.logged_in,
        local: request.local,
    }
}

fn frame(frame: &visit::Frame) -> Frame {
    Frame { opcode: frame.kind, bytes: data(&frame.bytes) }
}

fn visit(visit: &visit::Visit) -> Visit {
    match visit {
        visit::Visit::Http(request) => Visit::Http(http(request)),
        visit::Visit::Open(socket, request) => Visit::OpenSocket { socket: socket.clone(), request: http(request) },
        visit::Visit::Frame(socket, sent) => Visit::Frame { socket: socket.clone(), frame: frame(sent) },
    }
}

fn sight(sight: &visit::Sight) -> Sight {
    match sight {
        visit::Sight::Http(method, path, status, headers, body) => Sight::Http {
            method: method.clone(),
            path: path.clone(),
            status: *status,
            headers: headers.clone(),
            body: data(body),
        },
        visit::Sight::Opened(socket) => Sight::SocketOpened { socket: socket.clone() },
        visit::Sight::Refused(socket, status) => Sight::SocketRefused { socket: socket.clone(), status: *status },
        visit::Sight::Frame(socket, got) => Sight::Frame { socket: socket.clone(), frame: frame(got) },
        visit::Sight::NobodyThere => Sight::NobodyThere,
        visit::Sight::Served(url, got) => Sight::ServerGetsFrame { url: url.clone(), frame: frame(got) },
    }
}

fn block(block: &chain::Block) -> Block {
    let transaction = |each: &Rc<chain::Transaction>| Transaction {
        hash: chain::hex(&each.hash),
        address: chain::hex(&each.log.address),
        topics: each.log.topics.iter().map(|topic| chain::hex(topic)).collect(),
        data: chain::hex(&each.log.data),
    };
    Block {
        number: block.number,
        hash: chain::hex(&block.hash),
        parent: chain::hex(&block.parent),
        timestamp: block.timestamp,
        transactions: block.transactions.iter().map(transaction).collect(),
    }
}
