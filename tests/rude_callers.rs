//! Callers that keep a hub waiting, send it too much, or only sit there: a real
//! `blowing-off serve` hangs up on them, its memory stays within bounds, and a
//! client that minds its manners notices nothing.
//!
//! Memory and descriptors are read from `/proc`.

#![cfg(all(feature = "cli", target_os = "linux"))]
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "rude_callers/hub.rs"]
mod hub;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use hub::{DEADLINE, Hub, PATIENCE, TOKEN};
use wildthing::protocol::MAX_MESSAGE_BYTES;

const PROTOCOLS: [&str; 2] = ["v1", "v2"];
/// What both protocols take a body at.
const V1_PUSH: &str = "/api/v1/sync/push";
const V2_SYNC: &str = "/api/v1/sync/";
const LOGIN: &str = "/api/v1/auth/admin/login";

/// How often a good client syncs while others are rude.
const GOOD_SYNCS: usize = 10;
/// The most connections that a hub has at once, and descriptors it needs beside them.
const MOST_DESCRIPTORS: usize = 900 + 100;
/// What a hub may take for a thousand connections that are small talk.
const SMALL_TALK_MIB: usize = 128;
/// What it may take whatever is sent to it.
const MOST_MIB: usize = 768;

fn sync_path(protocol: &str) -> &'static str {
    match protocol {
        "v2" => V2_SYNC,
        _ => V1_PUSH,
    }
}

/// The head of a request with a body, but for how long that is.
fn head(path: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {TOKEN}\r\n")
}

/// What became of a connection.
#[derive(Debug, PartialEq, Eq)]
enum Ending {
    /// Hung up without a word.
    HungUp,
    Answered(u16),
}

fn ending(answer: &[u8]) -> Ending {
    let text = String::from_utf8_lossy(answer);
    match text.split(' ').nth(1).and_then(|status| status.parse().ok()) {
        Some(status) => Ending::Answered(status),
        None => Ending::HungUp,
    }
}

