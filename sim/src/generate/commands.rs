//! Kernel commands, as JSON: what a process or the owner may send to a kernel.

use super::cast::{KERNEL, NETWORK, PARAMS};
use super::writer::Writer;
use crate::scenario::OnExit;
use serde_json::json;

impl Writer<'_> {
    /// The id that a command is about.
    fn target_id(&mut self, node: &str) -> String {
        match &self.focus {
            Some(focus) if focus.node == node && self.draws.percent(60) => focus.process.clone(),
            _ => self.cast.id(self.draws),
        }
    }

    /// Who issues a capability, with its node: a command's `our@…` would match nothing.
    fn issuer(&mut self, node: &str) -> String {
        let address = self.cast.address(self.draws, node);
        match address.strip_prefix("our@") {
            Some(process) => format!("{node}@{process}"),
            None => address,
        }
    }

    /// Any command, as somebody on this node would write it.
    pub(super) fn command(&mut self, node: &str) -> String {
        let id = self.target_id(node);
        let capability = |writer: &mut Writer<'_>| {
            if writer.draws.one_in(8) {
                return json!({ "issuer": format!("{node}@{KERNEL}"), "params": NETWORK });
            }
            let issuer = writer.issuer(node);
            json!({ "issuer": issuer, "params": writer.draws.pick(&PARAMS) })
        };
        match self.draws.below(27) {
            0..5 => json!({ "KillProcess": id }).to_string(),
            5..8 => json!({ "RunProcess": id }).to_string(),
            8..11 => self.initialize_json(node),
            11..14 => {
                let list = [capability(self), capability(self)];
                json!({ "GrantCapabilities": { "target": id, "capabilities": list } }).to_string()
            }
            14..17 => {
                let list = [capability(self)];
                json!({ "DropCapabilities": { "target": id, "capabilities": list } }).to_string()
            }
            17..21 => json!({ "SetOnExit": { "target": id, "on_exit": self.on_exit_json(node) } }).to_string(),
            21..25 => json!({ "Debug": { "Process": id } }).to_string(),
            25 => match self.draws.below(4) {
                0 => r#"{"Debug":"ProcessMap"}"#.to_string(),
                1 => r#""Booted""#.to_string(),
                2 => r#"{"Nonsense":1}"#.to_string(),
                _ => json!({ "Debug": { "HasCap": { "on": id, "cap": capability(self) } } }).to_string(),
            },
            _ => match self.draws.below(6) {
                0 => r#""Shutdown""#.to_string(),
                _ => json!({ "KillProcess": id }).to_string(),
            },
        }
    }

    fn on_exit_json(&mut self, node: &str) -> serde_json::Value {
        match self.on_exit(node) {
            OnExit::None => json!("None"),
            OnExit::Restart => json!("Restart"),
            OnExit::Requests(list) => {
                let mut requests = Vec::new();
                for (target, body) in list {
                    let expects = self.draws.one_in(4).then_some(3);
                    let mut capabilities = vec![];
                    if self.draws.one_in(3) {
                        let issuer = self.issuer(node);
                        capabilities.push(json!([{ "issuer": issuer, "params": self.draws.pick(&PARAMS) }, []]));
                    }
                    let mime = if self.draws.one_in(2) { json!("text/plain") } else { json!(null) };
                    let blob = if self.draws.one_in(2) { json!({ "mime": mime, "bytes": [98] }) } else { json!(null) };
                    let request = json!({
                        "inherit": self.draws.one_in(5), "expects_response": expects, "body": body.as_bytes(),
                        "metadata": null, "capabilities": capabilities,
                    });
                    requests.push(json!([target, request, blob]));
                }
                json!({ "Requests": requests })
            }
        }
    }

    pub(super) fn initialize_json(&mut self, node: &str) -> String {
        let id = self.target_id(node);
        let mut capabilities = vec![];
        while self.draws.percent(45) {
            let issuer = self.issuer(node);
            capabilities.push(json!({ "issuer": issuer, "params": self.draws.pick(&PARAMS) }));
        }
        let on_exit = self.on_exit_json(node);
        json!({
            "InitializeProcess": {
                "id": id, "wasm_bytes_handle": "", "wit_version": 1, "on_exit": on_exit,
                "initial_capabilities": capabilities, "public": self.draws.one_in(2),
            }
        })
        .to_string()
    }
}
