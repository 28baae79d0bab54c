//! `net:distro:sys`, as far as it can be without routers: signatures, peers, and the hello between nodes.
//!
//! As in the public runtime (`lib/src/net.rs`, `src/net/mod.rs`). Local requests and their answers are MessagePack in
//! its compact form (`rmp_serde::to_vec`); a local body that is none is ignored in silence. What comes from another node
//! counts as a hello and is answered with the bytes `ack`; but an update is refused, and a `ConnectionRequest`, which is
//! for nodes behind routers, is not for these: neither is answered. Carrying messages is the network's business, not this
//! module's.
//!
//! A node's key is made from its name, so that a run is the same every time; signatures are Ed25519, over the text of
//! the signer's address and the blob. Every node of the scenario is a peer of every other, by a direct connection.
//! Updates of the name registry by a process of the node, `KnsUpdate` and `HnsUpdate`, one or many, are not modelled: who
//! is known is the scenario's. A signature of a node that is not known is not valid; Hyperdrive 1.9 then tries the own key
//! (oddity 11). The text of `GetDiagnostics` is ours.

use super::{Module, ModuleContext, Support};
use ed25519_compact::{KeyPair, Seed, Signature};
use kernel_core::{Blob, Message, NodeId, ProcessId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::rc::Rc;

#[cfg(test)]
mod tests;

/// The net module.
pub struct Net;

/// What can be asked for, by processes of this node.
#[derive(Debug, Deserialize, Serialize)]
enum Action {
    GetPeers,
    GetPeer(String),
    GetDiagnostics,
    Sign,
    Verify { from: String, signature: Vec<u8> },
}

/// Updates of the name registry, by the names that they have in both versions.
const UPDATES: [&str; 4] = ["KnsUpdate", "KnsBatchUpdate", "HnsUpdate", "HnsBatchUpdate"];
/// Somebody wants to be connected by way of a router.
const CONNECTION: &str = "ConnectionRequest";

#[derive(Debug, Deserialize, Serialize, PartialEq, Eq)]
enum Answer {
    Peers(Vec<Identity>),
    Peer(Option<Identity>),
    Diagnostics(String),
    Signed,
    Verified(bool),
}

/// A node, as the name registry knows it.
#[derive(Debug, Deserialize, Serialize, PartialEq, Eq)]
struct Identity {
    name: String,
    networking_key: String,
    routing: Routing,
}

#[derive(Debug, Deserialize, Serialize, PartialEq, Eq)]
enum Routing {
    Direct { ip: String, ports: BTreeMap<String, u16> },
}

impl Module for Net {
    fn uses_disk(&self) -> bool {
        false
    }

    fn on_message(&mut self, message: &Rc<Message>, cx: &mut ModuleContext<'_>) {
        if message.source.node != cx.module.node {
            if !is_update(message.body()) && !is_named(message.body(), CONNECTION) {
                cx.respond(message, "ack".as_bytes(), None);
            }
            return;
        }
        match rmp_serde::from_slice(message.body()) {
            // An address that is none makes the whole body none.
            Ok(Action::Verify { from, .. }) if !is_address(&from) => {}
            Ok(action) => {
                let (answer, blob) = answer(&action, message, cx);
                let body = rmp_serde::to_vec(&answer).expect("an answer is plain data");
                cx.respond(message, body, blob);
            }
            Err(_) if is_update(message.body()) => cx.refuse(message),
            Err(_) => {}
        }
    }

    fn fork(&self) -> Option<Box<dyn Module>> {
        Some(Box::new(Net))
    }

    fn actions(&self) -> &'static [(&'static str, Support)] {
        &[
            ("Sign", Support::Done),
            ("Verify", Support::Done),
            ("GetPeers", Support::Done),
            ("GetPeer", Support::Done),
            ("GetDiagnostics", Support::Done),
            (CONNECTION, Support::Done),
            ("KnsUpdate", Support::Refused),
            ("KnsBatchUpdate", Support::Refused),
            ("HnsUpdate", Support::Refused),
            ("HnsBatchUpdate", Support::Refused),
        ]
    }
}

fn is_update(body: &[u8]) -> bool {
    UPDATES.iter().any(|name| is_named(body, name))
}

/// Whether a body is a map of one entry of this name: 0x81, then a short text.
fn is_named(body: &[u8], name: &str) -> bool {
    let length = 0xa0 | name.len() as u8;
    body.strip_prefix(&[0x81, length]).is_some_and(|rest| rest.starts_with(name.as_bytes()))
}

/// Whether a text has the form `node@process:package:publisher`.
fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(_, process)| ProcessId::split(process).is_some())
}

fn answer(action: &Action, message: &Message, cx: &ModuleContext<'_>) -> (Answer, Option<Blob>) {
    let names = &*cx.names;
    let blob = message.blob.as_ref().map_or(&[][..], |blob| &blob.bytes[..]);
    let others = || cx.outside.nodes.iter().filter(|node| **node != cx.module.node);
    let answer = match action {
        Action::GetPeers => Answer::Peers(others().map(|node| identity(*node, names.node_text(*node))).collect()),
        Action::GetPeer(name) => {
            let found = cx.outside.nodes.iter().find(|node| names.node_text(**node) == name);
            Answer::Peer(found.map(|node| identity(*node, name)))
        }
        Action::GetDiagnostics => {
            let peers: Vec<&str> = others().map(|node| names.node_text(*node)).collect();
            let our = names.node_text(cx.module.node);
            Answer::Diagnostics(format!("our node: {our}\r\nwe have connections with peers: {}\r\n", peers.join(", ")))
        }
        Action::Sign => {
            let signed = [names.address_text(message.source).as_bytes(), blob].concat();
            let signature = key_of(names.node_text(cx.module.node)).sk.sign(signed, None);
            return (Answer::Signed, Some(Blob { mime: None, bytes: signature.as_slice().into() }));
        }
        Action::Verify { from, signature } => {
            let signer = from.split_once('@').map_or("", |(node, _)| node);
            let known = cx.outside.nodes.iter().any(|node| names.node_text(*node) == signer);
            let signed = [from.as_bytes(), blob].concat();
            let signature = Signature::from_slice(signature);
            Answer::Verified(known && signature.is_ok_and(|s| key_of(signer).pk.verify(signed, &s).is_ok()))
        }
    };
    (answer, None)
}

fn identity(node: NodeId, name: &str) -> Identity {
    let key = key_of(name).pk.iter().fold("0x".to_string(), |text, byte| format!("{text}{byte:02x}"));
    let ports = BTreeMap::from([("ws".to_string(), 9_000)]);
    let routing = Routing::Direct { ip: format!("10.0.0.{}", node.0 + 1), ports };
    Identity { name: name.to_string(), networking_key: key, routing }
}

/// A node's key.
fn key_of(node: &str) -> KeyPair {
    let seed: [u8; 32] = Sha256::new_with_prefix("kinode-sim node ").chain_update(node).finalize().into();
    KeyPair::from_seed(Seed::new(seed))
}
