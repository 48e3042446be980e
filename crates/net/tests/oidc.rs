//! Signing in by a certified OpenID provider that runs beside the test (`tests/oidc`), and its
//! tokens where they do not fit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../../../tests/oidc/provider.rs"]
mod provider;

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countermark_net::http::{Client, Method, Options};
use countermark_net::oidc::id_token::{Claims, Expected, Keys, TokenError};
use countermark_net::oidc::{Callback, OidcError, Provider, Settings};
use provider::{Browser, Running, parameter};
use serde_json::{Value, json};

const REDIRECT: &str = "http://127.0.0.1:8480/sign-in/openid/callback";
const SECRET: &str = "a secret: with + and % in it";
const USER: &str = "quality@example.com";

fn start() -> Option<Running> {
    provider::start(REDIRECT)
}

/// The query with which the provider sends a browser back.
fn walk(browser: &mut Browser, running: &Running, url: &str) -> String {
    browser.walk(&running.issuer, url, REDIRECT, "quality%40example.com")
}

fn now_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
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
        let query = walk(&mut browser, &running, &url);
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
    let good = callback(&walk(&mut Browser::new(), &running, &url));
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
    let query = walk(&mut Browser::new(), running, &url);
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
    let query = walk(&mut Browser::new(), running, &url);
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
