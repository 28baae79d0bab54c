//! Functions of SQL whose work is the product of what their arguments hold, and not the sum: `instr` of two texts of half
//! a megabyte takes half a minute. Each is counted before it is done, and refused beyond the guard's bound.
//!
//! They are the engine's own: the work is handed to a second connection that has no database and no guard. What is lost is
//! that `LIKE` and `GLOB` may use an index.

use super::guard::{Guard, limit_sizes};
use rusqlite::functions::{Context, FunctionFlags, SubType};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Error, ErrorCode, Result, ffi, params_from_iter};
use std::sync::{Arc, Mutex, PoisonError};

/// A function that is counted, with so many arguments.
struct Counted {
    name: &'static str,
    n_args: i32,
    /// Nanoseconds that it takes for arguments of these sizes, at most, about.
    cost: fn(&[u64]) -> u64,
}

/// What a call takes besides, in nanoseconds: it is compiled.
const CALL: u64 = 5_000;

const fn counted(name: &'static str, n_args: i32, cost: fn(&[u64]) -> u64) -> Counted {
    Counted { name, n_args, cost }
}

/// Each place of one text is compared with another text, a machine's word at a time.
fn searching(sizes: &[u64]) -> u64 {
    sizes[0].saturating_mul(sizes[1]) / 10
}

/// Each character of one text may be compared with each of the other.
fn matching(sizes: &[u64]) -> u64 {
    3 * sizes[0].saturating_mul(sizes[1])
}

/// Each key of one object is looked for among those of the other.
fn merging(sizes: &[u64]) -> u64 {
    sizes[0].saturating_mul(sizes[1]) / 2
}

const ALL: [Counted; 11] = [
    counted("instr", 2, searching),
    counted("replace", 3, searching),
    counted("like", 2, matching),
    counted("like", 3, matching),
    counted("glob", 2, matching),
    counted("trim", 2, matching),
    counted("ltrim", 2, matching),
    counted("rtrim", 2, matching),
    counted("unhex", 2, matching),
    counted("json_patch", 2, merging),
    counted("jsonb_patch", 2, merging),
];

/// What the engine says of JSON that a function gives to another (`JSON_SUBTYPE`).
const JSON: u32 = 74;

/// What is said of text that is not UTF-8, which the engine takes as it is.
pub const NOT_UTF8: &str = "text that is not UTF-8 is not modelled here";

/// From here on these functions are counted on this connection.
pub fn count(connection: &Connection, guard: &Arc<Guard>) -> Result<()> {
    let mut plain = Connection::open_in_memory()?;
    limit_sizes(&mut plain)?;
    let plain = Arc::new(Mutex::new(plain));
    for Counted { name, n_args, cost } in ALL {
        let (guard, plain) = (guard.clone(), plain.clone());
        let places: Vec<String> = (1..=n_args).map(|place| format!("?{place}")).collect();
        let sql = format!("SELECT {name}({})", places.join(", "));
        let mut flags =
            FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
        let subtype: SubType = (name == "json_patch").then_some(JSON);
        if subtype.is_some() {
            flags |= FunctionFlags::SQLITE_RESULT_SUBTYPE;
        }
        connection.create_scalar_function(name, n_args, flags, move |context: &mut Context<'_>| {
            let arguments: Vec<ValueRef<'_>> = (0..context.len()).map(|at| context.get_raw(at)).collect();
            let sizes: Vec<u64> = arguments.iter().map(|argument| size(*argument)).collect();
            if !guard.spend(CALL.saturating_add(cost(&sizes)).saturating_add(sizes.iter().sum())) {
                return Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None));
            }
            let plain = plain.lock().unwrap_or_else(PoisonError::into_inner);
            let value = call(&plain, &sql, &arguments).map_err(in_short)?;
            let is_null = value == Value::Null;
            Ok((value, subtype.filter(|_| !is_null)))
        })?;
    }
    Ok(())
}

fn size(value: ValueRef<'_>) -> u64 {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len() as u64,
        // As text: a sign, a point, an exponent and digits.
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 25,
    }
}

fn call(plain: &Connection, sql: &str, arguments: &[ValueRef<'_>]) -> Result<Value> {
    let mut statement = plain.prepare(sql)?;
    let arguments = arguments.iter().map(|argument| ToSqlOutput::Borrowed(*argument));
    statement.query_row(params_from_iter(arguments), |row| match row.get_ref(0)? {
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::Text(text.to_string())),
            Err(_) => Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), Some(NOT_UTF8.to_string()))),
        },
        value => value.try_into().map_err(|_| Error::InvalidQuery),
    })
}

/// An error with a text is known by its text alone: what the engine has a code for is to keep that.
fn in_short(error: Error) -> Error {
    match error {
        Error::SqliteFailure(failure, _) if matches!(failure.code, ErrorCode::TooBig | ErrorCode::OutOfMemory) => {
            Error::SqliteFailure(failure, None)
        }
        error => error,
    }
}
