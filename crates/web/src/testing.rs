//! What this crate's tests share: a server's router over a fresh node, and requests to it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use countermark_node::access::{NewAccount, NewApiKey, Permission, Principal, Role};
use countermark_node::{InputFile, Node, Silent, Unlock};
use http_body_util::BodyExt;
use tower::util::ServiceExt;

use crate::{App, Settings, router};

/// A server over a node of its own.
pub(crate) struct World {
    pub(crate) node: Arc<Node>,
    router: Router,
    _folder: tempfile::TempDir,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let data = folder.path().join("node");
        let node = Node::init(&data, &Unlock::KeyFile, "Green Farm", None, None).unwrap();
        let node = Arc::new(node);
        let settings = Settings { base_url: "https://id.example.com".to_owned() };
        let router = router(App::new(Arc::clone(&node), settings));
        Self { node, router, _folder: folder }
    }

    /// Captures events as a member; each must be taken.
    pub(crate) fn capture(&self, member: &str, events: &[String]) {
        let text = format!(
            r#"{{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
            "type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-02-01T10:00:00.000Z",
            "epcisBody":{{"eventList":[{}]}}}}"#,
            events.join(",")
        );
        let file = InputFile { name: "events.json".to_owned(), bytes: text.into_bytes() };
        let report = self.node.capture(Some(member), &[file], false, &Silent).unwrap();
        assert_eq!(report.accepted.len(), events.len(), "{:?}", report.rejected);
    }

    /// A key of a new account of this role.
    pub(crate) fn key(&self, role: Role, member: Option<&str>) -> String {
        let by = Principal::local();
        let name = format!("{role:?}{}", self.node.account_list(&by).unwrap().len());
        let account = NewAccount {
            name: name.clone(),
            role,
            member: member.map(str::to_owned),
            password: None,
            openid: None,
        };
        self.node.account_add(&by, &account).unwrap();
        let permissions = Permission::ALL.into_iter().filter(|p| role.allows(*p)).collect();
        let key =
            NewApiKey { account: name, label: "test".into(), permissions, member: None, days: 1 };
        self.node.api_key_add(&by, &key).unwrap().token.expose().to_owned()
    }

    pub(crate) fn send(&self, request: Request<Body>) -> Answer {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let bytes = body.collect().await.unwrap().to_bytes().to_vec();
            Answer { status: parts.status, headers: parts.headers, bytes }
        })
    }

    /// A request with headers, on this server's own host.
    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path).header(header::HOST, "id.example.com");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[("accept", "text/html")])
    }

    /// As whoever has this key.
    pub(crate) fn get_as(&self, key: &str, path: &str) -> Answer {
        let bearer = format!("Bearer {key}");
        self.get_with(path, &[("accept", "text/html"), ("authorization", &bearer)])
    }

    /// A form, as whoever has this key.
    pub(crate) fn post_as(&self, key: &str, path: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header(header::HOST, "id.example.com")
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_owned())).unwrap())
    }
}
