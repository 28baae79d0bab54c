//! `json = …`: a value of TOML as JSON.

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;

/// A value of TOML that has a form in JSON. TOML has more: dates, and numbers that are none.
pub(super) struct Json(pub Value);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        json(toml::Value::deserialize(deserializer)?).map(Json).map_err(D::Error::custom)
    }
}

fn json(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(integer) => integer.into(),
        toml::Value::Boolean(is) => is.into(),
        toml::Value::Float(real) => {
            let number = serde_json::Number::from_f64(real);
            number.ok_or_else(|| format!("`{real}` has no form in JSON; write null or a text"))?.into()
        }
        toml::Value::Datetime(date) => {
            return Err(format!("a date has no form in JSON; write it as a text: \"{date}\""));
        }
        toml::Value::Array(list) => list.into_iter().map(json).collect::<Result<_, _>>()?,
        toml::Value::Table(table) => {
            let fields = table.into_iter().map(|(name, value)| Ok((name, json(value)?)));
            Value::Object(fields.collect::<Result<_, String>>()?)
        }
    })
}
