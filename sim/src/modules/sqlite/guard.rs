//! What a guest's SQL may do: nothing that reaches beyond its database, breaks what the engine stands on, or goes on for
//! ever.
//!
//! The engine asks before it compiles (the authorizer), while it runs (the progress handler), and is told what sizes it
//! may handle (limits). What a request takes of the host is counted, in nanoseconds as measured: every step of the
//! engine's machine, and with it the largest value that has come up so far, since one step may go through all of it;
//! what is read of the disk; and functions whose work is more than that (`functions`). Nothing is measured while it runs:
//! equal requests count alike.

use super::{functions, host, vfs_ffi};
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// How much a request may count: a second of the host's processor at most.
const WORK_MAX: u64 = 1_000_000_000;
/// How many steps of the engine's virtual machine lie between two looks at what it has done.
const STEPS: u16 = 50;
/// What a step counts. It takes a tenth of that by itself: a request has 2 million of them at most.
const STEP: u64 = 500;
/// What a byte of the largest value counts in each step: several steps lead to one that goes through it.
const VALUE_BYTES: u64 = 4;
/// What a byte that is read of the disk counts.
const READ_BYTES: u64 = 2;
/// What it counts that the engine asks whether it may do something: it compiles, perhaps within another statement.
const ASKED: u64 = 1_000;
/// What it counts that the engine goes over the whole database; what that reads of the disk counts besides.
const WHOLE_DATABASE: u64 = 5_000_000;

/// The largest value or row.
pub const LENGTH_MAX: i32 = 1 << 20;
/// The size of a statement's program times that of a value is at most this: a program may go through a large value in
/// each of its steps, and is not interrupted before it jumps.
const PROGRAM_LENGTH_MAX: u64 = 20_000_000_000;

/// Sizes, each with the error `too big`, `too many` or `too complex`: no value or row over 1 MiB, no statement over
/// 100 kB. One attached database, since `VACUUM` needs one. As many arguments as SQLite had in the public runtimes.
const LIMITS: [(Limit, i32); 5] = [
    (Limit::SQLITE_LIMIT_LENGTH, LENGTH_MAX),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 127),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
    (Limit::SQLITE_LIMIT_ATTACHED, 1),
];

/// Tells a connection what sizes it may handle.
pub fn limit_sizes(connection: &mut Connection) -> Result<()> {
    LIMITS.into_iter().try_for_each(|(limit, value)| connection.set_limit(limit, value).map(drop))
}

/// Pragmas that look, whatever their argument.
const LOOKING: [&str; 20] = [
    "application_id",
    "collation_list",
    "data_version",
    "database_list",
    "foreign_key_check",
    "foreign_key_list",
    "freelist_count",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "module_list",
    "page_count",
    "pragma_list",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
];
/// Pragmas that look without an argument and may not have one.
const LOOKING_ALONE: [&str; 14] = [
    "auto_vacuum",
    "cache_size",
    "defer_foreign_keys",
    "encoding",
    "foreign_keys",
    "journal_mode",
    "locking_mode",
    "max_page_count",
    "page_size",
    "recursive_triggers",
    "schema_version",
    "synchronous",
    "temp_store",
    "wal_autocheckpoint",
];
/// Pragmas that change something that is the guest's own.
const CHANGING: [&str; 6] =
    ["application_id", "defer_foreign_keys", "foreign_keys", "optimize", "recursive_triggers", "user_version"];

/// What the statement of the moment may do, and what it tried.
#[derive(Default)]
pub struct Guard {
    may_write: AtomicBool,
    /// It is part of a transaction that is not its own to begin or end.
    in_transaction: AtomicBool,
    tried_to_write: AtomicBool,
    steps: AtomicU64,
    /// What was counted besides the steps.
    work: AtomicU64,
    /// How many times more than others the functions of the statement take for a byte, at most.
    weight: AtomicU64,
}

/// What an action comes to.
enum Kind {
    Looks,
    Changes,
    /// Begins or ends a transaction.
    Transacts,
    Never,
}

