//! Bodies and blobs: shared, never copied.

use std::fmt;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

/// Bytes that a guest or a module wrote once and everybody shares.
#[derive(Clone)]
pub struct Bytes(Held);

#[derive(Clone)]
enum Held {
    /// By one world.
    Own(Rc<[u8]>),
    /// By several, on whichever threads: the code of a program.
    Shared(Arc<[u8]>),
}

impl Bytes {
    /// The place that several worlds have these bytes from, if they do. It tells that two are the same without a look.
    pub fn shared(&self) -> Option<&Arc<[u8]>> {
        match &self.0 {
            Held::Shared(bytes) => Some(bytes),
            Held::Own(_) => None,
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::Own(bytes) => bytes,
            Held::Shared(bytes) => bytes,
        }
    }
}

impl Default for Bytes {
    fn default() -> Bytes {
        Bytes(Held::Own(Rc::default()))
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Bytes) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes(Held::Own(bytes.into()))
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Bytes {
        Bytes(Held::Own(bytes.into()))
    }
}

impl From<&str> for Bytes {
    fn from(text: &str) -> Bytes {
        Bytes(Held::Own(text.as_bytes().into()))
    }
}

impl From<Arc<[u8]>> for Bytes {
    fn from(bytes: Arc<[u8]>) -> Bytes {
        Bytes(Held::Shared(bytes))
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
