//! Plots: a few lines that together bring about what single draws seldom do.

use super::cast::{KERNEL, Member, NETWORK, PACKAGE, PARAMS, id};
use super::family::Family;
use super::writer::Writer;
use crate::plan::Down;
use crate::scenario::{Action, Line, On, OnExit, When};
use crate::trace::event::Kind;
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
        if self.families.has(Family::Floods) && self.draws.one_in(5) {
            self.flood_before_run(focus, at);
        }
        if self.families.has(Family::Requests) && self.draws.one_in(6) {
            self.act_on_what_came_back(focus, at);
        }
        if self.families.has(Family::Commands) && self.draws.one_in(6) {
            self.command_at_the_disk(focus, at);
        }
        if self.families.has(Family::Spawns) && self.draws.one_in(8) {
            self.kill_in_a_spawn(focus, at);
        }
        if self.families.has(Family::Files) && self.draws.one_in(3) {
            let (write, read) = self.files_of();
            self.over_a_crash(focus, at, write, read);
        }
        if self.families.has(Family::Databases) && self.draws.one_in(2) {
            let (write, read) = self.tables_of();
            self.over_a_crash(focus, at, write, read);
        }
        if self.families.has(Family::Nodes) && self.draws.one_in(12) {
            self.shut_down_while_it_computes(focus, at);
        }
    }

    /// An action this long after a time.
    fn later(&mut self, at: Duration, millis: u64, action: Action) {
        let when = When::At(Duration(at.0 + Duration::from_millis(millis).0));
        self.lines.push(Line { when, action });
    }

    /// A process begins anew, and gets about a hundred messages before it is run.
    fn flood_before_run(&mut self, focus: &Member, at: Duration) {
        let sender = self.sender_to(focus);
        let (on, n) = (focus.on().clone(), 90 + self.draws.below(40));
        let mut orders = vec![format!("tell {} print drop", sender.calls(focus)); n];
        breathe(&mut orders);
        self.later(at, 0, Action::Kill(on.clone()));
        self.later(at, 1, Action::Initialize(focus.start.clone()));
        self.later(at, 30, Action::Tell(sender.on().clone(), orders.join("\n")));
        self.later(at, 80, Action::Run(on.clone()));
        self.later(at, 120, Action::Tell(on, "print it is run".to_string()));
    }

    /// A process makes a call after an answer or an error has come to it.
    fn act_on_what_came_back(&mut self, focus: &Member, at: Duration) {
        let other = self.partner(focus);
        let answer = match self.draws.below(3) {
            0 => "print and no answer".to_string(),
            _ => format!("respond {}", self.fresh("r")),
        };
        let then = self.afterwards(focus);
        let order = format!("send -expects=1 -context=do_{then} {} {answer}", focus.calls(&other));
        self.later(at, 0, Action::Tell(focus.on().clone(), order));
    }

    /// A command about a process that waits for the disk.
    fn command_at_the_disk(&mut self, focus: &Member, at: Duration) {
        let on = focus.on();
        let save = Action::Tell(on.clone(), format!("save-state {}", self.fresh("s")));
        self.later(at, 0, save);
        let saves = When::Event(Kind::SavesState, on.process.clone(), 1 + self.draws.below(2) as u32);
        let kernel = On { node: on.node.clone(), process: KERNEL.to_string() };
        let command = Action::Tell(kernel, self.command(&on.node));
        self.lines.push(Line { when: saves, action: command });
    }

    /// A process writes, its node goes down at about the same time, and when it is back it reads.
    fn over_a_crash(&mut self, focus: &Member, at: Duration, write: String, read: String) {
        let on = focus.on().clone();
        let (how, span) = (self.draws.weighted(&[(1, Down::Crash), (3, Down::PowerLoss)]), Duration::from_millis(300));
        let down = [1, 2, 3, 5, 8, 40, 300][self.draws.below(7)];
        self.later(at, 0, Action::SetOnExit(on.clone(), OnExit::Restart));
        self.later(at, 20, Action::Tell(on.clone(), write));
        self.later(at, 20 + down, Action::Down(on.node.clone(), how, span));
        self.later(at, 1_000, Action::Tell(on, read));
    }

    /// A process is killed at a step of its spawn.
    fn kill_in_a_spawn(&mut self, focus: &Member, at: Duration) {
        let on = focus.on();
        let child = Action::Tell(on.clone(), format!("child kid /{PACKAGE}/pkg/puppet.wasm"));
        self.later(at, 0, child);
        let kind = self.draws.weighted(&[(1, Kind::Spawns), (1, Kind::Durable)]);
        let of = if kind == Kind::Spawns { on.process.clone() } else { id("kid") };
        let step = When::Event(kind, of, 1);
        self.lines.push(Line { when: step, action: Action::Kill(on.clone()) });
    }

    /// A node is shut down by its owner while one of its processes computes.
    fn shut_down_while_it_computes(&mut self, focus: &Member, at: Duration) {
        let on = focus.on();
        let span = Duration::from_millis(500);
        let kernel = On { node: on.node.clone(), process: KERNEL.to_string() };
        let shutdown = match self.draws.below(3) {
            0 => Action::Tell(kernel, r#""Shutdown""#.to_string()),
            _ => Action::Down(on.node.clone(), Down::Shutdown, span),
        };
        self.later(at, 0, Action::Tell(on.clone(), "spin".to_string()));
        let meanwhile = [1, 20, 300][self.draws.below(3)];
        self.later(at, meanwhile, shutdown);
    }

    /// A puppet that may ask this one, if a few draws find one.
    fn sender_to(&mut self, target: &Member) -> Member {
        self.puppet_that(|other| other.on().node == target.on().node && may_ask(other, target))
    }

    /// A puppet that this one may ask, if a few draws find one.
    pub(super) fn partner(&mut self, of: &Member) -> Member {
        self.puppet_that(|other| may_ask(of, other))
    }

    /// A puppet that is as wanted, if a few draws find one; else any.
    fn puppet_that(&mut self, is_wanted: impl Fn(&Member) -> bool) -> Member {
        for _ in 0..8 {
            let drawn = self.puppet();
            if is_wanted(&drawn) {
                return drawn;
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
        self.later(at, 0, Action::Tell(asker.on().clone(), order));
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
        self.later(at, 0, Action::Tell(one.on().clone(), order));
        self.later(at, away, right(Action::Withdraw));
        if self.draws.one_in(2) {
            self.later(at, away + back, right(Action::Grant));
        }
    }

    /// A capability comes to a process that asks to keep it only when something has happened meanwhile: to itself or to the
    /// issuer.
    fn keep_too_late(&mut self, giver: &Member, at: Duration) {
        let taker = self.partner(giver);
        let (on, own) = (taker.on().clone(), giver.on().clone());
        let params = self.draws.pick(&PARAMS).to_string();
        let gift = format!("give {} our@{} {params} print thanks", giver.calls(&taker), own.process);
        let busy = self.draws.one_in(2);
        if busy {
            let deaf = self.cast.address(self.draws, &on.node);
            let waits = format!("call -expects=1 {deaf} print and no answer");
            self.later(at, 0, Action::Tell(on.clone(), waits));
        }
        self.later(at, 10, Action::Tell(own.clone(), gift));
        let (ends, kills) = if self.draws.percent(60) { (own, self.draws.one_in(2)) } else { (on.clone(), false) };
        let end = match self.draws.below(2) {
            _ if kills => Action::Kill(ends),
            0 => Action::Tell(ends, "panic before it is kept".to_string()),
            _ => Action::Tell(ends, "return".to_string()),
        };
        self.later(at, 30, end);
        let claim = Action::Tell(on, format!("claim our@{} {params}\nprint-capabilities", giver.on().process));
        // Some wait out a back-off first.
        let after = if busy { 40 } else { [100, 100, 2_500][self.draws.below(3)] };
        self.later(at, after, claim);
    }
}

/// Whether a process has the capabilities that a request to the other needs.
fn may_ask(one: &Member, other: &Member) -> bool {
    let (start, to) = (&one.start, other.on());
    let may = if to.node == one.on().node {
        other.start.public || start.may_message.contains(&to.process)
    } else {
        start.network && other.start.network
    };
    may && to != one.on()
}

/// A native guest may make 64 calls in a row that have no answer: a call that has one comes in between.
pub(super) fn breathe(orders: &mut Vec<String>) {
    (1..=orders.len() / 50).rev().for_each(|nth| orders.insert(nth * 50, "has-blob".to_string()));
}
