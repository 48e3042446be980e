//! What strangers send: slow, huge, many, crooked. Over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first thing that is not as it should be"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use countermark_node::{Node, Unlock};
use countermark_web::limits::{CONNECTIONS_PER_ADDRESS_MAX, HEAD_TIMEOUT};
use countermark_web::{App, Settings, server};

/// A server over a fresh node; it stops when it is dropped.
struct Server {
    address: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("node");
        let node = Node::init(&data, &Unlock::KeyFile, "Green Farm", None, None).unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                let settings = Settings { base_url: format!("http://{address}") };
                tell.send(address).unwrap();
                let app = App::new(Arc::new(node), settings);
                let stopped = async {
                    let _gone = stopped.await;
                };
                server::serve(listener, app, None, stopped).await.unwrap();
            });
        });
        let address = told.recv().unwrap();
        Self { address, stop: Some(stop), thread: Some(thread), _folder: folder }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Sends bytes as they are; gives all that comes back.
    fn send(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        // A reset after the answer is as good as an end.
        let _end = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(&self, target: &str, headers: &str) -> String {
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\r\n",
            self.address
        );
        self.send(head.as_bytes())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

#[test]
fn a_head_that_does_not_end_is_cut_off_and_others_are_served_meanwhile() {
    let server = Server::start();
    let mut slow = server.connect();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").unwrap();
    assert_eq!(status(&server.get("/health/live", "")), "200");
    let begun = Instant::now();
    let mut rest = Vec::new();
    let _end = slow.read_to_end(&mut rest);
    let took = begun.elapsed();
    assert!(took < HEAD_TIMEOUT + Duration::from_secs(20), "it was held for {took:?}");
    assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let server = Server::start();
    let answer = server.get("/health/live", &format!("X-Large: {}\r\n", "a".repeat(64 * 1024)));
    assert_eq!(status(&answer), "431", "{answer}");
    let many: String = (0..500).map(|n| format!("X-{n}: 1\r\n")).collect();
    assert_eq!(status(&server.get("/health/live", &many)), "431");
    assert!(
        ["414", "431", "400"]
            .contains(&status(&server.get(&format!("/{}", "a".repeat(70_000)), "")))
    );
}

#[test]
fn one_address_cannot_take_all_connections_and_they_come_back_when_it_lets_go() {
    let server = Server::start();
    let mut open = Vec::new();
    let mut refused = 0;
    for _ in 0..CONNECTIONS_PER_ADDRESS_MAX + 40 {
        let stream = server.connect();
        stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        open.push(stream);
    }
    std::thread::sleep(Duration::from_millis(300));
    for stream in &mut open {
        // A connection that was closed reads as ended; one that is open has nothing to say.
        if matches!(stream.read(&mut [0; 1]), Ok(0)) {
            refused += 1;
        }
    }
    assert!(refused >= 40, "{refused} were refused");
    drop(open);
    let deadline = Instant::now() + Duration::from_secs(30);
    while status(&server.get("/health/live", "")) != "200" {
        assert!(Instant::now() < deadline, "the server did not come back");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn ten_thousand_connections_one_after_another_leave_the_server_well() {
    let server = Server::start();
    for _ in 0..10_000 {
        drop(TcpStream::connect(server.address).unwrap());
    }
    assert_eq!(status(&server.get("/health/live", "")), "200");
}

#[test]
fn paths_that_climb_lead_nowhere() {
    let server = Server::start();
    for target in [
        "/assets/../../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/assets/x/..%2f..%2f..%2fetc%2fpasswd",
        "/docs/../../etc/passwd",
        "/docs/%2e%2e%2f%2e%2e%2fetc/passwd",
        "/log/tile/../../keys/secrets",
        "/log/tile/0/..%2f..%2fkeys%2fsecrets",
        "//etc/passwd",
        "/app/%00",
    ] {
        let answer = server.get(target, "");
        assert!(["400", "404", "401", "303"].contains(&status(&answer)), "{target}: {answer}");
        assert!(!answer.contains("root:"), "{target}");
    }
}

#[test]
fn nothing_that_is_sent_becomes_a_header_of_the_answer() {
    let server = Server::start();
    for target in [
        "/app?x=%0d%0aSet-Cookie:%20stolen=1",
        "/sign-in?next=%0d%0aLocation:%20https://evil.example",
        "/app/events?q=%0aX-Injected:%201",
    ] {
        let answer = server.get(target, "");
        let head = answer.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
        assert!(!head.contains("\r\nset-cookie: stolen"), "{head}");
        assert!(!head.contains("\r\nx-injected"), "{head}");
        assert!(!head.contains("\r\nlocation: https://evil"), "{head}");
    }
}

#[test]
fn another_host_is_not_served() {
    let server = Server::start();
    let answer =
        server.send(b"GET / HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&answer), "421", "{answer}");
    let answer = server.send(b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!(status(&answer), "421", "{answer}");
}

#[test]
fn every_answer_forbids_frames_and_foreign_scripts() {
    let server = Server::start();
    for target in ["/", "/health/live", "/metrics", "/nothing", "/app"] {
        let answer = server.get(target, "Accept: text/html\r\n");
        let head = answer.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
        assert!(head.contains("frame-ancestors 'none'"), "{target}: {head}");
        assert!(head.contains("x-frame-options: deny"), "{target}");
        assert!(head.contains("script-src 'self';"), "{target}");
        assert!(head.contains("nosniff"), "{target}");
    }
}

#[test]
fn stolen_and_malformed_tokens_open_nothing() {
    let server = Server::start();
    for header in [
        "Authorization: Bearer cmk_0000000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n",
        "Authorization: Bearer \r\n",
        "Authorization: Basic cm9vdDpyb290\r\n",
        "Authorization: Bearer ../../etc/passwd\r\n",
        "Cookie: countermark_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n",
        "Cookie: countermark_session=\r\n",
        "Cookie: __Host-countermark_session=x\r\n",
    ] {
        let answer = server.get("/metrics", header);
        assert_eq!(status(&answer), "401", "{header}: {answer}");
    }
}

#[test]
fn requests_that_smuggle_are_refused() {
    let server = Server::start();
    let both = format!(
        "POST /health/live HTTP/1.1\r\nHost: {}\r\nContent-Length: 4\r\n\
         Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n",
        server.address
    );
    let answer = server.send(both.as_bytes());
    assert!(!answer.contains("countermark_http_requests"), "{answer}");
    let twice = format!(
        "POST /health/live HTTP/1.1\r\nHost: {}\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        server.address
    );
    assert_eq!(status(&server.send(twice.as_bytes())), "400");
}

#[test]
fn a_stopping_server_ends_by_itself() {
    let mut server = Server::start();
    assert_eq!(status(&server.get("/health/live", "")), "200");
    drop(server.stop.take());
    let thread = server.thread.take().unwrap();
    thread.join().unwrap();
    assert!(TcpStream::connect_timeout(&server.address, Duration::from_millis(500)).is_err());
}
