//! The tree that every reader gives: plain JSON in which each object knows its place in the
//! document, in the words a person uses to find it again.

use countermark_epcis::Finding;
use countermark_epcis::json::Json;

/// Member of each object of a tree that holds the object's place in the document.
pub const PLACE: &str = "@at";

/// The formats that there are readers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Delimited text, one header line.
    Csv,
    /// Office Open XML spreadsheet.
    Xlsx,
    /// ANSI ASC X12 interchange, or bare transaction sets.
    X12,
    /// SAP IDoc as XML.
    Idoc,
    /// JSON: one document, an array of documents, or one document a line.
    Json,
}

impl Format {
    /// The word for the format in `map.toml`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Xlsx => "xlsx",
            Format::X12 => "x12",
            Format::Idoc => "idoc",
            Format::Json => "json",
        }
    }
}

/// What a reader makes of a document.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The format that was read.
    pub format: Format,
    /// SHA-256 of the bytes that were read.
    pub digest: [u8; 32],
    /// The document. Each object has the member [`PLACE`].
    pub root: Json,
    /// For tables: our name of each mapped column, and the header that stands in the document.
    pub columns: Vec<(String, String)>,
    /// What the reader remarks about the document's form.
    pub findings: Vec<Finding>,
}

impl Tree {
    /// A tree without columns or findings.
    #[must_use]
    pub fn new(format: Format, root: Json) -> Self {
        Tree { format, digest: [0; 32], root, columns: Vec::new(), findings: Vec::new() }
    }

    /// Where in the document the value at a JSON pointer of this tree stands: `row 3, column
    /// "Lot #"`, `segment 17 LIN element 3`, `/DELVRY07/IDOC/E1EDL20/E1EDL24[2]/CHARG`, a JSON
    /// pointer. A pointer to nothing gives the place of the nearest object above it.
    #[must_use]
    pub fn place(&self, pointer: &str) -> String {
        let mut tokens: Vec<&str> = pointer.split('/').skip(1).collect();
        let mut below: Vec<&str> = Vec::new();
        loop {
            let above: String = tokens.iter().map(|token| format!("/{token}")).collect();
            let at = self.root.pointer(&above).and_then(|value| value.get(PLACE));
            if let Some(at) = at.and_then(Json::as_str) {
                let member =
                    below.last().map(|token| countermark_epcis::json::unescape_token(token));
                return match member {
                    Some(member) => self.in_document_words(&member_place(at, &member)),
                    None => at.to_owned(),
                };
            }
            match tokens.pop() {
                Some(token) => below.push(token),
                None => return pointer.to_owned(),
            }
        }
    }

    /// A place that names one of our column names, with the document's own header instead.
    #[must_use]
    pub fn in_document_words(&self, place: &str) -> String {
        let Some((row, ours)) = place.split_once(", column \"") else { return place.to_owned() };
        let ours = ours.trim_end_matches('"');
        match self.columns.iter().find(|(name, _)| name == ours) {
            Some((_, header)) => format!("{row}, column \"{header}\""),
            None => place.to_owned(),
        }
    }
}

/// The place of a member, given the place of its object. The object's place tells the format:
/// rows have columns, segments have elements, everything else is a path.
#[must_use]
pub fn member_place(at: &str, member: &str) -> String {
    if at.starts_with("row ") {
        return format!("{at}, column \"{member}\"");
    }
    if at.starts_with("segment ") {
        let number = member.strip_prefix('e').and_then(|n| n.parse::<u32>().ok());
        return match number {
            Some(number) => format!("{at} element {number}"),
            None => at.to_owned(),
        };
    }
    let escaped = countermark_epcis::json::escape_token(member);
    format!("{}/{escaped}", at.trim_end_matches('/'))
}

/// An object with its place as first member.
#[must_use]
pub(crate) fn placed(at: impl Into<String>) -> Vec<(String, Json)> {
    vec![(PLACE.to_owned(), Json::String(at.into()))]
}
