//! The twin of the Wasm program `puppet`: carries out orders, one per line of a request's body.
//!
//! Natively there is no memory to grow: `grow` of up to [`GROWN_MAX`] pages says `grown`, of more `refused`, however
//! much was grown before. Where both are run, ask for few pages (up to 16) or for more than any limit (65,536).

use super::process::{Event, Written, address, await_answer, next, print, reason, request, text};
use kernel_core::{
    Blob, Bytes, Capability, OnExit, OnExitRequest, Outgoing, ParamsRef, ProcessId, ProcessRef, Request, Response,
    SendErrorKind, Spawn, SpawnError,
};
use sim::guest::native::Os;

/// What the two forms of the puppet share: the words of orders.
#[path = "../../guests/programs/puppet/src/orders.rs"]
mod orders;

use orders::{Child, End, Item, With};

/// The most pages of 64 KiB that are said to be grown at once.
const GROWN_MAX: u32 = 1_000;

/// What a puppet remembers within its life.
#[derive(Default)]
struct Memory {
    /// The capabilities that came with the latest message.
    attached: Vec<Capability>,
    /// The number of the transaction that was begun last.
    transaction: String,
}

pub(super) async fn puppet(os: Os) {
    let mut memory = Memory::default();
    loop {
        let (orders, attached) = match next(&os).await {
            Event::Request { body, capabilities, .. } => (body, capabilities),
            Event::Response { body, context, capabilities } => match context.strip_prefix("do ") {
                Some(order) => (order.to_string(), capabilities),
                None => {
                    report(&os, &context, Ok(body));
                    continue;
                }
            },
            Event::Failure { kind, context } => match context.strip_prefix("do ") {
                Some(order) => (order.to_string(), vec![]),
                None => {
                    report(&os, &context, Err(kind));
                    continue;
                }
            },
        };
        memory.attached = attached;
        for line in orders.lines() {
            if line == "return" {
                return;
            }
            carry_out(&os, line, &mut memory).await.unwrap_or_else(|| panic!("unknown order: {line}"));
        }
    }
}

