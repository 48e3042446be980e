//! A node behind a router, and browsers that are signed in.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use countermark_node::access::{Client, LinkPurpose, NewLink, Principal, Role};
use countermark_node::{Node, Unlock};
use countermark_web::{App, Settings, router};
use http_body_util::BodyExt;
use tower::ServiceExt;

pub(crate) const FARM: &str = "Green Farm";
pub(crate) const KITCHEN: &str = "Town Kitchen";
pub(crate) const PASSWORD: &str = "a long enough password";

pub(crate) struct World {
    pub(crate) node: Arc<Node>,
    pub(crate) router: Router,
    _folder: tempfile::TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    pub(crate) cookie: String,
    pub(crate) text: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("node");
        let node = Arc::new(Node::init(&data, &Unlock::KeyFile, FARM, Some("DE"), None).unwrap());
        node.member_add(KITCHEN, Some("DE")).unwrap();
        let settings = Settings { base_url: "http://localhost".to_owned() };
        let router = router(App::new(Arc::clone(&node), settings));
        Self { node, router, _folder: folder }
    }

    pub(crate) fn invite(&self, role: Role, member: Option<&str>) -> String {
        let purpose = LinkPurpose::Invitation { role, member: member.map(ToOwned::to_owned) };
        let link = NewLink { purpose, ttl_ms: None };
        self.node.link_make(&Principal::local(), &link).unwrap().path()
    }

    /// An account of a role, signed in; gives its cookie.
    pub(crate) fn signed_in(&self, name: &str, role: Role, member: Option<&str>) -> String {
        let path = self.invite(role, member);
        let token = path.rsplit('/').next().unwrap();
        let client = Client::default();
        let signed_in = self.node.invitation_use(token, name, PASSWORD, &client).unwrap();
        format!("countermark_session={}", signed_in.token.expose())
    }

    pub(crate) fn owner(&self) -> String {
        self.signed_in("first", Role::Owner, None)
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = |name| {
            let value = parts.headers.get(name).map(|value: &header::HeaderValue| value.to_str());
            value.map(|text| text.unwrap_or_default().to_owned()).unwrap_or_default()
        };
        Answer {
            status: parts.status,
            location: text(header::LOCATION),
            cookie: text(header::SET_COOKIE),
            text: String::from_utf8_lossy(&body.collect().await.unwrap().to_bytes()).into_owned(),
        }
    }

    pub(crate) async fn get(&self, cookie: &str, path: &str) -> Answer {
        self.send(request(Method::GET, path, cookie).body(Body::empty()).unwrap()).await
    }

    /// Sends a form from a page of ours.
    pub(crate) async fn post(&self, cookie: &str, path: &str, form: &str) -> Answer {
        let request = request(Method::POST, path, cookie)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    /// Sends a form with a file.
    pub(crate) async fn upload(
        &self,
        cookie: &str,
        path: &str,
        file: &str,
        bytes: &[u8],
        member: &str,
    ) -> Answer {
        let mut body = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"member\"\r\n\r\n{member}\r\n--edge\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"{file}\"\r\n\
             Content-Type: text/csv\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--edge--\r\n");
        let request = request(Method::POST, path, cookie)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge");
        self.send(request.body(Body::from(body)).unwrap()).await
    }
}

pub(crate) fn request(method: Method, path: &str, cookie: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(path).header(header::HOST, "localhost");
    if cookie.is_empty() { request } else { request.header(header::COOKIE, cookie) }
}
