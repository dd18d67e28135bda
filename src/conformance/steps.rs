//! What the stage does itself: the hub, the way there, the clock, and the end of clients.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::StageError;
use super::backstage::soon;
use super::clock::Due;
use super::http;
use super::scenario::{Does, HubRequest, StageStep};
use super::stage::{Order, Play};
use crate::model::{Json, JsonObject};
use crate::seam::Wait;

impl Play {
    pub(super) fn perform(&mut self, step: StageStep) -> Result<(), StageError> {
        let mut line = json!({"step": self.step, "stage": word(&step)});
        match step {
            StageStep::HubDown => {
                self.door.leads_to(None);
                self.house.stop()?;
            }
            StageStep::HubUp => self.start_hub()?,
            StageStep::Fault(mut fault) => {
                if let Does::Answer { body: Some(body), .. } = &mut fault.does {
                    let told = self.names.resolve(body);
                    *body = told.map_err(|problem| self.unexpected(problem))?;
                }
                self.door.fault(fault);
            }
            StageStep::ClearFaults => self.door.clear(),
            StageStep::Release => {
                self.transcript.line(&line);
                self.door.release();
                let let_go = || !self.door.is_holding();
                return soon(let_go)
                    .then_some(())
                    .ok_or_else(|| self.stuck("the held request"));
            }
            StageStep::Await(step) => self.note(Some(step.until)),
            StageStep::HubRequest(asked) => return self.ask_hub(&asked),
            StageStep::Advance(by) => {
                line["ms"] = Json::from(by.ms);
                self.transcript.line(&line);
                return self.advance(by.ms);
            }
            StageStep::HubClock(to) => {
                line["offset_ms"] = Json::from(to.offset_ms);
                let offset = to.offset_ms.saturating_mul(1_000);
                self.hub_lot.offset.store(offset, Ordering::Release);
            }
            StageStep::ClientClock(to) => {
                line["client"] = Json::from(to.client.as_str());
                line["offset_ms"] = Json::from(to.offset_ms);
                if let Some(lot) = self.backstage.lot(&to.client) {
                    lot.offset
                        .store(to.offset_ms.saturating_mul(1_000), Ordering::Release);
                }
            }
            StageStep::HubToken(to) => {
                self.transcript.mask(to.token.clone(), "TOKEN");
                self.names.keep("token", Json::from(to.token.as_str()));
                self.house.set_token(&to.token);
                if self.house.is_up() {
                    self.house.stop()?;
                    self.start_hub()?;
                }
            }
            StageStep::HubEpoch => self.house.new_epoch()?,
            StageStep::PageLimit(to) => {
                line["changes"] = Json::from(to.changes);
                self.house.set_page_limit(to.changes);
            }
            StageStep::Open(who) => self.order_open(&who.client),
            StageStep::LetGo(who) => {
                self.need(&who.client)?;
                line["client"] = Json::from(who.client.as_str());
                self.queue.push_back(Order::LetGo { client: who.client });
            }
            StageStep::Kill(who) => {
                self.need(&who.client)?;
                line["client"] = Json::from(who.client.as_str());
                self.transcript.line(&line);
                return self.kill(&who.client);
            }
            StageStep::Contents(who) => {
                self.need(&who.client)?;
                self.order_contents(&who.client);
            }
        }
        self.transcript.line(&line);
        Ok(())
    }

    fn start_hub(&mut self) -> Result<(), StageError> {
        if !self.house.is_up() {
            self.house.start()?;
        }
        self.door.leads_to(self.house.address());
        Ok(())
    }

