//! What `vfs` keeps, and for whom: P3.
//!
//! Folded from what it was asked and what it answered. A file is known by what may be in it: one content after an
//! answered write, several after one without an answer, anything after one that failed or an unsynced one that
//! met a power loss; a read that is answered says which it is. Requests are served in the order in which they came.

use crate::invariant::lives::{answers, entry};
use crate::invariant::{Claim, Invariant, Past};
use crate::plan::Down;
use crate::trace::event::{Event, Kind, What};
use effect::Effect;
use kernel_core::{Cause, Message, Names, ProcessRef, Rule};
use std::collections::BTreeMap;
use std::rc::Rc;

pub(super) mod effect;

/// What may be in a file; `None`: there is none. Shared, and changed in place while there is one holder: an append to a
/// large file costs what it appends.
type Content = Option<Rc<Vec<u8>>>;

/// With more possibilities than this, any content is possible.
const N_KEPT: usize = 8;

/// What is known of one file.
#[derive(Clone, Debug, Default, PartialEq)]
struct File {
    /// One of these is in it; `None`: anything may be.
    may: Option<Vec<Content>>,
    /// Whether that is what a power loss leaves.
    synced: bool,
    /// Whether a sync of it failed: until it is written again no later sync proves anything.
    doubtful: bool,
}

/// A request that is not answered.
#[derive(Clone, Debug)]
struct Open {
    message: Rc<Message>,
    effect: Effect,
}

/// What is known of one node's files, by path. What is not here may have any content.
#[derive(Clone, Debug, Default)]
struct Drives {
    files: BTreeMap<Rc<str>, File>,
    open: Vec<Open>,
    /// Whether the disk has refused the vfs something since it last answered.
    shaky: bool,
    /// The files at each backup.
    cuts: Vec<BTreeMap<Rc<str>, File>>,
}

impl File {
    fn is(content: Content) -> File {
        File { may: Some(vec![content]), synced: false, doubtful: false }
    }

    /// Each content becomes another; `None`, if that cannot be said.
    fn becomes(&mut self, next: impl Fn(Content) -> Option<Content>) {
        self.may = self.may.take().and_then(|may| may.into_iter().map(next).collect());
        self.synced = false;
    }

    /// It may have stayed what it was.
    fn or(&mut self, before: &File) {
        self.may = match (self.may.take(), &before.may) {
            (Some(mut may), Some(before)) => {
                let more: Vec<_> = before.iter().filter(|content| !may.contains(content)).cloned().collect();
                may.extend(more);
                Some(may).filter(|may| may.len() <= N_KEPT)
            }
            (_, _) => None,
        };
        self.synced = false;
        self.doubtful |= before.doubtful;
    }

    fn anything(&mut self) {
        self.may = None;
        self.synced = false;
    }
}

impl Drives {
    fn file(&mut self, path: &Rc<str>) -> &mut File {
        self.files.entry(path.clone()).or_default()
    }

    /// The files at a path and below it.
    fn at_and_below(&self, path: &str) -> Vec<Rc<str>> {
        let below = format!("{path}/");
        self.files.keys().filter(|file| &***file == path || file.starts_with(&below)).cloned().collect()
    }

    /// The known files that something may change.
    fn touched(&self, effect: &Effect) -> Vec<Rc<str>> {
        effect.touches().flat_map(|path| self.at_and_below(path)).collect()
    }

    /// Something was done, as it was asked for.
    fn does(&mut self, effect: &Effect) {
        match effect {
            Effect::Set(path, content) => {
                self.files.insert(path.clone(), File::is(content.as_ref().map(|bytes| Rc::new(bytes.to_vec()))));
            }
            Effect::Make(path) => self.file(path).becomes(|content| Some(Some(content.unwrap_or_default()))),
            Effect::Append(path, bytes) => self.file(path).becomes(|content| {
                let mut content = content?;
                Rc::make_mut(&mut content).extend_from_slice(bytes);
                Some(Some(content))
            }),
            Effect::SetLen(path, len) => self.file(path).becomes(|content| {
                let mut content = content?;
                let len = usize::try_from(*len).ok().filter(|len| *len <= 1 << 20)?;
                Rc::make_mut(&mut content).resize(len, 0);
                Some(Some(content))
            }),
            Effect::Change(path) => self.file(path).anything(),
            Effect::Move(from, to) if from == to => {}
            Effect::Move(from, to) => {
                let moved = self.at_and_below(from);
                let files: Vec<_> = moved.iter().map(|path| (path.clone(), self.files[path].clone())).collect();
                for path in self.at_and_below(to) {
                    self.file(&path).anything();
                }
                for (path, file) in files {
                    self.files.insert(path.clone(), File::is(None));
                    let new: Rc<str> = format!("{to}{}", &path[from.len()..]).into();
                    self.files.insert(new, File { synced: false, ..file });
                }
                if moved.is_empty() {
                    self.files.insert(from.clone(), File::is(None));
                    self.file(to).anything();
                }
            }
            Effect::RemoveAll(path) => {
                for path in self.at_and_below(path) {
                    self.files.insert(path, File::is(None));
                }
            }
            Effect::Sync(path) => {
                let file = self.file(path);
                file.synced = !file.doubtful;
            }
            Effect::Read(_) | Effect::Nothing => {}
        }
    }