impl Guard {
    /// A guard for a connection: from here on its statements do what they may.
    pub fn of(connection: &mut Connection) -> Result<Arc<Guard>> {
        limit_sizes(connection)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        let guard = Arc::new(Guard::default());
        let asked = guard.clone();
        connection.authorizer(Some(move |context: AuthContext<'_>| asked.authorize(context.action)))?;
        let counting = guard.clone();
        connection.progress_handler(STEPS.into(), Some(move || counting.has_stepped()))?;
        functions::count(connection, &guard)?;
        Ok(guard)
    }

    /// A request begins.
    pub fn begin(&self, may_write: bool) {
        self.may_write.store(may_write, Relaxed);
        self.in_transaction.store(false, Relaxed);
        self.tried_to_write.store(false, Relaxed);
        self.steps.store(0, Relaxed);
        self.work.store(0, Relaxed);
        self.begin_statement();
    }

    /// A statement of the request begins, before it is compiled: no large value has come up.
    pub fn begin_statement(&self) {
        self.weight.store(1, Relaxed);
        vfs_ffi::forget_largest_allocation();
    }

    /// A request ends: what it has read counts as work.
    pub fn end(&self) {
        self.spend(read());
    }

    /// How large a value may be in a statement whose program takes so many bytes.
    pub fn length(&self, program_bytes: i32) -> i32 {
        let program = u64::from(program_bytes.unsigned_abs()).max(1);
        let length = PROGRAM_LENGTH_MAX / (program * self.weight.load(Relaxed));
        i32::try_from(length).unwrap_or(LENGTH_MAX).min(LENGTH_MAX)
    }

    /// From here on the statements of the request are part of a transaction, or are not.
    pub fn in_transaction(&self, is: bool) {
        self.in_transaction.store(is, Relaxed);
    }

    /// Whether it was refused because it may only look.
    pub fn tried_to_write(&self) -> bool {
        self.tried_to_write.load(Relaxed)
    }

    /// How many steps the request has taken.
    pub fn steps(&self) -> u64 {
        self.steps.load(Relaxed)
    }

    /// What the request has taken besides, in nanoseconds.
    pub fn work(&self) -> u64 {
        self.work.load(Relaxed)
    }

    /// So much is to be done; whether it may.
    pub fn spend(&self, nanos: u64) -> bool {
        let before = self.work.load(Relaxed);
        self.work.store(before.saturating_add(nanos), Relaxed);
        !self.is_exhausted()
    }

    fn is_exhausted(&self) -> bool {
        let steps = self.steps.load(Relaxed) * STEP;
        steps.saturating_add(self.work.load(Relaxed)).saturating_add(read()) > WORK_MAX
    }

    /// Some steps were done.
    fn has_stepped(&self) -> bool {
        self.steps.fetch_add(STEPS.into(), Relaxed);
        let value = vfs_ffi::largest_allocation() / VALUE_BYTES * self.weight.load(Relaxed);
        !self.spend(u64::from(STEPS) * value)
    }

    fn authorize(&self, action: AuthAction<'_>) -> Authorization {
        self.spend(match action {
            AuthAction::Pragma { pragma_name, .. } if goes_over_all(pragma_name) => WHOLE_DATABASE,
            _ => ASKED,
        });
        if let AuthAction::Function { function_name } = action {
            self.weight.fetch_max(weight(function_name), Relaxed);
        }
        let may = match Kind::of(action) {
            Kind::Looks => true,
            Kind::Never => false,
            Kind::Transacts if self.in_transaction.load(Relaxed) => false,
            Kind::Changes | Kind::Transacts => {
                let may = self.may_write.load(Relaxed);
                self.tried_to_write.fetch_or(!may, Relaxed);
                may
            }
        };
        if may { Authorization::Allow } else { Authorization::Deny }
    }
}

/// What counts that was read of the disk.
fn read() -> u64 {
    host::ask(|host| Ok(host.read())).unwrap_or(0) / READ_BYTES
}

fn goes_over_all(pragma: &str) -> bool {
    ["integrity_check", "quick_check", "foreign_key_check"].iter().any(|all| pragma.eq_ignore_ascii_case(all))
}

/// How many times more than others a function takes for a byte: JSON is parsed, and a byte of a format may be a number.
fn weight(function: &str) -> u64 {
    match function {
        "printf" | "format" | "strftime" => 16,
        "->" | "->>" => 8,
        json if json.starts_with("json") => 8,
        _ => 1,
    }
}

impl Kind {
    fn of(action: AuthAction<'_>) -> Kind {
        match action {
            AuthAction::Function { function_name } => match function_name {
                "load_extension" | "fts3_tokenizer" => Kind::Never,
                // Which compiler has built the simulator is nothing that a run may depend on.
                "sqlite_compileoption_get" | "sqlite_compileoption_used" => Kind::Never,
                _ => Kind::Looks,
            },
            // A full-text index or an R-tree does any amount of work in one step; so does the table of all pages.
            AuthAction::CreateVtable { .. } | AuthAction::Read { table_name: "dbstat", .. } => Kind::Never,
            AuthAction::Read { .. } | AuthAction::Select | AuthAction::Recursive => Kind::Looks,
            AuthAction::Pragma { pragma_name, pragma_value } => Kind::of_pragma(pragma_name, pragma_value),
            AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => Kind::Transacts,
            // What VACUUM attaches: a database without a name. Any other is somebody else's, or in no one's count.
            AuthAction::Attach { filename: "" } | AuthAction::Detach { .. } => Kind::Changes,
            AuthAction::Attach { .. } | AuthAction::Unknown { .. } => Kind::Never,
            _ => Kind::Changes,
        }
    }

    fn of_pragma(name: &str, value: Option<&str>) -> Kind {
        let name = name.to_ascii_lowercase();
        let is_in = |list: &[&str]| list.contains(&name.as_str());
        match value {
            None if is_in(&LOOKING) || is_in(&LOOKING_ALONE) => Kind::Looks,
            Some(_) if is_in(&CHANGING) => Kind::Changes,
            Some(_) if is_in(&LOOKING) => Kind::Looks,
            None if matches!(&*name, "optimize" | "wal_checkpoint") => Kind::Changes,
            // It is in that mode, or may not be: in neither case does it change.
            Some(value) if name == "journal_mode" && value.eq_ignore_ascii_case("wal") => Kind::Changes,
            _ => Kind::Never,
        }
    }
}
