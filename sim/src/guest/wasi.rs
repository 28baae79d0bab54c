//! What a Rust guest's standard library needs of WASI preview 1: no files, no arguments, no environment.
//!
//! Eight functions mean something; every other one answers ENOSYS.

use super::abi::wrong_type;
use super::host::{Host, Stop, Wakeup, stop};
use super::load::Invalid;
use super::{Clock, TrapReason};
use kernel_core::{Bytes, Duration};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::collections::VecDeque;
use wasmi::{Caller, Error, FuncType, Linker, Memory, Val, ValType};

/// The module that WASI preview 1 is imported from.
pub(super) const MODULE: &str = "wasi_snapshot_preview1";

/// How much of stderr is kept: a panic text with its last words.
const STDERR_MAX: usize = 5_000;

/// How many buffers one `fd_write` takes; the rest is a short write, which callers have to expect anyway.
const BUFFERS_MAX: u32 = 1_024;

/// What a call into the host takes by itself, in fuel.
const CALL_FUEL: u64 = 20;

/// The size of what `poll_oneoff` is to wait for, and of what it tells.
const SUBSCRIPTION: usize = 48;
const EVENT: usize = 32;

const SUCCESS: u32 = 0;
const BADF: u32 = 8;
const FAULT: u32 = 21;
const INVAL: u32 = 28;
const NOSYS: u32 = 52;

/// A life's random numbers and last words.
pub(super) struct Wasi {
    seed: u64,
    /// Made when first asked for: most guests never ask.
    random: Option<Box<ChaCha8Rng>>,
    stderr: VecDeque<u8>,
}

impl Wasi {
    pub(super) fn new(seed: u64) -> Wasi {
        Wasi { seed, random: None, stderr: VecDeque::new() }
    }

    /// The last of what was written to stderr, trimmed.
    pub(super) fn stderr(&self) -> String {
        let (front, back) = self.stderr.as_slices();
        let bytes = [front, back].concat();
        String::from_utf8_lossy(&bytes).trim().to_string()
    }

    /// The last of what was written to stderr, as it was written.
    pub(super) fn last_words(&self) -> Bytes {
        let (front, back) = self.stderr.as_slices();
        Bytes::from([front, back].concat())
    }

    fn keep(&mut self, bytes: &[u8]) {
        let last = &bytes[bytes.len().saturating_sub(STDERR_MAX)..];
        let excess = (self.stderr.len() + last.len()).saturating_sub(STDERR_MAX);
        self.stderr.drain(..excess);
        self.stderr.extend(last);
    }
}

/// Defines the WASI function `name` as the guest imports it.
pub(super) fn define(linker: &mut Linker<Host>, name: &str, ty: &FuncType) -> Result<(), Invalid> {
    use ValType::{I32, I64};
    let (params, results): (&[ValType], &[ValType]) = match name {
        "fd_write" | "poll_oneoff" => (&[I32; 4], &[I32]),
        "environ_get" | "environ_sizes_get" | "random_get" => (&[I32; 2], &[I32]),
        "clock_time_get" => (&[I32, I64, I32], &[I32]),
        "proc_exit" => (&[I32], &[]),
        "sched_yield" => (&[], &[I32]),
        _ => {
            let nosys = |mut caller: Caller<'_, Host>, _: &[Val], results: &mut [Val]| {
                charge(&mut caller, CALL_FUEL);
                if let [Val::I32(errno)] = results {
                    *errno = NOSYS as i32;
                }
                Ok(())
            };
            linker.func_new(MODULE, name, ty.clone(), nosys).expect("a module's imports are defined once each");
            return Ok(());
        }
    };
    let expected = FuncType::new(params.to_vec(), results.to_vec());
    if *ty != expected {
        return Err(wrong_type(name, &expected, ty));
    }
    match name {
        "fd_write" => linker.func_wrap(MODULE, name, fd_write),
        "environ_get" => linker.func_wrap(MODULE, name, |mut c: Caller<'_, Host>, _: u32, _: u32| {
            enter(&mut c, "environ_get").map(|_| SUCCESS)
        }),
        "environ_sizes_get" => linker.func_wrap(MODULE, name, environ_sizes_get),
        "random_get" => linker.func_wrap(MODULE, name, random_get),
        "clock_time_get" => linker.func_wrap(MODULE, name, clock_time_get),
        "poll_oneoff" => linker.func_wrap(MODULE, name, poll_oneoff),
        "proc_exit" => linker.func_wrap(MODULE, name, proc_exit),
        _ => linker.func_wrap(MODULE, name, |mut caller: Caller<'_, Host>| {
            charge(&mut caller, CALL_FUEL);
            SUCCESS
        }),
    }
    .expect("a module's imports are defined once each");
    Ok(())
}

