//! A trace as a Mermaid sequence diagram, for a pull request or an issue: what is small enough to be read.

use crate::trace::event::{Event, What};
use crate::trace::line_text;
use kernel_core::{Address, Cause, Change, Exit, Message, Names, NodeId, ProcessRef};
use std::collections::BTreeSet;

/// How many steps a diagram has at most.
pub const STEPS_MAX: usize = 60;
/// How many letters of a label are shown.
const LABEL_MAX: usize = 60;

/// The diagram. Of a run with more than [`STEPS_MAX`] steps, the last of those among `relevant` events (by index; all,
/// if there are none), and a note that says so. `marked` are the offending events.
pub fn mermaid(events: &[(Cause, Event)], relevant: Option<&[u64]>, marked: &[u64], names: &Names) -> String {
    let draw = Drawing { names, marked };
    let all: Vec<Step> = events.iter().filter_map(|(index, event)| draw.step(*index, event)).collect();
    let n_all = all.len();
    let mut steps = all;
    let mut cut = None;
    if steps.len() > STEPS_MAX {
        if let Some(relevant) = relevant {
            steps.retain(|step| relevant.binary_search(&step.index).is_ok());
        }
        let from = steps.len().saturating_sub(STEPS_MAX);
        steps.drain(..from);
        let which = if relevant.is_some() { "the last that matter" } else { "the last" };
        cut = Some(format!("{} of {n_all} steps: {which}", steps.len()));
    }
    let mut lanes: BTreeSet<Address> = BTreeSet::new();
    steps.iter().for_each(|step| lanes.extend(step.lanes()));
    let mut text = "sequenceDiagram\n".to_string();
    let mut node: Option<NodeId> = None;
    for lane in &lanes {
        if node != Some(lane.node) {
            text += if node.is_some() { "  end\n" } else { "" };
            text += &format!("  box {}\n", plain(names.node_text(lane.node)));
            node = Some(lane.node);
        }
        text += &format!("    participant {} as {}\n", alias(*lane), plain(names.process_text(lane.process)));
    }
    text += if node.is_some() { "  end\n" } else { "" };
    if let (Some(cut), Some(first), Some(last)) = (cut, lanes.first(), lanes.last()) {
        text += &format!("  Note over {},{}: {}\n", alias(*first), alias(*last), plain(&cut));
    }
    steps.iter().for_each(|step| text += &format!("  {}\n", step.line));
    text
}

/// A line of the diagram.
struct Step {
    index: u64,
    from: Address,
    to: Option<Address>,
    line: String,
}

impl Step {
    fn lanes(&self) -> impl Iterator<Item = Address> {
        [Some(self.from), self.to].into_iter().flatten()
    }
}

struct Drawing<'a> {
    names: &'a Names,
    marked: &'a [u64],
}

impl Drawing<'_> {
    fn step(&self, index: Cause, event: &Event) -> Option<Step> {
        let here = |process: ProcessRef| Address { node: event.node, process };
        match &event.what {
            What::Booted(_)
            | What::Down(_)
            | What::Failed(_)
            | What::Rotted(..)
            | What::BackedUp(_)
            | What::Restored(_)
            | What::WriteRefused
            | What::ClockJumped(_) => Some(self.note(index, event, here(ProcessRef::KERNEL))),
            What::Started(life) | What::Killed(life) | What::Lost(life) => {
                Some(self.note(index, event, here(life.process)))
            }
            What::Exited(life, Exit::Returned | Exit::Panicked, _) => Some(self.note(index, event, here(life.process))),
            What::StateDurable(process, _) => Some(self.note(index, event, here(*process))),
            What::Durable(change) => {
                let (Change::Put(process, _) | Change::Remove(process)) = &**change;
                Some(self.note(index, event, here(*process)))
            }
            What::Received(_, message, _) | What::ModuleReceived(_, message) => {
                let arrow = if message.is_request() { "->>" } else { "-->>" };
                Some(self.arrow(index, message, arrow, body(message)))
            }
            What::Command(message, _) => Some(self.arrow(index, message, "->>", line_text(event, self.names))),
            What::Dropped(message, reason) => {
                let arrow = if message.is_request() { "-x" } else { "--x" };
                Some(self.arrow(index, message, arrow, format!("dropped: {}", reason.text())))
            }
            What::NetworkLost(message) => Some(self.arrow(index, message, "-x", "lost by the network".to_string())),
            What::NetworkOffline(message) => Some(self.arrow(index, message, "-x", "node is offline".to_string())),
            What::ReceivedError(life, ..) => Some(self.note(index, event, here(life.process))),
            // What broke the rule is shown, whatever it is.
            what if self.marked.contains(&index.0) => {
                let process = what.life().map(|life| life.process).or(what.message().map(|m| m.source.process));
                Some(self.note(index, event, here(process.unwrap_or(ProcessRef::KERNEL))))
            }
            _ => None,
        }
    }

    fn note(&self, index: Cause, event: &Event, over: Address) -> Step {
        let text = self.label(index, &line_text(event, self.names));
        Step { index: index.0, from: over, to: None, line: format!("Note over {}: {text}", alias(over)) }
    }

    fn arrow(&self, index: Cause, message: &Message, arrow: &str, text: String) -> Step {
        let text = self.label(index, &text);
        let (from, to) = (message.source, message.target);
        let line = format!("{}{arrow}{}: {text}", alias(from), alias(to));
        Step { index: index.0, from, to: Some(to), line }
    }

    fn label(&self, index: Cause, text: &str) -> String {
        let mark = if self.marked.contains(&index.0) { ">>> " } else { "" };
        plain(&format!("{mark}{} {text}", index.0))
    }
}

/// A participant's name: nothing of the run's text goes into the syntax.
fn alias(lane: Address) -> String {
    format!("n{}p{}", lane.node.0, lane.process.0)
}

fn body(message: &Message) -> String {
    match std::str::from_utf8(message.body()) {
        Ok(text) => text.to_string(),
        Err(_) => format!("{} bytes", message.body().len()),
    }
}

/// A text that Mermaid shows as it is: letters, digits and a few signs stay, all else becomes a character code.
fn plain(text: &str) -> String {
    let clipped: String = text.chars().take(LABEL_MAX).collect();
    let more = if text.chars().count() > LABEL_MAX { "…" } else { "" };
    let each = |c: char| match c {
        c if c.is_alphanumeric() || " .,/@_'()?!+*=…".contains(c) => c.to_string(),
        ':' | '-' if text.len() > 1 => c.to_string(),
        c if c.is_control() => " ".to_string(),
        c => format!("#{};", c as u32),
    };
    let text: String = clipped.chars().map(each).collect();
    // A label may not be empty, and `end` alone would close a block.
    let text = text + more;
    match text.trim() {
        "" => "(nothing)".to_string(),
        word if word.eq_ignore_ascii_case("end") => format!("({word})"),
        _ => text,
    }
}