/// Sends `first`, then a byte of `rest` every now and then, for as long as the hub
/// goes along with it; how that ends, and after how long.
async fn drip(hub: &Hub, first: &str, rest: &str) -> (Ending, Duration) {
    let start = Instant::now();
    let mut stream = TcpStream::connect(hub.addr).await.unwrap();
    stream.write_all(first.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let mut answer = Vec::new();
    let dripping = async {
        for byte in rest.bytes() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if writing.write_all(&[byte]).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await
    };
    tokio::select! {
        // A reset is an end like any other.
        _ = reading.read_to_end(&mut answer) => {}
        () = dripping => {}
        () = tokio::time::sleep(DEADLINE) => panic!("still connected: {first:?}"),
    }
    (ending(&answer), start.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_are_hung_up_on() {
    const EACH: usize = 25;
    let mut points = 0;
    for protocol in PROTOCOLS {
        let hub = Hub::start(protocol);
        let mut good = hub.good_client().await;
        let path = sync_path(protocol);
        let endless = "x".repeat(100_000);
        let chunks = "1\r\n \r\n".repeat(20_000);
        let mut kinds = vec![
            (String::new(), String::new(), Ending::HungUp),
            (
                String::new(),
                format!("{}X: {endless}", head(path)),
                Ending::HungUp,
            ),
            (head(path), String::new(), Ending::HungUp),
            (head(path), format!("X: {endless}"), Ending::HungUp),
            (
                format!("{}Content-Length: 100000\r\n\r\n", head(path)),
                String::new(),
                Ending::Answered(408),
            ),
            (
                format!("{}Content-Length: 100000\r\n\r\n", head(path)),
                endless.clone(),
                Ending::Answered(408),
            ),
            (
                format!("{}Transfer-Encoding: chunked\r\n\r\n", head(path)),
                chunks,
                Ending::Answered(408),
            ),
        ];
        if protocol == "v2" {
            // Without a token there is one thing to be slow with.
            let first = format!("POST {LOGIN} HTTP/1.1\r\nHost: hub\r\nContent-Length: 60000\r\n\r\n");
            kinds.push((first, endless, Ending::Answered(408)));
        }
        let callers = kinds.iter().flat_map(|kind| std::iter::repeat_n(kind, EACH));
        let rude = join_all(callers.map(|(first, rest, _)| drip(&hub, first, rest)));
        let well_mannered = async {
            for _ in 0..GOOD_SYNCS {
                good.syncs().await;
            }
        };
        let (endings, ()) = tokio::join!(rude, well_mannered);
        for ((found, after), (first, _, wanted)) in endings
            .iter()
            .zip(kinds.iter().flat_map(|kind| std::iter::repeat_n(kind, EACH)))
        {
            assert_eq!(found, wanted, "{first:?}");
            assert!(*after >= PATIENCE, "{first:?}: {after:?}");
            points += 1;
        }
        good.leaves().await;
        hub.rid_of_all().await;
        assert!(hub.peak_mib() < SMALL_TALK_MIB, "{} MiB", hub.peak_mib());
    }
    println!("{points} slow senders");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_the_answer_is_hung_up_on() {
    const CALLERS: usize = 50;
    for protocol in PROTOCOLS {
        let hub = Hub::start(protocol);
        let mut good = hub.good_client().await;
        let request = match protocol {
            "v2" => format!(
                "GET /api/v1/graph/entities?limit=100 HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
            ),
            _ => {
                let body = r#"{"type":"sync_request","client_id":"rude"}"#;
                let head = head("/api/v1/sync/request");
                format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
            }
        };
        // More than the buffers of both kernels hold.
        let requests = request.repeat(100);
        let mut callers = Vec::new();
        for _ in 0..CALLERS {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4_096).unwrap();
            let mut stream = socket.connect(hub.addr).await.unwrap();
            stream.write_all(requests.as_bytes()).await.unwrap();
            callers.push(stream);
        }
        for _ in 0..GOOD_SYNCS {
            good.syncs().await;
        }
        good.leaves().await;
        // They are all there still, but the hub has done with them.
        hub.rid_of_all().await;
        println!(
            "{protocol}: {CALLERS} who read nothing: at most {} MiB",
            hub.peak_mib()
        );
        assert!(hub.peak_mib() < MOST_MIB, "{} MiB", hub.peak_mib());
        drop(callers);
    }
}

/// Sends all of it, or as much as the hub takes.
async fn send(hub: &Hub, head: String, body: impl Fn(usize) -> Option<Vec<u8>>) -> Ending {
    let mut stream = TcpStream::connect(hub.addr).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let sending = async {
        if writing.write_all(head.as_bytes()).await.is_err() {
            return;
        }
        for number in 0.. {
            let Some(piece) = body(number) else { break };
            if writing.write_all(&piece).await.is_err() {
                break;
            }
        }
    };
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(DEADLINE, reading.read_to_end(&mut answer));
    let (_, ended) = tokio::join!(sending, reading);
    // A reset after the answer is an end like any other.
    let _ = ended.unwrap_or_else(|_| panic!("still connected: {:?}", &head[..head.len().min(300)]));
    ending(&answer)
}

fn once(body: String) -> impl Fn(usize) -> Option<Vec<u8>> {
    move |number| (number == 0).then(|| body.clone().into_bytes())
}

/// `Connection: close`, so that an answer ends the connection.
fn with_length(path: &str, bytes: usize) -> String {
    format!(
        "{}Connection: close\r\nContent-Length: {bytes}\r\n\r\n",
        head(path)
    )
}

fn as_chunk(piece: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_messages_are_refused_and_take_little_memory() {
    const MIB: usize = 1 << 20;
    /// More than the hub has room for.
    const AT_ONCE: usize = 6;
    /// What is sent fast must not seem slow on a machine that is busy with other things.
    const LONG_PATIENCE: Duration = Duration::from_secs(60);
    let spaces = vec![b' '; MIB];
    let mut points = 0;
    for protocol in PROTOCOLS {
        let hub = Hub::start_with(protocol, LONG_PATIENCE, "unlimited");
        let mut good = hub.good_client().await;
        let path = sync_path(protocol);
        let field = if protocol == "v2" {
            "device_id"
        } else {
            "client_id"
        };
        let message = |changes: &str| {
            format!(
                r#"{{"protocol_version":"inbetweenies-v2","{field}":"rude","user_id":"u","changes":[{changes}]}}"#
            )
        };
        // The most values that fit into a message, each of which is dear.
        let fit = MAX_MESSAGE_BYTES - 200;
        let numbers = message(&format!("{}1", "1,".repeat(fit / 2 - 1)));
        let objects = message(&format!("{}{{}}", "{},".repeat(fit / 3 - 1)));
        let keys: String = (0..fit / 11)
            .map(|key| format!("\"{key:07}\":"))
            .map(|key| key + "1,")
            .collect();
        let keys = message(&format!("{{{}\"z\":1}}", &keys[..keys.len() - 200 * 11]));
        let deep = message(&format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000)));
        let rude = async {
            // One piece after another, so much in all, by length.
            for (length, sent, wanted) in [
                (MAX_MESSAGE_BYTES + MIB, 9, Ending::Answered(413)),
                (60 * MIB, 60, Ending::Answered(413)),
            ] {
                let found = send(&hub, with_length(path, length), |n| {
                    (n < sent).then(|| spaces.clone())
                })
                .await;
                assert_eq!(found, wanted, "{length}");
                points += 1;
            }
            // So large that the hub does not care to read all of it.
            let found = send(&hub, with_length(path, 1 << 40), |n| {
                (n < 200).then(|| spaces.clone())
            })
            .await;
            assert!(
                matches!(found, Ending::Answered(413) | Ending::HungUp),
                "{found:?}"
            );
            // The same without saying how much.
            let chunked = format!(
                "{}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
                head(path)
            );
            let pieces = |n: usize| match n {
                0..9 => Some(as_chunk(&spaces)),
                9 => Some(b"0\r\n\r\n".to_vec()),
                _ => None,
            };
            assert_eq!(send(&hub, chunked.clone(), pieces).await, Ending::Answered(413));
            let found = send(&hub, chunked, |n| (n < 200).then(|| as_chunk(&spaces))).await;
            assert!(
                matches!(found, Ending::Answered(413) | Ending::HungUp),
                "{found:?}"
            );
            points += 3;
            // Refused for what they say, many at once; some may be told to come later.
            for body in [&deep, &numbers, &objects, &keys] {
                let sending =
                    (0..AT_ONCE).map(|_| send(&hub, with_length(path, body.len()), once(body.clone())));
                for found in join_all(sending).await {
                    let known = [200, 413, 422, 503].map(Ending::Answered);
                    assert!(known.contains(&found), "{found:?}: {}", &body[..100]);
                    points += 1;
                }
            }
            // Heads that are too large, or have too many lines.
            let one = format!("{}X: {}\r\n\r\n", head(path), "x".repeat(300_000));
            let many = format!("{}{}\r\n", head(path), "X: x\r\n".repeat(1_000));
            let long = format!("GET /{} HTTP/1.1\r\nHost: hub\r\n\r\n", "x".repeat(300_000));
            for request in [one, many, long] {
                let found = send(&hub, request, |_| None).await;
                let known = [414, 431].map(Ending::Answered);
                assert!(known.contains(&found), "{found:?}");
                points += 1;
            }
            if protocol == "v2" {
                // Who has no token may say less.
                let login = format!(
                    "POST {LOGIN} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nContent-Length: {MIB}\r\n\r\n"
                );
                let found = send(&hub, login, |n| (n == 0).then(|| spaces.clone())).await;
                assert_eq!(found, Ending::Answered(413));
                points += 1;
            }
        };
        let well_mannered = async {
            for _ in 0..GOOD_SYNCS {
                good.syncs().await;
            }
        };
        tokio::join!(rude, well_mannered);
        good.leaves().await;
        hub.rid_of_all().await;
        println!("{protocol}: at most {} MiB", hub.peak_mib());
        assert!(hub.peak_mib() < MOST_MIB, "{} MiB", hub.peak_mib());
    }
    println!("{points} messages");
}

/// Opens so many connections. Every other one asks something first.
async fn crowd(hub: &Hub, count: usize) -> Vec<TcpStream> {
    let mut callers = Vec::new();
    for number in 0..count {
        let mut stream = TcpStream::connect(hub.addr).await.unwrap();
        if number % 2 == 0 {
            let request = b"GET /health HTTP/1.1\r\nHost: hub\r\n\r\n";
            stream.write_all(request).await.unwrap();
            assert_ne!(stream.read(&mut [0; 1_024]).await.unwrap(), 0);
        }
        callers.push(stream);
    }
    callers
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_idle_connections_keep_nobody_out() {
    const CALLERS: usize = 5_000;
    for protocol in PROTOCOLS {
        let hub = Hub::start(protocol);
        let mut good = hub.good_client().await;
        let well_mannered = async {
            for _ in 0..GOOD_SYNCS {
                good.syncs().await;
            }
        };
        let (callers, ()) = tokio::join!(crowd(&hub, CALLERS), well_mannered);
        good.syncs().await;
        assert!(hub.descriptors() <= MOST_DESCRIPTORS, "{}", hub.descriptors());
        good.leaves().await;
        hub.rid_of_all().await;
        println!("{protocol}: {CALLERS} idle: at most {} MiB", hub.peak_mib());
        assert!(hub.peak_mib() < SMALL_TALK_MIB, "{} MiB", hub.peak_mib());
        drop(callers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_with_few_files_takes_fewer_connections() {
    let hub = Hub::start_with("v1", PATIENCE, "200");
    let mut good = hub.good_client().await;
    let callers = crowd(&hub, 400).await;
    for _ in 0..GOOD_SYNCS {
        good.syncs().await;
    }
    good.leaves().await;
    hub.rid_of_all().await;
    drop(callers);
}
