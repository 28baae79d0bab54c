//! Sites: where the world could go more than one way, and who is asked about.
//!
//! A site is *which question, about whom, for the how-many-eth time*: `latency alice.os>bob.os #5`. Its answer is
//! calm (no fault, the usual latency, first in first out) unless a [`Chooser`](crate::plan::chooser::Chooser) says otherwise.

use crate::disk::{IoFault, Path, Spared};
use kernel_core::{Address, Duration, Names, NodeId, ProcessId, ProcessRef};
use std::fmt;

/// A question that the world asks. Each is a family of faults that a seed may switch off as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// Does this life panic at this call?
    Trap,
    /// How many times its usual cost does this call of this life take?
    Cost,
    /// Is a process of this node killed before this step of its kernel? Which?
    Kill,
    /// Does this node go down before this step of its kernel? How?
    Crash,
    /// Does this node go down around this durable write, or is the write refused?
    Write,
    /// Is an access of this piece of work on the disk refused? How?
    Io,
    /// How many times its usual time does this piece of work on the disk take?
    DiskCost,
    /// Which of the operations that were not synced survive this power loss?
    Unsynced,
    /// While this node was down, has a byte on its disk rotted? Which?
    Rot,
    /// While this node was down, was its disk swapped for one with an older backup on it? Which?
    Restore,
    /// How long is this node down this time?
    Downtime,
    /// Which process is started first at this boot?
    BootOrder,
    /// How long does this message take over this link?
    Latency,
    /// Is this message lost on this link?
    Loss,
    /// Does this link fail at this message, for how long?
    Link,
    /// Does what becomes due now on this node wait behind what becomes due at the same instant?
    Order,
    /// How does the provider of this node's `eth` fail at this request, or at this block?
    Provider,
    /// How many of the last blocks does the chain replace before this block?
    Reorg,
    /// How many quanta does this life compute before this call?
    Spin,
    /// Which growth of this life's memory is refused? Asked once, when it starts.
    Memory,
    /// Do all nodes that are up go down before this step of this node's kernel? How?
    Outage,
    /// Are these two nodes cut off from each other, both ways, at this message, for how long?
    Partition,
    /// Does this node's clock jump before this reading of it, by how much?
    Clock,
    /// Which lines of the scenario's script are played? Asked once, when the storm begins; a seed plays them all.
    Script,
}

/// Whom a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A node.
    Node(NodeId),
    /// The way from one node to another.
    Link(NodeId, NodeId),
    /// The scenario.
    Scenario,
    /// The n-th life of a process on its node, counted from 1.
    Life(Address, u32),
    /// The chain.
    Chain,
}

/// An answer that is not the calm one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// Yes.
    Yes,
    /// So long.
    Time(Duration),
    /// So many, or so many times.
    Count(u32),
    /// This one.
    Process(ProcessRef),
    /// This one, so much later.
    Later(ProcessRef, Duration),
    /// So many nanoseconds forth, or back.
    Jump(i64),
    /// These lines.
    Lines(Lines),
    /// The node goes down in this way.
    Down(Down),
    /// This happens to a durable write.
    Write(WriteFault),
    /// The disk refuses an access.
    Io(IoFault),
    /// This survives a power loss.
    Spared(Spared),
    /// This byte of this file rots.
    Rot(Path, u64),
    /// This is how the chain's provider fails.
    Provider(ProviderFault),
}

/// Some of the first 256 lines of a script. Whatever comes behind them is always played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lines([u64; 4]);

/// How a node goes down (the row `X.down` has all three).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Down {
    /// Its owner shuts it down; everything is written out first.
    Shutdown,
    /// Its process dies; what it handed to the operating system stays.
    Crash,
    /// The machine loses power; what was not synced may be lost.
    PowerLoss,
}

/// What can happen to a durable write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WriteFault {
    /// The node goes down when so many of the write's operations have been done, and hears of none.
    Down(Down, u32),
    /// The disk refuses it (no space, I/O error): nothing is written.
    Refused,
}

/// How an Ethereum provider fails a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProviderFault {
    /// It answers the request with an error; of a block it tells all the same.
    Error,
    /// It does not answer the request; of a block it tells all the same.
    Timeout,
    /// The connection breaks: the request fails, and all subscriptions end.
    Disconnect,
}

