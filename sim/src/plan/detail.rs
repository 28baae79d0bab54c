//! What exactly goes wrong: the values of faults, how plans write them, and which are simpler.

use crate::disk::{IoFault, IoWrong, Spared};
use kernel_core::{Duration, ProcessId};

/// What exactly goes wrong at a site: the last word of a plan's line.
pub trait Detail: Clone + Sized {
    /// How a plan writes it, for messages.
    const FORM: &'static str;

    /// Reads what [`text`](Detail::text) writes.
    fn parse(text: &str) -> Option<Self>;

    /// As a plan writes it: one word.
    fn text(&self) -> String;

    /// Simpler ones, the simplest first.
    fn simpler(&self) -> Vec<Self> {
        vec![]
    }
}

/// A panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Panic;

/// A loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lost;

/// How many times the usual cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Factor(pub u32);

/// How many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Count(pub u32);

/// Which, counted from the latest, which is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NthLatest(pub u32);

/// How far a clock jumps, in nanoseconds: forward, or back if negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Jump(pub i64);

/// The process that is killed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Victim {
    /// `process:package:publisher`.
    pub process: String,
    /// How much later it is killed; `None`: at once.
    pub after: Option<Duration>,
}

/// The process that is started first, `process:package:publisher`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct First(pub String);

/// The byte that rots.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rotten {
    /// The file, by its path on the node's disk.
    pub path: String,
    /// The byte in it, counted from 0.
    pub byte: u64,
}

/// How a node goes down (the row `X.down` has all three).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Down {
    /// Its owner shuts it down; everything is written out first.
    Shutdown,
    /// Its operating system's process dies; what it handed to the operating system stays.
    Crash,
    /// The machine loses power; what was not synced may be lost.
    PowerLoss,
}

/// What can happen to a durable write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WriteFault {
    /// The node goes down when so many of the write's operations are done, and learns of none.
    Down(Down, u32),
    /// The disk refuses it (no space, I/O error): nothing is written.
    Refused,
}

/// How an Ethereum provider fails a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProviderFault {
    /// It answers the request with an error; it still announces blocks.
    Error,
    /// It does not answer the request; it still announces blocks.
    Timeout,
    /// The connection breaks: the request fails, and all subscriptions end.
    Disconnect,
}

impl Detail for Panic {
    const FORM: &'static str = "`panic`";

    fn parse(text: &str) -> Option<Panic> {
        (text == "panic").then_some(Panic)
    }

    fn text(&self) -> String {
        "panic".to_string()
    }
}

impl Detail for Lost {
    const FORM: &'static str = "`lost`";

    fn parse(text: &str) -> Option<Lost> {
        (text == "lost").then_some(Lost)
    }

    fn text(&self) -> String {
        "lost".to_string()
    }
}

impl Detail for Factor {
    const FORM: &'static str = "a factor, `x10`";

    fn parse(text: &str) -> Option<Factor> {
        Some(Factor(text.strip_prefix('x')?.parse().ok()?))
    }

    fn text(&self) -> String {
        format!("x{}", self.0)
    }

    fn simpler(&self) -> Vec<Factor> {
        if self.0 > 10 { vec![Factor(10)] } else { vec![] }
    }
}

impl Detail for Count {
    const FORM: &'static str = "a number";

    fn parse(text: &str) -> Option<Count> {
        Some(Count(text.parse().ok()?))
    }

    fn text(&self) -> String {
        self.0.to_string()
    }

    fn simpler(&self) -> Vec<Count> {
        if self.0 != 1 { vec![Count(1)] } else { vec![] }
    }
}

impl Detail for NthLatest {
    const FORM: &'static str = "which backup, counted from the latest, which is 1";

    fn parse(text: &str) -> Option<NthLatest> {
        Some(NthLatest(text.parse().ok().filter(|nth| *nth > 0)?))
    }

    fn text(&self) -> String {
        self.0.to_string()
    }

    fn simpler(&self) -> Vec<NthLatest> {
        if self.0 != 1 { vec![NthLatest(1)] } else { vec![] }
    }
}

impl Detail for Jump {
    const FORM: &'static str = "a duration with its sign, `+5s` or `-20ms`";

    fn parse(text: &str) -> Option<Jump> {
        let (sign, span) = match text.strip_prefix('-') {
            Some(back) => (-1, back),
            None => (1, text.strip_prefix('+')?),
        };
        Some(Jump(sign * i64::try_from(Duration::parse(span)?.0).ok()?))
    }

    fn text(&self) -> String {
        format!("{}{}", if self.0 < 0 { '-' } else { '+' }, Duration(self.0.unsigned_abs()))
    }

    fn simpler(&self) -> Vec<Jump> {
        let signed = |span: Duration| Jump(self.0.signum() * span.0 as i64);
        rounder(Duration(self.0.unsigned_abs())).into_iter().map(signed).collect()
    }
}

impl Detail for Duration {
    const FORM: &'static str = "a duration, `20ms`";

    fn parse(text: &str) -> Option<Duration> {
        Duration::parse(text)
    }

    fn text(&self) -> String {
        self.to_string()
    }

    fn simpler(&self) -> Vec<Duration> {
        rounder(*self)
    }
}

