//! Signing in by an OpenID provider: OpenID Connect Core 1.0, authorization code flow, with PKCE
//! (RFC 7636), `state`, `nonce`, and the issuer in the answer (RFC 9207).
//!
//! [`Provider::begin`] gives the address to send the browser to and what to remember ([`Logins`] keeps
//! it); with that and the query that the browser comes back with, [`Provider::finish`] gives the user.

pub mod id_token;
mod logins;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use id_token::{Expected, Keys, TokenError};
pub use logins::Logins;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::http::{self, Answer, Client, HttpError, Method};

/// What the provider publishes is asked for anew after so long.
const KEPT: Duration = Duration::from_secs(60 * 60);
/// For a key that is unknown the keys are asked for anew, at most so often.
const KEYS_EVERY: Duration = Duration::from_secs(60);
/// How long one call to the provider lasts at most.
const CALL_TIME: Duration = Duration::from_secs(10);
/// Bytes of one answer of the provider at most.
const ANSWER_BYTES_MAX: u64 = 256 * 1024;
/// Bytes of `code` and `state` in the answer at most.
const PARAMETER_BYTES_MAX: usize = 4 * 1024;
/// Characters that are shown of what the provider says.
const SHOWN_CHARS: usize = 200;

/// A provider and who we are to it.
#[derive(Clone)]
pub struct Settings {
    /// The issuer, as in its tokens: `https://login.example.com`.
    pub issuer: String,
    /// Our id there.
    pub client_id: String,
    /// Our secret there; without one PKCE alone protects the code.
    pub client_secret: Option<Zeroizing<String>>,
    /// Certificates (PEM) to trust beside Mozilla's list.
    pub extra_roots: Option<Vec<u8>>,
}

/// Why nobody signs in.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The provider cannot be called.
    #[error("the OpenID provider: {0}")]
    Http(#[from] HttpError),
    /// It answers otherwise than it should.
    #[error("the OpenID provider {place}: {what}")]
    Provider {
        /// What it was asked for.
        place: &'static str,
        /// What is wrong.
        what: String,
    },
    /// It did not sign the user in: he cancelled, or may not.
    #[error("the OpenID provider did not sign in: {0}")]
    Refused(String),
    /// The answer is not of the sign-in that this browser began.
    #[error("this is not the answer to the sign-in that was begun here; sign in again")]
    OtherSignIn,
    /// Its ID token does not hold.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random,
}

/// A sign-in that was begun. It is secret, and used once: see [`Logins`].
#[derive(Clone)]
pub struct Login {
    state: String,
    nonce: String,
    verifier: String,
    redirect_uri: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login(…)")
    }
}

impl Login {
    /// What the answer's `state` will be.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }
}

/// The query that the browser comes back with.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Callback {
    /// The code, where the user signed in.
    pub code: Option<String>,
    /// Our `state`.
    pub state: Option<String>,
    /// The provider's issuer.
    pub iss: Option<String>,
    /// Why not, where he did not.
    pub error: Option<String>,
    /// The same in words.
    pub error_description: Option<String>,
}

/// A user whom the provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The provider.
    pub issuer: String,
    /// The user's id there.
    pub subject: String,
    /// What the provider calls him: only to be shown.
    pub name: Option<String>,
}

/// What a provider says of itself (OpenID Connect Discovery 1.0).
#[derive(Debug, Clone, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}

#[derive(Default)]
struct Known {
    metadata: Option<(Instant, Arc<Metadata>)>,
    keys: Option<(Instant, Arc<Keys>)>,
    /// When the keys were last asked for because of one that was unknown.
    searched: Option<Instant>,
}

/// An OpenID provider. It is called when somebody signs in, not before.
pub struct Provider {
    settings: Settings,
    client: Client,
    known: Mutex<Known>,
}

