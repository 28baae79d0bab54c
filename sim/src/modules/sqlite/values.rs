//! Values on their way between JSON and the engine, as `src/sqlite.rs` of both runtimes has it.
//!
//! A parameter: an integer that fits is INTEGER, another number REAL, a truth value 0 or 1, null NULL; a string that
//! decodes as base64 is a BLOB, any other TEXT, so that `abcd` and the empty string are BLOBs: they read back alike and
//! equal no literal. A result: a row is an object, its keys sorted, and of two columns of one name the later one
//! counts; a BLOB is base64.

use super::wire::SqliteError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Rows, Statement};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// How large a result may be, in bytes of its names and values.
const RESULT_MAX: usize = 16 << 20;

/// The parameters that a blob holds; none without a blob.
pub fn parameters(blob: Option<&[u8]>) -> Result<Vec<Value>, SqliteError> {
    let Some(blob) = blob else { return Ok(vec![]) };
    let list: Vec<Json> = serde_json::from_slice(blob).map_err(|_| SqliteError::InvalidParameters)?;
    list.into_iter().map(parameter).collect()
}

fn parameter(value: Json) -> Result<Value, SqliteError> {
    match value {
        Json::Null => Ok(Value::Null),
        Json::Bool(is) => Ok(Value::Integer(is.into())),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Ok(Value::Integer(integer)),
            (None, Some(real)) => Ok(Value::Real(real)),
            (None, None) => Err(SqliteError::InvalidParameters),
        },
        Json::String(text) => Ok(BASE64.decode(&text).map_or(Value::Text(text), Value::Blob)),
        Json::Array(_) | Json::Object(_) => Err(SqliteError::InvalidParameters),
    }
}

/// The rows of a statement, run to its end. How many bytes of names and values were looked at is in `read`.
pub fn rows(statement: &mut Statement<'_>, parameters: &[Value], read: &mut usize) -> Result<Vec<u8>, SqliteError> {
    let names: Vec<String> = statement.column_names().map(str::to_string).collect();
    let mut rows: Rows<'_> = statement.query(rusqlite::params_from_iter(parameters))?;
    let mut out = b"[".to_vec();
    while let Some(row) = rows.next()? {
        let mut object: BTreeMap<&str, Json> = BTreeMap::new();
        for (at, name) in names.iter().enumerate() {
            let value = row.get_ref(at)?;
            // Before it is copied: a row may have one large value in a thousand columns.
            *read += name.len() + size(value);
            if *read > RESULT_MAX {
                return Err(SqliteError::Bound("the result is larger than 16 MiB".to_string()));
            }
            object.insert(name, json(value)?);
        }
        if out.len() > 1 {
            out.push(b',');
        }
        serde_json::to_writer(&mut out, &object).expect("bytes take what is written to them");
    }
    out.push(b']');
    Ok(out)
}

fn size(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => size_of::<Json>(),
    }
}

fn json(value: ValueRef<'_>) -> Result<Json, SqliteError> {
    Ok(match value {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(integer) => integer.into(),
        // The public runtime's module panics at an infinite one, and never answers.
        ValueRef::Real(real) => {
            let finite = serde_json::Number::from_f64(real);
            finite.ok_or_else(|| SqliteError::engine("an infinite number has no JSON"))?.into()
        }
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text);
            text.map_err(|error| SqliteError::engine(&error.to_string()))?.into()
        }
        ValueRef::Blob(bytes) => BASE64.encode(bytes).into(),
    })
}