/// `None`: the order cannot be understood, and nothing was done and nobody named.
async fn carry_out(os: &Os, line: &str, memory: &mut Memory) -> Option<()> {
    let (order, rest) = line.split_once(' ').unwrap_or((line, ""));
    match order {
        "" => {}
        "panic" => panic!("{rest}"),
        "spin" => os.spin().await,
        "print" => print(os, rest),
        "respond" => os.respond(rest),
        "hand-over" => {
            let [issuer, params, body] = words(rest)?;
            let capabilities = vec![capability(os, &address(issuer)?, params)];
            os.send_response(Response { body: body.into(), capabilities, ..Response::default() }, None);
        }
        "tell" => {
            let [to, body] = words(rest)?;
            os.tell(address(to)?.numbered(os), body);
        }
        "ask" => {
            let [to, seconds, body] = words(rest)?;
            let (to, seconds) = (address(to)?, seconds.parse().ok()?);
            os.ask(to.numbered(os), seconds, body, Some(body.into()));
        }
        "inherit" => {
            let [to, seconds, body] = words(rest)?;
            let request = Request { inherit: true, expects_response: Some(seconds.parse().ok()?), ..request(body) };
            let target = address(to)?.numbered(os);
            os.send_request(Outgoing { target, request, context: Some(body.into()), blob: None });
        }
        "pass" => {
            let [to, body] = words(rest)?;
            let request = Request { inherit: true, ..request(body) };
            os.send_request(Outgoing { target: address(to)?.numbered(os), request, context: None, blob: None });
        }
        "note" => {
            let [metadata, to, body] = words(rest)?;
            let request = Request { metadata: Some(metadata.into()), ..request(body) };
            os.send_request(Outgoing { target: address(to)?.numbered(os), request, context: None, blob: None });
        }
        "await" => {
            let [to, seconds, body] = words(rest)?;
            let (to, seconds) = (address(to)?, seconds.parse().ok()?);
            report(os, body, await_answer(os, to.numbered(os), seconds, body).await);
        }
        "on-exit" => os.set_on_exit(on_exit(os, rest)?).await,
        "print-on-exit" => match os.get_on_exit().await {
            OnExit::None => print(os, "on-exit: none"),
            OnExit::Restart => print(os, "on-exit: restart"),
            OnExit::Requests(requests) => print(os, &format!("on-exit: requests {}", requests.len())),
        },
        "save-state" => os.set_state(rest).await,
        "clear-state" => os.clear_state().await,
        "print-state" => show(os, "state", os.get_state().await),
        "print-capabilities" => print_capabilities(os).await,
        "give" => {
            let [to, issuer, params, body] = words(rest)?;
            let (to, issuer) = (address(to)?, address(issuer)?);
            // The target is numbered before what is attached, as a Wasm guest's call would be read.
            let target = to.numbered(os);
            let capabilities = vec![capability(os, &issuer, params)];
            let request = Request { capabilities, ..request(body) };
            os.send_request(Outgoing { target, request, context: None, blob: None });
        }
        "keep" => os.save_capabilities(memory.attached.clone()),
        "claim" => {
            let [issuer, params] = words(rest)?;
            os.save_capabilities(vec![capability(os, &address(issuer)?, params)]);
        }
        "drop" => {
            let [issuer, params] = words(rest)?;
            os.drop_capabilities(vec![capability(os, &address(issuer)?, params)]);
        }
        "spawn" => raise(os, words(rest)?).await?,
        // A Wasm guest's sizes have 32 bits.
        "grow" => print(os, if rest.parse::<u32>().ok()? <= GROWN_MAX { "grown" } else { "refused" }),
        "blob" => {
            let [blob, to, body] = words(rest)?;
            let blob = Some(Blob { mime: None, bytes: blob.into() });
            let (target, body) = (address(to)?.numbered(os), body.replace(" & ", "\n"));
            os.send_request(Outgoing { target, request: request(&body), context: None, blob });
        }
        "send" => {
            let outgoing = Sound::read(orders::item(rest)?)?.outgoing(os);
            os.send_request(outgoing);
        }
        "send-all" => {
            let sound: Vec<Sound<'_>> = orders::items(rest)?.into_iter().map(Sound::read).collect::<Option<_>>()?;
            let list = sound.iter().map(|item| item.outgoing(os)).collect();
            os.send_requests(list);
        }
        "call" => {
            let mut sound = Sound::read(orders::item(rest)?)?;
            sound.item.with.expects.get_or_insert(5);
            let body = sound.item.body.replace("$tx", &memory.transaction);
            let mut outgoing = sound.outgoing(os);
            outgoing.request.body = body.as_str().into();
            let answer = match os.send_and_await_response(outgoing).await {
                Ok(answer) => {
                    memory.attached = answer.capabilities().to_vec();
                    Ok(text(answer.body()))
                }
                Err(error) => Err(error.kind),
            };
            if let Some(number) = answer.as_deref().ok().and_then(orders::transaction) {
                memory.transaction = number.to_string();
            }
            report(os, "called", answer);
        }
        "answer" => {
            let (with, body) = orders::with(rest)?;
            let issuers = issuers(&with.capabilities)?;
            let response = Response {
                inherit: with.inherit,
                body: body.into(),
                metadata: with.metadata.as_deref().map(Into::into),
                capabilities: numbered(os, &issuers),
            };
            os.send_response(response, blob_of(&with));
        }
        "end" => {
            let value = match orders::end(rest)? {
                End::None => OnExit::None,
                End::Restart => OnExit::Restart,
                End::Requests(items) => {
                    let sound: Vec<Sound<'_>> = items.into_iter().map(Sound::read).collect::<Option<_>>()?;
                    OnExit::Requests(sound.iter().map(|item| item.last_words(os)).collect())
                }
            };
            os.set_on_exit(value).await;
        }
        "child" => bear(os, orders::child(rest)?).await?,
        "our" => {
            let our = os.our().await;
            print(os, &format!("our: {}", os.address_text(our)));
        }
        "has-blob" => {
            let has = os.has_blob().await;
            print(os, &format!("has a blob: {has}"));
        }
        "print-blob" => show(os, "blob", os.get_blob().await.map(|blob| blob.bytes)),
        "print-last-blob" => show(os, "last blob", os.last_blob().await.map(|blob| blob.bytes)),
        _ => return None,
    }
    Some(())
}

/// A request whose names can all be read.
struct Sound<'a> {
    item: Item<'a>,
    to: Written<'a>,
    issuers: Vec<(Written<'a>, &'a str)>,
}

