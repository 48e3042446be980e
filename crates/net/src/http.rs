//! A blocking HTTP client with bounds: time, size of the answer, HTTPS unless on this machine, no
//! redirects, no proxy, and for addresses that somebody else gave us only the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use ureq::config::Config;
use ureq::http::{self, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

/// Bytes of an answer's head at most.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Connections that are kept open for the next call.
const IDLE_CONNECTIONS: usize = 4;
/// How long a connection attempt lasts at most.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// Where a client may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Anywhere: for addresses that whoever runs the program gave.
    Anywhere,
    /// The public internet only: for addresses that came from outside. What such an address names
    /// must not make the node call its own network (SSRF).
    PublicOnly,
}

/// How a client behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it may reach.
    pub reach: Reach,
    /// Certificates (PEM) to trust beside Mozilla's list.
    pub extra_roots: Option<Vec<u8>>,
    /// How long one call lasts at most, from beginning to end.
    pub time: Duration,
    /// Bytes of an answer at most.
    pub answer_bytes_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            reach: Reach::Anywhere,
            extra_roots: None,
            time: Duration::from_secs(30),
            answer_bytes_max: 1024 * 1024,
        }
    }
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
}

/// What a server answered, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers; names in small letters. Those that are no text are left out.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of a name (in small letters).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// An address that is none, or one that is not called.
    #[error("{url}: {what}")]
    Url {
        /// The address, without what could be secret in it.
        url: String,
        /// What is wrong with it.
        what: String,
    },
    /// It leads to another place than the public internet.
    #[error("{url} leads to {address}, which is not on the public internet; it is not called")]
    NotPublic {
        /// The address.
        url: String,
        /// Where it leads.
        address: IpAddr,
    },
    /// Nobody answers, or not as HTTP, or the certificate does not hold.
    #[error("{url} cannot be reached: {cause}")]
    Unreachable {
        /// The address.
        url: String,
        /// What went wrong.
        cause: String,
    },
    /// It takes too long.
    #[error("{url} did not answer within {seconds} s")]
    TooSlow {
        /// The address.
        url: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The answer is too long.
    #[error("{url} answers with more than {limit} bytes")]
    TooLarge {
        /// The address.
        url: String,
        /// The bytes that are read at most.
        limit: u64,
    },
    /// A certificate that cannot be used.
    #[error("the additional certificates cannot be used: {0}")]
    Certificate(String),
    /// A header that cannot be sent.
    #[error("the header {0} has characters that cannot be sent")]
    Header(String),
}

/// An HTTP client. Cheap to clone, usable from several threads.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    time: Duration,
    answer_bytes_max: u64,
}

impl Client {
    /// A client.
    ///
    /// # Errors
    /// [`HttpError::Certificate`] where the additional certificates are none.
    pub fn new(options: &Options) -> Result<Self, HttpError> {
        let roots = roots(options.extra_roots.as_deref())?;
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .build();
        let config = Config::builder()
            .tls_config(tls)
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(HEAD_BYTES_MAX)
            .max_idle_connections(IDLE_CONNECTIONS)
            .allow_non_standard_methods(true)
            .timeout_global(Some(options.time))
            .timeout_connect(Some(CONNECT_TIME.min(options.time)))
            .user_agent(concat!("countermark/", env!("CARGO_PKG_VERSION")))
            .build();
        let guard = Guard { reach: options.reach, resolver: DefaultResolver::default() };
        let agent = Agent::with_parts(config, DefaultConnector::new(), guard);
        Ok(Self { agent, time: options.time, answer_bytes_max: options.answer_bytes_max })
    }

    /// Calls an address and gives the answer, whatever its status. A redirect is not followed: it
    /// is the answer.
    ///
    /// # Errors
    /// [`HttpError`].
    pub fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, HttpError> {
        let uri = check_url(url)?;
        let shown = shown(&uri);
        let method = match method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
            Method::Put => http::Method::PUT,
            Method::Delete => http::Method::DELETE,
        };
        let mut request = http::Request::builder().method(method.clone()).uri(uri);
        for (name, value) in headers {
            let value = http::HeaderValue::from_str(value);
            let value = value.map_err(|_| HttpError::Header((*name).to_owned()))?;
            request = request.header(*name, value);
        }
        let head = |_| HttpError::Header("given".to_owned());
        let takes_body = matches!(method, http::Method::POST | http::Method::PUT);
        let answer = match body {
            Some(body) => self.agent.run(request.body(body).map_err(head)?),
            None if takes_body => self.agent.run(request.body(&[][..]).map_err(head)?),
            None => self.agent.run(request.body(()).map_err(head)?),
        };
        self.read(answer.map_err(|error| self.fault(&shown, error))?, &shown)
    }

    fn read(&self, mut answer: http::Response<ureq::Body>, url: &str) -> Result<Answer, HttpError> {
        let text = |value: &http::HeaderValue| value.to_str().ok().map(str::to_owned);
        let headers = answer.headers().iter();
        let headers = headers.filter_map(|(name, value)| Some((name.to_string(), text(value)?)));
        let headers = headers.collect();
        let body = answer.body_mut().with_config().limit(self.answer_bytes_max).read_to_vec();
        let body = body.map_err(|error| self.fault(url, error))?;
        Ok(Answer { status: answer.status().as_u16(), headers, body })
    }

    fn fault(&self, url: &str, error: Error) -> HttpError {
        let url = url.to_owned();
        match error {
            Error::Timeout(_) => HttpError::TooSlow { url, seconds: self.time.as_secs() },
            Error::BodyExceedsLimit(_) => HttpError::TooLarge { url, limit: self.answer_bytes_max },
            Error::Other(other) => match other.downcast::<Refused>() {
                Ok(refused) => match *refused {
                    Refused::NotPublic(address) => HttpError::NotPublic { url, address },
                    Refused::NotLocal(address) => {
                        let what = format!("it leads to {address}; {HTTPS_ONLY}");
                        HttpError::Url { url, what }
                    }
                },
                Err(other) => HttpError::Unreachable { url, cause: other.to_string() },
            },
            other => HttpError::Unreachable { url, cause: other.to_string() },
        }
    }
}

