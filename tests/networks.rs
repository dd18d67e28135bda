//! What networks do to a client that has edits to send: names that are not there,
//! doors that are shut, certificates that are wrong, redirects, answers that unpack
//! to gigabytes, servers whose clock is wrong or whose database is replaced, at
//! every request of a sync. Whatever it is, the sync tells it with a typed error or
//! goes through, and no edit is lost; then the next one makes replica and hub alike.
//!
//! Each test prints how many places it came to. What happens to single bytes on the
//! way is in `wire_faults`.
#![cfg(feature = "testing")]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

#[path = "networks/bombs.rs"]
mod bombs;
#[path = "networks/clocks.rs"]
mod clocks;
#[path = "networks/doors.rs"]
mod doors;
mod fault_support;
#[path = "networks/gate.rs"]
mod gate;
#[path = "bad_servers/gzip.rs"]
mod gzip;
#[path = "bad_servers/impatient.rs"]
mod impatient;
#[path = "networks/lives.rs"]
mod lives;
#[path = "networks/redirects.rs"]
mod redirects;
mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fault_support::{
    AnyHub, LOSER, TOKEN, assert_converges, assert_sound, client, connect, edits_here, edits_there, hub_db,
    marks,
};
use gate::{Act, Gate};
use impatient::Impatient;
use tempfile::TempDir;
use wildthing::client::{ConnectOptions, OpenOptions, SyncResult, WildThingClient, WildThingError};
use wildthing::protocol::Protocol;

const BOTH: [Protocol; 2] = [Protocol::V1, Protocol::V2];

/// A replica with edits that were never sent, one of which will lose, and a hub with
/// edits that it has not seen.
struct House {
    protocol: Protocol,
    props: TempDir,
    /// Of the edits here.
    marks: Vec<String>,
}

/// The hub as it was before the edits there, as a backup has it.
const BACKUP: &str = "backup.db";

impl House {
    async fn new(protocol: Protocol) -> Self {
        let props = tempfile::tempdir().unwrap();
        let hub = AnyHub::start(protocol, props.path()).await;
        hub.load_sample();
        let here = client(&props.path().join("house.db"), &hub.url()).await;
        here.sync().await.unwrap();
        let marks = edits_here(&here).await;
        here.shutdown().await;
        hub.shutdown().await;
        std::fs::copy(hub_db(props.path()), props.path().join(BACKUP)).unwrap();
        let hub = AnyHub::start(protocol, props.path()).await;
        edits_there(&props.path().join("there.db"), &hub.url(), true).await;
        hub.shutdown().await;
        Self {
            protocol,
            props,
            marks,
        }
    }

    /// Everything as it was at the beginning.
    async fn scene(&self) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        for name in ["hub.db", "house.db", "there.db"] {
            std::fs::copy(self.props.path().join(name), folder.path().join(name)).unwrap();
        }
        let clock = Impatient::shared();
        let hub = AnyHub::start_on(self.protocol, folder.path(), clock.clone()).await;
        Scene { folder, hub, clock }
    }
}

/// One play of it.
struct Scene {
    folder: TempDir,
    hub: AnyHub,
    /// The hub's.
    clock: Arc<Impatient>,
}

impl Scene {
    fn replica(&self) -> PathBuf {
        self.folder.path().join("house.db")
    }

    /// The client of the replica, at `url`; it waits for nothing.
    async fn open(&self, url: &str, options: Option<ConnectOptions>) -> WildThingClient {
        let here = WildThingClient::open_on(self.replica(), OpenOptions::default(), Impatient::shared())
            .await
            .unwrap();
        connect(&here, url, options).await;
        here
    }

    /// One sync of it at `url`.
    async fn sync(&self, url: &str, options: Option<ConnectOptions>) -> Result<SyncResult, WildThingError> {
        let here = self.open(url, options).await;
        let synced = here.sync().await;
        here.shutdown().await;
        if let Err(error) = &synced {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains(TOKEN), "{shown}");
        }
        synced
    }

    /// Nothing is broken, and with nothing in the way all is well.
    async fn ends_well(self, house: &House, what: &str) {
        assert_sound(&self.replica(), what);
        assert_converges(&self.replica(), &self.hub, what).await;
        kept(&self.replica(), house, what);
        self.hub.shutdown().await;
    }
}

/// Every edit made here is in the replica: as it stands, or in the journal.
fn kept(replica: &Path, house: &House, what: &str) {
    let found = marks(replica);
    for mark in house.marks.iter().map(String::as_str).chain([LOSER]) {
        assert!(found.contains(mark), "{what}: {mark} is gone");
    }
}

/// Plays the scene with `act` at the first request of a sync, then with it at the
/// second, and so on; gives how many requests there were. `judge` sees how each went,
/// but for the acknowledgement: that a sync is over does not hang on it.
async fn at_every_request(
    house: &House,
    what: &str,
    act: impl Fn(&Scene) -> Act,
    judge: impl Fn(Result<SyncResult, WildThingError>, &str),
) -> usize {
    for at in 0.. {
        let what = format!("{}, {what} at request {at}", house.protocol.as_str());
        let scene = house.scene().await;
        let gate = Gate::before(&scene.hub.url(), at, act(&scene));
        let synced = scene.sync(&gate.url(), None).await;
        if !gate.is_reached() {
            synced.unwrap_or_else(|error| panic!("{what}: {error}"));
            return at;
        }
        if gate.path().ends_with("/ack") {
            synced.unwrap_or_else(|error| panic!("{what}: {error}"));
        } else {
            judge(synced, &what);
        }
        scene.ends_well(house, &what).await;
    }
    unreachable!()
}
