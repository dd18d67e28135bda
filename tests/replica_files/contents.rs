//! What is in the file: the house as the sqlite3 shell shows it, and no secrets.

use super::*;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span;
use wildthing::client::{NewDevice, NewEvent, NewHouse, NewRoom, NewUser, OpenOptions, WildThingClient};
use wildthing::hub::{Hub, HubOptions};

const TOKEN: &str = "open-sesame-1234567890";

/// A client with one record of each kind, and one more of each that is deleted.
async fn furnished(path: &Path) -> WildThingClient {
    let client = WildThingClient::open(path, OpenOptions::default()).await.unwrap();
    for name in ["Gone", "Cabin"] {
        let house = NewHouse {
            name: name.into(),
            latitude: Some(48.5),
            ..NewHouse::default()
        };
        let house = client.create_house(house).await.unwrap().id;
        let room = NewRoom {
            floor: Some(2),
            ..NewRoom::new(house.clone(), format!("{name} hall"))
        };
        let room = client.create_room(room).await.unwrap().id;
        let device = NewDevice::new(room, format!("{name} lamp"));
        let device = client.create_device(device).await.unwrap().id;
        let user = NewUser::new(house.clone(), format!("{name} user"));
        client.create_user(user).await.unwrap();
        let state = json!({"power": "on"}).as_object().unwrap().clone();
        client
            .update_device_state(device.clone(), state, None, false)
            .await
            .unwrap();
        let event = NewEvent::new("made", Kind::Device, device);
        client.log_event(event).await.unwrap();
    }
    client
}

fn rows_of(file: &rusqlite::Connection, query: &str) -> Vec<String> {
    let mut statement = file.prepare(query).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_views_show_the_house_and_leave_out_what_is_deleted() {
    let place = Place::new();
    let hub = hub().await;
    let client = furnished(&place.db()).await;
    client.connect(hub.url(), Some(TOKEN.into()), None).await.unwrap();
    // Known to the hub, so that a delete leaves a tombstone.
    client.sync().await.unwrap();
    let houses = client.get_houses().await.unwrap();
    let gone = houses.iter().find(|house| house.name == "Gone").unwrap();
    client.delete_house(gone.id.clone()).await.unwrap();

    let file = wildthing::store::test_connection(place.db()).unwrap();
    assert_eq!(rows_of(&file, "SELECT name FROM houses"), ["Cabin"]);
    assert_eq!(
        rows_of(&file, "SELECT name FROM rooms WHERE floor = 2"),
        ["Cabin hall"]
    );
    assert_eq!(
        rows_of(&file, "SELECT state_json FROM devices WHERE name = 'Cabin lamp'"),
        ["{\"power\":\"on\"}"]
    );
    assert_eq!(rows_of(&file, "SELECT name FROM users"), ["Cabin user"]);
    assert_eq!(
        rows_of(&file, "SELECT kind FROM records WHERE deleted ORDER BY kind").len(),
        4
    );
    assert_eq!(rows_of(&file, "SELECT client_id FROM sync_metadata").len(), 1);
    let joined = "SELECT devices.name || ' in ' || rooms.name || ' of ' || houses.name FROM devices
                  JOIN rooms ON rooms.id = devices.room_id JOIN houses ON houses.id = rooms.house_id
                  JOIN entity_states ON entity_states.device_id = devices.id
                  JOIN events ON events.entity_id = devices.id";
    assert_eq!(rows_of(&file, joined), ["Cabin lamp in Cabin hall of Cabin"]);
    for view in ["houses", "rooms", "devices", "users", "entity_states", "events"] {
        let query = format!("SELECT count(*) || '' FROM (SELECT * FROM {view} WHERE updated_at IS NOT NULL)");
        let expected = if view.starts_with('e') { "2" } else { "1" };
        assert_eq!(rows_of(&file, &query), [expected], "{view}");
    }
    let columns = rows_of(&file, "SELECT name FROM pragma_table_info('sync_metadata')");
    for promised in [
        "client_id",
        "server_url",
        "last_sync_time",
        "last_sync_success",
        "last_sync_error",
        "sync_failures",
        "total_syncs",
        "total_conflicts",
        "sync_in_progress",
        "next_retry_time",
    ] {
        assert!(columns.iter().any(|column| column == promised), "{promised}");
    }
}

async fn hub() -> Hub {
    let options = HubOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        db: None,
        auth_token: Some(TOKEN.into()),
        ..HubOptions::default()
    };
    Hub::start(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_in_any_byte_of_the_files_and_nobody_else_may_read_them() {
    let place = Place::new();
    let hub = hub().await;
    let client = furnished(&place.db()).await;
    for token in [TOKEN, "another-token-0987654321"] {
        client.connect(hub.url(), Some(token.into()), None).await.unwrap();
        let _ = client.sync().await;
        client.set_auth_token(Some(TOKEN.into())).unwrap();
        client.sync().await.unwrap();
    }
    let look = || {
        let all = files(place.folder());
        for (name, bytes) in &all {
            for token in [TOKEN, "another-token-0987654321"] {
                let found = bytes.windows(token.len()).any(|part| part == token.as_bytes());
                assert!(!found, "a token is in {name}");
            }
        }
        all.len()
    };
    assert_eq!(look(), 2, "database and WAL");
    #[cfg(unix)]
    for entry in std::fs::read_dir(place.folder()).unwrap().map(Result::unwrap) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
    }
    client.shutdown().await;
    assert_eq!(look(), 1, "the WAL went into the database");
}

/// Collects what is logged about SQL.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0
            .lock()
            .unwrap()
            .push(format!("{}: {value:?}", field.name()));
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        if event.metadata().target() == "wildthing::sql" {
            event.record(&mut self.clone());
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn echo_logs_statements_and_none_of_their_values() {
    let place = Place::new();
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        let options = StoreOptions {
            path: Some(place.db()),
            full_sync: true,
            echo: true,
        };
        let store = Store::open(options, RealSeam::shared()).unwrap();
        write(&store, "secret-id", "Secret Name").unwrap();
        store
            .set_server(Some("http://secret-host/"), Some("secret-client"), false)
            .unwrap();
        assert_eq!(name(&store, "secret-id").as_deref(), Some("Secret Name"));
        store.retry_failed(Some(&room("secret-id"))).unwrap();
        store.discard(&room("secret-id")).unwrap();
    });
    let lines = log.0.lock().unwrap().clone();
    let said = lines.join("\n").to_lowercase();
    for statement in ["insert or replace into outbox", "begin immediate", "select", "?1"] {
        assert!(said.contains(statement), "{statement} is not logged");
    }
    assert!(!said.contains("secret"), "{said}");
    // Without being asked nothing is logged.
    let silent = Log::default();
    tracing::subscriber::with_default(silent.clone(), || {
        write(&open(&place.db()).unwrap(), "a", "Attic").unwrap();
    });
    assert!(silent.0.lock().unwrap().is_empty());
}
