//! Claims about the vfs, each driven through [`ModuleContext`] beside a kernel and a disk.

use super::*;
use crate::disk::{Disk, IoFault, IoWrong};
use crate::outside::Outside;
use kernel_core::{Cause, Instant, MessageId, Moment, NodeId, OnExit, Record, Request, Semantics};
use serde_json::{Value, json};
use std::collections::BTreeSet;

mod actions;
mod durability;
mod rights;

const OWNER: &str = "main:notes:me.os";
const SIBLING: &str = "other:notes:me.os";
const STRANGER: &str = "main:spy:it.os";
const FILE: &str = "/notes:me.os/home/a.txt";
const DRIVE: &str = "/notes:me.os/home";

/// A node's kernel, disk and vfs, and whose turn it is to ask.
struct Node {
    names: Names,
    kernel: Kernel,
    disk: Disk,
    vfs: Vfs,
    module: Address,
    who: ProcessRef,
    /// The blob that came with the last answer.
    blob: Option<Blob>,
    /// What the module last said it cannot do.
    unmodelled: Option<String>,
    /// What the disk refuses the next request.
    fault: Option<IoFault>,
}

const NOW: Moment = Moment { now: Instant(0), cause: Cause(0) };

/// A node with three processes, and the owner's drive.
fn node() -> Node {
    let mut names = Names::new();
    let our = names.node("alice.os");
    let row = Record { image: None, on_exit: OnExit::Restart, public: false, capabilities: BTreeSet::new() };
    let row = |(index, id)| {
        let image = Some(kernel_core::ImageId(index));
        (names.process(id), Record { image, ..row.clone() })
    };
    let rows = (0..).zip([OWNER, SIBLING, STRANGER]).map(row).collect();
    let kernel = Kernel::boot(our, Semantics::default(), 0, rows, &mut names, NOW, &mut vec![]);
    let who = names.process(OWNER);
    let module = Address { node: our, process: ProcessRef::VFS };
    let disk = Disk::default();
    let mut node =
        Node { names, kernel, disk, vfs: Vfs::default(), module, who, blob: None, unmodelled: None, fault: None };
    assert_eq!(node.answer(DRIVE, json!("CreateDrive")), "Ok");
    node
}

/// A node whose drive has one file.
fn node_with(content: &str) -> Node {
    let mut node = node();
    assert_eq!(node.give(FILE, json!("Write"), content.as_bytes()), "Ok");
    node
}

fn no_such_file() -> Value {
    json!({ "Err": { "IOError": "No such file or directory (os error 2)" } })
}

fn io_error(text: &str) -> Value {
    json!({ "Err": { "IOError": text } })
}

fn refused(error: &str) -> Value {
    json!({ "Err": error })
}

impl Node {
    fn by(&mut self, who: &str) -> &mut Node {
        self.who = self.names.process(who);
        self
    }

    fn request(&self, body: &[u8]) -> Message {
        let source = Address { process: self.who, ..self.module };
        let request = Request { body: body.into(), expects_response: Some(5), ..Request::default() };
        Message {
            id: MessageId(1),
            source,
            target: self.module,
            rsvp: Some(source),
            content: Content::Request(request),
            blob: None,
            cause: Cause(0),
        }
    }

    /// What the module says to a message; its operations are done and its commands obeyed, as in the world.
    fn deliver(&mut self, message: Message) -> Vec<Reply> {
        let mut outside = Outside::default();
        let (names, kernel) = (&mut self.names, &self.kernel);
        let disk = self.disk.session(self.fault.take());
        let mut cx = ModuleContext::new(self.module, NOW.now, names, disk, kernel, &mut outside);
        self.vfs.on_message(&Rc::new(message), &mut cx);
        let ModuleContext { disk, out, unmodelled, .. } = cx;
        self.unmodelled = unmodelled;
        for op in self.disk.finish(disk) {
            self.disk.apply(&op).unwrap_or_else(|error| panic!("{op:?}: {error}"));
        }
        let mut replies = vec![];
        for (_, input) in out {
            match input {
                Input::ModuleResponse(_, reply) => replies.push(reply),
                other => self.kernel.step(&mut self.names, NOW, other, &mut vec![]),
            }
        }
        replies
    }

    /// The one answer to a request of the current process.
    fn answer(&mut self, path: &str, action: Value) -> Value {
        self.say(path, action, None)
    }

    /// The same, with a blob.
    fn give(&mut self, path: &str, action: Value, blob: &[u8]) -> Value {
        self.say(path, action, Some(blob))
    }

    fn say(&mut self, path: &str, action: Value, blob: Option<&[u8]>) -> Value {
        let mut message = self.request(json!({ "path": path, "action": action }).to_string().as_bytes());
        message.blob = blob.map(|bytes| Blob { mime: None, bytes: bytes.into() });
        let [reply] = <[Reply; 1]>::try_from(self.deliver(message)).expect("one answer");
        self.blob = reply.blob;
        serde_json::from_slice(&reply.response.body).expect("an answer is JSON")
    }

