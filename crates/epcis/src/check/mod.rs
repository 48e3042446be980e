//! Validation of one event: required and allowed members, vocabulary, times, identifiers, units.
//!
//! Every fault of an event is found, not only the first. In strict mode what the standard forbids
//! is an error; in lenient mode what can be understood without guessing is a warning instead.

mod event;
mod parts;
mod values;

pub(crate) use event::check_event;

use crate::context::Context;
use crate::finding::{Finding, Severity};
use crate::path::Path;

/// At most this many findings are kept of one document; one more says that there were others.
pub const FINDINGS_MAX: usize = 1000;

/// How much deviation from the standard is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// What the standard forbids is refused.
    Strict,
    /// What can be understood without guessing is taken, and reported as a warning: CBV words as
    /// URNs or full URIs, numbers and booleans in quotes, words outside the vocabulary, members
    /// without namespace, a missing `@context`.
    Lenient,
}

/// Collects the findings about one document.
pub(crate) struct Findings {
    mode: Mode,
    list: Vec<Finding>,
    more: bool,
    errors: bool,
}

impl Findings {
    pub(crate) fn new(mode: Mode) -> Self {
        Findings { mode, list: Vec::new(), more: false, errors: false }
    }

    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    pub(crate) fn any_error(&self) -> bool {
        self.errors
    }

    pub(crate) fn push(&mut self, finding: Finding) {
        self.errors |= finding.severity == Severity::Error;
        if self.list.len() < FINDINGS_MAX {
            self.list.push(finding);
        } else {
            self.more = true;
        }
    }

    /// An error in either mode.
    pub(crate) fn error(&mut self, at: &Path<'_>, rule: &'static str, message: impl Into<String>) {
        self.push(Finding::error(at.pointer(), rule, message));
    }

    /// An error in either mode, with what to do.
    pub(crate) fn error_hint(
        &mut self,
        at: &Path<'_>,
        rule: &'static str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let mut finding = Finding::error(at.pointer(), rule, message);
        finding.suggestion = hint;
        self.push(finding);
    }

    /// A warning in either mode.
    pub(crate) fn warning(
        &mut self,
        at: &Path<'_>,
        rule: &'static str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let mut finding = Finding::warning(at.pointer(), rule, message);
        finding.suggestion = hint;
        self.push(finding);
    }

    /// An error in strict mode, a warning in lenient mode.
    pub(crate) fn deviation(
        &mut self,
        at: &Path<'_>,
        rule: &'static str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let severity = if self.mode == Mode::Strict { Severity::Error } else { Severity::Warning };
        let mut finding = Finding::new(severity, at.pointer(), rule, message);
        finding.suggestion = hint;
        self.push(finding);
    }

    /// Everything found, in document order.
    pub(crate) fn into_list(mut self) -> Vec<Finding> {
        if self.more {
            self.list.push(Finding::note(
                "",
                "findings.more",
                format!("more than {FINDINGS_MAX} findings; the others are left out"),
            ));
        }
        self.list
    }
}

/// The checks of one event share where findings go and what prefixes mean.
pub(crate) struct Checker<'f, 'c> {
    pub(crate) findings: &'f mut Findings,
    pub(crate) context: &'c Context<'c>,
}
