//! Bodies that are slow, huge, cut off or of the wrong kind: over real sockets, by whoever may send.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use countermark_node::access::{NewAccount, NewApiKey, Principal, Role};
use countermark_node::{Node, Unlock};
use countermark_web::limits::{BODY_GRACE, DOCUMENT_BYTES_MAX, EVENT_BYTES_MAX, FORM_BYTES_MAX};
use countermark_web::{App, Settings, server};

/// A server with a key that may capture; it stops when it is dropped.
struct Server {
    node: Arc<Node>,
    address: SocketAddr,
    key: String,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("node");
        let node = Node::init(&data, &Unlock::KeyFile, "Green Farm", None, None).unwrap();
        let node = Arc::new(node);
        let (local, role, name) = (Principal::local(), Role::Operator, "scale".to_owned());
        let account =
            NewAccount { name: name.clone(), role, member: None, password: None, openid: None };
        node.account_add(&local, &account).unwrap();
        let permissions = role.permissions();
        let key =
            NewApiKey { account: name, label: "a test".into(), permissions, member: None, days: 1 };
        let key = node.api_key_add(&local, &key).unwrap().token.expose().to_owned();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let app = App::new(Arc::clone(&node), Settings { base_url: format!("http://{address}") });
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let stopped = async {
                    let _gone = stopped.await;
                };
                server::serve(listener, app, None, stopped).await.unwrap();
            });
        });
        let (stop, thread) = (Some(stop), Some(thread));
        Self { node, address, key, stop, thread, _folder: folder }
    }

    /// A connection on which the head of a POST was sent.
    fn post(&self, target: &str, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n{headers}\r\n",
            self.address, self.key
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
    }

    fn send(&self, target: &str, headers: &str, body: &[u8]) -> String {
        let length = format!("Content-Length: {}\r\nConnection: close\r\n{headers}", body.len());
        let mut stream = self.post(target, &length);
        // The server may have answered and gone before it has all.
        let _gone = stream.write_all(body);
        rest(&mut stream)
    }

    /// Nothing of what was sent became an event or a job.
    fn has_nothing(&self) {
        let height = self.node.height();
        assert_eq!(height, Some(0), "only the first block is there");
        let jobs = self.send_get("/capture");
        assert!(jobs.contains("200 OK") && jobs.trim_end().ends_with("\r\n\r\n[]"), "{jobs}");
    }

    fn send_get(&self, target: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            self.address, self.key
        );
        stream.write_all(head.as_bytes()).unwrap();
        rest(&mut stream)
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

fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is as good as an end.
    let _end = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

const JSON: &str = "Content-Type: application/json\r\n";

/// A chunk of a chunked body.
fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

#[test]
fn a_document_that_trickles_in_is_cut_off_and_others_are_served_meanwhile() {
    let server = Server::start();
    let announced = server.post("/capture", &format!("Content-Length: 1000000\r\n{JSON}"));
    let chunked = server.post("/capture", &format!("Transfer-Encoding: chunked\r\n{JSON}"));
    let begun = Instant::now();
    let limit = BODY_GRACE + Duration::from_secs(25);
    let trickle = |mut stream: TcpStream, piece: Vec<u8>| {
        std::thread::spawn(move || {
            let mut reading = stream.try_clone().unwrap();
            let answer = std::thread::spawn(move || (rest(&mut reading), Instant::now()));
            while begun.elapsed() < limit && !answer.is_finished() {
                if stream.write_all(&piece).is_err() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(200));
            }
            answer.join().unwrap()
        })
    };
    let slow = [trickle(announced, b"{".to_vec()), trickle(chunked, chunk(b"{"))];
    assert_eq!(status(&server.send_get("/health/live")), "200");
    for thread in slow {
        let (answer, ended) = thread.join().unwrap();
        assert_eq!(status(&answer), "408", "{answer}");
        assert!(answer.contains("problems#too-slow"), "{answer}");
        let took = ended - begun;
        assert!(took >= BODY_GRACE && took < limit, "it was held for {took:?}");
    }
    server.has_nothing();
}

