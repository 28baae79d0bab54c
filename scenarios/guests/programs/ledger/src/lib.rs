//! Keeps two accounts, `a` and `b`, in the database `ledger` of `kv`, which is of the package
//! `demo:alice.os`. It remembers nothing itself: whatever it says it has just read.
//!
//! A *read* of a key is `send-and-await-response` of `Get` to `kv`, and `get-blob` if the answer is
//! `Get`. A *write* is `send-and-await-response` of `Set` with the number as text for its blob. All
//! wait five seconds. `a` begins with 100, `b` with 0, the count of moves `n` with 0. What fails ends
//! an order, with `print-to-terminal` of `kv: ` and the answer, or `timeout`, or `offline`.
//!
//! At first it asks `kv` to `Open`. Then it reads `a`, `b`, `n` and prints `at A and B after N`; what
//! is not of the package is refused, prints that, and can still do what it has the right to.
//! Then for each message `receive` and
//!
//! - request `move X`: reads `a`, `b`, `n`, asks for `BeginTx`, writes all three in that transaction,
//!   `a` less by X, `b` more by X, `n` more by 1, asks for `Commit`, `send-response` of `A B N`;
//! - request `careless X`: the same without a transaction: a crash comes between two of the writes;
//! - request `audit`: reads `n`, `a`, `b`, `n`; again, up to three times, if `n` was not the same;
//!   `print-to-terminal` of `sum S`, or of `busy`;
//! - anything else: nothing.

use process::{
    Address, Guest, LazyLoadBlob, Message, Request, get_blob, next_request, print, reason, request, respond,
    send_and_await_response, text,
};

struct Ledger;

/// `kv` of our node.
struct Kv(Address);

impl Guest for Ledger {
    fn init(our: String) {
        let mut address = process::address(&our).expect("`init` is given an address");
        address.process.process_name = "kv".into();
        address.process.package_name = "distro".into();
        address.process.publisher_node = "sys".into();
        let kv = Kv(address);
        tell(kv.opened());
        loop {
            let (_source, body) = next_request();
            match body.split_once(' ') {
                Some(("move", x)) => answer(kv.moved(x, true)),
                Some(("careless", x)) => answer(kv.moved(x, false)),
                None if body == "audit" => tell(kv.audited()),
                _ => {}
            }
        }
    }
}

fn tell(outcome: Result<String, String>) {
    match outcome {
        Ok(line) => print(&line),
        Err(why) => print(&format!("kv: {why}")),
    }
}

fn answer(outcome: Result<String, String>) {
    match outcome {
        Ok(body) => respond(&body),
        Err(why) => print(&format!("kv: {why}")),
    }
}

impl Kv {
    fn opened(&self) -> Result<String, String> {
        self.done("\"Open\"", None)?;
        let (a, b, n) = (self.read("a", 100)?, self.read("b", 0)?, self.read("n", 0)?);
        Ok(format!("at {a} and {b} after {n}"))
    }

    fn moved(&self, x: &str, atomically: bool) -> Result<String, String> {
        let x: i64 = x.parse().unwrap_or(0);
        let (a, b, n) = (self.read("a", 100)?, self.read("b", 0)?, self.read("n", 0)?);
        let (a, b, n) = (a.wrapping_sub(x), b.wrapping_add(x), n.wrapping_add(1));
        let tx = match atomically {
            true => self.number("\"BeginTx\"")?,
            false => "null".to_string(),
        };
        self.write("a", a, &tx)?;
        self.write("b", b, &tx)?;
        self.write("n", n, &tx)?;
        if atomically {
            self.done(&format!(r#"{{"Commit":{{"tx_id":{tx}}}}}"#), None)?;
        }
        Ok(format!("{a} {b} {n}"))
    }

    fn audited(&self) -> Result<String, String> {
        for _ in 0..3 {
            let before = self.read("n", 0)?;
            let (a, b) = (self.read("a", 100)?, self.read("b", 0)?);
            if self.read("n", 0)? == before {
                return Ok(format!("sum {}", a.wrapping_add(b)));
            }
        }
        Ok("busy".into())
    }

    fn read(&self, key: &str, otherwise: i64) -> Result<i64, String> {
        let answer = self.ask(&format!(r#"{{"Get":{:?}}}"#, key.as_bytes()), None)?;
        match answer.starts_with(r#"{"Get""#) {
            true => Ok(get_blob().and_then(|blob| text(&blob.bytes).parse().ok()).unwrap_or(otherwise)),
            false if answer == r#"{"Err":"KeyNotFound"}"# => Ok(otherwise),
            false => Err(answer),
        }
    }

    fn write(&self, key: &str, value: i64, tx: &str) -> Result<(), String> {
        self.done(&format!(r#"{{"Set":{{"key":{:?},"tx_id":{tx}}}}}"#, key.as_bytes()), Some(value))
    }

    fn done(&self, action: &str, value: Option<i64>) -> Result<(), String> {
        let answer = self.ask(action, value)?;
        if answer == r#""Ok""# { Ok(()) } else { Err(answer) }
    }

    /// The number in the answer, as text.
    fn number(&self, action: &str) -> Result<String, String> {
        let answer = self.ask(action, None)?;
        let number: String = answer.chars().filter(char::is_ascii_digit).collect();
        if number.is_empty() { Err(answer) } else { Ok(number) }
    }

    fn ask(&self, action: &str, value: Option<i64>) -> Result<String, String> {
        let package = r#"{"package_name":"demo","publisher_node":"alice.os"}"#;
        let body = format!(r#"{{"action":{action},"db":"ledger","package_id":{package}}}"#);
        let asking = Request { expects_response: Some(5), ..request(&body) };
        let blob = value.map(|value| LazyLoadBlob { mime: None, bytes: value.to_string().into() });
        match send_and_await_response(&self.0, &asking, blob.as_ref()) {
            Ok((_, Message::Response((answer, _)))) => Ok(text(&answer.body)),
            Ok((_, Message::Request(answer))) => Ok(text(&answer.body)),
            Err(error) => Err(reason(error.kind).to_string()),
        }
    }
}

process::export!(Ledger);
