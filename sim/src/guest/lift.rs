//! From a guest's memory to values: every pointer, length, discriminant and text is checked before it is believed.
//!
//! It never panics and never allocates more than the guest's memory can back.

use super::abi::World;
use kernel_core::{
    Address, Blob, Bytes, Capability, Names, NodeId, OnExit, OnExitRequest, Outgoing, ParamsRef, ProcessRef, Request,
    Response,
};
use std::rc::Rc;
use std::slice::ChunksExact;

/// What one call may lift. Lists may overlap in memory, so a small memory can describe far more than it holds.
const CALL_BYTES_MAX: usize = 256 << 20;

/// The longest list. What a list becomes takes more memory than the guest spends on it: a message an element, say.
const LIST_MAX: u32 = 65_536;

/// How a guest broke the calling convention, and in which field.
#[derive(Debug)]
pub(super) struct AbiError {
    path: Vec<String>,
    problem: String,
    bound: Option<&'static str>,
}

/// Boxed, so that the way without an error stays short.
pub(super) type Lifted<T> = Result<T, Box<AbiError>>;

impl AbiError {
    pub(super) fn new(problem: impl Into<String>) -> Box<AbiError> {
        Box::new(AbiError { path: Vec::new(), problem: problem.into(), bound: None })
    }

    /// The guest is in the right, and this simulator has a bound.
    pub(super) fn bounded(problem: impl Into<String>, bound: &'static str) -> Box<AbiError> {
        Box::new(AbiError { bound: Some(bound), ..*AbiError::new(problem) })
    }

    /// The bound of this simulator that was reached, if that is what is wrong.
    pub(super) fn bound(&self) -> Option<&'static str> {
        self.bound
    }

    /// The text of the trap.
    pub(super) fn text(&self, call: &str) -> String {
        let mut text = String::from(call);
        for part in self.path.iter().rev() {
            text.push_str(if text.len() == call.len() { ": " } else { "." });
            text.push_str(part);
        }
        format!("{text}: {}", self.problem)
    }
}

/// Names the field in which the error was found, from the inside out.
pub(super) trait At {
    fn at(self, field: &str) -> Self;
    fn nth(self, index: usize) -> Self;
}

impl<T> At for Lifted<T> {
    fn at(self, field: &str) -> Self {
        self.map_err(|mut error| {
            error.path.push(field.to_string());
            error
        })
    }

    fn nth(self, index: usize) -> Self {
        self.map_err(|mut error| {
            error.path.push(format!("#{index}"));
            error
        })
    }
}

/// An option, list or variant as it lies flat: discriminant, pointer, length.
pub(super) type Flat = (u32, u32, u32);

/// Reads one call's arguments.
pub(super) struct Lift<'a> {
    pub memory: &'a [u8],
    pub names: &'a mut Names,
    /// What the node name `our` means.
    pub our: NodeId,
    pub scratch: &'a mut String,
    pub world: World,
    /// Bytes lifted so far, for the bound and for the caller's account.
    pub spent: usize,
}

fn word(record: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]])
}

fn pair(record: &[u8], at: usize) -> (u32, u32) {
    (word(record, at), word(record, at + 4))
}

/// The same three as [`Flat`], in memory: the discriminant is a byte.
fn flat(record: &[u8], at: usize) -> Flat {
    (record[at].into(), word(record, at + 4), word(record, at + 8))
}

/// `false` and `true` only: what other values mean differs between runtimes.
pub(super) fn boolean(value: u32) -> Lifted<bool> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(AbiError::new(format!("a bool of value {other}"))),
    }
}

fn is_some(discriminant: u32) -> Lifted<bool> {
    match discriminant {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(AbiError::new(format!("an option of discriminant {other}"))),
    }
}

