//! What a check says where the public runtime has what the simulator does not: processes of every node, and a right that
//! only the simulator asks for.

use kernel_core::{Address, Outgoing, Request};
use sim::check::{Note, notes};
use sim::explore::run_plan;
use sim::guest::image::Loader;
use sim::guest::native::{self, Os, ReceivedExt};
use sim::plan::Plan;
use sim::scenario::{Program, Scenario, Start, kill, on, secs, start, tell};
use sim::world::{Options, Verdict};
use std::collections::BTreeSet;

const ALICE: &str = "alice.os";

/// Does what it is told: `ask WHOM BODY` or `tell WHOM BODY`.
async fn asker(os: Os) {
    loop {
        let received = os.receive().await;
        let Some(request) = received.request() else { continue };
        let order = String::from_utf8_lossy(request.body()).into_owned();
        let [how, whom, body] = order.splitn(3, ' ').collect::<Vec<_>>().try_into().expect("an order has three parts");
        let process = os.with_names(|names| names.process(whom));
        let target = Address { process, ..os.init_argument() };
        match how {
            "ask" => drop(os.call_and_wait(target, 5, body).await),
            _ => {
                let request = Request { body: body.into(), ..Request::default() };
                os.send_request(Outgoing { target, request, context: None, blob: None });
            }
        }
    }
}

fn runs(id: &str) -> Start {
    on(ALICE, id).runs("asker").public()
}

/// What is worth knowing of a calm run in which an asker is told this.
fn noted(setup: &[Start], killed: Option<&str>, orders: &[&str]) -> BTreeSet<Note> {
    let asker = native::Program::new("asker", asker);
    let program = Program { name: asker.name().to_string(), native: Some(asker), wasm: None };
    let mut scenario = Scenario::new("absent", "Who is not there.").programs([program]).lasting(secs(20), secs(20));
    for each in setup {
        scenario = scenario.setup(start(each.clone()));
    }
    if let Some(id) = killed {
        scenario = scenario.at(secs(1), kill(on(ALICE, id)));
    }
    for (order, second) in orders.iter().zip(2..) {
        scenario = scenario.at(secs(second), tell(on(ALICE, "asker:demo:alice.os"), order));
    }
    let options = Options { keep_trace: true, ..Options::native() };
    let run = run_plan(&scenario, &Plan::default(), &options, &Loader::default()).expect("a sound scenario");
    assert_eq!(run.verdict, Verdict::Held, "{}", run.summary());
    notes(&run, true)
}

fn elsewhere(process: &str, body: &str) -> Note {
    Note::Elsewhere(process.to_string(), format!("{body:?}"))
}

fn nobody(process: &str) -> Note {
    Note::NobodyThere("asker:demo:alice.os".to_string(), process.to_string())
}

#[test]
fn who_asks_what_every_node_of_the_public_runtime_has_is_told_that_this_one_has_not() {
    let asked = [
        ("contacts:contacts:sys", r#""GetNames""#),
        ("kns-indexer:kns-indexer:sys", r#"{"NodeInfo":{"name":"bob.os","block":1}}"#),
    ];
    let orders = asked.map(|(whom, body)| format!("ask {whom} {body}"));
    let notes = noted(&[runs("asker:demo:alice.os")], None, &orders.each_ref().map(String::as_str));
    assert_eq!(notes, BTreeSet::from(asked.map(|(whom, body)| elsewhere(whom, body))));
    assert!(!notes.iter().any(Note::is_open), "E11 is an answer, too");
}

#[test]
fn a_module_of_the_runtime_that_is_not_there_leaves_the_verdict_open() {
    let (whom, body) = ("notifications:distro:sys", r#""GetPublicKey""#);
    let notes = noted(&[runs("asker:demo:alice.os")], None, &[&format!("ask {whom} {body}")]);
    assert_eq!(notes, BTreeSet::from([Note::Unmodelled(whom.to_string(), format!("{body:?}"))]));
    assert!(notes.iter().all(Note::is_open));
}

#[test]
fn what_is_never_answered_makes_no_difference_and_is_not_worth_a_word() {
    let order = r#"tell homepage:homepage:sys {"Add":{"label":"Notes","icon":null,"path":"/","widget":null}}"#;
    let notes = noted(&[runs("asker:demo:alice.os")], None, &[order]);
    assert_eq!(notes, BTreeSet::new());
}

#[test]
fn who_may_as_well_not_be_there_on_a_real_node_is_only_told() {
    let orders = ["ask main:shop:bob.os hello", "ask contacts:contacts:sys hello"];
    let setup = [runs("contacts:contacts:sys"), runs("asker:demo:alice.os")];
    let notes = noted(&setup, Some("contacts:contacts:sys"), &orders);
    let never = Note::NoSuchProcess("asker:demo:alice.os".to_string(), "main:shop:bob.os".to_string());
    let both = [nobody("contacts:contacts:sys"), never];
    assert_eq!(notes, BTreeSet::from(both), "what was there and was killed is modelled");
}

#[test]
fn who_asks_for_a_chain_where_there_is_none_is_told_how_to_make_one() {
    let body = r#"{"Request":{"chain_id":8453,"method":"eth_blockNumber","params":null}}"#;
    let asker = runs("asker:demo:alice.os").messaging("eth:distro:sys");
    let notes = noted(&[asker], None, &[&format!("ask eth:distro:sys {body}")]);
    assert_eq!(notes, BTreeSet::from([Note::NoChain("asker:demo:alice.os".to_string())]));
    assert!(notes.iter().all(|note| !note.is_open() && note.to_string().contains("`[chain]`")));
}

#[cfg(feature = "sqlite")]
#[test]
fn a_right_that_only_the_simulator_asks_for_leaves_the_verdict_open() {
    let body = r#"{"package_id":{"package_name":"demo","publisher_node":"alice.os"},"db":"main","action":{"Query":"SELECT 1"}}"#;
    let order = format!("ask sqlite:distro:sys {body}");
    let notes = noted(&[runs("asker:demo:alice.os").messaging("sqlite:distro:sys")], None, &[&order]);
    let stricter = Note::Stricter("asker:demo:alice.os".to_string(), "NoReadCap".to_string());
    assert_eq!(notes, BTreeSet::from([stricter]));
    assert!(notes.iter().all(Note::is_open));
}
