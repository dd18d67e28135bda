//! Records as the API gives them, through whole clients and a hub: every field
//! arrives where it was sent, nothing that a server says is hidden, and each
//! record tells where it stands.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "bad_servers/impatient.rs"]
mod impatient;
mod support;

use std::sync::Arc;

use impatient::Impatient;
use serde_json::{Value, json};
use support::front::{Front, Trick};
use support::raw_http::Canned;
use wildthing::client::{
    DevicePatch, DeviceType, Freshness, HousePatch, NewDevice, NewEvent, NewHouse, NewRoom, NewUser,
    OpenOptions, Room, RoomPatch, UserPatch, UserRole, WildThingClient, WildThingError,
};
use wildthing::hub::{Hub, HubOptions};
use wildthing::model::{JsonObject, Key, Kind, RecordId, RecordStatus};

const LONG_AGO: &str = "2026-01-02T03:04:05.000006";

/// A hub with a door in front that can be told to misbehave, and two clients.
struct Bench {
    hub: Hub,
    front: Front,
    a: WildThingClient,
    b: WildThingClient,
    /// Their clocks.
    a_clock: Arc<Impatient>,
    b_clock: Arc<Impatient>,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let options = HubOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            db: None,
            auth_token: None,
            ..HubOptions::default()
        };
        let hub = Hub::start(options).await.unwrap();
        let front = Front::of(hub.url());
        let folder = tempfile::tempdir().unwrap();
        let (a_clock, b_clock) = (Impatient::shared(), Impatient::shared());
        let open = async |name: &str, url: String, clock: Arc<Impatient>| {
            let path = folder.path().join(name);
            let client = WildThingClient::open_on(path, OpenOptions::default(), clock)
                .await
                .unwrap();
            client.connect(url, None, None).await.unwrap();
            client
        };
        Self {
            a: open("a.db", front.url(), a_clock.clone()).await,
            b: open("b.db", hub.url(), b_clock.clone()).await,
            hub,
            front,
            a_clock,
            b_clock,
            _folder: folder,
        }
    }

    /// With a house and a room that everybody has.
    async fn furnished() -> Self {
        let bench = Self::new().await;
        bench.put("house", "house-1", json!({"name": "Cabin"}));
        bench.put("room", "room-1", json!({"name": "Hall", "house_id": "house-1"}));
        bench.exchange().await;
        bench
    }

    /// Puts a record into the hub as another program would send it.
    fn put(&self, kind: &str, id: &str, data: Value) {
        let mut data = data;
        data["sync_id"] = format!("of {kind} {id}").into();
        data["updated_at"] = LONG_AGO.into();
        let change = json!({"entity_type": kind, "entity_id": id, "operation": "update",
                            "client_sync_id": "1", "data": data});
        let store = self.hub.store();
        let answer = store.lock().unwrap().push("another", vec![change]).unwrap();
        assert_eq!(answer.applied.len(), 1, "{answer:?}");
    }

    /// What the hub has of a record beside the common fields.
    fn body(&self, kind: Kind, record: &str) -> JsonObject {
        let key = Key::new(kind, id(record));
        let versions = self.hub.store().lock().unwrap().versions().unwrap();
        let found = versions.into_iter().find(|(version, _)| version.key == key);
        found.unwrap().0.body
    }

    /// Lets each client send what it has and hear of the other's.
    async fn exchange(&self) {
        for client in [&self.a, &self.b, &self.a] {
            let result = client.sync().await.unwrap();
            assert!(
                result.errors.is_empty() && result.conflicts.is_empty(),
                "{result:?}"
            );
        }
    }
}

fn id(text: &str) -> RecordId {
    text.parse().unwrap()
}

