//! The OpenID provider of this folder, and a browser that signs in there: for tests in Rust.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use countermark_net::http::{Answer, Client, Method, Options};

/// A provider that ends with the test.
pub(crate) struct Running {
    pub(crate) issuer: String,
    process: Child,
    lines: Receiver<String>,
}

impl Running {
    /// Gives it a word; what it answers after the word it answers with.
    pub(crate) fn tell(&mut self, word: &str, answer: &str) -> String {
        writeln!(self.process.stdin.as_mut().unwrap(), "{word}").unwrap();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60)).unwrap();
            if let Some(rest) = line.strip_prefix(answer) {
                return rest.trim().to_owned();
            }
        }
    }

    /// How often its keys were asked for.
    pub(crate) fn asked(&mut self) -> String {
        self.tell("asked", "asked ")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ended = self.process.wait();
    }
}

/// A provider whose clients are sent back to this address; `None`, said aloud, where it is not
/// installed outside CI.
pub(crate) fn start(redirect: &str) -> Option<Running> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/oidc");
    if !folder.join("node_modules").is_dir() {
        let on_ci = std::env::var_os("CI").is_some();
        assert!(!on_ci, "no OpenID provider: `cargo xtask setup` installs it (needs npm)");
        eprintln!("skipped: no OpenID provider; `cargo xtask setup` installs it (needs npm)");
        return None;
    }
    let mut process = Command::new("node")
        .args(["server.js", redirect])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut issuer = String::new();
    let mut lines = BufReader::new(process.stdout.take().unwrap());
    // What it prints before is a warning about test settings.
    while !issuer.starts_with("http://") {
        issuer.clear();
        assert_ne!(lines.read_line(&mut issuer).unwrap(), 0, "the provider did not start");
    }
    // Whatever else it prints is read, lest it waits for a reader.
    let (send, read) = channel();
    std::thread::spawn(move || {
        lines.lines().map_while(Result::ok).for_each(|line| drop(send.send(line)));
    });
    Some(Running { issuer: issuer.trim().to_owned(), process, lines: read })
}

/// A browser that keeps cookies and fills in the provider's forms until it is sent back to us.
pub(crate) struct Browser {
    client: Client,
    /// Name and value; browsers keep them by host, whatever the port.
    pub(crate) cookies: Vec<(String, String)>,
    pub(crate) forms: usize,
}

impl Browser {
    pub(crate) fn new() -> Self {
        let client = Client::new(&Options::default()).unwrap();
        Self { client, cookies: Vec::new(), forms: 0 }
    }

    pub(crate) fn send(&mut self, method: Method, url: &str, body: Option<&str>) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let headers =
            [("cookie", &*cookies), ("content-type", "application/x-www-form-urlencoded")];
        let answer = self.client.send(method, url, &headers, body.map(str::as_bytes)).unwrap();
        for (name, value) in &answer.headers {
            if name == "set-cookie" {
                let (name, value) = value.split(';').next().unwrap().split_once('=').unwrap();
                self.cookies.retain(|(known, _)| known != name);
                if !value.is_empty() {
                    self.cookies.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        answer
    }

    /// Signs in at the provider as a user; gives the query with which it sends the browser back.
    pub(crate) fn walk(&mut self, issuer: &str, url: &str, back: &str, user: &str) -> String {
        let mut answer = self.send(Method::Get, url, None);
        for _ in 0..20 {
            if let Some(location) = answer.header("location") {
                if let Some(query) = location.strip_prefix(back) {
                    return query.trim_start_matches('?').to_owned();
                }
                let next = match location.strip_prefix('/') {
                    Some(path) => format!("{issuer}/{path}"),
                    None => location.to_owned(),
                };
                answer = self.send(Method::Get, &next, None);
                continue;
            }
            let page = String::from_utf8(answer.body).unwrap();
            assert_eq!(answer.status, 200, "{page}");
            let action = between(&page, "action=\"", "\"").unwrap().to_owned();
            let prompt = between(&page, "name=\"prompt\" value=\"", "\"").unwrap();
            let fields = match prompt {
                "login" => format!("prompt=login&login={user}&password=anything"),
                other => {
                    assert_eq!(other, "consent");
                    "prompt=consent".to_owned()
                }
            };
            self.forms += 1;
            answer = self.send(Method::Post, &action, Some(&fields));
        }
        panic!("the provider does not come to an end");
    }
}

pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}

fn unescape(text: &str) -> String {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'%', [a, b, tail @ ..]) => {
                let hex = [*a, *b];
                out.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
                rest = tail;
            }
            (b'+', _) => {
                out.push(b' ');
                rest = tail;
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(out).unwrap()
}

pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(known, _)| *known == name).map(|(_, value)| unescape(value)).next()
}
