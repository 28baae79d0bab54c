//! Bodies and blobs: shared, never copied.

use std::fmt;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

/// Bytes that a guest or a module wrote once and everybody shares.
#[derive(Clone)]
pub struct Bytes(Held);

/// How many bytes are kept in place: an allocation for them would cost more than copying them does.
const SMALL: usize = 22;

#[derive(Clone)]
enum Held {
    /// In place, so many of them: most bodies and contexts.
    Small(u8, [u8; SMALL]),
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
            Held::Small(..) | Held::Own(_) => None,
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::Small(n, bytes) => &bytes[..usize::from(*n)],
            Held::Own(bytes) => bytes,
            Held::Shared(bytes) => bytes,
        }
    }
}

impl Default for Bytes {
    fn default() -> Bytes {
        Bytes(Held::Small(0, [0; SMALL]))
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
        Bytes::from(bytes.as_slice())
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Bytes {
        let mut small = [0; SMALL];
        match small.get_mut(..bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                Bytes(Held::Small(bytes.len() as u8, small))
            }
            None => Bytes(Held::Own(bytes.into())),
        }
    }
}

impl From<&str> for Bytes {
    fn from(text: &str) -> Bytes {
        Bytes::from(text.as_bytes())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_what_they_were_made_of_whether_they_are_kept_in_place_or_not() {
        for n in [0, 1, SMALL - 1, SMALL, SMALL + 1, 1000] {
            let of: Vec<u8> = (0..n).map(|byte| byte as u8).collect();
            for bytes in [Bytes::from(&of[..]), Bytes::from(of.clone()), Bytes::from(Arc::from(of.clone()))] {
                assert_eq!(*bytes, *of);
                assert_eq!(bytes, bytes.clone());
            }
        }
        assert!(Bytes::default().is_empty());
    }

    #[test]
    fn small_bytes_take_no_more_room_than_a_pointer_to_them() {
        assert_eq!(size_of::<Bytes>(), 24);
    }
}
