//! `expect_body` and `expect_json`: what the body of an answer must be.

use super::json::Json;
use crate::outside::web::is_like;
use serde_json::Value;

/// What the body of an answer must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Text, blanks around it aside; each `*` stands for any text.
    Text(String),
    /// JSON that has all of this: each field of an object, each item of a list, and whatever else is there.
    Json(Value),
}

impl Body {
    /// The one that was given, if one was.
    pub(super) fn read(text: Option<String>, json: Option<Json>) -> Result<Option<Body>, String> {
        match (text, json) {
            (Some(_), Some(_)) => Err("`expect_body` and `expect_json` are two bodies; give one".to_string()),
            (Some(text), None) => Ok(Some(Body::Text(text))),
            (None, Some(Json(json))) => Ok(Some(Body::Json(json))),
            (None, None) => Ok(None),
        }
    }

    /// Whether a body is so.
    ///
    /// # Errors
    /// What it is instead, in words.
    pub fn check(&self, body: &[u8]) -> Result<(), String> {
        match self {
            Body::Text(like) if is_like(String::from_utf8_lossy(body).trim(), like.trim()) => Ok(()),
            Body::Text(like) => Err(format!("and not a body like {like:?}")),
            Body::Json(expected) => match serde_json::from_slice(body) {
                Ok(value) => has(expected, &value, ""),
                Err(_) => Err(format!("which is no JSON, and not {expected}")),
            },
        }
    }
}

/// Whether a value has what is expected of it. A field that begins with `/` is a JSON pointer (RFC 6901), one with dots
/// in it a path (`$.items[0].price` or `items.0.price`), unless there is a field of just that name.
fn has(expected: &Value, value: &Value, place: &str) -> Result<(), String> {
    match (expected, value) {
        (Value::Object(fields), _) => fields.iter().try_for_each(|(name, expected)| {
            let at = if name.starts_with('/') { format!("{place}{name}") } else { format!("{place}/{name}") };
            match value.get(name).or_else(|| value.pointer(&pointer(name))) {
                Some(value) => has(expected, value, &at),
                None => Err(format!("which has no `{at}`")),
            }
        }),
        (Value::Array(items), Value::Array(values)) if items.len() <= values.len() => {
            (0..).zip(items.iter().zip(values)).try_for_each(|(nth, (item, value))| {
                let nth: usize = nth;
                has(item, value, &format!("{place}/{nth}"))
            })
        }
        (Value::String(like), Value::String(text)) if is_like(text, like) => Ok(()),
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => Ok(()),
        _ if expected == value => Ok(()),
        _ if place.is_empty() => Err(format!("and not {expected}")),
        _ => Err(format!("where `{place}` is {value}, and not {expected}")),
    }
}

/// A path as a JSON pointer.
fn pointer(path: &str) -> String {
    if path.starts_with('/') {
        return path.to_string();
    }
    let path = path.strip_prefix("$.").or(path.strip_prefix('$')).unwrap_or(path);
    let parts = path.split(['.', '[', ']']).filter(|part| !part.is_empty());
    parts.map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_is_compared_as_text_or_by_what_json_has_to_have() {
        let text = |like: &str, body: &str| Body::Text(like.to_string()).check(body.as_bytes()).is_ok();
        assert!(text("hello *", "hello you\n") && text("10", "10") && !text("1", "10") && !text("hello", "hello you"));
        let body = json!({ "items": [{ "price": 3, "name": "tea" }, {}], "a.b": 1 }).to_string();
        let met = |expected: Value| Body::Json(expected).check(body.as_bytes());
        for expected in [
            json!({ "items": [{ "price": 3.0 }] }),
            json!({ "items.0.price": 3 }),
            json!({ "$.items[0].name": "t*" }),
            json!({ "/items/0/price": 3 }),
            json!({ "a.b": 1 }),
        ] {
            assert_eq!(met(expected.clone()), Ok(()), "{expected}");
        }
        let missed = met(json!({ "items.0.price": 4 }));
        assert_eq!(missed, Err("where `/items.0.price` is 3, and not 4".to_string()));
        assert!(
            met(json!({ "none": 1 })).is_err() && met(json!([1])).is_err() && met(json!({ "items": [1] })).is_err()
        );
        assert!(Body::Json(json!(1)).check(b"one").is_err());
    }
}
