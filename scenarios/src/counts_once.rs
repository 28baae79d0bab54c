//! A process that counts never answers the same count twice (P4).

use kernel_core::{Cause, Names, NodeId, ProcessRef, Rule};
use sim::invariant::{Claim, Invariant, Past};
use sim::trace::event::{Event, Kind, What};
use std::collections::BTreeMap;

/// P4: each count that a process answers is greater than the last, through any number of lives; after a restore
/// it goes on from the backup's.
#[derive(Clone, Debug, Default)]
pub struct CountsOnce {
    answered: Counts,
    /// What it was at each backup of each node.
    cuts: Vec<(NodeId, Counts)>,
}

/// The last count of each process.
type Counts = BTreeMap<(NodeId, ProcessRef), u64>;

impl CountsOnce {
    /// For scenarios in which a count is answered when, and only when, one was added.
    pub fn of_adds() -> Box<dyn Invariant> {
        Box::new(CountsOnce::default())
    }
}

impl Invariant for CountsOnce {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::P4, says: "a well-written process picks up where it left off: no count is answered twice" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::Sent, Kind::BackedUp, Kind::Restored]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::Sent(message) if !message.is_request() && !message.source.process.is_module() => {
                let count = std::str::from_utf8(message.body()).ok().and_then(|body| body.parse::<u64>().ok());
                let Some(count) = count else { return Ok(()) };
                let last = self.answered.entry((message.source.node, message.source.process)).or_default();
                if count <= *last {
                    let who = names.address_text(message.source);
                    return Err(format!("{who} answers {count}, and has answered {last} before"));
                }
                *last = count;
            }
            What::BackedUp(_) => self.cuts.push((event.node, self.answered.clone())),
            What::Restored(nth) => {
                let of_node = self.cuts.iter().filter(|(node, _)| *node == event.node);
                if let Some((_, cut)) = of_node.into_iter().nth(*nth as usize - 1) {
                    let cut = cut.clone();
                    self.answered.retain(|(node, _), _| *node != event.node);
                    self.answered.extend(cut.into_iter().filter(|((node, _), _)| *node == event.node));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
