//! What a run may cost its host, so that no guest can starve the simulator (M5).
//!
//! Virtual time bounds nothing by itself: a guest may burn almost a quantum of fuel before every call, and hand over
//! megabytes in each. So the host's own work is counted, and a run that reaches a bound ends with the verdict `limit`,
//! which names it. No count is part of a trace.

use super::World;
use crate::disk::Op;
use crate::guest::Usage;
use kernel_core::{NodeId, ProcessRef};
use std::collections::BTreeMap;

/// How many bytes may be sent between two looks at the mailboxes.
const CHECK_EVERY_BYTES: usize = 16 << 20;

/// The bounds of one run. Each is looked at after a turn: one turn may pass it by a quantum of fuel and what the guest's
/// allocator may burn for one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Events.
    pub events: u64,
    /// Fuel that all guests burn together, allocators included.
    pub fuel: u64,
    /// Bytes copied between guests and the host, and onto disks. What a trace, an invariant or a disk keeps is among
    /// them, so this bounds the memory for that as well.
    pub copied: u64,
    /// Bytes of files that may be copied before something in them is written. After a power loss, a backup or a restore
    /// the next write to a file copies all of it, once.
    pub rewritten: u64,
    /// Bytes of memory that the guests that are alive have together.
    pub memory: u64,
    /// Bytes of memory that lives began with or grew to, over all lives: each page is made and cleared by the host.
    pub begun: u64,
    /// Nanoseconds of the host's processor, by count, for what burns no fuel: see [`Usage::host`]; and SQL.
    pub host: u64,
    /// Bytes in mailboxes, which do not block, and in names.
    pub mailboxes: u64,
}

impl Default for Bounds {
    /// 5 million events, 10 billion fuel (some minute of a host's processor), 1 GiB copied, 64 GiB rewritten (some minute
    /// as well), 1 GiB of guests' memory at a time and 256 GiB over all lives, a minute of the host's own work, 256 MiB in mailboxes.
    fn default() -> Bounds {
        Bounds {
            events: 5_000_000,
            fuel: 10_000_000_000,
            copied: 1 << 30,
            rewritten: 64 << 30,
            memory: 1 << 30,
            begun: 256 << 30,
            host: 60_000_000_000,
            mailboxes: 256 << 20,
        }
    }
}

/// What a run has cost its host: for bounds and reports, never to compare runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Fuel, and what took as long.
    pub fuel: u64,
    /// Bytes copied.
    pub copied: u64,
    /// Bytes of files rewritten.
    pub rewritten: u64,
    /// Lives begun.
    pub starts: u64,
    /// Calls of guests that took effect.
    pub calls: u64,
    /// Bytes written to disks.
    pub written: u64,
    /// Bytes that the trace's fingerprint was made of.
    pub hashed: u64,
    /// Bytes of memory that lives began with, beyond what is there at once.
    pub begun: u64,
    /// Nanoseconds of the host, by count, for what burns no fuel.
    pub host: u64,
    /// How often each process read a clock, or slept: turns that are no events.
    pub silent: BTreeMap<(NodeId, ProcessRef), u64>,
    sent_since_check: usize,
    /// At most so many bytes of memory are in guests: what those that ended had is taken off when the bound is near.
    held: u64,
}

impl Spent {
    /// How many turns were no events.
    pub fn n_silent(&self) -> u64 {
        self.silent.values().sum()
    }
}

/// The operating system hands out this much memory at once, in bytes; more comes page by page.
const SMALL_MEMORY: u64 = 1 << 20;
/// About what a name of a file takes, in bytes, where the names of a disk are copied.
const NAME_BYTES: usize = 100;

