//! From answers to a guest's memory, through the guest's own allocator.
//!
//! Only ever while the guest is suspended: a host function that called back into its guest would recurse without a
//! limit. A record is put together outside and written at once; nothing in it depends on what memory held before.

use super::Usage;
use super::abi::World;
use super::host::Host;
use super::life::trap_of;
use super::lift::{AbiError, Lifted};
use kernel_core::{
    Address, Answer, Blob, Bytes, CallKind, Capability, Content, Message, Names, OnExit, ProcessRef, Received, Request,
    Response, SendError, SendErrorKind, SpawnError,
};
use wasmi::{AsContextMut, Memory, Store, TypedFunc};

/// What the guest's allocator may burn for one answer, and more for each call of it and each byte. It is the host's
/// fuel, not the guest's; an allocator that spins would otherwise hang us.
const ALLOCATE_FUEL: u64 = 10_000_000;
const ALLOCATE_FUEL_PER_CALL: u64 = 1_000;

/// `cabi_realloc(old pointer, old size, alignment, size) -> pointer`.
pub(super) type Realloc = TypedFunc<(u32, u32, u32, u32), u32>;

/// Writes one answer.
pub(super) struct Lower<'a> {
    store: &'a mut Store<Host>,
    memory: Memory,
    realloc: Realloc,
    names: &'a Names,
    world: World,
    /// Fuel that the allocator was given, and bytes that it was asked for.
    given: u64,
    asked: u64,
}

/// The size and alignment of what a call's return pointer points to; `None` for a call without one.
pub(super) fn answer_layout(call: CallKind, world: World) -> Option<(usize, u32)> {
    match call {
        CallKind::Our => Some((32, 4)),
        CallKind::GetOnExit | CallKind::GetState => Some((12, 4)),
        CallKind::Spawn => Some((28, 4)),
        CallKind::OurCapabilities => Some((8, 4)),
        CallKind::Receive => Some((if world >= World::V0_8 { 152 } else { 120 }, 8)),
        CallKind::GetBlob | CallKind::LastBlob => Some((24, 4)),
        CallKind::SendAndAwaitResponse => Some((if world >= World::V0_8 { 136 } else { 104 }, 8)),
        CallKind::Print
        | CallKind::SetOnExit
        | CallKind::SetState
        | CallKind::ClearState
        | CallKind::SaveCapabilities
        | CallKind::DropCapabilities
        | CallKind::HasBlob
        | CallKind::SendRequest
        | CallKind::SendRequests
        | CallKind::SendResponse => None,
    }
}

