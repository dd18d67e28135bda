//! Hearing of a change, and letting go of subscriptions in every way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wildthing::client::{
    ChangeBatch, ChangeEvent, ChangeObserver, ChangeStream, ChangeSubscription, ObserverError, Result,
    WildThingClient,
};
use wildthing::model::RecordId;

/// Whether a batch tells of a device's state, or that something was left out.
fn tells_of(batch: &ChangeBatch, device: &RecordId) -> bool {
    let told = |event: &ChangeEvent| match event {
        ChangeEvent::StateChanged { device_id, .. } => device_id.as_ref() == Some(device),
        _ => false,
    };
    batch.missed > 0 || batch.events.iter().any(told)
}

/// Reads until a change of the device is told, or the client ends.
pub(crate) async fn hears_of(changes: &ChangeStream, device: &RecordId) {
    while let Some(batch) = changes.next().await {
        if tells_of(&batch, device) {
            return;
        }
    }
}

/// An observer that waits for one device.
pub(crate) struct Ear {
    device: RecordId,
    heard: AtomicBool,
}

pub(crate) fn observe(client: &WildThingClient, device: &RecordId) -> (Arc<Ear>, Arc<ChangeSubscription>) {
    let ear = Arc::new(Ear {
        device: device.clone(),
        heard: AtomicBool::new(false),
    });
    let observer: Arc<dyn ChangeObserver> = Arc::clone(&ear) as Arc<dyn ChangeObserver>;
    let subscription = client.observe_changes(observer);
    (ear, subscription)
}

impl Ear {
    /// Waits until it was told of the change, or the client ended.
    pub(crate) async fn hears_or_ends(&self, subscription: &ChangeSubscription) {
        while !self.heard.load(Ordering::Acquire) && subscription.is_active() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl ChangeObserver for Ear {
    fn on_changes(&self, batch: ChangeBatch) -> std::result::Result<(), ObserverError> {
        if tells_of(&batch, &self.device) {
            self.heard.store(true, Ordering::Release);
        }
        Ok(())
    }
}

/// Opens one of each, takes nothing from any, and lets go of them in no order.
pub(crate) fn glance(client: &WildThingClient, room: &RecordId) -> Result<()> {
    let _changes = client.changes();
    let _houses = client.watch_houses();
    let rooms = client.watch_rooms(None)?;
    let _devices = client.watch_devices(Some(room.clone()))?;
    let status = client.watch_status();
    rooms.cancel();
    drop(status);
    Ok(())
}
