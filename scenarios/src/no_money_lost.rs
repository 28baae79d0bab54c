//! A bank's database neither makes nor loses money, and what was moved stays moved.

use kernel_core::{Cause, Names, NodeId, Rule};
use sim::invariant::{Claim, Invariant, Past};
use sim::trace::event::{Event, Kind, Life, What};
use std::collections::BTreeMap;

/// How much there is in all.
const SUM: u64 = 100;

/// By package: the last number that was answered as moved, and the last that was begun.
type Banks = BTreeMap<String, (u64, u64)>;

/// P3 for the program `bank`, for each package on each node: a transaction is there as a whole or not at all, in whatever order it and
/// the readers, the faults and the boots come; and once it was answered, it is there. Its processes say what they do
/// and see: `moves N`, `moved N`, `looks`, `sees [{"n":N,"sum":S}]`.
#[derive(Clone, Debug, Default)]
pub struct NoMoneyLost {
    moved: BTreeMap<NodeId, Banks>,
    /// What was answered as moved when each life began to look.
    looks: BTreeMap<(NodeId, Life), u64>,
    /// The numbers at each backup of each node.
    cuts: BTreeMap<NodeId, Vec<Banks>>,
}

impl NoMoneyLost {
    /// What a bank promises.
    pub const RULE: Rule = Rule::Own {
        id: "no-money-lost",
        says: "money is moved as a whole or not at all, and what was moved stays moved",
    };
}

impl Invariant for NoMoneyLost {
    fn claim(&self) -> Claim {
        Claim::of(NoMoneyLost::RULE)
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Printed, Kind::BackedUp, Kind::Restored]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        let banks = self.moved.entry(event.node).or_default();
        let cuts = self.cuts.entry(event.node).or_default();
        let (life, text) = match &event.what {
            What::Printed(life, _, text) => (life, text),
            What::BackedUp(_) => {
                cuts.push(banks.clone());
                return Ok(());
            }
            What::Restored(nth) => {
                banks.clone_from(&cuts[*nth as usize - 1]);
                return Ok(());
            }
            _ => return Ok(()),
        };
        let id = names.process_id(life.process);
        let (answered, begun) = banks.entry(format!("{}:{}", id.package, id.publisher)).or_default();
        match text.split_once(' ') {
            Some(("moves", n)) => *begun = n.parse().map_or(*begun, |n| (*begun).max(n)),
            Some(("moved", n)) => *answered = n.parse().map_or(*answered, |n| (*answered).max(n)),
            Some(("sees", rows)) => {
                let floor = self.looks.remove(&(event.node, *life)).unwrap_or(0);
                let Some((n, sum)) = read(rows) else { return Ok(()) };
                if sum != SUM {
                    return Err(format!("there is {sum} and not {SUM}, after {n} moves"));
                }
                if n < floor || n > *begun {
                    return Err(format!("{n} moves are seen; {floor} were answered before, and {begun} begun"));
                }
            }
            None if &**text == "looks" => {
                self.looks.insert((event.node, *life), *answered);
            }
            _ => {}
        }
        Ok(())
    }
}

/// What is seen: how many moves, and how much there is.
fn read(rows: &str) -> Option<(u64, u64)> {
    let (n, sum) = rows.strip_prefix(r#"[{"n":"#)?.strip_suffix("}]")?.split_once(r#","sum":"#)?;
    Some((n.parse().ok()?, sum.parse().ok()?))
}