impl<'a> Sound<'a> {
    fn read(item: Item<'a>) -> Option<Sound<'a>> {
        let (to, issuers) = (address(item.to)?, issuers(&item.with.capabilities)?);
        Some(Sound { item, to, issuers })
    }

    /// The request, its target numbered before what is attached, as a Wasm guest's call would be read.
    fn outgoing(&self, os: &Os) -> Outgoing {
        let (target, with) = (self.to.numbered(os), &self.item.with);
        let request = Request {
            inherit: with.inherit,
            expects_response: with.expects,
            body: self.item.body.into(),
            metadata: with.metadata.as_deref().map(Into::into),
            capabilities: numbered(os, &self.issuers),
        };
        let context = with.context.as_deref().map(|text| Bytes::from(text.as_bytes()));
        Outgoing { target, request, context, blob: blob_of(with) }
    }

    fn last_words(&self, os: &Os) -> OnExitRequest {
        let Outgoing { target, request, blob, .. } = self.outgoing(os);
        OnExitRequest { target, request, blob }
    }
}

fn issuers<'a>(capabilities: &[(&'a str, &'a str)]) -> Option<Vec<(Written<'a>, &'a str)>> {
    capabilities.iter().map(|(issuer, params)| Some((address(issuer)?, *params))).collect()
}

