//! Who may do what.

use super::*;

/// Gives a process a capability of the module's.
fn grant(desk: &mut Desk<Kv>, who: &str, params: Value) {
    let target = desk.names.process(who);
    let params = desk.names.params(&params.to_string());
    let command = Command::Grant(target, vec![Capability { issuer: desk.address, params }]).to_body(&desk.names);
    let kernel = kernel_core::Address { process: ProcessRef::KERNEL, ..desk.address };
    let request = Request { body: command, ..Request::default() };
    desk.obey(Outgoing { target: kernel, request, context: None, blob: None });
}

fn right(kind: &str) -> Value {
    // Blanks and the order of keys do not count.
    json!({ "kind": kind, "db_key": [{ "publisher_node": "me.os", "package_name": "notes" }, "db"] })
}

#[test]
fn only_the_package_opens_and_removes() {
    let mut desk = kv();
    for action in ["Open", "RemoveDb"] {
        assert_eq!(desk.by(STRANGER).ask(body("db", json!(action))), refused("MismatchingPackageId"));
        assert_eq!(desk.by(SIBLING).ask(body("db", json!(action))), "Ok");
    }
}

#[test]
fn who_is_not_there_cannot_open() {
    let mut desk = Desk::new(ProcessRef::KV, Kv::new(&Setup::default()));
    assert_eq!(desk.by("gone:notes:me.os").ask(body("db", json!("Open"))), refused("AddCapFailed"));
    assert!(desk.ops.is_empty());
}

#[test]
fn without_its_right_nobody_does_anything_not_even_of_the_package() {
    let mut desk = kv();
    assert_eq!(desk.set("a", "one"), "Ok");
    let before = desk.disk.clone();
    for who in [SIBLING, STRANGER] {
        desk.by(who);
        assert_eq!(desk.get("a"), Err(refused("NoReadCap")));
        assert_eq!(desk.set("a", "two"), refused("NoWriteCap"));
        assert_eq!(desk.delete("a", None), refused("NoWriteCap"));
        assert_eq!(desk.ask(body("db", json!("BeginTx"))), refused("NoWriteCap"));
        assert_eq!(desk.commit(1), refused("NoWriteCap"));
        assert_eq!(desk.disk, before);
    }
    assert_eq!(desk.by(OWNER).get("a"), Ok("one".into()));
}

#[test]
fn to_read_is_one_right_and_to_write_another() {
    let mut desk = kv();
    grant(&mut desk, SIBLING, right("read"));
    assert_eq!(desk.by(SIBLING).get("a"), Err(refused("KeyNotFound")));
    assert_eq!(desk.set("a", "one"), refused("NoWriteCap"));
    grant(&mut desk, SIBLING, right("write"));
    assert_eq!(desk.by(SIBLING).set("a", "one"), "Ok");
    assert_eq!(desk.get("a"), Ok("one".into()));
    assert_eq!(desk.get_in("other", "a"), Err(refused("NoReadCap")), "of one database");
}

#[test]
fn rights_outlive_the_node_and_the_database_is_made_when_it_is_first_used() {
    let mut desk = kv();
    desk.crash();
    assert_eq!(desk.set("a", "one"), "Ok");
    let mut desk = Desk::new(ProcessRef::KV, Kv::new(&Setup::default()));
    grant(&mut desk, OWNER, right("read"));
    assert_eq!(desk.get("a"), Err(refused("KeyNotFound")), "there was nothing to open");
}

#[test]
fn other_nodes_and_responses_are_not_heard() {
    let mut desk = kv();
    let text = body("db", json!("RemoveDb")).to_string();
    let mut response = desk.request(&text, None);
    response.content = Content::Response(kernel_core::Response { body: text.as_bytes().into(), ..Default::default() });
    let remote = desk.by_another_node().request(&text, None);
    for message in [response, remote] {
        desk.tell(crate::modules::Heard::Message(Rc::new(message)));
        assert!(desk.replies.is_empty() && desk.ops.is_empty());
    }
}
