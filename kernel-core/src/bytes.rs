//! Bodies and blobs: shared, never copied.

use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

/// Bytes that a guest or a module wrote once and everybody shares.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bytes(Rc<[u8]>);

impl Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes(bytes.into())
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Bytes {
        Bytes(bytes.into())
    }
}

impl From<&str> for Bytes {
    fn from(text: &str) -> Bytes {
        Bytes(text.as_bytes().into())
    }
}

impl fmt::Debug for Bytes {
    /// Text where it is text, else the length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(self) {
            Ok(text) => write!(f, "{text:?}"),
            Err(_) => write!(f, "{} bytes", self.len()),
        }
    }
}
