//! A calm run as a person wants to read it: time, node, process, event, and nothing that another line says as well.

use kernel_core::{CallKind, Cause, Duration, Instant, Message};
use sim::scenario::{Action, Line, Scenario, When};
use sim::trace;
use sim::trace::event::{Event, What};
use sim::world::Run;

/// The setup as it was written, then what happened from the first line of the script on.
pub fn tell(scenario: &Scenario, run: &Run) -> String {
    let events: Vec<&(Cause, Event)> = run.trace.events().collect();
    let begins = events.iter().position(|(_, event)| matches!(event.what, What::Script(_))).unwrap_or(0);
    let origin = origin(scenario, &events);
    let happened = (begins..events.len())
        .filter_map(|index| {
            let said = line(scenario, run, &events[index..])?;
            Some(format!("{} {said}", time(events[index].1.at - origin)))
        })
        .collect();
    let setup = scenario.setup.iter().map(|action| format!("{:>12} {action}", "at first"));
    let lines: Vec<String> = setup.chain([String::new()]).chain(fold(happened)).collect();
    lines.iter().map(|line| without_packages(line)).collect::<Vec<_>>().join("\n")
}

/// The end of the setup, from which the script counts its times.
fn origin(scenario: &Scenario, events: &[&(Cause, Event)]) -> Instant {
    let begins = events.iter().find_map(|(_, event)| match event.what {
        What::Script(n) => match scenario.script[n as usize].when {
            When::At(after) => Some(Instant((event.at - Instant(after.0)).0)),
            When::Event(..) => None,
        },
        _ => None,
    });
    begins.unwrap_or_default()
}

/// The first of these events as a line, unless others say it as well.
fn line(scenario: &Scenario, run: &Run, events: &[&(Cause, Event)]) -> Option<String> {
    let (index, event) = events.first()?;
    if says_nothing_new(event, events.get(1).map(|(_, next)| next), scenario, run) {
        return None;
    }
    if let What::Script(n) = event.what {
        return Some(script_line(scenario, n));
    }
    // Time, index, node, the rest. An index would change with every event that is added before it.
    let full = trace::line(*index, event, &run.names);
    let rest = full.split_once('#').and_then(|(_, rest)| rest.split_once(' ')).map(|(_, rest)| rest.trim_start());
    Some(without_indices(rest.unwrap_or(&full)))
}

fn script_line(scenario: &Scenario, n: u32) -> String {
    let line = &scenario.script[n as usize];
    match &line.when {
        When::At(_) => format!("owner: {}", line.action),
        When::Event(kind, process, n) => format!("owner, at {kind:?} #{n} of {process}: {}", line.action),
    }
}

/// An owner's messages and commands are printed when they are sent, calls by what they do, and what is received at once
/// by its sending.
fn says_nothing_new(event: &Event, next: Option<&Event>, scenario: &Scenario, run: &Run) -> bool {
    match &event.what {
        What::Script(n) => match scenario.script[*n as usize] {
            Line { when: When::Event(..), .. } => false,
            Line { action: Action::Tell(..) | Action::Ask(..) | Action::Run(_) | Action::Kill(_), .. } => true,
            _ => false,
        },
        What::Called(_, call, _) => !matches!(call, CallKind::SaveCapabilities | CallKind::DropCapabilities),
        What::Returned(..) | What::Learned(..) | What::Spawns(..) => true,
        // Said by the call itself.
        What::SavesCapabilities(..) | What::DropsCapabilities(..) => true,
        What::Sent(_) => next.is_some_and(|next| matches!(next.what, What::Command(..) | What::CommandAnswered(..))),
        What::Received(_, message, _) | What::ModuleReceived(_, message) => sent_at(message, run) == Some(event.at),
        _ => false,
    }
}

/// When a message was sent, if that was on the node it is for.
fn sent_at(message: &Message, run: &Run) -> Option<Instant> {
    if message.source.node != message.target.node {
        return None;
    }
    let same = |other: &Message| other.id == message.id && other.source == message.source;
    let sent = |event: &Event| matches!(&event.what, What::Sent(other) if same(other));
    run.trace.events().find(|(_, event)| sent(event)).map(|(_, event)| event.at)
}

/// In milliseconds.
fn time(since: Duration) -> String {
    let millis = since.0 / 1_000_000;
    format!("{:>7}.{:03}s", millis / 1_000, millis % 1_000)
}

/// Without the numbers of events: `request #12 from` is a request from somebody, any other `#12` a message.
fn without_indices(text: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in text.split(' ') {
        match (is_index(word), words.last()) {
            (true, Some(&("request" | "response"))) => {}
            (true, _) => words.push("a message"),
            (false, _) => words.push(word),
        }
    }
    words.join(" ")
}

fn is_index(word: &str) -> bool {
    word.strip_prefix('#').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// A process by its own name: all are of `demo:alice.os`, or modules of `distro:sys`. What is quoted stays as it is.
fn without_packages(line: &str) -> String {
    let shorten = |part: &str| part.replace(":demo:alice.os", "").replace(":distro:sys", "");
    let (mut text, mut rest) = (String::new(), line);
    while let Some(opening) = rest.find('"') {
        let quoted = &rest[opening + 1..];
        let mut escaped = false;
        let closing = quoted.find(|c| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        let end = opening + 1 + closing.map_or(quoted.len(), |at| at + 1);
        text += &shorten(&rest[..opening]);
        text += &rest[opening..end];
        rest = &rest[end..];
    }
    text + &shorten(rest)
}

/// Lines, or pairs of them, that differ in their time and in the number of the life only are printed once: a spinning
/// process does the same thing every time, and so does a crash loop.
fn fold(lines: Vec<String>) -> Vec<String> {
    let said: Vec<String> = lines.iter().map(|line| without_numbers(line)).collect();
    let n_repeats = |at: usize, period: usize| {
        let first = &said[at..(at + period).min(said.len())];
        said[at..].chunks_exact(period).take_while(|next| *next == first).count().saturating_sub(1)
    };
    let (mut folded, mut at) = (Vec::new(), 0);
    while at < lines.len() {
        let (period, repeats) = match (n_repeats(at, 1), n_repeats(at, 2)) {
            (0 | 1, 0 | 1) => (1, 0),
            (0 | 1, repeats) => (2, repeats),
            (repeats, _) => (1, repeats),
        };
        folded.extend_from_slice(&lines[at..at + period]);
        if repeats > 0 {
            folded.push(format!("{:>12} and so {repeats} times more", ""));
        }
        at += period * (1 + repeats);
    }
    folded
}

/// What a line says, whenever and in whichever life.
fn without_numbers(line: &str) -> String {
    let said = line.trim_start().split_once(' ').map_or(line, |(_time, said)| said);
    let life = |word: &str| {
        let (process, number) = word.split_once('/')?;
        number.bytes().all(|b| b.is_ascii_digit()).then(|| process.to_string())
    };
    said.split(' ').map(|word| life(word).unwrap_or_else(|| word.to_string())).collect::<Vec<_>>().join(" ")
}
