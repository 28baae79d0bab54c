//! The process world as a Wasm guest sees it: its versions and its 19 imports.
//!
//! An import lifts its arguments and then either returns at once (a call without an answer, kept in `ahead`) or
//! suspends the guest. What an import takes apart is `lift`'s business, how an answer comes back `lower`'s.

use super::host::{Host, Stop, stop};
use super::lift::{At, Lift, Lifted, boolean};
use super::load::Invalid;
use kernel_core::{Call, CallKind, Outgoing, Spawn};
use std::rc::Rc;
use wasmi::{Caller, Error, FuncType, Linker, ValType};

/// Which version of the process world a guest was built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum World {
    /// 0.7: as 0.8, and a send error does not say its target.
    V0_7,
    /// 0.8: no `our`, `has-blob`, `last-blob`; `spawn` grants rights to message only.
    V0_8,
    /// 1.0.
    V1_0,
}

/// The body of every import of the world.
fn enter(
    mut caller: Caller<'_, Host>,
    kind: CallKind,
    ret: u32,
    lift: impl FnOnce(&mut Lift<'_>) -> Lifted<Call>,
) -> Result<(), Error> {
    if let Some(trap) = caller.data().refusal(kind.name()) {
        return Err(stop(caller.data_mut(), Stop::Trap(trap)));
    }
    let memory = caller.data().memory.expect("a guest that is not refused has its memory");
    let (bytes, host) = memory.data_and_store_mut(&mut caller);
    match host.call(bytes, kind, ret, lift) {
        None => Ok(()),
        Some(reason) => Err(stop(host, reason)),
    }
}

/// The world that an import's module names, if it names one: `kinode:process/standard@0.8.0` and the like.
pub(super) fn world_of(module: &str) -> Option<World> {
    let version =
        module.strip_prefix("hyperware:process/standard").or_else(|| module.strip_prefix("kinode:process/standard"))?;
    if version.is_empty() {
        return Some(World::V1_0);
    }
    let mut numbers = version.strip_prefix('@')?.split('.').map(|part| part.parse::<u32>().ok());
    match (numbers.next()??, numbers.next().flatten()) {
        (0, Some(0..=6)) => None,
        (0, Some(7)) => Some(World::V0_7),
        (0, _) => Some(World::V0_8),
        (_, _) => Some(World::V1_0),
    }
}

/// The call that an import of the world is, checked against the version and the type.
pub(super) fn import(module: &str, name: &str, world: World, ty: &FuncType) -> Result<CallKind, Invalid> {
    let refused = |why| Invalid::Import { module: module.into(), name: name.into(), why };
    let kind = CallKind::ALL.into_iter().find(|kind| kind.name() == name);
    let kind = kind.ok_or_else(|| refused("the process world has no such call; build against version 1.0"))?;
    if world < World::V1_0 && matches!(kind, CallKind::Our | CallKind::HasBlob | CallKind::LastBlob) {
        return Err(refused("this call exists since world 1.0 only; build against version 1.0"));
    }
    let expected = signature(kind);
    if *ty == expected { Ok(kind) } else { Err(wrong_type(name, &expected, ty)) }
}

pub(super) fn wrong_type(name: &str, expected: &FuncType, found: &FuncType) -> Invalid {
    let text = |ty: &FuncType| format!("{:?} -> {:?}", ty.params(), ty.results()).to_lowercase();
    Invalid::Signature { name: name.into(), expected: text(expected), found: text(found) }
}

fn signature(kind: CallKind) -> FuncType {
    let n_params = match kind {
        CallKind::ClearState | CallKind::HasBlob => 0,
        CallKind::Our
        | CallKind::GetOnExit
        | CallKind::GetState
        | CallKind::OurCapabilities
        | CallKind::Receive
        | CallKind::GetBlob
        | CallKind::LastBlob
        | CallKind::SendRequest => 1,
        CallKind::SetState
        | CallKind::SaveCapabilities
        | CallKind::DropCapabilities
        | CallKind::SendRequests
        | CallKind::SendAndAwaitResponse => 2,
        CallKind::Print | CallKind::SetOnExit => 3,
        CallKind::Spawn | CallKind::SendResponse => 14,
    };
    let results = if kind == CallKind::HasBlob { 1 } else { 0 };
    FuncType::new(vec![ValType::I32; n_params], vec![ValType::I32; results])
}

/// Defines the import `kind` under the name the guest imports it by.
pub(super) fn define(
    linker: &mut Linker<Host>,
    module: &str,
    kind: CallKind,
) -> Result<(), wasmi::errors::LinkerError> {
    type C<'a> = Caller<'a, Host>;
    let name = kind.name();
    match kind {
        CallKind::Print => linker.func_wrap(module, name, move |c: C<'_>, verbosity: u32, at: u32, n: u32| {
            // A u8 is the low byte, by the canonical ABI.
            enter(c, kind, 0, |lift| {
                Ok(Call::Print { verbosity: verbosity as u8, text: lift.text((at, n)).at("text")? })
            })
        }),
        CallKind::Our => {
            linker.func_wrap(module, name, move |c: C<'_>, ret: u32| enter(c, kind, ret, |_| Ok(Call::Our)))
        }
        CallKind::GetOnExit => {
            linker.func_wrap(module, name, move |c: C<'_>, ret: u32| enter(c, kind, ret, |_| Ok(Call::GetOnExit)))
        }
        CallKind::SetOnExit => linker.func_wrap(module, name, move |c: C<'_>, case: u32, at: u32, n: u32| {
            enter(c, kind, 0, |lift| lift.on_exit((case, at, n)).map(Call::SetOnExit))
        }),
        CallKind::GetState => {
            linker.func_wrap(module, name, move |c: C<'_>, ret: u32| enter(c, kind, ret, |_| Ok(Call::GetState)))
        }
        CallKind::SetState => linker.func_wrap(module, name, move |c: C<'_>, at: u32, n: u32| {
            enter(c, kind, 0, |lift| lift.bytes((at, n)).at("bytes").map(Call::SetState))
        }),
        CallKind::ClearState => {
            linker.func_wrap(module, name, move |c: C<'_>| enter(c, kind, 0, |_| Ok(Call::ClearState)))
        }
        CallKind::Spawn => linker.func_wrap(module, name, spawn),
        CallKind::SaveCapabilities => linker.func_wrap(module, name, move |c: C<'_>, at: u32, n: u32| {
            enter(c, kind, 0, |lift| lift.capabilities((at, n)).at("capabilities").map(Call::SaveCapabilities))
        }),
        CallKind::DropCapabilities => linker.func_wrap(module, name, move |c: C<'_>, at: u32, n: u32| {
            enter(c, kind, 0, |lift| lift.capabilities((at, n)).at("capabilities").map(Call::DropCapabilities))
        }),
        CallKind::OurCapabilities => {
            linker.func_wrap(module, name, move |c: C<'_>, ret: u32| enter(c, kind, ret, |_| Ok(Call::OurCapabilities)))
        }
        CallKind::Receive => {
            linker.func_wrap(module, name, move |c: C<'_>, ret: u32| enter(c, kind, ret, |_| Ok(Call::Receive)))
        }
        CallKind::HasBlob => {
            linker.func_wrap(module, name, move |c: C<'_>| enter(c, kind, 0, |_| Ok(Call::HasBlob)).map(|()| 0_u32))
        }
        CallKind::GetBlob => {
            linker.func_wrap(module, name, move |c: C<'_>, ret: u32| enter(c, kind, ret, |_| Ok(Call::GetBlob)))
        }
        CallKind::LastBlob => {
            linker.func_wrap(module, name, move |c: C<'_>, ret: u32| enter(c, kind, ret, |_| Ok(Call::LastBlob)))
        }
        CallKind::SendRequest => linker.func_wrap(module, name, move |c: C<'_>, at: u32| {
            enter(c, kind, 0, |lift| {
                let record = lift.arguments(at, 128)?;
                Ok(Call::SendRequest(Rc::new(lift.outgoing(record)?)))
            })
        }),
        CallKind::SendRequests => linker.func_wrap(module, name, move |c: C<'_>, at: u32, n: u32| {
            enter(c, kind, 0, |lift| Ok(Call::SendRequests(Rc::new(lift.outgoings((at, n)).at("requests")?))))
        }),
        CallKind::SendResponse => linker.func_wrap(module, name, send_response),
        CallKind::SendAndAwaitResponse => linker.func_wrap(module, name, move |c: C<'_>, at: u32, ret: u32| {
            enter(c, kind, ret, |lift| {
                let record = lift.arguments(at, 112)?;
                let (target, request, blob) = lift.target_request_blob(record)?;
                Ok(Call::SendAndAwaitResponse(Rc::new(Outgoing { target, request, context: None, blob })))
            })
        }),
    }
    .map(|_| ())
}

#[allow(clippy::too_many_arguments)] // The canonical ABI flattens up to 16 of them.
fn spawn(
    caller: Caller<'_, Host>,
    named: u32,
    name_at: u32,
    name_n: u32,
    path_at: u32,
    path_n: u32,
    on_exit: u32,
    on_exit_at: u32,
    on_exit_n: u32,
    requests_at: u32,
    requests_n: u32,
    grants_at: u32,
    grants_n: u32,
    public: u32,
    ret: u32,
) -> Result<(), Error> {
    enter(caller, CallKind::Spawn, ret, |lift| {
        Ok(Call::Spawn(Box::new(Spawn {
            name: lift.option_text((named, name_at, name_n)).at("name")?,
            path: lift.text((path_at, path_n)).at("path")?,
            on_exit: lift.on_exit((on_exit, on_exit_at, on_exit_n)).at("on-exit")?,
            request_capabilities: lift.capabilities((requests_at, requests_n)).at("request-capabilities")?,
            grant_capabilities: lift.grants((grants_at, grants_n)).at("grant-capabilities")?,
            public: boolean(public).at("public")?,
        })))
    })
}

#[allow(clippy::too_many_arguments)] // The canonical ABI flattens up to 16 of them.
fn send_response(
    caller: Caller<'_, Host>,
    inherit: u32,
    body_at: u32,
    body_n: u32,
    metadata: u32,
    metadata_at: u32,
    metadata_n: u32,
    capabilities_at: u32,
    capabilities_n: u32,
    blob: u32,
    mime: u32,
    mime_at: u32,
    mime_n: u32,
    bytes_at: u32,
    bytes_n: u32,
) -> Result<(), Error> {
    enter(caller, CallKind::SendResponse, 0, |lift| {
        let metadata = (metadata, metadata_at, metadata_n);
        let response = lift.response_of(inherit, (body_at, body_n), metadata, (capabilities_at, capabilities_n));
        let response = response.at("response")?;
        let blob = lift.blob_of(blob, (mime, mime_at, mime_n), (bytes_at, bytes_n)).at("blob")?;
        Ok(Call::SendResponse(Rc::new((response, blob))))
    })
}
