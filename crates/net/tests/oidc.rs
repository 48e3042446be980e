//! Signing in by a certified OpenID provider that runs beside the test (`tests/oidc`), and its
//! tokens where they do not fit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countermark_net::http::{Answer, Client, Method, Options};
use countermark_net::oidc::id_token::{Claims, Expected, Keys, TokenError};
use countermark_net::oidc::{Callback, OidcError, Provider, Settings};
use serde_json::{Value, json};

const REDIRECT: &str = "http://127.0.0.1:8480/sign-in/openid/callback";
const SECRET: &str = "a secret: with + and % in it";
const USER: &str = "quality@example.com";

/// A provider that ends with the test.
struct Running {
    issuer: String,
    process: Child,
    lines: Receiver<String>,
}

impl Running {
    /// Gives it a word; what it answers after the word it answers with.
    fn tell(&mut self, word: &str, answer: &str) -> String {
        writeln!(self.process.stdin.as_mut().unwrap(), "{word}").unwrap();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60)).unwrap();
            if let Some(rest) = line.strip_prefix(answer) {
                return rest.trim().to_owned();
            }
        }
    }

    /// How often its keys were asked for.
    fn asked(&mut self) -> String {
        self.tell("asked", "asked ")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ended = self.process.wait();
    }
}

/// `None`, said aloud, where the provider is not installed outside CI.
fn start() -> Option<Running> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/oidc");
    if !folder.join("node_modules").is_dir() {
        let on_ci = std::env::var_os("CI").is_some();
        assert!(!on_ci, "no OpenID provider: `cargo xtask setup` installs it (needs npm)");
        eprintln!("skipped: no OpenID provider; `cargo xtask setup` installs it (needs npm)");
        return None;
    }
    let mut process = Command::new("node")
        .arg("server.js")
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

fn now_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

/// A browser that keeps cookies and fills in the provider's forms until it is sent back to us.
struct Browser {
    client: Client,
    cookies: Vec<(String, String)>,
    forms: usize,
}

impl Browser {
    fn new() -> Self {
        let client = Client::new(&Options::default()).unwrap();
        Self { client, cookies: Vec::new(), forms: 0 }
    }

