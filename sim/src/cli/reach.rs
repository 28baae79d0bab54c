//! What a run of `explore` has tried, as two tables: commands by their target's state, calls by what their caller received.

use crate::trace::coverage::Coverage;
use crate::trace::coverage::reach::{Caller, Order, Reach, Target};
use kernel_core::CallKind;
use std::fmt;

/// Both tables, over all scenarios.
#[derive(Default)]
pub(super) struct Tried(Reach);

impl Tried {
    pub(super) fn add(&mut self, coverage: &Coverage) {
        self.0.add(&coverage.reach);
    }

    /// In one line: how much of each table was reached.
    pub(super) fn summary(&self) -> String {
        let commands = Order::ALL.iter().flat_map(|order| Target::ALL.iter().map(|target| (*order, *target)));
        let calls = CallKind::ALL.iter().flat_map(|call| Caller::ALL.iter().map(|caller| (*call, *caller)));
        let (n_commands, n_calls) = (commands.clone().count(), calls.clone().count());
        let commands = commands.filter(|(order, target)| self.0.command(*order, *target) > 0).count();
        let calls = calls.filter(|(call, caller)| self.0.call(*call, *caller) > 0).count();
        format!(
            "commands in {commands} of {n_commands} states of their target, calls in {calls} of {n_calls} states of \
             their caller"
        )
    }

    /// The cells that nothing has reached, each with the reason if there is one.
    fn dark(&self) -> Vec<String> {
        let mut dark = Vec::new();
        for order in Order::ALL {
            for target in Target::ALL.into_iter().filter(|target| self.0.command(order, *target) == 0) {
                dark.push(format!("{}, target {}", order.name(), target.name()));
            }
        }
        for call in CallKind::ALL {
            for caller in Caller::ALL.into_iter().filter(|caller| self.0.call(call, *caller) == 0) {
                let why = why_not(call, caller).map(|why| format!(" ({why})")).unwrap_or_default();
                dark.push(format!("{}, after {}{why}", call.name(), caller.name()));
            }
        }
        dark
    }
}

/// Why no process of ours makes such a call.
fn why_not(call: CallKind, caller: Caller) -> Option<&'static str> {
    let first = matches!(call, CallKind::Receive | CallKind::GetState | CallKind::Print);
    (caller == Caller::Fresh && !first).then_some("puppets take their first order before their first call")
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:24}", "command, by target")?;
        Target::ALL.iter().try_for_each(|target| write!(f, " {:>12}", target.name()))?;
        for order in Order::ALL {
            write!(f, "\n{:24}", order.name())?;
            Target::ALL.iter().try_for_each(|target| write!(f, " {:>12}", self.0.command(order, *target)))?;
        }
        write!(f, "\n\n{:24}", "call, after")?;
        Caller::ALL.iter().try_for_each(|caller| write!(f, " {:>12}", caller.name()))?;
        for call in CallKind::ALL {
            write!(f, "\n{:24}", call.name())?;
            Caller::ALL.iter().try_for_each(|caller| write!(f, " {:>12}", self.0.call(call, *caller)))?;
        }
        let dark = self.dark();
        if dark.is_empty() {
            return write!(f, "\n\nno cell is dark");
        }
        write!(f, "\n\ndark")?;
        dark.iter().try_for_each(|cell| write!(f, "\n  {cell}"))
    }
}