fn object(value: Value) -> JsonObject {
    value.as_object().unwrap().clone()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

// ---- fields ----------------------------------------------------------------

/// Asserts that a record says in each field what was given for it.
macro_rules! says {
    ($record:expr, $given:expr, $($field:ident),+) => {$(
        assert_ne!(json!($given.$field), Value::Null, "{} is not tried", stringify!($field));
        assert_eq!(json!($record.$field), json!($given.$field), "{}", stringify!($field));
        assert_eq!($record.extra.get(stringify!($field)), None);
    )+};
}

/// Makes a record with every field on one client, changes every field on the
/// other, empties what can be emptied, and compares what both show each time.
macro_rules! goes_round {
    (
        $bench:ident, $create:ident, $get:expr, $update:ident: $patch_type:ident,
        $new:expr, $patch:expr, [$($kept:ident),+], [$($emptied:ident),+]
    ) => {{
        let (a, b) = (&$bench.a, &$bench.b);
        let (new, patch) = ($new, $patch);
        let made = a.$create(new.clone()).await.unwrap();
        says!(made, new, $($kept,)+ $($emptied),+);
        $bench.exchange().await;
        says!($get(b, made.id.clone()).await, new, $($kept,)+ $($emptied),+);
        let patched = b.$update(made.id.clone(), patch.clone()).await.unwrap();
        says!(patched, patch, $($kept,)+ $($emptied),+);
        $bench.exchange().await;
        says!($get(a, made.id.clone()).await, patch, $($kept,)+ $($emptied),+);
        let clear = $patch_type {
            clear: names(&[$(stringify!($emptied)),+]),
            ..$patch_type::default()
        };
        let emptied = a.$update(made.id.clone(), clear).await.unwrap();
        $bench.exchange().await;
        for record in [emptied, $get(a, made.id.clone()).await, $get(b, made.id.clone()).await] {
            says!(record, patch, $($kept),+);
            $(assert_eq!(record.$emptied, None, "{}", stringify!($emptied));)+
        }
        made.id
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_crosses_over_and_back_and_can_be_emptied() {
    let bench = Bench::new().await;
    let elsewhere = NewHouse {
        name: "Elsewhere".into(),
        ..NewHouse::default()
    };
    let elsewhere = bench.a.create_house(elsewhere).await.unwrap().id;
    let next_door = NewRoom::new(elsewhere.clone(), "Next door");
    let next_door = bench.a.create_room(next_door).await.unwrap().id;
    let house = goes_round!(
        bench,
        create_house,
        async |of: &WildThingClient, id| of.get_house(Some(id)).await.unwrap(),
        update_house: HousePatch,
        NewHouse {
            name: "Cabin 🏡".into(),
            address: Some("1 Elm St".into()),
            latitude: Some(48.137_154),
            longitude: Some(-0.000_001),
            timezone: Some("Europe/Berlin".into()),
            settings: Some(json!({"theme": "dark", "nested": [1, {"two": null}]})),
        },
        HousePatch {
            name: Some("Lodge".into()),
            address: Some(String::new()),
            latitude: Some(0.0),
            longitude: Some(180.0),
            timezone: Some("UTC".into()),
            settings: Some(json!([])),
            clear: Vec::new(),
            extra: None,
        },
        [name],
        [address, latitude, longitude, timezone, settings]
    );
    let room = goes_round!(
        bench,
        create_room,
        async |of: &WildThingClient, id| of.get_room(id).await.unwrap(),
        update_room: RoomPatch,
        NewRoom {
            house_id: house.clone(),
            name: "Hall".into(),
            floor: Some(-1),
            room_type: Some("hall".into()),
            settings: Some(json!({"warm": true})),
        },
        RoomPatch {
            house_id: Some(elsewhere.clone()),
            name: Some("Attic".into()),
            floor: Some(i64::MAX),
            room_type: Some("attic".into()),
            settings: Some(json!("none")),
            clear: Vec::new(),
            extra: None,
        },
        [house_id, name],
        [floor, room_type, settings]
    );
    goes_round!(
        bench,
        create_device,
        async |of: &WildThingClient, id| of.get_device(id).await.unwrap(),
        update_device: DevicePatch,
        NewDevice {
            room_id: room.clone(),
            name: "Lamp".into(),
            device_type: Some(DeviceType::Light),
            manufacturer: Some("Acme".into()),
            model: Some("L1".into()),
            capabilities: Some(json!(["dim", "colour"])),
            configuration: Some(json!({"fade": 0.5})),
            ip_address: Some("192.0.2.1".into()),
            mac_address: Some("00:00:5e:00:53:01".into()),
        },
        DevicePatch {
            room_id: Some(next_door.clone()),
            name: Some("Lock".into()),
            device_type: Some(DeviceType::Lock),
            manufacturer: Some("Other".into()),
            model: Some("K2".into()),
            capabilities: Some(json!({"keys": 5})),
            configuration: Some(json!({})),
            ip_address: Some("2001:db8::1".into()),
            mac_address: Some("00:00:5e:00:53:02".into()),
            clear: Vec::new(),
            extra: None,
        },
        [room_id, name, device_type],
        [manufacturer, model, capabilities, configuration, ip_address, mac_address]
    );
    goes_round!(
        bench,
        create_user,
        async |of: &WildThingClient, id| of.get_user(id).await.unwrap(),
        update_user: UserPatch,
        NewUser {
            house_id: house,
            name: "Ada".into(),
            email: Some("ada@example.org".into()),
            role: Some(UserRole::Admin),
            preferences: Some(json!({"units": "metric"})),
        },
        UserPatch {
            house_id: Some(elsewhere),
            name: Some("Grace".into()),
            email: Some("grace@example.org".into()),
            role: Some(UserRole::Guest),
            preferences: Some(json!(7)),
            clear: Vec::new(),
            extra: None,
        },
        [house_id, name],
        [email, role, preferences]
    );
    let event = NewEvent {
        event_type: "opened".into(),
        entity_type: Kind::Room,
        entity_id: room.clone(),
        description: Some("The door".into()),
        data: Some(json!({"by": ["hand"]})),
        source: Some("a test".into()),
        user_id: Some("ada".into()),
    };
    let logged = bench.a.log_event(event.clone()).await.unwrap();
    bench.exchange().await;
    let arrived = bench.b.get_events(Some(room), 10).await.unwrap();
    assert_eq!(arrived.len(), 1);
    for record in [&logged, &arrived[0]] {
        says!(
            record,
            event,
            event_type,
            entity_type,
            entity_id,
            description,
            data,
            source,
            user_id
        );
    }
    assert_eq!(arrived[0].id, logged.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_stays_and_other_fields_are_given_beside() {
    let bench = Bench::furnished().await;
    let first = RoomPatch {
        floor: Some(2),
        // A field that the protocol has and the type of a new room has not.
        extra: Some(object(json!({"humidity": 41.5, "last_motion_at": LONG_AGO}))),
        ..RoomPatch::default()
    };
    bench.a.update_room(id("room-1"), first).await.unwrap();
    let second = RoomPatch {
        room_type: Some("hall".into()),
        extra: Some(object(json!({"last_motion_at": null}))),
        ..RoomPatch::default()
    };
    bench.a.update_room(id("room-1"), second).await.unwrap();
    bench.exchange().await;
    let room = bench.b.get_room(id("room-1")).await.unwrap();
    assert_eq!((room.name.as_str(), room.house_id), ("Hall", Some(id("house-1"))));
    assert_eq!((room.floor, room.room_type.as_deref()), (Some(2), Some("hall")));
    assert_eq!((room.humidity, room.temperature), (Some(41.5), None));
    assert_eq!(
        room.extra.get("last_motion_at").unwrap_or(&Value::Null),
        &Value::Null
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cant_be_meant_is_refused_by_name_and_changes_nothing() {
    let bench = Bench::furnished().await;
    let a = &bench.a;
    let device = NewDevice::new(id("room-1"), "Lamp");
    let device = a.create_device(device).await.unwrap().id;
    let user = a
        .create_user(NewUser::new(id("house-1"), "Ada"))
        .await
        .unwrap()
        .id;
    bench.exchange().await;
    let look = async || {
        (
            a.digests().await.unwrap(),
            a.pending_changes().await.unwrap(),
            a.get_house(Some(id("house-1"))).await.unwrap(),
            a.get_room(id("room-1")).await.unwrap(),
            a.get_device(device.clone()).await.unwrap(),
            a.get_user(user.clone()).await.unwrap(),
        )
    };
    let before = look().await;
    let house = HousePatch {
        // What is fine in a refused patch is not done either.
        name: Some("Half done".into()),
        ..HousePatch::default()
    };
    let houses = [
        ("name", json!({"name": "Twice"}), vec![]),
        ("name", json!({}), vec!["name"]),
        ("address", json!({"address": "1 Elm St"}), vec!["address"]),
        ("address", json!({}), vec!["address", "address"]),
        ("latitude", json!({"latitude": "north"}), vec![]),
        ("sync_id", json!({"sync_id": "mine"}), vec![]),
        ("no_such_field", json!({"no_such_field": 1}), vec![]),
        ("no_such_field", json!({}), vec!["no_such_field"]),
    ];
    for (field, extra, clear) in houses {
        let patch = HousePatch {
            extra: Some(object(extra)),
            clear: names(&clear),
            ..house.clone()
        };
        refused(field, a.update_house(id("house-1"), patch).await);
    }
    let room = RoomPatch {
        floor: Some(3),
        clear: names(&["floor"]),
        ..RoomPatch::default()
    };
    refused("floor", a.update_room(id("room-1"), room).await);
    let homeless = RoomPatch {
        clear: names(&["house_id"]),
        ..RoomPatch::default()
    };
    refused("house_id", a.update_room(id("room-1"), homeless).await);
    let lamp = DevicePatch {
        device_type: Some(DeviceType::Light),
        extra: Some(object(json!({"device_type": "lock"}))),
        ..DevicePatch::default()
    };
    refused("device_type", a.update_device(device.clone(), lamp).await);
    let ada = UserPatch {
        role: Some(UserRole::Admin),
        clear: names(&["role"]),
        ..UserPatch::default()
    };
    refused("role", a.update_user(user.clone(), ada).await);
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let patch = HousePatch {
            latitude: Some(number),
            ..house.clone()
        };
        refused("latitude", a.update_house(id("house-1"), patch).await);
        let new = NewHouse {
            name: "Nowhere".into(),
            longitude: Some(number),
            ..NewHouse::default()
        };
        refused("longitude", a.create_house(new).await);
    }
    assert_eq!(look().await, before);
    assert_eq!(a.get_houses().await.unwrap().len(), 1);
}

#[track_caller]
fn refused<T: std::fmt::Debug>(what: &str, result: Result<T, WildThingError>) {
    match result {
        Err(WildThingError::Invalid { field, .. }) => assert_eq!(field, what),
        other => panic!("{what}: {other:?}"),
    }
}

// ---- words and fields of other versions ------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn words_of_another_version_are_kept_over_a_sync_and_back() {
    let bench = Bench::furnished().await;
    let vacuum = DeviceType::Unknown {
        name: "Saugroboter 🧹".into(),
    };
    let robot = UserRole::Unknown { name: "robot".into() };
    let device = NewDevice {
        device_type: Some(vacuum.clone()),
        ..NewDevice::new(id("room-1"), "Dusty")
    };
    let device = bench.a.create_device(device).await.unwrap();
    let user = NewUser {
        role: Some(robot.clone()),
        ..NewUser::new(id("house-1"), "Dusty")
    };
    let user = bench.a.create_user(user).await.unwrap();
    assert_eq!((&device.device_type, user.role.as_ref()), (&vacuum, Some(&robot)));
    bench.exchange().await;
    // The other one edits something else, and sends the words back.
    let renamed = DevicePatch {
        name: Some("Cleaner".into()),
        ..DevicePatch::default()
    };
    let renamed = bench.b.update_device(device.id.clone(), renamed).await.unwrap();
    assert_eq!(renamed.device_type, vacuum);
    let renamed = UserPatch {
        name: Some("Cleaner".into()),
        ..UserPatch::default()
    };
    let renamed = bench.b.update_user(user.id.clone(), renamed).await.unwrap();
    assert_eq!(renamed.role.as_ref(), Some(&robot));
    bench.exchange().await;
    let back = bench.a.get_device(device.id.clone()).await.unwrap();
    assert_eq!((back.name.as_str(), back.device_type), ("Cleaner", vacuum));
    let back = bench.a.get_user(user.id.clone()).await.unwrap();
    assert_eq!((back.name.as_str(), back.role), ("Cleaner", Some(robot)));
    let word = |kind, record: &RecordId, field| bench.body(kind, record.as_str())[field].clone();
    assert_eq!(word(Kind::Device, &device.id, "device_type"), "Saugroboter 🧹");
    assert_eq!(word(Kind::User, &user.id, "role"), "robot");
    // A patch may use such a word too, and one that is known is known whoever wrote it.
    let patch = DevicePatch {
        device_type: Some(DeviceType::Unknown { name: "lock".into() }),
        ..DevicePatch::default()
    };
    let known = bench.a.update_device(device.id, patch).await.unwrap();
    assert_eq!(known.device_type, DeviceType::Lock);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_field_of_its_own_is_in_extra_and_survives_an_edit() {
    let bench = Bench::new().await;
    let huge: Value = "123456789012345678901234567890".parse().unwrap();
    let foreign = json!({
        "name": "Cabin", "house_id": "house-1", "house_name": "Cabin", "wings": 3, "huge": huge, "deep": {"er": [null, huge]},
        // Whole numbers, but not ones that the typed field can hold.
        "floor": huge, "device_count": huge,
        // Text as it must be, but not JSON.
        "settings_json": "not JSON", "metadata_json": "{\"origin\":[1]}",
        // Counted up by each edit.
        "version": "7",
    });
    bench.put(
        "house",
        "house-1",
        json!({"name": "Cabin", "settings": {"bare": 1}, "settings_json": "{}"}),
    );
    bench.put("room", "room-1", foreign.clone());
    bench.exchange().await;
    let shown = |room: &Room, version: &str| {
        assert_eq!((room.floor, room.settings.as_ref()), (None, None));
        let expected = json!({
            "house_name": "Cabin", "wings": 3, "huge": huge, "deep": {"er": [null, huge]}, "floor": huge, "device_count": huge,
            "settings_json": "not JSON", "metadata": {"origin": [1]}, "version": version,
        });
        assert_eq!(Value::Object(room.extra.clone()), expected);
    };
    shown(&bench.a.get_room(id("room-1")).await.unwrap(), "7");
    // Under both names nothing is taken for the other.
    let house = bench.a.get_house(None).await.unwrap();
    assert_eq!(house.settings, Some(json!({"bare": 1})));
    assert_eq!(house.extra["settings_json"], "{}");
    // An edit by somebody who does not know these fields takes none of them away.
    let named = RoomPatch {
        name: Some("Hall".into()),
        ..RoomPatch::default()
    };
    shown(&bench.a.update_room(id("room-1"), named).await.unwrap(), "8");
    bench.exchange().await;
    let there = bench.b.get_room(id("room-1")).await.unwrap();
    assert_eq!(there.name, "Hall");
    shown(&there, "8");
    let mut body = object(foreign);
    body.insert("version".into(), "8".into());
    body.retain(|field, _| !["name", "house_id"].contains(&field.as_str()));
    assert_eq!(bench.body(Kind::Room, "room-1"), body);
    // A field that a record has can be edited, known or not; and mended, it is typed again.
    let mended = RoomPatch {
        floor: Some(2),
        settings: Some(json!({})),
        extra: Some(object(json!({"wings": huge}))),
        ..RoomPatch::default()
    };
    let mended = bench.b.update_room(id("room-1"), mended).await.unwrap();
    assert_eq!((mended.floor, mended.settings), (Some(2), Some(json!({}))));
    assert_eq!(mended.extra["wings"], huge);
    assert!(!mended.extra.contains_key("floor") && !mended.extra.contains_key("settings_json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_named_like_a_standing_is_kept_and_does_not_speak_for_it() {
    let bench = Bench::new().await;
    bench.put("house", "house-1", json!({"name": "Cabin"}));
    let foreign = json!({"kind": "porch", "freshness": "stale", "sync_status": "error", "unplaced": 1});
    let mut data = foreign.clone();
    data["name"] = "Porch".into();
    data["house_id"] = "house-1".into();
    bench.put("room", "room-1", data);
    bench.exchange().await;
    let room = bench.a.get_room(id("room-1")).await.unwrap();
    for (field, value) in object(foreign) {
        assert_eq!(room.extra[&field], value);
    }
    assert_eq!((room.sync_status, room.unplaced), (RecordStatus::Synced, false));
    let text = serde_json::to_string(&room).unwrap();
    let shown: Value = text.parse().unwrap();
    assert_eq!(
        (&shown["kind"], &shown["sync_status"], &shown["unplaced"]),
        (&json!("room"), &json!("synced"), &json!(false))
    );
    assert_eq!(shown["freshness"]["state"], "synced");
    for field in ["kind", "freshness", "sync_status", "unplaced"] {
        assert_eq!(text.matches(&format!("\"{field}\":")).count(), 1, "{text}");
    }
}

// ---- standing --------------------------------------------------------------

impl Bench {
    async fn standing(&self) -> Freshness {
        let room = self.a.get_room(id("room-1")).await.unwrap();
        let explained = self.a.explain(Kind::Room, id("room-1")).await.unwrap();
        assert_eq!(explained.freshness, room.freshness);
        let status = match room.freshness {
            Freshness::Synced { .. } | Freshness::Superseded { .. } => RecordStatus::Synced,
            Freshness::Pending { contested: false, .. } => RecordStatus::Pending,
            Freshness::Pending { contested: true, .. } => RecordStatus::Conflict,
            Freshness::Failed { .. } => RecordStatus::Error,
        };
        assert_eq!(room.sync_status, status);
        if let Freshness::Pending { since, .. } | Freshness::Failed { since, .. } = room.freshness {
            assert_eq!(since, room.updated_at);
        }
        room.freshness
    }

    async fn is_pending(&self) -> bool {
        matches!(self.standing().await, Freshness::Pending { contested: false, .. })
    }

    async fn is_synced(&self) -> bool {
        matches!(self.standing().await, Freshness::Synced { as_of: Some(_) })
    }
}

async fn rename(client: &WildThingClient, name: &str) {
    let patch = RoomPatch {
        name: Some(name.into()),
        ..RoomPatch::default()
    };
    client.update_room(id("room-1"), patch).await.unwrap();
}

async fn name(client: &WildThingClient) -> String {
    client.get_room(id("room-1")).await.unwrap().name
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_waits_is_contested_and_wins() {
    let bench = Bench::furnished().await;
    assert!(bench.is_synced().await);
    rename(&bench.b, "From B").await;
    // Clearly later than B's, so that time decides.
    bench.a_clock.shift(60);
    rename(&bench.a, "From A").await;
    assert!(bench.is_pending().await);
    bench.b.sync().await.unwrap();
    // The pull goes through and the push does not.
    bench
        .front
        .plan("/push", Trick::Say(Canned::answer(401, &[], "")));
    bench.a.sync().await.unwrap_err();
    let contested = bench.standing().await;
    assert!(
        matches!(contested, Freshness::Pending { contested: true, .. }),
        "{contested:?}"
    );
    assert_eq!(name(&bench.a).await, "From A");
    bench.a.set_auth_token(None).unwrap();
    bench.a.sync().await.unwrap();
    assert!(bench.is_synced().await);
    // B's edit had been taken before it lost; its author hears of it.
    bench.b.sync().await.unwrap();
    let room = bench.b.get_room(id("room-1")).await.unwrap();
    assert_eq!(room.name, "From A");
    assert!(
        matches!(room.freshness, Freshness::Superseded { as_of: Some(_), .. }),
        "{room:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_lost_is_told_of_until_it_is_dismissed_or_restored() {
    let bench = Bench::furnished().await;
    for (restored, ahead) in [(false, 60), (true, 120)] {
        rename(&bench.a, "From A").await;
        // Clearly later than A's, so that time decides.
        bench.b_clock.shift(ahead);
        rename(&bench.b, "From B").await;
        assert!(bench.is_pending().await);
        bench.b.sync().await.unwrap();
        bench.a.sync().await.unwrap();
        let lost = bench.a.conflicts().await.unwrap();
        assert_eq!(lost.len(), 1, "{lost:?}");
        assert_eq!(lost[0].losing["name"], "From A");
        let Freshness::Superseded {
            as_of: Some(_),
            conflict_id,
            reason,
        } = bench.standing().await
        else {
            panic!("{:?}", bench.standing().await);
        };
        assert_eq!((conflict_id, &reason), (lost[0].conflict_id, &lost[0].reason));
        assert_eq!(name(&bench.a).await, "From B");
        if restored {
            bench.a.restore(conflict_id).await.unwrap();
            assert!(bench.is_pending().await);
            assert_eq!(name(&bench.a).await, "From A");
        } else {
            bench.a.dismiss(conflict_id).await.unwrap();
        }
        bench.exchange().await;
        assert!(bench.is_synced().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_was_refused_is_failed_until_it_is_sent_again() {
    let bench = Bench::furnished().await;
    let no = Canned::json(422, &json!({"detail": "the room is too small"}));
    rename(&bench.a, "Palace").await;
    bench.front.plan("/push", Trick::Say(no.clone()));
    assert_eq!(bench.a.sync().await.unwrap().errors.len(), 1);
    let Freshness::Failed { reason, .. } = bench.standing().await else {
        panic!("{:?}", bench.standing().await);
    };
    assert!(reason.contains("the room is too small"), "{reason}");
    assert_eq!(name(&bench.a).await, "Palace");
    // Left alone, it stays so.
    bench.a.sync().await.unwrap();
    assert!(matches!(bench.standing().await, Freshness::Failed { .. }));
    let retried = bench.a.retry_failed(Some(Kind::Room), Some(id("room-1"))).await;
    assert_eq!(retried.unwrap(), 1);
    assert!(bench.is_pending().await);
    // Refused again, it is discarded: what the server had is no loss to be told of.
    bench.front.plan("/push", Trick::Say(no));
    bench.a.sync().await.unwrap();
    assert!(matches!(bench.standing().await, Freshness::Failed { .. }));
    bench.a.discard(Kind::Room, id("room-1")).await.unwrap();
    assert!(bench.is_synced().await);
    assert_eq!(name(&bench.a).await, "Hall");
    rename(&bench.a, "Hut").await;
    bench.exchange().await;
    assert!(bench.is_synced().await);
    assert_eq!(name(&bench.b).await, "Hut");
}

// ---- containers ------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_something_that_is_not_here_is_unplaced_until_that_arrives() {
    let bench = Bench::new().await;
    bench.put("room", "room-1", json!({"name": "Hall", "house_id": "house-1"}));
    bench.put("user", "user-1", json!({"name": "Ada", "house_id": "house-1"}));
    bench.put("device", "device-1", json!({"name": "Lamp", "room_id": "room-2"}));
    bench.put("device", "device-2", json!({"name": "Adrift"}));
    let places = async || {
        bench.a.sync().await.unwrap();
        let room = bench.a.get_room(id("room-1")).await.unwrap();
        let user = bench.a.get_user(id("user-1")).await.unwrap();
        let mut places = vec![(room.unplaced, room.house_id), (user.unplaced, user.house_id)];
        for device in bench.a.get_devices(None).await.unwrap() {
            places.push((device.unplaced, device.room_id));
        }
        places
    };
    let nowhere = (true, None);
    assert_eq!(places().await, vec![nowhere.clone(); 4]);
    bench.put("house", "house-1", json!({"name": "Cabin"}));
    bench.put("room", "room-2", json!({"name": "Loft", "house_id": "house-1"}));
    let at_home = (false, Some(id("house-1")));
    // By name: the one adrift, then the lamp.
    let in_the_loft = (false, Some(id("room-2")));
    assert_eq!(
        places().await,
        [at_home.clone(), at_home, nowhere.clone(), in_the_loft]
    );
    // The lamp was not there for who deleted the room, so it outlives it.
    bench.a.sync().await.unwrap();
    let gone = json!({"entity_type": "room", "entity_id": "room-2", "operation": "delete", "client_sync_id": "2",
                      "bases": ["of room room-2"],
                      "data": {"sync_id": "deleted", "updated_at": LONG_AGO, "is_deleted": true}});
    let store = bench.hub.store();
    store.lock().unwrap().push("another", vec![gone]).unwrap();
    assert_eq!(places().await[2..], [nowhere.clone(), nowhere]);
    // Put into a room that is here, it is placed again.
    let moved = DevicePatch {
        room_id: Some(id("room-1")),
        ..DevicePatch::default()
    };
    let lamp = bench.a.update_device(id("device-1"), moved).await.unwrap();
    assert_eq!((lamp.unplaced, lamp.room_id), (false, Some(id("room-1"))));
}
