//! The order in which the page tells the client's methods: by what they are
//! for, as somebody reads who meets them the first time.

use anyhow::{Result, bail};

use crate::api::Callable;

/// The class that is told in groups.
pub(crate) const CLASS: &str = "WildThingClient";

const GROUPS: &[(&str, &[&str])] = &[
    (
        "Open and connect",
        &[
            "open",
            "open_encrypted",
            "change_key",
            "connect",
            "probe",
            "set_auth_token",
            "login",
            "login_guest",
            "refresh_session",
            "auth_session",
            "disconnect",
            "client_id",
            "pause",
            "resume",
            "shutdown",
            "salvaged",
        ],
    ),
    (
        "Sync",
        &[
            "sync",
            "cancel_sync",
            "wait_until_synced",
            "start_background_sync",
            "stop_background_sync",
            "network_available",
            "get_sync_status",
        ],
    ),
    (
        "Read",
        &[
            "get_house",
            "get_houses",
            "get_room",
            "get_rooms",
            "get_device",
            "get_devices",
            "get_user",
            "get_users",
            "get_device_state",
            "get_device_history",
            "get_events",
        ],
    ),
    (
        "Write",
        &[
            "create_house",
            "update_house",
            "delete_house",
            "create_room",
            "update_room",
            "delete_room",
            "create_device",
            "update_device",
            "delete_device",
            "update_device_state",
            "create_user",
            "update_user",
            "delete_user",
            "log_event",
        ],
    ),
    (
        "Graph",
        &[
            "get_entities",
            "get_entity",
            "create_entity",
            "update_entity",
            "delete_entity",
            "get_relationships",
            "connect_entities",
            "disconnect_entities",
            "neighbours",
            "find_path",
            "search",
        ],
    ),
    (
        "Observe",
        &[
            "observe_changes",
            "changes",
            "watch_houses",
            "watch_rooms",
            "watch_devices",
            "watch_device_state",
            "watch_status",
        ],
    ),
    (
        "Care for edits",
        &[
            "pending_changes",
            "explain",
            "conflicts",
            "restore",
            "dismiss",
            "history",
            "retry_failed",
            "discard",
            "reset",
            "digests",
        ],
    ),
];

/// The methods by group. One that is in none is an error: it would be missed.
pub(crate) fn grouped(methods: &[Callable]) -> Result<Vec<(&'static str, Vec<&Callable>)>> {
    let known = |name: &str| GROUPS.iter().any(|(_, names)| names.contains(&name));
    if let Some(stranger) = methods.iter().find(|method| !known(&method.name)) {
        bail!(
            "{CLASS}.{} has no group; give it one in bindgen/src/groups.rs",
            stranger.name
        );
    }
    let find = |name: &&str| methods.iter().find(|method| method.name == *name);
    Ok(GROUPS
        .iter()
        .map(|(group, names)| (*group, names.iter().filter_map(find).collect()))
        .collect())
}
