//! Names: nodes, processes and capability parameters, each known inside by a small number.
//!
//! One append-only table per world. Text exists at the edges only: the guest's ABI, JSON, the printed trace.

use crate::address::Address;
use indexmap::IndexSet;
use std::fmt;
use std::hash::{BuildHasherDefault, DefaultHasher};

/// A hasher without a random key: equal histories make equal tables.
type FixedState = BuildHasherDefault<DefaultHasher>;

/// A node, by its place in the world's table of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A process id (`process:package:publisher`), by its place in the world's table of names.
/// It names the same process on every node; an [`Address`] adds the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessRef(pub u32);

/// The parameters of a capability: a JSON text, by its place in the world's table of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParamsRef(pub u32);

macro_rules! modules {
    ($($constant:ident = $index:literal, $text:literal;)*) => {
        impl ProcessRef {
            $(#[doc = concat!("`", $text, ":distro:sys`.")] pub const $constant: ProcessRef = ProcessRef($index);)*
        }
        /// The runtime modules, in the order in which every table of names begins.
        const MODULES: &[&str] = &[$(concat!($text, ":distro:sys")),*];
    };
}

modules! {
    KERNEL = 0, "kernel";
    STATE = 1, "state";
    VFS = 2, "vfs";
    NET = 3, "net";
    TIMER = 4, "timer";
    TERMINAL = 5, "terminal";
    KV = 6, "kv";
    SQLITE = 7, "sqlite";
    ETH = 8, "eth";
    HTTP_SERVER = 9, "http-server";
    HTTP_CLIENT = 10, "http-client";
    FD_MANAGER = 11, "fd-manager";
}

impl ProcessRef {
    /// How many runtime modules a world can have besides those of the public runtime. Their places are kept, so that a
    /// number says whether it is a module's.
    pub const OWN_MODULES_MAX: usize = 4;
    /// The first number that is no module's.
    pub const FIRST_GUEST: u32 = (MODULES.len() + ProcessRef::OWN_MODULES_MAX) as u32;

    /// Whether this is a runtime module: part of the node, neither Wasm nor killable (rule [K5](crate::Rule::K5)).
    pub fn is_module(self) -> bool {
        self.0 < ProcessRef::FIRST_GUEST
    }

    /// Whether this is a module that the public runtime does not have.
    pub fn is_own_module(self) -> bool {
        self.is_module() && self.0 as usize >= MODULES.len()
    }

    /// Every runtime module of the public runtime, the kernel first.
    pub fn modules() -> impl Iterator<Item = ProcessRef> {
        (0..MODULES.len() as u32).map(ProcessRef)
    }
}

impl ParamsRef {
    /// `"messaging"`: may send to the issuer (rule [C1](crate::Rule::C1)).
    pub const MESSAGING: ParamsRef = ParamsRef(0);
    /// `"network"`: may send to and receive from other nodes (rule [C1](crate::Rule::C1)).
    pub const NETWORK: ParamsRef = ParamsRef(1);
}

/// A process id as text, split at its colons: what guests, manifests and JSON speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessId<'a> {
    /// The process's own name: `a-z 0-9 -`.
    pub process: &'a str,
    /// The package it belongs to: `a-z 0-9 -`.
    pub package: &'a str,
    /// Who published the package: `a-z 0-9 - .`.
    pub publisher: &'a str,
}

impl<'a> ProcessId<'a> {
    /// Splits `process:package:publisher`; `None` unless there are exactly two colons.
    pub fn split(text: &'a str) -> Option<ProcessId<'a>> {
        let mut parts = text.split(':');
        let id = ProcessId { process: parts.next()?, package: parts.next()?, publisher: parts.next()? };
        parts.next().is_none().then_some(id)
    }

    /// Whether every part has legal characters and is not empty (rule [S2](crate::Rule::S2)).
    pub fn is_legal(&self) -> bool {
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let name = |part: &str| !part.is_empty() && part.bytes().all(plain);
        let publisher = !self.publisher.is_empty() && self.publisher.bytes().all(|c| plain(c) || c == b'.');
        name(self.process) && name(self.package) && publisher
    }
}

impl fmt::Display for ProcessId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.process, self.package, self.publisher)
    }
}

/// The world's table of names. It only grows; a number once given means the same for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct Names {
    nodes: IndexSet<Box<str>, FixedState>,
    processes: IndexSet<Box<str>, FixedState>,
    params: IndexSet<Box<str>, FixedState>,
    bytes: usize,
    /// How many runtime modules there are: the first so many processes.
    n_modules: u32,
}

impl Default for Names {
    fn default() -> Names {
        Names::new()
    }
}