    fn ask_hub(&mut self, asked: &HubRequest) -> Result<(), StageError> {
        let hub = self
            .house
            .address()
            .ok_or_else(|| self.unexpected("the hub is down"))?;
        let resolve = |value: &Json| {
            self.names
                .resolve(value)
                .map_err(|problem| self.unexpected(problem))
        };
        let body = asked.body.as_ref().map(resolve).transpose()?;
        let request = http::Request {
            method: asked.method.clone(),
            path: asked.path.clone(),
            headers: vec![
                (
                    "authorization".to_owned(),
                    format!("Bearer {}", self.house.token()),
                ),
                ("content-type".to_owned(), "application/json".to_owned()),
            ],
            body: body
                .as_ref()
                .map(|body| body.to_string().into_bytes())
                .unwrap_or_default(),
        };
        let answer = http::ask(hub, &request).map_err(StageError::broken)?;
        let told: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
        self.transcript
            .line(&json!({"step": self.step, "stage": "hub_request",
            "method": asked.method, "path": asked.path, "body": body,
            "status": answer.status, "answer": told}));
        let outcome = if answer.status < 300 { "ok" } else { "error" };
        let told = JsonObject::from_iter([(outcome.to_owned(), told)]);
        self.keep(asked.name.as_deref(), &told);
        self.compare(asked.expect.as_ref(), &told)
    }

    /// Moves the clock, and wakes whose time has come, one after the other: each does
    /// what it has to before the next is woken.
    fn advance(&mut self, ms: i64) -> Result<(), StageError> {
        self.clock.pass(ms.saturating_mul(1_000));
        for due in self.clock.due() {
            let next = match due.purpose {
                Wait::Interval | Wait::Quiet => Some(Wait::Interval),
                Wait::Follow => Some(Wait::Follow),
                _ => None,
            };
            let begun = next.map(|next| self.clock.begun(&due.client, next));
            let refused = self.backstage.told(&due.client, "needs_auth");
            if !self.clock.fire(&due) {
                continue;
            }
            let (Some(next), Some(begun)) = (next, begun) else {
                continue;
            };
            let over = || {
                self.backstage.listen()
                    && (self.door.is_holding()
                        || self.backstage.told(&due.client, "needs_auth") > refused
                        || self.clock.begun(&due.client, next) > begun
                            && (next != Wait::Interval || self.is_planned(&due.client)))
            };
            if !soon(over) {
                return Err(self.stuck_with(&due));
            }
        }
        self.wait_for_quiet()
    }

    fn stuck_with(&self, due: &Due) -> StageError {
        self.stuck(format!("{} after its wait ({:?})", due.client, due.purpose))
    }

    /// Ends a client as if the machine had lost its power now: its files are found as
    /// they are at this moment, whatever its end does to them.
    fn kill(&mut self, client: &str) -> Result<(), StageError> {
        let replica = self.replica(client);
        let mut files = BTreeMap::new();
        for end in ["", "-wal"] {
            let file = PathBuf::from(format!("{}{end}", replica.display()));
            match std::fs::read(&file) {
                Ok(bytes) => drop(files.insert(file, bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(StageError::broken(error)),
            }
        }
        self.killed = Some((client.to_owned(), files));
        self.transcript.mute(true);
        self.order_farewell(client);
        Ok(())
    }

    /// Puts back what a client that was killed has left.
    pub(super) fn bury(&mut self, client: &str) -> Result<(), StageError> {
        let Some((_, files)) = self.killed.take_if(|(name, _)| name == client) else {
            return Ok(());
        };
        let replica = self.replica(client);
        for end in ["", "-wal", "-shm"] {
            let file = PathBuf::from(format!("{}{end}", replica.display()));
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(StageError::broken(error));
                }
                _ => {}
            }
        }
        for (file, bytes) in files {
            std::fs::write(file, bytes).map_err(StageError::broken)?;
        }
        self.transcript.mute(false);
        Ok(())
    }
}

fn word(step: &StageStep) -> &'static str {
    match step {
        StageStep::HubDown => "hub_down",
        StageStep::HubUp => "hub_up",
        StageStep::Fault(_) => "fault",
        StageStep::ClearFaults => "clear_faults",
        StageStep::Release => "release",
        StageStep::Await(_) => "await",
        StageStep::HubRequest(_) => "hub_request",
        StageStep::Advance(_) => "advance",
        StageStep::HubClock(_) => "hub_clock",
        StageStep::ClientClock(_) => "client_clock",
        StageStep::HubToken(_) => "hub_token",
        StageStep::HubEpoch => "hub_epoch",
        StageStep::PageLimit(_) => "page_limit",
        StageStep::Open(_) => "open",
        StageStep::LetGo(_) => "let_go",
        StageStep::Kill(_) => "kill",
        StageStep::Contents(_) => "contents",
    }
}
