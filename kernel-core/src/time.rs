//! Virtual time. The kernel never reads a clock: every instant it knows was handed to it.

use std::fmt;
use std::ops::{Add, Sub};

/// A point in virtual time: nanoseconds since the world began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

/// A span of virtual time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub u64);

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);

    /// `n` microseconds; saturates.
    pub const fn from_micros(n: u64) -> Duration {
        Duration(n.saturating_mul(1_000))
    }

    /// `n` milliseconds; saturates.
    pub const fn from_millis(n: u64) -> Duration {
        Duration(n.saturating_mul(1_000_000))
    }

    /// `n` seconds; saturates, so that a guest may ask for any timeout.
    pub const fn from_secs(n: u64) -> Duration {
        Duration(n.saturating_mul(1_000_000_000))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, span: Duration) -> Instant {
        Instant(self.0.saturating_add(span.0))
    }
}

impl Sub for Instant {
    type Output = Duration;
    /// The time since `earlier`; zero if `earlier` is later.
    fn sub(self, earlier: Instant) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Duration {
    /// The largest unit that leaves no more than three decimals: `1.5s`, `20ms`, `3us`, `7ns`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, name) in [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")] {
            if self.0 >= unit && self.0.is_multiple_of(unit / 1_000) {
                let (whole, rest) = (self.0 / unit, self.0 % unit / (unit / 1_000));
                let decimals = format!("{rest:03}");
                let decimals = decimals.trim_end_matches('0');
                return match decimals {
                    "" => write!(f, "{whole}{name}"),
                    _ => write!(f, "{whole}.{decimals}{name}"),
                };
            }
        }
        write!(f, "{}ns", self.0)
    }
}

impl Duration {
    /// Reads what [`Display`](fmt::Display) prints, and `1h`, `2min` besides; `None` for anything else.
    pub fn parse(text: &str) -> Option<Duration> {
        let split = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = text.split_at(split);
        let unit: u64 = match unit {
            "ns" => 1,
            "us" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "min" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        let mut nanos = whole.parse::<u64>().ok()?.checked_mul(unit)?;
        let mut place = unit;
        for digit in decimals.bytes() {
            place /= 10;
            nanos = nanos.checked_add(u64::from(digit.checked_sub(b'0')?) * place)?;
        }
        Some(Duration(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_prints_so_that_it_parses_back() {
        for nanos in [0, 7, 1_000, 1_500, 999_999, 20_000_000, 1_234_567_890, 3_600_000_000_000, u64::MAX] {
            let text = Duration(nanos).to_string();
            assert_eq!(Duration::parse(&text), Some(Duration(nanos)), "{text}");
        }
        assert_eq!(Duration(1_500_000_000).to_string(), "1.5s");
        assert_eq!(Duration(1_050_000_000).to_string(), "1.05s");
        assert_eq!(Duration::parse("1.5min"), Some(Duration::from_secs(90)));
        assert_eq!(Duration::parse("2h"), Some(Duration::from_secs(7_200)));
        for wrong in ["", "5", "ms", "1x", "-1s", "1.2.3s", "99999999999999999999s"] {
            assert_eq!(Duration::parse(wrong), None, "{wrong}");
        }
    }
}
