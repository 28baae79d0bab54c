//! Orders to puppets: what a process is to do, in the words of the program `puppet`. Every call of the process world.

use super::cast::{APP, KERNEL, Member, NETWORK, PACKAGE, PARAMS, id};
use super::family::Family;
use super::plot::breathe;
use super::writer::Writer;

/// Seconds that do not fit: of each width in which somebody may count them, in seconds, milliseconds, microseconds or
/// nanoseconds, one that leaves next to nothing when it is cut.
const WIDE: [u64; 9] = [5, 4_295, 65_537, 2_147_484, 4_294_968, 2_147_483_649, 4_294_967_297, 18_446_744_074, u64::MAX];

impl Writer<'_> {
    /// How many seconds a request waits: a few, up to `most`; now and then none, or more than fit somewhere.
    pub(super) fn seconds(&mut self, most: usize) -> u64 {
        match self.draws.below(20) {
            0 => 0,
            1 => WIDE[self.draws.below(WIDE.len())],
            _ => 1 + self.draws.below(most) as u64,
        }
    }

    /// What a process does, in one line or a few. `depth` bounds orders within orders.
    pub(super) fn order(&mut self, who: &Member, depth: usize) -> String {
        let family = self.families.one(self.draws);
        match family {
            Family::Requests => self.request(who, depth),
            Family::Responses => self.response(who),
            Family::Spawns => self.spawn(who, depth),
            Family::Capabilities => self.capabilities(who),
            Family::State => self.state(),
            Family::OnExit => self.sets_on_exit(who),
            Family::Exits => self.exit(),
            Family::Lives | Family::Commands => self.commands(who),
            Family::Files => self.file(who),
            Family::Databases => self.database(who),
            Family::Timers => self.timer(who, depth),
            Family::Floods => self.flood(who),
            // These are the owners'.
            Family::Packages | Family::Nodes => self.looks(),
        }
    }

    /// Something that a request may ask of a puppet, and that harms nobody by itself.
    pub(super) fn small(&mut self, who: &Member, depth: usize) -> String {
        if depth > 0 && self.draws.percent(45) {
            return self.order(who, depth - 1);
        }
        match self.draws.below(8) {
            0..3 => format!("respond {}", self.fresh("r")),
            3 => self.response(who),
            4 => String::new(),
            5 => self.looks(),
            _ => format!("print {}", self.fresh("p")),
        }
    }

    /// The target of a request: mostly a process that the sender may message.
    fn target(&mut self, who: &Member) -> String {
        let node = &who.on().node;
        let known: Vec<&String> = who.start.may_message.iter().filter(|id| id.ends_with(PACKAGE)).collect();
        if !known.is_empty() && self.draws.percent(60) {
            return format!("our@{}", self.draws.pick(&known));
        }
        match (self.focus.clone(), self.draws.below(10)) {
            (Some(focus), 0..5) if focus.node == *node => format!("our@{}", focus.process),
            (Some(focus), 0..5) => focus.to_string(),
            (_, 9) => format!("our@{}", who.on().process),
            _ => self.cast.address(self.draws, node),
        }
    }

    /// The member of that address, if it is one.
    fn member_at(&mut self, address: &str, from: &Member) -> Member {
        let member = self.cast.members.iter().find(|member| address.ends_with(&member.on().process));
        member.unwrap_or(from).clone()
    }

    /// A capability as somebody on this node would write it: issuer and parameters.
    pub(super) fn capability(&mut self, who: &Member) -> (String, String) {
        let node = &who.on().node;
        let own = format!("our@{}", who.on().process);
        let params = self.draws.pick(&PARAMS).to_string();
        match self.draws.below(12) {
            0..4 => (own, params),
            4..8 => (self.target(who), params),
            8 if !who.start.holds.is_empty() => {
                let (issuer, params) = who.start.holds[0].clone();
                (format!("our@{issuer}"), params)
            }
            9 => (format!("our@{KERNEL}"), NETWORK.into()),
            10 => (format!("our@{KERNEL}"), r#""messaging""#.into()),
            _ => (self.cast.address(self.draws, node), params),
        }
    }

    /// What is to be done when an answer comes, or the error: an order in one word, with `_` for blanks.
    pub(super) fn afterwards(&mut self, who: &Member) -> String {
        let to = self.target(who);
        let (issuer, params) = self.capability(who);
        let order = match self.draws.below(20) {
            0..3 => self.looks(),
            3 | 4 => self.state(),
            5 => self.draws.pick(&["end none", "end restart", "print-on-exit"]).to_string(),
            6 => format!("end requests {to} print last word"),
            7 => format!("claim {issuer} {params}"),
            8 => format!("drop {issuer} {params}"),
            9 => format!("tell {to} respond {}", self.fresh("r")),
            10 => format!("pass {to} respond {}", self.fresh("r")),
            11 => format!("await {to} {} respond {}", self.seconds(2), self.fresh("a")),
            12 => format!("send-all {to} print one & {to} print two"),
            13 | 14 => format!("child {} /{PACKAGE}/pkg/puppet.wasm", self.draws.pick(&["kid", "kid2"])),
            15 => self.draws.pick(&["return", "panic afterwards", "panic afterwards"]).to_string(),
            16 => "keep".to_string(),
            _ => "respond late".to_string(),
        };
        // A `_` would be a blank there, too.
        let order = if order.contains('_') { "respond late".to_string() } else { order };
        order.replace(' ', "_")
    }

    /// A request that one process passes on to the other, until somebody answers it or nobody is there: one of them may
    /// be who asked.
    fn chain(&mut self, who: &Member) -> String {
        let mut order = format!("send -expects={} ", self.seconds(4));
        let mut at = who.clone();
        for nth in 0..1 + self.draws.below(3) {
            let next = if self.draws.one_in(3) { who.clone() } else { self.partner(&at) };
            let verb = if nth == 0 { "" } else { "pass " };
            order.push_str(&format!("{verb}{} ", at.calls(&next)));
            at = next;
        }
        let end = if self.draws.one_in(2) { self.nowhere(&at) } else { self.target(&at) };
        format!("{order}pass {end} respond {}", self.fresh("r"))
    }

    /// The address of nobody: on a node that is not there, or perhaps down; or here.
    fn nowhere(&mut self, from: &Member) -> String {
        match self.draws.below(3) {
            0 => format!("dave.os@{}", id("a")),
            1 => {
                let node = self.draws.pick(&self.cast.nodes.iter().collect::<Vec<_>>()).to_string();
                format!("{node}@{}", from.on().process)
            }
            _ => format!("our@{}", id("ghost")),
        }
    }

    /// What a message carries besides its body.
    fn options(&mut self, who: &Member, answered: bool) -> String {
        let mut options = String::new();
        if self.draws.percent(20) {
            options.push_str("-inherit ");
        }
        if answered && self.draws.percent(55) {
            options.push_str(&format!("-expects={} ", self.seconds(4)));
            match self.draws.below(8) {
                0 | 1 => options.push_str(&format!("-context={} ", self.fresh("c"))),
                2 => options.push_str("-context=do_respond_late "),
                3 => options.push_str("-context=do_print-blob "),
                4 => options.push_str("-context=do_keep "),
                5 | 6 => {
                    let then = self.afterwards(who);
                    options.push_str(&format!("-context=do_{then} "));
                }
                _ => {}
            }
        }
        if self.draws.percent(12) {
            options.push_str(&format!("-metadata={} ", self.fresh("m")));
        }
        if self.draws.percent(25) {
            // Now and then of no bytes.
            let bytes = if self.draws.one_in(6) { String::new() } else { self.fresh("b") };
            options.push_str(&format!("-blob={bytes} "));
            if self.draws.percent(50) {
                options.push_str("-mime=text/plain ");
            }
        }
        if self.families.has(Family::Capabilities) {
            while self.draws.percent(30) {
                let (issuer, params) = self.capability(who);
                options.push_str(&format!("-cap={issuer}|{params} "));
            }
        }
        options
    }

    fn item(&mut self, who: &Member, depth: usize, answered: bool) -> String {
        let to = self.target(who);
        let whom = self.member_at(&to, who);
        let body = self.small(&whom, depth).replace(['\n', '&'], " ");
        let options = self.options(who, answered);
        // What waits for an answer is to get one, mostly.
        if options.contains("-context=do_") && self.draws.percent(60) {
            return format!("{options}{to} respond {}", self.fresh("r"));
        }
        format!("{options}{to} {body}")
    }

    fn request(&mut self, who: &Member, depth: usize) -> String {
        match self.draws.below(14) {
            0 | 1 => {
                let to = self.target(who);
                let whom = self.member_at(&to, who);
                format!("tell {to} {}", self.small(&whom, depth))
            }
            2 => {
                let to = self.target(who);
                format!("ask {to} {} {}", self.seconds(4), self.small(who, 0))
            }
            3 => {
                let to = self.target(who);
                format!("await {to} {} respond {}", self.seconds(3), self.fresh("a"))
            }
            4 | 5 => {
                // Now and then more than somebody may have room for.
                let (n, depth) =
                    if self.draws.one_in(6) { (9 + self.draws.below(12), 0) } else { (2 + self.draws.below(3), depth) };
                let items: Vec<String> = (0..n).map(|_| self.item(who, depth, true)).collect();
                format!("send-all {}", items.join(" & "))
            }
            6 => {
                let to = self.target(who);
                format!("inherit {to} {} respond {}", self.seconds(3), self.fresh("i"))
            }
            7 | 8 => format!("call {}", self.item(who, depth, false)),
            9 | 10 => self.chain(who),
            _ => format!("send {}", self.item(who, depth, true)),
        }
    }

    fn response(&mut self, who: &Member) -> String {
        let answer = format!("answer {}{}", self.options(who, false), self.fresh("r"));
        match self.draws.below(8) {
            0..3 => answer,
            3 => format!("{answer}\nrespond twice"),
            // Late: when something else has been received.
            4 => {
                let wait = self.target(who);
                format!("call -expects=1 {wait} print nothing\n{answer}")
            }
            5 => {
                let (issuer, params) = self.capability(who);
                let body = if self.draws.one_in(2) { "have" } else { "take" };
                format!("hand-over {issuer} {params} {body}")
            }
            6 => format!("print-blob\n{answer}"),
            _ => format!("respond {}", self.fresh("r")),
        }
    }

    fn spawn(&mut self, who: &Member, depth: usize) -> String {
        let kid = self.draws.pick(&["kid", "kid", "kid", "kid2", "kid2"]);
        if self.draws.percent(35) {
            let order = self.small(who, depth);
            return format!("tell our@{} {order}", id(kid));
        }
        let mut options = String::new();
        if self.draws.percent(40) {
            options.push_str("-public ");
        }
        match self.draws.below(3) {
            0 => {}
            1 => options.push_str("-restart "),
            _ => {
                let heir = self.target(who);
                options.push_str(&format!("-heir={heir}|print_kid_is_gone "));
            }
        }
        while self.draws.percent(45) {
            let (issuer, params) = self.capability(who);
            options.push_str(&format!("-want={issuer}|{params} "));
        }
        while self.draws.percent(30) {
            let holder = self.cast.id(self.draws);
            let params = self.draws.pick(&PARAMS);
            options.push_str(&format!("-grant={holder}|{params} "));
        }
        let own_name = |member: &Member| member.on().process.split(':').next().unwrap_or_default().to_string();
        let name = match self.draws.below(16) {
            0 => "-".to_string(),
            1 => "Bad_Name".to_string(),
            2 => own_name(who),
            3 | 4 => own_name(&self.cast.members[self.draws.below(self.cast.members.len())]),
            _ => kid.to_string(),
        };
        let has_app = self.families.has(Family::Packages);
        let path = match self.draws.below(14) {
            0 => format!("/{PACKAGE}/pkg/nothing.wasm"),
            1 => format!("/{PACKAGE}/pkg/garbage.wasm"),
            2 => format!("/{PACKAGE}/pkg/crasher.wasm"),
            3 | 4 if has_app => format!("/{APP}/pkg/puppet.wasm"),
            _ => format!("/{PACKAGE}/pkg/puppet.wasm"),
        };
        format!("child {options}{name} {path}")
    }

    fn capabilities(&mut self, who: &Member) -> String {
        let (issuer, params) = self.capability(who);
        match self.draws.below(10) {
            0 | 1 => format!("drop {issuer} {params}"),
            2 => format!("claim {issuer} {params}"),
            3 => "keep".to_string(),
            4 => "print-capabilities".to_string(),
            5..7 => {
                let to = self.target(who);
                let then = self.draws.pick(&["keep", "keep", "print-capabilities", "respond thanks"]);
                format!("give {to} {issuer} {params} {then}")
            }
            7 => {
                let to = self.target(who);
                let (other, params2) = self.capability(who);
                format!("send -cap={issuer}|{params} -cap={other}|{params2} {to} keep")
            }
            8 => {
                let to = self.target(who);
                let whom = self.member_at(&to, who);
                let (issuer, params) = self.capability(&whom);
                format!("call {to} answer -cap={issuer}|{params} take\nkeep")
            }
            _ => {
                let to = self.target(who);
                let whom = self.member_at(&to, who);
                let (issuer, params) = self.capability(&whom);
                format!("send -expects=3 -context=do_keep {to} hand-over {issuer} {params} take")
            }
        }
    }

    fn state(&mut self) -> String {
        match self.draws.below(8) {
            0 if self.draws.one_in(2) => "save-state ".to_string(),
            0..4 => format!("save-state {}", self.fresh("s")),
            4 | 5 => "clear-state".to_string(),
            _ => "print-state".to_string(),
        }
    }

    fn sets_on_exit(&mut self, who: &Member) -> String {
        match self.draws.below(10) {
            0 => "end none".to_string(),
            1 | 2 => "end restart".to_string(),
            3 | 4 => "print-on-exit".to_string(),
            _ => {
                let n = 1 + self.draws.below(3);
                let items: Vec<String> = (0..n).map(|_| self.item(who, 0, true)).collect();
                format!("end requests {}", items.join(" & "))
            }
        }
    }

    fn exit(&mut self) -> String {
        match self.draws.below(10) {
            0..4 => "return".to_string(),
            // Longer than what is kept of last words, which cuts a character in two.
            4 if self.draws.one_in(12) => format!("panic {}", "€".repeat(1_700)),
            4..8 => format!("panic {}", self.fresh("x")),
            8 if self.draws.one_in(3) => "spin".to_string(),
            _ => "no such order".to_string(),
        }
    }

    /// A hundred messages and some more to one process; or nearly as many questions, which it answers or does not.
    fn flood(&mut self, who: &Member) -> String {
        let to = self.target(who);
        let n = 60 + self.draws.below(60);
        let mut orders = match self.draws.below(3) {
            0 => vec![format!("tell {to} print drop"); n],
            1 => vec![format!("ask {to} {} respond drop", 1 + self.draws.below(3)); n],
            _ => vec![format!("ask {to} {} print drop", 1 + self.draws.below(3)); n],
        };
        breathe(&mut orders);
        orders.join("\n")
    }

    fn looks(&mut self) -> String {
        let looks =
            ["our", "has-blob", "print-blob", "print-last-blob", "print-on-exit", "print-state", "print-capabilities"];
        self.draws.pick(&looks).to_string()
    }

    /// A command, from a process that may or may not command.
    fn commands(&mut self, who: &Member) -> String {
        let namesake = self.cast.namesake().filter(|member| member.on().node == who.on().node);
        let kernel = match (self.draws.below(10), namesake) {
            (0..3, _) => format!("{}@{KERNEL}", self.draws.pick(&self.cast.nodes.iter().collect::<Vec<_>>())),
            (3..6, Some(namesake)) => who.calls(namesake),
            _ => format!("our@{KERNEL}"),
        };
        let json = self.command(&who.on().node);
        match self.draws.below(4) {
            0 => format!("tell {kernel} {json}"),
            1 => format!("call -expects=3 {kernel} {json}"),
            // What came as a blob goes on: it may be code.
            2 => format!("send -inherit -expects=3 {kernel} {json}"),
            _ => format!("send -expects=3 {kernel} {json}"),
        }
    }
}
