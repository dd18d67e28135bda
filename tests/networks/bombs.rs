//! Small answers that unpack to large ones: refused, and not unpacked.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::support::raw_http::Canned;

fn refused(synced: Result<SyncResult, WildThingError>, what: &str) {
    match synced {
        Err(WildThingError::Protocol { problem }) => {
            assert!(problem.contains("larger than"), "{what}: {problem}");
        }
        other => panic!("{what}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_unpacks_to_too_much_is_refused_at_every_request() {
    let bomb = Canned::answer(
        200,
        &[("Content-Type", "application/json"), ("Content-Encoding", "gzip")],
        gzip::of_zeros(160 << 20),
    );
    let mut places = 0;
    for protocol in BOTH {
        let house = House::new(protocol).await;
        places += at_every_request(&house, "a bomb", |_| Act::Say(bomb.clone()), refused).await;
    }
    println!("bombs: {places} places");
}

/// Four times what a telephone has.
const UNPACKED: u64 = 16 << 30;
/// The most that a sync which meets it may take more than one which does not.
const MAX_MORE_KIB: u64 = 96 * 1024;

/// A server whose every answer is a gzip of [`UNPACKED`] zeros, made as it goes; and
/// how many bytes of it were taken.
fn endless() -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let taken = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&taken);
    std::thread::spawn(move || {
        // The first bytes, and then the same 13 over and over: eight repetitions of
        // 258 zeros, which take 13 bits each.
        let small = gzip::of_zeros(258 * 64);
        let (begin, period) = (&small[..23], small[23..36].repeat(1_000));
        let wanted = UNPACKED / (258 * 8) * 13;
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(&stream);
            let mut line = String::new();
            while line != "\r\n"
                && reader
                    .read_line({
                        line.clear();
                        &mut line
                    })
                    .unwrap_or(0)
                    > 0
            {}
            let mut stream = &stream;
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {wanted}\r\n\r\n");
            let mut sent = 0;
            let mut piece = [head.as_bytes(), begin].concat();
            while sent < wanted && stream.write_all(&piece).is_ok() {
                sent += piece.len() as u64;
                counted.fetch_add(piece.len() as u64, Ordering::SeqCst);
                piece.clone_from(&period);
            }
        }
    });
    (url, taken)
}

/// The most memory that this process ever had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let words = line.unwrap().trim().trim_end_matches(" kB");
    words.parse().unwrap()
}

/// Runs in a process of its own, see below.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a process of its own, which the next test gives it"]
async fn gigabytes_child() {
    let house = House::new(Protocol::V1).await;
    let scene = house.scene().await;
    // What a sync takes anyhow.
    scene.sync(&scene.hub.url(), None).await.unwrap();
    let scene = house.scene().await;
    let before = peak();
    let (url, taken) = endless();
    for protocol in BOTH {
        let options = ConnectOptions {
            protocol: (protocol == Protocol::V1).then_some(protocol),
            ..ConnectOptions::default()
        };
        refused(scene.sync(&url, Some(options)).await, protocol.as_str());
    }
    let more = peak() - before;
    let taken = taken.load(Ordering::SeqCst);
    println!("gigabytes: {taken} bytes taken, {more} KiB more");
    assert!(more < MAX_MORE_KIB, "{more} KiB more");
    // It hung up long before the end, but for what lay in buffers.
    assert!(taken < UNPACKED / (258 * 8) * 13 / 2, "{taken} bytes taken");
    scene.ends_well(&house, "gigabytes").await;
}

#[test]
#[cfg(target_os = "linux")]
fn an_answer_that_unpacks_to_gigabytes_takes_no_more_memory_than_any() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "bombs::gigabytes_child", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    let complaint = String::from_utf8_lossy(&child.stderr);
    print!("{output}");
    assert!(
        child.status.success() && output.contains("1 passed"),
        "{output} {complaint}"
    );
}
