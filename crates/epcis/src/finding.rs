//! What a check says about a document: where, which rule, how bad, and what to do.

use crate::json::Json;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing has to change.
    Note,
    /// Taken, but the sender should repair it.
    Warning,
    /// Not valid; the document is refused.
    Error,
}

impl Severity {
    /// The word used in reports: `error`, `warning` or `note`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// One remark about one place of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where: a JSON pointer (RFC 6901) into the document that was read.
    pub pointer: String,
    /// Which rule: a short stable name such as `cbv.biz-step`.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to do about it, where that is known.
    pub suggestion: Option<String>,
}

impl Finding {
    /// A finding without suggestion.
    #[must_use]
    pub fn new(
        severity: Severity,
        pointer: impl Into<String>,
        rule: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Finding {
            pointer: pointer.into(),
            rule: rule.into(),
            severity,
            message: message.into(),
            suggestion: None,
        }
    }

    /// An error without suggestion.
    #[must_use]
    pub fn error(
        pointer: impl Into<String>,
        rule: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Finding::new(Severity::Error, pointer, rule, message)
    }

    /// A warning without suggestion.
    #[must_use]
    pub fn warning(
        pointer: impl Into<String>,
        rule: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Finding::new(Severity::Warning, pointer, rule, message)
    }

    /// A note without suggestion.
    #[must_use]
    pub fn note(
        pointer: impl Into<String>,
        rule: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Finding::new(Severity::Note, pointer, rule, message)
    }

    /// The same finding with what to do about it.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// `{pointer, rule, severity, message, suggestion?}`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut members = vec![
            ("pointer".to_owned(), Json::string(&*self.pointer)),
            ("rule".to_owned(), Json::string(&*self.rule)),
            ("severity".to_owned(), Json::string(self.severity.as_str())),
            ("message".to_owned(), Json::string(&*self.message)),
        ];
        if let Some(suggestion) = &self.suggestion {
            members.push(("suggestion".to_owned(), Json::string(&**suggestion)));
        }
        Json::Object(members)
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = if self.pointer.is_empty() { "(document)" } else { &*self.pointer };
        write!(f, "{place}: {} [{}] {}", self.severity.as_str(), self.rule, self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

/// Whether any of the findings is an error.
#[must_use]
pub fn any_error(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}
