//! The HTTP transport against servers that misbehave in every way we know.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "transport_http/limits.rs"]
mod limits;
#[path = "transport_http/own_tls.rs"]
mod own_tls;
mod support;
#[path = "transport_http/tls.rs"]
mod tls;
#[path = "transport_http/trust.rs"]
mod trust;

use std::net::TcpListener;
use std::time::Duration;

use support::raw_http::{Canned, CannedServer};
use wildthing::client::types::Timeouts;
use wildthing::transport::{HttpOptions, HttpTransport, Request, Response, Transport, TransportError};

const TOKEN: &str = "s3cret-token";
const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

fn options(url: &str) -> HttpOptions {
    HttpOptions {
        auth_token: Some(TOKEN.to_owned()),
        ..HttpOptions::new(url)
    }
}

fn transport(url: &str) -> HttpTransport {
    HttpTransport::new(options(url)).unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}

fn get() -> Request {
    Request::get("/health")
}

fn post(body: &str) -> Request {
    Request::post("/api/v1/sync/push", body.as_bytes().to_vec())
}

type Outcome = Result<Response, TransportError>;

/// Sends one request, and checks that an error keeps the token to itself.
fn send(transport: &HttpTransport, request: Request) -> Outcome {
    let outcome = block_on(transport.send(request));
    if let Err(error) = &outcome {
        assert!(!format!("{error} {error:?}").contains(TOKEN), "{error:?}");
    }
    outcome
}

fn get_from(answer: Canned) -> Outcome {
    send(&transport(&CannedServer::start(vec![answer]).url()), get())
}

#[track_caller]
fn interrupted(outcome: Outcome) -> String {
    match outcome {
        Err(TransportError::Interrupted { problem, .. }) => {
            assert!(!problem.is_empty());
            problem
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_post_carries_body_token_and_content_type_on_one_connection() {
    let server = CannedServer::start(vec![
        Canned::answer(200, &[], r#"{"a":1}"#),
        Canned::answer(200, &[], "second"),
    ]);
    let transport = transport(&server.url());
    block_on(async {
        let answer = transport.send(post("{}")).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, &br#"{"a":1}"#[..]));
        assert_eq!(answer.retry_after, None);
        transport.send(get()).await.unwrap();
    });
    let requests = server.requests();
    assert_eq!(
        (requests[0].method.as_str(), requests[1].method.as_str()),
        ("POST", "GET")
    );
    assert_eq!(requests[0].path, "/api/v1/sync/push");
    assert_eq!(requests[0].body, b"{}");
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
    assert_eq!(requests[0].header("authorization"), Some("Bearer s3cret-token"));
    assert_eq!(requests[0].header("accept-encoding"), Some("gzip"));
    assert_eq!(requests[1].header("content-type"), None);
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_base_path_is_honoured() {
    let server = CannedServer::start(vec![Canned::answer(200, &[], "")]);
    let transport = transport(&format!("{}/prefix/", server.url()));
    send(&transport, get()).unwrap();
    assert_eq!(server.requests()[0].path, "/prefix/health");
    assert_eq!(transport.host(), server.address().to_string());
}

#[test]
fn every_status_passes_through_as_an_answer() {
    for status in [204, 304, 400, 401, 403, 413, 422, 429, 500, 503] {
        let answer = get_from(Canned::answer(status, &[], "")).unwrap();
        assert_eq!(answer.status, status);
    }
    let answer = get_from(Canned::answer(401, &[("WWW-Authenticate", "Bearer")], "{}")).unwrap();
    assert_eq!(answer.body, b"{}");
}

#[test]
fn retry_after_is_read_in_seconds_and_as_a_date() {
    let wait = |headers: &[(&str, &str)]| {
        let answer = get_from(Canned::answer(503, headers, "")).unwrap();
        answer.retry_after.map(|wait| wait.as_secs())
    };
    assert_eq!(wait(&[("Retry-After", "7")]), Some(7));
    assert_eq!(wait(&[("Retry-After", "86400")]), Some(3600));
    let date = "Sun, 06 Nov 1994 08:51:07 GMT";
    assert_eq!(wait(&[("Retry-After", date), ("Date", DATE)]), Some(90));
    assert_eq!(wait(&[("Retry-After", date)]), Some(0));
    assert_eq!(wait(&[("Retry-After", "soon")]), None);
}

#[test]
fn a_port_without_a_server_is_unreachable() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    match send(&transport(&format!("http://{address}")), get()) {
        Err(TransportError::Unreachable { host, problem }) => {
            assert_eq!(host, address.to_string());
            assert!(problem.to_lowercase().contains("refused"), "{problem}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_name_without_an_address_is_unreachable() {
    // A label of 64 letters: the system's resolver refuses it without asking anybody.
    let name = format!("{}.invalid", "a".repeat(64));
    let options = HttpOptions {
        allow_plain_http: true,
        ..options(&format!("http://{name}:8000"))
    };
    match send(&HttpTransport::new(options).unwrap(), get()) {
        Err(TransportError::Unreachable { host, .. }) => assert_eq!(host, format!("{name}:8000")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn silence_is_a_timeout_whichever_limit_ends_it() {
    let short = Duration::from_millis(50);
    let long = Duration::from_secs(3600);
    let body = Canned::answer(200, &[("Content-Length", "10")], "short");
    for (idle, total) in [(short, long), (long, short)] {
        for answer in [Canned::Silence, body.clone()] {
            let server = CannedServer::start(vec![answer]);
            let mut options = options(&server.url());
            options.timeouts = Timeouts {
                connect: long,
                idle,
                total,
            };
            let outcome = send(&HttpTransport::new(options).unwrap(), get());
            let host = server.address().to_string();
            assert_eq!(outcome, Err(TransportError::Timeout { host }));
        }
    }
}

#[test]
fn a_connection_that_ends_too_early_is_interrupted() {
    let whole = Canned::answer(200, &[], "0123456789");
    interrupted(get_from(Canned::Close));
    interrupted(get_from(whole.clone().cut_after(12)));
    interrupted(get_from(whole.clone().cut_after(45)));
    // A length that promises more than there is.
    let lie = Canned::answer(200, &[("Content-Length", "1000")], "0123456789");
    interrupted(get_from(lie.cut_after(70)));
    let chunked = Canned::answer(200, &[("Transfer-Encoding", "chunked")], "a\r\n0123456789\r\n");
    interrupted(get_from(chunked.cut_after(1000)));
}

#[test]
fn what_follows_a_length_that_promises_too_little_is_not_taken() {
    let lie = Canned::answer(200, &[("Content-Length", "4")], "0123456789");
    assert_eq!(get_from(lie).unwrap().body, b"0123");
}

#[test]
fn what_is_not_http_is_interrupted() {
    for garbage in ["SSH-2.0-OpenSSH_9.9\r\n", "\0\0\0\0", "HTTP/1.1 abc\r\n\r\n"] {
        interrupted(get_from(Canned::Raw(garbage.into())));
    }
}