impl Provider {
    /// A provider; it is not called yet.
    ///
    /// # Errors
    /// [`OidcError::Http`] where the issuer is no address that is called, or the certificates are
    /// none.
    pub fn new(settings: Settings) -> Result<Self, OidcError> {
        http::check_url(&settings.issuer)?;
        let options = http::Options {
            extra_roots: settings.extra_roots.clone(),
            time: CALL_TIME,
            answer_bytes_max: ANSWER_BYTES_MAX,
            ..http::Options::default()
        };
        let client = Client::new(&options)?;
        Ok(Self { settings, client, known: Mutex::default() })
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Begins a sign-in: the address to send the browser to, and what to remember. The answer comes
    /// to `redirect_uri`, which the provider must know.
    ///
    /// # Errors
    /// [`OidcError`] where the provider cannot be asked how.
    pub fn begin(&self, redirect_uri: &str) -> Result<(String, Login), OidcError> {
        let metadata = self.metadata()?;
        let login = Login {
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            redirect_uri: redirect_uri.to_owned(),
        };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(login.verifier.as_bytes()));
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", redirect_uri),
            ("scope", "openid profile"),
            ("state", &login.state),
            ("nonce", &login.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let endpoint = &metadata.authorization_endpoint;
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        Ok((format!("{endpoint}{joint}{query}"), login))
    }

    /// Ends a sign-in: exchanges the code and checks the ID token.
    ///
    /// # Errors
    /// [`OidcError`]; nobody is signed in then.
    pub fn finish(
        &self,
        login: &Login,
        callback: &Callback,
        now_s: i64,
    ) -> Result<User, OidcError> {
        let state = callback.state.as_deref().unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(login.state.as_bytes())) {
            return Err(OidcError::OtherSignIn);
        }
        let metadata = self.metadata()?;
        match &callback.iss {
            Some(issuer) if *issuer != metadata.issuer => return Err(OidcError::OtherSignIn),
            None if metadata.authorization_response_iss_parameter_supported => {
                return Err(OidcError::OtherSignIn);
            }
            _ => {}
        }
        if let Some(error) = &callback.error {
            let words = callback.error_description.as_deref();
            return Err(OidcError::Refused(shown(error, words)));
        }
        let code = callback.code.as_deref().filter(|code| code.len() <= PARAMETER_BYTES_MAX);
        let code = code.ok_or(OidcError::OtherSignIn)?;
        let token = self.exchange(&metadata, login, code)?;
        let expected = Expected {
            issuer: &metadata.issuer,
            client_id: &self.settings.client_id,
            nonce: &login.nonce,
            now_s,
        };
        let claims = self.check(&metadata, &token, &expected)?;
        let issuer = metadata.issuer.clone();
        Ok(User { issuer, subject: claims.subject, name: claims.name })
    }

