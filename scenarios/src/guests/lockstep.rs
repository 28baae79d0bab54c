//! The twins beside their siblings: the same replies get the same calls, and number the same names.

use super::by_hand::{Life, Step};
use kernel_core::{Answer, Blob, Bytes, Call, Capability, Content, Names, OnExit, Response, SendError};
use kernel_core::{ProcessRef, SendErrorKind, SpawnError};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sim::guest::wasm::{Limits, Program};
use sim::guest::{Guest, Trap, Turn};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// Far more than any order takes, and spun through in no time.
const SPIN_FUEL: u64 = 2_000_000;

static WASM: LazyLock<BTreeMap<String, Program>> = LazyLock::new(|| {
    let built = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/guests/built"));
    let mut programs = BTreeMap::new();
    for entry in fs::read_dir(built).expect("the programs are built") {
        let path = entry.expect("a folder can be listed").path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            let program = Program::load(&fs::read(&path).expect("a built program can be read"));
            programs.insert(name, program.expect("a built program is valid"));
        }
    }
    programs
});

#[test]
fn every_wasm_program_has_a_twin() {
    let twins: Vec<&str> = super::programs().iter().map(|program| program.name()).collect();
    assert_eq!(twins, WASM.keys().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_twin_makes_the_calls_of_its_sibling() {
    // How many turns: a script that ends early compares little.
    let n_turns = |name, bodies| lockstep(name, None, &requests(bodies)).len();
    assert_eq!(n_turns("chat", &["say bob.os hello", "hear hello", "say hello", "say our hello", "say  "]), 6);
    assert_eq!(n_turns("counter", &["add", "get", "forget", "add", "sub"]), 10);
    assert_eq!(n_turns("crasher", &[]), 1);
    assert_eq!(n_turns("fragile", &["add", "get", "forget", "add", "sub"]), 10);
    assert_eq!(n_turns("idle", &["add", "work 1"]), 3);
    assert_eq!(n_turns("keeper", &["put b 1 2", "put a x=y", "put a=b 3", "get a", "get c", "put a\r 4"]), 10);
    assert_eq!(n_turns("ledger", &["move 5", "careless -5", "audit", "move x", "dance", "audit now", "move 5"]), 43);
    assert_eq!(n_turns("parent", &["raise kid /p none", "raise taken /p restart", "raise lost /p none", "leave"]), 8);
    assert_eq!(n_turns("parent", &["ask kid 5 well?", "hand kid aunt", "adopt kid", "product 9", "hand kid"]), 6);
    assert_eq!(n_turns("saver", &["add", "add", "get", "add", "add"]), 11);
    assert_eq!(n_turns("worker", &["work much", "work 65536"]), 4);
}

/// What an indexer gets that begins again under this word: its answers come with contexts, which requests do not have.
fn of_a_chain(again: &str) -> [Mail; 15] {
    let log = |block: u32, removed: bool| {
        format!(
            r#"{{"blockNumber":"{block:#x}","blockHash":"0xb{block}","logIndex":"0x0","transactionHash":"0xt","removed":{removed}}}"#
        )
    };
    let update =
        |block, removed| Mail::Request(format!(r#"{{"Ok":{{"id":1,"result":{}}}}}"#, log(block, removed)).into());
    let response = |body: String, context: &str| Mail::Response(body.into(), Some(context.to_string()));
    let ended = || Mail::Request(br#"{"Err":{"id":1,"error":"gone"}}"#.to_vec());
    [
        response(r#"{"Err":"NoRpcForChain"}"#.into(), "subscribed 1"),
        response(String::new(), &format!("{again} 1")),
        response(r#""Ok""#.into(), "subscribed 1"),
        response(r#""Ok""#.into(), "subscribed 2"),
        update(12, false),
        response(String::new(), "ask 2"),
        Mail::Failure(SendErrorKind::Timeout, Some("asked 2".into())),
        response(format!(r#"{{"Response":[{},{}]}}"#, log(3, false), log(4, false)), "asked 2"),
        update(13, false),
        update(13, false),
        update(12, true),
        ended(),
        update(14, false),
        Mail::Failure(SendErrorKind::Timeout, Some(format!("{again} 2"))),
        response(r#"{"Response":[]}"#.into(), "asked 3"),
    ]
}

#[test]
fn an_indexer_keeps_what_its_sibling_keeps() {
    let inbox = of_a_chain("subscribe");
    // Of each message one turn, and one more for each time that the state is saved.
    assert_eq!(lockstep("indexer", None, &inbox).len(), 2 + inbox.len() + 5);
    let (calls, _) = &lockstep("indexer", Some(b"0x14 0xb20 0x0 0xt\n"), &inbox[3..6])[4];
    assert_eq!(calls.len(), 0, "what comes of another subscribing is nothing");
    let inbox = of_a_chain("open");
    assert!(lockstep("archive", None, &inbox).len() > 2 * inbox.len(), "it asks its database for much");
}

#[test]
fn a_ticker_begins_and_tries_again_as_its_sibling_does() {
    let again = || Mail::Response(Vec::new(), Some("again".into()));
    let inbox = [again(), Mail::Request(b"not for it".to_vec()), again(), again()];
    for state in [None, Some(&b"12"[..])] {
        let steps = lockstep("ticker", state, &inbox);
        assert!(steps.len() > 2, "{steps:?}");
    }
}

#[test]
fn a_twin_reads_a_state_as_its_sibling_does() {
    for state in STATES {
        lockstep("counter", Some(state), &requests(&["add", "add"]));
        lockstep("fragile", Some(state), &requests(&["add", "add"]));
        lockstep("keeper", Some(state), &requests(&["get a", "put c 3", "get b"]));
    }
}

#[test]
fn a_puppet_obeys_as_its_sibling_does() {
    let orders = "print one\r\n\nrespond two\ntell bob.os@a:b:c three\nask bob.os@d:e:f 4 four\ninherit bob.os@d:e:f 4 four\nawait our@a:b:c 5 five\n\
        await our@a:b:c 5 six\nawait x.os@a:b:c 5 seven\non-exit restart\nprint-on-exit\non-exit requests our@g:h:i it\n\
        print-on-exit\non-exit none\nprint-on-exit\nprint-state\nsave-state eight\nprint-state\nclear-state\n\
        print-capabilities\ngive our@to:x:y our@issuer:x:y {\"b\":1,\"a\":2} here\nkeep\nclaim our@issuer:x:y \"read\"\n\
        drop our@issuer:x:y \"read\"\n\
        grow 16\ngrow 65536\nblob nine our@a:b:c ten & ten & & ten &\nprint-blob\nspin\nprint never";
    let steps = lockstep("puppet", None, &requests(&[orders]));
    assert!(matches!(steps.last(), Some((_, Turn::Busy(_)))), "{steps:?}");
}

#[test]
fn a_puppet_ends_as_its_sibling_does() {
    for last in [
        "return",
        "panic at the end",
        "dance",
        "grow 4294967296",
        "tell new.os@x:y print",
        "ask new.os@x:y:z soon print",
        "inherit new.os@x:y:z soon print",
        "await new.os@x:y:z -1 print",
        "give new.os@x:y:z nobody {} print",
        "give nobody new.os@x:y:z {} print",
        "claim new.os@x:y:z",
        "claim nobody {\"new\":true}",
        "drop new.os@x:y:z",
        "drop nobody {\"new\":true}",
        "on-exit requests new.os@x:y:z",
        "blob new.os@x:y:z print",
    ] {
        let steps = lockstep("puppet", None, &requests(&[&format!("print first\n{last}")]));
        assert!(matches!(steps.last(), Some((calls, Turn::Returned | Turn::Trapped(_))) if calls.len() == 1), "{last}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(18),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_mail_tells_a_twin_from_its_sibling(
        name in proptest::sample::select(super::programs().iter().map(|p| p.name()).collect::<Vec<_>>()),
        state in state(),
        inbox in proptest::collection::vec(mail(), 0..8),
    ) {
        lockstep(name, state, &inbox);
    }
}

/// What a guest is to receive.
#[derive(Clone, Debug)]
enum Mail {
    Request(Vec<u8>),
    Response(Vec<u8>, Option<String>),
    Failure(SendErrorKind, Option<String>),
}

fn requests(bodies: &[&str]) -> Vec<Mail> {
    bodies.iter().map(|body| Mail::Request(body.as_bytes().into())).collect()
}

/// What comes first in a line, and the words after it; some are empty.
const ORDERS: &str = "add move careless audit get forget say hear work raise ask hand adopt product leave put return panic spin print respond \
    tell inherit await on-exit print-on-exit save-state clear-state print-state print-capabilities give keep claim drop grow \
    blob print-blob dance  return";
const WORDS: &str = "kid taken lost none restart requests /p 5 +7 -1 16 65536 4294967296 bob.os our our@kid:demo:alice.os \
    new.os@x:y:z bad.os@x:y @:: a@b@c:d:e a:b \"messaging\" {\"b\":1,\"a\":2} {\"a\":2,\"b\":1} k=v & é \u{85}  none";

/// What programs may find saved.
const STATES: &[&[u8]] = &[
    b"41",
    b"18446744073709551615",
    b"18446744073709551616",
    b"many",
    b"",
    b"+3",
    b"b=1\na=2=3\r\n\r\nx",
    b"a\xff=v\xff\n",
];

fn one_of(words: &'static str) -> impl Strategy<Value = &'static str> + Clone {
    proptest::sample::select(words.split(' ').collect::<Vec<_>>())
}

fn line() -> impl Strategy<Value = String> {
    (one_of(ORDERS), proptest::collection::vec(one_of(WORDS), 0..5)).prop_map(|(order, words)| {
        let words = words.iter().map(|word| format!(" {word}"));
        format!("{order}{}", words.collect::<String>())
    })
}

/// Orders with the words they are made of in their places: drawn blindly, few would be understood.
fn sound_line() -> impl Strategy<Value = String> {
    let address = one_of("our@kid:demo:alice.os new.os@x:y:z old.os@p:q:r @::");
    let word = one_of(WORDS);
    (0..18_u8, address.clone(), address, word.clone(), word).prop_map(|(order, to, issuer, a, b)| match order {
        0 => format!("tell {to} {a} {b}"),
        1 => format!("ask {to} 5 {a} {b}"),
        2 => format!("await {to} 5 {a} {b}"),
        3 => format!("on-exit requests {to} {a}"),
        4 => format!("give {to} {issuer} {a} {b}"),
        5 => format!("drop {issuer} {a}"),
        6 => format!("blob {a} {to} {b}"),
        7 => format!("raise {a} {b} restart"),
        8 => format!("ask {a} 5 {b}"),
        9 => format!("hand {a} {b}"),
        10 => format!("adopt {a}"),
        11 => format!("say {a} {b}"),
        12 => format!("put {a} {b}"),
        13 => "print-capabilities".to_string(),
        14 => "keep".to_string(),
        15 => format!("inherit {to} 5 {a} {b}"),
        16 => format!("claim {issuer} {a}"),
        _ => format!("get {a}"),
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let end = proptest::sample::select(&["\n", "\n", "\r\n", "\r"][..]);
    let lines = proptest::collection::vec(prop_oneof![line(), sound_line()], 1..6);
    let text = (lines, end).prop_map(|(lines, end)| lines.join(end).into_bytes());
    let broken = (line(), 0..=255_u8).prop_map(|(line, byte)| [line.as_bytes(), &[byte], b" x"].concat());
    prop_oneof![
        4 => line().prop_map(String::into_bytes),
        4 => sound_line().prop_map(String::into_bytes),
        4 => text,
        1 => broken,
    ]
}

fn mail() -> impl Strategy<Value = Mail> {
    let kind = proptest::sample::select(&[SendErrorKind::Offline, SendErrorKind::Timeout][..]);
    let context = || proptest::option::of(line());
    prop_oneof![
        6 => body().prop_map(Mail::Request),
        1 => (body(), context()).prop_map(|(body, context)| Mail::Response(body, context)),
        1 => (kind, context()).prop_map(|(kind, context)| Mail::Failure(kind, context)),
    ]
}

fn state() -> impl Strategy<Value = Option<&'static [u8]>> {
    prop_oneof![2 => Just(None), 1 => proptest::sample::select(STATES).prop_map(Some)]
}

/// Runs both with the same mail and compares them turn by turn; gives the turns.
fn lockstep(name: &str, state: Option<&[u8]>, inbox: &[Mail]) -> Vec<Step> {
    let limits = Limits { spin_fuel: SPIN_FUEL, ..Limits::default() };
    let wasm = Box::new(WASM[name].start(&limits, 7));
    let twin = super::programs().into_iter().find(|program| program.name() == name).expect("a twin").start();
    let (wasm_steps, wasm_names) = run(name, wasm, state, inbox);
    let (steps, names) = run(name, Box::new(twin), state, inbox);
    assert_eq!(steps, wasm_steps, "{name}");
    assert_eq!(names, wasm_names, "{name}");
    steps
}

/// Plays the kernel to a guest until it ends, spins, or has read its mail.
fn run(name: &str, guest: Box<dyn Guest>, state: Option<&[u8]>, inbox: &[Mail]) -> (Vec<Step>, Names) {
    let (mut life, mut step) = Life::begin_as(name, guest);
    let mut kernel = Kernel { state: state.map(Bytes::from), on_exit: OnExit::Restart, n_awaited: 0 };
    let mut inbox = inbox.iter();
    let mut steps = Vec::new();
    loop {
        if let Turn::Trapped(Trap { text, last_words, .. }) = &mut step.1 {
            // They name the lines of other sources.
            (*text, *last_words) = Default::default();
        }
        steps.push(step.clone());
        step = match step.1 {
            Turn::Call(Call::Receive) => match inbox.next() {
                None => return (steps, life.names),
                Some(Mail::Request(body)) => {
                    let gift = [Capability::messaging(life.address("bob.os@gift:demo:bob.os"))];
                    life.request_with(&body[..], &gift)
                }
                Some(Mail::Response(body, context)) => life.response(&body[..], context.as_deref()),
                Some(Mail::Failure(kind, context)) => life.failure(*kind, context.as_deref()),
            },
            Turn::Call(call) => {
                let answer = kernel.answer(&mut life, call);
                life.answer(answer)
            }
            Turn::Clock(_) => panic!("no program reads the clock"),
            Turn::Busy(_) | Turn::Sleep(_) | Turn::Returned | Turn::Trapped(_) => return (steps, life.names),
        };
    }
}

/// As much of a kernel as answers depend on.
struct Kernel {
    state: Option<Bytes>,
    on_exit: OnExit,
    n_awaited: u32,
}

impl Kernel {
    fn answer(&mut self, life: &mut Life, call: Call) -> Answer {
        match call {
            Call::GetState => Answer::State(self.state.clone()),
            Call::SetState(bytes) => {
                self.state = Some(bytes);
                Answer::Done
            }
            Call::ClearState => {
                self.state = None;
                Answer::Done
            }
            Call::GetOnExit => Answer::OnExit(self.on_exit.clone()),
            Call::SetOnExit(value) => {
                self.on_exit = value;
                Answer::Done
            }
            Call::Spawn(spawn) => Answer::Spawned(match spawn.name.as_deref() {
                Some("taken") => Err(SpawnError::NameTaken),
                Some("lost") => Err(SpawnError::NoFileAtPath),
                Some(_) | None => Ok(life.names.process("kid-1:demo:alice.os")),
            }),
            Call::OurCapabilities => {
                let issuers = ["our@z:demo:alice.os", "bob.os@a:demo:bob.os", "our@a:demo:alice.os"];
                Answer::Capabilities(issuers.map(|issuer| Capability::messaging(life.address(issuer))).to_vec())
            }
            Call::GetBlob => {
                let bytes: Bytes = [b'b', 0xff].as_slice().into();
                Answer::Blob(
                    (self.n_awaited.is_multiple_of(2)).then_some(Blob { mime: Some("text/plain".into()), bytes }),
                )
            }
            Call::SendAndAwaitResponse(outgoing) => {
                self.n_awaited += 1;
                let database = [ProcessRef::KV, ProcessRef::SQLITE].contains(&outgoing.target.process);
                if database && !self.n_awaited.is_multiple_of(11) {
                    let response = Response { body: of_database(&outgoing.request.body).into(), ..Response::default() };
                    return Answer::Awaited(Ok(life.message(Content::Response(response))));
                }
                let request = life.message(Content::Request(outgoing.request.clone()));
                let response = |body: &str| Content::Response(Response { body: body.into(), ..Response::default() });
                Answer::Awaited(match self.n_awaited % 4 {
                    1 => Ok(life.message(response("40"))),
                    2 => Err(SendError { kind: SendErrorKind::Timeout, message: request }),
                    3 => Err(SendError { kind: SendErrorKind::Offline, message: request }),
                    _ => Ok(life.message(response("no number"))),
                })
            }
            other => panic!("no program makes the call {}", other.kind().name()),
        }
    }
}

/// What kv and sqlite answer.
fn of_database(body: &[u8]) -> &'static str {
    let body = String::from_utf8_lossy(body);
    match ["BeginTx", "Query", "[97]", "[98]", "Get"].into_iter().find(|word| body.contains(word)) {
        Some("BeginTx") => r#"{"BeginTx":{"tx_id":18446744073709551615}}"#,
        Some("Query") => r#""Read""#,
        Some("[97]") if body.contains("Get") => r#"{"Get":[97]}"#,
        Some("[98]" | "Get") if body.contains("Get") => r#"{"Err":"KeyNotFound"}"#,
        _ => r#""Ok""#,
    }
}
