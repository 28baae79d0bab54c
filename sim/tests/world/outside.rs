//! Whole worlds with an outside: visitors, the web and a chain meet processes on nodes that go down.

use kernel_core::{Address, Blob, ProcessRef, Request};
use sim::explore::run_plan;
use sim::guest::image::Loader;
use sim::guest::native::{self, Os, ReceivedExt};
use sim::outside::chain::{ChainPlan, LogSpec};
use sim::outside::visit::HttpRequest;
use sim::outside::web::{Page, SocketServer};
use sim::plan::Down;
use sim::plan::Plan;
use sim::scenario::{
    Program, Scenario, browse, close_socket, down, hears, kill, lives, millis, on, open_socket, prints, push_text,
    pushes, secs, serves, start, tell,
};
use sim::trace::event::What;
use sim::world::{Options, Run, Verdict};

const ALICE: &str = "alice.os";
const PATH: &str = "/site:demo:alice.os";

fn module(os: &Os, process: ProcessRef) -> Address {
    Address { process, ..os.init_argument() }
}

/// A module's answer as text.
async fn asked(os: &Os, module: Address, body: &str) -> String {
    match os.call_and_wait(module, 5, body).await {
        Ok(answer) => String::from_utf8_lossy(answer.body()).into_owned(),
        Err(error) => format!("{:?}", error.kind),
    }
}