/// The guest's memory, unless the function may not be called now.
fn enter(caller: &mut Caller<'_, Host>, name: &str) -> Result<Memory, Error> {
    charge(caller, CALL_FUEL);
    match caller.data().refusal(name) {
        None => Ok(caller.data().memory.expect("a guest that is not refused has its memory")),
        Some(trap) => Err(stop(caller.data_mut(), Stop::Trap(trap))),
    }
}

/// Takes fuel for work that the host does: a guest could otherwise keep the host busy at no price.
fn charge(caller: &mut Caller<'_, Host>, cost: u64) {
    let left = caller.get_fuel().expect("the engine meters fuel");
    caller.data_mut().debt += cost.saturating_sub(left);
    caller.set_fuel(left.saturating_sub(cost)).expect("the engine meters fuel");
}

fn put(memory: &mut [u8], at: u32, bytes: &[u8]) -> u32 {
    let at = at as usize;
    match memory.get_mut(at..at + bytes.len()) {
        Some(place) => {
            place.copy_from_slice(bytes);
            SUCCESS
        }
        None => FAULT,
    }
}

/// The buffers of an `fd_write`, in order; `None` if one reaches outside of memory.
fn buffers(memory: &[u8], at: u32, n: u32) -> Option<Vec<&[u8]>> {
    let record = |i: usize| memory.get(at as usize + 8 * i..at as usize + 8 * i + 8);
    let word = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    let buffer = |i| {
        let record = record(i)?;
        let (start, length) = (word(record), word(&record[4..]));
        memory.get(start..start.checked_add(length)?)
    };
    (0..n.min(BUFFERS_MAX) as usize).map(buffer).collect()
}

/// Standard output goes nowhere, standard error is kept for the panic text; nothing else is open.
fn fd_write(mut caller: Caller<'_, Host>, fd: u32, at: u32, n: u32, written_at: u32) -> Result<u32, Error> {
    // An allocator that fails says so before it traps: worth keeping, though the call itself is refused.
    let refused = caller.data().refusal("fd_write");
    let Some(memory) = caller.data().memory else { return enter(&mut caller, "fd_write").map(|_| SUCCESS) };
    charge(&mut caller, u64::from(n.min(BUFFERS_MAX)) + STDERR_MAX as u64 / 8);
    let (bytes, host) = memory.data_and_store_mut(&mut caller);
    let Some(buffers) = buffers(bytes, at, n) else { return Ok(FAULT) };
    let total = buffers.iter().fold(0, |total: u64, buffer| total + buffer.len() as u64);
    match fd {
        1 => {}
        2 => {
            // The last buffers first, until enough is kept.
            let wanted = |room: &mut usize, buffer: &&[u8]| {
                let before = *room;
                *room = room.saturating_sub(buffer.len());
                (before > 0).then_some(())
            };
            let n_kept = buffers.iter().rev().scan(STDERR_MAX, wanted).count();
            for buffer in &buffers[buffers.len() - n_kept..] {
                host.wasi.keep(buffer);
            }
        }
        _ => return Ok(BADF),
    }
    if let Some(trap) = refused {
        let trap = super::Trap { text: host.trap(TrapReason::Abi, &trap.text).text, ..trap };
        return Err(stop(host, Stop::Trap(trap)));
    }
    match u32::try_from(total) {
        Ok(total) => Ok(put(bytes, written_at, &total.to_le_bytes())),
        Err(_) => Ok(INVAL),
    }
}

