//! Who is trusted and who gets to see the token: redirects, proxies, messages.

use super::support::raw_http::{Canned, CannedServer, RawServer};
use super::*;

#[test]
fn a_token_is_replaced_for_the_next_request() {
    let server = CannedServer::start(vec![Canned::answer(401, &[], "no"); 3]);
    let transport = HttpTransport::new(HttpOptions::new(server.url())).unwrap();
    assert_eq!(send(&transport, get()).unwrap().status, 401);
    transport.set_auth_token(Some("first".to_owned())).unwrap();
    send(&transport, get()).unwrap();
    let refused = transport.set_auth_token(Some(format!("{TOKEN}\n")));
    assert_eq!(refused, Err(TransportError::InvalidToken));
    transport.set_auth_token(Some(String::new())).unwrap();
    send(&transport, get()).unwrap();
    let sent: Vec<_> = server
        .requests()
        .iter()
        .map(|r| r.header("authorization").map(str::to_owned))
        .collect();
    assert_eq!(sent, [None, Some("Bearer first".to_owned()), None]);
}

#[test]
fn a_token_that_no_header_can_carry_is_refused_without_its_text() {
    for token in [
        "s3cret-token\n",
        "s3cret-token\r\nX-Evil: 1",
        "s3cret token",
        "s3crét",
        "s3\0cret",
    ] {
        let error = HttpTransport::new(HttpOptions {
            auth_token: Some(token.to_owned()),
            ..HttpOptions::new("http://127.0.0.1:1")
        });
        let error = error.err().unwrap();
        assert_eq!(error, TransportError::InvalidToken);
        assert!(!format!("{error} {error:?}").contains("s3"), "{error}");
    }
}

#[test]
fn no_debug_output_holds_the_token_or_the_urls_password() {
    let options = HttpOptions {
        auth_token: Some(TOKEN.to_owned()),
        ..HttpOptions::new("http://me:hunter2@127.0.0.1:1/")
    };
    assert!(!format!("{options:?}").contains(TOKEN));
    assert!(!format!("{options:?}").contains("hunter2"));
    let error = HttpTransport::new(options).err().unwrap();
    assert!(matches!(error, TransportError::InvalidUrl { .. }));
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    let debug = format!("{:?}", transport("http://127.0.0.1:1/private"));
    assert!(!debug.contains(TOKEN), "{debug}");
    assert!(debug.contains("127.0.0.1:1"), "{debug}");
}

#[test]
fn a_redirect_within_the_server_is_followed_once_with_the_body() {
    let moved = |status, to| Canned::answer(status, &[("Location", to)], "");
    for status in [307, 308] {
        let server = CannedServer::start(vec![
            moved(status, "/elsewhere/"),
            Canned::answer(200, &[], "there"),
        ]);
        let answer = send(&transport(&server.url()), post("{\"n\":1}")).unwrap();
        assert_eq!(answer.body, b"there");
        let again = &server.requests()[1];
        assert_eq!(
            (again.method.as_str(), again.path.as_str()),
            ("POST", "/elsewhere/")
        );
        assert_eq!(again.body, b"{\"n\":1}");
        assert_eq!(again.header("content-type"), Some("application/json"));
        assert_eq!(again.header("authorization"), Some("Bearer s3cret-token"));
    }
    let server = CannedServer::start(vec![
        moved(307, "/a"),
        moved(307, "/b"),
        Canned::answer(200, &[], ""),
    ]);
    assert_eq!(send(&transport(&server.url()), get()).unwrap().status, 307);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn other_redirects_within_the_server_are_answers() {
    for status in [300, 301, 302, 303] {
        let server = CannedServer::start(vec![Canned::answer(status, &[("Location", "/x")], "")]);
        assert_eq!(
            send(&transport(&server.url()), post("{}")).unwrap().status,
            status
        );
        assert_eq!(server.requests().len(), 1);
    }
    for location in [&[][..], &[("Location", "http://[")]] {
        assert_eq!(get_from(Canned::answer(307, location, "")).unwrap().status, 307);
    }
}

#[test]
fn a_redirect_to_another_server_is_an_error_and_nothing_is_sent_there() {
    let other = CannedServer::start(vec![]);
    let elsewhere = format!("http://u:p@{}/x?token=1", other.address());
    for status in [301, 302, 303, 307, 308] {
        let server = CannedServer::start(vec![Canned::answer(status, &[("Location", &elsewhere)], "")]);
        let host = server.address().to_string();
        let target = other.url();
        let outcome = send(&transport(&server.url()), post("{}"));
        assert_eq!(outcome, Err(TransportError::Redirected { host, target }));
    }
    // A second hop is no way around, and neither is another scheme.
    let server = CannedServer::start(vec![
        Canned::answer(307, &[("Location", "/x")], ""),
        Canned::answer(307, &[("Location", &elsewhere)], ""),
    ]);
    let outcome = send(&transport(&server.url()), get());
    assert!(
        matches!(outcome, Err(TransportError::Redirected { .. })),
        "{outcome:?}"
    );
    for to in ["https://127.0.0.1/", "//other.example/", "data:text/plain,x"] {
        let outcome = get_from(Canned::answer(307, &[("Location", to)], ""));
        assert!(
            matches!(outcome, Err(TransportError::Redirected { .. })),
            "{outcome:?}"
        );
    }
    assert_eq!(other.connections(), 0);
}

/// Runs in a process of its own, see below.
#[test]
#[ignore = "needs the environment that the next test gives it"]
fn with_a_proxy_child() {
    let server = CannedServer::start(vec![Canned::answer(200, &[], "")]);
    assert_eq!(send(&transport(&server.url()), get()).unwrap().status, 200);
}

#[test]
fn a_proxy_in_the_environment_sees_nothing() {
    let proxy = RawServer::start(|_| Canned::Close);
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "trust::with_a_proxy_child", "--ignored"])
        .envs(["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"].map(|name| (name, proxy.url())))
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
    assert_eq!(proxy.connections(), 0);
}