/// Binds a page and a WebSocket. The page says what is asked for; the socket says back what it hears. `POST /leave`
/// makes it return, `/silent` is not answered, `/nonsense` with nonsense.
async fn site(os: Os) {
    let server = module(&os, ProcessRef::HTTP_SERVER);
    let bind = r#"{"Bind":{"path":"/","authenticated":false,"local_only":false,"cache":false}}"#;
    let bind_socket = r#"{"WebSocketBind":{"path":"/ws","authenticated":false,"extension":false}}"#;
    os.print(0, &asked(&os, server, bind).await);
    asked(&os, server, bind_socket).await;
    loop {
        let received = os.receive().await;
        let Some(request) = received.request() else { continue };
        let told: serde_json::Value = serde_json::from_slice(request.body()).expect("it is told JSON");
        let url = told["Http"]["url"].as_str().unwrap_or_default();
        if let Some(channel) = told["WebSocketPush"]["channel_id"].as_u64() {
            let kind = told["WebSocketPush"]["message_type"].clone();
            let blob = request.blob.clone();
            if kind == "Text" {
                let body = serde_json::json!({"WebSocketPush": {"channel_id": channel, "message_type": "Text"}});
                let request = Request { body: body.to_string().as_str().into(), ..Request::default() };
                os.send_request(kernel_core::Outgoing { target: server, request, context: None, blob });
            }
        } else if told["WebSocketClose"].is_u64() {
            os.print(0, "the visitor left");
        } else if url.ends_with("/leave") {
            return;
        } else if url.ends_with("/nonsense") {
            os.respond("nonsense");
        } else if told.get("Http").is_some() && !url.ends_with("/silent") {
            let body = format!("you asked for {url}");
            let response =
                kernel_core::Response { body: r#"{"status":200,"headers":{}}"#.into(), ..Default::default() };
            os.send_response(response, Some(Blob { mime: None, bytes: body.as_str().into() }));
        }
    }
}

/// Asks whom it is told to, `MODULE BODY`, and prints the answer.
async fn asker(os: Os) {
    loop {
        let received = os.receive().await;
        let Some(request) = received.request() else { continue };
        let order = String::from_utf8_lossy(request.body()).into_owned();
        let (whom, body) = order.split_once(' ').expect("an order has two parts");
        let target = os.with_names(|names| names.process(whom));
        os.print(0, &asked(&os, module(&os, target), body).await);
    }
}

/// Calls a server on the web, says hello, and prints what comes; when the server hangs up it calls again.
async fn caller(os: Os) {
    let client = module(&os, ProcessRef::HTTP_CLIENT);
    let open = r#"{"WebSocketOpen":{"url":"wss://oracle.example/","headers":{},"channel_id":7}}"#;
    let push = r#"{"WebSocketPush":{"channel_id":7,"message_type":"Text"}}"#;
    loop {
        os.print(0, &asked(&os, client, open).await);
        let request = Request { body: push.into(), ..Request::default() };
        let blob = Some(Blob { mime: None, bytes: "hello".into() });
        os.send_request(kernel_core::Outgoing { target: client, request, context: None, blob });
        loop {
            let received = os.receive().await;
            let Some(request) = received.request() else { continue };
            let Some(blob) = &request.blob else { break };
            os.print(0, &format!("it says {}", String::from_utf8_lossy(&blob.bytes)));
        }
        os.print(0, "it hung up");
    }
}

fn world(name: &str) -> Scenario {
    let native =
        |program: native::Program| Program { name: program.name().to_string(), native: Some(program), wasm: None };
    let programs = [
        native::Program::new("site", site),
        native::Program::new("asker", asker),
        native::Program::new("caller", caller),
    ];
    let programs = programs.map(native);
    Scenario::new(name, "A world with an outside.").programs(programs).lasting(secs(20), secs(20))
}

fn played(scenario: &Scenario) -> Run {
    let options = Options { keep_trace: true, ..Options::native() };
    run_plan(scenario, &Plan::default(), &options, &Loader::default()).expect("a sound scenario")
}

/// A calm run shows what the scenario expects.
fn holds(scenario: &Scenario) -> Run {
    let run = played(scenario);
    assert_eq!(run.verdict, Verdict::Held, "{}", run.summary());
    run
}

fn get(path: &str) -> HttpRequest {
    HttpRequest::new("GET", &format!("{PATH}{path}"), "")
}

fn at(path: &str) -> String {
    format!("{PATH}{path}")
}

fn site_starts() -> sim::scenario::Start {
    on(ALICE, "site:demo:alice.os").runs("site").public().messaging("http-server:distro:sys")
}

#[test]
fn a_visitor_is_answered_by_the_process_or_told_what_went_wrong() {
    let scenario = world("visits")
        .setup(start(site_starts().restarting()))
        .at(secs(1), browse(ALICE, get("/hello")))
        .at(secs(2), browse(ALICE, get("/silent")))
        .at(secs(3), browse(ALICE, get("/nonsense")))
        .at(secs(4), browse(ALICE, HttpRequest::new("GET", "/nobody:demo:alice.os", "")))
        .expect(prints(on(ALICE, "site:demo:alice.os"), r#"{"Ok":null}"#, 1))
        .expect(serves(ALICE, ("GET", &at("/hello")), 200, &format!("you asked for http://localhost{PATH}/hello"), 1))
        .expect(serves(ALICE, ("GET", &at("/silent")), 408, "", 1))
        .expect(serves(ALICE, ("GET", &at("/nonsense")), 500, "", 1))
        .expect(serves(ALICE, ("GET", "/nobody:demo:alice.os"), 404, "", 1));
    holds(&scenario);
}

#[test]
fn an_expectation_of_a_visitor_that_is_not_met_is_a_violation() {
    let scenario = world("visits")
        .setup(start(site_starts().restarting()))
        .at(secs(1), browse(ALICE, get("/hello")))
        .expect(serves(ALICE, ("GET", &at("/hello")), 200, "something else", 1))
        .expect(pushes(ALICE, "window", "hello", 1));
    let Verdict::Violated(violations) = played(&scenario).verdict else { panic!("two expectations are not met") };
    assert_eq!(violations.iter().map(|violation| violation.claim.rule.id()).collect::<Vec<_>>(), ["story", "story"]);
}

#[test]
fn what_is_bound_outlives_its_process_and_not_its_node() {
    let site = on(ALICE, "site:demo:alice.os");
    let scenario = world("bindings")
        .setup(start(site_starts()))
        .at(secs(1), kill(&site))
        // It is still bound, and nobody answers.
        .at(secs(2), browse(ALICE, get("/gone")))
        .at(secs(18), down(ALICE, Down::Crash))
        .at(secs(19), browse(ALICE, get("/down")))
        .at(millis(20_500), browse(ALICE, get("/unbound")))
        .lasting(secs(21), secs(20))
        .expect(serves(ALICE, ("GET", &at("/gone")), 408, "", 1))
        .expect(serves(ALICE, ("GET", &at("/unbound")), 404, "", 1));
    let run = holds(&scenario);
    let nobody = |what: &What| matches!(what, What::Shown(sight) if sight.to_string() == "nobody is there");
    assert_eq!(run.trace.events().filter(|(_, event)| nobody(&event.what)).count(), 1);
}

#[test]
fn a_process_that_comes_back_answers_the_visitors_of_its_former_life() {
    let site = on(ALICE, "site:demo:alice.os");
    let scenario = world("lives")
        .setup(start(site_starts().restarting()))
        .at(millis(500), open_socket(ALICE, "window", &at("/ws")))
        .at(secs(1), browse(ALICE, get("/leave")))
        .at(secs(2), push_text(ALICE, "window", "are you there?"))
        .at(secs(3), close_socket(ALICE, "window"))
        .at(secs(4), push_text(ALICE, "window", "and now?"))
        .expect(lives(&site, 2))
        .expect(pushes(ALICE, "window", "are you there?", 1))
        .expect(prints(&site, "the visitor left", 1))
        .expect(serves(ALICE, ("GET", &at("/leave")), 408, "", 1));
    holds(&scenario);
}

#[test]
fn the_web_answers_as_the_scenario_says() {
    let asker = on(ALICE, "asker:demo:alice.os");
    let get = |url: &str| {
        let http = format!(r#"{{"Http":{{"method":"GET","version":null,"url":"{url}","headers":{{}}}}}}"#);
        tell(&asker, &format!("http-client:distro:sys {http}"))
    };
    let start_asker = asker.runs("asker").restarting().public().messaging("http-client:distro:sys");
    let scenario = world("web")
        .on_the_web(Page::new("GET", "https://api.example/*", "[]").status(202))
        .setup(start(start_asker))
        .at(secs(1), get("https://api.example/list"))
        .at(secs(2), get("https://other.example/"))
        .expect(prints(&asker, r#"{"Ok":{"Http":{"headers":{},"status":202}}}"#, 1));
    let run = holds(&scenario);
    let failed = |what: &What| matches!(what, What::Printed(_, _, text) if text.contains("ExecuteRequestFailed"));
    assert_eq!(run.trace.events().filter(|(_, event)| failed(&event.what)).count(), 1);
}

#[test]
fn a_server_on_the_web_is_called_heard_and_called_again_after_a_power_loss() {
    let (caller, url) = (on(ALICE, "caller:demo:alice.os"), "wss://oracle.example/");
    let starts = caller.runs("caller").restarting().public().messaging("http-client:distro:sys");
    let oracle = SocketServer::new("wss://oracle.example/*").greeting("welcome").closing_at("hello");
    let scenario = world("calls")
        .listening_on_the_web(oracle)
        .setup(start(starts))
        .at(millis(100), down(ALICE, Down::PowerLoss))
        .lasting(millis(2_200), secs(1));
    let run = played(&scenario);
    let n = |text: &str| {
        let said = |what: &What| matches!(what, What::Printed(_, _, said) if &**said == text);
        run.trace.events().filter(|(_, event)| said(&event.what)).count() as u32
    };
    let (calls, ends) = (n(r#"{"Ok":"WebSocketAck"}"#), n("it hung up"));
    assert!(ends > 3 && (calls == ends || calls == ends + 1), "{calls} calls, of which {ends} ended");
    let scenario = scenario
        .expect(prints(&caller, "it says welcome", n("it says welcome")))
        .expect(hears(ALICE, url, "hello", calls));
    holds(&scenario);
    let Verdict::Violated(missed) = played(&scenario.expect(hears(ALICE, url, "bye", 1))).verdict else {
        panic!("nobody said bye")
    };
    assert_eq!(missed[0].facts, "wss://oracle.example/ got \"bye\" from alice.os 0 times and not 1");
}

#[test]
fn the_chain_goes_on_while_a_node_is_down_and_is_the_same_for_all() {
    let bob = "bob.os";
    let asker = |node: &str| on(node, "asker:demo:alice.os");
    let height = |node: &str| {
        let body = r#"{"Request":{"chain_id":1,"method":"eth_blockNumber","params":null}}"#;
        tell(asker(node), &format!("eth:distro:sys {body}"))
    };
    let starts = |node: &str| start(asker(node).runs("asker").restarting().public().messaging("eth:distro:sys"));
    let scenario = world("chain")
        .node(bob)
        .chain(ChainPlan::new(1).block_time(secs(1)).emitting(1, 1, LogSpec::new(1, &[], b"")))
        .setup(starts(ALICE))
        .setup(starts(bob))
        .at(millis(1_500), down(ALICE, Down::PowerLoss))
        .at(millis(5_500), height(ALICE))
        .at(millis(5_500), height(bob))
        .expect(prints(asker(ALICE), r#"{"Response":"0x5"}"#, 1))
        .expect(prints(asker(bob), r#"{"Response":"0x5"}"#, 1));
    let run = holds(&scenario);
    assert!(run.trace.events().any(|(_, event)| matches!(event.what, What::News(_))));
}

/// E11: what a node without these packages gives.
#[test]
fn userspace_names_that_are_not_there_are_a_timeout_at_once() {
    let asker = on(ALICE, "asker:demo:alice.os");
    let names = ["homepage:homepage:sys", "contacts:contacts:sys", "main:app-store:sys", "kns-indexer:kns-indexer:sys"];
    let mut scenario = world("names").setup(start(asker.runs("asker").restarting().public()));
    for name in names {
        scenario = scenario.at(secs(1), tell(&asker, &format!("{name} \"GetApps\"")));
    }
    let run = holds(&scenario.expect(prints(&asker, "Timeout", 4)));
    let printed = run.trace.events().filter(|(_, event)| matches!(event.what, What::Printed(..)));
    let last = printed.map(|(_, event)| event.at).last().expect("it printed");
    let asked = run.trace.events().find(|(_, event)| matches!(event.what, What::Script(_))).expect("a script").1.at;
    assert!(last - asked < millis(100), "long before the five seconds are over");
}

/// What makes a `check` inconclusive: each refused action is in the trace, and nobody answers it.
#[test]
fn what_a_module_refuses_is_known_after_the_run() {
    let asker = on(ALICE, "asker:demo:alice.os");
    let modules = ["eth:distro:sys", "http-server:distro:sys", "state:distro:sys"];
    let starts = modules.iter().fold(asker.runs("asker").restarting().public(), |start, id| start.messaging(id));
    let call = r#"eth:distro:sys {"Request":{"chain_id":1,"method":"eth_call","params":[]}}"#;
    let push = r#"http-server:distro:sys {"WebSocketExtPushOutgoing":{"channel_id":1,"message_type":"Text","desired_reply_type":"Request"}}"#;
    let scenario = world("refused")
        .chain(ChainPlan::new(1))
        .setup(start(starts))
        .at(secs(1), tell(&asker, call))
        .at(secs(2), tell(&asker, call))
        .at(secs(9), tell(&asker, push))
        .at(secs(15), tell(&asker, r#"state:distro:sys "Backup""#))
        .lasting(secs(20), secs(20))
        .expect(prints(&asker, "Timeout", 4));
    let run = holds(&scenario);
    let refused = run.trace.events().filter_map(|(_, event)| match &event.what {
        What::Unmodelled(module, text) => Some((run.names.process_text(*module), text.contains("eth_call"))),
        _ => None,
    });
    let (eth, server, state) =
        (("eth:distro:sys", true), ("http-server:distro:sys", false), ("state:distro:sys", false));
    assert_eq!(refused.collect::<Vec<_>>(), [eth, eth, server, state]);
}