impl Names {
    /// A table that knows the runtime modules and the two parameters the kernel itself gives meaning to.
    pub fn new() -> Names {
        Names::with_modules(&[]).expect("none is not too many")
    }

    /// The same, with modules that the public runtime does not have, by their process ids. One that it has may be among
    /// them, and nothing comes of it. `None`: there are more than [`ProcessRef::OWN_MODULES_MAX`].
    pub fn with_modules(own: &[&str]) -> Option<Names> {
        let mut names = Names {
            nodes: IndexSet::default(),
            processes: IndexSet::default(),
            params: IndexSet::default(),
            bytes: 0,
            n_modules: 0,
        };
        for module in MODULES.iter().chain(own) {
            names.process(module);
        }
        names.n_modules = names.processes.len() as u32;
        // What has no colon is no process's id.
        for place in names.n_modules..ProcessRef::FIRST_GUEST {
            names.process(&format!("(module {place})"));
        }
        if names.processes.len() as u32 > ProcessRef::FIRST_GUEST {
            return None;
        }
        names.params(r#""messaging""#);
        names.params(r#""network""#);
        Some(names)
    }

    /// The runtime modules that there are, the kernel first.
    pub fn modules(&self) -> impl Iterator<Item = ProcessRef> + use<> {
        (0..self.n_modules).map(ProcessRef)
    }

    /// The number of this node's name, new or old.
    pub fn node(&mut self, name: &str) -> NodeId {
        NodeId(intern(&mut self.nodes, &mut self.bytes, name))
    }

    /// The number of this process id, new or old. Its text is kept as it is: whether it is legal is the kernel's question.
    pub fn process(&mut self, id: &str) -> ProcessRef {
        ProcessRef(intern(&mut self.processes, &mut self.bytes, id))
    }

    /// The number of these parameters. Two texts that are the same JSON are the same parameters: blanks and the
    /// order of keys do not count (Kinode: capability equality). A text that is no JSON stands for itself.
    pub fn params(&mut self, json: &str) -> ParamsRef {
        if let Some(index) = self.params.get_index_of(json) {
            return ParamsRef(index as u32);
        }
        let canonical = serde_json::from_str::<serde_json::Value>(json).map(|value| value.to_string());
        let canonical = canonical.as_deref().unwrap_or(json);
        ParamsRef(intern(&mut self.params, &mut self.bytes, canonical))
    }

    /// Reads `node@process:package:publisher`; the node `our` is `our`. `None` if the shape is another.
    pub fn address(&mut self, text: &str, our: NodeId) -> Option<Address> {
        let (node, process) = text.split_once('@')?;
        ProcessId::split(process)?;
        let node = self.node_or_our(node, our);
        Some(Address { node, process: self.process(process) })
    }

    /// The number of a node's name, where `our` means the node that speaks.
    pub fn node_or_our(&mut self, name: &str, our: NodeId) -> NodeId {
        match name {
            "our" => our,
            name => self.node(name),
        }
    }

    /// The node's name.
    pub fn node_text(&self, node: NodeId) -> &str {
        self.nodes.get_index(node.0 as usize).expect("a NodeId comes from this table")
    }

    /// The process's id, `process:package:publisher`.
    pub fn process_text(&self, process: ProcessRef) -> &str {
        self.processes.get_index(process.0 as usize).expect("a ProcessRef comes from this table")
    }

    /// The parameters as canonical JSON.
    pub fn params_text(&self, params: ParamsRef) -> &str {
        self.params.get_index(params.0 as usize).expect("a ParamsRef comes from this table")
    }

    /// The process's id in parts. A guest may name a process with too few colons; the missing parts are empty.
    pub fn process_id(&self, process: ProcessRef) -> ProcessId<'_> {
        let text = self.process_text(process);
        ProcessId::split(text).unwrap_or(ProcessId { process: text, package: "", publisher: "" })
    }

    /// The address as `node@process:package:publisher`.
    pub fn address_text(&self, address: Address) -> String {
        format!("{}@{}", self.node_text(address.node), self.process_text(address.process))
    }

    /// The process `name` of the same package and publisher as `sibling`.
    pub fn sibling(&mut self, sibling: ProcessRef, name: &str) -> ProcessRef {
        let id = self.process_id(sibling);
        let text = ProcessId { process: name, ..id }.to_string();
        self.process(&text)
    }

    /// Every node's name, in the order of the numbers.
    pub fn all_nodes(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|text| &**text)
    }

    /// Every process id, in the order of the numbers.
    pub fn all_processes(&self) -> impl Iterator<Item = &str> {
        self.processes.iter().map(|text| &**text)
    }