impl World<'_> {
    /// A process read a clock or slept, of which there is no event. Doing that without end keeps the host as busy as a
    /// flood, and meets the same bound.
    pub(super) fn spend_in_silence(&mut self, node: usize, process: ProcessRef) {
        let times = self.spent.silent.entry((self.nodes[node].id, process)).or_default();
        *times += 1;
        let events = self.options.bounds.events;
        if *times >= events {
            self.reached(format!("{events} times that a process read a clock or slept"));
        }
    }

    /// The run ends here: it has reached a bound.
    pub(super) fn reached(&mut self, bound: String) {
        self.limit.get_or_insert(bound);
    }

    /// So much fuel was burned, or so long was computed.
    pub(super) fn burn(&mut self, fuel: u64) {
        self.spent.fuel += fuel;
        let bound = self.options.bounds.fuel;
        if self.spent.fuel > bound {
            self.reached(format!("{bound} fuel burned by guests"));
        }
    }

    /// The host has worked so many nanoseconds, by count, for what burns no fuel.
    pub(super) fn spend_of_host(&mut self, nanos: u64) {
        self.spent.host = self.spent.host.saturating_add(nanos);
        if self.spent.host > self.options.bounds.host {
            let millis = self.options.bounds.host / 1_000_000;
            self.reached(format!("{millis} ms of the host's work to begin lives, to give them memory and to run SQL"));
        }
    }

    /// A guest has used this in its turn, before which it `had` so much memory. What it has counts when it has grown.
    pub(super) fn spend(&mut self, used: Usage, had: u64) {
        let memory = self.options.bounds.memory;
        self.burn(used.fuel);
        self.copy(used.copied);
        self.spend_of_host(used.host);
        if had == 0 {
            self.spent.begun += used.memory.saturating_sub(SMALL_MEMORY);
        } else {
            self.spent.begun += used.memory.saturating_sub(had);
        }
        let begun = self.options.bounds.begun;
        if self.spent.begun > begun {
            self.reached(format!("{} GiB of memory that lives began with or grew to", begun >> 30));
        }
        self.spent.held += used.memory.saturating_sub(had);
        if used.memory > had && self.spent.held > memory {
            let lives = self.nodes.iter().filter_map(|node| node.up.as_ref()).flat_map(|up| up.guests.iter().flatten());
            self.spent.held = lives.map(|live| live.guest.usage().memory).sum();
            if self.spent.held > memory {
                self.reached(format!("{} MiB of memory in guests", memory >> 20));
            }
        }
    }

    /// So many bytes were copied.
    pub(super) fn copy(&mut self, bytes: u64) {
        self.spent.copied += bytes;
        if self.spent.copied > self.options.bounds.copied {
            let mebibytes = self.options.bounds.copied >> 20;
            self.reached(format!("{mebibytes} MiB copied between guests, the host and disks"));
        }
    }

    /// An operation was done to a file that had so many bytes `before`.
    pub(super) fn spend_on_disk(&mut self, node: usize, op: &Op, before: usize) {
        let (path, written) = match op {
            Op::Write(path, _, bytes) => (path, bytes.len()),
            Op::SetLen(path, _) => (path, 0),
            _ => return,
        };
        let after = self.nodes[node].disk.files().len(path).unwrap_or(0) as usize;
        self.spent.written += written as u64;
        self.copy((written + after.saturating_sub(before)) as u64);
    }

    /// A node's disk now shares its files with what is on the platter or in a backup: each may be copied once.
    pub(super) fn spend_on_copies(&mut self, node: usize) {
        let files = self.nodes[node].disk.files();
        self.spent.rewritten += files.used() + (files.n_names() * NAME_BYTES) as u64;
        let bound = self.options.bounds.rewritten;
        if self.spent.rewritten > bound {
            self.reached(format!("{} MiB of files copied to write something in them", bound >> 20));
        }
    }

    /// A message of so many bytes was sent: mailboxes do not block, so what nobody receives piles up.
    pub(super) fn spend_on_message(&mut self, bytes: usize) {
        self.spent.sent_since_check += bytes;
        if self.spent.sent_since_check <= CHECK_EVERY_BYTES {
            return;
        }
        self.spent.sent_since_check = 0;
        let ups = self.nodes.iter().filter_map(|node| node.up.as_ref());
        let held: usize = ups.map(|up| up.kernel.mailbox_bytes()).sum();
        let mailboxes = self.options.bounds.mailboxes;
        if (held + self.names.bytes()) as u64 > mailboxes {
            self.reached(format!("{} MiB in mailboxes and names", mailboxes >> 20));
        }
    }
}
