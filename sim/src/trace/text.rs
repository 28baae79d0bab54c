//! Events as lines for people.

use crate::outside::visit::Sight;
use crate::trace::body::body_text;
use crate::trace::event::{Event, Life, What};
use kernel_core::command::{Command, CommandAnswer};
use kernel_core::{
    Address, Answer, Capability, Cause, Change, Content, Duration, Exit, Instant, Message, Names, OnExit, ProcessRef,
    SendErrorKind, SpawnError,
};
use std::rc::Rc;

/// How many messages that were lost with one event are shown.
const LOST_SHOWN: usize = 3;

/// One event as a line: time, index, node, process, what happened. A long body is cut.
pub fn line(index: Cause, event: &Event, names: &Names) -> String {
    let time = time_text(event.at);
    let node = names.node_text(event.node);
    format!("{time:>12}s #{:<5} {node} {}", index.0, line_text(event, names))
}

/// What was lost with an event, a line for each message up to a few.
pub fn lost_text(lost: &[&Rc<Message>], names: &Names) -> Vec<String> {
    let text = |message: &&Rc<Message>| {
        let (source, target) = (names.process_text(message.source.process), names.process_text(message.target.process));
        format!("lost in the mailbox of {target}: #{} from {source}: {}", message.cause.0, body_text(message.body()))
    };
    let more = lost.len().saturating_sub(LOST_SHOWN);
    let more = (more > 0).then(|| format!("… and {more} more lost in the same way"));
    lost.iter().take(LOST_SHOWN).map(text).chain(more).collect()
}

/// The same without time, index and node.
pub fn line_text(event: &Event, names: &Names) -> String {
    let who = event.what.life().map(|life| format!("{} ", life_text(life, names))).unwrap_or_default();
    format!("{who}{}", what_text(event, names))
}

