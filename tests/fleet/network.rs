//! The way to the hub and back, with everything that can go wrong on it, and
//! the hub's door: real bytes in, real bytes out.

use serde_json::Value;

use wildthing::hub::HubError;
use wildthing::model::Timestamp;
use wildthing::protocol::v1::{
    ACK_PATH, Ack, Delta, PUSH_PATH, PushChange, PushRequest, PushResult, REQUEST_PATH, SyncRequest,
};
use wildthing::seam::Seam as _;
use wildthing::sync::Event;
use wildthing::transport::Response;

use crate::client::Doing;
use crate::model::{Answer, Check, Outcome};
use crate::world::{World, odd};

/// A message on its way.
#[derive(Debug)]
pub struct Flight {
    pub id: u64,
    pub client: usize,
    pub process: usize,
    pub path: &'static str,
    /// How many edits it carries.
    pub changes: usize,
    pub leg: Leg,
    /// Stuck somewhere: it comes much later, or not.
    pub held: bool,
}

#[derive(Debug)]
pub enum Leg {
    Out(Vec<u8>),
    Back(Response),
}

/// A change whose record is called so makes the hub refuse the whole push.
pub const POISON: &str = "poison";
/// A change whose record is called so can't be read by the hub, alone.
pub const MANGLED: &str = "mangled";

fn answer(status: u16, body: &Value) -> Response {
    Response {
        status,
        body: serde_json::to_vec(body).unwrap_or_default(),
        retry_after: None,
    }
}

fn refusal(status: u16) -> Response {
    answer(status, &serde_json::json!({"detail": "the simulation says so"}))
}

impl World {
    /// One leg of one message.
    pub fn carry(&mut self, index: usize) -> Check {
        let flight = self.wire.swap_remove(index);
        match flight.leg {
            Leg::Out(bytes) => self.arrive(
                Flight {
                    leg: Leg::Out(Vec::new()),
                    ..flight
                },
                bytes,
            ),
            Leg::Back(response) => self.deliver(
                Flight {
                    leg: Leg::Out(Vec::new()),
                    ..flight
                },
                response,
            ),
        }
    }

    fn awaited(&self, flight: &Flight) -> bool {
        matches!(self.clients[flight.client].processes[flight.process].doing,
                 Doing::Asking(attempt) if attempt == flight.id)
    }

    /// A request reaches the hub, or what is left of it.
    fn arrive(&mut self, flight: Flight, bytes: Vec<u8>) -> Check {
        let (client, process) = (flight.client, flight.process);
        self.note(format_args!("c{client}p{process} -> hub {}", flight.path));
        if !self.awaited(&flight) {
            self.cover
                .hit("fault: request delivered after its sender gave up or died");
        }
        let roll = if self.calm { 1_000 } else { self.rng.below(1_000) };
        if self.hub_down {
            return Ok(());
        }
        let sick = self.hub_sick && !self.calm && self.rng.permille(700);
        let early = match roll {
            _ if sick => Some(*self.rng.pick(&[500, 500, 503, 429]).unwrap_or(&500)),
            0..25 => {
                self.cover.hit("fault: request lost");
                return Ok(());
            }
            25..40 => Some(503),
            40..50 => Some(429),
            50..68 => Some(500),
            _ => None,
        };
        let response = if let Some(status) = early {
            self.cover.hit(&format!("fault: answered {status}"));
            Some(refusal(status))
        } else {
            if (68..120).contains(&roll) {
                self.cover.hit("fault: request duplicated");
                self.wire.push(Flight {
                    leg: Leg::Out(bytes.clone()),
                    held: self.rng.permille(700),
                    ..flight
                });
            }
            let response = self.serve(flight.path, &bytes)?;
            if (120..132).contains(&roll) && response.is_some() {
                self.cover.hit("fault: processed, then answered 500");
                Some(refusal(if self.rng.permille(700) { 500 } else { 502 }))
            } else {
                response
            }
        };
        if let Some(mut response) = response {
            if response.status == 429 && self.rng.permille(300) {
                response.retry_after = Some(std::time::Duration::from_secs(3));
            }
            let held = !self.calm && self.rng.permille(40);
            if held {
                self.cover.hit("fault: answer delayed");
            }
            self.wire.push(Flight {
                leg: Leg::Back(response),
                held,
                ..flight
            });
        }
        Ok(())
    }

    /// An answer reaches its process, if that still waits for it.
    fn deliver(&mut self, flight: Flight, mut response: Response) -> Check {
        let (client, process) = (flight.client, flight.process);
        if !self.awaited(&flight) {
            return Ok(());
        }
        let roll = if self.calm { 1_000 } else { self.rng.below(1_000) };
        let blame = &mut self.clients[client].processes[process].blame;
        match roll {
            0..60 => {
                self.cover.hit("fault: answer lost");
                return Ok(());
            }
            60..80 if response.status == 200 => {
                self.cover.hit("fault: answer cut");
                blame.cut = true;
                let keep = self.rng.index(response.body.len());
                response.body.truncate(keep);
            }
            _ => {}
        }
        if response.status != 200 {
            blame.status = true;
        }
        if matches!(response.status, 400 | 413 | 422 | 500) && flight.changes > 1 {
            self.cover.hit("push: halved");
        }
        self.note(format_args!(
            "c{client}p{process} <- hub {} {} ({} bytes)",
            flight.path,
            response.status,
            response.body.len()
        ));
        self.clients[client].processes[process].doing = Doing::Ready(Event::Response(response));
        Ok(())
    }

    /// What the hub answers; `None` if it died over it.
    fn serve(&mut self, path: &str, bytes: &[u8]) -> Check<Option<Response>> {
        match path {
            REQUEST_PATH => {
                let request = SyncRequest::decode(bytes).map_err(odd)?;
                let delta = self.hub.delta(&request).map_err(odd)?;
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
            self.hub.set_fault(Some(Box::new(|_| true)));
        }
        let outcome = self.hub.push(&client_id, sent);
        self.hub.set_fault(None);
        let mut result = match outcome {
            Ok(result) => result,
            Err(HubError::Injected { .. }) => {
                self.cover.hit("fault: hub killed in push");
                self.hub_down = true;
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
        Ok(self.hub.delta(&request).map_err(odd)?.server_time)
    }
}

fn named(change: &PushChange, name: &str) -> bool {
    change.version.name.as_deref() == Some(name)
}
