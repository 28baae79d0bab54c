//! Arguments that several commands share: the kernel's rules, seeds, shards, formats.

use crate::explore::regression::Regression;
use crate::plan::chooser::{Profile, Seed};
use crate::scenario::{Flavor, Scenario};
use crate::world::Options;
use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use kernel_core::Deviation;
use kernel_core::Semantics;
use std::str::FromStr;

/// How many seeds one call may run of a scenario: what is known of each is kept until all are done.
const SEEDS_MAX: u64 = 1_000_000;

/// Which kernel, which form of the programs.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Rules {
    /// The kernel to play [default: the one that each scenario asks for, usually the book's]
    #[arg(long)]
    kernel: Option<Kernel>,
    /// A documented deviation of the real runtimes, which `list deviations` explains; may be given several times
    #[arg(long = "deviation", value_name = "D1", ignore_case = true, hide_possible_values = true, value_parser = deviation())]
    deviations: Vec<Deviation>,
    /// A deviation that the kernel is played without; may be given several times
    #[arg(long, value_name = "D1", ignore_case = true, hide_possible_values = true, value_parser = deviation())]
    without: Vec<Deviation>,
    /// The form of the programs that exist in both
    #[arg(long, value_enum, default_value_t = Flavor::default())]
    flavor: Flavor,
}

/// A kernel that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kernel {
    /// The book's, to the letter
    Book,
    /// All that Kinode 1.0 does differently
    #[value(name = "kinode-1.0")]
    Kinode10,
    /// All that Hyperdrive 1.9 does differently
    #[value(name = "hyperdrive-1.9")]
    Hyperdrive19,
}

impl Kernel {
    /// The rules of a kernel given in one word: `book`, `hyperdrive-1.9`, or deviations of the scenario's kernel, `D2+D14`;
    /// `-D2` leaves one out. `None`: the word is not a kernel.
    pub(super) fn rules(word: &str, base: &Rules) -> Option<Rules> {
        let mut rules = Rules { flavor: base.flavor, ..Rules::default() };
        let named = |name: &str| Deviation::ALL.iter().copied().find(|each| each.name().eq_ignore_ascii_case(name));
        for part in word.split('+') {
            match (Kernel::from_str(part, true), part.strip_prefix('-')) {
                (Ok(kernel), _) => rules.kernel = Some(kernel),
                (Err(_), Some(part)) => rules.without.push(named(part)?),
                (Err(_), None) => rules.deviations.push(named(part)?),
            }
        }
        Some(rules)
    }
}

fn deviation() -> impl TypedValueParser<Value = Deviation> {
    let values = Deviation::ALL.iter().map(|deviation| PossibleValue::new(deviation.name()).help(deviation.summary()));
    PossibleValuesParser::new(values).map(|name| {
        let named = Deviation::ALL.iter().find(|deviation| deviation.name().eq_ignore_ascii_case(&name));
        *named.expect("the parser takes no other names")
    })
}

impl Rules {
    /// Those of a plan that was kept in a file.
    pub(super) fn of_kept(kept: &Regression) -> Result<Rules, String> {
        let mut rules = Rules { flavor: kept.flavor, ..Rules::default() };
        for word in kept.kernel.split_whitespace() {
            let named =
                Kernel::rules(word, &rules).ok_or_else(|| format!("`{word}` is neither a kernel nor a deviation"))?;
            rules.kernel = named.kernel.or(rules.kernel);
            rules.deviations.extend(named.deviations);
            rules.without.extend(named.without);
        }
        Ok(rules)
    }

    /// How to run a scenario by these rules.
    pub(super) fn options(&self, scenario: &Scenario) -> Options {
        let base = match self.kernel {
            None if self.deviations.is_empty() && self.without.is_empty() => None,
            None => Some(scenario.semantics.clone()),
            Some(Kernel::Book) => Some(Semantics::book()),
            Some(Kernel::Kinode10) => Some(Semantics::kinode_1_0()),
            Some(Kernel::Hyperdrive19) => Some(Semantics::hyperdrive_1_9()),
        };
        let semantics = base.map(|base| {
            let with = self.deviations.iter().fold(base, |rules, deviation| rules.with(*deviation));
            // Last, since one deviation may bring another.
            self.without.iter().fold(with, |rules, deviation| rules.without(*deviation))
        });
        Options { flavor: self.flavor, semantics, ..Options::default() }
    }

