//! The trace: a stream of events, numbered, fingerprinted, and handed to whoever reads it. The last are kept.

use crate::event::{Event, Life, What};
use crate::outside::visit::{Frame, HttpRequest, Sight, Visit};
use kernel_core::command::{Command, CommandAnswer};
use kernel_core::{
    Address, Answer, Blob, Capability, Cause, Change, Content, Duration, Exit, Message, Names, OnExit, ProcessRef,
    Record, SendErrorKind, Spawn, SpawnError,
};
use std::collections::VecDeque;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// How many of the last events are kept for a report.
pub const KEPT: usize = 256;

/// A chained digest of all events so far: equal runs have equal fingerprints, event for event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// The digest of this and what follows.
    pub fn then(self, next: Fingerprint) -> Fingerprint {
        Fingerprint(xxh3_64_with_seed(&next.0.to_le_bytes(), self.0))
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The events of one run.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    count: u64,
    fingerprint: Fingerprint,
    /// The last events, and all of them if `keep_all`.
    kept: VecDeque<(Cause, Event)>,
    keep_all: bool,
    /// The fingerprint after each event, if all are kept.
    chain: Vec<Fingerprint>,
    /// The explicit encoding of one event, reused.
    buffer: Vec<u8>,
}

impl Trace {
    /// A trace that keeps every event: for replays and snapshots.
    pub fn keeping_all() -> Trace {
        Trace { keep_all: true, ..Trace::default() }
    }

    /// The index that the next event will get.
    pub fn next(&self) -> Cause {
        Cause(self.count)
    }

    /// Takes an event in, and gives its index.
    pub fn push(&mut self, event: Event) -> Cause {
        let index = self.next();
        self.buffer.clear();
        encode(&event, &mut self.buffer);
        self.fingerprint = Fingerprint(xxh3_64_with_seed(&self.buffer, self.fingerprint.0));
        self.count += 1;
        match self.keep_all {
            true => self.chain.push(self.fingerprint),
            false if self.kept.len() == KEPT => drop(self.kept.pop_front()),
            false => {}
        }
        self.kept.push_back((index, event));
        index
    }

    /// How many events there were.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The fingerprint of all events so far.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The fingerprint after each event, if all are kept: where two runs part, it differs from there on.
    pub fn chain(&self) -> &[Fingerprint] {
        &self.chain
    }

    /// The events that are kept, oldest first, with their indices.
    pub fn events(&self) -> impl Iterator<Item = &(Cause, Event)> {
        self.kept.iter()
    }
}

