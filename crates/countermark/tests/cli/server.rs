//! Commands on a server: each answers as it does on the data directory.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Node, Run, document, event, finish, named, program, root};

/// A node that is being served.
struct Served {
    child: Child,
    url: String,
    token: String,
}

/// All that an owner may.
const ALL: &str = "read,prove,read-ledger,capture,erase,configure,manage-members,manage-accounts,\
                   read-access-log,read-metrics,publish";

/// An API key of a new account.
fn key(node: &Node, account: &[&str], scope: &str) -> String {
    node.run("account add", account).ends(0);
    let made = ["--account", account[0], "--label", "test", "--scope", scope, "--json"];
    let made = node.run("api-key add", &made).ends(0).json();
    made["token"].as_str().unwrap().to_owned()
}

fn serve(node: &Node, token: &str) -> Served {
    let mut command = node.command("serve", &["--listen", "127.0.0.1:0"]);
    let log = std::fs::File::create(node.path("server.log")).unwrap();
    let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next().expect("it must begin to serve").unwrap();
    let url = line.split(' ').find(|word| word.starts_with("http")).unwrap().to_owned();
    // The pipe stays open: what it says at its end has a reader.
    std::thread::spawn(move || lines.for_each(drop));
    Served { child, url, token: token.to_owned() }
}

impl Served {
    fn run(&self, command: &str, rest: &[&str]) -> Run {
        self.run_as(&self.token, command, rest)
    }

    fn run_as(&self, token: &str, command: &str, rest: &[&str]) -> Run {
        let mut program = program();
        program.args(command.split(' ')).args(["--server", &self.url]).args(rest);
        finish(program.env("COUNTERMARK_TOKEN", token))
    }

    fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// A node with an owner's key, and one that is served.
fn twins() -> (Node, Node, Served) {
    let (local, remote) = (Node::new(), Node::new());
    let token = key(&remote, &["owner", "--role", "owner"], ALL);
    let served = serve(&remote, &token);
    (local, remote, served)
}

/// What differs from node to node: ids that are drawn at random, keys, times.
fn plain(mut value: Value) -> Value {
    fn walk(name: &str, value: &mut Value) {
        match value {
            Value::Object(members) => members.iter_mut().for_each(|(name, one)| walk(name, one)),
            Value::Array(items) => items.iter_mut().for_each(|item| walk(name, item)),
            Value::String(text) => {
                let random = ["id", "hand", "key", "publicKey", "documentID", "token", "path"];
                if random.contains(&name) || name.ends_with("At") || name == "time" {
                    text.clear();
                }
            }
            _ => {}
        }
    }
    walk("", &mut value);
    value
}

#[test]
fn every_writing_command_says_on_a_server_what_it_says_on_a_data_directory() {
    let (local, remote, served) = twins();
    let owner = ["owner", "--role", "owner"];
    local.run("account add", &owner).ends(0);
    let both = |command: &str, rest: &[&str]| {
        let (here, there) = (local.run(command, rest), served.run(command, rest));
        assert_eq!(here.code, there.code, "{command}: {} / {}", here.err, there.err);
        if rest.contains(&"--json") {
            assert_eq!(plain(here.json()), plain(there.json()), "{command} {rest:?}");
        }
        there
    };
    both("member add", &["Mill", "--country", "US"]).ends(0);
    both("member suspend", &["Mill"]).ends(0);
    both("member resume", &["Mill"]).ends(0);
    both("key rotate", &["--as", "Mill"]).ends(0);
    let good = local.file("good.json", document(&[named(1), named(2)]).to_string());
    both("capture", &["--json", &good]).ends(0);
    both("capture", &["--json", &good]).ends(0);
    let mut wrong = named(3);
    wrong["action"] = json!("SHIPPED");
    let wrong = local.file("wrong.json", document(&[wrong]).to_string());
    both("capture", &["--json", &wrong]).ends(1).says("/epcisBody/eventList/0/action");
    let none = local.file("none.json", "{");
    both("capture", &["--json", &none, &good]).ends(3);
    both("capture", &["--json", "--as", "Mill", "--lenient", &good]).ends(0);
    let classes = local.file("classes.toml", "[extensions]\n\"example:price\" = \"cost\"\n");
    both("classes", &[&classes]).ends(0);
    let story = root().join("examples/fresh-produce");
    let csv = story.join("farm-shipments.csv").display().to_string();
    both("quarantine", &["--json"]).ends(0);
    let master = story.join("master-data.toml").display().to_string();
    both("master-data", &[&master]).ends(0);
    let imported = local.run("import", &["--mapping", "csv-shipments", &csv]).ends(0);
    let there = served.run("import", &["--mapping", "csv-shipments", &csv]).ends(0);
    assert_eq!(imported.out.lines().next(), there.out.lines().next());
    let file = local.file("certificate.txt", "of good quality");
    both("document add", &["--json", &file]).ends(0);
    let id = named(1)["eventID"].as_str().unwrap().to_owned();
    both("erase", &["--json", "--class", "transport", &id]).ends(0);
    both("erase", &["--json", "--class", "transport", &id]).ends(0);
    both("erase", &["urn:x:nothing"]).ends(1).says("urn:x:nothing");
    both("endorse", &["--as", "Mill", &id]).ends(1).says("hand");
    both("confirm-clock", &[]).ends(1).says("no jump");
    both("member leave", &["Mill"]).ends(0);
    both("account add", &["viewer", "--role", "viewer", "--json"]).ends(0);
    both("account role", &["viewer", "auditor", "--json"]).ends(0);
    both("account disable", &["viewer"]).ends(0);
    both("account enable", &["viewer"]).ends(0);
    let password = local.file("password", "correct horse battery staple\n");
    both("account password", &["viewer", "--password-file", &password]).ends(0);
    both("account link", &["viewer", "--json"]).ends(0);
    both("account invite", &["--role", "auditor", "--json"]).ends(0);
    let label = ["--account", "viewer", "--label", "x", "--scope", "read", "--json"];
    let made = both("api-key add", &label).ends(0).json();
    served.run("api-key revoke", &[made["id"].as_str().unwrap()]).ends(0);
    served.stop();
    remote.sound();
}

#[test]
fn every_reading_command_gives_from_a_server_what_it_gives_from_the_data_directory() {
    let node = Node::new();
    node.run("member add", &["Mill"]).ends(0);
    node.capture(&document(&[named(1), named(2), event(3)]));
    let kept = node.file("certificate.txt", "of good quality");
    let kept = node.run("document add", &["--json", &kept]).ends(0).json();
    let kept = kept["documentID"].as_str().unwrap();
    let token = key(&node, &["owner", "--role", "owner"], ALL);
    let id = named(1)["eventID"].as_str().unwrap().to_owned();
    let item = "https://id.gs1.org/01/09506000134352/21/1";
    let asked: Vec<(&str, Vec<&str>)> = vec![
        ("member list", vec!["--json"]),
        ("key list", vec!["--json"]),
        ("events", vec!["--json"]),
        ("events", vec!["--json", "--query", "EQ_bizStep=shipping&perPage=2"]),
        (
            "events",
            vec!["--json", "--query", "MATCH_epc=https://id.gs1.org/01/09506000134352/21/1"],
        ),
        ("events", vec!["--json", "--epc-format", "Always_EPC_URN"]),
        ("events", vec!["--json", "--query", "EQ_nothing=1"]),
        ("trace", vec!["--json", "--up", item]),
        ("trace", vec!["--json", item]),
        ("trace", vec!["--json", "https://id.gs1.org/01/09506000134352/21/999"]),
        ("quarantine", vec!["--json"]),
        ("account list", vec!["--json"]),
        ("log", vec!["checkpoint"]),
        ("log", vec!["inclusion/0/2"]),
        ("log", vec!["consistency/1/2"]),
        ("log", vec!["tile/0/000.p/2"]),
        ("log", vec!["tile/9/999"]),
    ];
    let files: Vec<(&str, Vec<&str>)> = vec![
        ("trust", vec![]),
        ("document get", vec![kept]),
        ("log", vec!["tile/entries/000.p/2"]),
    ];
    let out = node.path("out").display().to_string();
    let proved = node.path("bundle").display().to_string();
    let receipt = node.path("receipt").display().to_string();
    let statement = node.path("statement").display().to_string();
    let read = |run: &dyn Fn(&str, &[&str]) -> Run| {
        let mut told: Vec<(i32, String)> = Vec::new();
        for (command, rest) in &asked {
            let run = run(command, rest);
            told.push((run.code, run.out));
        }
        for (command, rest) in &files {
            let rest: Vec<&str> = rest.iter().copied().chain(["-o", &out]).collect();
            let code = run(command, &rest).ends(0).code;
            told.push((code, std::fs::read(&out).unwrap().escape_ascii().to_string()));
        }
        // A bundle and a receipt are signed anew each time; what they prove is the same.
        run("prove", &[&id, "--field", "/bizStep", "-o", &proved]).ends(0);
        run("trust", &["-o", &out]).ends(0);
        let verified = crate::support::call(&["verify", &proved, "--trust", &out, "--json"]);
        let mut verified = verified.ends(0).json();
        verified.as_object_mut().unwrap().remove("issuer");
        told.push((0, verified.to_string()));
        run("receipt", &[&id, "-o", &receipt, "--statement", &statement]).ends(0);
        told.push((0, std::fs::read(&statement).unwrap().escape_ascii().to_string()));
        run("prove", &["urn:x:nothing", "-o", &proved]).ends(1).says("urn:x:nothing");
        told
    };
    let served = serve(&node, &token);
    let there = read(&|command, rest| served.run(command, rest));
    let paged = served.run("events", &["--query", "perPage=2"]).ends(0);
    assert!(paged.err.contains("nextPageToken="), "{}", paged.err);
    served.run("access-log", &["--json"]).ends(0);
    served.stop();
    let here = read(&|command, rest| node.run(command, rest));
    let names = asked.iter().map(|(command, rest)| format!("{command} {rest:?}"));
    let names = names.chain(files.iter().map(|(command, _)| (*command).to_owned()));
    for ((name, here), there) in names.zip(&here).zip(&there) {
        assert_eq!(here, there, "{name}");
    }
    assert_eq!(here, there);
}

#[test]
fn a_member_s_key_reaches_that_member_s_records_and_no_more() {
    let node = Node::new();
    node.run("member add", &["Mill"]).ends(0);
    node.capture(&document(&[named(1)]));
    let mine = node.file("mine.json", document(&[named(2)]).to_string());
    node.run("capture", &["--as", "Mill", &mine]).ends(0);
    let scope = "read,prove,read-ledger,capture,erase";
    let token = key(&node, &["miller", "--role", "member-user", "--member", "Mill"], scope);
    let served = serve(&node, &token);
    let events = served.run("events", &["--json"]).ends(0).json();
    assert_eq!(events.as_array().unwrap().len(), 1);
    assert_eq!(events[0]["eventID"], named(2)["eventID"]);
    let hidden = named(1)["eventID"].as_str().unwrap().to_owned();
    let bundle = node.path("bundle").display().to_string();
    served.run("prove", &[&hidden, "-o", &bundle]).ends(1).says("Mill does not have");
    served.run("erase", &[&hidden]).ends(1).says("Mill does not have");
    served.run("member add", &["Shop"]).ends(5).says("manage-members");
    let more = node.file("more.json", document(&[named(4)]).to_string());
    let taken = served.run("capture", &["--json", &more]).ends(0).json();
    assert_eq!(taken["accepted"][0]["eventID"], named(4)["eventID"]);
    assert_ne!(served.run("capture", &["--as", "Farm", &more]).code, 0);
    served.run_as("cmk_0123456789abcdef_00", "events", &[]).ends(5).says("API key");
    served.stop();
}

#[test]
fn the_place_is_named_once_and_what_is_missing_is_said() {
    let node = Node::new();
    let list = |rest: &[&str]| finish(program().args(["member", "list"]).args(rest));
    list(&[]).ends(2);
    let data = node.data().display().to_string();
    list(&["--data", &data, "--server", "http://127.0.0.1:1"]).ends(2);
    list(&["--data", &data, "--token", "x"]).ends(2);
    list(&["--server", "http://127.0.0.1:1"]).ends(2).says("COUNTERMARK_TOKEN");
    list(&["--server", "http://127.0.0.1:1", "--token", "x"]).ends(6).says("cannot be reached");
    list(&["--server", "http://example.com", "--token", "x"]).ends(2).says("use https");
    list(&["--server", "nonsense", "--token", "x"]).ends(2).says("URL");
    let folder = ["--mappings", &data, "--mapping", "csv-shipments", "x"];
    let file = node.file("x", "a,b\n");
    let rest = [&folder[..4], &["--server", "http://127.0.0.1:1", "--token", "x", &file]].concat();
    finish(program().arg("import").args(rest)).ends(2).says("--mappings");
}

/// A server that gives one answer after the other.
fn answers(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 4096];
            let _read = stream.read(&mut head).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            let _closed = stream.shutdown(Shutdown::Write);
        }
    });
    url
}

