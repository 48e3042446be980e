//! What a check says about a document: where, which rule, how bad, and what to do.
//!
//! Rules have stable names. *E* is an error; *S* an error in strict mode and a warning in lenient
//! mode; *W* a warning; *N* a note.
//!
//! | rule | | says that |
//! | --- | --- | --- |
//! | `document.size`, `document.xml`, `document.json` | E | the bytes cannot be read: too many, XML, no unambiguous JSON |
//! | `document.form`, `document.type`, `document.version` | E | it is no EPCIS 2.x document |
//! | `context.required` | S | `@context` is missing |
//! | `context.form`, `context.size` | E | `@context` has a wrong form, or is too long for so many events |
//! | `context.epcis`, `context.prefix` | W | GS1's context is missing, a prefix is declared nowhere |
//! | `context.remote` | N | a context is not read |
//! | `member.required` | E | a member is missing |
//! | `member.not-allowed` | E, S with a namespace | a member cannot stand in an object that takes no extensions |
//! | `event.type`, `event.action`, `event.member`, `event.what`, `event.ilmd`, `event.biz-transaction` | E | the event breaks the rules of its type |
//! | `event.id-twice` | W | two events share an id and neither is withdrawn |
//! | `extension.name` | S | a member is neither standard nor has a namespace |
//! | `type.string`, `type.array`, `type.object` | E | a value has the wrong JSON type |
//! | `value.uri`, `value.date-time`, `value.zone-offset`, `value.number`, `value.boolean`, `value.hex` | E | a value has the wrong form |
//! | `value.number-in-quotes`, `value.boolean-in-quotes` | S | a number or boolean stands in quotes |
//! | `gs1.identifier` | E | a GS1 identifier is wrong: length, characters, check digit |
//! | `cbv.biz-step`, `cbv.disposition`, `cbv.biz-transaction-type`, `cbv.source-dest-type`, `cbv.error-reason`, `cbv.measurement-type`, `cbv.alert-type`, `cbv.component` | S | a word is not in the vocabulary and no URI |
//! | `cbv.obsolete-uri` | S | a standard word has a spelling that JSON does not allow |
//! | `unit.shape` | E | the unit of a quantity has not the shape of a code |
//! | `unit.unknown`, `quantity.unit-alone` | W | a unit is not in the list, or has no quantity |
//! | `quantity.sign` | E | a quantity is negative |
//! | `list.empty` | E | a list has no item |
//! | `list.twice` | S | an item stands twice |
//! | `sensor.interval` | W | an interval ends before it begins |
//! | `findings.more` | N | there were more findings than are kept |

use serde::{Deserialize, Serialize};

use crate::json::Json;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