    /// What to type to get these rules again; begins with a blank, or is empty.
    pub(super) fn flags(&self) -> String {
        let kernel = self.kernel.map(|kernel| format!(" --kernel {}", value_name(&kernel)));
        let deviations = self.deviations.iter().map(|deviation| format!(" --deviation {}", deviation.name()));
        let without = self.without.iter().map(|deviation| format!(" --without {}", deviation.name()));
        let flavor = (self.flavor != Flavor::default()).then(|| format!(" --flavor {}", value_name(&self.flavor)));
        kernel.into_iter().chain(deviations).chain(without).chain(flavor).collect()
    }

    /// The same without a deviation.
    pub(super) fn without(&self, deviation: Deviation) -> Rules {
        let mut rules = self.clone();
        rules.without.push(deviation);
        rules
    }

    /// Whose kernel: a word for each flag, or `book`.
    pub(super) fn kernels(&self) -> String {
        let words: Vec<String> = self.words().collect();
        if words.is_empty() { "book".to_string() } else { words.join(" ") }
    }

    /// The rules in words, for headlines.
    pub(super) fn text(&self) -> String {
        self.words().chain([value_name(&self.flavor)]).collect::<Vec<_>>().join(", ")
    }

    /// A word for each flag of the kernel, as [`Kernel::rules`] reads it.
    fn words(&self) -> impl Iterator<Item = String> {
        let kernel = self.kernel.map(|kernel| value_name(&kernel));
        let deviations = self.deviations.iter().map(|deviation| deviation.name().to_string());
        let without = self.without.iter().map(|deviation| format!("-{}", deviation.name()));
        kernel.into_iter().chain(deviations).chain(without)
    }
}

/// One word for a shell.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./@:%+=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_string()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A value's name on the command line.
pub(super) fn value_name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
}

/// For whom the results are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs: an object of JSON per line
    Json,
}

/// For whom the results of a search or a check are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// For people
    Text,
    /// For programs: an object of JSON per line
    Json,
    /// For continuous integration: JUnit's XML
    Junit,
}

impl ValueEnum for Profile {
    fn value_variants<'a>() -> &'a [Profile] {
        &[Profile::Calm, Profile::Stormy, Profile::Swarm, Profile::Sound]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Profile::Calm => PossibleValue::new("calm").help("Nothing goes wrong"),
            Profile::Stormy => PossibleValue::new("stormy").help("Everything goes wrong, often"),
            Profile::Swarm => PossibleValue::new("swarm").help("Each seed switches whole families of faults on or off"),
            Profile::Sound => PossibleValue::new("sound").help("Like swarm, on disks that neither refuse nor rot"),
        })
    }
}

impl ValueEnum for Flavor {
    fn value_variants<'a>() -> &'a [Flavor] {
        &[Flavor::Native, Flavor::Wasm]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Flavor::Native => PossibleValue::new("native").help("Native Rust: faster"),
            Flavor::Wasm => PossibleValue::new("wasm").help("Wasm: the real thing"),
        })
    }
}

/// Seeds from one up to, but without, another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seeds {
    from: u64,
    to: u64,
}

impl FromStr for Seeds {
    type Err = String;

    /// `N`: the first N; `A..B`: from A up to, but without, B.
    fn from_str(text: &str) -> Result<Seeds, String> {
        let number = |part: &str| -> Result<u64, String> {
            part.parse().map_err(|_| format!("`{part}` is not a number of seeds: write N, or A..B with whole numbers"))
        };
        let (from, to) = match text.split_once("..") {
            Some((from, to)) => (number(from)?, number(to)?),
            None => (0, number(text)?),
        };
        match to.checked_sub(from) {
            None | Some(0) => {
                Err("there are no seeds in this range: A..B is from A up to, but not including, B".to_string())
            }
            Some(many) if many > SEEDS_MAX => {
                Err(format!("at most {SEEDS_MAX} seeds at a time: play ranges, A..B, one after the other"))
            }
            Some(_) => Ok(Seeds { from, to }),
        }
    }
}

/// On how many threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Jobs(pub(super) usize);

impl FromStr for Jobs {
    type Err = String;

