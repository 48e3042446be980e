//! JSON: one document, an array of documents, or one document a line.

use countermark_epcis::json::{self, Json, JsonError, JsonErrorKind, escape_token};

use super::ReadError;
use crate::limits;
use crate::tree::{Format, PLACE, Tree, placed};

/// Reads JSON into `{documents: [...]}`. Places are JSON pointers into the file, or
/// `line 3 /temp_c` where each line is a document.
///
/// # Errors
/// With line and column of the first fault.
pub fn read(bytes: &[u8]) -> Result<Tree, ReadError> {
    let documents = match json::parse(bytes) {
        Ok(Json::Array(items)) => items
            .into_iter()
            .enumerate()
            .map(|(at, item)| with_places(item, &format!("/{at}")))
            .collect(),
        Ok(document) => vec![with_places(document, "")],
        Err(error) if is_lines(bytes) => lines(bytes, &error)?,
        Err(error) => return Err(fault(&error, 0)),
    };
    if documents.len() > limits::JSON_LINES_MAX {
        let message = format!("more than {} documents", limits::JSON_LINES_MAX);
        return Err(ReadError::new("document", "json-documents", message, "split the file"));
    }
    let mut root = placed("");
    root.push(("documents".to_owned(), Json::Array(documents)));
    Ok(Tree::new(Format::Json, Json::Object(root)))
}

/// Whether the first line that is not blank is a JSON document of its own.
fn is_lines(bytes: &[u8]) -> bool {
    let mut lines =
        bytes.split(|b| *b == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace));
    lines.next().is_some_and(|line| matches!(json::parse(line), Ok(Json::Object(_))))
        && lines.next().is_some()
}

fn lines(bytes: &[u8], _whole: &JsonError) -> Result<Vec<Json>, ReadError> {
    let mut documents = Vec::new();
    for (at, line) in bytes.split(|b| *b == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if documents.len() == limits::JSON_LINES_MAX {
            let message = format!("more than {} lines", limits::JSON_LINES_MAX);
            let place = format!("line {}", at + 1);
            return Err(ReadError::new(place, "json-documents", message, "split the file"));
        }
        let document = json::parse(line).map_err(|error| fault(&error, at))?;
        documents.push(with_places(document, &format!("line {} ", at + 1)));
    }
    Ok(documents)
}

fn fault(error: &JsonError, lines_before: usize) -> ReadError {
    let place = format!("line {}, column {}", error.line + lines_before, error.column);
    let rule = match error.kind {
        JsonErrorKind::Truncated => "json-truncated",
        JsonErrorKind::Encoding => "encoding",
        JsonErrorKind::DuplicateName(_) => "json-duplicate-name",
        JsonErrorKind::Depth => "json-depth",
        JsonErrorKind::Values(_) => "json-size",
        _ => "json-syntax",
    };
    ReadError::new(place, rule, error.kind.to_string(), "send the document again as it left")
}

/// The same value with the place of each object in it. Our member comes first; a member of that
/// name in the document would lie about its place and is dropped.
fn with_places(value: Json, at: &str) -> Json {
    match value {
        Json::Object(members) => {
            let mut out = placed(at);
            for (name, member) in members {
                if name != PLACE {
                    let below = format!("{at}/{}", escape_token(&name));
                    out.push((name, with_places(member, &below)));
                }
            }
            Json::Object(out)
        }
        Json::Array(items) => Json::Array(
            items
                .into_iter()
                .enumerate()
                .map(|(index, item)| with_places(item, &format!("{at}/{index}")))
                .collect(),
        ),
        scalar => scalar,
    }
}
