//! The page of a run, in a real browser: headless Chromium. Without one these tests say that they were skipped.
//!
//! To look at the pages by eye, and to keep what was seen as the reference: `UPDATE_SCREENSHOTS=1 cargo test --test
//! browser`, then see `scenarios/tests/browser/reference`.

#[path = "browser/driver.rs"]
mod driver;

use driver::Browser;
use serde_json::{Value, json};
use sim::explore::run_plan;
use sim::guest::image::Loader;
use sim::picture::{Picture, page};
use sim::plan::Plan;
use sim::scenario::{Action, Line, Scenario, When};
use sim::trace::export::played_by;
use sim::world::Options;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How much of a screenshot may differ from its reference: fonts differ between machines.
const DIFFERENT_MAX: f64 = 0.12;
/// How long the page may take to draw a frame of 100,000 events, in milliseconds, on a slow machine. A frame of 100 ms
/// is felt as at once.
const FRAME_MAX: f64 = 100.0;

fn scenario() -> Scenario {
    scenarios::all().into_iter().find(|scenario| scenario.name == "kill-restart").expect("it is there")
}

/// A real failure: D6, made small, as it is kept.
fn failure() -> (Scenario, Plan, Options) {
    let kept = include_str!("../regressions/kill-restart-e5-d6.plan");
    let kept: sim::explore::regression::Regression = kept.parse().expect("it is a kept plan");
    let scenario = scenario();
    let semantics = Some(kept.semantics(&scenario).expect("its kernel is known"));
    (scenario, kept.plan, Options { semantics, ..Options::default() })
}

fn picture(scenario: &Scenario, plan: &Plan, options: &Options, replay: &str) -> Picture {
    let played = played_by(scenario, plan, "D6".to_string(), "wasm".to_string(), replay.to_string());
    Picture::of("run", scenario, plan, options, &Loader::default(), played, None).expect("it can be played")
}

/// The page in a file, and its address.
fn write(folder: &Path, html: &str) -> String {
    let file = folder.join("page.html");
    std::fs::write(&file, html).expect("it can be written");
    format!("file://{}", file.display())
}

fn texts(browser: &Browser, selector: &str) -> Vec<String> {
    let script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)";
    let value = browser.run_with(script, json!([selector]));
    value.as_array().expect("a list").iter().map(|text| text.as_str().expect("text").to_string()).collect()
}

fn selected(browser: &Browser) -> u64 {
    browser.run("return kinodeSim.view.event").as_u64().expect("an event has a number")
}

