//! What `kv` keeps, request by request: what is right, and each way of being wrong.

use crate::disk::{IoFault, IoWrong};
use crate::invariant::pairs::PairsAreKept;
use crate::invariant::{Invariant, Past};
use crate::plan::Down;
use crate::trace::event::{Event, What};
use kernel_core::{
    Address, Blob, Cause, Content, Instant, Message, MessageId, Names, NodeId, ProcessRef, Request, Response,
};
use std::rc::Rc;

/// A node whose kv is asked and answers as the test says.
struct Told {
    invariant: PairsAreKept,
    names: Names,
    node: NodeId,
    ids: u64,
}

fn told() -> Told {
    let mut names = Names::new();
    let node = names.node("alice.os");
    Told { invariant: PairsAreKept::default(), names, node, ids: 0 }
}

impl Told {
    fn happens(&mut self, what: What) -> Result<(), String> {
        let event = Event { at: Instant(0), node: self.node, cause: Cause(0), what };
        self.invariant.on_event(Cause(0), &event, &Past::default(), &self.names)
    }

    /// Somebody asks; the value goes along.
    fn asks(&mut self, action: &str, value: Option<&str>) -> Rc<Message> {
        self.ids += 1;
        let package = r#"{"package_name":"demo","publisher_node":"alice.os"}"#;
        let body = format!(r#"{{"package_id":{package},"db":"db","action":{action}}}"#);
        let request = Request { body: body.as_str().into(), expects_response: Some(5), ..Request::default() };
        let source = Address { node: self.node, process: self.names.process("a:demo:alice.os") };
        let message = Rc::new(Message {
            id: MessageId(self.ids),
            source,
            target: Address { process: ProcessRef::KV, ..source },
            rsvp: Some(source),
            content: Content::Request(request),
            blob: value.map(|value| Blob { mime: None, bytes: value.into() }),
            cause: Cause(0),
        });
        self.happens(What::ModuleReceived(ProcessRef::KV, message.clone())).expect("to ask is never wrong");
        message
    }

    fn answers(&mut self, asked: &Message, body: &str, value: Option<&str>) -> Result<(), String> {
        let content = Content::Response(Response { body: body.into(), ..Response::default() });
        let blob = value.map(|value| Blob { mime: None, bytes: value.into() });
        let (source, target) = (asked.target, asked.source);
        let answer = Message { source, target, rsvp: None, content, blob, ..asked.clone() };
        self.happens(What::Sent(Rc::new(answer)))
    }

    /// A key is set, and that is answered.
    fn sets(&mut self, key: u8, value: &str) {
        let asked = self.asks(&set(key, "null"), Some(value));
        self.answers(&asked, r#""Ok""#, None).expect("a change is always possible");
    }

    fn gets(&mut self, key: u8, value: Option<&str>) -> Result<(), String> {
        let asked = self.asks(&format!(r#"{{"Get":[{key}]}}"#), None);
        match value {
            Some(_) => self.answers(&asked, &format!(r#"{{"Get":[{key}]}}"#), value),
            None => self.answers(&asked, r#"{"Err":"KeyNotFound"}"#, None),
        }
    }

    /// A transaction that sets two keys is ready to be committed.
    fn prepares(&mut self, value: &str) {
        let begun = self.asks(r#""BeginTx""#, None);
        self.answers(&begun, r#"{"BeginTx":{"tx_id":7}}"#, None).expect("it begins");
        for key in [1, 2] {
            let asked = self.asks(&set(key, "7"), Some(value));
            self.answers(&asked, r#""Ok""#, None).expect("it is remembered");
        }
    }

    fn fails(&mut self) -> Result<(), String> {
        let asked = self.asks(r#"{"Get":[1]}"#, None);
        self.answers(&asked, r#"{"Err":{"RocksDBError":"I/O error"}}"#, None)
    }
}

fn set(key: u8, tx: &str) -> String {
    format!(r#"{{"Set":{{"key":[{key}],"tx_id":{tx}}}}}"#)
}

const COMMIT: &str = r#"{"Commit":{"tx_id":7}}"#;

#[test]
fn what_is_answered_as_set_is_read_and_nothing_else() {
    let mut kv = told();
    kv.gets(1, None).expect("nothing is there at first");
    kv.sets(1, "one");
    kv.happens(What::Down(Down::PowerLoss)).expect("it happens");
    kv.gets(1, Some("one")).expect("it was kept");
    let lost = kv.gets(1, None).expect_err("it was answered as set");
    assert_eq!(lost, r#"kv answers alice.os@a:demo:alice.os: "\u{1}" has nothing, and should have "one""#);
    assert!(kv.gets(1, Some("two")).is_err());
    assert!(kv.gets(2, Some("one")).is_err(), "nobody set it");
}

#[test]
fn what_nobody_heard_of_is_there_or_not_and_then_stays_so() {
    for there in [false, true] {
        let mut kv = told();
        kv.sets(1, "old");
        kv.asks(&set(1, "null"), Some("new"));
        kv.happens(What::Down(Down::Crash)).expect("it happens");
        let (is, is_not) = if there { ("new", "old") } else { ("old", "new") };
        kv.gets(1, Some(is)).expect("it is one of the two");
        assert!(kv.gets(1, Some(is_not)).is_err(), "and not the other afterwards");
    }
    let mut kv = told();
    kv.asks(&set(1, "null"), Some("new"));
    kv.happens(What::Down(Down::Crash)).expect("it happens");
    assert!(kv.gets(1, Some("ne")).is_err(), "nor a part of it");
}

#[test]
fn nobody_reads_half_of_a_transaction() {
    let mut kv = told();
    kv.prepares("new");
    kv.gets(1, None).expect("it is not committed");
    let commit = kv.asks(COMMIT, None);
    kv.answers(&commit, r#""Ok""#, None).expect("it is committed");
    kv.gets(1, Some("new")).expect("it is there");
    kv.gets(2, Some("new")).expect("as a whole");

    let mut kv = told();
    kv.prepares("new");
    assert!(kv.gets(1, Some("new")).is_err(), "before its commit");

    let mut kv = told();
    kv.prepares("new");
    kv.asks(COMMIT, None);
    kv.happens(What::Down(Down::Crash)).expect("it happens");
    kv.gets(1, Some("new")).expect("it may be done");
    assert!(kv.gets(2, None).is_err(), "but not in part");
}

#[test]
fn what_was_begun_ends_with_its_node() {
    let mut kv = told();
    kv.prepares("new");
    kv.happens(What::Down(Down::Shutdown)).expect("it happens");
    assert!(kv.gets(1, Some("new")).is_err());
}

#[test]
fn an_error_is_an_answer_if_a_disk_has_failed() {
    assert!(told().fails().is_err());
    let refusals = [
        What::IoRefused(ProcessRef::KV, IoFault { at: 1, wrong: IoWrong::Error }),
        What::Rotted("/kv/demo:alice.os/db".into(), 17),
    ];
    for refusal in refusals {
        let mut kv = told();
        kv.sets(1, "one");
        kv.happens(refusal).expect("it happens");
        kv.fails().expect("it says so");
        kv.gets(1, Some("one")).expect("it is still there");
        assert!(kv.gets(1, None).is_err(), "what is answered is true all the same");
    }
    let mut kv = told();
    kv.happens(What::Rotted("/vfs/demo:alice.os/db".into(), 17)).expect("it happens");
    assert!(kv.fails().is_err(), "that is not of kv");
}

/// The backup has what the disk had.
#[test]
fn a_restore_brings_back_what_had_rotted_by_then_and_nothing_else() {
    for rotten_first in [true, false] {
        let mut kv = told();
        let [first, second] = {
            let (rots, backed_up) = (What::Rotted("/kv/demo:alice.os/db".into(), 17), What::BackedUp(1));
            if rotten_first { [rots, backed_up] } else { [backed_up, rots] }
        };
        for what in [first, second, What::Down(Down::Crash), What::Restored(1)] {
            kv.happens(what).expect("it happens");
        }
        assert_eq!(kv.fails().is_ok(), rotten_first);
    }
}

#[test]
fn a_restore_brings_back_the_cut() {
    let mut kv = told();
    kv.sets(1, "old");
    kv.happens(What::BackedUp(1)).expect("it happens");
    kv.sets(1, "new");
    kv.happens(What::Down(Down::Crash)).expect("it happens");
    kv.happens(What::Restored(1)).expect("it happens");
    kv.gets(1, Some("old")).expect("it was at the cut");
    assert!(kv.gets(1, Some("new")).is_err());
}

#[test]
fn a_removed_database_is_empty() {
    let mut kv = told();
    kv.sets(1, "old");
    let removed = kv.asks(r#""RemoveDb""#, None);
    kv.answers(&removed, r#""Ok""#, None).expect("it can be removed");
    kv.gets(1, None).expect("it is empty");
    assert!(kv.gets(1, Some("old")).is_err());
}
