//! Commands as text.

use kernel_core::Names;
use kernel_core::command::Command;

#[test]
fn a_body_that_is_no_command_says_where_it_fails() {
    let mut names = Names::new();
    let our = names.node("a.os");
    let error = Command::parse(br#"{"KillProcess":"nobody"}"#, &mut names, our).expect_err("two colons are missing");
    let says = "not a kernel command: `nobody` is not a process id: it has the form process:package:publisher";
    assert_eq!(error.to_string(), says);
}