impl Question {
    /// All of them.
    pub const ALL: [Question; 24] = [
        Question::Trap,
        Question::Cost,
        Question::Kill,
        Question::Crash,
        Question::Write,
        Question::Io,
        Question::DiskCost,
        Question::Unsynced,
        Question::Rot,
        Question::Restore,
        Question::Downtime,
        Question::BootOrder,
        Question::Latency,
        Question::Loss,
        Question::Link,
        Question::Order,
        Question::Provider,
        Question::Reorg,
        Question::Spin,
        Question::Memory,
        Question::Outage,
        Question::Partition,
        Question::Clock,
        Question::Script,
    ];

    /// Its name in a plan.
    pub fn name(self) -> &'static str {
        match self {
            Question::Trap => "trap",
            Question::Cost => "cost",
            Question::Kill => "kill",
            Question::Crash => "crash",
            Question::Write => "write",
            Question::Io => "io",
            Question::DiskCost => "disk-cost",
            Question::Rot => "rot",
            Question::Restore => "restore",
            Question::Unsynced => "unsynced",
            Question::Downtime => "downtime",
            Question::BootOrder => "boot-order",
            Question::Latency => "latency",
            Question::Loss => "loss",
            Question::Link => "link",
            Question::Order => "order",
            Question::Provider => "provider",
            Question::Reorg => "reorg",
            Question::Spin => "spin",
            Question::Memory => "memory",
            Question::Outage => "outage",
            Question::Partition => "partition",
            Question::Clock => "clock",
            Question::Script => "script",
        }
    }

    /// One sentence for lists.
    pub fn summary(self) -> &'static str {
        match self {
            Question::Trap => "a life panics at a call",
            Question::Cost => "a call of a life takes longer than usual",
            Question::Kill => "a process is killed before a step of its kernel, or some time later",
            Question::Crash => "a node shuts down, crashes or loses power before a step of its kernel",
            Question::Write => "a node goes down around a durable write, or the disk refuses it",
            Question::Io => "the disk refuses an access: no space, an I/O error, a write cut short, a sync that fails",
            Question::DiskCost => "a piece of work on the disk takes longer than usual",
            Question::Unsynced => "some of what was not synced survives a power loss: whole, torn, in any order",
            Question::Rot => "a byte on the disk of a node that is down rots",
            Question::Restore => "a node that is down gets a disk with an older backup on it",
            Question::Downtime => "a node is down for longer or shorter than usual",
            Question::BootOrder => "another process is started first at a boot",
            Question::Latency => "a message takes longer or shorter than usual",
            Question::Loss => "a message is lost",
            Question::Link => "a link fails one way for a while",
            Question::Order => "what is due waits behind what is due at the same instant",
            Question::Provider => "a node's Ethereum provider fails a request, or drops its subscriptions",
            Question::Reorg => "the chain replaces its last blocks",
            Question::Spin => "a life computes for some quanta before a call, and does nothing else",
            Question::Memory => {
                "a life runs out of memory: its n-th growth is refused (only Wasm has memory that grows)"
            }
            Question::Outage => "all nodes go down at one instant",
            Question::Partition => "two nodes are cut off from each other for a while",
            Question::Clock => "a node's clock jumps; deadlines of its kernel do not go by it",
            Question::Script => "some lines of the script are not played (never so under a seed)",
        }
    }

    /// The question of this name.
    pub fn parse(name: &str) -> Option<Question> {
        Question::ALL.into_iter().find(|question| question.name() == name)
    }

    /// What its subject looks like, for messages about plans.
    pub fn subject_form(self) -> &'static str {
        match self {
            Question::Trap | Question::Cost | Question::Spin | Question::Memory => {
                "node@process:package:publisher/life"
            }
            Question::Latency | Question::Loss | Question::Link | Question::Partition => "node>node",
            Question::Kill
            | Question::Crash
            | Question::Write
            | Question::Io
            | Question::DiskCost
            | Question::Unsynced
            | Question::Rot
            | Question::Restore
            | Question::Downtime
            | Question::BootOrder
            | Question::Order
            | Question::Provider
            | Question::Outage
            | Question::Clock => "node",
            Question::Reorg => "chain",
            Question::Script => "story",
        }
    }

    /// What its answer looks like, for messages about plans.
    pub fn answer_form(self) -> &'static str {
        match self {
            Question::Trap => "`panic`",
            Question::Loss => "`lost`",
            Question::Cost | Question::DiskCost => "a factor, `x10`",
            Question::Kill => "a process id, `process:package:publisher`, with `@350ms` behind it for so much later",
            Question::BootOrder => "a process id, `process:package:publisher`",
            Question::Crash | Question::Outage => "`shutdown`, `crash` or `power-loss`",
            Question::Write => "`refused`, or `crash@N` or `power-loss@N` after N of its operations",
            Question::Io => "`no-space@N`, `error@N` or `short@N` at its N-th access",
            Question::Unsynced => {
                "how many of the oldest, or `torn@N:SECTORS`, `without@N`, `only@N` or `mixed@DRAW`; the oldest is N = 1"
            }
            Question::Rot => "a file of the disk and a byte, `/state/process:package:publisher@17`",
            Question::Restore => "the how-many-eth latest backup, from 1",
            Question::Order | Question::Reorg | Question::Spin | Question::Memory => "a number",
            Question::Provider => "`error`, `timeout` or `disconnect`",
            Question::Downtime | Question::Latency | Question::Link | Question::Partition => "a duration, `20ms`",
            Question::Clock => "a duration with its sign, `+5s` or `-20ms`",
            Question::Script => "the lines that are played, `2,5-7`, or `none`",
        }
    }

    /// Reads an answer to this question.
    pub fn parse_answer(self, text: &str, names: &mut Names) -> Option<Answer> {
        match self {
            Question::Trap => (text == "panic").then_some(Answer::Yes),
            Question::Loss => (text == "lost").then_some(Answer::Yes),
            Question::Cost | Question::DiskCost => Some(Answer::Count(text.strip_prefix('x')?.parse().ok()?)),
            Question::Kill if text.contains('@') => {
                let (process, after) = text.split_once('@')?;
                ProcessId::split(process)?;
                Some(Answer::Later(names.process(process), Duration::parse(after)?))
            }
            Question::Kill | Question::BootOrder => {
                ProcessId::split(text)?;
                Some(Answer::Process(names.process(text)))
            }
            Question::Clock => Some(Answer::Jump(parse_jump(text)?)),
            Question::Script => Some(Answer::Lines(Lines::parse(text)?)),
            Question::Crash | Question::Outage => Some(Answer::Down(Down::parse(text)?)),
            Question::Write if text == "refused" => Some(Answer::Write(WriteFault::Refused)),
            Question::Write => {
                let (down, done) = text.split_once('@')?;
                let down = Down::parse(down).filter(|down| *down != Down::Shutdown)?;
                Some(Answer::Write(WriteFault::Down(down, done.parse().ok()?)))
            }
            Question::Io => Some(Answer::Io(IoFault::parse(text)?)),
            Question::Unsynced => Some(Answer::Spared(Spared::parse(text)?)),
            Question::Rot => {
                let (path, byte) = text.rsplit_once('@')?;
                let path = unescape(path).filter(|path| path.starts_with('/'))?;
                Some(Answer::Rot(path.into(), byte.parse().ok()?))
            }
            Question::Restore => Some(Answer::Count(text.parse().ok().filter(|nth| *nth > 0)?)),
            Question::Order | Question::Reorg | Question::Spin | Question::Memory => {
                Some(Answer::Count(text.parse().ok()?))
            }
            Question::Provider => Some(Answer::Provider(ProviderFault::parse(text)?)),
            Question::Downtime | Question::Latency | Question::Link | Question::Partition => {
                Some(Answer::Time(Duration::parse(text)?))
            }
        }
    }

    /// The answer to this question as a plan has it: [`parse_answer`](Question::parse_answer) reads it back.
    pub fn answer_text(self, answer: Answer, names: &Names) -> String {
        match answer {
            Answer::Yes if self == Question::Trap => "panic".to_string(),
            Answer::Yes => "lost".to_string(),
            Answer::Time(span) => span.to_string(),
            Answer::Count(n) if matches!(self, Question::Cost | Question::DiskCost) => format!("x{n}"),
            Answer::Count(n) => n.to_string(),
            Answer::Process(process) => names.process_text(process).to_string(),
            Answer::Later(process, after) => format!("{}@{after}", names.process_text(process)),
            Answer::Jump(nanos) => {
                format!("{}{}", if nanos < 0 { '-' } else { '+' }, Duration(nanos.unsigned_abs()))
            }
            Answer::Lines(lines) => lines.to_string(),
            Answer::Down(down) => down.name().to_string(),
            Answer::Io(fault) => fault.to_string(),
            Answer::Spared(spared) => spared.to_string(),
            Answer::Rot(path, byte) => format!("{}@{byte}", escape(&path)),
            Answer::Write(WriteFault::Refused) => "refused".to_string(),
            Answer::Provider(fault) => fault.name().to_string(),
            Answer::Write(WriteFault::Down(down, done)) => format!("{}@{done}", down.name()),
        }
    }
}

