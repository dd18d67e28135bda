//! What is secret stays so: in the log at its most talkative, in `Debug`
//! output, in errors, and on the disk.

use std::fmt::{Debug, Write as _};
use std::sync::Mutex;

use wildthing::client::NewHouse;

use super::*;

/// Everything that anybody logs, this library or another.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl tracing::field::Visit for Log {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        let mut log = self.0.lock().unwrap();
        writeln!(log, "{}: {value:?}", field.name()).unwrap();
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        span.record(&mut self.clone());
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

/// Runs in a process of its own, see below: the log of a process goes one way.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a process of its own, which the next test gives it"]
async fn secrets_child() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let seam = FakeSeam::at(NOON);
    let path = folder.path().join("replica.db");
    let options = OpenOptions {
        echo: true,
        ..OpenOptions::default()
    };
    let client = WildThingClient::open_on(&path, options, Arc::clone(&seam) as _)
        .await
        .unwrap();
    let hub = start(with_password(), &seam).await;
    client.connect(hub.url(), Some(TOKEN.into()), None).await.unwrap();

    let mut shown = String::new();
    let mut tokens = Vec::new();
    let mut note = |outcome: Result<AuthSession, WildThingError>| {
        write!(shown, "{outcome:?}").unwrap();
        match outcome {
            Ok(session) => {
                write!(shown, "{session}").unwrap();
                tokens.push(session.auth_token);
            }
            Err(error) => write!(shown, "{error}").unwrap(),
        }
    };
    note(client.login("guessed wrong".into()).await);
    note(client.login(PASSWORD.into()).await);
    note(client.refresh_session().await);
    client
        .create_house(NewHouse {
            name: "Cabin".into(),
            ..NewHouse::default()
        })
        .await
        .unwrap();
    // In its last day, refused by a server of another protocol: the ways of a
    // sync that deal with the token.
    seam.set(NOON + (WEEK - 60) * SECOND);
    let synced = client.sync().await;
    note(client.auth_session().ok_or(WildThingError::NotConnected));
    let made = post(hub.addr(), "/api/v1/auth/guest/generate-qr", &json!({})).ok();
    note(client.login_guest(made["qr_data"].to_string()).await);
    note(client.refresh_session().await);
    // A server that repeats what it was sent, as some do in their complaints.
    let echo = support::raw_http::RawServer::start(|request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        Canned::json(422, &json!({"detail": body}))
    });
    client.connect(echo.url(), None, None).await.unwrap();
    note(client.login(PASSWORD.into()).await);
    client.shutdown().await;

    write!(shown, "{synced:?} {client:?}").unwrap();
    assert_eq!(tokens.len(), 4, "{shown}");
    let logged = log.0.lock().unwrap().clone();
    assert!(logged.contains("INSERT"), "the log was not heard");
    let mut on_disk = Vec::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        on_disk.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let on_disk = String::from_utf8_lossy(&on_disk).into_owned();
    assert!(on_disk.contains("Cabin"), "the replica was not read");
    let invited = made["qr_data"]["token"].as_str().unwrap();
    let signed = tokens.iter().map(|token| token.rsplit('.').next().unwrap());
    for secret in [PASSWORD, "guessed wrong", TOKEN, invited]
        .into_iter()
        .chain(signed)
    {
        assert!(!logged.contains(secret), "logged: {secret}");
        assert!(!shown.contains(secret), "shown: {secret} in {shown}");
        assert!(!on_disk.contains(secret), "on the disk: {secret}");
    }
}

#[test]
fn passwords_and_tokens_are_neither_logged_nor_shown_nor_kept() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "secrets::secrets_child", "--ignored"])
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
}
