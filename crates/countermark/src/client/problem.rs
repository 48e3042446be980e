//! Why a server did not do what was asked.

use std::fmt;

use countermark_epcis::Finding;
use countermark_net::http::{Answer, HttpError};
use serde::Deserialize;

use crate::{DENIED, DOES_NOT_HOLD, UNREACHABLE, USAGE};

/// Characters of an answer that is no problem document, shown at most.
const TEXT_MAX: usize = 200;

/// Problem details (RFC 9457), as far as a person needs them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Details {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    detail: String,
    pointer: Option<String>,
    rule: Option<String>,
    hint: Option<String>,
    findings: Vec<Finding>,
}

/// Why a server did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// No answer came.
    #[error(transparent)]
    Http(HttpError),
    /// It refuses.
    #[error("{server} says {status}: {details}")]
    Problem { server: String, status: u16, details: Box<Details> },
    /// It sends us elsewhere, where the API key must not go unasked.
    #[error("{0} sends callers to another address; give that one as --server")]
    Elsewhere(String),
    /// It answers otherwise than a node does.
    #[error("{server} does not answer as a node of this version does: {what}")]
    Answer { server: String, what: String },
    /// The job that it took was not seen to end.
    #[error(
        "{server} took the document as capture job {job}, but how it ended was not learned: {what}; \
         the job goes on there, and capturing the same document again records nothing twice"
    )]
    Unfinished { server: String, job: String, what: String, code: u8 },
}

impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        if let Some(pointer) = self.pointer.as_deref().filter(|pointer| !pointer.is_empty()) {
            write!(f, " (at {pointer})")?;
        }
        if let Some(rule) = &self.rule {
            write!(f, " [{rule}]")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        for finding in &self.findings {
            write!(f, "\n  {finding}")?;
        }
        Ok(())
    }
}

impl ClientError {
    /// The exit code that says what can be done about it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Http(
                HttpError::Url { .. } | HttpError::Certificate(_) | HttpError::Header(_),
            )
            | Self::Elsewhere(_) => USAGE,
            Self::Http(HttpError::TooLarge { .. }) | Self::Answer { .. } => DOES_NOT_HOLD,
            Self::Http(_) => UNREACHABLE,
            Self::Problem { status: 401 | 403, .. } => DENIED,
            Self::Problem { status: 429 | 502..=504, .. } => UNREACHABLE,
            Self::Problem { status: 400, .. } => USAGE,
            Self::Problem { details, .. } if details.kind.ends_with("#unknown-member") => USAGE,
            Self::Problem { .. } => DOES_NOT_HOLD,
            Self::Unfinished { code, .. } => *code,
        }
    }
}

/// What a server says that refuses.
pub(super) fn refused(server: &str, answer: &Answer) -> ClientError {
    let is_problem = answer.header("content-type").is_some_and(|t| t.contains("problem+json"));
    let details = is_problem.then(|| serde_json::from_slice::<Details>(&answer.body).ok());
    let details = details.flatten().unwrap_or_else(|| {
        let text = String::from_utf8_lossy(&answer.body);
        let plain = text.chars().filter(|c| !c.is_control()).take(TEXT_MAX).collect();
        Details {
            title: "no reason that can be read".to_owned(),
            detail: plain,
            ..Details::default()
        }
    });
    ClientError::Problem {
        server: server.to_owned(),
        status: answer.status,
        details: Box::new(details),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, media_type: &str, body: &str) -> ClientError {
        let headers = vec![("content-type".to_owned(), media_type.to_owned())];
        refused("https://x", &Answer { status, headers, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn a_problem_says_all_that_it_knows_and_has_its_exit_code() {
        let body = r#"{"type":"/docs/reference/problems#invalid","title":"What was sent breaks a rule",
            "status":422,"detail":"one event is wrong","pointer":"/epcisBody","rule":"event.type",
            "hint":"correct it","findings":[{"pointer":"/a","rule":"value.uri","severity":"error",
            "message":"no URI"}],"instance":"/capture"}"#;
        let error = answer(422, "application/problem+json", body);
        let text = error.to_string();
        assert_eq!(
            text,
            "https://x says 422: What was sent breaks a rule: one event is wrong (at /epcisBody) \
             [event.type]; correct it\n  /a: error [value.uri] no URI"
        );
        assert_eq!(error.exit_code(), DOES_NOT_HOLD);
        let code = |status| answer(status, "application/problem+json", "{}").exit_code();
        assert_eq!([401, 403, 400, 404, 409, 500].map(code), [5, 5, 2, 1, 1, 1]);
        assert_eq!([429, 503].map(code), [6, 6]);
    }

    #[test]
    fn what_is_no_problem_document_is_shown_short_and_on_one_line() {
        let text = answer(502, "text/html", &format!("<html>\n{}", "x".repeat(500))).to_string();
        assert!(text.len() < 300 && !text.contains('\n'), "{text}");
    }
}
