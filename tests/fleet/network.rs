//! The way to the hub and back, with everything that can go wrong on it. Behind
//! the hub's door, where real bytes become real bytes, are `plain_door` and
//! `graph_door`.

use serde_json::Value;

use wildthing::sync::Event;
use wildthing::transport::Response;

use crate::client::Doing;
use crate::hub::Hub;
use crate::model::Check;
use crate::world::World;

/// A message on its way.
#[derive(Debug, Clone)]
pub struct Flight {
    pub id: u64,
    pub client: usize,
    pub process: usize,
    pub path: String,
    /// How many edits it carries.
    pub changes: usize,
    pub leg: Leg,
    /// Stuck somewhere: it comes much later, or not.
    pub held: bool,
}

#[derive(Debug, Clone)]
pub enum Leg {
    /// The body; none is a question by path alone.
    Out(Option<Vec<u8>>),
    Back(Response),
}

/// A change whose record is called so makes the hub refuse the whole push.
pub const POISON: &str = "poison";
/// A change whose record is called so can't be read by the hub, alone.
pub const MANGLED: &str = "mangled";

pub fn answer(status: u16, body: &Value) -> Response {
    Response {
        status,
        body: serde_json::to_vec(body).unwrap_or_default(),
        retry_after: None,
    }
}

pub fn refusal(status: u16) -> Response {
    answer(status, &serde_json::json!({"detail": "the simulation says so"}))
}

impl World {
    /// One leg of one message.
    pub fn carry(&mut self, index: usize) -> Check {
        let flight = self.wire.swap_remove(index);
        match flight.leg {
            Leg::Out(_) => self.arrive(flight),
            Leg::Back(response) => self.deliver(
                Flight {
                    leg: Leg::Out(None),
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
    fn arrive(&mut self, flight: Flight) -> Check {
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
                    held: self.rng.permille(700),
                    ..flight.clone()
                });
            }
            if self.stamped_only(&flight) {
                return Ok(());
            }
            let response = self.serve(&flight)?;
            if (120..132).contains(&roll) && response.is_some() {
                self.cover.hit("fault: processed, then answered 500");
                Some(refusal(if self.rng.permille(700) { 500 } else { 502 }))
            } else {
                response
            }
        };
        if response.as_ref().is_some_and(|response| response.status == 500) {
            self.leaves_behind(&flight)?;
        }
        self.send_back(flight, response);
        Ok(())
    }

    /// What the hub answers; `None` if it died over it.
    fn serve(&mut self, flight: &Flight) -> Check<Option<Response>> {
        let body = match &flight.leg {
            Leg::Out(Some(body)) => Some(body.as_slice()),
            _ => None,
        };
        match self.hub {
            Hub::Plain(_) => self.serve_plain(&flight.path, body),
            Hub::Graph(_) => self.serve_graph(&flight.path, body),
        }
    }

    /// The answer to a request sets out, if there is one.
    pub fn send_back(&mut self, flight: Flight, response: Option<Response>) {
        let Some(mut response) = response else { return };
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

    /// The hub's process dies, with what it had not committed.
    pub fn hub_goes_down(&mut self) {
        self.hub_down = true;
        self.hub.forget_uncommitted();
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
}
