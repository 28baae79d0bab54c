//! Claims about signatures, peers and hellos.

use super::*;
use crate::modules::Heard;
use crate::modules::harness::{Harness, SIBLING};
use kernel_core::ProcessRef;

/// Alice's node, in a world with bob's.
fn harness() -> Harness<Net> {
    let mut harness = Harness::new(ProcessRef::NET, Net);
    harness.outside.nodes = vec![harness.address.node, harness.names.node("bob.os")];
    harness
}

fn ask(harness: &mut Harness<Net>, action: &Action, blob: &[u8]) -> (Answer, Option<Blob>) {
    let message = harness.request(rmp_serde::to_vec(action).expect("plain data"), Some(blob));
    let reply = harness.reply(message).1;
    (rmp_serde::from_slice(&reply.response.body).expect("an answer is MessagePack"), reply.blob)
}

fn verified(harness: &mut Harness<Net>, from: &str, signature: &[u8], blob: &[u8]) -> bool {
    let action = Action::Verify { from: from.to_string(), signature: signature.to_vec() };
    match ask(harness, &action, blob).0 {
        Answer::Verified(is) => is,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_signature_is_its_signers_over_this_blob_and_of_this_node() {
    let mut harness = harness();
    let (answer, blob) = ask(&mut harness, &Action::Sign, b"pay 5");
    let signature = blob.expect("a signature").bytes;
    assert_eq!((answer, signature.len()), (Answer::Signed, 64));
    let owner = "alice.os@main:notes:me.os";
    assert!(verified(harness.by(SIBLING), owner, &signature, b"pay 5"), "anybody may verify");
    assert!(!verified(&mut harness, owner, &signature, b"pay 6"));
    assert!(!verified(&mut harness, "alice.os@other:notes:me.os", &signature, b"pay 5"));
    assert!(!verified(&mut harness, "bob.os@main:notes:me.os", &signature, b"pay 5"));
    assert!(!verified(&mut harness, "nobody.os@main:notes:me.os", &signature, b"pay 5"));
    assert!(!verified(&mut harness, owner, &signature[1..], b"pay 5"), "not even a signature");
}

#[test]
fn signatures_are_the_same_every_time() {
    let sign = || ask(&mut harness(), &Action::Sign, b"text").1;
    assert_eq!(sign(), sign());
}

#[test]
fn the_peers_are_the_other_nodes_of_the_scenario() {
    let mut harness = harness();
    let bob = || identity(NodeId(1), "bob.os");
    assert_eq!(ask(&mut harness, &Action::GetPeers, b"").0, Answer::Peers(vec![bob()]));
    assert_eq!(ask(&mut harness, &Action::GetPeer("bob.os".into()), b"").0, Answer::Peer(Some(bob())));
    assert_eq!(ask(&mut harness, &Action::GetPeer("carol.os".into()), b"").0, Answer::Peer(None));
    assert!(
        matches!(ask(&mut harness, &Action::GetDiagnostics, b"").0, Answer::Diagnostics(text) if text.contains("bob"))
    );
}

/// As the runtime writes it: structs are arrays in the order of their fields.
#[test]
fn bodies_are_compact_messagepack() {
    assert_eq!(rmp_serde::to_vec(&Action::Sign).expect("plain data"), b"\xa4Sign");
    let verify = Action::Verify { from: "a@b:c:d".into(), signature: vec![1, 200] };
    assert_eq!(rmp_serde::to_vec(&verify).expect("plain data"), b"\x81\xa6Verify\x92\xa7a@b:c:d\x92\x01\xcc\xc8");
    let peer = rmp_serde::to_vec(&Answer::Peer(None)).expect("plain data");
    assert_eq!(peer, b"\x81\xa4Peer\xc0");
}

#[test]
fn a_hello_from_another_node_is_acknowledged_whatever_it_says() {
    let mut harness = harness();
    let message = harness.by_another_node().request("hi", None);
    assert_eq!(&*harness.reply(message).1.response.body, b"ack");
}

#[test]
fn neither_updates_nor_connection_requests_are_answered_to_another_node() {
    for name in ["KnsUpdate", "HnsBatchUpdate", "ConnectionRequest"] {
        let mut harness = harness();
        let body = rmp_serde::to_vec(&BTreeMap::from([(name, "carol.os")])).expect("plain data");
        let message = harness.by_another_node().request(body, None);
        harness.tell(Heard::Message(Rc::new(message)));
        assert_eq!((harness.replies.len(), harness.unmodelled.is_some()), (0, false), "{name}");
    }
}

#[test]
fn who_is_no_address_has_signed_nothing_and_is_not_answered() {
    let mut harness = harness();
    for from in ["alice.os", "alice.os@main:notes", "main:notes:me.os"] {
        let action = Action::Verify { from: from.to_string(), signature: vec![1] };
        let message = harness.request(rmp_serde::to_vec(&action).expect("plain data"), None);
        harness.tell(Heard::Message(Rc::new(message)));
        assert_eq!((harness.replies.len(), harness.unmodelled.is_some()), (0, false), "{from}");
    }
}

#[test]
fn an_update_is_not_modelled_and_nonsense_is_ignored() {
    let mut harness = harness();
    let update = rmp_serde::to_vec(&BTreeMap::from([("KnsUpdate", 1)])).expect("plain data");
    for (body, unmodelled) in [(update, true), (b"hello".to_vec(), false)] {
        let message = harness.request(body, None);
        harness.tell(Heard::Message(Rc::new(message)));
        assert_eq!((harness.replies.len(), harness.unmodelled.is_some()), (0, unmodelled));
    }
}
