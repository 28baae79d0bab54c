//! A picture of a run: one HTML file that draws it, and needs nothing else.
//!
//! The page holds the run as data and a script that draws it (`picture/page.js`). Names, bodies and last words are a
//! guest's: they reach the page as JSON, and the script writes them as text. The page's content security policy names
//! the digests of its one script and its one style, and forbids everything else.

mod data;
mod moments;

use crate::guest::image::Loader;
use crate::invariant::Violation;
use crate::plan::Plan;
use crate::plan::chooser::Chooser;
use crate::scenario::{Scenario, ScenarioError};
use crate::trace::Fingerprint;
use crate::trace::export::document::Played;
use crate::trace::export::{Document, ReadBack, ReadError};
use crate::world::{Options, World};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use data::{Drawn, RunData, run_data};
use moments::Moments;
use serde::Serialize;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("picture/page.html");
const STYLE: &str = include_str!("picture/page.css");
const SCRIPT: &str = include_str!("picture/page.js");

/// A run as it is drawn.
pub struct Picture {
    /// The digest of its events.
    pub fingerprint: Fingerprint,
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
        let outcome = Document::outcome_of(&run);
        let drawn = Drawn { trace: &run.trace, names: &run.names, violations: run.violations(), outcome, played };
        let data = run_data(title.to_string(), drawn, Some(moments), parts);
        Ok(Picture { fingerprint: run.fingerprint, data })
    }

    /// Draws a run from its trace alone, which does not hold the states of its processes: the page says so.
    ///
    /// # Errors
    /// A document that is not whole.
    pub fn of_trace(title: &str, document: &Document, parts: Option<u64>) -> Result<Picture, ReadError> {
        let ReadBack { names, trace } = document.read()?;
        let violations: Vec<Violation> = document.outcome.broken.iter().map(Violation::from).collect();
        let (outcome, played) = (document.outcome.clone(), document.run.clone());
        let drawn = Drawn { trace: &trace, names: &names, violations: &violations, outcome, played };
        let data = run_data(title.to_string(), drawn, None, parts);
        Ok(Picture { fingerprint: trace.fingerprint(), data })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::run_plan;

    const HOSTILE: &str = "</script><script>hacked()</script><img src=x onerror=hacked()>{{SCRIPT}}{{DATA}}&amp;";

    fn drawn() -> (Picture, String) {
        let scenario = Scenario::new(HOSTILE, "");
        let played = Played { scenario: scenario.name.clone(), replay: HOSTILE.to_string(), ..Played::default() };
        let picture =
            Picture::of(HOSTILE, &scenario, &Plan::default(), &Options::native(), &Loader::default(), played, None);
        let picture = picture.expect("it can be played");
        let html = page(HOSTILE, Some(HOSTILE), &[&picture]);
        (picture, html)
    }

    #[test]
    fn no_text_of_a_run_becomes_markup() {
        let (_, html) = drawn();
        assert_eq!(html.matches("</script").count(), 2, "the data and the script end once each");
        assert_eq!(html.matches("<script").count(), 2);
        assert!(!html.contains("<img") && !html.contains("<script>hacked"), "{HOSTILE}");
        // The data gives the text back, letter for letter.
        let data = html.split_once("id=\"data\">").and_then(|(_, rest)| rest.split_once("</script>"));
        let data: serde_json::Value = serde_json::from_str(data.expect("it has data").0).expect("it is JSON");
        assert_eq!((&data["title"], &data["note"]), (&HOSTILE.into(), &HOSTILE.into()));
        assert_eq!(data["runs"][0]["replay"], HOSTILE);
    }

    #[test]
    fn the_policy_names_the_one_script_and_the_one_style_and_nothing_else() {
        let (_, html) = drawn();
        let policy = html.split_once("Content-Security-Policy\" content=\"").and_then(|(_, rest)| rest.split_once('"'));
        let policy = policy.expect("it has a policy").0;
        for part in ["default-src 'none'", "base-uri 'none'", "form-action 'none'", &digest(SCRIPT), &digest(STYLE)] {
            assert!(policy.contains(part), "{part}: {policy}");
        }
        for part in ["http:", "https:", "unsafe", "data:", "*"] {
            assert!(!policy.contains(part), "{part}: {policy}");
        }
        assert!(html.contains(&format!("<script>{SCRIPT}</script>")), "the script is the one that was digested");
        assert!(html.contains(&format!("<style>{STYLE}</style>")), "the style is the one that was digested");
    }

    #[test]
    fn a_trace_is_drawn_as_the_run_that_it_was_written_from_but_for_the_states() {
        let (scenario, options) = (Scenario::new("it", ""), Options { keep_trace: true, ..Options::default() });
        let run = run_plan(&scenario, &Plan::default(), &options, &Loader::default()).expect("it can be played");
        let played = Played { scenario: "it".to_string(), ..Played::default() };
        let text = Document::of(&run, played.clone()).to_json();
        let document = Document::from_json(&text).expect("it is one");
        let of_trace = Picture::of_trace("run", &document, Some(1)).expect("it is whole");
        let of_run = Picture::of("run", &scenario, &Plan::default(), &options, &Loader::default(), played, Some(1))
            .expect("it can");
        assert_eq!(of_trace.fingerprint, of_run.fingerprint);
        let data = |picture: &Picture| serde_json::to_value(&picture.data).expect("it is JSON");
        let (of_trace, mut of_run) = (data(&of_trace), data(&of_run));
        assert_eq!((&of_trace["has_states"], &of_run["has_states"]), (&false.into(), &true.into()));
        for part in ["has_states", "states", "strings"] {
            of_run[part] = of_trace[part].clone();
        }
        assert_eq!(of_trace, of_run);
    }

    #[test]
    fn a_run_that_is_watched_is_the_same_run() {
        let (picture, _) = drawn();
        let options = Options { keep_trace: true, ..Options::native() };
        let run = run_plan(&Scenario::new(HOSTILE, ""), &Plan::default(), &options, &Loader::default());
        assert_eq!(picture.fingerprint, run.expect("it can be played").fingerprint);
    }
}
