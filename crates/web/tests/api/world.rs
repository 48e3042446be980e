//! A node with two members, an API key for each role, and requests to its router.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use countermark_node::access::{NewAccount, NewApiKey, Principal, Role};
use countermark_node::{InputFile, Node, Silent, Unlock};
use countermark_web::{App, Settings};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

pub(crate) const HOST: &str = "ledger.example.com";

pub(crate) struct World {
    pub(crate) node: Arc<Node>,
    pub(crate) router: axum::Router,
    pub(crate) folder: tempfile::TempDir,
    keys: Vec<(Role, String)>,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The last part of a problem's type.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        json["type"].as_str().unwrap().rsplit('#').next().unwrap().to_owned()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// An event of one pallet.
pub(crate) fn event(id: &str, pallet: u64) -> String {
    let digits = format!("09521234{pallet:09}");
    let weigh = |(i, c): (usize, char)| c.to_digit(10).unwrap() * if i % 2 == 0 { 3 } else { 1 };
    let sum: u32 = digits.chars().enumerate().map(weigh).sum();
    format!(
        r#"{{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type":"ObjectEvent","eventID":"{id}","eventTime":"2026-02-01T10:00:00.000Z",
        "eventTimeZoneOffset":"+00:00","action":"OBSERVE","bizStep":"shipping",
        "epcList":["https://id.gs1.org/00/{digits}{}"]}}"#,
        (10 - sum % 10) % 10
    )
}

pub(crate) fn document(events: &[String]) -> String {
    format!(
        r#"{{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-02-01T10:00:00.000Z",
        "epcisBody":{{"eventList":[{}]}}}}"#,
        events.join(",")
    )
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let data = folder.path().join("node");
        let node = Node::init(&data, &Unlock::KeyFile, "Farm", None, None).unwrap();
        node.member_add("Mill", None).unwrap();
        let node = Arc::new(node);
        let settings = Settings { base_url: format!("http://{HOST}") };
        let router = countermark_web::router(App::new(Arc::clone(&node), settings));
        let keys = Role::ALL
            .into_iter()
            .map(|role| {
                let member = (role == Role::MemberUser).then_some("Mill");
                (role, make_key(&node, role.name(), role, member))
            })
            .collect();
        Self { node, router, folder, keys }
    }

    pub(crate) fn key(&self, role: Role) -> &str {
        &self.keys.iter().find(|(of, _)| *of == role).unwrap().1
    }

    pub(crate) fn capture(&self, member: &str, events: &[String]) {
        let file = InputFile { name: "a.json".into(), bytes: document(events).into_bytes() };
        let report = self.node.capture(Some(member), &[file], false, &Silent).unwrap();
        assert!(report.is_success(), "{:?}", report.rejected);
    }

    pub(crate) fn send(&self, request: Request<Body>) -> Answer {
        let router = self.router.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let response = router.oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes().to_vec();
            Answer { status: parts.status, headers: parts.headers, body }
        })
    }

    pub(crate) fn get(&self, role: Role, target: &str) -> Answer {
        self.send(request(Method::GET, target, Some(self.key(role)), None))
    }

    pub(crate) fn post(&self, role: Role, target: &str, kind: &str, body: &str) -> Answer {
        let body = Some((kind, body.as_bytes().to_vec()));
        self.send(request(Method::POST, target, Some(self.key(role)), body))
    }
}

/// Makes an account and a key of it that allows all that its role does.
pub(crate) fn make_key(node: &Node, name: &str, role: Role, member: Option<&str>) -> String {
    let local = Principal::local();
    let member = member.map(str::to_owned);
    let new = NewAccount { name: name.into(), role, member, password: None, openid: None };
    node.account_add(&local, &new).unwrap();
    let permissions = role.permissions();
    let (account, label) = (name.to_owned(), "tests".to_owned());
    let new = NewApiKey { account, label, permissions, member: None, days: 7 };
    node.api_key_add(&local, &new).unwrap().token.expose().to_owned()
}

pub(crate) fn request(
    method: Method,
    target: &str,
    key: Option<&str>,
    body: Option<(&str, Vec<u8>)>,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(target).header(header::HOST, HOST);
    if let Some(key) = key {
        request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    match body {
        Some((kind, bytes)) => {
            request.header(header::CONTENT_TYPE, kind).body(Body::from(bytes)).unwrap()
        }
        None => request.body(Body::empty()).unwrap(),
    }
}