impl<'a> Lift<'a> {
    fn slice(&self, pointer: u32, length: u64) -> Lifted<&'a [u8]> {
        let start = u64::from(pointer);
        // Neither can overflow: a list's length is below 2^32 and an element below 2^8 bytes.
        let (from, to) = (usize::try_from(start), usize::try_from(start + length));
        let slice = match (from, to) {
            (Ok(from), Ok(to)) => self.memory.get(from..to),
            (_, _) => None,
        };
        slice.ok_or_else(|| {
            let size = self.memory.len();
            AbiError::new(format!("pointer {pointer:#x} and length {length} reach outside the memory of {size} bytes"))
        })
    }

    fn spend(&mut self, n: usize) -> Lifted<()> {
        self.spent = self.spent.saturating_add(n);
        if self.spent > CALL_BYTES_MAX {
            let problem = format!("the call hands over more than {CALL_BYTES_MAX} bytes");
            Err(AbiError::bounded(problem, "256 MiB handed over in one call"))
        } else {
            Ok(())
        }
    }

    /// A record at `pointer`, or the elements of a list if `n` is not 1.
    fn records(&self, pointer: u32, n: u32, size: usize, align: u32) -> Lifted<&'a [u8]> {
        if !pointer.is_multiple_of(align) {
            return Err(AbiError::new(format!("pointer {pointer:#x} is not a multiple of {align}")));
        }
        self.slice(pointer, u64::from(n) * size as u64)
    }

    fn list(&mut self, (pointer, n): (u32, u32), size: usize, align: u32) -> Lifted<ChunksExact<'a, u8>> {
        let records = self.records(pointer, n, size, align)?;
        if n > LIST_MAX {
            return Err(AbiError::bounded(
                format!("a list of {n} elements; this simulator takes {LIST_MAX}"),
                "65,536 elements in a list",
            ));
        }
        self.spend(records.len())?;
        Ok(records.chunks_exact(size))
    }

    /// The arguments of a call that passes a pointer to them.
    pub(super) fn arguments(&self, pointer: u32, size: usize) -> Lifted<&'a [u8]> {
        self.records(pointer, 1, size, 8).at("arguments")
    }

    /// Checks where the answer will be written, before the call is made: a memory never shrinks.
    pub(super) fn answer_area(&self, pointer: u32, size: usize, align: u32) -> Lifted<()> {
        self.records(pointer, 1, size, align).at("return pointer").map(|_| ())
    }

    fn str(&self, (pointer, length): (u32, u32)) -> Lifted<&'a str> {
        let bytes = self.slice(pointer, length.into())?;
        std::str::from_utf8(bytes)
            .map_err(|error| AbiError::new(format!("not UTF-8 after {} bytes", error.valid_up_to())))
    }

    pub(super) fn text(&mut self, at: (u32, u32)) -> Lifted<Rc<str>> {
        let text = self.str(at)?;
        self.spend(text.len())?;
        Ok(text.into())
    }

    pub(super) fn bytes(&mut self, (pointer, length): (u32, u32)) -> Lifted<Bytes> {
        let bytes = self.slice(pointer, length.into())?;
        self.spend(bytes.len())?;
        Ok(Bytes::from(bytes))
    }

    pub(super) fn option_text(&mut self, (some, pointer, length): Flat) -> Lifted<Option<Rc<str>>> {
        if !is_some(some)? {
            return Ok(None);
        }
        self.text((pointer, length)).map(Some)
    }

    fn option_bytes(&mut self, (some, pointer, length): Flat) -> Lifted<Option<Bytes>> {
        if !is_some(some)? {
            return Ok(None);
        }
        self.bytes((pointer, length)).map(Some)
    }

    /// A process id: 24 bytes. Its parts are joined by colons. A part that holds a colon itself gives a text with three
    /// colons or more: never a legal id, so nobody's.
    fn process(&mut self, record: &[u8]) -> Lifted<ProcessRef> {
        let process = self.str(pair(record, 0)).at("process")?;
        let package = self.str(pair(record, 8)).at("package")?;
        let publisher = self.str(pair(record, 16)).at("publisher")?;
        self.spend(process.len() + package.len() + publisher.len())?;
        self.scratch.clear();
        for part in [process, ":", package, ":", publisher] {
            self.scratch.push_str(part);
        }
        Ok(self.names.process(self.scratch))
    }

    /// An address: 32 bytes.
    fn address(&mut self, record: &[u8]) -> Lifted<Address> {
        let node = self.str(pair(record, 0)).at("node")?;
        self.spend(node.len())?;
        let process = self.process(&record[8..])?;
        Ok(Address { node: self.names.node_or_our(node, self.our), process })
    }

    fn params(&mut self, at: (u32, u32)) -> Lifted<ParamsRef> {
        let json = self.str(at)?;
        self.spend(json.len())?;
        Ok(self.names.params(json))
    }

    pub(super) fn capabilities(&mut self, at: (u32, u32)) -> Lifted<Vec<Capability>> {
        let records = self.list(at, 40, 4)?;
        let mut capabilities = Vec::with_capacity(records.len());
        for (i, record) in records.enumerate() {
            let issuer = self.address(record).at("issuer").nth(i)?;
            let params = self.params(pair(record, 32)).at("params").nth(i)?;
            capabilities.push(Capability { issuer, params });
        }
        Ok(capabilities)
    }

    /// What `spawn` grants: since 1.0 with parameters; before, always the right to message.
    pub(super) fn grants(&mut self, at: (u32, u32)) -> Lifted<Vec<(ProcessRef, ParamsRef)>> {
        let with_params = self.world >= World::V1_0;
        let records = self.list(at, if with_params { 32 } else { 24 }, 4)?;
        let mut grants = Vec::with_capacity(records.len());
        for (i, record) in records.enumerate() {
            let process = self.process(record).nth(i)?;
            let params =
                if with_params { self.params(pair(record, 24)).at("params").nth(i)? } else { ParamsRef::MESSAGING };
            grants.push((process, params));
        }
        Ok(grants)
    }

    /// A blob that lies flat.
    pub(super) fn blob_of(&mut self, some: u32, mime: Flat, bytes: (u32, u32)) -> Lifted<Option<Blob>> {
        if !is_some(some)? {
            return Ok(None);
        }
        let mime = self.option_text(mime).at("mime")?;
        Ok(Some(Blob { mime, bytes: self.bytes(bytes).at("bytes")? }))
    }

    /// An optional blob: 24 bytes.
    fn option_blob(&mut self, record: &[u8]) -> Lifted<Option<Blob>> {
        self.blob_of(record[0].into(), flat(record, 4), pair(record, 16)).at("blob")
    }

    /// A request: 56 bytes.
    fn request(&mut self, record: &[u8]) -> Lifted<Request> {
        let inherit = boolean(record[0].into()).at("inherit")?;
        let expects_response = if is_some(record[8].into()).at("expects-response")? {
            Some(u64::from(word(record, 16)) | u64::from(word(record, 20)) << 32)
        } else {
            None
        };
        Ok(Request {
            inherit,
            expects_response,
            body: self.bytes(pair(record, 24)).at("body")?,
            metadata: self.option_text(flat(record, 32)).at("metadata")?,
            capabilities: self.capabilities(pair(record, 44)).at("capabilities")?,
        })
    }

    /// A response that lies flat: `inherit`, body, metadata, capabilities.
    pub(super) fn response_of(
        &mut self,
        inherit: u32,
        body: (u32, u32),
        metadata: Flat,
        capabilities: (u32, u32),
    ) -> Lifted<Response> {
        Ok(Response {
            inherit: boolean(inherit).at("inherit")?,
            body: self.bytes(body).at("body")?,
            metadata: self.option_text(metadata).at("metadata")?,
            capabilities: self.capabilities(capabilities).at("capabilities")?,
        })
    }

    /// The 128 bytes of `send-request`: target, request, context, blob.
    pub(super) fn outgoing(&mut self, record: &[u8]) -> Lifted<Outgoing> {
        Ok(Outgoing {
            target: self.address(record).at("target")?,
            request: self.request(&record[32..]).at("request")?,
            context: self.option_bytes(flat(record, 88)).at("context")?,
            blob: self.option_blob(&record[100..])?,
        })
    }

    /// The list of `send-requests`.
    pub(super) fn outgoings(&mut self, at: (u32, u32)) -> Lifted<Vec<Outgoing>> {
        let records = self.list(at, 128, 8)?;
        let mut outgoings = Vec::with_capacity(records.len());
        for (i, record) in records.enumerate() {
            outgoings.push(self.outgoing(record).nth(i)?);
        }
        Ok(outgoings)
    }

    /// The 112 bytes of `send-and-await-response` and of an on-exit request: target, request, blob.
    pub(super) fn target_request_blob(&mut self, record: &[u8]) -> Lifted<(Address, Request, Option<Blob>)> {
        let target = self.address(record).at("target")?;
        let request = self.request(&record[32..]).at("request")?;
        Ok((target, request, self.option_blob(&record[88..])?))
    }

    pub(super) fn on_exit(&mut self, (case, pointer, n): Flat) -> Lifted<OnExit> {
        match case {
            0 => Ok(OnExit::None),
            1 => Ok(OnExit::Restart),
            2 => {
                let records = self.list((pointer, n), 112, 8).at("requests")?;
                let mut requests = Vec::with_capacity(records.len());
                for (i, record) in records.enumerate() {
                    let (target, request, blob) = self.target_request_blob(record).nth(i).at("requests")?;
                    requests.push(OnExitRequest { target, request, blob });
                }
                Ok(OnExit::Requests(requests.into()))
            }
            other => Err(AbiError::new(format!("an on-exit of case {other}"))),
        }
    }
}
