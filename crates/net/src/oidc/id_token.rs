//! ID tokens: signature and claims. Pure: keys and time are given.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use subtle::ConstantTimeEq;

/// Bytes of an ID token at most.
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Keys of a provider at most.
const KEYS_MAX: usize = 64;
/// How far the provider's clock may be from ours, in seconds.
const SKEW_S: i64 = 120;
/// A token that is older than this is not of the sign-in that has just happened, in seconds.
const AGE_MAX_S: i64 = 600;
/// Bytes of a subject at most (OpenID Connect Core §2).
const SUBJECT_BYTES_MAX: usize = 255;

/// Why an ID token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no signed token as we read them.
    #[error("the ID token is malformed: {0}")]
    Malformed(&'static str),
    /// Its algorithm is not one of RS256 and ES256.
    #[error("the ID token is signed by an algorithm that is not taken (RS256 and ES256 are)")]
    Algorithm,
    /// No key of the provider fits it.
    #[error("the ID token is signed by a key that the provider does not publish")]
    UnknownKey,
    /// Its signature does not hold.
    #[error("the signature of the ID token does not hold")]
    Signature,
    /// A claim is not as it must be.
    #[error("the ID token's `{claim}` {what}")]
    Claim {
        /// Which one.
        claim: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// What an ID token must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The provider.
    pub issuer: &'a str,
    /// We, as the provider knows us.
    pub client_id: &'a str,
    /// What we gave for this sign-in.
    pub nonce: &'a str,
    /// Now, in seconds since 1970.
    pub now_s: i64,
}

/// What an ID token says of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The user's id at the provider.
    pub subject: String,
    /// What the provider calls him: only to be shown.
    pub name: Option<String>,
}

/// How tokens may be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rs256,
    Es256,
}

#[derive(Debug, Clone)]
enum PublicKey {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
}

#[derive(Debug, Clone)]
struct Key {
    id: Option<String>,
    public: PublicKey,
}

/// A provider's keys (JWKS), as far as they sign by an algorithm that is taken.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<Key>);

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Payload {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: Option<String>,
    name: Option<String>,
    preferred_username: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

impl Key {
    /// `None` for a key of another kind or use.
    fn parse(value: &serde_json::Value) -> Option<Self> {
        let jwk = Jwk::deserialize(value).ok()?;
        if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return None;
        }
        let (public, alg) = match &*jwk.kty {
            "RSA" => {
                let (n, e) = (decode(jwk.n.as_deref()?)?, decode(jwk.e.as_deref()?)?);
                (PublicKey::Rsa { n, e }, "RS256")
            }
            "EC" if jwk.crv.as_deref() == Some("P-256") => {
                let (x, y) = (decode(jwk.x.as_deref()?)?, decode(jwk.y.as_deref()?)?);
                let is_point = x.len() == 32 && y.len() == 32;
                let point = is_point.then(|| [&[4][..], &x, &y].concat())?;
                (PublicKey::P256(point), "ES256")
            }
            _ => return None,
        };
        let is_for_us = jwk.alg.as_deref().is_none_or(|said| said == alg);
        is_for_us.then_some(Self { id: jwk.kid, public })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        matches!(
            (&self.public, algorithm),
            (PublicKey::Rsa { .. }, Algorithm::Rs256) | (PublicKey::P256(_), Algorithm::Es256)
        )
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.public {
            PublicKey::Rsa { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
            PublicKey::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
        };
        verified.is_ok()
    }
}

impl Keys {
    /// Reads a provider's keys; those that we cannot use are left out.
    ///
    /// # Errors
    /// [`TokenError::Malformed`] for something else than keys, or too many.
    pub fn parse(jwks: &[u8]) -> Result<Self, TokenError> {
        let malformed = |what| move |_| TokenError::Malformed(what);
        let jwks: Jwks = serde_json::from_slice(jwks).map_err(malformed("the keys are no JWKS"))?;
        if jwks.keys.len() > KEYS_MAX {
            return Err(TokenError::Malformed("the provider has more than 64 keys"));
        }
        Ok(Self(jwks.keys.iter().filter_map(Key::parse).collect()))
    }

    /// The one key that a token names. A token that names none is taken where there is one only.
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let is_named = |key: &&Key| id.is_none() || key.id.as_deref() == id;
        let mut found = self.0.iter().filter(|key| key.fits(algorithm)).filter(is_named);
        let first = found.next();
        first.filter(|_| found.next().is_none())
    }

    /// Checks a token's signature by these keys, then its claims.
    ///
    /// # Errors
    /// [`TokenError`]: anything that is not as expected.
    pub fn check(&self, token: &str, expected: &Expected<'_>) -> Result<Claims, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed("it has more than 16 KiB"));
        }
        let malformed = TokenError::Malformed("it has not three parts in base64url");
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed.clone())?;
        let (header, payload) = signed.split_once('.').ok_or(malformed.clone())?;
        let (header, payload, signature) = (decode(header), decode(payload), decode(signature));
        let (Some(header), Some(payload), Some(signature)) = (header, payload, signature) else {
            return Err(malformed);
        };
        let header: Header = serde_json::from_slice(&header)
            .map_err(|_| TokenError::Malformed("its header is not read"))?;
        if header.crit.is_some() {
            return Err(TokenError::Malformed("it has extensions that must be understood"));
        }
        let algorithm = match &*header.alg {
            "RS256" => Algorithm::Rs256,
            "ES256" => Algorithm::Es256,
            _ => return Err(TokenError::Algorithm),
        };
        let key = self.find(header.kid.as_deref(), algorithm).ok_or(TokenError::UnknownKey)?;
        if !key.verify(signed.as_bytes(), &signature) {
            return Err(TokenError::Signature);
        }
        let payload: Payload = serde_json::from_slice(&payload)
            .map_err(|_| TokenError::Malformed("a claim is missing or of another type"))?;
        payload.check(expected)?;
        let name = payload.name.or(payload.preferred_username);
        Ok(Claims { subject: payload.sub, name })
    }
}

impl Payload {
    fn check(&self, expected: &Expected<'_>) -> Result<(), TokenError> {
        let fault = |claim, what| Err(TokenError::Claim { claim, what });
        if self.iss != expected.issuer {
            return fault("iss", "is another provider");
        }
        let audience = match &self.aud {
            Audience::One(one) => std::slice::from_ref(one),
            Audience::Many(many) => many.as_slice(),
        };
        if !audience.iter().any(|one| one == expected.client_id) {
            return fault("aud", "is another client");
        }
        match &self.azp {
            Some(azp) if azp != expected.client_id => return fault("azp", "is another client"),
            None if audience.len() > 1 => {
                return fault("azp", "is missing, though there are several clients");
            }
            _ => {}
        }
        if self.exp <= expected.now_s.saturating_sub(SKEW_S) {
            return fault("exp", "is over");
        }
        let latest = expected.now_s.saturating_add(SKEW_S);
        if self.iat > latest || self.nbf.is_some_and(|from| from > latest) {
            return fault("iat", "is in the future: look at the clocks");
        }
        if self.iat < expected.now_s.saturating_sub(AGE_MAX_S + SKEW_S) {
            return fault("iat", "is long ago");
        }
        let nonce = self.nonce.as_deref().unwrap_or_default();
        if expected.nonce.is_empty()
            || !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes()))
        {
            return fault("nonce", "is not of this sign-in");
        }
        if self.sub.is_empty() || self.sub.len() > SUBJECT_BYTES_MAX {
            return fault("sub", "has not 1 to 255 bytes");
        }
        Ok(())
    }
}