/// An explicit encoding: tags and numbers, little-endian; bodies by digest. Last words of a panic are left out: they
/// name lines of source, and the same story told in Wasm and in native Rust is to leave the same fingerprint.
fn encode(event: &Event, out: &mut Vec<u8>) {
    let mut put = Encoder(out);
    put.u64(event.at.0);
    put.u32(event.node.0);
    put.u64(event.cause.0);
    put.u8(event.what.kind() as u8);
    if let Some(life) = event.what.life() {
        put.u32(life.process.0);
        put.u32(life.number);
    }
    match &event.what {
        What::Started(_) | What::Killed(_) | What::Lost(_) | What::Lifted | What::WriteRefused => {}
        What::IoRefused(module, fault) => {
            put.u32(module.0);
            put.u32(fault.at);
            put.u8(fault.wrong as u8);
        }
        What::StoreChecked(module, path, trouble) => {
            put.u32(module.0);
            put.bytes(path.as_bytes());
            put.optional(trouble.as_deref().map(str::as_bytes));
        }
        What::Booted(n) | What::Script(n) | What::BackedUp(n) | What::Restored(n) => put.u32(*n),
        What::Rotted(path, byte) => {
            put.bytes(path.as_bytes());
            put.u64(*byte);
        }
        What::Down(down) => put.u8(*down as u8),
        What::Failed(text) => put.bytes(text.as_bytes()),
        What::Exited(_, exit, _) => put.u8(*exit as u8),
        What::Called(_, call, _) | What::Returned(_, call) => put.u8(*call as u8),
        What::Printed(_, verbosity, text) => {
            put.u8(*verbosity);
            put.bytes(text.as_bytes());
        }
        What::SetsOnExit(_, value) => put.on_exit(value),
        What::SavesState(_, bytes) | What::ReadState(_, bytes) => put.optional(bytes.as_deref()),
        What::StateDurable(process, bytes) => {
            put.u32(process.0);
            put.optional(bytes.as_deref());
        }
        What::SavesCapabilities(_, list) | What::DropsCapabilities(_, list) => put.capabilities(&**list),
        What::Spawns(_, spawn) => put.spawn(spawn),
        What::Learned(_, call, answer) => {
            put.u8(*call as u8);
            put.answer(answer);
        }
        What::Spawned(_, Ok(child)) => put.u32(child.0),
        What::Spawned(_, Err(SpawnError::NameTaken)) => put.u8(1),
        What::Spawned(_, Err(SpawnError::NoFileAtPath)) => put.u8(2),
        What::Spun(_, span) => put.u64(span.0),
        What::ClockJumped(nanos) => put.u64(nanos.cast_unsigned()),
        What::Sent(message) => put.message(message),
        What::Received(_, message, context) => {
            put.id(message);
            put.optional(context.as_deref());
        }
        What::NetworkLost(message) | What::NetworkOffline(message) | What::Arrived(message) => put.id(message),
        What::ReceivedError(_, kind, message, context) => {
            put.optional(context.as_deref());
            put.u8(*kind as u8);
            put.id(message);
        }
        What::ModuleReceived(module, message) => {
            put.u32(module.0);
            put.id(message);
        }
        What::ModuleReceivedError(module, kind, message) => {
            put.u32(module.0);
            put.u8(*kind as u8);
            put.id(message);
        }
        What::Dropped(message, reason) => {
            put.id(message);
            put.u8(*reason as u8);
        }
        What::Unmodelled(module, text) => {
            put.u32(module.0);
            put.bytes(text.as_bytes());
        }
        What::Visited(visit) => put.visit(visit),
        What::Shown(sight) => put.sight(sight),
        What::News(news) => news.removed.iter().chain(&news.added).for_each(|block| put.bytes(&block.hash)),
        // Their content is in the message that was sent just before.
        What::Command(message, _) | What::InvalidCode(message) | What::CommandAnswered(message, _) => put.id(message),
        What::Durable(change) => match &**change {
            Change::Put(process, record) => {
                put.u32(process.0);
                put.record(record);
            }
            Change::Remove(process) => put.u32(process.0),
        },
    }
}

struct Encoder<'a>(&'a mut Vec<u8>);

