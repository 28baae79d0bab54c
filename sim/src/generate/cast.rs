//! Who there is in a generated world: nodes, processes, a package; and which names are worth aiming at.

use super::draws::Draws;
use super::family::{Families, Family};
use crate::scenario::{On, OnExit, Start};

/// The package of all processes that a world begins with.
pub(super) const PACKAGE: &str = "gen:alice.os";
/// The package that is installed and uninstalled.
pub(super) const APP: &str = "app:alice.os";
/// Who takes commands.
pub(super) const KERNEL: &str = "kernel:distro:sys";
/// The own name of a process that is not the kernel, and is called so.
const NAMESAKE: &str = "kernel";
/// The runtime modules that are spoken with, by the family that does.
const MODULES: [(Family, &str); 4] = [
    (Family::Files, "vfs:distro:sys"),
    (Family::Databases, "kv:distro:sys"),
    (Family::Databases, "sqlite:distro:sys"),
    (Family::Timers, "timer:distro:sys"),
];
/// The parameters of the kernel's capability to message other nodes.
pub(super) const NETWORK: &str = r#""network""#;
/// The parameters of capabilities that processes issue.
pub(super) const PARAMS: [&str; 5] = [r#""messaging""#, r#"{"x":1}"#, r#"{"x":2}"#, "free-text", "other-text"];

/// Who there is.
pub(super) struct Cast {
    /// The nodes, by name.
    pub(super) nodes: Vec<String>,
    /// The processes that the setup begins with.
    pub(super) members: Vec<Member>,
}

/// A process that the setup begins with.
#[derive(Clone)]
pub(super) struct Member {
    /// How it is started.
    pub(super) start: Start,
    /// Whether it is run, and not only initialized.
    pub(super) runs: bool,
}

impl Member {
    pub(super) fn on(&self) -> &On {
        &self.start.on
    }

    /// The address of another, as this one would write it.
    pub(super) fn calls(&self, other: &Member) -> String {
        let on = other.on();
        if on.node == self.on().node { format!("our@{}", on.process) } else { on.to_string() }
    }

    /// Whether it takes orders.
    pub(super) fn is_puppet(&self) -> bool {
        self.start.program == "puppet"
    }
}

/// The process of this own name in the package of all.
pub(super) fn id(name: &str) -> String {
    format!("{name}:{PACKAGE}")
}

impl Cast {
    /// One to three nodes, two to eight processes.
    pub(super) fn draw(draws: &mut Draws, families: &Families) -> Cast {
        let n_nodes = draws.weighted(&[(5, 1), (4, 2), (1, 3)]);
        let nodes: Vec<String> = ["alice.os", "bob.os", "carol.os"][..n_nodes].iter().map(|n| n.to_string()).collect();
        let n_members = 2 + draws.below(7);
        let mut names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let names = &mut names[..n_members];
        // A namesake of the kernel in another package is a process like any other (K1).
        if n_members > n_nodes && draws.one_in(12) {
            names[n_members - 1] = NAMESAKE;
        }
        let names = &*names;
        let mut members: Vec<Member> = Vec::new();
        for (nth, name) in names.iter().enumerate() {
            // The first on each node is root: somebody must be able to do the rare things.
            let node = if nth < n_nodes { nth } else { draws.below(n_nodes) };
            let root = nth < n_nodes || draws.one_in(8);
            let program = match draws.below(20) {
                _ if nth < n_nodes + 1 => "puppet",
                0 => "crasher",
                1 => "idle",
                2 => "counter",
                3 => "saver",
                _ => "puppet",
            };
            let on = On { node: nodes[node].clone(), process: id(name) };
            let mut start = on.runs(program);
            start.public = draws.percent(35);
            start.network = if n_nodes > 1 { draws.percent(70) } else { draws.one_in(6) };
            if root {
                start.may_message.push(KERNEL.to_string());
            }
            for (family, module) in MODULES {
                if families.has(family) && draws.percent(70) {
                    start.may_message.push(module.to_string());
                }
            }
            for other in names {
                if (other != name || draws.one_in(4)) && draws.percent(if root { 85 } else { 55 }) {
                    start.may_message.push(id(other));
                }
            }
            if draws.percent(40) {
                let issuer = id(draws.pick(names));
                start.holds.push((issuer, draws.pick(&PARAMS[1..]).to_string()));
            }
            if draws.one_in(12) {
                start
                    .holds
                    .push(("vfs:distro:sys".to_string(), r#"{"drive":"/app:alice.os/pkg","kind":"read"}"#.into()));
            }
            let runs = !draws.one_in(8);
            members.push(Member { start, runs });
        }
        let cast = Cast { nodes, members };
        let values: Vec<OnExit> = (0..n_members).map(|nth| cast.on_exit(draws, nth)).collect();
        let mut members = cast.members;
        members.iter_mut().zip(values).for_each(|(member, value)| member.start.on_exit = value);
        Cast { nodes: cast.nodes, members }
    }

    /// The kernel's namesake, if there is one.
    pub(super) fn namesake(&self) -> Option<&Member> {
        self.members.iter().find(|member| member.on().process == id(NAMESAKE))
    }

    /// A value for a member to begin with.
    fn on_exit(&self, draws: &mut Draws, of: usize) -> OnExit {
        match draws.below(10) {
            0..3 => OnExit::None,
            3..7 => OnExit::Restart,
            _ => OnExit::Requests(self.last_words(draws, &self.members[of].on().node)),
        }
    }

    /// One to three requests for an on-exit value.
    pub(super) fn last_words(&self, draws: &mut Draws, node: &str) -> Vec<(String, String)> {
        let n = 1 + draws.below(3);
        (0..n).map(|nth| (self.address(draws, node), format!("print last word {}", nth + 1))).collect()
    }

    /// The address of somebody, as somebody on this node would write it. Mostly of those who are there.
    pub(super) fn address(&self, draws: &mut Draws, from: &str) -> String {
        let member = &self.members[draws.below(self.members.len())];
        let id = if draws.percent(80) { member.on().process.clone() } else { self.id(draws) };
        match draws.below(30) {
            0..3 => format!("{}@{id}", draws.pick(&self.nodes.iter().collect::<Vec<_>>())),
            3 => format!("dave.os@{id}"),
            _ if member.on().node == from => format!("our@{id}"),
            _ => format!("{}@{id}", member.on().node),
        }
    }

    /// An id to do something to: mostly one that is there or was.
    pub(super) fn id(&self, draws: &mut Draws) -> String {
        match draws.below(40) {
            0..24 => self.members[draws.below(self.members.len())].on().process.clone(),
            24..30 => id(draws.pick(&["kid", "kid2"])),
            30..32 => format!("p:{APP}"),
            32 => format!("q:{APP}"),
            33 | 34 => id("ghost"),
            35 => id(NAMESAKE),
            36 => "Bad_Name:gen:alice.os".to_string(),
            37 => "a:Gen:alice.os".to_string(),
            38 => draws.pick(&["vfs:distro:sys", "timer:distro:sys", "kv:distro:sys"]).to_string(),
            _ => draws.pick(&[KERNEL, "terminal:distro:sys"]).to_string(),
        }
    }
}
