//! Does what it is told: each line of a request's body is an order, carried out in turn.
//!
//! Calls: `receive`, then those of the message, and so on. Capitals stand for words without
//! blanks, parted by single blanks; the last of them in an order is the rest of its line and may
//! be empty. An ADDRESS is `node@process:package:publisher`. Requests, orders and what they call:
//!
//! - `return`: returns; `panic TEXT`: panics with TEXT; `spin`: loops for ever;
//! - `print TEXT`: `print-to-terminal`;
//! - `respond TEXT`: `send-response`;
//! - `hand-over CAP-ISSUER CAP-PARAMS TEXT`: `send-response` with that one capability attached;
//! - `tell ADDRESS BODY`: `send-request`, no answer expected, no context;
//! - `ask ADDRESS SECS BODY`: `send-request`, answer expected within SECS, context BODY;
//! - `inherit ADDRESS SECS BODY`: as `ask`, but the request inherits;
//! - `pass ADDRESS BODY`: as `tell`, but the request inherits;
//! - `note METADATA ADDRESS BODY`: as `tell`, with METADATA;
//! - `await ADDRESS SECS BODY`: `send-and-await-response`, `print-to-terminal` of
//!   `BODY: answered X`, `BODY: timeout` or `BODY: offline`;
//! - `on-exit none`, `on-exit restart`, `on-exit requests ADDRESS BODY` (one request, no answer
//!   expected): `set-on-exit`;
//! - `print-on-exit`: `get-on-exit`, `print-to-terminal` of `on-exit: none`, `on-exit: restart` or
//!   `on-exit: requests N`;
//! - `save-state TEXT`: `set-state`; `clear-state`: `clear-state`;
//! - `print-state`: `get-state`, `print-to-terminal` of `state: TEXT` or `state: none`;
//! - `print-capabilities`: `our-capabilities`, then for each, sorted by the line's bytes,
//!   `print-to-terminal` of `capability: <issuer address> <params>`;
//! - `give ADDRESS CAP-ISSUER CAP-PARAMS BODY`: `send-request` with that one capability attached,
//!   no answer expected, no context;
//! - `keep`: `save-capabilities` of those attached to the request that holds the order;
//! - `claim CAP-ISSUER CAP-PARAMS`: `save-capabilities` of that one;
//! - `drop CAP-ISSUER CAP-PARAMS`: `drop-capabilities` of that one;
//! - `spawn NAME PATH ON-EXIT CAP-ISSUER CAP-PARAMS ID PARAMS`: `spawn` of a child that is not public,
//!   asks for that one capability and grants the process ID one of its own, with PARAMS; ON-EXIT is
//!   `none` or `restart`; `print-to-terminal` of `spawned <process id>`, `not spawned: name-taken` or
//!   `not spawned: no-file-at-path`;
//! - `grow PAGES`: `print-to-terminal` of `grown` or `refused`;
//! - `blob TEXT ADDRESS BODY`: as `tell`, with a blob of TEXT without a mime type; each ` & ` of
//!   BODY becomes a line break, so that it may hold several orders;
//! - `print-blob`: `get-blob`, `print-to-terminal` of `blob: TEXT` or `blob: none`;
//! - `print-last-blob`: `last-blob`, `print-to-terminal` of `last blob: TEXT` or `last blob: none`;
//! - `send ITEM`: `send-request`, where an ITEM is `OPTIONS ADDRESS BODY` (the options: `orders`);
//! - `send-all ITEM & ITEM & …`: `send-requests`;
//! - `call ITEM`: `send-and-await-response` for 5 s, unless `-expects` says otherwise;
//!   `print-to-terminal` of `called: answered X`, `called: timeout` or `called: offline`; `$tx` in
//!   its body is the number of the transaction that an earlier answer told;
//! - `answer OPTIONS BODY`: `send-response`;
//! - `end none`, `end restart`, `end requests ITEM & ITEM & …`: `set-on-exit`;
//! - `child OPTIONS NAME PATH`: `spawn`, and what comes of it as for `spawn`; NAME is `-` for none;
//! - `our`: `our`, `print-to-terminal` of `our: ADDRESS`;
//! - `has-blob`: `has-blob`, `print-to-terminal` of `has a blob: true` or `false`;
//! - an empty line: nothing;
//! - any other order, or one whose words cannot be read: panics with `unknown order: <line>`.
//!
//! A response: `print-to-terminal` of `CONTEXT: answered X`. A send error: `print-to-terminal` of
//! `CONTEXT: timeout` or `CONTEXT: offline`. If the context is `do ORDER`, that is carried out
//! instead. What `keep` saves came with the latest request, response or answer to a `call`.