fn numbered(os: &Os, capabilities: &[(Written<'_>, &str)]) -> Vec<Capability> {
    capabilities.iter().map(|(issuer, params)| capability(os, issuer, params)).collect()
}

fn blob_of(with: &With<'_>) -> Option<Blob> {
    let bytes = with.blob.as_deref().or(with.mime.map(|_| ""))?;
    Some(Blob { mime: with.mime.map(Into::into), bytes: bytes.into() })
}

async fn bear(os: &Os, child: Child<'_>) -> Option<()> {
    let heirs = child.heirs.iter().map(|(to, body)| Some((address(to)?, body))).collect::<Option<Vec<_>>>()?;
    let wants = issuers(&child.wants)?;
    child.grants.iter().try_for_each(|(holder, _)| ProcessId::split(holder).map(|_| ()))?;
    // In the order in which a Wasm guest's call would be read.
    let last_words = |(to, body): &(Written<'_>, &String)| OnExitRequest {
        target: to.numbered(os),
        request: request(body),
        blob: None,
    };
    let on_exit = match (heirs.as_slice(), child.restart) {
        ([], false) => OnExit::None,
        ([], true) => OnExit::Restart,
        (heirs, _) => OnExit::Requests(heirs.iter().map(last_words).collect()),
    };
    let request_capabilities = numbered(os, &wants);
    let grant = |(holder, params): &(&str, &str)| -> (ProcessRef, ParamsRef) {
        os.with_names(|names| (names.process(holder), names.params(params)))
    };
    let grant_capabilities = child.grants.iter().map(grant).collect();
    let spawn = Spawn {
        name: child.name.map(Into::into),
        path: child.path.into(),
        on_exit,
        request_capabilities,
        grant_capabilities,
        public: child.public,
    };
    tell_of(os, os.spawn(spawn).await);
    Some(())
}

fn tell_of(os: &Os, spawned: Result<ProcessRef, SpawnError>) {
    match spawned {
        Ok(child) => {
            let child = os.with_names(|names| names.process_text(child).to_string());
            print(os, &format!("spawned {child}"));
        }
        Err(SpawnError::NameTaken) => print(os, "not spawned: name-taken"),
        Err(SpawnError::NoFileAtPath) => print(os, "not spawned: no-file-at-path"),
    }
}

fn words<const N: usize>(text: &str) -> Option<[&str; N]> {
    text.splitn(N, ' ').collect::<Vec<_>>().try_into().ok()
}

fn capability(os: &Os, issuer: &Written<'_>, params: &str) -> Capability {
    Capability { issuer: issuer.numbered(os), params: os.with_names(|names| names.params(params)) }
}

fn on_exit(os: &Os, text: &str) -> Option<OnExit> {
    match text {
        "none" => Some(OnExit::None),
        "restart" => Some(OnExit::Restart),
        _ => {
            let [to, body] = words(text.strip_prefix("requests ")?)?;
            let target = address(to)?.numbered(os);
            Some(OnExit::Requests([OnExitRequest { target, request: request(body), blob: None }].into()))
        }
    }
}

async fn raise(os: &Os, [name, path, end, issuer, params, holder, granted]: [&str; 7]) -> Option<()> {
    let (issuer, _) = (address(issuer)?, ProcessId::split(holder)?);
    let on_exit = match end {
        "none" => OnExit::None,
        "restart" => OnExit::Restart,
        _ => return None,
    };
    // In the order in which a Wasm guest's call would be read.
    let request_capabilities = vec![capability(os, &issuer, params)];
    let grant = os.with_names(|names| (names.process(holder), names.params(granted)));
    let child = Spawn {
        name: Some(name.into()),
        path: path.into(),
        on_exit,
        request_capabilities,
        grant_capabilities: vec![grant],
        public: false,
    };
    tell_of(os, os.spawn(child).await);
    Some(())
}

fn report(os: &Os, question: &str, answer: Result<String, SendErrorKind>) {
    match answer {
        Ok(body) => print(os, &format!("{question}: answered {body}")),
        Err(kind) => print(os, &format!("{question}: {}", reason(kind))),
    }
}

fn show(os: &Os, what: &str, bytes: Option<Bytes>) {
    match bytes {
        Some(bytes) => print(os, &format!("{what}: {}", text(&bytes))),
        None => print(os, &format!("{what}: none")),
    }
}

async fn print_capabilities(os: &Os) {
    let held = os.our_capabilities().await;
    let mut lines: Vec<String> = held
        .iter()
        .map(|held| {
            let params = os.with_names(|names| names.params_text(held.params).to_string());
            format!("capability: {} {params}", os.address_text(held.issuer))
        })
        .collect();
    lines.sort();
    for line in &lines {
        print(os, line);
    }
}

#[cfg(test)]
mod tests {
    use crate::guests::by_hand::{Life, print, respond};
    use kernel_core::{
        Answer, Blob, Call, Capability, OnExit, OnExitRequest, Outgoing, Request, Response, SendError, SendErrorKind,
        Spawn,
    };
    use sim::guest::{Reply, SPIN_QUANTUM, TrapReason, Turn};
    use std::rc::Rc;

    const RECEIVE: Turn = Turn::Call(Call::Receive);

    fn puppet() -> Life {
        let (life, first) = Life::begin("puppet");
        assert_eq!(first, (vec![], RECEIVE));
        life
    }

    fn send(outgoing: Outgoing) -> Call {
        Call::SendRequest(Rc::new(outgoing))
    }

    #[test]
    fn orders_are_carried_out_line_by_line() {
        let told = puppet().request("print one\r\n\nrespond two\n print three\nreturn\nprint four");
        assert_eq!(told, (vec![print("one"), respond("two")], Turn::Returned));
    }

    #[test]
    fn the_last_word_of_an_order_is_the_rest_of_its_line() {
        let mut life = puppet();
        let target = life.address("bob.os@puppet:demo:alice.os");
        let tell = |body: &str| {
            let request = Request { body: body.into(), ..Request::default() };
            (vec![send(Outgoing { target, request, context: None, blob: None })], RECEIVE)
        };
        assert_eq!(life.request("tell bob.os@puppet:demo:alice.os  print  this "), tell(" print  this "));
        assert_eq!(life.request("tell bob.os@puppet:demo:alice.os "), tell(""));
    }

    #[test]
    fn an_order_that_cannot_be_read_is_a_panic_and_names_nobody() {
        for order in [
            "dance",
            "tell new.os@x:y:z",
            "tell new.os@x:y print",
            "ask new.os@x:y:z soon print",
            "inherit new.os@x:y:z soon print",
            "pass new.os@x:y print",
            "note text new.os@x:y print",
            "hand-over nobody {} print",
            "spawn kid /path never new.os@x:y:z {} a:b:c {}",
            "spawn kid /path none new.os@x:y:z {} a:b",
            "give new.os@x:y:z nobody {} print",
            "claim new.os@x:y:z",
            "drop new.os@x:y:z",
            "on-exit requests new.os@x:y:z",
            "on-exit never",
            "grow 4294967296",
            "return ",
        ] {
            let mut life = puppet();
            let before = life.names.clone();
            let (calls, stop) = life.request(order);
            assert_eq!(calls, vec![], "{order}");
            let Turn::Trapped(trap) = stop else { panic!("{order}: {stop:?}") };
            assert_eq!((trap.reason, &*trap.text), (TrapReason::Unreachable, &*format!("unknown order: {order}")));
            assert_eq!(life.names, before, "{order}");
        }
    }

    #[test]
    fn a_question_has_itself_for_context() {
        let mut life = puppet();
        let target = life.address("our@kid:demo:alice.os");
        let request = Request { expects_response: Some(7), body: "well?".into(), ..Request::default() };
        let ask = Outgoing { target, request, context: Some("well?".into()), blob: None };
        assert_eq!(life.request("ask our@kid:demo:alice.os 7 well?"), (vec![send(ask)], RECEIVE));
        assert_eq!(life.response("yes", Some("well?")), (vec![print("well?: answered yes")], RECEIVE));
        assert_eq!(life.response("yes", None), (vec![print(": answered yes")], RECEIVE));
        assert_eq!(life.failure(SendErrorKind::Offline, Some("well?")), (vec![print("well?: offline")], RECEIVE));
    }

    #[test]
    fn a_question_may_inherit() {
        let mut life = puppet();
        let target = life.address("our@kid:demo:alice.os");
        let request = Request { inherit: true, expects_response: Some(7), body: "well?".into(), ..Request::default() };
        let ask = Outgoing { target, request, context: Some("well?".into()), blob: None };
        assert_eq!(life.request("inherit our@kid:demo:alice.os 7 well?"), (vec![send(ask)], RECEIVE));
    }

    #[test]
    fn an_awaited_answer_is_printed_before_the_next_order() {
        let mut life = puppet();
        let target = life.address("our@kid:demo:alice.os");
        let request = Request { expects_response: Some(7), body: "well?".into(), ..Request::default() };
        let question = Outgoing { target, request, context: None, blob: None };
        let asked = life.request("await our@kid:demo:alice.os 7 well?\nprint next");
        assert_eq!(asked, (vec![], Turn::Call(Call::SendAndAwaitResponse(Rc::new(question)))));
        let error = SendError { kind: SendErrorKind::Timeout, message: life.message_of_friend("well?") };
        let told = life.answer(Answer::Awaited(Err(error)));
        assert_eq!(told, (vec![print("well?: timeout"), print("next")], RECEIVE));
    }

    #[test]
    fn an_on_exit_request_expects_no_answer() {
        let mut life = puppet();
        let target = life.address("our@heir:demo:alice.os");
        let request = Request { body: "it is yours".into(), ..Request::default() };
        let value = OnExit::Requests([OnExitRequest { target, request, blob: None }].into());
        let told = life.request("on-exit requests our@heir:demo:alice.os it is yours\nprint-on-exit");
        assert_eq!(told, (vec![], Turn::Call(Call::SetOnExit(value.clone()))));
        assert_eq!(life.answer(Answer::Done), (vec![], Turn::Call(Call::GetOnExit)));
        assert_eq!(life.answer(Answer::OnExit(value)), (vec![print("on-exit: requests 1")], RECEIVE));
    }

    #[test]
    fn capabilities_are_printed_in_the_order_of_their_lines() {
        let mut life = puppet();
        let [late, early] = ["z:demo:alice.os", "a:demo:alice.os"].map(|id| life.address(&format!("our@{id}")));
        let json = life.names.params(r#"{"b": 1, "a": 2}"#);
        let held =
            vec![Capability::messaging(late), Capability { issuer: early, params: json }, Capability::messaging(early)];
        assert_eq!(life.request("print-capabilities"), (vec![], Turn::Call(Call::OurCapabilities)));
        let lines = [
            r#"capability: alice.os@a:demo:alice.os "messaging""#,
            r#"capability: alice.os@a:demo:alice.os {"a":2,"b":1}"#,
            r#"capability: alice.os@z:demo:alice.os "messaging""#,
        ];
        assert_eq!(life.answer(Answer::Capabilities(held)), (lines.map(print).to_vec(), RECEIVE));
    }

    #[test]
    fn a_gift_names_its_target_before_its_issuer() {
        let mut life = puppet();
        let (calls, stop) = life.request("give our@to:x:y our@issuer:x:y \"read\" here you are");
        let (target, issuer) = (life.address("our@to:x:y"), life.address("our@issuer:x:y"));
        assert!(target.process < issuer.process);
        let capabilities = vec![Capability { issuer, params: life.names.params("\"read\"") }];
        let request = Request { body: "here you are".into(), capabilities, ..Request::default() };
        assert_eq!(calls, vec![send(Outgoing { target, request, context: None, blob: None })]);
        assert_eq!(stop, RECEIVE);
    }

    #[test]
    fn what_is_kept_is_what_came_with_the_order() {
        let mut life = puppet();
        let right = Capability::messaging(life.address("our@kid:demo:alice.os"));
        assert_eq!(life.request_with("keep", &[right]), (vec![Call::SaveCapabilities(vec![right])], RECEIVE));
        let order = "claim our@kid:demo:alice.os \"messaging\"";
        assert_eq!(life.request(order), (vec![Call::SaveCapabilities(vec![right])], RECEIVE));
        let order = "drop our@kid:demo:alice.os \"messaging\"";
        assert_eq!(life.request(order), (vec![Call::DropCapabilities(vec![right])], RECEIVE));
    }

    #[test]
    fn a_child_is_spawned_with_what_it_asks_for_and_what_it_gives() {
        let mut life = puppet();
        let order = r#"spawn kid /demo:alice.os/pkg/kid.wasm restart our@vault:x:y "read" aunt:x:y "messaging""#;
        let (calls, stop) = life.request(order);
        let (issuer, aunt) = (life.address("our@vault:x:y"), life.address("our@aunt:x:y").process);
        assert!(issuer.process < aunt);
        let spawn = Spawn {
            name: Some("kid".into()),
            path: "/demo:alice.os/pkg/kid.wasm".into(),
            on_exit: OnExit::Restart,
            request_capabilities: vec![Capability { issuer, params: life.names.params("\"read\"") }],
            grant_capabilities: vec![(aunt, life.names.params("\"messaging\""))],
            public: false,
        };
        assert_eq!((calls, stop), (vec![], Turn::Call(Call::Spawn(Box::new(spawn)))));
        let kid = life.names.process("kid:demo:alice.os");
        assert_eq!(life.answer(Answer::Spawned(Ok(kid))), (vec![print("spawned kid:demo:alice.os")], RECEIVE));
    }

    #[test]
    fn a_right_can_be_handed_over_with_an_answer() {
        let mut life = puppet();
        let right = Capability::messaging(life.address("our@kid:demo:alice.os"));
        let answer = Response { body: "here you are".into(), capabilities: vec![right], ..Response::default() };
        let told = life.request(r#"hand-over our@kid:demo:alice.os "messaging" here you are"#);
        assert_eq!(told, (vec![Call::SendResponse(Rc::new((answer, None)))], RECEIVE));
    }

    #[test]
    fn a_request_is_passed_on_and_one_has_a_note() {
        let mut life = puppet();
        let target = life.address("our@kid:demo:alice.os");
        let passed = Request { inherit: true, body: "print it".into(), ..Request::default() };
        let noted = Request { metadata: Some("urgent".into()), body: "print it".into(), ..Request::default() };
        let calls = [passed, noted].map(|request| send(Outgoing { target, request, context: None, blob: None }));
        let told = life.request("pass our@kid:demo:alice.os print it\nnote urgent our@kid:demo:alice.os print it");
        assert_eq!(told, (calls.to_vec(), RECEIVE));
    }

    #[test]
    fn a_blob_goes_out_beside_the_body_and_is_printed_as_text() {
        let mut life = puppet();
        let target = life.address("our@kid:demo:alice.os");
        let request = Request { body: "look at this\nand say so&so".into(), ..Request::default() };
        let blob = Some(Blob { mime: None, bytes: "picture".into() });
        let told = life.request("blob picture our@kid:demo:alice.os look at this & and say so&so\nprint-blob");
        let calls = vec![send(Outgoing { target, request, context: None, blob })];
        assert_eq!(told, (calls, Turn::Call(Call::GetBlob)));
        let blob = Some(Blob { mime: None, bytes: [0xff, b'!'].as_slice().into() });
        assert_eq!(life.answer(Answer::Blob(blob)), (vec![print("blob: \u{fffd}!")], RECEIVE));
    }

    #[test]
    fn few_pages_are_grown_and_more_than_any_limit_refused() {
        let told = puppet().request("grow 0\ngrow 16\ngrow 65536");
        assert_eq!(told, (vec![print("grown"), print("grown"), print("refused")], RECEIVE));
    }

    #[test]
    fn a_spinning_puppet_computes_for_ever() {
        let mut life = puppet();
        assert_eq!(life.request("print round\nspin\nprint never"), (vec![print("round")], Turn::Busy(SPIN_QUANTUM)));
        assert_eq!(life.resume(Reply::Continue), (vec![], Turn::Busy(SPIN_QUANTUM)));
    }
}
