//! Answers to step 1 that can't be used.

use super::*;

fn text(body: impl Into<Vec<u8>>) -> Canned {
    Canned::answer(200, &[("Content-Type", "application/json")], body)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_is_refused_whole() {
    let house = House::synced().await;
    let good = delta().to_string();
    let mut latin = good.clone().into_bytes();
    let place = good.find("Loft").unwrap();
    latin[place] = 0xe9;
    let truncated = &good[..good.len() - 40];
    let mut deep = delta();
    deep["changes"][1]["data"]["unknown"] = (0..62).fold(json!(1), |inner, _| json!([inner]));
    let mut many = delta();
    let change = many["changes"][0].clone();
    many["changes"] = vec![change; 10_001].into();
    let mut other_type = delta();
    other_type["type"] = "sync_result".into();
    let cases: [(&str, Canned, &str); 12] = [
        ("garbage", text("!%&/()="), "not JSON"),
        ("nothing", text(""), "not JSON"),
        ("only null", text("null"), "an object"),
        ("a list", text("[]"), "an object"),
        ("truncated", text(truncated), "not JSON"),
        ("two in one", text(format!("{good}{good}")), "not JSON"),
        ("not UTF-8", text(latin), &format!("offset {place}")),
        ("too deep", text(deep.to_string()), "deeper than 64"),
        ("too many", text(many.to_string()), "10001 changes"),
        ("another message", text(other_type.to_string()), "sync_delta"),
        (
            "a web page",
            text("<!DOCTYPE html><html><body>Router login"),
            "web page",
        ),
        ("a web page with a mark", text("\u{feff}\n <html>"), "web page"),
    ];
    for (what, answer, words) in cases {
        house.refuses(what, &[answer], "protocol", words).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_before_it_is_read_whole() {
    let house = House::synced().await;
    let mut large = delta();
    large["changes"][1]["data"]["unknown"] = "x".repeat(8 * 1024 * 1024).into();
    let bomb = Canned::answer(200, &[("Content-Encoding", "gzip")], gzip::of_zeros(64 << 20));
    let endless = Canned::answer(
        200,
        &[("Content-Length", "99999999999")],
        "{\"type\":\"sync_delta\"",
    );
    for (what, answer) in [
        ("9 MiB", text(large.to_string())),
        ("a gzip bomb", bomb),
        ("a promise of 100 GB", endless),
    ] {
        house.refuses(what, &[answer], "protocol", "larger than").await;
    }
    let torn = Canned::answer(200, &[("Content-Encoding", "gzip")], "no gzip at all");
    house
        .refuses("no gzip", &vec![torn; 5], "offline", "connection")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_field_refuses_the_page_and_is_named() {
    let house = House::synced().await;
    let long = "x".repeat(65);
    let cases = [
        ("/changes/1/data/name", json!(5), "changes[1].data.name"),
        ("/changes/1/data/floor", json!("first"), "changes[1].data.floor"),
        ("/changes/1/data/floor", json!(1.5), "changes[1].data.floor"),
        (
            "/changes/0/data/latitude",
            json!("north"),
            "changes[0].data.latitude",
        ),
        (
            "/changes/1/data/settings_json",
            json!({}),
            "changes[1].data.settings_json",
        ),
        (
            "/changes/1/data/metadata_json",
            json!([]),
            "changes[1].data.metadata_json",
        ),
        (
            "/changes/1/data/is_deleted",
            json!("no"),
            "changes[1].data.is_deleted",
        ),
        ("/changes/1/data/sync_id", json!(7), "changes[1].data.sync_id"),
        (
            "/changes/1/data/house_id",
            json!(long),
            "changes[1].data.house_id",
        ),
        (
            "/changes/1/data/updated_at",
            json!("yesterday"),
            "changes[1].data.updated_at",
        ),
        (
            "/changes/1/data/created_at",
            json!(1_700_000_000),
            "changes[1].data.created_at",
        ),
        (
            "/changes/1/updated_at",
            json!("10000-01-01T00:00:00"),
            "changes[1].updated_at",
        ),
        (
            "/changes/1/updated_at",
            json!("0000-01-01T00:00:00"),
            "changes[1].updated_at",
        ),
        (
            "/changes/1/updated_at",
            json!("2026-02-30T00:00:00"),
            "changes[1].updated_at",
        ),
        ("/changes/1/data", json!([]), "changes[1].data"),
        ("/changes/1/data", json!("{}"), "changes[1].data"),
        ("/changes/1/operation", json!("explode"), "changes[1].operation"),
        ("/changes/1/entity_type", json!(""), "changes[1].entity_type"),
        ("/changes/1/entity_type", json!(null), "changes[1].entity_type"),
        ("/changes/1/entity_id", json!(""), "changes[1].entity_id"),
        ("/changes/1/entity_id", json!(long), "changes[1].entity_id"),
        ("/changes/1/entity_id", json!(null), "changes[1].entity_id"),
        ("/changes/1/entity_id", json!(1.5), "changes[1].entity_id"),
        ("/changes/1/bases", json!("one"), "changes[1].bases"),
        ("/changes/1", json!(null), "changes[1]"),
        ("/changes", json!({}), "changes"),
        ("/changes", json!(null), "changes"),
        ("/conflicts", json!(5), "conflicts"),
        ("/more", json!("maybe"), "more"),
        ("/hub_id", json!(5), "hub_id"),
        ("/server_time", json!(null), "server_time"),
        ("/server_time", json!("soon"), "server_time"),
    ];
    for (index, (place, value, words)) in cases.into_iter().enumerate() {
        let mut bad = delta();
        let what = format!("case {index}: {value} at {place}");
        match bad.pointer_mut(place) {
            Some(field) => *field = value,
            None => {
                let (parent, field) = place.rsplit_once('/').unwrap();
                bad.pointer_mut(parent).unwrap()[field] = value;
            }
        }
        house
            .refuses(&what, &[text(bad.to_string())], "protocol", words)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_nobody_can_hold_are_refused_even_in_unknown_fields() {
    let house = House::synced().await;
    for (what, number) in [("a huge one", "1e400"), ("the other end", "-1E+999")] {
        for field in ["floor", "latitude", "some_new_field"] {
            let bad = delta()
                .to_string()
                .replacen("\"floor\":1", &format!("\"{field}\":{number}"), 1);
            let what = format!("{what} in {field}");
            house
                .refuses(&what, &[text(bad)], "protocol", &format!("data.{field}"))
                .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_second_page_leaves_the_first_and_its_watermark() {
    let house = House::synced().await;
    let page = |time: &str, more: bool| {
        let mut page = delta();
        page["server_time"] = time.into();
        page["more"] = more.into();
        house.sign(&mut page);
        page["changes"].as_array_mut().unwrap().truncate(1);
        // Its own room, so that the hub is not out of step with what was made up here.
        page["changes"][0]["entity_id"] = ROOM.into();
        page["changes"][0]["entity_type"] = "room".into();
        page
    };
    let first = page("2098-01-01T00:00:00.000000", true);
    let stuck = page("2098-01-01T00:00:00.000000", true);
    for (what, second, words) in [
        ("garbage behind a page", text("}{"), "not JSON"),
        ("a page that does not end", text(stuck.to_string()), "later time"),
    ] {
        house.front.plan("/request", Trick::Say(text(first.to_string())));
        house.front.plan("/request", Trick::Say(second));
        let error = house.client.sync().await.unwrap_err();
        assert_eq!(error.code(), "protocol", "{what}");
        assert!(error.to_string().contains(words), "{what}: {error}");
        assert_eq!(house.name().await, "Applied by half");
        let times = house.tables(&["SELECT DISTINCT server_time FROM watermarks"]);
        assert!(
            times.len() == 1 && times[0].contains("2098-01-01T00:00:00.000000"),
            "{what}: {times:?}"
        );
        // The next request goes on from there.
        let known = house.front.take_requests().len();
        assert_eq!(known, 2, "{what}");
        // The good hub is behind its own watermark now: the client notices, and asks anew.
        house.client.sync().await.unwrap();
        let asked: Value = serde_json::from_slice(&house.front.take_requests()[0].body).unwrap();
        assert_eq!(asked["last_sync"], "2098-01-01T00:00:00.000000", "{what}");
        let content = house.hub.store().lock().unwrap().content_digest().unwrap();
        assert_eq!(house.client.digests().await.unwrap().content, content, "{what}");
    }
}
