//! How answers look as JSON where that is not how their types look: the shapes are those of
//! `docs/reference/schemas`.

/// Event ids as `[{"eventID": …}]`.
pub(crate) mod event_ids {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Named<T> {
        #[serde(rename = "eventID")]
        event_id: T,
    }

    pub(crate) fn serialize<S: Serializer>(
        ids: &[String],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(ids.iter().map(|id| Named { event_id: id.as_str() }))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<String>, D::Error> {
        let named = Vec::<Named<String>>::deserialize(deserializer)?;
        Ok(named.into_iter().map(|named| named.event_id).collect())
    }
}

/// Findings with the file that each is of: `{pointer, rule, severity, message, suggestion?, file}`.
pub(crate) mod of_files {
    use countermark_epcis::{Finding, Severity};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct OfFile {
        pointer: String,
        rule: String,
        #[serde(default = "error")]
        severity: Severity,
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        suggestion: Option<String>,
        #[serde(default)]
        file: String,
    }

    fn error() -> Severity {
        Severity::Error
    }

    pub(crate) fn serialize<S: Serializer>(
        findings: &[(String, Finding)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(findings.iter().map(|(file, finding)| OfFile {
            pointer: finding.pointer.clone(),
            rule: finding.rule.clone(),
            severity: finding.severity,
            message: finding.message.clone(),
            suggestion: finding.suggestion.clone(),
            file: file.clone(),
        }))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(String, Finding)>, D::Error> {
        let findings = Vec::<OfFile>::deserialize(deserializer)?;
        let split = |one: OfFile| {
            let mut finding = Finding::new(one.severity, one.pointer, one.rule, one.message);
            finding.suggestion = one.suggestion;
            (one.file, finding)
        };
        Ok(findings.into_iter().map(split).collect())
    }
}

/// A number as it was written, in its own characters, or null.
pub(crate) mod lexeme {
    use countermark_epcis::json::Json;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        lexeme: &Option<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        lexeme.clone().map_or(Json::Null, Json::Number).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Null => Ok(None),
            Json::Number(lexeme) | Json::String(lexeme) => Ok(Some(lexeme)),
            _ => Err(D::Error::custom("a quantity is a number or null")),
        }
    }
}

/// Why a node stopped, as `{kind, message}`.
pub(crate) mod failure {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::error::{ErrorKind, NodeError};

    #[derive(Serialize, Deserialize)]
    struct Failure {
        kind: ErrorKind,
        message: String,
    }

    pub(crate) fn serialize<S: Serializer>(
        failed: &Option<NodeError>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let failure =
            |error: &NodeError| Failure { kind: error.kind(), message: error.to_string() };
        failed.as_ref().map(failure).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<NodeError>, D::Error> {
        let failure = Option::<Failure>::deserialize(deserializer)?;
        Ok(failure.map(|failure| NodeError::Told { kind: failure.kind, what: failure.message }))
    }
}

/// A value that may be absent, and that may be null where it is there.
pub(crate) mod present {
    use countermark_epcis::json::Json;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<Json>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Json>, D::Error> {
        Json::deserialize(deserializer).map(Some)
    }
}