    /// The bytes that an action answers.
    fn bytes(&mut self, path: &str, action: Value) -> String {
        assert_eq!(self.answer(path, action), "Read");
        let blob = self.blob.take().expect("a read carries bytes");
        assert_eq!(blob.mime.as_deref(), Some("application/octet-stream"));
        String::from_utf8(blob.bytes.to_vec()).expect("the tests write text")
    }

    fn grant(&mut self, who: &str, params: Value) {
        let target = self.names.process(who);
        let params = self.names.params(&params.to_string());
        let command = Command::Grant(target, vec![Capability { issuer: self.module, params }]).to_body(&self.names);
        let target = Address { process: ProcessRef::KERNEL, ..self.module };
        let request = Request { body: command, ..Request::default() };
        let outgoing = kernel_core::Outgoing { target, request, context: None, blob: None };
        let input = Input::ModuleRequest(ProcessRef::VFS, Box::new(outgoing));
        self.kernel.step(&mut self.names, NOW, input, &mut vec![]);
    }

    /// The node's process dies and comes back.
    fn crash(&mut self) {
        self.vfs = Vfs::default();
    }

    fn spawn_reads(&mut self, path: &str) -> Result<Bytes, LoadError> {
        read_for_spawn(self.disk.files(), &self.kernel, &mut self.names, self.module, self.who, path)
    }
}

#[test]
fn a_body_that_is_no_request_is_malformed() {
    let mut node = node();
    for body in ["", "no json", r#"{"path":"/a:b/c"}"#, r#"{"path":"/a:b/c","action":"Fly"}"#, r#"{"action":"Read"}"#] {
        let replies = node.deliver(node.request(body.as_bytes()));
        assert_eq!(&*replies[0].response.body, br#"{"Err":"MalformedRequest"}"#, "{body}");
    }
    let extra = br#"{"path":"/notes:me.os/home","action":"CreateDrive","new":1}"#;
    assert_eq!(&*node.deliver(node.request(extra))[0].response.body, br#""Ok""#, "unknown fields are ignored");
}

/// A request that expects nothing.
fn telling(node: &Node, path: &str, rsvp: Option<Address>) -> Message {
    let mut message = node.request(json!({ "path": path, "action": "ReadDir" }).to_string().as_bytes());
    let request = Request { body: message.body().clone(), metadata: Some("note".into()), ..Request::default() };
    message.content = Content::Request(request);
    message.rsvp = rsvp;
    message
}

#[test]
fn success_is_answered_to_the_process_that_waits_and_errors_only_to_a_sender_that_waits() {
    let mut node = node();
    assert!(node.deliver(telling(&node, DRIVE, None)).is_empty());
    let other = Address { process: node.names.process(SIBLING), ..node.module };
    let replies = node.deliver(telling(&node, DRIVE, Some(other)));
    assert_eq!((replies.len(), replies[0].target), (1, other));
    assert!(node.deliver(telling(&node, "/notes:me.os/none", Some(other))).is_empty(), "an error, and not expected");
}

#[test]
fn the_list_of_packages_is_answered_to_the_source_even_if_another_waits() {
    let mut node = node();
    node.grant(OWNER, json!({ "root": true }));
    let source = Address { process: node.who, ..node.module };
    let other = Address { process: node.names.process(SIBLING), ..node.module };
    for rsvp in [None, Some(other)] {
        let replies = node.deliver(telling(&node, "/", rsvp));
        assert_eq!((replies.len(), replies[0].target), (1, source));
    }
}

#[test]
fn metadata_comes_back_with_success_alone() {
    let mut node = node();
    let metadata = |node: &mut Node, path: &str| {
        let mut message = telling(node, path, Some(Address { process: node.who, ..node.module }));
        let Content::Request(request) = &mut message.content else { unreachable!("it is a request") };
        request.expects_response = Some(5);
        node.deliver(message)[0].response.metadata.clone()
    };
    assert_eq!(metadata(&mut node, DRIVE).as_deref(), Some("note"));
    assert_eq!(metadata(&mut node, "/notes:me.os/none"), None);
}

#[test]
fn other_nodes_and_responses_are_not_heard() {
    let mut node = node_with("text");
    let body = json!({ "path": FILE, "action": "RemoveFile" }).to_string();
    let mut remote = node.request(body.as_bytes());
    remote.source.node = NodeId(99);
    assert!(node.deliver(remote).is_empty());
    let mut response = node.request(body.as_bytes());
    response.content = Content::Response(Response { body: body.as_bytes().into(), ..Response::default() });
    assert!(node.deliver(response).is_empty());
    assert_eq!(node.bytes(FILE, json!("Read")), "text");
}
