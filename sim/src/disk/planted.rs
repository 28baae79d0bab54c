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
    /// A recovery that skips a torn frame of the table goes on behind it: a reader that stops at the tear misses the rest.
    KeepsTornFrames,
    /// A backup takes the table anew, and all else from the backup before.
    BackupInParts,
    /// The disk keeps no checksums: what has rotted is read as if it were right.
    NoChecksums,
    /// A transaction of `kv` is committed change by change.
    KvCommitsInParts,
    /// A database of `kv` that a crash has left is thrown away and not recovered.
    KvStartsAnew,
    /// Every package's database of one name is one database of `kv`.
    KvOneForAll,
    /// Nobody is asked for a capability by `kv`.
    KvAsksNobody,
    /// SQLite's operating system says that it has synced, and has not.
    SqliteSyncIgnored,
    /// SQLite answers a commit before its log is synced (`synchronous=NORMAL`, a common advice for speed), or before the
    /// removal of its journal is (`FULL`).
    SqliteAnswersEarly,
    /// The log or journal that a crash has left is thrown away, and SQLite does not recover from it.
    SqliteJournalIgnored,
    /// Every package's SQLite database of one name is one database.
    SqliteOneForAll,
    /// `sqlite` asks nobody for a capability: as in the public runtime (oddity 2 of its module).
    SqliteAsksNobody,
}

impl Planted {
    /// All of them.
    pub const ALL: [Planted; 14] = [
        Planted::AnswersBeforeSync,
        Planted::RenameIsNotAtomic,
        Planted::KeepsTornFrames,
        Planted::BackupInParts,
        Planted::NoChecksums,
        Planted::KvCommitsInParts,
        Planted::KvStartsAnew,
        Planted::KvOneForAll,
        Planted::KvAsksNobody,
        Planted::SqliteSyncIgnored,
        Planted::SqliteAnswersEarly,
        Planted::SqliteJournalIgnored,
        Planted::SqliteOneForAll,
        Planted::SqliteAsksNobody,
    ];
}
