//! What becomes of a pushed change.

use super::*;

#[test]
fn a_create_is_applied_and_a_repeated_one_is_called_a_conflict() {
    let server = Funky01::start();
    let data = house("ph1", "PH", "2026-11-22T07:59:19.109564+00:00");
    applied(&push_one(&server, "house", "create", data.clone()), "server-ph1");
    let row = &server.rows("houses")["ph1"];
    assert_eq!(row["updated_at"], "2026-11-22T07:59:19.109564");
    assert_eq!((&row["room_count"], &row["version"]), (&json!(0), &json!("1")));
    assert_eq!(
        &met(&push_one(&server, "house", "update", data.clone()), &data),
        row
    );
    let mut unnamed = house("x", "PH", "2026-11-22T07:59:19.109564");
    unnamed["id"] = Value::Null;
    unnamed["sync_id"] = Value::Null;
    assert_eq!(
        push_one(&server, "house", "update", unnamed).json()["applied"][0]["status"],
        "applied"
    );
    assert_eq!(server.rows("house").len(), 2);
}

#[test]
fn an_update_is_called_a_conflict_whether_it_wins_or_loses() {
    let server = Funky01::start();
    push_one(
        &server,
        "house",
        "create",
        house("ph1", "PH", "2026-11-22T07:59:19.109564"),
    );
    let newer = house("ph1", "newer", "2026-11-22T07:59:31.752567+00:00");
    let winner = met(&push_one(&server, "house", "update", newer.clone()), &newer);
    assert_eq!(
        (&winner["name"], &winner["updated_at"]),
        (&json!("newer"), &json!("2026-11-22T07:59:31.752567"))
    );
    let older = house("ph1", "older", "2026-11-22T06:59:21.880509+00:00");
    assert_eq!(
        met(&push_one(&server, "house", "update", older.clone()), &older),
        winner
    );

    let tie = |sync_id: &str, name: &str| {
        let mut data = house("ph1", name, "2026-11-22T07:59:31.752567+00:00");
        data["sync_id"] = json!(sync_id);
        data
    };
    let high = tie("z-ph1", "tie-high");
    let winner = met(&push_one(&server, "house", "update", high.clone()), &high);
    assert_eq!(
        (&winner["name"], &winner["sync_id"]),
        (&json!("tie-high"), &json!("z-ph1"))
    );
    let low = tie("a-ph1", "tie-low");
    assert_eq!(
        met(&push_one(&server, "house", "update", low.clone()), &low),
        winner
    );
    // The wall's clock is kept, its offset is not.
    let offset = house("ph1", "offset", "2026-11-22T13:01:02.564229+05:00");
    let winner = met(&push_one(&server, "house", "frobnicate", offset.clone()), &offset);
    assert_eq!(winner["updated_at"], "2026-11-22T13:01:02.564229");
}

#[test]
fn a_change_is_matched_by_sync_id_before_id() {
    let server = Funky01::start();
    push_one(
        &server,
        "house",
        "create",
        house("ph13", "PH", "2026-11-22T07:59:19.889757"),
    );
    let other =
        json!({"id": "other", "sync_id": "s-ph13", "name": "matched", "updated_at": "2026-11-22T07:59:32"});
    let winner = met(&push_one(&server, "house", "update", other.clone()), &other);
    assert_eq!(
        (&winner["id"], &winner["name"], &winner["address"]),
        (&json!("ph13"), &json!("matched"), &json!("2 St"))
    );
    assert_eq!(winner["updated_at"], "2026-11-22T07:59:32");
}