#[test]
fn a_body_that_is_longer_than_announced_never_becomes_part_of_it_nor_a_request() {
    let server = Server::start();
    let head = format!("Content-Length: 2\r\n{JSON}");
    let mut stream = server.post("/events", &head);
    stream.write_all(b"{}GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let answers = rest(&mut stream);
    // The two bytes are no event; what follows is another request, and nobody's.
    assert!(status(&answers).starts_with('4'), "{answers}");
    assert!(!answers.contains("countermark_http_requests"), "{answers}");
    let mut stream = server.post("/events", &head);
    stream.write_all(b"{}\"more\": [1, 2, 3]}").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let answers = rest(&mut stream);
    assert!(!answers.contains(" 202 ") && !answers.contains(" 201 "), "{answers}");
    // Both are in the list of what came in, as refused.
    assert_eq!(server.node.height(), Some(0));
}

#[test]
fn a_body_that_ends_before_what_it_announced_is_not_taken() {
    let server = Server::start();
    for headers in ["Content-Length: 500\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut stream = server.post("/capture", &format!("{headers}{JSON}"));
        stream.write_all(b"2\r\n{}\r\n").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = rest(&mut stream);
        assert!(answer.is_empty() || status(&answer) == "400", "{answer}");
    }
    server.has_nothing();
}

#[test]
fn what_announces_too_much_is_refused_before_it_is_sent() {
    let server = Server::start();
    for (target, most, kind) in [
        ("/capture", DOCUMENT_BYTES_MAX, JSON),
        ("/events", EVENT_BYTES_MAX, JSON),
        ("/import?mapping=x&name=a.csv", DOCUMENT_BYTES_MAX, "Content-Type: text/csv\r\n"),
        ("/documents?name=a.pdf", DOCUMENT_BYTES_MAX, "Content-Type: application/pdf\r\n"),
    ] {
        let head = format!("Content-Length: {}\r\nConnection: close\r\n{kind}", most + 1);
        let answer = rest(&mut server.post(target, &head));
        assert_eq!(status(&answer), "413", "{target}: {answer}");
    }
    server.has_nothing();
}

#[test]
fn a_chunked_body_is_cut_off_at_the_limit() {
    let server = Server::start();
    let most = |target: &str| if target == "/events" { EVENT_BYTES_MAX } else { FORM_BYTES_MAX };
    let form = "Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\n";
    for (target, kind) in [("/events", JSON), ("/sign-in", form)] {
        let head = format!("Transfer-Encoding: chunked\r\nConnection: close\r\n{kind}");
        let mut stream = server.post(target, &head);
        let mut reading = stream.try_clone().unwrap();
        let answer = std::thread::spawn(move || rest(&mut reading));
        let piece = chunk(&[b' '; 16 * 1024]);
        // More than the limit, and no end: an answer comes all the same.
        let pieces = most(target) / (16 * 1024) + 8;
        for _ in 0..pieces {
            if stream.write_all(&piece).is_err() {
                break;
            }
        }
        let answer = answer.join().unwrap();
        assert_eq!(status(&answer), "413", "{target}: {answer}");
    }
    server.has_nothing();
}

#[test]
fn chunks_that_are_none_are_refused() {
    let server = Server::start();
    for body in ["zz\r\n{}\r\n0\r\n\r\n", "-2\r\n{}\r\n0\r\n\r\n", "ffffffffffffffffff\r\n{}\r\n"] {
        let mut stream = server.post("/capture", &format!("Transfer-Encoding: chunked\r\n{JSON}"));
        stream.write_all(body.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = rest(&mut stream);
        assert!(answer.is_empty() || status(&answer) == "400", "{body:?}: {answer}");
    }
    server.has_nothing();
}

#[test]
fn other_content_types_are_refused_by_name() {
    let server = Server::start();
    for kind in
        ["", "text/plain", "application/xml", "multipart/form-data; boundary=x", "json", "*/*"]
    {
        let header =
            if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
        for target in ["/capture", "/events", "/validate"] {
            let answer = server.send(target, &header, b"{}");
            assert_eq!(status(&answer), "415", "{target} {kind:?}: {answer}");
            assert!(answer.contains("application/json"), "{answer}");
        }
    }
    let same = "Sec-Fetch-Site: same-origin\r\n";
    let answer = server.send("/sign-in", &format!("{JSON}{same}"), br#"{"name":"a"}"#);
    assert_eq!(status(&answer), "415", "{answer}");
    server.has_nothing();
}

#[test]
fn options_tells_the_methods_of_a_path_and_nothing_else() {
    let server = Server::start();
    let ask = |target: &str| {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let head = format!(
            "OPTIONS {target} HTTP/1.1\r\nHost: {}\r\nOrigin: https://other.example.com\r\n\
             Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n",
            server.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        rest(&mut stream).to_ascii_lowercase()
    };
    let answer = ask("/capture");
    assert_eq!(status(&answer), "204", "{answer}");
    let allow = answer.lines().find(|line| line.starts_with("allow:")).unwrap();
    assert!(allow.contains("get") && allow.contains("post") && !allow.contains("put"), "{allow}");
    // Pages of other sites get no leave to read.
    assert!(!answer.contains("access-control-allow"), "{answer}");
    assert_eq!(status(&ask("/nothing/here")), "404");
}

#[test]
fn what_waits_for_the_access_log_is_written_within_seconds() {
    let server = Server::start();
    let folder = server._folder.path().join("node");
    for _ in 0..3 {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let head = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        assert_eq!(status(&rest(&mut stream)), "401");
    }
    // The desk as another process sees it: nothing but the server itself writes it.
    let desk = rusqlite::Connection::open(folder.join("desk.db")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let query = "SELECT coalesce(sum(times), 0) FROM access_entry WHERE action = '/metrics'";
        let times: i64 = desk.query_row(query, [], |row| row.get(0)).unwrap();
        if times == 3 {
            return;
        }
        assert!(Instant::now() < deadline, "{times} of 3 refusals are written");
        std::thread::sleep(Duration::from_millis(100));
    }
}