fn put(record: &mut [u8], at: usize, word: u32) {
    record[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

impl<'a> Lower<'a> {
    /// Gives the allocator its fuel; the caller has settled the guest's.
    pub(super) fn new(store: &'a mut Store<Host>, memory: Memory, realloc: Realloc, names: &'a Names) -> Lower<'a> {
        let world = store.data().world;
        store.set_fuel(ALLOCATE_FUEL).expect("the engine meters fuel");
        Lower { store, memory, realloc, names, world, given: ALLOCATE_FUEL, asked: 0 }
    }

    /// What it has used so far.
    pub(super) fn usage(&self) -> Usage {
        let left = self.store.get_fuel().expect("the engine meters fuel");
        Usage { fuel: self.given.saturating_sub(left), copied: self.asked, ..Usage::default() }
    }

    /// Memory that the guest gives: checked, for it may say anything.
    fn allocate(&mut self, align: u32, size: usize) -> Lifted<u32> {
        let Ok(bytes) = u32::try_from(size) else {
            return Err(AbiError::new(format!("an answer of {size} bytes does not fit into a 32-bit memory")));
        };
        let left = self.store.get_fuel().expect("the engine meters fuel");
        let more = ALLOCATE_FUEL_PER_CALL + u64::from(bytes);
        self.given += more;
        self.asked += u64::from(bytes);
        self.store.set_fuel(left.saturating_add(more)).expect("the engine meters fuel");
        self.store.data_mut().in_realloc = true;
        let called = self.realloc.call(&mut *self.store, (0, 0, align, bytes));
        self.store.data_mut().in_realloc = false;
        let pointer = called.map_err(|error| {
            let trap = trap_of(&error, self.store.data_mut());
            AbiError::new(format!("cabi_realloc for {bytes} bytes: {}", trap.text))
        })?;
        let end = u64::from(pointer) + u64::from(bytes);
        if !pointer.is_multiple_of(align) || end > self.memory.data(&*self.store).len() as u64 {
            return Err(AbiError::new(format!(
                "cabi_realloc gave {pointer:#x} for {bytes} bytes of alignment {align}"
            )));
        }
        Ok(pointer)
    }

    /// Writes where [`Lower::allocate`] or a checked return pointer says.
    pub(super) fn write(&mut self, pointer: u32, bytes: &[u8]) {
        let start = pointer as usize;
        self.memory.data_mut(self.store.as_context_mut())[start..start + bytes.len()].copy_from_slice(bytes);
    }

    /// A text or a list of bytes: where it is and how long.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Lifted<(u32, u32)> {
        let pointer = self.allocate(1, bytes.len())?;
        self.write(pointer, bytes);
        Ok((pointer, bytes.len() as u32))
    }

    fn put_bytes(&mut self, record: &mut [u8], at: usize, bytes: &[u8]) -> Lifted<()> {
        let (pointer, length) = self.bytes(bytes)?;
        put(record, at, pointer);
        put(record, at + 4, length);
        Ok(())
    }

    /// An option of a text or of bytes: 12 bytes.
    fn put_option(&mut self, record: &mut [u8], at: usize, bytes: Option<&[u8]>) -> Lifted<()> {
        match bytes {
            None => Ok(()),
            Some(bytes) => {
                record[at] = 1;
                self.put_bytes(record, at + 4, bytes)
            }
        }
    }

    fn put_list<T>(
        &mut self,
        record: &mut [u8],
        at: usize,
        size: usize,
        align: u32,
        items: &[T],
        mut put_item: impl FnMut(&mut Self, &mut [u8], &T) -> Lifted<()>,
    ) -> Lifted<()> {
        let pointer = self.allocate(align, items.len() * size)?;
        let mut list = vec![0; items.len() * size];
        for (item, record) in items.iter().zip(list.chunks_exact_mut(size)) {
            put_item(self, record, item)?;
        }
        self.write(pointer, &list);
        put(record, at, pointer);
        put(record, at + 4, items.len() as u32);
        Ok(())
    }

    fn put_process(&mut self, record: &mut [u8], process: ProcessRef) -> Lifted<()> {
        let id = self.names.process_id(process);
        self.put_bytes(record, 0, id.process.as_bytes())?;
        self.put_bytes(record, 8, id.package.as_bytes())?;
        self.put_bytes(record, 16, id.publisher.as_bytes())
    }

    fn put_address(&mut self, record: &mut [u8], address: Address) -> Lifted<()> {
        let names = self.names;
        self.put_bytes(record, 0, names.node_text(address.node).as_bytes())?;
        self.put_process(&mut record[8..], address.process)
    }

    fn put_capabilities(&mut self, record: &mut [u8], at: usize, capabilities: &[Capability]) -> Lifted<()> {
        self.put_list(record, at, 40, 4, capabilities, |lower, record, capability| {
            let names = lower.names;
            lower.put_address(record, capability.issuer)?;
            lower.put_bytes(record, 32, names.params_text(capability.params).as_bytes())
        })
    }

    fn put_option_blob(&mut self, record: &mut [u8], blob: Option<&Blob>) -> Lifted<()> {
        let Some(blob) = blob else { return Ok(()) };
        record[0] = 1;
        self.put_option(record, 4, blob.mime.as_deref().map(str::as_bytes))?;
        self.put_bytes(record, 16, &blob.bytes)
    }

    fn put_request(&mut self, record: &mut [u8], request: &Request) -> Lifted<()> {
        record[0] = request.inherit.into();
        if let Some(seconds) = request.expects_response {
            record[8] = 1;
            record[16..24].copy_from_slice(&seconds.to_le_bytes());
        }
        self.put_bytes(record, 24, &request.body)?;
        self.put_option(record, 32, request.metadata.as_deref().map(str::as_bytes))?;
        self.put_capabilities(record, 44, &request.capabilities)
    }

    fn put_response(&mut self, record: &mut [u8], response: &Response) -> Lifted<()> {
        record[0] = response.inherit.into();
        self.put_bytes(record, 4, &response.body)?;
        self.put_option(record, 12, response.metadata.as_deref().map(str::as_bytes))?;
        self.put_capabilities(record, 24, &response.capabilities)
    }

    /// A message: 64 bytes, without the blob. The context belongs to a response only.
    fn put_content(&mut self, record: &mut [u8], content: &Content, context: Option<&Bytes>) -> Lifted<()> {
        match content {
            Content::Request(request) => self.put_request(&mut record[8..], request),
            Content::Response(response) => {
                record[0] = 1;
                self.put_response(&mut record[8..], response)?;
                self.put_option(record, 40, context.map(|context| &context[..]))
            }
        }
    }

    /// Source and message: 96 bytes.
    fn put_message(&mut self, record: &mut [u8], message: &Message, context: Option<&Bytes>) -> Lifted<()> {
        self.put_address(record, message.source)?;
        self.put_content(&mut record[32..], &message.content, context)
    }

    /// A send error: 128 bytes, or 96 in world 0.7, which has no target. Says how many.
    fn put_send_error(&mut self, record: &mut [u8], error: &SendError) -> Lifted<usize> {
        record[0] = match error.kind {
            SendErrorKind::Offline => 0,
            SendErrorKind::Timeout => 1,
        };
        let message_at = if self.world >= World::V0_8 {
            self.put_address(&mut record[4..], error.message.target)?;
            40
        } else {
            8
        };
        self.put_content(&mut record[message_at..], &error.message.content, None)?;
        self.put_option_blob(&mut record[message_at + 64..], error.message.blob.as_ref())?;
        Ok(message_at + 88)
    }

    fn put_on_exit(&mut self, record: &mut [u8], on_exit: &OnExit) -> Lifted<()> {
        match on_exit {
            OnExit::None => Ok(()),
            OnExit::Restart => {
                record[0] = 1;
                Ok(())
            }
            OnExit::Requests(requests) => {
                record[0] = 2;
                self.put_list(record, 4, 112, 8, requests, |lower, record, request| {
                    lower.put_address(record, request.target)?;
                    lower.put_request(&mut record[32..], &request.request)?;
                    lower.put_option_blob(&mut record[88..], request.blob.as_ref())
                })
            }
        }
    }

    fn put_received(&mut self, record: &mut [u8], received: &Received) -> Lifted<()> {
        match received {
            Received::Message(message, context) => self.put_message(&mut record[8..], message, context.as_ref()),
            Received::Error(error, context) => {
                record[0] = 1;
                let size = self.put_send_error(&mut record[8..], error)?;
                self.put_option(record, 8 + size, context.as_ref().map(|context| &context[..]))
            }
        }
    }

    fn put_spawned(&mut self, record: &mut [u8], spawned: &Result<ProcessRef, SpawnError>) -> Lifted<()> {
        match spawned {
            Ok(process) => self.put_process(&mut record[4..], *process),
            Err(error) => {
                record[0] = 1;
                record[4] = match error {
                    SpawnError::NameTaken => 0,
                    SpawnError::NoFileAtPath => 1,
                };
                Ok(())
            }
        }
    }

    /// Writes `answer`, of `size` bytes, to where `call` wants it.
    ///
    /// # Panics
    /// If the answer is one to another call: a mistake of the world's, not of the guest's.
    pub(super) fn answer(&mut self, call: CallKind, at: u32, size: usize, answer: &Answer) -> Lifted<()> {
        // Room for the largest, that of `receive`.
        let mut area = [0; 152];
        let record = &mut area[..size];
        match (call, answer) {
            (CallKind::Our, Answer::Our(address)) => self.put_address(record, *address)?,
            (CallKind::GetOnExit, Answer::OnExit(on_exit)) => self.put_on_exit(record, on_exit)?,
            (CallKind::GetState, Answer::State(state)) => self.put_option(record, 0, state.as_deref())?,
            (CallKind::Spawn, Answer::Spawned(spawned)) => self.put_spawned(record, spawned)?,
            (CallKind::OurCapabilities, Answer::Capabilities(capabilities)) => {
                self.put_capabilities(record, 0, capabilities)?
            }
            (CallKind::Receive, Answer::Received(received)) => self.put_received(record, received)?,
            (CallKind::GetBlob | CallKind::LastBlob, Answer::Blob(blob)) => {
                self.put_option_blob(record, blob.as_ref())?
            }
            (CallKind::SendAndAwaitResponse, Answer::Awaited(Ok(message))) => {
                self.put_message(&mut record[8..], message, None)?
            }
            (CallKind::SendAndAwaitResponse, Answer::Awaited(Err(error))) => {
                record[0] = 1;
                self.put_send_error(&mut record[8..], error)?;
            }
            (call, answer) => panic!("{} is not answered with {answer:?}", call.name()),
        }
        self.write(at, &area[..size]);
        Ok(())
    }
}
