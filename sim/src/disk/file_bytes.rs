//! What is in a file: shared by disks, backups and worlds until it is written to.

use kernel_core::Bytes;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

/// The content of a file.
#[derive(Clone, Debug)]
pub struct FileBytes(Held);

#[derive(Clone, Debug)]
enum Held {
    /// What a package or a program brings along: there once, however many worlds have it on their disks.
    Given(Arc<[u8]>),
    /// What was written in this world.
    Written(Rc<Vec<u8>>),
}

impl FileBytes {
    /// The bytes to change. All others that share them keep what they were.
    pub(super) fn to_mut(&mut self) -> &mut Vec<u8> {
        if let Held::Given(bytes) = &self.0 {
            self.0 = Held::Written(Rc::new(bytes.to_vec()));
        }
        match &mut self.0 {
            Held::Written(bytes) => Rc::make_mut(bytes),
            Held::Given(_) => unreachable!("it was just made a copy of"),
        }
    }

    /// Its bytes, for a message or the kernel. What was given is not copied.
    pub fn to_bytes(&self) -> Bytes {
        match &self.0 {
            Held::Given(bytes) => Bytes::from(bytes.clone()),
            Held::Written(bytes) => Bytes::from(bytes.as_slice()),
        }
    }

    /// Its bytes.
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Held::Given(bytes) => bytes,
            Held::Written(bytes) => bytes,
        }
    }
}

impl Default for FileBytes {
    /// An empty file.
    fn default() -> FileBytes {
        FileBytes(Held::Written(Rc::default()))
    }
}

impl From<Arc<[u8]>> for FileBytes {
    fn from(bytes: Arc<[u8]>) -> FileBytes {
        FileBytes(Held::Given(bytes))
    }
}

impl Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl PartialEq for FileBytes {
    fn eq(&self, other: &FileBytes) -> bool {
        let (one, other) = (self.as_slice(), other.as_slice());
        std::ptr::eq(one, other) || one == other
    }
}

impl Eq for FileBytes {}
