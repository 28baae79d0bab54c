//! What `kv` keeps: P3.
//!
//! Folded from what it was asked and what it answered. A database is known by the contents that it may have: one, after
//! an answered change; several, after one without an answer, or that failed. Each is that of whole transactions, so a
//! read that is answered rules out those in which it could not be, and a half of one is in none. Requests are served in
//! the order in which they came.

use crate::invariant::lives::{answers, entry};
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use kernel_core::{Bytes, Cause, Message, Names, ProcessRef, Rule};
use request::{Db, Effect, Pair, Said};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

mod request;

/// What a database has.
type Content = BTreeMap<Vec<u8>, Bytes>;

/// With more possibilities than this, any content is possible.
const N_KEPT: usize = 16;

/// The contents that one database may have; `None`: any.
#[derive(Clone, Debug, PartialEq)]
struct May(Option<Vec<Content>>);

impl Default for May {
    /// A database that was never changed is empty.
    fn default() -> May {
        May::is(Content::new())
    }
}

impl May {
    fn is(content: Content) -> May {
        May(Some(vec![content]))
    }

    /// These changes are done, all of them.
    fn does(&mut self, changes: &[Pair]) {
        for content in self.0.iter_mut().flatten() {
            for (key, value) in changes {
                match value {
                    Some(value) => drop(content.insert(key.to_vec(), value.clone())),
                    None => drop(content.remove(&**key)),
                }
            }
        }
    }

    /// It may also be what it was before.
    fn or(&mut self, before: May) {
        self.0 = match (self.0.take(), before.0) {
            (Some(mut may), Some(before)) => {
                let more: Vec<Content> = before.into_iter().filter(|content| !may.contains(content)).collect();
                may.extend(more);
                Some(may).filter(|may| may.len() <= N_KEPT)
            }
            (_, _) => None,
        };
    }

    /// A key is seen to have this. Those contents remain in which it has.
    fn observes(&mut self, key: &Bytes, value: Option<&Bytes>) -> Result<(), String> {
        let Some(may) = &mut self.0 else { return Ok(()) };
        if may.iter().all(|content| content.get(&**key) != value) {
            let text = |value: Option<&Bytes>| value.map_or("nothing".to_string(), |value| format!("{value:?}"));
            let may: Vec<String> = may.iter().map(|content| text(content.get(&**key))).collect();
            return Err(format!("{key:?} has {}, and should have {}", text(value), may.join(" or ")));
        }
        may.retain(|content| content.get(&**key) == value);
        Ok(())
    }
}

/// A request that was not answered.
#[derive(Clone, Debug)]
struct Open {
    message: Rc<Message>,
    db: Db,
    effect: Effect,
}

/// What is known of one node's databases.
#[derive(Clone, Debug, Default)]
struct Node {
    databases: BTreeMap<Db, May>,
    /// The transactions that were begun; `None`: what is in one is not known.
    transactions: BTreeMap<u64, Option<Vec<Pair>>>,
    open: VecDeque<Open>,
    /// Whether the disk has refused kv something since it last answered.
    refused: bool,
    /// Whether a sector of a database has rotted: it may fail until it is written again.
    rotten: bool,
    /// The databases at each backup, and whether one was rotten then.
    cuts: Vec<(BTreeMap<Db, May>, bool)>,
}

impl Node {
    fn may(&mut self, db: &Db) -> &mut May {
        self.databases.entry(db.clone()).or_default()
    }

    /// A request was done, as it was asked for.
    fn does(&mut self, db: &Db, effect: &Effect) {
        match effect {
            Effect::Put(pair) => self.may(db).does(std::slice::from_ref(pair)),
            Effect::PutLater(tx, pair) => {
                if let Some(Some(changes)) = self.transactions.get_mut(tx) {
                    changes.push(pair.clone());
                }
            }
            Effect::Commit(tx) => match self.transactions.remove(tx).flatten() {
                Some(changes) => self.may(db).does(&changes),
                None => *self.may(db) = May(None),
            },
            Effect::Empty => *self.may(db) = May::default(),
            Effect::Begin | Effect::Get(_) | Effect::Nothing => {}
        }
    }

    /// A request was done, or not at all.
    fn may_do(&mut self, db: &Db, effect: &Effect) {
        if let Effect::PutLater(tx, _) = effect {
            self.transactions.insert(*tx, None);
        }
        let before = self.may(db).clone();
        self.does(db, effect);
        self.may(db).or(before);
    }

