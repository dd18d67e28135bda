//! The engine as a program of its user would call it. Every use of the public
//! API is here, in the few shapes that the rows need.

use std::path::Path;

use wildthing::client::{DevicePatch, Durability, OpenOptions, WildThingClient};
use wildthing::model::{JsonObject, RecordId};

use crate::Outcome;
use crate::hub::TOKEN;

/// Opens a replica; with a server, connected to it.
pub(crate) async fn open(path: &Path, durability: Durability, url: Option<&str>) -> Outcome<WildThingClient> {
    let options = OpenOptions {
        durability: Some(durability),
        ..OpenOptions::default()
    };
    let client = WildThingClient::open(path, options).await?;
    if let Some(url) = url {
        client.connect(url.to_owned(), Some(TOKEN.into()), None).await?;
    }
    Ok(client)
}

/// Syncs; how many changes came.
pub(crate) async fn sync(client: &WildThingClient) -> Outcome<u64> {
    Ok(client.sync().await?.pulled)
}

/// Reads one device.
pub(crate) async fn device(client: &WildThingClient, id: &str) -> Outcome {
    client.get_device(RecordId::new(id)?).await?;
    Ok(())
}

/// Reads every device; how many there are.
pub(crate) async fn devices(client: &WildThingClient) -> Outcome<usize> {
    Ok(client.get_devices(None).await?.len())
}

/// Reads every room; how many there are.
pub(crate) async fn rooms(client: &WildThingClient) -> Outcome<usize> {
    Ok(client.get_rooms(None).await?.len())
}

/// Searches; how many there were.
pub(crate) async fn search(client: &WildThingClient, query: &str, limit: u32) -> Outcome<usize> {
    Ok(client.search(query.to_owned(), None, limit).await?.len())
}

/// Says what a device does: the local write that there is most of.
pub(crate) async fn set_brightness(client: &WildThingClient, id: &str, brightness: usize) -> Outcome {
    let mut state = JsonObject::new();
    state.insert("power".into(), "on".into());
    state.insert("brightness".into(), brightness.into());
    client
        .update_device_state(RecordId::new(id)?, state, None, false)
        .await?;
    Ok(())
}

/// Gives a device another name.
pub(crate) async fn rename(client: &WildThingClient, id: &str, name: String) -> Outcome {
    let patch = DevicePatch {
        name: Some(name),
        ..DevicePatch::default()
    };
    client.update_device(RecordId::new(id)?, patch).await?;
    Ok(())
}
