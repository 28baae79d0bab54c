//! Families of work, which a seed switches on and off as a whole.

use super::draws::Draws;

/// What a line of a generated script is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Requests of every form.
    Requests,
    /// Responses: early, late, twice, unprompted.
    Responses,
    /// Children.
    Spawns,
    /// Capabilities: attached, saved, dropped, claimed, granted.
    Capabilities,
    /// Saved state.
    State,
    /// On-exit values, set from inside and outside.
    OnExit,
    /// Returns, panics, spins.
    Exits,
    /// Initializes, runs and kills.
    Lives,
    /// Commands of processes that may or may not command.
    Commands,
    /// Packages.
    Packages,
    /// Nodes that go down, links that fail, backups.
    Nodes,
    /// `vfs`.
    Files,
    /// `kv` and `sqlite`.
    Databases,
    /// `timer`.
    Timers,
    /// More messages at once than a mailbox might hold.
    Floods,
}

impl Family {
    const ALL: [(Family, usize); 15] = [
        (Family::Requests, 85),
        (Family::Responses, 60),
        (Family::Spawns, 40),
        (Family::Capabilities, 55),
        (Family::State, 50),
        (Family::OnExit, 60),
        (Family::Exits, 80),
        (Family::Lives, 75),
        (Family::Commands, 50),
        (Family::Packages, 20),
        (Family::Nodes, 40),
        (Family::Files, 20),
        (Family::Databases, 15),
        (Family::Timers, 30),
        (Family::Floods, 6),
    ];
}

/// Those that a seed has switched on, each with its weight.
pub(super) struct Families(Vec<(usize, Family)>);

impl Families {
    pub(super) fn draw(draws: &mut Draws) -> Families {
        let mut on = Vec::new();
        for (family, percent) in Family::ALL {
            let weight = [1, 2, 4][draws.below(3)];
            if draws.percent(percent) {
                on.push((weight, family));
            }
        }
        if on.is_empty() {
            on.push((1, Family::Requests));
        }
        Families(on)
    }

    pub(super) fn has(&self, family: Family) -> bool {
        self.0.iter().any(|(_, on)| *on == family)
    }

    pub(super) fn one(&self, draws: &mut Draws) -> Family {
        draws.weighted(&self.0)
    }
}
