//! A process that sums numbers in `kv`, a transaction each: for sweeps and benches. Native only.

use kernel_core::{Address, Blob, Outgoing, ProcessRef, Request};
use sim::guest::native::{self, Os};
use sim::scenario::{Program, Scenario, millis, on, prints, secs, start};

/// Sums the numbers to `n` in a database, each in a transaction of two keys, and goes on where it was.
pub fn summing_to(n: u64) -> Scenario {
    let native = native::Program::new("summing", move |os| summing(os, n));
    let program = Program { name: "summing".to_string(), native: Some(native), wasm: None };
    let who = on("alice.os", "summing:demo:alice.os");
    Scenario::new("summing", "A process sums up in a database, a number a transaction.")
        .programs([program])
        .setup(start(who.runs("summing").restarting().public().messaging("kv:distro:sys")))
        // Four requests a transaction, each a turn at the disk.
        .lasting(millis(n + 100), secs(3))
        .expect(prints(&who, &format!("the sum is {}", n * (n + 1) / 2), 1))
}

async fn summing(os: Os, last: u64) {
    let (_, n) = ask(&os, r#""Open""#, None).await;
    assert_eq!(n, 0, "to open has no value");
    let (_, n) = ask(&os, r#"{"Get":[110]}"#, None).await;
    let (_, mut sum) = ask(&os, r#"{"Get":[115]}"#, None).await;
    assert_eq!(sum, n * (n + 1) / 2, "half of a transaction");
    for n in n + 1..=last {
        sum += n;
        let (begun, _) = ask(&os, r#""BeginTx""#, None).await;
        let tx: String = begun.chars().filter(char::is_ascii_digit).collect();
        ask(&os, &format!(r#"{{"Set":{{"key":[110],"tx_id":{tx}}}}}"#), Some(n)).await;
        ask(&os, &format!(r#"{{"Set":{{"key":[115],"tx_id":{tx}}}}}"#), Some(sum)).await;
        ask(&os, &format!(r#"{{"Commit":{{"tx_id":{tx}}}}}"#), None).await;
    }
    os.print(0, &format!("the sum is {sum}"));
    loop {
        os.receive().await;
    }
}

/// What kv answers, and the number that goes along; 0, if there is none. It panics if kv refuses.
async fn ask(os: &Os, action: &str, value: Option<u64>) -> (String, u64) {
    let target = Address { process: ProcessRef::KV, ..os.init_argument() };
    let package = r#"{"package_name":"demo","publisher_node":"alice.os"}"#;
    let body = format!(r#"{{"action":{action},"db":"sums","package_id":{package}}}"#);
    let request = Request { body: body.as_str().into(), expects_response: Some(5), ..Request::default() };
    let blob = value.map(|value| Blob { mime: None, bytes: value.to_string().as_str().into() });
    let answer = os.send_and_await_response(Outgoing { target, request, context: None, blob }).await;
    let answer = String::from_utf8_lossy(answer.expect("kv answers").body()).into_owned();
    assert!(!answer.contains("Err") || answer.contains("KeyNotFound"), "{answer}");
    let blob = if answer.contains("Get") { os.get_blob().await } else { None };
    let number = blob.map(|blob| String::from_utf8_lossy(&blob.bytes).parse().expect("a number"));
    (answer, number.unwrap_or(0))
}
