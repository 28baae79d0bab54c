//! Plots: a few lines that together bring about what single draws seldom do.

use super::cast::{KERNEL, Member, NETWORK, PARAMS};
use super::family::Family;
use super::writer::Writer;
use crate::scenario::{Action, Line, When};
use kernel_core::Duration;

impl Writer<'_> {
    /// A plot about this puppet, at times.
    pub(super) fn plot(&mut self, focus: &Member, at: Duration) {
        if self.families.has(Family::Capabilities) && self.draws.one_in(5) {
            self.keep_too_late(focus, at);
        }
        if self.families.has(Family::Responses) && self.draws.one_in(6) {
            self.read_late(focus, at);
        }
        if self.cast.nodes.len() > 1 && self.draws.one_in(6) {
            self.lose_network(focus, at);
        }
    }

    /// A puppet that this one may ask, if a few draws find one.
    pub(super) fn partner(&mut self, of: &Member) -> Member {
        for _ in 0..8 {
            let other = self.puppet();
            let (start, on) = (&of.start, other.on());
            let may = if on.node == of.on().node {
                other.start.public || start.may_message.contains(&on.process)
            } else {
                start.network && other.start.network
            };
            if may && on != of.on() {
                return other;
            }
        }
        self.puppet()
    }

    /// A question to a partner that is answered at once or after a second or two; and who asked is busy meanwhile, perhaps
    /// until the time is out.
    fn read_late(&mut self, asker: &Member, at: Duration) {
        let other = self.partner(asker);
        let (to, itself) = (asker.calls(&other), format!("our@{}", other.on().process));
        let answer = match self.draws.below(4) {
            0 => format!("respond {}", self.fresh("r")),
            _ => {
                let delay = 1 + self.draws.below(2);
                format!("send -expects={delay} -context=do_respond_late {itself} print nothing")
            }
        };
        let (most, busy) = (1 + self.draws.below(3), 1 + self.draws.below(4));
        let order = format!("send -expects={most} {to} {answer}\ncall -expects={busy} {to} print and no answer");
        self.lines.push(Line { when: When::At(at), action: Action::Tell(asker.on().clone(), order) });
    }

    /// Two on different nodes talk, and one loses the network while something is on its way; it may have it back later.
    fn lose_network(&mut self, one: &Member, at: Duration) {
        let other = self.partner(one);
        let (to, itself) = (one.calls(&other), format!("our@{}", other.on().process));
        let answer = match self.draws.below(2) {
            0 => format!("respond {}", self.fresh("r")),
            _ => format!("send -expects=1 -context=do_respond_late {itself} print nothing"),
        };
        let order = format!("send -expects={} {to} {answer}", self.seconds(3));
        let loser = if self.draws.one_in(3) { other } else { one.clone() };
        let right = |action: fn(_, _, _) -> Action| action(loser.on().clone(), KERNEL.to_string(), NETWORK.to_string());
        let (away, back) = ([0, 5, 15, 25, 35, 500][self.draws.below(6)], [15, 40, 1_500][self.draws.below(3)]);
        let mut line = |millis: u64, action: Action| {
            let when = When::At(Duration(at.0 + Duration::from_millis(millis).0));
            self.lines.push(Line { when, action });
        };
        line(0, Action::Tell(one.on().clone(), order));
        line(away, right(Action::Withdraw));
        if self.draws.one_in(2) {
            line(away + back, right(Action::Grant));
        }
    }

    /// A capability comes to a process that asks to keep it only when something has happened meanwhile: to itself or to the
    /// issuer.
    fn keep_too_late(&mut self, giver: &Member, at: Duration) {
        let taker = self.partner(giver);
        let (on, own) = (taker.on().clone(), giver.on().clone());
        let params = self.draws.pick(&PARAMS).to_string();
        let gift = format!("give {} our@{} {params} print thanks", giver.calls(&taker), own.process);
        let later = |millis: u64| When::At(Duration(at.0 + Duration::from_millis(millis).0));
        let busy = self.draws.one_in(2);
        if busy {
            let deaf = self.cast.address(self.draws, &on.node);
            let waits = format!("call -expects=1 {deaf} print and no answer");
            self.lines.push(Line { when: later(0), action: Action::Tell(on.clone(), waits) });
        }
        self.lines.push(Line { when: later(10), action: Action::Tell(own.clone(), gift) });
        let (ends, kills) = if self.draws.percent(60) { (own, self.draws.one_in(2)) } else { (on.clone(), false) };
        let end = match self.draws.below(2) {
            _ if kills => Action::Kill(ends),
            0 => Action::Tell(ends, "panic before it is kept".to_string()),
            _ => Action::Tell(ends, "return".to_string()),
        };
        self.lines.push(Line { when: later(30), action: end });
        let claim = Action::Tell(on, format!("claim our@{} {params}\nprint-capabilities", giver.on().process));
        // Some wait out a back-off first.
        let after = if busy { 40 } else { [100, 100, 2_500][self.draws.below(3)] };
        self.lines.push(Line { when: later(after), action: claim });
    }
}