#[test]
fn a_failure_is_stepped_through_by_keyboard_filtered_searched_and_restored_from_its_link() {
    let Some(browser) = Browser::start("the page of a failure") else { return };
    let folder = tempfile::tempdir().expect("there is room");
    let (scenario, plan, options) = failure();
    let drawn = picture(&scenario, &plan, &options, "cargo sim replay kill-restart --deviation D6");
    let html = page("E5 BROKEN in kill-restart", None, &[&drawn]);
    assert!(html.len() < 1_000_000, "{} bytes", html.len());
    let url = write(folder.path(), &html);
    browser.open(&url);

    // The rule stands on top, in the words of the contract, with the line that plays it again.
    let head = texts(&browser, "header").join(" ");
    assert!(head.contains("BROKEN in kill-restart") && head.contains("a killed process stays dead"), "{head}");
    assert_eq!(texts(&browser, "header .replay pre"), ["cargo sim replay kill-restart --deviation D6"]);
    let run = run_plan(&scenario, &plan, &options, &Loader::default()).expect("it can be played");
    let events = run.trace.len();
    assert_eq!(texts(&browser, "#events-title"), [format!("Events: {events}")]);

    // It opens at the violation, and every event can be reached by keyboard alone.
    assert!(!texts(&browser, "#moment .bad").is_empty());
    browser.press(&["Home"]);
    assert_eq!(selected(&browser), 0);
    browser.press(&["Right", "Right", "j", "Left"]);
    assert_eq!(selected(&browser), 2);
    browser.press(&["End"]);
    assert_eq!(selected(&browser), events - 1);
    browser.press(&["v"]);
    let violation = selected(&browser);
    assert!(!texts(&browser, "#moment .bad").is_empty(), "v goes to the violation");

    // The state beside an event is the kernel's own.
    let moment = texts(&browser, "#moment").join(" ");
    assert!(moment.contains("subject:demo:alice.os") && moment.contains("row on disk"), "{moment}");

    // Search: every hit is found, and the keys go from one to the next.
    browser.press(&["/"]);
    browser.press(&["k", "i", "l", "l", "e", "d", "Enter"]);
    let hits = texts(&browser, "#hits").join("");
    let all = run
        .trace
        .events()
        .filter(|(index, event)| sim::trace::line(*index, event, &run.names).to_lowercase().contains("killed"));
    assert!(hits.ends_with(&format!("of {}", all.count())), "{hits}");
    let at = selected(&browser);
    browser.press(&["Escape"]);
    assert_eq!(texts(&browser, "#hits"), [""]);
    assert_eq!(selected(&browser), at, "the search is over, and the event stays");

    // Filter: only what can have led to the violation, and without one kind of event.
    browser.press(&["w"]);
    let shown = texts(&browser, "#events-title").join("");
    assert!(shown.contains(&format!(" of {events}")), "{shown}");
    browser.press(&["w", "f"]);
    browser.run("[...document.querySelectorAll('#filters label')].find((l) => l.textContent === 'called').click()");
    let calls = run.trace.events().filter(|(_, e)| e.what.kind() == sim::trace::event::Kind::Called).count();
    assert_eq!(texts(&browser, "#events-title"), [format!("Events: {} of {events}", events - calls as u64)]);

    // The link restores all of it, in a page that is opened anew.
    browser.press(&["v", "t", "+"]);
    let before = browser
        .run("return [kinodeSim.view.event, kinodeSim.view.scaled, kinodeSim.view.zoom, [...kinodeSim.view.kinds]]");
    assert_eq!((&before[0], &before[1]), (&json!(violation), &json!(true)));
    let link = browser.post_link();
    browser.open("about:blank#");
    browser.open(&link);
    let after = browser
        .run("return [kinodeSim.view.event, kinodeSim.view.scaled, kinodeSim.view.zoom, [...kinodeSim.view.kinds]]");
    assert_eq!((&before[0], &before[1], &before[3]), (&after[0], &after[1], &after[3]));
    assert!((before[2].as_f64().unwrap_or(0.0) - after[2].as_f64().unwrap_or(1.0)).abs() < 1e-3);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn screenshots_at_1280_and_400_pixels_are_those_that_were_looked_at() {
    let Some(browser) = Browser::start("screenshots") else { return };
    let folder = tempfile::tempdir().expect("there is room");
    let (scenario, plan, options) = failure();
    let line = "cargo sim replay kill-restart --deviation D6 --plan scenarios/regressions/kill-restart-e5-d6.plan";
    let drawn = picture(&scenario, &plan, &options, line);
    let url = write(folder.path(), &page("E5 BROKEN in kill-restart", None, &[&drawn]));
    for (width, height, scheme) in [(1280, 900, "light"), (1280, 900, "dark"), (400, 1400, "light")] {
        browser.resize(width, height, scheme);
        browser.open(&url);
        browser.resize(width, height, scheme);
        compare(&browser, &format!("{width}-{scheme}.png"), &browser.screenshot());
        browser.resize(width, height, scheme);
    }
}

/// A screenshot beside its reference, or the reference written.
fn compare(browser: &Browser, name: &str, screenshot: &str) {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/browser/reference").join(name);
    if std::env::var_os("UPDATE_SCREENSHOTS").is_some() {
        let bytes = BASE64_STANDARD.decode(screenshot).expect("it is base64");
        std::fs::create_dir_all(file.parent().expect("it has a folder")).expect("it can be made");
        std::fs::write(&file, bytes).expect("it can be written");
        return;
    }
    let reference = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    browser.open("about:blank#");
    let share = browser.run_with(DIFFERENCE, json!([BASE64_STANDARD.encode(reference), screenshot]));
    let share = share.as_f64().unwrap_or_else(|| panic!("{name}: {share}"));
    assert!(share <= DIFFERENT_MAX, "{name}: {:.1} % of the pixels differ", share * 100.0);
}

/// The share of pixels that differ between two pictures; a text if they are not of one size.
const DIFFERENCE: &str = "
    const pixels = async (data) => {
        const picture = new Image();
        picture.src = 'data:image/png;base64,' + data;
        await picture.decode();
        const canvas = new OffscreenCanvas(picture.width, picture.height);
        const g = canvas.getContext('2d');
        g.drawImage(picture, 0, 0);
        return g.getImageData(0, 0, picture.width, picture.height);
    };
    return Promise.all([pixels(arguments[0]), pixels(arguments[1])]).then(([a, b]) => {
        if (a.width !== b.width || a.height !== b.height) return `${a.width}x${a.height}, ${b.width}x${b.height}`;
        let different = 0;
        for (let i = 0; i < a.data.length; i += 4) {
            if ([0, 1, 2].some((c) => Math.abs(a.data[i + c] - b.data[i + c]) > 48)) different += 1;
        }
        return different / (a.data.length / 4);
    });";

/// Text that would be markup or script if anybody took it for that.
const HOSTILE: &str = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=2>\
                       <!--<svg/onload=window.hacked=3>{{SCRIPT}}\u{2028}'\"`${window.hacked=4}&lt;";

#[test]
fn what_guests_and_scenarios_say_is_text_and_nothing_else() {
    let Some(browser) = Browser::start("hostile texts") else { return };
    let folder = tempfile::tempdir().expect("there is room");
    let (mut scenario, plan, options) = failure();
    scenario.name = HOSTILE.to_string();
    let told = scenario.script.iter().find_map(|line| match &line.action {
        Action::Tell(on, _) => Some(on.clone()),
        _ => None,
    });
    let told = told.expect("a message is sent");
    // Its puppets answer with the texts in their orders: a body, a print and the last words of a panic.
    for body in [HOSTILE.to_string(), format!("print {HOSTILE}"), format!("panic {HOSTILE}")] {
        let when = When::At(kernel_core::Duration::from_millis(1_500));
        scenario.script.push(Line { when, action: Action::Tell(told.clone(), body) });
    }
    let plan =
        Plan { lines: plan.lines.into_iter().filter(|line| line.subject != sim::plan::Subject::Scenario).collect() };
    let drawn = picture(&scenario, &plan, &options, HOSTILE);
    let html = page(HOSTILE, Some(HOSTILE), &[&drawn, &drawn]);
    assert_eq!(html.matches("</script").count(), 2, "the data and the script end once each");
    let url = write(folder.path(), &html);
    browser.open(&url);
    browser.press(&["Home", "Right", "f", "?", "r"]);
    browser.press(&["/", "h", "a", "c", "k"]);
    assert_eq!(browser.run("return typeof window.hacked"), "undefined");
    assert_eq!(browser.run("return document.querySelectorAll('img, svg, iframe, object').length"), 0);
    assert_eq!(browser.run("return document.querySelectorAll('script').length"), 2);
    let head = texts(&browser, "header").join(" ");
    assert!(head.contains("</script><script>window.hacked=1</script>"), "it is shown as it is: {head}");
    assert_eq!(browser.complaints(), Vec::<String>::new());

    // The policy forbids what is not the page's own: another script, a picture, a request.
    let blocked = browser.run(
        "const script = document.createElement('script');
         script.textContent = 'window.hacked = 5';
         document.body.append(script);
         const picture = new Image();
         picture.src = 'http://127.0.0.1:1/x.png';
         return fetch('http://127.0.0.1:1/').then(() => 'fetched', () => 'refused')",
    );
    assert_eq!((blocked, browser.run("return typeof window.hacked")), (json!("refused"), json!("undefined")));
    let complaints = browser.complaints().join("\n");
    for directive in ["script-src", "default-src", "Content Security Policy"] {
        assert!(complaints.contains(directive), "{directive} is named: {complaints}");
    }
}

#[test]
fn a_page_of_100_000_events_zooms_and_scrolls_without_stalls() {
    let Some(browser) = Browser::start("100,000 events") else { return };
    let folder = tempfile::tempdir().expect("there is room");
    let mut scenario = scenario();
    let line = scenario.script[0].clone();
    let seconds = kernel_core::Duration::from_secs;
    scenario.script = (0..8_000)
        .map(|n| Line { when: When::At(kernel_core::Duration::from_millis(1_000 + 10 * n)), ..line.clone() })
        .collect();
    scenario = scenario.lasting(seconds(90), seconds(5));
    scenario.expect.clear();
    let options = Options { keep_trace: true, ..Options::native() };
    let run = run_plan(&scenario, &Plan::default(), &options, &Loader::default()).expect("it can be played");
    assert!(run.trace.len() > 100_000, "{} events", run.trace.len());
    let drawn = picture(&scenario, &Plan::default(), &options, "");
    let html = page("many", None, &[&drawn]);
    #[expect(clippy::disallowed_methods, reason = "how long a browser takes is measured")]
    let begun = Instant::now();
    browser.resize(1280, 900, "light");
    browser.open(&write(folder.path(), &html));
    let opened = begun.elapsed();
    // The whole run, then deeper and deeper, and along it: how long each frame takes.
    let frames = browser.run(
        "const times = [];
         const draw = () => { const t = performance.now(); kinodeSim.draw(); times.push(performance.now() - t); };
         draw();
         for (let i = 0; i < 20; i++) { document.getElementById('in').click(); draw(); }
         for (let i = 0; i < 20; i++) { kinodeSim.view.left += 5000; draw(); }
         for (let i = 0; i < 20; i++) { const t = performance.now(); document.getElementById('next').click(); times.push(performance.now() - t); draw(); }
         const rows = document.getElementById('rows');
         for (let i = 0; i < 20; i++) { const t = performance.now(); rows.scrollTop = i * 100000; rows.dispatchEvent(new Event('scroll')); times.push(performance.now() - t); }
         return times",
    );
    let mut times: Vec<f64> = frames.as_array().expect("a list").iter().filter_map(Value::as_f64).collect();
    times.sort_by(f64::total_cmp);
    let (middle, most) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{} events, {} MB, opened in {opened:.1?}; a frame takes {middle:.1} ms, at most {most:.1} ms",
        run.trace.len(),
        html.len() / 1_000_000
    );
    // Other programs of the machine make some frames late; the page makes none so.
    let late = times[times.len() * 9 / 10];
    assert!(late < FRAME_MAX, "a frame takes {middle:.1} ms, one in ten {late:.1} ms, at most {most:.1} ms");
}

impl Browser {
    /// What "Copy link" copies.
    fn post_link(&self) -> String {
        let link = self.run("return new Promise((done) => setTimeout(() => done(location.href), 300))");
        link.as_str().expect("a link is text").to_string()
    }
}