impl Encoder<'_> {
    fn u8(&mut self, n: u8) {
        self.0.push(n);
    }

    fn u32(&mut self, n: u32) {
        self.0.extend(n.to_le_bytes());
    }

    fn u64(&mut self, n: u64) {
        self.0.extend(n.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.u64(xxh3_64(bytes));
    }

    fn optional(&mut self, bytes: Option<&[u8]>) {
        self.u8(bytes.is_some().into());
        self.bytes(bytes.unwrap_or_default());
    }

    fn address(&mut self, address: Address) {
        self.u32(address.node.0);
        self.u32(address.process.0);
    }

    fn capabilities<'a>(&mut self, capabilities: impl IntoIterator<Item = &'a Capability>) {
        for capability in capabilities {
            self.address(capability.issuer);
            self.u32(capability.params.0);
        }
    }

    fn blob(&mut self, blob: Option<&Blob>) {
        self.optional(blob.map(|blob| &*blob.bytes));
        self.optional(blob.and_then(|blob| blob.mime.as_deref()).map(str::as_bytes));
    }

    fn id(&mut self, message: &Message) {
        self.u64(message.id.0);
        self.u64(message.cause.0);
    }

    fn message(&mut self, message: &Message) {
        self.id(message);
        self.address(message.source);
        self.address(message.target);
        if let Some(rsvp) = message.rsvp {
            self.address(rsvp);
        }
        match &message.content {
            Content::Request(request) => {
                self.u8(1 + u8::from(request.inherit));
                self.u64(request.expects_response.map_or(u64::MAX, |seconds| seconds));
                self.optional(request.metadata.as_deref().map(str::as_bytes));
            }
            Content::Response(response) => {
                self.u8(3 + u8::from(response.inherit));
                self.optional(response.metadata.as_deref().map(str::as_bytes));
            }
        }
        self.bytes(message.body());
        self.capabilities(message.capabilities());
        // What is sent to the kernel is code: the same program has other bytes in Wasm and in native Rust.
        if message.target.process != ProcessRef::KERNEL {
            self.blob(message.blob.as_ref());
        }
    }

    fn headers(&mut self, headers: &[(String, String)]) {
        for (name, value) in headers {
            self.bytes(name.as_bytes());
            self.bytes(value.as_bytes());
        }
    }

    fn http(&mut self, request: &HttpRequest) {
        let HttpRequest { method, path, host, headers, body, logged_in, local } = request;
        [method, path, host].into_iter().for_each(|text| self.bytes(text.as_bytes()));
        self.headers(headers);
        self.bytes(body);
        self.u8(u8::from(*logged_in) + 2 * u8::from(*local));
    }

    fn frame(&mut self, frame: &Frame) {
        self.u8(frame.kind as u8);
        self.bytes(&frame.bytes);
    }

    fn visit(&mut self, visit: &Visit) {
        match visit {
            Visit::Http(request) => self.http(request),
            Visit::Open(socket, request) => {
                self.bytes(socket.as_bytes());
                self.http(request);
            }
            Visit::Frame(socket, frame) => {
                self.bytes(socket.as_bytes());
                self.frame(frame);
            }
        }
    }

    fn sight(&mut self, sight: &Sight) {
        match sight {
            Sight::Http(method, path, status, headers, body) => {
                self.bytes(method.as_bytes());
                self.bytes(path.as_bytes());
                self.u32((*status).into());
                self.headers(headers);
                self.bytes(body);
            }
            Sight::Opened(socket) => self.bytes(socket.as_bytes()),
            Sight::Refused(socket, status) => {
                self.bytes(socket.as_bytes());
                self.u32((*status).into());
            }
            Sight::Frame(socket, frame) => {
                self.bytes(socket.as_bytes());
                self.frame(frame);
            }
            Sight::NobodyThere => self.u8(0),
        }
    }

    fn on_exit(&mut self, value: &OnExit) {
        self.u8(value.kind() as u8);
        if let OnExit::Requests(list) = value {
            for request in list.iter() {
                self.address(request.target);
                self.bytes(&request.request.body);
                self.capabilities(&request.request.capabilities);
                self.blob(request.blob.as_ref());
            }
        }
    }

    fn spawn(&mut self, spawn: &Spawn) {
        self.optional(spawn.name.as_deref().map(str::as_bytes));
        self.bytes(spawn.path.as_bytes());
        self.on_exit(&spawn.on_exit);
        self.u8(spawn.public.into());
        self.capabilities(&spawn.request_capabilities);
        for (holder, params) in &spawn.grant_capabilities {
            self.u32(holder.0);
            self.u32(params.0);
        }
    }

    /// What a call gave back that has no fact of its own.
    fn answer(&mut self, answer: &Answer) {
        match answer {
            Answer::Init(address) | Answer::Our(address) => self.address(*address),
            Answer::OnExit(value) => self.on_exit(value),
            Answer::State(bytes) => self.optional(bytes.as_deref()),
            Answer::Capabilities(list) => self.capabilities(list),
            Answer::HasBlob(has) => self.u8((*has).into()),
            Answer::Blob(blob) => self.blob(blob.as_ref()),
            Answer::Done | Answer::Spawned(_) | Answer::Received(_) | Answer::Awaited(_) => {}
        }
    }

    fn record(&mut self, record: &Record) {
        self.u32(record.image.map_or(u32::MAX, |image| image.0));
        self.on_exit(&record.on_exit);
        self.u8(record.public.into());
        self.capabilities(&record.capabilities);
    }
}

// ---- text --------------------------------------------------------------------------------------------------------

/// One event as a line: time, node, process, event. Reads as a story; a body is shown up to 60 characters.
pub fn line(index: Cause, event: &Event, names: &Names) -> String {
    let time = event.at.0 / 1_000;
    let time = format!("{}.{:06}", time / 1_000_000, time % 1_000_000);
    let node = names.node_text(event.node);
    let who = event.what.life().map(|life| format!(" {}", life_text(life, names))).unwrap_or_default();
    format!("{time:>12}s #{:<5} {node}{who} {}", index.0, what_text(event, names))
}

/// `counter:demo:alice.os/2`: a process and which of its lives.
pub fn life_text(life: Life, names: &Names) -> String {
    format!("{}/{}", names.process_text(life.process), life.number)
}

