//! A trace in the Trace Event Format, which Perfetto (ui.perfetto.dev) and `chrome://tracing` open: nodes are its
//! processes, processes its threads, lives and calls its slices, messages its flows.

use crate::trace::event::{Event, Life, What};
use crate::trace::line_text;
use kernel_core::{Address, Cause, Instant, Message, Names, NodeId, ProcessRef};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How long the slice of an event without a duration is, in nanoseconds: shorter than a call.
const TICK: u64 = 1_000;

/// The whole trace as JSON.
pub fn perfetto<'a>(events: impl Iterator<Item = &'a (Cause, Event)>, names: &Names) -> String {
    let mut writer =
        Writer { names, out: Vec::new(), threads: BTreeMap::new(), open: BTreeMap::new(), ways: Vec::new() };
    let mut end = Instant::default();
    for (index, event) in events {
        writer.event(*index, event);
        end = event.at;
    }
    let open = std::mem::take(&mut writer.open);
    for ((node, process), life) in open {
        writer.end_life(node, process, life, end, "still running at the end of the run");
    }
    writer.name_threads();
    let lines: Vec<String> = writer.out.iter().map(Value::to_string).collect();
    format!("{{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n{}\n]}}\n", lines.join(",\n"))
}

/// A life that is under way.
struct Open {
    life: Life,
    from: Instant,
    /// The call that waits for its answer.
    call: Option<(&'static str, Instant)>,
}

struct Writer<'a> {
    names: &'a Names,
    out: Vec<Value>,
    threads: BTreeMap<(NodeId, ProcessRef), ()>,
    open: BTreeMap<(NodeId, ProcessRef), Open>,
    /// Messages under way, with the number of their flow.
    ways: Vec<Rc<Message>>,
}

impl Writer<'_> {
    fn event(&mut self, index: Cause, event: &Event) {
        let (node, at) = (event.node, event.at);
        let text = line_text(event, self.names);
        let args = json!({"event": index.0, "cause": event.cause.0, "text": text});
        match &event.what {
            What::Started(life) => {
                self.open.insert((node, life.process), Open { life: *life, from: at, call: None });
            }
            What::Called(life, call, _) if call.has_answer() => {
                if let Some(open) = self.open.get_mut(&(node, life.process)) {
                    open.call = Some((call.name(), at));
                }
            }
            What::Exited(life, ..) | What::Killed(life) | What::Lost(life) => {
                if let Some(open) = self.open.remove(&(node, life.process)) {
                    self.end_life(node, life.process, open, at, &text);
                }
            }
            What::Sent(message) => {
                self.slice(event, message.source.process, at, TICK, &text, "message", args);
                self.ways.push(message.clone());
                self.flow("s", message, message.source, at);
            }
            What::Received(life, message, _) | What::ReceivedError(life, _, message, _) => {
                self.end_call(node, life.process, at);
                self.slice(event, life.process, at, TICK, &text, "message", args);
                if !matches!(event.what, What::ReceivedError(..)) {
                    self.flow("f", message, Address { node, process: life.process }, at);
                }
            }
            What::ModuleReceived(module, message) => {
                self.slice(event, *module, at, TICK, &text, "message", args);
                self.flow("f", message, Address { node, process: *module }, at);
            }
            What::Command(message, _) => {
                self.slice(event, ProcessRef::KERNEL, at, TICK, &text, "command", args);
                self.flow("f", message, Address { node, process: ProcessRef::KERNEL }, at);
            }
            What::Returned(life, _) | What::Learned(life, ..) | What::ReadState(life, _) | What::Spawned(life, _) => {
                self.end_call(node, life.process, at)
            }
            what => {
                let thread = what.life().map(|life| life.process).or_else(|| what.message().map(|m| m.source.process));
                let scope = if thread.is_some() { "t" } else { "p" };
                let thread = thread.unwrap_or(ProcessRef::KERNEL);
                self.threads.insert((node, thread), ());
                self.out.push(json!({
                    "ph": "i", "s": scope, "name": text, "cat": format!("{:?}", what.kind()),
                    "ts": micros(at.0), "pid": node.0 + 1, "tid": thread.0 + 1, "args": args,
                }));
            }
        }
    }

    #[allow(clippy::too_many_arguments)] // A slice has so many parts.
    fn slice(&mut self, event: &Event, thread: ProcessRef, at: Instant, span: u64, name: &str, cat: &str, args: Value) {
        self.threads.insert((event.node, thread), ());
        self.out.push(json!({
            "ph": "X", "name": name, "cat": cat, "ts": micros(at.0), "dur": micros(span),
            "pid": event.node.0 + 1, "tid": thread.0 + 1, "args": args,
        }));
    }

    /// One end of a message's flow.
    fn flow(&mut self, end: &str, message: &Rc<Message>, at: Address, when: Instant) {
        let same = |other: &Rc<Message>| {
            Rc::ptr_eq(other, message)
                || (other.cause, other.id, other.target) == (message.cause, message.id, message.target)
        };
        let Some(id) = self.ways.iter().rposition(same) else { return };
        self.threads.insert((at.node, at.process), ());
        let mut flow = json!({
            "ph": end, "id": id + 1, "name": "message", "cat": "message", "ts": micros(when.0),
            "pid": at.node.0 + 1, "tid": at.process.0 + 1,
        });
        if end == "f" {
            flow["bp"] = json!("e");
        }
        self.out.push(flow);
    }

    fn end_call(&mut self, node: NodeId, process: ProcessRef, at: Instant) {
        let call = self.open.get_mut(&(node, process)).and_then(|open| open.call.take());
        if let Some((name, from)) = call {
            self.out.push(json!({
                "ph": "X", "name": name, "cat": "call", "ts": micros(from.0), "dur": micros((at - from).0),
                "pid": node.0 + 1, "tid": process.0 + 1,
            }));
        }
    }

    fn end_life(&mut self, node: NodeId, process: ProcessRef, open: Open, at: Instant, how: &str) {
        self.open.insert((node, process), open);
        self.end_call(node, process, at);
        let Some(Open { life, from, .. }) = self.open.remove(&(node, process)) else { return };
        self.threads.insert((node, process), ());
        self.out.push(json!({
            "ph": "X", "name": format!("life {}", life.number), "cat": "life", "ts": micros(from.0),
            "dur": micros((at - from).0), "pid": node.0 + 1, "tid": process.0 + 1, "args": {"end": how},
        }));
    }

    fn name_threads(&mut self) {
        let mut nodes: Vec<NodeId> = self.threads.keys().map(|(node, _)| *node).collect();
        nodes.dedup();
        let node_names = nodes.into_iter().map(|node| {
            let name = self.names.node_text(node);
            json!({"ph": "M", "name": "process_name", "pid": node.0 + 1, "args": {"name": name}})
        });
        let thread_names = self.threads.keys().map(|(node, process)| {
            let name = self.names.process_text(*process);
            json!({
                "ph": "M", "name": "thread_name", "pid": node.0 + 1, "tid": process.0 + 1, "args": {"name": name},
            })
        });
        let all: Vec<Value> = node_names.chain(thread_names).collect();
        self.out.extend(all);
    }
}

/// Nanoseconds as the microseconds of the format, exactly.
fn micros(nanos: u64) -> Value {
    let text = format!("{}.{:03}", nanos / 1_000, nanos % 1_000);
    serde_json::from_str(&text).expect("digits with a point are a number")
}
