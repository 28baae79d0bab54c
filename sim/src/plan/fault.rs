//! The families of faults: one row each.
//!
//! A row says all that is particular to a family: its name in a plan, what it is about, how often it strikes, what
//! exactly goes wrong ([`Detail`]), how a seed draws that, and what a crash sweep tries. A new family is a new row, and
//! the one place in the world that asks about it.

use crate::disk::{IoFault, IoWrong, Path, Spared};
use crate::plan::Lines;
use crate::plan::chooser::Draw;
use crate::plan::detail::{
    Count, Detail, Down, Factor, First, Jump, Lost, NthLatest, Panic, ProviderFault, Rotten, Victim, WriteFault,
};
use crate::plan::site::{Site, SubjectKind};
use kernel_core::{Duration, Names, ProcessRef};
use std::fmt;

/// The rate of a family that no seed ever draws.
pub(crate) const NEVER: u32 = 0;

/// A family of faults as a type: what [`Chooser::ask`](crate::plan::chooser::Chooser::ask) is generic over.
pub trait FaultFamily: 'static {
    /// The family as a value.
    const FAMILY: Family;
    /// What exactly goes wrong.
    type Detail: Detail;
    /// What the world has to choose from when a seed draws.
    type Offer;

    /// Draws what goes wrong. `None`: nothing, for want of anything to choose from.
    fn draw(draw: &mut Draw, offer: Self::Offer, names: &Names) -> Option<Self::Detail>;

    /// The fault of this family with this detail.
    fn fault(detail: Self::Detail) -> Fault;

    /// The detail of a fault, if it is of this family.
    fn detail(fault: &Fault) -> Option<&Self::Detail>;
}

/// What the world offers where a write may fail.
#[derive(Clone, Copy, Debug)]
pub struct WriteOffer {
    /// How many operations the write has.
    pub operations: u64,
    /// Whether the disk may refuse it.
    pub refusable: bool,
}

macro_rules! families {
    ($($family:ident {
        says: $says:literal,
        text: $text:literal, about: $about:ident, rate: $rate:expr, detail: $detail:ty, offer: $offer:ty,
        draw: $draw:expr,
        sweep: $sweep:expr,
    })*) => {
        /// A family of faults. A seed switches it on or off as a whole.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Family {
            $(#[doc = concat!($says, ".")] $family,)*
        }

        /// A fault: its family, and what exactly goes wrong.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Fault {
            $(#[doc = concat!($says, ".")] $family($detail),)*
        }

        $(
            #[doc = concat!("The family `", $text, "`: ", $says, ".")]
            #[derive(Clone, Copy, Debug)]
            pub struct $family;

            impl FaultFamily for $family {
                const FAMILY: Family = Family::$family;
                type Detail = $detail;
                type Offer = $offer;

                fn draw(draw: &mut Draw, offer: $offer, names: &Names) -> Option<$detail> {
                    let row: fn(&mut Draw, $offer, &Names) -> Option<$detail> = $draw;
                    row(draw, offer, names)
                }

                fn fault(detail: $detail) -> Fault {
                    Fault::$family(detail)
                }

                fn detail(fault: &Fault) -> Option<&$detail> {
                    if let Fault::$family(detail) = fault { Some(detail) } else { None }
                }
            }
        )*

        impl Family {
            /// All of them, in the order in which they are listed and in which the shrinker leaves them out.
            pub const ALL: &[Family] = &[$(Family::$family),*];

            /// Its name in a plan.
            pub fn name(self) -> &'static str {
                match self { $(Family::$family => $text,)* }
            }

            /// What goes wrong, in one sentence.
            pub fn summary(self) -> &'static str {
                match self { $(Family::$family => $says,)* }
            }

            /// What its faults happen to.
            pub fn about(self) -> SubjectKind {
                match self { $(Family::$family => SubjectKind::$about,)* }
            }

            /// How rare its faults are when it is on: one in so many sites. [`NEVER`]: no seed draws them.
            pub(crate) fn rate(self) -> u32 {
                match self { $(Family::$family => $rate,)* }
            }

            /// How a plan writes what exactly goes wrong, for messages.
            pub fn detail_form(self) -> &'static str {
                match self { $(Family::$family => <$detail as Detail>::FORM,)* }
            }

            /// Reads a fault of this family as a plan writes it.
            pub fn parse_fault(self, text: &str) -> Option<Fault> {
                match self { $(Family::$family => <$detail as Detail>::parse(text).map(Fault::$family),)* }
            }

            /// What a crash sweep tries at a site of this family, where these processes were ever started on its node.
            pub(crate) fn sweep(self, site: &Site, processes: &[&str]) -> Vec<Fault> {
                match self {
                    $(Family::$family => {
                        let row: fn(&Site, &[&str]) -> Vec<$detail> = $sweep;
                        row(site, processes).into_iter().map(Fault::$family).collect()
                    })*
                }
            }
        }

        impl Fault {
            /// Its family.
            pub fn family(&self) -> Family {
                match self { $(Fault::$family(_) => Family::$family,)* }
            }

            /// Simpler faults of the same family, the simplest first: what the shrinker tries in its place.
            pub fn simpler(&self) -> Vec<Fault> {
                match self {
                    $(Fault::$family(detail) => detail.simpler().into_iter().map(Fault::$family).collect(),)*
                }
            }
        }

        impl fmt::Display for Fault {
            /// What exactly goes wrong, as a plan writes it behind the site.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Fault::$family(detail) => f.write_str(&detail.text()),)* }
            }
        }
    };
}