fn http(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
}

#[test]
fn a_busy_server_is_waited_for_as_long_as_it_says() {
    let json = "content-type: application/json\r\n";
    let url = answers(vec![
        http("429 Too Many Requests", "retry-after: 1\r\n", ""),
        http("200 OK", json, "[]"),
    ]);
    let begun = std::time::Instant::now();
    let list = ["member", "list", "--json", "--server", &url, "--token", "x"];
    let run = crate::support::call(&list).ends(0).says("is busy");
    assert_eq!(run.json(), json!([]));
    assert!(begun.elapsed() >= std::time::Duration::from_secs(1));
}

#[test]
fn a_server_that_answers_otherwise_than_a_node_is_named() {
    let list =
        |url: String| crate::support::call(&["member", "list", "--server", &url, "--token", "x"]);
    let page = http("200 OK", "content-type: text/html\r\n", "<html>");
    list(answers(vec![page])).ends(1).says("does not answer as a node");
    let moved = http("302 Found", "location: https://example.com/\r\n", "");
    list(answers(vec![moved])).ends(2).says("another address");
    let late = http("429 Too Many Requests", "retry-after: 9999\r\n", "");
    list(answers(vec![late])).ends(6).says("429");
    let body =
        r#"{"title":"There is no such thing","status":404,"detail":"no member","hint":"look"}"#;
    let none = http("404 Not Found", "content-type: application/problem+json\r\n", body);
    list(answers(vec![none])).ends(1).says("There is no such thing: no member; look");
}
