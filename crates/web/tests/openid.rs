//! Signing in by a certified OpenID provider that runs beside the test (`tests/oidc`): over real
//! sockets, with a browser that keeps cookies and fills in forms.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../../../tests/oidc/provider.rs"]
mod provider;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use countermark_net::http::{Answer, Method};
use countermark_net::oidc::{self, Provider};
use countermark_node::access::{LinkPurpose, NewLink, Principal, Role};
use countermark_node::{Node, Unlock};
use countermark_web::{App, Settings, server};
use provider::{Browser, Running, between, parameter};

const CALLBACK: &str = "/sign-in/openid/callback";

/// A server whose people may sign in by a provider; both end with the test.
struct World {
    node: Arc<Node>,
    url: String,
    provider: Option<Running>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl World {
    /// `None` where there is no provider on this machine.
    fn start() -> Option<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let running = provider::start(&format!("http://{address}{CALLBACK}"))?;
        let settings = oidc::Settings {
            issuer: running.issuer.clone(),
            client_id: "with secret".to_owned(),
            client_secret: Some("a secret: with + and % in it".to_owned().into()),
            extra_roots: None,
        };
        let provider = Provider::new(settings).unwrap();
        Some(Self::serve(listener, address, Some(provider), Some(running)))
    }

    fn serve(
        listener: std::net::TcpListener,
        address: SocketAddr,
        provider: Option<Provider>,
        running: Option<Running>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("node");
        let node = Node::init(&data, &Unlock::KeyFile, "Green Farm", None, None).unwrap();
        let node = Arc::new(node);
        let url = format!("http://{address}");
        let app = App::with_openid(Arc::clone(&node), Settings { base_url: url.clone() }, provider);
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
        Self { node, url, provider: running, stop, thread, _folder: folder }
    }

    fn invitation(&self, role: Role) -> String {
        let member = (role == Role::MemberUser).then(|| "Green Farm".to_owned());
        let new = NewLink { purpose: LinkPurpose::Invitation { role, member }, ttl_ms: None };
        self.node.link_make(&Principal::local(), &new).unwrap().path()
    }

    fn get(&self, browser: &mut Browser, target: &str) -> Answer {
        browser.send(Method::Get, &format!("{}{target}", self.url), None)
    }