mod orders;

use orders::{Child, End, Item, With};
use process::{
    Address, Capability, Event, Guest, LazyLoadBlob, Message, OnExit, ProcessId, Request, Response,
    SendErrorKind, SpawnError, address, ask, await_answer, clear_state, drop_capabilities,
    get_blob, get_on_exit, get_state, has_blob, last_blob, next, our, our_capabilities, print,
    process_id, reason, request, respond, save_capabilities, send_and_await_response, send_request,
    send_requests, send_response, set_on_exit, set_state, spawn, tell, text,
};

struct Puppet;

/// What a puppet remembers within its life.
#[derive(Default)]
struct Memory {
    /// The capabilities that came with the latest message.
    attached: Vec<Capability>,
    /// The number of the transaction that was begun last.
    transaction: String,
}

impl Guest for Puppet {
    fn init(_our: String) {
        let mut memory = Memory::default();
        loop {
            let (orders, attached) = match next() {
                Event::Request {
                    body, capabilities, ..
                } => (body, capabilities),
                Event::Response {
                    body,
                    context,
                    capabilities,
                    ..
                } => match context.strip_prefix("do ") {
                    Some(order) => (order.to_string(), capabilities),
                    None => {
                        report(&context, Ok(body));
                        continue;
                    }
                },
                Event::Failure { kind, context } => match context.strip_prefix("do ") {
                    Some(order) => (order.to_string(), Vec::new()),
                    None => {
                        report(&context, Err(kind));
                        continue;
                    }
                },
            };
            memory.attached = attached;
            for line in orders.lines() {
                if line == "return" {
                    return;
                }
                carry_out(line, &mut memory).unwrap_or_else(|| panic!("unknown order: {line}"));
            }
        }
    }
}

