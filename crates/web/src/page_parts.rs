//! Parts that pages show alike; `templates/parts.html` draws them.

use countermark_epcis::finding::Finding as Found;

use crate::problem::Problem;

/// What is known of a statement: never two states, always four.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Computed, and it holds.
    Proven,
    /// Computed, and it does not hold.
    Contradicted,
    /// Could be computed, and was not.
    NotChecked,
    /// What it takes is not for this reader, or is gone.
    NotAvailable,
}

impl State {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Contradicted => "contradicted",
            Self::NotChecked => "unchecked",
            Self::NotAvailable => "absent",
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Contradicted => "contradicted",
            Self::NotChecked => "not checked",
            Self::NotAvailable => "not available to you",
        }
    }
}

/// A finding as pages show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: String,
    pub(crate) rule: String,
    pub(crate) message: String,
    pub(crate) place: String,
    pub(crate) hint: String,
}

impl Finding {
    /// A finding in a file: places of foreign documents stand as they are, in words.
    pub(crate) fn of(file: &str, found: &Found) -> Self {
        let place = match (file.is_empty(), found.pointer.is_empty()) {
            (true, _) => found.pointer.clone(),
            (false, true) => file.to_owned(),
            (false, false) => format!("{file}: {}", found.pointer),
        };
        Self {
            severity: found.severity.as_str().to_owned(),
            rule: found.rule.clone(),
            message: found.message.clone(),
            place,
            hint: found.suggestion.clone().unwrap_or_default(),
        }
    }
}

/// A field of a form.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) value: String,
    pub(crate) hint: &'static str,
    pub(crate) autocomplete: &'static str,
    pub(crate) required: bool,
    pub(crate) error: String,
}

impl Field {
    /// A text that has to be given.
    pub(crate) fn text(name: &'static str, label: &'static str) -> Self {
        Self {
            name,
            label,
            kind: "text",
            value: String::new(),
            hint: "",
            autocomplete: "off",
            required: true,
            error: String::new(),
        }
    }

    pub(crate) fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    pub(crate) fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    pub(crate) fn autocomplete(mut self, autocomplete: &'static str) -> Self {
        self.autocomplete = autocomplete;
        self
    }

    pub(crate) fn optional(mut self) -> Self {
        self.required = false;
        self
    }
}

/// What came of a form that was sent.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) good: bool,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) hint: String,
}

impl Notice {
    pub(crate) fn done(title: impl Into<String>) -> Self {
        Self { good: true, title: title.into(), text: String::new(), hint: String::new() }
    }

    pub(crate) fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    pub(crate) fn refused(problem: &Problem) -> Self {
        Self {
            good: false,
            title: problem.title.to_owned(),
            text: problem.detail.clone(),
            hint: problem.hint.clone().unwrap_or_default(),
        }
    }

    pub(crate) fn class(&self) -> &'static str {
        if self.good { "ok" } else { "error" }
    }

    pub(crate) fn role(&self) -> &'static str {
        if self.good { "status" } else { "alert" }
    }
}

/// Bytes in hexadecimal, as ids are written.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A moment (RFC 3339, UTC) as people read it, to the minute.
pub(crate) fn moment(text: &str) -> String {
    match text.get(..16).zip(text.ends_with('Z').then_some(())) {
        Some((minute, ())) => format!("{} UTC", minute.replace('T', " ")),
        None => text.to_owned(),
    }
}
