//! One scripted clock for the whole stage, and the seams of hub and clients on it.
//!
//! A wait within a call (a sync that tries again, or asks for the lease again)
//! passes at once and takes the clock with it. Every other wait stands until a
//! step `advance` has brought the clock to its end.

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;

use super::lock;
use super::transcript::Transcript;
use crate::model::Timestamp;
use crate::seam::{BoxFuture, Seam, Wait};

/// 2026-03-01T12:00:00, in microseconds.
const BEGIN: i64 = 1_772_366_400_000_000;

/// The time, and who waits for it.
#[derive(Debug)]
pub(super) struct Clock {
    state: Mutex<State>,
    transcript: Arc<Transcript>,
}

#[derive(Debug)]
struct State {
    now: i64,
    timers: Vec<Timer>,
    /// How often each client began to wait for something.
    begun: BTreeMap<(String, Wait), u64>,
    last_number: u64,
}

#[derive(Debug)]
struct Timer {
    number: u64,
    client: String,
    purpose: Wait,
    due: i64,
    fire: oneshot::Sender<()>,
}

/// A timer that is due.
#[derive(Debug, Clone)]
pub(super) struct Due {
    number: u64,
    pub(super) client: String,
    pub(super) purpose: Wait,
}

impl Clock {
    pub(super) fn new(transcript: Arc<Transcript>) -> Arc<Self> {
        let state = State {
            now: BEGIN,
            timers: Vec::new(),
            begun: BTreeMap::new(),
            last_number: 0,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            transcript,
        })
    }

    /// Moves the time on. Nobody who waits is woken yet.
    pub(super) fn pass(&self, micros: i64) {
        let mut state = lock(&self.state);
        state.now = state.now.saturating_add(micros.max(0));
    }

    /// Who waits for a time that has come, the longest overdue first; those of one
    /// moment in the order of clients and purposes.
    pub(super) fn due(&self) -> Vec<Due> {
        let state = lock(&self.state);
        let mut due: Vec<&Timer> = state
            .timers
            .iter()
            .filter(|timer| timer.due <= state.now)
            .collect();
        due.sort_by(|a, b| (a.due, &a.client, a.purpose).cmp(&(b.due, &b.client, b.purpose)));
        due.into_iter()
            .map(|timer| Due {
                number: timer.number,
                client: timer.client.clone(),
                purpose: timer.purpose,
            })
            .collect()
    }

    /// Wakes one; false if it waits no more.
    pub(super) fn fire(&self, due: &Due) -> bool {
        let mut state = lock(&self.state);
        let place = state.timers.iter().position(|timer| timer.number == due.number);
        place.is_some_and(|place| state.timers.swap_remove(place).fire.send(()).is_ok())
    }

    /// How often `client` began to wait for `purpose`.
    pub(super) fn begun(&self, client: &str, purpose: Wait) -> u64 {
        let state = lock(&self.state);
        let key = (client.to_owned(), purpose);
        state.begun.get(&key).copied().unwrap_or(0)
    }

    /// When the wait of `client` for `purpose` ends, in microseconds, if there is one.
    pub(super) fn ends(&self, client: &str, purpose: Wait) -> Option<i64> {
        let state = lock(&self.state);
        let mut timers = state.timers.iter();
        timers
            .find(|timer| timer.client == client && timer.purpose == purpose)
            .map(|timer| timer.due)
    }

    fn stand(self: &Arc<Self>, client: &str, purpose: Wait, duration: Duration) -> Standing {
        let (fire, fired) = oneshot::channel();
        let mut state = lock(&self.state);
        state.last_number += 1;
        let number = state.last_number;
        let due = state.now.saturating_add(micros(duration));
        *state.begun.entry((client.to_owned(), purpose)).or_default() += 1;
        state.timers.push(Timer {
            number,
            client: client.to_owned(),
            purpose,
            due,
            fire,
        });
        Standing {
            clock: Arc::clone(self),
            number,
            fired,
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// A wait for the clock. Whoever gives up on it waits no more.
struct Standing {
    clock: Arc<Clock>,
    number: u64,
    fired: oneshot::Receiver<()>,
}

impl Future for Standing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // A clock that is gone wakes everybody.
        Pin::new(&mut self.fired).poll(context).map(|_| ())
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        let mut state = lock(&self.clock.state);
        state.timers.retain(|timer| timer.number != self.number);
    }
}