/// `None`: the order cannot be understood, and nothing was done.
fn carry_out(line: &str, memory: &mut Memory) -> Option<()> {
    let (order, rest) = line.split_once(' ').unwrap_or((line, ""));
    match order {
        "" => {}
        "panic" => panic!("{rest}"),
        "spin" => loop {
            std::hint::spin_loop();
        },
        "print" => print(rest),
        "respond" => respond(rest),
        "hand-over" => {
            let [issuer, params, body] = words(rest)?;
            let response = Response {
                inherit: false,
                body: body.into(),
                metadata: None,
                capabilities: vec![capability(issuer, params)?],
            };
            send_response(&response, None);
        }
        "tell" => {
            let [to, body] = words(rest)?;
            tell(&address(to)?, body);
        }
        "ask" => {
            let [to, seconds, body] = words(rest)?;
            ask(&address(to)?, seconds.parse().ok()?, body, body);
        }
        "inherit" => {
            let [to, seconds, body] = words(rest)?;
            let request = Request {
                inherit: true,
                expects_response: Some(seconds.parse().ok()?),
                ..request(body)
            };
            send_request(&address(to)?, &request, Some(body.as_bytes()), None);
        }
        "pass" => {
            let [to, body] = words(rest)?;
            let request = Request {
                inherit: true,
                ..request(body)
            };
            send_request(&address(to)?, &request, None, None);
        }
        "note" => {
            let [metadata, to, body] = words(rest)?;
            let request = Request {
                metadata: Some(metadata.into()),
                ..request(body)
            };
            send_request(&address(to)?, &request, None, None);
        }
        "await" => {
            let [to, seconds, body] = words(rest)?;
            report(
                body,
                await_answer(&address(to)?, seconds.parse().ok()?, body),
            );
        }
        "on-exit" => set_on_exit(&on_exit(rest)?),
        "print-on-exit" => match get_on_exit() {
            OnExit::None => print("on-exit: none"),
            OnExit::Restart => print("on-exit: restart"),
            OnExit::Requests(requests) => print(&format!("on-exit: requests {}", requests.len())),
        },
        "save-state" => set_state(rest.as_bytes()),
        "clear-state" => clear_state(),
        "print-state" => show("state", get_state()),
        "print-capabilities" => print_capabilities(),
        "give" => {
            let [to, issuer, params, body] = words(rest)?;
            let gift = vec![capability(issuer, params)?];
            send_request(
                &address(to)?,
                &Request {
                    capabilities: gift,
                    ..request(body)
                },
                None,
                None,
            );
        }
        "keep" => save_capabilities(&memory.attached),
        "claim" => {
            let [issuer, params] = words(rest)?;
            save_capabilities(&[capability(issuer, params)?]);
        }
        "drop" => {
            let [issuer, params] = words(rest)?;
            drop_capabilities(&[capability(issuer, params)?]);
        }
        "spawn" => raise(words(rest)?)?,
        "grow" => print(if grow(rest.parse().ok()?) {
            "grown"
        } else {
            "refused"
        }),
        "blob" => {
            let [blob, to, body] = words(rest)?;
            let blob = LazyLoadBlob {
                mime: None,
                bytes: blob.into(),
            };
            let body = body.replace(" & ", "\n");
            send_request(&address(to)?, &request(&body), None, Some(&blob));
        }
        "send" => {
            let out = outgoing(orders::item(rest)?)?;
            send_request(&out.0, &out.1, out.2.as_deref(), out.3.as_ref());
        }
        "send-all" => {
            let list: Vec<Outgoing> = orders::items(rest)?
                .into_iter()
                .map(outgoing)
                .collect::<Option<_>>()?;
            send_requests(&list);
        }
        "call" => {
            let mut item = orders::item(rest)?;
            item.with.expects.get_or_insert(5);
            let (to, mut request, _, blob) = outgoing(item)?;
            let body = text(&request.body).replace("$tx", &memory.transaction);
            request.body = body.into_bytes();
            let answer = match send_and_await_response(&to, &request, blob.as_ref()) {
                Ok((_, Message::Request(answer))) => {
                    memory.attached = answer.capabilities;
                    Ok(text(&answer.body))
                }
                Ok((_, Message::Response((answer, _)))) => {
                    memory.attached = answer.capabilities;
                    Ok(text(&answer.body))
                }
                Err(error) => Err(error.kind),
            };
            if let Some(number) = answer.as_deref().ok().and_then(orders::transaction) {
                memory.transaction = number.to_string();
            }
            report("called", answer);
        }
        "answer" => {
            let (with, body) = orders::with(rest)?;
            let response = Response {
                inherit: with.inherit,
                body: body.into(),
                capabilities: capabilities(&with.capabilities)?,
                metadata: with.metadata.clone(),
            };
            send_response(&response, blob_of(&with).as_ref());
        }
        "end" => set_on_exit(&match orders::end(rest)? {
            End::None => OnExit::None,
            End::Restart => OnExit::Restart,
            End::Requests(items) => OnExit::Requests(
                items
                    .into_iter()
                    .map(|item| outgoing(item).map(|(to, request, _, blob)| (to, request, blob)))
                    .collect::<Option<_>>()?,
            ),
        }),
        "child" => bear(orders::child(rest)?)?,
        "our" => print(&format!("our: {}", our())),
        "has-blob" => print(&format!("has a blob: {}", has_blob())),
        "print-blob" => show("blob", get_blob().map(|blob| blob.bytes)),
        "print-last-blob" => show("last blob", last_blob().map(|blob| blob.bytes)),
        _ => return None,
    }
    Some(())
}

/// What one of `send-requests` is.
type Outgoing = (Address, Request, Option<Vec<u8>>, Option<LazyLoadBlob>);

