//! Answers to step 3 that can't be used, or that say nothing of the edit.

use super::*;
use wildthing::client::types::OutboxState;

fn answer(body: impl Into<Vec<u8>>) -> Canned {
    Canned::answer(200, &[], body)
}

/// The `client_sync_id`s that were pushed since the last look.
fn attempts(house: &House) -> Vec<Value> {
    let requests = house.front.take_requests();
    let pushes = requests.iter().filter(|request| request.path.ends_with("/push"));
    let ids = pushes.map(|push| {
        let body: Value = serde_json::from_slice(&push.body).unwrap();
        assert_eq!(body["changes"].as_array().unwrap().len(), 1);
        body["changes"][0]["client_sync_id"].clone()
    });
    ids.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_push_that_cant_be_read_settles_nothing() {
    let house = House::synced().await;
    let deep = format!("{{\"applied\":{}{}}}", "[".repeat(70), "]".repeat(70));
    let cases: [(&str, Canned, &str); 11] = [
        ("garbage", answer("OK"), "not JSON"),
        ("nothing", answer(""), "not JSON"),
        ("a list", answer("[true]"), "an object"),
        (
            "truncated",
            answer("{\"type\":\"sync_result\",\"applied\":[{"),
            "not JSON",
        ),
        ("a web page", answer("<html>Welcome"), "web page"),
        ("not UTF-8", answer(b"{\"type\":\"sync_\xff\"}".to_vec()), "UTF-8"),
        ("too deep", answer(deep), "deeper than 64"),
        (
            "a wrong list",
            answer("{\"type\":\"sync_result\",\"applied\":{}}"),
            "applied",
        ),
        (
            "a wrong entry",
            answer("{\"type\":\"sync_result\",\"applied\":[7],\"conflicts\":[]}"),
            "applied[0]",
        ),
        (
            "a wrong verdict",
            answer(
                "{\"type\":\"sync_result\",\"applied\":[],\"conflicts\":[{\"entity_type\":\"room\",\
                 \"entity_id\":\"room-123\",\"reason\":\"x\",\"resolution\":\"nobody_wins\"}]}",
            ),
            "conflicts[0].resolution",
        ),
        (
            "a bomb",
            Canned::answer(200, &[("Content-Encoding", "gzip")], gzip::of_zeros(9 << 20)),
            "larger than",
        ),
    ];
    for (what, canned, words) in cases {
        house.rename(what).await;
        let before = house.unsettled();
        house.front.take_requests();
        house.front.plan("/push", Trick::Say(canned));
        let found = house.fails(what, "protocol").await;
        assert!(found.contains(words), "{what}: {words:?} is not in {found:?}");
        same(&before, &house.unsettled(), what);
        let first = attempts(&house);
        house.recovers(what).await;
        // The same attempt, so that a server that did take it knows it again.
        assert_eq!(attempts(&house), first, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_was_taken_before_the_answer_was_lost_is_settled_once() {
    let house = House::synced().await;
    for tries in [1, 4] {
        let what = format!("lost {tries} times");
        house.rename(&what).await;
        house.front.take_requests();
        for _ in 0..tries {
            house.front.plan("/push", Trick::LoseAnswer);
        }
        house.goes_through(&what).await;
        let sent = attempts(&house);
        assert_eq!(sent.len(), tries + 1);
        assert!(sent.iter().all(|attempt| *attempt == sent[0]), "{sent:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_names_other_edits_acknowledges_none_of_ours() {
    let house = House::synced().await;
    for (what, body) in [
        (
            "somebody else's",
            json!({"type": "sync_result", "conflicts": [],
                   "applied": [{"client_sync_id": "0", "server_sync_id": "1", "status": "applied"}]}),
        ),
        (
            "as many as we sent, all nameless",
            json!({"type": "sync_result", "conflicts": [],
                   "applied": [{"client_sync_id": null, "server_sync_id": null, "status": "applied"}]}),
        ),
        (
            "nothing at all",
            json!({"type": "sync_result", "applied": [], "conflicts": []}),
        ),
    ] {
        house.rename(what).await;
        house.front.plan("/push", Trick::Say(Canned::json(200, &body)));
        let result = house.client.sync().await.unwrap();
        assert_eq!(result.pushed, 0, "{what}");
        assert_eq!(result.errors.len(), 1, "{what}: {result:?}");
        assert_eq!(
            (result.errors[0].code.as_str(), result.errors[0].id.clone()),
            ("not_acknowledged", Some(id(ROOM)))
        );
        assert_eq!(house.name().await, what);
        house.recovers(what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_is_refused_alone_is_failed_with_the_servers_words() {
    let house = House::synced().await;
    for status in [400, 413, 422] {
        let what = format!("refused with {status}");
        house.rename(&what).await;
        let no = Canned::json(status, &json!({"detail": "the room is too small"}));
        house.front.plan("/push", Trick::Say(no));
        let result = house.client.sync().await.unwrap();
        assert_eq!(result.errors.len(), 1, "{result:?}");
        assert!(
            result.errors[0].detail.contains("the room is too small"),
            "{result:?}"
        );
        assert_eq!(result.errors[0].code, format!("http_{status}"));
        let pending = house.client.pending_changes().await.unwrap();
        assert_eq!(pending[0].state, OutboxState::Failed);
        // It stays so, is shown, and is not lost: retried, it arrives.
        assert!(house.client.sync().await.unwrap().errors.is_empty());
        assert_eq!(house.name().await, what);
        assert_eq!(house.client.retry_failed(None, None).await.unwrap(), 1);
        house.recovers(&what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loss_or_nonsense_of_the_acknowledgement_harms_nothing() {
    let house = House::synced().await;
    for (what, trick) in [
        ("garbage", Trick::Say(answer("?"))),
        ("an error", Trick::Say(Canned::answer(500, &[], ""))),
        ("a closed door", Trick::Say(Canned::Close)),
        ("a refusal", Trick::Say(Canned::answer(401, &[], ""))),
    ] {
        house.rename(what).await;
        house.front.plan("/ack", trick);
        house.goes_through(what).await;
    }
}