/// A path as one word of a plan: what ends a word or a line, and `%`, as `%` and two hexadecimal digits a byte.
fn escape(path: &str) -> String {
    let mut text = String::new();
    for c in path.chars() {
        if c.is_whitespace() || c.is_control() || ";%".contains(c) {
            c.to_string().bytes().for_each(|byte| text.push_str(&format!("%{byte:02x}")))
        } else {
            text.push(c)
        }
    }
    text
}

fn unescape(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

impl Down {
    /// Its name in a plan and a script.
    pub fn name(self) -> &'static str {
        match self {
            Down::Shutdown => "shutdown",
            Down::Crash => "crash",
            Down::PowerLoss => "power-loss",
        }
    }

    /// The way of this name.
    pub fn parse(name: &str) -> Option<Down> {
        [Down::Shutdown, Down::Crash, Down::PowerLoss].into_iter().find(|down| down.name() == name)
    }
}

impl ProviderFault {
    /// All three.
    pub const ALL: [ProviderFault; 3] = [ProviderFault::Error, ProviderFault::Timeout, ProviderFault::Disconnect];

    /// Its name in a plan.
    pub fn name(self) -> &'static str {
        match self {
            ProviderFault::Error => "error",
            ProviderFault::Timeout => "timeout",
            ProviderFault::Disconnect => "disconnect",
        }
    }

    /// The fault of this name.
    pub fn parse(name: &str) -> Option<ProviderFault> {
        ProviderFault::ALL.into_iter().find(|fault| fault.name() == name)
    }
}