const HTTPS_ONLY: &str = "http is for this machine only, use https";

/// Mozilla's list, and what is given.
fn roots(extra: Option<&[u8]>) -> Result<Vec<Certificate<'static>>, HttpError> {
    let mut roots: Vec<Certificate<'static>> = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|root| Certificate::from_der(root.as_ref()).to_owned())
        .collect();
    let Some(extra) = extra else { return Ok(roots) };
    let known = roots.len();
    for item in parse_pem(extra) {
        match item.map_err(|error| HttpError::Certificate(error.to_string()))? {
            PemItem::Certificate(root) => roots.push(root),
            _ => return Err(HttpError::Certificate("there is a private key in it".to_owned())),
        }
    }
    if roots.len() == known {
        return Err(HttpError::Certificate("there is no certificate in it (PEM)".to_owned()));
    }
    Ok(roots)
}

/// An address as it is shown: without its query, which may hold a secret.
fn shown(uri: &Uri) -> String {
    let (scheme, host) = (uri.scheme_str().unwrap_or_default(), uri.authority());
    format!("{scheme}://{}{}", host.map_or("", |host| host.as_str()), uri.path())
}

/// HTTPS, or HTTP to this machine; no name and password in it.
pub(crate) fn check_url(url: &str) -> Result<Uri, HttpError> {
    let fault = |what: &str| {
        // What stands before an @ could be a password.
        let shown = url.rsplit_once('@').map_or(url, |(_, rest)| rest);
        let shown = shown.split(['?', '#']).next().unwrap_or_default();
        let shown = shown.chars().take(200).filter(|c| !c.is_control()).collect();
        HttpError::Url { url: shown, what: what.to_owned() }
    };
    let uri: Uri = url.parse().map_err(|_| fault("this is no URL"))?;
    let Some(authority) = uri.authority() else { return Err(fault("this is no absolute URL")) };
    if authority.as_str().contains('@') {
        return Err(fault("a URL with a name or password in it is not called"));
    }
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if is_this_machine(authority.host()) => Ok(uri),
        Some("http") => Err(fault(HTTPS_ONLY)),
        _ => Err(fault("only https URLs are called")),
    }
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Why a name is not called.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{0} is not on the public internet")]
    NotPublic(IpAddr),
    #[error("{0} is not this machine")]
    NotLocal(IpAddr),
}

/// Looks names up and refuses where they lead. The connection goes to what was looked at here, so a
/// name that leads elsewhere the next time gains nothing.
#[derive(Debug)]
struct Guard {
    reach: Reach,
    resolver: DefaultResolver,
}

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.resolver.resolve(uri, config, timeout)?;
        let is_plain = uri.scheme_str() != Some("https");
        for address in found.iter().map(|address| address.ip()) {
            let refused = if self.reach == Reach::PublicOnly && !is_public(address) {
                Refused::NotPublic(address)
            } else if is_plain && !address.to_canonical().is_loopback() {
                Refused::NotLocal(address)
            } else {
                continue;
            };
            return Err(Error::Other(Box::new(refused)));
        }
        Ok(found)
    }
}

/// Whether an address is on the public internet (IANA special-purpose registries).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && b & 0b1100_0000 == 64)
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && b & 0b1111_1110 == 18);
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        // Addresses of IPv4 in another dress: translated (RFC 6052) and 6to4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            is_public_v4(embedded(high, low))
        }
        // Teredo, benchmarking, ORCHID and other special uses below 2001:200::; documentation.
        [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
        [0x3fff, second, ..] => second & 0xf000 != 0,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for address in
            ["8.8.8.8", "192.0.1.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn only_https_and_this_machine_are_called() {
        for url in [
            "https://example.com/a?b",
            "http://localhost:8480/",
            "http://127.0.0.1:1/x",
            "http://[::1]:8480/",
        ] {
            assert!(check_url(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "x",
            "/path",
            "ftp://example.com/",
            "file:///etc/passwd",
            "http://example.com/",
            "http://192.168.1.1/",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "https://office:secret@example.com/",
            "http://localhost@example.com/",
        ] {
            let error = check_url(url).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_query_of_an_address_is_not_shown() {
        let uri = "https://example.com/a?token=secret".parse().unwrap();
        assert_eq!(shown(&uri), "https://example.com/a");
    }
}
