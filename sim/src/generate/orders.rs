//! Orders to puppets: what a process is to do, in the words of the program `puppet`. Every call of the process world.

use super::cast::{APP, KERNEL, Member, PACKAGE, PARAMS, id};
use super::family::Family;
use super::writer::Writer;

impl Writer<'_> {
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
    fn small(&mut self, who: &Member, depth: usize) -> String {
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
            9 => (format!("our@{KERNEL}"), r#""network""#.into()),
            10 => (format!("our@{KERNEL}"), r#""messaging""#.into()),
            _ => (self.cast.address(self.draws, node), params),
        }
    }

    /// What a message carries besides its body.
    fn options(&mut self, who: &Member, answered: bool) -> String {
        let mut options = String::new();
        if self.draws.percent(20) {
            options.push_str("-inherit ");
        }
        if answered && self.draws.percent(55) {
            options.push_str(&format!("-expects={} ", 1 + self.draws.below(4)));
            match self.draws.below(6) {
                0 | 1 => options.push_str(&format!("-context={} ", self.fresh("c"))),
                2 => options.push_str("-context=do_respond_late "),
                3 => options.push_str("-context=do_print-blob "),
                4 => options.push_str("-context=do_keep "),
                _ => {}
            }
        }
        if self.draws.percent(12) {
            options.push_str(&format!("-metadata={} ", self.fresh("m")));
        }
        if self.draws.percent(25) {
            options.push_str(&format!("-blob={} ", self.fresh("b")));
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
        format!("{}{to} {body}", self.options(who, answered))
    }

    fn request(&mut self, who: &Member, depth: usize) -> String {
        match self.draws.below(12) {
            0 | 1 => {
                let to = self.target(who);
                let whom = self.member_at(&to, who);
                format!("tell {to} {}", self.small(&whom, depth))
            }
            2 => {
                let to = self.target(who);
                format!("ask {to} {} {}", 1 + self.draws.below(4), self.small(who, 0))
            }
            3 => {
                let to = self.target(who);
                format!("await {to} {} respond {}", 1 + self.draws.below(3), self.fresh("a"))
            }
            4 | 5 => {
                let n = 2 + self.draws.below(3);
                let items: Vec<String> = (0..n).map(|_| self.item(who, depth, true)).collect();
                format!("send-all {}", items.join(" & "))
            }
            6 => {
                let to = self.target(who);
                format!("inherit {to} {} respond {}", 1 + self.draws.below(3), self.fresh("i"))
            }
            7 | 8 => format!("call {}", self.item(who, depth, false)),
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
        let own = who.on().process.split(':').next().unwrap_or_default().to_string();
        let name = match self.draws.below(16) {
            0 => "-".to_string(),
            1 => "Bad_Name".to_string(),
            2 => own,
            3 | 4 => self.cast.members[self.draws.below(self.cast.members.len())].start.on.process[..1].to_string(),
            _ => kid.to_string(),
        };
        let path = match self.draws.below(14) {
            0 => format!("/{PACKAGE}/pkg/nothing.wasm"),
            1 => format!("/{PACKAGE}/pkg/garbage.wasm"),
            2 => format!("/{APP}/pkg/puppet.wasm"),
            3 => format!("/{PACKAGE}/pkg/crasher.wasm"),
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
            0..4 => format!("save-state {}", self.fresh("s")),
            4 => "clear-state".to_string(),
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

    /// A hundred messages and some more to one process.
    fn flood(&mut self, who: &Member) -> String {
        let to = self.target(who);
        let mut orders = vec![format!("tell {to} print drop"); 60 + self.draws.below(60)];
        // A native guest may make 64 calls in a row that have no answer.
        (1..3).rev().for_each(|nth| orders.insert(nth * 30, "has-blob".to_string()));
        orders.join("\n")
    }

    fn looks(&mut self) -> String {
        let looks =
            ["our", "has-blob", "print-blob", "print-last-blob", "print-on-exit", "print-state", "print-capabilities"];
        self.draws.pick(&looks).to_string()
    }

    /// A command, from a process that may or may not command.
    fn commands(&mut self, who: &Member) -> String {
        let kernel = match self.draws.below(10) {
            0 | 1 => format!("{}@{KERNEL}", self.draws.pick(&self.cast.nodes.iter().collect::<Vec<_>>())),
            2 => format!("our@{}", id("kernel")),
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

    fn timer(&mut self, who: &Member, depth: usize) -> String {
        let span = 50 * (1 + self.draws.below(40));
        let timer = "our@timer:distro:sys";
        match self.draws.below(4) {
            0 => format!("call -expects=4 {timer} {{\"SetTimer\":{span}}}"),
            1 => format!("send -expects=4 -context=do_respond_late {timer} {{\"SetTimer\":{span}}}"),
            2 => {
                let order = self.small(who, depth.min(1));
                let order = order.lines().next().unwrap_or_default();
                if order.contains(['_', '&', '|']) {
                    return format!("send -expects=1 {timer} {{\"SetTimer\":{span}}}");
                }
                format!("send -expects=4 -context=do_{} {timer} {{\"SetTimer\":{span}}}", order.replace(' ', "_"))
            }
            _ => format!("send -expects=1 -context={} {timer} {{\"SetTimer\":{span}}}", self.fresh("t")),
        }
    }

    fn file(&mut self, _who: &Member) -> String {
        let vfs = "our@vfs:distro:sys";
        let drive = format!("/{PACKAGE}/data");
        let file = format!("{drive}/{}", self.draws.pick(&["f1", "f2"]));
        let text = self.fresh("w");
        match self.draws.below(9) {
            0 | 1 => format!(
                "call {vfs} {{\"path\":\"{drive}\",\"action\":\"CreateDrive\"}}\n\
                 call {vfs} {{\"path\":\"{file}\",\"action\":\"CreateFile\"}}"
            ),
            2 => format!("call -blob={text} {vfs} {{\"path\":\"{file}\",\"action\":\"Write\"}}"),
            3 => format!("call -blob={text} {vfs} {{\"path\":\"{file}\",\"action\":\"Append\"}}"),
            4 => format!(
                "send -expects=3 -blob={text} {vfs} {{\"path\":\"{file}\",\"action\":\"WriteAll\"}}\n\
                 call {vfs} {{\"path\":\"{file}\",\"action\":\"SyncAll\"}}"
            ),
            5 => format!("call {vfs} {{\"path\":\"{file}\",\"action\":\"SyncAll\"}}"),
            6 => format!("call {vfs} {{\"path\":\"{file}\",\"action\":\"RemoveFile\"}}"),
            7 => format!("call {vfs} {{\"path\":\"/{APP}/pkg/manifest.json\",\"action\":\"Read\"}}\nprint-blob"),
            _ => format!("call {vfs} {{\"path\":\"{file}\",\"action\":\"Read\"}}\nprint-blob"),
        }
    }

    fn database(&mut self, _who: &Member) -> String {
        let package = r#"{"package_name":"gen","publisher_node":"alice.os"}"#;
        let kv = self.draws.percent(60);
        let module = if kv { "our@kv:distro:sys" } else { "our@sqlite:distro:sys" };
        let ask = |options: &str, action: &str| {
            format!(r#"call {options}{module} {{"package_id":{package},"db":"d","action":{action}}}"#)
        };
        let key = 1 + self.draws.below(3);
        let blob = format!("-blob={} ", self.fresh("v"));
        let change = |n: usize, tx: &str| match (kv, n) {
            (true, 0) => ask(&blob, &format!(r#"{{"Set":{{"key":[{key}],"tx_id":{tx}}}}}"#)),
            (true, _) => ask("", &format!(r#"{{"Delete":{{"key":[{key}],"tx_id":{tx}}}}}"#)),
            (false, 0) => {
                ask("", &format!(r#"{{"Write":{{"statement":"INSERT INTO t VALUES ({key})","tx_id":{tx}}}}}"#))
            }
            (false, _) => {
                ask("", &format!(r#"{{"Write":{{"statement":"DELETE FROM t WHERE k = {key}","tx_id":{tx}}}}}"#))
            }
        };
        match self.draws.below(7) {
            0 | 1 if kv => ask("", r#""Open""#),
            0 | 1 => {
                let table = r#"{"Write":{"statement":"CREATE TABLE t (k INTEGER)","tx_id":null}}"#;
                format!("{}\n{}", ask("", r#""Open""#), ask("", table))
            }
            2 => change(self.draws.below(2), "null"),
            3 | 4 => {
                let (first, second) = (change(self.draws.below(2), "$tx"), change(self.draws.below(2), "$tx"));
                let commit = ask("", r#"{"Commit":{"tx_id":$tx}}"#);
                let end = if self.draws.percent(75) { commit } else { change(0, "null") };
                format!("{}\n{first}\n{second}\n{end}", ask("", r#""BeginTx""#))
            }
            5 if self.draws.one_in(4) => ask("", r#""RemoveDb""#),
            _ if kv => format!("{}\nprint-blob", ask("", &format!(r#"{{"Get":[{key}]}}"#))),
            _ => format!("{}\nprint-blob", ask("", r#"{"Query":"SELECT count(*) FROM t"}"#)),
        }
    }
}
