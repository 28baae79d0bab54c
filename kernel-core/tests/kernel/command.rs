//! Commands as text.

use kernel_core::command::Command;
use kernel_core::{Names, OnExit};
use serde_json::{Value, json};

#[test]
fn a_body_that_is_no_command_says_where_it_fails() {
    let mut names = Names::new();
    let our = names.node("a.os");
    let error = Command::parse(br#"{"KillProcess":"nobody"}"#, &mut names, our).expect_err("two colons are missing");
    let says = "not a kernel command: `nobody` is not a process id: it has the form process:package:publisher";
    assert_eq!(error.to_string(), says);
}

/// An initialize that has all of its fields.
fn initialize() -> Value {
    let capability = json!({ "issuer": "a.os@q:demo:a.os", "params": "1" });
    let request = json!({
        "inherit": false, "expects_response": null, "body": [1], "metadata": null, "capabilities": [[capability, [7]]],
    });
    json!({
        "id": "p:demo:a.os", "wasm_bytes_handle": "", "wit_version": 1,
        "on_exit": { "Requests": [["our@q:demo:a.os", request, null]] },
        "initial_capabilities": [capability], "public": false,
    })
}

fn parse(fields: &Value) -> Option<Command> {
    let mut names = Names::new();
    let our = names.node("a.os");
    let body = json!({ "InitializeProcess": fields }).to_string();
    Command::parse(body.as_bytes(), &mut names, our).ok()
}

/// Seen in Hyperdrive: what is no `Option` in the kernel's own type must be there.
#[test]
fn a_command_without_a_field_that_the_real_kernel_needs_is_not_understood() {
    assert!(parse(&initialize()).is_some());
    let request = |field: &'static str| format!("/on_exit/Requests/0/1#{field}");
    let needed =
        ["wasm_bytes_handle", "on_exit", "initial_capabilities", "public", "id"].map(|field| format!("#{field}"));
    let needed = needed.into_iter().chain(["inherit", "body", "capabilities"].map(request)).map(|place| (place, false));
    let optional =
        ["#wit_version".to_string(), request("expects_response"), request("metadata")].map(|place| (place, true));
    for (place, understood) in needed.chain(optional) {
        let (pointer, field) = place.split_once('#').expect("it was written so");
        let mut fields = initialize();
        let of = fields.pointer_mut(pointer).and_then(Value::as_object_mut).expect("it is there");
        assert!(of.remove(field).is_some(), "{place}");
        assert_eq!(parse(&fields).is_some(), understood, "{place}");
    }
    let mut fields = initialize();
    fields["colour"] = json!("red");
    assert!(parse(&fields).is_some(), "unknown fields are ignored");
}

/// Seen in Hyperdrive: `initial_capabilities` are plain, a request's have a signature beside them.
#[test]
fn capabilities_have_a_signature_in_requests_and_nowhere_else() {
    let mut fields = initialize();
    let plain = fields["initial_capabilities"][0].clone();
    fields["initial_capabilities"][0] = json!([plain, []]);
    assert_eq!(parse(&fields), None);
    let mut fields = initialize();
    fields["on_exit"]["Requests"][0][1]["capabilities"][0] = plain;
    assert_eq!(parse(&fields), None);
}

/// Seen in Hyperdrive.
#[test]
fn our_is_this_node_as_a_target_and_nobody_as_an_issuer() {
    let mut fields = initialize();
    fields["initial_capabilities"][0]["issuer"] = json!("our@q:demo:a.os");
    let Some(Command::Initialize(init)) = parse(&fields) else { panic!("it is understood") };
    let OnExit::Requests(requests) = &init.on_exit else { panic!("they were given") };
    let our = Names::new().node("a.os");
    assert_eq!(requests[0].target.node, our);
    assert_eq!(requests[0].request.capabilities[0].issuer.node, our);
    assert_ne!(init.initial_capabilities[0].issuer.node, our);
}

#[test]
fn a_command_is_read_as_it_was_written() {
    let mut names = Names::new();
    let our = names.node("a.os");
    let body = json!({ "InitializeProcess": initialize() }).to_string();
    let command = Command::parse(body.as_bytes(), &mut names, our).expect("it is understood");
    assert_eq!(Command::parse(&command.to_body(&names), &mut names, our), Ok(command));
}
