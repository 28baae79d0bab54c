//! The script of a generated world: scenes of a few lines each, which bring a process into a state and do something to it.

use super::cast::{APP, Cast, KERNEL, Member, NETWORK, PARAMS};
use super::draws::Draws;
use super::family::{Families, Family};
use crate::plan::Down;
use crate::scenario::{Action, Line, On, OnExit, Request, When};
use crate::trace::event::Kind;
use kernel_core::Duration;
use serde_json::json;

/// What a generated script is written by.
pub(super) struct Writer<'c> {
    pub(super) cast: &'c Cast,
    pub(super) families: &'c Families,
    pub(super) draws: &'c mut Draws,
    /// How long the storm takes.
    pub(super) storm: Duration,
    /// Whom the scene is about.
    pub(super) focus: Option<On>,
    /// Texts that have been given out.
    pub(super) texts: usize,
    pub(super) lines: Vec<Line>,
}

/// Events in which a rare state begins, for lines to be carried out in it.
const MOMENTS: [(usize, Kind); 14] = [
    (4, Kind::Started),
    (5, Kind::Exited),
    (3, Kind::Killed),
    (4, Kind::Durable),
    (2, Kind::StateDurable),
    (4, Kind::SavesState),
    (4, Kind::SetsOnExit),
    (4, Kind::Spawns),
    (3, Kind::Received),
    (3, Kind::Called),
    (1, Kind::Lost),
    (1, Kind::Learned),
    (1, Kind::SavesCapabilities),
    (1, Kind::DropsCapabilities),
];

