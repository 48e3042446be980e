//! Checks of single values: URIs and identifiers, times, numbers, vocabulary, units, names.

use super::{Checker, Mode};
use crate::ids;
use crate::json::Json;
use crate::path::Path;
use crate::time::{Instant, is_zone_offset};
use crate::units;
use crate::uri;
use crate::vocabulary::{Vocabulary, nearest};

/// What a JSON value is, for a message.
fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

/// At most this many characters of a value are repeated in a message.
const SHOWN_MAX: usize = 80;

/// A value as a message shows it: cut where it is long.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((cut, _)) => format!("\"{}…\"", &text[..cut]),
        None => format!("\"{text}\""),
    }
}

impl Checker<'_, '_> {
    /// The text of a string value, or an error.
    pub(crate) fn text<'j>(&mut self, value: &'j Json, at: &Path<'_>) -> Option<&'j str> {
        match value {
            Json::String(text) => Some(text),
            other => {
                self.findings.error(
                    at,
                    "type.string",
                    format!("a string is expected here, not {}", kind(other)),
                );
                None
            }
        }
    }

    /// The items of an array value, or an error.
    pub(crate) fn items<'j>(&mut self, value: &'j Json, at: &Path<'_>) -> Option<&'j [Json]> {
        match value {
            Json::Array(items) => Some(items),
            other => {
                self.findings.error(
                    at,
                    "type.array",
                    format!("an array is expected here, not {}", kind(other)),
                );
                None
            }
        }
    }

