//! The twin of the Wasm program `ledger`: keeps two accounts in `kv`, and moves value between them.

use super::process::{next_request, print, reason, request, text};
use kernel_core::{Address, Blob, Outgoing, ProcessRef, Request};
use sim::guest::native::Os;

pub(super) async fn ledger(os: Os) {
    let kv = Kv { os: os.clone(), address: Address { process: ProcessRef::KV, ..os.init_argument() } };
    kv.tell(kv.opened().await);
    loop {
        let (_source, body) = next_request(&os).await;
        match body.split_once(' ') {
            Some(("move", x)) => kv.answer(kv.moved(x, true).await),
            Some(("careless", x)) => kv.answer(kv.moved(x, false).await),
            None if body == "audit" => kv.tell(kv.audited().await),
            _ => {}
        }
    }
}

/// `kv` of our node.
struct Kv {
    os: Os,
    address: Address,
}

impl Kv {
    fn tell(&self, outcome: Result<String, String>) {
        match outcome {
            Ok(line) => print(&self.os, &line),
            Err(why) => print(&self.os, &format!("kv: {why}")),
        }
    }

    fn answer(&self, outcome: Result<String, String>) {
        match outcome {
            Ok(body) => self.os.respond(body.as_str()),
            Err(why) => print(&self.os, &format!("kv: {why}")),
        }
    }

    async fn opened(&self) -> Result<String, String> {
        self.done("\"Open\"", None).await?;
        let (a, b, n) = (self.read("a", 100).await?, self.read("b", 0).await?, self.read("n", 0).await?);
        Ok(format!("at {a} and {b} after {n}"))
    }

    async fn moved(&self, x: &str, atomically: bool) -> Result<String, String> {
        let x: i64 = x.parse().unwrap_or(0);
        let (a, b, n) = (self.read("a", 100).await?, self.read("b", 0).await?, self.read("n", 0).await?);
        let (a, b, n) = (a.wrapping_sub(x), b.wrapping_add(x), n.wrapping_add(1));
        let tx = if atomically { self.number("\"BeginTx\"").await? } else { "null".to_string() };
        self.write("a", a, &tx).await?;
        self.write("b", b, &tx).await?;
        self.write("n", n, &tx).await?;
        if atomically {
            self.done(&format!(r#"{{"Commit":{{"tx_id":{tx}}}}}"#), None).await?;
        }
        Ok(format!("{a} {b} {n}"))
    }

    async fn audited(&self) -> Result<String, String> {
        for _ in 0..3 {
            let before = self.read("n", 0).await?;
            let (a, b) = (self.read("a", 100).await?, self.read("b", 0).await?);
            if self.read("n", 0).await? == before {
                return Ok(format!("sum {}", a.wrapping_add(b)));
            }
        }
        Ok("busy".into())
    }

    async fn read(&self, key: &str, otherwise: i64) -> Result<i64, String> {
        let answer = self.ask(&format!(r#"{{"Get":{:?}}}"#, key.as_bytes()), None).await?;
        if answer.starts_with(r#"{"Get""#) {
            let blob = self.os.get_blob().await;
            Ok(blob.and_then(|blob| text(&blob.bytes).parse().ok()).unwrap_or(otherwise))
        } else if answer == r#"{"Err":"KeyNotFound"}"# {
            Ok(otherwise)
        } else {
            Err(answer)
        }
    }

    async fn write(&self, key: &str, value: i64, tx: &str) -> Result<(), String> {
        self.done(&format!(r#"{{"Set":{{"key":{:?},"tx_id":{tx}}}}}"#, key.as_bytes()), Some(value)).await
    }

    async fn done(&self, action: &str, value: Option<i64>) -> Result<(), String> {
        let answer = self.ask(action, value).await?;
        if answer == r#""Ok""# { Ok(()) } else { Err(answer) }
    }

    /// The number in the answer, as text.
    async fn number(&self, action: &str) -> Result<String, String> {
        let answer = self.ask(action, None).await?;
        let number: String = answer.chars().filter(char::is_ascii_digit).collect();
        if number.is_empty() { Err(answer) } else { Ok(number) }
    }

    async fn ask(&self, action: &str, value: Option<i64>) -> Result<String, String> {
        let package = r#"{"package_name":"demo","publisher_node":"alice.os"}"#;
        let body = format!(r#"{{"action":{action},"db":"ledger","package_id":{package}}}"#);
        let asking = Request { expects_response: Some(5), ..request(&body) };
        let blob = value.map(|value| Blob { mime: None, bytes: value.to_string().as_str().into() });
        let outgoing = Outgoing { target: self.address, request: asking, context: None, blob };
        match self.os.send_and_await_response(outgoing).await {
            Ok(answer) => Ok(text(answer.body())),
            Err(error) => Err(reason(error.kind).to_string()),
        }
    }
}