    /// Every capability's parameters, in the order of the numbers.
    pub fn all_params(&self) -> impl Iterator<Item = &str> {
        self.params.iter().map(|text| &**text)
    }

    /// The number of this node's name, if it has one.
    pub fn find_node(&self, name: &str) -> Option<NodeId> {
        self.nodes.get_index_of(name).map(|index| NodeId(index as u32))
    }

    /// The number of this process id, if it has one.
    pub fn find_process(&self, id: &str) -> Option<ProcessRef> {
        self.processes.get_index_of(id).map(|index| ProcessRef(index as u32))
    }

    /// The number of these parameters, as canonical JSON, if they have one.
    pub fn find_params(&self, json: &str) -> Option<ParamsRef> {
        self.params.get_index_of(json).map(|index| ParamsRef(index as u32))
    }

    /// Bytes of text held, for the world's memory bound: guests can make names without end.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

fn intern(table: &mut IndexSet<Box<str>, FixedState>, bytes: &mut usize, text: &str) -> u32 {
    if let Some(index) = table.get_index_of(text) {
        return index as u32;
    }
    *bytes += text.len();
    let (index, _) = table.insert_full(text.into());
    u32::try_from(index).expect("fewer than 2^32 names: the world's memory bound comes first")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_begins_with_the_modules() {
        let names = Names::new();
        assert_eq!(names.process_text(ProcessRef::KERNEL), "kernel:distro:sys");
        assert_eq!(names.process_text(ProcessRef::FD_MANAGER), "fd-manager:distro:sys");
        assert_eq!(names.params_text(ParamsRef::NETWORK), r#""network""#);
    }

    #[test]
    fn the_modules_of_the_public_runtime_are_twelve_and_come_first() {
        let all: Vec<ProcessRef> = ProcessRef::modules().collect();
        assert_eq!(all, (0..12).map(ProcessRef).collect::<Vec<_>>());
        assert_eq!(ProcessRef::FIRST_GUEST as usize, all.len() + ProcessRef::OWN_MODULES_MAX);
    }

    #[test]
    fn a_name_takes_its_length_once() {
        let mut names = Names::new();
        let before = names.bytes();
        names.process("one:demo:me.os");
        names.process("one:demo:me.os");
        names.node("me.os");
        assert_eq!(names.bytes() - before, "one:demo:me.os".len() + "me.os".len());
    }

    #[test]
    fn a_module_of_ones_own_has_a_modules_number_and_a_guest_has_not() {
        let mut names = Names::with_modules(&["kv:distro:sys", "oracle:demo:me.os"]).expect("two are not too many");
        let (oracle, guest) = (names.process("oracle:demo:me.os"), names.process("guest:demo:me.os"));
        assert!(oracle.is_module() && oracle.is_own_module() && !ProcessRef::KV.is_own_module());
        assert!(!guest.is_module() && !guest.is_own_module());
        assert_eq!(names.modules().last(), Some(oracle));
        assert_eq!(Names::new().modules().last(), Some(ProcessRef::FD_MANAGER));
        assert_eq!(Names::new().process("guest:demo:me.os"), ProcessRef(ProcessRef::FIRST_GUEST));
        let too_many = ["a:b:c", "d:b:c", "e:b:c", "f:b:c", "g:b:c"];
        assert_eq!(too_many.len(), ProcessRef::OWN_MODULES_MAX + 1);
        assert!(Names::with_modules(&too_many).is_none());
    }

    #[test]
    fn params_that_are_the_same_json_are_the_same_params() {
        let mut names = Names::new();
        let one = names.params(r#"{"kind":"read","drive":"/a:b/pkg"}"#);
        let other = names.params(r#" {"drive": "/a:b/pkg", "kind": "read"}"#);
        assert_eq!(one, other);
        assert_ne!(one, names.params("not json"));
    }

    #[test]
    fn a_process_with_the_kernels_first_name_is_not_the_kernel() {
        let mut names = Names::new();
        assert_ne!(names.process("kernel:evil:me.os"), ProcessRef::KERNEL);
        assert!(!names.process("kernel:evil:me.os").is_module());
    }

    #[test]
    fn legal_ids_are_lower_case_digits_and_dashes() {
        let legal = |text| ProcessId::split(text).is_some_and(|id| id.is_legal());
        assert!(legal("a-1:b-2:c.os"));
        for wrong in ["A:b:c", "a:b", "a:b:c:d", ":b:c", "a b:c:d", "a:b.c:d", "a:b:"] {
            assert!(!legal(wrong), "{wrong}");
        }
    }
}
