//! What a power loss spares of what was not synced.
//!
//! Contents reach the platter in any order between two syncs, and a write in any order of its sectors; a sector is
//! written whole or not at all. Names are journalled: a prefix of their changes is spared, whatever became of contents.
//! This is ext4 with `data=writeback`, the weakest that is common.

use super::files::{Change, Files};
use super::{Disk, SECTOR};
use std::fmt;
use std::rc::Rc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Which of the operations that were not synced are on the platter. The oldest is number 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spared {
    /// So many of the oldest.
    First(u32),
    /// All older than this one, and its first sectors, so many.
    Torn(u32, u32),
    /// All but this one.
    Without(u32),
    /// None but this one.
    Only(u32),
    /// As a draw of this number has it: each whole, lost, or sector by sector.
    Mixed(u32),
}

impl fmt::Display for Spared {
    /// As a plan has it: `3`, `torn@3:1`, `without@2`, `only@2`, `mixed@77`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spared::First(n) => write!(f, "{n}"),
            Spared::Torn(nth, sectors) => write!(f, "torn@{nth}:{sectors}"),
            Spared::Without(nth) => write!(f, "without@{nth}"),
            Spared::Only(nth) => write!(f, "only@{nth}"),
            Spared::Mixed(draw) => write!(f, "mixed@{draw}"),
        }
    }
}

impl Spared {
    /// Reads it from a plan.
    pub fn parse(text: &str) -> Option<Spared> {
        let nth = |text: &str| text.parse().ok().filter(|nth| *nth > 0);
        match text.split_once('@') {
            None => Some(Spared::First(text.parse().ok()?)),
            Some(("torn", rest)) => {
                let (op, sectors) = rest.split_once(':')?;
                Some(Spared::Torn(nth(op)?, sectors.parse().ok()?))
            }
            Some(("without", op)) => Some(Spared::Without(nth(op)?)),
            Some(("only", op)) => Some(Spared::Only(nth(op)?)),
            Some(("mixed", draw)) => Some(Spared::Mixed(draw.parse().ok()?)),
            Some(_) => None,
        }
    }

    /// Simpler losses to try in its place, the simplest first: a prefix, then one operation alone or missing, then a
    /// tear.
    pub fn simpler(self) -> Vec<Spared> {
        let nth = || 1..=8;
        let prefixes = |below: u32| (1..=below.min(8)).map(Spared::First).collect::<Vec<_>>();
        match self {
            Spared::First(n) => prefixes(n.saturating_sub(1)),
            Spared::Without(_) | Spared::Only(_) | Spared::Torn(..) => prefixes(8),
            Spared::Mixed(_) => {
                let single = nth().flat_map(|nth| [Spared::Only(nth), Spared::Without(nth)]);
                let torn = nth().flat_map(|nth| [Spared::Torn(nth, 1), Spared::Torn(nth, 2)]);
                prefixes(8).into_iter().chain(single).chain(torn).collect()
            }
        }
    }

    /// Whether a sector of an operation is spared, both counted from 0.
    fn spares(self, op: usize, sector: usize) -> bool {
        let number = op as u64 + 1;
        match self {
            Spared::First(n) => number <= u64::from(n),
            Spared::Torn(nth, sectors) => {
                number < u64::from(nth) || (number == u64::from(nth) && sector < sectors as usize)
            }
            Spared::Without(nth) => number != u64::from(nth),
            Spared::Only(nth) => number == u64::from(nth),
            Spared::Mixed(seed) => {
                let draw = |sector: u64| {
                    let place = [number.to_le_bytes(), sector.to_le_bytes()].concat();
                    xxh3_64_with_seed(&place, u64::from(seed))
                };
                match draw(u64::MAX) % 4 {
                    0 => false,
                    1 => true,
                    _ => draw(sector as u64) % 2 == 0,
                }
            }
        }
    }
}

impl Disk {
    /// The machine loses power: of what was not synced, this is on the platter, and nothing else.
    pub fn power_loss(&mut self, spared: Spared) {
        self.lose(|op, sector| spared.spares(op, sector));
    }

    /// The same, asking of each operation, oldest first, and each sector that it writes, both counted from 0. A change
    /// of names or of a length has one sector.
    pub(crate) fn lose(&mut self, mut spares: impl FnMut(usize, usize) -> bool) {
        let pending = std::mem::take(&mut self.pending);
        let durable = Rc::make_mut(&mut self.durable);
        let mut names_go_on = true;
        for (op, change) in pending.iter().enumerate() {
            match change {
                Change::Write(inode, offset, bytes) => {
                    for (sector, (at, piece)) in sectors(*offset, bytes).enumerate() {
                        if spares(op, sector) {
                            durable.apply(&Change::Write(*inode, at, piece.into()));
                        }
                    }
                }
                change if change.is_of_names() => {
                    names_go_on &= spares(op, 0);
                    if names_go_on {
                        durable.apply(change);
                    }
                }
                change => {
                    if spares(op, 0) {
                        durable.apply(change);
                    }
                }
            }
        }
        Files::drop_orphans(durable);
        self.now = self.durable.clone();
    }

    /// How many operations a power loss would put at risk.
    pub fn unsynced(&self) -> usize {
        self.pending.len()
    }
}

/// The pieces of a write, cut where sectors meet, and where each goes.
fn sectors(offset: u64, bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut rest = bytes;
    let mut at = offset;
    std::iter::from_fn(move || {
        let len = (SECTOR - at % SECTOR).min(rest.len() as u64);
        let (piece, more) = rest.split_at(len as usize);
        let here = at;
        (rest, at) = (more, at + len);
        (len > 0).then_some((here, piece))
    })
}

