//! The client against servers of the operating system's sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use countermark_net::http::{Client, HttpError, Method, Options, Reach};

/// A server that gives each caller the same bytes, then says nothing more for a while; gives its
/// port, and what the first caller sent.
fn server(answer: &'static str, silent_ms: u64) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let handle = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let (mut sent, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(n) = stream.read(&mut buffer) {
            if n == 0 {
                break;
            }
            sent.extend_from_slice(&buffer[..n]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(silent_ms));
        String::from_utf8_lossy(&sent).into_owned()
    });
    (port, handle)
}

fn client(options: Options) -> Client {
    Client::new(&options).unwrap()
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/path?token=secret")
}

#[test]
fn an_answer_of_any_status_is_given_with_headers_and_body() {
    let answer = "HTTP/1.1 409 Conflict\r\nContent-Type: application/problem+json\r\nRetry-After: 3\
                  \r\nContent-Length: 2\r\n\r\n{}";
    let (port, server) = server(answer, 0);
    let headers = [("authorization", "Bearer x"), ("content-type", "application/json")];
    let client = client(Options::default());
    let answer = client.send(Method::Post, &url(port), &headers, Some(b"[1]")).unwrap();
    assert_eq!(answer.status, 409);
    assert_eq!(answer.header("retry-after"), Some("3"));
    assert_eq!(answer.body, b"{}");
    let sent = server.join().unwrap().to_lowercase();
    assert!(sent.starts_with("post /path?token=secret http/1.1\r\n"), "{sent}");
    assert!(
        sent.contains("authorization: bearer x\r\n") && sent.ends_with("\r\n\r\n[1]"),
        "{sent}"
    );
}

#[test]
fn every_method_is_sent_with_and_without_a_body() {
    for method in [Method::Get, Method::Post, Method::Put, Method::Delete] {
        for body in [None, Some(&b"abc"[..])] {
            let (port, server) = server("HTTP/1.1 204 No Content\r\n\r\n", 0);
            let answer = client(Options::default()).send(method, &url(port), &[], body).unwrap();
            assert_eq!(answer.status, 204);
            let sent = server.join().unwrap().to_lowercase();
            let name = format!("{method:?}").to_lowercase();
            assert!(sent.starts_with(&name), "{sent}");
            assert_eq!(sent.ends_with("abc"), body.is_some(), "{sent}");
        }
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    let (port, _server) = server(answer, 0);
    let answer = client(Options::default()).send(Method::Get, &url(port), &[], None).unwrap();
    assert_eq!((answer.status, answer.header("location")), (302, Some("http://127.0.0.1:1/")));
}

#[test]
fn an_answer_that_is_too_long_or_never_ends_is_refused() {
    let options = Options { answer_bytes_max: 3, ..Options::default() };
    let (port, _server) = server("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd", 0);
    let error = client(options).send(Method::Get, &url(port), &[], None).unwrap_err();
    assert!(matches!(error, HttpError::TooLarge { limit: 3, .. }), "{error:?}");

    let options = Options { time: Duration::from_millis(800), ..Options::default() };
    let (port, _server) = server("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", 3000);
    let start = Instant::now();
    let error = client(options).send(Method::Get, &url(port), &[], None).unwrap_err();
    assert!(matches!(error, HttpError::TooSlow { .. }), "{error:?}");
    assert!(start.elapsed() < Duration::from_millis(2500));
}

#[test]
fn nobody_there_and_nonsense_are_told_without_the_query() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = client(Options::default()).send(Method::Get, &url(port), &[], None).unwrap_err();
    assert!(matches!(error, HttpError::Unreachable { .. }), "{error:?}");
    assert!(!error.to_string().contains("secret"), "{error}");
    let (port, _server) = server("SSH-2.0-nonsense\r\n\r\n", 0);
    let error = client(Options::default()).send(Method::Get, &url(port), &[], None).unwrap_err();
    assert!(matches!(error, HttpError::Unreachable { .. }), "{error:?}");
}

#[test]
fn an_address_from_outside_does_not_reach_this_network() {
    let client = client(Options { reach: Reach::PublicOnly, ..Options::default() });
    for url in [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "http://127.0.0.1:8480/",
    ] {
        let error = client.send(Method::Get, url, &[], None).unwrap_err();
        // What the system reads as no address at all is not called either.
        let is_refused = matches!(error, HttpError::NotPublic { .. })
            || matches!(&error, HttpError::Unreachable { .. } if url.contains("0x") || url.contains("2130"));
        assert!(is_refused, "{url}: {error:?}");
    }
}

/// A server with TLS for one call, and its certificate (PEM), which nobody signed but itself.
fn tls_server(names: &[&str]) -> (u16, String) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let connection = rustls::ServerConnection::new(std::sync::Arc::new(config)).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, stream);
        // A client that does not trust the certificate goes away here.
        let mut buffer = [0; 4096];
        if stream.read(&mut buffer).is_ok() {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
            stream.flush().unwrap();
        }
    });
    (port, made.cert.pem())
}

#[test]
fn a_certificate_is_trusted_where_it_was_given_and_for_its_name_only() {
    let https = |port: u16| format!("https://127.0.0.1:{port}/");
    let (port, pem) = tls_server(&["127.0.0.1"]);
    let given = Options { extra_roots: Some(pem.clone().into()), ..Options::default() };
    let answer = client(given.clone()).send(Method::Get, &https(port), &[], None).unwrap();
    assert_eq!(answer.body, b"ok");
    let (port, _) = tls_server(&["127.0.0.1"]);
    for options in [Options::default(), given] {
        let error = client(options).send(Method::Get, &https(port), &[], None).unwrap_err();
        assert!(matches!(error, HttpError::Unreachable { .. }), "{error:?}");
    }
    let (port, pem) = tls_server(&["ledger.example.com"]);
    let given = Options { extra_roots: Some(pem.into()), ..Options::default() };
    let error = client(given).send(Method::Get, &https(port), &[], None).unwrap_err();
    assert!(
        matches!(&error, HttpError::Unreachable { cause, .. } if cause.contains("certificate"))
    );
}

#[test]
fn headers_cannot_carry_a_second_header() {
    let client = client(Options::default());
    let headers = [("x-name", "a\r\nx-other: b")];
    let error = client.send(Method::Get, "http://127.0.0.1:1/", &headers, None).unwrap_err();
    assert!(matches!(error, HttpError::Header(_)), "{error:?}");
}

#[test]
fn certificates_that_are_none_are_refused() {
    for text in ["", "nonsense", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        let options = Options { extra_roots: Some(text.into()), ..Options::default() };
        assert!(matches!(Client::new(&options), Err(HttpError::Certificate(_))), "{text}");
    }
}
