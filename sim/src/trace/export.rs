//! A trace for other programs: [`Document`] and its JSON, and the formats of tools that draw.
//!
//! ```text
//! Run ──write──► Document ──to_json──► text ──from_json──► Document ──read──► the same events, the same fingerprint
//! ```

pub mod document;
pub mod mermaid;
pub mod perfetto;

mod read;
mod write;

pub use document::Document;
pub use read::{ReadBack, ReadError};
pub use write::{message_places, played_by};

use serde::Serialize;

/// The JSON schema of [`Document`].
pub const SCHEMA: &str = include_str!("export/schema.json");

/// The larger parts of a document; its lists are written one entry a line.
#[derive(Serialize)]
struct Head<'a> {
    format: &'a str,
    version: u32,
    run: &'a document::Played,
    outcome: &'a document::Outcome,
    names: &'a document::NameTable,
}

impl Document {
    /// The document as JSON: one object, with one message and one event a line.
    pub fn to_json(&self) -> String {
        let Document { format, version, run, outcome, names, messages, events } = self;
        let head = Head { format, version: *version, run, outcome, names };
        let head = json(&head);
        let lines = |texts: Vec<String>| texts.join(",\n");
        let messages = lines(messages.iter().map(json).collect());
        let events = lines(events.iter().map(json).collect());
        let head = head.strip_suffix('}').expect("an object ends with a brace");
        format!("{head},\n\"messages\":[\n{messages}\n],\n\"events\":[\n{events}\n]}}\n")
    }

    /// Reads what [`to_json`](Document::to_json) wrote.
    ///
    /// # Errors
    /// A text that is no trace, or one of a later version.
    pub fn from_json(text: &str) -> Result<Document, ReadError> {
        #[derive(serde::Deserialize)]
        struct Peek {
            format: Option<String>,
            version: Option<u32>,
        }
        let not_json = |error: serde_json::Error| ReadError(error.to_string());
        let peek: Peek = serde_json::from_str(text).map_err(not_json)?;
        if peek.format.as_deref() != Some(document::FORMAT) {
            return Err(ReadError(format!("`format` is not `{}`", document::FORMAT)));
        }
        match peek.version {
            Some(document::VERSION) => serde_json::from_str(text).map_err(not_json),
            Some(other) => {
                let known = document::VERSION;
                Err(ReadError(format!("it has version {other} of the format; this program reads version {known}")))
            }
            None => Err(ReadError("`version` is missing".to_string())),
        }
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers and lists of them are JSON")
}

#[cfg(test)]
mod tests;
