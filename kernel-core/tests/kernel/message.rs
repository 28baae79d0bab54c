//! What a message takes of memory: the world bounds mailboxes by it.

use kernel_core::{Address, Blob, Bytes, Cause, Content, Message, MessageId, Names, Request};

#[test]
fn a_message_counts_its_body_and_its_blob() {
    let mut names = Names::new();
    let our = Address { node: names.node("a.os"), process: names.process("p:demo:a.os") };
    let bytes = |body: usize, blob: Option<usize>| {
        let content = Content::Request(Request { body: Bytes::from(vec![0; body]), ..Request::default() });
        let blob = blob.map(|n| Blob { mime: None, bytes: Bytes::from(vec![0; n]) });
        Message { id: MessageId(1), source: our, target: our, rsvp: None, content, blob, cause: Cause(0) }.bytes()
    };
    assert!(bytes(0, None) > 0, "a flood of empty messages fills memory, too");
    assert_eq!(bytes(1_000, None) - bytes(0, None), 1_000);
    assert_eq!(bytes(1_000, Some(500)) - bytes(1_000, None), 500);
}
