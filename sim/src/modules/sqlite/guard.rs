//! What a guest's SQL may do: nothing that reaches beyond its database, breaks what the engine stands on, or goes on for
//! ever.
//!
//! The engine asks before it compiles (the authorizer), while it runs (the progress handler), and is told what sizes it
//! may handle (limits).

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

/// How many steps of the engine's virtual machine a request may take, in thousands.
const KILOSTEPS_MAX: u32 = 2_000;

/// Sizes, each with the error `too big`, `too many` or `too complex`: no value or row over 1 MiB, no statement over
/// 100 kB. One attached database, since `VACUUM` needs one.
const LIMITS: [(Limit, i32); 4] = [
    (Limit::SQLITE_LIMIT_LENGTH, 1 << 20),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
    (Limit::SQLITE_LIMIT_ATTACHED, 1),
];

/// Pragmas that look, whatever their argument.
const LOOKING: [&str; 21] = [
    "application_id",
    "collation_list",
    "compile_options",
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
    kilosteps: AtomicU32,
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
        for (limit, value) in LIMITS {
            connection.set_limit(limit, value)?;
        }
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        let guard = Arc::new(Guard::default());
        let asked = guard.clone();
        connection.authorizer(Some(move |context: AuthContext<'_>| asked.authorize(context.action)))?;
        let counting = guard.clone();
        connection.progress_handler(1_000, Some(move || counting.is_exhausted()))?;
        Ok(guard)
    }

    /// A request begins.
    pub fn begin(&self, may_write: bool) {
        self.may_write.store(may_write, Relaxed);
        self.in_transaction.store(false, Relaxed);
        self.tried_to_write.store(false, Relaxed);
        self.kilosteps.store(0, Relaxed);
    }

    /// From here on the statements of the request are part of a transaction, or are not.
    pub fn in_transaction(&self, is: bool) {
        self.in_transaction.store(is, Relaxed);
    }

    /// Whether it was refused because it may only look.
    pub fn tried_to_write(&self) -> bool {
        self.tried_to_write.load(Relaxed)
    }

    /// How many thousand steps the request has taken.
    pub fn kilosteps(&self) -> u32 {
        self.kilosteps.load(Relaxed)
    }

    fn is_exhausted(&self) -> bool {
        self.kilosteps.fetch_add(1, Relaxed) >= KILOSTEPS_MAX
    }

    fn authorize(&self, action: AuthAction<'_>) -> Authorization {
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

impl Kind {
    fn of(action: AuthAction<'_>) -> Kind {
        match action {
            AuthAction::Read { .. } | AuthAction::Select | AuthAction::Recursive => Kind::Looks,
            AuthAction::Function { function_name } => match function_name {
                "load_extension" | "fts3_tokenizer" => Kind::Never,
                _ => Kind::Looks,
            },
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