    /// A request was answered: requests before it that were not will have no answer.
    fn on_answered(&mut self, answer: &Message) -> Result<(), String> {
        let Some(place) = self.open.iter().position(|open| answers(answer, &open.message)) else { return Ok(()) };
        let later = self.open.split_off(place + 1);
        let Open { db, effect, .. } = self.open.pop_back().expect("it is at its place");
        for passed in std::mem::replace(&mut self.open, later) {
            self.may_do(&passed.db, &passed.effect);
        }
        let refused = std::mem::take(&mut self.refused);
        match (request::said(answer.body()), &effect) {
            (Said::Done, effect) => self.does(&db, effect),
            (Said::Begun(tx), Effect::Begin) => drop(self.transactions.insert(tx, Some(vec![]))),
            (Said::Got, Effect::Get(key)) => {
                return self.may(&db).observes(key, answer.blob.as_ref().map(|blob| &blob.bytes));
            }
            (Said::NotFound, Effect::Get(key)) => return self.may(&db).observes(key, None),
            (Said::Failed(text), effect) => {
                self.may_do(&db, effect);
                if !(refused || self.rotten || text.contains("No space left on device")) {
                    return Err(format!("the engine fails without a failure of the disk: {text}"));
                }
            }
            (Said::HostFailed, effect) => self.may_do(&db, effect),
            (Said::Refused | Said::NoTransaction, _) => {}
            (said @ (Said::Begun(_) | Said::Got | Said::NotFound), _) => {
                return Err(format!("the answer to {effect:?} is {said:?}"));
            }
        }
        Ok(())
    }

    /// Whatever is under way may be done or not, and will have no answer.
    fn on_down(&mut self) {
        for open in std::mem::take(&mut self.open) {
            self.may_do(&open.db, &open.effect);
        }
        self.transactions.clear();
        self.refused = false;
    }

    /// What is under way then may be in the backup.
    fn on_backed_up(&mut self) {
        let mut cut = self.clone();
        cut.on_down();
        self.cuts.push((cut.databases, cut.rotten));
    }

    fn on_restored(&mut self, nth: u32) {
        if let Some((databases, rotten)) = self.cuts.get(nth as usize - 1) {
            self.databases.clone_from(databases);
            self.rotten = *rotten;
        }
    }
}

/// P3: what `kv` answered as done is there, whatever happens to its node; what it did not answer is there whole or not at
/// all; no read sees half of a transaction.
#[derive(Clone, Debug, Default)]
pub struct PairsAreKept {
    nodes: Vec<Node>,
}

impl Invariant for PairsAreKept {
    fn claim(&self) -> Claim {
        let says =
            "what kv answered as committed is there after any crash or power loss, and all else whole or not at all";
        Claim { rule: Rule::P3, says }
    }

    fn reads(&self) -> &'static [Kind] {
        &[
            Kind::ModuleReceived,
            Kind::Sent,
            Kind::IoRefused,
            Kind::Rotted,
            Kind::Down,
            Kind::Failed,
            Kind::BackedUp,
            Kind::Restored,
        ]
    }

    fn on_event(&mut self, _: Cause, event: &Event, _: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::ModuleReceived(ProcessRef::KV, message) if message.is_request() => {
                if let Some((db, effect)) = request::read(message).filter(|_| message.source.node == event.node) {
                    let open = Open { message: message.clone(), db, effect };
                    entry(&mut self.nodes, event.node.0).open.push_back(open);
                }
            }
            What::Sent(answer) if answer.source.process == ProcessRef::KV && !answer.is_request() => {
                let answered = entry(&mut self.nodes, event.node.0).on_answered(answer);
                return answered.map_err(|wrong| format!("kv answers {}: {wrong}", names.address_text(answer.target)));
            }
            What::IoRefused(ProcessRef::KV, _) => entry(&mut self.nodes, event.node.0).refused = true,
            What::Rotted(path, _) if path.starts_with("/kv/") => entry(&mut self.nodes, event.node.0).rotten = true,
            What::Down(_) | What::Failed(_) => entry(&mut self.nodes, event.node.0).on_down(),
            What::BackedUp(_) => entry(&mut self.nodes, event.node.0).on_backed_up(),
            What::Restored(nth) => entry(&mut self.nodes, event.node.0).on_restored(*nth),
            _ => {}
        }
        Ok(())
    }
}
