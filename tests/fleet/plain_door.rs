//! The door of a v1 hub: the request as bytes, the answer as bytes, and the
//! oracle told of what passes.

use serde_json::Value;

use wildthing::hub::HubError;
use wildthing::model::Timestamp;
use wildthing::protocol::v1::{
    ACK_PATH, Ack, Delta, PUSH_PATH, PushChange, PushRequest, PushResult, REQUEST_PATH, SyncRequest,
};
use wildthing::protocol::v2::STATUS_PATH;
use wildthing::seam::Seam as _;
use wildthing::transport::Response;

use crate::model::{Answer, Check, Outcome};
use crate::network::{MANGLED, POISON, answer, refusal};
use crate::world::{World, odd};

impl World {
    /// What the hub answers; `None` if it died over it.
    pub fn serve_plain(&mut self, path: &str, body: Option<&[u8]>) -> Check<Option<Response>> {
        let bytes = body.unwrap_or_default();
        match path {
            // By this a client that was not told learns which protocol this is.
            path if path.starts_with(STATUS_PATH) => Ok(Some(refusal(404))),
            REQUEST_PATH => {
                let request = SyncRequest::decode(bytes).map_err(odd)?;
                let delta = self.hub.plain_mut()?.delta(&request).map_err(odd)?;
                if delta.more {
                    self.cover.hit("hub: page with more");
                }
                let delta = self.scramble(delta);
                Ok(Some(answer(200, &delta.encode())))
            }
            PUSH_PATH => self.serve_push(bytes),
            ACK_PATH => {
                Ack::check(bytes).map_err(odd)?;
                Ok(Some(answer(200, &Ack::response(self.hub_seam.now()))))
            }
            other => Err(odd(format!("a request to {other}"))),
        }
    }

    /// Nothing says in which order the changes of a page are listed.
    fn scramble(&mut self, mut delta: Delta) -> Delta {
        if self.rng.permille(300) {
            self.rng.shuffle(&mut delta.changes);
            self.rng.shuffle(&mut delta.conflicts);
        }
        delta
    }

    fn serve_push(&mut self, bytes: &[u8]) -> Check<Option<Response>> {
        let (client_id, raw) = PushRequest::decode_frame(bytes).map_err(odd)?;
        let mut changes = Vec::new();
        for value in &raw {
            changes.push(PushChange::decode(value.clone()).map_err(|(_, error)| odd(error))?);
        }
        if changes.iter().any(|change| named(change, POISON)) {
            self.cover.hit("fault: answered 422");
            return Ok(Some(refusal(if self.rng.permille(800) { 422 } else { 400 })));
        }
        let mut taken: Vec<usize> = (0..raw.len()).collect();
        if !self.calm && raw.len() > 1 && self.rng.permille(120) {
            self.cover.hit("fault: partial answer");
            let keep = self.rng.index(raw.len());
            if self.rng.permille(500) {
                taken.truncate(keep);
            } else {
                taken.retain(|_| self.rng.permille(600));
            }
        }
        let sent: Vec<Value> = taken
            .iter()
            .map(|index| {
                let mut value = raw[*index].clone();
                if named(&changes[*index], MANGLED) {
                    value["data"] = "unreadable".into();
                }
                value
            })
            .collect();
        let readable: Vec<PushChange> = taken
            .iter()
            .map(|index| changes[*index].clone())
            .filter(|change| !named(change, MANGLED))
            .collect();
        let dies = !self.calm && self.rng.permille(20);
        if dies {
            self.hub.plain_mut()?.set_fault(Some(Box::new(|_| true)));
        }
        let outcome = self.hub.plain_mut()?.push(&client_id, sent);
        self.hub.plain_mut()?.set_fault(None);
        let mut result = match outcome {
            Ok(result) => result,
            Err(HubError::Injected { .. }) => {
                self.cover.hit("fault: hub killed in push");
                self.hub_goes_down();
                return Ok(None);
            }
            Err(error) => return Err(odd(error)),
        };
        let answers = self.model.hub.push(&readable, &result)?;
        self.model.check_rivals(&readable, &answers)?;
        self.check_hub(&readable)?;
        for answer in &answers {
            self.count_answer(answer);
        }
        if !result.rejected.is_empty() && !result.applied.is_empty() {
            self.cover.hit("push: rejected alone among others");
        }
        self.shuffle_answer(&mut result);
        Ok(Some(answer(200, &result.encode())))
    }

    fn shuffle_answer(&mut self, result: &mut PushResult) {
        if self.rng.permille(500) {
            self.rng.shuffle(&mut result.applied);
            self.rng.shuffle(&mut result.conflicts);
            self.rng.shuffle(&mut result.rejected);
        }
    }

    fn count_answer(&mut self, answer: &Answer) {
        match answer {
            Answer::Applied => {}
            Answer::Superseded => self.cover.hit("hub: superseded edit answered applied"),
            Answer::Repeated(Outcome::Lost) => self.cover.hit("hub: repeated answer, lost"),
            Answer::Repeated(_) => self.cover.hit("hub: repeated answer, applied"),
            Answer::Won(fight) | Answer::Lost(fight) => {
                self.cover.hit(&format!("hub: {}", fight.reason));
                if fight.exact && !fight.reason.ends_with("deleted") {
                    self.cover.hit("hub: conflict of edits exactly one second apart");
                }
                self.cover.hit(if matches!(answer, Answer::Won(_)) {
                    "hub: client_wins"
                } else {
                    "hub: server_wins"
                });
            }
        }
    }

    /// The greatest time a watermark can rightly have.
    pub fn served_until(&mut self) -> Check<Timestamp> {
        let request = SyncRequest {
            client_id: "nobody".into(),
            last_sync: Some(Timestamp::from_micros(i64::MAX)),
            kinds: wildthing::model::Kind::V1.to_vec(),
            include_deleted: true,
            state_digest: true,
        };
        Ok(self.hub.plain_mut()?.delta(&request).map_err(odd)?.server_time)
    }
}

fn named(change: &PushChange, name: &str) -> bool {
    change.version.name.as_deref() == Some(name)
}