    /// Exchanges the code for the ID token.
    fn exchange(
        &self,
        metadata: &Metadata,
        login: &Login,
        code: &str,
    ) -> Result<Zeroizing<String>, OidcError> {
        let Settings { client_id, client_secret, .. } = &self.settings;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &login.redirect_uri),
            ("code_verifier", &login.verifier),
        ];
        let mut headers = vec![
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "application/json"),
        ];
        let methods = &metadata.token_endpoint_auth_methods_supported;
        let takes = |name: &str| methods.iter().any(|method| method == name);
        let authorization;
        match client_secret {
            // Without a word of the provider it is the header (Discovery §3).
            Some(secret) if methods.is_empty() || takes("client_secret_basic") => {
                let pair = Zeroizing::new(format!("{}:{}", encode(client_id), encode(secret)));
                authorization = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair)));
                headers.push(("authorization", &authorization));
            }
            Some(secret) => {
                fields.extend([("client_id", client_id.as_str()), ("client_secret", secret)]);
            }
            None => fields.push(("client_id", client_id)),
        }
        let body = Zeroizing::new(form(&fields));
        let url = &metadata.token_endpoint;
        let answer = self.client.send(Method::Post, url, &headers, Some(body.as_bytes()))?;
        if answer.status != 200 {
            let refusal = serde_json::from_slice::<Refusal>(&answer.body);
            let Ok(refusal) = refusal else { return Err(status("token endpoint", &answer)) };
            let words = refusal.error_description.as_deref();
            return Err(OidcError::Refused(shown(&refusal.error, words)));
        }
        Ok(Zeroizing::new(read::<Tokens>("token endpoint", &answer)?.id_token))
    }

    /// Checks an ID token. A key that is unknown may be a new one.
    fn check(
        &self,
        metadata: &Metadata,
        token: &str,
        expected: &Expected<'_>,
    ) -> Result<id_token::Claims, OidcError> {
        let checked = self.keys(metadata)?.check(token, expected);
        if checked == Err(TokenError::UnknownKey) && self.may_search() {
            return Ok(self.new_keys(metadata)?.check(token, expected)?);
        }
        Ok(checked?)
    }

    /// Whether the keys may be asked for anew because of one that is unknown. Whoever forges tokens
    /// must not make us call the provider each time.
    fn may_search(&self) -> bool {
        let mut known = self.known();
        if known.searched.is_some_and(|at| at.elapsed() < KEYS_EVERY) {
            return false;
        }
        known.searched = Some(Instant::now());
        true
    }

    /// The provider's keys, as they were not long ago.
    fn keys(&self, metadata: &Metadata) -> Result<Arc<Keys>, OidcError> {
        let known = self.known().keys.clone();
        match known.filter(|(at, _)| at.elapsed() < KEPT) {
            Some((_, keys)) => Ok(keys),
            None => self.new_keys(metadata),
        }
    }

    fn new_keys(&self, metadata: &Metadata) -> Result<Arc<Keys>, OidcError> {
        let answer = self.get("keys", &metadata.jwks_uri)?;
        let keys = Arc::new(Keys::parse(&answer.body)?);
        self.known().keys = Some((Instant::now(), Arc::clone(&keys)));
        Ok(keys)
    }

    /// What the provider says of itself.
    fn metadata(&self) -> Result<Arc<Metadata>, OidcError> {
        const PLACE: &str = "configuration";
        let known = self.known().metadata.clone();
        if let Some((_, metadata)) = known.filter(|(at, _)| at.elapsed() < KEPT) {
            return Ok(metadata);
        }
        let base = self.settings.issuer.trim_end_matches('/');
        let answer = self.get(PLACE, &format!("{base}/.well-known/openid-configuration"))?;
        let metadata: Metadata = read(PLACE, &answer)?;
        let fault = |what: &str| OidcError::Provider { place: PLACE, what: what.to_owned() };
        if metadata.issuer != self.settings.issuer {
            return Err(fault("it names another issuer than was given"));
        }
        let challenges = &metadata.code_challenge_methods_supported;
        if !challenges.is_empty() && !challenges.iter().any(|method| method == "S256") {
            return Err(fault("it knows no PKCE with S256"));
        }
        http::check_url(&metadata.authorization_endpoint)?;
        let metadata = Arc::new(metadata);
        self.known().metadata = Some((Instant::now(), Arc::clone(&metadata)));
        Ok(metadata)
    }

    fn get(&self, place: &'static str, url: &str) -> Result<Answer, OidcError> {
        let answer = self.client.send(Method::Get, url, &[("accept", "application/json")], None)?;
        if answer.status == 200 { Ok(answer) } else { Err(status(place, &answer)) }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn status(place: &'static str, answer: &Answer) -> OidcError {
    OidcError::Provider { place, what: format!("it answers with status {}", answer.status) }
}

fn read<T: for<'a> Deserialize<'a>>(place: &'static str, answer: &Answer) -> Result<T, OidcError> {
    // The parser's words could hold what it read, a token for example.
    serde_json::from_slice(&answer.body).map_err(|_| OidcError::Provider {
        place,
        what: "the answer is not of the shape that OpenID Connect asks for".to_owned(),
    })
}

/// What a provider says, as one line of bounded length.
fn shown(error: &str, words: Option<&str>) -> String {
    let text = words.map_or_else(|| error.to_owned(), |words| format!("{error}: {words}"));
    text.chars().take(SHOWN_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// 32 random bytes in base64url: 43 characters, as PKCE asks for at least.
fn random() -> Result<String, OidcError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| OidcError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(*bytes))
}

/// `application/x-www-form-urlencoded`.
fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.join("&")
}

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
