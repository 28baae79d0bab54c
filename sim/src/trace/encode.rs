//! The bytes of an event that the fingerprint is made of.

use crate::outside::visit::{Frame, HttpRequest, Sight, Visit};
use crate::trace::event::{Event, What};
use kernel_core::{
    Address, Answer, Blob, Capability, Change, Content, Message, OnExit, ProcessRef, Record, Spawn, SpawnError,
};
use xxhash_rust::xxh3::xxh3_64;

/// Whether these bytes are code, or stand for it: their length and content depend on the form of a program.
pub(crate) fn is_code(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm") || bytes.starts_with(b"native:")
}

/// An explicit encoding: tags and numbers, little-endian; bodies by digest. The message of a panic is left out: it
/// names lines of source, and a scenario leaves the same fingerprint in Wasm and in native Rust.
pub(super) fn encode(event: &Event, out: &mut Vec<u8>) {
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
        // The same program has other bytes in Wasm and in native Rust.
        self.optional(blob.map(|blob| if is_code(&blob.bytes) { b"code" } else { &*blob.bytes }));
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
            Sight::Served(url, frame) => {
                self.u8(1);
                self.bytes(url.as_bytes());
                self.frame(frame);
            }
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

    /// What a call returned that has no event of its own.
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