families! {
    Trap {
        says: "a life panics at a call",
        text: "trap", about: Life, rate: 12, detail: Panic, offer: (),
        draw: |_, (), _| Some(Panic),
        sweep: |_, _| vec![Panic],
    }
    Cost {
        says: "a call of a life takes longer than usual",
        text: "cost", about: Life, rate: 12, detail: Factor, offer: (),
        draw: |draw, (), _| Some(Factor(*draw.pick(&[10, 100, 1_000]))),
        sweep: |_, _| vec![],
    }
    Kill {
        says: "a process is killed before a step of its kernel, or some time later",
        text: "kill", about: Node, rate: 20, detail: Victim, offer: Vec<ProcessRef>,
        draw: |draw, processes, names| {
            let process = draw.one_of(&processes).map(|process| names.process_text(*process).to_string())?;
            let after = (draw.below(2) > 0).then(|| Duration::from_millis(1 + draw.below(3_000)));
            Some(Victim { process, after })
        },
        sweep: |_, processes| processes.iter().map(|process| Victim { process: process.to_string(), after: None }).collect(),
    }
    Crash {
        says: "a node shuts down, crashes or loses power before a step of its kernel",
        text: "crash", about: Node, rate: 30, detail: Down, offer: (),
        draw: |draw, (), _| Some(*draw.pick(&Down::ALL)),
        sweep: |_, _| vec![Down::Crash, Down::PowerLoss],
    }
    Write {
        says: "a node goes down around a durable write, or the disk refuses it",
        text: "write", about: Node, rate: 8, detail: WriteFault, offer: WriteOffer,
        draw: |draw, WriteOffer { operations, refusable }, _| {
            if refusable && draw.below(3) == 0 {
                return Some(WriteFault::Refused);
            }
            let how = *draw.pick(&[Down::Crash, Down::PowerLoss]);
            Some(WriteFault::Down(how, draw.below(operations + 1) as u32))
        },
        sweep: |site, _| {
            let both = |done| [WriteFault::Down(Down::Crash, done), WriteFault::Down(Down::PowerLoss, done)];
            (0..=site.operations).flat_map(both).collect()
        },
    }
    Io {
        says: "the disk refuses an access: no space, an I/O error, a write cut short, a sync that fails",
        text: "io", about: Node, rate: 8, detail: IoFault, offer: (),
        draw: |draw, (), _| {
            let wrong = *draw.pick(&[IoWrong::NoSpace, IoWrong::Error, IoWrong::Short]);
            let most = 1 << draw.below(7);
            Some(IoFault { at: 1 + draw.below(most) as u32, wrong })
        },
        sweep: |_, _| vec![],
    }
    DiskCost {
        says: "a piece of work on the disk takes longer than usual",
        text: "disk-cost", about: Node, rate: 16, detail: Factor, offer: (),
        draw: |draw, (), _| Some(Factor(*draw.pick(&[10, 100, 1_000]))),
        sweep: |_, _| vec![],
    }
    // What survives a power loss is always drawn: that nothing does is only one of the cases.
    Unsynced {
        says: "some of what was not synced survives a power loss: whole, torn, in any order",
        text: "unsynced", about: Node, rate: 1, detail: Spared, offer: u64,
        draw: |draw, unsynced, _| match (unsynced, draw.below(3)) {
            (0, _) => None,
            (_, 0) => Some(Spared::First(draw.below(unsynced + 1) as u32)),
            (_, _) => Some(Spared::Mixed(draw.below(1 << 16) as u32)),
        },
        sweep: |_, _| vec![],
    }
    Rot {
        says: "a byte on the disk of a node that is down rots",
        text: "rot", about: Node, rate: 6, detail: Rotten, offer: Vec<(Path, u64)>,
        draw: |draw, files, _| {
            let (path, len) = draw.one_of(&files)?;
            Some(Rotten { path: path.to_string(), byte: draw.below(*len) })
        },
        sweep: |_, _| vec![],
    }
    Restore {
        says: "a node that is down gets a disk with an older backup on it",
        text: "restore", about: Node, rate: 6, detail: NthLatest, offer: u32,
        draw: |draw, backups, _| match backups {
            0 => None,
            _ => Some(NthLatest(1 + draw.below(u64::from(backups.min(3))) as u32)),
        },
        sweep: |_, _| vec![],
    }
    Downtime {
        says: "a node is down for longer or shorter than usual",
        text: "downtime", about: Node, rate: 1, detail: Duration, offer: (),
        draw: |draw, (), _| {
            // Some stay away until long after everybody has given up on them.
            let most = *draw.pick(&[8_000, 8_000, 60_000]);
            Some(Duration::from_millis(1 + draw.below(most)))
        },
        sweep: |_, _| vec![],
    }
    BootOrder {
        says: "another process is started first at a boot",
        text: "boot-order", about: Node, rate: 2, detail: First, offer: Vec<ProcessRef>,
        draw: |draw, processes, names| {
            draw.one_of(&processes).map(|first| First(names.process_text(*first).to_string()))
        },
        sweep: |_, _| vec![],
    }
    Latency {
        says: "a message takes longer or shorter than usual",
        text: "latency", about: Link, rate: 1, detail: Duration, offer: (),
        draw: |draw, (), _| Some(Duration::from_micros(1_000 + draw.below(200_000))),
        sweep: |_, _| vec![],
    }
    Loss {
        says: "a message is lost",
        text: "loss", about: Link, rate: 5, detail: Lost, offer: (),
        draw: |_, (), _| Some(Lost),
        sweep: |_, _| vec![],
    }
    Link {
        says: "a link fails one way for a while",
        text: "link", about: Link, rate: 20, detail: Duration, offer: (),
        draw: |draw, (), _| Some(Duration::from_millis(100 + draw.below(10_000))),
        sweep: |_, _| vec![],
    }
    Order {
        says: "what is due waits behind what is due at the same instant",
        text: "order", about: Node, rate: 2, detail: Count, offer: (),
        draw: |draw, (), _| Some(Count(1 + draw.below(3) as u32)),
        sweep: |_, _| vec![],
    }
    Provider {
        says: "a node's Ethereum provider fails a request, or drops its subscriptions",
        text: "provider", about: Node, rate: 5, detail: ProviderFault, offer: (),
        draw: |draw, (), _| Some(*draw.pick(&ProviderFault::ALL)),
        sweep: |_, _| ProviderFault::ALL.to_vec(),
    }
    Reorg {
        says: "the chain replaces its last blocks",
        text: "reorg", about: Chain, rate: 8, detail: Count, offer: (),
        draw: |draw, (), _| Some(Count(1 + draw.below(3) as u32)),
        sweep: |_, _| vec![Count(3)],
    }
    Spin {
        says: "a life computes for some quanta before a call, and does nothing else",
        text: "spin", about: Life, rate: 30, detail: Count, offer: (),
        draw: |draw, (), _| Some(Count(1 + draw.below(5) as u32)),
        sweep: |_, _| vec![],
    }
    Memory {
        says: "a life runs out of memory: its n-th growth is refused (only Wasm has memory that grows)",
        text: "memory", about: Life, rate: 30, detail: Count, offer: (),
        draw: |draw, (), _| Some(Count(1 + draw.below(3) as u32)),
        sweep: |_, _| vec![],
    }
    Outage {
        says: "all nodes go down at one instant",
        text: "outage", about: Node, rate: 60, detail: Down, offer: (),
        draw: |draw, (), _| Some(*draw.pick(&Down::ALL)),
        sweep: |_, _| vec![],
    }
    Partition {
        says: "two nodes are cut off from each other for a while",
        text: "partition", about: Link, rate: 20, detail: Duration, offer: (),
        draw: |draw, (), _| Some(Duration::from_millis(100 + draw.below(10_000))),
        sweep: |_, _| vec![],
    }
    Clock {
        says: "a node's clock jumps; deadlines of its kernel do not go by it",
        text: "clock", about: Node, rate: 2, detail: Jump, offer: (),
        draw: |draw, (), _| match (draw.below(20_001) as i64 - 10_000) * 1_000_000 {
            0 => None,
            nanos => Some(Jump(nanos)),
        },
        sweep: |_, _| vec![],
    }
    Script {
        says: "some lines of the script are not played (never so under a seed)",
        text: "script", about: Scenario, rate: NEVER, detail: Lines, offer: (),
        draw: |_, (), _| None,
        sweep: |_, _| vec![],
    }
}

impl Family {
    /// The family of this name.
    pub fn parse(name: &str) -> Option<Family> {
        Family::ALL.iter().copied().find(|family| family.name() == name)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_a_name_of_its_own_that_a_plan_reads_back() {
        for family in Family::ALL {
            assert_eq!(Family::parse(family.name()), Some(*family));
        }
        assert_eq!(Family::parse("krash"), None);
    }
}
