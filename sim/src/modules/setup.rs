//! How a scenario sets up its runtime modules, where there is a choice.

/// What a scenario may choose about its modules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// How `sqlite` makes its transactions atomic.
    pub journal: Journal,
    /// What its modules do wrong, on purpose: for showing that it is found.
    pub planted: Option<Planted>,
}

/// How SQLite makes a transaction atomic and durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Journal {
    /// A write-ahead log, synced at each commit: as the public runtime has it.
    #[default]
    Wal,
    /// A rollback journal, removed at each commit and its directory synced then (`synchronous=EXTRA`): with `FULL`, a
    /// power loss may bring the journal back, and with it the state before the commit.
    Rollback,
}

/// Something wrong that is planted in a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
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
    /// SQLite answers a commit before its log is synced: `synchronous=NORMAL`, a common advice for speed.
    SqliteAnswersEarly,
    /// The log or journal that a crash has left is thrown away and not recovered from.
    SqliteJournalIgnored,
    /// Every package's database of one name is one database.
    SqliteOneForAll,
    /// Nobody is asked for a capability: as in the public runtime (oddity 2 of its module).
    SqliteAsksNobody,
}
