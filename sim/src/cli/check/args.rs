//! The arguments of `check`.

use crate::cli::args::{Jobs, ReportFormat as Format, Rules, Seeds, Time};
use crate::cli::report::Reports;
use crate::plan::chooser::Profile;
use std::path::PathBuf;
use std::str::FromStr;

const EXIT_CODES: &str = "Exit codes: 0 PASSED, 1 FAILED, 2 wrong usage or input (also a --plan of which nothing comes up), 3 a bug of \
    the simulator, 4 INCONCLUSIVE.\n\nHow to read a verdict, and how to write a workload: scenarios/workloads/README.md";

/// Test your own package: a folder with a manifest.json, its .zip, or one .wasm or .wat
#[derive(Clone, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(in crate::cli) struct Check {
    /// The folder or the file
    pub(super) path: PathBuf,
    /// Its id, package:publisher; by default what its metadata.json says, or the file's name
    #[arg(long, value_name = "PACKAGE:PUBLISHER")]
    pub(super) id: Option<String>,
    /// A workload in TOML: what is sent to the package, what surrounds it, what must hold; may be given several times
    #[arg(long, value_name = "FILE", aliases = ["inject", "expect"])]
    pub(super) workload: Vec<PathBuf>,
    /// The version before. It is installed first and runs under the workload; then this one is installed over what it has
    /// saved, and the same must hold
    #[arg(long, value_name = "OLD")]
    pub(super) upgrade_from: Option<PathBuf>,
    /// The on-exit of a lone file, which has no manifest; by default restart, or none for one that returns at once, as a
    /// script does
    #[arg(long, value_name = "ON-EXIT")]
    pub(super) on_exit: Option<LoneOnExit>,
    /// The number of seeds, or a range: from A up to, but not including, B
    #[arg(long, value_name = "N|A..B", default_value = "200", conflicts_with = "plan")]
    pub(super) seeds: Seeds,
    /// How much goes wrong under a seed. By default disks are sound: an app that gives up when its disk does is right
    #[arg(long, default_value = "sound", conflicts_with = "plan")]
    pub(super) profile: Profile,
    /// How many crash points to visit, spread evenly; by default all that a bounded amount of work can visit
    #[arg(long, value_name = "N|all", conflicts_with = "plan")]
    pub(super) points: Option<Points>,
    /// Play only this plan, and print every event
    #[arg(long, value_name = "PLAN")]
    pub(super) plan: Option<String>,
    #[command(flatten)]
    pub(super) reports: Reports,
    /// Draw each failure: a page for a browser, in this folder
    #[arg(long, value_name = "FOLDER")]
    pub(super) html: Option<PathBuf>,
    /// The number of threads; as many as there are processors if not given
    #[arg(long, value_name = "N", env = "KINODE_SIM_JOBS")]
    pub(super) jobs: Option<Jobs>,
    /// Stop after this time: 90s, 10m, 2h. Where it stops depends on the machine
    #[arg(long, value_name = "TIME", env = "KINODE_SIM_TIME_LIMIT")]
    pub(super) time_limit: Option<Time>,
    #[command(flatten)]
    pub(super) rules: Rules,
    /// What is printed
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

/// The on-exit of a lone file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LoneOnExit {
    /// It is not started again
    None,
    /// It is started again
    Restart,
}

impl LoneOnExit {
    /// As a manifest has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            LoneOnExit::None => "None",
            LoneOnExit::Restart => "Restart",
        }
    }
}

/// How many crash points are visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Points {
    All,
    Some(usize),
}

impl FromStr for Points {
    type Err = String;

    fn from_str(text: &str) -> Result<Points, String> {
        match (text, text.parse()) {
            ("all", _) => Ok(Points::All),
            (_, Ok(n)) => Ok(Points::Some(n)),
            (_, Err(_)) => Err("write how many, or `all`".to_string()),
        }
    }
}
