//! Where the reader stands in a document: a chain on the stack that becomes a JSON pointer only
//! when a finding needs one, so that a document without findings costs no text.

use crate::json::escape_token;

/// A place in a document.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Path<'a> {
    /// The start, as a JSON pointer of its own.
    Root(&'a str),
    /// A member of an object.
    Member(&'a Path<'a>, &'a str),
    /// An item of an array.
    Item(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    pub(crate) fn member(&'a self, name: &'a str) -> Path<'a> {
        Path::Member(self, name)
    }

    pub(crate) fn item(&'a self, index: usize) -> Path<'a> {
        Path::Item(self, index)
    }

    /// The JSON pointer (RFC 6901) of the place.
    pub(crate) fn pointer(&self) -> String {
        match self {
            Path::Root(pointer) => (*pointer).to_owned(),
            Path::Member(parent, name) => format!("{}/{}", parent.pointer(), escape_token(name)),
            Path::Item(parent, index) => format!("{}/{index}", parent.pointer()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_becomes_a_pointer() {
        let root = Path::Root("/epcisBody/eventList/3");
        let list = root.member("example:a/b");
        assert_eq!(list.item(0).pointer(), "/epcisBody/eventList/3/example:a~1b/0");
    }
}
