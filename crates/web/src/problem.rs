//! What went wrong, as RFC 9457 problem details and as a page. Statuses are decided here and nowhere
//! else.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countermark_epcis::Finding;
use countermark_node::access::AccessError;
use countermark_node::{ErrorKind, NodeError};
use serde::Serialize;

/// Problem details (RFC 9457 §3): a stable `type`, words for people, and where it can be told, the
/// place and the rule.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// A stable name; relative to the documentation that says more.
    #[serde(rename = "type")]
    pub kind: String,
    /// What kind of problem, in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened, where, and what to do.
    pub detail: String,
    /// JSON pointer into what was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The rule that was broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Everything that is wrong, where a document is checked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<serde_json::Value>,
    /// When to come back.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

/// Problems by name, status and title. The names are stable: callers may compare them.
const KINDS: [(&str, StatusCode, &str); 17] = [
    ("other-host", StatusCode::MISDIRECTED_REQUEST, "Another host was asked for"),
    ("bad-request", StatusCode::BAD_REQUEST, "The request cannot be understood"),
    ("not-signed-in", StatusCode::UNAUTHORIZED, "Nobody is signed in"),
    ("not-allowed", StatusCode::FORBIDDEN, "This is not allowed"),
    ("other-site", StatusCode::FORBIDDEN, "The request comes from another site"),
    ("not-found", StatusCode::NOT_FOUND, "There is no such thing"),
    ("method", StatusCode::METHOD_NOT_ALLOWED, "The method is not served here"),
    ("not-acceptable", StatusCode::NOT_ACCEPTABLE, "None of the accepted formats is served"),
    ("too-slow", StatusCode::REQUEST_TIMEOUT, "The request took too long to arrive"),
    ("conflict", StatusCode::CONFLICT, "A rule of the ledger refuses this"),
    ("too-large", StatusCode::PAYLOAD_TOO_LARGE, "Too much was sent"),
    ("media-type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The content type is not taken here"),
    ("invalid", StatusCode::UNPROCESSABLE_ENTITY, "What was sent breaks a rule"),
    ("too-many", StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
    ("internal", StatusCode::INTERNAL_SERVER_ERROR, "The node failed"),
    ("unavailable", StatusCode::SERVICE_UNAVAILABLE, "The node cannot do this now"),
    ("answer-late", StatusCode::GATEWAY_TIMEOUT, "The answer took too long"),
];

impl Problem {
    /// A problem of a known name.
    pub fn new(name: &'static str, detail: impl Into<String>) -> Self {
        let known = KINDS.iter().find(|(known, _, _)| *known == name);
        let (status, title) = known.map_or(
            (StatusCode::INTERNAL_SERVER_ERROR, "The node failed"),
            |(_, status, title)| (*status, *title),
        );
        Self {
            kind: format!("/docs/reference/problems#{name}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            pointer: None,
            rule: None,
            hint: None,
            findings: Vec::new(),
            retry_after: None,
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the place in what was sent, and the rule.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>, rule: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self.rule = Some(rule.into());
        self
    }

    /// What a document is refused for: the first error's place and rule, and everything found.
    pub(crate) fn of_findings(name: &'static str, findings: &[Finding]) -> Self {
        let worst = findings.iter().max_by_key(|finding| finding.severity);
        let detail = worst.map_or("nothing of it was taken", |finding| &finding.message);
        let mut problem = Self::new(name, detail);
        if let Some(finding) =
            findings.iter().find(|one| Some(one.severity) == worst.map(|w| w.severity))
        {
            problem = problem.at(finding.pointer.clone(), finding.rule.clone());
            problem.detail.clone_from(&finding.message);
            problem.hint.clone_from(&finding.suggestion);
        }
        let listed = findings.iter().take(crate::limits::PROBLEM_FINDINGS_MAX);
        problem.findings = listed.filter_map(|one| serde_json::to_value(one).ok()).collect();
        problem
    }

    /// Adds when to come back.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// The name of the problem.
    #[must_use]
    pub fn name(&self) -> &str {
        self.kind.rsplit('#').next().unwrap_or_default()
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The names of all problems, with statuses and titles: for the documentation.
    pub fn all() -> impl Iterator<Item = (&'static str, u16, &'static str)> {
        KINDS.iter().map(|(name, status, title)| (*name, status.as_u16(), *title))
    }
}

impl From<NodeError> for Problem {
    fn from(error: NodeError) -> Self {
        let name = match (&error, error.kind()) {
            (NodeError::Access(AccessError::TooMany { .. }) | NodeError::Busy { .. }, _) => {
                "too-many"
            }
            (NodeError::Access(AccessError::NotFound(_)), _) => "not-found",
            (NodeError::Access(AccessError::Exists(_) | AccessError::LastOwner(_)), _) => {
                "conflict"
            }
            (_, ErrorKind::Denied) => "not-allowed",
            (NodeError::UnknownMember { .. } | NodeError::NotFound(_), _) => "not-found",
            (NodeError::MemberExists(_) | NodeError::Refused(_) | NodeError::ReadOnly(_), _) => {
                "conflict"
            }
            (_, ErrorKind::Usage) => "bad-request",
            (_, ErrorKind::Unreadable | ErrorKind::Invalid) => "invalid",
            (_, ErrorKind::Fatal) => "internal",
        };
        if name == "internal" {
            // The words may name places of the node's disk, which are for its operator.
            tracing::error!(error = %error, "a use case failed");
            let hint = "its log says more; `countermark doctor` and `countermark fsck` look closer";
            return Self::new(name, "a store of the node failed").hint(hint);
        }
        let mut problem = Self::new(name, error.to_string());
        if let NodeError::Access(AccessError::TooMany { retry_after_ms })
        | NodeError::Busy { retry_after_ms, .. } = error
        {
            problem.retry_after = Some(Duration::from_millis(retry_after_ms));
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"countermark\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(self);
        response
    }
}