    /// The button of a page; where it leads to at the provider.
    fn leave(&self, browser: &mut Browser, page: &str) -> String {
        let page = text(self.get(browser, page));
        let button = between(&page, "href=\"/sign-in/openid?", "\"").expect(&page);
        let left = self.get(browser, &format!("/sign-in/openid?{button}"));
        assert_eq!(left.status, 303);
        let issuer = &self.provider.as_ref().unwrap().issuer;
        let url = left.header("location").unwrap().to_owned();
        assert!(url.starts_with(issuer.as_str()), "{url}");
        let cookie = left.header("set-cookie").unwrap();
        for part in ["countermark_openid=", "HttpOnly", "SameSite=Lax", "Max-Age=600"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        url
    }

    /// From a page to the provider, signed in there as a user, up to the way back.
    fn walk(&self, browser: &mut Browser, page: &str, user: &str) -> String {
        let url = self.leave(browser, page);
        let back = format!("{}{CALLBACK}", self.url);
        let issuer = &self.provider.as_ref().unwrap().issuer;
        let query = browser.walk(issuer, &url, &back, user);
        format!("{CALLBACK}?{query}")
    }

    fn sign_in(&self, page: &str, user: &str) -> (Browser, Answer) {
        let mut browser = Browser::new();
        let back = self.walk(&mut browser, page, user);
        let answer = self.get(&mut browser, &back);
        (browser, answer)
    }

    /// What the access log says last, once it says it.
    fn noted(&self, reason: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let log = self.node.access_log(&Principal::local(), None, 50).unwrap();
            let is_there = |entry: &countermark_node::access::AccessEntry| {
                entry.reason.as_deref() == Some(reason)
            };
            if log.iter().any(is_there) {
                return;
            }
            assert!(Instant::now() < deadline, "{log:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn text(answer: Answer) -> String {
    String::from_utf8(answer.body).unwrap()
}

fn has_session(browser: &Browser) -> bool {
    browser.cookies.iter().any(|(name, _)| name == "countermark_session")
}

/// Refused with a status, in words, on the sign-in page, and nobody is signed in.
fn refused(browser: &Browser, answer: Answer, status: u16, words: &str) {
    assert_eq!(answer.status, status);
    let is_session = |(name, value): &&(String, String)| {
        name == "set-cookie" && value.starts_with("countermark_session")
    };
    assert!(!answer.headers.iter().any(|header| is_session(&header)));
    assert!(!has_session(browser));
    let page = text(answer);
    assert!(page.contains(words) && page.contains("<form"), "{page}");
}

#[test]
fn who_is_invited_signs_in_by_the_provider_and_is_known_from_then_on() {
    let Some(world) = World::start() else { return };
    let invitation = world.invitation(Role::MemberUser);
    let (mut browser, answer) = world.sign_in(&invitation, "quality%40example.com");
    assert_eq!((answer.status, answer.header("location")), (303, Some("/app/import")));
    assert!(!browser.cookies.iter().any(|(name, _)| name == "countermark_openid"), "used up");
    let page = world.get(&mut browser, "/app");
    assert_eq!(page.status, 200);
    assert!(text(page).contains("Quality desk"));
    assert_eq!(world.get(&mut browser, &invitation).status, 404, "the invitation is used up");
    // The same user, from the page that he wanted to see.
    let mut browser = Browser::new();
    let wanted = world.get(&mut browser, "/app/events?EQ_bizStep=shipping");
    let sign_in = wanted.header("location").unwrap().to_owned();
    let back = world.walk(&mut browser, &sign_in, "quality%40example.com");
    let answer = world.get(&mut browser, &back);
    assert_eq!(answer.header("location"), Some("/app/events?EQ_bizStep=shipping"));
    assert_eq!(world.get(&mut browser, "/app/events").status, 200);
    // Another user of the same name is another account.
    let invitation = world.invitation(Role::Viewer);
    let (mut browser, answer) = world.sign_in(&invitation, "night%40example.com");
    assert_eq!((answer.status, answer.header("location")), (303, Some("/app")));
    assert!(text(world.get(&mut browser, "/app")).contains("Quality desk (2)"));
}

#[test]
fn whom_nobody_invited_is_refused_and_told_who_can_invite() {
    let Some(world) = World::start() else { return };
    let (browser, answer) = world.sign_in("/sign-in", "stranger%40example.com");
    refused(&browser, answer, 403, "An owner of this node can send you an invitation");
    world.noted("nobody invited this OpenID user");
    let invented = format!("/sign-in/openid?invitation={}", "a".repeat(43));
    let mut browser = Browser::new();
    let left = world.get(&mut browser, &invented);
    let url = left.header("location").unwrap().to_owned();
    let issuer = &world.provider.as_ref().unwrap().issuer;
    let back = format!("{}{CALLBACK}", world.url);
    let query = browser.walk(issuer, &url, &back, "stranger%40example.com");
    let answer = world.get(&mut browser, &format!("{CALLBACK}?{query}"));
    refused(&browser, answer, 403, "used already or has expired");
}

#[test]
fn an_answer_of_the_provider_works_once_in_the_browser_that_began_and_unaltered() {
    let Some(world) = World::start() else { return };
    let words = "not the answer to the sign-in";
    let invitation = world.invitation(Role::Viewer);
    // In another browser, which keeps what the first one began.
    let mut browser = Browser::new();
    let back = world.walk(&mut browser, &invitation, "quality%40example.com");
    let mut other = Browser::new();
    let answer = world.get(&mut other, &back);
    refused(&other, answer, 400, words);
    let before = browser.cookies.clone();
    assert_eq!(world.get(&mut browser, &back).status, 303);
    assert!(has_session(&browser));
    // Again, by whoever has address and cookie.
    let mut thief = Browser::new();
    thief.cookies = before;
    let answer = world.get(&mut thief, &back);
    refused(&thief, answer, 400, words);
    world.noted("no such sign-in was begun");
    // With another state, and without one.
    for alter in [
        |state: &str, back: &str| back.replace(state, &state.replace(&state[..4], "AAAA")),
        |state: &str, back: &str| back.replace(&format!("state={state}"), "x=y"),
    ] {
        let mut browser = Browser::new();
        let back = world.walk(&mut browser, "/sign-in", "quality%40example.com");
        let state = parameter(&back, "state").unwrap();
        let altered = alter(&state, &back);
        assert_ne!(altered, back);
        let answer = world.get(&mut browser, &altered);
        refused(&browser, answer, 400, words);
        let answer = world.get(&mut browser, &back);
        refused(&browser, answer, 400, words);
    }
}

#[test]
fn what_the_provider_says_is_shown_as_text() {
    let Some(world) = World::start() else { return };
    let mut browser = Browser::new();
    let url = world.leave(&mut browser, "/sign-in");
    let state = parameter(url.split_once('?').unwrap().1, "state").unwrap();
    let issuer = world.provider.as_ref().unwrap().issuer.replace(':', "%3A").replace('/', "%2F");
    let words = "%3Cscript%3Ealert%281%29%3C%2Fscript%3E";
    let answer = world.get(
        &mut browser,
        &format!(
            "{CALLBACK}?error=access_denied&error_description={words}&state={state}&iss={issuer}"
        ),
    );
    assert_eq!(answer.status, 403);
    let page = text(answer);
    assert!(page.contains("access_denied") && !page.contains("<script>alert"), "{page}");
    assert!(page.contains("alert(1)"), "{page}");
    world.noted("the OpenID provider did not sign in");
}

#[test]
fn a_provider_that_is_gone_leaves_the_password_form() {
    let Some(mut world) = World::start() else { return };
    drop(world.provider.take());
    let mut browser = Browser::new();
    let answer = world.get(&mut browser, "/sign-in/openid");
    refused(&browser, answer, 503, "cannot be asked at the moment");
    world.noted("the OpenID provider cannot be asked");
}

#[test]
fn a_server_without_a_provider_shows_no_way_to_one() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let world = World::serve(listener, address, None, None);
    let mut browser = Browser::new();
    assert!(!text(world.get(&mut browser, "/sign-in")).contains("/sign-in/openid"));
    let invitation = world.invitation(Role::Viewer);
    assert!(!text(world.get(&mut browser, &invitation)).contains("/sign-in/openid"));
    for path in ["/sign-in/openid", "/sign-in/openid/callback?code=1&state=2"] {
        assert_eq!(world.get(&mut browser, path).status, 404, "{path}");
    }
}