impl Lines {
    /// How many lines it can tell apart.
    pub const MAX: usize = 256;

    /// These lines, counted from 0.
    pub fn of(lines: impl IntoIterator<Item = usize>) -> Lines {
        let mut set = Lines::default();
        for line in lines.into_iter().filter(|line| *line < Lines::MAX) {
            set.0[line / 64] |= 1 << (line % 64);
        }
        set
    }

    /// Whether this line, counted from 0, is played.
    pub fn has(self, line: usize) -> bool {
        line >= Lines::MAX || self.0[line / 64] & (1 << (line % 64)) != 0
    }

    /// Reads `2,5-7` or `none`: lines counted from 1, in ascending order.
    pub fn parse(text: &str) -> Option<Lines> {
        if text == "none" {
            return Some(Lines::default());
        }
        let mut lines = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
            if first <= lines.last().map_or(0, |line| line + 1) && first != 1 || first > last || last > Lines::MAX {
                return None;
            }
            lines.extend(first - 1..last);
        }
        Some(Lines::of(lines))
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<usize> = (0..Lines::MAX).filter(|line| self.has(*line)).collect();
        if lines.is_empty() {
            return f.write_str("none");
        }
        for (index, run) in lines.chunk_by(|one, next| one + 1 == *next).enumerate() {
            f.write_str(if index > 0 { "," } else { "" })?;
            match run {
                [only] => write!(f, "{}", only + 1)?,
                [first, .., last] => write!(f, "{}-{}", first + 1, last + 1)?,
                [] => {}
            }
        }
        Ok(())
    }
}

/// A duration with its sign, in nanoseconds.
fn parse_jump(text: &str) -> Option<i64> {
    let (sign, span) = match text.strip_prefix('-') {
        Some(back) => (-1, back),
        None => (1, text.strip_prefix('+')?),
    };
    Some(sign * i64::try_from(Duration::parse(span)?.0).ok()?)
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Subject {
    /// The subject as a plan has it.
    pub fn text(self, names: &Names) -> String {
        match self {
            Subject::Node(node) => names.node_text(node).to_string(),
            Subject::Link(from, to) => format!("{}>{}", names.node_text(from), names.node_text(to)),
            Subject::Life(address, life) => format!("{}/{life}", names.address_text(address)),
            Subject::Chain => "chain".to_string(),
            Subject::Scenario => "story".to_string(),
        }
    }
}
