//! A frame of the process table's journal: its length (4 bytes), a digest of its payload (8 bytes), and the payload: JSON,
//! a list of rows.
//!
//! - `["process:package:publisher", row]`: this is the row from now on.
//! - `["process:package:publisher", null]`: there is no such row any more.
//! - `["process:package:publisher", row, row]`: a long row has changed. The first has the capabilities that are new, the
//!   second those that are gone; all else is as in the first. So a change of a long row is short.

use kernel_core::command::{record_from_json, record_to_json};
use kernel_core::{Capabilities, Change, Names, NodeId, OnExit, ProcessRef, Record};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::rc::Rc;
use xxhash_rust::xxh3::xxh3_64;

use super::Rows;

const HEADER: usize = 12;
/// A row with more capabilities than this is not written whole when some of them change.
const LONG_ROW: usize = 64;

/// What this run has written to one node's journal: a frame that is known by its digest is not parsed again.
#[derive(Clone, Debug, Default)]
pub struct Written {
    pub(super) frames: BTreeMap<u64, Rc<[Row]>>,
    /// The length at which the journal is replaced by its rows, in bytes.
    pub(super) replaced_at: u64,
}

/// What a frame says of one process.
#[derive(Clone, Debug)]
pub(super) enum Row {
    Is(ProcessRef, Rc<Record>),
    /// As the record has it, with the capabilities that were there before, but for these.
    Becomes(ProcessRef, Rc<Record>, Capabilities),
    IsGone(ProcessRef),
}

/// A good frame, and where it ends.
pub(super) struct Frame<'a> {
    pub end: usize,
    pub digest: u64,
    payload: &'a [u8],
}

/// The good frames.
pub(super) fn frames(bytes: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (header, rest) = bytes.get(at..)?.split_at_checked(HEADER)?;
        let len = u32::from_le_bytes(header[..4].try_into().expect("four bytes")) as usize;
        let digest = u64::from_le_bytes(header[4..].try_into().expect("eight bytes"));
        let payload = rest.get(..len).filter(|payload| xxh3_64(payload) == digest)?;
        at += HEADER + len;
        Some(Frame { end: at, digest, payload })
    })
}

impl Frame<'_> {
    /// What it says.
    pub fn parse(&self, names: &mut Names, our: NodeId) -> Rc<[Row]> {
        let rows: Vec<Vec<Value>> =
            serde_json::from_slice(self.payload).expect("a frame that matches its digest is ours");
        let rows = rows.into_iter().map(|row| {
            let mut row = row.into_iter();
            let id =
                row.next().and_then(|id| Some(names.process(id.as_str()?))).expect("a row begins with its process");
            let mut record = || match row.next() {
                None | Some(Value::Null) => None,
                Some(json) => Some(record_from_json(json, names, our).expect("we wrote this row")),
            };
            match (record(), record()) {
                (None, _) => Row::IsGone(id),
                (Some(record), None) => Row::Is(id, Rc::new(record)),
                (Some(record), Some(gone)) => Row::Becomes(id, Rc::new(record), gone.capabilities),
            }
        });
        rows.collect()
    }
}

impl Written {
    /// A frame of these rows, which are known from now on.
    pub(super) fn frame(&mut self, rows: Rc<[Row]>, names: &Names) -> Rc<[u8]> {
        let json = rows.iter().map(|row| row.to_json(names)).collect::<Vec<_>>();
        let payload = serde_json::to_vec(&json).expect("rows have only string keys");
        let digest = xxh3_64(&payload);
        self.frames.insert(digest, rows);
        let mut frame = Vec::with_capacity(HEADER + payload.len());
        frame.extend((payload.len() as u32).to_le_bytes());
        frame.extend(digest.to_le_bytes());
        frame.extend(payload);
        frame.into()
    }
}

impl Row {
    /// What a change does to these rows.
    pub fn of(change: &Change, rows: &Rows) -> Row {
        match change {
            Change::Remove(id) => Row::IsGone(*id),
            Change::Put(id, record) => match rows.get(id).filter(|_| record.capabilities.len() > LONG_ROW) {
                None => Row::Is(*id, record.clone()),
                Some(before) => {
                    let gone = before.capabilities.difference(&record.capabilities).copied().collect();
                    let new = record.capabilities.difference(&before.capabilities).copied().collect();
                    let on_exit = record.on_exit.clone();
                    Row::Becomes(*id, Rc::new(Record { capabilities: new, on_exit, ..**record }), gone)
                }
            },
        }
    }

    /// Brings these rows up to date.
    pub fn put_into(&self, rows: &mut Rows) {
        match self {
            Row::Is(id, record) => {
                rows.insert(*id, record.clone());
            }
            Row::IsGone(id) => {
                rows.remove(id);
            }
            Row::Becomes(id, record, gone) => {
                let row = Rc::make_mut(rows.get_mut(id).expect("a row was there before it became another"));
                let mut capabilities = std::mem::take(&mut row.capabilities);
                capabilities.retain(|capability| !gone.contains(capability));
                capabilities.extend(&record.capabilities);
                *row = Record { capabilities, on_exit: record.on_exit.clone(), ..**record };
            }
        }
    }

    fn to_json(&self, names: &Names) -> Value {
        match self {
            Row::Is(id, record) => json!([names.process_text(*id), record_to_json(record, names)]),
            Row::IsGone(id) => json!([names.process_text(*id), null]),
            Row::Becomes(id, record, gone) => {
                let gone = Record { capabilities: gone.clone(), on_exit: OnExit::None, ..**record };
                let [new, gone] = [&**record, &gone].map(|record| record_to_json(record, names));
                json!([names.process_text(*id), new, gone])
            }
        }
    }
}