/// Rounder spans, none of them longer.
fn rounder(span: Duration) -> Vec<Duration> {
    let units =
        [Duration::from_secs(1), Duration::from_millis(100), Duration::from_millis(10), Duration::from_millis(1)];
    let down = |unit: &Duration| Duration(span.0 / unit.0 * unit.0);
    let rounder = units.iter().map(down).filter(|round| round.0 > 0 && *round < span);
    let mut spans: Vec<Duration> =
        [units[0], units[1]].into_iter().filter(|unit| *unit < span).chain(rounder).collect();
    spans.dedup();
    spans
}

impl Detail for Victim {
    const FORM: &'static str =
        "a process id, `process:package:publisher`, and `@350ms` behind it for a kill so much later";

    fn parse(text: &str) -> Option<Victim> {
        let (process, after) = match text.split_once('@') {
            Some((process, after)) => (process, Some(Duration::parse(after)?)),
            None => (text, None),
        };
        ProcessId::split(process)?;
        Some(Victim { process: process.to_string(), after })
    }

    fn text(&self) -> String {
        match self.after {
            Some(after) => format!("{}@{after}", self.process),
            None => self.process.clone(),
        }
    }

    fn simpler(&self) -> Vec<Victim> {
        if self.after.is_some() { vec![Victim { after: None, ..self.clone() }] } else { vec![] }
    }
}

impl Detail for First {
    const FORM: &'static str = "a process id, `process:package:publisher`";

    fn parse(text: &str) -> Option<First> {
        ProcessId::split(text)?;
        Some(First(text.to_string()))
    }

    fn text(&self) -> String {
        self.0.clone()
    }
}

impl Detail for Rotten {
    const FORM: &'static str = "a file of the disk and a byte, `/state/process:package:publisher@17`";

    fn parse(text: &str) -> Option<Rotten> {
        let (path, byte) = text.rsplit_once('@')?;
        let path = unescape(path).filter(|path| path.starts_with('/'))?;
        Some(Rotten { path, byte: byte.parse().ok()? })
    }

    fn text(&self) -> String {
        format!("{}@{}", escape(&self.path), self.byte)
    }
}

/// A path as one word of a plan: what ends a word or a line, and `%`, as `%` and two hexadecimal digits a byte.
fn escape(path: &str) -> String {
    let mut text = String::new();
    for c in path.chars() {
        if c.is_whitespace() || c.is_control() || ";%".contains(c) {
            c.to_string().bytes().for_each(|byte| text.push_str(&format!("%{byte:02x}")));
        } else {
            text.push(c);
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
    /// All three.
    pub const ALL: [Down; 3] = [Down::Shutdown, Down::Crash, Down::PowerLoss];

    /// Its name in a plan and a script.
    pub fn name(self) -> &'static str {
        match self {
            Down::Shutdown => "shutdown",
            Down::Crash => "crash",
            Down::PowerLoss => "power-loss",
        }
    }
}

impl Detail for Down {
    const FORM: &'static str = "`shutdown`, `crash` or `power-loss`";

    fn parse(text: &str) -> Option<Down> {
        Down::ALL.into_iter().find(|down| down.name() == text)
    }

    fn text(&self) -> String {
        self.name().to_string()
    }

    fn simpler(&self) -> Vec<Down> {
        if *self != Down::Crash { vec![Down::Crash] } else { vec![] }
    }
}

impl Detail for WriteFault {
    const FORM: &'static str = "`refused`, or `crash@N` or `power-loss@N` after N of its operations";

    fn parse(text: &str) -> Option<WriteFault> {
        if text == "refused" {
            return Some(WriteFault::Refused);
        }
        let (down, done) = text.split_once('@')?;
        let down = Down::parse(down).filter(|down| *down != Down::Shutdown)?;
        Some(WriteFault::Down(down, done.parse().ok()?))
    }

    fn text(&self) -> String {
        match self {
            WriteFault::Refused => "refused".to_string(),
            WriteFault::Down(down, done) => format!("{}@{done}", down.name()),
        }
    }

    fn simpler(&self) -> Vec<WriteFault> {
        match self {
            WriteFault::Down(Down::PowerLoss, done) => vec![WriteFault::Down(Down::Crash, *done)],
            WriteFault::Down(Down::Shutdown | Down::Crash, _) | WriteFault::Refused => vec![],
        }
    }
}

impl Detail for IoFault {
    const FORM: &'static str = "`no-space@N`, `error@N` or `short@N` at its N-th access";

    fn parse(text: &str) -> Option<IoFault> {
        IoFault::parse(text)
    }

    fn text(&self) -> String {
        self.to_string()
    }

    fn simpler(&self) -> Vec<IoFault> {
        if self.wrong != IoWrong::Error { vec![IoFault { wrong: IoWrong::Error, ..*self }] } else { vec![] }
    }
}

impl Detail for Spared {
    const FORM: &'static str =
        "how many of the oldest, or `torn@N:SECTORS`, `without@N`, `only@N` or `mixed@DRAW`; the oldest is N = 1";

    fn parse(text: &str) -> Option<Spared> {
        Spared::parse(text)
    }

    fn text(&self) -> String {
        self.to_string()
    }

    fn simpler(&self) -> Vec<Spared> {
        Spared::simpler(*self)
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
}

impl Detail for ProviderFault {
    const FORM: &'static str = "`error`, `timeout` or `disconnect`";

    fn parse(text: &str) -> Option<ProviderFault> {
        ProviderFault::ALL.into_iter().find(|fault| fault.name() == text)
    }

    fn text(&self) -> String {
        self.name().to_string()
    }

    fn simpler(&self) -> Vec<ProviderFault> {
        if *self != ProviderFault::Disconnect { vec![ProviderFault::Disconnect] } else { vec![] }
    }
}
