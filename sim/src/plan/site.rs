//! Sites: the places where a world could go more than one way.
//!
//! A site is *which family of faults, about what, for which time*: `latency alice.os>bob.os #5`. Nothing goes wrong there
//! unless a [`Chooser`](crate::plan::chooser::Chooser) says so.

use crate::plan::Line;
use crate::plan::fault::{Family, Fault};
use kernel_core::{Address, Names, NodeId, ProcessId};
use std::fmt;

/// A site, as a plan names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Which family is asked about.
    pub family: Family,
    /// What it is about.
    pub subject: Subject,
    /// For which time, counted from 1.
    pub ordinal: u32,
    /// How many operations the write in question has; 0, if it is about no write.
    pub operations: u32,
}

impl Site {
    /// The line of a plan that has this fault happen here.
    pub fn with(&self, fault: Fault) -> Line {
        Line { subject: self.subject.clone(), ordinal: self.ordinal, fault }
    }
}

/// What a fault happens to, by name: what plans hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// A node.
    Node(String),
    /// The way from one node to another.
    Link(String, String),
    /// A life of a process on its node.
    Life {
        /// The node.
        node: String,
        /// The process, `process:package:publisher`.
        process: String,
        /// Which of its lives, counted from 1.
        life: u32,
    },
    /// The chain.
    Chain,
    /// The scenario.
    Scenario,
}

/// What kinds of [`Subject`] there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectKind {
    /// A node.
    Node,
    /// The way from one node to another.
    Link,
    /// A life of a process.
    Life,
    /// The chain.
    Chain,
    /// The scenario.
    Scenario,
}

impl SubjectKind {
    /// How a plan writes such a subject, for messages.
    pub fn form(self) -> &'static str {
        match self {
            SubjectKind::Node => "node",
            SubjectKind::Link => "node>node",
            SubjectKind::Life => "node@process:package:publisher/life",
            SubjectKind::Chain => CHAIN,
            SubjectKind::Scenario => SCENARIO,
        }
    }

    /// Reads a subject of this kind.
    pub fn parse(self, text: &str) -> Option<Subject> {
        let node = |text: &str| (!text.is_empty() && !text.contains(['@', ':', '/', '>'])).then(|| text.to_string());
        match self {
            SubjectKind::Node => Some(Subject::Node(node(text)?)),
            SubjectKind::Link => {
                let (from, to) = text.split_once('>')?;
                Some(Subject::Link(node(from)?, node(to)?))
            }
            SubjectKind::Life => {
                let (address, life) = text.rsplit_once('/')?;
                let (at, process) = address.split_once('@')?;
                ProcessId::split(process).filter(|_| !process.contains(['@', '/', '>']))?;
                let life = life.parse().ok().filter(|life| *life > 0)?;
                Some(Subject::Life { node: node(at)?, process: process.to_string(), life })
            }
            SubjectKind::Chain => (text == CHAIN).then_some(Subject::Chain),
            SubjectKind::Scenario => (text == SCENARIO).then_some(Subject::Scenario),
        }
    }
}

const CHAIN: &str = "chain";
/// The word in plans from before scenarios were called so; plans that people keep go on working.
const SCENARIO: &str = "story";

impl Subject {
    /// The nodes that it names.
    pub fn nodes(&self) -> Vec<&str> {
        match self {
            Subject::Node(node) | Subject::Life { node, .. } => vec![node],
            Subject::Link(from, to) => vec![from, to],
            Subject::Chain | Subject::Scenario => vec![],
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Node(node) => f.write_str(node),
            Subject::Link(from, to) => write!(f, "{from}>{to}"),
            Subject::Life { node, process, life } => write!(f, "{node}@{process}/{life}"),
            Subject::Chain => f.write_str(CHAIN),
            Subject::Scenario => f.write_str(SCENARIO),
        }
    }
}

/// A [`Subject`] inside a world: by small numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectRef {
    /// A node.
    Node(NodeId),
    /// The way from one node to another.
    Link(NodeId, NodeId),
    /// The n-th life of a process on its node, counted from 1.
    Life(Address, u32),
    /// The chain.
    Chain,
    /// The scenario.
    Scenario,
}

impl SubjectRef {
    /// The subject by name.
    pub fn named(self, names: &Names) -> Subject {
        let node = |node| names.node_text(node).to_string();
        match self {
            SubjectRef::Node(of) => Subject::Node(node(of)),
            SubjectRef::Link(from, to) => Subject::Link(node(from), node(to)),
            SubjectRef::Life(address, life) => {
                let process = names.process_text(address.process).to_string();
                Subject::Life { node: node(address.node), process, life }
            }
            SubjectRef::Chain => Subject::Chain,
            SubjectRef::Scenario => Subject::Scenario,
        }
    }
}
