//! Faults that are planted in the simulator's own storage, to show that the invariants find them.
//!
//! Nothing of this ever happens unless a run asks for it ([`Options::planted`](crate::world::Options::planted)).

/// A bug of a disk, a module or a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Planted {
    /// `vfs` answers `SyncAll`, and has not synced.
    AnswersBeforeSync,
    /// A file is replaced by removing the old one and then giving the new one its name.
    RenameIsNotAtomic,
    /// A recovery that skips a torn frame of the table goes on behind it: whoever reads up to the tear misses that.
    KeepsTornFrames,
    /// A backup takes the table anew, and all else from the backup before.
    BackupInParts,
    /// The disk keeps no checksums: what has rotted is read as if it were right.
    NoChecksums,
}

impl Planted {
    /// All of them.
    pub const ALL: [Planted; 5] = [
        Planted::AnswersBeforeSync,
        Planted::RenameIsNotAtomic,
        Planted::KeepsTornFrames,
        Planted::BackupInParts,
        Planted::NoChecksums,
    ];
}