/// A time in seconds, to the microsecond.
pub fn time_text(at: Instant) -> String {
    let micros = at.0 / 1_000;
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// `counter:demo:alice.os/2`: a process and the number of its life.
pub fn life_text(life: Life, names: &Names) -> String {
    format!("{}/{}", names.process_text(life.process), life.number)
}

fn what_text(event: &Event, names: &Names) -> String {
    let process = |process: &ProcessRef| names.process_text(*process).to_string();
    let from = |message: &Message| format!("#{} from {}", message.cause.0, short(message.source, event, names));
    match &event.what {
        What::Booted(n) => format!("boots, for the {} time", nth(*n)),
        What::Down(down) => format!("goes down: {}", down.name()),
        What::Failed(text) => format!("FAILED by itself: {text}"),
        What::Started(_) => "starts".to_string(),
        What::Exited(_, Exit::Returned, _) => "returns from init".to_string(),
        What::Exited(_, Exit::Panicked, words) => format!("panics: {}", last_line(&words.text)),
        What::Killed(_) => "is killed".to_string(),
        What::Lost(_) => "is lost with its node".to_string(),
        What::Called(_, call, _) => format!("calls {}", call.name()),
        What::Printed(_, _, text) => format!("prints {text:?}"),
        What::SetsOnExit(_, value) => format!("sets on-exit {}", on_exit_text(value, event, names)),
        What::SavesState(_, Some(bytes)) => format!("saves state {}", body_text(bytes)),
        What::SavesState(_, None) => "clears its state".to_string(),
        What::SavesCapabilities(_, list) => format!("keeps {}", capabilities_text(list, names)),
        What::DropsCapabilities(_, list) => format!("drops {}", capabilities_text(list, names)),
        What::Spawns(_, spawn) => {
            let name = spawn.name.as_deref().unwrap_or("a child");
            format!("spawns {name} from {} as {:?}", spawn.path, spawn.on_exit.kind())
        }
        What::Returned(_, call) => format!("{} returned", call.name()),
        What::Learned(_, call, answer) => format!("{} returned{}", call.name(), answer_text(answer, event, names)),
        What::ReadState(_, Some(bytes)) => format!("read state {}", body_text(bytes)),
        What::ReadState(_, None) => "read state: none".to_string(),
        What::Spawned(_, Ok(child)) => format!("spawned {}", process(child)),
        What::Spawned(_, Err(SpawnError::NameTaken)) => "could not spawn: name taken".to_string(),
        What::Spawned(_, Err(SpawnError::NoFileAtPath)) => "could not spawn: no file at path".to_string(),
        What::Spun(_, span) => format!("computed for {span} without a call"),
        What::Sent(message) => {
            let what = match &message.content {
                Content::Request(request) => match request.expects_response {
                    Some(seconds) => format!("asks (within {seconds}s)"),
                    None => "tells".to_string(),
                },
                Content::Response(_) => "answers".to_string(),
            };
            let source = short(message.source, event, names);
            format!("{source} {what} {}: {}", short(message.target, event, names), body_text(message.body()))
        }
        What::Command(message, command) => {
            format!("{} commands: {}", short(message.source, event, names), command_text(command, names))
        }
        What::InvalidCode(message) => format!("#{} brings no valid code", message.cause.0),
        What::CommandAnswered(message, answer) => {
            let target = short(message.target, event, names);
            match &**answer {
                CommandAnswer::KilledProcess(id) => format!("kernel answers {target}: KilledProcess {id}"),
                other => format!("kernel answers {target}: {other:?}"),
            }
        }
        What::Received(_, message, _) if message.is_request() => {
            format!("receives request {}: {}", from(message), body_text(message.body()))
        }
        What::Received(_, message, _) => format!("receives response {}: {}", from(message), body_text(message.body())),
        What::ReceivedError(_, kind, message, _) => {
            let target = short(message.target, event, names);
            format!("learns that #{} to {target} met {}", message.cause.0, error_text(*kind))
        }
        What::ModuleReceived(module, message) => {
            format!("{} receives {}: {}", process(module), from(message), body_text(message.body()))
        }
        What::ModuleReceivedError(module, kind, message) => {
            format!("{} learns that #{} met {}", process(module), message.cause.0, error_text(*kind))
        }
        What::Dropped(message, reason) => {
            let target = short(message.target, event, names);
            format!("dropped {} to {target}: {}", from(message), reason.text())
        }
        What::NetworkLost(message) => format!("network lost {}", from(message)),
        What::NetworkOffline(message) => format!("network cannot reach {}", short(message.target, event, names)),
        What::Arrived(message) => format!("arrives {}", from(message)),
        What::Unmodelled(module, text) => format!("{} was asked for what is not modelled: {text}", process(module)),
        What::Visited(visit) => format!("visitor: {visit}"),
        What::Shown(sight) => match &**sight {
            Sight::Served(..) => format!("web: {sight}"),
            _ => format!("visitor: {sight}"),
        },
        What::News(news) => format!("chain: {news}"),
        What::Durable(change) => match &**change {
            Change::Put(id, record) => {
                let caps = record.capabilities.len();
                format!("durable: {} {:?}, {caps} capabilities", process(id), record.on_exit.kind())
            }
            Change::Remove(id) => format!("durable: {} is gone", process(id)),
        },
        What::StateDurable(id, Some(bytes)) => format!("durable: state of {} {}", process(id), body_text(bytes)),
        What::StateDurable(id, None) => format!("durable: state of {} cleared", process(id)),
        What::WriteRefused => "disk refused a write".to_string(),
        What::IoRefused(module, fault) => format!("disk refuses {} an access: {fault}", process(module)),
        What::ClockJumped(nanos) => {
            let span = Duration(nanos.unsigned_abs());
            format!("its clock jumps {} by {span}", if *nanos < 0 { "back" } else { "forth" })
        }
        What::StoreChecked(module, path, None) => format!("{} finds {path} sound", process(module)),
        What::StoreChecked(module, path, Some(trouble)) => {
            format!("{} finds {path} broken: {}", process(module), body_text(trouble.as_bytes()))
        }
        What::Rotted(path, byte) => format!("disk rots: byte {byte} of {path}"),
        What::BackedUp(n) => format!("disk is backed up, for the {} time", nth(*n)),
        What::Restored(n) => format!("disk is swapped for its {} backup", nth(*n)),
        What::Script(line) => format!("script line {}", line + 1),
        What::Lifted => "the storm is over".to_string(),
    }
}

/// An address as seen from the event's node: without the node if it is the same.
fn short(address: Address, event: &Event, names: &Names) -> String {
    if address.node == event.node {
        names.process_text(address.process).to_string()
    } else {
        names.address_text(address)
    }
}

fn capabilities_text(list: &[Capability], names: &Names) -> String {
    let text = |c: &Capability| format!("{} of {}", names.params_text(c.params), names.address_text(c.issuer));
    match list {
        [] => "nothing".to_string(),
        list => list.iter().map(text).collect::<Vec<_>>().join(", "),
    }
}

fn answer_text(answer: &Answer, event: &Event, names: &Names) -> String {
    match answer {
        Answer::OnExit(value) => format!(" {}", on_exit_text(value, event, names)),
        Answer::Capabilities(list) => format!(" {}", capabilities_text(list, names)),
        Answer::HasBlob(has) => format!(" {has}"),
        Answer::Blob(Some(blob)) => format!(" {}", body_text(&blob.bytes)),
        Answer::Blob(None) => " none".to_string(),
        Answer::Init(_)
        | Answer::Our(_)
        | Answer::State(_)
        | Answer::Done
        | Answer::Spawned(_)
        | Answer::Received(_)
        | Answer::Awaited(_) => String::new(),
    }
}

fn on_exit_text(value: &OnExit, event: &Event, names: &Names) -> String {
    match value {
        OnExit::None => "None".to_string(),
        OnExit::Restart => "Restart".to_string(),
        OnExit::Requests(list) => {
            let each =
                list.iter().map(|r| format!("{}: {}", short(r.target, event, names), body_text(&r.request.body)));
            format!("Requests [{}]", each.collect::<Vec<_>>().join(", "))
        }
    }
}

fn command_text(command: &Command, names: &Names) -> String {
    let name = |process: &ProcessRef| names.process_text(*process);
    match command {
        Command::Initialize(init) => format!("InitializeProcess {} {:?}", name(&init.id), init.on_exit.kind()),
        Command::Run(id) => format!("RunProcess {}", name(id)),
        Command::Kill(id) => format!("KillProcess {}", name(id)),
        Command::Grant(id, list) => format!("GrantCapabilities {} {}", name(id), list.len()),
        Command::Drop(id, list) => format!("DropCapabilities {} {}", name(id), list.len()),
        Command::SetOnExit(id, value) => format!("SetOnExit {} {:?}", name(id), value.kind()),
        Command::Shutdown => "Shutdown".to_string(),
        Command::Booted => "Booted".to_string(),
        Command::Debug(_) => "Debug".to_string(),
    }
}

fn error_text(kind: SendErrorKind) -> &'static str {
    match kind {
        SendErrorKind::Offline => "offline",
        SendErrorKind::Timeout => "timeout",
    }
}

fn nth(n: u32) -> String {
    let suffix = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        (_, _) => "th",
    };
    format!("{n}{suffix}")
}

fn last_line(text: &str) -> &str {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("note:")).unwrap_or("")
}