fn outgoing(item: Item<'_>) -> Option<Outgoing> {
    let with = item.with;
    let to = address(item.to)?;
    let request = Request {
        inherit: with.inherit,
        expects_response: with.expects,
        body: item.body.into(),
        metadata: with.metadata.clone(),
        capabilities: capabilities(&with.capabilities)?,
    };
    let blob = blob_of(&with);
    Some((to, request, with.context.map(String::into_bytes), blob))
}

fn capabilities(list: &[(&str, &str)]) -> Option<Vec<Capability>> {
    list.iter()
        .map(|(issuer, params)| capability(issuer, params))
        .collect()
}

fn blob_of(with: &With<'_>) -> Option<LazyLoadBlob> {
    let bytes = with.blob.as_deref().or(with.mime.map(|_| ""))?;
    Some(LazyLoadBlob {
        mime: with.mime.map(str::to_string),
        bytes: bytes.into(),
    })
}

fn bear(child: Child<'_>) -> Option<()> {
    let heirs: Vec<_> = child
        .heirs
        .iter()
        .map(|(to, body)| Some((address(to)?, request(body), None)))
        .collect::<Option<_>>()?;
    let end = match (heirs.is_empty(), child.restart) {
        (true, false) => OnExit::None,
        (true, true) => OnExit::Restart,
        (false, _) => OnExit::Requests(heirs),
    };
    let wants = capabilities(&child.wants)?;
    let grants: Vec<_> = child
        .grants
        .iter()
        .map(|(holder, params)| Some((process_id(holder)?, params.to_string())))
        .collect::<Option<_>>()?;
    tell_of(spawn(
        child.name,
        child.path,
        &end,
        &wants,
        &grants,
        child.public,
    ));
    Some(())
}

fn tell_of(spawned: Result<ProcessId, SpawnError>) {
    match spawned {
        Ok(child) => print(&format!("spawned {child}")),
        Err(SpawnError::NameTaken) => print("not spawned: name-taken"),
        Err(SpawnError::NoFileAtPath) => print("not spawned: no-file-at-path"),
    }
}

fn words<const N: usize>(text: &str) -> Option<[&str; N]> {
    text.splitn(N, ' ').collect::<Vec<_>>().try_into().ok()
}

fn capability(issuer: &str, params: &str) -> Option<Capability> {
    Some(Capability {
        issuer: address(issuer)?,
        params: params.into(),
    })
}

fn on_exit(text: &str) -> Option<OnExit> {
    match text {
        "none" => Some(OnExit::None),
        "restart" => Some(OnExit::Restart),
        _ => {
            let [to, body] = words(text.strip_prefix("requests ")?)?;
            Some(OnExit::Requests(vec![(address(to)?, request(body), None)]))
        }
    }
}

fn raise([name, path, end, issuer, params, holder, granted]: [&str; 7]) -> Option<()> {
    let wanted = [capability(issuer, params)?];
    let grants = [(process_id(holder)?, granted.to_string())];
    let end = match end {
        "none" => OnExit::None,
        "restart" => OnExit::Restart,
        _ => return None,
    };
    tell_of(spawn(Some(name), path, &end, &wanted, &grants, false));
    Some(())
}

fn report(question: &str, answer: Result<String, SendErrorKind>) {
    match answer {
        Ok(body) => print(&format!("{question}: answered {body}")),
        Err(kind) => print(&format!("{question}: {}", reason(kind))),
    }
}

fn show(what: &str, bytes: Option<Vec<u8>>) {
    match bytes {
        Some(bytes) => print(&format!("{what}: {}", text(&bytes))),
        None => print(&format!("{what}: none")),
    }
}

fn print_capabilities() {
    let held = our_capabilities();
    let mut lines: Vec<String> = held
        .iter()
        .map(|c| format!("capability: {} {}", c.issuer, c.params))
        .collect();
    lines.sort();
    for line in &lines {
        print(line);
    }
}

fn grow(pages: usize) -> bool {
    core::arch::wasm32::memory_grow(0, pages) != usize::MAX
}

process::export!(Puppet);
