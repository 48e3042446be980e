//! Accounts, API keys, links and the access log on the command line.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Node, Run, finish, program};

const PASSWORD: &str = "correct horse battery";

/// A call with something on standard input.
fn with_input(node: &Node, command: &str, rest: &[&str], input: &str) -> Run {
    let mut command = node.command(command, rest);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn owner(node: &Node) {
    let rest = ["Office", "--role", "owner", "--password-file", "-"];
    with_input(node, "account add", &rest, &format!("{PASSWORD}\n")).ends(0);
}

fn list(node: &Node, command: &str) -> Vec<Value> {
    node.run(command, &["--json"]).ends(0).json().as_array().unwrap().clone()
}

#[test]
fn an_account_is_added_listed_disabled_and_enabled() {
    let node = Node::new();
    owner(&node);
    let file = node.file("password", format!("{PASSWORD}\r\nsecond line"));
    let rest = [
        "Quality",
        "--role",
        "member-user",
        "--member",
        "Farm",
        "--password-file",
        &file,
        "--json",
    ];
    let quality = node.run("account add", &rest).ends(0).json();
    assert_eq!(
        (&quality["role"], &quality["member"], &quality["hasPassword"], &quality["disabled"]),
        (&json!("member-user"), &json!("Farm"), &json!(true), &json!(false))
    );
    assert_eq!(list(&node, "account list").len(), 2);
    node.run("account disable", &["quality"]).ends(0);
    assert_eq!(list(&node, "account list")[1]["disabled"], true);
    node.run("account enable", &["Quality"]).ends(0);
    assert_eq!(list(&node, "account list")[1]["disabled"], false);
    let role = node.run("account role", &["Quality", "viewer", "--json"]).ends(0).json();
    assert_eq!((&role["role"], &role["member"]), (&json!("viewer"), &Value::Null));
    node.sound();
}

#[test]
fn what_an_account_must_not_be_is_refused_with_what_to_do() {
    let node = Node::new();
    owner(&node);
    let add = |rest: &[&str]| node.run("account add", rest);
    add(&["X", "--role", "boss"]).ends(2).says("owner, operator, member-user, auditor, viewer");
    add(&["X", "--role", "member-user"]).ends(2).says("name it");
    add(&["X", "--role", "owner", "--member", "Farm"]).ends(2).says("bound to no member");
    add(&["X", "--role", "viewer", "--member", "Mill"]).ends(2).says("it has: Farm");
    add(&["OFFICE", "--role", "viewer"]).ends(1).says("choose another name");
    add(&[" X", "--role", "viewer"]).ends(2).says("outer spaces");
    add(&["X", "--role", "viewer", "--openid-issuer", "https://login.example.com"]).ends(2);
    add(&["X", "--role", "viewer", "--password-file", "/nonexistent/file"]).ends(3);
    with_input(&node, "account password", &["Office"], "too short\n").ends(1).says("12 characters");
    with_input(&node, "account password", &["Nobody"], &format!("{PASSWORD}\n")).ends(1);
    node.run("account disable", &["Office"]).ends(1).says("last owner");
    node.run("account role", &["Office", "viewer"]).ends(1).says("last owner");
    assert_eq!(list(&node, "account list").len(), 1);
}

#[test]
fn a_password_is_no_argument_and_stands_in_no_answer() {
    let node = Node::new();
    let rest = ["Office", "--role", "owner", "--password", PASSWORD];
    node.run("account add", &rest).ends(2);
    owner(&node);
    for command in ["account list", "access-log"] {
        let run = node.run(command, &["--json"]).ends(0);
        assert!(!run.out.contains(PASSWORD) && !run.err.contains(PASSWORD));
    }
}

#[test]
fn an_api_key_is_shown_once_and_revoked_by_its_id() {
    let node = Node::new();
    owner(&node);
    let rest = ["--account", "Office", "--label", "scale", "--scope", "read,capture", "--json"];
    let made = node.run("api-key add", &rest).ends(0).json();
    let (token, id) = (made["token"].as_str().unwrap(), made["id"].as_str().unwrap());
    assert!(token.starts_with(&format!("cmk_{id}_")), "{token}");
    assert_eq!(made["permissions"], json!(["read", "capture"]));
    let secret = token.rsplit('_').next().unwrap();
    for command in ["api-key list", "access-log"] {
        assert!(!node.run(command, &["--json"]).ends(0).out.contains(secret));
    }
    node.run("api-key revoke", &[id]).ends(0);
    node.run("api-key revoke", &[id]).ends(1).says("api-key list");
    assert_eq!(list(&node, "api-key list")[0]["status"], "revoked");
    let add = |rest: &[&str]| {
        let given = [&["--account", "Office", "--label", "scale"], rest].concat();
        node.run("api-key add", &given)
    };
    add(&["--scope", "rule"]).ends(2).says("read-ledger");
    add(&["--scope", "read", "--days", "367"]).ends(2).says("366 days");
    add(&[]).ends(2);
}

#[test]
fn links_are_shown_once_and_last_as_long_as_is_said() {
    let node = Node::new();
    owner(&node);
    let link = node.run("account link", &["Office", "--json"]).ends(0).json();
    assert!(link["path"].as_str().unwrap().starts_with("/sign-in/link/"), "{link}");
    assert_eq!((&link["kind"], &link["account"]), (&json!("sign-in"), &json!("Office")));
    let rest = ["--role", "member-user", "--member", "Farm", "--hours", "1", "--json"];
    let invitation = node.run("account invite", &rest).ends(0).json();
    assert!(invitation["path"].as_str().unwrap().starts_with("/invitation/"), "{invitation}");
    assert_eq!(
        (&invitation["role"], &invitation["member"]),
        (&json!("member-user"), &json!("Farm"))
    );
    let plain = node.run("account invite", &["--role", "viewer"]).ends(0);
    assert_eq!(plain.out.lines().count(), 1, "only the path is on standard output");
    node.run("account link", &["Office", "--hours", "721"]).ends(2).says("30 days");
    node.run("account link", &["Nobody"]).ends(1);
}

#[test]
fn the_access_log_tells_what_was_done_newest_first() {
    let node = Node::new();
    owner(&node);
    node.run("account add", &["Quality", "--role", "viewer"]).ends(0);
    let log = list(&node, "access-log");
    assert_eq!(
        (&log[0]["action"], &log[0]["target"]),
        (&json!("account added"), &json!("Quality"))
    );
    assert_eq!((&log[1]["target"], &log[1]["via"]), (&json!("Office"), &json!("local")));
    let before = log[0]["id"].to_string();
    let rest = node.run("access-log", &["--before", &before, "--json"]).ends(0).json();
    assert_eq!(rest.as_array().unwrap().len(), 1);
    let one = node.run("access-log", &["--limit", "1"]).ends(0);
    assert_eq!(one.out.lines().count(), 1);
}

#[test]
fn a_folder_that_is_no_node_has_no_accounts() {
    let node = Node::empty();
    for command in ["account list", "api-key list", "access-log"] {
        node.run(command, &[]).ends(2).says("init");
    }
    finish(program().args(["account", "list"])).ends(2);
}

#[test]
fn an_openid_provider_that_cannot_be_one_is_refused_before_the_node_is_served() {
    let node = Node::new();
    let (empty, secret) = (node.file("empty", "\n"), node.file("secret", "s3cret\n"));
    let issuer = "https://login.example.com";
    let serve = |issuer: &str, rest: &[&str]| {
        let given = ["--listen", "127.0.0.1:0", "--openid-issuer", issuer];
        node.run("serve", &[&given[..], rest].concat())
    };
    serve(issuer, &[]).ends(2).says("--openid-client-id");
    let id = ["--openid-client-id", "countermark"];
    for other in ["http://login.example.com", "login.example.com", "file:///etc"] {
        serve(other, &id).ends(2).says("--openid-issuer");
    }
    let with = |more: &[&str]| serve(issuer, &[&id[..], more].concat());
    with(&["--openid-client-secret-file", &empty]).ends(3).says("its first line");
    with(&["--openid-client-secret-file", "absent"]).ends(3).says("absent");
    with(&["--openid-client-secret-file", &secret, "--openid-ca", &secret])
        .ends(2)
        .says("certificates");
}