/// For tests: a disk after each thing that a power loss can leave of it, in its order.
#[cfg(test)]
pub(crate) fn all_losses(disk: &Disk) -> Vec<Disk> {
    let sites: usize = disk
        .pending
        .iter()
        .map(|change| match change {
            Change::Write(_, offset, bytes) => sectors(*offset, bytes).count(),
            _ => 1,
        })
        .sum();
    assert!(sites <= 12, "{sites} sectors are too many for all of their subsets");
    let left = (0..1_u32 << sites).map(|subset| {
        let (mut disk, mut site) = (disk.clone(), 0);
        disk.lose(|_, _| {
            site += 1;
            subset >> (site - 1) & 1 == 1
        });
        disk
    });
    left.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{DiskError, Op, Path};
    use std::collections::BTreeSet;

    /// A file that is durable and holds so many `o`, and a disk with more done to it.
    fn disk(len: usize, ops: &[Op]) -> Disk {
        let mut disk = Disk::default();
        for op in Disk::replace("/f", &vec![b'o'; len]).iter().chain(ops) {
            disk.apply(op).unwrap_or_else(|error| panic!("{op:?}: {error}"));
        }
        disk
    }

    fn write(at: u64, byte: u8, len: usize) -> Op {
        Op::Write("/f".into(), at, vec![byte; len].into())
    }

    /// What is in the file, a letter per run of equal bytes and how many there are.
    fn content(disk: &Disk) -> String {
        let Ok(content) = disk.files().read("/f") else { return "none".to_string() };
        content.chunk_by(|a, b| a == b).map(|run| format!("{}{}", run[0] as char, run.len())).collect()
    }

    #[test]
    fn a_spared_prefix_a_tear_and_the_others_print_so_that_they_parse_back() {
        for spared in [
            Spared::First(0),
            Spared::First(3),
            Spared::Torn(3, 1),
            Spared::Without(2),
            Spared::Only(2),
            Spared::Mixed(77),
        ] {
            assert_eq!(Spared::parse(&spared.to_string()), Some(spared));
        }
        for wrong in ["", "-1", "torn@0:1", "torn@3", "without@0", "only@x", "mixed@", "all@3"] {
            assert_eq!(Spared::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_write_is_torn_at_the_bounds_of_sectors() {
        let disk = disk(1_536, &[write(500, b'n', 600)]);
        let left: BTreeSet<String> = all_losses(&disk).iter().map(content).collect();
        let torn =
            ["o500n12o1024", "o512n512o512", "o1024n76o436", "o500n524o512", "o500n12o512n76o436", "o512n588o436"];
        let whole = ["o1536", "o500n600o436"];
        assert_eq!(left, torn.iter().chain(&whole).map(|text| text.to_string()).collect());
        let mut first_two = disk.clone();
        first_two.power_loss(Spared::Torn(1, 2));
        assert_eq!(content(&first_two), "o500n524o512");
    }

    #[test]
    fn contents_reach_the_platter_in_any_order_between_two_syncs_and_not_across_one() {
        let ops = [write(0, b'a', 1), Op::Sync("/f".into()), write(1, b'b', 1), write(2, b'c', 1)];
        let left: BTreeSet<String> = all_losses(&disk(4, &ops)).iter().map(content).collect();
        assert_eq!(left, ["a1o3", "a1b1o2", "a1o1c1o1", "a1b1c1o1"].map(String::from).into());
        let spared = |spared| {
            let mut disk = disk(4, &ops);
            disk.power_loss(spared);
            content(&disk)
        };
        assert_eq!(spared(Spared::Only(2)), "a1o1c1o1");
        assert_eq!(spared(Spared::Without(2)), "a1b1o2");
    }

    #[test]
    fn names_are_spared_in_their_order_whatever_becomes_of_contents() {
        let (g, h): (Path, Path) = ("/g".into(), "/h".into());
        let bytes = Op::Write(g.clone(), 0, (*b"x").into());
        let disk = disk(1, &[Op::Create(g.clone()), bytes, Op::Rename(g.clone(), h.clone())]);
        for disk in all_losses(&disk) {
            let found = |path: &str| disk.files().read(path).map(|content| content.to_vec());
            assert!(found("/g").is_err() || found("/h").is_err(), "it has one name");
            let content = found("/g").or(found("/h"));
            assert!([Err(DiskError::NotFound), Ok(vec![]), Ok(b"x".to_vec())].contains(&content), "{content:?}");
            assert_eq!(disk.unsynced(), 0);
        }
    }

    #[test]
    fn a_mixture_comes_to_everything_that_a_power_loss_can_leave() {
        let disk = disk(1_536, &[write(500, b'n', 600)]);
        let mixed = |seed| {
            let mut disk = disk.clone();
            disk.power_loss(Spared::Mixed(seed));
            content(&disk)
        };
        let all: BTreeSet<String> = all_losses(&disk).iter().map(content).collect();
        assert_eq!((0..200).map(mixed).collect::<BTreeSet<String>>(), all);
    }

    #[test]
    fn a_sync_that_was_refused_makes_nothing_durable_and_neither_does_the_next() {
        let f: Path = "/f".into();
        let mut disk = disk(4, &[write(0, b'n', 4), Op::FailedSync(f.clone())]);
        assert_eq!(content(&disk), "n4", "the operating system shows it all the same");
        disk.apply(&write(3, b'x', 1)).expect("it is there");
        disk.apply(&Op::Sync(f)).expect("it is there");
        disk.power_loss(Spared::First(9));
        assert_eq!(content(&disk), "o3x1", "only what was written anew is durable");
    }
}
