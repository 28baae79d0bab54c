//! Reading a scenario's lines back from their text.
//!
//! ```text
//! at 250ms: kill alice.os@a:demo:alice.os
//! when Exited a:demo:alice.os #2: tell alice.os@b:demo:alice.os print it is gone
//! ```
//!
//! What a visitor does and what a chain's contract emits prints, but is not read back.

use super::text::unescape;
use super::{Action, Line, On, OnExit, Request, Start, When};
use crate::plan::Down;
use crate::trace::event::Kind;
use kernel_core::{Duration, ProcessId};
use std::str::FromStr;

/// A text that is no line of a script: what is wrong, and what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(pub String);

/// The kinds of events that are about a process: those that a line can wait for.
pub const KINDS: [Kind; 20] = [
    Kind::Started,
    Kind::Exited,
    Kind::Killed,
    Kind::Lost,
    Kind::Called,
    Kind::Printed,
    Kind::SetsOnExit,
    Kind::SavesState,
    Kind::SavesCapabilities,
    Kind::DropsCapabilities,
    Kind::Spawns,
    Kind::Returned,
    Kind::Learned,
    Kind::ReadState,
    Kind::Spawned,
    Kind::Spun,
    Kind::Received,
    Kind::ReceivedError,
    Kind::Durable,
    Kind::StateDurable,
];

/// The words of an action, from the front.
pub(super) struct Words<'a>(pub(super) &'a str);

