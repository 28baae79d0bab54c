//! `[[kill]]`, `[[install]]` and `[[uninstall]]`: what the owner does to the package at an instant.

use super::{Source, WorkloadError, each, span};
use crate::scenario::{Action, Line, On, When};
use kernel_core::Duration;
use serde::Deserialize;
use toml::Spanned;

/// Something that the owner does to the package.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// What.
    pub what: What,
    /// The process that is killed, if one is.
    pub kill: Option<String>,
    /// On which node; `None`: the first.
    pub on: Option<String>,
    /// When, after the install.
    pub at: Duration,
    /// Where it stands: `it.toml:12`.
    pub place: String,
}

/// What the owner does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Kills a process.
    Kill,
    /// Installs the package again.
    Install,
    /// Uninstalls it.
    Uninstall,
}

impl Act {
    /// Its line of a script, where `first` is the first node.
    pub fn line(&self, first: &str, package: &str, id: impl Fn(&str) -> String) -> Line {
        let node = self.on.as_deref().unwrap_or(first).to_string();
        let action = match self.what {
            What::Kill => Action::Kill(On { node, process: id(self.kill.as_deref().unwrap_or_default()) }),
            What::Install => Action::Install(node, package.to_string()),
            What::Uninstall => Action::Uninstall(node, package.to_string()),
        };
        Line { when: When::At(self.at), action }
    }
}

// ---- the text -------------------------------------------------------------------------------------------------------

/// `[[kill]]` as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KillEntry {
    process: String,
    on: Option<String>,
    at: String,
}

/// `[[install]]` and `[[uninstall]]` as they stand in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeEntry {
    on: Option<String>,
    at: String,
}

/// All of them.
pub(super) fn acts(
    source: &Source<'_>,
    kills: Vec<Spanned<KillEntry>>,
    installs: Vec<Spanned<NodeEntry>>,
    uninstalls: Vec<Spanned<NodeEntry>>,
) -> Result<Vec<Act>, WorkloadError> {
    let at = |text: String| Ok::<_, String>(span("at", Some(text))?.unwrap_or_default());
    let of_node = |what| {
        move |_: usize, entry: NodeEntry, place| Ok(Act { what, kill: None, on: entry.on, at: at(entry.at)?, place })
    };
    let kill = |_: usize, entry: KillEntry, place| {
        Ok(Act { what: What::Kill, kill: Some(entry.process), on: entry.on, at: at(entry.at)?, place })
    };
    let mut acts = each(source, "kill", kills, kill)?;
    acts.extend(each(source, "install", installs, of_node(What::Install))?);
    acts.extend(each(source, "uninstall", uninstalls, of_node(What::Uninstall))?);
    Ok(acts)
}