    fn from_str(text: &str) -> Result<Jobs, String> {
        match text.parse() {
            Ok(jobs @ 1..=1024) => Ok(Jobs(jobs)),
            Ok(_) | Err(_) => Err("write a number of threads from 1 to 1024".to_string()),
        }
    }
}

/// A time to wait for: `90s`, `10m`, `2h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time(pub(super) std::time::Duration);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Time, String> {
        let units = [("ms", 1), ("s", 1_000), ("min", 60_000), ("m", 60_000), ("h", 3_600_000)];
        let parse = |(unit, millis): (&str, u64)| {
            let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
            number.checked_mul(millis).filter(|millis| *millis > 0)
        };
        let millis = units.into_iter().find_map(parse);
        millis.map(|millis| Time(std::time::Duration::from_millis(millis))).ok_or("write 90s, 10m or 2h".to_string())
    }
}

/// One of several parts of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    index: u64,
    of: u64,
}

impl FromStr for Shard {
    type Err = String;

    /// `I/N`: the I-th of N, counted from 1.
    fn from_str(text: &str) -> Result<Shard, String> {
        let parts = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((index, of)) if (1..=of).contains(&index) => Ok(Shard { index, of }),
            Some(_) | None => Err("write I/N, the I-th of N parts, counted from 1".to_string()),
        }
    }
}

impl Shard {
    /// Which part, counted from 1, of how many.
    pub(super) fn parts(self) -> (u64, u64) {
        (self.index, self.of)
    }
}

impl Seeds {
    /// The first.
    pub(super) fn first(self) -> Seed {
        Seed(self.from)
    }

    /// As `A..B`.
    pub(super) fn text(self) -> String {
        format!("{}..{}", self.from, self.to)
    }

    /// These seeds.
    pub(super) fn range(from: u64, to: u64) -> Seeds {
        Seeds { from, to }
    }

    /// The seeds, or a shard's share of them.
    pub(super) fn of(self, shard: Option<Shard>) -> Vec<Seed> {
        let mine = |seed: &u64| shard.is_none_or(|shard| seed % shard.of == shard.index - 1);
        (self.from..self.to).filter(mine).map(Seed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn seeds_are_a_number_or_a_half_open_range() {
        assert_eq!("3".parse::<Seeds>().map(|seeds| seeds.of(None)), Ok(vec![Seed(0), Seed(1), Seed(2)]));
        assert_eq!("7..9".parse::<Seeds>().map(|seeds| seeds.of(None)), Ok(vec![Seed(7), Seed(8)]));
        for wrong in ["", "x", "5..3", "5..5", "0", "-1", "1..", "..4", "1...4", "99999999"] {
            assert!(wrong.parse::<Seeds>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn shards_share_the_seeds_without_overlap_or_gap() {
        let seeds: Seeds = "10..20".parse().expect("it is a range");
        let shard = |text: &str| seeds.of(Some(text.parse().expect("it is a shard")));
        assert_eq!(shard("1/3"), [12, 15, 18].map(Seed));
        let mut all = [shard("1/3"), shard("2/3"), shard("3/3")].concat();
        all.sort();
        assert_eq!(all, seeds.of(None));
        for wrong in ["0/3", "4/3", "1", "1/0", "a/b", "-1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_words_of_a_kernel_are_read_back_and_what_is_left_out_is_out() {
        let rules =
            Kernel::rules("hyperdrive-1.9+-D27", &Rules::default()).expect("each part is a kernel or a deviation");
        assert_eq!(rules.kernels(), "hyperdrive-1.9 -D27");
        assert_eq!(rules.flags(), " --kernel hyperdrive-1.9 --without D27");
        let kept = |kernel: &str| Regression {
            scenario: "a-scenario".to_string(),
            kernel: kernel.to_string(),
            flavor: Flavor::default(),
            breaks: None,
            plan: Plan::default(),
            world: None,
        };
        let read = Rules::of_kept(&kept("hyperdrive-1.9 -D27")).expect("its own words are read back");
        assert_eq!(read.flags(), rules.flags());
        assert!(Rules::of_kept(&kept("hyperdrive-1.9 -D999")).is_err());
    }

    #[test]
    fn a_quoted_word_survives_a_shell() {
        assert_eq!(quoted("kill-in-a-back-off"), "kill-in-a-back-off");
        assert_eq!(quoted("crash a.os #1 crash"), "'crash a.os #1 crash'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
