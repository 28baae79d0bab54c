//! Who may do what.

use super::*;

/// Gives a process a capability of the module's.
fn grant(harness: &mut Harness<Kv>, who: &str, params: Value) {
    let target = harness.names.process(who);
    let params = harness.names.params(&params.to_string());
    let command = Command::Grant(target, vec![Capability { issuer: harness.address, params }]).to_body(&harness.names);
    let kernel = kernel_core::Address { process: ProcessRef::KERNEL, ..harness.address };
    let request = Request { body: command, ..Request::default() };
    harness.obey(Outgoing { target: kernel, request, context: None, blob: None });
}

fn right(kind: &str) -> Value {
    // Blanks and the order of keys do not count.
    json!({ "kind": kind, "db_key": [{ "publisher_node": "me.os", "package_name": "notes" }, "db"] })
}

#[test]
fn only_the_package_opens_and_removes() {
    let mut harness = kv();
    for action in ["Open", "RemoveDb"] {
        assert_eq!(harness.by(STRANGER).ask(body("db", json!(action))), refused("MismatchingPackageId"));
        assert_eq!(harness.by(SIBLING).ask(body("db", json!(action))), "Ok");
    }
}

#[test]
fn who_is_not_there_cannot_open() {
    let mut harness = Harness::new(ProcessRef::KV, Kv::new(&Setup::default()));
    assert_eq!(harness.by("gone:notes:me.os").ask(body("db", json!("Open"))), refused("AddCapFailed"));
    assert!(harness.ops.is_empty());
}

#[test]
fn without_its_right_nobody_does_anything_not_even_of_the_package() {
    let mut harness = kv();
    assert_eq!(harness.set("a", "one"), "Ok");
    let before = harness.disk.clone();
    for who in [SIBLING, STRANGER] {
        harness.by(who);
        assert_eq!(harness.get("a"), Err(refused("NoReadCap")));
        assert_eq!(harness.set("a", "two"), refused("NoWriteCap"));
        assert_eq!(harness.delete("a", None), refused("NoWriteCap"));
        assert_eq!(harness.ask(body("db", json!("BeginTx"))), refused("NoWriteCap"));
        assert_eq!(harness.commit(1), refused("NoWriteCap"));
        assert_eq!(harness.disk, before);
    }
    assert_eq!(harness.by(OWNER).get("a"), Ok("one".into()));
}

#[test]
fn to_read_is_one_right_and_to_write_another() {
    let mut harness = kv();
    grant(&mut harness, SIBLING, right("read"));
    assert_eq!(harness.by(SIBLING).get("a"), Err(refused("KeyNotFound")));
    assert_eq!(harness.set("a", "one"), refused("NoWriteCap"));
    grant(&mut harness, SIBLING, right("write"));
    assert_eq!(harness.by(SIBLING).set("a", "one"), "Ok");
    assert_eq!(harness.get("a"), Ok("one".into()));
    assert_eq!(harness.get_in("other", "a"), Err(refused("NoReadCap")), "of one database");
}

#[test]
fn rights_outlive_the_node_and_the_database_is_made_when_it_is_first_used() {
    let mut harness = kv();
    harness.crash();
    assert_eq!(harness.set("a", "one"), "Ok");
    let mut harness = Harness::new(ProcessRef::KV, Kv::new(&Setup::default()));
    grant(&mut harness, OWNER, right("read"));
    assert_eq!(harness.get("a"), Err(refused("KeyNotFound")), "there was nothing to open");
}

#[test]
fn other_nodes_and_responses_are_not_heard() {
    let mut harness = kv();
    let text = body("db", json!("RemoveDb")).to_string();
    let mut response = harness.request(&text, None);
    response.content = Content::Response(kernel_core::Response { body: text.as_bytes().into(), ..Default::default() });
    let remote = harness.by_another_node().request(&text, None);
    for message in [response, remote] {
        harness.tell(crate::modules::Heard::Message(Rc::new(message)));
        assert!(harness.replies.is_empty() && harness.ops.is_empty());
    }
}