    /// Something was done, or not, or was refused halfway.
    fn may_do(&mut self, effect: &Effect) {
        let before = self.files.clone();
        self.does(effect);
        for path in self.touched(effect) {
            let was = before.get(&path).cloned().unwrap_or_default();
            let (shaky, file) = (self.shaky, self.file(&path));
            match effect {
                Effect::Sync(_) => {
                    file.synced = was.synced;
                    file.doubtful |= shaky;
                }
                _ if shaky => {
                    file.anything();
                    // Nothing says that it was written again.
                    file.doubtful |= was.doubtful;
                }
                Effect::Set(_, Some(_)) => {
                    // It is emptied before it is written.
                    file.or(&was);
                    file.or(&File { doubtful: was.doubtful, ..File::is(Some(Rc::default())) });
                }
                _ => file.or(&was),
            }
        }
    }

    /// Whatever is under way may be done or not, and will have no answer.
    fn gives_up(&mut self) {
        for open in std::mem::take(&mut self.open) {
            self.may_do(&open.effect);
        }
    }

    fn on_down(&mut self, how: Down) {
        self.gives_up();
        self.shaky = false;
        if how == Down::PowerLoss {
            for file in self.files.values_mut() {
                if !file.synced {
                    // Whatever is there now is on the platter.
                    *file = File { may: None, synced: true, doubtful: false };
                }
            }
        }
    }

    /// A request was answered: all that came before it is done, as far as it will be.
    fn on_answered(&mut self, answer: &Message) -> Result<(), String> {
        let Some(place) = self.open.iter().position(|open| answers(answer, &open.message)) else { return Ok(()) };
        let waits = |open: &Open| open.message.expects_response().is_some();
        let later = self.open.split_off(place + 1);
        let answered = self.open.pop().expect("it is at its place");
        let (still, passed): (Vec<Open>, Vec<Open>) = std::mem::take(&mut self.open).into_iter().partition(waits);
        let disturbed = still.iter().any(|open| open.effect.meets(&answered.effect));
        self.open = still.into_iter().chain(later).collect();
        passed.iter().for_each(|open| self.may_do(&open.effect));
        let said = effect::said(answer.body());
        let done = match (&said, &answered.effect) {
            (effect::Said::Refused, _) => Ok(()),
            (effect::Said::NotFound, Effect::Read(path)) if !disturbed => self.observes(path, None),
            (effect::Said::Error | effect::Said::NotFound, Effect::Read(_) | Effect::Nothing) => Ok(()),
            (effect::Said::Error | effect::Said::NotFound, Effect::Sync(path)) => {
                self.file(path).doubtful = true;
                Ok(())
            }
            (effect::Said::Error | effect::Said::NotFound, effect) => {
                self.shaky = true;
                self.may_do(effect);
                Ok(())
            }
            (effect::Said::Read, Effect::Read(path)) if !disturbed => {
                self.observes(path, answer.blob.as_ref().map(|blob| &*blob.bytes))
            }
            (_, effect) => {
                self.does(effect);
                if disturbed {
                    for path in self.touched(effect) {
                        self.file(&path).anything();
                    }
                }
                Ok(())
            }
        };
        self.shaky = false;
        done
    }

