//! Every call that a scenario can name, made by the public API.

use wildthing::client::WildThingClient;
use wildthing::model::{Json, JsonObject};

use crate::arguments::{Arguments, Problem};
use crate::render::{Shown, answer};

/// Makes the call and gives its answer; the text of an error is for whoever wrote the scenario.
pub(crate) async fn call(client: &WildThingClient, word: &str, args: JsonObject) -> Result<Json, String> {
    match made(client, word, Arguments(args)).await {
        Ok(found) => Ok(serde_json::json!({"ok": found})),
        Err(Problem::Api(error)) => Ok(answer::<()>(&Err(error))),
        Err(Problem::Scenario(problem)) => Err(format!("{word}: {problem}")),
    }
}

async fn made(client: &WildThingClient, word: &str, mut args: Arguments) -> Result<Option<Json>, Problem> {
    /// Reads the arguments, sees that none is left, makes the call.
    macro_rules! make {
        ($name:ident($($read:ident $arg:literal),*)) => {{
            let given = ($(args.$read($arg)?,)*);
            args.end()?;
            make!(@call $name given $($arg)*)
        }};
        (@call $name:ident $given:ident) => {{
            let () = $given;
            client.$name().await?.shown()
        }};
        (@call $name:ident $given:ident $a:literal) => {
            client.$name($given.0).await?.shown()
        };
        (@call $name:ident $given:ident $a:literal $b:literal) => {
            client.$name($given.0, $given.1).await?.shown()
        };
        (@call $name:ident $given:ident $a:literal $b:literal $c:literal) => {
            client.$name($given.0, $given.1, $given.2).await?.shown()
        };
        (@call $name:ident $given:ident $a:literal $b:literal $c:literal $d:literal) => {
            client.$name($given.0, $given.1, $given.2, $given.3).await?.shown()
        };
    }
    Ok(match word {
        "connect" => make!(connect(need "server_url", may "auth_token", may "options")),
        "disconnect" => make!(disconnect()),
        "probe" => make!(probe()),
        "client_id" => make!(client_id()),
        "pause" => make!(pause()),
        "resume" => make!(resume()),
        "sync" => make!(sync()),
        "wait_until_synced" => make!(wait_until_synced(need "timeout")),
        "start_background_sync" => make!(start_background_sync(need "interval")),
        "get_sync_status" => make!(get_sync_status()),
        "get_houses" => make!(get_houses()),
        "get_house" => make!(get_house(may "house_id")),
        "get_rooms" => make!(get_rooms(may "house_id")),
        "get_room" => make!(get_room(need "room_id")),
        "get_devices" => make!(get_devices(may "room_id")),
        "get_device" => make!(get_device(need "device_id")),
        "get_users" => make!(get_users(may "house_id")),
        "get_user" => make!(get_user(need "user_id")),
        "get_device_state" => make!(get_device_state(need "device_id")),
        "get_device_history" => make!(get_device_history(need "device_id", need "limit")),
        "get_events" => make!(get_events(may "entity_id", need "limit")),
        "create_house" => make!(create_house(need "house")),
        "create_room" => make!(create_room(need "room")),
        "create_device" => make!(create_device(need "device")),
        "create_user" => make!(create_user(need "user")),
        "update_house" => make!(update_house(need "house_id", need "patch")),
        "update_room" => make!(update_room(need "room_id", need "patch")),
        "update_device" => make!(update_device(need "device_id", need "patch")),
        "update_user" => make!(update_user(need "user_id", need "patch")),
        "delete_house" => make!(delete_house(need "house_id")),
        "delete_room" => make!(delete_room(need "room_id")),
        "delete_device" => make!(delete_device(need "device_id")),
        "delete_user" => make!(delete_user(need "user_id")),
        "log_event" => make!(log_event(need "event")),
        "update_device_state" => {
            let (device_id, state) = (args.need("device_id")?, args.need("state")?);
            let (attributes, replace) = (args.may("attributes")?, args.may("replace")?);
            args.end()?;
            let replace = replace.unwrap_or(false);
            client
                .update_device_state(device_id, state, attributes, replace)
                .await?
                .shown()
        }
        "get_entities" => make!(get_entities(may "entity_type")),
        "get_entity" => make!(get_entity(need "entity_id", may "entity_type")),
        "create_entity" => make!(create_entity(need "entity")),
        "update_entity" => make!(update_entity(need "entity_id", need "patch")),
        "delete_entity" => make!(delete_entity(need "entity_id")),
        "get_relationships" => make!(get_relationships(may "filter")),
        "connect_entities" => {
            make!(connect_entities(need "from_id", need "to_id", need "relationship_type", may "properties"))
        }
        "disconnect_entities" => make!(disconnect_entities(need "relationship_id")),
        "neighbours" => make!(neighbours(need "entity_id", may "relationship_type", may "direction")),
        "find_path" => make!(find_path(need "from_id", need "to_id", may "max_depth")),
        "search" => make!(search(need "query", may "entity_types", need "limit")),
        "pending_changes" => make!(pending_changes()),
        "explain" => make!(explain(need "kind", need "id")),
        "conflicts" => make!(conflicts()),
        "restore" => make!(restore(need "conflict_id")),
        "dismiss" => make!(dismiss(need "conflict_id")),
        "history" => make!(history(need "kind", need "id")),
        "retry_failed" => make!(retry_failed(may "kind", may "id")),
        "discard" => make!(discard(need "kind", need "id")),
        "reset" => {
            let force = args.may("force")?.unwrap_or(false);
            args.end()?;
            client.reset(force).await?.shown()
        }
        "digests" => make!(digests()),
        other => return at_once(client, other, args).await,
    })
}

/// Calls that can't fail, or that nobody waits for.
async fn at_once(client: &WildThingClient, word: &str, mut args: Arguments) -> Result<Option<Json>, Problem> {
    let token = args.may("token")?;
    args.end()?;
    match word {
        "shutdown" => client.shutdown().await,
        "stop_background_sync" => client.stop_background_sync().await,
        "cancel_sync" => client.cancel_sync(),
        "network_available" => client.network_available(),
        "set_auth_token" => client.set_auth_token(token)?,
        "salvaged" => return Ok(client.salvaged().shown()),
        _ => return Err(Problem::Scenario("there is no such call".to_owned())),
    }
    Ok(None)
}
