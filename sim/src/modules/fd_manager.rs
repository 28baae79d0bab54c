//! `fd-manager:distro:sys`: how many files each process may have open.
//!
//! As in the public runtime (`lib/src/fd_manager.rs`, `src/fd_manager.rs`, alike in both). Half of the limit is shared
//! among all processes that asked, the other half by how often each has reached its share; whenever that changes each is
//! told its own. Answers are given if they are expected, errors never. Other nodes are served, as there.
//!
//! On a host that was given a fixed limit the module there does nothing at all (oddity 12); this one has none such.
//!
//! Nobody here has files open in the sense of the host, so the limit is a number and no more: [`ULIMIT`] files, of which
//! a part is given away. It is counted anew at each change; there once an hour.

use super::{Module, ModuleContext, Support};
use kernel_core::{Address, Message, ProcessId, ProcessRef};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many files the host lets a node have open (ours: a usual default).
pub const ULIMIT: u64 = 1_024;
/// How many of a hundred of those are given away.
const PERCENTAGE: u64 = 60;

/// The manager: the share of everybody who asked, in the order of their numbers.
#[derive(Clone)]
pub struct FdManager {
    percentage: u64,
    shares: BTreeMap<ProcessRef, Share>,
}

/// How many files a process may have open, and how often that was too few.
#[derive(Clone, Copy, Debug, Serialize)]
struct Share {
    limit: u64,
    hit_count: u64,
}

