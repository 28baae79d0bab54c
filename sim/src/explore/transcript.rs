//! What happened in a run, as a person wants to read it: time, node, process, event, and nothing that another line says
//! as well. Made to be kept in a file and compared: two runs that do the same have the same text.

use crate::scenario::{Action, Line, Scenario, When};
use crate::trace;
use crate::trace::event::{Event, What};
use crate::world::Run;
use kernel_core::{Address, CallKind, Cause, Change, Duration, Instant, Message, MessageId, ProcessRef};
use std::collections::{BTreeMap, BTreeSet};

impl Run {
    /// What happened, as text to read and to keep: the setup as it was written, then the events from the first line of
    /// the script on, with times counted from there. The run must have kept its events
    /// ([`Sim::keeping_events`](crate::Sim::keeping_events)); otherwise the text says how many are missing.
    ///
    /// It leaves out indices, what a process calls if its effect is told, what is received as soon as it is sent, and the
    /// table's row of the terminal. Repetitions are folded. Names of the package that most processes belong to, and of
    /// the runtime's, are short: `counter` for `counter:demo:alice.os`.
    ///
    /// ```
    /// use sim::prelude::*;
    ///
    /// async fn greeter(os: Os) {
    ///     while let Some(request) = os.receive().await.request() {
    ///         os.print(0, &String::from_utf8_lossy(request.body()));
    ///     }
    /// }
    ///
    /// let it = on("alice.os", "greeter:demo:alice.os");
    /// let scenario = Scenario::new("greeting", "A process prints what it is told.")
    ///     .programs([Program::native("greeter", greeter)])
    ///     .setup(start(it.runs("greeter")))
    ///     .at(secs(1), tell(&it, "hello"))
    ///     .lasting(secs(2), secs(1));
    /// // `insta::assert_snapshot!` takes it as it is.
    /// let text = Sim::of(&scenario).transcript(&Plan::default());
    /// assert!(text.contains("1.000s alice.os greeter/1 prints \"hello\""), "{text}");
    /// ```
    pub fn transcript(&self, scenario: &Scenario) -> String {
        let events: Vec<&(Cause, Event)> = self.trace.events().collect();
        let n_missing = self.trace.len() - events.len() as u64;
        let begins = events.iter().position(|(_, event)| matches!(event.what, What::Script(_))).unwrap_or(0);
        let origin = origin(scenario, &events);
        let teller = Teller { scenario, run: self, sent: sent(&events) };
        let happened = (begins..events.len())
            .filter_map(|index| {
                let line = teller.line(&events[index..])?;
                Some(format!("{} {line}", time(events[index].1.at, origin)))
            })
            .collect();
        let setup = scenario.setup.iter().map(|action| format!("{:>12} {action}", "at first"));
        let missing = (n_missing > 0).then(|| format!("{:>12} ({n_missing} events were not kept)", ""));
        let lines = setup.chain([String::new()]).chain(missing).chain(fold(happened));
        let packages = short_packages(self);
        lines.map(|line| without_packages(&line, &packages)).collect::<Vec<_>>().join("\n")
    }
}

/// When each message was sent, by its sender and number.
fn sent(events: &[&(Cause, Event)]) -> BTreeMap<(Address, MessageId), Instant> {
    let mut sent = BTreeMap::new();
    for (_, event) in events {
        if let What::Sent(message) = &event.what {
            sent.entry((message.source, message.id)).or_insert(event.at);
        }
    }
    sent
}

/// The end of the setup, from which the script counts its times.
fn origin(scenario: &Scenario, events: &[&(Cause, Event)]) -> Instant {
    let begins = events.iter().find_map(|(_, event)| match event.what {
        What::Script(n) => match scenario.script.get(n as usize)?.when {
            When::At(after) => Some(Instant(event.at.0.saturating_sub(after.0))),
            When::Event(..) => None,
        },
        _ => None,
    });
    begins.unwrap_or_default()
}

/// What is told of a run's events.
struct Teller<'r> {
    scenario: &'r Scenario,
    run: &'r Run,
    sent: BTreeMap<(Address, MessageId), Instant>,
}

impl Teller<'_> {
    /// The first of these events as a line, unless others say it as well.
    fn line(&self, events: &[&(Cause, Event)]) -> Option<String> {
        let (index, event) = events.first()?;
        if self.says_nothing_new(event, events.get(1).map(|(_, next)| next)) {
            return None;
        }
        if let What::Script(n) = event.what {
            return Some(script_line(self.scenario.script.get(n as usize)?));
        }
        // Time, index, node, the rest. An index would change with every event that is added before it.
        let full = trace::line(*index, event, &self.run.names);
        let rest = full.split_once('#').and_then(|(_, rest)| rest.split_once(' ')).map(|(_, rest)| rest.trim_start());
        Some(without_indices(rest.unwrap_or(&full)))
    }

    /// An owner's messages and commands are printed when they are sent, calls by what they do, and what is received at
    /// once by its sending. The row of the terminal changes with every process that it starts.
    fn says_nothing_new(&self, event: &Event, next: Option<&Event>) -> bool {
        match &event.what {
            What::Script(n) => match self.scenario.script.get(*n as usize) {
                Some(Line { when: When::Event(..), .. }) => false,
                Some(Line { action, .. }) => {
                    matches!(action, Action::Tell(..) | Action::Ask(..) | Action::Run(_) | Action::Kill(_))
                }
                None => true,
            },
            What::Called(_, call, _) => !matches!(call, CallKind::SaveCapabilities | CallKind::DropCapabilities),
            What::Returned(..) | What::Learned(..) | What::Spawns(..) => true,
            // Said by the call itself.
            What::SavesCapabilities(..) | What::DropsCapabilities(..) => true,
            What::Sent(_) => {
                next.is_some_and(|next| matches!(next.what, What::Command(..) | What::CommandAnswered(..)))
            }
            What::Received(_, message, _) | What::ModuleReceived(_, message) => self.sent_at(message) == Some(event.at),
            What::Durable(change) => matches!(**change, Change::Put(ProcessRef::TERMINAL, _)),
            _ => false,
        }
    }

    /// When a message was sent, if that was on the node it is for.
    fn sent_at(&self, message: &Message) -> Option<Instant> {
        let at_home = message.source.node == message.target.node;
        self.sent.get(&(message.source, message.id)).copied().filter(|_| at_home)
    }
}

fn script_line(line: &Line) -> String {
    match &line.when {
        When::At(_) => format!("owner: {}", line.action),
        When::Event(kind, process, n) => format!("owner, at {kind:?} #{n} of {process}: {}", line.action),
    }
}

/// In milliseconds. What happens before the script begins has no time of its own.
fn time(at: Instant, origin: Instant) -> String {
    let millis = Duration(at.0.saturating_sub(origin.0)).0 / 1_000_000;
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

/// The packages whose processes go by their own names: the runtime's, and the one that most processes belong to.
fn short_packages(run: &Run) -> Vec<String> {
    let processes: BTreeSet<&str> = run.processes.iter().map(|(_, process)| process.as_str()).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for package in processes.iter().filter_map(|process| Some(process.split_once(':')?.1)) {
        *counts.entry(package).or_default() += 1;
    }
    // Of several that have as many, the first by name.
    let most = counts.iter().rev().max_by_key(|(_, count)| **count).map(|(package, _)| *package);
    ["distro:sys"].into_iter().chain(most).map(|package| format!(":{package}")).collect()
}

/// A line with short names. What is quoted stays as it is.
fn without_packages(line: &str, packages: &[String]) -> String {
    let shorten = |part: &str| packages.iter().fold(part.to_string(), |part, package| part.replace(package, ""));
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
