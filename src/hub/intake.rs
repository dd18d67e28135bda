//! Bodies of requests, whole and within limits: of size, of time, and of what all
//! of them together may take of the memory.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::StatusCode;
use futures_util::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::protocol::{MAX_MESSAGE_BYTES, ProtocolError};

use super::http::Problem;

/// A body of no more than this may always come. Whoever has no token may send none larger.
pub(super) const SMALL_BYTES: usize = 64 * 1024;
/// What all larger bodies together may take.
const LARGE_BYTES: usize = 4 * MAX_MESSAGE_BYTES;
/// How much of a body that is too large is read and thrown away, so that its
/// sender gets to hear the answer instead of a broken connection.
const MAX_DISCARDED_BYTES: usize = 8 * MAX_MESSAGE_BYTES;

/// Where bodies come in.
pub(super) struct Intake {
    /// How long one may take to arrive.
    patience: Duration,
    /// Bytes that are left for larger ones.
    room: Arc<Semaphore>,
    /// Made into values a message takes many times its size: larger ones are
    /// worked on one after another.
    turn: Arc<Semaphore>,
}

/// A body, with its room for as long as it is kept.
pub(super) struct Taken {
    bytes: Vec<u8>,
    room: Option<OwnedSemaphorePermit>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Deref for Taken {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Intake {
    pub(super) fn new(patience: Duration) -> Arc<Self> {
        Arc::new(Self {
            patience,
            room: Arc::new(Semaphore::new(LARGE_BYTES)),
            turn: Arc::new(Semaphore::new(1)),
        })
    }

    /// The body of somebody who was let in.
    pub(super) async fn read(&self, body: Body) -> Result<Taken, Problem> {
        self.read_within(body, MAX_MESSAGE_BYTES).await
    }

    /// A body of no more than `limit` bytes.
    pub(super) async fn read_within(&self, body: Body, limit: usize) -> Result<Taken, Problem> {
        let mut taken = match tokio::time::timeout(self.patience, self.collect(body, limit)).await {
            Ok(taken) => taken?,
            Err(_) => return Err(Problem::status(StatusCode::REQUEST_TIMEOUT, "Request Timeout")),
        };
        if taken.room.is_some() {
            taken._turn = Some(permits(&self.turn, 1).await?);
        }
        Ok(taken)
    }

    async fn collect(&self, body: Body, limit: usize) -> Result<Taken, Problem> {
        let announced = body
            .size_hint()
            .upper()
            .and_then(|size| usize::try_from(size).ok());
        let most = announced.unwrap_or(limit).min(limit);
        let mut stream = body.into_data_stream();
        let mut bytes = Vec::new();
        let mut room = None;
        let mut total = 0usize;
        while let Some(chunk) = stream.next().await {
            let chunk: Bytes =
                chunk.map_err(|_| Problem::status(StatusCode::BAD_REQUEST, "The body ended early"))?;
            total = total.saturating_add(chunk.len());
            if total > limit {
                (bytes, room) = (Vec::new(), None);
                if total > MAX_DISCARDED_BYTES {
                    break;
                }
                continue;
            }
            if total > SMALL_BYTES && room.is_none() {
                room = Some(self.room_for(most).await?);
            }
            bytes.extend_from_slice(&chunk);
        }
        if total > limit {
            return Err(ProtocolError::TooLarge { limit }.into());
        }
        Ok(Taken {
            bytes,
            room,
            _turn: None,
        })
    }

    /// Waits until there is room, but not so long that the sender seems slow.
    async fn room_for(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        match tokio::time::timeout(self.patience / 2, permits(&self.room, bytes)).await {
            Ok(room) => room,
            Err(_) => Err(busy()),
        }
    }
}

async fn permits(semaphore: &Arc<Semaphore>, count: usize) -> Result<OwnedSemaphorePermit, Problem> {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    // It fails only if the semaphore is closed, which nobody does.
    let permit = Arc::clone(semaphore).acquire_many_owned(count).await;
    permit.map_err(|_| busy())
}

fn busy() -> Problem {
    Problem::status(StatusCode::SERVICE_UNAVAILABLE, "The hub is busy, try again")
}