/// What outlives a client that is let go and opened again.
#[derive(Debug, Clone)]
pub(super) struct Lot {
    /// Whose it is.
    pub(super) name: String,
    /// Makes its ids other than anybody else's.
    pub(super) number: u8,
    /// How far its clock is off, in microseconds.
    pub(super) offset: Arc<AtomicI64>,
    drawn: Arc<AtomicU64>,
}

impl Lot {
    pub(super) fn new(name: &str, number: u8, offset_ms: i64) -> Self {
        Self {
            name: name.to_owned(),
            number,
            offset: Arc::new(AtomicI64::new(offset_ms.saturating_mul(1_000))),
            drawn: Arc::default(),
        }
    }
}

/// The seam of one client or of the hub: random numbers are counted.
#[derive(Debug)]
pub(super) struct StageSeam {
    pub(super) clock: Arc<Clock>,
    pub(super) lot: Lot,
}

impl Seam for StageSeam {
    fn now(&self) -> Timestamp {
        let now = lock(&self.clock.state).now;
        Timestamp::from_micros(now.saturating_add(self.lot.offset.load(Ordering::Acquire)))
    }

    fn random(&self) -> [u8; 10] {
        let drawn = self.lot.drawn.fetch_add(1, Ordering::AcqRel) + 1;
        let mut bytes = [0; 10];
        bytes[0] = self.lot.number;
        bytes[2..].copy_from_slice(&drawn.to_be_bytes());
        bytes
    }

    /// Spread over the whole range, which the counted bytes are not.
    fn random_below(&self, bound: u64) -> u64 {
        let drawn = self.lot.drawn.fetch_add(1, Ordering::AcqRel) + 1;
        let spread = drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
        spread.checked_rem(bound).unwrap_or(0)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.clock.pass(micros(duration));
        Box::pin(ready(()))
    }

    fn wait(&self, purpose: Wait, duration: Duration) -> BoxFuture<'static, ()> {
        match purpose {
            Wait::Backoff | Wait::Again => {
                let waited = json!({"client": self.lot.name, "waits_ms": duration.as_millis() as u64});
                self.clock.transcript.line(&waited);
                self.sleep(duration)
            }
            Wait::Gather => self.sleep(duration),
            Wait::Interval | Wait::Quiet | Wait::Patience | Wait::Follow => {
                Box::pin(self.clock.stand(&self.lot.name, purpose, duration))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn waits_stand_until_the_clock_has_come_and_they_are_woken() {
        let clock = Clock::new(Arc::default());
        let lot = Lot::new("ann", 1, 0);
        let seam = StageSeam {
            clock: Arc::clone(&clock),
            lot,
        };
        let mut standing = seam.wait(Wait::Interval, Duration::from_secs(30));
        assert!(standing.as_mut().now_or_never().is_none());
        let begun = seam.now();
        assert!(
            seam.wait(Wait::Backoff, Duration::from_secs(7))
                .now_or_never()
                .is_some()
        );
        assert_eq!(seam.now().micros() - begun.micros(), 7_000_000);
        assert!(clock.due().is_empty());
        clock.pass(23_000_000);
        let due = clock.due();
        assert_eq!(due.len(), 1);
        assert!(clock.fire(&due[0]));
        assert!(standing.as_mut().now_or_never().is_some());
        drop(seam.wait(Wait::Follow, Duration::ZERO));
        assert!(clock.due().is_empty());
        assert_eq!(clock.begun("ann", Wait::Follow), 1);
    }
}