    /// The members of an object value, or an error.
    pub(crate) fn members<'j>(
        &mut self,
        value: &'j Json,
        at: &Path<'_>,
    ) -> Option<&'j [(String, Json)]> {
        match value {
            Json::Object(members) => Some(members),
            other => {
                self.findings.error(
                    at,
                    "type.object",
                    format!("an object is expected here, not {}", kind(other)),
                );
                None
            }
        }
    }

    /// A URI; a GS1 identifier must also be right in itself.
    pub(crate) fn uri(&mut self, value: &Json, at: &Path<'_>) {
        let Some(text) = self.text(value, at) else { return };
        if !uri::is_uri(text) {
            let hint = "write a GS1 Digital Link such as https://id.gs1.org/01/…, an EPC URN, or \
                        a URI of your own";
            self.findings.error_hint(
                at,
                "value.uri",
                format!("{} is not a URI", shown(text)),
                Some(hint.to_owned()),
            );
        } else if let Some(fault) = ids::fault(text) {
            self.findings.error(at, "gs1.identifier", fault.to_string());
        }
    }

    /// An array of URIs.
    pub(crate) fn uris(&mut self, value: &Json, at: &Path<'_>) {
        let Some(items) = self.items(value, at) else { return };
        for (i, item) in items.iter().enumerate() {
            self.uri(item, &at.item(i));
        }
    }

    /// A date-time with zone.
    pub(crate) fn time(&mut self, value: &Json, at: &Path<'_>) -> Option<Instant> {
        let text = self.text(value, at)?;
        match Instant::parse(text) {
            Ok(instant) => Some(instant),
            Err(fault) => {
                self.findings.error_hint(
                    at,
                    "value.date-time",
                    format!("{}: {fault}", shown(text)),
                    Some("write it as 2026-07-22T10:30:00.000+02:00".to_owned()),
                );
                None
            }
        }
    }

    /// An offset such as `+02:00`.
    pub(crate) fn offset(&mut self, value: &Json, at: &Path<'_>) {
        let Some(text) = self.text(value, at) else { return };
        if !is_zone_offset(text) {
            let hint = if matches!(text, "Z" | "z") { "write +00:00" } else { "write +02:00" };
            self.findings.error_hint(
                at,
                "value.zone-offset",
                format!("{} is not an offset between -14:00 and +14:00", shown(text)),
                Some(hint.to_owned()),
            );
        }
    }

    /// A number. One in quotes is understood in lenient mode.
    pub(crate) fn number<'j>(&mut self, value: &'j Json, at: &Path<'_>) -> Option<&'j str> {
        match value {
            Json::Number(lexeme) => Some(lexeme),
            Json::String(text) if is_number(text) => {
                self.findings.deviation(
                    at,
                    "value.number-in-quotes",
                    format!("the number {} stands in quotes", shown(text)),
                    Some(format!("write {text}")),
                );
                (self.findings.mode() == Mode::Lenient).then_some(text)
            }
            other => {
                let what = match other {
                    Json::String(text) => shown(text),
                    other => kind(other).to_owned(),
                };
                self.findings.error(at, "value.number", format!("{what} is not a number"));
                None
            }
        }
    }

    /// `true` or `false`. One in quotes is understood in lenient mode.
    pub(crate) fn boolean(&mut self, value: &Json, at: &Path<'_>) {
        match value {
            Json::Bool(_) => {}
            Json::String(text) if matches!(&**text, "true" | "false") => self.findings.deviation(
                at,
                "value.boolean-in-quotes",
                format!("the boolean {} stands in quotes", shown(text)),
                Some(format!("write {text}")),
            ),
            other => self.findings.error(
                at,
                "value.boolean",
                format!("true or false is expected here, not {}", kind(other)),
            ),
        }
    }

    /// Hexadecimal digits.
    pub(crate) fn hex(&mut self, value: &Json, at: &Path<'_>) {
        let Some(text) = self.text(value, at) else { return };
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            let message = format!("{} is not written in hexadecimal digits", shown(text));
            self.findings.error(at, "value.hex", message);
        }
    }

    /// A unit of measure. `of_quantity`: of a quantity, where the shape is binding.
    pub(crate) fn unit(&mut self, value: &Json, at: &Path<'_>, of_quantity: bool) {
        let Some(text) = self.text(value, at) else { return };
        if units::is_code(text) {
            return;
        }
        let hint = match units::suggestion(text) {
            Some(code) => format!("did you mean {code}?"),
            None => "use a code of UN/ECE Recommendation 20, such as KGM or LTR".to_owned(),
        };
        if of_quantity && !units::has_code_shape(text) {
            let message = format!("{} is not a unit code of two or three characters", shown(text));
            self.findings.error_hint(at, "unit.shape", message, Some(hint));
        } else {
            let message = format!("{} is not in UN/ECE Recommendation 20", shown(text));
            self.findings.warning(at, "unit.unknown", message, Some(hint));
        }
    }

    /// A standard word, or a user's own URI.
    pub(crate) fn word(&mut self, value: &Json, at: &Path<'_>, vocabulary: Vocabulary) {
        let Some(text) = self.text(value, at) else { return };
        if vocabulary.holds(text) {
            return;
        }
        let rule = vocabulary.rule();
        if !uri::is_uri(text) {
            if self.context.declared(text).is_some() {
                return;
            }
            let hint = match vocabulary.nearest(text) {
                Some(word) => format!("did you mean {word}?"),
                None => "use a word of the CBV, or a URI for a word of your own".to_owned(),
            };
            let message = format!("{} is not a standard word here", shown(text));
            self.findings.deviation(at, rule, message, Some(hint));
            return;
        }
        let Some(local) = vocabulary.local_name(text) else {
            self.other_standard_uri(text, at, rule);
            return;
        };
        if !vocabulary.holds(local) {
            let hint = vocabulary.nearest(local).map(|word| format!("did you mean {word}?"));
            let message = format!("{} names no standard word", shown(text));
            self.findings.deviation(at, rule, message, hint);
        } else if is_obsolete(text) {
            self.findings.deviation(
                at,
                "cbv.obsolete-uri",
                format!("{} is a spelling that the JSON binding does not have", shown(text)),
                Some(format!("write {local}")),
            );
        }
    }

    /// A standard URI of some other vocabulary cannot be a user's own word.
    fn other_standard_uri(&mut self, text: &str, at: &Path<'_>, rule: &'static str) {
        if text.starts_with("urn:epcglobal:cbv:") {
            let message = format!("{} belongs to another vocabulary", shown(text));
            self.findings.error(at, rule, message);
        }
    }

    /// The name of an extension: a URI, a compact URI, or a term that the context declares.
    /// `standard`: the names that may have been meant.
    pub(crate) fn extension_name(
        &mut self,
        name: &str,
        at: &Path<'_>,
        standard: &'static [&'static str],
    ) {
        if matches!(name, "id" | "type") || name.starts_with('@') {
            return;
        }
        if let Some((prefix, rest)) = uri::split(name) {
            if rest.is_empty() {
                self.findings.error(at, "extension.name", "the name ends after its prefix");
            } else if !uri::is_scheme(prefix)
                && self.context.prefix(prefix).is_none()
                && self.context.remote().is_empty()
            {
                self.findings.warning(
                    at,
                    "context.prefix",
                    format!("the prefix {} is declared in no context", shown(prefix)),
                    Some(format!("add {{\"{prefix}\": \"https://…\"}} to @context")),
                );
            }
            return;
        }
        if self.context.declared(name).is_some() {
            return;
        }
        let hint = match nearest(name, standard) {
            Some(meant) => format!("did you mean {meant}? otherwise give the name a prefix"),
            None => "give the name a prefix that @context declares, as in example:name".to_owned(),
        };
        let message = format!("{} is no standard member and has no namespace", shown(name));
        if self.context.remote().is_empty() {
            self.findings.deviation(at, "extension.name", message, Some(hint));
        } else {
            // A context that is not read here may define it.
            let message = format!("{message}; taken as an extension of a context not read here");
            self.findings.warning(at, "extension.name", message, None);
        }
    }

    /// A member that the standard does not know where extensions are not allowed.
    pub(crate) fn no_extension(
        &mut self,
        name: &str,
        at: &Path<'_>,
        standard: &'static [&'static str],
    ) {
        if name.starts_with('@') {
            return;
        }
        let hint = match nearest(name, standard) {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("allowed here: {}", standard.join(", ")),
        };
        let message = format!("{} is not allowed here", shown(name));
        if uri::is_uri(name) {
            self.findings.deviation(at, "member.not-allowed", message, Some(hint));
        } else {
            self.findings.error_hint(at, "member.not-allowed", message, Some(hint));
        }
    }
}

/// Whether a standard URI has a form that CBV 2.0 left behind or does not allow in JSON.
fn is_obsolete(text: &str) -> bool {
    text.starts_with("urn:epcglobal:cbv:")
        || text.contains("://ns.gs1.org/cbv/")
        || text.contains("://gs1.org/voc/")
        || text.contains("://www.gs1.org/voc/")
}

/// Whether a text is a JSON number.
fn is_number(text: &str) -> bool {
    matches!(crate::json::parse(text.as_bytes()), Ok(Json::Number(_)))
}
