use super::document::Played;
use super::*;
use crate::explore::run_plan;
use crate::guest::image::Loader;
use crate::plan::Plan;
use crate::scenario::Scenario;
use crate::world::Options;

#[test]
fn the_schema_is_that_of_the_types() {
    let schema = schemars::schema_for!(Document);
    let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/trace/export/schema.json"), &text)
            .expect("the source is there");
        return;
    }
    assert_eq!(SCHEMA, text, "the format has changed: UPDATE_SCHEMA=1 writes it, and VERSION may have to change");
}

fn calm() -> Document {
    let scenario = Scenario::new("empty", "");
    let options = Options { keep_trace: true, ..Options::native() };
    let run = run_plan(&scenario, &Plan::default(), &options, &Loader::default()).expect("it can be played");
    Document::of(&run, Played::default())
}

#[test]
fn a_text_that_is_no_trace_is_refused_with_its_place() {
    let refused = |text: &str| Document::from_json(text).expect_err("it is no trace").to_string();
    assert!(refused("[").contains("line 1"), "{}", refused("["));
    assert_eq!(refused("{}"), "not a trace: `format` is not `kinode-sim trace`");
    assert!(refused(r#"{"format":"kinode-sim trace","version":2}"#).contains("version 2"));
    assert!(refused(r#"{"format":"kinode-sim trace"}"#).contains("`version` is missing"));
    let mut document = calm();
    document.events[0].node = "nobody.os".to_string();
    let error = document.read().err().expect("there is no such node").to_string();
    assert_eq!(error, "not a trace: event 0: no node is called `nobody.os`");
    let mut document = calm();
    document.events.remove(0);
    let error = document.read().err().expect("an event is missing").to_string();
    assert_eq!(error, "not a trace: event 1: the events before it are missing");
}

#[test]
fn fields_of_later_minor_changes_are_ignored() {
    let text = calm().to_json().replacen("{\"format\"", "{\"later\":1,\"format\"", 1);
    assert_eq!(Document::from_json(&text), Ok(calm()));
}