    fn send(&mut self, method: Method, url: &str, body: Option<&str>) -> Answer {
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

    /// The query with which the provider sends the browser back.
    fn walk(&mut self, issuer: &str, url: &str) -> String {
        let mut answer = self.send(Method::Get, url, None);
        for _ in 0..20 {
            if let Some(location) = answer.header("location") {
                if let Some(query) = location.strip_prefix(REDIRECT) {
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
                "login" => "prompt=login&login=quality%40example.com&password=anything",
                other => {
                    assert_eq!(other, "consent");
                    "prompt=consent"
                }
            };
            self.forms += 1;
            answer = self.send(Method::Post, &action, Some(fields));
        }
        panic!("the provider does not come to an end");
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
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

fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(known, _)| *known == name).map(|(_, value)| unescape(value)).next()
}

fn callback(query: &str) -> Callback {
    Callback {
        code: parameter(query, "code"),
        state: parameter(query, "state"),
        iss: parameter(query, "iss"),
        error: parameter(query, "error"),
        error_description: parameter(query, "error_description"),
    }
}

fn provider(running: &Running, client_id: &str) -> Provider {
    let secret = (client_id == "with secret").then(|| SECRET.to_owned().into());
    Provider::new(Settings {
        issuer: running.issuer.clone(),
        client_id: client_id.to_owned(),
        client_secret: secret,
        extra_roots: None,
    })
    .unwrap()
}

#[test]
fn a_user_signs_in_with_a_secret_and_without_one() {
    let Some(running) = start() else { return };
    for client_id in ["with secret", "without"] {
        let provider = provider(&running, client_id);
        let (url, login) = provider.begin(REDIRECT).unwrap();
        assert!(url.contains("code_challenge_method=S256") && url.contains("nonce="), "{url}");
        let mut browser = Browser::new();
        let query = browser.walk(&running.issuer, &url);
        assert!(browser.forms >= 1, "the user was asked");
        let user = provider.finish(&login, &callback(&query), now_s()).unwrap();
        assert_eq!((&*user.issuer, &*user.subject), (&*running.issuer, USER));
        assert_eq!(user.name.as_deref(), Some("Quality desk"));
        let again = provider.finish(&login, &callback(&query), now_s()).unwrap_err();
        assert!(matches!(again, OidcError::Refused(_)), "a code works once: {again}");
    }
}

#[test]
fn an_answer_that_belongs_to_another_sign_in_is_refused() {
    let Some(running) = start() else { return };
    let provider = provider(&running, "without");
    let (url, login) = provider.begin(REDIRECT).unwrap();
    let (_, other_login) = provider.begin(REDIRECT).unwrap();
    let good = callback(&Browser::new().walk(&running.issuer, &url));
    let refused = |login, callback: &Callback| {
        let error = provider.finish(login, callback, now_s()).unwrap_err();
        assert!(matches!(error, OidcError::OtherSignIn), "{error:?}");
    };
    refused(&other_login, &good);
    refused(&login, &Callback { state: None, ..good.clone() });
    refused(&login, &Callback { code: None, ..good.clone() });
    refused(&login, &Callback { iss: None, ..good.clone() });
    refused(
        &login,
        &Callback { iss: Some("https://other.example.com".to_owned()), ..good.clone() },
    );
    // With another sign-in's `state` the code still has the wrong verifier.
    let stolen = Callback { state: Some(other_login.state().to_owned()), ..good.clone() };
    let error = provider.finish(&other_login, &stolen, now_s()).unwrap_err();
    assert!(matches!(error, OidcError::Refused(_)), "{error:?}");
    let cancelled = Callback { error: Some("access_denied".to_owned()), code: None, ..good };
    let error = provider.finish(&login, &cancelled, now_s()).unwrap_err();
    assert!(error.to_string().contains("access_denied"), "{error}");
}

/// An ID token as the provider makes it, got by hand, with the provider's keys.
fn token(running: &Running, nonce: &str) -> (String, Vec<u8>) {
    let verifier = "a-verifier-that-has-at-least-forty-three-characters";
    let challenge = URL_SAFE_NO_PAD.encode(<sha2::Sha256 as sha2::Digest>::digest(verifier));
    let redirect = "http%3A%2F%2F127.0.0.1%3A8480%2Fsign-in%2Fopenid%2Fcallback";
    let url = format!(
        "{}/auth?response_type=code&client_id=without&scope=openid%20profile&state=s&nonce={nonce}\
         &redirect_uri={redirect}&code_challenge={challenge}&code_challenge_method=S256",
        running.issuer
    );
    let query = Browser::new().walk(&running.issuer, &url);
    let code = parameter(&query, "code").unwrap();
    let body = format!(
        "grant_type=authorization_code&client_id=without&code={code}&redirect_uri={redirect}\
         &code_verifier={verifier}"
    );
    let client = Client::new(&Options::default()).unwrap();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let url = format!("{}/token", running.issuer);
    let answer = client.send(Method::Post, &url, &headers, Some(body.as_bytes())).unwrap();
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    let keys = client.send(Method::Get, &format!("{}/jwks", running.issuer), &[], None).unwrap();
    (answer["id_token"].as_str().unwrap().to_owned(), keys.body)
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn a_token_of_the_provider_is_taken_only_where_everything_in_it_is_as_expected() {
    let Some(running) = start() else { return };
    let (token, jwks) = token(&running, "n1");
    let keys = Keys::parse(&jwks).unwrap();
    let good =
        Expected { issuer: &running.issuer, client_id: "without", nonce: "n1", now_s: now_s() };
    let claims = Claims { subject: USER.to_owned(), name: Some("Quality desk".to_owned()) };
    assert_eq!(keys.check(&token, &good), Ok(claims));
    let day = 24 * 60 * 60;
    for (claim, expected) in [
        ("iss", Expected { issuer: "https://login.example.com", ..good }),
        ("aud", Expected { client_id: "with secret", ..good }),
        ("nonce", Expected { nonce: "n2", ..good }),
        ("nonce", Expected { nonce: "", ..good }),
        ("exp", Expected { now_s: good.now_s + day, ..good }),
        ("iat", Expected { now_s: good.now_s + 1000, ..good }),
        ("iat", Expected { now_s: good.now_s - 1000, ..good }),
    ] {
        let error = keys.check(&token, &expected).unwrap_err();
        assert!(matches!(error, TokenError::Claim { claim: c, .. } if c == claim), "{error:?}");
    }
}

#[test]
fn a_token_that_was_altered_or_signed_otherwise_is_refused() {
    let Some(running) = start() else { return };
    let (token, jwks) = token(&running, "n1");
    let keys = Keys::parse(&jwks).unwrap();
    let good =
        Expected { issuer: &running.issuer, client_id: "without", nonce: "n1", now_s: now_s() };
    let parts: Vec<&str> = token.split('.').collect();
    let payload: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let mut other = payload.clone();
    other["sub"] = json!("owner@example.com");
    let altered = format!("{}.{}.{}", parts[0], part(&other), parts[2]);
    assert_eq!(keys.check(&altered, &good), Err(TokenError::Signature));
    for alg in ["none", "None", "NONE", "HS256", "RS512", "PS256", "EdDSA", ""] {
        for signature in ["", parts[2]] {
            let header = part(&json!({"alg": alg, "kid": "ec"}));
            let forged = format!("{header}.{}.{signature}", part(&other));
            assert_eq!(keys.check(&forged, &good), Err(TokenError::Algorithm), "{alg}");
        }
    }
    // The key of the other kind under the name that the token gives, and no such key.
    for (header, error) in [
        (json!({"alg": "RS256", "kid": "rsa"}), TokenError::Signature),
        (json!({"alg": "RS256", "kid": "ec"}), TokenError::UnknownKey),
        (json!({"alg": "ES256", "kid": "other"}), TokenError::UnknownKey),
    ] {
        let forged = format!("{}.{}.{}", part(&header), parts[1], parts[2]);
        assert_eq!(keys.check(&forged, &good), Err(error), "{header}");
    }
    let crit = part(&json!({"alg": "ES256", "kid": "ec", "crit": ["b64"]}));
    let forged = format!("{crit}.{}.{}", parts[1], parts[2]);
    assert!(matches!(keys.check(&forged, &good), Err(TokenError::Malformed(_))));
    for text in ["", ".", "..", "a.b", "a.b.c.d", &token[1..], &format!("{token}=")] {
        assert!(keys.check(text, &good).is_err(), "{text}");
    }
    assert!(matches!(keys.check(&"a".repeat(17 * 1024), &good), Err(TokenError::Malformed(_))));
    // The same key ids, of another provider.
    let another = start().unwrap();
    let jwks = Client::new(&Options::default())
        .unwrap()
        .send(Method::Get, &format!("{}/jwks", another.issuer), &[], None)
        .unwrap();
    assert_eq!(Keys::parse(&jwks.body).unwrap().check(&token, &good), Err(TokenError::Signature));
}

#[test]
fn a_provider_that_is_another_or_is_not_there_is_refused() {
    let Some(running) = start() else { return };
    let settings = |issuer: String| Settings {
        issuer,
        client_id: "without".to_owned(),
        client_secret: None,
        extra_roots: None,
    };
    // The same server under another name.
    let other = running.issuer.replace("127.0.0.1", "localhost");
    let error = Provider::new(settings(other)).unwrap().begin(REDIRECT).unwrap_err();
    assert!(error.to_string().contains("another issuer"), "{error}");
    let path = format!("{}/nothing", running.issuer);
    let error = Provider::new(settings(path)).unwrap().begin(REDIRECT).unwrap_err();
    assert!(matches!(error, OidcError::Provider { .. }), "{error}");
    for issuer in ["http://login.example.com", "login.example.com", "", "file:///etc"] {
        assert!(Provider::new(settings(issuer.to_owned())).is_err(), "{issuer}");
    }
    let gone = running.issuer.clone();
    drop(running);
    let error = Provider::new(settings(gone)).unwrap().begin(REDIRECT).unwrap_err();
    assert!(matches!(error, OidcError::Http(_)), "{error}");
}

#[test]
fn keys_of_other_kinds_and_uses_are_left_out() {
    let jwks = json!({"keys": [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "hmac"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "enc", "use": "enc"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "pss", "alg": "PS256"},
        {"kty": "EC", "crv": "P-384", "x": "AQAB", "y": "AQAB", "kid": "p384"},
        {"kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB", "kid": "short"},
        {"kid": "nothing"}, 7
    ]});
    let keys = Keys::parse(jwks.to_string().as_bytes()).unwrap();
    let good = Expected { issuer: "i", client_id: "c", nonce: "n", now_s: 1 };
    for (alg, kid) in [("RS256", "enc"), ("RS256", "pss"), ("ES256", "p384"), ("ES256", "short")] {
        let header = part(&json!({"alg": alg, "kid": kid}));
        let token = format!("{header}.{}.AAAA", part(&json!({})));
        assert_eq!(keys.check(&token, &good), Err(TokenError::UnknownKey), "{kid}");
    }
    let many: Vec<Value> = (0..65).map(|_| json!({})).collect();
    assert!(Keys::parse(json!({"keys": many}).to_string().as_bytes()).is_err());
    assert!(Keys::parse(b"{}").is_err() && Keys::parse(b"").is_err());
}

fn sign_in(running: &Running, provider: &Provider) -> Result<String, OidcError> {
    let (url, login) = provider.begin(REDIRECT).unwrap();
    let query = Browser::new().walk(&running.issuer, &url);
    provider.finish(&login, &callback(&query), now_s()).map(|user| user.subject)
}

#[test]
fn new_keys_of_the_provider_are_fetched_at_once_and_then_not_again_within_a_minute() {
    let Some(mut running) = start() else { return };
    let provider = provider(&running, "without");
    assert_eq!(sign_in(&running, &provider).unwrap(), USER);
    assert_eq!(sign_in(&running, &provider).unwrap(), USER);
    assert_eq!(running.asked(), "1", "known keys are kept");
    assert_eq!(running.tell("rotate", "rotated "), "1");
    assert_eq!(sign_in(&running, &provider).unwrap(), USER);
    assert_eq!(running.asked(), "2", "a key that is unknown may be a new one");
    assert_eq!(running.tell("rotate", "rotated "), "2");
    for _ in 0..3 {
        let error = sign_in(&running, &provider).unwrap_err();
        assert!(matches!(error, OidcError::Token(TokenError::UnknownKey)), "{error:?}");
    }
    assert_eq!(running.asked(), "2", "unknown keys do not make us call the provider each time");
}