    /// This is in a file.
    fn observes(&mut self, path: &Rc<str>, content: Option<&[u8]>) -> Result<(), String> {
        let file = self.file(path);
        let text = |content: Option<&[u8]>| match content {
            Some(bytes) if bytes.len() <= 60 => format!("{:?}", String::from_utf8_lossy(bytes)),
            Some(bytes) => format!("{} bytes", bytes.len()),
            None => "no file".to_string(),
        };
        let is = match &file.may {
            None => content.map(|bytes| Rc::new(bytes.to_vec())),
            Some(may) => match may.iter().find(|may| may.as_ref().map(|bytes| bytes.as_slice()) == content) {
                Some(is) => is.clone(),
                None => {
                    let may = may
                        .iter()
                        .map(|may| text(may.as_ref().map(|bytes| bytes.as_slice())))
                        .collect::<Vec<_>>()
                        .join(" or ");
                    return Err(format!("{path} is read as {}, and should be {may}", text(content)));
                }
            },
        };
        file.may = Some(vec![is]);
        Ok(())
    }
}

/// P3: what vfs has answered as written is there after a crash, and what it has synced after a power loss.
#[derive(Clone, Debug, Default)]
pub struct FilesAreKept {
    drives: Vec<Drives>,
}

impl Invariant for FilesAreKept {
    fn claim(&self) -> Claim {
        let says = "what vfs answered as written is there after a crash, what it synced after a power loss";
        Claim { rule: Rule::P3, says }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::ModuleReceived, Kind::Sent, Kind::IoRefused, Kind::Down, Kind::Failed, Kind::BackedUp, Kind::Restored]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, _: &Names) -> Result<(), String> {
        let drives = match &event.what {
            What::ModuleReceived(module, _) if *module != ProcessRef::VFS => return Ok(()),
            What::Sent(message) if message.source.process != ProcessRef::VFS || message.is_request() => return Ok(()),
            _ => entry(&mut self.drives, event.node.0),
        };
        match &event.what {
            What::ModuleReceived(_, message) if message.is_request() && message.source.node == event.node => {
                let effect = Effect::of(message);
                drives.open.push(Open { message: message.clone(), effect });
            }
            What::Sent(message) => return drives.on_answered(message),
            What::IoRefused(ProcessRef::VFS, _) => drives.shaky = true,
            What::Down(how) => drives.on_down(*how),
            What::Failed(_) => drives.on_down(Down::Crash),
            // What is under way then may be in the backup.
            What::BackedUp(_) => {
                let mut cut = drives.clone();
                cut.gives_up();
                drives.cuts.push(cut.files);
            }
            What::Restored(nth) => {
                if let Some(cut) = drives.cuts.get(*nth as usize - 1) {
                    drives.files.clone_from(cut);
                    drives.files.values_mut().for_each(|file| (file.synced, file.doubtful) = (true, false));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_core::{Address, Blob, Content as What, MessageId, NodeId, Request, Response};

    const FILE: &str = "/p:q.os/home/f";

    /// Drives of which nothing is known; a message in five parts.
    #[derive(Default)]
    struct Told {
        drives: Drives,
        n_asked: u64,
        wrong: Option<String>,
    }

    fn told() -> Told {
        Told::default()
    }

    fn message(id: u64, content: What, blob: Option<&str>) -> Message {
        let vfs = Address { node: NodeId(0), process: ProcessRef::VFS };
        let asker = Address { node: NodeId(0), process: ProcessRef::TERMINAL };
        let (source, target) = if matches!(content, What::Request(_)) { (asker, vfs) } else { (vfs, asker) };
        let blob = blob.map(|text| Blob { mime: None, bytes: text.into() });
        Message { id: MessageId(id), source, target, rsvp: Some(asker), content, blob, cause: Cause(0) }
    }

    impl Told {
        fn asks(mut self, action: &str, blob: Option<&str>, waits: bool) -> Told {
            self.n_asked += 1;
            let body = format!(r#"{{"path":"{FILE}","action":{action}}}"#);
            let request =
                Request { body: body.as_str().into(), expects_response: waits.then_some(5), ..Request::default() };
            let message = Rc::new(message(self.n_asked, What::Request(request), blob));
            let effect = Effect::of(&message);
            self.drives.open.push(Open { message, effect });
            self
        }

        fn hears(mut self, body: &str, blob: Option<&str>) -> Told {
            let response = Response { body: body.into(), ..Response::default() };
            let answer = message(self.n_asked, What::Response(response), blob);
            self.wrong = self.wrong.or(self.drives.on_answered(&answer).err());
            self
        }

        fn writes(self, content: &str) -> Told {
            self.asks(r#""Write""#, Some(content), true).hears(r#""Ok""#, None)
        }

        fn syncs(self) -> Told {
            self.asks(r#""SyncAll""#, None, true).hears(r#""Ok""#, None)
        }

        fn reads(self, content: &str) -> Told {
            self.asks(r#""Read""#, None, true).hears(r#""Read""#, Some(content))
        }

        fn finds_nothing(self) -> Told {
            let body = r#"{"Err":{"IOError":"No such file or directory (os error 2)"}}"#;
            self.asks(r#""Read""#, None, true).hears(body, None)
        }

        fn goes_down(mut self, how: Down) -> Told {
            self.drives.on_down(how);
            self
        }

        fn disk_refuses(mut self) -> Told {
            self.drives.shaky = true;
            self
        }

        #[track_caller]
        fn holds(self) {
            assert_eq!(self.wrong, None);
        }

        #[track_caller]
        fn breaks(self) {
            assert!(self.wrong.is_some());
        }
    }

    #[test]
    fn what_was_answered_as_written_is_read_also_after_a_crash() {
        let written = || told().writes("old").writes("new");
        written().reads("new").holds();
        written().reads("old").breaks();
        written().goes_down(Down::Crash).reads("new").holds();
        written().goes_down(Down::Crash).reads("old").breaks();
        written().goes_down(Down::Crash).finds_nothing().breaks();
        told().asks(r#""RemoveFile""#, None, true).hears(r#""Ok""#, None).reads("old").breaks();
    }

    #[test]
    fn what_was_synced_is_read_after_a_power_loss_and_what_was_not_is_anything() {
        told().writes("old").syncs().goes_down(Down::PowerLoss).reads("old").holds();
        told().writes("old").syncs().goes_down(Down::PowerLoss).finds_nothing().breaks();
        let not_synced = || told().writes("old").syncs().writes("new").goes_down(Down::PowerLoss);
        not_synced().reads("newt").holds();
        not_synced().reads("old").reads("new").breaks();
        not_synced().reads("old").goes_down(Down::PowerLoss).reads("new").breaks();
    }

    #[test]
    fn a_write_that_a_crash_interrupts_leaves_the_old_file_the_new_or_an_empty_one() {
        let cut = || told().writes("old").asks(r#""Write""#, Some("new"), true).goes_down(Down::Crash);
        cut().reads("old").holds();
        cut().reads("new").holds();
        cut().reads("").holds();
        cut().reads("newold").breaks();
    }

    #[test]
    fn a_write_that_nobody_waits_for_is_done_or_not_and_a_read_says_which() {
        let unheard = || told().writes("old").asks(r#""Write""#, Some("new"), false).asks(r#""SyncAll""#, None, true);
        let synced = || unheard().hears(r#""Ok""#, None);
        synced().reads("new").goes_down(Down::PowerLoss).reads("new").holds();
        synced().reads("new").goes_down(Down::PowerLoss).reads("old").breaks();
        synced().reads("other").breaks();
        unheard().disk_refuses().hears(r#""Ok""#, None).reads("ne").holds();
    }

    #[test]
    fn after_a_sync_that_failed_no_later_one_promises_anything_until_the_file_is_written_anew() {
        let error = r#"{"Err":{"IOError":"Input/output error (os error 5)"}}"#;
        let failed = || told().writes("old").asks(r#""SyncAll""#, None, true).hears(error, None).syncs();
        failed().goes_down(Down::PowerLoss).finds_nothing().holds();
        failed().writes("new").syncs().goes_down(Down::PowerLoss).reads("new").holds();
        let refused = || failed().asks(r#""Write""#, Some("new"), true).disk_refuses().hears(error, None).syncs();
        refused().reads("old").goes_down(Down::PowerLoss).finds_nothing().holds();
        failed().writes("new").syncs().goes_down(Down::PowerLoss).finds_nothing().breaks();
    }

    #[test]
    fn a_file_that_was_renamed_is_at_its_new_name_alone() {
        let renamed = r#"{"Rename":{"new_path":"/p:q.os/home/../home/f"}}"#;
        told().writes("old").asks(renamed, None, true).hears(r#""Ok""#, None).reads("old").holds();
        let away = r#"{"Rename":{"new_path":"/p:q.os/home/g"}}"#;
        let moved = || told().writes("old").asks(away, None, true).hears(r#""Ok""#, None);
        moved().finds_nothing().holds();
        moved().reads("old").breaks();
    }

    #[test]
    fn an_append_and_a_cut_are_followed() {
        let longer = || told().writes("old").asks(r#""Append""#, Some("er"), true).hears(r#""Ok""#, None);
        longer().reads("older").holds();
        longer().reads("old").breaks();
        longer().asks(r#"{"SetLen":2}"#, None, true).hears(r#""Ok""#, None).reads("ol").holds();
    }
}
