//! The table of what each runtime module can be asked for is that of the public runtime, action by action.

use kernel_core::Names;
use sim::modules::{Support, actions};
use std::collections::BTreeMap;

/// The actions of the public runtime's modules, by hand: from `lib/src/{vfs,kv,sqlite,state,timer,eth,net,fd_manager}.rs`
/// and `lib/src/http/*_types.rs`. A `!` says that the simulator refuses it.
const ACTIONS: &[(&str, &str)] = &[
    (
        "vfs",
        "CreateDrive CreateDir CreateDirAll CreateFile OpenFile CloseFile Write WriteAll Append SyncAll SetLen \
         RemoveFile RemoveDir RemoveDirAll AddZip Rename CopyFile Read ReadToEnd ReadExact ReadToString Seek ReadDir \
         Metadata Len Hash",
    ),
    ("state", "GetState! SetState! DeleteState! Backup!"),
    ("timer", "SetTimer Debug"),
    ("kv", "Open RemoveDb Set Delete Get BeginTx Commit"),
    ("sqlite", "Open RemoveDb Write Query BeginTx Commit"),
    (
        "eth",
        "Request SubscribeLogs UnsubscribeLogs AddProvider! RemoveProvider! SetPublic! SetPrivate! AllowNode! \
         UnallowNode! DenyNode! UndenyNode! SetProviders! GetProviders! GetAccessSettings GetState \
         logs newHeads newPendingTransactions! syncing! eth_blockNumber eth_chainId eth_getBlockByHash \
         eth_getBlockByNumber eth_getLogs eth_getBalance eth_sendRawTransaction! eth_call! eth_getTransactionReceipt! \
         eth_getTransactionCount eth_estimateGas! eth_getTransactionByHash! eth_getCode eth_getStorageAt! \
         eth_gasPrice eth_accounts eth_hashrate eth_subscribe! eth_unsubscribe!",
    ),
    (
        "http-server",
        "Bind SecureBind Unbind WebSocketBind WebSocketSecureBind WebSocketUnbind WebSocketPush \
         WebSocketExtPushOutgoing! WebSocketClose",
    ),
    ("http-client", "Http WebSocketOpen WebSocketPush WebSocketClose"),
    (
        "net",
        "Sign Verify GetPeers GetPeer GetDiagnostics ConnectionRequest KnsUpdate! KnsBatchUpdate! HnsUpdate! \
         HnsBatchUpdate!",
    ),
    (
        "fd-manager",
        "RequestFdsLimit FdsLimitHit GetState GetProcessFdLimit UpdateMaxFdsAsFractionOfUlimitPercentage \
         UpdateUpdateUlimitSecs UpdateCullFractionDenominator",
    ),
];

#[test]
fn every_action_of_the_public_runtime_is_done_or_refused() {
    let names = Names::new();
    let table: BTreeMap<String, Vec<String>> = actions()
        .into_iter()
        .map(|(id, actions)| {
            let name = names.process_id(id).process.to_string();
            let marked = actions.iter().map(|(action, support)| match support {
                Support::Done => action.to_string(),
                Support::Refused => format!("{action}!"),
            });
            let mut marked: Vec<String> = marked.collect();
            marked.sort();
            (name, marked)
        })
        .collect();
    for (module, actions) in ACTIONS {
        let mut expected: Vec<String> = actions.split_whitespace().map(str::to_string).collect();
        expected.sort();
        assert_eq!(table.get(*module), Some(&expected), "{module}");
    }
    let unlisted: Vec<_> = table.keys().filter(|name| ACTIONS.iter().all(|(module, _)| module != name)).collect();
    assert!(unlisted.is_empty(), "{unlisted:?} stand in no line above");
}
