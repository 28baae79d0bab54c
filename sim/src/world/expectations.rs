//! What a scenario expects of a calm run: noted as it is seen, and asked for at the end.

use super::World;
use crate::invariant::{Claim, Violation};
use crate::outside::visit::{Frame, FrameKind, Sight};
use crate::scenario::{Expect, On};
use crate::trace::event::{Event, What};
use kernel_core::{NodeId, ProcessRef};

/// The rule behind a scenario's own expectations.
const SCENARIO: Claim = Claim::own("story", "a calm run goes as the scenario tells it");

impl World<'_> {
    /// Notes which expectations an event meets.
    pub(super) fn note_expected(&mut self, event: &Event) {
        if let What::Shown(sight) = &event.what {
            return self.note_seen(event.node, sight);
        }
        let (process, said) = match &event.what {
            What::Printed(life, _, text) => (life.process, text.as_bytes()),
            What::ModuleReceived(ProcessRef::TERMINAL, message) => (message.source.process, &message.body()[..]),
            _ => return,
        };
        let printed = matches!(event.what, What::Printed(..));
        for (expect, met) in self.scenario.expect.iter().zip(&mut self.met) {
            let (on, text) = match expect {
                Expect::Prints(on, text, _) if printed => (on, text),
                Expect::Answers(on, body) if !printed => (on, body),
                _ => continue,
            };
            let fits = on.node == self.names.node_text(event.node) && on.process == self.names.process_text(process);
            *met += u32::from(fits && text.as_bytes() == said);
        }
    }

    /// Notes which expectations are met by what is seen from outside.
    fn note_seen(&mut self, node: NodeId, sight: &Sight) {
        let here = self.names.node_text(node);
        let says = |frame: &Frame, text: &str| frame.kind == FrameKind::Text && frame.bytes == text.as_bytes();
        for (expect, met) in self.scenario.expect.iter().zip(&mut self.met) {
            let fits = match (expect, sight) {
                (Expect::Serves(node, asked, status, body, _), Sight::Http(method, path, got, _, bytes)) => {
                    let same = *asked == format!("{method} {path}") && status == got;
                    node == here && same && body.as_bytes() == &bytes[..]
                }
                (Expect::Pushes(node, socket, text, _), Sight::Frame(at, frame)) => {
                    node == here && socket == at && says(frame, text)
                }
                (Expect::Hears(node, url, text, _), Sight::Served(at, frame)) => {
                    node == here && url == at && says(frame, text)
                }
                (_, _) => false,
            };
            *met += u32::from(fits);
        }
    }

    /// What the scenario expects of a calm run by its own rules; of any other it expects nothing.
    pub(super) fn check_expectations(&mut self) {
        if !self.chooser.was_calm() || self.options.semantics.is_some() {
            return;
        }
        for (expect, met) in self.scenario.expect.iter().zip(self.met.clone()) {
            if let Some(facts) = self.missed(expect, met) {
                self.recorder.add(Violation { claim: SCENARIO, facts, at: None, began: None });
            }
        }
    }

    /// What is wrong about an expectation that was seen met so often.
    fn missed(&mut self, expect: &Expect, met: u32) -> Option<String> {
        let counted = |n: u32, saw: String| (met != n).then(|| format!("{saw} {met} times and not {n}"));
        match expect {
            Expect::Serves(node, asked, status, body, n) => {
                counted(*n, format!("{asked} at {node} got {status} {body:?}"))
            }
            Expect::Pushes(node, socket, text, n) => {
                counted(*n, format!("WebSocket `{socket}` at {node} got {text:?}"))
            }
            Expect::Hears(node, url, text, n) => counted(*n, format!("{url} got {text:?} from {node}")),
            Expect::Prints(on, text, n) => counted(*n, format!("{on} printed {text:?}")),
            Expect::Answers(on, body) => (met == 0).then(|| format!("{on} never answered {body:?}")),
            Expect::Alive(on) => (!self.has(on)).then(|| format!("{on} is gone")),
            Expect::Gone(on) => self.has(on).then(|| format!("{on} is still there")),
            Expect::Lives(on, n) => {
                let process = self.names.process(&on.process);
                let had = self.node_index(&on.node).map_or(0, |node| self.nodes[node].lives_of(process));
                (had != *n).then(|| format!("{on} had {had} lives and not {n}"))
            }
        }
    }

    /// Whether a process is in its node's table.
    fn has(&mut self, on: &On) -> bool {
        let process = self.names.process(&on.process);
        let up = self.node_index(&on.node).ok().and_then(|node| self.nodes[node].up.as_ref());
        up.is_some_and(|up| up.kernel.guests().any(|(id, _)| id == process))
    }
}