fn what_text(event: &Event, names: &Names) -> String {
    let process = |process: &ProcessRef| names.process_text(*process).to_string();
    let from = |message: &Message| format!("#{} from {}", message.cause.0, short(message.source, event, names));
    match &event.what {
        What::Booted(n) => format!("boots, for the {} time", nth(*n)),
        What::Down(down) => format!("goes down: {}", down.name()),
        What::Failed(text) => format!("FAILED by itself: {text}"),
        What::Started(_) => "starts".to_string(),
        What::Exited(_, Exit::Returned, _) => "returns from init".to_string(),
        What::Exited(_, Exit::Panicked, text) => format!("panics: {}", last_line(text)),
        What::Killed(_) => "is killed".to_string(),
        What::Lost(_) => "is lost with its node".to_string(),
        What::Called(_, call, _) => format!("calls {}", call.name()),
        What::Printed(_, _, text) => format!("prints {text:?}"),
        What::SetsOnExit(_, value) => format!("sets on-exit {}", on_exit_text(value, event, names)),
        What::SavesState(_, Some(bytes)) => format!("saves state {}", excerpt(bytes)),
        What::SavesState(_, None) => "clears its state".to_string(),
        What::SavesCapabilities(_, list) => format!("keeps {}", capabilities_text(list, names)),
        What::DropsCapabilities(_, list) => format!("drops {}", capabilities_text(list, names)),
        What::Spawns(_, spawn) => {
            let name = spawn.name.as_deref().unwrap_or("a child");
            format!("spawns {name} from {} as {:?}", spawn.path, spawn.on_exit.kind())
        }
        What::Returned(_, call) => format!("{} returned", call.name()),
        What::Learned(_, call, answer) => format!("{} returned{}", call.name(), answer_text(answer, event, names)),
        What::ReadState(_, Some(bytes)) => format!("read state {}", excerpt(bytes)),
        What::ReadState(_, None) => "read state: none".to_string(),
        What::Spawned(_, Ok(child)) => format!("spawned {}", process(child)),
        What::Spawned(_, Err(SpawnError::NameTaken)) => "could not spawn: name taken".to_string(),
        What::Spawned(_, Err(SpawnError::NoFileAtPath)) => "could not spawn: no file at path".to_string(),
        What::Spun(_, span) => format!("computed for {span} without a call"),
        What::Sent(message) => {
            let what = match &message.content {
                Content::Request(request) => match request.expects_response {
                    Some(seconds) => format!("asks (within {seconds}s)"),
                    None => "tells".to_string(),
                },
                Content::Response(_) => "answers".to_string(),
            };
            let source = short(message.source, event, names);
            format!("{source} {what} {}: {}", short(message.target, event, names), excerpt(message.body()))
        }
        What::Command(message, command) => {
            format!("{} commands: {}", short(message.source, event, names), command_text(command, names))
        }
        What::InvalidCode(message) => format!("#{} brings no valid code", message.cause.0),
        What::CommandAnswered(message, answer) => {
            let target = short(message.target, event, names);
            match &**answer {
                CommandAnswer::KilledProcess(id) => format!("kernel answers {target}: KilledProcess {id}"),
                other => format!("kernel answers {target}: {other:?}"),
            }
        }
        What::Received(_, message, _) if message.is_request() => {
            format!("receives request {}: {}", from(message), excerpt(message.body()))
        }
        What::Received(_, message, _) => format!("receives response {}: {}", from(message), excerpt(message.body())),
        What::ReceivedError(_, kind, message, _) => {
            let target = short(message.target, event, names);
            format!("learns that #{} to {target} met {}", message.cause.0, error_text(*kind))
        }
        What::ModuleReceived(module, message) => {
            format!("{} receives {}: {}", process(module), from(message), excerpt(message.body()))
        }
        What::ModuleReceivedError(module, kind, message) => {
            format!("{} learns that #{} met {}", process(module), message.cause.0, error_text(*kind))
        }
        What::Dropped(message, reason) => {
            let target = short(message.target, event, names);
            format!("dropped {} to {target}: {}", from(message), reason.text())
        }
        What::NetworkLost(message) => format!("network lost {}", from(message)),
        What::NetworkOffline(message) => format!("network cannot reach {}", short(message.target, event, names)),
        What::Arrived(message) => format!("arrives {}", from(message)),
        What::Unmodelled(module, text) => format!("{} was asked for what is not modelled: {text}", process(module)),
        What::Visited(visit) => format!("visitor: {visit}"),
        What::Shown(sight) => format!("visitor: {sight}"),
        What::News(news) => format!("chain: {news}"),
        What::Durable(change) => match &**change {
            Change::Put(id, record) => {
                let caps = record.capabilities.len();
                format!("durable: {} {:?}, {caps} capabilities", process(id), record.on_exit.kind())
            }
            Change::Remove(id) => format!("durable: {} is gone", process(id)),
        },
        What::StateDurable(id, Some(bytes)) => format!("durable: state of {} {}", process(id), excerpt(bytes)),
        What::StateDurable(id, None) => format!("durable: state of {} cleared", process(id)),
        What::WriteRefused => "disk refused a write".to_string(),
        What::IoRefused(module, fault) => format!("disk refuses {} an access: {fault}", process(module)),
        What::ClockJumped(nanos) => {
            let span = Duration(nanos.unsigned_abs());
            format!("its clock jumps {} by {span}", if *nanos < 0 { "back" } else { "forth" })
        }
        What::StoreChecked(module, path, None) => format!("{} finds {path} sound", process(module)),
        What::StoreChecked(module, path, Some(trouble)) => {
            format!("{} finds {path} broken: {}", process(module), excerpt(trouble.as_bytes()))
        }
        What::Rotted(path, byte) => format!("disk rots: byte {byte} of {path}"),
        What::BackedUp(n) => format!("disk is backed up, for the {} time", nth(*n)),
        What::Restored(n) => format!("disk is swapped for its {} backup", nth(*n)),
        What::Script(line) => format!("script line {}", line + 1),
        What::Lifted => "the storm is over".to_string(),
    }
}