impl<'a> Words<'a> {
    /// The next word; it must be there, and be this.
    pub(super) fn next(&mut self, what: &str) -> Result<&'a str, ReadError> {
        match self.0.split_once(' ').unwrap_or((self.0, "")) {
            ("", _) => Err(ReadError(format!("{what} is missing"))),
            (word, rest) => {
                self.0 = rest;
                Ok(word)
            }
        }
    }

    /// What is left, as text.
    fn rest(&mut self) -> Result<String, ReadError> {
        text(std::mem::take(&mut self.0))
    }

    /// Whether nothing is left.
    pub(super) fn end(&self) -> Result<(), ReadError> {
        if self.0.is_empty() { Ok(()) } else { Err(ReadError(format!("`{}` is left over", self.0))) }
    }

    fn on(&mut self) -> Result<On, ReadError> {
        let word = self.next("a process, `node@process:package:publisher`,")?;
        let parts = word.split_once('@').filter(|(_, id)| ProcessId::split(id).is_some());
        let (node, id) = parts.ok_or_else(|| ReadError(format!("`{word}` is no `node@process:package:publisher`")))?;
        Ok(On { node: node.to_string(), process: id.to_string() })
    }

    fn process(&mut self) -> Result<String, ReadError> {
        let word = self.next("a process id")?;
        match ProcessId::split(word) {
            Some(_) => Ok(word.to_string()),
            None => Err(ReadError(format!("`{word}` is no `process:package:publisher`"))),
        }
    }

    pub(super) fn duration(&mut self) -> Result<Duration, ReadError> {
        let word = self.next("a duration")?;
        Duration::parse(word).ok_or_else(|| ReadError(format!("`{word}` is no duration, like `250ms`")))
    }

    fn seconds(&mut self) -> Result<u64, ReadError> {
        let word = self.next("a number of seconds")?;
        word.parse().map_err(|_| ReadError(format!("`{word}` is no number of seconds")))
    }

    fn word(&mut self, what: &str) -> Result<String, ReadError> {
        text(self.next(what)?)
    }

    pub(super) fn bytes(&mut self, what: &str) -> Result<Vec<u8>, ReadError> {
        bytes(self.next(what)?)
    }

    fn on_exit(&mut self) -> Result<OnExit, ReadError> {
        match self.next("an on-exit behaviour")? {
            "none" => Ok(OnExit::None),
            "restart" => Ok(OnExit::Restart),
            "requests" => {
                let mut list = Vec::new();
                while !self.0.is_empty() {
                    let target = self.next("a target")?.to_string();
                    list.push((target, self.word("a body")?));
                }
                Ok(OnExit::Requests(list))
            }
            other => Err(ReadError(format!("`{other}` is none of `none`, `restart` and `requests`"))),
        }
    }

    fn start(&mut self) -> Result<Start, ReadError> {
        let mut start = self.on()?.runs(self.next("a program")?);
        while !self.0.is_empty() {
            match self.next("an option")? {
                "public" => start.public = true,
                "network" => start.network = true,
                "messages" => start.may_message.push(self.process()?),
                "holds" => {
                    let issuer = self.process()?;
                    start.holds.push((issuer, self.word("parameters")?));
                }
                // It takes all that is left.
                "on-exit" => start.on_exit = self.on_exit()?,
                other => {
                    let all = "`public`, `network`, `messages`, `holds` and `on-exit`";
                    return Err(ReadError(format!("`{other}` is none of {all}")));
                }
            }
        }
        Ok(start)
    }

    fn request(&mut self) -> Result<Request, ReadError> {
        let mut request = Request::default();
        let mut mime = None;
        loop {
            match self.next("`body`")? {
                "from" => request.from = Some(self.next("a node")?.to_string()),
                "expects" => request.expects = Some(self.seconds()?),
                "mime" => mime = Some(self.word("a MIME type")?),
                "blob" => request.blob = Some((mime.take(), self.bytes("a blob")?.into())),
                "code" => request.code = Some(self.next("a program")?.to_string()),
                "body" => {
                    request.body = bytes(std::mem::take(&mut self.0))?.into();
                    return Ok(request);
                }
                other => {
                    let all = "`from`, `expects`, `mime`, `blob`, `code` and `body`";
                    return Err(ReadError(format!("`{other}` is none of {all}")));
                }
            }
        }
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, ReadError> {
    unescape(text).ok_or_else(|| ReadError(format!("`{text}` has a backslash that stands for nothing")))
}

fn text(escaped: &str) -> Result<String, ReadError> {
    String::from_utf8(bytes(escaped)?).map_err(|_| ReadError(format!("`{escaped}` is not UTF-8")))
}

impl FromStr for Action {
    type Err = ReadError;

    fn from_str(text: &str) -> Result<Action, ReadError> {
        let mut words = Words(text.trim());
        let verb = words.next("an action")?;
        let action = match verb {
            "start" => Action::Start(words.start()?),
            "initialize" => Action::Initialize(words.start()?),
            "run" => Action::Run(words.on()?),
            "kill" => Action::Kill(words.on()?),
            "tell" => Action::Tell(words.on()?, words.rest()?),
            "ask" => Action::Ask(words.on()?, words.seconds()?, words.rest()?),
            "send" => Action::Send(words.on()?, words.request()?),
            "command" => Action::Command(words.next("a node")?.to_string(), words.rest()?),
            "grant" => Action::Grant(words.on()?, words.process()?, words.word("parameters")?),
            "withdraw" => Action::Withdraw(words.on()?, words.process()?, words.word("parameters")?),
            "set-on-exit" => Action::SetOnExit(words.on()?, words.on_exit()?),
            "install" => Action::Install(words.next("a node")?.to_string(), words.next("a package")?.to_string()),
            "upgrade" => Action::Upgrade(words.next("a node")?.to_string(), words.next("a package")?.to_string()),
            "uninstall" => Action::Uninstall(words.next("a node")?.to_string(), words.next("a package")?.to_string()),
            "down" => {
                let node = words.next("a node")?.to_string();
                let name = words.next("how it goes down")?;
                let all = "`shutdown`, `crash` and `power-loss`";
                let how = Down::ALL.into_iter().find(|down| down.name() == name);
                let how = how.ok_or_else(|| ReadError(format!("`{name}` is none of {all}")))?;
                Action::Down(node, how, words.duration()?)
            }
            "restore" => Action::Restore(words.next("a node")?.to_string()),
            "cut" => {
                let (from, to) = (words.next("a node")?.to_string(), words.next("a node")?.to_string());
                Action::Cut(from, to, words.duration()?)
            }
            "visit" | "emit" => return Err(ReadError(format!("`{verb}` is not read back from text"))),
            other => return Err(ReadError(format!("`{other}` is no action"))),
        };
        words.end()?;
        Ok(action)
    }
}

impl FromStr for Line {
    type Err = ReadError;

    fn from_str(text: &str) -> Result<Line, ReadError> {
        let form = "a line is `at TIME: ACTION` or `when EVENT PROCESS #N: ACTION`";
        let (when, action) = text.split_once(": ").ok_or_else(|| ReadError(form.to_string()))?;
        let mut words = Words(when.trim());
        let when = match words.next("when")? {
            "at" => When::At(words.duration()?),
            "when" => {
                let name = words.next("an event")?;
                let kind = KINDS.iter().find(|kind| format!("{kind:?}") == name);
                let kind = *kind.ok_or_else(|| ReadError(format!("`{name}` is no event that is about a process")))?;
                let process = words.process()?;
                let nth = words.next("#N")?;
                let number = nth.strip_prefix('#').and_then(|digits| digits.parse().ok()).filter(|n| *n > 0);
                let number = number.ok_or_else(|| ReadError(format!("`{nth}` should be `#` and a number from 1")))?;
                When::Event(kind, process, number)
            }
            _ => return Err(ReadError(form.to_string())),
        };
        words.end()?;
        Ok(Line { when, action: action.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{on, secs};

    #[test]
    fn every_line_prints_so_that_it_is_read_back() {
        let a = || on("alice.os", "a:demo:alice.os");
        let start = a().runs("puppet").public().networking().messaging("b:demo:alice.os");
        let start = start.capable("vfs:distro:sys", r#"{"kind":"read", "drive":"/x"}"#);
        let sent = |blob, code: Option<&str>, expects| {
            let code = code.map(str::to_string);
            Action::Send(a(), Request { body: b"a\xff "[..].into(), blob, code, expects, from: None })
        };
        let requests = || {
            OnExit::Requests(vec![
                ("our@b:demo:alice.os".into(), "print  so \n".into()),
                ("bob.os@b:demo:alice.os".into(), String::new()),
            ])
        };
        let actions = [
            Action::Start(start.clone()),
            Action::Start(start.clone().restarting()),
            Action::Initialize(start.on_exit_telling("our@b:demo:alice.os", "").on_exit_telling("our@c:d:e", "x y")),
            Action::Run(a()),
            Action::Kill(a()),
            Action::Tell(a(), "print one\nprint two: 3\\n".into()),
            Action::Tell(a(), String::new()),
            Action::Ask(a(), 7, " respond ".into()),
            sent(None, None, None),
            sent(Some((None, [][..].into())), None, Some(0)),
            sent(Some((Some("text/plain; a=b".into()), [0, 255][..].into())), None, Some(9)),
            sent(None, Some("puppet"), None),
            Action::Send(a(), Request { from: Some("bob.os".into()), expects: Some(1), ..Request::default() }),
            Action::Command("alice.os".into(), r#"{"Debug":"ProcessMap"}"#.into()),
            Action::Grant(a(), "a:demo:alice.os".into(), r#"{"a": 1}"#.into()),
            Action::Withdraw(a(), "a:demo:alice.os".into(), String::new()),
            Action::SetOnExit(a(), OnExit::None),
            Action::SetOnExit(a(), OnExit::Restart),
            Action::SetOnExit(a(), requests()),
            Action::SetOnExit(a(), OnExit::Requests(vec![])),
            Action::Install("alice.os".into(), "app:alice.os".into()),
            Action::Upgrade("alice.os".into(), "app:alice.os".into()),
            Action::Uninstall("alice.os".into(), "app:alice.os".into()),
            Action::Down("alice.os".into(), Down::PowerLoss, secs(2)),
            Action::Restore("bob.os".into()),
            Action::Cut("alice.os".into(), "bob.os".into(), secs(1)),
        ];
        for action in actions {
            let timed = Line { when: When::At(secs(3)), action };
            let mut told = timed.clone();
            for kind in KINDS {
                told.when = When::Event(kind, "a:demo:alice.os".into(), 12);
                assert_eq!(told.to_string().parse().as_ref(), Ok(&told), "{told}");
            }
            assert_eq!(timed.to_string().parse().as_ref(), Ok(&timed), "{timed}");
        }
    }

    #[test]
    fn what_is_no_line_is_refused_with_its_reason() {
        for (text, says) in [
            ("kill alice.os@a:b:c", "a line is `at TIME: ACTION`"),
            ("at soon: kill alice.os@a:b:c", "`soon` is no duration"),
            ("at 1s: kill a:b:c", "`a:b:c` is no `node@process:package:publisher`"),
            ("at 1s: kill alice.os@a:b:c now", "`now` is left over"),
            ("at 1s 2s: kill alice.os@a:b:c", "`2s` is left over"),
            ("at 1s: dance", "`dance` is no action"),
            ("at 1s: start alice.os@a:b:c", "a program is missing"),
            ("at 1s: start alice.os@a:b:c puppet loud", "`loud` is none of"),
            ("at 1s: tell alice.os@a:b:c \\q", "stands for nothing"),
            ("at 1s: tell alice.os@a:b:c \\xff", "not UTF-8"),
            ("at 1s: down alice.os softly 1s", "`softly` is none of"),
            ("when Booted a:b:c #1: restore alice.os", "`Booted` is no event"),
            ("when Started a:b:c 1: restore alice.os", "should be `#` and a number"),
            ("at 1s: visit alice.os something", "not read back"),
        ] {
            let error = text.parse::<Line>().expect_err(text).to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
