//! What a run may cost its host, so that no guest can starve the simulator (M5).
//!
//! Virtual time bounds nothing by itself: a guest may burn almost a quantum of fuel before every call, and hand over
//! megabytes in each. So the host's own work is counted, and a run that reaches a bound ends with the verdict `limit`,
//! which names it. No count is part of a trace.

use super::World;
use crate::disk::Op;
use crate::guest::Usage;

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
    /// Bytes of memory that the guests that are alive have together.
    pub memory: u64,
    /// Bytes in mailboxes, which do not block, and in names.
    pub mailboxes: u64,
}

impl Default for Bounds {
    /// 5 million events, 10 billion fuel (some minute of a host's processor), 1 GiB copied, 1 GiB of guests' memory,
    /// 256 MiB in mailboxes.
    fn default() -> Bounds {
        Bounds { events: 5_000_000, fuel: 10_000_000_000, copied: 1 << 30, memory: 1 << 30, mailboxes: 256 << 20 }
    }
}

/// What a run has cost so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Spent {
    fuel: u64,
    copied: u64,
    sent_since_check: usize,
}

impl World<'_> {
    /// The run ends here: it has reached a bound.
    pub(super) fn reached(&mut self, bound: String) {
        self.limit.get_or_insert(bound);
    }

    /// A guest has used this in its turn. What it has of memory counts when it has `grown`.
    pub(super) fn spend(&mut self, used: Usage, grown: bool) {
        let Bounds { fuel, memory, .. } = self.options.bounds;
        self.spent.fuel += used.fuel;
        if self.spent.fuel > fuel {
            self.reached(format!("{fuel} fuel burned by guests"));
        }
        self.copy(used.copied);
        if grown {
            let lives = self.nodes.iter().filter_map(|node| node.up.as_ref()).flat_map(|up| up.guests.iter().flatten());
            let held: u64 = lives.map(|live| live.guest.usage().memory).sum();
            if held > memory {
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

    /// An operation was done to a file that had so many bytes `before`. A small write may copy all of a large file:
    /// that counts a little.
    pub(super) fn spend_on_disk(&mut self, node: usize, op: &Op, before: usize) {
        let (path, written) = match op {
            Op::Write(path, _, bytes) => (path, bytes.len()),
            Op::SetLen(path, _) => (path, 0),
            _ => return,
        };
        let after = self.nodes[node].disk.files().len(path).unwrap_or(0) as usize;
        self.copy((written + after.saturating_sub(before) + after / 64) as u64);
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
