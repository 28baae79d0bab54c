//! Processes that every node of the public runtime has and no node here, unless a scenario brings them: userspace of the
//! packages that come with a node, and a runtime module of Hyperdrive 1.9.
//!
//! A message to one is a message to nobody (E11): dropped, and a request that expects an answer times out at once. A
//! `check` tells who would have been answered on a real node; its workload can bring a stub. If it was a module of
//! the runtime, the verdict stays open.

use kernel_core::ProcessId;

/// Each with what it would answer, and what it would do without an answer. From the `api/*.wit` and main sources of the
/// packages, and `lib/src/notifications.rs` of Hyperdrive 1.9.
pub const PROCESSES: &[(&str, &str, &str)] = &[
    ("homepage:homepage:sys", "GetApps GetPushSubscription", "Add Remove RemoveOther SetStylesheet"),
    ("contacts:contacts:sys", "GetNames GetAllContacts GetContact AddContact AddField RemoveContact RemoveField", ""),
    ("main:app-store:sys", "NewPackage Install Uninstall Apis GetApi", ""),
    ("kns-indexer:kns-indexer:sys", "NamehashToName NodeInfo GetState Reset", ""),
    ("hns-indexer:hns-indexer:sys", "NamehashToName NodeInfo GetState Reset", ""),
    ("hypermap-cacher:hypermap-cacher:sys", "GetLogsByRange", ""),
    ("terminal:terminal:sys", "EditAlias", ""),
    (
        "notifications:distro:sys",
        "GetPublicKey InitializeKeys SendNotification AddSubscription RemoveSubscription ClearSubscriptions \
         GetSubscription",
        "",
    ),
];

/// Whether a process is one of those: whatever comes with a node is of the publisher `sys`, or, before 1.0, of the package
/// `sys`.
pub fn is_absent(process: ProcessId<'_>) -> bool {
    process.publisher == "sys" || process.package == "sys"
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_core::{Names, ProcessRef};

    #[test]
    fn what_is_absent_is_of_sys_and_no_module_of_this_simulator() {
        let mut names = Names::new();
        for (process, answered, _) in PROCESSES {
            let id = ProcessId::split(process).expect("it is a process");
            assert!(is_absent(id) && !answered.is_empty(), "{process}");
            assert!(!names.process(process).is_module(), "{process}");
        }
        assert!(!is_absent(ProcessId::split("main:shop:bob.os").expect("it is a process")));
        assert!(is_absent(names.process_id(ProcessRef::VFS)), "the modules are of `sys`, too, and always there");
    }
}