fn environ_sizes_get(mut caller: Caller<'_, Host>, n_at: u32, bytes_at: u32) -> Result<u32, Error> {
    let memory = enter(&mut caller, "environ_sizes_get")?.data_mut(&mut caller);
    Ok(put(memory, n_at, &[0; 4]).max(put(memory, bytes_at, &[0; 4])))
}

/// Random numbers that are the same in every run of one seed.
fn random_get(mut caller: Caller<'_, Host>, at: u32, n: u32) -> Result<u32, Error> {
    let memory = enter(&mut caller, "random_get")?;
    let (bytes, host) = memory.data_and_store_mut(&mut caller);
    let Some(place) = bytes.get_mut(at as usize..at as usize + n as usize) else { return Ok(FAULT) };
    let seed = host.wasi.seed;
    let random = host.wasi.random.get_or_insert_with(|| Box::new(ChaCha8Rng::seed_from_u64(seed)));
    random.fill_bytes(place);
    charge(&mut caller, n.into());
    Ok(SUCCESS)
}

/// The real-time clock and the monotonic one; a read takes effect as a call does, so the guest waits for it.
fn clock_time_get(mut caller: Caller<'_, Host>, clock: u32, _precision: u64, at: u32) -> Result<u32, Error> {
    let memory = enter(&mut caller, "clock_time_get")?.data(&caller);
    let clock = match clock {
        0 => Clock::Real,
        1 => Clock::Steady,
        _ => return Ok(INVAL),
    };
    match memory.get(at as usize..at as usize + 8) {
        Some(_) => Err(stop(caller.data_mut(), Stop::Clock { clock, at })),
        None => Ok(FAULT),
    }
}

/// Sleeping, which is what `std::thread::sleep` makes of it: one clock, so long from now. There is nothing else to
/// wait for.
fn poll_oneoff(mut caller: Caller<'_, Host>, at: u32, event_at: u32, n: u32, n_events_at: u32) -> Result<u32, Error> {
    let memory = enter(&mut caller, "poll_oneoff")?.data(&caller);
    let at_hand = |at: u32, length: usize| memory.get(at as usize..at as usize + length);
    let (subscription, event, count) = (at_hand(at, SUBSCRIPTION), at_hand(event_at, EVENT), at_hand(n_events_at, 4));
    let (Some(subscription), Some(_), Some(_)) = (subscription, event, count) else { return Ok(FAULT) };
    let long = |from: usize| u64::from_le_bytes(subscription[from..from + 8].try_into().expect("8 bytes"));
    let (is_clock, until_an_instant) = (subscription[8] == 0, subscription[40] & 1 == 1);
    let (span, wakeup) = (Duration(long(24)), Wakeup { userdata: long(0), event_at, n_events_at });
    match n {
        0 => Ok(INVAL),
        1 if is_clock && !until_an_instant => Err(stop(caller.data_mut(), Stop::Sleep(span, wakeup))),
        _ => Ok(NOSYS),
    }
}

/// Tells a sleeper that its time has come: one event, of a clock, without an error.
pub(super) fn wake(memory: &mut [u8], wakeup: Wakeup) {
    let mut event = [0; EVENT];
    event[..8].copy_from_slice(&wakeup.userdata.to_le_bytes());
    put(memory, wakeup.event_at, &event);
    put(memory, wakeup.n_events_at, &1u32.to_le_bytes());
}

/// An end that `init` did not come back from: a panic like any trap (E1), whatever the code. Only an `init` that
/// returns has run to completion (E7).
fn proc_exit(mut caller: Caller<'_, Host>, code: u32) -> Result<(), Error> {
    enter(&mut caller, "proc_exit")?;
    let trap = caller.data().trap(TrapReason::Exited, &format!("exit code {}", code as i32));
    Err(stop(caller.data_mut(), Stop::Trap(trap)))
}