/// An address as seen from the event's node: without the node, if it is that one.
fn short(address: Address, event: &Event, names: &Names) -> String {
    match address.node == event.node {
        true => names.process_text(address.process).to_string(),
        false => names.address_text(address),
    }
}

fn capabilities_text(list: &[Capability], names: &Names) -> String {
    let text = |c: &Capability| format!("{} of {}", names.params_text(c.params), names.address_text(c.issuer));
    match list {
        [] => "nothing".to_string(),
        list => list.iter().map(text).collect::<Vec<_>>().join(", "),
    }
}

fn answer_text(answer: &Answer, event: &Event, names: &Names) -> String {
    match answer {
        Answer::OnExit(value) => format!(" {}", on_exit_text(value, event, names)),
        Answer::Capabilities(list) => format!(" {}", capabilities_text(list, names)),
        Answer::HasBlob(has) => format!(" {has}"),
        Answer::Blob(Some(blob)) => format!(" {}", excerpt(&blob.bytes)),
        Answer::Blob(None) => " none".to_string(),
        Answer::Init(_)
        | Answer::Our(_)
        | Answer::State(_)
        | Answer::Done
        | Answer::Spawned(_)
        | Answer::Received(_)
        | Answer::Awaited(_) => String::new(),
    }
}

fn on_exit_text(value: &OnExit, event: &Event, names: &Names) -> String {
    match value {
        OnExit::None => "None".to_string(),
        OnExit::Restart => "Restart".to_string(),
        OnExit::Requests(list) => {
            let each = list.iter().map(|r| format!("{}: {}", short(r.target, event, names), excerpt(&r.request.body)));
            format!("Requests [{}]", each.collect::<Vec<_>>().join(", "))
        }
    }
}

fn command_text(command: &Command, names: &Names) -> String {
    let name = |process: &ProcessRef| names.process_text(*process);
    match command {
        Command::Initialize(init) => format!("InitializeProcess {} {:?}", name(&init.id), init.on_exit.kind()),
        Command::Run(id) => format!("RunProcess {}", name(id)),
        Command::Kill(id) => format!("KillProcess {}", name(id)),
        Command::Grant(id, list) => format!("GrantCapabilities {} {}", name(id), list.len()),
        Command::Drop(id, list) => format!("DropCapabilities {} {}", name(id), list.len()),
        Command::SetOnExit(id, value) => format!("SetOnExit {} {:?}", name(id), value.kind()),
        Command::Shutdown => "Shutdown".to_string(),
        Command::Booted => "Booted".to_string(),
        Command::Debug(_) => "Debug".to_string(),
    }
}

fn error_text(kind: SendErrorKind) -> &'static str {
    match kind {
        SendErrorKind::Offline => "offline",
        SendErrorKind::Timeout => "timeout",
    }
}

fn nth(n: u32) -> String {
    let suffix = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        (_, _) => "th",
    };
    format!("{n}{suffix}")
}

fn excerpt(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().count() <= 60 => format!("{text:?}"),
        Ok(text) => format!("{:?}… ({} bytes)", text.chars().take(60).collect::<String>(), bytes.len()),
        Err(_) => format!("{} bytes", bytes.len()),
    }
}

fn last_line(text: &str) -> &str {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("note:")).unwrap_or("")
}