impl Writer<'_> {
    /// A text that nobody else has: `r7`.
    pub(super) fn fresh(&mut self, letter: &str) -> String {
        self.texts += 1;
        format!("{letter}{}", self.texts)
    }

    /// So many lines, or a few more.
    pub(super) fn write(&mut self, n: usize) {
        while self.lines.len() < n {
            self.scene();
        }
    }

    fn member(&mut self) -> Member {
        self.cast.members[self.draws.below(self.cast.members.len())].clone()
    }

    /// A member that takes orders: the first on each node does.
    pub(super) fn puppet(&mut self) -> Member {
        for _ in 0..8 {
            let member = self.member();
            if member.is_puppet() {
                return member;
            }
        }
        self.cast.members[0].clone()
    }

    /// A few lines about one process, at about one time.
    fn scene(&mut self) {
        let focus = self.member();
        let on = match self.draws.below(10) {
            0 => On { process: self.cast.id(self.draws), ..focus.on().clone() },
            _ => focus.on().clone(),
        };
        self.focus = Some(on.clone());
        let start = self.draws.millis(self.storm);
        let mut at = When::At(start);
        if self.draws.percent(30) {
            let kind = self.draws.weighted(&MOMENTS);
            let nth = 1 + self.draws.below(3) * self.draws.below(3);
            let id = on.process.clone();
            at = When::Event(kind, id, nth as u32);
        } else if self.draws.percent(35) {
            // Into a state first.
            self.enter(&focus, start);
            let later = [0, 1, 3, 12, 60, 400, 1_500][self.draws.below(7)];
            at = When::At(Duration(start.0 + Duration::from_millis(later).0));
        }
        if focus.is_puppet() {
            self.plot(&focus, start);
        }
        let n = 1 + self.draws.below(3) * self.draws.below(2) + self.draws.below(2);
        for _ in 0..n {
            let action = self.action(&focus, &on);
            self.lines.push(Line { when: at.clone(), action });
            match &mut at {
                When::At(time) if self.draws.percent(40) => {
                    time.0 += Duration::from_millis([1, 5, 20, 100, 1_000][self.draws.below(5)]).0;
                }
                When::At(_) | When::Event(..) => {}
            }
        }
    }

    /// Brings the process of a scene into a state that is rare.
    fn enter(&mut self, focus: &Member, at: Duration) {
        let on = focus.on().clone();
        let tell = |order: String| Action::Tell(on.clone(), order);
        let action = match self.draws.below(10) {
            // Backing off, if there is a back-off.
            0 => tell("panic so that it comes again".into()),
            1 => tell("return".into()),
            2 => Action::Kill(on.clone()),
            3 => {
                self.lines.push(Line { when: When::At(at), action: Action::Kill(on.clone()) });
                let mut start = focus.start.clone();
                start.public = self.draws.one_in(2);
                Action::Initialize(start)
            }
            4 => {
                let deaf = self.cast.address(self.draws, &on.node);
                tell(format!("call -expects=2 {deaf} print and no answer"))
            }
            5 => tell(format!("save-state {}", self.fresh("s"))),
            6 => tell("end restart\nprint-on-exit".into()),
            7 if self.draws.one_in(3) => tell("spin".into()),
            // Under way to the table: nobody waits for the answer.
            8 => self.initialize_at_once(&on.node),
            _ => {
                let heir = self.cast.address(self.draws, &on.node);
                tell(format!("end requests {heir} print it is gone"))
            }
        };
        self.lines.push(Line { when: When::At(at), action });
    }

    /// What somebody does in a scene.
    fn action(&mut self, focus: &Member, on: &On) -> Action {
        let family = self.families.one(self.draws);
        match family {
            Family::Lives => self.life(focus, on),
            Family::OnExit if self.draws.one_in(2) => {
                let value = self.on_exit(&on.node);
                Action::SetOnExit(on.clone(), value)
            }
            Family::Capabilities if self.draws.one_in(3) => {
                let (issuer, params) = match self.draws.below(8) {
                    0 | 1 => (KERNEL.to_string(), NETWORK.to_string()),
                    _ => (self.cast.id(self.draws), self.draws.pick(&PARAMS).to_string()),
                };
                match self.draws.below(5) {
                    0..3 => Action::Grant(on.clone(), issuer, params),
                    _ => Action::Withdraw(on.clone(), issuer, params),
                }
            }
            Family::Commands if self.draws.one_in(3) => self.owners_command(on),
            Family::Packages => {
                let node = self.cast.nodes[0].clone();
                match self.draws.below(3) {
                    0 => Action::Uninstall(node, APP.to_string()),
                    _ => Action::Install(node, APP.to_string()),
                }
            }
            Family::Nodes => self.node(&on.node),
            Family::Exits if focus.is_puppet() => Action::Tell(focus.on().clone(), self.order_of(focus, Family::Exits)),
            _ => {
                let who = if focus.is_puppet() && self.draws.one_in(2) { focus.clone() } else { self.puppet() };
                self.told(&who)
            }
        }
    }

    /// The owner of its node tells a puppet what to do.
    fn told(&mut self, who: &Member) -> Action {
        let mut orders = self.order(who, 2);
        while self.draws.percent(30) {
            orders.push('\n');
            orders.push_str(&self.order(who, 2));
        }
        let on = who.on().clone();
        match self.draws.below(12) {
            // The owner waits for the answer, and so does the script.
            0 => Action::Ask(on, 1 + self.draws.below(2) as u64, orders),
            1 | 2 => {
                let expects = self.draws.one_in(2).then(|| 1 + self.draws.below(2) as u64);
                let mime = self.draws.one_in(2).then(|| "text/plain".to_string());
                let blob = Some((mime, self.fresh("b").into_bytes().into()));
                Action::Send(on, Request { body: orders.into_bytes().into(), blob, code: None, expects, from: None })
            }
            3 if self.families.has(Family::Commands) || self.families.has(Family::Lives) => {
                let json = self.initialize_json(&who.on().node);
                let body = format!("send -inherit -expects=3 our@{KERNEL} {json}").into_bytes();
                let code = self.program();
                Action::Send(on, Request { body: body.into(), code, ..Request::default() })
            }
            _ => Action::Tell(on, orders),
        }
    }

    fn order_of(&mut self, who: &Member, family: Family) -> String {
        match family {
            Family::Exits if self.draws.percent(80) => {
                ["return", "panic told to", "panic told to"][self.draws.below(3)].to_string()
            }
            _ => self.order(who, 1),
        }
    }

    /// A program whose code an initialize brings; seldom none.
    fn program(&mut self) -> Option<String> {
        let program = self.draws.weighted(&[(16, "puppet"), (2, "crasher"), (1, "idle"), (1, "")]);
        (!program.is_empty()).then(|| program.to_string())
    }

    /// Initializes, runs and kills.
    fn life(&mut self, focus: &Member, on: &On) -> Action {
        let mut start = focus.start.clone();
        start.on = on.clone();
        if self.draws.one_in(3) {
            start.on_exit = self.on_exit(&on.node);
        }
        match self.draws.below(12) {
            0..4 => Action::Kill(on.clone()),
            4 | 5 => Action::Run(on.clone()),
            6 | 7 => Action::Start(start),
            8 => Action::Initialize(start),
            // Not waited for: what comes next comes at once.
            9 => self.initialize_at_once(&on.node),
            _ => {
                let kernel = On { node: on.node.clone(), process: KERNEL.to_string() };
                let command = match self.draws.below(5) {
                    0 | 1 => json!({ "KillProcess": on.process }),
                    2 => json!({ "Debug": { "Process": on.process } }),
                    _ => json!({ "RunProcess": on.process }),
                };
                Action::Tell(kernel, command.to_string())
            }
        }
    }

    fn initialize_at_once(&mut self, node: &str) -> Action {
        let body = self.initialize_json(node).into_bytes();
        let kernel = On { node: node.to_string(), process: KERNEL.to_string() };
        let code = self.program();
        Action::Send(kernel, Request { body: body.into(), code, ..Request::default() })
    }

    fn owners_command(&mut self, on: &On) -> Action {
        let kernel = On { node: on.node.clone(), process: KERNEL.to_string() };
        let json = self.command(&on.node);
        match self.draws.below(3) {
            0 => Action::Ask(kernel, 2, json),
            _ => Action::Tell(kernel, json),
        }
    }

    pub(super) fn on_exit(&mut self, node: &str) -> OnExit {
        match self.draws.below(6) {
            0 => OnExit::None,
            1 | 2 => OnExit::Restart,
            _ => OnExit::Requests(self.cast.last_words(self.draws, node)),
        }
    }

    fn node(&mut self, node: &str) -> Action {
        let node = node.to_string();
        let others: Vec<&String> = self.cast.nodes.iter().filter(|other| **other != node).collect();
        let span = Duration::from_millis([100, 500, 2_000, 4_000][self.draws.below(4)]);
        match self.draws.below(10) {
            0 => Action::Restore(node),
            1..4 if !others.is_empty() => Action::Cut(node, self.draws.pick(&others).to_string(), span),
            _ => {
                let how = self.draws.weighted(&[(2, Down::Shutdown), (3, Down::Crash), (3, Down::PowerLoss)]);
                Action::Down(node, how, span)
            }
        }
    }
}