#[test]
fn what_it_can_not_apply_is_named_nowhere() {
    let server = Funky01::start();
    push_one(
        &server,
        "house",
        "create",
        house("ph2", "PH", "2026-11-22T07:59:19.173542"),
    );
    let at = "2026-11-22T07:59:21.194774+00:00";
    let with = |field: &str, value: Value| {
        let mut data = house("ph9", "PH", at);
        data[field] = value;
        data
    };
    let without = |id: &str, field: &str| {
        let mut data = house(id, "PH", at);
        data.as_object_mut().unwrap().remove(field);
        data
    };
    ignored(&push_one(
        &server,
        "house",
        "create",
        with("favourite_colour", json!("red")),
    ));
    ignored(&push_one(&server, "house", "create", without("ph5", "sync_id")));
    ignored(&push_one(
        &server,
        "house",
        "update",
        without("ph2", "updated_at"),
    ));
    ignored(&push_one(&server, "house", "delete", house("ph2", "PH", at)));
    ignored(&push_one(&server, "widget", "create", json!({})));
    ignored(&push_one(
        &server,
        "entity_state",
        "create",
        json!({"id": 77, "device_id": "d", "sync_id": "s"}),
    ));
    ignored(&push_one(
        &server,
        "event",
        "create",
        json!({"sync_id": "s", "event_type": "x"}),
    ));
    let mut tie = house("ph2", "x", "2026-11-22T07:59:19.173542");
    tie["sync_id"] = Value::Null;
    ignored(&push_one(&server, "house", "update", tie));
    applied(
        &push_one(&server, "house", "create", with("metadata", json!("{}"))),
        "server-ph9",
    );
    assert_eq!(server.rows("house").len(), 2);
    assert_eq!(server.rows("house")["ph2"]["name"], "PH");
}

#[test]
fn one_bad_change_breaks_the_push_and_what_came_before_it_stays() {
    let server = Funky01::start();
    let at = "2026-11-22T07:59:24.196718+00:00";
    let nameless = json!({"id": "b2", "sync_id": "s-b2", "house_id": "ph1", "house_name": null, "name": "R"});
    broken(&push_all(
        &server,
        &[
            change("house", "create", house("g2", "PH", at)),
            change("room", "create", nameless),
            change("house", "create", house("g3", "PH", at)),
        ],
    ));
    assert_eq!(server.rows("house").into_keys().collect::<Vec<_>>(), ["g2"]);

    let device = json!({
        "id": "pd1", "sync_id": "s-pd1", "room_id": "pr1", "house_id": "ph1", "room_name": "R",
        "house_name": "PH", "name": "D", "device_type": "toaster", "updated_at": at,
    });
    for field in [
        "room_id",
        "house_id",
        "room_name",
        "house_name",
        "name",
        "device_type",
    ] {
        let mut data = device.clone();
        data.as_object_mut().unwrap().remove(field);
        broken(&push_one(&server, "device", "create", data));
    }
    let mut object = device.clone();
    object["state_json"] = json!({"on": true});
    broken(&push_one(&server, "device", "create", object));
    applied(&push_one(&server, "device", "create", device), "server-pd1");

    let user = |id: &str| json!({"id": id, "sync_id": format!("s-{id}"), "house_id": "ph1", "name": "U", "email": "u@x"});
    applied(&push_one(&server, "user", "create", user("pu1")), "server-pu1");
    broken(&push_one(&server, "user", "create", user("pu4")));
}

#[test]
fn a_delete_works_as_an_update_and_its_row_can_not_be_touched_again() {
    let server = Funky01::start();
    push_one(
        &server,
        "house",
        "create",
        house("h", "H", "2026-11-22T07:59:20.363506"),
    );
    let mut gone = house("h", "H", "2026-11-22T08:07:43.333566+00:00");
    gone["is_deleted"] = json!(true);
    let row = met(&push_one(&server, "house", "update", gone.clone()), &gone);
    assert_eq!(row["is_deleted"], json!(true));
    broken(&push_one(
        &server,
        "house",
        "update",
        house("h", "zombie", "2026-11-22T08:14:23.446851+00:00"),
    ));
    broken(&push_one(&server, "house", "update", gone));
    // Tombstones are in a delta, as updates, and missing from a full answer.
    assert_eq!(
        request(&server, Value::Null, &["houses"]).json()["changes"],
        json!([])
    );
    let delta = request(&server, json!("2020-01-01T00:00:00"), &["houses"]).json();
    assert_eq!(delta["changes"][0]["operation"], "update");
    assert_eq!(delta["changes"][0]["data"], row);
}
