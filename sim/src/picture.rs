//! A picture of a run: one HTML file that draws it, and needs nothing else.
//!
//! The page holds the run as data and a script that draws it (`picture/page.js`). Names, bodies and last words are a
//! guest's: they reach the page as JSON, and the script writes them as text. The page's content security policy names
//! the digests of its one script and its one style, and forbids everything else.

mod data;
mod moments;

use crate::guest::image::Loader;
use crate::plan::Plan;
use crate::plan::chooser::Chooser;
use crate::scenario::{Scenario, ScenarioError};
use crate::trace::export::document::Played;
use crate::world::{Options, Run, World};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use data::{RunData, run_data};
use moments::Moments;
use serde::Serialize;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("picture/page.html");
const STYLE: &str = include_str!("picture/page.css");
const SCRIPT: &str = include_str!("picture/page.js");

/// A run that was watched while it was played.
pub struct Picture {
    /// The run, with all its events.
    pub run: Run,
    data: RunData,
}

#[derive(Serialize)]
struct PageData<'a> {
    title: &'a str,
    note: Option<&'a str>,
    runs: Vec<&'a RunData>,
}

impl Picture {
    /// Plays a scenario under a plan and draws it. `title` tells it from another run on the same page.
    ///
    /// # Errors
    /// A scenario that names what it does not have.
    pub fn of(
        title: &str,
        scenario: &Scenario,
        plan: &Plan,
        options: &Options,
        loader: &Loader,
        played: Played,
        parts: Option<u64>,
    ) -> Result<Picture, ScenarioError> {
        let options = Options { keep_trace: true, ..options.clone() };
        let mut moments = Moments::default();
        let world = World::new(scenario, options, Chooser::planned(plan).recording(), loader)?;
        let run = world.run_watched(|world| moments.watch(world));
        let data = run_data(title.to_string(), &run, played, moments, parts);
        Ok(Picture { run, data })
    }
}

/// The page: of one run, or of two side by side.
pub fn page(title: &str, note: Option<&str>, pictures: &[&Picture]) -> String {
    let runs = pictures.iter().map(|picture| &picture.data).collect();
    let data = serde_json::to_string(&PageData { title, note, runs }).expect("texts and numbers are JSON");
    // What could end the element that holds it, or begin another.
    let data = data.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        digest(SCRIPT),
        digest(STYLE)
    );
    let title = escaped(title);
    let parts = [
        ("{{POLICY}}", policy.as_str()),
        ("{{TITLE}}", title.as_str()),
        ("{{STYLE}}", STYLE),
        ("{{DATA}}", &data),
        ("{{SCRIPT}}", SCRIPT),
    ];
    fill(PAGE, &parts)
}

/// The template with its marks replaced, each once and from the left: what is put in is not looked at again.
fn fill(template: &str, parts: &[(&str, &str)]) -> String {
    let mut page = String::new();
    let mut rest = template;
    for (mark, text) in parts {
        let (before, after) = rest.split_once(mark).expect("the template has every mark, in this order");
        page.push_str(before);
        page.push_str(text);
        rest = after;
    }
    page.push_str(rest);
    page
}

/// A source of a content security policy: the text with this digest.
fn digest(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// A text inside an element.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