#[derive(Deserialize)]
enum Action {
    RequestFdsLimit,
    FdsLimitHit,
    /// What this module sends, and nobody sends to it.
    FdsLimit(#[allow(dead_code)] u64),
    UpdateMaxFdsAsFractionOfUlimitPercentage(u64),
    UpdateUpdateUlimitSecs(#[allow(dead_code)] u64),
    UpdateCullFractionDenominator(#[allow(dead_code)] u64),
    GetState,
    GetProcessFdLimit(String),
}

impl Default for FdManager {
    fn default() -> FdManager {
        FdManager { percentage: PERCENTAGE, shares: BTreeMap::new() }
    }
}

impl Module for FdManager {
    fn uses_disk(&self) -> bool {
        false
    }

    fn on_message(&mut self, message: &Rc<Message>, cx: &mut ModuleContext<'_>) {
        let Ok(action) = serde_json::from_slice(message.body()) else { return };
        let answer = match action {
            Action::RequestFdsLimit => {
                self.shares.insert(message.source.process, Share { limit: 0, hit_count: 1 });
                return self.share(cx);
            }
            Action::FdsLimitHit => {
                let Some(share) = self.shares.get_mut(&message.source.process) else { return };
                share.hit_count += 1;
                return self.share(cx);
            }
            Action::UpdateMaxFdsAsFractionOfUlimitPercentage(percentage) => {
                self.percentage = percentage;
                return;
            }
            // The limit is counted anew at each change, and there is nothing to cull.
            Action::UpdateUpdateUlimitSecs(_) | Action::UpdateCullFractionDenominator(_) | Action::FdsLimit(_) => {
                return;
            }
            Action::GetState => {
                let named = self.shares.iter().map(|(process, share)| (cx.names.process_text(*process), share));
                json!({ "GetState": named.collect::<BTreeMap<_, _>>() })
            }
            // A name that is no process makes the whole body invalid.
            Action::GetProcessFdLimit(process) if ProcessId::split(&process).is_none() => return,
            Action::GetProcessFdLimit(process) => {
                let process = cx.names.process(&process);
                json!({ "GetProcessFdLimit": self.shares.get(&process).map_or(0, |share| share.limit) })
            }
        };
        if message.expects_response().is_some() {
            cx.respond(message, answer.to_string().as_str(), None);
        }
    }

    fn fork(&self) -> Option<Box<dyn Module>> {
        Some(Box::new(self.clone()))
    }

    fn actions(&self) -> &'static [(&'static str, Support)] {
        &[
            ("RequestFdsLimit", Support::Done),
            ("FdsLimitHit", Support::Done),
            ("GetState", Support::Done),
            ("GetProcessFdLimit", Support::Done),
            ("UpdateMaxFdsAsFractionOfUlimitPercentage", Support::Done),
            ("UpdateUpdateUlimitSecs", Support::Done),
            ("UpdateCullFractionDenominator", Support::Done),
        ]
    }
}

impl FdManager {
    /// Shares the limit out, and tells everybody.
    fn share(&mut self, cx: &mut ModuleContext<'_>) {
        let half = u128::from(ULIMIT.saturating_mul(self.percentage) / 100) / 2;
        let processes = self.shares.len() as u128;
        let hits: u128 = self.shares.values().map(|share| u128::from(share.hit_count)).sum();
        for (process, share) in &mut self.shares {
            let all = half * hits + half * u128::from(share.hit_count) * processes;
            share.limit = u64::try_from(all / (processes * hits)).unwrap_or(u64::MAX);
            let target = Address { process: *process, ..cx.module };
            cx.tell(target, json!({ "FdsLimit": share.limit }).to_string().as_str());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::Heard;
    use crate::modules::harness::{Harness, OWNER, SIBLING};
    use serde_json::Value;

    fn harness() -> Harness<FdManager> {
        Harness::new(ProcessRef::FD_MANAGER, FdManager::default())
    }

    /// What everybody was told when somebody said something.
    fn told(harness: &mut Harness<FdManager>, body: Value) -> Vec<(String, u64)> {
        let message = harness.telling(body.to_string(), None);
        harness.tell(Heard::Message(Rc::new(message)));
        assert!(harness.replies.is_empty());
        let limit = |body: &[u8]| serde_json::from_slice::<Value>(body).expect("JSON")["FdsLimit"].as_u64();
        let name = |process| harness.names.process_text(process).to_string();
        let each = harness.requests.iter();
        each.map(|r| (name(r.target.process), limit(&r.request.body).expect("a limit"))).collect()
    }

    #[test]
    fn a_process_that_asks_gets_a_share_and_the_others_learn_theirs() {
        let mut harness = harness();
        assert_eq!(told(&mut harness, json!("RequestFdsLimit")), [(OWNER.to_string(), 614)]);
        let both = [(OWNER.to_string(), 307), (SIBLING.to_string(), 307)];
        assert_eq!(told(harness.by(SIBLING), json!("RequestFdsLimit")), both);
        let more = [(OWNER.to_string(), 255), (SIBLING.to_string(), 358)];
        assert_eq!(told(&mut harness, json!("FdsLimitHit")), more, "who reaches the limit gets more");
        assert_eq!(harness.ask(json!({ "GetProcessFdLimit": SIBLING })), json!({ "GetProcessFdLimit": 358 }));
        assert_eq!(harness.ask(json!("GetState"))["GetState"][SIBLING], json!({ "limit": 358, "hit_count": 2 }));
    }

    #[test]
    fn who_never_asked_has_no_share() {
        let mut harness = harness();
        assert_eq!(told(&mut harness, json!("FdsLimitHit")), []);
        assert_eq!(harness.ask(json!({ "GetProcessFdLimit": OWNER })), json!({ "GetProcessFdLimit": 0 }));
    }

    #[test]
    fn the_part_that_is_given_away_can_be_changed() {
        let mut harness = harness();
        assert_eq!(told(&mut harness, json!({ "UpdateMaxFdsAsFractionOfUlimitPercentage": 10 })), []);
        assert_eq!(told(&mut harness, json!("RequestFdsLimit")), [(OWNER.to_string(), 102)]);
        let most = json!({ "UpdateMaxFdsAsFractionOfUlimitPercentage": u64::MAX });
        assert_eq!(told(&mut harness, most), []);
        assert!(told(&mut harness, json!("FdsLimitHit"))[0].1 > 102);
    }

    #[test]
    fn what_is_not_expected_and_what_is_wrong_is_not_answered() {
        let mut harness = harness();
        assert_eq!(told(&mut harness, json!("GetState")), []);
        for wrong in ["no json", r#"{"GetProcessFdLimit":"main:notes"}"#] {
            let message = harness.request(wrong, None);
            harness.tell(Heard::Message(Rc::new(message)));
            assert!(harness.replies.is_empty() && harness.unmodelled.is_none(), "{wrong}");
        }
    }
}
