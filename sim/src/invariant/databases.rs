//! Which process may use the databases of `kv` and `sqlite`: none without the capability (P3, C3).

use crate::invariant::lives::{answers, entry};
use crate::invariant::{Claim, Invariant, Past};
use crate::trace::event::{Event, Kind, What};
use kernel_core::{Cause, Message, Names, ProcessRef, Rule};
use serde_json::{Value, json};
use std::rc::Rc;

/// What its sender needs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Need {
    /// To be of the database's package.
    Own,
    /// The capability of this kind.
    Hold(&'static str),
}

/// A request that must not be granted, unless its sender gains the right before it is answered.
#[derive(Clone, Debug)]
struct Asked {
    message: Rc<Message>,
    need: Need,
    /// Its package and its name, as capabilities have it.
    db_key: Value,
}

impl Asked {
    fn of(message: &Rc<Message>) -> Option<Asked> {
        let body: Value = serde_json::from_slice(message.body()).ok()?;
        let package = body.get("package_id")?;
        let (name, publisher) = (package.get("package_name")?.as_str()?, package.get("publisher_node")?.as_str()?);
        let db_key = json!([{ "package_name": name, "publisher_node": publisher }, body.get("db")?.as_str()?]);
        let need = match body.get("action")? {
            Value::String(action) if action == "Open" || action == "RemoveDb" => Need::Own,
            Value::Object(action) if action.contains_key("Get") || action.contains_key("Query") => Need::Hold("read"),
            _ => Need::Hold("write"),
        };
        Some(Asked { message: message.clone(), need, db_key })
    }

    /// Whether its sender may.
    fn is_allowed(&self, past: &Past, names: &Names) -> bool {
        let source = self.message.source;
        match self.need {
            Need::Own => {
                let of = names.process_id(source.process);
                self.db_key[0] == json!({ "package_name": of.package, "publisher_node": of.publisher })
            }
            Need::Hold(kind) => {
                let params = json!({ "kind": kind, "db_key": self.db_key });
                let fits = |text: &str| serde_json::from_str::<Value>(text).is_ok_and(|held| held == params);
                let mut held = past.holdings.at_most(source.node, source.process);
                held.any(|it| it.issuer == self.message.target && fits(names.params_text(it.params)))
            }
        }
    }
}

/// P3: a process that is served at a database holds the capability to read it or to write it; one that opens or removes it is
/// of its package.
#[derive(Clone, Debug, Default)]
pub struct DatabasesAreGuarded {
    /// By node.
    asked: Vec<Vec<Asked>>,
}

impl Invariant for DatabasesAreGuarded {
    fn claim(&self) -> Claim {
        Claim { rule: Rule::P3, says: "nobody reads or writes a database of kv or sqlite without the capability" }
    }

    fn reads(&self) -> &'static [Kind] {
        &[Kind::ModuleReceived, Kind::Sent, Kind::Down, Kind::Failed]
    }

    fn on_event(&mut self, _: Cause, event: &Event, past: &Past, names: &Names) -> Result<(), String> {
        match &event.what {
            What::ModuleReceived(ProcessRef::KV | ProcessRef::SQLITE, message) if message.is_request() => {
                if let Some(asked) = Asked::of(message).filter(|asked| !asked.is_allowed(past, names)) {
                    entry(&mut self.asked, event.node.0).push(asked);
                }
            }
            What::Sent(answer)
                if [ProcessRef::KV, ProcessRef::SQLITE].contains(&answer.source.process) && !answer.is_request() =>
            {
                let open = entry(&mut self.asked, event.node.0);
                let Some(place) = open.iter().position(|asked| answers(answer, &asked.message)) else { return Ok(()) };
                let asked = open.remove(place);
                let body = serde_json::from_slice::<Value>(answer.body()).unwrap_or_default();
                let served = body.get("Err").is_none_or(|error| error == "KeyNotFound");
                if served && !asked.is_allowed(past, names) {
                    let who = names.address_text(asked.message.source);
                    let what = match asked.need {
                        Need::Own => "open or remove",
                        Need::Hold(kind) => kind,
                    };
                    return Err(format!("{who} was allowed to {what} {} without the capability", asked.db_key));
                }
            }
            What::Down(_) | What::Failed(_) => entry(&mut self.asked, event.node.0).clear(),
            _ => {}
        }
        Ok(())
    }
}
